//! Powers and the hypotenuse, in double precision.

use super::super::double::exp::nearest;
use super::super::double::log::split;
use super::super::double::pow::special;
use super::super::step::{MulAdd, poly};

#[inline(always)]
pub(in crate::math) fn pow<L: MulAdd>(x: f32, y: f32) -> f32 {
    let (x, y) = (f64::from(x), f64::from(y));
    let (k, m) = split(x.abs());
    // The logarithm to base two, to 45 bits: y * log2(x) then has 37 bits below one.
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let q = poly!(L::madd, z; 0.666666666665862, 0.4000000005284337, 0.2857141702700201, 0.22223379628175757,
        0.18123367742768284, 0.16823318770839574);
    let log = L::madd(L::madd(s * z, q, 2.0 * s), core::f64::consts::LOG2_E, k);
    let p = y * log;
    let p = if p > 200.0 { 200.0 } else { p };
    let p = if p < -200.0 { -200.0 } else { p };
    let (whole, n) = nearest(p);
    let r = (p - whole) * core::f64::consts::LN_2;
    let e = poly!(L::madd, r; 1.0, 1.0, 0.500000006768387, 0.16666665868897457, 0.04166629494316218, 0.008333497083607923,
        0.0013944659865253897, 0.00019790337023044803);
    special::<L>(x, y, e * f64::from_bits(n.wrapping_add(1023) << 52)) as f32
}

#[inline(always)]
pub(in crate::math) fn hypot<L: MulAdd>(x: f32, y: f32) -> f32 {
    let (x, y) = (f64::from(x).abs(), f64::from(y).abs());
    let r = L::madd(x, x, y * y).sqrt();
    (if (x == f64::INFINITY) | (y == f64::INFINITY) { f64::INFINITY } else { r }) as f32
}
