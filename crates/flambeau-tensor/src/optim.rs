//! Steps of optimizers, one pass over memory for each parameter. They are no operators: nothing is recorded.

use flambeau_cpu::optim as kernels;
use flambeau_cpu::optim::{AdamOptions, SgdOptions};

use crate::dispatch::Locked;
use crate::{DType, Error, Kind, Result, Scalar, Tensor};

/// The gradient as the kernels read it: of the parameter's shape and dtype, with memory, and plain.
fn gradient(param: &Tensor, grad: &Tensor, name: &str) -> Result<Tensor> {
    param.check_has_data(name)?;
    grad.check_has_data(name)?;
    if param.dtype().kind() != Kind::Float {
        return Err(Error::runtime(format!(
            "{name}: a parameter must hold real floating-point numbers, but has dtype {}",
            param.dtype().title()
        )));
    }
    if grad.size() != param.size() {
        return Err(Error::runtime(format!(
            "{name}: a gradient of shape {:?} does not fit a parameter of shape {:?}",
            grad.size(),
            param.size()
        )));
    }
    crate::dispatch::check_no_inner_overlap(param)?;
    let grad = grad.detach().resolve()?.to_dtype(param.dtype())?;
    // What is written must not be read under another name.
    if grad.storage().id() == param.storage().id() { grad.clone_tensor() } else { Ok(grad) }
}

/// State that is written beside a parameter: of its shape, in memory of its own.
fn check_state(param: &Tensor, state: &[&Tensor], name: &str) -> Result<()> {
    for (i, s) in state.iter().enumerate() {
        s.check_has_data(name)?;
        crate::dispatch::check_no_inner_overlap(s)?;
        if s.size() != param.size() || s.dtype() != param.dtype() {
            return Err(Error::runtime(format!(
                "{name}: the state of a parameter has shape {:?} and dtype {}, but the parameter {:?} and {}",
                s.size(),
                s.dtype().title(),
                param.size(),
                param.dtype().title()
            )));
        }
        let shared = |other: &Tensor| other.storage().id() == s.storage().id();
        if s.numel() > 0 && (shared(param) || state[..i].iter().any(|o| shared(o))) {
            return Err(Error::runtime(format!("{name}: the state of a parameter shares its memory")));
        }
    }
    Ok(())
}

fn same_length(params: &[Tensor], lists: &[(usize, &str)], name: &str) -> Result<()> {
    for (n, what) in lists {
        if *n != params.len() {
            return Err(Error::value(format!("{name}: {} parameters, but {n} {what}", params.len())));
        }
    }
    Ok(())
}

/// One step of stochastic gradient descent for each parameter (`torch.optim.SGD`). With momentum, a buffer that is `None`
/// is made from the gradient.
#[allow(clippy::too_many_arguments)]
pub fn sgd_step(
    params: &[Tensor],
    grads: &[Tensor],
    momentum_buffers: &mut [Option<Tensor>],
    lr: f64,
    momentum: f64,
    dampening: f64,
    weight_decay: f64,
    nesterov: bool,
    maximize: bool,
) -> Result<()> {
    let name = "sgd_step";
    let with_momentum = momentum != 0.0;
    same_length(params, &[(grads.len(), "gradients")], name)?;
    if with_momentum {
        same_length(params, &[(momentum_buffers.len(), "momentum buffers")], name)?;
    }
    for (i, (param, grad)) in params.iter().zip(grads).enumerate() {
        let grad = gradient(param, grad, name)?;
        let mut options = SgdOptions { lr, momentum, dampening, weight_decay, nesterov, maximize, first_step: false };
        let mut written = vec![param.clone()];
        if with_momentum {
            let buffer = match &momentum_buffers[i] {
                Some(b) => b.clone(),
                None => {
                    options.first_step = true;
                    let made = param.detach().empty_like()?;
                    momentum_buffers[i] = Some(made.clone());
                    made
                }
            };
            check_state(param, &[&buffer], name)?;
            written.push(buffer);
        }
        let grad = apart(grad, &written)?;
        Locked::run(&[&grad], &written, |locked, outs| {
            let mut p = outs.next();
            let mut buffer = with_momentum.then(|| outs.next());
            kernels::sgd_step(&mut p, locked.view(&grad), buffer.as_mut(), &options);
        });
        written.iter().for_each(Tensor::bump_version);
    }
    Ok(())
}

/// The gradient, copied where it shares memory with what is written.
fn apart(grad: Tensor, written: &[Tensor]) -> Result<Tensor> {
    if written.iter().any(|w| w.storage().id() == grad.storage().id()) { grad.clone_tensor() } else { Ok(grad) }
}

/// One step of Adam for each parameter (`torch.optim.Adam`; AdamW where `decoupled`). `steps` are 0-d tensors that are
/// counted up; `max_exp_avg_sqs` may be empty without `amsgrad`.
#[allow(clippy::too_many_arguments)]
pub fn adam_step(
    params: &[Tensor],
    grads: &[Tensor],
    exp_avgs: &[Tensor],
    exp_avg_sqs: &[Tensor],
    max_exp_avg_sqs: &[Tensor],
    steps: &[Tensor],
    lr: f64,
    beta1: f64,
    beta2: f64,
    eps: f64,
    weight_decay: f64,
    amsgrad: bool,
    maximize: bool,
    decoupled: bool,
) -> Result<()> {
    let name = "adam_step";
    same_length(
        params,
        &[
            (grads.len(), "gradients"),
            (exp_avgs.len(), "means"),
            (exp_avg_sqs.len(), "means of squares"),
            (steps.len(), "steps"),
        ],
        name,
    )?;
    if amsgrad {
        same_length(params, &[(max_exp_avg_sqs.len(), "greatest means of squares")], name)?;
    }
    for (i, param) in params.iter().enumerate() {
        let grad = gradient(param, &grads[i], name)?;
        let mut written = vec![param.clone(), exp_avgs[i].clone(), exp_avg_sqs[i].clone()];
        if amsgrad {
            written.push(max_exp_avg_sqs[i].clone());
        }
        check_state(param, &written[1..].iter().collect::<Vec<_>>(), name)?;
        let grad = apart(grad, &written)?;
        let step = count_up(&steps[i], name)?;
        let options = AdamOptions { lr, beta1, beta2, eps, weight_decay, decoupled, amsgrad, maximize, step };
        Locked::run(&[&grad], &written, |locked, outs| {
            let (mut p, mut mean, mut square) = (outs.next(), outs.next(), outs.next());
            let mut greatest = amsgrad.then(|| outs.next());
            kernels::adam_step(&mut p, locked.view(&grad), &mut mean, &mut square, greatest.as_mut(), &options);
        });
        written.iter().for_each(Tensor::bump_version);
    }
    Ok(())
}

/// Adds one to a step counter and returns it.
fn count_up(step: &Tensor, name: &str) -> Result<u64> {
    step.check_has_data(name)?;
    if step.numel() != 1 || matches!(step.dtype(), DType::Bool) || step.dtype().is_complex() {
        return Err(Error::runtime(format!("{name}: a step must be one real number")));
    }
    let now = step.item()?.to_f64() + 1.0;
    let value = if step.dtype().is_integral() { Scalar::Int(now as i64) } else { Scalar::Float(now) };
    crate::autograd::no_grad(|| step.detach().fill_(value))?;
    Ok(now.max(1.0) as u64)
}
