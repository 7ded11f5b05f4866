//! Reads handwritten digits with a trained model: all that a program needs which only uses one.
//!
//!     cargo run --release --example predict -- [model.pt] [images.idx]
//!
//! The model is that of `make demo` or of the example `mnist` (runs/mnist/), the images an IDX file of 28 x 28 pixels; without
//! one it takes the first of data/mnist-sample.

use std::path::{Path, PathBuf};

use flambeau::data::Idx;
use flambeau::nn::{Forward, Linear, Module, ReLU, Sequential, sequential};
use flambeau::{DType, Error, Result, Tensor, autograd::no_grad};

/// 784-128-64-10, with the weights of a file.
pub fn model(path: &Path) -> Result<Sequential> {
    let model = sequential![Linear::new(784, 128)?, ReLU, Linear::new(128, 64)?, ReLU, Linear::new(64, 10)?];
    model.load_state_dict(&flambeau::load(path)?)?;
    model.eval();
    Ok(model)
}

/// The digit of each image, and how sure the model is. Shape: `N 28 28` of pixels from 0 to 255.
pub fn read(model: &Sequential, pixels: &Tensor) -> Result<Vec<(i64, f64)>> {
    if pixels.dim() != 3 || pixels.size()[1..] != [28, 28] {
        return Err(Error::value(format!(
            "images of 28 x 28 pixels are wanted, but got the shape {:?}",
            pixels.size()
        )));
    }
    let x = pixels.flatten_with(1, -1)?.to_dtype(DType::F32)?.div(255.0)?.sub(0.5)?.div(0.5)?;
    let (sure, digits) = no_grad(|| model.forward(&x)?.softmax(1)?.max_dim(1))?;
    let sure = sure.to_vec::<f32>()?.into_iter().map(f64::from);
    Ok(digits.to_vec::<i64>()?.into_iter().zip(sure).collect())
}

fn main() -> Result<()> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut words = std::env::args().skip(1).map(PathBuf::from);
    let model_path = words.next().unwrap_or_else(|| root.join("runs/mnist/model.pt"));
    let images = words.next().unwrap_or_else(|| root.join("data/mnist-sample/sample-t10k-images-idx3-ubyte.gz"));
    let model = model(&model_path)?;
    for (i, (digit, sure)) in read(&model, &Idx::read(images)?.to_tensor()?)?.iter().take(10).enumerate() {
        println!("image {i}: {digit} ({:.1}% sure)", 100.0 * sure);
    }
    Ok(())
}
