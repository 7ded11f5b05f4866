//! The logarithm of the gamma function and its derivative.

use super::super::double::gamma as double;
use super::super::step::MulAdd;

#[inline(always)]
pub(in crate::math) fn lgamma<L: MulAdd>(x: f32) -> f32 {
    double::lgamma::<L>(f64::from(x)) as f32
}

#[inline(always)]
pub(in crate::math) fn digamma<L: MulAdd>(x: f32) -> f32 {
    double::digamma::<L>(f64::from(x)) as f32
}
