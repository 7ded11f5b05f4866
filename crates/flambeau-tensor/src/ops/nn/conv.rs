//! Convolutions over one to three spatial dimensions.

use flambeau_cpu::conv::{self as kernels, ConvShape, conv_output_size};

use super::hung;
use super::pool::in_planes;
use crate::ops::{Val, op, rule};
use crate::{DType, Dims, Error, Layout, Result, Tensor};

/// A value for each of `n` spatial dimensions: one for all, or `n`.
pub(crate) fn spatial(list: &[i64], n: usize, what: &str) -> Result<Dims> {
    if list.len() == 1 {
        return Ok(smallvec::SmallVec::from_elem(list[0], n));
    }
    if list.len() == n {
        return Ok(list.into());
    }
    Err(Error::runtime(format!(
        "expected {what} to be a single integer value or a list of {n} values to match the convolution dimensions, but got {what}={list:?}"
    )))
}

/// The numbers that say how a kernel moves.
pub(crate) fn check_moves(stride: &[i64], padding: &[i64], dilation: &[i64], groups: i64) -> Result<()> {
    if padding.iter().any(|&p| p < 0) {
        return Err(Error::runtime("negative padding is not supported"));
    }
    if stride.iter().any(|&s| s <= 0) {
        return Err(Error::runtime("non-positive stride is not supported"));
    }
    if dilation.iter().any(|&d| d <= 0) {
        return Err(Error::runtime("dilation should be greater than zero"));
    }
    if groups <= 0 {
        return Err(Error::runtime("non-positive groups is not supported"));
    }
    check_range(&[stride, padding, dilation, &[groups]])
}

/// Widths and steps are small numbers: sums of products of a few of them must not wrap.
pub(crate) fn check_range(lists: &[&[i64]]) -> Result<()> {
    let far = |n: &i64| i32::try_from(*n).is_err();
    if lists.iter().any(|l| l.iter().any(far)) { Err(Error::runtime("integer out of range")) } else { Ok(()) }
}

