//! Order: sorting, the largest and smallest, unique elements, search in sorted sequences. NaN is the largest of all, -0
//! equals 0, and equal elements keep their order.
//!
//! Elements become unsigned integers of the same order (`keys`), packed with their index into one word, so that every
//! algorithm here compares plain integers.

mod introsort;
mod keys;
mod radix;
mod rank;
mod rows;
mod search;
mod topk;
mod unique;
mod whole;

#[cfg(test)]
mod tests;

pub use rank::{kthvalue, median, median_all, mode};
pub use search::searchsorted;
pub use topk::topk;
pub use unique::{Unique, unique, unique_consecutive, unique_dim};
pub use whole::sort;
