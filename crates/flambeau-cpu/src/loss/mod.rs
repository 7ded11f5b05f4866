//! Loss kernels that are more than a composition of elementwise operators and reductions.

mod nll;

pub use nll::{Reduction, nll_loss, nll_loss_backward};
