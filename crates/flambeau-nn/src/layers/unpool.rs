//! Maxima put back where they were found, and maxima of windows at random places.

use flambeau_tensor::{Error, Result, Tensor, ops};

use super::Sizes;
use crate::{Forward, Module};

/// Each maximum back where a [`MaxPool`](super::MaxPool) found it, zeros elsewhere. Shape: `N C *s, N C *s -> N C *s'`.
///
/// ```
/// use flambeau_nn::{MaxPool2d, MaxUnpool2d};
/// use flambeau_tensor::Tensor;
///
/// let x = Tensor::of(&[1.0f32, 2.0, 3.0, 4.0], &[1, 1, 2, 2])?;
/// let (greatest, places) = MaxPool2d::new(2).forward_with_indices(&x)?;
/// let layer = MaxUnpool2d::new(2);
/// assert_eq!(layer.forward(&greatest, &places)?.to_vec::<f32>()?, [0.0, 0.0, 0.0, 4.0]);
/// assert_eq!(format!("{layer}"), "MaxUnpool2d(kernel_size=(2, 2), stride=(2, 2), padding=(0, 0))");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Module)]
#[module(name = ["MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"][N - 1], extra_repr = Self::settings)]
pub struct MaxUnpool<const N: usize> {
    #[module(skip)]
    kernel_size: Sizes<N>,
    #[module(skip)]
    stride: Sizes<N>,
    #[module(skip)]
    padding: Sizes<N>,
}

/// Each maximum of a signal back where it was found.
pub type MaxUnpool1d = MaxUnpool<1>;
/// Each maximum of an image back where it was found.
pub type MaxUnpool2d = MaxUnpool<2>;
/// Each maximum of a volume back where it was found.
pub type MaxUnpool3d = MaxUnpool<3>;

impl<const N: usize> MaxUnpool<N> {
    /// For windows of this size, side by side.
    pub fn new(kernel_size: impl Into<Sizes<N>>) -> MaxUnpool<N> {
        MaxUnpool::with(kernel_size, None, 0)
    }

    /// For windows of this size and step (their size if `None`) over an input with so much padding.
    pub fn with(
        kernel_size: impl Into<Sizes<N>>,
        stride: Option<Sizes<N>>,
        padding: impl Into<Sizes<N>>,
    ) -> MaxUnpool<N> {
        let kernel_size = kernel_size.into();
        MaxUnpool { kernel_size, stride: stride.unwrap_or(kernel_size), padding: padding.into() }
    }

    /// The output has the smallest size that gives such an input.
    pub fn forward(&self, input: &Tensor, indices: &Tensor) -> Result<Tensor> {
        self.unpool(input, indices, None)
    }

    /// An output of this size: several sizes give the same when they are pooled.
    pub fn forward_to(&self, input: &Tensor, indices: &Tensor, output_size: &[i64]) -> Result<Tensor> {
        self.unpool(input, indices, Some(output_size))
    }

    fn unpool(&self, input: &Tensor, indices: &Tensor, output_size: Option<&[i64]>) -> Result<Tensor> {
        let unpool = [Tensor::max_unpool1d_with, Tensor::max_unpool2d_with, Tensor::max_unpool3d_with][N - 1];
        unpool(input, indices, &self.kernel_size.each, Some(&self.stride.each), &self.padding.each, output_size)
    }

    fn settings(&self) -> String {
        let [size, stride, padding] = [self.kernel_size, self.stride, self.padding].map(|sizes| sizes.tuple());
        format!("kernel_size={size}, stride={stride}, padding={padding}")
    }
}

/// The greatest elements of windows at random places (Graham, 2014). Shape: `N C *s -> N C *s'` or `C *s -> C *s'`, over two
/// or three dimensions.
///
/// ```
/// use flambeau_nn::{Forward, FractionalMaxPool2d};
/// use flambeau_tensor::ops;
///
/// let x = ops::ones(&[1, 3, 8, 6])?;
/// assert_eq!(FractionalMaxPool2d::to(2, (5, 4))?.forward(&x)?.size(), [1, 3, 5, 4]);
/// assert_eq!(FractionalMaxPool2d::by(2, [0.5, 0.5])?.forward(&x)?.size(), [1, 3, 4, 3]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Module)]
#[module(name = ["", "FractionalMaxPool2d", "FractionalMaxPool3d"][N - 1])]
pub struct FractionalMaxPool<const N: usize> {
    #[module(skip)]
    kernel_size: Sizes<N>,
    #[module(skip)]
    target: Target<N>,
}

#[derive(Clone)]
enum Target<const N: usize> {
    Size(Sizes<N>),
    Ratio([f64; N]),
}

/// The greatest elements of windows at random places of an image.
pub type FractionalMaxPool2d = FractionalMaxPool<2>;
/// The greatest elements of windows at random places of a volume.
pub type FractionalMaxPool3d = FractionalMaxPool<3>;

impl<const N: usize> FractionalMaxPool<N> {
    const DIMENSIONS: () = assert!(N == 2 || N == 3, "fractional pooling is over two or three dimensions");

    /// An output of this size.
    pub fn to(kernel_size: impl Into<Sizes<N>>, output_size: impl Into<Sizes<N>>) -> Result<FractionalMaxPool<N>> {
        FractionalMaxPool::make(kernel_size.into(), Target::Size(output_size.into()))
    }

    /// An output that is smaller than the input by these factors, each between 0 and 1.
    pub fn by(kernel_size: impl Into<Sizes<N>>, output_ratio: [f64; N]) -> Result<FractionalMaxPool<N>> {
        if output_ratio.iter().any(|ratio| !(*ratio > 0.0 && *ratio < 1.0)) {
            return Err(Error::value(format!("output_ratio must be between 0 and 1 (got {output_ratio:?})")));
        }
        FractionalMaxPool::make(kernel_size.into(), Target::Ratio(output_ratio))
    }

    fn make(kernel_size: Sizes<N>, target: Target<N>) -> Result<FractionalMaxPool<N>> {
        let () = Self::DIMENSIONS;
        if kernel_size.each.iter().any(|&size| size <= 0) {
            return Err(Error::value(format!("kernel_size must be greater than 0, but got {kernel_size}")));
        }
        Ok(FractionalMaxPool { kernel_size, target })
    }

    /// Also where in each plane the greatest elements lie, as int64.
    pub fn forward_with_indices(&self, input: &Tensor) -> Result<(Tensor, Tensor)> {
        let size = input.size();
        if size.len() != N + 1 && size.len() != N + 2 {
            return Err(Error::runtime(format!("expected {}D or {}D input (got {}D input)", N + 1, N + 2, size.len())));
        }
        let (lead, inner) = size.split_at(size.len() - N);
        let output: Vec<i64> = match &self.target {
            Target::Size(sizes) => sizes.each.to_vec(),
            Target::Ratio(ratios) => inner.iter().zip(ratios).map(|(&n, ratio)| (n as f64 * ratio) as i64).collect(),
        };
        let (batch, channels) = if let [batch, channels] = *lead { (batch, channels) } else { (1, lead[0]) };
        let samples = ops::rand(&[batch, channels, N as i64])?.to_dtype(input.dtype())?;
        let pool = if N == 2 { Tensor::fractional_max_pool2d } else { Tensor::fractional_max_pool3d };
        pool(input, &self.kernel_size.each, &output, &samples)
    }
}

impl<const N: usize> Forward for FractionalMaxPool<N> {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        Ok(self.forward_with_indices(input)?.0)
    }
}
