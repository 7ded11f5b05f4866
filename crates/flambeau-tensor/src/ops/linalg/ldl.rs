//! LDL factors of symmetric and Hermitian matrices, and systems that they solve.

use flambeau_cpu::linalg as kernels;

use super::check::{Layouts, batch, by_columns_copy, column_layout, first_failure, floating, square, turned_empty};
use crate::dispatch::Locked;
use crate::ops::op;
use crate::{DType, Dims, Error, Layout, Result, Tensor};

fn factor_dtypes(a: &Tensor) -> Result<[DType; 3]> {
    square(a, "torch.linalg.ldl_factor_ex")?;
    Ok([floating(a, "torch.linalg.ldl_factor_ex")?, DType::I32, DType::I32])
}

/// LAPACK's code for a block of 0, in PyTorch's words.
fn check_blocks(info: &Tensor, name: &str) -> Result<()> {
    match first_failure(info)? {
        None => Ok(()),
        Some((at, n)) => Err(Error::runtime(format!("{name}: {at}Unknown error code: {n}."))),
    }
}

op! {
    /// The factors `L @ D @ L^T` of symmetric matrices (with `hermitian` of Hermitian ones, `L @ D @ L^H`) in one, of which the lower
    /// triangle counts: the blocks of D, L below them; the swaps of rows, from 1, negative for blocks of two.
    ///
    /// Shape: `*b n n -> *b n n, *b n`. Dtype: float32, float64 or complex; the pivots are int32.
    ///
    /// >>> torch.linalg.ldl_factor(torch.tensor([[2., 1.], [1., 2.]])).LD
    /// tensor([[2.0000, 0.0000],
    ///         [0.5000, 1.5000]])
    fn ldl_factor(input: Tensor; hermitian: bool = false) -> LD, pivots;
    variants [linalg, out];
    nondifferentiable;
    composite {
        let (ld, pivots, info) = input.ldl_factor_ex_with(hermitian, false)?;
        if input.device() == crate::Device::Cpu {
            check_blocks(&info, "torch.linalg.ldl_factor")?;
        }
        Ok((ld, pivots))
    };
    samples [(regular([3, 3])), (real([3, 3]), true), (regular([2, 2, 2])), (regular([0, 0]))];
}

op! {
    /// `ldl_factor`, and for each matrix the place, from 1, of the first block of 0, or 0.
    ///
    /// Shape: `*b n n -> *b n n, *b n, *b`. Dtype: float32, float64 or complex; the others are int32.
    fn ldl_factor_ex(input: Tensor; hermitian: bool = false, check_errors: bool = false) -> LD, pivots, info;
    variants [linalg, out];
    nondifferentiable;
    dtype factor_dtypes(input);
    shape Layouts([
        column_layout(input.size()),
        Layout::contiguous(&input.size()[..input.dim() - 1]),
        Layout::contiguous(batch(input)),
    ]);
    compute {
        factor_dtypes(input)?;
        let a = input.contiguous()?;
        let outs = [
            turned_empty(a.size(), &a)?,
            Tensor::empty(&a.size()[..a.dim() - 1], DType::I32, a.device())?,
            Tensor::empty(batch(&a), DType::I32, a.device())?,
        ];
        let hermitian = hermitian && a.dtype().is_complex();
        Locked::run(&[&a], &outs, |locked, outs| {
            let (mut ld, mut pivots, mut info) = (outs.next(), outs.next(), outs.next());
            kernels::ldl_factor(&mut ld, &mut pivots, &mut info, locked.view(&a), hermitian);
        });
        let [ld, pivots, info] = outs;
        if check_errors {
            check_blocks(&info, "torch.linalg.ldl_factor_ex")?;
        }
        Ok((ld.mt()?, pivots, info))
    };
    samples [(regular([3, 3])), (real([3, 3]), true, true), (regular([2, 2, 2]))];
}

/// The sizes of the solution of a system of LDL factors.
fn system(ld: &Tensor, pivots: &Tensor, b: &Tensor) -> Result<Dims> {
    let name = "torch.linalg.ldl_solve";
    square(ld, name)?;
    if b.dim() < 2 {
        return Err(Error::runtime(format!(
            "{name}: Expected B to have at least 2 dimensions, but it has {} dimensions instead",
            b.dim()
        )));
    }
    if ld.dtype() != b.dtype() {
        return Err(Error::runtime(format!(
            "Expected b and A to have the same dtype, but found b of type {} and A of type {} instead.",
            b.dtype().title(),
            ld.dtype().title()
        )));
    }
    let (n, rows, cols) = (ld.size()[ld.dim() - 1], b.size()[b.dim() - 2], b.size()[b.dim() - 1]);
    if rows != n {
        return Err(Error::runtime(format!(
            "Incompatible matrix sizes for {name}: each A matrix is {n} by {n} but each b matrix is {rows} by {cols}"
        )));
    }
    if *pivots.size() != ld.size()[..ld.dim() - 1] {
        let got = pivots.size().iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        return Err(Error::runtime(format!(
            "{name}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape [{got}] instead"
        )));
    }
    if !pivots.dtype().is_integral() || pivots.dtype() == DType::Bool {
        return Err(Error::runtime(format!("{name}: Expected pivots to be integers. Got {}", pivots.dtype().title())));
    }
    floating(ld, name)?;
    let mut sizes = crate::broadcast_shapes(batch(ld), batch(b))?;
    sizes.extend_from_slice(&[rows, cols]);
    Ok(sizes)
}

op! {
    /// The solutions `x` of `A @ x = B`, where `LD` and `pivots` are what `ldl_factor` made of `A`.
    ///
    /// Shape: `*b n n, *b n, *b n k -> *b n k`. Dtype: both the same, float32, float64 or complex; the pivots are int32.
    ///
    /// >>> torch.linalg.ldl_solve(*torch.linalg.ldl_factor(torch.tensor([[2., 1.], [1., 2.]])), torch.tensor([[3.], [3.]]))
    /// tensor([[1.],
    ///         [1.]])
    fn ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor; hermitian: bool = false) -> y;
    variants [linalg, out];
    nondifferentiable;
    dtype LD.dtype();
    shape system(LD, pivots, B).map(|s| column_layout(&s));
    compute {
        let sizes = system(LD, pivots, B)?;
        let (lead, n) = (&sizes[..sizes.len() - 2], sizes[sizes.len() - 2]);
        let with = |ends: &[i64]| lead.iter().chain(ends).copied().collect::<Dims>();
        let ld = LD.expand(&with(&[n, n]))?.contiguous()?;
        let pivots = pivots.expand(&with(&[n]))?.to_dtype(DType::I32)?.contiguous()?;
        let out = B.expand(&sizes)?.clone_in(crate::MemoryFormat::Contiguous)?;
        let hermitian = hermitian && ld.dtype().is_complex();
        Locked::run(&[&ld, &pivots], std::slice::from_ref(&out), |locked, outs| {
            kernels::ldl_solve(&mut outs.next(), locked.view(&ld), locked.view(&pivots), hermitian);
        });
        by_columns_copy(&out)
    };
    samples [
        (regular([3, 3]), Tensor::of(&[1i32, 2, 3], &[3]).unwrap(), real([3, 2])),
        (regular([2, 2]), Tensor::of(&[-2i32, -2], &[2]).unwrap(), real([2, 2, 1]), true),
    ];
}
