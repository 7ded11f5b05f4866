//! The graph as Python sees it: `grad_fn`, hooks, functions with a derivative of their own.

use std::sync::{Arc, Weak};

use flambeau_tensor::autograd::{
    self, Backward, Gradients, HookHandle, Node, Packed, PackedTensor, SaveHooks, SavedTensor,
};
use flambeau_tensor::{Result, Tensor};
use pyo3::exceptions::{PyAttributeError, PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::pyclass::{PyTraverseError, PyVisit};
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyList, PyTuple};

use crate::bind::detach;
use crate::errors::{from_py, to_py};
use crate::tensor::{PyTensor, tensor_of, unwrap, wrap};

type Object = Py<PyAny>;

/// A node of the graph: what `grad_fn` is.
#[pyclass(name = "Node", module = "torch.autograd.graph", frozen, weakref)]
pub struct PyNode(pub Arc<Node>);

/// The object of a node: for a function written in Python its context.
pub fn node_object(py: Python<'_>, node: Arc<Node>) -> PyResult<Object> {
    if let Some(ctx) = node.as_custom().and_then(Backward::object) {
        // SAFETY: the node keeps its context alive, and the interpreter's lock is held.
        return Ok(unsafe { Bound::from_borrowed_ptr(py, ctx.cast()) }.unbind());
    }
    // One object a node, as long as anybody holds it.
    let objects = NODES.get_or_try_init(py, || -> PyResult<Object> {
        Ok(py.import("weakref")?.getattr("WeakValueDictionary")?.call0()?.unbind())
    })?;
    let (objects, key) = (objects.bind(py), Arc::as_ptr(&node) as usize);
    let known = objects.call_method1("get", (key,))?;
    if !known.is_none() {
        return Ok(known.unbind());
    }
    let new = Py::new(py, PyNode(node))?.into_any();
    objects.set_item(key, &new)?;
    Ok(new)
}

static NODES: PyOnceLock<Object> = PyOnceLock::new();

fn next_functions<'py>(py: Python<'py>, node: &Node) -> PyResult<Bound<'py, PyTuple>> {
    let list = node
        .next_edges()
        .map(|e| match e {
            Some(e) => Ok((Some(node_object(py, e.node.clone())?), e.output)),
            None => Ok((None, 0)),
        })
        .collect::<PyResult<Vec<_>>>()?;
    PyTuple::new(py, list)
}

/// A context's way to its node, which owns the context: held strongly, neither would ever go.
#[pyclass(module = "torch", frozen)]
pub struct PyWeakNode(Weak<Node>);

