//! Losses that ask for a distance between right and wrong, and the cross entropy of a layer.

use flambeau_tensor::{DType, Error, Result, Tensor};

use super::{CrossEntropyLoss, Linear, PairwiseDistance, Reduction};
use crate::module::{python, python_float};
use crate::{Forward, Module};

/// The input as rows of classes: one without a batch is a single row.
fn rows(x: &Tensor, labels: &Tensor) -> Result<(Tensor, Tensor)> {
    if labels.dtype() != DType::I64 {
        return Err(Error::runtime(format!("expected scalar type Long but found {}", labels.dtype().title())));
    }
    match x.dim() {
        0 | 1 => Ok((x.reshape(&[1, -1])?, labels.reshape(&[1, -1])?)),
        2 => Ok((x.clone(), labels.clone())),
        _ => Err(Error::runtime(format!(
            "Expected non-empty vector or matrix with optional 0-dim batch size, but got: {:?}",
            x.size()
        ))),
    }
}

/// The losses of the rows, reduced; those of an input without a batch are one number.
fn reduced(loss: Tensor, x: &Tensor, reduction: Reduction) -> Result<Tensor> {
    reduction.of(if x.dim() < 2 { loss.squeeze_dim(0)? } else { loss })
}

/// `sum over the other classes of max(0, margin - x[y] + x[i])^p / C`. Shape: `N C, N -> ()`.
///
/// ```
/// use flambeau_nn::MultiMarginLoss;
/// use flambeau_tensor::Tensor;
/// let x = Tensor::of(&[0.1f32, 0.2, 0.4, 0.8], &[1, 4])?;
/// let loss = MultiMarginLoss::default().forward(&x, &Tensor::of(&[3i64], &[1])?)?;
/// assert_eq!(format!("{loss}"), "tensor(0.3250)");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Module)]
pub struct MultiMarginLoss {
    /// The power: 1 or 2.
    pub p: i64,
    /// How far apart is far enough.
    pub margin: f64,
    /// A weight for each class.
    #[module(buffer)]
    pub weight: Option<Tensor>,
    /// What becomes of the losses of all samples.
    #[module(skip)]
    pub reduction: Reduction,
}

impl Default for MultiMarginLoss {
    fn default() -> MultiMarginLoss {
        MultiMarginLoss { p: 1, margin: 1.0, weight: None, reduction: Reduction::Mean }
    }
}

impl MultiMarginLoss {
    /// The loss of scores against class numbers.
    pub fn forward(&self, input: &Tensor, target: &Tensor) -> Result<Tensor> {
        if self.p != 1 && self.p != 2 {
            return Err(Error::value("only p == 1 and p == 2 supported"));
        }
        let (x, labels) = rows(input, target)?;
        let labels = labels.reshape(&[-1])?;
        if labels.numel() != x.size()[0] || target.dim() > 1 {
            return Err(Error::runtime(format!(
                "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch size). \
                 Expected target size [{}], but got {:?}. Input has shape {:?}.",
                x.size()[0],
                target.size(),
                input.size()
            )));
        }
        let column = labels.unsqueeze(1)?;
        let mut excess = x.sub(&x.gather(1, &column)?)?.add(self.margin)?.clamp_min(0)?.pow(self.p)?;
        if let Some(weight) = &self.weight {
            excess = excess.mul(&weight.index_select(0, &labels)?.unsqueeze(1)?)?;
        }
        let others = x.detach().ones_like()?.scatter_value(1, &column, 0)?;
        let loss = excess.mul(&others)?.sum_dim(Some(&[1]))?.div(x.size()[1])?;
        reduced(loss, input, self.reduction)
    }
}

/// Every class that is not a label is to be lower by 1 than every label. A row of the target lists its labels, ended by -1
/// where there are fewer than classes. Shape: `N C, N C -> ()`.
///
/// ```
/// use flambeau_nn::MultiLabelMarginLoss;
/// use flambeau_tensor::Tensor;
/// let x = Tensor::of(&[0.1f32, 0.2, 0.4, 0.8], &[1, 4])?;
/// let loss = MultiLabelMarginLoss::default().forward(&x, &Tensor::of(&[3i64, 0, -1, 1], &[1, 4])?)?;
/// assert_eq!(format!("{loss}"), "tensor(0.8500)");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone, Default, Module)]
pub struct MultiLabelMarginLoss {
    /// What becomes of the losses of all samples.
    #[module(skip)]
    pub reduction: Reduction,
}

