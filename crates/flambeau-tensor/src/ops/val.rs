//! The values that gradient formulas compute with.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::arg::{Arg, Operand};
use super::binary::arithmetic::{ADD, DIV, MUL, SUB};
use super::def::OpDef;
use super::lent::{Lent, Slot, Term};
use crate::dispatch::call_one;
use crate::{Error, Result, Scalar, Tensor};

/// A tensor, a number or an error. Operators and methods pass errors on, so that derivatives read as formulas.
#[derive(Clone)]
pub enum Val {
    /// A tensor.
    Tensor(Tensor),
    /// A number.
    Number(Scalar),
    /// What went wrong on the way.
    Error(Error),
}

impl Val {
    /// The tensor; a number becomes a 0-d tensor.
    pub fn tensor(&self) -> Result<Tensor> {
        match self {
            Val::Tensor(t) => Ok(t.clone()),
            Val::Number(s) => Ok(Tensor::scalar(*s, s.dtype(crate::default_dtype()))),
            Val::Error(e) => Err(e.clone()),
        }
    }

    /// As an argument of an operator.
    #[inline]
    pub fn slot(&self) -> Result<Slot<'_>> {
        match self {
            Val::Tensor(t) => Ok(t.into()),
            Val::Number(s) => Ok(Slot::own(Arg::Number(*s))),
            Val::Error(e) => Err(e.clone()),
        }
    }

    /// A list as an argument.
    pub fn list_to_arg(list: &[Val]) -> Result<Arg> {
        Ok(Arg::Tensors(list.iter().map(Val::tensor).collect::<Result<_>>()?))
    }

    /// Runs code whose error becomes the value.
    pub fn run(f: impl FnOnce() -> Result<Tensor>) -> Val {
        match f() {
            Ok(t) => Val::Tensor(t),
            Err(e) => Val::Error(e),
        }
    }

    fn binary(&self, other: &Val, op: &'static OpDef) -> Val {
        let run = |x: &Tensor| match op.params {
            [_, _] => call_one(op, &Lent::new([x.into(), other.slot()?])),
            _ => call_one(op, &Lent::new([x.into(), other.slot()?, Slot::own(op.params[2].default_arg())])),
        };
        Val::run(|| match (self, other) {
            (Val::Tensor(x), _) => run(x),
            (Val::Error(e), _) => Err(e.clone()),
            // A number on the left of a tensor keeps the tensor's dtype: it joins as a 0-d tensor that promotes weakly.
            (Val::Number(s), Val::Tensor(t)) => {
                let dtype = super::rule::result_type(&Lent::new([t.into(), self.slot()?]));
                run(&Tensor::scalar(*s, dtype).to_device(t.device())?)
            }
            (Val::Number(_), _) => run(&self.tensor()?),
        })
    }
}

impl<T: Into<Operand>> From<T> for Val {
    fn from(v: T) -> Val {
        match v.into() {
            Operand::Tensor(t) => Val::Tensor(t),
            Operand::Number(s) => Val::Number(s),
        }
    }
}

impl From<&Val> for Val {
    fn from(v: &Val) -> Val {
        v.clone()
    }
}

impl From<Result<Tensor>> for Val {
    fn from(r: Result<Tensor>) -> Val {
        Val::run(|| r)
    }
}

macro_rules! operator {
    ($($trait:ident $method:ident $op:ident;)*) => {$(
        operator!(@ $trait $method $op [Val, Val] [Val, &Val] [&Val, Val] [&Val, &Val]
            [Val, f64] [&Val, f64] [f64, Val] [f64, &Val] [Val, i64] [&Val, i64] [i64, Val] [i64, &Val]
            [Val, Scalar] [&Val, Scalar] [Scalar, Val] [Scalar, &Val]);
    )*};
    (@ $trait:ident $method:ident $op:ident $([$a:ty, $b:ty])*) => {$(
        impl $trait<$b> for $a {
            type Output = Val;
            fn $method(self, other: $b) -> Val {
                self.val().binary(&other.val(), &$op)
            }
        }
    )*};
}
operator! {
    Add add ADD;
    Sub sub SUB;
    Mul mul MUL;
    Div div DIV;
}

impl Neg for Val {
    type Output = Val;
    fn neg(self) -> Val {
        -&self
    }
}

impl Neg for &Val {
    type Output = Val;
    fn neg(self) -> Val {
        match self {
            Val::Number(Scalar::Int(i)) => Val::Number(Scalar::Int(-i)),
            Val::Number(Scalar::Complex(z)) => Val::Number(Scalar::Complex(-z)),
            Val::Number(s) => Val::Number(Scalar::Float(-s.to_f64())),
            Val::Tensor(t) => Val::from(t.neg()),
            Val::Error(e) => Val::Error(e.clone()),
        }
    }
}

/// What a line of a derivative gives.
pub enum Gradient {
    /// Nothing flows.
    None,
    /// The gradient of a tensor.
    One(Tensor),
    /// The gradients of a list of tensors.
    Many(Vec<Option<Tensor>>),
}

/// What a line of a derivative may be written as.
pub trait IntoGradient {
    /// The gradient.
    fn into_gradient(self) -> Result<Gradient>;
}

impl IntoGradient for Val {
    fn into_gradient(self) -> Result<Gradient> {
        Ok(Gradient::One(self.tensor()?))
    }
}

impl IntoGradient for &Val {
    fn into_gradient(self) -> Result<Gradient> {
        Ok(Gradient::One(self.tensor()?))
    }
}

impl IntoGradient for Tensor {
    fn into_gradient(self) -> Result<Gradient> {
        Ok(Gradient::One(self))
    }
}

impl<T: IntoGradient> IntoGradient for Option<T> {
    fn into_gradient(self) -> Result<Gradient> {
        self.map_or(Ok(Gradient::None), IntoGradient::into_gradient)
    }
}

impl<T: IntoGradient> IntoGradient for Vec<T> {
    fn into_gradient(self) -> Result<Gradient> {
        let list = self.into_iter().map(|v| {
            Ok(match v.into_gradient()? {
                Gradient::One(t) => Some(t),
                _ => None,
            })
        });
        Ok(Gradient::Many(list.collect::<Result<_>>()?))
    }
}

impl<T: IntoGradient> IntoGradient for Result<T> {
    fn into_gradient(self) -> Result<Gradient> {
        self?.into_gradient()
    }
}
