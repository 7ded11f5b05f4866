use flambeau_tensor::Result;
use serde::{Deserialize, Serialize};

use super::base::{Clock, LRScheduler, Schedule, scaled, unchanged};
use crate::optim::{Entries, Group};

/// The options of [`ExponentialLR`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExponentialLROptions {
    /// What the rate is multiplied with.
    pub gamma: f64,
}

/// Times `gamma` every epoch.
///
/// ```
/// use flambeau_nn::optim::schedulers::{ExponentialLR, ExponentialLROptions, Scheduler};
/// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = SGD::new(vec![w], SGDOptions { lr: 1.0, ..Default::default() })?;
/// let mut scheduler = ExponentialLR::new(&mut optimizer, ExponentialLROptions { gamma: 0.5 })?;
/// scheduler.step(&mut optimizer)?;
/// scheduler.step(&mut optimizer)?;
/// assert_eq!(optimizer.lr(), 0.25);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type ExponentialLR = LRScheduler<ExponentialLROptions>;

impl Schedule for ExponentialLROptions {
    fn rates(&self, clock: &Clock, groups: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        Ok(if clock.is_initial { unchanged(groups) } else { scaled(groups, self.gamma) })
    }

    fn rates_from_base(&self, clock: &Clock, _: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        Ok(clock.base_lrs.iter().map(|lr| lr * self.gamma.powf(clock.last_epoch as f64)).collect())
    }

    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        entries.required("gamma", &mut self.gamma)
    }
}
