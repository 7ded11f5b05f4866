//! Writing through indices that name one element each: `scatter`, `scatter_add`, `scatter_reduce`.

use flambeau_types::{DType, Dims, Element, Error, Result, Scalar, contiguous_strides};
use smallvec::SmallVec;

use super::number::Number;
use super::walk::{
    Fault, GRAIN, Walk, at_least_1d, by_element, by_size, copy_run, load, out_of_bounds, scalar_bytes, with_i64,
};
use crate::threads::{num_threads, parallel_for};
use crate::view::{View, ViewMut};

/// How `scatter` combines what it writes with what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduce {
    /// The sum.
    Add,
    /// The product.
    Multiply,
    /// The larger; NaN wins.
    Amax,
    /// The smaller; NaN wins.
    Amin,
    /// The mean; integers round towards negative infinity.
    Mean,
}

/// `out[index[i][j]][j] = src[i][j]` for `dim` 0, and so on (`Tensor.scatter_`); of several writes to one place the last
/// stays. `src` covers at least the shape of `index`; a scalar is a view with strides of 0.
pub fn scatter(out: ViewMut, dim: usize, index: View, src: View) -> Result<()> {
    debug_assert!(out.dtype() == src.dtype());
    scatter_runs(&out, dim, &index, &src, copy_named(out.dtype().size()))
}

/// [`scatter`] of one number.
pub fn scatter_value(out: ViewMut, dim: usize, index: View, value: Scalar) -> Result<()> {
    let bytes = scalar_bytes(out.dtype(), value);
    let (dtype, strides): (DType, Dims) = (out.dtype(), SmallVec::from_elem(0, index.ndim()));
    // SAFETY: strides of 0 reach one element, which the bytes hold.
    let src = unsafe { View::new(bytes.as_ptr(), dtype, index.sizes(), &strides) };
    scatter(out, dim, index, src)
}

/// Adds `src` to the elements that `index` names (`Tensor.scatter_add_`).
pub fn scatter_add(out: ViewMut, dim: usize, index: View, src: View) -> Result<()> {
    scatter_reduce(out, dim, index, src, Reduce::Add, true)
}

/// Combines `src` with the elements that `index` names, in order (`Tensor.scatter_reduce_`). Without `include_self`, what
/// stood in those elements before does not count. The half types accumulate in f32 and round once.
pub fn scatter_reduce(
    mut out: ViewMut,
    dim: usize,
    index: View,
    src: View,
    reduce: Reduce,
    include_self: bool,
) -> Result<()> {
    debug_assert!(out.dtype() == src.dtype());
    let unfit = match reduce {
        Reduce::Amax | Reduce::Amin => out.dtype().is_complex(),
        Reduce::Mean => out.dtype() == DType::Bool,
        _ => false,
    };
    if unfit {
        let name = format!("{reduce:?}").to_lowercase();
        let text = format!("\"scatter_gather_tensor_cpu_reduce_{name}\" not implemented for '{}'", out.dtype().title());
        return Err(Error::not_implemented(text));
    }
    by_element!(out.dtype(), T => if matches!(T::DTYPE, DType::F16 | DType::BF16) {
        // A buffer of f32 in the shape of `out` takes the sums; elements that no index names come back unchanged.
        let mut buffer = widened::<T>(&out);
        let strides = contiguous_strides(out.sizes());
        // SAFETY: the buffer is contiguous in the shape of `out`.
        let wide = unsafe { ViewMut::new(buffer.as_mut_ptr().cast(), DType::F32, out.sizes(), &strides) };
        reduce_into::<T>(&wide, dim, &index, &src, reduce, include_self)?;
        narrow_into::<T>(&mut out, &buffer);
        Ok(())
    } else {
        reduce_into::<T>(&out, dim, &index, &src, reduce, include_self)
    })?;
    if reduce == Reduce::Mean {
        by_element!(out.dtype(), T => divide_by_counts::<T>(&mut out, dim, &index, include_self)?);
    }
    Ok(())
}

