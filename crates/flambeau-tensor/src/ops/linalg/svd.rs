//! Singular values and vectors.

use flambeau_cpu::linalg as kernels;

use super::check::{Layouts, at_least_matrix, batch, by_columns_copy, column_layout, first_failure, singular};
use crate::dispatch::Locked;
use crate::ops::{Sample, Val, op, samples};
use crate::{DType, Dims, Error, Layout, Result, Tensor};

/// The dtypes that have singular values.
fn svd_dtype(a: &Tensor) -> Result<DType> {
    at_least_matrix(a, "linalg.svd")?;
    match a.dtype() {
        d @ (DType::F16 | DType::BF16) => {
            Err(Error::not_implemented(format!("\"linalg_svd_cpu\" not implemented for '{}'", d.title())))
        }
        _ => super::check::floating(a, "linalg.svd"),
    }
}

/// The sizes of `U`, `S` and `Vh`.
fn svd_sizes(a: &Tensor, full: bool) -> Result<[Dims; 3]> {
    svd_dtype(a)?;
    let (m, n) = (a.size()[a.dim() - 2], a.size()[a.dim() - 1]);
    let k = m.min(n);
    let with = |sizes: &[i64]| batch(a).iter().chain(sizes).copied().collect::<Dims>();
    Ok(if full { [with(&[m, m]), with(&[k]), with(&[n, n])] } else { [with(&[m, k]), with(&[k]), with(&[k, n])] })
}

fn check_finite(info: &Tensor) -> Result<()> {
    match first_failure(info)? {
        None => Ok(()),
        Some((at, _)) => Err(singular(format!(
            "linalg.svd: {at}The algorithm failed to converge because the input matrix contained non-finite values."
        ))),
    }
}

fn values(a: &Tensor) -> Result<Tensor> {
    let [_, s, _] = svd_sizes(a, false)?;
    let a = a.contiguous()?;
    let outs = [Tensor::empty(&s, a.dtype().to_real(), a.device())?, Tensor::empty(batch(&a), DType::I32, a.device())?];
    Locked::run(&[&a], &outs, |locked, outs| {
        let (mut s, mut info) = (outs.next(), outs.next());
        kernels::svd(&mut s, None, locked.view(&a), &mut info);
    });
    let [s, info] = outs;
    check_finite(&info)?;
    Ok(s)
}

fn factors(a: &Tensor, full: bool) -> Result<(Tensor, Tensor, Tensor)> {
    let [u, s, v] = svd_sizes(a, full)?;
    let a = a.contiguous()?;
    let outs = [
        Tensor::empty(&s, a.dtype().to_real(), a.device())?,
        Tensor::empty(&u, a.dtype(), a.device())?,
        Tensor::empty(&v, a.dtype(), a.device())?,
        Tensor::empty(batch(&a), DType::I32, a.device())?,
    ];
    Locked::run(&[&a], &outs, |locked, outs| {
        let (mut s, mut u, mut v, mut info) = (outs.next(), outs.next(), outs.next(), outs.next());
        kernels::svd(&mut s, Some((&mut u, &mut v)), locked.view(&a), &mut info);
    });
    let [s, u, v, info] = outs;
    check_finite(&info)?;
    Ok((by_columns_copy(&u)?, s, by_columns_copy(&v)?))
}

op! {
    /// The singular values of matrices, the largest first.
    ///
    /// Shape: `*b m n -> *b k` with `k = min(m, n)`. Dtype: of float32, float64 or complex matrices; real.
    ///
    /// >>> torch.linalg.svdvals(torch.tensor([[0., 2.], [3., 0.]]))
    /// tensor([3., 2.])
    fn svdvals(input: Tensor; driver: Option<Str> = None) -> y;
    variants [linalg, out];
    node "LinalgSvdBackward0";
    dtype { no_driver(driver)?; svd_dtype(input)?.to_real() };
    shape svd_sizes(input, false).map(|[_, s, _]| s);
    compute { no_driver(driver)?; values(input) };
    vjp { input => |g, input| Val::run(|| {
        let (u, _, vh) = input.tensor()?.svd_with(false, None)?;
        u.mul(g.tensor()?.unsqueeze(-2)?)?.matmul(&vh)
    }) };
    samples vec![Sample::new([samples::tensor(&[3, 2], -2.0, 2.0).into()]), Sample::new([samples::tensor(&[2, 2, 3], -1.0, 2.0).into()])];
}

