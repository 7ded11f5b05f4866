//! Losses: how far an output is from what it should be.
//!
//! Each is also an operator of `Tensor`, such as [`Tensor::cross_entropy`]; as a struct it keeps its settings.

use std::f64::consts::PI;

use flambeau_tensor::{Error, Result, Tensor};
use serde::{Deserialize, Serialize};

use crate::Module;

/// What becomes of the losses of all elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// They stay.
    None,
    /// Their mean.
    #[default]
    Mean,
    /// Their sum.
    Sum,
}

impl Reduction {
    pub(super) fn name(self) -> &'static str {
        match self {
            Reduction::None => "none",
            Reduction::Mean => "mean",
            Reduction::Sum => "sum",
        }
    }

    pub(super) fn of(self, loss: Tensor) -> Result<Tensor> {
        match self {
            Reduction::None => Ok(loss),
            Reduction::Mean => loss.mean(),
            Reduction::Sum => loss.sum(),
        }
    }
}

/// A loss of an input and a target: its settings, and what it computes.
macro_rules! losses {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty = $usual:expr),* $(,)? }
        |$me:ident, $x:ident, $y:ident| $forward:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Module)]
        pub struct $name {
            /// What becomes of the losses of all elements.
            #[module(skip)]
            pub reduction: Reduction,
            $($(#[$field_doc])* pub $field: $ty,)*
        }

        impl Default for $name {
            fn default() -> $name {
                $name { reduction: Reduction::Mean, $($field: $usual),* }
            }
        }

        impl $name {
            /// The loss of the input against the target.
            pub fn forward(&self, $x: &Tensor, $y: &Tensor) -> Result<Tensor> {
                let $me = self;
                $forward
            }
        }
    )*};
}

