//! Powers.

use flambeau_cpu::loops::MapKernel;
use flambeau_cpu::map_kernel;

use crate::ops::{Arg, OperandRef, Val, op, rule, samples};
use crate::{DType, Error, Result, Scalar, Tensor};

fn power_dtype(x: &Tensor, exponent: OperandRef<'_>) -> Result<DType> {
    let d = rule::promote(x, exponent);
    if d == DType::Bool {
        return Err(Error::not_implemented("\"pow\" not implemented for 'Bool'"));
    }
    if let OperandRef::Number(s) = exponent
        && d.is_integral()
        && s.to_f64() < 0.0
    {
        return Err(Error::runtime("Integers to negative integer powers are not allowed."));
    }
    Ok(d)
}

/// The powers that are written most, by products and roots: exponent, loops.
static COMMON: [(f64, [MapKernel; 2]); 6] = [
    (2.0, [map_kernel!(f32 => f32, |x, e| x * x), map_kernel!(f64 => f64, |x, e| x * x)]),
    (3.0, [map_kernel!(f32 => f32, |x, e| x * x * x), map_kernel!(f64 => f64, |x, e| x * x * x)]),
    (0.5, [map_kernel!(f32 => f32, |x, e| sqrt(x)), map_kernel!(f64 => f64, |x, e| sqrt(x))]),
    (-0.5, [map_kernel!(f32 => f32, |x, e| 1.0 / sqrt(x)), map_kernel!(f64 => f64, |x, e| 1.0 / sqrt(x))]),
    (-1.0, [map_kernel!(f32 => f32, |x, e| 1.0 / x), map_kernel!(f64 => f64, |x, e| 1.0 / x)]),
    (-2.0, [map_kernel!(f32 => f32, |x, e| 1.0 / (x * x)), map_kernel!(f64 => f64, |x, e| 1.0 / (x * x))]),
];

/// Of complex numbers, these by products and roots too: not only faster, other values where parts are infinite or zero.
static COMMON_COMPLEX: [(f64, [MapKernel; 2]); 8] = [
    (
        0.0,
        [map_kernel!(c32 => c32, |x, e| crate::Complex32::ONE), map_kernel!(c64 => c64, |x, e| crate::Complex64::ONE)],
    ),
    (1.0, [map_kernel!(c32 => c32, |x, e| x), map_kernel!(c64 => c64, |x, e| x)]),
    (2.0, [map_kernel!(c32 => c32, |x, e| square(x)), map_kernel!(c64 => c64, |x, e| square(x))]),
    (3.0, [map_kernel!(c32 => c32, |x, e| mul(square(x), x)), map_kernel!(c64 => c64, |x, e| mul(square(x), x))]),
    (0.5, [map_kernel!(c32 => c32, |x, e| sqrt(x)), map_kernel!(c64 => c64, |x, e| sqrt(x))]),
    (-0.5, [map_kernel!(c32 => c32, |x, e| rsqrt(x)), map_kernel!(c64 => c64, |x, e| rsqrt(x))]),
    (-1.0, [map_kernel!(c32 => c32, |x, e| reciprocal(x)), map_kernel!(c64 => c64, |x, e| reciprocal(x))]),
    (
        -2.0,
        [map_kernel!(c32 => c32, |x, e| reciprocal(square(x))), map_kernel!(c64 => c64, |x, e| reciprocal(square(x)))],
    ),
];

fn common_power(args: &[Arg], dtype: DType) -> Option<&'static MapKernel> {
    let Arg::Number(exponent) = args[1] else { return None };
    let real = match exponent {
        Scalar::Complex(z) if z.im == 0.0 => z.re,
        Scalar::Complex(_) => return None,
        number => number.to_f64(),
    };
    let of = |loops: &'static [MapKernel; 2]| loops.iter().find(|k| k.compute == dtype.compute());
    if dtype.is_complex() {
        return COMMON_COMPLEX.iter().find(|(e, _)| *e == real).and_then(|(_, loops)| of(loops));
    }
    if !dtype.is_floating() {
        return None;
    }
    COMMON.iter().find(|(e, _)| *e == real).and_then(|(_, loops)| of(loops))
}

op! {
    /// `x ** exponent`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted.
    ///
    /// >>> torch.tensor([1., 2., 3.]) ** 2
    /// tensor([1., 4., 9.])
    fn pow(input: Tensor, exponent: Operand) -> y;
    variants [method, function, inplace, out];
    dtype power_dtype(input, exponent);
    shortcut common_power;
    map { (input, exponent) Float, Complex => pow(input, exponent); Int => pow(input, exponent) };
    vjp {
        input => |g, input, exponent| base_gradient(g, input, exponent);
        exponent => |g, input, exponent, y| exponent_gradient(g, input, exponent, y)
    };
    samples samples::binary(0.5, 2.5);
}

