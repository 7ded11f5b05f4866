//! One tensor into several.

use crate::ops::{Val, op};
use crate::{DType, Dims, Error, Layout, Result, Tensor, normalize_dim};

/// The pieces of a layout along a dimension.
fn pieces(l: &Layout, at: usize, lengths: &[i64]) -> Vec<Layout> {
    let mut start = 0;
    lengths
        .iter()
        .map(|&n| {
            let mut piece = l.clone();
            piece.sizes[at] = n;
            piece.offset += start * l.strides[at];
            start += n;
            piece
        })
        .collect()
}

/// The lengths of pieces of one size; the last may be shorter.
fn even(x: &Tensor, size: i64, dim: i64) -> Result<(usize, Dims)> {
    if x.dim() == 0 {
        return Err(Error::runtime("split expects at least a 1-dimensional tensor"));
    }
    if size < 0 {
        return Err(Error::runtime(format!("split expects split_size be non-negative, but got split_size={size}")));
    }
    let at = normalize_dim(dim, x.dim())?;
    let n = x.size()[at];
    if size == 0 && n != 0 {
        return Err(Error::runtime(format!(
            "split_size can only be 0 if dimension size is 0, but got dimension size of {n}"
        )));
    }
    if n == 0 {
        return Ok((at, Dims::from_slice(&[0])));
    }
    let count = n / size + i64::from(n % size != 0);
    Ok((at, (0..count).map(|i| size.min(n - i * size)).collect()))
}

/// Lengths that a user chose.
fn chosen(x: &Tensor, lengths: &[i64], dim: i64) -> Result<usize> {
    if x.dim() == 0 {
        return Err(Error::runtime("split expects at least a 1-dimensional tensor"));
    }
    let at = normalize_dim(dim, x.dim())?;
    if lengths.iter().any(|&n| n < 0) {
        return Err(Error::runtime(format!(
            "split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={lengths:?}"
        )));
    }
    if lengths.iter().try_fold(0i64, |a, &n| a.checked_add(n)) != Some(x.size()[at]) {
        return Err(Error::runtime(format!(
            "split_with_sizes expects split_sizes to sum exactly to {} (input tensor's size at dimension {at}), but got split_sizes={lengths:?}",
            x.size()[at]
        )));
    }
    Ok(at)
}

/// The gradients of pieces side by side.
fn rejoined(gs: &[Val], dim: i64) -> Result<Tensor> {
    let list = gs.iter().map(Val::tensor).collect::<Result<Vec<_>>>()?;
    crate::ops::cat_with(&list, dim)
}

op! {
    /// Views of the tensor in pieces of `split_size` along a dimension; the last may be shorter.
    ///
    /// Shape: `*s n *t -> *s k *t, ...`. Dtype: unchanged.
    ///
    /// >>> torch.arange(5).split(2)
    /// (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    fn split(input: Tensor, split_size: i64, dim: i64 = 0) -> [outputs];
    variants [method, function];
    view { let (at, lengths) = even(input, split_size, dim)?; pieces(input.layout(), at, &lengths) };
    vjp { input => |gs, dim| rejoined(gs, dim) };
    samples [(real([5, 2]), 2), (real([2, 5]), 3, -1), (real([0, 2]), 1)];
}

op! {
    /// Views of the tensor in pieces of the given sizes along a dimension.
    ///
    /// Shape: `*s n *t -> *s k *t, ...`. Dtype: unchanged.
    ///
    /// >>> torch.arange(5).split([1, 4])
    /// (tensor([0]), tensor([1, 2, 3, 4]))
    fn split.sizes(input: Tensor, split_size: Dims, dim: i64 = 0) -> [outputs];
    variants [method, function];
    composite { input.split_with_sizes_with(split_size, dim) };
    samples [(real([5, 2]), [1, 4]), (real([2, 3]), [3, 0], -1), (real([0, 2]), [0])];
}

