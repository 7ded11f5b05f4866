//! The type stub of `flambeau._C`.

use std::collections::BTreeMap;
use std::fmt::Write;

use flambeau_tensor::ops::{Body, Kind, OPERATORS, OpDef, Param, Place};

fn python_type(p: &Param) -> String {
    let base = match p.kind {
        Kind::Tensor => "Tensor",
        Kind::Operand => "Tensor | complex",
        Kind::Tensors => "Sequence[Tensor]",
        Kind::OptTensors => "Sequence[Tensor | None]",
        Kind::Scalar => "complex | Tensor",
        Kind::Int => "int",
        Kind::Float => "float",
        Kind::Bool => "_bool",
        Kind::Dims => "int | Sequence[int]",
        Kind::Floats => "Sequence[float]",
        Kind::DType => "dtype",
        Kind::Device => "device | str",
        Kind::Str => "str",
        Kind::Format => "memory_format",
        Kind::Generator => "Generator",
    };
    if p.optional { format!("{base} | None") } else { base.to_string() }
}

fn default(p: &Param) -> String {
    match p.default {
        Some((_, "true")) => " = True".into(),
        Some((_, "false")) => " = False".into(),
        Some((_, "None")) => " = None".into(),
        Some((_, text)) if text.parse::<f64>().is_ok() || text.starts_with('"') => format!(" = {text}"),
        Some(_) => " = ...".into(),
        None if p.optional => " = None".into(),
        None => String::new(),
    }
}

/// The parameters and the result of an operator, as Python writes them.
pub fn signature(op: &OpDef, method: bool) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut starred = false;
    let mut defaulted = false;
    let positional = op.params.iter().filter(|p| !p.keyword_only).count();
    for (i, p) in op.params.iter().enumerate() {
        if method && i == 0 {
            parts.push("self".into());
            continue;
        }
        let sizes = p.kind == Kind::Dims
            && i == usize::from(method)
            && positional == i + 1
            && !p.optional
            && p.default.is_none();
        if sizes {
            parts.push(format!("*{}: int | Sequence[int]", p.name));
            starred = true;
            continue;
        }
        if p.variadic {
            parts.push(format!("*{}: Tensor | Sequence[Tensor]", p.name));
            starred = true;
            continue;
        }
        let text = default(p);
        if (p.keyword_only || (defaulted && text.is_empty())) && !starred {
            parts.push("*".into());
            starred = true;
        }
        defaulted |= !text.is_empty();
        // `from` is a keyword of Python: such a parameter can only be given by position there.
        let name = if p.name == "from" { "from_" } else { p.name };
        parts.push(format!("{name}: {}{text}", python_type(p)));
    }
    let mut more: Vec<&str> = Vec::new();
    if op.out {
        more.push("out: Any = None");
    }
    if op.factory {
        more.extend([
            "dtype: dtype | None = None",
            "layout: Any = None",
            "device: device | str | None = None",
            "pin_memory: _bool = False",
            "requires_grad: _bool = False",
        ]);
    }
    if !more.is_empty() && !starred {
        parts.push("*".into());
    }
    parts.extend(more.iter().map(|m| m.to_string()));
    format!("({}) -> {}", parts.join(", "), result(op))
}

fn result(op: &OpDef) -> String {
    match op.outputs {
        [_] if op.list => "tuple[Tensor, ...]".into(),
        ["bool"] => "_bool".into(),
        [_] => "Tensor".into(),
        // A named tuple, whose class is made when it is first returned.
        _ => "Any".into(),
    }
}

/// The overloads of each name at a place.
fn at(place: Place) -> BTreeMap<String, Vec<(&'static OpDef, bool)>> {
    let mut names: BTreeMap<String, Vec<(&OpDef, bool)>> = BTreeMap::new();
    for &op in OPERATORS {
        let writes = matches!(op.body, Body::Mutate { .. });
        if op.places.contains(&place) {
            if !writes {
                names.entry(op.name.into()).or_default().push((op, false));
            }
            if let Some(inplace) =
                op.inplace.filter(|_| matches!(place, Place::Method | Place::Function | Place::Functional))
            {
                names.entry(inplace.into()).or_default().push((op, true));
            }
        }
        for (p, alias) in op.aliases.iter().filter(|(p, _)| *p == place) {
            names.entry((*alias).into()).or_default().push((op, false));
            if op.inplace.is_some() && *p == Place::Method {
                names.entry(format!("{alias}_")).or_default().push((op, true));
            }
        }
    }
    names
}

fn functions(out: &mut String, place: Place, indent: &str, method: bool) {
    for (name, overloads) in at(place) {
        for (op, _) in &overloads {
            if overloads.len() > 1 {
                let _ = writeln!(out, "{indent}@overload");
            }
            let on_tensor = method && op.params.first().is_some_and(|p| p.kind == Kind::Tensor);
            if method && !on_tensor {
                let _ = writeln!(out, "{indent}@staticmethod");
            }
            let _ = writeln!(out, "{indent}def {name}{}: ...", signature(op, on_tensor));
        }
    }
}

