//! Exponentials, logarithms, roots, and what is made of them.

use crate::ops::{op, rule, samples};

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
    map { (input) Float => 1.0 / input; Complex => reciprocal(input) };
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
    vjp { input => |g, y| g * (y * (1.0 - y)).conj() };
    samples samples::unary(-6.0, 6.0);
}
