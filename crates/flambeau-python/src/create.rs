//! Tensors from Python's data: numbers, nested lists, arrays.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use flambeau_tensor::{Complex64, DType, Device, Scalar, Tensor, default_dtype};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::dtype::{PyDType, default_device, read_device, read_dtype};
use crate::errors::to_py;
use crate::numpy;
use crate::parse::read_number;
use crate::tensor::{PyTensor, number_object, tensor_of, unwrap, wrap};

/// Nested lists, flattened.
#[derive(Default)]
struct Nested {
    sizes: Vec<i64>,
    numbers: Vec<Scalar>,
    /// Tensors and array scalars found as elements give their dtype.
    dtype: Option<DType>,
    /// An integer is too large for int64.
    large: bool,
}

fn is_sequence(x: &Bound<'_, PyAny>) -> PyResult<bool> {
    if x.cast::<PyList>().is_ok() || x.cast::<PyTuple>().is_ok() {
        return Ok(true);
    }
    Ok(x.cast::<PyString>().is_err()
        && x.cast::<PyDict>().is_err()
        && x.hasattr("__len__")?
        && x.hasattr("__getitem__")?
        && x.cast::<PyTensor>().is_err())
}

impl Nested {
    fn add(&mut self, x: &Bound<'_, PyAny>, depth: usize) -> PyResult<()> {
        if depth > 64 {
            return Err(PyValueError::new_err("too many dimensions 'list'"));
        }
        if x.is_exact_instance_of::<PyInt>() && x.extract::<i64>().is_err() {
            self.large = true;
            return self.leaf(Scalar::Float(x.extract()?), Some(DType::I64), depth);
        }
        if x.is_exact_instance_of::<PyFloat>() || x.is_exact_instance_of::<PyInt>() {
            return self.leaf(read_number(x)?.unwrap_or(Scalar::Int(0)), None, depth);
        }
        if let Some(t) = unwrap(x) {
            if t.numel() != 1 {
                return Err(PyValueError::new_err("only one element tensors can be converted to Python scalars"));
            }
            return self.leaf(t.item().map_err(to_py)?, Some(t.dtype()), depth);
        }
        if let Some(s) = read_number(x)? {
            let dtype = if x.hasattr("__array_interface__")? { numpy::scalar_dtype(x)? } else { None };
            return self.leaf(s, dtype, depth);
        }
        if is_sequence(x)? {
            return self.sequence(x, x.len()? as i64, depth);
        }
        let name = x.get_type().name()?.to_string();
        if self.sizes.len() > depth {
            return Err(PyTypeError::new_err(format!("not a sequence: '{name}'")));
        }
        if name == "str" {
            Err(PyTypeError::new_err("new(): invalid data type 'str'"))
        } else {
            Err(PyRuntimeErrorOr::infer(&name))
        }
    }

    fn leaf(&mut self, s: Scalar, dtype: Option<DType>, depth: usize) -> PyResult<()> {
        if depth < self.sizes.len() {
            return Err(PyTypeError::new_err("expected a sequence, got a number: the lists are not of one shape"));
        }
        let dtype = dtype.unwrap_or_else(|| match s {
            Scalar::Bool(_) => DType::Bool,
            Scalar::Int(_) => DType::I64,
            Scalar::Float(_) => default_dtype(),
            Scalar::Complex(_) => default_dtype().to_complex(),
        });
        if self.dtype != Some(dtype) {
            self.dtype = Some(self.dtype.map_or(dtype, |d| flambeau_tensor::promote_types(d, dtype)));
        }
        self.numbers.push(s);
        Ok(())
    }

    fn sequence(&mut self, x: &Bound<'_, PyAny>, n: i64, depth: usize) -> PyResult<()> {
        if depth == self.sizes.len() {
            if !self.numbers.is_empty() {
                return Err(PyValueError::new_err(format!(
                    "expected sequence of length {} at dim {depth} (got a number)",
                    n
                )));
            }
            self.sizes.push(n);
        } else if self.sizes[depth] != n {
            return Err(PyValueError::new_err(format!(
                "expected sequence of length {} at dim {depth} (got {n})",
                self.sizes[depth]
            )));
        }
        for v in x.try_iter()? {
            self.add(&v?, depth + 1)?;
        }
        Ok(())
    }
}

