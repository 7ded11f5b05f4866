//! Repetition without and with copies.

use smallvec::SmallVec;

use crate::ops::op;
use crate::{Dims, Error, Result, Tensor};

fn type_name(x: &Tensor) -> String {
    let sizes: Vec<String> = x.size().iter().map(ToString::to_string).collect();
    format!("torch.{}Tensor{{[{}]}}", x.dtype().title(), sizes.join(", "))
}

op! {
    /// The tensor seen through a larger shape: dimensions of size 1 are repeated, without a copy. -1 keeps a size.
    ///
    /// Shape: `*s -> *size`. Dtype: unchanged.
    ///
    /// >>> torch.tensor([[1], [2]]).expand(2, 3)
    /// tensor([[1, 1, 1],
    ///         [2, 2, 2]])
    fn expand(input: Tensor, size: Dims; implicit: bool = false) -> y;
    variants [method];
    view {
        if size.len() < input.dim() {
            return Err(Error::runtime(format!(
                "expand({}, size={size:?}): the number of sizes provided ({}) must be greater or equal to the number of dimensions in the tensor ({})",
                type_name(input), size.len(), input.dim()
            )));
        }
        input.layout().expand(size)?
    };
    vjp { input => |g, input.shape| g.sum_to_size(&input.shape) };
    samples [(real([2, 1]), [2, 3]), (real([2, 1]), [4, -1, 3], true), (real([]), [2]), (real([1]), [0])];
}

op! {
    /// The tensor seen through the shape of another.
    ///
    /// Shape: `*s, *t -> *t`. Dtype: unchanged.
    fn expand_as(input: Tensor, other: Tensor) -> y;
    variants [method];
    composite { input.expand(other.size()) };
    samples [(real([2, 1]), other([2, 3])), (real([]), other([2])), (real([1]), other([0, 2]))];
}

op! {
    /// The tensor seen through a broadcast shape.
    ///
    /// Shape: `*s -> *size`. Dtype: unchanged.
    ///
    /// >>> torch.broadcast_to(torch.tensor([1, 2]), (2, 2))
    /// tensor([[1, 2],
    ///         [1, 2]])
    fn broadcast_to(input: Tensor, size: Dims) -> y;
    variants [method, function];
    composite { input.expand(size) };
    samples [(real([2, 1]), [2, 3]), (real([]), [2]), (real([1]), [0, 2])];
}

op! {
    /// All tensors seen through the shape they broadcast to.
    ///
    /// Shape: `*s, *t -> *u, *u`. Dtype: unchanged.
    fn broadcast_tensors(*tensors: Tensors) -> [outputs];
    variants [function];
    composite {
        let mut sizes = Dims::new();
        for t in tensors {
            sizes = crate::broadcast_shapes(&sizes, t.size())?;
        }
        tensors.iter().map(|t| t.expand(&sizes)).collect::<Result<Vec<_>>>()
    };
    samples [(vec![real([2, 1]), other([3])]), (vec![real([])]), (vec![real([0, 1]), other([3])])];
}

op! {
    /// The sum over the dimensions that broadcasting from `size` repeated.
    ///
    /// Shape: `*s -> *size`. Dtype: unchanged.
    ///
    /// >>> torch.ones(2, 3).sum_to_size(1, 3)
    /// tensor([[2., 2., 2.]])
    fn sum_to_size(input: Tensor, size: Dims) -> y;
    variants [method];
    composite {
        let Some(lead) = input.dim().checked_sub(size.len()) else { return Err(not_expandable(input, size)) };
        let mut dims: SmallVec<[i64; 6]> = (0..lead as i64).collect();
        for (d, &n) in size.iter().enumerate() {
            match input.size()[lead + d] {
                have if have == n => {}
                _ if n == 1 => dims.push((lead + d) as i64),
                _ => return Err(not_expandable(input, size)),
            }
        }
        if size.is_empty() {
            // As PyTorch has it, so that bool becomes int64 here and nowhere else.
            return input.sum();
        }
        if dims.is_empty() {
            return Ok(input.clone());
        }
        let kept = input.sum_dim_with(Some(&dims), true, None)?;
        if lead > 0 { kept.view(size) } else { Ok(kept) }
    };
    samples [
        (real([2, 3]), [1, 3]),
        (real([2, 3]), [3]),
        (real([2, 3]), [2, 3]),
        (real([2, 3]), []),
        (real([0, 3]), [1, 3]),
    ];
}

