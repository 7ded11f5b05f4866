//! `torch.Generator` and the default stream.

use flambeau_tensor::{Generator, Tensor, default_generator};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::dtype::{PyDevice, device_object};
use crate::errors::to_py;
use crate::tensor::{PyTensor, tensor_of, wrap};

/// A stream of random numbers.
#[pyclass(name = "Generator", module = "torch", frozen)]
pub struct PyGenerator(pub Generator);

/// A seed as PyTorch takes it: negative ones count from 2 to the 64th.
fn seed(x: &Bound<'_, PyAny>) -> PyResult<u64> {
    if let Ok(n) = x.extract::<i64>() {
        return Ok(n as u64);
    }
    x.extract::<u64>().map_err(|_| {
        if x.cast::<pyo3::types::PyInt>().is_ok() {
            PyValueError::new_err("Overflow when unpacking long long")
        } else {
            PyTypeError::new_err(format!(
                "manual_seed expected a long, but got {}",
                x.get_type().name().map_or_else(|_| "?".into(), |n| n.to_string())
            ))
        }
    })
}

fn state(py: Python<'_>, g: &Generator) -> PyResult<Py<PyTensor>> {
    let bytes = g.state();
    wrap(py, Tensor::of(&bytes, &[bytes.len() as i64]).map_err(to_py)?)
}

fn take_state(g: &Generator, t: &Bound<'_, PyTensor>) -> PyResult<()> {
    let bytes =
        tensor_of(t).to_vec::<u8>().map_err(|_| PyTypeError::new_err("RNG state must be a torch.ByteTensor"))?;
    g.set_state(&bytes).map_err(to_py)
}

#[pymethods]
impl PyGenerator {
    #[new]
    #[pyo3(signature = (device=None))]
    fn new(device: Option<&Bound<'_, PyAny>>) -> PyResult<PyGenerator> {
        if let Some(d) = device {
            crate::dtype::read_device(d)?;
        }
        Ok(PyGenerator(Generator::new()))
    }
    fn manual_seed<'py>(slf: &Bound<'py, Self>, n: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        slf.get().0.manual_seed(seed(n)?);
        Ok(slf.clone())
    }
    fn initial_seed(&self) -> u64 {
        self.0.lock().initial_seed()
    }
    fn seed(&self) -> u64 {
        self.0.lock().seed()
    }
    fn get_state(&self, py: Python<'_>) -> PyResult<Py<PyTensor>> {
        state(py, &self.0)
    }
    fn set_state<'py>(slf: &Bound<'py, Self>, new_state: &Bound<'py, PyTensor>) -> PyResult<Bound<'py, Self>> {
        take_state(&slf.get().0, new_state)?;
        Ok(slf.clone())
    }
    #[getter]
    fn device(&self, py: Python<'_>) -> Py<PyDevice> {
        device_object(py, flambeau_tensor::Device::Cpu)
    }
}

/// The default stream as an object.
pub fn default(py: Python<'_>) -> PyResult<Py<PyGenerator>> {
    Py::new(py, PyGenerator(default_generator().clone()))
}
