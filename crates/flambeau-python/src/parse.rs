//! From Python arguments to an operator's: one parser for every schema of the table.

use flambeau_tensor::ops::{Arg, Kind, LentArgs, OpDef, Operand, OperandRef, Options, Param, Slot};
use flambeau_tensor::{Complex64, Device, Dims, MemoryFormat, Scalar, Tensor};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyComplex, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::dtype::{PyLayout, PyMemoryFormat, default_device, read_device, read_dtype};
use crate::errors::to_py;
use crate::generator::PyGenerator;
use crate::tensor::{Lending, PyTensor, unwrap};

/// A Python number, NumPy's scalars included.
pub fn read_number(x: &Bound<'_, PyAny>) -> PyResult<Option<Scalar>> {
    if x.is_exact_instance_of::<PyFloat>() {
        return Ok(Some(Scalar::Float(x.extract()?)));
    }
    if let Ok(b) = x.cast::<PyBool>() {
        return Ok(Some(Scalar::Bool(b.is_true())));
    }
    if x.cast::<PyInt>().is_ok() {
        return match x.extract::<i64>() {
            Ok(i) => Ok(Some(Scalar::Int(i))),
            // uint64 beyond int64 wraps in PyTorch only for masks; here it is refused as PyTorch refuses most.
            Err(_) => Err(pyo3::exceptions::PyValueError::new_err("Overflow when unpacking long long")),
        };
    }
    if let Ok(f) = x.cast::<PyFloat>() {
        return Ok(Some(Scalar::Float(f.value())));
    }
    if let Ok(z) = x.cast::<PyComplex>() {
        return Ok(Some(Scalar::Complex(Complex64::new(z.real(), z.imag()))));
    }
    if x.cast::<PyTensor>().is_ok() || !is_numpy_scalar(x)? {
        return Ok(None);
    }
    let item = x.call_method0("item")?;
    if item.get_type().is(x.get_type()) { Ok(None) } else { read_number(&item) }
}

fn is_numpy_scalar(x: &Bound<'_, PyAny>) -> PyResult<bool> {
    let t = x.get_type();
    Ok(t.module().is_ok_and(|m| m == "numpy") && x.hasattr("dtype")? && !x.hasattr("__len__")?)
}

/// A tensor or a number.
pub fn read_operand(x: &Bound<'_, PyAny>) -> PyResult<Option<Operand>> {
    Ok(lent_operand(&Lending::begin(x.py()), x)?.map(Operand::from))
}

/// A tensor, lent, or a number.
#[inline]
pub fn lent_operand<'a>(lending: &'a Lending<'_>, x: &'a Bound<'_, PyAny>) -> PyResult<Option<OperandRef<'a>>> {
    if let Ok(t) = x.cast::<PyTensor>() {
        return Ok(Some(OperandRef::Tensor(lending.tensor(t))));
    }
    let number = read_number(x)?;
    Ok(match number {
        // NumPy's booleans count as real numbers next to a tensor.
        Some(Scalar::Bool(b)) if x.cast::<PyBool>().is_err() => Some(Scalar::Float(b.into())),
        other => other,
    }
    .map(OperandRef::Number))
}

/// A memory format object.
pub fn read_format(x: &Bound<'_, PyAny>) -> Option<MemoryFormat> {
    x.cast::<PyMemoryFormat>().ok().map(|f| f.get().0)
}

/// An integer: of Python, of NumPy, or a tensor of one.
pub fn read_int(x: &Bound<'_, PyAny>) -> Option<i64> {
    if x.is_exact_instance_of::<PyInt>() {
        return x.extract().ok();
    }
    if x.cast::<PyFloat>().is_ok() || x.cast::<PyBool>().is_ok() || x.cast::<PyString>().is_ok() {
        return None;
    }
    if let Some(t) = unwrap(x) {
        return if t.dtype().is_integral() && t.numel() == 1 { t.item().ok().map(Scalar::to_i64) } else { None };
    }
    x.extract().ok()
}

/// Integers in a list or tuple.
pub fn read_ints(x: &Bound<'_, PyAny>) -> Option<Dims> {
    if let Ok(t) = x.cast::<PyTuple>() {
        return t.iter().map(|v| read_int(&v)).collect();
    }
    if let Ok(l) = x.cast::<PyList>() {
        return l.iter().map(|v| read_int(&v)).collect();
    }
    None
}

