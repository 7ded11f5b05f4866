//! Gradients clipped, parameters as one vector, and averages of parameters over training (`torch.nn.utils`,
//! `torch.optim.swa_utils`).

use flambeau_tensor::autograd::no_grad;
use flambeau_tensor::{DType, Error, Kind, Result, Tensor, ops};

fn gradients(parameters: &[Tensor]) -> Vec<Tensor> {
    parameters.iter().filter_map(Tensor::grad).collect()
}

/// How [`clip_grad_norm_with`] measures.
///
/// ```
/// use flambeau_nn::utils::ClipGradNormOptions;
///
/// let largest = ClipGradNormOptions { norm_type: f64::INFINITY, ..Default::default() };
/// assert!(!largest.error_if_nonfinite);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClipGradNormOptions {
    /// The order of the norm; infinity for the largest element.
    pub norm_type: f64,
    /// Whether a norm that is infinite or no number is an error.
    pub error_if_nonfinite: bool,
}

impl Default for ClipGradNormOptions {
    fn default() -> ClipGradNormOptions {
        ClipGradNormOptions { norm_type: 2.0, error_if_nonfinite: false }
    }
}

/// Shrinks all gradients together so that their norm, as of one vector, is at most `max_norm`; gives the norm that they had.
///
/// ```
/// use flambeau_nn::utils::clip_grad_norm_;
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[3.0f32, 4.0], &[2])?.requires_grad_(true)?;
/// w.mul(&w)?.sum()?.backward()?; // the gradient is [6, 8]
/// assert_eq!(clip_grad_norm_(&[w.clone()], 1.0)?.item()?.to_f64(), 10.0);
/// assert!((w.grad().unwrap().norm()?.item()?.to_f64() - 1.0).abs() < 1e-6);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub fn clip_grad_norm_(parameters: &[Tensor], max_norm: f64) -> Result<Tensor> {
    clip_grad_norm_with(parameters, max_norm, ClipGradNormOptions::default())
}

/// As [`clip_grad_norm_`], with another norm.
///
/// ```
/// use flambeau_nn::utils::{ClipGradNormOptions, clip_grad_norm_with};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[3.0f32, 4.0], &[2])?.requires_grad_(true)?;
/// w.mul(&w)?.sum()?.backward()?;
/// let largest = ClipGradNormOptions { norm_type: f64::INFINITY, ..Default::default() };
/// assert_eq!(clip_grad_norm_with(&[w], 1.0, largest)?.item()?.to_f64(), 8.0);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub fn clip_grad_norm_with(parameters: &[Tensor], max_norm: f64, options: ClipGradNormOptions) -> Result<Tensor> {
    no_grad(|| {
        let grads = gradients(parameters);
        let total = total_norm(&grads, options)?;
        if grads.is_empty() {
            return Ok(total);
        }
        let factor = total.add(1e-6)?.reciprocal()?.mul(max_norm)?.clamp_max(1.0)?;
        grads.iter().try_for_each(|grad| grad.mul_(&factor).map(drop))?;
        Ok(total)
    })
}

/// The norm of tensors as of one vector (`get_total_norm`).
///
/// ```
/// use flambeau_nn::utils::{ClipGradNormOptions, total_norm};
/// use flambeau_tensor::Tensor;
///
/// let parts = [Tensor::of(&[3.0f32], &[1])?, Tensor::of(&[0.0f32, 4.0], &[2])?];
/// assert_eq!(total_norm(&parts, ClipGradNormOptions::default())?.item()?.to_f64(), 5.0);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub fn total_norm(tensors: &[Tensor], options: ClipGradNormOptions) -> Result<Tensor> {
    if tensors.is_empty() {
        return Ok(Tensor::scalar(0.0, DType::F32));
    }
    let order = options.norm_type;
    no_grad(|| {
        let norm = |t: &Tensor| t.vector_norm_with(order, None, false, None);
        let parts = tensors.iter().map(norm).collect::<Result<Vec<_>>>()?;
        let total = norm(&ops::stack(&parts)?)?;
        if options.error_if_nonfinite && !total.item()?.to_f64().is_finite() {
            return Err(Error::runtime(format!(
                "The total norm of order {order:?} for gradients from `parameters` is non-finite, so it cannot be \
                 clipped. To disable this error and scale the gradients by the non-finite norm anyway, set \
                 `error_if_nonfinite=False`"
            )));
        }
        Ok(total)
    })
}

/// Holds every element of the gradients between `-clip_value` and `clip_value`.
///
/// ```
/// use flambeau_nn::utils::clip_grad_value_;
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[0.25f32, 4.0], &[2])?.requires_grad_(true)?;
/// w.mul(&w)?.sum()?.backward()?;
/// clip_grad_value_(&[w.clone()], 1.0)?;
/// assert_eq!(w.grad().unwrap().to_vec::<f32>()?, [0.5, 1.0]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub fn clip_grad_value_(parameters: &[Tensor], clip_value: f64) -> Result<()> {
    no_grad(|| {
        gradients(parameters).iter().try_for_each(|grad| grad.clamp_min_(-clip_value)?.clamp_max_(clip_value).map(drop))
    })
}

