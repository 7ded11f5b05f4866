//! Reductions over any set of dimensions.
//!
//! The calling form is always the same: `mask[d]` says that dimension `d` of the input is reduced, and the output has the
//! input's number of dimensions, with length 1 where the mask is set. Any strides will do. Sums are made in pairs, in
//! float32 for the half types and in int64 for integers.

mod arg;
pub(crate) mod chunks;
pub(crate) mod convert;
mod drive;
mod extrema;
pub(crate) mod kernel;
pub(crate) mod levels;
mod logsumexp;
mod norm;
pub(crate) mod ops;
mod ordered;
mod plan;
pub(crate) mod real;
mod select;
mod sums;
mod variance;

pub use arg::{argmax, argmin, min_max_with_index};
pub use extrema::{all, amax, amin, aminmax, any};
pub use logsumexp::logsumexp;
pub use norm::norm;
pub use select::{kthvalue, median, mode};
pub use sums::{count_nonzero, mean, nansum, prod, sum};
pub use variance::{var, var_mean};

use flambeau_types::DType;

use crate::{View, ViewMut};
use convert::Load;
use drive::{Emit, EmitRun, Job, Source};
use kernel::{Acc, Op};
use plan::Plan;

/// An address that threads may share: each writes elements of its own.
#[derive(Clone, Copy)]
pub(crate) struct Address(*mut u8);

// SAFETY: only used for outputs whose elements are split between threads.
unsafe impl Send for Address {}
// SAFETY: as above.
unsafe impl Sync for Address {}

impl Address {
    pub(crate) fn of(view: &mut ViewMut) -> Address {
        Address(view.ptr())
    }

    /// An address that is only read.
    pub(crate) fn reading(ptr: *const u8) -> Address {
        Address(ptr.cast_mut())
    }

    /// The address `offset` elements of `size` bytes further on.
    #[inline]
    pub(crate) fn at(self, offset: isize, size: usize) -> *mut u8 {
        self.0.wrapping_offset(offset * size as isize)
    }
}

/// The dtype whose elements are `A` as they lie in memory, if any.
fn source<A>(x: &View, own: DType, load: Load<A>) -> Source<A> {
    Source { base: x.ptr(), size: x.dtype().size(), load, direct: x.dtype() == own }
}

/// Folds `x` with one operation and writes `finish` of each result.
fn fold<A: Acc, O: Op<A>>(
    out: &mut ViewMut,
    x: &View,
    mask: &[bool],
    source: Source<A>,
    param: A,
    finish: impl Fn(A) -> A + Sync,
) {
    let plan = Plan::new(x, mask, [out.strides(); 2]);
    let (to, dtype, size) = (Address::of(out), out.dtype(), out.dtype().size());
    let emit: Emit<A> = &|at, _, r| {
        // SAFETY: the plan's output offsets lie within `out`, and each is written once.
        unsafe { finish(r).put(dtype, to.at(at[0], size)) }
    };
    // SAFETY: as above, for outputs that lie side by side and are of the type itself.
    let emit_run: EmitRun<A> = &|at, results| unsafe {
        let to = to.at(at, size).cast::<A>();
        for (i, r) in results.iter().enumerate() {
            to.add(i).write_unaligned(finish(*r));
        }
    };
    let emit_run = (A::PLAIN == Some(dtype)).then_some(emit_run);
    Job { plan: &plan, source, param, first: A::kernel::<O>(), second: None, emit, emit_run }.run();
}

#[cfg(test)]
pub(crate) mod tests;

#[cfg(test)]
mod timing;
