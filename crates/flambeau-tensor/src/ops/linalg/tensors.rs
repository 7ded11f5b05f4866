//! Vectors along a dimension, and tensors as linear maps between spaces of tensors.

use super::solve::check_singular;
use crate::ops::op;
use crate::{DType, Dims, Error, Result, Tensor, promote_types};

/// Floating-point or complex numbers, of any precision.
fn inexact(x: &Tensor, name: &str) -> Result<()> {
    if x.dtype().is_integral() {
        return Err(Error::not_implemented(format!(
            "{name}: Expected a floating point or complex tensor as input. Got {}",
            x.dtype().title()
        )));
    }
    Ok(())
}

op! {
    /// The products of vectors along a dimension, the first ones conjugated.
    ///
    /// Shape: `*s, *t -> *u`. Dtype: both the same, floating-point or complex.
    ///
    /// >>> torch.linalg.vecdot(torch.tensor([1., 2.]), torch.tensor([3., 4.]))
    /// tensor(11.)
    fn vecdot(x: Tensor, y: Tensor; dim: i64 = -1) -> product;
    variants [linalg, out];
    composite {
        inexact(x, "linalg.vecdot")?;
        if x.dtype() != y.dtype() {
            return Err(Error::runtime(format!(
                "linalg.vecdot: Expected x and y to have the same dtype, but found x of type {} and y of type {} instead",
                x.dtype().title(),
                y.dtype().title()
            )));
        }
        if x.dim() == 1 && y.dim() == 1 {
            crate::normalize_dim(dim, 1)?;
            return x.vdot(y);
        }
        x.conj()?.mul(y)?.sum_dim_with(Some(&[dim]), false, None)
    };
    samples [(real([2, 3]), other([2, 3])), (real([2, 3]), other([2, 3]), 0), (complex([3]), complex([3]))];
}

op! {
    /// The diagonals of matrices: a view.
    ///
    /// Shape: `*b m n -> *b k`. Dtype: unchanged.
    ///
    /// >>> torch.linalg.diagonal(torch.tensor([[1, 2], [3, 4]]))
    /// tensor([1, 4])
    fn linalg_diagonal(A: Tensor; offset: i64 = 0, dim1: i64 = -2, dim2: i64 = -1) -> y;
    variants [private];
    alias [linalg diagonal];
    composite { A.diagonal_with(offset, dim1, dim2) };
    samples [(real([2, 3])), (real([2, 3, 2]), 1, 0, 1)];
}

op! {
    /// The powers of each element, from 0 up to but not including `N` (the number of elements where not given).
    ///
    /// Shape: `*b n -> *b n N`. Dtype: unchanged; integers give int64.
    ///
    /// >>> torch.linalg.vander(torch.tensor([1, 2, 3]))
    /// tensor([[1, 1, 1],
    ///         [1, 2, 4],
    ///         [1, 3, 9]])
    fn linalg_vander(x: Tensor; N: Option<i64> = None) -> y;
    variants [private];
    alias [linalg vander];
    composite {
        if matches!(x.dtype(), DType::Bool | DType::F16 | DType::BF16) {
            return Err(Error::runtime(format!(
                "linalg.vander supports floating point, complex, and integer tensors, but got {}",
                x.dtype().title()
            )));
        }
        let x = if x.dim() == 0 { x.unsqueeze(-1)? } else { x.clone() };
        let n = N.unwrap_or(x.size()[x.dim() - 1]);
        if n <= 1 {
            return Err(Error::runtime("N must be greater than 1."));
        }
        let mut sizes = x.sizes();
        sizes.push(n - 1);
        let powers = x.unsqueeze(-1)?.expand(&sizes)?.cumprod(-1)?;
        sizes[x.dim()] = 1;
        crate::ops::cat_with(&[powers.new_ones(&sizes)?, powers], -1)
    };
    samples [(real([3])), (real([2, 2]), 4), (real([]), 2)];
}