op! {
    /// Views of the tensor in pieces of the given sizes along a dimension.
    ///
    /// Shape: `*s n *t -> *s k *t, ...`. Dtype: unchanged.
    ///
    /// >>> torch.arange(5).split_with_sizes([1, 4])
    /// (tensor([0]), tensor([1, 2, 3, 4]))
    fn split_with_sizes(input: Tensor, split_sizes: Dims, dim: i64 = 0) -> [outputs];
    variants [method, function];
    view { let at = chosen(input, split_sizes, dim)?; pieces(input.layout(), at, split_sizes) };
    vjp { input => |gs, dim| rejoined(gs, dim) };
    samples [(real([5, 2]), [1, 4]), (real([2, 3]), [3, 0], -1), (real([0, 2]), [0])];
}

op! {
    /// Views of the tensor in `chunks` pieces along a dimension, or fewer: all of one size, the last may be shorter.
    ///
    /// Shape: `*s n *t -> *s k *t, ...`. Dtype: unchanged.
    ///
    /// >>> torch.arange(5).chunk(2)
    /// (tensor([0, 1, 2]), tensor([3, 4]))
    fn chunk(input: Tensor, chunks: i64, dim: i64 = 0) -> [outputs];
    variants [method, function];
    composite {
        match chunk_size(input, chunks, dim)? {
            0 => input.split_with_sizes_with(&vec![0; chunks as usize], dim),
            size => input.split_with(size, dim),
        }
    };
    samples [(real([5, 2]), 2), (real([2, 3]), 3, -1), (real([0, 2]), 2)];
}

/// The size of each chunk; 0 where there is nothing to share out.
fn chunk_size(x: &Tensor, chunks: i64, dim: i64) -> Result<i64> {
    if x.dim() == 0 {
        return Err(Error::runtime("chunk expects at least a 1-dimensional tensor"));
    }
    if chunks <= 0 {
        return Err(Error::runtime(format!("chunk expects `chunks` to be greater than 0, got: {chunks}")));
    }
    let n = x.size_of(dim)?;
    Ok(n / chunks + i64::from(n % chunks != 0))
}

/// Pieces that share memory, yet are no views to autograd.
fn loose(x: &Tensor, layouts: Vec<Layout>) -> Vec<Tensor> {
    layouts.into_iter().map(|l| Tensor::make(x.storage().clone(), l, x.dtype())).collect()
}

op! {
    /// As `split`, for pieces that are written in place while the tensor is no longer used.
    ///
    /// Shape: `*s n *t -> *s k *t, ...`. Dtype: unchanged.
    fn unsafe_split(input: Tensor, split_size: i64, dim: i64 = 0) -> [outputs];
    variants [method, function];
    dtype input.dtype();
    shape even(input, split_size, dim).map(|(at, lengths)| pieces(input.layout(), at, &lengths));
    compute { let (at, lengths) = even(input, split_size, dim)?; Ok(loose(input, pieces(input.layout(), at, &lengths))) };
    vjp { input => |gs, dim| rejoined(gs, dim) };
    samples [(real([5, 2]), 2), (real([2, 3]), 1, -1), (real([0, 2]), 1)];
}

op! {
    /// As `split_with_sizes`, for pieces that are written in place while the tensor is no longer used.
    ///
    /// Shape: `*s n *t -> *s k *t, ...`. Dtype: unchanged.
    fn unsafe_split_with_sizes(input: Tensor, split_sizes: Dims, dim: i64 = 0) -> [outputs];
    variants [method, function];
    dtype input.dtype();
    shape chosen(input, split_sizes, dim).map(|at| pieces(input.layout(), at, split_sizes));
    compute { let at = chosen(input, split_sizes, dim)?; Ok(loose(input, pieces(input.layout(), at, split_sizes))) };
    vjp { input => |gs, dim| rejoined(gs, dim) };
    samples [(real([5, 2]), [2, 3]), (real([2, 3]), [1, 2], -1), (real([0, 2]), [0])];
}

op! {
    /// As `chunk`, for pieces that are written in place while the tensor is no longer used.
    ///
    /// Shape: `*s n *t -> *s k *t, ...`. Dtype: unchanged.
    fn unsafe_chunk(input: Tensor, chunks: i64, dim: i64 = 0) -> [outputs];
    variants [method, function];
    composite {
        match chunk_size(input, chunks, dim)? {
            0 => input.unsafe_split_with_sizes_with(&vec![0; chunks as usize], dim),
            size => input.unsafe_split_with(size, dim),
        }
    };
    samples [(real([5, 2]), 2), (real([2, 3]), 3, -1), (real([0, 2]), 2)];
}

