//! Pooling over one, two or three dimensions: fixed windows, or as many as give a wanted size.

use flambeau_tensor::{Error, Result, Tensor};
use serde::{Deserialize, Serialize};

use super::Sizes;
use super::sizes::{one, yes, zero};
use crate::module::{python, python_float};
use crate::{Forward, Module};

/// How a [`MaxPool`] moves over its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxPoolOptions<const N: usize> {
    /// The step from one window to the next; the window's size if `None`.
    #[serde(default)]
    pub stride: Option<Sizes<N>>,
    /// What is added on each side, never the greatest.
    #[serde(default = "zero")]
    pub padding: Sizes<N>,
    /// The step from one element of a window to the next.
    #[serde(default = "one")]
    pub dilation: Sizes<N>,
    /// Whether a window that only partly covers the input counts.
    #[serde(default)]
    pub ceil_mode: bool,
}

impl<const N: usize> Default for MaxPoolOptions<N> {
    fn default() -> MaxPoolOptions<N> {
        MaxPoolOptions { stride: None, padding: 0.into(), dilation: 1.into(), ceil_mode: false }
    }
}

/// The greatest element of each window. Shape: `N C *s -> N C *s'` or `C *s -> C *s'`.
///
/// ```
/// use flambeau_nn::{Forward, MaxPool2d};
/// use flambeau_tensor::ops;
///
/// let layer = MaxPool2d::new(2);
/// assert_eq!(layer.forward(&ops::ones(&[2, 8, 24, 24])?)?.size(), [2, 8, 12, 12]);
/// assert_eq!(format!("{layer}"), "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Module)]
#[module(name = ["MaxPool1d", "MaxPool2d", "MaxPool3d"][N - 1], extra_repr = Self::settings)]
pub struct MaxPool<const N: usize> {
    #[module(skip)]
    kernel_size: Sizes<N>,
    #[module(skip)]
    options: MaxPoolOptions<N>,
}

/// The greatest element of each window of a signal.
pub type MaxPool1d = MaxPool<1>;
/// The greatest element of each window of an image.
pub type MaxPool2d = MaxPool<2>;
/// The greatest element of each window of a volume.
pub type MaxPool3d = MaxPool<3>;
/// The settings of a [`MaxPool2d`].
pub type MaxPool2dOptions = MaxPoolOptions<2>;

impl<const N: usize> MaxPool<N> {
    /// Windows of this size, side by side.
    pub fn new(kernel_size: impl Into<Sizes<N>>) -> MaxPool<N> {
        MaxPool::with(kernel_size, MaxPoolOptions::default())
    }

    /// Windows of this size that move as `options` says.
    pub fn with(kernel_size: impl Into<Sizes<N>>, options: MaxPoolOptions<N>) -> MaxPool<N> {
        MaxPool { kernel_size: kernel_size.into(), options }
    }

    /// Also where in each plane the greatest elements lie, as int64: what `max_unpool` takes.
    pub fn forward_with_indices(&self, input: &Tensor) -> Result<(Tensor, Tensor)> {
        let o = &self.options;
        let pool = [
            Tensor::max_pool1d_with_indices_with,
            Tensor::max_pool2d_with_indices_with,
            Tensor::max_pool3d_with_indices_with,
        ][N - 1];
        pool(input, &self.kernel_size.each, Some(&self.stride().each), &o.padding.each, &o.dilation.each, o.ceil_mode)
    }

    fn stride(&self) -> Sizes<N> {
        self.options.stride.unwrap_or(self.kernel_size)
    }

    fn settings(&self) -> String {
        let o = &self.options;
        format!(
            "kernel_size={}, stride={}, padding={}, dilation={}, ceil_mode={}",
            self.kernel_size,
            self.stride(),
            o.padding,
            o.dilation,
            python(o.ceil_mode)
        )
    }
}

impl<const N: usize> Forward for MaxPool<N> {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        if N == 2 {
            let o = &self.options;
            let (size, stride) = (&self.kernel_size.each, self.stride());
            return input.max_pool2d_with(size, Some(&stride.each), &o.padding.each, &o.dilation.each, o.ceil_mode);
        }
        Ok(self.forward_with_indices(input)?.0)
    }
}

