//! Signatures of PyTorch's first years, where a factor stands before the tensor that it multiplies.
//!
//! `x.add_(2, y)`, `x.addcdiv_(2, a, b)`, `torch.addmm(0.5, x, 2, a, b)`: PyTorch still takes them, with a warning.

use std::ffi::CString;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pyo3::exceptions::PyUserWarning;
use pyo3::prelude::*;

use crate::parse::{Call, read_number};

/// How an operator's arguments stood.
enum Order {
    /// `x, alpha, other`
    Alpha,
    /// `x, value, tensor1, tensor2`
    Value,
    /// `beta, x, alpha, a, b` or `beta, x, a, b`
    Beta,
}

fn order(name: &str) -> Option<Order> {
    match name.strip_suffix('_').unwrap_or(name) {
        "add" | "sub" => Some(Order::Alpha),
        "addcmul" | "addcdiv" => Some(Order::Value),
        "addmm" | "addmv" | "addr" | "addbmm" | "baddbmm" => Some(Order::Beta),
        _ => None,
    }
}

/// Positional arguments, and numbers under the names they have today.
type Rearranged<'py> = (Vec<Bound<'py, PyAny>>, Vec<(&'static str, Bound<'py, PyAny>)>);

/// The arguments of a call in today's order, if it is one of those.
pub fn rearranged<'py>(call: &Call<'_, 'py>) -> PyResult<Option<Rearranged<'py>>> {
    let Some(order) = order(call.name) else { return Ok(None) };
    let given = call.positional;
    let mut numbers = Vec::with_capacity(given.len());
    for x in given {
        numbers.push(read_number(x)?.is_some());
    }
    // Where the tensor that is added to stands among them: a method has it already.
    let own = usize::from(call.object.is_none());
    let (kept, named): (Vec<usize>, Vec<(&'static str, usize)>) = match (order, numbers.as_slice()) {
        (Order::Alpha, [.., true, false]) if given.len() == own + 2 => ([0, own + 1].into(), vec![("alpha", own)]),
        (Order::Value, [.., true, false, false]) if given.len() == own + 3 => {
            ([0, own + 1, own + 2].into(), vec![("value", own)])
        }
        (Order::Beta, [true, .., false, false]) if given.len() == own + 3 => {
            ([own, own + 1, own + 2].into(), vec![("beta", 0)])
        }
        (Order::Beta, [true, .., true, false, false]) if given.len() == own + 4 => {
            ([own, own + 2, own + 3].into(), vec![("beta", 0), ("alpha", own + 1)])
        }
        _ => return Ok(None),
    };
    // A method's own tensor is not among the arguments: of the indices kept, the first is a function's.
    let kept = if own == 1 { &kept[..] } else { &kept[1..] };
    let at = |i: usize| given[i].clone();
    Ok(Some((kept.iter().map(|&i| at(i)).collect(), named.into_iter().map(|(k, i)| (k, at(i))).collect())))
}

static WARNED: AtomicBool = AtomicBool::new(false);

/// Says once in a program that the form is old.
pub fn warn(py: Python<'_>, name: &str, method: bool) -> PyResult<()> {
    if WARNED.swap(true, Relaxed) {
        return Ok(());
    }
    let (old, new) = match order(name) {
        Some(Order::Alpha) => ("Number alpha, Tensor other", "Tensor other, *, Number alpha = 1"),
        Some(Order::Value) => {
            ("Number value, Tensor tensor1, Tensor tensor2", "Tensor tensor1, Tensor tensor2, *, Number value = 1")
        }
        _ => ("Number beta, Number alpha, Tensor, Tensor", "Tensor, Tensor, *, Number beta = 1, Number alpha = 1"),
    };
    let own = if method { "" } else { "Tensor input, " };
    let text = format!(
        "This overload of {name} is deprecated:\n\t{name}({own}{old})\n\
         Consider using one of the following signatures instead:\n\t{name}({own}{new})"
    );
    PyErr::warn(py, &py.get_type::<PyUserWarning>(), &CString::new(text)?, 1)
}
