use super::super::{c32, c64};
use super::{by_name, rows};
use num_complex::Complex;

type C = Complex<f64>;

fn value(name: &str, a: &[f64]) -> C {
    let z = C::new(a[0], a[1]);
    match *a {
        [_, _] => {
            by_name!(c64, name, (z); exp expm1 log log1p log10 log2 sqrt rsqrt sin cos tan sinh cosh tanh asin acos atan
            asinh acosh atanh sigmoid reciprocal)
        }
        [_, _, u, v] => by_name!(c64, name, (z, C::new(u, v)); div pow),
        _ => panic!("one or two arguments"),
    }
}

fn single(name: &str, z: Complex<f32>) -> Complex<f32> {
    by_name!(c32, name, (z); exp expm1 log log1p log10 log2 sqrt rsqrt sin cos tan sinh cosh tanh asin acos atan asinh acosh
        atanh sigmoid reciprocal)
}

#[test]
fn values_are_within_bounds() {
    for (name, numbers) in rows(include_str!("complex.txt")) {
        let (arguments, want) = numbers.split_at(numbers.len() - 2);
        let want = C::new(want[0], want[1]);
        let got = value(name, arguments);
        // A power's error grows with the logarithm of its size, as that of any exp(y log x).
        let bound = if name == "pow" { 64.0 } else { 2.5 };
        let error = (got - want).norm() / want.norm() / f64::EPSILON;
        assert!(error <= bound, "{name}{arguments:?} = {got}, not {want} ({error:.2} units)");
    }
}

#[test]
fn singles_are_rounded_doubles() {
    for (name, numbers) in rows(include_str!("complex.txt")).filter(|row| row.1.len() == 4) {
        let z = Complex::new(numbers[0] as f32, numbers[1] as f32);
        let want = value(name, &[f64::from(z.re), f64::from(z.im)]);
        let got = single(name, z);
        assert!(got == Complex::new(want.re as f32, want.im as f32) || got.re.is_nan(), "{name}({z})");
    }
}

#[test]
fn cuts_follow_the_sign_of_zero() {
    let at = |re: f64, im: f64| C::new(re, im);
    let pi = core::f64::consts::PI;
    assert_eq!((c64::log(at(-1.0, 0.0)).im, c64::log(at(-1.0, -0.0)).im), (pi, -pi));
    assert_eq!((c64::sqrt(at(-4.0, 0.0)).im, c64::sqrt(at(-4.0, -0.0)).im), (2.0, -2.0));
    assert!(c64::asin(at(2.0, 0.0)).im > 0.0 && c64::asin(at(2.0, -0.0)).im < 0.0);
    assert!(c64::acos(at(2.0, 0.0)).im < 0.0 && c64::acos(at(2.0, -0.0)).im > 0.0);
    assert!(c64::atanh(at(2.0, 0.0)).im > 0.0 && c64::atanh(at(2.0, -0.0)).im < 0.0);
    assert!(c64::atan(at(0.0, 2.0)).re > 0.0 && c64::atan(at(-0.0, 2.0)).re < 0.0);
    assert!(c64::acosh(at(0.5, 0.0)).im > 0.0 && c64::acosh(at(0.5, -0.0)).im < 0.0);
}

#[test]
fn large_numbers_do_not_overflow_early() {
    let big = C::new(1e300, 1e300);
    assert_eq!(c64::div(big, big), C::new(1.0, 0.0));
    assert_eq!(c64::abs(C::new(3e300, 4e300)), 5e300);
    assert!(c64::exp(C::new(710.0, core::f64::consts::FRAC_PI_2)).re.is_finite());
    assert!(c64::sinh(C::new(710.0, 1.0)).re.is_finite() && c64::cosh(C::new(-710.0, 1.0)).im.is_finite());
    let root = c64::sqrt(C::new(f64::MAX, f64::MAX));
    assert!(root.re.is_finite() && root.im.is_finite());
    let root = c64::sqrt(C::new(5e-324, 5e-324));
    assert!((root.re - 2.4421097e-162).abs() < 1e-168, "{root}");
    assert!((c64::log(big).re - 691.1224815) < 1e-6 && c64::asinh(big).re.is_finite());
    assert_eq!(c64::atanh(big).im, core::f64::consts::FRAC_PI_2);
    assert_eq!(c64::sigmoid(C::new(-1000.0, 1.0)).norm(), 0.0);
    assert_eq!(c32::div(Complex::new(1e38, 1e38), Complex::new(2e38, 2e38)), Complex::new(0.5, 0.0));
}

#[test]
fn infinities_and_nan() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    let at = |re: f64, im: f64| C::new(re, im);
    assert_eq!(c64::exp(at(-inf, inf)), at(0.0, 0.0));
    assert_eq!(c64::exp(at(-inf, nan)), at(0.0, 0.0));
    assert!(c64::exp(at(inf, nan)).re == inf && c64::exp(at(inf, nan)).im.is_nan());
    assert_eq!(c64::exp(at(1.0, 0.0)).im, 0.0);
    assert_eq!(c64::log(at(0.0, 0.0)), at(-inf, 0.0));
    assert_eq!(c64::log(at(inf, nan)).re, inf);
    assert_eq!(c64::sqrt(at(nan, inf)), at(inf, inf));
    assert_eq!(c64::sqrt(at(-inf, 1.0)), at(0.0, inf));
    assert_eq!(c64::tanh(at(inf, 1.0)).re, 1.0);
    assert_eq!(c64::asin(at(1.0, inf)), at(0.0, inf));
    assert_eq!(c64::acos(at(-inf, 1.0)), at(core::f64::consts::PI, -inf));
    assert_eq!(c64::atanh(at(1.0, 0.0)).re, inf);
    assert_eq!(c64::div(at(1.0, 1.0), at(inf, 0.0)), at(0.0, 0.0));
    assert_eq!(c64::div(at(1.0, -1.0), at(0.0, 0.0)), at(inf, -inf));
    assert_eq!(c64::sgn(at(0.0, 0.0)), at(0.0, 0.0));
    assert_eq!(c64::sgn(at(3.0, -4.0)), at(0.6, -0.8));
    assert!(c64::is_nan(at(0.0, nan)) && !c64::is_nan(at(inf, 0.0)) && c64::is_inf(at(nan, -inf)));
}
