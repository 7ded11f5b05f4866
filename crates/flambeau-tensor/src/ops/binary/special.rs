//! Two operands: angles, distances, logarithms, signs, common divisors, interpolation.

use crate::ops::nn::flat;
use crate::ops::{Arg, Args, OpDef, OperandRef, Val, op, rule, samples};
use crate::{DType, Error, Result, Scalar, Tensor};

/// The reciprocal of `x * x + y * y`, and 0 at the origin.
fn inverse_square(x: &Val, y: &Val) -> Val {
    let square = x * x + y * y;
    square.reciprocal().masked_fill(square.eq(0.0), 0.0)
}

op! {
    /// The angle of the point (`other`, `input`) in radians, element by element: the ordinate comes first.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; integers give the default float type.
    ///
    /// >>> torch.atan2(torch.tensor([1.]), torch.tensor([-1.]))
    /// tensor([2.3562])
    fn atan2(input: Tensor, other: Tensor) -> y;
    variants [method, function, inplace, out];
    alias [method arctan2, function arctan2];
    dtype rule::promote_float(input, other);
    map { (input, other) Float => atan2(input, other) };
    vjp {
        input => |g, input, other| g * (other * inverse_square(input, other));
        other => |g, input, other| -(g * (input * inverse_square(input, other)))
    };
    samples pairs(0.3, 3.0);
}

