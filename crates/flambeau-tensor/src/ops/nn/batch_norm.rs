//! Normalization of channels over a batch.

use flambeau_cpu::norm as kernels;

use super::conv::over_channels;
use super::group_norm::across;
use super::normal::Normal;
use super::pool::in_planes;
use crate::autograd::no_grad;
use crate::ops::nn::{constant, float_dtype, float_only, hung};
use crate::ops::{Val, laid_like, op, rule};
use crate::{DType, Device, Dims, Error, Kind, Layout, Options, Result, Tensor};

/// N, C and the elements of one channel of one sample.
fn parts(sizes: &[i64]) -> [usize; 3] {
    [sizes[0] as usize, sizes[1] as usize, sizes[2..].iter().product::<i64>() as usize]
}

/// Row-major where the input is, and else channels last where its are.
fn batch_layout(x: &Tensor) -> Layout {
    if x.is_contiguous() { Layout::contiguous(x.size()) } else { laid_like(x, x.size()) }
}

fn channels(x: &Tensor) -> Dims {
    Dims::from_slice(&x.size()[1..2])
}

/// Statistics are kept in at least single precision.
fn stats_dtype(x: &Tensor) -> DType {
    if x.dtype() == DType::F64 { DType::F64 } else { DType::F32 }
}

fn check(x: &Tensor, params: [(Option<&Tensor>, &str); 4]) -> Result<()> {
    if x.dim() < 2 {
        return Err(Error::runtime(format!(
            "batch_norm expects an input of at least 2 dimensions, but got {}",
            x.dim()
        )));
    }
    float_dtype(x, "batch_norm")?;
    for (p, what) in params {
        if let Some(p) = p
            && p.numel() != x.size()[1]
        {
            return Err(Error::runtime(format!("{what} should contain {} elements not {}", x.size()[1], p.numel())));
        }
    }
    Ok(())
}

op! {
    /// Normalizes each channel over the batch (`training`) or by running statistics, then times `weight` plus `bias`. In
    /// training the running statistics move towards the batch's by `momentum`.
    ///
    /// Shape: `N C *s, C, C, C, C -> N C *s`. Dtype: floating-point.
    ///
    /// >>> torch.nn.functional.batch_norm(torch.tensor([[1.], [3.]]), None, None, training=True)
    /// tensor([[-1.0000],
    ///         [ 1.0000]])
    fn batch_norm(input: Tensor, running_mean: Option<Tensor>, running_var: Option<Tensor>, weight: Option<Tensor> = None, bias: Option<Tensor> = None, training: bool = false, momentum: f64 = 0.1, eps: f64 = 1e-5) -> y;
    variants [functional];
    composite {
        if input.numel() == 0 {
            return empty_batch(input, weight, bias);
        }
        check(input, [(running_mean, "running_mean"), (running_var, "running_var"), (weight, "weight"), (bias, "bias")])?;
        constant(running_mean, "native_batch_norm", "running_mean")?;
        constant(running_var, "native_batch_norm", "running_var")?;
        let (mean, invstd) = if training {
            // PyTorch keeps the statistics in the dtype of the parameters.
            let kept = weight.or(running_mean).map_or(input.dtype(), Tensor::dtype);
            let (mean, invstd) = no_grad(|| batch_statistics(input, running_mean, running_var, momentum, eps))?;
            (mean.to_dtype(kept)?, invstd.to_dtype(kept)?)
        } else {
            let missing = |what: &str| Error::runtime(format!("{what} must be defined in evaluation mode"));
            let mean = running_mean.ok_or_else(|| missing("running_mean"))?;
            let var = running_var.ok_or_else(|| missing("running_var"))?;
            no_grad(|| Ok::<_, crate::Error>((mean.detach(), var.add(eps)?.rsqrt()?)))?
        };
        input.batch_norm_apply(weight, bias, &mean, &invstd, training, eps)
    };
    samples [
        (real([3, 2, 2]), None, None, positive([2]), other([2]), true),
        (real([3, 2]), real([2]), positive([2])),
        (real([3, 2, 2]), real([2]), positive([2]), positive([2]), other([2]), false, 0.2, 1e-3),
        (real([0, 2]), real([2]), positive([2]), positive([2]), other([2])),
    ];
}

fn native(
    x: &Tensor,
    [weight, bias, running_mean, running_var]: [Option<&Tensor>; 4],
    training: bool,
    momentum: f64,
    eps: f64,
) -> Result<(Tensor, Tensor, Tensor)> {
    check(x, [(running_mean, "running_mean"), (running_var, "running_var"), (weight, "weight"), (bias, "bias")])?;
    // On PyTorch's GPUs they are of the type computed in, and there in evaluation too.
    let meta = x.device() == Device::Meta;
    let dtype = if meta { x.dtype().compute() } else { weight.or(running_mean).map_or(x.dtype(), Tensor::dtype) };
    if !training {
        let y = x.batch_norm_with(running_mean, running_var, weight, bias, false, momentum, eps)?;
        let count = if meta { x.size_of(1)? } else { 0 };
        let none = || crate::ops::zeros_with(&[count], Options { dtype: Some(dtype), ..Options::like(x) });
        return Ok((y, none()?, none()?));
    }
    let (mean, invstd) = no_grad(|| batch_statistics(x, running_mean, running_var, momentum, eps))?;
    let (mean, invstd) = (mean.to_dtype(dtype)?, invstd.to_dtype(dtype)?);
    Ok((x.batch_norm_apply(weight, bias, &mean, &invstd, true, eps)?, mean, invstd))
}

