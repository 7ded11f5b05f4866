//! Schedulers: what changes the learning rates of an optimizer from epoch to epoch, with PyTorch's floats
//! (`torch.optim.lr_scheduler`).
//!
//! A scheduler is made for an optimizer, whose rates it sets for the first epoch; each step after that is given the optimizer
//! again, so nothing stays borrowed:
//!
//! ```
//! use flambeau_nn::optim::schedulers::{Scheduler, StepLR, StepLROptions};
//! use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
//! use flambeau_tensor::Tensor;
//!
//! let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
//! let mut optimizer = SGD::new(vec![w.clone()], SGDOptions { lr: 0.5, ..Default::default() })?;
//! let mut scheduler = StepLR::new(&mut optimizer, StepLROptions { step_size: 2, gamma: 0.5 })?;
//! let mut rates = Vec::new();
//! for _ in 0..5 {
//!     // ... the batches of an epoch, each with optimizer.step()
//!     rates.push(optimizer.lr());
//!     scheduler.step(&mut optimizer)?;
//! }
//! assert_eq!(rates, [0.5, 0.5, 0.25, 0.25, 0.125]);
//! # Ok::<(), flambeau_tensor::Error>(())
//! ```
//!
//! Most schedulers are [`LRScheduler`] with options that are a [`Schedule`], and a schedule of one's own is a scheduler too.

mod base;
mod chained;
mod constant;
mod cosine_annealing;
mod cyclic;
mod exponential;
mod lambda;
mod linear;
mod multi_step;
mod multiplicative;
mod one_cycle;
mod plateau;
mod polynomial;
mod sequential;
mod step;
mod swa;
mod warm_restarts;

pub use base::{Clock, LRScheduler, PerGroup, Schedule, Scheduler};
pub use chained::ChainedScheduler;
pub use constant::{ConstantLR, ConstantLROptions};
pub use cosine_annealing::{CosineAnnealingLR, CosineAnnealingLROptions};
pub use cyclic::{Cycle, CyclicLR, CyclicLROptions, CyclicMode, ScaleMode};
pub use exponential::{ExponentialLR, ExponentialLROptions};
pub use lambda::{Lambda, LambdaLR, LambdaLROptions};
pub use linear::{LinearLR, LinearLROptions};
pub use multi_step::{MultiStepLR, MultiStepLROptions};
pub use multiplicative::{MultiplicativeLR, MultiplicativeLROptions};
pub use one_cycle::{Anneal, OneCycle, OneCycleLR, OneCycleLROptions};
pub use plateau::{PlateauMode, ReduceLROnPlateau, ReduceLROnPlateauOptions, ThresholdMode};
pub use polynomial::{PolynomialLR, PolynomialLROptions};
pub use sequential::SequentialLR;
pub use step::{StepLR, StepLROptions};
pub use swa::{SWALR, SWALROptions};
pub use warm_restarts::{CosineAnnealingWarmRestarts, CosineAnnealingWarmRestartsOptions, WarmRestarts};
