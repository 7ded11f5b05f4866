//! Elements by rank: medians, the k-th smallest, the most frequent.

use flambeau_cpu::{View, ViewMut, loops, sort as kernels};

use super::along::chosen_backward;
use crate::ops::reduce::extremes::evenly;
use crate::ops::{op, rule};
use crate::{DType, Dims, Error, Result, Scalar, Tensor, normalize_dim};

/// Writes the median of all elements; nan if there are none.
fn median_of_all(y: ViewMut, x: View, ignore_nan: bool) -> Result<()> {
    let Some(mut index) = kernels::median_all(x, ignore_nan)? else {
        let none = if y.dtype().is_integral() { Scalar::Int(i64::MIN) } else { Scalar::Float(f64::NAN) };
        loops::fill(y, none);
        return Ok(());
    };
    let mut offset = 0;
    for (&n, &s) in x.sizes().iter().zip(x.strides()).rev() {
        offset += (index as i64 % n) * s;
        index /= n as usize;
    }
    // SAFETY: the index is that of an element of `x`, so the offset leads to it.
    let one = unsafe { View::new(x.ptr().offset(offset as isize * x.dtype().size() as isize), x.dtype(), &[], &[]) };
    loops::copy(y, one);
    Ok(())
}

/// The shape that is left of a choice along one dimension, which must not be empty.
fn chosen_shape(x: &Tensor, dim: i64, keepdim: bool, what: &str) -> Result<Dims> {
    let at = normalize_dim(dim, x.dim())?;
    if x.size().get(at) == Some(&0) {
        return Err(Error::index(format!("{what}(): Expected reduction dim {at} to have non-zero size.")));
    }
    rule::reduce(x, Some(&[dim]), keepdim)
}

op! {
    /// The median of all elements, the lower one of two; nan if there is one.
    ///
    /// Shape: `*s -> ()`. Dtype: unchanged.
    ///
    /// >>> torch.tensor([3, 1, 2, 9]).median()
    /// tensor(2)
    fn median(input: Tensor) -> y;
    variants [method, function];
    dtype input.dtype();
    shape Dims::new();
    kernel { median_of_all(y, input, false) };
    vjp { input => |g, input, y| evenly(g, input, y) };
    samples [(real([2, 3])), (real([])), (int([5], 0, 4))];
}

op! {
    /// The median along a dimension, the lower one of two, and where it was.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged; the indices are int64.
    ///
    /// >>> torch.tensor([[3, 1, 2], [4, 6, 5]]).median(1).values
    /// tensor([2, 5])
    fn median.dim(input: Tensor, dim: i64, keepdim: bool = false) -> values, indices;
    variants [method, function, out];
    node "MedianBackward1";
    dtype [input.dtype(), DType::I64];
    shape chosen_shape(input, dim, keepdim, "median");
    kernel { kernels::median(values, indices, input, normalize_dim(dim, input.ndim())?, false) };
    vjp { input => |g, indices, input.shape, dim, keepdim| chosen_backward(g, indices, &input.shape, dim, keepdim) };
    samples [(real([3, 4]), 0), (real([3, 4]), 1, true), (real([]), 0), (real([0, 2]), 1)];
}

op! {
    /// The median of all elements that are not nan.
    ///
    /// Shape: `*s -> ()`. Dtype: unchanged.
    ///
    /// >>> torch.tensor([3., float('nan'), 2.]).nanmedian()
    /// tensor(2.)
    fn nanmedian(input: Tensor) -> y;
    variants [method, function];
    dtype input.dtype();
    shape Dims::new();
    kernel { median_of_all(y, input, true) };
    vjp { input => |g, input, y| evenly(g, input, y) };
    samples [(real([2, 3])), (real([])), (int([5], 0, 4))];
}

op! {
    /// The median along a dimension of what is not nan, and where it was.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged; the indices are int64.
    fn nanmedian.dim(input: Tensor, dim: i64, keepdim: bool = false) -> values, indices;
    variants [method, function, out];
    node "NanmedianBackward1";
    dtype [input.dtype(), DType::I64];
    shape chosen_shape(input, dim, keepdim, "median");
    kernel { kernels::median(values, indices, input, normalize_dim(dim, input.ndim())?, true) };
    vjp { input => |g, indices, input.shape, dim, keepdim| chosen_backward(g, indices, &input.shape, dim, keepdim) };
    samples [(real([3, 4]), 0), (real([3, 4]), 1, true), (real([]), 0), (real([0, 2]), 1)];
}

fn mode_dtype(x: &Tensor) -> Result<[DType; 2]> {
    if x.dtype().is_complex() {
        return Err(Error::not_implemented(format!("\"mode_cpu\" not implemented for '{}'", x.dtype().title())));
    }
    Ok([x.dtype(), DType::I64])
}

op! {
    /// The most frequent element along a dimension (the smallest of several), and where it was last.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged; the indices are int64.
    ///
    /// >>> torch.tensor([5, 1, 5, 2]).mode().values
    /// tensor(5)
    fn mode(input: Tensor, dim: i64 = -1, keepdim: bool = false) -> values, indices;
    variants [method, function, out];
    dtype mode_dtype(input);
    shape chosen_shape(input, dim, keepdim, "mode");
    kernel { kernels::mode(values, indices, input, normalize_dim(dim, input.ndim())?) };
    vjp { input => |g, indices, input.shape, dim, keepdim| chosen_backward(g, indices, &input.shape, dim, keepdim) };
    samples [(real([3, 4])), (real([3, 4]), 0, true), (real([]), 0), (int([2, 6], 0, 3))];
}

fn kth_shape(x: &Tensor, k: i64, dim: i64, keepdim: bool) -> Result<Dims> {
    let shape = chosen_shape(x, dim, keepdim, "kthvalue")?;
    let at = normalize_dim(dim, x.dim())?;
    if k < 1 || k > x.size().get(at).copied().unwrap_or(1) {
        return Err(Error::runtime(format!("kthvalue(): selected number k out of range for dimension {at}")));
    }
    Ok(shape)
}

op! {
    /// The `k`-th smallest element along a dimension, counted from 1, and where it was.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged; the indices are int64.
    ///
    /// >>> torch.tensor([3, 1, 2]).kthvalue(2).values
    /// tensor(2)
    fn kthvalue(input: Tensor, k: i64, dim: i64 = -1, keepdim: bool = false) -> values, indices;
    variants [method, function, out];
    dtype [input.dtype(), DType::I64];
    shape kth_shape(input, k, dim, keepdim);
    kernel { kernels::kthvalue(values, indices, input, k, normalize_dim(dim, input.ndim())?) };
    vjp { input => |g, indices, input.shape, dim, keepdim| chosen_backward(g, indices, &input.shape, dim, keepdim) };
    samples [(real([3, 4]), 2), (real([3, 4]), 1, 0, true), (real([]), 1), (real([0, 2]), 1)];
}
