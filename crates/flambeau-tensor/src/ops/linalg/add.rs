//! Products added to something: `beta * input + alpha * (a @ b)`.

use flambeau_cpu::{View, ViewMut, gemm, loops};

use super::product::{batches, matrices, matrix_vector, times_vector};
use super::{by_columns, left_gradient, no_bool, right_gradient, same_dtype, scaled};
use crate::dispatch::elementwise_layout;
use crate::ops::{op, rule};
use crate::{DType, Dims, Error, Kind, Layout, Result, Scalar, Tensor};

/// The sizes of the product, to which `input` must broadcast.
fn spread(input: &Tensor, sizes: Dims) -> Result<Dims> {
    input.layout().expand(&sizes)?;
    Ok(sizes)
}

/// Writes `input`, broadcast, over `y`, for a product to be added to it; nothing where beta is 0.
fn start(y: &mut ViewMut, input: View, beta: Scalar) -> Result<()> {
    if !beta.equals(0.0) {
        let strides = crate::ops::shape::convert::broadcast_to(input.sizes(), input.strides(), y.sizes())?;
        // SAFETY: broadcasting repeats elements that `input` has.
        let input = unsafe { input.with(y.sizes(), &strides) };
        loops::copy(y.reborrow(), input);
    }
    Ok(())
}

/// Multiplies `y` by `beta`, as a product over nothing does.
fn scale(y: &mut ViewMut, beta: Scalar) {
    let (left, right) = ([y.sizes()[0], 0], [0, y.sizes()[1]]);
    // SAFETY: no element is read of matrices that have none.
    let (a, b) =
        unsafe { (View::new(y.ptr(), y.dtype(), &left, &[0, 1]), View::new(y.ptr(), y.dtype(), &right, &[1, 0])) };
    gemm::gemm(y, a, b, Scalar::Int(1), beta);
}

fn addmm_dtype(input: &Tensor, a: &Tensor, b: &Tensor) -> Result<DType> {
    if input.dtype() != b.dtype() {
        return Err(Error::runtime(format!(
            "self and mat2 must have the same dtype, but got {} and {}",
            input.dtype().title(),
            b.dtype().title()
        )));
    }
    no_bool(same_dtype(a, b)?, "addmm_impl_cpu_")
}

op! {
    /// `beta * input + alpha * (mat1 @ mat2)`; `input` broadcasts. With a `beta` of 0 what `input` holds is ignored.
    ///
    /// Shape: `*s, n k, k m -> n m`. Dtype: all the same, any but bool.
    ///
    /// >>> torch.addmm(torch.tensor([1., 2.]), torch.eye(2), torch.eye(2))
    /// tensor([[2., 2.],
    ///         [1., 3.]])
    fn addmm(input: Tensor, mat1: Tensor, mat2: Tensor; beta: Scalar = 1, alpha: Scalar = 1) -> y;
    variants [method, function, inplace, out];
    composite { input.addmm_laid(mat1, mat2, beta, alpha, by_columns(mat1), by_columns(mat2)) };
    samples [
        (real([4]), real([2, 3]), other([3, 4])),
        (real([2, 4]), real([2, 3]), other([3, 4]), 0.5, 2.0),
        (real([2, 1]), real([2, 0]), other([0, 4]), 2),
        (real([0, 2]), real([0, 3]), other([3, 2]), 1, 1),
    ];
}

op! {
    /// `addmm`, knowing which of the matrices lie by columns: so will their gradients.
    ///
    /// Shape: `*s, n k, k m -> n m`. Dtype: all the same, any but bool.
    fn addmm_laid(input: Tensor, mat1: Tensor, mat2: Tensor, beta: Scalar, alpha: Scalar, left_by_columns: bool, right_by_columns: bool) -> y;
    variants [private];
    node "AddmmBackward0";
    dtype addmm_dtype(input, mat1, mat2);
    shape spread(input, matrices(mat1, mat2, "addmm")?);
    kernel {
        start(&mut y, input, beta)?;
        gemm::gemm(&mut y, mat1, mat2, alpha, beta)
    };
    vjp {
        input => |g, beta| scaled(g.clone(), beta);
        mat1 => |g, mat2, alpha, left_by_columns| scaled(left_gradient(g, mat2, left_by_columns), alpha);
        mat2 => |g, mat1, alpha, right_by_columns| scaled(right_gradient(g, mat1, right_by_columns), alpha)
    };
    samples [
        (real([2]), real([2, 3]), other([3, 2]), 0.5, 2.0, false, false),
        (real([2, 2]), real([2, 3]), other([3, 2]), 1, 1, true, true),
    ];
}

