//! Norms of vectors and of matrices.

use flambeau_cpu::reduce as kernels;
use smallvec::SmallVec;

use super::over;
use super::sums::keep_reduced;
use crate::ops::{Sample, Val, op, rule, samples};
use crate::{DType, Dims, Error, Result, Scalar, Tensor, normalize_dim, promote_types};

/// What norms demand of dtypes; gives that of the result.
fn norm_dtype(x: &Tensor, dtype: Option<DType>, what: &str) -> Result<DType> {
    let own = x.dtype();
    if own.is_integral() {
        return Err(Error::not_implemented(format!(
            "linalg.{what}: Expected a floating point or complex tensor as input. Got {}",
            own.title()
        )));
    }
    let Some(d) = dtype else { return Ok(own.to_real()) };
    let fail = |text: String| Err(Error::runtime(format!("linalg.{what}: {text}")));
    if d.is_integral() {
        return fail(format!("dtype should be floating point or complex, but got {}", d.title()));
    }
    if d.is_complex() != own.is_complex() {
        let kind = if own.is_complex() { "complex" } else { "real" };
        return fail(format!("dtype should be {kind} for {kind} inputs, but got {}", d.title()));
    }
    if promote_types(own, d) != d {
        return fail(format!(
            "the dtype of the input ({}) should be convertible without narrowing to the specified dtype ({})",
            own.title(),
            d.title()
        ));
    }
    Ok(d.to_real())
}

/// Norms that have no value for nothing refuse empty dimensions.
fn norm_shape(x: &Tensor, ord: f64, dim: Option<&[i64]>, keepdim: bool) -> Result<Dims> {
    if x.numel() == 0 && (ord < 0.0 || ord == f64::INFINITY) {
        let ord = if ord == f64::INFINITY { "inf".to_string() } else { ord.to_string() };
        match dim {
            None | Some([]) => {
                return Err(Error::runtime(format!(
                    "linalg.vector_norm cannot compute the {ord} norm on an empty tensor because the operation does not have an identity"
                )));
            }
            Some(dims) => {
                for &d in dims {
                    if x.size().get(normalize_dim(d, x.dim())?) == Some(&0) {
                        return Err(Error::runtime(format!(
                            "linalg.vector_norm cannot compute the {ord} norm on the dimension {d}because this dimension is empty and the \
                             operation does not have an identity"
                        )));
                    }
                }
            }
        }
    }
    rule::reduce(x, dim, keepdim)
}

/// The gradient of a vector norm; 0 where the norm is 0.
fn norm_backward(g: &Val, input: &Val, y: &Val, p: f64, dim: Option<&[i64]>, keepdim: bool) -> Val {
    let ndim = match input.tensor() {
        Ok(t) => t.dim(),
        Err(e) => return Val::Error(e),
    };
    let kept = |v: &Val| Val::run(|| keep_reduced(&v.tensor()?, ndim, dim, keepdim));
    let (g, y, x) = (kept(g), kept(y), input);
    match p {
        1.0 => x.sgn() * g,
        2.0 => g * (x / &y).masked_fill(y.eq(0.0), 0.0),
        p if p.is_infinite() => {
            // Not `y` itself: its kernel may round the absolute value of a complex number another way.
            let size = x.abs();
            let extreme = if p > 0.0 { size.amax_with(dim, true) } else { size.amin_with(dim, true) };
            let reached = size.eq(extreme).logical_or(x.isnan().logical_and(y.isnan()));
            let mask = Val::run(|| reached.tensor()?.to_dtype(y.tensor()?.dtype()));
            let count = Val::run(|| mask.tensor()?.sum_dim_with(dim, true, None));
            (g / count) * mask * x.sgn()
        }
        p if p < 1.0 => {
            let scaled = x.sgn() * x.abs().pow(p - 1.0).masked_fill(x.eq(0.0), 0.0);
            scaled * g * y.pow(1.0 - p)
        }
        p if p < 2.0 => {
            let scaled = x.sgn() * x.abs().pow(p - 1.0);
            scaled * (g / y.pow(p - 1.0)).masked_fill(y.eq(0.0), 0.0)
        }
        p => {
            let scaled = x * x.abs().pow(p - 2.0);
            scaled * (g / y.pow(p - 1.0)).masked_fill(y.eq(0.0), 0.0)
        }
    }
}

