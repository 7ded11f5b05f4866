//! Connectionist temporal classification.

use flambeau_cpu::loss::{self as kernels, Reduction, Sequences};

use super::nll::reduction_of;
use crate::dispatch::Locked;
use crate::ops::{Arg, Sample, Val, op, rule, samples};
use crate::{DType, Dims, Error, Result, Tensor};

const CHECKING: &str = "(while checking arguments for ctc_loss_allocate_outputs)";

/// Where each sequence of labels begins, and the longest one.
fn starts(targets: &Tensor, lengths: &[i64]) -> Result<(Vec<usize>, i64)> {
    if let Some(bad) = lengths.iter().find(|n| **n < 0) {
        return Err(Error::runtime(format!(
            "Expected target_lengths to have value at least 0, but got value {bad} {CHECKING}"
        )));
    }
    let longest = lengths.iter().copied().max().unwrap_or(0);
    let size = |wanted: i64, dim: usize, at_least: bool| {
        let have = targets.size()[dim];
        if if at_least { have < wanted } else { have != wanted } {
            let word = if at_least { "at least " } else { "" };
            return Err(Error::runtime(format!(
                "Expected tensor to have size {word}{wanted} at dimension {dim}, but got size {have} for argument #2 'targets' {CHECKING}"
            )));
        }
        Ok(())
    };
    if targets.dim() == 1 {
        let mut at = 0;
        let starts = lengths
            .iter()
            .map(|n| {
                at += n;
                (at - n) as usize
            })
            .collect();
        size(at, 0, false)?;
        return Ok((starts, longest));
    }
    size(lengths.len() as i64, 0, false)?;
    size(longest, 1, true)?;
    Ok(((0..lengths.len()).map(|b| b * targets.size()[1] as usize).collect(), longest))
}

fn check(
    log_probs: &Tensor,
    targets: &Tensor,
    input_lengths: &[i64],
    target_lengths: &[i64],
    blank: i64,
) -> Result<i64> {
    if log_probs.numel() == 0 {
        return Err(Error::runtime("log_probs tensor must not be empty"));
    }
    if log_probs.dim() != 3 {
        return Err(Error::runtime(format!(
            "Expected 3-dimensional tensor, but got {}-dimensional tensor for argument #1 'log_probs' {CHECKING}",
            log_probs.dim()
        )));
    }
    if !(1..=2).contains(&targets.dim()) {
        return Err(Error::runtime(format!(
            "Expected 1 to 2 dimensions, but got {}-dimensional tensor for argument #2 'targets' {CHECKING}",
            targets.dim()
        )));
    }
    let [times, batch, labels] = [0, 1, 2].map(|d| log_probs.size()[d]);
    if !(0..labels).contains(&blank) {
        return Err(Error::runtime("blank must be in label range"));
    }
    for (lengths, name) in [(input_lengths, "input_lengths"), (target_lengths, "target_lengths")] {
        if lengths.len() as i64 != batch {
            return Err(Error::runtime(format!("{name} must be of size batch_size")));
        }
    }
    let (_, longest) = starts(targets, target_lengths)?;
    for &n in input_lengths {
        if n < 0 {
            return Err(Error::runtime(format!(
                "Expected input_lengths to have value at least 0, but got value {n} {CHECKING}"
            )));
        }
        if n > times {
            return Err(Error::runtime(format!(
                "Expected input_lengths to have value at most {times}, but got value {n} {CHECKING}"
            )));
        }
    }
    Ok(longest)
}

fn loss_dtype(x: &Tensor) -> Result<DType> {
    match x.dtype() {
        d @ (DType::F32 | DType::F64) => Ok(d),
        d => Err(Error::not_implemented(format!("\"ctc_loss_cpu\" not implemented for '{}'", d.title()))),
    }
}

/// Runs `f` on the labels of the sequences.
fn with_sequences<T>(
    targets: &Tensor,
    input_lengths: &[i64],
    target_lengths: &[i64],
    blank: i64,
    labels: i64,
    f: impl FnOnce(&Sequences) -> T,
) -> Result<T> {
    let (starts, _) = starts(targets, target_lengths)?;
    let list = targets.to_dtype(DType::I64)?.contiguous()?.to_vec::<i64>()?;
    for (&start, &n) in starts.iter().zip(target_lengths) {
        if let Some(bad) = list[start..start + n as usize].iter().find(|t| !(0..labels).contains(*t)) {
            return Err(Error::index(format!("target {bad} is out of bounds for {labels} labels")));
        }
    }
    Ok(f(&Sequences { targets: &list, starts: &starts, target_lengths, input_lengths, blank }))
}

