//! Elements by a mask of booleans.

use crate::ops::{Operand, OperandRef, Val, op, rule};
use crate::{DType, Error, Result, Tensor};

/// A condition must be boolean (uint8 is taken, as PyTorch still does).
fn check_condition(condition: &Tensor) -> Result<()> {
    if !matches!(condition.dtype(), DType::Bool | DType::U8) {
        return Err(Error::runtime(format!(
            "where expected condition to be a boolean tensor, but got a tensor with dtype {}",
            condition.dtype().title()
        )));
    }
    Ok(())
}

op! {
    /// Elements of `input` where `condition` is true, of `other` elsewhere.
    ///
    /// Shape: all broadcast. Dtype: promoted from `input` and `other`.
    ///
    /// >>> torch.where(torch.tensor([True, False]), torch.tensor([1, 2]), 0)
    /// tensor([1, 0])
    fn where_(condition: Tensor, input: Operand, other: Operand) -> y;
    variants [function, out];
    node "WhereBackward0";
    dtype { check_condition(condition)?; chosen_dtype(input, other) };
    map { (condition, input, other) Float => if condition != 0.0 { input } else { other }; Int, Bool => if condition != 0 { input } else { other }; Complex => select((condition.re != 0.0) | (condition.im != 0.0), input, other) };
    vjp {
        input => |g, condition| Val::run(|| condition.tensor()?.where_(Operand::Tensor(g.tensor()?), 0.0));
        other => |g, condition| Val::run(|| condition.tensor()?.where_(0.0, Operand::Tensor(g.tensor()?)))
    };
    samples [
        (mask([2, 3]), real([2, 3]), other([3])),
        (mask([2]), real([]), 0.5),
        (mask([0, 2]), real([2]), other([0, 1])),
        (mask([]), 1, other([2])),
        (mask([3]), 2.0, -1.0),
    ];
}

/// The dtype two operands meet in, which holds what numbers are among them.
fn chosen_dtype(x: OperandRef<'_>, y: OperandRef<'_>) -> Result<DType> {
    let d = rule::promote(x, y);
    for o in [x, y] {
        if let OperandRef::Number(s) = o {
            rule::fits(s, d)?;
        }
    }
    Ok(d)
}

fn fill_dtype(x: &Tensor, mask: &Tensor, value: OperandRef<'_>) -> Result<DType> {
    if mask.dtype() != DType::Bool {
        return Err(Error::runtime(format!(
            "masked_fill_ only supports boolean masks, but got mask with dtype {}",
            mask.dtype().title()
        )));
    }
    if let OperandRef::Tensor(v) = value
        && v.dim() != 0
    {
        return Err(Error::runtime(format!(
            "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {} dimension(s).",
            v.dim()
        )));
    }
    let joined = match value {
        OperandRef::Number(s) => return rule::holding(x.dtype(), s),
        OperandRef::Tensor(v) => v.dtype().kind(),
    };
    if joined == crate::Kind::Complex && !x.dtype().is_complex() {
        return Err(Error::runtime(format!(
            "value cannot be converted to type {} without overflow",
            rule::c_name(x.dtype())
        )));
    }
    Ok(x.dtype())
}

op! {
    /// A copy with `value` where `mask` is true.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: unchanged; the mask is bool.
    ///
    /// >>> torch.tensor([1, 2, 3]).masked_fill(torch.tensor([True, False, True]), 0)
    /// tensor([0, 2, 0])
    fn masked_fill(input: Tensor, mask: Tensor, value: Operand) -> y;
    variants [method, function, inplace];
    quirks [RowMajor, NumberLast];
    dtype fill_dtype(input, mask, value);
    map { (input, mask, value) Float => if mask != 0.0 { value } else { input }; Int, Bool => if mask != 0 { value } else { input }; Complex => select((mask.re != 0.0) | (mask.im != 0.0), value, input) };
    vjp {
        input => |g, mask| g.masked_fill(mask, 0.0);
        value => |g, mask| g.masked_fill(mask.logical_not(), 0.0).sum()
    };
    samples [
        (real([2, 3]), mask([3]), 1.5),
        (real([2, 3]), mask([2, 1]), other([])),
        (real([3]), mask([2, 3]), 0),
        (real([]), mask([]), 2.0),
        (real([0, 2]), mask([2]), 1),
    ];
}
