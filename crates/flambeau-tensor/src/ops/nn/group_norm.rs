//! Normalization of groups of channels.

use super::conv::over_channels;
use super::normal::Normal;
use crate::ops::nn::{float_dtype, hung};
use crate::ops::{Val, laid_like, lay, op};
use crate::{DType, Dims, Error, Layout, Result, Tensor};

fn checked(x: &Tensor, groups: i64, weight: Option<&Tensor>, bias: Option<&Tensor>) -> Result<[DType; 3]> {
    if x.dim() < 2 {
        return Err(Error::runtime(
            "Expected at least 2 dimensions for input tensor but received ".to_string() + &x.dim().to_string(),
        ));
    }
    if groups <= 0 {
        return Err(Error::runtime(format!("Expected num groups to be greater than 0, got {groups}")));
    }
    let c = x.size()[1];
    if c % groups != 0 {
        return Err(Error::runtime(format!(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape {:?} and num_groups={groups}",
            x.size()
        )));
    }
    for (p, what) in [(weight, "weight"), (bias, "bias")] {
        if let Some(p) = p
            && (p.dim() != 1 || p.numel() != c)
        {
            return Err(Error::runtime(format!(
                "Expected {what} to be a vector of size equal to the number of channels in input, but got {what} of shape {:?} and input of shape {:?}",
                p.size(),
                x.size()
            )));
        }
    }
    let d = float_dtype(x, "GroupNormKernelImpl")?;
    Ok([d; 3])
}

fn group_layouts(x: &Tensor, groups: i64) -> Result<Vec<Layout>> {
    let stats = Layout::contiguous(&[x.size()[0] * groups, 1]);
    Ok(vec![laid_like(x, x.size()), stats.clone(), stats])
}

/// One row for each group of each sample.
fn rows(sizes: &[i64], groups: i64) -> [i64; 2] {
    let count = sizes[0] * groups;
    [count, sizes[1] / groups * sizes[2..].iter().product::<i64>()]
}

/// A value for each channel, shaped to broadcast.
pub(crate) fn across(ndim: usize) -> Dims {
    (0..ndim).map(|d| if d == 1 { -1 } else { 1 }).collect()
}

op! {
    /// Normalizes each of `num_groups` groups of channels, then times `weight` plus `bias`, a value for each channel.
    ///
    /// Shape: `N C *s, C, C -> N C *s`. Dtype: floating-point.
    ///
    /// >>> torch.nn.functional.group_norm(torch.tensor([[1., 3.]]), 1)
    /// tensor([[-1.0000,  1.0000]])
    fn group_norm(input: Tensor, num_groups: i64, weight: Option<Tensor> = None, bias: Option<Tensor> = None, eps: f64 = 1e-5) -> y;
    variants [function, functional];
    composite {
        let (y, _, _) = input.group_norm_forward(num_groups, weight, bias, eps)?;
        Ok(y)
    };
    samples [
        (real([2, 4, 3]), 2, positive([4]), other([4])),
        (real([2, 4]), 4, None, None, 1e-3),
        (real([2, 2, 2, 2]), 1),
    ];
}

op! {
    /// Group normalization with the means and the reciprocal standard deviations that it used.
    ///
    /// Shape: `N C *s, C, C -> N C *s, NG 1, NG 1`. Dtype: floating-point.
    fn group_norm_forward(input: Tensor, num_groups: i64, weight: Option<Tensor>, bias: Option<Tensor>, eps: f64) -> output, mean, rstd;
    variants [private];
    node "NativeGroupNormBackward0";
    dtype checked(input, num_groups, weight, bias);
    shape group_layouts(input, num_groups);
    compute {
        checked(input, num_groups, weight, bias)?;
        let flat = rows(input.size(), num_groups);
        let dtype = input.dtype();
        // The half types round once, at the end.
        let wide = if matches!(dtype, DType::F16 | DType::BF16) { DType::F32 } else { dtype };
        let (y, mean, rstd) = input.to_dtype(wide)?.reshape(&flat)?.native_layer_norm(&flat[1..], None, None, eps)?;
        let y = y.reshape(input.size())?;
        if let Some(w) = weight {
            y.mul_(&w.reshape(&across(input.dim()))?)?;
        }
        if let Some(b) = bias {
            y.add_(&b.reshape(&across(input.dim()))?)?;
        }
        let y = lay(y.to_dtype(dtype)?, laid_like(input, input.size()))?;
        Ok((y, mean.to_dtype(dtype)?, rstd.to_dtype(dtype)?))
    };
    vjp {
        input => |g, input, mean, rstd, weight, num_groups, eps| input_backward(g, input, mean, rstd, weight, num_groups, eps);
        weight => |g, input, weight, num_groups, eps| weight_backward(&hung(g, weight), input, num_groups, eps);
        bias => |g, input, weight| over_channels(&hung(g, std::iter::once(input).chain(weight)))
    };
    samples [(real([2, 4, 3]), 2, positive([4]), other([4]), 1e-5), (real([2, 4]), 1, None, None, 1e-3)];
}