/// Real numbers in a list or tuple.
fn read_floats(x: &Bound<'_, PyAny>) -> PyResult<Option<Vec<f64>>> {
    if x.cast::<PyTuple>().is_err() && x.cast::<PyList>().is_err() {
        return Ok(None);
    }
    x.try_iter()?.map(|v| Ok(read_number(&v?)?.map(Scalar::to_f64))).collect()
}

/// Sizes given one by one or as one list: `f(2, 3)`, `f((2, 3))`.
pub fn read_sizes(args: &Bound<'_, PyTuple>) -> PyResult<Dims> {
    let only = if args.len() == 1 { read_ints(&args.get_item(0)?) } else { None };
    only.or_else(|| read_ints(args)).ok_or_else(|| PyTypeError::new_err("sizes must be integers"))
}

fn read_tensors(x: &Bound<'_, PyAny>) -> Option<Vec<Tensor>> {
    if let Ok(t) = x.cast::<PyTuple>() {
        return t.iter().map(|v| unwrap(&v)).collect();
    }
    x.cast::<PyList>().ok()?.iter().map(|v| unwrap(&v)).collect()
}

/// One value for one parameter, a tensor lent, or `None` where it does not fit.
#[inline]
fn convert<'a>(lending: &'a Lending<'_>, p: &Param, x: &'a Bound<'_, PyAny>) -> PyResult<Option<Slot<'a>>> {
    Ok(match p.kind {
        Kind::Tensor if let Ok(t) = x.cast::<PyTensor>() => Some(lending.tensor(t).into()),
        Kind::Operand if !x.is_none() => lent_operand(lending, x)?.map(Slot::from),
        _ => convert_owned(p, x)?.map(Slot::own),
    })
}

/// The same for what holds no tensor by itself.
fn convert_owned(p: &Param, x: &Bound<'_, PyAny>) -> PyResult<Option<Arg>> {
    if x.is_none() {
        let default_none = p.default.is_some_and(|(_, text)| text == "None");
        return Ok((p.optional || default_none).then_some(Arg::None));
    }
    Ok(match p.kind {
        Kind::Tensor | Kind::Operand => None,
        Kind::Tensors => read_tensors(x).map(Arg::Tensors),
        Kind::OptTensors => {
            let items: Option<Vec<Bound<'_, PyAny>>> = if let Ok(t) = x.cast::<PyTuple>() {
                Some(t.iter().collect())
            } else {
                x.cast::<PyList>().ok().map(|l| l.iter().collect())
            };
            items
                .and_then(|items| {
                    items.iter().map(|v| if v.is_none() { Some(None) } else { unwrap(v).map(Some) }).collect()
                })
                .map(Arg::OptTensors)
        }
        Kind::Scalar => match unwrap(x) {
            // A number must be known; an overload that takes a tensor may not need it.
            Some(t) if t.dim() == 0 && !t.requires_grad() && t.device() != Device::Meta => {
                Some(Arg::Number(t.item().map_err(to_py)?))
            }
            Some(_) => None,
            None => read_number(x)?.map(Arg::Number),
        },
        Kind::Int => read_int(x).map(Arg::from),
        Kind::Float => match unwrap(x) {
            Some(t) if t.dim() == 0 && !t.requires_grad() && !t.dtype().is_complex() => {
                Some(Arg::Number(t.item().map_err(to_py)?))
            }
            Some(_) => None,
            None => read_number(x)?.filter(|s| !matches!(s, Scalar::Complex(_) | Scalar::Bool(_))).map(Arg::Number),
        },
        Kind::Bool => match read_number(x)? {
            Some(Scalar::Bool(b)) => Some(Arg::from(b)),
            _ => None,
        },
        Kind::Dims => read_ints(x).or_else(|| read_int(x).map(|i| Dims::from_slice(&[i]))).map(Arg::Ints),
        Kind::Floats => read_floats(x)?.map(Arg::Floats),
        Kind::DType => read_dtype(x).map(Arg::DType),
        Kind::Device => read_device(x)?.map(Arg::Device),
        Kind::Str => x.cast::<PyString>().ok().map(|s| Arg::Str(s.to_string_lossy().into())),
        Kind::Format => read_format(x).map(Arg::Format),
        Kind::Generator => x.cast::<PyGenerator>().ok().map(|g| Arg::Generator(g.get().0.clone())),
    })
}

