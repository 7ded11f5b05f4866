use flambeau_tensor::{Error, Result, Tensor};
use serde::{Deserialize, Serialize};

use super::rule::{count, not_negative, zeros};
use super::state_dict::python_float;
use super::{Entries, Item, PerParameter, Rule, State, StateValue};

/// The options of [`Rprop`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RpropOptions {
    /// The size of the first step.
    pub lr: f64,
    /// What the size of a step is multiplied with where the gradient turned round, and where it did not.
    pub etas: (f64, f64),
    /// The smallest and the greatest size of a step.
    pub step_sizes: (f64, f64),
    /// Whether steps go up the gradient.
    pub maximize: bool,
}

impl Default for RpropOptions {
    fn default() -> RpropOptions {
        RpropOptions { lr: 1e-2, etas: (0.5, 1.2), step_sizes: (1e-6, 50.0), maximize: false }
    }
}

/// Steps by the sign of the gradient, with a size for every element (`torch.optim.Rprop`).
///
/// ```
/// use flambeau_nn::optim::{Optimizer, Rprop, RpropOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = Rprop::new(vec![w.clone()], RpropOptions { lr: 0.25, ..Default::default() })?;
/// w.mul(&w)?.sum()?.backward()?;
/// optimizer.step()?;
/// assert_eq!(w.to_vec::<f32>()?, [0.75]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type Rprop = PerParameter<RpropOptions>;

impl Rule for RpropOptions {
    const NAME: &'static str = "Rprop";

    fn check(&self) -> Result<()> {
        not_negative(&[("learning rate", self.lr)])?;
        let (smaller, larger) = self.etas;
        if 0.0 < smaller && smaller < 1.0 && 1.0 < larger {
            return Ok(());
        }
        Err(Error::value(format!("Invalid eta values: {}, {}", python_float(smaller), python_float(larger))))
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
        entries.required("etas", &mut self.etas)?;
        entries.required("step_sizes", &mut self.step_sizes)?;
        entries.constant("foreach", StateValue::None);
        entries.optional("maximize", &mut self.maximize)?;
        entries.constant("differentiable", false);
        entries.constant("capturable", false);
        Ok(())
    }

    fn start(&self, parameter: &Tensor) -> Result<State> {
        let size = parameter.detach().full_like(self.lr)?;
        Ok(State::new([("step", count(0.0)), ("prev", zeros(parameter)?), ("step_size", size)]))
    }

    fn update(&self, Item { parameter, grad, state, .. }: &mut Item) -> Result<()> {
        state.count_up()?;
        let (smaller, larger) = self.etas;
        let before = state.tensor("prev")?;
        let agrees = grad.mul(before)?;
        let (on, turned) = (agrees.gt(0.0)?, agrees.lt(0.0)?);
        let factor = agrees.full_like(1.0)?.masked_fill_(&on, larger)?.masked_fill_(&turned, smaller)?;
        let size = state.tensor("step_size")?.mul_(&factor)?;
        size.clamp__with(Some(self.step_sizes.0.into()), Some(self.step_sizes.1.into()))?;
        // Where the gradient turned round, there is no step, and the next is of the smaller size.
        let grad = grad.masked_fill(&turned, 0.0)?;
        parameter.addcmul__with(&grad.sign()?, &size, -1.0)?;
        before.copy_(&grad).map(drop)
    }
}
