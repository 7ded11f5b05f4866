//! Convolutions over one, two or three dimensions, and transposed ones.

use flambeau_tensor::{Error, Result, Tensor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::sizes::{Given, one, yes, zero};
use super::{Sizes, parameter};
use crate::{Forward, Module, init};

/// What is added on each side of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding<const N: usize> {
    /// So many elements on each side.
    Each(Sizes<N>),
    /// So many that the output is as large as the input.
    Same,
    /// None.
    Valid,
}

impl<const N: usize, T: Into<Sizes<N>>> From<T> for Padding<N> {
    fn from(sizes: T) -> Padding<N> {
        Padding::Each(sizes.into())
    }
}

/// Sizes, `same` or `valid`.
impl<const N: usize> Serialize for Padding<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Padding::Each(sizes) => sizes.serialize(serializer),
            Padding::Same => "same".serialize(serializer),
            Padding::Valid => "valid".serialize(serializer),
        }
    }
}

impl<'de, const N: usize> Deserialize<'de> for Padding<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Padding<N>, D::Error> {
        match Given::deserialize(deserializer)? {
            Given::Word(word) if word == "same" => Ok(Padding::Same),
            Given::Word(word) if word == "valid" => Ok(Padding::Valid),
            given => given.sizes().map(Padding::Each),
        }
    }
}

fn no_padding<const N: usize>() -> Padding<N> {
    zero().into()
}

fn one_group() -> i64 {
    1
}

fn zeros() -> PaddingMode {
    PaddingMode::Zeros
}

/// What the elements added by padding are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaddingMode {
    /// 0.
    Zeros,
    /// The input mirrored at its edge element.
    Reflect,
    /// The edge element.
    Replicate,
    /// The input from its other end.
    Circular,
}

impl PaddingMode {
    pub(super) fn name(self) -> &'static str {
        match self {
            PaddingMode::Zeros => "zeros",
            PaddingMode::Reflect => "reflect",
            PaddingMode::Replicate => "replicate",
            PaddingMode::Circular => "circular",
        }
    }
}

/// How a convolution moves over its input. Options of layers and optimizers are read from configurations with `serde`; what
/// is left out is PyTorch's default.
///
/// ```
/// use flambeau_nn::{Conv2dOptions, Padding};
///
/// let options: Conv2dOptions = serde_json::from_str(r#"{"stride": 2, "padding": [1, 2], "bias": false}"#).unwrap();
/// assert_eq!(options, Conv2dOptions { stride: 2.into(), padding: (1, 2).into(), bias: false, ..Default::default() });
/// let options: Conv2dOptions = serde_json::from_str(r#"{"padding": "same"}"#).unwrap();
/// assert_eq!(options.padding, Padding::Same);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvOptions<const N: usize> {
    /// The step from one output to the next.
    #[serde(default = "one")]
    pub stride: Sizes<N>,
    /// What is added on each side.
    #[serde(default = "no_padding")]
    pub padding: Padding<N>,
    /// The step from one element of the kernel to the next.
    #[serde(default = "one")]
    pub dilation: Sizes<N>,
    /// Into how many groups, each on its own, the channels are divided.
    #[serde(default = "one_group")]
    pub groups: i64,
    /// Whether a number is added to each output channel.
    #[serde(default = "yes")]
    pub bias: bool,
    /// What is added by padding.
    #[serde(default = "zeros")]
    pub padding_mode: PaddingMode,
}

impl<const N: usize> Default for ConvOptions<N> {
    fn default() -> ConvOptions<N> {
        ConvOptions {
            stride: one(),
            padding: no_padding(),
            dilation: one(),
            groups: 1,
            bias: true,
            padding_mode: PaddingMode::Zeros,
        }
    }
}

/// A convolution over the last `N` dimensions. Shape: `N I *s -> N O *s'` or `I *s -> O *s'`.
///
/// ```
/// use flambeau_nn::{Conv2d, Conv2dOptions, Forward, Padding};
/// use flambeau_tensor::ops;
///
/// let plain = Conv2d::new(3, 8, 5)?;
/// assert_eq!(plain.forward(&ops::ones(&[2, 3, 28, 28])?)?.size(), [2, 8, 24, 24]);
///
/// let layer = Conv2d::with(3, 8, 5, Conv2dOptions { stride: 2.into(), padding: 2.into(), ..Default::default() })?;
/// assert_eq!(format!("{layer}"), "Conv2d(3, 8, kernel_size=(5, 5), stride=(2, 2), padding=(2, 2))");
///
/// let same = Conv2d::with(3, 8, 4, Conv2dOptions { padding: Padding::Same, ..Default::default() })?;
/// assert_eq!(same.forward(&ops::ones(&[3, 9, 9])?)?.size(), [8, 9, 9]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Module)]
#[module(name = ["Conv1d", "Conv2d", "Conv3d"][N - 1], extra_repr = Self::settings)]
pub struct Conv<const N: usize> {
    /// Of shape `O I/groups *kernel`.
    pub weight: Tensor,
    /// Of shape `O`.
    pub bias: Option<Tensor>,
    #[module(skip)]
    options: ConvOptions<N>,
}

