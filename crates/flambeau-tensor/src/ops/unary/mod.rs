//! One tensor, element by element.

pub mod bessel;
pub mod bessel_modified;
pub mod exponential;
pub mod gaussian;
pub mod parts;
pub mod rounding;
pub mod sign;
pub mod special;
pub mod trigonometric;