op! {
    /// `sqrt(x * x + other * other)`, without overflow on the way.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted, floating-point.
    ///
    /// >>> torch.hypot(torch.tensor([3.]), torch.tensor([4.]))
    /// tensor([5.])
    fn hypot(input: Tensor, other: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::promote(input, other);
    map { (input, other) Float => hypot(input, other) };
    vjp {
        input => |g, input, y| g * (input / y);
        other => |g, other, y| g * (other / y)
    };
    samples pairs(0.3, 3.0);
}

op! {
    /// `x * log(other)`, with 0 for an `x` of 0 and nan for an `other` of nan.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; integers give the default float type.
    ///
    /// >>> torch.xlogy(torch.tensor([0., 2.]), torch.tensor([0., 1.]))
    /// tensor([0., 0.])
    fn xlogy(input: Tensor, other: Operand) -> y;
    variants [method, function, special, inplace, out];
    dtype rule::promote_float(input, other);
    map { (input, other) Float => { let y = if input == 0.0 { 0.0 } else { input * log(other) }; if is_nan(other) { other } else { y } } };
    vjp {
        input => |g, input, other| Val::run(|| {
            let flat = input.eq(0.0).tensor()?.logical_and(&other.tensor()?.le(0.0)?)?;
            (g * Val::from(other.tensor()).log()).masked_fill(Val::Tensor(flat), 0.0).tensor()
        });
        other => |g, input, other| g * input / other
    };
    samples samples::binary(0.3, 3.0);
}

op! {
    /// `x * log(other)` for a number `x`.
    ///
    /// Shape: `*t -> *t`. Dtype: promoted; integers give the default float type.
    fn xlogy.scalar(input: Scalar, other: Tensor) -> y;
    variants [function, special, out];
    node "XlogyBackward1";
    dtype rule::promote_float(input, other);
    map { (input, other) Float => { let y = if input == 0.0 { 0.0 } else { input * log(other) }; if is_nan(other) { other } else { y } } };
    vjp { other => |g, input, other| g * input / other };
    samples [(1.5, positive([2, 3])), (0, positive([])), (2, positive([0, 2]))];
}

op! {
    /// `x * log1p(other)`, with 0 for an `x` of 0 and nan for an `other` of nan.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; integers give the default float type.
    ///
    /// >>> torch.special.xlog1py(torch.tensor([0., 2.]), torch.tensor([-1., 0.]))
    /// tensor([0., 0.])
    fn xlog1py(input: Tensor, other: Operand) -> y;
    variants [special, out];
    node "SpecialXlog1PyBackward0";
    dtype rule::promote_float(input, other);
    map { (input, other) Float => { let y = if input == 0.0 { 0.0 } else { input * log1p(other) }; if is_nan(other) { other } else { y } } };
    vjp {
        input => |g, input, other| Val::run(|| {
            let flat = input.eq(0.0).tensor()?.logical_and(&other.tensor()?.le(-1.0)?)?;
            (g * Val::from(other.tensor()).log1p()).masked_fill(Val::Tensor(flat), 0.0).tensor()
        });
        other => |g, input, other| g * input / (other + 1.0)
    };
    samples samples::binary(0.3, 3.0);
}

op! {
    /// `x * log1p(other)` for a number `x`.
    ///
    /// Shape: `*t -> *t`. Dtype: promoted; integers give the default float type.
    fn xlog1py.scalar(input: Scalar, other: Tensor) -> y;
    variants [special, out];
    composite { Tensor::scalar(input, rule::promote_float(input, other)).xlog1py(other) };
    samples [(1.5, positive([2, 3])), (0, positive([])), (2, positive([0, 2]))];
}

/// A complex number in double precision.
#[inline(always)]
pub(crate) fn wide<T: Into<f64>>(z: flambeau_types::Complex<T>) -> flambeau_types::Complex<f64> {
    flambeau_types::Complex::new(z.re.into(), z.im.into())
}

op! {
    /// `log(exp(x) + exp(other))`, without overflow on the way.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted, floating-point.
    ///
    /// >>> torch.logaddexp(torch.tensor([0.]), torch.tensor([0.]))
    /// tensor([0.6931])
    fn logaddexp(input: Tensor, other: Tensor) -> y;
    variants [method, function, out];
    dtype rule::promote(input, other);
    map {
        (input, other)
        Float => select(is_inf(input) & (input == other), input, max(input, other) + log1p(exp(-abs(input - other))));
        Complex => { let z = flambeau_cpu::scan::log_add_exp(crate::ops::binary::special::wide(input), crate::ops::binary::special::wide(other)); C::new(z.re as _, z.im as _) }
    };
    vjp {
        input => |g, input, other| g / ((other - input).exp() + 1.0).conj();
        other => |g, input, other| g / ((input - other).exp() + 1.0).conj()
    };
    samples pairs(-2.0, 2.0);
}

op! {
    /// `log2(2 ** x + 2 ** other)`, without overflow on the way.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted, floating-point.
    ///
    /// >>> torch.logaddexp2(torch.tensor([0.]), torch.tensor([0.]))
    /// tensor([1.])
    fn logaddexp2(input: Tensor, other: Tensor) -> y;
    variants [method, function, out];
    dtype rule::promote(input, other);
    map { (input, other) Float => select(is_inf(input) & (input == other), input, max(input, other) + log1p(exp2(-abs(input - other))) * 1.442_695_040_888_963_4) };
    vjp {
        input => |g, input, other| g / ((other - input).exp2() + 1.0);
        other => |g, input, other| g / ((input - other).exp2() + 1.0)
    };
    samples pairs(-2.0, 2.0);
}

op! {
    /// The size of `x` with the sign of `other`.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; integers give the default float type.
    ///
    /// >>> torch.copysign(torch.tensor([1., -2.]), -1)
    /// tensor([-1., -2.])
    fn copysign(input: Tensor, other: Operand) -> y;
    variants [method, function, inplace, out];
    dtype rule::promote_float(input, other);
    map { (input, other) Float, Half => copysign(input, other) };
    vjp {
        input => |g, input, y| g * (y / input).masked_fill(input.eq(0.0), 0.0);
        other => |other.shape| flat(&other)
    };
    samples samples::binary(0.3, 3.0);
}

fn ordered(x: &Tensor, other: &Tensor, what: &str) -> Result<DType> {
    let d = rule::promote(x, other);
    if d.is_complex() {
        return Err(Error::type_(format!("{what} not implemented for complex tensors.")));
    }
    Ok(d)
}

/// The gradient of the one that was taken, where `wins` or the other is nan; equal ones share it.
fn taken(g: &Val, x: &Val, other: &Val, wins: Val) -> Val {
    halved_at_ties(g, x, other).masked_fill(wins.logical_or(other.isnan()).logical_not(), 0.0)
}

/// The gradient of the one that was not taken, where the first neither `wins` nor stands against nan.
fn left(g: &Val, x: &Val, other: &Val, wins: Val) -> Val {
    halved_at_ties(g, x, other).masked_fill(wins.logical_or(other.isnan()), 0.0)
}

fn halved_at_ties(g: &Val, x: &Val, other: &Val) -> Val {
    Val::run(|| x.eq(other).tensor()?.where_((g / 2.0).tensor()?, g.tensor()?))
}

op! {
    /// The greater of two, element by element; a nan loses.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted, real.
    ///
    /// >>> torch.fmax(torch.tensor([1., float('nan')]), torch.tensor([3., 2.]))
    /// tensor([3., 2.])
    fn fmax(input: Tensor, other: Tensor) -> y;
    variants [method, function, out];
    dtype ordered(input, other, "fmax");
    map { (input, other) Float => fmax(input, other); Int => input.max(other); Bool => input | other };
    vjp {
        input => |g, input, other| taken(g, input, other, input.ge(other));
        other => |g, input, other| left(g, input, other, input.gt(other))
    };
    samples pairs(-2.0, 2.0);
}

op! {
    /// The smaller of two, element by element; a nan loses.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted, real.
    ///
    /// >>> torch.fmin(torch.tensor([1., float('nan')]), torch.tensor([3., 2.]))
    /// tensor([1., 2.])
    fn fmin(input: Tensor, other: Tensor) -> y;
    variants [method, function, out];
    dtype ordered(input, other, "fmin");
    map { (input, other) Float => fmin(input, other); Int => input.min(other); Bool => input & other };
    vjp {
        input => |g, input, other| taken(g, input, other, input.le(other));
        other => |g, input, other| left(g, input, other, input.lt(other))
    };
    samples pairs(-2.0, 2.0);
}

/// The gradient of an operator that PyTorch gives none: an error once it is asked for.
pub(crate) fn not_derived(name: &str) -> Val {
    Val::Error(Error::runtime(format!("derivative for aten::{name} is not implemented")))
}

fn step_dtype(x: &Tensor, values: &Tensor) -> Result<DType> {
    if x.dtype().is_complex() || values.dtype().is_complex() {
        return Err(Error::not_implemented("heaviside is not yet implemented for complex tensors."));
    }
    if x.dtype() != values.dtype() {
        return Err(Error::runtime("heaviside is not yet implemented for tensors with different dtypes."));
    }
    Ok(x.dtype())
}

op! {
    /// The step function: 0 below 0, 1 above, and `values` at 0.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: both the same, real.
    ///
    /// >>> torch.heaviside(torch.tensor([-1., 0., 2.]), torch.tensor([0.5]))
    /// tensor([0.0000, 0.5000, 1.0000])
    fn heaviside(input: Tensor, values: Tensor) -> y;
    variants [method, function, inplace, out];
    node "NotImplemented";
    dtype step_dtype(input, values);
    map {
        (input, values)
        Float => { let step = if input > 0.0 { 1.0 } else { 0.0 }; if input == 0.0 { values } else { step } };
        Int => if input == 0 { values } else if input < 0 { 0 } else { 1 };
        Bool => input | values
    };
    vjp {
        input => |g| { let _ = g; not_derived("heaviside") };
        values => |g| { let _ = g; not_derived("heaviside") }
    };
    samples without_gradcheck(pairs(-2.0, 2.0));
}

op! {
    /// The greatest common divisor, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted, integers.
    ///
    /// >>> torch.gcd(torch.tensor([12, 9]), torch.tensor([8, 6]))
    /// tensor([4, 3])
    fn gcd(input: Tensor, other: Tensor) -> y;
    variants [method, function, inplace, out];
    nondifferentiable;
    dtype rule::promote(input, other);
    map { (input, other) Int => gcd(input, other) };
    samples integer_pairs(-6, 12);
}

op! {
    /// The least common multiple, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted, integers.
    ///
    /// >>> torch.lcm(torch.tensor([4, 9]), torch.tensor([6, 6]))
    /// tensor([12, 18])
    fn lcm(input: Tensor, other: Tensor) -> y;
    variants [method, function, inplace, out];
    nondifferentiable;
    dtype rule::promote(input, other);
    map { (input, other) Int => lcm(input, other) };
    samples integer_pairs(-6, 12);
}

fn lerp_dtype(x: &Tensor, end: &Tensor, weight: OperandRef<'_>) -> Result<DType> {
    let expected = |t: &Tensor, name: &str| {
        if t.dtype() == x.dtype() {
            return Ok(());
        }
        Err(Error::runtime(format!(
            "expected dtype {} for `{name}` but got dtype {}",
            rule::c_name(x.dtype()),
            rule::c_name(t.dtype())
        )))
    };
    expected(end, "end")?;
    let what = match weight {
        OperandRef::Tensor(t) => {
            expected(t, "weight")?;
            "lerp_kernel_tensor"
        }
        OperandRef::Number(_) => "lerp_kernel_scalar",
    };
    if x.dtype().is_integral() {
        return Err(Error::not_implemented(format!("\"{what}\" not implemented for '{}'", x.dtype().title())));
    }
    Ok(x.dtype())
}

op! {
    /// The point between `input` and `end` at `weight`: `input + weight * (end - input)`.
    ///
    /// Shape: all broadcast. Dtype: all the same, floating-point or complex.
    ///
    /// >>> torch.lerp(torch.tensor([0., 2.]), torch.tensor([4., 4.]), 0.5)
    /// tensor([2., 3.])
    fn lerp(input: Tensor, end: Tensor, weight: Operand) -> y;
    variants [method, function, inplace, out];
    shortcut lerp_part;
    composite {
        match weight {
            OperandRef::Number(w) => input.lerp_number(end, w),
            OperandRef::Tensor(w) => input.lerp_weights(end, w),
        }
    };
    samples [
        (real([2, 3]), other([3]), 0.3),
        (real([2, 3]), other([3]), unit([2, 1])),
        (real([2]), other([]), 0.8),
        (real([0, 2]), other([2]), unit([])),
    ];
}

/// The operator for a weight that is a number or a tensor.
fn lerp_part(args: &[Arg]) -> Option<(&'static OpDef, Args)> {
    let part = if matches!(args[2], Arg::Tensor(_)) { &LERP_WEIGHTS } else { &LERP_NUMBER };
    Some((part, args.into()))
}

op! {
    /// `lerp` with a number as weight.
    ///
    /// Shape: all broadcast. Dtype: all the same, floating-point or complex.
    fn lerp_number(input: Tensor, end: Tensor, weight: Scalar) -> y;
    variants [private];
    node "LerpBackward0";
    dtype lerp_dtype(input, end, OperandRef::Number(weight));
    map {
        (input, end; weight)
        Float => if abs(weight) < 0.5 { madd(weight, end - input, input) } else { madd(weight - 1.0, end - input, end) };
        Complex => if abs(weight) < 0.5 { input + weight * (end - input) } else { end - (end - input) * (C::new(1.0, 0.0) - weight) }
    };
    vjp {
        input => |g, weight| g * one_minus(weight).conj();
        end => |g, weight| g * weight.conj()
    };
    samples [(real([2, 3]), other([3]), 0.3), (real([2]), other([]), 0.8), (real([0, 2]), other([2]), 0.5)];
}

fn one_minus(s: Scalar) -> Scalar {
    match s {
        Scalar::Complex(z) => Scalar::Complex(1.0 - z),
        real => Scalar::Float(1.0 - real.to_f64()),
    }
}

op! {
    /// `lerp` with a tensor of weights.
    ///
    /// Shape: all broadcast. Dtype: all the same, floating-point or complex.
    fn lerp_weights(input: Tensor, end: Tensor, weight: Tensor) -> y;
    variants [private];
    node "LerpBackward1";
    dtype lerp_dtype(input, end, OperandRef::Tensor(weight));
    map {
        (input, end, weight)
        Float => if abs(weight) < 0.5 { madd(weight, end - input, input) } else { madd(weight - 1.0, end - input, end) };
        Complex => if abs(weight) < 0.5 { input + weight * (end - input) } else { end - (end - input) * (C::new(1.0, 0.0) - weight) }
    };
    vjp {
        input => |g, weight| g * (1.0 - weight).conj();
        end => |g, weight| g * weight.conj();
        weight => |g, input, end| g * (end - input).conj()
    };
    samples [
        (real([2, 3]), other([3]), unit([2, 1])),
        (real([2]), other([]), unit([])),
        (real([0, 2]), other([2]), unit([2])),
    ];
}
