//! Batch normalization and instance normalization: channels with mean 0 and variance 1.

use flambeau_tensor::autograd::no_grad;
use flambeau_tensor::{DType, Error, Result, Tensor, ops};
use serde::{Deserialize, Serialize};

use super::parameter;
use crate::module::{Training, python, python_float};
use crate::{Forward, Module, init};

/// The settings of a [`BatchNorm`] or an [`InstanceNorm`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchNormOptions {
    /// Added to the variance, so that it is never 0.
    pub eps: f64,
    /// How much the last batch moves the running statistics; `None`: their mean over all batches.
    pub momentum: Option<f64>,
    /// Whether there are a weight and a bias.
    pub affine: bool,
    /// Whether running statistics are kept, which [`Module::eval`] uses.
    pub track_running_stats: bool,
}

impl Default for BatchNormOptions {
    fn default() -> BatchNormOptions {
        BatchNormOptions { eps: 1e-5, momentum: Some(0.1), affine: true, track_running_stats: true }
    }
}

/// Normalizes each channel over the batch: mean 0 and variance 1, then times a weight plus a bias. Shape: `N C *s -> N C *s`.
///
/// ```
/// use flambeau_nn::{BatchNorm2d, Forward, Module};
/// use flambeau_tensor::ops;
///
/// let layer = BatchNorm2d::new(4)?;
/// assert_eq!(layer.forward(&ops::randn(&[2, 4, 3, 3])?)?.size(), [2, 4, 3, 3]);
/// let names: Vec<String> = layer.state_dict().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Module)]
#[module(name = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d"][N - 1], extra_repr = Self::settings)]
pub struct BatchNorm<const N: usize> {
    /// Of shape `C`; starts as 1.
    pub weight: Option<Tensor>,
    /// Of shape `C`; starts as 0.
    pub bias: Option<Tensor>,
    /// Of shape `C`: the running mean.
    #[module(buffer)]
    pub running_mean: Option<Tensor>,
    /// Of shape `C`: the running variance.
    #[module(buffer)]
    pub running_var: Option<Tensor>,
    #[module(buffer)]
    num_batches_tracked: Option<Tensor>,
    num_features: i64,
    #[module(skip)]
    options: BatchNormOptions,
    training: Training,
}

/// Batch normalization of rows or signals.
pub type BatchNorm1d = BatchNorm<1>;
/// Batch normalization of images.
pub type BatchNorm2d = BatchNorm<2>;
/// Batch normalization of volumes.
pub type BatchNorm3d = BatchNorm<3>;

impl<const N: usize> BatchNorm<N> {
    /// A normalization of so many channels.
    pub fn new(num_features: i64) -> Result<BatchNorm<N>> {
        BatchNorm::with(num_features, BatchNormOptions::default())
    }

    /// As [`BatchNorm::new`], with settings.
    pub fn with(num_features: i64, options: BatchNormOptions) -> Result<BatchNorm<N>> {
        let weight = |value: f64| init::constant_(&parameter(&[num_features])?, value);
        let tracked = options.track_running_stats;
        Ok(BatchNorm {
            weight: options.affine.then(|| weight(1.0)).transpose()?,
            bias: options.affine.then(|| weight(0.0)).transpose()?,
            running_mean: tracked.then(|| ops::zeros(&[num_features])).transpose()?,
            running_var: tracked.then(|| ops::ones(&[num_features])).transpose()?,
            num_batches_tracked: tracked.then(|| Tensor::scalar(0, DType::I64)),
            num_features,
            options,
            training: Training::default(),
        })
    }

    fn settings(&self) -> String {
        settings(self.num_features, &self.options)
    }

    /// How much this batch moves the running statistics.
    fn factor(&self) -> Result<f64> {
        let Some(count) = self.num_batches_tracked.as_ref().filter(|_| self.training.is_on()) else {
            return Ok(self.options.momentum.unwrap_or(0.0));
        };
        no_grad(|| count.add_(1))?;
        Ok(match self.options.momentum {
            Some(momentum) => momentum,
            None => 1.0 / count.item()?.to_f64(),
        })
    }
}

fn settings(features: i64, o: &BatchNormOptions) -> String {
    let momentum = o.momentum.map_or("None".to_string(), python_float);
    let (eps, affine, tracked) = (python_float(o.eps), python(o.affine), python(o.track_running_stats));
    format!("{features}, eps={eps}, momentum={momentum}, affine={affine}, bias={affine}, track_running_stats={tracked}")
}

