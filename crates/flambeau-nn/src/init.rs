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
use flambeau_tensor::{DType, Device, Error, Options, Result, Tensor, ops};

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

/// Fills from the normal distribution cut off outside [a, b]: values there are drawn again. Shape: `*s -> *s`.
///
/// ```
/// use flambeau_nn::init;
/// use flambeau_tensor::ops;
///
/// flambeau_tensor::manual_seed(0);
/// let w = init::trunc_normal_(&ops::empty(&[100])?, 0.0, 1.0, -0.5, 0.5)?;
/// assert!(w.abs()?.max()?.item()?.to_f64() <= 0.5);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub fn trunc_normal_(tensor: &Tensor, mean: f64, std: f64, a: f64, b: f64) -> Result<Tensor> {
    let below = |x: f64| -> Result<f64> {
        let z = Tensor::scalar((x - mean) / std / 2f64.sqrt(), DType::F64);
        Ok((1.0 + z.erf()?.item()?.to_f64()) / 2.0)
    };
    let share = below(b)? - below(a)?;
    no_grad(|| {
        let values =
            if share > 0.3 { from_normal(tensor, mean, std, a, b) } else { from_uniform(tensor, mean, std, a, b) };
        tensor.copy_(&values?)
    })
}

/// Normal values, drawn until all lie within the bounds: quick when most do.
fn from_normal(tensor: &Tensor, mean: f64, std: f64, a: f64, b: f64) -> Result<Tensor> {
    let rounded = |x: f64| -> Result<f64> { Ok(Tensor::scalar(x, tensor.dtype()).item()?.to_f64()) };
    let (low, high) = (rounded(a)?, rounded(b)?);
    let mut values = tensor.normal__with(mean, std, None)?;
    loop {
        let outside = values.lt(low)?.logical_or(&values.gt(high)?)?;
        if !outside.any()?.item()?.to_bool() {
            return Ok(values);
        }
        let fresh = values.empty_like()?.normal__with(mean, std, None)?;
        values = outside.where_(&fresh, &values)?;
    }
}

/// Uniform values, each kept with the probability of the density there: for bounds far out.
fn from_uniform(tensor: &Tensor, mean: f64, std: f64, a: f64, b: f64) -> Result<Tensor> {
    let mode = a.max(mean.min(b));
    let log_peak = -0.5 * ((mode - mean) / std).powi(2);
    let rejected = |values: &Tensor| {
        let log_density = values.sub(mean)?.div(std)?.pow(2)?.mul(-0.5)?.sub(log_peak)?;
        values.empty_like()?.uniform_()?.log()?.gt(&log_density)
    };
    let mut values = tensor.uniform__with(a, b, None)?;
    let mut pending = rejected(&values)?;
    while pending.any()?.item()?.to_bool() {
        let fresh = tensor.empty_like()?.uniform__with(a, b, None)?;
        values = pending.where_(&fresh, &values)?;
        pending = pending.where_(&rejected(&fresh)?, &pending)?;
    }
    Ok(values)
}

/// Fills with a matrix whose rows, or columns if those are fewer, are orthonormal, times `gain`; what follows the first
/// dimension is one. A tensor without elements stays as it is. Shape: `O *s -> O *s`.
///
/// ```
/// use flambeau_nn::init;
/// use flambeau_tensor::ops;
///
/// let w = init::orthogonal_(&ops::empty(&[3, 5])?, 1.0)?;
/// let off = w.matmul(&w.t()?)?.sub(&ops::eye(3)?)?.abs()?.max()?;
/// assert!(off.item()?.to_f64() < 1e-6);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub fn orthogonal_(tensor: &Tensor, gain: f64) -> Result<Tensor> {
    let &[rows, _, ..] = tensor.size() else {
        return Err(Error::value("Only tensors with 2 or more dimensions are supported"));
    };
    if tensor.numel() == 0 {
        return Ok(tensor.clone());
    }
    no_grad(|| {
        let columns = tensor.numel() / rows;
        let wide = rows < columns;
        let drawn = Tensor::empty(&[rows, columns], tensor.dtype(), Device::Cpu)?.normal_()?;
        let (q, r) = if wide { drawn.t()? } else { drawn }.qr()?;
        // Of all factorizations, the one in which r has a positive diagonal.
        let q = q.mul(&r.diag()?.sign()?)?;
        tensor.copy_(&if wide { q.t()? } else { q }.reshape(tensor.size())?)?.mul_(gain)
    })
}

/// Fills a matrix with the identity. Shape: `N M -> N M`.
pub fn eye_(tensor: &Tensor) -> Result<Tensor> {
    let &[n, m] = tensor.size() else {
        return Err(Error::value("Only tensors with 2 dimensions are supported"));
    };
    no_grad(|| tensor.copy_(&ops::eye_with(n, Some(m), Options::like(tensor))?))
}

/// Fills a convolution's weight so that it passes on as many channels as it can, in each of `groups` groups of outputs.
/// Shape: `O I *kernel -> O I *kernel`.
///
/// ```
/// use flambeau_nn::init;
/// use flambeau_tensor::ops;
///
/// let w = init::dirac_(&ops::empty(&[2, 2, 3])?, 1)?;
/// assert_eq!(w.to_vec::<f32>()?, [0., 1., 0., 0., 0., 0., 0., 0., 0., 0., 1., 0.]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub fn dirac_(tensor: &Tensor, groups: i64) -> Result<Tensor> {
    let (&[outputs, inputs, ref kernel @ ..], 3..=5) = (tensor.size(), tensor.dim()) else {
        return Err(Error::value("Only tensors with 3, 4, or 5 dimensions are supported"));
    };
    if groups < 1 || outputs % groups != 0 {
        return Err(Error::value("dim 0 must be divisible by groups"));
    }
    no_grad(|| {
        tensor.zero_()?;
        for output in 0..outputs {
            let channel = output % (outputs / groups);
            if channel < inputs {
                let start = tensor.select(0, output)?.select(0, channel)?;
                kernel.iter().try_fold(start, |t, size| t.select(0, size / 2))?.fill_(1.0)?;
            }
        }
        Ok(tensor.clone())
    })
}

/// Fills a matrix with normal values, a share `sparsity` of every column being 0. Shape: `N M -> N M`.
pub fn sparse_(tensor: &Tensor, sparsity: f64, std: f64) -> Result<Tensor> {
    let &[rows, columns] = tensor.size() else {
        return Err(Error::value("Only tensors with 2 dimensions are supported"));
    };
    let zeros = (sparsity * rows as f64).ceil() as i64;
    no_grad(|| {
        tensor.normal__with(0.0, std, None)?;
        for column in 0..columns {
            let chosen = ops::randperm(rows)?.narrow(0, 0, zeros.clamp(0, rows))?;
            tensor.select(1, column)?.index_fill_(0, &chosen, 0.0)?;
        }
        Ok(tensor.clone())
    })
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
