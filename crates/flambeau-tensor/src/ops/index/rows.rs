//! Writing whole slices that a vector of indices names.

use flambeau_cpu::{View, ViewMut, index as kernels, loops};

use crate::ops::{Val, op, rule};
use crate::{Complex64, DType, Error, Kind, Layout, MemoryFormat, Result, Scalar, normalize_dim};

fn check_copy(x: &ViewMut, at: usize, index: &View, source: &View) -> Result<()> {
    if index.ndim() > 1 {
        return Err(Error::index(format!("index_copy_(): Index should have dimension 1 or 0 (got {})", index.ndim())));
    }
    let n = index.numel() as i64;
    if source.ndim() == 0 && n != 1 {
        return Err(Error::index(format!(
            "index_copy_(): When source is scalar, index should have one element (got {n})"
        )));
    }
    if source.ndim() != x.ndim() && source.ndim() != 0 && x.ndim() != 0 {
        return Err(Error::index(format!(
            "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source dimensionality ({}), \
             destination dimensionality ({})",
            source.ndim(),
            x.ndim()
        )));
    }
    if index.dtype() != DType::I64 {
        return Err(Error::runtime(format!(
            "index_copy_(): Expected a long tensor for index, but got {}",
            index.dtype().title()
        )));
    }
    if x.dtype() != source.dtype() {
        return Err(Error::runtime(format!(
            "index_copy_(): self and source expected to have the same dtype, but got (self) {} and (source) {}",
            x.dtype().title(),
            source.dtype().title()
        )));
    }
    let slice = |sizes: &[i64]| -> Vec<i64> { (0..sizes.len()).filter(|&d| d != at).map(|d| sizes[d]).collect() };
    let (to, from) = (slice(x.sizes()), slice(source.sizes()));
    if to != from {
        let text = |v: &[i64]| v.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        return Err(Error::runtime(format!(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: {} at dimension {at} and source \
             slice shape: {} at dimension 0.",
            text(&to),
            text(&from)
        )));
    }
    if source.ndim() > 0 && source.sizes()[at] != n {
        return Err(Error::index(format!(
            "index_copy_(): Number of indices ({n}) should be equal to source.size(dim) ({})",
            source.sizes()[at]
        )));
    }
    Ok(())
}

op! {
    /// Writes the slices of `source` over the slices of `dim` that `index` names.
    ///
    /// Shape: `*s, n, *t -> *s`. Dtype: that of the tensor; the index is int64.
    ///
    /// >>> torch.zeros(3).index_copy_(0, torch.tensor([2, 0]), torch.tensor([1., 2.]))
    /// tensor([2., 0., 1.])
    fn index_copy_write(input: Tensor, dim: i64, index: Tensor, source: Tensor) -> y;
    variants [method, inplace index_copy_];
    quirks [Apart];
    node "IndexCopyBackward0";
    mutate {
        let at = normalize_dim(dim, input.ndim())?;
        check_copy(&input, at, &index, &source)?;
        kernels::index_copy(input, at, index, source)
    };
    vjp {
        input => |g, dim, index| g.index_fill(dim, index, 0.0);
        source => |g, dim, index, source.shape| g.index_select(dim, index).reshape(&source.shape)
    };
    samples [
        (real([3, 2]), 0, int([2], 0, 3), other([2, 2])),
        (real([2, 3]), -1, int([1], 0, 3), other([2, 1])),
        (real([]), 0, int([1], 0, 1), other([])),
        (real([0, 3]), 1, int([2], 0, 3), other([0, 2])),
    ];
}

op! {
    /// A copy with the slices of `source` in place of the slices of `dim` that `index` names.
    ///
    /// Shape: `*s, n, *t -> *s`. Dtype: unchanged; the index is int64.
    ///
    /// >>> torch.zeros(3).index_copy(0, torch.tensor([2, 0]), torch.tensor([1., 2.]))
    /// tensor([2., 0., 1.])
    fn index_copy(input: Tensor, dim: i64, index: Tensor, source: Tensor) -> y;
    variants [method, function, out];
    composite { input.clone_in(MemoryFormat::Contiguous)?.index_copy_(dim, index, source) };
    samples [
        (real([3, 2]), 0, int([2], 0, 3), other([2, 2])),
        (real([2, 3]), -1, int([1], 0, 3), other([2, 1])),
        (real([]), 0, int([1], 0, 1), other([])),
        (real([0, 3]), 1, int([2], 0, 3), other([0, 2])),
    ];
}

fn check_fill(x: DType, index: &View, value: Kind) -> Result<()> {
    if index.dtype() != DType::I64 {
        return Err(Error::index("index_fill_(): Expected dtype int64 for index."));
    }
    if value == Kind::Complex && !x.is_complex() {
        return Err(Error::runtime("index_fill_(): Converting complex Scalar to non-complex type is not supported"));
    }
    if index.ndim() > 1 {
        return Err(Error::runtime("Index has to be a vector/scalar"));
    }
    Ok(())
}

