//! Tensors and arguments that a node keeps for its formulas.

use std::cell::RefCell;
use std::sync::Arc;

use super::node::{Edge, Meta, Node};
use crate::ops::Arg;
use crate::{Error, Result, Scalar, Tensor};

/// One thing a node keeps.
pub enum Saved {
    /// A tensor.
    Tensor(SavedTensor),
    /// A list of tensors, with gaps.
    Tensors(Vec<Option<SavedTensor>>),
    /// A tensor in the keeping of hooks.
    Packed(Box<PackedTensor>),
    /// A list of tensors in the keeping of hooks, with gaps.
    PackedList(Vec<Option<PackedTensor>>),
    /// Shape and dtype of a tensor.
    Meta(Box<Meta>),
    /// A number, the most frequent argument that is no tensor.
    Number(Scalar),
    /// Another argument.
    Argument(Box<Arg>),
}

/// A tensor kept for the backward pass, with the version it had.
pub struct SavedTensor {
    tensor: Tensor,
    version: u32,
    /// An output is kept without its graph and joined to its node on use; else node and tensor would keep each other.
    output: Option<u32>,
}

impl SavedTensor {
    /// Keeps an input.
    pub fn input(t: &Tensor) -> SavedTensor {
        SavedTensor { tensor: t.clone(), version: t.version(), output: None }
    }

    /// Keeps output number `nr` of the node itself.
    pub fn output(t: &Tensor, nr: u32) -> SavedTensor {
        SavedTensor { tensor: t.detach(), version: t.version(), output: Some(nr) }
    }

    /// Its shape and dtype, which no write changes.
    pub fn meta(&self) -> Meta {
        Meta::of(&self.tensor)
    }

    /// The tensor, if nobody wrote to it since.
    pub fn unpack(&self, node: &Arc<Node>) -> Result<Tensor> {
        let t = self.unpack_detached(node)?;
        let Some(nr) = self.output else { return Ok(t) };
        let t = t.detach();
        if t.dtype().is_differentiable() {
            t.record().set_grad_fn(Some((node.clone(), nr)));
        }
        Ok(t)
    }

    /// The tensor, an output outside of any graph, if nobody wrote to it since.
    pub fn unpack_detached(&self, node: &Arc<Node>) -> Result<Tensor> {
        let now = self.tensor.version();
        if now != self.version { Err(self.changed(Some(node), now)) } else { Ok(self.tensor.clone()) }
    }

    /// The tensor, where the node it was saved for is gone or not made yet.
    pub fn unpack_loose(&self) -> Result<Tensor> {
        let now = self.tensor.version();
        if now != self.version { Err(self.changed(None, now)) } else { Ok(self.tensor.clone()) }
    }

    #[cold]
    fn changed(&self, node: Option<&Arc<Node>>, now: u32) -> Error {
        let t = &self.tensor;
        let maker = match (self.output, node) {
            (Some(nr), Some(node)) => format!(", which is output {nr} of {},", node.operation()),
            _ => match t.grad_fn() {
                Some((n, nr)) => format!(", which is output {nr} of {},", n.operation()),
                None => String::new(),
            },
        };
        Error::runtime(format!(
            "one of the variables needed for gradient computation has been modified by an inplace operation: [torch.{}Tensor {:?}]{maker} \
             is at version {now}; expected version {} instead. Hint: enable anomaly detection to find the operation that failed to compute its \
             gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False).",
            t.dtype().title(),
            t.size(),
            self.version,
        ))
    }
}

/// What takes tensors into its keeping as nodes save them, in place of the graph: `saved_tensors_hooks`.
pub trait SaveHooks: Send + Sync {
    /// Takes a tensor over. It may not be written to.
    fn pack(&self, t: &Tensor) -> Result<Box<dyn Packed>>;
}

/// What hooks keep of a tensor.
pub trait Packed: Send + Sync {
    /// The tensor, or one of the same value.
    fn unpack(&self) -> Result<Tensor>;
}

thread_local! {
    static SAVE_HOOKS: RefCell<Vec<Arc<dyn SaveHooks>>> = const { RefCell::new(Vec::new()) };
}

/// Gives what nodes of this thread save to hooks, until [`pop_save_hooks`]; the ones given last are asked.
pub fn push_save_hooks(hooks: Arc<dyn SaveHooks>) {
    SAVE_HOOKS.with_borrow_mut(|list| list.push(hooks));
}

/// Ends the time of the hooks given last.
pub fn pop_save_hooks() {
    let last = SAVE_HOOKS.with_borrow_mut(Vec::pop);
    drop(last);
}

/// The hooks that are asked now.
#[inline]
pub fn save_hooks() -> Option<Arc<dyn SaveHooks>> {
    SAVE_HOOKS.with_borrow(|list| list.last().cloned())
}

/// A tensor that hooks keep, and its place in the graph, which they know nothing of.
pub struct PackedTensor {
    packed: Box<dyn Packed>,
    meta: Meta,
    edge: Option<Edge>,
    output: Option<u32>,
}

impl PackedTensor {
    /// Hands over an input.
    pub fn input(t: &Tensor, hooks: &dyn SaveHooks) -> Result<PackedTensor> {
        let edge = if t.requires_grad() { t.gradient_edge() } else { None };
        Ok(PackedTensor { packed: packed(t, hooks)?, meta: Meta::of(t), edge, output: None })
    }

    /// Hands over output number `nr` of the node itself.
    pub fn output(t: &Tensor, nr: u32, hooks: &dyn SaveHooks) -> Result<PackedTensor> {
        Ok(PackedTensor { packed: packed(&t.detach(), hooks)?, meta: Meta::of(t), edge: None, output: Some(nr) })
    }

    /// Its shape and dtype.
    pub fn meta(&self) -> Meta {
        self.meta.clone()
    }

    /// The tensor, in the place of the graph where the one that was handed over is.
    pub fn unpack(&self, node: Option<&Arc<Node>>) -> Result<Tensor> {
        let t = self.packed.unpack()?;
        let place = match (&self.edge, self.output, node) {
            (Some(edge), ..) => Some((edge.node.clone(), edge.output)),
            (None, Some(nr), Some(node)) => Some((node.clone(), nr)),
            _ => None,
        };
        if place.is_none() && !t.requires_grad() {
            return Ok(t);
        }
        let t = t.detach();
        if place.is_some() && t.dtype().is_differentiable() {
            t.record().set_grad_fn(place);
        }
        Ok(t)
    }
}

fn packed(t: &Tensor, hooks: &dyn SaveHooks) -> Result<Box<dyn Packed>> {
    let _mode = super::GradMode::set(false);
    let before = t.version();
    let packed = hooks.pack(t)?;
    if t.version() == before {
        return Ok(packed);
    }
    Err(Error::runtime(
        "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook cannot be modified by \
         in-place operations as this can lead to unexpected side-effects. Please open an issue if you need to perform in-place \
         operations on the input to a pack hook.",
    ))
}
