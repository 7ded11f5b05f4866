//! Conversion between element types in memory and the types that reductions compute in.
//!
//! A [`Load`] turns a strided run of stored elements into a contiguous run of compute values, so that the kernels exist
//! once per compute type instead of once per dtype.

use std::mem::MaybeUninit;

use flambeau_types::{Complex, DType};

use crate::loops::cast::converter;
pub(crate) use crate::loops::half::{bf16_to_f32, f16_to_f32, f32_to_f16};
use crate::math::{Level, level};

/// Reads `n` elements, `stride` elements apart, from `src` and writes them converted to `dst`.
pub(crate) type Load<A> = unsafe fn(src: *const u8, stride: isize, n: usize, dst: *mut A);

/// Converts `n` contiguous values at `src` and writes them `stride` elements apart to `dst`.
pub(crate) type Store<A> = unsafe fn(src: *const A, n: usize, dst: *mut u8, stride: isize);

/// A bool in memory: any byte but 0 is true.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct B8(u8);

/// A float16 in memory.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct H16(u16);

/// A bfloat16 in memory.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct BF(u16);

/// float32 to bfloat16 bits, to nearest even; NaN becomes the one that PyTorch writes for single results.
#[inline(always)]
pub(crate) fn f32_to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    let rounded = (bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16) as u16;
    if x.is_nan() { 0x7fc0 } else { rounded }
}

/// Conversion as `Tensor.to` does it.
pub(crate) trait To<A> {
    fn to(self) -> A;
}

