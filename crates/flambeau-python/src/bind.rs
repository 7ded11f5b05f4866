//! The operators of the table as Python functions and methods.

use std::collections::HashMap;
use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};

use flambeau_tensor::dispatch;
use flambeau_tensor::lock::Unordered;
use flambeau_tensor::ops::{Arg, Body, OPERATORS, OpDef, Outputs, Place};
use flambeau_tensor::{Tensor, autograd};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};

use crate::errors::to_py;
use crate::parse::{Call, Mismatch, Parsed, no_match, parse};
use crate::tensor::{Lending, PyTensor, unwrap, wrap};

/// The operators that one Python name stands for, tried in order.
struct Group {
    name: &'static str,
    inplace: bool,
    ops: Vec<&'static OpDef>,
}

static GROUPS: PyOnceLock<Vec<Group>> = PyOnceLock::new();

const MAX: usize = 1024;

/// More elements than this, and other threads may run Python meanwhile: about 20 microseconds of work.
const LONG: i64 = 1 << 15;

fn groups() -> (Vec<Group>, Vec<(Place, usize)>) {
    let mut groups: Vec<Group> = Vec::new();
    let mut places = Vec::new();
    let mut at: HashMap<(Place2, &str), usize> = HashMap::new();
    let mut add = |place: Place, name: &'static str, inplace: bool, op: &'static OpDef, groups: &mut Vec<Group>| {
        let i = *at.entry((Place2(place as u8), name)).or_insert_with(|| {
            groups.push(Group { name, inplace, ops: Vec::new() });
            places.push((place, groups.len() - 1));
            groups.len() - 1
        });
        groups[i].ops.push(op);
    };
    // Methods come first: they alone need a trampoline each.
    for (methods, &op) in [true, false].iter().flat_map(|m| OPERATORS.iter().map(move |op| (*m, op))) {
        let only_writes = matches!(op.body, Body::Mutate { .. });
        for &place in op.places.iter().filter(|p| (**p == Place::Method) == methods) {
            if !only_writes {
                add(place, op.name, false, op, &mut groups);
            }
            if let Some(name) = op.inplace
                && matches!(place, Place::Method | Place::Function | Place::Functional)
            {
                add(place, name, true, op, &mut groups);
            }
        }
        for &(place, alias) in op.aliases.iter().filter(|(p, _)| (*p == Place::Method) == methods) {
            add(place, alias, false, op, &mut groups);
            if op.inplace.is_some() && place == Place::Method {
                let name: &'static str = Box::leak(format!("{alias}_").into_boxed_str());
                add(place, name, true, op, &mut groups);
            }
        }
    }
    (groups, places)
}

#[derive(PartialEq, Eq, Hash)]
struct Place2(u8);

/// Puts every operator where Python finds it: on the Tensor class, in the module, in its submodules.
pub fn install(m: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = m.py();
    let (list, places) = groups();
    let methods = places.iter().filter(|(p, _)| *p == Place::Method).count();
    assert!(methods <= MAX, "more methods than trampolines");
    let list = GROUPS.get_or_init(py, || list);
    let tensor = py.get_type::<PyTensor>();
    for (place, child) in [
        (Place::Functional, "functional"),
        (Place::Linalg, "linalg"),
        (Place::Special, "special"),
        (Place::Fft, "fft"),
        (Place::Private, "private"),
    ] {
        let sub = PyModule::new(py, child)?;
        for (p, i) in &places {
            if *p == place {
                sub.setattr(list[*i].name, function(py, *i, list[*i].name)?)?;
            }
        }
        // No group pretends to be there before it has an operator.
        if places.iter().any(|(p, _)| *p == place) {
            m.setattr(child, sub)?;
        }
    }
    for (p, i) in &places {
        let name = list[*i].name;
        match p {
            Place::Function => m.setattr(name, function(py, *i, name)?)?,
            Place::Method => tensor.setattr(name, method(&tensor, *i, name)?)?,
            _ => {}
        }
    }
    Ok(())
}

