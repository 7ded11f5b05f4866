//! Products.

use flambeau_cpu::reduce as kernels;

use super::over;
use super::recurrence::product_backward;
use super::sums::keep_reduced;
use crate::ops::{Val, op, rule};
use crate::{Device, Dims, Result, Tensor, normalize_dim};

/// True if an element is zero, so that dividing by elements is no way to a gradient.
pub(crate) fn has_zero(x: &Tensor) -> Result<bool> {
    if x.device() == Device::Meta {
        return Ok(false);
    }
    Ok(x.detach().eq(0)?.any()?.item()?.to_bool())
}

/// The gradient of a product along one dimension; `g` and `y` have it as 1.
fn along(g: &Tensor, x: &Tensor, y: &Tensor, dim: i64) -> Result<Tensor> {
    if !has_zero(x)? {
        return (Val::from(g) * (Val::from(y) / Val::from(x)).conj()).tensor();
    }
    let n = x.size()[normalize_dim(dim, x.dim())?];
    product_backward(&g.slice_into_zeros(x.size(), dim, n - 1, n, 1)?, x, dim)
}

op! {
    /// The product of all elements.
    ///
    /// Shape: `*s -> ()`. Dtype: `dtype`; bool and integers give int64.
    ///
    /// >>> torch.tensor([[1, 2], [3, 4]]).prod()
    /// tensor(24)
    fn prod(input: Tensor; dtype: Option<DType> = None) -> y;
    variants [method, function];
    dtype rule::sum(input, dtype);
    shape Dims::new();
    kernel { over(&mut y, input, None, kernels::prod) };
    vjp { input => |g, input, y| Val::run(|| {
        let x = input.tensor()?;
        if x.dim() == 0 {
            return g.tensor();
        }
        let (g, y) = (g.tensor()?.reshape(&[1])?, y.tensor()?.reshape(&[1])?);
        along(&g, &x.reshape(&[x.numel()])?, &y, 0)?.reshape(x.size())
    }) };
    samples [(real([2, 3])), (real([2]), DType::F64), (real([])), (real([0, 2]))];
}

op! {
    /// The product along a dimension, kept with size 1 where `keepdim`.
    ///
    /// Shape: `*s -> *t`. Dtype: `dtype`; bool and integers give int64.
    ///
    /// >>> torch.tensor([[1, 2], [3, 4]]).prod(0)
    /// tensor([3, 8])
    fn prod.dim(input: Tensor, dim: i64, keepdim: bool = false; dtype: Option<DType> = None) -> y;
    variants [method, function, out];
    node "ProdBackward1";
    dtype rule::sum(input, dtype);
    shape rule::reduce(input, Some(&[dim]), keepdim);
    kernel { over(&mut y, input, Some(&[dim]), kernels::prod) };
    vjp { input => |g, input, y, dim, keepdim| Val::run(|| {
        let x = input.tensor()?;
        if x.dim() == 0 {
            return g.tensor();
        }
        let kept = |v: &Val| keep_reduced(&v.tensor()?, x.dim(), Some(&[dim]), keepdim);
        along(&kept(g)?, &x, &kept(y)?, dim)
    }) };
    samples [(real([2, 3]), 0), (real([2, 3]), 1, true, DType::F64), (real([]), 0), (real([0, 2]), 0)];
}
