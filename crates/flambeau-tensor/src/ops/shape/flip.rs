//! Elements in another order along dimensions.

use flambeau_cpu::index as kernels;
use smallvec::SmallVec;

use super::convert::copy_layout;
use crate::ops::op;
use crate::{Dims, Error, MemoryFormat, Result, Tensor, normalize_dim};

/// The dimensions a user named, each once.
fn distinct(dims: &[i64], ndim: usize) -> Result<SmallVec<[usize; 6]>> {
    let mut out: SmallVec<[usize; 6]> = SmallVec::new();
    for &d in dims {
        let at = normalize_dim(d, ndim)?;
        if out.contains(&at) {
            return Err(Error::runtime(format!("dim {at} appears multiple times in the list of dims")));
        }
        out.push(at);
    }
    Ok(out)
}

op! {
    /// The order of the elements reversed along dimensions.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.flip(torch.tensor([[1, 2], [3, 4]]), [1])
    /// tensor([[2, 1],
    ///         [4, 3]])
    fn flip(input: Tensor, dims: Dims) -> y;
    variants [method, function];
    dtype input.dtype();
    shape { distinct(dims, input.dim())?; copy_layout(input, MemoryFormat::Preserve) };
    kernel {
        let n = input.ndim();
        let dims: SmallVec<[usize; 6]> = distinct(dims, n)?.into_iter().filter(|&d| d < n).collect();
        kernels::flip(y, input, &dims)
    };
    vjp { input => |g, dims| g.flip(dims) };
    samples [(real([2, 3]), [0]), (real([2, 3]), [0, -1]), (real([]), []), (real([0, 2]), [1])];
}

op! {
    /// The order of the columns reversed.
    ///
    /// Shape: `n m *s -> n m *s`. Dtype: unchanged.
    ///
    /// >>> torch.fliplr(torch.tensor([[1, 2], [3, 4]]))
    /// tensor([[2, 1],
    ///         [4, 3]])
    fn fliplr(input: Tensor) -> y;
    variants [method, function];
    composite {
        if input.dim() < 2 {
            return Err(Error::runtime("Input must be >= 2-d."));
        }
        input.flip(&[1])
    };
    samples [(real([2, 3])), (real([0, 2]))];
}

op! {
    /// The order of the rows reversed.
    ///
    /// Shape: `n *s -> n *s`. Dtype: unchanged.
    ///
    /// >>> torch.flipud(torch.tensor([[1, 2], [3, 4]]))
    /// tensor([[3, 4],
    ///         [1, 2]])
    fn flipud(input: Tensor) -> y;
    variants [method, function];
    composite {
        if input.dim() < 1 {
            return Err(Error::runtime("Input must be >= 1-d."));
        }
        input.flip(&[0])
    };
    samples [(real([2, 3])), (real([3])), (real([0, 2]))];
}

op! {
    /// Elements shifted along dimensions, those pushed out coming in again at the start; along the flat tensor without
    /// `dims`.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.roll(torch.tensor([1, 2, 3]), 1)
    /// tensor([3, 1, 2])
    fn roll(input: Tensor, shifts: Dims, dims: Dims = []) -> y;
    variants [method, function];
    composite {
        if shifts.is_empty() {
            return Err(Error::runtime("`shifts` required"));
        }
        if dims.is_empty() && shifts.len() == 1 {
            let flat = input.contiguous()?.view(&[-1])?;
            return flat.roll_along(shifts, &[0])?.view(input.size());
        }
        if shifts.len() != dims.len() {
            return Err(Error::runtime(format!(
                "shifts and dimensions must align. shifts: {}, dims:{}", shifts.len(), dims.len()
            )));
        }
        for &d in dims {
            input.size_of(d)?;
        }
        input.roll_along(shifts, dims)
    };
    samples [(real([2, 3]), [1]), (real([2, 3]), [1, -2], [0, 1]), (real([]), [1]), (real([0, 2]), [1], [1])];
}

op! {
    /// Elements shifted along dimensions.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    fn roll_along(input: Tensor, shifts: Dims, dims: Dims) -> y;
    variants [private];
    node "RollBackward0";
    dtype input.dtype();
    shape {
        crate::ops::rule::require(shifts.len() == dims.len() && (input.dim() > 0 || dims.is_empty()), "roll_along")?;
        crate::ops::laid_like(input, input.size())
    };
    kernel {
        let n = input.ndim();
        let dims = dims.iter().map(|&d| normalize_dim(d, n)).collect::<Result<SmallVec<[usize; 6]>>>()?;
        kernels::roll(y, input, shifts, &dims)
    };
    vjp { input => |g, shifts, dims| {
        let back: Dims = shifts.iter().map(|s| s.wrapping_neg()).collect();
        g.roll_along(&back, dims)
    } };
    samples [(real([2, 3]), [1], [1]), (real([2, 3]), [1, -2], [0, 1]), (real([0, 2]), [1], [1])];
}

op! {
    /// The plane of two dimensions turned by `k` times 90 degrees, from the first towards the second.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.rot90(torch.tensor([[1, 2], [3, 4]]))
    /// tensor([[2, 4],
    ///         [1, 3]])
    fn rot90(input: Tensor, k: i64 = 1, dims: Dims = [0, 1]) -> y;
    variants [method, function];
    composite { turned(input, k, dims) };
    samples [(real([2, 3])), (real([2, 3]), -1), (real([2, 2, 3]), 2, [1, 2]), (real([0, 2]))];
}

fn turned(x: &Tensor, k: i64, dims: &[i64]) -> Result<Tensor> {
    let &[a, b] = dims else {
        return Err(Error::runtime(format!("expected total rotation dims == 2, but got dims = {}", dims.len())));
    };
    if x.dim() < 2 {
        return Err(Error::runtime(format!("expected total dims >= 2, but got total dims = {}", x.dim())));
    }
    let (from, to) = (normalize_dim(a, x.dim())?, normalize_dim(b, x.dim())?);
    if from == to {
        return Err(Error::runtime(format!(
            "expected rotation dims to be different, but got dim0 = {a} and dim1 = {b}"
        )));
    }
    let (from, to) = (from as i64, to as i64);
    match k.rem_euclid(4) {
        1 => x.flip(&[to])?.transpose(from, to),
        2 => x.flip(&[from, to]),
        3 => x.flip(&[from])?.transpose(from, to),
        _ => x.clone_in(MemoryFormat::Contiguous),
    }
}
