//! Integer arithmetic of 64 bits for formulas: it wraps, and a zero divisor gives zero (the caller reports it).

/// The sum, wrapping.
#[inline(always)]
pub fn add(a: i64, b: i64) -> i64 {
    a.wrapping_add(b)
}
/// The difference, wrapping.
#[inline(always)]
pub fn sub(a: i64, b: i64) -> i64 {
    a.wrapping_sub(b)
}
/// The product, wrapping.
#[inline(always)]
pub fn mul(a: i64, b: i64) -> i64 {
    a.wrapping_mul(b)
}
/// `-a`, wrapping.
#[inline(always)]
pub fn neg(a: i64) -> i64 {
    a.wrapping_neg()
}
/// The size, wrapping.
#[inline(always)]
pub fn abs(a: i64) -> i64 {
    a.wrapping_abs()
}
/// `a * a`, wrapping.
#[inline(always)]
pub fn square(a: i64) -> i64 {
    a.wrapping_mul(a)
}
/// The sign as -1, 0 or 1.
#[inline(always)]
pub fn sign(a: i64) -> i64 {
    i64::from(a > 0) - i64::from(a < 0)
}
/// The larger one.
#[inline(always)]
pub fn max(a: i64, b: i64) -> i64 {
    if a > b { a } else { b }
}
/// The smaller one.
#[inline(always)]
pub fn min(a: i64, b: i64) -> i64 {
    if a < b { a } else { b }
}
/// The quotient rounded towards minus infinity.
#[inline(always)]
pub fn floor_div(a: i64, b: i64) -> i64 {
    let q = trunc_div(a, b);
    let r = a.wrapping_sub(q.wrapping_mul(b));
    if (b != 0) & (r != 0) & ((r < 0) != (b < 0)) { q - 1 } else { q }
}
/// The quotient rounded towards zero.
#[inline(always)]
pub fn trunc_div(a: i64, b: i64) -> i64 {
    a.checked_div(b).unwrap_or(if b == 0 { 0 } else { a.wrapping_neg() })
}
/// Python's remainder: the sign of `b`.
#[inline(always)]
pub fn remainder(a: i64, b: i64) -> i64 {
    let r = fmod(a, b);
    if (r != 0) & ((r < 0) != (b < 0)) { r + b } else { r }
}
/// C's remainder: the sign of `a`.
#[inline(always)]
pub fn fmod(a: i64, b: i64) -> i64 {
    a.checked_rem(b).unwrap_or(0)
}
/// `a` to the power `b`, wrapping. A negative power of anything but 1 and -1 is zero.
#[inline(always)]
pub fn pow(a: i64, b: i64) -> i64 {
    if b < 0 {
        return match a {
            1 => 1,
            -1 => 1 - 2 * (b & 1),
            _ => 0,
        };
    }
    let (mut power, mut base, mut left) = (1i64, a, b);
    while left > 0 {
        if left & 1 == 1 {
            power = power.wrapping_mul(base);
        }
        base = base.wrapping_mul(base);
        left >>= 1;
    }
    power
}
/// The bits that both have.
#[inline(always)]
pub fn bit_and(a: i64, b: i64) -> i64 {
    a & b
}
/// The bits that either has.
#[inline(always)]
pub fn bit_or(a: i64, b: i64) -> i64 {
    a | b
}
/// The bits that one has.
#[inline(always)]
pub fn bit_xor(a: i64, b: i64) -> i64 {
    a ^ b
}
/// The bits that `a` has not.
#[inline(always)]
pub fn bit_not(a: i64) -> i64 {
    !a
}
/// `a` shifted left; shifts by a negative number or by 64 and more push all bits out.
#[inline(always)]
pub fn shl(a: i64, b: i64) -> i64 {
    if (0..64).contains(&b) { a << b } else { 0 }
}
/// `a` shifted right with its sign; shifts by a negative number or by 64 and more leave the sign alone.
#[inline(always)]
pub fn shr(a: i64, b: i64) -> i64 {
    a >> if (0..64).contains(&b) { b } else { 63 }
}
/// `a` where the condition holds, else `b`.
#[inline(always)]
pub fn select(cond: bool, a: i64, b: i64) -> i64 {
    if cond { a } else { b }
}
