//! Python objects to the values of a file.

use std::collections::HashMap;
use std::sync::Arc;

use flambeau_io::{Object, OrderedDict, TensorRecord, Value};
use flambeau_tensor::{DType, Device, Layout, Tensor};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyComplex, PyDict, PyFloat, PyInt, PyList, PySet, PyString, PyTuple, PyType,
};

use crate::dtype::{PyDType, PyDevice, PyLayout};
use crate::storage::PyStorage;
use crate::tensor::{PyTensor, tensor_of};

/// The value of an object, and the tensors whose storages it names by their place. `describe` gives a class or function by
/// name, and anything else as (name, by_new, args, state, items, pairs).
pub fn values<'py>(obj: &Bound<'py, PyAny>, describe: Bound<'py, PyAny>) -> PyResult<(Value, Vec<Tensor>)> {
    let ordered = obj.py().import("collections")?.getattr("OrderedDict")?.cast_into::<PyType>()?;
    let typed = obj.py().import("flambeau.storage")?.getattr("TypedStorage")?.cast_into::<PyType>()?;
    let size = obj.py().import("flambeau._size")?.getattr("Size")?.cast_into::<PyType>()?;
    let mut writer = Writer {
        storages: Vec::new(),
        at: HashMap::new(),
        memo: HashMap::new(),
        kept: Vec::new(),
        classes: HashMap::new(),
        describe,
        ordered,
        typed,
        size,
    };
    let root = writer.value(obj, 0)?;
    Ok((root, writer.storages))
}

struct Writer<'py> {
    storages: Vec<Tensor>,
    at: HashMap<usize, usize>,
    /// What an object became, by its address; None while its parts are being looked at.
    memo: HashMap<usize, Option<Value>>,
    /// Objects whose addresses are in the memo: they must not be given to others meanwhile.
    kept: Vec<Bound<'py, PyAny>>,
    /// The kinds of the classes of tensors met.
    classes: HashMap<usize, Kind>,
    describe: Bound<'py, PyAny>,
    ordered: Bound<'py, PyType>,
    typed: Bound<'py, PyType>,
    size: Bound<'py, PyType>,
}

/// How the tensors of a class are written.
#[derive(Clone)]
enum Kind {
    Plain,
    Parameter,
    Subclass(Arc<str>),
    /// As its own `__reduce_ex__` says.
    Described,
}

impl<'py> Writer<'py> {
    fn value(&mut self, x: &Bound<'py, PyAny>, depth: usize) -> PyResult<Value> {
        if let Some(plain) = self.plain(x)? {
            return Ok(plain);
        }
        if depth > Value::MAX_DEPTH {
            return Err(PyValueError::new_err(format!(
                "torch.save: containers nested more than {} deep cannot be saved",
                Value::MAX_DEPTH
            )));
        }
        let address = x.as_ptr() as usize;
        match self.memo.get(&address) {
            Some(Some(value)) => return Ok(value.clone()),
            Some(None) => {
                return Err(PyValueError::new_err(format!(
                    "torch.save: an object of type {} contains itself, which a checkpoint cannot hold",
                    x.get_type().name()?
                )));
            }
            None => {}
        }
        self.memo.insert(address, None);
        self.kept.push(x.clone());
        let value = self.shared(x, depth + 1)?;
        self.memo.insert(address, Some(value.clone()));
        Ok(value)
    }

