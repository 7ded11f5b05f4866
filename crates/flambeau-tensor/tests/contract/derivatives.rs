//! Derivatives against finite differences: of real and of complex numbers, once and twice, and of the in-place form.

use flambeau_tensor::autograd::{GradcheckOptions, grad, gradcheck, gradgradcheck, no_grad};
use flambeau_tensor::dispatch::{call, call_inplace};
use flambeau_tensor::ops::{Arg, Args, Body, Place};
use flambeau_tensor::{Complex64, DType, ErrorKind, Result, Tensor, manual_seed};

use crate::cases::{Case, each, mapped, same};

/// The arguments that gradients flow into: those that the derivative has a line for; of a composite the first and all
/// that its parts have a line for.
pub fn differentiated(case: &Case) -> Vec<Tensor> {
    let composite = matches!(case.op.body, Body::Composite { .. });
    let mut list = Vec::new();
    for (i, a) in case.args.iter().enumerate() {
        if composite && i > 0 {
            a.each_tensor(&mut |t| {
                if t.dtype().is_differentiable() && reaches(case, t) {
                    list.push(t.clone())
                }
            });
        } else if composite || case.op.vjps.iter().any(|l| l.input == i) {
            a.each_tensor(&mut |t| {
                if t.dtype().is_differentiable() {
                    list.push(t.clone())
                }
            });
        }
    }
    list
}

/// The results require a gradient if this argument alone does.
fn reaches(case: &Case, t: &Tensor) -> bool {
    let leaf = t.detach().clone_tensor().unwrap().requires_grad_(true).unwrap();
    let args = mapped(&case.args, &mut |x| if x.is(t) { leaf.clone() } else { x.clone_tensor().unwrap() });
    case.seed();
    call(case.op, &args).is_ok_and(|outs| outs.iter().any(Tensor::requires_grad))
}

/// The arguments with `from[i]` replaced by `to[i]`.
pub fn replaced(args: &Args, from: &[Tensor], to: &[Tensor]) -> Args {
    mapped(args, &mut |t| from.iter().position(|f| f.is(t)).map_or_else(|| t.clone(), |i| to[i].clone()))
}

/// What gradients are checked of.
type Function = Box<dyn Fn(&[Tensor]) -> Result<Vec<Tensor>>>;

/// A case as a function of its differentiated arguments, and leaves to call it with.
fn function(case: &Case) -> Option<(Function, Vec<Tensor>)> {
    let from = differentiated(case);
    if case.op.nondifferentiable || from.is_empty() {
        return None;
    }
    let leaves: Vec<Tensor> =
        from.iter().map(|t| t.detach().clone_tensor().unwrap().requires_grad_(true).unwrap()).collect();
    let (op, args, prepare) = (case.op, case.args.clone(), case.prepare);
    let random = case.random;
    let run: Function = Box::new(move |list: &[Tensor]| {
        if random {
            manual_seed(7);
        }
        // On copies: some operators write their first argument.
        let mut own = list.iter().map(Tensor::clone_tensor).collect::<Result<Vec<_>>>()?;
        if let Some(prepare) = prepare {
            own[0] = prepare(&own[0])?;
        }
        let args = replaced(&args, &from, &own);
        let kept =
            mapped(&args, &mut |t| if own.iter().any(|o| o.is(t)) { t.clone() } else { t.clone_tensor().unwrap() });
        Ok(call(op, &kept)?.into_vec())
    });
    let outs = no_grad(|| run(&leaves)).ok()?;
    outs.iter().any(|t| t.dtype().is_differentiable()).then_some((run, leaves))
}

/// Checks a case; an error that is no mismatch is given back.
fn check(case: &Case, twice: bool) -> Result<()> {
    let Some((run, leaves)) = function(case) else { return Ok(()) };
    let options = GradcheckOptions::default();
    let checked = if twice { gradgradcheck(&*run, &leaves, options) } else { gradcheck(&*run, &leaves, options) };
    match checked {
        Err(e) if e.to_string().contains("Jacobian mismatch") => panic!("{}: {e}", case.name),
        other => other,
    }
}