/// The keywords that NumPy's names stand for.
fn canonical<'a>(op: &OpDef, name: &'a str) -> &'a str {
    let has = |n: &str| op.params.iter().any(|p| p.name == n);
    if has(name) {
        return name;
    }
    match name {
        "self" | "x" | "a" | "A" | "x1" | "input" => {
            if let Some(first) = op.params.first()
                && (name == "self" || name == "input" || first.name == "input")
                && first.kind == Kind::Tensor
            {
                return first.name;
            }
            name
        }
        "axis" if has("dim") => "dim",
        "keepdims" if has("keepdim") => "keepdim",
        "x2" if has("other") => "other",
        "sizes" | "shape" if has("size") => "size",
        _ => name,
    }
}

/// A call as Python made it.
pub struct Call<'a, 'py> {
    /// The name it was made by, for errors.
    pub name: &'a str,
    /// The object a method is called on.
    pub object: Option<&'a Bound<'py, PyAny>>,
    /// By position.
    pub positional: &'a [Bound<'py, PyAny>],
    /// By keyword.
    pub keywords: &'a [(String, Bound<'py, PyAny>)],
}

/// An operator's arguments, ready to run.
pub struct Parsed<'a, 'py> {
    /// In the order of the parameters.
    pub args: LentArgs<'a>,
    /// What `out=` was.
    pub out: Option<Bound<'py, PyAny>>,
}

/// Why a signature does not take a call.
pub enum Mismatch {
    /// An exception of its own, raised whatever other overloads say.
    Error(PyErr),
    /// In words, for an operator with one signature.
    Words(String),
}

impl From<PyErr> for Mismatch {
    fn from(e: PyErr) -> Mismatch {
        Mismatch::Error(e)
    }
}

