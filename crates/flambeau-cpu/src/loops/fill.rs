//! Tensors made from numbers: constants, ranges, the identity.

use std::ops::Range;

use flambeau_types::{Complex32, Complex64, DType, Element, Kind, Scalar};
use num_traits::{AsPrimitive, Float};

use super::cast::converter;
use super::half::{bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16};
use super::iter::Iter;
use super::split::split_by_cost;
use super::stride::{Buffer, CHUNK, by_size, copy_strided};
use crate::ViewMut;
use crate::math::{Level, level};

/// Sets every element to a number, converted as a tensor of that number would be.
pub fn fill(out: ViewMut, value: Scalar) {
    let (kind, mut before, mut after) = (Number::of(value), Buffer::new(), Buffer::new());
    // SAFETY: one element in each buffer.
    unsafe {
        kind.write(before.ptr());
        converter(kind.dtype(), out.dtype())(1, before.ptr(), after.ptr());
        fill_bytes(out, after.ptr());
    }
}

/// A number in the widest type of its kind, from which the output's is converted.
enum Number {
    Int(i64),
    Float(f64),
    Complex(Complex64),
}

impl Number {
    fn of(s: Scalar) -> Number {
        match s {
            Scalar::Bool(_) | Scalar::Int(_) => Number::Int(s.to_i64()),
            Scalar::Float(x) => Number::Float(x),
            Scalar::Complex(z) => Number::Complex(z),
        }
    }

    fn dtype(&self) -> DType {
        match self {
            Number::Int(_) => DType::I64,
            Number::Float(_) => DType::F64,
            Number::Complex(_) => DType::C128,
        }
    }

    /// # Safety
    /// There is room for 16 bytes.
    unsafe fn write(&self, to: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe {
            match *self {
                Number::Int(i) => to.cast::<i64>().write_unaligned(i),
                Number::Float(x) => to.cast::<f64>().write_unaligned(x),
                Number::Complex(z) => to.cast::<Complex64>().write_unaligned(z),
            }
        }
    }
}

struct Target(*mut u8);
// SAFETY: threads write disjoint elements.
unsafe impl Sync for Target {}

/// Sets every element to the bytes at `one`.
///
/// # Safety
/// `one` points to an element of `out`'s dtype.
pub(crate) unsafe fn fill_bytes(out: ViewMut, one: *const u8) {
    let iter = Iter::new(out.sizes(), [out.strides()]);
    let to = Target(out.ptr());
    by_size!(out.dtype().size(), T => {
        // SAFETY: the caller's promise.
        let x = unsafe { one.cast::<T>().read_unaligned() };
        split_by_cost(iter.numel(), |r| {
            let to = &to;
            iter.for_each_run(r, |[offset], n, [stride]| {
                let to = to.0.cast::<T>().wrapping_offset(offset);
                // SAFETY: the run lies within the output.
                unsafe {
                    if stride == 1 {
                        for i in 0..n {
                            to.add(i).write_unaligned(x);
                        }
                    } else {
                        for i in 0..n as isize {
                            to.offset(i * stride).write_unaligned(x);
                        }
                    }
                }
            });
        });
    })
}

/// With `mul_add` as an instruction.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_fma<T>(values: &mut [T], from: usize, write: &impl Fn(&mut [T], usize)) {
    write(values, from)
}

/// Sets each of `values`, the elements from `from` on, to `value(i)`.
fn each<T>(value: impl Fn(usize) -> T) -> impl Fn(&mut [T], usize) {
    move |values, from| {
        for (i, v) in values.iter_mut().enumerate() {
            *v = value(from + i);
        }
    }
}

/// Sets the elements before `half` by one rule and the others by another.
fn halves<T>(half: usize, before: impl Fn(usize) -> T, after: impl Fn(usize) -> T) -> impl Fn(&mut [T], usize) {
    let (before, after) = (each(before), each(after));
    move |values, from| {
        let (first, second) = values.split_at_mut(half.saturating_sub(from).min(values.len()));
        after(second, from + first.len());
        before(first, from);
    }
}

