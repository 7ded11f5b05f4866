//! Images and volumes at the places of a grid.

use flambeau_cpu::interp::{self as kernels, Border, Grid, GridFilter};

use super::grid_second::second;
use crate::ops::{op, rule};
use crate::{DType, Dims, Error, Layout, MemoryFormat, Options, Result, Tensor};

fn how(mode: i64, padding: i64, align_corners: bool) -> Result<Grid> {
    let filter = match mode {
        0 => GridFilter::Bilinear,
        1 => GridFilter::Nearest,
        2 => GridFilter::Bicubic,
        _ => return Err(Error::runtime(format!("grid_sampler(): unknown interpolation mode {mode}"))),
    };
    let border = match padding {
        0 => Border::Zeros,
        1 => Border::Border,
        2 => Border::Reflection,
        _ => return Err(Error::runtime(format!("grid_sampler(): unknown padding mode {padding}"))),
    };
    Ok(Grid { filter, border, align_corners })
}

/// The checks that PyTorch makes whatever the dimensions.
fn check_common(x: &Tensor, grid: &Tensor) -> Result<()> {
    let d = x.dim();
    if d >= 2 && grid.dim() >= 1 {
        if x.size()[0] != grid.size()[0] {
            return Err(Error::runtime(format!(
                "grid_sampler(): expected grid and input to have same batch size, but got input with sizes {:?} and grid with sizes {:?}",
                x.size(),
                grid.size()
            )));
        }
        if grid.size()[grid.dim() - 1] != d as i64 - 2 {
            return Err(Error::runtime(format!(
                "grid_sampler(): expected grid to have size {} in last dimension, but got grid with sizes {:?}",
                d - 2,
                grid.size()
            )));
        }
        if let Some(at) = (2..d).find(|&i| x.size()[i] <= 0) {
            return Err(Error::runtime(format!(
                "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes {:?} with dimension {at} being empty",
                x.size()
            )));
        }
    }
    Ok(())
}

/// The checks that PyTorch makes of an input of `n` dimensions that the grid moves in.
fn check(x: &Tensor, grid: &Tensor, n: usize) -> Result<DType> {
    check_common(x, grid)?;
    let d = x.dim();
    if d != n + 2 || grid.dim() != d {
        return Err(Error::runtime(format!(
            "grid_sampler(): expected {}D input and grid with same number of dimensions, but got input with sizes {:?} and grid with sizes {:?}",
            n + 2,
            x.size(),
            grid.size()
        )));
    }
    let dtype = super::float_dtype(x, if n == 2 { "grid_sampler_2d_cpu_kernel_impl" } else { "grid_sampler3d_cpu" })?;
    if grid.dtype() != dtype {
        return Err(Error::runtime(format!(
            "expected scalar type {} but found {}",
            dtype.title(),
            grid.dtype().title()
        )));
    }
    Ok(dtype)
}

fn sampled(x: &Tensor, grid: &Tensor) -> Dims {
    let places = &grid.size()[1..grid.dim() - 1];
    x.size()[..2].iter().chain(places).copied().collect()
}

op! {
    /// Images at the places of `grid`, pairs (x, y) from -1 to 1.
    ///
    /// Shape: `N C H W, N H' W' 2 -> N C H' W'`. Dtype: unchanged, floating-point.
    fn grid_sampler_2d(input: Tensor, grid: Tensor, interpolation_mode: i64, padding_mode: i64, align_corners: bool) -> y;
    variants [function];
    node "GridSampler2DBackward0";
    contiguous [input, grid];
    dtype { how(interpolation_mode, padding_mode, align_corners)?; check(input, grid, 2)? };
    shape sampled(input, grid);
    kernel {
        let how = how(interpolation_mode, padding_mode, align_corners)?;
        kernels::grid_sample(&mut y, input, grid, how)
    };
    vjp {
        input => |g, input, grid, interpolation_mode, padding_mode, align_corners| g.grid_sampler_input_backward(input, grid, interpolation_mode, padding_mode, align_corners);
        grid => |g, input, grid, interpolation_mode, padding_mode, align_corners| g.grid_sampler_grid_backward(input, grid, interpolation_mode, padding_mode, align_corners)
    };
    samples [
        (real([1, 2, 3, 4]), tensor(&[1, 2, 3, 2], -1.1, 1.1), 0, 0, false),
        (real([2, 1, 3, 4]), tensor(&[2, 2, 1, 2], -1.3, 1.2), 2, 1, true),
        (real([1, 1, 2, 4]), tensor(&[1, 2, 2, 2], -1.4, 1.3), 1, 2, false),
        (real([1, 1, 3, 3]), tensor(&[1, 2, 2, 2], -1.6, 1.5), 0, 2, true),
        (real([0, 1, 3, 3]), tensor(&[0, 2, 2, 2], -1.6, 1.5), 0, 2, true),
    ];
}