/// A number as an element of `dtype`.
fn rounded(s: Scalar, dtype: DType) -> Scalar {
    match dtype {
        DType::F16 => Scalar::Float(f64::from(crate::f16::from_f64(s.to_f64()))),
        DType::BF16 => Scalar::Float(f64::from(crate::bf16::from_f64(s.to_f64()))),
        _ => s,
    }
}

fn addmv_dtype(input: &Tensor, mat: &Tensor, vec: &Tensor) -> Result<DType> {
    if input.dtype() != mat.dtype() || mat.dtype() != vec.dtype() {
        return Err(Error::runtime(format!(
            "addmv input tensors must have the same dtype, but got {}, {}, and {}",
            input.dtype().title(),
            mat.dtype().title(),
            vec.dtype().title()
        )));
    }
    no_bool(mat.dtype(), "addmv_impl_cpu")
}

op! {
    /// `beta * input + alpha * (mat @ vec)`; `input` broadcasts.
    ///
    /// Shape: `*s, n m, m -> n`. Dtype: all the same, any but bool.
    ///
    /// >>> torch.addmv(torch.tensor([1., 2.]), torch.eye(2), torch.tensor([3., 4.]))
    /// tensor([4., 6.])
    fn addmv(input: Tensor, mat: Tensor, vec: Tensor; beta: Scalar = 1, alpha: Scalar = 1) -> y;
    variants [method, function, inplace, out];
    dtype addmv_dtype(input, mat, vec);
    shape matrix_vector(input.numel(), input.dim().max(1), mat, vec);
    kernel {
        start(&mut y, input, beta)?;
        if matches!(y.dtype(), DType::F16 | DType::BF16) && !beta.equals(0.0) {
            // Here PyTorch rounds the factors and the first term, which it does not for matrices.
            let (sizes, strides) = ([y.sizes()[0], 1], [y.strides()[0], 1]);
            // SAFETY: the same elements, as a matrix of one column.
            scale(&mut unsafe { ViewMut::new(y.ptr(), y.dtype(), &sizes, &strides) }, rounded(beta, y.dtype()));
            times_vector(&mut y, mat, vec, rounded(alpha, mat.dtype()), Scalar::Int(1));
            return Ok(());
        }
        times_vector(&mut y, mat, vec, alpha, beta);
    };
    vjp {
        input => |g, beta| scaled(g.clone(), beta);
        mat => |g, vec, alpha| scaled(g.unsqueeze(1) * vec.conj(), alpha);
        vec => |g, mat, alpha| scaled(mat.t().conj().mv(g), alpha)
    };
    samples [
        (real([2]), real([2, 3]), other([3])),
        (real([]), real([2, 3]), other([3]), 0.5, 2.0),
        (real([2]), real([2, 0]), other([0]), 3),
    ];
}

fn addr_shape(input: &Tensor, a: &Tensor, b: &Tensor) -> Result<Dims> {
    for (x, which) in [(a, "vec1"), (b, "vec2")] {
        if x.dim() != 1 {
            return Err(Error::runtime(format!("addr: Expected 1-D argument {which}, but got {}-D", x.dim())));
        }
    }
    spread(input, [a.numel(), b.numel()].into_iter().collect())
}

/// The dtype of a sum with an outer product, which its factors must fit.
fn addr_dtype([x, a, b]: [&Tensor; 3], beta: Scalar, alpha: Scalar) -> Result<DType> {
    let d = rule::promote3(x, a, b);
    for (factor, name) in [(beta, "beta"), (alpha, "alpha")] {
        if factor.kind() >= Kind::Float && d.is_integral() {
            return Err(Error::runtime(format!(
                "For integral input tensors, argument {name} must not be a floating point number."
            )));
        }
        if factor.kind() == Kind::Bool && d != DType::Bool {
            return Err(Error::runtime(format!("Boolean {name} only supported for Boolean results.")));
        }
    }
    Ok(d)
}