/// A convolution over length.
pub type Conv1d = Conv<1>;
/// A convolution over height and width.
pub type Conv2d = Conv<2>;
/// A convolution over depth, height and width.
pub type Conv3d = Conv<3>;
/// The settings of a [`Conv1d`].
pub type Conv1dOptions = ConvOptions<1>;
/// The settings of a [`Conv2d`].
pub type Conv2dOptions = ConvOptions<2>;
/// The settings of a [`Conv3d`].
pub type Conv3dOptions = ConvOptions<3>;

fn check_channels(in_channels: i64, out_channels: i64, groups: i64) -> Result<()> {
    if groups <= 0 {
        return Err(Error::value("groups must be a positive integer"));
    }
    for (channels, what) in [(in_channels, "in_channels"), (out_channels, "out_channels")] {
        if channels % groups != 0 {
            return Err(Error::value(format!("{what} must be divisible by groups")));
        }
    }
    Ok(())
}

/// Weight and bias with their initial values. The weight's shape: `first second *kernel`.
fn weights(first: i64, second: i64, kernel: &[i64], bias: Option<i64>) -> Result<(Tensor, Option<Tensor>)> {
    let weight = parameter(&[&[first, second], kernel].concat())?;
    let bias = bias.map(|n| parameter(&[n])).transpose()?;
    init::reset_linear(&weight, bias.as_ref())?;
    Ok((weight, bias))
}

impl<const N: usize> Conv<N> {
    /// A convolution that moves by one, without padding.
    pub fn new(in_channels: i64, out_channels: i64, kernel_size: impl Into<Sizes<N>>) -> Result<Conv<N>> {
        Conv::with(in_channels, out_channels, kernel_size, ConvOptions::default())
    }

    /// A convolution that moves as `options` says.
    pub fn with(
        in_channels: i64,
        out_channels: i64,
        kernel_size: impl Into<Sizes<N>>,
        options: ConvOptions<N>,
    ) -> Result<Conv<N>> {
        check_channels(in_channels, out_channels, options.groups)?;
        if options.padding == Padding::Same && !options.stride.all(1) {
            return Err(Error::value("padding='same' is not supported for strided convolutions"));
        }
        let bias = options.bias.then_some(out_channels);
        let (weight, bias) = weights(out_channels, in_channels / options.groups, &kernel_size.into().each, bias)?;
        Ok(Conv { weight, bias, options })
    }

    /// The padding as `pad` takes it: before and after each dimension, the last one first.
    fn sides(&self) -> Vec<i64> {
        let side = |i: usize| match &self.options.padding {
            Padding::Each(sizes) => [sizes.each[i]; 2],
            Padding::Valid => [0; 2],
            Padding::Same => {
                let total = self.options.dilation.each[i] * (self.weight.size()[2 + i] - 1);
                [total / 2, total - total / 2]
            }
        };
        (0..N).rev().flat_map(side).collect()
    }

    fn settings(&self) -> String {
        let (size, o) = (self.weight.size(), &self.options);
        let kernel = super::python_tuple(&size[2..]);
        let mut text =
            format!("{}, {}, kernel_size={kernel}, stride={}", size[1] * o.groups, size[0], o.stride.tuple());
        match &o.padding {
            Padding::Each(sizes) if sizes.all(0) => {}
            Padding::Each(sizes) => text += &format!(", padding={}", sizes.tuple()),
            Padding::Same => text += ", padding=same",
            Padding::Valid => text += ", padding=valid",
        }
        if !o.dilation.all(1) {
            text += &format!(", dilation={}", o.dilation.tuple());
        }
        if o.groups != 1 {
            text += &format!(", groups={}", o.groups);
        }
        if self.bias.is_none() {
            text += ", bias=False";
        }
        if o.padding_mode != PaddingMode::Zeros {
            text += &format!(", padding_mode={}", o.padding_mode.name());
        }
        text
    }
}

impl<const N: usize> Forward for Conv<N> {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let (o, bias) = (&self.options, self.bias.as_ref());
        let (stride, dilation) = (&o.stride.each, &o.dilation.each);
        let (input, padding) = if o.padding_mode == PaddingMode::Zeros {
            (input.clone(), o.padding)
        } else {
            (input.pad_with(&self.sides(), o.padding_mode.name(), None)?, Padding::Valid)
        };
        let word = match &padding {
            Padding::Each(sizes) => {
                let convolve = [Tensor::conv1d_with, Tensor::conv2d_with, Tensor::conv3d_with][N - 1];
                return convolve(&input, &self.weight, bias, stride, &sizes.each, dilation, o.groups);
            }
            Padding::Same => "same",
            Padding::Valid => "valid",
        };
        let convolve = [Tensor::conv1d_padding_with, Tensor::conv2d_padding_with, Tensor::conv3d_padding_with][N - 1];
        convolve(&input, &self.weight, bias, stride, word, dilation, o.groups)
    }
}

