//! Reading elements that indices name, and writing to places of the flat tensor.

use flambeau_cpu::{View, index as kernels};

use crate::ops::{Val, op};
use crate::{DType, Dims, Error, Options, Result, Tensor, broadcast_shapes, normalize_dim};

/// Zeros of a shape, like a gradient.
pub(crate) fn zeros_like_grad(g: &Val, sizes: &[i64]) -> Result<Tensor> {
    crate::ops::zeros_with(sizes, Options::like(&g.tensor()?))
}

/// A size as `gather` and `scatter` see it: a number counts as one element of one dimension.
pub(crate) fn at_least_1d(sizes: &[i64]) -> &[i64] {
    if sizes.is_empty() { &[1] } else { sizes }
}

pub(crate) fn gathered(x: &Tensor, dim: i64, index: &Tensor) -> Result<Dims> {
    let at = normalize_dim(dim, x.dim())?;
    if index.numel() > 0 {
        if !matches!(index.dtype(), DType::I64 | DType::I32) {
            return Err(Error::runtime("gather(): Expected dtype int32/int64 for index"));
        }
        let (xs, is) = (at_least_1d(x.size()), at_least_1d(index.size()));
        if xs.len() != is.len() {
            return Err(Error::runtime("Index tensor must have the same number of dimensions as input tensor"));
        }
        if let Some(d) = (0..xs.len()).find(|&d| d != at && is[d] > xs[d]) {
            return Err(Error::runtime(format!(
                "Size does not match at dimension {d} expected index {:?} to be no larger than self {:?} apart from dimension {at}",
                index.size(),
                x.size()
            )));
        }
    }
    Ok(index.sizes())
}

op! {
    /// Elements picked along one dimension: `out[i][j] = input[index[i][j]][j]` for `dim` 0, and so on.
    ///
    /// Shape: `*s, *t -> *t`. Dtype: unchanged; the index is int64 or int32.
    ///
    /// >>> torch.gather(torch.tensor([[1, 2], [3, 4]]), 1, torch.tensor([[0, 0], [1, 0]]))
    /// tensor([[1, 1],
    ///         [4, 3]])
    fn gather(input: Tensor, dim: i64, index: Tensor; sparse_grad: bool = false) -> y;
    variants [method, function, out];
    dtype input.dtype();
    shape gathered(input, dim, index);
    kernel {
        if index.numel() == 0 {
            return Ok(());
        }
        kernels::gather(y, input, normalize_dim(dim, input.ndim())?, index)
    };
    vjp { input => |g, input.shape, dim, index| {
        zeros_like_grad(g, &input.shape)?.scatter_add_(dim, &index.tensor()?, &g.tensor()?)
    } };
    samples [
        (real([3, 4]), 1, int([3, 2], 0, 4)),
        (real([3, 4]), 0, int([2, 3], 0, 3), true),
        (real([]), 0, int([], 0, 1)),
        (real([3, 4]), -1, int([0, 2], 0, 4)),
    ];
}

/// Indices that count from the end, as those from the front.
fn from_the_front(index: &Tensor, n: i64) -> Result<Tensor> {
    index.lt(0)?.where_(index.add(n)?, index)
}

op! {
    /// Elements picked along a dimension, with input and indices broadcast in the others; without `dim`, of the flat input.
    ///
    /// Shape: `*s, *t -> *u`. Dtype: unchanged; the indices are int64.
    ///
    /// >>> torch.take_along_dim(torch.tensor([[10, 30], [60, 40]]), torch.tensor([[0], [1]]), dim=1)
    /// tensor([[10],
    ///         [40]])
    fn take_along_dim(input: Tensor, indices: Tensor, dim: Option<i64> = None) -> y;
    variants [method, function, out];
    composite {
        if indices.dtype() != DType::I64 {
            return Err(Error::runtime(format!(
                "torch.take_along_dim(): dtype of indices should be Long but got {}", indices.dtype().title()
            )));
        }
        let Some(dim) = dim else {
            let index = from_the_front(&indices.reshape(&[-1])?, input.numel())?;
            return input.reshape(&[-1])?.gather(0, &index);
        };
        if input.dim() != indices.dim() {
            return Err(Error::runtime(format!(
                "torch.take_along_dim(): input and indices should have the same number of dimensions, but got {} dimensions for input, and {} \
                 dimensions for indices", input.dim(), indices.dim()
            )));
        }
        let at = normalize_dim(dim, input.dim())?;
        if input.dim() == 0 {
            return input.gather(0, &from_the_front(indices, 1)?);
        }
        let (mut xs, mut is) = (input.sizes(), indices.sizes());
        xs[at] = is[at];
        let index = from_the_front(indices, input.size()[at])?.expand(&broadcast_shapes(&xs, &is)?)?;
        is[at] = input.size()[at];
        input.expand(&broadcast_shapes(&is, input.size())?)?.gather(at as i64, &index)
    };
    samples [
        (real([3, 4]), int([3, 2], 0, 4), 1),
        (real([2, 3]), int([4], 0, 6)),
        (real([2, 3]), int([1, 3], 0, 2), 0),
    ];
}

