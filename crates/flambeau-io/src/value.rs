//! What a checkpoint holds: plain values, containers, and tensors that lie in numbered storages.

use std::sync::Arc;

use flambeau_types::{DType, Error, Layout, Result, contiguous_strides};

use crate::Record;

/// The number of a storage: its place in [`File::storages`], or in the list given to a writer.
pub type StorageId = usize;

/// A value as Python knows it. Containers are shared by `Arc`: what was one object in the file is one allocation here, which
/// [`Value::identity`] shows. There are no cycles, and nesting is at most [`Value::MAX_DEPTH`] deep.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`.
    None,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer beyond 64 bits: its two's complement bytes, the lowest first.
    BigInt(Arc<[u8]>),
    /// A float.
    Float(f64),
    /// A complex number: real and imaginary part.
    Complex(f64, f64),
    /// Text.
    Str(Arc<str>),
    /// `bytes`.
    Bytes(Arc<[u8]>),
    /// `bytearray`.
    ByteArray(Arc<[u8]>),
    /// A list.
    List(Arc<Vec<Value>>),
    /// A tuple.
    Tuple(Arc<Vec<Value>>),
    /// A set, in the file's order, each member once.
    Set(Arc<Vec<Value>>),
    /// A dictionary in insertion order, each key once.
    Dict(Arc<Vec<(Value, Value)>>),
    /// `collections.OrderedDict`, as state dicts are.
    OrderedDict(Arc<OrderedDict>),
    /// `torch.Size`.
    Size(Arc<[i64]>),
    /// A dtype.
    Dtype(DType),
    /// A device by name, such as `cpu` or `cuda:1`; it need not exist here.
    Device(Arc<str>),
    /// A tensor or parameter.
    Tensor(Arc<TensorRecord>),
    /// A storage saved by itself, and the type of its elements; uint8 for bytes.
    Storage(StorageId, DType),
    /// A class or function by its full name, such as `torch.Tensor`.
    Global(Arc<str>),
    /// An instance of a class that the reader was told to allow; it was not made, only described.
    Object(Arc<Object>),
}

/// A `collections.OrderedDict` and the attributes set on it (state dicts carry `_metadata`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OrderedDict {
    /// Keys and values in order, each key once.
    pub items: Vec<(Value, Value)>,
    /// The instance's attributes.
    pub attributes: Vec<(Value, Value)>,
}

/// How an instance would be made: `class(*args)`, then its state set.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// The full name of the class or function.
    pub class: Arc<str>,
    /// The positional arguments.
    pub args: Vec<Value>,
    /// The state for `__setstate__` or `__dict__`, if there is one.
    pub state: Option<Value>,
    /// True if made by `class.__new__(class, *args)`, which does not run `__init__`.
    pub by_new: bool,
    /// What is appended to it, where it is a list of its own kind.
    pub items: Vec<Value>,
    /// What is set in it, where it is a dictionary of its own kind.
    pub pairs: Vec<(Value, Value)>,
}

/// A tensor: how it lies over a storage.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorRecord {
    /// The storage that holds its elements.
    pub storage: StorageId,
    /// The type of its elements.
    pub dtype: DType,
    /// The length of each dimension.
    pub sizes: Vec<i64>,
    /// The step along each dimension, in elements.
    pub strides: Vec<i64>,
    /// The first element's place in the storage, in elements.
    pub offset: i64,
    /// Whether gradients are recorded.
    pub requires_grad: bool,
    /// True for `torch.nn.Parameter`.
    pub is_parameter: bool,
    /// The conjugate bit: the storage holds the conjugates.
    pub conj: bool,
    /// The negative bit: the storage holds the negatives.
    pub neg: bool,
    /// Python attributes set on the tensor, a dictionary.
    pub attributes: Option<Value>,
    /// The full name of its class, where that is neither `torch.Tensor` nor `torch.nn.Parameter`.
    pub class: Option<Arc<str>>,
}

/// A storage of a file that was read.
#[derive(Clone, Debug)]
pub struct StorageData {
    /// Its key in the file.
    pub key: Arc<str>,
    /// The type that it was saved as; tensors have their own.
    pub dtype: DType,
    /// Where it lay when it was saved, such as `cpu` or `cuda:0`.
    pub location: Arc<str>,
    /// Its bytes.
    pub record: Record,
}

/// A file that was read: a value and the storages that its tensors lie in.
#[derive(Clone, Debug)]
pub struct File {
    /// What was saved.
    pub root: Value,
    /// The storages, by [`StorageId`].
    pub storages: Vec<StorageData>,
    /// The bytes it took from the front of its source: another file may follow.
    pub len: u64,
    /// True if it is a zip archive, false for the format from before PyTorch 1.6.
    pub zip: bool,
}

impl Value {
    /// How deep containers may nest, in files read and written.
    pub const MAX_DEPTH: usize = 800;

    /// Text.
    pub fn str(text: &str) -> Value {
        Value::Str(text.into())
    }

