use flambeau_tensor::{Result, Tensor};

use crate::Module;
use crate::module::show;

/// Layers one after the other. Shape: in as of the first layer, out as of the last.
///
/// The macro [`sequential!`](crate::sequential) lists them:
///
/// ```
/// use flambeau_nn::{Linear, Module, ReLU, sequential};
/// use flambeau_tensor::ops;
///
/// let model = sequential![Linear::new(4, 8)?, ReLU, Linear::new(8, 2)?];
/// assert_eq!(model.forward(&ops::ones(&[5, 4])?)?.size(), [5, 2]);
/// assert_eq!(model.named_parameters()[2].0, "2.weight");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Default)]
pub struct Sequential {
    layers: Vec<Box<dyn Module>>,
}

impl Sequential {
    /// No layer yet: the input is the output.
    pub fn new() -> Sequential {
        Sequential::default()
    }

    /// With a layer more at the end.
    pub fn then(mut self, layer: impl Module + 'static) -> Sequential {
        self.layers.push(Box::new(layer));
        self
    }

    /// The number of layers.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// True if there is no layer.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }
}

impl Module for Sequential {
    fn name(&self) -> &'static str {
        "Sequential"
    }
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        self.layers.iter().try_fold(input.clone(), |x, layer| layer.forward(&x))
    }
    fn children(&self) -> Vec<(String, &dyn Module)> {
        self.layers.iter().enumerate().map(|(i, layer)| (i.to_string(), layer.as_ref())).collect()
    }
}
show!(Sequential);

/// A [`Sequential`] of the layers listed.
#[macro_export]
macro_rules! sequential {
    ($($layer:expr),* $(,)?) => { $crate::Sequential::new()$(.then($layer))* };
}
