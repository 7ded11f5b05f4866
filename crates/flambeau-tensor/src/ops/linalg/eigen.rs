//! Eigenvalues and eigenvectors, and what they make: roots of matrices.

use flambeau_cpu::linalg as kernels;

use super::check::{
    Layouts, adjoint, at_least_matrix, batch, column_layout, first_failure, floating, singular, square, turned_empty,
    unused,
};
use crate::dispatch::Locked;
use crate::ops::{Val, op};
use crate::{DType, Device, Dims, Error, Layout, Result, Tensor};

/// Whether the upper triangle counts.
fn upper(word: &str) -> Result<bool> {
    match word {
        "L" | "l" => Ok(false),
        "U" | "u" => Ok(true),
        _ => Err(Error::runtime(format!("Expected UPLO argument to be 'L' or 'U', but got {word}"))),
    }
}

/// The dtypes of linear algebra; others are refused in the words of `kernel`.
fn known(a: &Tensor, kernel: &str) -> Result<DType> {
    match a.dtype() {
        d @ (DType::F32 | DType::F64 | DType::C64 | DType::C128) => Ok(d),
        d => Err(Error::not_implemented(format!("\"{kernel}\" not implemented for '{}'", d.title()))),
    }
}

/// The complex dtype of eigenvalues.
fn complex_dtype(a: &Tensor) -> Result<DType> {
    if a.dtype().is_integral() {
        return Err(Error::runtime(format!("Unknown Complex ScalarType for {}", a.dtype().title())));
    }
    Ok(known(a, "linalg_eig_out_cpu")?.to_complex())
}

/// The sizes of square matrices' eigenvalues.
fn values_sizes(a: &Tensor, name: &str) -> Result<Dims> {
    square(a, name)?;
    Ok(a.size()[..a.dim() - 1].into())
}

fn check_converged(info: &Tensor, name: &str) -> Result<()> {
    match first_failure(info)? {
        None => Ok(()),
        Some((at, n)) => Err(singular(format!(
            "{name}: {at}The algorithm failed to converge because the input matrix is ill-conditioned or has too many repeated eigenvalues \
             (error code: {n})."
        ))),
    }
}

fn hermitian_eigen(a: &Tensor, uplo: &str, vectors: bool) -> Result<(Tensor, Tensor)> {
    let dtype = known(a, "linalg_eigh_cpu")?;
    let (upper, sizes) = (upper(uplo)?, values_sizes(a, "linalg.eigh")?);
    let a = a.contiguous()?;
    let outs = [
        Tensor::empty(&sizes, dtype.to_real(), a.device())?,
        if vectors { turned_empty(a.size(), &a)? } else { Tensor::empty(&[0], dtype, a.device())? },
        Tensor::empty(batch(&a), DType::I32, a.device())?,
    ];
    Locked::run(&[&a], &outs, |locked, outs| {
        let (mut w, mut v, mut info) = (outs.next(), outs.next(), outs.next());
        kernels::eigh(&mut w, vectors.then_some(&mut v), locked.view(&a), upper, &mut info);
    });
    let [w, v, info] = outs;
    check_converged(&info, "linalg.eigh")?;
    Ok((w, v))
}

op! {
    /// The eigenvalues of Hermitian matrices, ascending, and their vectors as orthonormal columns. Only the triangle that `UPLO`
    /// names ("L" or "U") counts.
    ///
    /// Shape: `*b n n -> *b n, *b n n`. Dtype: float32, float64 or complex; the eigenvalues are real.
    ///
    /// >>> torch.linalg.eigh(torch.tensor([[2., 0.], [0., 1.]])).eigenvalues
    /// tensor([1., 2.])
    fn eigh(input: Tensor, UPLO: Str = "L") -> eigenvalues, eigenvectors;
    variants [linalg, out];
    node "LinalgEighBackward0";
    dtype { upper(UPLO)?; [known(input, "linalg_eigh_cpu")?.to_real(), input.dtype()] };
    shape values_sizes(input, "linalg.eigh").map(|w| Layouts([Layout::contiguous(&w), column_layout(input.size())]));
    compute {
        let (w, v) = hermitian_eigen(input, UPLO, true)?;
        Ok((w, v.mt()?))
    };
    vjp { input => |gs, eigenvalues, eigenvectors| Val::run(|| {
        let (w, v) = (eigenvalues.tensor()?, eigenvectors.tensor()?);
        let (gw, gv) = (gs[0].tensor()?, gs[1].tensor()?);
        if unused(&gv)? {
            return v.mul(gw.unsqueeze(-2)?)?.matmul(&adjoint(&v)?);
        }
        let inner = adjoint(&v)?.matmul(&gv)?;
        check_phases(&inner, "linalg_eigh_backward")?;
        // Orthonormal vectors turn: what they move by is skew-Hermitian.
        let skew = inner.sub(adjoint(&inner)?)?.mul(0.5)?.mul(&off_diagonal(&w)?)?;
        let middle = skew.div(&differences(&w)?)?.add(diagonal_matrix(&gw)?)?;
        v.matmul(&middle)?.matmul(&adjoint(&v)?)
    }) };
    samples hermitian([(regular([3, 3])), (regular([2, 2, 2]), "U"), (regular([0, 0]))]);
}

