//! A tensor that a derivative needs and that was changed since gives an error, never a wrong gradient.

use flambeau_tensor::autograd::{grad, no_grad};
use flambeau_tensor::dispatch::call;
use flambeau_tensor::{Result, Tensor};

use crate::cases::{Case, each, mapped, same, tensors};
use crate::derivatives::differentiated;

/// The results of a recorded call, its leaves, and all tensors it was given.
struct Recorded {
    outs: Vec<Tensor>,
    leaves: Vec<Tensor>,
    given: Vec<Tensor>,
}

fn record(case: &Case) -> Result<Recorded> {
    let wanted = differentiated(case);
    let mut leaves = Vec::new();
    let args = mapped(&case.args, &mut |t| {
        let own = t.detach().clone_tensor().unwrap();
        if !wanted.iter().any(|w| w.is(t)) {
            return own;
        }
        let leaf = own.requires_grad_(true).unwrap();
        leaves.push(leaf.clone());
        leaf.clone_tensor().unwrap()
    });
    let given = tensors(&args);
    case.seed();
    Ok(Recorded { outs: call(case.op, &args)?.into_vec(), leaves, given })
}

impl Recorded {
    fn gradients(&self) -> Result<Vec<Tensor>> {
        let outs: Vec<Tensor> = self.outs.iter().filter(|t| t.requires_grad()).cloned().collect();
        let seeds: Vec<Option<Tensor>> = outs
            .iter()
            .map(|t| Some(flambeau_tensor::ops::samples::tensor(t.size(), 0.5, 1.5).to_dtype(t.dtype()).unwrap()))
            .collect();
        let grads = grad(&outs, &self.leaves, &seeds, None, false, true)?;
        Ok(grads
            .into_iter()
            .zip(&self.leaves)
            .map(|(g, l)| g.unwrap_or_else(|| l.detach().zeros_like().unwrap()))
            .collect())
    }
}

/// Changes the elements of a tensor behind autograd's back, but not behind the version counter's. Integers become 0, which
/// is an index of anything. What shows one element twice cannot be written.
fn change(t: &Tensor) -> bool {
    no_grad(|| if t.dtype().is_differentiable() { t.add_(0.5) } else { t.zero_() }).is_ok()
}

#[test]
fn a_changed_tensor_gives_an_error_or_the_same_gradient() {
    each(|case| {
        if case.op.nondifferentiable {
            return;
        }
        let first = record(case).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        if !first.outs.iter().any(Tensor::requires_grad) {
            return;
        }
        let Ok(plain) = first.gradients() else { return };
        let (inputs, outputs) = (first.given.len(), first.outs.len());
        for k in 0..inputs + outputs {
            let again = record(case).unwrap();
            let (what, t) =
                if k < inputs { ("argument", &again.given[k]) } else { ("output", &again.outs[k - inputs]) };
            if !change(t) {
                continue;
            }
            let what = format!("{}, {what} changed ({k})", case.name);
            match again.gradients() {
                Ok(g) => same(&plain, &g, true, &what),
                Err(e) => assert!(e.to_string().contains("modified by an inplace operation"), "{what}: {e}"),
            }
        }
    });
}
