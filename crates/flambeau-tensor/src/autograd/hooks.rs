//! Hooks of a node: on the gradients of its outputs one by one, and before and after it runs.

use std::sync::{Arc, Weak};

use super::Node;
use super::record::{Hook, HookHandle, Record};
use crate::{Result, Tensor};

/// Gradients by place; `None` for one that nothing reached.
pub type Gradients = [Option<Tensor>];

/// A function called with the gradients of a node's outputs before the node runs; it may return others in their place.
pub type NodePreHook = Arc<dyn Fn(&Gradients) -> Result<Option<Vec<Option<Tensor>>>> + Send + Sync>;

/// A function called with the gradients of a node's inputs and of its outputs after the node ran; it may return others
/// in place of those of the inputs.
pub type NodeHook = Arc<dyn Fn(&Gradients, &Gradients) -> Result<Option<Vec<Option<Tensor>>>> + Send + Sync>;

#[derive(Default)]
pub(super) struct Hooks {
    tensor: Vec<(u32, u64, Hook)>,
    retain: Vec<(u32, Weak<Record>)>,
    before: Vec<(u64, NodePreHook)>,
    after: Vec<(u64, NodeHook)>,
}

/// The hooks of one run of a node.
pub(super) struct Around {
    before: Vec<NodePreHook>,
    after: Vec<NodeHook>,
}

impl Around {
    /// The gradients that the node shall run with.
    pub fn before(&self, grads: &mut Gradients) -> Result<()> {
        for hook in &self.before {
            replace(grads, hook(grads)?);
        }
        Ok(())
    }

    /// The gradients that go on from the node.
    pub fn after(&self, inputs: &mut Gradients, outputs: &Gradients) -> Result<()> {
        for hook in &self.after {
            replace(inputs, hook(inputs, outputs)?);
        }
        Ok(())
    }
}

fn replace(grads: &mut Gradients, new: Option<Vec<Option<Tensor>>>) {
    for (grad, new) in grads.iter_mut().zip(new.into_iter().flatten()) {
        *grad = new;
    }
}

impl Node {
    /// Calls `hook` with the gradients of the node's outputs before it runs.
    pub fn register_prehook(self: &Arc<Node>, hook: NodePreHook) -> HookHandle {
        let handle = HookHandle::of_node(self);
        self.hooks.lock().get_or_insert_default().before.push((handle.id(), hook));
        handle
    }

    /// Calls `hook` with the gradients of the node's inputs and outputs after it ran.
    pub fn register_hook(self: &Arc<Node>, hook: NodeHook) -> HookHandle {
        let handle = HookHandle::of_node(self);
        self.hooks.lock().get_or_insert_default().after.push((handle.id(), hook));
        handle
    }

    pub(crate) fn add_hook(&self, output: u32, id: u64, hook: Hook) {
        self.hooks.lock().get_or_insert_default().tensor.push((output, id, hook));
    }

    pub(crate) fn remove_hook(&self, id: u64) {
        let mut hooks = self.hooks.lock();
        let Some(h) = hooks.as_deref_mut() else { return };
        let tensor: Vec<_> = h.tensor.extract_if(.., |(_, i, _)| *i == id).collect();
        let before: Vec<_> = h.before.extract_if(.., |(i, _)| *i == id).collect();
        let after: Vec<_> = h.after.extract_if(.., |(i, _)| *i == id).collect();
        // What a hook owns may run code of its own when it goes, which must find the lock free.
        drop(hooks);
        drop((tensor, before, after));
    }

    pub(crate) fn retain(&self, output: u32, record: Weak<Record>) {
        self.hooks.lock().get_or_insert_default().retain.push((output, record));
    }

    /// Keeps the gradient of a tensor no more.
    pub(super) fn forget(&self, record: &Arc<Record>) {
        if let Some(hooks) = self.hooks.lock().as_deref_mut() {
            hooks.retain.retain(|(_, kept)| kept.as_ptr() != Arc::as_ptr(record));
        }
    }

    /// The hooks around the node's run, if it has any.
    pub(super) fn around(&self) -> Option<Around> {
        let hooks = self.hooks.lock();
        let h = hooks.as_deref().filter(|h| !h.before.is_empty() || !h.after.is_empty())?;
        Some(Around {
            before: h.before.iter().map(|(_, h)| h.clone()).collect(),
            after: h.after.iter().map(|(_, h)| h.clone()).collect(),
        })
    }

    /// Runs the hooks of the tensors that are this node's outputs, then stores retained gradients.
    pub(super) fn run_hooks(&self, grads: &mut Gradients) -> Result<()> {
        let (hooks, retain) = match self.hooks.lock().as_deref() {
            None => return Ok(()),
            Some(h) => (h.tensor.iter().map(|(o, _, h)| (*o, h.clone())).collect::<Vec<_>>(), h.retain.clone()),
        };
        for (output, hook) in hooks {
            if let Some(slot) = grads.get_mut(output as usize)
                && let Some(g) = slot
                && let Some(new) = hook(g)?
            {
                *slot = Some(new);
            }
        }
        for (output, record) in retain {
            if let (Some(Some(g)), Some(r)) = (grads.get(output as usize), record.upgrade()) {
                // The retained gradient has memory of its own: `g` may become the gradient of a leaf, which is added to.
                let sum = match r.grad() {
                    Some(before) => before.add(g)?,
                    None => g.clone_tensor()?,
                };
                r.put_grad(Some(sum));
            }
        }
        Ok(())
    }
}
