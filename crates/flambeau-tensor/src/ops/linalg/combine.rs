//! Products over chosen dimensions: inner, tensor, Kronecker and cross products, and the trace.

use smallvec::SmallVec;

use super::no_bool;
use crate::ops::{op, rule};
use crate::{DType, Dims, Error, Result, Tensor, normalize_dim};

op! {
    /// The sums of products over the last dimension of both.
    ///
    /// Shape: `*s n, *t n -> *s *t`. Dtype: both the same.
    ///
    /// >>> torch.inner(torch.tensor([1, 2, 3]), torch.tensor([0, 2, 1]))
    /// tensor(7)
    fn inner(input: Tensor, other: Tensor) -> y;
    variants [method, function, out];
    composite {
        if input.dim() == 0 || other.dim() == 0 {
            return input.mul(other);
        }
        if input.size().last() != other.size().last() {
            return Err(Error::runtime(format!(
                "inner() the last dimension must match on both input tensors but got shapes {:?} and {:?}", input.size(), other.size()
            )));
        }
        input.tensordot_pair(other, &[-1], &[-1])
    };
    samples [
        (real([2, 3]), other([4, 3])),
        (real([3]), other([3])),
        (real([]), other([2])),
        (real([0, 3]), other([2, 3])),
    ];
}

op! {
    /// The sums of products over the last `dims` dimensions of `input` and the first `dims` of `other`.
    ///
    /// Shape: `*s *k, *k *t -> *s *t`. Dtype: both the same.
    ///
    /// >>> torch.tensordot(torch.ones(2, 3), torch.ones(3, 2), dims=1)
    /// tensor([[3., 3.],
    ///         [3., 3.]])
    fn tensordot(input: Tensor, other: Tensor, dims: i64 = 2) -> y;
    variants [function];
    composite {
        if dims < 0 {
            return Err(Error::runtime(format!("tensordot expects dims >= 0, but got dims={dims}")));
        }
        if dims > input.dim().min(other.dim()) as i64 {
            return Err(Error::runtime(format!(
                "tensordot expects dims < ndim_a or ndim_b, but got dims={dims}"
            )));
        }
        let (left, right): (Dims, Dims) = ((-dims..0).collect(), (0..dims).collect());
        input.tensordot_pair(other, &left, &right)
    };
    samples [(real([2, 3]), other([3, 4]), 1), (real([2, 2, 3]), other([2, 3, 2])), (real([2]), other([3]), 0)];
}

op! {
    /// The sums of products over dimensions of both, taken in pairs.
    ///
    /// Shape: `*s, *t -> *u`. Dtype: both the same.
    fn tensordot.pair(input: Tensor, other: Tensor, dims_self: Dims, dims_other: Dims) -> y;
    variants [function, out];
    composite { contract(input, other, dims_self, dims_other) };
    samples [
        (real([2, 3]), other([3, 4]), [1], [0]),
        (real([2, 3, 4]), other([4, 3]), [1, 2], [1, 0]),
        (real([2]), other([3]), [], []),
    ];
}

fn contract(a: &Tensor, b: &Tensor, dims_a: &[i64], dims_b: &[i64]) -> Result<Tensor> {
    if dims_a.len() != dims_b.len() {
        return Err(Error::runtime("both dimension lists should have same length"));
    }
    if a.dtype() != b.dtype() {
        return Err(Error::runtime("both inputs should have same dtype"));
    }
    let (mut a, mut b) = (a.clone(), b.clone());
    let mut inner = 1;
    for (&i, &j) in dims_a.iter().zip(dims_b) {
        let (p, q) = (normalize_dim(i, a.dim())?, normalize_dim(j, b.dim())?);
        let (n, m) = (a.size()[p], b.size()[q]);
        if m == 1 {
            a = a.sum_dim_with(Some(&[p as i64]), true, Some(a.dtype()))?;
        } else if n == 1 {
            b = b.sum_dim_with(Some(&[q as i64]), true, Some(b.dtype()))?;
        } else if n != m {
            return Err(Error::runtime(format!(
                "contracted dimensions need to match, but first has size {n} in dim {i} and second has size {m} in dim {j}"
            )));
        }
        inner *= a.size()[p];
    }
    let marked = |x: &Tensor, dims: &[i64]| -> Result<SmallVec<[bool; 6]>> {
        if dims.is_empty() { Ok(SmallVec::from_elem(false, x.dim())) } else { rule::mask(x.dim(), Some(dims)) }
    };
    let (mask_a, mask_b) = (marked(&a, dims_a)?, marked(&b, dims_b)?);
    let (mut sizes, mut order_a, mut order_b) = (Dims::new(), Dims::new(), Dims::new());
    let (mut rows, mut cols) = (1, 1);
    for d in (0..a.dim()).filter(|&d| !mask_a[d]) {
        order_a.push(d as i64);
        rows *= a.size()[d];
        sizes.push(a.size()[d]);
    }
    order_a.extend_from_slice(dims_a);
    order_b.extend_from_slice(dims_b);
    for d in (0..b.dim()).filter(|&d| !mask_b[d]) {
        order_b.push(d as i64);
        cols *= b.size()[d];
        sizes.push(b.size()[d]);
    }
    let (a, b) = (a.permute(&order_a)?, b.permute(&order_b)?);
    if sizes.is_empty() {
        return a.reshape(&[inner])?.dot(&b.reshape(&[inner])?)?.reshape(&sizes);
    }
    a.reshape(&[rows, inner])?.mm(&b.reshape(&[inner, cols])?)?.reshape(&sizes)
}

