//! The greatest and the smallest, and where they are.

use flambeau_cpu::{View, ViewMut, reduce as kernels};

use super::over_both;
use super::sums::keep_reduced;
use crate::ops::sort::along::chosen_backward;
use crate::ops::{Val, op, rule};
use crate::{DType, Device, Dims, Error, Result, Tensor, normalize_dim};

/// The gradient of a value that was found among all elements: shared equally by those that have it.
pub(crate) fn evenly(g: &Val, input: &Val, y: &Val) -> Val {
    Val::run(|| {
        let (g, x, y) = (g.tensor()?, input.tensor()?, y.tensor()?.detach());
        let nan = y.dtype().is_floating() && y.device() == Device::Cpu && y.item()?.to_f64().is_nan();
        let mask = if nan { x.isnan()? } else { x.eq(&y)? }.to_dtype(g.dtype())?;
        let share = g.div(&mask.sum()?)?;
        mask.mul(&share)
    })
}

/// The gradient of the extremes over some dimensions: shared equally by the elements that have the value.
fn shared(g: &Val, input: &Val, y: &Val, dim: Option<&[i64]>, keepdim: bool) -> Val {
    Val::run(|| {
        let x = input.tensor()?;
        let g = keep_reduced(&g.tensor()?, x.dim(), dim, keepdim)?;
        let y = keep_reduced(&y.tensor()?, x.dim(), dim, keepdim)?;
        let mask = x.eq(&y)?.to_dtype(g.dtype())?;
        let count = mask.sum_dim_with(dim, true, None)?;
        g.mul(&mask)?.div(&count)
    })
}

/// Complex numbers have no order.
fn ordered(x: &Tensor, error: impl FnOnce(&str) -> Error) -> Result<DType> {
    if x.dtype().is_complex() { Err(error(x.dtype().title())) } else { Ok(x.dtype()) }
}

fn missing(kernel: &str) -> impl FnOnce(&str) -> Error {
    let kernel = kernel.to_string();
    move |title| Error::not_implemented(format!("\"{kernel}\" not implemented for '{title}'"))
}

fn no_complex(x: &Tensor, what: &str) -> Result<[DType; 2]> {
    ordered(x, |_| Error::type_(format!("{what}(): does not support complex input")))?;
    Ok([x.dtype(), DType::I64])
}

op! {
    /// The greatest of all elements; nan wins. The gradient is shared equally by all that are it.
    ///
    /// Shape: `*s -> ()`. Dtype: unchanged, real.
    ///
    /// >>> torch.tensor([[3, 1], [4, 9]]).max()
    /// tensor(9)
    fn max(input: Tensor) -> y;
    variants [method, function, out];
    node "MaxBackward1";
    dtype ordered(input, missing("max_all"));
    shape rule::reduce_nonempty(input, None, false, "max");
    kernel { super::over(&mut y, input, None, kernels::amax) };
    vjp { input => |g, input, y| evenly(g, input, y) };
    samples [(real([2, 3])), (real([])), (int([3], 0, 9))];
}

op! {
    /// The greatest along a dimension, and where it is first.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged, real; the indices are int64.
    ///
    /// >>> torch.tensor([[3, 1], [4, 9]]).max(1).values
    /// tensor([3, 9])
    fn max.dim(input: Tensor, dim: i64, keepdim: bool = false) -> values, indices;
    variants [method, function, out];
    node "MaxBackward0";
    dtype no_complex(input, "max");
    shape rule::reduce_nonempty(input, Some(&[dim]), keepdim, "max");
    kernel {
        let at = normalize_dim(dim, input.ndim())?;
        over_both(&mut values, &mut indices, input, Some(&[dim]), |v, i, x, _| kernels::min_max_with_index(v, i, x, at, true))
    };
    vjp { input => |g, indices, input.shape, dim, keepdim| chosen_backward(g, indices, &input.shape, dim, keepdim) };
    samples [(real([3, 4]), 0), (real([3, 4]), 1, true), (real([]), 0), (real([0, 2]), 1)];
}

op! {
    /// The greatest of two, element by element; nan wins. As `maximum`.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted, real.
    ///
    /// >>> torch.tensor([1, 5]).max(torch.tensor([3, 2]))
    /// tensor([3, 5])
    fn max.other(input: Tensor, other: Tensor) -> y;
    variants [method, function, out];
    composite { input.maximum(other) };
    samples pairs(-2.0, 2.0);
}

