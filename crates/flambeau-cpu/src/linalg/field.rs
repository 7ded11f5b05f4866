//! The numbers of linear algebra.

use flambeau_types::Complex;
use num_traits::{Num, NumAssign};

use crate::gemm::Multiply;

/// Real and complex floating-point numbers.
pub(super) trait Field: Multiply + NumAssign + std::ops::Neg<Output = Self> {
    /// The size that pivots are chosen by: |re| + |im|, as LAPACK.
    fn abs1(self) -> f64;
    /// The absolute value.
    fn abs(self) -> f64;
    fn conj(self) -> Self;
    fn re(self) -> f64;
    fn im(self) -> f64;
    fn from_re(x: f64) -> Self;
}

macro_rules! field {
    ($($t:ty)*) => {$(
        impl Field for $t {
            fn abs1(self) -> f64 { self.abs() as f64 }
            fn abs(self) -> f64 { <$t>::abs(self) as f64 }
            #[inline(always)]
            fn conj(self) -> Self { self }
            fn re(self) -> f64 { self as f64 }
            fn im(self) -> f64 { 0.0 }
            fn from_re(x: f64) -> Self { x as $t }
        }
        impl Field for Complex<$t> {
            fn abs1(self) -> f64 { (self.re.abs() + self.im.abs()) as f64 }
            fn abs(self) -> f64 { self.norm() as f64 }
            #[inline(always)]
            fn conj(self) -> Self { Complex::new(self.re, -self.im) }
            fn re(self) -> f64 { self.re as f64 }
            fn im(self) -> f64 { self.im as f64 }
            fn from_re(x: f64) -> Self { Complex::new(x as $t, 0.0) }
        }
    )*};
}
field!(f32 f64);

/// `y[i] -= a * x[i]`.
#[inline(always)]
pub(super) fn subtract<T: Num + Copy>(y: &mut [T], a: T, x: &[T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = *y - a * x;
    }
}

/// Two different rows of a matrix whose rows are `width` apart: `i` to read, `j` to write.
#[inline(always)]
pub(super) fn rows<T>(a: &mut [T], width: usize, i: usize, j: usize) -> (&[T], &mut [T]) {
    if i < j {
        let (low, high) = a.split_at_mut(j * width);
        (&low[i * width..(i + 1) * width], &mut high[..width])
    } else {
        let (low, high) = a.split_at_mut(i * width);
        (&high[..width], &mut low[j * width..(j + 1) * width])
    }
}

/// A contiguous view's elements in a vector, aligned.
pub(super) fn load<T: Field>(v: &crate::View) -> Vec<T> {
    debug_assert!(v.is_contiguous());
    // SAFETY: element i of a contiguous view.
    (0..v.numel()).map(|i| unsafe { v.ptr().cast::<T>().add(i).read_unaligned() }).collect()
}

/// Writes elements, from `at` on, to a contiguous view.
pub(super) fn store<T: Copy>(to: &crate::gemm::Shared<T>, at: usize, from: &[T]) {
    for (i, &x) in from.iter().enumerate() {
        // SAFETY: the caller's view has these elements, which no other piece writes.
        unsafe { to.at((at + i) as isize).write_unaligned(x) };
    }
}

/// How fine the numbers of a type are. Searches work in double precision, but stop where those of the type itself would: so
/// they take as many steps, and the signs of the vectors are the same.
#[derive(Clone, Copy)]
pub(super) struct Precision {
    /// The difference of 1 and the next number.
    pub eps: f64,
    /// The smallest normal number.
    pub tiny: f64,
}

/// A number and its double-precision form, in which values and vectors are searched for.
pub(super) trait Widen: Field {
    const PRECISION: Precision;
    type Wide: Field;
    fn widen(self) -> Self::Wide;
    fn narrow(x: Self::Wide) -> Self;
}

macro_rules! widen {
    ($($t:ty)*) => {$(
        impl Widen for $t {
            const PRECISION: Precision = Precision { eps: <$t>::EPSILON as f64, tiny: <$t>::MIN_POSITIVE as f64 };
            type Wide = f64;
            fn widen(self) -> f64 { self as f64 }
            fn narrow(x: f64) -> $t { x as $t }
        }
        impl Widen for Complex<$t> {
            const PRECISION: Precision = <$t>::PRECISION;
            type Wide = Complex<f64>;
            fn widen(self) -> Complex<f64> { Complex::new(self.re as f64, self.im as f64) }
            fn narrow(x: Complex<f64>) -> Self { Complex::new(x.re as $t, x.im as $t) }
        }
    )*};
}
widen!(f32 f64);

/// Whether all numbers are finite.
pub(super) fn all_finite<T: Field>(a: &[T]) -> bool {
    a.iter().all(|x| x.re().is_finite() && x.im().is_finite())
}

/// The identity of n by n.
pub(super) fn identity<T: Field>(n: usize) -> Vec<T> {
    (0..n * n).map(|i| if i / n == i % n { T::one() } else { T::zero() }).collect()
}

/// Writes double-precision real numbers to a view of f32 or f64, from element `at` on.
pub(super) fn store_real(to: &crate::gemm::Shared<u8>, double: bool, at: usize, from: &[f64]) {
    for (i, &x) in from.iter().enumerate() {
        let at = (at + i) as isize;
        // SAFETY: the caller's view has these elements, which no other piece writes.
        unsafe {
            if double {
                to.at(at * 8).cast::<f64>().write_unaligned(x);
            } else {
                to.at(at * 4).cast::<f32>().write_unaligned(x as f32);
            }
        }
    }
}
