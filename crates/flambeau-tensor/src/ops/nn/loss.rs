//! Losses of differences, and the divergence of distributions.

use flambeau_cpu::loss::Reduction;

use super::nll::reduction_of;
use crate::dispatch::elementwise_layout;
use crate::ops::nn::float_only;
use crate::ops::{op, rule};
use crate::{DType, Error, Layout, Result, Tensor, broadcast_shapes};

/// A loss for each element, reduced.
pub(crate) fn reduced(loss: Tensor, reduction: &str) -> Result<Tensor> {
    match reduction_of(reduction)? {
        Reduction::None => Ok(loss),
        Reduction::Mean => loss.mean(),
        Reduction::Sum => loss.sum(),
    }
}

/// The layout that a loss of two tensors has.
pub(crate) fn loss_shape(x: &Tensor, target: &Tensor, reduction: &str) -> Result<Layout> {
    Ok(match reduction_of(reduction)? {
        Reduction::None => elementwise_layout(&[x, target], &broadcast_shapes(x.size(), target.size())?),
        _ => Layout::contiguous(&[]),
    })
}

/// What the gradient of each element's loss is multiplied by.
pub(crate) fn share(x: &[i64], target: &[i64], reduction: &str) -> Result<f64> {
    Ok(match reduction_of(reduction)? {
        Reduction::Mean => 1.0 / crate::numel(&broadcast_shapes(x, target)?) as f64,
        _ => 1.0,
    })
}

fn met(x: &Tensor, target: &Tensor, what: &str) -> Result<DType> {
    float_only(rule::promote(x, target), what)
}

op! {
    /// The squared difference, averaged, added up, or of each element.
    ///
    /// Shape: `*s, *s -> ()`, or `-> *s` without reduction. Dtype: promoted, floating-point.
    ///
    /// >>> torch.nn.functional.mse_loss(torch.zeros(2), torch.tensor([1., 3.]))
    /// tensor(5.)
    fn mse_loss(input: Tensor, target: Tensor, reduction: Str = "mean") -> y;
    variants [functional];
    dtype met(input, target, "mse_cpu");
    shape loss_shape(input, target, reduction);
    compute { met(input, target, "mse_cpu")?; reduced(input.squared_difference(target)?, reduction) };
    vjp {
        input => |g, input, target, reduction| {
            let (x, t) = (input.tensor()?, target.tensor()?);
            g.mse_backward(input, target, 2.0 * share(x.size(), t.size(), reduction)?)
        };
        target => |g, input, target, reduction| {
            let (x, t) = (input.tensor()?, target.tensor()?);
            g.mse_backward(target, input, 2.0 * share(x.size(), t.size(), reduction)?)
        }
    };
    samples [
        (real([2, 3]), other([2, 3])),
        (real([2, 3]), other([2, 3]), "sum"),
        (real([2, 3]), other([3]), "none"),
        (real([]), other([])),
        (real([0, 2]), other([0, 2]), "none"),
    ];
}

op! {
    /// `(x - target) ** 2`.
    ///
    /// Shape: broadcast. Dtype: promoted.
    fn squared_difference(input: Tensor, target: Tensor) -> y;
    variants [private];
    dtype rule::promote(input, target);
    map { (input, target) Float => { let d = input - target; d * d } };
    vjp { input => |g, input, target| g * 2.0 * (input - target); target => |g, input, target| g * 2.0 * (target - input) };
    samples pairs(-2.0, 2.0);
}

op! {
    /// `norm * (x - target) * grad`.
    ///
    /// Shape: broadcast. Dtype: promoted.
    fn mse_backward(grad: Tensor, input: Tensor, target: Tensor, norm: f64) -> y;
    variants [private];
    dtype rule::promote3(grad, input, target);
    map { (grad, input, target; norm) Float => norm * (input - target) * grad };
    vjp {
        grad => |g, input, target, norm| g.mse_backward(input, target, norm);
        input => |g, grad, norm| g * grad * norm;
        target => |g, grad, norm| -(g * grad * norm)
    };
    samples [
        (real([2, 3]), other([2, 3]), positive([2, 3]), 0.5),
        (real([]), other([]), positive([]), 1.0),
        (real([0, 2]), other([0, 2]), positive([0, 2]), 1.0),
    ];
}

