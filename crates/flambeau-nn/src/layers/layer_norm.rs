//! Normalization over the last dimensions, over groups of channels, and by the root mean square.

use flambeau_tensor::{DType, Error, Result, Tensor};
use serde::{Deserialize, Serialize};

use super::parameter;
use crate::module::{python, python_float, python_tuple};
use crate::{Forward, Module, init};

/// The settings of a [`LayerNorm`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
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

/// A parameter that starts with one value, if wanted.
fn filled(wanted: bool, sizes: &[i64], value: f64) -> Result<Option<Tensor>> {
    wanted.then(|| init::constant_(&parameter(sizes)?, value)).transpose()
}

/// Normalizes over the last dimensions: mean 0 and variance 1, then times a weight plus a bias. Shape: `*s *n -> *s *n`.
///
/// ```
/// use flambeau_nn::{Forward, LayerNorm};
/// use flambeau_tensor::Tensor;
///
/// let layer = LayerNorm::new(&[2])?;
/// let y = layer.forward(&Tensor::of(&[1.0f32, 3.0], &[1, 2])?)?;
/// assert_eq!(format!("{}", y.detach()), "tensor([[-1.0000,  1.0000]])");
/// assert_eq!(format!("{layer}"), "LayerNorm((2,), eps=1e-05, elementwise_affine=True, bias=True)");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Module)]
#[module(extra_repr = Self::settings)]
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
        let (weight, bias) =
            (filled(affine, normalized_shape, 1.0)?, filled(affine && options.bias, normalized_shape, 0.0)?);
        Ok(LayerNorm { weight, bias, normalized_shape: normalized_shape.to_vec(), eps: options.eps })
    }

    fn settings(&self) -> String {
        format!(
            "{}, eps={}, elementwise_affine={}, bias={}",
            python_tuple(&self.normalized_shape),
            python_float(self.eps),
            python(self.weight.is_some()),
            python(self.bias.is_some())
        )
    }
}

impl Forward for LayerNorm {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.layer_norm_with(&self.normalized_shape, self.weight.as_ref(), self.bias.as_ref(), self.eps)
    }
}

/// Divides by the root mean square over the last dimensions, then times a weight. Shape: `*s *n -> *s *n`.
///
/// ```
/// use flambeau_nn::{Forward, RMSNorm};
/// use flambeau_tensor::Tensor;
///
/// let layer = RMSNorm::new(&[2])?;
/// let y = layer.forward(&Tensor::of(&[3.0f32, 4.0], &[1, 2])?)?;
/// assert_eq!(format!("{}", y.detach()), "tensor([[0.8485, 1.1314]])");
/// assert_eq!(format!("{layer}"), "RMSNorm((2,), eps=None, elementwise_affine=True)");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Module)]
#[module(extra_repr = Self::settings)]
pub struct RMSNorm {
    /// Of the normalized shape; starts as 1.
    pub weight: Option<Tensor>,
    normalized_shape: Vec<i64>,
    eps: Option<f64>,
}

impl RMSNorm {
    /// A normalization over the last dimensions, which have these sizes.
    pub fn new(normalized_shape: &[i64]) -> Result<RMSNorm> {
        RMSNorm::with(normalized_shape, None, true)
    }

    /// As [`RMSNorm::new`]; `eps` is added to the mean square, the dtype's smallest step if `None`.
    pub fn with(normalized_shape: &[i64], eps: Option<f64>, elementwise_affine: bool) -> Result<RMSNorm> {
        let weight = filled(elementwise_affine, normalized_shape, 1.0)?;
        Ok(RMSNorm { weight, normalized_shape: normalized_shape.to_vec(), eps })
    }

    fn settings(&self) -> String {
        let eps = self.eps.map_or("None".to_string(), python_float);
        let affine = python(self.weight.is_some());
        format!("{}, eps={eps}, elementwise_affine={affine}", python_tuple(&self.normalized_shape))
    }
}

impl Forward for RMSNorm {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let (own, shape) = (input.size(), &self.normalized_shape);
        if !own.ends_with(shape) {
            return Err(Error::runtime(format!(
                "RMSNorm: Given normalized_shape={shape:?}, expected an input whose last sizes are these, but got {own:?}"
            )));
        }
        let half = matches!(input.dtype(), DType::F16 | DType::BF16);
        let x = if half { input.to_dtype(DType::F32)? } else { input.clone() };
        let smallest = if x.dtype() == DType::F64 { f64::EPSILON } else { f32::EPSILON as f64 };
        let dims: Vec<i64> = (1..=shape.len() as i64).map(|i| -i).collect();
        let square = x.mul(&x)?.mean_dim_with(Some(&dims), true, None)?;
        let normal = x.mul(&square.add(self.eps.unwrap_or(smallest))?.rsqrt()?)?;
        match &self.weight {
            Some(weight) => normal.mul(weight)?,
            None => normal,
        }
        .to_dtype(input.dtype())
    }
}

