//! Shapes: views, copies, joining, splitting.

pub mod convert;
pub mod expand;

pub mod permute;

pub mod strided;
pub mod view;
