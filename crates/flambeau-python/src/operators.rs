//! Python's operators: `+`, `<`, `@`, `+=` and their reflected forms.

use flambeau_tensor::ops::binary::arithmetic::RDIV;
use flambeau_tensor::ops::compare::order::{EQ, GE, GT, LE, LT, NE};
use flambeau_tensor::ops::{Arg, Args, Lent, OpDef, Operand, OperandRef, Param, Slot};
use flambeau_tensor::{Result, Tensor};
use pyo3::Borrowed;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pyclass::CompareOp;

use crate::bind::{call_inplace, call_op, detach};
use crate::errors::to_py;
use crate::parse::{lent_operand, read_operand};
use crate::tensor::{Lending, PyTensor, tensor_of, unwrap, wrap};

type Object = Py<PyAny>;

/// More elements than this in two matrices, and other threads may run Python while they are multiplied.
const LONG_PRODUCT: i64 = 20_000;

/// A result of the engine as an object.
pub fn ok(py: Python<'_>, r: Result<Tensor>) -> PyResult<Object> {
    Ok(wrap(py, r.map_err(to_py)?)?.into_any())
}

/// Runs an operator on two operands, its other parameters at their defaults.
#[inline]
fn call_binary(py: Python<'_>, op: &'static OpDef, x: &Tensor, other: OperandRef<'_>) -> PyResult<Object> {
    match op.params {
        [_, _] => call_op(py, op, &Lent::new([x.into(), other.into()])),
        [_, _, third] => call_op(py, op, &Lent::new([x.into(), other.into(), Slot::own(third.default_arg())])),
        _ => unreachable!("the operators behind Python's have two operands and at most one option"),
    }
}

/// A binary operator: NotImplemented for what is no operand, so that Python asks the other side.
#[inline]
pub fn binary(op: &'static OpDef, x: &Bound<'_, PyTensor>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
    let py = x.py();
    let lending = Lending::begin(py);
    match lent_operand(&lending, other)? {
        Some(o) => call_binary(py, op, lending.tensor(x), o),
        None => Ok(py.NotImplemented()),
    }
}

/// A binary operator with the tensor on the right, and what is no tensor made one.
pub fn reflected(op: &'static OpDef, x: &Bound<'_, PyTensor>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
    let py = x.py();
    let x = tensor_of(x);
    let left = match read_operand(other)? {
        Some(Operand::Tensor(t)) => t,
        Some(Operand::Number(s)) => flambeau_tensor::ops::binary::arithmetic::weak(s, &x).map_err(to_py)?,
        None => return Ok(py.NotImplemented()),
    };
    call_binary(py, op, &left, OperandRef::Tensor(&x))
}

/// `other ** x`.
pub fn reflected_pow(x: &Bound<'_, PyTensor>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
    let py = x.py();
    match read_operand(other)? {
        Some(Operand::Number(s)) => ok(py, flambeau_tensor::ops::pow_scalar(s, &tensor_of(x))),
        Some(Operand::Tensor(t)) => ok(py, t.pow(tensor_of(x))),
        None => Ok(py.NotImplemented()),
    }
}

/// What stands right of `+=`: anything else is left to Python, which asks the other side.
pub struct Right(Operand);

impl<'a, 'py> FromPyObject<'a, 'py> for Right {
    type Error = PyErr;
    fn extract(x: Borrowed<'a, 'py, PyAny>) -> PyResult<Right> {
        read_operand(&x)?.map(Right).ok_or_else(|| PyTypeError::new_err("neither a tensor nor a number"))
    }
}

/// An operator that writes into the tensor.
#[inline]
pub fn inplace(op: &'static OpDef, x: &Bound<'_, PyTensor>, other: Right) -> PyResult<()> {
    let mut args: Args = [Arg::Tensor(tensor_of(x)), other.0.into()].into_iter().collect();
    args.extend(op.params[2..].iter().map(Param::default_arg));
    call_inplace(x.py(), op, &args)
}

/// `other / x`; what is no number is multiplied with the reciprocal, which is how an array divides.
pub fn reflected_div(x: &Bound<'_, PyTensor>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
    let py = x.py();
    match read_operand(other)? {
        Some(o) => call_binary(py, &RDIV, &tensor_of(x), (&o).into()),
        None => Ok(ok(py, tensor_of(x).reciprocal())?.bind(py).mul(other)?.unbind()),
    }
}

/// `<`, `<=`, `==`, `!=`, `>`, `>=`.
#[inline]
pub fn compare(op: CompareOp, x: &Bound<'_, PyTensor>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
    let op = match op {
        CompareOp::Lt => &LT,
        CompareOp::Le => &LE,
        CompareOp::Eq => return equal(x, other),
        CompareOp::Ne => &NE,
        CompareOp::Gt => &GT,
        CompareOp::Ge => &GE,
    };
    binary(op, x, other)
}

/// `==`, which takes an array too.
fn equal(x: &Bound<'_, PyTensor>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
    let py = x.py();
    if let Some(o) = read_operand(other)? {
        return call_binary(py, &EQ, &tensor_of(x), (&o).into());
    }
    match crate::numpy::of_array(other)? {
        Some(array) => call_binary(py, &EQ, &tensor_of(x), OperandRef::Tensor(&array)),
        None => Ok(py.NotImplemented()),
    }
}

/// `x @ other`.
pub fn matmul(x: &Bound<'_, PyTensor>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
    let py = x.py();
    let Some(o) = unwrap(other) else { return Ok(py.NotImplemented()) };
    let x = tensor_of(x);
    ok(py, if x.numel() + o.numel() > LONG_PRODUCT { detach(py, || x.matmul(&o)) } else { x.matmul(&o) })
}

/// `other @ x`.
pub fn reflected_matmul(x: &Bound<'_, PyTensor>, other: &Bound<'_, PyAny>) -> PyResult<Object> {
    match unwrap(other) {
        Some(o) => ok(x.py(), o.matmul(&tensor_of(x))),
        None => Ok(x.py().NotImplemented()),
    }
}
