//! What a checkpoint holds.

use flambeau_io::Value as FileValue;
use flambeau_nn::StateDict;
use flambeau_tensor::{Error, Result, Tensor};

use super::{Reader, Writer};

/// A value of a checkpoint: a tensor, a number, text, or a list or dictionary of values.
///
/// The state of PyTorch's optimizers is a dictionary `state` from the numbers of parameters to dictionaries, and a list
/// `param_groups`:
///
/// ```no_run
/// let file = flambeau::checkpoint::read("checkpoint.pt")?; // torch.save({"optimizer": optimizer.state_dict()}, ...)
/// let state = file.get("optimizer")?.get("state")?;
/// let momentum = state.get(0)?.get("exp_avg")?.tensor()?;
/// let lr = file.get("optimizer")?.get("param_groups")?.at(0)?.get("lr")?.float()?;
/// # let _ = (momentum, lr);
/// # Ok::<(), flambeau::Error>(())
/// ```
#[derive(Clone, Debug)]
pub enum Value {
    /// Python's `None`.
    None,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// Text.
    Text(String),
    /// A tensor, or a parameter.
    Tensor(Tensor),
    /// A list.
    List(Vec<Value>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A dictionary in its order.
    Dict(Vec<(Value, Value)>),
    /// A `collections.OrderedDict`, as state dicts are.
    OrderedDict(Vec<(Value, Value)>),
    /// A dtype, a size, bytes, a set or another value, as the file has it.
    Other(FileValue),
}

/// A key of a dictionary: text or an integer.
pub trait Key {
    /// True if a value is this key.
    fn is(&self, value: &Value) -> bool;
    /// The key as it reads in an error.
    fn shown(&self) -> String;
}

impl Key for &str {
    fn is(&self, value: &Value) -> bool {
        matches!(value, Value::Text(text) if text == self)
    }
    fn shown(&self) -> String {
        format!("'{self}'")
    }
}

impl Key for i64 {
    fn is(&self, value: &Value) -> bool {
        matches!(value, Value::Int(n) if n == self)
    }
    fn shown(&self) -> String {
        self.to_string()
    }
}

/// A dictionary for a checkpoint, as [`Value`](crate::checkpoint::Value): keys and values of any kinds that become one.
///
/// ```
/// use flambeau::checkpoint::Value;
/// use flambeau::{dict, prelude::*};
///
/// let model = Linear::new(3, 2)?;
/// let optimizer = SGD::new(model.parameters(), SGDOptions::default())?;
/// let all: Value = dict! {
///     "model" => model.state_dict(),
///     "optimizer" => optimizer.state_dict(),
///     "epoch" => 3,
///     "losses" => vec![0.5, 0.25],
/// };
/// assert_eq!(all.get("losses")?.at(1)?.float()?, 0.25);
/// # Ok::<(), Error>(())
/// ```
#[macro_export]
macro_rules! dict {
    ($($key:expr => $value:expr),* $(,)?) => {
        $crate::checkpoint::Value::Dict(vec![
            $(($crate::checkpoint::Value::from($key), $crate::checkpoint::Value::from($value))),*
        ])
    };
}

impl Value {
    /// A dictionary with text for keys, whose values are all of one kind; for others there is [`dict!`](crate::dict).
    pub fn dict<'a, V: Into<Value>>(items: impl IntoIterator<Item = (&'a str, V)>) -> Value {
        Value::Dict(items.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// The value under a key of a dictionary.
    pub fn get(&self, key: impl Key) -> Result<&Value> {
        let found = self.items()?.iter().find(|(k, _)| key.is(k));
        found.map(|(_, value)| value).ok_or_else(|| Error::value(format!("the dictionary has no {}", key.shown())))
    }

    /// The keys and values of a dictionary.
    pub fn items(&self) -> Result<&[(Value, Value)]> {
        match self {
            Value::Dict(items) | Value::OrderedDict(items) => Ok(items),
            other => Err(other.is_no("dictionary")),
        }
    }

    /// The elements of a list or tuple.
    pub fn elements(&self) -> Result<&[Value]> {
        match self {
            Value::List(items) | Value::Tuple(items) => Ok(items),
            other => Err(other.is_no("list")),
        }
    }

    /// An element of a list or tuple.
    pub fn at(&self, index: usize) -> Result<&Value> {
        let items = self.elements()?;
        items.get(index).ok_or_else(|| Error::value(format!("the list has {} elements, not {index}", items.len())))
    }

    /// The tensor.
    pub fn tensor(&self) -> Result<&Tensor> {
        if let Value::Tensor(tensor) = self { Ok(tensor) } else { Err(self.is_no("tensor")) }
    }

    /// The integer.
    pub fn int(&self) -> Result<i64> {
        if let Value::Int(n) = self { Ok(*n) } else { Err(self.is_no("integer")) }
    }

    /// The number, be it a float or an integer.
    pub fn float(&self) -> Result<f64> {
        match self {
            Value::Float(x) => Ok(*x),
            Value::Int(n) => Ok(*n as f64),
            other => Err(other.is_no("number")),
        }
    }

    /// The boolean.
    pub fn bool(&self) -> Result<bool> {
        if let Value::Bool(b) = self { Ok(*b) } else { Err(self.is_no("boolean")) }
    }

    /// The text.
    pub fn text(&self) -> Result<&str> {
        if let Value::Text(text) = self { Ok(text) } else { Err(self.is_no("text")) }
    }

    /// The tensors by name of a dictionary that holds nothing else.
    pub fn state_dict(&self) -> Result<StateDict> {
        let named = |(key, value): &(Value, Value)| {
            let name = key.text().map_err(|_| Error::value("a key of the dictionary is not text"))?;
            let tensor = value.tensor().map_err(|_| Error::value(format!("'{name}' is not a tensor")))?;
            Ok((name.to_string(), tensor.clone()))
        };
        self.items().map_err(|_| Error::value("it holds no dictionary"))?.iter().map(named).collect()
    }

    fn is_no(&self, wanted: &str) -> Error {
        let kind = match self {
            Value::None => "None",
            Value::Bool(_) => "a boolean",
            Value::Int(_) => "an integer",
            Value::Float(_) => "a float",
            Value::Text(_) => "text",
            Value::Tensor(_) => "a tensor",
            Value::List(_) => "a list",
            Value::Tuple(_) => "a tuple",
            Value::Dict(_) | Value::OrderedDict(_) => "a dictionary",
            Value::Other(_) => "a value of another kind",
        };
        Error::value(format!("expected a {wanted}, but the checkpoint has {kind}"))
    }

    pub(super) fn from_file(value: &FileValue, reader: &mut Reader<'_>) -> Result<Value> {
        let mut all =
            |items: &[FileValue]| items.iter().map(|v| Value::from_file(v, reader)).collect::<Result<Vec<_>>>();
        Ok(match value {
            FileValue::None => Value::None,
            FileValue::Bool(b) => Value::Bool(*b),
            FileValue::Int(n) => Value::Int(*n),
            FileValue::Float(x) => Value::Float(*x),
            FileValue::Str(text) => Value::Text(text.to_string()),
            FileValue::List(items) => Value::List(all(items)?),
            FileValue::Tuple(items) => Value::Tuple(all(items)?),
            FileValue::Dict(items) => Value::Dict(pairs_from_file(items, reader)?),
            FileValue::OrderedDict(dict) => Value::OrderedDict(pairs_from_file(&dict.items, reader)?),
            FileValue::Tensor(record) => Value::Tensor(reader.tensor(record)?),
            other => Value::Other(other.clone()),
        })
    }

    pub(super) fn to_file(&self, writer: &mut Writer) -> Result<FileValue> {
        let mut all = |items: &[Value]| items.iter().map(|v| v.to_file(writer)).collect::<Result<Vec<_>>>();
        Ok(match self {
            Value::None => FileValue::None,
            Value::Bool(b) => FileValue::Bool(*b),
            Value::Int(n) => FileValue::Int(*n),
            Value::Float(x) => FileValue::Float(*x),
            Value::Text(text) => FileValue::str(text),
            Value::List(items) => FileValue::list(all(items)?),
            Value::Tuple(items) => FileValue::tuple(all(items)?),
            Value::Dict(items) => FileValue::dict(pairs_to_file(items, writer)?),
            Value::OrderedDict(items) => FileValue::ordered_dict(pairs_to_file(items, writer)?),
            Value::Tensor(tensor) => writer.tensor(tensor)?,
            // Its storages are those of the file that it came from.
            Value::Other(FileValue::Storage(..) | FileValue::Object(_)) => {
                return Err(Error::not_implemented("a storage or an object of another file cannot be written"));
            }
            Value::Other(other) => other.clone(),
        })
    }
}

fn pairs_from_file(items: &[(FileValue, FileValue)], reader: &mut Reader<'_>) -> Result<Vec<(Value, Value)>> {
    items.iter().map(|(k, v)| Ok((Value::from_file(k, reader)?, Value::from_file(v, reader)?))).collect()
}

fn pairs_to_file(items: &[(Value, Value)], writer: &mut Writer) -> Result<Vec<(FileValue, FileValue)>> {
    items.iter().map(|(k, v)| Ok((k.to_file(writer)?, v.to_file(writer)?))).collect()
}

macro_rules! from {
    ($($type:ty => $make:expr;)*) => {
        $(impl From<$type> for Value {
            fn from(x: $type) -> Value {
                $make(x)
            }
        })*
    };
}

from! {
    bool => Value::Bool;
    i64 => Value::Int;
    i32 => |n| Value::Int(i64::from(n));
    usize => |n| Value::Int(n as i64);
    f64 => Value::Float;
    Vec<i64> => |items: Vec<i64>| Value::List(items.into_iter().map(Value::Int).collect());
    Vec<f64> => |items: Vec<f64>| Value::List(items.into_iter().map(Value::Float).collect());
    &str => |x: &str| Value::Text(x.to_string());
    String => Value::Text;
    Tensor => Value::Tensor;
    Vec<Value> => Value::List;
    StateDict => |state: StateDict| {
        Value::OrderedDict(state.into_iter().map(|(name, tensor)| (Value::Text(name), Value::Tensor(tensor))).collect())
    };
}