op! {
    /// Batch normalization with the means and the reciprocal standard deviations that it used in training.
    ///
    /// Shape: `N C *s, C, C, C, C -> N C *s, C, C`. Dtype: floating-point.
    fn native_batch_norm(input: Tensor, weight: Option<Tensor>, bias: Option<Tensor>, running_mean: Option<Tensor>, running_var: Option<Tensor>, training: bool, momentum: f64, eps: f64) -> output, save_mean, save_invstd;
    variants [function, out];
    quirks [MetaAsGpu];
    composite { native(input, [weight, bias, running_mean, running_var], training, momentum, eps) };
    samples [
        (real([3, 2, 2]), positive([2]), other([2]), None, None, true, 0.1, 1e-5),
        (real([3, 2]), None, None, real([2]), positive([2]), false, 0.2, 1e-3),
    ];
}

op! {
    /// `native_batch_norm` under the name of the form that says openly that it writes the running statistics.
    ///
    /// Shape: `N C *s, C, C, C, C -> N C *s, C, C`. Dtype: floating-point.
    fn _native_batch_norm_legit(input: Tensor, weight: Option<Tensor>, bias: Option<Tensor>, running_mean: Tensor, running_var: Tensor, training: bool, momentum: f64, eps: f64) -> output, save_mean, save_invstd;
    variants [function, out];
    quirks [MetaAsGpu];
    composite { native(input, [weight, bias, Some(running_mean), Some(running_var)], training, momentum, eps) };
    samples [(real([3, 2]), None, None, real([2]), positive([2]), false, 0.2, 1e-3)];
}

op! {
    /// `native_batch_norm` without running statistics.
    ///
    /// Shape: `N C *s, C, C -> N C *s, C, C`. Dtype: floating-point.
    fn _native_batch_norm_legit.no_stats(input: Tensor, weight: Option<Tensor>, bias: Option<Tensor>, training: bool, momentum: f64, eps: f64) -> output, save_mean, save_invstd;
    variants [function, out];
    quirks [MetaAsGpu];
    composite { native(input, [weight, bias, None, None], training, momentum, eps) };
    samples [(real([3, 2, 2]), positive([2]), other([2]), true, 0.1, 1e-5)];
}

/// Nothing to normalize: the running statistics stay, and the graph still reaches `weight` and `bias`.
fn empty_batch(x: &Tensor, weight: Option<&Tensor>, bias: Option<&Tensor>) -> Result<Tensor> {
    let mut y = x.clone_in(crate::MemoryFormat::Preserve)?;
    if let Some(w) = weight {
        y = y.mul(&w.select(0, 0)?)?;
    }
    if let Some(b) = bias {
        y = y.add(&b.select(0, 0)?)?;
    }
    Ok(y)
}

fn batch_statistics(
    x: &Tensor,
    running_mean: Option<&Tensor>,
    running_var: Option<&Tensor>,
    momentum: f64,
    eps: f64,
) -> Result<(Tensor, Tensor)> {
    let (mean, var) = x.batch_norm_stats()?;
    let count = (x.numel() / x.size()[1].max(1)) as f64;
    if let Some(r) = running_mean {
        r.mul_(1.0 - momentum)?.add_(&mean.mul(momentum)?)?;
    }
    if let Some(r) = running_var {
        r.mul_(1.0 - momentum)?.add_(&var.mul(count / (count - 1.0))?.mul(momentum)?)?;
    }
    let invstd = var.add(eps)?.rsqrt()?;
    Ok((mean, invstd))
}

op! {
    /// The mean and the biased variance of each channel.
    ///
    /// Shape: `N C *s -> C, C`. Dtype: float64, or float32 for smaller types.
    fn batch_norm_stats(input: Tensor) -> mean, var;
    variants [private];
    contiguous [input];
    nondifferentiable;
    dtype { check(input, [(None, ""); 4])?; stats_dtype(input) };
    shape [channels(input), channels(input)];
    kernel { kernels::batch_norm_stats(&mut mean, &mut var, input, parts(input.sizes())) };
    samples [(real([3, 2, 2])), (real([4, 2]))];
}

/// An input, its gradient, and numbers for each channel that fit it.
fn applied_dtype(x: &Tensor, grad: Option<&Tensor>, params: [Option<&Tensor>; 4]) -> Result<DType> {
    let [mean, invstd, weight, bias] = params;
    check(x, [(mean, "mean"), (invstd, "invstd"), (weight, "weight"), (bias, "bias")])?;
    let floats = params.into_iter().chain([grad]).flatten().all(|p| p.dtype().kind() == Kind::Float);
    rule::require(floats && grad.is_none_or(|g| g.size() == x.size()), "batch_norm")?;
    Ok(x.dtype())
}

