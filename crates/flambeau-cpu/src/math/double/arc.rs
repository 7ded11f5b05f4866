//! Inverse trigonometric functions.

use super::super::step::{MulAdd, poly};
use super::copysign;
use core::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

const PI_2_LO: f64 = 6.12323399573676603587e-17;
const PI_LO: f64 = 1.2246467991473531772e-16;

/// `(asin(sqrt z) - sqrt z) / sqrt z` for `z <= 1/4`.
#[inline(always)]
fn excess<L: MulAdd>(z: f64) -> f64 {
    let p = z * poly!(L::madd, z; 1.66666666666666657415e-01, -3.25565818622400915405e-01, 2.01212532134862925881e-01,
        -4.00555345006794114027e-02, 7.91534994289814532176e-04, 3.47933107596021167570e-05);
    let q = poly!(L::madd, z; 1.0, -2.40339491173441421878e+00, 2.02094576023350569471e+00, -6.88283971605453293030e-01,
        7.70381505559019352791e-02);
    p / q
}

#[inline(always)]
pub(in crate::math) fn asin<L: MulAdd>(x: f64) -> f64 {
    let a = x.abs();
    let small = a < 0.5;
    let z = if small { x * x } else { (1.0 - a) * 0.5 };
    let s = z.sqrt();
    let r = excess::<L>(z);
    // Near one: pi/2 - 2 asin(s), with the root cut in two so that no bit of it is lost.
    let f = f64::from_bits(s.to_bits() & 0xFFFF_FFFF_0000_0000);
    let c = (z - f * f) / (s + f);
    let c = if z == 0.0 { 0.0 } else { c };
    let large = 0.5 * FRAC_PI_2 - (2.0 * s * r - (PI_2_LO - 2.0 * c) - (0.5 * FRAC_PI_2 - 2.0 * f));
    if small { x + x * r } else { copysign(large, x) }
}

#[inline(always)]
pub(in crate::math) fn acos<L: MulAdd>(x: f64) -> f64 {
    let a = x.abs();
    let small = a < 0.5;
    let z = if small { x * x } else { (1.0 - a) * 0.5 };
    let s = z.sqrt();
    let r = excess::<L>(z);
    let f = f64::from_bits(s.to_bits() & 0xFFFF_FFFF_0000_0000);
    let c = (z - f * f) / (s + f);
    let c = if z == 0.0 { 0.0 } else { c };
    let middle = FRAC_PI_2 - (x - (PI_2_LO - x * r));
    let positive = 2.0 * (f + (r * s + c));
    let negative = 2.0 * (FRAC_PI_2 - (s + (r * s - PI_2_LO)));
    let large = if x < 0.0 { negative } else { positive };
    if small { middle } else { large }
}

/// The inverse tangent of a number that is not negative, as a large part and what is to be taken off.
#[inline(always)]
pub(in crate::math) fn atan_parts<L: MulAdd>(a: f64) -> (f64, f64) {
    let (b0, b1, b2, b3) = (a < 0.4375, a < 0.6875, a < 1.1875, a < 2.4375);
    let num = if b3 { a - 1.5 } else { -1.0 };
    let den = if b3 { 1.0 + 1.5 * a } else { a };
    let hi = if b3 { 9.82793723247329054082e-01 } else { FRAC_PI_2 };
    let lo = if b3 { 1.39033110312309984516e-17 } else { PI_2_LO };
    let num = if b2 { a - 1.0 } else { num };
    let den = if b2 { a + 1.0 } else { den };
    let hi = if b2 { FRAC_PI_4 } else { hi };
    let lo = if b2 { 3.06161699786838301793e-17 } else { lo };
    let num = if b1 { 2.0 * a - 1.0 } else { num };
    let den = if b1 { 2.0 + a } else { den };
    let hi = if b1 { 4.63647609000806093515e-01 } else { hi };
    let lo = if b1 { 2.26987774529616870924e-17 } else { lo };
    let num = if b0 { a } else { num };
    let den = if b0 { 1.0 } else { den };
    let hi = if b0 { 0.0 } else { hi };
    let lo = if b0 { 0.0 } else { lo };
    let t = num / den;
    let z = t * t;
    let s = z
        * poly!(L::madd, z; 3.33333333333329318027e-01, -1.99999999998764832476e-01, 1.42857142725034663711e-01,
        -1.11111104054623557880e-01, 9.09088713343650656196e-02, -7.69187620504482999495e-02, 6.66107313738753120669e-02,
        -5.83357013379057348645e-02, 4.97687799461593236017e-02, -3.65315727442169155270e-02, 1.62858201153657823623e-02);
    (hi, (t * s - lo) - t)
}

#[inline(always)]
pub(in crate::math) fn atan<L: MulAdd>(x: f64) -> f64 {
    let (hi, off) = atan_parts::<L>(x.abs());
    copysign(hi - off, x)
}

#[inline(always)]
pub(in crate::math) fn atan2<L: MulAdd>(y: f64, x: f64) -> f64 {
    let (ay, ax) = (y.abs(), x.abs());
    // 0/0 and inf/inf have the angles of 0 and of the diagonal.
    let q = ay / ax;
    let q = if (ay == f64::INFINITY) & (ax == f64::INFINITY) { 1.0 } else { q };
    let q = if (ay == 0.0) & (ax == 0.0) { 0.0 } else { q };
    let (hi, off) = atan_parts::<L>(q);
    let z = hi - off;
    let behind = x.to_bits() >> 63 != 0;
    let angle = if behind { PI - (z - PI_LO) } else { z };
    copysign(if x.is_nan() | y.is_nan() { f64::NAN } else { angle }, y)
}
