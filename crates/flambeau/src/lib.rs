//! Flambeau for Rust programs: PyTorch's tensors, autograd, layers, optimizers, loaders and files, with its numbers.
//!
//! ```
//! use flambeau::prelude::*;
//!
//! let x = tensor![1., 2., 3.].requires_grad_(true)?;
//! let y = x.mul(&x)?.sum()?; // or (&x * &x), which panics where mul returns an error
//! y.backward()?;
//! assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [2.0, 4.0, 6.0]);
//! # Ok::<(), flambeau::Error>(())
//! ```
//!
//! A step of training:
//!
//! ```
//! use flambeau::prelude::*;
//!
//! manual_seed(0);
//! let model = sequential![Linear::new(2, 8)?, ReLU, Linear::new(8, 2)?];
//! let mut optimizer = SGD::new(model.parameters(), SGDOptions { lr: 0.1, momentum: 0.9, ..Default::default() })?;
//!
//! let (x, labels) = (tensor![[0., 1.], [1., 0.]], tensor![0, 1]);
//! let loss = model.forward(&x)?.cross_entropy(&labels)?;
//! optimizer.zero_grad()?;
//! loss.backward()?;
//! optimizer.step()?;
//! # Ok::<(), flambeau::Error>(())
//! ```
//!
//! `cargo run --release --example mnist` trains on handwritten digits.

pub mod checkpoint;
mod literal;

pub use checkpoint::{load, save};
#[doc(inline)]
pub use flambeau_data as data;
#[doc(inline)]
pub use flambeau_io as io;
#[doc(inline)]
pub use flambeau_nn as nn;
pub use flambeau_nn::optim;
pub use flambeau_tensor::{
    DType, Device, Error, ErrorKind, Generator, Index, Options, Result, Scalar, Tensor, autograd, default_generator,
    manual_seed, ops,
};
#[doc(hidden)]
pub use literal::tensor as __tensor;
pub use literal::{Literal, LiteralElement};

/// What a program that trains a model needs: `use flambeau::prelude::*`.
pub mod prelude {
    pub use crate::autograd::no_grad;
    pub use crate::data::DataLoader;
    pub use crate::nn::{
        Conv2d, Dropout, Embedding, Flatten, GELU, LayerNorm, Linear, LogSoftmax, MaxPool2d, Module, ReLU, Sequential,
        Sigmoid, Softmax, StateDict, Tanh, sequential,
    };
    pub use crate::optim::{Adam, AdamOptions, Optimizer, SGD, SGDOptions};
    pub use crate::{DType, Device, Error, Tensor, manual_seed, ops, tensor};
}