op! {
    /// `(x - mean) * invstd * weight + bias` by channel. In training, mean and invstd are those of x itself.
    ///
    /// Shape: `N C *s, C, C, C, C -> N C *s`. Dtype: that of the input.
    fn batch_norm_apply(input: Tensor, weight: Option<Tensor>, bias: Option<Tensor>, mean: Tensor, invstd: Tensor, training: bool, eps: f64) -> y;
    variants [private];
    node "NativeBatchNormBackward0";
    contiguous [input, weight, bias, mean, invstd];
    dtype applied_dtype(input, None, [Some(mean), Some(invstd), weight, bias]);
    shape batch_layout(input);
    kernel { in_planes([y], |[y]| kernels::batch_norm_apply(y, input, parts(input.sizes()), mean, invstd, weight, bias)) };
    vjp {
        input => |g, input, weight, mean, invstd, training, eps| g.batch_norm_input_backward(input, mean, invstd, weight.cloned(), training, eps);
        weight => |g, input, weight.shape, mean, invstd, training, eps| g.batch_norm_weight_backward(input, mean, invstd, weight.dtype, training, eps);
        bias => |g, input, weight| over_channels(&hung(g, std::iter::once(input).chain(weight)))
    };
    samples [
        (real([3, 2, 2]), positive([2]), other([2]), real([2]), positive([2]), false, 1e-5),
        (real([3, 2]), None, None, real([2]), positive([2]), false, 1e-5),
    ];
}

/// All dimensions but the channels.
fn others(x: &Val) -> Result<Vec<i64>> {
    Ok((0..x.tensor()?.dim() as i64).filter(|&d| d != 1).collect())
}

/// A value for each channel, broadcast over the input.
fn wide(v: &Val, x: &Val) -> Val {
    Val::run(|| v.tensor()?.reshape(&across(x.tensor()?.dim())))
}

op! {
    /// The gradient of batch normalization for its input.
    ///
    /// Shape: `N C *s, N C *s -> N C *s`. Dtype: that of the input.
    fn batch_norm_input_backward(grad: Tensor, input: Tensor, mean: Tensor, invstd: Tensor, weight: Option<Tensor>, training: bool, eps: f64) -> y;
    variants [private];
    contiguous [grad, input, mean, invstd, weight];
    dtype applied_dtype(input, Some(grad), [Some(mean), Some(invstd), weight, None]);
    shape batch_layout(input);
    kernel { in_planes([y], |[y]| kernels::batch_norm_backward(Some(y), None, None, grad, input, parts(input.sizes()), mean, invstd, weight, training)) };
    vjp {
        grad => |g, input, mean, invstd, weight, training, eps| g.batch_norm_input_backward(input, mean, invstd, weight.cloned(), training, eps);
        weight => |g, grad, input, mean, invstd, training, eps| over_channels(&(grad * g.batch_norm_input_backward(input, mean, invstd, None, training, eps)));
        input => |g, grad, input, weight, training, eps| {
            let scaled = weight.map_or(grad.clone(), |w| grad * wide(w, input));
            if training { Normal::new(input, others(input)?, eps).second(g, &scaled) } else { input * 0.0 }
        }
    };
    samples [
        (real([3, 2, 2]), other([3, 2, 2]), real([2]), positive([2]), positive([2]), false, 1e-5),
        (real([3, 2]), other([3, 2]), real([2]), positive([2]), None, false, 1e-5),
    ];
}

op! {
    /// The gradient of batch normalization for its weight.
    ///
    /// Shape: `N C *s, N C *s -> C`. Dtype: `dtype`.
    fn batch_norm_weight_backward(grad: Tensor, input: Tensor, mean: Tensor, invstd: Tensor, dtype: DType, training: bool, eps: f64) -> y;
    variants [private];
    contiguous [grad, input, mean, invstd];
    dtype { applied_dtype(input, Some(grad), [Some(mean), Some(invstd), None, None])?; float_only(dtype, "batch_norm")? };
    shape channels(input);
    kernel { kernels::batch_norm_backward(None, Some(&mut y), None, grad, input, parts(input.sizes()), mean, invstd, None, training) };
    vjp {
        grad => |g, input, mean, invstd, training, eps| {
            let hat = if training {
                Normal::new(input, others(input)?, eps).hat
            } else {
                (input - wide(mean, input)) * wide(invstd, input)
            };
            hat * wide(g, input)
        };
        input => |g, grad, input, mean, invstd, training, eps| grad.batch_norm_input_backward(input, mean, invstd, Some(g.clone()), training, eps)
    };
    samples [(real([3, 2, 2]), other([3, 2, 2]), real([2]), positive([2]), DType::F64, false, 1e-5)];
}
