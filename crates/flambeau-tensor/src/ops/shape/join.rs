//! Several tensors into one.

use flambeau_cpu::{View, index as kernels};

use crate::ops::{Val, op, rule};
use crate::{DType, Dims, Error, Layout, Options, Result, Tensor, normalize_dim};

/// A 1-d tensor without elements: `cat` leaves it out, whatever the others look like.
fn is_skipped(t: &Tensor) -> bool {
    t.dim() == 1 && t.numel() == 0
}

/// The dimension of `cat`, and the length of each tensor along it (-1 for one left out).
fn plan(tensors: &[Tensor], dim: i64) -> Result<(usize, Dims)> {
    if tensors.is_empty() {
        return Err(Error::value("torch.cat(): expected a non-empty list of Tensors"));
    }
    if let Some(i) = tensors.iter().position(|t| t.dim() == 0) {
        return Err(Error::runtime(format!("zero-dimensional tensor (at position {i}) cannot be concatenated")));
    }
    let Some(first) = tensors.iter().find(|t| !is_skipped(t)) else {
        return Ok((0, tensors.iter().map(|_| 0).collect()));
    };
    let at = normalize_dim(dim, first.dim())?;
    let mut lengths = Dims::new();
    for (i, t) in tensors.iter().enumerate() {
        if is_skipped(t) {
            lengths.push(if first.dim() == 1 { 0 } else { -1 });
            continue;
        }
        if t.dim() != first.dim() {
            return Err(Error::runtime(format!(
                "Tensors must have same number of dimensions: got {} and {}",
                first.dim(),
                t.dim()
            )));
        }
        if let Some(d) = (0..t.dim()).find(|&d| d != at && t.size()[d] != first.size()[d]) {
            return Err(Error::runtime(format!(
                "Sizes of tensors must match except in dimension {at}. Expected size {} but got size {} for tensor number {i} in the list.",
                first.size()[d],
                t.size()[d]
            )));
        }
        lengths.push(t.size()[at]);
    }
    Ok((at, lengths))
}

op! {
    /// Tensors one after another along a dimension.
    ///
    /// Shape: `*s n *t, *s m *t -> *s n+m *t`. Dtype: promoted from all. A 1-d tensor without elements is left out.
    ///
    /// >>> torch.cat([torch.tensor([1, 2]), torch.tensor([3])])
    /// tensor([1, 2, 3])
    fn cat(tensors: Tensors, dim: i64 = 0) -> y;
    variants [function, out];
    alias [function concat, function concatenate];
    composite {
        let (at, lengths) = plan(tensors, dim)?;
        cat_along(tensors, at as i64, &lengths)
    };
    samples [
        (vec![real([2, 3]), other([2, 1])], 1),
        (vec![real([2, 3]), other([0, 3])]),
        (vec![real([0]), other([2, 2])], -1),
        (vec![real([3])]),
    ];
}

op! {
    /// Tensors that were found to fit, one after another.
    ///
    /// Shape: `*s n *t, *s m *t -> *s n+m *t`. Dtype: promoted from all.
    fn cat_along(tensors: Tensors, dim: i64, lengths: Dims) -> y;
    variants [private];
    node "CatBackward0";
    dtype rule::promote_all(tensors);
    shape joined(tensors, dim, lengths);
    kernel {
        let inputs: Vec<View> = tensors.iter().filter(|t| t.ndim() == y.ndim()).copied().collect();
        kernels::cat(y, &inputs, dim as usize)
    };
    vjp { tensors => |g, dim, lengths| parts(g, dim, lengths) };
    samples [(vec![real([2, 3]), other([2, 1])], 1, [3, 1]), (vec![real([2, 3]), other([1, 3])], 0, [2, 1])];
}

fn joined(tensors: &[Tensor], dim: i64, lengths: &[i64]) -> Result<Layout> {
    let used = || tensors.iter().filter(|t| !is_skipped(t));
    let Some(first) = used().next() else { return Ok(Layout::contiguous(&[0])) };
    let (at, found) = plan(tensors, dim)?;
    rule::require(at as i64 == dim && found.as_slice() == lengths, "cat_along")?;
    let mut sizes = first.sizes();
    sizes[at] = lengths.iter().filter(|n| **n > 0).sum();
    let last = used().all(|t| t.layout().prefers_channels_last());
    Ok(if last { super::convert::laid_like(first, &sizes) } else { Layout::contiguous(&sizes) })
}

fn parts(g: &Val, dim: i64, lengths: &[i64]) -> Result<Vec<Tensor>> {
    let g = g.tensor()?;
    let mut start = 0;
    lengths
        .iter()
        .map(|&n| {
            if n < 0 {
                return crate::ops::zeros_with(&[0], Options::like(&g));
            }
            start += n;
            g.slice(dim, start - n, start, 1)
        })
        .collect()
}

