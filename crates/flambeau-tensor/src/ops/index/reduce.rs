//! Slices combined by index, and segments of a dimension combined.

use crate::ops::{Options, op};
use crate::{DType, Device, Dims, Error, Result, Scalar, Tensor, normalize_dim};

fn check(x: &Tensor, at: usize, index: &Tensor, source: &Tensor, reduce: &str) -> Result<()> {
    let fail = |text: String| Err(Error::runtime(text));
    if !matches!(reduce, "prod" | "mean" | "amax" | "amin") {
        return fail(format!(
            "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}."
        ));
    }
    if index.dim() > 1 {
        return Err(Error::index(format!(
            "index_reduce(): Index is supposed to be a vector, but got dim: {}",
            index.dim()
        )));
    }
    if !matches!(index.dtype(), DType::I64 | DType::I32) {
        return fail(format!(
            "index_reduce(): Expected dtype int32/int64 for index but got: {}",
            index.dtype().title()
        ));
    }
    if x.dtype() != source.dtype() {
        return fail(format!(
            "index_reduce(): self ({}) and source ({}) must have the same scalar type",
            x.dtype().title(),
            source.dtype().title()
        ));
    }
    let length = source.size().get(at).copied().unwrap_or(1);
    if index.numel() != length {
        return fail(format!(
            "index_reduce(): Number of indices ({}) should be equal to source.size(dim) ({length}), for dim: {at}",
            index.numel()
        ));
    }
    let same = source.dim() == x.dim() && (0..x.dim()).all(|d| d == at || x.size()[d] == source.size()[d]);
    if !same && source.dim() + x.dim() > 1 {
        return fail(format!(
            "index_reduce(): source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = {:?} \
             source.shape = {:?}",
            x.size(),
            source.size()
        ));
    }
    Ok(())
}

op! {
    /// A copy with the slices of `source` combined with the slices of `dim` that `index` names: `reduce` is `prod`, `mean`,
    /// `amax` or `amin`. Without `include_self`, what stood in those slices before does not count.
    ///
    /// Shape: `*s, n, *t -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.ones(3).index_reduce(0, torch.tensor([0, 2, 2]), torch.tensor([2., 3., 4.]), 'prod')
    /// tensor([ 2.,  1., 12.])
    fn index_reduce(input: Tensor, dim: i64, index: Tensor, source: Tensor, reduce: Str; include_self: bool = true) -> y;
    variants [method, function, inplace, out];
    quirks [Apart];
    composite {
        let at = normalize_dim(dim, input.dim())?;
        check(input, at, index, source, reduce)?;
        let mut sizes: Dims = source.size().iter().map(|_| 1).collect();
        if let Some(n) = sizes.get_mut(at) {
            *n = index.numel();
        }
        let index = index.reshape(&sizes)?.expand(source.size())?;
        input.scatter_reduce_with(dim, &index, source, reduce, include_self)
    };
    samples [
        (positive([3, 2]), 0, int([4], 0, 3), tensor(&[4, 2], 3.5, 6.0), "prod"),
        (positive([2, 3]), -1, int([2], 0, 3), tensor(&[2, 2], 3.5, 6.0), "mean", false),
        (positive([3, 2]), 0, int([4], 0, 3), tensor(&[4, 2], 3.5, 6.0), "amax"),
        (positive([3, 2]), 0, int([4], 0, 3), tensor(&[4, 2], 3.5, 6.0), "amin", false),
        (positive([]), 0, int([1], 0, 1), tensor(&[1], 3.5, 6.0), "amax"),
    ];
}

/// The number of the segment that each place along `axis` belongs to, in the shape of `data`.
fn segments(data: &Tensor, lengths: &Tensor, axis: usize) -> Result<Tensor> {
    let mut numbers: Dims = lengths.size().iter().map(|_| 1).collect();
    numbers[axis] = lengths.size()[axis];
    let numbers = crate::ops::arange_end_with(lengths.size()[axis], Options::dtype(DType::I64))?.view(&numbers)?;
    let numbers = numbers.expand(lengths.size())?.reshape(&[-1])?;
    let mut sizes: Dims = lengths.size().into();
    sizes[axis] = data.size()[axis];
    sizes.extend(data.size()[axis + 1..].iter().map(|_| 1));
    numbers.repeat_interleave_each(&lengths.reshape(&[-1])?)?.reshape(&sizes)?.expand(data.size())
}

