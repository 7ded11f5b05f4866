//! Writing to elements that indices name.

use flambeau_cpu::View;
use flambeau_cpu::index::{self as kernels, Reduce};

use super::gather::{at_least_1d, zeros_like_grad};
use crate::dispatch::Locked;
use crate::ops::{Sample, Val, op, rule, samples};
use crate::{DType, Error, MemoryFormat, Result, Tensor, normalize_dim};

/// What all forms of scatter ask of their arguments; false where there is nothing to write.
pub(crate) fn check(sizes: &[i64], dtype: DType, at: usize, index: &View, src: Option<&View>) -> Result<bool> {
    if index.numel() > 0 && !matches!(index.dtype(), DType::I64 | DType::I32) {
        return Err(Error::runtime("scatter(): Expected dtype int32/int64 for index"));
    }
    if src.is_some_and(|s| s.dtype() != dtype) {
        return Err(Error::runtime("scatter(): Expected self.dtype to be equal to src.dtype"));
    }
    if index.numel() == 0 {
        return Ok(false);
    }
    let (xs, is) = (at_least_1d(sizes), at_least_1d(index.sizes()));
    if xs.len() != is.len() {
        return Err(Error::runtime("Index tensor must have the same number of dimensions as self tensor"));
    }
    let fits = (0..xs.len()).all(|d| d == at || is[d] <= xs[d]);
    if let Some(src) = src {
        let ss = at_least_1d(src.sizes());
        if ss.len() != is.len() {
            return Err(Error::runtime("Index tensor must have the same number of dimensions as src tensor"));
        }
        if !fits || (0..ss.len()).any(|d| is[d] > ss[d]) {
            return Err(Error::runtime(format!(
                "Expected index {:?} to be no larger than self {sizes:?} apart from dimension {at} and to be no larger size than src {:?}",
                index.sizes(),
                src.sizes()
            )));
        }
    } else if !fits {
        return Err(Error::runtime(format!(
            "Expected index {:?} to be no larger than self {sizes:?} apart from dimension {at}",
            index.sizes()
        )));
    }
    Ok(true)
}

/// The gradient of `src`, of which only what the index covers was read.
fn fit(g: Val, sizes: &[i64]) -> Result<Tensor> {
    let mut t = g.tensor()?;
    if t.numel() == 0 {
        return zeros_like_grad(&g, sizes);
    }
    if t.dim() != sizes.len() {
        return t.reshape(sizes);
    }
    for d in 0..sizes.len() {
        let n = t.size()[d];
        if n != sizes[d] {
            let mut full = t.sizes();
            full[d] = sizes[d];
            t = t.slice_into_zeros(&full, d as i64, 0, n, 1)?;
        }
    }
    Ok(t)
}

op! {
    /// Writes `src` to the elements that `index` names: `input[index[i][j]][j] = src[i][j]` for `dim` 0, and so on.
    ///
    /// Shape: `*s, *t, *u -> *s`. Dtype: that of the tensor.
    fn scatter_write.src(input: Tensor, dim: i64, index: Tensor, src: Tensor) -> y;
    variants [method, inplace scatter_];
    quirks [Apart];
    node "ScatterBackward0";
    mutate {
        let at = normalize_dim(dim, input.ndim())?;
        if check(input.sizes(), input.dtype(), at, &index, Some(&src))? { kernels::scatter(input, at, index, src) } else { Ok(()) }
    };
    vjp {
        input => |g, dim, index| g.scatter_value(dim, index, 0.0);
        src => |g, dim, index, src.shape| fit(g.gather(dim, index), &src.shape)
    };
    samples [
        (real([2, 4]), 1, int([2, 3], 0, 4), other([2, 3])),
        (real([4]), -1, int([2], 0, 4), other([3])),
        (real([]), 0, int([], 0, 1), other([])),
        (real([2, 3]), 0, int([0, 3], 0, 2), other([0, 3])),
    ];
}

op! {
    /// Writes one number to the elements that `index` names.
    ///
    /// Shape: `*s, *t -> *s`. Dtype: that of the tensor.
    fn scatter_write.value(input: Tensor, dim: i64, index: Tensor, value: Scalar) -> y;
    variants [method, inplace scatter_];
    quirks [Apart];
    node "ScatterBackward1";
    mutate {
        let at = normalize_dim(dim, input.ndim())?;
        rule::fits(value, input.dtype())?;
        if check(input.sizes(), input.dtype(), at, &index, None)? { kernels::scatter_value(input, at, index, value) } else { Ok(()) }
    };
    vjp { input => |g, dim, index| g.scatter_value(dim, index, 0.0) };
    samples [(real([2, 4]), 1, int([2, 3], 0, 4), 1.5), (real([]), 0, int([], 0, 1), 2)];
}

