//! Convolutions with one input channel a group: too narrow for products, so kernel element by kernel element.

use super::Sizes;
use crate::gemm::{Real, Shared};

/// # Safety
/// The memory is contiguous and of the sizes given.
pub(super) unsafe fn forward<T: Real>(s: &Sizes, x: Shared<T>, w: Shared<T>, b: Option<Shared<T>>, y: Shared<T>) {
    let (plane, taps, step) = (s.out_plane(), s.taps(), s.stride[2]);
    s.for_images(|n, g| {
        let image = x.at(((n * s.groups + g) * s.in_plane()) as isize);
        for i in 0..s.c_out {
            let channel = g * s.c_out + i;
            let out = y.at(((n * s.groups * s.c_out + channel) * plane) as isize);
            // SAFETY: the channel's bias, weight and output; runs stay within the planes.
            unsafe {
                let start = b.map_or(T::zero(), |b| b.at(channel as isize).read_unaligned());
                for o in 0..plane {
                    out.add(o).write_unaligned(start);
                }
                // Row after row, so that the sums stay in the first cache.
                let width = s.output[2].max(1);
                for row in 0..plane / width {
                    for tap in 0..taps {
                        let weight = w.at((channel * taps + tap) as isize).read_unaligned();
                        s.runs(tap, row * width..(row + 1) * width, |run| {
                            let (from, to) = (image.add(run.input), out.add(run.inside.start));
                            axpy(weight, from, step, to, run.inside.len());
                        });
                    }
                }
            }
        }
    });
}

/// `y[i] += a * x[i * step]`.
#[inline(always)]
unsafe fn axpy<T: Real>(a: T, x: *const T, step: usize, y: *mut T, n: usize) {
    let at = |i: usize| x.wrapping_add(i * step);
    // SAFETY: i stays below n.
    unsafe {
        let mut i = 0;
        // Through a local array: x and y might overlap for all the compiler knows.
        if step == 1 {
            while i + 8 <= n {
                let (xs, ys) = (x.add(i).cast::<[T; 8]>(), y.add(i).cast::<[T; 8]>());
                let (xs, mut sums) = (xs.read_unaligned(), ys.read_unaligned());
                for j in 0..8 {
                    sums[j] = sums[j] + a * xs[j];
                }
                ys.write_unaligned(sums);
                i += 8;
            }
        }
        for i in i..n {
            y.add(i).write_unaligned(y.add(i).read_unaligned() + a * at(i).read_unaligned());
        }
    }
}
