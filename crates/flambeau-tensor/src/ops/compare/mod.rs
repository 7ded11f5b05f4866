//! Comparisons and logic.

pub mod closeness;
pub mod logic;
pub mod order;
