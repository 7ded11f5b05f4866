//! Every thousandth single or so, against the double precision functions.

use super::super::{fma, plain, quick};
use super::has_fma;

/// The error in units of the last place of the rounded value; infinite where one is nan.
fn error(got: f32, want: f64) -> f64 {
    let rounded = want as f32;
    if got.is_nan() || rounded.is_nan() {
        return if got.is_nan() && rounded.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if got == rounded {
        return 0.0;
    }
    if !rounded.is_finite() || !got.is_finite() {
        // The largest number and infinity are neighbours.
        return f64::from((got.to_bits() & 0x7FFF_FFFF).abs_diff(rounded.to_bits() & 0x7FFF_FFFF));
    }
    let unit = if rounded.abs() < f32::MIN_POSITIVE {
        2f64.powi(-149)
    } else {
        f64::from(f32::from_bits(rounded.abs().to_bits() & 0x7F80_0000)) * 2f64.powi(-23)
    };
    (f64::from(got) - want).abs() / unit
}

const STEP: usize = 4099;

macro_rules! sweep {
    ($level:ident: $($f:ident <= $bound:expr;)*) => {$({
        let mut worst = (0.0, 0f32);
        for bits in (0..=u32::MAX).step_by(STEP) {
            let x = f32::from_bits(bits);
            let got = $level::f32::$f(x);
            let want = plain::f64::$f(f64::from(x));
            let e = error(got, want);
            if e > worst.0 { worst = (e, x); }
            assert!(want != 0.0 || got.is_sign_negative() == want.is_sign_negative(), "{}({x:e}): zero's sign", stringify!($f));
        }
        assert!(worst.0 <= $bound, "{}({:e}) is {:.3} units off", stringify!($f), worst.1, worst.0);
    })*};
}

macro_rules! functions {
    ($level:ident) => {
        sweep!($level:
            exp <= 1.0; exp2 <= 1.0; expm1 <= 1.5; sigmoid <= 2.25; log <= 1.0; log2 <= 1.5; log10 <= 1.75; log1p <= 1.0;
            sin <= 1.75; cos <= 1.75; tan <= 1.5; asin <= 2.0; acos <= 1.5; atan <= 2.0; sinh <= 1.0; cosh <= 1.0;
            tanh <= 1.5; asinh <= 1.0; acosh <= 1.0; atanh <= 1.0; erf <= 1.25; erfc <= 1.5; erfinv <= 1.0; rsqrt <= 1.5;
            lgamma <= 1.0; digamma <= 1.0; floor <= 0.0; ceil <= 0.0; trunc <= 0.0; round <= 0.0; frac <= 0.0;
            sign <= 0.0; abs <= 0.0; sqrt <= 0.51;
        );
    };
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn fma_sweep() {
    functions!(fma);
}

#[test]
fn plain_is_within_bounds() {
    functions!(plain);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn fma_is_within_bounds() {
    if has_fma() {
        // SAFETY: the processor has the features.
        unsafe { fma_sweep() };
    }
}

/// Quick functions are as exact wherever they are not nan, and say nan for no common argument.
macro_rules! quick_sweep {
    ($($f:ident <= $bound:expr, $low:expr, $high:expr;)*) => {$({
        for bits in (0..=u32::MAX).step_by(STEP) {
            let x = f32::from_bits(bits);
            let got = quick::f32::$f(x);
            let want = plain::f64::$f(f64::from(x));
            assert!(got.is_nan() || error(got, want) <= $bound, "{}({x:e}) = {got:e}, not {want:e}", stringify!($f));
            let common = ($low..$high).contains(&x);
            assert!(!common || !got.is_nan(), "{}({x:e}) is missed", stringify!($f));
        }
    })*};
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn quick_functions() {
    quick_sweep!(
        sin <= 1.75, -1e6, 1e6; cos <= 1.75, -1e6, 1e6; tan <= 1.5, -1e6, 1e6; lgamma <= 1.0, 1e-30, 1e30;
        digamma <= 1.0, 1e-30, 1e30;
    );
    for (x, y) in pairs() {
        let (got, want) = (quick::f32::fmod(x, y), x % y);
        assert!(got.is_nan() || got.to_bits() == want.to_bits(), "fmod({x:e}, {y:e}) = {got:e}, not {want:e}");
        assert!(
            !got.is_nan() || want.is_nan() || (x / y).abs() >= 8e6 || y.is_infinite(),
            "fmod({x:e}, {y:e}) is missed"
        );
        let (x, y) = (f64::from(x) * 1.000000001, f64::from(y) * 1.0000000003);
        let (got, want) = (quick::f64::fmod(x, y), x % y);
        assert!(got.is_nan() || got.to_bits() == want.to_bits(), "fmod({x:e}, {y:e}) = {got:e}, not {want:e}");
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn quick_is_within_bounds() {
    if has_fma() {
        // SAFETY: the processor has the features.
        unsafe { quick_functions() };
    }
}

/// Pairs of bits that wander over all of both arguments.
fn pairs() -> impl Iterator<Item = (f32, f32)> {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    (0..400_000).map(move |i| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let (a, b) = ((state >> 32) as u32, (state.rotate_left(17) >> 29) as u32);
        // Half of them of moderate size.
        let near = |bits: u32| f32::from_bits((bits & 0x83FF_FFFF) | 0x3C00_0000);
        if i % 2 == 0 { (near(a), near(b)) } else { (f32::from_bits(a), f32::from_bits(b)) }
    })
}

#[test]
fn two_arguments() {
    for (x, y) in pairs() {
        let (u, v) = (f64::from(x), f64::from(y));
        let cases = [
            ("pow", plain::f32::pow(x, y), u.powf(v)),
            ("atan2", plain::f32::atan2(x, y), u.atan2(v)),
            ("hypot", plain::f32::hypot(x, y), u.hypot(v)),
        ];
        for (name, got, want) in cases {
            assert!(error(got, want) <= 1.0, "{name}({x:e}, {y:e}) = {got:e}, not {want:e}");
        }
        assert_eq!(
            plain::f32::fmod(x, y).to_bits() & 0x7FC0_0000,
            (x % y).to_bits() & 0x7FC0_0000,
            "fmod({x:e}, {y:e})"
        );
        assert!(error(plain::f32::fmod(x, y), f64::from(x % y)) == 0.0, "fmod({x:e}, {y:e})");
    }
}
