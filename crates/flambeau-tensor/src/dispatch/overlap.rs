//! Writes to memory that several indices reach, or that an input shares: which are refused, as in PyTorch, and in what order
//! elementwise operators do the others, where each index must see what those before it wrote.

use flambeau_cpu::loops::{self, MapKernel};
use flambeau_cpu::{View, ViewMut};
use smallvec::SmallVec;

use crate::ops::Arg;
use crate::{Dims, Error, Result, Scalar, Tensor};

/// Refuses to write through a view that shows one element twice.
pub(crate) fn check_no_inner_overlap(x: &Tensor) -> Result<()> {
    if x.numel() > 0 && x.size().iter().zip(x.stride()).any(|(&n, &s)| n > 1 && s == 0) {
        return Err(Error::runtime(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please clone() the \
             tensor before performing the operation.",
        ));
    }
    Ok(())
}

/// Refuses an input that shares memory with what is written: a part of it or, where `whole`, all of it too. As in PyTorch
/// tensors with gaps or repeated elements are not looked at.
pub(super) fn check_apart(out: &Tensor, input: &Tensor, whole: bool) -> Result<()> {
    let range = |t: &Tensor| {
        let start = t.layout().offset * t.dtype().size() as i64;
        (start, start + t.numel() * t.dtype().size() as i64)
    };
    if input.storage().id() != out.storage().id() {
        return Ok(());
    }
    let shared = if input.is(out) {
        whole
    } else if input.numel() == 0 || out.numel() == 0 || !input.layout().is_dense() || !out.layout().is_dense() {
        false
    } else {
        let (a, b) = (range(input), range(out));
        if a == b { whole || input.stride() != out.stride() } else { a.0 < b.1 && b.0 < a.1 }
    };
    if !shared {
        return Ok(());
    }
    Err(Error::runtime(
        "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location. Please \
         clone() the tensor before performing the operation.",
    ))
}

/// [`check_apart`] for all tensors among arguments.
pub(super) fn check_all_apart(out: &Tensor, args: &[Arg], whole: bool) -> Result<()> {
    let mut checked = Ok(());
    for a in args {
        a.each_tensor(&mut |t| {
            if checked.is_ok() {
                checked = check_apart(out, t, whole);
            }
        });
    }
    checked
}

/// The elements of a tensor without those that only repeat others along expanded dimensions.
pub(super) fn once_each(x: &Tensor) -> Tensor {
    if x.stride().iter().all(|&s| s != 0) {
        return x.clone();
    }
    let mut layout = x.layout().clone();
    for (n, s) in layout.sizes.iter_mut().zip(&layout.strides) {
        if *s == 0 {
            *n = (*n).min(1);
        }
    }
    x.view_with(layout, x.dtype(), x.is_conj(), x.is_neg())
}

/// Whether two indices may reach one element: false only where the strides surely keep them apart.
pub(super) fn may_overlap(sizes: &[i64], strides: &[i64]) -> bool {
    if sizes.contains(&0) {
        return false;
    }
    let mut dims: SmallVec<[(i64, i64); 6]> =
        sizes.iter().zip(strides).filter(|(n, _)| **n > 1).map(|(&n, &s)| (s, n)).collect();
    dims.sort_unstable();
    let mut reach = 0;
    dims.into_iter().any(|(s, n)| {
        let touches = s <= reach;
        reach += s * (n - 1);
        touches
    })
}

/// Runs a map line by line: along the first dimension of `order`, for all indices of the others, the next one fastest.
pub(super) fn map_in_order(kernel: &MapKernel, out: ViewMut, inputs: &[View], params: &[Scalar], order: &[usize]) {
    let Some((&along, outer)) = order.split_first() else {
        return loops::map(kernel, out, inputs, params);
    };
    let sizes: Dims = out.sizes().into();
    let line = [sizes[along]];
    let lines: i64 = outer.iter().map(|&d| sizes[d]).product();
    for i in 0..if line[0] == 0 { 0 } else { lines } {
        let start = |strides: &[i64], bytes: usize| {
            let (mut rest, mut at) = (i, 0);
            for &d in outer {
                at += rest % sizes[d] * strides[d];
                rest /= sizes[d];
            }
            at as isize * bytes as isize
        };
        let steps: SmallVec<[[i64; 1]; 3]> = inputs.iter().map(|v| [v.strides()[along]]).collect();
        let views: SmallVec<[View; 3]> = inputs
            .iter()
            .zip(&steps)
            .map(|(v, step)| {
                let first = v.ptr().wrapping_offset(start(v.strides(), v.dtype().size()));
                // SAFETY: one line of the view, from an index that it has.
                unsafe { View::new(first, v.dtype(), &line, step) }
            })
            .collect();
        let step = [out.strides()[along]];
        let first = out.ptr().wrapping_offset(start(out.strides(), out.dtype().size()));
        // SAFETY: one line of the view, from an index that it has; lines are written one after another.
        loops::map(kernel, unsafe { ViewMut::new(first, out.dtype(), &line, &step) }, &views, params);
    }
}
