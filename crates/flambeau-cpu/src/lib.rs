//! Flambeau's CPU kernels. They work on raw strided [`View`]s and know neither tensors nor gradients; shapes and dtypes
//! were checked by the caller. A room for each kind of work.

pub mod alloc;
pub mod conv;
pub mod fft;
pub mod gemm;
pub mod index;
pub mod interp;
pub mod linalg;
pub mod loops;
pub mod loss;
pub mod math;
pub mod norm;
pub mod optim;
pub mod pool;
pub mod reduce;
pub mod rng;
pub mod scan;
pub mod softmax;
pub mod sort;
pub mod threads;
pub mod view;

pub use view::{View, ViewMut};
