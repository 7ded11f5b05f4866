//! The class `torch.Tensor`: what is not an operator of the table.

use std::cell::UnsafeCell;

use flambeau_tensor::autograd;
use flambeau_tensor::ops::binary::arithmetic::{ADD, DIV, FLOOR_DIVIDE, MUL, RDIV, REMAINDER, RSUB, SUB};
use flambeau_tensor::ops::binary::bitwise::{
    BITWISE_AND, BITWISE_LEFT_SHIFT, BITWISE_OR, BITWISE_RIGHT_SHIFT, BITWISE_XOR,
};
use flambeau_tensor::ops::binary::power::POW;
use flambeau_tensor::ops::compare::order::{EQ, GE, GT, LE, LT, NE};
use flambeau_tensor::ops::{Arg, Args, OpDef, Operand, Param};
use flambeau_tensor::print::Class;
use flambeau_tensor::{Device, MemoryFormat, Scalar, Tensor};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pyclass::CompareOp;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyComplex, PyList, PyTuple, PyType};

use crate::base::TensorBase;
use crate::bind::{call_inplace, call_op};
use crate::dtype::{PyDType, PyDevice, PyLayout, device_object, dtype_object, read_dtype, strided};
use crate::errors::to_py;
use crate::graph;
use crate::parse::{read_format, read_operand};

/// A tensor, in PyTorch's shape.
#[pyclass(name = "Tensor", module = "torch", extends = TensorBase, subclass, weakref, dict, frozen)]
pub struct PyTensor {
    tensor: UnsafeCell<Tensor>,
}

// SAFETY: the tensor is read and replaced only by threads that hold the interpreter's lock, which `Python` proves (the
// module says that it needs that lock). A lock for each object would cost every call two atomic operations an operand.
unsafe impl Sync for PyTensor {}

impl PyTensor {
    fn of(t: Tensor) -> PyTensor {
        PyTensor { tensor: UnsafeCell::new(t) }
    }

    /// The tensor it stands for.
    #[inline]
    pub fn get(&self, _py: Python<'_>) -> Tensor {
        // SAFETY: this thread holds the interpreter's lock, and cloning a handle runs nothing else.
        unsafe { (*self.tensor.get()).clone() }
    }

    /// The one element, for Python's own number types.
    fn one_number(&self, py: Python<'_>) -> PyResult<Scalar> {
        let t = self.get(py);
        if t.numel() != 1 {
            return Err(PyValueError::new_err("only one element tensors can be converted to Python scalars"));
        }
        t.item().map_err(to_py)
    }

