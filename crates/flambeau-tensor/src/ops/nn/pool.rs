//! Pooling: the maximum or mean of windows.

use flambeau_cpu::pool::{self as kernels, AvgPoolShape, PoolShape, pool_output_size};
use flambeau_cpu::{View, ViewMut, loops};

use super::expand_sizes;
use crate::ops::nn::float_dtype;
use crate::ops::{laid_like, op, rule};
use crate::{DType, Device, Dims, Error, Layout, Result, Tensor};

fn pair(list: &[i64], what: &str, name: &str) -> Result<[i64; 2]> {
    expand_sizes(list).ok_or_else(|| {
        Error::runtime(match what {
            "kernel_size" => format!("{name}: kernel_size must either be a single int, or a tuple of two ints"),
            "stride" => format!("{name}: stride must either be omitted, a single int, or a tuple of two ints"),
            _ => format!("{name}: {what} must either be a single int, or a tuple of two ints"),
        })
    })
}

fn windows(name: &str, kernel: &[i64], stride: Option<&[i64]>, padding: &[i64], dilation: &[i64]) -> Result<PoolShape> {
    super::conv::check_range(&[kernel, stride.unwrap_or_default(), padding, dilation])?;
    let kernel = pair(kernel, "kernel_size", name)?;
    let stride = match stride {
        None | Some([]) => kernel,
        Some(s) => pair(s, "stride", name)?,
    };
    Ok(PoolShape {
        kernel,
        stride,
        padding: pair(padding, "padding", name)?,
        dilation: pair(dilation, "dilation", name)?,
    })
}

/// PyTorch's first checks, for one dimension.
pub(super) fn check_padding(stride: i64, padding: i64, kernel: i64, dilation: i64) -> Result<()> {
    if stride == 0 {
        return Err(Error::runtime("stride should not be zero"));
    }
    if padding < 0 {
        return Err(Error::runtime(format!("pad must be non-negative, but got pad: {padding}")));
    }
    let Some(reach) = (kernel - 1).checked_mul(dilation) else {
        return Err(Error::runtime(format!(
            "effective kernel size overflows, but got kernel_size={kernel} and dilation={dilation}"
        )));
    };
    if padding > reach.saturating_add(1) / 2 {
        return Err(Error::runtime(format!(
            "pad should be at most half of effective kernel size, but got pad={padding}, kernel_size={kernel} and dilation={dilation}"
        )));
    }
    Ok(())
}

/// The sizes that pooling gives, after PyTorch's checks.
fn pooled(x: &Tensor, s: &PoolShape, ceil_mode: bool, empty: &str) -> Result<Dims> {
    let n = x.dim();
    if !(n == 3 || n == 4) {
        return Err(Error::runtime(empty.to_string()));
    }
    for i in 0..2 {
        check_padding(s.stride[i], s.padding[i], s.kernel[i], s.dilation[i])?;
    }
    let positive = |pair: [i64; 2], what: &str, name: &str| match pair {
        [a, b] if a <= 0 || b <= 0 => {
            Err(Error::runtime(format!("{what} should be greater than zero, but got {name}H: {a} {name}W: {b}")))
        }
        _ => Ok(()),
    };
    positive(s.kernel, "kernel size", "k")?;
    positive(s.stride, "stride", "d")?;
    positive(s.dilation, "dilation", "dilation")?;
    if x.size()[n - 3..].contains(&0) {
        return Err(Error::runtime(format!(
            "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:{:?}",
            x.size()
        )));
    }
    let mut out = x.sizes();
    for i in 0..2 {
        out[n - 2 + i] =
            pool_output_size(x.size()[n - 2 + i], s.kernel[i], s.stride[i], s.padding[i], s.dilation[i], ceil_mode);
    }
    if out[n - 2..].iter().any(|&o| o < 1) {
        let show = |d: &[i64]| d[n - 3..].iter().map(|v| v.to_string()).collect::<Vec<_>>().join("x");
        return Err(Error::runtime(format!(
            "Given input size: ({}). Calculated output size: ({}x{}x{}). Output size is too small",
            show(x.size()),
            out[n - 3],
            out[n - 2].max(0),
            out[n - 1].max(0)
        )));
    }
    Ok(out)
}

