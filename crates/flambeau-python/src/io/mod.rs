//! `torch.save`, `torch.load` and safetensors: Python objects to the values of a file and back. Nothing in a file ever runs.

mod reader;
mod safetensors;
mod writer;

use flambeau_io::pickle::{self, Allowed, Encoding};
use flambeau_io::{AtomicFile, Payload, Source, torch_file};
use flambeau_tensor::{Result, Storage};
use pyo3::exceptions::{PyFileNotFoundError, PyIsADirectoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::bind::detach;
use crate::errors::to_py;
pub use safetensors::{_save_safetensors, PySafeOpen};

/// How `_save` writes; `flambeau.serialization` fills it in.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct SaveOptions {
    legacy: bool,
    byteorder: bool,
    checksums: bool,
    alignment: u64,
    skip_data: bool,
}

/// The bytes of a storage, or as many zeros.
struct Stored<'a> {
    nbytes: usize,
    storage: Option<&'a Storage>,
}

impl Payload for Stored<'_> {
    fn nbytes(&self) -> u64 {
        self.nbytes as u64
    }
    fn blocks(&self, write: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match self.storage {
            Some(storage) => storage.blocks(self.nbytes, write),
            None => vec![0; self.nbytes].blocks(write),
        }
    }
}

/// Writes a value in PyTorch's format, to a path or as bytes where there is none. `describe` says what is no plain value.
#[pyfunction]
pub fn _save<'py>(
    py: Python<'py>,
    obj: &Bound<'py, PyAny>,
    path: Option<std::path::PathBuf>,
    options: SaveOptions,
    describe: Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let (root, tensors) = writer::values(obj, describe)?;
    let name =
        path.as_ref().and_then(|p| p.file_stem()).and_then(|name| name.to_str()).unwrap_or("archive").to_string();
    let write = |out: &mut dyn std::io::Write| {
        let storages = tensors
            .iter()
            .map(|t| Stored { nbytes: t.storage().nbytes(), storage: (!options.skip_data).then(|| t.storage()) });
        let storages: Vec<Stored> = storages.collect();
        if options.legacy {
            return torch_file::write_legacy(out, &root, &storages).map(drop);
        }
        let options = torch_file::Options {
            name: &name,
            byteorder: options.byteorder,
            // Whoever leaves the bytes out writes them later, past any checksum.
            checksums: options.checksums && !options.skip_data,
            alignment: options.alignment,
        };
        torch_file::write_with(out, &root, &storages, &options).map(drop)
    };
    match path {
        Some(path) => {
            let saved = detach(py, || {
                let mut file = AtomicFile::create(&path)?;
                write(&mut file)?;
                // As PyTorch, it does not wait for the disk: a kill leaves the old file or the new one, a power cut may not.
                file.commit(false)
            });
            saved.map_err(io_error)?;
            Ok(None)
        }
        None => {
            let mut out = Vec::new();
            write(&mut out).map_err(to_py)?;
            Ok(Some(PyBytes::new(py, &out)))
        }
    }
}

/// Where the bytes of a file are: its path, or they themselves.
fn source_of(source: &Bound<'_, PyAny>, start: u64, mapped: Option<bool>) -> PyResult<Source> {
    if let Ok(bytes) = source.cast::<PyBytes>() {
        return Ok(Source::memory(bytes.as_bytes().to_vec()).skip(start));
    }
    let path: std::path::PathBuf = source.extract()?;
    let opened = match mapped {
        None => Source::open(path),
        // SAFETY: the caller of `torch.load` asked for a mapping, which is for files that nobody changes meanwhile; should
        // somebody do, numbers change as those of memory shared with NumPy do.
        Some(shared) => unsafe { Source::map(path, shared) },
    };
    Ok(opened.map_err(io_error)?.skip(start))
}

