//! Indexing with tensors: `x[i, j]`, to read and to write.

use flambeau_cpu::index::{self as kernels, IndexDim};
use flambeau_cpu::{View, ViewMut, loops};

use super::gather::zeros_like_grad;
use crate::dispatch::layout_by;
use crate::ops::shape::convert::broadcast_to;
use crate::ops::{Val, op, rule};
use crate::{DType, Device, Dims, Error, Layout, Result, Tensor, broadcast_shapes};

/// Where the dimensions of the indices go in the result: in place of the indexed ones if those are neighbours, else first.
fn place(dims: &[i64]) -> usize {
    if dims.windows(2).all(|w| w[1] == w[0] + 1) { dims.first().map_or(0, |&d| d as usize) } else { 0 }
}

/// The shape of `x[indices]`.
fn result_shape(x: &[i64], index: &[i64], dims: &[i64]) -> Dims {
    let mut out: Dims = (0..x.len()).filter(|d| !dims.contains(&(*d as i64))).map(|d| x[d]).collect();
    out.insert_many(place(dims), index.iter().copied());
    out
}

/// The layout of `x[indices]`: its dimensions in the order in which they lie in `x`, and those of the indices as theirs.
fn result_layout(x: &Tensor, indices: &[Tensor], dims: &[i64]) -> Layout {
    let sizes = result_shape(x.size(), indices[0].size(), dims);
    if x.is_contiguous() && indices.iter().all(Tensor::is_contiguous) {
        return Layout::contiguous(&sizes);
    }
    let (at, count) = (place(dims), indices[0].dim());
    let mut strides: Dims = (0..x.dim()).filter(|d| !dims.contains(&(*d as i64))).map(|d| x.stride()[d]).collect();
    let rest = strides.len() - at;
    strides.insert_many(at, std::iter::repeat_n(0, count));
    let mut lying = vec![Layout { sizes: sizes.clone(), strides, offset: 0 }];
    for t in indices {
        let spread = |own: &[i64], other: i64| -> Dims {
            let around = |n| std::iter::repeat_n(other, n);
            around(at).chain(own.iter().copied()).chain(around(rest)).collect()
        };
        lying.push(Layout { sizes: spread(t.size(), 1), strides: spread(t.stride(), 0), offset: 0 });
    }
    layout_by(&lying, &sizes)
}

/// Sizes and strides with the given dimensions first.
fn fronted(sizes: &[i64], strides: &[i64], first: impl Iterator<Item = usize> + Clone) -> (Dims, Dims) {
    let rest = (0..sizes.len()).filter(|d| !first.clone().any(|f| f == *d));
    first.clone().chain(rest).map(|d| (sizes[d], strides[d])).unzip()
}

fn index_dims<'a>(indices: &[View<'a>]) -> Vec<IndexDim<'a>> {
    indices.iter().enumerate().map(|(i, &index)| IndexDim { index, dim: i as i64 }).collect()
}

/// Refuses all but what [`prepare`] gives: an int64 tensor for each of some dimensions in order, all of one shape.
fn check_indices<'a>(
    ndim: usize,
    dims: &[i64],
    indices: impl Iterator<Item = (&'a [i64], DType)> + Clone,
    name: &str,
) -> Result<()> {
    let rising = dims.windows(2).all(|w| w[0] < w[1]);
    let inside = dims.first().is_some_and(|&d| d >= 0) && dims.last().is_some_and(|&d| d < ndim as i64);
    let first = indices.clone().next();
    let alike = indices.clone().all(|(sizes, d)| d == DType::I64 && first.is_some_and(|f| f.0 == sizes));
    rule::require(rising && inside && alike && indices.count() == dims.len(), name)
}

