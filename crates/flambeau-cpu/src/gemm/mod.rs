//! Matrix products of strided views: [`gemm`], its batched form [`bmm`], and [`dot`]. Transposed operands need no copy.

mod block;
mod dot;
mod gemv;
mod half;
mod integer;
mod kernel;
mod narrow;
mod pack;
mod product;
pub(crate) mod scratch;
mod shared;
mod simd;

#[cfg(test)]
mod tests;

use flambeau_types::{Complex, DType, Scalar, bf16, f16};

pub(crate) use pack::transpose;
pub(crate) use product::{Args, Multiply, product_at};
pub(crate) use shared::{Shared, for_pieces};
#[cfg(target_arch = "x86_64")]
pub(crate) use simd::{Isa, isa};
pub(crate) use simd::{Plain, Real, Simd};

use crate::{View, ViewMut};

/// Calls a generic function for the element type of a dtype; bool, which has no products, does the last expression.
macro_rules! by_dtype {
    ($dtype:expr, $t:ident => $body:expr, else $other:expr) => {
        match $dtype {
            DType::U8 => {
                type $t = u8;
                $body
            }
            DType::I8 => {
                type $t = i8;
                $body
            }
            DType::I16 => {
                type $t = i16;
                $body
            }
            DType::I32 => {
                type $t = i32;
                $body
            }
            DType::I64 => {
                type $t = i64;
                $body
            }
            DType::F16 => {
                type $t = f16;
                $body
            }
            DType::BF16 => {
                type $t = bf16;
                $body
            }
            DType::F32 => {
                type $t = f32;
                $body
            }
            DType::F64 => {
                type $t = f64;
                $body
            }
            DType::C64 => {
                type $t = Complex<f32>;
                $body
            }
            DType::C128 => {
                type $t = Complex<f64>;
                $body
            }
            DType::Bool => $other,
        }
    };
}
pub(crate) use by_dtype;

/// `out = alpha * a @ b + beta * out` for `a: (m, k)`, `b: (k, n)`, `out: (m, n)` of one dtype that is not bool (nothing is
/// done for bool). With a beta of 0 what `out` holds is ignored, even nan. `out` overlaps neither operand.
pub fn gemm(out: &mut ViewMut, a: View, b: View, alpha: Scalar, beta: Scalar) {
    gemm_conj(out, a, false, b, false, alpha, beta);
}

/// [`gemm`] of operands of which either may be conjugated.
pub fn gemm_conj(out: &mut ViewMut, a: View, conj_a: bool, b: View, conj_b: bool, alpha: Scalar, beta: Scalar) {
    debug_assert!(a.ndim() == 2 && b.ndim() == 2 && out.ndim() == 2);
    debug_assert!(a.dtype() == out.dtype() && b.dtype() == out.dtype());
    by_dtype!(out.dtype(), T => {
        let args = args::<T>(out, &a, &b, 0, (conj_a, conj_b), alpha, beta);
        // SAFETY: the views are readable (out writable) for these sizes and strides.
        unsafe { T::product_by(&args, alpha, beta) }
    }, else ())
}

/// A batch of products, `out[i] = alpha * a[i] @ b[i] + beta * out[i]`, as [`gemm`], with batches in the first dimension. A
/// batch dimension with stride 0 repeats an operand.
pub fn bmm(out: &mut ViewMut, a: View, b: View, alpha: Scalar, beta: Scalar) {
    bmm_conj(out, a, false, b, false, alpha, beta);
}

/// [`bmm`] of operands of which either may be conjugated.
pub fn bmm_conj(out: &mut ViewMut, a: View, conj_a: bool, b: View, conj_b: bool, alpha: Scalar, beta: Scalar) {
    debug_assert!(a.ndim() == 3 && b.ndim() == 3 && out.ndim() == 3);
    debug_assert!(a.dtype() == out.dtype() && b.dtype() == out.dtype());
    by_dtype!(out.dtype(), T => batched::<T>(out, &a, &b, (conj_a, conj_b), alpha, beta), else ())
}

/// Multiply-adds in one product above which threads share each product rather than the batch.
const LARGE: usize = 1 << 24;
/// Multiply-adds worth a thread.
const GRAIN: usize = 1 << 20;

