//! Mean over windows.

use super::{GRAIN, PoolShape, Pooled, by_pooled, planes};
use crate::gemm::{Shared, for_pieces};
use crate::{View, ViewMut};

/// What the sums of windows are divided by, besides the windows themselves (whose dilation is 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPoolShape {
    /// The windows.
    pub windows: PoolShape,
    /// Whether padding counts as elements.
    pub count_include_pad: bool,
    /// A divisor in place of the number of elements.
    pub divisor_override: Option<i64>,
}

impl AvgPoolShape {
    /// The rows and columns of a window inside the image, and the divisor.
    fn window(&self, o: [i64; 2], size: [i64; 2]) -> ([i64; 2], [i64; 2], i64) {
        let s = &self.windows;
        let (mut from, mut to, mut padded) = ([0; 2], [0; 2], 1);
        for d in 0..2 {
            let start = o[d] * s.stride[d] - s.padding[d];
            let end = (start + s.kernel[d]).min(size[d] + s.padding[d]);
            padded *= end - start;
            from[d] = start.max(0);
            to[d] = end.min(size[d]);
        }
        let inside = (to[0] - from[0]) * (to[1] - from[1]);
        let divisor = self.divisor_override.unwrap_or(if self.count_include_pad { padded } else { inside });
        (from, to, divisor)
    }
}

/// The mean of each window. Contiguous, (N, C, H, W) or (C, H, W); bool and complex do nothing.
pub fn avg_pool2d(out: &mut ViewMut, input: View, shape: &AvgPoolShape) {
    by_pooled!(input.dtype(), T => forward::<T>(out, &input, shape));
}

fn forward<T: Pooled>(out: &mut ViewMut, input: &View, s: &AvgPoolShape) {
    let (count, h, w) = planes(input.sizes());
    let (_, oh, ow) = planes(out.sizes());
    let (x, y) = (Shared::read(input.ptr().cast::<T>()), Shared::new(out.ptr().cast::<T>()));
    let work = (oh * ow * s.windows.kernel[0] * s.windows.kernel[1]).max(1) as usize;
    for_pieces(0..count, GRAIN.div_ceil(work), |range| {
        for plane in range {
            let x = x.at(plane as isize * (h * w) as isize);
            for o in 0..oh * ow {
                let (from, to, divisor) = s.window([o / ow, o % ow], [h, w]);
                let mut sum = T::ZERO;
                for r in from[0]..to[0] {
                    for c in from[1]..to[1] {
                        // SAFETY: an element of this plane.
                        sum = T::add(sum, unsafe { x.wrapping_offset((r * w + c) as isize).read_unaligned() });
                    }
                }
                let empty = from[0] >= to[0] || from[1] >= to[1] || divisor == 0;
                let mean = if empty { T::round(T::ZERO) } else { T::mean(sum, divisor) };
                // SAFETY: an element of this plane's output.
                unsafe { y.at(plane as isize * (oh * ow) as isize + o as isize).write_unaligned(mean) };
            }
        }
    });
}

/// The gradient of [`avg_pool2d`]: each window's gradient is shared out among its elements.
pub fn avg_pool2d_backward(grad_input: &mut ViewMut, grad_out: View, shape: &AvgPoolShape) {
    by_pooled!(grad_input.dtype(), T => backward::<T>(grad_input, &grad_out, shape));
}

fn backward<T: Pooled>(grad_input: &mut ViewMut, grad_out: &View, s: &AvgPoolShape) {
    let (count, h, w) = planes(grad_input.sizes());
    let (_, oh, ow) = planes(grad_out.sizes());
    let size = (h * w) as usize;
    let (x, g) = (Shared::new(grad_input.ptr().cast::<T>()), Shared::read(grad_out.ptr().cast::<T>()));
    let work = (oh * ow * s.windows.kernel[0] * s.windows.kernel[1]).max(1) as usize + size;
    for_pieces(0..count, GRAIN.div_ceil(work), |range| {
        let mut sums = vec![T::ZERO; size];
        for plane in range {
            sums.fill(T::ZERO);
            for o in 0..oh * ow {
                let (from, to, divisor) = s.window([o / ow, o % ow], [h, w]);
                if divisor == 0 {
                    continue;
                }
                // SAFETY: an element of this plane's gradient.
                let g = unsafe { g.at(plane as isize * (oh * ow) as isize + o as isize).read_unaligned() };
                let share = T::mean(T::add(T::ZERO, g), divisor);
                for r in from[0]..to[0] {
                    for c in from[1]..to[1] {
                        let sum = &mut sums[(r * w + c) as usize];
                        *sum = T::add(*sum, share);
                    }
                }
            }
            for (i, &sum) in sums.iter().enumerate() {
                // SAFETY: an element of this plane.
                unsafe { x.at((plane * size + i) as isize).write_unaligned(T::round(sum)) };
            }
        }
    });
}
