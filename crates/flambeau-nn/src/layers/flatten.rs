use flambeau_tensor::{Result, Tensor};

use crate::module::python_tuple;
use crate::{Forward, Module};

/// Makes one dimension of those from `start_dim` to `end_dim`. Shape: `N *s -> N prod(s)` by default.
///
/// ```
/// use flambeau_nn::{Flatten, Forward};
/// use flambeau_tensor::ops;
///
/// assert_eq!(Flatten::default().forward(&ops::ones(&[32, 1, 5, 5])?)?.size(), [32, 25]);
/// assert_eq!(format!("{}", Flatten::default()), "Flatten(start_dim=1, end_dim=-1)");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Module)]
#[module(extra_repr = Self::settings)]
pub struct Flatten {
    /// The first dimension to flatten.
    pub start_dim: i64,
    /// The last dimension to flatten.
    pub end_dim: i64,
}

impl Flatten {
    fn settings(&self) -> String {
        format!("start_dim={}, end_dim={}", self.start_dim, self.end_dim)
    }
}

impl Default for Flatten {
    fn default() -> Flatten {
        Flatten { start_dim: 1, end_dim: -1 }
    }
}

impl Forward for Flatten {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.flatten_with(self.start_dim, self.end_dim)
    }
}

/// Makes several dimensions of one. Shape: `*s n *t -> *s sizes *t`.
///
/// ```
/// use flambeau_nn::{Forward, Unflatten};
/// use flambeau_tensor::ops;
///
/// let layer = Unflatten { dim: 1, unflattened_size: vec![2, 5] };
/// assert_eq!(layer.forward(&ops::ones(&[3, 10])?)?.size(), [3, 2, 5]);
/// assert_eq!(format!("{layer}"), "Unflatten(dim=1, unflattened_size=(2, 5))");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Module)]
#[module(extra_repr = Self::settings)]
pub struct Unflatten {
    /// The dimension to divide.
    pub dim: i64,
    /// The sizes that it becomes.
    pub unflattened_size: Vec<i64>,
}

impl Unflatten {
    fn settings(&self) -> String {
        format!("dim={}, unflattened_size={}", self.dim, python_tuple(&self.unflattened_size))
    }
}

impl Forward for Unflatten {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.unflatten(self.dim, &self.unflattened_size)
    }
}
