//! Triangles of matrices: `tril`, `triu`.

use super::walk::{GRAIN, Walk, by_size, copy_run};
use crate::view::{View, ViewMut};

/// The matrices of a batch with zeros above the diagonal that is `diagonal` steps right of the main one (`torch.tril`).
/// `out` may be `x` itself.
pub fn tril(out: ViewMut, x: View, diagonal: i64) {
    triangle(out, x, |row, columns| (0, (row + diagonal).saturating_add(1).clamp(0, columns)));
}

/// The matrices of a batch with zeros below the diagonal that is `diagonal` steps right of the main one (`torch.triu`).
/// `out` may be `x` itself.
pub fn triu(out: ViewMut, x: View, diagonal: i64) {
    triangle(out, x, |row, columns| (row.saturating_add(diagonal).clamp(0, columns), columns));
}

/// Rows and columns of the places of which `kept(row)` tells the columns, to `out` (2, n), contiguous and int64.
pub fn places(out: ViewMut, rows: i64, kept: impl Fn(i64) -> std::ops::Range<i64>) {
    debug_assert!(out.dtype() == flambeau_types::DType::I64 && out.is_contiguous() && out.ndim() == 2);
    let n = out.numel() / 2;
    let to = out.ptr().cast::<i64>();
    let mut at = 0;
    for row in 0..rows {
        let columns = kept(row);
        let count = ((columns.end - columns.start).max(0) as usize).min(n - at);
        for j in 0..count {
            // SAFETY: `at + j` stays below `n`.
            unsafe {
                to.add(at + j).write_unaligned(row);
                to.add(n + at + j).write_unaligned(columns.start + j as i64);
            }
        }
        at += count;
    }
}

/// Keeps columns `from..to` of each row, where `kept(row, columns)` tells `from` and `to`.
fn triangle(out: ViewMut, x: View, kept: impl Fn(i64, i64) -> (i64, i64) + Sync) {
    debug_assert!(out.dtype() == x.dtype() && out.sizes() == x.sizes() && x.ndim() >= 2);
    let (d, bytes) = (x.ndim() - 1, x.dtype().size());
    let (rows, columns) = (x.sizes()[d - 1], x.sizes()[d]);
    if columns == 0 {
        return;
    }
    let walk = Walk::new(&x.sizes()[..d], [(&out.strides()[..d], bytes), (&x.strides()[..d], bytes)]);
    let [ro, ri] = walk.inner();
    let steps = [out.strides()[d] as isize * bytes as isize, x.strides()[d] as isize * bytes as isize];
    let grain = (4 * GRAIN / columns as usize).max(1);
    by_size!(bytes, T => walk.parallel_runs(grain, |position, [o, i], n| {
        for r in 0..n {
            let (from, to) = kept(((position + r) % rows as usize) as i64, columns);
            let (from, to) = (from as isize, to.max(from) as isize);
            // SAFETY: the walk gives rows within the views, and columns are clamped to the row.
            unsafe {
                let o = out.ptr().offset(o + r as isize * ro);
                let i = x.ptr().offset(i + r as isize * ri);
                zero::<T>(o, from, steps[0]);
                copy_run::<T>(o.offset(from * steps[0]), i.offset(from * steps[1]), (to - from) as usize, steps);
                zero::<T>(o.offset(to * steps[0]), columns as isize - to, steps[0]);
            }
        }
        true
    }));
}

/// Writes zeros.
///
/// # Safety
/// The run must lie within memory of `T`.
#[inline(always)]
unsafe fn zero<T: Copy>(o: *mut u8, n: isize, step: isize) {
    // SAFETY: promised by the caller; all-zero bytes are the zero of every dtype.
    unsafe {
        if step == size_of::<T>() as isize {
            std::ptr::write_bytes(o.cast::<T>(), 0, n as usize);
        } else {
            (0..n).for_each(|j| std::ptr::write_bytes(o.offset(j * step).cast::<T>(), 0, 1));
        }
    }
}
