//! Counting elements, and repeating them.

use flambeau_cpu::index as kernels;

use crate::dispatch::Locked;
use crate::ops::op;
use crate::{DType, Device, Dims, Error, Kind, MemoryFormat, Options, Result, Tensor, normalize_dim};

op! {
    /// How often each integer occurs, or the sum of the weights where it does.
    ///
    /// Shape: `n -> m`. Dtype: int64; with weights theirs, or float64 for integers.
    ///
    /// >>> torch.bincount(torch.tensor([0, 1, 1, 3]))
    /// tensor([1, 2, 0, 1])
    fn bincount(input: Tensor, weights: Option<Tensor> = None, minlength: i64 = 0) -> y;
    variants [method, function, out];
    nondifferentiable;
    compute { counted(input, weights, minlength) };
    samples [(int([5], 0, 4)), (int([5], 0, 4), positive([5]), 6), (int([0], 0, 2))];
}

fn counted(x: &Tensor, weights: Option<&Tensor>, least: i64) -> Result<Tensor> {
    let invalid = || Error::runtime("bincount only supports 1-d non-negative integral inputs.");
    if x.dtype().kind() != Kind::Int {
        return Err(Error::not_implemented(format!("\"bincount_cpu\" not implemented for '{}'", x.dtype().title())));
    }
    if least < 0 {
        return Err(Error::runtime("minlength should be >= 0"));
    }
    if x.dim() == 1 && x.numel() == 0 {
        return crate::ops::zeros_with(&[least], Options { dtype: Some(DType::I64), ..Options::default() });
    }
    if x.dim() != 1 {
        return Err(invalid());
    }
    if weights.is_some_and(|w| w.dim() != 1 || w.numel() != x.numel()) {
        return Err(Error::runtime("weights should be 1-d and have the same length as input"));
    }
    let (least_of_all, greatest) = (x.amin()?.item()?.to_i64(), x.amax()?.item()?.to_i64());
    if least_of_all < 0 || greatest == i64::MAX {
        return Err(invalid());
    }
    let weights = weights
        .map(|w| if matches!(w.dtype(), DType::F32 | DType::F64) { Ok(w.clone()) } else { w.to_dtype(DType::F64) })
        .transpose()?;
    let dtype = weights.as_ref().map_or(DType::I64, Tensor::dtype);
    let out = Tensor::empty(&[least.max(greatest + 1)], dtype, Device::Cpu)?;
    let mut inputs = vec![x];
    inputs.extend(&weights);
    Locked::run(&inputs, std::slice::from_ref(&out), |locked, outs| {
        kernels::bincount(outs.next(), locked.view(x), weights.as_ref().map(|w| locked.view(w)))
    })?;
    Ok(out)
}

fn bins_of(bins: i64) -> Result<Dims> {
    if bins <= 0 {
        return Err(Error::runtime(format!("torch.histogram(): bins must be > 0, but got {bins} for dimension 0")));
    }
    Ok(Dims::from_slice(&[bins]))
}

op! {
    /// How many elements fall in each of `bins` equal parts of the range from `min` to `max`; the range of the elements
    /// where both are equal.
    ///
    /// Shape: `*s -> bins`. Dtype: unchanged, floating-point.
    ///
    /// >>> torch.histc(torch.tensor([1., 2., 1.]), bins=4, min=0, max=3)
    /// tensor([0., 2., 1., 0.])
    fn histc(input: Tensor, bins: i64 = 100, min: Scalar = 0, max: Scalar = 0) -> y;
    variants [method, function, out];
    nondifferentiable;
    dtype input.dtype();
    shape bins_of(bins);
    kernel { kernels::histc(y, input, min.to_f64(), max.to_f64()) };
    samples [(real([2, 3]), 5), (real([5]), 3, -1, 1), (real([]), 2, 0, 1)];
}