/// The dtypes of a convolution: one for all, not bool.
pub(crate) fn conv_dtype(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<DType> {
    if x.dtype() != weight.dtype() {
        return Err(Error::runtime(format!(
            "expected scalar type {} but found {}",
            x.dtype().title(),
            weight.dtype().title()
        )));
    }
    if let Some(b) = bias
        && b.dtype() != x.dtype()
    {
        return Err(Error::runtime(format!(
            "Input type ({}) and bias type ({}) should be the same",
            rule::c_name(x.dtype()),
            rule::c_name(b.dtype())
        )));
    }
    if x.dtype() == DType::Bool {
        return Err(Error::not_implemented("\"slow_conv2d_cpu\" not implemented for 'Bool'"));
    }
    Ok(x.dtype())
}

pub(crate) fn check_bias(weight: &Tensor, bias: Option<&Tensor>, channels: i64, transposed: &str) -> Result<()> {
    if let Some(b) = bias
        && (b.dim() != 1 || b.numel() != channels)
    {
        return Err(Error::runtime(format!(
            "Given {transposed}weight of size {:?}, expected bias to be 1-dimensional with {channels} elements, but got bias of size {:?} instead",
            weight.size(),
            b.size()
        )));
    }
    Ok(())
}

/// One to three spatial dimensions, and in each list a value for each of them.
pub(crate) fn same_rank(x: &[i64], weight: &[i64], lists: &[&[i64]]) -> bool {
    (3..=5).contains(&x.len()) && weight.len() == x.len() && lists.iter().all(|l| l.len() + 2 == x.len())
}

/// Refuses sizes of an input, a weight and an output that no convolution has. Any length of the output will do: zeros are
/// behind the input.
fn fitting(
    name: &str,
    (input, weight, output): (&[i64], &[i64], &[i64]),
    moves: [&[i64]; 3],
    groups: i64,
) -> Result<()> {
    check_moves(moves[0], moves[1], moves[2], groups)?;
    let fits = same_rank(input, weight, &moves)
        && output.len() == input.len()
        && [input, weight, output].iter().all(|sizes| sizes.iter().all(|&n| n >= 0))
        && (input[0], weight[0]) == (output[0], output[1])
        && weight[1].checked_mul(groups) == Some(input[1])
        && weight[0] % groups == 0;
    rule::require(fits, name)
}

fn times(sizes: impl Iterator<Item = i64>) -> String {
    sizes.map(|n| n.to_string()).collect::<Vec<_>>().join(" x ")
}

fn conv_sizes(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: &[i64],
    padding: &[i64],
    dilation: &[i64],
    groups: i64,
    output_size: Option<&[i64]>,
) -> Result<Dims> {
    check_moves(stride, padding, dilation, groups)?;
    let (s, w) = (x.size(), weight.size());
    if let Some(sizes) = output_size {
        fitting("convolution", (s, w, sizes), [stride, padding, dilation], groups)?;
        check_bias(weight, bias, w[0], "")?;
        return Ok(sizes.into());
    }
    rule::require(same_rank(s, w, &[stride, padding, dilation]), "convolution")?;
    if w[0] < groups {
        return Err(Error::runtime(format!(
            "Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size {w:?} instead"
        )));
    }
    if w[0] % groups != 0 {
        return Err(Error::runtime(format!(
            "Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of size [{w:?}] instead"
        )));
    }
    if s[1] != w[1] * groups {
        return Err(Error::runtime(format!(
            "Given groups={groups}, weight of size {w:?}, expected input{s:?} to have {} channels, but got {} channels instead",
            w[1] * groups,
            s[1]
        )));
    }
    check_bias(weight, bias, w[0], "")?;
    let n = s.len() - 2;
    let padded = |i: usize| s[i + 2] + 2 * padding[i];
    let reach = |i: usize| dilation[i] * (w[i + 2] - 1) + 1;
    if (0..n).any(|i| padded(i) < reach(i)) {
        return Err(Error::runtime(format!(
            "Calculated padded input size per channel: ({}). Kernel size: ({}). Kernel size can't be greater than actual input size",
            times((0..n).map(padded)),
            times((0..n).map(reach))
        )));
    }
    let mut out = Dims::from_slice(&[s[0], w[0]]);
    out.extend((0..n).map(|i| conv_output_size(s[i + 2], w[i + 2], stride[i], (padding[i], padding[i]), dilation[i])));
    Ok(out)
}

/// The layout of a result: channels last where those of the input or of the weight are.
pub(crate) fn conv_layout(x: &Tensor, weight: &Tensor, sizes: &[i64]) -> Layout {
    let last = [x, weight].iter().any(|t| t.layout().prefers_channels_last());
    if last { Layout::channels_last(sizes) } else { Layout::contiguous(sizes) }
}

op! {
    /// A convolution of a batch, with a value for each spatial dimension.
    ///
    /// Shape: `N C *s, K C/g *k, K -> N K *t`. Dtype: unchanged.
    fn convolution(input: Tensor, weight: Tensor, bias: Option<Tensor>, stride: Dims, padding: Dims, dilation: Dims, groups: i64, output_size: Option<Dims>) -> y;
    variants [private];
    contiguous [input, weight, bias];
    dtype conv_dtype(input, weight, bias);
    shape conv_layout(input, weight, &conv_sizes(input, weight, bias, stride, padding, dilation, groups, output_size)?);
    kernel {
        let moves = ConvShape::new(stride, padding, dilation, groups);
        in_planes([y], |[y]| kernels::conv(y, input, weight, bias, &moves))
    };
    vjp {
        input => |g, input.shape, weight, stride, padding, dilation, groups| g.conv_input_backward(conj(weight), &input.shape, stride, padding, dilation, groups);
        weight => |g, input, weight.shape, stride, padding, dilation, groups| g.conv_weight_backward(conj(input), &weight.shape, stride, padding, dilation, groups);
        bias => |g, input, weight| over_channels(&hung(g, [input, weight]))
    };
    samples [
        (real([1, 2, 5]), other([3, 2, 3]), real([3]), [1], [1], [1], 1, None),
        (real([1, 2, 4, 4]), other([2, 1, 2, 2]), None, [2, 1], [0, 1], [1, 1], 2, None),
    ];
}

/// A bias is added to each element of its channel.
pub(crate) fn over_channels(g: &Val) -> Val {
    Val::run(|| {
        let t = g.tensor()?;
        let dims: Vec<i64> = (0..t.dim() as i64).filter(|&d| d != 1).collect();
        t.sum_dim(Some(&dims))
    })
}

/// The conjugate of complex numbers, which products pass gradients on with.
pub(crate) fn conj(v: &Val) -> Val {
    match v {
        Val::Tensor(t) if t.dtype().is_complex() => v.conj(),
        other => other.clone(),
    }
}

op! {
    /// The gradient of a convolution for its input, from that of its result.
    ///
    /// Shape: `N K *t, K C/g *k -> N C *s`. Dtype: unchanged.
    fn conv_input_backward(grad: Tensor, weight: Tensor, input_size: Dims, stride: Dims, padding: Dims, dilation: Dims, groups: i64) -> y;
    variants [private];
    contiguous [grad, weight];
    dtype conv_dtype(grad, weight, None);
    shape {
        fitting("conv_input_backward", (input_size, weight.size(), grad.size()), [stride, padding, dilation], groups)?;
        input_size
    };
    kernel { kernels::conv_input_grad(&mut y, grad, weight, &ConvShape::new(stride, padding, dilation, groups)) };
    vjp {
        grad => |g, grad.shape, weight, stride, padding, dilation, groups| g.convolution(conj(weight), None, stride, padding, dilation, groups, Some(&grad.shape));
        weight => |g, grad, weight.shape, stride, padding, dilation, groups| conj(grad).conv_weight_backward(g, &weight.shape, stride, padding, dilation, groups)
    };
    samples [
        (real([1, 3, 5]), other([3, 2, 3]), [1, 2, 5], [1], [1], [1], 1),
        (real([1, 2, 2, 5]), other([2, 1, 2, 2]), [1, 2, 4, 4], [2, 1], [0, 1], [1, 1], 2),
    ];
}

op! {
    /// The gradient of a convolution for its weight, from that of its result.
    ///
    /// Shape: `N K *t, N C *s -> K C/g *k`. Dtype: unchanged.
    fn conv_weight_backward(grad: Tensor, input: Tensor, weight_size: Dims, stride: Dims, padding: Dims, dilation: Dims, groups: i64) -> y;
    variants [private];
    contiguous [grad, input];
    dtype conv_dtype(grad, input, None);
    shape {
        fitting("conv_weight_backward", (input.size(), weight_size, grad.size()), [stride, padding, dilation], groups)?;
        weight_size
    };
    kernel { kernels::conv_weight_grad(&mut y, grad, input, &ConvShape::new(stride, padding, dilation, groups)) };
    vjp {
        grad => |g, grad.shape, input, stride, padding, dilation, groups| conj(input).convolution(g, None, stride, padding, dilation, groups, Some(&grad.shape));
        input => |g, grad, input.shape, stride, padding, dilation, groups| conj(grad).conv_input_backward(g, &input.shape, stride, padding, dilation, groups)
    };
    samples [
        (real([1, 3, 5]), other([1, 2, 5]), [3, 2, 3], [1], [1], [1], 1),
        (real([1, 2, 2, 5]), other([1, 2, 4, 4]), [2, 1, 2, 2], [2, 1], [0, 1], [1, 1], 2),
    ];
}

/// How a convolution pads.
enum Padding<'a> {
    Zeros(&'a [i64]),
    Word(&'a str),
}

/// An input with its batch dimension, and whether it had none.
pub(crate) fn batched(x: &Tensor, n: usize, name: &str) -> Result<(Tensor, bool)> {
    if x.dim() == n + 1 {
        return Ok((x.unsqueeze(0)?, true));
    }
    if x.dim() != n + 2 {
        return Err(Error::runtime(format!(
            "Expected {}D (unbatched) or {}D (batched) input to {name}, but got input of size: {:?}",
            n + 1,
            n + 2,
            x.size()
        )));
    }
    Ok((x.clone(), false))
}

/// A weight has one dimension for each of a batched input.
pub(crate) fn check_weight(x: &Tensor, weight: &Tensor) -> Result<()> {
    if weight.dim() < 3 {
        return Err(Error::runtime("weight should have at least three dimensions"));
    }
    if weight.dim() != x.dim() {
        return Err(Error::runtime(format!(
            "Expected {}-dimensional input for {}-dimensional weight{:?}, but got {}-dimensional input of size {:?} instead",
            weight.dim(),
            weight.dim(),
            weight.size(),
            x.dim(),
            x.size()
        )));
    }
    if weight.size().contains(&0) {
        return Err(Error::runtime(format!(
            "convolution: expected a weight without empty dimensions, but got weight of size {:?}",
            weight.size()
        )));
    }
    Ok(())
}

fn conv_nd(
    n: usize,
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: &[i64],
    padding: Padding,
    dilation: &[i64],
    groups: i64,
) -> Result<Tensor> {
    let (mut x, single) = batched(x, n, &format!("conv{n}d"))?;
    check_weight(&x, weight)?;
    let (stride, dilation) = (spatial(stride, n, "stride")?, spatial(dilation, n, "dilation")?);
    let padding = match padding {
        Padding::Zeros(p) => spatial(p, n, "padding")?,
        Padding::Word("valid") => smallvec::SmallVec::from_elem(0, n),
        Padding::Word("same") => {
            if stride.iter().any(|&s| s != 1) {
                return Err(Error::runtime("padding='same' is not supported for strided convolutions"));
            }
            let total: Dims = (0..n).map(|i| dilation[i] * (weight.size()[i + 2] - 1)).collect();
            if total.iter().any(|t| t % 2 != 0) {
                // One more behind than in front.
                let sides: Dims = total.iter().rev().flat_map(|t| [0, t % 2]).collect();
                x = x.constant_pad_nd(&sides)?;
            }
            total.iter().map(|t| t / 2).collect()
        }
        Padding::Word(other) => return Err(Error::runtime(format!("Invalid padding string: '{other}'"))),
    };
    let y = x.convolution(weight, bias, &stride, &padding, &dilation, groups, None)?;
    if single { y.squeeze_dim(0) } else { Ok(y) }
}

macro_rules! conv {
    ($name:ident, $n:literal, $what:literal, $shape:literal, $x:expr, $w:expr, $k:expr) => {
        op! {
            #[doc = $what]
            ///
            #[doc = $shape]
            fn $name(input: Tensor, weight: Tensor, bias: Option<Tensor> = None, stride: Dims = [1], padding: Dims = [0], dilation: Dims = [1], groups: i64 = 1) -> y;
            variants [function, functional];
            composite { conv_nd($n, input, weight, bias, stride, Padding::Zeros(padding), dilation, groups) };
            samples [
                (real($x), other($w), positive([$k])),
                (real($x), other($w), None, [2], [1]),
                (real($x), other($w), None, [1], [1], [2], 1),
            ];
        }

        op! {
            #[doc = $what]
            /// With `padding` "valid" (none) or "same" (as much as keeps the size).
            ///
            #[doc = $shape]
            fn $name.padding(input: Tensor, weight: Tensor, bias: Option<Tensor> = None, stride: Dims = [1], padding: Str = "valid", dilation: Dims = [1], groups: i64 = 1) -> y;
            variants [function, functional];
            composite { conv_nd($n, input, weight, bias, stride, Padding::Word(padding), dilation, groups) };
            samples [(real($x), other($w), None, [1], "same"), (real($x), other($w), positive([$k]), [2], "valid")];
        }
    };
}
conv!(conv1d, 1, "A convolution of signals.", "Shape: `N C L, K C/g k -> N K L'`.", [2, 2, 5], [3, 2, 3], 3);
conv!(
    conv2d,
    2,
    "A convolution of images.",
    "Shape: `N C H W, K C/g h w -> N K H' W'`.",
    [1, 2, 4, 4],
    [2, 2, 3, 2],
    2
);
conv!(
    conv3d,
    3,
    "A convolution of volumes.",
    "Shape: `N C D H W, K C/g d h w -> N K D' H' W'`.",
    [1, 1, 3, 3, 3],
    [2, 1, 2, 2, 2],
    2
);
