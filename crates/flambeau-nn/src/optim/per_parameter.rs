use std::fmt;

use flambeau_tensor::autograd::no_grad;
use flambeau_tensor::{Error, Result, Tensor};

use super::group::{check_parameters, saved_groups};
use super::state_dict::{StateMap, StateValue};
use super::{Group, Item, Optimizer, ParamGroup, Rule, State};

/// An optimizer that changes every parameter by itself, from its gradient and its own past, as its options `O` say: see
/// [`Adam`](super::Adam), [`SGD`](super::SGD) and their like.
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
pub struct PerParameter<O> {
    groups: Vec<ParamGroup<O>>,
}

impl<O: Rule> PerParameter<O> {
    /// An optimizer of these parameters.
    pub fn new(parameters: Vec<Tensor>, options: O) -> Result<PerParameter<O>> {
        options.check()?;
        if parameters.is_empty() {
            return Err(Error::value("optimizer got an empty parameter list"));
        }
        let mut optimizer = PerParameter { groups: Vec::new() };
        optimizer.add_group(parameters, options)?;
        Ok(optimizer)
    }

    /// An optimizer of named parameters, such as `model.named_parameters()`: its state dict lists the names too.
    ///
    /// ```
    /// use flambeau_nn::optim::{Adam, AdamOptions};
    /// use flambeau_nn::{Linear, Module};
    ///
    /// let model = Linear::new(3, 2)?;
    /// let optimizer = Adam::named(model.named_parameters(), AdamOptions::default())?;
    /// assert_eq!(optimizer.groups()[0].param_names(), Some(vec!["weight".to_string(), "bias".to_string()]));
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    pub fn named(parameters: Vec<(String, Tensor)>, options: O) -> Result<PerParameter<O>> {
        let (names, parameters): (Vec<String>, Vec<Tensor>) = parameters.into_iter().unzip();
        let mut optimizer = PerParameter::new(parameters, options)?;
        optimizer.groups[0].set_param_names(names);
        Ok(optimizer)
    }

    /// Adds parameters with options of their own (`add_param_group`).
    pub fn add_group(&mut self, parameters: Vec<Tensor>, options: O) -> Result<()> {
        options.check()?;
        check_parameters(&parameters, &self.parameters())?;
        parameters.iter().try_for_each(|p| options.check_parameter(p))?;
        let mut group = ParamGroup::new(parameters, options);
        if O::EAGER {
            no_grad(|| group.start(|_| true))?;
        }
        self.groups.push(group);
        Ok(())
    }

    /// The groups, with their options.
    pub fn groups(&self) -> &[ParamGroup<O>] {
        &self.groups
    }

    /// The groups, to change their options between steps.
    pub fn groups_mut(&mut self) -> &mut [ParamGroup<O>] {
        &mut self.groups
    }

    /// What is kept of a parameter's past; empty before its first step. `None` if the parameter is not the optimizer's.
    pub fn state(&self, parameter: &Tensor) -> Option<&State> {
        let mut all = self.groups.iter().flat_map(|group| group.parameters.iter().zip(&group.states));
        all.find_map(|(p, state)| p.is(parameter).then_some(state))
    }
}

impl<O: Rule> ParamGroup<O> {
    /// Gives the chosen parameters that have no state yet one.
    fn start(&mut self, chosen: impl Fn(&Tensor) -> bool) -> Result<()> {
        for (parameter, state) in self.parameters.iter().zip(&mut self.states) {
            if state.is_empty() && chosen(parameter) {
                let made = self.options.start(&real(parameter)?)?;
                *state = if parameter.dtype().is_complex() { complex(&made, parameter)? } else { made };
            }
        }
        Ok(())
    }

