//! Half precision to and from f32 without branches, so that loops over it vectorise.

/// An IEEE half as f32, exactly.
#[inline(always)]
pub(crate) fn f16_to_f32(h: u16) -> f32 {
    let h = h as u32;
    // The exponent is rebased by a multiplication, which also normalises subnormals.
    let x = f32::from_bits((h & 0x7fff) << 13) * f32::from_bits(0x7780_0000);
    let special = if x >= 65536.0 { 0x7f80_0000 } else { 0 };
    f32::from_bits(x.to_bits() | special | (h & 0x8000) << 16)
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
