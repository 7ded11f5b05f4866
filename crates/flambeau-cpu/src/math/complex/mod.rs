//! Complex functions with C99's branch cuts and special values, in double precision; single precision goes through them, so
//! that neither intermediate overflow nor cancellation shows.

pub(super) mod exp;
pub(super) mod hyper;
pub(super) mod inverse;
pub(super) mod log;

use std::mem::transmute;

use num_complex::Complex;

/// A double precision complex number.
type C = Complex<f64>;

/// `a / b` with the divisor scaled by its larger part, as PyTorch divides.
#[inline(always)]
pub(super) fn div(a: C, b: C) -> C {
    let wide = b.re.abs() >= b.im.abs();
    // Mirrored so that one text serves both: big is the larger part of the divisor.
    let (big, small) = if wide { (b.re, b.im) } else { (b.im, b.re) };
    let ratio = small / big;
    let scale = 1.0 / (big + small * ratio);
    let (re, im) =
        if wide { (a.re + a.im * ratio, a.im - a.re * ratio) } else { (a.re * ratio + a.im, a.im * ratio - a.re) };
    // By zero, each part is divided by zero. Selected, not branched to: loops over this vectorise.
    let zero = (b.re == 0.0) & (b.im == 0.0);
    let scale = if zero { f64::INFINITY } else { scale };
    let (re, im) = (if zero { a.re } else { re }, if zero { a.im } else { im });
    C::new(re * scale, im * scale)
}

/// Multiplication by the imaginary unit.
fn times_i(z: C) -> C {
    C::new(-z.im, z.re)
}

/// Division by the imaginary unit.
fn over_i(z: C) -> C {
    C::new(z.im, -z.re)
}

/// `z / |z|` for the size of z, and zero for zero.
#[inline(always)]
pub(super) fn sgn(z: C, size: f64) -> C {
    let zero = (z.re == 0.0) & (z.im == 0.0);
    let (re, im) = (z.re / size, z.im / size);
    C::new(if zero { 0.0 } else { re }, if zero { 0.0 } else { im })
}

/// The size of a number of single precision, whose square double precision can hold.
#[inline(always)]
pub(super) fn size_f32(z: C) -> f64 {
    (z.re * z.re + z.im * z.im).sqrt()
}

/// The size of any number.
#[inline(always)]
pub(super) fn size_f64(z: C) -> f64 {
    crate::math::plain::f64::hypot(z.re, z.im)
}

/// The mirror image on the real axis, by the bits of both parts as one word: apart they would be worked on one by one.
#[inline(always)]
pub(super) fn conj_f32(z: Complex<f32>) -> Complex<f32> {
    // SAFETY: both types are eight bytes of any value.
    unsafe { transmute(transmute::<Complex<f32>, u64>(z) ^ transmute::<Complex<f32>, u64>(Complex::new(0.0, -0.0))) }
}

/// The mirror image on the real axis.
#[inline(always)]
pub(super) fn conj_f64(z: Complex<f64>) -> Complex<f64> {
    Complex::new(z.re, -z.im)
}