    fn step(&mut self) -> Result<()> {
        let stepping = |p: &Tensor| p.grad().is_some();
        if !O::COMPLEX && self.parameters.iter().any(|p| stepping(p) && p.dtype().is_complex()) {
            return Err(Error::runtime(format!("{} does not support complex parameters", O::NAME)));
        }
        self.start(stepping)?;
        let (mut places, mut items) = (Vec::new(), Vec::new());
        for (i, parameter) in self.parameters.iter().enumerate() {
            let Some(grad) = parameter.grad() else { continue };
            let complex = parameter.dtype().is_complex();
            let (parameter, grad) = (real(parameter)?, real(&grad)?);
            let grad = if self.options.maximize() { grad.neg()? } else { grad };
            places.push(i);
            items.push(Item { parameter, grad, state: State::default(), complex });
        }
        // The states are lent to the step, and come back even if it fails.
        for (i, item) in places.iter().zip(&mut items) {
            let own = &mut self.states[*i];
            item.state = if self.parameters[*i].dtype().is_complex() { own.map(real)? } else { std::mem::take(own) };
        }
        let done = self.options.update_all(&mut items);
        for (i, item) in places.into_iter().zip(items) {
            let parameter = &self.parameters[i];
            self.states[i] = if parameter.dtype().is_complex() { complex(&item.state, parameter)? } else { item.state };
        }
        done
    }
}

/// The parts of a complex tensor, or a real tensor itself.
fn real(tensor: &Tensor) -> Result<Tensor> {
    if tensor.dtype().is_complex() { tensor.detach().view_as_real() } else { Ok(tensor.clone()) }
}

/// The state of a complex parameter, which was made for its parts, as complex tensors. Counts stay what they are.
fn complex(state: &State, parameter: &Tensor) -> Result<State> {
    let is_parts = |t: &Tensor| t.dim() == parameter.dim() + 1;
    state.map(|t| if is_parts(t) { t.view_as_complex() } else { Ok(t.clone()) })
}

impl<O: Rule> Optimizer for PerParameter<O> {
    fn step(&mut self) -> Result<()> {
        no_grad(|| self.groups.iter_mut().try_for_each(ParamGroup::step))
    }

    fn param_groups(&self) -> Vec<&dyn Group> {
        self.groups.iter().map(|group| group as &dyn Group).collect()
    }

    fn param_groups_mut(&mut self) -> Vec<&mut dyn Group> {
        self.groups.iter_mut().map(|group| group as &mut dyn Group).collect()
    }

    fn state_dict(&self) -> StateMap {
        let (mut first, mut groups, mut state) = (0, Vec::new(), StateMap::new());
        for group in &self.groups {
            groups.push(group.packed(first));
            for (i, own) in group.states.iter().enumerate().filter(|(_, own)| !own.is_empty()) {
                state.insert(first + i, own.packed());
            }
            first += group.parameters.len();
        }
        [("state", StateValue::from(state)), ("param_groups", groups.into())].into_iter().collect()
    }

    fn load_state_dict(&mut self, state: &StateMap) -> Result<()> {
        let sizes: Vec<usize> = self.groups.iter().map(|group| group.parameters.len()).collect();
        let packed: StateMap = state.require("state")?;
        let mut loaded = Vec::with_capacity(sizes.len());
        for (group, saved) in self.groups.iter().zip(saved_groups(state, &sizes)?) {
            let (options, notes) = ParamGroup::<O>::unpacked(&saved)?;
            let mut states = Vec::with_capacity(group.parameters.len());
            for (key, parameter) in saved.require::<Vec<i64>>("params")?.into_iter().zip(&group.parameters) {
                states.push(match packed.at(key).and_then(StateValue::read::<StateMap>) {
                    Some(own) => no_grad(|| State::unpacked(&own, parameter))?,
                    None => State::default(),
                });
            }
            loaded.push((options, notes, states));
        }
        for (group, (options, notes, states)) in self.groups.iter_mut().zip(loaded) {
            (group.options, group.states) = (options, states);
            group.set_notes(notes);
        }
        Ok(())
    }
}

/// As PyTorch prints an optimizer.
impl<O: Rule> fmt::Display for PerParameter<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} (", O::NAME)?;
        for (i, group) in self.groups.iter().enumerate() {
            writeln!(f, "Parameter Group {i}")?;
            for (name, value) in group.packed(0).printed() {
                writeln!(f, "    {name}: {value}")?;
            }
        }
        f.write_str(")")
    }
}

impl<O: Rule> fmt::Debug for PerParameter<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
