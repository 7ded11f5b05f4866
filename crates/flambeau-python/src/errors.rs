//! Errors of the engine as Python exceptions, and back.

use flambeau_tensor::{Error, ErrorKind};
use pyo3::exceptions::{PyIndexError, PyNotImplementedError, PyOSError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;

pyo3::create_exception!(torch.linalg, LinAlgError, PyRuntimeError, "A singular or otherwise unfit matrix.");

/// The exception that an error becomes.
#[cold]
pub fn to_py(e: Error) -> PyErr {
    let message = e.message().to_string();
    match e.kind() {
        ErrorKind::Runtime if message == "ZeroDivisionError" => PyRuntimeError::new_err("ZeroDivisionError"),
        ErrorKind::Runtime => PyRuntimeError::new_err(message),
        ErrorKind::Value => PyValueError::new_err(message),
        ErrorKind::Type => PyTypeError::new_err(message),
        ErrorKind::Index => PyIndexError::new_err(message),
        ErrorKind::NotImplemented => PyNotImplementedError::new_err(message),
        ErrorKind::LinAlg => LinAlgError::new_err(message),
        ErrorKind::Io => PyOSError::new_err(message),
        ErrorKind::Foreign => match e.payload().and_then(|p| p.downcast_ref::<PyErr>()) {
            Some(err) => Python::attach(|py| err.clone_ref(py)),
            None => PyRuntimeError::new_err(message),
        },
    }
}

/// The error that carries an exception through the engine.
#[cold]
pub fn from_py(e: PyErr) -> Error {
    Error::foreign(e.to_string(), Box::new(e))
}
