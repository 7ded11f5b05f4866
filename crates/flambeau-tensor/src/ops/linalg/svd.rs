//! Singular values and vectors.

use flambeau_cpu::linalg as kernels;

use super::check::{
    Layouts, adjoint, at_least_matrix, batch, column_layout, first_failure, singular, turned_empty, unused,
};
use crate::dispatch::Locked;
use crate::ops::{Val, op};
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
        Some((at, 1)) => Err(singular(format!(
            "linalg.svd: {at}The algorithm failed to converge because the input matrix contained non-finite values."
        ))),
        Some((at, n)) => Err(singular(format!(
            "linalg.svd: {at}The algorithm failed to converge because the input matrix is ill-conditioned or has too many repeated singular \
             values (error code: {n})."
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
        turned_empty(&u, &a)?,
        turned_empty(&v, &a)?,
        Tensor::empty(batch(&a), DType::I32, a.device())?,
    ];
    Locked::run(&[&a], &outs, |locked, outs| {
        let (mut s, mut u, mut v, mut info) = (outs.next(), outs.next(), outs.next(), outs.next());
        kernels::svd(&mut s, Some((&mut u, &mut v)), locked.view(&a), &mut info);
    });
    let [s, u, v, info] = outs;
    check_finite(&info)?;
    Ok((u.mt()?, s, v.mt()?))
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
    samples [(real([3, 2])), (real([2, 2, 3])), (real([0, 2]))];
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
    shape svd_sizes(input, full_matrices).map(|[u, s, v]| Layouts([column_layout(&u), Layout::contiguous(&s), column_layout(&v)]));
    compute { no_driver(driver)?; factors(input, full_matrices) };
    vjp { input => |gs, U, S, Vh, full_matrices| Val::run(|| {
        svd_backward(&[gs[0].tensor()?, gs[1].tensor()?, gs[2].tensor()?], &U.tensor()?, &S.tensor()?, &Vh.tensor()?, full_matrices)
    }) };
    samples [(real([2, 2])), (real([3, 2]), false), (real([2, 2, 3]), false), (real([0, 2]), false)];
}

op! {
    /// The singular value decomposition `U @ diag(S) @ V.mH`, reduced where `some`; without `compute_uv` only `S` is made, and
    /// `U` and `V` are zeros.
    ///
    /// Shape: `*b m n -> *b m k, *b k, *b n k` with `k = min(m, n)`, or without `some` `*b m m, *b k, *b n n`. Dtype: float32,
    /// float64 or complex; `S` is real.
    ///
    /// >>> torch.svd(torch.tensor([[2., 0.], [0., 1.]])).S
    /// tensor([2., 1.])
    fn svd.some(input: Tensor, some: bool = true, compute_uv: bool = true) -> U, S, V;
    variants [method, function, out];
    composite {
        if compute_uv {
            let (u, s, vh) = input.svd_with(!some, None)?;
            return Ok((u, s, adjoint(&vh)?));
        }
        let [u, _, v] = svd_sizes(input, true)?;
        let zeros = |sizes: &[i64]| crate::ops::zeros_with(sizes, crate::Options::like(input));
        Ok((zeros(&u)?, input.svdvals()?, zeros(&v)?))
    };
    samples [(real([2, 2])), (real([3, 2])), (real([2, 2, 3]), true, false), (real([0, 2]))];
}

fn skew(t: &Tensor) -> Result<Tensor> {
    t.sub(adjoint(t)?)
}

/// Refuses a function of complex singular vectors that depends on their phases, which are arbitrary.
fn check_phases(ugu: &Tensor, vgv: &Tensor) -> Result<()> {
    if ugu.device() == crate::Device::Meta {
        return Ok(());
    }
    let diagonal = |t: &Tensor| t.detach().diagonal_with(0, -2, -1)?.imag()?.mul(0.5);
    let cancel = diagonal(ugu)?.allclose_with(&diagonal(vgv)?.neg()?, 1e-2, 1e-2, false)?;
    if !cancel.item()?.to_bool() {
        return Err(Error::runtime(
            "svd_backward: The singular vectors in the complex case are specified up to multiplication by e^{i phi}. The specified loss \
             function depends on this phase term, making it ill-defined.",
        ));
    }
    Ok(())
}

fn svd_backward(g: &[Tensor; 3], u: &Tensor, s: &Tensor, vh: &Tensor, full: bool) -> Result<Tensor> {
    let (m, n, k) = (u.size()[u.dim() - 2], vh.size()[vh.dim() - 1], s.size()[s.dim() - 1]);
    // Vectors beyond the singular values are not unique: nothing may depend on them.
    let cut = |x: &Tensor, dim: i64| if full { x.narrow(dim, 0, k) } else { Ok(x.clone()) };
    let (gu, gs, gv) = (&cut(&g[0], -1)?, &g[1], &cut(&g[2], -2)?);
    let (u, vh) = (&cut(u, -1)?, &cut(vh, -2)?);
    if unused(gu)? && unused(gv)? {
        return u.mul(gs.unsqueeze(-2)?)?.matmul(vh);
    }
    let ugu = skew(&adjoint(u)?.matmul(gu)?)?;
    let vgv = skew(&vh.matmul(&adjoint(gv)?)?)?;
    let identity = crate::ops::eye_with(k, None, crate::Options::like(s))?;
    let (row, column) = (s.unsqueeze(-2)?, s.unsqueeze(-1)?);
    let s2 = s.mul(s)?;
    // The diagonal counts as 1.
    let gaps = s2.unsqueeze(-2)?.sub(s2.unsqueeze(-1)?)?.add(&identity)?;
    let mut inner = ugu.mul(&row)?.add(column.mul(&vgv)?)?.div(&gaps)?.add(identity.mul(gs.unsqueeze(-2)?)?)?;
    if u.dtype().is_complex() {
        check_phases(&ugu, &vgv)?;
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