/// Runs a kernel that writes whole planes, by way of planes of its own where the outputs lie otherwise.
pub(super) fn in_planes<const N: usize>(mut outs: [ViewMut; N], run: impl FnOnce(&mut [ViewMut; N])) -> Result<()> {
    let layouts = outs.each_ref().map(|o| Layout::contiguous(o.sizes()));
    if outs.iter().zip(&layouts).all(|(o, l)| o.strides() == l.strides.as_slice()) {
        run(&mut outs);
        return Ok(());
    }
    let mut memory = outs.each_ref().map(|o| vec![0u64; (o.numel() * o.dtype().size()).div_ceil(8)]);
    let mut at = 0;
    let mut planes = memory.each_mut().map(|m| {
        let (o, l) = (&outs[at], &layouts[at]);
        at += 1;
        // SAFETY: the memory has room for these elements, one after another, and is this view's alone.
        unsafe { ViewMut::new(m.as_mut_ptr().cast(), o.dtype(), &l.sizes, &l.strides) }
    });
    run(&mut planes);
    for (out, plane) in outs.iter_mut().zip(&planes) {
        // SAFETY: the same elements, to read.
        let plane = unsafe { View::new(plane.ptr(), plane.dtype(), plane.sizes(), plane.strides()) };
        loops::copy(out.reborrow(), plane);
    }
    Ok(())
}

pub(super) fn pool_dtype(x: &Tensor, name: &str) -> Result<DType> {
    if x.dtype() == DType::Bool || x.dtype().is_complex() {
        return Err(Error::not_implemented(format!("\"{name}\" not implemented for '{}'", x.dtype().title())));
    }
    Ok(x.dtype())
}

pub(super) const NON_EMPTY: &str = "non-empty 3D or 4D (batch mode) tensor expected for input";

op! {
    /// The maximum of each window of images, and where it lies in its plane.
    ///
    /// Shape: `N C H W -> N C H' W', N C H' W'`. Dtype: unchanged, and int64.
    fn max_pool2d_with_indices(input: Tensor, kernel_size: Dims, stride: Option<Dims> = None, padding: Dims = [0], dilation: Dims = [1], ceil_mode: bool = false) -> output, indices;
    variants [functional];
    node "MaxPool2DWithIndicesBackward0";
    contiguous [input];
    dtype [pool_dtype(input, "max_pool2d")?, DType::I64];
    shape laid_like(input, &pooled(input, &windows("max_pool2d", kernel_size, stride, padding, dilation)?, ceil_mode, NON_EMPTY)?);
    kernel {
        let windows = windows("max_pool2d", kernel_size, stride, padding, dilation)?;
        in_planes([output, indices], |[output, indices]| kernels::max_pool2d(output, indices, input, &windows))
    };
    vjp { input => |g, input, indices| g.max_pool2d_backward(indices, input.tensor()?.size()).tied(input) };
    samples [
        (real([1, 2, 4, 4]), [2]),
        (real([2, 4, 4]), [3], [1], [1]),
        (real([1, 1, 5, 4]), [2, 2], [2, 1], [0], [2, 1], true),
        (real([0, 1, 4, 4]), [2]),
    ];
}

op! {
    /// The gradient of the maximum of windows: to the elements that won.
    ///
    /// Shape: `N C H' W', N C H' W' -> N C H W`. Dtype: that of the gradient.
    fn max_pool2d_backward(grad: Tensor, indices: Tensor, input_size: Dims) -> y;
    variants [private];
    contiguous [grad, indices];
    dtype float_dtype(grad, "max_pool2d_backward");
    shape {
        let lead = |sizes: &[i64]| sizes.len().checked_sub(2).map(|n| Dims::from_slice(&sizes[..n]));
        let planes = lead(input_size).is_some() && lead(input_size) == lead(grad.size());
        rule::require(planes && (indices.size(), indices.dtype()) == (grad.size(), DType::I64), "max_pool2d_backward")?;
        input_size
    };
    kernel { kernels::max_pool2d_backward(&mut y, grad, indices) };
    vjp { grad => |g, indices| g.pick_in_planes(indices) };
    samples [
        (real([1, 2, 2, 2]), int([1, 2, 2, 2], 0, 16), [1, 2, 4, 4]),
        (real([2, 1, 2]), int([2, 1, 2], 0, 8), [2, 2, 4]),
    ];
}

op! {
    /// Elements by their places in the planes of the last two dimensions.
    ///
    /// Shape: `*s H W, *s H' W' -> *s H' W'`. Dtype: unchanged.
    fn pick_in_planes(input: Tensor, indices: Tensor) -> y;
    variants [private];
    dtype input.dtype();
    shape indices.sizes();
    compute {
        rule::require(input.dim() >= 2 && indices.dtype() == DType::I64, "pick_in_planes")?;
        let (n, h, w) = (input.dim() - 2, input.size()[input.dim() - 2], input.size()[input.dim() - 1]);
        let planes: i64 = input.size()[..n].iter().product();
        let first = crate::ops::arange(0, planes, 1)?.mul(h * w)?.reshape(&[planes, 1])?;
        let each = indices.numel() / planes.max(1);
        rule::require(indices.numel() == planes * each, "pick_in_planes")?;
        let places = indices.reshape(&[planes, each])?.add(&first)?.reshape(&[-1])?;
        input.reshape(&[-1])?.index_select(0, &places)?.reshape(indices.size())
    };
    vjp { input => |g, input.shape, indices| g.max_pool2d_backward(indices, &input.shape) };
    samples [(real([1, 2, 4, 4]), int([1, 2, 2, 2], 0, 16)), (real([2, 2, 4]), int([2, 1, 2], 0, 8))];
}

