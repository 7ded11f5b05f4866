use flambeau_tensor::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::rule::{count, decayed, not_negative};
use super::{Entries, Item, PerParameter, Rule, State, StateValue};

/// The options of [`Adagrad`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdagradOptions {
    /// The learning rate: how far a step goes.
    pub lr: f64,
    /// How much the learning rate falls with each step.
    pub lr_decay: f64,
    /// How much of the parameter is added to its gradient.
    pub weight_decay: f64,
    /// What the sum of squared gradients begins with.
    pub initial_accumulator_value: f64,
    /// Added to the divisor, so that it is never 0.
    pub eps: f64,
    /// Whether steps go up the gradient.
    pub maximize: bool,
}

impl Default for AdagradOptions {
    fn default() -> AdagradOptions {
        AdagradOptions {
            lr: 1e-2,
            lr_decay: 0.0,
            weight_decay: 0.0,
            initial_accumulator_value: 0.0,
            eps: 1e-10,
            maximize: false,
        }
    }
}

/// Steps divided by the root of the sum of all squared gradients (`torch.optim.Adagrad`).
///
/// ```
/// use flambeau_nn::optim::{Adagrad, AdagradOptions, Optimizer};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = Adagrad::new(vec![w.clone()], AdagradOptions { lr: 0.5, ..Default::default() })?;
/// w.mul(&w)?.sum()?.backward()?;
/// optimizer.step()?;
/// assert_eq!(w.to_vec::<f32>()?, [0.5]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type Adagrad = PerParameter<AdagradOptions>;

impl Rule for AdagradOptions {
    const NAME: &'static str = "Adagrad";
    const EAGER: bool = true;

    fn check(&self) -> Result<()> {
        not_negative(&[
            ("learning rate", self.lr),
            ("lr_decay value", self.lr_decay),
            ("weight_decay value", self.weight_decay),
            ("initial_accumulator_value value", self.initial_accumulator_value),
            ("epsilon value", self.eps),
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
        entries.required("lr_decay", &mut self.lr_decay)?;
        entries.required("eps", &mut self.eps)?;
        entries.required("weight_decay", &mut self.weight_decay)?;
        entries.required("initial_accumulator_value", &mut self.initial_accumulator_value)?;
        entries.constant("foreach", StateValue::None);
        entries.optional("maximize", &mut self.maximize)?;
        entries.constant("differentiable", false);
        entries.constant("fused", StateValue::None);
        Ok(())
    }

    fn start(&self, parameter: &Tensor) -> Result<State> {
        let sum = parameter.detach().full_like(self.initial_accumulator_value)?;
        Ok(State::new([("step", count(0.0)), ("sum", sum)]))
    }

    fn update(&self, Item { parameter, grad, state, complex }: &mut Item) -> Result<()> {
        let step = state.count_up()?;
        let grad = decayed(grad, parameter, self.weight_decay, *complex)?;
        let lr = self.lr / (1.0 + (step - 1.0) * self.lr_decay);
        let sum = state.tensor("sum")?.addcmul_(&grad, &grad)?;
        let width = sum.sqrt()?.add_(self.eps)?;
        parameter.addcdiv__with(&grad, &width, -lr).map(drop)
    }
}
