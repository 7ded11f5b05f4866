//! `torch.save` and `torch.load`: Python values to the values of a file and back. Nothing in a file ever runs.

use std::collections::HashMap;
use std::sync::Arc;

use flambeau_io::pickle::{self, Allowed};
use flambeau_io::{File, OrderedDict, Source, TensorRecord, Value, torch_file};
use flambeau_tensor::{Device, Layout, Storage, Tensor};
use pyo3::exceptions::{PyFileNotFoundError, PyNotImplementedError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyComplex, PyDict, PyFloat, PyInt, PyList, PySet, PyString, PyTuple};

use crate::dtype::{PyDType, PyDevice, dtype_object};
use crate::errors::to_py;
use crate::tensor::{PyTensor, size_object, tensor_of, wrap};

/// Collects the storages of the tensors of a value.
#[derive(Default)]
struct Writer {
    storages: Vec<Tensor>,
    at: HashMap<usize, usize>,
}

impl Writer {
    fn tensor(&mut self, x: &Bound<'_, PyTensor>) -> PyResult<Value> {
        let t = tensor_of(x);
        if t.device() == Device::Meta {
            return Err(PyNotImplementedError::new_err("torch.save: a tensor of the meta device has no data to save"));
        }
        let is_parameter = x.get_type().name()? == "Parameter";
        let id = *self.at.entry(t.storage().id()).or_insert_with(|| {
            self.storages.push(t.clone());
            self.storages.len() - 1
        });
        Ok(Value::tensor(TensorRecord {
            storage: id,
            dtype: t.dtype(),
            sizes: t.size().to_vec(),
            strides: t.stride().to_vec(),
            offset: t.layout().offset,
            requires_grad: t.requires_grad(),
            is_parameter,
            conj: t.is_conj(),
            neg: t.is_neg(),
            attributes: None,
        }))
    }

    fn list<'py>(
        &mut self,
        items: impl Iterator<Item = PyResult<Bound<'py, PyAny>>>,
        depth: usize,
    ) -> PyResult<Vec<Value>> {
        items.map(|v| self.value(&v?, depth + 1)).collect()
    }

    fn pairs(&mut self, d: &Bound<'_, PyDict>, depth: usize) -> PyResult<Vec<(Value, Value)>> {
        d.iter().map(|(k, v)| Ok((self.value(&k, depth + 1)?, self.value(&v, depth + 1)?))).collect()
    }

    fn value(&mut self, x: &Bound<'_, PyAny>, depth: usize) -> PyResult<Value> {
        if depth > Value::MAX_DEPTH {
            return Err(PyValueError::new_err("torch.save: the object is nested too deeply, or contains itself"));
        }
        if x.is_none() {
            return Ok(Value::None);
        }
        if let Ok(t) = x.cast::<PyTensor>() {
            return self.tensor(t);
        }
        if let Ok(b) = x.cast::<PyBool>() {
            return Ok(Value::Bool(b.is_true()));
        }
        if x.cast::<PyInt>().is_ok() {
            return match x.extract::<i64>() {
                Ok(i) => Ok(Value::Int(i)),
                Err(_) => {
                    let bits: usize = x.call_method0("bit_length")?.extract()?;
                    let kwargs = PyDict::new(x.py());
                    kwargs.set_item("signed", true)?;
                    let bytes: Vec<u8> =
                        x.call_method("to_bytes", (bits / 8 + 1, "little"), Some(&kwargs))?.extract()?;
                    Ok(Value::BigInt(bytes.into()))
                }
            };
        }
        if let Ok(f) = x.cast::<PyFloat>() {
            return Ok(Value::Float(f.value()));
        }
        if let Ok(z) = x.cast::<PyComplex>() {
            return Ok(Value::Complex(z.real(), z.imag()));
        }
        if let Ok(s) = x.cast::<PyString>() {
            return Ok(Value::str(&s.to_cow()?));
        }
        if let Ok(b) = x.cast::<PyBytes>() {
            return Ok(Value::Bytes(b.as_bytes().into()));
        }
        if let Ok(b) = x.cast::<PyByteArray>() {
            return Ok(Value::ByteArray(b.to_vec().into()));
        }
        if let Ok(d) = x.cast::<PyDType>() {
            return Ok(Value::Dtype(d.get().0));
        }
        if let Ok(d) = x.cast::<PyDevice>() {
            return Ok(Value::Device(d.str()?.to_cow()?.as_ref().into()));
        }
        let class = x.get_type().name()?.to_string();
        if let Ok(d) = x.cast::<PyDict>() {
            let items = self.pairs(d, depth)?;
            if class == "OrderedDict" {
                let attributes = match x.getattr("__dict__") {
                    Ok(own) => self.pairs(own.cast::<PyDict>()?, depth)?,
                    Err(_) => Vec::new(),
                };
                return Ok(Value::OrderedDict(Arc::new(OrderedDict { items, attributes })));
            }
            if class == "dict" || class == "defaultdict" {
                return Ok(Value::dict(items));
            }
        }
        if let Ok(l) = x.cast_exact::<PyList>() {
            return Ok(Value::list(self.list(l.iter().map(Ok), depth)?));
        }
        if let Ok(t) = x.cast::<PyTuple>() {
            if class == "Size" {
                let sizes: Vec<i64> = t.extract()?;
                return Ok(Value::Size(sizes.into()));
            }
            if class == "tuple" {
                return Ok(Value::tuple(self.list(t.iter().map(Ok), depth)?));
            }
        }
        if x.cast::<PySet>().is_ok() {
            return Ok(Value::Set(Arc::new(self.list(x.try_iter()?, depth)?)));
        }
        if x.hasattr("item")? && x.hasattr("dtype")? && !x.hasattr("__len__")? {
            return self.value(&x.call_method0("item")?, depth + 1);
        }
        Err(PyTypeError::new_err(format!(
            "torch.save: cannot save a {class}: state dicts, tensors, numbers, strings and containers of them can be saved. Save module.state_dict() rather than the module."
        )))
    }
}

