//! The states of optimizers and schedulers, to and from files.

use flambeau_nn::optim::{StateMap, StateValue};
use flambeau_tensor::{Error, Result};

use super::Value;

impl From<StateValue> for Value {
    fn from(value: StateValue) -> Value {
        let all = |items: Vec<StateValue>| items.into_iter().map(Value::from).collect();
        match value {
            StateValue::None => Value::None,
            StateValue::Bool(b) => Value::Bool(b),
            StateValue::Int(n) => Value::Int(n),
            StateValue::Float(x) => Value::Float(x),
            StateValue::Text(text) => Value::Text(text),
            StateValue::Tensor(tensor) => Value::Tensor(tensor),
            StateValue::List(items) => Value::List(all(items)),
            StateValue::Tuple(items) => Value::Tuple(all(items)),
            StateValue::Map(map) => map.into(),
        }
    }
}

impl From<StateMap> for Value {
    fn from(map: StateMap) -> Value {
        Value::Dict(map.iter().map(|(key, value)| (key.clone().into(), value.clone().into())).collect())
    }
}

impl Value {
    /// The state of an optimizer or a scheduler, for its `load_state_dict`.
    ///
    /// ```
    /// use flambeau::checkpoint::Value;
    /// use flambeau::prelude::*;
    ///
    /// let model = Linear::new(3, 2)?;
    /// let mut optimizer = SGD::new(model.parameters(), SGDOptions { lr: 0.1, momentum: 0.9, ..Default::default() })?;
    /// let checkpoint = Value::dict([("optimizer", optimizer.state_dict())]); // for `checkpoint::write`
    /// optimizer.load_state_dict(&checkpoint.get("optimizer")?.state_map()?)?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn state_map(&self) -> Result<StateMap> {
        self.items()?.iter().map(|(key, value)| Ok((key.state_value()?, value.state_value()?))).collect()
    }

    fn state_value(&self) -> Result<StateValue> {
        let all = |items: &[Value]| items.iter().map(Value::state_value).collect::<Result<Vec<_>>>();
        Ok(match self {
            Value::None => StateValue::None,
            Value::Bool(b) => StateValue::Bool(*b),
            Value::Int(n) => StateValue::Int(*n),
            Value::Float(x) => StateValue::Float(*x),
            Value::Text(text) => StateValue::Text(text.clone()),
            Value::Tensor(tensor) => StateValue::Tensor(tensor.clone()),
            Value::List(items) => StateValue::List(all(items)?),
            Value::Tuple(items) => StateValue::Tuple(all(items)?),
            Value::Dict(_) | Value::OrderedDict(_) => StateValue::Map(self.state_map()?),
            Value::Other(other) => {
                return Err(Error::type_(format!("the state holds {other:?}: it has no place there")));
            }
        })
    }
}
