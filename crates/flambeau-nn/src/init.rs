//! Ways to fill tensors with initial values (`torch.nn.init`); the random draws are PyTorch's, in its order.
//!
//! All write in place, record nothing, and give the same tensor.
//!
//! ```
//! use flambeau_nn::init;
//! use flambeau_tensor::ops;
//!
//! flambeau_tensor::manual_seed(0);
//! let w = init::xavier_uniform_(&ops::empty(&[2, 2])?, 1.0)?;
//! assert_eq!(format!("{w}"), "tensor([[-0.0092,  0.6570],\n        [-1.0080, -0.9013]])");
//! # Ok::<(), flambeau_tensor::Error>(())
//! ```

use flambeau_tensor::autograd::no_grad;
use flambeau_tensor::{Error, Result, Tensor};

/// What follows a layer: it decides how widely the layer's weights are spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Nonlinearity {
    /// Nothing, or a convolution.
    Linear,
    /// The sigmoid function.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `max(x, 0)`.
    ReLU,
    /// `max(x, 0)` and this slope below 0.
    LeakyReLU(f64),
    /// The scaled exponential linear unit.
    SELU,
}

/// Which of a weight's sizes keeps its variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fan {
    /// The number of inputs: activations keep their variance.
    In,
    /// The number of outputs: gradients keep their variance.
    Out,
}

/// The factor that keeps the variance of a layer's output through `nonlinearity`.
///
/// ```
/// use flambeau_nn::init::{Nonlinearity, calculate_gain};
/// assert_eq!(calculate_gain(Nonlinearity::ReLU), 2f64.sqrt());
/// ```
pub fn calculate_gain(nonlinearity: Nonlinearity) -> f64 {
    match nonlinearity {
        Nonlinearity::Linear | Nonlinearity::Sigmoid => 1.0,
        Nonlinearity::Tanh => 5.0 / 3.0,
        Nonlinearity::ReLU => 2f64.sqrt(),
        Nonlinearity::LeakyReLU(slope) => (2.0 / (1.0 + slope * slope)).sqrt(),
        Nonlinearity::SELU => 3.0 / 4.0,
    }
}

/// How many inputs and outputs a weight joins. Shape: `O I *kernel -> (I * kernel, O * kernel)`.
pub fn fan_in_and_fan_out(tensor: &Tensor) -> Result<(i64, i64)> {
    let &[outputs, inputs, ref kernel @ ..] = tensor.size() else {
        return Err(Error::value("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"));
    };
    let field: i64 = kernel.iter().product();
    Ok((inputs * field, outputs * field))
}

/// Fills from the uniform distribution on [a, b). Shape: `*s -> *s`.
pub fn uniform_(tensor: &Tensor, a: f64, b: f64) -> Result<Tensor> {
    no_grad(|| tensor.uniform__with(a, b, None))
}

/// Fills from the normal distribution. Shape: `*s -> *s`.
pub fn normal_(tensor: &Tensor, mean: f64, std: f64) -> Result<Tensor> {
    no_grad(|| tensor.normal__with(mean, std, None))
}

/// Fills with one value. Shape: `*s -> *s`.
pub fn constant_(tensor: &Tensor, value: f64) -> Result<Tensor> {
    no_grad(|| tensor.fill_(value))
}

/// Fills with 1. Shape: `*s -> *s`.
pub fn ones_(tensor: &Tensor) -> Result<Tensor> {
    constant_(tensor, 1.0)
}

/// Fills with 0. Shape: `*s -> *s`.
pub fn zeros_(tensor: &Tensor) -> Result<Tensor> {
    no_grad(|| tensor.zero_())
}

/// Glorot's uniform initialization. Shape: `O I *kernel -> O I *kernel`.
pub fn xavier_uniform_(tensor: &Tensor, gain: f64) -> Result<Tensor> {
    let (fan_in, fan_out) = fan_in_and_fan_out(tensor)?;
    let bound = 3f64.sqrt() * (gain * (2.0 / (fan_in + fan_out) as f64).sqrt());
    uniform_(tensor, -bound, bound)
}

/// Glorot's normal initialization. Shape: `O I *kernel -> O I *kernel`.
pub fn xavier_normal_(tensor: &Tensor, gain: f64) -> Result<Tensor> {
    let (fan_in, fan_out) = fan_in_and_fan_out(tensor)?;
    normal_(tensor, 0.0, gain * (2.0 / (fan_in + fan_out) as f64).sqrt())
}

fn kaiming_std(tensor: &Tensor, fan: Fan, nonlinearity: Nonlinearity) -> Result<f64> {
    let (fan_in, fan_out) = fan_in_and_fan_out(tensor)?;
    let n = if fan == Fan::In { fan_in } else { fan_out };
    Ok(calculate_gain(nonlinearity) / (n as f64).sqrt())
}

/// He's uniform initialization; a tensor without elements stays as it is. Shape: `O I *kernel -> O I *kernel`.
pub fn kaiming_uniform_(tensor: &Tensor, fan: Fan, nonlinearity: Nonlinearity) -> Result<Tensor> {
    if tensor.numel() == 0 {
        return Ok(tensor.clone());
    }
    let bound = 3f64.sqrt() * kaiming_std(tensor, fan, nonlinearity)?;
    uniform_(tensor, -bound, bound)
}

/// He's normal initialization; a tensor without elements stays as it is. Shape: `O I *kernel -> O I *kernel`.
pub fn kaiming_normal_(tensor: &Tensor, fan: Fan, nonlinearity: Nonlinearity) -> Result<Tensor> {
    if tensor.numel() == 0 {
        return Ok(tensor.clone());
    }
    normal_(tensor, 0.0, kaiming_std(tensor, fan, nonlinearity)?)
}

/// The initial values of linear layers and convolutions: the weight, then the bias.
pub(crate) fn reset_linear(weight: &Tensor, bias: Option<&Tensor>) -> Result<()> {
    kaiming_uniform_(weight, Fan::In, Nonlinearity::LeakyReLU(5f64.sqrt()))?;
    if let Some(bias) = bias {
        let (fan_in, _) = fan_in_and_fan_out(weight)?;
        let bound = if fan_in > 0 { 1.0 / (fan_in as f64).sqrt() } else { 0.0 };
        uniform_(bias, -bound, bound)?;
    }
    Ok(())
}
