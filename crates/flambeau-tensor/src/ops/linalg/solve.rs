//! Inverses and systems of equations.

use flambeau_cpu::linalg as kernels;

use super::check::{Layouts, batch, by_columns_copy, column_layout, first_failure, floating, singular, square};
use crate::dispatch::Locked;
use crate::ops::{Val, op};
use crate::{DType, Dims, Error, Layout, Result, Tensor};

fn adjoint(v: &Val) -> Val {
    v.transpose(-2, -1).conj()
}

fn inverse_specs(a: &Tensor, name: &str) -> Result<[DType; 2]> {
    Ok([floating(a, name)?, DType::I32])
}

/// Sizes of a square matrix's result and of the info beside it.
fn with_info(a: &Tensor, name: &str) -> Result<Dims> {
    square(a, name)?;
    Ok(a.sizes())
}

fn inverted(a: &Tensor, check_errors: bool, name: &str) -> Result<(Tensor, Tensor)> {
    floating(a, name)?;
    square(a, name)?;
    let a = a.contiguous()?;
    let outs = [Tensor::empty(a.size(), a.dtype(), a.device())?, Tensor::empty(batch(&a), DType::I32, a.device())?];
    Locked::run(&[&a], &outs, |locked, outs| {
        let (mut x, mut info) = (outs.next(), outs.next());
        kernels::inverse(&mut x, locked.view(&a), &mut info);
    });
    let [x, info] = outs;
    if check_errors {
        check_singular(&info, name)?;
    }
    Ok((by_columns_copy(&x)?, info))
}

pub(super) fn check_singular(info: &Tensor, name: &str) -> Result<()> {
    match first_failure(info)? {
        None => Ok(()),
        Some((at, n)) => Err(singular(format!(
            "{name}: {at}The diagonal element {n} is zero, the inversion could not be completed because the input matrix is singular."
        ))),
    }
}

op! {
    /// The inverses of square matrices.
    ///
    /// Shape: `*b n n -> *b n n`. Dtype: float32, float64 or complex.
    ///
    /// >>> torch.linalg.inv(torch.tensor([[2., 0.], [0., 4.]]))
    /// tensor([[0.5000, 0.0000],
    ///         [0.0000, 0.2500]])
    fn inv(input: Tensor) -> y;
    variants [linalg, out];
    alias [method inverse, function inverse];
    composite {
        floating(input, "linalg.inv")?;
        square(input, "linalg.inv")?;
        let (inverse, info) = input.inv_ex()?;
        if input.device() == crate::Device::Cpu {
            check_singular(&info, "linalg.inv")?;
        }
        Ok(inverse)
    };
    samples [(regular([3, 3])), (regular([2, 2, 2])), (regular([0, 0]))];
}

op! {
    /// The inverses of square matrices, and for each the place, from 1, of the first zero pivot, or 0.
    ///
    /// Shape: `*b n n -> *b n n, *b`. Dtype: float32, float64 or complex; info is int32.
    fn inv_ex(input: Tensor; check_errors: bool = false) -> inverse, info;
    variants [linalg, out];
    node "LinalgInvExBackward0";
    dtype inverse_specs(input, "linalg.inv");
    shape with_info(input, "linalg.inv").map(|s| [column_layout(&s), Layout::contiguous(batch(input))]).map(Layouts);
    compute { inverted(input, check_errors, "linalg.inv_ex") };
    vjp { input => |g, inverse| -(adjoint(inverse).matmul(g).matmul(adjoint(inverse))) };
    samples [(regular([3, 3])), (regular([2, 2, 2]), true), (regular([0, 0]))];
}

/// Whether `b` is a vector, or a batch of vectors, for the matrices `a`.
fn is_vector(a: &Tensor, b: &Tensor) -> bool {
    b.dim() == 1 || (a.dim() == b.dim() + 1 && a.size()[..a.dim() - 1] == *b.size())
}

/// One side of a system has the other's dtype.
fn same_dtype(a: &Tensor, b: &Tensor, name: &str) -> Result<DType> {
    let dtype = floating(a, name)?;
    if dtype != b.dtype() {
        return Err(Error::runtime(format!(
            "{name}: Expected A and B to have the same dtype, but found A of type {} and B of type {} instead",
            dtype.title(),
            b.dtype().title()
        )));
    }
    Ok(dtype)
}

