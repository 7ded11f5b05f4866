use std::f64::consts::PI;

use flambeau_tensor::{Error, Result};
use serde::{Deserialize, Serialize};

use super::base::{Clock, LRScheduler, Schedule, unchanged};
use crate::optim::{Entries, Group};

/// The options of [`CosineAnnealingLR`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CosineAnnealingLROptions {
    /// After how many epochs the rate is at its lowest (`T_max`).
    pub t_max: i64,
    /// The lowest rate.
    #[serde(default)]
    pub eta_min: f64,
}

/// Down to `eta_min` in `t_max` epochs along half a cosine, and up again.
///
/// ```
/// use flambeau_nn::optim::schedulers::{CosineAnnealingLR, CosineAnnealingLROptions, Scheduler};
/// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = SGD::new(vec![w], SGDOptions { lr: 1.0, ..Default::default() })?;
/// let options = CosineAnnealingLROptions::new(2); // or { t_max: 2, eta_min: 0.01 }
/// let mut scheduler = CosineAnnealingLR::new(&mut optimizer, options)?;
/// scheduler.step(&mut optimizer)?;
/// assert_eq!(optimizer.lr(), 0.5);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type CosineAnnealingLR = LRScheduler<CosineAnnealingLROptions>;

impl CosineAnnealingLROptions {
    /// Down to 0.
    pub fn new(t_max: i64) -> CosineAnnealingLROptions {
        CosineAnnealingLROptions { t_max, eta_min: 0.0 }
    }

    /// 2 at the top, 0 at the bottom.
    fn height(&self, epoch: i64) -> f64 {
        1.0 + (PI * epoch as f64 / self.t_max as f64).cos()
    }
}

impl Schedule for CosineAnnealingLROptions {
    fn prepare(&mut self, _: &mut [&mut dyn Group], _: i64) -> Result<()> {
        if self.t_max <= 0 {
            return Err(Error::value(format!("Expected positive integer T_max, but got {}", self.t_max)));
        }
        Ok(())
    }

    fn rates(&self, clock: &Clock, groups: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        let epoch = clock.last_epoch;
        if clock.is_initial {
            return Ok(unchanged(groups));
        }
        if clock.step_count == 1 && epoch > 0 {
            return self.rates_from_base(clock, groups);
        }
        if (epoch - 1 - self.t_max).rem_euclid(2 * self.t_max) == 0 {
            // At the bottom the ratio below is 0 / 0.
            let lift = 1.0 - (PI / self.t_max as f64).cos();
            let lifted = |(group, base): (&&mut dyn Group, &f64)| group.lr() + (base - self.eta_min) * lift / 2.0;
            return Ok(groups.iter().zip(&clock.base_lrs).map(lifted).collect());
        }
        let ratio = self.height(epoch) / self.height(epoch - 1);
        Ok(groups.iter().map(|group| ratio * (group.lr() - self.eta_min) + self.eta_min).collect())
    }

    fn rates_from_base(&self, clock: &Clock, _: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        let height = self.height(clock.last_epoch);
        Ok(clock.base_lrs.iter().map(|base| self.eta_min + (base - self.eta_min) * height / 2.0).collect())
    }

    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        entries.required("T_max", &mut self.t_max)?;
        entries.required("eta_min", &mut self.eta_min)
    }
}
