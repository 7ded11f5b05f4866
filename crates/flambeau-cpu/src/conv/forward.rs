//! The convolution itself.

use super::Sizes;
use super::correlate::Correlation;
use super::patches::Patches;
use super::sheet::Geometry;
use crate::gemm::scratch::{self, Slot};
use crate::gemm::{Multiply, Real, Shared, for_pieces, product_at};

/// Multiply-adds worth a thread.
const GRAIN: usize = 1 << 20;

impl Sizes {
    /// Multiply-adds of one group of one image.
    pub(super) fn work(&self) -> usize {
        (self.c_out * self.patch() * self.out_plane()).max(1)
    }

    /// Calls `f` for every group of every image, on threads if there is work for them.
    pub(super) fn for_images(&self, f: impl Fn(usize, usize) + Sync) {
        for_pieces(0..self.batch * self.groups, GRAIN.div_ceil(self.work()), |range| {
            range.for_each(|i| f(i / self.groups, i % self.groups));
        });
    }
}

/// f32 and f64: weight times image, read at shifted places.
///
/// # Safety
/// The memory is contiguous and of the sizes given.
pub(super) unsafe fn real<T: Real>(s: &Sizes, x: *const T, w: *const T, bias: Option<*const T>, y: *mut T) {
    let (x, w, y, b) = (Shared::read(x), Shared::read(w), Shared::new(y), bias.map(Shared::read));
    let plane = s.out_plane();
    if s.patch() == 0 {
        for i in 0..s.batch * s.groups * s.c_out {
            // SAFETY: channel i % (groups * c_out) of an image's output and of the bias.
            unsafe {
                let start = b.map_or(T::zero(), |b| b.at((i % (s.groups * s.c_out)) as isize).read_unaligned());
                fill(y.at((i * plane) as isize), plane, start);
            }
        }
        return;
    }
    let geometry = Geometry::of(s);
    let correlation = Correlation {
        batch: s.batch,
        groups: s.groups,
        geometry: &geometry,
        rows: s.c_out,
        matrix: w,
        bias: b,
        source: x,
        target: y,
        planes: s.output,
        first: [0; 3],
        apart: [1; 3],
    };
    // SAFETY: forwarded to the caller.
    unsafe { correlation.run() }
}

pub(super) unsafe fn fill<T: Copy>(to: *mut T, n: usize, x: T) {
    for i in 0..n {
        // SAFETY: the caller has n elements.
        unsafe { to.add(i).write_unaligned(x) };
    }
}

/// Every type: patches are written out.
///
/// # Safety
/// The memory is contiguous and of the sizes given.
pub(super) unsafe fn general<T: Multiply + num_traits::One>(
    s: &Sizes,
    x: *const T,
    w: *const T,
    bias: Option<*const T>,
    y: *mut T,
) {
    let (x, w, y, b) = (Shared::read(x), Shared::read(w), Shared::new(y), bias.map(Shared::read));
    let (patch, plane) = (s.patch(), s.out_plane());
    s.for_images(|n, g| {
        scratch::with::<T, _>(Slot::Outer, patch * plane, |cols| {
            let group = n * s.groups + g;
            let c = y.at((group * s.c_out * plane) as isize);
            // SAFETY: the group's part of the weight, the image and the output; the buffer holds all patches.
            unsafe {
                let patches = Patches { sizes: s, image: x.at((group * s.c_in * s.in_plane()) as isize) };
                patches.write(0..patch, 0..plane, cols, plane);
                if let Some(b) = b {
                    for i in 0..s.c_out {
                        fill(c.add(i * plane), plane, b.at((g * s.c_out + i) as isize).read_unaligned());
                    }
                }
                product_at(
                    (s.c_out, plane, patch),
                    (w.at((g * s.c_out * patch) as isize), (patch as isize, 1)),
                    (cols, (plane as isize, 1)),
                    (c, (plane as isize, 1)),
                    b.is_some(),
                );
            }
        });
    });
}
