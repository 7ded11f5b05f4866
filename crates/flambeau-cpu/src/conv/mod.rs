//! Convolutions over one to three spatial dimensions and their gradients: products whose right-hand side is the image itself,
//! read at shifted places (`sheet.rs`), in f32 and f64; of matrices of patches in other types.

mod backward;
mod correlate;
mod forward;
mod half;
mod patches;
mod real;
mod sheet;
mod tiles;

#[cfg(test)]
mod tests;

use flambeau_types::{Complex, DType, bf16, f16};

use crate::gemm::by_dtype;
use crate::{View, ViewMut};

/// How the kernel of a convolution moves over its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvShape {
    /// Steps of the kernel, for depth, height and width.
    stride: [usize; 3],
    /// Zeros before the first element.
    padding: [usize; 3],
    /// Distance between the kernel's elements.
    dilation: [usize; 3],
    groups: usize,
}

impl ConvShape {
    /// From one to three values for each: the strides and dilations (at least 1), the zeros in front of each dimension
    /// (those behind follow from the size of the output), and the number of groups, which divides the channels.
    pub fn new(stride: &[i64], padding: &[i64], dilation: &[i64], groups: i64) -> ConvShape {
        let three = |values: &[i64], fill: usize, least: i64| {
            let mut all = [fill; 3];
            let n = values.len().min(3);
            for (to, &from) in all[3 - n..].iter_mut().zip(values) {
                *to = from.max(least) as usize;
            }
            all
        };
        ConvShape {
            stride: three(stride, 1, 1),
            padding: three(padding, 0, 0),
            dilation: three(dilation, 1, 1),
            groups: groups.max(1) as usize,
        }
    }
}

/// The length of one output dimension; negative or 0 if the kernel does not fit.
pub fn conv_output_size(input: i64, kernel: i64, stride: i64, padding: (i64, i64), dilation: i64) -> i64 {
    (input + padding.0 + padding.1 - dilation * (kernel - 1) - 1).div_euclid(stride.max(1)) + 1
}

/// All sizes of a convolution.
#[derive(Clone, Debug)]
struct Sizes {
    batch: usize,
    groups: usize,
    /// Channels of the input, and of the output, in one group.
    c_in: usize,
    c_out: usize,
    input: [usize; 3],
    kernel: [usize; 3],
    output: [usize; 3],
    stride: [usize; 3],
    padding: [usize; 3],
    dilation: [usize; 3],
}

impl Sizes {
    fn new(input: &[i64], weight: &[i64], output: &[i64], shape: &ConvShape) -> Sizes {
        debug_assert!(input.len() == weight.len() && input.len() == output.len());
        debug_assert!((3..=5).contains(&input.len()));
        debug_assert_eq!(input[1], weight[1] * shape.groups as i64);
        debug_assert_eq!(output[1], weight[0]);
        let spatial = |sizes: &[i64]| {
            let mut all = [1; 3];
            let n = sizes.len() - 2;
            for (to, &from) in all[3 - n..].iter_mut().zip(&sizes[2..]) {
                *to = from as usize;
            }
            all
        };
        Sizes {
            batch: input[0] as usize,
            groups: shape.groups,
            c_in: weight[1] as usize,
            c_out: weight[0] as usize / shape.groups,
            input: spatial(input),
            kernel: spatial(weight),
            output: spatial(output),
            stride: shape.stride,
            padding: shape.padding,
            dilation: shape.dilation,
        }
    }

    /// Elements of one channel of the input, and of the output.
    fn in_plane(&self) -> usize {
        self.input.iter().product()
    }
    fn out_plane(&self) -> usize {
        self.output.iter().product()
    }
    /// Elements of the kernel for one pair of channels.
    fn taps(&self) -> usize {
        self.kernel.iter().product()
    }
    /// Elements of a patch: channels of one group times kernel elements.
    fn patch(&self) -> usize {
        self.c_in * self.taps()
    }
}

/// Convolves: `input` (N, C, spatial...), `weight` (K, C / groups, kernel...), `bias` (K) and `out` (N, K, spatial...), all
/// contiguous and of one dtype that is not bool, with 1 to 3 spatial dimensions. The caller chose the size of `out`.
pub fn conv(out: &mut ViewMut, input: View, weight: View, bias: Option<View>, shape: &ConvShape) {
    let s = Sizes::new(input.sizes(), weight.sizes(), out.sizes(), shape);
    debug_assert!(input.is_contiguous() && weight.is_contiguous() && out.is_contiguous());
    let (x, w, y) = (input.ptr(), weight.ptr(), out.ptr());
    let b = bias.map(|b| b.ptr());
    // SAFETY: contiguous views of these sizes.
    unsafe {
        match out.dtype() {
            DType::F32 => forward::real::<f32>(&s, x.cast(), w.cast(), b.map(|b| b.cast()), y.cast()),
            DType::F64 => forward::real::<f64>(&s, x.cast(), w.cast(), b.map(|b| b.cast()), y.cast()),
            DType::F16 | DType::BF16 => half::conv(out, input, weight, bias, shape),
            d => {
                by_dtype!(d, T => forward::general::<T>(&s, x.cast(), w.cast(), b.map(|b| b.cast()), y.cast()), else ())
            }
        }
    }
}

/// The gradient of [`conv`] with respect to its input, and thereby the transposed convolution of `grad_out`.
pub fn conv_input_grad(grad_input: &mut ViewMut, grad_out: View, weight: View, shape: &ConvShape) {
    let s = Sizes::new(grad_input.sizes(), weight.sizes(), grad_out.sizes(), shape);
    debug_assert!(grad_input.is_contiguous() && weight.is_contiguous() && grad_out.is_contiguous());
    let (g, w, x) = (grad_out.ptr(), weight.ptr(), grad_input.ptr());
    // SAFETY: contiguous views of these sizes.
    unsafe {
        match grad_input.dtype() {
            DType::F16 | DType::BF16 => half::conv_input_grad(grad_input, grad_out, weight, shape),
            DType::F32 => real::input::<f32>(&s, g.cast(), w.cast(), x.cast()),
            DType::F64 => real::input::<f64>(&s, g.cast(), w.cast(), x.cast()),
            d => by_dtype!(d, T => backward::input::<T>(&s, g.cast(), w.cast(), x.cast()), else ()),
        }
    }
}

/// The gradient of [`conv`] with respect to its weight. The gradient of the bias is the sum of `grad_out` over all
/// dimensions but the channels.
pub fn conv_weight_grad(grad_weight: &mut ViewMut, grad_out: View, input: View, shape: &ConvShape) {
    let s = Sizes::new(input.sizes(), grad_weight.sizes(), grad_out.sizes(), shape);
    debug_assert!(grad_weight.is_contiguous() && input.is_contiguous() && grad_out.is_contiguous());
    let (g, x, w) = (grad_out.ptr(), input.ptr(), grad_weight.ptr());
    // SAFETY: contiguous views of these sizes.
    unsafe {
        match grad_weight.dtype() {
            DType::F16 | DType::BF16 => half::conv_weight_grad(grad_weight, grad_out, input, shape),
            DType::F32 => real::weight::<f32>(&s, g.cast(), x.cast(), w.cast()),
            DType::F64 => real::weight::<f64>(&s, g.cast(), x.cast(), w.cast()),
            d => by_dtype!(d, T => backward::weight::<T>(&s, g.cast(), x.cast(), w.cast()), else ()),
        }
    }
}