    /// Makes the object stand for another tensor (`resize_`, `.data = ...`).
    pub fn set(slf: &Bound<'_, PyTensor>, t: Tensor) {
        t.set_object(slf.as_ptr().cast());
        // SAFETY: this thread holds the interpreter's lock, and nobody keeps a reference into the cell.
        let before = unsafe { std::mem::replace(&mut *slf.get().tensor.get(), t) };
        before.set_object(std::ptr::null_mut());
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

type Object = Py<PyAny>;

fn ok(py: Python<'_>, r: flambeau_tensor::Result<Tensor>) -> PyResult<Object> {
    Ok(wrap(py, r.map_err(to_py)?)?.into_any())
}

fn not_implemented(py: Python<'_>) -> Object {
    py.NotImplemented()
}

/// Runs an operator on two operands, its other parameters at their defaults.
fn call_binary(py: Python<'_>, op: &'static OpDef, x: Tensor, other: Operand) -> PyResult<Object> {
    match op.params {
        [_, _] => call_op(py, op, &[Arg::Tensor(x), other.into()]),
        [_, _, third] => call_op(py, op, &[Arg::Tensor(x), other.into(), third.default_arg()]),
        _ => unreachable!("the operators behind Python's have two operands and at most one option"),
    }
}

/// A binary operator: NotImplemented for what is neither tensor nor number, so that Python asks the other side.
fn binary(op: &'static OpDef, x: &Bound<'_, PyTensor>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
    let py = x.py();
    match read_operand(other)? {
        Some(o) => call_binary(py, op, tensor_of(x), o),
        None => Ok(not_implemented(py)),
    }
}

/// The same with the number on the left.
fn reflected(op: &'static OpDef, x: &Bound<'_, PyTensor>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
    let py = x.py();
    let x = tensor_of(x);
    let left = match read_operand(other)? {
        Some(Operand::Tensor(t)) => t,
        Some(Operand::Number(s)) => {
            Tensor::scalar(s, s.dtype(flambeau_tensor::default_dtype())).to_device(x.device()).map_err(to_py)?
        }
        None => return Ok(not_implemented(py)),
    };
    call_binary(py, op, left, x.into())
}

fn inplace(op: &'static OpDef, x: &Bound<'_, PyTensor>, other: &Bound<'_, PyAny>) -> PyResult<()> {
    let other = read_operand(other)?.ok_or_else(|| {
        PyTypeError::new_err(format!("unsupported operand type(s): 'Tensor' and '{}'", other.get_type()))
    })?;
    let mut args: Args = [Arg::Tensor(tensor_of(x)), other.into()].into_iter().collect();
    args.extend(op.params[2..].iter().map(Param::default_arg));
    call_inplace(x.py(), op, &args)
}

#[pymethods]
impl PyTensor {
    #[new]
    #[pyo3(signature = (*args, **_kwargs))]
    fn new(args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, pyo3::types::PyDict>>) -> PyResult<PyTensor> {
        let tensor = crate::create::legacy(args)?;
        Ok(PyTensor::of(tensor))
    }

    #[staticmethod]
    #[pyo3(signature = (cls, data, require_grad=false))]
    fn _make_subclass<'py>(
        cls: &Bound<'py, PyType>,
        data: &Bound<'py, PyTensor>,
        require_grad: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = cls.py();
        let fresh = tensor_of(data).detach().requires_grad_(require_grad).map_err(to_py)?;
        let object = py.get_type::<PyTensor>().getattr("__new__")?.call1((cls,))?;
        let typed = object.cast_into::<PyTensor>()?;
        PyTensor::set(&typed, fresh);
        Ok(typed.into_any())
    }

    fn as_subclass<'py>(slf: &Bound<'py, Self>, cls: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
        let object = slf.py().get_type::<PyTensor>().getattr("__new__")?.call1((cls,))?;
        let typed = object.cast_into::<PyTensor>()?;
        let t = tensor_of(slf);
        PyTensor::set(&typed, t.view_alias().map_err(to_py)?);
        Ok(typed.into_any())
    }

