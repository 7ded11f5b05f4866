//! The greater and the smaller of two; values held between bounds.

use crate::ops::{Arg, Args, OpDef, OperandRef, Val, op, rule, samples};
use crate::{DType, Error, Result, Tensor};

fn real_promote(x: &Tensor, other: OperandRef<'_>, what: &str) -> Result<DType> {
    let d = rule::promote(x, other);
    if d.is_complex() {
        return Err(match what {
            "clamp" => Error::not_implemented("clamp is not supported for complex types"),
            _ => Error::type_(format!("{what} not implemented for complex tensors.")),
        });
    }
    Ok(d)
}

/// Half of the gradient at ties, none where this one lost, all of it elsewhere.
fn winner(g: &Val, ties: Val, lost: Val) -> Val {
    let half = Val::run(|| {
        let t = g.tensor()?;
        ties.tensor()?.to_dtype(t.dtype())?.mul(-0.5)?.add(1.0)
    });
    (g * half).masked_fill(lost, 0.0)
}

op! {
    /// The greater of two, element by element; nan wins.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted, real.
    ///
    /// >>> torch.maximum(torch.tensor([1, 5]), torch.tensor([3, 2]))
    /// tensor([3, 5])
    fn maximum(input: Tensor, other: Tensor) -> y;
    variants [method, function, out];
    dtype real_promote(input, OperandRef::Tensor(other), "maximum");
    map { (input, other) Float => max(input, other); Int => input.max(other); Bool => input | other };
    vjp {
        input => |g, input, other| winner(g, input.eq(other), input.lt(other));
        other => |g, input, other| winner(g, input.eq(other), input.gt(other))
    };
    samples pairs(-2.0, 2.0);
}

op! {
    /// The smaller of two, element by element; nan wins.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted, real.
    ///
    /// >>> torch.minimum(torch.tensor([1, 5]), torch.tensor([3, 2]))
    /// tensor([1, 2])
    fn minimum(input: Tensor, other: Tensor) -> y;
    variants [method, function, out];
    dtype real_promote(input, OperandRef::Tensor(other), "minimum");
    map { (input, other) Float => min(input, other); Int => input.min(other); Bool => input & other };
    vjp {
        input => |g, input, other| winner(g, input.eq(other), input.gt(other));
        other => |g, input, other| winner(g, input.eq(other), input.lt(other))
    };
    samples pairs(-2.0, 2.0);
}

op! {
    /// Values no less than `min`.
    ///
    /// Shape: broadcast. Dtype: promoted, real.
    ///
    /// >>> torch.tensor([-1., 2.]).clamp_min(0)
    /// tensor([0., 2.])
    fn clamp_min(input: Tensor, min: Operand) -> y;
    variants [method, function, inplace, out];
    dtype real_promote(input, min, "clamp");
    map { (input, min) Float => max(input, min); Int => input.max(min); Bool => input | min };
    vjp {
        input => |g, input, min| match min {
            Val::Number(_) => g.masked_fill(input.gt(min).logical_not(), 0.0),
            _ => winner(g, input.eq(min), input.lt(min)),
        };
        min => |g, input, min| winner(g, input.eq(min), input.gt(min))
    };
    samples samples::binary(-2.0, 2.0);
}

op! {
    /// Values no greater than `max`.
    ///
    /// Shape: broadcast. Dtype: promoted, real.
    ///
    /// >>> torch.tensor([-1., 2.]).clamp_max(0)
    /// tensor([-1.,  0.])
    fn clamp_max(input: Tensor, max: Operand) -> y;
    variants [method, function, inplace, out];
    dtype real_promote(input, max, "clamp");
    map { (input, max) Float => min(input, max); Int => input.min(max); Bool => input & max };
    vjp {
        input => |g, input, max| match max {
            Val::Number(_) => g.masked_fill(input.lt(max).logical_not(), 0.0),
            _ => winner(g, input.eq(max), input.gt(max)),
        };
        max => |g, input, max| winner(g, input.eq(max), input.lt(max))
    };
    samples samples::binary(-2.0, 2.0);
}