#[test]
fn derivatives_equal_finite_differences() {
    each(|case| {
        if case.gradcheck {
            // A derivative of a derivative may be missing, as an error.
            let private = case.op.places.contains(&Place::Private);
            match check(case, false) {
                Err(e) if !(private && e.kind() == ErrorKind::NotImplemented) => panic!("{}: {e}", case.name),
                _ => {}
            }
        }
    });
}

#[test]
fn second_derivatives_equal_finite_differences() {
    each(|case| {
        if !case.gradcheck || case.op.places.contains(&Place::Private) {
            return;
        }
        // An operator may say that it has no second derivative; it may not give a wrong one.
        match check(case, true) {
            Err(e) if e.kind() != ErrorKind::NotImplemented => panic!("{}: {e}", case.name),
            _ => {}
        }
    });
}

/// The case with every float64 tensor made complex; `None` if it holds none.
fn complex(case: &Case) -> Option<Case> {
    let mut any = false;
    let args = mapped(&case.args, &mut |t| {
        if t.dtype() != DType::F64 {
            return t.clone();
        }
        any = true;
        let turned = |(i, v): (usize, Complex64)| v + Complex64::I * (((i * 37 + 11) % 53) as f64 / 40.0 - 0.6);
        let data: Vec<Complex64> = t
            .to_dtype(DType::C128)
            .unwrap()
            .to_vec::<Complex64>()
            .unwrap()
            .into_iter()
            .enumerate()
            .map(turned)
            .collect();
        Tensor::of(&data, t.size()).unwrap()
    });
    let mut args = args;
    for a in &mut args {
        if matches!(a, Arg::DType(DType::F64)) {
            *a = Arg::DType(DType::C128);
        }
    }
    let name = format!("{}, complex", case.name);
    any.then_some(Case {
        op: case.op,
        args,
        prepare: case.prepare,
        determined: case.determined,
        gradcheck: true,
        random: case.random,
        name,
    })
}

#[test]
fn complex_derivatives_equal_finite_differences() {
    each(|case| {
        let Some(case) = complex(case).filter(|_| case.gradcheck) else { return };
        if case.run(&case.args).is_err() {
            return;
        }
        // A gradient may be refused where it is not defined, but not wrong.
        let once = check(&case, false);
        if once.is_ok() && !case.op.places.contains(&Place::Private) {
            let _ = check(&case, true);
        }
    });
}

#[test]
fn in_place_forms_have_the_same_derivatives() {
    each(|case| {
        if case.op.inplace.is_none() || matches!(case.op.body, Body::Mutate { .. }) || case.op.nondifferentiable {
            return;
        }
        let from = differentiated(case);
        let Some(Arg::Tensor(first)) = case.args.first() else { return };
        if !from.iter().any(|t| t.is(first)) {
            return;
        }
        let gradients = |inplace: bool| -> Option<Vec<Tensor>> {
            let leaves: Vec<Tensor> =
                from.iter().map(|t| t.detach().clone_tensor().unwrap().requires_grad_(true).unwrap()).collect();
            let own: Vec<Tensor> = leaves.iter().map(|t| t.clone_tensor().unwrap()).collect();
            let args = replaced(&case.args, &from, &own);
            case.seed();
            let out = if inplace { call_inplace(case.op, &args) } else { call(case.op, &args) };
            let out = out.unwrap_or_else(|e| panic!("{}: {e}", case.name));
            if out[0].size() != first.size() || out[0].dtype() != first.dtype() {
                return None;
            }
            let seed = flambeau_tensor::ops::samples::tensor(out[0].size(), 0.5, 1.5).to_dtype(out[0].dtype()).unwrap();
            let grads = match grad(&out[..1], &leaves, &[Some(seed)], None, false, true) {
                // Refused in both forms.
                Err(e) if e.to_string().contains("is not implemented") => Vec::new(),
                other => other.unwrap_or_else(|e| panic!("{}, in place {inplace}: {e}", case.name)),
            };
            Some(
                grads
                    .into_iter()
                    .zip(&leaves)
                    .map(|(g, l)| g.unwrap_or_else(|| l.detach().zeros_like().unwrap()))
                    .collect(),
            )
        };
        let Some(plain) = gradients(false) else { return };
        let Some(inplace) = gradients(true) else { panic!("{}: in place has another shape", case.name) };
        same(&plain, &inplace, true, &case.name);
    });
}