losses! {
    /// Cross entropy of logits against class numbers or probabilities. Shape: `N C *s, N *s -> ()`.
    ///
    /// ```
    /// use flambeau_nn::CrossEntropyLoss;
    /// use flambeau_tensor::{Tensor, ops};
    /// let loss = CrossEntropyLoss::default().forward(&ops::zeros(&[1, 2])?, &Tensor::of(&[0i64], &[1])?)?;
    /// assert_eq!(format!("{loss}"), "tensor(0.6931)");
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    CrossEntropyLoss {
        /// A weight for each class.
        #[module(buffer)]
        weight: Option<Tensor> = None,
        /// A class number that counts nothing.
        ignore_index: i64 = -100,
        /// How much of the target is spread over all classes.
        label_smoothing: f64 = 0.0,
    } |me, x, y| {
        x.cross_entropy_with(y, me.weight.as_ref(), me.ignore_index, me.reduction.name(), me.label_smoothing)
    };
    /// Negative log-likelihood of log-probabilities against class numbers. Shape: `N C *s, N *s -> ()`.
    NLLLoss {
        /// A weight for each class.
        #[module(buffer)]
        weight: Option<Tensor> = None,
        /// A class number that counts nothing.
        ignore_index: i64 = -100,
    } |me, x, y| x.nll_loss_with(y, me.weight.as_ref(), me.ignore_index, me.reduction.name());
    /// Squared differences. Shape: `*s, *s -> ()`.
    MSELoss {} |me, x, y| x.mse_loss_with(y, me.reduction.name());
    /// Absolute differences. Shape: `*s, *s -> ()`.
    L1Loss {} |me, x, y| x.l1_loss_with(y, me.reduction.name());
    /// Squared differences below `beta`, absolute ones above. Shape: `*s, *s -> ()`.
    SmoothL1Loss {
        /// Where it changes.
        beta: f64 = 1.0,
    } |me, x, y| x.smooth_l1_loss_with(y, me.reduction.name(), me.beta);
    /// Squared differences below `delta`, `delta` times absolute ones above. Shape: `*s, *s -> ()`.
    HuberLoss {
        /// Where it changes.
        delta: f64 = 1.0,
    } |me, x, y| x.huber_loss_with(y, me.reduction.name(), me.delta);
    /// Cross entropy of probabilities against 0 and 1. Shape: `*s, *s -> ()`.
    BCELoss {
        /// A weight for each element.
        #[module(buffer)]
        weight: Option<Tensor> = None,
    } |me, x, y| x.binary_cross_entropy_with(y, me.weight.as_ref(), me.reduction.name());
    /// Cross entropy of logits against 0 and 1. Shape: `*s, *s -> ()`.
    BCEWithLogitsLoss {
        /// A weight for each element.
        #[module(buffer)]
        weight: Option<Tensor> = None,
        /// A weight for the targets that are 1.
        #[module(buffer)]
        pos_weight: Option<Tensor> = None,
    } |me, x, y| {
        let (weight, positive) = (me.weight.as_ref(), me.pos_weight.as_ref());
        x.binary_cross_entropy_with_logits_with(y, weight, positive, me.reduction.name())
    };
    /// Kullback-Leibler divergence of log-probabilities from probabilities. Shape: `*s, *s -> ()`.
    KLDivLoss {
        /// Whether the target is log-probabilities too.
        log_target: bool = false,
    } |me, x, y| x.kl_div_with(y, me.reduction.name(), me.log_target);
    /// Negative log-likelihood of counts under a Poisson distribution. Shape: `*s, *s -> ()`.
    PoissonNLLLoss {
        /// Whether the input is the logarithm of the rate, or the rate.
        log_input: bool = true,
        /// Whether the part that does not depend on the input is added, by Stirling's formula.
        full: bool = false,
        /// Added to the rate, whose logarithm is taken.
        eps: f64 = 1e-8,
    } |me, x, y| {
        let mut loss = if me.log_input { x.exp()?.sub(&y.mul(x)?)? } else { x.sub(&y.mul(&x.add(me.eps)?.log()?)?)? };
        if me.full {
            let safe = y.clamp_min(1)?;
            let root = safe.mul(2.0 * PI)?.log()?.mul(0.5)?;
            let stirling = y.mul(&safe.log()?)?.sub(y)?.add(&root)?;
            loss = loss.add(&y.gt(1)?.where_(&stirling, &stirling.zeros_like()?)?)?;
        }
        me.reduction.of(loss)
    };
    /// `log(1 + exp(-y x))`. Shape: `*s, *s -> ()`.
    SoftMarginLoss {} |me, x, y| me.reduction.of(x.mul(y)?.logsigmoid()?.neg()?);
    /// The input where the target is 1, `max(0, margin - x)` where it is -1. Shape: `*s, *s -> ()`.
    HingeEmbeddingLoss {
        /// How far apart is far enough.
        margin: f64 = 1.0,
    } |me, x, y| {
        let zero = x.zeros_like()?;
        let far = y.ne(1)?.where_(&x.neg()?.add(me.margin)?.clamp_min(0)?, &zero)?;
        me.reduction.of(far.add(&y.ne(-1)?.where_(x, &zero)?)?)
    };
    /// One-against-all logistic loss over classes. Shape: `N C, N C -> ()`.
    MultiLabelSoftMarginLoss {
        /// A weight for each class.
        #[module(buffer)]
        weight: Option<Tensor> = None,
    } |me, x, y| {
        let right = y.mul(&x.logsigmoid()?)?;
        let wrong = y.neg()?.add(1)?.mul(&x.neg()?.logsigmoid()?)?;
        let mut loss = right.add(&wrong)?.neg()?;
        if let Some(weight) = &me.weight {
            loss = loss.mul(weight)?;
        }
        me.reduction.of(loss.mean_dim(Some(&[-1]))?)
    };
}

/// `max(0, -y (x1 - x2) + margin)`. Shape: `*s, *s, *s -> ()`.
#[derive(Clone, Default, Module)]
pub struct MarginRankingLoss {
    /// How far apart is far enough.
    pub margin: f64,
    /// What becomes of the losses of all elements.
    #[module(skip)]
    pub reduction: Reduction,
}

