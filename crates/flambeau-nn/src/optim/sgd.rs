use std::slice::from_mut;

use flambeau_tensor::{Error, Result, Tensor, optim};
use serde::{Deserialize, Serialize};

use super::rule::{decayed, not_negative};
use super::{Entries, Item, PerParameter, Rule, StateValue};

/// The options of [`SGD`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SGDOptions {
    /// The learning rate: how far a step goes.
    pub lr: f64,
    /// How much of the step before is kept.
    pub momentum: f64,
    /// How much of a gradient does not enter the momentum.
    pub dampening: f64,
    /// How much of the parameter is added to its gradient.
    pub weight_decay: f64,
    /// Whether momentum is Nesterov's.
    pub nesterov: bool,
    /// Whether steps go up the gradient.
    pub maximize: bool,
}

impl Default for SGDOptions {
    fn default() -> SGDOptions {
        SGDOptions { lr: 1e-3, momentum: 0.0, dampening: 0.0, weight_decay: 0.0, nesterov: false, maximize: false }
    }
}

/// Stochastic gradient descent: `p -= lr * g`; with momentum, g is a running sum of gradients (`torch.optim.SGD`).
///
/// ```
/// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = SGD::new(vec![w.clone()], SGDOptions { lr: 0.25, ..Default::default() })?;
/// w.mul(&w)?.sum()?.backward()?;
/// optimizer.step()?;
/// assert_eq!(w.to_vec::<f32>()?, [0.5]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type SGD = PerParameter<SGDOptions>;

impl Rule for SGDOptions {
    const NAME: &'static str = "SGD";

    fn check(&self) -> Result<()> {
        not_negative(&[
            ("learning rate", self.lr),
            ("momentum value", self.momentum),
            ("weight_decay value", self.weight_decay),
        ])?;
        if self.nesterov && (self.momentum <= 0.0 || self.dampening != 0.0) {
            return Err(Error::value("Nesterov momentum requires a momentum and zero dampening"));
        }
        Ok(())
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
        entries.required("momentum", &mut self.momentum)?;
        entries.required("dampening", &mut self.dampening)?;
        entries.required("weight_decay", &mut self.weight_decay)?;
        entries.optional("nesterov", &mut self.nesterov)?;
        entries.optional("maximize", &mut self.maximize)?;
        entries.constant("foreach", StateValue::None);
        entries.constant("differentiable", false);
        entries.constant("fused", StateValue::None);
        Ok(())
    }

    fn update(&self, item: &mut Item) -> Result<()> {
        if item.complex { self.update_parts(item) } else { self.update_all(from_mut(item)) }
    }

    /// One call of the engine for all parameters; it makes the buffers that are missing.
    fn update_all(&self, items: &mut [Item]) -> Result<()> {
        if items.iter().any(|item| item.complex) {
            return items.iter_mut().try_for_each(|item| self.update(item));
        }
        let parameters: Vec<Tensor> = items.iter().map(|item| item.parameter.clone()).collect();
        let grads: Vec<Tensor> = items.iter().map(|item| item.grad.clone()).collect();
        let mut buffers: Vec<Option<Tensor>> =
            items.iter().map(|item| item.state.get("momentum_buffer").cloned()).collect();
        optim::sgd_step(
            &parameters,
            &grads,
            &mut buffers,
            self.lr,
            self.momentum,
            self.dampening,
            self.weight_decay,
            self.nesterov,
            false,
        )?;
        for (item, buffer) in items.iter_mut().zip(buffers) {
            if let Some(buffer) = buffer.filter(|_| self.momentum != 0.0) {
                item.state.set("momentum_buffer", buffer);
            }
        }
        Ok(())
    }
}

impl SGDOptions {
    /// A step of the parts of a complex tensor: a sum with a multiple rounds twice, where the engine's step rounds once.
    fn update_parts(&self, Item { parameter, grad, state, complex }: &mut Item) -> Result<()> {
        let mut grad = decayed(grad, parameter, self.weight_decay, *complex)?;
        if self.momentum != 0.0 {
            let buffer = match state.get("momentum_buffer") {
                Some(buffer) => buffer.mul_(self.momentum)?.add_(&grad.mul(1.0 - self.dampening)?)?.clone(),
                None => grad.clone_tensor()?,
            };
            grad = if self.nesterov { grad.add(&buffer.mul(self.momentum)?)? } else { buffer.clone() };
            state.set("momentum_buffer", buffer);
        }
        parameter.add_(&grad.mul(-self.lr)?).map(drop)
    }
}
