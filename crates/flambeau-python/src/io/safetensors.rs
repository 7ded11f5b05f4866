//! safetensors for Python: files opened lazily, and dictionaries of tensors written.

use flambeau_io::Source;
use flambeau_io::safetensors::{self, SafeTensors, TensorRef};
use flambeau_tensor::{Device, Layout, Storage, Tensor};
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::{io_error, texts};
use crate::errors::to_py;
use crate::tensor::{PyTensor, wrap};

/// A safetensors file whose header was read; `flambeau.safetensors.safe_open` is over this.
#[pyclass(name = "_SafeOpen", module = "flambeau._C", frozen)]
pub struct PySafeOpen(SafeTensors);

impl PySafeOpen {
    fn find(&self, name: &str) -> PyResult<&safetensors::Tensor> {
        self.0.get(name).ok_or_else(|| PyKeyError::new_err(format!("File does not contain tensor {name}")))
    }
}

#[pymethods]
impl PySafeOpen {
    /// Opens a path, or reads bytes.
    #[new]
    fn new(source: &Bound<'_, PyAny>) -> PyResult<PySafeOpen> {
        let source = match source.cast::<PyBytes>() {
            Ok(bytes) => Source::memory(bytes.as_bytes().to_vec()),
            Err(_) => Source::open(source.extract::<std::path::PathBuf>()?).map_err(io_error)?,
        };
        Ok(PySafeOpen(safetensors::from_source(source).map_err(io_error)?))
    }

    /// The names, in the order of the bytes.
    fn names(&self) -> Vec<&str> {
        self.0.tensors.iter().map(|t| t.name.as_str()).collect()
    }

    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        if self.0.metadata.is_empty() {
            return Ok(None);
        }
        let d = PyDict::new(py);
        for (k, v) in &self.0.metadata {
            d.set_item(k, v)?;
        }
        Ok(Some(d))
    }

    /// The sizes of a tensor, and the name of its dtype as in the file.
    fn describe(&self, name: &str) -> PyResult<(Vec<i64>, String)> {
        let t = self.find(name)?;
        Ok((t.sizes.clone(), safetensors::type_name(t.dtype)))
    }

    /// A tensor, or its rows from `start` to `end` along the first dimension: no other byte of the file is read.
    #[pyo3(signature = (name, start=None, end=None))]
    fn tensor(&self, py: Python<'_>, name: &str, start: Option<i64>, end: Option<i64>) -> PyResult<Py<PyTensor>> {
        let t = self.find(name)?;
        let mut sizes = t.sizes.clone();
        let record = match (start, end) {
            (Some(start), Some(end)) => {
                let rows = t.rows(start, end).map_err(io_error)?;
                sizes[0] = end - start;
                rows
            }
            _ => t.record.clone(),
        };
        let read = || Storage::filled(record.len() as usize, |out| record.read_into(out));
        let storage = if record.len() > 1 << 16 { crate::bind::detach(py, read) } else { read() }.map_err(io_error)?;
        wrap(py, Tensor::over(storage, Layout::contiguous(&sizes), t.dtype).map_err(to_py)?)
    }
}

/// Writes tensors as a safetensors file, or gives its bytes where there is no path.
#[pyfunction]
pub fn _save_safetensors<'py>(
    py: Python<'py>,
    tensors: &Bound<'py, PyDict>,
    path: Option<std::path::PathBuf>,
    metadata: Option<&Bound<'py, PyDict>>,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let mut held = Vec::new();
    for (k, v) in tensors.iter() {
        let name: String = k.extract()?;
        let t = crate::tensor::unwrap(&v).ok_or_else(|| {
            PyTypeError::new_err(format!(
                "Key `{name}` is invalid, expected torch.Tensor but received {}",
                v.get_type()
            ))
        })?;
        if t.device() == Device::Meta {
            return Err(PyTypeError::new_err(format!("Key `{name}` is on the meta device: it has no data to save")));
        }
        let t = t.detach().resolve().and_then(|t| t.contiguous()).map_err(to_py)?;
        held.push((name, t.dtype(), t.size().to_vec(), t.element_bytes().map_err(to_py)?));
    }
    let refs: Vec<_> =
        held.iter().map(|(name, dtype, sizes, bytes)| TensorRef { name, dtype: *dtype, sizes, bytes }).collect();
    let metadata = texts(metadata)?;
    let pairs: Vec<(&str, &str)> = metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    match path {
        Some(path) => {
            crate::bind::detach(py, || safetensors::save(path, &refs, &pairs)).map_err(io_error)?;
            Ok(None)
        }
        None => {
            let mut out = Vec::new();
            safetensors::write(&mut out, &refs, &pairs).map_err(to_py)?;
            Ok(Some(PyBytes::new(py, &out)))
        }
    }
}