#[pymethods]
impl PyWeakNode {
    #[getter]
    fn next_functions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        match self.0.upgrade() {
            Some(node) => next_functions(py, &node),
            None => Ok(PyTuple::empty(py)),
        }
    }
    fn register_hook(&self, r#fn: Object) -> PyResult<PyHookHandle> {
        self.node().map(|node| PyHookHandle(register_node_hook(&node, r#fn)))
    }
    fn register_prehook(&self, r#fn: Object) -> PyResult<PyHookHandle> {
        self.node().map(|node| PyHookHandle(register_node_prehook(&node, r#fn)))
    }
}

impl PyWeakNode {
    fn node(&self) -> PyResult<Arc<Node>> {
        self.0.upgrade().ok_or_else(|| PyRuntimeError::new_err("the node of this context is gone"))
    }
}

#[pymethods]
impl PyNode {
    fn name(&self) -> String {
        match self.0.name().as_str() {
            "AccumulateGrad" => "torch::autograd::AccumulateGrad".into(),
            other => other.into(),
        }
    }
    #[getter]
    fn next_functions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        next_functions(py, &self.0)
    }
    fn _weak(&self) -> PyWeakNode {
        PyWeakNode(Arc::downgrade(&self.0))
    }
    #[getter]
    fn variable(&self, py: Python<'_>) -> PyResult<Option<Py<PyTensor>>> {
        self.0.variable().map(|t| wrap(py, t)).transpose()
    }
    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> Bound<'py, pyo3::types::PyDict> {
        pyo3::types::PyDict::new(py)
    }
    /// Calls `fn(grad_inputs, grad_outputs)` after the node ran; a tuple it returns goes on in place of `grad_inputs`.
    fn register_hook(&self, r#fn: Object) -> PyHookHandle {
        PyHookHandle(register_node_hook(&self.0, r#fn))
    }
    /// Calls `fn(grad_outputs)` before the node runs; a tuple it returns is what the node runs with.
    fn register_prehook(&self, r#fn: Object) -> PyHookHandle {
        PyHookHandle(register_node_prehook(&self.0, r#fn))
    }
    fn _sequence_nr(&self) -> u64 {
        self.0.sequence()
    }
    /// What the node saved, by PyTorch's names: `_saved_self`, `_saved_other`, `_saved_result`.
    fn __getattr__(&self, py: Python<'_>, name: &str) -> PyResult<Py<PyTensor>> {
        match name.strip_prefix("_saved_").and_then(|n| self.0.saved_tensor(n)) {
            Some(t) => wrap(py, t.map_err(to_py)?),
            None => Err(PyAttributeError::new_err(format!("'{}' object has no attribute '{name}'", self.0.name()))),
        }
    }
    fn __repr__(slf: &Bound<'_, Self>) -> String {
        format!("<{} object at {:#x}>", slf.get().0.name(), slf.as_ptr() as usize)
    }
    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<PyNode>().is_ok_and(|o| Arc::ptr_eq(&o.get().0, &self.0))
    }
    fn __hash__(&self) -> usize {
        Arc::as_ptr(&self.0) as usize >> 4
    }
}

/// A registered hook: `remove()` takes it away; as a context manager it does at the end.
#[pyclass(name = "RemovableHandle", module = "torch.utils.hooks", frozen)]
pub struct PyHookHandle(HookHandle);

#[pymethods]
impl PyHookHandle {
    fn remove(&self) {
        self.0.remove();
    }
    #[getter]
    fn id(&self) -> u64 {
        self.0.id()
    }
    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }
    fn __exit__(&self, _kind: &Bound<'_, PyAny>, _value: &Bound<'_, PyAny>, _trace: &Bound<'_, PyAny>) {
        self.0.remove();
    }
}

/// `Tensor.register_hook`.
pub fn register_hook(x: &Bound<'_, PyTensor>, hook: Object) -> PyResult<PyHookHandle> {
    let t = tensor_of(x);
    let hook = Arc::new(hook);
    let seen = Arc::downgrade(&hook);
    let hook: autograd::Hook = Arc::new(move |g: &Tensor| {
        Python::attach(|py| -> PyResult<Option<Tensor>> {
            let out = hook.bind(py).call1((wrap(py, g.clone())?,))?;
            if out.is_none() {
                return Ok(None);
            }
            unwrap(&out).map(Some).ok_or_else(|| {
                PyTypeError::new_err(format!("expected Variable, but hook returned '{}'", type_name(&out)))
            })
        })
        .map_err(from_py)
    });
    let handle = t.register_hook(hook).map_err(to_py)?;
    if t.is_leaf() {
        x.get().watch(x.py(), seen);
    }
    Ok(PyHookHandle(handle))
}

fn gradient_tuple<'py>(py: Python<'py>, grads: &Gradients) -> PyResult<Bound<'py, PyTuple>> {
    let list = grads.iter().map(|g| g.clone().map(|g| wrap(py, g)).transpose()).collect::<PyResult<Vec<_>>>()?;
    PyTuple::new(py, list)
}

/// What a hook of a node returned: nothing, or as many gradients as it was given.
fn hook_result(hook: &Bound<'_, PyAny>, out: &Bound<'_, PyAny>, n: usize) -> PyResult<Option<Vec<Option<Tensor>>>> {
    if out.is_none() {
        return Ok(None);
    }
    let tuple = out
        .cast::<PyTuple>()
        .map_err(|_| PyTypeError::new_err(format!("expected tuple, but hook returned '{}'", type_name(out))))?;
    if tuple.len() != n {
        let name = hook.getattr("__name__").map_or_else(|_| "<unknown>".into(), |n| n.to_string());
        return Err(PyRuntimeError::new_err(format!(
            "hook '{name}' has returned an incorrect number of values (got {}, but expected {n})",
            tuple.len()
        )));
    }
    optional_list(out, n).map(Some)
}

fn register_node_hook(node: &Arc<Node>, hook: Object) -> HookHandle {
    node.register_hook(Arc::new(move |inputs, outputs| {
        Python::attach(|py| {
            let hook = hook.bind(py);
            let out = hook.call1((gradient_tuple(py, inputs)?, gradient_tuple(py, outputs)?))?;
            hook_result(hook, &out, inputs.len())
        })
        .map_err(from_py)
    }))
}

fn register_node_prehook(node: &Arc<Node>, hook: Object) -> HookHandle {
    node.register_prehook(Arc::new(move |outputs| {
        Python::attach(|py| {
            let hook = hook.bind(py);
            let out = hook.call1((gradient_tuple(py, outputs)?,))?;
            hook_result(hook, &out, outputs.len())
        })
        .map_err(from_py)
    }))
}

/// Shows the garbage collector what a function written in Python keeps.
pub fn traverse(node: &Node, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
    match node.as_custom().and_then(Backward::object) {
        // SAFETY: an object is held as a pointer to it, and the node keeps this one alive.
        Some(ctx) => visit.call(unsafe { &*(&raw const ctx).cast::<Object>() }),
        None => Ok(()),
    }
}

/// `Tensor.grad = grad`.
pub fn assigned_grad(grad: &Bound<'_, PyAny>) -> PyResult<Tensor> {
    unwrap(grad).ok_or_else(|| {
        PyTypeError::new_err(format!(
            "assigned grad expected to be a Tensor or None but got grad of type {}",
            grad.get_type()
        ))
    })
}

/// `Tensor.detach_`.
pub fn detach_inplace(x: &Bound<'_, PyTensor>) -> PyResult<()> {
    let t = tensor_of(x);
    if t.base().is_some() && t.requires_grad() {
        return Err(PyRuntimeError::new_err(
            "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() cannot be called on these gradients. To fix this error, please refer to the Optimizer.zero_grad() function in torch/optim/optimizer.py as the solution.",
        ));
    }
    PyTensor::set(x, t.detach());
    Ok(())
}

/// `Tensor.backward`.
pub fn backward_from(
    py: Python<'_>,
    t: Tensor,
    gradient: Option<&Bound<'_, PyAny>>,
    retain_graph: Option<bool>,
    create_graph: bool,
    inputs: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let gradient = gradient.map(gradient_of).transpose()?;
    let inputs = inputs.map(tensor_list).transpose()?;
    detach(py, || autograd::backward(&[t], &[gradient], retain_graph, create_graph, inputs.as_deref())).map_err(to_py)
}

fn gradient_of(x: &Bound<'_, PyAny>) -> PyResult<Tensor> {
    unwrap(x).ok_or_else(|| {
        PyTypeError::new_err(format!("gradients can be either Tensors or None, but got {}", type_name(x)))
    })
}

/// The name of an object's class.
fn type_name(x: &Bound<'_, PyAny>) -> String {
    x.get_type().name().map_or_else(|_| "?".into(), |n| n.to_string())
}

/// `Tensor.register_post_accumulate_grad_hook`.
pub fn register_post_hook(t: &Tensor, hook: Object) -> PyResult<PyHookHandle> {
    let hook: autograd::PostHook = Arc::new(move |p: &Tensor| {
        Python::attach(|py| {
            let given = hook.bind(py).call1((wrap(py, p.clone())?,))?;
            if given.is_none() {
                return Ok(());
            }
            Err(PyRuntimeError::new_err("Tensor post accumulate grad hooks should return None."))
        })
        .map_err(from_py)
    });
    t.register_post_accumulate_grad_hook(hook).map(PyHookHandle).map_err(to_py)
}

/// One tensor, or a list of them.
pub fn tensor_list(x: &Bound<'_, PyAny>) -> PyResult<Vec<Tensor>> {
    if let Some(t) = unwrap(x) {
        return Ok(vec![t]);
    }
    x.try_iter()?
        .map(|v| unwrap(&v?).ok_or_else(|| PyTypeError::new_err("expected a Tensor or a sequence of Tensors")))
        .collect()
}

fn optional_list(x: &Bound<'_, PyAny>, n: usize) -> PyResult<Vec<Option<Tensor>>> {
    if x.is_none() {
        return Ok(vec![None; n]);
    }
    if let Some(t) = unwrap(x) {
        return Ok(vec![Some(t)]);
    }
    x.try_iter()?
        .map(|v| {
            let v = v?;
            if v.is_none() { Ok(None) } else { gradient_of(&v).map(Some) }
        })
        .collect()
}

/// `torch.autograd.backward`.
#[pyfunction]
#[pyo3(signature = (tensors, grads, retain_graph, create_graph, inputs=None))]
pub fn _backward(
    py: Python<'_>,
    tensors: &Bound<'_, PyAny>,
    grads: &Bound<'_, PyAny>,
    retain_graph: Option<bool>,
    create_graph: bool,
    inputs: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let tensors = tensor_list(tensors)?;
    let grads = optional_list(grads, tensors.len())?;
    let inputs = inputs.map(tensor_list).transpose()?;
    detach(py, || autograd::backward(&tensors, &grads, retain_graph, create_graph, inputs.as_deref())).map_err(to_py)
}

/// `torch.autograd.grad`.
#[pyfunction]
pub fn _grad<'py>(
    py: Python<'py>,
    outputs: &Bound<'py, PyAny>,
    inputs: &Bound<'py, PyAny>,
    grads: &Bound<'py, PyAny>,
    retain_graph: Option<bool>,
    create_graph: bool,
    allow_unused: bool,
) -> PyResult<Bound<'py, PyTuple>> {
    let (outputs, inputs) = (tensor_list(outputs)?, tensor_list(inputs)?);
    let grads = optional_list(grads, outputs.len())?;
    let found = detach(py, || autograd::grad(&outputs, &inputs, &grads, retain_graph, create_graph, allow_unused))
        .map_err(to_py)?;
    PyTuple::new(py, found.into_iter().map(|g| g.map(|g| wrap(py, g)).transpose()).collect::<PyResult<Vec<_>>>()?)
}

/// A `torch.autograd.Function`: the context, and what to call with the gradients.
struct PyBackward {
    name: String,
    ctx: Object,
    call: Object,
}

impl Backward for PyBackward {
    fn name(&self) -> String {
        self.name.clone()
    }
    fn apply(&self, _node: &Arc<Node>, grads: Vec<Option<Tensor>>) -> Result<Vec<Option<Tensor>>> {
        Python::attach(|py| -> PyResult<_> {
            let grads = grads.into_iter().map(|g| g.map(|g| wrap(py, g)).transpose()).collect::<PyResult<Vec<_>>>()?;
            let out = self.call.bind(py).call1((&self.ctx, PyTuple::new(py, grads)?))?;
            optional_list(&out, 0)
        })
        .map_err(from_py)
    }
    fn release(&self) {
        Python::attach(|py| _ = self.ctx.bind(py).call_method0("_release"));
    }
    fn object(&self) -> Option<*mut ()> {
        Some(self.ctx.as_ptr().cast())
    }
}

/// Joins `outputs` to a node that calls `call(ctx, gradients)`. The node is returned, to save outputs with.
#[pyfunction]
pub fn _custom_node(
    py: Python<'_>,
    name: String,
    ctx: Object,
    call: Object,
    inputs: &Bound<'_, PyList>,
    outputs: &Bound<'_, PyList>,
) -> PyResult<Py<PyNode>> {
    let edges =
        inputs.iter().map(|x| unwrap(&x).filter(Tensor::requires_grad).and_then(|t| t.gradient_edge())).collect();
    let node = Node::custom(Box::new(PyBackward { name, ctx, call }), edges);
    let mut joined = Vec::new();
    for pair in outputs.iter() {
        let (t, differentiable): (Bound<'_, PyAny>, bool) = pair.extract()?;
        let t = unwrap(&t).ok_or_else(|| PyRuntimeError::new_err("an output of a Function must be a Tensor"))?;
        if differentiable {
            node.add_output(&t);
            joined.push(t);
        } else {
            node.skip_output(&t);
        }
    }
    Node::guard_views(&joined);
    Py::new(py, PyNode(node))
}

/// The functions of `torch.autograd.graph.saved_tensors_hooks`.
struct PySaveHooks {
    pack: Object,
    unpack: Arc<Object>,
}

impl SaveHooks for PySaveHooks {
    fn pack(&self, t: &Tensor) -> Result<Box<dyn Packed>> {
        let kept =
            Python::attach(|py| -> PyResult<_> { Ok(self.pack.bind(py).call1((wrap(py, t.clone())?,))?.unbind()) });
        Ok(Box::new(PyPacked { kept: kept.map_err(from_py)?, unpack: self.unpack.clone() }))
    }
}

/// What a pack hook returned, and the hook that makes a tensor of it again.
struct PyPacked {
    kept: Object,
    unpack: Arc<Object>,
}

impl Packed for PyPacked {
    fn unpack(&self) -> Result<Tensor> {
        Python::attach(|py| {
            let out = self.unpack.bind(py).call1((&self.kept,))?;
            unwrap(&out).ok_or_else(|| {
                PyTypeError::new_err(format!(
                    "Output of saved tensor unpack_hook expected to be a Tensor but got result of type {}",
                    type_name(&out)
                ))
            })
        })
        .map_err(from_py)
    }
}

/// The node behind its object, which for a function written in Python is its context.
fn node_of(object: &Bound<'_, PyAny>) -> PyResult<Arc<Node>> {
    if let Ok(node) = object.cast::<PyNode>() {
        return Ok(node.get().0.clone());
    }
    object.getattr("_node")?.cast::<PyWeakNode>()?.get().node()
}

/// A tensor of unknown values at an output of a node: it stands for the place in the graph.
#[pyfunction]
pub fn _tensor_at(py: Python<'_>, node: &Bound<'_, PyAny>, output_nr: u32) -> PyResult<Py<PyTensor>> {
    let node = node_of(node)?;
    let meta = node.output_meta(output_nr).ok_or_else(|| PyRuntimeError::new_err("no such output"))?;
    let t = Tensor::empty(&meta.shape, meta.dtype, meta.device).map_err(to_py)?;
    t.set_gradient_edge(node, output_nr);
    wrap(py, t)
}

/// Whether walks backwards stop at the first gradient that is not a number.
#[pyfunction]
pub fn _set_checks_nan(on: bool) {
    autograd::set_checks_nan(on);
}

/// The number of the walk that goes on in this thread, or -1.
#[pyfunction]
pub fn _current_graph_task_id() -> i64 {
    autograd::graph_task().map_or(-1, |number| number as i64)
}

/// Whether the walk that goes on comes, or came, to a node.
#[pyfunction]
pub fn _will_engine_execute_node(node: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(autograd::will_run(&node_of(node)?))
}

/// Gives what nodes save to `pack`, and what it returned to `unpack`, until [`_pop_save_hooks`].
#[pyfunction]
pub fn _push_save_hooks(pack: Object, unpack: Object) {
    autograd::push_save_hooks(Arc::new(PySaveHooks { pack, unpack: Arc::new(unpack) }));
}

/// Ends the time of the hooks given last.
#[pyfunction]
pub fn _pop_save_hooks() {
    autograd::pop_save_hooks();
}

/// A tensor, or what hooks made of it.
enum SavedOrPacked {
    Saved(SavedTensor),
    Packed(PackedTensor),
}

/// A tensor kept by a context, with the version it had.
#[pyclass(module = "torch", frozen)]
pub struct PySavedTensor {
    saved: SavedOrPacked,
    node: parking_lot::Mutex<Option<Weak<Node>>>,
}

#[pymethods]
impl PySavedTensor {
    #[new]
    #[pyo3(signature = (tensor, output_nr=None))]
    fn new(tensor: &Bound<'_, PyTensor>, output_nr: Option<u32>) -> PyResult<PySavedTensor> {
        let t = tensor_of(tensor);
        let saved = match (autograd::save_hooks(), output_nr) {
            (Some(h), Some(nr)) => SavedOrPacked::Packed(PackedTensor::output(&t, nr, &*h).map_err(to_py)?),
            (Some(h), None) => SavedOrPacked::Packed(PackedTensor::input(&t, &*h).map_err(to_py)?),
            (None, Some(nr)) => SavedOrPacked::Saved(SavedTensor::output(&t, nr)),
            (None, None) => SavedOrPacked::Saved(SavedTensor::input(&t)),
        };
        Ok(PySavedTensor { saved, node: parking_lot::Mutex::new(None) })
    }
    fn set_node(&self, node: &PyNode) {
        *self.node.lock() = Some(Arc::downgrade(&node.0));
    }
    fn unpack(&self, py: Python<'_>) -> PyResult<Py<PyTensor>> {
        let node = self.node.lock().as_ref().and_then(Weak::upgrade);
        let t = match (&self.saved, node) {
            (SavedOrPacked::Packed(packed), node) => packed.unpack(node.as_ref()),
            (SavedOrPacked::Saved(saved), Some(node)) => saved.unpack(&node),
            (SavedOrPacked::Saved(saved), None) => saved.unpack_loose(),
        };
        wrap(py, t.map_err(to_py)?)
    }
}
