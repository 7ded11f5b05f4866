//! Tensors and arguments that a node keeps for its formulas.

use std::sync::Arc;

use super::node::{Meta, Node};
use crate::ops::Arg;
use crate::{Error, Result, Scalar, Tensor};

/// One thing a node keeps.
pub enum Saved {
    /// A tensor.
    Tensor(SavedTensor),
    /// A list of tensors, with gaps.
    Tensors(Vec<Option<SavedTensor>>),
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
