//! Discrete Fourier transforms along dimensions of strided views: complex to complex, real to complex, complex to real.
//! None is normalized; every one multiplies its result by a scale.

use std::cell::RefCell;
use std::sync::Arc;

use flambeau_types::{Complex, DType};
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftNum, FftPlanner};
use smallvec::SmallVec;

use crate::gemm::{Shared, for_pieces};
use crate::{View, ViewMut};

/// Elements that are worth a thread.
const GRAIN: usize = 1 << 13;

/// Lines that are transformed together where their elements are far apart, so that a cache line serves several.
const TOGETHER: usize = 8;

/// Elements that are transformed together where lines lie in one piece, so that short ones share their buffers.
const PIECE: usize = 1 << 12;

/// The real numbers of transforms, with a planner in each thread: plans are kept, by length.
trait Real: FftNum {
    fn complex(n: usize, forward: bool) -> Arc<dyn Fft<Self>>;
    fn to_complex(n: usize) -> Arc<dyn RealToComplex<Self>>;
    fn to_real(n: usize) -> Arc<dyn ComplexToReal<Self>>;
    fn from(x: f64) -> Self;
}

macro_rules! real {
    ($($t:ident)*) => {$(
        impl Real for $t {
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
            .filter(|&d| d != dim)
            .map(|d| (to.0[d] as usize, from.1[d] as isize, to.1[d] as isize))
            .collect();
        others.sort_by_key(|o| std::cmp::Reverse(o.2.abs()));
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
    let plan = T::complex(n, forward);
    let factor = T::from(scale);
    lines.each(|starts| {
        let mut line = Vec::new();
        let mut scratch = vec![zero::<T>(); plan.get_inplace_scratch_len()];
        // SAFETY: elements of the source.
        unsafe { gather(&mut line, source.at(0), starts.iter().map(|s| s.0), lines.from, zero()) };
        plan.process_with_scratch(&mut line, &mut scratch);
        scatter(target, &line, starts, lines.to, |z| if scale == 1.0 { z } else { z * factor });
    });
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
    let to = (out.sizes(), out.strides());
    let lines = Lines::new((x.sizes(), x.strides()), to, last);
    let (target, source) = (Shared::new(out.ptr().cast::<Complex<T>>()), Shared::read(x.ptr().cast::<T>()));
    let n = lines.from.0;
    if n == 0 || lines.count == 0 {
        return;
    }
    let plan = T::to_complex(n);
    let factor = T::from(scale);
    lines.each(|starts| {
        let (half, wanted) = (n / 2 + 1, lines.to.0);
        let (mut line, mut whole) = (Vec::new(), vec![zero::<T>(); starts.len() * wanted]);
        let (mut result, mut scratch) = (plan.make_output_vec(), plan.make_scratch_vec());
        // SAFETY: elements of the source.
        unsafe { gather(&mut line, source.at(0), starts.iter().map(|s| s.0), lines.from, T::zero()) };
        for (real, to) in line.chunks_exact_mut(n).zip(whole.chunks_exact_mut(wanted)) {
            if plan.process_with_scratch(real, &mut result, &mut scratch).is_err() {
                unreachable!("the buffers were made by the plan");
            }
            let known = half.min(wanted);
            to[..known].copy_from_slice(&result[..known]);
            for k in known..wanted {
                to[k] = result[n - k].conj();
            }
        }
        scatter(&target, &whole, starts, lines.to, |z| if scale == 1.0 { z } else { z * factor });
    });
    for &dim in rest {
        c2c_along::<T>(&Lines::new(to, to, dim), &target, &target, 1.0, true);
    }
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
    let plan = T::to_real(n);
    let factor = T::from(scale);
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
}
