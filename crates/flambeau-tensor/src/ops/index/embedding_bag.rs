//! Rows of a table, added up in bags.

use flambeau_cpu::index as kernels;

use crate::autograd::no_grad;
use crate::ops::{op, rule};
use crate::{DType, Device, Error, Kind, Options, Result, Tensor};

/// How the rows of a bag become one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Sum,
    Mean,
    Max,
}

fn wrong(t: &Tensor, at: usize, name: &str, wanted: &str) -> Error {
    Error::runtime(format!(
        "Expected tensor for argument #{at} '{name}' to have one of the following scalar types: {wanted}; but got torch.{}Tensor instead \
         (while checking arguments for embedding_bag)",
        t.dtype().title()
    ))
}

fn checked(weight: &Tensor, indices: &Tensor, offsets: &Tensor, mode: i64) -> Result<Mode> {
    for (t, name) in [(indices, "indices"), (offsets, "offsets")] {
        if !matches!(t.dtype(), DType::I64 | DType::I32) {
            return Err(wrong(t, 1, name, "Long, Int"));
        }
        if t.dim() != 1 {
            return Err(Error::runtime(if name == "indices" {
                format!("input has to be a 1D or 2D Tensor, but got Tensor of dimension {}", t.dim())
            } else {
                format!("offsets has to be a 1D Tensor, but got Tensor of dimension {}", t.dim())
            }));
        }
    }
    if weight.dtype().kind() != Kind::Float {
        return Err(wrong(weight, 1, "weight", "Half, BFloat16, Float, Double"));
    }
    if weight.dim() != 2 {
        return Err(Error::runtime(format!(
            "weight has to be a 2D Tensor, but got Tensor of dimension {}",
            weight.dim()
        )));
    }
    match mode {
        0 => Ok(Mode::Sum),
        1 => Ok(Mode::Mean),
        2 => Ok(Mode::Max),
        _ => Err(Error::runtime("`mode` must be sum, mean, or max.")),
    }
}

/// The bag of each index, from where the bags start, and how many bags there are.
fn bags(indices: &Tensor, offsets: &Tensor, include_last_offset: bool) -> Result<(Tensor, i64)> {
    let (given, n) = (offsets.numel(), indices.numel());
    if include_last_offset && given == 0 {
        return Err(Error::runtime("include_last_offset: number of offset should be at least 1"));
    }
    if given > 0 {
        let (first, last) = (offsets.at(&[0]).to_i64(), offsets.at(&[given - 1]).to_i64());
        if first != 0 {
            return Err(Error::runtime(format!(
                "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got {first}"
            )));
        }
        if last > n {
            return Err(Error::runtime(format!(
                "offsets[-1] can not be greater than input's length {n} but got offsets[-1] of {last}"
            )));
        }
    }
    let count = given - i64::from(include_last_offset);
    let starts = offsets.to_dtype(DType::I64)?.narrow(0, 0, count)?;
    Ok((starts.bag_places(n)?, count))
}

/// The rows of the table that win in each column of each bag; the first of equal ones. Bags without rows name row 0.
fn winners(weight: &Tensor, indices: &Tensor, bags: &Tensor, count: i64) -> Result<Tensor> {
    let (n, width) = (indices.numel(), weight.size()[1]);
    let integer = Options { dtype: Some(DType::I64), ..Options::like(weight) };
    if n == 0 {
        return crate::ops::zeros_with(&[count, width], integer);
    }
    let rows = weight.index_select(0, indices)?;
    let wide = bags.unsqueeze(1)?.expand(&[n, width])?;
    let lowest = crate::ops::full_with(&[count, width], f64::NEG_INFINITY, Options::like(weight))?;
    let best = lowest.scatter_reduce(0, &wide, &rows, "amax")?.gather(0, &wide)?;
    let places = crate::ops::arange(0, n, 1)?.unsqueeze(1)?.expand(&[n, width])?;
    let at = places.masked_fill(&rows.ne(&best)?, n - 1)?;
    let none = crate::ops::full_with(&[count, width], n, integer)?;
    let first = none.scatter_reduce(0, &wide, &at, "amin")?;
    let empty = first.eq(n)?;
    indices.to_dtype(DType::I64)?.take(&first.masked_fill(&empty, 0)?)?.masked_fill(&empty, 0)
}

