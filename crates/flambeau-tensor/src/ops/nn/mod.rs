//! What layers are made of: activations, losses, convolutions, pooling, normalization, dropout, padding.

use crate::autograd::Meta;
use crate::ops::Val;
use crate::{DType, Error, Kind, Options, Result, Tensor};

pub mod activation;
pub mod attention;
pub mod batch_norm;
pub mod conv;
pub mod conv_transpose;
pub mod cross_entropy;
pub mod ctc_loss;
pub mod dropout;
pub mod fold;
pub mod grid_sample;
mod grid_second;
pub mod group_norm;
pub mod layer_norm;
pub mod loss;
pub mod loss_binary;
pub mod nll;
mod normal;
pub mod pad;
pub mod piecewise;
pub mod pool;
pub mod pool_fractional;
pub mod pool_windows;
pub mod smooth;
pub mod softmax;
pub mod unpool;
pub mod upsample;

/// The dtype of a tensor that must hold real floating-point numbers; `what` is the kernel that PyTorch names.
pub(crate) fn float_dtype(x: &Tensor, what: &str) -> Result<DType> {
    float_only(x.dtype(), what)
}

/// Refuses a gradient for an argument that has none.
pub(crate) fn constant(t: Option<&Tensor>, function: &str, name: &str) -> Result<()> {
    if crate::autograd::grad_enabled() && t.is_some_and(Tensor::requires_grad) {
        return Err(Error::runtime(format!(
            "The function '{function}' is not differentiable with respect to argument '{name}'. This input cannot have requires_grad True."
        )));
    }
    Ok(())
}

/// A dtype that must be a real floating-point one.
pub(crate) fn float_only(d: DType, what: &str) -> Result<DType> {
    if d.kind() != Kind::Float {
        return Err(Error::not_implemented(format!("\"{what}\" not implemented for '{}'", d.title())));
    }
    Ok(d)
}

/// The gradient for a tensor that a piecewise linear function only picks its piece by: zero, but part of the graph.
pub(crate) fn flat(of: &Meta) -> Result<Tensor> {
    let options = Options { dtype: Some(of.dtype), device: Some(of.device), requires_grad: false };
    crate::ops::zeros_with(&of.shape, options)
}

/// A gradient that hangs on tensors in the graph though they do not move it: one backward step of PyTorch's gives the
/// gradients of all inputs, so that each of them hangs on all that step reads.
pub(crate) fn hung<'a>(g: &Val, on: impl IntoIterator<Item = &'a Val>) -> Val {
    on.into_iter().fold(g.clone(), |g, v| g.tied(v))
}

/// `n` values out of a list of `n`, or of one for all.
pub(crate) fn expand_sizes<const N: usize>(list: &[i64]) -> Option<[i64; N]> {
    match list {
        [one] => Some([*one; N]),
        _ => list.try_into().ok(),
    }
}