/// The addresses of what the interpreter keeps pointers into, for ever: listed, so that it does not count as lost.
static DEFINITIONS: parking_lot::Mutex<Vec<usize>> = parking_lot::Mutex::new(Vec::new());

fn definition(name: &str, call: ffi::PyCFunctionFastWithKeywords, doc: &str) -> *mut ffi::PyMethodDef {
    let text = |s: &str| CString::new(s.replace('\0', "")).unwrap_or_default().into_raw().cast_const();
    let made = Box::into_raw(Box::new(ffi::PyMethodDef {
        ml_name: text(name),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: call },
        ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        ml_doc: text(doc),
    }));
    DEFINITIONS.lock().push(made.addr());
    made
}

fn doc(py: Python<'_>, i: usize) -> String {
    GROUPS.get(py).map_or(String::new(), |g| g[i].ops.iter().map(|op| op.doc).collect::<Vec<_>>().join("\n"))
}

fn function(py: Python<'_>, i: usize, name: &str) -> PyResult<Py<PyAny>> {
    let def = definition(name, TRAMPOLINES[i], &doc(py, i));
    // Of no object, so that pickles find it by its name.
    let none = std::ptr::null_mut();
    // SAFETY: the definition is leaked, so it lives as long as the function.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyCFunction_NewEx(def, none, none)).map(Bound::unbind) }
}

fn method(class: &Bound<'_, PyType>, i: usize, name: &str) -> PyResult<Py<PyAny>> {
    let py = class.py();
    let def = definition(name, TRAMPOLINES[i], &doc(py, i));
    // SAFETY: the definition is leaked, so it lives as long as the descriptor.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyDescr_NewMethod(class.as_type_ptr(), def)).map(Bound::unbind) }
}

unsafe extern "C" fn trampoline<const I: usize>(
    object: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    n: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: called by the interpreter with its lock held.
    unsafe { enter(I, object, args, n, names) }
}

macro_rules! table {
    (@ $($a:literal)* ; $($b:literal)*) => { table!(@@ [$($b)*] $($a)*) };
    (@@ $b:tt $($a:literal)*) => { [$(table!(@row $a $b)),*] };
    (@row $a:literal [$($b:literal)*]) => { [$(trampoline::<{ $a * 16 + $b }> as ffi::PyCFunctionFastWithKeywords),*] };
}
/// One entry point a name: it is how the interpreter says which one was called. Functions have no object.
static ROWS: [[ffi::PyCFunctionFastWithKeywords; 16]; 96] = table!(@
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
    32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
    64 65 66 67 68 69 70 71 72 73 74 75 76 77 78 79 80 81 82 83 84 85 86 87 88 89 90 91 92 93 94 95;
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);

struct Trampolines;
static TRAMPOLINES: Trampolines = Trampolines;
impl std::ops::Index<usize> for Trampolines {
    type Output = ffi::PyCFunctionFastWithKeywords;
    fn index(&self, i: usize) -> &Self::Output {
        &ROWS[i / 16][i % 16]
    }
}

