//! What a tensor knows of its place in the graph.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;

use super::engine;
use super::node::{Edge, Node};
use super::refresh_view;
use crate::{Error, Result, Tensor, WeakTensor};

/// A function called with a gradient; it may return another in its place.
pub type Hook = Arc<dyn Fn(&Tensor) -> Result<Option<Tensor>> + Send + Sync>;

/// A function called with a leaf after its gradient was accumulated.
pub type PostHook = Arc<dyn Fn(&Tensor) -> Result<()> + Send + Sync>;

/// A tensor's part in autograd: made when it first needs one, shared by the handles that stand for the same variable.
#[derive(Default)]
pub struct Record {
    requires_grad: AtomicBool,
    /// Whether `state.grad_fn` is set, to ask without the lock.
    recorded: AtomicBool,
    state: Mutex<State>,
}

/// Where a tensor has its record, if it ever needed one.
#[derive(Default)]
pub(crate) struct RecordCell(OnceLock<Arc<Record>>);

impl From<Arc<Record>> for RecordCell {
    fn from(record: Arc<Record>) -> RecordCell {
        RecordCell(record.into())
    }
}

impl Deref for RecordCell {
    type Target = OnceLock<Arc<Record>>;
    #[inline]
    fn deref(&self) -> &OnceLock<Arc<Record>> {
        &self.0
    }
}

impl Drop for RecordCell {
    #[inline]
    fn drop(&mut self) {
        if let Some(record) = self.0.get() {
            record.release();
        }
    }
}

#[derive(Default)]
struct State {
    grad_fn: Option<(Arc<Node>, u32)>,
    grad: Option<Tensor>,
    /// The node that adds to `grad`. It keeps the record too: the tensor lets go of it when it goes.
    accumulator: Option<Arc<Node>>,
    hooks: Option<Box<Hooks>>,
    retains_grad: bool,
}

/// What few tensors have.
#[derive(Default)]
struct Hooks {
    tensor: Vec<(u64, Hook)>,
    post: Vec<(u64, PostHook)>,
}

static NEXT_HOOK: AtomicU64 = AtomicU64::new(0);

/// A registered hook, to remove it by.
#[derive(Clone)]
pub struct HookHandle {
    id: u64,
    place: HookPlace,
}

#[derive(Clone)]
enum HookPlace {
    Record(Weak<Record>),
    Node(Weak<Node>),
}

impl HookHandle {
    pub(super) fn of_node(node: &Arc<Node>) -> HookHandle {
        HookHandle { id: NEXT_HOOK.fetch_add(1, Relaxed), place: HookPlace::Node(Arc::downgrade(node)) }
    }

    /// Its number, unique in the process.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Removes the hook.
    pub fn remove(&self) {
        match &self.place {
            HookPlace::Record(r) => {
                if let Some(r) = r.upgrade() {
                    let mut state = r.state.lock();
                    let Some(h) = state.hooks.as_deref_mut() else { return };
                    let tensor: Vec<_> = h.tensor.extract_if(.., |(id, _)| *id == self.id).collect();
                    let post: Vec<_> = h.post.extract_if(.., |(id, _)| *id == self.id).collect();
                    // What a hook owns may run code of its own when it goes, which must find the lock free.
                    drop(state);
                    drop((tensor, post));
                }
            }
            HookPlace::Node(n) => {
                if let Some(n) = n.upgrade() {
                    n.remove_hook(self.id);
                }
            }
        }
    }
}

impl Record {
    pub(crate) fn grad_fn(&self) -> Option<(Arc<Node>, u32)> {
        if !self.is_recorded() {
            return None;
        }
        self.state.lock().grad_fn.clone()
    }

    pub(crate) fn set_grad_fn(&self, node: Option<(Arc<Node>, u32)>) {
        let mut s = self.state.lock();
        self.recorded.store(node.is_some(), Relaxed);
        let old = std::mem::replace(&mut s.grad_fn, node);
        drop(s);
        drop(old);
    }

    pub(crate) fn hooks(&self) -> Vec<Hook> {
        let s = self.state.lock();
        s.hooks.iter().flat_map(|h| &h.tensor).map(|(_, h)| h.clone()).collect()
    }

    pub(crate) fn post_hooks(&self) -> Vec<PostHook> {
        let s = self.state.lock();
        s.hooks.iter().flat_map(|h| &h.post).map(|(_, h)| h.clone()).collect()
    }

