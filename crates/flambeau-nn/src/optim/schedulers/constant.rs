use flambeau_tensor::{Error, Result};
use serde::{Deserialize, Serialize};

use super::base::{Clock, LRScheduler, Schedule, scaled, unchanged};
use crate::optim::{Entries, Group};

/// The options of [`ConstantLR`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConstantLROptions {
    /// What the rate is multiplied with.
    pub factor: f64,
    /// For how many epochs.
    pub total_iters: i64,
}

impl Default for ConstantLROptions {
    fn default() -> ConstantLROptions {
        ConstantLROptions { factor: 1.0 / 3.0, total_iters: 5 }
    }
}

/// Times `factor` for the first `total_iters` epochs.
///
/// ```
/// use flambeau_nn::optim::schedulers::{ConstantLR, ConstantLROptions, Scheduler};
/// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = SGD::new(vec![w], SGDOptions { lr: 1.0, ..Default::default() })?;
/// let mut scheduler = ConstantLR::new(&mut optimizer, ConstantLROptions { factor: 0.5, total_iters: 1 })?;
/// assert_eq!(optimizer.lr(), 0.5);
/// scheduler.step(&mut optimizer)?;
/// assert_eq!(optimizer.lr(), 1.0);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type ConstantLR = LRScheduler<ConstantLROptions>;

impl Schedule for ConstantLROptions {
    fn prepare(&mut self, _: &mut [&mut dyn Group], _: i64) -> Result<()> {
        if !(0.0..=1.0).contains(&self.factor) {
            return Err(Error::value("Constant multiplicative factor expected to be between 0 and 1."));
        }
        Ok(())
    }

    fn rates(&self, clock: &Clock, groups: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        Ok(match clock.last_epoch {
            0 => scaled(groups, self.factor),
            epoch if epoch == self.total_iters => scaled(groups, 1.0 / self.factor),
            _ => unchanged(groups),
        })
    }

    fn rates_from_base(&self, clock: &Clock, _: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        let over = if clock.last_epoch >= self.total_iters { 1.0 } else { 0.0 };
        Ok(clock.base_lrs.iter().map(|lr| lr * (self.factor + over * (1.0 - self.factor))).collect())
    }

    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        entries.required("factor", &mut self.factor)?;
        entries.required("total_iters", &mut self.total_iters)
    }
}
