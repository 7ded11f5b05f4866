//! `torch._C.TensorBase`, the class that `Tensor` extends.
//!
//! It is here for its `__new__`, which allocates and does nothing else: that of `object` makes a dictionary for every
//! object in Python 3.11 and 3.12, which cost as much as a small addition. Now one is made when an attribute is first set.
//! And for its deallocator, which keeps the memory of a few objects for the next ones.

use std::cell::UnsafeCell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

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

/// Memory of objects that are gone, for the next ones: making and freeing them is what programs on small tensors do most.
/// Guarded by the interpreter's lock.
struct Spare(UnsafeCell<Vec<*mut ffi::PyObject>>);

// SAFETY: reached only with the interpreter's lock held, for the length of a push or a pop.
unsafe impl Sync for Spare {}

static SPARE: Spare = Spare(UnsafeCell::new(Vec::new()));

/// As many are kept.
const SPARES: usize = 256;

/// The class whose objects' memory is kept.
static KEPT: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(std::ptr::null_mut());

/// Keeps the memory of objects of this class, though not of its subclasses.
pub fn keep_memory_of(class: &Bound<'_, PyType>) {
    KEPT.store(class.as_type_ptr(), Relaxed);
}

/// An object in memory that was kept: of the class that [`keep_memory_of`] named, and whole but for its value, which is
/// that of the object before it, dropped. The caller writes a new one.
#[inline]
pub fn recycled(_py: Python<'_>) -> Option<NonNull<ffi::PyObject>> {
    // SAFETY: the lock is held, as `_py` shows. The memory is as large as the class wants, with the collector's part before
    // it, and what the class has beside its value was left empty when the object before was cleared.
    unsafe {
        let object = (*SPARE.0.get()).pop()?;
        ffi::PyObject_Init(object, KEPT.load(Relaxed));
        ffi::PyObject_GC_Track(object.cast());
        NonNull::new(object)
    }
}

unsafe extern "C" fn dealloc(object: *mut ffi::PyObject) {
    // SAFETY: the interpreter calls this with its lock held and an object that nobody refers to any more; every class has
    // `tp_free`.
    unsafe {
        let spare = &mut *SPARE.0.get();
        if ffi::Py_TYPE(object) == KEPT.load(Relaxed) && spare.len() < SPARES {
            spare.push(object);
            return;
        }
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
