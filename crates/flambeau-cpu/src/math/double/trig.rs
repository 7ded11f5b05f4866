//! Sine, cosine and tangent of angles of any size.
//!
//! The angle is counted in quarter turns: `x = x' * 2^(16 j)`, and a table has `2^(16 j) * 2 / pi`, less whole turns, to 160
//! bits. The fraction of a quarter turn that remains is exact enough for the worst argument, and there is no branch.

use super::super::step::{MulAdd, fast_two_sum, poly, two_prod, two_sum};
use super::exp::nearest;
use super::super::turns::DOUBLE;

/// The angle less quarter turns, in two parts, and the number of quarter turns.
#[inline(always)]
fn reduce<L: MulAdd>(x: f64) -> (f64, f64, u64) {
    let exponent = (x.to_bits() >> 52) & 0x7FF;
    let above = if exponent > 1027 { exponent - 1027 } else { 0 };
    let j = above >> 4;
    let [t0, t1, t2] = DOUBLE[(j & 63) as usize];
    let x = x * f64::from_bits((1023 - (j << 4)) << 52);
    let (p, p_low) = two_prod::<L>(x, t0);
    let (whole, n) = nearest(p);
    let (q, q_low) = two_prod::<L>(x, t1);
    let (s, lost0) = two_sum(p - whole, p_low);
    let (s, lost1) = two_sum(s, q);
    let (f, f_low) = fast_two_sum(s, lost0 + lost1 + L::madd(x, t2, q_low));
    let (r, r_low) = two_prod::<L>(f, core::f64::consts::FRAC_PI_2);
    (r, r_low + (f * 6.123233995736766e-17 + f_low * core::f64::consts::FRAC_PI_2), n)
}

/// The sine of `r + low` for an eighth of a turn.
#[inline(always)]
fn sine<L: MulAdd>(r: f64, low: f64) -> f64 {
    let z = r * r;
    let v = z * r;
    let p = poly!(L::madd, z; 8.33333333332248946124e-03, -1.98412698298579493134e-04, 2.75573137070700676789e-06,
        -2.50507602534068634195e-08, 1.58969099521155010221e-10);
    r - (L::madd(z, 0.5 * low - v * p, -low) - v * -1.66666666666666324348e-01)
}

/// The cosine of `r + low` for an eighth of a turn.
#[inline(always)]
fn cosine<L: MulAdd>(r: f64, low: f64) -> f64 {
    let z = r * r;
    let p = z * poly!(L::madd, z; 4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05,
        -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11);
    let half = 0.5 * z;
    let w = 1.0 - half;
    w + (((1.0 - w) - half) + (z * p - r * low))
}

/// Sine for an even number of quarter turns, cosine for an odd one, with the sign of the half turn.
#[inline(always)]
fn turned<L: MulAdd>(r: f64, low: f64, n: u64) -> f64 {
    let v = if n & 1 == 0 { sine::<L>(r, low) } else { cosine::<L>(r, low) };
    f64::from_bits(v.to_bits() ^ ((n & 2) << 62))
}

#[inline(always)]
pub(in crate::math) fn sin<L: MulAdd>(x: f64) -> f64 {
    let (r, low, n) = reduce::<L>(x);
    let y = turned::<L>(r, low, n);
    if x.abs() < 1e-9 { x } else { y }
}

#[inline(always)]
pub(in crate::math) fn cos<L: MulAdd>(x: f64) -> f64 {
    let (r, low, n) = reduce::<L>(x);
    turned::<L>(r, low, n.wrapping_add(1))
}

#[inline(always)]
pub(in crate::math) fn tan<L: MulAdd>(x: f64) -> f64 {
    let (r, low, n) = reduce::<L>(x);
    let (s, c) = (sine::<L>(r, low), cosine::<L>(r, low));
    let y = if n & 1 == 0 { s / c } else { -c / s };
    if x.abs() < 1e-9 { x } else { y }
}
