//! Exponentials, logarithms, roots, and what is made of them.

use flambeau_cpu::loops::MapKernel;

use crate::ops::{Arg, Val, op, rule, samples};
use crate::{DType, Tensor};

op! {
    /// The exponential, `e ** x`, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0., 1.]).exp()
    /// tensor([1.0000, 2.7183])
    fn exp(input: Tensor) -> y;
    variants [method, function, special, inplace, out];
    dtype rule::int_to_float(input);
    map { (input) Float, Complex => exp(input) };
    vjp { input => |g, y| g * y.conj() };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The natural logarithm, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([1., 10.]).log()
    /// tensor([0.0000, 2.3026])
    fn log(input: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::int_to_float(input);
    map { (input) Float, Complex => log(input) };
    vjp { input => |g, input| g / input.conj() };
    samples samples::unary(0.3, 4.0);
}

/// The loop that rounds as PyTorch's roots do.
fn reference_root(_: &[Arg], dtype: DType) -> Option<&'static MapKernel> {
    #[cfg(target_arch = "x86_64")]
    if dtype == DType::F32 && flambeau_cpu::math::is_reference() {
        return Some(&flambeau_cpu::loops::REFERENCE_SQRT);
    }
    let _ = dtype;
    None
}

op! {
    /// The square root, element by element; nan for negative numbers.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([4., 9.]).sqrt()
    /// tensor([2., 3.])
    fn sqrt(input: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::int_to_float(input);
    shortcut reference_root;
    map { (input) Float, Complex => sqrt(input) };
    vjp { input => |g, y| g / (2.0 * y.conj()) };
    samples samples::unary(0.3, 4.0);
}

op! {
    /// The reciprocal of the square root, `1 / sqrt(x)`, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([4., 16.]).rsqrt()
    /// tensor([0.5000, 0.2500])
    fn rsqrt(input: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::int_to_float(input);
    map { (input) Float, Complex => rsqrt(input) };
    vjp { input => |g, y| -0.5 * g * (y * y * y).conj() };
    samples samples::unary(0.3, 4.0);
}

op! {
    /// The reciprocal, `1 / x`, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([2., 4.]).reciprocal()
    /// tensor([0.5000, 0.2500])
    fn reciprocal(input: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::int_to_float(input);
    map { (input) Float => 1.0 / input; Complex => quick reciprocal(input) };
    vjp { input => |g, y| -(g * (y * y).conj()) };
    samples samples::unary(0.3, 4.0);
}

op! {
    /// The logistic sigmoid, `1 / (1 + exp(-x))`, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0., 2.]).sigmoid()
    /// tensor([0.5000, 0.8808])
    fn sigmoid(input: Tensor) -> y;
    variants [method, function, inplace, out];
    alias [special expit];
    dtype rule::int_to_float(input);
    map { (input) Float, Complex => sigmoid(input) };
    vjp { input => |g, y| g.sigmoid_backward(y) };
    samples samples::unary(-6.0, 6.0);
}

op! {
    /// The gradient of `sigmoid` from that of its result, and the result.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: promoted.
    fn sigmoid_backward(grad: Tensor, output: Tensor) -> y;
    variants [private];
    dtype rule::promote(grad, output);
    map {
        (grad, output)
        Float => grad * (1.0 - output) * output;
        Complex => grad * ((C::new(1.0, 0.0) - output) * output).conj()
    };
    vjp {
        grad => |g, output| g.sigmoid_backward(output.conj());
        output => |g, grad, output| g.conj() * grad * (1.0 - 2.0 * output).conj()
    };
    samples samples::pairs(-2.0, 2.0);
}

op! {
    /// Two to the power `x`, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0., 1., 3.]).exp2()
    /// tensor([1., 2., 8.])
    fn exp2(input: Tensor) -> y;
    variants [method, function, special, inplace, out];
    dtype rule::int_to_float(input);
    map { (input) Float => exp2(input); Complex => exp(C::new(input.re * 0.693_147_180_559_945_3, input.im * 0.693_147_180_559_945_3)) };
    vjp { input => |g, y| g * y.conj() * std::f64::consts::LN_2 };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// `exp(x) - 1`, exact for small `x`, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0., 1.]).expm1()
    /// tensor([0.0000, 1.7183])
    fn expm1(input: Tensor) -> y;
    variants [method, function, special, inplace, out];
    dtype rule::int_to_float(input);
    map { (input) Float, Complex => expm1(input) };
    vjp { input => |g, y| g * (y.conj() + 1.0) };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The logarithm to base two, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([1., 8.]).log2()
    /// tensor([0., 3.])
    fn log2(input: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::int_to_float(input);
    map { (input) Float, Complex => log2(input) };
    vjp { input => |g, input| g / (input.conj() * std::f64::consts::LN_2) };
    samples samples::unary(0.3, 4.0);
}

op! {
    /// The logarithm to base ten, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([1., 100.]).log10()
    /// tensor([0., 2.])
    fn log10(input: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::int_to_float(input);
    map { (input) Float, Complex => log10(input) };
    vjp { input => |g, input| g / (input.conj() * std::f64::consts::LN_10) };
    samples samples::unary(0.3, 4.0);
}

op! {
    /// `log(1 + x)`, exact for small `x`, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0., 1.]).log1p()
    /// tensor([0.0000, 0.6931])
    fn log1p(input: Tensor) -> y;
    variants [method, function, special, inplace, out];
    dtype rule::int_to_float(input);
    map { (input) Float, Complex => log1p(input) };
    vjp { input => |g, input| g / (input + 1.0).conj() };
    samples samples::unary(-0.7, 4.0);
}

/// Booleans squared are integers.
fn square_dtype(x: &Tensor) -> DType {
    if x.dtype() == DType::Bool { DType::I64 } else { x.dtype() }
}

op! {
    /// The square, `x * x`, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged; bool gives int64.
    ///
    /// >>> torch.tensor([-2., 3.]).square()
    /// tensor([4., 9.])
    fn square(input: Tensor) -> y;
    variants [method, function, inplace, out];
    node "PowBackward0";
    dtype square_dtype(input);
    map { (input) Float, Complex => input * input; Int => input.wrapping_mul(input) };
    vjp { input => |g, input| g * (input * 2.0).conj() };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The logarithm of the odds, `log(x / (1 - x))`; with `eps`, `x` is first held between `eps` and `1 - eps`.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0.5, 0.75]).logit()
    /// tensor([0.0000, 1.0986])
    fn logit(input: Tensor, eps: Option<f64> = None) -> y;
    variants [method, function, special, inplace, out];
    composite { input.logit_within(eps.unwrap_or(-1.0)) };
    samples samples::unary(0.1, 0.9);
}

op! {
    /// `logit` with a number in place of no `eps`: a negative one.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    fn logit_within(input: Tensor, eps: f64) -> y;
    variants [private];
    node "LogitBackward0";
    dtype super::special::real_float(input, "logit_cpu");
    map { (input; eps) Float => {
        let held = if eps < 0.0 { input } else if input < eps { eps } else if input > 1.0 - eps { 1.0 - eps } else { input };
        log(held / (1.0 - held))
    } };
    vjp { input => |g, input, eps| logit_backward(g, input, eps) };
    samples [(tensor(&[2, 3], 0.2, 0.8), 0.3), (unit([]), -1.0), (unit([0, 2]), 0.1)];
}

/// Outside of its range a logit has no slope, and without bounds it is nan there.
fn logit_backward(g: &Val, x: &Val, eps: f64) -> Val {
    let low = eps.max(0.0);
    let outside = Val::run(|| {
        let t = x.tensor()?;
        t.ge(low)?.logical_and(&t.le(1.0 - low)?)?.logical_not()
    });
    (g / (x * (1.0 - x))).masked_fill(outside, if eps < 0.0 { f64::NAN } else { 0.0 })
}
