use flambeau_tensor::{Result, Tensor};

use crate::Module;
use crate::module::show;

/// Makes one dimension of those from `start_dim` to `end_dim`. Shape: `N *s -> N prod(s)` by default.
///
/// ```
/// use flambeau_nn::{Flatten, Module};
/// use flambeau_tensor::ops;
///
/// assert_eq!(Flatten::default().forward(&ops::ones(&[32, 1, 5, 5])?)?.size(), [32, 25]);
/// assert_eq!(format!("{}", Flatten::default()), "Flatten(start_dim=1, end_dim=-1)");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Flatten {
    /// The first dimension to flatten.
    pub start_dim: i64,
    /// The last dimension to flatten.
    pub end_dim: i64,
}

impl Default for Flatten {
    fn default() -> Flatten {
        Flatten { start_dim: 1, end_dim: -1 }
    }
}

impl Module for Flatten {
    fn name(&self) -> &'static str {
        "Flatten"
    }
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.flatten_with(self.start_dim, self.end_dim)
    }
    fn extra_repr(&self) -> String {
        format!("start_dim={}, end_dim={}", self.start_dim, self.end_dim)
    }
}
show!(Flatten);
