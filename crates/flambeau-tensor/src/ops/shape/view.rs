//! Other sizes over the same elements in the same order.

use crate::ops::op;
use crate::{Dims, Error, Layout, Result, Tensor, normalize_dim};

/// The sizes with their one -1 worked out.
pub(crate) fn infer(sizes: &[i64], numel: i64) -> Result<Dims> {
    let invalid = || Error::runtime(format!("shape '{}' is invalid for input of size {numel}", list(sizes)));
    let mut out: Dims = sizes.into();
    let mut open = None;
    let mut known: i64 = 1;
    for (d, &n) in sizes.iter().enumerate() {
        match n {
            -1 if open.is_some() => return Err(Error::runtime("only one dimension can be inferred")),
            -1 => open = Some(d),
            n if n < 0 => return Err(Error::runtime(format!("invalid shape dimension {n}"))),
            n => known = known.checked_mul(n).ok_or_else(invalid)?,
        }
    }
    match open {
        Some(_) if known == 0 && numel == 0 => Err(Error::runtime(format!(
            "cannot reshape tensor of 0 elements into shape {} because the unspecified dimension size -1 can be any value and is ambiguous",
            list(sizes)
        ))),
        Some(d) if known != 0 && numel % known == 0 => {
            out[d] = numel / known;
            Ok(out)
        }
        None if known == numel => Ok(out),
        _ => Err(invalid()),
    }
}

/// Sizes as PyTorch's messages write them.
pub(crate) fn list(sizes: &[i64]) -> String {
    format!("{sizes:?}")
}

fn viewed(x: &Tensor, sizes: &[i64]) -> Result<Layout> {
    let sizes = infer(sizes, x.numel())?;
    let strides = x.layout().view_strides(&sizes).ok_or_else(|| {
        Error::runtime(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous subspaces). \
             Use .reshape(...) instead.",
        )
    })?;
    Ok(Layout { sizes, strides, offset: x.layout().offset })
}

op! {
    /// The same elements in another shape, over the same memory; -1 stands for what is left. An error where the strides
    /// do not allow it: then `reshape` copies.
    ///
    /// Shape: `*s -> *size`. Dtype: unchanged.
    ///
    /// >>> torch.arange(4).view(2, 2)
    /// tensor([[0, 1],
    ///         [2, 3]])
    fn view(input: Tensor, size: Dims) -> y;
    variants [method];
    view { viewed(input, size) };
    vjp { input => |g, input.shape| g.reshape(&input.shape) };
    samples [
        (real([2, 3]), [3, 2]),
        (real([2, 3]), [-1]),
        (real([2, 3]), [1, 6, 1]),
        (real([]), [1]),
        (real([0, 2]), [3, 0]),
    ];
}

op! {
    /// The same elements in another shape: a view where the strides allow it, else a copy.
    ///
    /// Shape: `*s -> *shape`. Dtype: unchanged.
    ///
    /// >>> torch.arange(4).reshape(2, -1)
    /// tensor([[0, 1],
    ///         [2, 3]])
    fn reshape(input: Tensor, shape: Dims) -> y;
    variants [method, function];
    composite {
        let sizes = infer(shape, input.numel())?;
        match input.layout().view_strides(&sizes) {
            Some(_) => input.view(&sizes),
            None => input.clone_in(crate::MemoryFormat::Contiguous)?.unsafe_view(&sizes),
        }
    };
    samples [(real([2, 3]), [3, 2]), (real([]), [1, 1]), (real([0, 2]), [0, 5]), (real([2, 3]), [-1])];
}

op! {
    /// The elements of a fresh copy in another shape; not a view to anyone else.
    ///
    /// Shape: `*s -> *size`. Dtype: unchanged.
    fn unsafe_view(input: Tensor, size: Dims) -> y;
    variants [private];
    node "UnsafeViewBackward0";
    compute {
        let layout = viewed(input, size)?;
        Ok(Tensor::make(input.storage().clone(), layout, input.dtype()))
    };
    dtype input.dtype();
    shape viewed(input, size);
    vjp { input => |g, input.shape| g.reshape(&input.shape) };
    samples [(real([2, 3]), [6]), (real([]), [1]), (real([0, 2]), [0])];
}

op! {
    /// The elements in the shape of another tensor.
    ///
    /// Shape: `*s, *t -> *t`. Dtype: unchanged.
    fn reshape_as(input: Tensor, other: Tensor) -> y;
    variants [method];
    composite { input.reshape(other.size()) };
    samples [(real([2, 3]), other([3, 2])), (real([]), other([1])), (real([0, 2]), other([2, 0]))];
}

op! {
    /// A view in the shape of another tensor.
    ///
    /// Shape: `*s, *t -> *t`. Dtype: unchanged.
    fn view_as(input: Tensor, other: Tensor) -> y;
    variants [method];
    composite { input.view(other.size()) };
    samples [(real([2, 3]), other([3, 2])), (real([]), other([1])), (real([0, 2]), other([2, 0]))];
}

op! {
    /// One dimension in place of `start_dim` to `end_dim`.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.ones(2, 3, 4).flatten(1).shape
    /// torch.Size([2, 12])
    fn flatten(input: Tensor, start_dim: i64 = 0, end_dim: i64 = -1) -> y;
    variants [method, function];
    composite {
        let (start, end) = (normalize_dim(start_dim, input.dim())?, normalize_dim(end_dim, input.dim())?);
        if start > end {
            return Err(Error::runtime("flatten() has invalid args: start_dim cannot come after end_dim"));
        }
        if input.dim() == 0 {
            return input.reshape(&[1]);
        }
        if start == end {
            return Ok(input.clone());
        }
        let mut sizes: Dims = input.size()[..start].into();
        sizes.push(input.size()[start..=end].iter().product());
        sizes.extend_from_slice(&input.size()[end + 1..]);
        input.reshape(&sizes)
    };
    samples [(real([2, 3, 2])), (real([2, 3, 2]), 1), (real([2, 3, 2]), 0, 1), (real([])), (real([0, 2]))];
}

