//! The class `torch.Tensor`: which object stands for which tensor. Its methods are in `methods`.

use std::cell::UnsafeCell;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use flambeau_tensor::{Scalar, Tensor};
use parking_lot::Mutex;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pyclass::{PyTraverseError, PyVisit};
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyComplex, PyTuple, PyType};

use crate::base::TensorBase;
use crate::dtype::read_dtype;

/// A tensor, in PyTorch's shape.
#[pyclass(name = "Tensor", module = "torch", extends = TensorBase, subclass, weakref, dict, frozen)]
pub struct PyTensor {
    tensor: UnsafeCell<Tensor>,
    /// The hooks of a leaf, which its record owns: the garbage collector sees them through here.
    hooks: UnsafeCell<Vec<Weak<Py<PyAny>>>>,
}

// SAFETY: the tensor is read and replaced only by threads that hold the interpreter's lock, which `Python` proves (the
// module says that it needs that lock). A lock for each object would cost every call two atomic operations an operand.
unsafe impl Sync for PyTensor {}

impl PyTensor {
    /// An object over a tensor that has none yet.
    #[inline]
    pub fn of(t: Tensor) -> PyTensor {
        PyTensor { tensor: UnsafeCell::new(t), hooks: UnsafeCell::default() }
    }

    /// The tensor it stands for.
    #[inline]
    pub fn get(&self, _py: Python<'_>) -> Tensor {
        // SAFETY: this thread holds the interpreter's lock, and cloning a handle runs nothing else.
        unsafe { (*self.tensor.get()).clone() }
    }

    /// Keeps sight of a hook registered on a leaf.
    pub fn watch(&self, _py: Python<'_>, hook: Weak<Py<PyAny>>) {
        // SAFETY: this thread holds the interpreter's lock, and nobody keeps a reference into the cell.
        let hooks = unsafe { &mut *self.hooks.get() };
        hooks.retain(|h| h.strong_count() > 0);
        hooks.push(hook);
    }

    /// Shows the garbage collector what only this object keeps alive: the hooks of a leaf and the context of the
    /// function that computed it. A tensor that a graph or another handle shares is left to its owners.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        // SAFETY: the collector runs under the interpreter's lock.
        let (tensor, hooks) = unsafe { (&*self.tensor.get(), &*self.hooks.get()) };
        if !tensor.is_sole_handle() {
            return Ok(());
        }
        for hook in hooks.iter().filter_map(Weak::upgrade) {
            visit.call(&*hook)?;
        }
        match tensor.sole_function() {
            Some(node) => crate::graph::traverse(&node, visit),
            None => Ok(()),
        }
    }

    /// Makes the object stand for another tensor (`resize_`, `.data = ...`).
    pub fn set(slf: &Bound<'_, PyTensor>, t: Tensor) {
        t.set_object(slf.as_ptr().cast());
        // SAFETY: this thread holds the interpreter's lock, and nobody keeps a reference into the cell.
        let before = unsafe { std::mem::replace(&mut *slf.get().tensor.get(), t) };
        before.set_object(std::ptr::null_mut());
        Lending::keep(before);
        // SAFETY: as above. Hooks of the tensor before are no longer this object's.
        unsafe { (*slf.get().hooks.get()).clear() };
    }
}

/// Lends the tensors of objects to a call, without handles of their own. The interpreter's caller keeps the objects; should
/// code that runs meanwhile make one stand for another tensor, the one before is kept until nothing is lent any more.
pub struct Lending<'py>(Python<'py>);

/// How many calls are being lent tensors, which changes under the interpreter's lock.
static LENDING: AtomicUsize = AtomicUsize::new(0);

/// Tensors replaced while they may have been lent, and whether there are any.
static REPLACED: Mutex<Vec<Tensor>> = Mutex::new(Vec::new());
static ANY_REPLACED: AtomicBool = AtomicBool::new(false);

impl<'py> Lending<'py> {
    /// Begins a call. The lock makes a load and a store one step.
    #[inline]
    pub fn begin(py: Python<'py>) -> Lending<'py> {
        LENDING.store(LENDING.load(Relaxed) + 1, Relaxed);
        Lending(py)
    }

    /// The tensor of an object that the caller keeps.
    #[inline]
    pub fn tensor<'a>(&'a self, x: &'a Bound<'py, PyTensor>) -> &'a Tensor {
        // SAFETY: the object lives as long as `x`, and what it stood for as long as `self`.
        unsafe { &*x.get().tensor.get() }
    }

    /// Takes a tensor that was replaced.
    fn keep(before: Tensor) {
        if LENDING.load(Relaxed) > 0 {
            REPLACED.lock().push(before);
            ANY_REPLACED.store(true, Relaxed);
        }
    }

    #[cold]
    fn free() {
        ANY_REPLACED.store(false, Relaxed);
        let list = std::mem::take(&mut *REPLACED.lock());
        drop(list);
    }
}

