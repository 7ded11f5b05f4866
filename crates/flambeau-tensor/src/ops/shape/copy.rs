//! The operators that give views, with the elements copied: a result of its own, row-major.

use crate::ops::op;
use crate::{MemoryFormat, Result, Tensor};

fn own(view: Result<Tensor>) -> Result<Tensor> {
    view?.clone_in(MemoryFormat::Contiguous)
}

fn own_all(views: Result<Vec<Tensor>>) -> Result<Vec<Tensor>> {
    views?.into_iter().map(|v| own(Ok(v))).collect()
}

op! {
    /// A copy, row-major.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.alias_copy(torch.tensor([1, 2]))
    /// tensor([1, 2])
    fn alias_copy(input: Tensor) -> y;
    variants [function, out];
    composite { own(Ok(input.clone())) };
    samples [(real([2, 3])), (real([])), (real([0, 2]))];
}

op! {
    /// A copy without a history.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.detach_copy(torch.tensor([1, 2]))
    /// tensor([1, 2])
    fn detach_copy(input: Tensor) -> y;
    variants [function, out];
    nondifferentiable;
    composite { own(Ok(input.detach())) };
    samples [(real([2, 3])), (real([])), (real([0, 2]))];
}

op! {
    /// A copy of what sizes, strides and an offset show of the storage.
    ///
    /// Shape: `*s -> *size`. Dtype: unchanged.
    ///
    /// >>> torch.as_strided_copy(torch.arange(6), (2, 2), (1, 2))
    /// tensor([[0, 2],
    ///         [1, 3]])
    fn as_strided_copy(input: Tensor, size: Dims, stride: Dims, storage_offset: Option<i64> = None) -> y;
    variants [function, out];
    composite { own(input.as_strided_with(size, stride, storage_offset)) };
    samples [(real([2, 3]), [2, 2], [1, 2]), (real([2, 3]), [2, 2], [1, 1], 1), (real([]), [], []), (real([0, 2]), [0], [1])];
}

op! {
    /// A copy of a diagonal.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.diagonal_copy(torch.tensor([[1, 2], [3, 4]]))
    /// tensor([1, 4])
    fn diagonal_copy(input: Tensor, offset: i64 = 0, dim1: i64 = 0, dim2: i64 = 1) -> y;
    variants [function, out];
    composite { own(input.diagonal_with(offset, dim1, dim2)) };
    samples [(real([2, 3])), (real([2, 3]), 1), (real([2, 3, 2]), -1, 0, 2), (real([0, 2]))];
}

op! {
    /// A copy, expanded to a size.
    ///
    /// Shape: `*s -> *size`. Dtype: unchanged.
    ///
    /// >>> torch.expand_copy(torch.tensor([1, 2]), (2, 2))
    /// tensor([[1, 2],
    ///         [1, 2]])
    fn expand_copy(input: Tensor, size: Dims; implicit: bool = false) -> y;
    variants [function, out];
    composite { own(input.expand_with(size, implicit)) };
    samples [(real([2, 1]), [2, 3]), (real([3]), [2, -1], true), (real([]), [2]), (real([0, 1]), [0, 2])];
}

op! {
    /// A copy of the elements `start` to `start + length` of a dimension.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.narrow_copy(torch.arange(5), 0, 1, 3)
    /// tensor([1, 2, 3])
    fn narrow_copy(input: Tensor, dim: i64, start: i64, length: i64) -> y;
    variants [method, function, out];
    composite {
        let n = input.dim() as i64;
        if n > 0 && dim >= n {
            return Err(crate::Error::runtime("Expected dim < static_cast<int64_t>(self_sizes.size()) to be true, but got false."));
        }
        let size = if n > 0 { input.size_of(dim)? } else { 0 };
        if n > 0 && length < 0 {
            return Err(crate::Error::runtime(format!("start ({start}) + length ({length}) exceeds dimension size ({size}).")));
        }
        own(input.narrow(dim, start, length))
    };
    samples [(real([4, 2]), 0, 1, 2), (real([2, 4]), -1, -3, 2), (real([2, 3]), 0, 1, 0), (real([0, 2]), 1, 0, 1)];
}

op! {
    /// A copy with the dimensions in another order.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.permute_copy(torch.tensor([[1, 2], [3, 4]]), (1, 0))
    /// tensor([[1, 3],
    ///         [2, 4]])
    fn permute_copy(input: Tensor, dims: Dims) -> y;
    variants [function, out];
    composite { own(input.permute(dims)) };
    samples [(real([2, 3, 4]), [2, 0, 1]), (real([2, 3]), [-1, 0]), (real([]), []), (real([0, 2]), [1, 0])];
}

op! {
    /// A copy of one element of a dimension, without that dimension.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.select_copy(torch.tensor([[1, 2], [3, 4]]), 0, 1)
    /// tensor([3, 4])
    fn select_copy(input: Tensor, dim: i64, index: i64) -> y;
    variants [function, out];
    composite { own(input.select(dim, index)) };
    samples [(real([2, 3]), 0, 1), (real([2, 3]), -1, -1), (real([0, 3]), 1, 0)];
}