fn check_sections(x: &Tensor) -> Result<()> {
    if x.dim() == 0 {
        return Err(Error::runtime(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims",
        ));
    }
    Ok(())
}

op! {
    /// Views of the tensor in `sections` pieces along a dimension, as even as can be: the first ones may be longer.
    ///
    /// Shape: `*s n *t -> *s k *t, ...`. Dtype: unchanged.
    ///
    /// >>> torch.arange(5).tensor_split(2)
    /// (tensor([0, 1, 2]), tensor([3, 4]))
    fn tensor_split(input: Tensor, sections: i64, dim: i64 = 0) -> [outputs];
    variants [method, function];
    composite {
        check_sections(input)?;
        let at = normalize_dim(dim, input.dim())?;
        if sections <= 0 {
            return Err(Error::runtime(format!("number of sections must be larger than 0, got {sections}")));
        }
        let n = input.size()[at];
        let (least, longer) = (n / sections, n % sections);
        let mut start = 0;
        (0..sections).map(|i| {
            let from = start;
            start += least + i64::from(i < longer);
            input.slice(at as i64, from, start, 1)
        }).collect::<Result<Vec<_>>>()
    };
    samples [(real([5]), 3), (real([2, 5]), 2, -1), (real([0, 2]), 2)];
}

op! {
    /// Views of the tensor cut before the given indices along a dimension.
    ///
    /// Shape: `*s n *t -> *s k *t, ...`. Dtype: unchanged.
    ///
    /// >>> torch.arange(5).tensor_split((1, 3))
    /// (tensor([0]), tensor([1, 2]), tensor([3, 4]))
    fn tensor_split.indices(input: Tensor, indices: Dims, dim: i64 = 0) -> [outputs];
    variants [method, function];
    composite {
        check_sections(input)?;
        let at = normalize_dim(dim, input.dim())?;
        let mut start = 0;
        indices.iter().copied().chain([i64::MAX]).map(|end| {
            let from = std::mem::replace(&mut start, end);
            input.slice(at as i64, from, end, 1)
        }).collect::<Result<Vec<_>>>()
    };
    samples [(real([5]), [1, 3]), (real([2, 5]), [2], 1), (real([0, 2]), [1])];
}

op! {
    /// Views of the tensor in a number of pieces (a 0-d tensor), or cut before indices (a 1-d tensor).
    ///
    /// Shape: `*s n *t -> *s k *t, ...`. Dtype: unchanged.
    fn tensor_split.tensor_indices_or_sections(input: Tensor, tensor_indices_or_sections: Tensor, dim: i64 = 0) -> [outputs];
    variants [method, function];
    composite {
        let cuts = tensor_indices_or_sections;
        check_sections(input)?;
        if cuts.dtype() != DType::I64 {
            return Err(Error::runtime(format!(
                "tensor_split expected tensor_indices_or_sections to have dtype of long, but got {}", cuts.dtype().title()
            )));
        }
        match cuts.dim() {
            0 => input.tensor_split_with(cuts.item()?.to_i64(), dim),
            1 => input.tensor_split_indices_with(&cuts.to_vec::<i64>()?, dim),
            n => Err(Error::runtime(format!(
                "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional tensor, but got a tensor with {n} dims"
            ))),
        }
    };
    samples [(real([5]), int([2], 1, 4)), (real([2, 4]), int([], 2, 3), 1)];
}

/// The dimension that `hsplit`, `vsplit` and `dsplit` go along.
fn named(x: &Tensor, what: &str, least: usize) -> Result<usize> {
    if x.dim() < least {
        return Err(Error::runtime(format!(
            "torch.{what} requires a tensor with at least {least} dimension, but got a tensor with {} dimensions!",
            x.dim()
        )));
    }
    Ok(match what {
        "hsplit" => (x.dim() > 1) as usize,
        "vsplit" => 0,
        _ => 2,
    })
}

