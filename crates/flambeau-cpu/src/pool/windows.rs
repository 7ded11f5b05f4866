//! Pooling over windows of one to three dimensions that are told one by one: volumes, and windows that adapt.

use flambeau_types::DType;

use super::mean::Means;
use super::{GRAIN, Pooled, by_pooled};
use crate::gemm::{Real, Shared, for_pieces};
use crate::{View, ViewMut};

/// One window along one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its first element.
    pub start: i64,
    /// Where it ends: no element lies there or beyond.
    pub end: i64,
    /// Distance between its elements.
    pub step: i64,
    /// How many elements it counts for in a mean, padding included where that counts.
    pub count: i64,
}

/// The windows of fixed size that pooling moves along a dimension of `size` elements.
pub fn fixed_windows(size: i64, out: i64, kernel: i64, stride: i64, padding: i64, dilation: i64) -> Vec<Window> {
    let window = |o: i64| {
        let first = o * stride - padding;
        let skipped = if first < 0 { (-first + dilation - 1) / dilation } else { 0 };
        let count = (first + kernel).min(size + padding) - first;
        Window { start: first + skipped * dilation, end: (first + kernel * dilation).min(size), step: dilation, count }
    };
    (0..out).map(window).collect()
}

/// The windows that cover a dimension of `size` elements with `out` of them, as evenly as can be.
pub fn adaptive_windows(size: i64, out: i64) -> Vec<Window> {
    let window = |o: i64| {
        let start = o / out * size + o % out * size / out;
        let end = 1 + ((o + 1) * size - 1).div_euclid(out);
        Window { start, end, step: 1, count: end - start }
    };
    (0..out).map(window).collect()
}

/// Windows in each of the last dimensions, the last one last.
pub type Windows<'a> = &'a [Vec<Window>];

const WHOLE: &[Window] = &[Window { start: 0, end: 1, step: 1, count: 1 }];

/// The windows along the dimension `d` of three: those that are missing in front have one window for all.
pub(super) fn along(windows: Windows<'_>, d: usize) -> &[Window] {
    (d + windows.len()).checked_sub(3).map_or(WHOLE, |d| windows[d].as_slice())
}

/// The windows of a plane in order: the ranges of a window in each of three dimensions.
fn each(windows: Windows, mut f: impl FnMut(usize, [Window; 3])) {
    let mut at = 0;
    for &a in along(windows, 0) {
        for &b in along(windows, 1) {
            for &c in along(windows, 2) {
                f(at, [a, b, c]);
                at += 1;
            }
        }
    }
}

/// Calls `f` with the places of a window's elements in a plane whose last two sizes are these.
#[inline(always)]
fn places([a, b, c]: [Window; 3], [rows, columns]: [i64; 2], mut f: impl FnMut(i64)) {
    let mut i = a.start;
    while i < a.end {
        let mut j = b.start;
        while j < b.end {
            let row = (i * rows + j) * columns;
            let mut k = c.start;
            while k < c.end {
                f(row + k);
                k += c.step.max(1);
            }
            j += b.step.max(1);
        }
        i += a.step.max(1);
    }
}

/// How many planes there are, the elements of each, and their last two sizes.
fn planes(sizes: &[i64], n: usize) -> (usize, usize, [i64; 2]) {
    let (lead, plane) = sizes.split_at(sizes.len() - n);
    let rows = if n > 1 { plane[n - 2] } else { 1 };
    (lead.iter().product::<i64>() as usize, plane.iter().product::<i64>() as usize, [rows, plane[n - 1]])
}

/// Elements that all windows of a plane read.
fn work(windows: Windows) -> usize {
    windows.iter().map(|w| w.iter().map(|w| (w.end - w.start).max(1) as usize).sum::<usize>()).product::<usize>().max(1)
}