impl MultiLabelMarginLoss {
    /// The loss of scores against the labels.
    pub fn forward(&self, input: &Tensor, target: &Tensor) -> Result<Tensor> {
        let (x, labels) = rows(input, target)?;
        if labels.size() != x.size() {
            return Err(Error::runtime(format!(
                "inconsistent target size: {:?} for input of size: {:?}",
                target.size(),
                input.size()
            )));
        }
        // Labels count up to the first -1.
        let counted = labels.lt(0)?.to_dtype(DType::I64)?.cumsum(1)?.eq(0)?;
        let column = counted.where_(&labels, &labels.zeros_like()?)?;
        let counted = counted.to_dtype(x.dtype())?;
        let hits = x.detach().zeros_like()?.scatter_add(1, &column, &counted)?;
        let others = hits.eq(0)?.to_dtype(x.dtype())?;
        // (N, label, class): how much a class that is no label is too high.
        let gap = x.unsqueeze(1)?.sub(&x.gather(1, &column)?.unsqueeze(2)?)?;
        let excess = gap.add(1)?.clamp_min(0)?.mul(&counted.unsqueeze(2)?)?.mul(&others.unsqueeze(1)?)?;
        let loss = excess.sum_dim(Some(&[1, 2]))?.div(x.size()[1])?;
        reduced(loss, input, self.reduction)
    }
}

/// `max(0, near - far + margin)`; with `swap`, `far` is the smaller one of both distances from the wrong sample.
fn triplet(
    distance: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
    [anchor, positive, negative]: [&Tensor; 3],
    margin: f64,
    swap: bool,
) -> Result<Tensor> {
    if anchor.dim() != positive.dim() || anchor.dim() != negative.dim() {
        return Err(Error::runtime(format!(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: anchor \
             {}D, positive {}D, and negative {}D inputs",
            anchor.dim(),
            positive.dim(),
            negative.dim()
        )));
    }
    let (near, mut far) = (distance(anchor, positive)?, distance(anchor, negative)?);
    if swap {
        let other = distance(positive, negative)?;
        far = far.lt(&other)?.where_(&far, &other)?;
    }
    near.add(margin)?.sub(&far)?.clamp_min(0)
}

/// `max(0, |a - p| - |a - n| + margin)`. Shape: `N D, N D, N D -> ()`.
#[derive(Clone, Module)]
pub struct TripletMarginLoss {
    /// How far apart is far enough.
    pub margin: f64,
    /// Which norm.
    pub p: f64,
    /// Added to each difference.
    pub eps: f64,
    /// Whether the wrong sample's distance is that to the anchor or to the right sample, whichever is smaller.
    pub swap: bool,
    /// What becomes of the losses of all elements.
    #[module(skip)]
    pub reduction: Reduction,
}

impl Default for TripletMarginLoss {
    fn default() -> TripletMarginLoss {
        TripletMarginLoss { margin: 1.0, p: 2.0, eps: 1e-6, swap: false, reduction: Reduction::Mean }
    }
}

impl TripletMarginLoss {
    /// The loss of an anchor that should be nearer to `positive` than to `negative`.
    pub fn forward(&self, anchor: &Tensor, positive: &Tensor, negative: &Tensor) -> Result<Tensor> {
        let norm = PairwiseDistance { p: self.p, eps: self.eps, keepdim: false };
        let loss = triplet(|a, b| norm.forward(a, b), [anchor, positive, negative], self.margin, self.swap)?;
        self.reduction.of(loss)
    }
}

/// A distance between two tensors.
type Distance = Box<dyn Fn(&Tensor, &Tensor) -> Result<Tensor> + Send + Sync>;