op! {
    /// The maximum of each window of images.
    ///
    /// Shape: `N C H W -> N C H' W'`. Dtype: unchanged.
    ///
    /// >>> torch.max_pool2d(torch.tensor([[[1., 5.], [2., 3.]]]), 2)
    /// tensor([[[5.]]])
    fn max_pool2d(input: Tensor, kernel_size: Dims, stride: Option<Dims> = None, padding: Dims = [0], dilation: Dims = [1], ceil_mode: bool = false) -> y;
    variants [function, functional];
    composite {
        let (y, _) = input.max_pool2d_with_indices_with(kernel_size, stride, padding, dilation, ceil_mode)?;
        Ok(y)
    };
    samples [
        (real([1, 2, 4, 4]), [2]),
        (real([2, 4, 4]), [3], [1], [1]),
        (real([1, 1, 5, 4]), [2, 2], [2, 1], [0], [2, 1], true),
        (real([0, 1, 4, 4]), [2]),
    ];
}

fn line(list: &[i64], first: i64, what: &str, name: &str) -> Result<[i64; 2]> {
    match list {
        [one] => Ok([first, *one]),
        _ => Err(Error::runtime(format!("{name}() argument '{what}' should contain one int (got {})", list.len()))),
    }
}

fn check_lines(x: &Tensor, name: &str) -> Result<()> {
    if !(x.dim() == 2 || x.dim() == 3) || (name == "max_pool1d" && x.size()[x.dim() - 2..].contains(&0)) {
        return Err(Error::runtime(format!(
            "{name}: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:{:?}",
            x.size()
        )));
    }
    Ok(())
}

/// The checks that PyTorch makes of signals alone.
fn check_max_line(
    x: &Tensor,
    kernel: &[i64],
    stride: Option<&[i64]>,
    padding: &[i64],
    dilation: &[i64],
    ceil_mode: bool,
) -> Result<()> {
    let one = |list: &[i64], what: &str| line(list, 0, what, "max_pool1d").map(|[_, v]| v);
    let kernel = one(kernel, "kernel_size")?;
    let stride = match stride {
        None | Some([]) => kernel,
        Some(s) => one(s, "stride")?,
    };
    let (padding, dilation) = (one(padding, "padding")?, one(dilation, "dilation")?);
    for (v, what) in [(kernel, "kernel_size"), (stride, "stride"), (dilation, "dilation")] {
        if v <= 0 {
            return Err(Error::runtime(format!("max_pool1d() {what} must be greater than zero, but got {v}")));
        }
    }
    check_padding(stride, padding, kernel, dilation)?;
    let size = x.size()[x.dim() - 1];
    let span = i128::from(size) + 2 * i128::from(padding) - i128::from(dilation) * i128::from(kernel - 1) - 1;
    let stride = i128::from(stride);
    let mut n = (span + if ceil_mode { stride - 1 } else { 0 }).div_euclid(stride) + 1;
    if ceil_mode && (n - 1) * stride >= i128::from(size + padding) {
        n -= 1;
    }
    if n <= 0 {
        return Err(Error::runtime(format!("max_pool1d() Invalid computed output size: {n}")));
    }
    Ok(())
}

op! {
    /// The maximum of each window of signals, and where it lies.
    ///
    /// Shape: `N C L -> N C L', N C L'`. Dtype: unchanged, and int64.
    fn max_pool1d_with_indices(input: Tensor, kernel_size: Dims, stride: Option<Dims> = None, padding: Dims = [0], dilation: Dims = [1], ceil_mode: bool = false) -> output, indices;
    variants [function, functional];
    composite {
        check_lines(input, "max_pool1d")?;
        check_max_line(input, kernel_size, stride, padding, dilation, ceil_mode)?;
        let kernel = line(kernel_size, 1, "kernel_size", "max_pool1d")?;
        let stride = match stride { None | Some([]) => kernel, Some(s) => line(s, 1, "stride", "max_pool1d")? };
        let (padding, dilation) = (line(padding, 0, "padding", "max_pool1d")?, line(dilation, 1, "dilation", "max_pool1d")?);
        let (y, at) = input.unsqueeze(-2)?.max_pool2d_with_indices_with(&kernel, Some(&stride), &padding, &dilation, ceil_mode)?;
        Ok((y.squeeze_dim(-2)?, at.squeeze_dim(-2)?))
    };
    samples [(real([2, 2, 5]), [2]), (real([2, 5]), [3], [2], [1], [1], true), (real([1, 1, 6]), [2], [1], [0], [2])];
}

