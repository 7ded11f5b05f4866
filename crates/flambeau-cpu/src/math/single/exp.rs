//! Exponentials: `x = n ln 2 + r`, a polynomial on `r`, then a scaling by `2^n`.

use super::super::step::{MulAdd, poly};

/// Adding this leaves the nearest integer in the low bits.
const MAGIC: f32 = 12582912.0;
/// The natural logarithm of two in two parts, the first of 10 bits.
const LN2_HI: f32 = 0.693359375;
const LN2_LO: f32 = -2.12194440e-4;

/// The nearest integer (of size below 2^22), as a number and as two's complement bits.
#[inline(always)]
fn nearest(x: f32) -> (f32, u32) {
    let m = x + MAGIC;
    (m - MAGIC, m.to_bits().wrapping_sub(MAGIC.to_bits()))
}

/// `p * 2^n` for any `n` in -254..=254. Two factors, so that results below the normal range round once.
#[inline(always)]
fn scale(p: f32, n: u32) -> f32 {
    let twice = n.wrapping_add(254);
    let half = twice >> 1;
    let rest = twice.wrapping_sub(half);
    p * f32::from_bits(half << 23) * f32::from_bits(rest << 23)
}

/// `(exp(r) - 1 - r) / r^2` for `|r| <= ln 2 / 2`.
#[inline(always)]
fn quadratic<L: MulAdd>(r: f32) -> f32 {
    poly!(L::madd32, r; 0.5, 0.1666666567325592, 0.04166629537940025, 0.008333496749401093, 0.0013944660313427448,
        0.00019790336955338717)
}

#[inline(always)]
pub(in crate::math) fn exp<L: MulAdd>(x: f32) -> f32 {
    let x = if x > 90.0 { 90.0 } else { x };
    let x = if x < -105.0 { -105.0 } else { x };
    let (k, n) = nearest(x * core::f32::consts::LOG2_E);
    let r = L::madd32(-k, LN2_LO, L::madd32(-k, LN2_HI, x));
    scale(1.0 + L::madd32(r * r, quadratic::<L>(r), r), n)
}

#[inline(always)]
pub(in crate::math) fn exp2<L: MulAdd>(x: f32) -> f32 {
    let x = if x > 130.0 { 130.0 } else { x };
    let x = if x < -155.0 { -155.0 } else { x };
    let (k, n) = nearest(x);
    let r = (x - k) * core::f32::consts::LN_2;
    scale(1.0 + L::madd32(r * r, quadratic::<L>(r), r), n)
}

#[inline(always)]
pub(in crate::math) fn expm1<L: MulAdd>(x: f32) -> f32 {
    let c = if x > 90.0 { 90.0 } else { x };
    let c = if c < -20.0 { -20.0 } else { c };
    let (k, n) = nearest(c * core::f32::consts::LOG2_E);
    let head = L::madd32(-k, LN2_HI, c);
    let tail = -k * LN2_LO;
    let r = head + tail;
    let lost = (head - r) + tail;
    let q = poly!(L::madd32, r; 0.5, 0.1666666716337204, 0.04166632518172264, 0.008333220146596432,
        0.0013943207450211048, 0.00019962096121162176);
    let p = r + L::madd32(r * r, q, lost);
    // Half of 2^n, so that the largest results do not overflow on the way.
    let half = f32::from_bits(n.wrapping_add(126) << 23);
    let y = 2.0 * L::madd32(p, half, half - 0.5);
    let y = if x > 89.0 { f32::INFINITY } else { y };
    if x.abs() < 1e-8 { x } else { y }
}

#[inline(always)]
pub(in crate::math) fn sigmoid<L: MulAdd>(x: f32) -> f32 {
    let e = exp::<L>(-x.abs());
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}
