//! Discrete Fourier transforms along dimensions of strided views: complex to complex, real to complex, complex to real.
//! None is normalized; every one multiplies its result by a scale.

mod lanes;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use flambeau_types::{Complex, DType};
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftNum, FftPlanner};
use smallvec::SmallVec;

use crate::gemm::scratch::{self, Slot};
use crate::gemm::{self, Shared, for_pieces};
use crate::{View, ViewMut};

/// Elements that are worth a thread.
const GRAIN: usize = 1 << 13;

/// Lines that are transformed together where their elements are far apart, so that a cache line serves several.
const TOGETHER: usize = 8;

/// Elements that are transformed together where lines lie in one piece, so that short ones share their buffers.
const PIECE: usize = 1 << 12;

/// The real numbers of transforms, with a planner in each thread: plans are kept, by length.
trait Real: FftNum + gemm::Real {
    /// The plan for many lines of this length at once, if there is one.
    fn lanes(n: usize) -> Option<Arc<lanes::Plan<Self>>>;
    fn complex(n: usize, forward: bool) -> Arc<dyn Fft<Self>>;
    fn to_complex(n: usize) -> Arc<dyn RealToComplex<Self>>;
    fn to_real(n: usize) -> Arc<dyn ComplexToReal<Self>>;
    fn from(x: f64) -> Self;
}

macro_rules! real {
    ($($t:ident)*) => {$(
        impl Real for $t {
            fn lanes(n: usize) -> Option<Arc<lanes::Plan<$t>>> {
                type Plans = HashMap<usize, Option<Arc<lanes::Plan<$t>>>>;
                thread_local!(static PLANS: RefCell<Plans> = RefCell::new(HashMap::new()));
                PLANS.with_borrow_mut(|p| p.entry(n).or_insert_with(|| lanes::Plan::new(n).map(Arc::new)).clone())
            }
            fn complex(n: usize, forward: bool) -> Arc<dyn Fft<$t>> {
                thread_local!(static PLANS: RefCell<FftPlanner<$t>> = RefCell::new(FftPlanner::new()));
                PLANS.with_borrow_mut(|p| if forward { p.plan_fft_forward(n) } else { p.plan_fft_inverse(n) })
            }
            fn to_complex(n: usize) -> Arc<dyn RealToComplex<$t>> {
                thread_local!(static PLANS: RefCell<RealFftPlanner<$t>> = RefCell::new(RealFftPlanner::new()));
                PLANS.with_borrow_mut(|p| p.plan_fft_forward(n))
            }
            fn to_real(n: usize) -> Arc<dyn ComplexToReal<$t>> {
                thread_local!(static PLANS: RefCell<RealFftPlanner<$t>> = RefCell::new(RealFftPlanner::new()));
                PLANS.with_borrow_mut(|p| p.plan_fft_inverse(n))
            }
            fn from(x: f64) -> $t {
                x as $t
            }
        }
    )*};
}
real!(f32 f64);

/// The lines along one dimension of two views that differ at most in their length there.
struct Lines {
    /// Of the other dimensions: size, stride in the source, stride in the target; the last is walked fastest.
    others: SmallVec<[(usize, isize, isize); 6]>,
    count: usize,
    /// Length and stride in the source, and in the target.
    from: (usize, isize),
    to: (usize, isize),
}

impl Lines {
    fn new(from: (&[i64], &[i64]), to: (&[i64], &[i64]), dim: usize) -> Lines {
        let mut others: SmallVec<[(usize, isize, isize); 6]> = (0..to.0.len())
            .filter(|&d| d != dim && to.0[d] != 1)
            .map(|d| (to.0[d] as usize, from.1[d] as isize, to.1[d] as isize))
            .collect();
        others.sort_by_key(|o| std::cmp::Reverse(o.2.abs()));
        // Dimensions that are walked as one become one, so that runs of lines are long.
        others.dedup_by(|inner, outer| {
            let n = inner.0 as isize;
            let one = outer.1 == n * inner.1 && outer.2 == n * inner.2;
            if one {
                *outer = (outer.0 * inner.0, inner.1, inner.2);
            }
            one
        });
        Lines {
            count: others.iter().map(|o| o.0).product(),
            others,
            from: (from.0[dim] as usize, from.1[dim] as isize),
            to: (to.0[dim] as usize, to.1[dim] as isize),
        }
    }