/// How a transposed convolution moves over its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvTransposeOptions<const N: usize> {
    /// The step that one element of the input makes in the output.
    #[serde(default = "one")]
    pub stride: Sizes<N>,
    /// What is cut off each side of the output.
    #[serde(default = "zero")]
    pub padding: Sizes<N>,
    /// What is added to one side of the output.
    #[serde(default = "zero")]
    pub output_padding: Sizes<N>,
    /// The step from one element of the kernel to the next.
    #[serde(default = "one")]
    pub dilation: Sizes<N>,
    /// Into how many groups, each on its own, the channels are divided.
    #[serde(default = "one_group")]
    pub groups: i64,
    /// Whether a number is added to each output channel.
    #[serde(default = "yes")]
    pub bias: bool,
}

impl<const N: usize> Default for ConvTransposeOptions<N> {
    fn default() -> ConvTransposeOptions<N> {
        ConvTransposeOptions {
            stride: one(),
            padding: zero(),
            output_padding: zero(),
            dilation: one(),
            groups: 1,
            bias: true,
        }
    }
}

/// The gradient of a convolution as a layer: it makes its input larger. Shape: `N I *s -> N O *s'` or `I *s -> O *s'`.
///
/// ```
/// use flambeau_nn::{ConvTranspose2d, ConvTransposeOptions, Forward};
/// use flambeau_tensor::ops;
///
/// let options = ConvTransposeOptions { stride: 2.into(), padding: 1.into(), ..Default::default() };
/// let layer = ConvTranspose2d::with(8, 3, 4, options)?;
/// assert_eq!(layer.forward(&ops::ones(&[2, 8, 14, 14])?)?.size(), [2, 3, 28, 28]);
/// assert_eq!(format!("{layer}"), "ConvTranspose2d(8, 3, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1))");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Module)]
#[module(name = ["ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"][N - 1], extra_repr = Self::settings)]
pub struct ConvTranspose<const N: usize> {
    /// Of shape `I O/groups *kernel`.
    pub weight: Tensor,
    /// Of shape `O`.
    pub bias: Option<Tensor>,
    #[module(skip)]
    options: ConvTransposeOptions<N>,
}

/// A transposed convolution over length.
pub type ConvTranspose1d = ConvTranspose<1>;
/// A transposed convolution over height and width.
pub type ConvTranspose2d = ConvTranspose<2>;
/// A transposed convolution over depth, height and width.
pub type ConvTranspose3d = ConvTranspose<3>;

impl<const N: usize> ConvTranspose<N> {
    /// A transposed convolution that moves by one.
    pub fn new(in_channels: i64, out_channels: i64, kernel_size: impl Into<Sizes<N>>) -> Result<ConvTranspose<N>> {
        ConvTranspose::with(in_channels, out_channels, kernel_size, ConvTransposeOptions::default())
    }

    /// A transposed convolution that moves as `options` says.
    pub fn with(
        in_channels: i64,
        out_channels: i64,
        kernel_size: impl Into<Sizes<N>>,
        options: ConvTransposeOptions<N>,
    ) -> Result<ConvTranspose<N>> {
        check_channels(in_channels, out_channels, options.groups)?;
        let bias = options.bias.then_some(out_channels);
        let (weight, bias) = weights(in_channels, out_channels / options.groups, &kernel_size.into().each, bias)?;
        Ok(ConvTranspose { weight, bias, options })
    }

    fn settings(&self) -> String {
        let (size, o) = (self.weight.size(), &self.options);
        let kernel = super::python_tuple(&size[2..]);
        let mut text =
            format!("{}, {}, kernel_size={kernel}, stride={}", size[0], size[1] * o.groups, o.stride.tuple());
        let sizes = [("padding", o.padding, 0), ("dilation", o.dilation, 1), ("output_padding", o.output_padding, 0)];
        for (name, sizes, usual) in sizes {
            if !sizes.all(usual) {
                text += &format!(", {name}={}", sizes.tuple());
            }
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

impl<const N: usize> Forward for ConvTranspose<N> {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let (o, bias) = (&self.options, self.bias.as_ref());
        let convolve =
            [Tensor::conv_transpose1d_with, Tensor::conv_transpose2d_with, Tensor::conv_transpose3d_with][N - 1];
        let (stride, padding, more, dilation) = (&o.stride, &o.padding, &o.output_padding, &o.dilation);
        convolve(input, &self.weight, bias, &stride.each, &padding.each, &more.each, o.groups, &dilation.each)
    }
}
