use flambeau_tensor::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::optim::state_dict::Entries;
use crate::optim::{Group, Optimizer, StateMap};

/// What changes the learning rates of an optimizer from epoch to epoch.
/// [`ReduceLROnPlateau`](super::ReduceLROnPlateau), which asks for a metric, is none.
pub trait Scheduler: Send {
    /// Sets the rates of the next epoch.
    fn step(&mut self, optimizer: &mut dyn Optimizer) -> Result<()>;

    /// The rates that the last step set, one for each group (`get_last_lr`).
    fn last_lr(&self) -> &[f64];

    /// The number of the epoch, from 0 on.
    fn last_epoch(&self) -> i64;

    /// Everything it knows, with PyTorch's names, for a file.
    fn state_dict(&self) -> StateMap;

    /// Takes what [`Scheduler::state_dict`] gave. The rates are the optimizer's, whose own state dict has them.
    ///
    /// ```
    /// use flambeau_nn::optim::schedulers::{ExponentialLR, ExponentialLROptions, Scheduler};
    /// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
    /// use flambeau_tensor::Tensor;
    ///
    /// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
    /// let mut optimizer = SGD::new(vec![w.clone()], SGDOptions { lr: 1.0, ..Default::default() })?;
    /// let mut scheduler = ExponentialLR::new(&mut optimizer, ExponentialLROptions { gamma: 0.5 })?;
    /// scheduler.step(&mut optimizer)?;
    ///
    /// let mut again = SGD::new(vec![w], SGDOptions::default())?;
    /// let mut resumed = ExponentialLR::new(&mut again, ExponentialLROptions { gamma: 0.1 })?;
    /// again.load_state_dict(&optimizer.state_dict())?;
    /// resumed.load_state_dict(&scheduler.state_dict())?;
    /// resumed.step(&mut again)?;
    /// assert_eq!((again.lr(), resumed.last_epoch()), (0.25, 2));
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    fn load_state_dict(&mut self, state: &StateMap) -> Result<()>;

    /// Sets the rates of the first epoch. [`SequentialLR`](super::SequentialLR) begins a scheduler anew with it.
    fn begin(&mut self, optimizer: &mut dyn Optimizer) -> Result<()>;

    /// Begins at epoch 0, as computed from the first rates: what [`SequentialLR`](super::SequentialLR) does at a milestone.
    fn restart(&mut self, optimizer: &mut dyn Optimizer) -> Result<()>;

    /// Takes one epoch off, without changing rates.
    fn undo(&mut self);
}

/// What a [`Schedule`] may ask of the scheduler that it is in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clock {
    /// The number of the epoch, from 0 on.
    pub last_epoch: i64,
    /// The rates that the groups had at first.
    pub base_lrs: Vec<f64>,
    /// How many steps were taken; the one that sets the first rates counts.
    pub step_count: i64,
    /// Whether this is the step that sets the first rates.
    pub is_initial: bool,
}

/// The options of a scheduler and the rates that they ask for: with it, [`LRScheduler`] is a scheduler.
///
/// ```
/// use flambeau_nn::optim::schedulers::{Clock, LRScheduler, Schedule, Scheduler};
/// use flambeau_nn::optim::{Entries, Group, Optimizer, SGD, SGDOptions};
/// use flambeau_tensor::{Result, Tensor};
///
/// /// The first rate, divided by the number of the epoch.
/// #[derive(Clone)]
/// struct Harmonic;
///
/// impl Schedule for Harmonic {
///     fn rates(&self, clock: &Clock, _: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
///         Ok(clock.base_lrs.iter().map(|lr| lr / (clock.last_epoch + 1) as f64).collect())
///     }
///     fn entries(&mut self, _: &mut Entries) -> Result<()> {
///         Ok(())
///     }
/// }
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = SGD::new(vec![w], SGDOptions { lr: 1.0, ..Default::default() })?;
/// let mut scheduler: LRScheduler<Harmonic> = LRScheduler::new(&mut optimizer, Harmonic)?;
/// scheduler.step(&mut optimizer)?;
/// assert_eq!(optimizer.lr(), 0.5);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub trait Schedule: Clone + Send + Sync + 'static {
    /// Refuses options that mean nothing, and prepares the groups; where training goes on after a `last_epoch` that is not
    /// -1, they were prepared before.
    fn prepare(&mut self, _groups: &mut [&mut dyn Group], _last_epoch: i64) -> Result<()> {
        Ok(())
    }

    /// Told when the first rates are set.
    fn begun(&mut self, _clock: &mut Clock) {}

    /// Goes to the next epoch.
    fn advance(&mut self, clock: &mut Clock) {
        clock.step_count += 1;
        clock.last_epoch += 1;
    }

    /// The rates of the groups at `clock.last_epoch`; those before are what the groups have.
    fn rates(&self, clock: &Clock, groups: &mut [&mut dyn Group]) -> Result<Vec<f64>>;

    /// The same without regard to the rates before, if there is a formula for that.
    fn rates_from_base(&self, clock: &Clock, groups: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        self.rates(clock, groups)
    }

    /// Names all it holds, for state dicts.
    fn entries(&mut self, entries: &mut Entries) -> Result<()>;
}

