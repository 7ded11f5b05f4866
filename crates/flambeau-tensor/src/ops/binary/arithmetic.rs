//! Addition to division.

use crate::ops::{Operand, OperandRef, Val, op, rule, samples};
use crate::{DType, Error, Result, Scalar, Tensor};

/// `alpha` must fit the result's kind.
fn check_alpha(d: DType, alpha: Scalar) -> Result<DType> {
    use crate::Kind::*;
    match (d.kind(), alpha.kind()) {
        (k, Bool) if k != Bool => Err(Error::runtime("Boolean alpha only supported for Boolean results.")),
        (Bool | Int, Float | Complex) => {
            Err(Error::runtime("For integral input tensors, argument alpha must not be a floating point number."))
        }
        (Float, Complex) => {
            Err(Error::runtime("For non-complex input tensors, argument alpha must not be a complex number."))
        }
        _ if alpha == Scalar::Int(1) => Ok(d),
        _ => rule::holding(d, alpha),
    }
}

/// Subtraction knows no booleans.
fn no_bools(x: &Tensor, other: OperandRef<'_>, d: DType) -> Result<DType> {
    let is_bool = match other {
        OperandRef::Tensor(t) => t.dtype() == DType::Bool,
        OperandRef::Number(s) => matches!(s, Scalar::Bool(_)),
    };
    if is_bool && x.dtype() == DType::Bool {
        return Err(Error::not_implemented(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead.",
        ));
    }
    if is_bool || x.dtype() == DType::Bool {
        return Err(Error::not_implemented(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use the `~` or \
             `logical_not()` operator instead.",
        ));
    }
    Ok(d)
}

/// The conjugate of an operand: what a product's gradient multiplies by.
fn conj(v: &Val) -> Val {
    match v {
        Val::Number(s) => Val::Number(s.conj()),
        Val::Tensor(t) if t.dtype().is_complex() => v.conj(),
        other => other.clone(),
    }
}

op! {
    /// `x + alpha * other`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted.
    ///
    /// >>> torch.tensor([1, 2]) + torch.tensor([0.5, 0.5])
    /// tensor([1.5000, 2.5000])
    fn add(input: Tensor, other: Operand; alpha: Scalar = 1) -> y;
    variants [method, function, inplace, out];
    quirks [RoundsNumbers];
    dtype check_alpha(rule::promote(input, other), alpha);
    map { (input, other; alpha) Float => madd(alpha, other, input); Complex => input + alpha * other; Int => input.wrapping_add(alpha.wrapping_mul(other)); Bool => input | (alpha & other) };
    vjp { input => |g| g; other => |g, alpha| g * alpha.conj() };
    samples samples::binary(-3.0, 3.0);
}

op! {
    /// `x - alpha * other`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; bools are refused.
    ///
    /// >>> torch.tensor([1, 2]) - 1
    /// tensor([0, 1])
    fn sub(input: Tensor, other: Operand; alpha: Scalar = 1) -> y;
    variants [method, function, inplace, out];
    quirks [RoundsNumbers];
    alias [method subtract, function subtract];
    dtype no_bools(input, other, check_alpha(rule::promote(input, other), alpha)?);
    map { (input, other; alpha) Float => madd(-alpha, other, input); Complex => input - alpha * other; Int => input.wrapping_sub(alpha.wrapping_mul(other)) };
    vjp { input => |g| g; other => |g, alpha| -(g * alpha.conj()) };
    samples samples::binary(-3.0, 3.0);
}

op! {
    /// `other - alpha * x`, element by element: subtraction the other way round.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; bools are refused.
    ///
    /// >>> torch.rsub(torch.tensor([1, 2]), 10)
    /// tensor([9, 8])
    fn rsub(input: Tensor, other: Operand; alpha: Scalar = 1) -> y;
    variants [function, method];
    quirks [RoundsNumbers];
    dtype no_bools(input, other, check_alpha(rule::promote(input, other), alpha)?);
    map { (input, other; alpha) Float => madd(-alpha, input, other); Complex => other - alpha * input; Int => other.wrapping_sub(alpha.wrapping_mul(input)) };
    vjp { input => |g, alpha| -(g * alpha.conj()); other => |g| g };
    samples samples::binary(-3.0, 3.0);
}

op! {
    /// `x * other`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted.
    ///
    /// >>> torch.tensor([1., 2.]) * 3
    /// tensor([3., 6.])
    fn mul(input: Tensor, other: Operand) -> y;
    variants [method, function, inplace, out];
    alias [method multiply, function multiply];
    dtype rule::promote(input, other);
    map { (input, other) Float => input * other; Complex => mul(input, other); Int => input.wrapping_mul(other); Bool => input & other };
    vjp { input => |g, other| g * conj(other); other => |g, input| g * conj(input) };
    samples samples::binary(-3.0, 3.0);
}

