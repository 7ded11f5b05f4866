//! Slices that a vector of indices names: read, and added to.

use flambeau_cpu::{View, ViewMut, index as kernels};

use super::gather::zeros_like_grad;
use crate::ops::op;
use crate::{DType, Dims, Error, MemoryFormat, Result, Tensor, normalize_dim};

fn check_add(x: &ViewMut, at: usize, index: &View, source: &View) -> Result<()> {
    if index.ndim() > 1 {
        return Err(Error::index(format!(
            "index_add_(): Index is supposed to be a vector, but got dim: {} with type: {} and size: {:?}",
            index.ndim(),
            index.dtype().title(),
            index.sizes()
        )));
    }
    if !matches!(index.dtype(), DType::I64 | DType::I32) {
        return Err(Error::runtime(format!(
            "index_add_(): Expected dtype int32/int64 for index but got: {}",
            index.dtype().title()
        )));
    }
    if source.dtype() != x.dtype() {
        return Err(Error::runtime(format!(
            "index_add_(): self ({}) and source ({}) must have the same scalar type",
            x.dtype().title(),
            source.dtype().title()
        )));
    }
    let n = index.numel() as i64;
    let length = source.sizes().get(at).copied().unwrap_or(1);
    if length != n {
        return Err(Error::runtime(format!(
            "index_add_(): Number of indices ({n}) should be equal to source.size(dim): ({length}), for dim: {at}"
        )));
    }
    let same = source.ndim() == x.ndim() && (0..x.ndim()).all(|d| d == at || x.sizes()[d] == source.sizes()[d]);
    if !same && source.ndim() + x.ndim() > 1 {
        return Err(Error::runtime(format!(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = {:?} source.shape = {:?}",
            x.sizes(),
            source.sizes()
        )));
    }
    Ok(())
}

op! {
    /// Adds `alpha * source` to the slices of `dim` that `index` names, in order.
    ///
    /// Shape: `*s, n, *t -> *s`. Dtype: that of the tensor.
    ///
    /// >>> torch.zeros(3).index_add_(0, torch.tensor([0, 2]), torch.tensor([1., 2.]))
    /// tensor([1., 0., 2.])
    fn index_add_write(input: Tensor, dim: i64, index: Tensor, source: Tensor; alpha: Scalar = 1) -> y;
    variants [method, inplace index_add_];
    quirks [Apart];
    node "IndexAddBackward0";
    mutate {
        let at = normalize_dim(dim, input.ndim())?;
        check_add(&input, at, &index, &source)?;
        kernels::index_add(input, at, index, source, alpha)
    };
    vjp {
        input => |g| g;
        source => |g, dim, index, source.shape, alpha| (g.index_select(dim, index) * alpha.conj()).reshape(&source.shape)
    };
    samples [
        (real([3, 2]), 0, int([4], 0, 3), other([4, 2]), 2.5),
        (real([2, 3]), -1, int([2], 0, 3), other([2, 2])),
        (real([]), 0, int([1], 0, 1), other([1])),
        (real([0, 3]), 1, int([2], 0, 3), other([0, 2])),
    ];
}

op! {
    /// A copy with `alpha * source` added to the slices of `dim` that `index` names, in order.
    ///
    /// Shape: `*s, n, *t -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.zeros(3).index_add(0, torch.tensor([0, 2]), torch.tensor([1., 2.]))
    /// tensor([1., 0., 2.])
    fn index_add(input: Tensor, dim: i64, index: Tensor, source: Tensor; alpha: Scalar = 1) -> y;
    variants [method, function, out];
    composite { input.clone_in(MemoryFormat::Contiguous)?.index_add__with(dim, index, source, alpha) };
    samples [
        (real([3, 2]), 0, int([4], 0, 3), other([4, 2]), 2.5),
        (real([2, 3]), -1, int([2], 0, 3), other([2, 2])),
        (real([]), 0, int([1], 0, 1), other([1])),
        (real([0, 3]), 1, int([2], 0, 3), other([0, 2])),
    ];
}

op! {
    /// The slices of `dim` that `index` names, in its order.
    ///
    /// Shape: `*s, n -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.tensor([10, 20, 30]).index_select(0, torch.tensor([2, 0]))
    /// tensor([30, 10])
    fn index_select(input: Tensor, dim: i64, index: Tensor) -> y;
    variants [method, function, out];
    dtype input.dtype();
    shape selected(input, dim, index);
    kernel { kernels::index_select(y, input, normalize_dim(dim, input.ndim())?, index) };
    vjp { input => |g, input.shape, dim, index| {
        zeros_like_grad(g, &input.shape)?.index_add_(dim, &index.tensor()?, &g.tensor()?)
    } };
    samples [
        (real([3, 2]), 0, int([4], 0, 3)),
        (real([2, 3]), -1, int([0], 0, 3)),
        (real([]), 0, int([1], 0, 1)),
        (real([0, 3]), 1, int([2], 0, 3)),
    ];
}

fn selected(x: &Tensor, dim: i64, index: &Tensor) -> Result<Dims> {
    let at = normalize_dim(dim, x.dim())?;
    if !matches!(index.dtype(), DType::I64 | DType::I32) {
        return Err(Error::runtime("index_select(): Expected dtype int32 or int64 for index"));
    }
    if index.dim() > 1 {
        return Err(Error::index("index_select(): Index is supposed to be a vector"));
    }
    let mut sizes = x.sizes();
    if x.dim() > 0 {
        sizes[at] = index.numel();
    } else if index.numel() != 1 {
        return Err(Error::runtime(format!(
            "index_select(): Index to scalar can have only 1 value, got {} value(s)",
            index.numel()
        )));
    }
    Ok(sizes)
}