op! {
    /// Volumes at the places of `grid`, triples (x, y, z) from -1 to 1.
    ///
    /// Shape: `N C D H W, N D' H' W' 3 -> N C D' H' W'`. Dtype: unchanged, floating-point.
    fn grid_sampler_3d(input: Tensor, grid: Tensor, interpolation_mode: i64, padding_mode: i64, align_corners: bool) -> y;
    variants [function];
    node "GridSampler3DBackward0";
    contiguous [input, grid];
    dtype { how(interpolation_mode, padding_mode, align_corners)?; check(input, grid, 3)? };
    shape sampled(input, grid);
    kernel {
        let how = how(interpolation_mode, padding_mode, align_corners)?;
        kernels::grid_sample(&mut y, input, grid, how)
    };
    vjp {
        input => |g, input, grid, interpolation_mode, padding_mode, align_corners| g.grid_sampler_input_backward(input, grid, interpolation_mode, padding_mode, align_corners);
        grid => |g, input, grid, interpolation_mode, padding_mode, align_corners| g.grid_sampler_grid_backward(input, grid, interpolation_mode, padding_mode, align_corners)
    };
    samples [
        (real([1, 2, 2, 3, 4]), tensor(&[1, 2, 1, 3, 3], -1.1, 1.1), 0, 0, false),
        (real([1, 1, 2, 3, 2]), tensor(&[1, 1, 2, 2, 3], -1.2, 1.3), 1, 1, true),
    ];
}

op! {
    /// Images or volumes at the places of a grid.
    ///
    /// Shape: `N C *s, N *t d -> N C *t`. Dtype: unchanged, floating-point.
    ///
    /// >>> torch.grid_sampler(torch.tensor([[[[1., 3.]]]]), torch.zeros(1, 1, 1, 2), 0, 0, False)
    /// tensor([[[[2.]]]])
    fn grid_sampler(input: Tensor, grid: Tensor, interpolation_mode: i64, padding_mode: i64, align_corners: bool) -> y;
    variants [function];
    composite {
        check_common(input, grid)?;
        match input.dim() {
            5 => input.grid_sampler_3d(grid, interpolation_mode, padding_mode, align_corners),
            4 => input.grid_sampler_2d(grid, interpolation_mode, padding_mode, align_corners),
            _ => Err(Error::runtime(format!(
                "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with sizes {:?} and grid with sizes {:?}",
                input.size(),
                grid.size()
            ))),
        }
    };
    samples [
        (real([1, 2, 3, 4]), tensor(&[1, 2, 3, 2], -1.1, 1.1), 0, 0, false),
        (real([1, 1, 2, 3, 2]), tensor(&[1, 1, 2, 2, 3], -1.2, 1.3), 0, 1, true),
    ];
}

/// A gradient that fits the input and the grid.
fn backward_dtype(grad: &Tensor, x: &Tensor, grid: &Tensor) -> Result<DType> {
    let n = x.dim().saturating_sub(2);
    rule::require(n == 2 || n == 3, "grid_sampler_backward")?;
    let dtype = check(x, grid, n)?;
    rule::require(grad.dtype() == dtype && grad.size() == sampled(x, grid).as_slice(), "grid_sampler_backward")?;
    Ok(dtype)
}

fn dense(x: &Tensor) -> Layout {
    Layout::contiguous(x.size())
}

op! {
    /// The gradient of sampling for its input.
    ///
    /// Shape: `N C *t, N C *s, N *t d -> N C *s`. Dtype: unchanged.
    fn grid_sampler_input_backward(grad: Tensor, input: Tensor, grid: Tensor, interpolation_mode: i64, padding_mode: i64, align_corners: bool) -> y;
    variants [private];
    contiguous [grad, input, grid];
    dtype { how(interpolation_mode, padding_mode, align_corners)?; backward_dtype(grad, input, grid)? };
    shape dense(input);
    kernel { kernels::grid_sample_backward(Some(&mut y), None, grad, input, grid, how(interpolation_mode, padding_mode, align_corners)?) };
    vjp {
        grad => |g, grad, input, grid, interpolation_mode, padding_mode, align_corners| second(g, [grad, input, grid], how(interpolation_mode, padding_mode, align_corners)?, 0, 0);
        grid => |g, grad, input, grid, interpolation_mode, padding_mode, align_corners| second(g, [grad, input, grid], how(interpolation_mode, padding_mode, align_corners)?, 0, 2)
    };
    samples [
        (real([1, 2, 2, 3]), other([1, 2, 3, 4]), tensor(&[1, 2, 3, 2], -1.1, 1.1), 0, 0, false),
        (real([1, 1, 2, 1]), other([1, 1, 3, 2]), tensor(&[1, 2, 1, 2], -1.3, 1.2), 2, 2, true),
    ];
}

