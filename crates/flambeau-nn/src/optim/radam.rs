use flambeau_tensor::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::rule::{check_betas, count, decayed, not_negative, zeros};
use super::{Entries, Item, PerParameter, Rule, State, StateValue};

/// The options of [`RAdam`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RAdamOptions {
    /// The learning rate: how far a step goes.
    pub lr: f64,
    /// How much of the running means of gradients and of their squares is kept.
    pub betas: (f64, f64),
    /// Added to the divisor, so that it is never 0.
    pub eps: f64,
    /// How much of the parameter is added to its gradient, or taken off it if `decoupled_weight_decay`.
    pub weight_decay: f64,
    /// Whether the weight decay is AdamW's.
    pub decoupled_weight_decay: bool,
    /// Whether steps go up the gradient.
    pub maximize: bool,
}

impl Default for RAdamOptions {
    fn default() -> RAdamOptions {
        RAdamOptions {
            lr: 1e-3,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            decoupled_weight_decay: false,
            maximize: false,
        }
    }
}

/// Adam with the variance of its first steps rectified (`torch.optim.RAdam`).
///
/// ```
/// use flambeau_nn::optim::{Optimizer, RAdam, RAdamOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = RAdam::new(vec![w.clone()], RAdamOptions { lr: 0.25, ..Default::default() })?;
/// w.mul(&w)?.sum()?.backward()?;
/// optimizer.step()?;
/// assert!((w.item()?.to_f64() - 0.5).abs() < 1e-6);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type RAdam = PerParameter<RAdamOptions>;

impl Rule for RAdamOptions {
    const NAME: &'static str = "RAdam";

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
        entries.optional("maximize", &mut self.maximize)?;
        entries.constant("foreach", StateValue::None);
        entries.constant("capturable", false);
        entries.optional("decoupled_weight_decay", &mut self.decoupled_weight_decay)?;
        entries.constant("differentiable", false);
        Ok(())
    }

    fn start(&self, parameter: &Tensor) -> Result<State> {
        let (exp_avg, exp_avg_sq) = (zeros(parameter)?, zeros(parameter)?);
        Ok(State::new([("step", count(0.0)), ("exp_avg", exp_avg), ("exp_avg_sq", exp_avg_sq)]))
    }

    fn update(&self, Item { parameter, grad, state, .. }: &mut Item) -> Result<()> {
        let step = state.count_up()?;
        let (beta1, beta2) = self.betas;
        let mut grad = grad.clone();
        if self.decoupled_weight_decay && self.weight_decay != 0.0 {
            parameter.mul_(1.0 - self.lr * self.weight_decay)?;
        } else {
            grad = decayed(&grad, parameter, self.weight_decay, false)?;
        }
        let mean = state.tensor("exp_avg")?.lerp_(&grad, 1.0 - beta1)?;
        let squares = state.tensor("exp_avg_sq")?.mul_(beta2)?.addcmul__with(&grad, &grad, 1.0 - beta2)?;
        let correction = 1.0 - beta2.powf(step);
        let mut update = mean.div(1.0 - beta1.powf(step))?.mul_(self.lr)?;
        let longest = 2.0 / (1.0 - beta2) - 1.0;
        let length = longest - 2.0 * step * beta2.powf(step) / correction;
        if length > 5.0 {
            // Enough steps for the variance to mean something.
            let top = (length - 4.0) * (length - 2.0) * longest;
            let rectified = (top / ((longest - 4.0) * (longest - 2.0) * length)).sqrt();
            let width = squares.sqrt()?.add_(self.eps)?;
            update = update.mul_(width.reciprocal()?.mul_(correction.sqrt())?)?.mul_(rectified)?;
        }
        parameter.add__with(&update, -1.0).map(drop)
    }
}
