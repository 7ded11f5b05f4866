use flambeau_tensor::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::rule::{check_betas, count, decayed, not_negative, zeros};
use super::{Entries, Item, PerParameter, Rule, State, StateValue};

/// The options of [`NAdam`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NAdamOptions {
    /// The learning rate: how far a step goes.
    pub lr: f64,
    /// How much of the running means of gradients and of their squares is kept.
    pub betas: (f64, f64),
    /// Added to the divisor, so that it is never 0.
    pub eps: f64,
    /// How much of the parameter is added to its gradient, or taken off it if `decoupled_weight_decay`.
    pub weight_decay: f64,
    /// How fast the momentum comes to its full size.
    pub momentum_decay: f64,
    /// Whether the weight decay is AdamW's.
    pub decoupled_weight_decay: bool,
    /// Whether steps go up the gradient.
    pub maximize: bool,
}

impl Default for NAdamOptions {
    fn default() -> NAdamOptions {
        NAdamOptions {
            lr: 2e-3,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            momentum_decay: 4e-3,
            decoupled_weight_decay: false,
            maximize: false,
        }
    }
}

/// Adam with Nesterov's momentum (`torch.optim.NAdam`).
///
/// ```
/// use flambeau_nn::optim::{NAdam, NAdamOptions, Optimizer};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = NAdam::new(vec![w.clone()], NAdamOptions { lr: 0.5, ..Default::default() })?;
/// w.mul(&w)?.sum()?.backward()?;
/// optimizer.step()?;
/// assert!(w.item()?.to_f64() < 0.6);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type NAdam = PerParameter<NAdamOptions>;

impl Rule for NAdamOptions {
    const NAME: &'static str = "NAdam";

    fn check(&self) -> Result<()> {
        not_negative(&[("learning rate", self.lr), ("epsilon value", self.eps)])?;
        check_betas(self.betas)?;
        not_negative(&[("weight_decay value", self.weight_decay), ("momentum_decay value", self.momentum_decay)])
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
        entries.required("momentum_decay", &mut self.momentum_decay)?;
        entries.optional("decoupled_weight_decay", &mut self.decoupled_weight_decay)?;
        entries.optional("maximize", &mut self.maximize)?;
        entries.constant("foreach", StateValue::None);
        entries.constant("capturable", false);
        entries.constant("differentiable", false);
        Ok(())
    }

    fn start(&self, parameter: &Tensor) -> Result<State> {
        let (exp_avg, exp_avg_sq) = (zeros(parameter)?, zeros(parameter)?);
        let (step, mu_product) = (count(0.0), count(1.0));
        Ok(State::new([("step", step), ("mu_product", mu_product), ("exp_avg", exp_avg), ("exp_avg_sq", exp_avg_sq)]))
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
        let [now, next] = [step, step + 1.0].map(|n| beta1 * (1.0 - 0.5 * 0.96f64.powf(n * self.momentum_decay)));
        let product = state.tensor("mu_product")?.mul_(now)?.item()?.to_f64();
        let mean = state.tensor("exp_avg")?.lerp_(&grad, 1.0 - beta1)?;
        let squares = state.tensor("exp_avg_sq")?.mul_(beta2)?.addcmul__with(&grad, &grad, 1.0 - beta2)?;
        let width = squares.div(1.0 - beta2.powf(step))?.sqrt_()?.add_(self.eps)?;
        parameter.addcdiv__with(&grad, &width, -self.lr * (1.0 - now) / (1.0 - product))?;
        parameter.addcdiv__with(&mean, &width, -self.lr * next / (1.0 - product * next)).map(drop)
    }
}