op! {
    /// The absolute difference, averaged, added up, or of each element.
    ///
    /// Shape: `*s, *s -> ()`, or `-> *s` without reduction. Dtype: promoted.
    ///
    /// >>> torch.nn.functional.l1_loss(torch.zeros(2), torch.tensor([1., 3.]))
    /// tensor(2.)
    fn l1_loss(input: Tensor, target: Tensor, reduction: Str = "mean") -> y;
    variants [functional];
    composite { reduced(input.sub(target)?.abs()?, reduction) };
    samples [
        (real([2, 3]), other([2, 3])),
        (real([2, 3]), other([2, 3]), "sum"),
        (real([2, 3]), other([3]), "none"),
        (real([]), other([])),
        (real([0, 2]), other([0, 2]), "none"),
    ];
}

op! {
    /// Half the squared difference over `beta` where it is below `beta`, the absolute difference less `beta / 2` above.
    ///
    /// Shape: `*s, *s -> ()`, or `-> *s` without reduction. Dtype: promoted, floating-point.
    ///
    /// >>> torch.nn.functional.smooth_l1_loss(torch.zeros(2), torch.tensor([1., 3.]))
    /// tensor(1.5000)
    fn smooth_l1_loss(input: Tensor, target: Tensor, reduction: Str = "mean", beta: f64 = 1.0) -> y;
    variants [functional];
    dtype smooth_dtype(input, target, beta);
    shape loss_shape(input, target, reduction);
    compute {
        smooth_dtype(input, target, beta)?;
        let loss = if beta == 0.0 { input.sub(target)?.abs()? } else { input.smooth_l1(target, beta)? };
        reduced(loss, reduction)
    };
    vjp {
        input => |g, input, target, reduction, beta| {
            let (x, t) = (input.tensor()?, target.tensor()?);
            g.smooth_l1_backward(input, target, share(x.size(), t.size(), reduction)?, beta)
        };
        target => |g, input, target, reduction, beta| {
            let (x, t) = (input.tensor()?, target.tensor()?);
            g.smooth_l1_backward(target, input, share(x.size(), t.size(), reduction)?, beta)
        }
    };
    samples [
        (real([2, 3]), other([2, 3])),
        (real([2, 3]), other([2, 3]), "sum", 0.5),
        (real([2, 3]), other([3]), "none", 2.0),
        (real([]), other([])),
        (real([0, 2]), other([0, 2]), "none"),
    ];
}

fn smooth_dtype(x: &Tensor, target: &Tensor, beta: f64) -> Result<DType> {
    if beta < 0.0 {
        return Err(Error::runtime("smooth_l1_loss does not support negative values for beta."));
    }
    met(x, target, "smooth_l1_cpu")
}

op! {
    /// The smooth L1 loss of each element.
    ///
    /// Shape: broadcast. Dtype: promoted.
    fn smooth_l1(input: Tensor, target: Tensor, beta: f64) -> y;
    variants [private];
    dtype rule::promote(input, target);
    map { (input, target; beta) Float => { let z = abs(input - target); if z < beta { 0.5 * z * z / beta } else { z - 0.5 * beta } } };
    samples [(real([2, 3]), other([2, 3]), 0.7), (real([]), other([2]), 1.0), (real([0, 2]), other([2]), 1.0)];
}

op! {
    /// The gradient of the smooth L1 loss.
    ///
    /// Shape: broadcast. Dtype: promoted.
    fn smooth_l1_backward(grad: Tensor, input: Tensor, target: Tensor, norm: f64, beta: f64) -> y;
    variants [private];
    dtype rule::promote3(grad, input, target);
    map { (grad, input, target; norm, beta) Float => {
        let d = input - target;
        let mid = norm * d * grad / beta;
        if d <= -beta { -norm * grad } else if d >= beta { norm * grad } else { mid }
    } };
    vjp {
        grad => |g, input, target, norm, beta| g.smooth_l1_backward(input, target, norm, beta);
        input => |g, grad, input, target, norm, beta| (g * grad).inside(input - target, -beta, beta) * (norm / beta);
        target => |g, grad, input, target, norm, beta| -((g * grad).inside(input - target, -beta, beta) * (norm / beta))
    };
    samples [
        (real([2, 3]), other([2, 3]), positive([2, 3]), 0.5, 0.7),
        (real([]), other([]), positive([]), 1.0, 2.0),
    ];
}

fn huber_dtype(x: &Tensor, target: &Tensor, delta: f64) -> Result<DType> {
    if delta <= 0.0 || delta.is_nan() {
        return Err(Error::runtime("huber_loss does not support non-positive values for delta."));
    }
    met(x, target, "huber_cpu")
}