fn alpha_sizes(
    x: &Tensor,
    targets: &Tensor,
    input_lengths: &[i64],
    target_lengths: &[i64],
    blank: i64,
) -> Result<[Dims; 2]> {
    let longest = check(x, targets, input_lengths, target_lengths, blank)?;
    let batch = x.size()[1];
    Ok([Dims::from_slice(&[batch]), Dims::from_slice(&[batch, x.size()[0], 2 * longest + 1])])
}

op! {
    /// Minus the log-likelihood of each sequence of labels, and what its gradient needs.
    ///
    /// Shape: `T N C, N S -> N, N T 2S+1`. Dtype: that of the log-probabilities, float32 or float64.
    fn ctc_loss_forward(log_probs: Tensor, targets: Tensor, input_lengths: Dims, target_lengths: Dims, blank: i64, zero_infinity: bool) -> out0, out1;
    variants [private];
    node "CtcLossBackward0";
    dtype loss_dtype(log_probs);
    shape alpha_sizes(log_probs, targets, input_lengths, target_lengths, blank);
    compute {
        let [one, many] = alpha_sizes(log_probs, targets, input_lengths, target_lengths, blank)?;
        let dtype = loss_dtype(log_probs)?;
        let outs = [Tensor::empty(&one, dtype, log_probs.device())?, Tensor::empty(&many, dtype, log_probs.device())?];
        with_sequences(targets, input_lengths, target_lengths, blank, log_probs.size()[2], |q| {
            Locked::run(&[log_probs], &outs, |locked, outs| {
                kernels::ctc_loss(&mut outs.next(), &mut outs.next(), locked.view(log_probs), q)
            })
        })?;
        let [loss, alpha] = outs;
        Ok((loss, alpha))
    };
    vjp { log_probs => |g, log_probs, targets, input_lengths, target_lengths, out0, out1, blank, zero_infinity| {
        g.ctc_loss_backward(log_probs, targets, input_lengths, target_lengths, out0, out1, blank, zero_infinity)
    } };
    samples vec![sample([4, 3].into(), [2, 1].into(), &[0.into(), false.into()])];
}

op! {
    /// The gradient of `ctc_loss`, for log-probabilities that come from a log-softmax.
    ///
    /// Shape: `N, T N C -> T N C`. Dtype: that of the log-probabilities.
    fn ctc_loss_backward(grad: Tensor, log_probs: Tensor, targets: Tensor, input_lengths: Dims, target_lengths: Dims, loss: Tensor, alpha: Tensor, blank: i64, zero_infinity: bool) -> y;
    variants [private];
    dtype loss_dtype(log_probs);
    shape {
        check_backward(grad, log_probs, targets, (input_lengths, target_lengths), loss, alpha, blank)?;
        log_probs.sizes()
    };
    compute {
        check_backward(grad, log_probs, targets, (input_lengths, target_lengths), loss, alpha, blank)?;
        let (log_probs, alpha) = (&log_probs.contiguous()?, &alpha.contiguous()?);
        let (grad, loss) = (&grad.contiguous()?, &loss.contiguous()?);
        let y = Tensor::empty(log_probs.size(), log_probs.dtype(), log_probs.device())?;
        with_sequences(targets, input_lengths, target_lengths, blank, log_probs.size()[2], |q| {
            Locked::run(&[grad, log_probs, loss, alpha], std::slice::from_ref(&y), |locked, outs| {
                let views = (locked.view(grad), locked.view(log_probs), locked.view(loss), locked.view(alpha));
                kernels::ctc_loss_backward(&mut outs.next(), views, q, zero_infinity)
            })
        })?;
        Ok(y)
    };
    vjp {
        grad => || no_second();
        log_probs => || no_second()
    };
    samples {
        let (x, targets) = sequences();
        let (loss, alpha) = x.ctc_loss_forward(&targets, &[4, 3], &[2, 1], 0, false).unwrap_or_else(|e| panic!("{e}"));
        samples::without_gradcheck(vec![Sample::new([
            samples::positive([2]).into(), x.into(), targets.into(), [4, 3].into(), [2, 1].into(), loss.into(), alpha.into(),
            0.into(), false.into(),
        ])])
    };
}

