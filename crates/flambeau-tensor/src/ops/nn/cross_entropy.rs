//! Cross entropy of logits against classes or probabilities.

use flambeau_cpu::loss::Reduction;

use super::nll::{nll_parts, reduction_of};
use crate::ops::op;
use crate::{Error, Kind, Result, Tensor};

op! {
    /// Cross entropy of logits against class numbers, or against probabilities of the shape of the input. `label_smoothing`
    /// mixes the target with the uniform distribution.
    ///
    /// Shape: `N C *s, N *s -> ()`, or `-> N *s` without reduction. Dtype: floating-point.
    ///
    /// >>> torch.nn.functional.cross_entropy(torch.zeros(1, 2), torch.tensor([0]))
    /// tensor(0.6931)
    fn cross_entropy(input: Tensor, target: Tensor, weight: Option<Tensor> = None, ignore_index: i64 = -100, reduction: Str = "mean", label_smoothing: f64 = 0.0) -> y;
    variants [functional];
    composite {
        if input.size() == target.size() {
            return of_probabilities(input, target, weight, ignore_index, reduction, label_smoothing);
        }
        if label_smoothing > 0.0 {
            return smoothed(input, target, weight, ignore_index, reduction, label_smoothing);
        }
        let log_probs = input.log_softmax(class_dim(input))?;
        let (loss, _) = nll_parts(&log_probs, target, weight, ignore_index, reduction)?;
        Ok(loss)
    };
    samples [
        (real([3, 4]), int([3], 0, 4)),
        (real([4]), int([], 0, 4)),
        (real([2, 3, 2]), int([2, 2], 0, 3), positive([3]), 1, "sum", 0.1),
        (real([3, 4]), unit([3, 4]), None, -100, "none"),
        (real([3, 4]), unit([3, 4]), positive([4]), -100, "mean", 0.2),
        (real([0, 3]), int([0], 0, 3), None, -100, "sum"),
    ];
}

fn class_dim(x: &Tensor) -> i64 {
    i64::from(x.dim() > 1)
}

fn check_weight(x: &Tensor, weight: Option<&Tensor>, prefix: &str) -> Result<i64> {
    let dim = class_dim(x) as usize;
    let classes = *x
        .size()
        .get(dim)
        .ok_or_else(|| Error::index("Dimension specified as 0 but tensor has no dimensions".to_string()))?;
    if let Some(w) = weight
        && (w.dim() != 1 || w.numel() != classes)
    {
        return Err(Error::runtime(format!(
            "{prefix}weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of shape: {:?}",
            w.size()
        )));
    }
    Ok(classes)
}

/// A weight for each class, shaped to broadcast over the input.
fn spread(weight: &Tensor, x: &Tensor) -> Result<Tensor> {
    let dim = class_dim(x) as usize;
    let shape: Vec<i64> = (0..x.dim()).map(|d| if d == dim { -1 } else { 1 }).collect();
    weight.reshape(&shape)
}

fn of_probabilities(
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    ignore_index: i64,
    reduction: &str,
    smoothing: f64,
) -> Result<Tensor> {
    if target.dtype().kind() != Kind::Float {
        return Err(Error::runtime(format!(
            "Expected floating point type for target with class probabilities, got {}",
            target.dtype().title()
        )));
    }
    if ignore_index >= 0 {
        return Err(Error::runtime("ignore_index is not supported for floating point target"));
    }
    let classes = check_weight(x, weight, "cross_entropy: ")?;
    let log_probs = x.log_softmax(class_dim(x))?;
    let target = if smoothing > 0.0 {
        if smoothing > 1.0 {
            return Err(too_smooth(smoothing));
        }
        target.mul(1.0 - smoothing)?.add(smoothing / classes as f64)?
    } else {
        target.clone()
    };
    let mut product = log_probs.mul(&target)?;
    if let Some(w) = weight {
        product = product.mul(&spread(w, x)?)?;
    }
    match reduction_of(reduction)? {
        Reduction::Mean => product.sum()?.neg()?.div(x.numel() as f64 / classes as f64),
        Reduction::Sum => product.sum()?.neg(),
        Reduction::None => product.sum_dim(Some(&[class_dim(x)]))?.neg(),
    }
}

fn too_smooth(smoothing: f64) -> Error {
    Error::runtime(format!("label_smoothing must be between 0.0 and 1.0. Got: {smoothing}"))
}

fn smoothed(
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    ignore_index: i64,
    reduction: &str,
    smoothing: f64,
) -> Result<Tensor> {
    if smoothing > 1.0 {
        return Err(too_smooth(smoothing));
    }
    let classes = check_weight(x, weight, "")?;
    let log_probs = x.log_softmax(class_dim(x))?;
    let (loss, total) = nll_parts(&log_probs, target, weight, ignore_index, reduction)?;
    let weighted = match weight {
        Some(w) => log_probs.mul(&spread(w, x)?)?,
        None => log_probs,
    };
    let ignored = target.eq(ignore_index)?;
    let uniform = weighted.sum_dim(Some(&[class_dim(x)]))?.neg()?.masked_fill(&ignored, 0.0)?;
    let uniform = match reduction_of(reduction)? {
        Reduction::Mean => uniform.sum()?.div(&total)?,
        Reduction::Sum => uniform.sum()?,
        Reduction::None => uniform,
    };
    loss.mul(1.0 - smoothing)?.add(&uniform.mul(smoothing / classes as f64)?)
}