    pub(crate) fn grad(&self) -> Option<Tensor> {
        self.state.lock().grad.clone()
    }

    pub(crate) fn put_grad(&self, grad: Option<Tensor>) -> Option<Tensor> {
        std::mem::replace(&mut self.state.lock().grad, grad)
    }

    pub(crate) fn leaf_requires_grad(&self) -> bool {
        self.requires_grad.load(Relaxed)
    }

    fn is_recorded(&self) -> bool {
        self.recorded.load(Relaxed)
    }

    /// True if the tensor alone keeps it, but for its accumulator, which no graph keeps.
    fn is_sole(self: &Arc<Record>) -> bool {
        match Arc::strong_count(self) {
            1 => true,
            2 => self.state.lock().accumulator.as_ref().is_some_and(|node| Arc::strong_count(node) == 1),
            _ => false,
        }
    }

    /// Lets go of the accumulator, which graphs may keep: its tensor is gone.
    fn release(&self) {
        // Only a leaf has one.
        if self.leaf_requires_grad() {
            let accumulator = self.state.lock().accumulator.take();
            drop(accumulator);
        }
    }
}

/// The autograd side of a tensor.
impl Tensor {
    pub(crate) fn record(&self) -> &Arc<Record> {
        self.0.record.get_or_init(Arc::default)
    }

    pub(crate) fn record_if_any(&self) -> Option<&Arc<Record>> {
        self.0.record.get()
    }

    /// True if gradients flow to or through it.
    #[inline]
    pub fn requires_grad(&self) -> bool {
        if self.0.base.is_none() && self.0.record.get().is_none() {
            return false;
        }
        self.requires_grad_slow()
    }

    fn requires_grad_slow(&self) -> bool {
        refresh_view(self);
        self.0.record.get().is_some_and(|r| r.leaf_requires_grad() || r.is_recorded())
    }

    /// True if it was not computed by a recorded operator.
    pub fn is_leaf(&self) -> bool {
        self.grad_fn().is_none()
    }

    /// The operator that computed it, and which output it is.
    pub fn grad_fn(&self) -> Option<(Arc<Node>, u32)> {
        refresh_view(self);
        self.0.record.get().and_then(|r| r.grad_fn())
    }

    /// Says whether gradients are wanted; a leaf of a floating-point or complex dtype. Gives the same tensor.
    pub fn requires_grad_(&self, on: bool) -> Result<Tensor> {
        if !self.is_leaf() {
            if on {
                return Ok(self.clone());
            }
            return Err(Error::runtime(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that \
                 doesn't require differentiation use var_no_grad = var.detach().",
            ));
        }
        if on && !self.dtype().is_differentiable() {
            return Err(Error::runtime("Only Tensors of floating point and complex dtype can require gradients"));
        }
        if on || self.0.record.get().is_some() {
            let record = self.record();
            if !on {
                record.release();
            }
            record.requires_grad.store(on, Relaxed);
        }
        Ok(self.clone())
    }

    /// The gradient accumulated by [`Tensor::backward`].
    pub fn grad(&self) -> Option<Tensor> {
        self.0.record.get().and_then(|r| r.grad())
    }

    /// Replaces the gradient.
    pub fn set_grad(&self, grad: Option<Tensor>) -> Result<()> {
        if let Some(g) = &grad {
            if g.dtype() != self.dtype() {
                return Err(Error::runtime(format!(
                    "attempting to assign a gradient with dtype '{}' to a tensor with grad_dtype '{}'. The gradient must match the tensor's \
                     grad_dtype (defaults to the tensor's dtype).",
                    crate::ops::rule::c_name(g.dtype()),
                    self.dtype().title()
                )));
            }
            if g.size() != self.size() {
                return Err(Error::runtime(format!(
                    "attempting to assign a gradient of size '{:?}' to a tensor of size '{:?}'. Please ensure that the gradient and the tensor \
                     are the same size",
                    g.size(),
                    self.size()
                )));
            }
            if g.is(self) {
                return Err(Error::runtime("can't assign Variable as its own grad"));
            }
        } else if self.0.record.get().is_none() {
            return Ok(());
        }
        self.record().put_grad(grad);
        Ok(())
    }