/// How an [`AvgPool`] moves over its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AvgPoolOptions<const N: usize> {
    /// The step from one window to the next; the window's size if `None`.
    #[serde(default)]
    pub stride: Option<Sizes<N>>,
    /// Zeros added on each side.
    #[serde(default = "zero")]
    pub padding: Sizes<N>,
    /// Whether a window that only partly covers the input counts.
    #[serde(default)]
    pub ceil_mode: bool,
    /// Whether the zeros added count in the mean.
    #[serde(default = "yes")]
    pub count_include_pad: bool,
}

impl<const N: usize> Default for AvgPoolOptions<N> {
    fn default() -> AvgPoolOptions<N> {
        AvgPoolOptions { stride: None, padding: 0.into(), ceil_mode: false, count_include_pad: true }
    }
}

/// The mean of each window. Shape: `N C *s -> N C *s'` or `C *s -> C *s'`.
///
/// ```
/// use flambeau_nn::{AvgPool2d, Forward};
/// use flambeau_tensor::ops;
///
/// let layer = AvgPool2d::new(3);
/// assert_eq!(layer.forward(&ops::ones(&[2, 8, 24, 24])?)?.size(), [2, 8, 8, 8]);
/// assert_eq!(format!("{layer}"), "AvgPool2d(kernel_size=3, stride=3, padding=0)");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Module)]
#[module(name = ["AvgPool1d", "AvgPool2d", "AvgPool3d"][N - 1], extra_repr = Self::settings)]
pub struct AvgPool<const N: usize> {
    #[module(skip)]
    kernel_size: Sizes<N>,
    #[module(skip)]
    options: AvgPoolOptions<N>,
}

/// The mean of each window of a signal.
pub type AvgPool1d = AvgPool<1>;
/// The mean of each window of an image.
pub type AvgPool2d = AvgPool<2>;
/// The mean of each window of a volume.
pub type AvgPool3d = AvgPool<3>;

impl<const N: usize> AvgPool<N> {
    /// Windows of this size, side by side.
    pub fn new(kernel_size: impl Into<Sizes<N>>) -> AvgPool<N> {
        AvgPool::with(kernel_size, AvgPoolOptions::default())
    }

    /// Windows of this size that move as `options` says.
    pub fn with(kernel_size: impl Into<Sizes<N>>, options: AvgPoolOptions<N>) -> AvgPool<N> {
        AvgPool { kernel_size: kernel_size.into(), options }
    }

    fn stride(&self) -> Sizes<N> {
        self.options.stride.unwrap_or(self.kernel_size)
    }

    /// PyTorch prints the layer over length with tuples.
    fn settings(&self) -> String {
        let show = |sizes: Sizes<N>| if N == 1 { sizes.tuple() } else { sizes.to_string() };
        let (size, stride, padding) = (show(self.kernel_size), show(self.stride()), show(self.options.padding));
        format!("kernel_size={size}, stride={stride}, padding={padding}")
    }
}

impl<const N: usize> Forward for AvgPool<N> {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let (o, size, stride) = (&self.options, &self.kernel_size.each, self.stride());
        let (stride, padding, whole) = (Some(&stride.each[..]), &o.padding.each[..], o.count_include_pad);
        match N {
            1 => input.avg_pool1d_with(size, stride, padding, o.ceil_mode, whole),
            2 => input.avg_pool2d_with(size, stride, padding, o.ceil_mode, whole, None),
            _ => input.avg_pool3d_with(size, stride, padding, o.ceil_mode, whole, None),
        }
    }
}

/// The `p`-norm of each window. Shape: `N C *s -> N C *s'`.
///
/// ```
/// use flambeau_nn::{Forward, LPPool};
/// use flambeau_tensor::ops;
/// let y = LPPool::<2>::new(2.0, 2)?.forward(&ops::ones(&[1, 1, 4, 4])?)?;
/// assert_eq!(y.to_vec::<f32>()?, [2.0; 4]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Module)]
#[module(name = ["LPPool1d", "LPPool2d", "LPPool3d"][N - 1], extra_repr = Self::settings)]
pub struct LPPool<const N: usize> {
    p: f64,
    #[module(skip)]
    kernel_size: Sizes<N>,
    #[module(skip)]
    stride: Option<Sizes<N>>,
    ceil_mode: bool,
}

/// The `p`-norm of each window of a signal.
pub type LPPool1d = LPPool<1>;
/// The `p`-norm of each window of an image.
pub type LPPool2d = LPPool<2>;
/// The `p`-norm of each window of a volume.
pub type LPPool3d = LPPool<3>;

