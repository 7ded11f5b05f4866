//! Binary cross entropy, of probabilities and of logits.

use super::loss::{reduced, share};
use super::nll::reduction_of;
use crate::ops::nn::float_only;
use crate::ops::{Val, op, rule};
use crate::{DType, Device, Dims, Error, Result, Tensor, broadcast_shapes};

fn probability_dtype(x: &Tensor, target: &Tensor) -> Result<DType> {
    let d = float_only(x.dtype(), "binary_cross_entropy")?;
    if target.dtype() != d {
        return Err(Error::runtime(format!("Found dtype {} but expected {}", target.dtype().title(), d.title())));
    }
    Ok(d)
}

fn binary_shape(x: &Tensor, target: &Tensor, weight: Option<&Tensor>, reduction: &str) -> Result<Dims> {
    if reduction_of(reduction)? != flambeau_cpu::loss::Reduction::None {
        return Ok(Dims::new());
    }
    let both = broadcast_shapes(x.size(), target.size())?;
    weight.map_or(Ok(both.clone()), |w| broadcast_shapes(&both, w.size()))
}

/// All numbers must be probabilities.
fn check_range(x: &Tensor, what: &str) -> Result<()> {
    if x.device() == Device::Meta || x.numel() == 0 {
        return Ok(());
    }
    let inside = x.ge(0.0)?.logical_and(&x.le(1.0)?)?.all()?.item()?.to_bool();
    if inside { Ok(()) } else { Err(Error::runtime(format!("all elements of {what} should be between 0 and 1"))) }
}

fn weighted(loss: Tensor, weight: Option<&Tensor>) -> Result<Tensor> {
    weight.map_or(Ok(loss.clone()), |w| loss.mul(w))
}

/// A gradient shared out by weight and reduction.
fn shared(g: &Val, x: &Val, target: &Val, weight: Option<&Val>, reduction: &str) -> Result<Val> {
    let (x, t) = (x.tensor()?, target.tensor()?);
    let g = g * share(x.size(), t.size(), reduction)?;
    Ok(match weight {
        Some(w) => g * w,
        None => g,
    })
}

op! {
    /// Cross entropy of probabilities against targets between 0 and 1; logarithms are at least -100.
    ///
    /// Shape: `*s, *s -> ()`, or `-> *s` without reduction. Dtype: floating-point, one for all.
    ///
    /// >>> torch.nn.functional.binary_cross_entropy(torch.tensor([0.5, 0.5]), torch.tensor([0., 1.]))
    /// tensor(0.6931)
    fn binary_cross_entropy(input: Tensor, target: Tensor, weight: Option<Tensor> = None, reduction: Str = "mean") -> y;
    variants [functional];
    dtype probability_dtype(input, target);
    shape binary_shape(input, target, weight, reduction);
    compute {
        probability_dtype(input, target)?;
        check_range(input, "input")?;
        check_range(target, "target")?;
        reduced(weighted(input.binary_entropy(target)?, weight)?, reduction)
    };
    vjp {
        input => |g, input, target, weight, reduction| {
            let slope = (input - target) / ((1.0 - input) * input).clamp_min(1e-12);
            shared(g, input, target, weight, reduction)? * slope
        };
        target => |g, input, target, weight, reduction| {
            let slope = (1.0 - input).log().clamp_min(-100.0) - input.log().clamp_min(-100.0);
            shared(g, input, target, weight, reduction)? * slope
        }
    };
    samples [
        (unit([2, 3]), tensor(&[2, 3], 0.2, 0.8)),
        (unit([2, 3]), tensor(&[2, 3], 0.2, 0.8), positive([3]), "sum"),
        (unit([]), unit([]), None, "none"),
        (unit([0, 2]), unit([0, 2]), None, "none"),
    ];
}

op! {
    /// `(t - 1) * log(1 - x) - t * log(x)`, the logarithms at least -100.
    ///
    /// Shape: broadcast. Dtype: promoted.
    fn binary_entropy(input: Tensor, target: Tensor) -> y;
    variants [private];
    dtype rule::promote(input, target);
    map { (input, target) Float => (target - 1.0) * max(log1p(-input), -100.0) - target * max(log(input), -100.0) };
    samples [
        (unit([2, 3]), tensor(&[2, 3], 0.1, 0.8)),
        (unit([]), tensor(&[2], 0.1, 0.8)),
        (unit([0, 2]), unit([2])),
    ];
}

fn logits_dtype(x: &Tensor, target: &Tensor) -> Result<DType> {
    float_only(rule::promote(x, target), "binary_cross_entropy_with_logits")
}

op! {
    /// Binary cross entropy of logits; `pos_weight` multiplies the part of the positive class.
    ///
    /// Shape: `*s, *s -> ()`, or `-> *s` without reduction. Dtype: promoted, floating-point.
    ///
    /// >>> torch.nn.functional.binary_cross_entropy_with_logits(torch.zeros(2), torch.tensor([0., 1.]))
    /// tensor(0.6931)
    fn binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Option<Tensor> = None, pos_weight: Option<Tensor> = None, reduction: Str = "mean") -> y;
    variants [functional];
    dtype logits_dtype(input, target);
    shape binary_shape(input, target, weight, reduction);
    compute {
        logits_dtype(input, target)?;
        let positive = match pos_weight {
            None => None,
            Some(p) => Some(p.sub(1.0)?.mul(target)?.add(1.0)?),
        };
        let loss = if matches!(input.dtype(), DType::F16 | DType::BF16) {
            // PyTorch rounds every step to half precision.
            let log = input.logsigmoid()?;
            let log = positive.as_ref().map_or(Ok(log.clone()), |p| log.mul(p))?;
            target.neg()?.add(1.0)?.mul(input)?.sub(&log)?
        } else {
            match &positive {
                None => input.logit_entropy(target, 1.0)?,
                Some(p) => input.logit_entropy(target, p)?,
            }
        };
        reduced(weighted(loss, weight)?, reduction)
    };
    vjp {
        input => |g, input, target, weight, pos_weight, reduction| {
            let slope = match pos_weight {
                Some(p) => { let t = p * target; (&t + 1.0 - target) * input.sigmoid() - t }
                None => input.sigmoid() - target,
            };
            shared(g, input, target, weight, reduction)? * slope
        };
        target => |g, input, target, weight, pos_weight, reduction| {
            let slope = match pos_weight {
                Some(p) => -(input + (p - 1.0) * input.logsigmoid()),
                None => -input,
            };
            shared(g, input, target, weight, reduction)? * slope
        }
    };
    samples [
        (real([2, 3]), unit([2, 3])),
        (real([2, 3]), unit([2, 3]), positive([2, 3]), positive([3]), "sum"),
        (real([]), unit([]), None, None, "none"),
        (real([0, 2]), unit([0, 2]), None, positive([2]), "none"),
    ];
}

op! {
    /// `(1 - t) * x - w * logsigmoid(x)`.
    ///
    /// Shape: broadcast. Dtype: promoted.
    fn logit_entropy(input: Tensor, target: Tensor, positive: Operand) -> y;
    variants [private];
    dtype rule::promote3(input, target, positive);
    map { (input, target, positive) Float => (1.0 - target) * input - positive * (min(input, 0.0) - log1p(exp(-abs(input)))) };
    samples [(real([2, 3]), unit([2, 3]), positive([3])), (real([]), unit([2]), 1), (real([0, 2]), unit([2]), 2.0)];
}