/// The word of `scatter`'s reduce argument.
fn old_word(word: &str) -> Result<Reduce> {
    match word {
        "add" => Ok(Reduce::Add),
        "multiply" => Ok(Reduce::Multiply),
        _ => Err(Error::runtime("reduce argument must be either add or multiply.")),
    }
}

op! {
    /// Combines `src` with the elements that `index` names: `reduce` is `add` or `multiply`.
    ///
    /// Shape: `*s, *t, *u -> *s`. Dtype: that of the tensor.
    fn scatter_write.src_reduce(input: Tensor, dim: i64, index: Tensor, src: Tensor; reduce: Str) -> y;
    variants [method, inplace scatter_];
    quirks [Apart];
    nondifferentiable;
    mutate {
        let at = normalize_dim(dim, input.ndim())?;
        let how = old_word(reduce)?;
        if check(input.sizes(), input.dtype(), at, &index, Some(&src))? {
            kernels::scatter_reduce(input, at, index, src, how, true)
        } else {
            Ok(())
        }
    };
    samples [
        (real([2, 4]), 1, int([2, 3], 0, 4), other([2, 3]), "add"),
        (real([4]), 0, int([2], 0, 4), other([3]), "multiply"),
    ];
}

op! {
    /// Combines one number with the elements that `index` names: `reduce` is `add` or `multiply`.
    ///
    /// Shape: `*s, *t -> *s`. Dtype: that of the tensor.
    fn scatter_write.value_reduce(input: Tensor, dim: i64, index: Tensor, value: Scalar; reduce: Str) -> y;
    variants [method, inplace scatter_];
    quirks [Apart];
    nondifferentiable;
    mutate {
        let at = normalize_dim(dim, input.ndim())?;
        let how = old_word(reduce)?;
        if !check(input.sizes(), input.dtype(), at, &index, None)? {
            return Ok(());
        }
        let value = Tensor::scalar(value, input.dtype());
        let strides: crate::Dims = smallvec::SmallVec::from_elem(0, index.ndim());
        Locked::with(&[&value], |locked| {
            // SAFETY: every stride is 0: only the one element is read.
            let src = unsafe { locked.view(&value).with(index.sizes(), &strides) };
            kernels::scatter_reduce(input, at, index, src, how, true)
        })
    };
    samples [(real([2, 4]), 1, int([2, 3], 0, 4), 1.5, "add"), (real([4]), 0, int([2], 0, 4), 2, "multiply")];
}

op! {
    /// A copy with `src` in the elements that `index` names: `out[index[i][j]][j] = src[i][j]` for `dim` 0, and so on.
    ///
    /// Shape: `*s, *t, *u -> *s`. Dtype: unchanged; the index is int64 or int32.
    ///
    /// >>> torch.zeros(2, 3).scatter(1, torch.tensor([[2], [0]]), torch.tensor([[5.], [6.]]))
    /// tensor([[0., 0., 5.],
    ///         [6., 0., 0.]])
    fn scatter.src(input: Tensor, dim: i64, index: Tensor, src: Tensor) -> y;
    variants [method, function, out];
    composite { input.clone_in(MemoryFormat::Contiguous)?.scatter_write_src_(dim, index, src) };
    samples [
        (real([2, 4]), 1, int([2, 3], 0, 4), other([2, 3])),
        (real([4]), -1, int([2], 0, 4), other([3])),
        (real([]), 0, int([], 0, 1), other([])),
        (real([2, 3]), 0, int([0, 3], 0, 2), other([0, 3])),
    ];
}

op! {
    /// A copy with one number in the elements that `index` names.
    ///
    /// Shape: `*s, *t -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.zeros(2, 3).scatter(1, torch.tensor([[2], [0]]), 1)
    /// tensor([[0., 0., 1.],
    ///         [1., 0., 0.]])
    fn scatter.value(input: Tensor, dim: i64, index: Tensor, value: Scalar) -> y;
    variants [method, function, out];
    composite { input.clone_in(MemoryFormat::Contiguous)?.scatter_write_value_(dim, index, value) };
    samples [(real([2, 4]), 1, int([2, 3], 0, 4), 1.5), (real([]), 0, int([], 0, 1), 2)];
}