fn split_evenly(x: &Tensor, sections: i64, what: &str, least: usize) -> Result<Vec<Tensor>> {
    let at = named(x, what, least)?;
    let n = x.size()[at];
    if sections == 0 || n % sections != 0 {
        return Err(Error::runtime(format!(
            "torch.{what} attempted to split along dimension {at}, but the size of the dimension {n} is not divisible by the split_size {sections}!"
        )));
    }
    x.tensor_split_with(sections, at as i64)
}

op! {
    /// Views of the tensor in even pieces along the second dimension, or the only one.
    ///
    /// Shape: `n m *s -> n k *s, ...`. Dtype: unchanged.
    ///
    /// >>> torch.arange(4).hsplit(2)
    /// (tensor([0, 1]), tensor([2, 3]))
    fn hsplit(input: Tensor, sections: i64) -> [outputs];
    variants [method, function];
    composite { split_evenly(input, sections, "hsplit", 1) };
    samples [(real([2, 4]), 2), (real([4]), 2), (real([0, 4]), 2)];
}

op! {
    /// Views of the tensor cut before indices along the second dimension, or the only one.
    ///
    /// Shape: `n m *s -> n k *s, ...`. Dtype: unchanged.
    fn hsplit.indices(input: Tensor, indices: Dims) -> [outputs];
    variants [method, function];
    composite { input.tensor_split_indices_with(indices, named(input, "hsplit", 1)? as i64) };
    samples [(real([2, 4]), [1, 3]), (real([4]), [2]), (real([0, 4]), [1])];
}

op! {
    /// Views of the tensor in even pieces along the first dimension.
    ///
    /// Shape: `n *s -> k *s, ...`. Dtype: unchanged.
    fn vsplit(input: Tensor, sections: i64) -> [outputs];
    variants [method, function];
    composite { split_evenly(input, sections, "vsplit", 2) };
    samples [(real([4, 2]), 2), (real([0, 2]), 1)];
}

op! {
    /// Views of the tensor cut before indices along the first dimension.
    ///
    /// Shape: `n *s -> k *s, ...`. Dtype: unchanged.
    fn vsplit.indices(input: Tensor, indices: Dims) -> [outputs];
    variants [method, function];
    composite { input.tensor_split_indices_with(indices, named(input, "vsplit", 2)? as i64) };
    samples [(real([4, 2]), [1, 3]), (real([0, 2]), [0])];
}

op! {
    /// Views of the tensor in even pieces along the third dimension.
    ///
    /// Shape: `n m p *s -> n m k *s, ...`. Dtype: unchanged.
    fn dsplit(input: Tensor, sections: i64) -> [outputs];
    variants [method, function];
    composite { split_evenly(input, sections, "dsplit", 3) };
    samples [(real([1, 2, 4]), 2), (real([0, 2, 4]), 2)];
}

op! {
    /// Views of the tensor cut before indices along the third dimension.
    ///
    /// Shape: `n m p *s -> n m k *s, ...`. Dtype: unchanged.
    fn dsplit.indices(input: Tensor, indices: Dims) -> [outputs];
    variants [method, function];
    composite { input.tensor_split_indices_with(indices, named(input, "dsplit", 3)? as i64) };
    samples [(real([1, 2, 4]), [1, 3]), (real([0, 2, 4]), [1])];
}

op! {
    /// Views of the slices along a dimension, without it.
    ///
    /// Shape: `*s n *t -> *s *t, ...`. Dtype: unchanged.
    ///
    /// >>> torch.tensor([[1, 2], [3, 4]]).unbind()
    /// (tensor([1, 2]), tensor([3, 4]))
    fn unbind(input: Tensor, dim: i64 = 0) -> [outputs];
    variants [method, function];
    view {
        let n = input.size_of(dim)?;
        let at = normalize_dim(dim, input.dim())?;
        let mut one = input.layout().clone();
        one.sizes.remove(at);
        let stride = one.strides.remove(at);
        (0..n).map(|i| Layout { offset: one.offset + i * stride, ..one.clone() }).collect::<Vec<_>>()
    };
    vjp { input => |gs, dim| {
        let list = gs.iter().map(Val::tensor).collect::<Result<Vec<_>>>()?;
        crate::ops::stack_with(&list, dim)
    } };
    samples [(real([3, 2])), (real([3, 2]), -1), (real([0, 2]))];
}
