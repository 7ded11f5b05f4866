use flambeau_tensor::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::rule::{count, decayed, not_negative, zeros};
use super::{Entries, Item, PerParameter, Rule, State, StateValue};

/// The options of [`RMSprop`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RMSpropOptions {
    /// The learning rate: how far a step goes.
    pub lr: f64,
    /// How much of the running mean of squared gradients is kept.
    pub alpha: f64,
    /// Added to the divisor, so that it is never 0.
    pub eps: f64,
    /// How much of the parameter is added to its gradient.
    pub weight_decay: f64,
    /// How much of the step before is kept.
    pub momentum: f64,
    /// Whether steps are divided by the root of the variance: the mean square less the square of the mean.
    pub centered: bool,
    /// Whether steps go up the gradient.
    pub maximize: bool,
}

impl Default for RMSpropOptions {
    fn default() -> RMSpropOptions {
        RMSpropOptions {
            lr: 1e-2,
            alpha: 0.99,
            eps: 1e-8,
            weight_decay: 0.0,
            momentum: 0.0,
            centered: false,
            maximize: false,
        }
    }
}

/// Steps divided by the root of a running mean of squared gradients (`torch.optim.RMSprop`).
///
/// ```
/// use flambeau_nn::optim::{Optimizer, RMSprop, RMSpropOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = RMSprop::new(vec![w.clone()], RMSpropOptions { lr: 0.25, alpha: 0.75, ..Default::default() })?;
/// w.mul(&w)?.sum()?.backward()?;
/// optimizer.step()?;
/// assert!((w.item()?.to_f64() - 0.5).abs() < 1e-6);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type RMSprop = PerParameter<RMSpropOptions>;

impl Rule for RMSpropOptions {
    const NAME: &'static str = "RMSprop";

    fn check(&self) -> Result<()> {
        not_negative(&[
            ("learning rate", self.lr),
            ("epsilon value", self.eps),
            ("momentum value", self.momentum),
            ("weight_decay value", self.weight_decay),
            ("alpha value", self.alpha),
        ])
    }

    fn lr(&self) -> f64 {
        self.lr
    }
    fn set_lr(&mut self, lr: f64) {
        self.lr = lr;
    }
    fn momentum(&self) -> Option<f64> {
        Some(self.momentum)
    }
    fn set_momentum(&mut self, momentum: f64) {
        self.momentum = momentum;
    }
    fn maximize(&self) -> bool {
        self.maximize
    }

    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        entries.required("lr", &mut self.lr)?;
        entries.optional("momentum", &mut self.momentum)?;
        entries.required("alpha", &mut self.alpha)?;
        entries.required("eps", &mut self.eps)?;
        entries.optional("centered", &mut self.centered)?;
        entries.required("weight_decay", &mut self.weight_decay)?;
        entries.constant("capturable", false);
        entries.constant("foreach", StateValue::None);
        entries.optional("maximize", &mut self.maximize)?;
        entries.constant("differentiable", false);
        Ok(())
    }

    fn start(&self, parameter: &Tensor) -> Result<State> {
        let mut state = State::new([("step", count(0.0)), ("square_avg", zeros(parameter)?)]);
        if self.momentum > 0.0 {
            state.set("momentum_buffer", zeros(parameter)?);
        }
        if self.centered {
            state.set("grad_avg", zeros(parameter)?);
        }
        Ok(state)
    }

    fn update(&self, Item { parameter, grad, state, complex }: &mut Item) -> Result<()> {
        state.count_up()?;
        let grad = decayed(grad, parameter, self.weight_decay, *complex)?;
        let squares = state.tensor("square_avg")?.mul_(self.alpha)?.addcmul__with(&grad, &grad, 1.0 - self.alpha)?;
        let width = if self.centered {
            let mean = state.tensor("grad_avg")?.lerp_(&grad, 1.0 - self.alpha)?;
            squares.addcmul_with(&mean, &mean, -1.0)?.sqrt_()?
        } else {
            squares.sqrt()?
        };
        let width = width.add_(self.eps)?;
        if self.momentum > 0.0 {
            let buffer = state.tensor("momentum_buffer")?.mul_(self.momentum)?.addcdiv_(&grad, &width)?;
            parameter.add__with(&buffer, -self.lr).map(drop)
        } else {
            parameter.addcdiv__with(&grad, &width, -self.lr).map(drop)
        }
    }
}
