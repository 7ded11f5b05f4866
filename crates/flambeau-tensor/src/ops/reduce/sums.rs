//! Sums and means.

use flambeau_cpu::reduce as kernels;
use smallvec::SmallVec;

use super::over;
use crate::ops::{Val, op, rule};
use crate::{DType, Dims, Error, Result, Tensor};

/// A gradient of a reduction's output, seen through the shape of its input.
pub(crate) fn expand_reduced(g: &Val, shape: &[i64], dim: Option<&[i64]>, keepdim: bool) -> Val {
    Val::run(|| keep_reduced(&g.tensor()?, shape.len(), dim, keepdim)?.expand(shape))
}

/// The output of a reduction with the reduced dimensions put back as 1.
pub(crate) fn keep_reduced(t: &Tensor, ndim: usize, dim: Option<&[i64]>, keepdim: bool) -> Result<Tensor> {
    if keepdim || ndim == 0 {
        return Ok(t.clone());
    }
    let mask = rule::mask(ndim, dim)?;
    if mask.iter().all(|m| *m) {
        let ones: Dims = SmallVec::from_elem(1, ndim);
        return t.reshape(&ones);
    }
    let mut t = t.clone();
    for (d, _) in mask.iter().enumerate().filter(|(_, m)| **m) {
        t = t.unsqueeze(d as i64)?;
    }
    Ok(t)
}

/// How many elements go into one.
pub(crate) fn reduced_count(shape: &[i64], dim: Option<&[i64]>) -> Result<i64> {
    let mask = rule::mask(shape.len(), dim)?;
    Ok(shape.iter().zip(&mask).filter(|(_, m)| **m).map(|(n, _)| *n).product())
}

op! {
    /// The sum of all elements.
    ///
    /// Shape: `*s -> ()`. Dtype: `dtype`; bool and integers give int64.
    ///
    /// >>> torch.tensor([[1, 2], [3, 4]]).sum()
    /// tensor(10)
    fn sum(input: Tensor; dtype: Option<DType> = None) -> y;
    variants [method, function];
    dtype rule::sum(input, dtype);
    shape Dims::new();
    kernel { over(&mut y, input, None, kernels::sum) };
    vjp { input => |g, input.shape| expand_reduced(g, &input.shape, None, false) };
    samples [(real([2, 3])), (real([2]), DType::F64), (real([])), (real([0, 2])), (int([3], 0, 9))];
}

op! {
    /// The sum over one or more dimensions, kept with size 1 where `keepdim`.
    ///
    /// Shape: `*s -> *t`. Dtype: `dtype`; bool and integers give int64.
    ///
    /// >>> torch.tensor([[1, 2], [3, 4]]).sum(0)
    /// tensor([4, 6])
    fn sum.dim(input: Tensor, dim: Option<Dims>, keepdim: bool = false; dtype: Option<DType> = None) -> y;
    variants [method, function, out];
    node "SumBackward1";
    dtype rule::sum(input, dtype);
    shape rule::reduce(input, dim, keepdim);
    kernel { over(&mut y, input, dim, kernels::sum) };
    vjp { input => |g, input.shape, dim, keepdim| expand_reduced(g, &input.shape, dim, keepdim) };
    samples [
        (real([2, 3, 2]), [0]),
        (real([2, 3, 2]), [-1, 0], true, DType::F64),
        (real([2, 3]), None),
        (real([]), []),
        (real([0, 2]), [0]),
    ];
}

/// A mean needs fractions.
fn mean_dtype(x: &Tensor, dtype: Option<DType>) -> Result<DType> {
    let d = dtype.unwrap_or(x.dtype());
    if d.is_integral() {
        let what = if dtype.is_some() { "Optional dtype" } else { "Input dtype" };
        return Err(Error::not_implemented(format!(
            "mean(): could not infer output dtype. {what} must be either a floating point or complex dtype. Got: {}",
            d.title()
        )));
    }
    Ok(d)
}

op! {
    /// The mean of all elements.
    ///
    /// Shape: `*s -> ()`. Dtype: floating-point or complex.
    ///
    /// >>> torch.tensor([1., 2., 6.]).mean()
    /// tensor(3.)
    fn mean(input: Tensor; dtype: Option<DType> = None) -> y;
    variants [method, function];
    dtype mean_dtype(input, dtype);
    shape Dims::new();
    kernel { over(&mut y, input, None, kernels::mean) };
    vjp { input => |g, input.shape| expand_reduced(g, &input.shape, None, false) / crate::numel(&input.shape) as f64 };
    samples [(real([2, 3])), (real([2]), DType::F64), (real([]))];
}

op! {
    /// The mean over one or more dimensions, kept with size 1 where `keepdim`.
    ///
    /// Shape: `*s -> *t`. Dtype: floating-point or complex.
    ///
    /// >>> torch.tensor([[1., 2.], [3., 4.]]).mean(1)
    /// tensor([1.5000, 3.5000])
    fn mean.dim(input: Tensor, dim: Option<Dims>, keepdim: bool = false; dtype: Option<DType> = None) -> y;
    variants [method, function, out];
    node "MeanBackward1";
    dtype mean_dtype(input, dtype);
    shape rule::reduce(input, dim, keepdim);
    kernel { over(&mut y, input, dim, kernels::mean) };
    vjp { input => |g, input.shape, dim, keepdim| {
        expand_reduced(g, &input.shape, dim, keepdim) / reduced_count(&input.shape, dim)? as f64
    } };
    samples [
        (real([2, 3, 2]), [0]),
        (real([2, 3, 2]), [-1, 0], true, DType::F64),
        (real([2, 3]), None),
        (real([]), []),
        (real([3, 0]), [0]),
    ];
}