/// The differences `w_j - w_i`, with 1 on the diagonal.
fn differences(w: &Tensor) -> Result<Tensor> {
    let identity = crate::ops::eye_with(w.size()[w.dim() - 1], None, crate::Options::like(w))?;
    w.unsqueeze(-2)?.sub(w.unsqueeze(-1)?)?.add(identity)
}

/// 1 everywhere but on the diagonal.
fn off_diagonal(w: &Tensor) -> Result<Tensor> {
    let options = crate::Options { dtype: Some(w.dtype().to_real()), ..crate::Options::like(w) };
    crate::ops::eye_with(w.size()[w.dim() - 1], None, options)?.neg()?.add(1)
}

fn diagonal_matrix(d: &Tensor) -> Result<Tensor> {
    let options = crate::Options { dtype: Some(d.dtype().to_real()), ..crate::Options::like(d) };
    crate::ops::eye_with(d.size()[d.dim() - 1], None, options)?.mul(d.unsqueeze(-1)?)
}

/// Refuses a function of complex vectors that depends on their phases, which are arbitrary.
fn check_phases(inner: &Tensor, name: &str) -> Result<()> {
    if !inner.dtype().is_complex() || inner.device() != Device::Cpu {
        return Ok(());
    }
    let phases = inner.detach().diagonal_with(0, -2, -1)?.imag()?.abs()?;
    if phases.gt(1e-2)?.any()?.item()?.to_bool() {
        return Err(Error::runtime(format!(
            "{name}: The eigenvectors in the complex case are specified up to multiplication by e^{{i phi}}. The specified loss function \
             depends on this quantity, so it is ill-defined."
        )));
    }
    Ok(())
}

op! {
    /// The eigenvalues of Hermitian matrices, ascending. Only the triangle that `UPLO` names ("L" or "U") counts.
    ///
    /// Shape: `*b n n -> *b n`. Dtype: of float32, float64 or complex matrices; real.
    ///
    /// >>> torch.linalg.eigvalsh(torch.tensor([[2., 0.], [0., 1.]]))
    /// tensor([1., 2.])
    fn eigvalsh(input: Tensor, UPLO: Str = "L") -> y;
    variants [linalg, out];
    node "LinalgEighBackward0";
    dtype { upper(UPLO)?; known(input, "linalg_eigh_cpu")?.to_real() };
    shape values_sizes(input, "linalg.eigh");
    compute { Ok(hermitian_eigen(input, UPLO, false)?.0) };
    vjp { input => |g, input, UPLO| Val::run(|| {
        let (_, v) = input.tensor()?.eigh_with(UPLO)?;
        v.mul(g.tensor()?.unsqueeze(-2)?)?.matmul(&adjoint(&v)?)
    }) };
    samples hermitian([(regular([3, 3]), "L"), (regular([2, 2, 2]), "U"), (regular([0, 0]), "L")]);
}