/// # Safety
/// As the interpreter calls a fast method: `args` holds `n` objects and the values of the keywords `names`.
unsafe fn enter(
    i: usize,
    object: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    n: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter's lock is held; the borrowed references live as long as the call.
    let py = unsafe { Python::assume_attached() };
    let run = || -> PyResult<Py<PyAny>> {
        // SAFETY: as above; a Bound is a pointer, so a slice of borrowed pointers is one of borrowed Bounds.
        let (positional, object, keywords) = unsafe {
            let positional =
                if n == 0 { &[] } else { std::slice::from_raw_parts(args.cast::<Bound<'_, PyAny>>(), n as usize) };
            let object = if object.is_null() { None } else { Some(Bound::from_borrowed_ptr(py, object)) };
            let mut keywords = Vec::new();
            if !names.is_null() {
                let names = Bound::from_borrowed_ptr(py, names).cast_into_unchecked::<PyTuple>();
                for (k, name) in names.iter().enumerate() {
                    keywords.push((name.extract::<String>()?, Bound::from_borrowed_ptr(py, *args.add(n as usize + k))));
                }
            }
            (positional, object, keywords)
        };
        let group = &GROUPS.get(py).ok_or_else(|| PyRuntimeError::new_err("the operators are not installed"))?[i];
        call(py, group, &Call { name: group.name, object: object.as_ref(), positional, keywords: &keywords })
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(object)) => object.into_ptr(),
        Ok(Err(e)) => {
            e.restore(py);
            std::ptr::null_mut()
        }
        Err(panic) => {
            let what = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("unknown");
            PyRuntimeError::new_err(format!("internal error in Flambeau: {what}")).restore(py);
            std::ptr::null_mut()
        }
    }
}

fn call(py: Python<'_>, group: &Group, call: &Call<'_, '_>) -> PyResult<Py<PyAny>> {
    let mut words = Vec::new();
    let lending = Lending::begin(py);
    for &op in &group.ops {
        match parse(&lending, op, call) {
            Ok(parsed) => return run(py, group, op, parsed, call),
            Err(Mismatch::Error(e)) => return older(py, group, call)?.ok_or(e),
            Err(Mismatch::Words(w)) => words.push(w),
        }
    }
    if let Some(result) = older(py, group, call)? {
        return Ok(result);
    }
    // A tensor-like object of another library may know what to do.
    if let Some(result) = torch_function(py, group.name, call)? {
        return Ok(result);
    }
    Err(no_match(&group.ops, call, words))
}

/// The call in the form of PyTorch's first years, which programs still use: `x.add_(2, y)` for `x.add_(y, alpha=2)`.
fn older(py: Python<'_>, group: &Group, call: &Call<'_, '_>) -> PyResult<Option<Py<PyAny>>> {
    let Some((positional, named)) = crate::older::rearranged(call)? else { return Ok(None) };
    crate::older::warn(py, group.name, call.object.is_some())?;
    let keywords: Vec<_> = named.into_iter().map(|(k, v)| (k.to_string(), v)).chain(call.keywords.to_vec()).collect();
    self::call(py, group, &Call { name: call.name, object: call.object, positional: &positional, keywords: &keywords })
        .map(Some)
}

fn torch_function(py: Python<'_>, name: &str, call: &Call<'_, '_>) -> PyResult<Option<Py<PyAny>>> {
    for x in call.positional {
        if x.cast::<PyTensor>().is_err() && x.hasattr("__torch_function__")? && !x.is_instance_of::<PyType>() {
            let f = py.import("flambeau")?.getattr(name)?;
            let kwargs = PyDict::new(py);
            for (k, v) in call.keywords {
                kwargs.set_item(k, v)?;
            }
            let types = PyTuple::new(py, [x.get_type()])?;
            let args = PyTuple::new(py, call.positional)?;
            return Ok(Some(x.call_method1("__torch_function__", (f, types, args, kwargs))?.unbind()));
        }
    }
    Ok(None)
}

fn run(
    py: Python<'_>,
    group: &Group,
    op: &'static OpDef,
    parsed: Parsed<'_, '_>,
    call: &Call<'_, '_>,
) -> PyResult<Py<PyAny>> {
    let Parsed { args, out } = parsed;
    if group.inplace {
        let target = call.object.or_else(|| call.positional.first()).cloned();
        call_inplace(py, op, &args)?;
        return target.map(Bound::unbind).ok_or_else(|| PyTypeError::new_err("an in-place operator needs a tensor"));
    }
    if let Some(out) = out {
        let objects: Vec<Bound<'_, PyAny>> = if out.cast::<PyTensor>().is_ok() {
            vec![out.clone()]
        } else {
            out.try_iter()?.collect::<PyResult<_>>()?
        };
        let tensors = objects
            .iter()
            .map(|o| {
                unwrap(o).ok_or_else(|| {
                    PyTypeError::new_err(format!("{}(): argument 'out' must be Tensor, not {}", op.name, o.get_type()))
                })
            })
            .collect::<PyResult<Vec<Tensor>>>()?;
        let had: Vec<bool> = tensors.iter().map(|t| t.numel() > 0).collect();
        let written = detached(py, &args, |args| dispatch::call_out(op, args, &tensors))?;
        for (((object, before), t), had) in objects.iter().zip(&tensors).zip(written).zip(had) {
            if !t.is(before) {
                if had && (!op.factory || op.name == "arange") {
                    warn_resized(py, op, before, &t)?;
                }
                PyTensor::set(object.cast::<PyTensor>()?, t);
            }
        }
        return Ok(if objects.len() == 1 && op.outputs.len() == 1 {
            objects[0].clone().unbind()
        } else {
            named(py, op, objects.into_iter().map(Bound::unbind).collect())?
        });
    }
    call_op(py, op, &args)
}

