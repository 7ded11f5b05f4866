//! Determinants and factors: LU, Cholesky, QR.

use flambeau_cpu::linalg as kernels;

use super::check::{
    Layouts, at_least_matrix, batch, by_columns_copy, column_layout, first_failure, floating, singular, square,
    triangle,
};
use crate::dispatch::Locked;
use crate::ops::{Val, op};
use crate::{Complex64, DType, Dims, Error, Layout, Result, Scalar, Tensor};

fn square_floating(a: &Tensor, name: &str) -> Result<DType> {
    square(a, name)?;
    floating(a, name)
}

fn det_dtype(a: &Tensor) -> Result<DType> {
    match a.dtype() {
        d @ (DType::F16 | DType::BF16) => {
            square(a, "linalg.det")?;
            Err(Error::not_implemented(format!("\"lu_cpu\" not implemented for '{}'", d.title())))
        }
        _ => square_floating(a, "linalg.det"),
    }
}

/// The conjugate transposes of the inverses; the identity's where `det` is 0.
fn inverse_adjoint(a: &Tensor, det: &Tensor) -> Result<Tensor> {
    let n = a.size()[a.dim() - 1];
    let none = det.eq(0.0)?.unsqueeze(-1)?.unsqueeze(-1)?;
    let identity = crate::ops::eye_with(n, None, crate::Options::like(a))?;
    none.where_(identity, a)?.inv()?.transpose(-2, -1)?.conj()
}

op! {
    /// The determinants of square matrices.
    ///
    /// Shape: `*b n n -> *b`. Dtype: float32, float64 or complex.
    ///
    /// >>> torch.linalg.det(torch.tensor([[1., 2.], [3., 4.]]))
    /// tensor(-2.)
    fn det(input: Tensor) -> y;
    variants [method, function, linalg, out];
    node "LinalgDetBackward0";
    dtype det_dtype(input);
    shape batch(input);
    compute { det_dtype(input)?; determinant(input) };
    vjp { input => |g, input, y| Val::run(|| {
        let (a, d) = (input.tensor()?, y.tensor()?);
        let factor = g.tensor()?.mul(d.conj()?)?.unsqueeze(-1)?.unsqueeze(-1)?;
        inverse_adjoint(&a, &d)?.mul(factor)
    }) };
    samples [(real([3, 3])), (regular([2, 2, 2])), (real([1, 1])), (real([0, 0]))];
}

/// A row-major matrix is factored as its transpose, as PyTorch does: the determinant is the same, the rounding too.
fn determinant(a: &Tensor) -> Result<Tensor> {
    let matrix = if a.is_contiguous() { a.mt()? } else { a.clone() }.contiguous()?;
    let out = Tensor::empty(batch(a), a.dtype(), a.device())?;
    crate::dispatch::Locked::run(&[&matrix], std::slice::from_ref(&out), |locked, outs| {
        kernels::det(&mut outs.next(), locked.view(&matrix));
    });
    Ok(out)
}

fn slogdet_dtypes(a: &Tensor) -> Result<[DType; 2]> {
    let d = square_floating(a, "linalg.slogdet")?;
    Ok([d, d.to_real()])
}

op! {
    /// The signs of the determinants of square matrices, and the logarithms of their absolute values.
    ///
    /// Shape: `*b n n -> *b, *b`. Dtype: float32, float64 or complex; the logarithm is real.
    fn slogdet(input: Tensor) -> sign, logabsdet;
    variants [method, function, linalg, out];
    node "LinalgSlogdetBackward0";
    dtype slogdet_dtypes(input);
    shape batch(input);
    contiguous [input];
    kernel { kernels::slogdet(&mut sign, &mut logabsdet, input) };
    vjp { input => |gs, input, sign| Val::run(|| {
        let (a, s) = (input.tensor()?, sign.tensor()?);
        let mut factor = gs[1].tensor()?;
        if a.dtype().is_complex() {
            let turn = (gs[0].conj() * Val::Tensor(s.clone())).imag() * Scalar::Complex(-Complex64::I);
            factor = (&gs[1] + turn).tensor()?;
        }
        inverse_adjoint(&a, &s)?.mul(factor.unsqueeze(-1)?.unsqueeze(-1)?)
    }) };
    samples [(regular([3, 3])), (regular([2, 2, 2])), (regular([0, 0]))];
}

