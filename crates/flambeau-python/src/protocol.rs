//! A tensor as Python's own things: a number, a sequence, a text.

use flambeau_tensor::print::Class;
use flambeau_tensor::{Device, Scalar, Tensor};
use pyo3::exceptions::{PyOverflowError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyComplex, PyList};

use crate::errors::to_py;
use crate::parse::read_operand;
use crate::tensor::{PyTensor, number_object, tensor_of, wrap};

/// The one element, for Python's own number types.
fn one_number(t: &Tensor) -> PyResult<Scalar> {
    if t.numel() != 1 {
        return Err(PyValueError::new_err("only one element tensors can be converted to Python scalars"));
    }
    t.item().map_err(to_py)
}

/// `bool(t)`.
pub fn to_bool(t: &Tensor) -> PyResult<bool> {
    match t.numel() {
        1 => Ok(t.item().map_err(to_py)?.to_bool()),
        0 => Err(PyRuntimeError::new_err("Boolean value of Tensor with no values is ambiguous")),
        _ => Err(PyRuntimeError::new_err("Boolean value of Tensor with more than one value is ambiguous")),
    }
}

/// `float(t)`.
pub fn to_float(t: &Tensor) -> PyResult<f64> {
    match one_number(t)? {
        Scalar::Complex(z) if z.im != 0.0 => {
            Err(PyRuntimeError::new_err("value cannot be converted to type double without overflow"))
        }
        s => Ok(s.to_f64()),
    }
}

/// `int(t)`.
pub fn to_int(py: Python<'_>, t: &Tensor) -> PyResult<Py<PyAny>> {
    match one_number(t)? {
        Scalar::Complex(z) if z.im != 0.0 => {
            Err(PyRuntimeError::new_err("value cannot be converted to type int64_t without overflow"))
        }
        Scalar::Float(f) if f.is_nan() => Err(PyValueError::new_err("cannot convert float NaN to integer")),
        Scalar::Float(f) if f.is_infinite() => {
            Err(PyOverflowError::new_err("cannot convert float infinity to integer"))
        }
        s => number_object(py, Scalar::Int(s.to_i64())),
    }
}

/// A place in a list.
pub fn to_index(t: &Tensor) -> PyResult<i64> {
    if t.numel() != 1 || !t.dtype().is_integral() {
        return Err(PyTypeError::new_err("only integer tensors of a single element can be converted to an index"));
    }
    Ok(t.item().map_err(to_py)?.to_i64())
}

/// `complex(t)`.
pub fn to_complex<'py>(py: Python<'py>, t: &Tensor) -> PyResult<Bound<'py, PyComplex>> {
    let z = one_number(t)?.to_complex();
    Ok(PyComplex::from_doubles(py, z.re, z.im))
}

/// `len(t)`.
pub fn len(t: &Tensor) -> PyResult<usize> {
    match t.size().first() {
        Some(&n) => Ok(n as usize),
        None => Err(PyTypeError::new_err("len() of a 0-d tensor")),
    }
}

/// `iter(t)`.
pub fn iter<'py>(x: &Bound<'py, PyTensor>) -> PyResult<Bound<'py, PyAny>> {
    let (py, t) = (x.py(), tensor_of(x));
    if t.dim() == 0 {
        return Err(PyTypeError::new_err("iteration over a 0-d tensor"));
    }
    let parts = t.unbind().map_err(to_py)?;
    let list = parts.into_iter().map(|p| wrap(py, p)).collect::<PyResult<Vec<_>>>()?;
    Ok(PyList::new(py, list)?.try_iter()?.into_any())
}

/// `value in t`.
pub fn contains(t: &Tensor, value: &Bound<'_, PyAny>) -> PyResult<bool> {
    let Some(o) = read_operand(value)? else {
        return Err(PyRuntimeError::new_err(format!(
            "Tensor.__contains__ only supports Tensor or scalar, but you passed in a {}.",
            value.get_type()
        )));
    };
    let found = t.eq(o).and_then(|e| e.any()).and_then(|e| e.item()).map_err(to_py)?;
    Ok(found.to_bool())
}

/// `repr(t)`.
pub fn repr(x: &Bound<'_, PyTensor>) -> PyResult<String> {
    let name = x.get_type().name()?.to_string();
    let t = tensor_of(x);
    Ok(match name.as_str() {
        "Tensor" => t.format_as(Class::Tensor),
        "Parameter" => t.format_as(Class::Parameter),
        _ => t.format_as(Class::Named(&name)),
    })
}

/// `f"{t:spec}"`: a tensor without dimensions is formatted as its number.
pub fn format(x: &Bound<'_, PyTensor>, spec: &str) -> PyResult<String> {
    let (py, t) = (x.py(), tensor_of(x));
    if t.dim() == 0 && t.device() != Device::Meta && x.get_type().is(py.get_type::<PyTensor>()) {
        let item = number_object(py, t.item().map_err(to_py)?)?;
        return item.bind(py).call_method1("__format__", (spec,))?.extract();
    }
    if spec.is_empty() {
        return repr(x);
    }
    Err(PyTypeError::new_err(format!("unsupported format string passed to {}.__format__", x.get_type().name()?)))
}
