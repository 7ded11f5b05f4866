//! `torch._C.TensorBase`, the class that `Tensor` extends.
//!
//! It is here for its `__new__`, which allocates and does nothing else: that of `object` makes a dictionary for every
//! object in Python 3.11 and 3.12, which cost as much as a small addition. Now one is made when an attribute is first set.

use pyo3::PyTypeInfo;
use pyo3::ffi;
use pyo3::impl_::pycell::{PyClassObjectBase, PyStaticClassObject};
use pyo3::impl_::pyclass::{PyClassBaseType, PyClassImpl};
use pyo3::impl_::pyclass_init::PyNativeTypeInitializer;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::type_object::{PyLayout, PySizedLayout};
use pyo3::types::PyType;

/// An object of the class, seen from Rust.
#[repr(transparent)]
pub struct TensorBase(PyAny);

static TYPE: PyOnceLock<Py<PyType>> = PyOnceLock::new();

fn make(py: Python<'_>) -> PyResult<Py<PyType>> {
    let mut slots = [
        ffi::PyType_Slot { slot: ffi::Py_tp_new, pfunc: ffi::PyType_GenericNew as *mut _ },
        ffi::PyType_Slot { slot: ffi::Py_tp_dealloc, pfunc: dealloc as *mut _ },
        ffi::PyType_Slot { slot: 0, pfunc: std::ptr::null_mut() },
    ];
    let mut spec = ffi::PyType_Spec {
        name: c"torch._C.TensorBase".as_ptr(),
        basicsize: size_of::<ffi::PyObject>() as i32,
        itemsize: 0,
        flags: (ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_BASETYPE) as u32,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: the spec is whole, ends with an empty slot, and is copied by the call.
    let class = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyType_FromSpec(&mut spec))? };
    Ok(class.cast_into::<PyType>()?.unbind())
}

unsafe extern "C" fn dealloc(object: *mut ffi::PyObject) {
    // SAFETY: the interpreter calls this with an object that nobody refers to any more; every class has `tp_free`.
    unsafe {
        let free = ffi::PyType_GetSlot(ffi::Py_TYPE(object), ffi::Py_tp_free);
        let free: ffi::freefunc = std::mem::transmute(free);
        free(object.cast());
    }
}

// SAFETY: the class is made once and kept for ever.
unsafe impl PyTypeInfo for TensorBase {
    fn type_object_raw(py: Python<'_>) -> *mut ffi::PyTypeObject {
        match TYPE.get_or_try_init(py, || make(py)) {
            Ok(class) => class.bind(py).as_type_ptr(),
            Err(e) => panic!("the class TensorBase cannot be made: {e}"),
        }
    }
}

// SAFETY: an object of the class is a plain object.
unsafe impl PyLayout<TensorBase> for ffi::PyObject {}
impl PySizedLayout<TensorBase> for ffi::PyObject {}

impl PyClassBaseType for TensorBase {
    type LayoutAsBase = PyClassObjectBase<ffi::PyObject>;
    type BaseNativeType = TensorBase;
    type Initializer = PyNativeTypeInitializer<Self>;
    type PyClassMutability = <PyAny as PyClassBaseType>::PyClassMutability;
    type Layout<T: PyClassImpl> = PyStaticClassObject<T>;
}
