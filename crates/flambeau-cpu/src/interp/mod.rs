//! Interpolation: signals, images and volumes at other sizes ([`resample`]), and images at given places ([`grid_sample`]).

mod axis;
mod bytes;
mod channels;
mod grid;
mod nearest;
mod place;
mod resample;

#[cfg(test)]
mod tests;

pub use axis::{Filter, Move};
pub use grid::{Grid, GridFilter, grid_sample, grid_sample_backward};
pub use nearest::pick;
pub use place::Border;

use crate::{View, ViewMut};
use flambeau_types::DType;

/// Elements of work worth a thread.
const GRAIN: usize = 1 << 15;

/// The input at the sizes of the output, whose last dimensions move as told, one after another. All contiguous, of a
/// floating-point dtype or bytes; others do nothing.
pub fn resample(out: &mut ViewMut, input: View, filter: Filter, moves: &[Move]) {
    if out.numel() == 0 || input.numel() == 0 {
        return;
    }
    match (filter, input.dtype()) {
        (Filter::Nearest | Filter::NearestExact, _) => nearest::nearest(out, &input, filter, moves),
        (_, DType::U8) => bytes::resample(out, &input, filter, moves),
        (_, DType::F64) => resample::forward::<f64>(out, &input, filter, moves),
        _ => resample::forward::<f32>(out, &input, filter, moves),
    }
}

/// The gradient of [`resample`] for its input. All contiguous, of a floating-point dtype; the half types are summed in
/// float32.
pub fn resample_backward(grad: &mut ViewMut, grad_out: View, filter: Filter, moves: &[Move]) {
    if grad.numel() == 0 {
        return;
    }
    if grad.dtype() == DType::F64 {
        resample::backward::<f64>(grad, &grad_out, filter, moves)
    } else {
        resample::backward::<f32>(grad, &grad_out, filter, moves)
    }
}

/// How many signals, images or volumes there are, and the elements of each, in the input and in the output.
fn planes(sizes: &[i64], moves: &[Move]) -> (usize, usize, usize) {
    let lead = sizes[..sizes.len() - moves.len()].iter().product::<i64>() as usize;
    (lead, moves.iter().map(|m| m.size).product(), moves.iter().map(|m| m.out).product())
}
