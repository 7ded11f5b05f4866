//! Softmax and its logarithm.

use flambeau_cpu::softmax as kernels;

use crate::ops::nn::float_only;
use crate::ops::{op, rule};
use crate::{DType, Result, Tensor, normalize_dim};

/// Softmax is of real floating-point numbers; PyTorch names the kernel by where `dim` lies.
fn checked(x: &Tensor, dim: i64, what: &str) -> Result<DType> {
    let last = normalize_dim(dim, x.dim())? + 1 >= x.dim();
    float_only(
        x.dtype(),
        &format!("{what}_{}kernel_impl", if last && !x.dtype().is_complex() { "lastdim_" } else { "" }),
    )
}

/// A gradient of the shape of the output.
fn backward_dtype(grad: &Tensor, output: &Tensor, name: &str) -> Result<DType> {
    rule::require(grad.size() == output.size(), name)?;
    float_only(grad.dtype(), name)?;
    float_only(output.dtype(), name)?;
    float_only(rule::promote(grad, output), name)
}

fn converted(x: &Tensor, dtype: Option<DType>) -> Result<Tensor> {
    dtype.map_or_else(|| Ok(x.clone()), |d| x.to_dtype(d))
}

op! {
    /// `exp(x)` divided by its sum along `dim`, so that it sums to 1.
    ///
    /// Shape: `*s -> *s`. Dtype: `dtype`, or unchanged; floating-point.
    ///
    /// >>> torch.softmax(torch.zeros(2), dim=0)
    /// tensor([0.5000, 0.5000])
    fn softmax(input: Tensor, dim: i64, dtype: Option<DType> = None) -> y;
    variants [method, function, functional, out];
    alias [special softmax];
    composite { converted(input, dtype)?.softmax_along(dim) };
    samples [(real([2, 3]), 1), (real([2, 3]), 0, DType::F64), (real([]), 0), (real([0, 2]), -1)];
}

op! {
    /// The logarithm of the softmax along `dim`.
    ///
    /// Shape: `*s -> *s`. Dtype: `dtype`, or unchanged; floating-point.
    ///
    /// >>> torch.log_softmax(torch.zeros(2), dim=0)
    /// tensor([-0.6931, -0.6931])
    fn log_softmax(input: Tensor, dim: i64, dtype: Option<DType> = None) -> y;
    variants [method, function, functional, out];
    alias [special log_softmax];
    composite { converted(input, dtype)?.log_softmax_along(dim) };
    samples [(real([2, 3]), 1), (real([2, 3]), 0, DType::F64), (real([]), 0), (real([0, 2]), -1)];
}

op! {
    /// The softmax of floating-point numbers.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    fn softmax_along(input: Tensor, dim: i64) -> y;
    variants [private];
    node "SoftmaxBackward0";
    dtype checked(input, dim, "softmax");
    shape input.sizes();
    contiguous [input];
    kernel { kernels::softmax(&mut y, input, normalize_dim(dim, input.ndim())?) };
    vjp { input => |g, y, dim| g.softmax_backward(y, dim) };
    samples [(real([2, 3]), 1), (real([2, 3]), 0), (real([]), 0), (real([0, 2]), -1)];
}

op! {
    /// The gradient of the softmax from that of its result, and the result.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: promoted.
    fn softmax_backward(grad: Tensor, output: Tensor, dim: i64) -> y;
    variants [private];
    dtype backward_dtype(grad, output, "softmax_backward");
    shape output.sizes();
    kernel { kernels::softmax_backward(&mut y, grad, output, normalize_dim(dim, output.ndim())?) };
    vjp {
        grad => |g, output, dim| g.softmax_backward(output, dim);
        output => |g, grad, output, dim| {
            let along = |v: crate::ops::Val| v.sum_dim_with(Some(&[dim]), true, None);
            g * grad - g * along(grad * output) - grad * along(g * output)
        }
    };
    samples [
        (real([2, 3]), unit([2, 3]), 1),
        (real([2, 3]), unit([2, 3]), -2),
        (real([]), unit([]), 0),
        (real([0, 2]), unit([0, 2]), 1),
    ];
}

op! {
    /// The logarithm of the softmax of floating-point numbers.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    fn log_softmax_along(input: Tensor, dim: i64) -> y;
    variants [private];
    node "LogSoftmaxBackward0";
    dtype checked(input, dim, "log_softmax");
    shape input.sizes();
    contiguous [input];
    kernel { kernels::log_softmax(&mut y, input, normalize_dim(dim, input.ndim())?) };
    vjp { input => |g, y, dim| g.log_softmax_backward(y, dim) };
    samples [(real([2, 3]), 1), (real([2, 3]), 0), (real([]), 0), (real([0, 2]), -1)];
}

op! {
    /// The gradient of the logarithm of the softmax from that of its result, and the result.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: promoted.
    fn log_softmax_backward(grad: Tensor, output: Tensor, dim: i64) -> y;
    variants [private];
    dtype backward_dtype(grad, output, "log_softmax_backward");
    shape output.sizes();
    kernel { kernels::log_softmax_backward(&mut y, grad, output, normalize_dim(dim, output.ndim())?) };
    vjp {
        grad => |g, output, dim| g - (g * output.exp()).sum_dim_with(Some(&[dim]), true, None);
        output => |g, grad, output, dim| -(g * output.exp() * grad.sum_dim_with(Some(&[dim]), true, None))
    };
    samples [
        (real([2, 3]), other([2, 3]), 1),
        (real([2, 3]), other([2, 3]), -2),
        (real([]), other([]), 0),
        (real([0, 2]), other([0, 2]), 1),
    ];
}

op! {
    /// The gradient of the softmax of a tensor of `input_dtype` from that of its result, and the result.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: `input_dtype`.
    fn _softmax_backward_data(grad_output: Tensor, output: Tensor, dim: i64, input_dtype: DType) -> y;
    variants [function];
    composite {
        let grad = grad_output.softmax_backward(output, dim)?;
        if grad.dtype() == input_dtype { Ok(grad) } else { grad.to_dtype(input_dtype) }
    };
    samples [(real([2, 3]), unit([2, 3]), 1, DType::F64), (real([]), unit([]), 0, DType::F64)];
}
