//! Pooling of volumes, and pooling to a given size.

use flambeau_cpu::pool::{self as kernels, Window, adaptive_windows, fixed_windows, pool_output_size};

use super::pool::{NON_EMPTY, check_divisor, check_padding, in_planes, pool_dtype};
use super::{expand_sizes, float_dtype};
use crate::ops::create::fill::sized;
use crate::ops::{Val, laid_like, op, rule, samples};
use crate::{DType, Device, Dims, Error, Layout, Result, Tensor};

/// The windows of one call: for depth, height and width.
struct Volume {
    kernel: [i64; 3],
    stride: [i64; 3],
    padding: [i64; 3],
    dilation: [i64; 3],
    ceil_mode: bool,
}

impl Volume {
    fn new(
        name: &str,
        kernel: &[i64],
        stride: Option<&[i64]>,
        padding: &[i64],
        dilation: &[i64],
        ceil_mode: bool,
    ) -> Result<Volume> {
        let triple = |list: &[i64], what: &str, omitted: &str| {
            expand_sizes(list).ok_or_else(|| {
                Error::runtime(format!("{name}: {what} must either be {omitted}a single int, or a tuple of three ints"))
            })
        };
        let kernel = triple(kernel, "kernel_size", "")?;
        let stride = match stride {
            None | Some([]) => kernel,
            Some(s) => triple(s, "stride", "omitted, ")?,
        };
        let (padding, dilation) = (triple(padding, "padding", "")?, triple(dilation, "dilation", "")?);
        Ok(Volume { kernel, stride, padding, dilation, ceil_mode })
    }

    /// The sizes that pooling gives, after PyTorch's checks.
    fn sizes(&self, x: &Tensor, kernel_name: &str) -> Result<Dims> {
        let n = x.dim();
        if n != 4 && n != 5 {
            return Err(Error::runtime(NON_EMPTY.replace("3D or 4D", "4D or 5D")));
        }
        let mut out = x.sizes();
        for d in 0..3 {
            check_padding(self.stride[d], self.padding[d], self.kernel[d], self.dilation[d])?;
        }
        for (list, what, short) in
            [(self.kernel, "kernel size", "k"), (self.stride, "stride", "d"), (self.dilation, "dilation", "dilation")]
        {
            if list.iter().any(|&v| v <= 0) {
                let [t, h, w] = list;
                return Err(Error::runtime(format!(
                    "{what} should be greater than zero, but got {short}T: {t} {short}H: {h} {short}W: {w}"
                )));
            }
        }
        check_not_empty(x, n - 4, kernel_name)?;
        if (0..3).any(|d| self.padding[d] > self.kernel[d] / 2) {
            let ([kt, kh, kw], [pt, ph, pw]) = (self.kernel, self.padding);
            return Err(Error::runtime(format!(
                "pad should be smaller than or equal to half of kernel size, but got kT: {kt} kW: {kw} kH: {kh} padT: {pt} padW: {pw} padH: {ph}"
            )));
        }
        for d in 0..3 {
            let at = n - 3 + d;
            out[at] = pool_output_size(
                x.size()[at],
                self.kernel[d],
                self.stride[d],
                self.padding[d],
                self.dilation[d],
                self.ceil_mode,
            );
        }
        if out[n - 3..].iter().any(|&o| o < 1) {
            let show = |d: &[i64]| d[n - 4..].iter().map(|v| v.to_string()).collect::<Vec<_>>().join("x");
            return Err(Error::runtime(format!(
                "Given input size: ({}). Calculated output size: ({}). Output size is too small",
                show(x.size()),
                show(&out)
            )));
        }
        Ok(out)
    }

    fn windows(&self, sizes: &[i64], out: &[i64]) -> Vec<Vec<Window>> {
        let (sizes, out) = (&sizes[sizes.len() - 3..], &out[out.len() - 3..]);
        (0..3)
            .map(|d| fixed_windows(sizes[d], out[d], self.kernel[d], self.stride[d], self.padding[d], self.dilation[d]))
            .collect()
    }
}

/// Only the batch may be empty: the dimensions from `first` on may not.
fn check_not_empty(x: &Tensor, first: usize, name: &str) -> Result<()> {
    match (first..x.dim()).find(|&d| x.size()[d] == 0) {
        Some(d) => Err(Error::runtime(format!(
            "{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes {:?} with dimension {d} being empty",
            x.size()
        ))),
        None => Ok(()),
    }
}

