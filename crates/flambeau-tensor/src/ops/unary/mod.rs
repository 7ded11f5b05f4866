//! One tensor, element by element.

pub mod exponential;
pub mod rounding;
pub mod sign;
pub mod trigonometric;
