//! Order: sorting, ranks, distinct elements, search.

pub mod along;
pub mod order;
pub mod quantile;
pub mod rank;
pub mod search;
pub mod unique;