op! {
    /// A copy of every `step`-th element from `start` to `end` of a dimension.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.slice_copy(torch.arange(6), 0, 1, 5, 2)
    /// tensor([1, 3])
    fn slice_copy(input: Tensor, dim: i64 = 0, start: Option<i64> = None, end: Option<i64> = None, step: i64 = 1) -> y;
    variants [function, out];
    composite { own(input.slice(dim, start.unwrap_or(0), end.unwrap_or(i64::MAX), step)) };
    samples [(real([4, 3])), (real([4, 3]), -1, -2, 9, 1), (real([4, 3]), 0, 1, 4, 2), (real([0, 3]), 1, 0, 2)];
}

op! {
    /// Copies of equal parts of a dimension.
    ///
    /// Shape: `*s -> *t, ...`. Dtype: unchanged.
    ///
    /// >>> torch.split_copy(torch.arange(3), 2)
    /// (tensor([0, 1]), tensor([2]))
    fn split_copy(input: Tensor, split_size: i64, dim: i64 = 0) -> [outputs];
    variants [function, out];
    composite { own_all(input.split_with(split_size, dim)) };
    samples [(real([3, 2]), 2), (real([2, 3]), 2, -1), (real([0, 2]), 1, 1)];
}

op! {
    /// Copies of parts of a dimension, of the given sizes.
    ///
    /// Shape: `*s -> *t, ...`. Dtype: unchanged.
    ///
    /// >>> torch.split_with_sizes_copy(torch.arange(3), (1, 2))
    /// (tensor([0]), tensor([1, 2]))
    fn split_with_sizes_copy(input: Tensor, split_sizes: Dims, dim: i64 = 0) -> [outputs];
    variants [function, out];
    composite { own_all(input.split_with_sizes_with(split_sizes, dim)) };
    samples [(real([3, 2]), [1, 2]), (real([2, 3]), [2, 1], -1), (real([0, 2]), [1, 1], 1)];
}

op! {
    /// A copy without dimensions of size 1.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.squeeze_copy(torch.tensor([[1, 2]]))
    /// tensor([1, 2])
    fn squeeze_copy(input: Tensor) -> y;
    variants [function, out];
    composite { own(input.squeeze()) };
    samples [(real([1, 3, 1])), (real([])), (real([0, 1]))];
}

op! {
    /// A copy without a dimension, if that is of size 1.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    fn squeeze_copy.dim(input: Tensor, dim: i64) -> y;
    variants [function, out];
    composite { own(input.squeeze_dim(dim)) };
    samples [(real([1, 3, 1]), 0), (real([2, 3]), -1), (real([]), 0), (real([0, 1]), 1)];
}

op! {
    /// A copy without those of some dimensions that are of size 1.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    fn squeeze_copy.dims(input: Tensor, dim: Dims) -> y;
    variants [function, out];
    composite { own(input.squeeze_dims(dim)) };
    samples [(real([1, 3, 1]), [0, -1]), (real([2, 3]), [0, 1]), (real([0, 1]), [1])];
}

op! {
    /// A copy of a matrix with its two dimensions exchanged; of a vector or a number, as it is.
    ///
    /// Shape: `n m -> m n`. Dtype: unchanged.
    ///
    /// >>> torch.t_copy(torch.tensor([[1, 2], [3, 4]]))
    /// tensor([[1, 3],
    ///         [2, 4]])
    fn t_copy(input: Tensor) -> y;
    variants [function, out];
    composite { own(input.t()) };
    samples [(real([2, 3])), (real([3])), (real([])), (real([0, 2]))];
}

op! {
    /// A copy with two dimensions exchanged.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.transpose_copy(torch.tensor([[1, 2], [3, 4]]), 0, 1)
    /// tensor([[1, 3],
    ///         [2, 4]])
    fn transpose_copy(input: Tensor, dim0: i64, dim1: i64) -> y;
    variants [function, out];
    composite { own(input.transpose(dim0, dim1)) };
    samples [(real([2, 3, 4]), 0, 2), (real([2, 3]), -1, 0), (real([]), 0, 0), (real([0, 2]), 0, 1)];
}

op! {
    /// Copies of the elements of a dimension.
    ///
    /// Shape: `*s -> *t, ...`. Dtype: unchanged.
    ///
    /// >>> torch.unbind_copy(torch.tensor([[1, 2], [3, 4]]))
    /// (tensor([1, 2]), tensor([3, 4]))
    fn unbind_copy(input: Tensor, dim: i64 = 0) -> [outputs];
    variants [function, out];
    composite { own_all(input.unbind_with(dim)) };
    samples [(real([2, 3])), (real([2, 3]), -1), (real([0, 2]), 1)];
}

