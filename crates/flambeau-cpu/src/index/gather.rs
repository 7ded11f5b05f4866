//! Reading through indices: `gather`, `index_select` (and so `embedding`), `take`.

use flambeau_types::{DType, Dims, Error, Result};
use smallvec::SmallVec;

use super::walk::{Fault, GRAIN, Walk, at_least_1d, by_size, copy_run, out_of_bounds, with_i64};
use crate::threads::parallel_for;
use crate::view::{View, ViewMut};

/// `out[i][j] = x[index[i][j]][j]` for `dim` 0, and so on (`torch.gather`). `out` has the shape of `index`, which is
/// at most that of `x` in the other dimensions.
pub fn gather(out: ViewMut, x: View, dim: usize, index: View) -> Result<()> {
    let (xs, xt) = at_least_1d(x.sizes(), x.strides());
    let (is, _) = at_least_1d(index.sizes(), index.strides());
    debug_assert!(dim < xs.len() && xs.len() == is.len() && out.dtype() == x.dtype());
    let (size, fault) = (xs[dim], Fault::default());
    let mut base: Dims = xt.into();
    base[dim] = 0;
    with_i64(&index, |index| {
        let (_, it) = at_least_1d(index.sizes(), index.strides());
        let (_, ot) = at_least_1d(out.sizes(), out.strides());
        gather_runs(&out, &x, is, ot, &base, it, index.ptr(), xt[dim], size, &fault);
    });
    fault.check(|i| Error::runtime(out_of_bounds(i, dim as i64, size)))
}

/// The shared loop: `out` walks over `sizes`, and each element comes from `x`'s base position plus `index` steps.
fn gather_runs(
    out: &ViewMut,
    x: &View,
    sizes: &[i64],
    out_strides: &[i64],
    base: &[i64],
    index_strides: &[i64],
    index: *const u8,
    step: i64,
    size: i64,
    fault: &Fault,
) {
    let bytes = x.dtype().size();
    let walk = Walk::new(sizes, [(out_strides, bytes), (base, bytes), (index_strides, 8)]);
    let [so, sx, si] = walk.inner();
    let step = step as isize * bytes as isize;
    let index = index as usize;
    if let (Some((rows, steps, n)), 0) = (walk.rows(), si) {
        // Whole rows, as of an embedding: no need for a walk.
        let copy = by_size!(bytes, T => gather_rows::<T> as GatherRows);
        return parallel_for(0..rows, (GRAIN / n).max(1), |part| {
            let first = part.start as isize;
            // SAFETY: the rows lie within all three views, and an index is used only if it is within `x`'s dimension.
            let bad = unsafe {
                let (o, b) = (out.ptr().offset(first * steps[0]), x.ptr().offset(first * steps[1]));
                let i = (index as *const u8).offset(first * steps[2]);
                copy(o, b, i, part.len(), steps, n, [so, sx], step, size)
            };
            if let Some((j, k)) = bad {
                fault.note((part.start + j) * n, k);
            }
        });
    }
    let run = by_size!(bytes, T => gather_run::<T> as GatherRun);
    walk.parallel_runs(GRAIN, |position, [o, b, i], n| {
        // SAFETY: the walk stays within all three views, and an index is used only if it is within `x`'s dimension.
        let bad = unsafe {
            let (o, b, i) = (out.ptr().offset(o), x.ptr().offset(b), (index as *const u8).offset(i));
            run(o, b, i, n, [so, sx, si], step, size)
        };
        bad.is_none_or(|(j, k)| fault.note(position + j, k))
    });
}

type GatherRows =
    unsafe fn(*mut u8, *const u8, *const u8, usize, [isize; 3], usize, [isize; 2], isize, i64) -> Option<(usize, i64)>;

/// Rows that each have one index. Returns the first bad one and its row.
///
/// # Safety
/// As for [`copy_run`]; every index in `0..size` must lead to a readable row.
unsafe fn gather_rows<T: Copy>(
    o: *mut u8,
    x: *const u8,
    index: *const u8,
    rows: usize,
    [so, sx, si]: [isize; 3],
    n: usize,
    inner: [isize; 2],
    step: isize,
    size: i64,
) -> Option<(usize, i64)> {
    for r in 0..rows as isize {
        // SAFETY: promised by the caller.
        unsafe {
            let k = index.offset(r * si).cast::<i64>().read_unaligned();
            if k as u64 >= size as u64 {
                return Some((r as usize, k));
            }
            copy_run::<T>(o.offset(r * so), x.offset(r * sx + k as isize * step), n, inner);
        }
    }
    None
}

