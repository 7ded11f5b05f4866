//! Settings of the process, and questions about dtypes.

use flambeau_cpu::math::{Level, level};
use flambeau_cpu::threads;
use flambeau_tensor::ops::{Arg, rule};
use flambeau_tensor::print;
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::dtype::{PyDType, dtype_object, read_dtype};
use crate::errors::to_py;
use crate::parse::read_operand;

/// `torch.get_default_dtype`.
#[pyfunction]
pub fn get_default_dtype(py: Python<'_>) -> Py<PyDType> {
    dtype_object(py, flambeau_tensor::default_dtype())
}

/// `torch.set_default_dtype`.
#[pyfunction]
pub fn set_default_dtype(d: &Bound<'_, PyAny>) -> PyResult<()> {
    let dtype = read_dtype(d).ok_or_else(|| PyTypeError::new_err("invalid dtype object"))?;
    flambeau_tensor::set_default_dtype(dtype).map_err(to_py)
}

/// The dtype of mixed precision in this thread, None where it is off.
#[pyfunction]
pub fn _autocast_dtype(py: Python<'_>) -> Option<Py<PyDType>> {
    flambeau_tensor::autocast::autocast_dtype().map(|d| dtype_object(py, d))
}

/// Turns mixed precision on or off for this thread.
#[pyfunction]
pub fn _set_autocast(d: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    let read = |d| read_dtype(d).ok_or_else(|| PyTypeError::new_err("invalid dtype object"));
    flambeau_tensor::autocast::set_autocast(d.map(read).transpose()?);
    Ok(())
}

/// `torch.backends.cpu.get_cpu_capability`.
#[pyfunction]
pub fn _get_cpu_capability() -> &'static str {
    match level() {
        Level::Plain => "DEFAULT",
        Level::Avx2 => "AVX2",
        Level::Avx512 => "AVX512",
    }
}

/// `torch.get_num_threads`.
#[pyfunction]
pub fn get_num_threads() -> usize {
    threads::num_threads()
}

/// `torch.set_num_threads`.
#[pyfunction]
pub fn set_num_threads(int: i64) -> PyResult<()> {
    if int <= 0 {
        return Err(PyRuntimeError::new_err("set_num_threads expects a positive integer"));
    }
    threads::set_num_threads(int as usize);
    Ok(())
}

fn dtype_arg(x: &Bound<'_, PyAny>) -> PyResult<flambeau_tensor::DType> {
    read_dtype(x).ok_or_else(|| PyTypeError::new_err(format!("argument must be torch.dtype, not {}", x.get_type())))
}

/// `torch.promote_types`.
#[pyfunction]
pub fn promote_types(py: Python<'_>, type1: &Bound<'_, PyAny>, type2: &Bound<'_, PyAny>) -> PyResult<Py<PyDType>> {
    Ok(dtype_object(py, flambeau_tensor::promote_types(dtype_arg(type1)?, dtype_arg(type2)?)))
}

/// `torch.result_type`.
#[pyfunction]
pub fn result_type(py: Python<'_>, tensor1: &Bound<'_, PyAny>, tensor2: &Bound<'_, PyAny>) -> PyResult<Py<PyDType>> {
    let mut args = Vec::new();
    for x in [tensor1, tensor2] {
        args.push(Arg::from(
            read_operand(x)?.ok_or_else(|| PyTypeError::new_err("result_type() takes tensors and numbers"))?,
        ));
    }
    Ok(dtype_object(py, rule::result_type(&args)))
}

/// `torch.can_cast`.
#[pyfunction]
pub fn can_cast(from_: &Bound<'_, PyAny>, to: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(flambeau_tensor::dispatch::can_cast(dtype_arg(from_)?, dtype_arg(to)?))
}

/// `torch.set_printoptions`.
#[pyfunction]
pub fn _set_print_options(options: &Bound<'_, PyDict>) -> PyResult<()> {
    let mut o = print::print_options();
    for (k, v) in options.iter() {
        if v.is_none() && k.to_string() != "sci_mode" {
            continue;
        }
        match k.extract::<String>()?.as_str() {
            "profile" => {
                o = print::PrintOptions::profile(&v.extract::<String>()?)
                    .ok_or_else(|| PyValueError::new_err("profile is one of default, short, full"))?;
            }
            "precision" => o.precision = v.extract()?,
            "threshold" => {
                let n: f64 = v.extract()?;
                o.threshold = if n.is_finite() { n as _ } else { f64::MAX };
            }
            "edgeitems" => o.edgeitems = v.extract()?,
            "linewidth" => o.linewidth = v.extract()?,
            "sci_mode" => o.sci_mode = v.extract()?,
            _ => {}
        }
    }
    print::set_print_options(o);
    Ok(())
}

/// Returns recycled memory to the system.
#[pyfunction]
pub fn _empty_cache() {
    flambeau_cpu::alloc::empty_cache();
}
