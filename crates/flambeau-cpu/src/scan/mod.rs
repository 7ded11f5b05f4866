//! Running results along one dimension: sums, products, logarithms of sums of exponentials, extremes.
//!
//! As in PyTorch, float32 runs in float64 and the half types in float32; each step is rounded when it is stored.

use std::mem::MaybeUninit;

use flambeau_types::{Complex, DType};
use smallvec::SmallVec;

use crate::reduce::Address;
use crate::reduce::convert::{FloatStore, Load, Put, load};
use crate::threads::parallel_for;
use crate::{View, ViewMut};

mod extremes;

pub use extremes::{cummax, cummin};

/// Elements worth a thread.
const GRAIN: usize = 1 << 15;
/// Elements of a line handled at a time, and lines side by side.
const CHUNK: usize = 256;

/// A type that scans run in.
trait Running: Put + Default + Send + Sync {
    /// Writes `n` values `step` elements apart.
    ///
    /// # Safety
    /// `src` must be readable for `n` values and `dst` writable at every step.
    unsafe fn write(src: *const Self, n: usize, dst: *mut u8, step: isize, dtype: DType) {
        for i in 0..n {
            // SAFETY: forwarded.
            unsafe { src.add(i).read().put(dtype, dst.wrapping_offset(i as isize * step * dtype.size() as isize)) };
        }
    }
}

impl Running for Complex<f64> {}

impl Running for i64 {
    unsafe fn write(src: *const i64, n: usize, dst: *mut u8, step: isize, dtype: DType) {
        if dtype == DType::I64 && step == 1 {
            // SAFETY: forwarded.
            return unsafe { std::ptr::copy_nonoverlapping(src.cast::<u8>(), dst, n * 8) };
        }
        for i in 0..n {
            // SAFETY: forwarded.
            unsafe { src.add(i).read().put(dtype, dst.wrapping_offset(i as isize * step * dtype.size() as isize)) };
        }
    }
}

macro_rules! running_float {
    ($($t:ty),*) => {$(
        impl Running for $t {
            unsafe fn write(src: *const $t, n: usize, dst: *mut u8, step: isize, dtype: DType) {
                // SAFETY: forwarded. Outputs of floating scans are floating.
                unsafe { <$t>::store(dtype)(src, n, dst, step) }
            }
        }
    )*};
}
running_float!(f32, f64);

fn widen(z: Complex<f32>) -> Complex<f64> {
    Complex::new(z.re.into(), z.im.into())
}

fn narrow(z: Complex<f64>) -> Complex<f32> {
    Complex::new(z.re as f32, z.im as f32)
}

/// The running sum along `dim`; integers wrap.
pub fn cumsum(out: &mut ViewMut, x: View, dim: usize) {
    let d = x.dtype();
    let done = match (d, out.dtype()) {
        (DType::F32, DType::F32) => same_type::<f32, f64>(out, &x, dim, 0.0, |a, v| a + v as f64, |a| a as f32),
        (DType::F64, DType::F64) => same_type::<f64, f64>(out, &x, dim, 0.0, |a, v| a + v, |a| a),
        (DType::I64, DType::I64) => same_type::<i64, i64>(out, &x, dim, 0, i64::wrapping_add, |a| a),
        (DType::C64, DType::C64) => {
            same_type::<Complex<f32>, Complex<f64>>(out, &x, dim, Complex::default(), |a, v| a + widen(v), narrow)
        }
        (DType::C128, DType::C128) => {
            same_type::<Complex<f64>, Complex<f64>>(out, &x, dim, Complex::default(), |a, v| a + v, |a| a)
        }
        _ => false,
    };
    if done {
        return;
    }
    match out.dtype() {
        DType::F32 | DType::F64 => scan::<f64>(out, x, dim, load(d), 0.0, |a, v| a + v),
        DType::F16 | DType::BF16 => scan::<f32>(out, x, dim, load(d), 0.0, |a, v| a + v),
        DType::C64 | DType::C128 => scan::<Complex<f64>>(out, x, dim, load(d), Complex::default(), |a, v| a + v),
        _ => scan::<i64>(out, x, dim, load(d), 0, i64::wrapping_add),
    }
}