    /// Where gradients of this tensor go.
    pub fn gradient_edge(&self) -> Option<Edge> {
        if let Some((node, output)) = self.grad_fn() {
            return Some(Edge { node, output });
        }
        let record = self.0.record.get().filter(|r| r.leaf_requires_grad())?;
        let mut s = record.state.lock();
        let node = s.accumulator.get_or_insert_with(|| Node::accumulate(self, record.clone())).clone();
        Some(Edge { node, output: 0 })
    }

    /// Makes it stand for an output of a node.
    pub fn set_gradient_edge(&self, node: Arc<Node>, output: u32) {
        self.record().set_grad_fn(Some((node, output)));
    }

    /// True if nothing shares the variable: no other handle, no view, no graph.
    pub fn is_sole_handle(&self) -> bool {
        self.0.handles() == 1 && self.0.record.get().is_none_or(|r| r.is_sole())
    }

    /// Makes a tensor that has no record yet an output of a node.
    pub(super) fn join_new(&self, node: &Arc<Node>, output: u32) {
        let state = State { grad_fn: Some((node.clone(), output)), ..State::default() };
        let record = Record { requires_grad: false.into(), recorded: true.into(), state: Mutex::new(state) };
        if let Err(record) = self.0.record.set(Arc::new(record)) {
            self.record().set_grad_fn(record.grad_fn());
        }
    }

    /// The node that computed it, where nothing but this tensor keeps it.
    pub fn sole_function(&self) -> Option<Arc<Node>> {
        let state = self.0.record.get()?.state.try_lock()?;
        state.grad_fn.as_ref().map(|(node, _)| node).filter(|node| Arc::strong_count(node) == 1).cloned()
    }

    /// Keeps the gradient of a tensor that is no leaf in its `grad`.
    pub fn retain_grad(&self) -> Result<()> {
        if !self.requires_grad() {
            return Err(Error::runtime("can't retain_grad on Tensor that has requires_grad=False"));
        }
        if let Some((node, output)) = self.grad_fn() {
            let record = self.record();
            if !std::mem::replace(&mut record.state.lock().retains_grad, true) {
                node.retain(output, Arc::downgrade(record));
            }
        }
        Ok(())
    }

    /// True after [`Tensor::retain_grad`] on a tensor that is no leaf.
    pub fn retains_grad(&self) -> bool {
        self.0.record.get().is_some_and(|r| r.state.lock().retains_grad)
    }

    /// Calls `hook` with each gradient of this tensor before it is used.
    pub fn register_hook(&self, hook: Hook) -> Result<HookHandle> {
        if !self.requires_grad() {
            return Err(Error::runtime("cannot register a hook on a tensor that doesn't require gradient"));
        }
        let id = NEXT_HOOK.fetch_add(1, Relaxed);
        if let Some((node, output)) = self.grad_fn() {
            node.add_hook(output, id, hook);
            return Ok(HookHandle { id, place: HookPlace::Node(Arc::downgrade(&node)) });
        }
        self.record().state.lock().hooks.get_or_insert_default().tensor.push((id, hook));
        Ok(HookHandle { id, place: HookPlace::Record(Arc::downgrade(self.record())) })
    }

    /// Calls `hook` with this leaf after its gradient was accumulated.
    pub fn register_post_accumulate_grad_hook(&self, hook: PostHook) -> Result<HookHandle> {
        if !self.is_leaf() {
            return Err(Error::runtime("post accumulate grad hooks cannot be registered on non-leaf tensors"));
        }
        if !self.requires_grad() {
            return Err(Error::runtime("cannot register a hook on a tensor that doesn't require gradient"));
        }
        let id = NEXT_HOOK.fetch_add(1, Relaxed);
        self.record().state.lock().hooks.get_or_insert_default().post.push((id, hook));
        Ok(HookHandle { id, place: HookPlace::Record(Arc::downgrade(self.record())) })
    }

    /// Computes the gradient of this one-element tensor and adds it into the `grad` of every leaf it depends on.
    pub fn backward(&self) -> Result<()> {
        engine::backward(std::slice::from_ref(self), &[None], None, false, None)
    }
}

/// A leaf as its accumulator holds it: the variable may be gone, its record is not.
pub(crate) struct Leaf {
    pub record: Arc<Record>,
    pub tensor: WeakTensor,
}
