//! The gradients of a convolution.

use std::ops::Range;

use num_traits::One;

use super::Sizes;
use super::patches::Patches;
use crate::gemm::scratch::{self, Slot};
use crate::gemm::{Args, Multiply, Shared, for_pieces};
use crate::threads::num_threads;

/// Bytes of patches made at a time: they should stay in the second-level cache.
const PATCH_BYTES: usize = 1 << 19;

/// Cuts the channels of a group so that their patches fit.
fn channel_blocks<T>(s: &Sizes) -> impl Iterator<Item = Range<usize>> {
    let one = (s.taps() * s.out_plane() * size_of::<T>()).max(1);
    let n = (PATCH_BYTES / one).max(1);
    let c = s.c_in;
    (0..c).step_by(n).map(move |i| i..c.min(i + n))
}

/// `x + y`, as the type's products add.
unsafe fn add_to<T: Multiply + Add>(to: *mut T, x: T) {
    // SAFETY: the caller owns the element.
    unsafe { to.write_unaligned(to.read_unaligned().plus(x)) }
}

/// Sums of elements: of integers, wrapping.
pub(super) trait Add {
    fn plus(self, other: Self) -> Self;
}
macro_rules! add {
    ($($t:ty),* => |$x:ident, $y:ident| $sum:expr) => {$(
        impl Add for $t {
            #[inline(always)]
            fn plus(self, $y: Self) -> Self {
                let $x = self;
                $sum
            }
        }
    )*};
}
add!(u8, i8, i16, i32, i64 => |x, y| x.wrapping_add(y));
add!(f32, f64, flambeau_types::f16, flambeau_types::bf16, flambeau_types::Complex<f32>, flambeau_types::Complex<f64> => |x, y| x + y);

/// The input's gradient: `weight^T @ grad` gives the patches' gradient, which is added back to where patches came from.
///
/// # Safety
/// The memory is contiguous and of the sizes given.
pub(super) unsafe fn input<T: Multiply + One + Add>(s: &Sizes, g: *const T, w: *const T, x: *mut T) {
    let (g, w, x) = (Shared::read(g), Shared::read(w), Shared::new(x));
    let (patch, plane, taps, step) = (s.patch(), s.out_plane(), s.taps(), s.stride[2]);
    s.for_images(|n, group| {
        let at = n * s.groups + group;
        let image = x.at((at * s.c_in * s.in_plane()) as isize);
        // SAFETY: this group's part of the weight, the gradients and the buffer.
        unsafe {
            for i in 0..s.c_in * s.in_plane() {
                image.add(i).write_unaligned(T::default());
            }
            for channels in channel_blocks::<T>(s) {
                let rows = channels.len() * taps;
                scratch::with::<T, _>(Slot::Outer, rows * plane, |cols| {
                    T::product(&Args {
                        m: rows,
                        n: plane,
                        k: s.c_out,
                        a: w.at((group * s.c_out * patch + channels.start * taps) as isize),
                        a_strides: (1, patch as isize),
                        b: g.at((at * s.c_out * plane) as isize),
                        b_strides: (plane as isize, 1),
                        c: cols,
                        c_strides: (plane as isize, 1),
                        alpha: T::one(),
                        beta: T::default(),
                        conj: (false, false),
                    });
                    for row in 0..rows {
                        let channel = image.add((channels.start + row / taps) * s.in_plane());
                        let from = cols.add(row * plane);
                        s.runs(row % taps, 0..plane, |run| {
                            let (from, to) = (from.add(run.inside.start), channel.add(run.input));
                            if step == 1 {
                                add_run(from, to, run.inside.len());
                            } else {
                                for i in 0..run.inside.len() {
                                    add_to(to.add(i * step), *from.add(i));
                                }
                            }
                        });
                    }
                });
            }
        }
    });
}

/// `to[i] += from[i]`, eight at a time through local arrays so that it vectorises.
#[inline(always)]
unsafe fn add_run<T: Multiply + Add>(from: *const T, to: *mut T, n: usize) {
    let mut i = 0;
    // SAFETY: i stays below n.
    unsafe {
        while i + 8 <= n {
            let (xs, ys) = (from.add(i).cast::<[T; 8]>(), to.add(i).cast::<[T; 8]>());
            let (xs, mut sums) = (xs.read_unaligned(), ys.read_unaligned());
            for j in 0..8 {
                sums[j] = sums[j].plus(xs[j]);
            }
            ys.write_unaligned(sums);
            i += 8;
        }
        for i in i..n {
            add_to(to.add(i), *from.add(i));
        }
    }
}

/// The weight's gradient: the sum over images of `grad @ patches^T`. Threads take images and sum on their own first.
///
/// # Safety
/// The memory is contiguous and of the sizes given.
pub(super) unsafe fn weight<T: Multiply + One + Add>(s: &Sizes, g: *const T, x: *const T, w: *mut T) {
    let (g, x, w) = (Shared::read(g), Shared::read(x), Shared::new(w));
    let size = s.groups * s.c_out * s.patch();
    for i in 0..size {
        // SAFETY: an element of the weight's gradient.
        unsafe { w.at(i as isize).write_unaligned(T::default()) };
    }
    let work = s.work() * s.groups;
    let pieces = if work * s.batch < 1 << 21 { 1 } else { num_threads().min(s.batch) }.max(1);
    let mut sums = vec![T::default(); size * (pieces - 1)];
    let parts = Shared::new(sums.as_mut_ptr());
    for_pieces(0..pieces, 1, |range| {
        for piece in range {
            // The first piece sums in the result itself.
            let to = if piece == 0 { w.at(0) } else { parts.at(((piece - 1) * size) as isize) };
            for n in s.batch * piece / pieces..s.batch * (piece + 1) / pieces {
                // SAFETY: image n, and sums that are this piece's alone.
                unsafe { weight_of_image(s, n, g, x, to) };
            }
        }
    });
    for part in sums.chunks_exact(size.max(1)) {
        for (i, &sum) in part.iter().enumerate() {
            // SAFETY: an element of the weight's gradient.
            unsafe { add_to(w.at(i as isize), sum) };
        }
    }
}

unsafe fn weight_of_image<T: Multiply + One>(s: &Sizes, n: usize, g: Shared<T>, x: Shared<T>, w: *mut T) {
    let (patch, plane, taps) = (s.patch(), s.out_plane(), s.taps());
    for group in 0..s.groups {
        let at = n * s.groups + group;
        for channels in channel_blocks::<T>(s) {
            let rows = channels.start * taps..channels.end * taps;
            scratch::with::<T, _>(Slot::Outer, rows.len() * plane, |cols| {
                // SAFETY: this group's part of the image, the gradients and the buffer.
                unsafe {
                    let patches = Patches { sizes: s, image: x.at((at * s.c_in * s.in_plane()) as isize) };
                    patches.write(rows.clone(), 0..plane, cols, plane);
                    T::product(&Args {
                        m: s.c_out,
                        n: rows.len(),
                        k: plane,
                        a: g.at((at * s.c_out * plane) as isize),
                        a_strides: (plane as isize, 1),
                        b: cols,
                        b_strides: (1, plane as isize),
                        c: w.wrapping_add(group * s.c_out * patch + rows.start),
                        c_strides: (patch as isize, 1),
                        alpha: T::one(),
                        beta: T::one(),
                        conj: (false, false),
                    });
                }
            });
        }
    }
}
