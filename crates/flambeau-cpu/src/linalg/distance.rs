//! Distances between rows.

use flambeau_types::DType;
use num_traits::Float;

use super::dims;
use crate::gemm::{Shared, for_pieces};
use crate::reduce::levels::levels;
use crate::{View, ViewMut};

/// Folds the absolute differences of two rows, in several parts that need not wait for each other.
#[inline(always)]
fn fold<T: Float>(a: &[T], b: &[T], with: impl Fn(T, T) -> T, join: impl Fn(T, T) -> T) -> T {
    let (a, b) = (a.chunks_exact(32), b.chunks_exact(32));
    let mut rest = T::zero();
    for (x, y) in a.remainder().iter().zip(b.remainder()) {
        rest = with(rest, (*x - *y).abs());
    }
    let mut parts = [T::zero(); 32];
    for (x, y) in a.zip(b) {
        for i in 0..32 {
            parts[i] = with(parts[i], (x[i] - y[i]).abs());
        }
    }
    // Through memory: else the compiler arranges the loop in the order of this last sum.
    std::hint::black_box(parts).into_iter().fold(rest, join)
}

/// The greater; not a number wins.
#[inline(always)]
fn greater<T: Float>(x: T, y: T) -> T {
    if x > y || x.is_nan() { x } else { y }
}

#[inline(always)]
fn distance<T: Float>(a: &[T], b: &[T], p: T) -> T {
    let sum = |x: T, y: T| x + y;
    if p == T::zero() {
        let count = |s: T, d: T| if d == T::zero() { s } else { s + T::one() };
        fold(a, b, count, sum)
    } else if p == T::one() {
        fold(a, b, sum, sum)
    } else if p == T::one() + T::one() {
        fold(a, b, |s, d| s + d * d, sum).sqrt()
    } else if p.is_infinite() {
        fold(a, b, greater, greater)
    } else {
        fold(a, b, |s, d| s + d.powf(p), sum).powf(T::one() / p)
    }
}

/// The distances of one row from `b`'s `k` rows, to `out`.
///
/// # Safety
/// `out` has room for them.
#[inline(always)]
unsafe fn row_body<T: Float, const FUSED: bool>(a: &[T], b: &[T], k: usize, p: T, out: *mut T) {
    for j in 0..k {
        let d = distance(a, &b[j * a.len()..(j + 1) * a.len()], p);
        // SAFETY: the caller's promise.
        unsafe { out.add(j).write_unaligned(d) };
    }
}

levels! {
    /// [`row_body`] with the processor's instructions.
    ///
    /// # Safety
    /// As for that.
    unsafe fn row_distances<T: Float>(a: &[T], b: &[T], k: usize, p: T, out: *mut T) = row_body
}

/// The `p`-norms of the differences between all rows of `a` (..., n, m) and all rows of `b` (..., k, m), to `out` (..., n, k); all of
/// one dtype, f32 or f64 (others do nothing).
pub fn cdist(out: &mut ViewMut, a: View, b: View, p: f64) {
    match a.dtype() {
        DType::F32 => all::<f32>(out, &a, &b, p as f32),
        DType::F64 => all::<f64>(out, &a, &b, p),
        _ => {}
    }
}

fn all<T: Float + Send + Sync>(out: &mut ViewMut, a: &View, b: &View, p: T) {
    let (_, n, m) = dims(a.sizes());
    let (batch, k, _) = dims(b.sizes());
    debug_assert!(a.is_contiguous() && b.is_contiguous() && out.numel() == batch * n * k);
    let read = |v: &View| -> Vec<T> {
        // SAFETY: element i of a contiguous view.
        (0..v.numel()).map(|i| unsafe { v.ptr().cast::<T>().add(i).read_unaligned() }).collect()
    };
    let (a, b) = (read(a), read(b));
    let out = Shared::new(out.ptr().cast::<T>());
    for_pieces(0..batch * n, (1usize << 14).div_ceil((k * m).max(1)), |rows| {
        for row in rows {
            let first = &a[row * m..(row + 1) * m];
            let others = &b[row / n * k * m..(row / n + 1) * k * m];
            // SAFETY: row `row` of the output, which no other piece writes.
            unsafe { row_distances(first, others, k, p, out.at((row * k) as isize)) };
        }
    });
}