/// The maximum of each window and where in its plane it lies (int64), the first of equal ones; a nan wins. All contiguous;
/// bool and complex do nothing.
pub fn max_windows(out: &mut ViewMut, indices: &mut ViewMut, input: View, windows: Windows) {
    debug_assert_eq!(out.sizes(), indices.sizes());
    by_pooled!(input.dtype(), T => max_of::<T>(out, indices, &input, |_| windows));
}

/// [`max_windows`], where each plane has windows of its own.
pub fn max_windows_each(out: &mut ViewMut, indices: &mut ViewMut, input: View, planes: &[Vec<Vec<Window>>]) {
    debug_assert_eq!(out.sizes(), indices.sizes());
    if !planes.is_empty() {
        by_pooled!(input.dtype(), T => max_of::<T>(out, indices, &input, |plane| &planes[plane]));
    }
}

fn max_of<'a, T: Pooled>(
    out: &mut ViewMut,
    indices: &mut ViewMut,
    input: &View,
    windows_of: impl Fn(usize) -> Windows<'a> + Sync,
) {
    let windows = windows_of(0);
    let (count, size, last) = planes(input.sizes(), windows.len());
    let (_, out_size, _) = planes(out.sizes(), windows.len());
    let x = Shared::read(input.ptr().cast::<T>());
    let (y, at) = (Shared::new(out.ptr().cast::<T>()), Shared::new(indices.ptr().cast::<i64>()));
    for_pieces(0..count, GRAIN.div_ceil(work(windows)), |range| {
        for plane in range {
            let x = x.at((plane * size) as isize);
            each(windows_of(plane), |o, window| {
                let [a, b, c] = window;
                let empty = window.iter().any(|w| w.start >= w.end);
                let first = if empty { 0 } else { (a.start * last[0] + b.start) * last[1] + c.start };
                let mut best = (T::LOWEST, first);
                places(window, last, |place| {
                    // SAFETY: an element of this plane.
                    let value = unsafe { x.wrapping_offset(place as isize).read_unaligned() };
                    if value.exceeds(best.0) {
                        best = (value, place);
                    }
                });
                let o = (plane * out_size + o) as isize;
                // SAFETY: an element of this plane's output.
                unsafe {
                    y.at(o).write_unaligned(best.0);
                    at.at(o).write_unaligned(best.1);
                }
            });
        }
    });
}

/// What the sum of a window is divided by.
pub(super) fn divisor(window: [Window; 3], inside_only: bool, fixed: Option<i64>) -> i64 {
    let inside = |w: Window| (w.end - w.start).max(0);
    fixed.unwrap_or_else(|| window.iter().map(|&w| if inside_only { inside(w) } else { w.count }).product())
}

/// The mean of each window: over the elements it counts for, only those inside the plane, or a number of the caller's.
/// Contiguous; bool and complex do nothing.
pub fn avg_windows(out: &mut ViewMut, input: View, windows: Windows, inside_only: bool, fixed: Option<i64>) {
    match input.dtype() {
        DType::F32 => vector_mean::<f32>(out, &input, windows, inside_only, fixed),
        DType::F64 => vector_mean::<f64>(out, &input, windows, inside_only, fixed),
        dtype => by_pooled!(dtype, T => mean_of::<T>(out, &input, windows, inside_only, fixed)),
    }
}

fn vector_mean<T: Real>(out: &mut ViewMut, input: &View, windows: Windows, inside_only: bool, fixed: Option<i64>) {
    let (count, size, last) = planes(input.sizes(), windows.len());
    let (_, out_size, _) = planes(out.sizes(), windows.len());
    let means = Means::new(windows, last, inside_only, fixed);
    let (x, y) = (Shared::read(input.ptr().cast::<T>()), Shared::new(out.ptr().cast::<T>()));
    for_pieces(0..count, GRAIN.div_ceil(work(windows)), |range| {
        let mut line = vec![T::zero(); last[1] as usize];
        for plane in range {
            // SAFETY: a plane of the input, and one of the output.
            unsafe { means.forward(x.at((plane * size) as isize), y.at((plane * out_size) as isize), &mut line) };
        }
    });
}

