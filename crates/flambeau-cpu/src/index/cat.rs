//! Concatenation.

use flambeau_types::{Dims, Element, numel};

use super::flip::copy_box;
use super::walk::{GRAIN, Walk, by_element, load};
use crate::threads::{num_threads, parallel_for};
use crate::view::{View, ViewMut};

/// The inputs one after another along `dim`, converted to `out`'s dtype where theirs differs (`torch.cat`). Their sizes
/// along `dim` add up to `out`'s; the others are the same. (PyTorch's 1-d empty inputs among larger ones are for the
/// caller to leave out.)
pub fn cat(out: ViewMut, inputs: &[View], dim: usize) {
    debug_assert_eq!(inputs.iter().map(|x| x.sizes()[dim]).sum::<i64>(), out.sizes()[dim]);
    let mut starts: Dims = Dims::new();
    let mut start = 0;
    for x in inputs {
        debug_assert!(x.ndim() == out.ndim());
        starts.push(start);
        start += x.sizes()[dim];
    }
    let each = |i: usize| {
        let x = &inputs[i];
        if numel(x.sizes()) == 0 {
            return;
        }
        let bytes = out.dtype().size();
        let to = out.ptr().wrapping_offset((starts[i] * out.strides()[dim]) as isize * bytes as isize);
        if x.dtype() == out.dtype() {
            copy_box(to, out.strides(), x.ptr(), x.strides(), x.sizes(), bytes);
        } else {
            let run =
                by_element!(x.dtype(), From => by_element!(out.dtype(), To => convert_run::<From, To> as ConvertRun));
            convert(to, out.strides(), bytes, x, run);
        }
    };
    // Many inputs are shared out between threads; few large ones are split each.
    let total = out.numel();
    let grain = if inputs.len() >= 4 * num_threads() && total >= 8 * GRAIN {
        inputs.len().div_ceil(num_threads())
    } else {
        inputs.len()
    };
    parallel_for(0..inputs.len(), grain, |part| part.for_each(each));
}

type ConvertRun = unsafe fn(*mut u8, *const u8, usize, [isize; 2]);

/// Copies `x` to `to`, converting elements.
fn convert(to: *mut u8, strides: &[i64], bytes: usize, x: &View, run: ConvertRun) {
    let walk = Walk::new(x.sizes(), [(strides, bytes), (x.strides(), x.dtype().size())]);
    let steps = walk.inner();
    let to = to as usize;
    walk.parallel_runs(GRAIN, |_, [o, i], n| {
        // SAFETY: `to` has room for `x`'s shape under `strides`, and the walk stays within both.
        unsafe { run((to as *mut u8).offset(o), x.ptr().offset(i), n, steps) };
        true
    });
}

/// Converts a run.
///
/// # Safety
/// Both runs must lie within memory of their types.
unsafe fn convert_run<From: Element, To: Element>(to: *mut u8, from: *const u8, n: usize, [so, si]: [isize; 2]) {
    // SAFETY: promised by the caller.
    unsafe {
        if so == size_of::<To>() as isize && si == size_of::<From>() as isize {
            for j in 0..n {
                let v = To::from_scalar(load::<From>(from.add(j * size_of::<From>())).to_scalar());
                to.cast::<To>().add(j).write_unaligned(v);
            }
        } else {
            for j in 0..n as isize {
                let v = To::from_scalar(load::<From>(from.offset(j * si)).to_scalar());
                to.offset(j * so).cast::<To>().write_unaligned(v);
            }
        }
    }
}
