//! Memory shared with NumPy, through the array interface: NumPy is imported only when a user hands over or asks for an
//! array.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use flambeau_tensor::{DType, Device, Dims, Layout, Storage, Tensor, autograd};
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::errors::to_py;
use crate::tensor::{PyTensor, tensor_of};

fn dtype_of(typestr: &str) -> Option<DType> {
    Some(match typestr.trim_start_matches(['<', '|', '=']) {
        "b1" => DType::Bool,
        "u1" => DType::U8,
        "i1" => DType::I8,
        "i2" => DType::I16,
        "i4" => DType::I32,
        "i8" => DType::I64,
        "f2" => DType::F16,
        "f4" => DType::F32,
        "f8" => DType::F64,
        "c8" => DType::C64,
        "c16" => DType::C128,
        _ => return None,
    })
}

fn typestr(d: DType) -> Option<&'static str> {
    Some(match d {
        DType::Bool => "|b1",
        DType::U8 => "|u1",
        DType::I8 => "|i1",
        DType::I16 => "<i2",
        DType::I32 => "<i4",
        DType::I64 => "<i8",
        DType::F16 => "<f2",
        DType::BF16 => return None,
        DType::F32 => "<f4",
        DType::F64 => "<f8",
        DType::C64 => "<c8",
        DType::C128 => "<c16",
    })
}

/// True for NumPy's own number types.
pub fn is_scalar(x: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(!x.hasattr("__len__")? && x.hasattr("item")? && !x.hasattr("ctypes")?)
}

/// The dtype of a NumPy number.
pub fn scalar_dtype(x: &Bound<'_, PyAny>) -> PyResult<Option<DType>> {
    let interface = x.getattr("__array_interface__")?;
    Ok(dtype_of(&interface.get_item("typestr")?.extract::<String>()?))
}

/// The warning about memory that must not be written comes once in a program.
static WARNED: AtomicBool = AtomicBool::new(false);

/// A tensor over an array's memory. The array stays alive as long as the tensor's storage. `warn` says whether to warn of
/// an array that must not be written.
pub fn share(x: &Bound<'_, PyAny>, warn: bool) -> PyResult<Tensor> {
    let interface = x.getattr("__array_interface__")?;
    let kind: String = interface.get_item("typestr")?.extract()?;
    let name = || -> PyResult<String> { Ok(x.getattr("dtype")?.getattr("type")?.getattr("__name__")?.to_string()) };
    if kind.starts_with('>') {
        return Err(PyValueError::new_err(
            "given numpy array has byte order different from the native byte order. Conversion between byte orders is currently not supported.",
        ));
    }
    let dtype = dtype_of(&kind).ok_or_else(|| {
        PyTypeError::new_err(format!(
            "can't convert np.ndarray of type numpy.{}. The only supported types are: float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, uint8, and bool.",
            name().unwrap_or_else(|_| kind.clone())
        ))
    })?;
    let sizes: Vec<i64> = interface.get_item("shape")?.extract()?;
    let sizes: Dims = sizes.into_iter().collect();
    // The interface has none for an array without gaps, whose dimensions of size 1 may still have strides of their own.
    let strides = x.getattr("strides").or_else(|_| interface.get_item("strides"))?;
    let item = dtype.size() as i64;
    let strides: Dims = if strides.is_none() {
        flambeau_tensor::contiguous_strides(&sizes)
    } else {
        let bytes: Vec<i64> = strides.extract()?;
        if bytes.iter().any(|&b| b < 0) {
            return Err(PyValueError::new_err(
                "At least one stride in the given numpy array is negative, and tensors with negative strides are not currently supported. (You can probably work around this by making a copy of your array  with array.copy().) ",
            ));
        }
        if bytes.iter().zip(&sizes).any(|(&b, &n)| b % item != 0 && n > 1) {
            return Err(PyValueError::new_err(
                "given numpy array strides not a multiple of the element byte size. Copy the numpy array to reallocate the memory.",
            ));
        }
        bytes.iter().map(|b| b / item).collect()
    };
    let (ptr, read_only): (usize, bool) = interface.get_item("data")?.extract()?;
    if read_only && warn && !WARNED.swap(true, Relaxed) {
        let text = c"The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means writing to this tensor will result in undefined behavior. You may want to copy the array to protect its data or make it writable before converting it to a tensor. This type of warning will be suppressed for the rest of this program.";
        PyErr::warn(x.py(), &x.py().get_type::<pyo3::exceptions::PyUserWarning>(), text, 1)?;
    }
    let layout = Layout { sizes, strides, offset: 0 };
    let span = layout.span(dtype.size()).ok_or_else(|| PyValueError::new_err("the array is too large"))?;
    // SAFETY: NumPy vouches for this memory as long as the array lives, and the array is the owner kept here.
    let storage = unsafe { Storage::foreign(ptr as *mut u8, span, Box::new(x.clone().unbind())) };
    Tensor::over(storage, layout, dtype).map_err(to_py)
}

/// A tensor over an array's memory, where the object is an array.
pub fn of_array(x: &Bound<'_, PyAny>) -> PyResult<Option<Tensor>> {
    if x.cast::<PyTensor>().is_err() && x.hasattr("__array_interface__")? && x.hasattr("ctypes")? {
        return share(x, false).map(Some);
    }
    Ok(None)
}

