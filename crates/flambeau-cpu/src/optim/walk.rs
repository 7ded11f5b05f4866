//! Walks several tensors of one shape together.

use flambeau_types::DType;
use smallvec::SmallVec;

use crate::reduce::Address;
use crate::reduce::real::Real;
use crate::threads::parallel_for;
use crate::{View, ViewMut};

/// Elements worth a thread.
const GRAIN: usize = 1 << 15;
/// Elements converted or gathered at a time.
const CHUNK: usize = 256;

/// One of the tensors.
#[derive(Clone, Copy)]
pub(super) struct Operand<'a> {
    address: Address,
    dtype: DType,
    strides: &'a [i64],
    written: bool,
}

impl<'a> Operand<'a> {
    pub(super) fn read(v: &View<'a>) -> Operand<'a> {
        Operand { address: Address::reading(v.ptr()), dtype: v.dtype(), strides: v.strides(), written: false }
    }

    pub(super) fn write(v: &mut ViewMut<'a>) -> Operand<'a> {
        Operand { address: Address::of(v), dtype: v.dtype(), strides: v.strides(), written: true }
    }
}

/// Calls `f` with addresses of contiguous runs of all operands, as `T`, until every element was seen; changes of those
/// that are written are stored.
pub(super) fn walk<T: Real, const K: usize>(
    sizes: &[i64],
    operands: [Operand; K],
    f: impl Fn([*mut T; K], usize) + Sync,
) {
    let total: usize = sizes.iter().product::<i64>() as usize;
    if total == 0 {
        return;
    }
    // Size and steps of each dimension, the smallest step first, runs merged.
    let mut dims: SmallVec<[(usize, [isize; K]); 6]> = (0..sizes.len())
        .filter(|&d| sizes[d] != 1)
        .map(|d| (sizes[d] as usize, operands.map(|o| o.strides[d] as isize)))
        .collect();
    dims.sort_by_key(|(_, s)| s[0].unsigned_abs());
    let mut to = 0;
    for i in 1..dims.len() {
        let ((n, s), (m, t)) = (dims[to], dims[i]);
        if (0..K).all(|k| t[k] == s[k] * n as isize) {
            dims[to].0 = n * m;
        } else {
            to += 1;
            dims[to] = (m, t);
        }
    }
    dims.truncate(to + 1);
    if dims.is_empty() {
        dims.push((1, [1; K]));
    }
    let (inner, steps) = dims[0];
    let direct: [bool; K] = std::array::from_fn(|k| {
        operands[k].dtype == T::OWN && steps[k] == 1 && operands[k].address.at(0, 1).cast::<T>().is_aligned()
    });
    let all_direct = direct.iter().all(|&d| d);
    let loads = operands.map(|o| T::load(o.dtype));
    let stores = operands.map(|o| T::store(o.dtype));
    parallel_for(0..total, GRAIN, |range| {
        let mut scratch = [[T::default(); CHUNK]; K];
        let mut i = range.start;
        while i < range.end {
            let within = i % inner;
            let n = (inner - within).min(range.end - i).min(if all_direct { usize::MAX } else { CHUNK });
            let mut at = steps.map(|s| within as isize * s);
            let mut rest = i / inner;
            for (size, step) in &dims[1..] {
                let j = (rest % size) as isize;
                rest /= size;
                (0..K).for_each(|k| at[k] += j * step[k]);
            }
            let places: [*mut u8; K] = std::array::from_fn(|k| operands[k].address.at(at[k], operands[k].dtype.size()));
            let mut p: [*mut T; K] = places.map(|p| p.cast());
            // SAFETY: elements of the operands, or scratch of `CHUNK >= n` values; each element is in one range.
            unsafe {
                for k in 0..K {
                    if !direct[k] {
                        loads[k](places[k], steps[k], n, scratch[k].as_mut_ptr());
                        p[k] = scratch[k].as_mut_ptr();
                    }
                }
                f(p, n);
                for k in 0..K {
                    if !direct[k] && operands[k].written {
                        stores[k](p[k], n, places[k], steps[k]);
                    }
                }
            }
            i += n;
        }
    });
}
