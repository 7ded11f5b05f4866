//! Flambeau's layers ([`layers`]), their initial values ([`init`]), and optimizers ([`optim`]), under PyTorch's names and with
//! its numbers: a seed gives the weights that PyTorch draws from it. Losses are operators, such as
//! [`Tensor::cross_entropy`](flambeau_tensor::Tensor::cross_entropy).
//!
//! ```
//! use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
//! use flambeau_nn::{Forward, Linear, Module, ReLU, sequential};
//! use flambeau_tensor::{Tensor, ops};
//!
//! flambeau_tensor::manual_seed(0);
//! let model = sequential![Linear::new(4, 8)?, ReLU, Linear::new(8, 3)?];
//! let mut optimizer = SGD::new(model.parameters(), SGDOptions { lr: 0.1, ..SGDOptions::default() })?;
//!
//! let (x, labels) = (ops::randn(&[5, 4])?, Tensor::of(&[0i64, 1, 2, 0, 1], &[5])?);
//! let before = model.forward(&x)?.cross_entropy(&labels)?;
//! optimizer.zero_grad()?;
//! before.backward()?;
//! optimizer.step()?;
//! let after = model.forward(&x)?.cross_entropy(&labels)?;
//! assert!(after.item()?.to_f64() < before.item()?.to_f64());
//! # Ok::<(), flambeau_tensor::Error>(())
//! ```

// What `#[derive(Module)]` writes names the crate `flambeau`, whose module `nn` is this crate.
extern crate self as flambeau;
pub(crate) use flambeau_tensor::Result;
pub(crate) mod nn {
    pub(crate) use crate::module::{Buffer, Change, Field, Module, Parts};
}

pub mod init;
pub mod layers;
mod module;
pub mod optim;
pub mod utils;

pub use layers::*;
pub use module::{Buffer, Change, Field, Forward, Module, Part, Parts, StateDict, Training};
