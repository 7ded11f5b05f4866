//! The channels of images side by side, so that a place reads them in whole vectors.

use crate::gemm;
use crate::reduce::levels::levels;
use crate::reduce::real::Real;

/// Channels are padded to a multiple of this.
pub(super) const LANES: usize = 8;

/// f32 and f64.
pub(super) trait Lanes: Real + gemm::Real {}
impl Lanes for f32 {}
impl Lanes for f64 {}

/// For each place the weighted sum of `taps` elements of an image whose elements have `step` channels.
pub(super) fn sums<T: Lanes>(image: &[T], step: usize, index: &[usize], weight: &[T], taps: usize, to: &mut [T]) {
    debug_assert!(index.iter().all(|&i| (i + 1) * step <= image.len()));
    debug_assert_eq!(index.len() * step, to.len() * taps);
    // SAFETY: every index is of an element.
    unsafe { sum_all(image.as_ptr(), step, index, weight, taps, to) }
}

levels!(
    unsafe fn sum_all<T: Lanes>(image: *const T, step: usize, index: &[usize], weight: &[T], taps: usize, to: &mut [T]) = sum_all_body
);

#[inline(always)]
unsafe fn sum_all_body<T: Lanes, const F: bool>(
    image: *const T,
    step: usize,
    index: &[usize],
    weight: &[T],
    taps: usize,
    to: &mut [T],
) {
    let places = index.chunks_exact(taps).zip(weight.chunks_exact(taps));
    for (to, (index, weight)) in to.chunks_exact_mut(step).zip(places) {
        for (c, to) in to.chunks_exact_mut(LANES).enumerate() {
            let mut sum = [T::default(); LANES];
            for (&i, &w) in index.iter().zip(weight) {
                // SAFETY: the channels of an element.
                let x = unsafe { image.add(i * step + c * LANES).cast::<[T; LANES]>().read_unaligned() };
                for l in 0..LANES {
                    sum[l] = x[l].madd::<F>(w, sum[l]);
                }
            }
            to.copy_from_slice(&sum);
        }
    }
}

/// `to[i] += from[i] * w`.
pub(super) fn add<T: Lanes>(to: &mut [T], from: &[T], w: T) {
    // SAFETY: slices.
    unsafe { add_all(to, from, w) }
}

levels!(
    unsafe fn add_all<T: Lanes>(to: &mut [T], from: &[T], w: T) = add_all_body
);

#[inline(always)]
unsafe fn add_all_body<T: Lanes, const F: bool>(to: &mut [T], from: &[T], w: T) {
    for (to, from) in to.chunks_exact_mut(LANES).zip(from.chunks_exact(LANES)) {
        for l in 0..LANES {
            to[l] = from[l].madd::<F>(w, to[l]);
        }
    }
}

/// The sum of products.
pub(super) fn dot<T: Lanes>(a: &[T], b: &[T]) -> T {
    // SAFETY: slices.
    unsafe { dot_all(a, b) }
}

levels!(
    unsafe fn dot_all<T: Lanes>(a: &[T], b: &[T]) -> T = dot_all_body
);

#[inline(always)]
unsafe fn dot_all_body<T: Lanes, const F: bool>(a: &[T], b: &[T]) -> T {
    let mut sums = [T::default(); LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for l in 0..LANES {
            sums[l] = a[l].madd::<F>(b[l], sums[l]);
        }
    }
    sums.into_iter().fold(T::default(), |s, x| s + x)
}
