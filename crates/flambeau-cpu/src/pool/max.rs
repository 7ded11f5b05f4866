//! Maximum over windows.

use super::{GRAIN, PoolShape, Pooled, by_pooled, planes};
use crate::gemm::{Shared, for_pieces};
use crate::{View, ViewMut};

/// The maximum of each window and where in its plane it lies (int64): the first of equal ones; a nan wins. All contiguous,
/// (N, C, H, W) or (C, H, W); bool and complex do nothing.
pub fn max_pool2d(out: &mut ViewMut, indices: &mut ViewMut, input: View, shape: &PoolShape) {
    debug_assert_eq!(out.sizes(), indices.sizes());
    by_pooled!(input.dtype(), T => forward::<T>(out, indices, &input, shape));
}

fn forward<T: Pooled>(out: &mut ViewMut, indices: &mut ViewMut, input: &View, s: &PoolShape) {
    let (count, h, w) = planes(input.sizes());
    let (_, oh, ow) = planes(out.sizes());
    let x = Shared::read(input.ptr().cast::<T>());
    let (y, at) = (Shared::new(out.ptr().cast::<T>()), Shared::new(indices.ptr().cast::<i64>()));
    let work = (oh * ow * s.kernel[0] * s.kernel[1]).max(1) as usize;
    for_pieces(0..count, GRAIN.div_ceil(work), |range| {
        for plane in range {
            let x = x.at(plane as isize * (h * w) as isize);
            for i in 0..oh {
                let (top, rows) = window(i, s.stride[0], s.padding[0], s.dilation[0], s.kernel[0], h);
                for j in 0..ow {
                    let (left, cols) = window(j, s.stride[1], s.padding[1], s.dilation[1], s.kernel[1], w);
                    let (mut best, mut best_at) = (T::LOWEST, top * w + left);
                    for r in 0..rows {
                        let line = (top + r * s.dilation[0]) * w + left;
                        for c in 0..cols {
                            let index = line + c * s.dilation[1];
                            // SAFETY: an element of this plane.
                            let value = unsafe { x.wrapping_offset(index as isize).read_unaligned() };
                            if value.exceeds(best) {
                                (best, best_at) = (value, index);
                            }
                        }
                    }
                    let o = plane as isize * (oh * ow) as isize + (i * ow + j) as isize;
                    // SAFETY: an element of this plane's output.
                    unsafe {
                        y.at(o).write_unaligned(best);
                        at.at(o).write_unaligned(best_at);
                    }
                }
            }
        }
    });
}

/// The first element of a window inside the image, and how many of its elements are.
fn window(o: i64, stride: i64, padding: i64, dilation: i64, kernel: i64, size: i64) -> (i64, i64) {
    let start = o * stride - padding;
    let skipped = if start < 0 { (-start + dilation - 1) / dilation } else { 0 };
    let first = start + skipped * dilation;
    let inside = (size - first + dilation - 1).div_euclid(dilation);
    (first, (kernel - skipped).min(inside).max(0))
}

/// The gradient of [`max_pool2d`]: each window's gradient goes to the element that its index names. All contiguous; an index
/// outside the plane is ignored.
pub fn max_pool2d_backward(grad_input: &mut ViewMut, grad_out: View, indices: View) {
    by_pooled!(grad_input.dtype(), T => backward::<T>(grad_input, &grad_out, &indices));
}

fn backward<T: Pooled>(grad_input: &mut ViewMut, grad_out: &View, indices: &View) {
    let (count, h, w) = planes(grad_input.sizes());
    let (_, oh, ow) = planes(grad_out.sizes());
    let (size, out_size) = ((h * w) as usize, (oh * ow) as usize);
    let x = Shared::new(grad_input.ptr().cast::<T>());
    let (g, at) = (Shared::read(grad_out.ptr().cast::<T>()), Shared::read(indices.ptr().cast::<i64>()));
    for_pieces(0..count, GRAIN.div_ceil((size + out_size).max(1)), |range| {
        let mut sums = vec![T::ZERO; size];
        for plane in range {
            sums.fill(T::ZERO);
            for o in plane * out_size..(plane + 1) * out_size {
                // SAFETY: an element of this plane's gradient.
                let (g, at) = unsafe { (g.at(o as isize).read_unaligned(), at.at(o as isize).read_unaligned()) };
                if let Some(sum) = usize::try_from(at).ok().and_then(|at| sums.get_mut(at)) {
                    *sum = T::add(*sum, g);
                }
            }
            for (i, &sum) in sums.iter().enumerate() {
                // SAFETY: an element of this plane.
                unsafe { x.at((plane * size + i) as isize).write_unaligned(T::round(sum)) };
            }
        }
    });
}
