//! Packing: operands laid out in the order in which the micro-kernels read them.

use std::ops::Range;

use super::simd::Real;
#[cfg(target_arch = "x86_64")]
use super::simd::{Isa, isa};

/// The right-hand operand of a product: something that can be packed into panels. A convolution packs image patches.
///
/// # Safety
/// `pack` writes exactly `rows.len() * width` elements, and what `direct` returns may be read for all rows and columns.
pub(crate) unsafe trait Rhs<T>: Sync {
    /// Writes columns `col..col + cols` of `rows` to `dst`, row after row, each padded with zeros to `width`.
    ///
    /// # Safety
    /// `dst` has room for `rows.len() * width` elements; rows and columns lie within the operand.
    unsafe fn pack(&self, rows: Range<usize>, col: usize, cols: usize, dst: *mut T, width: usize);

    /// The first element and the step from row to row, if the columns are adjacent in memory.
    fn direct(&self) -> Option<(*const T, isize)> {
        None
    }
}

/// A matrix in memory with any strides.
pub(crate) struct Strided<T> {
    pub ptr: *const T,
    pub row: isize,
    pub col: isize,
}

// SAFETY: it is only read, and its maker promises that nobody writes meanwhile.
unsafe impl<T> Sync for Strided<T> {}

// SAFETY: pack writes row after row of `width`; direct is the matrix itself.
unsafe impl<T: Real> Rhs<T> for Strided<T> {
    unsafe fn pack(&self, rows: Range<usize>, col: usize, cols: usize, dst: *mut T, width: usize) {
        let src = self.ptr.wrapping_offset(rows.start as isize * self.row + col as isize * self.col);
        let k = rows.len();
        // SAFETY: within the matrix and the buffer, as the caller promises.
        unsafe {
            if self.col == 1 {
                copy_rows(src, self.row, k, cols, dst, width);
            } else if self.row == 1 {
                transpose(src, self.col, cols, k, dst, width);
                pad(dst, k, cols, width);
            } else {
                for p in 0..k {
                    let (src, dst) = (src.wrapping_offset(p as isize * self.row), dst.add(p * width));
                    for j in 0..cols {
                        *dst.add(j) = src.wrapping_offset(j as isize * self.col).read_unaligned();
                    }
                }
                pad(dst, k, cols, width);
            }
        }
    }

    fn direct(&self) -> Option<(*const T, isize)> {
        (self.col == 1).then_some((self.ptr, self.row))
    }
}

/// Zeros the columns from `cols` to `width` of k rows.
///
/// # Safety
/// `dst` has room for `k * width` elements.
pub(crate) unsafe fn pad<T: Real>(dst: *mut T, k: usize, cols: usize, width: usize) {
    if cols < width {
        for p in 0..k {
            for j in cols..width {
                // SAFETY: p < k, j < width.
                unsafe { *dst.add(p * width + j) = T::zero() };
            }
        }
    }
}

/// Copies k rows of `cols` adjacent elements, padding to `width`.
unsafe fn copy_rows<T: Real>(src: *const T, row: isize, k: usize, cols: usize, dst: *mut T, width: usize) {
    #[inline(always)]
    unsafe fn whole<T: Copy, const W: usize>(src: *const T, row: isize, k: usize, dst: *mut T) {
        for p in 0..k {
            // SAFETY: W elements are readable at every row and writable at every W of dst.
            unsafe {
                let line = src.wrapping_offset(p as isize * row).cast::<[T; W]>().read_unaligned();
                dst.add(p * W).cast::<[T; W]>().write(line);
            }
        }
    }
    // SAFETY: as the caller promises.
    unsafe {
        match (cols == width, width) {
            (true, 32) => whole::<T, 32>(src, row, k, dst),
            (true, 16) => whole::<T, 16>(src, row, k, dst),
            (true, 8) => whole::<T, 8>(src, row, k, dst),
            _ => {
                for p in 0..k {
                    let (src, dst) = (src.wrapping_offset(p as isize * row), dst.add(p * width));
                    for j in 0..cols {
                        *dst.add(j) = src.add(j).read_unaligned();
                    }
                }
                pad(dst, k, cols, width);
            }
        }
    }
}

/// Packs `rows` rows of `a` (k long) so that the rows of one column are adjacent: `dst[p * rows + i]`.
///
/// # Safety
/// `a` is readable at those rows and columns; `dst` has room for `rows * k` elements.
pub(crate) unsafe fn pack_lhs<T: Real>(a: *const T, row: isize, col: isize, rows: usize, k: usize, dst: *mut T) {
    // SAFETY: as the caller promises.
    unsafe {
        if col == 1 {
            transpose(a, row, rows, k, dst, rows);
        } else if row == 1 && rows == 12 {
            for p in 0..k {
                let line = a.wrapping_offset(p as isize * col).cast::<[T; 12]>().read_unaligned();
                dst.add(p * 12).cast::<[T; 12]>().write(line);
            }
        } else {
            for p in 0..k {
                for i in 0..rows {
                    *dst.add(p * rows + i) = a.wrapping_offset(p as isize * col + i as isize * row).read_unaligned();
                }
            }
        }
    }
}

