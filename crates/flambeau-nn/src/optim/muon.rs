use flambeau_tensor::{DType, Error, Result, Tensor};
use serde::{Deserialize, Serialize};

use super::rule::zeros;
use super::state_dict::{python_float, words};
use super::{Entries, Item, PerParameter, Rule, State};

/// How the learning rate of [`Muon`] grows with the shape of a matrix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdjustLr {
    /// By `sqrt(max(1, rows / columns))`.
    #[default]
    Original,
    /// By `0.2 * sqrt(max(rows, columns))`: steps are then about as large as AdamW's.
    MatchRmsAdamw,
    /// By `sqrt(rows / columns)`.
    SpectralUnclamped,
}

impl AdjustLr {
    fn factor(self, rows: f64, columns: f64) -> f64 {
        match self {
            AdjustLr::Original => (rows / columns).max(1.0).sqrt(),
            AdjustLr::MatchRmsAdamw => 0.2 * rows.max(columns).sqrt(),
            AdjustLr::SpectralUnclamped => (rows / columns).sqrt(),
        }
    }
}

words!(AdjustLr { Original: "original", MatchRmsAdamw: "match_rms_adamw", SpectralUnclamped: "spectral_unclamped" });

/// The options of [`Muon`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MuonOptions {
    /// The learning rate: how far a step goes.
    pub lr: f64,
    /// How much of the parameter is taken off it at each step, times the learning rate.
    pub weight_decay: f64,
    /// How much of the running mean of gradients is kept.
    pub momentum: f64,
    /// Whether momentum is Nesterov's.
    pub nesterov: bool,
    /// The coefficients of the polynomial that makes a matrix orthogonal.
    pub ns_coefficients: (f64, f64, f64),
    /// The least norm that a matrix is divided by.
    pub eps: f64,
    /// How often the polynomial is applied.
    pub ns_steps: usize,
    /// How the learning rate grows with the shape of a matrix; `None` is [`AdjustLr::Original`].
    pub adjust_lr_fn: Option<AdjustLr>,
}

impl Default for MuonOptions {
    fn default() -> MuonOptions {
        MuonOptions {
            lr: 1e-3,
            weight_decay: 0.1,
            momentum: 0.95,
            nesterov: true,
            ns_coefficients: (3.4445, -4.7750, 2.0315),
            eps: 1e-7,
            ns_steps: 5,
            adjust_lr_fn: None,
        }
    }
}

/// Steps by the running mean of the gradients, made orthogonal; for matrices (`torch.optim.Muon`).
///
/// ```
/// use flambeau_nn::optim::{Muon, MuonOptions, Optimizer};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2])?.requires_grad_(true)?;
/// let mut optimizer = Muon::new(vec![w.clone()], MuonOptions { lr: 0.1, ..Default::default() })?;
/// let loss = || w.mul(&w)?.sum();
/// let before = loss()?;
/// before.backward()?;
/// optimizer.step()?;
/// assert!(loss()?.item()?.to_f64() < before.item()?.to_f64());
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub type Muon = PerParameter<MuonOptions>;

impl MuonOptions {
    /// The nearest orthogonal matrix, roughly: a Newton-Schulz iteration in bfloat16.
    fn orthogonal(&self, update: &Tensor) -> Result<Tensor> {
        if self.ns_steps >= 100 {
            return Err(Error::value("Number of steps must be less than 100 for computational efficiency"));
        }
        let (a, b, c) = self.ns_coefficients;
        let tall = update.size()[0] > update.size()[1];
        let turned = |x: Tensor| if tall { x.t() } else { Ok(x) };
        let x = turned(update.to_dtype(DType::BF16)?)?;
        let mut x = x.div(&x.norm()?.clamp_min_(self.eps)?)?;
        for _ in 0..self.ns_steps {
            let gram = x.matmul(&x.t()?)?;
            let polynomial = gram.addmm_with(&gram, &gram, b, c)?;
            x = x.addmm_with(&polynomial, &x, a, 1)?;
        }
        turned(x)
    }
}

impl Rule for MuonOptions {
    const NAME: &'static str = "Muon";
    const COMPLEX: bool = false;

    fn check(&self) -> Result<()> {
        let named = [("Learning rate", self.lr), ("momentum", self.momentum), ("weight decay", self.weight_decay)];
        match named.iter().find(|(_, value)| value.is_nan() || *value < 0.0) {
            Some((name, value)) => Err(Error::value(format!("{name} should be >= 0 but is: {}", python_float(*value)))),
            None => Ok(()),
        }
    }

    fn check_parameter(&self, parameter: &Tensor) -> Result<()> {
        if parameter.dim() == 2 {
            return Ok(());
        }
        Err(Error::value(format!(
            "Muon only supports 2D parameters whereas we found a parameter with size: torch.Size({:?})",
            parameter.size()
        )))
    }

    fn lr(&self) -> f64 {
        self.lr
    }
    fn set_lr(&mut self, lr: f64) {
        self.lr = lr;
    }
    fn momentum(&self) -> Option<f64> {
        Some(self.momentum)
    }
    fn set_momentum(&mut self, momentum: f64) {
        self.momentum = momentum;
    }

    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        entries.required("lr", &mut self.lr)?;
        entries.required("weight_decay", &mut self.weight_decay)?;
        entries.required("momentum", &mut self.momentum)?;
        entries.required("nesterov", &mut self.nesterov)?;
        entries.required("ns_coefficients", &mut self.ns_coefficients)?;
        entries.required("eps", &mut self.eps)?;
        entries.required("ns_steps", &mut self.ns_steps)?;
        entries.required("adjust_lr_fn", &mut self.adjust_lr_fn)
    }

    fn start(&self, parameter: &Tensor) -> Result<State> {
        Ok(State::new([("momentum_buffer", zeros(parameter)?)]))
    }

    fn update(&self, Item { parameter, grad, state, .. }: &mut Item) -> Result<()> {
        let buffer = state.tensor("momentum_buffer")?.lerp_(grad, 1.0 - self.momentum)?;
        let direction = self.orthogonal(&if self.nesterov { grad.lerp(&buffer, self.momentum)? } else { buffer })?;
        let (rows, columns) = (parameter.size()[0] as f64, parameter.size()[1] as f64);
        let lr = self.lr * self.adjust_lr_fn.unwrap_or_default().factor(rows, columns);
        parameter.mul_(1.0 - self.lr * self.weight_decay)?.add__with(&direction, -lr).map(drop)
    }
}
