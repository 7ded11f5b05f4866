//! The layout of a tensor's memory, asked for and changed in place.

use flambeau_tensor::{Layout, MemoryFormat, Result, Tensor};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::errors::to_py;
use crate::parse::{read_format, read_number, read_sizes};
use crate::tensor::{PyTensor, number_object, tensor_of, unwrap};

/// `stride()`, `stride(dim)`.
pub fn stride<'py>(x: &Bound<'py, PyTensor>, dim: Option<i64>) -> PyResult<Bound<'py, PyAny>> {
    let (py, t) = (x.py(), tensor_of(x));
    match dim {
        None => Ok(PyTuple::new(py, t.stride())?.into_any()),
        Some(d) => {
            let at = flambeau_tensor::normalize_dim(d, t.dim()).map_err(to_py)?;
            Ok(t.stride()[at].into_pyobject(py)?.into_any())
        }
    }
}

/// The format that `is_contiguous` asks about.
pub fn contiguous_format(given: Option<&Bound<'_, PyAny>>) -> PyResult<MemoryFormat> {
    match given {
        None => Ok(MemoryFormat::Contiguous),
        Some(f) => read_format(f).ok_or_else(|| {
            PyTypeError::new_err("is_contiguous(): argument 'memory_format' must be torch.memory_format")
        }),
    }
}

/// `t.H`.
pub fn conjugate_transpose(t: &Tensor) -> Result<Tensor> {
    match t.dim() {
        0 => t.conj(),
        2 => t.mh(),
        n => Err(flambeau_tensor::Error::runtime(format!(
            "tensor.H is only supported on matrices (2-D tensors). Got {n}-D tensor.{}",
            if n > 2 { " For batches of matrices, consider using tensor.mH" } else { "" }
        ))),
    }
}

/// `t.data = value`.
pub fn set_data(x: &Bound<'_, PyTensor>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let Some(data) = unwrap(value) else {
        let name = value.get_type().name()?;
        return Err(PyTypeError::new_err(format!("Variable data has to be a tensor, but got {name}")));
    };
    let t = tensor_of(x);
    if t.requires_grad() && data.dtype().is_integral() {
        return Err(PyRuntimeError::new_err(
            "data set to a tensor that requires gradients must be floating point or complex dtype",
        ));
    }
    PyTensor::set(x, t.with_data(&data));
    Ok(())
}

/// `t.resize_(*size)`.
pub fn resize(
    x: &Bound<'_, PyTensor>,
    size: &Bound<'_, PyTuple>,
    memory_format: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let t = tensor_of(x);
    if t.requires_grad() {
        return Err(PyRuntimeError::new_err("cannot resize variables that require grad"));
    }
    let size = read_sizes(size)?;
    if let Some(n) = size.iter().find(|n| **n < 0) {
        return Err(PyRuntimeError::new_err(format!(
            "Trying to create tensor with negative dimension {n}: {:?}",
            size.as_slice()
        )));
    }
    if t.size() == size.as_slice() && memory_format.is_none() {
        return Ok(());
    }
    let layout = match memory_format.and_then(read_format) {
        Some(MemoryFormat::ChannelsLast) => flambeau_tensor::ops::channels_last(&size).map_err(to_py)?,
        Some(MemoryFormat::Preserve) => {
            return Err(PyRuntimeError::new_err("Unsupported memory format for resize: Preserve"));
        }
        _ => Layout::contiguous(&size),
    };
    PyTensor::set(x, t.resized(&layout).map_err(to_py)?);
    Ok(())
}

/// `t.apply_(f)`: each element becomes what `f` makes of it.
pub fn apply(x: &Bound<'_, PyTensor>, f: &Bound<'_, PyAny>) -> PyResult<()> {
    let (py, t) = (x.py(), tensor_of(x));
    if t.requires_grad() {
        return Err(PyRuntimeError::new_err(
            "Can't call apply_() on Variable that requires grad. Use var.detach().apply_() instead.",
        ));
    }
    let flat = t.detach().contiguous().and_then(|c| c.reshape(&[-1])).map_err(to_py)?;
    for i in 0..flat.numel() {
        let v = f.call1((number_object(py, flat.at(&[i]))?,))?;
        let v = read_number(&v)?.ok_or_else(|| PyTypeError::new_err("apply_() takes a function that gives numbers"))?;
        flat.select(0, i).and_then(|e| e.fill_(v)).map_err(to_py)?;
    }
    t.copy_(&flat.reshape(t.size()).map_err(to_py)?).map_err(to_py)?;
    Ok(())
}
