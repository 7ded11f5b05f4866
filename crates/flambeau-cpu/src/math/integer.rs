//! The names that formulas over integers call, one module for each type. All arithmetic wraps, and a zero divisor gives
//! zero (the caller reports it).

/// Writes the free functions of one integer type.
macro_rules! integer_names {
    ($t:ident) => {
        /// The sum, wrapping.
        #[inline(always)]
        pub fn add(a: $t, b: $t) -> $t {
            a.wrapping_add(b)
        }
        /// The difference, wrapping.
        #[inline(always)]
        pub fn sub(a: $t, b: $t) -> $t {
            a.wrapping_sub(b)
        }
        /// The product, wrapping.
        #[inline(always)]
        pub fn mul(a: $t, b: $t) -> $t {
            a.wrapping_mul(b)
        }
        /// `-a`, wrapping.
        #[inline(always)]
        pub fn neg(a: $t) -> $t {
            a.wrapping_neg()
        }
        /// The size, wrapping.
        #[inline(always)]
        pub fn abs(a: $t) -> $t {
            if a < 0 { a.wrapping_neg() } else { a }
        }
        /// `a * a`, wrapping.
        #[inline(always)]
        pub fn square(a: $t) -> $t {
            a.wrapping_mul(a)
        }
        /// The sign as -1, 0 or 1.
        #[inline(always)]
        pub fn sign(a: $t) -> $t {
            $t::from(a > 0).wrapping_sub($t::from(a < 0))
        }
        /// The larger one.
        #[inline(always)]
        pub fn max(a: $t, b: $t) -> $t {
            if a > b { a } else { b }
        }
        /// The smaller one.
        #[inline(always)]
        pub fn min(a: $t, b: $t) -> $t {
            if a < b { a } else { b }
        }
        /// The quotient rounded towards minus infinity.
        #[inline(always)]
        pub fn floor_div(a: $t, b: $t) -> $t {
            let q = trunc_div(a, b);
            let r = a.wrapping_sub(q.wrapping_mul(b));
            if (b != 0) & (r != 0) & ((r < 0) != (b < 0)) { q - 1 } else { q }
        }
        /// The quotient rounded towards zero.
        #[inline(always)]
        pub fn trunc_div(a: $t, b: $t) -> $t {
            a.checked_div(b).unwrap_or(if b == 0 { 0 } else { a.wrapping_neg() })
        }
        /// Python's remainder: the sign of `b`.
        #[inline(always)]
        pub fn remainder(a: $t, b: $t) -> $t {
            let r = fmod(a, b);
            if (r != 0) & ((r < 0) != (b < 0)) { r.wrapping_add(b) } else { r }
        }
        /// C's remainder: the sign of `a`.
        #[inline(always)]
        pub fn fmod(a: $t, b: $t) -> $t {
            a.checked_rem(b).unwrap_or(0)
        }
        /// The greatest common divisor, by Euclid; never negative but for the one number that has no opposite.
        #[inline(always)]
        pub fn gcd(a: $t, b: $t) -> $t {
            let (mut a, mut b) = (abs(a), abs(b));
            while b != 0 {
                (a, b) = (b, a.wrapping_rem(b));
            }
            a
        }
        /// The least common multiple, wrapping.
        #[inline(always)]
        pub fn lcm(a: $t, b: $t) -> $t {
            let divisor = gcd(a, b);
            if divisor == 0 { 0 } else { abs(a.wrapping_div(divisor).wrapping_mul(b)) }
        }
        /// `a` to the power `b`, wrapping. A negative power of anything but 1 and -1 is zero.
        #[inline(always)]
        pub fn pow(a: $t, b: $t) -> $t {
            if b < 0 {
                return match a {
                    1 => 1,
                    _ if a.wrapping_add(1) == 0 => (1 as $t).wrapping_sub(2 * (b & 1)),
                    _ => 0,
                };
            }
            let (mut power, mut base, mut left): ($t, $t, $t) = (1, a, b);
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
        pub fn bit_and(a: $t, b: $t) -> $t {
            a & b
        }
        /// The bits that either has.
        #[inline(always)]
        pub fn bit_or(a: $t, b: $t) -> $t {
            a | b
        }
        /// The bits that one has.
        #[inline(always)]
        pub fn bit_xor(a: $t, b: $t) -> $t {
            a ^ b
        }
        /// The bits that `a` has not.
        #[inline(always)]
        pub fn bit_not(a: $t) -> $t {
            !a
        }
        /// `a` shifted left; shifts by a negative number or by the type's bits and more push all bits out.
        #[inline(always)]
        pub fn shl(a: $t, b: $t) -> $t {
            if (0..$t::BITS as $t).contains(&b) { a << b } else { 0 }
        }
        /// `a` shifted right with its sign; shifts by a negative number or by the type's bits and more leave the sign
        /// alone.
        #[inline(always)]
        pub fn shr(a: $t, b: $t) -> $t {
            if (0..$t::BITS as $t).contains(&b) {
                a >> b
            } else if a < 0 {
                !0
            } else {
                0
            }
        }
        /// `a` where the condition holds, else `b`.
        #[inline(always)]
        pub fn select(cond: bool, a: $t, b: $t) -> $t {
            if cond { a } else { b }
        }
    };
}
pub(crate) use integer_names;
