//! Powers and the hypotenuse.

use super::super::step::{MulAdd, fast_two_sum, poly, two_prod, two_sum};
use super::exp::shifted;
use super::log::split;
use super::trunc;

const LN2_HI: f64 = 6.93147180369123816490e-01;
const LN2_LO: f64 = 1.90821492927058770002e-10;
/// Two thirds, less its double.
const TWO_THIRDS_LO: f64 = 3.700743415417188e-17;

/// The logarithm of a positive number in two parts, to about 65 bits.
#[inline(always)]
fn log_parts<L: MulAdd>(x: f64) -> (f64, f64) {
    let (k, m) = split(x);
    // s = (m - 1) / (m + 1), with what the division and the denominator's rounding lost.
    let num = m - 1.0;
    let den = m + 1.0;
    let den_low = m - (den - 1.0);
    let s = num / den;
    let (back, back_low) = two_prod::<L>(s, den);
    let s_low = ((num - back) - back_low - s * den_low) / den;
    // log m = 2 s + 2/3 s^3 + s^5 T(s^2)
    let (z, z_low) = two_prod::<L>(s, s);
    let z_low = L::madd(2.0 * s, s_low, z_low);
    let (cube, cube_low) = two_prod::<L>(z, s);
    let cube_low = cube_low + (z * s_low + z_low * s);
    let (c, c_low) = two_prod::<L>(cube, 2.0 / 3.0);
    let c_low = c_low + (cube * TWO_THIRDS_LO + cube_low * (2.0 / 3.0));
    let t = cube
        * z
        * poly!(L::madd, z; 0.4, 0.2857142857142837, 0.22222222222291727, 0.1818181816907042,
        0.15384616769944454, 0.1333323951770625, 0.1176870357994057, 0.10422377545677668, 0.1101722214217016);
    let (h, lost0) = two_sum(k * LN2_HI, 2.0 * s);
    let (h, lost1) = two_sum(h, c);
    fast_two_sum(h, lost0 + lost1 + (L::madd(k, LN2_LO, 2.0 * s_low) + (c_low + t)))
}

#[inline(always)]
pub(in crate::math) fn pow<L: MulAdd>(x: f64, y: f64) -> f64 {
    let a = x.abs();
    let (h, l) = log_parts::<L>(a);
    let (p, p_low) = two_prod::<L>(y, h);
    let far = p.abs() >= 800.0;
    let p_low = if far { 0.0 } else { L::madd(y, l, p_low) };
    let r = shifted::<L>(p, p_low, 0);
    special::<L>(x, y, r)
}

/// C's rules on top of `r = |x|^y` of ordinary numbers.
#[inline(always)]
pub(in crate::math) fn special<L: MulAdd>(x: f64, y: f64, r: f64) -> f64 {
    let a = x.abs();
    let r = if (a == 0.0) & (y > 0.0) | (a == f64::INFINITY) & (y < 0.0) { 0.0 } else { r };
    let r = if (a == 0.0) & (y < 0.0) | (a == f64::INFINITY) & (y > 0.0) { f64::INFINITY } else { r };
    let r = if a == 1.0 { 1.0 } else { r };
    let whole = trunc::<L>(y) == y;
    let odd = whole & (trunc::<L>(0.5 * y) != 0.5 * y);
    let negative = x.to_bits() >> 63 != 0;
    let r = if negative & odd { -r } else { r };
    let r = if (x < 0.0) & !whole & (a < f64::INFINITY) { f64::NAN } else { r };
    let r = if x.is_nan() | y.is_nan() { f64::NAN } else { r };
    if (y == 0.0) | (x == 1.0) { 1.0 } else { r }
}

#[inline(always)]
pub(in crate::math) fn hypot<L: MulAdd>(x: f64, y: f64) -> f64 {
    let (ax, ay) = (x.abs(), y.abs());
    let (a, b) = if ax > ay { (ax, ay) } else { (ay, ax) };
    // Powers of two keep the squares in range.
    let (s, back) = if a < 1e-140 {
        (f64::from_bits((1023 + 600) << 52), f64::from_bits((1023 - 600) << 52))
    } else if a > 1e150 {
        (f64::from_bits((1023 - 560) << 52), f64::from_bits((1023 + 560) << 52))
    } else {
        (1.0, 1.0)
    };
    let (u, v) = (a * s, b * s);
    let (p, p_low) = two_prod::<L>(u, u);
    let r = (p + L::madd(v, v, p_low)).sqrt() * back;
    if (ax == f64::INFINITY) | (ay == f64::INFINITY) { f64::INFINITY } else { r }
}
