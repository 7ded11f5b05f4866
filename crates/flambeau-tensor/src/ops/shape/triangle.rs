//! Triangles of matrices.

use flambeau_cpu::index as kernels;

use crate::dispatch::Locked;
use crate::ops::op;
use crate::{DType, Device, Dims, Error, Options, Result, Tensor};

fn matrix(x: &Tensor, what: &str) -> Result<DType> {
    if x.dim() < 2 {
        return Err(Error::runtime(format!("{what}: input tensor must have at least 2 dimensions")));
    }
    Ok(x.dtype())
}

op! {
    /// Matrices with zeros above a diagonal; a positive `diagonal` is above the main one.
    ///
    /// Shape: `*b n m -> *b n m`. Dtype: unchanged.
    ///
    /// >>> torch.tril(torch.tensor([[1, 2], [3, 4]]))
    /// tensor([[1, 0],
    ///         [3, 4]])
    fn tril(input: Tensor, diagonal: i64 = 0) -> y;
    variants [method, function, inplace, out];
    dtype matrix(input, "tril");
    shape input.size();
    kernel { kernels::tril(y, input, diagonal) };
    vjp { input => |g, diagonal| g.tril_with(diagonal) };
    samples [(real([3, 4])), (real([3, 4]), 1), (real([2, 3, 3]), -1), (real([0, 2]))];
}

op! {
    /// Matrices with zeros below a diagonal; a positive `diagonal` is above the main one.
    ///
    /// Shape: `*b n m -> *b n m`. Dtype: unchanged.
    ///
    /// >>> torch.triu(torch.tensor([[1, 2], [3, 4]]))
    /// tensor([[1, 2],
    ///         [0, 4]])
    fn triu(input: Tensor, diagonal: i64 = 0) -> y;
    variants [method, function, inplace, out];
    dtype matrix(input, "triu");
    shape input.size();
    kernel { kernels::triu(y, input, diagonal) };
    vjp { input => |g, diagonal| g.triu_with(diagonal) };
    samples [(real([3, 4])), (real([3, 4]), 1), (real([2, 3, 3]), -1), (real([0, 2]))];
}

/// The shape of `places`.
fn places_shape(row: i64, col: i64, kept: impl Fn(i64) -> std::ops::Range<i64>) -> Result<Dims> {
    check_sides(row, col)?;
    Ok(Dims::from_slice(&[2, (0..row).map(|r| kept(r).count() as i64).sum()]))
}

fn check_sides(row: i64, col: i64) -> Result<()> {
    for (name, n) in [("row", row), ("col", col)] {
        if n < 0 {
            return Err(Error::runtime(format!("{name} must be non-negative, got{n}")));
        }
    }
    Ok(())
}

/// Rows and columns of the places that `kept(row)` tells the columns of.
fn places(
    row: i64,
    col: i64,
    options: Options,
    what: &str,
    kept: impl Fn(i64) -> std::ops::Range<i64>,
) -> Result<Tensor> {
    check_sides(row, col)?;
    let dtype = options.dtype.unwrap_or(DType::I64);
    if !matches!(dtype, DType::I64 | DType::I32 | DType::I16 | DType::I8 | DType::U8) {
        return Err(Error::not_implemented(format!("\"{what}\" not implemented for '{}'", dtype.title())));
    }
    let out = Tensor::empty(&places_shape(row, col, &kept)?, DType::I64, Device::Cpu)?;
    Locked::run(&[], std::slice::from_ref(&out), |_, outs| kernels::places(outs.next(), row, &kept));
    out.to_dtype(dtype)
}

op! {
    /// Rows and columns of the elements on and below a diagonal of a matrix.
    ///
    /// Shape: `-> 2 n`. Dtype: `dtype`, or int64.
    ///
    /// >>> torch.tril_indices(2, 2)
    /// tensor([[0, 1, 1],
    ///         [0, 0, 1]])
    fn tril_indices(row: i64, col: i64, offset: i64 = 0) -> y;
    variants [function];
    factory;
    nondifferentiable;
    dtype options.dtype.unwrap_or(DType::I64);
    shape places_shape(row, col, |r| 0..r.saturating_add(offset).saturating_add(1).clamp(0, col));
    compute { places(row, col, options, "tril_indices", |r| 0..r.saturating_add(offset).saturating_add(1).clamp(0, col)) };
    samples [(3, 3), (2, 4, 1), (0, 2), (3, 3, -1, Options::dtype(DType::I32))];
}

op! {
    /// Rows and columns of the elements on and above a diagonal of a matrix.
    ///
    /// Shape: `-> 2 n`. Dtype: `dtype`, or int64.
    ///
    /// >>> torch.triu_indices(2, 2)
    /// tensor([[0, 0, 1],
    ///         [0, 1, 1]])
    fn triu_indices(row: i64, col: i64, offset: i64 = 0) -> y;
    variants [function];
    factory;
    nondifferentiable;
    dtype options.dtype.unwrap_or(DType::I64);
    shape places_shape(row, col, |r| r.saturating_add(offset).clamp(0, col)..col);
    compute { places(row, col, options, "triu_indices", |r| r.saturating_add(offset).clamp(0, col)..col) };
    samples [(3, 3), (2, 4, 1), (0, 2), (3, 3, -1, Options::dtype(DType::I32))];
}