op! {
    /// The logarithms of the determinants of square matrices; nan for negative ones.
    ///
    /// Shape: `*b n n -> *b`. Dtype: float32, float64 or complex.
    fn logdet(input: Tensor) -> y;
    variants [method, function];
    composite {
        let (sign, log) = input.slogdet()?;
        if input.dtype().is_complex() {
            sign.log()?.add(log)
        } else {
            sign.eq(-1.0)?.where_(f64::NAN, log)
        }
    };
    samples [(regular([3, 3])), (regular([2, 2, 2])), (regular([1, 1]))];
}

op! {
    /// The LU factors of matrices in one, with the rows that were swapped (from 1).
    ///
    /// Shape: `*b m n -> *b m n, *b k` with `k = min(m, n)`. Dtype: float32, float64 or complex; the pivots are int32.
    fn lu_factor(input: Tensor; pivot: bool = true) -> LU, pivots;
    variants [linalg, out];
    composite {
        let (lu, pivots, info) = input.lu_factor_ex_with(pivot, false)?;
        if input.device() == crate::Device::Cpu
            && let Some((at, n)) = first_failure(&info)?
        {
            return Err(Error::runtime(format!(
                "torch.linalg.lu_factor: {at}U[{n},{n}] is zero and using it on lu_solve would result in a division by zero. If you still want to \
                 perform the factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
            )));
        }
        Ok((lu, pivots))
    };
    samples [(regular([3, 3])), (real([3, 2])), (regular([2, 2, 2]))];
}

op! {
    /// `lu_factor`, and for each matrix the place, from 1, of the first zero pivot, or 0.
    ///
    /// Shape: `*b m n -> *b m n, *b k, *b` with `k = min(m, n)`. Dtype: float32, float64 or complex; the others are int32.
    fn lu_factor_ex(input: Tensor; pivot: bool = true, check_errors: bool = false) -> LU, pivots, info;
    variants [linalg, out];
    node "LinalgLuFactorExBackward0";
    dtype [floating(input, "torch.linalg.lu_factor")?, DType::I32, DType::I32];
    shape lu_layouts(input);
    compute { lu_factored(input, pivot) };
    vjp { input => |g, LU, pivots| Val::run(|| lu_backward(&g.tensor()?, &LU.tensor()?, &pivots.tensor()?)) };
    samples [(regular([3, 3])), (real([2, 3])), (regular([2, 2, 2]), true, true), (regular([0, 0]))];
}

/// The gradient of packed factors. With `P X = L U`, it is `P^T L^-H (tril(L^H gL) + triu(gU U^H)) U^-H`, the first part
/// without its diagonal; what reaches beyond the square goes through unchanged, less its share in the square.
fn lu_backward(g: &Tensor, lu: &Tensor, pivots: &Tensor) -> Result<Tensor> {
    let (m, n) = (lu.size()[lu.dim() - 2], lu.size()[lu.dim() - 1]);
    let k = m.min(n);
    let adjoint = |t: &Tensor| t.transpose(-2, -1)?.conj();
    let square = |t: &Tensor| t.narrow(-2, 0, k)?.narrow(-1, 0, k);
    let (a, ga) = (square(lu)?, square(g)?);
    let identity = crate::ops::eye_with(k, None, crate::Options::like(lu))?;
    let (l, u) = (triangle(&a, false, true)?.add(identity)?, triangle(&a, true, false)?);
    let (mut low, mut high) =
        (adjoint(&l)?.matmul(&triangle(&ga, false, true)?)?, triangle(&ga, true, false)?.matmul(&adjoint(&u)?)?);
    let (beside, g_beside) = (lu.narrow(-1, k, n - k)?.narrow(-2, 0, k)?, g.narrow(-1, k, n - k)?.narrow(-2, 0, k)?);
    let (below, g_below) = (lu.narrow(-2, k, m - k)?.narrow(-1, 0, k)?, g.narrow(-2, k, m - k)?.narrow(-1, 0, k)?);
    if n > m {
        low = low.sub(g_beside.matmul(&adjoint(&beside)?)?)?;
    } else if m > n {
        high = high.sub(adjoint(&below)?.matmul(&g_below)?)?;
    }
    let inner = triangle(&low, false, true)?.add(triangle(&high, true, false)?)?;
    let solved = |t: &Tensor| adjoint(&l)?.solve_triangular_with(t, true, true, true);
    let over = |t: &Tensor| adjoint(&u)?.solve_triangular_with(t, false, false, false);
    let out = if n > m {
        solved(&crate::ops::cat_with(&[over(&inner)?, g_beside], -1)?)?
    } else if m > n {
        over(&crate::ops::cat_with(&[solved(&inner)?, g_below], -2)?)?
    } else {
        over(&solved(&inner)?)?
    };
    let back = rows_of(pivots, m)?.argsort_with(-1, false)?.unsqueeze(-1)?.expand(out.size())?;
    out.gather_with(-2, &back, false)
}