op! {
    /// Several dimensions in place of one; -1 stands for what is left.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.ones(6).unflatten(0, (2, -1)).shape
    /// torch.Size([2, 3])
    fn unflatten(input: Tensor, dim: i64, sizes: Dims) -> y;
    variants [method, function];
    composite {
        let at = normalize_dim(dim, input.dim())?;
        if sizes.is_empty() {
            return Err(Error::runtime("unflatten: sizes must be non-empty"));
        }
        let inner = infer(sizes, input.size()[at]).map_err(|_| Error::runtime(format!(
            "unflatten: Provided sizes {sizes:?} don't multiply up to the size of dim {at} ({}) in the input tensor", input.size()[at]
        )))?;
        let mut all: Dims = input.size()[..at].into();
        all.extend_from_slice(&inner);
        all.extend_from_slice(&input.size()[at + 1..]);
        input.view(&all)
    };
    samples [(real([2, 6]), 1, [2, 3]), (real([4]), 0, [-1, 2]), (real([0, 2]), 0, [0, 3])];
}

op! {
    /// The elements in one dimension.
    ///
    /// Shape: `*s -> n`. Dtype: unchanged.
    fn ravel(input: Tensor) -> y;
    variants [method, function];
    composite { input.contiguous()?.view(&[-1]) };
    samples [(real([2, 3])), (real([])), (real([0, 2]))];
}

op! {
    /// Without the dimensions of size 1.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.ones(1, 2, 1).squeeze().shape
    /// torch.Size([2])
    fn squeeze(input: Tensor) -> y;
    variants [method, function];
    view { squeezed(input, |_| true) };
    vjp { input => |g, input.shape| g.reshape(&input.shape) };
    samples [(real([1, 3, 1])), (real([2, 3])), (real([])), (real([1, 0]))];
}

op! {
    /// Without one dimension, if its size is 1.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.ones(1, 2, 1).squeeze(0).shape
    /// torch.Size([2, 1])
    fn squeeze.dim(input: Tensor, dim: i64) -> y;
    variants [method, function];
    node "SqueezeBackward1";
    view { let at = normalize_dim(dim, input.dim())?; squeezed(input, |d| d == at) };
    vjp { input => |g, input.shape| g.reshape(&input.shape) };
    samples [(real([1, 3, 1]), 0), (real([1, 3, 1]), -1), (real([1, 3, 1]), 1), (real([]), 0), (real([1, 0]), 0)];
}

op! {
    /// Without several dimensions, those whose size is 1.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    fn squeeze.dims(input: Tensor, dim: Dims) -> y;
    variants [method, function];
    node "SqueezeBackward2";
    view { let mask = crate::ops::rule::mask(input.dim(), Some(dim))?; squeezed(input, |d| !dim.is_empty() && mask[d]) };
    vjp { input => |g, input.shape| g.reshape(&input.shape) };
    samples [(real([1, 3, 1]), [0, 2]), (real([1, 3]), [-1]), (real([]), [0]), (real([1, 0]), [0])];
}

fn squeezed(x: &Tensor, wanted: impl Fn(usize) -> bool) -> Layout {
    let l = x.layout();
    let keep = |d: &usize| l.sizes[*d] != 1 || !wanted(*d);
    Layout {
        sizes: (0..l.ndim()).filter(keep).map(|d| l.sizes[d]).collect(),
        strides: (0..l.ndim()).filter(keep).map(|d| l.strides[d]).collect(),
        offset: l.offset,
    }
}

op! {
    /// With a dimension of size 1 put in at `dim`.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.ones(2).unsqueeze(1).shape
    /// torch.Size([2, 1])
    fn unsqueeze(input: Tensor, dim: i64) -> y;
    variants [method, function];
    view {
        let mut l = input.layout().clone();
        let at = normalize_dim(dim, l.ndim() + 1)?;
        let stride = if at < l.ndim() { l.sizes[at] * l.strides[at] } else { 1 };
        l.sizes.insert(at, 1);
        l.strides.insert(at, stride);
        l
    };
    vjp { input => |g, dim| g.squeeze_dim(dim) };
    samples [(real([2, 3]), 0), (real([2, 3]), -1), (real([]), 0), (real([0, 2]), 1)];
}

op! {
    /// A view of the tensor itself.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    fn view_alias(input: Tensor) -> y;
    variants [private, rust];
    node "AliasBackward0";
    view { input.layout().clone() };
    vjp { input => |g| g };
    samples [(real([2, 3])), (real([])), (real([0, 2]))];
}

op! {
    /// A view of `input` that also hangs on `other` in the graph, with a gradient of zero: for first derivatives that do
    /// not move with a tensor they were computed from.
    ///
    /// Shape: `*s, *t -> *s`. Dtype: unchanged.
    fn tied(input: Tensor, other: Tensor) -> y;
    variants [private];
    view { input.layout().clone() };
    vjp {
        input => |g| g;
        other => |g, other.shape| crate::ops::zeros_with(&other.shape, crate::Options { dtype: Some(other.dtype), device: Some(other.device), requires_grad: false })
    };
    samples [(real([2, 3]), other([2, 3])), (real([]), other([]))];
}
