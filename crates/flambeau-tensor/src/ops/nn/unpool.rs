//! The inverse of maximum pooling: each maximum back where it was, zeros elsewhere.

use crate::ops::{Sample, Val, laid_like, lay, op, rule, samples};
use crate::{DType, Dims, Error, Layout, Options, Result, Tensor};

/// One number for each of `n` dimensions.
fn spread(list: &[i64], n: usize) -> Dims {
    if let [one] = list { Dims::from_elem(*one, n) } else { list.into() }
}

/// The sizes to unpool to: those that the windows would have come from, or those asked for if they are not too far off.
fn output_size_of(
    x: &Tensor,
    n: usize,
    kernel: &[i64],
    stride: Option<&[i64]>,
    padding: &[i64],
    asked: Option<&[i64]>,
) -> Result<Dims> {
    let kernel = spread(kernel, n);
    let stride = match stride {
        None | Some([]) => kernel.clone(),
        Some(s) => spread(s, n),
    };
    let padding = spread(padding, n);
    if x.dim() < n || kernel.len() != n || stride.len() != n || padding.len() != n {
        return Err(Error::value(format!("max_unpool{n}d: kernel_size, stride and padding must have {n} elements")));
    }
    let sizes = &x.size()[x.dim() - n..];
    let default: Dims = (0..n).map(|d| (sizes[d] - 1) * stride[d] + kernel[d] - 2 * padding[d]).collect();
    let Some(asked) = asked else { return Ok(default) };
    let asked = if asked.len() == n + 2 { &asked[2..] } else { asked };
    if asked.len() != n {
        return Err(Error::value(format!(
            "output_size should be a sequence containing {n} or {} elements, but it has a length of '{}'",
            n + 2,
            asked.len()
        )));
    }
    let fits = |d: usize| default[d] - stride[d] < asked[d] && asked[d] < default[d] + stride[d];
    if let Some(d) = (0..n).find(|&d| !fits(d)) {
        return Err(Error::value(format!(
            "invalid output_size \"({})\" (dim {d} must be between {} and {})",
            asked.iter().map(|n| n.to_string()).collect::<Vec<_>>().join(", "),
            default[d] - stride[d],
            default[d] + stride[d]
        )));
    }
    Ok(asked.into())
}

fn check(x: &Tensor, indices: &Tensor, n: usize) -> Result<()> {
    let name = format!("max_unpooling{n}d_forward_out");
    if indices.dtype() != DType::I64 {
        return Err(Error::runtime(format!(
            "elements in indices should be type int64 but got: {}",
            indices.dtype().title()
        )));
    }
    if x.dim() != n + 1 && x.dim() != n + 2 {
        return Err(Error::runtime(format!(
            "Input to max_unpooling{n}d should be a {}d or {}d Tensor, but got a tensor with dim {}",
            n + 1,
            n + 2,
            x.dim()
        )));
    }
    if x.size() != indices.size() {
        return Err(Error::runtime(format!(
            "Expected shape of indices to be same as that of the input tensor ({:?}) but got indices tensor with shape: {:?}",
            x.size(),
            indices.size()
        )));
    }
    if let Some(d) = (x.dim() - n..x.dim()).find(|&d| x.size()[d] == 0) {
        return Err(Error::runtime(format!(
            "{name}(): Expected input to have non-zero size for non-batch dimensions, but got {:?} with dimension {d} being empty.",
            x.size()
        )));
    }
    Ok(())
}

fn unpooled(x: &Tensor, indices: &Tensor, sizes: &[i64]) -> Result<Tensor> {
    check(x, indices, sizes.len())?;
    x.put_in_planes(indices, sizes)
}

op! {
    /// Zeros with the elements of signals where `indices` says, as `max_pool1d` gave them.
    ///
    /// Shape: `*s L, *s L -> *s L'`. Dtype: unchanged; indices are int64.
    ///
    /// >>> torch.nn.functional.max_unpool1d(torch.tensor([[3., 5.]]), torch.tensor([[1, 2]]), 2)
    /// tensor([[0., 3., 5., 0.]])
    fn max_unpool1d(input: Tensor, indices: Tensor, kernel_size: Dims, stride: Option<Dims> = None, padding: Dims = [0], output_size: Option<Dims> = None) -> y;
    variants [functional];
    composite {
        let sizes = output_size_of(input, 1, kernel_size, stride, padding, output_size)?;
        // A signal is an image one element wide.
        unpooled(&input.unsqueeze(-1)?, &indices.unsqueeze(-1)?, &[sizes[0], 1])?.squeeze_dim(-1)
    };
    samples vec![Sample::new([samples::tensor(&[2, 3], -1.0, 1.0).into(), places(&[0, 3, 4, 1, 2, 5], &[2, 3]), [2].into()])];
}

