//! Least-squares solutions of systems of equations.

use flambeau_cpu::linalg as kernels;

use super::check::{Layouts, adjoint, batch, column_layout, singular};
use super::pseudo::pinv_backward;
use crate::dispatch::Locked;
use crate::ops::{Val, op};
use crate::{DType, Dims, Error, Layout, Options, Result, Tensor};

const NAME: &str = "torch.linalg.lstsq";

/// What a call is made of.
struct System<'a> {
    driver: &'a str,
    /// The right sides are vectors.
    vector: bool,
    lead: Dims,
    m: i64,
    n: i64,
    /// How many right sides a matrix has.
    sides: i64,
}

fn system<'a>(a: &Tensor, b: &Tensor, driver: Option<&'a str>) -> Result<System<'a>> {
    let fail = |text: String| Err(Error::runtime(format!("{NAME}: {text}")));
    if a.dim() < 2 {
        return fail("input must have at least 2 dimensions.".into());
    }
    if b.dim() < 1 {
        return fail("other must have at least 1 dimension.".into());
    }
    if a.dtype() != b.dtype() {
        return fail(format!(
            "Expected input and other to have the same dtype, but got input's dtype {} and other's dtype {}",
            a.dtype().title(),
            b.dtype().title()
        ));
    }
    if !matches!(a.dtype(), DType::F32 | DType::F64 | DType::C64 | DType::C128) {
        return Err(Error::runtime("This function doesn't handle types other than float and double"));
    }
    let driver = driver.unwrap_or("gelsy");
    if !["gels", "gelsy", "gelsd", "gelss"].contains(&driver) {
        return fail("parameter `driver` should be one of (gels, gelsy, gelsd, gelss)".into());
    }
    let vector = b.dim() == 1 || (a.dim() == b.dim() + 1 && a.size()[..a.dim() - 1] == *b.size());
    let (m, n) = (a.size()[a.dim() - 2], a.size()[a.dim() - 1]);
    let rows = b.size()[b.dim() - if vector { 1 } else { 2 }];
    if m != rows {
        let at = if vector { "-1" } else { "-2" };
        return fail(format!("input.size(-2) should match other.size({at})"));
    }
    let before = if vector { &b.size()[..b.dim() - 1] } else { batch(b) };
    let lead = crate::broadcast_shapes(batch(a), before)?;
    Ok(System { driver, vector, lead, m, n, sides: if vector { 1 } else { b.size()[b.dim() - 1] } })
}

impl System<'_> {
    fn with(&self, ends: &[i64]) -> Dims {
        self.lead.iter().chain(ends).copied().collect()
    }

    /// The solution, the residuals, the ranks and the singular values.
    fn layouts(&self) -> Layouts<4> {
        // At the top of columns as long as the longer side.
        let mut solution = column_layout(&self.with(&[self.m.max(self.n), self.sides]));
        solution.sizes[self.lead.len()] = self.n;
        if self.vector {
            solution.sizes.pop();
            solution.strides.pop();
        }
        let nothing = || Layout::contiguous(&[0]);
        let values = matches!(self.driver, "gelsd" | "gelss");
        Layouts([
            solution,
            if self.m > self.n && self.driver != "gelsy" {
                Layout::contiguous(&self.with(&[self.sides]))
            } else {
                nothing()
            },
            if self.driver == "gels" { nothing() } else { Layout::contiguous(&self.lead) },
            if values { Layout::contiguous(&self.with(&[self.m.min(self.n)])) } else { nothing() },
        ])
    }
}

/// The solution of full rank, by QR.
fn by_qr(a: &Tensor, b: &Tensor, s: &System<'_>) -> Result<Tensor> {
    let tall = s.m >= s.n;
    let (q, r) = if tall { a.qr()? } else { adjoint(a)?.qr()? };
    let diagonal = r.diagonal_with(0, -2, -1)?;
    let zeros = diagonal.eq(0.0)?;
    if zeros.any()?.item()?.to_bool() {
        let k = s.m.min(s.n);
        let list = zeros.reshape(&[-1, k])?.to_vec::<bool>()?;
        let at = list.iter().position(|z| *z).unwrap_or(0);
        let place = if s.lead.is_empty() { String::new() } else { format!("(Batch element {}): ", at as i64 / k) };
        return Err(singular(format!(
            "{NAME}: {place}The least squares solution could not be computed because the input matrix does not have full rank (error code: \
             {}).",
            at as i64 % k + 1
        )));
    }
    if tall {
        r.solve_triangular(&adjoint(&q)?.matmul(b)?, true)
    } else {
        q.matmul(&adjoint(&r)?.solve_triangular(b, false)?)
    }
}

