//! Two operands, element by element.

pub mod arithmetic;
pub mod bitwise;
pub mod extremes;
pub mod power;
pub mod special;
