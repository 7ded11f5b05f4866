//! LU factors apart, and systems that they solve.

use super::check::{at_least_matrix, batch, floating, triangle};
use crate::ops::op;
use crate::{DType, Dims, Error, Options, Result, Tensor};

/// The same numbers, the columns of each matrix one after another.
fn by_columns(t: &Tensor) -> Result<Tensor> {
    t.transpose(-2, -1)?.contiguous()?.transpose(-2, -1)
}

/// No tensor at all.
fn nothing(like: &Tensor) -> Result<Tensor> {
    Tensor::empty(&[0], like.dtype(), like.device())
}

/// The sizes of `P`, whose columns say where the `m` rows of factors came from.
fn permutation_sizes(pivots: &Tensor, m: i64) -> Result<Dims> {
    let mut sizes = super::factor::rows_sizes(pivots, m)?;
    sizes.push(m);
    Ok(sizes)
}

op! {
    /// The matrices `P` that undo the swaps of rows that `pivots` (from 1) name.
    ///
    /// Shape: `*b k -> *b m m`. Dtype: `dtype`.
    fn permutation_of(pivots: Tensor, m: i64, dtype: DType) -> y;
    variants [private];
    nondifferentiable;
    dtype dtype;
    shape permutation_sizes(pivots, m);
    compute {
        let rows = super::factor::rows_of(pivots, m)?;
        let places = crate::ops::arange_end(m)?.unsqueeze(-1)?;
        rows.unsqueeze(-2)?.eq(&places)?.to_dtype(dtype)
    };
    samples [(int([2], 1, 3), 3, DType::F64)];
}

/// L and U of packed factors.
fn parts(lu: &Tensor) -> Result<(Tensor, Tensor)> {
    let (m, n) = (lu.size()[lu.dim() - 2], lu.size()[lu.dim() - 1]);
    let k = m.min(n);
    let identity = crate::ops::eye_with(m, Some(k), Options::like(lu))?;
    let lower = triangle(&lu.narrow(-1, 0, k)?, false, true)?.add(identity)?;
    Ok((lower.contiguous()?, triangle(&lu.narrow(-2, 0, k)?, true, false)?.contiguous()?))
}

op! {
    /// The matrices `P`, `L` and `U` of packed LU factors; without `unpack_data` or `unpack_pivots` empty ones.
    ///
    /// Shape: `*b m n, *b k -> *b m m, *b m k, *b k n` with `k = min(m, n)`. Dtype: that of the factors; the pivots are int32.
    ///
    /// >>> torch.lu_unpack(*torch.linalg.lu_factor(torch.tensor([[1., 2.], [2., 0.]]))).U
    /// tensor([[2., 0.],
    ///         [0., 2.]])
    fn lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = true, unpack_pivots: bool = true) -> P, L, U;
    variants [function, out];
    composite {
        at_least_matrix(LU_data, "torch.lu_unpack")?;
        if unpack_pivots && (LU_pivots.dtype() != DType::I32 || LU_pivots.dim() == 0) {
            return Err(Error::runtime(
                "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\nNote: this function is intended to be \
                 used with the output produced by torch.linalg.lu_factor",
            ));
        }
        let p = if unpack_pivots {
            LU_pivots.permutation_of(LU_data.size()[LU_data.dim() - 2], LU_data.dtype())?
        } else {
            nothing(LU_data)?
        };
        let (l, u) = if unpack_data { parts(LU_data)? } else { (nothing(LU_data)?, nothing(LU_data)?) };
        Ok((p, l, u))
    };
    samples [(regular([3, 3]), Tensor::of(&[1i32, 3, 3], &[3]).unwrap()), (real([2, 3]), Tensor::of(&[2i32, 2], &[2]).unwrap(), true, false)];
}

op! {
    /// The factors `P @ L @ U` of matrices: a permutation, a unit lower and an upper triangle.
    ///
    /// Shape: `*b m n -> *b m m, *b m k, *b k n` with `k = min(m, n)`. Dtype: float32, float64 or complex.
    ///
    /// >>> torch.linalg.lu(torch.tensor([[1., 2.], [2., 0.]])).L
    /// tensor([[1.0000, 0.0000],
    ///         [0.5000, 1.0000]])
    fn linalg_lu(input: Tensor; pivot: bool = true) -> P, L, U;
    variants [private, rust, out];
    alias [linalg lu];
    composite {
        at_least_matrix(input, "linalg.lu")?;
        floating(input, "linalg.lu")?;
        if !pivot {
            return Err(Error::runtime("linalg.lu_factor: LU without pivoting is not implemented on the CPU"));
        }
        let (lu, pivots, _) = input.lu_factor_ex_with(true, false)?;
        let (l, u) = parts(&lu)?;
        Ok((pivots.permutation_of(input.size()[input.dim() - 2], input.dtype())?, l, u))
    };
    samples [(regular([3, 3])), (real([3, 2])), (real([2, 3])), (regular([2, 2, 2])), (regular([0, 0]))];
}