op! {
    /// Values held between `min` and `max`, numbers or tensors; where `min > max`, `max`.
    ///
    /// Shape: broadcast. Dtype: promoted, real.
    ///
    /// >>> torch.tensor([-1., 0.5, 2.]).clamp(0, 1)
    /// tensor([0.0000, 0.5000, 1.0000])
    fn clamp(input: Tensor, min: Option<Operand> = None, max: Option<Operand> = None) -> y;
    variants [method, function, inplace, out];
    alias [method clip, function clip];
    shortcut clamp_part;
    composite {
        match (min, max) {
            (None, None) => Err(Error::runtime("torch.clamp: At least one of 'min' or 'max' must not be None")),
            (Some(min), None) => input.clamp_min(min),
            (None, Some(max)) => input.clamp_max(max),
            (Some(min), Some(max)) => input.clamp_both(min, max),
        }
    };
    samples [
        (real([2, 3]), -0.5, 0.9),
        (real([]), None, 0.5),
        (real([2, 3]), other([3])),
        (real([2, 3]), -0.7, other([2, 1])),
        (real([0, 2]), 0),
    ];
}

/// The operator for the bounds that are given.
fn clamp_part(args: &[Arg]) -> Option<(&'static OpDef, Args)> {
    let [x, min, max] = args else { return None };
    let part = |op, bounds: &[&Arg]| Some((op, [x].iter().chain(bounds).map(|a| (*a).clone()).collect()));
    match (min, max) {
        (Arg::None, Arg::None) => None,
        (min, Arg::None) => part(&CLAMP_MIN, &[min]),
        (Arg::None, max) => part(&CLAMP_MAX, &[max]),
        (min, max) => part(&CLAMP_BOTH, &[min, max]),
    }
}

fn between(x: &Tensor, min: OperandRef<'_>, max: OperandRef<'_>) -> Result<DType> {
    let d = rule::promote3(x, min, max);
    if d.is_complex() {
        return Err(Error::not_implemented("clamp is not supported for complex types"));
    }
    Ok(d)
}

op! {
    /// Values held between two bounds.
    ///
    /// Shape: broadcast. Dtype: promoted, real.
    fn clamp_both(input: Tensor, min: Operand, max: Operand) -> y;
    variants [private];
    node "ClampBackward1";
    dtype between(input, min, max);
    map {
        (input, min, max)
        Float => {
            let low = if input < min { min } else { input };
            let held = if low > max { max } else { low };
            if is_nan(min) { min } else if is_nan(max) { max } else { held }
        };
        Int => if input < min { if min > max { max } else { min } } else if input > max { max } else { input };
        Bool => (input | min) & max
    };
    vjp {
        input => |g, input, min, max| match (min, max) {
            (Val::Number(_), Val::Number(_)) => g.masked_fill(input.gt(min).logical_and(input.lt(max)).logical_not(), 0.0),
            _ => winner(g, input.eq(min).logical_or(input.eq(max)).logical_and(lt(min, max)), input.lt(min).logical_or(input.gt(max))),
        };
        min => |g, input, min, max| {
            let ties = input.eq(min).logical_and(lt(min, max));
            let won = input.lt(min).logical_and(lt(max, min).logical_not());
            winner(g, ties.clone(), won.logical_or(ties).logical_not())
        };
        max => |g, input, min, max| {
            let ties = input.eq(max).logical_and(lt(min, max));
            let won = input.gt(max).logical_or(lt(max, min));
            winner(g, ties.clone(), won.logical_or(ties).logical_not())
        }
    };
    samples [
        (real([2, 3]), -0.5, 0.9),
        (real([2, 3]), tensor(&[3], -1.0, -0.2), tensor(&[2, 1], 0.3, 1.0)),
        (real([]), -1.0, 1.0),
        (real([0, 2]), 0, 1),
    ];
}

/// `a < b` where either may be a number.
fn lt(a: &Val, b: &Val) -> Val {
    Val::run(|| a.tensor()?.lt(crate::Operand::Tensor(b.tensor()?)))
}
