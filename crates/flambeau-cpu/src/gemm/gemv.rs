//! Matrix times vector, and the dot product: bound by memory, so without packing.

use num_traits::Zero;

use super::scratch::{self, Slot};
use super::shared::Shared;
use super::shared::for_pieces;
#[cfg(target_arch = "x86_64")]
use super::simd::{Isa, isa};
use super::simd::{Plain, Real, Simd};

/// Elements of the matrix worth a thread.
const GRAIN: usize = 1 << 16;
/// Rows of the result that stay in registers or the first cache while columns are added.
const ROWS: usize = 512;

/// Runs a `#[inline(always)]` generic kernel under this processor's instruction set.
macro_rules! on_isa {
    ($t:ident, $name:ident ( $($arg:ident : $ty:ty),* ) -> $ret:ty) => {{
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
        unsafe fn avx512<$t: Real>($($arg: $ty),*) -> $ret {
            // SAFETY: forwarded to the caller.
            unsafe { $name::<$t::V512>($($arg),*) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2<$t: Real>($($arg: $ty),*) -> $ret {
            // SAFETY: forwarded to the caller.
            unsafe { $name::<$t::V256>($($arg),*) }
        }
        // SAFETY: isa() says that the processor has the instructions; the rest is forwarded to the caller.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            match isa() {
                Isa::Avx512 => avx512::<$t>($($arg),*),
                Isa::Avx2 => avx2::<$t>($($arg),*),
                Isa::Plain => $name::<Plain<$t>>($($arg),*),
            }
            #[cfg(not(target_arch = "x86_64"))]
            $name::<Plain<$t>>($($arg),*)
        }
    }};
}

/// Adds the products of the first n elements to as many accumulators; each product is rounded first.
#[inline(always)]
unsafe fn add_products<T: Real>(acc: &mut [T; 16], a: *const T, b: *const T, n: usize) {
    for (l, acc) in acc.iter_mut().enumerate().take(n) {
        // SAFETY: the caller has n elements.
        *acc = *acc + unsafe { a.add(l).read_unaligned() * b.add(l).read_unaligned() };
    }
}

/// `sum(a * b)` over n adjacent elements, in the order and with the roundings of MKL's kernel for every x86 processor: four
/// accumulators of 16 bytes, and what does not fill them goes onto the first ones.
#[inline(always)]
unsafe fn dot_body<V: Simd<T: Real>>(a: *const V::T, b: *const V::T, n: usize) -> V::T {
    let lanes = 16 / size_of::<V::T>();
    let mut acc = [V::T::zero(); 16];
    let mut i = 0;
    // SAFETY: indices stay below n.
    unsafe {
        while i + 4 * lanes <= n {
            add_products(&mut acc, a.add(i), b.add(i), 4 * lanes);
            i += 4 * lanes;
        }
        if lanes == 4 && i + 2 * lanes <= n {
            add_products(&mut acc, a.add(i), b.add(i), 2 * lanes);
            i += 2 * lanes;
        }
        while i + lanes <= n {
            add_products(&mut acc, a.add(i), b.add(i), lanes);
            i += lanes;
        }
        for i in i..n {
            add_products(&mut acc, a.add(i), b.add(i), 1);
        }
    }
    // Through memory: else the compiler arranges the loops above by lanes, as the sums below would like them.
    let acc = std::hint::black_box(acc);
    let lane = |l: usize| acc[l] + acc[lanes + l] + acc[2 * lanes + l] + acc[3 * lanes + l];
    if lanes == 4 { (lane(0) + lane(2)) + (lane(1) + lane(3)) } else { lane(0) + lane(1) }
}

/// `out[i] = sum(a[i, :] * x)` for rows whose elements are adjacent; four rows share the loads of x.
#[inline(always)]
unsafe fn rows_body<V: Simd<T: Real>>(a: *const V::T, row: isize, m: usize, k: usize, x: *const V::T, out: *mut V::T) {
    // SAFETY: i stays below m, p below k.
    unsafe {
        let mut i = 0;
        while i + 4 <= m {
            let lines: [*const V::T; 4] = std::array::from_fn(|r| a.wrapping_offset((i + r) as isize * row));
            let mut acc = [[V::splat(num_traits::Zero::zero()); 2]; 4];
            let mut p = 0;
            while p + 2 * V::LANES <= k {
                let x0 = V::load(x.add(p));
                let x1 = V::load(x.add(p + V::LANES));
                for (acc, line) in acc.iter_mut().zip(lines) {
                    acc[0] = acc[0].fma(V::load(line.add(p)), x0);
                    acc[1] = acc[1].fma(V::load(line.add(p + V::LANES)), x1);
                }
                p += 2 * V::LANES;
            }
            while p < k {
                let n = (k - p).min(V::LANES);
                let xv = V::load_part(x.add(p), n);
                for (acc, line) in acc.iter_mut().zip(lines) {
                    acc[0] = acc[0].fma(V::load_part(line.add(p), n), xv);
                }
                p += n;
            }
            for (r, acc) in acc.iter().enumerate() {
                *out.add(i + r) = acc[0].add(acc[1]).sum();
            }
            i += 4;
        }
        for i in i..m {
            *out.add(i) = dot_body::<V>(a.wrapping_offset(i as isize * row), x, k);
        }
    }
}

