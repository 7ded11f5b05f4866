//! Products of integers, wrapping: plain loops that the compiler vectorises.

use num_traits::{WrappingAdd, WrappingMul, Zero};

use super::product::{Args, Multiply, split};
use super::scratch::{self, Slot};

/// Multiply-adds worth a thread.
const GRAIN: usize = 1 << 17;
/// Columns of c done together: their sums stay in the first cache.
const COLS: usize = 256;

/// What integer elements can do.
pub(super) trait Int: Multiply + WrappingAdd + WrappingMul + Zero {}
impl<T: Multiply + WrappingAdd + WrappingMul + Zero> Int for T {}

/// `c = alpha * a @ b + beta * c`.
///
/// # Safety
/// As [`Multiply::product`].
pub(super) unsafe fn product<T: Int>(p: &Args<T>) {
    // SAFETY: forwarded to the caller.
    split(p, GRAIN, |p| unsafe { serial(p) });
}

unsafe fn serial<T: Int>(p: &Args<T>) {
    #[cfg(target_arch = "x86_64")]
    {
        use super::simd::{Isa, isa};
        #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
        unsafe fn avx512<T: Int>(p: &Args<T>) {
            // SAFETY: forwarded to the caller.
            unsafe { body(p) }
        }
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2<T: Int>(p: &Args<T>) {
            // SAFETY: forwarded to the caller.
            unsafe { body(p) }
        }
        // SAFETY: the processor has the instructions; the rest is forwarded.
        unsafe {
            match isa() {
                Isa::Avx512 => return avx512(p),
                Isa::Avx2 => return avx2(p),
                Isa::Plain => {}
            }
        }
    }
    // SAFETY: forwarded to the caller.
    unsafe { body(p) }
}

#[inline(always)]
unsafe fn body<T: Int>(p: &Args<T>) {
    let (m, n, k) = (p.m, p.n, p.k);
    // b, a block of columns at a time, as adjacent rows.
    scratch::with::<T, _>(Slot::Pack, (k + 1) * COLS.min(n), |buffer| {
        let mut from = 0;
        while from < n {
            let cols = COLS.min(n - from);
            // SAFETY: the buffer has k + 1 rows of `cols`: b, and a row of sums.
            unsafe {
                for q in 0..k {
                    let src = p.b.wrapping_offset(q as isize * p.b_strides.0 + from as isize * p.b_strides.1);
                    for j in 0..cols {
                        *buffer.add(q * cols + j) = src.wrapping_offset(j as isize * p.b_strides.1).read_unaligned();
                    }
                }
                let sums = std::slice::from_raw_parts_mut(buffer.add(k * cols), cols);
                for i in 0..m {
                    sums.fill(T::zero());
                    let a = p.a.wrapping_offset(i as isize * p.a_strides.0);
                    for q in 0..k {
                        let x = a.wrapping_offset(q as isize * p.a_strides.1).read_unaligned();
                        let row = std::slice::from_raw_parts(buffer.add(q * cols), cols);
                        for (s, b) in sums.iter_mut().zip(row) {
                            *s = s.wrapping_add(&x.wrapping_mul(b));
                        }
                    }
                    for (j, s) in sums.iter().enumerate() {
                        let c = p.c_at(i, from + j);
                        let x = s.wrapping_mul(&p.alpha);
                        let old = if p.beta.is_zero() { T::zero() } else { p.beta.wrapping_mul(&c.read_unaligned()) };
                        c.write_unaligned(x.wrapping_add(&old));
                    }
                }
            }
            from += cols;
        }
    });
}
