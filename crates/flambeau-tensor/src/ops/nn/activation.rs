//! Rectifiers: linear above zero, something else below.

use crate::ops::nn::{flat, float_dtype};
use crate::ops::{Val, op, rule, samples};
use crate::{DType, Error, Kind, Result, Tensor};

fn relu_dtype(x: &Tensor) -> Result<DType> {
    match x.dtype().kind() {
        Kind::Bool => Err(Error::not_implemented("Boolean inputs not supported for relu")),
        Kind::Complex => Err(Error::not_implemented("clamp is not supported for complex types")),
        _ => Ok(x.dtype()),
    }
}

op! {
    /// The larger of x and 0, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged, real.
    ///
    /// >>> torch.relu(torch.tensor([-1., 2.]))
    /// tensor([0., 2.])
    fn relu(input: Tensor) -> y;
    variants [method, function, functional, inplace];
    dtype relu_dtype(input);
    map { (input) Float => max(input, 0.0); Int => input.max(0) };
    vjp { input => |g, y| g.threshold_backward(y, 0.0) };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The gradient where the input exceeds a threshold, else 0.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: promoted.
    fn threshold_backward(grad: Tensor, input: Tensor, threshold: f64) -> y;
    variants [private];
    dtype rule::promote(grad, input);
    map { (grad, input; threshold) Float => if input <= threshold { 0.0 } else { grad }; Int => if input <= threshold { 0 } else { grad } };
    vjp {
        grad => |g, input, threshold| g.threshold_backward(input, threshold);
        input => |input.shape| flat(&input)
    };
    samples backward(&[0.5.into()]);
}

fn threshold_dtype(x: &Tensor) -> Result<DType> {
    match x.dtype().kind() {
        Kind::Int => Ok(x.dtype()),
        _ => float_dtype(x, "threshold_cpu"),
    }
}

op! {
    /// x where it exceeds `threshold`, else `value`.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged, real.
    ///
    /// >>> torch.threshold(torch.tensor([0.5, 2.]), 1, 20)
    /// tensor([20.,  2.])
    fn threshold(input: Tensor, threshold: f64, value: f64) -> y;
    variants [function, functional, inplace];
    dtype threshold_dtype(input);
    map { (input; threshold, value) Float => if input <= threshold { value } else { input }; Int => if input <= threshold { value } else { input } };
    vjp { input => |g, input, threshold| g.threshold_backward(input, threshold) };
    samples [(real([2, 3]), 0.5, 2.0), (real([]), 0, 1.5), (real([0, 2]), 0.5, 2.0)];
}

op! {
    /// x above 0, `negative_slope * x` below.
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point.
    ///
    /// >>> torch.nn.functional.leaky_relu(torch.tensor([-1., 2.]), 0.5)
    /// tensor([-0.5000,  2.0000])
    fn leaky_relu(input: Tensor, negative_slope: f64 = 0.01) -> y;
    variants [functional, inplace];
    dtype float_dtype(input, "leaky_relu_cpu");
    map { (input; negative_slope) Float => if input > 0.0 { input } else { input * negative_slope } };
    vjp { input => |g, input, negative_slope| g.leaky_relu_backward(input, negative_slope) };
    samples [(real([2, 3])), (real([]), 0.2), (real([0, 2]), 0.1)];
}

op! {
    /// The gradient of `leaky_relu`.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: promoted.
    fn leaky_relu_backward(grad: Tensor, input: Tensor, negative_slope: f64) -> y;
    variants [private];
    dtype rule::promote(grad, input);
    map { (grad, input; negative_slope) Float => if input > 0.0 { grad } else { grad * negative_slope } };
    vjp {
        grad => |g, input, negative_slope| g.leaky_relu_backward(input, negative_slope);
        input => |input.shape| flat(&input)
    };
    samples backward(&[0.1.into()]);
}

op! {
    /// x above 0, `alpha * (exp(x) - 1)` below; both times `scale`, and x times `input_scale` within the exponential.
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point.
    ///
    /// >>> torch.nn.functional.elu(torch.tensor([-1., 2.]))
    /// tensor([-0.6321,  2.0000])
    fn elu(input: Tensor, alpha: f64 = 1.0, scale: f64 = 1.0, input_scale: f64 = 1.0) -> y;
    variants [functional, inplace];
    dtype float_dtype(input, "elu_cpu");
    map { (input; alpha, scale, input_scale) Float => { let low = expm1(input * input_scale) * (alpha * scale); if input < 0.0 { low } else { input * scale } } };
    vjp { input => |g, input, alpha, scale, input_scale| g.elu_backward(input, alpha, scale, input_scale) };
    samples [(real([2, 3])), (real([]), 1.3), (real([3]), 1.2, 1.1, 0.9), (real([0, 2]))];
}

