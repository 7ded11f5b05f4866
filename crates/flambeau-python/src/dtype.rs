//! `torch.dtype`, `torch.device`, `torch.layout`, `torch.memory_format`.

use std::cell::{Cell, RefCell};
use std::hash::{DefaultHasher, Hash, Hasher};

use flambeau_tensor::{DType, Device, MemoryFormat};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyComplex, PyFloat, PyInt, PyString, PyType};

use crate::errors::to_py;

/// The type of a tensor's elements.
#[pyclass(name = "dtype", module = "torch", frozen)]
pub struct PyDType(pub DType);

static DTYPES: PyOnceLock<Vec<Py<PyDType>>> = PyOnceLock::new();

/// The one object of a dtype.
pub fn dtype_object(py: Python<'_>, d: DType) -> Py<PyDType> {
    let all = DTYPES.get_or_init(py, || {
        DType::ALL.iter().map(|&d| Py::new(py, PyDType(d)).expect("a small object can be made")).collect()
    });
    all[d as usize].clone_ref(py)
}

/// A dtype, or one of Python's own number types.
pub fn read_dtype(x: &Bound<'_, PyAny>) -> Option<DType> {
    if let Ok(d) = x.cast::<PyDType>() {
        return Some(d.get().0);
    }
    let py = x.py();
    let t = x.cast::<PyType>().ok()?;
    if t.is(py.get_type::<PyFloat>()) {
        Some(flambeau_tensor::default_dtype().max(DType::F64))
    } else if t.is(py.get_type::<PyInt>()) {
        Some(DType::I64)
    } else if t.is(py.get_type::<PyBool>()) {
        Some(DType::Bool)
    } else if t.is(py.get_type::<PyComplex>()) {
        Some(DType::C128)
    } else {
        None
    }
}

#[pymethods]
impl PyDType {
    fn __repr__(&self) -> String {
        self.0.to_string()
    }
    fn __reduce__(&self) -> &'static str {
        self.0.name()
    }
    fn __hash__(&self) -> u64 {
        0x5EED + self.0 as u64
    }
    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<PyDType>().is_ok_and(|d| d.get().0 == self.0)
    }
    #[getter]
    fn is_floating_point(&self) -> bool {
        self.0.is_floating()
    }
    #[getter]
    fn is_complex(&self) -> bool {
        self.0.is_complex()
    }
    #[getter]
    fn is_signed(&self) -> bool {
        self.0.is_signed()
    }
    #[getter]
    fn itemsize(&self) -> usize {
        self.0.size()
    }
    fn to_real(&self, py: Python<'_>) -> Py<PyDType> {
        dtype_object(py, self.0.to_real())
    }
    fn to_complex(&self, py: Python<'_>) -> Py<PyDType> {
        dtype_object(py, self.0.to_complex())
    }
}

/// Where a tensor lives.
#[pyclass(name = "device", module = "torch", frozen)]
pub struct PyDevice {
    /// The kind as it was written: it need not exist here until a tensor is put on it.
    kind: String,
    index: Option<u32>,
}

/// A device object, or its name.
pub fn read_device(x: &Bound<'_, PyAny>) -> PyResult<Option<Device>> {
    if let Ok(d) = x.cast::<PyDevice>() {
        return d.get().kind.parse().map(Some).map_err(to_py);
    }
    if let Ok(s) = x.cast::<PyString>() {
        return s.to_string_lossy().parse().map(Some).map_err(to_py);
    }
    if x.is_exact_instance_of::<PyInt>() {
        return Err(PyRuntimeError::new_err("Flambeau was built without CUDA: use device='cpu'"));
    }
    Ok(None)
}

