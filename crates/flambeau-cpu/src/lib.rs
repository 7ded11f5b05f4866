//! Flambeau's CPU kernels. They work on raw strided [`View`]s and know neither tensors nor gradients; shapes and dtypes
//! were checked by the caller. A room for each kind of work.

pub mod alloc;
pub mod rng;
pub mod loops;
pub mod math;
pub mod index;
pub mod sort;
pub mod loss;
pub mod norm;
pub mod optim;
pub mod reduce;
pub mod scan;
pub mod softmax;
pub mod conv;
pub mod gemm;
pub mod linalg;
pub mod pool;
pub mod threads;
pub mod view;

pub use view::{View, ViewMut};