/// How `_load` reads; `flambeau.serialization` fills it in.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct LoadOptions<'py> {
    /// Full names allowed by the user.
    names: Vec<String>,
    /// Beginnings of names that `make` and `named` know to judge.
    prefixes: Vec<String>,
    encoding: String,
    /// None, or whether the mapping is shared.
    mapped: Option<bool>,
    skip_data: bool,
    /// True if storages take no memory, on the meta device.
    meta: bool,
    /// What becomes of a storage: called with it and the place it was saved from.
    restore: Option<Bound<'py, PyAny>>,
    make: Bound<'py, PyAny>,
    named: Bound<'py, PyAny>,
}

/// Reads a file in PyTorch's format, from a path or from bytes. The second part is how many bytes it took.
#[pyfunction]
pub fn _load<'py>(
    source: &Bound<'py, PyAny>,
    start: u64,
    options: LoadOptions<'py>,
) -> PyResult<(Bound<'py, PyAny>, u64)> {
    let py = source.py();
    let encoding = match options.encoding.to_lowercase().as_str() {
        "utf-8" | "utf8" | "ascii" => Encoding::Utf8,
        "latin1" | "latin-1" | "iso-8859-1" => Encoding::Latin1,
        "bytes" => Encoding::Bytes,
        other => return Err(PyValueError::new_err(format!("torch.load: encoding '{other}' is not known"))),
    };
    let allowed = Allowed::new(&options.names).prefixes(&options.prefixes).encoding(encoding);
    let source = source_of(source, start, options.mapped)?;
    let file = detach(py, || torch_file::from_source(source, &allowed)).map_err(io_error)?;
    if options.mapped.is_some() && !file.zip {
        return Err(pyo3::exceptions::PyRuntimeError::new_err(
            "mmap can only be used with files saved with `torch.save(_use_new_zipfile_serialization=True), please torch.save \
             your checkpoint with this option in order to use mmap.",
        ));
    }
    let object = reader::object(py, &file, &options)?;
    Ok((object, file.len))
}

/// The full names of the classes and functions that a checkpoint mentions.
#[pyfunction]
pub fn _checkpoint_globals(source: &Bound<'_, PyAny>, start: u64) -> PyResult<Vec<String>> {
    let pickle = torch_file::pickle_of(source_of(source, start, None)?).map_err(io_error)?;
    Ok(pickle::globals_in(&pickle).map_err(io_error)?.into_iter().collect())
}

/// True for a name that every reader knows.
#[pyfunction]
pub fn _is_safe_global(name: &str) -> bool {
    pickle::is_built_in(name)
}

/// The error for a name that is not allowed.
#[pyfunction]
pub fn _refused_global(name: &str) -> PyErr {
    io_error(pickle::unsupported(name))
}

#[cold]
pub(crate) fn io_error(e: flambeau_tensor::Error) -> PyErr {
    let text = e.message().to_string();
    if text.contains("[Errno 2]") {
        return PyFileNotFoundError::new_err((2, text.trim_start_matches("[Errno 2] ").to_string()));
    }
    if text.contains("[Errno 21]") {
        return PyIsADirectoryError::new_err((21, text.trim_start_matches("[Errno 21] ").to_string()));
    }
    if text == "Ran out of input" {
        return pyo3::exceptions::PyEOFError::new_err(text);
    }
    if pickle::is_unpickling_error(&e) {
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

/// The functions of this module, for `flambeau._C`.
pub fn add_to(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(_save, m)?)?;
    m.add_function(wrap_pyfunction!(_load, m)?)?;
    m.add_function(wrap_pyfunction!(_checkpoint_globals, m)?)?;
    m.add_function(wrap_pyfunction!(_is_safe_global, m)?)?;
    m.add_function(wrap_pyfunction!(_refused_global, m)?)?;
    m.add_function(wrap_pyfunction!(_save_safetensors, m)?)?;
    m.add_class::<PySafeOpen>()
}

/// A Python dictionary's text keys and text values.
pub(crate) fn texts(d: Option<&Bound<'_, PyDict>>) -> PyResult<Vec<(String, String)>> {
    d.map(|d| d.iter().map(|(k, v)| Ok((k.extract()?, v.extract()?))).collect()).unwrap_or_else(|| Ok(Vec::new()))
}
