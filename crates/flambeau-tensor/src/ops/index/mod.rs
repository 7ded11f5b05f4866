//! Elements by place.

pub mod add;
pub mod advanced;
pub mod count;
pub mod embedding;
pub mod embedding_bag;
pub mod gather;
pub mod histogram;
pub mod mask;
pub mod membership;
pub mod nonzero;
pub mod reduce;
pub mod rows;
pub mod scatter;
