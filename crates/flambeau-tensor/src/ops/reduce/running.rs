//! Running sums, products, logarithms of sums of exponentials, and extremes.

use flambeau_cpu::{View, ViewMut, scan as kernels};

use super::recurrence::product_backward;
use crate::ops::{Val, op, rule};
use crate::{DType, Error, Result, Tensor, normalize_dim};

/// Runs a scan from the end: over views whose strides along the dimension are turned around.
fn reversed(y: &mut ViewMut, x: View, dim: i64, kernel: fn(&mut ViewMut, View, usize)) -> Result<()> {
    let at = normalize_dim(dim, x.ndim())?;
    if x.ndim() == 0 || x.numel() == 0 {
        kernel(y, x, at);
        return Ok(());
    }
    let last = x.sizes()[at] - 1;
    let turned = |strides: &[i64], size: usize| -> (crate::Dims, isize) {
        let mut turned: crate::Dims = strides.into();
        turned[at] = -turned[at];
        (turned, (last * strides[at]) as isize * size as isize)
    };
    let (xs, x_start) = turned(x.strides(), x.dtype().size());
    let (ys, y_start) = turned(y.strides(), y.dtype().size());
    // SAFETY: the start is the last element along the dimension, from where the turned stride leads back to the first.
    let x = unsafe { View::new(x.ptr().offset(x_start), x.dtype(), x.sizes(), &xs) };
    // SAFETY: as above.
    let mut y = unsafe { ViewMut::new(y.ptr().offset(y_start), y.dtype(), y.sizes(), &ys) };
    kernel(&mut y, x, at);
    Ok(())
}

fn checked(x: &Tensor, dim: i64) -> Result<crate::Dims> {
    normalize_dim(dim, x.dim())?;
    Ok(x.sizes())
}

op! {
    /// The running sum along a dimension.
    ///
    /// Shape: `*s -> *s`. Dtype: `dtype`; bool and integers give int64.
    ///
    /// >>> torch.tensor([1, 2, 3]).cumsum(0)
    /// tensor([1, 3, 6])
    fn cumsum(input: Tensor, dim: i64; dtype: Option<DType> = None) -> y;
    variants [method, function, inplace, out];
    dtype rule::sum(input, dtype);
    shape checked(input, dim);
    kernel { kernels::cumsum(&mut y, input, normalize_dim(dim, input.ndim())?) };
    vjp { input => |g, dim| g.reverse_cumsum(dim) };
    samples [
        (real([2, 3]), 0),
        (real([2, 3]), -1, DType::F64),
        (real([]), 0),
        (real([0, 2]), 1),
        (int([3], 0, 9), 0),
    ];
}

op! {
    /// The running sum along a dimension, from its end.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    fn reverse_cumsum(input: Tensor, dim: i64) -> y;
    variants [private];
    dtype rule::sum(input, None);
    shape checked(input, dim);
    kernel { reversed(&mut y, input, dim, kernels::cumsum) };
    vjp { input => |g, dim| g.cumsum(dim) };
    samples [(real([2, 3]), 0), (real([2, 3]), -1), (real([]), 0), (real([0, 2]), 1)];
}

op! {
    /// The running product along a dimension.
    ///
    /// Shape: `*s -> *s`. Dtype: `dtype`; bool and integers give int64.
    ///
    /// >>> torch.tensor([1, 2, 3]).cumprod(0)
    /// tensor([1, 2, 6])
    fn cumprod(input: Tensor, dim: i64; dtype: Option<DType> = None) -> y;
    variants [method, function, inplace, out];
    dtype rule::sum(input, dtype);
    shape checked(input, dim);
    kernel { kernels::cumprod(&mut y, input, normalize_dim(dim, input.ndim())?) };
    vjp { input => |g, input, y, dim| cumprod_backward(g, input, y, dim) };
    samples [
        (real([2, 3]), 0),
        (real([2, 3]), -1, DType::F64),
        (real([]), 0),
        (real([0, 2]), 1),
        (int([3], 0, 9), 0),
    ];
}

fn cumprod_backward(g: &Val, input: &Val, y: &Val, dim: i64) -> Val {
    Val::run(|| {
        let x = input.tensor()?;
        if x.dim() == 0 {
            return g.tensor();
        }
        if super::products::has_zero(&x)? {
            return product_backward(&g.tensor()?, &x, dim);
        }
        ((g * y.conj()).reverse_cumsum(dim) / input.conj()).tensor()
    })
}

fn logcumsumexp_dtype(x: &Tensor) -> Result<DType> {
    if x.dtype().is_integral() {
        return Err(Error::not_implemented(format!(
            "\"logcumsumexp_out_cpu\" not implemented for '{}'",
            x.dtype().title()
        )));
    }
    Ok(x.dtype())
}

/// `weights` times `exp(x)`, added up by `sum` (in logarithms), over `exp(y)`. Signs go separate ways through logarithms, so
/// that nothing overflows; the logarithm of a complex weight keeps its sign.
fn weighted(weights: &Tensor, x: &Tensor, y: &Tensor, sum: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    if weights.dtype().is_complex() {
        return sum(&weights.log()?.add(x)?)?.add(y)?.exp();
    }
    let part = |w: &Tensor| -> Result<Tensor> {
        let mine = w.gt(0.0)?;
        let log = mine.where_(&mine.where_(w, 1.0)?.log()?, f64::NEG_INFINITY)?;
        sum(&log.add(x)?)?.add(y)?.exp()
    };
    part(weights)?.sub(part(&weights.neg()?)?)
}

