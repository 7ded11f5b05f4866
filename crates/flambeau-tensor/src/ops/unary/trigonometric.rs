//! Sines, cosines, and their hyperbolic kin.

use crate::ops::{op, rule, samples};

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
    map { (input) Float, Complex => sin(input) };
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
    map { (input) Float, Complex => cos(input) };
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
    vjp { input => |g, y| g * (1.0 - y * y).conj() };
    samples samples::unary(-3.0, 3.0);
}
