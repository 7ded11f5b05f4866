//! `x[...]` and `x[...] = ...`.

use flambeau_tensor::Tensor;
use flambeau_tensor::indexing::Index;
use flambeau_tensor::ops::Operand;
use pyo3::exceptions::{PyIndexError, PyTypeError, PyUserWarning};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyEllipsis, PyInt, PyList, PySlice, PyString, PyTuple};

use crate::errors::to_py;
use crate::parse::{read_int, read_operand};
use crate::tensor::{PyTensor, unwrap, wrap};

fn bound(x: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
    if x.is_none() {
        return Ok(None);
    }
    match read_int(x) {
        Some(i) => Ok(Some(i)),
        None if x.cast::<PyInt>().is_ok() => Ok(Some(if x.lt(0)? { i64::MIN } else { i64::MAX })),
        None => Err(PyTypeError::new_err("slice indices must be integers or None or have an __index__ method")),
    }
}

fn item(x: &Bound<'_, PyAny>) -> PyResult<Index> {
    if x.is_exact_instance_of::<PyInt>() {
        return Ok(Index::Int(x.extract()?));
    }
    if let Ok(s) = x.cast::<PySlice>() {
        let part = |name: &str| -> PyResult<Option<i64>> { bound(&s.getattr(name)?) };
        return Ok(Index::Slice { start: part("start")?, stop: part("stop")?, step: part("step")? });
    }
    if x.is_none() {
        return Ok(Index::NewAxis);
    }
    if x.cast::<PyEllipsis>().is_ok() {
        return Ok(Index::Ellipsis);
    }
    if let Ok(b) = x.cast::<PyBool>() {
        return Ok(Index::Bool(b.is_true()));
    }
    if let Some(t) = unwrap(x) {
        if t.dtype() == flambeau_tensor::DType::U8 {
            let text = c"indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.";
            PyErr::warn(x.py(), &x.py().get_type::<PyUserWarning>(), text, 1)?;
        }
        return Ok(Index::Tensor(t));
    }
    if (is_sequence(x) && x.cast::<PyString>().is_err()) || x.hasattr("__array_interface__")? {
        let t = crate::create::from_any(x)?;
        // An empty list has no numbers to tell its dtype by.
        let t = if t.numel() == 0 && t.dtype().is_floating() && !x.hasattr("dtype")? {
            t.to_dtype(flambeau_tensor::DType::I64).map_err(to_py)?
        } else {
            t
        };
        return Ok(Index::Tensor(t));
    }
    if x.cast::<PyString>().is_ok() {
        return Err(PyTypeError::new_err("new(): invalid data type 'str'"));
    }
    match read_int(x) {
        Some(i) => Ok(Index::Int(i)),
        None => Err(PyIndexError::new_err(format!(
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got {})",
            x.get_type().name()?
        ))),
    }
}

/// Whether an object counts as a sequence: a list, a range, an array.
fn is_sequence(x: &Bound<'_, PyAny>) -> bool {
    // SAFETY: the object is alive, and the interpreter's lock held.
    unsafe { ffi::PySequence_Check(x.as_ptr()) == 1 }
}

fn items(x: &Bound<'_, PyAny>) -> PyResult<Vec<Index>> {
    if let Ok(t) = x.cast::<PyTuple>() {
        return t.iter().map(|v| item(&v)).collect();
    }
    // A list that holds more than numbers is read as a tuple, as NumPy once did.
    if let Ok(l) = x.cast::<PyList>()
        && l.len() < 32
        && l.iter().any(|v| {
            let part = v.cast::<PySlice>().is_ok() || v.is_none() || v.cast::<PyEllipsis>().is_ok();
            part || v.cast::<PyTensor>().is_ok() || is_sequence(&v)
        })
    {
        let text = c"Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in pytorch 2.9; use x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as tensor index, x[torch.tensor(seq)], which will result either in an error or a different result";
        PyErr::warn(x.py(), &x.py().get_type::<PyUserWarning>(), text, 1)?;
        return l.iter().map(|v| item(&v)).collect();
    }
    Ok(vec![item(x)?])
}

/// `x[index]`.
pub fn get(py: Python<'_>, x: &Tensor, index: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    if index.is_exact_instance_of::<PyInt>() && x.dim() > 0 {
        let i: i64 = index.extract()?;
        let n = x.size()[0];
        if i < -n || i >= n {
            return Err(PyIndexError::new_err(format!("index {i} is out of bounds for dimension 0 with size {n}")));
        }
        return Ok(wrap(py, x.select(0, i).map_err(to_py)?)?.into_any());
    }
    let items = items(index)?;
    Ok(wrap(py, x.index(&items).map_err(to_py)?)?.into_any())
}

/// A value to assign: a tensor, a number, or what becomes a tensor.
fn value_of(x: &Tensor, value: &Bound<'_, PyAny>) -> PyResult<Operand> {
    match read_operand(value)? {
        Some(o) => Ok(o),
        None => {
            let class = value.get_type();
            let module = if class.module()? == "numpy" { "numpy." } else { "" };
            let title = x.dtype().title();
            Err(PyTypeError::new_err(format!("can't assign a {module}{} to a torch.{title}Tensor", class.name()?)))
        }
    }
}

/// `x[index] = value`.
pub fn set(x: &Tensor, index: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let items = items(index)?;
    let value = value_of(x, value)?;
    x.index_set(&items, value).map_err(to_py)
}

/// `x[...] = value` for the whole tensor.
pub fn assign(x: &Tensor, value: &Bound<'_, PyAny>) -> PyResult<()> {
    match value_of(x, value)? {
        Operand::Number(s) => x.fill_(s),
        Operand::Tensor(t) => x.copy_(&t),
    }
    .map(|_| ())
    .map_err(to_py)
}
