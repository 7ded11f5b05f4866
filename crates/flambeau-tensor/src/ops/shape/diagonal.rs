//! Diagonals, and copies with a part written over.

use crate::ops::{Val, op};
use crate::{Device, Dims, Error, Layout, MemoryFormat, Options, Result, Tensor, normalize_dim};

op! {
    /// A matrix with the vector on a diagonal, or the diagonal of a matrix.
    ///
    /// Shape: `n -> n n`, `n m -> k`. Dtype: unchanged.
    ///
    /// >>> torch.diag(torch.tensor([1, 2]))
    /// tensor([[1, 0],
    ///         [0, 2]])
    fn diag(input: Tensor, diagonal: i64 = 0) -> y;
    variants [method, function, out];
    composite {
        match input.dim() {
            1 => input.diag_embed_with(diagonal, -2, -1),
            2 => input.diagonal_with(diagonal, 0, 1)?.clone_in(MemoryFormat::Contiguous),
            n => Err(Error::runtime(format!("diag(): Supports 1D or 2D tensors. Got {n}D"))),
        }
    };
    samples [(real([3])), (real([2, 3]), 1), (real([2, 3]), -1), (real([0]))];
}

fn embedded(x: &Tensor, offset: i64, dim1: i64, dim2: i64) -> Result<Dims> {
    let n = x.dim() + 1;
    let (a, b) = (normalize_dim(dim1, n)?, normalize_dim(dim2, n)?);
    if a == b {
        return Err(Error::runtime(format!("diagonal dimensions cannot be identical {dim1}, {dim2}")));
    }
    let Some((&last, batch)) = x.size().split_last() else {
        return Err(Error::index(format!(
            "Dimension out of range (expected to be in range of [-1, 0], but got {dim1})"
        )));
    };
    let side = offset.checked_abs().and_then(|o| last.checked_add(o)).unwrap_or(i64::MAX);
    let mut sizes: Dims = batch.into();
    sizes.insert(a.min(b), side);
    sizes.insert(a.max(b), side);
    Ok(sizes)
}

op! {
    /// Matrices with the last dimension on a diagonal, in dimensions `dim1` and `dim2` of the result.
    ///
    /// Shape: `*b n -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.diag_embed(torch.tensor([1, 2]))
    /// tensor([[1, 0],
    ///         [0, 2]])
    fn diag_embed(input: Tensor, offset: i64 = 0, dim1: i64 = -2, dim2: i64 = -1) -> y;
    variants [method, function];
    dtype input.dtype();
    shape embedded(input, offset, dim1, dim2);
    compute {
        let out = crate::ops::zeros_with(&embedded(input, offset, dim1, dim2)?, Options::like(input))?;
        out.diagonal_with(offset, dim1, dim2)?.copy_(input)?;
        Ok(out)
    };
    vjp { input => |g, offset, dim1, dim2| g.diagonal_with(offset, dim1, dim2) };
    samples [(real([2, 3])), (real([2, 3]), 1), (real([2, 3]), -1, 0, 2), (real([0]))];
}

op! {
    /// A matrix with the elements, in order, on a diagonal.
    ///
    /// Shape: `*s -> n n`. Dtype: unchanged.
    ///
    /// >>> torch.diagflat(torch.tensor([1, 2]))
    /// tensor([[1, 0],
    ///         [0, 2]])
    fn diagflat(input: Tensor, offset: i64 = 0) -> y;
    variants [method, function];
    composite { input.contiguous()?.view(&[-1])?.diag_embed_with(offset, -2, -1) };
    samples [(real([2, 2])), (real([3]), -1), (real([])), (real([0]), 1)];
}

/// A copy of `x` whose part that `part` shows is written over with `src`.
fn with_part(x: &Tensor, src: &Tensor, part: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let out = if x.layout().is_dense() { x.clone_tensor()? } else { x.clone_in(MemoryFormat::Contiguous)? };
    part_of(&out, src, part)?.copy_(src)?;
    Ok(out)
}

/// The part of `x` that `src` is to be written over.
fn part_of(x: &Tensor, src: &Tensor, part: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let target = part(x)?;
    if target.size() != src.size() {
        return Err(Error::runtime(format!(
            "expected src to have a size equal to the slice of self. src size = {:?}, slice size = {:?}",
            src.size(),
            target.size()
        )));
    }
    Ok(target)
}

