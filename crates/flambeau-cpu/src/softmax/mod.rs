//! Softmax and its logarithm along one dimension, and the gradients of both.
//!
//! The half types are computed in float32 and rounded once at the end. Views may have any strides.

mod drive;
mod kernels;

use flambeau_types::DType;

use crate::{View, ViewMut};
use drive::lines;
use kernels::{LogSoftmax, LogSoftmaxBackward, Softmax, SoftmaxBackward};

macro_rules! in_compute_type {
    ($out:ident, $kernel:ident, $a:expr, $b:expr, $dim:expr) => {
        if $out.dtype() == DType::F64 {
            lines::<f64, $kernel>($out, $a, $b, $dim)
        } else {
            lines::<f32, $kernel>($out, $a, $b, $dim)
        }
    };
}

/// `exp(x) / sum(exp(x))` along `dim`, shifted by the maximum. `out` may be `x` itself.
pub fn softmax(out: &mut ViewMut, x: View, dim: usize) {
    in_compute_type!(out, Softmax, x, None, dim)
}

/// `x - log(sum(exp(x)))` along `dim`, shifted by the maximum. `out` may be `x` itself.
pub fn log_softmax(out: &mut ViewMut, x: View, dim: usize) {
    in_compute_type!(out, LogSoftmax, x, None, dim)
}

/// The gradient of [`softmax`] from the gradient of its result and the result.
pub fn softmax_backward(grad_in: &mut ViewMut, grad_out: View, out: View, dim: usize) {
    in_compute_type!(grad_in, SoftmaxBackward, grad_out, Some(out), dim)
}

/// The gradient of [`log_softmax`] from the gradient of its result and the result.
pub fn log_softmax_backward(grad_in: &mut ViewMut, grad_out: View, out: View, dim: usize) {
    in_compute_type!(grad_in, LogSoftmaxBackward, grad_out, Some(out), dim)
}

#[cfg(test)]
mod tests;