op! {
    /// Writes one number over the slices of `dim` that `index` names.
    ///
    /// Shape: `*s, n -> *s`. Dtype: that of the tensor; the index is int64.
    fn index_fill_write(input: Tensor, dim: i64, index: Tensor, value: Scalar) -> y;
    variants [method, inplace index_fill_];
    quirks [Apart];
    node "IndexFillBackward0";
    mutate {
        let at = normalize_dim(dim, input.ndim())?;
        check_fill(input.dtype(), &index, value.kind())?;
        rule::fits(value, input.dtype())?;
        kernels::index_fill(input, at, index, value)
    };
    vjp { input => |g, dim, index| g.index_fill(dim, index, 0.0) };
    samples [
        (real([3, 2]), 0, int([2], 0, 3), 1.5),
        (real([2, 3]), -1, int([1], 0, 3), 2),
        (real([]), 0, int([1], 0, 1), 1),
        (real([0, 3]), 1, int([2], 0, 3), 1),
    ];
}

op! {
    /// Writes the element of a 0-d tensor over the slices of `dim` that `index` names.
    ///
    /// Shape: `*s, n, () -> *s`. Dtype: that of the tensor; the index is int64.
    fn index_fill_write.tensor(input: Tensor, dim: i64, index: Tensor, value: Tensor) -> y;
    variants [method, inplace index_fill_];
    node "IndexFillBackward1";
    mutate {
        if value.ndim() != 0 {
            return Err(Error::runtime(format!(
                "index_fill_ only supports a 0-dimensional value tensor, but got tensor with {} dimension(s).", value.ndim()
            )));
        }
        let at = normalize_dim(dim, input.ndim())?;
        check_fill(input.dtype(), &index, value.dtype().kind())?;
        kernels::index_fill(input, at, index, number(value))
    };
    vjp {
        input => |g, dim, index| g.index_fill(dim, index, 0.0);
        value => |g, dim, index| {
            // An index may come twice, its element of the gradient only once.
            let elsewhere = Val::run(|| {
                let g = g.tensor()?.detach();
                let filled = g.new_zeros_with(g.size(), crate::Options::dtype(DType::Bool))?;
                filled.index_fill(dim, &index.tensor()?, true)?.logical_not()
            });
            g.masked_fill(elsewhere, 0.0).sum()
        }
    };
    samples [(real([3, 2]), 0, int([2], 0, 3), other([])), (real([]), 0, int([1], 0, 1), other([]))];
}

/// The one element of a view.
fn number(v: View) -> Scalar {
    let one = Layout::contiguous(v.sizes());
    match v.dtype().kind() {
        Kind::Complex => {
            let mut z = [Complex64::default()];
            loops::copy(ViewMut::of(&mut z, &one), v);
            Scalar::Complex(z[0])
        }
        Kind::Float => {
            let mut x = [0f64];
            loops::copy(ViewMut::of(&mut x, &one), v);
            x[0].into()
        }
        _ => {
            let mut i = [0i64];
            loops::copy(ViewMut::of(&mut i, &one), v);
            i[0].into()
        }
    }
}

op! {
    /// A copy with one number over the slices of `dim` that `index` names.
    ///
    /// Shape: `*s, n -> *s`. Dtype: unchanged; the index is int64.
    ///
    /// >>> torch.tensor([1, 2, 3]).index_fill(0, torch.tensor([0, 2]), -1)
    /// tensor([-1,  2, -1])
    fn index_fill(input: Tensor, dim: i64, index: Tensor, value: Scalar) -> y;
    variants [method, function];
    composite { input.clone_tensor()?.index_fill_(dim, index, value) };
    samples [
        (real([3, 2]), 0, int([2], 0, 3), 1.5),
        (real([2, 3]), -1, int([1], 0, 3), 2),
        (real([]), 0, int([1], 0, 1), 1),
        (real([0, 3]), 1, int([2], 0, 3), 1),
    ];
}

op! {
    /// A copy with the element of a 0-d tensor over the slices of `dim` that `index` names.
    ///
    /// Shape: `*s, n, () -> *s`. Dtype: unchanged; the index is int64.
    fn index_fill.tensor(input: Tensor, dim: i64, index: Tensor, value: Tensor) -> y;
    variants [method, function];
    composite { input.clone_tensor()?.index_fill_write_tensor_(dim, index, value) };
    samples [(real([3, 2]), 0, int([2], 0, 3), other([])), (real([]), 0, int([1], 0, 1), other([]))];
}