/// The gradient of a maximum over windows of the last `n` dimensions: to the elements that won.
pub(super) fn to_winners(g: &Val, indices: &Val, input: &Val, n: usize) -> Val {
    let grad = Val::run(|| {
        let x = input.tensor()?;
        let (lead, plane) = x.size().split_at(x.dim() - n);
        let planes: i64 = lead.iter().product();
        let flat = |t: &Val| {
            let t = t.tensor()?;
            t.reshape(&[planes, 1, t.size()[t.dim() - n..].iter().product()])
        };
        flat(g)?.max_pool2d_backward(&flat(indices)?, &[planes, 1, plane.iter().product()])?.reshape(x.size())
    });
    grad.tied(input)
}

op! {
    /// The maximum of each window of volumes, and where it lies in its volume.
    ///
    /// Shape: `N C D H W -> N C D' H' W', N C D' H' W'`. Dtype: unchanged, and int64.
    fn max_pool3d_with_indices(input: Tensor, kernel_size: Dims, stride: Option<Dims> = None, padding: Dims = [0], dilation: Dims = [1], ceil_mode: bool = false) -> output, indices;
    variants [functional];
    node "MaxPool3DWithIndicesBackward0";
    contiguous [input];
    dtype [pool_dtype(input, "max_pool3d")?, DType::I64];
    shape Volume::new("max_pool3d", kernel_size, stride, padding, dilation, ceil_mode)?.sizes(input, "max_pool3d_with_indices_out_cpu_template");
    kernel {
        let volume = Volume::new("max_pool3d", kernel_size, stride, padding, dilation, ceil_mode)?;
        let windows = volume.windows(input.sizes(), output.sizes());
        kernels::max_windows(&mut output, &mut indices, input, &windows);
    };
    vjp { input => |g, input, indices| to_winners(g, indices, input, 3) };
    samples samples::with(&[1, 2, 3, 4, 4], -2.0, 2.0, &[&[[2].into()], &[[3, 2, 2].into(), [1].into(), [1].into()]]);
}

op! {
    /// The maximum of each window of volumes.
    ///
    /// Shape: `N C D H W -> N C D' H' W'`. Dtype: unchanged.
    ///
    /// >>> torch.max_pool3d(torch.tensor([[[[1., 5.], [2., 3.]]]]), (1, 2, 2))
    /// tensor([[[[5.]]]])
    fn max_pool3d(input: Tensor, kernel_size: Dims, stride: Option<Dims> = None, padding: Dims = [0], dilation: Dims = [1], ceil_mode: bool = false) -> y;
    variants [function];
    composite {
        let (y, _) = input.max_pool3d_with_indices_with(kernel_size, stride, padding, dilation, ceil_mode)?;
        Ok::<_, Error>(y)
    };
    samples [(real([1, 2, 3, 4, 4]), [2]), (real([2, 3, 4, 4]), [3, 2, 2], [1], [1]), (real([0, 1, 2, 2, 2]), [2])];
}

op! {
    /// The mean of each window of volumes.
    ///
    /// Shape: `N C D H W -> N C D' H' W'`. Dtype: unchanged.
    ///
    /// >>> torch.nn.functional.avg_pool3d(torch.tensor([[[[1., 5.], [2., 4.]]]]), (1, 2, 2))
    /// tensor([[[[3.]]]])
    fn avg_pool3d(input: Tensor, kernel_size: Dims, stride: Option<Dims> = None, padding: Dims = [0], ceil_mode: bool = false, count_include_pad: bool = true, divisor_override: Option<i64> = None) -> y;
    variants [functional, out];
    node "AvgPool3DBackward0";
    contiguous [input];
    dtype pool_dtype(input, "avg_pool3d_out_frame");
    shape mean_sizes(input, &Volume::new("avg_pool3d", kernel_size, stride, padding, &[1], ceil_mode)?, divisor_override);
    kernel {
        let windows = Volume::new("avg_pool3d", kernel_size, stride, padding, &[1], ceil_mode)?.windows(input.sizes(), y.sizes());
        kernels::avg_windows(&mut y, input, &windows, !count_include_pad, divisor_override);
    };
    vjp { input => |g, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override| {
        g.avg_pool3d_backward(input.tensor()?.size(), kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override).tied(input)
    } };
    samples samples::with(&[1, 2, 3, 4, 4], -2.0, 2.0, &[&[[2].into()], &[[3].into(), [2].into(), [1].into(), true.into(), false.into()]]);
}

