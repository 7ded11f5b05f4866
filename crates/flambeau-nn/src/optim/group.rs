use flambeau_tensor::{Error, Result, Tensor};

use super::state_dict::{Entries, StateMap, StateValue};
use super::{Rule, State};

/// A group of parameters of any optimizer: what a scheduler reads and changes. [`ParamGroup`] is the group with all its
/// options.
///
/// ```
/// use flambeau_nn::optim::{Adam, AdamOptions, Group, Optimizer};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = Adam::new(vec![w], AdamOptions::default())?;
/// for group in optimizer.param_groups_mut() {
///     group.set_lr(group.lr() / 2.0);
///     assert_eq!(group.momentum(), Some(0.9)); // the first of Adam's betas
/// }
/// assert_eq!(optimizer.lr(), 0.0005);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub trait Group {
    /// Its parameters.
    fn parameters(&self) -> &[Tensor];

    /// Its learning rate.
    fn lr(&self) -> f64;

    /// Sets its learning rate.
    fn set_lr(&mut self, lr: f64);

    /// How much of the steps before is kept, if the optimizer has such an option: `momentum`, or the first of `betas`.
    fn momentum(&self) -> Option<f64>;

    /// Whether its momentum is the first of `betas`.
    fn has_betas(&self) -> bool;

    /// Sets its momentum, if it has one.
    fn set_momentum(&mut self, momentum: f64);

    /// A number that a scheduler left with the group, such as `initial_lr`. It is part of the state dict.
    fn note(&self, name: &str) -> Option<f64>;

    /// Leaves a number with the group.
    fn set_note(&mut self, name: &str, value: f64);
}

/// Parameters that share options.
///
/// ```
/// use flambeau_nn::optim::{Group, SGD, SGDOptions};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let mut optimizer = SGD::new(vec![w.clone()], SGDOptions::default())?;
/// optimizer.groups_mut()[0].options.momentum = 0.9;
/// assert!(optimizer.groups()[0].parameters()[0].is(&w));
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub struct ParamGroup<O> {
    /// The options, which may be changed between steps.
    pub options: O,
    pub(super) parameters: Vec<Tensor>,
    /// What is kept of each parameter's past; empty before its first step.
    pub(super) states: Vec<State>,
    /// Entries of the state dict that are not options.
    notes: StateMap,
}

impl<O: Rule> ParamGroup<O> {
    pub(super) fn new(parameters: Vec<Tensor>, options: O) -> ParamGroup<O> {
        let states = parameters.iter().map(|_| State::default()).collect();
        ParamGroup { options, parameters, states, notes: StateMap::new() }
    }

    /// Its part of the list `param_groups`; its parameters are numbered from `first` on.
    pub(super) fn packed(&self, first: usize) -> StateMap {
        let mut packed = Entries::write(|entries| self.options.clone().entries(entries));
        self.notes.iter().for_each(|(key, value)| packed.insert(key.clone(), value.clone()));
        packed.insert("params", (first..first + self.parameters.len()).collect::<Vec<_>>());
        packed
    }

    /// The options and notes of a group's part of the list `param_groups`.
    pub(super) fn unpacked(packed: &StateMap) -> Result<(O, StateMap)> {
        let mut options = O::default();
        let seen = Entries::read(packed, |entries| options.entries(entries))?;
        let own = |key: &StateValue| matches!(key, StateValue::Text(k) if k == "params" || seen.contains(&k.as_str()));
        Ok((options, packed.iter().filter(|(key, _)| !own(key)).cloned().collect()))
    }

    /// Takes the notes of a state dict. One without names leaves the group's own.
    pub(super) fn set_notes(&mut self, mut notes: StateMap) {
        if let (None, Some(names)) = (notes.get("param_names"), self.notes.get("param_names")) {
            notes.insert("param_names", names.clone());
        }
        self.notes = notes;
    }

    /// The names of its parameters, if it was given some.
    pub fn param_names(&self) -> Option<Vec<String>> {
        self.notes.get("param_names").and_then(StateValue::read)
    }

    pub(super) fn set_param_names(&mut self, names: Vec<String>) {
        self.notes.insert("param_names", names);
    }
}

impl<O: Rule> Group for ParamGroup<O> {
    fn parameters(&self) -> &[Tensor] {
        &self.parameters
    }
    fn lr(&self) -> f64 {
        self.options.lr()
    }
    fn set_lr(&mut self, lr: f64) {
        self.options.set_lr(lr);
    }
    fn momentum(&self) -> Option<f64> {
        self.options.momentum()
    }
    fn has_betas(&self) -> bool {
        self.packed(0).get("betas").is_some()
    }
    fn set_momentum(&mut self, momentum: f64) {
        self.options.set_momentum(momentum);
    }
    fn note(&self, name: &str) -> Option<f64> {
        self.notes.get(name).and_then(StateValue::read)
    }
    fn set_note(&mut self, name: &str, value: f64) {
        self.notes.insert(name, value);
    }
}

/// Refuses what no optimizer can change. `others` are the parameters that it has already.
pub(super) fn check_parameters(parameters: &[Tensor], others: &[Tensor]) -> Result<()> {
    if parameters.iter().any(|p| !p.is_leaf() && !p.retains_grad()) {
        return Err(Error::value("can't optimize a non-leaf Tensor"));
    }
    let twice = |(i, p): (usize, &Tensor)| parameters[..i].iter().chain(others).any(|q| q.is(p));
    if parameters.iter().enumerate().any(twice) {
        return Err(Error::value("some parameters appear in more than one parameter group"));
    }
    Ok(())
}

/// The groups of a state dict, if they fit an optimizer whose groups have so many parameters.
pub(super) fn saved_groups(state: &StateMap, sizes: &[usize]) -> Result<Vec<StateMap>> {
    let saved: Vec<StateMap> = state.require("param_groups")?;
    if saved.len() != sizes.len() {
        return Err(Error::value("loaded state dict has a different number of parameter groups"));
    }
    for (group, size) in saved.iter().zip(sizes) {
        if group.require::<Vec<i64>>("params")?.len() != *size {
            return Err(Error::value(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group",
            ));
        }
    }
    Ok(saved)
}