fn batched<T: Multiply>(out: &mut ViewMut, a: &View, b: &View, conj: (bool, bool), alpha: Scalar, beta: Scalar) {
    let first = args::<T>(out, a, b, 1, conj, alpha, beta);
    let batches = out.sizes()[0].max(0) as usize;
    let steps = (a.strides()[0] as isize, b.strides()[0] as isize, out.strides()[0] as isize);
    let work = (first.m * first.n * first.k).max(1);
    let run = |i: usize| {
        let args = first.shifted(i as isize, steps);
        // SAFETY: batch i of the views.
        unsafe { T::product_in_batch(&args, alpha, beta) }
    };
    if work >= LARGE || batches == 1 {
        (0..batches).for_each(run);
    } else {
        for_pieces(0..batches, GRAIN.div_ceil(work), |range| range.for_each(run));
    }
}

/// The product of two views' last two dimensions, which start at `d`.
fn args<T: Multiply>(
    out: &mut ViewMut,
    a: &View,
    b: &View,
    d: usize,
    conj: (bool, bool),
    alpha: Scalar,
    beta: Scalar,
) -> Args<T> {
    debug_assert!(a.sizes()[d] == out.sizes()[d] && b.sizes()[d + 1] == out.sizes()[d + 1]);
    debug_assert!(a.sizes()[d + 1] == b.sizes()[d]);
    let strides = |s: &[i64]| (s[d] as isize, s[d + 1] as isize);
    Args {
        m: out.sizes()[d] as usize,
        n: out.sizes()[d + 1] as usize,
        k: a.sizes()[d + 1] as usize,
        a: a.ptr().cast(),
        a_strides: strides(a.strides()),
        b: b.ptr().cast(),
        b_strides: strides(b.strides()),
        c: out.ptr().cast(),
        c_strides: strides(out.strides()),
        alpha: T::from_scalar(alpha),
        beta: T::from_scalar(beta),
        conj,
    }
}

/// `out = sum(a * b)` for two vectors of the same length and dtype and an `out` of one element.
pub fn dot(out: &mut ViewMut, a: View, b: View) {
    dot_conj(out, a, false, b, false);
}

/// [`dot`] of operands of which either may be conjugated.
pub fn dot_conj(out: &mut ViewMut, a: View, conj_a: bool, b: View, conj_b: bool) {
    debug_assert!(a.ndim() == 1 && b.ndim() == 1 && a.sizes() == b.sizes() && out.numel() == 1);
    match out.dtype() {
        DType::C64 => {
            let sum = dot::dot::<f32>(&a, conj_a, &b, conj_b);
            // SAFETY: one element.
            return unsafe { out.ptr().cast::<Complex<f32>>().write_unaligned(sum) };
        }
        DType::C128 => {
            let sum = dot::dot::<f64>(&a, conj_a, &b, conj_b);
            // SAFETY: one element.
            return unsafe { out.ptr().cast::<Complex<f64>>().write_unaligned(sum) };
        }
        DType::F32 if adjacent(&a, &b) => return adjacent_dot::<f32>(out, &a, &b),
        DType::F64 if adjacent(&a, &b) => return adjacent_dot::<f64>(out, &a, &b),
        _ => {}
    }
    let k = a.sizes()[0];
    let (a_sizes, a_strides) = ([1, k], [0, a.strides()[0]]);
    let (b_sizes, b_strides) = ([k, 1], [b.strides()[0], 0]);
    // SAFETY: the same elements, as a row, a column and a matrix of one element.
    unsafe {
        let mut out = ViewMut::new(out.ptr(), out.dtype(), &[1, 1], &[1, 1]);
        let (a, b) = (a.with(&a_sizes, &a_strides), b.with(&b_sizes, &b_strides));
        gemm_conj(&mut out, a, conj_a, b, conj_b, Scalar::Int(1), Scalar::Int(0));
    }
}

fn adjacent(a: &View, b: &View) -> bool {
    a.strides()[0] == 1 && b.strides()[0] == 1
}

fn adjacent_dot<T: Real>(out: &mut ViewMut, a: &View, b: &View) {
    // SAFETY: vectors of as many adjacent elements, and one of the output.
    unsafe { out.ptr().cast::<T>().write_unaligned(gemv::dot(a.ptr().cast(), b.ptr().cast(), a.numel())) };
}
