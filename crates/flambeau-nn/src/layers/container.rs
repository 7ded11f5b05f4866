use flambeau_tensor::{Result, Tensor};

use crate::module::{Change, Parts, show};
use crate::{Forward, Module};

/// Layers one after the other. Shape: in as of the first layer, out as of the last.
///
/// The macro [`sequential!`](crate::sequential) lists them:
///
/// ```
/// use flambeau_nn::{Forward, Linear, Module, ReLU, sequential};
/// use flambeau_tensor::ops;
///
/// let model = sequential![Linear::new(4, 8)?, ReLU, Linear::new(8, 2)?];
/// assert_eq!(model.forward(&ops::ones(&[5, 4])?)?.size(), [5, 2]);
/// assert_eq!(model.named_parameters()[2].0, "2.weight");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Default)]
pub struct Sequential {
    layers: Vec<Box<dyn Forward>>,
}

impl Sequential {
    /// No layer yet: the input is the output.
    pub fn new() -> Sequential {
        Sequential::default()
    }

    /// With a layer more at the end.
    pub fn then(mut self, layer: impl Forward + 'static) -> Sequential {
        self.push(layer);
        self
    }

    /// Adds a layer at the end.
    pub fn push(&mut self, layer: impl Forward + 'static) {
        self.layers.push(Box::new(layer));
    }

    /// The number of layers.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// True if there is no layer.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// The layers in their order.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Forward> {
        self.layers.iter().map(|layer| layer.as_ref())
    }
}

impl Module for Sequential {
    fn name(&self) -> &'static str {
        "Sequential"
    }
    fn parts(&self) -> Parts<'_> {
        self.layers.parts()
    }
    fn change_tensors(&mut self, change: Change<'_>) -> Result<()> {
        self.layers.change_tensors(change)
    }
}
show!(Sequential);

impl Forward for Sequential {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        self.layers.iter().try_fold(input.clone(), |x, layer| layer.forward(&x))
    }
}

/// A [`Sequential`] of the layers listed.
#[macro_export]
macro_rules! sequential {
    ($($layer:expr),* $(,)?) => { $crate::Sequential::new()$(.then($layer))* };
}