op! {
    /// Each position as many times as `repeats` says.
    ///
    /// Shape: `n -> m`. Dtype: that of `repeats`, int64 or int32.
    ///
    /// >>> torch.repeat_interleave(torch.tensor([1, 2]))
    /// tensor([0, 1, 1])
    fn repeat_interleave.positions(repeats: Tensor; output_size: Option<i64> = None) -> y;
    variants [function];
    nondifferentiable;
    dtype repeats.dtype();
    shape told_size(output_size);
    compute {
        if repeats.dim() != 1 {
            return Err(Error::runtime("repeat_interleave only accept 1D vector as repeat"));
        }
        if !matches!(repeats.dtype(), DType::I64 | DType::I32) {
            return Err(Error::not_implemented(format!("\"repeat_interleave_cpu\" not implemented for '{}'", repeats.dtype().title())));
        }
        let places = Locked::with(&[repeats], |locked| kernels::repeat_interleave(locked.view(repeats)))?;
        if output_size.is_some_and(|n| n != places.len() as i64) {
            return Err(Error::runtime("allocated size does not match required size"));
        }
        Tensor::of(&places, &[places.len() as i64])?.to_dtype(repeats.dtype())
    };
    samples [(int([3], 0, 3)), (int([3], 1, 2), 3), (int([0], 0, 2))];
}

/// How many places there are, where that is told and need not be counted.
fn told_size(output_size: Option<i64>) -> Result<Dims> {
    output_size.map(|n| Dims::from_slice(&[n])).ok_or_else(|| {
        Error::not_implemented(
            "aten::repeat_interleave: attempted to run this operator with Meta tensors, but its output shape depends on the data",
        )
    })
}

op! {
    /// Each slice along a dimension `repeats` times in a row; of the flat tensor without `dim`.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.tensor([1, 2]).repeat_interleave(2)
    /// tensor([1, 1, 2, 2])
    fn repeat_interleave(input: Tensor, repeats: i64, dim: Option<i64> = None; output_size: Option<i64> = None) -> y;
    variants [method, function];
    composite {
        let (x, at) = along(input, dim)?;
        if repeats < 0 {
            return Err(Error::runtime("Repeats must be non-negative"));
        }
        let mut wide = x.sizes();
        let mut sizes = x.sizes();
        wide.insert(at + 1, repeats);
        sizes[at] *= repeats;
        x.unsqueeze(at as i64 + 1)?.expand(&wide)?.clone_in(MemoryFormat::Contiguous)?.reshape(&sizes)
    };
    samples [(real([2, 3]), 2), (real([2, 3]), 2, 1, 6), (real([]), 3), (real([0, 2]), 2, 0), (real([2]), 0)];
}

op! {
    /// Each slice along a dimension as many times in a row as its entry of `repeats` says.
    ///
    /// Shape: `*s, n -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.tensor([1, 2]).repeat_interleave(torch.tensor([1, 2]))
    /// tensor([1, 2, 2])
    fn repeat_interleave.each(input: Tensor, repeats: Tensor, dim: Option<i64> = None; output_size: Option<i64> = None) -> y;
    variants [method, function];
    composite {
        let (x, at) = along(input, dim)?;
        let n = x.size()[at];
        let repeats = match *repeats.size() {
            [] | [1] => repeats.reshape(&[1])?.expand(&[n])?,
            [m] if m == n => repeats.clone(),
            [m] => {
                return Err(Error::runtime(format!(
                    "repeats must have the same size as input along dim, but got repeats.size(0) = {m} and input.size({at}) = {n}"
                )));
            }
            _ => return Err(Error::runtime("repeats must be 0-dim or 1-dim tensor")),
        };
        x.index_select(at as i64, &repeats.repeat_interleave_positions_with(output_size)?)
    };
    samples [
        (real([3, 2]), int([3], 0, 3), 0),
        (real([2, 2]), int([4], 1, 3)),
        (real([2, 3]), int([1], 2, 3), -1, 6),
        (real([]), int([], 2, 3)),
    ];
}

/// The tensor and the dimension to go along: the flat tensor where none is given.
fn along(x: &Tensor, dim: Option<i64>) -> Result<(Tensor, usize)> {
    match dim {
        None => Ok((x.reshape(&[-1])?, 0)),
        Some(d) => {
            let x = x.atleast_1d()?;
            let at = normalize_dim(d, x.dim())?;
            Ok((x, at))
        }
    }
}
