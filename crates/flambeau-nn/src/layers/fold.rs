use flambeau_tensor::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::Pair;
use crate::{Forward, Module};

/// How the window of an [`Unfold`] or a [`Fold`] moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FoldOptions {
    /// The step from one element of the window to the next.
    pub dilation: Pair,
    /// Zeros on each side of the image.
    pub padding: Pair,
    /// The step from one window to the next.
    pub stride: Pair,
}

impl Default for FoldOptions {
    fn default() -> FoldOptions {
        FoldOptions { dilation: 1.into(), padding: 0.into(), stride: 1.into() }
    }
}

impl FoldOptions {
    fn settings(&self, kernel_size: Pair) -> String {
        let FoldOptions { dilation, padding, stride } = self;
        format!("kernel_size={kernel_size}, dilation={dilation}, padding={padding}, stride={stride}")
    }
}

/// The patches that a window moves over, each a column. Shape: `N C H W -> N C*kH*kW L`.
///
/// ```
/// use flambeau_nn::{Forward, Unfold};
/// use flambeau_tensor::ops;
/// assert_eq!(Unfold::new(2).forward(&ops::ones(&[1, 1, 3, 3])?)?.size(), [1, 4, 4]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Module)]
#[module(extra_repr = Self::settings)]
pub struct Unfold {
    #[module(skip)]
    kernel_size: Pair,
    #[module(skip)]
    options: FoldOptions,
}

impl Unfold {
    /// A window of this size that moves by one.
    pub fn new(kernel_size: impl Into<Pair>) -> Unfold {
        Unfold::with(kernel_size, FoldOptions::default())
    }

    /// A window of this size that moves as `options` says.
    pub fn with(kernel_size: impl Into<Pair>, options: FoldOptions) -> Unfold {
        Unfold { kernel_size: kernel_size.into(), options }
    }

    fn settings(&self) -> String {
        self.options.settings(self.kernel_size)
    }
}

impl Forward for Unfold {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let o = &self.options;
        input.im2col(&self.kernel_size.each, &o.dilation.each, &o.padding.each, &o.stride.each)
    }
}

/// Images as the sums of their patches. Shape: `N C*kH*kW L -> N C H W`.
///
/// ```
/// use flambeau_nn::{Fold, Forward};
/// use flambeau_tensor::ops;
/// assert_eq!(Fold::new(3, 2).forward(&ops::ones(&[1, 4, 4])?)?.size(), [1, 1, 3, 3]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Module)]
#[module(extra_repr = Self::settings)]
pub struct Fold {
    #[module(skip)]
    output_size: Pair,
    #[module(skip)]
    kernel_size: Pair,
    #[module(skip)]
    options: FoldOptions,
}

impl Fold {
    /// Images of `output_size` from patches of `kernel_size`, one beside the other by one.
    pub fn new(output_size: impl Into<Pair>, kernel_size: impl Into<Pair>) -> Fold {
        Fold::with(output_size, kernel_size, FoldOptions::default())
    }

    /// As [`Fold::new`], with settings.
    pub fn with(output_size: impl Into<Pair>, kernel_size: impl Into<Pair>, options: FoldOptions) -> Fold {
        Fold { output_size: output_size.into(), kernel_size: kernel_size.into(), options }
    }

    fn settings(&self) -> String {
        format!("output_size={}, {}", self.output_size, self.options.settings(self.kernel_size))
    }
}

impl Forward for Fold {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let (o, size) = (&self.options, &self.output_size.each);
        input.col2im(size, &self.kernel_size.each, &o.dilation.each, &o.padding.each, &o.stride.each)
    }
}