/// A scheduler whose rates are a formula of the epoch, as its schedule `S` says: see [`StepLR`](super::StepLR),
/// [`OneCycleLR`](super::OneCycleLR) and their like.
#[derive(Clone)]
pub struct LRScheduler<S> {
    schedule: S,
    clock: Clock,
    last_lr: Vec<f64>,
}

impl<S: Schedule> LRScheduler<S> {
    /// A scheduler of this optimizer, whose rates it sets for the first epoch.
    pub fn new(optimizer: &mut dyn Optimizer, options: impl Into<S>) -> Result<LRScheduler<S>> {
        LRScheduler::resume(optimizer, options, -1)
    }

    /// A scheduler that goes on after `last_epoch` with an optimizer that had one before (whose groups have a note
    /// `initial_lr`); -1 begins anew.
    ///
    /// ```
    /// use flambeau_nn::optim::schedulers::{ExponentialLR, ExponentialLROptions, Scheduler};
    /// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
    /// use flambeau_tensor::Tensor;
    ///
    /// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
    /// let mut optimizer = SGD::new(vec![w], SGDOptions { lr: 1.0, ..Default::default() })?;
    /// let options = ExponentialLROptions { gamma: 0.5 };
    /// assert!(ExponentialLR::resume(&mut optimizer, options, 3).is_err());
    /// ExponentialLR::new(&mut optimizer, options)?;
    /// assert_eq!(ExponentialLR::resume(&mut optimizer, options, 3)?.last_epoch(), 4);
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    pub fn resume(optimizer: &mut dyn Optimizer, options: impl Into<S>, last_epoch: i64) -> Result<LRScheduler<S>> {
        let mut schedule: S = options.into();
        let mut groups = optimizer.param_groups_mut();
        schedule.prepare(&mut groups, last_epoch)?;
        for (i, group) in groups.iter_mut().enumerate() {
            match group.note("initial_lr") {
                None if last_epoch == -1 => {
                    let lr = group.lr();
                    group.set_note("initial_lr", lr);
                }
                None => {
                    return Err(Error::value(format!(
                        "param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with \
                         last_epoch >= 0.\nThis typically happens when:\n1. You're trying to resume training from a \
                         checkpoint but haven't properly loaded the optimizer state\n2. You're using last_epoch >= 0 \
                         for a fresh training run (not recommended)"
                    )));
                }
                Some(_) => {}
            }
        }
        let base_lrs = groups.iter().filter_map(|group| group.note("initial_lr")).collect();
        drop(groups);
        let clock = Clock { last_epoch, base_lrs, ..Clock::default() };
        let mut scheduler = LRScheduler { schedule, clock, last_lr: Vec::new() };
        scheduler.begin(optimizer)?;
        scheduler.schedule.begun(&mut scheduler.clock);
        Ok(scheduler)
    }

    /// The schedule.
    pub fn schedule(&self) -> &S {
        &self.schedule
    }

    /// Sets the rates of the present epoch, which `change` may change first.
    pub(super) fn update(
        &mut self,
        optimizer: &mut dyn Optimizer,
        from_base: bool,
        change: impl FnOnce(&mut S, &mut Clock) -> Result<()>,
    ) -> Result<()> {
        change(&mut self.schedule, &mut self.clock)?;
        let mut groups = optimizer.param_groups_mut();
        let rates = if from_base {
            self.schedule.rates_from_base(&self.clock, &mut groups)?
        } else {
            self.schedule.rates(&self.clock, &mut groups)?
        };
        if rates.len() != groups.len() {
            return Err(Error::value(format!(
                "the scheduler was made for {} groups of parameters, but the optimizer has {}",
                rates.len(),
                groups.len()
            )));
        }
        groups.iter_mut().zip(&rates).for_each(|(group, rate)| group.set_lr(*rate));
        self.last_lr = rates;
        Ok(())
    }

    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        self.schedule.entries(entries)?;
        entries.required("base_lrs", &mut self.clock.base_lrs)?;
        entries.required("last_epoch", &mut self.clock.last_epoch)?;
        entries.required("_step_count", &mut self.clock.step_count)?;
        entries.constant("_is_initial", false);
        entries.constant("_get_lr_called_within_step", false);
        entries.required("_last_lr", &mut self.last_lr)
    }
}

