//! Products of f16 and bf16: widened to f32, multiplied there, rounded once.

use flambeau_types::{bf16, f16};
use half::slice::HalfFloatSliceExt;

use super::product::{Args, Multiply};
use super::scratch::{self, Slot};
use super::shared::Shared;
use super::shared::for_pieces;

/// A 16-bit floating-point type.
pub(crate) trait Half: Multiply {
    fn widen(from: &[Self], to: &mut [f32]);
    fn to_f32(self) -> f32;
    fn from_f32(x: f32) -> Self;
}

macro_rules! half {
    ($($t:ty),*) => {$(
        impl Half for $t {
            fn widen(from: &[Self], to: &mut [f32]) {
                from.convert_to_f32_slice(to);
            }
            fn to_f32(self) -> f32 {
                <$t>::to_f32(self)
            }
            fn from_f32(x: f32) -> Self {
                <$t>::from_f32(x)
            }
        }
    )*};
}
half!(f16, bf16);

/// Elements worth a thread in conversions.
const GRAIN: usize = 1 << 16;

/// Widens a matrix into adjacent memory, in the order it has, and returns its new strides.
unsafe fn widen<T: Half>(
    rows: usize,
    cols: usize,
    from: *const T,
    strides: (isize, isize),
    to: *mut f32,
) -> (isize, isize) {
    if strides.0 == 1 && strides.1 != 1 {
        // SAFETY: the same matrix, transposed.
        let (r, c) = unsafe { widen(cols, rows, from, (strides.1, strides.0), to) };
        return (c, r);
    }
    let (from, to) = (Shared::read(from), Shared::new(to));
    for_pieces(0..rows, GRAIN / cols.max(1), |range| {
        for i in range {
            // SAFETY: row i of the matrix, and of the buffer of rows * cols.
            unsafe {
                let src = from.at(i as isize * strides.0);
                let dst = std::slice::from_raw_parts_mut(to.at((i * cols) as isize), cols);
                if strides.1 == 1 && src.is_aligned() {
                    T::widen(std::slice::from_raw_parts(src, cols), dst);
                } else {
                    for (j, x) in dst.iter_mut().enumerate() {
                        *x = src.wrapping_offset(j as isize * strides.1).read_unaligned().to_f32();
                    }
                }
            }
        }
    });
    (cols as isize, 1)
}

/// `c = alpha * a @ b + beta * c`, with these factors and not those of `p`.
///
/// # Safety
/// As [`Multiply::product`].
pub(super) unsafe fn product<T: Half>(p: &Args<T>, alpha: f32, beta: f32) {
    let (m, n, k) = (p.m, p.n, p.k);
    scratch::with::<f32, _>(Slot::Outer, m * k + k * n + m * n, |buffer| {
        let (b, c) = (buffer.wrapping_add(m * k), buffer.wrapping_add(m * k + k * n));
        // SAFETY: the buffer has room for the three matrices.
        unsafe {
            let a_strides = widen(m, k, p.a, p.a_strides, buffer);
            let b_strides = widen(k, n, p.b, p.b_strides, b);
            f32::product(&Args {
                m,
                n,
                k,
                a: buffer,
                a_strides,
                b,
                b_strides,
                c,
                c_strides: (n as isize, 1),
                alpha,
                beta: 0.0,
                conj: (false, false),
            });
        }
        let c = Shared::new(c);
        for_pieces(0..m, GRAIN / n.max(1), |range| {
            for i in range {
                for j in 0..n {
                    let to = p.c_at(i, j);
                    // SAFETY: an element of c, which is this piece's alone.
                    unsafe {
                        let x = *c.at((i * n + j) as isize);
                        let x = if beta == 0.0 { x } else { x + beta * to.read_unaligned().to_f32() };
                        to.write_unaligned(T::from_f32(x));
                    }
                }
            }
        });
    });
}