fn reduce_into<T: Number>(
    out: &ViewMut,
    dim: usize,
    index: &View,
    src: &View,
    reduce: Reduce,
    include_self: bool,
) -> Result<()> {
    debug_assert!(out.dtype() == T::Acc::DTYPE);
    if !include_self {
        let start = match reduce {
            Reduce::Add | Reduce::Mean => T::Acc::default(),
            Reduce::Multiply => T::Acc::one(),
            Reduce::Amax => T::Acc::lowest(),
            Reduce::Amin => T::Acc::highest(),
        };
        let strides: Dims = SmallVec::from_elem(0, index.ndim());
        // SAFETY: strides of 0 reach one element.
        let start = unsafe { View::new((&raw const start).cast(), T::Acc::DTYPE, index.sizes(), &strides) };
        scatter_runs(out, dim, index, &start, copy_named(size_of::<T::Acc>()))?;
    }
    let run: NamedRun = match reduce {
        Reduce::Add | Reduce::Mean => add_named::<T>,
        Reduce::Multiply => multiply_named::<T>,
        Reduce::Amax => amax_named::<T>,
        Reduce::Amin => amin_named::<T>,
    };
    scatter_runs(out, dim, index, src, run)
}

/// A run of writes to places that indices name: the pointers to `out`, `src` and the indices, the length, their steps, the
/// step along `out`'s indexed dimension. Returns the first bad index and where in the run it stood.
pub(crate) type NamedRun = unsafe fn(*mut u8, *const u8, *const u8, usize, [isize; 3], &Bounds) -> Option<(usize, i64)>;

/// What an index may be, and what else a [`NamedRun`] needs.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    /// Indices are less than this.
    pub(crate) size: i64,
    /// Negative indices count from the end.
    pub(crate) wrap: bool,
    /// The step along the indexed dimension, in bytes.
    pub(crate) step: isize,
    /// A factor for what is added.
    pub(crate) alpha: Scalar,
    /// Whole rows with indices outside of this are left to another thread.
    pub(crate) part: (i64, i64),
}

/// The frame of every [`NamedRun`]: `row` handles elements that share one index, `one` a single element.
///
/// # Safety
/// The runs, and whatever an index within the bounds leads to, must lie within memory.
#[inline(always)]
pub(crate) unsafe fn named(
    o: *mut u8,
    s: *const u8,
    index: *const u8,
    n: usize,
    [so, ss, si]: [isize; 3],
    bounds: &Bounds,
    row: impl Fn(*mut u8, *const u8, usize, [isize; 2]),
    one: impl Fn(*mut u8, *const u8),
) -> Option<(usize, i64)> {
    let &Bounds { size, wrap, step, .. } = bounds;
    let place = |k: i64| if wrap && k < 0 { k.wrapping_add(size) } else { k };
    // SAFETY: promised by the caller.
    unsafe {
        if si == 0 {
            let k = index.cast::<i64>().read_unaligned();
            let p = place(k);
            if p as u64 >= size as u64 {
                return Some((0, k));
            }
            if p >= bounds.part.0 && p < bounds.part.1 {
                row(o.offset(p as isize * step), s, n, [so, ss]);
            }
        } else {
            for j in 0..n as isize {
                let k = index.offset(j * si).cast::<i64>().read_unaligned();
                let p = place(k);
                if p as u64 >= size as u64 {
                    return Some((j as usize, k));
                }
                one(o.offset(j * so + p as isize * step), s.offset(j * ss));
            }
        }
    }
    None
}

/// The [`NamedRun`] that copies elements of a size.
pub(crate) fn copy_named(bytes: usize) -> NamedRun {
    /// Copies.
    ///
    /// # Safety
    /// As [`named`].
    unsafe fn run<T: Copy>(
        o: *mut u8,
        s: *const u8,
        i: *const u8,
        n: usize,
        steps: [isize; 3],
        bounds: &Bounds,
    ) -> Option<(usize, i64)> {
        // SAFETY: promised by the caller.
        unsafe {
            let one = |o: *mut u8, s: *const u8| o.cast::<T>().write_unaligned(s.cast::<T>().read_unaligned());
            named(o, s, i, n, steps, bounds, |o, s, n, st| copy_run::<T>(o, s, n, st), one)
        }
    }
    by_size!(bytes, T => run::<T> as NamedRun)
}

macro_rules! combining {
    ($($name:ident, $method:ident, $doc:literal;)*) => {$(
        #[doc = $doc]
        ///
        /// # Safety
        /// As [`named`].
        unsafe fn $name<T: Number>(
            o: *mut u8,
            s: *const u8,
            i: *const u8,
            n: usize,
            steps: [isize; 3],
            bounds: &Bounds,
        ) -> Option<(usize, i64)> {
            // SAFETY: promised by the caller.
            unsafe {
                let row = |o: *mut u8, s: *const u8, n, st| combine_run::<T>(o, s, n, st, &T::Acc::$method);
                let one = |o: *mut u8, s: *const u8| {
                    let v = load::<T::Acc>(o).$method(load::<T>(s).widen());
                    o.cast::<T::Acc>().write_unaligned(v)
                };
                named(o, s, i, n, steps, bounds, row, one)
            }
        }
    )*};
}
combining! {
    add_named, add, "Adds to accumulators.";
    multiply_named, mul, "Multiplies accumulators.";
    amax_named, larger, "Keeps the larger.";
    amin_named, smaller, "Keeps the smaller.";
}

