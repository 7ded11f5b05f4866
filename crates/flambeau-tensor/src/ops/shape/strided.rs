//! Views by strides, parts of dimensions.

use crate::autograd::record_op;
use crate::ops::{Arg, Val, op};
use crate::{Device, Error, Layout, Result, Tensor, normalize_dim};

/// A layout that a user chose must lie within the storage.
fn within(x: &Tensor, layout: Layout) -> Result<Layout> {
    if layout.strides.iter().any(|&s| s < 0) {
        return Err(Error::runtime(format!(
            "as_strided: Negative strides are not supported at the moment, got strides: {:?}",
            layout.strides.as_slice()
        )));
    }
    if layout.offset < 0 {
        return Err(Error::runtime(format!("Tensor: invalid storage offset {}", layout.offset)));
    }
    if let Some(d) = layout.sizes.iter().position(|&n| n < 0) {
        return Err(Error::runtime(format!(
            "Trying to create tensor with negative dimension {}: {:?}",
            layout.sizes[d],
            layout.sizes.as_slice()
        )));
    }
    crate::checked_numel(&layout.sizes)?;
    let Some(bytes) = layout.span(x.dtype().size()) else {
        return Err(Error::runtime(format!(
            "Storage size calculation overflowed with sizes={:?} and strides={:?}",
            layout.sizes.as_slice(),
            layout.strides.as_slice()
        )));
    };
    // Without data there is nothing to overrun.
    if x.device() == Device::Cpu && bytes > x.storage().nbytes() {
        return Err(Error::runtime(format!(
            "setStorage: sizes {:?}, strides {:?}, storage offset {}, and itemsize {} requiring a storage size of {bytes} are out of bounds \
             for storage of size {}",
            layout.sizes.as_slice(),
            layout.strides.as_slice(),
            layout.offset,
            x.dtype().size(),
            x.storage().nbytes()
        )));
    }
    Ok(layout)
}

op! {
    /// A view of the storage with any sizes, strides and offset (default: the tensor's own).
    ///
    /// Shape: `*s -> *size`. Dtype: unchanged.
    ///
    /// >>> torch.arange(6).as_strided((2, 2), (1, 2))
    /// tensor([[0, 2],
    ///         [1, 3]])
    fn as_strided(input: Tensor, size: Dims, stride: Dims, storage_offset: Option<i64> = None) -> y;
    variants [method, function];
    composite {
        if size.len() != stride.len() {
            return Err(Error::runtime(format!("mismatch in length of strides and shape: sizes {size:?}, strides {stride:?}")));
        }
        let l = input.layout();
        input.as_strided_from(size, stride, storage_offset.unwrap_or(l.offset), &l.sizes, &l.strides, l.offset)
    };
    samples [
        (real([2, 3]), [2, 2], [1, 2]),
        (real([2, 3]), [2, 2], [1, 1], 1),
        (real([]), [], []),
        (real([0, 2]), [0], [1]),
    ];
}

op! {
    /// A view by strides, which also takes how its input lies: the gradient needs that and no element, so that later
    /// writes are no matter to it.
    ///
    /// Shape: `*s -> *size`. Dtype: unchanged.
    fn as_strided_from(input: Tensor, size: Dims, stride: Dims, offset: i64, input_size: Dims, input_stride: Dims, input_offset: i64) -> y;
    variants [private];
    node "AsStridedBackward0";
    view {
        let _ = (input_size, input_stride, input_offset);
        within(input, Layout { sizes: size.into(), strides: stride.into(), offset })?
    };
    vjp {
        input => |g, size, stride, offset, input_size, input_stride, input_offset| {
            as_strided_backward(g, &lying(input_size, input_stride, input_offset), &lying(size, stride, offset))
        }
    };
    samples [(real([2, 3]), [2, 2], [1, 2], 0, [2, 3], [3, 1], 0)];
}

fn lying(sizes: &[i64], strides: &[i64], offset: i64) -> Layout {
    Layout { sizes: sizes.into(), strides: strides.into(), offset }
}

