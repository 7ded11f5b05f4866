//! The two types that floating-point kernels compute in, float32 and float64, and what they can do.

use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Sub};

use flambeau_types::DType;

use super::convert::{FloatStore, Load, load};
use super::kernel::{Acc, Op};
use super::ops::{Max, Sum};

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

    #[inline(always)]
    fn exp<const FUSED: bool>(self) -> f32 {
        let x = if self > 89.0 { 89.0 } else { self };
        let x = if x < -104.0 { -104.0 } else { x };
        // Adding 1.5 * 2^23 leaves the nearest integer in the low bits.
        let t = x.madd::<FUSED>(std::f32::consts::LOG2_E, 12_582_912.0);
        let n = t - 12_582_912.0;
        let r = n.madd::<FUSED>(-0.693_145_75, x);
        let r = n.madd::<FUSED>(-1.428_606_8e-6, r);
        let p = 1.985_276_2e-4f32;
        let p = p.madd::<FUSED>(r, 1.393_043_6e-3);
        let p = p.madd::<FUSED>(r, 8.333_361e-3);
        let p = p.madd::<FUSED>(r, 4.166_648_5e-2);
        let p = p.madd::<FUSED>(r, 0.166_666_67);
        let p = p.madd::<FUSED>(r, 0.5);
        let p = (r * r).madd::<FUSED>(p, r) + 1.0;
        // Two factors, so that neither leaves the range of exponents.
        let n = t.to_bits() as i32 - 0x4b40_0000;
        let half = n >> 1;
        let a = f32::from_bits(((half + 127) as u32) << 23);
        let b = f32::from_bits(((n - half + 127) as u32) << 23);
        p * a * b
    }
}

impl Real for f64 {
    real!(f64, F64);

    #[inline(always)]
    fn exp<const FUSED: bool>(self) -> f64 {
        let x = if self > 710.0 { 710.0 } else { self };
        let x = if x < -746.0 { -746.0 } else { x };
        let t = x.madd::<FUSED>(std::f64::consts::LOG2_E, 6_755_399_441_055_744.0);
        let n = t - 6_755_399_441_055_744.0;
        let r = n.madd::<FUSED>(-0.693_147_180_559_662_956_511_601_805_686_950_683_593_75, x);
        let r = n.madd::<FUSED>(-0.282_352_905_630_315_771_225_884_481_750_134_360_255_254e-12, r);
        // The Taylor series: |r| is below 0.35, where its 14th term is below the last bit.
        let mut p = 1.0 / 6_227_020_800.0;
        for c in [
            1.0 / 479_001_600.0,
            1.0 / 39_916_800.0,
            1.0 / 3_628_800.0,
            1.0 / 362_880.0,
            1.0 / 40_320.0,
            1.0 / 5_040.0,
            1.0 / 720.0,
            1.0 / 120.0,
            1.0 / 24.0,
            1.0 / 6.0,
            0.5,
        ] {
            p = f64::madd::<FUSED>(p, r, c);
        }
        let p = (r * r).madd::<FUSED>(p, r) + 1.0;
        let n = t.to_bits() as i64 - 0x4338_0000_0000_0000;
        let half = n >> 1;
        let a = f64::from_bits(((half + 1023) as u64) << 52);
        let b = f64::from_bits(((n - half + 1023) as u64) << 52);
        p * a * b
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_near() {
        for i in -100_000..100_000 {
            let x = i as f32 * 1e-3;
            let want = (x as f64).exp();
            for got in [Real::exp::<false>(x), Real::exp::<true>(x)] {
                let ulp = ((want as f32).to_bits() as i64 - got.to_bits() as i64).abs();
                assert!(ulp <= 2, "{x}: {got} {want}");
            }
            let x = i as f64 * 7.4e-3;
            for got in [Real::exp::<false>(x), Real::exp::<true>(x)] {
                let ulp = (x.exp().to_bits() as i64 - got.to_bits() as i64).abs();
                assert!(ulp <= 2, "{x}: {got} {}", x.exp());
            }
        }
        assert!(Real::exp::<true>(f32::NAN).is_nan() && Real::exp::<true>(f64::NAN).is_nan());
        assert_eq!((Real::exp::<true>(f32::INFINITY), Real::exp::<true>(f32::NEG_INFINITY)), (f32::INFINITY, 0.0));
        assert_eq!((Real::exp::<true>(f64::INFINITY), Real::exp::<true>(f64::NEG_INFINITY)), (f64::INFINITY, 0.0));
        assert_eq!((Real::exp::<true>(0f32), Real::exp::<true>(0f64)), (1.0, 1.0));
    }
}