op! {
    /// The rows of `weight` that `indices` name, added up (`mode` 0), averaged (1), or the greatest of each column (2) in
    /// bags that start at `offsets`. The row `padding_idx` is left out.
    ///
    /// Shape: `n m, l, b -> b m, l, b, b`. Dtype: that of the weight; the other outputs are those of the offsets.
    ///
    /// >>> torch.embedding_bag(torch.tensor([[1.], [2.], [4.]]), torch.tensor([0, 2, 1]), torch.tensor([0, 2]))[0]
    /// tensor([[5.],
    ///         [2.]])
    fn embedding_bag(weight: Tensor, indices: Tensor, offsets: Tensor, scale_grad_by_freq: bool = false, mode: i64 = 0, sparse: bool = false, per_sample_weights: Option<Tensor> = None, include_last_offset: bool = false, padding_idx: Option<i64> = None) -> output, offset2bag, bag_size, max_indices;
    variants [function];
    composite {
        let mode = checked(weight, indices, offsets, mode)?;
        if per_sample_weights.is_some() && mode != Mode::Sum {
            return Err(Error::runtime("embedding_bag: per_sample_weights only supported with mode='sum'"));
        }
        if sparse && mode == Mode::Max {
            return Err(Error::runtime("max mode does not support sparse weights"));
        }
        if let Some(p) = per_sample_weights
            && (p.dtype() != weight.dtype() || p.size() != indices.size())
        {
            return Err(Error::runtime(format!(
                "expected per_sample_weights to have the type of the weight and the shape of the indices ({:?}), but got {} and {:?}",
                indices.size(), p.dtype().title(), p.size()
            )));
        }
        let kind = rule_of(indices, offsets);
        if weight.device() == Device::Meta {
            return on_meta(weight, indices, offsets.numel() - i64::from(include_last_offset), mode, kind);
        }
        let (all, count) = no_grad(|| bags(indices, offsets, include_last_offset))?;
        // Of what is not in a bag, and of the padding, nothing is read.
        let rows = weight.size()[0];
        let kept = no_grad(|| -> Result<Option<Tensor>> {
            let padding = padding_idx.map(|p| if p < 0 { p + rows } else { p });
            if padding.is_none() && count > 0 {
                return Ok(None);
            }
            let mut keep = all.ge(0)?;
            if let Some(p) = padding {
                keep = keep.logical_and(&indices.ne(p)?)?;
            }
            if keep.all()?.item()?.to_bool() { Ok(None) } else { Ok(Some(keep.nonzero()?.squeeze_dim(1)?)) }
        })?;
        let pick = |t: &Tensor| kept.as_ref().map_or_else(|| Ok(t.clone()), |k| t.index_select(0, k));
        let (picked, bag) = (pick(indices)?, pick(&all)?);
        let size = bag.bag_sizes(&picked.to_dtype(DType::I64)?, rows, count)?;
        let small = matches!(weight.dtype(), DType::F16 | DType::BF16);
        let sums = |dtype: DType| if small { DType::F32 } else { dtype };
        let (output, winners) = if mode == Mode::Max {
            let at = no_grad(|| winners(weight, &picked, &bag, count))?;
            (weight.gather(0, &at)?.masked_fill(&size.eq(0)?.unsqueeze(1)?, 0)?, at)
        } else {
            let plain = per_sample_weights.is_none() && !scale_grad_by_freq && !sparse;
            if plain && matches!(weight.dtype(), DType::F32 | DType::F64) {
                let mut y = weight.sum_in_bags(&picked.to_dtype(DType::I64)?, &bag, count)?;
                if mode == Mode::Mean {
                    y = y.div(&size.clamp_min(1)?.unsqueeze(1)?)?;
                }
                return Ok((y, all.to_dtype(kind)?, size.to_dtype(kind)?, size.to_dtype(kind)?));
            }
            let mut read = weight.embedding_with(&picked, -1, scale_grad_by_freq, sparse)?.to_dtype(sums(weight.dtype()))?;
            if let Some(p) = per_sample_weights {
                read = read.mul(&pick(p)?.unsqueeze(1)?)?;
            }
            let options = Options { dtype: Some(read.dtype()), ..Options::like(weight) };
            let mut y = crate::ops::zeros_with(&[count, weight.size()[1]], options)?.index_add(0, &bag, &read)?;
            if mode == Mode::Mean {
                y = y.div(&size.clamp_min(1)?.unsqueeze(1)?)?;
            }
            (y.to_dtype(weight.dtype())?, size.clone())
        };
        Ok((output, all.to_dtype(kind)?, size.to_dtype(kind)?, winners.to_dtype(kind)?))
    };
    samples [
        (real([5, 3]), int([4], 0, 5), starts(&[0i64, 2, 2]), false, 0),
        (real([5, 3]), int([4], 0, 5), starts(&[0i64, 1]), false, 1),
        (real([5, 3]), int([4], 0, 5), starts(&[0i64, 2, 4]), false, 2, false, None, true),
        (real([5, 2]), int([4], 0, 5), starts(&[0i64, 3]), false, 0, false, positive([4]), false, 1),
    ];
}