/// Gradients by place in memory: those of the view are added up in a block like the storage, then read as the input
/// reads it. An element that the input shows more than once shares its gradient.
fn as_strided_backward(g: &Val, have: &Layout, want: &Layout) -> Result<Tensor> {
    let g = g.tensor()?;
    let low = have.extent().map_or(0, |e| e.0).min(want.extent().map_or(0, |e| e.0));
    let high = have.extent().map_or(0, |e| e.1).max(want.extent().map_or(0, |e| e.1));
    let flat = |l: &Layout| -> Result<Tensor> {
        let places = crate::ops::arange(0, high - low + 1, 1)?;
        places.as_strided_with(&l.sizes, &l.strides, Some(l.offset - low))?.reshape(&[-1])
    };
    let block = crate::ops::zeros_with(&[high - low + 1], crate::Options::like(&g))?;
    let block = if distinct(want) {
        // Each place at most once: a strided write, whose own derivative is a strided read.
        block.scatter_strided(&g, &want.sizes, &want.strides, want.offset - low)?
    } else {
        block.index_add(0, &flat(want)?, &g.reshape(&[-1])?)?
    };
    let grad = if distinct(have) {
        block.gather_strided(&have.sizes, &have.strides, have.offset - low)?
    } else {
        let ones = crate::ops::ones_with(&[have.numel()], crate::Options::like(&g))?;
        let count =
            crate::ops::zeros_with(&[high - low + 1], crate::Options::like(&g))?.index_add(0, &flat(have)?, &ones)?;
        block.div(&count)?.gather_strided(&have.sizes, &have.strides, have.offset - low)?
    };
    Ok(grad)
}

/// True if no two indices surely reach one element.
fn distinct(l: &Layout) -> bool {
    let mut dims: Vec<(i64, i64)> =
        l.sizes.iter().zip(&l.strides).filter(|(n, _)| **n > 1).map(|(&n, &s)| (s, n)).collect();
    dims.sort_unstable();
    let mut reach = 0;
    dims.into_iter().all(|(s, n)| {
        let clear = s > reach;
        reach += s * (n - 1);
        clear
    })
}

fn strided(x: &Tensor, size: &[i64], stride: &[i64], offset: i64) -> Result<Tensor> {
    x.as_strided_with(size, stride, Some(offset.saturating_add(x.layout().offset)))
}

op! {
    /// A copy of what strides read of a contiguous block.
    ///
    /// Shape: `n -> *size`. Dtype: unchanged.
    fn gather_strided(input: Tensor, size: Dims, stride: Dims, offset: i64) -> y;
    variants [private];
    dtype input.dtype();
    // A copy keeps strides that leave no gaps.
    shape crate::ops::create::fill::like(&strided(input, size, stride, offset)?, None);
    compute { strided(input, size, stride, offset)?.clone_tensor() };
    vjp { input => |g, input.shape, size, stride, offset| zeros_of(g, &input.shape).scatter_strided(g, size, stride, offset) };
    samples [(real([2, 3]), [2, 2], [1, 2], 1), (real([]), [1], [1], 0)];
}

op! {
    /// A copy of a block with some places, told by strides, written over.
    ///
    /// Shape: `n, *size -> n`. Dtype: unchanged.
    fn scatter_strided(input: Tensor, src: Tensor, size: Dims, stride: Dims, offset: i64) -> y;
    variants [private];
    dtype input.dtype();
    shape input.size();
    compute {
        let out = input.clone_in(crate::MemoryFormat::Contiguous)?;
        out.as_strided_with(size, stride, Some(offset))?.copy_(src)?;
        Ok(out)
    };
    vjp {
        input => |g, size, stride, offset| g.scatter_strided(zeros_of(g, size), size, stride, offset);
        src => |g, size, stride, offset| g.contiguous().gather_strided(size, stride, offset)
    };
    samples [(real([2, 3]), other([2, 2]), [2, 2], [3, 1], 0), (real([]), other([]), [], [], 0)];
}

fn zeros_of(g: &Val, sizes: &[i64]) -> Val {
    Val::run(|| crate::ops::zeros_with(sizes, crate::Options::like(&g.tensor()?)))
}

