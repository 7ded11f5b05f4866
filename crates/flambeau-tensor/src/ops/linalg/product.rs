//! Products of two matrices or vectors, or batches of them.

use flambeau_cpu::{View, ViewMut, gemm};

use super::{by_columns, left_gradient, no_bool, right_gradient, same_dtype};
use crate::ops::op;
use crate::{DType, Dims, Error, Result, Scalar, Tensor};

/// Two matrices that fit each other.
pub(super) fn matrices(a: &Tensor, b: &Tensor, name: &str) -> Result<Dims> {
    for (x, which) in [(a, "self"), (b, "mat2")] {
        if x.dim() != 2 {
            return Err(Error::runtime(format!("{name}: {which} must be a matrix, got {}-D tensor", x.dim())));
        }
    }
    let (m, k, l, n) = (a.size()[0], a.size()[1], b.size()[0], b.size()[1]);
    if k != l {
        return Err(Error::runtime(format!("{name}: mat1 and mat2 shapes cannot be multiplied ({m}x{k} and {l}x{n})")));
    }
    Ok([m, n].into_iter().collect())
}

/// Two batches of matrices that fit each other.
pub(super) fn batches(a: &Tensor, b: &Tensor) -> Result<Dims> {
    for (x, which) in [(a, "batch1"), (b, "batch2")] {
        if x.dim() != 3 {
            return Err(Error::runtime(format!("{which} must be a 3D tensor")));
        }
    }
    let (a, b) = (a.size(), b.size());
    if a[0] != b[0] || a[2] != b[1] {
        return Err(Error::runtime(format!(
            "Expected size for first two dimensions of batch2 tensor to be: [{}, {}] but got: [{}, {}].",
            a[0], a[2], b[0], b[1]
        )));
    }
    Ok([a[0], a[1], b[2]].into_iter().collect())
}

/// A matrix, a vector, and a vector to add to that fit each other.
pub(super) fn matrix_vector(rows: i64, start: usize, mat: &Tensor, vec: &Tensor) -> Result<Dims> {
    if mat.dim() != 2 || vec.dim() != 1 || start > 1 {
        return Err(Error::runtime(format!(
            "vector + matrix @ vector expected, got {start}, {}, {}",
            mat.dim(),
            vec.dim()
        )));
    }
    let (m, k, n) = (mat.size()[0], mat.size()[1], vec.size()[0]);
    if k != n || (rows != m && rows != 1) {
        return Err(Error::runtime(format!("size mismatch, got input ({rows}), mat ({m}x{k}), vec ({n})")));
    }
    Ok([m].into_iter().collect())
}

/// `y = alpha * mat @ vec + beta * y`.
pub(super) fn times_vector(y: &mut ViewMut, mat: View, vec: View, alpha: Scalar, beta: Scalar) {
    let (m, k) = (y.sizes()[0], vec.sizes()[0]);
    let (sizes, strides) = ([k, 1], [vec.strides()[0], 0]);
    let (out_sizes, out_strides) = ([m, 1], [y.strides()[0], 1]);
    // SAFETY: the same elements, as matrices of one column.
    let (mut out, column) =
        unsafe { (ViewMut::new(y.ptr(), y.dtype(), &out_sizes, &out_strides), vec.with(&sizes, &strides)) };
    gemm::gemm(&mut out, mat, column, alpha, beta);
}

fn mm_dtype(a: &Tensor, b: &Tensor) -> Result<DType> {
    no_bool(same_dtype(a, b)?, "addmm_impl_cpu_")
}

op! {
    /// The product of two matrices. There is no broadcasting: see `matmul`.
    ///
    /// Shape: `n k, k m -> n m`. Dtype: both the same, any but bool.
    ///
    /// >>> torch.mm(torch.tensor([[1., 2.]]), torch.tensor([[3.], [4.]]))
    /// tensor([[11.]])
    fn mm(input: Tensor, mat2: Tensor) -> y;
    variants [method, function, out];
    composite { input.mm_laid(mat2, by_columns(input), by_columns(mat2)) };
    samples [(real([2, 3]), other([3, 4])), (real([2, 0]), other([0, 3])), (real([0, 3]), other([3, 2]))];
}

op! {
    /// The product of two matrices, knowing which of them lie by columns: so will their gradients.
    ///
    /// Shape: `n k, k m -> n m`. Dtype: both the same, any but bool.
    fn mm_laid(input: Tensor, mat2: Tensor, left_by_columns: bool, right_by_columns: bool) -> y;
    variants [private];
    node "MmBackward0";
    dtype mm_dtype(input, mat2);
    shape matrices(input, mat2, "mm");
    kernel { gemm::gemm(&mut y, input, mat2, Scalar::Int(1), Scalar::Int(0)) };
    vjp {
        input => |g, mat2, left_by_columns| left_gradient(g, mat2, left_by_columns);
        mat2 => |g, input, right_by_columns| right_gradient(g, input, right_by_columns)
    };
    samples [(real([2, 3]), other([3, 2]), false, false), (real([2, 3]), other([3, 2]), true, true)];
}

fn bmm_dtype(a: &Tensor, b: &Tensor) -> Result<DType> {
    if a.dtype() != b.dtype() {
        return Err(Error::runtime(format!(
            "expected scalar type {} but found {}",
            a.dtype().title(),
            b.dtype().title()
        )));
    }
    no_bool(a.dtype(), "bmm")
}

