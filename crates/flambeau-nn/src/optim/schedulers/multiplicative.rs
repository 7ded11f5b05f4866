use std::sync::Arc;

use flambeau_tensor::Result;

use super::base::{Clock, LRScheduler, Schedule, unchanged};
use super::lambda::{Lambda, each, lambda_entries};
use crate::optim::{Entries, Group};

/// The options of [`MultiplicativeLR`].
#[derive(Clone)]
pub struct MultiplicativeLROptions {
    /// One function for all groups, or one for each.
    pub lr_lambdas: Vec<Lambda>,
}

impl MultiplicativeLROptions {
    /// One function for all groups.
    pub fn new(lr_lambda: impl Fn(i64) -> f64 + Send + Sync + 'static) -> MultiplicativeLROptions {
        MultiplicativeLROptions { lr_lambdas: vec![Arc::new(lr_lambda)] }
    }
}

/// The rate before times a function of the epoch.
///
/// ```
/// use flambeau_nn::optim::schedulers::{MultiplicativeLR, MultiplicativeLROptions, Scheduler};
/// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = SGD::new(vec![w], SGDOptions { lr: 1.0, ..Default::default() })?;
/// let options = MultiplicativeLROptions::new(|epoch| if epoch < 2 { 1.0 } else { 0.5 });
/// let mut scheduler = MultiplicativeLR::new(&mut optimizer, options)?;
/// for _ in 0..3 {
///     scheduler.step(&mut optimizer)?;
/// }
/// assert_eq!(optimizer.lr(), 0.25);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type MultiplicativeLR = LRScheduler<MultiplicativeLROptions>;

impl Schedule for MultiplicativeLROptions {
    fn prepare(&mut self, groups: &mut [&mut dyn Group], _: i64) -> Result<()> {
        each(&mut self.lr_lambdas, groups.len())
    }

    fn rates(&self, clock: &Clock, groups: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        if clock.is_initial {
            return Ok(unchanged(groups));
        }
        Ok(self.lr_lambdas.iter().zip(groups.iter()).map(|(f, group)| group.lr() * f(clock.last_epoch)).collect())
    }

    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        lambda_entries(&self.lr_lambdas, entries)
    }
}
