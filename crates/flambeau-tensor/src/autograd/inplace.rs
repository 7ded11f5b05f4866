//! Writes in place: which are refused, and how the graph follows those that are not.
//!
//! Note [Writes through views]: a write through a view is two ordinary nodes. The base becomes the output of
//! `copy_slices(base, written, ...)`, and every view of it, when next asked, the output of `as_strided(base, ...)`.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::node::{Backward, Node};
use super::{enable_grad, grad_enabled};
use crate::tensor::Made;
use crate::{Error, Layout, Result, Tensor};

/// Refuses writes in place that autograd could not follow.
pub(crate) fn check_inplace(t: &Tensor) -> Result<()> {
    if !grad_enabled() {
        return Ok(());
    }
    if let Some(base) = t.base()
        && (t.requires_grad() || base.requires_grad())
    {
        check_view(t)?;
        if base.requires_grad() && base.is_leaf() {
            return Err(Error::runtime(
                "a view of a leaf Variable that requires grad is being used in an in-place operation.",
            ));
        }
    }
    if t.requires_grad() && t.is_leaf() {
        return Err(Error::runtime("a leaf Variable that requires grad is being used in an in-place operation."));
    }
    Ok(())
}

/// Refuses writes through a view that came about in a way that autograd could not follow.
fn check_view(t: &Tensor) -> Result<()> {
    match t.made() {
        Made::Plain => Ok(()),
        Made::InNoGrad => Err(Error::runtime(
            "A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that this use case is ambiguous \
             and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both inside the \
             no_grad block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked).",
        )),
        made => Err(overridden(t.grad_fn(), made, "is being modified inplace")),
    }
}

/// The error about a write that would take the place of a view's own gradient.
fn overridden(from: Option<(Arc<Node>, u32)>, made: Made, what: &str) -> Error {
    let (name, nr) = from.map_or(("a function".to_string(), 0), |(node, nr)| (node.operation(), nr));
    let why = if made == Made::OneOfMany {
        "This view is the output of a function that returns multiple views. Such functions do not allow the output views to be modified \
         inplace. You should replace the inplace operation by an out-of-place one."
    } else {
        "This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic to handle \
         view+inplace would override the custom backward associated with the custom Function, leading to incorrect gradients. This \
         behavior is forbidden. You can fix this by cloning the output of the custom Function."
    };
    Error::runtime(format!("Output {nr} of {name} is a view and {what}. {why}"))
}

/// Stands where a view got its gradient from a function of one's own, after its memory was written.
struct Overridden {
    name: String,
    error: Error,
}

impl Backward for Overridden {
    fn name(&self) -> String {
        self.name.clone()
    }
    fn apply(&self, _node: &Arc<Node>, _grads: Vec<Option<Tensor>>) -> Result<Vec<Option<Tensor>>> {
        Err(self.error.clone())
    }
    fn release(&self) {}
}

/// Makes `t`, whose memory was just written, the output of what computed `written` (see Note [Writes through views]).
pub(crate) fn rebase(t: &Tensor, written: &Tensor) -> Result<()> {
    let from = written.grad_fn();
    let Some(base) = t.base() else {
        let before = t.retains_grad().then(|| t.grad_fn()).flatten();
        super::set_history(t, from);
        if let (Some((old, _)), Some((new, output))) = (before, t.grad_fn()) {
            // The gradient to keep is that of the new value.
            old.forget(t.record());
            new.retain(output, Arc::downgrade(t.record()));
        }
        return Ok(());
    };
    if from.is_none() && !base.requires_grad() {
        return Ok(());
    }
    let value = t.detach();
    super::set_history(&value, from);
    let old = base.detach();
    super::set_history(&old, base.grad_fn());
    let scattered = enable_grad(|| written_through(&old, t, value))?;
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
    let own = t.0.record.get().and_then(|record| record.grad_fn());
    if let Some((node, nr)) = own.filter(|(node, _)| node.is_custom() && t.made() != Made::Plain) {
        let error = overridden(
            Some((node.clone(), nr)),
            t.made(),
            "its base or another view of its base has been modified inplace",
        );
        Node::custom(Box::new(Overridden { name: node.name(), error }), Vec::new()).add_output(t);
        return;
    }
    let Some(from) = base.grad_fn() else { return };
    let old = base.detach();
    super::set_history(&old, Some(from));
    // A view with elements that autograd does not know in the base (bytes as another dtype) keeps the place it has.
    if let Ok(v) = enable_grad(|| seen_through(&old, t)) {
        super::set_history(t, v.grad_fn());
    }
}

/// How a view's elements lie in its base, whose dtype may be its complex or real counterpart.
enum Elements {
    Same,
    /// Real numbers in a complex base.
    Parts,
    /// Complex numbers in a real base.
    Pairs,
}

impl Elements {
    fn of(base: &Tensor, view: &Tensor) -> Result<Elements> {
        match (base.dtype(), view.dtype()) {
            (b, v) if b == v => Ok(Elements::Same),
            (b, v) if b.is_complex() && v == b.to_real() => Ok(Elements::Parts),
            (b, v) if v.is_complex() && b == v.to_real() => Ok(Elements::Pairs),
            (b, v) => Err(Error::runtime(format!("a view of {b} as {v} has no derivative"))),
        }
    }

    /// The view's layout in the elements of the tensor that is scattered into.
    fn layout(&self, view: &Tensor) -> Layout {
        let mut layout = view.layout().clone();
        if let Elements::Pairs = self {
            layout.strides.iter_mut().for_each(|s| *s *= 2);
            layout.offset *= 2;
            layout.sizes.push(2);
            layout.strides.push(1);
        }
        layout
    }
}

/// `t` with its conjugate and negative bits as given.
fn with_bits(t: Tensor, conj: bool, neg: bool) -> Result<Tensor> {
    let t = if t.is_conj() == conj { t } else { t.conj_view()? };
    if t.is_neg() == neg { Ok(t) } else { t.neg_view() }
}

/// The view `t` as operators on its base.
fn seen_through(base: &Tensor, t: &Tensor) -> Result<Tensor> {
    let elements = Elements::of(base, t)?;
    let l = elements.layout(t);
    let strided = |x: &Tensor| x.as_strided_with(&l.sizes, &l.strides, Some(l.offset));
    let v = match elements {
        Elements::Same => strided(base)?,
        Elements::Parts => strided(&with_bits(base.clone(), false, false)?.view_as_real()?)?,
        Elements::Pairs => strided(&with_bits(base.clone(), false, false)?)?.view_as_complex()?,
    };
    with_bits(v, t.is_conj(), t.is_neg())
}

/// The base after `value` was written through its view `t`. Only the history is made: the elements are there.
fn written_through(base: &Tensor, t: &Tensor, value: Tensor) -> Result<Tensor> {
    let elements = Elements::of(base, t)?;
    let l = elements.layout(t);
    let scatter = |x: &Tensor, v: &Tensor| crate::ops::shape::strided::scatter_history(x, v, &l);
    if let Elements::Same = elements {
        return scatter(base, &with_bits(value, base.is_conj(), base.is_neg())?);
    }
    let (plain, value) = (with_bits(base.clone(), false, false)?, with_bits(value, false, false)?);
    let written = match elements {
        Elements::Parts => scatter(&plain.view_as_real()?, &value)?.view_as_complex()?,
        _ => scatter(&plain, &value.view_as_real()?)?,
    };
    with_bits(written, base.is_conj(), base.is_neg())
}