impl<const N: usize> Forward for BatchNorm<N> {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let n = input.dim();
        if n != N + 2 && !(N == 1 && n == 2) {
            let wanted = if N == 1 { "2D or 3D".to_string() } else { format!("{}D", N + 2) };
            return Err(Error::value(format!("expected {wanted} input (got {n}D input)")));
        }
        let training = self.training.is_on();
        if training && input.numel() == input.size()[1] {
            let size = input.size();
            return Err(Error::value(format!(
                "Expected more than 1 value per channel when training, got input size torch.Size({size:?})"
            )));
        }
        let factor = self.factor()?;
        let own = training || self.running_mean.is_none();
        let (mean, var) = (self.running_mean.as_ref(), self.running_var.as_ref());
        input.batch_norm_with(mean, var, self.weight.as_ref(), self.bias.as_ref(), own, factor, self.options.eps)
    }
}

/// Normalizes each channel of each sample by itself. Shape: `N C *s -> N C *s` or `C *s -> C *s`.
///
/// ```
/// use flambeau_nn::{Forward, InstanceNorm2d};
/// use flambeau_tensor::ops;
/// assert_eq!(InstanceNorm2d::new(3)?.forward(&ops::randn(&[2, 3, 4, 4])?)?.size(), [2, 3, 4, 4]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Module)]
#[module(name = ["InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"][N - 1], extra_repr = Self::settings)]
pub struct InstanceNorm<const N: usize> {
    /// Of shape `C`; starts as 1.
    pub weight: Option<Tensor>,
    /// Of shape `C`; starts as 0.
    pub bias: Option<Tensor>,
    num_features: i64,
    eps: f64,
}

/// Instance normalization of signals.
pub type InstanceNorm1d = InstanceNorm<1>;
/// Instance normalization of images.
pub type InstanceNorm2d = InstanceNorm<2>;
/// Instance normalization of volumes.
pub type InstanceNorm3d = InstanceNorm<3>;

impl<const N: usize> InstanceNorm<N> {
    /// A normalization of so many channels, without weight and bias.
    pub fn new(num_features: i64) -> Result<InstanceNorm<N>> {
        InstanceNorm::with(num_features, 1e-5, false)
    }

    /// As [`InstanceNorm::new`], with weight and bias if `affine`.
    pub fn with(num_features: i64, eps: f64, affine: bool) -> Result<InstanceNorm<N>> {
        let weight = |value: f64| affine.then(|| init::constant_(&parameter(&[num_features])?, value)).transpose();
        Ok(InstanceNorm { weight: weight(1.0)?, bias: weight(0.0)?, num_features, eps })
    }

    fn settings(&self) -> String {
        let affine = self.weight.is_some();
        let options = BatchNormOptions { eps: self.eps, affine, track_running_stats: false, ..Default::default() };
        settings(self.num_features, &options)
    }
}

impl<const N: usize> Forward for InstanceNorm<N> {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        if input.dim() == N + 1 {
            return self.forward(&input.unsqueeze(0)?)?.squeeze_dim(0);
        }
        let &[n, c, ref rest @ ..] = input.size() else {
            return Err(Error::value(format!("expected {}D or {}D input (got {}D input)", N + 1, N + 2, input.dim())));
        };
        if rest.len() != N {
            return Err(Error::value(format!("expected {}D or {}D input (got {}D input)", N + 1, N + 2, input.dim())));
        }
        if rest.iter().product::<i64>() == 1 {
            let size = input.size();
            return Err(Error::value(format!(
                "Expected more than 1 spatial element when training, got input size torch.Size({size:?})"
            )));
        }
        // Every channel of every sample is a channel of one batch.
        let flat = input.contiguous()?.view(&[&[1, n * c], rest].concat())?;
        let each = |t: &Option<Tensor>| t.as_ref().map(|t| t.repeat(&[n])).transpose();
        let (weight, bias) = (each(&self.weight)?, each(&self.bias)?);
        let out = flat.batch_norm_with(None, None, weight.as_ref(), bias.as_ref(), true, 0.1, self.eps)?;
        out.view(input.size())
    }
}
