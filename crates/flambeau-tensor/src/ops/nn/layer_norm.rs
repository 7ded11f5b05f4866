//! Normalization over the last dimensions.

use flambeau_cpu::norm as kernels;

use super::normal::Normal;
use crate::ops::nn::{float_dtype, float_only, hung};
use crate::ops::{Val, op, rule};
use crate::{DType, Device, Dims, Error, Kind, Result, Tensor};

fn layer_dtypes(x: &Tensor, weight: Option<&Tensor>, bias: Option<&Tensor>) -> Result<[DType; 3]> {
    let d = float_dtype(x, "LayerNormKernelImpl")?;
    for p in [weight, bias].into_iter().flatten() {
        let mixed = matches!(d, DType::F16 | DType::BF16) && p.dtype() == DType::F32;
        if p.dtype() != d && !mixed {
            return Err(Error::runtime(format!(
                "mixed dtype (CPU): expect parameter to have scalar type of {}",
                if d == DType::F64 { "Double" } else { "Float" }
            )));
        }
    }
    let stats = weight.or(bias).map_or(d, Tensor::dtype);
    Ok([d, stats, stats])
}

fn layer_sizes(x: &Tensor, normalized: &[i64], weight: Option<&Tensor>, bias: Option<&Tensor>) -> Result<[Dims; 3]> {
    if normalized.is_empty() {
        return Err(Error::runtime(format!(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = {normalized:?}"
        )));
    }
    for (p, what) in [(weight, "weight"), (bias, "bias")] {
        if let Some(p) = p
            && p.size() != normalized
        {
            return Err(Error::runtime(format!(
                "Expected {what} to be of same shape as normalized_shape, but got {what} of shape {:?} and normalized_shape = {normalized:?}",
                p.size()
            )));
        }
    }
    if !x.size().ends_with(normalized) {
        let list: Vec<String> = normalized.iter().map(|n| n.to_string()).collect();
        return Err(Error::runtime(format!(
            "Given normalized_shape={normalized:?}, expected input with shape [*, {}], but got input of size{:?}",
            list.join(", "),
            x.size()
        )));
    }
    let mut stats = x.sizes();
    let rows = x.dim() - normalized.len();
    stats[rows..].fill(1);
    Ok([x.sizes(), stats.clone(), stats])
}

/// The gradient and the input alike, and statistics for each row of the input over its last dimensions.
fn backward_dtype(
    grad: &Tensor,
    x: &Tensor,
    stats: [&Tensor; 2],
    weight: Option<&Tensor>,
    row: &[i64],
) -> Result<DType> {
    let d = float_dtype(x, "LayerNormBackwardKernelImpl")?;
    let rows: i64 = x.size()[..x.dim().saturating_sub(row.len())].iter().product();
    let fits = !row.is_empty()
        && x.size().ends_with(row)
        && (grad.size(), grad.dtype().kind()) == (x.size(), Kind::Float)
        && stats.iter().all(|s| s.numel() == rows && s.dtype().kind() == Kind::Float)
        && weight.is_none_or(|w| w.size() == row && w.dtype().kind() == Kind::Float);
    rule::require(fits, "layer_norm_backward")?;
    Ok(d)
}

/// The sizes of the last `axes` dimensions; none where there are not so many.
fn row(x: &Tensor, axes: i64) -> &[i64] {
    usize::try_from(axes).ok().and_then(|n| x.dim().checked_sub(n)).map_or(&[], |at| &x.size()[at..])
}

/// The last `axes` dimensions.
fn last(axes: i64) -> Vec<i64> {
    (-axes..0).collect()
}

op! {
    /// Normalizes over the last dimensions: mean 0 and variance 1, then times `weight` plus `bias`.
    ///
    /// Shape: `*s *n, *n, *n -> *s *n`. Dtype: floating-point.
    ///
    /// >>> torch.layer_norm(torch.tensor([[1., 3.]]), (2,))
    /// tensor([[-1.0000,  1.0000]])
    fn layer_norm(input: Tensor, normalized_shape: Dims, weight: Option<Tensor> = None, bias: Option<Tensor> = None, eps: f64 = 1e-5) -> y;
    variants [function, functional];
    composite {
        let (y, _, _) = input.layer_norm_forward(normalized_shape, weight, bias, eps)?;
        Ok(y)
    };
    samples [
        (real([3, 4]), [4], positive([4]), other([4])),
        (real([2, 2, 3]), [2, 3], None, None, 1e-3),
        (real([4]), [4], positive([4])),
        (real([0, 3]), [3]),
    ];
}