/// [`TripletMarginLoss`] with a distance of one's own. Shape: `N D, N D, N D -> ()`.
///
/// ```
/// use flambeau_nn::TripletMarginWithDistanceLoss;
/// use flambeau_tensor::{Tensor, ops};
///
/// let furthest = |a: &Tensor, b: &Tensor| a.sub(b)?.abs()?.amax_with(Some(&[1]), false);
/// let loss = TripletMarginWithDistanceLoss { margin: 2.0, ..TripletMarginWithDistanceLoss::new(furthest) };
/// let (a, n) = (ops::zeros(&[4, 3])?, ops::ones(&[4, 3])?);
/// assert_eq!(format!("{}", loss.forward(&a, &a, &n)?), "tensor(1.)");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Module)]
pub struct TripletMarginWithDistanceLoss {
    /// The distance of two batches, one number for each pair.
    #[module(skip)]
    pub distance_function: Distance,
    /// How far apart is far enough.
    pub margin: f64,
    /// Whether the wrong sample's distance is that to the anchor or to the right sample, whichever is smaller.
    pub swap: bool,
    /// What becomes of the losses of all elements.
    #[module(skip)]
    pub reduction: Reduction,
}

impl TripletMarginWithDistanceLoss {
    /// With a margin of 1.
    pub fn new(
        distance: impl Fn(&Tensor, &Tensor) -> Result<Tensor> + Send + Sync + 'static,
    ) -> TripletMarginWithDistanceLoss {
        let distance_function = Box::new(distance);
        TripletMarginWithDistanceLoss { distance_function, margin: 1.0, swap: false, reduction: Reduction::Mean }
    }

    /// The loss of an anchor that should be nearer to `positive` than to `negative`.
    pub fn forward(&self, anchor: &Tensor, positive: &Tensor, negative: &Tensor) -> Result<Tensor> {
        let samples = [anchor, positive, negative];
        self.reduction.of(triplet(&self.distance_function, samples, self.margin, self.swap)?)
    }
}

/// [`CrossEntropyLoss`] of the logits of a [`Linear`] that it holds. Shape: `N I, N -> ()`.
///
/// ```
/// use flambeau_nn::LinearCrossEntropyLoss;
/// use flambeau_tensor::{Tensor, ops};
/// let loss = LinearCrossEntropyLoss::new(4, 3, false)?;
/// assert_eq!(loss.forward(&ops::ones(&[2, 4])?, &Tensor::of(&[0i64, 2], &[2])?)?.dim(), 0);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Module)]
#[module(extra_repr = Self::settings)]
pub struct LinearCrossEntropyLoss {
    /// A weight for each class.
    #[module(buffer)]
    pub weight: Option<Tensor>,
    /// Makes the logits.
    pub linear: Linear,
    /// A class number that counts nothing; -100 if `None`.
    #[module(skip)]
    pub ignore_index: Option<i64>,
    /// How much of the target is spread over all classes.
    pub label_smoothing: f64,
    /// What becomes of the losses of all samples.
    #[module(skip)]
    pub reduction: Reduction,
}

impl LinearCrossEntropyLoss {
    /// From `in_features` numbers to `num_classes` logits, with a bias or without.
    pub fn new(in_features: i64, num_classes: i64, bias: bool) -> Result<LinearCrossEntropyLoss> {
        let linear = Linear::with(in_features, num_classes, bias)?;
        let (ignore_index, reduction) = (None, Reduction::Mean);
        Ok(LinearCrossEntropyLoss { weight: None, linear, ignore_index, label_smoothing: 0.0, reduction })
    }

    /// The loss of the input against class numbers or probabilities.
    pub fn forward(&self, input: &Tensor, target: &Tensor) -> Result<Tensor> {
        let loss = CrossEntropyLoss {
            reduction: self.reduction,
            weight: self.weight.clone(),
            ignore_index: self.ignore_index.unwrap_or(-100),
            label_smoothing: self.label_smoothing,
        };
        loss.forward(&self.linear.forward(input)?, target)
    }

    fn settings(&self) -> String {
        let size = self.linear.weight.size();
        format!(
            "in_features={}, num_classes={}, out_features=(), bias={}, reduction={}, ignore_index={}, label_smoothing={}, \
             options=None",
            size[1],
            size[0],
            python(self.linear.bias.is_some()),
            self.reduction.name(),
            self.ignore_index.map_or("None".to_string(), |i| i.to_string()),
            python_float(self.label_smoothing)
        )
    }
}
