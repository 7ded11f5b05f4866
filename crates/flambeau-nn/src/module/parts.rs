//! What a module is made of, by name.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use flambeau_tensor::{Result, Tensor};

use super::Module;

/// One part of a module.
#[derive(Clone, Copy)]
pub enum Part<'a> {
    /// A tensor that is trained.
    Parameter(&'a Tensor),
    /// A tensor that is not: saved with the model if `persistent`.
    Buffer {
        /// Its values.
        tensor: &'a Tensor,
        /// Whether state dicts hold it.
        persistent: bool,
    },
    /// A layer.
    Layer(&'a dyn Module),
    /// Whether the module computes as in training.
    Mode(&'a Training),
}

/// The parts of a module in their order, by name.
#[derive(Clone, Default)]
pub struct Parts<'a>(Vec<(String, Part<'a>)>);

impl<'a> Parts<'a> {
    /// Adds a parameter, a layer, a list of layers, or an `Option` of one.
    pub fn add<F: Field + ?Sized>(&mut self, name: &str, field: &'a F) {
        field.list(name, self);
    }

    /// Adds a tensor that is not trained; state dicts hold it if it is persistent.
    pub fn buffer(&mut self, name: &str, tensor: &'a impl Buffer, persistent: bool) {
        if let Some(tensor) = tensor.tensor() {
            self.push(name, Part::Buffer { tensor, persistent });
        }
    }

    /// Adds a part as it is.
    pub fn push(&mut self, name: &str, part: Part<'a>) {
        self.0.push((name.to_string(), part));
    }

    /// The parts by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Part<'a>)> {
        self.0.iter().map(|(name, part)| (name.as_str(), *part))
    }

    /// The layers by name.
    pub fn layers(&self) -> impl Iterator<Item = (&str, &'a dyn Module)> {
        self.iter().filter_map(|(name, part)| match part {
            Part::Layer(layer) => Some((name, layer)),
            _ => None,
        })
    }
}

/// A function that puts another tensor in the place of a parameter or buffer.
pub type Change<'c> = &'c mut dyn FnMut(&mut Tensor) -> Result<()>;

/// What `#[derive(Module)]` takes as a field: a parameter, a layer, a list of layers, an `Option` of one; numbers and text are
/// passed over.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no parameter, layer, number or text",
    label = "no part of a module",
    note = "derive `Module` for the type, or mark the field `#[module(skip)]`"
)]
pub trait Field {
    /// Adds itself to the parts of the module that it is a field of.
    fn list<'a>(&'a self, name: &str, parts: &mut Parts<'a>);

    /// Lets `change` replace each tensor in it.
    fn change(&mut self, change: Change<'_>) -> Result<()>;
}

impl Field for Tensor {
    fn list<'a>(&'a self, name: &str, parts: &mut Parts<'a>) {
        parts.push(name, Part::Parameter(self));
    }
    fn change(&mut self, change: Change<'_>) -> Result<()> {
        change(self)
    }
}

impl<F: Field> Field for Option<F> {
    fn list<'a>(&'a self, name: &str, parts: &mut Parts<'a>) {
        if let Some(field) = self {
            field.list(name, parts);
        }
    }
    fn change(&mut self, change: Change<'_>) -> Result<()> {
        self.as_mut().map_or(Ok(()), |field| field.change(change))
    }
}

impl<M: Module> Field for M {
    fn list<'a>(&'a self, name: &str, parts: &mut Parts<'a>) {
        parts.push(name, Part::Layer(self));
    }
    fn change(&mut self, change: Change<'_>) -> Result<()> {
        self.change_tensors(change)
    }
}

impl Field for Training {
    fn list<'a>(&'a self, name: &str, parts: &mut Parts<'a>) {
        parts.push(name, Part::Mode(self));
    }
    fn change(&mut self, _: Change<'_>) -> Result<()> {
        Ok(())
    }
}

macro_rules! no_part {
    ($($t:ty),*) => {$(
        impl Field for $t {
            fn list<'a>(&'a self, _: &str, _: &mut Parts<'a>) {}
            fn change(&mut self, _: Change<'_>) -> Result<()> {
                Ok(())
            }
        }
    )*};
}
no_part!(bool, i32, i64, isize, u8, u32, u64, usize, f32, f64, String, &'static str, Vec<i64>, Vec<usize>, Vec<f64>);

impl<const N: usize> Field for [i64; N] {
    fn list<'a>(&'a self, _: &str, _: &mut Parts<'a>) {}
    fn change(&mut self, _: Change<'_>) -> Result<()> {
        Ok(())
    }
}

/// What a field marked `#[module(buffer)]` may be: a tensor, or perhaps one.
pub trait Buffer {
    /// The tensor, if there is one.
    fn tensor(&self) -> Option<&Tensor>;

    /// Lets `change` replace it.
    fn change(&mut self, change: Change<'_>) -> Result<()>;
}

impl Buffer for Tensor {
    fn tensor(&self) -> Option<&Tensor> {
        Some(self)
    }
    fn change(&mut self, change: Change<'_>) -> Result<()> {
        change(self)
    }
}

impl Buffer for Option<Tensor> {
    fn tensor(&self) -> Option<&Tensor> {
        self.as_ref()
    }
    fn change(&mut self, change: Change<'_>) -> Result<()> {
        self.as_mut().map_or(Ok(()), change)
    }
}

/// Whether a layer computes as in training, as dropout and batch normalization ask: a field of theirs, which
/// [`Module::train`] and [`Module::eval`] set.
#[derive(Debug)]
pub struct Training(AtomicBool);

impl Training {
    /// True in the mode for training.
    pub fn is_on(&self) -> bool {
        self.0.load(Relaxed)
    }

    /// Chooses the mode.
    pub fn set(&self, on: bool) {
        self.0.store(on, Relaxed);
    }
}

/// Layers begin in the mode for training.
impl Default for Training {
    fn default() -> Training {
        Training(AtomicBool::new(true))
    }
}
