//! The two types that floating-point kernels compute in, float32 and float64, and what they can do.

use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Sub};

use flambeau_types::DType;

use super::convert::{FloatStore, Load, load};
use super::kernel::{Acc, Op};
use super::ops::{Max, Sum};
use crate::math::{fma, plain};

/// float32 or float64. `FUSED` says that the code around has fused multiply-add.
pub(crate) trait Real:
    Acc
    + FloatStore
    + Default
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + AddAssign
    + MulAssign
{
    /// The dtype of such elements in memory.
    const OWN: DType;
    /// Negative infinity.
    const LOWEST: Self;
    /// The nearest number.
    fn of(x: f64) -> Self;
    /// The number in double precision.
    fn to_f64(self) -> f64;
    /// The exponential, for loops that vectorise.
    fn exp<const FUSED: bool>(self) -> Self;
    /// The natural logarithm, one at a time.
    fn ln(self) -> Self;
    /// The square root.
    fn sqrt(self) -> Self;
    /// The absolute value.
    fn abs(self) -> Self;
    /// `self * b + c`, rounded once where that is one instruction.
    fn madd<const FUSED: bool>(self, b: Self, c: Self) -> Self;
    /// How to read a dtype as this type.
    fn load(dtype: DType) -> Load<Self>;
    /// The sum of a contiguous run.
    ///
    /// # Safety
    /// `n` values must be readable.
    unsafe fn sum(p: *const Self, n: usize) -> Self;
    /// The greatest of a contiguous run; NaN wins.
    ///
    /// # Safety
    /// `n` values must be readable.
    unsafe fn max(p: *const Self, n: usize) -> Self;
}

macro_rules! real {
    ($t:ident, $own:ident) => {
        const OWN: DType = DType::$own;
        const LOWEST: $t = $t::NEG_INFINITY;
        #[inline(always)]
        fn of(x: f64) -> $t {
            x as $t
        }
        #[inline(always)]
        fn to_f64(self) -> f64 {
            self as f64
        }
        #[inline(always)]
        fn exp<const FUSED: bool>(self) -> $t {
            if FUSED { fma::$t::exp(self) } else { plain::$t::exp(self) }
        }
        #[inline(always)]
        fn ln(self) -> $t {
            $t::ln(self)
        }
        #[inline(always)]
        fn sqrt(self) -> $t {
            $t::sqrt(self)
        }
        #[inline(always)]
        fn abs(self) -> $t {
            $t::abs(self)
        }
        #[inline(always)]
        fn madd<const FUSED: bool>(self, b: $t, c: $t) -> $t {
            if FUSED { self.mul_add(b, c) } else { self * b + c }
        }
        fn load(dtype: DType) -> Load<$t> {
            load::<$t>(dtype)
        }
        #[inline]
        unsafe fn sum(p: *const $t, n: usize) -> $t {
            // SAFETY: forwarded.
            unsafe { (<$t as Acc>::kernel::<Sum>().run)(p, n, 0.0) }
        }
        #[inline]
        unsafe fn max(p: *const $t, n: usize) -> $t {
            // SAFETY: forwarded.
            unsafe { (<$t as Acc>::kernel::<Max>().run)(p, n, 0.0) }
        }
    };
}

impl Real for f32 {
    real!(f32, F32);
}

impl Real for f64 {
    real!(f64, F64);
}

/// The sum of `exp(x - parameter)`.
pub(crate) struct SumExp<const FUSED: bool>;

macro_rules! sum_exp {
    ($($t:ty),*) => {$(
        impl<const FUSED: bool> Op<$t> for SumExp<FUSED> {
            const PARAM: bool = true;
            const COST: usize = 8;
            #[inline(always)] fn identity() -> $t { 0.0 }
            #[inline(always)] fn map(x: $t, max: $t) -> $t { Real::exp::<FUSED>(x - max) }
            #[inline(always)] fn merge(a: $t, b: $t) -> $t { a + b }
        }
    )*};
}
sum_exp!(f32, f64);