op! {
    /// A copy of the tensor in which the elements that strides reach are those of `src`.
    ///
    /// Shape: `*s, *size -> *s`. Dtype: unchanged.
    fn as_strided_scatter(input: Tensor, src: Tensor, size: Dims, stride: Dims, storage_offset: Option<i64> = None) -> y;
    variants [method, function];
    dtype input.dtype();
    shape super::diagonal::with_part_layout(input, src, |t| {
        t.as_strided_with(size, stride, Some(storage_offset.unwrap_or(input.layout().offset)))
    });
    compute {
        let out = if input.layout().is_dense() {
            input.clone_tensor()?
        } else {
            input.clone_in(crate::MemoryFormat::Contiguous)?
        };
        let target = out.as_strided_with(size, stride, Some(storage_offset.unwrap_or(input.layout().offset)))?;
        if target.size() != src.size() {
            return Err(Error::runtime(format!("expected src to have a size equal to the slice of self. src size = {:?}, slice size = {:?}", src.size(), target.size())));
        }
        target.copy_(src)?;
        Ok(out)
    };
    vjp {
        input => |g, y, size, stride, storage_offset| {
            let base = y.tensor()?.layout().clone();
            scatter_kept(g, &base, &lying(size, stride, storage_offset.unwrap_or(base.offset)))
        };
        src => |g, y, size, stride, storage_offset| {
            let base = y.tensor()?.layout().clone();
            scatter_taken(g, &base, &lying(size, stride, storage_offset.unwrap_or(base.offset)))
        }
    };
    samples [
        (real([2, 3]), other([2, 2]), [2, 2], [3, 1]),
        (real([2, 3]), other([2, 2]), [2, 2], [3, 1], 1),
        (real([]), other([]), [], []),
    ];
}

op! {
    /// What a write through a view does to the base: a history without a kernel, since the elements are there already. Like
    /// `as_strided_from` it needs to know how the base lies and none of its elements.
    ///
    /// Shape: `*s, *size -> *s`. Dtype: unchanged.
    fn copy_slices(input: Tensor, src: Tensor, size: Dims, stride: Dims, offset: i64, base_size: Dims, base_stride: Dims, base_offset: i64) -> y;
    variants [private];
    node "CopySlices";
    compute {
        let _ = (base_size, base_stride, base_offset);
        input.as_strided_scatter_with(src, size, stride, Some(offset))
    };
    vjp {
        input => |g, size, stride, offset, base_size, base_stride, base_offset| {
            scatter_kept(g, &lying(base_size, base_stride, base_offset), &lying(size, stride, offset))
        };
        src => |g, size, stride, offset, base_size, base_stride, base_offset| {
            scatter_taken(g, &lying(base_size, base_stride, base_offset), &lying(size, stride, offset))
        }
    };
    samples [(real([2, 3]), other([2, 2]), [2, 2], [3, 1], 0, [2, 3], [3, 1], 0)];
}

/// `g` in a block laid out as a tensor lies over its storage.
fn as_laid_out(g: &Val, l: &Layout) -> Result<(Tensor, i64)> {
    let g = g.tensor()?;
    let (low, high) = l.extent().unwrap_or((0, -1));
    let zeros = crate::ops::zeros_with(&[high - low + 1], crate::Options::like(&g))?;
    Ok((zeros.scatter_strided(&g, &l.sizes, &l.strides, l.offset - low)?, low))
}

/// The gradient of what a write through `part` left of a base that lies as `l`.
fn scatter_kept(g: &Val, l: &Layout, part: &Layout) -> Result<Tensor> {
    let (block, low) = as_laid_out(g, l)?;
    let zeros = crate::ops::zeros_with(&part.sizes, crate::Options::like(&block))?;
    let block = block.scatter_strided(&zeros, &part.sizes, &part.strides, part.offset - low)?;
    block.gather_strided(&l.sizes, &l.strides, l.offset - low)
}

/// The gradient of what was written.
fn scatter_taken(g: &Val, l: &Layout, part: &Layout) -> Result<Tensor> {
    let (block, low) = as_laid_out(g, l)?;
    block.gather_strided(&part.sizes, &part.strides, part.offset - low)
}

/// The history of a write of `src` into `base` through a view that lies as `part`: `base` as the output of `copy_slices`.
pub(crate) fn scatter_history(base: &Tensor, src: &Tensor, part: &Layout) -> Result<Tensor> {
    let l = base.layout();
    let args: [Arg; 8] = [
        base.into(),
        src.into(),
        part.sizes.as_slice().into(),
        part.strides.as_slice().into(),
        part.offset.into(),
        l.sizes.as_slice().into(),
        l.strides.as_slice().into(),
        l.offset.into(),
    ];
    let outputs = crate::ops::IntoOutputs::into_outputs(base.detach())?;
    record_op(&COPY_SLICES, &args, &outputs)?;
    Ok(crate::ops::take_one(outputs))
}

