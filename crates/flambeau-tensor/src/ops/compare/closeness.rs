//! Is it nan, infinite, finite; are two close.

use crate::ops::{op, rule, samples};
use crate::{Error, Tensor};

op! {
    /// True where not a number.
    ///
    /// Shape: `*s -> *s`. Dtype: bool.
    ///
    /// >>> torch.tensor([1., float("nan")]).isnan()
    /// tensor([False,  True])
    fn isnan(input: Tensor) -> y;
    variants [method, function];
    dtype rule::same(input);
    map { (input) Float, Complex -> bool => is_nan(input); Int, Bool -> bool => input != input };
    nondifferentiable;
    samples samples::unary(-2.0, 2.0);
}

op! {
    /// True where infinite, of either sign.
    ///
    /// Shape: `*s -> *s`. Dtype: bool.
    ///
    /// >>> torch.tensor([1., float("-inf")]).isinf()
    /// tensor([False,  True])
    fn isinf(input: Tensor) -> y;
    variants [method, function];
    dtype rule::same(input);
    map { (input) Float, Complex -> bool => is_inf(input); Int, Bool -> bool => input != input };
    nondifferentiable;
    samples samples::unary(-2.0, 2.0);
}

op! {
    /// True where neither infinite nor nan.
    ///
    /// Shape: `*s -> *s`. Dtype: bool.
    ///
    /// >>> torch.tensor([1., float("inf")]).isfinite()
    /// tensor([ True, False])
    fn isfinite(input: Tensor) -> y;
    variants [method, function];
    dtype rule::same(input);
    map { (input) Float, Complex -> bool => is_finite(input); Int, Bool -> bool => input == input };
    nondifferentiable;
    samples samples::unary(-2.0, 2.0);
}

op! {
    /// True where `abs(x - other) <= atol + rtol * abs(other)`, or both are equal.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: bool; both of one dtype.
    ///
    /// >>> torch.isclose(torch.tensor([1., 2.]), torch.tensor([1.0000001, 3.]))
    /// tensor([ True, False])
    fn isclose(input: Tensor, other: Tensor, rtol: f64 = 1e-5, atol: f64 = 1e-8, equal_nan: bool = false) -> y;
    variants [method, function];
    composite {
        if input.dtype() != other.dtype() {
            return Err(Error::runtime(format!("{} did not match {}", input.dtype().title(), other.dtype().title())));
        }
        if rtol < 0.0 || atol < 0.0 {
            return Err(Error::runtime(format!(
                "{} must be greater than or equal to zero, but got {}",
                if rtol < 0.0 { "rtol" } else { "atol" },
                if rtol < 0.0 { rtol } else { atol }
            )));
        }
        close(input, other, rtol, atol, equal_nan)
    };
    samples [(real([2, 3]), real([2, 3])), (real([]), other([]), 0.1, 0.2, true), (real([0, 2]), other([2]))];
}

fn close(x: &Tensor, other: &Tensor, rtol: f64, atol: f64, equal_nan: bool) -> crate::Result<Tensor> {
    let mut same = x.eq(other)?;
    if equal_nan && x.dtype().is_differentiable() {
        same = same.logical_or(&x.isnan()?.logical_and(&other.isnan()?)?)?;
    }
    if rtol == 0.0 && atol == 0.0 {
        return Ok(same);
    }
    let (x, other) = if x.dtype().is_integral() {
        (x.to_dtype(crate::default_dtype())?, other.to_dtype(crate::default_dtype())?)
    } else {
        (x.clone(), other.clone())
    };
    let allowed = other.abs()?.mul(rtol)?.add(atol)?;
    let error = x.sub(&other)?.abs()?;
    same.logical_or(&error.isfinite()?.logical_and(&error.le(&allowed)?)?)
}

op! {
    /// True if all elements are close (see `isclose`).
    ///
    /// Shape: `*s, *t -> ()`. Dtype: bool.
    ///
    /// >>> torch.allclose(torch.tensor([1.]), torch.tensor([1.0000001]))
    /// True
    fn allclose(input: Tensor, other: Tensor, rtol: f64 = 1e-5, atol: f64 = 1e-8, equal_nan: bool = false) -> bool;
    variants [method, function];
    nondifferentiable;
    compute { input.isclose_with(other, rtol, atol, equal_nan)?.all() };
    samples [(real([2, 3]), real([2, 3])), (real([]), other([]), 0.1, 0.2, true), (real([0, 2]), other([2]))];
}

op! {
    /// True if both have the same size and elements.
    ///
    /// Shape: `*s, *t -> ()`. Dtype: bool.
    ///
    /// >>> torch.equal(torch.tensor([1, 2]), torch.tensor([1, 2]))
    /// True
    fn equal(input: Tensor, other: Tensor) -> bool;
    variants [method, function];
    nondifferentiable;
    compute {
        if input.size() != other.size() {
            return Ok(Tensor::scalar(false, crate::DType::Bool));
        }
        input.eq(other)?.all()
    };
    samples [
        (real([2, 3]), real([2, 3])),
        (real([2]), other([2])),
        (real([2]), real([3])),
        (real([]), real([])),
        (real([0, 2]), other([0, 2])),
    ];
}
