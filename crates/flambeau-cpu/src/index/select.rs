//! Writing whole slices through indices: `index_add`, `index_copy`, `index_fill`.

use flambeau_types::{DType, Dims, Element, Error, Result, Scalar, contiguous_strides};
use smallvec::SmallVec;

use super::number::Number;
use super::scatter::{Bounds, NamedRun, copy_named, named, named_runs, scatter_add};
use super::walk::{Fault, at_least_1d, by_element, load, out_of_bounds, scalar_bytes, with_i64};
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
        if matches!(out.dtype(), DType::F16 | DType::BF16) && out.is_contiguous() && src.is_contiguous() {
            return add_half(out, dim, repeated, src);
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

/// Adds to contiguous elements of half precision in f32, rounding once at the end.
fn add_half(out: ViewMut, dim: usize, index: View, src: View) -> Result<()> {
    let load = <f32 as Real>::load(out.dtype());
    let (mut sums, mut terms) = (vec![0.0f32; out.numel()], vec![0.0f32; src.numel()]);
    let sizes: [Dims; 2] = [out.sizes().into(), src.sizes().into()];
    let strides = [contiguous_strides(&sizes[0]), contiguous_strides(&sizes[1])];
    // SAFETY: contiguous views, and room for all their elements.
    unsafe {
        load(out.ptr().cast_const(), 1, sums.len(), sums.as_mut_ptr());
        load(src.ptr(), 1, terms.len(), terms.as_mut_ptr());
        let wide = ViewMut::new(sums.as_mut_ptr().cast(), DType::F32, &sizes[0], &strides[0]);
        let terms = View::new(terms.as_ptr().cast(), DType::F32, &sizes[1], &strides[1]);
        scatter_add(wide, dim, index, terms)?;
        <f32 as FloatStore>::store(out.dtype())(sums.as_ptr(), sums.len(), out.ptr(), 1);
    }
    Ok(())
}

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
