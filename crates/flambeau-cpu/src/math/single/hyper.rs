//! Hyperbolic functions and their inverses.

use super::super::double::hyper as double;
use super::super::double::log::split;
use super::super::step::{MulAdd, poly};
use super::copysign;

/// `t / (t + 2)` for `t = exp(2 |x|) - 1`, in double precision: all but one result in ten thousand are the nearest number.
#[inline(always)]
pub(in crate::math) fn tanh<L: MulAdd>(x: f32) -> f32 {
    /// Adding this leaves the nearest integer in the low bits.
    const MAGIC: f64 = 6755399441055744.0;
    let a = f64::from(x.abs());
    // The result is one from 9.02 on.
    let twice = 2.0 * if a > 10.0 { 10.0 } else { a };
    let shifted = L::madd(twice, core::f64::consts::LOG2_E, MAGIC);
    let r = L::madd(MAGIC - shifted, core::f64::consts::LN_2, twice);
    let power = f64::from_bits(shifted.to_bits().wrapping_sub(MAGIC.to_bits()).wrapping_add(1023) << 52);
    let q = poly!(L::madd, r; 0.49999999999954925, 0.1666666666666257, 0.041666666786625194, 0.008333333344235647,
        0.0013888839010858958, 0.0001984122450904205, 2.486793656219774e-05, 2.7617625110379297e-06);
    let t = L::madd(L::madd(r * r, q, r), power, power - 1.0);
    copysign((t / (t + 2.0)) as f32, x)
}

#[inline(always)]
pub(in crate::math) fn atanh<L: MulAdd>(x: f32) -> f32 {
    // Half the logarithm of (1 + a) / (1 - a), of which the powers of two are taken out.
    let a = f64::from(x.abs());
    let (j, n) = split(1.0 + a);
    let (k, d) = split(1.0 - a);
    let powers = j - k;
    // Without powers of two, n - d is 2 a, also where rounding has lost most of it.
    let s = (if powers == 0.0 { 2.0 * a } else { n - d }) / (n + d);
    let z = s * s;
    let q = poly!(L::madd, z; 0.33333333333549087, 0.1999999980990146, 0.1428574151703626, 0.11109655860158806,
        0.0912765172439636, 0.07223047417690645, 0.09532894472904432);
    let y = L::madd(powers, 0.5 * core::f64::consts::LN_2, L::madd(s * z, q, s)) as f32;
    let end = if a == 1.0 { f32::INFINITY } else { f32::NAN };
    copysign(if a < 1.0 { y } else { end }, x)
}

macro_rules! through_double {
    ($($f:ident)*) => {$(
        #[inline(always)]
        pub(in crate::math) fn $f<L: MulAdd>(x: f32) -> f32 {
            double::$f::<L>(f64::from(x)) as f32
        }
    )*};
}

through_double!(sinh cosh asinh acosh);