op! {
    /// Half the squared difference where it is below `delta`, `delta` times the absolute difference less `delta / 2` above.
    ///
    /// Shape: `*s, *s -> ()`, or `-> *s` without reduction. Dtype: promoted, floating-point.
    ///
    /// >>> torch.nn.functional.huber_loss(torch.zeros(2), torch.tensor([1., 3.]))
    /// tensor(1.5000)
    fn huber_loss(input: Tensor, target: Tensor, reduction: Str = "mean", delta: f64 = 1.0) -> y;
    variants [functional];
    dtype huber_dtype(input, target, delta);
    shape loss_shape(input, target, reduction);
    compute { huber_dtype(input, target, delta)?; reduced(input.huber(target, delta)?, reduction) };
    vjp {
        input => |g, input, target, reduction, delta| {
            let (x, t) = (input.tensor()?, target.tensor()?);
            g.huber_backward(input, target, share(x.size(), t.size(), reduction)?, delta)
        };
        target => |g, input, target, reduction, delta| {
            let (x, t) = (input.tensor()?, target.tensor()?);
            g.huber_backward(target, input, share(x.size(), t.size(), reduction)?, delta)
        }
    };
    samples [
        (real([2, 3]), other([2, 3])),
        (real([2, 3]), other([2, 3]), "sum", 0.5),
        (real([2, 3]), other([3]), "none", 2.0),
        (real([]), other([])),
        (real([0, 2]), other([0, 2]), "none"),
    ];
}

op! {
    /// The Huber loss of each element.
    ///
    /// Shape: broadcast. Dtype: promoted.
    fn huber(input: Tensor, target: Tensor, delta: f64) -> y;
    variants [private];
    dtype rule::promote(input, target);
    map { (input, target; delta) Float => { let z = abs(input - target); if z <= delta { 0.5 * z * z } else { delta * (z - 0.5 * delta) } } };
    samples [(real([2, 3]), other([2, 3]), 0.7), (real([]), other([2]), 1.0), (real([0, 2]), other([2]), 1.0)];
}

op! {
    /// The gradient of the Huber loss.
    ///
    /// Shape: broadcast. Dtype: promoted.
    fn huber_backward(grad: Tensor, input: Tensor, target: Tensor, norm: f64, delta: f64) -> y;
    variants [private];
    dtype rule::promote3(grad, input, target);
    map { (grad, input, target; norm, delta) Float => {
        let d = input - target;
        if d <= -delta { -norm * grad * delta } else if d >= delta { norm * grad * delta } else { norm * d * grad }
    } };
    vjp {
        grad => |g, input, target, norm, delta| g.huber_backward(input, target, norm, delta);
        input => |g, grad, input, target, norm, delta| (g * grad).inside(input - target, -delta, delta) * norm;
        target => |g, grad, input, target, norm, delta| -((g * grad).inside(input - target, -delta, delta) * norm)
    };
    samples [
        (real([2, 3]), other([2, 3]), positive([2, 3]), 0.5, 0.7),
        (real([]), other([]), positive([]), 1.0, 2.0),
    ];
}

op! {
    /// The Kullback-Leibler divergence of log-probabilities `input` from `target`: probabilities, or their logarithms with
    /// `log_target`.
    ///
    /// Shape: `*s, *s -> ()`, or `-> *s` without reduction. Dtype: floating-point.
    ///
    /// >>> torch.nn.functional.kl_div(torch.tensor([-1., -1.]), torch.tensor([1., 0.]), reduction="sum")
    /// tensor(1.)
    fn kl_div(input: Tensor, target: Tensor, reduction: Str = "mean", log_target: bool = false) -> y;
    variants [function, functional];
    composite {
        if input.dtype().is_integral() || target.dtype().is_integral() {
            return Err(Error::runtime("kl_div: Integral inputs not supported."));
        }
        let loss = if log_target {
            target.exp()?.mul(&target.sub(input)?)?
        } else {
            target.xlogy(target)?.sub(&target.mul(input)?)?
        };
        if reduction == "batchmean" && input.dim() != 0 {
            return loss.sum()?.div(input.size()[0]);
        }
        reduced(loss, if reduction == "batchmean" { "mean" } else { reduction })
    };
    samples [
        (real([2, 3]), unit([2, 3])),
        (real([2, 3]), other([2, 3]), "sum", true),
        (real([2, 3]), unit([3]), "none"),
        (real([2, 3]), unit([2, 3]), "batchmean"),
        (real([]), unit([])),
        (real([0, 2]), unit([0, 2]), "none"),
    ];
}
