use flambeau_tensor::{Error, Result};

use super::base::Scheduler;
use crate::optim::{Optimizer, StateMap};

/// Several schedulers at once: each step is one of all of them, in order.
///
/// ```
/// use flambeau_nn::optim::schedulers::{
///     ChainedScheduler, ConstantLR, ConstantLROptions, ExponentialLR, ExponentialLROptions, Scheduler,
/// };
/// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = SGD::new(vec![w], SGDOptions { lr: 1.0, ..Default::default() })?;
/// let constant = ConstantLR::new(&mut optimizer, ConstantLROptions { factor: 0.25, total_iters: 2 })?;
/// let falling = ExponentialLR::new(&mut optimizer, ExponentialLROptions { gamma: 0.5 })?;
/// let mut scheduler = ChainedScheduler::new(&mut optimizer, vec![Box::new(constant), Box::new(falling)])?;
/// let mut rates = Vec::new();
/// for _ in 0..3 {
///     rates.push(optimizer.lr());
///     scheduler.step(&mut optimizer)?;
/// }
/// assert_eq!(rates, [0.25, 0.125, 0.25]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub struct ChainedScheduler {
    schedulers: Vec<Box<dyn Scheduler>>,
    last_lr: Vec<f64>,
}

impl ChainedScheduler {
    /// Schedulers of this optimizer, which step together.
    pub fn new(optimizer: &mut dyn Optimizer, schedulers: Vec<Box<dyn Scheduler>>) -> Result<ChainedScheduler> {
        if schedulers.is_empty() {
            return Err(Error::value(
                "ChainedScheduler expects at least one scheduler to be chained, but got no scheduler.",
            ));
        }
        Ok(ChainedScheduler { schedulers, last_lr: present(optimizer) })
    }
}

fn present(optimizer: &dyn Optimizer) -> Vec<f64> {
    optimizer.param_groups().iter().map(|group| group.lr()).collect()
}

/// The state dicts of all schedulers.
pub(super) fn states(schedulers: &[Box<dyn Scheduler>]) -> Vec<StateMap> {
    schedulers.iter().map(|scheduler| scheduler.state_dict()).collect()
}

/// Gives each scheduler its part of a state dict.
pub(super) fn load_states(schedulers: &mut [Box<dyn Scheduler>], state: &StateMap) -> Result<()> {
    let all: Vec<StateMap> = state.require("_schedulers")?;
    if all.len() != schedulers.len() {
        return Err(Error::value(format!(
            "the state dict has {} schedulers, but here are {}",
            all.len(),
            schedulers.len()
        )));
    }
    schedulers.iter_mut().zip(&all).try_for_each(|(scheduler, own)| scheduler.load_state_dict(own))
}

impl Scheduler for ChainedScheduler {
    fn step(&mut self, optimizer: &mut dyn Optimizer) -> Result<()> {
        self.schedulers.iter_mut().try_for_each(|scheduler| scheduler.step(optimizer))?;
        self.last_lr = present(optimizer);
        Ok(())
    }

    fn last_lr(&self) -> &[f64] {
        &self.last_lr
    }

    /// That of the first of its schedulers.
    fn last_epoch(&self) -> i64 {
        self.schedulers[0].last_epoch()
    }

    fn state_dict(&self) -> StateMap {
        let mut state = StateMap::new();
        state.insert("_last_lr", self.last_lr.clone());
        state.insert("_schedulers", states(&self.schedulers));
        state
    }

    fn load_state_dict(&mut self, state: &StateMap) -> Result<()> {
        let last_lr = state.require("_last_lr")?;
        load_states(&mut self.schedulers, state)?;
        self.last_lr = last_lr;
        Ok(())
    }

    fn begin(&mut self, optimizer: &mut dyn Optimizer) -> Result<()> {
        self.step(optimizer)
    }

    fn restart(&mut self, _: &mut dyn Optimizer) -> Result<()> {
        Err(Error::not_implemented("ChainedScheduler cannot begin at a milestone of SequentialLR"))
    }

    fn undo(&mut self) {
        self.schedulers.iter_mut().for_each(|scheduler| scheduler.undo());
    }
}
