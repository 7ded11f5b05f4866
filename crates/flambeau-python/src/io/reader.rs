//! The values of a file to Python objects.

use std::collections::HashMap;

use flambeau_io::{File, Object, StorageData, TensorRecord, Value};
use flambeau_tensor::{DType, Layout, Storage, Tensor};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyComplex, PyDict, PyInt, PyList, PySet, PyString, PyTuple, PyType};

use super::{LoadOptions, io_error};
use crate::dtype::dtype_object;
use crate::errors::to_py;
use crate::storage::PyStorage;
use crate::tensor::{PyTensor, of_class, size_object, wrap};

/// The object that a file holds.
pub fn object<'py>(py: Python<'py>, file: &File, options: &LoadOptions<'py>) -> PyResult<Bound<'py, PyAny>> {
    let mut reader = Reader {
        py,
        file,
        options,
        storages: HashMap::new(),
        made: HashMap::new(),
        names: HashMap::new(),
        parameter: None,
    };
    Ok(reader.object(&file.root)?.into_bound(py))
}

/// A storage that lies in the mapped file, kept mapped as long as it lives.
fn mapped(data: &StorageData) -> Option<Storage> {
    let (mapping, offset) = data.record.mapping()?;
    let offset = usize::try_from(offset).ok()?;
    let ptr = mapping.as_mut_ptr().wrapping_add(offset);
    // SAFETY: the record lies inside the mapping, which the storage keeps; whoever asked for a mapping vouches that the file
    // does not change.
    Some(unsafe { Storage::foreign(ptr, data.len() as usize, Box::new(mapping)) })
}

struct Reader<'a, 'py> {
    py: Python<'py>,
    file: &'a File,
    options: &'a LoadOptions<'py>,
    storages: HashMap<usize, Storage>,
    made: HashMap<usize, Py<PyAny>>,
    names: HashMap<&'a str, Bound<'py, PyAny>>,
    parameter: Option<Bound<'py, PyType>>,
}

impl<'a, 'py> Reader<'a, 'py> {
    fn storage(&mut self, id: usize) -> PyResult<Storage> {
        if let Some(s) = self.storages.get(&id) {
            return Ok(s.clone());
        }
        let data = self.file.storages.get(id);
        let data = data.ok_or_else(|| PyValueError::new_err("a tensor names a storage that is not in the file"))?;
        let nbytes = usize::try_from(data.len()).map_err(|_| PyValueError::new_err("a storage is too large"))?;
        let storage = if self.options.meta {
            Storage::meta(nbytes)
        } else if self.options.skip_data {
            Storage::try_new(nbytes).map_err(to_py)?
        } else if let Some(storage) = mapped(data) {
            storage
        } else {
            let read = || Storage::filled(nbytes, |out| data.read_into(out));
            // Other threads may run Python while much is read.
            if nbytes > 1 << 16 { crate::bind::detach(self.py, read) } else { read() }.map_err(io_error)?
        };
        let storage = match &self.options.restore {
            Some(restore) if !self.options.meta => self.restore(restore, storage, &data.location)?,
            _ => storage,
        };
        self.storages.insert(id, storage.clone());
        Ok(storage)
    }

    /// A storage outside of tensors.
    fn typed_storage(&mut self, id: usize, dtype: DType) -> PyResult<Py<PyAny>> {
        let py = self.py;
        let storage = PyStorage(self.storage(id)?);
        let typed = py.import("flambeau.storage")?.getattr("TypedStorage")?;
        Ok(typed.call_method1("_over", (storage, dtype_object(py, dtype)))?.unbind())
    }

    fn restore(&self, restore: &Bound<'py, PyAny>, storage: Storage, location: &str) -> PyResult<Storage> {
        let restored = restore.call1((PyStorage(storage), location))?;
        match restored.cast::<PyStorage>() {
            Ok(restored) => Ok(restored.get().0.clone()),
            Err(_) => Err(PyTypeError::new_err(format!(
                "torch.load: map_location must give a storage or None, not {}",
                restored.get_type().name()?
            ))),
        }
    }

    fn tensor(&mut self, r: &'a TensorRecord) -> PyResult<Py<PyAny>> {
        let py = self.py;
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
        let object = if let Some(class) = &r.class {
            let class = self.named(class)?.cast_into::<PyType>()?;
            if !class.is_subclass_of::<PyTensor>()? {
                return Err(PyTypeError::new_err(format!("torch.load: {class} is no class of tensors")));
            }
            let t = t.requires_grad_(r.requires_grad && t.dtype().is_differentiable()).map_err(to_py)?;
            of_class(&class, t)?.unbind()
        } else if r.is_parameter {
            let class = match &self.parameter {
                Some(class) => class,
                None => {
                    let class = py.import("flambeau.nn.parameter")?.getattr("Parameter")?;
                    self.parameter.insert(class.cast_into()?)
                }
            };
            of_class(class, t.requires_grad_(r.requires_grad).map_err(to_py)?)?.unbind()
        } else {
            let t = t.requires_grad_(r.requires_grad && t.dtype().is_differentiable()).map_err(to_py)?;
            wrap(py, t)?.into_any()
        };
        if let Some(attributes) = &r.attributes {
            let state = self.object(attributes)?;
            self.options.make.call1(("set_state", &object, state))?;
        }
        Ok(object)
    }