op! {
    /// The gradient of sampling for its grid.
    ///
    /// Shape: `N C *t, N C *s, N *t d -> N *t d`. Dtype: unchanged.
    fn grid_sampler_grid_backward(grad: Tensor, input: Tensor, grid: Tensor, interpolation_mode: i64, padding_mode: i64, align_corners: bool) -> y;
    variants [private];
    contiguous [grad, input, grid];
    dtype { how(interpolation_mode, padding_mode, align_corners)?; backward_dtype(grad, input, grid)? };
    shape dense(grid);
    kernel { kernels::grid_sample_backward(None, Some(&mut y), grad, input, grid, how(interpolation_mode, padding_mode, align_corners)?) };
    vjp {
        grad => |g, grad, input, grid, interpolation_mode, padding_mode, align_corners| second(g, [grad, input, grid], how(interpolation_mode, padding_mode, align_corners)?, 1, 0);
        input => |g, grad, input, grid, interpolation_mode, padding_mode, align_corners| second(g, [grad, input, grid], how(interpolation_mode, padding_mode, align_corners)?, 1, 1);
        grid => |g, grad, input, grid, interpolation_mode, padding_mode, align_corners| second(g, [grad, input, grid], how(interpolation_mode, padding_mode, align_corners)?, 1, 2)
    };
    samples [
        (real([1, 2, 2, 3]), other([1, 2, 3, 4]), tensor(&[1, 2, 3, 2], -1.1, 1.1), 0, 0, false),
        (real([1, 1, 2, 1]), other([1, 1, 3, 2]), tensor(&[1, 2, 1, 2], -1.3, 1.2), 2, 2, true),
    ];
}

/// Places from -1 to 1 along a side of this many elements.
fn side(n: i64, like: &Tensor, align_corners: bool) -> Result<Tensor> {
    if n <= 1 {
        return crate::ops::zeros_with(&[n], Options::like(like));
    }
    let line = crate::ops::linspace_with(-1.0, 1.0, n, Options::like(like))?;
    if align_corners { Ok(line) } else { line.mul((n - 1) as f64)?.div(n as f64) }
}

op! {
    /// The grids that affine maps make of images (or volumes) of `size`: where each element of the result comes from.
    ///
    /// Shape: `N 2 3 -> N H W 2`, or `N 3 4 -> N D H W 3`. Dtype: unchanged, floating-point.
    ///
    /// >>> torch.affine_grid_generator(torch.tensor([[[1., 0., 0.], [0., 1., 0.]]]), [1, 1, 1, 2], True)
    /// tensor([[[[-1.,  0.],
    ///           [ 1.,  0.]]]])
    fn affine_grid_generator(theta: Tensor, size: Dims, align_corners: bool) -> y;
    variants [function];
    composite {
        if !(size.len() == 4 || size.len() == 5) {
            return Err(Error::runtime(format!("AffineGridGenerator needs 4d (spatial) or 5d (volumetric) inputs, but got a size of {} elements", size.len())));
        }
        let sides = &size[2..];
        let n = sides.len();
        let mut whole: Dims = sides.into();
        whole.push(1);
        // The last side comes first, and a one stands behind them all.
        let mut columns = Vec::new();
        for d in (0..n).rev() {
            let mut shape: Dims = Dims::from_elem(1, n + 1);
            shape[d] = sides[d];
            columns.push(side(sides[d], theta, align_corners)?.reshape(&shape)?.expand(&whole)?);
        }
        columns.push(crate::ops::ones_with(&whole, Options::like(theta))?);
        let base = crate::ops::cat_with(&columns, n as i64)?.reshape(&[1, -1, n as i64 + 1])?.expand(&[size[0], -1, -1])?;
        let mut out: Dims = Dims::from_slice(&size[..1]);
        out.extend(sides.iter().copied());
        out.push(n as i64);
        base.clone_in(MemoryFormat::Contiguous)?.bmm(&theta.transpose(1, 2)?)?.reshape(&out)
    };
    samples [(real([2, 2, 3]), [2, 1, 2, 3], false), (real([1, 3, 4]), [1, 1, 2, 1, 3], true)];
}
