//! Elementwise functions for formulas such as `1.0 / (1.0 + exp(-x))`.
//!
//! A loop's body imports one module whole: [`fma::f32`] or [`fma::f64`] inside functions that enable the `fma` target
//! feature, [`plain::f32`] or [`plain::f64`] elsewhere. All bodies are always inlined, and nearly all are free of branches
//! and calls, so that a loop over them vectorises. Some have a costly part for rare arguments; in [`quick`] these leave it
//! out, and give nan there.
//! [`c32`], [`c64`], [`integers`] and [`bool8`] have the names that make sense for complex numbers, integers and bools.
//!
//! The bodies stand once, in `single` and `double`, over a [`step::MulAdd`].

// Coefficients are written with the digits of their sources.
#![allow(clippy::excessive_precision)]

mod basic;
pub mod bits;
pub mod bool8;
mod complex;
mod integer;
pub mod level;
mod names;
pub mod step;

mod double;
mod single;
mod turns;

pub use level::{Level, is_reference, level};

/// Functions for code with the `fma` target feature.
pub mod fma {
    /// Single precision.
    pub mod f32 {
        crate::math::names::names!(crate::math::step::Fused, f32, single);
    }
    /// Double precision.
    pub mod f64 {
        crate::math::names::names!(crate::math::step::Fused, f64, double);
    }
}

/// Functions for code with the `fma` target feature that may give nan where an argument is not a common one.
pub mod quick {
    /// Single precision.
    pub mod f32 {
        crate::math::names::names!(crate::math::step::Quick, f32, single);
    }
    /// Double precision.
    pub mod f64 {
        crate::math::names::names!(crate::math::step::Quick, f64, double);
    }
    /// Complex numbers in single precision.
    pub mod c32 {
        pub use crate::math::c32::*;

        /// `1 / z`; nan for zero, infinity and the smallest numbers.
        #[inline(always)]
        pub fn reciprocal(z: C) -> C {
            let quotient = super::c64::reciprocal(crate::math::c64::C::new(f64::from(z.re), f64::from(z.im)));
            C::new(quotient.re as f32, quotient.im as f32)
        }
    }
    /// Complex numbers in double precision.
    pub mod c64 {
        pub use crate::math::c64::*;

        /// `1 / z`; nan for zero, infinity and the smallest numbers.
        #[inline(always)]
        pub fn reciprocal(z: C) -> C {
            let (re, im) = (z.re.abs(), z.im.abs());
            let scale = 1.0 / if re > im { re } else { im };
            let (re, im) = (z.re * scale, z.im * scale);
            let rest = scale / (re * re + im * im);
            C::new(re * rest, -im * rest)
        }
    }
}

/// Functions for code without the `fma` target feature.
pub mod plain {
    /// Single precision.
    pub mod f32 {
        crate::math::names::names!(crate::math::step::Separate, f32, single);
    }
    /// Double precision.
    pub mod f64 {
        crate::math::names::names!(crate::math::step::Separate, f64, double);
    }
}

/// Functions of complex numbers in single precision.
pub mod c32 {
    crate::math::complex::complex_names!(f32);
}

/// Functions of complex numbers in double precision.
pub mod c64 {
    crate::math::complex::complex_names!(f64);
}

/// Functions of integers.
#[allow(unused_comparisons, clippy::absurd_extreme_comparisons, clippy::suspicious_arithmetic_impl)]
pub mod integers {
    macro_rules! modules {
        ($($t:ident $bits:literal;)*) => {$(
            #[doc = concat!("Integers of ", $bits, ".")]
            pub mod $t {
                crate::math::integer::integer_names!($t);
            }
        )*};
    }
    modules! { i64 "64 bits"; i32 "32 bits"; i16 "16 bits"; i8 "8 bits"; u8 "8 bits without a sign"; }
}

#[cfg(test)]
mod tests;