/// The error for data of no known type.
struct PyRuntimeErrorOr;

impl PyRuntimeErrorOr {
    fn infer(name: &str) -> PyErr {
        pyo3::exceptions::PyRuntimeError::new_err(format!("Could not infer dtype of {name}"))
    }
}

fn make(sizes: &[i64], numbers: &[Scalar], dtype: DType) -> PyResult<Tensor> {
    macro_rules! of {
        ($t:ty) => {{
            let data: Vec<$t> = numbers.iter().map(|&s| <$t as flambeau_tensor::Element>::from_scalar(s)).collect();
            Tensor::of(&data, sizes)
        }};
    }
    let check = |low: i64, high: i64| -> PyResult<()> {
        match numbers.iter().find(|s| matches!(s, Scalar::Int(i) if *i < low || *i > high)) {
            Some(_) => Err(pyo3::exceptions::PyRuntimeError::new_err(format!(
                "value cannot be converted to type {} without overflow",
                dtype.to_string().trim_start_matches("torch.")
            ))),
            None => Ok(()),
        }
    };
    if !dtype.is_complex() && dtype != DType::Bool && numbers.iter().any(|s| matches!(s, Scalar::Complex(_))) {
        return Err(PyTypeError::new_err("must be real number, not complex"));
    }
    match dtype {
        DType::Bool => of!(bool),
        DType::U8 => {
            check(-255, 255)?;
            of!(u8)
        }
        DType::I8 => {
            check(-128, 127)?;
            of!(i8)
        }
        DType::I16 => {
            check(i16::MIN.into(), i16::MAX.into())?;
            of!(i16)
        }
        DType::I32 => {
            check(i32::MIN.into(), i32::MAX.into())?;
            of!(i32)
        }
        DType::I64 => of!(i64),
        DType::F16 => of!(flambeau_tensor::f16),
        DType::BF16 => of!(flambeau_tensor::bf16),
        DType::F32 => of!(f32),
        DType::F64 => of!(f64),
        DType::C64 => of!(flambeau_tensor::Complex32),
        DType::C128 => of!(Complex64),
    }
    .map_err(to_py)
}

/// A tensor from anything, of the dtype the data suggests.
pub fn from_any(x: &Bound<'_, PyAny>) -> PyResult<Tensor> {
    from_data(x, None)
}

fn from_data(x: &Bound<'_, PyAny>, dtype: Option<DType>) -> PyResult<Tensor> {
    if let Some(t) = unwrap(x) {
        return t.detach().clone_tensor().and_then(|t| t.to_dtype(dtype.unwrap_or(t.dtype()))).map_err(to_py);
    }
    if x.cast::<PyList>().is_err()
        && x.cast::<PyTuple>().is_err()
        && x.hasattr("__array_interface__")?
        && x.hasattr("shape")?
    {
        let t = numpy::copy(x)?;
        return t.to_dtype(dtype.unwrap_or(t.dtype())).map_err(to_py);
    }
    let mut nested = Nested::default();
    nested.add(x, 0)?;
    if nested.large && dtype.is_none_or(|d| d.is_integral() && d != DType::Bool) {
        return Err(PyValueError::new_err("Overflow when unpacking long long"));
    }
    make(&nested.sizes, &nested.numbers, dtype.or(nested.dtype).unwrap_or_else(default_dtype))
}

/// `torch.tensor`: a new tensor with a copy of the data.
#[pyfunction]
#[pyo3(signature = (data, *, dtype=None, device=None, requires_grad=false, pin_memory=false))]
pub fn tensor(
    py: Python<'_>,
    data: &Bound<'_, PyAny>,
    dtype: Option<&Bound<'_, PyAny>>,
    device: Option<&Bound<'_, PyAny>>,
    requires_grad: bool,
    pin_memory: bool,
) -> PyResult<Py<PyTensor>> {
    let _ = pin_memory;
    if let Some(t) = data.cast::<PyTensor>().ok().map(|t| tensor_of(t)) {
        let text = c"To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).";
        PyErr::warn(py, &py.get_type::<pyo3::exceptions::PyUserWarning>(), text, 1)?;
        let _ = t;
    }
    let dtype = dtype.map(|d| crate::tensor::dtype_argument(d, "tensor")).transpose()?;
    let device = match device {
        Some(d) => {
            read_device(d)?.ok_or_else(|| PyTypeError::new_err("tensor(): argument 'device' must be torch.device"))?
        }
        None => default_device().unwrap_or_default(),
    };
    let t = from_data(data, dtype)?.to_device(device).map_err(to_py)?;
    if requires_grad && !t.dtype().is_differentiable() {
        return Err(pyo3::exceptions::PyRuntimeError::new_err(
            "Only Tensors of floating point and complex dtype can require gradients",
        ));
    }
    wrap(py, t.requires_grad_(requires_grad).map_err(to_py)?)
}

