//! Advanced indexing: `x[i, j]` with tensors of indices, to read and to write, and `put`.

use std::ops::Range;

use flambeau_types::{DType, Dims, Error, Result};

use super::gather::{Flat, out_of_range};
use super::number::Number;
use super::select::step_run;
use super::walk::{Fault, GRAIN, Walk, by_element, by_size, copy_run, load, out_of_bounds};
use crate::threads::{num_threads, parallel_for};
use crate::view::{View, ViewMut};

/// Positions whose offsets are worked out at a time: they stay in the first-level cache.
const BLOCK: usize = 1024;

/// One tensor of indices, and the number by which an error names the dimension it indexes.
#[derive(Clone, Copy)]
pub struct IndexDim<'a> {
    /// i64, broadcast to the common shape of all indices.
    pub index: View<'a>,
    /// The dimension's number in messages.
    pub dim: i64,
}

/// The shape `B` that the indices share, and their offsets into the indexed tensor.
struct Indexed<'a> {
    indices: &'a [IndexDim<'a>],
    walks: Vec<Walk<1>>,
    /// Size, and step in bytes, of each indexed dimension.
    dims: Vec<(i64, isize)>,
    count: usize,
}

impl<'a> Indexed<'a> {
    fn new(indices: &'a [IndexDim<'a>], sizes: &[i64], strides: &[i64], bytes: usize) -> Indexed<'a> {
        let walks: Vec<_> = indices.iter().map(|i| Walk::new(i.index.sizes(), [(i.index.strides(), 8)])).collect();
        let dims = (0..indices.len()).map(|d| (sizes[d], strides[d] as isize * bytes as isize)).collect();
        let count = indices.first().map_or(1, |i| i.index.numel());
        Indexed { indices, walks, dims, count }
    }

    /// An indexed dimension without elements refuses any index.
    fn check_empty(&self) -> Result<()> {
        if self.count > 0 && self.dims.iter().any(|d| d.0 == 0) {
            return Err(Error::index("index is out of bounds for dimension with size 0"));
        }
        Ok(())
    }

    /// Fills `offsets` for a range of positions of `B`; false if an index is out of range.
    fn offsets(&self, range: Range<usize>, offsets: &mut [isize; BLOCK], faults: &[Fault]) -> bool {
        let mut fine = true;
        for (d, walk) in self.walks.iter().enumerate() {
            let ((size, step), first, from) = (self.dims[d], d == 0, range.start);
            let [si] = walk.inner();
            walk.runs(range.clone(), |position, [at], n| {
                let slots = &mut offsets[position - from..position - from + n];
                // SAFETY: the walk stays within the view.
                let index = unsafe { self.indices[d].index.ptr().offset(at) };
                let mut bad = None;
                let mut put = |j: usize, slot: &mut isize, k: i64| {
                    let p = if k < 0 { k.wrapping_add(size) } else { k };
                    if p as u64 >= size as u64 && bad.is_none() {
                        bad = Some((j, k));
                    }
                    let offset = (p as isize).wrapping_mul(step);
                    *slot = if first { offset } else { slot.wrapping_add(offset) };
                };
                for (j, slot) in slots.iter_mut().enumerate() {
                    // SAFETY: as above.
                    put(j, slot, unsafe { index.offset(j as isize * si).cast::<i64>().read_unaligned() });
                }
                match bad {
                    Some((j, k)) => {
                        fine = false;
                        faults[d].note(position + j, k)
                    }
                    None => true,
                }
            });
        }
        fine
    }

    fn faults(&self) -> Vec<Fault> {
        self.indices.iter().map(|_| Fault::default()).collect()
    }

    fn finish(&self, faults: Vec<Fault>) -> Result<()> {
        for (d, fault) in faults.into_iter().enumerate() {
            fault.check(|i| Error::index(out_of_bounds(i, self.indices[d].dim, self.dims[d].0)))?;
        }
        Ok(())
    }
}

