//! `torch.UntypedStorage`: the memory under tensors as users see it.

use flambeau_tensor::{DType, Device, Layout, Storage, Tensor};
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::dtype::{PyDType, PyDevice, device_object};
use crate::errors::to_py;
use crate::tensor::{PyTensor, wrap};

/// The memory under a tensor, as bytes.
#[pyclass(name = "UntypedStorage", module = "torch", frozen, weakref)]
pub struct PyStorage(pub Storage);

impl PyStorage {
    fn len(&self) -> usize {
        self.0.nbytes()
    }
}

#[pymethods]
impl PyStorage {
    #[new]
    #[pyo3(signature = (size=0, *, device=None))]
    fn new(size: usize, device: Option<&Bound<'_, PyAny>>) -> PyResult<PyStorage> {
        let device = device.map(crate::dtype::read_device).transpose()?.flatten().unwrap_or(Device::Cpu);
        Ok(PyStorage(match device {
            Device::Meta => Storage::meta(size),
            _ => Storage::try_new(size).map_err(to_py)?,
        }))
    }
    fn data_ptr(&self) -> usize {
        self.0.ptr() as usize
    }
    fn nbytes(&self) -> usize {
        self.len()
    }
    fn size(&self) -> usize {
        self.len()
    }
    fn __len__(&self) -> usize {
        self.len()
    }
    fn element_size(&self) -> usize {
        1
    }
    #[getter]
    fn device(&self, py: Python<'_>) -> Py<PyDevice> {
        device_object(py, self.0.device())
    }
    #[getter]
    fn is_cuda(&self) -> bool {
        false
    }
    #[getter]
    fn _cdata(&self) -> usize {
        self.0.id()
    }
    fn cpu(slf: Py<Self>) -> Py<Self> {
        slf
    }
    /// A copy with memory of its own.
    fn clone(&self) -> PyResult<PyStorage> {
        if self.0.device() == Device::Meta {
            return Ok(PyStorage(Storage::meta(self.len())));
        }
        Ok(PyStorage(Storage::from_bytes(&self.0.to_bytes()).map_err(to_py)?))
    }
    fn tolist(&self) -> Vec<u64> {
        self.0.to_bytes().into_iter().map(u64::from).collect()
    }
    fn __getitem__(&self, index: isize) -> PyResult<u8> {
        let n = self.len() as isize;
        let at = if index < 0 { index + n } else { index };
        if at < 0 || at >= n {
            return Err(PyIndexError::new_err(format!("index {index} out of range for storage of size {n}")));
        }
        Ok(self.0.to_bytes()[at as usize])
    }
    fn _bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.to_bytes())
    }
    /// A storage with a copy of these bytes.
    #[staticmethod]
    fn _from_bytes(bytes: &[u8]) -> PyResult<PyStorage> {
        Ok(PyStorage(Storage::from_bytes(bytes).map_err(to_py)?))
    }
    /// A tensor that lies over this memory.
    fn _tensor(
        &self,
        py: Python<'_>,
        dtype: &Bound<'_, PyDType>,
        offset: i64,
        size: Vec<i64>,
        stride: Vec<i64>,
    ) -> PyResult<Py<PyTensor>> {
        let layout = Layout { sizes: size.into_iter().collect(), strides: stride.into_iter().collect(), offset };
        let dtype: DType = dtype.get().0;
        wrap(py, Tensor::over(self.0.clone(), layout, dtype).map_err(to_py)?)
    }
}
