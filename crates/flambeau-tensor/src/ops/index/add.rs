//! Sums at places.

use flambeau_cpu::index as kernels;

use crate::ops::op;
use crate::{DType, Error, Result, Scalar, Tensor, normalize_dim};

op! {
    /// A copy with `alpha * source` added to the rows of `dim` that `index` names, in order.
    ///
    /// Shape: `*s, n, *t -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.zeros(3).index_add(0, torch.tensor([0, 2]), torch.tensor([1., 2.]))
    /// tensor([1., 0., 2.])
    fn index_add(input: Tensor, dim: i64, index: Tensor, source: Tensor; alpha: Scalar = 1) -> y;
    variants [method, function, inplace, out];
    dtype input.dtype();
    shape crate::ops::create::fill::like(input, None);
    compute { added(input, dim, index, source, alpha) };
    vjp {
        input => |g| g;
        source => |g, dim, index, source.shape, alpha| (g.index_select(dim, index) * alpha.conj()).expand(&source.shape)
    };
}

fn added(x: &Tensor, dim: i64, index: &Tensor, source: &Tensor, alpha: Scalar) -> Result<Tensor> {
    let at = normalize_dim(dim, x.dim())?;
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
    let out = x.clone_tensor()?;
    crate::dispatch::Locked::run(&[index, source], std::slice::from_ref(&out), |locked, outs| {
        kernels::index_add(outs.next(), at, locked.view(index), locked.view(source), alpha)
    })?;
    Ok(out)
}

op! {
    /// The rows of `dim` that `index` names, in its order.
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
    vjp { input => |g, input.shape, dim, index| crate::ops::Val::run(|| {
        let g = g.tensor()?;
        crate::ops::zeros_with(&input.shape, crate::Options::like(&g))?.index_add(dim, &index.tensor()?, &g)
    }) };
}

fn selected(x: &Tensor, dim: i64, index: &Tensor) -> Result<crate::Dims> {
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
    }
    Ok(sizes)
}