op! {
    /// The smallest of all elements; nan wins. The gradient is shared equally by all that are it.
    ///
    /// Shape: `*s -> ()`. Dtype: unchanged, real.
    ///
    /// >>> torch.tensor([[3, 1], [4, 9]]).min()
    /// tensor(1)
    fn min(input: Tensor) -> y;
    variants [method, function, out];
    node "MinBackward1";
    dtype ordered(input, missing("min_all"));
    shape rule::reduce_nonempty(input, None, false, "min");
    kernel { super::over(&mut y, input, None, kernels::amin) };
    vjp { input => |g, input, y| evenly(g, input, y) };
    samples [(real([2, 3])), (real([])), (int([3], 0, 9))];
}

op! {
    /// The smallest along a dimension, and where it is first.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged, real; the indices are int64.
    ///
    /// >>> torch.tensor([[3, 1], [4, 9]]).min(1).values
    /// tensor([1, 4])
    fn min.dim(input: Tensor, dim: i64, keepdim: bool = false) -> values, indices;
    variants [method, function, out];
    node "MinBackward0";
    dtype no_complex(input, "min");
    shape rule::reduce_nonempty(input, Some(&[dim]), keepdim, "min");
    kernel {
        let at = normalize_dim(dim, input.ndim())?;
        over_both(&mut values, &mut indices, input, Some(&[dim]), |v, i, x, _| kernels::min_max_with_index(v, i, x, at, false))
    };
    vjp { input => |g, indices, input.shape, dim, keepdim| chosen_backward(g, indices, &input.shape, dim, keepdim) };
    samples [(real([3, 4]), 0), (real([3, 4]), 1, true), (real([]), 0), (real([0, 2]), 1)];
}

op! {
    /// The smallest of two, element by element; nan wins. As `minimum`.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted, real.
    ///
    /// >>> torch.tensor([1, 5]).min(torch.tensor([3, 2]))
    /// tensor([1, 2])
    fn min.other(input: Tensor, other: Tensor) -> y;
    variants [method, function, out];
    composite { input.minimum(other) };
    samples pairs(-2.0, 2.0);
}

op! {
    /// The greatest over some dimensions (none given: all); nan wins. The gradient is shared equally by all that are it.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged, real.
    ///
    /// >>> torch.tensor([[3, 1], [4, 9]]).amax(1)
    /// tensor([3, 9])
    fn amax(input: Tensor, dim: Option<Dims> = None, keepdim: bool = false) -> y;
    variants [method, function, out];
    dtype ordered(input, missing("max_values_cpu"));
    shape rule::reduce_nonempty(input, dim, keepdim, "amax");
    kernel { super::over(&mut y, input, dim, kernels::amax) };
    vjp { input => |g, input, y, dim, keepdim| shared(g, input, y, dim, keepdim) };
    samples [
        (real([2, 3])),
        (real([2, 3, 2]), [0]),
        (real([2, 3, 2]), [-1, 0], true),
        (real([])),
        (real([0, 2]), [1]),
    ];
}

op! {
    /// The smallest over some dimensions (none given: all); nan wins. The gradient is shared equally by all that are it.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged, real.
    ///
    /// >>> torch.tensor([[3, 1], [4, 9]]).amin(1)
    /// tensor([1, 4])
    fn amin(input: Tensor, dim: Option<Dims> = None, keepdim: bool = false) -> y;
    variants [method, function, out];
    dtype ordered(input, missing("min_values_cpu"));
    shape rule::reduce_nonempty(input, dim, keepdim, "amin");
    kernel { super::over(&mut y, input, dim, kernels::amin) };
    vjp { input => |g, input, y, dim, keepdim| shared(g, input, y, dim, keepdim) };
    samples [
        (real([2, 3])),
        (real([2, 3, 2]), [0]),
        (real([2, 3, 2]), [-1, 0], true),
        (real([])),
        (real([0, 2]), [1]),
    ];
}

fn aminmax_dtype(x: &Tensor) -> Result<DType> {
    ordered(x, |title| Error::type_(format!("aminmax not implemented for {title}")))
}

