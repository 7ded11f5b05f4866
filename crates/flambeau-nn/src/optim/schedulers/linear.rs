use flambeau_tensor::{Error, Result};
use serde::{Deserialize, Serialize};

use super::base::{Clock, LRScheduler, Schedule, scaled, unchanged};
use crate::optim::{Entries, Group};

/// The options of [`LinearLR`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinearLROptions {
    /// What the rate is multiplied with in the first epoch.
    pub start_factor: f64,
    /// What it is multiplied with in the end.
    pub end_factor: f64,
    /// After how many epochs the end is reached.
    pub total_iters: i64,
}

impl Default for LinearLROptions {
    fn default() -> LinearLROptions {
        LinearLROptions { start_factor: 1.0 / 3.0, end_factor: 1.0, total_iters: 5 }
    }
}

/// Along a line from `start_factor` to `end_factor` in `total_iters` epochs.
///
/// ```
/// use flambeau_nn::optim::schedulers::{LinearLR, LinearLROptions, Scheduler};
/// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = SGD::new(vec![w], SGDOptions { lr: 1.0, ..Default::default() })?;
/// let options = LinearLROptions { start_factor: 0.5, total_iters: 2, ..Default::default() };
/// let mut scheduler = LinearLR::new(&mut optimizer, options)?;
/// assert_eq!(optimizer.lr(), 0.5);
/// scheduler.step(&mut optimizer)?;
/// assert_eq!(optimizer.lr(), 0.75);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type LinearLR = LRScheduler<LinearLROptions>;

impl Schedule for LinearLROptions {
    fn prepare(&mut self, _: &mut [&mut dyn Group], _: i64) -> Result<()> {
        if self.start_factor > 1.0 || self.start_factor <= 0.0 {
            return Err(Error::value(
                "Starting multiplicative factor expected to be greater than 0 and less or equal to 1.",
            ));
        }
        if self.end_factor > 1.0 || self.end_factor < 0.0 {
            return Err(Error::value("Ending multiplicative factor expected to be between 0 and 1."));
        }
        Ok(())
    }

    fn rates(&self, clock: &Clock, groups: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        let (epoch, rise) = (clock.last_epoch, self.end_factor - self.start_factor);
        if epoch == 0 {
            return Ok(scaled(groups, self.start_factor));
        }
        if clock.is_initial || epoch > self.total_iters {
            return Ok(unchanged(groups));
        }
        let before = self.total_iters as f64 * self.start_factor + (epoch - 1) as f64 * rise;
        Ok(scaled(groups, 1.0 + rise / before))
    }

    fn rates_from_base(&self, clock: &Clock, _: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        let passed = clock.last_epoch.min(self.total_iters) as f64;
        let factor = self.start_factor + (self.end_factor - self.start_factor) * passed / self.total_iters as f64;
        Ok(clock.base_lrs.iter().map(|lr| lr * factor).collect())
    }

    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        entries.required("start_factor", &mut self.start_factor)?;
        entries.required("end_factor", &mut self.end_factor)?;
        entries.required("total_iters", &mut self.total_iters)
    }
}
