//! One product of two matrices in memory: [`Multiply`], for every type of element.

use flambeau_types::{Complex, Element, Scalar, bf16, f16};
use num_traits::One;

use super::block::Product;
use super::gemv::gemv;
use super::kernel::kernels;
use super::narrow::{in_order, is_small, narrow};
use super::pack::{Strided, transpose};
use super::scratch::{self, Slot};
use super::shared::{for_pieces, inside_piece};
use super::simd::Real;
use crate::threads::num_threads;

/// `c = alpha * a @ b + beta * c` over raw memory. Strides count elements.
#[derive(Clone, Copy)]
pub(crate) struct Args<T> {
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub a: *const T,
    /// Row and column strides.
    pub a_strides: (isize, isize),
    pub b: *const T,
    pub b_strides: (isize, isize),
    pub c: *mut T,
    pub c_strides: (isize, isize),
    pub alpha: T,
    pub beta: T,
    /// Whether a, and b, are to be conjugated.
    pub conj: (bool, bool),
}

// SAFETY: the pointers are used only within `Multiply::product`, whose caller vouches for them.
unsafe impl<T> Sync for Args<T> {}

impl<T: Copy> Args<T> {
    /// The same product as `c^T = b^T @ a^T`.
    pub(super) fn transposed(&self) -> Args<T> {
        let swap = |(x, y): (isize, isize)| (y, x);
        Args {
            m: self.n,
            n: self.m,
            a: self.b,
            a_strides: swap(self.b_strides),
            b: self.a,
            b_strides: swap(self.a_strides),
            c_strides: swap(self.c_strides),
            conj: (self.conj.1, self.conj.0),
            ..*self
        }
    }

    /// The part that computes `rows` by `cols` of c.
    pub(super) fn block(&self, rows: std::ops::Range<usize>, cols: std::ops::Range<usize>) -> Args<T> {
        let (i, j) = (rows.start as isize, cols.start as isize);
        Args {
            m: rows.len(),
            n: cols.len(),
            a: self.a.wrapping_offset(i * self.a_strides.0),
            b: self.b.wrapping_offset(j * self.b_strides.1),
            c: self.c.wrapping_offset(i * self.c_strides.0 + j * self.c_strides.1),
            ..*self
        }
    }

    /// The same product `i` steps on.
    pub(super) fn shifted(&self, i: isize, steps: (isize, isize, isize)) -> Args<T> {
        Args {
            a: self.a.wrapping_offset(i * steps.0),
            b: self.b.wrapping_offset(i * steps.1),
            c: self.c.wrapping_offset(i * steps.2),
            ..*self
        }
    }

    /// The address of `c[i, j]`.
    pub(super) fn c_at(&self, i: usize, j: usize) -> *mut T {
        self.c.wrapping_offset(i as isize * self.c_strides.0 + j as isize * self.c_strides.1)
    }
}

/// A type of element that matrices can be multiplied in: all but bool.
pub(crate) trait Multiply: Element {
    /// Computes, with threads if the work deserves them and this is not already a thread of the pool.
    ///
    /// # Safety
    /// a and b must be readable and c writable for all their elements; c overlaps neither, nor itself.
    unsafe fn product(args: &Args<Self>);

    /// [`Multiply::product`] by factors that the type itself may not hold exactly.
    ///
    /// # Safety
    /// As [`Multiply::product`].
    unsafe fn product_by(args: &Args<Self>, _alpha: Scalar, _beta: Scalar) {
        // SAFETY: forwarded to the caller.
        unsafe { Self::product(args) }
    }

    /// One of the products of a batch, as [`Multiply::product_by`].
    ///
    /// # Safety
    /// As [`Multiply::product`].
    unsafe fn product_in_batch(args: &Args<Self>, alpha: Scalar, beta: Scalar) {
        // SAFETY: forwarded to the caller.
        unsafe { Self::product_by(args, alpha, beta) }
    }
}

/// Multiplies c by beta, as a product over nothing does.
unsafe fn scale<T: Multiply>(args: &Args<T>, zero: T, mul: impl Fn(T, T) -> T) {
    for i in 0..args.m {
        for j in 0..args.n {
            let c = args.c_at(i, j);
            // SAFETY: an element of c.
            unsafe { c.write_unaligned(if args.beta == zero { zero } else { mul(args.beta, c.read_unaligned()) }) };
        }
    }
}

