//! Convolutions of f16 and bf16: whole in f32, rounded once.

use flambeau_types::{DType, Element, Layout, bf16, f16};
use half::slice::HalfFloatSliceExt;

use super::ConvShape;
use crate::{View, ViewMut};

/// A contiguous view's elements as f32.
fn widen(v: &View) -> Vec<f32> {
    let mut to = vec![0.0; v.numel()];
    match (v.as_slice::<f16>(), v.as_slice::<bf16>()) {
        (Some(from), _) => from.convert_to_f32_slice(&mut to),
        (_, Some(from)) => from.convert_to_f32_slice(&mut to),
        // Unaligned.
        _ => {
            for (i, to) in to.iter_mut().enumerate() {
                // SAFETY: element i of a contiguous view.
                let bits = unsafe { v.ptr().cast::<u16>().add(i).read_unaligned() };
                *to = match v.dtype() {
                    DType::F16 => f16::from_bits(bits).to_f32(),
                    _ => bf16::from_bits(bits).to_f32(),
                };
            }
        }
    }
    to
}

/// Rounds into a contiguous view.
fn narrow(from: &[f32], to: &mut ViewMut) {
    let dtype = to.dtype();
    for (i, &x) in from.iter().enumerate() {
        let bits = if dtype == DType::F16 { f16::from_f32(x).to_bits() } else { bf16::from_f32(x).to_bits() };
        // SAFETY: element i of a contiguous view with as many elements as `from`.
        unsafe { to.ptr().cast::<u16>().add(i).write_unaligned(bits) };
    }
}

/// Runs an f32 kernel of two operands in place of one of halves.
fn through_f32(out: &mut ViewMut, a: &View, b: &View, kernel: impl FnOnce(&mut ViewMut, View, View)) {
    let (la, lb, lo) = (Layout::contiguous(a.sizes()), Layout::contiguous(b.sizes()), Layout::contiguous(out.sizes()));
    let (a, b) = (widen(a), widen(b));
    let mut result = vec![<f32 as Element>::from_scalar(0.0.into()); out.numel()];
    kernel(&mut ViewMut::of(&mut result, &lo), View::of(&a, &la), View::of(&b, &lb));
    narrow(&result, out);
}

pub(super) fn conv(out: &mut ViewMut, input: View, weight: View, bias: Option<View>, shape: &ConvShape) {
    let bias = bias.map(|b| (widen(&b), Layout::contiguous(b.sizes())));
    through_f32(out, &input, &weight, |out, input, weight| {
        super::conv(out, input, weight, bias.as_ref().map(|(b, l)| View::of(b, l)), shape);
    });
}

pub(super) fn conv_input_grad(grad_input: &mut ViewMut, grad_out: View, weight: View, shape: &ConvShape) {
    through_f32(grad_input, &grad_out, &weight, |x, g, w| super::conv_input_grad(x, g, w, shape));
}

pub(super) fn conv_weight_grad(grad_weight: &mut ViewMut, grad_out: View, input: View, shape: &ConvShape) {
    through_f32(grad_weight, &grad_out, &input, |w, g, x| super::conv_weight_grad(w, g, x, shape));
}