op! {
    /// The norm `sum(abs(x) ** ord) ** (1 / ord)` of all elements or over some dimensions; 0 counts what is not zero, inf and
    /// -inf give the extreme absolute values.
    ///
    /// Shape: `*s -> *t`. Dtype: `dtype`, or that of the input; real.
    ///
    /// >>> torch.linalg.vector_norm(torch.tensor([3., 4.]))
    /// tensor(5.)
    fn vector_norm(input: Tensor, ord: Scalar = 2, dim: Option<Dims> = None, keepdim: bool = false; dtype: Option<DType> = None) -> y;
    variants [linalg, out];
    node "LinalgVectorNormBackward0";
    dtype norm_dtype(input, dtype, "vector_norm");
    shape norm_shape(input, ord.to_f64(), dim, keepdim);
    kernel { over(&mut y, input, dim, |y, x, mask| kernels::norm(y, x, mask, ord.to_f64())) };
    vjp { input => |g, input, y, ord, dim, keepdim| {
        // A count has no gradient at all, not one of zeros.
        (ord.to_f64() != 0.0).then(|| norm_backward(g, input, y, ord.to_f64(), dim, keepdim))
    } };
    samples {
        let mut all = samples::with(&[2, 3], -2.0, 2.0, &[&[], &[1.into()], &[3.into()], &[f64::INFINITY.into()], &[1.5.into()], &[0.5.into()]]);
        all.push(Sample::new([samples::tensor(&[2, 3, 2], -2.0, 2.0).into(), 2.into(), [0i64, -1].into(), true.into()]));
        all
    };
}

/// A number as PyTorch's messages write it.
fn number(s: Scalar) -> String {
    match s {
        Scalar::Int(i) => i.to_string(),
        other => other.to_f64().to_string(),
    }
}

/// The two dimensions of a matrix norm, from the front.
fn matrix_dims(x: &Tensor, dim: &[i64], dtype: Option<DType>) -> Result<[usize; 2]> {
    if x.dim() < 2 {
        return Err(Error::runtime("linalg.matrix_norm: The input tensor A must have at least 2 dimensions."));
    }
    norm_dtype(x, dtype, "matrix_norm")?;
    let &[a, b] = dim else {
        let got = dim.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        return Err(Error::runtime(format!("linalg.matrix_norm: dim must be a 2-tuple. Got {got}")));
    };
    let at = [normalize_dim(a, x.dim())?, normalize_dim(b, x.dim())?];
    if at[0] == at[1] {
        return Err(Error::runtime(format!("linalg.matrix_norm: dims must be different. Got ({a}, {b})")));
    }
    Ok(at)
}

/// The largest singular value of each matrix, 0 for empty ones, or the smallest.
fn extreme(s: &Tensor, largest: bool) -> Result<Tensor> {
    match (largest, s.size().last()) {
        (true, Some(0)) => s.sum_dim_with(Some(&[-1]), false, None),
        (true, _) => s.amax_with(Some(&[-1]), false),
        (false, _) => s.amin_with(Some(&[-1]), false),
    }
}

/// A norm that is told by the singular values of matrices.
fn spectral(
    x: &Tensor,
    at: [usize; 2],
    dtype: Option<DType>,
    keepdim: bool,
    reduce: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let x = match dtype {
        Some(d) => x.to_dtype(d)?,
        None => x.clone(),
    };
    let mut order: Dims = (0..x.dim()).filter(|d| !at.contains(d)).map(|d| d as i64).collect();
    order.extend(at.map(|d| d as i64));
    let matrices = x.permute(&order)?;
    let y = reduce(&matrices.svdvals()?)?;
    if !keepdim {
        return Ok(y);
    }
    let mut places = at;
    places.sort_unstable();
    places.iter().try_fold(y, |y, &d| y.unsqueeze(d as i64))
}