/// The solution without singular values, where no matrix is near a lower rank.
fn clearly_of_full_rank(a: &Tensor, b: &Tensor, limit: f64, s: &System<'_>) -> Result<Option<Tensor>> {
    let (a, b) = (a.contiguous()?, b.contiguous()?);
    let outs = [
        Tensor::empty(&s.with(&[s.n, s.sides]), a.dtype(), a.device())?,
        Tensor::empty(&s.lead, DType::I32, a.device())?,
    ];
    Locked::run(&[&a, &b], &outs, |locked, outs| {
        let (mut x, mut info) = (outs.next(), outs.next());
        kernels::least_squares(&mut x, locked.view(&a), locked.view(&b), limit, &mut info);
    });
    let [x, info] = outs;
    Ok(if info.any()?.item()?.to_bool() { None } else { Some(x) })
}

type Solved = (Tensor, Tensor, Tensor, Tensor);

fn solved(a: &Tensor, b: &Tensor, rcond: Option<f64>, s: &System<'_>) -> Result<Solved> {
    let right = if s.vector { b.unsqueeze(-1)? } else { b.clone() };
    let a = a.expand(&s.with(&[s.m, s.n]))?;
    let right = right.expand(&s.with(&[s.m, s.sides]))?;
    let options = Options::like(&a);
    let real = Options { dtype: Some(a.dtype().to_real()), ..options };
    let nothing = |o: Options| crate::ops::zeros_with(&[0], o);
    let integers = Options { dtype: Some(DType::I64), ..options };
    let (mut ranks, mut values, mut full) = (nothing(integers)?, nothing(real)?, true);
    let solution;
    if a.numel() == 0 || right.numel() == 0 {
        solution = crate::ops::zeros_with(&s.with(&[s.n, s.sides]), options)?;
        full = false;
        if s.driver != "gels" {
            ranks = crate::ops::zeros_with(&s.lead, integers)?;
        }
        if matches!(s.driver, "gelsd" | "gelss") {
            values = crate::ops::zeros_with(&s.with(&[s.m.min(s.n)]), real)?;
        }
    } else if s.driver == "gels" {
        solution = by_qr(&a, &right, s)?;
    } else {
        let eps = if real.dtype == Some(DType::F64) { f64::EPSILON } else { f64::from(f32::EPSILON) };
        // A negative limit stands for the precision.
        let limit = rcond.map_or(eps * s.m.max(s.n) as f64, |r| if r < 0.0 { eps } else { r });
        if s.driver == "gelsy"
            && let Some(found) = clearly_of_full_rank(&a, &right, limit, s)?
        {
            let ranks = crate::ops::full_with(&s.lead, s.m.min(s.n), integers)?;
            return Ok((laid(&found, s)?, nothing(real)?, ranks, values));
        }
        let (u, sv, vh) = a.svd_with(false, None)?;
        let small = sv.le(&sv.narrow(-1, 0, 1)?.mul(limit)?)?;
        ranks = small.logical_not()?.sum_dim_with(Some(&[-1]), false, None)?;
        full = ranks.eq(s.n)?.all()?.item()?.to_bool();
        let inverse = sv.reciprocal()?.masked_fill(&small, 0.0)?.unsqueeze(-1)?;
        solution = adjoint(&vh)?.matmul(&adjoint(&u)?.matmul(&right)?.mul(&inverse)?)?;
        if s.driver != "gelsy" {
            values = sv;
        }
    }
    let mut residuals = nothing(real)?;
    if s.m > s.n && full && s.driver != "gelsy" {
        let over = a.matmul(&solution)?.sub(&right)?.abs()?.square()?;
        residuals = over.sum_dim_with(Some(&[-2]), false, None)?;
    }
    Ok((laid(&solution, s)?, residuals, ranks, values))
}

