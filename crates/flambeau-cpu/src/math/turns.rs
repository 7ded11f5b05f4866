//! Quarter turns per radian, scaled by the powers of two of large angles: `2^s * 2 / pi`, less whole turns (multiples of
//! four quarters). Made at compile time from the binary digits.

/// The binary digits of `2 / pi` after the point.
const DIGITS: [u64; 20] = [
    0xA2F9_836E_4E44_1529,
    0xFC27_57D1_F534_DDC0,
    0xDB62_9599_3C43_9041,
    0xFE51_63AB_DEBB_C561,
    0xB724_6E3A_424D_D2E0,
    0x0649_2EEA_09D1_921C,
    0xFE1D_EB1C_B129_A73E,
    0xE882_35F5_2EBB_4484,
    0xE99C_7026_B45F_7E41,
    0x3991_D639_8353_39F4,
    0x9C84_5F8B_BDF9_283B,
    0x1FF8_97FF_DE05_980F,
    0xEF2F_118B_5A0A_6D1F,
    0x6D36_7ECF_27CB_09B7,
    0x4F46_3F66_9E5F_EA2D,
    0x7527_BAC7_EBE5_F17B,
    0x3D07_39F7_8A52_92EA,
    0x6BFB_5FB1_1F8D_5D08,
    0x5603_3046_FC7B_6BAB,
    0xF0CF_BC20_9AF4_361D,
];

/// `count` digits (at most 53) from digit `first` on, the first after the point being number one.
const fn digits(first: usize, count: usize) -> u64 {
    let start = first - 1;
    let (word, bit) = (start / 64, start % 64);
    let pair = ((DIGITS[word] as u128) << 64) | DIGITS[word + 1] as u128;
    ((pair << bit) >> (128 - count)) as u64
}

/// `2^exponent`, for normal numbers.
const fn power(exponent: i64) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// `2^s * 2 / pi` modulo four, in parts of `widths` binary digits.
const fn scaled<const N: usize>(s: i64, widths: [usize; N]) -> [f64; N] {
    let mut parts = [0.0; N];
    let mut first = if s > 2 { s as usize - 1 } else { 1 };
    let mut i = 0;
    while i < N {
        let last = first + widths[i] - 1;
        parts[i] = digits(first, widths[i]) as f64 * power(s - last as i64);
        first = last + 1;
        i += 1;
    }
    parts
}

/// The exponent (as stored) from which double precision angles use the entries after the first.
pub(super) const DOUBLE_FROM: u64 = 1023 + 20;

/// For double precision. Entry 0 is `2 / pi`; entry `i` is for angles that are an integer of 53 bits times
/// `2^(DOUBLE_FROM - 1 + i - 1075)`.
pub(super) static DOUBLE: [[f64; 3]; 1024] = {
    let mut table = [scaled(0, [53; 3]); 1024];
    let mut i = 1;
    while i <= 2046 - (DOUBLE_FROM as usize - 1) {
        table[i] = scaled(DOUBLE_FROM as i64 - 1 + i as i64 - 1075, [53; 3]);
        i += 1;
    }
    table
};

/// For single precision. Entry 0 is `2 / pi`; entry `i` is for angles that are an integer of 24 bits times `2^i`. The first
/// part has 29 digits, so that its product with a single is exact in double precision.
pub(super) static SINGLE: [[f64; 2]; 128] = {
    let mut table = [scaled(0, [29, 53]); 128];
    let mut i = 1;
    while i <= 254 - 150 {
        table[i] = scaled(i as i64, [29, 53]);
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_entries_are_two_over_pi() {
        assert_eq!(DOUBLE[0][0] + DOUBLE[0][1], core::f64::consts::FRAC_2_PI);
        assert_eq!(SINGLE[0][0] + SINGLE[0][1], core::f64::consts::FRAC_2_PI);
    }

    #[test]
    fn entries_double_modulo_four() {
        for pair in SINGLE[1..105].windows(2) {
            let (a, b) = (2.0 * (pair[0][0] + pair[0][1]), pair[1][0] + pair[1][1]);
            assert!((a % 4.0 - b).abs() < 1e-15, "{a} {b}");
        }
        for pair in DOUBLE[1..1005].windows(2) {
            let (a, b) = (2.0 * pair[0][0], pair[1][0] + pair[1][1]);
            assert!((a % 4.0 - b).abs() < 2e-15, "{a} {b}");
        }
    }
}
