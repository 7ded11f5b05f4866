//! Images, signals and volumes at another size, and channels that become space.

use flambeau_tensor::{Error, Result, Tensor};
use serde::{Deserialize, Serialize};

use crate::module::{python_float, python_tuple};
use crate::{Forward, Module};

/// How new elements come from the old.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// The nearest element, as older programs understand it.
    Nearest,
    /// The nearest element.
    NearestExact,
    /// Lines between neighbours, along each dimension (`linear`, `bilinear`, `trilinear`).
    Linear,
    /// Cubic curves through four neighbours, for images.
    Bicubic,
    /// The mean of the area.
    Area,
}

/// The size wanted, or by how much the input's is multiplied.
#[derive(Clone, Debug, PartialEq)]
enum Target {
    Size(Vec<i64>),
    Scale(Vec<f64>),
}

/// Brings signals, images or volumes to another size (`torch.nn.functional.interpolate`). Shape: `N C *s -> N C *s'`.
///
/// ```
/// use flambeau_nn::{Forward, Interpolation, Upsample};
/// use flambeau_tensor::ops;
///
/// let layer = Upsample::by(2.0, Interpolation::Nearest);
/// assert_eq!(layer.forward(&ops::ones(&[1, 3, 4, 4])?)?.size(), [1, 3, 8, 8]);
/// assert_eq!(format!("{layer}"), "Upsample(scale_factor=2.0, mode='nearest')");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Module)]
#[module(extra_repr = Self::settings)]
pub struct Upsample {
    #[module(skip)]
    target: Target,
    #[module(skip)]
    mode: Interpolation,
    align_corners: bool,
}

impl Upsample {
    /// To this size of the last dimensions.
    pub fn to(size: &[i64], mode: Interpolation) -> Upsample {
        Upsample { target: Target::Size(size.to_vec()), mode, align_corners: false }
    }

    /// To this multiple of the input's size.
    pub fn by(scale_factor: f64, mode: Interpolation) -> Upsample {
        Upsample { target: Target::Scale(vec![scale_factor]), mode, align_corners: false }
    }

    /// Keeps the middles of the corner elements in place, for lines and curves.
    pub fn align_corners(self, align_corners: bool) -> Upsample {
        Upsample { align_corners, ..self }
    }

    fn settings(&self) -> String {
        let target = match &self.target {
            Target::Size(size) if size.len() == 1 => format!("size={}", size[0]),
            Target::Size(size) => format!("size={}", python_tuple(size)),
            Target::Scale(scale) => format!("scale_factor={}", python_float(scale[0])),
        };
        let dims = if let Target::Size(size) = &self.target { size.len() } else { 2 };
        let mode = match self.mode {
            Interpolation::Nearest => "nearest",
            Interpolation::NearestExact => "nearest-exact",
            Interpolation::Linear => ["linear", "linear", "bilinear", "trilinear"][dims.min(3)],
            Interpolation::Bicubic => "bicubic",
            Interpolation::Area => "area",
        };
        format!("{target}, mode='{mode}'")
    }
}

impl Forward for Upsample {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let n = x.dim();
        if !(3..=5).contains(&n) {
            return Err(Error::not_implemented(format!(
                "Input Error: Only 3D, 4D and 5D input Tensors supported (got {n}D)"
            )));
        }
        let own = &x.size()[2..];
        let (size, scales): (Vec<i64>, Option<Vec<f64>>) = match &self.target {
            Target::Size(size) if size.len() == 1 => (vec![size[0]; own.len()], None),
            Target::Size(size) => (size.clone(), None),
            Target::Scale(scale) => {
                (own.iter().map(|&n| (n as f64 * scale[0]) as i64).collect(), Some(vec![scale[0]; own.len()]))
            }
        };
        if size.len() != own.len() {
            return Err(Error::value(format!(
                "Input and output must have the same number of spatial dimensions, but got input with spatial dimensions of \
                 {own:?} and output size of {size:?}."
            )));
        }
        let (scales, corners) = (scales.as_deref(), self.align_corners);
        match (self.mode, n) {
            (Interpolation::Nearest, 3) => x.upsample_nearest1d_with(&size, scales),
            (Interpolation::Nearest, 4) => x.upsample_nearest2d_with(&size, scales),
            (Interpolation::Nearest, _) => x.upsample_nearest3d_with(&size, scales),
            (Interpolation::NearestExact, 3) => x.upsample_nearest_exact1d_with(&size, scales),
            (Interpolation::NearestExact, 4) => x.upsample_nearest_exact2d_with(&size, scales),
            (Interpolation::NearestExact, _) => x.upsample_nearest_exact3d_with(&size, scales),
            (Interpolation::Linear, 3) => x.upsample_linear1d_with(&size, corners, scales),
            (Interpolation::Linear, 4) => x.upsample_bilinear2d_with(&size, corners, scales),
            (Interpolation::Linear, _) => x.upsample_trilinear3d_with(&size, corners, scales),
            (Interpolation::Bicubic, 4) => x.upsample_bicubic2d_with(&size, corners, scales),
            (Interpolation::Bicubic, n) => {
                Err(Error::not_implemented(format!("Got {n}D input, but bicubic mode needs 4D input")))
            }
            (Interpolation::Area, 3) => x.adaptive_avg_pool1d(&size),
            (Interpolation::Area, 4) => x.adaptive_avg_pool2d(&size),
            (Interpolation::Area, _) => x.adaptive_avg_pool3d(&size),
        }
    }
}

