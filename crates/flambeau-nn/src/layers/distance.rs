//! Distances between vectors.

use flambeau_tensor::{Result, Tensor};

use crate::Module;

/// The `p`-norm of `x1 - x2` along the last dimension. Shape: `*s D, *s D -> *s`.
///
/// ```
/// use flambeau_nn::PairwiseDistance;
/// use flambeau_tensor::ops;
/// let d = PairwiseDistance::default().forward(&ops::ones(&[3, 4])?, &ops::zeros(&[3, 4])?)?;
/// assert_eq!(format!("{d}"), "tensor([2.0000, 2.0000, 2.0000])");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Module)]
pub struct PairwiseDistance {
    /// Which norm.
    pub p: f64,
    /// Added to each difference.
    pub eps: f64,
    /// Whether the last dimension stays, of size 1.
    pub keepdim: bool,
}

impl Default for PairwiseDistance {
    fn default() -> PairwiseDistance {
        PairwiseDistance { p: 2.0, eps: 1e-6, keepdim: false }
    }
}

impl PairwiseDistance {
    /// The distances.
    pub fn forward(&self, x1: &Tensor, x2: &Tensor) -> Result<Tensor> {
        norm(&x1.sub(x2)?.add(self.eps)?, self.p, -1, self.keepdim)
    }
}

/// The `p`-norm along one dimension.
fn norm(x: &Tensor, p: f64, dim: i64, keepdim: bool) -> Result<Tensor> {
    x.vector_norm_with(p, Some(&[dim]), keepdim, None)
}

/// The cosine of the angle between vectors along `dim`. Shape: `*s, *s -> *s without dim`.
///
/// ```
/// use flambeau_nn::CosineSimilarity;
/// use flambeau_tensor::ops;
/// let c = CosineSimilarity::default().forward(&ops::ones(&[3, 4])?, &ops::ones(&[3, 4])?)?;
/// assert_eq!(format!("{c}"), "tensor([1., 1., 1.])");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Module)]
pub struct CosineSimilarity {
    /// The dimension of the vectors.
    pub dim: i64,
    /// The least length that a vector is divided by.
    pub eps: f64,
}

impl Default for CosineSimilarity {
    fn default() -> CosineSimilarity {
        CosineSimilarity { dim: 1, eps: 1e-8 }
    }
}

impl CosineSimilarity {
    /// The cosines.
    pub fn forward(&self, x1: &Tensor, x2: &Tensor) -> Result<Tensor> {
        let unit = |x: &Tensor| x.div(&norm(x, 2.0, self.dim, true)?.clamp_min(self.eps)?);
        unit(x1)?.mul(&unit(x2)?)?.sum_dim(Some(&[self.dim]))
    }
}
