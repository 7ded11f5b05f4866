use std::fmt;

use flambeau_tensor::{Result, Tensor};

use crate::module::{Change, Parts, show};
use crate::{Forward, Module};

/// Layers one after the other. Shape: in as of the first layer, out as of the last.
///
/// The macro [`sequential!`](crate::sequential) lists them:
///
/// ```
/// use flambeau_nn::{Forward, Linear, Module, ReLU, sequential};
/// use flambeau_tensor::ops;
///
/// let model = sequential![Linear::new(4, 8)?, ReLU, Linear::new(8, 2)?];
/// assert_eq!(model.forward(&ops::ones(&[5, 4])?)?.size(), [5, 2]);
/// assert_eq!(model.named_parameters()[2].0, "2.weight");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Default)]
pub struct Sequential {
    layers: Vec<Box<dyn Forward>>,
}

impl Sequential {
    /// No layer yet: the input is the output.
    pub fn new() -> Sequential {
        Sequential::default()
    }

    /// With a layer more at the end.
    pub fn then(mut self, layer: impl Forward + 'static) -> Sequential {
        self.push(layer);
        self
    }

    /// Adds a layer at the end.
    pub fn push(&mut self, layer: impl Forward + 'static) {
        self.layers.push(Box::new(layer));
    }

    /// The number of layers.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// True if there is no layer.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// The layers in their order.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Forward> {
        self.layers.iter().map(|layer| layer.as_ref())
    }
}

impl Module for Sequential {
    fn name(&self) -> &'static str {
        "Sequential"
    }
    fn parts(&self) -> Parts<'_> {
        self.layers.parts()
    }
    fn change_tensors(&mut self, change: Change<'_>) -> Result<()> {
        self.layers.change_tensors(change)
    }
}
show!(Sequential);

impl Forward for Sequential {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        self.layers.iter().try_fold(input.clone(), |x, layer| layer.forward(&x))
    }
}

/// Layers of one kind by name, in the order in which they were put in (`torch.nn.ModuleDict`).
///
/// ```
/// use flambeau_nn::{Forward, Linear, Module, ModuleDict};
/// use flambeau_tensor::ops;
///
/// let heads: ModuleDict<Linear> = [("cat", Linear::new(4, 1)?), ("dog", Linear::new(4, 1)?)].into_iter().collect();
/// assert_eq!(heads.get("dog").unwrap().forward(&ops::ones(&[4])?)?.size(), [1]);
/// assert_eq!(heads.named_parameters()[2].0, "dog.weight");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub struct ModuleDict<M> {
    layers: Vec<(String, M)>,
}

impl<M> ModuleDict<M> {
    /// The layer of this name.
    pub fn get(&self, name: &str) -> Option<&M> {
        self.layers.iter().find_map(|(key, layer)| (key == name).then_some(layer))
    }

    /// Puts a layer in, or another in the place of the one of this name.
    pub fn insert(&mut self, name: &str, layer: M) {
        match self.layers.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => *old = layer,
            None => self.layers.push((name.to_string(), layer)),
        }
    }

    /// Names and layers in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &M)> {
        self.layers.iter().map(|(name, layer)| (name.as_str(), layer))
    }
}

impl<M> Default for ModuleDict<M> {
    fn default() -> ModuleDict<M> {
        ModuleDict { layers: Vec::new() }
    }
}

impl<M, S: AsRef<str>> FromIterator<(S, M)> for ModuleDict<M> {
    fn from_iter<I: IntoIterator<Item = (S, M)>>(layers: I) -> ModuleDict<M> {
        let mut dict = ModuleDict::default();
        layers.into_iter().for_each(|(name, layer)| dict.insert(name.as_ref(), layer));
        dict
    }
}

impl<M: Module> Module for ModuleDict<M> {
    fn name(&self) -> &'static str {
        "ModuleDict"
    }
    fn parts(&self) -> Parts<'_> {
        let mut parts = Parts::default();
        self.layers.iter().for_each(|(name, layer)| parts.add(name, layer));
        parts
    }
    fn change_tensors(&mut self, change: Change<'_>) -> Result<()> {
        self.layers.iter_mut().try_for_each(|(_, layer)| layer.change_tensors(change))
    }
}

impl<M: Module> fmt::Display for ModuleDict<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repr())
    }
}

impl<M: Module> fmt::Debug for ModuleDict<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repr())
    }
}

/// Parameters by number (`torch.nn.ParameterList`): a field of a module of one's own.
///
/// ```
/// use flambeau_nn::{Module, ParameterList};
/// use flambeau_tensor::ops;
///
/// let weights = ParameterList::new(vec![ops::ones(&[2])?, ops::ones(&[3])?])?;
/// assert_eq!(weights.named_parameters()[1].0, "1"); // as a field `weights` of a module: "weights.1"
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Default)]
pub struct ParameterList(pub Vec<Tensor>);

impl ParameterList {
    /// With these values, which become parameters.
    pub fn new(values: Vec<Tensor>) -> Result<ParameterList> {
        let trained = values.into_iter().map(|value| value.detach().requires_grad_(true));
        Ok(ParameterList(trained.collect::<Result<_>>()?))
    }
}

impl Module for ParameterList {
    fn name(&self) -> &'static str {
        "ParameterList"
    }
    fn parts(&self) -> Parts<'_> {
        let mut parts = Parts::default();
        self.0.iter().enumerate().for_each(|(i, parameter)| parts.add(&i.to_string(), parameter));
        parts
    }
    fn change_tensors(&mut self, change: Change<'_>) -> Result<()> {
        self.0.iter_mut().try_for_each(change)
    }
    fn extra_repr(&self) -> String {
        let line = |(i, p): (usize, &Tensor)| {
            let sizes: Vec<String> = p.size().iter().map(i64::to_string).collect();
            format!("  ({i}): Parameter containing: [{} of size {}]", p.dtype(), sizes.join("x"))
        };
        self.0.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
    }
}
show!(ParameterList);

/// A [`Sequential`] of the layers listed.
#[macro_export]
macro_rules! sequential {
    ($($layer:expr),* $(,)?) => { $crate::Sequential::new()$(.then($layer))* };
}