/// The number of an element as a float, through i32, which converts to float in vectors on every processor.
#[inline(always)]
fn index(i: usize) -> f64 {
    (i >> 24) as i32 as f64 * 16_777_216.0 + (i & 0xff_ffff) as i32 as f64
}

/// Sets the elements in row-major order to numbers of type `T`, converted to the output's dtype. `write(values, from)`
/// gives those from element `from` on.
fn generate<T: Element>(out: ViewMut, write: impl Fn(&mut [T], usize) + Sync) {
    let convert = converter(T::DTYPE, out.dtype());
    let size = out.dtype().size();
    let to = Target(out.ptr());
    // One dimension in row-major order, whatever the order of strides; ranges are almost always contiguous vectors.
    let (sizes, strides) = (out.sizes(), out.strides());
    let contiguous = out.is_contiguous();
    let vector = sizes.len() == 1;
    split_by_cost(out.numel(), |r: Range<usize>| {
        let to = &to;
        let mut values = [T::default(); CHUNK];
        let mut buffer = Buffer::new();
        let mut start = r.start;
        while start < r.end {
            let n = (r.end - start).min(CHUNK);
            #[cfg(target_arch = "x86_64")]
            if level() != Level::Plain {
                // SAFETY: the processor has AVX2 and FMA.
                unsafe { with_fma(&mut values[..n], start, &write) };
            } else {
                write(&mut values[..n], start);
            }
            #[cfg(not(target_arch = "x86_64"))]
            write(&mut values[..n], start);
            // SAFETY: `n` elements fit the buffer, and their places lie within the output.
            unsafe {
                if contiguous {
                    convert(n, values.as_ptr().cast(), to.0.add(start * size));
                } else {
                    convert(n, values.as_ptr().cast(), buffer.ptr());
                    if vector {
                        let at = to.0.wrapping_offset(start as isize * strides[0] as isize * size as isize);
                        copy_strided(size, n, buffer.ptr(), 1, at, strides[0] as isize);
                    } else {
                        for i in 0..n {
                            let at = place(sizes, strides, start + i) * size as isize;
                            copy_strided(size, 1, buffer.ptr().add(i * size), 1, to.0.wrapping_offset(at), 1);
                        }
                    }
                }
            }
            start += n;
        }
    });
}

/// The offset of the element with this row-major index.
fn place(sizes: &[i64], strides: &[i64], index: usize) -> isize {
    let mut rest = index as i64;
    let mut offset = 0;
    for (&n, &s) in sizes.iter().zip(strides).rev() {
        offset += rest % n * s;
        rest /= n;
    }
    offset as isize
}

/// Sets element `i`, in row-major order, to `start + i * step`: in int64 for integers, which wrap, and in float64 for
/// floats (float32 for the half types).
///
/// PyTorch computes floats a vector at a time: a first element rounded to the dtype, and the others from it. Where the
/// elements fill whole pairs of vectors, so does this; the last ones come each from the start.
pub fn fill_with_index(out: ViewMut, start: Scalar, step: Scalar) {
    let n = out.numel();
    let dtype = out.dtype();
    match dtype.kind() {
        Kind::Bool | Kind::Int => {
            let (start, step) = (start.to_i64(), step.to_i64());
            generate(out, each(|i| start.wrapping_add(step.wrapping_mul(i as i64))));
        }
        Kind::Float => {
            let (start, step) = (start.to_f64(), step.to_f64());
            let short = (start as f32, step as f32);
            match dtype {
                DType::F64 => generate(out, vectors::<f64, f64, 4>(n, start, step, |x| x)),
                DType::F32 => generate(out, vectors::<f32, f64, 8>(n, start, step, |x| x as f32 as f64)),
                DType::F16 => {
                    generate(out, vectors::<f32, f32, 16>(n, short.0, short.1, |x| f16_to_f32(f32_to_f16(x))))
                }
                _ => generate(out, vectors::<f32, f32, 16>(n, short.0, short.1, |x| bf16_to_f32(f32_to_bf16(x)))),
            }
        }
        Kind::Complex => {
            let (start, step) = (start.to_complex(), step.to_complex());
            generate(out, each(|i| start + step * i as f64));
        }
    }
}

