//! The vectors that the matrix kernels are written over: AVX-512, AVX2 with FMA, and plain arrays elsewhere.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use flambeau_types::Element;
use num_traits::{Float, Zero};

/// A vector of floating-point lanes.
///
/// # Safety
/// `load` and `store` reach exactly `LANES` elements, their `_part` forms exactly the first `n`. All methods of a type may
/// only run on processors that have its instructions.
#[allow(clippy::missing_safety_doc)] // One promise for all methods, stated above.
pub(crate) unsafe trait Simd: Copy {
    type T: Float;
    const LANES: usize;
    unsafe fn splat(x: Self::T) -> Self;
    unsafe fn load(p: *const Self::T) -> Self;
    unsafe fn store(self, p: *mut Self::T);
    unsafe fn load_part(p: *const Self::T, n: usize) -> Self;
    unsafe fn store_part(self, p: *mut Self::T, n: usize);
    /// `self + a * b`.
    unsafe fn fma(self, a: Self, b: Self) -> Self;
    unsafe fn add(self, a: Self) -> Self;
    unsafe fn mul(self, a: Self) -> Self;
    /// The sum of the lanes.
    #[inline(always)]
    unsafe fn sum(self) -> Self::T {
        let mut lanes = [Self::T::zero(); 16];
        // SAFETY: no vector has more than 16 lanes.
        unsafe { self.store(lanes.as_mut_ptr()) };
        let mut n = Self::LANES;
        while n > 1 {
            n /= 2;
            for i in 0..n {
                lanes[i] = lanes[i] + lanes[i + n];
            }
        }
        lanes[0]
    }
}

/// Four lanes for processors without AVX2.
#[derive(Clone, Copy)]
pub(crate) struct Plain<T>([T; 4]);