fn not_expandable(x: &Tensor, size: &[i64]) -> Error {
    Error::runtime(format!("size {{{size:?}}} is not expandable to size {{{:?}}}.", x.size()))
}

op! {
    /// Copies of the tensor along each dimension: `repeats` times.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.tensor([1, 2]).repeat(2)
    /// tensor([1, 2, 1, 2])
    fn repeat(input: Tensor, repeats: Dims) -> y;
    variants [method];
    node "RepeatBackward0";
    dtype input.dtype();
    shape repeated(input, repeats);
    compute {
        let sizes = repeated(input, repeats)?;
        let out = Tensor::empty(&sizes, input.dtype(), input.device())?;
        // (r0, s0, r1, s1, ...) over the output: the input is broadcast over the r's.
        let lead = repeats.len() - input.dim();
        let (mut split, mut shape) = (Dims::new(), Dims::new());
        for (d, &r) in repeats.iter().enumerate() {
            let n = if d < lead { 1 } else { input.size()[d - lead] };
            split.extend_from_slice(&[r, n]);
            shape.extend_from_slice(&[1, n]);
        }
        if out.numel() > 0 {
            out.view(&split)?.copy_(&input.reshape(&shape)?)?;
        }
        Ok(out)
    };
    vjp { input => |g, input.shape, repeats| repeat_backward(g, &input.shape, repeats) };
    samples [
        (real([2, 1]), [2, 3]),
        (real([2, 1]), [2, 1, 2]),
        (real([]), [2]),
        (real([2]), [0]),
        (real([0, 2]), [1, 2]),
    ];
}

fn repeated(x: &Tensor, repeats: &[i64]) -> Result<Dims> {
    let Some(lead) = repeats.len().checked_sub(x.dim()) else {
        return Err(Error::runtime(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor",
        ));
    };
    if repeats.iter().any(|&r| r < 0) {
        return Err(Error::runtime(format!(
            "Trying to create tensor with negative dimension {}: {repeats:?}",
            repeats.iter().min().unwrap_or(&0)
        )));
    }
    Ok(repeats
        .iter()
        .enumerate()
        .map(|(d, &r)| r.saturating_mul(if d < lead { 1 } else { x.size()[d - lead] }))
        .collect())
}

fn repeat_backward(g: &crate::ops::Val, shape: &[i64], repeats: &[i64]) -> Result<Tensor> {
    let g = g.tensor()?;
    let lead = repeats.len() - shape.len();
    if repeats.contains(&0) {
        return crate::ops::zeros_with(shape, crate::Options::like(&g));
    }
    let (mut split, mut dims) = (Dims::new(), Dims::new());
    for (d, &r) in repeats.iter().enumerate() {
        dims.push(split.len() as i64);
        split.extend_from_slice(&[r, if d < lead { 1 } else { shape[d - lead] }]);
    }
    if dims.is_empty() {
        return Ok(g);
    }
    g.reshape(&split)?.sum_dim_with(Some(&dims), false, None)?.reshape(shape)
}

op! {
    /// Copies of the tensor along its last dimensions: as `repeat`, with missing counts taken as 1.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.tensor([[1, 2]]).tile(2)
    /// tensor([[1, 2, 1, 2]])
    fn tile(input: Tensor, dims: Dims) -> y;
    variants [method, function];
    composite {
        let missing = input.dim().saturating_sub(dims.len());
        let mut repeats: Dims = SmallVec::from_elem(1, missing);
        repeats.extend_from_slice(dims);
        input.repeat(&repeats)
    };
    samples [(real([2, 3]), [2]), (real([2]), [2, 2]), (real([]), [3]), (real([2]), [0])];
}
