//! Standard deviation and variance.

use flambeau_cpu::{View, ViewMut, reduce as kernels};

use super::sums::{expand_reduced, keep_reduced, reduced_count};
use super::{over, over_both};
use crate::ops::{Val, op, rule};
use crate::{DType, Dims, Error, Result, Scalar, Tensor};

/// A deviation is a real number.
fn deviation_dtype(x: &Tensor, what: &str) -> Result<DType> {
    if x.dtype().is_integral() {
        return Err(Error::not_implemented(format!("{what} only support floating point and complex dtypes")));
    }
    Ok(x.dtype().to_real())
}

fn pair_dtype(x: &Tensor, what: &str) -> Result<[DType; 2]> {
    Ok([deviation_dtype(x, what)?, x.dtype()])
}

/// How much the count is lessened by.
fn bessel(unbiased: bool) -> f64 {
    unbiased as u8 as f64
}

fn corrected(correction: Option<Scalar>) -> f64 {
    correction.map_or(1.0, Scalar::to_f64)
}

fn deviation(y: &mut ViewMut, x: View, dim: Option<&[i64]>, correction: f64, root: bool) -> Result<()> {
    over(y, x, dim, |y, x, mask| kernels::var(y, x, mask, correction, root))
}

fn deviation_mean(
    y: &mut ViewMut,
    mean: &mut ViewMut,
    x: View,
    dim: Option<&[i64]>,
    correction: f64,
    root: bool,
) -> Result<()> {
    over_both(y, mean, x, dim, |y, mean, x, mask| kernels::var_mean(y, mean, x, mask, correction, root))
}

/// The gradient of a variance.
fn var_backward(g: &Val, input: &Val, dim: Option<&[i64]>, correction: f64, keepdim: bool) -> Val {
    Val::run(|| {
        let x = input.tensor()?;
        let freedom = reduced_count(x.size(), dim)? as f64 - correction;
        let g = keep_reduced(&g.tensor()?, x.dim(), dim, keepdim)?;
        let apart = x.sub(&x.mean_dim_with(dim, true, None)?)?;
        if freedom > 0.0 {
            return g.mul(2.0 / freedom)?.mul(&apart);
        }
        // Nothing but infinities: nan where an element is the mean.
        g.mul(&apart.mul(&apart)?.mul(f64::INFINITY)?)
    })
}

/// The gradient of a standard deviation; 0 where it is 0.
fn std_backward(g: &Val, input: &Val, y: &Val, dim: Option<&[i64]>, correction: f64, keepdim: bool) -> Val {
    let g = (g / (y * 2.0)).masked_fill(y.eq(0.0), 0.0);
    var_backward(&g, input, dim, correction, keepdim)
}

/// The gradient of a mean.
fn mean_backward(g: &Val, shape: &[i64], dim: Option<&[i64]>, keepdim: bool) -> Val {
    match reduced_count(shape, dim) {
        Ok(n) => expand_reduced(g, shape, dim, keepdim) / n as f64,
        Err(e) => Val::Error(e),
    }
}

op! {
    /// The standard deviation of all elements, with Bessel's correction unless `unbiased` is false.
    ///
    /// Shape: `*s -> ()`. Dtype: floating-point; real of complex.
    ///
    /// >>> torch.tensor([1., 2., 3.]).std()
    /// tensor(1.)
    fn std(input: Tensor, unbiased: bool = true) -> y;
    variants [method, function];
    dtype deviation_dtype(input, "std and var");
    shape Dims::new();
    kernel { deviation(&mut y, input, None, bessel(unbiased), true) };
    vjp { input => |g, input, y, unbiased| std_backward(g, input, y, None, bessel(unbiased), false) };
    samples [(real([2, 3])), (real([4]), false)];
}

op! {
    /// The standard deviation and the mean of all elements, with Bessel's correction unless `unbiased` is false.
    ///
    /// Shape: `*s -> ()`. Dtype: floating-point; the standard deviation is real.
    fn std_mean(input: Tensor, unbiased: bool = true) -> std, mean;
    variants [function];
    dtype pair_dtype(input, "std_mean");
    shape Dims::new();
    kernel { deviation_mean(&mut std, &mut mean, input, None, bessel(unbiased), true) };
    vjp { input => |gs, input, std, unbiased| std_backward(&gs[0], input, std, None, bessel(unbiased), false) + mean_backward(&gs[1], input.tensor()?.size(), None, false) };
    samples [(real([2, 3])), (real([4]), false)];
}

