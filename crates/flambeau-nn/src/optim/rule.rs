use std::fmt::Debug;

use flambeau_tensor::{DType, Error, Kind, Result, Tensor, default_dtype};

use super::state_dict::{Entries, StateMap, StateValue, python_float};

/// The options of an optimizer and the step that they ask for: with it, [`PerParameter`](super::PerParameter) is an
/// optimizer.
///
/// Parameters, gradients and states come as real tensors: complex ones as views of their parts. Nothing is recorded.
///
/// ```
/// use flambeau_nn::optim::{Entries, Item, Optimizer, PerParameter, Rule};
/// use flambeau_tensor::{Result, Tensor};
///
/// /// Steps of one size, along the sign of the gradient.
/// #[derive(Clone, Debug, Default, PartialEq)]
/// struct SignOptions {
///     lr: f64,
/// }
///
/// impl Rule for SignOptions {
///     const NAME: &'static str = "Sign";
///     fn lr(&self) -> f64 {
///         self.lr
///     }
///     fn set_lr(&mut self, lr: f64) {
///         self.lr = lr;
///     }
///     fn entries(&mut self, entries: &mut Entries) -> Result<()> {
///         entries.required("lr", &mut self.lr)
///     }
///     fn update(&self, item: &mut Item) -> Result<()> {
///         item.parameter.add__with(item.grad.sign()?, -self.lr).map(drop)
///     }
/// }
///
/// let w = Tensor::of(&[1.0f32, -2.0], &[2])?.requires_grad_(true)?;
/// let mut optimizer = PerParameter::new(vec![w.clone()], SignOptions { lr: 0.5 })?;
/// w.mul(&w)?.sum()?.backward()?;
/// optimizer.step()?;
/// assert_eq!(w.to_vec::<f32>()?, [0.5, -1.5]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub trait Rule: Clone + Debug + Default + Send + Sync + 'static {
    /// The name of the optimizer, for printing and messages.
    const NAME: &'static str;

    /// Whether parameters may be complex.
    const COMPLEX: bool = true;

    /// Whether states exist before the first step.
    const EAGER: bool = false;

    /// Refuses options that mean nothing.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Refuses parameters that it cannot change.
    fn check_parameter(&self, _parameter: &Tensor) -> Result<()> {
        Ok(())
    }

    /// The learning rate.
    fn lr(&self) -> f64;

    /// Sets the learning rate.
    fn set_lr(&mut self, lr: f64);

    /// The option `momentum`, or the first of `betas`.
    fn momentum(&self) -> Option<f64> {
        None
    }

    /// Sets what [`Rule::momentum`] gives.
    fn set_momentum(&mut self, _momentum: f64) {}

    /// Whether steps go up the gradient.
    fn maximize(&self) -> bool {
        false
    }

    /// Names all options, in PyTorch's order, for state dicts.
    fn entries(&mut self, entries: &mut Entries) -> Result<()>;

    /// The state of a parameter before its first step.
    fn start(&self, _parameter: &Tensor) -> Result<State> {
        Ok(State::default())
    }

    /// One step of one parameter.
    fn update(&self, item: &mut Item) -> Result<()>;

    /// One step of all parameters of a group that have a gradient: one by one, unless the rule can do better.
    fn update_all(&self, items: &mut [Item]) -> Result<()> {
        items.iter_mut().try_for_each(|item| self.update(item))
    }
}

/// A parameter in a step, with its gradient and its state.
pub struct Item {
    /// The parameter.
    pub parameter: Tensor,
    /// Its gradient, negated where steps go up the gradient.
    pub grad: Tensor,
    /// What is kept of its past.
    pub state: State,
    /// Whether these are the parts of complex tensors.
    pub complex: bool,
}

/// What an optimizer keeps of a parameter's past: tensors under PyTorch's names.
///
/// ```
/// use flambeau_nn::optim::{Adam, AdamOptions, Optimizer};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32, 2.0], &[2])?.requires_grad_(true)?;
/// let mut optimizer = Adam::new(vec![w.clone()], AdamOptions::default())?;
/// w.sum()?.backward()?;
/// optimizer.step()?;
/// let mean = optimizer.state(&w).unwrap().tensor("exp_avg")?;
/// assert_eq!(mean.size(), w.size());
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct State(Vec<(String, Tensor)>);

