//! Optimizers: what changes the parameters after each backward pass, with PyTorch's steps; [`schedulers`] change their
//! learning rates from epoch to epoch.
//!
//! An optimizer takes parameters, such as `model.parameters()`, and options; those left out are PyTorch's defaults:
//!
//! ```
//! use flambeau_nn::optim::{Adam, AdamOptions, Optimizer};
//! use flambeau_tensor::Tensor;
//!
//! let w = Tensor::of(&[3.0f64, -2.0], &[2])?.requires_grad_(true)?;
//! let mut optimizer = Adam::new(vec![w.clone()], AdamOptions { lr: 0.1, ..Default::default() })?;
//! for _ in 0..200 {
//!     optimizer.zero_grad()?;
//!     w.mul(&w)?.sum()?.backward()?;
//!     optimizer.step()?;
//! }
//! assert!(w.abs()?.max()?.item()?.to_f64() < 0.01);
//! # Ok::<(), flambeau_tensor::Error>(())
//! ```
//!
//! Parameters in groups may have options of their own:
//!
//! ```
//! use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
//! use flambeau_tensor::Tensor;
//!
//! let [body, head] = [1.0f32, 2.0].map(|x| Tensor::of(&[x], &[1]));
//! let (body, head) = (body?.requires_grad_(true)?, head?.requires_grad_(true)?);
//! let mut optimizer = SGD::new(vec![body], SGDOptions { lr: 0.01, momentum: 0.9, ..Default::default() })?;
//! optimizer.add_group(vec![head], SGDOptions { lr: 0.1, ..Default::default() })?;
//! optimizer.groups_mut()[1].options.weight_decay = 1e-4;
//! assert_eq!(optimizer.parameters().len(), 2);
//! # Ok::<(), flambeau_tensor::Error>(())
//! ```
//!
//! Options are read from configurations with `serde`; what is left out is PyTorch's default:
//!
//! ```
//! use flambeau_nn::optim::AdamWOptions;
//!
//! let options: AdamWOptions = serde_json::from_str(r#"{"lr": 0.01, "betas": [0.9, 0.95]}"#).unwrap();
//! assert_eq!(options, AdamWOptions { lr: 0.01, betas: (0.9, 0.95), ..Default::default() });
//! assert!(serde_json::from_str::<AdamWOptions>(r#"{"learning_rate": 0.01}"#).is_err()); // no such option
//! ```
//!
//! All but [`LBFGS`] change every parameter by itself: they are [`PerParameter`] with options that are a [`Rule`], and a rule
//! of one's own is an optimizer too.

mod adadelta;
mod adafactor;
mod adagrad;
mod adam;
mod adamax;
mod adamw;
mod asgd;
mod group;
mod lbfgs;
mod line_search;
mod muon;
mod nadam;
mod per_parameter;
mod radam;
mod rmsprop;
mod rprop;
mod rule;
pub mod schedulers;
mod sgd;
mod state_dict;

use flambeau_tensor::autograd::enable_grad;
use flambeau_tensor::{Result, Tensor};

pub use adadelta::{Adadelta, AdadeltaOptions};
pub use adafactor::{Adafactor, AdafactorOptions};
pub use adagrad::{Adagrad, AdagradOptions};
pub use adam::{Adam, AdamOptions};
pub use adamax::{Adamax, AdamaxOptions};
pub use adamw::{AdamW, AdamWOptions};
pub use asgd::{ASGD, ASGDOptions};
pub use group::{Group, ParamGroup};
pub use lbfgs::{LBFGS, LBFGSOptions, LineSearch};
pub use muon::{AdjustLr, Muon, MuonOptions};
pub use nadam::{NAdam, NAdamOptions};
pub use per_parameter::PerParameter;
pub use radam::{RAdam, RAdamOptions};
pub use rmsprop::{RMSprop, RMSpropOptions};
pub use rprop::{Rprop, RpropOptions};
pub use rule::{Item, Rule, State};
pub use sgd::{SGD, SGDOptions};
pub use state_dict::{Entries, FromState, StateMap, StateValue};

/// A function that computes the loss anew, with its gradients, for [`Optimizer::step_with`].
pub type Closure<'a> = dyn FnMut() -> Result<Tensor> + 'a;

/// What all optimizers have in common (`torch.optim.Optimizer`).
pub trait Optimizer {
    /// Changes each parameter that has a gradient, once.
    fn step(&mut self) -> Result<()>;

    /// As [`Optimizer::step`], after `closure` has computed the loss and its gradients; gives the loss. [`LBFGS`] calls the
    /// closure several times a step.
    ///
    /// ```
    /// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions};
    /// use flambeau_tensor::Tensor;
    ///
    /// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
    /// let mut optimizer = SGD::new(vec![w.clone()], SGDOptions { lr: 0.25, ..Default::default() })?;
    /// let loss = optimizer.step_with(&mut || {
    ///     w.set_grad(None)?;
    ///     let loss = w.mul(&w)?.sum()?;
    ///     loss.backward()?;
    ///     Ok(loss)
    /// })?;
    /// assert_eq!(loss.item()?.to_f64(), 1.0);
    /// assert_eq!(w.to_vec::<f32>()?, [0.5]);
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    fn step_with(&mut self, closure: &mut Closure) -> Result<Tensor> {
        let loss = enable_grad(closure)?;
        self.step()?;
        Ok(loss)
    }

    /// The groups of parameters, as schedulers see them.
    fn param_groups(&self) -> Vec<&dyn Group>;

    /// The groups of parameters, to change their rates.
    fn param_groups_mut(&mut self) -> Vec<&mut dyn Group>;

    /// Its state and options, with parameters replaced by their numbers, for a file. The tensors share the optimizer's
    /// memory.
    fn state_dict(&self) -> StateMap;

    /// Takes state and options from a state dict; parameters are matched by their order. PyTorch's dicts fit, and ours fit
    /// there.
    ///
    /// ```
    /// use flambeau_nn::optim::{Adam, AdamOptions, Optimizer};
    /// use flambeau_tensor::Tensor;
    ///
    /// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
    /// let mut optimizer = Adam::new(vec![w.clone()], AdamOptions { lr: 0.5, ..Default::default() })?;
    /// w.mul(&w)?.sum()?.backward()?;
    /// optimizer.step()?;
    ///
    /// let mut again = Adam::new(vec![w.clone()], AdamOptions::default())?;
    /// again.load_state_dict(&optimizer.state_dict())?;
    /// assert_eq!(again.lr(), 0.5);
    /// assert_eq!(again.state(&w).unwrap().tensor("step")?.item()?.to_f64(), 1.0);
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    fn load_state_dict(&mut self, state: &StateMap) -> Result<()>;

    /// The parameters of all groups.
    fn parameters(&self) -> Vec<Tensor> {
        self.param_groups().iter().flat_map(|group| group.parameters().to_vec()).collect()
    }

    /// The learning rate: of the first group, if there are several.
    fn lr(&self) -> f64 {
        self.param_groups().first().map_or(f64::NAN, |group| group.lr())
    }

    /// Sets the learning rate of the steps to come, in all groups.
    fn set_lr(&mut self, lr: f64) {
        self.param_groups_mut().into_iter().for_each(|group| group.set_lr(lr));
    }

    /// Drops all gradients.
    fn zero_grad(&self) -> Result<()> {
        self.parameters().iter().try_for_each(|p| p.set_grad(None))
    }
}