op! {
    /// Rows of sums: row `bags[i]` of the result gains row `indices[i]` of `table`.
    ///
    /// Shape: `n m, l, l -> count m`. Dtype: float32 or float64, unchanged.
    fn sum_in_bags(table: Tensor, indices: Tensor, bags: Tensor, count: i64) -> y;
    variants [private];
    node "EmbeddingBagBackward0";
    dtype {
        let fits = table.dim() == 2 && indices.size() == bags.size() && indices.dtype() == DType::I64 && bags.dtype() == DType::I64;
        rule::require(fits && matches!(table.dtype(), DType::F32 | DType::F64), "sum_in_bags")?;
        table.dtype()
    };
    shape [count, table.size()[1]].as_slice();
    contiguous [table, indices, bags];
    kernel { kernels::sum_in_bags(y, table, indices, bags) };
    vjp { table => |g, table.shape, indices, bags| g.sum_in_bags(bags, indices, table.shape[0]) };
    samples [
        (real([5, 3]), int([4], 0, 5), int([4], 0, 2), 2),
        (real([2, 17]), int([3], 0, 2), int([3], 0, 4), 4),
        (real([0, 2]), int([0], 0, 1), int([0], 0, 1), 3),
    ];
}

op! {
    /// The bag of each of `n` places, for bags that start at `offsets`.
    ///
    /// Shape: `b -> n`. Dtype: int64.
    fn bag_places(offsets: Tensor, n: i64) -> y;
    variants [private];
    nondifferentiable;
    dtype { rule::require(offsets.dtype() == DType::I64 && offsets.dim() == 1, "bag_places")?; DType::I64 };
    shape [n].as_slice();
    contiguous [offsets];
    kernel { kernels::bag_places(y, offsets) };
    samples [(starts(&[0i64, 2, 2]), 4), (starts(&[0i64]), 0)];
}

op! {
    /// How many of the places, whose bags these are, each bag has. The indices at the places must be below `rows`.
    ///
    /// Shape: `l, l -> count`. Dtype: int64.
    fn bag_sizes(bags: Tensor, indices: Tensor, rows: i64, count: i64) -> y;
    variants [private];
    nondifferentiable;
    dtype {
        let fits = bags.size() == indices.size() && bags.dtype() == DType::I64 && indices.dtype() == DType::I64;
        rule::require(fits, "bag_sizes")?;
        DType::I64
    };
    shape [count].as_slice();
    contiguous [bags, indices];
    kernel { kernels::bag_sizes(y, bags, indices, rows) };
    samples [(int([4], 0, 2), int([4], 0, 5), 5, 3), (int([0], 0, 1), int([0], 0, 1), 3, 2)];
}

/// The outputs without data.
fn on_meta(
    weight: &Tensor,
    indices: &Tensor,
    count: i64,
    mode: Mode,
    kind: DType,
) -> Result<(Tensor, Tensor, Tensor, Tensor)> {
    let width = weight.size()[1];
    let empty = |sizes: &[i64], dtype: DType| Tensor::empty(sizes, dtype, Device::Meta);
    let winners = if mode == Mode::Max { empty(&[count, width], kind) } else { empty(&[count], kind) };
    let bags = empty(indices.size(), kind)?;
    Ok((empty(&[count, width], weight.dtype())?, bags, empty(&[count], kind)?, winners?))
}

fn rule_of(indices: &Tensor, offsets: &Tensor) -> DType {
    if indices.dtype() == DType::I64 || offsets.dtype() == DType::I64 { DType::I64 } else { DType::I32 }
}

fn starts(list: &[i64]) -> crate::ops::Arg {
    Tensor::of(list, &[list.len() as i64]).map_or(crate::ops::Arg::None, Into::into)
}