unsafe fn real<T: Real + Multiply>(args: &Args<T>) {
    let mut p = *args;
    // SAFETY: every path below stays within the caller's matrices.
    unsafe {
        if p.m == 0 || p.n == 0 {
            return;
        }
        if p.k == 0 {
            return scale(&p, T::zero(), |x, y| x * y);
        }
        // The stride of a dimension of one element means nothing: let it be the handiest.
        if p.n == 1 {
            p.c_strides.1 = 1;
        }
        if p.m == 1 {
            p.c_strides.0 = 1;
        }
        if p.k == 1 {
            p.a_strides.1 = 1;
        }
        if narrow(&p) {
            return;
        }
        if p.n == 1 || p.m == 1 {
            let v = if p.n == 1 { p } else { p.transposed() };
            if gemv((v.m, v.k), v.a, v.a_strides, v.b, v.b_strides.0, v.c, v.c_strides.0, v.alpha, v.beta) {
                return;
            }
        }
        if p.c_strides.1 != 1 && p.c_strides.0 == 1 {
            p = p.transposed();
        }
        // Packing b costs more than packing a: with b column-major and a narrow, multiply the other way round.
        let turn =
            p.b_strides.0 == 1 && p.b_strides.1 != 1 && p.a_strides.1 == 1 && p.m < p.n && p.m <= 256 && p.k >= 16;
        if turn || p.c_strides.1 != 1 {
            let q = if turn { p.transposed() } else { p };
            return scratch::with::<T, _>(Slot::Outer, q.m * q.n, |c| {
                let q = Args { c, c_strides: (q.n as isize, 1), ..q };
                let to = if turn { p.transposed() } else { p };
                // The old c goes first into the sum of all blocks, as it would in place.
                if p.beta != T::zero() {
                    for i in 0..q.m {
                        for j in 0..q.n {
                            *q.c_at(i, j) = to.c_at(i, j).read_unaligned();
                        }
                    }
                }
                blocked(&q);
                if turn && p.c_strides.1 == 1 && p.m >= 8 && kernels::<T>().lanes > 4 {
                    // q is (n, m) row-major; c is (m, n) row-major.
                    return transpose_out(&p, c);
                }
                for i in 0..q.m {
                    for j in 0..q.n {
                        to.c_at(i, j).write_unaligned(*q.c_at(i, j));
                    }
                }
            });
        }
        blocked(&p);
    }
}

/// `c = t^T` for a t of (n, m).
unsafe fn transpose_out<T: Real>(p: &Args<T>, t: *const T) {
    // SAFETY: both have m * n elements, c with rows c_strides.0 apart.
    unsafe {
        if p.c_strides.0 > 0 {
            transpose(t, p.m as isize, p.n, p.m, p.c, p.c_strides.0 as usize);
        } else {
            for i in 0..p.m {
                for j in 0..p.n {
                    p.c_at(i, j).write_unaligned(*t.add(j * p.m + i));
                }
            }
        }
    }
}

/// c has adjacent columns.
unsafe fn blocked<T: Real>(p: &Args<T>) {
    let b = Strided { ptr: p.b, row: p.b_strides.0, col: if p.n == 1 { 1 } else { p.b_strides.1 } };
    let product = Product {
        m: p.m,
        n: p.n,
        k: p.k,
        a: p.a,
        a_row: if p.m == 1 { 1 } else { p.a_strides.0 },
        a_col: p.a_strides.1,
        b: &b,
        c: p.c,
        c_row: p.c_strides.0,
        alpha: p.alpha,
        beta: p.beta,
    };
    // SAFETY: forwarded to the caller.
    unsafe { product.run() }
}

impl Multiply for f32 {
    unsafe fn product(args: &Args<f32>) {
        // SAFETY: forwarded to the caller.
        unsafe { real(args) }
    }

    unsafe fn product_in_batch(args: &Args<f32>, _alpha: Scalar, _beta: Scalar) {
        // SAFETY: forwarded to the caller.
        unsafe { if is_small(args) { in_order(args) } else { real(args) } }
    }
}

impl Multiply for f64 {
    unsafe fn product(args: &Args<f64>) {
        // SAFETY: forwarded to the caller.
        unsafe { real(args) }
    }

    unsafe fn product_in_batch(args: &Args<f64>, _alpha: Scalar, _beta: Scalar) {
        // SAFETY: forwarded to the caller.
        unsafe { if is_small(args) { in_order(args) } else { real(args) } }
    }
}