fn general(a: &Tensor, vectors: bool) -> Result<(Tensor, Tensor)> {
    let name = if vectors { "linalg.eig" } else { "linalg.eigvals" };
    let (sizes, dtype) = (values_sizes(a, name)?, complex_dtype(a)?);
    let a = a.contiguous()?;
    if !a.isfinite()?.all()?.item()?.to_bool() {
        return Err(Error::runtime(format!("torch.{name}: input tensor should not contain infs or NaNs.")));
    }
    let outs = [
        Tensor::empty(&sizes, dtype, a.device())?,
        Tensor::empty(if vectors { a.size() } else { &[0] }, dtype, a.device())?,
        Tensor::empty(batch(&a), DType::I32, a.device())?,
    ];
    Locked::run(&[&a], &outs, |locked, outs| {
        let (mut w, mut v, mut info) = (outs.next(), outs.next(), outs.next());
        kernels::eig(&mut w, vectors.then_some(&mut v), locked.view(&a), &mut info);
    });
    let [w, v, info] = outs;
    check_converged(&info, name)?;
    Ok((w, v))
}

op! {
    /// The eigenvalues of square matrices and their vectors, of length 1, as columns.
    ///
    /// Shape: `*b n n -> *b n, *b n n`. Dtype: of float32, float64 or complex matrices; complex.
    ///
    /// >>> torch.linalg.eig(torch.tensor([[2., 0.], [0., 1.]])).eigenvalues
    /// tensor([2.+0.j, 1.+0.j])
    fn eig(input: Tensor) -> eigenvalues, eigenvectors;
    variants [linalg, out];
    node "LinalgEigBackward0";
    dtype complex_dtype(input);
    shape values_sizes(input, "linalg.eig").map(|w| Layouts([Layout::contiguous(&w), column_layout(input.size())]));
    compute {
        let (w, v) = general(input, true)?;
        Ok((w, v.mt()?))
    };
    vjp { input => |gs, eigenvalues, eigenvectors| Val::run(|| {
        let (w, v) = (eigenvalues.tensor()?, eigenvectors.tensor()?);
        let h = adjoint(&v)?;
        let (gw, gv) = (gs[0].tensor()?, gs[1].tensor()?);
        if unused(&gv)? {
            return h.solve(&gw.unsqueeze(-1)?.mul(&h)?);
        }
        let inner = h.matmul(&gv)?;
        check_phases(&inner, "linalg_eig_backward")?;
        // Vectors keep their length: what goes along them is taken away.
        let along = inner.diagonal_with(0, -2, -1)?.real()?.unsqueeze(-2)?;
        let inner = inner.sub(h.matmul(&v.mul(along)?)?)?;
        let middle = inner.mul(&off_diagonal(&w)?)?.div(&differences(&w.conj()?)?)?.add(diagonal_matrix(&gw)?)?;
        h.solve(&middle.matmul(&h)?)
    }) };
    samples without_gradcheck([(regular([3, 3])), (regular([2, 2, 2])), (regular([0, 0]))]);
}

op! {
    /// The eigenvalues of square matrices.
    ///
    /// Shape: `*b n n -> *b n`. Dtype: of float32, float64 or complex matrices; complex.
    ///
    /// >>> torch.linalg.eigvals(torch.tensor([[0., 1.], [-1., 0.]]))
    /// tensor([0.+1.j, 0.-1.j])
    fn eigvals(input: Tensor) -> y;
    variants [linalg, out];
    node "LinalgEigBackward0";
    dtype complex_dtype(input);
    shape values_sizes(input, "linalg.eigvals");
    compute { Ok(general(input, false)?.0) };
    vjp { input => |g, input| Val::run(|| {
        let h = adjoint(&input.tensor()?.eig()?.1)?;
        h.solve(&g.tensor()?.unsqueeze(-1)?.mul(&h)?)
    }) };
    samples [(regular([3, 3])), (regular([2, 2, 2])), (regular([0, 0]))];
}

fn root_dtype(a: &Tensor) -> Result<DType> {
    square(a, "linalg.matrix_sqrth")?;
    floating(a, "linalg.matrix_sqrth")
}

/// `x` with `h x + x h = k` for a Hermitian `h` of these values and vectors.
fn half_commutator(w: &Tensor, v: &Tensor, k: &Tensor) -> Result<Tensor> {
    let inner = adjoint(v)?.matmul(k)?.matmul(v)?;
    let sums = w.unsqueeze(-2)?.add(w.unsqueeze(-1)?)?;
    v.matmul(&inner.div(&sums)?)?.matmul(&adjoint(v)?)
}