/// `o = f(o, s)` along a run; `o` holds accumulators.
///
/// # Safety
/// Both runs must lie within memory of their types.
#[inline(always)]
pub(crate) unsafe fn combine_run<T: Number>(
    o: *mut u8,
    s: *const u8,
    n: usize,
    [so, ss]: [isize; 2],
    f: &impl Fn(T::Acc, T::Acc) -> T::Acc,
) {
    // SAFETY: promised by the caller.
    unsafe {
        if so == size_of::<T::Acc>() as isize && ss == size_of::<T>() as isize {
            let o = o.cast::<T::Acc>();
            for i in 0..n {
                let v = load::<T>(s.add(i * size_of::<T>())).widen();
                o.add(i).write_unaligned(f(load::<T::Acc>(o.add(i).cast()), v));
            }
        } else {
            for i in 0..n as isize {
                let o = o.offset(i * so);
                let v = load::<T>(s.offset(i * ss)).widen();
                o.cast::<T::Acc>().write_unaligned(f(load::<T::Acc>(o), v));
            }
        }
    }
}

/// Divides by how often each element was named (plus one for itself), counting in the element's own type as PyTorch does.
fn divide_by_counts<T: Number>(out: &mut ViewMut, dim: usize, index: &View, include_self: bool) -> Result<()> {
    let start = if include_self { T::Acc::one() } else { T::Acc::default() };
    let mut counts = vec![start; out.numel()];
    let strides = contiguous_strides(out.sizes());
    let one = T::one();
    let zero: Dims = SmallVec::from_elem(0, index.ndim());
    // SAFETY: the counts are contiguous in the shape of `out`; strides of 0 reach one element.
    let (to, one) = unsafe {
        (
            ViewMut::new(counts.as_mut_ptr().cast(), T::Acc::DTYPE, out.sizes(), &strides),
            View::new((&raw const one).cast(), T::DTYPE, index.sizes(), &zero),
        )
    };
    scatter_runs(&to, dim, index, &one, add_named::<T>)?;
    let walk = Walk::new(out.sizes(), [(out.strides(), size_of::<T>())]);
    let [so] = walk.inner();
    walk.runs(0..walk.numel(), |position, [o], n| {
        for i in 0..n {
            let count = T::narrow(counts[position + i]);
            if count != T::default() {
                // SAFETY: the walk stays within `out`.
                unsafe {
                    let o = out.ptr().offset(o + i as isize * so);
                    o.cast::<T>().write_unaligned(load::<T>(o).div(count));
                }
            }
        }
        true
    });
    Ok(())
}

/// The accumulators of a view's elements, in row-major order.
fn widened<T: Number>(x: &ViewMut) -> Vec<T::Acc> {
    let mut buffer = Vec::with_capacity(x.numel());
    let walk = Walk::new(x.sizes(), [(x.strides(), size_of::<T>())]);
    let [step] = walk.inner();
    walk.runs(0..walk.numel(), |_, [at], n| {
        // SAFETY: the walk stays within the view.
        buffer.extend((0..n as isize).map(|i| unsafe { load::<T>(x.ptr().offset(at + i * step)) }.widen()));
        true
    });
    buffer
}

/// Writes accumulators, in row-major order, back to a view.
fn narrow_into<T: Number>(x: &mut ViewMut, buffer: &[T::Acc]) {
    let walk = Walk::new(x.sizes(), [(x.strides(), size_of::<T>())]);
    let [step] = walk.inner();
    walk.runs(0..walk.numel(), |position, [at], n| {
        for (i, &v) in buffer[position..position + n].iter().enumerate() {
            // SAFETY: the walk stays within the view.
            unsafe { x.ptr().offset(at + i as isize * step).cast::<T>().write_unaligned(T::narrow(v)) };
        }
        true
    });
}

