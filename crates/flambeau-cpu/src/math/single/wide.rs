//! Exponential and logarithm in double precision, as exact as single precision results need: to about 2^-33.

use super::super::double::exp::nearest;
use super::super::double::log::split;
use super::super::step::{MulAdd, poly};

/// `exp(x)` for `x` of size below 700.
#[inline(always)]
pub(super) fn exp<L: MulAdd>(x: f64) -> f64 {
    let (k, n) = nearest(x * core::f64::consts::LOG2_E);
    let r = L::madd(-k, core::f64::consts::LN_2, x);
    let p = poly!(L::madd, r; 0.9999999999590924, 0.999999999995457, 0.5000000108665882, 0.1666666678734872,
        0.041666215723245484, 0.008333283250448001, 0.001394875099529704, 0.00019907761037024112);
    p * f64::from_bits(n.wrapping_add(1023) << 52)
}

/// The logarithm of a normal positive number.
#[inline(always)]
pub(super) fn log<L: MulAdd>(x: f64) -> f64 {
    let (k, m) = split(x);
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let q = poly!(L::madd, z; 0.6666666655449709, 0.40000121839806124, 0.28550820815960665, 0.23330467216303835);
    L::madd(k, core::f64::consts::LN_2, L::madd(s * z, q, 2.0 * s))
}