op! {
    /// A copy of the windows of a dimension, in a dimension of their own at the end.
    ///
    /// Shape: `*s -> *t size`. Dtype: unchanged.
    ///
    /// >>> torch.unfold_copy(torch.arange(4), 0, 2, 1)
    /// tensor([[0, 1],
    ///         [1, 2],
    ///         [2, 3]])
    fn unfold_copy(input: Tensor, dimension: i64, size: i64, step: i64) -> y;
    variants [function, out];
    composite { own(input.unfold(dimension, size, step)) };
    samples [(real([5, 2]), 0, 3, 2), (real([5, 2]), 0, 2, 1), (real([]), 0, 1, 1), (real([0, 3]), 1, 2, 1)];
}

op! {
    /// A copy with a dimension of size 1 put in.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.unsqueeze_copy(torch.tensor([1, 2]), 0)
    /// tensor([[1, 2]])
    fn unsqueeze_copy(input: Tensor, dim: i64) -> y;
    variants [function, out];
    composite { own(input.unsqueeze(dim)) };
    samples [(real([2, 3]), 0), (real([2, 3]), -1), (real([]), 0), (real([0, 2]), 1)];
}

op! {
    /// A copy in another shape.
    ///
    /// Shape: `*s -> *size`. Dtype: unchanged.
    ///
    /// >>> torch.view_copy(torch.arange(4), (2, 2))
    /// tensor([[0, 1],
    ///         [2, 3]])
    fn view_copy(input: Tensor, size: Dims) -> y;
    variants [function, out];
    composite { own(input.view(size)) };
    samples [(real([2, 3]), [3, 2]), (real([2, 3]), [-1]), (real([]), [1]), (real([0, 2]), [2, 0])];
}

op! {
    /// A copy of complex numbers as pairs of real ones, in a dimension of their own at the end.
    ///
    /// Shape: `*s -> *s 2`. Dtype: that of the parts.
    ///
    /// >>> torch.view_as_real_copy(torch.tensor([1+2j]))
    /// tensor([[1., 2.]])
    fn view_as_real_copy(input: Tensor) -> y;
    variants [function, out];
    composite { own(input.view_as_real()) };
    samples [(complex([2, 3])), (complex([])), (complex([0, 2]))];
}

op! {
    /// A copy of pairs of real numbers as complex ones.
    ///
    /// Shape: `*s 2 -> *s`. Dtype: complex.
    ///
    /// >>> torch.view_as_complex_copy(torch.tensor([[1., 2.]]))
    /// tensor([1.+2.j])
    fn view_as_complex_copy(input: Tensor) -> y;
    variants [function, out];
    composite {
        let pairs = input.view_as_complex().map_err(|e| crate::Error::new(e.kind(), format!("view_as_complex_copy: {e}")));
        own(pairs)
    };
    samples [(real([2, 3, 2])), (real([2])), (real([0, 2]))];
}

op! {
    /// Tensors cut along a dimension into `num_chunks` parts each (with zeros behind, where that does not come out even),
    /// the parts of one number one after another.
    ///
    /// Shape: `*s n *t, *s m *t -> *s num_chunks k`. Dtype: unchanged, one for all.
    fn _chunk_cat(tensors: Tensors, dim: i64, num_chunks: i64) -> y;
    variants [function, out];
    composite {
        let Some(first) = tensors.first() else {
            return Err(crate::Error::runtime("_chunk_cat expects a non-empty input tensor list"));
        };
        if num_chunks < 1 {
            return Err(crate::Error::runtime("_chunk_cat expects positive num_chunks"));
        }
        if dim < 0 && tensors.iter().any(|t| t.dim() != first.dim()) {
            return Err(crate::Error::runtime(
                "_chunk_cat expects non-negative dim when input tensors have different ndims",
            ));
        }
        let at = crate::normalize_dim(dim, first.dim())?;
        let mut parts = Vec::with_capacity(tensors.len());
        for t in tensors {
            if t.numel() == 0 {
                return Err(crate::Error::runtime("_chunk_cat expects non-empty tensor"));
            }
            if t.dtype() != first.dtype() {
                return Err(crate::Error::runtime("_chunk_cat expects all input tensors with the same dtype"));
            }
            if at >= t.dim() {
                return Err(crate::Error::runtime("_chunk_cat expects dim < ndim for all input tensors"));
            }
            if t.size()[..at] != first.size()[..at] {
                return Err(crate::Error::runtime("_chunk_cat expects same sizes of 0,...,dim-1 dimensions for all tensors"));
            }
            let n = t.size()[at];
            let mut padded = t.sizes();
            padded[at] = n.checked_add(num_chunks - 1).map_or(n, |m| m / num_chunks * num_chunks);
            let whole = if padded[at] == n { t.clone() } else { t.slice_into_zeros(&padded, at as i64, 0, n, 1)? };
            let mut sizes: crate::Dims = t.size()[..at].into();
            sizes.extend([num_chunks, -1]);
            parts.push(whole.reshape(&sizes)?);
        }
        crate::ops::cat_with(&parts, at as i64 + 1)
    };
    samples [(vec![real([3, 2]), other([2])], 0, 2), (vec![real([2, 3]), other([2, 2, 2])], 1, 2)];
}
