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
    /// The distinct elements in ascending order; for each element which of them it is, and how often each occurs, where
    /// asked for.
    ///
    /// Shape: `*s -> n, *s, n`. Dtype: unchanged; the others are int64.
    fn _unique2(input: Tensor, sorted: bool = true, return_inverse: bool = false, return_counts: bool = false) -> values, inverse, counts;
    variants [private];
    nondifferentiable;
    compute {
        let flags = (return_inverse, return_counts);
        found(input, flat, input.size(), flags, |x| kernels::unique(x, return_inverse, return_counts))
    };
}

op! {
    /// The elements without those that equal the one before; for each element which of them it is, and how long each run
    /// is, where asked for. With `dim`, slices.
    ///
    /// Shape: `*s -> n, *s, n`. Dtype: unchanged; the others are int64.
    fn unique_consecutive(input: Tensor, return_inverse: bool = false, return_counts: bool = false, dim: Option<i64> = None) -> values, inverse, counts;
    variants [private];
    nondifferentiable;
    compute {
        let flags = (return_inverse, return_counts);
        match dim {
            Some(d) => slices(input, d, true, flags),
            None => found(input, flat, input.size(), flags, |x| kernels::unique_consecutive(x, return_inverse, return_counts)),
        }
    };
}

op! {
    /// The distinct slices along a dimension, in lexicographic order; for each slice which of them it is, and how often
    /// each occurs, where asked for.
    ///
    /// Shape: `*s -> *t, n, m`. Dtype: unchanged; the others are int64.
    fn unique_dim(input: Tensor, dim: i64, sorted: bool = true, return_inverse: bool = false, return_counts: bool = false) -> values, inverse, counts;
    variants [private];
    nondifferentiable;
    compute { slices(input, dim, false, (return_inverse, return_counts)) };
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
