use flambeau_tensor::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::{AdamOptions, Entries, Item, PerParameter, Rule, State};

/// The options of [`AdamW`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamWOptions {
    /// The learning rate: how far a step goes.
    pub lr: f64,
    /// How much of the running means of gradients and of their squares is kept.
    pub betas: (f64, f64),
    /// Added to the divisor, so that it is never 0.
    pub eps: f64,
    /// How much of the parameter is taken off it at each step, times the learning rate.
    pub weight_decay: f64,
    /// Whether the greatest running mean of squares counts.
    pub amsgrad: bool,
    /// Whether steps go up the gradient.
    pub maximize: bool,
}

impl Default for AdamWOptions {
    fn default() -> AdamWOptions {
        AdamWOptions { lr: 1e-3, betas: (0.9, 0.999), eps: 1e-8, weight_decay: 0.01, amsgrad: false, maximize: false }
    }
}

/// Adam with decoupled weight decay: it does not pass through the running means (`torch.optim.AdamW`).
///
/// ```
/// use flambeau_nn::optim::{AdamW, AdamWOptions, Optimizer};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let options = AdamWOptions { lr: 0.5, weight_decay: 0.1, ..Default::default() };
/// let mut optimizer = AdamW::new(vec![w.clone()], options)?;
/// w.mul(&w)?.sum()?.backward()?;
/// optimizer.step()?;
/// assert!((w.item()?.to_f64() - 0.45).abs() < 1e-6); // 1 - 0.5 * 0.1 * 1 - 0.5
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type AdamW = PerParameter<AdamWOptions>;

impl AdamWOptions {
    fn adam(&self) -> AdamOptions {
        AdamOptions {
            lr: self.lr,
            betas: self.betas,
            eps: self.eps,
            weight_decay: self.weight_decay,
            amsgrad: self.amsgrad,
            maximize: self.maximize,
            decoupled_weight_decay: true,
        }
    }
}

impl Rule for AdamWOptions {
    const NAME: &'static str = "AdamW";

    fn check(&self) -> Result<()> {
        self.adam().check()
    }

    fn lr(&self) -> f64 {
        self.lr
    }
    fn set_lr(&mut self, lr: f64) {
        self.lr = lr;
    }
    fn momentum(&self) -> Option<f64> {
        Some(self.betas.0)
    }
    fn set_momentum(&mut self, momentum: f64) {
        self.betas.0 = momentum;
    }
    fn maximize(&self) -> bool {
        self.maximize
    }

    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        let mut adam = self.adam();
        adam.entries(entries)?;
        let AdamOptions { lr, betas, eps, weight_decay, amsgrad, maximize, .. } = adam;
        *self = AdamWOptions { lr, betas, eps, weight_decay, amsgrad, maximize };
        Ok(())
    }

    fn start(&self, parameter: &Tensor) -> Result<State> {
        self.adam().start(parameter)
    }

    fn update(&self, item: &mut Item) -> Result<()> {
        self.adam().update(item)
    }

    fn update_all(&self, items: &mut [Item]) -> Result<()> {
        self.adam().update_all(items)
    }
}
