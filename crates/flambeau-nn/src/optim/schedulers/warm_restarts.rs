use std::f64::consts::PI;

use flambeau_tensor::{Error, Result};
use serde::{Deserialize, Serialize};

use super::base::{Clock, LRScheduler, Schedule};
use crate::optim::{Entries, Group, Optimizer};

/// The options of [`CosineAnnealingWarmRestarts`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CosineAnnealingWarmRestartsOptions {
    /// The epochs of the first cycle (`T_0`).
    pub t_0: i64,
    /// How many times as long each further cycle is (`T_mult`).
    #[serde(default = "once")]
    pub t_mult: i64,
    /// The lowest rate.
    #[serde(default)]
    pub eta_min: f64,
}

impl CosineAnnealingWarmRestartsOptions {
    /// Cycles of `t_0` epochs, down to 0.
    pub fn new(t_0: i64) -> CosineAnnealingWarmRestartsOptions {
        CosineAnnealingWarmRestartsOptions { t_0, t_mult: once(), eta_min: 0.0 }
    }
}

/// Further cycles are no longer where a configuration says nothing.
fn once() -> i64 {
    1
}

/// Along half a cosine, begun again after `t_0` epochs, then after `t_mult` times as many, and so on.
///
/// ```
/// use flambeau_nn::optim::schedulers::{
///     CosineAnnealingWarmRestarts, CosineAnnealingWarmRestartsOptions, Scheduler,
/// };
/// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = SGD::new(vec![w], SGDOptions { lr: 1.0, ..Default::default() })?;
/// let options = CosineAnnealingWarmRestartsOptions { t_0: 2, t_mult: 1, eta_min: 0.0 };
/// let mut scheduler = CosineAnnealingWarmRestarts::new(&mut optimizer, options)?;
/// scheduler.step(&mut optimizer)?;
/// assert_eq!(optimizer.lr(), 0.5);
/// scheduler.step(&mut optimizer)?;
/// assert_eq!(optimizer.lr(), 1.0);
/// scheduler.step_to(&mut optimizer, 3.0)?; // epochs may be given, and may be fractions
/// assert_eq!(optimizer.lr(), 0.5);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type CosineAnnealingWarmRestarts = LRScheduler<WarmRestarts>;

/// The schedule of [`CosineAnnealingWarmRestarts`]: its options, and where in which cycle it is.
#[derive(Clone, Debug, PartialEq)]
pub struct WarmRestarts {
    options: CosineAnnealingWarmRestartsOptions,
    /// The length of the cycle.
    t_i: i64,
    /// The epochs since it began.
    t_cur: f64,
}

impl From<CosineAnnealingWarmRestartsOptions> for WarmRestarts {
    fn from(options: CosineAnnealingWarmRestartsOptions) -> WarmRestarts {
        WarmRestarts { options, t_i: options.t_0, t_cur: -1.0 }
    }
}

impl WarmRestarts {
    /// Finds the cycle that an epoch is in, and where in it.
    fn place(&mut self, epoch: f64) {
        let CosineAnnealingWarmRestartsOptions { t_0, t_mult, .. } = self.options;
        let (first, times) = (t_0 as f64, t_mult as f64);
        if epoch < first {
            (self.t_i, self.t_cur) = (t_0, epoch);
        } else if t_mult == 1 {
            self.t_cur = epoch % first;
        } else {
            let n = ((epoch / first * (times - 1.0) + 1.0).ln() / times.ln()) as u32;
            self.t_cur = epoch - first * (times.powf(f64::from(n)) - 1.0) / (times - 1.0);
            self.t_i = t_0.saturating_mul(t_mult.saturating_pow(n));
        }
    }
}

impl Schedule for WarmRestarts {
    fn prepare(&mut self, _: &mut [&mut dyn Group], last_epoch: i64) -> Result<()> {
        self.t_cur = last_epoch as f64;
        let CosineAnnealingWarmRestartsOptions { t_0, t_mult, .. } = self.options;
        if t_0 <= 0 {
            return Err(Error::value(format!("Expected positive integer T_0, but got {t_0}")));
        }
        if t_mult < 1 {
            return Err(Error::value(format!("Expected integer T_mult >= 1, but got {t_mult}")));
        }
        Ok(())
    }

    fn advance(&mut self, clock: &mut Clock) {
        if clock.last_epoch < 0 {
            clock.last_epoch = 0;
            return self.place(0.0);
        }
        clock.last_epoch += 1;
        self.t_cur += 1.0;
        if self.t_cur >= self.t_i as f64 {
            self.t_cur %= self.t_i as f64;
            self.t_i = self.t_i.saturating_mul(self.options.t_mult);
        }
    }

    fn rates(&self, clock: &Clock, _: &mut [&mut dyn Group]) -> Result<Vec<f64>> {
        let low = self.options.eta_min;
        let height = 1.0 + (PI * self.t_cur / self.t_i as f64).cos();
        Ok(clock.base_lrs.iter().map(|base| low + (base - low) * height / 2.0).collect())
    }

    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        entries.required("T_0", &mut self.options.t_0)?;
        entries.required("T_i", &mut self.t_i)?;
        entries.required("T_mult", &mut self.options.t_mult)?;
        entries.required("eta_min", &mut self.options.eta_min)?;
        entries.required("T_cur", &mut self.t_cur)
    }
}

impl CosineAnnealingWarmRestarts {
    /// Sets the rates of an epoch, which may be a fraction, such as after each batch.
    pub fn step_to(&mut self, optimizer: &mut dyn Optimizer, epoch: f64) -> Result<()> {
        if epoch.is_nan() || epoch < 0.0 {
            return Err(Error::value(format!("Expected non-negative epoch, but got {epoch:?}")));
        }
        self.update(optimizer, false, |schedule, clock| {
            schedule.place(epoch);
            clock.last_epoch = epoch.floor() as i64;
            Ok(())
        })
    }
}
