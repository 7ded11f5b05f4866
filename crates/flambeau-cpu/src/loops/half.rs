//! Half precision to and from f32 without branches, so that loops over it vectorise.

/// An IEEE half as f32, exactly.
#[inline(always)]
pub(crate) fn f16_to_f32(h: u16) -> f32 {
    let h = h as u32;
    let (sign, exponent, bits) = ((h & 0x8000) << 16, h & 0x7c00, (h & 0x7fff) << 13);
    // Rebased by an integer addition. Subnormals get 2^-14 on top, which a subtraction takes away: arithmetic on
    // subnormal floats, the other way to normalise them, is slow.
    let (add, subtract) = match exponent {
        0x7c00 => (0x7000_0000, 0.0),
        0 => (0x3880_0000, f32::from_bits(0x3880_0000)),
        _ => (0x3800_0000, 0.0),
    };
    f32::from_bits((f32::from_bits(bits + add) - subtract).to_bits() | sign)
}

/// The IEEE half nearest to an f32, ties to even; NaNs keep the top of their payload and become quiet.
#[inline(always)]
pub(crate) fn f32_to_f16(x: f32) -> u16 {
    let bits = x.to_bits();
    let sign = bits & 0x8000_0000;
    let a = bits ^ sign;
    let infinite = if a > 0x7f80_0000 { 0x7e00 | a >> 13 & 0x3ff } else { 0x7c00 };
    // Adding 0.5 aligns the bits of a subnormal result at the end of the word, rounded by the addition.
    let small = (f32::from_bits(a) + 0.5).to_bits().wrapping_sub(0x3f00_0000);
    let normal = a.wrapping_add(0xc800_0fff).wrapping_add(a >> 13 & 1) >> 13;
    let r = if a >= 0x4780_0000 {
        infinite
    } else if a < 0x3880_0000 {
        small
    } else {
        normal
    };
    (r | sign >> 16) as u16
}

/// A bfloat16 as f32, exactly.
#[inline(always)]
pub(crate) fn bf16_to_f32(h: u16) -> f32 {
    f32::from_bits((h as u32) << 16)
}

/// The bfloat16 nearest to an f32, ties to even; every NaN becomes the one with all bits set, as in PyTorch's AVX2 path.
#[inline(always)]
pub(crate) fn f32_to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    if bits & 0x7fff_ffff > 0x7f80_0000 { 0xffff } else { rounded as u16 }
}

/// Loops over whole vectors with the processor's own instructions; the elements left over are converted one by one.
#[cfg(target_arch = "x86_64")]
pub(crate) mod vector {
    use std::arch::x86_64::*;

    use super::{f16_to_f32, f32_to_f16};

    /// The elements after the last whole vector.
    ///
    /// # Safety
    /// `n` elements to read and to write, as for all loops here.
    #[inline(always)]
    unsafe fn rest<S: Copy, D>(from: usize, n: usize, src: *const u8, dst: *mut u8, f: impl Fn(S) -> D) {
        for i in from..n {
            // SAFETY: the caller's promise.
            unsafe { dst.cast::<D>().add(i).write_unaligned(f(src.cast::<S>().add(i).read_unaligned())) }
        }
    }

    /// # Safety
    /// `n` elements to read and to write.
    #[target_feature(enable = "avx512f")]
    pub(crate) unsafe fn widen_avx512(n: usize, from: *const u8, to: *mut u8) {
        let whole = n & !15;
        // SAFETY: whole vectors within `n` elements.
        unsafe {
            for i in (0..whole).step_by(16) {
                let x = _mm256_loadu_si256(from.add(i * 2).cast());
                _mm512_storeu_ps(to.cast::<f32>().add(i), _mm512_cvtph_ps(x));
            }
            rest(whole, n, from, to, f16_to_f32)
        }
    }

