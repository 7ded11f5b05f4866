//! Sorting, and the largest or smallest few.

use flambeau_cpu::sort as kernels;

use crate::ops::create::fill::like;
use crate::ops::op;
use crate::{DType, Dims, Error, Result, Tensor, normalize_dim};

op! {
    /// The elements in ascending order along a dimension, and where each was. Equal elements of rows of more than
    /// 16 may change their order; nan is the largest.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged; the indices are int64.
    ///
    /// >>> torch.tensor([3, 1, 2]).sort().values
    /// tensor([1, 2, 3])
    fn sort(input: Tensor, dim: i64 = -1, descending: bool = false) -> values, indices;
    variants [method, function, out];
    dtype [input.dtype(), DType::I64];
    shape { normalize_dim(dim, input.dim())?; like(input, None) };
    kernel { kernels::sort(Some(values), Some(indices), input, normalize_dim(dim, input.ndim())?, descending, false) };
    vjp { input => |g, indices, input.shape, dim| g.put_along(indices, &input.shape, dim, false) };
    samples [(real([3, 4])), (real([3, 4]), 0, true), (real([])), (real([0, 2]))];
}

op! {
    /// As `sort`; where `stable`, equal elements keep their order.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged; the indices are int64.
    ///
    /// >>> torch.tensor([2, 1, 2]).sort(stable=True, descending=True).indices
    /// tensor([0, 2, 1])
    fn sort.stable(input: Tensor; stable: Option<bool>, dim: i64 = -1, descending: bool = false) -> values, indices;
    variants [method, function, out];
    node "SortBackward1";
    dtype [input.dtype(), DType::I64];
    shape { normalize_dim(dim, input.dim())?; like(input, None) };
    kernel { kernels::sort(Some(values), Some(indices), input, normalize_dim(dim, input.ndim())?, descending, stable == Some(true)) };
    vjp { input => |g, indices, input.shape, dim| g.put_along(indices, &input.shape, dim, false) };
    samples [(real([3, 4]), true), (real([3, 4]), None, 0, true), (real([]), true), (int([6], 0, 3), true)];
}

op! {
    /// The indices that sort along a dimension.
    ///
    /// Shape: `*s -> *s`. Dtype: int64.
    ///
    /// >>> torch.argsort(torch.tensor([3, 1, 2]))
    /// tensor([1, 2, 0])
    fn argsort(input: Tensor, dim: i64 = -1, descending: bool = false) -> y;
    variants [method, function, out];
    nondifferentiable;
    dtype DType::I64;
    shape { normalize_dim(dim, input.dim())?; like(input, None) };
    kernel { kernels::sort(None, Some(y), input, normalize_dim(dim, input.ndim())?, descending, false) };
    samples [(real([3, 4])), (real([3, 4]), 0, true), (real([])), (real([0, 2]))];
}

op! {
    /// As `argsort`; where `stable`, equal elements keep their order.
    ///
    /// Shape: `*s -> *s`. Dtype: int64.
    fn argsort.stable(input: Tensor; stable: bool, dim: i64 = -1, descending: bool = false) -> y;
    variants [method, function, out];
    nondifferentiable;
    dtype DType::I64;
    shape { normalize_dim(dim, input.dim())?; like(input, None) };
    kernel { kernels::sort(None, Some(y), input, normalize_dim(dim, input.ndim())?, descending, stable) };
    samples [(real([3, 4]), true), (real([3, 4]), true, 0, true), (real([]), true), (int([6], 0, 3), true)];
}

op! {
    /// The elements in ascending order along the first dimension.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.msort(torch.tensor([3, 1, 2]))
    /// tensor([1, 2, 3])
    fn msort(input: Tensor) -> y;
    variants [method, function, out];
    composite { Ok(input.sort_with(0, false)?.0) };
    samples [(real([3, 4])), (real([])), (real([0, 2]))];
}

fn topk_shape(x: &Tensor, k: i64, dim: i64) -> Result<Dims> {
    let at = normalize_dim(dim, x.dim())?;
    let mut sizes = x.sizes();
    if k < 0 || k > sizes.get(at).copied().unwrap_or(1) {
        return Err(Error::runtime("selected index k out of range"));
    }
    if let Some(n) = sizes.get_mut(at) {
        *n = k;
    }
    Ok(sizes)
}

op! {
    /// The `k` largest (or smallest) elements along a dimension, and where they were.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged; the indices are int64.
    ///
    /// >>> torch.tensor([3, 1, 2]).topk(2).values
    /// tensor([3, 2])
    fn topk(input: Tensor, k: i64, dim: i64 = -1, largest: bool = true, sorted: bool = true) -> values, indices;
    variants [method, function, out];
    dtype [input.dtype(), DType::I64];
    shape topk_shape(input, k, dim);
    kernel {
        if input.ndim() == 0 && k == 0 {
            return Ok(());
        }
        kernels::topk(values, indices, input, k, normalize_dim(dim, input.ndim())?, largest, sorted)
    };
    vjp { input => |g, indices, input.shape, dim| g.put_along(indices, &input.shape, dim, false) };
    samples [
        (real([3, 4]), 2),
        (real([3, 4]), 1, 0, false),
        (real([5]), 3, -1, true, false),
        (real([]), 1),
        (real([0, 2]), 1),
    ];
}