/// Writes a value in PyTorch's zip format, to a path or as bytes where there is none.
#[pyfunction]
#[pyo3(signature = (obj, path, name="archive"))]
pub fn _save<'py>(
    py: Python<'py>,
    obj: &Bound<'py, PyAny>,
    path: Option<std::path::PathBuf>,
    name: &str,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let mut writer = Writer::default();
    let root = writer.value(obj, 0)?;
    let bytes: Vec<Vec<u8>> = writer.storages.iter().map(|t| t.storage().to_bytes()).collect();
    let slices: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
    match path {
        Some(path) => {
            crate::bind::detach(py, || torch_file::save(&path, &root, &slices)).map_err(io_error)?;
            Ok(None)
        }
        None => Ok(Some(PyBytes::new(py, &torch_file::to_bytes(&root, &slices, name).map_err(to_py)?))),
    }
}

#[cold]
fn io_error(e: flambeau_tensor::Error) -> PyErr {
    if e.message().contains("[Errno 2]") {
        return PyFileNotFoundError::new_err(e.message().to_string());
    }
    if pickle::is_unpickling_error(&e) {
        let text = e.message().to_string();
        return Python::attach(|py| {
            match py.import("pickle").and_then(|m| m.getattr("UnpicklingError")).and_then(|c| c.call1((text.clone(),)))
            {
                Ok(err) => PyErr::from_value(err),
                Err(other) => other,
            }
        });
    }
    to_py(e)
}

struct Reader<'a, 'py> {
    py: Python<'py>,
    file: &'a File,
    storages: HashMap<usize, Storage>,
    made: HashMap<usize, Py<PyAny>>,
    parameter: Option<Bound<'py, PyAny>>,
}

