//! Walks over lines along a dimension: one at a time where the line is contiguous, many side by side where it is not.

use smallvec::SmallVec;

use crate::reduce::Address;
use crate::reduce::real::Real;
use crate::threads::parallel_for;
use crate::{View, ViewMut};

/// What to do with a line of `a` (and of `b`), or with `width` lines side by side, rows `step` elements apart.
pub(super) trait LineOp {
    /// # Safety
    /// All must be valid for `n` values; `b` only for operations that take it. `out` may equal `a` or `b`.
    unsafe fn line<T: Real>(a: *const T, b: *const T, out: *mut T, n: usize);
    /// # Safety
    /// As `line`, for `n` rows of `width` values, with a step for each pointer.
    unsafe fn columns<T: Real>(
        a: (*const T, isize),
        b: (*const T, isize),
        out: (*mut T, isize),
        n: usize,
        width: usize,
    );
}

/// Elements worth a thread.
const GRAIN: usize = 1 << 15;
/// The elements of a tile of columns.
const TILE: usize = 1 << 16;

pub(super) fn lines<T: Real, O: LineOp>(out: &mut ViewMut, a: View, b: Option<View>, dim: usize) {
    if out.numel() == 0 {
        return;
    }
    let (n, outputs) =
        if out.ndim() == 0 { (1, 1) } else { (out.sizes()[dim] as usize, out.numel() / out.sizes()[dim] as usize) };
    let along = |strides: &[i64]| if strides.is_empty() { 1 } else { strides[dim] as isize };
    let b = b.unwrap_or(a);
    let steps = [along(a.strides()), along(b.strides()), along(out.strides())];
    // The other dimensions: size and step in each view, the smallest step first, runs merged.
    let mut others: SmallVec<[(usize, [isize; 3]); 6]> = (0..out.ndim())
        .filter(|&d| d != dim && out.sizes()[d] != 1)
        .map(|d| {
            (out.sizes()[d] as usize, [a.strides()[d] as isize, b.strides()[d] as isize, out.strides()[d] as isize])
        })
        .collect();
    others.sort_by_key(|(_, s)| s[2].unsigned_abs());
    let mut to = 0;
    for i in 1..others.len() {
        let (n, s) = others[to];
        let (m, t) = others[i];
        if (0..3).all(|k| t[k] == s[k] * n as isize) {
            others[to].0 = n * m;
        } else {
            to += 1;
            others[to] = (m, t);
        }
    }
    others.truncate(to + 1);
    let place = |skip: usize, mut i: usize| {
        let mut at = [0isize; 3];
        for (size, step) in &others[skip..] {
            let j = (i % size) as isize;
            i /= size;
            (0..3).for_each(|k| at[k] += j * step[k]);
        }
        at
    };
    let (load_a, load_b, store) = (T::load(a.dtype()), T::load(b.dtype()), T::store(out.dtype()));
    let dtypes = [a.dtype(), b.dtype(), out.dtype()];
    let size = dtypes.map(|d| d.size() as isize);
    let (pa, pb, po) = (a.ptr(), b.ptr(), Address::of(out));
    let (pa, pb) = (Address::reading(pa), Address::reading(pb));
    let aligned = [pa, pb, po].map(|p| p.at(0, 1).cast::<T>().is_aligned());
    let direct = |k: usize, step: isize| dtypes[k] == T::OWN && step == 1 && aligned[k];

    if let Some(&(inner, inner_steps)) = others.first()
        && inner_steps[2].abs() < steps[2].abs()
        && inner >= 4
        && n > 1
    {
        let width = (TILE / n).clamp(16, 512).next_multiple_of(16).min(inner);
        let strips = inner.div_ceil(width);
        // Narrow strips of long rows fall into the same few places of the cache: they are copied together first, and
        // worked on in place.
        let [da, db, dout] = [0, 1, 2].map(|k| strips == 1 && direct(k, inner_steps[k]));
        parallel_for(0..outputs / inner * strips, (GRAIN / (n * width)).max(1), |range| {
            let mut scratch_a = vec![T::default(); if da { 0 } else { n * width }];
            let mut scratch_b = vec![T::default(); if db { 0 } else { n * width }];
            let mut scratch_o = vec![T::default(); if dout || !da { 0 } else { n * width }];
            for t in range {
                let mut at = place(1, t / strips);
                let from = t % strips * width;
                let w = width.min(inner - from);
                (0..3).for_each(|k| at[k] += from as isize * inner_steps[k]);
                // SAFETY: rows and columns of the views, or scratch of that size.
                unsafe {
                    let gather = |p: Address, k: usize, load: crate::reduce::convert::Load<T>, scratch: &mut Vec<T>| {
                        for r in 0..n {
                            let src = p.at(at[k] + r as isize * steps[k], size[k] as usize);
                            load(src, inner_steps[k], w, scratch.as_mut_ptr().add(r * w));
                        }
                        (scratch.as_ptr(), w as isize)
                    };
                    let ca = if da {
                        (pa.at(at[0], size[0] as usize).cast::<T>().cast_const(), steps[0])
                    } else {
                        gather(pa, 0, load_a, &mut scratch_a)
                    };
                    let cb = if db {
                        (pb.at(at[1], size[1] as usize).cast::<T>().cast_const(), steps[1])
                    } else {
                        gather(pb, 1, load_b, &mut scratch_b)
                    };
                    if dout {
                        O::columns(ca, cb, (po.at(at[2], size[2] as usize).cast(), steps[2]), n, w);
                    } else {
                        let to = if da { scratch_o.as_mut_ptr() } else { scratch_a.as_mut_ptr() };
                        O::columns(ca, cb, (to, w as isize), n, w);
                        for r in 0..n {
                            let dst = po.at(at[2] + r as isize * steps[2], size[2] as usize);
                            store(to.add(r * w), w, dst, inner_steps[2]);
                        }
                    }
                }
            }
        });
        return;
    }
    let [da, db, dout] = [0, 1, 2].map(|k| direct(k, steps[k]));
    parallel_for(0..outputs, (GRAIN / n).max(1), |range| {
        let scratch = |direct: bool| vec![T::default(); if direct { 0 } else { n }];
        let (mut scratch_a, mut scratch_b, mut scratch_o) = (scratch(da), scratch(db), scratch(dout));
        for o in range {
            let at = place(0, o);
            // SAFETY: lines of the views, or scratch of that length.
            unsafe {
                let mut ca = pa.at(at[0], size[0] as usize).cast::<T>().cast_const();
                let mut cb = pb.at(at[1], size[1] as usize).cast::<T>().cast_const();
                if !da {
                    load_a(ca.cast(), steps[0], n, scratch_a.as_mut_ptr());
                    ca = scratch_a.as_ptr();
                }
                if !db {
                    load_b(cb.cast(), steps[1], n, scratch_b.as_mut_ptr());
                    cb = scratch_b.as_ptr();
                }
                let dst = po.at(at[2], size[2] as usize);
                if dout {
                    O::line(ca, cb, dst.cast(), n);
                } else {
                    O::line(ca, cb, scratch_o.as_mut_ptr(), n);
                    store(scratch_o.as_ptr(), n, dst, steps[2]);
                }
            }
        }
    });
}
