use flambeau_tensor::{Error, Result};
use serde::{Deserialize, Serialize};

use super::base::PerGroup;
use crate::optim::state_dict::{Entries, words};
use crate::optim::{Optimizer, StateMap};

/// Whether a metric is to fall or to rise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlateauMode {
    /// Lower is better, as for a loss.
    #[default]
    Min,
    /// Higher is better, as for an accuracy.
    Max,
}
words!(PlateauMode { Min: "min", Max: "max" });

/// How much better a metric must be to count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdMode {
    /// By a share of the best.
    #[default]
    Rel,
    /// By a difference.
    Abs,
}
words!(ThresholdMode { Rel: "rel", Abs: "abs" });

/// The options of [`ReduceLROnPlateau`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReduceLROnPlateauOptions {
    /// Whether the metric is to fall or to rise.
    pub mode: PlateauMode,
    /// What the rate is multiplied with.
    pub factor: f64,
    /// How many epochs without improvement are borne.
    pub patience: i64,
    /// How much better the metric must be to count.
    pub threshold: f64,
    /// What the threshold is: a share or a difference.
    pub threshold_mode: ThresholdMode,
    /// For how many epochs after the rate fell nothing is counted.
    pub cooldown: i64,
    /// The lowest rate.
    pub min_lr: PerGroup,
    /// A fall by less than this is left out.
    pub eps: f64,
}

impl Default for ReduceLROnPlateauOptions {
    fn default() -> ReduceLROnPlateauOptions {
        ReduceLROnPlateauOptions {
            mode: PlateauMode::Min,
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            threshold_mode: ThresholdMode::Rel,
            cooldown: 0,
            min_lr: 0.0.into(),
            eps: 1e-8,
        }
    }
}

/// Times `factor` when the metric has not improved for `patience` epochs. Its step asks for the metric of the epoch.
///
/// ```
/// use flambeau_nn::optim::schedulers::{ReduceLROnPlateau, ReduceLROnPlateauOptions};
/// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = SGD::new(vec![w], SGDOptions { lr: 1.0, ..Default::default() })?;
/// let options = ReduceLROnPlateauOptions { factor: 0.5, patience: 1, ..Default::default() };
/// let mut scheduler = ReduceLROnPlateau::new(&mut optimizer, options)?;
/// for loss in [3.0, 2.0, 2.0, 2.0] {
///     scheduler.step(loss, &mut optimizer)?;
/// }
/// assert_eq!(optimizer.lr(), 0.5);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReduceLROnPlateau {
    options: ReduceLROnPlateauOptions,
    min_lrs: Vec<f64>,
    last_epoch: i64,
    last_lr: Vec<f64>,
    best: f64,
    cooldown_counter: i64,
    num_bad_epochs: i64,
}

impl ReduceLROnPlateau {
    /// A scheduler of this optimizer.
    pub fn new(optimizer: &mut dyn Optimizer, options: ReduceLROnPlateauOptions) -> Result<ReduceLROnPlateau> {
        if options.factor >= 1.0 {
            return Err(Error::value("Factor should be < 1.0."));
        }
        let groups = optimizer.param_groups();
        let min_lrs = match &options.min_lr {
            PerGroup::Each(all) if all.len() != groups.len() => {
                return Err(Error::value(format!("expected {} min_lrs, got {}", groups.len(), all.len())));
            }
            given => given.each("min_lr", groups.len())?,
        };
        let last_lr = groups.iter().map(|group| group.lr()).collect();
        let best = worst(options.mode);
        let (last_epoch, cooldown_counter, num_bad_epochs) = (0, 0, 0);
        Ok(ReduceLROnPlateau { options, min_lrs, last_epoch, last_lr, best, cooldown_counter, num_bad_epochs })
    }

    /// Looks at the metric of an epoch.
    pub fn step(&mut self, metric: f64, optimizer: &mut dyn Optimizer) -> Result<()> {
        self.last_epoch += 1;
        if self.is_better(metric) {
            self.best = metric;
            self.num_bad_epochs = 0;
        } else {
            self.num_bad_epochs += 1;
        }
        if self.in_cooldown() {
            self.cooldown_counter -= 1;
            self.num_bad_epochs = 0;
        }
        if self.num_bad_epochs > self.options.patience {
            self.reduce(optimizer)?;
            self.cooldown_counter = self.options.cooldown;
            self.num_bad_epochs = 0;
        }
        self.last_lr = optimizer.param_groups().iter().map(|group| group.lr()).collect();
        Ok(())
    }

