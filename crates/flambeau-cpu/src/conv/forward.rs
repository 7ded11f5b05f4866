//! The convolution itself: weight times patches, image by image.

use super::Sizes;
use super::patches::Patches;
use crate::gemm::scratch::{self, Slot};
use crate::gemm::{Multiply, Product, Real, Rhs, Shared, Strided, for_pieces, product_at};
use crate::threads::num_threads;

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

/// f32 and f64: patches are packed straight into the product's panels.
///
/// # Safety
/// The memory is contiguous and of the sizes given.
pub(super) unsafe fn real<T: Real + Multiply>(s: &Sizes, x: *const T, w: *const T, bias: Option<*const T>, y: *mut T) {
    let (x, w, y, b) = (Shared::read(x), Shared::read(w), Shared::new(y), bias.map(Shared::read));
    let (patch, plane) = (s.patch(), s.out_plane());
    if s.c_in == 1 && s.c_out <= 4 && s.groups > 1 {
        // SAFETY: forwarded to the caller.
        return unsafe { super::depthwise::forward(s, x, w, b, y) };
    }
    let image = |n: usize, g: usize, threads: bool| {
        let channels = (n * s.groups + g) * s.c_out;
        let image = x.at(((n * s.groups + g) * s.c_in * s.in_plane()) as isize);
        let (c, beta) = (y.at((channels * plane) as isize), if b.is_some() { T::one() } else { T::zero() });
        if let Some(b) = b {
            for i in 0..s.c_out {
                // SAFETY: channel i of this group's output and bias.
                unsafe { fill(c.add(i * plane), plane, b.at((g * s.c_out + i) as isize).read_unaligned()) };
            }
        }
        let patches = Patches { sizes: s, image: image.cast_const() };
        let points = Strided { ptr: image.cast_const(), row: plane as isize, col: 1 };
        let rhs: &dyn Rhs<T> = if s.is_pointwise() { &points } else { &patches };
        let product = Product {
            m: s.c_out,
            n: plane,
            k: patch,
            a: w.at((g * s.c_out * patch) as isize),
            a_row: if s.c_out == 1 { 1 } else { patch as isize },
            a_col: 1,
            b: rhs,
            c,
            c_row: plane as isize,
            alpha: T::one(),
            beta,
        };
        // SAFETY: the group's part of the weight, the image and the output.
        unsafe {
            if patch == 0 {
                if b.is_none() {
                    fill(c, s.c_out * plane, T::zero());
                }
            } else if threads {
                product.run();
            } else {
                product.serial(0..s.c_out, 0..plane);
            }
        }
    };
    if s.batch * s.groups < num_threads() {
        for i in 0..s.batch * s.groups {
            image(i / s.groups, i % s.groups, true);
        }
    } else {
        s.for_images(|n, g| image(n, g, false));
    }
}

unsafe fn fill<T: Copy>(to: *mut T, n: usize, x: T) {
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
