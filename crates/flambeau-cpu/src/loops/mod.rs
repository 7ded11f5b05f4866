//! Elementwise loops: [`map`] applies a [`MapKernel`] to tensors of any dtype and strides, [`copy()`] converts and
//! rearranges, [`fill`] and its neighbours make sequences, [`Iter`] walks strided operands for kernels of other kinds.

// Loops over operands index several arrays at once.
#![allow(clippy::needless_range_loop)]

pub(crate) mod cast;
mod copy;
mod fill;
pub(crate) mod half;
mod iter;
mod kernel;
mod map;
#[cfg(target_arch = "x86_64")]
mod root;
mod split;
mod stride;
mod transpose;

#[cfg(test)]
mod tests;

pub use copy::copy;
pub use fill::{eye, fill, fill_with_index, linspace};
pub use flambeau_types::{Complex32, Complex64, bf16, f16};
pub use iter::{Dim, Iter, for_each_run};
pub use kernel::{Bits, Body, HalfBits, Lane, MAX_INPUTS, MapKernel, Truth};
pub use map::map;
#[cfg(target_arch = "x86_64")]
pub use root::REFERENCE_SQRT;
#[cfg(target_arch = "x86_64")]
pub(crate) use root::reference_roots;
pub use split::SMALL;
