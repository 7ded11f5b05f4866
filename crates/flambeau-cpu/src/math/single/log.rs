//! Logarithms: `x = 2^k m` with `m` around one, then a polynomial on `m - 1`.

use super::super::step::{MulAdd, poly};

const LN2_HI: f32 = 0.693359375;
const LN2_LO: f32 = -2.12194440e-4;

/// A positive number as `2^k * m` with `m` between `sqrt(1/2)` and `sqrt(2)`.
#[inline(always)]
fn split(x: f32) -> (f32, f32) {
    // Factors, not two computed ways: the compiler would do everything twice.
    let tiny = x < f32::MIN_POSITIVE;
    let bits = (x * if tiny { 16777216.0 } else { 1.0 }).to_bits();
    let k = (bits.wrapping_sub(0x3F35_04F3) as i32) >> 23;
    let m = f32::from_bits(bits.wrapping_sub((k as u32) << 23));
    (k as f32 - if tiny { 24.0 } else { 0.0 }, m)
}

/// `log(1 + f) - f`.
#[inline(always)]
fn series<L: MulAdd>(f: f32) -> f32 {
    let z = f * f;
    let q = poly!(L::madd32, f; 0.3333331346511841, -0.25000008940696716, 0.20002134144306183, -0.16668006777763367,
        0.14219224452972412, -0.12405136227607727, 0.11890324205160141, -0.11679652333259583, 0.06746596097946167);
    L::madd32(f * z, q, -0.5 * z)
}

/// The value at zero, below zero, at infinity and nan.
#[inline(always)]
fn ends(x: f32, y: f32) -> f32 {
    // Compared as integers, which is fewer instructions than the classes of floats.
    let bits = x.to_bits();
    let below = if bits << 1 == 0 { f32::NEG_INFINITY } else { f32::NAN };
    let end = if bits == f32::INFINITY.to_bits() { x } else { below };
    if bits.wrapping_sub(1) < f32::INFINITY.to_bits() - 1 { y } else { end }
}

#[inline(always)]
pub(in crate::math) fn log<L: MulAdd>(x: f32) -> f32 {
    let (k, m) = split(x);
    let f = m - 1.0;
    let y = L::madd32(k, LN2_LO, series::<L>(f));
    ends(x, L::madd32(k, LN2_HI, f + y))
}

#[inline(always)]
pub(in crate::math) fn log2<L: MulAdd>(x: f32) -> f32 {
    /// The part of `log2(e)` beyond one.
    const BEYOND: f32 = 0.44269504;
    let (k, m) = split(x);
    let f = m - 1.0;
    let y = series::<L>(f);
    let low = L::madd32(y, BEYOND, f * BEYOND) + y;
    ends(x, k + (low + f))
}

#[inline(always)]
pub(in crate::math) fn log10<L: MulAdd>(x: f32) -> f32 {
    const TWO_HI: f32 = 3.0078125e-1;
    const TWO_LO: f32 = 2.48745663981195213739e-4;
    const E_HI: f32 = 4.3359375e-1;
    const E_LO: f32 = 7.00731903251827651129e-4;
    let (k, m) = split(x);
    let f = m - 1.0;
    let y = series::<L>(f);
    let low = L::madd32(y, E_LO, L::madd32(f, E_LO, k * TWO_LO));
    ends(x, L::madd32(k, TWO_HI, L::madd32(f, E_HI, L::madd32(y, E_HI, low))))
}

#[inline(always)]
pub(in crate::math) fn log1p<L: MulAdd>(x: f32) -> f32 {
    let u = 1.0 + x;
    let (k, m) = split(u);
    // What rounding 1 + x lost; where nothing was scaled, x itself is the exact argument.
    let lost = if k >= 2.0 { 1.0 - (u - x) } else { x - (u - 1.0) };
    let near = k == 0.0;
    let f = if near { x } else { m - 1.0 };
    let c = if near | (k >= 25.0) { 0.0 } else { lost / u };
    let y = L::madd32(k, LN2_LO, series::<L>(f) + c);
    let y = ends(u, L::madd32(k, LN2_HI, f + y));
    if x.abs() < 1e-8 { x } else { y }
}