impl<'py> Reader<'_, 'py> {
    fn storage(&mut self, id: usize) -> PyResult<Storage> {
        if let Some(s) = self.storages.get(&id) {
            return Ok(s.clone());
        }
        let data = self
            .file
            .storages
            .get(id)
            .ok_or_else(|| PyValueError::new_err("a tensor names a storage that is not in the file"))?;
        let bytes = data.record.read().map_err(io_error)?;
        let s = Storage::from_bytes(&bytes).map_err(to_py)?;
        self.storages.insert(id, s.clone());
        Ok(s)
    }

    fn tensor(&mut self, r: &TensorRecord) -> PyResult<Py<PyAny>> {
        let storage = self.storage(r.storage)?;
        let layout = Layout {
            sizes: r.sizes.iter().copied().collect(),
            strides: r.strides.iter().copied().collect(),
            offset: r.offset,
        };
        let mut t = Tensor::over(storage, layout, r.dtype).map_err(to_py)?;
        if r.conj {
            t = t.conj().map_err(to_py)?;
        }
        if r.neg {
            t = t.neg_view().map_err(to_py)?;
        }
        if r.is_parameter {
            if self.parameter.is_none() {
                self.parameter = Some(self.py.import("flambeau.nn.parameter")?.getattr("Parameter")?);
            }
            if let Some(class) = &self.parameter {
                return Ok(class.call1((wrap(self.py, t)?, r.requires_grad))?.unbind());
            }
        }
        let t = t.requires_grad_(r.requires_grad && t.dtype().is_differentiable()).map_err(to_py)?;
        Ok(wrap(self.py, t)?.into_any())
    }

    fn object(&mut self, v: &Value) -> PyResult<Py<PyAny>> {
        let identity = v.identity();
        if let Some(id) = identity
            && let Some(made) = self.made.get(&id)
        {
            return Ok(made.clone_ref(self.py));
        }
        let object = self.build(v)?;
        if let Some(id) = identity {
            self.made.insert(id, object.clone_ref(self.py));
        }
        Ok(object)
    }

    fn build(&mut self, v: &Value) -> PyResult<Py<PyAny>> {
        let py = self.py;
        Ok(match v {
            Value::None => py.None(),
            Value::Bool(b) => PyBool::new(py, *b).to_owned().into_any().unbind(),
            Value::Int(i) => i.into_pyobject(py)?.into_any().unbind(),
            Value::BigInt(bytes) => {
                let kwargs = PyDict::new(py);
                kwargs.set_item("signed", true)?;
                py.get_type::<PyInt>()
                    .call_method("from_bytes", (PyBytes::new(py, bytes), "little"), Some(&kwargs))?
                    .unbind()
            }
            Value::Float(f) => f.into_pyobject(py)?.into_any().unbind(),
            Value::Complex(re, im) => PyComplex::from_doubles(py, *re, *im).into_any().unbind(),
            Value::Str(s) => PyString::new(py, s).into_any().unbind(),
            Value::Bytes(b) => PyBytes::new(py, b).into_any().unbind(),
            Value::ByteArray(b) => PyByteArray::new(py, b).into_any().unbind(),
            Value::List(items) => {
                let items = items.iter().map(|v| self.object(v)).collect::<PyResult<Vec<_>>>()?;
                PyList::new(py, items)?.into_any().unbind()
            }
            Value::Tuple(items) => {
                let items = items.iter().map(|v| self.object(v)).collect::<PyResult<Vec<_>>>()?;
                PyTuple::new(py, items)?.into_any().unbind()
            }
            Value::Set(items) => {
                let items = items.iter().map(|v| self.object(v)).collect::<PyResult<Vec<_>>>()?;
                PySet::new(py, items)?.into_any().unbind()
            }
            Value::Dict(items) => {
                let d = PyDict::new(py);
                for (k, v) in items.iter() {
                    d.set_item(self.object(k)?, self.object(v)?)?;
                }
                d.into_any().unbind()
            }
            Value::OrderedDict(dict) => {
                let d = py.import("collections")?.getattr("OrderedDict")?.call0()?;
                for (k, v) in &dict.items {
                    d.set_item(self.object(k)?, self.object(v)?)?;
                }
                for (k, v) in &dict.attributes {
                    if let Value::Str(name) = k {
                        d.setattr(&**name, self.object(v)?)?;
                    }
                }
                d.unbind()
            }
            Value::Size(sizes) => size_object(py, sizes)?.unbind(),
            Value::Dtype(d) => dtype_object(py, *d).into_any(),
            Value::Device(name) => py
                .import("flambeau")?
                .getattr("device")?
                .call1((name.split(':').next().filter(|n| *n == "meta").unwrap_or("cpu"),))?
                .unbind(),
            Value::Tensor(t) => self.tensor(t)?,
            Value::Storage(id) => Py::new(py, crate::storage::PyStorage(self.storage(*id)?))?.into_any(),
            Value::Global(name) => {
                return Err(PyNotImplementedError::new_err(format!(
                    "torch.load: the file refers to {name}, which Flambeau does not make"
                )));
            }
            Value::Object(o) => {
                return Err(PyNotImplementedError::new_err(format!(
                    "torch.load: the file holds an instance of {}, which Flambeau does not make",
                    o.class
                )));
            }
        })
    }
}