op! {
    /// `narrow` from where a tensor of one integer says.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    fn narrow.tensor(input: Tensor, dim: i64, start: Tensor, length: i64) -> y;
    variants [method, function];
    composite {
        if start.dim() > 0 || !start.dtype().is_integral() || start.dtype() == crate::DType::Bool {
            return Err(Error::runtime("start must be an 0-dim integral Tensor."));
        }
        input.narrow(dim, start.item()?.to_i64(), length)
    };
    samples [
        (real([4, 2]), 0, int([], 1, 2), 2),
        (real([2, 4]), -1, int([], 0, 1), 3),
        (real([0, 2]), 1, int([], 0, 1), 1),
    ];
}

op! {
    /// The elements `start` to `start + length` of a dimension, as a view.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.arange(5).narrow(0, 1, 3)
    /// tensor([1, 2, 3])
    fn narrow(input: Tensor, dim: i64, start: i64, length: i64) -> y;
    variants [method, function];
    composite {
        if input.dim() == 0 {
            return Err(Error::runtime("narrow() cannot be applied to a 0-dim tensor."));
        }
        if length < 0 {
            return Err(Error::runtime("narrow(): length must be non-negative."));
        }
        let at = normalize_dim(dim, input.dim())?;
        let n = input.size()[at];
        if start < -n || start > n {
            return Err(Error::index(format!("start out of range (expected to be in range of [{}, {n}], but got {start})", -n)));
        }
        let start = if start < 0 { start + n } else { start };
        if start > n - length {
            return Err(Error::runtime(format!("start ({start}) + length ({length}) exceeds dimension size ({n}).")));
        }
        input.slice(at as i64, start, start + length, 1)
    };
    samples [(real([4, 2]), 0, 1, 2), (real([2, 4]), -1, -3, 2), (real([2, 3]), 0, 1, 0), (real([0, 2]), 1, 0, 1)];
}

op! {
    /// Every `step`-th element from `start` to `end` of a dimension, as a view; both are clamped to the dimension.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    fn slice(input: Tensor, dim: i64, start: i64, end: i64, step: i64) -> y;
    variants [private, rust];
    node "SliceBackward0";
    view { sliced(input.layout(), dim, start, end, step) };
    vjp { input => |g, input.shape, dim, start, end, step| slice_backward(g, &input.shape, dim, start, end, step) };
    samples [
        (real([4, 3]), 0, 1, 4, 2),
        (real([4, 3]), -1, -2, 9, 1),
        (real([4, 3]), 0, 2, 2, 1),
        (real([0, 3]), 1, 0, 2, 1),
    ];
}

fn sliced(l: &Layout, dim: i64, start: i64, end: i64, step: i64) -> Result<Layout> {
    if l.ndim() == 0 {
        return Err(Error::index("slice() cannot be applied to a 0-dim tensor."));
    }
    let at = normalize_dim(dim, l.ndim())?;
    if step <= 0 {
        return Err(Error::value("slice step must be positive"));
    }
    let n = l.sizes[at];
    let clamp = |i: i64| (if i < 0 { i.saturating_add(n) } else { i }).clamp(0, n);
    let (start, end) = (clamp(start), clamp(end));
    let mut out = l.clone();
    let length = (end - start).max(0);
    out.sizes[at] = length / step + i64::from(length % step != 0);
    out.offset += start * out.strides[at];
    if out.sizes[at] > 0 || step < i64::MAX {
        out.strides[at] = out.strides[at].saturating_mul(step);
    }
    Ok(out)
}

op! {
    /// Zeros with a slice of them written over: what a slice's gradient is.
    ///
    /// Shape: `*t -> *input_sizes`. Dtype: unchanged.
    fn slice_into_zeros(grad: Tensor, input_sizes: Dims, dim: i64, start: i64, end: i64, step: i64) -> y;
    variants [private];
    node "SliceBackwardBackward0";
    dtype grad.dtype();
    shape input_sizes;
    compute {
        let out = crate::ops::zeros_with(input_sizes, crate::Options::like(grad))?;
        out.slice(dim, start, end, step)?.copy_(grad)?;
        Ok(out)
    };
    vjp { grad => |g, dim, start, end, step| g.slice(dim, start, end, step) };
    samples [
        (real([2, 3]), [4, 3], 0, 0, 4, 2),
        (real([2, 1]), [2, 3], -1, 1, 2, 1),
        (real([0, 3]), [4, 3], 0, 1, 1, 1),
    ];
}