op! {
    /// The gradient of `elu`.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: promoted.
    fn elu_backward(grad: Tensor, input: Tensor, alpha: f64, scale: f64, input_scale: f64) -> y;
    variants [private];
    dtype rule::promote(grad, input);
    map { (grad, input; alpha, scale, input_scale) Float => { let low = grad * input_scale * (alpha * scale) * exp(input * input_scale); if input <= 0.0 { low } else { grad * scale } } };
    vjp {
        grad => |g, input, alpha, scale, input_scale| g.elu_backward(input, alpha, scale, input_scale);
        input => |g, grad, input, alpha, scale, input_scale| {
            let below = (input * input_scale).clamp_max(0.0).exp() * (alpha * scale * input_scale * input_scale);
            (g * grad * below).masked_fill(input.lt(0.0).logical_not(), 0.0)
        }
    };
    samples backward(&[1.2.into(), 1.1.into(), 0.9.into()]);
}

op! {
    /// The self-normalizing ELU.
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point.
    ///
    /// >>> torch.selu(torch.tensor([-1., 2.]))
    /// tensor([-1.1113,  2.1014])
    fn selu(input: Tensor) -> y;
    variants [function, functional, inplace];
    composite { input.elu_with(1.673_263_242_354_377_2, 1.050_700_987_355_480_5, 1.0) };
    samples samples::unary(-3.0, 3.0);
}

fn celu_dtype(x: &Tensor, alpha: f64) -> Result<DType> {
    if alpha == 0.0 {
        return Err(Error::runtime("ZeroDivisionError: alpha cannot be 0 for CELU"));
    }
    float_dtype(x, "elu_cpu")
}

op! {
    /// The continuously differentiable ELU: x above 0, `alpha * (exp(x / alpha) - 1)` below.
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point.
    ///
    /// >>> torch.celu(torch.tensor([-1., 2.]))
    /// tensor([-0.6321,  2.0000])
    fn celu(input: Tensor, alpha: f64 = 1.0) -> y;
    variants [function, functional, inplace];
    dtype celu_dtype(input, alpha);
    map { (input; alpha) Float => { let low = expm1(input * (1.0 / alpha)) * alpha; if input < 0.0 { low } else { input } } };
    // PyTorch's derivative reads `alpha` in single precision on its way to the reciprocal.
    vjp { input => |g, input, alpha| g.elu_backward(input, alpha, 1.0, 1.0 / f64::from(alpha as f32)) };
    samples [(real([2, 3])), (real([]), 1.3), (real([0, 2]), 0.7)];
}

op! {
    /// Leaky ReLU with a learnt slope, one for all or one a channel.
    ///
    /// Shape: `N C *s, C -> N C *s`. Dtype: floating-point.
    ///
    /// >>> torch.prelu(torch.tensor([-1., 2.]), torch.tensor(0.25))
    /// tensor([-0.2500,  2.0000])
    fn prelu(input: Tensor, weight: Tensor) -> y;
    variants [method, function, functional];
    composite { input.prelu_kernel(&slopes(input, weight)?) };
    samples [
        (real([2, 3]), positive([3])),
        (real([2, 3, 2]), positive([1])),
        (real([]), positive([])),
        (real([0, 2]), positive([2])),
    ];
}

/// The slopes of `prelu`, shaped to broadcast over its input.
fn slopes(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    if x.dtype() != weight.dtype() {
        return Err(Error::runtime(format!(
            "prelu: Type promoting not supported. Got {} and {}",
            x.dtype().title(),
            weight.dtype().title()
        )));
    }
    if weight.dim() > 1 {
        return Err(Error::runtime(format!(
            "prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {}",
            weight.dim()
        )));
    }
    if weight.numel() != 1 {
        if x.dim() == 0 {
            return Err(Error::runtime("Not allow zero-dim input tensor."));
        }
        let channels = if x.dim() > 1 { x.size()[1] } else { 1 };
        if channels != weight.numel() {
            return Err(Error::runtime(format!(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = {} and channel size = {channels}.",
                weight.numel()
            )));
        }
    }
    let shape: Vec<i64> = (0..x.dim()).map(|d| if d == 1 { weight.numel() } else { 1 }).collect();
    weight.reshape(&shape)
}

op! {
    /// x above 0, `weight * x` below, with a weight that broadcasts.
    ///
    /// Shape: `*s, *t -> *s`. Dtype: promoted.
    fn prelu_kernel(input: Tensor, weight: Tensor) -> y;
    variants [private];
    dtype rule::promote(input, weight);
    map { (input, weight) Float => if input > 0.0 { input } else { weight * input } };
    vjp {
        input => |g, input, weight| below(input, g, &(g * weight)).tied(input);
        weight => |g, input| (g * input).masked_fill(input.gt(0.0), 0.0)
    };
    samples [(real([2, 3]), positive([3])), (real([]), positive([])), (real([0, 2]), positive([2]))];
}

/// `above` where x exceeds 0, else `low`.
fn below(x: &Val, above: &Val, low: &Val) -> Val {
    Val::run(|| x.gt(0.0).tensor()?.where_(above.tensor()?, low.tensor()?))
}