op! {
    /// The norm of matrices: 1 and -1 give the extreme column sums of absolute values, inf and -inf the extreme row sums.
    ///
    /// Shape: `*s n m -> *s`. Dtype: `dtype`, or that of the input; real.
    ///
    /// >>> torch.linalg.matrix_norm(torch.tensor([[1., 2.], [3., 4.]]), 1)
    /// tensor(6.)
    fn matrix_norm(input: Tensor, ord: Scalar, dim: Dims = [-2, -1], keepdim: bool = false; dtype: Option<DType> = None) -> y;
    variants [linalg, out];
    composite {
        let at = matrix_dims(input, dim, dtype)?;
        let p = ord.to_f64();
        let ([summed, ranked], largest) = match p {
            1.0 => (at, true),
            -1.0 => (at, false),
            f64::INFINITY => ([at[1], at[0]], true),
            f64::NEG_INFINITY => ([at[1], at[0]], false),
            2.0 | -2.0 => {
                let norm = spectral(input, at, dtype, keepdim, |s| extreme(s, p > 0.0));
                return norm;
            }
            _ => return Err(Error::runtime(format!("linalg.matrix_norm: Order {} not supported.", number(ord)))),
        };
        let x = match dtype {
            Some(d) => input.to_dtype(d)?,
            None => input.clone(),
        };
        let sums = x.abs()?.sum_dim_with(Some(&[summed as i64]), true, None)?;
        let ranked = [ranked as i64];
        let y = if sums.size()[ranked[0] as usize] == 0 && largest {
            // The norm of nothing is 0.
            sums.sum_dim_with(Some(&ranked), true, None)?
        } else if largest {
            sums.amax_with(Some(&ranked), true)?
        } else {
            sums.amin_with(Some(&ranked), true)?
        };
        if keepdim { Ok(y) } else { y.squeeze_dims(&[at[0] as i64, at[1] as i64]) }
    };
    samples vec![Sample::new([samples::tensor(&[2, 3], -2.0, 2.0).into(), 1.into()]), Sample::new([samples::tensor(&[2, 3, 2], -2.0, 2.0).into(), f64::INFINITY.into(), [0i64, 2].into(), true.into()])];
}

op! {
    /// The norm of matrices by name: "fro" gives the root of the sum of squares.
    ///
    /// Shape: `*s n m -> *s`. Dtype: `dtype`, or that of the input; real.
    ///
    /// >>> torch.linalg.matrix_norm(torch.tensor([[3., 0.], [0., 4.]]))
    /// tensor(5.)
    fn matrix_norm.word(input: Tensor, ord: Str = "fro", dim: Dims = [-2, -1], keepdim: bool = false; dtype: Option<DType> = None) -> y;
    variants [linalg, out];
    composite {
        let at = matrix_dims(input, dim, dtype)?;
        match ord {
            "fro" => input.vector_norm_with(2, Some(dim), keepdim, dtype),
            "nuc" => spectral(input, at, dtype, keepdim, |s| s.sum_dim_with(Some(&[-1]), false, None)),
            _ => Err(Error::runtime(format!("linalg.matrix_norm: Order {ord} not supported."))),
        }
    };
    samples [
        (real([2, 3])),
        (real([3, 2]), "nuc"),
        (real([2, 2, 3]), "fro", [0, 2], true),
        (real([2, 3]), "fro", [0, 1], false, DType::F64),
    ];
}

/// The dimensions of a matrix norm that names none.
fn default_dims(x: &Tensor, dim: Option<&[i64]>) -> Result<Dims> {
    match dim {
        Some(d) => Ok(d.into()),
        None if x.dim() != 1 && x.dim() != 2 => Err(Error::runtime(format!(
            "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {}D.",
            x.dim()
        ))),
        None => Ok(SmallVec::from_slice(&[-2, -1])),
    }
}