/// The layout of an elementwise result of a matrix, a column and a row.
fn addr_layout(input: &Tensor, a: &Tensor, b: &Tensor) -> Result<Layout> {
    let sizes = addr_shape(input, a, b)?;
    let list = [input.detach().expand(&sizes)?, a.detach().unsqueeze(-1)?.expand(&sizes)?, b.detach().expand(&sizes)?];
    Ok(elementwise_layout(&[&list[0], &list[1], &list[2]], &sizes))
}

op! {
    /// `beta * input + alpha * outer(vec1, vec2)`; `input` broadcasts.
    ///
    /// Shape: `*s, n, m -> n m`. Dtype: promoted.
    ///
    /// >>> torch.addr(torch.zeros(2, 2), torch.tensor([1., 2.]), torch.tensor([3., 4.]))
    /// tensor([[3., 4.],
    ///         [6., 8.]])
    fn addr(input: Tensor, vec1: Tensor, vec2: Tensor; beta: Scalar = 1, alpha: Scalar = 1) -> y;
    variants [method, function, inplace, out];
    dtype addr_dtype([input, vec1, vec2], beta, alpha);
    shape addr_layout(input, vec1, vec2);
    compute {
        let dtype = addr_dtype([input, vec1, vec2], beta, alpha)?;
        let layout = addr_layout(input, vec1, vec2)?;
        // The factors are numbers of the result's dtype: of booleans, products are "and" and sums "or".
        let number = |s: Scalar| Tensor::scalar(s, dtype);
        let column = vec1.to_dtype(dtype)?.mul(number(alpha))?.unsqueeze(-1)?;
        let row = vec2.clone();
        let sum = if beta.equals(0.0) {
            column.mul(&row)?
        } else {
            let start = input.expand(&layout.sizes)?.to_dtype(dtype)?;
            let start = if beta.equals(1.0) { start } else { start.mul(number(beta))? };
            // In one pass; half precision rounds its products, and booleans have none.
            let exact = matches!(dtype, DType::F32 | DType::F64 | DType::C64 | DType::C128) && start.dtype() == dtype;
            if exact { start.addcmul(&column, &row)? } else { start.add(column.mul(&row)?)? }
        };
        if sum.dtype() == dtype && sum.layout().strides == layout.strides {
            return Ok(sum);
        }
        Tensor::empty_layout(layout, dtype, sum.device())?.copy_(&sum)
    };
    vjp {
        input => |g, beta| scaled(g.clone(), beta);
        vec1 => |g, vec2, alpha| scaled(g.mv(vec2.conj()), alpha);
        vec2 => |g, vec1, alpha| scaled(g.t().mv(vec1.conj()), alpha)
    };
    samples [
        (real([2, 3]), real([2]), other([3])),
        (real([3]), real([2]), other([3]), 0.5, 2.0),
        (real([]), real([0]), other([3]), 2),
        (real([2, 3]), real([2]), other([3]), 0, 2),
    ];
}

fn batch_dtype(input: &Tensor, a: &Tensor, b: &Tensor, what: &str) -> Result<DType> {
    if input.dtype() != a.dtype() || a.dtype() != b.dtype() {
        return Err(Error::runtime(format!(
            "Input dtypes must be the same, got: input {}, batch1: {}, batch2: {}",
            rule::c_name(input.dtype()),
            rule::c_name(a.dtype()),
            rule::c_name(b.dtype())
        )));
    }
    no_bool(a.dtype(), what)
}

