use flambeau_tensor::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::rule::{check_betas, count, decayed, not_negative, zeros};
use super::{Entries, Item, PerParameter, Rule, State, StateValue};

/// The options of [`Adamax`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamaxOptions {
    /// The learning rate: how far a step goes.
    pub lr: f64,
    /// How much of the running mean of gradients and of their greatest size is kept.
    pub betas: (f64, f64),
    /// Added to the size of a gradient, so that it is never 0.
    pub eps: f64,
    /// How much of the parameter is added to its gradient.
    pub weight_decay: f64,
    /// Whether steps go up the gradient.
    pub maximize: bool,
}

impl Default for AdamaxOptions {
    fn default() -> AdamaxOptions {
        AdamaxOptions { lr: 2e-3, betas: (0.9, 0.999), eps: 1e-8, weight_decay: 0.0, maximize: false }
    }
}

/// Adam with the greatest gradient in place of the mean square (`torch.optim.Adamax`).
///
/// ```
/// use flambeau_nn::optim::{Adamax, AdamaxOptions, Optimizer};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = Adamax::new(vec![w.clone()], AdamaxOptions { lr: 0.5, ..Default::default() })?;
/// w.mul(&w)?.sum()?.backward()?;
/// optimizer.step()?;
/// assert!((w.item()?.to_f64() - 0.5).abs() < 1e-6);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type Adamax = PerParameter<AdamaxOptions>;

impl Rule for AdamaxOptions {
    const NAME: &'static str = "Adamax";

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
        entries.constant("foreach", StateValue::None);
        entries.optional("maximize", &mut self.maximize)?;
        entries.constant("differentiable", false);
        entries.constant("capturable", false);
        Ok(())
    }

    fn start(&self, parameter: &Tensor) -> Result<State> {
        let (exp_avg, exp_inf) = (zeros(parameter)?, zeros(parameter)?);
        Ok(State::new([("step", count(0.0)), ("exp_avg", exp_avg), ("exp_inf", exp_inf)]))
    }

    fn update(&self, Item { parameter, grad, state, complex }: &mut Item) -> Result<()> {
        let step = state.count_up()?;
        let (beta1, beta2) = self.betas;
        let grad = decayed(grad, parameter, self.weight_decay, *complex)?;
        let mean = state.tensor("exp_avg")?.lerp_(&grad, 1.0 - beta1)?;
        let greatest = state.tensor("exp_inf")?.mul_(beta2)?;
        greatest.copy_(&greatest.maximum(&grad.abs()?.add_(self.eps)?)?)?;
        let lr = self.lr / (1.0 - beta1.powf(step));
        parameter.addcdiv__with(&mean, &greatest, -lr).map(drop)
    }
}