    /// Values without identity.
    fn plain(&mut self, x: &Bound<'py, PyAny>) -> PyResult<Option<Value>> {
        Ok(Some(if x.is_none() {
            Value::None
        } else if let Ok(s) = x.cast_exact::<PyString>() {
            Value::str(s.to_str()?)
        } else if let Ok(i) = x.cast_exact::<PyInt>() {
            match i.extract::<i64>() {
                Ok(i) => Value::Int(i),
                Err(_) => {
                    let bits: usize = x.call_method0("bit_length")?.extract()?;
                    let signed = PyDict::new(x.py());
                    signed.set_item("signed", true)?;
                    let bytes = x.call_method("to_bytes", (bits / 8 + 1, "little"), Some(&signed))?;
                    Value::BigInt(bytes.extract::<Vec<u8>>()?.into())
                }
            }
        } else if let Ok(f) = x.cast_exact::<PyFloat>() {
            Value::Float(f.value())
        } else if let Ok(b) = x.cast_exact::<PyBool>() {
            Value::Bool(b.is_true())
        } else if let Ok(z) = x.cast_exact::<PyComplex>() {
            Value::Complex(z.real(), z.imag())
        } else if let Ok(b) = x.cast_exact::<PyBytes>() {
            Value::Bytes(b.as_bytes().into())
        } else if let Ok(d) = x.cast_exact::<PyDType>() {
            Value::Dtype(d.get().0)
        } else if let Ok(d) = x.cast_exact::<PyDevice>() {
            Value::Device(d.str()?.to_str()?.into())
        } else if let Ok(s) = x.cast_exact::<PyStorage>() {
            self.storage_value(s, DType::U8)?
        } else if x.get_type().is(&self.typed) {
            let dtype = x.getattr("dtype")?.cast::<PyDType>()?.get().0;
            self.storage_value(x.getattr("_untyped_storage")?.cast::<PyStorage>()?, dtype)?
        } else {
            return Ok(None);
        }))
    }

    /// Values that several places of a file may share.
    fn shared(&mut self, x: &Bound<'py, PyAny>, depth: usize) -> PyResult<Value> {
        if let Ok(t) = x.cast::<PyTensor>() {
            return self.tensor(t, depth);
        }
        if let Ok(d) = x.cast_exact::<PyDict>() {
            return Ok(Value::Dict(Arc::new(self.pairs(d, depth)?)));
        }
        if x.get_type().is(&self.ordered) {
            let items = self.pairs(x.cast::<PyDict>()?, depth)?;
            let attributes = self.pairs(x.getattr("__dict__")?.cast::<PyDict>()?, depth)?;
            return Ok(Value::OrderedDict(Arc::new(OrderedDict { items, attributes })));
        }
        if let Ok(l) = x.cast_exact::<PyList>() {
            return Ok(Value::list(self.list(l.iter().map(Ok), depth)?));
        }
        if let Ok(t) = x.cast_exact::<PyTuple>() {
            return Ok(Value::tuple(self.list(t.iter().map(Ok), depth)?));
        }
        if let Ok(s) = x.cast_exact::<PySet>() {
            return Ok(Value::Set(Arc::new(self.list(s.try_iter()?, depth)?)));
        }
        if let Ok(b) = x.cast_exact::<PyByteArray>() {
            return Ok(Value::ByteArray(b.to_vec().into()));
        }
        if x.get_type().is(&self.size) {
            return Ok(Value::Size(x.extract::<Vec<i64>>()?.into()));
        }
        if x.cast_exact::<PyLayout>().is_ok() {
            let name = Value::str(x.repr()?.to_str()?);
            return Ok(object("torch.layout".into(), vec![name]));
        }
        self.described(x, depth)
    }

    fn list(&mut self, items: impl Iterator<Item = PyResult<Bound<'py, PyAny>>>, depth: usize) -> PyResult<Vec<Value>> {
        items.map(|v| self.value(&v?, depth)).collect()
    }

    fn pairs(&mut self, d: &Bound<'py, PyDict>, depth: usize) -> PyResult<Vec<(Value, Value)>> {
        d.iter().map(|(k, v)| Ok((self.value(&k, depth)?, self.value(&v, depth)?))).collect()
    }