impl<S: Schedule> Scheduler for LRScheduler<S> {
    fn step(&mut self, optimizer: &mut dyn Optimizer) -> Result<()> {
        self.update(optimizer, false, |schedule, clock| {
            schedule.advance(clock);
            Ok(())
        })
    }

    fn last_lr(&self) -> &[f64] {
        &self.last_lr
    }

    fn last_epoch(&self) -> i64 {
        self.clock.last_epoch
    }

    fn state_dict(&self) -> StateMap {
        Entries::write(|entries| self.clone().entries(entries))
    }

    fn load_state_dict(&mut self, state: &StateMap) -> Result<()> {
        let mut loaded = self.clone();
        Entries::read(state, |entries| loaded.entries(entries))?;
        *self = loaded;
        Ok(())
    }

    fn begin(&mut self, optimizer: &mut dyn Optimizer) -> Result<()> {
        self.clock.step_count = 0;
        self.clock.is_initial = true;
        let done = self.step(optimizer);
        self.clock.is_initial = false;
        done
    }

    fn restart(&mut self, optimizer: &mut dyn Optimizer) -> Result<()> {
        self.update(optimizer, true, |_, clock| {
            clock.last_epoch = 0;
            Ok(())
        })
    }

    fn undo(&mut self) {
        self.clock.last_epoch -= 1;
    }
}

/// A number for all groups, or one for each.
///
/// ```
/// use flambeau_nn::optim::schedulers::PerGroup;
///
/// assert_eq!(PerGroup::from(0.1).each("max_lr", 2)?, [0.1, 0.1]);
/// assert_eq!(PerGroup::from([0.1, 0.2]).each("max_lr", 2)?, [0.1, 0.2]);
/// assert!(PerGroup::from([0.1, 0.2]).each("max_lr", 3).is_err());
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PerGroup {
    /// The same for all groups.
    All(f64),
    /// One for each group.
    Each(Vec<f64>),
}

impl PerGroup {
    /// One number for each of so many groups.
    pub fn each(&self, name: &str, groups: usize) -> Result<Vec<f64>> {
        match self {
            PerGroup::All(value) => Ok(vec![*value; groups]),
            PerGroup::Each(values) if values.len() == groups => Ok(values.clone()),
            PerGroup::Each(values) => Err(Error::value(format!(
                "{name} must have the same length as optimizer.param_groups. {name} has {} values, param_groups has \
                 {groups}.",
                values.len()
            ))),
        }
    }
}

impl From<f64> for PerGroup {
    fn from(value: f64) -> PerGroup {
        PerGroup::All(value)
    }
}

impl From<Vec<f64>> for PerGroup {
    fn from(values: Vec<f64>) -> PerGroup {
        PerGroup::Each(values)
    }
}

impl<const N: usize> From<[f64; N]> for PerGroup {
    fn from(values: [f64; N]) -> PerGroup {
        PerGroup::Each(values.to_vec())
    }
}

/// The rates that the groups have, times a factor.
pub(super) fn scaled(groups: &[&mut dyn Group], factor: f64) -> Vec<f64> {
    groups.iter().map(|group| group.lr() * factor).collect()
}

/// The rates that the groups have.
pub(super) fn unchanged(groups: &[&mut dyn Group]) -> Vec<f64> {
    groups.iter().map(|group| group.lr()).collect()
}

/// Sets the momentum of each group to the high one, and notes both.
pub(super) fn prepare_momentum(groups: &mut [&mut dyn Group], low: &[f64], high: &[f64]) {
    for ((group, low), high) in groups.iter_mut().zip(low).zip(high) {
        group.set_momentum(*high);
        group.set_note("max_momentum", *high);
        group.set_note("base_momentum", *low);
    }
}

/// Refuses optimizers without a momentum that could be cycled.
pub(super) fn check_momentum(groups: &[&mut dyn Group]) -> Result<()> {
    if groups.iter().all(|group| group.momentum().is_some()) {
        return Ok(());
    }
    Err(Error::value("optimizer must support momentum or beta1 with `cycle_momentum` option enabled"))
}
