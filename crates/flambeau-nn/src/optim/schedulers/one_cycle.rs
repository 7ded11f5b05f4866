use std::f64::consts::PI;

use flambeau_tensor::{Error, Result};
use serde::{Deserialize, Serialize};

use super::base::{Clock, LRScheduler, PerGroup, Schedule, check_momentum, prepare_momentum};
use crate::optim::state_dict::{python_float, words};
use crate::optim::{Entries, FromState, Group, StateMap, StateValue};

/// The way from one rate to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anneal {
    /// Along half a cosine.
    #[default]
    Cos,
    /// Along a line.
    Linear,
}
words!(Anneal { Cos: "cos", Linear: "linear" });

impl Anneal {
    fn between(self, start: f64, end: f64, share: f64) -> f64 {
        match self {
            Anneal::Cos => end + (start - end) / 2.0 * ((PI * share).cos() + 1.0),
            Anneal::Linear => (end - start) * share + start,
        }
    }
}

/// The options of [`OneCycleLR`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneCycleLROptions {
    /// The highest rate.
    pub max_lr: PerGroup,
    /// The steps of the cycle: epochs times batches.
    pub total_steps: i64,
    /// The share of the steps that goes up.
    pub pct_start: f64,
    /// The way from one rate to another.
    pub anneal_strategy: Anneal,
    /// Whether momentum goes down while the rate goes up.
    pub cycle_momentum: bool,
    /// The lowest momentum.
    pub base_momentum: PerGroup,
    /// The highest momentum.
    pub max_momentum: PerGroup,
    /// The highest rate is so many times the first.
    pub div_factor: f64,
    /// The first rate is so many times the last.
    pub final_div_factor: f64,
    /// Whether the rate goes down to the first in as many steps as it went up, and only then to the last.
    pub three_phase: bool,
}

impl OneCycleLROptions {
    /// Up to this rate and down again in so many steps, the rest as in PyTorch where nothing is said.
    pub fn new(max_lr: impl Into<PerGroup>, total_steps: i64) -> OneCycleLROptions {
        OneCycleLROptions {
            max_lr: max_lr.into(),
            total_steps,
            pct_start: 0.3,
            anneal_strategy: Anneal::Cos,
            cycle_momentum: true,
            base_momentum: 0.85.into(),
            max_momentum: 0.95.into(),
            div_factor: 25.0,
            final_div_factor: 1e4,
            three_phase: false,
        }
    }
}

/// Once up to `max_lr` and far down again, in a fixed number of steps. A step is that of a batch, not of an epoch.
///
/// ```
/// use flambeau_nn::optim::schedulers::{OneCycleLR, OneCycleLROptions, Scheduler};
/// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = SGD::new(vec![w], SGDOptions { momentum: 0.9, ..Default::default() })?;
/// let mut scheduler = OneCycleLR::new(&mut optimizer, OneCycleLROptions::new(1.0, 10))?;
/// assert!((optimizer.lr() - 0.04).abs() < 1e-12); // max_lr / div_factor
/// scheduler.step(&mut optimizer)?;
/// scheduler.step(&mut optimizer)?;
/// assert!((optimizer.lr() - 1.0).abs() < 1e-12);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type OneCycleLR = LRScheduler<OneCycle>;

/// The schedule of [`OneCycleLR`].
#[derive(Clone, Debug)]
pub struct OneCycle {
    options: OneCycleLROptions,
    phases: Vec<Phase>,
    use_beta1: bool,
}

/// A part of the cycle. Rates and momentums are named: they are notes of the groups.
#[derive(Clone, Debug)]
struct Phase {
    end_step: f64,
    start_lr: String,
    end_lr: String,
    start_momentum: String,
    end_momentum: String,
}

impl Phase {
    fn new(end_step: f64, lrs: [&str; 2], momentums: [&str; 2]) -> Phase {
        let ([start_lr, end_lr], [start_momentum, end_momentum]) =
            (lrs.map(str::to_string), momentums.map(|name| format!("{name}_momentum")));
        Phase { end_step, start_lr, end_lr, start_momentum, end_momentum }
    }
}

impl From<Phase> for StateValue {
    fn from(phase: Phase) -> StateValue {
        let mut map = StateMap::new();
        map.insert("end_step", phase.end_step);
        map.insert("start_lr", phase.start_lr);
        map.insert("end_lr", phase.end_lr);
        map.insert("start_momentum", phase.start_momentum);
        map.insert("end_momentum", phase.end_momentum);
        map.into()
    }
}