// SAFETY: loads and stores touch 4 or n elements.
unsafe impl<T: Float> Simd for Plain<T> {
    type T = T;
    const LANES: usize = 4;
    #[inline(always)]
    unsafe fn splat(x: T) -> Self {
        Plain([x; 4])
    }
    #[inline(always)]
    unsafe fn load(p: *const T) -> Self {
        // SAFETY: the caller has 4 elements at p.
        unsafe { Plain(p.cast::<[T; 4]>().read_unaligned()) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut T) {
        // SAFETY: the caller has 4 elements at p.
        unsafe { p.cast::<[T; 4]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn load_part(p: *const T, n: usize) -> Self {
        let mut lanes = [T::zero(); 4];
        for (i, lane) in lanes.iter_mut().enumerate().take(n) {
            // SAFETY: the caller has n elements at p.
            *lane = unsafe { p.add(i).read_unaligned() };
        }
        Plain(lanes)
    }
    #[inline(always)]
    unsafe fn store_part(self, p: *mut T, n: usize) {
        for (i, &lane) in self.0.iter().enumerate().take(n) {
            // SAFETY: the caller has n elements at p.
            unsafe { p.add(i).write_unaligned(lane) };
        }
    }
    #[inline(always)]
    unsafe fn fma(self, a: Self, b: Self) -> Self {
        Plain(std::array::from_fn(|i| self.0[i] + a.0[i] * b.0[i]))
    }
    #[inline(always)]
    unsafe fn add(self, a: Self) -> Self {
        Plain(std::array::from_fn(|i| self.0[i] + a.0[i]))
    }
    #[inline(always)]
    unsafe fn mul(self, a: Self) -> Self {
        Plain(std::array::from_fn(|i| self.0[i] * a.0[i]))
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Plain, Simd};

    /// A mask of the first n of 8 (or, read from element 4, of 4 double) lanes, cut out of this table.
    static MASKS32: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    static MASKS64: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];

    macro_rules! simd {
        ($v:ty, $t:ty, $lanes:literal, $set1:ident, $loadu:ident, $storeu:ident, $fma:ident, $add:ident, $mul:ident,
         |$lp:ident, $ln:ident| $load_part:expr, |$sv:ident, $sp:ident, $sn:ident| $store_part:expr) => {
            // SAFETY: the intrinsics touch LANES elements, or the n that the mask allows.
            unsafe impl Simd for $v {
                type T = $t;
                const LANES: usize = $lanes;
                #[inline(always)]
                unsafe fn splat(x: $t) -> Self {
                    // SAFETY: the processor has the instruction, by the trait's promise; the same below.
                    unsafe { $set1(x) }
                }
                #[inline(always)]
                unsafe fn load(p: *const $t) -> Self {
                    // SAFETY: the caller has LANES elements at p.
                    unsafe { $loadu(p) }
                }
                #[inline(always)]
                unsafe fn store(self, p: *mut $t) {
                    // SAFETY: the caller has LANES elements at p.
                    unsafe { $storeu(p, self) }
                }
                #[inline(always)]
                unsafe fn load_part($lp: *const $t, $ln: usize) -> Self {
                    // SAFETY: masked lanes are not touched.
                    unsafe { $load_part }
                }
                #[inline(always)]
                unsafe fn store_part(self, $sp: *mut $t, $sn: usize) {
                    let $sv = self;
                    // SAFETY: masked lanes are not touched.
                    unsafe { $store_part }
                }
                #[inline(always)]
                unsafe fn fma(self, a: Self, b: Self) -> Self {
                    // SAFETY: see splat.
                    unsafe { $fma(a, b, self) }
                }
                #[inline(always)]
                unsafe fn add(self, a: Self) -> Self {
                    // SAFETY: see splat.
                    unsafe { $add(self, a) }
                }
                #[inline(always)]
                unsafe fn mul(self, a: Self) -> Self {
                    // SAFETY: see splat.
                    unsafe { $mul(self, a) }
                }
            }
        };
    }

    simd!(
        __m512,
        f32,
        16,
        _mm512_set1_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_fmadd_ps,
        _mm512_add_ps,
        _mm512_mul_ps,
        |p, n| _mm512_maskz_loadu_ps(((1u32 << n) - 1) as u16, p),
        |v, p, n| _mm512_mask_storeu_ps(p, ((1u32 << n) - 1) as u16, v)
    );
    simd!(
        __m512d,
        f64,
        8,
        _mm512_set1_pd,
        _mm512_loadu_pd,
        _mm512_storeu_pd,
        _mm512_fmadd_pd,
        _mm512_add_pd,
        _mm512_mul_pd,
        |p, n| _mm512_maskz_loadu_pd(((1u32 << n) - 1) as u8, p),
        |v, p, n| _mm512_mask_storeu_pd(p, ((1u32 << n) - 1) as u8, v)
    );
    simd!(
        __m256,
        f32,
        8,
        _mm256_set1_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_fmadd_ps,
        _mm256_add_ps,
        _mm256_mul_ps,
        |p, n| _mm256_maskload_ps(p, _mm256_loadu_si256(MASKS32.as_ptr().add(8 - n).cast())),
        |v, p, n| _mm256_maskstore_ps(p, _mm256_loadu_si256(MASKS32.as_ptr().add(8 - n).cast()), v)
    );
    // Every x86-64 processor has these; `fma` rounds twice.
    // SAFETY: the intrinsics touch 4 elements, and the loops n.
    unsafe impl Simd for __m128 {
        type T = f32;
        const LANES: usize = 4;
        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            // SAFETY: every x86-64 processor has the instruction.
            unsafe { _mm_set1_ps(x) }
        }
        #[inline(always)]
        unsafe fn load(p: *const f32) -> Self {
            // SAFETY: the caller has 4 elements at p.
            unsafe { _mm_loadu_ps(p) }
        }
        #[inline(always)]
        unsafe fn store(self, p: *mut f32) {
            // SAFETY: the caller has 4 elements at p.
            unsafe { _mm_storeu_ps(p, self) }
        }
        #[inline(always)]
        unsafe fn load_part(p: *const f32, n: usize) -> Self {
            // SAFETY: forwarded to the caller.
            unsafe { Self::load(Plain::load_part(p, n).0.as_ptr()) }
        }
        #[inline(always)]
        unsafe fn store_part(self, p: *mut f32, n: usize) {
            let mut lanes = Plain([0.0; 4]);
            // SAFETY: forwarded to the caller.
            unsafe {
                self.store(lanes.0.as_mut_ptr());
                lanes.store_part(p, n);
            }
        }
        #[inline(always)]
        unsafe fn fma(self, a: Self, b: Self) -> Self {
            // SAFETY: every x86-64 processor has the instruction.
            unsafe { _mm_add_ps(self, _mm_mul_ps(a, b)) }
        }
        #[inline(always)]
        unsafe fn add(self, a: Self) -> Self {
            // SAFETY: every x86-64 processor has the instruction.
            unsafe { _mm_add_ps(self, a) }
        }
        #[inline(always)]
        unsafe fn mul(self, a: Self) -> Self {
            // SAFETY: every x86-64 processor has the instruction.
            unsafe { _mm_mul_ps(self, a) }
        }
    }

    simd!(
        __m256d,
        f64,
        4,
        _mm256_set1_pd,
        _mm256_loadu_pd,
        _mm256_storeu_pd,
        _mm256_fmadd_pd,
        _mm256_add_pd,
        _mm256_mul_pd,
        |p, n| _mm256_maskload_pd(p, _mm256_loadu_si256(MASKS64.as_ptr().add(4 - n).cast())),
        |v, p, n| _mm256_maskstore_pd(p, _mm256_loadu_si256(MASKS64.as_ptr().add(4 - n).cast()), v)
    );
}

/// The instruction set to use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Isa {
    Plain = 1,
    #[cfg(target_arch = "x86_64")]
    Avx2 = 2,
    #[cfg(target_arch = "x86_64")]
    Avx512 = 3,
}