/// Lengths of segments along `axis`, checked: they fill the dimension.
fn check_lengths(data: &Tensor, lengths: &Tensor, axis: usize) -> Result<()> {
    let fail = |text: &str| Err(Error::runtime(text));
    if !lengths.dtype().is_integral() || lengths.dtype() == DType::Bool {
        return fail("segment_reduce(): lengths and offsets must be tensors of integers");
    }
    if lengths.dim() != axis + 1 {
        return fail("Expected axis to be the last dimension of lengths or offsets.");
    }
    if data.dim() < lengths.dim() || data.size()[..axis] != lengths.size()[..axis] {
        return fail("segment_reduce(): lengths and data must have the same sizes before axis");
    }
    if lengths.numel() == 0 {
        return if data.size()[axis] == 0 { Ok(()) } else { fail("segment_reduce(): no lengths for data") };
    }
    crate::autograd::no_grad(|| {
        if lengths.lt(0)?.any()?.item()?.to_bool() {
            return fail("lengths contains negative value!");
        }
        if lengths.sum_dim(Some(&[-1]))?.ne(data.size()[axis])?.any()?.item()?.to_bool() {
            return fail(
                "segment_reduce(): Expected all rows of lengths along axis to sum to data.size(lengths.dim()-1) when !unsafe.",
            );
        }
        Ok(())
    })
}

op! {
    /// The segments of a dimension combined, each into one: `reduce` is `sum`, `mean`, `max`, `min` or `prod`, from `initial`
    /// on where given. The segments are told by their `lengths`, or by the `offsets` where they start and end.
    ///
    /// Shape: `*s n *t, *s m -> *s m *t`. Dtype: unchanged, floating-point.
    ///
    /// >>> torch.segment_reduce(torch.tensor([1., 2., 3.]), 'sum', lengths=torch.tensor([2, 1]))
    /// tensor([3., 3.])
    fn segment_reduce(data: Tensor, reduce: Str; lengths: Option<Tensor> = None, indices: Option<Tensor> = None, offsets: Option<Tensor> = None, axis: i64 = 0, unsafe_: bool = false, initial: Option<Scalar> = None) -> y;
    variants [function, out];
    alias [function _segment_reduce];
    composite {
        if data.dtype().is_integral() || data.dtype().is_complex() {
            return Err(Error::not_implemented(format!("\"_segment_reduce_cpu\" not implemented for '{}'", data.dtype().title())));
        }
        if indices.is_some() {
            return Err(Error::runtime("segment_reduce(): indices based reduction is not supported yet."));
        }
        let at = normalize_dim(axis, data.dim())?;
        let lengths = match (lengths, offsets) {
            (Some(l), _) => l.clone(),
            (None, Some(o)) => o.diff()?,
            (None, None) => {
                return Err(Error::runtime("segment_reduce(): Either lengths or offsets must be defined."));
            }
        };
        let mut sizes = data.sizes();
        sizes[at] = lengths.size().last().copied().unwrap_or(0);
        if data.device() == Device::Meta {
            return crate::ops::zeros_with(&sizes, Options::like(data));
        }
        check_lengths(data, &lengths, at)?;
        let (word, start) = match reduce {
            "sum" | "mean" => ("sum", 0.0),
            "max" => ("amax", f64::NEG_INFINITY),
            "min" => ("amin", f64::INFINITY),
            "prod" => ("prod", 1.0),
            _ => {
                return Err(Error::runtime(format!(
                    "reduce argument must be either max, min, mean, sum or prod, got {reduce}"
                )));
            }
        };
        let base = crate::ops::full_with(&sizes, initial.unwrap_or(Scalar::Float(start)), Options::like(data))?;
        let combined = base.scatter_reduce(at as i64, &segments(data, &lengths, at)?, data, word)?;
        if reduce != "mean" {
            return Ok(combined);
        }
        let mut shape = lengths.sizes();
        shape.extend(data.size()[at + 1..].iter().map(|_| 1));
        let lengths = lengths.reshape(&shape)?;
        let empty = lengths.eq(0)?;
        let mean = combined.div(&lengths.masked_fill(&empty, 1)?)?;
        mean.masked_fill(&empty, initial.unwrap_or(Scalar::Float(f64::NAN)))
    };
    samples [
        (real([5, 2]), "sum", int([2], 2, 4)),
        (positive([2, 5]), "mean", int([2, 2], 2, 4), None, None, 1),
        (real([5]), "max", int([2], 2, 4), None, None, 0, false, 0.1),
        (real([5]), "min", int([2], 2, 4)),
        (positive([5]), "prod", int([2], 2, 4)),
    ];
}
