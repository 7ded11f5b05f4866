use flambeau_tensor::{Error, Result, Tensor};

use super::{Pair, parameter};
use crate::module::show;
use crate::{Module, init};

/// How a [`Conv2d`] moves over its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dOptions {
    /// The step from one output to the next.
    pub stride: Pair,
    /// Zeros added on each side.
    pub padding: Pair,
    /// The step from one element of the kernel to the next.
    pub dilation: Pair,
    /// Into how many groups, each on its own, the channels are divided.
    pub groups: i64,
    /// Whether a number is added to each output channel.
    pub bias: bool,
}

impl Default for Conv2dOptions {
    fn default() -> Conv2dOptions {
        Conv2dOptions { stride: 1.into(), padding: 0.into(), dilation: 1.into(), groups: 1, bias: true }
    }
}

/// A convolution over height and width. Shape: `N I H W -> N O H' W'` or `I H W -> O H' W'`.
///
/// ```
/// use flambeau_nn::{Conv2d, Conv2dOptions, Module};
/// use flambeau_tensor::ops;
///
/// let plain = Conv2d::new(3, 8, 5)?;
/// assert_eq!(plain.forward(&ops::ones(&[2, 3, 28, 28])?)?.size(), [2, 8, 24, 24]);
///
/// let layer = Conv2d::with(3, 8, 5, Conv2dOptions { stride: 2.into(), padding: (2, 2).into(), ..Default::default() })?;
/// assert_eq!(format!("{layer}"), "Conv2d(3, 8, kernel_size=(5, 5), stride=(2, 2), padding=(2, 2))");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub struct Conv2d {
    /// Of shape `O I/groups kH kW`.
    pub weight: Tensor,
    /// Of shape `O`.
    pub bias: Option<Tensor>,
    options: Conv2dOptions,
}

impl Conv2d {
    /// A convolution that moves by one, without padding.
    pub fn new(in_channels: i64, out_channels: i64, kernel_size: impl Into<Pair>) -> Result<Conv2d> {
        Conv2d::with(in_channels, out_channels, kernel_size, Conv2dOptions::default())
    }

    /// A convolution that moves as `options` says.
    pub fn with(
        in_channels: i64,
        out_channels: i64,
        kernel_size: impl Into<Pair>,
        options: Conv2dOptions,
    ) -> Result<Conv2d> {
        let groups = options.groups;
        if groups <= 0 {
            return Err(Error::value("groups must be a positive integer"));
        }
        for (channels, what) in [(in_channels, "in_channels"), (out_channels, "out_channels")] {
            if channels % groups != 0 {
                return Err(Error::value(format!("{what} must be divisible by groups")));
            }
        }
        let Pair([height, width]) = kernel_size.into();
        let weight = parameter(&[out_channels, in_channels / groups, height, width])?;
        let bias = options.bias.then(|| parameter(&[out_channels])).transpose()?;
        init::reset_linear(&weight, bias.as_ref())?;
        Ok(Conv2d { weight, bias, options })
    }
}

impl Module for Conv2d {
    fn name(&self) -> &'static str {
        "Conv2d"
    }
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let o = &self.options;
        input.conv2d_with(&self.weight, self.bias.as_ref(), &o.stride.0, &o.padding.0, &o.dilation.0, o.groups)
    }
    fn own_parameters(&self) -> Vec<(&'static str, Tensor)> {
        let bias = self.bias.as_ref().map(|b| ("bias", b.clone()));
        [("weight", self.weight.clone())].into_iter().chain(bias).collect()
    }
    fn extra_repr(&self) -> String {
        let (size, o) = (self.weight.size(), &self.options);
        let kernel = Pair([size[2], size[3]]);
        let mut text = format!("{}, {}, kernel_size={kernel}, stride={}", size[1] * o.groups, size[0], o.stride);
        if o.padding != 0.into() {
            text += &format!(", padding={}", o.padding);
        }
        if o.dilation != 1.into() {
            text += &format!(", dilation={}", o.dilation);
        }
        if o.groups != 1 {
            text += &format!(", groups={}", o.groups);
        }
        if self.bias.is_none() {
            text += ", bias=False";
        }
        text
    }
}
show!(Conv2d);
