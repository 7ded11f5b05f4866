use std::f64::consts::PI;

use flambeau_tensor::{Error, Result};
use serde::{Deserialize, Serialize};

use super::Anneal;
use super::base::{Clock, LRScheduler, PerGroup, Schedule};
use crate::optim::{Entries, Group};

/// The options of [`SWALR`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SWALROptions {
    /// The rate to stay at.
    pub swa_lr: PerGroup,
    /// After how many epochs.
    pub anneal_epochs: i64,
    /// The way there.
    pub anneal_strategy: Anneal,
}

impl SWALROptions {
    /// To this rate, the rest as in PyTorch where nothing is said.
    pub fn new(swa_lr: impl Into<PerGroup>) -> SWALROptions {
        SWALROptions { swa_lr: swa_lr.into(), anneal_epochs: 10, anneal_strategy: Anneal::Cos }
    }

    /// How much of the way is gone after so many steps.
    fn share(&self, step: i64) -> f64 {
        let t = (step as f64 / self.anneal_epochs.max(1) as f64).clamp(0.0, 1.0);
        match self.anneal_strategy {
            Anneal::Cos => (1.0 - (PI * t).cos()) / 2.0,
            Anneal::Linear => t,
        }
    }
}

/// From the present rate to `swa_lr` in so many epochs, to stay there while weights are averaged
/// (`torch.optim.swa_utils.SWALR`).
///
/// ```
/// use flambeau_nn::optim::schedulers::{Anneal, SWALR, SWALROptions, Scheduler};
/// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = SGD::new(vec![w], SGDOptions { lr: 1.0, ..Default::default() })?;
/// let options = SWALROptions { anneal_epochs: 2, anneal_strategy: Anneal::Linear, ..SWALROptions::new(0.5) };
/// let mut scheduler = SWALR::new(&mut optimizer, options)?;
/// scheduler.step(&mut optimizer)?;
/// assert_eq!(optimizer.lr(), 0.75);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type SWALR = LRScheduler<SWALROptions>;

impl Schedule for SWALROptions {
    fn prepare(&mut self, groups: &mut [&mut dyn Group], _: i64) -> Result<()> {
        let targets = self.swa_lr.each("swa_lr", groups.len())?;
        groups.iter_mut().zip(targets).for_each(|(group, target)| group.set_note("swa_lr", target));
        if self.anneal_epochs < 0 {
            return Err(Error::value(format!(
                "anneal_epochs must be equal or greater than 0, got {}",
                self.anneal_epochs
            )));
        }
        Ok(())
    }

    fn rates(&self, clock: &Clock, groups: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        let mut step = clock.step_count - 1;
        if self.anneal_epochs == 0 {
            step = step.max(1);
        }
        let (before, now) = (self.share(step - 1), self.share(step));
        let rate = |group: &&mut dyn Group| {
            let lr = group.lr();
            let target = group.note("swa_lr").unwrap_or(lr);
            // The rate that it started from follows from where it is; at the end it does not matter any more.
            let start = if before == 1.0 { target } else { (lr - before * target) / (1.0 - before) };
            target * now + start * (1.0 - now)
        };
        Ok(groups.iter().map(rate).collect())
    }

    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        entries.required("_anneal_strategy", &mut self.anneal_strategy)?;
        entries.required("anneal_epochs", &mut self.anneal_epochs)
    }
}
