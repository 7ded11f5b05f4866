use std::sync::Arc;

use flambeau_tensor::Result;

use super::base::{Clock, LRScheduler, PerGroup, Schedule, check_momentum, prepare_momentum};
use crate::optim::state_dict::words;
use crate::optim::{Entries, Group, Optimizer, StateValue};

/// How high the cycles of [`CyclicLR`] go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CyclicMode {
    /// All as high.
    #[default]
    Triangular,
    /// Each half as high as the one before.
    Triangular2,
    /// By `gamma` to the power of the number of the step.
    ExpRange,
}
words!(CyclicMode { Triangular: "triangular", Triangular2: "triangular2", ExpRange: "exp_range" });

/// What the height of a cycle is a function of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScaleMode {
    /// The number of the cycle, from 1 on.
    #[default]
    Cycle,
    /// The number of the step.
    Iterations,
}
words!(ScaleMode { Cycle: "cycle", Iterations: "iterations" });

/// The options of [`CyclicLR`].
#[derive(Clone, Debug, PartialEq)]
pub struct CyclicLROptions {
    /// The lowest rate.
    pub base_lr: PerGroup,
    /// The highest rate.
    pub max_lr: PerGroup,
    /// The steps from the lowest rate to the highest.
    pub step_size_up: i64,
    /// The steps down again; `None` for as many.
    pub step_size_down: Option<i64>,
    /// How high the cycles go.
    pub mode: CyclicMode,
    /// What [`CyclicMode::ExpRange`] takes to the power of the number of the step.
    pub gamma: f64,
    /// Whether momentum goes down while the rate goes up.
    pub cycle_momentum: bool,
    /// The lowest momentum.
    pub base_momentum: PerGroup,
    /// The highest momentum.
    pub max_momentum: PerGroup,
}

impl CyclicLROptions {
    /// Between these rates, the rest as in PyTorch where nothing is said.
    pub fn new(base_lr: impl Into<PerGroup>, max_lr: impl Into<PerGroup>) -> CyclicLROptions {
        CyclicLROptions {
            base_lr: base_lr.into(),
            max_lr: max_lr.into(),
            step_size_up: 2000,
            step_size_down: None,
            mode: CyclicMode::Triangular,
            gamma: 1.0,
            cycle_momentum: true,
            base_momentum: 0.8.into(),
            max_momentum: 0.9.into(),
        }
    }
}

/// Up from `base_lr` to `max_lr` and down again, for ever. A step is that of a batch, not of an epoch.
///
/// ```
/// use flambeau_nn::optim::schedulers::{CyclicLR, CyclicLROptions, Scheduler};
/// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = SGD::new(vec![w], SGDOptions { momentum: 0.9, ..Default::default() })?;
/// let options = CyclicLROptions { step_size_up: 2, ..CyclicLROptions::new(0.5, 1.0) };
/// let mut scheduler = CyclicLR::new(&mut optimizer, options)?;
/// let mut rates = Vec::new();
/// for _ in 0..5 {
///     rates.push(optimizer.lr());
///     scheduler.step(&mut optimizer)?;
/// }
/// assert_eq!(rates, [0.5, 0.75, 1.0, 0.75, 0.5]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type CyclicLR = LRScheduler<Cycle>;

/// The schedule of [`CyclicLR`].
#[derive(Clone)]
pub struct Cycle {
    options: CyclicLROptions,
    /// The steps of a cycle, and the share of them that goes up.
    total_size: f64,
    step_ratio: f64,
    scale_fn: Option<Arc<dyn Fn(f64) -> f64 + Send + Sync>>,
    scale_mode: ScaleMode,
    base_lrs: Vec<f64>,
    max_lrs: Vec<f64>,
    base_momentums: Vec<f64>,
    max_momentums: Vec<f64>,
    use_beta1: bool,
}

impl From<CyclicLROptions> for Cycle {
    fn from(options: CyclicLROptions) -> Cycle {
        let up = options.step_size_up as f64;
        let total_size = up + options.step_size_down.map_or(up, |down| down as f64);
        let by_step = options.mode == CyclicMode::ExpRange;
        Cycle {
            options,
            total_size,
            step_ratio: up / total_size,
            scale_fn: None,
            scale_mode: if by_step { ScaleMode::Iterations } else { ScaleMode::Cycle },
            base_lrs: Vec::new(),
            max_lrs: Vec::new(),
            base_momentums: Vec::new(),
            max_momentums: Vec::new(),
            use_beta1: false,
        }
    }
}

