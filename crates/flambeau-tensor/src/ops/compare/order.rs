//! Comparisons: they give booleans.

use crate::ops::{OperandRef, op, rule, samples};
use crate::{DType, Error, Result, Tensor};

/// Complex numbers have no order.
fn ordered(x: &Tensor, other: OperandRef<'_>, what: &str) -> Result<DType> {
    let d = rule::promote(x, other);
    if d.is_complex() {
        return Err(Error::not_implemented(format!("\"{what}_cpu\" not implemented for '{}'", d.title())));
    }
    Ok(d)
}

op! {
    /// True where `x` is equal to `other`, element by element. False where either is nan.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: bool.
    ///
    /// >>> torch.eq(torch.tensor([1, 2, 3]), 2)
    /// tensor([False,  True, False])
    fn eq(input: Tensor, other: Operand) -> y;
    variants [method, function, inplace, out];
    dtype rule::promote(input, other);
    map { (input, other) Float, Int, Bool, Complex -> bool => input == other };
    nondifferentiable;
    samples samples::binary(-2.0, 2.0);
}

op! {
    /// True where `x` is different from `other`, element by element. True where either is nan.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: bool.
    ///
    /// >>> torch.ne(torch.tensor([1, 2, 3]), 2)
    /// tensor([ True, False,  True])
    fn ne(input: Tensor, other: Operand) -> y;
    variants [method, function, inplace, out];
    alias [method not_equal, function not_equal];
    dtype rule::promote(input, other);
    map { (input, other) Float, Int, Bool, Complex -> bool => input != other };
    nondifferentiable;
    samples samples::binary(-2.0, 2.0);
}

op! {
    /// True where `x` is less than `other`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: bool.
    ///
    /// >>> torch.lt(torch.tensor([1, 2, 3]), 2)
    /// tensor([ True, False, False])
    fn lt(input: Tensor, other: Operand) -> y;
    variants [method, function, inplace, out];
    alias [method less, function less];
    dtype ordered(input, other, "lt");
    map { (input, other) Float, Int, Bool -> bool => input < other };
    nondifferentiable;
    samples samples::binary(-2.0, 2.0);
}

op! {
    /// True where `x` is less or equal to `other`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: bool.
    ///
    /// >>> torch.le(torch.tensor([1, 2, 3]), 2)
    /// tensor([ True,  True, False])
    fn le(input: Tensor, other: Operand) -> y;
    variants [method, function, inplace, out];
    alias [method less_equal, function less_equal];
    dtype ordered(input, other, "le");
    map { (input, other) Float, Int, Bool -> bool => input <= other };
    nondifferentiable;
    samples samples::binary(-2.0, 2.0);
}

op! {
    /// True where `x` is greater than `other`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: bool.
    ///
    /// >>> torch.gt(torch.tensor([1, 2, 3]), 2)
    /// tensor([False, False,  True])
    fn gt(input: Tensor, other: Operand) -> y;
    variants [method, function, inplace, out];
    alias [method greater, function greater];
    dtype ordered(input, other, "gt");
    map { (input, other) Float, Int, Bool -> bool => input > other };
    nondifferentiable;
    samples samples::binary(-2.0, 2.0);
}

op! {
    /// True where `x` is greater or equal to `other`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: bool.
    ///
    /// >>> torch.ge(torch.tensor([1, 2, 3]), 2)
    /// tensor([False,  True,  True])
    fn ge(input: Tensor, other: Operand) -> y;
    variants [method, function, inplace, out];
    alias [method greater_equal, function greater_equal];
    dtype ordered(input, other, "ge");
    map { (input, other) Float, Int, Bool -> bool => input >= other };
    nondifferentiable;
    samples samples::binary(-2.0, 2.0);
}
