use flambeau_tensor::{Error, Result, Tensor, optim};

use super::{Optimizer, check_parameters, check_settings};

/// The settings of [`SGD`].
#[derive(Clone, Copy, Debug, PartialEq)]
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
pub struct SGD {
    parameters: Vec<Tensor>,
    momentum_buffers: Vec<Option<Tensor>>,
    options: SGDOptions,
}

impl SGD {
    /// An optimizer of these parameters.
    pub fn new(parameters: Vec<Tensor>, options: SGDOptions) -> Result<SGD> {
        check_settings(&[
            ("learning rate", options.lr),
            ("momentum value", options.momentum),
            ("weight_decay value", options.weight_decay),
        ])?;
        if options.nesterov && (options.momentum <= 0.0 || options.dampening != 0.0) {
            return Err(Error::value("Nesterov momentum requires a momentum and zero dampening"));
        }
        check_parameters(&parameters)?;
        let momentum_buffers = vec![None; parameters.len()];
        Ok(SGD { parameters, momentum_buffers, options })
    }
}

impl Optimizer for SGD {
    fn step(&mut self) -> Result<()> {
        let o = self.options;
        for (parameter, buffer) in self.parameters.iter().zip(&mut self.momentum_buffers) {
            let Some(grad) = parameter.grad() else { continue };
            optim::sgd_step(
                std::slice::from_ref(parameter),
                &[grad],
                std::slice::from_mut(buffer),
                o.lr,
                o.momentum,
                o.dampening,
                o.weight_decay,
                o.nesterov,
                o.maximize,
            )?;
        }
        Ok(())
    }
    fn parameters(&self) -> &[Tensor] {
        &self.parameters
    }
    fn lr(&self) -> f64 {
        self.options.lr
    }
    fn set_lr(&mut self, lr: f64) {
        self.options.lr = lr;
    }
}
