//! Loss kernels that are more than a composition of elementwise operators and reductions.

mod ctc;
mod nll;

pub use ctc::{Sequences, ctc_loss, ctc_loss_backward};
pub use nll::{Reduction, nll_loss, nll_loss_backward};
