use super::super::{fma, plain, quick};
use super::{by_name, distance, has_fma, rows};

fn plain_value(name: &str, a: &[f64]) -> f64 {
    match *a {
        [x] => {
            by_name!(plain::f64, name, (x); exp exp2 expm1 sigmoid log log2 log10 log1p sin cos tan asin acos atan sinh cosh
            tanh asinh acosh atanh erf erfc erfinv lgamma digamma rsqrt)
        }
        [x, y] => by_name!(plain::f64, name, (x, y); pow atan2 hypot),
        _ => panic!("one or two arguments"),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn fma_value(name: &str, a: &[f64]) -> f64 {
    match *a {
        [x] => {
            by_name!(fma::f64, name, (x); exp exp2 expm1 sigmoid log log2 log10 log1p sin cos tan asin acos atan sinh cosh
            tanh asinh acosh atanh erf erfc erfinv lgamma digamma rsqrt)
        }
        [x, y] => by_name!(fma::f64, name, (x, y); pow atan2 hypot),
        _ => panic!("one or two arguments"),
    }
}

/// The largest distance to the correctly rounded value that a function may have.
fn bound(name: &str) -> u64 {
    match name {
        "sigmoid" | "tan" | "erf" | "erfc" | "erfinv" | "lgamma" | "digamma" => 2,
        _ => 1,
    }
}

fn check(value: impl Fn(&str, &[f64]) -> f64) {
    let mut seen = 0;
    for (name, numbers) in rows(include_str!("double.txt")) {
        let (want, arguments) = numbers.split_last().expect("a value");
        let got = value(name, arguments);
        assert!(distance(got, *want) <= bound(name), "{name}{arguments:?}: {got:e}, not {want:e}");
        seen += 1;
    }
    assert!(seen > 2000, "{seen} values");
}

#[test]
fn plain_is_within_bounds() {
    check(plain_value);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn fma_is_within_bounds() {
    if has_fma() {
        // SAFETY: the processor has the features.
        check(|name, a| unsafe { fma_value(name, a) });
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn quick_value(name: &str, x: f64) -> f64 {
    by_name!(quick::f64, name, (x); sin cos tan)
}

#[test]
#[cfg(target_arch = "x86_64")]
fn quick_is_within_bounds() {
    if !has_fma() {
        return;
    }
    let mut seen = 0;
    for (name, numbers) in rows(include_str!("double.txt")).filter(|(name, _)| matches!(*name, "sin" | "cos" | "tan")) {
        // SAFETY: the processor has the features.
        let got = unsafe { quick_value(name, numbers[0]) };
        let missed = got.is_nan() && numbers[0].abs() >= 1e6;
        assert!(
            missed || distance(got, numbers[1]) <= bound(name),
            "{name}({:e}) = {got:e}, not {:e}",
            numbers[0],
            numbers[1]
        );
        seen += usize::from(!missed);
    }
    assert!(seen > 100, "{seen} values");
}

#[test]
fn gamma_reflects() {
    // lgamma(-1/2) = log(2 sqrt(pi)), digamma(-1/2) = digamma(1/2) + 2.
    let lgamma = plain::f64::lgamma(-0.5);
    assert!((lgamma - 1.2655121234846454).abs() < 4e-16, "{lgamma}");
    let digamma = plain::f64::digamma(-0.5);
    assert!((digamma - 0.03648997397857652).abs() < 1e-15, "{digamma}");
}
