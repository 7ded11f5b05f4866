//! Learns to read handwritten digits: 784-128-64-10, 4,000 digits to train on, 1,000 held back to test with.
//!
//!     cargo run --release --example mnist -- --epochs 20 --seed 0
//!
//! Leaves the trained model in runs/mnist/model-rust.pt, which `torch.load` reads too.

use std::path::{Path, PathBuf};
use std::time::Instant;

use flambeau::data::Idx;
use flambeau::prelude::*;
use indicatif::{ProgressBar, ProgressStyle};

/// Images to train on, and how many go through the model at a time.
const IMAGES: i64 = 4000;
const BATCH: i64 = 32;

struct Arguments {
    epochs: u32,
    seed: u64,
}

fn arguments() -> Result<Arguments, Error> {
    let mut found = Arguments { epochs: 20, seed: 0 };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().unwrap_or_default();
        let wrong = || Error::value(format!("{word}: a whole number is wanted, but got '{value}'"));
        match word.as_str() {
            "--epochs" => found.epochs = value.parse().map_err(|_| wrong())?,
            "--seed" => found.seed = value.parse().map_err(|_| wrong())?,
            _ => return Err(Error::value(format!("unknown argument '{word}': there are --epochs N and --seed N"))),
        }
    }
    Ok(found)
}

/// The images of a part of the sample, one row of 784 numbers from -1 to 1 each, and their labels.
fn digits(folder: &Path, part: &str) -> Result<(Tensor, Tensor), Error> {
    let read = |kind: &str| Idx::read(folder.join(format!("sample-{part}-{kind}-ubyte.gz")))?.to_tensor();
    let pixels = read("images-idx3")?.flatten_with(1, -1)?.to_dtype(DType::F32)?;
    let images = pixels.div(255.0)?.sub(0.5)?.div(0.5)?;
    Ok((images, read("labels-idx1")?.to_dtype(DType::I64)?))
}

/// The share of images that the model reads right.
fn accuracy(model: &dyn Forward, images: &Tensor, labels: &Tensor) -> Result<f64, Error> {
    let guesses = no_grad(|| model.forward(images))?.argmax_with(Some(1), false)?;
    Ok(guesses.eq(labels)?.to_dtype(DType::F32)?.mean()?.item()?.to_f64())
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Trains for some epochs of at most so many batches; after each batch `told` gets the epoch, how many images it has seen, and
/// their mean loss. Gives the model and the share of the held-back images that it reads right.
pub fn train(
    seed: u64,
    epochs: u32,
    batches: usize,
    mut told: impl FnMut(u32, i64, f64),
) -> Result<(Sequential, f64), Error> {
    let folder = root().join("data/mnist-sample");
    let (images, labels) = digits(&folder, "train")?;
    let (test_images, test_labels) = digits(&folder, "t10k")?;

    manual_seed(seed);
    let model = sequential![Linear::new(784, 128)?, ReLU, Linear::new(128, 64)?, ReLU, Linear::new(64, 10)?];
    let mut optimizer = SGD::new(model.parameters(), SGDOptions { lr: 0.01, momentum: 0.9, ..Default::default() })?;
    let loader = DataLoader::new(TensorDataset::new((images, labels))?).batch_size(BATCH as usize)?.shuffle(true);
    for epoch in 1..=epochs {
        let (mut total, mut seen) = (0.0, 0);
        for batch in loader.iter()?.take(batches) {
            let (images, labels) = batch?;
            optimizer.zero_grad()?;
            let loss = model.forward(&images)?.cross_entropy(&labels)?;
            loss.backward()?;
            optimizer.step()?;
            total += loss.item()?.to_f64() * labels.numel() as f64;
            seen += labels.numel();
            told(epoch, seen, total / seen as f64);
        }
    }
    let right = accuracy(&model, &test_images, &test_labels)?;
    Ok((model, right))
}

fn main() -> Result<(), Error> {
    let Arguments { epochs, seed } = arguments()?;
    let style = ProgressStyle::with_template("epoch {prefix} [{bar:24}] {msg}")
        .map_err(|e| Error::value(e.to_string()))?
        .progress_chars("== ");
    let mut begun = Instant::now();
    let mut bar = ProgressBar::hidden();
    let (model, right) = train(seed, epochs, usize::MAX, |epoch, seen, loss| {
        if seen <= BATCH {
            (begun, bar) = (Instant::now(), ProgressBar::new(IMAGES as u64).with_style(style.clone()));
            bar.set_prefix(format!("{epoch:2}/{epochs}"));
        }
        bar.set_message(format!("loss {loss:.4}"));
        bar.set_position(seen as u64);
        if seen == IMAGES {
            bar.finish_and_clear();
            let speed = seen as f64 / begun.elapsed().as_secs_f64();
            println!("epoch {epoch:2}/{epochs}  loss {loss:.4}  {speed:.0} images/s");
        }
    })?;

    println!("{model}");
    println!("held back: {:.1}% read right", 100.0 * right);
    let path = root().join("runs/mnist");
    std::fs::create_dir_all(&path)?;
    let path = path.canonicalize()?.join("model-rust.pt");
    flambeau::save(&path, &model.state_dict())?;
    println!("saved {}", path.display());
    Ok(())
}
