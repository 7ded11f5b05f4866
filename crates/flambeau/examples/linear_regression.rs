//! Fits a line to points by gradient descent: the smallest training loop there is.
//!
//!     cargo run --release --example linear_regression

use flambeau::prelude::*;

/// Trains from a seed; the loss after each epoch, and the model.
pub fn train(seed: u64) -> Result<(Vec<f64>, Linear)> {
    manual_seed(seed);

    // Points around y = 2 x1 - 3.4 x2 + 4.2.
    let features = ops::randn(&[1000, 2])?;
    let labels = features.matmul(&tensor![2.0, -3.4])? + 4.2 + ops::randn(&[1000])? * 0.01;

    let model = Linear::new(2, 1)?;
    let loss_of = MSELoss::default();
    let mut optimizer = SGD::new(model.parameters(), SGDOptions { lr: 0.03, ..Default::default() })?;
    let predict = |x: &Tensor| model.forward(x)?.squeeze_dim(1);

    let mut losses = Vec::new();
    for _ in 0..3 {
        for at in ops::randperm(1000)?.split(10)? {
            optimizer.zero_grad()?;
            let loss = loss_of.forward(&predict(&features.index_select(0, &at)?)?, &labels.index_select(0, &at)?)?;
            loss.backward()?;
            optimizer.step()?;
        }
        losses.push(no_grad(|| loss_of.forward(&predict(&features)?, &labels))?.item()?.to_f64());
    }
    Ok((losses, model))
}

fn main() -> Result<()> {
    let (losses, model) = train(0)?;
    for (i, loss) in losses.iter().enumerate() {
        println!("epoch {}: loss {loss:.6}", i + 1);
    }
    let (w, b) = (model.weight.to_vec::<f32>()?, model.bias.as_ref().map(|b| b.item()).transpose()?);
    println!("y = {:.2} x1 {:+.2} x2 {:+.2}", w[0], w[1], b.map_or(0.0, |b| b.to_f64()));
    Ok(())
}