/// The text of the stub.
pub fn write() -> String {
    let mut out = String::from(HEAD);
    functions(&mut out, Place::Method, "    ", true);
    out.push_str("    def __getattr__(self, name: str) -> Any: ...\n\n");
    functions(&mut out, Place::Function, "", false);
    for (place, name) in [
        (Place::Functional, "functional"),
        (Place::Linalg, "linalg"),
        (Place::Special, "special"),
        (Place::Fft, "fft"),
        (Place::Private, "private"),
    ] {
        let _ = writeln!(out, "\nclass {name}:");
        let mut body = String::new();
        functions(&mut body, place, "    ", false);
        for line in body.lines() {
            if line.trim_start().starts_with("def ") {
                out.push_str("    @staticmethod\n");
            }
            out.push_str(line);
            out.push('\n');
        }
    }
    out.push_str("\ndef __getattr__(name: str) -> Any: ...\n");
    out
}

const HEAD: &str = "# Generated from the operator table by `cargo run -p xtask -- gen`; do not edit.
# ruff: noqa
# mypy: ignore-errors
from collections.abc import Sequence
from typing import Any, overload

_bool = bool

class dtype:
    is_floating_point: _bool
    is_complex: _bool
    is_signed: _bool
    itemsize: int
    def to_real(self) -> dtype: ...
    def to_complex(self) -> dtype: ...

class device:
    type: str
    index: int | None
    def __init__(self, type: Any, index: int | None = None) -> None: ...

class layout: ...
class memory_format: ...

class Generator:
    def __init__(self, device: Any = None) -> None: ...
    def manual_seed(self, n: int) -> Generator: ...
    def initial_seed(self) -> int: ...
    def seed(self) -> int: ...
    def get_state(self) -> Tensor: ...
    def set_state(self, new_state: Tensor) -> Generator: ...

class Tensor:
    _make_subclass: Any
    __array_priority__: Any
    _is_param: Any
    _is_buffer: Any
    persistent: Any
    def __eq__(self, other: Any) -> Tensor: ...
    def __ne__(self, other: Any) -> Tensor: ...
    shape: Any
    dtype: Any
    device: Any
    grad: Any
    requires_grad: _bool
    data: Any
    is_leaf: _bool
    grad_fn: Any
    T: Tensor
    mT: Tensor
    H: Tensor
    mH: Tensor
    real: Tensor
    imag: Tensor
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    def __add__(self, other: Any) -> Tensor: ...
    def __radd__(self, other: Any) -> Tensor: ...
    def __sub__(self, other: Any) -> Tensor: ...
    def __rsub__(self, other: Any) -> Tensor: ...
    def __mul__(self, other: Any) -> Tensor: ...
    def __rmul__(self, other: Any) -> Tensor: ...
    def __truediv__(self, other: Any) -> Tensor: ...
    def __rtruediv__(self, other: Any) -> Tensor: ...
    def __floordiv__(self, other: Any) -> Tensor: ...
    def __mod__(self, other: Any) -> Tensor: ...
    def __pow__(self, other: Any) -> Tensor: ...
    def __rpow__(self, other: Any) -> Tensor: ...
    def __matmul__(self, other: Any) -> Tensor: ...
    def __and__(self, other: Any) -> Tensor: ...
    def __or__(self, other: Any) -> Tensor: ...
    def __xor__(self, other: Any) -> Tensor: ...
    def __invert__(self) -> Tensor: ...
    def __neg__(self) -> Tensor: ...
    def __lt__(self, other: Any) -> Tensor: ...
    def __le__(self, other: Any) -> Tensor: ...
    def __gt__(self, other: Any) -> Tensor: ...
    def __ge__(self, other: Any) -> Tensor: ...
    def __getitem__(self, index: Any) -> Tensor: ...
    def __setitem__(self, index: Any, value: Any) -> None: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Any: ...
    def __bool__(self) -> _bool: ...
    def __float__(self) -> float: ...
    def __int__(self) -> int: ...
    def __index__(self) -> int: ...
    def size(self, dim: int | None = None) -> Any: ...
    def stride(self, dim: int | None = None) -> Any: ...
    def dim(self) -> int: ...
    def numel(self) -> int: ...
    def item(self) -> Any: ...
    def tolist(self) -> Any: ...
    def backward(self, gradient: Any = None, retain_graph: Any = None, create_graph: _bool = False, inputs: Any = None) -> None: ...
    def detach(self) -> Tensor: ...
    def requires_grad_(self, requires_grad: _bool = True) -> Tensor: ...
";
