//! Inverse trigonometric functions.

use super::super::double::arc as double;
use super::super::step::MulAdd;

macro_rules! through_double {
    ($($f:ident)*) => {$(
        #[inline(always)]
        pub(in crate::math) fn $f<L: MulAdd>(x: f32) -> f32 {
            double::$f::<L>(f64::from(x)) as f32
        }
    )*};
}

through_double!(asin acos atan);

#[inline(always)]
pub(in crate::math) fn atan2<L: MulAdd>(y: f32, x: f32) -> f32 {
    double::atan2::<L>(f64::from(y), f64::from(x)) as f32
}
