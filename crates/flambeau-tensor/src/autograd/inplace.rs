//! Writes in place: which are refused, and how the graph follows those that are not.
//!
//! Note [Writes through views]: a write through a view is two ordinary nodes. The base becomes the output of
//! `copy_slices(base, written, ...)`, and every view of it, when next asked, the output of `as_strided(base, ...)`.

use std::sync::atomic::Ordering::Relaxed;

use super::{enable_grad, grad_enabled};
use crate::tensor::Made;
use crate::{Error, Result, Tensor};

/// Refuses writes in place that autograd could not follow.
pub(crate) fn check_inplace(t: &Tensor) -> Result<()> {
    if !grad_enabled() {
        return Ok(());
    }
    if t.requires_grad() && t.is_leaf() {
        return Err(Error::runtime(if t.base().is_some() {
            "a view of a leaf Variable that requires grad is being used in an in-place operation."
        } else {
            "a leaf Variable that requires grad is being used in an in-place operation."
        }));
    }
    let Some(base) = t.base() else { return Ok(()) };
    if base.requires_grad() && base.is_leaf() {
        return Err(Error::runtime(
            "a view of a leaf Variable that requires grad is being used in an in-place operation.",
        ));
    }
    match t.made() {
        Made::Plain => Ok(()),
        Made::InNoGrad if t.requires_grad() || base.requires_grad() => Err(Error::runtime(
            "A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that this use case is ambiguous \
             and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both inside the \
             no_grad block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked).",
        )),
        Made::InNoGrad => Ok(()),
        Made::OneOfMany if !t.requires_grad() && !base.requires_grad() => Ok(()),
        Made::OneOfMany => {
            let (name, nr) = t.grad_fn().map_or(("a function".to_string(), 0), |(n, nr)| (n.operation(), nr));
            Err(Error::runtime(format!(
                "Output {nr} of {name} is a view and is being modified inplace. This view is the output of a function that returns multiple \
                 views. Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an \
                 out-of-place one."
            )))
        }
    }
}

/// Makes `t`, whose memory was just written, the output of what computed `written` (see Note [Writes through views]).
pub(crate) fn rebase(t: &Tensor, written: &Tensor) -> Result<()> {
    let from = written.grad_fn();
    let Some(base) = t.base() else {
        super::set_history(t, from);
        return Ok(());
    };
    if from.is_none() && !base.requires_grad() {
        return Ok(());
    }
    let value = t.detach();
    super::set_history(&value, from);
    let old = base.detach();
    super::set_history(&old, base.grad_fn());
    // Only the node is wanted.
    let scattered = enable_grad(|| crate::ops::shape::strided::scatter_history(&old, &value, t.layout()))?;
    base.record().set_grad_fn(scattered.grad_fn());
    refresh_view(t);
    Ok(())
}

/// Brings a view's place in the graph up to date with what was written to its base.
#[inline]
pub(crate) fn refresh_view(t: &Tensor) {
    if let Some(base) = t.base()
        && t.0.seen_version.load(Relaxed) != t.version()
    {
        refresh(t, base);
    }
}

#[cold]
fn refresh(t: &Tensor, base: &Tensor) {
    t.0.seen_version.store(t.version(), Relaxed);
    let Some(from) = base.grad_fn() else { return };
    let old = base.detach();
    super::set_history(&old, Some(from));
    let layout = t.layout();
    // The one failure, a layout outside the storage, cannot be: the view exists.
    if let Ok(v) = enable_grad(|| old.as_strided_with(&layout.sizes, &layout.strides, Some(layout.offset))) {
        super::set_history(t, v.grad_fn());
    }
}