op! {
    /// A copy with `src` combined with the elements that `index` names: `reduce` is `add` or `multiply`.
    ///
    /// Shape: `*s, *t, *u -> *s`. Dtype: unchanged.
    fn scatter.src_reduce(input: Tensor, dim: i64, index: Tensor, src: Tensor; reduce: Str) -> y;
    variants [method, function, out];
    composite { input.clone_in(MemoryFormat::Contiguous)?.scatter_write_src_reduce_(dim, index, src, reduce) };
    samples [
        (real([2, 4]), 1, int([2, 3], 0, 4), other([2, 3]), "add"),
        (real([4]), 0, int([2], 0, 4), other([3]), "multiply"),
    ];
}

op! {
    /// A copy with one number combined with the elements that `index` names: `reduce` is `add` or `multiply`.
    ///
    /// Shape: `*s, *t -> *s`. Dtype: unchanged.
    fn scatter.value_reduce(input: Tensor, dim: i64, index: Tensor, value: Scalar; reduce: Str) -> y;
    variants [method, function, out];
    composite { input.clone_in(MemoryFormat::Contiguous)?.scatter_write_value_reduce_(dim, index, value, reduce) };
    samples [(real([2, 4]), 1, int([2, 3], 0, 4), 1.5, "add"), (real([4]), 0, int([2], 0, 4), 2, "multiply")];
}

op! {
    /// Adds `src` to the elements that `index` names.
    ///
    /// Shape: `*s, *t, *u -> *s`. Dtype: that of the tensor.
    fn scatter_add_write(input: Tensor, dim: i64, index: Tensor, src: Tensor) -> y;
    variants [method, inplace scatter_add_];
    quirks [Apart];
    node "ScatterAddBackward0";
    mutate {
        let at = normalize_dim(dim, input.ndim())?;
        if check(input.sizes(), input.dtype(), at, &index, Some(&src))? { kernels::scatter_add(input, at, index, src) } else { Ok(()) }
    };
    vjp {
        input => |g| g;
        src => |g, dim, index, src.shape| fit(g.gather(dim, index), &src.shape)
    };
    samples [
        (real([2, 4]), 0, int([3, 3], 0, 2), other([3, 3])),
        (real([4]), -1, int([2], 0, 4), other([3])),
        (real([]), 0, int([], 0, 1), other([])),
    ];
}

op! {
    /// A copy with `src` added to the elements that `index` names: `out[index[i][j]][j] += src[i][j]` for `dim` 0, and so on.
    ///
    /// Shape: `*s, *t, *u -> *s`. Dtype: unchanged; the index is int64 or int32.
    ///
    /// >>> torch.zeros(3).scatter_add(0, torch.tensor([0, 0, 2]), torch.tensor([1., 2., 3.]))
    /// tensor([3., 0., 3.])
    fn scatter_add(input: Tensor, dim: i64, index: Tensor, src: Tensor) -> y;
    variants [method, function, out];
    composite { input.clone_in(MemoryFormat::Contiguous)?.scatter_add_(dim, index, src) };
    samples [
        (real([3, 4]), 1, int([3, 3], 0, 4), other([3, 3])),
        (real([2, 4]), 0, int([3, 3], 0, 2), other([3, 4])),
        (real([]), 0, int([], 0, 1), other([])),
        (real([2, 3]), -1, int([0, 3], 0, 2), other([0, 3])),
    ];
}

fn word(word: &str) -> Result<Reduce> {
    Ok(match word {
        "sum" => Reduce::Add,
        "prod" => Reduce::Multiply,
        "mean" => Reduce::Mean,
        "amax" => Reduce::Amax,
        "amin" => Reduce::Amin,
        _ => {
            return Err(Error::runtime(format!(
                "reduce argument must be either sum, prod, mean, amax or amin, got {word}"
            )));
        }
    })
}

