//! Transposed convolutions: the gradients of convolutions as operators.

use super::conv::{
    batched, check_bias, check_moves, check_weight, conj, conv_dtype, conv_layout, over_channels, same_rank, spatial,
};
use super::hung;
use crate::ops::{lay, op, rule};
use crate::{Dims, Error, Result, Tensor};

fn transposed_sizes(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: &[i64],
    padding: &[i64],
    extra: &[i64],
    dilation: &[i64],
    groups: i64,
) -> Result<Dims> {
    check_moves(stride, padding, dilation, groups)?;
    let (s, w) = (x.size(), weight.size());
    rule::require(same_rank(s, w, &[stride, padding, extra, dilation]), "transposed_convolution")?;
    let n = s.len() - 2;
    if extra.iter().any(|&e| e < 0) {
        return Err(Error::runtime("negative output_padding is not supported"));
    }
    if let Some(i) = (0..n).find(|&i| extra[i] >= stride[i] && extra[i] >= dilation[i]) {
        let pair = |v: &[i64], what: &str| {
            format!("{what}_height: {} {what}_width: {}", v[i.min(n.saturating_sub(2))], v[n - 1])
        };
        return Err(Error::runtime(format!(
            "output padding must be smaller than either stride or dilation, but got {} {} {}",
            pair(extra, "output_padding"),
            pair(stride, "stride"),
            pair(dilation, "dilation")
        )));
    }
    if s[1] != w[0] || w[0] % groups != 0 {
        return Err(Error::runtime(format!(
            "Given transposed=1, weight of size {w:?}, expected input{s:?} to have {} channels, but got {} channels instead",
            w[0], s[1]
        )));
    }
    let channels = w[1] * groups;
    check_bias(weight, bias, channels, "transposed=1, ")?;
    let mut out = Dims::from_slice(&[s[0], channels]);
    out.extend(
        (0..n).map(|i| (s[i + 2] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (w[i + 2] - 1) + extra[i] + 1),
    );
    if out[2..].iter().any(|&o| o <= 0) {
        return Err(Error::runtime(format!(
            "Given input size per channel: {:?}. Calculated output size per channel: {:?}. Output size is too small",
            &s[2..],
            &out[2..]
        )));
    }
    Ok(out)
}

op! {
    /// A transposed convolution of a batch, with a value for each spatial dimension.
    ///
    /// Shape: `N C *s, C K/g *k, K -> N K *t`. Dtype: unchanged.
    fn transposed_convolution(input: Tensor, weight: Tensor, bias: Option<Tensor>, stride: Dims, padding: Dims, output_padding: Dims, dilation: Dims, groups: i64) -> y;
    variants [private];
    node "ConvolutionBackward0";
    dtype conv_dtype(input, weight, bias);
    shape conv_layout(input, weight, &transposed_sizes(input, weight, bias, stride, padding, output_padding, dilation, groups)?);
    compute {
        conv_dtype(input, weight, bias)?;
        let sizes = transposed_sizes(input, weight, bias, stride, padding, output_padding, dilation, groups)?;
        let y = input.conv_input_backward(weight, &sizes, stride, padding, dilation, groups)?;
        if let Some(b) = bias {
            let mut shape: Dims = smallvec::SmallVec::from_elem(1, sizes.len());
            shape[1] = -1;
            y.add_(&b.reshape(&shape)?)?;
        }
        lay(y, conv_layout(input, weight, &sizes))
    };
    vjp {
        input => |g, input.shape, weight, stride, padding, dilation, groups| g.convolution(conj(weight), None, stride, padding, dilation, groups, Some(&input.shape));
        weight => |g, input, weight.shape, stride, padding, dilation, groups| conj(input).conv_weight_backward(g, &weight.shape, stride, padding, dilation, groups);
        bias => |g, input, weight| over_channels(&hung(g, [input, weight]))
    };
    samples [
        (real([1, 2, 3]), other([2, 3, 2]), real([3]), [2], [0], [1], [1], 1),
        (real([1, 2, 3, 2]), other([2, 1, 2, 2]), None, [1, 2], [1, 0], [0, 0], [1, 1], 2),
    ];
}

fn transposed_nd(
    n: usize,
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: &[i64],
    padding: &[i64],
    extra: &[i64],
    groups: i64,
    dilation: &[i64],
) -> Result<Tensor> {
    let (x, single) = batched(x, n, &format!("conv_transpose{n}d"))?;
    check_weight(&x, weight)?;
    let (stride, padding) = (spatial(stride, n, "stride")?, spatial(padding, n, "padding")?);
    let (extra, dilation) = (spatial(extra, n, "output_padding")?, spatial(dilation, n, "dilation")?);
    let y = x.transposed_convolution(weight, bias, &stride, &padding, &extra, &dilation, groups)?;
    if single { y.squeeze_dim(0) } else { Ok(y) }
}

macro_rules! conv_transpose {
    ($name:ident, $n:literal, $what:literal, $shape:literal, $x:expr, $w:expr, $k:expr) => {
        op! {
            #[doc = $what]
            ///
            #[doc = $shape]
            fn $name(input: Tensor, weight: Tensor, bias: Option<Tensor> = None, stride: Dims = [1], padding: Dims = [0], output_padding: Dims = [0], groups: i64 = 1, dilation: Dims = [1]) -> y;
            variants [function, functional];
            composite { transposed_nd($n, input, weight, bias, stride, padding, output_padding, groups, dilation) };
            samples [
                (real($x), other($w), positive([$k])),
                (real($x), other($w), None, [2], [1], [1]),
                (real($x), other($w), None, [1], [0], [0], 1, [2]),
            ];
        }
    };
}
conv_transpose!(
    conv_transpose1d,
    1,
    "The transpose of `conv1d`: as its gradient moves.",
    "Shape: `N C L, C K/g k -> N K L'`.",
    [2, 2, 4],
    [2, 3, 3],
    3
);
conv_transpose!(
    conv_transpose2d,
    2,
    "The transpose of `conv2d`: as its gradient moves.",
    "Shape: `N C H W, C K/g h w -> N K H' W'`.",
    [1, 2, 3, 3],
    [2, 2, 2, 3],
    2
);
conv_transpose!(
    conv_transpose3d,
    3,
    "The transpose of `conv3d`: as its gradient moves.",
    "Shape: `N C D H W, C K/g d h w -> N K D' H' W'`.",
    [1, 1, 2, 2, 2],
    [1, 2, 2, 2, 2],
    2
);
