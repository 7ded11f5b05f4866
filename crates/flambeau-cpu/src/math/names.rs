//! The names that formulas call, one module for each instruction level and precision.

/// Writes the free functions of one level (`$L`) and precision (`$t`) over the bodies in `$core`.
macro_rules! names {
    ($L:ty, $t:ident, $core:ident) => {
        use crate::math::$core as core_fns;
        use crate::math::names::names;
        use crate::math::step as step_fns;

        pub use ::core::$t::consts::*;

        /// Positive infinity.
        pub const INFINITY: $t = $t::INFINITY;
        /// Negative infinity.
        pub const NEG_INFINITY: $t = $t::NEG_INFINITY;
        /// A quiet nan.
        pub const NAN: $t = $t::NAN;
        /// The gap between one and the next number.
        pub const EPSILON: $t = $t::EPSILON;
        /// The largest finite number.
        pub const MAX: $t = $t::MAX;
        /// The smallest normal positive number.
        pub const MIN_POSITIVE: $t = $t::MIN_POSITIVE;

        names!(@one $L, $t, core_fns;
            exp::exp "`e` to the power `x`.";
            exp::exp2 "Two to the power `x`.";
            exp::expm1 "`exp(x) - 1`, exact for small `x`.";
            exp::sigmoid "`1 / (1 + exp(-x))`, never overflowing.";
            log::log "The natural logarithm.";
            log::log2 "The logarithm to base two.";
            log::log10 "The logarithm to base ten.";
            log::log1p "`log(1 + x)`, exact for small `x`.";
            trig::sin "The sine of an angle of any size.";
            trig::cos "The cosine of an angle of any size.";
            trig::tan "The tangent of an angle of any size.";
            arc::asin "The inverse sine.";
            arc::acos "The inverse cosine.";
            arc::atan "The inverse tangent.";
            hyper::sinh "The hyperbolic sine.";
            hyper::cosh "The hyperbolic cosine.";
            hyper::tanh "The hyperbolic tangent.";
            hyper::asinh "The inverse hyperbolic sine.";
            hyper::acosh "The inverse hyperbolic cosine.";
            hyper::atanh "The inverse hyperbolic tangent.";
            erf::erf "The error function.";
            erf::erfc "`1 - erf(x)`, exact for large `x`.";
            erf::erfinv "The inverse of the error function.";
            gamma::lgamma "The logarithm of the absolute value of the gamma function.";
            gamma::digamma "The derivative of `lgamma`, with `torch.digamma`'s values at the poles.";
            floor "The largest integer not above `x`.";
            ceil "The smallest integer not below `x`.";
            trunc "`x` without its fraction.";
            round "The nearest integer, ties to the even one.";
            frac "`x - trunc(x)`.";
        );
        names!(@two $L, $t, core_fns;
            arc::atan2 "The angle of the point (`y`, `x`), the ordinate first.";
            pow::pow "`x` to the power `y`, with C's special cases.";
            pow::hypot "`sqrt(x * x + y * y)`, never overflowing early.";
            fmod "C's remainder: the sign of `x`.";
            remainder "Python's remainder: the sign of `y`.";
            floor_div "`torch.floor_divide`: the quotient that fits `remainder`.";
        );
        names!(@plain $t, core_fns;
            copysign "The size of `x` with the sign of `y`.";
            max "The larger one; nan if either is nan.";
            min "The smaller one; nan if either is nan.";
            fmax "The larger one; a nan is ignored.";
            fmin "The smaller one; a nan is ignored.";
        );

        /// The sign as -1, 0 or 1; zero for zeros and nan, as `torch.sign`.
        #[inline(always)]
        pub fn sign(x: $t) -> $t {
            core_fns::sign(x)
        }
        /// The size of `x`.
        #[inline(always)]
        pub fn abs(x: $t) -> $t {
            x.abs()
        }
        /// The square root, correctly rounded.
        #[inline(always)]
        pub fn sqrt(x: $t) -> $t {
            x.sqrt()
        }
        /// `1 / sqrt(x)`.
        #[inline(always)]
        pub fn rsqrt(x: $t) -> $t {
            1.0 / x.sqrt()
        }
        /// Whether `x` is not a number.
        #[inline(always)]
        pub fn is_nan(x: $t) -> bool {
            x.is_nan()
        }
        /// Whether `x` is an infinity.
        #[inline(always)]
        pub fn is_inf(x: $t) -> bool {
            x.abs() == $t::INFINITY
        }
        /// Whether `x` is neither an infinity nor nan.
        #[inline(always)]
        pub fn is_finite(x: $t) -> bool {
            x.abs() < $t::INFINITY
        }
        /// `a` where the condition holds, else `b`; both are computed.
        #[inline(always)]
        pub fn select(cond: bool, a: $t, b: $t) -> $t {
            if cond { a } else { b }
        }
        /// `a * b + c`, rounded once where the level has the instruction.
        #[inline(always)]
        pub fn madd(a: $t, b: $t, c: $t) -> $t {
            names!(@madd $L, $t)(a, b, c)
        }
    };
    (@madd $L:ty, f32) => { <$L as step_fns::MulAdd>::madd32 };
    (@madd $L:ty, f64) => { <$L as step_fns::MulAdd>::madd };
    (@one $L:ty, $t:ident, $c:ident; $($($path:ident)::+ $doc:literal;)*) => {$(
        names!(@fn1 $L, $t, $c, $($path)::+, $doc);
    )*};
    (@fn1 $L:ty, $t:ident, $c:ident, $m:ident :: $f:ident, $doc:literal) => {
        #[doc = $doc]
        #[inline(always)]
        pub fn $f(x: $t) -> $t {
            $c::$m::$f::<$L>(x)
        }
    };
    (@fn1 $L:ty, $t:ident, $c:ident, $f:ident, $doc:literal) => {
        #[doc = $doc]
        #[inline(always)]
        pub fn $f(x: $t) -> $t {
            $c::$f::<$L>(x)
        }
    };
    (@two $L:ty, $t:ident, $c:ident; $($($path:ident)::+ $doc:literal;)*) => {$(
        names!(@fn2 $L, $t, $c, $($path)::+, $doc);
    )*};
    (@fn2 $L:ty, $t:ident, $c:ident, arc :: atan2, $doc:literal) => {
        #[doc = $doc]
        #[inline(always)]
        pub fn atan2(y: $t, x: $t) -> $t {
            $c::arc::atan2::<$L>(y, x)
        }
    };
    (@fn2 $L:ty, $t:ident, $c:ident, $m:ident :: $f:ident, $doc:literal) => {
        #[doc = $doc]
        #[inline(always)]
        pub fn $f(x: $t, y: $t) -> $t {
            $c::$m::$f::<$L>(x, y)
        }
    };
    (@fn2 $L:ty, $t:ident, $c:ident, $f:ident, $doc:literal) => {
        #[doc = $doc]
        #[inline(always)]
        pub fn $f(x: $t, y: $t) -> $t {
            $c::$f::<$L>(x, y)
        }
    };
    (@plain $t:ident, $c:ident; $($f:ident $doc:literal;)*) => {$(
        #[doc = $doc]
        #[inline(always)]
        pub fn $f(x: $t, y: $t) -> $t {
            $c::$f(x, y)
        }
    )*};
}
pub(super) use names;
