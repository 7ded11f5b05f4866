use flambeau_tensor::{Error, Result, Tensor};
use serde::{Deserialize, Serialize};

use super::rule::{count, decayed, not_negative, zeros};
use super::state_dict::python_float;
use super::{Entries, Item, PerParameter, Rule, State, StateValue};

/// The options of [`Adadelta`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdadeltaOptions {
    /// The learning rate: how far a step goes.
    pub lr: f64,
    /// How much of the running means of squares is kept.
    pub rho: f64,
    /// Added to both means, so that neither root is 0.
    pub eps: f64,
    /// How much of the parameter is added to its gradient.
    pub weight_decay: f64,
    /// Whether steps go up the gradient.
    pub maximize: bool,
}

impl Default for AdadeltaOptions {
    fn default() -> AdadeltaOptions {
        AdadeltaOptions { lr: 1.0, rho: 0.9, eps: 1e-6, weight_decay: 0.0, maximize: false }
    }
}

/// Steps scaled by running means of squared steps and of squared gradients (`torch.optim.Adadelta`).
///
/// ```
/// use flambeau_nn::optim::{Adadelta, AdadeltaOptions, Optimizer};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = Adadelta::new(vec![w.clone()], AdadeltaOptions { eps: 1e-2, ..Default::default() })?;
/// w.mul(&w)?.sum()?.backward()?;
/// optimizer.step()?;
/// assert!((w.item()?.to_f64() - 0.6876525).abs() < 1e-6); // 1 - sqrt(0.01) / sqrt(0.1 * 4 + 0.01) * 2
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type Adadelta = PerParameter<AdadeltaOptions>;

impl Rule for AdadeltaOptions {
    const NAME: &'static str = "Adadelta";

    fn check(&self) -> Result<()> {
        not_negative(&[("learning rate", self.lr)])?;
        if !(0.0..=1.0).contains(&self.rho) {
            return Err(Error::value(format!("Invalid rho value: {}", python_float(self.rho))));
        }
        not_negative(&[("epsilon value", self.eps), ("weight_decay value", self.weight_decay)])
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
        entries.required("rho", &mut self.rho)?;
        entries.required("eps", &mut self.eps)?;
        entries.required("weight_decay", &mut self.weight_decay)?;
        entries.optional("maximize", &mut self.maximize)?;
        entries.constant("capturable", false);
        entries.constant("foreach", StateValue::None);
        entries.constant("differentiable", false);
        Ok(())
    }

    fn start(&self, parameter: &Tensor) -> Result<State> {
        let (square_avg, acc_delta) = (zeros(parameter)?, zeros(parameter)?);
        Ok(State::new([("step", count(0.0)), ("square_avg", square_avg), ("acc_delta", acc_delta)]))
    }

    fn update(&self, Item { parameter, grad, state, complex }: &mut Item) -> Result<()> {
        state.count_up()?;
        let grad = decayed(grad, parameter, self.weight_decay, *complex)?;
        let (squares, deltas) = (state.tensor("square_avg")?, state.tensor("acc_delta")?);
        squares.mul_(self.rho)?.addcmul__with(&grad, &grad, 1.0 - self.rho)?;
        let width = squares.add(self.eps)?.sqrt_()?;
        let delta = deltas.add(self.eps)?.sqrt_()?.div_(&width)?.mul_(&grad)?;
        deltas.mul_(self.rho)?.addcmul__with(&delta, &delta, 1.0 - self.rho)?;
        parameter.add__with(&delta, -self.lr).map(drop)
    }
}
