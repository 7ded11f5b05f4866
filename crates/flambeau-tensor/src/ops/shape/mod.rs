//! Shapes: views, copies, joining, splitting.

pub mod convert;
pub mod copy;
pub mod diagonal;
pub mod expand;
pub mod flip;
pub mod grid;
pub mod join;
pub mod permute;
pub mod split;
pub mod strided;
pub mod triangle;
pub mod view;
pub mod view_dtype;