    /// Where a line begins in the source and in the target.
    fn start(&self, mut line: usize) -> (isize, isize) {
        let mut at = (0, 0);
        for &(n, s, t) in self.others.iter().rev() {
            let i = (line % n) as isize;
            line /= n;
            at = (at.0 + i * s, at.1 + i * t);
        }
        at
    }

    /// Transforms the lines by a plan for many at once; without one, or for few lines, not: false. Strides of the lines are in
    /// complex elements, but for those of a real side.
    fn together<T: Real>(
        &self,
        (from, to): (Shared<T>, Shared<T>),
        n: usize,
        forward: bool,
        real: bool,
        scale: f64,
    ) -> bool {
        let width = lanes::lanes::<T>();
        if self.count < width / 2 {
            return false;
        }
        let Some(plan) = T::lanes(n) else { return false };
        let (run, gap) = self.others.last().map_or((1, (0, 0)), |&(n, from, to)| (n, (from, to)));
        let groups = self.count.div_ceil(width);
        let scale = <T as Real>::from(scale);
        // Numbers from line to line, element to element and part to part.
        let side = |real: bool, line: isize, stride: isize| {
            if real { (line, 2 * stride, stride) } else { (2 * line, 2 * stride, 1) }
        };
        for_pieces(0..groups, GRAIN.div_ceil(2 * n * width), |range| {
            scratch::with::<T, _>(Slot::Outer, lanes::room(&plan), |buffer| {
                for group in range {
                    let last = ((group + 1) * width).min(self.count);
                    let mut line = group * width;
                    while line < last {
                        // As many as are equally far apart.
                        let first = self.start(line);
                        let count = (last - line).min(run - line % run);
                        let (x, y) =
                            (side(real && forward, gap.0, self.from.1), side(real && !forward, gap.1, self.to.1));
                        let at = |start: isize, real: bool| if real { start } else { 2 * start };
                        let job = lanes::Job {
                            plan: &plan,
                            from: lanes::Place {
                                ptr: from.at(at(first.0, real && forward)).cast_const(),
                                line: x.0,
                                step: x.1,
                                part: x.2,
                            },
                            to: lanes::Place {
                                ptr: to.at(at(first.1, real && !forward)),
                                line: y.0,
                                step: y.1,
                                part: y.2,
                            },
                            count,
                            forward,
                            scale,
                            real,
                        };
                        // SAFETY: lines of the source and of the target, which no other piece writes; the plan's room.
                        unsafe { lanes::transform(&job, buffer) };
                        line += count;
                    }
                }
            });
        });
        true
    }

    /// Runs `f` on groups of lines, over threads.
    fn each(&self, f: impl Fn(&[(isize, isize)]) + Sync) {
        let length = self.from.0.max(self.to.0).max(1);
        let together = if self.from.1 == 1 && self.to.1 == 1 { (PIECE / length).max(1) } else { TOGETHER };
        let groups = self.count.div_ceil(together);
        for_pieces(0..groups, GRAIN.div_ceil(length * together), |range| {
            let mut starts: SmallVec<[(isize, isize); TOGETHER]> = SmallVec::new();
            for group in range {
                starts.clear();
                starts.extend((group * together..((group + 1) * together).min(self.count)).map(|l| self.start(l)));
                f(&starts);
            }
        });
    }
}

