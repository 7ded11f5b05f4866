//! Reductions that pass over some elements, and sums of exponentials.

use flambeau_cpu::reduce as kernels;

use super::over;
use super::sums::{expand_reduced, keep_reduced};
use crate::ops::{Val, op, rule};
use crate::{DType, Error, Result, Tensor};

op! {
    /// How many elements are not zero: of all, or over some dimensions.
    ///
    /// Shape: `*s -> *t`. Dtype: int64.
    ///
    /// >>> torch.tensor([[0, 1], [2, 3]]).count_nonzero(0)
    /// tensor([1, 2])
    fn count_nonzero(input: Tensor, dim: Option<Dims> = None) -> y;
    variants [method, function, out];
    nondifferentiable;
    dtype DType::I64;
    shape rule::reduce(input, dim, false);
    kernel { over(&mut y, input, dim, kernels::count_nonzero) };
    samples [
        (real([2, 3])),
        (real([2, 3]), [0]),
        (real([2, 3, 2]), [0, -1]),
        (real([])),
        (mask([2, 3]), [1]),
        (real([0, 2]), [0]),
    ];
}

fn nansum_dtype(x: &Tensor, dtype: Option<DType>) -> Result<DType> {
    if x.dtype().is_complex() {
        return Err(Error::not_implemented("nansum on CPU does not support complex inputs"));
    }
    Ok(rule::sum(x, dtype))
}

op! {
    /// The sum with nan counted as 0, of all elements or over some dimensions.
    ///
    /// Shape: `*s -> *t`. Dtype: `dtype`; bool and integers give int64.
    ///
    /// >>> torch.tensor([1., float('nan'), 2.]).nansum()
    /// tensor(3.)
    fn nansum(input: Tensor, dim: Option<Dims> = None, keepdim: bool = false; dtype: Option<DType> = None) -> y;
    variants [method, function, out];
    dtype nansum_dtype(input, dtype);
    shape rule::reduce(input, dim, keepdim);
    kernel { over(&mut y, input, dim, kernels::nansum) };
    vjp { input => |g, input, dim, keepdim| expand_reduced(g, input.tensor()?.size(), dim, keepdim).masked_fill(input.isnan(), 0.0) };
    samples [
        (real([2, 3])),
        (real([2, 3, 2]), [0]),
        (real([2, 3, 2]), [-1, 0], true, DType::F64),
        (real([])),
        (real([0, 2]), [0]),
    ];
}

op! {
    /// The mean of the elements that are not nan: of all, or over some dimensions.
    ///
    /// Shape: `*s -> *t`. Dtype: `dtype`, or unchanged; floating-point or complex.
    ///
    /// >>> torch.tensor([1., float('nan'), 2.]).nanmean()
    /// tensor(1.5000)
    fn nanmean(input: Tensor, dim: Option<Dims> = None, keepdim: bool = false; dtype: Option<DType> = None) -> y;
    variants [method, function, out];
    composite {
        if input.dtype().is_integral() {
            return Err(Error::not_implemented(format!(
                "nanmean(): expected input to have floating point or complex dtype but got {}",
                input.dtype().title()
            )));
        }
        let count = input.detach().isnan()?.logical_not()?.sum_dim_with(dim, keepdim, None)?;
        input.nansum_with(dim, keepdim, dtype)?.div(&count)
    };
    samples [(real([2, 3])), (real([2, 3, 2]), [0]), (real([2, 3, 2]), [-1, 0], true, DType::F64), (real([]))];
}

/// The gradient of `logsumexp`.
fn logsumexp_backward(g: &Val, input: &Val, y: &Val, dim: &[i64], keepdim: bool) -> Result<Val> {
    let ndim = input.tensor()?.dim();
    let kept = |v: &Val| Val::run(|| keep_reduced(&v.tensor()?, ndim, Some(dim), keepdim));
    let shares = (input - kept(y)).exp();
    Ok(kept(g) * if input.tensor()?.dtype().is_complex() { shares.conj() } else { shares })
}

op! {
    /// The logarithm of the sum of the exponentials over some dimensions, without overflow on the way.
    ///
    /// Shape: `*s -> *t`. Dtype: integers give the default float type.
    ///
    /// >>> torch.tensor([[0., 0.], [1000., 0.]]).logsumexp(1)
    /// tensor([6.9315e-01, 1.0000e+03])
    fn logsumexp(input: Tensor, dim: Dims, keepdim: bool = false) -> y;
    variants [method, function, special, out];
    composite {
        if input.dtype().is_complex() {
            input.logsumexp_of_complex(dim, keepdim)
        } else {
            input.logsumexp_of_real(dim, keepdim)
        }
    };
    samples [(real([2, 3]), [0]), (real([2, 3]), [0, 1], true), (real([]), [0]), (real([0, 2]), [0])];
}

op! {
    /// `logsumexp` of real numbers.
    ///
    /// Shape: `*s -> *t`. Dtype: integers give the default float type.
    fn logsumexp_of_real(input: Tensor, dim: Dims, keepdim: bool) -> y;
    variants [private];
    node "LogsumexpBackward0";
    dtype if input.dtype().is_complex() {
        Err(Error::not_implemented("logsumexp_of_real is only for real numbers"))
    } else {
        Ok(rule::int_to_float(input))
    };
    shape rule::reduce(input, Some(dim), keepdim);
    kernel { over(&mut y, input, Some(dim), kernels::logsumexp) };
    vjp { input => |g, input, y, dim, keepdim| logsumexp_backward(g, input, y, dim, keepdim)? };
    samples [
        (real([2, 3, 2]), [1], false),
        (real([2, 3, 2]), [0, -1], true),
        (real([]), [], false),
        (real([0, 2]), [0], true),
    ];
}

op! {
    /// `logsumexp` of complex numbers: the greatest real part is taken out first.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    fn logsumexp_of_complex(input: Tensor, dim: Dims, keepdim: bool) -> y;
    variants [private];
    node "LogsumexpBackward0";
    dtype input.dtype();
    shape rule::reduce(input, Some(dim), keepdim);
    compute {
        if input.numel() == 0 {
            return input.exp()?.sum_dim_with(Some(dim), keepdim, None)?.log();
        }
        let greatest = input.real()?.amax_with(Some(dim), true)?;
        let greatest = greatest.masked_fill(&greatest.isinf()?, 0.0)?;
        let y = input.sub(&greatest)?.exp()?.sum_dim_with(Some(dim), true, None)?.log()?.add(&greatest)?;
        if keepdim { Ok(y) } else { y.reshape(&rule::reduce(input, Some(dim), false)?) }
    };
    vjp { input => |g, input, y, dim, keepdim| logsumexp_backward(g, input, y, dim, keepdim)? };
    samples [(complex([2, 3]), [1], false), (complex([2, 3]), [0, -1], true), (complex([0, 2]), [0], false)];
}