/// The matrices of both sides must fit; gives the broadcast sizes before them.
pub(super) fn fitting(a: &Tensor, b: &Tensor, left: bool, name: &str) -> Result<Dims> {
    if b.dim() < 2 {
        return Err(Error::runtime(format!("{name}: The input tensor B must have at least 2 dimensions.")));
    }
    let n = a.size()[a.dim() - 1];
    let (rows, cols) = (b.size()[b.dim() - 2], b.size()[b.dim() - 1]);
    if n != if left { rows } else { cols } {
        let equation = if left { "AX = B" } else { "XA = B" };
        return Err(Error::runtime(format!(
            "{name}: Incompatible shapes of A and B for the equation {equation} ({n}x{n} and {rows}x{cols})"
        )));
    }
    crate::broadcast_shapes(batch(a), batch(b))
}

/// What a system is made of.
struct System {
    /// Sizes before the matrices.
    lead: Dims,
    /// The right side as matrices.
    right: Tensor,
    vector: bool,
    /// How the solution lies.
    layout: Layout,
}

/// Checks the two sides of a system.
fn system(a: &Tensor, b: &Tensor, left: bool) -> Result<System> {
    let name = "linalg.solve";
    floating(a, name)?;
    square(a, name)?;
    same_dtype(a, b, name)?;
    let vector = is_vector(a, b);
    if vector && !left {
        return Err(Error::runtime(
            "linalg.solve: Vector broadcasting of the left hand side is not supported for left=False. In this case linalg.solve is equivalent to B / A.squeeze(-1)",
        ));
    }
    let right = if vector { b.unsqueeze(-1)? } else { b.clone() };
    let lead = fitting(a, &right, left, name)?;
    let mut sizes = lead.clone();
    let own = &right.size()[right.dim() - 2..];
    sizes.extend_from_slice(if vector { &own[..1] } else { own });
    let layout = if left && sizes.len() > 1 { column_layout(&sizes) } else { Layout::contiguous(&sizes) };
    Ok(System { lead, right, vector, layout })
}

fn solved(a: &Tensor, b: &Tensor, left: bool, check_errors: bool) -> Result<(Tensor, Tensor)> {
    let System { lead, right, vector, layout } = system(a, b, left)?;
    // X A = B is A^T X^T = B^T.
    let turn = |t: &Tensor| if left { Ok(t.clone()) } else { t.transpose(-2, -1) };
    let (n, m, right) = (a.size()[a.dim() - 1], turn(a)?, turn(&right)?);
    let width = right.size()[right.dim() - 1];
    let with = |k: i64| lead.iter().copied().chain([n, k]).collect::<Dims>();
    let (m, right) = (m.expand(&with(n))?.contiguous()?, right.expand(&with(width))?.contiguous()?);
    let outs = [Tensor::empty(&with(width), a.dtype(), a.device())?, Tensor::empty(&lead, DType::I32, a.device())?];
    Locked::run(&[&m, &right], &outs, |locked, outs| {
        let (mut x, mut info) = (outs.next(), outs.next());
        kernels::solve(&mut x, locked.view(&m), locked.view(&right), &mut info);
    });
    let [x, info] = outs;
    if check_errors {
        check_solved(&info, "torch.linalg.solve_ex")?;
    }
    let x = if vector { x.squeeze_dim(-1)? } else { turn(&x)? };
    let out = Tensor::empty_layout(layout, x.dtype(), x.device())?;
    if x.numel() > 0 {
        out.copy_(&x)?;
    }
    Ok((out, info))
}

fn check_solved(info: &Tensor, name: &str) -> Result<()> {
    match first_failure(info)? {
        None => Ok(()),
        Some((at, _)) => Err(singular(format!("{name}: {at}The solver failed because the input matrix is singular."))),
    }
}

op! {
    /// The solutions `x` of `input @ x = B`, or with `left` false of `x @ input = B`.
    ///
    /// Shape: `*b n n, *b n k -> *b n k`, or vectors `*b n`. Dtype: both the same, float32, float64 or complex.
    ///
    /// >>> torch.linalg.solve(torch.tensor([[2., 0.], [0., 4.]]), torch.tensor([2., 2.]))
    /// tensor([1.0000, 0.5000])
    fn solve(input: Tensor, B: Tensor; left: bool = true) -> y;
    variants [linalg, out];
    composite {
        let (x, info) = input.solve_ex_with(B, left, false)?;
        if input.device() == crate::Device::Cpu {
            check_solved(&info, "torch.linalg.solve")?;
        }
        Ok(x)
    };
    samples [
        (regular([3, 3]), real([3])),
        (regular([2, 2]), real([2, 3])),
        (regular([2, 2]), real([3, 2]), false),
        (regular([2, 2, 2]), real([2, 2])),
    ];
}

