//! Moving elements along their dimensions: `flip`, `roll`.

use flambeau_types::{Dims, numel};

use super::walk::{GRAIN, Walk, by_size, copy_run};
use crate::view::{View, ViewMut};

/// Copies a box of elements; pointers lead to its first element.
pub(crate) fn copy_box(
    to: *mut u8,
    to_strides: &[i64],
    from: *const u8,
    from_strides: &[i64],
    sizes: &[i64],
    bytes: usize,
) {
    let walk = Walk::new(sizes, [(to_strides, bytes), (from_strides, bytes)]);
    let strides = walk.inner();
    let (to, from) = (to as usize, from as usize);
    // Bytes, not elements, make a copy worth a second thread.
    let grain = 4 * GRAIN;
    let run = by_size!(bytes, T => copy_run::<T> as unsafe fn(*mut u8, *const u8, usize, [isize; 2]));
    walk.parallel_runs(grain, |_, [o, i], n| {
        // SAFETY: callers of this module's functions give boxes within their views.
        unsafe { run((to as *mut u8).offset(o), (from as *const u8).offset(i), n, strides) };
        true
    });
}

/// `x` with the order along some dimensions reversed (`torch.flip`).
pub fn flip(out: ViewMut, x: View, dims: &[usize]) {
    debug_assert!(out.dtype() == x.dtype() && out.sizes() == x.sizes() && dims.iter().all(|&d| d < x.ndim()));
    if numel(x.sizes()) == 0 {
        return;
    }
    let bytes = x.dtype().size();
    let mut strides: Dims = x.strides().into();
    let mut start = 0;
    for &d in dims {
        start += (x.sizes()[d] - 1) * strides[d];
        strides[d] = -strides[d];
    }
    // The start is the last element along the reversed dimensions: within `x`.
    let from = x.ptr().wrapping_offset(start as isize * bytes as isize);
    copy_box(out.ptr(), out.strides(), from, &strides, x.sizes(), bytes);
}

/// `x` with its elements shifted along some dimensions, those pushed out coming in again at the start (`torch.roll`).
pub fn roll(out: ViewMut, x: View, shifts: &[i64], dims: &[usize]) {
    debug_assert!(out.dtype() == x.dtype() && out.sizes() == x.sizes() && shifts.len() == dims.len());
    if numel(x.sizes()) == 0 {
        return;
    }
    let mut by: Dims = x.sizes().iter().map(|_| 0).collect();
    for (&shift, &d) in shifts.iter().zip(dims) {
        by[d] = (by[d] + shift.rem_euclid(x.sizes()[d])) % x.sizes()[d];
    }
    let mut sizes: Dims = x.sizes().into();
    roll_from(0, &by, &mut sizes, &out, &x, 0, 0);
}

/// Splits each shifted dimension in two boxes, then copies.
fn roll_from(d: usize, by: &[i64], sizes: &mut Dims, out: &ViewMut, x: &View, to: i64, from: i64) {
    let Some(d) = (d..by.len()).find(|&d| by[d] != 0) else {
        let bytes = x.dtype().size();
        let to = out.ptr().wrapping_offset(to as isize * bytes as isize);
        let from = x.ptr().wrapping_offset(from as isize * bytes as isize);
        return copy_box(to, out.strides(), from, x.strides(), sizes, bytes);
    };
    let (n, shift) = (sizes[d], by[d]);
    sizes[d] = shift;
    roll_from(d + 1, by, sizes, out, x, to, from + (n - shift) * x.strides()[d]);
    sizes[d] = n - shift;
    roll_from(d + 1, by, sizes, out, x, to + shift * out.strides()[d], from);
    sizes[d] = n;
}
