//! The layers, under PyTorch's names.

mod activation;
mod conv2d;
mod dropout;
mod embedding;
mod flatten;
mod layer_norm;
mod linear;
mod max_pool2d;
mod sequential;

use flambeau_tensor::{Result, Tensor, ops};

pub use activation::{ELU, GELU, Identity, LeakyReLU, LogSoftmax, ReLU, SiLU, Sigmoid, Softmax, Softplus, Tanh};
pub use conv2d::{Conv2d, Conv2dOptions};
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use flatten::Flatten;
pub use layer_norm::{LayerNorm, LayerNormOptions};
pub use linear::Linear;
pub use max_pool2d::{MaxPool2d, MaxPool2dOptions};
pub use sequential::Sequential;

/// A parameter whose values are still to be written, of the default dtype.
fn parameter(sizes: &[i64]) -> Result<Tensor> {
    ops::empty(sizes)?.requires_grad_(true)
}

/// A size for height and width: one number for both, or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair(pub [i64; 2]);

impl From<i64> for Pair {
    fn from(n: i64) -> Pair {
        Pair([n, n])
    }
}

impl From<[i64; 2]> for Pair {
    fn from(pair: [i64; 2]) -> Pair {
        Pair(pair)
    }
}

impl From<(i64, i64)> for Pair {
    fn from((height, width): (i64, i64)) -> Pair {
        Pair([height, width])
    }
}

impl std::fmt::Display for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "({}, {})", self.0[0], self.0[1])
    }
}