/// `dst[p * width + j] = src[j * line + p]` for `lines` values of j and k of p.
///
/// # Safety
/// `src` is readable and `dst` writable at those places.
pub(crate) unsafe fn transpose<T: Real>(src: *const T, line: isize, lines: usize, k: usize, dst: *mut T, width: usize) {
    #[allow(unused_mut)]
    let mut done = 0;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the processor has AVX2; the blocks lie within the matrix.
    unsafe {
        if isa() != Isa::Plain {
            if size_of::<T>() == 4 {
                while done + 8 <= lines {
                    x86::transpose8(
                        src.wrapping_offset(done as isize * line).cast(),
                        line,
                        k,
                        dst.add(done).cast(),
                        width,
                    );
                    done += 8;
                }
            } else {
                while done + 4 <= lines {
                    x86::transpose4(
                        src.wrapping_offset(done as isize * line).cast(),
                        line,
                        k,
                        dst.add(done).cast(),
                        width,
                    );
                    done += 4;
                }
            }
        }
    }
    for j in done..lines {
        for p in 0..k {
            // SAFETY: as the caller promises.
            unsafe {
                dst.add(p * width + j)
                    .write_unaligned(src.wrapping_offset(j as isize * line).wrapping_add(p).read_unaligned());
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    /// Eight lines of f32 to columns, eight at a time in registers.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn transpose8(src: *const f32, line: isize, k: usize, dst: *mut f32, width: usize) {
        let mut p = 0;
        // SAFETY: the caller has 8 lines of k elements at src and k rows of 8 at dst.
        unsafe {
            while p + 8 <= k {
                let r: [__m256; 8] =
                    std::array::from_fn(|j| _mm256_loadu_ps(src.wrapping_offset(j as isize * line).add(p)));
                let lo = [
                    _mm256_unpacklo_ps(r[0], r[1]),
                    _mm256_unpackhi_ps(r[0], r[1]),
                    _mm256_unpacklo_ps(r[2], r[3]),
                    _mm256_unpackhi_ps(r[2], r[3]),
                    _mm256_unpacklo_ps(r[4], r[5]),
                    _mm256_unpackhi_ps(r[4], r[5]),
                    _mm256_unpacklo_ps(r[6], r[7]),
                    _mm256_unpackhi_ps(r[6], r[7]),
                ];
                let q = [
                    _mm256_shuffle_ps::<0x44>(lo[0], lo[2]),
                    _mm256_shuffle_ps::<0xEE>(lo[0], lo[2]),
                    _mm256_shuffle_ps::<0x44>(lo[1], lo[3]),
                    _mm256_shuffle_ps::<0xEE>(lo[1], lo[3]),
                    _mm256_shuffle_ps::<0x44>(lo[4], lo[6]),
                    _mm256_shuffle_ps::<0xEE>(lo[4], lo[6]),
                    _mm256_shuffle_ps::<0x44>(lo[5], lo[7]),
                    _mm256_shuffle_ps::<0xEE>(lo[5], lo[7]),
                ];
                for i in 0..4 {
                    let low = _mm256_permute2f128_ps::<0x20>(q[i], q[i + 4]);
                    let high = _mm256_permute2f128_ps::<0x31>(q[i], q[i + 4]);
                    _mm256_storeu_ps(dst.add((p + i) * width), low);
                    _mm256_storeu_ps(dst.add((p + i + 4) * width), high);
                }
                p += 8;
            }
            for p in p..k {
                for j in 0..8 {
                    dst.add(p * width + j)
                        .write_unaligned(src.wrapping_offset(j as isize * line).add(p).read_unaligned());
                }
            }
        }
    }

    /// Four lines of f64 to columns, four at a time in registers.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn transpose4(src: *const f64, line: isize, k: usize, dst: *mut f64, width: usize) {
        let mut p = 0;
        // SAFETY: the caller has 4 lines of k elements at src and k rows of 4 at dst.
        unsafe {
            while p + 4 <= k {
                let r: [__m256d; 4] =
                    std::array::from_fn(|j| _mm256_loadu_pd(src.wrapping_offset(j as isize * line).add(p)));
                let q = [
                    _mm256_unpacklo_pd(r[0], r[1]),
                    _mm256_unpackhi_pd(r[0], r[1]),
                    _mm256_unpacklo_pd(r[2], r[3]),
                    _mm256_unpackhi_pd(r[2], r[3]),
                ];
                _mm256_storeu_pd(dst.add(p * width), _mm256_permute2f128_pd::<0x20>(q[0], q[2]));
                _mm256_storeu_pd(dst.add((p + 1) * width), _mm256_permute2f128_pd::<0x20>(q[1], q[3]));
                _mm256_storeu_pd(dst.add((p + 2) * width), _mm256_permute2f128_pd::<0x31>(q[0], q[2]));
                _mm256_storeu_pd(dst.add((p + 3) * width), _mm256_permute2f128_pd::<0x31>(q[1], q[3]));
                p += 4;
            }
            for p in p..k {
                for j in 0..4 {
                    dst.add(p * width + j)
                        .write_unaligned(src.wrapping_offset(j as isize * line).add(p).read_unaligned());
                }
            }
        }
    }
}
