//! The negative log-likelihood of classes.

use flambeau_cpu::loss as kernels;
use flambeau_cpu::loss::Reduction;

use crate::ops::nn::{constant, flat, float_dtype};
use crate::ops::{Val, op, rule};
use crate::{DType, Dims, Error, Result, Tensor};

/// The reduction that a word means.
pub(crate) fn reduction_of(word: &str) -> Result<Reduction> {
    match word {
        "none" => Ok(Reduction::None),
        "mean" => Ok(Reduction::Mean),
        "sum" => Ok(Reduction::Sum),
        other => Err(Error::value(format!("{other} is not a valid value for reduction"))),
    }
}

op! {
    /// Minus the log-probability of the right class, averaged ("mean", by weight), added up ("sum") or for each target ("none").
    ///
    /// Shape: `N C *s, N *s -> ()`, or `-> N *s` without reduction. Dtype: floating-point; targets are int64 or uint8.
    ///
    /// >>> torch.nn.functional.nll_loss(torch.tensor([[-1., -2.]]), torch.tensor([1]))
    /// tensor(2.)
    fn nll_loss(input: Tensor, target: Tensor, weight: Option<Tensor> = None, ignore_index: i64 = -100, reduction: Str = "mean") -> y;
    variants [functional];
    composite {
        let (loss, _) = nll_parts(input, target, weight, ignore_index, reduction)?;
        Ok(loss)
    };
    samples [
        (tensor(&[3, 4], -2.0, 0.0), int([3], 0, 4)),
        (tensor(&[2, 3, 2], -2.0, 0.0), int([2, 2], 0, 3), positive([3]), 1, "sum"),
        (tensor(&[1, 3, 2, 2], -2.0, 0.0), int([1, 2, 2], 0, 3), None, -100, "none"),
        (tensor(&[3], -2.0, 0.0), int([], 0, 3)),
    ];
}

/// The loss and the weight it was divided by, for any number of dimensions.
pub(crate) fn nll_parts(
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    ignore_index: i64,
    reduction: &str,
) -> Result<(Tensor, Tensor)> {
    if x.dim() == 0 {
        return Err(Error::value("Expected 1 or more dimensions (got 0)"));
    }
    if x.dim() != 1 && target.dim() > 0 && x.size()[0] != target.size()[0] {
        return Err(Error::value(format!(
            "Expected input batch_size ({}) to match target batch_size ({}).",
            x.size()[0],
            target.size()[0]
        )));
    }
    constant(weight, if x.dim() <= 2 { "nll_loss_forward" } else { "nll_loss2d_forward" }, "weight")?;
    if x.dim() <= 2 {
        return x.nll_loss_forward(target, weight, reduction, ignore_index);
    }
    let (n, rest) = (x.size()[0], &x.size()[2..]);
    let wanted: Dims = std::iter::once(n).chain(rest.iter().copied()).collect();
    if x.dim() == 4 {
        if target.dim() != 3 {
            return Err(Error::runtime(format!(
                "only batches of spatial targets supported (3D tensors) but got targets of dimension: {}",
                target.dim()
            )));
        }
        if target.size() != wanted.as_slice() {
            return Err(Error::runtime(format!(
                "size mismatch (got input: {:?} , target: {:?}",
                x.size(),
                target.size()
            )));
        }
    } else if target.size() != wanted.as_slice() {
        return Err(Error::runtime(format!("Expected target size {:?}, got {:?}", wanted.as_slice(), target.size())));
    }
    x.nll_loss2d_forward(target, weight, reduction, ignore_index)
}

/// N, C and the number of targets in one batch element.
fn classes(sizes: &[i64]) -> [usize; 3] {
    match sizes {
        [c] => [1, *c as usize, 1],
        [n, c, rest @ ..] => [*n as usize, *c as usize, rest.iter().product::<i64>() as usize],
        [] => [0; 3],
    }
}

fn checked(x: &Tensor, target: &Tensor, weight: Option<&Tensor>) -> Result<DType> {
    let [n, _, rest] = classes(x.size());
    rule::require(x.dim() > 0 && (x.dim() <= 2 || target.numel() as usize == n * rest), "nll_loss")?;
    if x.dim() <= 2 {
        if target.dim() > 1 {
            return Err(Error::runtime("0D or 1D target tensor expected, multi-target not supported"));
        }
        let fits =
            if x.dim() == 1 { target.numel() == 1 } else { target.dim() == 1 && target.size()[0] == x.size()[0] };
        if !fits {
            return Err(Error::runtime(format!(
                "size mismatch (got input: {:?}, target: {:?})",
                x.size(),
                target.size()
            )));
        }
    }
    if !matches!(target.dtype(), DType::I64 | DType::U8) {
        return Err(Error::runtime(format!(
            "expected target dtype to be Long or Byte, but got {}",
            target.dtype().title()
        )));
    }
    let d = float_dtype(x, "nll_loss_out_frame")?;
    if let Some(w) = weight {
        let c = classes(x.size())[1];
        if w.dim() != 1 || w.numel() as usize != c {
            return Err(Error::runtime(format!(
                "weight tensor should be defined either for all {c} classes or no classes but got weight tensor of shape: {:?}",
                w.size()
            )));
        }
        if w.dtype() != d {
            return Err(Error::runtime(format!("expected scalar type {} but found {}", d.title(), w.dtype().title())));
        }
    }
    Ok(d)
}