#[pymethods]
impl PyDevice {
    #[new]
    #[pyo3(signature = (r#type, index=None))]
    fn new(r#type: &Bound<'_, PyAny>, index: Option<u32>) -> PyResult<PyDevice> {
        if let Ok(d) = r#type.cast::<PyDevice>() {
            return Ok(PyDevice { kind: d.get().kind.clone(), index: index.or(d.get().index) });
        }
        let text: String =
            r#type.extract().map_err(|_| PyTypeError::new_err("device() takes a string, a device or an index"))?;
        // A kind that is known but not there is an error only when a tensor is put on it.
        if let Err(e) = text.parse::<Device>()
            && (e.message().starts_with("Expected one of") || e.message().starts_with("Invalid device"))
        {
            return Err(to_py(e));
        }
        let (kind, written) = match text.split_once(':') {
            Some((kind, i)) => (kind.to_string(), i.parse().ok()),
            None => (text.clone(), None),
        };
        Ok(PyDevice { kind, index: index.or(written) })
    }
    #[getter]
    fn r#type(&self) -> &str {
        &self.kind
    }
    #[getter]
    fn index(&self) -> Option<u32> {
        self.index
    }
    fn __repr__(&self) -> String {
        match self.index {
            Some(i) => format!("device(type='{}', index={i})", self.kind),
            None => format!("device(type='{}')", self.kind),
        }
    }
    fn __str__(&self) -> String {
        match self.index {
            Some(i) => format!("{}:{i}", self.kind),
            None => self.kind.clone(),
        }
    }
    fn __hash__(&self) -> u64 {
        let mut h = DefaultHasher::new();
        (&self.kind, self.index).hash(&mut h);
        h.finish()
    }
    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<PyDevice>().is_ok_and(|d| d.get().kind == self.kind && d.get().index == self.index)
    }
    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<(Py<PyAny>, (String,))> {
        Ok((slf.get_type().into_any().unbind(), (slf.get().__str__(),)))
    }
    fn __enter__(slf: Py<Self>) -> PyResult<Py<Self>> {
        let device = slf.get().kind.parse().map_err(to_py)?;
        ENTERED.with_borrow_mut(|entered| entered.push(DEFAULT.replace(Some(device))));
        Ok(slf)
    }
    fn __exit__(&self, _kind: &Bound<'_, PyAny>, _value: &Bound<'_, PyAny>, _trace: &Bound<'_, PyAny>) {
        if let Some(before) = ENTERED.with_borrow_mut(Vec::pop) {
            DEFAULT.set(before);
        }
    }
}

thread_local! {
    /// Where new tensors go, if somebody said.
    static DEFAULT: Cell<Option<Device>> = const { Cell::new(None) };
    /// What that was before each `with torch.device(..)` that is open.
    static ENTERED: RefCell<Vec<Option<Device>>> = const { RefCell::new(Vec::new()) };
}

/// The device that `with torch.device(..)` or `torch.set_default_device` gives to new tensors in this thread.
#[inline]
pub fn default_device() -> Option<Device> {
    DEFAULT.get()
}

/// The device of new tensors.
#[pyfunction]
pub fn _default_device(py: Python<'_>) -> Py<PyDevice> {
    device_object(py, default_device().unwrap_or_default())
}

/// Sets the device of new tensors; none takes it back.
#[pyfunction]
pub fn _set_default_device(device: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    DEFAULT.set(device.map(read_device).transpose()?.flatten());
    Ok(())
}

static DEVICES: PyOnceLock<[Py<PyDevice>; 2]> = PyOnceLock::new();

/// The object of a device.
pub fn device_object(py: Python<'_>, d: Device) -> Py<PyDevice> {
    let all = DEVICES.get_or_init(py, || {
        [Device::Cpu, Device::Meta].map(|device| {
            Py::new(py, PyDevice { kind: device.name().to_string(), index: None }).expect("a small object can be made")
        })
    });
    all[d as usize].clone_ref(py)
}

/// The order of dimensions in memory.
#[pyclass(name = "memory_format", module = "torch", frozen, eq, hash)]
#[derive(PartialEq, Eq, Hash)]
pub struct PyMemoryFormat(pub MemoryFormat);

#[pymethods]
impl PyMemoryFormat {
    fn __repr__(&self) -> String {
        format!("torch.{}", self.0.name())
    }
    fn __reduce__(&self) -> &'static str {
        self.0.name()
    }
}

/// `torch.strided`, the one layout that tensors have here, or the name of another.
#[pyclass(name = "layout", module = "torch", frozen, eq, hash)]
#[derive(PartialEq, Eq, Hash)]
pub struct PyLayout(&'static str);

#[pymethods]
impl PyLayout {
    fn __repr__(&self) -> String {
        format!("torch.{}", self.0)
    }
    fn __reduce__(&self) -> &'static str {
        self.0
    }
}

impl PyLayout {
    /// Layouts that no tensor has here: programs ask for them in comparisons.
    pub const OTHERS: [&'static str; 5] = ["sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc"];

    /// Whether this is `torch.strided`.
    pub fn is_strided(&self) -> bool {
        self.0 == "strided"
    }

    /// A layout by name.
    pub fn named(name: &'static str) -> PyLayout {
        PyLayout(name)
    }
}

static STRIDED: PyOnceLock<Py<PyLayout>> = PyOnceLock::new();

/// The object `torch.strided`.
pub fn strided(py: Python<'_>) -> Py<PyLayout> {
    STRIDED.get_or_init(py, || Py::new(py, PyLayout("strided")).expect("a small object can be made")).clone_ref(py)
}