/// The solution where LAPACK leaves it: at the top of columns as long as the longer side.
fn laid(solution: &Tensor, s: &System<'_>) -> Result<Tensor> {
    let memory = Tensor::empty(&s.with(&[s.sides, s.m.max(s.n)]), solution.dtype(), solution.device())?;
    let out = memory.mt()?.narrow(-2, 0, s.n)?;
    if solution.numel() > 0 {
        out.copy_(solution)?;
    }
    if s.vector { out.squeeze_dim(-1) } else { Ok(out) }
}

op! {
    /// The least-squares solutions `x` of `input @ x = b`, those of least length where there are several; the sums of squares that are
    /// left, the ranks and the singular values, as far as the LAPACK `driver` ("gels", "gelsy", "gelsd", "gelss") gives them. Singular values up
    /// to `rcond` times the greatest count as zero.
    ///
    /// Shape: `*b m n, *b m k -> *b n k, *b k, *b, *b min(m,n)`, or `*b m -> *b n`. Dtype: both the same, float32, float64 or complex.
    ///
    /// >>> torch.linalg.lstsq(torch.tensor([[2.], [0.]]), torch.tensor([[4.], [3.]])).solution
    /// tensor([[2.]])
    fn lstsq(input: Tensor, b: Tensor, rcond: Option<f64> = None; driver: Option<Str> = None) -> solution, residuals, rank, singular_values;
    variants [linalg, out];
    composite {
        let (solution, residuals, rank, values) = input.least_squares(b, rcond, driver)?;
        // The singular values tell of the system; they carry no gradient.
        Ok((solution, residuals, rank, values.detach()))
    };
    samples [
        (real([3, 2]), other([3, 2])),
        (real([2, 3]), other([2, 1])),
        (real([3, 2]), other([3]), 1e-6),
        (real([2, 3, 2]), other([2, 3, 1]), None::<f64>, "gels"),
        (real([3, 2]), other([3, 1]), None::<f64>, "gelsd"),
    ];
}

op! {
    /// `lstsq`, with a gradient for what is solved.
    ///
    /// Shape: `*b m n, *b m k -> *b n k, *b k, *b, *b min(m,n)`, or `*b m -> *b n`. Dtype: both the same, float32, float64 or complex.
    fn least_squares(input: Tensor, b: Tensor, rcond: Option<f64>, driver: Option<Str>) -> solution, residuals, rank, singular_values;
    variants [private];
    node "LinalgLstsqBackward0";
    dtype [input.dtype(), input.dtype().to_real(), DType::I64, input.dtype().to_real()];
    shape system(input, b, driver).map(|s| s.layouts());
    compute {
        let s = system(input, b, driver)?;
        solved(input, b, rcond, &s)
    };
    vjp {
        input => |gs, input, b, solution, driver| Val::run(|| Ok(backward(&input.tensor()?, &b.tensor()?, &solution.tensor()?, &gs[0].tensor()?, &gs[1].tensor()?, driver)?.0));
        b => |gs, input, b, solution, driver| Val::run(|| Ok(backward(&input.tensor()?, &b.tensor()?, &solution.tensor()?, &gs[0].tensor()?, &gs[1].tensor()?, driver)?.1))
    };
    samples without_gradcheck([(real([3, 2]), other([3, 2]), None::<f64>, "gelsd"), (real([2, 3]), other([2, 1]), None::<f64>, "gels")]);
}

/// The gradients of both sides: the solution is the pseudoinverse times `b`, the residuals are sums of squares.
fn backward(
    a: &Tensor,
    b: &Tensor,
    x: &Tensor,
    gx: &Tensor,
    gr: &Tensor,
    driver: Option<&str>,
) -> Result<(Tensor, Tensor)> {
    let s = system(a, b, driver)?;
    let matrix = |t: &Tensor| if s.vector { t.unsqueeze(-1) } else { Ok(t.clone()) };
    let (right, x, gx) = (matrix(b)?, matrix(x)?, matrix(gx)?);
    let inverse = a.pinv()?;
    let mut ga = pinv_backward(&gx.matmul(&adjoint(&right)?)?, a, &inverse)?;
    let mut gb = adjoint(&inverse)?.matmul(&gx)?;
    if gr.numel() > 0 {
        let over = a.matmul(&x)?.sub(&right)?.mul(gr.unsqueeze(-2)?)?.mul(2.0)?;
        ga = ga.add(over.matmul(&adjoint(&x)?)?)?;
        gb = gb.sub(over)?;
    }
    Ok((ga, if s.vector { gb.squeeze_dim(-1)? } else { gb }))
}
