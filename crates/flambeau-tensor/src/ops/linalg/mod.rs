//! Products of matrices, systems of equations, factors.

use crate::{DType, Error, Result, Scalar, Tensor};

use super::{Val, rule};

pub mod add;
pub(crate) mod check;
pub mod cholesky;
pub mod combine;
pub mod eigen;
pub mod einsum;
pub mod exponential;
pub mod factor;
pub mod householder;
pub mod ldl;
pub mod least_squares;
pub mod lu;
pub mod matmul;
pub mod product;
pub mod pseudo;
pub mod solve;
pub mod svd;
pub mod tensors;

/// Products know no booleans.
pub(crate) fn no_bool(d: DType, what: &str) -> Result<DType> {
    if d == DType::Bool {
        return Err(Error::not_implemented(format!("\"{what}\" not implemented for 'Bool'")));
    }
    Ok(d)
}

/// Both factors must be of one dtype.
pub(crate) fn same_dtype(a: &Tensor, b: &Tensor) -> Result<DType> {
    if a.dtype() != b.dtype() {
        return Err(Error::runtime(format!(
            "expected m1 and m2 to have the same dtype, but got: {} != {}",
            rule::c_name(a.dtype()),
            rule::c_name(b.dtype())
        )));
    }
    Ok(a.dtype())
}

/// True for a matrix whose columns lie one after another: its gradient is laid out so too.
pub(crate) fn by_columns(x: &Tensor) -> bool {
    x.dim() == 2 && x.stride()[0] == 1 && x.stride()[1] == x.size()[0]
}

/// `v` times the conjugate of a number, and `v` itself for 1.
pub(crate) fn scaled(v: Val, by: Scalar) -> Val {
    if by.equals(1.0) { v } else { v * by.conj() }
}

/// The gradient of `a` in `a @ b`, by columns where `a` is.
pub(crate) fn left_gradient(g: &Val, b: &Val, columns: bool) -> Val {
    if columns { b.conj().mm(g.t()).t() } else { g.mm(b.t().conj()) }
}

/// The gradient of `b` in `a @ b`, by columns where `b` is.
pub(crate) fn right_gradient(g: &Val, a: &Val, columns: bool) -> Val {
    if columns { g.t().mm(a.conj()).t() } else { a.t().conj().mm(g) }
}