/// What the loss was made of, and what it gave.
fn check_backward(
    grad: &Tensor,
    log_probs: &Tensor,
    targets: &Tensor,
    lengths: (&[i64], &[i64]),
    loss: &Tensor,
    alpha: &Tensor,
    blank: i64,
) -> Result<()> {
    let d = loss_dtype(log_probs)?;
    let [each, states] = alpha_sizes(log_probs, targets, lengths.0, lengths.1, blank)?;
    let fits = |t: &Tensor, sizes: &[i64]| t.dtype() == d && t.size() == sizes;
    rule::require(fits(grad, &each) && fits(loss, &each) && fits(alpha, &states), "ctc_loss_backward")
}

/// Log-probabilities and labels for samples. Where no label is likely, the gradient that PyTorch gives for
/// log-probabilities of a softmax is the plain one.
fn sequences() -> (Tensor, Tensor) {
    (samples::tensor(&[4, 2, 3], -40.0, -38.0), samples::index(&[3], 1, 3))
}

fn sample(input_lengths: Arg, target_lengths: Arg, rest: &[Arg]) -> Sample {
    let (x, targets) = sequences();
    Sample::new([x.into(), targets.into(), input_lengths, target_lengths].into_iter().chain(rest.iter().cloned()))
}

fn no_second() -> Val {
    Val::Error(Error::not_implemented("derivative for aten::_ctc_loss_backward is not implemented"))
}

fn reduced(
    log_probs: &Tensor,
    targets: &Tensor,
    lengths: (&[i64], &[i64]),
    blank: i64,
    reduction: &str,
    zero_infinity: bool,
) -> Result<Tensor> {
    let reduction = reduction_of(reduction)?;
    let batched = log_probs.dim() == 3;
    let x = if batched { log_probs.clone() } else { log_probs.unsqueeze(1)? };
    let (mut loss, _) = x.ctc_loss_forward(targets, lengths.0, lengths.1, blank, zero_infinity)?;
    if zero_infinity {
        loss = loss.masked_fill(&loss.detach().eq(f64::INFINITY)?, 0.0)?;
    }
    match reduction {
        Reduction::Sum => loss.sum(),
        Reduction::Mean => {
            let counts: Vec<f64> = lengths.1.iter().map(|&n| n.max(1) as f64).collect();
            let counts = Tensor::of(&counts, &[counts.len() as i64])?.to_dtype(loss.dtype())?;
            loss.div(counts.to_device(loss.device())?)?.mean()
        }
        Reduction::None => {
            if batched {
                Ok(loss)
            } else {
                loss.squeeze_dim(0)
            }
        }
    }
}

op! {
    /// Minus the log-likelihood of sequences of labels, given the log-probabilities of labels at each time: over all ways to
    /// stretch the labels with repeats and blanks. Averaged over the lengths and the batch ("mean"), added up ("sum") or for
    /// each sequence ("none"). `zero_infinity` takes sequences that do not fit for 0.
    ///
    /// Shape: `T N C, N S -> ()`, or `-> N` without reduction. Dtype: floating-point; labels are integers.
    ///
    /// >>> F.ctc_loss(torch.full((2, 1, 3), -1.), torch.tensor([[1]]), (2,), (1,), reduction="none")
    /// tensor([0.9014])
    fn ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths: Dims, target_lengths: Dims, blank: i64 = 0, reduction: Str = "mean", zero_infinity: bool = false) -> y;
    variants [functional];
    composite { reduced(log_probs, targets, (input_lengths, target_lengths), blank, reduction, zero_infinity) };
    samples vec![sample([4, 3].into(), [2, 1].into(), &[])];
}

op! {
    /// The same with lengths in tensors.
    ///
    /// Shape: `T N C, N S, N, N -> ()`, or `-> N` without reduction. Dtype: floating-point; labels and lengths are integers.
    fn ctc_loss.tensor(log_probs: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, blank: i64 = 0, reduction: Str = "mean", zero_infinity: bool = false) -> y;
    variants [functional];
    composite {
        for (lengths, name) in [(input_lengths, "input_lengths"), (target_lengths, "target_lengths")] {
            if !lengths.dtype().is_integral() || lengths.dtype() == DType::Bool {
                return Err(Error::runtime(format!("{name} must be integral")));
            }
        }
        let list = |t: &Tensor| t.to_dtype(DType::I64)?.reshape(&[-1])?.to_vec::<i64>();
        reduced(log_probs, targets, (&list(input_lengths)?, &list(target_lengths)?), blank, reduction, zero_infinity)
    };
    samples {
        let lengths = |list: &[i64]| Tensor::of(list, &[2]).map_or(Arg::None, Arg::from);
        vec![sample(lengths(&[4, 3]), lengths(&[2, 1]), &[]), sample(lengths(&[3, 4]), lengths(&[1, 2]), &[1.into(), "sum".into()])]
    };
}
