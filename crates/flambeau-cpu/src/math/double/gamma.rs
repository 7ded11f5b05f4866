//! The logarithm of the gamma function and its derivative. Scalar: the ranges differ too much for one formula.

// The level is part of every function's signature; these two have one scalar body for all.
#![allow(clippy::extra_unused_type_parameters)]

use super::super::step::{MulAdd, Separate, poly};
use core::f64::consts::PI;

#[inline(always)]
pub(in crate::math) fn lgamma<L: MulAdd>(x: f64) -> f64 {
    lgamma_by_range(x)
}

#[inline(always)]
pub(in crate::math) fn digamma<L: MulAdd>(x: f64) -> f64 {
    digamma_by_range(x)
}

/// Not inlined: one copy serves every formula and level.
#[inline(never)]
fn log(x: f64) -> f64 {
    super::log::log::<Separate>(x)
}

#[inline(never)]
fn lgamma_by_range(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x.is_infinite() {
        return f64::INFINITY;
    }
    let a = x.abs();
    if a < 1e-21 {
        return if a == 0.0 { f64::INFINITY } else { -log(a) };
    }
    if x > 0.0 {
        return lgamma_positive(x);
    }
    // Reflection: gamma(x) gamma(-x) = -pi / (x sin(pi x)).
    let s = sin_pi(a);
    if s == 0.0 { f64::INFINITY } else { log(PI / (s * a).abs()) - lgamma_positive(a) }
}

/// `sin(pi x)` for `x >= 0`, exact at the integers.
fn sin_pi(x: f64) -> f64 {
    let x = 2.0 * (0.5 * x - (0.5 * x).floor());
    let n = ((x * 4.0) as i32 + 1) / 2;
    let y = (x - 0.5 * f64::from(n)) * PI;
    match n {
        1 => y.cos(),
        2 => -y.sin(),
        3 => -y.cos(),
        _ => y.sin(),
    }
}

fn lgamma_positive(x: f64) -> f64 {
    let madd = Separate::madd;
    if x < 2.0 {
        // Below 0.9, lgamma(x) = lgamma(1 + x) - log x.
        let (near, shift) = if x <= 0.9 { (x + 1.0, -log(x)) } else { (x, 0.0) };
        let exact = |from: f64| if x <= 0.9 { x - (from - 1.0) } else { x - from };
        return shift
            + if near >= 1.7316 {
                around_two(-exact(2.0))
            } else if near >= 1.2316 {
                around_minimum(exact(1.46163214496836224576e+00))
            } else {
                around_one(exact(1.0))
            };
    }
    if x < 8.0 {
        let whole = x.floor();
        let y = x - whole;
        let p = y * poly!(madd, y; -7.72156649015328655494e-02, 2.14982415960608852501e-01, 3.25778796408930981787e-01,
            1.46350472652464452805e-01, 2.66422703033638609560e-02, 1.84028451407337715652e-03,
            3.19475326584100867617e-05);
        let q = poly!(madd, y; 1.0, 1.39200533467621045958e+00, 7.21935547567138069525e-01, 1.71933865632803078993e-01,
            1.86459191715652901344e-02, 7.77942496381893596434e-04, 7.32668430744625636189e-06);
        let mut z = 1.0;
        let mut k = 2.0;
        while k < whole {
            z *= y + k;
            k += 1.0;
        }
        return 0.5 * y + p / q + log(z);
    }
    if x < 1e17 {
        let z = 1.0 / x;
        let w = 4.18938533204672725052e-01
            + z * poly!(madd, z * z; 8.33333333333329678849e-02, -2.77777777728775536470e-03, 7.93650558643019558500e-04,
                -5.95187557450339963135e-04, 8.36339918996282139126e-04, -1.63092934096575273989e-03);
        return (x - 0.5) * (log(x) - 1.0) + w;
    }
    x * (log(x) - 1.0)
}

/// `lgamma(2 - y)`.
fn around_two(y: f64) -> f64 {
    let madd = Separate::madd;
    let z = y * y;
    let even = poly!(madd, z; 7.72156649015328655494e-02, 6.73523010531292681824e-02, 7.38555086081402883957e-03,
        1.19270763183362067845e-03, 2.20862790713908385557e-04, 2.52144565451257326939e-05);
    let odd = z * poly!(madd, z; 3.22467033424113591611e-01, 2.05808084325167332806e-02, 2.89051383673415629091e-03,
        5.10069792153511336608e-04, 1.08011567247583939954e-04, 4.48640949618915160150e-05);
    y * even + odd - 0.5 * y
}