/// Reads a call by an operator's signature.
pub fn parse<'a, 'py>(
    lending: &'a Lending<'py>,
    op: &OpDef,
    call: &Call<'a, 'py>,
) -> Result<Parsed<'a, 'py>, Mismatch> {
    let params = op.params;
    let mut args = LentArgs::default();
    let given = call.positional.len();
    let skip = usize::from(call.object.is_some());
    let positional_params = params.iter().filter(|p| !p.keyword_only).count();
    let mut used = 0;
    let mut matched = 0;
    for (i, p) in params.iter().enumerate() {
        if i == 0
            && let Some(object) = call.object
        {
            args.push(
                convert(lending, p, object)?.ok_or_else(|| Mismatch::Words(wrong_type(call.name, p, 0, object)))?,
            );
            continue;
        }
        // `view(2, 3)`: a signature whose one positional argument is a list takes its integers one by one.
        if p.kind == Kind::Dims
            && i == skip
            && positional_params == skip + 1
            && given > 0
            && read_int(&call.positional[0]).is_some()
        {
            let sizes: Option<Dims> = call.positional.iter().map(read_int).collect();
            match sizes {
                Some(sizes) => {
                    args.push(Slot::own(Arg::Ints(sizes)));
                    used = given;
                    continue;
                }
                None => return Err(Mismatch::Words(wrong_type(call.name, p, i, &call.positional[0]))),
            }
        }
        // `einsum(equation, x, y)`: tensors given one by one.
        if p.variadic && used < given && unwrap(&call.positional[used]).is_some() {
            let mut list = Vec::with_capacity(given - used);
            for (at, x) in call.positional.iter().enumerate().skip(used) {
                list.push(unwrap(x).ok_or_else(|| Mismatch::Words(not_a_tensor(at - used, i, x)))?);
            }
            args.push(Slot::own(Arg::Tensors(list)));
            used = given;
            continue;
        }
        if !p.keyword_only && used < given {
            let x = &call.positional[used];
            if call.keywords.iter().any(|(k, _)| canonical(op, k) == p.name) {
                return Err(Mismatch::Words(format!("{}() got multiple values for argument '{}'", call.name, p.name)));
            }
            match convert(lending, p, x)? {
                Some(slot) => args.push(slot),
                None if x.is_none() && has_empty_default(p) => args.push(Slot::own(p.default_arg())),
                None => match number_as_tensor(op, p, x, call)? {
                    Some(made) => args.push_made(made),
                    None => return Err(Mismatch::Words(wrong_type(call.name, p, used + 1, x))),
                },
            }
            used += 1;
            continue;
        }
        let named = call.keywords.iter().find(|(k, _)| canonical(op, k) == p.name);
        if let Some((_, x)) = named {
            matched += 1;
            args.push(match convert(lending, p, x)? {
                Some(slot) => slot,
                None if x.is_none() && has_empty_default(p) => Slot::own(p.default_arg()),
                None => return Err(Mismatch::Words(wrong_type(call.name, p, 0, x))),
            });
        } else if let Some((default, _)) = p.default {
            args.push(Slot::own(default()));
        } else if p.variadic {
            args.push(Slot::own(Arg::Tensors(Vec::new())));
        } else if p.optional {
            args.push(Slot::own(Arg::None));
        } else {
            return Err(Mismatch::Words(format!(
                "{}() missing 1 required positional arguments: \"{}\"",
                call.name, p.name
            )));
        }
    }
    if used < given {
        return Err(Mismatch::Words(format!(
            "{}() takes {} positional arguments but {} were given",
            call.name,
            positional_params,
            given + skip
        )));
    }
    let mut options = Options::default();
    let mut out = None;
    if matched < call.keywords.len() {
        for (k, x) in call.keywords {
            let name = canonical(op, k);
            if params.iter().skip(skip).any(|p| p.name == name) {
                continue;
            }
            match name {
                "out" if op.out => out = (!x.is_none()).then(|| x.clone()),
                "dtype" if op.factory => {
                    options.dtype = if x.is_none() {
                        None
                    } else {
                        Some(
                            read_dtype(x)
                                .ok_or_else(|| Mismatch::Words(bad_keyword(call.name, "dtype", "torch.dtype", x)))?,
                        )
                    }
                }
                "device" if op.factory => {
                    options.device = if x.is_none() {
                        None
                    } else {
                        Some(
                            read_device(x)?
                                .ok_or_else(|| Mismatch::Words(bad_keyword(call.name, "device", "torch.device", x)))?,
                        )
                    }
                }
                "requires_grad" if op.factory => {
                    options.requires_grad =
                        x.extract().map_err(|_| Mismatch::Words(bad_keyword(call.name, "requires_grad", "bool", x)))?
                }
                "layout" if op.factory && (x.is_none() || x.cast::<PyLayout>().is_ok_and(|l| l.get().is_strided())) => {
                }
                "pin_memory" if op.factory && (x.is_none() || x.cast::<PyBool>().is_ok()) => {}
                _ => return Err(Mismatch::Words(format!("{}() got an unexpected keyword argument '{k}'", call.name))),
            }
        }
    }
    if op.factory {
        // What is made like a tensor is made where that is.
        if options.device.is_none() && !params.iter().any(|p| p.kind == Kind::Tensor) {
            options.device = default_device();
        }
        args.push(Slot::own(Arg::Options(options)));
    }
    Ok(Parsed { args, out })
}

/// A list that is empty where it is not given may be given as None.
fn has_empty_default(p: &Param) -> bool {
    p.kind == Kind::Dims && matches!(p.default_arg(), Arg::Ints(list) if list.is_empty())
}

/// The functions of basic arithmetic take a number for the tensor too: one of the dtype in which it meets the other operand.
fn number_as_tensor(op: &OpDef, p: &Param, x: &Bound<'_, PyAny>, call: &Call<'_, '_>) -> PyResult<Option<Tensor>> {
    let copied = call.name == "copy_";
    if p.kind != Kind::Tensor
        || (call.object.is_some() && !copied)
        || !(copied
            || matches!(
                op.name,
                "add" | "sub" | "mul" | "div" | "floor_divide" | "subtract" | "multiply" | "divide" | "true_divide"
            ))
    {
        return Ok(None);
    }
    let Some(number) = read_number(x)? else { return Ok(None) };
    let named = call.keywords.iter().filter(|(k, _)| k != "out").map(|(_, v)| v);
    let others = call.positional.iter().chain(named);
    let mut met = vec![Arg::Number(number)];
    met.extend(others.filter_map(unwrap).take(1).map(Arg::Tensor));
    Ok(Some(Tensor::scalar(number, flambeau_tensor::ops::rule::result_type(&met))))
}

fn type_name(x: &Bound<'_, PyAny>) -> String {
    if x.is_none() {
        return "NoneType".into();
    }
    let t = x.get_type();
    let name = t.name().map_or_else(|_| "?".to_string(), |n| n.to_string());
    match t.module() {
        Ok(m) if m == "numpy" => format!("numpy.{name}"),
        _ => name,
    }
}