/// The running product along `dim`; integers wrap.
pub fn cumprod(out: &mut ViewMut, x: View, dim: usize) {
    let d = x.dtype();
    let done = match (d, out.dtype()) {
        (DType::F32, DType::F32) => same_type::<f32, f64>(out, &x, dim, 1.0, |a, v| a * v as f64, |a| a as f32),
        (DType::F64, DType::F64) => same_type::<f64, f64>(out, &x, dim, 1.0, |a, v| a * v, |a| a),
        (DType::I64, DType::I64) => same_type::<i64, i64>(out, &x, dim, 1, i64::wrapping_mul, |a| a),
        (DType::C64, DType::C64) => {
            same_type::<Complex<f32>, Complex<f64>>(out, &x, dim, Complex::new(1.0, 0.0), |a, v| a * widen(v), narrow)
        }
        (DType::C128, DType::C128) => {
            same_type::<Complex<f64>, Complex<f64>>(out, &x, dim, Complex::new(1.0, 0.0), |a, v| a * v, |a| a)
        }
        _ => false,
    };
    if done {
        return;
    }
    match out.dtype() {
        DType::F32 | DType::F64 => scan::<f64>(out, x, dim, load(d), 1.0, |a, v| a * v),
        DType::F16 | DType::BF16 => scan::<f32>(out, x, dim, load(d), 1.0, |a, v| a * v),
        DType::C64 | DType::C128 => scan::<Complex<f64>>(out, x, dim, load(d), Complex::new(1.0, 0.0), |a, v| a * v),
        _ => scan::<i64>(out, x, dim, load(d), 1, i64::wrapping_mul),
    }
}

/// `log(exp(x) + exp(y))` of complex numbers. Where both lie at an infinity of one side, the angle is that of the sum on
/// the right, and without meaning on the left.
pub fn log_add_exp(x: Complex<f64>, y: Complex<f64>) -> Complex<f64> {
    use crate::math::c64::{exp, log, log1p};
    if x.is_nan() || y.is_nan() {
        return Complex::new(f64::NAN, f64::NAN);
    }
    let (low, high) = if x.re < y.re { (x, y) } else { (y, x) };
    match low.re {
        f64::NEG_INFINITY if high.re == low.re => low,
        f64::INFINITY => log(exp(low) + exp(high)),
        _ => log1p(exp(low - high)) + high,
    }
}

/// The running `log(sum(exp(x)))` along `dim` of floating-point or complex input.
pub fn logcumsumexp(out: &mut ViewMut, x: View, dim: usize) {
    if x.dtype().is_complex() {
        let start = Complex::new(f64::NEG_INFINITY, 0.0);
        return scan::<Complex<f64>>(out, x, dim, load(x.dtype()), start, log_add_exp);
    }
    debug_assert!(x.dtype().is_floating() && out.dtype().is_floating());
    fn join(a: f64, v: f64) -> f64 {
        if a.is_nan() || v.is_nan() {
            return f64::NAN;
        }
        let (low, high) = (a.min(v), a.max(v));
        if low != high || low.is_finite() { (low - high).exp().ln_1p() + high } else { v }
    }
    scan::<f64>(out, x, dim, load(x.dtype()), f64::NEG_INFINITY, join)
}

/// The other dimensions of a walk along one: size, step in the input and in each output, the smallest step first.
type Others<const K: usize> = SmallVec<[(usize, [isize; K]); 6]>;

fn others<const K: usize>(sizes: &[i64], dim: usize, strides: [&[i64]; K]) -> Others<K> {
    let mut dims: Others<K> = (0..sizes.len())
        .filter(|&d| d != dim && sizes[d] != 1)
        .map(|d| (sizes[d] as usize, strides.map(|s| s[d] as isize)))
        .collect();
    dims.sort_by_key(|(_, s)| s[0].unsigned_abs());
    dims
}

fn place<const K: usize>(dims: &[(usize, [isize; K])], mut i: usize) -> [isize; K] {
    let mut at = [0; K];
    for (size, step) in dims {
        let j = (i % size) as isize;
        i /= size;
        (0..K).for_each(|k| at[k] += j * step[k]);
    }
    at
}

