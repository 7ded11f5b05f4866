//! Zeros, infinities, nan and the ends of the range, against the system's functions.

use super::super::{fma, plain};
use super::{distance, has_fma};

const VALUES: [f64; 33] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.0,
    -2.0,
    3.0,
    -3.0,
    2.5,
    -2.5,
    1e-5,
    -1e-5,
    1e10,
    -1e10,
    1e300,
    -1e300,
    1e-300,
    -1e-300,
    5e-324,
    -5e-324,
    2.2250738585072014e-308,
    -2.2250738585072014e-308,
    1e-310,
    f64::MAX,
    f64::MIN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    0.9999999999999999,
    9007199254740993.0,
    -9007199254740991.0,
];

fn same(name: &str, x: f64, y: f64, got: f64, want: f64) {
    assert!(distance(got, want) <= 2, "{name}({x:e}, {y:e}) = {got:e}, not {want:e}");
    assert!(want != 0.0 || got.is_sign_negative() == want.is_sign_negative(), "{name}({x:e}, {y:e}): zero's sign");
}

macro_rules! all {
    ($level:ident) => {{
        use $level::f64 as m;
        for x in VALUES {
            let one = [
                ("exp", m::exp(x), x.exp()),
                ("exp2", m::exp2(x), x.exp2()),
                ("expm1", m::expm1(x), x.exp_m1()),
                ("log", m::log(x), x.ln()),
                ("log2", m::log2(x), x.log2()),
                ("log10", m::log10(x), x.log10()),
                ("log1p", m::log1p(x), x.ln_1p()),
                ("sin", m::sin(x), x.sin()),
                ("cos", m::cos(x), x.cos()),
                ("tan", m::tan(x), x.tan()),
                ("asin", m::asin(x), x.asin()),
                ("acos", m::acos(x), x.acos()),
                ("atan", m::atan(x), x.atan()),
                ("sinh", m::sinh(x), x.sinh()),
                ("cosh", m::cosh(x), x.cosh()),
                ("tanh", m::tanh(x), x.tanh()),
                ("asinh", m::asinh(x), x.asinh()),
                ("acosh", m::acosh(x), x.acosh()),
                ("atanh", m::atanh(x), x.atanh()),
                ("floor", m::floor(x), x.floor()),
                ("ceil", m::ceil(x), x.ceil()),
                ("trunc", m::trunc(x), x.trunc()),
                ("round", m::round(x), x.round_ties_even()),
            ];
            for (name, got, want) in one {
                // Rust's own inverse hyperbolic functions overflow and cancel: good for zeros, poles and nan only.
                let formula = matches!(name, "asinh" | "acosh" | "atanh");
                let end = x == 0.0 || want.is_nan() || !x.is_finite() || x.abs() == 1.0 && name == "atanh";
                if !formula || end {
                    same(name, x, 0.0, got, want);
                }
            }
            for y in VALUES {
                same("pow", x, y, m::pow(x, y), x.powf(y));
                same("atan2", x, y, m::atan2(x, y), x.atan2(y));
                same("hypot", x, y, m::hypot(x, y), x.hypot(y));
                same("fmod", x, y, m::fmod(x, y), x % y);
                same("copysign", x, y, m::copysign(x, y), x.copysign(y));
                let nan = x.is_nan() || y.is_nan();
                same("max", x, y, m::max(x, y) + 0.0, if nan { f64::NAN } else { x.max(y) + 0.0 });
                same("min", x, y, m::min(x, y) + 0.0, if nan { f64::NAN } else { x.min(y) + 0.0 });
                same("fmax", x, y, m::fmax(x, y) + 0.0, x.max(y) + 0.0);
                same("fmin", x, y, m::fmin(x, y) + 0.0, x.min(y) + 0.0);
            }
        }
        assert_eq!([m::sign(-0.0), m::sign(f64::NAN), m::sign(-2.0), m::sign(f64::INFINITY)], [0.0, 0.0, -1.0, 1.0]);
        assert!(m::is_nan(f64::NAN) && !m::is_nan(1.0) && m::is_inf(-f64::INFINITY) && !m::is_inf(f64::NAN));
        assert!(m::is_finite(f64::MAX) && !m::is_finite(f64::INFINITY) && !m::is_finite(f64::NAN));
        // Python's and torch's remainders.
        for (x, y, r, q) in [
            (7.0, 3.0, 1.0, 2.0),
            (-7.0, 3.0, 2.0, -3.0),
            (7.0, -3.0, -2.0, -3.0),
            (-7.0, -3.0, -1.0, 2.0),
            (1.0, 0.1, 0.09999999999999995, 9.0),
            (6.0, 3.0, 0.0, 2.0),
        ] {
            assert_eq!((m::remainder(x, y), m::floor_div(x, y)), (r, q), "{x} by {y}");
        }
        assert_eq!(m::floor_div(1.0, 0.0), f64::INFINITY);
        assert!(m::floor_div(0.0, 0.0).is_nan() && m::remainder(1.0, 0.0).is_nan());
        // Error and gamma functions at their ends.
        assert_eq!([m::erf(0.0), m::erf(30.0), m::erf(f64::NEG_INFINITY)], [0.0, 1.0, -1.0]);
        assert_eq!(
            [m::erfc(f64::INFINITY), m::erfc(f64::NEG_INFINITY), m::erfc(0.0), m::erfc(1e200)],
            [0.0, 2.0, 1.0, 0.0]
        );
        assert_eq!([m::erfinv(1.0), m::erfinv(-1.0), m::erfinv(0.0)], [f64::INFINITY, f64::NEG_INFINITY, 0.0]);
        assert!(m::erfinv(-0.0).is_sign_negative() && m::erf(-0.0).is_sign_negative());
        assert!(
            m::erfinv(1.5).is_nan()
                && m::erfinv(f64::NAN).is_nan()
                && m::erf(f64::NAN).is_nan()
                && m::erfc(f64::NAN).is_nan()
        );
        assert_eq!(
            [m::lgamma(0.0), m::lgamma(-3.0), m::lgamma(1.0), m::lgamma(2.0), m::lgamma(f64::NEG_INFINITY)],
            [f64::INFINITY, f64::INFINITY, 0.0, 0.0, f64::INFINITY]
        );
        assert_eq!(
            [m::digamma(0.0), m::digamma(-0.0), m::digamma(f64::INFINITY)],
            [f64::NEG_INFINITY, f64::INFINITY, f64::INFINITY]
        );
        assert!(m::digamma(-1.0).is_nan() && m::digamma(f64::NEG_INFINITY).is_nan() && m::lgamma(f64::NAN).is_nan());
        assert_eq!([m::sigmoid(f64::INFINITY), m::sigmoid(f64::NEG_INFINITY), m::sigmoid(0.0)], [1.0, 0.0, 0.5]);
        assert_eq!([m::rsqrt(0.0), m::rsqrt(-0.0), m::rsqrt(f64::INFINITY)], [f64::INFINITY, f64::NEG_INFINITY, 0.0]);
    }};
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn fma_values() {
    all!(fma);
}

#[test]
fn plain_values() {
    all!(plain);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn fma_values_too() {
    if has_fma() {
        // SAFETY: the processor has the features.
        unsafe { fma_values() };
    }
}
