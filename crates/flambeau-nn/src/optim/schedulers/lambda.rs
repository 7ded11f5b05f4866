use std::sync::Arc;

use flambeau_tensor::{Error, Result};

use super::base::{Clock, LRScheduler, Schedule};
use crate::optim::{Entries, Group, StateValue};

/// A function of the number of the epoch.
pub type Lambda = Arc<dyn Fn(i64) -> f64 + Send + Sync>;

/// The options of [`LambdaLR`].
#[derive(Clone)]
pub struct LambdaLROptions {
    /// One function for all groups, or one for each.
    pub lr_lambdas: Vec<Lambda>,
}

impl LambdaLROptions {
    /// One function for all groups.
    pub fn new(lr_lambda: impl Fn(i64) -> f64 + Send + Sync + 'static) -> LambdaLROptions {
        LambdaLROptions { lr_lambdas: vec![Arc::new(lr_lambda)] }
    }
}

/// The first rate times a function of the epoch.
///
/// ```
/// use flambeau_nn::optim::schedulers::{LambdaLR, LambdaLROptions, Scheduler};
/// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = SGD::new(vec![w], SGDOptions { lr: 1.0, ..Default::default() })?;
/// let options = LambdaLROptions::new(|epoch| 1.0 / (epoch + 1) as f64);
/// let mut scheduler = LambdaLR::new(&mut optimizer, options)?;
/// scheduler.step(&mut optimizer)?;
/// assert_eq!(optimizer.lr(), 0.5);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type LambdaLR = LRScheduler<LambdaLROptions>;

/// One function for each group.
pub(super) fn each(lambdas: &mut Vec<Lambda>, groups: usize) -> Result<()> {
    match lambdas.as_slice() {
        [one] => *lambdas = vec![one.clone(); groups],
        all if all.len() == groups => {}
        all => return Err(Error::value(format!("Expected {groups} lr_lambdas, but got {}", all.len()))),
    }
    Ok(())
}

/// Functions are no part of a state dict; PyTorch writes `None` for each.
pub(super) fn lambda_entries(lambdas: &[Lambda], entries: &mut Entries) -> Result<()> {
    entries.constant("lr_lambdas", vec![StateValue::None; lambdas.len()]);
    Ok(())
}

impl Schedule for LambdaLROptions {
    fn prepare(&mut self, groups: &mut [&mut dyn Group], _: i64) -> Result<()> {
        each(&mut self.lr_lambdas, groups.len())
    }

    fn rates(&self, clock: &Clock, _: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        Ok(self.lr_lambdas.iter().zip(&clock.base_lrs).map(|(f, base)| base * f(clock.last_epoch)).collect())
    }

    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        lambda_entries(&self.lr_lambdas, entries)
    }
}