op! {
    /// `x ** exponent` for a number `x`.
    ///
    /// Shape: `*t -> *t`. Dtype: promoted.
    ///
    /// >>> torch.pow(2, torch.tensor([1., 2., 3.]))
    /// tensor([2., 4., 8.])
    fn pow.scalar(input: Scalar, exponent: Tensor) -> y;
    variants [function, out];
    node "PowBackward2";
    dtype rule::promote(input, exponent);
    map { (input, exponent) Float, Complex => pow(input, exponent); Int => pow(input, exponent); Bool => input | (1 - exponent) };
    vjp { exponent => |g, input, exponent, y| exponent_gradient(g, &Val::Number(input), exponent, y) };
    samples [(2.5, real([2, 3])), (2, real([])), (0.7, real([0, 2]))];
}

fn base_gradient(g: &Val, x: &Val, exponent: &Val) -> Val {
    match exponent {
        Val::Number(s) if s.equals(0.0) => g * 0.0,
        Val::Number(s) => {
            let less = match s {
                Scalar::Int(i) => Scalar::Int(i - 1),
                Scalar::Bool(b) => Scalar::Int(*b as i64 - 1),
                Scalar::Float(f) => Scalar::Float(f - 1.0),
                Scalar::Complex(z) => Scalar::Complex(z - 1.0),
            };
            g * (x.pow(less) * *s).conj()
        }
        tensor => {
            let slope = tensor * x.pow(tensor - 1.0);
            (g * slope.conj()).masked_fill(tensor.eq(0.0), 0.0)
        }
    }
}

/// Where the base is 0 and the exponent not negative the power does not move with the exponent.
fn exponent_gradient(g: &Val, x: &Val, exponent: &Val, y: &Val) -> Val {
    Val::run(|| {
        let x = match x {
            Val::Number(s) => {
                let log = match s {
                    Scalar::Complex(z) => Scalar::Complex(z.ln()),
                    real => Scalar::Float(real.to_f64().ln()),
                };
                let slope = g * (y * log).conj();
                return if s.equals(0.0) { slope.masked_fill(at_least_zero(exponent)?, 0.0) } else { slope }.tensor();
            }
            tensor => tensor,
        };
        let flat = Val::from(x.eq(0.0).tensor()?.logical_and(&at_least_zero(exponent)?.tensor()?));
        // Masked before `g` joins in, as PyTorch does: a second derivative at 0 is nan there.
        (g * (y * x.log()).conj().masked_fill(flat, 0.0)).tensor()
    })
}

fn at_least_zero(exponent: &Val) -> Result<Val> {
    let t = exponent.tensor()?;
    Ok(if t.dtype().is_complex() {
        Val::from(t.real()?.gt(0.0)?.logical_or(&t.eq(0.0)?))
    } else {
        Val::from(t.ge(0.0))
    })
}

op! {
    /// `input * 2 ** other`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; integer exponents of a floating-point tensor keep its dtype.
    ///
    /// >>> torch.ldexp(torch.tensor([1.]), torch.tensor([1, 2, 3, 4]))
    /// tensor([ 2.,  4.,  8., 16.])
    fn ldexp(input: Tensor, other: Tensor) -> y;
    variants [method, function, inplace, out];
    composite {
        if !input.dtype().is_floating() || !other.dtype().is_integral() {
            return input.scaled(&pow_scalar(2.0, &other.detach())?, other);
        }
        if other.dtype() == DType::Bool {
            return Err(Error::not_implemented("\"ldexp_cpu_exp\" not implemented for 'Bool'"));
        }
        // In two steps, so that neither power overflows where the result does not.
        let half = other.floor_divide(2)?;
        let power = |n: &Tensor| n.to_dtype(input.dtype())?.exp2();
        input.mul(power(&half)?)?.mul(power(&other.sub(&half)?)?)
    };
    samples samples::with(&[2, 3], -2.0, 2.0, &[&[samples::tensor(&[3], -1.0, 1.0).into()]]);
}

op! {
    /// The product of `ldexp`: its factor is known, and its derivative is that of `2 ** other`.
    ///
    /// Shape: all broadcast. Dtype: promoted.
    fn scaled(input: Tensor, power: Tensor, other: Tensor) -> y;
    variants [private];
    node "LdexpBackward0";
    dtype rule::promote(input, power);
    map { (input, power) Float => input * power; Complex => mul(input, power); Int => input.wrapping_mul(power); Bool => input & power };
    vjp {
        input => |g, other| g * Val::from(pow_scalar(2.0, &other.tensor()?)).conj();
        other => |g, y| g * y.conj() * std::f64::consts::LN_2
    };
    samples without_gradcheck([(real([2, 3]), positive([3]), other([3])), (real([]), positive([2]), other([2]))]);
}
