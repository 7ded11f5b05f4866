//! Writing whole slices through indices: `index_add`, `index_copy`, `index_fill`.

use flambeau_types::{DType, Dims, Element, Error, Result, Scalar};
use smallvec::SmallVec;

use super::number::Number;
use super::scatter::{Bounds, NamedRun, copy_named, named, named_runs, scatter_add};
use super::walk::{Fault, GRAIN, at_least_1d, by_element, index_values, load, out_of_bounds, scalar_bytes, with_i64};
use crate::gemm::scratch::{self, Slot};
use crate::gemm::{Shared, for_pieces};
use crate::reduce::convert::FloatStore;
use crate::reduce::real::Real;
use crate::view::{View, ViewMut};

/// Strides under which a 1-d index repeats over the other dimensions.
fn along(index: &View, dim: usize, ndim: usize) -> Dims {
    let mut strides: Dims = SmallVec::from_elem(0, ndim);
    strides[dim] = index.strides().first().copied().unwrap_or(0);
    strides
}

/// Sizes of what an `index_*` function writes: those of `out`, but as long as the index along `dim`.
fn written(out: &[i64], dim: usize, index: &View) -> Dims {
    let mut sizes: Dims = out.into();
    sizes[dim] = index.numel() as i64;
    sizes
}

/// Adds `alpha` times the slices of `src` to the slices of `out` that a 1-d `index` names, in order (`index_add_`).
pub fn index_add(out: ViewMut, dim: usize, index: View, src: View, alpha: Scalar) -> Result<()> {
    debug_assert!(out.dtype() == src.dtype() && index.ndim() <= 1);
    let (os, ot) = at_least_1d(out.sizes(), out.strides());
    let (_, st) = at_least_1d(src.sizes(), src.strides());
    let sizes = written(os, dim, &index);
    let plain = alpha.equals(1.0);
    if os.len() > 1 && plain && index.dtype() == DType::I64 && (dim == 0 || dim == os.len() - 1) {
        // PyTorch takes this case through scatter_add, with its sums in f32 and its errors.
        let strides = along(&index, dim, os.len());
        // SAFETY: strides of 0 repeat the index's own elements.
        let repeated = unsafe { View::new(index.ptr(), DType::I64, &sizes, &strides) };
        if dim == 0 && matches!(out.dtype(), DType::F16 | DType::BF16) && out.is_contiguous() && src.is_contiguous() {
            let indices = index_values(&index).into_owned();
            if indices.iter().all(|i| (0..os[0]).contains(i)) {
                add_half(&out, &indices, &src);
                return Ok(());
            }
        }
        return scatter_add(out, dim, repeated, src);
    }
    let fault = Fault::default();
    with_i64(&index, |index| {
        let it = along(index, dim, os.len());
        let bounds = Bounds { alpha, ..Bounds::new(os[dim], ot[dim], out.dtype()) };
        let run = by_element!(out.dtype(), T => if plain { step_named::<T> as NamedRun } else { alpha_named::<T> });
        named_runs(&out, ot, dim, index.ptr(), &it, &src, st, &sizes, bounds, &fault, run);
    });
    fault.check(|_| Error::index("index out of range in self"))
}

/// Adds rows of half precision to contiguous rows in f32, rounding once at the end. All indices are rows.
fn add_half(out: &ViewMut, indices: &[i64], src: &View) {
    let (load, store) = (<f32 as Real>::load(out.dtype()), <f32 as FloatStore>::store(out.dtype()));
    let rows = out.sizes()[0] as usize;
    let width = out.numel() / rows.max(1);
    let (to, from) = (Shared::new(out.ptr()), Shared::read(src.ptr()));
    for_pieces(0..width, (GRAIN / indices.len().max(1)).max(CHUNK), |columns| {
        let count = columns.len();
        scratch::with::<f32, _>(Slot::Outer, rows * count, |sums| {
            let at = |base: &Shared<u8>, row: usize, column: usize| base.at(2 * (row * width + column) as isize);
            let mut terms = [0.0; CHUNK];
            // SAFETY: these columns of contiguous views, which no other piece writes, and a sum for each of their elements.
            unsafe {
                for row in 0..rows {
                    load(at(&to, row, columns.start), 1, count, sums.add(row * count));
                }
                for (row, &index) in indices.iter().enumerate() {
                    for first in (0..count).step_by(CHUNK) {
                        let n = CHUNK.min(count - first);
                        load(at(&from, row, columns.start + first), 1, n, terms.as_mut_ptr());
                        let sums = std::slice::from_raw_parts_mut(sums.add(index as usize * count + first), n);
                        sums.iter_mut().zip(&terms).for_each(|(sum, term)| *sum += term);
                    }
                }
                for row in 0..rows {
                    store(sums.add(row * count), count, at(&to, row, columns.start), 1);
                }
            }
        });
    });
}

