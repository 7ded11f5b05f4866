//! Running extremes with the index of each: the last of equal ones; NaN stays once it is met.

use flambeau_types::DType;

use super::{GRAIN, others, place};
use crate::reduce::Address;
use crate::reduce::convert::{Load, Put, load};
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
    debug_assert_eq!(indices.dtype(), DType::I64);
    let d = x.dtype();
    match d {
        DType::F64 => run::<f64, MAX>(values, indices, x, dim, load(d)),
        DType::F16 | DType::BF16 | DType::F32 => run::<f32, MAX>(values, indices, x, dim, load(d)),
        _ => run::<i64, MAX>(values, indices, x, dim, load(d)),
    }
}

#[allow(clippy::eq_op)]
fn run<A: Put + PartialOrd + Default, const MAX: bool>(
    values: &mut ViewMut,
    indices: &mut ViewMut,
    x: View,
    dim: usize,
    load: Load<A>,
) {
    let total = x.numel();
    if total == 0 {
        return;
    }
    let along = |s: &[i64]| if s.is_empty() { 1 } else { s[dim] as isize };
    let n = if x.ndim() == 0 { 1 } else { x.sizes()[dim] as usize };
    let steps = [values.strides(), indices.strides(), x.strides()].map(along);
    let dims = others(x.sizes(), dim, [values.strides(), indices.strides(), x.strides()]);
    let (dtype, size) = (values.dtype(), values.dtype().size());
    let (px, pv, pi) = (Address::reading(x.ptr()), Address::of(values), Address::of(indices));
    parallel_for(0..total / n, (GRAIN / n).max(1), |range| {
        let mut line = [A::default(); 256];
        for o in range {
            let [v_at, i_at, x_at] = place(&dims, o);
            let mut best = (A::default(), 0);
            for from in (0..n).step_by(line.len()) {
                let len = line.len().min(n - from);
                // SAFETY: offsets made from the views' own sizes and strides.
                unsafe {
                    let src = px.at(x_at + from as isize * steps[2], x.dtype().size());
                    load(src, steps[2], len, line.as_mut_ptr());
                    for (k, &v) in line[..len].iter().enumerate() {
                        let i = from + k;
                        let reaches = if MAX { v >= best.0 } else { v <= best.0 };
                        if i == 0 || v != v || (best.0 == best.0 && reaches) {
                            best = (v, i);
                        }
                        best.0.put(dtype, pv.at(v_at + i as isize * steps[0], size));
                        pi.at(i_at + i as isize * steps[1], 8).cast::<i64>().write_unaligned(best.1 as i64);
                    }
                }
            }
        }
    });
}