impl<const N: usize> LPPool<N> {
    /// Windows of this size, side by side.
    pub fn new(p: f64, kernel_size: impl Into<Sizes<N>>) -> Result<LPPool<N>> {
        LPPool::with(p, kernel_size, None, false)
    }

    /// Windows of this size and step (their size if `None`); with `ceil_mode` one that only partly covers the input counts.
    pub fn with(
        p: f64,
        kernel_size: impl Into<Sizes<N>>,
        stride: Option<Sizes<N>>,
        ceil_mode: bool,
    ) -> Result<LPPool<N>> {
        if p == 0.0 {
            return Err(Error::value(format!("norm_type must be a non-zero value, but got {p:?}")));
        }
        Ok(LPPool { p, kernel_size: kernel_size.into(), stride, ceil_mode })
    }

    fn settings(&self) -> String {
        let stride = self.stride.map_or("None".to_string(), |stride| stride.to_string());
        let (p, size, ceil_mode) = (python_float(self.p), self.kernel_size, python(self.ceil_mode));
        format!("norm_type={p}, kernel_size={size}, stride={stride}, ceil_mode={ceil_mode}")
    }
}

impl<const N: usize> Forward for LPPool<N> {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let options = AvgPoolOptions { stride: self.stride, ceil_mode: self.ceil_mode, ..Default::default() };
        let means = AvgPool::with(self.kernel_size, options).forward(&input.pow(self.p)?)?;
        let n: i64 = self.kernel_size.each.iter().product();
        means.sign()?.mul(&means.abs()?.relu()?)?.mul(n)?.pow(1.0 / self.p)
    }
}

/// A pooling whose windows give `output_size` elements, and what it computes of them.
macro_rules! adaptive {
    ($($(#[$doc:meta])* $name:ident $names:expr, $one:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Module)]
        #[module(name = $names[N - 1], extra_repr = Self::settings)]
        pub struct $name<const N: usize> {
            #[module(skip)]
            output_size: Sizes<N>,
        }

        impl<const N: usize> $name<N> {
            /// An output of this size, whatever the input's.
            pub fn new(output_size: impl Into<Sizes<N>>) -> $name<N> {
                $name { output_size: output_size.into() }
            }

            fn settings(&self) -> String {
                format!("output_size={}", self.output_size)
            }
        }

        impl<const N: usize> Forward for $name<N> {
            fn forward(&self, input: &Tensor) -> Result<Tensor> {
                $one[N - 1](input, &self.output_size.each)
            }
        }
    )*};
}

adaptive! {
    /// Means of windows that give an output of the wanted size. Shape: `N C *s -> N C *s'` or `C *s -> C *s'`.
    ///
    /// ```
    /// use flambeau_nn::{AdaptiveAvgPool2d, Forward};
    /// use flambeau_tensor::ops;
    /// assert_eq!(AdaptiveAvgPool2d::new(1).forward(&ops::ones(&[2, 8, 7, 7])?)?.size(), [2, 8, 1, 1]);
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    AdaptiveAvgPool ["AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d"],
        [Tensor::adaptive_avg_pool1d, Tensor::adaptive_avg_pool2d, Tensor::adaptive_avg_pool3d];
    /// Greatest elements of windows that give an output of the wanted size. Shape: `N C *s -> N C *s'` or `C *s -> C *s'`.
    AdaptiveMaxPool ["AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d"],
        [|x: &Tensor, size: &[i64]| Ok(x.adaptive_max_pool1d(size)?.0), |x: &Tensor, size: &[i64]| Ok(x.adaptive_max_pool2d(size)?.0),
        |x: &Tensor, size: &[i64]| Ok(x.adaptive_max_pool3d(size)?.0)];
}

/// Means of windows of a signal that give an output of the wanted size.
pub type AdaptiveAvgPool1d = AdaptiveAvgPool<1>;
/// Means of windows of an image that give an output of the wanted size.
pub type AdaptiveAvgPool2d = AdaptiveAvgPool<2>;
/// Means of windows of a volume that give an output of the wanted size.
pub type AdaptiveAvgPool3d = AdaptiveAvgPool<3>;
/// Greatest elements of windows of a signal that give an output of the wanted size.
pub type AdaptiveMaxPool1d = AdaptiveMaxPool<1>;
/// Greatest elements of windows of an image that give an output of the wanted size.
pub type AdaptiveMaxPool2d = AdaptiveMaxPool<2>;
/// Greatest elements of windows of a volume that give an output of the wanted size.
pub type AdaptiveMaxPool3d = AdaptiveMaxPool<3>;