fn aminmax_shape(x: &Tensor, dim: Option<i64>, keepdim: bool) -> Result<Dims> {
    match dim {
        None if x.numel() == 0 => Err(Error::runtime(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.",
        )),
        None => rule::reduce(x, None, keepdim),
        Some(d) => {
            let at = normalize_dim(d, x.dim())?;
            if x.size().get(at) == Some(&0) {
                return Err(Error::index(format!("aminmax: Expected reduction dim {at} to have non-zero size.")));
            }
            rule::reduce(x, Some(&[d]), keepdim)
        }
    }
}

op! {
    /// The smallest and the greatest, of all elements or along a dimension.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged, real.
    ///
    /// >>> torch.tensor([3, 1, 2]).aminmax().max
    /// tensor(3)
    fn aminmax(input: Tensor; dim: Option<i64> = None, keepdim: bool = false) -> min, max;
    variants [method, function, out];
    dtype aminmax_dtype(input);
    shape aminmax_shape(input, dim, keepdim);
    kernel { over_both(&mut min, &mut max, input, dim.map(|d| [d]).as_ref().map(|d| d.as_slice()), kernels::aminmax) };
    vjp { input => |gs, input, min, max, dim, keepdim| {
        let one = dim.map(|d| [d]);
        let dims = one.as_ref().map(|d| d.as_slice());
        shared(&gs[0], input, min, dims, keepdim) + shared(&gs[1], input, max, dims, keepdim)
    } };
    samples [(real([3, 4])), (real([3, 4]), 0), (real([3, 4]), -1, true), (real([])), (real([0, 2]), 1)];
}

fn arg_dtype(x: &Tensor, what: &str) -> Result<DType> {
    if x.dtype() == DType::Bool {
        return Err(Error::not_implemented(format!("{what}(): does not support bool input")));
    }
    ordered(x, |_| Error::type_(format!("{what}(): does not support complex input")))?;
    Ok(DType::I64)
}

fn arg_shape(x: &Tensor, dim: Option<i64>, keepdim: bool, what: &str) -> Result<Dims> {
    match dim {
        None if x.numel() == 0 => {
            Err(Error::index(format!("{what}(): Expected reduction dim to be specified for input.numel() == 0.")))
        }
        None => rule::reduce(x, None, keepdim),
        Some(d) => {
            let at = normalize_dim(d, x.dim())?;
            if x.size().get(at) == Some(&0) {
                return Err(Error::index(format!("{what}(): Expected reduction dim {at} to have non-zero size.")));
            }
            rule::reduce(x, Some(&[d]), keepdim)
        }
    }
}

fn arg_over(y: &mut ViewMut, x: View, dim: Option<i64>, kernel: fn(&mut ViewMut, View, Option<usize>)) -> Result<()> {
    match dim {
        Some(d) if x.ndim() > 0 => {
            let at = normalize_dim(d, x.ndim())?;
            super::over(y, x, Some(&[d]), |y, x, _| kernel(y, x, Some(at)))
        }
        _ => super::over(y, x, None, |y, x, _| kernel(y, x, None)),
    }
}

op! {
    /// Where the greatest is first: along a dimension, or in the row-major sequence of all elements.
    ///
    /// Shape: `*s -> *t`. Dtype: int64.
    ///
    /// >>> torch.tensor([[3, 1], [4, 9]]).argmax()
    /// tensor(3)
    fn argmax(input: Tensor, dim: Option<i64> = None, keepdim: bool = false) -> y;
    variants [method, function, out];
    nondifferentiable;
    dtype arg_dtype(input, "argmax");
    shape arg_shape(input, dim, keepdim, "argmax");
    kernel { arg_over(&mut y, input, dim, kernels::argmax) };
    samples [(real([3, 4])), (real([3, 4]), 0), (real([3, 4]), -1, true), (real([])), (real([0, 2]), 1)];
}

op! {
    /// Where the smallest is first: along a dimension, or in the row-major sequence of all elements.
    ///
    /// Shape: `*s -> *t`. Dtype: int64.
    ///
    /// >>> torch.tensor([[3, 1], [4, 9]]).argmin()
    /// tensor(1)
    fn argmin(input: Tensor, dim: Option<i64> = None, keepdim: bool = false) -> y;
    variants [method, function, out];
    nondifferentiable;
    dtype arg_dtype(input, "argmin");
    shape arg_shape(input, dim, keepdim, "argmin");
    kernel { arg_over(&mut y, input, dim, kernels::argmin) };
    samples [(real([3, 4])), (real([3, 4]), 0), (real([3, 4]), -1, true), (real([])), (real([0, 2]), 1)];
}