/// Writes the free functions for complex numbers of one precision.
macro_rules! complex_names {
    ($t:ident) => {
        use crate::math::complex;
        use num_complex::Complex;

        /// The complex number that these functions take.
        pub type C = Complex<$t>;

        #[inline(always)]
        fn wide(z: C) -> Complex<f64> {
            Complex::new(f64::from(z.re), f64::from(z.im))
        }
        #[inline(always)]
        fn narrow(z: Complex<f64>) -> C {
            Complex::new(z.re as $t, z.im as $t)
        }

        crate::math::complex::complex_names!(@one
            exp::exp "`e` to the power `z`.";
            exp::expm1 "`exp(z) - 1`, exact for small `z`.";
            exp::sigmoid "`1 / (1 + exp(-z))`.";
            log::log "The natural logarithm, cut along the negative reals.";
            log::log2 "The logarithm to base two.";
            log::log10 "The logarithm to base ten.";
            log::log1p "`log(1 + z)`, exact for small `z`.";
            log::sqrt "The square root of non-negative real part, cut along the negative reals.";
            log::rsqrt "`1 / sqrt(z)`.";
            hyper::sin "The sine.";
            hyper::cos "The cosine.";
            hyper::tan "The tangent.";
            hyper::sinh "The hyperbolic sine.";
            hyper::cosh "The hyperbolic cosine.";
            hyper::tanh "The hyperbolic tangent.";
            inverse::asin "The inverse sine, cut along the reals beyond one.";
            inverse::acos "The inverse cosine, cut along the reals beyond one.";
            inverse::atan "The inverse tangent, cut along the imaginaries beyond one.";
            inverse::asinh "The inverse hyperbolic sine, cut along the imaginaries beyond one.";
            inverse::acosh "The inverse hyperbolic cosine, cut along the reals below one.";
            inverse::atanh "The inverse hyperbolic tangent, cut along the reals beyond one.";
        );
        /// `z / |z|`, and zero for zero.
        #[inline(always)]
        pub fn sgn(z: C) -> C {
            narrow(complex::sgn(wide(z), complex::complex_names!(@size $t)(wide(z))))
        }

        /// `sgn` under its other name.
        #[inline(always)]
        pub fn sign(z: C) -> C {
            sgn(z)
        }
        /// `x` to the power `y`: `exp(y * log(x))`.
        #[inline(always)]
        pub fn pow(x: C, y: C) -> C {
            narrow(complex::log::pow(wide(x), wide(y)))
        }
        /// The sum.
        #[inline(always)]
        pub fn add(a: C, b: C) -> C {
            C::new(a.re + b.re, a.im + b.im)
        }
        /// The difference.
        #[inline(always)]
        pub fn sub(a: C, b: C) -> C {
            C::new(a.re - b.re, a.im - b.im)
        }
        /// The product.
        #[inline(always)]
        pub fn mul(a: C, b: C) -> C {
            C::new(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re)
        }
        /// The quotient, scaled so that it overflows only with its value.
        #[inline(always)]
        pub fn div(a: C, b: C) -> C {
            narrow(complex::div(wide(a), wide(b)))
        }
        /// `1 / z`.
        #[inline(always)]
        pub fn reciprocal(z: C) -> C {
            div(C::new(1.0, 0.0), z)
        }
        /// `z * z`.
        #[inline(always)]
        pub fn square(z: C) -> C {
            mul(z, z)
        }
        /// `-z`.
        #[inline(always)]
        pub fn neg(z: C) -> C {
            C::new(-z.re, -z.im)
        }
        /// The mirror image on the real axis.
        #[inline(always)]
        pub fn conj(z: C) -> C {
            crate::math::complex::complex_names!(@conj $t)(z)
        }
        /// The real part.
        #[inline(always)]
        pub fn real(z: C) -> $t {
            z.re
        }
        /// The imaginary part.
        #[inline(always)]
        pub fn imag(z: C) -> $t {
            z.im
        }
        /// The distance from zero, a real number.
        #[inline(always)]
        pub fn abs(z: C) -> $t {
            crate::math::plain::$t::hypot(z.re, z.im)
        }
        /// The angle from the positive reals, a real number.
        #[inline(always)]
        pub fn angle(z: C) -> $t {
            crate::math::plain::$t::atan2(z.im, z.re)
        }
        /// Whether either part is nan.
        #[inline(always)]
        pub fn is_nan(z: C) -> bool {
            z.re.is_nan() | z.im.is_nan()
        }
        /// Whether either part is an infinity.
        #[inline(always)]
        pub fn is_inf(z: C) -> bool {
            (z.re.abs() == $t::INFINITY) | (z.im.abs() == $t::INFINITY)
        }
        /// Whether both parts are finite.
        #[inline(always)]
        pub fn is_finite(z: C) -> bool {
            (z.re.abs() < $t::INFINITY) & (z.im.abs() < $t::INFINITY)
        }
        /// `a` where the condition holds, else `b`.
        #[inline(always)]
        pub fn select(cond: bool, a: C, b: C) -> C {
            if cond { a } else { b }
        }
    };
    (@one $($($path:ident)::+ $doc:literal;)*) => {$(
        crate::math::complex::complex_names!(@fn $($path)::+, $doc);
    )*};
    (@fn $m:ident :: $f:ident, $doc:literal) => {
        #[doc = $doc]
        pub fn $f(z: C) -> C {
            narrow(complex::$m::$f(wide(z)))
        }
    };
    (@conj f32) => { complex::conj_f32 };
    (@conj f64) => { complex::conj_f64 };
    (@size f32) => { complex::size_f32 };
    (@size f64) => { complex::size_f64 };
}
pub(super) use complex_names;
