//! Pseudoinverses, ranks and condition numbers: what singular values say.

use super::check::{adjoint, at_least_matrix, batch, floating, square};
use crate::ops::{Operand, OperandRef, Val, op};
use crate::{DType, Dims, Error, Options, Result, Scalar, Tensor};

/// Below which singular values count as zero: the greater of `atol` and `rtol` times the greatest. Where neither is given,
/// `rtol` is the precision times the longer side; an `atol` above 0 stands alone.
fn threshold(
    a: &Tensor,
    greatest: &Tensor,
    atol: Option<OperandRef<'_>>,
    rtol: Option<OperandRef<'_>>,
) -> Result<Tensor> {
    let precision = if greatest.dtype() == DType::F64 { f64::EPSILON } else { f64::from(f32::EPSILON) };
    let default = precision * a.size()[a.dim() - 1].max(a.size()[a.dim() - 2]) as f64;
    let column = |o: OperandRef<'_>| -> Result<Operand> {
        Ok(match o {
            OperandRef::Tensor(t) => t.unsqueeze(-1)?.into(),
            OperandRef::Number(n) => n.into(),
        })
    };
    let relative = match (atol, rtol) {
        (_, Some(r)) => column(r)?,
        (None, None) => default.into(),
        (Some(OperandRef::Number(n)), None) => if n.to_f64() > 0.0 { 0.0 } else { default }.into(),
        (Some(OperandRef::Tensor(t)), None) => {
            t.le(0.0)?.to_dtype(greatest.dtype())?.mul(default)?.unsqueeze(-1)?.into()
        }
    };
    let relative = greatest.mul(relative)?;
    match atol {
        None => Ok(relative),
        Some(OperandRef::Number(n)) => relative.clamp_min(n),
        Some(OperandRef::Tensor(t)) => relative.maximum(&t.unsqueeze(-1)?),
    }
}

fn pinv_sizes(a: &Tensor, hermitian: bool) -> Result<Dims> {
    at_least_matrix(a, "linalg.pinv")?;
    if hermitian {
        square(a, "linalg.pinv")?;
    }
    let (m, n) = (a.size()[a.dim() - 2], a.size()[a.dim() - 1]);
    Ok(batch(a).iter().copied().chain([n, m]).collect())
}

op! {
    /// The pseudoinverses of matrices: the inverses where there are some, else the least-squares ones. Singular values up to
    /// the greater of `atol` and `rtol` times the greatest count as zero.
    ///
    /// Shape: `*b m n -> *b n m`. Dtype: float32, float64 or complex.
    ///
    /// >>> torch.linalg.pinv(torch.tensor([[2., 0.], [0., 0.]]))
    /// tensor([[0.5000, 0.0000],
    ///         [0.0000, 0.0000]])
    fn pinv(input: Tensor; atol: Option<Operand> = None, rtol: Option<Operand> = None, hermitian: bool = false) -> y;
    variants [linalg, out];
    node "LinalgPinvBackward0";
    dtype floating(input, "linalg.pinv");
    shape pinv_sizes(input, hermitian);
    compute {
        floating(input, "linalg.pinv")?;
        let sizes = pinv_sizes(input, hermitian)?;
        if input.numel() == 0 {
            return crate::ops::zeros_with(&sizes, Options::like(input));
        }
        if hermitian {
            let (values, vectors) = input.eigh_with("L")?;
            let size = values.abs()?;
            let small = size.le(&threshold(input, &size.amax_with(Some(&[-1]), true)?, atol, rtol)?)?;
            let inverse = values.reciprocal()?.masked_fill(&small, 0.0)?;
            return vectors.mul(inverse.unsqueeze(-2)?)?.matmul(&adjoint(&vectors)?);
        }
        let (u, s, vh) = input.svd_with(false, None)?;
        let small = s.le(&threshold(input, &s.narrow(-1, 0, 1)?, atol, rtol)?)?;
        let inverse = s.reciprocal()?.masked_fill(&small, 0.0)?;
        adjoint(&vh)?.mul(inverse.unsqueeze(-2)?)?.matmul(&adjoint(&u)?)
    };
    vjp { input => |g, input, y| Val::run(|| pinv_backward(&g.tensor()?, &input.tensor()?, &y.tensor()?)) };
    samples [(real([3, 2])), (real([2, 3])), (regular([2, 2, 2])), (real([3, 2]), 0.01, 1e-5), (real([0, 2]))];
}

