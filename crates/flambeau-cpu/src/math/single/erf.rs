//! The error function, its complement and its inverse.

use super::super::double::erf as double;
use super::super::step::{MulAdd, poly};
use super::copysign;
use super::exp::exp;

#[inline(always)]
pub(in crate::math) fn erf<L: MulAdd>(x: f32) -> f32 {
    let a = x.abs();
    let z = x * x;
    let near = L::madd32(
        poly!(L::madd32, z; 1.28379166e-1, -3.76125336e-1, 1.12819925e-1, -2.67681349e-2, 4.99119423e-3, -5.96761703e-4),
        x,
        x,
    );
    // erf is one, rounded, from 3.92 on.
    let t = if a > 4.0 { 4.0 } else { a };
    let p = poly!(L::madd32, t; -1.28717512e-1, -6.34846687e-1, -1.06777877e-1, 2.42546219e-2, -3.88396438e-3,
        3.83197126e-4, -1.72853470e-5);
    let far = copysign(1.0 - exp::<L>(L::madd32(p, t, -t)), x);
    if a > 0.927734375 {
        far
    } else if x.is_nan() {
        x
    } else {
        near
    }
}

#[inline(always)]
pub(in crate::math) fn erfc<L: MulAdd>(x: f32) -> f32 {
    double::erfc::<L>(f64::from(x)) as f32
}

#[inline(always)]
pub(in crate::math) fn erfinv<L: MulAdd>(x: f32) -> f32 {
    double::erfinv::<L>(f64::from(x)) as f32
}
