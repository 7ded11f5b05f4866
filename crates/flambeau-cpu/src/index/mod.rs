//! Reading and writing through indices, masks and rearrangements. Indices come from users' tensors, so one that is out
//! of range is an error with PyTorch's class and text, found before the element would be touched. What a failed call has
//! written by then stays written.

mod advanced;
mod cat;
mod count;
mod embedding;
mod flip;
mod gather;
mod mask;
mod number;
mod scatter;
mod select;
mod triangle;
pub(crate) mod walk;

#[cfg(test)]
mod tests;

pub use advanced::{IndexDim, index_get, index_put, put};
pub use cat::cat;
pub use count::{bincount, count_between, histc, repeat_interleave};
pub use embedding::{bag_places, bag_sizes, embedding_backward, one_hot, sum_in_bags};
pub use flip::{flip, roll};
pub use gather::{gather, index_select, take};
pub use mask::{count_nonzero, masked_scatter, masked_select, nonzero};
pub use scatter::{Reduce, scatter, scatter_add, scatter_reduce, scatter_value};
pub use select::{index_add, index_copy, index_fill};
pub use triangle::{places, tril, triu};