/// `out[i] = sum(a[i, :] * x)` for columns whose elements are adjacent; four columns share the loads of the sums.
#[inline(always)]
unsafe fn cols_body<V: Simd>(a: *const V::T, col: isize, m: usize, k: usize, x: *const V::T, out: *mut V::T) {
    // SAFETY: rows stay below m, columns below k.
    unsafe {
        for i in 0..m {
            *out.add(i) = num_traits::Zero::zero();
        }
        let mut from = 0;
        while from < m {
            let rows = (m - from).min(ROWS);
            let (a, out) = (a.wrapping_add(from), out.add(from));
            let mut p = 0;
            while p < k {
                let cols = (k - p).min(4);
                let lines: [*const V::T; 4] =
                    std::array::from_fn(|c| a.wrapping_offset((p + c.min(cols - 1)) as isize * col));
                let xs: [V; 4] = std::array::from_fn(|c| V::splat(*x.add(p + c.min(cols - 1))));
                let mut i = 0;
                while i < rows {
                    let n = (rows - i).min(V::LANES);
                    if n == V::LANES {
                        let mut acc = V::load(out.add(i));
                        if cols == 4 {
                            for (line, x) in lines.iter().zip(xs) {
                                acc = acc.fma(V::load(line.add(i)), x);
                            }
                        } else {
                            for (line, x) in lines.iter().zip(xs).take(cols) {
                                acc = acc.fma(V::load(line.add(i)), x);
                            }
                        }
                        acc.store(out.add(i));
                    } else {
                        let mut acc = V::load_part(out.add(i), n);
                        for (line, x) in lines.iter().zip(xs).take(cols) {
                            acc = acc.fma(V::load_part(line.add(i), n), x);
                        }
                        acc.store_part(out.add(i), n);
                    }
                    i += n;
                }
                p += cols;
            }
            from += rows;
        }
    }
}

unsafe fn dot_one<T: Real>(a: *const T, b: *const T, n: usize) -> T {
    on_isa!(T, dot_body(a: *const T, b: *const T, n: usize) -> T)
}

unsafe fn rows_one<T: Real>(a: *const T, row: isize, m: usize, k: usize, x: *const T, out: *mut T) {
    on_isa!(T, rows_body(a: *const T, row: isize, m: usize, k: usize, x: *const T, out: *mut T) -> ())
}

unsafe fn cols_one<T: Real>(a: *const T, col: isize, m: usize, k: usize, x: *const T, out: *mut T) {
    on_isa!(T, cols_body(a: *const T, col: isize, m: usize, k: usize, x: *const T, out: *mut T) -> ())
}

/// The sum of products of n adjacent elements. Long vectors are summed in fixed pieces, so that the result does not depend
/// on the number of threads.
///
/// # Safety
/// Both are readable for n elements.
pub(crate) unsafe fn dot<T: Real>(a: *const T, b: *const T, n: usize) -> T {
    if n <= GRAIN {
        // SAFETY: forwarded to the caller.
        return unsafe { dot_one(a, b, n) };
    }
    let mut sums = vec![T::zero(); n.div_ceil(GRAIN)];
    let (out, a, b) = (Shared::new(sums.as_mut_ptr()), Shared::read(a), Shared::read(b));
    for_pieces(0..sums.len(), 1, |pieces| {
        for i in pieces {
            let from = i * GRAIN;
            // SAFETY: each piece lies within n and has a sum of its own.
            unsafe { *out.at(i as isize) = dot_one(a.at(from as isize), b.at(from as isize), GRAIN.min(n - from)) };
        }
    });
    sums.into_iter().fold(T::zero(), |s, x| s + x)
}

/// `y = alpha * a @ x + beta * y` with a of (m, k) and any strides; false if neither the rows nor the columns of a are
/// adjacent, and nothing was done.
///
/// # Safety
/// a, x and y are readable (y writable) for all their elements; y overlaps neither.
pub(crate) unsafe fn gemv<T: Real>(
    (m, k): (usize, usize),
    a: *const T,
    (row, col): (isize, isize),
    x: *const T,
    x_step: isize,
    y: *mut T,
    y_step: isize,
    alpha: T,
    beta: T,
) -> bool {
    let by_rows = col == 1 || k == 1;
    if !by_rows && row != 1 {
        return false;
    }
    let copy_x = x_step != 1 && k > 1;
    let finish = |y: *mut T, value: T| {
        // SAFETY: y is an element of the result.
        unsafe {
            let new = alpha * value;
            y.write_unaligned(if beta == T::zero() { new } else { new + beta * y.read_unaligned() });
        }
    };
    if m == 1 && by_rows && !copy_x {
        // SAFETY: one row of k elements.
        finish(y, unsafe { dot(a, x, k) });
        return true;
    }
    scratch::with::<T, _>(Slot::Pack, m + k, |buffer| {
        let xs = buffer.wrapping_add(m);
        for p in 0..k {
            // SAFETY: the buffer has m + k elements. Also makes x aligned.
            unsafe { *xs.add(p) = x.wrapping_offset(p as isize * x_step).read_unaligned() };
        }
        let (a, out, xs, y) = (Shared::read(a), Shared::new(buffer), Shared::new(xs), Shared::new(y));
        // Pieces of whole vectors.
        let grain = (GRAIN / k.max(1)).next_multiple_of(64);
        for_pieces(0..m.div_ceil(64), grain / 64, |pieces| {
            let (from, to) = (pieces.start * 64, m.min(pieces.end * 64));
            // SAFETY: rows from..to of a and the result, which are this piece's alone.
            unsafe {
                let a = a.at(from as isize * row);
                if by_rows {
                    rows_one(a, row, to - from, k, xs.at(0), out.at(from as isize));
                } else {
                    cols_one(a, col, to - from, k, xs.at(0), out.at(from as isize));
                }
            }
            for i in from..to {
                // SAFETY: as above.
                finish(y.at(i as isize * y_step), unsafe { *out.at(i as isize) });
            }
        });
    });
    true
}