/// `out = x[indices]`: the `k` indices, all of one shape `B`, index dimensions `0..k` of `x`, and `out` has the shape `B`
/// followed by the rest of `x`'s. Negative indices count from the end.
pub fn index_get(out: ViewMut, x: View, indices: &[IndexDim]) -> Result<()> {
    debug_assert!(out.dtype() == x.dtype() && indices.len() <= x.ndim());
    let (k, bytes) = (indices.len(), x.dtype().size());
    let all = Indexed::new(indices, x.sizes(), x.strides(), bytes);
    all.check_empty()?;
    let b = out.ndim() + k - x.ndim();
    let rest = Walk::new(&out.sizes()[b..], [(&out.strides()[b..], bytes), (&x.strides()[k..], bytes)]);
    let places = Walk::new(&out.sizes()[..b], [(&out.strides()[..b], bytes)]);
    let [ob] = places.inner();
    let inner = rest.inner();
    let row = rest.numel();
    let faults = all.faults();
    let grain = (GRAIN / row.clamp(1, GRAIN)).max(64);
    let read = by_size!(bytes, T => read_rows::<T> as Rows);
    parallel_for(0..all.count, grain, |part| {
        let mut offsets = [0; BLOCK];
        let mut from = part.start;
        while from < part.end {
            let to = (from + BLOCK).min(part.end);
            if !all.offsets(from..to, &mut offsets, &faults) {
                return;
            }
            places.runs(from..to, |position, [o], n| {
                let offsets = &offsets[position - from..position - from + n];
                // SAFETY: offsets come from indices in range, the walks stay within the views.
                unsafe {
                    let o = out.ptr().offset(o);
                    if rest.is_flat() {
                        read(o, x.ptr(), offsets, ob, row, inner);
                    } else {
                        for (j, at) in offsets.iter().enumerate() {
                            let o = o.offset(j as isize * ob);
                            rest.runs(0..row, |_, [ro, rx], n| {
                                read(o.offset(ro), x.ptr().offset(rx), std::slice::from_ref(at), 0, n, inner);
                                true
                            });
                        }
                    }
                }
                true
            });
            from = to;
        }
    });
    all.finish(faults)
}

/// Rows at offsets of the indexed tensor, and at regular steps of the other operand: the pointer that is written, the one
/// that is read, the offsets, the step, the length of a row, the steps along it.
type Rows = unsafe fn(*mut u8, *const u8, &[isize], isize, usize, [isize; 2]);

/// Copies rows from their offsets.
///
/// # Safety
/// All rows must lie within memory.
unsafe fn read_rows<T: Copy>(o: *mut u8, x: *const u8, offsets: &[isize], ob: isize, row: usize, inner: [isize; 2]) {
    // SAFETY: promised by the caller.
    unsafe {
        if row == 1 && ob == size_of::<T>() as isize {
            for (j, &at) in offsets.iter().enumerate() {
                o.cast::<T>().add(j).write_unaligned(x.offset(at).cast::<T>().read_unaligned());
            }
        } else {
            for (j, &at) in offsets.iter().enumerate() {
                copy_run::<T>(o.offset(j as isize * ob), x.offset(at), row, inner);
            }
        }
    }
}

/// Copies rows to their offsets.
///
/// # Safety
/// All rows must lie within memory.
unsafe fn write_rows<T: Copy>(x: *mut u8, v: *const u8, offsets: &[isize], vb: isize, row: usize, inner: [isize; 2]) {
    // SAFETY: promised by the caller.
    unsafe {
        if row == 1 {
            for (j, &at) in offsets.iter().enumerate() {
                let v = v.offset(j as isize * vb).cast::<T>().read_unaligned();
                x.offset(at).cast::<T>().write_unaligned(v);
            }
        } else {
            for (j, &at) in offsets.iter().enumerate() {
                copy_run::<T>(x.offset(at), v.offset(j as isize * vb), row, inner);
            }
        }
    }
}

/// Adds rows at their offsets.
///
/// # Safety
/// All rows must lie within memory.
unsafe fn add_rows<T: Number>(x: *mut u8, v: *const u8, offsets: &[isize], vb: isize, row: usize, inner: [isize; 2]) {
    // SAFETY: promised by the caller.
    unsafe {
        if row == 1 {
            for (j, &at) in offsets.iter().enumerate() {
                let v = load::<T>(v.offset(j as isize * vb));
                x.offset(at).cast::<T>().write_unaligned(load::<T>(x.offset(at)).add(v));
            }
        } else {
            for (j, &at) in offsets.iter().enumerate() {
                step_run::<T>(x.offset(at), v.offset(j as isize * vb), row, inner, &T::add);
            }
        }
    }
}