fn stacked(tensors: &[Tensor], dim: i64) -> Result<Dims> {
    let Some(first) = tensors.first() else { return Err(Error::runtime("stack expects a non-empty TensorList")) };
    let at = normalize_dim(dim, first.dim() + 1)?;
    if let Some((i, t)) = tensors.iter().enumerate().find(|(_, t)| t.size() != first.size()) {
        return Err(Error::runtime(format!(
            "stack expects each tensor to be equal size, but got {:?} at entry 0 and {:?} at entry {i}",
            first.size(),
            t.size()
        )));
    }
    let mut sizes = first.sizes();
    sizes.insert(at, tensors.len() as i64);
    Ok(sizes)
}

/// A new dimension before the last is one of `cat`'s, split: its layout is too.
fn stacked_layout(tensors: &[Tensor], dim: i64) -> Result<Layout> {
    let sizes = stacked(tensors, dim)?;
    let n = sizes.len() as i64 - 1;
    let at = normalize_dim(dim, sizes.len())?;
    if at as i64 == n || !tensors.iter().all(|t| t.layout().prefers_channels_last()) {
        return Ok(Layout::contiguous(&sizes));
    }
    let mut joined = tensors[0].sizes();
    joined[at] *= tensors.len() as i64;
    let mut layout = super::convert::laid_like(&tensors[0], &joined);
    layout.strides.insert(at, layout.strides[at] * tensors[0].size()[at]);
    layout.sizes = sizes;
    Ok(layout)
}

op! {
    /// Tensors of one shape side by side along a new dimension.
    ///
    /// Shape: `*s, *s -> *t`. Dtype: promoted from all.
    ///
    /// >>> torch.stack([torch.tensor([1, 2]), torch.tensor([3, 4])], dim=1)
    /// tensor([[1, 3],
    ///         [2, 4]])
    fn stack(tensors: Tensors, dim: i64 = 0) -> y;
    variants [function, out];
    dtype rule::promote_all(tensors);
    shape stacked_layout(tensors, dim);
    kernel {
        let at = normalize_dim(dim, y.ndim())?;
        let layouts: Vec<(Dims, Dims)> = tensors.iter().map(|t| {
            let (mut sizes, mut strides): (Dims, Dims) = (t.sizes().into(), t.strides().into());
            sizes.insert(at, 1);
            strides.insert(at, 1);
            (sizes, strides)
        }).collect();
        // SAFETY: a dimension of size 1 is put in, which reaches nothing new.
        let inputs: Vec<View> = tensors.iter().zip(&layouts).map(|(t, (n, s))| unsafe { t.with(n, s) }).collect();
        kernels::cat(y, &inputs, at)
    };
    vjp { tensors => |g, dim| g.tensor()?.unbind_with(dim) };
    samples [
        (vec![real([2, 3]), other([2, 3])], -1),
        (vec![real([]), other([])]),
        (vec![real([0, 2]), other([0, 2])], 1),
    ];
}

fn nonempty(tensors: &[Tensor], what: &str) -> Result<()> {
    if tensors.is_empty() {
        return Err(Error::runtime(format!("{what} expects a non-empty TensorList")));
    }
    Ok(())
}

op! {
    /// Tensors side by side: along the second dimension, or the first of 1-d tensors.
    ///
    /// Shape: `n *s, m *s -> *t`. Dtype: promoted from all.
    ///
    /// >>> torch.hstack([torch.tensor([1, 2]), torch.tensor([3])])
    /// tensor([1, 2, 3])
    fn hstack(tensors: Tensors) -> y;
    variants [function, out];
    composite {
        nonempty(tensors, "hstack")?;
        let list = tensors.iter().map(Tensor::atleast_1d).collect::<Result<Vec<_>>>()?;
        cat_with(&list, i64::from(list[0].dim() > 1))
    };
    samples [
        (vec![real([2]), other([3])]),
        (vec![real([2, 3]), other([2, 1])]),
        (vec![real([]), other([])]),
        (vec![real([0]), other([2])]),
    ];
}

op! {
    /// Tensors one above another: along the first dimension, 1-d tensors as rows.
    ///
    /// Shape: `n *s, m *s -> n+m *s`. Dtype: promoted from all.
    ///
    /// >>> torch.vstack([torch.tensor([1, 2]), torch.tensor([3, 4])])
    /// tensor([[1, 2],
    ///         [3, 4]])
    fn vstack(tensors: Tensors) -> y;
    variants [function, out];
    alias [function row_stack];
    composite {
        nonempty(tensors, "vstack")?;
        let list = tensors.iter().map(Tensor::atleast_2d).collect::<Result<Vec<_>>>()?;
        cat_with(&list, 0)
    };
    samples [(vec![real([3]), other([2, 3])]), (vec![real([]), other([])]), (vec![real([0, 2]), other([1, 2])])];
}