/// A tensor with a copy of an array's elements.
pub fn copy(x: &Bound<'_, PyAny>) -> PyResult<Tensor> {
    // What is no array, a NumPy number for one, may give memory that lives no longer than its interface.
    let own = if x.hasattr("ctypes")? { x.clone() } else { x.py().import("numpy")?.call_method1("asarray", (x,))? };
    share(&own, false)?.clone_tensor().map_err(to_py)
}

/// The array interface of a tensor's memory, for `np.asarray`.
#[pyclass(module = "flambeau._C", frozen)]
pub struct ArrayBridge {
    tensor: Tensor,
}

#[pymethods]
impl ArrayBridge {
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let t = &self.tensor;
        let item = t.dtype().size() as i64;
        let d = PyDict::new(py);
        d.set_item("version", 3)?;
        d.set_item("typestr", typestr(t.dtype()))?;
        d.set_item("shape", PyTuple::new(py, t.size())?)?;
        d.set_item("strides", PyTuple::new(py, t.stride().iter().map(|s| s * item))?)?;
        d.set_item("data", (t.data_ptr().max(usize::from(t.numel() == 0) * 64), false))?;
        Ok(d)
    }
}

/// The array over a tensor's memory (`Tensor.numpy`).
#[pyfunction]
#[pyo3(signature = (tensor, force=false))]
pub fn _to_numpy<'py>(tensor: &Bound<'py, PyTensor>, force: bool) -> PyResult<Bound<'py, PyAny>> {
    let py = tensor.py();
    let mut t = tensor_of(tensor);
    if force {
        t = t.detach().resolve().map_err(to_py)?;
    }
    if t.device() != Device::Cpu {
        return Err(PyTypeError::new_err(
            "can't convert meta device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first.",
        ));
    }
    if t.requires_grad() && autograd::grad_enabled() {
        return Err(PyRuntimeError::new_err(
            "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.",
        ));
    }
    if t.is_conj() {
        return Err(PyRuntimeError::new_err(
            "Can't call numpy() on Tensor that has conjugate bit set. Use tensor.resolve_conj().numpy() instead.",
        ));
    }
    if t.is_neg() {
        return Err(PyRuntimeError::new_err(
            "Can't call numpy() on Tensor that has negative bit set. Use tensor.resolve_neg().numpy() instead.",
        ));
    }
    if typestr(t.dtype()).is_none() {
        return Err(PyTypeError::new_err("Got unsupported ScalarType BFloat16"));
    }
    let bridge = Bound::new(py, ArrayBridge { tensor: t })?;
    py.import("numpy")?.call_method1("asarray", (bridge,))
}

/// A 1-d tensor over a buffer.
pub fn buffer(x: &Bound<'_, PyAny>, dtype: DType, count: i64, offset: i64) -> PyResult<Tensor> {
    // SAFETY: the object lives during the call.
    if unsafe { pyo3::ffi::PyObject_CheckBuffer(x.as_ptr()) } == 0 {
        return Err(PyValueError::new_err("object does not implement Python buffer protocol."));
    }
    let b = PyUntypedBuffer::get(x)?;
    if !b.is_c_contiguous() {
        return Err(PyValueError::new_err("the buffer must be contiguous"));
    }
    let (len, item) = (b.len_bytes() as i64, dtype.size() as i64);
    if len == 0 || count == 0 {
        return Err(PyValueError::new_err(format!("both buffer length ({len}) and count ({count}) must not be 0")));
    }
    if offset < 0 || offset >= len {
        return Err(PyValueError::new_err(format!(
            "offset ({offset} bytes) must be non-negative and no greater than buffer length ({len} bytes) minus 1"
        )));
    }
    if count > (len - offset) / item {
        return Err(PyValueError::new_err(format!(
            "requested buffer length ({count} * {item} bytes) after offset ({offset} bytes) must not be greater than actual buffer length ({len} bytes)"
        )));
    }
    if count < 0 && (len - offset) % item != 0 {
        return Err(PyValueError::new_err(format!(
            "buffer length ({} bytes) after offset ({offset} bytes) must be a multiple of element size ({item})",
            len - offset
        )));
    }
    let n = if count < 0 { (len - offset) / item } else { count };
    let ptr = b.buf_ptr().cast::<u8>().wrapping_offset(offset as isize);
    // SAFETY: the exporter vouches for its memory until the buffer, kept here, is released.
    let storage = unsafe { Storage::foreign(ptr, (n * item) as usize, Box::new(KeptBuffer(b))) };
    Tensor::over(storage, Layout::contiguous(&[n]), dtype).map_err(to_py)
}

/// Whether the memory of a buffer is not to be written.
pub fn is_read_only(x: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(PyUntypedBuffer::get(x)?.readonly())
}

/// A buffer held only to be released when the storage is.
struct KeptBuffer(#[allow(dead_code)] PyUntypedBuffer);
// SAFETY: nothing is done with it but to drop it, which takes the interpreter's lock.
unsafe impl Sync for KeptBuffer {}
// SAFETY: as above.
unsafe impl Send for KeptBuffer {}
