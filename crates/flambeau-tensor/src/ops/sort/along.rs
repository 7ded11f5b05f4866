//! Elements taken from, and gradients brought back to, places along one dimension.

use flambeau_cpu::{index as kernels, loops};

use crate::ops::index::gather::gathered;
use crate::ops::index::scatter::check as writable;
use crate::ops::{Val, op};
use crate::{Scalar, normalize_dim};

op! {
    /// The elements of `input` that `index` names along `dim`.
    ///
    /// Shape: `*s, *t -> *t`. Dtype: unchanged.
    fn pick_along(input: Tensor, index: Tensor, dim: i64) -> y;
    variants [private];
    dtype input.dtype();
    shape gathered(input, dim, index);
    kernel {
        if index.numel() == 0 {
            return Ok(());
        }
        kernels::gather(y, input, normalize_dim(dim, input.ndim())?, index)
    };
    vjp { input => |g, input.shape, index, dim| g.put_along(index, &input.shape, dim, true) };
    samples [
        (real([3, 4]), int([3, 2], 0, 4), 1),
        (real([]), int([], 0, 1), 0),
        (real([0, 2]), int([0, 2], 0, 2), 1),
    ];
}

op! {
    /// Zeros with `grad` at the places that `index` names along `dim`; with `accumulate`, what meets at one place is added.
    ///
    /// Shape: `*t, *t -> *input_sizes`. Dtype: unchanged.
    fn put_along(grad: Tensor, index: Tensor, input_sizes: Dims, dim: i64, accumulate: bool) -> y;
    variants [private];
    dtype grad.dtype();
    shape input_sizes;
    kernel {
        let at = normalize_dim(dim, input_sizes.len())?;
        loops::fill(y.reborrow(), Scalar::Int(0));
        if !writable(input_sizes, y.dtype(), at, &index, Some(&grad))? {
            return Ok(());
        }
        if accumulate { kernels::scatter_add(y, at, index, grad) } else { kernels::scatter(y, at, index, grad) }
    };
    vjp { grad => |g, index, dim| g.pick_along(index, dim) };
    samples [
        (real([2, 3]), int([2, 3], 0, 4), [2, 4], 1, true),
        (real([2, 3]), int([2, 3], 0, 4), [2, 4], -1, false),
        (real([]), int([], 0, 1), [], 0, true),
    ];
}

/// The gradient of an operator that chose one element along a dimension.
pub(crate) fn chosen_backward(g: &Val, index: &Val, shape: &[i64], dim: i64, keepdim: bool) -> Val {
    Val::run(|| {
        let (g, index) = (g.tensor()?, index.tensor()?);
        if keepdim || shape.is_empty() {
            return g.put_along(&index, shape, dim, false);
        }
        g.unsqueeze(dim)?.put_along(&index.unsqueeze(dim)?, shape, dim, false)
    })
}