macro_rules! real_to {
    ($($t:ty, $v:ident => $e:expr;)*) => {$(
        impl To<u8> for $t { #[inline(always)] fn to(self) -> u8 { let $v = self; ($e) as u8 } }
        impl To<i32> for $t { #[inline(always)] fn to(self) -> i32 { let $v = self; ($e) as i32 } }
        impl To<i64> for $t { #[inline(always)] fn to(self) -> i64 { let $v = self; ($e) as i64 } }
        impl To<f32> for $t { #[inline(always)] fn to(self) -> f32 { let $v = self; ($e) as f32 } }
        impl To<f64> for $t { #[inline(always)] fn to(self) -> f64 { let $v = self; ($e) as f64 } }
        impl To<Complex<f32>> for $t {
            #[inline(always)] fn to(self) -> Complex<f32> { let $v = self; Complex::new(($e) as f32, 0.0) }
        }
        impl To<Complex<f64>> for $t {
            #[inline(always)] fn to(self) -> Complex<f64> { let $v = self; Complex::new(($e) as f64, 0.0) }
        }
    )*};
}
real_to! {
    B8, v => (v.0 != 0) as u8;
    u8, v => v;
    i8, v => v;
    i16, v => v;
    i32, v => v;
    i64, v => v;
    H16, v => f16_to_f32(v.0);
    BF, v => bf16_to_f32(v.0);
    f32, v => v;
    f64, v => v;
}
macro_rules! complex_to {
    ($($t:ty),*) => {$(
        impl To<u8> for Complex<$t> { #[inline(always)] fn to(self) -> u8 { self.re as u8 } }
        impl To<i32> for Complex<$t> { #[inline(always)] fn to(self) -> i32 { self.re as i32 } }
        impl To<i64> for Complex<$t> { #[inline(always)] fn to(self) -> i64 { self.re as i64 } }
        impl To<f32> for Complex<$t> { #[inline(always)] fn to(self) -> f32 { self.re as f32 } }
        impl To<f64> for Complex<$t> { #[inline(always)] fn to(self) -> f64 { self.re as f64 } }
        impl To<Complex<f32>> for Complex<$t> {
            #[inline(always)] fn to(self) -> Complex<f32> { Complex::new(self.re as f32, self.im as f32) }
        }
        impl To<Complex<f64>> for Complex<$t> {
            #[inline(always)] fn to(self) -> Complex<f64> { Complex::new(self.re as f64, self.im as f64) }
        }
    )*};
}
complex_to!(f32, f64);

/// True for every value but zero; NaN is true.
pub(crate) trait Truth {
    fn truth(self) -> bool;
}
macro_rules! truth {
    ($($t:ty, $v:ident => $e:expr;)*) => {$(
        impl Truth for $t { #[inline(always)] fn truth(self) -> bool { let $v = self; $e } }
    )*};
}
truth! {
    B8, v => v.0 != 0;
    u8, v => v != 0;
    i8, v => v != 0;
    i16, v => v != 0;
    i32, v => v != 0;
    i64, v => v != 0;
    H16, v => v.0 & 0x7fff != 0;
    BF, v => v.0 & 0x7fff != 0;
    f32, v => v != 0.0;
    f64, v => v != 0.0;
    Complex<f32>, v => v.re != 0.0 || v.im != 0.0;
    Complex<f64>, v => v.re != 0.0 || v.im != 0.0;
}

/// Runs `$body` with `$t` standing for the type that elements of a dtype have in memory.
macro_rules! with_memory_type {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            ::flambeau_types::DType::Bool => {
                type $t = $crate::reduce::convert::B8;
                $body
            }
            ::flambeau_types::DType::U8 => {
                type $t = u8;
                $body
            }
            ::flambeau_types::DType::I8 => {
                type $t = i8;
                $body
            }
            ::flambeau_types::DType::I16 => {
                type $t = i16;
                $body
            }
            ::flambeau_types::DType::I32 => {
                type $t = i32;
                $body
            }
            ::flambeau_types::DType::I64 => {
                type $t = i64;
                $body
            }
            ::flambeau_types::DType::F16 => {
                type $t = $crate::reduce::convert::H16;
                $body
            }
            ::flambeau_types::DType::BF16 => {
                type $t = $crate::reduce::convert::BF;
                $body
            }
            ::flambeau_types::DType::F32 => {
                type $t = f32;
                $body
            }
            ::flambeau_types::DType::F64 => {
                type $t = f64;
                $body
            }
            ::flambeau_types::DType::C64 => {
                type $t = ::flambeau_types::Complex<f32>;
                $body
            }
            ::flambeau_types::DType::C128 => {
                type $t = ::flambeau_types::Complex<f64>;
                $body
            }
        }
    };
}

/// Reads a run of `T` through a function.
///
/// # Safety
/// `src` must be readable at every step and `dst` writable for `n` values.
#[inline(always)]
unsafe fn run<T: Copy, A>(src: *const u8, stride: isize, n: usize, dst: *mut A, f: impl Fn(T) -> A) {
    let src = src.cast::<T>();
    // SAFETY: within the range that the caller promised.
    unsafe {
        if stride == 1 {
            // In blocks by way of a local array, which overlaps nothing: the compiler then fills whole registers.
            const BLOCK: usize = 32;
            let whole = n & !(BLOCK - 1);
            for at in (0..whole).step_by(BLOCK) {
                let from = src.add(at).cast::<[T; BLOCK]>().read_unaligned();
                let mut to = [const { MaybeUninit::uninit() }; BLOCK];
                for (to, x) in to.iter_mut().zip(from) {
                    to.write(f(x));
                }
                dst.add(at).cast::<[MaybeUninit<A>; BLOCK]>().write_unaligned(to);
            }
            for i in whole..n {
                dst.add(i).write(f(src.add(i).read_unaligned()));
            }
        } else {
            for i in 0..n {
                dst.add(i).write(f(src.offset(i as isize * stride).read_unaligned()));
            }
        }
    }
}

/// Makes a `Load` (or `Store`) function that exists for each instruction set, and the one that picks it.
macro_rules! loader {
    (
        $(#[$doc:meta])*
        $name:ident, $t:ident: $bound:path, $a:ident: $abound:path, $v:ident => $e:expr $(, or $quicker:path)?
    ) => {
        $(#[$doc])*
        pub(crate) fn $name<$a: $abound + 'static>(dtype: DType) -> Load<$a>
        where
            B8: To<$a>, u8: To<$a>, i8: To<$a>, i16: To<$a>, i32: To<$a>, i64: To<$a>, H16: To<$a>, BF: To<$a>,
            f32: To<$a>, f64: To<$a>, Complex<f32>: To<$a>, Complex<f64>: To<$a>,
        {
            #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
            unsafe fn avx2<$t: Copy + $bound, $a: $abound>(src: *const u8, stride: isize, n: usize, dst: *mut $a) {
                // SAFETY: forwarded.
                unsafe { run::<$t, $a>(src, stride, n, dst, |$v| $e) }
            }
            unsafe fn plain<$t: Copy + $bound, $a: $abound>(src: *const u8, stride: isize, n: usize, dst: *mut $a) {
                // SAFETY: forwarded.
                unsafe { run::<$t, $a>(src, stride, n, dst, |$v| $e) }
            }
            $(
                if let Some(quicker) = $quicker(dtype) {
                    return quicker;
                }
            )?
            if level() >= Level::Avx2 {
                with_memory_type!(dtype, T => avx2::<T, $a>)
            } else {
                with_memory_type!(dtype, T => plain::<T, $a>)
            }
        }
    };
}

/// Compute values, some of which the processor has instructions to read.
pub(crate) trait Loaded: Sized {
    /// The quicker way to read a dtype, if there is one.
    fn quicker(_: DType) -> Option<Load<Self>> {
        None
    }
}
impl Loaded for u8 {}
impl Loaded for i32 {}
impl Loaded for i64 {}
impl Loaded for f64 {}
impl Loaded for Complex<f32> {}
impl Loaded for Complex<f64> {}
impl Loaded for f32 {
    fn quicker(dtype: DType) -> Option<Load<f32>> {
        unsafe fn halves(src: *const u8, stride: isize, n: usize, dst: *mut f32) {
            // SAFETY: forwarded.
            unsafe {
                match stride {
                    1 => converter(DType::F16, DType::F32)(n, src, dst.cast()),
                    _ => run::<H16, f32>(src, stride, n, dst, |v| v.to()),
                }
            }
        }
        (dtype == DType::F16).then_some(halves)
    }
}

loader!(
    /// Conversion as `Tensor.to`.
    load, T: To<A>, A: Loaded, v => v.to(), or A::quicker
);
loader!(
    /// 1 for what is not zero, else 0.
    load_truth, T: Truth, A: TruthValue, v => A::of(v.truth())
);

/// Types that can say 0 or 1.
pub(crate) trait TruthValue {
    fn of(b: bool) -> Self;
}
impl TruthValue for u8 {
    #[inline(always)]
    fn of(b: bool) -> u8 {
        b as u8
    }
}
impl TruthValue for i64 {
    #[inline(always)]
    fn of(b: bool) -> i64 {
        b as i64
    }
}

/// The absolute values of complex numbers, as real compute values.
pub(crate) unsafe fn load_abs_c64(src: *const u8, stride: isize, n: usize, dst: *mut f32) {
    // SAFETY: forwarded.
    unsafe { run::<Complex<f32>, f32>(src, stride, n, dst, |z| z.norm()) }
}

/// The absolute values of complex numbers, as real compute values.
pub(crate) unsafe fn load_abs_c128(src: *const u8, stride: isize, n: usize, dst: *mut f64) {
    // SAFETY: forwarded.
    unsafe { run::<Complex<f64>, f64>(src, stride, n, dst, |z| z.norm()) }
}

/// Compute values that can be written as an element of any dtype.
pub(crate) trait Put: Copy {
    /// The dtype whose elements lie in memory as these values do; `u8` stands for several.
    const PLAIN: Option<DType>;
    /// Writes this value, converted to `dtype`.
    ///
    /// # Safety
    /// `dst` must be writable for one element of the dtype.
    unsafe fn put(self, dtype: DType, dst: *mut u8);
}

macro_rules! put {
    ($($a:ty, $own:expr;)*) => {$(
        impl Put for $a {
            const PLAIN: Option<DType> = $own;
            #[inline]
            unsafe fn put(self, dtype: DType, dst: *mut u8) {
                let x = self;
                // SAFETY: one element of the dtype, as promised.
                unsafe {
                    match dtype {
                        DType::Bool => dst.write(Truth::truth(x) as u8),
                        DType::U8 => dst.write(To::<i64>::to(x) as u8),
                        DType::I8 => dst.write(To::<i64>::to(x) as u8),
                        DType::I16 => dst.cast::<i16>().write_unaligned(To::<i64>::to(x) as i16),
                        DType::I32 => dst.cast::<i32>().write_unaligned(To::<i64>::to(x) as i32),
                        DType::I64 => dst.cast::<i64>().write_unaligned(To::<i64>::to(x)),
                        DType::F16 => dst.cast::<u16>().write_unaligned(f32_to_f16(To::<f32>::to(x))),
                        DType::BF16 => dst.cast::<u16>().write_unaligned(f32_to_bf16(To::<f32>::to(x))),
                        DType::F32 => dst.cast::<f32>().write_unaligned(To::<f32>::to(x)),
                        DType::F64 => dst.cast::<f64>().write_unaligned(To::<f64>::to(x)),
                        DType::C64 => dst.cast::<Complex<f32>>().write_unaligned(To::<Complex<f32>>::to(x)),
                        DType::C128 => dst.cast::<Complex<f64>>().write_unaligned(To::<Complex<f64>>::to(x)),
                    }
                }
            }
        }
    )*};
}
put! {
    u8, None;
    i32, Some(DType::I32);
    i64, Some(DType::I64);
    f32, Some(DType::F32);
    f64, Some(DType::F64);
    Complex<f32>, Some(DType::C64);
    Complex<f64>, Some(DType::C128);
}

/// Writes a run of `T` made from compute values by a function.
///
/// # Safety
/// `src` must be readable for `n` values and `dst` writable at every step.
#[inline(always)]
unsafe fn write_run<A: Copy, T>(src: *const A, n: usize, dst: *mut u8, stride: isize, f: impl Fn(A) -> T) {
    let dst = dst.cast::<T>();
    // SAFETY: within the range that the caller promised.
    unsafe {
        if stride == 1 {
            for i in 0..n {
                dst.add(i).write_unaligned(f(src.add(i).read()));
            }
        } else {
            for i in 0..n {
                dst.offset(i as isize * stride).write_unaligned(f(src.add(i).read()));
            }
        }
    }
}

/// Floating-point compute types, whose runs can be stored as any floating dtype.
pub(crate) trait FloatStore: Copy + Sized {
    /// The function that stores runs as `dtype`.
    fn store(dtype: DType) -> Store<Self>;
}

macro_rules! float_store {
    ($($a:ty),*) => {$(
        impl FloatStore for $a {
            fn store(dtype: DType) -> Store<$a> {
                #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
                unsafe fn avx2<const D: u8>(src: *const $a, n: usize, dst: *mut u8, stride: isize) {
                    // SAFETY: forwarded.
                    unsafe { body::<D>(src, n, dst, stride) }
                }
                #[inline(always)]
                unsafe fn body<const D: u8>(src: *const $a, n: usize, dst: *mut u8, stride: isize) {
                    // SAFETY: forwarded.
                    unsafe {
                        match D {
                            0 => write_run(src, n, dst, stride, |x| f32_to_f16(x as f32)),
                            1 => write_run(src, n, dst, stride, |x| f32_to_bf16(x as f32)),
                            2 => write_run(src, n, dst, stride, |x| x as f32),
                            _ => write_run(src, n, dst, stride, |x| x as f64),
                        }
                    }
                }
                let fast = level() >= Level::Avx2;
                match (dtype, fast) {
                    (DType::F16, true) => avx2::<0>,
                    (DType::BF16, true) => avx2::<1>,
                    (DType::F32, true) => avx2::<2>,
                    (DType::F16, false) => body::<0>,
                    (DType::BF16, false) => body::<1>,
                    (DType::F32, false) => body::<2>,
                    (_, true) => avx2::<3>,
                    (_, false) => body::<3>,
                }
            }
        }
    )*};
}
float_store!(f32, f64);

#[cfg(test)]
mod tests {
    use super::*;
    use flambeau_types::{bf16, f16};

    #[test]
    fn half_conversions_agree_with_the_reference() {
        for h in 0..=u16::MAX {
            let want = f16::from_bits(h).to_f32();
            let got = f16_to_f32(h);
            assert!(want.to_bits() == got.to_bits() || (want.is_nan() && got.is_nan()), "{h:x}");
            if !want.is_nan() {
                assert_eq!(f32_to_f16(want), h);
                assert_eq!(f32_to_bf16(bf16::from_bits(h).to_f32()) == h, !bf16::from_bits(h).is_nan() || h == 0x7fc0);
            }
        }
        let mut x = 1u32;
        for _ in 0..300_000 {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let f = f32::from_bits(x);
            if !f.is_nan() {
                assert_eq!(f32_to_f16(f), f16::from_f32(f).to_bits(), "{f:e}");
                assert_eq!(f32_to_bf16(f), bf16::from_f32(f).to_bits(), "{f:e}");
            }
        }
    }
}