op! {
    /// `x / other`, element by element: true division.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; integers give the default float type.
    ///
    /// >>> torch.tensor([1, 2]) / 2
    /// tensor([0.5000, 1.0000])
    fn div(input: Tensor, other: Operand) -> y;
    variants [method, function, inplace, out];
    alias [method divide, function divide, method true_divide, function true_divide];
    dtype rule::promote_float(input, other);
    map { (input, other) Float => input / other; Complex => div(input, other) };
    vjp { input => |g, other| g / conj(other); other => |g, input, other| -(g * conj(&(input / other / other))) };
    samples samples::binary(0.5, 3.0);
}

op! {
    /// `x / other` rounded: `rounding_mode` "trunc" towards zero, "floor" downwards, None not at all.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted.
    ///
    /// >>> torch.div(torch.tensor([-7, 7]), 2, rounding_mode="floor")
    /// tensor([-4,  3])
    fn div.mode(input: Tensor, other: Operand; rounding_mode: Option<Str>) -> y;
    variants [method, function, inplace, out];
    alias [method divide, function divide];
    node "DivBackward1";
    composite {
        match rounding_mode {
            None => input.div(other.own()),
            Some("floor") => input.floor_divide(other.own()),
            Some("trunc") if rounds_first(input, other) => input.div(other.own())?.trunc(),
            Some("trunc") => input.trunc_divide(other.own()),
            Some(mode) => Err(Error::runtime(format!(
                "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{mode}'"
            ))),
        }
    };
    samples [
        (real([2, 3]), positive([3]), None),
        (real([2, 3]), 0.7, "floor"),
        (real([]), positive([2]), "trunc"),
        (real([0, 3]), positive([3]), "floor"),
    ];
}

/// Quotients of half precision are rounded before they are truncated, but not those by one number.
fn rounds_first(x: &Tensor, other: OperandRef<'_>) -> bool {
    let OperandRef::Tensor(t) = other else { return false };
    t.numel() != 1 && matches!(rule::promote(x, other), DType::F16 | DType::BF16)
}

/// Whole division by zero has no answer.
fn no_zero(other: OperandRef<'_>, d: DType) -> Result<DType> {
    if !d.is_integral() {
        return Ok(d);
    }
    let zero = match other {
        OperandRef::Number(s) => s.equals(0.0),
        OperandRef::Tensor(t) => t.device() == crate::Device::Cpu && has_zero(t)?,
    };
    if zero { Err(Error::runtime("ZeroDivisionError")) } else { Ok(d) }
}

fn has_zero(t: &Tensor) -> Result<bool> {
    crate::autograd::no_grad(|| Ok(t.numel() > 0 && t.eq(0)?.any()?.item()?.to_bool()))
}

fn divisible(x: &Tensor, other: OperandRef<'_>, what: &str) -> Result<DType> {
    let d = rule::promote(x, other);
    if d.is_complex() {
        let kernel = match what {
            "floor_divide" => "div_floor",
            "div" => "div_trunc",
            other => other,
        };
        return Err(Error::not_implemented(format!("\"{kernel}_cpu\" not implemented for '{}'", d.title())));
    }
    no_zero(other, d)
}

op! {
    /// `x / other` rounded downwards.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted.
    ///
    /// >>> torch.tensor([-7, 7]) // 2
    /// tensor([-4,  3])
    fn floor_divide(input: Tensor, other: Operand) -> y;
    variants [method, function, inplace, out];
    dtype divisible(input, other, "floor_divide");
    map { (input, other) Float => quick floor_div(input, other); Int => floor_div(input, other) };
    vjp { input => |g| g * 0.0; other => |g| g * 0.0 };
    samples samples::binary(0.5, 3.0);
}

op! {
    /// `x / other` rounded towards zero.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted.
    fn trunc_divide(input: Tensor, other: Operand) -> y;
    variants [private];
    node "DivBackward1";
    dtype divisible(input, other, "div");
    map { (input, other) Float => trunc(input / other); Int => trunc_div(input, other) };
    vjp { input => |g| g * 0.0; other => |g| g * 0.0 };
    samples samples::binary(0.5, 3.0);
}

op! {
    /// The remainder of `x / other` with the sign of `other`, as Python's `%`.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted, real.
    ///
    /// >>> torch.tensor([-7, 7]) % 3
    /// tensor([2, 1])
    fn remainder(input: Tensor, other: Operand) -> y;
    variants [method, function, inplace, out];
    dtype divisible(input, other, "remainder");
    map { (input, other) Float => quick remainder(input, other); Int => remainder(input, other) };
    vjp { input => |g| g; other => |g, input, other| -(g * input.floor_divide(other)) };
    samples samples::binary(0.5, 3.0);
}