op! {
    /// `solve`, and for each matrix the place, from 1, of the first zero pivot, or 0.
    ///
    /// Shape: `*b n n, *b n k -> *b n k, *b`. Dtype: both the same, float32, float64 or complex; info is int32.
    fn solve_ex(input: Tensor, B: Tensor; left: bool = true, check_errors: bool = false) -> result, info;
    variants [linalg, out];
    node "LinalgSolveExBackward0";
    dtype [input.dtype(), DType::I32];
    shape system(input, B, left).map(|s| Layouts([s.layout, Layout::contiguous(&s.lead)]));
    compute { solved(input, B, left, check_errors) };
    vjp {
        input => |g, input, B.shape, result, left| Val::run(|| {
            let (a, x) = (input.tensor()?, result.tensor()?);
            let gb = a.transpose(-2, -1)?.conj()?.solve_with(&g.tensor()?, left)?;
            let vector = B.shape.len() == 1 || (a.dim() == B.shape.len() + 1 && a.size()[..a.dim() - 1] == B.shape[..]);
            let (gb, x) = if vector { (gb.unsqueeze(-1)?, x.unsqueeze(-1)?) } else { (gb, x) };
            let xh = x.transpose(-2, -1)?.conj()?;
            if left { gb.matmul(&xh)?.neg() } else { xh.matmul(&gb)?.neg() }
        });
        B => |g, input, left| Val::run(|| input.tensor()?.transpose(-2, -1)?.conj()?.solve_with(&g.tensor()?, left))
    };
    samples [
        (regular([2, 2]), real([2, 3])),
        (regular([2, 2]), real([3, 2]), false, true),
        (regular([2, 2, 2]), real([2, 2])),
    ];
}

/// Checks a triangular system; gives the sizes of its solution.
fn triangular_sizes(a: &Tensor, b: &Tensor, left: bool) -> Result<Dims> {
    let name = "linalg.solve_triangular";
    square(a, name)?;
    let mut sizes = fitting(a, b, left, name)?;
    same_dtype(a, b, name)?;
    sizes.extend_from_slice(&b.size()[b.dim() - 2..]);
    Ok(sizes)
}

fn triangular(a: &Tensor, b: &Tensor, upper: bool, left: bool, unit: bool) -> Result<Tensor> {
    let sizes = triangular_sizes(a, b, left)?;
    let mut whole = sizes.clone();
    let n = a.size()[a.dim() - 1];
    whole.truncate(sizes.len() - 2);
    whole.extend_from_slice(&[n, n]);
    let (a, b) = (a.expand(&whole)?.contiguous()?, b.expand(&sizes)?.contiguous()?);
    let out = Tensor::empty(b.size(), a.dtype(), a.device())?;
    Locked::run(&[&a, &b], std::slice::from_ref(&out), |locked, outs| {
        kernels::triangular_solve(&mut outs.next(), locked.view(&a), locked.view(&b), upper, left, unit);
    });
    by_columns_copy(&out)
}

op! {
    /// The solutions `x` of `input @ x = B` for triangular matrices, or with `left` false of `x @ input = B`.
    ///
    /// Shape: `*b n n, *b n k -> *b n k`. Dtype: both the same, float32, float64 or complex.
    ///
    /// >>> torch.linalg.solve_triangular(torch.tensor([[2., 1.], [0., 4.]]), torch.tensor([[3.], [4.]]), upper=True)
    /// tensor([[1.],
    ///         [1.]])
    fn solve_triangular(input: Tensor, B: Tensor; upper: bool, left: bool = true, unitriangular: bool = false) -> y;
    variants [linalg, out];
    node "LinalgSolveTriangularBackward0";
    dtype input.dtype();
    shape triangular_sizes(input, B, left).map(|s| column_layout(&s));
    compute { triangular(input, B, upper, left, unitriangular) };
    vjp {
        input => |g, input, y, upper, left, unitriangular| Val::run(|| {
            let h = input.tensor()?.transpose(-2, -1)?.conj()?;
            let gb = h.solve_triangular_with(&g.tensor()?, !upper, left, unitriangular)?;
            let xh = y.tensor()?.transpose(-2, -1)?.conj()?;
            let ga = if left { gb.matmul(&xh)?.neg()? } else { xh.matmul(&gb)?.neg()? };
            super::check::triangle(&ga, upper, unitriangular)
        });
        B => |g, input, upper, left, unitriangular| Val::run(|| {
            input.tensor()?.transpose(-2, -1)?.conj()?.solve_triangular_with(&g.tensor()?, !upper, left, unitriangular)
        })
    };
    samples [
        (regular([3, 3]), real([3, 2]), true),
        (regular([2, 2]), real([3, 2]), false, false),
        (regular([2, 2, 2]), real([2, 1]), false, true, true),
    ];
}

