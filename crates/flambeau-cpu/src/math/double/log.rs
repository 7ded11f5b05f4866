//! Logarithms: `x = 2^k m` with `m` around one, then the series of `log((1 + s) / (1 - s))`.

use super::super::step::{MulAdd, poly};

const LN2_HI: f64 = 6.93147180369123816490e-01;
const LN2_LO: f64 = 1.90821492927058770002e-10;

/// A positive number as `2^k * m` with `m` between `sqrt(1/2)` and `sqrt(2)`.
#[inline(always)]
pub(in crate::math) fn split(x: f64) -> (f64, f64) {
    // Factors, not two computed ways: the compiler would do everything twice.
    let tiny = x < f64::MIN_POSITIVE;
    let bits = (x * if tiny { 18014398509481984.0 } else { 1.0 }).to_bits();
    // 1024 more than the exponent, so that a logical shift serves (no processor before AVX-512 shifts signed 64 bits).
    let biased = bits.wrapping_sub(0x3FE6_A09E_667F_3BCD).wrapping_add(1024 << 52) >> 52;
    let m = f64::from_bits(bits.wrapping_sub(biased.wrapping_sub(1024) << 52));
    let k = f64::from_bits(biased | 0x4330_0000_0000_0000) - 4503599627371520.0;
    (k - if tiny { 54.0 } else { 0.0 }, m)
}

/// `log(1 + f) - f + f^2 / 2`, and `f^2 / 2`.
#[inline(always)]
fn series<L: MulAdd>(f: f64) -> (f64, f64) {
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z * poly!(L::madd, z; 6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
        2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01);
    let half_square = 0.5 * f * f;
    (s * (half_square + r), half_square)
}

/// The value at zero, below zero, at infinity and nan.
#[inline(always)]
fn ends(x: f64, y: f64) -> f64 {
    // Compared as integers, which is fewer instructions than the classes of floats.
    let bits = x.to_bits();
    let below = if bits << 1 == 0 { f64::NEG_INFINITY } else { f64::NAN };
    let end = if bits == f64::INFINITY.to_bits() { x } else { below };
    if bits.wrapping_sub(1) < f64::INFINITY.to_bits() - 1 { y } else { end }
}

#[inline(always)]
pub(in crate::math) fn log<L: MulAdd>(x: f64) -> f64 {
    let (k, m) = split(x);
    let f = m - 1.0;
    let (rest, half_square) = series::<L>(f);
    let tail = L::madd(k, LN2_LO, rest);
    ends(x, L::madd(k, LN2_HI, -((half_square - tail) - f)))
}

/// The heads of `log(m)`: 32 bits of `f - f^2 / 2`, and the rest.
#[inline(always)]
fn head_tail<L: MulAdd>(m: f64) -> (f64, f64) {
    let f = m - 1.0;
    let (rest, half_square) = series::<L>(f);
    let head = f64::from_bits((f - half_square).to_bits() & 0xFFFF_FFFF_0000_0000);
    (head, (f - head) - half_square + rest)
}

#[inline(always)]
pub(in crate::math) fn log2<L: MulAdd>(x: f64) -> f64 {
    const HI: f64 = 1.44269504072144627571e+00;
    const LO: f64 = 1.67517131648865118353e-10;
    let (k, m) = split(x);
    let (head, tail) = head_tail::<L>(m);
    let top = head * HI;
    let low = (tail + head) * LO + tail * HI;
    let sum = k + top;
    ends(x, ((k - sum) + top + low) + sum)
}

#[inline(always)]
pub(in crate::math) fn log10<L: MulAdd>(x: f64) -> f64 {
    const HI: f64 = 4.34294481878168880939e-01;
    const LO: f64 = 2.50829467116452752298e-11;
    const LOG10_2_HI: f64 = 3.01029995663611771306e-01;
    const LOG10_2_LO: f64 = 3.69423907715893078616e-13;
    let (k, m) = split(x);
    let (head, tail) = head_tail::<L>(m);
    let top = head * HI;
    let whole = k * LOG10_2_HI;
    let low = k * LOG10_2_LO + (tail + head) * LO + tail * HI;
    let sum = whole + top;
    ends(x, (low + ((whole - sum) + top)) + sum)
}

#[inline(always)]
pub(in crate::math) fn log1p<L: MulAdd>(x: f64) -> f64 {
    let u = 1.0 + x;
    let (k, m) = split(u);
    // What rounding 1 + x lost; where nothing was scaled, x itself is the exact argument.
    let lost = if k >= 2.0 { 1.0 - (u - x) } else { x - (u - 1.0) };
    let near = k == 0.0;
    let f = if near { x } else { m - 1.0 };
    let c = if near | (k >= 54.0) { 0.0 } else { lost / u };
    let (rest, half_square) = series::<L>(f);
    let tail = L::madd(k, LN2_LO, rest + c);
    let y = L::madd(k, LN2_HI, -((half_square - tail) - f));
    let y = ends(u, y);
    if x.abs() < 1e-16 { x } else { y }
}