/// Reads the lines at `starts`, one after another, `n` elements each.
///
/// # Safety
/// Every element named must lie within the view that `from` points into.
unsafe fn gather<T: Copy>(
    buffer: &mut Vec<T>,
    from: *const T,
    starts: impl Iterator<Item = isize> + Clone,
    (n, stride): (usize, isize),
    empty: T,
) {
    buffer.clear();
    buffer.resize(starts.clone().count() * n, empty);
    if stride == 1 {
        for (line, start) in buffer.chunks_exact_mut(n.max(1)).zip(starts) {
            // SAFETY: the caller's promise; bytes, as the memory may be unaligned.
            unsafe {
                let bytes = from.wrapping_offset(start).cast::<u8>();
                std::ptr::copy_nonoverlapping(bytes, line.as_mut_ptr().cast(), size_of_val(line));
            }
        }
        return;
    }
    for k in 0..n {
        for (l, start) in starts.clone().enumerate() {
            // SAFETY: the caller's promise; the memory may be unaligned.
            buffer[l * n + k] = unsafe { from.wrapping_offset(start + k as isize * stride).read_unaligned() };
        }
    }
}

/// The transform of complex `x` along `dims`, in turn, times `scale`: `out[j] = sum of x[k] exp(-+ 2 pi i j k / n)`, minus
/// where `forward`. `out` has the sizes and the dtype of `x`, complex.
pub fn c2c(out: &mut ViewMut, x: View, dims: &[usize], scale: f64, forward: bool) {
    match out.dtype() {
        DType::C64 => c2c_of::<f32>(out, &x, dims, scale, forward),
        DType::C128 => c2c_of::<f64>(out, &x, dims, scale, forward),
        other => unreachable!("a transform of {other:?}"),
    }
}

fn c2c_of<T: Real>(out: &mut ViewMut, x: &View, dims: &[usize], scale: f64, forward: bool) {
    let to = (out.sizes(), out.strides());
    let (target, source) = (Shared::new(out.ptr().cast::<Complex<T>>()), Shared::read(x.ptr().cast::<Complex<T>>()));
    for (i, &dim) in dims.iter().enumerate() {
        let from = if i == 0 { (x.sizes(), x.strides()) } else { to };
        let source = if i == 0 { &source } else { &target };
        let scale = if i + 1 == dims.len() { scale } else { 1.0 };
        c2c_along::<T>(&Lines::new(from, to, dim), source, &target, scale, forward);
    }
}

fn c2c_along<T: Real>(
    lines: &Lines,
    source: &Shared<Complex<T>>,
    target: &Shared<Complex<T>>,
    scale: f64,
    forward: bool,
) {
    let n = lines.to.0;
    if n == 0 || lines.count == 0 {
        return;
    }
    if lines.together((numbers(source), numbers(target)), n, forward, false, scale) {
        return;
    }
    let plan = T::complex(n, forward);
    let factor = <T as Real>::from(scale);
    lines.each(|starts| {
        let mut line = Vec::new();
        let mut scratch = vec![zero::<T>(); plan.get_inplace_scratch_len()];
        // SAFETY: elements of the source.
        unsafe { gather(&mut line, source.at(0), starts.iter().map(|s| s.0), lines.from, zero()) };
        plan.process_with_scratch(&mut line, &mut scratch);
        scatter(target, &line, starts, lines.to, |z| if scale == 1.0 { z } else { z * factor });
    });
}

/// Complex numbers as the real ones that they consist of.
fn numbers<T: Real>(z: &Shared<Complex<T>>) -> Shared<T> {
    Shared::new(z.at(0).cast())
}

fn zero<T: Real>() -> Complex<T> {
    Complex::new(T::zero(), T::zero())
}

/// Writes lines that lie one after another to where they belong.
fn scatter<T: Copy>(
    target: &Shared<T>,
    lines: &[T],
    starts: &[(isize, isize)],
    (n, stride): (usize, isize),
    f: impl Fn(T) -> T,
) {
    let put = |l: usize, k: usize| {
        let at = starts[l].1 + k as isize * stride;
        // SAFETY: an element of the target, on a line that no other piece writes.
        unsafe { target.at(at).write_unaligned(f(lines[l * n + k])) };
    };
    if stride == 1 {
        (0..starts.len()).for_each(|l| (0..n).for_each(|k| put(l, k)));
    } else {
        (0..n).for_each(|k| (0..starts.len()).for_each(|l| put(l, k)));
    }
}

