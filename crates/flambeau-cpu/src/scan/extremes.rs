//! Running extremes with the index of each: the last of equal ones; NaN stays once it is met.

use flambeau_types::DType;

use super::{GRAIN, others, place};
use crate::reduce::Address;
use crate::reduce::convert::{B8, BF, H16, To};
use crate::threads::parallel_for;
use crate::{View, ViewMut};

/// The greatest element so far along `dim`, and its index.
pub fn cummax(values: &mut ViewMut, indices: &mut ViewMut, x: View, dim: usize) {
    dispatch::<true>(values, indices, x, dim)
}

/// The smallest element so far along `dim`, and its index.
pub fn cummin(values: &mut ViewMut, indices: &mut ViewMut, x: View, dim: usize) {
    dispatch::<false>(values, indices, x, dim)
}

fn dispatch<const MAX: bool>(values: &mut ViewMut, indices: &mut ViewMut, x: View, dim: usize) {
    debug_assert!(indices.dtype() == DType::I64 && values.dtype() == x.dtype());
    match x.dtype() {
        DType::Bool => run::<B8, u8, MAX>(values, indices, x, dim),
        DType::U8 => run::<u8, u8, MAX>(values, indices, x, dim),
        DType::I8 => run::<i8, i32, MAX>(values, indices, x, dim),
        DType::I16 => run::<i16, i32, MAX>(values, indices, x, dim),
        DType::I32 => run::<i32, i32, MAX>(values, indices, x, dim),
        DType::I64 => run::<i64, i64, MAX>(values, indices, x, dim),
        DType::F16 => run::<H16, f32, MAX>(values, indices, x, dim),
        DType::BF16 => run::<BF, f32, MAX>(values, indices, x, dim),
        DType::F32 => run::<f32, f32, MAX>(values, indices, x, dim),
        DType::F64 => run::<f64, f64, MAX>(values, indices, x, dim),
        // Complex numbers have no order; callers refuse them.
        DType::C64 | DType::C128 => unreachable!("no order"),
    }
}

/// The scan over elements `T`, compared as `A`.
#[allow(clippy::eq_op)]
fn run<T: To<A> + Copy, A: PartialOrd + Copy, const MAX: bool>(
    values: &mut ViewMut,
    indices: &mut ViewMut,
    x: View,
    dim: usize,
) {
    let total = x.numel();
    if total == 0 {
        return;
    }
    let along = |s: &[i64]| if s.is_empty() { 1 } else { s[dim] as isize };
    let n = if x.ndim() == 0 { 1 } else { x.sizes()[dim] as usize };
    let [v_step, i_step, x_step] = [values.strides(), indices.strides(), x.strides()].map(along);
    let dims = others(x.sizes(), dim, [values.strides(), indices.strides(), x.strides()]);
    let (px, pv, pi) = (Address::reading(x.ptr()), Address::of(values), Address::of(indices));
    parallel_for(0..total / n, (GRAIN / n).max(1), |range| {
        for o in range {
            let [v_at, i_at, x_at] = place(&dims, o);
            let size = size_of::<T>();
            let (from, to, at) =
                (px.at(x_at, size).cast::<T>(), pv.at(v_at, size).cast::<T>(), pi.at(i_at, 8).cast::<i64>());
            // SAFETY: offsets made from the views' own sizes and strides.
            unsafe {
                let mut best = from.read_unaligned();
                let (mut key, mut index): (A, i64) = (best.to(), 0);
                for i in 0..n as isize {
                    let value = from.offset(i * x_step).read_unaligned();
                    let v: A = value.to();
                    let reaches = if MAX { v >= key } else { v <= key };
                    if v != v || (key == key && reaches) {
                        (best, key, index) = (value, v, i as i64);
                    }
                    to.offset(i * v_step).write_unaligned(best);
                    at.offset(i * i_step).write_unaligned(index);
                }
            }
        }
    });
}