/// Input and contiguous output of one type, along the last dimension: element by element from register to memory, because
/// short lines that pass through a buffer wait for every store before them. False if it does not apply.
fn same_type<T: Copy, A: Copy + Sync>(
    out: &mut ViewMut,
    x: &View,
    dim: usize,
    start: A,
    join: impl Fn(A, T) -> A + Sync,
    round: impl Fn(A) -> T + Sync,
) -> bool {
    if dim + 1 != x.ndim() || !out.is_contiguous() {
        return false;
    }
    let n = x.sizes()[dim] as usize;
    let Some(lines) = x.numel().checked_div(n) else { return true };
    let (px, po) = (Address::reading(x.ptr()), Address::of(out));
    let size = std::mem::size_of::<T>();
    let step = x.strides()[dim] as isize;
    let dims = others(x.sizes(), dim, [out.strides(), x.strides()]);
    parallel_for(0..lines, (GRAIN / n).max(1), |range| {
        for line in range {
            let [o, x] = place(&dims, line);
            let (from, to) = (px.at(x, size).cast::<T>().cast_const(), po.at(o, size).cast::<T>());
            let mut state = start;
            for i in 0..n {
                // SAFETY: elements of one line of either view, of `T`.
                unsafe {
                    state = join(state, from.offset(i as isize * step).read_unaligned());
                    to.add(i).write_unaligned(round(state));
                }
            }
        }
    });
    true
}

fn scan<A: Running>(
    out: &mut ViewMut,
    x: View,
    dim: usize,
    load: Load<A>,
    start: A,
    join: impl Fn(A, A) -> A + Sync + Copy,
) {
    let total = x.numel();
    if total == 0 {
        return;
    }
    let along = |s: &[i64]| if s.is_empty() { 1 } else { s[dim] as isize };
    let n = if x.ndim() == 0 { 1 } else { x.sizes()[dim] as usize };
    let (step_x, step_o) = (along(x.strides()), along(out.strides()));
    let dims = others(x.sizes(), dim, [out.strides(), x.strides()]);
    let (px, po) = (Address::reading(x.ptr()), Address::of(out));
    let (sx, so, dtype) = (x.dtype().size(), out.dtype().size(), out.dtype());
    if let Some(&(inner, [inner_o, inner_x])) = dims.first()
        && inner_o.abs() < step_o.abs()
        && inner >= 4
    {
        // Lines side by side: one row of running results.
        let strips = inner.div_ceil(CHUNK);
        let grain = (GRAIN / (n * inner.min(CHUNK))).max(1);
        return parallel_for(0..total / n / inner * strips, grain, |range| {
            for t in range {
                let [o, x] = place(&dims[1..], t / strips);
                let from = t % strips * CHUNK;
                let w = CHUNK.min(inner - from);
                let mut state = [start; CHUNK];
                let mut row = [start; CHUNK];
                for r in 0..n as isize {
                    // SAFETY: offsets made from the views' own sizes and strides; `w <= CHUNK`.
                    unsafe {
                        load(px.at(x + from as isize * inner_x + r * step_x, sx), inner_x, w, row.as_mut_ptr());
                        for (s, v) in state[..w].iter_mut().zip(&row[..w]) {
                            *s = join(*s, *v);
                        }
                        let dst = po.at(o + from as isize * inner_o + r * step_o, so);
                        A::write(state.as_ptr(), w, dst, inner_o, dtype);
                    }
                }
            }
        });
    }
    parallel_for(0..total / n, (GRAIN / n).max(1), |range| {
        let mut line = [const { MaybeUninit::<A>::uninit() }; CHUNK];
        for i in range {
            let [o, x] = place(&dims, i);
            let mut state = start;
            for from in (0..n).step_by(CHUNK) {
                let len = CHUNK.min(n - from);
                // SAFETY: offsets made from the views' own sizes and strides; `len <= CHUNK` values are written first.
                unsafe {
                    load(px.at(x + from as isize * step_x, sx), step_x, len, line.as_mut_ptr().cast());
                    for v in &mut line[..len] {
                        state = join(state, v.assume_init());
                        *v = MaybeUninit::new(state);
                    }
                    A::write(line.as_ptr().cast(), len, po.at(o + from as isize * step_o, so), step_o, dtype);
                }
            }
        }
    });
}

#[cfg(test)]
mod tests;