op! {
    /// The standard deviation over some dimensions, with Bessel's correction unless `unbiased` is false.
    ///
    /// Shape: `*s -> *t`. Dtype: floating-point; real of complex.
    fn std.dim(input: Tensor, dim: Option<Dims>, unbiased: bool = true, keepdim: bool = false) -> y;
    variants [method, function, out];
    dtype deviation_dtype(input, "std and var");
    shape rule::reduce(input, dim, keepdim);
    kernel { deviation(&mut y, input, dim, bessel(unbiased), true) };
    vjp { input => |g, input, y, dim, unbiased, keepdim| std_backward(g, input, y, dim, bessel(unbiased), keepdim) };
    samples [(real([2, 3, 2]), [1]), (real([2, 3, 2]), [0, -1], false, true), (real([3]), None), (real([3, 0]), [0])];
}

op! {
    /// The standard deviation and the mean over some dimensions, with Bessel's correction unless `unbiased` is false.
    ///
    /// Shape: `*s -> *t`. Dtype: floating-point; the standard deviation is real.
    fn std_mean.dim(input: Tensor, dim: Option<Dims>, unbiased: bool = true, keepdim: bool = false) -> std, mean;
    variants [function];
    dtype pair_dtype(input, "std_mean");
    shape rule::reduce(input, dim, keepdim);
    kernel { deviation_mean(&mut std, &mut mean, input, dim, bessel(unbiased), true) };
    vjp { input => |gs, input, std, dim, unbiased, keepdim| std_backward(&gs[0], input, std, dim, bessel(unbiased), keepdim) + mean_backward(&gs[1], input.tensor()?.size(), dim, keepdim) };
    samples [(real([2, 3, 2]), [1]), (real([2, 3, 2]), [0, -1], false, true), (real([3]), None), (real([3, 0]), [0])];
}

op! {
    /// The standard deviation over some dimensions; the sum of squares is divided by the count less `correction` (1 unless given).
    ///
    /// Shape: `*s -> *t`. Dtype: floating-point; real of complex.
    ///
    /// >>> torch.tensor([1., 3.]).std(correction=0)
    /// tensor(1.)
    fn std.correction(input: Tensor, dim: Option<Dims> = None; correction: Option<Scalar> = None, keepdim: bool = false) -> y;
    variants [method, function, out];
    dtype deviation_dtype(input, "std and var");
    shape rule::reduce(input, dim, keepdim);
    kernel { deviation(&mut y, input, dim, corrected(correction), true) };
    vjp { input => |g, input, y, dim, correction, keepdim| std_backward(g, input, y, dim, corrected(correction), keepdim) };
    samples [
        (real([2, 3, 2]), [1]),
        (real([2, 3, 2]), [0, -1], 0, true),
        (real([4]), None, 1.5),
        (real([3, 0]), [0]),
    ];
}

op! {
    /// The standard deviation and the mean over some dimensions; the sum of squares is divided by the count less `correction` (1 unless given).
    ///
    /// Shape: `*s -> *t`. Dtype: floating-point; the standard deviation is real.
    fn std_mean.correction(input: Tensor, dim: Option<Dims> = None; correction: Option<Scalar> = None, keepdim: bool = false) -> std, mean;
    variants [function];
    dtype pair_dtype(input, "std_mean");
    shape rule::reduce(input, dim, keepdim);
    kernel { deviation_mean(&mut std, &mut mean, input, dim, corrected(correction), true) };
    vjp { input => |gs, input, std, dim, correction, keepdim| std_backward(&gs[0], input, std, dim, corrected(correction), keepdim) + mean_backward(&gs[1], input.tensor()?.size(), dim, keepdim) };
    samples [
        (real([2, 3, 2]), [1]),
        (real([2, 3, 2]), [0, -1], 0, true),
        (real([4]), None, 1.5),
        (real([3, 0]), [0]),
    ];
}

op! {
    /// The variance of all elements, with Bessel's correction unless `unbiased` is false.
    ///
    /// Shape: `*s -> ()`. Dtype: floating-point; real of complex.
    ///
    /// >>> torch.tensor([1., 2., 3.]).var()
    /// tensor(1.)
    fn var(input: Tensor, unbiased: bool = true) -> y;
    variants [method, function];
    dtype deviation_dtype(input, "std and var");
    shape Dims::new();
    kernel { deviation(&mut y, input, None, bessel(unbiased), false) };
    vjp { input => |g, input, unbiased| var_backward(g, input, None, bessel(unbiased), false) };
    samples [(real([2, 3])), (real([4]), false)];
}

