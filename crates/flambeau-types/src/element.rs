//! The Rust types that elements have in memory.

use num_complex::Complex;

use crate::{DType, Scalar, bf16, f16};

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that a tensor can hold. Sealed: the list is the list of [`DType`]s.
pub trait Element: sealed::Sealed + Copy + Send + Sync + PartialEq + Default + std::fmt::Debug + 'static {
    /// The dtype whose elements these are.
    const DTYPE: DType;
    /// The element nearest to a number, converted as `Tensor.to` converts.
    fn from_scalar(s: Scalar) -> Self;
    /// The element as a number.
    fn to_scalar(self) -> Scalar;
}

macro_rules! element {
    ($($t:ty, $d:ident, $s:ident => $from:expr, $v:ident => $to:expr;)*) => {$(
        impl sealed::Sealed for $t {}
        impl Element for $t {
            const DTYPE: DType = DType::$d;
            #[inline]
            fn from_scalar($s: Scalar) -> Self { $from }
            #[inline]
            fn to_scalar(self) -> Scalar { let $v = self; $to }
        }
    )*};
}

element! {
    bool, Bool, s => s.to_bool(),                            v => Scalar::Bool(v);
    u8,   U8,   s => s.to_i64() as u8,                       v => Scalar::Int(v as i64);
    i8,   I8,   s => s.to_i64() as i8,                       v => Scalar::Int(v as i64);
    i16,  I16,  s => s.to_i64() as i16,                      v => Scalar::Int(v as i64);
    i32,  I32,  s => s.to_i64() as i32,                      v => Scalar::Int(v as i64);
    i64,  I64,  s => s.to_i64(),                             v => Scalar::Int(v);
    f16,  F16,  s => f16::from_f32(s.to_f64() as f32),       v => Scalar::Float(v.to_f64());
    bf16, BF16, s => bf16::from_f32(s.to_f64() as f32),      v => Scalar::Float(v.to_f64());
    f32,  F32,  s => s.to_f64() as f32,                      v => Scalar::Float(v as f64);
    f64,  F64,  s => s.to_f64(),                             v => Scalar::Float(v);
    Complex<f32>, C64,  s => { let z = s.to_complex(); Complex::new(z.re as f32, z.im as f32) }, v => Scalar::Complex(Complex::new(v.re as f64, v.im as f64));
    Complex<f64>, C128, s => s.to_complex(),                 v => Scalar::Complex(v);
}