/// Moves channels into space. Shape: `*s C*r*r H W -> *s C H*r W*r`.
///
/// ```
/// use flambeau_nn::{Forward, PixelShuffle};
/// use flambeau_tensor::ops;
/// assert_eq!(PixelShuffle { upscale_factor: 3 }.forward(&ops::ones(&[1, 9, 4, 4])?)?.size(), [1, 1, 12, 12]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Module)]
#[module(extra_repr = Self::settings)]
pub struct PixelShuffle {
    /// By how much height and width grow.
    pub upscale_factor: i64,
}

impl PixelShuffle {
    fn settings(&self) -> String {
        format!("upscale_factor={}", self.upscale_factor)
    }
}

/// Dimensions `*s` of `n` and three more behind them, the last two divided or joined.
fn reorder(x: &Tensor, split: &[i64], order: [i64; 5], joined: &[i64]) -> Result<Tensor> {
    let batch = &x.size()[..x.dim() - 3];
    let n = batch.len() as i64;
    let order: Vec<i64> = (0..n).chain(order.map(|i| n + i)).collect();
    x.reshape(&[batch, split].concat())?.permute(&order)?.reshape(&[batch, joined].concat())
}

impl Forward for PixelShuffle {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let r = self.upscale_factor;
        let &[.., c, h, w] = input.size() else {
            return Err(Error::runtime(format!(
                "pixel_shuffle expects input to have at least 3 dimensions, but got input with {} dimension(s)",
                input.dim()
            )));
        };
        if r <= 0 || c % (r * r) != 0 {
            return Err(Error::runtime(format!(
                "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but \
                 input.size(-3)={c} is not divisible by {}",
                r * r
            )));
        }
        let c = c / (r * r);
        reorder(input, &[c, r, r, h, w], [0, 3, 1, 4, 2], &[c, h * r, w * r])
    }
}

/// Interleaves the channels of `groups` groups. Shape: `N C *s -> N C *s`.
///
/// ```
/// use flambeau_nn::{ChannelShuffle, Forward};
/// use flambeau_tensor::Tensor;
/// let x = Tensor::of(&[1.0f32, 2.0, 3.0, 4.0], &[1, 4, 1, 1])?;
/// assert_eq!(ChannelShuffle { groups: 2 }.forward(&x)?.to_vec::<f32>()?, [1.0, 3.0, 2.0, 4.0]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Module)]
#[module(extra_repr = Self::settings)]
pub struct ChannelShuffle {
    /// The number of groups.
    pub groups: i64,
}

impl ChannelShuffle {
    fn settings(&self) -> String {
        format!("groups={}", self.groups)
    }
}

impl Forward for ChannelShuffle {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let &[n, c, ref rest @ ..] = input.size() else {
            return Err(Error::runtime(format!(
                "channel_shuffle expects input with > 2 dims, but got input with sizes {:?}",
                input.size()
            )));
        };
        if self.groups <= 0 || c % self.groups != 0 {
            return Err(Error::runtime(format!(
                "Number of channels must be divisible by groups. Got {c} channels and {} groups.",
                self.groups
            )));
        }
        let apart = [&[n, self.groups, c / self.groups], rest].concat();
        input.reshape(&apart)?.transpose(1, 2)?.reshape(input.size())
    }
}

/// Moves space into channels. Shape: `*s C H*r W*r -> *s C*r*r H W`.
///
/// ```
/// use flambeau_nn::{Forward, PixelUnshuffle};
/// use flambeau_tensor::ops;
/// assert_eq!(PixelUnshuffle { downscale_factor: 3 }.forward(&ops::ones(&[1, 1, 12, 12])?)?.size(), [1, 9, 4, 4]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Module)]
#[module(extra_repr = Self::settings)]
pub struct PixelUnshuffle {
    /// By how much height and width shrink.
    pub downscale_factor: i64,
}

impl PixelUnshuffle {
    fn settings(&self) -> String {
        format!("downscale_factor={}", self.downscale_factor)
    }
}

impl Forward for PixelUnshuffle {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let r = self.downscale_factor;
        let &[.., c, h, w] = input.size() else {
            return Err(Error::runtime(format!(
                "pixel_unshuffle expects input to have at least 3 dimensions, but got input with {} dimension(s)",
                input.dim()
            )));
        };
        if r <= 0 || h % r != 0 || w % r != 0 {
            return Err(Error::runtime(format!(
                "pixel_unshuffle expects height and width to be divisible by downscale_factor, but {h} x {w} is not divisible \
                 by {r}"
            )));
        }
        let (h, w) = (h / r, w / r);
        reorder(input, &[c, h, r, w, r], [0, 2, 4, 1, 3], &[c * r * r, h, w])
    }
}
