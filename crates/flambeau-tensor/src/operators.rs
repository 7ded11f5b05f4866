//! `+ - * /` on tensors and numbers, and negation. They panic where the method returns an error.
//!
//! Numbers are f64 and i64 alone: with one float and one integer type the compiler knows what `x * 2.0` is, and `x * 2`.

use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::{Result, Scalar, Tensor};

#[track_caller]
fn unwrap(r: Result<Tensor>) -> Tensor {
    r.unwrap_or_else(|e| panic!("{}", e.message()))
}

macro_rules! operator {
    ($($trait:ident $op:ident $assign:ident $op_assign:ident $inplace:ident, $reverse:expr;)*) => {$(
        operator!(@ $trait $op [Tensor, Tensor] [Tensor, &Tensor] [&Tensor, Tensor] [&Tensor, &Tensor]
            [Tensor, f64] [&Tensor, f64] [Tensor, i64] [&Tensor, i64]);
        operator!(# $trait $op $reverse, f64 i64);
        impl<T: Into<crate::Operand>> $assign<T> for Tensor {
            /// In place; panics where the method returns an error.
            #[track_caller]
            fn $op_assign(&mut self, other: T) {
                unwrap(self.$inplace(other));
            }
        }
    )*};
    (@ $trait:ident $op:ident $([$a:ty, $b:ty])*) => {$(
        impl $trait<$b> for $a {
            type Output = Tensor;
            /// Panics where the method of the same name returns an error.
            #[track_caller]
            fn $op(self, other: $b) -> Tensor { unwrap(Tensor::$op(&self, other)) }
        }
    )*};
    (# $trait:ident $op:ident $reverse:expr, $($n:ty)*) => {$(
        impl $trait<&Tensor> for $n {
            type Output = Tensor;
            /// Panics where the method of the same name returns an error.
            #[track_caller]
            fn $op(self, t: &Tensor) -> Tensor {
                let f: fn(&Tensor, Scalar) -> Result<Tensor> = $reverse;
                unwrap(f(t, self.into()))
            }
        }
        impl $trait<Tensor> for $n {
            type Output = Tensor;
            /// Panics where the method of the same name returns an error.
            #[track_caller]
            fn $op(self, t: Tensor) -> Tensor { self.$op(&t) }
        }
    )*};
}
operator! {
    Add add AddAssign add_assign add_, |t, n| Tensor::add(t, n);
    Sub sub SubAssign sub_assign sub_, |t, n| t.rsub(n);
    Mul mul MulAssign mul_assign mul_, |t, n| Tensor::mul(t, n);
    Div div DivAssign div_assign div_, |t, n| Tensor::mul(&t.reciprocal()?, n);
}

impl Neg for &Tensor {
    type Output = Tensor;
    /// Panics where the method returns an error.
    #[track_caller]
    fn neg(self) -> Tensor {
        unwrap(Tensor::neg(self))
    }
}

impl Neg for Tensor {
    type Output = Tensor;
    /// Panics where the method returns an error.
    #[track_caller]
    fn neg(self) -> Tensor {
        unwrap(Tensor::neg(&self))
    }
}