/// Drivers are a choice of other devices.
fn no_driver(driver: Option<&str>) -> Result<()> {
    if driver.is_some() {
        return Err(Error::runtime(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend.",
        ));
    }
    Ok(())
}

op! {
    /// The singular value decomposition `U @ diag(S) @ Vh` of matrices: orthonormal columns in `U`, orthonormal rows in `Vh`,
    /// the largest singular value first.
    ///
    /// Shape: `*b m n -> *b m m, *b k, *b n n` with `k = min(m, n)`, or without `full_matrices` `*b m k, *b k, *b k n`.
    /// Dtype: float32, float64 or complex; `S` is real.
    ///
    /// >>> torch.linalg.svd(torch.tensor([[2., 0.], [0., 1.]])).S
    /// tensor([2., 1.])
    fn svd(input: Tensor, full_matrices: bool = true; driver: Option<Str> = None) -> U, S, Vh;
    variants [linalg, out];
    node "LinalgSvdBackward0";
    dtype { no_driver(driver)?; [svd_dtype(input)?, input.dtype().to_real(), input.dtype()] };
    shape svd_sizes(input, full_matrices).map(|[u, s, v]| Layouts([column_layout(&u), Layout::contiguous(&s), Layout::contiguous(&v)]));
    compute { no_driver(driver)?; factors(input, full_matrices) };
    vjp { input => |gs, U, S, Vh, full_matrices| Val::run(|| {
        svd_backward(&[gs[0].tensor()?, gs[1].tensor()?, gs[2].tensor()?], &U.tensor()?, &S.tensor()?, &Vh.tensor()?, full_matrices)
    }) };
}

fn adjoint(t: &Tensor) -> Result<Tensor> {
    t.transpose(-2, -1)?.conj()
}

fn skew(t: &Tensor) -> Result<Tensor> {
    t.sub(adjoint(t)?)
}

fn svd_backward(g: &[Tensor; 3], u: &Tensor, s: &Tensor, vh: &Tensor, full: bool) -> Result<Tensor> {
    let (m, n) = (u.size()[u.dim() - 2], vh.size()[vh.dim() - 1]);
    let [gu, gs, gv] = g;
    // Of full matrices, the vectors that have a singular value count.
    let kept = |t: &Tensor, dim: i64| if full { t.narrow(dim, 0, m.min(n)) } else { Ok(t.clone()) };
    let (u, gu, vh, gv) = (&kept(u, -1)?, &kept(gu, -1)?, &kept(vh, -2)?, &kept(gv, -2)?);
    let ugu = skew(&adjoint(u)?.matmul(gu)?)?;
    let vgv = skew(&vh.matmul(&adjoint(gv)?)?)?;
    let k = s.size()[s.dim() - 1];
    let identity = crate::ops::eye_with(k, None, crate::Options::like(s))?;
    let (row, column) = (s.unsqueeze(-2)?, s.unsqueeze(-1)?);
    let s2 = s.mul(s)?;
    // The diagonal counts as 1.
    let gaps = s2.unsqueeze(-2)?.sub(s2.unsqueeze(-1)?)?.add(&identity)?;
    let mut inner = ugu.mul(&row)?.add(column.mul(&vgv)?)?.div(&gaps)?.add(identity.mul(gs.unsqueeze(-2)?)?)?;
    if u.dtype().is_complex() {
        // The phases of the vectors.
        inner = inner.sub(identity.mul(ugu.mul(&row)?.add(column.mul(&vgv)?)?)?)?;
        inner = inner.add(identity.mul(ugu.div(row.mul(2.0)?)?)?)?;
    }
    if m > n {
        let over = gu.div(&row)?;
        let rest = over.sub(u.matmul(&adjoint(u)?.matmul(&over)?)?)?;
        u.matmul(&inner)?.add(rest)?.matmul(vh)
    } else if m < n {
        let over = gv.div(&column)?;
        let rest = over.sub(over.matmul(&adjoint(vh)?)?.matmul(vh)?)?;
        u.matmul(&inner.matmul(vh)?.add(rest)?)
    } else {
        u.matmul(&inner)?.matmul(vh)
    }
}