/// The tensors of indices as int64 of one shape, and the dimensions they index. A mask stands for the places where it
/// is true.
pub(crate) fn prepare(x: &Tensor, list: &[Option<Tensor>]) -> Result<(Vec<Tensor>, Dims)> {
    let (mut indices, mut dims, mut at) = (Vec::new(), Dims::new(), 0);
    for item in list {
        let Some(t) = item else {
            at += 1;
            continue;
        };
        match t.dtype() {
            DType::Bool | DType::U8 => {
                check_mask(x, t, at)?;
                for column in t.nonzero()?.unbind_with(1)? {
                    indices.push(column);
                    dims.push(at as i64);
                    at += 1;
                }
            }
            DType::I64 | DType::I32 => {
                indices.push(t.to_dtype(DType::I64)?);
                dims.push(at as i64);
                at += 1;
            }
            _ => return Err(Error::index("tensors used as indices must be long, int, byte or bool tensors")),
        }
    }
    if at > x.dim() {
        return Err(Error::index(format!("too many indices for tensor of dimension {} (got {at})", x.dim())));
    }
    if indices.is_empty() {
        return Err(Error::index("at least one index must be provided"));
    }
    let mut sizes = Dims::new();
    for t in &indices {
        sizes = broadcast_shapes(&sizes, t.size()).map_err(|_| {
            let shapes: Vec<String> = indices.iter().map(|t| format!("{:?}", t.size())).collect();
            Error::index(format!(
                "shape mismatch: indexing tensors could not be broadcast together with shapes {}",
                shapes.join(", ")
            ))
        })?;
    }
    let empty = dims.iter().any(|&d| x.size().get(d as usize) == Some(&0)) && !sizes.contains(&0);
    if empty && dims.as_slice() != [0] {
        return Err(Error::index("index is out of bounds for dimension with size 0"));
    }
    for t in &mut indices {
        if t.size() != sizes.as_slice() {
            *t = t.expand(&sizes)?;
        }
        // Indices with values may address a tensor without.
        if x.device() == Device::Meta && t.device() != Device::Meta {
            *t = t.to_device(Device::Meta)?;
        }
    }
    Ok((indices, dims))
}

fn check_mask(x: &Tensor, mask: &Tensor, at: usize) -> Result<()> {
    for (j, &n) in mask.size().iter().enumerate() {
        if x.size().get(at + j) != Some(&n) {
            if at + j >= x.dim() {
                return Err(Error::index(format!("too many indices for tensor of dimension {}", x.dim())));
            }
            return Err(Error::index(format!(
                "The shape of the mask {:?} at index {j} does not match the shape of the indexed tensor {:?} at index {}",
                mask.size(),
                x.size(),
                at + j
            )));
        }
    }
    Ok(())
}

op! {
    /// The elements that tensors of indices (or masks) name; a gap takes a dimension whole. What `x[i, j]` reads.
    ///
    /// Shape: `*s, *t, ... -> *u`. Dtype: unchanged.
    fn index.tensor(input: Tensor, indices: OptTensors) -> y;
    variants [private];
    composite {
        let (list, dims) = prepare(input, indices)?;
        input.index_get(&list, &dims)
    };
    samples [
        (real([3, 4]), gaps(vec![Some(int([2], 0, 3)), Some(int([2], 0, 4))])),
        (real([3, 4]), gaps(vec![None, Some(int([2, 2], 0, 4))])),
        (real([2, 3]), gaps(vec![Some(mask([2, 3]))])),
        (real([3, 2, 4]), gaps(vec![Some(int([2], 0, 3)), None, Some(int([], 0, 4))])),
        (real([0, 3]), gaps(vec![Some(int([0], 0, 3))])),
    ];
}