type GatherRun = unsafe fn(*mut u8, *const u8, *const u8, usize, [isize; 3], isize, i64) -> Option<(usize, i64)>;

/// One run. Returns the first bad index and where in the run it stood.
///
/// # Safety
/// As for [`copy_run`]; every index in `0..size` must lead to readable memory.
unsafe fn gather_run<T: Copy>(
    o: *mut u8,
    x: *const u8,
    index: *const u8,
    n: usize,
    [so, sx, si]: [isize; 3],
    step: isize,
    size: i64,
) -> Option<(usize, i64)> {
    let bytes = size_of::<T>() as isize;
    // SAFETY: promised by the caller.
    unsafe {
        if si == 0 {
            let k = index.cast::<i64>().read_unaligned();
            if k as u64 >= size as u64 {
                return Some((0, k));
            }
            copy_run::<T>(o, x.offset(k as isize * step), n, [so, sx]);
        } else if so == bytes && si == 8 && sx == 0 && step == bytes {
            for j in 0..n {
                let k = index.cast::<i64>().add(j).read_unaligned();
                if k as u64 >= size as u64 {
                    return Some((j, k));
                }
                o.cast::<T>().add(j).write_unaligned(x.cast::<T>().offset(k as isize).read_unaligned());
            }
        } else {
            for j in 0..n {
                let k = index.offset(j as isize * si).cast::<i64>().read_unaligned();
                if k as u64 >= size as u64 {
                    return Some((j, k));
                }
                let from = x.offset(j as isize * sx + k as isize * step).cast::<T>();
                o.offset(j as isize * so).cast::<T>().write_unaligned(from.read_unaligned());
            }
        }
    }
    None
}

/// The slices of `x` along `dim` that a 1-d (or 0-d) `index` of i64 or i32 names (`torch.index_select`,
/// `torch.nn.functional.embedding`).
pub fn index_select(out: ViewMut, x: View, dim: usize, index: View) -> Result<()> {
    let (xs, xt) = at_least_1d(x.sizes(), x.strides());
    let (os, ot) = at_least_1d(out.sizes(), out.strides());
    debug_assert!(dim < xs.len() && xs.len() == os.len() && out.dtype() == x.dtype() && index.ndim() <= 1);
    let (size, fault) = (xs[dim], Fault::default());
    let n = index.numel();
    if n > 0 && size == 0 && xs.len() > 1 {
        return Err(Error::runtime("index_select(): self indexing axis dim should be positive"));
    }
    let mut base: Dims = xt.into();
    base[dim] = 0;
    with_i64(&index, |index| {
        if out.numel() == 0 {
            // Nothing to copy, yet a bad index is an error.
            let walk = Walk::new(index.sizes(), [(index.strides(), 8)]);
            let [si] = walk.inner();
            walk.runs(0..walk.numel(), |position, [at], n| {
                (0..n).all(|j| {
                    // SAFETY: the walk stays within the view.
                    let k = unsafe { index.ptr().offset(at + j as isize * si).cast::<i64>().read_unaligned() };
                    (k as u64) < size as u64 || fault.note(position + j, k)
                })
            });
            return;
        }
        let mut strides: Dims = SmallVec::from_elem(0, os.len());
        strides[dim] = index.strides().first().copied().unwrap_or(0);
        gather_runs(&out, &x, os, ot, &base, &strides, index.ptr(), xt[dim], size, &fault);
    });
    // PyTorch has three kernels here, each with a complaint of its own.
    fault.check(|i| {
        if (xs.len() == 2 && dim == 1) || (out.numel() == 0 && xs.len() > 1) {
            Error::runtime(format!("INDICES element is out of DATA bounds, id={i} axis_dim={size}"))
        } else {
            Error::index("index out of range in self")
        }
    })
}