/// The forward transform of real `x` along `dims` times `scale`. `out` is complex; along the last of `dims` it may hold only
/// the first half, `n / 2 + 1` elements: the others are their conjugates.
pub fn r2c(out: &mut ViewMut, x: View, dims: &[usize], scale: f64) {
    match out.dtype() {
        DType::C64 => r2c_of::<f32>(out, &x, dims, scale),
        DType::C128 => r2c_of::<f64>(out, &x, dims, scale),
        other => unreachable!("a transform into {other:?}"),
    }
}

fn r2c_of<T: Real>(out: &mut ViewMut, x: &View, dims: &[usize], scale: f64) {
    let Some((&last, rest)) = dims.split_last() else { return };
    let n = x.sizes()[last] as usize;
    let half = n / 2 + 1;
    let wanted = out.sizes()[last] as usize;
    if n == 0 || out.numel() == 0 {
        return;
    }
    // The rest of each line follows from the first half.
    let mut sizes: SmallVec<[i64; 6]> = out.sizes().into();
    sizes[last] = half.min(wanted) as i64;
    let to = (sizes.as_slice(), out.strides());
    let (target, source) = (Shared::new(out.ptr().cast::<Complex<T>>()), Shared::read(x.ptr().cast::<T>()));
    let lines = Lines::new((x.sizes(), x.strides()), to, last);
    let even = n.is_multiple_of(2) && wanted >= half;
    if !(even && lines.together((source, numbers(&target)), n / 2, true, true, scale)) {
        real_lines(&lines, source, &target, scale);
    }
    for &dim in rest {
        c2c_along::<T>(&Lines::new(to, to, dim), &target, &target, 1.0, true);
    }
    if wanted > half {
        mirror(&target, (out.sizes(), out.strides()), rest, last, half);
    }
}

/// The first elements of the transforms of real lines.
fn real_lines<T: Real>(lines: &Lines, source: Shared<T>, target: &Shared<Complex<T>>, scale: f64) {
    let (n, wanted) = (lines.from.0, lines.to.0);
    let plan = T::to_complex(n);
    let factor = <T as Real>::from(scale);
    lines.each(|starts| {
        let (mut line, mut whole) = (Vec::new(), Vec::with_capacity(starts.len() * wanted));
        let (mut result, mut scratch) = (plan.make_output_vec(), plan.make_scratch_vec());
        // SAFETY: elements of the source.
        unsafe { gather(&mut line, source.at(0), starts.iter().map(|s| s.0), lines.from, T::zero()) };
        for real in line.chunks_exact_mut(n) {
            if plan.process_with_scratch(real, &mut result, &mut scratch).is_err() {
                unreachable!("the buffers were made by the plan");
            }
            whole.extend_from_slice(&result[..wanted]);
        }
        scatter(target, &whole, starts, lines.to, |z| if scale == 1.0 { z } else { z * factor });
    });
}

/// Fills lines along `last` from element `half` on: they are the conjugates of what lies on the other side of the zero, along
/// all dimensions transformed.
fn mirror<T: Real>(
    target: &Shared<Complex<T>>,
    (sizes, strides): (&[i64], &[i64]),
    rest: &[usize],
    last: usize,
    half: usize,
) {
    let others: SmallVec<[usize; 6]> = (0..sizes.len()).filter(|&d| d != last).collect();
    let count: usize = others.iter().map(|&d| sizes[d] as usize).product();
    let (n, step) = (sizes[last] as usize, strides[last] as isize);
    for_pieces(0..count, GRAIN.div_ceil(n), |range| {
        for line in range {
            let (mut left, mut to, mut from) = (line as i64, 0, 0);
            for &d in others.iter().rev() {
                let i = left % sizes[d];
                left /= sizes[d];
                let other = if rest.contains(&d) { (sizes[d] - i) % sizes[d] } else { i };
                (to, from) = (to + i * strides[d], from + other * strides[d]);
            }
            for k in half..n {
                // SAFETY: elements of the target; those read lie in first halves, which nobody writes now.
                unsafe {
                    let z = target.at(from as isize + (n - k) as isize * step).read_unaligned();
                    target.at(to as isize + k as isize * step).write_unaligned(z.conj());
                }
            }
        }
    });
}