/// `lgamma` at `y` from its minimum.
fn around_minimum(y: f64) -> f64 {
    let madd = Separate::madd;
    let z = y * y;
    let w = z * y;
    let p1 = poly!(madd, w; 4.83836122723810047042e-01, -3.27885410759859649565e-02, 6.10053870246291332635e-03,
        -1.40346469989232843813e-03, 3.15632070903625950361e-04);
    let p2 = poly!(madd, w; -1.47587722994593911752e-01, 1.79706750811820387126e-02, -3.68452016781138256760e-03,
        8.81081882437654011382e-04, -3.12754168375120860518e-04);
    let p3 = poly!(madd, w; 6.46249402391333854778e-02, -1.03142241298341437450e-02, 2.25964780900612472250e-03,
        -5.38595305356740546715e-04, 3.35529192635519073543e-04);
    z * p1 - (-3.63867699703950536541e-18 - w * (p2 + y * p3)) - 1.21486290535849611461e-01
}

/// `lgamma(1 + y)`.
fn around_one(y: f64) -> f64 {
    let madd = Separate::madd;
    let p = y * poly!(madd, y; -7.72156649015328655494e-02, 6.32827064025093366517e-01, 1.45492250137234768737e+00,
        9.77717527963372745603e-01, 2.28963728064692451092e-01, 1.33810918536787660377e-02);
    let q = poly!(madd, y; 1.0, 2.45597793713041134822e+00, 2.12848976379893395361e+00, 7.69285150456672783825e-01,
        1.04222645593369134254e-01, 3.21709242282423911810e-03);
    p / q - 0.5 * y
}

#[inline(never)]
fn digamma_by_range(x: f64) -> f64 {
    if x == 0.0 {
        return f64::INFINITY.copysign(-x);
    }
    if x < 0.0 {
        // Reflection; the poles at the negative integers have no sign, and -inf is one of them.
        let fraction = x - x.trunc();
        return if fraction == 0.0 || x.is_infinite() {
            f64::NAN
        } else {
            digamma_positive(1.0 - x) - PI / (PI * fraction).tan()
        };
    }
    digamma_positive(x)
}

/// Where digamma is zero, in two parts.
const ROOT_HI: f64 = 1.4616321449683622;
const ROOT_LO: f64 = 9.549995429965697e-17;

fn digamma_positive(x: f64) -> f64 {
    let madd = Separate::madd;
    if x >= 10.0 {
        let z = 1.0 / (x * x);
        let y = z * poly!(madd, z; 1.0 / 12.0, -1.0 / 120.0, 1.0 / 252.0, -1.0 / 240.0, 1.0 / 132.0, -691.0 / 32760.0,
            1.0 / 12.0);
        return if x.is_infinite() { x } else { log(x) - 0.5 / x - y };
    }
    // To [1, 2] by digamma(x + 1) = digamma(x) + 1 / x: downwards all terms have one sign.
    let (mut x, mut sum) = if x < 1.0 { (x + 1.0, -1.0 / x) } else { (x, 0.0) };
    while x > 2.0 {
        x -= 1.0;
        sum += 1.0 / x;
    }
    // Exact near the root: the difference to it is a factor.
    let from_root = (x - ROOT_HI) - ROOT_LO;
    let t = x - 1.5;
    sum + from_root
        * poly!(madd, t; 0.9510558760318328, -0.4236274212814606, 0.24054248424078722, -0.14840492305388028, 0.09498872445284975,
        -0.0619221332755427, 0.040760833943391965, -0.02697579665762507, 0.017907248235558615,
        -0.011908220153181671, 0.007927023327616287, -0.005279936635776105, 0.0035180887037330765,
        -0.0023454998363194274, 0.0015635034075110472, -0.0010364320240833574, 0.0006902820952621555,
        -0.0004860345836040116, 0.00032588090703501596, -0.00014465652033155213, 9.32948150180924e-05,
        -0.0001783332403461826, 0.00012117353054665325)
}