    fn object(&mut self, v: &'a Value) -> PyResult<Py<PyAny>> {
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

    fn all(&mut self, items: &'a [Value]) -> PyResult<Vec<Py<PyAny>>> {
        items.iter().map(|v| self.object(v)).collect()
    }

    fn dict(&mut self, items: &'a [(Value, Value)], into: &Bound<'py, PyAny>) -> PyResult<()> {
        for (k, v) in items {
            into.set_item(self.object(k)?, self.object(v)?)?;
        }
        Ok(())
    }

    /// The class or function of a name that was allowed.
    fn named(&mut self, name: &'a str) -> PyResult<Bound<'py, PyAny>> {
        if let Some(object) = self.names.get(name) {
            return Ok(object.clone());
        }
        let object = self.options.named.call1((name,))?;
        self.names.insert(name, object.clone());
        Ok(object)
    }

    fn instance(&mut self, o: &'a Object) -> PyResult<Py<PyAny>> {
        let py = self.py;
        let args = PyTuple::new(py, self.all(&o.args)?)?;
        let pairs = PyDict::new(py);
        self.dict(&o.pairs, pairs.as_any())?;
        let how = if o.by_new { "new" } else { "call" };
        let object = self.options.make.call1((how, &*o.class, args))?.unbind();
        for item in self.all(&o.items)? {
            object.bind(py).call_method1("append", (item,))?;
        }
        for (k, v) in pairs {
            object.bind(py).set_item(k, v)?;
        }
        if let Some(state) = &o.state {
            let state = self.object(state)?;
            self.options.make.call1(("set_state", &object, state))?;
        }
        Ok(object)
    }

    fn build(&mut self, v: &'a Value) -> PyResult<Py<PyAny>> {
        let py = self.py;
        Ok(match v {
            Value::None => py.None(),
            Value::Bool(b) => PyBool::new(py, *b).to_owned().into_any().unbind(),
            Value::Int(i) => i.into_pyobject(py)?.into_any().unbind(),
            Value::BigInt(bytes) => {
                let signed = PyDict::new(py);
                signed.set_item("signed", true)?;
                let bytes = PyBytes::new(py, bytes);
                py.get_type::<PyInt>().call_method("from_bytes", (bytes, "little"), Some(&signed))?.unbind()
            }
            Value::Float(f) => f.into_pyobject(py)?.into_any().unbind(),
            Value::Complex(re, im) => PyComplex::from_doubles(py, *re, *im).into_any().unbind(),
            Value::Str(s) => PyString::new(py, s).into_any().unbind(),
            Value::Bytes(b) => PyBytes::new(py, b).into_any().unbind(),
            Value::ByteArray(b) => PyByteArray::new(py, b).into_any().unbind(),
            Value::List(items) => PyList::new(py, self.all(items)?)?.into_any().unbind(),
            Value::Tuple(items) => PyTuple::new(py, self.all(items)?)?.into_any().unbind(),
            Value::Set(items) => PySet::new(py, self.all(items)?)?.into_any().unbind(),
            Value::Dict(items) => {
                let d = PyDict::new(py).into_any();
                self.dict(items, &d)?;
                d.unbind()
            }
            Value::OrderedDict(dict) => {
                let d = py.import("collections")?.getattr("OrderedDict")?.call0()?;
                self.dict(&dict.items, &d)?;
                if !dict.attributes.is_empty() {
                    // Not by `setattr`, which could change its class.
                    let attributes = d.getattr("__dict__")?;
                    self.dict(&dict.attributes, &attributes)?;
                }
                d.unbind()
            }
            Value::Size(sizes) => size_object(py, sizes)?.unbind(),
            Value::Dtype(d) => dtype_object(py, *d).into_any(),
            Value::Device(name) => py.get_type::<crate::dtype::PyDevice>().call1((&**name,))?.unbind(),
            Value::Tensor(t) => self.tensor(t)?,
            Value::Storage(id, dtype) => self.typed_storage(*id, *dtype)?,
            Value::Global(name) => self.named(name)?.unbind(),
            Value::Object(o) => self.instance(o)?,
        })
    }
}
