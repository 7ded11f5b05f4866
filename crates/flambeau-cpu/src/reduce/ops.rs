//! The operations that reductions fold with.

use flambeau_types::Complex;

use super::kernel::Op;

/// Addition.
pub(crate) struct Sum;
/// Addition of what is a number: NaN counts as 0.
pub(crate) struct SumNumbers;
/// Multiplication.
pub(crate) struct Product;
/// The greater; NaN wins.
pub(crate) struct Max;
/// The smaller; NaN wins.
pub(crate) struct Min;
/// The sum of absolute values.
pub(crate) struct SumAbs;
/// The sum of squares.
pub(crate) struct SumSquares;
/// The sum of absolute values to the power of the parameter.
pub(crate) struct SumPowers;
/// The number of values that are not zero.
pub(crate) struct CountNonzero;
/// The greatest absolute value; NaN wins.
pub(crate) struct MaxAbs;
/// The smallest absolute value; NaN wins.
pub(crate) struct MinAbs;
/// The sum of squared distances from the parameter.
pub(crate) struct SumSquaredDeviations;

macro_rules! sums {
    ($($t:ty, $ordered:literal, $add:expr, $mul:expr, $zero:expr, $one:expr;)*) => {$(
        impl Op<$t> for Sum {
            const ORDERED: bool = $ordered;
            #[inline(always)] fn identity() -> $t { $zero }
            #[inline(always)] fn map(x: $t, _: $t) -> $t { x }
            #[inline(always)] fn merge(a: $t, b: $t) -> $t { $add(a, b) }
        }
        impl Op<$t> for SumNumbers {
            const ORDERED: bool = $ordered;
            #[inline(always)] fn identity() -> $t { $zero }
            #[allow(clippy::eq_op)]
            #[inline(always)] fn map(x: $t, _: $t) -> $t { if x == x { x } else { $zero } }
            #[inline(always)] fn merge(a: $t, b: $t) -> $t { $add(a, b) }
        }
        impl Op<$t> for Product {
            #[inline(always)] fn identity() -> $t { $one }
            #[inline(always)] fn map(x: $t, _: $t) -> $t { x }
            #[inline(always)] fn merge(a: $t, b: $t) -> $t { $mul(a, b) }
        }
    )*};
}
sums! {
    i64, false, i64::wrapping_add, i64::wrapping_mul, 0, 1;
    f32, true, |a: f32, b: f32| a + b, |a: f32, b: f32| a * b, 0.0, 1.0;
    f64, true, |a: f64, b: f64| a + b, |a: f64, b: f64| a * b, 0.0, 1.0;
    Complex<f32>, true, |a: Complex<f32>, b: Complex<f32>| a + b, |a: Complex<f32>, b: Complex<f32>| a * b, Complex::new(0.0, 0.0), Complex::new(1.0, 0.0);
    Complex<f64>, true, |a: Complex<f64>, b: Complex<f64>| a + b, |a: Complex<f64>, b: Complex<f64>| a * b, Complex::new(0.0, 0.0), Complex::new(1.0, 0.0);
}

macro_rules! extrema {
    ($($t:ty, $low:expr, $high:expr;)*) => {$(
        impl Op<$t> for Max {
            #[inline(always)] fn identity() -> $t { $low }
            #[inline(always)] fn map(x: $t, _: $t) -> $t { x }
            #[allow(clippy::eq_op)]
            #[inline(always)] fn merge(a: $t, b: $t) -> $t { if a > b || a != a { a } else { b } }
        }
        impl Op<$t> for Min {
            #[inline(always)] fn identity() -> $t { $high }
            #[inline(always)] fn map(x: $t, _: $t) -> $t { x }
            #[allow(clippy::eq_op)]
            #[inline(always)] fn merge(a: $t, b: $t) -> $t { if a < b || a != a { a } else { b } }
        }
    )*};
}
extrema! {
    u8, u8::MIN, u8::MAX;
    i32, i32::MIN, i32::MAX;
    i64, i64::MIN, i64::MAX;
    f32, f32::NEG_INFINITY, f32::INFINITY;
    f64, f64::NEG_INFINITY, f64::INFINITY;
}

macro_rules! norms {
    ($($t:ty),*) => {$(
        impl Op<$t> for SumAbs {
            #[inline(always)] fn identity() -> $t { 0.0 }
            #[inline(always)] fn map(x: $t, _: $t) -> $t { x.abs() }
            #[inline(always)] fn merge(a: $t, b: $t) -> $t { a + b }
        }
        impl Op<$t> for SumSquares {
            #[inline(always)] fn identity() -> $t { 0.0 }
            #[inline(always)] fn map(x: $t, _: $t) -> $t { x * x }
            #[inline(always)] fn merge(a: $t, b: $t) -> $t { a + b }
        }
        impl Op<$t> for SumPowers {
            const PARAM: bool = true;
            const COST: usize = 64;
            #[inline(always)] fn identity() -> $t { 0.0 }
            #[inline(always)] fn map(x: $t, p: $t) -> $t { x.abs().powf(p) }
            #[inline(always)] fn merge(a: $t, b: $t) -> $t { a + b }
        }
        impl Op<$t> for CountNonzero {
            #[inline(always)] fn identity() -> $t { 0.0 }
            #[inline(always)] fn map(x: $t, _: $t) -> $t { if x == 0.0 { 0.0 } else { 1.0 } }
            #[inline(always)] fn merge(a: $t, b: $t) -> $t { a + b }
        }
        impl Op<$t> for MaxAbs {
            #[inline(always)] fn identity() -> $t { 0.0 }
            #[inline(always)] fn map(x: $t, _: $t) -> $t { x.abs() }
            #[inline(always)] fn merge(a: $t, b: $t) -> $t { <Max as Op<$t>>::merge(a, b) }
        }
        impl Op<$t> for MinAbs {
            #[inline(always)] fn identity() -> $t { <$t>::INFINITY }
            #[inline(always)] fn map(x: $t, _: $t) -> $t { x.abs() }
            #[inline(always)] fn merge(a: $t, b: $t) -> $t { <Min as Op<$t>>::merge(a, b) }
        }
    )*};
}
norms!(f32, f64);

impl Op<f64> for SumSquaredDeviations {
    const PARAM: bool = true;
    #[inline(always)]
    fn identity() -> f64 {
        0.0
    }
    #[inline(always)]
    fn map(x: f64, mean: f64) -> f64 {
        (x - mean) * (x - mean)
    }
    #[inline(always)]
    fn merge(a: f64, b: f64) -> f64 {
        a + b
    }
}
