use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use flambeau_tensor::{Error, Result, Tensor};

use crate::Module;
use crate::module::{python_float, show};

/// While training, zeroes each element with probability `p` and scales the others by `1 / (1 - p)`; after
/// [`Module::eval`] it lets everything pass. Shape: `*s -> *s`.
///
/// ```
/// use flambeau_nn::{Dropout, Module};
/// use flambeau_tensor::ops;
///
/// let layer = Dropout::new(0.2)?;
/// layer.eval();
/// assert_eq!(layer.forward(&ops::ones(&[3])?)?.to_vec::<f32>()?, [1.0; 3]);
/// assert_eq!(format!("{layer}"), "Dropout(p=0.2, inplace=False)");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub struct Dropout {
    p: f64,
    training: AtomicBool,
}

impl Dropout {
    /// Dropout with probability `p`, in the mode for training.
    pub fn new(p: f64) -> Result<Dropout> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::value(format!("dropout probability has to be between 0 and 1, but got {p}")));
        }
        Ok(Dropout { p, training: AtomicBool::new(true) })
    }
}

impl Module for Dropout {
    fn name(&self) -> &'static str {
        "Dropout"
    }
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.dropout_with(self.p, self.training.load(Relaxed))
    }
    fn set_training(&self, training: bool) {
        self.training.store(training, Relaxed);
    }
    fn extra_repr(&self) -> String {
        format!("p={}, inplace=False", python_float(self.p))
    }
}
show!(Dropout);
