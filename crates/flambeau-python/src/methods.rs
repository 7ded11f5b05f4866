//! The methods of `torch.Tensor` that are no operators of the table. What takes more than a line is in `operators`,
//! `protocol`, `layout` and `graph`.

use flambeau_tensor::ops::binary::arithmetic::{ADD, DIV, FLOOR_DIVIDE, MUL, REMAINDER, RSUB, SUB};
use flambeau_tensor::ops::binary::bitwise::{
    BITWISE_AND, BITWISE_LEFT_SHIFT, BITWISE_OR, BITWISE_RIGHT_SHIFT, BITWISE_XOR,
};
use flambeau_tensor::ops::binary::power::POW;
use flambeau_tensor::{Device, Tensor};
use pyo3::exceptions::{PyNotImplementedError, PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::pyclass::{CompareOp, PyTraverseError, PyVisit};
use pyo3::types::{PyComplex, PyDict, PyTuple, PyType};

use crate::dtype::{PyDType, PyDevice, PyLayout, device_object, dtype_object, strided};
use crate::errors::to_py;
use crate::operators::{
    Right, binary, compare, inplace, matmul, ok, reflected, reflected_div, reflected_matmul, reflected_pow,
};
use crate::tensor::{PyTensor, number_object, of_class, size_object, tensor_of, wrap};
use crate::{graph, layout, protocol};

type Object = Py<PyAny>;

/// Refuses gradients for tensors that cannot have them, in PyTorch's words for each way of asking.
fn require_differentiable(t: &Tensor, on: bool, kind: &str) -> PyResult<()> {
    if on && !t.dtype().is_differentiable() && t.is_leaf() {
        return Err(PyRuntimeError::new_err(format!("{kind} can require gradients")));
    }
    Ok(())
}

#[pymethods]
impl PyTensor {
    #[new]
    #[pyo3(signature = (*args, **_kwargs))]
    fn new(args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<PyTensor> {
        Ok(PyTensor::of(crate::create::legacy(args, flambeau_tensor::default_dtype())?))
    }
    #[staticmethod]
    #[pyo3(signature = (cls, data, require_grad=false))]
    fn _make_subclass<'py>(
        cls: &Bound<'py, PyType>,
        data: &Bound<'py, PyTensor>,
        require_grad: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        of_class(cls, tensor_of(data).detach().requires_grad_(require_grad).map_err(to_py)?)
    }
    fn as_subclass<'py>(slf: &Bound<'py, Self>, cls: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
        of_class(cls, tensor_of(slf).view_alias().map_err(to_py)?)
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
        layout::stride(slf, dim)
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
        // Wraps as PyTorch's does, where elements are repeated more often than memory could hold.
        self.numel(py).wrapping_mul(self.itemsize(py) as i64)
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
        Ok(self.get(py).is_contiguous_in(layout::contiguous_format(memory_format)?))
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
        require_differentiable(&self.get(py), on, "only Tensors of floating point and complex dtype")?;
        self.get(py).requires_grad_(on).map(|_| ()).map_err(to_py)
    }
    #[pyo3(signature = (requires_grad=true))]
    fn requires_grad_<'py>(slf: &Bound<'py, Self>, requires_grad: bool) -> PyResult<Bound<'py, Self>> {
        require_differentiable(&tensor_of(slf), requires_grad, "only Tensors of floating point dtype")?;
        tensor_of(slf).requires_grad_(requires_grad).map_err(to_py)?;
        Ok(slf.clone())
    }
    #[getter]
    fn is_leaf(&self, py: Python<'_>) -> bool {
        self.get(py).is_leaf()
    }
    #[getter]
    fn grad(&self, py: Python<'_>) -> PyResult<Option<Py<PyTensor>>> {
        let t = self.get(py);
        let grad = t.grad();
        if grad.is_none() && t.requires_grad() && !t.is_leaf() && !t.retains_grad() {
            let text = c"The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be \
                populated during autograd.backward(). To have it there, call .retain_grad() on the tensor before the backward pass; \
                if the leaf was meant, access that one.";
            PyErr::warn(py, &py.get_type::<pyo3::exceptions::PyUserWarning>(), text, 1)?;
        }
        grad.map(|g| wrap(py, g)).transpose()
    }
    #[setter]
    fn set_grad(&self, py: Python<'_>, grad: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        self.get(py).set_grad(grad.map(graph::assigned_grad).transpose()?).map_err(to_py)
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
        graph::detach_inplace(slf)?;
        Ok(slf.clone())
    }
    #[getter]
    fn data(&self, py: Python<'_>) -> PyResult<Py<PyTensor>> {
        wrap(py, self.get(py).data())
    }
    #[setter]
    fn set_data(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        layout::set_data(slf, value)
    }
    fn register_hook(slf: &Bound<'_, Self>, hook: Object) -> PyResult<graph::PyHookHandle> {
        graph::register_hook(slf, hook)
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
        graph::backward_from(py, self.get(py), gradient, retain_graph, create_graph, inputs)
    }

    // Layout in place: the object stands for a new handle.
    fn _set_layout(slf: &Bound<'_, Self>, view: &Bound<'_, PyTensor>) {
        PyTensor::set(slf, tensor_of(slf).with_layout(tensor_of(view).layout().clone()));
    }
    /// The same with the history of the view.
    fn _set_view(slf: &Bound<'_, Self>, view: &Bound<'_, PyTensor>) {
        let view = tensor_of(view);
        PyTensor::set(slf, view.with_layout(view.layout().clone()));
    }
    #[pyo3(signature = (*size, memory_format=None))]
    fn resize_<'py>(
        slf: &Bound<'py, Self>,
        size: &Bound<'py, PyTuple>,
        memory_format: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, Self>> {
        layout::resize(slf, size, memory_format)?;
        Ok(slf.clone())
    }
    /// Fills the tensor by calling `f` with each element.
    fn apply_<'py>(slf: &Bound<'py, Self>, f: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        layout::apply(slf, f)?;
        Ok(slf.clone())
    }

    // Python protocols.
    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        protocol::len(&self.get(py))
    }
    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        protocol::iter(slf)
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
        protocol::to_bool(&self.get(py))
    }
    fn __float__(&self, py: Python<'_>) -> PyResult<f64> {
        protocol::to_float(&self.get(py))
    }
    fn __int__(&self, py: Python<'_>) -> PyResult<Object> {
        protocol::to_int(py, &self.get(py))
    }
    fn __index__(&self, py: Python<'_>) -> PyResult<i64> {
        protocol::to_index(&self.get(py))
    }
    fn __complex__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyComplex>> {
        protocol::to_complex(py, &self.get(py))
    }
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.traverse(&visit)
    }
    fn __hash__(slf: &Bound<'_, Self>) -> isize {
        slf.as_ptr() as isize
    }
    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        protocol::repr(slf)
    }
    fn __format__(slf: &Bound<'_, Self>, spec: &str) -> PyResult<String> {
        protocol::format(slf, spec)
    }
    fn __contains__(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        protocol::contains(&tensor_of(slf), value)
    }
    fn __richcmp__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>, op: CompareOp) -> PyResult<Object> {
        compare(op, slf, other)
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
        reflected_div(slf, other)
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
        if modulo.is_some() { Ok(slf.py().NotImplemented()) } else { binary(&POW, slf, other) }
    }
    fn __rpow__(
        slf: &Bound<'_, Self>,
        other: &Bound<'_, PyAny>,
        _modulo: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Object> {
        reflected_pow(slf, other)
    }
    fn __matmul__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        matmul(slf, other)
    }
    fn __rmatmul__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
        reflected_matmul(slf, other)
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
            return Err(PyNotImplementedError::new_err("The `+` operator, on a bool tensor is not supported."));
        }
        Ok(slf.clone().into_any().unbind())
    }
    fn __abs__(slf: &Bound<'_, Self>) -> PyResult<Object> {
        ok(slf.py(), tensor_of(slf).abs())
    }
    fn __invert__(slf: &Bound<'_, Self>) -> PyResult<Object> {
        let x = tensor_of(slf);
        if !x.dtype().is_integral() {
            return Err(PyTypeError::new_err(
                "~ (operator.invert) is only implemented on integer and Boolean-type tensors",
            ));
        }
        ok(slf.py(), x.bitwise_not())
    }
    fn __iadd__(slf: &Bound<'_, Self>, other: Right) -> PyResult<()> {
        inplace(&ADD, slf, other)
    }
    fn __isub__(slf: &Bound<'_, Self>, other: Right) -> PyResult<()> {
        inplace(&SUB, slf, other)
    }
    fn __imul__(slf: &Bound<'_, Self>, other: Right) -> PyResult<()> {
        inplace(&MUL, slf, other)
    }
    fn __itruediv__(slf: &Bound<'_, Self>, other: Right) -> PyResult<()> {
        inplace(&DIV, slf, other)
    }
    fn __ifloordiv__(slf: &Bound<'_, Self>, other: Right) -> PyResult<()> {
        inplace(&FLOOR_DIVIDE, slf, other)
    }
    fn __imod__(slf: &Bound<'_, Self>, other: Right) -> PyResult<()> {
        inplace(&REMAINDER, slf, other)
    }
    fn __ipow__(slf: &Bound<'_, Self>, other: Right, _modulo: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        inplace(&POW, slf, other)
    }
    fn __iand__(slf: &Bound<'_, Self>, other: Right) -> PyResult<()> {
        inplace(&BITWISE_AND, slf, other)
    }
    fn __ior__(slf: &Bound<'_, Self>, other: Right) -> PyResult<()> {
        inplace(&BITWISE_OR, slf, other)
    }
    fn __ixor__(slf: &Bound<'_, Self>, other: Right) -> PyResult<()> {
        inplace(&BITWISE_XOR, slf, other)
    }
    fn __ilshift__(slf: &Bound<'_, Self>, other: Right) -> PyResult<()> {
        inplace(&BITWISE_LEFT_SHIFT, slf, other)
    }
    fn __irshift__(slf: &Bound<'_, Self>, other: Right) -> PyResult<()> {
        inplace(&BITWISE_RIGHT_SHIFT, slf, other)
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
        ok(py, layout::conjugate_transpose(&self.get(py)))
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
}
