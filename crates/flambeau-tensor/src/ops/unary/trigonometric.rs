//! Sines, cosines, and their hyperbolic kin.

use crate::ops::{Val, op, rule, samples};
use crate::{DType, Error, Result, Tensor};

op! {
    /// The sine of an angle in radians, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0., 1.]).sin()
    /// tensor([0.0000, 0.8415])
    fn sin(input: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::int_to_float(input);
    map { (input) Float, Complex => quick sin(input) };
    vjp { input => |g, input| g * input.cos().conj() };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The cosine of an angle in radians, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0., 1.]).cos()
    /// tensor([1.0000, 0.5403])
    fn cos(input: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::int_to_float(input);
    map { (input) Float, Complex => quick cos(input) };
    vjp { input => |g, input| -(g * input.sin().conj()) };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The hyperbolic tangent, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0., 1.]).tanh()
    /// tensor([0.0000, 0.7616])
    fn tanh(input: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::int_to_float(input);
    map { (input) Float, Complex => tanh(input) };
    vjp { input => |g, y| g.tanh_backward(y) };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The gradient of `tanh` from that of its result, and the result.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: promoted.
    fn tanh_backward(grad: Tensor, output: Tensor) -> y;
    variants [private];
    dtype rule::promote(grad, output);
    map {
        (grad, output)
        Float => grad * madd(-output, output, 1.0);
        Complex => grad * (C::new(1.0, 0.0) - output * output).conj()
    };
    vjp {
        grad => |g, output| g.tanh_backward(output.conj());
        output => |g, grad, output| g.conj() * grad * (-2.0 * output).conj()
    };
    samples samples::pairs(-2.0, 2.0);
}

op! {
    /// The tangent of an angle in radians, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0., 1.]).tan()
    /// tensor([0.0000, 1.5574])
    fn tan(input: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::int_to_float(input);
    map { (input) Float, Complex => quick tan(input) };
    vjp { input => |g, y| g * (1.0 + y * y).conj() };
    samples samples::unary(-1.2, 1.2);
}

op! {
    /// The inverse sine, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0., 1.]).asin()
    /// tensor([0.0000, 1.5708])
    fn asin(input: Tensor) -> y;
    variants [method, function, inplace, out];
    alias [method arcsin, function arcsin];
    dtype rule::int_to_float(input);
    map { (input) Float, Complex => asin(input) };
    vjp { input => |g, input| g * (1.0 - input * input).rsqrt().conj() };
    samples samples::unary(-0.9, 0.9);
}

op! {
    /// The inverse cosine, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0., 1.]).acos()
    /// tensor([1.5708, 0.0000])
    fn acos(input: Tensor) -> y;
    variants [method, function, inplace, out];
    alias [method arccos, function arccos];
    dtype rule::int_to_float(input);
    map { (input) Float, Complex => acos(input) };
    vjp { input => |g, input| -(g * (1.0 - input * input).rsqrt().conj()) };
    samples samples::unary(-0.9, 0.9);
}

op! {
    /// The inverse tangent, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0., 1.]).atan()
    /// tensor([0.0000, 0.7854])
    fn atan(input: Tensor) -> y;
    variants [method, function, inplace, out];
    alias [method arctan, function arctan];
    dtype rule::int_to_float(input);
    map { (input) Float, Complex => atan(input) };
    vjp { input => |g, input| g / (input * input + 1.0).conj() };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The hyperbolic sine, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0., 1.]).sinh()
    /// tensor([0.0000, 1.1752])
    fn sinh(input: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::int_to_float(input);
    map { (input) Float, Complex => sinh(input) };
    vjp { input => |g, input| g * input.cosh().conj() };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The hyperbolic cosine, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0., 1.]).cosh()
    /// tensor([1.0000, 1.5431])
    fn cosh(input: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::int_to_float(input);
    map { (input) Float, Complex => cosh(input) };
    vjp { input => |g, input| g * input.sinh().conj() };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The inverse hyperbolic sine, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0., 1.]).asinh()
    /// tensor([0.0000, 0.8814])
    fn asinh(input: Tensor) -> y;
    variants [method, function, inplace, out];
    alias [method arcsinh, function arcsinh];
    dtype rule::int_to_float(input);
    map { (input) Float, Complex => asinh(input) };
    vjp { input => |g, input| g * (input * input + 1.0).rsqrt().conj() };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The inverse hyperbolic cosine, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([1., 2.]).acosh()
    /// tensor([0.0000, 1.3170])
    fn acosh(input: Tensor) -> y;
    variants [method, function, inplace, out];
    alias [method arccosh, function arccosh];
    dtype rule::int_to_float(input);
    map { (input) Float, Complex => acosh(input) };
    vjp { input => |g, input| g * acosh_slope(input) };
    samples samples::unary(1.2, 3.0);
}

