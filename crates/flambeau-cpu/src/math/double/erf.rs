//! The error function, its complement and its inverse.

use super::super::step::{MulAdd, poly, two_sum};
use super::copysign;
use super::exp::shifted;
use super::log::log;

/// Below this `erf(x) / x - 1` is a polynomial in `x^2`; from it on `log((1 + 2 x) erfc(x)) + x^2` is one in
/// `(x - 1.5) / (x + 1.5)`.
const NEAR: f64 = 0.75;

/// `erf(a) / a - 1` below [`NEAR`].
#[inline(always)]
fn near<L: MulAdd>(a: f64) -> f64 {
    #[rustfmt::skip]
    let y = poly!(L::madd, a * a; 0.1283791670955126, -0.37612638903183715, 0.11283791670952596, -0.026866170644428485, 0.005223977615420539, -0.0008548326188759752, 0.00012055289567541706, -1.4924196305569617e-05, 1.643068417974155e-06, -1.5940066854661717e-07, 1.1472499701094691e-08);
    y
}

/// `log((1 + 2 a) erfc(a)) + a^2` from [`NEAR`] on. Two chains of half the length take less time than one.
#[inline(always)]
fn far<L: MulAdd>(a: f64) -> f64 {
    let t = (a - 1.5) / (a + 1.5);
    #[rustfmt::skip]
    let even = poly!(L::madd, t * t; 0.2518022715683379, -0.1851653808739309, 0.0014747340345632692, -0.008289206383560581, 0.0007455003845944508, -2.4980799778321547e-05, -0.00020142548925922488, 5.452741511679301e-05, -1.800174587088326e-05, 3.9538264044759324e-05, 7.744560809869315e-05, 2.4665669122541963e-06);
    #[rustfmt::skip]
    let odd = poly!(L::madd, t * t; -0.02640240533858313, 0.08381984648240809, 0.0019670841612743264, 6.386415189970189e-05, 0.0011426064385652664, -0.00022825002595866818, -5.150353547757017e-06, 5.02823120762877e-05, -1.0699567486999621e-06, -9.745926069214295e-05, -2.459953160615511e-05);
    L::madd(t, odd, even)
}

#[inline(always)]
pub(in crate::math) fn erf<L: MulAdd>(x: f64) -> f64 {
    let a = x.abs();
    let a = if a > 30.0 { 30.0 } else { a };
    // What is rounded away of the square is nothing beside the 1.
    let tail = shifted::<L>(L::madd(-a, a, far::<L>(a)), 0.0, 0) / (1.0 + 2.0 * a);
    if x.abs() < NEAR { x + x * near::<L>(a) } else { copysign(1.0 - tail, x) }
}

/// `erfc(a)` from [`NEAR`] on.
#[inline(always)]
fn complement<L: MulAdd>(a: f64) -> f64 {
    let a = if a > 30.0 { 30.0 } else { a };
    // exp(-a^2 + y) with the square exact: a = z + rest, z of 21 bits.
    let z = f64::from_bits(a.to_bits() & 0xFFFF_FFFF_0000_0000);
    let (power, lost) = two_sum(-z * z, far::<L>(a));
    shifted::<L>(power, (z - a) * (z + a) + lost, 0) / (1.0 + 2.0 * a)
}

#[inline(always)]
pub(in crate::math) fn erfc<L: MulAdd>(x: f64) -> f64 {
    let (y, tail) = (near::<L>(x.abs()), complement::<L>(x.abs()));
    let near = if x < 0.25 { 1.0 - (x + x * y) } else { 0.5 - (x - 0.5 + x * y) };
    let far = if x < 0.0 { 2.0 - tail } else { tail };
    if x.abs() < NEAR { near } else { far }
}

/// The derivative of `erfinv` at zero, half the root of pi.
const AT_ZERO: f64 = 0.886226925452758;

/// Wichura's rational functions, less what they are at one point: of `x^2` in the middle, where they give `erfinv(x) / x`, beyond it
/// of `sqrt(-log((1 - x) / 2))`.
#[inline(always)]
pub(in crate::math) fn erfinv<L: MulAdd>(x: f64) -> f64 {
    let a = x.abs();
    let s = (-log::<L>((1.0 - a) * 0.5)).sqrt();
    let (middle, outer) = (a <= 0.85, s <= 5.0);
    let r = s - if outer { 1.6 } else { 5.0 };
    let r = if middle { L::madd(-0.25 * a, a, 0.180625) } else { r };
    let p = |c: [f64; 3]| {
        let far = if outer { c[1] } else { c[2] };
        if middle { c[0] } else { far }
    };
    #[rustfmt::skip]
    let num = poly!(L::madd, r;
        p([0.4308725067326411, 1.207560678780505, 1.0395595947667062]),
        p([15.635937945977815, 2.392332340952824, 0.6174176751795285]),
        p([208.4467657675285, 1.8851522664574503, 0.13966902883108132]),
        p([1257.013421588575, 0.7492797299849006, 0.015056629671096671]),
        p([3409.9384089128685, 0.15566699755550073, 0.00079177209452992]),
        p([3579.348618453031, 0.015517019652824449, 1.8504366957048272e-05]),
        p([936.1916930614165, 0.0005476849743273475, 1.4215209899513306e-07]));
    #[rustfmt::skip]
    let den = poly!(L::madd, r;
        1.0,
        p([42.31333070160091, 2.053191626637759, 0.599832206555888]),
        p([687.1870074920579, 1.6763848301838038, 0.1369298809227358]),
        p([5394.196021424751, 0.6897673349851, 0.014875361290850615]),
        p([21213.794301586597, 0.14810397642748008, 0.0007868691311456133]),
        p([39307.89580009271, 0.015198666563616457, 1.8463183175100548e-05]),
        p([28729.085735721943, 0.0005475938084995345, 1.421511758316446e-07]),
        p([5226.495278852854, 1.0507500716444169e-09, 2.0442631033899397e-15]));
    let (base, by) = (p([AT_ZERO, 1.006522033603688, 4.707849521913034]), if middle { a * a } else { r });
    let y = L::madd(by, num / den, base);
    let y = if middle { y * a } else { y };
    let y = if a == 1.0 { f64::INFINITY } else { y };
    copysign(if a > 1.0 { f64::NAN } else { y }, x)
}