fn mean_of<T: Pooled>(out: &mut ViewMut, input: &View, windows: Windows, inside_only: bool, fixed: Option<i64>) {
    let (count, size, last) = planes(input.sizes(), windows.len());
    let (_, out_size, _) = planes(out.sizes(), windows.len());
    let (x, y) = (Shared::read(input.ptr().cast::<T>()), Shared::new(out.ptr().cast::<T>()));
    for_pieces(0..count, GRAIN.div_ceil(work(windows)), |range| {
        for plane in range {
            let x = x.at((plane * size) as isize);
            each(windows, |o, window| {
                let mut sum = T::ZERO;
                places(window, last, |place| {
                    // SAFETY: an element of this plane.
                    sum = T::add(sum, unsafe { x.wrapping_offset(place as isize).read_unaligned() });
                });
                let by = divisor(window, inside_only, fixed);
                let mean = if by == 0 { T::round(T::ZERO) } else { T::mean(sum, by) };
                // SAFETY: an element of this plane's output.
                unsafe { y.at((plane * out_size + o) as isize).write_unaligned(mean) };
            });
        }
    });
}

/// The gradient of [`avg_windows`]: each window's gradient is shared out among its elements.
pub fn avg_windows_backward(
    grad: &mut ViewMut,
    grad_out: View,
    windows: Windows,
    inside_only: bool,
    fixed: Option<i64>,
) {
    match grad.dtype() {
        DType::F32 => vector_shares::<f32>(grad, &grad_out, windows, inside_only, fixed),
        DType::F64 => vector_shares::<f64>(grad, &grad_out, windows, inside_only, fixed),
        dtype => by_pooled!(dtype, T => share_out::<T>(grad, &grad_out, windows, inside_only, fixed)),
    }
}

fn vector_shares<T: Real>(
    grad: &mut ViewMut,
    grad_out: &View,
    windows: Windows,
    inside_only: bool,
    fixed: Option<i64>,
) {
    let (count, size, last) = planes(grad.sizes(), windows.len());
    let (_, out_size, _) = planes(grad_out.sizes(), windows.len());
    let means = Means::new(windows, last, inside_only, fixed);
    let (x, g) = (Shared::new(grad.ptr().cast::<T>()), Shared::read(grad_out.ptr().cast::<T>()));
    for_pieces(0..count, GRAIN.div_ceil(work(windows) + size), |range| {
        let mut line = vec![T::zero(); last[1] as usize];
        for plane in range {
            // SAFETY: a plane of the gradient, which only this piece writes, and one of the output's.
            unsafe {
                means.backward(x.at((plane * size) as isize), g.at((plane * out_size) as isize), size, &mut line)
            };
        }
    });
}

fn share_out<T: Pooled>(grad: &mut ViewMut, grad_out: &View, windows: Windows, inside_only: bool, fixed: Option<i64>) {
    let (count, size, last) = planes(grad.sizes(), windows.len());
    let (_, out_size, _) = planes(grad_out.sizes(), windows.len());
    let (x, g) = (Shared::new(grad.ptr().cast::<T>()), Shared::read(grad_out.ptr().cast::<T>()));
    for_pieces(0..count, GRAIN.div_ceil(work(windows) + size), |range| {
        let mut sums = vec![T::ZERO; size];
        for plane in range {
            sums.fill(T::ZERO);
            each(windows, |o, window| {
                let by = divisor(window, inside_only, fixed);
                if by == 0 {
                    return;
                }
                // SAFETY: an element of this plane's gradient.
                let g = unsafe { g.at((plane * out_size + o) as isize).read_unaligned() };
                let share = T::mean(T::add(T::ZERO, g), by);
                places(window, last, |place| {
                    let sum = &mut sums[place as usize];
                    *sum = T::add(*sum, share);
                });
            });
            for (i, &sum) in sums.iter().enumerate() {
                // SAFETY: an element of this plane.
                unsafe { x.at((plane * size + i) as isize).write_unaligned(T::round(sum)) };
            }
        }
    });
}