/// A product of complex matrices as four of their real and imaginary parts, which are strided real matrices.
macro_rules! complex {
    ($t:ty) => {
        impl Multiply for Complex<$t> {
            unsafe fn product(args: &Args<Self>) {
                let p = args;
                let zero = Complex::new(0.0, 0.0);
                if p.k == 0 {
                    // SAFETY: forwarded to the caller.
                    return unsafe { scale(p, zero, |x, y| x * y) };
                }
                let doubled = |(x, y): (isize, isize)| (2 * x, 2 * y);
                let sign = |conj: bool| if conj { -1.0 } else { 1.0 };
                let (sa, sb) = (sign(p.conj.0), sign(p.conj.1));
                let n = p.m * p.n;
                scratch::with::<$t, _>(Slot::Complex, 2 * n, |parts| {
                    // Parts 0 (real) and 1 (imaginary) of a and b, into one half of the scratch.
                    let part = |a: usize, b: usize, to: usize, alpha: $t, beta: $t| Args::<$t> {
                        m: p.m,
                        n: p.n,
                        k: p.k,
                        a: p.a.cast::<$t>().wrapping_add(a),
                        a_strides: doubled(p.a_strides),
                        b: p.b.cast::<$t>().wrapping_add(b),
                        b_strides: doubled(p.b_strides),
                        c: parts.wrapping_add(to * n),
                        c_strides: (p.n as isize, 1),
                        alpha,
                        beta,
                        conj: (false, false),
                    };
                    // SAFETY: the parts lie within the caller's matrices and within the scratch.
                    unsafe {
                        real(&part(0, 0, 0, 1.0, 0.0));
                        real(&part(1, 1, 0, -sa * sb, 1.0));
                        real(&part(0, 1, 1, sb, 0.0));
                        real(&part(1, 0, 1, sa, 1.0));
                        for i in 0..p.m {
                            for j in 0..p.n {
                                let at = i * p.n + j;
                                let x = p.alpha * Complex::new(*parts.add(at), *parts.add(n + at));
                                let c = p.c_at(i, j);
                                c.write_unaligned(if p.beta == zero { x } else { x + p.beta * c.read_unaligned() });
                            }
                        }
                    }
                });
            }
        }
    };
}
complex!(f32);
complex!(f64);

/// Cuts c into pieces of whole rows, or of whole columns, whichever there are more of, for threads.
pub(super) fn split<T: Copy>(p: &Args<T>, grain: usize, serial: impl Fn(&Args<T>) + Sync) {
    let work = p.m * p.n * p.k;
    let threads = if work < 2 * grain || inside_piece() { 1 } else { num_threads().min(work / grain) };
    if threads == 1 {
        return serial(p);
    }
    let length = p.m.max(p.n);
    let piece = length.div_ceil(threads).next_multiple_of(8);
    for_pieces(0..length.div_ceil(piece), 1, |pieces| {
        let range = pieces.start * piece..length.min(pieces.end * piece);
        serial(&if p.m >= p.n { p.block(range, 0..p.n) } else { p.block(0..p.m, range) });
    });
}

macro_rules! half {
    ($($t:ty),*) => {$(
        impl Multiply for $t {
            unsafe fn product(args: &Args<$t>) {
                // SAFETY: forwarded to the caller.
                unsafe { super::half::product(args, args.alpha.to_f32(), args.beta.to_f32()) }
            }

            unsafe fn product_by(args: &Args<$t>, alpha: Scalar, beta: Scalar) {
                // SAFETY: forwarded to the caller.
                unsafe { super::half::product(args, alpha.to_f64() as f32, beta.to_f64() as f32) }
            }
        }
    )*};
}
half!(f16, bf16);

macro_rules! integer {
    ($($t:ty),*) => {$(
        impl Multiply for $t {
            unsafe fn product(args: &Args<$t>) {
                // SAFETY: forwarded to the caller.
                unsafe { super::integer::product(args) }
            }
        }
    )*};
}
integer!(u8, i8, i16, i32, i64);

/// A product of adjacent row-major matrices, `c = a @ b` or `c += a @ b`: what other kernels mostly want.
///
/// # Safety
/// As [`Multiply::product`].
pub(crate) unsafe fn product_at<T: Multiply + One>(
    (m, n, k): (usize, usize, usize),
    (a, a_strides): (*const T, (isize, isize)),
    (b, b_strides): (*const T, (isize, isize)),
    (c, c_strides): (*mut T, (isize, isize)),
    add: bool,
) {
    let beta = if add { T::one() } else { T::default() };
    let args = Args { m, n, k, a, a_strides, b, b_strides, c, c_strides, alpha: T::one(), beta, conj: (false, false) };
    // SAFETY: forwarded to the caller.
    unsafe { T::product(&args) }
}