impl State {
    /// A state of these tensors.
    pub fn new<const N: usize>(tensors: [(&str, Tensor); N]) -> State {
        State(tensors.into_iter().map(|(name, tensor)| (name.to_string(), tensor)).collect())
    }

    /// Whether there is nothing in it, as before the first step.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tensor of a name, which must be there.
    pub fn tensor(&self, name: &str) -> Result<&Tensor> {
        self.get(name).ok_or_else(|| Error::value(format!("the state of a parameter has no '{name}'")))
    }

    /// The tensor of a name, if it is there.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.0.iter().find_map(|(n, tensor)| (n == name).then_some(tensor))
    }

    /// Sets the tensor of a name.
    pub fn set(&mut self, name: &str, tensor: Tensor) {
        match self.0.iter_mut().find(|(n, _)| n == name) {
            Some((_, old)) => *old = tensor,
            None => self.0.push((name.to_string(), tensor)),
        }
    }

    /// Names and tensors.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.0.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// Adds one to `step` and gives it.
    pub fn count_up(&self) -> Result<f64> {
        self.tensor("step")?.add_(1)?.item().map(|n| n.to_f64())
    }

    /// With every tensor changed by `f`.
    pub(super) fn map(&self, f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<State> {
        self.0.iter().map(|(name, tensor)| Ok((name.clone(), f(tensor)?))).collect::<Result<_>>().map(State)
    }

    pub(super) fn packed(&self) -> StateMap {
        self.iter().map(|(name, tensor)| (name, tensor.clone())).collect()
    }

    /// A parameter's part of the dictionary `state`. Tensors take the dtype of the parameter; step counts keep theirs.
    pub(super) fn unpacked(packed: &StateMap, parameter: &Tensor) -> Result<State> {
        let mut state = State::default();
        for (key, value) in packed.iter() {
            let StateValue::Text(name) = key else {
                return Err(Error::value(format!("the state of a parameter has a key {key:?}, which is not text")));
            };
            if matches!(value, StateValue::None) {
                continue; // SGD's momentum_buffer before its first step
            }
            let tensor: Tensor = packed.require(name)?;
            let keeps = name == "step" || parameter.dtype().kind() != Kind::Float;
            let tensor = if keeps { tensor } else { tensor.to_dtype(parameter.dtype())? };
            // The optimizer must not write what the dictionary holds.
            state.set(name, tensor.detach().clone_tensor()?);
        }
        Ok(state)
    }
}

/// A step count of 0, or another number that every parameter has.
pub(super) fn count(value: f64) -> Tensor {
    Tensor::scalar(value, if default_dtype() == DType::F64 { DType::F64 } else { DType::F32 })
}

/// Zeros in the shape of a parameter.
pub(super) fn zeros(parameter: &Tensor) -> Result<Tensor> {
    parameter.detach().zeros_like()
}

/// Adds weight decay to a gradient.
pub(super) fn decayed(grad: &Tensor, parameter: &Tensor, weight_decay: f64, complex: bool) -> Result<Tensor> {
    match weight_decay {
        0.0 => Ok(grad.clone()),
        // A sum of complex tensors with a multiple rounds twice, that of real ones once.
        _ if complex => grad.add(&parameter.mul(weight_decay)?),
        _ => grad.add_with(parameter, weight_decay),
    }
}

/// Refuses numbers that are negative, or no numbers, with PyTorch's message.
pub(super) fn not_negative(options: &[(&str, f64)]) -> Result<()> {
    match options.iter().find(|(_, value)| value.is_nan() || *value < 0.0) {
        Some((name, value)) => Err(Error::value(format!("Invalid {name}: {}", python_float(*value)))),
        None => Ok(()),
    }
}

/// Refuses decay rates outside of [0, 1).
pub(super) fn check_betas(betas: (f64, f64)) -> Result<()> {
    for (i, beta) in [betas.0, betas.1].into_iter().enumerate() {
        if !(0.0..1.0).contains(&beta) {
            return Err(Error::value(format!("Invalid beta parameter at index {i}: {}", python_float(beta))));
        }
    }
    Ok(())
}