op! {
    /// The variance and the mean of all elements, with Bessel's correction unless `unbiased` is false.
    ///
    /// Shape: `*s -> ()`. Dtype: floating-point; the variance is real.
    fn var_mean(input: Tensor, unbiased: bool = true) -> var, mean;
    variants [function];
    dtype pair_dtype(input, "var_mean");
    shape Dims::new();
    kernel { deviation_mean(&mut var, &mut mean, input, None, bessel(unbiased), false) };
    vjp { input => |gs, input, unbiased| var_backward(&gs[0], input, None, bessel(unbiased), false) + mean_backward(&gs[1], input.tensor()?.size(), None, false) };
    samples [(real([2, 3])), (real([4]), false)];
}

op! {
    /// The variance over some dimensions, with Bessel's correction unless `unbiased` is false.
    ///
    /// Shape: `*s -> *t`. Dtype: floating-point; real of complex.
    fn var.dim(input: Tensor, dim: Option<Dims>, unbiased: bool = true, keepdim: bool = false) -> y;
    variants [method, function, out];
    dtype deviation_dtype(input, "std and var");
    shape rule::reduce(input, dim, keepdim);
    kernel { deviation(&mut y, input, dim, bessel(unbiased), false) };
    vjp { input => |g, input, dim, unbiased, keepdim| var_backward(g, input, dim, bessel(unbiased), keepdim) };
    samples [(real([2, 3, 2]), [1]), (real([2, 3, 2]), [0, -1], false, true), (real([3]), None), (real([3, 0]), [0])];
}

op! {
    /// The variance and the mean over some dimensions, with Bessel's correction unless `unbiased` is false.
    ///
    /// Shape: `*s -> *t`. Dtype: floating-point; the variance is real.
    fn var_mean.dim(input: Tensor, dim: Option<Dims>, unbiased: bool = true, keepdim: bool = false) -> var, mean;
    variants [function];
    dtype pair_dtype(input, "var_mean");
    shape rule::reduce(input, dim, keepdim);
    kernel { deviation_mean(&mut var, &mut mean, input, dim, bessel(unbiased), false) };
    vjp { input => |gs, input, dim, unbiased, keepdim| var_backward(&gs[0], input, dim, bessel(unbiased), keepdim) + mean_backward(&gs[1], input.tensor()?.size(), dim, keepdim) };
    samples [(real([2, 3, 2]), [1]), (real([2, 3, 2]), [0, -1], false, true), (real([3]), None), (real([3, 0]), [0])];
}

op! {
    /// The variance over some dimensions; the sum of squares is divided by the count less `correction` (1 unless given).
    ///
    /// Shape: `*s -> *t`. Dtype: floating-point; real of complex.
    ///
    /// >>> torch.tensor([1., 3.]).var(correction=0)
    /// tensor(1.)
    fn var.correction(input: Tensor, dim: Option<Dims> = None; correction: Option<Scalar> = None, keepdim: bool = false) -> y;
    variants [method, function, out];
    dtype deviation_dtype(input, "std and var");
    shape rule::reduce(input, dim, keepdim);
    kernel { deviation(&mut y, input, dim, corrected(correction), false) };
    vjp { input => |g, input, dim, correction, keepdim| var_backward(g, input, dim, corrected(correction), keepdim) };
    samples [
        (real([2, 3, 2]), [1]),
        (real([2, 3, 2]), [0, -1], 0, true),
        (real([4]), None, 1.5),
        (real([3, 0]), [0]),
    ];
}

op! {
    /// The variance and the mean over some dimensions; the sum of squares is divided by the count less `correction` (1 unless given).
    ///
    /// Shape: `*s -> *t`. Dtype: floating-point; the variance is real.
    fn var_mean.correction(input: Tensor, dim: Option<Dims> = None; correction: Option<Scalar> = None, keepdim: bool = false) -> var, mean;
    variants [function];
    dtype pair_dtype(input, "var_mean");
    shape rule::reduce(input, dim, keepdim);
    kernel { deviation_mean(&mut var, &mut mean, input, dim, corrected(correction), false) };
    vjp { input => |gs, input, dim, correction, keepdim| var_backward(&gs[0], input, dim, corrected(correction), keepdim) + mean_backward(&gs[1], input.tensor()?.size(), dim, keepdim) };
    samples [
        (real([2, 3, 2]), [1]),
        (real([2, 3, 2]), [0, -1], 0, true),
        (real([4]), None, 1.5),
        (real([3, 0]), [0]),
    ];
}