/// `torch.as_tensor`: shares memory with tensors and arrays of the right dtype.
#[pyfunction]
#[pyo3(signature = (data, dtype=None, device=None))]
pub fn as_tensor(
    py: Python<'_>,
    data: &Bound<'_, PyAny>,
    dtype: Option<&Bound<'_, PyAny>>,
    device: Option<&Bound<'_, PyAny>>,
) -> PyResult<Py<PyAny>> {
    let dtype = dtype.map(|d| crate::tensor::dtype_argument(d, "as_tensor")).transpose()?;
    let device = match device {
        Some(d) => read_device(d)?,
        None => default_device(),
    };
    let options = flambeau_tensor::Options { dtype, device, requires_grad: false };
    if let Ok(t) = data.cast::<PyTensor>() {
        let converted = tensor_of(t).to(options).map_err(to_py)?;
        return Ok(if converted.is(&tensor_of(t)) { data.clone().unbind() } else { wrap(py, converted)?.into_any() });
    }
    let array = data.cast::<PyList>().is_err()
        && data.cast::<PyTuple>().is_err()
        && data.hasattr("__array_interface__")?
        && data.hasattr("shape")?;
    let t = if array && !numpy::is_scalar(data)? { numpy::share(data, true)? } else { from_data(data, dtype)? };
    Ok(wrap(py, t.to(options).map_err(to_py)?)?.into_any())
}

/// `torch.from_numpy`.
#[pyfunction]
pub fn from_numpy(py: Python<'_>, ndarray: &Bound<'_, PyAny>) -> PyResult<Py<PyTensor>> {
    if !ndarray.hasattr("__array_interface__")?
        || numpy::is_scalar(ndarray)?
        || ndarray.get_type().name()? != "ndarray" && !ndarray.hasattr("base")?
    {
        return Err(PyTypeError::new_err(format!("expected np.ndarray (got {})", ndarray.get_type().name()?)));
    }
    wrap(py, numpy::share(ndarray, true)?)
}

/// `torch.frombuffer`: a 1-d tensor over the memory of a buffer.
#[pyfunction]
#[pyo3(signature = (buffer, *, dtype, count=-1, offset=0, requires_grad=false))]
pub fn frombuffer(
    py: Python<'_>,
    buffer: &Bound<'_, PyAny>,
    dtype: &Bound<'_, PyAny>,
    count: i64,
    offset: i64,
    requires_grad: bool,
) -> PyResult<Py<PyTensor>> {
    let dtype =
        read_dtype(dtype).ok_or_else(|| PyTypeError::new_err("frombuffer(): argument 'dtype' must be torch.dtype"))?;
    let t = numpy::buffer(buffer, dtype, count, offset)?;
    static WARNED: AtomicBool = AtomicBool::new(false);
    if numpy::is_read_only(buffer)? && !WARNED.swap(true, Relaxed) {
        let text = c"The given buffer is not writable, and PyTorch does not support non-writable tensors. This means you can write to the underlying (supposedly non-writable) buffer using the tensor. You may want to copy the buffer to protect its data or make it writable before converting it to a tensor. This type of warning will be suppressed for the rest of this program.";
        PyErr::warn(py, &py.get_type::<pyo3::exceptions::PyUserWarning>(), text, 1)?;
    }
    wrap(py, t.requires_grad_(requires_grad).map_err(to_py)?)
}

/// A constructor of one dtype: `torch.FloatTensor(2, 3)`, `torch.LongTensor([1, 2])`.
#[pyfunction]
pub fn _legacy_tensor(py: Python<'_>, dtype: &PyDType, args: &Bound<'_, PyTuple>) -> PyResult<Py<PyTensor>> {
    if args.len() == 1
        && let Some(t) = unwrap(&args.get_item(0)?)
        && t.dtype() != dtype.0
    {
        return Err(PyTypeError::new_err(format!(
            "expected {} (got {})",
            options_text(dtype.0),
            options_text(t.dtype())
        )));
    }
    wrap(py, legacy(args, dtype.0)?)
}

