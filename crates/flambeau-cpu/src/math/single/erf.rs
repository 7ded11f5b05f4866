//! The error function, its complement and its inverse.

use super::super::step::{MulAdd, poly};
use super::exp::exp;
use super::{copysign, wide};

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
    // Below the exponential, a polynomial in (a - 3) / (a + 3).
    let a = f64::from(x.abs());
    let a = if a > 10.1 { 10.1 } else { a };
    let unit = 1.0 / (a + 3.0);
    let t = (a - 3.0) * unit;
    let p = poly!(L::madd, t; 1.0740069070942675, -0.8833944533305292, 0.5902283572351547, -0.3104672450903189,
        0.11952774510607019, -0.026827589721372194, -0.0012123424931429875, 0.0030369057259321598,
        -0.0005470690408114201, -0.0002863333722558565, 9.820227131864625e-05, 4.051607307839675e-05);
    let y = wide::exp::<L>(-a * a) * (p * unit);
    (if x < 0.0 { 2.0 - y } else { y }) as f32
}

#[inline(always)]
pub(in crate::math) fn erfinv<L: MulAdd>(x: f32) -> f32 {
    // x times a polynomial in -log(1 - x^2), which is at most 16.
    let a = f64::from(x.abs());
    let w = -wide::log::<L>((1.0 - a) * (1.0 + a));
    let t = L::madd(w, 1.0 / 8.5, -1.0);
    let p = poly!(L::madd, t; 2.748383549353591, 1.4575922317961294, -0.33964169989407883, 0.13934433393578605,
        -0.05008505626508162, -0.004478846285931393, 0.03657998112158067, -0.047821498319441415, 0.0413565354027727,
        -0.022503686600418796, 0.0017542874609794159, 0.00596332601989385, -0.005538408835898089, 0.01650312250053008,
        -0.021875253815513487, -0.0010351787964463118, 0.018543314077949256, -0.007036865887581676,
        -0.0043259691808583255, 0.00239742163049563);
    let end = if a == 1.0 { f32::INFINITY } else { f32::NAN };
    copysign(if a < 1.0 { (a * p) as f32 } else { end }, x)
}