op! {
    /// Tensors one behind another: along the third dimension.
    ///
    /// Shape: `n m *s, n m *s -> *t`. Dtype: promoted from all.
    ///
    /// >>> torch.dstack([torch.tensor([1, 2]), torch.tensor([3, 4])])
    /// tensor([[[1, 3],
    ///          [2, 4]]])
    fn dstack(tensors: Tensors) -> y;
    variants [function, out];
    composite {
        nonempty(tensors, "dstack")?;
        let list = tensors.iter().map(Tensor::atleast_3d).collect::<Result<Vec<_>>>()?;
        cat_with(&list, 2)
    };
    samples [(vec![real([2]), other([2])]), (vec![real([2, 3]), other([2, 3])]), (vec![real([]), other([])])];
}

op! {
    /// Tensors side by side as columns; 1-d tensors become columns first.
    ///
    /// Shape: `n, n m -> n 1+m`. Dtype: promoted from all.
    ///
    /// >>> torch.column_stack([torch.tensor([1, 2]), torch.tensor([3, 4])])
    /// tensor([[1, 3],
    ///         [2, 4]])
    fn column_stack(tensors: Tensors) -> y;
    variants [function, out];
    composite {
        nonempty(tensors, "column_stack")?;
        let columns = tensors.iter().map(|t| if t.dim() <= 1 { t.reshape(&[t.numel(), 1]) } else { Ok(t.clone()) });
        let list = columns.collect::<Result<Vec<_>>>()?;
        hstack(&list)
    };
    samples [(vec![real([2]), other([2, 2])]), (vec![real([]), other([])]), (vec![real([0]), other([0, 2])])];
}

/// Rows and columns of each block; numbers and vectors are one row.
fn block_sizes(tensors: &[Tensor]) -> Result<Dims> {
    let mut out = Dims::new();
    for (i, t) in tensors.iter().enumerate() {
        out.extend(match *t.size() {
            [] => [1, 1],
            [m] => [1, m],
            [n, m] => [n, m],
            _ => {
                return Err(Error::runtime(format!(
                    "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {} dimensions",
                    t.dim()
                )));
            }
        });
    }
    Ok(out)
}

op! {
    /// A matrix with the given blocks along its diagonal and zeros elsewhere.
    ///
    /// Shape: `n m, p q -> n+p m+q`. Dtype: promoted from all.
    ///
    /// >>> torch.block_diag(torch.tensor([[1, 2]]), torch.tensor([3]))
    /// tensor([[1, 2, 0],
    ///         [0, 0, 3]])
    fn block_diag(*tensors: Tensors) -> y;
    variants [function];
    composite {
        let sizes = block_sizes(tensors)?;
        if tensors.is_empty() {
            return crate::ops::empty(&[1, 0]);
        }
        block_diag_of(tensors, &sizes)
    };
    samples [
        (vec![real([2, 2]), other([3]), positive([])]),
        (vec![real([1, 2])]),
        (vec![real([0, 2]), other([2, 1])]),
    ];
}

fn block_dtype(tensors: &[Tensor]) -> DType {
    let dtypes = tensors.iter().map(Tensor::dtype);
    dtypes.reduce(crate::promote_types).unwrap_or_else(crate::default_dtype)
}

op! {
    /// Blocks of known sizes along a diagonal.
    ///
    /// Shape: `n m, p q -> n+p m+q`. Dtype: promoted from all.
    fn block_diag_of(tensors: Tensors, blocks: Dims) -> y;
    variants [private];
    node "BlockDiagBackward0";
    dtype block_dtype(tensors);
    shape [blocks.iter().step_by(2).sum::<i64>(), blocks.iter().skip(1).step_by(2).sum::<i64>()].as_slice();
    compute {
        let (rows, columns) = (blocks.iter().step_by(2).sum::<i64>(), blocks.iter().skip(1).step_by(2).sum::<i64>());
        let out = crate::ops::zeros_with(&[rows, columns], Options { dtype: Some(block_dtype(tensors)), ..Options::default() })?;
        for (t, place) in tensors.iter().zip(places(&out, blocks)?) {
            place.copy_(&t.reshape(place.size())?)?;
        }
        Ok(out)
    };
    vjp { tensors => |g, blocks| places(&g.tensor()?, blocks) };
    samples [(vec![real([2, 2]), other([1, 3])], [2, 2, 1, 3])];
}

/// The blocks of a matrix as views.
fn places(matrix: &Tensor, blocks: &[i64]) -> Result<Vec<Tensor>> {
    let (mut row, mut column) = (0, 0);
    blocks
        .chunks_exact(2)
        .map(|b| {
            (row, column) = (row + b[0], column + b[1]);
            matrix.slice(0, row - b[0], row, 1)?.slice(1, column - b[1], column, 1)
        })
        .collect()
}
