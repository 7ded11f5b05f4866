//! Search in sorted sequences.

use flambeau_cpu::sort as kernels;

use crate::dispatch::Locked;
use crate::ops::{op, rule};
use crate::{DType, Error, Result, Scalar, Tensor};

fn out_dtype(out_int32: bool) -> DType {
    if out_int32 { DType::I32 } else { DType::I64 }
}

/// What `searchsorted` demands of its arguments, and whether it searches from the right.
fn check(sequence: &Tensor, values: &Tensor, right: bool, side: Option<&str>, sorter: Option<&Tensor>) -> Result<bool> {
    let fail = |text: String| Err(Error::runtime(format!("torch.searchsorted(): {text}")));
    match side {
        Some("left") if right => {
            return fail("side and right can't be set to opposites, got side of left while right was True".into());
        }
        None | Some("left" | "right") => {}
        Some(other) => return fail(format!("side can only be 'left' or 'right' but got {other}")),
    }
    let (a, b) = (sequence.size(), values.size());
    if let Some(s) = sorter {
        if s.size() != a {
            return fail(format!(
                "boundary and sorter must have the same size, but got boundary tensor {a:?}and got sorter tensor {:?}",
                s.size()
            ));
        }
        if s.dtype() != DType::I64 {
            return fail(format!("sorter must be a tensor of long dtype but got dtype {}", s.dtype().title()));
        }
    }
    if b.is_empty() && a.len() != 1 {
        return fail(format!(
            "input value can be a scalar only when boundaries tensor dimension is 1, but we got boundaries tensor dim({}) and input value's \
             dim({}) numel({})",
            a.len(),
            b.len(),
            values.numel()
        ));
    }
    if a.is_empty() {
        return fail("boundaries tensor should have positive dimension, but got 0 dimension".into());
    }
    if a.len() != 1 && (a.len() != b.len() || a[..a.len() - 1] != b[..b.len() - 1]) {
        return fail(format!(
            "boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input value tensor must match, but \
             we got boundaries tensor {a:?} and input value tensor {b:?}"
        ));
    }
    Ok(right || side == Some("right"))
}

fn searched(
    sequence: &Tensor,
    values: &Tensor,
    out_int32: bool,
    right: bool,
    sorter: Option<&Tensor>,
) -> Result<Tensor> {
    let common = rule::promote(sequence, values);
    let (sequence, values) = (sequence.to_dtype(common)?, values.to_dtype(common)?);
    let out = Tensor::empty(values.size(), out_dtype(out_int32), values.device())?;
    let mut read = vec![&sequence, &values];
    read.extend(sorter);
    Locked::run(&read, std::slice::from_ref(&out), |locked, outs| {
        let sorter = sorter.map(|s| locked.view(s));
        kernels::searchsorted(outs.next(), locked.view(&sequence), locked.view(&values), right, sorter)
    })?;
    Ok(out)
}

op! {
    /// Where each of `input` would go into the sorted sequence so that the order stays: before its equals, or with `right`
    /// behind them. A sequence of several dimensions is sorted along the last.
    ///
    /// Shape: `*s, *t -> *t`. Dtype: int64, or int32.
    ///
    /// >>> torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([3, 6]))
    /// tensor([1, 3])
    fn searchsorted(sorted_sequence: Tensor, input: Tensor; out_int32: bool = false, right: bool = false, side: Option<Str> = None, sorter: Option<Tensor> = None) -> y;
    variants [function, out];
    nondifferentiable;
    dtype out_dtype(out_int32);
    shape { check(sorted_sequence, input, right, side, sorter)?; input.size() };
    compute {
        let right = check(sorted_sequence, input, right, side, sorter)?;
        searched(sorted_sequence, input, out_int32, right, sorter)
    };
    samples [
        (rising(4), real([2, 3])),
        (rising(4), real([2]), true, true),
        (rising(4), real([]), false, false, "right"),
        (rising(3), real([2]), false, false, None, int([3], 0, 3)),
        (rising(0), real([2])),
    ];
}

op! {
    /// Where a number would go into the sorted sequence so that the order stays.
    ///
    /// Shape: `n -> ()`. Dtype: int64, or int32.
    fn searchsorted.scalar(sorted_sequence: Tensor, input: Scalar; out_int32: bool = false, right: bool = false, side: Option<Str> = None, sorter: Option<Tensor> = None) -> y;
    variants [function, out];
    nondifferentiable;
    composite {
        let value = number_like(sorted_sequence, input)?;
        sorted_sequence.searchsorted_with(&value, out_int32, right, side, sorter)
    };
    samples [(rising(4), 0.5), (rising(4), 0.5, true, false, "left"), (rising(4), 1)];
}

/// A number as a 0-d tensor of the dtype that it and a sequence meet in.
fn number_like(sequence: &Tensor, value: Scalar) -> Result<Tensor> {
    Tensor::scalar(value, rule::promote(sequence, value)).to_device(sequence.device())
}

fn check_boundaries(boundaries: &Tensor) -> Result<()> {
    if boundaries.dim() != 1 {
        return Err(Error::runtime(format!(
            "boundaries tensor must be 1 dimension, but got dim({})",
            boundaries.dim()
        )));
    }
    Ok(())
}

op! {
    /// The index of the interval between `boundaries` that each element falls into. An element equal to a boundary belongs to
    /// the interval before it, or with `right` after it.
    ///
    /// Shape: `*s, n -> *s`. Dtype: int64, or int32.
    ///
    /// >>> torch.bucketize(torch.tensor([1, 4, 9]), torch.tensor([1, 3, 5]))
    /// tensor([0, 2, 3])
    fn bucketize(input: Tensor, boundaries: Tensor; out_int32: bool = false, right: bool = false) -> y;
    variants [function, out];
    nondifferentiable;
    dtype out_dtype(out_int32);
    shape { check_boundaries(boundaries)?; input.size() };
    compute { check_boundaries(boundaries)?; searched(boundaries, input, out_int32, right, None) };
    samples [(real([2, 3]), rising(4)), (real([]), rising(4), true, true), (real([0, 2]), rising(4))];
}

op! {
    /// The index of the interval between `boundaries` that a number falls into.
    ///
    /// Shape: `n -> ()`. Dtype: int64, or int32.
    ///
    /// >>> torch.bucketize(2, torch.tensor([1, 3, 5]))
    /// tensor(1)
    fn bucketize.scalar(input: Scalar, boundaries: Tensor; out_int32: bool = false, right: bool = false) -> y;
    variants [function];
    nondifferentiable;
    composite { number_like(boundaries, input)?.bucketize_with(boundaries, out_int32, right) };
    samples [(0.5, rising(4)), (1, rising(4), true, true)];
}