/// The `n` elements from `start` by `step`, computed as `W` in vectors of `LANES`, whose first elements `round` rounds.
fn vectors<T, W, const LANES: usize>(n: usize, start: W, step: W, round: impl Fn(W) -> W) -> impl Fn(&mut [T], usize)
where
    T: Float + 'static,
    W: Float + AsPrimitive<T>,
    f64: AsPrimitive<W>,
    i32: AsPrimitive<W>,
{
    let whole = n - n % (2 * LANES);
    let first = move |i: usize| step.mul_add(index(i).as_(), start);
    move |values, from| {
        // Parts begin anywhere: up to a vector's begin and after the last one, an element at a time.
        let one = |i: usize| -> T {
            if i >= whole {
                return first(i).as_();
            }
            let lane = i % LANES;
            step.mul_add((lane as i32).as_(), round(first(i - lane))).as_()
        };
        let head = (from.next_multiple_of(LANES) - from).min(values.len());
        let body = head + (whole.saturating_sub(from + head)).min(values.len() - head) / LANES * LANES;
        for i in (0..head).chain(body..values.len()) {
            values[i] = one(from + i);
        }
        for (k, vector) in values[head..body].as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let first = round(first(from + head + k * LANES));
            for (lane, v) in vector.iter_mut().enumerate() {
                *v = step.mul_add((lane as i32).as_(), first).as_();
            }
        }
    }
}

/// Sets the elements to `steps` numbers evenly spaced from `start` to `end`, both included. The first half counts from
/// the start and the second from the end, so that both are met exactly. All is done in the output's dtype (float64 for
/// integers, float32 between ends rounded to the dtype for the half types), a product and its sum rounded once as in
/// PyTorch.
pub fn linspace(out: ViewMut, start: Scalar, end: Scalar, steps: usize) {
    debug_assert_eq!(out.numel(), steps);
    if steps == 1 {
        return fill(out, start);
    }
    let half = steps / 2;
    let last = steps.saturating_sub(1);
    macro_rules! fused {
        ($t:ty, $start:expr, $end:expr) => {{
            let (start, end): ($t, $t) = ($start, $end);
            let step = (end - start) / last as $t;
            generate(
                out,
                halves(
                    half,
                    move |i| step.mul_add(index(i) as $t, start),
                    move |i| (-step).mul_add(index(last - i) as $t, end),
                ),
            )
        }};
    }
    macro_rules! complex {
        ($t:ty, $part:ty) => {{
            let (start, end) = (<$t>::from_scalar(start), <$t>::from_scalar(end));
            let step = (end - start) / last as $part;
            let along = |from: $t, step: $t, i: usize| {
                <$t>::new(step.re.mul_add(index(i) as $part, from.re), step.im.mul_add(index(i) as $part, from.im))
            };
            generate(out, halves(half, move |i| along(start, step, i), move |i| along(end, -step, last - i)))
        }};
    }
    match out.dtype() {
        DType::F16 => {
            let round = |x: Scalar| f16_to_f32(f32_to_f16(x.to_f64() as f32));
            fused!(f32, round(start), round(end))
        }
        DType::BF16 => {
            let round = |x: Scalar| bf16_to_f32(f32_to_bf16(x.to_f64() as f32));
            fused!(f32, round(start), round(end))
        }
        DType::F32 => fused!(f32, start.to_f64() as f32, end.to_f64() as f32),
        DType::F64 => fused!(f64, start.to_f64(), end.to_f64()),
        DType::C64 => complex!(Complex32, f32),
        DType::C128 => complex!(Complex64, f64),
        _ => fused!(f64, start.to_i64() as f64, end.to_i64() as f64),
    }
}

/// Sets the matrix `out` to ones on the diagonal and zeros elsewhere.
pub fn eye(mut out: ViewMut) {
    debug_assert_eq!(out.ndim(), 2);
    fill(out.reborrow(), Scalar::Int(0));
    let [rows, columns] = *out.sizes() else { return };
    let diagonal = [rows.min(columns)];
    let stride = [out.strides().iter().sum::<i64>()];
    // SAFETY: the diagonal lies within the matrix.
    fill(unsafe { ViewMut::new(out.ptr(), out.dtype(), &diagonal, &stride) }, Scalar::Int(1));
}
