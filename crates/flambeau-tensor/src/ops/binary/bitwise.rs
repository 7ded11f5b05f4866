//! Bits of integers, and booleans.

use crate::ops::{op, rule};
use crate::{DType, Error, Result, Tensor};

fn integers(x: impl rule::Join, other: impl rule::Join, what: &str) -> Result<DType> {
    let d = rule::promote(x, other);
    if !d.is_integral() {
        return Err(Error::not_implemented(format!("\"{what}_cpu\" not implemented for '{}'", d.title())));
    }
    Ok(d)
}

op! {
    /// Bitwise and, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; bool and integers.
    ///
    /// >>> torch.bitwise_and(torch.tensor([1, 0]), torch.tensor([3, 3]))
    /// tensor([1, 0])
    fn bitwise_and(input: Tensor, other: Operand) -> y;
    variants [method, function, inplace, out];
    dtype integers(input, other, "bitwise_and");
    map { (input, other) Int, Bool => input & other };
    nondifferentiable;
    samples [
        (int([2, 3], -9, 10), int([3], 1, 8)),
        (int([], -9, 10), 6),
        (int([0, 2], 0, 9), int([2], 0, 9)),
        (mask([2, 3]), mask([3])),
    ];
}

op! {
    /// Bitwise and of a number and each element.
    ///
    /// Shape: `*t -> *t`. Dtype: promoted; bool and integers.
    fn bitwise_and.scalar(input: Scalar, other: Tensor) -> y;
    variants [function, out];
    composite { other.bitwise_and(input) };
    samples [(6, int([2, 3], -9, 10)), (3, int([], 0, 9)), (1, int([0, 2], 0, 9))];
}

op! {
    /// Bitwise or, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; bool and integers.
    ///
    /// >>> torch.bitwise_or(torch.tensor([1, 0]), torch.tensor([3, 3]))
    /// tensor([3, 3])
    fn bitwise_or(input: Tensor, other: Operand) -> y;
    variants [method, function, inplace, out];
    dtype integers(input, other, "bitwise_or");
    map { (input, other) Int, Bool => input | other };
    nondifferentiable;
    samples [
        (int([2, 3], -9, 10), int([3], 1, 8)),
        (int([], -9, 10), 6),
        (int([0, 2], 0, 9), int([2], 0, 9)),
        (mask([2, 3]), mask([3])),
    ];
}

op! {
    /// Bitwise or of a number and each element.
    ///
    /// Shape: `*t -> *t`. Dtype: promoted; bool and integers.
    fn bitwise_or.scalar(input: Scalar, other: Tensor) -> y;
    variants [function, out];
    composite { other.bitwise_or(input) };
    samples [(6, int([2, 3], -9, 10)), (3, int([], 0, 9)), (1, int([0, 2], 0, 9))];
}

op! {
    /// Bitwise xor, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; bool and integers.
    ///
    /// >>> torch.bitwise_xor(torch.tensor([1, 0]), torch.tensor([3, 3]))
    /// tensor([2, 3])
    fn bitwise_xor(input: Tensor, other: Operand) -> y;
    variants [method, function, inplace, out];
    dtype integers(input, other, "bitwise_xor");
    map { (input, other) Int, Bool => input ^ other };
    nondifferentiable;
    samples [
        (int([2, 3], -9, 10), int([3], 1, 8)),
        (int([], -9, 10), 6),
        (int([0, 2], 0, 9), int([2], 0, 9)),
        (mask([2, 3]), mask([3])),
    ];
}

op! {
    /// Bitwise exclusive or of a number and each element.
    ///
    /// Shape: `*t -> *t`. Dtype: promoted; bool and integers.
    fn bitwise_xor.scalar(input: Scalar, other: Tensor) -> y;
    variants [function, out];
    composite { other.bitwise_xor(input) };
    samples [(6, int([2, 3], -9, 10)), (3, int([], 0, 9)), (1, int([0, 2], 0, 9))];
}

op! {
    /// All bits flipped; of booleans the negation.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers, unchanged.
    ///
    /// >>> ~torch.tensor([0, 1])
    /// tensor([-1, -2])
    fn bitwise_not(input: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype integers(input, input, "bitwise_not");
    map { (input) Int => !input; Bool => 1 - input };
    nondifferentiable;
    samples [(int([2, 3], -9, 10)), (int([], 0, 9)), (mask([2, 3])), (int([0, 2], 0, 9))];
}

op! {
    /// `x * 2 ** other`: bits moved to the left.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted integers.
    ///
    /// >>> torch.tensor([1, 2]) << 2
    /// tensor([4, 8])
    fn bitwise_left_shift(input: Tensor, other: Operand) -> y;
    variants [method, function, inplace, out];
    dtype integers(input, other, "lshift");
    map { (input, other) Int => shl(input, other) };
    nondifferentiable;
    samples [(int([2, 3], -9, 10), int([3], 0, 6)), (int([], -9, 10), 2), (int([0, 2], 0, 9), int([2], 0, 9))];
}

op! {
    /// A number with its bits moved to the left by each element.
    ///
    /// Shape: `*t -> *t`. Dtype: promoted integers.
    fn bitwise_left_shift.scalar(input: Scalar, other: Tensor) -> y;
    variants [function, out];
    composite { Tensor::scalar(input, integers(input, other, "lshift")?).bitwise_left_shift(other) };
    samples [(60, int([2, 3], 0, 6)), (-9, int([], 0, 6)), (1, int([0, 2], 0, 6))];
}

op! {
    /// `x / 2 ** other` rounded downwards: bits moved to the right.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted integers.
    ///
    /// >>> torch.tensor([4, 9]) >> 2
    /// tensor([1, 2])
    fn bitwise_right_shift(input: Tensor, other: Operand) -> y;
    variants [method, function, inplace, out];
    dtype integers(input, other, "rshift");
    map { (input, other) Int => shr(input, other) };
    nondifferentiable;
    samples [(int([2, 3], -9, 10), int([3], 0, 6)), (int([], -9, 10), 2), (int([0, 2], 0, 9), int([2], 0, 9))];
}

op! {
    /// A number with its bits moved to the right by each element.
    ///
    /// Shape: `*t -> *t`. Dtype: promoted integers.
    fn bitwise_right_shift.scalar(input: Scalar, other: Tensor) -> y;
    variants [function, out];
    composite { Tensor::scalar(input, integers(input, other, "rshift")?).bitwise_right_shift(other) };
    samples [(60, int([2, 3], 0, 6)), (-9, int([], 0, 6)), (1, int([0, 2], 0, 6))];
}
