use std::slice::from_mut;

use flambeau_tensor::{Result, Tensor, optim};
use serde::{Deserialize, Serialize};

use super::rule::{check_betas, count, not_negative, zeros};
use super::{Entries, Item, PerParameter, Rule, State, StateValue};

/// The options of [`Adam`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamOptions {
    /// The learning rate: how far a step goes.
    pub lr: f64,
    /// How much of the running means of gradients and of their squares is kept.
    pub betas: (f64, f64),
    /// Added to the divisor, so that it is never 0.
    pub eps: f64,
    /// How much of the parameter is added to its gradient, or taken off it if `decoupled_weight_decay`.
    pub weight_decay: f64,
    /// Whether the greatest running mean of squares counts.
    pub amsgrad: bool,
    /// Whether steps go up the gradient.
    pub maximize: bool,
    /// Whether the weight decay is AdamW's.
    pub decoupled_weight_decay: bool,
}

impl Default for AdamOptions {
    fn default() -> AdamOptions {
        AdamOptions {
            lr: 1e-3,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            amsgrad: false,
            maximize: false,
            decoupled_weight_decay: false,
        }
    }
}

impl AdamOptions {
    /// The defaults of `torch.optim.AdamW`; [`AdamW`](super::AdamW) has options of its own.
    pub fn adamw() -> AdamOptions {
        AdamOptions { weight_decay: 0.01, decoupled_weight_decay: true, ..AdamOptions::default() }
    }
}

/// Adam: steps scaled by running means of the gradients and of their squares (`torch.optim.Adam`).
///
/// ```
/// use flambeau_nn::optim::{Adam, AdamOptions, Optimizer};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = Adam::new(vec![w.clone()], AdamOptions { lr: 0.5, ..Default::default() })?;
/// w.mul(&w)?.sum()?.backward()?;
/// optimizer.step()?;
/// assert!((w.item()?.to_f64() - 0.5).abs() < 1e-6);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type Adam = PerParameter<AdamOptions>;

impl Rule for AdamOptions {
    const NAME: &'static str = "Adam";

    fn check(&self) -> Result<()> {
        not_negative(&[("learning rate", self.lr), ("epsilon value", self.eps)])?;
        check_betas(self.betas)?;
        not_negative(&[("weight_decay value", self.weight_decay)])
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
        entries.required("lr", &mut self.lr)?;
        entries.required("betas", &mut self.betas)?;
        entries.required("eps", &mut self.eps)?;
        entries.required("weight_decay", &mut self.weight_decay)?;
        entries.optional("amsgrad", &mut self.amsgrad)?;
        entries.optional("maximize", &mut self.maximize)?;
        entries.constant("foreach", StateValue::None);
        entries.constant("capturable", false);
        entries.constant("differentiable", false);
        entries.constant("fused", StateValue::None);
        entries.optional("decoupled_weight_decay", &mut self.decoupled_weight_decay)
    }

    fn start(&self, parameter: &Tensor) -> Result<State> {
        let (exp_avg, exp_avg_sq) = (zeros(parameter)?, zeros(parameter)?);
        let mut state = State::new([("step", count(0.0)), ("exp_avg", exp_avg), ("exp_avg_sq", exp_avg_sq)]);
        if self.amsgrad {
            state.set("max_exp_avg_sq", zeros(parameter)?);
        }
        Ok(state)
    }

    fn update(&self, item: &mut Item) -> Result<()> {
        self.update_all(from_mut(item))
    }

    /// One call of the engine for all parameters.
    fn update_all(&self, items: &mut [Item]) -> Result<()> {
        let parameters: Vec<Tensor> = items.iter().map(|item| item.parameter.clone()).collect();
        let grads: Vec<Tensor> = items.iter().map(|item| item.grad.clone()).collect();
        let states = |name: &str| items.iter().map(|item| item.state.tensor(name).cloned()).collect::<Result<Vec<_>>>();
        optim::adam_step(
            &parameters,
            &grads,
            &states("exp_avg")?,
            &states("exp_avg_sq")?,
            &if self.amsgrad { states("max_exp_avg_sq")? } else { Vec::new() },
            &states("step")?,
            self.lr,
            self.betas.0,
            self.betas.1,
            self.eps,
            self.weight_decay,
            self.amsgrad,
            false,
            self.decoupled_weight_decay,
        )
    }
}