fn bad_keyword(function: &str, name: &str, wanted: &str, x: &Bound<'_, PyAny>) -> String {
    format!("{function}(): argument '{name}' must be {wanted}, not {}", type_name(x))
}

fn kind_name(p: &Param) -> &'static str {
    match p.kind {
        Kind::Tensor => "Tensor",
        Kind::Operand => "Tensor",
        Kind::Tensors | Kind::OptTensors => "tuple of Tensors",
        Kind::Scalar => "Number",
        Kind::Int => "int",
        Kind::Float => "float",
        Kind::Bool => "bool",
        Kind::Dims => "tuple of ints",
        Kind::Floats => "tuple of floats",
        Kind::DType => "torch.dtype",
        Kind::Device => "torch.device",
        Kind::Str => "str",
        Kind::Format => "torch.memory_format",
        Kind::Generator => "torch.Generator",
    }
}

fn wrong_type(name: &str, p: &Param, position: usize, x: &Bound<'_, PyAny>) -> String {
    let at = if position > 0 { format!(" (position {position})") } else { String::new() };
    if matches!(p.kind, Kind::Tensors)
        && let Some((i, bad)) = first_non_tensor(x)
    {
        return format!("expected Tensor as element {i} in argument 0, but got {}", type_name(&bad));
    }
    if p.kind == Kind::Dims
        && let Ok(mut items) = x.try_iter()
        && let Some((i, Ok(bad))) =
            items.by_ref().enumerate().find(|(_, v)| v.as_ref().is_ok_and(|v| read_int(v).is_none()))
    {
        return format!(
            "{}(): argument '{}'{at} must be tuple of ints, but found element of type {} at pos {i}",
            name,
            p.name,
            type_name(&bad)
        );
    }
    format!("{}(): argument '{}'{at} must be {}, not {}", name, p.name, kind_name(p), type_name(x))
}

fn not_a_tensor(place: usize, argument: usize, x: &Bound<'_, PyAny>) -> String {
    format!("expected Tensor as element {place} in argument {argument}, but got {}", type_name(x))
}

fn first_non_tensor<'py>(x: &Bound<'py, PyAny>) -> Option<(usize, Bound<'py, PyAny>)> {
    if x.cast::<PyTuple>().is_err() && x.cast::<PyList>().is_err() {
        return None;
    }
    x.try_iter().ok()?.enumerate().find_map(|(i, v)| v.ok().filter(|v| unwrap(v).is_none()).map(|v| (i, v)))
}

/// A signature as PyTorch writes it in "expected one of".
pub fn signature(op: &OpDef, method: bool) -> String {
    let mut parts = Vec::new();
    let mut starred = false;
    for p in op.params.iter().skip(usize::from(method)) {
        if p.keyword_only && !starred {
            parts.push("*".to_string());
            starred = true;
        }
        let default = p.default.map_or(String::new(), |(_, text)| {
            format!(
                " = {}",
                match text {
                    "true" => "True",
                    "false" => "False",
                    other => other,
                }
            )
        });
        parts.push(format!("{} {}{default}", kind_name(p), p.name));
    }
    for (there, text) in [
        (op.out, "Tensor out = None"),
        (
            op.factory,
            "torch.dtype dtype = None, torch.layout layout = None, torch.device device = None, bool pin_memory = False, bool requires_grad = False",
        ),
    ] {
        if there {
            if !starred {
                parts.push("*".to_string());
                starred = true;
            }
            parts.push(text.to_string());
        }
    }
    format!("({})", parts.join(", "))
}

/// The TypeError of a call that no signature takes.
pub fn no_match(ops: &[&'static OpDef], call: &Call<'_, '_>, words: Vec<String>) -> PyErr {
    if let [only] = words.as_slice() {
        return PyTypeError::new_err(only.clone());
    }
    let mut given: Vec<String> = call.positional.iter().map(type_name).collect();
    given.extend(call.keywords.iter().map(|(k, x)| format!("{k}={}", type_name(x))));
    let list: String = ops.iter().map(|op| format!(" * {}\n", signature(op, call.object.is_some()))).collect();
    PyTypeError::new_err(format!(
        "{}() received an invalid combination of arguments - got ({}), but expected one of:\n{list}",
        call.name,
        given.join(", ")
    ))
}