op! {
    /// Group normalization of `N` samples of `C` channels of `HxW` elements, with the means and the reciprocal standard
    /// deviations of their groups.
    ///
    /// Shape: `N C *s, C, C -> N C *s, N G, N G`. Dtype: floating-point.
    fn native_group_norm(input: Tensor, weight: Option<Tensor>, bias: Option<Tensor>, N: i64, C: i64, HxW: i64, group: i64, eps: f64) -> output, mean, rstd;
    variants [function, out];
    composite {
        if input.numel() != N * C * HxW || input.size().first() != Some(&N) {
            return Err(Error::runtime(format!("Expected the input to hold {N} samples of {C} channels of {HxW} elements, but got {:?}", input.size())));
        }
        // Seen as they are, channels that lie last stay there.
        let flat = if input.size().get(1) == Some(&C) { input.clone() } else { input.reshape(&[N, C, HxW])? };
        let (y, mut mean, mut rstd) = flat.group_norm_forward(group, weight, bias, eps)?;
        if crate::autograd::grad_enabled() && [Some(input), weight, bias].into_iter().flatten().any(Tensor::requires_grad) {
            // The statistics are differentiable too.
            let rows = input.reshape(&[N * group, C / group.max(1) * HxW])?;
            mean = rows.mean_dim_with(Some(&[1]), true, None)?;
            let square = rows.sub(&mean)?.square()?.mean_dim_with(Some(&[1]), true, None)?;
            rstd = square.add(eps)?.rsqrt()?;
            for t in [weight, bias].into_iter().flatten().filter(|_| !input.requires_grad()) {
                (mean, rstd) = (mean.tied(t)?, rstd.tied(t)?);
            }
        }
        let stats = |t: Tensor| t.reshape(&[N, group]);
        Ok((y.reshape(input.size())?, stats(mean)?, stats(rstd)?))
    };
    samples [(real([2, 4, 3]), positive([4]), other([4]), 2, 4, 3, 2, 1e-5), (real([2, 4]), None, None, 2, 4, 1, 1, 1e-3)];
}

fn input_backward(
    g: &Val,
    x: &Val,
    mean: &Val,
    rstd: &Val,
    weight: Option<&Val>,
    groups: i64,
    eps: f64,
) -> Result<Val> {
    let shape = x.tensor()?.sizes();
    let flat = rows(&shape, groups);
    let scaled = weight.map_or(g.clone(), |w| g * w.reshape(&across(shape.len())));
    let dx = scaled.reshape(&flat).layer_norm_input_backward(x.reshape(&flat), mean, rstd, None, 1, eps);
    Ok(dx.reshape(&shape))
}

fn weight_backward(g: &Val, x: &Val, groups: i64, eps: f64) -> Result<Val> {
    let (shape, dtype) = (x.tensor()?.sizes(), x.tensor()?.dtype());
    let half = matches!(dtype, DType::F16 | DType::BF16);
    let wide = |v: &Val| Val::run(|| if half { v.tensor()?.to_dtype(DType::F32) } else { v.tensor() });
    let hat = Normal::new(&wide(x).reshape(&rows(&shape, groups)), vec![1], eps).hat;
    Ok(over_channels(&(wide(g) * hat.reshape(&shape))))
}