pub(super) fn check_divisor(divisor: Option<i64>) -> Result<()> {
    if divisor == Some(0) { Err(Error::runtime("divisor must be not zero")) } else { Ok(()) }
}

fn avg_windows(
    kernel: &[i64],
    stride: Option<&[i64]>,
    padding: &[i64],
    count_include_pad: bool,
    divisor_override: Option<i64>,
) -> Result<AvgPoolShape> {
    check_divisor(divisor_override)?;
    Ok(AvgPoolShape {
        windows: windows("avg_pool2d", kernel, stride, padding, &[1])?,
        count_include_pad,
        divisor_override,
    })
}

op! {
    /// The mean of each window of images.
    ///
    /// Shape: `N C H W -> N C H' W'`. Dtype: unchanged.
    ///
    /// >>> torch.nn.functional.avg_pool2d(torch.tensor([[[1., 5.], [2., 4.]]]), 2)
    /// tensor([[[3.]]])
    fn avg_pool2d(input: Tensor, kernel_size: Dims, stride: Option<Dims> = None, padding: Dims = [0], ceil_mode: bool = false, count_include_pad: bool = true, divisor_override: Option<i64> = None) -> y;
    variants [functional, out];
    node "AvgPool2DBackward0";
    contiguous [input];
    dtype pool_dtype(input, "avg_pool2d_out_frame");
    shape laid_like(input, &pooled(input, &avg_windows(kernel_size, stride, padding, count_include_pad, divisor_override)?.windows, ceil_mode, NON_EMPTY)?);
    kernel {
        let windows = avg_windows(kernel_size, stride, padding, count_include_pad, divisor_override)?;
        in_planes([y], |[y]| kernels::avg_pool2d(y, input, &windows))
    };
    vjp { input => |g, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override| {
        g.avg_pool2d_backward(input.tensor()?.size(), kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override).tied(input)
    } };
    samples [
        (real([1, 2, 4, 4]), [2]),
        (real([1, 2, 4, 4]), [3], [2], [1], true, false),
        (real([2, 4, 4]), [2, 3], None, [0], false, true, 5),
        (real([0, 1, 4, 4]), [2]),
    ];
}

op! {
    /// The gradient of the mean of windows.
    ///
    /// Shape: `N C H' W' -> N C H W`. Dtype: that of the gradient.
    fn avg_pool2d_backward(grad: Tensor, input_size: Dims, kernel_size: Dims, stride: Option<Dims>, padding: Dims, ceil_mode: bool, count_include_pad: bool, divisor_override: Option<i64>) -> y;
    variants [private];
    contiguous [grad];
    dtype float_dtype(grad, "avg_pool2d_backward");
    shape {
        let windows = avg_windows(kernel_size, stride, padding, count_include_pad, divisor_override)?.windows;
        let input = Tensor::empty(input_size, grad.dtype(), Device::Meta)?;
        rule::require(pooled(&input, &windows, ceil_mode, NON_EMPTY)?.as_slice() == grad.size(), "avg_pool2d_backward")?;
        input_size
    };
    kernel { kernels::avg_pool2d_backward(&mut y, grad, &avg_windows(kernel_size, stride, padding, count_include_pad, divisor_override)?) };
    vjp { grad => |g, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override| {
        g.avg_pool2d_with(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    } };
    samples [
        (real([1, 2, 2, 2]), [1, 2, 4, 4], [2, 2], None, [0, 0], false, true, None),
        (real([1, 2, 2, 2]), [1, 2, 3, 3], [2, 2], [2, 2], [1, 1], false, false, None),
        (real([1, 1, 2, 2]), [1, 1, 4, 4], [2, 2], None, [0, 0], true, true, 3),
    ];
}

op! {
    /// The mean of each window of signals.
    ///
    /// Shape: `N C L -> N C L'`. Dtype: unchanged.
    ///
    /// >>> torch.avg_pool1d(torch.tensor([[1., 3., 5., 9.]]), 2)
    /// tensor([[2., 7.]])
    fn avg_pool1d(input: Tensor, kernel_size: Dims, stride: Option<Dims> = None, padding: Dims = [0], ceil_mode: bool = false, count_include_pad: bool = true) -> y;
    variants [function, functional];
    composite {
        check_lines(input, "avg_pool1d")?;
        let kernel = line(kernel_size, 1, "kernel_size", "avg_pool1d")?;
        let stride = match stride { None | Some([]) => kernel, Some(s) => line(s, 1, "stride", "avg_pool1d")? };
        let padding = line(padding, 0, "padding", "avg_pool1d")?;
        input.unsqueeze(-2)?.avg_pool2d_with(&kernel, Some(&stride), &padding, ceil_mode, count_include_pad, None)?.squeeze_dim(-2)
    };
    samples [(real([2, 2, 5]), [2]), (real([2, 5]), [3], [2], [1], true, false)];
}
