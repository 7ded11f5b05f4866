//! Flambeau's tensors.

pub mod print;
