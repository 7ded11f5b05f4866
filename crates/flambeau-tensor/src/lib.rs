//! Flambeau's tensor: [`Tensor`] over a locked storage, the table of operators ([`ops`]), and automatic
//! differentiation ([`autograd`]). The heavy loops are in `flambeau-cpu`.
//!
//! ```
//! use flambeau_tensor::Tensor;
//! let x = Tensor::of(&[1.0f32, 2.0, 3.0], &[3])?.requires_grad_(true)?;
//! let y = x.mul(&x)?.sum()?;
//! y.backward()?;
//! assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [2.0, 4.0, 6.0]);
//! # Ok::<(), flambeau_tensor::Error>(())
//! ```

extern crate self as flambeau_tensor;

pub mod autocast;
pub mod autograd;
pub mod dispatch;
mod display;
pub mod generator;
pub mod indexing;
pub mod lock;
mod memory_format;
mod operators;
pub mod ops;
pub mod optim;
pub mod print;
mod settings;
mod shared;
mod slices;
mod storage;
mod tensor;

pub use flambeau_types::{
    Complex, Complex32, Complex64, DType, Device, Dims, Element, Error, ErrorKind, Kind, Layout, Result, Scalar, bf16,
    broadcast_shapes, checked_numel, contiguous_strides, f16, normalize_dim, numel, promote_types,
};
pub use generator::{Generator, default_generator, manual_seed};
pub use indexing::Index;
pub use memory_format::MemoryFormat;
pub use ops::{Operand, Options};
pub use settings::{default_dtype, set_default_dtype};
pub use slices::Indices;
pub use storage::Storage;
pub use tensor::{Tensor, WeakTensor};