/// Which row of the matrices each row of their factors was.
pub(super) fn rows_of(pivots: &Tensor, m: i64) -> Result<Tensor> {
    let sizes = rows_sizes(pivots, m)?;
    let (k, swaps) = (pivots.size()[pivots.dim() - 1] as usize, pivots.detach().to_dtype(DType::I64)?.to_vec::<i64>()?);
    let batches: i64 = batch_of(pivots).iter().product();
    let mut rows = Vec::new();
    for b in 0..batches as usize {
        let first = rows.len();
        rows.extend(0..m);
        for (i, &with) in swaps[b * k..(b + 1) * k].iter().enumerate() {
            if i as i64 >= m || with < 1 || with > m {
                return Err(Error::runtime(
                    "pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive. Did you properly call lu_factor?",
                ));
            }
            rows.swap(first + i, first + with as usize - 1);
        }
    }
    Tensor::of(&rows, &sizes)
}

/// The sizes of the rows that swaps leave.
pub(super) fn rows_sizes(pivots: &Tensor, m: i64) -> Result<Dims> {
    crate::ops::rule::require(pivots.dim() > 0 && m >= 0 && pivots.dtype().is_integral(), "permuted_rows")?;
    Ok(batch_of(pivots).iter().copied().chain([m]).collect())
}

/// The batch dimensions of vectors.
fn batch_of(v: &Tensor) -> &[i64] {
    &v.size()[..v.dim() - 1]
}

fn lu_layouts(a: &Tensor) -> Result<Layouts<3>> {
    at_least_matrix(a, "torch.linalg.lu_factor")?;
    let steps: Dims = batch(a).iter().copied().chain([a.size()[a.dim() - 2].min(a.size()[a.dim() - 1])]).collect();
    Ok(Layouts([column_layout(a.size()), Layout::contiguous(&steps), Layout::contiguous(batch(a))]))
}

fn lu_factored(a: &Tensor, pivot: bool) -> Result<(Tensor, Tensor, Tensor)> {
    at_least_matrix(a, "torch.linalg.lu_factor")?;
    floating(a, "torch.linalg.lu_factor")?;
    if !pivot {
        return Err(Error::runtime("linalg.lu_factor: LU without pivoting is not implemented on the CPU"));
    }
    let (m, n) = (a.size()[a.dim() - 2], a.size()[a.dim() - 1]);
    let steps: Dims = batch(a).iter().copied().chain([m.min(n)]).collect();
    let outs = [
        a.clone_in(crate::MemoryFormat::Contiguous)?,
        Tensor::empty(&steps, DType::I32, a.device())?,
        Tensor::empty(batch(a), DType::I32, a.device())?,
    ];
    Locked::run(&[], &outs, |_, outs| {
        let (mut lu, mut pivots, mut info) = (outs.next(), outs.next(), outs.next());
        kernels::lu_factor(&mut lu, &mut pivots, &mut info);
    });
    let [lu, pivots, info] = outs;
    Ok((by_columns_copy(&lu)?, pivots, info))
}

