//! Signs, rounding, remainders, extrema and classification, the same text for both precisions.

macro_rules! basic {
    ($t:ident, $bits:ident, $half_ulp_one:expr) => {
        use super::step::MulAdd;

        /// The bit that holds the sign.
        const SIGN: $bits = 1 << ($bits::BITS - 1);
        /// From here on every value is an integer.
        const INTEGRAL: $t = $half_ulp_one;

        #[inline(always)]
        pub(in crate::math) fn copysign(x: $t, sign: $t) -> $t {
            $t::from_bits((x.to_bits() & !SIGN) | (sign.to_bits() & SIGN))
        }

        /// To the nearest integer, ties to even, without an instruction for it.
        #[inline(always)]
        fn nearest_by_sum(x: $t) -> $t {
            let a = x.abs();
            let r = (a + INTEGRAL) - INTEGRAL;
            copysign(if a < INTEGRAL { r } else { a }, x)
        }

        #[inline(always)]
        pub(in crate::math) fn round<L: MulAdd>(x: $t) -> $t {
            if L::FUSED { x.round_ties_even() } else { nearest_by_sum(x) }
        }

        #[inline(always)]
        pub(in crate::math) fn floor<L: MulAdd>(x: $t) -> $t {
            if L::FUSED {
                return x.floor();
            }
            let r = nearest_by_sum(x);
            copysign(if r > x { r - 1.0 } else { r }, x)
        }

        #[inline(always)]
        pub(in crate::math) fn ceil<L: MulAdd>(x: $t) -> $t {
            if L::FUSED { x.ceil() } else { -floor::<L>(-x) }
        }

        #[inline(always)]
        pub(in crate::math) fn trunc<L: MulAdd>(x: $t) -> $t {
            if L::FUSED { x.trunc() } else { copysign(floor::<L>(x.abs()), x) }
        }

        #[inline(always)]
        pub(in crate::math) fn frac<L: MulAdd>(x: $t) -> $t {
            x - trunc::<L>(x)
        }

        #[inline(always)]
        pub(in crate::math) fn sign(x: $t) -> $t {
            let up: $t = if x > 0.0 { 1.0 } else { 0.0 };
            let down: $t = if x < 0.0 { 1.0 } else { 0.0 };
            up - down
        }

        #[inline(always)]
        pub(in crate::math) fn remainder<L: MulAdd>(x: $t, y: $t) -> $t {
            let r = fmod::<L>(x, y);
            if (r != 0.0) & ((r < 0.0) != (y < 0.0)) { r + y } else { r }
        }

        #[inline(always)]
        pub(in crate::math) fn floor_div<L: MulAdd>(x: $t, y: $t) -> $t {
            let r = fmod::<L>(x, y);
            let exact = (x - r) / y;
            let q = if (r != 0.0) & ((r < 0.0) != (y < 0.0)) { exact - 1.0 } else { exact };
            let down = floor::<L>(q);
            let q = if q - down > 0.5 { down + 1.0 } else { down };
            let q = if q == 0.0 { copysign(0.0, x / y) } else { q };
            if y == 0.0 { x / y } else { q }
        }

        #[inline(always)]
        pub(in crate::math) fn max(x: $t, y: $t) -> $t {
            // A nan in x wins over everything; a nan in y fails the comparison and is taken.
            if (x > y) | x.is_nan() { x } else { y }
        }

        #[inline(always)]
        pub(in crate::math) fn min(x: $t, y: $t) -> $t {
            if (x < y) | x.is_nan() { x } else { y }
        }

        #[inline(always)]
        pub(in crate::math) fn fmax(x: $t, y: $t) -> $t {
            if (x > y) | y.is_nan() { x } else { y }
        }

        #[inline(always)]
        pub(in crate::math) fn fmin(x: $t, y: $t) -> $t {
            if (x < y) | y.is_nan() { x } else { y }
        }
    };
}
pub(super) use basic;