op! {
    /// The powers of each element, from `N - 1` down to 0, or up from 0 where `increasing`. `N` is the number of elements where
    /// it is not given.
    ///
    /// Shape: `n -> n N`. Dtype: unchanged; integers and booleans give int64.
    ///
    /// >>> torch.vander(torch.tensor([1, 2, 3]))
    /// tensor([[1, 1, 1],
    ///         [4, 2, 1],
    ///         [9, 3, 1]])
    fn vander(x: Tensor, N: Option<i64> = None, increasing: bool = false) -> y;
    variants [function];
    composite {
        if x.dim() != 1 {
            return Err(Error::runtime("x must be a one-dimensional tensor."));
        }
        let rows = x.size()[0];
        let n = N.unwrap_or(rows);
        if n < 0 {
            return Err(Error::runtime("N must be non-negative."));
        }
        let x = x.to_dtype(promote_types(x.dtype(), DType::I64))?;
        let powers = x.unsqueeze(1)?.expand(&[rows, (n - 1).max(0)])?.cumprod(-1)?;
        let all = crate::ops::cat_with(&[powers.new_ones(&[rows, n.min(1)])?, powers], 1)?;
        if increasing { Ok(all) } else { all.flip(&[1]) }
    };
    samples [(real([3])), (real([2]), 4, true), (real([2]), 1), (real([2]), 0)];
}

/// A square map must have as many numbers on either side.
fn check_square(after: i64, before: i64, what: &str) -> Result<()> {
    if after != before {
        return Err(Error::runtime(format!(
            "Expected self to satisfy the requirement prod(self.shape[{what}:]) == prod(self.shape[:{what}]), but got {after} != {before}"
        )));
    }
    Ok(())
}

op! {
    /// The inverse of a tensor as a linear map from its last dimensions to its first `ind`.
    ///
    /// Shape: `*s *t -> *t *s`. Dtype: float32, float64 or complex.
    ///
    /// >>> torch.linalg.tensorinv(torch.eye(4).reshape(2, 2, 4)).shape
    /// torch.Size([4, 2, 2])
    fn tensorinv(input: Tensor, ind: i64 = 2) -> y;
    variants [linalg, out];
    composite {
        if ind <= 0 {
            return Err(Error::runtime("Expected a strictly positive integer for 'ind'"));
        }
        let (first, last) = input.size().split_at((ind as usize).min(input.dim()));
        let (rows, cols): (i64, i64) = (first.iter().product(), last.iter().product());
        check_square(cols, rows, "ind")?;
        let sizes: Dims = last.iter().chain(first).copied().collect();
        let (inverse, info) = input.reshape(&[rows, cols])?.inv_ex()?;
        if input.device() == crate::Device::Cpu {
            check_singular(&info, "inv")?;
        }
        inverse.reshape(&sizes)
    };
    samples [(regular([4, 4]), 1), (regular([2, 1, 2])), (regular([0, 0]), 1)];
}

op! {
    /// The solution `x` of `tensordot(input, x, x.ndim) = other`, after the dimensions `dims` of the input went to its end.
    ///
    /// Shape: `*s *t, *s -> *t`. Dtype: both the same, float32, float64 or complex.
    ///
    /// >>> torch.linalg.tensorsolve(torch.eye(4).reshape(2, 2, 4), torch.ones(2, 2))
    /// tensor([1., 1., 1., 1.])
    fn tensorsolve(input: Tensor, other: Tensor, dims: Option<Dims> = None) -> y;
    variants [linalg, out];
    composite {
        let map = match dims {
            None => input.clone(),
            Some(dims) => {
                let ends: Vec<i64> = (0..dims.len() as i64).map(|i| i - dims.len() as i64).collect();
                input.movedim(dims, &ends)?
            }
        };
        let sizes: Dims = map.size()[other.dim().min(map.dim())..].into();
        let (unknowns, equations): (i64, i64) = (sizes.iter().product(), other.size().iter().product());
        check_square(unknowns, equations, "other.ndim")?;
        map.reshape(&[unknowns, equations])?.solve(&other.flatten()?)?.reshape(&sizes)
    };
    samples [(regular([4, 4]), real([4])), (regular([2, 1, 2]), real([2, 1])), (regular([3, 3]), real([3]), [0i64])];
}