/// `x[indices] = values`, or `+=` with `accumulate`; `values` has the shape that [`index_get`] would give `out`. Writes
/// to one place happen in order.
pub fn index_put(x: ViewMut, values: View, indices: &[IndexDim], accumulate: bool) -> Result<()> {
    debug_assert!(x.dtype() == values.dtype() && indices.len() <= x.ndim());
    let write = if accumulate {
        by_element!(x.dtype(), T => add_rows::<T> as Rows)
    } else {
        by_size!(x.dtype().size(), T => write_rows::<T> as Rows)
    };
    let (k, bytes) = (indices.len(), x.dtype().size());
    let all = Indexed::new(indices, x.sizes(), x.strides(), bytes);
    all.check_empty()?;
    let b = values.ndim() + k - x.ndim();
    let (sizes, xs, vs) = (&values.sizes()[b..], &x.strides()[k..], &values.strides()[b..]);
    let places = Walk::new(&values.sizes()[..b], [(&values.strides()[..b], bytes)]);
    let [vb] = places.inner();
    let faults = all.faults();
    // Threads share out the longest of the remaining dimensions, so that writes to one place keep their order.
    let split = (0..sizes.len()).max_by_key(|&d| sizes[d]);
    let length = split.map_or(1, |d| sizes[d] as usize);
    let worth = values.numel() >= 2 * GRAIN && length >= 16 * num_threads();
    parallel_for(0..length, if worth { length / num_threads() } else { length }, |part| {
        let mut sizes: Dims = sizes.into();
        let (mut x0, mut v0) = (0, 0);
        if let Some(d) = split {
            sizes[d] = part.len() as i64;
            x0 = (part.start as i64 * xs[d]) as isize * bytes as isize;
            v0 = (part.start as i64 * vs[d]) as isize * bytes as isize;
        }
        let rest = Walk::new(&sizes, [(xs, bytes), (vs, bytes)]);
        let (inner, row) = (rest.inner(), rest.numel());
        let mut offsets = [0; BLOCK];
        let mut from = 0;
        while from < all.count {
            let to = (from + BLOCK).min(all.count);
            if !all.offsets(from..to, &mut offsets, &faults) {
                return;
            }
            places.runs(from..to, |position, [v], n| {
                let offsets = &offsets[position - from..position - from + n];
                // SAFETY: offsets come from indices in range, the walks stay within the views.
                unsafe {
                    let (x, v) = (x.ptr().offset(x0), values.ptr().offset(v0 + v));
                    if rest.is_flat() {
                        write(x, v, offsets, vb, row, inner);
                    } else {
                        for (j, at) in offsets.iter().enumerate() {
                            let v = v.offset(j as isize * vb);
                            rest.runs(0..row, |_, [rx, rv], n| {
                                write(x.offset(rx), v.offset(rv), std::slice::from_ref(at), 0, n, inner);
                                true
                            });
                        }
                    }
                }
                true
            });
            from = to;
        }
    });
    all.finish(faults)
}

/// Writes `src` to `x`, seen as one row in row-major order, at the positions `index` names, or adds it (`Tensor.put_`).
/// Negative positions count from the end.
pub fn put(x: ViewMut, index: View, src: View, accumulate: bool) -> Result<()> {
    debug_assert!(index.dtype() == DType::I64 && x.dtype() == src.dtype() && index.numel() == src.numel());
    let write = if accumulate {
        by_element!(x.dtype(), T => add_rows::<T> as Rows)
    } else {
        by_size!(x.dtype().size(), T => write_rows::<T> as Rows)
    };
    let (n, bytes) = (x.numel() as i64, x.dtype().size());
    let (to, from) = (Flat::new(x.sizes(), x.strides(), bytes), Flat::new(src.sizes(), src.strides(), bytes));
    let walk = Walk::new(index.sizes(), [(index.strides(), 8)]);
    let [si] = walk.inner();
    let fault = Fault::default();
    let mut offsets = [0isize; BLOCK];
    walk.runs(0..walk.numel(), |position, [i], len| {
        let mut start = 0;
        while start < len {
            let n_here = (len - start).min(BLOCK);
            for (j, offset) in offsets[..n_here].iter_mut().enumerate() {
                // SAFETY: the walk stays within `index`.
                let k = unsafe { index.ptr().offset(i + (start + j) as isize * si).cast::<i64>().read_unaligned() };
                let p = if k < 0 { k.wrapping_add(n) } else { k };
                if p as u64 >= n as u64 {
                    return fault.note(position + start + j, k);
                }
                *offset = to.offset(p);
            }
            let first = (position + start) as i64;
            // SAFETY: positions were checked against `x`, and `src` has as many elements as `index`.
            unsafe {
                match from.step() {
                    Some(step) => {
                        let v = src.ptr().offset(first as isize * step);
                        write(x.ptr(), v, &offsets[..n_here], step, 1, [0, 0]);
                    }
                    None => {
                        for (j, at) in offsets[..n_here].iter().enumerate() {
                            let v = src.ptr().offset(from.offset(first + j as i64));
                            write(x.ptr(), v, std::slice::from_ref(at), 0, 1, [0, 0]);
                        }
                    }
                }
            }
            start += n_here;
        }
        true
    });
    fault.check(|i| out_of_range(i, n))
}