impl MarginRankingLoss {
    /// The loss where `target` is 1 if `x1` should be greater, and -1 if `x2` should.
    pub fn forward(&self, x1: &Tensor, x2: &Tensor, target: &Tensor) -> Result<Tensor> {
        self.reduction.of(target.neg()?.mul(&x1.sub(x2)?)?.add(self.margin)?.clamp_min(0)?)
    }
}

/// `1 - cos` where the target is 1, `max(0, cos - margin)` where it is -1. Shape: `N D, N D, N -> ()`.
#[derive(Clone, Default, Module)]
pub struct CosineEmbeddingLoss {
    /// The cosine that is small enough.
    pub margin: f64,
    /// What becomes of the losses of all elements.
    #[module(skip)]
    pub reduction: Reduction,
}

impl CosineEmbeddingLoss {
    /// The loss of two vectors that should point the same way where `target` is 1.
    pub fn forward(&self, x1: &Tensor, x2: &Tensor, target: &Tensor) -> Result<Tensor> {
        const EPS: f64 = 1e-12;
        let square = |x: &Tensor| x.mul(x)?.sum_dim(Some(&[-1]))?.add(EPS);
        let cos = x1.mul(x2)?.sum_dim(Some(&[-1]))?.div(&square(x1)?.mul(&square(x2)?)?.sqrt()?)?;
        let zero = cos.zeros_like()?;
        let near = target.eq(1)?.where_(&cos.neg()?.add(1)?, &zero)?;
        let far = target.eq(-1)?.where_(&cos.sub(self.margin)?.clamp_min(0)?, &zero)?;
        self.reduction.of(near.add(&far)?)
    }
}

/// Negative log-likelihood under normal distributions. Shape: `*s, *s, *s -> ()`.
#[derive(Clone, Module)]
pub struct GaussianNLLLoss {
    /// Whether the part that does not depend on the input is added.
    pub full: bool,
    /// The least variance.
    pub eps: f64,
    /// What becomes of the losses of all elements.
    #[module(skip)]
    pub reduction: Reduction,
}

impl Default for GaussianNLLLoss {
    fn default() -> GaussianNLLLoss {
        GaussianNLLLoss { full: false, eps: 1e-6, reduction: Reduction::Mean }
    }
}

impl GaussianNLLLoss {
    /// The loss of means and variances.
    pub fn forward(&self, mean: &Tensor, target: &Tensor, var: &Tensor) -> Result<Tensor> {
        if var.lt(0)?.any()?.item()?.to_bool() {
            return Err(Error::value("var has negative entry/entries"));
        }
        let var = var.clamp_min(self.eps)?;
        let difference = mean.sub(target)?;
        let mut loss = var.log()?.add(&difference.mul(&difference)?.div(&var)?)?.mul(0.5)?;
        if self.full {
            loss = loss.add(0.5 * (2.0 * PI).ln())?;
        }
        self.reduction.of(loss)
    }
}

/// Connectionist temporal classification: the loss of a sequence whose alignment is not known.
/// Shape: `T N C, N S, N, N -> ()`.
#[derive(Clone, Default, Module)]
pub struct CTCLoss {
    /// The class that stands for nothing.
    pub blank: i64,
    /// Whether an infinite loss counts as 0.
    pub zero_infinity: bool,
    /// What becomes of the losses of all samples.
    #[module(skip)]
    pub reduction: Reduction,
}

impl CTCLoss {
    /// The loss of log-probabilities over time against the targets.
    pub fn forward(&self, log_probs: &Tensor, targets: &Tensor, inputs: &[i64], lengths: &[i64]) -> Result<Tensor> {
        log_probs.ctc_loss_with(targets, inputs, lengths, self.blank, self.reduction.name(), self.zero_infinity)
    }
}
