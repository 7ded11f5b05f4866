use std::slice::from_ref;

use flambeau_tensor::{DType, Error, Result, Tensor, optim};

use super::{Optimizer, check_parameters, check_settings};

/// The settings of [`Adam`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamOptions {
    /// The learning rate: how far a step goes.
    pub lr: f64,
    /// How much of the running means of gradients and of their squares is kept.
    pub betas: (f64, f64),
    /// Added to the divisor, so that it is never 0.
    pub eps: f64,
    /// How much of the parameter is added to its gradient, or taken off it if `decoupled`.
    pub weight_decay: f64,
    /// Whether the greatest running mean of squares counts.
    pub amsgrad: bool,
    /// Whether steps go up the gradient.
    pub maximize: bool,
    /// Whether the weight decay is AdamW's.
    pub decoupled: bool,
}

impl Default for AdamOptions {
    fn default() -> AdamOptions {
        AdamOptions {
            lr: 1e-3,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            amsgrad: false,
            maximize: false,
            decoupled: false,
        }
    }
}

impl AdamOptions {
    /// The defaults of `torch.optim.AdamW`.
    pub fn adamw() -> AdamOptions {
        AdamOptions { weight_decay: 0.01, decoupled: true, ..AdamOptions::default() }
    }
}

/// Adam: steps scaled by running means of the gradients and of their squares (`torch.optim.Adam`, and `AdamW` with
/// [`AdamOptions::adamw`]).
///
/// ```
/// use flambeau_nn::optim::{Adam, AdamOptions, Optimizer};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = Adam::new(vec![w.clone()], AdamOptions { lr: 0.5, ..AdamOptions::adamw() })?;
/// w.mul(&w)?.sum()?.backward()?;
/// optimizer.step()?;
/// assert!(w.item()?.to_f64() < 0.6);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub struct Adam {
    parameters: Vec<Tensor>,
    states: Vec<Option<State>>,
    options: AdamOptions,
}

/// What is kept of a parameter's past.
struct State {
    step: Tensor,
    exp_avg: Tensor,
    exp_avg_sq: Tensor,
    max_exp_avg_sq: Option<Tensor>,
}

impl State {
    fn new(parameter: &Tensor, amsgrad: bool) -> Result<State> {
        let zeros = || parameter.detach().zeros_like();
        Ok(State {
            step: Tensor::scalar(0.0, DType::F32),
            exp_avg: zeros()?,
            exp_avg_sq: zeros()?,
            max_exp_avg_sq: amsgrad.then(zeros).transpose()?,
        })
    }
}

impl Adam {
    /// An optimizer of these parameters.
    pub fn new(parameters: Vec<Tensor>, options: AdamOptions) -> Result<Adam> {
        check_settings(&[("learning rate", options.lr), ("epsilon value", options.eps)])?;
        for (i, beta) in [options.betas.0, options.betas.1].into_iter().enumerate() {
            if !(0.0..1.0).contains(&beta) {
                return Err(Error::value(format!("Invalid beta parameter at index {i}: {beta:?}")));
            }
        }
        check_settings(&[("weight_decay value", options.weight_decay)])?;
        check_parameters(&parameters)?;
        let states = parameters.iter().map(|_| None).collect();
        Ok(Adam { parameters, states, options })
    }
}

impl Optimizer for Adam {
    fn step(&mut self) -> Result<()> {
        let o = self.options;
        for (parameter, state) in self.parameters.iter().zip(&mut self.states) {
            let Some(grad) = parameter.grad() else { continue };
            let s = match state {
                Some(s) => s,
                None => state.insert(State::new(parameter, o.amsgrad)?),
            };
            optim::adam_step(
                from_ref(parameter),
                &[grad],
                from_ref(&s.exp_avg),
                from_ref(&s.exp_avg_sq),
                s.max_exp_avg_sq.as_slice(),
                from_ref(&s.step),
                o.lr,
                o.betas.0,
                o.betas.1,
                o.eps,
                o.weight_decay,
                o.amsgrad,
                o.maximize,
                o.decoupled,
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