/// All parameters in one row; gradients flow back to them.
///
/// ```
/// use flambeau_nn::utils::parameters_to_vector;
/// use flambeau_tensor::Tensor;
///
/// let (a, b) = (Tensor::of(&[1.0f32, 2.0], &[1, 2])?, Tensor::of(&[3.0f32], &[1])?);
/// assert_eq!(parameters_to_vector(&[a, b])?.to_vec::<f32>()?, [1.0, 2.0, 3.0]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub fn parameters_to_vector(parameters: &[Tensor]) -> Result<Tensor> {
    ops::cat(&parameters.iter().map(|p| p.reshape(&[-1])).collect::<Result<Vec<_>>>()?)
}

/// Copies a row of numbers into parameters, one after the other.
///
/// ```
/// use flambeau_nn::utils::vector_to_parameters;
/// use flambeau_tensor::Tensor;
///
/// let (a, b) = (Tensor::of(&[0.0f32; 2], &[1, 2])?, Tensor::of(&[0.0f32], &[1])?);
/// vector_to_parameters(&Tensor::of(&[1.0f32, 2.0, 3.0], &[3])?, &[a.clone(), b.clone()])?;
/// assert_eq!(a.to_vec::<f32>()?, [1.0, 2.0]);
/// assert_eq!(b.to_vec::<f32>()?, [3.0]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub fn vector_to_parameters(vector: &Tensor, parameters: &[Tensor]) -> Result<()> {
    let wanted: i64 = parameters.iter().map(Tensor::numel).sum();
    if vector.dim() != 1 || vector.numel() < wanted {
        return Err(Error::value(format!(
            "vector_to_parameters: the parameters have {wanted} elements, but the vector is of shape {:?}",
            vector.size()
        )));
    }
    no_grad(|| {
        let mut start = 0;
        for parameter in parameters {
            parameter.copy_(&vector.narrow(0, start, parameter.numel())?.reshape(parameter.size())?)?;
            start += parameter.numel();
        }
        Ok(())
    })
}

/// What an average of parameters takes from new ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Average {
    /// The mean over all updates (`get_swa_multi_avg_fn`).
    Mean,
    /// It keeps this much of itself at each update (`get_ema_multi_avg_fn`).
    Exponential(f64),
}

/// Copies of parameters that are averages of them over training (what `torch.optim.swa_utils.AveragedModel` computes): read
/// the parameters into it now and then, and copy the averages into a model at the end.
///
/// ```
/// use flambeau_nn::utils::{Average, AveragedParameters};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[0.0f32], &[1])?;
/// let mut average = AveragedParameters::new(&[w.clone()], Average::Mean)?;
/// for value in [1.0, 2.0, 6.0] {
///     w.fill_(value)?;
///     average.update(&[w.clone()])?;
/// }
/// average.copy_to(&[w.clone()])?;
/// assert_eq!(w.to_vec::<f32>()?, [3.0]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub struct AveragedParameters {
    averages: Vec<Tensor>,
    average: Average,
    updates: u64,
}

impl AveragedParameters {
    /// Averages of these parameters. The first update takes them as they are.
    pub fn new(parameters: &[Tensor], average: Average) -> Result<AveragedParameters> {
        if let Average::Exponential(decay) = average
            && !(0.0..=1.0).contains(&decay)
        {
            return Err(Error::value(format!(
                "Invalid decay value {decay:?} provided. Please provide a value in [0,1] range."
            )));
        }
        let averages = parameters.iter().map(|p| p.detach().clone_tensor()).collect::<Result<_>>()?;
        Ok(AveragedParameters { averages, average, updates: 0 })
    }

    /// Takes the parameters into the averages.
    pub fn update(&mut self, parameters: &[Tensor]) -> Result<()> {
        self.check(parameters)?;
        let share = match self.average {
            _ if self.updates == 0 => 1.0,
            Average::Mean => 1.0 / (self.updates + 1) as f64,
            Average::Exponential(decay) => 1.0 - decay,
        };
        no_grad(|| {
            self.averages.iter().zip(parameters).try_for_each(|(average, new)| {
                let new = new.detach();
                match average.dtype().kind() {
                    _ if self.updates == 0 => average.copy_(&new),
                    Kind::Float | Kind::Complex => average.lerp_(&new, share),
                    // Whole numbers are rounded once, down.
                    _ => average.copy_(&average.mul(1.0 - share)?.add(&new.mul(share)?)?),
                }
                .map(drop)
            })
        })?;
        self.updates += 1;
        Ok(())
    }

    /// Copies the averages into parameters.
    pub fn copy_to(&self, parameters: &[Tensor]) -> Result<()> {
        self.check(parameters)?;
        no_grad(|| parameters.iter().zip(&self.averages).try_for_each(|(p, average)| p.copy_(average).map(drop)))
    }

    /// The averages, in the order of the parameters.
    pub fn averages(&self) -> &[Tensor] {
        &self.averages
    }

    /// How many updates there were.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    fn check(&self, parameters: &[Tensor]) -> Result<()> {
        let fits = |(a, p): (&Tensor, &Tensor)| a.size() == p.size();
        if parameters.len() == self.averages.len() && self.averages.iter().zip(parameters).all(fits) {
            return Ok(());
        }
        Err(Error::value("the parameters are not those that the averages were made of: their sizes differ"))
    }
}