fn symmetrized(x: &Tensor) -> Result<Tensor> {
    x.add(adjoint(x)?)?.mul(0.5)
}

op! {
    /// The square roots of Hermitian positive-definite matrices, of which the lower triangle counts; values below 0 count as 0.
    ///
    /// Shape: `*b n n -> *b n n`. Dtype: float32, float64 or complex.
    ///
    /// >>> torch.linalg.matrix_sqrth(torch.tensor([[4., 0.], [0., 9.]]))
    /// tensor([[2., 0.],
    ///         [0., 3.]])
    fn matrix_sqrth(input: Tensor) -> y;
    variants [linalg, out];
    node "LinalgMatrixSqrthBackward0";
    dtype root_dtype(input);
    shape input.size();
    compute {
        root_dtype(input)?;
        let (w, v) = input.eigh_with("L")?;
        let root = w.clamp_min(0.0)?.sqrt()?;
        symmetrized(&v.mul(root.unsqueeze(-2)?)?.matmul(&adjoint(&v)?)?)
    };
    vjp { input => |g, y| Val::run(|| {
        let (w, v) = y.tensor()?.eigh_with("L")?;
        half_commutator(&w, &v, &symmetrized(&g.tensor()?)?)
    }) };
    samples hermitian([(regular([3, 3])), (regular([2, 2, 2])), (regular([0, 0]))]);
}

/// The sizes of a tall matrix's polar factors.
fn polar_sizes(a: &Tensor) -> Result<[Dims; 2]> {
    at_least_matrix(a, "linalg.polar")?;
    let (m, n) = (a.size()[a.dim() - 2], a.size()[a.dim() - 1]);
    if m < n {
        return Err(Error::runtime(format!(
            "linalg.polar: input must have at least as many rows as columns, but got {m} by {n} matrices"
        )));
    }
    Ok([a.sizes(), batch(a).iter().copied().chain([n, n]).collect()])
}

fn polar_dtype(a: &Tensor) -> Result<DType> {
    if matches!(a.dtype(), DType::F16 | DType::BF16) {
        return known(a, "linalg_svd_cpu");
    }
    floating(a, "linalg.polar")
}

op! {
    /// The factors `U @ H` of matrices: orthonormal columns in `U`, and a Hermitian positive-semidefinite `H`.
    ///
    /// Shape: `*b m n -> *b m n, *b n n` with `m >= n`. Dtype: float32, float64 or complex.
    ///
    /// >>> torch.linalg.polar(torch.tensor([[0., -2.], [3., 0.]])).H
    /// tensor([[3., 0.],
    ///         [0., 2.]])
    fn linalg_polar(input: Tensor) -> U, H;
    variants [private, rust, out];
    alias [linalg polar];
    node "LinalgPolarBackward0";
    dtype polar_dtype(input);
    shape polar_sizes(input);
    compute {
        polar_sizes(input)?;
        polar_dtype(input)?;
        let (u, s, vh) = input.svd_with(false, None)?;
        Ok((u.matmul(&vh)?, symmetrized(&adjoint(&vh)?.matmul(&vh.mul(s.unsqueeze(-1)?)?)?)?))
    };
    vjp { input => |gs, U, H| Val::run(|| {
        let (gu, gh, u, h) = (gs[0].tensor()?, symmetrized(&gs[1].tensor()?)?, U.tensor()?, H.tensor()?);
        let (w, v) = h.eigh_with("L")?;
        let turn = half_commutator(&w, &v, &adjoint(&u)?.matmul(&gu)?.sub(gh.matmul(&h)?)?)?;
        let within = u.matmul(&gh.add(turn.sub(adjoint(&turn)?)?)?)?;
        if u.size()[u.dim() - 2] == u.size()[u.dim() - 1] {
            return Ok(within);
        }
        let beyond = gu.sub(u.matmul(&adjoint(&u)?.matmul(&gu)?)?)?;
        within.add(beyond.matmul(&v)?.div(w.unsqueeze(-2)?)?.matmul(&adjoint(&v)?)?)
    }) };
    samples [(regular([3, 3])), (real([3, 2])), (regular([2, 2, 2])), (real([0, 0]))];
}
