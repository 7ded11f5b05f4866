use flambeau_tensor::{Result, Tensor};

use super::parameter;
use crate::module::{python, show};
use crate::{Module, init};

/// `x A^T + b`. Shape: `*s I -> *s O`.
///
/// ```
/// use flambeau_nn::{Linear, Module};
/// use flambeau_tensor::ops;
///
/// let layer = Linear::new(20, 30)?;
/// assert_eq!(layer.forward(&ops::ones(&[128, 20])?)?.size(), [128, 30]);
/// assert_eq!(format!("{layer}"), "Linear(in_features=20, out_features=30, bias=True)");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub struct Linear {
    /// Of shape `O I`.
    pub weight: Tensor,
    /// Of shape `O`.
    pub bias: Option<Tensor>,
}

impl Linear {
    /// A layer from `in_features` to `out_features` numbers.
    pub fn new(in_features: i64, out_features: i64) -> Result<Linear> {
        Linear::make(in_features, out_features, true)
    }

    /// As [`Linear::new`], without `b`.
    pub fn without_bias(in_features: i64, out_features: i64) -> Result<Linear> {
        Linear::make(in_features, out_features, false)
    }

    fn make(in_features: i64, out_features: i64, bias: bool) -> Result<Linear> {
        let weight = parameter(&[out_features, in_features])?;
        let bias = bias.then(|| parameter(&[out_features])).transpose()?;
        init::reset_linear(&weight, bias.as_ref())?;
        Ok(Linear { weight, bias })
    }
}

impl Module for Linear {
    fn name(&self) -> &'static str {
        "Linear"
    }
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.linear_with(&self.weight, self.bias.as_ref())
    }
    fn own_parameters(&self) -> Vec<(&'static str, Tensor)> {
        let bias = self.bias.as_ref().map(|b| ("bias", b.clone()));
        [("weight", self.weight.clone())].into_iter().chain(bias).collect()
    }
    fn extra_repr(&self) -> String {
        let size = self.weight.size();
        format!("in_features={}, out_features={}, bias={}", size[1], size[0], python(self.bias.is_some()))
    }
}
show!(Linear);