/// A dtype as PyTorch writes the options of a tensor.
fn options_text(d: DType) -> String {
    format!(
        "TensorOptions(dtype={}, device=cpu, layout=Strided, requires_grad=false (default), pinned_memory=false (default), memory_format=(nullopt))",
        flambeau_tensor::ops::rule::c_name(d)
    )
}

/// `torch.Tensor(...)` and the like: sizes, a list, a tensor, or nothing.
pub fn legacy(args: &Bound<'_, PyTuple>, dtype: DType) -> PyResult<Tensor> {
    if args.is_empty() {
        return Tensor::empty(&[0], dtype, Device::Cpu).map_err(to_py);
    }
    let first = args.get_item(0)?;
    if first.is_exact_instance_of::<PyInt>() {
        let sizes = args.iter().enumerate().map(|(at, a)| {
            a.extract::<i64>().map_err(|_| {
                PyTypeError::new_err(format!(
                    "new(): argument 'size' failed to unpack the object at pos {} with error \"type must be tuple of ints,but got {}\"",
                    at + 1,
                    a.get_type().name().map_or_else(|_| "?".into(), |n| n.to_string())
                ))
            })
        });
        return Tensor::empty(&sizes.collect::<PyResult<Vec<_>>>()?, dtype, Device::Cpu).map_err(to_py);
    }
    if args.len() == 1 {
        if let Some(t) = unwrap(&first) {
            return t.detach().view_alias().map_err(to_py);
        }
        if first.get_type().name()? == "Size" {
            return Tensor::empty(&crate::parse::read_sizes(args)?, dtype, Device::Cpu).map_err(to_py);
        }
        if first.cast::<PyString>().is_ok() {
            return Err(PyTypeError::new_err("new(): invalid data type 'str'"));
        }
        if is_sequence(&first)? || first.hasattr("__array_interface__")? {
            return from_data(&first, Some(dtype));
        }
    }
    Err(PyTypeError::new_err(format!("new(): data must be a sequence (got {})", first.get_type().name()?)))
}

/// The elements as nested lists.
pub fn to_list(py: Python<'_>, t: &Tensor) -> PyResult<Py<PyAny>> {
    let t = t.detach().resolve().map_err(to_py)?;
    if t.device() == Device::Meta {
        return Err(pyo3::exceptions::PyNotImplementedError::new_err("Cannot copy out of meta tensor; no data!"));
    }
    if t.dim() == 0 {
        return number_object(py, t.item().map_err(to_py)?);
    }
    let flat = numbers(&t)?;
    let mut at = 0;
    nested_list(py, t.size(), &flat, &mut at)
}

fn numbers(t: &Tensor) -> PyResult<Vec<Scalar>> {
    let wide = match t.dtype().kind() {
        flambeau_tensor::Kind::Bool => {
            return Ok(t.to_vec::<bool>().map_err(to_py)?.into_iter().map(Scalar::Bool).collect());
        }
        flambeau_tensor::Kind::Int => DType::I64,
        flambeau_tensor::Kind::Float => DType::F64,
        flambeau_tensor::Kind::Complex => DType::C128,
    };
    let t = t.to_dtype(wide).map_err(to_py)?;
    Ok(match wide {
        DType::I64 => t.to_vec::<i64>().map_err(to_py)?.into_iter().map(Scalar::Int).collect(),
        DType::F64 => t.to_vec::<f64>().map_err(to_py)?.into_iter().map(Scalar::Float).collect(),
        _ => t.to_vec::<Complex64>().map_err(to_py)?.into_iter().map(Scalar::Complex).collect(),
    })
}

fn nested_list(py: Python<'_>, sizes: &[i64], flat: &[Scalar], at: &mut usize) -> PyResult<Py<PyAny>> {
    let Some((&n, rest)) = sizes.split_first() else {
        *at += 1;
        return number_object(py, flat[*at - 1]);
    };
    let items = (0..n).map(|_| nested_list(py, rest, flat, at)).collect::<PyResult<Vec<_>>>()?;
    Ok(PyList::new(py, items)?.into_any().unbind())
}