fn slice_backward(g: &Val, sizes: &[i64], dim: i64, start: i64, end: i64, step: i64) -> Val {
    g.slice_into_zeros(sizes, dim, start, end, step)
}

op! {
    /// One element of a dimension, as a view without that dimension.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.tensor([[1, 2], [3, 4]]).select(0, 1)
    /// tensor([3, 4])
    fn select(input: Tensor, dim: i64, index: i64) -> y;
    variants [method, function];
    view {
        let mut l = input.layout().clone();
        if l.ndim() == 0 {
            return Err(Error::index("select() cannot be applied to a 0-dim tensor."));
        }
        let at = normalize_dim(dim, l.ndim())?;
        let n = l.sizes[at];
        if index < -n || index >= n {
            return Err(Error::index(format!(
                "select(): index {index} out of range for tensor of size {:?} at dimension {at}", l.sizes.as_slice()
            )));
        }
        l.offset += (if index < 0 { index + n } else { index }) * l.strides[at];
        l.sizes.remove(at);
        l.strides.remove(at);
        l
    };
    vjp { input => |g, input.shape, dim, index| select_backward(g, &input.shape, dim, index) };
    samples [(real([4, 3]), 0, 1), (real([4, 3]), -1, -2), (real([0, 3]), 1, 0)];
}

fn select_backward(g: &Val, sizes: &[i64], dim: i64, index: i64) -> Val {
    let at = dim.rem_euclid(sizes.len() as i64);
    let from = index.rem_euclid(sizes[at as usize]);
    g.unsqueeze(at).slice_into_zeros(sizes, at, from, from + 1, 1)
}

op! {
    /// A diagonal of two dimensions, as a view with it as the last one. A positive `offset` is above the main one.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.tensor([[1, 2], [3, 4]]).diagonal()
    /// tensor([1, 4])
    fn diagonal(input: Tensor, offset: i64 = 0, dim1: i64 = 0, dim2: i64 = 1) -> y;
    variants [method, function];
    view { diagonal_layout(input.layout(), offset, dim1, dim2) };
    vjp { input => |g, input.shape, offset, dim1, dim2| g.diagonal_into_zeros(&input.shape, offset, dim1, dim2) };
    samples [
        (real([3, 4])),
        (real([3, 4]), 1),
        (real([3, 4]), -2, 1, 0),
        (real([2, 3, 2]), 0, 0, -1),
        (real([0, 3])),
    ];
}

fn diagonal_layout(l: &Layout, offset: i64, dim1: i64, dim2: i64) -> Result<Layout> {
    let (a, b) = (normalize_dim(dim1, l.ndim())?, normalize_dim(dim2, l.ndim())?);
    if a == b {
        return Err(Error::runtime(format!("diagonal dimensions cannot be identical {dim1}, {dim2}")));
    }
    let n =
        if offset >= 0 { l.sizes[a].min(l.sizes[b] - offset) } else { (l.sizes[a] + offset).min(l.sizes[b]) }.max(0);
    let mut out = l.clone();
    if n > 0 {
        out.offset += if offset >= 0 { offset * l.strides[b] } else { -offset * l.strides[a] };
    }
    for d in [a.max(b), a.min(b)] {
        out.sizes.remove(d);
        out.strides.remove(d);
    }
    out.sizes.push(n);
    out.strides.push(l.strides[a].saturating_add(l.strides[b]));
    Ok(out)
}

op! {
    /// Zeros with a diagonal of them written over.
    ///
    /// Shape: `*t -> *input_sizes`. Dtype: unchanged.
    fn diagonal_into_zeros(grad: Tensor, input_sizes: Dims, offset: i64, dim1: i64, dim2: i64) -> y;
    variants [private];
    node "DiagonalBackwardBackward0";
    dtype grad.dtype();
    shape input_sizes;
    compute {
        let out = crate::ops::zeros_with(input_sizes, crate::Options::like(grad))?;
        out.diagonal_with(offset, dim1, dim2)?.copy_(grad)?;
        Ok(out)
    };
    vjp { grad => |g, offset, dim1, dim2| g.diagonal_with(offset, dim1, dim2) };
    samples [(real([2]), [2, 3], 0, 0, 1), (real([2]), [3, 3], 1, 0, 1), (real([0]), [0, 3], 0, 0, 1)];
}

