//! Binary search in sorted sequences.

use flambeau_types::{DType, Error, Result};

use super::keys::{Key, by_key, not_implemented};
use crate::index::walk::{Fault, Walk, load, with_i64};
use crate::threads::parallel_for;
use crate::view::{View, ViewMut};

/// Searches below which one thread does all.
const GRAIN: usize = 2048;

/// Where each of `values` would go into `sequence`, ascending along its last dimension, so that the order stays: before
/// its equals or, with `right`, behind them (`torch.searchsorted`, `torch.bucketize`). `sequence` is 1-d, or has
/// the shape of `values` but for the last dimension; the dtypes are the same. With `sorter` (i64, the shape of `sequence`) the
/// sequence is ascending in the order it names. `out` (i64 or i32) has the shape of `values`.
pub fn searchsorted(out: ViewMut, sequence: View, values: View, right: bool, sorter: Option<View>) -> Result<()> {
    if sequence.dtype().is_complex() || sequence.dtype() == DType::Bool {
        return Err(not_implemented("searchsorted_out_cpu", sequence.dtype()));
    }
    debug_assert!(sequence.ndim() >= 1 && sequence.dtype() == values.dtype() && out.sizes() == values.sizes());
    debug_assert!(matches!(out.dtype(), DType::I64 | DType::I32));
    let len = sequence.sizes()[sequence.ndim() - 1] as usize;
    by_key!(sequence.dtype(), T => {
        let bounds = elements::<T>(&sequence, sorter.as_ref(), len)?;
        let width = if sequence.ndim() == 1 { usize::MAX } else { values.sizes()[values.ndim() - 1].max(1) as usize };
        search::<T>(&out, &bounds, len, &values, width, right);
    });
    Ok(())
}

/// The sequences' elements in search order, contiguous.
fn elements<T: Key>(sequence: &View, sorter: Option<&View>, len: usize) -> Result<Vec<T>> {
    let walk = Walk::new(sequence.sizes(), [(sequence.strides(), size_of::<T>())]);
    let [step] = walk.inner();
    let mut all = Vec::with_capacity(sequence.numel());
    walk.runs(0..walk.numel(), |_, [at], n| {
        // SAFETY: the walk stays within the view.
        all.extend((0..n as isize).map(|j| unsafe { load::<T>(sequence.ptr().offset(at + j * step)) }));
        true
    });
    let Some(sorter) = sorter else { return Ok(all) };
    let order = with_i64(sorter, |s| crate::index::walk::index_values(s).into_owned());
    let fault = Fault::default();
    let mut sorted = Vec::with_capacity(all.len());
    for (i, &k) in order.iter().enumerate() {
        if k as u64 >= len as u64 {
            fault.note(i, k);
            break;
        }
        sorted.push(all[i / len * len + k as usize]);
    }
    fault.check(|_| Error::runtime("torch.searchsorted(): sorter index out of range"))?;
    Ok(sorted)
}

fn search<T: Key>(out: &ViewMut, bounds: &[T], len: usize, values: &View, width: usize, right: bool) {
    let long = out.dtype() == DType::I64;
    let walk = Walk::new(values.sizes(), [(values.strides(), size_of::<T>()), (out.strides(), out.dtype().size())]);
    let [sv, so] = walk.inner();
    parallel_for(0..walk.numel(), GRAIN, |part| {
        walk.runs(part, |position, [v, o], n| {
            for j in 0..n {
                let row = (position + j) / width;
                let bounds = &bounds[row * len..(row + 1) * len];
                // SAFETY: the walk stays within the views.
                unsafe {
                    let value = load::<T>(values.ptr().offset(v + j as isize * sv));
                    let at =
                        if right { position_of(bounds, |b| b > value) } else { position_of(bounds, |b| b >= value) };
                    let to = out.ptr().offset(o + j as isize * so);
                    if long {
                        to.cast::<i64>().write_unaligned(at as i64);
                    } else {
                        to.cast::<i32>().write_unaligned(at as i32);
                    }
                }
            }
            true
        });
    });
}

/// The first place where `reached` holds. Comparisons with NaN hold nowhere, so NaN goes to the end. The steps are those of
/// plain bisection, whose outcome PyTorch shows even for sequences that are not sorted.
#[inline(always)]
fn position_of<T: Key>(bounds: &[T], reached: impl Fn(T) -> bool) -> usize {
    let (mut start, mut end) = (0, bounds.len());
    while start < end {
        let middle = start + (end - start) / 2;
        // SAFETY: start <= middle < end <= length.
        let yes = reached(unsafe { *bounds.get_unchecked(middle) });
        // Two selections rather than a branch, which would be mispredicted half the time.
        start = std::hint::select_unpredictable(yes, start, middle + 1);
        end = std::hint::select_unpredictable(yes, middle, end);
    }
    start
}
