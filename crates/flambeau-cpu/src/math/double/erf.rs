//! The error function, its complement and its inverse. Four ranges share one rational function, whose coefficients are
//! selected by range, and one exponential.

use super::super::step::{MulAdd, poly, two_sum};
use super::copysign;
use super::exp::{exp, shifted};
use super::log::log;

const ERX: f64 = 8.45062911510467529297e-01;

/// The ranges of `|x|`: below 0.84375, below 1.25, below 1 / 0.35, beyond. One coefficient of each.
#[inline(always)]
fn pick(range: [bool; 3], c: [f64; 4]) -> f64 {
    let far = if range[2] { c[2] } else { c[3] };
    let middle = if range[1] { c[1] } else { far };
    if range[0] { c[0] } else { middle }
}

/// The rational function of the range of `a = |x|`, and `exp(-x^2) / |x|` times its part, that is `erfc(|x|)` from 1.25 on.
#[inline(always)]
fn ranges<L: MulAdd>(a: f64) -> ([bool; 3], f64, f64) {
    let a = if a > 30.0 { 30.0 } else { a };
    let range = [a < 0.84375, a < 1.25, a < 2.857142857142857];
    let square = a * a;
    let far = 1.0 / square;
    let s = if range[1] { a - 1.0 } else { far };
    let s = if range[0] { square } else { s };
    let p = |c| pick(range, c);
    #[rustfmt::skip]
    let num = poly!(L::madd, s;
        p([1.28379167095512558561e-01, -2.36211856075265944077e-03, -9.86494403484714822705e-03, -9.86494292470009928597e-03]),
        p([-3.25042107247001499370e-01, 4.14856118683748331666e-01, -6.93858572707181764372e-01, -7.99283237680523006574e-01]),
        p([-2.84817495755985104766e-02, -3.72207876035701323847e-01, -1.05586262253232909814e+01, -1.77579549177547519889e+01]),
        p([-5.77027029648944159157e-03, 3.18346619901161753674e-01, -6.23753324503260060396e+01, -1.60636384855821916062e+02]),
        p([-2.37630166566501626084e-05, -1.10894694282396677476e-01, -1.62396669462573470355e+02, -6.37566443368389627722e+02]),
        p([0.0, 3.54783043256182359371e-02, -1.84605092906711035994e+02, -1.02509513161107724954e+03]),
        p([0.0, -2.16637559486879084300e-03, -8.12874355063065934246e+01, -4.83519191608651397019e+02]),
        p([0.0, 0.0, -9.81432934416914548592e+00, 0.0]));
    #[rustfmt::skip]
    let den = poly!(L::madd, s;
        1.0,
        p([3.97917223959155352819e-01, 1.06420880400844228286e-01, 1.96512716674392571292e+01, 3.03380607434824582924e+01]),
        p([6.50222499887672944485e-02, 5.40397917702171048937e-01, 1.37657754143519042600e+02, 3.25792512996573918826e+02]),
        p([5.08130628187576562776e-03, 7.18286544141962662868e-02, 4.34565877475229228821e+02, 1.53672958608443695994e+03]),
        p([1.32494738004321644526e-04, 1.26171219808761642112e-01, 6.45387271733267880336e+02, 3.19985821950859553908e+03]),
        p([-3.96022827877536812320e-06, 1.36370839120290507362e-02, 4.29008140027567833386e+02, 2.55305040643316442583e+03]),
        p([0.0, 1.19844998467991074170e-02, 1.08635005541779435134e+02, 4.74528541206955367215e+02]),
        p([0.0, 0.0, 6.57024977031928170135e+00, -2.24409524465858183362e+01]),
        p([0.0, 0.0, -6.04244152148580987438e-02, 0.0]));
    let y = num / den;
    // exp(-a^2 - 0.5625 + y) with the square exact: a = z + rest, z of 21 bits.
    let z = f64::from_bits(a.to_bits() & 0xFFFF_FFFF_0000_0000);
    let (power, lost) = two_sum(-z * z - 0.5625, y);
    let tail = shifted::<L>(power, (z - a) * (z + a) + lost, 0) / a;
    (range, y, tail)
}

#[inline(always)]
pub(in crate::math) fn erf<L: MulAdd>(x: f64) -> f64 {
    let (range, y, tail) = ranges::<L>(x.abs());
    let far = if range[1] { ERX + y } else { 1.0 - tail };
    if range[0] { x + x * y } else { copysign(far, x) }
}

#[inline(always)]
pub(in crate::math) fn erfc<L: MulAdd>(x: f64) -> f64 {
    let (range, y, tail) = ranges::<L>(x.abs());
    let near = if x < 0.25 { 1.0 - (x + x * y) } else { 0.5 - (x - 0.5 + x * y) };
    let middle = if x < 0.0 { 1.0 + (ERX + y) } else { 1.0 - ERX - y };
    let far = if x < 0.0 { 2.0 - tail } else { tail };
    let far = if range[1] { middle } else { far };
    if range[0] { near } else { far }
}

/// Half of the derivative of `erf` at zero, doubled: `2 / sqrt(pi)`.
const SLOPE: f64 = core::f64::consts::FRAC_2_SQRT_PI;

#[inline(always)]
pub(in crate::math) fn erfinv<L: MulAdd>(x: f64) -> f64 {
    let a = x.abs();
    let w = -log::<L>((1.0 - a) * (1.0 + a));
    let t = w - 2.5;
    let centre = poly!(L::madd, t; 1.50140941, 0.246640727, -0.00417768164, -0.00125372503, 0.00021858087, -4.39150654e-06,
        -3.5233877e-06, 3.43273939e-07, 2.81022636e-08);
    let s = w.sqrt();
    let outer = poly!(L::madd, s; -5.772087526393652, 22.987444536308473, -35.07131710714721, 31.82001774250271, -18.732492431129632,
        7.6292832109002795, -2.219146527035386, 0.46643436698675644, -0.07050341979992689, 0.007488275848258647,
        -0.0005312117679015456, 2.262166525204703e-05, -4.3768301139414916e-07);
    let z = a * if w < 5.0 { centre } else { outer };
    // One step of Halley's method on erf, and beyond 1/2 on erfc, whose argument 1 - a is exact.
    let (range, y, tail) = ranges::<L>(z);
    let near = if range[0] { z + z * y } else { ERX + y };
    let over = near - a;
    let rest = if range[0] { 0.5 - (z - 0.5 + z * y) } else { 1.0 - ERX - y };
    let rest = if range[1] { rest } else { tail };
    let over = if a < 0.5 { over } else { (1.0 - a) - rest };
    let u = over / (SLOPE * exp::<L>(-z * z));
    let r = z - u / (1.0 + z * u);
    let r = if a == 1.0 { f64::INFINITY } else { r };
    copysign(if a > 1.0 { f64::NAN } else { r }, x)
}
