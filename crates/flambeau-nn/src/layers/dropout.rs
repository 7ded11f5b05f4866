//! Dropout: zeroing elements or channels at random while training.

use flambeau_tensor::{Error, Result, Scalar, Tensor, ops};

use crate::module::{Training, python_float};
use crate::{Forward, Module};

/// A kind of dropout: what it is, and how it computes from the input and the probability while training.
macro_rules! dropout {
    ($($(#[$doc:meta])* $name:ident, |$x:ident, $p:ident| $forward:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Module)]
        #[module(extra_repr = Self::settings)]
        pub struct $name {
            p: f64,
            training: Training,
        }

        impl $name {
            /// Dropout with probability `p`, in the mode for training.
            pub fn new(p: f64) -> Result<$name> {
                if !(0.0..=1.0).contains(&p) {
                    return Err(Error::value(format!("dropout probability has to be between 0 and 1, but got {p}")));
                }
                Ok($name { p, training: Training::default() })
            }

            fn settings(&self) -> String {
                format!("p={}, inplace=False", python_float(self.p))
            }
        }

        impl Forward for $name {
            fn forward(&self, $x: &Tensor) -> Result<Tensor> {
                let $p = self.p;
                if self.training.is_on() { $forward } else { Ok($x.clone()) }
            }
        }
    )*};
}

dropout! {
    /// While training, zeroes each element with probability `p` and scales the others by `1 / (1 - p)`; after
    /// [`Module::eval`] it lets everything pass. Shape: `*s -> *s`.
    ///
    /// ```
    /// use flambeau_nn::{Dropout, Forward, Module};
    /// use flambeau_tensor::ops;
    ///
    /// let layer = Dropout::new(0.2)?;
    /// layer.eval();
    /// assert_eq!(layer.forward(&ops::ones(&[3])?)?.to_vec::<f32>()?, [1.0; 3]);
    /// assert_eq!(format!("{layer}"), "Dropout(p=0.2, inplace=False)");
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    Dropout, |x, p| x.dropout_with(p, true);
    /// Dropout of whole channels of signals. Shape: `N C L -> N C L` or `C L -> C L`.
    Dropout1d, |x, p| by_channel(x, p, 3);
    /// Dropout of whole channels of images. Shape: `N C H W -> N C H W`.
    Dropout2d, |x, p| by_channel(x, p, x.dim());
    /// Dropout of whole channels of volumes. Shape: `N C D H W -> N C D H W` or `C D H W -> C D H W`.
    Dropout3d, |x, p| by_channel(x, p, 5);
    /// Dropout that keeps mean and variance of a SELU's output. Shape: `*s -> *s`.
    AlphaDropout, |x, p| drop_to_low(x, p, x.size());
    /// Alpha dropout of whole channels. Shape: `N C *s -> N C *s`.
    FeatureAlphaDropout, |x, p| drop_to_low(x, p, &channels(x)?);
}

/// The shape of a mask with one element for each channel. Shape: `N C *s -> N C *1`.
fn channels(x: &Tensor) -> Result<Vec<i64>> {
    if x.dim() < 2 {
        return Err(Error::runtime("Feature dropout requires at least 2 dimensions in the input"));
    }
    Ok(x.size().iter().enumerate().map(|(i, &n)| if i < 2 { n } else { 1 }).collect())
}

/// 1 where an element stays.
fn mask(x: &Tensor, p: f64, sizes: &[i64]) -> Result<Tensor> {
    ops::empty(sizes)?.to_dtype(x.dtype())?.bernoulli__with(1.0 - p, None)
}

/// Where nothing is drawn: all stays, or all goes.
fn settled(x: &Tensor, p: f64) -> Option<Result<Tensor>> {
    if p == 0.0 || x.numel() == 0 {
        return Some(Ok(x.clone()));
    }
    (p == 1.0).then(|| x.mul(0.0))
}

/// An input of one dimension less than `batched` has no batch.
fn by_channel(x: &Tensor, p: f64, batched: usize) -> Result<Tensor> {
    if let Some(result) = settled(x, p) {
        return result;
    }
    if x.dim() + 1 == batched {
        return by_channel(&x.unsqueeze(0)?, p, batched)?.squeeze_dim(0);
    }
    x.mul(&mask(x, p, &channels(x)?)?.div_(1.0 - p)?)
}

/// What drops becomes SELU's lowest value; then mean and variance are restored.
fn drop_to_low(x: &Tensor, p: f64, sizes: &[i64]) -> Result<Tensor> {
    if let Some(result) = settled(x, p) {
        return result;
    }
    const LOW: f64 = 1.758_099_340_847_376_6;
    let scale = 1.0 / ((LOW * LOW * p + 1.0) * (1.0 - p)).sqrt();
    let mask = mask(x, p, sizes)?;
    let shift = mask.sub(1)?.mul_(LOW * scale)?.add_(Scalar::from(LOW * scale * p))?;
    x.mul(&mask.mul_(scale)?)?.add(&shift)
}
