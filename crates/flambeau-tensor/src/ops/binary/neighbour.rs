//! Floating-point numbers as what they are made of: mantissa, exponent, neighbours; and powers in double precision.

use crate::ops::{Operand, OperandRef, op, rule, samples};
use crate::{DType, Error, Kind, Result, Tensor};

/// What a number is made of.
pub(crate) trait Parts: Sized + Copy {
    /// Mantissa (of size 1/2 to 1) and exponent: `m * 2 ** e`. Zero, infinity and nan have the exponent 0.
    fn frexp(self) -> (Self, Self);
    /// The next number towards `to`. `grid` is 0 for all numbers of the type, 1 for those of bfloat16, 2 for those of
    /// float16.
    fn towards(self, to: Self, grid: Self) -> Self;
}

impl Parts for f64 {
    #[inline(always)]
    fn frexp(self) -> (f64, f64) {
        if self == 0.0 || !self.is_finite() {
            return (self, 0.0);
        }
        let small = self.abs() < f64::MIN_POSITIVE;
        let bits = (if small { self * (1u64 << 54) as f64 } else { self }).to_bits();
        let exponent = ((bits >> 52) & 0x7ff) as i64 - 1022 - if small { 54 } else { 0 };
        (f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52), exponent as f64)
    }

    #[inline(always)]
    fn towards(self, to: f64, _grid: f64) -> f64 {
        if self.is_nan() || to.is_nan() {
            return f64::NAN;
        }
        if self == to {
            return to;
        }
        if self == 0.0 {
            return f64::from_bits(1).copysign(to);
        }
        let grows = (self < to) == (self > 0.0);
        f64::from_bits(if grows { self.to_bits() + 1 } else { self.to_bits() - 1 })
    }
}

impl Parts for f32 {
    #[inline(always)]
    fn frexp(self) -> (f32, f32) {
        let (m, e) = (self as f64).frexp();
        (m as f32, e as f32)
    }

    #[inline(always)]
    fn towards(self, to: f32, grid: f32) -> f32 {
        if self.is_nan() || to.is_nan() {
            return f32::NAN;
        }
        if self == to {
            return to;
        }
        let grows = (self < to) == (self > 0.0);
        if grid == 2.0 {
            // Below the smallest normal float16 its numbers are evenly spaced.
            const SPACING: f32 = 1.0 / 16_777_216.0;
            const NORMAL: f32 = 1.0 / 16_384.0;
            if self == 0.0 {
                return SPACING.copysign(to);
            }
            if self.is_infinite() {
                return 65_504f32.copysign(self);
            }
            let size = self.abs();
            if size < NORMAL || (size == NORMAL && !grows) {
                return self + if self < to { SPACING } else { -SPACING };
            }
        }
        let step = match grid {
            1.0 => 1 << 16,
            2.0 => 1 << 13,
            _ => 1,
        };
        if self == 0.0 {
            return f32::from_bits(step).copysign(to);
        }
        f32::from_bits(if grows { self.to_bits() + step } else { self.to_bits() - step })
    }
}

fn parts_dtype(x: &Tensor) -> Result<DType> {
    if x.dtype().kind() != Kind::Float {
        return Err(Error::runtime("torch.frexp() only supports floating-point dtypes"));
    }
    Ok(x.dtype())
}

op! {
    /// Mantissa and exponent: `input = mantissa * 2 ** exponent`, with mantissas of size 1/2 to 1.
    ///
    /// Shape: `*s -> *s, *s`. Dtype: unchanged, floating-point; the exponent is int32.
    ///
    /// >>> torch.frexp(torch.tensor([1., 6.])).exponent
    /// tensor([1, 3], dtype=torch.int32)
    fn frexp(input: Tensor) -> mantissa, exponent;
    variants [method, function, out];
    composite { Ok((input.frexp_mantissa()?, input.detach().frexp_exponent()?.to_dtype(DType::I32)?)) };
    samples samples::unary(0.3, 9.0);
}

op! {
    /// The mantissa that `frexp` gives.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged, floating-point.
    fn frexp_mantissa(input: Tensor) -> y;
    variants [private];
    node "FrexpBackward0";
    dtype parts_dtype(input);
    map { (input) Float => crate::ops::binary::neighbour::Parts::frexp(input).0 };
    vjp { input => |g, input| g / input.frexp_exponent().exp2() };
    samples samples::unary(0.3, 9.0);
}