/// Reads a file in PyTorch's format, from a path or from bytes.
#[pyfunction]
pub fn _load(py: Python<'_>, source: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    let allowed = Allowed::new(Vec::<String>::new());
    let file = if let Ok(b) = source.cast::<PyBytes>() {
        torch_file::from_source(Source::memory(b.as_bytes().to_vec()), &allowed)
    } else {
        let path: std::path::PathBuf = source.extract()?;
        crate::bind::detach(py, || torch_file::load_with(path, &allowed))
    }
    .map_err(io_error)?;
    let mut reader = Reader { py, file: &file, storages: HashMap::new(), made: HashMap::new(), parameter: None };
    reader.object(&file.root)
}

/// Reads a safetensors file: a dictionary of tensors, and the metadata.
#[pyfunction]
pub fn _load_safetensors<'py>(
    py: Python<'py>,
    path: std::path::PathBuf,
) -> PyResult<(Bound<'py, PyDict>, Bound<'py, PyDict>)> {
    let file = flambeau_io::safetensors::load(path).map_err(io_error)?;
    let (tensors, metadata) = (PyDict::new(py), PyDict::new(py));
    for t in &file.tensors {
        let bytes = t.record.read().map_err(io_error)?;
        let storage = Storage::from_bytes(&bytes).map_err(to_py)?;
        let tensor = Tensor::over(storage, Layout::contiguous(&t.sizes), t.dtype).map_err(to_py)?;
        tensors.set_item(&t.name, wrap(py, tensor)?)?;
    }
    for (k, v) in &file.metadata {
        metadata.set_item(k.to_string(), v.to_string())?;
    }
    Ok((tensors, metadata))
}

/// Writes tensors as a safetensors file.
#[pyfunction]
pub fn _save_safetensors(
    tensors: &Bound<'_, PyDict>,
    path: std::path::PathBuf,
    metadata: Option<HashMap<String, String>>,
) -> PyResult<()> {
    let mut held = Vec::new();
    for (k, v) in tensors.iter() {
        let t =
            crate::tensor::unwrap(&v).ok_or_else(|| PyTypeError::new_err("save_file takes a dictionary of tensors"))?;
        let t = t.detach().resolve().and_then(|t| t.contiguous()).map_err(to_py)?;
        held.push((k.extract::<String>()?, t.dtype(), t.size().to_vec(), t.element_bytes().map_err(to_py)?));
    }
    let refs: Vec<_> = held
        .iter()
        .map(|(name, dtype, sizes, bytes)| flambeau_io::safetensors::TensorRef { name, dtype: *dtype, sizes, bytes })
        .collect();
    let metadata = metadata.unwrap_or_default();
    let pairs: Vec<(&str, &str)> = metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    flambeau_io::safetensors::save(path, &refs, &pairs).map_err(io_error)
}