/// The sizes before the matrices of a system of packed factors; `b` must fit.
fn check_system(lu: &Tensor, pivots: &Tensor, b: &Tensor, left: bool, name: &str) -> Result<Dims> {
    super::check::floating(lu, name)?;
    if lu.dtype() != b.dtype() {
        return Err(Error::runtime(format!(
            "{name}: Expected LU and B to have the same dtype, but found LU of type {} and B of type {} instead",
            lu.dtype().title(),
            b.dtype().title()
        )));
    }
    if pivots.dtype() != DType::I32 {
        return Err(Error::runtime(format!("{name}: pivots should be a Tensor of scalar type torch.int32")));
    }
    super::check::square(lu, name)?;
    super::solve::fitting(lu, b, left, name)?;
    if pivots.size().last() != lu.size().last() {
        return Err(Error::runtime(format!(
            "{name}: Number of pivots per batch should be same as the dimension of the matrix"
        )));
    }
    if pivots.dim() == 0 || batch(lu) != &pivots.size()[..pivots.dim() - 1] {
        return Err(Error::runtime(format!("{name}: Expected LU.shape[:-1] and pivots.shape to be the same")));
    }
    crate::broadcast_shapes(batch(lu), batch(b))
}

op! {
    /// The solutions `x` of `A @ x = B`, where `LU` and `pivots` are what `lu_factor` made of `A`; with `left` false of
    /// `x @ A = B`; with `adjoint` for the conjugate transpose of `A`.
    ///
    /// Shape: `*b n n, *b n, *b n k -> *b n k`. Dtype: both the same, float32, float64 or complex; the pivots are int32.
    ///
    /// >>> torch.linalg.lu_solve(*torch.linalg.lu_factor(torch.tensor([[0., 2.], [4., 0.]])), torch.tensor([[2.], [4.]]))
    /// tensor([[1.],
    ///         [1.]])
    fn linalg_lu_solve(LU: Tensor, pivots: Tensor, B: Tensor; left: bool = true, adjoint: bool = false) -> y;
    variants [private, rust, out];
    alias [linalg lu_solve];
    node "LinalgLuSolveBackward0";
    composite {
        let lead = check_system(LU, pivots, B, left, "torch.linalg.lu_solve")?;
        if !left {
            // x @ A = B is A^H @ x^H = B^H.
            let x = LU.linalg_lu_solve_with(pivots, &super::check::adjoint(B)?, true, !adjoint)?;
            return super::check::adjoint(&x)?.resolve_conj()?.contiguous();
        }
        let mut sizes = lead;
        sizes.extend_from_slice(&B.size()[B.dim() - 2..]);
        let b = B.expand(&sizes)?;
        let rows = pivots.permuted_rows(LU.size()[LU.dim() - 1])?;
        let along = |rows: &Tensor| rows.unsqueeze(-1)?.expand(&sizes);
        if adjoint {
            let h = super::check::adjoint(LU)?;
            let x = h.solve_triangular_with(&h.solve_triangular_with(&b, false, true, false)?, true, true, true)?;
            by_columns(&x.gather_with(-2, &along(&rows.argsort_with(-1, false)?)?, false)?)
        } else {
            let x = b.gather_with(-2, &along(&rows)?, false)?;
            LU.solve_triangular_with(&LU.solve_triangular_with(&x, false, true, true)?, true, true, false)
        }
    };
    samples [
        (regular([3, 3]), Tensor::of(&[2i32, 3, 3], &[3]).unwrap(), real([3, 2])),
        (regular([2, 2]), Tensor::of(&[2i32, 2], &[2]).unwrap(), real([3, 2]), false),
        (regular([2, 2]), Tensor::of(&[2i32, 2], &[2]).unwrap(), real([2, 2, 1]), true, true),
    ];
}

op! {
    /// Which row of the matrix each row of its factors was, from the swaps of rows that `pivots` (from 1) name.
    ///
    /// Shape: `*b k -> *b m`. Dtype: int64.
    fn permuted_rows(pivots: Tensor, m: i64) -> y;
    variants [private];
    nondifferentiable;
    dtype DType::I64;
    shape super::factor::rows_sizes(pivots, m);
    compute { super::factor::rows_of(pivots, m) };
    samples [(int([2], 1, 3), 3)];
}

op! {
    /// The solutions `x` of `A @ x = input`, where `LU_data` and `LU_pivots` are what `lu_factor` made of `A`.
    ///
    /// Shape: `*b n k, *b n n, *b n -> *b n k`. Dtype: both the same, float32, float64 or complex; the pivots are int32.
    fn lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> y;
    variants [method, function, out];
    composite { LU_data.linalg_lu_solve_with(LU_pivots, input, true, false) };
    samples [(real([3, 2]), regular([3, 3]), Tensor::of(&[2i32, 3, 3], &[3]).unwrap())];
}

op! {
    /// The LU factors of matrices in one, the rows that were swapped (from 1), and the place, from 1, of the first zero pivot.
    ///
    /// Shape: `*b m n -> *b m n, *b k, *b` with `k = min(m, n)`. Dtype: float32, float64 or complex; the others are int32.
    fn lu_with_info(input: Tensor, pivot: bool = true, check_errors: bool = true) -> LU, pivots, info;
    variants [private];
    alias [function _lu_with_info];
    composite { input.lu_factor_ex_with(pivot, check_errors) };
    samples [(regular([3, 3])), (real([3, 2]), true, false)];
}
