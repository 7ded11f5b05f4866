//! Learns to read handwritten digits with a small convolutional network; the digits are those in data/mnist-sample.
//!
//!     cargo run --release --example cnn

use std::path::Path;
use std::time::Instant;

use flambeau::data::Idx;
use flambeau::optim::schedulers::{ExponentialLR, ExponentialLROptions};
use flambeau::prelude::*;

/// A model of one's own: layers as fields; names in state dicts, printing and modes follow from them.
#[derive(Module)]
pub struct Net {
    conv1: Conv2d,
    conv2: Conv2d,
    dropout: Dropout,
    fc1: Linear,
    fc2: Linear,
}

impl Net {
    /// With initial weights from the default generator.
    pub fn new() -> Result<Net> {
        Ok(Net {
            conv1: Conv2d::new(1, 16, 3)?,
            conv2: Conv2d::new(16, 32, 3)?,
            dropout: Dropout::new(0.25)?,
            fc1: Linear::new(32 * 5 * 5, 64)?,
            fc2: Linear::new(64, 10)?,
        })
    }
}

impl Forward for Net {
    /// `N 1 28 28 -> N 10`.
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let x = self.conv1.forward(input)?.relu()?.max_pool2d(&[2])?; // 16 x 13 x 13
        let x = self.conv2.forward(&x)?.relu()?.max_pool2d(&[2])?; // 32 x 5 x 5
        let x = self.dropout.forward(&x.flatten_with(1, -1)?)?;
        self.fc2.forward(&self.fc1.forward(&x)?.relu()?)
    }
}

/// The digits of a split: pictures (`N 1 28 28`, mean and deviation of MNIST taken out) and labels.
fn read(split: &str) -> Result<(Tensor, Tensor)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/mnist-sample");
    let read = |kind: &str| Idx::read(folder.join(format!("sample-{split}-{kind}-ubyte.gz")))?.to_tensor();
    let images = (read("images-idx3")?.unsqueeze(1)?.to_dtype(DType::F32)? / 255.0 - 0.1307) / 0.3081;
    Ok((images, read("labels-idx1")?.to_dtype(DType::I64)?))
}

/// Trains; after each epoch `told` gets the mean loss and the share of held-back digits read right. An epoch may stop after
/// some batches.
pub fn train(seed: u64, epochs: usize, batches: usize, mut told: impl FnMut(f64, f64)) -> Result<Net> {
    manual_seed(seed);
    let (images, labels) = read("train")?;
    let digits = DataLoader::new(TensorDataset::new((images, labels))?).batch_size(64)?.shuffle(true);
    let (images, labels) = read("t10k")?;
    let held_back = DataLoader::new(TensorDataset::new((images, labels))?).batch_size(250)?;

    let model = Net::new()?;
    let mut optimizer = Adam::new(model.parameters(), AdamOptions { lr: 2e-3, ..Default::default() })?;
    let mut scheduler = ExponentialLR::new(&mut optimizer, ExponentialLROptions { gamma: 0.7 })?;
    for _ in 0..epochs {
        model.train();
        let (mut total, mut count) = (0.0, 0);
        for batch in digits.iter()?.take(batches) {
            let (images, labels) = batch?;
            optimizer.zero_grad()?;
            let loss = model.forward(&images)?.cross_entropy(&labels)?;
            loss.backward()?;
            optimizer.step()?;
            total += loss.item()?.to_f64() * labels.numel() as f64;
            count += labels.numel();
        }
        scheduler.step(&mut optimizer)?;
        told(total / count as f64, no_grad(|| test(&model, &held_back))?);
    }
    Ok(model)
}

/// The share of digits read right.
fn test(model: &Net, loader: &DataLoader) -> Result<f64> {
    model.eval();
    let mut right = 0;
    for batch in loader.iter()? {
        let (images, labels) = batch?;
        right += model.forward(&images)?.argmax_with(Some(1), false)?.eq(&labels)?.sum()?.item()?.to_i64();
    }
    Ok(right as f64 / loader.samples() as f64)
}

fn main() -> Result<()> {
    let (mut epoch, mut begun) = (0, Instant::now());
    let model = train(0, 5, usize::MAX, |loss, right| {
        epoch += 1;
        let seconds = begun.elapsed().as_secs_f64();
        println!("epoch {epoch}: loss {loss:.5}, held back {:.1}%, {seconds:.1} s", 100.0 * right);
        begun = Instant::now();
    })?;
    println!("{model}");
    Ok(())
}