op! {
    /// The Kronecker product: every element of `input` times all of `other`.
    ///
    /// Shape: `*s, *t -> *u`, sizes multiplied. Dtype: promoted.
    ///
    /// >>> torch.kron(torch.tensor([1, 2]), torch.tensor([3, 4]))
    /// tensor([3, 4, 6, 8])
    fn kron(input: Tensor, other: Tensor) -> y;
    variants [method, function, out];
    composite {
        let n = input.dim().max(other.dim());
        let (mut left, mut right, mut sizes) = (Dims::new(), Dims::new(), Dims::new());
        let at = |x: &Tensor, d: usize| (d + x.dim()).checked_sub(n).map_or(1, |i| x.size()[i]);
        for d in 0..n {
            let (a, b) = (at(input, d), at(other, d));
            left.extend_from_slice(&[a, 1]);
            right.extend_from_slice(&[1, b]);
            sizes.push(a * b);
        }
        input.reshape(&left)?.mul(&other.reshape(&right)?)?.reshape(&sizes)
    };
    samples [
        (real([2, 3]), other([2])),
        (real([2, 1]), other([1, 2, 2])),
        (real([]), other([2])),
        (real([0, 2]), other([2, 2])),
    ];
}

fn trace_dtype(x: &Tensor) -> Result<DType> {
    if x.dim() != 2 {
        return Err(Error::runtime(format!("trace: expected a matrix, but got tensor with dim {}", x.dim())));
    }
    no_bool(x.dtype(), "trace")?;
    Ok(rule::sum(x, None))
}

op! {
    /// The sum of a matrix's diagonal.
    ///
    /// Shape: `n m -> ()`. Dtype: integers give int64.
    ///
    /// >>> torch.trace(torch.tensor([[1, 2], [3, 4]]))
    /// tensor(5)
    fn trace(input: Tensor) -> y;
    variants [method, function];
    dtype trace_dtype(input);
    shape Dims::new();
    compute { trace_dtype(input)?; input.diagonal()?.sum() };
    vjp { input => |g, input.shape| crate::ops::Val::run(|| {
        let g = g.tensor()?;
        let (n, m) = (input.shape[0], input.shape[1]);
        g.mul(crate::ops::eye_with(n, Some(m), crate::Options::like(&g))?)
    }) };
    samples [(real([2, 3])), (real([3, 2])), (real([0, 2]))];
}

fn cross_shape(a: &Tensor, b: &Tensor, dim: i64) -> Result<Dims> {
    if a.dim() != b.dim() {
        return Err(Error::runtime("linalg.cross: inputs must have the same number of dimensions."));
    }
    let at = normalize_dim(dim, a.dim())?;
    let size = |x: &Tensor| x.size().get(at).copied().unwrap_or(1);
    if size(a) != 3 || size(b) != 3 {
        return Err(Error::runtime(format!(
            "linalg.cross: inputs dimension {dim} must have length 3. Got {} and {}",
            size(a),
            size(b)
        )));
    }
    crate::broadcast_shapes(a.size(), b.size())
}

/// Both of one dtype that has differences.
fn cross_dtype(x: &Tensor, other: &Tensor) -> Result<DType> {
    let d = x.dtype();
    if d == DType::Bool {
        return Err(Error::not_implemented("\"cross\" not implemented for 'Bool'"));
    }
    if other.dtype() != d {
        return Err(Error::runtime(format!("expected scalar type {} but found {}", d.title(), other.dtype().title())));
    }
    Ok(d)
}

op! {
    /// The cross products of vectors of 3 elements along a dimension.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted.
    ///
    /// >>> torch.linalg.cross(torch.tensor([1., 0., 0.]), torch.tensor([0., 1., 0.]))
    /// tensor([0., 0., 1.])
    fn linalg_cross(input: Tensor, other: Tensor; dim: i64 = -1) -> y;
    variants [private, rust, out];
    alias [linalg cross];
    dtype cross_dtype(input, other);
    shape cross_shape(input, other, dim);
    compute {
        let sizes = cross_shape(input, other, dim)?;
        let dtype = cross_dtype(input, other)?;
        let (a, b) = (input.expand(&sizes)?, other.expand(&sizes)?);
        let out = Tensor::empty(&sizes, dtype, input.device())?;
        for (i, j, k) in [(0, 1, 2), (1, 2, 0), (2, 0, 1)] {
            let row = a.select(dim, j)?.mul(&b.select(dim, k)?)?.sub(&a.select(dim, k)?.mul(&b.select(dim, j)?)?)?;
            out.select(dim, i)?.copy_(&row)?;
        }
        Ok(out)
    };
    vjp {
        input => |g, other, dim| other.conj().linalg_cross_with(g, dim);
        other => |g, input, dim| g.linalg_cross_with(input.conj(), dim)
    };
    samples [(real([2, 3]), other([2, 3])), (real([3, 2]), other([3, 1]), 0), (real([0, 3]), other([1, 3]))];
}

op! {
    /// The cross products of vectors of 3 elements: along `dim`, or the first dimension of size 3.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted.
    ///
    /// >>> torch.cross(torch.tensor([1., 0., 0.]), torch.tensor([0., 1., 0.]), dim=0)
    /// tensor([0., 0., 1.])
    fn cross(input: Tensor, other: Tensor, dim: Option<i64> = None) -> y;
    variants [method, function, out];
    composite {
        let dim = match dim {
            Some(d) => d,
            None => input.size().iter().position(|&n| n == 3).ok_or_else(|| Error::runtime("no dimension of size 3 in input"))? as i64,
        };
        input.linalg_cross_with(other, dim)
    };
    samples [(real([2, 3]), other([2, 3])), (real([3, 2]), other([3, 2]), 0), (real([3, 0]), other([3, 0]))];
}