op! {
    /// The pseudoinverses of matrices; singular values up to `rcond` times the greatest count as zero.
    ///
    /// Shape: `*b m n -> *b n m`. Dtype: float32, float64 or complex.
    fn pinv.rcond(input: Tensor, rcond: Operand, hermitian: bool = false) -> y;
    variants [linalg, out];
    composite { input.pinv_with(Some(0.0.into()), Some(rcond.own()), hermitian) };
    samples [(real([3, 2]), 1e-10)];
}

/// The gradient of a pseudoinverse `p` of `a` (Golub and Pereyra), on the side where the products are the smaller ones.
pub(super) fn pinv_backward(g: &Tensor, a: &Tensor, p: &Tensor) -> Result<Tensor> {
    let (gh, ph) = (adjoint(g)?, adjoint(p)?);
    if a.size()[a.dim() - 2] <= a.size()[a.dim() - 1] {
        let k = gh.matmul(p)?;
        let kp = k.matmul(&ph)?;
        let first = kp.sub(a.matmul(p)?.matmul(&kp)?)?.sub(adjoint(&p.matmul(&k)?)?)?;
        first.add(ph.matmul(p)?.matmul(&gh.sub(k.matmul(a)?)?)?)
    } else {
        let k = p.matmul(&gh)?;
        let pk = ph.matmul(&k)?;
        let first = pk.sub(pk.matmul(p)?.matmul(a)?)?.sub(adjoint(&k.matmul(p)?)?)?;
        first.add(gh.sub(a.matmul(&k)?)?.matmul(p)?.matmul(&ph)?)
    }
}

op! {
    /// The pseudoinverses of matrices; singular values up to `rcond` times the greatest count as zero.
    ///
    /// Shape: `*b m n -> *b n m`. Dtype: float32, float64 or complex.
    ///
    /// >>> torch.pinverse(torch.tensor([[2., 0.], [0., 0.]]))
    /// tensor([[0.5000, 0.0000],
    ///         [0.0000, 0.0000]])
    fn pinverse(input: Tensor, rcond: f64 = 1e-15) -> y;
    variants [method, function];
    composite { input.pinv_with(Some(0.0.into()), Some(rcond.into()), false) };
    samples [(real([3, 2])), (regular([2, 2]), 1e-10)];
}

op! {
    /// The numbers of singular values of matrices above the greater of `atol` and `rtol` times the greatest.
    ///
    /// Shape: `*b m n -> *b`. Dtype: of float32, float64 or complex matrices; int64.
    ///
    /// >>> torch.linalg.matrix_rank(torch.tensor([[2., 0.], [0., 0.]]))
    /// tensor(1)
    fn matrix_rank(input: Tensor; atol: Option<Operand> = None, rtol: Option<Operand> = None, hermitian: bool = false) -> y;
    variants [linalg, out];
    nondifferentiable;
    composite {
        at_least_matrix(input, "linalg.matrix_rank")?;
        if hermitian {
            square(input, "linalg.matrix_rank")?;
        }
        if input.numel() == 0 {
            return crate::ops::zeros_with(batch(input), Options { dtype: Some(DType::I64), ..Options::like(input) });
        }
        let a = input.detach();
        let s = if hermitian { a.eigvalsh_with("L")?.abs()? } else { a.svdvals()? };
        s.gt(&threshold(input, &s.amax_with(Some(&[-1]), true)?, atol, rtol)?)?.sum_dim_with(Some(&[-1]), false, None)
    };
    samples [(real([3, 2])), (regular([2, 2, 2]), 0.1), (real([3, 2]), 0.01, 0.2), (real([0, 2]))];
}