/// Elements of `x`, seen as one row in row-major order, at the positions `index` names; negative ones count from the
/// end (`torch.take`).
pub fn take(out: ViewMut, x: View, index: View) -> Result<()> {
    debug_assert!(index.dtype() == DType::I64 && out.dtype() == x.dtype() && out.sizes() == index.sizes());
    let n = x.numel() as i64;
    if n == 0 && index.numel() > 0 {
        return Err(Error::index("take(): tried to take from an empty tensor"));
    }
    let (fault, flat) = (Fault::default(), Flat::new(x.sizes(), x.strides(), x.dtype().size()));
    let bytes = x.dtype().size();
    let walk = Walk::new(out.sizes(), [(out.strides(), bytes), (index.strides(), 8)]);
    let strides = walk.inner();
    let run = by_size!(bytes, T => take_run::<T> as TakeRun);
    walk.parallel_runs(GRAIN, |position, [o, i], len| {
        // SAFETY: the walk stays within `out` and `index`, and a flat position within `x` is checked before use.
        let bad = unsafe { run(out.ptr().offset(o), index.ptr().offset(i), len, strides, x.ptr(), n, &flat) };
        bad.is_none_or(|(j, k)| fault.note(position + j, k))
    });
    fault.check(|i| out_of_range(i, n))
}

type TakeRun = unsafe fn(*mut u8, *const u8, usize, [isize; 2], *const u8, i64, &Flat) -> Option<(usize, i64)>;

/// One run of [`take`]. Returns the first bad index and where in the run it stood.
///
/// # Safety
/// The runs must lie within memory, as must the `n` elements of `x` that `flat` reaches.
unsafe fn take_run<T: Copy>(
    o: *mut u8,
    index: *const u8,
    len: usize,
    [so, si]: [isize; 2],
    x: *const u8,
    n: i64,
    flat: &Flat,
) -> Option<(usize, i64)> {
    let simple = flat.step();
    for j in 0..len as isize {
        // SAFETY: promised by the caller; the position is checked.
        unsafe {
            let k = index.offset(j * si).cast::<i64>().read_unaligned();
            let p = if k < 0 { k.wrapping_add(n) } else { k };
            if p as u64 >= n as u64 {
                return Some((j as usize, k));
            }
            let at = match simple {
                Some(step) => p as isize * step,
                None => flat.offset(p),
            };
            o.offset(j * so).cast::<T>().write_unaligned(x.offset(at).cast::<T>().read_unaligned());
        }
    }
    None
}

/// The complaint of `take` and `put`.
pub(crate) fn out_of_range(index: i64, numel: i64) -> Error {
    Error::index(format!("out of range: tried to access index {index} on a tensor of {numel} elements."))
}

/// Where the element at a row-major position lies.
pub(crate) struct Flat {
    /// Size and step in bytes of each merged dimension, innermost first.
    dims: SmallVec<[(i64, isize); 5]>,
}

impl Flat {
    /// For a view of these sizes and strides.
    pub(crate) fn new(sizes: &[i64], strides: &[i64], bytes: usize) -> Flat {
        let mut dims: SmallVec<[(i64, isize); 5]> = SmallVec::new();
        for (&n, &s) in sizes.iter().zip(strides).rev().filter(|&(&n, _)| n != 1) {
            let step = s as isize * bytes as isize;
            match dims.last_mut() {
                Some((inner, is)) if step == *is * *inner as isize => *inner *= n,
                _ => dims.push((n, step)),
            }
        }
        Flat { dims }
    }

    /// The step between neighbours, if it is the same everywhere.
    pub(crate) fn step(&self) -> Option<isize> {
        match self.dims.as_slice() {
            [] => Some(0),
            [(_, step)] => Some(*step),
            _ => None,
        }
    }

    /// The offset in bytes of a position.
    #[inline(always)]
    pub(crate) fn offset(&self, position: i64) -> isize {
        match self.dims.as_slice() {
            [(_, step)] => position as isize * step,
            dims => {
                let (mut rest, mut offset) = (position, 0);
                for &(n, step) in dims {
                    offset += (rest % n) as isize * step;
                    rest /= n;
                }
                offset
            }
        }
    }
}
