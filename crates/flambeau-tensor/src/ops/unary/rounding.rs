//! To whole numbers.

use crate::ops::{op, rule, samples};

op! {
    /// The greatest whole number not above, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: real but bool, unchanged.
    ///
    /// >>> torch.tensor([-1.5, 1.5]).floor()
    /// tensor([-2.,  1.])
    fn floor(input: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::same(input);
    map { (input) Float => floor(input); Int => input };
    vjp { input => |g| g * 0.0 };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The least whole number not below, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: real but bool, unchanged.
    ///
    /// >>> torch.tensor([-1.5, 1.5]).ceil()
    /// tensor([-1.,  2.])
    fn ceil(input: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::same(input);
    map { (input) Float => ceil(input); Int => input };
    vjp { input => |g| g * 0.0 };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The whole number nearer to zero, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: real but bool, unchanged.
    ///
    /// >>> torch.tensor([-1.5, 1.5]).trunc()
    /// tensor([-1.,  1.])
    fn trunc(input: Tensor) -> y;
    variants [method, function, inplace, out];
    alias [method fix, function fix];
    dtype rule::same(input);
    map { (input) Float => trunc(input); Int => input };
    vjp { input => |g| g * 0.0 };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The nearest whole number, halves to the even one; with `decimals`, to that many decimal places.
    ///
    /// Shape: `*s -> *s`. Dtype: real but bool, unchanged.
    ///
    /// >>> torch.tensor([0.5, 1.5, 2.6]).round()
    /// tensor([0., 2., 3.])
    fn round(input: Tensor) -> y;
    variants [method, function, special, inplace, out];
    dtype rule::same(input);
    map { (input) Float => round(input); Int => input };
    vjp { input => |g| g * 0.0 };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The nearest number with `decimals` decimal places (negative ones round to tens, hundreds, ...).
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point, unchanged.
    ///
    /// >>> torch.tensor([1.2345]).round(decimals=2)
    /// tensor([1.2300])
    fn round.decimals(input: Tensor; decimals: i64) -> y;
    variants [method, function, special, inplace, out];
    node "RoundBackward1";
    dtype rule::float_only(input, "round_vml_cpu");
    map { (input; decimals) Float => {
        let power = pow(10.0, abs(decimals));
        if decimals == 0.0 { round(input) } else if decimals < 0.0 { round(input / power) * power } else { round(input * power) / power }
    } };
    vjp { input => |g| g * 0.0 };
    samples [(real([2, 3]), 2), (real([]), -1), (real([0, 2]), 0)];
}

op! {
    /// The fraction, `x - trunc(x)`, with the sign of `x`.
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point, unchanged.
    ///
    /// >>> torch.tensor([1.5, -2.25]).frac()
    /// tensor([ 0.5000, -0.2500])
    fn frac(input: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::same(input);
    map { (input) Float => frac(input) };
    vjp { input => |g| g };
    samples samples::unary(0.1, 0.9);
}
