//! State dicts of optimizers and schedulers: what is written to a file and read from one, with PyTorch's names.

use flambeau_tensor::{DType, Error, Result, Tensor};

/// A value of a state dict, as Python knows it. Plain values become one by `into`; [`FromState`] is the way back.
///
/// ```
/// use flambeau_nn::optim::StateValue;
///
/// let betas = StateValue::from((0.9, 0.999));
/// assert!(matches!(&betas, StateValue::Tuple(both) if both.len() == 2));
/// assert_eq!(betas.read::<(f64, f64)>(), Some((0.9, 0.999)));
/// assert_eq!(betas.read::<f64>(), None);
/// ```
#[derive(Clone, Debug, Default)]
pub enum StateValue {
    /// `None`.
    #[default]
    None,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// Text.
    Text(String),
    /// A tensor.
    Tensor(Tensor),
    /// A list.
    List(Vec<StateValue>),
    /// A tuple.
    Tuple(Vec<StateValue>),
    /// A dictionary.
    Map(StateMap),
}

impl StateValue {
    /// The value as a Rust type, if it fits.
    pub fn read<T: FromState>(&self) -> Option<T> {
        T::from_state(self)
    }

    /// As Python's `str` writes it.
    fn printed(&self) -> String {
        let inner = |v: &StateValue| if let StateValue::Text(text) = v { format!("'{text}'") } else { v.printed() };
        let all = |items: &[StateValue]| items.iter().map(inner).collect::<Vec<_>>().join(", ");
        match self {
            StateValue::None => "None".to_string(),
            StateValue::Bool(v) => (if *v { "True" } else { "False" }).to_string(),
            StateValue::Int(v) => v.to_string(),
            StateValue::Float(v) => python_float(*v),
            StateValue::Text(v) => v.clone(),
            StateValue::Tensor(v) => v.to_string(),
            StateValue::List(v) => format!("[{}]", all(v)),
            StateValue::Tuple(v) => format!("({})", all(v)),
            StateValue::Map(v) => {
                let pairs = v.iter().map(|(key, value)| format!("{}: {}", inner(key), inner(value)));
                format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// What a list or a tuple holds.
    pub fn items(&self) -> Option<&[StateValue]> {
        match self {
            StateValue::List(items) | StateValue::Tuple(items) => Some(items),
            _ => None,
        }
    }
}

/// A dictionary of a state dict: keys, which are text or integers, and values, in the order in which they were put in.
///
/// ```
/// use flambeau_nn::optim::{Optimizer, SGD, SGDOptions, StateMap};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// let optimizer = SGD::new(vec![w], SGDOptions { lr: 0.25, ..Default::default() })?;
/// let state: StateMap = optimizer.state_dict();
/// let groups = state.get("param_groups").unwrap().items().unwrap();
/// let group: StateMap = groups[0].read().unwrap();
/// assert_eq!(group.get("lr").unwrap().read(), Some(0.25));
/// assert_eq!(group.get("params").unwrap().read(), Some(vec![0i64]));
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct StateMap(Vec<(StateValue, StateValue)>);

impl StateMap {
    /// An empty dictionary.
    pub fn new() -> StateMap {
        StateMap::default()
    }

    /// The value of a key that is text.
    pub fn get(&self, key: &str) -> Option<&StateValue> {
        self.0.iter().find_map(|(k, v)| matches!(k, StateValue::Text(t) if t == key).then_some(v))
    }

    /// The value of a key that is a number, as in the `state` of an optimizer.
    pub fn at(&self, key: i64) -> Option<&StateValue> {
        self.0.iter().find_map(|(k, v)| matches!(k, StateValue::Int(i) if *i == key).then_some(v))
    }

    /// Sets the value of a key.
    pub fn insert(&mut self, key: impl Into<StateValue>, value: impl Into<StateValue>) {
        let (key, value) = (key.into(), value.into());
        let same = |k: &StateValue| match (k, &key) {
            (StateValue::Text(a), StateValue::Text(b)) => a == b,
            (StateValue::Int(a), StateValue::Int(b)) => a == b,
            _ => false,
        };
        match self.0.iter_mut().find(|(k, _)| same(k)) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    /// Keys and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = &(StateValue, StateValue)> {
        self.0.iter()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Keys and values as Python prints them, sorted, without `params`.
    pub(super) fn printed(&self) -> Vec<(String, String)> {
        let text = |key: &StateValue| if let StateValue::Text(t) = key { t.clone() } else { key.printed() };
        let mut all: Vec<_> = self.iter().map(|(key, value)| (text(key), value.printed())).collect();
        all.retain(|(key, _)| key != "params");
        all.sort();
        all
    }

    /// The value of a key that must be there and fit.
    pub(crate) fn require<T: FromState>(&self, key: &str) -> Result<T> {
        let value = self.get(key).ok_or_else(|| Error::value(format!("the state dict has no key '{key}'")))?;
        value.read().ok_or_else(|| Error::value(format!("the state dict's '{key}' is {value:?}, which does not fit")))
    }
}

impl<K: Into<StateValue>, V: Into<StateValue>> FromIterator<(K, V)> for StateMap {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(items: I) -> StateMap {
        let mut map = StateMap::new();
        items.into_iter().for_each(|(key, value)| map.insert(key, value));
        map
    }
}

macro_rules! from {
    ($($t:ty => |$v:ident| $e:expr;)*) => {$(
        impl From<$t> for StateValue {
            fn from($v: $t) -> StateValue { $e }
        }
    )*};
}
from! {
    bool => |v| StateValue::Bool(v);
    i64 => |v| StateValue::Int(v);
    usize => |v| StateValue::Int(v as i64);
    f64 => |v| StateValue::Float(v);
    &str => |v| StateValue::Text(v.to_string());
    String => |v| StateValue::Text(v);
    Tensor => |v| StateValue::Tensor(v);
    StateMap => |v| StateValue::Map(v);
}

impl<T: Into<StateValue>> From<Option<T>> for StateValue {
    fn from(v: Option<T>) -> StateValue {
        v.map_or(StateValue::None, T::into)
    }
}

impl<T: Into<StateValue>> From<Vec<T>> for StateValue {
    fn from(v: Vec<T>) -> StateValue {
        StateValue::List(v.into_iter().map(T::into).collect())
    }
}

impl<A: Into<StateValue>, B: Into<StateValue>> From<(A, B)> for StateValue {
    fn from((a, b): (A, B)) -> StateValue {
        StateValue::Tuple(vec![a.into(), b.into()])
    }
}

impl<A: Into<StateValue>, B: Into<StateValue>, C: Into<StateValue>> From<(A, B, C)> for StateValue {
    fn from((a, b, c): (A, B, C)) -> StateValue {
        StateValue::Tuple(vec![a.into(), b.into(), c.into()])
    }
}

/// What a [`StateValue`] may be read as.
///
/// ```
/// use flambeau_nn::optim::StateValue;
///
/// assert_eq!(StateValue::Int(2).read::<f64>(), Some(2.0)); // Python writes 0 where it means 0.0
/// assert_eq!(StateValue::Float(2.0).read::<i64>(), None);
/// assert_eq!(StateValue::None.read::<Option<f64>>(), Some(None));
/// ```
pub trait FromState: Sized {
    /// The value as this type, if it fits.
    fn from_state(value: &StateValue) -> Option<Self>;
}

impl FromState for bool {
    fn from_state(value: &StateValue) -> Option<bool> {
        if let StateValue::Bool(v) = value { Some(*v) } else { None }
    }
}

impl FromState for i64 {
    fn from_state(value: &StateValue) -> Option<i64> {
        if let StateValue::Int(v) = value { Some(*v) } else { None }
    }
}

impl FromState for usize {
    fn from_state(value: &StateValue) -> Option<usize> {
        value.read::<i64>()?.try_into().ok()
    }
}

/// A float, an integer, or a tensor of one real number.
impl FromState for f64 {
    fn from_state(value: &StateValue) -> Option<f64> {
        match value {
            StateValue::Float(v) => Some(*v),
            StateValue::Int(v) => Some(*v as f64),
            StateValue::Tensor(t) if !t.dtype().is_complex() => t.item().ok().map(|v| v.to_f64()),
            _ => None,
        }
    }
}

impl FromState for String {
    fn from_state(value: &StateValue) -> Option<String> {
        if let StateValue::Text(v) = value { Some(v.clone()) } else { None }
    }
}

/// A tensor; a number becomes one of dtype float32, as in dicts of old versions.
impl FromState for Tensor {
    fn from_state(value: &StateValue) -> Option<Tensor> {
        match value {
            StateValue::Tensor(t) => Some(t.clone()),
            other => other.read::<f64>().map(|v| Tensor::scalar(v, DType::F32)),
        }
    }
}

impl FromState for StateMap {
    fn from_state(value: &StateValue) -> Option<StateMap> {
        if let StateValue::Map(v) = value { Some(v.clone()) } else { None }
    }
}

impl FromState for StateValue {
    fn from_state(value: &StateValue) -> Option<StateValue> {
        Some(value.clone())
    }
}

impl<T: FromState> FromState for Option<T> {
    fn from_state(value: &StateValue) -> Option<Option<T>> {
        if matches!(value, StateValue::None) { Some(None) } else { value.read().map(Some) }
    }
}

impl<T: FromState> FromState for Vec<T> {
    fn from_state(value: &StateValue) -> Option<Vec<T>> {
        value.items()?.iter().map(T::from_state).collect()
    }
}

impl<A: FromState, B: FromState> FromState for (A, B) {
    fn from_state(value: &StateValue) -> Option<(A, B)> {
        if let [a, b] = value.items()? { Some((a.read()?, b.read()?)) } else { None }
    }
}

impl<A: FromState, B: FromState, C: FromState> FromState for (A, B, C) {
    fn from_state(value: &StateValue) -> Option<(A, B, C)> {
        if let [a, b, c] = value.items()? { Some((a.read()?, b.read()?, c.read()?)) } else { None }
    }
}

/// An enum whose values are words in a state dict.
macro_rules! words {
    ($t:ident { $($v:ident: $word:literal),* $(,)? }) => {
        impl From<$t> for $crate::optim::StateValue {
            fn from(v: $t) -> $crate::optim::StateValue {
                match v { $($t::$v => $word.into()),* }
            }
        }
        impl $crate::optim::FromState for $t {
            fn from_state(value: &$crate::optim::StateValue) -> Option<$t> {
                match value.read::<String>()?.as_str() { $($word => Some($t::$v),)* _ => None }
            }
        }
    };
}
pub(super) use words;

/// The entries of an optimizer's options or of a scheduler on their way into a state dict or out of one: one list of names
/// serves both ways. See [`Rule::entries`](super::Rule::entries).
pub struct Entries<'a>(Way<'a>);

enum Way<'a> {
    Out(StateMap),
    In { from: &'a StateMap, seen: Vec<&'static str> },
}

impl<'a> Entries<'a> {
    /// A dictionary of what `list` names.
    pub(crate) fn write(list: impl FnOnce(&mut Entries<'static>) -> Result<()>) -> StateMap {
        let mut entries = Entries(Way::Out(StateMap::new()));
        let written = list(&mut entries);
        debug_assert!(written.is_ok(), "only reading fails");
        match entries.0 {
            Way::Out(map) => map,
            Way::In { .. } => StateMap::new(),
        }
    }

    /// Reads what `list` names; gives the keys that it named.
    pub(crate) fn read(
        from: &'a StateMap,
        list: impl FnOnce(&mut Entries<'a>) -> Result<()>,
    ) -> Result<Vec<&'static str>> {
        let mut entries = Entries(Way::In { from, seen: Vec::new() });
        list(&mut entries)?;
        match entries.0 {
            Way::In { seen, .. } => Ok(seen),
            Way::Out(_) => Ok(Vec::new()),
        }
    }

    /// An entry that every state dict has.
    pub fn required<T: FromState + Into<StateValue> + Clone>(
        &mut self,
        name: &'static str,
        field: &mut T,
    ) -> Result<()> {
        match &mut self.0 {
            Way::Out(map) => map.insert(name, field.clone()),
            Way::In { from, seen } => {
                *field = from.require(name)?;
                seen.push(name);
            }
        }
        Ok(())
    }

    /// An entry that state dicts of old versions lack; the field stays as it is then.
    pub fn optional<T: FromState + Into<StateValue> + Clone>(
        &mut self,
        name: &'static str,
        field: &mut T,
    ) -> Result<()> {
        match &self.0 {
            Way::In { from, .. } if from.get(name).is_none() => Ok(()),
            _ => self.required(name, field),
        }
    }

    /// An entry that PyTorch wants and that says nothing here.
    pub fn constant(&mut self, name: &'static str, value: impl Into<StateValue>) {
        match &mut self.0 {
            Way::Out(map) => map.insert(name, value),
            Way::In { seen, .. } => seen.push(name),
        }
    }
}

/// A number as Python prints it: `0.5`, `1.0`, `1e-05`.
pub(super) fn python_float(x: f64) -> String {
    if x != 0.0 && x.is_finite() && !(1e-4..1e16).contains(&x.abs()) {
        let text = format!("{x:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |e| ('-', e));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    match x {
        x if x.is_nan() => "nan".to_string(),
        x => format!("{x:?}"),
    }
}