impl FromState for Phase {
    fn from_state(value: &StateValue) -> Option<Phase> {
        let map: StateMap = value.read()?;
        let name = |key: &str| map.get(key)?.read::<String>();
        Some(Phase {
            end_step: map.get("end_step")?.read()?,
            start_lr: name("start_lr")?,
            end_lr: name("end_lr")?,
            start_momentum: name("start_momentum")?,
            end_momentum: name("end_momentum")?,
        })
    }
}

impl From<OneCycleLROptions> for OneCycle {
    fn from(options: OneCycleLROptions) -> OneCycle {
        let steps = options.total_steps as f64;
        let top = options.pct_start * steps - 1.0;
        let mut phases = vec![Phase::new(top, ["initial_lr", "max_lr"], ["max", "base"])];
        if options.three_phase {
            let down = 2.0 * options.pct_start * steps - 2.0;
            phases.push(Phase::new(down, ["max_lr", "initial_lr"], ["base", "max"]));
            phases.push(Phase::new(steps - 1.0, ["initial_lr", "min_lr"], ["max", "max"]));
        } else {
            phases.push(Phase::new(steps - 1.0, ["max_lr", "min_lr"], ["base", "max"]));
        }
        OneCycle { options, phases, use_beta1: false }
    }
}

fn noted(group: &dyn Group, name: &str) -> Result<f64> {
    group.note(name).ok_or_else(|| Error::value(format!("OneCycleLR: a group of parameters has no '{name}'")))
}

impl Schedule for OneCycle {
    fn prepare(&mut self, groups: &mut [&mut dyn Group], last_epoch: i64) -> Result<()> {
        let o = &self.options;
        if o.total_steps <= 0 {
            return Err(Error::value(format!("Expected positive integer total_steps, but got {}", o.total_steps)));
        }
        if !(0.0..=1.0).contains(&o.pct_start) {
            return Err(Error::value(format!(
                "Expected float between 0 and 1 pct_start, but got {}",
                python_float(o.pct_start)
            )));
        }
        let n = groups.len();
        let highest = o.max_lr.each("max_lr", n)?;
        if last_epoch == -1 {
            for (group, max_lr) in groups.iter_mut().zip(highest) {
                let first = max_lr / o.div_factor;
                group.set_note("initial_lr", first);
                group.set_note("max_lr", max_lr);
                group.set_note("min_lr", first / o.final_div_factor);
            }
        }
        if o.cycle_momentum {
            check_momentum(groups)?;
            self.use_beta1 = groups.first().is_some_and(|group| group.has_betas());
            let high = o.max_momentum.each("max_momentum", n)?;
            let low = o.base_momentum.each("base_momentum", n)?;
            if last_epoch == -1 {
                prepare_momentum(groups, &low, &high);
            }
        }
        Ok(())
    }

    fn rates(&self, clock: &Clock, groups: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        let (step, total) = (clock.last_epoch, self.options.total_steps);
        if step > total {
            return Err(Error::value(format!(
                "Tried to step {step} times. The specified number of total steps is {total}"
            )));
        }
        let step = step as f64;
        let last = self.phases.len() - 1;
        let here = self.phases.iter().position(|phase| step <= phase.end_step).unwrap_or(last);
        let phase = &self.phases[here];
        let start = if here == 0 { 0.0 } else { self.phases[here - 1].end_step };
        if phase.end_step == start {
            return Err(Error::value(format!(
                "OneCycleLR: a phase begins and ends at step {start}: pct_start of total_steps is too short"
            )));
        }
        let share = (step - start) / (phase.end_step - start);
        let way = self.options.anneal_strategy;
        let mut rates = Vec::with_capacity(groups.len());
        for group in groups.iter_mut() {
            rates.push(way.between(noted(*group, &phase.start_lr)?, noted(*group, &phase.end_lr)?, share));
            if self.options.cycle_momentum {
                let (from, to) = (noted(*group, &phase.start_momentum)?, noted(*group, &phase.end_momentum)?);
                group.set_momentum(way.between(from, to, share));
            }
        }
        Ok(rates)
    }

    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        entries.required("total_steps", &mut self.options.total_steps)?;
        entries.required("_schedule_phases", &mut self.phases)?;
        entries.required("_anneal_func_type", &mut self.options.anneal_strategy)?;
        entries.required("cycle_momentum", &mut self.options.cycle_momentum)?;
        if self.options.cycle_momentum {
            entries.required("use_beta1", &mut self.use_beta1)?;
        }
        if self.phases.is_empty() {
            return Err(Error::value("the state dict's '_schedule_phases' is empty"));
        }
        Ok(())
    }
}
