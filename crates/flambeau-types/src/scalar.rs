//! A number outside any tensor.

use num_complex::Complex64;

use crate::{DType, Kind};

/// A Python or Rust number given to an operator. In promotion it is weak: only its [`Kind`] counts against a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A real number.
    Float(f64),
    /// A complex number.
    Complex(Complex64),
}

impl Scalar {
    /// Its category.
    pub fn kind(self) -> Kind {
        match self {
            Scalar::Bool(_) => Kind::Bool,
            Scalar::Int(_) => Kind::Int,
            Scalar::Float(_) => Kind::Float,
            Scalar::Complex(_) => Kind::Complex,
        }
    }

    /// The dtype of a tensor made of this number alone, given the default floating-point dtype.
    pub fn dtype(self, default_float: DType) -> DType {
        match self {
            Scalar::Bool(_) => DType::Bool,
            Scalar::Int(_) => DType::I64,
            Scalar::Float(_) => default_float,
            Scalar::Complex(_) => default_float.to_complex(),
        }
    }

    /// As a real number; the imaginary part is dropped.
    #[inline]
    pub fn to_f64(self) -> f64 {
        match self {
            Scalar::Bool(b) => b as u8 as f64,
            Scalar::Int(i) => i as f64,
            Scalar::Float(f) => f,
            Scalar::Complex(z) => z.re,
        }
    }

    /// As an integer, truncating towards zero.
    #[inline]
    pub fn to_i64(self) -> i64 {
        match self {
            Scalar::Bool(b) => b as i64,
            Scalar::Int(i) => i,
            Scalar::Float(f) => f as i64,
            Scalar::Complex(z) => z.re as i64,
        }
    }

    /// True unless zero.
    #[inline]
    pub fn to_bool(self) -> bool {
        match self {
            Scalar::Bool(b) => b,
            Scalar::Int(i) => i != 0,
            Scalar::Float(f) => f != 0.0,
            Scalar::Complex(z) => z.re != 0.0 || z.im != 0.0,
        }
    }

    /// As a complex number.
    #[inline]
    pub fn to_complex(self) -> Complex64 {
        match self {
            Scalar::Complex(z) => z,
            real => Complex64::new(real.to_f64(), 0.0),
        }
    }

    /// True if it equals this number exactly.
    pub fn equals(self, number: f64) -> bool {
        self.to_complex() == Complex64::new(number, 0.0)
    }

    /// The complex conjugate; a real number is its own.
    pub fn conj(self) -> Scalar {
        match self {
            Scalar::Complex(z) => Scalar::Complex(z.conj()),
            real => real,
        }
    }
}

macro_rules! from {
    ($($t:ty => $v:ident as $as:ty),*) => {$(
        impl From<$t> for Scalar {
            fn from(v: $t) -> Scalar { Scalar::$v(v as $as) }
        }
    )*};
}
from!(bool => Bool as bool, i32 => Int as i64, i64 => Int as i64, u8 => Int as i64, usize => Int as i64, f32 => Float as f64, f64 => Float as f64);

impl From<Complex64> for Scalar {
    fn from(z: Complex64) -> Scalar {
        Scalar::Complex(z)
    }
}