/// The inverse transform along `dim`, times `scale`, of the first half of a line whose other half is its conjugate: real.
/// `out` gives the length n; `x` has `n / 2 + 1` elements along `dim`.
pub fn c2r(out: &mut ViewMut, x: View, dim: usize, scale: f64) {
    match out.dtype() {
        DType::F32 => c2r_of::<f32>(out, &x, dim, scale),
        DType::F64 => c2r_of::<f64>(out, &x, dim, scale),
        other => unreachable!("a transform into {other:?}"),
    }
}

fn c2r_of<T: Real>(out: &mut ViewMut, x: &View, dim: usize, scale: f64) {
    let lines = Lines::new((x.sizes(), x.strides()), (out.sizes(), out.strides()), dim);
    let (target, source) = (Shared::new(out.ptr().cast::<T>()), Shared::read(x.ptr().cast::<Complex<T>>()));
    let n = lines.to.0;
    if n == 0 || lines.count == 0 || lines.from.0 < n / 2 + 1 {
        return;
    }
    if n.is_multiple_of(2) && lines.together((numbers(&source), target), n / 2, false, true, scale) {
        return;
    }
    let plan = T::to_real(n);
    let factor = <T as Real>::from(scale);
    lines.each(|starts| {
        let half = n / 2 + 1;
        let (mut line, mut whole) = (Vec::new(), vec![T::zero(); starts.len() * n]);
        let mut scratch = plan.make_scratch_vec();
        // SAFETY: elements of the source.
        unsafe { gather(&mut line, source.at(0), starts.iter().map(|s| s.0), (half, lines.from.1), zero()) };
        for (from, to) in line.chunks_exact_mut(half).zip(whole.chunks_exact_mut(n)) {
            // These are their own conjugates: what is imaginary in them does not count.
            from[0].im = T::zero();
            if n.is_multiple_of(2) {
                from[half - 1].im = T::zero();
            }
            if plan.process_with_scratch(from, to, &mut scratch).is_err() {
                unreachable!("the buffers have the lengths of the plan");
            }
        }
        scatter(&target, &whole, starts, lines.to, |v| if scale == 1.0 { v } else { v * factor });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use flambeau_types::Layout;

    fn direct(x: &[Complex<f64>], sign: f64) -> Vec<Complex<f64>> {
        let n = x.len() as f64;
        (0..x.len())
            .map(|j| {
                let turn = |k: usize| Complex::from_polar(1.0, sign * std::f64::consts::TAU * (j * k) as f64 / n);
                x.iter().enumerate().map(|(k, &v)| v * turn(k)).sum()
            })
            .collect()
    }

    fn signal(n: usize) -> Vec<Complex<f64>> {
        (0..n).map(|i| Complex::new((i * i % 7) as f64 - 2.5, (i * 3 % 5) as f64 - 1.0)).collect()
    }

    fn close(a: &[Complex<f64>], b: &[Complex<f64>]) {
        assert_eq!(a.len(), b.len());
        assert!(a.iter().zip(b).all(|(x, y)| (x - y).norm() < 1e-10), "{a:?} is not {b:?}");
    }

    #[test]
    fn complex_lines_equal_the_sum() {
        for n in [1, 2, 3, 5, 8, 12, 31] {
            let (x, layout) = (signal(n), Layout::contiguous(&[n as i64]));
            let mut y = vec![Complex::new(0.0, 0.0); n];
            c2c(&mut ViewMut::of(&mut y, &layout), View::of(&x, &layout), &[0], 1.0, true);
            close(&y, &direct(&x, -1.0));
            c2c(&mut ViewMut::of(&mut y, &layout), View::of(&x, &layout), &[0], 2.0, false);
            close(&y, &direct(&x, 1.0).iter().map(|z| z * 2.0).collect::<Vec<_>>());
        }
    }

    #[test]
    fn strided_lines_and_two_dimensions() {
        let (m, n) = (3, 20);
        let x = signal(m * n);
        let rows = Layout::contiguous(&[m as i64, n as i64]);
        let mut y = vec![Complex::new(0.0, 0.0); m * n];
        c2c(&mut ViewMut::of(&mut y, &rows), View::of(&x, &rows), &[1, 0], 1.0, true);
        let by_row: Vec<_> = x.chunks(n).flat_map(|r| direct(r, -1.0)).collect();
        let mut wanted = by_row.clone();
        for j in 0..n {
            let column: Vec<_> = (0..m).map(|i| by_row[i * n + j]).collect();
            direct(&column, -1.0).into_iter().enumerate().for_each(|(i, v)| wanted[i * n + j] = v);
        }
        close(&y, &wanted);
    }

    #[test]
    fn real_lines_there_and_back() {
        for n in [1i64, 2, 5, 8, 9] {
            let x: Vec<f64> = signal(n as usize).iter().map(|z| z.re).collect();
            let whole: Vec<_> = x.iter().map(|&v| Complex::new(v, 0.0)).collect();
            let (line, half) = (Layout::contiguous(&[n]), Layout::contiguous(&[n / 2 + 1]));
            let mut y = vec![Complex::new(0.0, 0.0); n as usize];
            r2c(&mut ViewMut::of(&mut y, &line), View::of(&x, &line), &[0], 1.0);
            close(&y, &direct(&whole, -1.0));
            let mut back = vec![0.0; n as usize];
            c2r(&mut ViewMut::of(&mut back, &line), View::of(&y[..(n / 2 + 1) as usize], &half), 0, 1.0 / n as f64);
            assert!(back.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-12));
        }
    }

    #[test]
    fn many_lines_at_once() {
        for (m, n) in [(40, 12), (33, 60), (64, 64), (17, 7)] {
            let x = signal(m * n);
            let sizes = [m as i64, n as i64];
            let rows = Layout::contiguous(&sizes);
            let line = |i: usize| x[i * n..(i + 1) * n].to_vec();
            let column = |j: usize| (0..m).map(|i| x[i * n + j]).collect::<Vec<_>>();
            let mut y = vec![Complex::new(0.0, 0.0); m * n];
            c2c(&mut ViewMut::of(&mut y, &rows), View::of(&x, &rows), &[1], 1.0, false);
            (0..m).for_each(|i| close(&y[i * n..(i + 1) * n], &direct(&line(i), 1.0)));
            c2c(&mut ViewMut::of(&mut y, &rows), View::of(&x, &rows), &[0], 1.0, true);
            for j in 0..n {
                close(&(0..m).map(|i| y[i * n + j]).collect::<Vec<_>>(), &direct(&column(j), -1.0));
            }
            // Real lines: all of their transform along both dimensions, and the way back from half of it.
            let real: Vec<f64> = x.iter().map(|z| z.re).collect();
            let whole: Vec<_> = real.iter().map(|&v| Complex::new(v, 0.0)).collect();
            r2c(&mut ViewMut::of(&mut y, &rows), View::of(&real, &rows), &[0, 1], 1.0);
            let mut wanted = vec![Complex::new(0.0, 0.0); m * n];
            c2c(&mut ViewMut::of(&mut wanted, &rows), View::of(&whole, &rows), &[1, 0], 1.0, true);
            close(&y, &wanted);
            let short = Layout::contiguous(&[m as i64, n as i64 / 2 + 1]);
            let mut half = vec![Complex::new(0.0, 0.0); m * (n / 2 + 1)];
            r2c(&mut ViewMut::of(&mut half, &short), View::of(&real, &rows), &[1], 1.0);
            (0..m).for_each(|i| {
                let line: Vec<_> = whole[i * n..(i + 1) * n].to_vec();
                close(&half[i * (n / 2 + 1)..(i + 1) * (n / 2 + 1)], &direct(&line, -1.0)[..n / 2 + 1]);
            });
            let mut back = vec![0.0; m * n];
            c2r(&mut ViewMut::of(&mut back, &rows), View::of(&half, &short), 1, 1.0 / n as f64);
            assert!(back.iter().zip(&real).all(|(a, b)| (a - b).abs() < 1e-12));
        }
    }
}