op! {
    /// The elements that int64 indices of one shape name in some dimensions.
    ///
    /// Shape: `*s, *t, ... -> *u`. Dtype: unchanged.
    fn index_get(input: Tensor, indices: Tensors, dims: Dims) -> y;
    variants [private];
    node "IndexBackward0";
    dtype { check_indices(input.dim(), dims, indices.iter().map(|t| (t.size(), t.dtype())), "index_get")?; input.dtype() };
    shape result_layout(input, indices, dims);
    kernel {
        if let ([index], [dim]) = (indices.as_slice(), dims)
            && *dim > 0 && y.numel() > 0
            && y.strides() == Layout::contiguous(y.sizes()).strides.as_slice()
        {
            return select_along(y, input, *dim as usize, *index);
        }
        let (xs, xt) = fronted(input.sizes(), input.strides(), dims.iter().map(|&d| d as usize));
        let at = place(dims);
        let (ys, yt) = fronted(y.sizes(), y.strides(), at..at + indices[0].ndim());
        // SAFETY: the dimensions are only in another order.
        let (out, x) = unsafe { (ViewMut::new(y.ptr(), y.dtype(), &ys, &yt), input.with(&xs, &xt)) };
        kernels::index_get(out, x, &index_dims(&indices))
    };
    vjp { input => |g, input.shape, indices, dims| {
        let list = indices.iter().map(Val::tensor).collect::<Result<Vec<_>>>()?;
        zeros_like_grad(g, &input.shape)?.index_write_(&list, &g.tensor()?, dims, true)
    } };
    samples [
        (real([3, 4]), vec![int([3], 0, 4)], [1]),
        (real([3, 2, 4]), vec![int([2], 0, 3), int([2], 0, 4)], [0, 2]),
        (real([0, 4]), vec![int([2, 1], 0, 4)], [1]),
    ];
}

/// One tensor of indices into a dimension that is not the first: runs along the last dimension stay together.
fn select_along(y: ViewMut, x: View, dim: usize, index: View) -> Result<()> {
    let n = x.sizes()[dim];
    let mut places = vec![0i64; index.numel()];
    let layout = Layout::contiguous(index.sizes());
    loops::copy(ViewMut::of(&mut places, &layout), index);
    for p in &mut places {
        if *p < -n || *p >= n {
            return Err(Error::index(format!("index {p} is out of bounds for dimension 0 with size {n}")));
        }
        *p += if *p < 0 { n } else { 0 };
    }
    let mut sizes: Dims = x.sizes().into();
    sizes[dim] = places.len() as i64;
    let (whole, row) = (Layout::contiguous(&sizes), Layout::contiguous(&[places.len() as i64]));
    // SAFETY: the output is row-major, as the caller asked: the dimensions of the index are seen as one.
    let out = unsafe { ViewMut::new(y.ptr(), y.dtype(), &whole.sizes, &whole.strides) };
    kernels::index_select(out, x, dim, View::of(&places, &row))
}

op! {
    /// Writes to the elements that int64 indices of one shape name in some dimensions, or adds where `accumulate`.
    ///
    /// Shape: `*s, *t, ... -> *s`. Dtype: unchanged.
    fn index_write(input: Tensor, indices: Tensors, values: Tensor, dims: Dims, accumulate: bool) -> y;
    variants [private, inplace index_write_];
    quirks [Apart];
    node "IndexPutBackward0";
    mutate {
        check_indices(input.ndim(), dims, indices.iter().map(|t| (t.sizes(), t.dtype())), "index_write")?;
        rule::require(values.dtype() == input.dtype(), "index_write")?;
        let shape = result_shape(input.sizes(), indices[0].sizes(), dims);
        let strides = broadcast_to(values.sizes(), values.strides(), &shape)?;
        let (xs, xt) = fronted(input.sizes(), input.strides(), dims.iter().map(|&d| d as usize));
        let at = place(dims);
        let (vs, vt) = fronted(&shape, &strides, at..at + indices[0].ndim());
        // SAFETY: the dimensions are in another order, and values repeat what they have.
        let (x, v) = unsafe { (ViewMut::new(input.ptr(), input.dtype(), &xs, &xt), values.with(&vs, &vt)) };
        kernels::index_put(x, v, &index_dims(&indices), accumulate)
    };
    vjp {
        input => |g, indices, dims, accumulate| if accumulate { g.tensor()? } else {
            let g = g.tensor()?;
            let list = indices.iter().map(Val::tensor).collect::<Result<Vec<_>>>()?;
            let zero = crate::ops::zeros_with(&[], crate::Options::like(&g))?;
            g.clone_tensor()?.index_write_(&list, &zero, dims, false)?
        };
        values => |g, indices, dims, values.shape| unexpanded(g.index_get(indices, dims), &values.shape)
    };
    samples [
        (real([3, 4]), vec![int([3], 0, 4)], other([3, 3]), [1], true),
        (real([3, 4]), vec![int([2], 0, 3), int([2], 0, 4)], other([2]), [0, 1], false),
    ];
}

