use flambeau_tensor::{Result, Tensor};

use super::parameter;
use crate::module::{python, python_float, show};
use crate::{Module, init};

/// The settings of a [`LayerNorm`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerNormOptions {
    /// Added to the variance, so that it is never 0.
    pub eps: f64,
    /// Whether there is a weight.
    pub elementwise_affine: bool,
    /// Whether there is a bias, if there is a weight.
    pub bias: bool,
}

impl Default for LayerNormOptions {
    fn default() -> LayerNormOptions {
        LayerNormOptions { eps: 1e-5, elementwise_affine: true, bias: true }
    }
}

/// Normalizes over the last dimensions: mean 0 and variance 1, then times a weight plus a bias. Shape: `*s *n -> *s *n`.
///
/// ```
/// use flambeau_nn::{LayerNorm, Module};
/// use flambeau_tensor::Tensor;
///
/// let layer = LayerNorm::new(&[2])?;
/// let y = layer.forward(&Tensor::of(&[1.0f32, 3.0], &[1, 2])?)?;
/// assert_eq!(format!("{}", y.detach()), "tensor([[-1.0000,  1.0000]])");
/// assert_eq!(format!("{layer}"), "LayerNorm((2,), eps=1e-05, elementwise_affine=True, bias=True)");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub struct LayerNorm {
    /// Of the normalized shape; starts as 1.
    pub weight: Option<Tensor>,
    /// Of the normalized shape; starts as 0.
    pub bias: Option<Tensor>,
    normalized_shape: Vec<i64>,
    eps: f64,
}

impl LayerNorm {
    /// A normalization over the last dimensions, which have these sizes.
    pub fn new(normalized_shape: &[i64]) -> Result<LayerNorm> {
        LayerNorm::with(normalized_shape, LayerNormOptions::default())
    }

    /// As [`LayerNorm::new`], with settings.
    pub fn with(normalized_shape: &[i64], options: LayerNormOptions) -> Result<LayerNorm> {
        let affine = options.elementwise_affine;
        let make = |wanted: bool, value: f64| {
            wanted.then(|| init::constant_(&parameter(normalized_shape)?, value)).transpose()
        };
        let (weight, bias) = (make(affine, 1.0)?, make(affine && options.bias, 0.0)?);
        Ok(LayerNorm { weight, bias, normalized_shape: normalized_shape.to_vec(), eps: options.eps })
    }
}

impl Module for LayerNorm {
    fn name(&self) -> &'static str {
        "LayerNorm"
    }
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.layer_norm_with(&self.normalized_shape, self.weight.as_ref(), self.bias.as_ref(), self.eps)
    }
    fn own_parameters(&self) -> Vec<(&'static str, Tensor)> {
        let both = [("weight", &self.weight), ("bias", &self.bias)];
        both.into_iter().filter_map(|(name, p)| p.clone().map(|p| (name, p))).collect()
    }
    fn extra_repr(&self) -> String {
        let sizes: Vec<String> = self.normalized_shape.iter().map(i64::to_string).collect();
        let comma = if sizes.len() == 1 { "," } else { "" };
        format!(
            "({}{comma}), eps={}, elementwise_affine={}, bias={}",
            sizes.join(", "),
            python_float(self.eps),
            python(self.weight.is_some()),
            python(self.bias.is_some())
        )
    }
}
show!(LayerNorm);
