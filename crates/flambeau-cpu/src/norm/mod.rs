//! Normalisation layers: layer norm over the rows of a matrix, batch norm over the channels of (N, C, L).

mod batch;
mod layer;

pub use batch::{batch_norm_apply, batch_norm_backward, batch_norm_stats};
pub use layer::{layer_norm, layer_norm_backward};

use crate::View;
use crate::reduce::real::Real;

/// A contiguous view as compute values; `None` stays `None`.
fn values<T: Real>(v: Option<&View>) -> Option<Vec<T>> {
    v.map(|v| {
        debug_assert!(v.is_contiguous());
        let mut to = vec![T::default(); v.numel()];
        // SAFETY: the view has that many contiguous elements.
        unsafe { T::load(v.dtype())(v.ptr(), 1, to.len(), to.as_mut_ptr()) };
        to
    })
}

#[cfg(test)]
mod tests;