op! {
    /// The triangular factors `L` of Hermitian positive-definite matrices, with `L @ L^H` the matrix; with `upper`, `L^H`.
    ///
    /// Shape: `*b n n -> *b n n`. Dtype: float32, float64 or complex.
    ///
    /// >>> torch.linalg.cholesky(torch.tensor([[4., 0.], [0., 9.]]))
    /// tensor([[2., 0.],
    ///         [0., 3.]])
    fn cholesky(input: Tensor; upper: bool = false) -> y;
    variants [linalg, out];
    composite {
        square_floating(input, "linalg.cholesky")?;
        let (l, info) = input.cholesky_ex_with(upper, false)?;
        if input.device() == crate::Device::Cpu {
            check_positive(&info, "linalg.cholesky")?;
        }
        Ok(l)
    };
    samples hermitian([(regular([3, 3])), (regular([2, 2, 2]), true), (regular([0, 0]))]);
}

fn check_positive(info: &Tensor, name: &str) -> Result<()> {
    match first_failure(info)? {
        None => Ok(()),
        Some((at, n)) => Err(singular(format!(
            "{name}: {at}The factorization could not be completed because the input is not positive-definite (the leading minor of order {n} is not positive-definite)."
        ))),
    }
}

op! {
    /// `cholesky`, and for each matrix the order of the first leading part that is not positive definite, or 0.
    ///
    /// Shape: `*b n n -> *b n n, *b`. Dtype: float32, float64 or complex; info is int32.
    fn cholesky_ex(input: Tensor; upper: bool = false, check_errors: bool = false) -> L, info;
    variants [linalg, out];
    node "LinalgCholeskyExBackward0";
    dtype [square_floating(input, "linalg.cholesky")?, DType::I32];
    shape Layouts([column_layout(input.size()), Layout::contiguous(batch(input))]);
    compute {
        square_floating(input, "linalg.cholesky")?;
        let a = input.contiguous()?;
        let outs = [Tensor::empty(a.size(), a.dtype(), a.device())?, Tensor::empty(batch(&a), DType::I32, a.device())?];
        Locked::run(&[&a], &outs, |locked, outs| {
            let (mut l, mut info) = (outs.next(), outs.next());
            kernels::cholesky(&mut l, locked.view(&a), upper, &mut info);
        });
        let [l, info] = outs;
        if check_errors {
            check_positive(&info, "linalg.cholesky_ex")?;
        }
        Ok((by_columns_copy(&l)?, info))
    };
    vjp { input => |g, L, upper| Val::run(|| cholesky_backward(&g.tensor()?, &L.tensor()?, upper)) };
    samples hermitian([(regular([3, 3])), (regular([2, 2, 2]), true, true)]);
}

/// `L^-H s L^-1`, where `s` is the Hermitian half of the lower triangle of `L^H g`.
fn cholesky_backward(g: &Tensor, l: &Tensor, upper: bool) -> Result<Tensor> {
    let adjoint = |t: &Tensor| t.transpose(-2, -1)?.conj();
    let (g, l) = if upper { (adjoint(g)?, adjoint(l)?) } else { (g.clone(), l.clone()) };
    let h = adjoint(&l)?;
    let phi = h.matmul(&triangle(&g, false, false)?)?;
    // With a strict triangle on one side, the diagonal comes once.
    let s = triangle(&phi, false, false)?.add(adjoint(&triangle(&phi, false, true)?)?)?.mul(0.5)?;
    let half = h.solve_triangular_with(&s, true, true, false)?;
    l.solve_triangular_with(&half, false, false, false)
}