op! {
    /// Layer normalization with the means and the reciprocal standard deviations that it used.
    ///
    /// Shape: `*s *n, *n, *n -> *s *n, *s *1, *s *1`. Dtype: floating-point.
    fn native_layer_norm(input: Tensor, normalized_shape: Dims, weight: Option<Tensor>, bias: Option<Tensor>, eps: f64) -> output, mean, rstd;
    variants [function];
    quirks [MetaAsGpu];
    composite {
        let (y, mean, rstd) = input.layer_norm_forward(normalized_shape, weight, bias, eps)?;
        // On PyTorch's GPUs the statistics are of the type computed in.
        let dtype = if input.device() == Device::Meta { mean.dtype().compute() } else { mean.dtype() };
        // They carry no gradient.
        Ok::<_, Error>((y, mean.detach().to_dtype(dtype)?, rstd.detach().to_dtype(dtype)?))
    };
    samples [(real([3, 4]), [4], positive([4]), other([4]), 1e-5), (real([2, 2, 3]), [2, 3], None, None, 1e-3)];
}

op! {
    /// `native_layer_norm`, differentiable in its first output.
    ///
    /// Shape: `*s *n, *n, *n -> *s *n, *s *1, *s *1`. Dtype: floating-point.
    fn layer_norm_forward(input: Tensor, normalized_shape: Dims, weight: Option<Tensor>, bias: Option<Tensor>, eps: f64) -> output, mean, rstd;
    variants [private];
    node "NativeLayerNormBackward0";
    contiguous [input, weight, bias];
    dtype layer_dtypes(input, weight, bias);
    shape layer_sizes(input, normalized_shape, weight, bias);
    kernel { kernels::layer_norm(&mut output, &mut mean, &mut rstd, input, weight, bias, eps) };
    vjp {
        input => |g, input, mean, rstd, weight, normalized_shape, eps| g.layer_norm_input_backward(input, mean, rstd, weight.cloned(), normalized_shape.len() as i64, eps);
        weight => |g, input, mean, rstd, weight.shape, eps| g.layer_norm_weight_backward(input, mean, rstd, &weight.shape, weight.dtype, eps);
        bias => |g, input, weight| hung(g, std::iter::once(input).chain(weight))
    };
    samples [(real([3, 4]), [4], positive([4]), other([4]), 1e-5), (real([2, 2, 3]), [2, 3], None, None, 1e-3)];
}

op! {
    /// The gradient of layer normalization for its input.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: that of the input.
    fn layer_norm_input_backward(grad: Tensor, input: Tensor, mean: Tensor, rstd: Tensor, weight: Option<Tensor>, axes: i64, eps: f64) -> y;
    variants [private];
    contiguous [grad, input, mean, rstd, weight];
    dtype backward_dtype(grad, input, [mean, rstd], weight, row(input, axes));
    shape input.sizes();
    kernel { kernels::layer_norm_backward(Some(&mut y), None, None, grad, input, mean, rstd, weight) };
    vjp {
        grad => |g, input, mean, rstd, weight, axes, eps| {
            let plain = g.layer_norm_input_backward(input, mean, rstd, None, axes, eps);
            weight.map_or(plain.clone(), |w| plain * w)
        };
        weight => |g, grad, input, mean, rstd, axes, eps| grad * g.layer_norm_input_backward(input, mean, rstd, None, axes, eps);
        input => |g, grad, input, weight, axes, eps| {
            let scaled = weight.map_or(grad.clone(), |w| grad * w);
            Normal::new(input, last(axes), eps).second(g, &scaled)
        }
    };
    samples without_gradcheck([(real([3, 4]), other([3, 4]), real([3, 1]), positive([3, 1]), positive([4]), 1, 1e-5), (real([3, 4]), other([3, 4]), real([3, 1]), positive([3, 1]), None, 1, 1e-5)]);
}

op! {
    /// The gradient of layer normalization for its weight.
    ///
    /// Shape: `*s *n, *s *n -> *n`. Dtype: `dtype`.
    fn layer_norm_weight_backward(grad: Tensor, input: Tensor, mean: Tensor, rstd: Tensor, weight_size: Dims, dtype: DType, eps: f64) -> y;
    variants [private];
    contiguous [grad, input, mean, rstd];
    dtype { backward_dtype(grad, input, [mean, rstd], None, weight_size)?; float_only(dtype, "LayerNormBackwardKernelImpl")? };
    shape weight_size;
    kernel { kernels::layer_norm_backward(None, Some(&mut y), None, grad, input, mean, rstd, None) };
    vjp {
        grad => |g, input, weight_size, eps| g * Normal::new(input, last(weight_size.len() as i64), eps).hat;
        input => |g, grad, input, mean, rstd, weight_size, eps| {
            grad.layer_norm_input_backward(input, mean, rstd, Some(Val::from(g)), weight_size.len() as i64, eps)
        }
    };
    samples without_gradcheck([(real([3, 4]), other([3, 4]), real([3, 1]), positive([3, 1]), [4], DType::F64, 1e-5)]);
}
