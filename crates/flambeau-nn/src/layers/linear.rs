use flambeau_tensor::{Result, Tensor};

use super::parameter;
use crate::module::python;
use crate::{Forward, Module, init};

/// `x A^T + b`. Shape: `*s I -> *s O`.
///
/// ```
/// use flambeau_nn::{Forward, Linear};
/// use flambeau_tensor::ops;
///
/// let layer = Linear::new(20, 30)?;
/// assert_eq!(layer.forward(&ops::ones(&[128, 20])?)?.size(), [128, 30]);
/// assert_eq!(format!("{layer}"), "Linear(in_features=20, out_features=30, bias=True)");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Module)]
#[module(extra_repr = Self::settings)]
pub struct Linear {
    /// Of shape `O I`.
    pub weight: Tensor,
    /// Of shape `O`.
    pub bias: Option<Tensor>,
}

impl Linear {
    /// A layer from `in_features` to `out_features` numbers.
    pub fn new(in_features: i64, out_features: i64) -> Result<Linear> {
        Linear::with(in_features, out_features, true)
    }

    /// As [`Linear::new`], without `b`.
    pub fn without_bias(in_features: i64, out_features: i64) -> Result<Linear> {
        Linear::with(in_features, out_features, false)
    }

    /// As [`Linear::new`], with `b` or without.
    pub fn with(in_features: i64, out_features: i64, bias: bool) -> Result<Linear> {
        let weight = parameter(&[out_features, in_features])?;
        let bias = bias.then(|| parameter(&[out_features])).transpose()?;
        init::reset_linear(&weight, bias.as_ref())?;
        Ok(Linear { weight, bias })
    }

    fn settings(&self) -> String {
        let size = self.weight.size();
        format!("in_features={}, out_features={}, bias={}", size[1], size[0], python(self.bias.is_some()))
    }
}

impl Forward for Linear {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.linear_with(&self.weight, self.bias.as_ref())
    }
}

/// `x1^T A x2 + b` for each output. Shape: `*s I, *s J -> *s O`.
///
/// ```
/// use flambeau_nn::Bilinear;
/// use flambeau_tensor::ops;
///
/// let layer = Bilinear::new(2, 3, 4)?;
/// assert_eq!(layer.forward(&ops::ones(&[5, 2])?, &ops::ones(&[5, 3])?)?.size(), [5, 4]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Module)]
#[module(extra_repr = Self::settings)]
pub struct Bilinear {
    /// Of shape `O I J`.
    pub weight: Tensor,
    /// Of shape `O`.
    pub bias: Option<Tensor>,
}

impl Bilinear {
    /// A layer from two inputs of `in1_features` and `in2_features` numbers.
    pub fn new(in1_features: i64, in2_features: i64, out_features: i64) -> Result<Bilinear> {
        Bilinear::with(in1_features, in2_features, out_features, true)
    }

    /// As [`Bilinear::new`], with `b` or without.
    pub fn with(in1_features: i64, in2_features: i64, out_features: i64, bias: bool) -> Result<Bilinear> {
        let weight = parameter(&[out_features, in1_features, in2_features])?;
        let bias = bias.then(|| parameter(&[out_features])).transpose()?;
        let bound = 1.0 / (in1_features as f64).sqrt();
        for tensor in std::iter::once(&weight).chain(&bias) {
            init::uniform_(tensor, -bound, bound)?;
        }
        Ok(Bilinear { weight, bias })
    }

    /// Computes the output of both inputs.
    pub fn forward(&self, input1: &Tensor, input2: &Tensor) -> Result<Tensor> {
        let left = input1.unsqueeze(-2)?.unsqueeze(-2)?.matmul(&self.weight)?; // *s O 1 J
        let result = left.squeeze_dim(-2)?.matmul(&input2.unsqueeze(-1)?)?.squeeze_dim(-1)?;
        self.bias.as_ref().map_or(Ok(result.clone()), |bias| result.add(bias))
    }

    fn settings(&self) -> String {
        let (size, bias) = (self.weight.size(), python(self.bias.is_some()));
        format!("in1_features={}, in2_features={}, out_features={}, bias={bias}", size[1], size[2], size[0])
    }
}
