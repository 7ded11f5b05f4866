//! New tensors.

pub mod fill;
pub mod range;