    /// # Safety
    /// `n` elements to read and to write.
    #[target_feature(enable = "avx512f")]
    pub(crate) unsafe fn narrow_avx512(n: usize, from: *const u8, to: *mut u8) {
        let whole = n & !15;
        // SAFETY: whole vectors within `n` elements.
        unsafe {
            for i in (0..whole).step_by(16) {
                let x = _mm512_loadu_ps(from.cast::<f32>().add(i));
                let h = _mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x);
                _mm256_storeu_si256(to.add(i * 2).cast(), h);
            }
            rest(whole, n, from, to, f32_to_f16)
        }
    }

    /// # Safety
    /// `n` elements to read and to write.
    #[target_feature(enable = "avx2,f16c")]
    pub(crate) unsafe fn widen_avx2(n: usize, from: *const u8, to: *mut u8) {
        let whole = n & !7;
        // SAFETY: whole vectors within `n` elements.
        unsafe {
            for i in (0..whole).step_by(8) {
                let x = _mm_loadu_si128(from.add(i * 2).cast());
                _mm256_storeu_ps(to.cast::<f32>().add(i), _mm256_cvtph_ps(x));
            }
            rest(whole, n, from, to, f16_to_f32)
        }
    }

    /// # Safety
    /// `n` elements to read and to write.
    #[target_feature(enable = "avx2,f16c")]
    pub(crate) unsafe fn narrow_avx2(n: usize, from: *const u8, to: *mut u8) {
        let whole = n & !7;
        // SAFETY: whole vectors within `n` elements.
        unsafe {
            for i in (0..whole).step_by(8) {
                let x = _mm256_loadu_ps(from.cast::<f32>().add(i));
                _mm_storeu_si128(to.add(i * 2).cast(), _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(x));
            }
            rest(whole, n, from, to, f32_to_f16)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flambeau_types::{bf16, f16};

    #[test]
    fn every_half_goes_there_and_back() {
        for h in 0..=u16::MAX {
            let (x, b) = (f16::from_bits(h), bf16::from_bits(h));
            assert!(f16_to_f32(h) == x.to_f32() || x.is_nan() && f16_to_f32(h).is_nan());
            assert!(bf16_to_f32(h) == b.to_f32() || b.is_nan() && bf16_to_f32(h).is_nan());
            if !x.is_nan() {
                assert_eq!(f32_to_f16(f16_to_f32(h)), h);
            }
            if !b.is_nan() {
                assert_eq!(f32_to_bf16(bf16_to_f32(h)), h);
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn vectors_agree_with_single_elements() {
        use super::vector::*;
        let mut loops: Vec<[crate::loops::cast::Convert; 2]> = Vec::new();
        if is_x86_feature_detected!("avx512f") {
            loops.push([widen_avx512, narrow_avx512]);
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("f16c") {
            loops.push([widen_avx2, narrow_avx2]);
        }
        for [widen, narrow] in loops {
            let halves: Vec<u16> = (0..=u16::MAX).collect();
            let n = halves.len() - 3;
            let (mut wide, mut back) = (vec![0f32; n], vec![0u16; n]);
            // SAFETY: both vectors have `n` elements, and the processor the features.
            unsafe {
                widen(n, halves.as_ptr().cast(), wide.as_mut_ptr().cast());
                narrow(n, wide.as_ptr().cast(), back.as_mut_ptr().cast());
            }
            for i in 0..n {
                assert!(wide[i].to_bits() == f16_to_f32(halves[i]).to_bits() || wide[i].is_nan());
                assert!(back[i] == halves[i] || wide[i].is_nan());
            }
            let odd: Vec<f32> = (0..1 << 20).map(|i: u32| f32::from_bits(i.wrapping_mul(4_093))).collect();
            let mut narrowed = vec![0u16; odd.len()];
            // SAFETY: as above.
            unsafe { narrow(odd.len(), odd.as_ptr().cast(), narrowed.as_mut_ptr().cast()) };
            for (x, h) in odd.iter().zip(narrowed) {
                assert_eq!(h, f32_to_f16(*x), "{x:e}");
            }
        }
    }

    #[test]
    fn rounding_is_to_nearest_even() {
        for i in 0..1 << 22 {
            let x = f32::from_bits((i as u32).wrapping_mul(1021).wrapping_add(7));
            if !x.is_nan() {
                assert_eq!(f32_to_f16(x), f16::from_f32_const(x).to_bits(), "{x:e}");
                assert_eq!(f32_to_bf16(x), bf16::from_f32(x).to_bits(), "{x:e}");
            }
        }
        assert_eq!(f32_to_f16(f32::from_bits(0x7f80_0001)), 0x7e00);
        assert_eq!(f32_to_f16(f32::from_bits(0xffff_ffff)), 0xffff);
    }
}
