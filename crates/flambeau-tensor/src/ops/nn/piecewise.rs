//! Activations in straight pieces.

use crate::ops::nn::{flat, float_dtype};
use crate::ops::{op, rule, samples};
use crate::{DType, Error, Result, Tensor};

fn hardtanh_dtype(x: &Tensor) -> Result<DType> {
    if x.dtype() == DType::Bool {
        return Err(Error::not_implemented("Bool inputs not supported for hardtanh"));
    }
    rule::real(x, "hardtanh")
}

op! {
    /// x kept between `min_val` and `max_val`.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged, real.
    ///
    /// >>> torch.nn.functional.hardtanh(torch.tensor([-2., 0.5]))
    /// tensor([-1.0000,  0.5000])
    fn hardtanh(input: Tensor, min_val: f64 = -1.0, max_val: f64 = 1.0) -> y;
    variants [functional, inplace];
    dtype hardtanh_dtype(input);
    map { (input; min_val, max_val) Float => min(max(input, min_val), max_val); Int => input.max(min_val).min(max_val) };
    vjp { input => |g, input, min_val, max_val| g.hardtanh_backward(input, min_val, max_val) };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The gradient strictly between two bounds, else 0.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: promoted.
    fn hardtanh_backward(grad: Tensor, input: Tensor, min_val: f64, max_val: f64) -> y;
    variants [private];
    dtype rule::promote(grad, input);
    map { (grad, input; min_val, max_val) Float => if (input <= min_val) | (input >= max_val) { 0.0 } else { grad } };
    vjp {
        grad => |g, input, min_val, max_val| g.hardtanh_backward(input, min_val, max_val);
        input => |input.shape| flat(&input)
    };
    samples backward(&[(-0.8).into(), 0.9.into()]);
}

op! {
    /// The gradient strictly between two bounds, else 0: at nan too, unlike `hardtanh_backward`.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: promoted.
    fn inside(grad: Tensor, input: Tensor, min_val: f64, max_val: f64) -> y;
    variants [private];
    dtype rule::promote(grad, input);
    map { (grad, input; min_val, max_val) Float => if (input > min_val) & (input < max_val) { grad } else { 0.0 } };
    vjp {
        grad => |g, input, min_val, max_val| g.inside(input, min_val, max_val);
        input => |input.shape| flat(&input)
    };
    samples backward(&[(-0.8).into(), 0.9.into()]);
}

op! {
    /// x kept between 0 and 6.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged, real.
    ///
    /// >>> torch.nn.functional.relu6(torch.tensor([-2., 8.]))
    /// tensor([0., 6.])
    fn relu6(input: Tensor) -> y;
    variants [functional];
    composite { input.hardtanh_with(0.0, 6.0) };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The sigmoid in three straight pieces.
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point.
    ///
    /// >>> torch.nn.functional.hardsigmoid(torch.tensor([-4., 0.]))
    /// tensor([0.0000, 0.5000])
    fn hardsigmoid(input: Tensor) -> y;
    variants [functional, inplace];
    dtype float_dtype(input, "hardsigmoid_cpu");
    map { (input) Float => min(max(input + 3.0, 0.0), 6.0) / 6.0 };
    // PyTorch keeps its sixth in single precision.
    vjp { input => |g, input| g.inside(input, -3.0, 3.0) * f64::from(1f32 / 6.0) };
    samples samples::unary(-2.0, 2.0);
}

op! {
    /// `x * hardsigmoid(x)`.
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point.
    ///
    /// >>> torch.nn.functional.hardswish(torch.tensor([-4., 3.]))
    /// tensor([-0., 3.])
    fn hardswish(input: Tensor) -> y;
    variants [functional, inplace];
    dtype float_dtype(input, "hardswish_cpu");
    map { (input) Float => input * min(max(input + 3.0, 0.0), 6.0) / 6.0 };
    vjp { input => |g, input| g.hardswish_backward(input) };
    samples samples::unary(-2.0, 2.0);
}

op! {
    /// The gradient of `hardswish`.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: promoted.
    fn hardswish_backward(grad: Tensor, input: Tensor) -> y;
    variants [private];
    dtype rule::promote(grad, input);
    map { (grad, input) Float => { let inner = if input < 3.0 { grad * (input / 3.0 + 0.5) } else { grad }; if input <= -3.0 { 0.0 } else { inner } } };
    vjp {
        grad => |g, input| g.hardswish_backward(input);
        input => |g, grad, input| (g * grad).inside(input, -3.0, 3.0) / 3.0
    };
    samples [(real([2, 3]), tensor(&[2, 3], -4.0, 4.0)), (real([]), other([])), (real([0, 2]), other([0, 2]))];
}

op! {
    /// x where its size exceeds `lambd`, else 0.
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point.
    ///
    /// >>> torch.nn.functional.hardshrink(torch.tensor([0.3, 2.]))
    /// tensor([0., 2.])
    fn hardshrink(input: Tensor, lambd: f64 = 0.5) -> y;
    variants [method, function, functional, out];
    dtype float_dtype(input, "hardshrink_cpu");
    map { (input; lambd) Float => if (input >= -lambd) & (input <= lambd) { 0.0 } else { input } };
    vjp { input => |g, input, lambd| g.shrink_backward(input, lambd) };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The gradient outside of `-lambd` to `lambd`, else 0.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: promoted.
    fn shrink_backward(grad: Tensor, input: Tensor, lambd: f64) -> y;
    variants [private];
    dtype rule::promote(grad, input);
    map { (grad, input; lambd) Float => if (input >= -lambd) & (input <= lambd) { 0.0 } else { grad } };
    vjp {
        grad => |g, input, lambd| g.shrink_backward(input, lambd);
        input => |input.shape| flat(&input)
    };
    samples backward(&[0.5.into()]);
}

fn softshrink_dtype(x: &Tensor, lambd: f64) -> Result<DType> {
    let d = float_dtype(x, "softshrink_check")?;
    let (largest, shown) = match d {
        DType::F64 => (f64::MAX, "1.79769e+308"),
        DType::F32 => (f64::from(f32::MAX), "3.40282e+38"),
        DType::BF16 => (f64::from(f32::from_bits(0x7f7f_0000)), "3.38953e+38"),
        _ => (65504.0, "65504"),
    };
    if !(0.0..=largest).contains(&lambd) {
        return Err(Error::runtime(format!(
            "lambda must be in range [0, {shown}] for input dtype {}, but found {lambd}",
            d.title()
        )));
    }
    Ok(d)
}

op! {
    /// x moved towards 0 by `lambd`.
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point.
    ///
    /// >>> torch.nn.functional.softshrink(torch.tensor([0.3, 2.]))
    /// tensor([0.0000, 1.5000])
    fn softshrink(input: Tensor, lambd: f64 = 0.5) -> y;
    variants [functional, out];
    dtype softshrink_dtype(input, lambd);
    map { (input; lambd) Float => { let by = if input < 0.0 { -lambd } else { lambd }; if abs(input) > lambd { input - by } else { input * 0.0 } } };
    vjp { input => |g, input, lambd| g.shrink_backward(input, lambd) };
    samples samples::unary(-3.0, 3.0);
}
