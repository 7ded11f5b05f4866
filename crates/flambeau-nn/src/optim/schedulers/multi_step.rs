use std::collections::BTreeMap;

use flambeau_tensor::{Error, Result};
use serde::{Deserialize, Serialize};

use super::base::{Clock, LRScheduler, Schedule, scaled, unchanged};
use super::step::tenth;
use crate::optim::{Entries, Group, StateMap, StateValue};

/// The options of [`MultiStepLR`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiStepLROptions {
    /// The epochs in which the rate falls; one that comes twice counts twice.
    pub milestones: Vec<i64>,
    /// What it is multiplied with then.
    #[serde(default = "tenth")]
    pub gamma: f64,
}

impl MultiStepLROptions {
    /// A tenth at each of the milestones.
    pub fn new(milestones: impl Into<Vec<i64>>) -> MultiStepLROptions {
        MultiStepLROptions { milestones: milestones.into(), gamma: tenth() }
    }
}

/// Times `gamma` at each of the milestones.
///
/// ```
/// use flambeau_nn::optim::schedulers::{MultiStepLR, MultiStepLROptions, Scheduler};
/// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = SGD::new(vec![w], SGDOptions { lr: 1.0, ..Default::default() })?;
/// let options = MultiStepLROptions { milestones: vec![1, 3], gamma: 0.5 };
/// let mut scheduler = MultiStepLR::new(&mut optimizer, options)?;
/// let mut rates = Vec::new();
/// for _ in 0..3 {
///     scheduler.step(&mut optimizer)?;
///     rates.push(optimizer.lr());
/// }
/// assert_eq!(rates, [0.5, 0.5, 0.25]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type MultiStepLR = LRScheduler<MultiStepLROptions>;

impl MultiStepLROptions {
    fn after(&self, factors: usize, clock: &Clock) -> Vec<f64> {
        let factor = self.gamma.powf(factors as f64);
        clock.base_lrs.iter().map(|lr| lr * factor).collect()
    }
}

impl Schedule for MultiStepLROptions {
    fn rates(&self, clock: &Clock, groups: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        match self.milestones.iter().filter(|m| **m == clock.last_epoch).count() {
            0 => Ok(unchanged(groups)),
            n => Ok(scaled(groups, self.gamma.powf(n as f64))),
        }
    }

    fn rates_from_base(&self, clock: &Clock, _: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        Ok(self.after(self.milestones.iter().filter(|m| **m <= clock.last_epoch).count(), clock))
    }

    /// In Python the milestones are a dictionary that counts them.
    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        let mut counts = BTreeMap::<i64, i64>::new();
        self.milestones.iter().for_each(|m| *counts.entry(*m).or_default() += 1);
        let mut counted: StateMap = counts.into_iter().collect();
        entries.required("milestones", &mut counted)?;
        let mut milestones = Vec::new();
        for (key, value) in counted.iter() {
            let (Some(epoch), Some(times)) = (key.read::<i64>(), StateValue::read::<usize>(value)) else {
                return Err(Error::value("the state dict's 'milestones' does not count epochs"));
            };
            milestones.extend(vec![epoch; times]);
        }
        self.milestones = milestones;
        entries.required("gamma", &mut self.gamma)
    }
}