/// The gradient of values that were broadcast; dimensions of size 1 in front may be more than the result has.
fn unexpanded(g: Val, sizes: &[i64]) -> Result<Tensor> {
    let g = g.tensor()?;
    let ones = sizes.len().saturating_sub(g.dim());
    g.sum_to_size(&sizes[ones..])?.reshape(sizes)
}

/// `x[indices] = values`, in place.
pub(crate) fn write(x: &Tensor, list: &[Option<Tensor>], values: &Tensor, accumulate: bool) -> Result<Tensor> {
    if !accumulate
        && values.numel() == 1
        && let Some((mask, lead)) = only_mask(list)
    {
        check_mask(x, mask, lead)?;
        let mut sizes = mask.sizes();
        sizes.extend((lead + mask.dim()..x.dim()).map(|_| 1));
        return x.masked_fill_(&mask.reshape(&sizes)?, &values.reshape(&[])?);
    }
    if x.device() == Device::Meta && list.iter().flatten().any(|t| matches!(t.dtype(), DType::Bool | DType::U8)) {
        // How many elements a mask names is not known; the tensor that is written is.
        return Ok(x.clone());
    }
    let (indices, dims) = prepare(x, list)?;
    let shape = result_shape(x.size(), indices[0].size(), &dims);
    let fits = broadcast_shapes(values.size(), &shape).is_ok_and(|s| s == shape);
    if !fits {
        return Err(Error::runtime(format!(
            "shape mismatch: value tensor of shape {:?} cannot be broadcast to indexing result of shape {:?}",
            values.size(),
            shape.as_slice()
        )));
    }
    if values.dtype() != x.dtype() {
        return Err(Error::runtime(format!(
            "Index put requires the source and destination dtypes match, got {} for the destination and {} for the source.",
            x.dtype().title(),
            values.dtype().title()
        )));
    }
    x.index_write_(&indices, values, &dims, accumulate)
}

/// The mask, if it is the only index, and the number of whole dimensions before it.
fn only_mask(list: &[Option<Tensor>]) -> Option<(&Tensor, usize)> {
    let lead = list.iter().position(Option::is_some)?;
    let mask = list[lead].as_ref().filter(|t| t.dtype() == DType::Bool)?;
    list[lead + 1..].iter().all(Option::is_none).then_some((mask, lead))
}

op! {
    /// Writes `values` to the elements that tensors of indices (or masks) name, or adds them where `accumulate`.
    ///
    /// Shape: `*s, *t, ... -> *s`. Dtype: that of the tensor.
    fn index_put_write(input: Tensor, indices: OptTensors, values: Tensor, accumulate: bool = false) -> y;
    variants [method, inplace index_put_];
    composite { write(input, indices, values, accumulate) };
    samples [
        (real([3, 4]), gaps(vec![Some(int([2], 0, 3))]), other([2, 4])),
        (real([3, 4]), gaps(vec![None, Some(int([6], 0, 4))]), other([]), true),
        (real([2, 3]), gaps(vec![Some(mask([2, 3]))]), other([])),
    ];
}

op! {
    /// A copy with `values` in the elements that tensors of indices (or masks) name, or added there where `accumulate`.
    ///
    /// Shape: `*s, *t, ... -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.zeros(3).index_put((torch.tensor([0, 2]),), torch.tensor([1., 2.]))
    /// tensor([1., 0., 2.])
    fn index_put(input: Tensor, indices: OptTensors, values: Tensor, accumulate: bool = false) -> y;
    variants [method, function];
    composite { write(&input.clone_tensor()?, indices, values, accumulate) };
    samples [
        (real([3, 4]), gaps(vec![Some(int([2], 0, 3))]), other([2, 4])),
        (real([3, 4]), gaps(vec![None, Some(int([6], 0, 4))]), other([]), true),
        (real([2, 3]), gaps(vec![Some(mask([2, 3]))]), other([])),
    ];
}