impl Cycle {
    fn scale(&self, x: f64) -> f64 {
        match (&self.scale_fn, self.options.mode) {
            (Some(own), _) => own(x),
            (None, CyclicMode::Triangular) => 1.0,
            (None, CyclicMode::Triangular2) => 1.0 / 2.0f64.powf(x - 1.0),
            (None, CyclicMode::ExpRange) => self.options.gamma.powf(x),
        }
    }
}

impl Schedule for Cycle {
    fn prepare(&mut self, groups: &mut [&mut dyn Group], last_epoch: i64) -> Result<()> {
        let n = groups.len();
        self.base_lrs = self.options.base_lr.each("base_lr", n)?;
        if last_epoch == -1 {
            groups.iter_mut().zip(&self.base_lrs).for_each(|(group, lr)| group.set_lr(*lr));
        }
        self.max_lrs = self.options.max_lr.each("max_lr", n)?;
        if self.options.cycle_momentum {
            check_momentum(groups)?;
            self.use_beta1 = groups.first().is_some_and(|group| group.has_betas());
            self.base_momentums = self.options.base_momentum.each("base_momentum", n)?;
            self.max_momentums = self.options.max_momentum.each("max_momentum", n)?;
            if last_epoch == -1 {
                prepare_momentum(groups, &self.base_momentums, &self.max_momentums);
            }
        }
        Ok(())
    }

    fn begun(&mut self, clock: &mut Clock) {
        clock.base_lrs.clone_from(&self.base_lrs);
    }

    fn rates(&self, clock: &Clock, groups: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        let passed = clock.last_epoch as f64 / self.total_size;
        let cycle = (1.0 + passed).floor();
        let x = 1.0 + passed - cycle;
        let height = if x <= self.step_ratio { x / self.step_ratio } else { (x - 1.0) / (self.step_ratio - 1.0) };
        let scale = self.scale(match self.scale_mode {
            ScaleMode::Cycle => cycle,
            ScaleMode::Iterations => clock.last_epoch as f64,
        });
        if self.options.cycle_momentum {
            for ((group, low), high) in groups.iter_mut().zip(&self.base_momentums).zip(&self.max_momentums) {
                group.set_momentum(high - (high - low) * height * scale);
            }
        }
        Ok(clock.base_lrs.iter().zip(&self.max_lrs).map(|(low, high)| low + (high - low) * height * scale).collect())
    }

    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        entries.required("max_lrs", &mut self.max_lrs)?;
        entries.required("total_size", &mut self.total_size)?;
        entries.required("step_ratio", &mut self.step_ratio)?;
        entries.required("mode", &mut self.options.mode)?;
        entries.required("gamma", &mut self.options.gamma)?;
        entries.constant("_scale_fn_custom", StateValue::None);
        entries.required("scale_mode", &mut self.scale_mode)?;
        entries.required("cycle_momentum", &mut self.options.cycle_momentum)?;
        if self.options.cycle_momentum {
            entries.required("use_beta1", &mut self.use_beta1)?;
            entries.required("base_momentums", &mut self.base_momentums)?;
            entries.required("max_momentums", &mut self.max_momentums)?;
        }
        Ok(())
    }
}

impl CyclicLR {
    /// With a height of one's own, as a function of the number of the cycle or of the step.
    ///
    /// ```
    /// use flambeau_nn::optim::schedulers::{CyclicLR, CyclicLROptions, ScaleMode, Scheduler};
    /// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
    /// use flambeau_tensor::Tensor;
    ///
    /// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
    /// let mut optimizer = SGD::new(vec![w], SGDOptions::default())?;
    /// let options = CyclicLROptions { step_size_up: 1, ..CyclicLROptions::new(0.0, 1.0) };
    /// let mut scheduler = CyclicLR::with_scale_fn(&mut optimizer, options, |cycle| 1.0 / cycle, ScaleMode::Cycle)?;
    /// for _ in 0..3 {
    ///     scheduler.step(&mut optimizer)?;
    /// }
    /// assert_eq!(optimizer.lr(), 0.5); // the top of the second cycle
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    pub fn with_scale_fn(
        optimizer: &mut dyn Optimizer,
        options: CyclicLROptions,
        scale_fn: impl Fn(f64) -> f64 + Send + Sync + 'static,
        scale_mode: ScaleMode,
    ) -> Result<CyclicLR> {
        CyclicLR::new(optimizer, Cycle { scale_fn: Some(Arc::new(scale_fn)), scale_mode, ..options.into() })
    }
}
