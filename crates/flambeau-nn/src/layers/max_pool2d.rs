use flambeau_tensor::{Result, Tensor};

use super::Pair;
use crate::Module;
use crate::module::{python, show};

/// How a [`MaxPool2d`] moves over its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool2dOptions {
    /// The step from one window to the next; the window's size if `None`.
    pub stride: Option<Pair>,
    /// What is added on each side, never the greatest.
    pub padding: Pair,
    /// The step from one element of a window to the next.
    pub dilation: Pair,
    /// Whether a window that only partly covers the input counts.
    pub ceil_mode: bool,
}

impl Default for MaxPool2dOptions {
    fn default() -> MaxPool2dOptions {
        MaxPool2dOptions { stride: None, padding: 0.into(), dilation: 1.into(), ceil_mode: false }
    }
}

/// The greatest element of each window. Shape: `N C H W -> N C H' W'` or `C H W -> C H' W'`.
///
/// ```
/// use flambeau_nn::{MaxPool2d, Module};
/// use flambeau_tensor::ops;
///
/// let layer = MaxPool2d::new(2);
/// assert_eq!(layer.forward(&ops::ones(&[2, 8, 24, 24])?)?.size(), [2, 8, 12, 12]);
/// assert_eq!(format!("{layer}"), "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub struct MaxPool2d {
    kernel_size: Pair,
    options: MaxPool2dOptions,
}

impl MaxPool2d {
    /// Windows of this size, side by side.
    pub fn new(kernel_size: impl Into<Pair>) -> MaxPool2d {
        MaxPool2d::with(kernel_size, MaxPool2dOptions::default())
    }

    /// Windows of this size that move as `options` says.
    pub fn with(kernel_size: impl Into<Pair>, options: MaxPool2dOptions) -> MaxPool2d {
        MaxPool2d { kernel_size: kernel_size.into(), options }
    }

    fn stride(&self) -> Pair {
        self.options.stride.unwrap_or(self.kernel_size)
    }
}

/// One number where both are the same.
fn short(pair: Pair) -> String {
    if pair.0[0] == pair.0[1] { pair.0[0].to_string() } else { pair.to_string() }
}

impl Module for MaxPool2d {
    fn name(&self) -> &'static str {
        "MaxPool2d"
    }
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let o = &self.options;
        let stride = self.stride();
        input.max_pool2d_with(&self.kernel_size.0, Some(&stride.0), &o.padding.0, &o.dilation.0, o.ceil_mode)
    }
    fn extra_repr(&self) -> String {
        format!(
            "kernel_size={}, stride={}, padding={}, dilation={}, ceil_mode={}",
            short(self.kernel_size),
            short(self.stride()),
            short(self.options.padding),
            short(self.options.dilation),
            python(self.options.ceil_mode)
        )
    }
}
show!(MaxPool2d);
