//! Hyperbolic functions and their inverses.

use super::super::double::hyper as double;
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

macro_rules! through_double {
    ($($f:ident)*) => {$(
        #[inline(always)]
        pub(in crate::math) fn $f<L: MulAdd>(x: f32) -> f32 {
            double::$f::<L>(f64::from(x)) as f32
        }
    )*};
}

through_double!(sinh cosh asinh acosh atanh);
