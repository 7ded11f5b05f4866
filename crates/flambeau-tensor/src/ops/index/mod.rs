//! Elements by place.

pub mod add;
pub mod gather;
pub mod mask;
pub mod scatter;
