//! Hyperbolic functions and their inverses.

use super::super::double::hyper as double;
use super::super::double::log::split;
use super::super::step::{MulAdd, poly};
use super::copysign;
use super::exp::exp;

#[inline(always)]
pub(in crate::math) fn tanh<L: MulAdd>(x: f32) -> f32 {
    let a = x.abs();
    let z = x * x;
    let near = L::madd32(
        x * z,
        poly!(L::madd32, z; -0.3333333134651184, 0.13333196938037872, -0.053945522755384445, 0.02169368416070938,
            -0.008159562014043331, 0.002126232720911503),
        x,
    );
    let far = copysign(1.0 - 2.0 / (1.0 + exp::<L>(2.0 * a)), x);
    if a > 0.625 {
        far
    } else if x.is_nan() {
        x
    } else {
        near
    }
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