    #[getter]
    fn shape<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        size_object(slf.py(), tensor_of(slf).size())
    }
    #[pyo3(signature = (dim=None))]
    fn size<'py>(slf: &Bound<'py, Self>, dim: Option<i64>) -> PyResult<Bound<'py, PyAny>> {
        let t = tensor_of(slf);
        match dim {
            None => size_object(slf.py(), t.size()),
            Some(d) => Ok(t.size_of(d).map_err(to_py)?.into_pyobject(slf.py())?.into_any()),
        }
    }
    #[pyo3(signature = (dim=None))]
    fn stride<'py>(slf: &Bound<'py, Self>, dim: Option<i64>) -> PyResult<Bound<'py, PyAny>> {
        let t = tensor_of(slf);
        match dim {
            None => Ok(PyTuple::new(slf.py(), t.stride())?.into_any()),
            Some(d) => {
                let at = flambeau_tensor::normalize_dim(d, t.dim()).map_err(to_py)?;
                Ok(t.stride()[at].into_pyobject(slf.py())?.into_any())
            }
        }
    }
    fn dim(&self, py: Python<'_>) -> usize {
        self.get(py).dim()
    }
    fn ndimension(&self, py: Python<'_>) -> usize {
        self.dim(py)
    }
    #[getter]
    fn ndim(&self, py: Python<'_>) -> usize {
        self.dim(py)
    }
    fn numel(&self, py: Python<'_>) -> i64 {
        self.get(py).numel()
    }
    fn nelement(&self, py: Python<'_>) -> i64 {
        self.numel(py)
    }
    #[getter]
    fn dtype(&self, py: Python<'_>) -> Py<PyDType> {
        dtype_object(py, self.get(py).dtype())
    }
    #[getter]
    fn device(&self, py: Python<'_>) -> Py<PyDevice> {
        device_object(py, self.get(py).device())
    }
    #[getter]
    fn layout(&self, py: Python<'_>) -> Py<PyLayout> {
        strided(py)
    }
    #[getter]
    fn itemsize(&self, py: Python<'_>) -> usize {
        self.get(py).dtype().size()
    }
    fn element_size(&self, py: Python<'_>) -> usize {
        self.itemsize(py)
    }
    #[getter]
    fn nbytes(&self, py: Python<'_>) -> i64 {
        self.numel(py) * self.itemsize(py) as i64
    }
    #[getter]
    fn is_cpu(&self, py: Python<'_>) -> bool {
        self.get(py).device() == Device::Cpu
    }
    #[getter]
    fn is_meta(&self, py: Python<'_>) -> bool {
        self.get(py).device() == Device::Meta
    }
    #[getter]
    fn is_cuda(&self) -> bool {
        false
    }
    #[getter]
    fn is_sparse(&self) -> bool {
        false
    }
    #[getter]
    fn is_quantized(&self) -> bool {
        false
    }
    #[getter]
    fn is_nested(&self) -> bool {
        false
    }
    fn is_pinned(&self) -> bool {
        false
    }
    fn is_shared(&self) -> bool {
        false
    }
    fn is_floating_point(&self, py: Python<'_>) -> bool {
        self.get(py).dtype().is_floating()
    }
    fn is_complex(&self, py: Python<'_>) -> bool {
        self.get(py).dtype().is_complex()
    }
    fn is_signed(&self, py: Python<'_>) -> bool {
        self.get(py).dtype().is_signed()
    }
    fn is_conj(&self, py: Python<'_>) -> bool {
        self.get(py).is_conj()
    }
    fn is_neg(&self, py: Python<'_>) -> bool {
        self.get(py).is_neg()
    }
    fn data_ptr(&self, py: Python<'_>) -> usize {
        self.get(py).data_ptr()
    }
    fn storage_offset(&self, py: Python<'_>) -> i64 {
        self.get(py).layout().offset
    }
    #[pyo3(signature = (memory_format=None))]
    fn is_contiguous(&self, py: Python<'_>, memory_format: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let format = match memory_format {
            Some(f) => read_format(f).ok_or_else(|| {
                PyTypeError::new_err("is_contiguous(): argument 'memory_format' must be torch.memory_format")
            })?,
            None => MemoryFormat::Contiguous,
        };
        Ok(self.get(py).is_contiguous_in(format))
    }
    fn untyped_storage(&self, py: Python<'_>) -> crate::storage::PyStorage {
        crate::storage::PyStorage(self.get(py).storage().clone())
    }

    fn item(&self, py: Python<'_>) -> PyResult<Object> {
        number_object(py, self.get(py).item().map_err(to_py)?)
    }
    fn tolist(&self, py: Python<'_>) -> PyResult<Object> {
        crate::create::to_list(py, &self.get(py))
    }

    // Autograd.
    #[getter]
    fn requires_grad(&self, py: Python<'_>) -> bool {
        self.get(py).requires_grad()
    }
    #[setter]
    fn set_requires_grad(&self, py: Python<'_>, on: bool) -> PyResult<()> {
        self.get(py).requires_grad_(on).map(|_| ()).map_err(to_py)
    }
    #[pyo3(signature = (requires_grad=true))]
    fn requires_grad_<'py>(slf: &Bound<'py, Self>, requires_grad: bool) -> PyResult<Bound<'py, Self>> {
        tensor_of(slf).requires_grad_(requires_grad).map_err(to_py)?;
        Ok(slf.clone())
    }
    #[getter]
    fn is_leaf(&self, py: Python<'_>) -> bool {
        self.get(py).is_leaf()
    }
    #[getter]
    fn grad(&self, py: Python<'_>) -> PyResult<Option<Py<PyTensor>>> {
        self.get(py).grad().map(|g| wrap(py, g)).transpose()
    }
    #[setter]
    fn set_grad(&self, py: Python<'_>, grad: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let grad = match grad {
            None => None,
            Some(g) => Some(unwrap(g).ok_or_else(|| {
                PyTypeError::new_err(format!(
                    "assigned grad expected to be a Tensor or None but got grad of type {}",
                    g.get_type()
                ))
            })?),
        };
        self.get(py).set_grad(grad).map_err(to_py)
    }
    #[deleter]
    fn delete_grad(&self, py: Python<'_>) -> PyResult<()> {
        self.get(py).set_grad(None).map_err(to_py)
    }
    #[getter]
    fn grad_fn(&self, py: Python<'_>) -> PyResult<Option<Object>> {
        self.get(py).grad_fn().map(|(n, _)| graph::node_object(py, n)).transpose()
    }
    #[getter]
    fn output_nr(&self, py: Python<'_>) -> u32 {
        self.get(py).grad_fn().map_or(0, |(_, nr)| nr)
    }
    #[getter]
    fn _version(&self, py: Python<'_>) -> u32 {
        self.get(py).version()
    }
    #[getter]
    fn _base(&self, py: Python<'_>) -> PyResult<Option<Py<PyTensor>>> {
        self.get(py).base().map(|b| wrap(py, b.clone())).transpose()
    }
    fn _is_view(&self, py: Python<'_>) -> bool {
        self.get(py).base().is_some()
    }
    #[getter]
    fn retains_grad(&self, py: Python<'_>) -> bool {
        self.get(py).retains_grad()
    }
    fn retain_grad(&self, py: Python<'_>) -> PyResult<()> {
        self.get(py).retain_grad().map_err(to_py)
    }
    fn detach(&self, py: Python<'_>) -> PyResult<Py<PyTensor>> {
        wrap(py, self.get(py).detach())
    }
    fn detach_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        let t = tensor_of(slf);
        if t.base().is_some() && t.requires_grad() {
            return Err(PyRuntimeError::new_err(
                "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() cannot be called on these gradients. To fix this error, please refer to the Optimizer.zero_grad() function in torch/optim/optimizer.py as a solution.",
            ));
        }
        PyTensor::set(slf, t.detach());
        Ok(slf.clone())
    }
    #[getter]
    fn data(&self, py: Python<'_>) -> PyResult<Py<PyTensor>> {
        wrap(py, self.get(py).data())
    }
    #[setter]
    fn set_data(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let name = value.get_type().name()?;
        let value = unwrap(value)
            .ok_or_else(|| PyTypeError::new_err(format!("Variable data has to be a tensor, but got {name}")))?;
        let new = tensor_of(slf).with_data(&value);
        PyTensor::set(slf, new);
        Ok(())
    }
    fn register_hook(&self, py: Python<'_>, hook: Object) -> PyResult<graph::PyHookHandle> {
        graph::register_hook(py, &self.get(py), hook)
    }
    fn register_post_accumulate_grad_hook(&self, py: Python<'_>, hook: Object) -> PyResult<graph::PyHookHandle> {
        graph::register_post_hook(&self.get(py), hook)
    }
    #[pyo3(signature = (gradient=None, retain_graph=None, create_graph=false, inputs=None))]
    fn backward(
        &self,
        py: Python<'_>,
        gradient: Option<&Bound<'_, PyAny>>,
        retain_graph: Option<bool>,
        create_graph: bool,
        inputs: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let gradient = match gradient {
            None => None,
            Some(g) => Some(unwrap(g).ok_or_else(|| {
                PyTypeError::new_err(format!(
                    "gradients can be either Tensors or None, but got {}",
                    g.get_type().name().map_or_else(|_| "?".into(), |n| n.to_string())
                ))
            })?),
        };
        let inputs = inputs.map(graph::tensor_list).transpose()?;
        let t = self.get(py);
        py.detach(|| autograd::backward(&[t], &[gradient], retain_graph, create_graph, inputs.as_deref()))
            .map_err(to_py)
    }

    // Layout in place: the object stands for a new handle.
    fn _set_layout(slf: &Bound<'_, Self>, view: &Bound<'_, PyTensor>) {
        let layout = tensor_of(view).layout().clone();
        PyTensor::set(slf, tensor_of(slf).with_layout(layout));
    }
    #[pyo3(signature = (*size, memory_format=None))]
    fn resize_<'py>(
        slf: &Bound<'py, Self>,
        size: &Bound<'py, PyTuple>,
        memory_format: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, Self>> {
        let t = tensor_of(slf);
        if t.requires_grad() {
            return Err(PyRuntimeError::new_err("cannot resize variables that require grad"));
        }
        let size = crate::parse::read_sizes(size)?;
        if let Some(n) = size.iter().find(|n| **n < 0) {
            return Err(PyRuntimeError::new_err(format!(
                "Trying to create tensor with negative dimension {n}: {:?}",
                size.as_slice()
            )));
        }
        if t.size() == size.as_slice() && memory_format.is_none() {
            return Ok(slf.clone());
        }
        let layout = match memory_format.and_then(read_format) {
            Some(MemoryFormat::ChannelsLast) => flambeau_tensor::ops::channels_last(&size).map_err(to_py)?,
            Some(MemoryFormat::Preserve) => {
                return Err(PyRuntimeError::new_err("Unsupported memory format for resize: Preserve"));
            }
            _ => flambeau_tensor::Layout::contiguous(&size),
        };
        PyTensor::set(slf, t.resized(&layout).map_err(to_py)?);
        Ok(slf.clone())
    }

    // Python protocols.
    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        let t = self.get(py);
        match t.size().first() {
            Some(&n) => Ok(n as usize),
            None => Err(PyTypeError::new_err("len() of a 0-d tensor")),
        }
    }
    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let t = tensor_of(slf);
        if t.dim() == 0 {
            return Err(PyTypeError::new_err("iteration over a 0-d tensor"));
        }
        let parts = t.unbind().map_err(to_py)?;
        let list = parts.into_iter().map(|p| wrap(slf.py(), p)).collect::<PyResult<Vec<_>>>()?;
        Ok(PyList::new(slf.py(), list)?.try_iter()?.into_any())
    }
    fn __getitem__(&self, py: Python<'_>, index: &Bound<'_, PyAny>) -> PyResult<Object> {
        crate::index::get(py, &self.get(py), index)
    }
    fn __setitem__(&self, py: Python<'_>, index: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        crate::index::set(&self.get(py), index, value)
    }
    fn __delitem__(&self, _index: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyTypeError::new_err("Tensor does not support deleting items"))
    }
    fn __bool__(&self, py: Python<'_>) -> PyResult<bool> {
        let t = self.get(py);
        match t.numel() {
            1 => {}
            0 => return Err(PyRuntimeError::new_err("Boolean value of Tensor with no values is ambiguous")),
            _ => return Err(PyRuntimeError::new_err("Boolean value of Tensor with more than one value is ambiguous")),
        }
        Ok(t.item().map_err(to_py)?.to_bool())
    }
    fn __float__(&self, py: Python<'_>) -> PyResult<f64> {
        match self.one_number(py)? {
            Scalar::Complex(z) if z.im != 0.0 => {
                Err(PyRuntimeError::new_err("value cannot be converted to type double without overflow"))
            }
            s => Ok(s.to_f64()),
        }
    }
    fn __int__(&self, py: Python<'_>) -> PyResult<Object> {
        match self.one_number(py)? {
            Scalar::Complex(z) if z.im != 0.0 => {
                Err(PyRuntimeError::new_err("value cannot be converted to type int64_t without overflow"))
            }
            Scalar::Float(f) if f.is_nan() => Err(PyValueError::new_err("cannot convert float NaN to integer")),
            Scalar::Float(f) if f.is_infinite() => {
                Err(pyo3::exceptions::PyOverflowError::new_err("cannot convert float infinity to integer"))
            }
            s => number_object(py, Scalar::Int(s.to_i64())),
        }
    }
    fn __index__(&self, py: Python<'_>) -> PyResult<i64> {
        let t = self.get(py);
        if t.numel() != 1 || !t.dtype().is_integral() {
            return Err(PyTypeError::new_err("only integer tensors of a single element can be converted to an index"));
        }
        Ok(t.item().map_err(to_py)?.to_i64())
    }
    fn __complex__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyComplex>> {
        let z = self.one_number(py)?.to_complex();
        Ok(PyComplex::from_doubles(py, z.re, z.im))
    }
    fn __hash__(slf: &Bound<'_, Self>) -> isize {
        slf.as_ptr() as isize
    }
    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let class = slf.get_type();
        let name = class.name()?.to_string();
        let t = tensor_of(slf);
        Ok(match name.as_str() {
            "Tensor" => t.format_as(Class::Tensor),
            "Parameter" => t.format_as(Class::Parameter),
            _ => t.format_as(Class::Named(&name)),
        })
    }
    fn __format__(slf: &Bound<'_, Self>, spec: &str) -> PyResult<String> {
        let t = tensor_of(slf);
        if t.dim() == 0 && t.device() != Device::Meta && slf.get_type().is(slf.py().get_type::<PyTensor>()) {
            let item = number_object(slf.py(), t.item().map_err(to_py)?)?;
            return item.bind(slf.py()).call_method1("__format__", (spec,))?.extract();
        }
        if spec.is_empty() {
            return PyTensor::__repr__(slf);
        }
        Err(PyTypeError::new_err(format!("unsupported format string passed to {}.__format__", slf.get_type().name()?)))
    }
    fn __contains__(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Some(o) = read_operand(value)? else {
            return Err(PyRuntimeError::new_err(format!(
                "Tensor.__contains__ only supports Tensor or scalar, but you passed in a {}.",
                value.get_type()
            )));
        };
        let found = tensor_of(slf).eq(o).and_then(|e| e.any()).and_then(|e| e.item()).map_err(to_py)?;
        Ok(found.to_bool())
    }
    fn __richcmp__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>, op: CompareOp) -> PyResult<Object> {
        let op = match op {
            CompareOp::Lt => &LT,
            CompareOp::Le => &LE,
            CompareOp::Eq => &EQ,
            CompareOp::Ne => &NE,
            CompareOp::Gt => &GT,
            CompareOp::Ge => &GE,
        };
        binary(op, slf, other)
    }
    fn __add__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        binary(&ADD, slf, other)
    }
    fn __radd__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        binary(&ADD, slf, other)
    }
    fn __sub__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        binary(&SUB, slf, other)
    }
    fn __rsub__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        binary(&RSUB, slf, other)
    }
    fn __mul__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        binary(&MUL, slf, other)
    }
    fn __rmul__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        binary(&MUL, slf, other)
    }
    fn __truediv__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        binary(&DIV, slf, other)
    }
    fn __rtruediv__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        binary(&RDIV, slf, other)
    }
    fn __floordiv__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        binary(&FLOOR_DIVIDE, slf, other)
    }
    fn __rfloordiv__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        reflected(&FLOOR_DIVIDE, slf, other)
    }
    fn __mod__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        binary(&REMAINDER, slf, other)
    }
    fn __rmod__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        reflected(&REMAINDER, slf, other)
    }
    fn __pow__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>, modulo: Option<&Bound<'_, PyAny>>) -> PyResult<Object> {
        if modulo.is_some() {
            return Ok(not_implemented(slf.py()));
        }
        binary(&POW, slf, other)
    }
    fn __rpow__(
        slf: &Bound<'_, Self>,
        other: &Bound<'_, PyAny>,
        _modulo: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Object> {
        let py = slf.py();
        match read_operand(other)? {
            Some(Operand::Number(s)) => ok(py, flambeau_tensor::ops::pow_scalar(s, &tensor_of(slf))),
            Some(Operand::Tensor(t)) => ok(py, t.pow(tensor_of(slf))),
            None => Ok(not_implemented(py)),
        }
    }
    fn __matmul__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        match unwrap(other) {
            Some(o) => {
                let (py, x) = (slf.py(), tensor_of(slf));
                let out = if x.numel() + o.numel() > 20_000 { py.detach(|| x.matmul(&o)) } else { x.matmul(&o) };
                ok(py, out)
            }
            None => Ok(not_implemented(slf.py())),
        }
    }
    fn __rmatmul__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        match unwrap(other) {
            Some(o) => ok(slf.py(), o.matmul(&tensor_of(slf))),
            None => Ok(not_implemented(slf.py())),
        }
    }
    fn __and__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        binary(&BITWISE_AND, slf, other)
    }
    fn __rand__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        binary(&BITWISE_AND, slf, other)
    }
    fn __or__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        binary(&BITWISE_OR, slf, other)
    }
    fn __ror__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        binary(&BITWISE_OR, slf, other)
    }
    fn __xor__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        binary(&BITWISE_XOR, slf, other)
    }
    fn __rxor__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        binary(&BITWISE_XOR, slf, other)
    }
    fn __lshift__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        binary(&BITWISE_LEFT_SHIFT, slf, other)
    }
    fn __rshift__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        binary(&BITWISE_RIGHT_SHIFT, slf, other)
    }
    fn __rlshift__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        reflected(&BITWISE_LEFT_SHIFT, slf, other)
    }
    fn __rrshift__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        reflected(&BITWISE_RIGHT_SHIFT, slf, other)
    }
    fn __neg__(slf: &Bound<'_, Self>) -> PyResult<Object> {
        ok(slf.py(), tensor_of(slf).neg())
    }
    fn __pos__(slf: &Bound<'_, Self>) -> PyResult<Object> {
        if tensor_of(slf).dtype() == flambeau_tensor::DType::Bool {
            return Err(PyRuntimeError::new_err("The `+` operator, on a bool tensor is not supported."));
        }
        Ok(slf.clone().into_any().unbind())
    }
    fn __abs__(slf: &Bound<'_, Self>) -> PyResult<Object> {
        ok(slf.py(), tensor_of(slf).abs())
    }
    fn __invert__(slf: &Bound<'_, Self>) -> PyResult<Object> {
        ok(slf.py(), tensor_of(slf).bitwise_not())
    }
    fn __iadd__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
        inplace(&ADD, slf, other)
    }
    fn __isub__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
        inplace(&SUB, slf, other)
    }
    fn __imul__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
        inplace(&MUL, slf, other)
    }
    fn __itruediv__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
        inplace(&DIV, slf, other)
    }
    fn __ifloordiv__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
        inplace(&FLOOR_DIVIDE, slf, other)
    }
    fn __imod__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
        inplace(&REMAINDER, slf, other)
    }
    fn __ipow__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>, _modulo: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        inplace(&POW, slf, other)
    }
    fn __iand__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
        inplace(&BITWISE_AND, slf, other)
    }
    fn __ior__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
        inplace(&BITWISE_OR, slf, other)
    }
    fn __ixor__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
        inplace(&BITWISE_XOR, slf, other)
    }

    // Properties that are operators.
    #[getter(T)]
    fn get_t(&self, py: Python<'_>) -> PyResult<Object> {
        ok(py, self.get(py).transposed())
    }
    #[getter(mT)]
    fn get_mt(&self, py: Python<'_>) -> PyResult<Object> {
        ok(py, self.get(py).mt())
    }
    #[getter(H)]
    fn get_h(&self, py: Python<'_>) -> PyResult<Object> {
        let t = self.get(py);
        if t.dim() != 0 && t.dim() != 2 {
            return Err(PyRuntimeError::new_err(format!(
                "tensor.H is only supported on matrices (2-D tensors). Got {}-D tensor.{}",
                t.dim(),
                if t.dim() > 2 { " For batches of matrices, consider using tensor.mH" } else { "" }
            )));
        }
        if t.dim() == 0 { ok(py, t.conj()) } else { ok(py, t.mh()) }
    }
    #[getter(mH)]
    fn get_mh(&self, py: Python<'_>) -> PyResult<Object> {
        ok(py, self.get(py).mh())
    }
    #[getter(real)]
    fn get_real(slf: &Bound<'_, Self>) -> PyResult<Object> {
        let t = tensor_of(slf);
        if !t.dtype().is_complex() {
            return Ok(slf.clone().into_any().unbind());
        }
        ok(slf.py(), t.real())
    }
    #[setter(real)]
    fn set_real(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let part = self.get(py).real().map_err(to_py)?;
        crate::index::assign(&part, value)
    }
    #[getter(imag)]
    fn get_imag(&self, py: Python<'_>) -> PyResult<Object> {
        ok(py, self.get(py).imag())
    }
    #[setter(imag)]
    fn set_imag(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let part = self.get(py).imag().map_err(to_py)?;
        crate::index::assign(&part, value)
    }

    /// Fills the tensor by calling `f` with each element.
    fn apply_<'py>(slf: &Bound<'py, Self>, f: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        let t = tensor_of(slf);
        if t.requires_grad() {
            return Err(PyTypeError::new_err(
                "Can't call apply_() on Variable that requires grad. Use var.detach().apply_() instead.",
            ));
        }
        let py = slf.py();
        let flat = t.detach().contiguous().and_then(|c| c.reshape(&[-1])).map_err(to_py)?;
        for i in 0..flat.numel() {
            let v = f.call1((number_object(py, flat.at(&[i]))?,))?;
            let v = crate::parse::read_number(&v)?
                .ok_or_else(|| PyTypeError::new_err("apply_() takes a function that gives numbers"))?;
            flat.select(0, i).and_then(|e| e.fill_(v)).map_err(to_py)?;
        }
        t.copy_(&flat.reshape(t.size()).map_err(to_py)?).map_err(to_py)?;
        Ok(slf.clone())
    }
}

/// The dtype argument that many methods take, read or refused.
pub fn dtype_argument(x: &Bound<'_, PyAny>, what: &str) -> PyResult<flambeau_tensor::DType> {
    read_dtype(x).ok_or_else(|| {
        PyTypeError::new_err(format!("{what}(): argument 'dtype' must be torch.dtype, not {}", x.get_type()))
    })
}