fn mean_sizes(x: &Tensor, volume: &Volume, divisor: Option<i64>) -> Result<Dims> {
    check_divisor(divisor)?;
    volume.sizes(x, "avg_pool3d_out_cpu")
}

op! {
    /// The gradient of the mean of windows of volumes.
    ///
    /// Shape: `N C D' H' W' -> N C D H W`. Dtype: that of the gradient.
    fn avg_pool3d_backward(grad: Tensor, input_size: Dims, kernel_size: Dims, stride: Option<Dims>, padding: Dims, ceil_mode: bool, count_include_pad: bool, divisor_override: Option<i64>) -> y;
    variants [private];
    contiguous [grad];
    dtype float_dtype(grad, "avg_pool3d_backward");
    shape {
        let volume = Volume::new("avg_pool3d", kernel_size, stride, padding, &[1], ceil_mode)?;
        let input = Tensor::empty(input_size, grad.dtype(), Device::Meta)?;
        rule::require(mean_sizes(&input, &volume, divisor_override)?.as_slice() == grad.size(), "avg_pool3d_backward")?;
        input_size
    };
    kernel {
        let windows = Volume::new("avg_pool3d", kernel_size, stride, padding, &[1], ceil_mode)?.windows(input_size, grad.sizes());
        kernels::avg_windows_backward(&mut y, grad, &windows, !count_include_pad, divisor_override);
    };
    vjp { grad => |g, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override| {
        g.avg_pool3d_with(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    } };
    samples [
        (real([1, 2, 1, 2, 2]), [1, 2, 3, 4, 4], [2], None, [0], false, true, None),
        (real([2, 2, 2, 2]), [2, 3, 3, 3], [2], [2], [1], false, false, None),
        (real([1, 1, 1, 1, 1]), [1, 1, 2, 2, 2], [2], None, [0], false, true, 3),
    ];
}

/// The windows that lead from the last dimensions of `sizes` to those of `out`.
fn adaptive(sizes: &[i64], out: &[i64], n: usize) -> Vec<Vec<Window>> {
    let (sizes, out) = (&sizes[sizes.len() - n..], &out[out.len() - n..]);
    (0..n).map(|d| adaptive_windows(sizes[d], out[d])).collect()
}

/// The layout of `x` pooled to a size, after PyTorch's checks.
fn adaptive_layout(x: &Tensor, size: &[i64], n: usize, name: &str) -> Result<Layout> {
    if x.dim() != n + 1 && x.dim() != n + 2 {
        return Err(Error::runtime(format!(
            "{name}(): Expected {}D or {}D tensor, but got {:?}",
            n + 1,
            n + 2,
            x.size()
        )));
    }
    check_not_empty(x, x.dim() - n, name)?;
    let mut out = x.sizes();
    let at = x.dim() - n;
    out[at..].copy_from_slice(size);
    sized(&out)
}

/// The checks of means pooled to a size.
fn check_mean_size(size: &[i64], n: usize) -> Result<()> {
    if size.len() != n {
        return Err(Error::runtime(format!("adaptive_avg_pool{n}d: output_size must be {n}")));
    }
    if size.iter().any(|&s| s < 0) {
        let [first, second, rest @ ..] = size else { return Err(Error::runtime("output_size is too short")) };
        let rest: String = rest.iter().map(|s| format!(",{s}")).collect();
        return Err(Error::runtime(format!(
            "adaptive_avg_pool{n}d: elements of output_size must be greater than or equal to 0 but received {{{first}, {second}{rest}}}"
        )));
    }
    Ok(())
}

fn line(list: &[i64], name: &str) -> Result<[i64; 2]> {
    match list {
        [one] => Ok([1, *one]),
        _ => {
            Err(Error::runtime(format!("{name}() argument 'output_size' should contain one int (got {})", list.len())))
        }
    }
}

/// Signals, perhaps in a batch.
fn check_lines(x: &Tensor, name: &str) -> Result<()> {
    if x.dim() == 2 || x.dim() == 3 {
        return Ok(());
    }
    Err(Error::runtime(format!(
        "Expected 2 to 3 dimensions, but got {}-dimensional tensor for argument #1 'self' (while checking arguments for {name})",
        x.dim()
    )))
}

op! {
    /// Means of windows that give `output_size` elements.
    ///
    /// Shape: `N C L -> N C L'`. Dtype: floating-point.
    ///
    /// >>> torch.adaptive_avg_pool1d(torch.tensor([[1., 3., 5.]]), 2)
    /// tensor([[2., 4.]])
    fn adaptive_avg_pool1d(input: Tensor, output_size: Dims) -> y;
    variants [function, functional, out];
    composite {
        check_lines(input, "adaptive_avg_pool1d")?;
        let size = line(output_size, "adaptive_avg_pool1d")?;
        input.unsqueeze(-2)?.adaptive_avg_pool2d(&size)?.squeeze_dim(-2)
    };
    samples samples::with(&[2, 2, 5], -2.0, 2.0, &[&[[3].into()]]);
}

op! {
    /// Means of windows that give `output_size` elements a dimension.
    ///
    /// Shape: `N C H W -> N C H' W'`. Dtype: floating-point.
    fn adaptive_avg_pool2d(input: Tensor, output_size: Dims) -> y;
    variants [private, rust, out];
    composite {
        check_mean_size(output_size, 2)?;
        if output_size == [1, 1] && input.dim() > 1 {
            input.mean_dim_with(Some(&[-1, -2]), true, None)
        } else {
            input.adaptive_mean2d(output_size)
        }
    };
    samples samples::with(&[1, 2, 4, 5], -2.0, 2.0, &[&[[2, 3].into()], &[[1, 1].into()]]);
}

op! {
    /// Means of windows that give `output_size` elements a dimension.
    ///
    /// Shape: `N C D H W -> N C D' H' W'`. Dtype: floating-point.
    fn adaptive_avg_pool3d(input: Tensor, output_size: Dims) -> y;
    variants [private, rust, out];
    composite {
        check_mean_size(output_size, 3)?;
        if output_size == [1, 1, 1] && input.dim() > 2 {
            input.mean_dim_with(Some(&[-1, -2, -3]), true, None)
        } else {
            input.adaptive_mean3d(output_size)
        }
    };
    samples samples::with(&[1, 2, 3, 4, 2], -2.0, 2.0, &[&[[2, 3, 1].into()]]);
}

op! {
    /// `adaptive_avg_pool2d` by windows.
    ///
    /// Shape: `N C H W -> N C H' W'`. Dtype: floating-point.
    fn adaptive_mean2d(input: Tensor, output_size: Dims) -> y;
    variants [private];
    node "AdaptiveAvgPool2DBackward0";
    contiguous [input];
    dtype float_dtype(input, "adaptive_avg_pool2d");
    shape { check_mean_size(output_size, 2)?; laid_like(input, &adaptive_layout(input, output_size, 2, "adaptive_avg_pool2d")?.sizes) };
    kernel { in_planes([y], |[y]| kernels::avg_windows(y, input, &adaptive(input.sizes(), output_size, 2), false, None)) };
    vjp { input => |g, input| g.adaptive_mean_backward(input.tensor()?.size(), 2).tied(input) };
    samples [(real([1, 2, 4, 5]), [2, 3]), (real([2, 3, 3]), [1, 2]), (real([0, 1, 2, 2]), [1, 1])];
}

op! {
    /// `adaptive_avg_pool3d` by windows.
    ///
    /// Shape: `N C D H W -> N C D' H' W'`. Dtype: floating-point.
    fn adaptive_mean3d(input: Tensor, output_size: Dims) -> y;
    variants [private];
    node "AdaptiveAvgPool3DBackward0";
    contiguous [input];
    dtype float_dtype(input, "adaptive_avg_pool3d_cpu");
    shape { check_mean_size(output_size, 3)?; adaptive_layout(input, output_size, 3, "adaptive_avg_pool3d")? };
    kernel { kernels::avg_windows(&mut y, input, &adaptive(input.sizes(), output_size, 3), false, None) };
    vjp { input => |g, input| g.adaptive_mean_backward(input.tensor()?.size(), 3).tied(input) };
    samples [(real([1, 2, 3, 4, 2]), [2, 3, 1]), (real([2, 2, 3, 3]), [1, 2, 2])];
}

op! {
    /// The gradient of means pooled to a size over the last `n` dimensions.
    ///
    /// Shape: `*s *p' -> *s *p`. Dtype: that of the gradient.
    fn adaptive_mean_backward(grad: Tensor, input_size: Dims, n: i64) -> y;
    variants [private];
    node "AdaptiveAvgPool2DBackwardBackward0";
    contiguous [grad];
    dtype float_dtype(grad, "adaptive_mean_backward");
    shape {
        let at = if matches!(n, 2 | 3) { input_size.len().checked_sub(n as usize) } else { None };
        let fits = at.is_some_and(|at| {
            grad.dim() == input_size.len() && grad.size()[..at] == input_size[..at] && input_size[at..].iter().all(|&s| s > 0)
        });
        rule::require(fits, "adaptive_mean_backward")?;
        input_size
    };
    kernel { kernels::avg_windows_backward(&mut y, grad, &adaptive(input_size, grad.sizes(), n as usize), false, None) };
    vjp { grad => |g, grad.shape, n| {
        let size = &grad.shape[grad.shape.len() - n as usize..];
        if n == 2 { g.adaptive_mean2d(size) } else { g.adaptive_mean3d(size) }
    } };
    samples [(real([1, 2, 2, 3]), [1, 2, 4, 5], 2), (real([2, 1, 2, 2]), [2, 2, 3, 3], 3)];
}

fn check_max_size(size: &[i64], n: usize) -> Result<()> {
    if size.len() != n {
        return Err(Error::runtime(format!("adaptive_max_pool{n}d(): internal error: output_size.size() must be {n}")));
    }
    Ok(())
}

fn max_layout(x: &Tensor, size: &[i64], n: usize) -> Result<Layout> {
    check_max_size(size, n)?;
    adaptive_layout(x, size, n, &format!("adaptive_max_pool{n}d"))
}

op! {
    /// The greatest elements of windows that give `output_size`, and where they lie.
    ///
    /// Shape: `N C L -> N C L', N C L'`. Dtype: floating-point, and int64.
    fn adaptive_max_pool1d(input: Tensor, output_size: Dims) -> output, indices;
    variants [function];
    composite {
        check_lines(input, "adaptive_max_pool1d")?;
        let size = line(output_size, "adaptive_max_pool1d")?;
        let (y, at) = input.unsqueeze(-2)?.adaptive_max_pool2d(&size)?;
        Ok::<_, Error>((y.squeeze_dim(-2)?, at.squeeze_dim(-2)?))
    };
    samples samples::with(&[2, 2, 5], -2.0, 2.0, &[&[[3].into()]]);
}

op! {
    /// The greatest elements of windows that give `output_size` elements a dimension, and where they lie in their plane.
    ///
    /// Shape: `N C H W -> N C H' W', N C H' W'`. Dtype: floating-point, and int64.
    fn adaptive_max_pool2d(input: Tensor, output_size: Dims) -> output, indices;
    variants [private, rust];
    node "AdaptiveMaxPool2DBackward0";
    contiguous [input];
    dtype [float_dtype(input, "adaptive_max_pool2d")?, DType::I64];
    shape laid_like(input, &max_layout(input, output_size, 2)?.sizes);
    kernel {
        let windows = adaptive(input.sizes(), output_size, 2);
        in_planes([output, indices], |[output, indices]| kernels::max_windows(output, indices, input, &windows))
    };
    vjp { input => |g, input, indices| to_winners(g, indices, input, 2) };
    samples samples::with(&[1, 2, 4, 5], -2.0, 2.0, &[&[[2, 3].into()]]);
}

op! {
    /// The greatest elements of windows that give `output_size` elements a dimension, and where they lie in their volume.
    ///
    /// Shape: `N C D H W -> N C D' H' W', N C D' H' W'`. Dtype: floating-point, and int64.
    fn adaptive_max_pool3d(input: Tensor, output_size: Dims) -> output, indices;
    variants [private, rust];
    node "AdaptiveMaxPool3DBackward0";
    contiguous [input];
    dtype [float_dtype(input, "adaptive_max_pool3d_cpu")?, DType::I64];
    shape max_layout(input, output_size, 3);
    kernel { kernels::max_windows(&mut output, &mut indices, input, &adaptive(input.sizes(), output_size, 3)) };
    vjp { input => |g, input, indices| to_winners(g, indices, input, 3) };
    samples samples::with(&[1, 2, 3, 4, 2], -2.0, 2.0, &[&[[2, 3, 1].into()]]);
}