static ISA: AtomicU8 = AtomicU8::new(0);

/// The best instruction set of this processor.
#[inline]
pub(crate) fn isa() -> Isa {
    match ISA.load(Relaxed) {
        1 => Isa::Plain,
        #[cfg(target_arch = "x86_64")]
        2 => Isa::Avx2,
        #[cfg(target_arch = "x86_64")]
        3 => Isa::Avx512,
        _ => detect(),
    }
}

#[cold]
fn detect() -> Isa {
    #[allow(unused_mut)]
    let mut isa = Isa::Plain;
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        isa = Isa::Avx2;
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
        {
            isa = Isa::Avx512;
        }
    }
    ISA.store(isa as u8, Relaxed);
    isa
}

/// The real types that the kernels here multiply: f32 and f64.
pub(crate) trait Real: Element + Float {
    /// Four lanes, on any processor.
    type Four: Simd<T = Self>;
    #[cfg(target_arch = "x86_64")]
    type V512: Simd<T = Self>;
    #[cfg(target_arch = "x86_64")]
    type V256: Simd<T = Self>;
}

impl Real for f32 {
    #[cfg(target_arch = "x86_64")]
    type Four = std::arch::x86_64::__m128;
    #[cfg(not(target_arch = "x86_64"))]
    type Four = Plain<f32>;
    #[cfg(target_arch = "x86_64")]
    type V512 = std::arch::x86_64::__m512;
    #[cfg(target_arch = "x86_64")]
    type V256 = std::arch::x86_64::__m256;
}

impl Real for f64 {
    type Four = Plain<f64>;
    #[cfg(target_arch = "x86_64")]
    type V512 = std::arch::x86_64::__m512d;
    #[cfg(target_arch = "x86_64")]
    type V256 = std::arch::x86_64::__m256d;
}
