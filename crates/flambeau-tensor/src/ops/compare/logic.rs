//! Logic: every number but zero counts as true.

use crate::ops::{OperandRef, op, rule, samples};

op! {
    /// True where both are not zero, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: bool.
    ///
    /// >>> torch.logical_and(torch.tensor([1, 0]), torch.tensor([2, 3]))
    /// tensor([ True, False])
    fn logical_and(input: Tensor, other: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::promote(input, OperandRef::Tensor(other));
    map { (input, other) Float -> bool => (input != 0.0) & (other != 0.0); Int, Bool -> bool => (input != 0) & (other != 0); Complex -> bool => ((input.re != 0.0) | (input.im != 0.0)) & ((other.re != 0.0) | (other.im != 0.0)) };
    nondifferentiable;
    samples pairs(-2.0, 2.0);
}

op! {
    /// True where either is not zero, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: bool.
    ///
    /// >>> torch.logical_or(torch.tensor([1, 0]), torch.tensor([2, 3]))
    /// tensor([True, True])
    fn logical_or(input: Tensor, other: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::promote(input, OperandRef::Tensor(other));
    map { (input, other) Float -> bool => (input != 0.0) | (other != 0.0); Int, Bool -> bool => (input != 0) | (other != 0); Complex -> bool => ((input.re != 0.0) | (input.im != 0.0)) | ((other.re != 0.0) | (other.im != 0.0)) };
    nondifferentiable;
    samples pairs(-2.0, 2.0);
}

op! {
    /// True where exactly one is not zero, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: bool.
    ///
    /// >>> torch.logical_xor(torch.tensor([1, 0]), torch.tensor([2, 3]))
    /// tensor([False,  True])
    fn logical_xor(input: Tensor, other: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::promote(input, OperandRef::Tensor(other));
    map { (input, other) Float -> bool => (input != 0.0) ^ (other != 0.0); Int, Bool -> bool => (input != 0) ^ (other != 0); Complex -> bool => ((input.re != 0.0) | (input.im != 0.0)) ^ ((other.re != 0.0) | (other.im != 0.0)) };
    nondifferentiable;
    samples pairs(-2.0, 2.0);
}

op! {
    /// True where zero, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool.
    ///
    /// >>> torch.logical_not(torch.tensor([1, 0]))
    /// tensor([False,  True])
    fn logical_not(input: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::same(input);
    map { (input) Float -> bool => input == 0.0; Int, Bool -> bool => input == 0; Complex -> bool => (input.re == 0.0) & (input.im == 0.0) };
    nondifferentiable;
    samples samples::unary(-2.0, 2.0);
}
