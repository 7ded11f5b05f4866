//! Sine, cosine and tangent of angles of any size.
//!
//! The angle is counted in quarter turns. From 2^20 on, where an angle is an integer of 53 bits times a power of two, a table
//! has that power's quarter turns, less whole turns, to 159 bits; before, it has `2 / pi`. There is no branch, and what
//! remains is exact to about 2^-100 of a turn.

use super::super::step::{MulAdd, fast_two_sum, poly, two_prod, two_sum};
use super::super::turns::{DOUBLE, DOUBLE_FROM};
use super::exp::nearest;
use super::round;

/// The angle less quarter turns, in two parts, and the number of quarter turns.
#[inline(always)]
fn reduce<L: MulAdd>(x: f64) -> (f64, f64, u64) {
    let exponent = (x.to_bits() >> 52) & 0x7FF;
    let large = exponent >= DOUBLE_FROM;
    let entry = if large { exponent - (DOUBLE_FROM - 1) } else { 0 };
    let unit = if large { 2098 - exponent } else { 1023 };
    let [t0, t1, t2] = DOUBLE[(entry & 1023) as usize];
    let x = x * f64::from_bits(unit << 52);
    let (p, p_low) = two_prod::<L>(x, t0);
    let (q, q_low) = two_prod::<L>(x, t1);
    let (s, lost0) = two_sum(p - 4.0 * round::<L>(0.25 * p), p_low);
    let (s, lost1) = two_sum(s, q);
    let (whole, n) = nearest(s);
    let (f, lost0) = two_sum(s - whole, lost0);
    let (f, lost1) = two_sum(f, lost1);
    let (f, f_low) = fast_two_sum(f, lost0 + lost1 + L::madd(x, t2, q_low));
    let (r, r_low) = two_prod::<L>(f, core::f64::consts::FRAC_PI_2);
    (r, r_low + (f * 6.123233995736766e-17 + f_low * core::f64::consts::FRAC_PI_2), n)
}

/// From here on angles are not reduced by [`reduce_quick`].
const QUICK_END: f64 = 1048576.0;

/// [`reduce`] for angles below [`QUICK_END`], by a quarter turn in three parts. The first subtraction is exact, and so is the
/// product with the second part.
#[inline(always)]
fn reduce_quick<L: MulAdd>(x: f64) -> (f64, f64, u64) {
    let (whole, n) = nearest(x * core::f64::consts::FRAC_2_PI);
    let head = L::madd(-whole, core::f64::consts::FRAC_PI_2, x);
    let (p, p_low) = two_prod::<L>(whole, 6.123233995736766e-17);
    let (r, lost) = two_sum(head, -p);
    (r, lost - L::madd(whole, -1.4973849048591698e-33, p_low), n)
}

/// [`reduce`], or the quick one, whose results are to be checked by [`within`].
#[inline(always)]
fn reduced<L: MulAdd>(x: f64) -> (f64, f64, u64) {
    if L::QUICK { reduce_quick::<L>(x) } else { reduce::<L>(x) }
}

/// The value, or nan where the quick reduction does not hold.
#[inline(always)]
fn within<L: MulAdd>(x: f64, y: f64) -> f64 {
    if !L::QUICK | (x.abs() < QUICK_END) { y } else { f64::NAN }
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
    let (r, low, n) = reduced::<L>(x);
    let y = turned::<L>(r, low, n);
    let y = within::<L>(x, y);
    if x.abs() < 1e-9 { x } else { y }
}

#[inline(always)]
pub(in crate::math) fn cos<L: MulAdd>(x: f64) -> f64 {
    let (r, low, n) = reduced::<L>(x);
    within::<L>(x, turned::<L>(r, low, n.wrapping_add(1)))
}

#[inline(always)]
pub(in crate::math) fn tan<L: MulAdd>(x: f64) -> f64 {
    let (r, low, n) = reduced::<L>(x);
    let (s, c) = (sine::<L>(r, low), cosine::<L>(r, low));
    let y = if n & 1 == 0 { s / c } else { -c / s };
    let y = within::<L>(x, y);
    if x.abs() < 1e-9 { x } else { y }
}
