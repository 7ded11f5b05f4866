use flambeau_tensor::{Error, Result};

use super::base::Scheduler;
use super::chained::{load_states, states};
use crate::optim::{Optimizer, StateMap};

/// One scheduler after the other, changing at the milestones.
///
/// ```
/// use flambeau_nn::optim::schedulers::{
///     ConstantLR, ConstantLROptions, ExponentialLR, ExponentialLROptions, Scheduler, SequentialLR,
/// };
/// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = SGD::new(vec![w], SGDOptions { lr: 1.0, ..Default::default() })?;
/// let first = ConstantLR::new(&mut optimizer, ConstantLROptions { factor: 0.25, total_iters: 10 })?;
/// let then = ExponentialLR::new(&mut optimizer, ExponentialLROptions { gamma: 0.5 })?;
/// let mut scheduler = SequentialLR::new(&mut optimizer, vec![Box::new(first), Box::new(then)], vec![2])?;
/// let mut rates = Vec::new();
/// for _ in 0..4 {
///     rates.push(optimizer.lr());
///     scheduler.step(&mut optimizer)?;
/// }
/// assert_eq!(rates, [0.25, 0.25, 1.0, 0.5]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub struct SequentialLR {
    schedulers: Vec<Box<dyn Scheduler>>,
    milestones: Vec<i64>,
    last_epoch: i64,
    last_lr: Vec<f64>,
}

impl SequentialLR {
    /// Schedulers of this optimizer, which come one after the other; each further one begins at its milestone.
    pub fn new(
        optimizer: &mut dyn Optimizer,
        schedulers: Vec<Box<dyn Scheduler>>,
        milestones: Vec<i64>,
    ) -> Result<SequentialLR> {
        if schedulers.is_empty() {
            return Err(Error::value("SequentialLR expects at least one scheduler, but got no scheduler."));
        }
        if milestones.len() != schedulers.len() - 1 {
            return Err(Error::value(format!(
                "Sequential Schedulers expects number of schedulers provided to be one more than the number of \
                 milestone points, but got number of schedulers {} and the number of milestones to be equal to {}",
                schedulers.len(),
                milestones.len()
            )));
        }
        let mut sequence = SequentialLR { schedulers, milestones, last_epoch: 0, last_lr: Vec::new() };
        // Every scheduler took its first step when it was made: that is undone, and the right one begins.
        for group in optimizer.param_groups_mut() {
            let first = group.note("initial_lr");
            group.set_lr(first.ok_or_else(|| Error::value("a group of parameters has no 'initial_lr'"))?);
        }
        sequence.undo();
        let which = sequence.turn();
        let first = &mut sequence.schedulers[which];
        first.begin(optimizer)?;
        sequence.last_lr = first.last_lr().to_vec();
        Ok(sequence)
    }

    /// Whose turn it is.
    fn turn(&self) -> usize {
        self.milestones.partition_point(|milestone| *milestone <= self.last_epoch)
    }
}

impl Scheduler for SequentialLR {
    fn step(&mut self, optimizer: &mut dyn Optimizer) -> Result<()> {
        self.last_epoch += 1;
        let which = self.turn();
        let scheduler = &mut self.schedulers[which];
        if which > 0 && self.milestones[which - 1] == self.last_epoch {
            scheduler.restart(optimizer)?;
        } else {
            scheduler.step(optimizer)?;
        }
        self.last_lr = scheduler.last_lr().to_vec();
        Ok(())
    }

    fn last_lr(&self) -> &[f64] {
        &self.last_lr
    }

    fn last_epoch(&self) -> i64 {
        self.last_epoch
    }

    fn state_dict(&self) -> StateMap {
        let mut state = StateMap::new();
        state.insert("_milestones", self.milestones.clone());
        state.insert("last_epoch", self.last_epoch);
        state.insert("_last_lr", self.last_lr.clone());
        state.insert("_schedulers", states(&self.schedulers));
        state
    }

    fn load_state_dict(&mut self, state: &StateMap) -> Result<()> {
        let milestones: Vec<i64> = state.require("_milestones")?;
        let (last_epoch, last_lr) = (state.require("last_epoch")?, state.require("_last_lr")?);
        if milestones.len() != self.milestones.len() {
            return Err(Error::value(format!(
                "the state dict has {} milestones, but the scheduler {}",
                milestones.len(),
                self.milestones.len()
            )));
        }
        load_states(&mut self.schedulers, state)?;
        (self.milestones, self.last_epoch, self.last_lr) = (milestones, last_epoch, last_lr);
        Ok(())
    }

    fn begin(&mut self, optimizer: &mut dyn Optimizer) -> Result<()> {
        self.step(optimizer)
    }

    fn restart(&mut self, _: &mut dyn Optimizer) -> Result<()> {
        Err(Error::not_implemented("SequentialLR cannot begin at a milestone of another SequentialLR"))
    }

    fn undo(&mut self) {
        self.schedulers.iter_mut().for_each(|scheduler| scheduler.undo());
    }
}