fn result_sizes(x: &Tensor, target: &Tensor, reduction: &str) -> Result<[Dims; 2]> {
    let each = reduction_of(reduction)? == Reduction::None && x.dim() > 1;
    Ok([if each { target.sizes() } else { Dims::new() }, Dims::new()])
}

/// A gradient for each target, or for their sum, and targets and weights that fit the input.
fn backward_dtype(
    grad: &Tensor,
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    total_weight: &Tensor,
    reduction: &str,
) -> Result<DType> {
    checked(x, target, weight)?;
    let [n, _, rest] = classes(x.size());
    let each = effective(reduction, x.dim())? == Reduction::None;
    let fits = x.dim() > 0
        && target.numel() as usize == n * rest
        && grad.numel() == if each { target.numel() } else { 1 }
        && total_weight.numel() == 1;
    rule::require(fits, "nll_loss_backward")?;
    float_dtype(grad, "nll_loss_backward")
}

/// A single sample has one loss, whatever the reduction.
fn effective(reduction: &str, ndim: usize) -> Result<Reduction> {
    Ok(match reduction_of(reduction)? {
        Reduction::None if ndim == 1 => Reduction::Sum,
        r => r,
    })
}

macro_rules! forward {
    ($name:ident, $node:literal) => {
        op! {
            /// The negative log-likelihood, and the sum of the weights used.
            ///
            /// Shape: `N C *s, N *s -> (), ()`. Dtype: floating-point.
            fn $name(input: Tensor, target: Tensor, weight: Option<Tensor>, reduction: Str, ignore_index: i64) -> output, total_weight;
            variants [private];
            node $node;
            contiguous [input, target, weight];
            dtype checked(input, target, weight);
            shape result_sizes(input, target, reduction);
            kernel {
                let reduction = effective(reduction, input.ndim())?;
                let sizes = classes(input.sizes());
                kernels::nll_loss(&mut output, &mut total_weight, input, sizes, target, weight, ignore_index, reduction)
            };
            vjp { input => |g, input, target, weight, total_weight, reduction, ignore_index| {
                g.nll_loss_backward(input, target, weight.cloned(), total_weight, reduction, ignore_index)
            } };
            samples [
                (tensor(&[3, 4], -2.0, 0.0), int([3], 0, 4), None, "mean", -100),
                (tensor(&[3, 4], -2.0, 0.0), int([3], 0, 4), positive([4]), "sum", 1),
                (tensor(&[1, 3, 2, 2], -2.0, 0.0), int([1, 2, 2], 0, 3), None, "none", -100),
            ];
        }
    };
}
forward!(nll_loss_forward, "NllLossBackward0");
forward!(nll_loss2d_forward, "NllLoss2DBackward0");

op! {
    /// The gradient of the negative log-likelihood for its input, from that of its result.
    ///
    /// Shape: `(), N C *s, N *s -> N C *s`. Dtype: that of the gradient.
    fn nll_loss_backward(grad: Tensor, input: Tensor, target: Tensor, weight: Option<Tensor>, total_weight: Tensor, reduction: Str, ignore_index: i64) -> y;
    variants [private];
    contiguous [grad, target, weight];
    dtype backward_dtype(grad, input, target, weight, total_weight, reduction);
    shape input.sizes();
    kernel {
        let reduction = effective(reduction, input.ndim())?;
        kernels::nll_loss_backward(&mut y, grad, classes(input.sizes()), target, weight, ignore_index, reduction, total_weight)
    };
    vjp {
        grad => |g, target, weight, reduction, ignore_index| again(g, target, weight, reduction, ignore_index);
        input => |input.shape| flat(&input)
    };
    samples [
        (real([]), real([3, 4]), int([3], 0, 4), None, tensor(&[], 3.0, 3.0), "mean", -100),
        (real([]), real([3, 4]), int([3], 0, 4), positive([4]), positive([]), "sum", 1),
        (real([3]), real([3, 4]), int([3], 0, 4), positive([4]), positive([]), "none", -100),
    ];
}

/// The loss is linear in its input, so that the derivative of its gradient is the loss itself.
fn again(g: &Val, target: &Val, weight: Option<&Val>, reduction: &str, ignore_index: i64) -> Result<Tensor> {
    let weight = weight.map(Val::tensor).transpose()?;
    let (loss, _) = g.tensor()?.nll_loss_forward(&target.tensor()?, weight.as_ref(), reduction, ignore_index)?;
    Ok(loss)
}
