//! Mean over windows.

use super::PoolShape;
use super::windows::{Window, avg_windows, avg_windows_backward, fixed_windows};
use crate::{View, ViewMut};

/// What the sums of windows are divided by, besides the windows themselves (whose dilation is 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPoolShape {
    /// The windows.
    pub windows: PoolShape,
    /// Whether padding counts as elements.
    pub count_include_pad: bool,
    /// A divisor in place of the number of elements.
    pub divisor_override: Option<i64>,
}

impl AvgPoolShape {
    /// The windows that lead from planes of these sizes to those.
    fn windows(&self, from: &[i64], to: &[i64]) -> [Vec<Window>; 2] {
        let (from, to, s) = (&from[from.len() - 2..], &to[to.len() - 2..], &self.windows);
        [0, 1].map(|d| fixed_windows(from[d], to[d], s.kernel[d], s.stride[d], s.padding[d], 1))
    }
}

/// The mean of each window. Contiguous, (N, C, H, W) or (C, H, W); bool and complex do nothing.
pub fn avg_pool2d(out: &mut ViewMut, input: View, shape: &AvgPoolShape) {
    let windows = shape.windows(input.sizes(), out.sizes());
    avg_windows(out, input, &windows, !shape.count_include_pad, shape.divisor_override);
}

/// The gradient of [`avg_pool2d`]: each window's gradient is shared out among its elements.
pub fn avg_pool2d_backward(grad_input: &mut ViewMut, grad_out: View, shape: &AvgPoolShape) {
    let windows = shape.windows(grad_input.sizes(), grad_out.sizes());
    avg_windows_backward(grad_input, grad_out, &windows, !shape.count_include_pad, shape.divisor_override);
}