op! {
    /// A copy with `src` combined with the elements that `index` names: `reduce` is `sum`, `prod`, `mean`, `amax` or `amin`.
    /// Without `include_self`, what stood in those elements before does not count.
    ///
    /// Shape: `*s, *t, *u -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.zeros(2).scatter_reduce(0, torch.tensor([0, 1, 1]), torch.tensor([1., 2., 5.]), 'amax')
    /// tensor([1., 5.])
    fn scatter_reduce(input: Tensor, dim: i64, index: Tensor, src: Tensor, reduce: Str; include_self: bool = true) -> y;
    variants [method, function, inplace, out];
    quirks [Apart];
    dtype input.dtype();
    shape input.size();
    compute {
        let at = normalize_dim(dim, input.dim())?;
        let how = word(reduce)?;
        let out = input.clone_in(MemoryFormat::Contiguous)?;
        Locked::run(&[index, src], std::slice::from_ref(&out), |locked, outs| {
            let (out, index, src) = (outs.next(), locked.view(index), locked.view(src));
            if check(out.sizes(), out.dtype(), at, &index, Some(&src))? {
                kernels::scatter_reduce(out, at, index, src, how, include_self)
            } else {
                Ok(())
            }
        })?;
        Ok(out)
    };
    vjp {
        input => |g, input, dim, index, src, reduce, include_self, y| {
            Spread { g: g.tensor()?, x: input.tensor()?, dim, index: index.tensor()?, src: src.tensor()?, include_self, y: y.tensor()? }.run(word(reduce)?)?.0
        };
        src => |g, input, dim, index, src, reduce, include_self, y| {
            Spread { g: g.tensor()?, x: input.tensor()?, dim, index: index.tensor()?, src: src.tensor()?, include_self, y: y.tensor()? }.run(word(reduce)?)?.1
        }
    };
    samples ["sum", "prod", "mean", "amax", "amin"].iter().flat_map(|how| [true, false].map(|own| Sample::new([
        samples::tensor(&[3, 4], 0.3, 1.0).into(), 1.into(), samples::index(&[3, 3], 0, 4).into(), samples::tensor(&[3, 3], 0.5, 2.0).into(), (*how).into(), own.into()
    ]))).collect();
}

/// The derivative of `scatter_reduce`.
struct Spread {
    g: Tensor,
    x: Tensor,
    dim: i64,
    index: Tensor,
    src: Tensor,
    include_self: bool,
    y: Tensor,
}

impl Spread {
    /// The gradients of the tensor and of `src`.
    fn run(&self, how: Reduce) -> Result<(Tensor, Tensor)> {
        let Spread { g, x, dim, index, src, include_self, y } = self;
        let (dim, sizes) = (*dim, src.size());
        let gather = |t: &Tensor| -> Result<Tensor> { t.gather(dim, index) };
        // `src` may be larger than what the index covers.
        let src = &covered(src, index)?;
        let (own, from) = match how {
            Reduce::Add => (g.clone(), gather(g)?),
            Reduce::Mean => {
                let count = if *include_self { g.ones_like()? } else { g.zeros_like()? };
                let count = count.scatter_add(dim, index, &src.ones_like()?)?;
                let count = count.masked_fill(&count.eq(0.0)?, 1.0)?;
                let share = g.div(&count)?;
                let from = gather(&share)?;
                (share, from)
            }
            Reduce::Multiply => {
                let filled = x.masked_fill(&x.eq(0.0)?, 1.0)?;
                let others = filled.scatter_reduce_with(dim, index, src, "prod", *include_self)?;
                let own = g.mul(others.div(&filled)?.conj()?)?;
                let zero = src.eq(0.0)?;
                let zeros = gather(&x.zeros_like()?.scatter_add(dim, index, &zero.to_dtype(x.dtype())?)?)?;
                let alone = zero.logical_and(&zeros.eq(1.0)?)?;
                let rest = x.scatter_reduce_with(dim, index, &src.masked_fill(&alone, 1.0)?, "prod", *include_self)?;
                let plain = gather(&g.mul(y.conj()?)?)?.div(src.masked_fill(&zero, 1.0)?.conj()?)?;
                (own, alone.where_(gather(&g.mul(rest.conj()?)?)?, plain)?)
            }
            Reduce::Amax | Reduce::Amin => {
                let is_own = x.eq(y)?.to_dtype(g.dtype())?;
                let is_src = src.eq(&gather(y)?)?.to_dtype(g.dtype())?;
                let share = g.div(&is_own.scatter_add(dim, index, &is_src)?)?;
                (is_own.mul(&share)?, is_src.mul(&gather(&share)?)?)
            }
        };
        let own = if *include_self { own } else { own.scatter_value(dim, index, 0.0)? };
        Ok((own, fit(Val::Tensor(from), sizes)?))
    }
}

/// The part of `src` that an index of its shape or less covers.
fn covered(src: &Tensor, index: &Tensor) -> Result<Tensor> {
    if src.size() == index.size() || src.dim() != index.dim() {
        return Ok(src.clone());
    }
    (0..src.dim()).try_fold(src.clone(), |t, d| t.slice(d as i64, 0, index.size()[d], 1))
}