op! {
    /// The products of two batches of matrices. There is no broadcasting: see `matmul`.
    ///
    /// Shape: `b n k, b k m -> b n m`. Dtype: both the same, any but bool.
    ///
    /// >>> torch.bmm(torch.ones(2, 1, 3), torch.ones(2, 3, 1)).flatten()
    /// tensor([3., 3.])
    fn bmm(input: Tensor, mat2: Tensor) -> y;
    variants [method, function, out];
    dtype bmm_dtype(input, mat2);
    shape batches(input, mat2);
    kernel { gemm::bmm(&mut y, input, mat2, Scalar::Int(1), Scalar::Int(0)) };
    vjp {
        input => |g, mat2| g.bmm(mat2.transpose(1, 2).conj());
        mat2 => |g, input| input.transpose(1, 2).conj().bmm(g)
    };
    samples [
        (real([2, 2, 3]), other([2, 3, 2])),
        (real([0, 2, 3]), other([0, 3, 2])),
        (real([2, 2, 0]), other([2, 0, 2])),
    ];
}

fn mv_dtype(mat: &Tensor, vec: &Tensor) -> Result<DType> {
    if mat.dtype() != vec.dtype() {
        return Err(Error::runtime(format!(
            "addmv input tensors must have the same dtype, but got {}, {}, and {}",
            vec.dtype().title(),
            mat.dtype().title(),
            vec.dtype().title()
        )));
    }
    no_bool(mat.dtype(), "addmv_impl_cpu")
}

op! {
    /// The product of a matrix and a vector.
    ///
    /// Shape: `n m, m -> n`. Dtype: both the same, any but bool.
    ///
    /// >>> torch.mv(torch.tensor([[1., 2.], [3., 4.]]), torch.tensor([1., 1.]))
    /// tensor([3., 7.])
    fn mv(input: Tensor, vec: Tensor) -> y;
    variants [method, function, out];
    dtype mv_dtype(input, vec);
    shape matrix_vector(input.size().first().copied().unwrap_or(0), 1, input, vec);
    kernel { times_vector(&mut y, input, vec, Scalar::Int(1), Scalar::Int(0)) };
    vjp {
        input => |g, vec| g.unsqueeze(1) * vec.conj();
        vec => |g, input| input.t().conj().mv(g)
    };
    samples [(real([2, 3]), other([3])), (real([2, 0]), other([0])), (real([0, 3]), other([3]))];
}

fn vectors(a: &Tensor, b: &Tensor) -> Result<DType> {
    if a.dim() != 1 || b.dim() != 1 {
        return Err(Error::runtime(format!("1D tensors expected, but got {}D and {}D tensors", a.dim(), b.dim())));
    }
    if a.dtype() != b.dtype() {
        return Err(Error::runtime(format!(
            "dot : expected both vectors to have same dtype, but found {} and {}",
            a.dtype().title(),
            b.dtype().title()
        )));
    }
    let (n, m) = (a.numel(), b.numel());
    if n != m {
        return Err(Error::runtime(format!(
            "inconsistent tensor size, expected tensor [{n}] and src [{m}] to have the same number of elements, but got {n} and {m} elements \
             respectively"
        )));
    }
    Ok(a.dtype())
}

op! {
    /// The sum of the products of two vectors' elements.
    ///
    /// Shape: `n, n -> ()`. Dtype: both the same, any but bool.
    ///
    /// >>> torch.dot(torch.tensor([2, 3]), torch.tensor([2, 1]))
    /// tensor(7)
    fn dot(input: Tensor, tensor: Tensor) -> y;
    variants [method, function, out];
    dtype no_bool(vectors(input, tensor)?, "dot");
    shape Dims::new();
    kernel { gemm::dot(&mut y, input, tensor) };
    vjp {
        input => |g, tensor| g * tensor.conj();
        tensor => |g, input| g * input.conj()
    };
    samples [(real([3]), other([3])), (real([0]), other([0]))];
}

op! {
    /// As `dot`, with the first vector conjugated.
    ///
    /// Shape: `n, n -> ()`. Dtype: both the same, any but bool.
    ///
    /// >>> torch.vdot(torch.tensor([1+2j]), torch.tensor([1+2j]))
    /// tensor(5.+0.j)
    fn vdot(input: Tensor, other: Tensor) -> y;
    variants [method, function, out];
    dtype no_bool(vectors(input, other)?, "dot");
    shape Dims::new();
    kernel { gemm::dot_conj(&mut y, input, true, other, false) };
    vjp {
        input => |g, other| g.conj() * other;
        other => |g, input| g * input
    };
    samples [(real([3]), other([3])), (real([0]), other([0]))];
}

op! {
    /// Every product of an element of one vector and one of another.
    ///
    /// Shape: `n, m -> n m`. Dtype: promoted.
    ///
    /// >>> torch.outer(torch.tensor([1, 2]), torch.tensor([3, 4]))
    /// tensor([[3, 4],
    ///         [6, 8]])
    fn outer(input: Tensor, vec2: Tensor) -> y;
    variants [method, function, out];
    alias [method ger, function ger];
    composite {
        for (x, which) in [(input, "self"), (vec2, "vec2")] {
            if x.dim() != 1 {
                return Err(Error::runtime(format!("outer: Expected 1-D argument {which}, but got {}-D", x.dim())));
            }
        }
        input.reshape(&[input.numel(), 1])?.mul(vec2)
    };
    samples [(real([3]), other([2])), (real([0]), other([2]))];
}