op! {
    /// Zeros with the elements of images where `indices` says in each plane, as `max_pool2d` gave them.
    ///
    /// Shape: `*s H W, *s H W -> *s H' W'`. Dtype: unchanged; indices are int64.
    ///
    /// >>> torch.nn.functional.max_unpool2d(torch.tensor([[[5.]]]), torch.tensor([[[1]]]), 2)
    /// tensor([[[0., 5.],
    ///          [0., 0.]]])
    fn max_unpool2d(input: Tensor, indices: Tensor, kernel_size: Dims, stride: Option<Dims> = None, padding: Dims = [0], output_size: Option<Dims> = None) -> y;
    variants [functional];
    composite { unpooled(input, indices, &output_size_of(input, 2, kernel_size, stride, padding, output_size)?) };
    samples vec![Sample::new([samples::tensor(&[1, 1, 2, 2], -1.0, 1.0).into(), places(&[0, 3, 9, 14], &[1, 1, 2, 2]), [2].into()])];
}

op! {
    /// Zeros with the elements of volumes where `indices` says in each volume, as `max_pool3d` gave them.
    ///
    /// Shape: `*s D H W, *s D H W -> *s D' H' W'`. Dtype: unchanged; indices are int64.
    ///
    /// >>> torch.nn.functional.max_unpool3d(torch.ones(1, 1, 1, 1), torch.tensor([[[[7]]]]), 2).sum()
    /// tensor(1.)
    fn max_unpool3d(input: Tensor, indices: Tensor, kernel_size: Dims, stride: Option<Dims> = None, padding: Dims = [0], output_size: Option<Dims> = None) -> y;
    variants [functional];
    composite {
        let sizes = output_size_of(input, 3, kernel_size, stride, padding, output_size)?;
        check(input, indices, 3)?;
        if let Some(stride) = stride.filter(|s| s.iter().any(|&n| n <= 0)) {
            return Err(Error::runtime(format!("strides should be greater than zero, but got stride: {:?}", spread(stride, 3).as_slice())));
        }
        unpooled(input, indices, &sizes)
    };
    samples vec![Sample::new([samples::tensor(&[1, 1, 1, 2], -1.0, 1.0).into(), places(&[7, 8], &[1, 1, 1, 2]), [2].into()])];
}

fn places(list: &[i64], sizes: &[i64]) -> crate::ops::Arg {
    Tensor::of(list, sizes).map_or(crate::ops::Arg::None, Into::into)
}

/// Rows of elements, and where each goes in its plane.
fn as_rows(x: &Tensor, n: usize) -> Result<Tensor> {
    let planes: i64 = x.size()[..x.dim() - n].iter().product();
    x.reshape(&[planes, x.size()[x.dim() - n..].iter().product()])
}

/// Elements and their places, of planes that there are.
fn check_planes(x: &Tensor, indices: &Tensor, sizes: &[i64]) -> Result<()> {
    let fits = sizes.len() <= x.dim() && indices.size() == x.size() && indices.dtype() == DType::I64;
    rule::require(fits && sizes.iter().all(|&n| n >= 0), "put_in_planes")?;
    crate::checked_numel(sizes).map(|_| ())
}

fn plane_layout(x: &Tensor, sizes: &[i64]) -> Layout {
    let whole: Dims = x.size()[..x.dim() - sizes.len()].iter().chain(sizes).copied().collect();
    // Images that lie channels last stay so.
    if sizes.len() == 2 { laid_like(x, &whole) } else { Layout::contiguous(&whole) }
}

op! {
    /// Zeros of planes of these sizes, with elements where indices name places in their plane.
    ///
    /// Shape: `*s *p, *s *p -> *s *sizes`. Dtype: unchanged.
    fn put_in_planes(input: Tensor, indices: Tensor, sizes: Dims) -> y;
    variants [private];
    node "MaxUnpool2DBackward0";
    dtype input.dtype();
    shape { check_planes(input, indices, sizes)?; plane_layout(input, sizes) };
    compute {
        check_planes(input, indices, sizes)?;
        let count: i64 = sizes.iter().product();
        let rows = as_rows(indices, sizes.len())?;
        let outside = rows.lt(0)?.logical_or(&rows.ge(count)?)?;
        if outside.any()?.item()?.to_bool() {
            let bad = rows.masked_select(&outside)?.at(&[0]).to_i64();
            let shape = sizes.iter().map(|s| s.to_string()).collect::<Vec<_>>().join("x");
            return Err(Error::runtime(format!("Found an invalid max index: {bad} (output volumes are of size {shape})")));
        }
        let out = crate::ops::zeros_with(&[rows.size()[0], count], Options::like(input))?;
        let out = out.scatter_write_src_(1, &rows, &as_rows(input, sizes.len())?)?;
        let layout = plane_layout(input, sizes);
        lay(out.reshape(&layout.sizes)?, layout)
    };
    vjp { input => |g, input.shape, indices, sizes| Val::run(|| {
        let rows = as_rows(&indices.tensor()?, sizes.len())?;
        as_rows(&g.tensor()?, sizes.len())?.gather(1, &rows)?.reshape(&input.shape)
    }) };
    samples vec![
        Sample::new([samples::tensor(&[1, 2, 2], -1.0, 1.0).into(), places(&[0, 3, 9, 14], &[1, 2, 2]), [4, 4].into()]),
        Sample::new([samples::tensor(&[2, 2], -1.0, 1.0).into(), places(&[4, 1, 0, 2], &[2, 2]), [5].into()]),
    ];
}
