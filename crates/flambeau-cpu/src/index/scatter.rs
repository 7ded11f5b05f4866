//! Writing through indices that name one element each: `scatter`, `scatter_add`, `scatter_reduce`.

use flambeau_types::{DType, Dims, Element, Error, Result, Scalar, contiguous_strides};
use smallvec::SmallVec;

use super::number::Number;
use super::walk::{Fault, GRAIN, Walk, at_least_1d, by_element, by_size, load, out_of_bounds, scalar_bytes, with_i64};
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
    let bytes = out.dtype().size();
    by_size!(bytes, T => scatter_runs(&out, dim, &index, &src, |o, s, n, [so, ss]| {
        // SAFETY: `scatter_runs` hands out runs within the views.
        unsafe { super::walk::copy_run::<T>(o, s, n, [so, ss]) }
    }))
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
        by_size!(size_of::<T::Acc>(), U => scatter_runs(out, dim, index, &start, |o, s, n, st| {
            // SAFETY: runs within the views.
            unsafe { super::walk::copy_run::<U>(o, s, n, st) }
        }))?;
    }
    match reduce {
        Reduce::Add | Reduce::Mean => combine::<T>(out, dim, index, src, T::Acc::add),
        Reduce::Multiply => combine::<T>(out, dim, index, src, T::Acc::mul),
        Reduce::Amax => combine::<T>(out, dim, index, src, T::Acc::larger),
        Reduce::Amin => combine::<T>(out, dim, index, src, T::Acc::smaller),
    }
}

#[inline(always)]
fn combine<T: Number>(
    out: &ViewMut,
    dim: usize,
    index: &View,
    src: &View,
    f: impl Fn(T::Acc, T::Acc) -> T::Acc + Sync,
) -> Result<()> {
    // SAFETY: `scatter_runs` hands out runs within the views.
    scatter_runs(out, dim, index, src, |o, s, n, st| unsafe { combine_run::<T>(o, s, n, st, &f) })
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
    combine::<T>(&to, dim, index, &one, T::Acc::add)?;
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

/// The shared loop: for every position of `index` in row-major order, `body(to, from, n, strides)` on a run of elements
/// of `out` and `src`. Threads split a dimension other than `dim`, so no element is written by two of them.
#[inline(always)]
fn scatter_runs(
    out: &ViewMut,
    dim: usize,
    index: &View,
    src: &View,
    body: impl Fn(*mut u8, *const u8, usize, [isize; 2]) + Sync,
) -> Result<()> {
    let (os, ot) = at_least_1d(out.sizes(), out.strides());
    debug_assert!(dim < os.len());
    let fault = Fault::default();
    with_i64(index, |index| {
        let (sizes, it) = at_least_1d(index.sizes(), index.strides());
        let (_, st) = at_least_1d(src.sizes(), src.strides());
        named_runs(out, ot, dim, os[dim], index.ptr(), it, src, st, sizes, false, &fault, body);
    });
    fault.check(|i| Error::runtime(out_of_bounds(i, dim as i64, os[dim])))
}

/// The loop under `scatter` and the `index_*` functions: `sizes` is the shape walked, with strides for the indices and
/// `src`; `size` bounds the indices, and with `wrap` negative ones count from the end.
#[inline(always)]
pub(crate) fn named_runs(
    out: &ViewMut,
    out_strides: &[i64],
    dim: usize,
    size: i64,
    index: *const u8,
    index_strides: &[i64],
    src: &View,
    src_strides: &[i64],
    sizes: &[i64],
    wrap: bool,
    fault: &Fault,
    body: impl Fn(*mut u8, *const u8, usize, [isize; 2]) + Sync,
) {
    let numel: i64 = sizes.iter().product();
    if numel <= 0 {
        return;
    }
    let (ob, sb) = (out.dtype().size(), src.dtype().size());
    let step = out_strides[dim] as isize * ob as isize;
    let mut base: Dims = out_strides.into();
    base[dim] = 0;
    let threads = num_threads() as i64;
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
        let [so, ss, si] = walk.inner();
        walk.runs(0..walk.numel(), |position, [o, s, i], n| {
            // SAFETY: the walk stays within the views, and an index is used only if it is within `out`'s dimension.
            unsafe {
                let o = out.ptr().offset(start[0] + o);
                let s = src.ptr().offset(start[1] + s);
                let i = (index as *const u8).offset(start[2] + i);
                let (times, n) = if si == 0 { (1, n) } else { (n as isize, 1) };
                for j in 0..times {
                    let k = i.offset(j * si).cast::<i64>().read_unaligned();
                    let p = if wrap && k < 0 { k.wrapping_add(size) } else { k };
                    if p as u64 >= size as u64 {
                        return fault.note(position + j as usize, k);
                    }
                    body(o.offset(j * so + p as isize * step), s.offset(j * ss), n, [so, ss]);
                }
            }
            true
        });
    });
}
