//! What all layers and models have in common.

mod parts;
mod repr;
mod state;

use flambeau_tensor::{DType, Device, Result, Tensor};

pub use flambeau_macros::Module;
pub use parts::{Buffer, Change, Field, Part, Parts, Training};
pub(crate) use repr::{python, python_float, python_tuple};
pub use state::StateDict;

/// A layer, or a model made of layers (`torch.nn.Module`): parameters, buffers, state dicts, modes and printing.
///
/// `#[derive(Module)]` makes a struct of layers one; what it computes is [`Forward::forward`], or any method of its own where
/// it takes more than one tensor.
pub trait Module: Send + Sync {
    /// The name of its class, for printing and error messages.
    fn name(&self) -> &'static str;

    /// Its own parameters, buffers and layers, in their order.
    fn parts(&self) -> Parts<'_>;

    /// Lets `change` replace each parameter and buffer, of its layers too.
    fn change_tensors(&mut self, change: Change<'_>) -> Result<()>;

    /// Its settings, as printed between the brackets.
    fn extra_repr(&self) -> String {
        String::new()
    }

    /// Puts it and all layers in it into the mode for training.
    fn train(&self) {
        set_mode(self.parts(), true);
    }

    /// Puts it and all layers in it into the mode for use: dropout lets everything pass, batch normalization uses its
    /// running statistics.
    fn eval(&self) {
        set_mode(self.parts(), false);
    }

    /// Its layers and theirs by name, such as `encoder.layers.0`, without itself.
    ///
    /// ```
    /// use flambeau_nn::{Linear, Module, ReLU, sequential};
    /// let model = sequential![Linear::new(2, 3)?, sequential![ReLU]];
    /// let names: Vec<String> = model.named_layers().into_iter().map(|(name, _)| name).collect();
    /// assert_eq!(names, ["0", "1", "1.0"]);
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    fn named_layers(&self) -> Vec<(String, &dyn Module)> {
        let mut found = Vec::new();
        for (name, layer) in self.parts().layers() {
            found.push((name.to_string(), layer));
            found.extend(layer.named_layers().into_iter().map(|(below, layer)| (format!("{name}.{below}"), layer)));
        }
        found
    }

    /// All parameters with PyTorch's names, such as `0.weight`; one that several layers share comes once.
    fn named_parameters(&self) -> Vec<(String, Tensor)> {
        let mut found: Vec<(String, Tensor)> = Vec::new();
        for (name, entry) in state::entries(self) {
            if entry.trained && !found.iter().any(|(_, p)| p.is(entry.tensor)) {
                found.push((name, entry.tensor.clone()));
            }
        }
        found
    }

    /// All buffers with PyTorch's names, such as `1.running_mean`.
    fn named_buffers(&self) -> Vec<(String, Tensor)> {
        let buffers = state::entries(self).into_iter().filter(|(_, entry)| !entry.trained);
        buffers.map(|(name, entry)| (name, entry.tensor.clone())).collect()
    }

    /// All parameters, for an optimizer.
    fn parameters(&self) -> Vec<Tensor> {
        self.named_parameters().into_iter().map(|(_, parameter)| parameter).collect()
    }

    /// Says of all parameters whether they are trained: `false` freezes them.
    fn requires_grad_(&self, requires_grad: bool) -> Result<()> {
        self.parameters().iter().try_for_each(|p| p.requires_grad_(requires_grad).map(drop))
    }

    /// Drops the gradients of all parameters.
    fn zero_grad(&self) -> Result<()> {
        self.parameters().iter().try_for_each(|p| p.set_grad(None))
    }

    /// Parameters and persistent buffers by name, outside of any graph and sharing the module's memory.
    fn state_dict(&self) -> StateDict {
        let kept = state::entries(self).into_iter().filter(|(_, entry)| entry.saved);
        kept.map(|(name, entry)| (name, entry.tensor.detach())).collect()
    }

    /// Copies values into the parameters and buffers of the same names. An error names all missing and unexpected names and
    /// all sizes that differ; then nothing was changed.
    ///
    /// ```
    /// use flambeau_nn::{Linear, Module};
    /// let (a, b) = (Linear::new(2, 3)?, Linear::new(2, 3)?);
    /// b.load_state_dict(&a.state_dict())?;
    /// assert_eq!(a.weight.to_vec::<f32>()?, b.weight.to_vec::<f32>()?);
    ///
    /// let error = b.load_state_dict(&[]).unwrap_err();
    /// assert!(error.message().contains(r#"Missing key(s) in state_dict: "weight", "bias"."#));
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    fn load_state_dict(&self, state: &[(String, Tensor)]) -> Result<()> {
        state::load(self, state)
    }

    /// Changes all floating-point parameters and buffers to another dtype, in their place: an optimizer goes on with them.
    ///
    /// ```
    /// use flambeau_nn::{Forward, Linear, Module};
    /// use flambeau_tensor::{DType, ops};
    /// let mut layer = Linear::new(2, 3)?;
    /// layer.to_dtype(DType::F64)?;
    /// let y = layer.forward(&ops::ones(&[1, 2])?.to_dtype(DType::F64)?)?;
    /// assert_eq!(y.dtype(), DType::F64);
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    fn to_dtype(&mut self, dtype: DType) -> Result<()> {
        self.change_tensors(&mut |t| {
            if t.dtype().is_floating() {
                replace(t, &|t| t.to_dtype(dtype))?;
            }
            Ok(())
        })
    }

    /// Moves all parameters and buffers to another device. On [`Device::Meta`] only their shapes are left.
    fn to_device(&mut self, device: Device) -> Result<()> {
        self.change_tensors(&mut |t| replace(t, &|t| t.to_device(device)))
    }

    /// The module as PyTorch prints it.
    fn repr(&self) -> String {
        repr::repr(self)
    }
}

/// A module that makes one tensor of one tensor: what [`Sequential`](crate::Sequential) takes.
pub trait Forward: Module {
    /// Computes the output. Shapes: see each layer.
    fn forward(&self, input: &Tensor) -> Result<Tensor>;
}

fn set_mode(parts: Parts<'_>, training: bool) {
    for (_, part) in parts.iter() {
        match part {
            Part::Mode(mode) => mode.set(training),
            Part::Layer(layer) if training => layer.train(),
            Part::Layer(layer) => layer.eval(),
            Part::Parameter(_) | Part::Buffer { .. } => {}
        }
    }
}

/// Puts a changed copy in the place of a tensor, and of its gradient.
fn replace(t: &mut Tensor, changed: &dyn Fn(&Tensor) -> Result<Tensor>) -> Result<()> {
    let grad = t.grad();
    *t = t.with_data(&changed(&t.data())?);
    grad.map_or(Ok(()), |grad| t.set_grad(Some(changed(&grad)?)))
}

impl<M: Module + ?Sized> Module for Box<M> {
    fn name(&self) -> &'static str {
        (**self).name()
    }
    fn parts(&self) -> Parts<'_> {
        (**self).parts()
    }
    fn change_tensors(&mut self, change: Change<'_>) -> Result<()> {
        (**self).change_tensors(change)
    }
    fn extra_repr(&self) -> String {
        (**self).extra_repr()
    }
}

impl<M: Forward + ?Sized> Forward for Box<M> {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        (**self).forward(input)
    }
}

/// A list of modules (`torch.nn.ModuleList`): their names are their numbers.
impl<M: Module> Module for Vec<M> {
    fn name(&self) -> &'static str {
        "ModuleList"
    }
    fn parts(&self) -> Parts<'_> {
        let mut parts = Parts::default();
        self.iter().enumerate().for_each(|(i, module)| parts.add(&i.to_string(), module));
        parts
    }
    fn change_tensors(&mut self, change: Change<'_>) -> Result<()> {
        self.iter_mut().try_for_each(|module| module.change_tensors(change))
    }
}

/// `{}` and `{:?}` print a module as PyTorch does.
macro_rules! show {
    ($($t:ty),* $(,)?) => {$(
        impl std::fmt::Display for $t {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::Module::repr(self))
            }
        }
        impl std::fmt::Debug for $t {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::Module::repr(self))
            }
        }
    )*};
}
pub(crate) use show;
show!(dyn Module + '_, dyn Forward + '_);
