//! Two operands, element by element.

pub mod arithmetic;
pub mod bitwise;
pub mod extremes;
pub mod gamma;
pub mod neighbour;
pub mod polynomial;
pub mod power;
pub mod special;
