//! The Box-Muller transformation of 16 uniform numbers, eight pairs, into 16 normal ones.
//!
//! The single-precision logarithm, sine and cosine are those of Cephes as PyTorch's AVX2 path evaluates them, including
//! where it fuses a multiplication with an addition: other polynomials would round differently, and near the zeros of sine
//! and cosine by much more than a unit in the last place.

// Cephes' coefficients keep their published digits.
#![allow(clippy::excessive_precision)]

use std::f64::consts::TAU;

/// Pairs handled in one loop, so that it vectorises at any width.
const PAIRS: usize = 256;

/// Turns uniform numbers, a multiple of 16 and at most 512 of them, into normal numbers.
pub(super) fn pairs_f32(values: &mut [f32], mean: f32, std: f32) {
    #[cfg(target_arch = "x86_64")]
    if super::fill::has_fma() {
        // SAFETY: the processor has AVX2 and FMA.
        return unsafe { pairs_avx2(values, mean, std) };
    }
    pairs_body(values, mean, std);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn pairs_avx2(values: &mut [f32], mean: f32, std: f32) {
    pairs_body(values, mean, std);
}

#[inline(always)]
fn pairs_body(values: &mut [f32], mean: f32, std: f32) {
    let (mut first, mut second) = ([0f32; PAIRS], [0f32; PAIRS]);
    let pairs = values.len() / 2;
    debug_assert!(values.len().is_multiple_of(16) && pairs <= PAIRS);
    for (i, group) in values.chunks_exact(16).enumerate() {
        first[i * 8..i * 8 + 8].copy_from_slice(&group[..8]);
        second[i * 8..i * 8 + 8].copy_from_slice(&group[8..]);
    }
    for (u1, u2) in first[..pairs].iter_mut().zip(&mut second[..pairs]) {
        let radius = (-2.0 * log(1.0 - *u1)).sqrt();
        let (sin, cos) = sin_cos(TAU as f32 * *u2);
        *u1 = (radius * cos).mul_add(std, mean);
        *u2 = (radius * sin).mul_add(std, mean);
    }
    for (i, group) in values.chunks_exact_mut(16).enumerate() {
        group[..8].copy_from_slice(&first[i * 8..i * 8 + 8]);
        group[8..].copy_from_slice(&second[i * 8..i * 8 + 8]);
    }
}

/// The logarithm of a number of (0, 1].
#[inline(always)]
fn log(x: f32) -> f32 {
    let bits = x.max(f32::MIN_POSITIVE).to_bits();
    let mut e = ((bits >> 23) as i32).wrapping_sub(0x7f) as f32 + 1.0;
    let mantissa = f32::from_bits((bits & !0x7f80_0000) | 0.5f32.to_bits());
    let low = mantissa < std::f32::consts::FRAC_1_SQRT_2;
    e -= if low { 1.0 } else { 0.0 };
    let x = (mantissa - 1.0) + if low { mantissa } else { 0.0 };
    let z = x * x;
    let mut y = 7.037_683_6e-2f32;
    y = y.mul_add(x, -1.151_461_03e-1);
    y = y.mul_add(x, 1.167_699_87e-1);
    y = y.mul_add(x, -1.242_014_08e-1);
    y = y.mul_add(x, 1.424_932_3e-1);
    y = y.mul_add(x, -1.666_805_77e-1);
    y = y.mul_add(x, 2.000_071_48e-1);
    y = y.mul_add(x, -2.499_999_4e-1);
    y = y.mul_add(x, 3.333_333_1e-1);
    y *= x;
    y = y.mul_add(z, e * -2.121_944_4e-4);
    y = z.mul_add(-0.5, y);
    e.mul_add(0.693_359_375, x + y)
}

/// Sine and cosine of a number of [0, 2 pi).
#[inline(always)]
fn sin_cos(x: f32) -> (f32, f32) {
    // Octants, rounded up to even; the arguments are below 8, so the conversion is exact.
    let scaled = x * (4.0 / std::f64::consts::PI) as f32;
    // SAFETY: 0 <= scaled < 9.
    let octant = (unsafe { scaled.to_int_unchecked::<i32>() }).wrapping_add(1) & !1;
    let y = octant as f32;
    let sin_sign = ((octant & 4) << 29) as u32;
    let cos_sign = ((!octant.wrapping_sub(2) & 4) << 29) as u32;
    let sin_is_sin = octant & 2 == 0;
    let x = y.mul_add(-0.785_156_25, x);
    let x = y.mul_add(-2.418_756_5e-4, x);
    let x = y.mul_add(-3.774_895e-8, x);
    let z = x * x;
    let mut c = 2.443_315_7e-5f32;
    c = c.mul_add(z, -1.388_731_6e-3);
    c = c.mul_add(z, 4.166_664_6e-2);
    c *= z;
    c = c.mul_add(z, -(z * 0.5));
    c += 1.0;
    let mut s = -1.951_529_6e-4f32;
    s = s.mul_add(z, 8.332_161e-3);
    s = s.mul_add(z, -1.666_665_5e-1);
    s *= z;
    s = s.mul_add(x, x);
    let (sin, cos) = if sin_is_sin { (s, c) } else { (c, s) };
    (f32::from_bits(sin.to_bits() ^ sin_sign), f32::from_bits(cos.to_bits() ^ cos_sign))
}

/// Turns 16 uniform numbers into normal numbers.
pub(super) fn pairs_f64(values: &mut [f64; 16], mean: f64, std: f64) {
    for j in 0..8 {
        let radius = (-2.0 * (1.0 - values[j]).ln()).sqrt();
        let (sin, cos) = (TAU * values[j + 8]).sin_cos();
        values[j] = (radius * cos).mul_add(std, mean);
        values[j + 8] = (radius * sin).mul_add(std, mean);
    }
}