/// The shared loop: `run` for every position of `index` in row-major order.
fn scatter_runs(out: &ViewMut, dim: usize, index: &View, src: &View, run: NamedRun) -> Result<()> {
    let (os, ot) = at_least_1d(out.sizes(), out.strides());
    debug_assert!(dim < os.len());
    let fault = Fault::default();
    with_i64(index, |index| {
        let (sizes, it) = at_least_1d(index.sizes(), index.strides());
        let (_, st) = at_least_1d(src.sizes(), src.strides());
        let bounds = Bounds::new(os[dim], ot[dim], out.dtype());
        named_runs(out, ot, dim, index.ptr(), it, src, st, sizes, bounds, &fault, run);
    });
    fault.check(|i| Error::runtime(out_of_bounds(i, dim as i64, os[dim])))
}

impl Bounds {
    /// For a dimension of this size and stride; no negative indices, no factor.
    pub(crate) fn new(size: i64, stride: i64, dtype: DType) -> Bounds {
        Bounds {
            size,
            wrap: false,
            step: stride as isize * dtype.size() as isize,
            alpha: Scalar::Int(1),
            part: (0, size),
        }
    }
}

/// The loop under `scatter` and the `index_*` functions: `sizes` is the shape walked, with strides for the indices and
/// `src`. Threads split a dimension other than `dim`, or `out`'s rows, so no element is written by two of them.
pub(crate) fn named_runs(
    out: &ViewMut,
    out_strides: &[i64],
    dim: usize,
    index: *const u8,
    index_strides: &[i64],
    src: &View,
    src_strides: &[i64],
    sizes: &[i64],
    bounds: Bounds,
    fault: &Fault,
    run: NamedRun,
) {
    let numel: i64 = sizes.iter().product();
    if numel <= 0 {
        return;
    }
    let (ob, sb) = (out.dtype().size(), src.dtype().size());
    let mut base: Dims = out_strides.into();
    base[dim] = 0;
    let threads = num_threads() as i64;
    let row: i64 = sizes[dim + 1..].iter().product();
    let by_index = (0..sizes.len()).all(|d| d == dim || index_strides[d] == 0 || sizes[d] == 1);
    if by_index && numel == row * sizes[dim] && row >= 16 && bounds.size >= 2 * threads {
        // Whole rows: every thread reads all indices and owns some rows of `out`.
        let walk = Walk::new(sizes, [(&base, ob), (src_strides, sb), (index_strides, 8)]);
        let grain = if numel as usize >= 2 * GRAIN { (bounds.size / threads) as usize } else { bounds.size as usize };
        let index = index as usize;
        return parallel_for(0..bounds.size as usize, grain, |part| {
            let bounds = Bounds { part: (part.start as i64, part.end as i64), ..bounds };
            walk_named(out, src, index, &walk, [0; 3], &bounds, fault, run);
        });
    }
    // The outermost dimension that gives every thread a share, else the longest.
    let split = (0..sizes.len())
        .filter(|&d| d != dim && sizes[d] > 1)
        .find(|&d| sizes[d] >= 4 * threads)
        .or_else(|| (0..sizes.len()).filter(|&d| d != dim).max_by_key(|&d| sizes[d]));
    let length = split.map_or(1, |d| sizes[d] as usize);
    let grain = (GRAIN * length / numel as usize).max(1);
    let index = index as usize;
    parallel_for(0..length, grain, |part| {
        let mut sizes: Dims = sizes.into();
        let mut start = [0isize; 3];
        if let Some(d) = split {
            sizes[d] = part.len() as i64;
            let from = part.start as isize;
            start = [
                from * base[d] as isize * ob as isize,
                from * src_strides[d] as isize * sb as isize,
                from * index_strides[d] as isize * 8,
            ];
        }
        let walk = Walk::new(&sizes, [(&base, ob), (src_strides, sb), (index_strides, 8)]);
        walk_named(out, src, index, &walk, start, &bounds, fault, run);
    });
}

/// One thread's part of [`named_runs`]; `start` is where the walk starts in each operand, in bytes.
fn walk_named(
    out: &ViewMut,
    src: &View,
    index: usize,
    walk: &Walk<3>,
    start: [isize; 3],
    bounds: &Bounds,
    fault: &Fault,
    run: NamedRun,
) {
    let steps = walk.inner();
    walk.runs(0..walk.numel(), |position, [o, s, i], n| {
        // SAFETY: the walk stays within the views, and an index is used only if it is within `out`'s dimension.
        let bad = unsafe {
            let o = out.ptr().offset(start[0] + o);
            let s = src.ptr().offset(start[1] + s);
            run(o, s, (index as *const u8).offset(start[2] + i), n, steps, bounds)
        };
        bad.is_none_or(|(j, k)| fault.note(position + j, k))
    });
}