op! {
    /// The remainder of a number divided by a tensor, with the sign of the tensor's elements.
    ///
    /// Shape: `*t -> *t`. Dtype: promoted, real.
    ///
    /// >>> torch.remainder(7, torch.tensor([3, -4]))
    /// tensor([ 1, -1])
    fn remainder.scalar(input: Scalar, other: Tensor) -> y;
    variants [function];
    composite { weak(input, other)?.remainder(other) };
    samples [(2.5, positive([2, 3])), (2, positive([])), (0.7, positive([0, 2]))];
}

/// A number as a 0-d tensor beside `other`, in the dtype that they meet in.
pub fn weak(number: Scalar, other: &Tensor) -> Result<Tensor> {
    Tensor::scalar(number, rule::promote(number, other)).to_device(other.device())
}

op! {
    /// The remainder of `x / other` with the sign of `x`, as C's `fmod`.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted, real.
    ///
    /// >>> torch.fmod(torch.tensor([-7, 7]), 3)
    /// tensor([-1,  1])
    fn fmod(input: Tensor, other: Operand) -> y;
    variants [method, function, inplace, out];
    dtype divisible(input, other, "fmod");
    map { (input, other) Float => quick fmod(input, other); Int => fmod(input, other) };
    vjp { input => |g| g; other => |g, input, other| -(g * input.div_mode(other, Some("trunc"))) };
    samples samples::binary(0.5, 3.0);
}

op! {
    /// `number / x`, element by element: a number divided by a tensor.
    ///
    /// Shape: `*s -> *s`. Dtype: promoted; integers give the default float type.
    fn rdiv(input: Tensor, other: Operand) -> y;
    variants [private];
    composite { let reciprocal = input.reciprocal()?; reciprocal.mul(Operand::from(other)) };
    samples [(positive([2, 3]), 2.0), (positive([]), real([2])), (positive([0, 2]), 1)];
}

op! {
    /// `x + value * tensor1 * tensor2`, element by element.
    ///
    /// Shape: all broadcast. Dtype: promoted.
    ///
    /// >>> torch.addcmul(torch.ones(2), torch.tensor([1., 2.]), torch.tensor([3., 4.]), value=2)
    /// tensor([ 7., 17.])
    fn addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor; value: Scalar = 1) -> y;
    variants [method, function, inplace, out];
    dtype rule::promote3(input, tensor1, tensor2);
    map { (input, tensor1, tensor2; value) Float => madd(value * tensor1, tensor2, input); Complex => input + value * tensor1 * tensor2; Int => input.wrapping_add(value.wrapping_mul(tensor1).wrapping_mul(tensor2)) };
    vjp {
        input => |g| g;
        tensor1 => |g, tensor2, value| g * conj(&(tensor2 * value));
        tensor2 => |g, tensor1, value| g * conj(&(tensor1 * value))
    };
    samples [
        (real([2, 3]), other([3]), positive([2, 1])),
        (real([2]), other([2]), positive([]), -0.5),
        (real([0, 2]), other([2]), positive([1])),
    ];
}

op! {
    /// `x + value * tensor1 / tensor2`, element by element.
    ///
    /// Shape: all broadcast. Dtype: promoted, floating-point or complex.
    ///
    /// >>> torch.addcdiv(torch.ones(2), torch.tensor([1., 2.]), torch.tensor([2., 4.]), value=2)
    /// tensor([2., 2.])
    fn addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor; value: Scalar = 1) -> y;
    variants [method, function, inplace, out];
    dtype if tensor1.dtype().is_integral() && tensor2.dtype().is_integral() {
        Err(Error::runtime("Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value * torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / tensor2) for float inputs. The future addcdiv behavior is just the latter implementation: (input + value * tensor1 / tensor2), for all dtypes."))
    } else {
        Ok(rule::promote3(input, tensor1, tensor2))
    };
    map { (input, tensor1, tensor2; value) Float => input + value * tensor1 / tensor2; Complex => input + div(value * tensor1, tensor2) };
    vjp {
        input => |g| g;
        tensor1 => |g, tensor2, value| g * conj(&(value / tensor2));
        tensor2 => |g, tensor1, tensor2, value| -(g * conj(&(tensor1 * value / tensor2 / tensor2)))
    };
    samples [
        (real([2, 3]), other([3]), positive([2, 1])),
        (real([2]), other([2]), positive([]), -0.5),
        (real([0, 2]), other([2]), positive([1])),
    ];
}
