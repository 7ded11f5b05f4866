use flambeau_tensor::{Error, Result};
use serde::{Deserialize, Serialize};

use super::base::{Clock, LRScheduler, Schedule, scaled, unchanged};
use crate::optim::{Entries, Group};

/// The options of [`StepLR`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepLROptions {
    /// After how many epochs the rate falls.
    pub step_size: i64,
    /// What it is multiplied with then.
    #[serde(default = "tenth")]
    pub gamma: f64,
}

impl StepLROptions {
    /// A tenth every `step_size` epochs.
    pub fn new(step_size: i64) -> StepLROptions {
        StepLROptions { step_size, gamma: tenth() }
    }
}

/// What a rate is multiplied with where a configuration says nothing.
pub(super) fn tenth() -> f64 {
    0.1
}

/// Times `gamma` every `step_size` epochs.
///
/// ```
/// use flambeau_nn::optim::schedulers::{Scheduler, StepLR, StepLROptions};
/// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = SGD::new(vec![w], SGDOptions { lr: 1.0, ..Default::default() })?;
/// let mut scheduler = StepLR::new(&mut optimizer, StepLROptions { step_size: 2, gamma: 0.5 })?;
/// scheduler.step(&mut optimizer)?;
/// assert_eq!(optimizer.lr(), 1.0);
/// scheduler.step(&mut optimizer)?;
/// assert_eq!(optimizer.lr(), 0.5);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type StepLR = LRScheduler<StepLROptions>;

impl Schedule for StepLROptions {
    fn prepare(&mut self, _: &mut [&mut dyn Group], _: i64) -> Result<()> {
        if self.step_size <= 0 {
            return Err(Error::value(format!("Expected positive integer step_size, but got {}", self.step_size)));
        }
        Ok(())
    }

    fn rates(&self, clock: &Clock, groups: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        if clock.last_epoch == 0 || clock.last_epoch % self.step_size != 0 {
            return Ok(unchanged(groups));
        }
        Ok(scaled(groups, self.gamma))
    }

    fn rates_from_base(&self, clock: &Clock, _: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        let factor = self.gamma.powf(clock.last_epoch.div_euclid(self.step_size) as f64);
        Ok(clock.base_lrs.iter().map(|lr| lr * factor).collect())
    }

    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        entries.required("step_size", &mut self.step_size)?;
        entries.required("gamma", &mut self.gamma)
    }
}
