//! Distinct elements and slices.

use flambeau_cpu::sort::{self as kernels, Unique};

use crate::dispatch::Locked;
use crate::ops::op;
use crate::{DType, Device, Error, Result, Tensor, normalize_dim};

/// A tensor whose elements are these bytes.
fn of_bytes(bytes: &[u8], sizes: &[i64], dtype: DType) -> Result<Tensor> {
    let out = Tensor::empty(sizes, dtype, Device::Cpu)?;
    let n = bytes.len().min(out.numel() as usize * dtype.size());
    Locked::run(&[], std::slice::from_ref(&out), |_, outs| {
        // SAFETY: the new tensor is contiguous and holds at least `n` bytes.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), outs.next().ptr(), n) }
    });
    Ok(out)
}

/// Runs a search for distinct elements, and makes tensors of what it found.
fn found(
    x: &Tensor,
    values: impl Fn(i64) -> crate::Dims,
    inverse_sizes: &[i64],
    (return_inverse, return_counts): (bool, bool),
    search: impl FnOnce(flambeau_cpu::View) -> Result<Unique>,
) -> Result<(Tensor, Tensor, Tensor)> {
    let u = Locked::with(&[x], |locked| search(locked.view(x)))?;
    let list = |wanted: bool, data: &[i64], sizes: &[i64]| {
        if wanted { Tensor::of(data, sizes) } else { Tensor::empty(&[0], DType::I64, Device::Cpu) }
    };
    Ok((
        of_bytes(&u.values, &values(u.len as i64), x.dtype())?,
        list(return_inverse, &u.inverse, inverse_sizes)?,
        list(return_counts, &u.counts, &[u.len as i64])?,
    ))
}

fn flat(n: i64) -> crate::Dims {
    crate::Dims::from_slice(&[n])
}

op! {
    /// The distinct elements in ascending order, or with `dim` the distinct slices in lexicographic order; where asked for,
    /// which of them each element is, and how often each occurs.
    ///
    /// Shape: `*s -> n, *s, n`, or with `dim` `*s -> *t, m, n`. Dtype: unchanged; the others are int64.
    ///
    /// >>> torch.unique(torch.tensor([3, 1, 3, 2]), return_counts=True)
    /// (tensor([1, 2, 3]), tensor([1, 1, 2]))
    fn unique(input: Tensor, sorted: bool = true, return_inverse: bool = false, return_counts: bool = false, dim: Option<i64> = None) -> output, inverse_indices if return_inverse, counts if return_counts;
    variants [method, function];
    nondifferentiable;
    compute {
        let flags = (return_inverse, return_counts);
        match dim {
            Some(d) => slices(input, d, false, flags),
            None => found(input, flat, input.size(), flags, |x| kernels::unique(x, return_inverse, return_counts)),
        }
    };
    samples [
        (int([5], 0, 3)),
        (real([2, 3]), true, true, true),
        (int([3, 2], 0, 2), true, true, true, 0),
        (real([])),
        (real([0]), true, true, true),
    ];
}

op! {
    /// The elements (or with `dim` the slices) without those that equal the one before; where asked for, which of them each
    /// element is, and how long each run is.
    ///
    /// Shape: `*s -> n, *s, n`, or with `dim` `*s -> *t, m, n`. Dtype: unchanged; the others are int64.
    ///
    /// >>> torch.unique_consecutive(torch.tensor([1, 1, 2, 1]), return_counts=True)
    /// (tensor([1, 2, 1]), tensor([2, 1, 1]))
    fn unique_consecutive(input: Tensor, return_inverse: bool = false, return_counts: bool = false, dim: Option<i64> = None) -> output, inverse_indices if return_inverse, counts if return_counts;
    variants [method, function];
    nondifferentiable;
    compute {
        let flags = (return_inverse, return_counts);
        match dim {
            Some(d) => slices(input, d, true, flags),
            None => found(input, flat, input.size(), flags, |x| kernels::unique_consecutive(x, return_inverse, return_counts)),
        }
    };
    samples [(int([6], 0, 2)), (int([2, 3], 0, 2), true, true, 0), (real([]), true, true)];
}

fn slices(x: &Tensor, dim: i64, consecutive: bool, flags: (bool, bool)) -> Result<(Tensor, Tensor, Tensor)> {
    let at = normalize_dim(dim, x.dim())?;
    if x.dim() == 0 {
        return Err(Error::index(format!("Dimension specified as {dim} but tensor has no dimensions")));
    }
    let values = |n: i64| {
        let mut sizes = x.sizes();
        sizes[at] = n;
        sizes
    };
    let (values, inverse, counts) =
        found(x, values, &[x.size()[at]], flags, |v| kernels::unique_dim(v, at, consecutive, flags.0, flags.1))?;
    // The slices lie one after another.
    let (at, first) = ([at as i64], [0]);
    let values = values.movedim(&at, &first)?.contiguous()?.movedim(&first, &at)?;
    Ok((values, inverse, counts))
}