fn check_flat_index(index: DType, what: &str) -> Result<()> {
    if index != DType::I64 {
        return Err(Error::runtime(format!("{what}(): Expected a long tensor for index, but got {}", index.title())));
    }
    Ok(())
}

op! {
    /// Elements of the tensor, seen as one row, at the positions that `index` names; negative ones count from the end.
    ///
    /// Shape: `*s, *t -> *t`. Dtype: unchanged; the index is int64.
    ///
    /// >>> torch.tensor([[4, 3], [5, 6]]).take(torch.tensor([0, 2, -1]))
    /// tensor([4, 5, 6])
    fn take(input: Tensor, index: Tensor) -> y;
    variants [method, function, out];
    dtype { check_flat_index(index.dtype(), "take")?; input.dtype() };
    shape index.size();
    kernel { kernels::take(y, input, index) };
    vjp { input => |g, input.shape, index| zeros_like_grad(g, &input.shape)?.put__with(&index.tensor()?, &g.tensor()?, true) };
    samples [(real([3, 4]), int([5], -12, 12)), (real([]), int([2], 0, 1)), (real([2, 2]), int([0, 3], 0, 4))];
}

fn check_put(x: DType, index: &View, source: &View) -> Result<()> {
    check_flat_index(index.dtype(), "put_")?;
    if x != source.dtype() {
        return Err(Error::runtime(format!(
            "put_(): self and source expected to have the same dtype, but got self.dtype = {} and source.dtype = {}",
            x.title(),
            source.dtype().title()
        )));
    }
    if index.numel() != source.numel() {
        return Err(Error::index(format!(
            "put_(): Expected source and index to have the same number of elements, but got source.numel() = {}, index.numel() = {}",
            source.numel(),
            index.numel()
        )));
    }
    Ok(())
}

op! {
    /// Writes `source` to the positions of the tensor, seen as one row, that `index` names, or adds it where `accumulate`.
    ///
    /// Shape: `*s, *t, *t -> *s`. Dtype: that of the tensor; the index is int64.
    ///
    /// >>> torch.zeros(2, 2).put_(torch.tensor([0, -1]), torch.tensor([1., 2.]))
    /// tensor([[1., 0.],
    ///         [0., 2.]])
    fn put_write(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = false) -> y;
    variants [method, inplace put_];
    quirks [Apart];
    node "PutBackward0";
    mutate {
        check_put(input.dtype(), &index, &source)?;
        kernels::put(input, index, source, accumulate)
    };
    vjp {
        input => |g, index, source.shape, accumulate| if accumulate { g.clone() } else {
            g.put(index, zeros_like_grad(g, &source.shape)?)
        };
        source => |g, index, source.shape| g.take(index).reshape(&source.shape)
    };
    samples [
        (real([2, 3]), int([2], 0, 6), other([2])),
        (real([2, 3]), int([2], 0, 6), other([2]), true),
        (real([]), int([1], 0, 1), other([1])),
        (real([0, 2]), int([0], 0, 1), other([0])),
    ];
}

op! {
    /// A copy with `source` at the positions of the flat tensor that `index` names, or added there where `accumulate`.
    ///
    /// Shape: `*s, *t, *t -> *s`. Dtype: unchanged; the index is int64.
    ///
    /// >>> torch.zeros(3).put(torch.tensor([1]), torch.tensor([5.]))
    /// tensor([0., 5., 0.])
    fn put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = false) -> y;
    variants [method, function];
    composite { input.clone_tensor()?.put__with(index, source, accumulate) };
    samples [
        (real([2, 3]), int([2], 0, 6), other([2])),
        (real([2, 3]), int([7], 0, 6), other([7]), true),
        (real([]), int([1], 0, 1), other([1])),
        (real([0, 2]), int([0], 0, 1), other([0])),
    ];
}