impl Drop for Lending<'_> {
    #[inline]
    fn drop(&mut self) {
        let left = LENDING.load(Relaxed) - 1;
        LENDING.store(left, Relaxed);
        if left == 0 && ANY_REPLACED.load(Relaxed) {
            Lending::free();
        }
    }
}

/// The tensor an object stands for.
#[inline]
pub fn tensor_of(x: &Bound<'_, PyTensor>) -> Tensor {
    x.get().get(x.py())
}

impl Drop for PyTensor {
    fn drop(&mut self) {
        self.tensor.get_mut().set_object(std::ptr::null_mut());
    }
}

/// The object of a tensor: the one there is, else a new one.
pub fn wrap(py: Python<'_>, t: Tensor) -> PyResult<Py<PyTensor>> {
    if let Some(object) = t.object() {
        let ptr = object.as_ptr().cast::<pyo3::ffi::PyObject>();
        // SAFETY: an object clears its tensor's slot when it dies, and this thread holds the interpreter's lock.
        unsafe {
            if pyo3::ffi::Py_REFCNT(ptr) > 0 {
                return Ok(Bound::from_borrowed_ptr(py, ptr).cast_into_unchecked::<PyTensor>().unbind());
            }
        }
    }
    if let Some(object) = crate::base::recycled(py) {
        t.set_object(object.as_ptr().cast());
        // SAFETY: the object is of the class, new, and its value, dropped, waits to be written.
        return Ok(unsafe {
            let object = Bound::from_owned_ptr(py, object.as_ptr()).cast_into_unchecked::<PyTensor>();
            std::ptr::from_ref(object.get()).cast_mut().write(PyTensor::of(t));
            object.unbind()
        });
    }
    let object = Py::new(py, PyTensor::of(t))?;
    // SAFETY: this thread holds the interpreter's lock, and the object is new.
    unsafe { (*object.get().tensor.get()).set_object(object.as_ptr().cast()) };
    Ok(object)
}

/// The tensor behind an object, if it is one.
#[inline]
pub fn unwrap(x: &Bound<'_, PyAny>) -> Option<Tensor> {
    x.cast::<PyTensor>().ok().map(|t| tensor_of(t))
}

/// A new object of a subclass over a tensor of its own.
pub fn of_class<'py>(cls: &Bound<'py, PyType>, t: Tensor) -> PyResult<Bound<'py, PyAny>> {
    let object = cls.py().get_type::<PyTensor>().getattr("__new__")?.call1((cls,))?;
    let typed = object.cast_into::<PyTensor>()?;
    PyTensor::set(&typed, t);
    Ok(typed.into_any())
}

static SIZE: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// Sizes as a `torch.Size`.
pub fn size_object<'py>(py: Python<'py>, sizes: &[i64]) -> PyResult<Bound<'py, PyAny>> {
    let class = SIZE.get_or_try_init(py, || -> PyResult<_> {
        Ok(py.import("flambeau._size")?.getattr("Size")?.cast_into::<PyType>()?.unbind())
    })?;
    class.bind(py).call1((PyTuple::new(py, sizes)?,))
}

/// A number as a Python object.
pub fn number_object(py: Python<'_>, s: Scalar) -> PyResult<Py<PyAny>> {
    Ok(match s {
        Scalar::Bool(b) => b.into_pyobject(py)?.to_owned().into_any().unbind(),
        Scalar::Int(i) => i.into_pyobject(py)?.into_any().unbind(),
        Scalar::Float(f) => f.into_pyobject(py)?.into_any().unbind(),
        Scalar::Complex(z) => PyComplex::from_doubles(py, z.re, z.im).into_any().unbind(),
    })
}

/// The dtype argument that many methods take, read or refused.
pub fn dtype_argument(x: &Bound<'_, PyAny>, what: &str) -> PyResult<flambeau_tensor::DType> {
    read_dtype(x).ok_or_else(|| {
        PyTypeError::new_err(format!("{what}(): argument 'dtype' must be torch.dtype, not {}", x.get_type()))
    })
}
