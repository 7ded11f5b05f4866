//! The multiply-add that formulas are built from, fused or not, and error-free sums and products.

/// One instruction level's `a * b + c`.
pub trait MulAdd: Copy {
    /// Whether the processor's fused instruction is used, so that only the end result is rounded.
    const FUSED: bool;
    /// Whether functions with a costly part for rare arguments may leave it out, and give nan there. Who asks for that looks
    /// for nan among the results, and computes those again.
    const QUICK: bool = false;
    /// `a * b + c` in single precision.
    fn madd32(a: f32, b: f32, c: f32) -> f32;
    /// `a * b + c` in double precision.
    fn madd(a: f64, b: f64, c: f64) -> f64;
}

/// Fused multiply-add; only for code inside functions that enable the `fma` target feature (elsewhere it is a slow call).
#[derive(Clone, Copy, Debug)]
pub struct Fused;

/// [`Fused`], for common arguments only: elsewhere functions may give nan.
#[derive(Clone, Copy, Debug)]
pub struct Quick;

/// A product, rounded, then a sum.
#[derive(Clone, Copy, Debug)]
pub struct Separate;

impl MulAdd for Fused {
    const FUSED: bool = true;
    #[inline(always)]
    fn madd32(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
    #[inline(always)]
    fn madd(a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }
}

impl MulAdd for Quick {
    const FUSED: bool = true;
    const QUICK: bool = true;
    #[inline(always)]
    fn madd32(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
    #[inline(always)]
    fn madd(a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }
}

impl MulAdd for Separate {
    const FUSED: bool = false;
    #[inline(always)]
    fn madd32(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
    #[inline(always)]
    fn madd(a: f64, b: f64, c: f64) -> f64 {
        a * b + c
    }
}

/// A polynomial by Horner's rule, the constant term first: `poly!(L::madd, x; c0, c1, c2)`.
macro_rules! poly {
    ($madd:expr, $x:expr; $c:expr) => { $c };
    ($madd:expr, $x:expr; $c:expr, $($rest:expr),+) => { $madd(poly!($madd, $x; $($rest),+), $x, $c) };
}
pub(super) use poly;

/// `a + b` as a rounded sum and its exact error.
#[inline(always)]
pub(super) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let t = s - a;
    (s, (a - (s - t)) + (b - t))
}

/// [`two_sum`] for `|a| >= |b|`.
#[inline(always)]
pub(super) fn fast_two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    (s, b - (s - a))
}

/// `a * b` as a rounded product and its exact error (away from overflow and underflow).
#[inline(always)]
pub(super) fn two_prod<L: MulAdd>(a: f64, b: f64) -> (f64, f64) {
    let p = a * b;
    if L::FUSED {
        return (p, L::madd(a, b, -p));
    }
    // Without the fused instruction each factor is cut into halves of 26 bits, whose products are exact.
    let ((ah, al), (bh, bl)) = (halves(a), halves(b));
    (p, al * bl - (((p - ah * bh) - al * bh) - ah * bl))
}

/// `x` as two halves of 26 bits (away from overflow).
#[inline(always)]
pub(super) fn halves(x: f64) -> (f64, f64) {
    let c = 134217729.0 * x;
    let head = c - (c - x);
    (head, x - head)
}
