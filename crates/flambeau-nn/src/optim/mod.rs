//! Optimizers: what changes the parameters after each backward pass, with PyTorch's steps.

mod adam;
mod sgd;

use flambeau_tensor::{Error, Result, Tensor};

pub use adam::{Adam, AdamOptions};
pub use sgd::{SGD, SGDOptions};

/// What all optimizers have in common (`torch.optim.Optimizer`).
pub trait Optimizer {
    /// Changes each parameter that has a gradient, once.
    fn step(&mut self) -> Result<()>;

    /// The parameters it changes.
    fn parameters(&self) -> &[Tensor];

    /// The learning rate.
    fn lr(&self) -> f64;

    /// Sets the learning rate of the steps to come.
    fn set_lr(&mut self, lr: f64);

    /// Drops all gradients.
    fn zero_grad(&self) -> Result<()> {
        self.parameters().iter().try_for_each(|p| p.set_grad(None))
    }
}

fn check_parameters(parameters: &[Tensor]) -> Result<()> {
    if parameters.is_empty() {
        return Err(Error::value("optimizer got an empty parameter list"));
    }
    if parameters.iter().any(|p| !p.is_leaf()) {
        return Err(Error::value("can't optimize a non-leaf Tensor"));
    }
    let twice = |(i, p): (usize, &Tensor)| parameters[..i].iter().any(|q| q.is(p));
    if parameters.iter().enumerate().any(twice) {
        return Err(Error::value("some parameters appear in more than one parameter group"));
    }
    Ok(())
}

/// Refuses negative settings, and those that are no number.
fn check_settings(settings: &[(&str, f64)]) -> Result<()> {
    match settings.iter().find(|(_, value)| value.is_nan() || *value < 0.0) {
        Some((name, value)) => Err(Error::value(format!("Invalid {name}: {value:?}"))),
        None => Ok(()),
    }
}