/// Elements of a row added at a time.
const CHUNK: usize = 256;

/// Adds in the element's own type.
///
/// # Safety
/// As [`named`].
unsafe fn step_named<T: Number>(
    o: *mut u8,
    s: *const u8,
    i: *const u8,
    n: usize,
    steps: [isize; 3],
    bounds: &Bounds,
) -> Option<(usize, i64)> {
    // SAFETY: promised by the caller.
    unsafe {
        let row = |o: *mut u8, s: *const u8, n, st| step_run::<T>(o, s, n, st, &T::add);
        let one = |o: *mut u8, s: *const u8| o.cast::<T>().write_unaligned(load::<T>(o).add(load::<T>(s)));
        named(o, s, i, n, steps, bounds, row, one)
    }
}

/// Adds a multiple, rounding once.
///
/// # Safety
/// As [`named`].
unsafe fn alpha_named<T: Number>(
    o: *mut u8,
    s: *const u8,
    i: *const u8,
    n: usize,
    steps: [isize; 3],
    bounds: &Bounds,
) -> Option<(usize, i64)> {
    let a = <T as Number>::Acc::from_scalar(bounds.alpha);
    let step = move |o: T, s: T| T::narrow(o.widen().add(a.mul(s.widen())));
    // SAFETY: promised by the caller.
    unsafe {
        let row = |o: *mut u8, s: *const u8, n, st| step_run::<T>(o, s, n, st, &step);
        let one = |o: *mut u8, s: *const u8| o.cast::<T>().write_unaligned(step(load::<T>(o), load::<T>(s)));
        named(o, s, i, n, steps, bounds, row, one)
    }
}

/// `o = f(o, s)` along a run, in the element's own type.
///
/// # Safety
/// Both runs must lie within memory of `T`.
#[inline(always)]
pub(crate) unsafe fn step_run<T: Number>(
    o: *mut u8,
    s: *const u8,
    n: usize,
    [so, ss]: [isize; 2],
    f: &impl Fn(T, T) -> T,
) {
    let size = size_of::<T>() as isize;
    // SAFETY: promised by the caller.
    unsafe {
        if so == size && ss == size {
            for i in 0..n as isize {
                let o = o.offset(i * size);
                o.cast::<T>().write_unaligned(f(load::<T>(o), load::<T>(s.offset(i * size))));
            }
        } else {
            for i in 0..n as isize {
                let o = o.offset(i * so);
                o.cast::<T>().write_unaligned(f(load::<T>(o), load::<T>(s.offset(i * ss))));
            }
        }
    }
}

/// Copies the slices of `src` over the slices of `out` that a 1-d `index` names, in order (`index_copy_`).
pub fn index_copy(out: ViewMut, dim: usize, index: View, src: View) -> Result<()> {
    debug_assert!(out.dtype() == src.dtype() && index.ndim() <= 1);
    let (_, st) = at_least_1d(src.sizes(), src.strides());
    let fault = Fault::default();
    let size = overwrite(&out, dim, &index, &src, st, false, &fault);
    fault.check(|i| Error::index(format!("index_copy_(): {}", out_of_bounds(i, dim as i64, size))))
}

/// Fills the slices of `out` that a 1-d `index` names with a number; negative indices count from the end (`index_fill_`).
pub fn index_fill(out: ViewMut, dim: usize, index: View, value: Scalar) -> Result<()> {
    debug_assert!(index.ndim() <= 1);
    let bytes = scalar_bytes(out.dtype(), value);
    let strides: Dims = SmallVec::from_elem(0, out.ndim().max(1));
    // SAFETY: strides of 0 reach one element, which the bytes hold.
    let src = unsafe { View::new(bytes.as_ptr(), out.dtype(), &strides, &strides) };
    let fault = Fault::default();
    let size = overwrite(&out, dim, &index, &src, &strides, true, &fault);
    fault.check(|i| Error::index(out_of_bounds(i, dim as i64, size)))
}

fn overwrite(out: &ViewMut, dim: usize, index: &View, src: &View, st: &[i64], wrap: bool, fault: &Fault) -> i64 {
    let (os, ot) = at_least_1d(out.sizes(), out.strides());
    let sizes = written(os, dim, index);
    with_i64(index, |index| {
        let it = along(index, dim, os.len());
        let bounds = Bounds { wrap, ..Bounds::new(os[dim], ot[dim], out.dtype()) };
        let run = copy_named(out.dtype().size());
        named_runs(out, ot, dim, index.ptr(), &it, src, st, &sizes, bounds, fault, run);
    });
    os[dim]
}
