//! Rows of a table, and one-hot rows.

use flambeau_cpu::{View, ViewMut, index as kernels};

use crate::dispatch::Locked;
use crate::ops::{Val, op, rule};
use crate::{DType, Device, Dims, Error, Layout, Result, Tensor};

fn rows(weight: &Tensor, indices: &Tensor) -> Result<Dims> {
    let &[_, width] = weight.size() else { return Err(Error::runtime("'weight' must be 2-D")) };
    if !matches!(indices.dtype(), DType::I64 | DType::I32) {
        return Err(Error::runtime(format!(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got torch.{}Tensor instead \
             (while checking arguments for embedding)",
            indices.dtype().title()
        )));
    }
    let mut sizes = indices.sizes();
    sizes.push(width);
    Ok(sizes)
}

op! {
    /// The rows of `weight` that `indices` name. The row `padding_idx` gets no gradient; with `scale_grad_by_freq`
    /// gradients are divided by how often an index occurs.
    ///
    /// Shape: `n m, *s -> *s m`. Dtype: that of the weight; the indices are int64 or int32.
    ///
    /// >>> torch.embedding(torch.tensor([[1., 2.], [3., 4.]]), torch.tensor([1, 0]))
    /// tensor([[3., 4.],
    ///         [1., 2.]])
    fn embedding(weight: Tensor, indices: Tensor, padding_idx: i64 = -1, scale_grad_by_freq: bool = false, sparse: bool = false) -> y;
    variants [function];
    dtype weight.dtype();
    shape rows(weight, indices);
    contiguous [indices];
    kernel {
        let (flat, wide) = flattened(&indices, weight.sizes()[1]);
        // SAFETY: the indices are row-major and the output is new: their dimensions are seen as one.
        let (index, out) = unsafe {
            (indices.with(&flat.sizes, &flat.strides), ViewMut::new(y.ptr(), y.dtype(), &wide.sizes, &wide.strides))
        };
        kernels::index_select(out, weight, 0, index)
    };
    vjp { weight => |g, indices, weight.shape, padding_idx, scale_grad_by_freq| {
        g.embedding_dense_backward(indices, weight.shape[0], padding_idx, scale_grad_by_freq)
    } };
    samples joined(
        [(real([4, 3]), int([2, 3], 0, 4)), (real([4, 2]), int([], 0, 4)), (real([4, 2]), int([0, 2], 0, 4), 0)],
        without_gradcheck([(real([4, 2]), int([3], 0, 4), 1, true)]),
    );
}

/// Indices in one row, and rows of a table for each.
fn flattened(indices: &View, width: i64) -> (Layout, Layout) {
    let n = indices.numel() as i64;
    (Layout::contiguous(&[n]), Layout::contiguous(&[n, width]))
}

op! {
    /// The gradient of a table: rows of zeros, with the gradient of each row that was read added.
    ///
    /// Shape: `*s m, *s -> num_weights m`. Dtype: unchanged.
    fn embedding_dense_backward(grad_output: Tensor, indices: Tensor, num_weights: i64, padding_idx: i64, scale_grad_by_freq: bool) -> y;
    variants [private];
    dtype {
        let rows = grad_output.size().split_last().is_some_and(|(_, lead)| lead == indices.size());
        rule::require(rows && matches!(indices.dtype(), DType::I64 | DType::I32), "embedding_dense_backward")?;
        grad_output.dtype()
    };
    shape [num_weights, *grad_output.size().last().unwrap_or(&0)].as_slice();
    contiguous [grad_output, indices];
    kernel {
        let (flat, wide) = flattened(&indices, y.sizes()[1]);
        // SAFETY: both are row-major: their leading dimensions are seen as one.
        let (index, grad) = unsafe {
            (indices.with(&flat.sizes, &flat.strides), grad_output.with(&wide.sizes, &wide.strides))
        };
        kernels::embedding_backward(y, grad, index, padding_idx, scale_grad_by_freq)
    };
    vjp { grad_output => |g, indices, padding_idx, scale_grad_by_freq| {
        if scale_grad_by_freq {
            return Err(Error::not_implemented("embedding: double backward is not supported with scale_grad_by_freq"));
        }
        let rows = g.embedding(indices);
        if padding_idx < 0 { rows } else { rows.masked_fill(Val::run(|| indices.tensor()?.eq(padding_idx)?.unsqueeze(-1)), 0.0) }
    } };
    samples [
        (real([2, 3, 2]), int([2, 3], 0, 4), 4, -1, false),
        (real([3, 2]), int([3], 0, 4), 4, 1, true),
        (real([0, 2]), int([0], 0, 4), 4, -1, false),
    ];
}

op! {
    /// Rows of zeros with a 1 at the class each element names; `num_classes` defaults to one more than the largest.
    ///
    /// Shape: `*s -> *s n`. Dtype: int64.
    ///
    /// >>> torch.nn.functional.one_hot(torch.tensor([0, 2]))
    /// tensor([[1, 0, 0],
    ///         [0, 0, 1]])
    fn one_hot(input: Tensor, num_classes: i64 = -1) -> y;
    variants [functional];
    nondifferentiable;
    dtype DType::I64;
    shape one_hot_sizes(input, num_classes);
    compute {
        let out = Tensor::empty(&one_hot_sizes(input, num_classes)?, DType::I64, Device::Cpu)?;
        Locked::run(&[input], std::slice::from_ref(&out), |locked, outs| kernels::one_hot(outs.next(), locked.view(input)))?;
        Ok(out)
    };
    samples [(int([3], 0, 4)), (int([2, 2], 0, 3), 5), (int([], 0, 3)), (int([0], 0, 3), 2)];
}

/// The sizes of one-hot rows; the number of classes comes from the data where it is not given.
fn one_hot_sizes(x: &Tensor, num_classes: i64) -> Result<Dims> {
    if x.dtype() != DType::I64 {
        return Err(Error::runtime("one_hot is only applicable to index tensor of type LongTensor."));
    }
    let classes = if x.device() == Device::Meta {
        match num_classes {
            -1 => return Err(Error::runtime("Tensor.item() cannot be called on meta tensors")),
            n if n < 0 => return Err(Error::runtime("upper bound and lower bound inconsistent with step sign")),
            n => n,
        }
    } else if num_classes > 0 {
        num_classes
    } else if x.numel() == 0 {
        return Err(Error::runtime("Can not infer total number of classes from empty tensor."));
    } else {
        let values = x.to_vec::<i64>()?;
        if values.iter().any(|&v| v < 0) {
            return Err(Error::runtime("Class values must be non-negative."));
        }
        if num_classes != -1 {
            return Err(Error::runtime("Class values must be smaller than num_classes."));
        }
        values.iter().max().map_or(0, |m| m.saturating_add(1))
    };
    let mut sizes = x.sizes();
    sizes.push(classes);
    Ok(sizes)
}
