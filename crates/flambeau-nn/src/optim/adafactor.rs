use flambeau_tensor::{DType, Error, Result, Tensor, bf16, f16};
use serde::{Deserialize, Serialize};

use super::rule::{count, zeros};
use super::state_dict::python_float;
use super::{Entries, Item, PerParameter, Rule, State, StateValue};

/// The options of [`Adafactor`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdafactorOptions {
    /// The greatest learning rate: it falls with the steps, and grows with the size of the parameter.
    pub lr: f64,
    /// The power of the step by which the running means take less of what is new.
    pub beta2_decay: f64,
    /// The least value of the means (`None` for the dtype's precision), and the least size of a parameter.
    pub eps: (Option<f64>, f64),
    /// The size above which a step is cut back.
    pub d: f64,
    /// How much of the parameter is taken off it at each step, times the learning rate.
    pub weight_decay: f64,
    /// Whether steps go up the gradient.
    pub maximize: bool,
}

impl Default for AdafactorOptions {
    fn default() -> AdafactorOptions {
        AdafactorOptions { lr: 1e-2, beta2_decay: -0.8, eps: (None, 1e-3), d: 1.0, weight_decay: 0.0, maximize: false }
    }
}

/// Steps by second moments that are kept in parts: a row and a column for every matrix (`torch.optim.Adafactor`).
///
/// ```
/// use flambeau_nn::optim::{Adafactor, AdafactorOptions, Optimizer};
/// use flambeau_tensor::{DType, Tensor};
///
/// let w = Tensor::of(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3])?.requires_grad_(true)?;
/// let mut optimizer = Adafactor::new(vec![w.clone()], AdafactorOptions::default())?;
/// w.mul(&w)?.sum()?.backward()?;
/// optimizer.step()?;
/// let state = optimizer.state(&w).unwrap();
/// assert_eq!(state.tensor("row_var")?.size(), [2, 1]);
/// assert_eq!(state.tensor("col_var")?.size(), [1, 3]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type Adafactor = PerParameter<AdafactorOptions>;

/// The distance from 1 to the next number.
fn precision(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => f64::EPSILON,
        DType::F16 => f16::EPSILON.to_f64(),
        DType::BF16 => bf16::EPSILON.to_f64(),
        _ => f64::from(f32::EPSILON),
    }
}

/// The root of the mean square, times the root of the number of elements.
fn norm(x: &Tensor) -> Result<f64> {
    x.norm()?.item().map(|n| n.to_f64())
}

/// The mean square along a dimension.
fn mean_square(x: &Tensor, dim: i64) -> Result<Tensor> {
    let length = x.size()[(x.dim() as i64 + dim) as usize];
    x.vector_norm_with(2, Some(&[dim]), true, None)?.square_()?.div_(length)
}

impl Rule for AdafactorOptions {
    const NAME: &'static str = "Adafactor";
    const COMPLEX: bool = false;

    fn check(&self) -> Result<()> {
        let wrong = |what: &str, value: f64| Err(Error::value(format!("{what} but is: {}", python_float(value))));
        match *self {
            AdafactorOptions { lr, .. } if lr.is_nan() || lr < 0.0 => wrong("Learning rate should be >= 0", lr),
            AdafactorOptions { beta2_decay: b, .. } if b.is_nan() || b > 0.0 => wrong("beta2_decay should be <= 0", b),
            AdafactorOptions { eps: (Some(e), _), .. } if e.is_nan() || e < 0.0 => wrong("epsilon1 should be >= 0", e),
            AdafactorOptions { eps: (_, e), .. } if e.is_nan() || e < 0.0 => wrong("epsilon2 should be >= 0", e),
            AdafactorOptions { d, .. } if d.is_nan() || d < 1.0 => wrong("Clipping threshold d should be >= 1", d),
            AdafactorOptions { weight_decay: w, .. } if w.is_nan() || w < 0.0 => {
                wrong("weight_decay should be >= 0", w)
            }
            _ => Ok(()),
        }
    }

    fn lr(&self) -> f64 {
        self.lr
    }
    fn set_lr(&mut self, lr: f64) {
        self.lr = lr;
    }
    fn maximize(&self) -> bool {
        self.maximize
    }

    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        entries.required("lr", &mut self.lr)?;
        entries.required("beta2_decay", &mut self.beta2_decay)?;
        entries.required("eps", &mut self.eps)?;
        entries.required("d", &mut self.d)?;
        entries.required("weight_decay", &mut self.weight_decay)?;
        entries.constant("foreach", StateValue::None);
        entries.optional("maximize", &mut self.maximize)
    }

    fn start(&self, parameter: &Tensor) -> Result<State> {
        let [rest @ .., rows, cols] = parameter.size() else {
            return Ok(State::new([("step", count(0.0)), ("variance", zeros(parameter)?)]));
        };
        let of = |last: [i64; 2]| parameter.detach().new_zeros(&[rest, &last].concat());
        Ok(State::new([("step", count(0.0)), ("row_var", of([*rows, 1])?), ("col_var", of([1, *cols])?)]))
    }

    fn update(&self, Item { parameter, grad, state, .. }: &mut Item) -> Result<()> {
        let step = state.count_up()?;
        let least = self.eps.0.unwrap_or_else(|| precision(parameter.dtype()));
        let share = step.powf(self.beta2_decay);
        let size = norm(parameter)? / (parameter.numel() as f64).sqrt();
        let rate = size.max(self.eps.1) * self.lr.min(1.0 / step.sqrt());
        if self.weight_decay != 0.0 {
            parameter.mul_(1.0 - self.lr * self.weight_decay)?;
        }
        let variance = if grad.dim() > 1 {
            let rows = state.tensor("row_var")?.lerp_(&mean_square(grad, -1)?, share)?;
            let cols = state.tensor("col_var")?.lerp_(&mean_square(grad, -2)?, share)?;
            let mean = rows.mean_dim_with(Some(&[-2]), true, None)?.clamp_min_(least)?;
            rows.matmul(&cols)?.div_(&mean)?
        } else {
            state.tensor("variance")?.lerp_(&grad.mul(&*grad)?, share)?.clone_tensor()?
        };
        let update = variance.clamp_min_(least * least)?.rsqrt_()?.mul_(&*grad)?;
        let excess = (norm(&update)? / ((update.numel() as f64).sqrt() * self.d)).max(1.0);
        parameter.add__with(&update, -rate / excess).map(drop)
    }
}