/// Whether the work is worth letting other threads run Python.
#[inline]
fn is_long(args: &[Arg]) -> bool {
    args.iter().any(|a| match a {
        Arg::Tensor(t) => t.numel() > LONG,
        Arg::Number(_) | Arg::None => false,
        other => is_long_list(other),
    })
}

fn is_long_list(a: &Arg) -> bool {
    let n = match a {
        Arg::Tensors(list) => list.iter().map(Tensor::numel).sum(),
        Arg::OptTensors(list) => list.iter().flatten().map(Tensor::numel).sum(),
        Arg::Ints(sizes) => sizes.iter().fold(1, |n: i64, &s| n.saturating_mul(s)),
        _ => 0,
    };
    n > LONG
}

/// Runs `f` without the interpreter's lock. Meanwhile storages are locked: other threads may run operators too.
pub fn detach<T: Send>(py: Python<'_>, f: impl Send + FnOnce() -> T) -> T {
    let _unordered = Unordered::begin();
    py.detach(f)
}

/// Runs `f`, and lets other threads run Python meanwhile where the work is worth it.
fn detached<T: Send>(
    py: Python<'_>,
    args: &[Arg],
    f: impl Send + FnOnce(&[Arg]) -> flambeau_tensor::Result<T>,
) -> PyResult<T> {
    if is_long(args) { detach(py, || f(args)) } else { f(args) }.map_err(to_py)
}

/// Runs an operator and gives its results as Python sees them.
pub fn call_op(py: Python<'_>, op: &'static OpDef, args: &[Arg]) -> PyResult<Py<PyAny>> {
    if let Body::Map { .. } = op.body {
        return Ok(wrap(py, detached(py, args, |args| dispatch::call_one(op, args))?)?.into_any());
    }
    let shown = |flag: usize| <bool as flambeau_tensor::ops::FromArg>::from_arg(&args[flag]);
    let hidden: Vec<usize> = op.shown_if.iter().filter(|(_, flag)| !shown(*flag)).map(|(output, _)| *output).collect();
    results(py, op, detached(py, args, |args| dispatch::call(op, args))?, &hidden)
}

/// Runs the in-place form of an operator.
pub fn call_inplace(py: Python<'_>, op: &'static OpDef, args: &[Arg]) -> PyResult<()> {
    detached(py, args, |args| dispatch::call_inplace(op, args)).map(|_| ())
}

fn warn_resized(py: Python<'_>, op: &OpDef, before: &Tensor, after: &Tensor) -> PyResult<()> {
    let message = if op.name == "arange" {
        format!(
            "The number of elements in the out tensor of shape {:?} is {} which does not match the computed number of elements {}. Note that this may occur as a result of rounding error. The out tensor will be resized to a tensor of shape ({},).",
            before.size(),
            before.numel(),
            after.numel(),
            after.numel()
        )
    } else {
        format!(
            "An output with one or more elements was resized since it had shape {:?}, which does not match the required output shape {:?}. This behavior is deprecated, and in a future PyTorch release outputs will not be resized unless they have zero elements. You can explicitly reuse an out tensor t by resizing it, inplace, to zero elements with t.resize_(0).",
            before.size(),
            after.size()
        )
    };
    PyErr::warn(py, &py.get_type::<pyo3::exceptions::PyUserWarning>(), &CString::new(message)?, 1)
}