op! {
    /// The numbers of singular values of matrices above `tol`.
    ///
    /// Shape: `*b m n -> *b`. Dtype: of float32, float64 or complex matrices; int64.
    fn matrix_rank.tol(input: Tensor, tol: Operand, hermitian: bool = false) -> y;
    variants [linalg, out];
    nondifferentiable;
    composite { input.matrix_rank_with(Some(tol.own()), Some(0.0.into()), hermitian) };
    samples [(real([3, 2]), 0.1), (regular([2, 2]), 0.1, true)];
}

/// The inverses of matrices, infinite where there is none.
fn inverse_or_infinity(a: &Tensor) -> Result<Tensor> {
    let (inverse, info) = a.inv_ex()?;
    inverse.masked_fill(&info.ne(0)?.unsqueeze(-1)?.unsqueeze(-1)?, f64::INFINITY)
}

/// Condition numbers of empty matrices are 0.
fn empty_condition(a: &Tensor) -> Result<Tensor> {
    crate::ops::zeros_with(batch(a), Options { dtype: Some(a.dtype().to_real()), ..Options::like(a) })
}

op! {
    /// The condition numbers of matrices, in the norm `p`: 2 (where not given), -2, 1, -1, inf or -inf.
    ///
    /// Shape: `*b m n -> *b`, with `m = n` unless `p` is 2 or -2. Dtype: of float32, float64 or complex matrices; real.
    ///
    /// >>> torch.linalg.cond(torch.tensor([[2., 0.], [0., 1.]]))
    /// tensor(2.)
    fn cond(input: Tensor, p: Option<Scalar> = None) -> y;
    variants [linalg, out];
    composite {
        at_least_matrix(input, "linalg.cond")?;
        let p = p.unwrap_or(Scalar::Int(2)).to_f64();
        if ![1.0, 2.0, f64::INFINITY].contains(&p.abs()) {
            return Err(Error::runtime(format!("linalg.cond got an invalid norm type: {p}")));
        }
        if p.abs() == 2.0 {
            if input.numel() == 0 {
                return empty_condition(input);
            }
            let s = input.svdvals()?;
            let (largest, smallest) = (s.narrow(-1, 0, 1)?, s.narrow(-1, -1, 1)?);
            return if p > 0.0 { largest.div(&smallest)? } else { smallest.div(&largest)? }.squeeze_dim(-1);
        }
        square(input, &format!("linalg.cond(ord={p})"))?;
        if input.numel() == 0 {
            return empty_condition(input);
        }
        let norm = |t: &Tensor| t.matrix_norm_with(p, &[-2, -1], false, None);
        norm(input)?.mul(&norm(&inverse_or_infinity(input)?)?)
    };
    samples [(regular([3, 3])), (real([3, 2]), -2), (regular([2, 2, 2]), 1), (regular([2, 2]), -1), (regular([0, 0]), f64::INFINITY)];
}

op! {
    /// The condition numbers of square matrices in the norm `p`, "fro" or "nuc".
    ///
    /// Shape: `*b n n -> *b`. Dtype: of float32, float64 or complex matrices; real.
    fn cond.word(input: Tensor, p: Str) -> y;
    variants [linalg, out];
    composite {
        square(input, &format!("linalg.cond(ord={p})"))?;
        if input.numel() == 0 {
            return empty_condition(input);
        }
        match p {
            "fro" => {
                let norm = |t: &Tensor| t.matrix_norm_word_with("fro", &[-2, -1], false, None);
                norm(input)?.mul(&norm(&inverse_or_infinity(input)?)?)
            }
            "nuc" => {
                let s = input.svdvals()?;
                let sum = |t: &Tensor| t.sum_dim_with(Some(&[-1]), false, None);
                sum(&s)?.mul(&sum(&s.reciprocal()?)?)
            }
            _ => Err(Error::runtime(format!("linalg.cond got an invalid norm type: {p}"))),
        }
    };
    samples [(regular([3, 3]), "fro"), (regular([2, 2, 2]), "nuc"), (regular([0, 0]), "fro")];
}