op! {
    /// The gradient of a running logarithm of sums: element `i` is the sum over `j >= i` of `grad[j] * exp(input[i] - output[j])`,
    /// with the conjugate of the power.
    ///
    /// Shape: `*s, *s, *s -> *s`. Dtype: unchanged.
    fn logcumsumexp_backward(input: Tensor, grad: Tensor, output: Tensor, dim: i64) -> y;
    variants [private];
    dtype logcumsumexp_dtype(input);
    shape input.size();
    compute {
        weighted(&grad.conj_physical()?, &output.neg()?, input, |x| x.reverse_logcumsumexp(dim))?.conj_physical()
    };
    vjp {
        input => |g, y| g.conj() * y;
        grad => |g, input, output, dim| input.logcumsumexp_tangent(g, output, dim);
        output => |g, input, grad, output, dim| -(grad * input.logcumsumexp_tangent(g, output, dim).conj())
    };
    samples [
        (real([2, 3]), other([2, 3]), positive([2, 3]), 0),
        (real([3]), other([3]), positive([3]), -1),
        (real([]), other([]), positive([]), 0),
        (real([0, 2]), other([0, 2]), positive([0, 2]), 1),
    ];
}

op! {
    /// How a running logarithm of sums moves with its input: element `j` is the sum over `i <= j` of
    /// `tangent[i] * exp(input[i] - output[j])`. The transpose of the gradient.
    ///
    /// Shape: `*s, *s, *s -> *s`. Dtype: unchanged.
    fn logcumsumexp_tangent(input: Tensor, tangent: Tensor, output: Tensor, dim: i64) -> y;
    variants [private];
    dtype logcumsumexp_dtype(input);
    shape input.size();
    compute { weighted(tangent, input, &output.neg()?, |x| x.logcumsumexp(dim)) };
    vjp {
        input => |g, input, tangent, output, dim| tangent.conj() * input.logcumsumexp_backward(g, output, dim);
        tangent => |g, input, output, dim| input.logcumsumexp_backward(g, output, dim);
        output => |g, y| -(g * y.conj())
    };
    samples [
        (real([2, 3]), other([2, 3]), positive([2, 3]), 0),
        (real([3]), other([3]), positive([3]), -1),
        (real([]), other([]), positive([]), 0),
        (real([0, 2]), other([0, 2]), positive([0, 2]), 1),
    ];
}

op! {
    /// The running logarithm of the sum of exponentials along a dimension.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged, floating-point or complex.
    ///
    /// >>> torch.tensor([0., 0.]).logcumsumexp(0)
    /// tensor([0.0000, 0.6931])
    fn logcumsumexp(input: Tensor, dim: i64) -> y;
    variants [method, function, out];
    dtype logcumsumexp_dtype(input);
    shape checked(input, dim);
    kernel { kernels::logcumsumexp(&mut y, input, normalize_dim(dim, input.ndim())?) };
    vjp { input => |g, input, y, dim| input.logcumsumexp_backward(g, y, dim) };
    samples [(real([2, 3]), 0), (real([2, 3]), -1), (real([]), 0), (real([0, 2]), 1)];
}

op! {
    /// The running logarithm of the sum of exponentials along a dimension, from its end.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged, floating-point.
    fn reverse_logcumsumexp(input: Tensor, dim: i64) -> y;
    variants [private];
    dtype logcumsumexp_dtype(input);
    shape checked(input, dim);
    kernel { reversed(&mut y, input, dim, kernels::logcumsumexp) };
    nondifferentiable;
    samples [(real([2, 3]), 0), (real([2, 3]), -1), (real([]), 0), (real([0, 2]), 1)];
}

fn extreme_dtype(x: &Tensor, what: &str) -> Result<[DType; 2]> {
    if x.dtype().is_complex() {
        return Err(Error::not_implemented(format!("\"{what}_cpu\" not implemented for '{}'", x.dtype().title())));
    }
    Ok([x.dtype(), DType::I64])
}

op! {
    /// The greatest so far along a dimension, and where it was last.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged; the indices are int64.
    ///
    /// >>> torch.tensor([2, 1, 3]).cummax(0).values
    /// tensor([2, 2, 3])
    fn cummax(input: Tensor, dim: i64) -> values, indices;
    variants [method, function, out];
    dtype extreme_dtype(input, "cummax");
    shape checked(input, dim);
    kernel { kernels::cummax(&mut values, &mut indices, input, normalize_dim(dim, input.ndim())?) };
    vjp { input => |g, indices, input.shape, dim| g.put_along(indices, &input.shape, dim, true) };
    samples [(real([2, 3]), 0), (real([2, 3]), -1), (real([]), 0), (real([0, 2]), 1), (int([3], 0, 9), 0)];
}

op! {
    /// The smallest so far along a dimension, and where it was last.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged; the indices are int64.
    ///
    /// >>> torch.tensor([2, 3, 1]).cummin(0).values
    /// tensor([2, 2, 1])
    fn cummin(input: Tensor, dim: i64) -> values, indices;
    variants [method, function, out];
    dtype extreme_dtype(input, "cummin");
    shape checked(input, dim);
    kernel { kernels::cummin(&mut values, &mut indices, input, normalize_dim(dim, input.ndim())?) };
    vjp { input => |g, indices, input.shape, dim| g.put_along(indices, &input.shape, dim, true) };
    samples [(real([2, 3]), 0), (real([2, 3]), -1), (real([]), 0), (real([0, 2]), 1), (int([3], 0, 9), 0)];
}