    /// A list.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Value {
        Value::List(Arc::new(items.into_iter().collect()))
    }

    /// A tuple.
    pub fn tuple(items: impl IntoIterator<Item = Value>) -> Value {
        Value::Tuple(Arc::new(items.into_iter().collect()))
    }

    /// A dictionary; the keys must differ.
    pub fn dict(items: impl IntoIterator<Item = (Value, Value)>) -> Value {
        Value::Dict(Arc::new(items.into_iter().collect()))
    }

    /// An ordered dictionary without attributes; the keys must differ.
    pub fn ordered_dict(items: impl IntoIterator<Item = (Value, Value)>) -> Value {
        Value::OrderedDict(Arc::new(OrderedDict { items: items.into_iter().collect(), attributes: Vec::new() }))
    }

    /// A tensor.
    pub fn tensor(record: TensorRecord) -> Value {
        Value::Tensor(Arc::new(record))
    }

    /// The text, if this is text.
    pub fn as_str(&self) -> Option<&str> {
        if let Value::Str(s) = self { Some(s) } else { None }
    }

    /// The integer, if this is one.
    pub fn as_int(&self) -> Option<i64> {
        if let Value::Int(i) = self { Some(*i) } else { None }
    }

    /// The number, if this is a float or an integer.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Value::Float(x) => Some(*x),
            Value::Int(i) => Some(*i as f64),
            _ => None,
        }
    }

    /// The tensor, if this is one.
    pub fn as_tensor(&self) -> Option<&TensorRecord> {
        if let Value::Tensor(t) = self { Some(t) } else { None }
    }

    /// The elements of a list, tuple or set.
    pub fn as_slice(&self) -> Option<&[Value]> {
        match self {
            Value::List(v) | Value::Tuple(v) | Value::Set(v) => Some(v),
            _ => None,
        }
    }

    /// The keys and values of a dictionary, ordered or plain.
    pub fn items(&self) -> Option<&[(Value, Value)]> {
        match self {
            Value::Dict(items) => Some(items),
            Value::OrderedDict(d) => Some(&d.items),
            _ => None,
        }
    }

    /// The value under a text key of a dictionary.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.items()?.iter().find(|(k, _)| k.as_str() == Some(key)).map(|(_, v)| v)
    }

    /// The address of a shared container, tensor or object. Equal addresses within one file mean one Python object; whoever
    /// turns values into objects keeps a map from these.
    pub fn identity(&self) -> Option<usize> {
        Some(match self {
            Value::List(v) | Value::Tuple(v) | Value::Set(v) => Arc::as_ptr(v) as usize,
            Value::Dict(v) => Arc::as_ptr(v) as usize,
            Value::OrderedDict(v) => Arc::as_ptr(v) as usize,
            Value::Tensor(v) => Arc::as_ptr(v) as usize,
            Value::Object(v) => Arc::as_ptr(v) as usize,
            Value::ByteArray(v) => Arc::as_ptr(v) as *const u8 as usize,
            _ => return None,
        })
    }
}

impl TensorRecord {
    /// A row-major tensor at the start of a storage.
    pub fn contiguous(storage: StorageId, dtype: DType, sizes: &[i64]) -> TensorRecord {
        TensorRecord {
            storage,
            dtype,
            sizes: sizes.to_vec(),
            strides: contiguous_strides(sizes).to_vec(),
            offset: 0,
            requires_grad: false,
            is_parameter: false,
            conj: false,
            neg: false,
            attributes: None,
            class: None,
        }
    }

    /// Its sizes, strides and offset.
    pub fn layout(&self) -> Layout {
        Layout { sizes: self.sizes.as_slice().into(), strides: self.strides.as_slice().into(), offset: self.offset }
    }

    /// Checks that every element lies inside a storage of so many bytes. After this, no arithmetic on the layout overflows.
    pub fn check(&self, storage_bytes: u64) -> Result<()> {
        let outside = || {
            Error::runtime(format!(
                "setStorage: sizes {:?}, strides {:?}, storage offset {}, and itemsize {} are out of bounds for storage of size {}",
                self.sizes,
                self.strides,
                self.offset,
                self.dtype.size(),
                storage_bytes
            ))
        };
        if self.sizes.len() != self.strides.len() {
            return Err(Error::runtime(format!(
                "mismatch in length of strides and shape: {:?} and {:?}",
                self.strides, self.sizes
            )));
        }
        if self.sizes.len() > 64 {
            return Err(Error::runtime(format!(
                "a tensor of {} dimensions: more than 64 are not supported",
                self.sizes.len()
            )));
        }
        if self.offset < 0 {
            return Err(Error::runtime(format!("Tensor: invalid storage offset {}", self.offset)));
        }
        if let Some(n) = self.sizes.iter().find(|&&n| n < 0) {
            return Err(Error::runtime(format!(
                "Trying to create tensor with negative dimension {n}: {:?}",
                self.sizes
            )));
        }
        if self.strides.iter().any(|&s| s < 0) {
            return Err(Error::runtime(format!("a tensor with negative strides is not supported: {:?}", self.strides)));
        }
        // A zero size must not hide an overflow in the other sizes.
        let mut numel = 1i64;
        for &n in &self.sizes {
            numel = numel.checked_mul(n.max(1)).ok_or_else(outside)?;
        }
        if self.sizes.contains(&0) {
            return Ok(());
        }
        let mut last = self.offset;
        for (&n, &s) in self.sizes.iter().zip(&self.strides) {
            last = (n - 1).checked_mul(s).and_then(|reach| last.checked_add(reach)).ok_or_else(outside)?;
        }
        let end = (last as u128 + 1) * self.dtype.size() as u128;
        if end > storage_bytes as u128 { Err(outside()) } else { Ok(()) }
    }
}

impl StorageData {
    /// The number of bytes.
    pub fn len(&self) -> u64 {
        self.record.len()
    }

    /// True if there is no byte.
    pub fn is_empty(&self) -> bool {
        self.record.is_empty()
    }

    /// Reads the bytes to where they belong, which must be of their length.
    pub fn read_into(&self, out: &mut [u8]) -> Result<()> {
        self.record.read_into(out)
    }

    /// The bytes as a new vector.
    pub fn read(&self) -> Result<Vec<u8>> {
        self.record.read()
    }
}
