//! Shapes: views, copies, joining, splitting.

pub mod convert;
pub mod expand;
pub mod grid;
pub mod join;

pub mod permute;

pub mod split;
pub mod strided;
pub mod view;