/// Of a real number below 1 the product under the one root may still be positive: PyTorch's slope is a number there.
fn acosh_slope(x: &Val) -> Val {
    match x.tensor() {
        Ok(t) if t.dtype().is_complex() => ((x + 1.0).rsqrt() * (x - 1.0).rsqrt()).conj(),
        _ => (x * x - 1.0).rsqrt(),
    }
}

op! {
    /// The inverse hyperbolic tangent, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0., 0.5]).atanh()
    /// tensor([0.0000, 0.5493])
    fn atanh(input: Tensor) -> y;
    variants [method, function, inplace, out];
    alias [method arctanh, function arctanh];
    dtype rule::int_to_float(input);
    map { (input) Float, Complex => atanh(input) };
    vjp { input => |g, input| g / (1.0 - input * input).conj() };
    samples samples::unary(-0.9, 0.9);
}

op! {
    /// `sin(pi * x) / (pi * x)`, and 1 at 0, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0., 0.5]).sinc()
    /// tensor([1.0000, 0.6366])
    fn sinc(input: Tensor) -> y;
    variants [method, function, special, inplace, out];
    dtype rule::int_to_float(input);
    map { (input) Float => quick {
        let turned = 3.141_592_653_589_793 * input;
        if input == 0.0 { 1.0 } else { sin(turned) / turned }
    }; Complex => {
        let turned = C::new(3.141_592_653_589_793 * input.re, 3.141_592_653_589_793 * input.im);
        if (input.re == 0.0) & (input.im == 0.0) { C::new(1.0, 0.0) } else { div(sin(turned), turned) }
    } };
    vjp { input => |g, input| sinc_backward(g, input) };
    samples samples::unary(-1.7, 1.9);
}

fn sinc_backward(g: &Val, x: &Val) -> Val {
    let turned = x * std::f64::consts::PI;
    let square = x * x * std::f64::consts::PI;
    let slope = (&turned * turned.cos() - turned.sin()) / &square;
    (g * slope.conj()).masked_fill(square.eq(0.0), 0.0)
}

/// Angles are real.
fn angle_unit(x: &Tensor, what: &str) -> Result<DType> {
    if x.dtype().is_complex() {
        return Err(Error::not_implemented(format!("{what} is not supported for complex tensors.")));
    }
    Ok(rule::int_to_float(x))
}

op! {
    /// Degrees as radians.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([180.]).deg2rad()
    /// tensor([3.1416])
    fn deg2rad(input: Tensor) -> y;
    variants [method, function, inplace, out];
    node "Deg2RadBackward0";
    dtype angle_unit(input, "deg2rad");
    map { (input) Float => input * 0.017_453_292_519_943_295 };
    vjp { input => |g| g * (std::f64::consts::PI / 180.0) };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// Radians as degrees.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([1.]).rad2deg()
    /// tensor([57.2958])
    fn rad2deg(input: Tensor) -> y;
    variants [method, function, inplace, out];
    node "Rad2DegBackward0";
    dtype angle_unit(input, "rad2deg");
    map { (input) Float => input * 57.295_779_513_082_32 };
    vjp { input => |g| g * (180.0 / std::f64::consts::PI) };
    samples samples::unary(-3.0, 3.0);
}
