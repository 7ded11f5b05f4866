//! Half-precision numbers in formulas by their bits: what only looks at signs. Both formats keep the sign in the highest bit.

/// The bit of the sign.
const SIGN: u16 = 0x8000;

/// The negative.
#[inline(always)]
pub fn neg(a: u16) -> u16 {
    a ^ SIGN
}

/// The absolute value.
#[inline(always)]
pub fn abs(a: u16) -> u16 {
    a & !SIGN
}

/// The size of `a` with the sign of `b`.
#[inline(always)]
pub fn copysign(a: u16, b: u16) -> u16 {
    a & !SIGN | b & SIGN
}