/// The outputs as Python sees them: a tensor, a bool, a tuple, a named tuple.
fn results(py: Python<'_>, op: &'static OpDef, outputs: Outputs, hidden: &[usize]) -> PyResult<Py<PyAny>> {
    if op.list {
        let first = op.outputs.len() - 1;
        let mut outputs = outputs.into_iter();
        let mut all =
            outputs.by_ref().take(first).map(|t| Ok(wrap(py, t)?.into_any())).collect::<PyResult<Vec<_>>>()?;
        let list = outputs.map(|t| wrap(py, t)).collect::<PyResult<Vec<_>>>()?;
        let list = PyTuple::new(py, list)?.into_any().unbind();
        if first == 0 {
            return Ok(list);
        }
        all.push(list);
        return named(py, op, all);
    }
    if !op.shown_if.is_empty() {
        let mut shown = Vec::new();
        for (_, t) in outputs.into_iter().enumerate().filter(|(i, _)| !hidden.contains(i)) {
            shown.push(wrap(py, t)?.into_any());
        }
        return match <[Py<PyAny>; 1]>::try_from(shown) {
            Ok([only]) => Ok(only),
            Err(several) => Ok(PyTuple::new(py, several)?.into_any().unbind()),
        };
    }
    if op.outputs.len() == 1 {
        let t = flambeau_tensor::ops::take_one(outputs);
        if op.outputs[0] == "bool" {
            let b = t.item().map_err(to_py)?.to_bool();
            return Ok(b.into_pyobject(py)?.to_owned().into_any().unbind());
        }
        return Ok(wrap(py, t)?.into_any());
    }
    let list = outputs.into_iter().map(|t| Ok(wrap(py, t)?.into_any())).collect::<PyResult<Vec<_>>>()?;
    named(py, op, list)
}

static NAMED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// `torch.return_types.max(values=..., indices=...)`; unnamed where the operator calls its outputs `out0`, `out1`.
fn named(py: Python<'_>, op: &'static OpDef, list: Vec<Py<PyAny>>) -> PyResult<Py<PyAny>> {
    let tuple = PyTuple::new(py, list)?;
    if op.outputs[0].starts_with("out") || op.outputs[0].ends_with('0') {
        return Ok(tuple.into_any().unbind());
    }
    let make = NAMED
        .get_or_try_init(py, || -> PyResult<_> { Ok(py.import("flambeau.return_types")?.getattr("make")?.unbind()) })?;
    Ok(make.bind(py).call1((op.name, PyTuple::new(py, op.outputs)?, tuple))?.unbind())
}

/// Every operator's name, places, signature and docs, for the stub and the reference page.
#[pyfunction]
pub fn _operators(py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
    let mut out = Vec::new();
    for op in OPERATORS {
        let d = PyDict::new(py);
        d.set_item("name", op.name)?;
        d.set_item("overload", op.overload)?;
        d.set_item("doc", op.doc)?;
        d.set_item("file", op.file)?;
        d.set_item("places", op.places.iter().map(|p| format!("{p:?}").to_lowercase()).collect::<Vec<_>>())?;
        d.set_item(
            "aliases",
            op.aliases.iter().map(|(p, a)| (format!("{p:?}").to_lowercase(), *a)).collect::<Vec<_>>(),
        )?;
        d.set_item("inplace", op.inplace)?;
        d.set_item("out", op.out)?;
        d.set_item("factory", op.factory)?;
        d.set_item("list", op.list)?;
        d.set_item("outputs", op.outputs.to_vec())?;
        d.set_item("differentiable", !op.nondifferentiable)?;
        let params = op
            .params
            .iter()
            .map(|p| (p.name, format!("{:?}", p.kind), p.optional, p.keyword_only, p.default.map(|(_, t)| t)))
            .collect::<Vec<_>>();
        d.set_item("params", params)?;
        out.push(d.into_any().unbind());
    }
    Ok(out)
}

/// Whether operators are recorded now.
#[pyfunction]
pub fn is_grad_enabled() -> bool {
    autograd::grad_enabled()
}

/// Sets whether operators are recorded.
#[pyfunction]
pub fn _set_grad_enabled(on: bool) {
    autograd::set_grad_enabled(on);
}