    /// The rates after the last step, one for each group.
    pub fn last_lr(&self) -> &[f64] {
        &self.last_lr
    }

    /// The number of epochs.
    pub fn last_epoch(&self) -> i64 {
        self.last_epoch
    }

    /// The best metric so far.
    pub fn best(&self) -> f64 {
        self.best
    }

    /// Whether bad epochs do not count for now.
    pub fn in_cooldown(&self) -> bool {
        self.cooldown_counter > 0
    }

    fn reduce(&mut self, optimizer: &mut dyn Optimizer) -> Result<()> {
        let groups = optimizer.param_groups_mut();
        if groups.len() != self.min_lrs.len() {
            let PerGroup::All(floor) = self.options.min_lr else {
                return Err(Error::runtime(format!(
                    "The number of param groups in the `optimizer` ({}) differs from when `ReduceLROnPlateau` was \
                     initialized ({}), usually due to a new param group being added to the optimizer. Please modify \
                     the `min_lrs` field to match the length of the `optimizer` param groups.",
                    groups.len(),
                    self.min_lrs.len()
                )));
            };
            self.min_lrs = vec![floor; groups.len()];
        }
        for (group, floor) in groups.into_iter().zip(&self.min_lrs) {
            let (old, new) = (group.lr(), (group.lr() * self.options.factor).max(*floor));
            if old - new > self.options.eps {
                group.set_lr(new);
            }
        }
        Ok(())
    }

    fn is_better(&self, metric: f64) -> bool {
        let (best, threshold) = (self.best, self.options.threshold);
        match (self.options.mode, self.options.threshold_mode) {
            (PlateauMode::Min, ThresholdMode::Rel) => metric < best * (1.0 - threshold),
            (PlateauMode::Min, ThresholdMode::Abs) => metric < best - threshold,
            (PlateauMode::Max, ThresholdMode::Rel) => metric > best * (threshold + 1.0),
            (PlateauMode::Max, ThresholdMode::Abs) => metric > best + threshold,
        }
    }

    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        let o = &mut self.options;
        let mut floor = if let PerGroup::All(floor) = o.min_lr { Some(floor) } else { None };
        entries.required("factor", &mut o.factor)?;
        entries.required("default_min_lr", &mut floor)?;
        entries.required("min_lrs", &mut self.min_lrs)?;
        o.min_lr = floor.map_or_else(|| PerGroup::Each(self.min_lrs.clone()), PerGroup::All);
        entries.required("patience", &mut o.patience)?;
        entries.required("cooldown", &mut o.cooldown)?;
        entries.required("eps", &mut o.eps)?;
        entries.required("last_epoch", &mut self.last_epoch)?;
        entries.required("_last_lr", &mut self.last_lr)?;
        entries.required("mode", &mut o.mode)?;
        entries.required("threshold", &mut o.threshold)?;
        entries.required("threshold_mode", &mut o.threshold_mode)?;
        entries.constant("mode_worse", worst(o.mode));
        entries.required("best", &mut self.best)?;
        entries.required("cooldown_counter", &mut self.cooldown_counter)?;
        entries.required("num_bad_epochs", &mut self.num_bad_epochs)
    }

    /// Everything it knows, with PyTorch's names, for a file.
    pub fn state_dict(&self) -> StateMap {
        Entries::write(|entries| self.clone().entries(entries))
    }

    /// Takes what [`ReduceLROnPlateau::state_dict`] gave.
    pub fn load_state_dict(&mut self, state: &StateMap) -> Result<()> {
        let mut loaded = self.clone();
        Entries::read(state, |entries| loaded.entries(entries))?;
        *self = loaded;
        Ok(())
    }
}

/// The metric that every other is better than.
fn worst(mode: PlateauMode) -> f64 {
    match mode {
        PlateauMode::Min => f64::INFINITY,
        PlateauMode::Max => f64::NEG_INFINITY,
    }
}
