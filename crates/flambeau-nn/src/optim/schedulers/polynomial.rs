use flambeau_tensor::Result;
use serde::{Deserialize, Serialize};

use super::base::{Clock, LRScheduler, Schedule, scaled, unchanged};
use crate::optim::{Entries, Group};

/// The options of [`PolynomialLR`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolynomialLROptions {
    /// After how many epochs the rate is 0.
    pub total_iters: i64,
    /// The power of the line.
    pub power: f64,
}

impl Default for PolynomialLROptions {
    fn default() -> PolynomialLROptions {
        PolynomialLROptions { total_iters: 5, power: 1.0 }
    }
}

/// Down to 0 in `total_iters` epochs, along a power of a line.
///
/// ```
/// use flambeau_nn::optim::schedulers::{PolynomialLR, PolynomialLROptions, Scheduler};
/// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = SGD::new(vec![w], SGDOptions { lr: 1.0, ..Default::default() })?;
/// let mut scheduler = PolynomialLR::new(&mut optimizer, PolynomialLROptions { total_iters: 4, power: 2.0 })?;
/// scheduler.step(&mut optimizer)?;
/// assert_eq!(optimizer.lr(), 0.5625);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type PolynomialLR = LRScheduler<PolynomialLROptions>;

impl PolynomialLROptions {
    /// How much of the line is left after so many epochs.
    fn left(&self, epochs: i64) -> f64 {
        1.0 - epochs as f64 / self.total_iters as f64
    }
}

impl Schedule for PolynomialLROptions {
    fn rates(&self, clock: &Clock, groups: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        let epoch = clock.last_epoch;
        if clock.is_initial || epoch > self.total_iters {
            return Ok(unchanged(groups));
        }
        Ok(scaled(groups, (self.left(epoch) / self.left(epoch - 1)).powf(self.power)))
    }

    fn rates_from_base(&self, clock: &Clock, _: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        let factor = self.left(clock.last_epoch.min(self.total_iters)).powf(self.power);
        Ok(clock.base_lrs.iter().map(|lr| lr * factor).collect())
    }

    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        entries.required("total_iters", &mut self.total_iters)?;
        entries.required("power", &mut self.power)
    }
}