op! {
    /// The exponent that `frexp` gives, as a floating-point number.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged, floating-point.
    fn frexp_exponent(input: Tensor) -> y;
    variants [private];
    nondifferentiable;
    dtype parts_dtype(input);
    map { (input) Float => crate::ops::binary::neighbour::Parts::frexp(input).1 };
    samples samples::unary(0.3, 9.0);
}

fn neighbour_dtype(x: &Tensor, other: &Tensor) -> Result<DType> {
    let d = rule::promote(x, other);
    if d.kind() != Kind::Float {
        return Err(Error::not_implemented(format!("\"nextafter_cpu\" not implemented for '{}'", d.title())));
    }
    Ok(d)
}

op! {
    /// The next number of the dtype from `input` towards `other`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted, floating-point.
    ///
    /// >>> torch.nextafter(torch.tensor([1., 2.]), torch.tensor([2., 1.])) == torch.tensor([1 + 2 ** -23, 2 - 2 ** -23])
    /// tensor([True, True])
    fn nextafter(input: Tensor, other: Tensor) -> y;
    variants [method, function, inplace, out];
    composite {
        let grid = match neighbour_dtype(input, other)? {
            DType::BF16 => 1,
            DType::F16 => 2,
            _ => 0,
        };
        input.nextafter_on(other, grid)
    };
    samples without_gradcheck(samples::pairs(-2.0, 2.0));
}

op! {
    /// `nextafter` among the numbers of one dtype.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted, floating-point.
    fn nextafter_on(input: Tensor, other: Tensor, grid: i64) -> y;
    variants [private];
    node "NextafterBackward0";
    dtype neighbour_dtype(input, other);
    map { (input, other; grid) Float => crate::ops::binary::neighbour::Parts::towards(input, other, grid) };
    vjp {
        input => |g, input, other| g.masked_fill(input.eq(other), 0.0);
        other => |g| g * 0.0
    };
    samples without_gradcheck([(real([2, 3]), other([3]), 0), (real([]), other([2]), 0), (real([0, 2]), other([2]), 0)]);
}

/// Double precision, complex if one operand is.
fn double(complex: bool) -> DType {
    if complex { DType::C128 } else { DType::F64 }
}

fn power_dtype(x: &Tensor, exponent: OperandRef<'_>) -> DType {
    double(
        x.dtype().is_complex()
            || match exponent {
                OperandRef::Tensor(t) => t.dtype().is_complex(),
                OperandRef::Number(s) => s.kind() == Kind::Complex,
            },
    )
}

/// Double precision fits only into double precision.
fn holds_power(x: &Tensor, exponent: OperandRef<'_>) -> Result<bool> {
    let d = power_dtype(x, exponent);
    if x.dtype() != d {
        return Err(Error::runtime(format!(
            "the base given to float_power_ has dtype {} but the operation's result requires dtype {}",
            x.dtype().title(),
            d.title()
        )));
    }
    Ok(true)
}

op! {
    /// `x ** exponent` in double precision, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: float64, or complex128.
    ///
    /// >>> torch.float_power(torch.tensor([1, 2, 3]), 2)
    /// tensor([1., 4., 9.], dtype=torch.float64)
    fn float_power(input: Tensor, exponent: Operand) -> y;
    variants [method, function, inplace, out];
    inplace_check holds_power(input, exponent);
    composite {
        let d = power_dtype(input, exponent);
        let exponent: Operand = match exponent {
            OperandRef::Tensor(t) => t.to_dtype(d)?.into(),
            OperandRef::Number(s) => s.into(),
        };
        input.to_dtype(d)?.pow(exponent)
    };
    samples samples::binary(0.5, 2.5);
}

op! {
    /// `x ** exponent` in double precision, for a number `x`.
    ///
    /// Shape: `*t -> *t`. Dtype: float64, or complex128.
    fn float_power.scalar(input: Scalar, exponent: Tensor) -> y;
    variants [function, out];
    composite {
        let d = double(exponent.dtype().is_complex() || input.kind() == Kind::Complex);
        super::power::pow_scalar(input, &exponent.to_dtype(d)?)
    };
    samples [(2.5, real([2, 3])), (2, real([])), (0.7, real([0, 2]))];
}
