//! Tensors made from numbers: constants, ranges, the identity.

use std::ops::Range;

use flambeau_types::{Complex32, Complex64, DType, Element, Kind, Scalar};

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

#[inline(always)]
fn evaluate<T>(values: &mut [T], start: usize, value: &impl Fn(usize) -> T) {
    for (i, v) in values.iter_mut().enumerate() {
        *v = value(start + i);
    }
}

/// With `mul_add` as an instruction.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn evaluate_fma<T>(values: &mut [T], start: usize, value: &impl Fn(usize) -> T) {
    evaluate(values, start, value)
}

/// Writes `value(i)`, of type `T`, converted to the output's dtype, to every element `i` in row-major order.
fn generate<T: Element>(out: ViewMut, value: impl Fn(usize) -> T + Sync) {
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
                unsafe { evaluate_fma(&mut values[..n], start, &value) };
            } else {
                evaluate(&mut values[..n], start, &value);
            }
            #[cfg(not(target_arch = "x86_64"))]
            evaluate(&mut values[..n], start, &value);
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
            generate(out, |i| start.wrapping_add(step.wrapping_mul(i as i64)));
        }
        Kind::Float => {
            let (start, step) = (start.to_f64(), step.to_f64());
            macro_rules! vectors {
                ($t:ty, $lanes:literal, $round:expr) => {{
                    let (start, step) = (start as $t, step as $t);
                    let whole = n - n % (2 * $lanes);
                    generate(out, move |i| {
                        let lane = if i < whole { i as u32 % $lanes } else { 0 };
                        let first = step.mul_add(index(i - lane as usize) as $t, start);
                        step.mul_add(lane as i32 as $t, if i < whole { $round(first) } else { first })
                    })
                }};
            }
            // Through i32, which converts to float in vectors on every processor.
            #[inline(always)]
            fn index(i: usize) -> f64 {
                (i >> 24) as i32 as f64 * 16_777_216.0 + (i & 0xff_ffff) as i32 as f64
            }
            match dtype {
                DType::F64 => vectors!(f64, 4, |x: f64| x),
                DType::F32 => vectors!(f64, 8, |x: f64| x as f32 as f64),
                DType::F16 => vectors!(f32, 16, |x: f32| f16_to_f32(f32_to_f16(x))),
                _ => vectors!(f32, 16, |x: f32| bf16_to_f32(f32_to_bf16(x))),
            }
        }
        Kind::Complex => {
            let (start, step) = (start.to_complex(), step.to_complex());
            generate(out, |i| start + step * i as f64);
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
                move |i| {
                    if i < half { step.mul_add(i as $t, start) } else { (-step).mul_add((last - i) as $t, end) }
                },
            )
        }};
    }
    macro_rules! complex {
        ($t:ty, $part:ty) => {{
            let (start, end) = (<$t>::from_scalar(start), <$t>::from_scalar(end));
            let step = (end - start) / last as $part;
            let along = |from: $t, step: $t, i: usize| {
                <$t>::new(step.re.mul_add(i as $part, from.re), step.im.mul_add(i as $part, from.im))
            };
            generate(out, move |i| if i < half { along(start, step, i) } else { along(end, -step, last - i) })
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
