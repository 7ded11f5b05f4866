//! Exponentials: `x = n ln 2 + r`, a polynomial on `r`, then a scaling by `2^n`.

use super::super::step::{MulAdd, poly};

/// Adding this leaves the nearest integer in the low bits.
const MAGIC: f64 = 6755399441055744.0;
const LN2_HI: f64 = 6.93147180369123816490e-01;
const LN2_LO: f64 = 1.90821492927058770002e-10;

/// The nearest integer (of size below 2^51), as a number and as two's complement bits.
#[inline(always)]
pub(in crate::math) fn nearest(x: f64) -> (f64, u64) {
    let m = x + MAGIC;
    (m - MAGIC, m.to_bits().wrapping_sub(MAGIC.to_bits()))
}

/// `p * 2^n` for any `n` in -2046..=2046. Two factors, so that results below the normal range round once.
#[inline(always)]
pub(in crate::math) fn scale(p: f64, n: u64) -> f64 {
    let twice = n.wrapping_add(2046);
    let half = twice >> 1;
    let rest = twice.wrapping_sub(half);
    p * f64::from_bits(half << 52) * f64::from_bits(rest << 52)
}

/// `x` held to the range in which exponents are representable; nan stays.
#[inline(always)]
fn clamp(x: f64) -> f64 {
    let x = if x > 720.0 { 720.0 } else { x };
    if x < -760.0 { -760.0 } else { x }
}

/// `exp(x + lo)` as `p * 2^n` with `p` near one; `lo` is small.
#[inline(always)]
pub(in crate::math) fn parts<L: MulAdd>(x: f64, lo: f64) -> (f64, u64) {
    let (k, n) = nearest(x * core::f64::consts::LOG2_E);
    let head = L::madd(-k, LN2_HI, x);
    let tail = L::madd(-k, LN2_LO, lo);
    let r = head + tail;
    let lost = (head - r) + tail;
    (1.0 + (r + L::madd(r * r, quadratic::<L>(r), lost)), n)
}

/// `(exp(r) - 1 - r) / r^2` for `|r| <= ln 2 / 2`.
#[inline(always)]
fn quadratic<L: MulAdd>(r: f64) -> f64 {
    poly!(L::madd, r; 0.5, 0.16666666666666682, 0.041666666666666095, 0.008333333333317034, 0.0013888888889115629,
        0.00019841269896383773, 2.480158692663994e-05, 2.75572348617784e-06, 2.755758183721049e-07,
        2.5112036929269978e-08, 2.0826631553851436e-09)
}

/// `exp(x + lo) * 2^shift`, for results that would overflow before a later halving.
#[inline(always)]
pub(in crate::math) fn shifted<L: MulAdd>(x: f64, lo: f64, shift: i64) -> f64 {
    let (p, n) = parts::<L>(clamp(x), lo);
    scale(p, n.wrapping_add(shift as u64))
}

#[inline(always)]
pub(in crate::math) fn exp<L: MulAdd>(x: f64) -> f64 {
    shifted::<L>(x, 0.0, 0)
}

#[inline(always)]
pub(in crate::math) fn exp2<L: MulAdd>(x: f64) -> f64 {
    let x = if x > 1030.0 { 1030.0 } else { x };
    let x = if x < -1080.0 { -1080.0 } else { x };
    let (k, n) = nearest(x);
    let r = (x - k) * core::f64::consts::LN_2;
    scale(1.0 + (r + r * r * quadratic::<L>(r)), n)
}

#[inline(always)]
pub(in crate::math) fn expm1<L: MulAdd>(x: f64) -> f64 {
    let c = if x > 720.0 { 720.0 } else { x };
    let c = if c < -40.0 { -40.0 } else { c };
    let (k, n) = nearest(c * core::f64::consts::LOG2_E);
    let head = L::madd(-k, LN2_HI, c);
    let tail = -k * LN2_LO;
    let r = head + tail;
    let lost = (head - r) + tail;
    let q = poly!(L::madd, r; 0.5, 0.1666666666666667, 0.04166666666665229, 0.008333333333326153,
        0.0013888888895596974, 0.00019841269874764695, 2.4801574538340523e-05, 2.7557255462209704e-06,
        2.7567927007525024e-07, 2.5105194084345557e-08, 1.7687774163381186e-09);
    let p = r + L::madd(r * r, q, lost);
    // Half of 2^n, so that the largest results do not overflow on the way.
    let half = f64::from_bits(n.wrapping_add(1022) << 52);
    let y = 2.0 * (p * half + (half - 0.5));
    let y = if x > 710.0 { f64::INFINITY } else { y };
    if x.abs() < 1e-16 { x } else { y }
}

#[inline(always)]
pub(in crate::math) fn sigmoid<L: MulAdd>(x: f64) -> f64 {
    let e = exp::<L>(-x.abs());
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}