op! {
    /// All windows of `size` elements along a dimension, `step` apart, as a view with the window as the last dimension.
    ///
    /// Shape: `*s -> *t size`. Dtype: unchanged.
    ///
    /// >>> torch.arange(5).unfold(0, 3, 2)
    /// tensor([[0, 1, 2],
    ///         [2, 3, 4]])
    fn unfold(input: Tensor, dimension: i64, size: i64, step: i64) -> y;
    variants [method];
    view { unfolded(input.layout(), dimension, size, step) };
    vjp { input => |g, input.shape, dimension, size, step| g.unfold_into_zeros(&input.shape, dimension, size, step) };
    samples [(real([5, 2]), 0, 3, 2), (real([5, 2]), 0, 2, 1), (real([]), 0, 1, 1), (real([0, 3]), 1, 2, 1)];
}

fn unfolded(l: &Layout, dim: i64, size: i64, step: i64) -> Result<Layout> {
    let at = normalize_dim(dim, l.ndim())?;
    let (n, stride) = if l.ndim() == 0 { (1, 1) } else { (l.sizes[at], l.strides[at]) };
    if size < 0 {
        return Err(Error::runtime(format!("size is {size} but must be >= 0")));
    }
    if size > n {
        return Err(Error::runtime(format!("maximum size for tensor at dimension {at} is {n} but size is {size}")));
    }
    if step <= 0 {
        return Err(Error::runtime(format!("step is {step} but must be > 0")));
    }
    let mut out = l.clone();
    if l.ndim() > 0 {
        out.sizes[at] = (n - size) / step + 1;
        out.strides[at] = stride.saturating_mul(step);
    }
    out.sizes.push(size);
    out.strides.push(stride);
    crate::checked_numel(&out.sizes)?;
    Ok(out)
}

op! {
    /// Zeros with windows of them added to: the gradient of `unfold`.
    ///
    /// Shape: `*t size -> *input_sizes`. Dtype: unchanged.
    fn unfold_into_zeros(grad: Tensor, input_sizes: Dims, dim: i64, size: i64, step: i64) -> y;
    variants [private];
    node "UnfoldBackwardBackward0";
    dtype grad.dtype();
    shape input_sizes;
    compute {
        let out = crate::ops::zeros_with(input_sizes, crate::Options::like(grad))?;
        let windows = out.unfold(dim, size, step)?;
        // Windows may overlap; those far enough apart do not, nor does the same place of each.
        let apart = (size + step - 1) / step.max(1);
        if apart < size {
            let at = crate::normalize_dim(dim, out.dim())? as i64;
            for i in 0..apart.min(windows.size()[at as usize]) {
                windows.slice(at, i, i64::MAX, apart)?.add_(&grad.slice(at, i, i64::MAX, apart)?)?;
            }
            return Ok(out);
        }
        for i in 0..size {
            windows.select(-1, i)?.add_(&grad.select(-1, i)?)?;
        }
        Ok(out)
    };
    vjp { grad => |g, dim, size, step| g.unfold(dim, size, step) };
    samples [(real([2, 2, 3]), [5, 2], 0, 3, 2), (real([2, 2]), [3], 0, 2, 1)];
}

impl Tensor {
    /// The tensor with sizes changed to those of `layout`, its memory grown where needed (`resize_`, `out=`).
    pub fn resized(&self, layout: &Layout) -> Result<Tensor> {
        let layout = Layout { offset: self.layout().offset, ..layout.clone() };
        crate::checked_numel(&layout.sizes)?;
        let bytes = layout.span(self.dtype().size()).ok_or_else(|| flambeau_types::overflow(&layout.sizes))?;
        self.storage().grow(bytes)?;
        Ok(self.with_layout(layout))
    }

    /// The size of one dimension, counted from either end.
    pub fn size_of(&self, dim: i64) -> Result<i64> {
        if self.dim() == 0 {
            return Err(Error::index(format!("Dimension specified as {dim} but tensor has no dimensions")));
        }
        Ok(self.size()[normalize_dim(dim, self.dim())?])
    }
}
