//! Elementwise functions for formulas.
pub mod level;

pub use level::{Level, level};
