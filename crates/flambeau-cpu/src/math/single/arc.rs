//! Inverse trigonometric functions.

use super::super::double::arc as double;
use super::super::step::{MulAdd, poly};
use super::copysign;
use core::f32::consts::{FRAC_PI_2, FRAC_PI_4, PI};

/// The quarter turn less its single.
const PI_2_LO: f32 = -4.371139e-8;

/// For `a = |x|`: the inverse sine of `a` up to a half, else half of the inverse cosine; as an argument and its excess.
#[inline(always)]
fn asin_parts<L: MulAdd>(a: f32) -> (f32, f32) {
    let small = a < 0.5;
    let z = if small { a * a } else { (1.0 - a) * 0.5 };
    let s = if small { a } else { z.sqrt() };
    let p = poly!(L::madd32, z; 0.16666659712791443, 0.07500505447387695, 0.04451671242713928, 0.03180988132953644, 0.014429942704737186, 0.03752925246953964);
    (s, s * z * p)
}

#[inline(always)]
pub(in crate::math) fn asin<L: MulAdd>(x: f32) -> f32 {
    let a = x.abs();
    let (s, excess) = asin_parts::<L>(a);
    let large = (FRAC_PI_2 - 2.0 * s) - L::madd32(2.0, excess, -PI_2_LO);
    copysign(if a < 0.5 { s + excess } else { large }, x)
}

#[inline(always)]
pub(in crate::math) fn acos<L: MulAdd>(x: f32) -> f32 {
    let a = x.abs();
    let (s, excess) = asin_parts::<L>(a);
    let r = s + excess;
    let middle = FRAC_PI_2 - (copysign(r, x) - PI_2_LO);
    let negative = PI - L::madd32(2.0, r, -2.0 * PI_2_LO);
    let large = if x < 0.0 { negative } else { 2.0 * r };
    if a < 0.5 { middle } else { large }
}

#[inline(always)]
pub(in crate::math) fn atan<L: MulAdd>(x: f32) -> f32 {
    let a = x.abs();
    // Around zero, one and infinity.
    let (near, middle) = (a < 0.41421357, a < 2.4142136);
    let num = if middle { a - 1.0 } else { -1.0 };
    let den = if middle { a + 1.0 } else { a };
    let (hi, lo) = if middle { (FRAC_PI_4, 0.5 * PI_2_LO) } else { (FRAC_PI_2, PI_2_LO) };
    let t = if near { a } else { num } / if near { 1.0 } else { den };
    let (hi, lo) = if near { (0.0, 0.0) } else { (hi, lo) };
    let z = t * t;
    let p = poly!(L::madd32, z; -0.3333333134651184, 0.19999903440475464, -0.1428200751543045, 0.11044687032699585, -0.08476240932941437, 0.04743988811969757);
    copysign(hi + (L::madd32(t * z, p, lo) + t), x)
}

#[inline(always)]
pub(in crate::math) fn atan2<L: MulAdd>(y: f32, x: f32) -> f32 {
    double::atan2::<L>(f64::from(y), f64::from(x)) as f32
}
