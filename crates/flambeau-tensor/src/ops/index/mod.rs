//! Elements by place.

pub mod add;
pub mod mask;