/// Normalizes each sample over groups of channels. Shape: `N C *s -> N C *s`.
///
/// ```
/// use flambeau_nn::{Forward, GroupNorm};
/// use flambeau_tensor::ops;
///
/// let layer = GroupNorm::new(3, 6)?;
/// assert_eq!(layer.forward(&ops::randn(&[2, 6, 4])?)?.size(), [2, 6, 4]);
/// assert_eq!(format!("{layer}"), "GroupNorm(3, 6, eps=1e-05, affine=True, bias=True)");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Module)]
#[module(extra_repr = Self::settings)]
pub struct GroupNorm {
    /// Of shape `C`; starts as 1.
    pub weight: Option<Tensor>,
    /// Of shape `C`; starts as 0.
    pub bias: Option<Tensor>,
    num_groups: i64,
    num_channels: i64,
    eps: f64,
}

impl GroupNorm {
    /// A normalization of `num_channels` channels in `num_groups` groups.
    pub fn new(num_groups: i64, num_channels: i64) -> Result<GroupNorm> {
        GroupNorm::with(num_groups, num_channels, 1e-5, true)
    }

    /// As [`GroupNorm::new`]; `eps` is added to the variance; with weight and bias if `affine`.
    pub fn with(num_groups: i64, num_channels: i64, eps: f64, affine: bool) -> Result<GroupNorm> {
        if num_groups <= 0 || num_channels % num_groups != 0 {
            return Err(Error::value(format!(
                "num_channels ({num_channels}) must be divisible by num_groups ({num_groups})"
            )));
        }
        let (weight, bias) = (filled(affine, &[num_channels], 1.0)?, filled(affine, &[num_channels], 0.0)?);
        Ok(GroupNorm { weight, bias, num_groups, num_channels, eps })
    }

    fn settings(&self) -> String {
        let affine = python(self.weight.is_some());
        let eps = python_float(self.eps);
        format!("{}, {}, eps={eps}, affine={affine}, bias={affine}", self.num_groups, self.num_channels)
    }
}

impl Forward for GroupNorm {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.group_norm_with(self.num_groups, self.weight.as_ref(), self.bias.as_ref(), self.eps)
    }
}

/// Divides by a power of the mean square over neighbouring channels. Shape: `N C *s -> N C *s`.
///
/// ```
/// use flambeau_nn::{Forward, LocalResponseNorm};
/// use flambeau_tensor::ops;
/// assert_eq!(LocalResponseNorm::new(2).forward(&ops::ones(&[1, 4, 3, 3])?)?.size(), [1, 4, 3, 3]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Module)]
#[module(extra_repr = Self::settings)]
pub struct LocalResponseNorm {
    /// How many channels count.
    pub size: i64,
    /// The factor of the mean square.
    pub alpha: f64,
    /// The power.
    pub beta: f64,
    /// Added to the mean square.
    pub k: f64,
}

impl LocalResponseNorm {
    /// With PyTorch's usual settings.
    pub fn new(size: i64) -> LocalResponseNorm {
        LocalResponseNorm { size, alpha: 1e-4, beta: 0.75, k: 1.0 }
    }

    fn settings(&self) -> String {
        let [alpha, beta, k] = [self.alpha, self.beta, self.k].map(python_float);
        format!("{}, alpha={alpha}, beta={beta}, k={k}", self.size)
    }
}

impl Forward for LocalResponseNorm {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let &[n, c, ref rest @ ..] = input.size() else {
            return Err(Error::value(format!(
                "Expected 3D or higher dimensionality input (got {} dimensions)",
                input.dim()
            )));
        };
        // Channels as rows of an image: means over neighbouring rows.
        let plane = input.mul(input)?.reshape(&[n, 1, c, rest.iter().product()])?;
        let padded = plane.pad(&[0, 0, self.size / 2, (self.size - 1) / 2])?;
        let means = padded.avg_pool2d_with(&[self.size, 1], Some(&[1]), &[0], false, true, None)?;
        let scale = means.reshape(input.size())?.mul(self.alpha)?.add(self.k)?.pow(self.beta)?;
        input.div(&scale)
    }
}
