//! Where elements are true: their places, and the elements of others there.

use flambeau_cpu::index as kernels;

use super::gather::zeros_like_grad;
use crate::dispatch::Locked;
use crate::ops::shape::convert::broadcast_to;
use crate::ops::{Val, op};
use crate::{DType, Device, Error, Layout, MemoryFormat, Result, Tensor, broadcast_shapes};

op! {
    /// The indices of the elements that are not zero, one row each.
    ///
    /// Shape: `*s -> n d`. Dtype: int64.
    ///
    /// >>> torch.nonzero(torch.tensor([[0, 5], [7, 0]]))
    /// tensor([[0, 1],
    ///         [1, 0]])
    fn nonzero(input: Tensor) -> y;
    variants [method, function, out];
    nondifferentiable;
    compute {
        let n = Locked::with(&[input], |locked| kernels::count_nonzero(locked.view(input))) as i64;
        // Column by column, so that each column is one block.
        let sizes = [n, input.dim() as i64];
        let layout = Layout { sizes: sizes.as_slice().into(), strides: [1, n.max(1)].as_slice().into(), offset: 0 };
        let out = Tensor::alloc(layout, DType::I64, Device::Cpu)?;
        Locked::run(&[input], std::slice::from_ref(&out), |locked, outs| kernels::nonzero(outs.next(), locked.view(input)));
        Ok(out)
    };
    samples [(real([2, 3])), (mask([2, 3])), (real([])), (real([0, 2])), (int([2, 3], 0, 2))];
}

op! {
    /// The indices of the elements that are not zero, one row each.
    ///
    /// Shape: `*s -> n d`. Dtype: int64.
    ///
    /// >>> torch.argwhere(torch.tensor([0, 5, 7]))
    /// tensor([[1],
    ///         [2]])
    fn argwhere(input: Tensor) -> y;
    variants [method, function];
    composite { input.nonzero() };
    samples [(real([2, 3])), (mask([2, 3])), (real([])), (real([0, 2])), (int([2, 3], 0, 2))];
}

op! {
    /// The elements where `mask` is true, in one dimension.
    ///
    /// Shape: `*s, *t -> n`. Dtype: unchanged; the mask is bool.
    ///
    /// >>> torch.tensor([1, 2, 3]).masked_select(torch.tensor([True, False, True]))
    /// tensor([1, 3])
    fn masked_select(input: Tensor, mask: Tensor) -> y;
    variants [method, function, out];
    compute {
        if mask.dtype() != DType::Bool {
            return Err(Error::runtime("masked_select: expected BoolTensor for mask"));
        }
        let sizes = broadcast_shapes(mask.size(), input.size())?;
        let (x, mask) = (input.expand(&sizes)?, mask.expand(&sizes)?);
        let n = Locked::with(&[&mask], |locked| kernels::count_nonzero(locked.view(&mask))) as i64;
        let out = Tensor::empty(&[n], x.dtype(), Device::Cpu)?;
        Locked::run(&[&x, &mask], std::slice::from_ref(&out), |locked, outs| {
            kernels::masked_select(outs.next(), locked.view(&x), locked.view(&mask))
        });
        Ok(out)
    };
    vjp { input => |g, input.shape, mask| {
        let mask = mask.tensor()?;
        zeros_like_grad(g, &broadcast_shapes(&input.shape, mask.size())?)?.masked_scatter_(&mask, &g.tensor()?)
    } };
    samples [
        (real([2, 3]), mask([2, 3])),
        (real([2, 3]), mask([3])),
        (real([3]), mask([2, 1])),
        (real([]), mask([])),
        (real([0, 2]), mask([2])),
    ];
}

op! {
    /// Writes the elements of `source`, in order, where `mask` is true.
    ///
    /// Shape: `*s, *t, *u -> *s`. Dtype: that of the tensor; the mask is bool.
    ///
    /// >>> torch.zeros(3).masked_scatter_(torch.tensor([True, False, True]), torch.tensor([1., 2.]))
    /// tensor([1., 0., 2.])
    fn masked_scatter_write(input: Tensor, mask: Tensor, source: Tensor) -> y;
    variants [method, inplace masked_scatter_];
    node "MaskedScatterBackward0";
    mutate {
        if mask.dtype() != DType::Bool {
            return Err(Error::runtime(format!(
                "masked_scatter_ only supports boolean masks, but got mask with dtype {}", mask.dtype().title()
            )));
        }
        if source.dtype() != input.dtype() {
            return Err(Error::runtime(format!(
                "masked_scatter: expected self and source to have same dtypes but got{} and {}",
                input.dtype().title(), source.dtype().title()
            )));
        }
        let strides = broadcast_to(mask.sizes(), mask.strides(), input.sizes())?;
        // SAFETY: broadcasting repeats elements that the mask has.
        let mask = unsafe { mask.with(input.sizes(), &strides) };
        kernels::masked_scatter(input, mask, source)
    };
    vjp {
        input => |g, mask| g.masked_fill(mask, 0.0);
        source => |g, mask, source.shape| taken(g.masked_select(mask), &source.shape)
    };
    samples [
        (real([2, 3]), mask([2, 3]), other([6])),
        (real([2, 3]), mask([3]), other([2, 3])),
        (real([]), mask([]), other([1])),
        (real([0, 2]), mask([2]), other([0])),
    ];
}

/// The gradient of a source of which the first elements were used.
fn taken(g: Val, sizes: &[i64]) -> Result<Tensor> {
    let g = g.tensor()?;
    let (n, have) = (crate::numel(sizes), g.numel());
    let g = if have < n { g.slice_into_zeros(&[n], 0, 0, have, 1)? } else { g };
    g.reshape(sizes)
}

op! {
    /// A copy with the elements of `source`, in order, where `mask` is true.
    ///
    /// Shape: `*s, *t, *u -> broadcast(*s, *t)`. Dtype: unchanged; the mask is bool.
    ///
    /// >>> torch.zeros(3).masked_scatter(torch.tensor([True, False, True]), torch.tensor([1., 2.]))
    /// tensor([1., 0., 2.])
    fn masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> y;
    variants [method, function];
    composite {
        let sizes = broadcast_shapes(mask.size(), input.size())?;
        input.expand(&sizes)?.clone_in(MemoryFormat::Contiguous)?.masked_scatter_(mask, source)
    };
    samples [
        (real([2, 3]), mask([2, 3]), other([6])),
        (real([3]), mask([2, 3]), other([6])),
        (real([]), mask([]), other([1])),
        (real([0, 2]), mask([2]), other([0])),
    ];
}
