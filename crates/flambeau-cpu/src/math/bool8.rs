//! Truth values in bytes for formulas. Any byte but zero is true; results are zero and one.

/// Whether a byte is true.
#[inline(always)]
pub fn truth(a: u8) -> bool {
    a != 0
}
/// The byte of a truth value.
#[inline(always)]
pub fn byte(a: bool) -> u8 {
    u8::from(a)
}
/// Both.
#[inline(always)]
pub fn bit_and(a: u8, b: u8) -> u8 {
    byte(truth(a) & truth(b))
}
/// Either.
#[inline(always)]
pub fn bit_or(a: u8, b: u8) -> u8 {
    byte(truth(a) | truth(b))
}
/// One of them.
#[inline(always)]
pub fn bit_xor(a: u8, b: u8) -> u8 {
    byte(truth(a) != truth(b))
}
/// Not.
#[inline(always)]
pub fn bit_not(a: u8) -> u8 {
    byte(!truth(a))
}
/// The sum of truth values: either.
#[inline(always)]
pub fn add(a: u8, b: u8) -> u8 {
    bit_or(a, b)
}
/// The product of truth values: both.
#[inline(always)]
pub fn mul(a: u8, b: u8) -> u8 {
    bit_and(a, b)
}
/// The larger one: either.
#[inline(always)]
pub fn max(a: u8, b: u8) -> u8 {
    bit_or(a, b)
}
/// The smaller one: both.
#[inline(always)]
pub fn min(a: u8, b: u8) -> u8 {
    bit_and(a, b)
}
/// `a` as zero or one.
#[inline(always)]
pub fn sign(a: u8) -> u8 {
    byte(truth(a))
}
/// `a` as zero or one.
#[inline(always)]
pub fn abs(a: u8) -> u8 {
    byte(truth(a))
}
/// `a` where the condition holds, else `b`.
#[inline(always)]
pub fn select(cond: bool, a: u8, b: u8) -> u8 {
    if cond { sign(a) } else { sign(b) }
}