    fn described(&mut self, x: &Bound<'py, PyAny>, depth: usize) -> PyResult<Value> {
        let described = self.describe.call1((x,))?;
        if let Ok(name) = described.cast::<PyString>() {
            return Ok(Value::Global(name.to_str()?.into()));
        }
        type Parts<'py> = (
            String,
            bool,
            Bound<'py, PyTuple>,
            Bound<'py, PyAny>,
            Option<Bound<'py, PyAny>>,
            Option<Bound<'py, PyAny>>,
        );
        let (class, by_new, args, state, items, pairs): Parts<'py> = described.extract()?;
        // The parts live as long as the memo, which knows them by their addresses.
        self.kept.push(described);
        let args = self.list(args.iter().map(Ok), depth)?;
        let items = match items {
            Some(items) => self.list(items.try_iter()?, depth)?,
            None => Vec::new(),
        };
        let mut set = Vec::new();
        if let Some(pairs) = pairs {
            for pair in pairs.try_iter()? {
                let (key, value): (Bound<'py, PyAny>, Bound<'py, PyAny>) = pair?.extract()?;
                set.push((self.value(&key, depth)?, self.value(&value, depth)?));
            }
        }
        let state = if state.is_none() { None } else { Some(self.value(&state, depth)?) };
        Ok(Value::Object(Arc::new(Object { class: class.into(), args, state, by_new, items, pairs: set })))
    }

    fn storage_value(&mut self, storage: &Bound<'py, PyStorage>, dtype: DType) -> PyResult<Value> {
        // An empty tensor is enough to name it.
        let t = Tensor::over(storage.get().0.clone(), Layout::contiguous(&[0]), dtype).map_err(crate::errors::to_py)?;
        Ok(Value::Storage(self.storage(&t), dtype))
    }

    fn storage(&mut self, t: &Tensor) -> usize {
        *self.at.entry(t.storage().id()).or_insert_with(|| {
            self.storages.push(t.clone());
            self.storages.len() - 1
        })
    }

    fn kind(&mut self, x: &Bound<'py, PyTensor>) -> PyResult<Kind> {
        let class = x.get_type();
        let address = class.as_ptr() as usize;
        if let Some(kind) = self.classes.get(&address) {
            return Ok(kind.clone());
        }
        let py = x.py();
        let tensor = py.get_type::<PyTensor>();
        let parameter = py.import("flambeau.nn.parameter")?.getattr("Parameter")?;
        let reduces_as = |other: &Bound<'py, PyAny>| -> PyResult<bool> {
            Ok(class.getattr("__reduce_ex__")?.is(&other.getattr("__reduce_ex__")?)
                && class.getattr("__reduce__")?.is(&other.getattr("__reduce__")?))
        };
        let kind = if class.is(&tensor) {
            Kind::Plain
        } else if reduces_as(&parameter)? && class.is_subclass(&parameter)? {
            Kind::Parameter
        } else if reduces_as(tensor.as_any())? {
            Kind::Subclass(self.describe.call1((&class,))?.extract::<String>()?.into())
        } else {
            Kind::Described
        };
        self.classes.insert(address, kind.clone());
        Ok(kind)
    }

    fn tensor(&mut self, x: &Bound<'py, PyTensor>, depth: usize) -> PyResult<Value> {
        let kind = self.kind(x)?;
        if matches!(kind, Kind::Described) {
            return self.described(x.as_any(), depth);
        }
        let t = tensor_of(x);
        if t.device() == Device::Meta {
            let ints = |list: &[i64]| Value::tuple(list.iter().map(|&n| Value::Int(n)));
            let args = vec![Value::Dtype(t.dtype()), ints(t.size()), ints(t.stride()), Value::Bool(t.requires_grad())];
            return Ok(object("torch._utils._rebuild_meta_tensor_no_storage".into(), args));
        }
        let own = x.getattr("__dict__")?;
        let own = own.cast::<PyDict>()?;
        let attributes = if own.is_empty() { None } else { Some(Value::Dict(Arc::new(self.pairs(own, depth)?))) };
        Ok(Value::tensor(TensorRecord {
            storage: self.storage(&t),
            dtype: t.dtype(),
            sizes: t.size().to_vec(),
            strides: t.stride().to_vec(),
            offset: t.layout().offset,
            requires_grad: t.requires_grad(),
            is_parameter: matches!(kind, Kind::Parameter),
            conj: t.is_conj(),
            neg: t.is_neg(),
            attributes,
            class: if let Kind::Subclass(class) = kind { Some(class) } else { None },
        }))
    }
}

fn object(class: Arc<str>, args: Vec<Value>) -> Value {
    let object = Object { class, args, state: None, by_new: false, items: Vec::new(), pairs: Vec::new() };
    Value::Object(Arc::new(object))
}
