//! Hyperbolic functions and their inverses.

use super::super::step::{MulAdd, poly};
use super::copysign;
use super::exp::{expm1, shifted};
use super::log::log1p;
use core::f64::consts::LN_2;

#[inline(always)]
pub(in crate::math) fn sinh<L: MulAdd>(x: f64) -> f64 {
    let a = x.abs();
    let z = x * x;
    let near = x + x
        * z
        * poly!(L::madd, z; 0.16666666666666669, 0.008333333333333146, 0.00019841269841432686,
        2.7557319156803097e-06, 2.5052123181165426e-08, 1.605725618322787e-10, 7.758861131357114e-13);
    let half = shifted::<L>(a, 0.0, -1);
    let far = copysign(half - 0.25 / half, x);
    if a < 1.0 { near } else { far }
}

#[inline(always)]
pub(in crate::math) fn cosh<L: MulAdd>(x: f64) -> f64 {
    let half = shifted::<L>(x.abs(), 0.0, -1);
    half + 0.25 / half
}

#[inline(always)]
pub(in crate::math) fn tanh<L: MulAdd>(x: f64) -> f64 {
    let a = x.abs();
    let a = if a > 22.0 { 22.0 } else { a };
    let t = expm1::<L>(2.0 * a);
    let far = a > 0.55;
    let q = (if far { 2.0 } else { t }) / (t + 2.0);
    copysign(if far { 1.0 - q } else { q }, x)
}

#[inline(always)]
pub(in crate::math) fn asinh<L: MulAdd>(x: f64) -> f64 {
    let a = x.abs();
    let huge = a > 1e100;
    let z = a * a;
    let u = if huge { a } else { a + z / (1.0 + (1.0 + z).sqrt()) };
    let y = log1p::<L>(u);
    copysign(if huge { y + LN_2 } else { y }, x)
}

#[inline(always)]
pub(in crate::math) fn acosh<L: MulAdd>(x: f64) -> f64 {
    let huge = x > 1e100;
    let t = x - 1.0;
    let u = if huge { x } else { t + (2.0 * t + t * t).sqrt() };
    let y = log1p::<L>(u);
    let y = if huge { y + LN_2 } else { y };
    if x < 1.0 { f64::NAN } else { y }
}

#[inline(always)]
pub(in crate::math) fn atanh<L: MulAdd>(x: f64) -> f64 {
    let a = x.abs();
    let t = 2.0 * a;
    let u = if a < 0.5 { t + t * a / (1.0 - a) } else { t / (1.0 - a) };
    let y = 0.5 * log1p::<L>(u);
    // Halving is inexact below the normal range, where the function is its argument.
    let y = if a < 1e-16 { a } else { y };
    copysign(if a > 1.0 { f64::NAN } else { y }, x)
}