op! {
    /// The norm of a vector (`p` a number, "fro" or none), of all elements or over some dimensions.
    ///
    /// Shape: `*s -> *t`. Dtype: `dtype`, or that of the input; real.
    ///
    /// >>> torch.tensor([3., 4.]).norm()
    /// tensor(5.)
    fn norm(input: Tensor, p: Option<Scalar> = 2, dim: Option<Dims> = None, keepdim: bool = false, dtype: Option<DType> = None) -> y;
    variants [method, function, out];
    composite { input.vector_norm_with(p.unwrap_or(Scalar::Int(2)), dim, keepdim, dtype) };
    samples [
        (real([2, 3])),
        (real([2, 3]), 3, [0], true),
        (real([2, 3]), None, [1]),
        (real([]), 1),
        (real([0, 2]), 2, [0]),
    ];
}

op! {
    /// The norm of a vector or matrix by name: "fro" gives the root of the sum of squares.
    ///
    /// Shape: `*s -> *t`. Dtype: `dtype`, or that of the input; real.
    fn norm.word(input: Tensor, p: Str, dim: Option<Dims> = None, keepdim: bool = false, dtype: Option<DType> = None) -> y;
    variants [method, function, out];
    composite {
        if p == "fro" && dim.is_none_or(|d| d.len() <= 2) {
            return input.vector_norm_with(2, dim, keepdim, dtype);
        }
        let dims: Dims = dim.map_or_else(|| (0..input.dim() as i64).collect(), Into::into);
        input.matrix_norm_word_with(p, &dims, keepdim, dtype)
    };
    samples [(real([2, 3]), "fro"), (real([2, 3]), "nuc", [0, 1]), (real([2, 2, 3]), "fro", [1, 2], true)];
}

op! {
    /// The norm of a vector or of matrices: that of a vector over one dimension, of matrices over two; without `ord`, the root
    /// of the sum of squares.
    ///
    /// Shape: `*s -> *t`. Dtype: `dtype`, or that of the input; real.
    ///
    /// >>> torch.linalg.norm(torch.tensor([3., 4.]))
    /// tensor(5.)
    fn norm.linalg(input: Tensor, ord: Option<Scalar> = None, dim: Option<Dims> = None, keepdim: bool = false; dtype: Option<DType> = None) -> y;
    variants [linalg, out];
    composite {
        if let Some(d) = dim.filter(|d| d.len() != 1 && d.len() != 2) {
            return Err(Error::runtime(format!("linalg.norm: If dim is specified, it must be of length 1 or 2. Got {d:?}")));
        }
        match ord {
            Some(ord) if dim.is_some_and(|d| d.len() == 2) || (dim.is_none() && input.dim() != 1) => {
                input.matrix_norm_with(ord, &default_dims(input, dim)?, keepdim, dtype)
            }
            _ => input.vector_norm_with(ord.unwrap_or(Scalar::Int(2)), dim, keepdim, dtype),
        }
    };
    samples [(real([2, 3])), (real([3]), 3), (real([2, 3]), 1, [0, 1]), (real([2, 3]), 2.5, [0], true), (real([]))];
}

op! {
    /// The norm of matrices by name: "fro" gives the root of the sum of squares.
    ///
    /// Shape: `*s n m -> *s`. Dtype: `dtype`, or that of the input; real.
    fn norm.linalg_word(input: Tensor, ord: Str, dim: Option<Dims> = None, keepdim: bool = false; dtype: Option<DType> = None) -> y;
    variants [linalg, out];
    composite { input.matrix_norm_word_with(ord, &default_dims(input, dim)?, keepdim, dtype) };
    samples [(real([2, 3]), "fro"), (real([3, 2]), "nuc"), (real([2, 2, 3]), "fro", [0, 2], true)];
}
