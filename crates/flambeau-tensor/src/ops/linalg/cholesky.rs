//! What Cholesky factors serve: systems of equations and inverses.

use super::check::{adjoint, batch, by_columns_copy, column_layout, floating};
use crate::ops::{Val, op};
use crate::{DType, Dims, Error, Options, Result, Tensor};

/// The matrices of a system with given factors must fit; gives the broadcast sizes of the solution.
fn system(b: &Tensor, l: &Tensor) -> Result<Dims> {
    for (t, name) in [(b, "b"), (l, "u")] {
        if t.dim() < 2 {
            return Err(Error::runtime(format!(
                "{name} should have at least 2 dimensions, but has {} dimensions instead",
                t.dim()
            )));
        }
    }
    if b.dtype() != l.dtype() {
        return Err(Error::runtime(format!(
            "Expected b and A to have the same dtype, but found b of type {} and A of type {} instead.",
            b.dtype().title(),
            l.dtype().title()
        )));
    }
    let (m, n) = (l.size()[l.dim() - 2], l.size()[l.dim() - 1]);
    if m != n {
        return Err(Error::runtime(format!("A must be batches of square matrices, but they are {m} by {n} matrices")));
    }
    let (rows, cols) = (b.size()[b.dim() - 2], b.size()[b.dim() - 1]);
    if rows != n {
        return Err(Error::runtime(format!(
            "Incompatible matrix sizes for cholesky_solve: each A matrix is {n} by {n} but each b matrix is {rows} by {cols}"
        )));
    }
    let mut sizes = crate::broadcast_shapes(batch(l), batch(b))?;
    sizes.extend_from_slice(&[rows, cols]);
    Ok(sizes)
}

/// The dtypes of systems of equations.
fn solvable(t: &Tensor, what: &str) -> Result<DType> {
    floating(t, what)
        .map_err(|_| Error::not_implemented(format!("\"{what}\" not implemented for '{}'", t.dtype().title())))
}

op! {
    /// The solutions `x` of `A @ x = input`, where `L` holds the Cholesky factors of `A`: the lower ones, or with `upper` the
    /// upper ones.
    ///
    /// Shape: `*b n k, *b n n -> *b n k`. Dtype: both the same, float32, float64 or complex.
    ///
    /// >>> torch.cholesky_solve(torch.tensor([[4.], [9.]]), torch.tensor([[2., 0.], [0., 3.]]))
    /// tensor([[1.],
    ///         [1.]])
    fn cholesky_solve(input: Tensor, L: Tensor, upper: bool = false) -> y;
    variants [method, function, out];
    dtype solvable(input, "cholesky_solve_cpu");
    shape system(input, L).map(|s| column_layout(&s));
    compute {
        let sizes = system(input, L)?;
        solvable(input, "cholesky_solve_cpu")?;
        let other = adjoint(L)?;
        let (first, second) = if upper { (&other, L) } else { (L, &other) };
        second.solve_triangular(&first.solve_triangular(&input.expand(&sizes)?, false)?, true)
    };
    vjp {
        input => |g, L, upper| Val::run(|| g.tensor()?.cholesky_solve_with(&L.tensor()?, upper));
        L => |g, L, y, upper| Val::run(|| {
            let l = L.tensor()?;
            let half = g.tensor()?.cholesky_solve_with(&l, upper)?.matmul(&adjoint(&y.tensor()?)?)?;
            let whole = half.add(adjoint(&half)?)?.neg()?;
            if upper { l.matmul(&whole) } else { whole.matmul(&l) }
        })
    };
    samples without_gradcheck([(real([3, 2]), regular([3, 3])), (real([2, 2, 1]), regular([2, 2]), true), (real([0, 2]), regular([0, 0]))]);
}

/// The sizes of square factors.
fn factors(l: &Tensor) -> Result<Dims> {
    if l.dim() < 2 {
        return Err(Error::runtime("cholesky_inverse: The input tensor A must have at least 2 dimensions."));
    }
    super::check::square(l, "cholesky_inverse")?;
    Ok(l.sizes())
}

op! {
    /// The inverses of matrices whose Cholesky factors are given: the lower ones, or with `upper` the upper ones.
    ///
    /// Shape: `*b n n -> *b n n`. Dtype: float32, float64 or complex.
    ///
    /// >>> torch.cholesky_inverse(torch.tensor([[2.]]))
    /// tensor([[0.2500]])
    fn cholesky_inverse(input: Tensor, upper: bool = false) -> y;
    variants [method, function, out];
    dtype solvable(input, "cholesky_inverse_out_cpu");
    shape factors(input).map(|s| column_layout(&s));
    compute {
        let sizes = factors(input)?;
        solvable(input, "cholesky_inverse_out_cpu")?;
        let identity = crate::ops::eye_with(sizes[sizes.len() - 1], None, Options::like(input))?.expand(&sizes)?;
        by_columns_copy(&identity.cholesky_solve_with(input, upper)?)
    };
    vjp { input => |g, input, y, upper| Val::run(|| {
        let (g, l, inverse) = (g.tensor()?, input.tensor()?, y.tensor()?);
        let whole = inverse.matmul(&g.add(adjoint(&g)?)?.matmul(&inverse)?)?.neg()?;
        if upper { l.matmul(&whole) } else { whole.matmul(&l) }
    }) };
    samples without_gradcheck([(regular([3, 3])), (regular([2, 2, 2]), true), (regular([0, 0]))]);
}