op! {
    /// `beta * input + alpha * bmm(batch1, batch2)`; `input` broadcasts.
    ///
    /// Shape: `*s, b n k, b k m -> b n m`. Dtype: all the same, any but bool.
    ///
    /// >>> torch.baddbmm(torch.ones(1), torch.ones(1, 1, 3), torch.ones(1, 3, 1))
    /// tensor([[[4.]]])
    fn baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor; beta: Scalar = 1, alpha: Scalar = 1) -> y;
    variants [method, function, inplace, out];
    dtype batch_dtype(input, batch1, batch2, "baddbmm");
    shape spread(input, batches(batch1, batch2)?);
    kernel {
        start(&mut y, input, beta)?;
        gemm::bmm(&mut y, batch1, batch2, alpha, beta)
    };
    vjp {
        input => |g, beta| scaled(g.clone(), beta);
        batch1 => |g, batch2, alpha| scaled(g.bmm(batch2.transpose(1, 2).conj()), alpha);
        batch2 => |g, batch1, alpha| scaled(batch1.transpose(1, 2).conj().bmm(g), alpha)
    };
    samples [
        (real([2, 2, 2]), real([2, 2, 3]), other([2, 3, 2])),
        (real([2]), real([2, 2, 3]), other([2, 3, 2]), 0.5, 2.0),
        (real([2, 2]), real([0, 2, 3]), other([0, 3, 2])),
    ];
}

fn summed_shape(input: &Tensor, a: &Tensor, b: &Tensor) -> Result<Dims> {
    for (x, which) in [(a, "batch1"), (b, "batch2")] {
        if x.dim() != 3 {
            return Err(Error::runtime(format!("{which} must be a 3D tensor")));
        }
    }
    let (p, q) = (a.size(), b.size());
    if p[0] != q[0] {
        return Err(Error::runtime(format!(
            "batch1 and batch2 must have same number of batches, got {} and {}",
            p[0], q[0]
        )));
    }
    if p[2] != q[1] {
        return Err(Error::runtime(format!(
            "Incompatible matrix sizes for bmm ({}x{} and {}x{})",
            p[1], p[2], q[1], q[2]
        )));
    }
    spread(input, [p[1], q[2]].into_iter().collect())
}

/// The matrix at place `i` of a batch, as sizes, strides and the address of its first element.
fn matrix_of<'a>(x: &View<'a>, i: i64) -> View<'a> {
    let step = i as isize * x.strides()[0] as isize * x.dtype().size() as isize;
    // SAFETY: matrix i of the batch, which the view has.
    unsafe { View::new(x.ptr().wrapping_offset(step), x.dtype(), &x.sizes()[1..], &x.strides()[1..]) }
}

op! {
    /// `beta * input + alpha * bmm(batch1, batch2).sum(0)`; `input` broadcasts.
    ///
    /// Shape: `*s, b n k, b k m -> n m`. Dtype: all the same, any but bool.
    ///
    /// >>> torch.addbmm(torch.ones(1), torch.ones(2, 1, 3), torch.ones(2, 3, 1))
    /// tensor([[7.]])
    fn addbmm(input: Tensor, batch1: Tensor, batch2: Tensor; beta: Scalar = 1, alpha: Scalar = 1) -> y;
    variants [method, function, inplace, out];
    dtype batch_dtype(input, batch1, batch2, "addmm_impl_cpu_");
    shape summed_shape(input, batch1, batch2);
    kernel {
        start(&mut y, input, beta)?;
        let mut beta = beta;
        for i in 0..batch1.sizes()[0] {
            gemm::gemm(&mut y, matrix_of(&batch1, i), matrix_of(&batch2, i), alpha, beta);
            beta = Scalar::Int(1);
        }
        if batch1.sizes()[0] == 0 {
            scale(&mut y, beta);
        }
    };
    vjp {
        input => |g, beta| scaled(g.clone(), beta);
        batch1 => |g, batch1.shape, batch2, alpha| scaled(g.unsqueeze(0).expand(&[batch1.shape[0], -1, -1]).bmm(batch2.transpose(1, 2).conj()), alpha);
        batch2 => |g, batch1, batch2.shape, alpha| scaled(batch1.transpose(1, 2).conj().bmm(g.unsqueeze(0).expand(&[batch2.shape[0], -1, -1])), alpha)
    };
    samples [
        (real([2, 2]), real([2, 2, 3]), other([2, 3, 2])),
        (real([2]), real([2, 2, 3]), other([2, 3, 2]), 0.5, 2.0),
        (real([2, 2]), real([0, 2, 3]), other([0, 3, 2])),
    ];
}
