//! The vocabulary that every other Flambeau crate speaks: [`DType`] and its promotion, [`Layout`] (sizes, strides,
//! offset), [`Scalar`], [`Device`] and [`Error`]. Nothing here touches memory.

mod device;
mod dtype;
mod element;
mod error;
mod layout;
mod promote;
mod scalar;

pub use device::Device;
pub use dtype::{DType, Kind};
pub use element::Element;
pub use error::{Error, ErrorKind, Result};
pub use half::{bf16, f16};
pub use layout::{Dims, Layout, broadcast_shapes, checked_numel, contiguous_strides, normalize_dim, numel, overflow};
pub use num_complex::{Complex, Complex32, Complex64};
pub use promote::{Promotion, promote_types};
pub use scalar::Scalar;
