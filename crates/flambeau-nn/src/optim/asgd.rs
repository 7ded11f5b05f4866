use flambeau_tensor::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::rule::{count, decayed, not_negative, zeros};
use super::{Entries, Item, PerParameter, Rule, State, StateValue};

/// The options of [`ASGD`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ASGDOptions {
    /// The learning rate of the first step.
    pub lr: f64,
    /// How fast the learning rate falls, and how much of the parameter is taken off it.
    pub lambd: f64,
    /// The power by which the learning rate falls.
    pub alpha: f64,
    /// The step after which the mean of the parameters is taken.
    pub t0: f64,
    /// How much of the parameter is added to its gradient.
    pub weight_decay: f64,
    /// Whether steps go up the gradient.
    pub maximize: bool,
}

impl Default for ASGDOptions {
    fn default() -> ASGDOptions {
        ASGDOptions { lr: 1e-2, lambd: 1e-4, alpha: 0.75, t0: 1e6, weight_decay: 0.0, maximize: false }
    }
}

/// Averaged stochastic gradient descent: it also keeps the mean of each parameter over its steps, as `ax` in the state
/// (`torch.optim.ASGD`).
///
/// ```
/// use flambeau_nn::optim::{ASGD, ASGDOptions, Optimizer};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = ASGD::new(vec![w.clone()], ASGDOptions { lr: 0.25, lambd: 0.0, t0: 0.0, ..Default::default() })?;
/// for _ in 0..2 {
///     optimizer.zero_grad()?;
///     w.mul(&w)?.sum()?.backward()?;
///     optimizer.step()?;
/// }
/// assert_eq!(w.to_vec::<f32>()?, [0.25]);
/// assert_eq!(optimizer.state(&w).unwrap().tensor("ax")?.to_vec::<f32>()?, [0.25]); // a mean from the third step on
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type ASGD = PerParameter<ASGDOptions>;

impl Rule for ASGDOptions {
    const NAME: &'static str = "ASGD";

    fn check(&self) -> Result<()> {
        not_negative(&[
            ("learning rate", self.lr),
            ("lambd value", self.lambd),
            ("alpha value", self.alpha),
            ("weight_decay value", self.weight_decay),
        ])
    }

    fn lr(&self) -> f64 {
        self.lr
    }
    fn set_lr(&mut self, lr: f64) {
        self.lr = lr;
    }
    fn maximize(&self) -> bool {
        self.maximize
    }

    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        entries.required("lr", &mut self.lr)?;
        entries.required("lambd", &mut self.lambd)?;
        entries.required("alpha", &mut self.alpha)?;
        entries.required("t0", &mut self.t0)?;
        entries.required("weight_decay", &mut self.weight_decay)?;
        entries.constant("foreach", StateValue::None);
        entries.optional("maximize", &mut self.maximize)?;
        entries.constant("differentiable", false);
        entries.constant("capturable", false);
        Ok(())
    }

    fn start(&self, parameter: &Tensor) -> Result<State> {
        let (eta, mu, ax) = (count(self.lr), count(1.0), zeros(parameter)?);
        Ok(State::new([("step", count(0.0)), ("eta", eta), ("mu", mu), ("ax", ax)]))
    }

    fn update(&self, Item { parameter, grad, state, .. }: &mut Item) -> Result<()> {
        let step = state.count_up()?;
        let (eta, mu, mean) = (state.tensor("eta")?, state.tensor("mu")?, state.tensor("ax")?);
        let grad = decayed(grad, parameter, self.weight_decay, false)?;
        let rate = eta.item()?.to_f64();
        parameter.mul_(1.0 - self.lambd * rate)?.add__with(&grad, -rate)?;
        if mu.item()?.to_f64() == 1.0 {
            mean.copy_(parameter)?;
        } else {
            mean.add_(parameter.sub(mean)?.mul_(mu)?)?;
        }
        // Counts first, so that they are rounded as PyTorch's are even where a loaded state holds them in float64.
        eta.copy_(&count(self.lr / (1.0 + self.lambd * self.lr * step).powf(self.alpha)))?;
        mu.copy_(&count(1.0 / (step - self.t0).max(1.0))).map(drop)
    }
}
