//! Means of windows in f32 and f64: rows are added first, whole vectors at a time, then what lies side by side.

use super::windows::{Window, Windows, along, divisor};
use crate::gemm::Real;
use crate::reduce::levels::levels;

/// Windows of one dimension that have the same length and lie in equal steps: a range of them.
#[derive(Clone, Copy)]
struct Regular {
    from: usize,
    to: usize,
    length: usize,
    step: usize,
}

/// The longest windows that follow each other regularly.
fn regular(windows: &[Window]) -> Regular {
    let length = |w: &Window| (w.end - w.start).max(0);
    let most = windows.iter().map(length).max().unwrap_or(0);
    let from = windows.iter().position(|w| length(w) == most).unwrap_or(0);
    let step = windows.get(from + 1).map_or(1, |w| w.start - windows[from].start);
    let like = |i: usize, w: &Window| {
        let first = &windows[from];
        length(w) == most && w.count == first.count && w.start == first.start + i as i64 * step
    };
    let n = windows[from..].iter().enumerate().take_while(|(i, w)| like(*i, w)).count();
    Regular { from, to: from + n, length: most as usize, step: step.max(0) as usize }
}

/// How the planes of a call are pooled.
pub(super) struct Means<'a> {
    windows: [&'a [Window]; 3],
    last: [i64; 2],
    inside_only: bool,
    fixed: Option<i64>,
    regular: Regular,
}

impl<'a> Means<'a> {
    pub fn new(windows: Windows<'a>, last: [i64; 2], inside_only: bool, fixed: Option<i64>) -> Means<'a> {
        let windows = [0, 1, 2].map(|d| along(windows, d));
        Means { windows, last, inside_only, fixed, regular: regular(windows[2]) }
    }

    fn divisor<T: Real>(&self, a: Window, b: Window, c: Window) -> T {
        num_traits::NumCast::from(divisor([a, b, c], self.inside_only, self.fixed)).unwrap_or(T::zero())
    }

    /// The means of one plane.
    ///
    /// # Safety
    /// `x` and `y` have a plane of the input and of the output.
    pub unsafe fn forward<T: Real>(&self, x: *const T, y: *mut T, line: &mut [T]) {
        // SAFETY: forwarded.
        unsafe { forward(self, x, y, line) }
    }

    /// Adds the gradient of each mean of one plane to what it was made of; `x` is overwritten.
    ///
    /// # Safety
    /// As for `forward`.
    pub unsafe fn backward<T: Real>(&self, x: *mut T, g: *const T, size: usize, line: &mut [T]) {
        // SAFETY: forwarded.
        unsafe { backward(self, x, g, size, line) }
    }
}

/// The elements of a window; none where it ends before it starts.
fn inside(w: Window) -> std::ops::Range<usize> {
    let end = w.end.max(0) as usize;
    end.min(w.start.max(0) as usize)..end
}

/// `to[i] += from[i]`, through local arrays so that it vectorises.
#[inline(always)]
unsafe fn add<T: Real>(from: *const T, to: *mut T, n: usize) {
    let mut i = 0;
    // SAFETY: i stays below n.
    unsafe {
        while i + 16 <= n {
            let (xs, ys) = (from.add(i).cast::<[T; 16]>(), to.add(i).cast::<[T; 16]>());
            let (xs, mut sums) = (xs.read_unaligned(), ys.read_unaligned());
            for j in 0..16 {
                sums[j] = sums[j] + xs[j];
            }
            ys.write_unaligned(sums);
            i += 16;
        }
        for i in i..n {
            to.add(i).write_unaligned(to.add(i).read_unaligned() + from.add(i).read_unaligned());
        }
    }
}

levels!(
    unsafe fn forward<T: Real>(m: &Means, x: *const T, y: *mut T, line: &mut [T]) = forward_body
);

#[inline(always)]
unsafe fn forward_body<T: Real, const F: bool>(m: &Means, x: *const T, y: *mut T, line: &mut [T]) {
    let [rows, columns] = m.last.map(|n| n as usize);
    let [ws0, ws1, ws2] = m.windows;
    let mut y = y;
    for &a in ws0 {
        for &b in ws1 {
            line.fill(T::zero());
            for i in a.start..a.end {
                for j in b.start..b.end {
                    // SAFETY: a row of the plane.
                    unsafe { add(x.add((i as usize * rows + j as usize) * columns), line.as_mut_ptr(), columns) };
                }
            }
            let one = |c: Window| {
                let by: T = m.divisor(a, b, c);
                let sum = line[inside(c)].iter().fold(T::zero(), |s, &x| s + x);
                if by == T::zero() { T::zero() } else { sum / by }
            };
            let r = m.regular;
            // SAFETY: elements of this row of the output.
            let put = |o: usize, x: T| unsafe { y.add(o).write_unaligned(x) };
            (0..r.from).chain(r.to..ws2.len()).for_each(|o| put(o, one(ws2[o])));
            if r.from < r.to {
                let by: T = m.divisor(a, b, ws2[r.from]);
                let mut o = r.from;
                let first = ws2[r.from].start as usize;
                let at = |o: usize| first + (o - r.from) * r.step;
                if by != T::zero() {
                    if r.step == 1 {
                        while o + 16 <= r.to {
                            let mut sums = [T::zero(); 16];
                            for k in 0..r.length {
                                let xs = &line[at(o) + k..at(o) + k + 16];
                                for j in 0..16 {
                                    sums[j] = sums[j] + xs[j];
                                }
                            }
                            // SAFETY: 16 elements of this row of the output.
                            unsafe { y.add(o).cast::<[T; 16]>().write_unaligned(sums.map(|s| s / by)) };
                            o += 16;
                        }
                    } else if (r.step, r.length) == (2, 2) {
                        while o + 8 <= r.to {
                            let xs = &line[at(o)..at(o) + 16];
                            let means: [T; 8] = std::array::from_fn(|j| (xs[2 * j] + xs[2 * j + 1]) / by);
                            // SAFETY: 8 elements of this row of the output.
                            unsafe { y.add(o).cast::<[T; 8]>().write_unaligned(means) };
                            o += 8;
                        }
                    }
                }
                (o..r.to).for_each(|o| put(o, one(ws2[o])));
            }
            y = y.wrapping_add(ws2.len());
        }
    }
}

levels!(
    unsafe fn backward<T: Real>(m: &Means, x: *mut T, g: *const T, size: usize, line: &mut [T]) = backward_body
);

#[inline(always)]
unsafe fn backward_body<T: Real, const F: bool>(m: &Means, x: *mut T, g: *const T, size: usize, line: &mut [T]) {
    let [rows, columns] = m.last.map(|n| n as usize);
    let [ws0, ws1, ws2] = m.windows;
    for i in 0..size {
        // SAFETY: an element of this plane.
        unsafe { x.add(i).write_unaligned(T::zero()) };
    }
    let mut g = g;
    for &a in ws0 {
        for &b in ws1 {
            line.fill(T::zero());
            for (o, &c) in ws2.iter().enumerate() {
                let by: T = m.divisor(a, b, c);
                if by == T::zero() {
                    continue;
                }
                // SAFETY: an element of this row of the gradient.
                let share = unsafe { g.add(o).read_unaligned() } / by;
                line[inside(c)].iter_mut().for_each(|x| *x = *x + share);
            }
            for i in a.start..a.end {
                for j in b.start..b.end {
                    // SAFETY: a row of the plane.
                    unsafe { add(line.as_ptr(), x.add((i as usize * rows + j as usize) * columns), columns) };
                }
            }
            g = g.wrapping_add(ws2.len());
        }
    }
}