op! {
    /// The QR factors of matrices: `Q` with orthonormal columns and upper triangular `R`.
    ///
    /// Shape: `*b m n -> *b m k, *b k n` with `k = min(m, n)`, or `m` where `mode` is "complete". Dtype: float32, float64 or complex.
    fn qr(input: Tensor, mode: Str = "reduced") -> Q, R;
    variants [linalg, out];
    node "LinalgQrBackward0";
    dtype input.dtype();
    shape qr_sizes(input, mode).map(|[q, r]| Layouts([if q.len() > 1 { column_layout(&q) } else { Layout::contiguous(&q) }, column_layout(&r)]));
    compute { factored_qr(input, mode) };
    vjp { input => |gs, Q, R, mode| Val::run(|| qr_backward(&gs[0].tensor()?, &gs[1].tensor()?, &Q.tensor()?, &R.tensor()?, mode)) };
    samples [(real([3, 2])), (real([2, 2]), "complete"), (real([2, 3, 2]), "reduced"), (real([0, 2]))];
}

/// The sizes of `Q` and `R`.
fn qr_sizes(a: &Tensor, mode: &str) -> Result<[Dims; 2]> {
    at_least_matrix(a, "linalg.qr")?;
    floating(a, "linalg.qr")?;
    let (m, n) = (a.size()[a.dim() - 2], a.size()[a.dim() - 1]);
    let k = match mode {
        "reduced" | "r" => m.min(n),
        "complete" => m,
        other => {
            return Err(Error::runtime(format!(
                "qr received unrecognized mode '{other}' but expected one of 'reduced' (default), 'r', or 'complete'"
            )));
        }
    };
    let with = |p: i64, q: i64| batch(a).iter().copied().chain([p, q]).collect::<Dims>();
    Ok([if mode == "r" { Dims::from_slice(&[0]) } else { with(m, k) }, with(k, n)])
}

fn factored_qr(a: &Tensor, mode: &str) -> Result<(Tensor, Tensor)> {
    let [q, r] = qr_sizes(a, mode)?;
    let a = a.contiguous()?;
    let outs = [Tensor::empty(&r, a.dtype(), a.device())?, Tensor::empty(&q, a.dtype(), a.device())?];
    Locked::run(&[&a], &outs, |locked, outs| {
        let (mut r, mut q) = (outs.next(), outs.next());
        kernels::qr((mode != "r").then_some(&mut q), &mut r, locked.view(&a));
    });
    let [r, q] = outs;
    Ok((if mode == "r" { q } else { by_columns_copy(&q)? }, by_columns_copy(&r)?))
}

fn qr_backward(gq: &Tensor, gr: &Tensor, q: &Tensor, r: &Tensor, mode: &str) -> Result<Tensor> {
    if mode == "r" {
        return Err(Error::runtime(
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, mode='reduced') if you are going \
             to differentiate through linalg.qr.",
        ));
    }
    let (rows, cols) = (r.size()[r.dim() - 2], r.size()[r.dim() - 1]);
    if rows > cols {
        return Err(Error::runtime(
            "The QR decomposition is not differentiable when mode='complete' and nrows > ncols",
        ));
    }
    if rows < cols {
        // Of `[X Y]`, `Q` and the first columns of `R` are the factors of `X`, and the others are `Q^H Y`.
        let part = |t: &Tensor, from: i64, n: i64| t.narrow(-1, from, n);
        let (r1, r2) = (part(r, 0, rows)?, part(r, rows, cols - rows)?);
        let (gr1, gr2) = (part(gr, 0, rows)?, part(gr, rows, cols - rows)?);
        let gq = gq.add(q.matmul(&r2)?.matmul(&gr2.transpose(-2, -1)?.conj()?)?)?;
        let first = qr_backward(&gq, &gr1, q, &r1, mode)?;
        return crate::ops::cat_with(&[first, q.matmul(&gr2)?], -1);
    }
    let adjoint = |t: &Tensor| t.transpose(-2, -1)?.conj();
    let m = r.matmul(&adjoint(gr)?)?.sub(adjoint(gq)?.matmul(q)?)?;
    // The lower triangle, mirrored; of its diagonal the real part counts.
    let (low, whole) = (triangle(&m, false, true)?, triangle(&m, false, false)?);
    let diagonal = whole.sub(&low)?;
    let s = low.add(adjoint(&low)?)?.add(diagonal.add(adjoint(&diagonal)?)?.mul(0.5)?)?;
    let right = gq.add(q.matmul(&s)?)?;
    adjoint(r)?.solve_triangular_with(&right, false, false, false)
}