op! {
    /// The `n`-th powers of square matrices; a negative `n` inverts first.
    ///
    /// Shape: `*b n n -> *b n n`. Dtype: unchanged.
    ///
    /// >>> torch.linalg.matrix_power(torch.tensor([[1., 1.], [0., 1.]]), 3)
    /// tensor([[1., 3.],
    ///         [0., 1.]])
    fn matrix_power(input: Tensor, n: i64) -> y;
    variants [method, function, linalg, out];
    composite { power(input, n) };
    samples [(real([2, 2]), 3), (regular([2, 2]), -2), (real([2, 2]), 0), (real([2, 2, 2]), 1), (real([0, 0]), 2)];
}

fn power(x: &Tensor, n: i64) -> Result<Tensor> {
    square(x, "linalg.matrix_power")?;
    if n == 0 {
        let k = x.size()[x.dim() - 1];
        let out = x.clone_tensor()?;
        return out.copy_(&crate::ops::eye_with(k, None, crate::Options::like(x))?);
    }
    let mut square = if n < 0 { x.inv()? } else { x.clone() };
    let mut left = n.unsigned_abs();
    if left == 1 {
        return if n < 0 { Ok(square) } else { x.clone_tensor() };
    }
    let mut result: Option<Tensor> = None;
    loop {
        if left & 1 == 1 {
            result = Some(match result {
                None => square.clone(),
                Some(r) => r.matmul(&square)?,
            });
        }
        left >>= 1;
        if left == 0 {
            return result.map_or_else(|| x.clone_tensor(), Ok);
        }
        square = square.matmul(&square)?;
    }
}

op! {
    /// The solutions `x` of `A @ x = input` for triangular matrices, or with `transpose` of `A.mT @ x = input`, and a copy of `A`.
    ///
    /// Shape: `*b n k, *b n n -> *b n k, *b n n`. Dtype: both the same, float32, float64 or complex.
    ///
    /// >>> torch.triangular_solve(torch.tensor([[3.], [4.]]), torch.tensor([[2., 1.], [0., 4.]])).solution
    /// tensor([[1.],
    ///         [1.]])
    fn triangular_solve(input: Tensor, A: Tensor, upper: bool = true, transpose: bool = false, unitriangular: bool = false) -> solution, cloned_coefficient;
    variants [method, function, out];
    composite {
        let name = "triangular_solve";
        for (t, word) in [(input, "b"), (A, "A")] {
            if t.dim() < 2 {
                return Err(Error::runtime(format!(
                    "torch.triangular_solve: Expected {word} to have at least 2 dimensions, but it has {} dimensions instead",
                    t.dim()
                )));
            }
        }
        if input.dtype() != A.dtype() {
            return Err(Error::runtime(format!(
                "Expected b and A to have the same dtype, but found b of type {} and A of type {} instead.",
                input.dtype().title(),
                A.dtype().title()
            )));
        }
        let (m, n) = (A.size()[A.dim() - 2], A.size()[A.dim() - 1]);
        if m != n {
            return Err(Error::runtime(format!("A must be batches of square matrices, but they are {m} by {n} matrices")));
        }
        let (rows, cols) = (input.size()[input.dim() - 2], input.size()[input.dim() - 1]);
        if rows != n {
            return Err(Error::runtime(format!(
                "Incompatible matrix sizes for {name}: each A matrix is {n} by {n} but each b matrix is {rows} by {cols}"
            )));
        }
        let mut sizes = crate::broadcast_shapes(batch(A), batch(input))?;
        sizes.extend_from_slice(&[n, n]);
        let turned = if transpose { A.transpose(-2, -1)? } else { A.clone() };
        let solution = turned.solve_triangular_with(input, upper != transpose, true, unitriangular)?;
        Ok((solution, A.expand(&sizes)?.transpose(-2, -1)?.clone_in(crate::MemoryFormat::Contiguous)?.transpose(-2, -1)?))
    };
    samples [
        (real([3, 2]), regular([3, 3])),
        (real([2, 1]), regular([2, 2]), false, true),
        (real([2, 1]), regular([2, 2, 2]), true, false, true),
    ];
}