/// The layout of what `with_part` gives.
pub(super) fn with_part_layout(
    x: &Tensor,
    src: &Tensor,
    part: impl FnOnce(&Tensor) -> Result<Tensor>,
) -> Result<Layout> {
    let l = x.layout();
    let layout = if l.is_dense() { Layout { offset: 0, ..l.clone() } } else { Layout::contiguous(x.size()) };
    part_of(&Tensor::empty_layout(layout.clone(), x.dtype(), Device::Meta)?, src, part)?;
    Ok(layout)
}

/// Zeros in the shape of a source, for the gradient of what was written over.
fn nothing(g: &Val, sizes: &[i64]) -> Val {
    Val::run(|| crate::ops::zeros_with(sizes, Options::like(&g.tensor()?)))
}

op! {
    /// A copy with a diagonal written over with `src`.
    ///
    /// Shape: `*s, *t -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.diagonal_scatter(torch.zeros(2, 2), torch.tensor([1., 2.]))
    /// tensor([[1., 0.],
    ///         [0., 2.]])
    fn diagonal_scatter(input: Tensor, src: Tensor, offset: i64 = 0, dim1: i64 = 0, dim2: i64 = 1) -> y;
    variants [method, function];
    dtype input.dtype();
    shape with_part_layout(input, src, |t| t.diagonal_with(offset, dim1, dim2));
    compute { with_part(input, src, |t| t.diagonal_with(offset, dim1, dim2)) };
    vjp {
        input => |g, src.shape, offset, dim1, dim2| g.diagonal_scatter_with(nothing(g, &src.shape), offset, dim1, dim2);
        src => |g, offset, dim1, dim2| g.diagonal_with(offset, dim1, dim2)
    };
    samples [(real([3, 3]), other([2]), 1), (real([2, 3, 2]), other([3, 2]), 0, 0, -1), (real([0, 2]), other([0]))];
}

op! {
    /// A copy with one slice of a dimension written over with `src`.
    ///
    /// Shape: `*s, *t -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.select_scatter(torch.zeros(2, 2), torch.tensor([1., 2.]), 0, 1)
    /// tensor([[0., 0.],
    ///         [1., 2.]])
    fn select_scatter(input: Tensor, src: Tensor, dim: i64, index: i64) -> y;
    variants [method, function];
    dtype input.dtype();
    shape with_part_layout(input, src, |t| t.select(dim, index));
    compute { with_part(input, src, |t| t.select(dim, index)) };
    vjp {
        input => |g, src.shape, dim, index| g.select_scatter(nothing(g, &src.shape), dim, index);
        src => |g, dim, index| g.select(dim, index)
    };
    samples [(real([3, 2]), other([2]), 0, 1), (real([3, 2]), other([3]), -1, -2), (real([0, 2]), other([0]), 1, 0)];
}

op! {
    /// A copy with every `step`-th slice from `start` to `end` of a dimension written over with `src`.
    ///
    /// Shape: `*s, *t -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.slice_scatter(torch.zeros(4), torch.tensor([1., 2.]), start=2)
    /// tensor([0., 0., 1., 2.])
    fn slice_scatter(input: Tensor, src: Tensor, dim: i64 = 0, start: Option<i64> = None, end: Option<i64> = None, step: i64 = 1) -> y;
    variants [method, function, out];
    dtype input.dtype();
    shape with_part_layout(input, src, |t| t.slice(dim, start.unwrap_or(0), end.unwrap_or(i64::MAX), step));
    compute { with_part(input, src, |t| t.slice(dim, start.unwrap_or(0), end.unwrap_or(i64::MAX), step)) };
    vjp {
        input => |g, src.shape, dim, start, end, step| g.slice_scatter_with(nothing(g, &src.shape), dim, start, end, step);
        src => |g, dim, start, end, step| g.slice(dim, start.unwrap_or(0), end.unwrap_or(i64::MAX), step)
    };
    samples [
        (real([4, 2]), other([2, 2]), 0, 1, None, 2),
        (real([2, 3]), other([2, 1]), -1, None, 1),
        (real([2, 3]), other([2, 3])),
        (real([0, 2]), other([0, 1]), 1, 0, 1),
    ];
}
