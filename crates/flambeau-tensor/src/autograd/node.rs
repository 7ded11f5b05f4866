//! A node of the graph: an operator that was recorded.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use smallvec::SmallVec;

use super::record::{Hook, Leaf, Record};
use super::saved::{Saved, SavedTensor};
use crate::ops::{Arg, Gradient, How, OpDef, Outputs, Val};
use crate::{DType, Device, Dims, Error, Result, Tensor};

/// Where a gradient goes: an output of a node.
#[derive(Clone)]
pub struct Edge {
    /// The node.
    pub node: Arc<Node>,
    /// Which of its outputs.
    pub output: u32,
}

/// Shape, dtype and device of a tensor.
#[derive(Clone, Debug)]
pub struct Meta {
    /// The sizes.
    pub shape: Dims,
    /// The dtype.
    pub dtype: DType,
    /// The device.
    pub device: Device,
}

impl Meta {
    /// Of a tensor.
    pub fn of(t: &Tensor) -> Meta {
        Meta { shape: t.sizes(), dtype: t.dtype(), device: t.device() }
    }
}

/// A backward function written elsewhere: `torch.autograd.Function`.
pub trait Backward: Send + Sync {
    /// What `grad_fn` shows.
    fn name(&self) -> String;
    /// The gradients of its inputs, given those of its outputs.
    fn apply(&self, node: &Arc<Node>, grads: Vec<Option<Tensor>>) -> Result<Vec<Option<Tensor>>>;
    /// Drops what it keeps, when the graph is freed.
    fn release(&self);
    /// The object of another language behind it.
    fn object(&self) -> Option<*mut ()> {
        None
    }
}

/// One input of a node that gradients flow to: which argument, and which tensor of it where it is a list.
struct Input {
    slot: u16,
    index: u16,
    edge: Option<Edge>,
}

enum Body {
    Op { op: &'static OpDef, saved: Mutex<Option<Arc<[Saved]>>>, keeps_tensors: bool },
    Accumulate(Leaf),
    Custom(Box<dyn Backward>),
}

#[derive(Default)]
struct Hooks {
    tensor: Vec<(u32, u64, Hook)>,
    retain: Vec<(u32, Weak<Record>)>,
}

/// A recorded operator: its formulas' inputs, and the edges along which gradients go on.
pub struct Node {
    body: Body,
    inputs: SmallVec<[Input; 2]>,
    /// Of each output. Gradients are brought to this shape and dtype.
    outputs: Mutex<SmallVec<[Meta; 1]>>,
    /// Later nodes have higher numbers than those they depend on; leaves have 0.
    sequence: u64,
    freed: AtomicBool,
    hooks: Mutex<Hooks>,
}

static SEQUENCE: AtomicU64 = AtomicU64::new(1);

impl Node {
    fn new(body: Body, inputs: SmallVec<[Input; 2]>, outputs: SmallVec<[Meta; 1]>) -> Node {
        let sequence = if matches!(body, Body::Accumulate(_)) { 0 } else { SEQUENCE.fetch_add(1, Relaxed) };
        Node {
            body,
            inputs,
            outputs: Mutex::new(outputs),
            sequence,
            freed: AtomicBool::new(false),
            hooks: Mutex::default(),
        }
    }

    pub(crate) fn accumulate(t: &Tensor, record: Arc<Record>) -> Arc<Node> {
        let leaf = Leaf { record, tensor: t.downgrade() };
        Arc::new(Node::new(Body::Accumulate(leaf), SmallVec::new(), SmallVec::from_elem(Meta::of(t), 1)))
    }

    /// A node over a backward function written elsewhere; an input that needs no gradient has no edge.
    pub fn custom(backward: Box<dyn Backward>, inputs: Vec<Option<Edge>>) -> Arc<Node> {
        let inputs = inputs.into_iter().enumerate().map(|(i, edge)| Input { slot: i as u16, index: 0, edge }).collect();
        Arc::new(Node::new(Body::Custom(backward), inputs, SmallVec::new()))
    }

    /// Joins `t` to this node as its next output.
    pub fn add_output(self: &Arc<Node>, t: &Tensor) -> u32 {
        let mut outputs = self.outputs.lock();
        outputs.push(Meta::of(t));
        let nr = outputs.len() as u32 - 1;
        drop(outputs);
        t.record().set_grad_fn(Some((self.clone(), nr)));
        nr
    }

    /// Counts an output that no gradient flows through.
    pub fn skip_output(&self, t: &Tensor) {
        self.outputs.lock().push(Meta::of(t));
    }

    /// What `grad_fn` shows.
    pub fn name(&self) -> String {
        match &self.body {
            Body::Op { op, .. } => op.node.to_string(),
            Body::Accumulate(_) => "AccumulateGrad".to_string(),
            Body::Custom(b) => b.name(),
        }
    }

    /// The table entry, if it is an operator's.
    pub fn op(&self) -> Option<&'static OpDef> {
        match &self.body {
            Body::Op { op, .. } => Some(op),
            _ => None,
        }
    }

    /// The backward function written elsewhere, if it is one.
    pub fn as_custom(&self) -> Option<&dyn Backward> {
        match &self.body {
            Body::Custom(b) => Some(&**b),
            _ => None,
        }
    }

    /// The leaf whose gradient it accumulates, if it is an accumulator.
    pub fn variable(&self) -> Option<Tensor> {
        self.leaf().and_then(|l| l.tensor.upgrade())
    }

    pub(crate) fn leaf(&self) -> Option<&Leaf> {
        match &self.body {
            Body::Accumulate(leaf) => Some(leaf),
            _ => None,
        }
    }

    /// Where gradients go on to, an entry an input.
    pub fn next_edges(&self) -> impl Iterator<Item = Option<&Edge>> {
        self.inputs.iter().map(|i| i.edge.as_ref())
    }

    /// Later nodes have higher numbers.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Shape and dtype of an output.
    pub fn output_meta(&self, nr: u32) -> Option<Meta> {
        self.outputs.lock().get(nr as usize).cloned()
    }

    /// The number of outputs.
    pub fn output_count(&self) -> usize {
        self.outputs.lock().len()
    }

    pub(crate) fn add_hook(&self, output: u32, id: u64, hook: Hook) {
        self.hooks.lock().tensor.push((output, id, hook));
    }

    pub(crate) fn remove_hook(&self, id: u64) {
        self.hooks.lock().tensor.retain(|(_, i, _)| *i != id);
    }

    pub(crate) fn retain(&self, output: u32, record: Weak<Record>) {
        self.hooks.lock().retain.push((output, record));
    }

    /// Runs the hooks of the tensors that are this node's outputs, then stores retained gradients.
    pub(crate) fn run_hooks(&self, grads: &mut [Option<Tensor>]) -> Result<()> {
        let (hooks, retain) = {
            let h = self.hooks.lock();
            if h.tensor.is_empty() && h.retain.is_empty() {
                return Ok(());
            }
            (h.tensor.iter().map(|(o, _, h)| (*o, h.clone())).collect::<Vec<_>>(), h.retain.clone())
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
                r.put_grad(Some(g.clone()));
            }
        }
        Ok(())
    }

    /// The gradients of the inputs, given those of the outputs. `needed` says which inputs matter.
    pub(crate) fn apply(
        self: &Arc<Node>,
        grads: SmallVec<[Option<Tensor>; 1]>,
        keep: bool,
        needed: &dyn Fn(&Edge) -> bool,
    ) -> Result<SmallVec<[Option<Tensor>; 2]>> {
        let none = |n: usize| -> SmallVec<[Option<Tensor>; 2]> { SmallVec::from_elem(None, n) };
        match &self.body {
            Body::Accumulate(_) => Ok(none(0)),
            Body::Custom(b) => {
                if self.freed.load(Relaxed) {
                    return Err(freed());
                }
                let out = b.apply(self, grads.into_vec())?;
                if !keep {
                    self.freed.store(true, Relaxed);
                    b.release();
                }
                Ok(out.into())
            }
            Body::Op { op, saved, keeps_tensors } => {
                let kept = if keep || !keeps_tensors { saved.lock().clone() } else { saved.lock().take() };
                let kept = kept.ok_or_else(freed)?;
                let mut out = none(self.inputs.len());
                let cx = Formula { node: self, saved: &kept, grads: &grads };
                for line in op.vjps {
                    let wanted = |i: &Input| i.slot as usize == line.input && i.edge.as_ref().is_some_and(needed);
                    if !self.inputs.iter().any(wanted) {
                        continue;
                    }
                    let gradient = (line.run)(&cx)?;
                    for (i, input) in self.inputs.iter().enumerate() {
                        if wanted(input) {
                            out[i] = match &gradient {
                                Gradient::None => None,
                                Gradient::One(t) => Some(t.clone()),
                                Gradient::Many(list) => list.get(input.index as usize).cloned().flatten(),
                            };
                        }
                    }
                }
                Ok(out)
            }
        }
    }
}

#[cold]
fn freed() -> Error {
    Error::runtime(
        "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved \
         intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to \
         backward through the graph a second time or if you need to access saved tensors after calling backward.",
    )
}

thread_local! {
    /// Nodes whose parts wait to be dropped: a long chain goes one by one, never by recursion.
    static DROPPING: RefCell<Option<Vec<Dropped>>> = const { RefCell::new(None) };
}

type Dropped = (SmallVec<[Input; 2]>, Option<Arc<[Saved]>>);

impl Drop for Node {
    fn drop(&mut self) {
        let inputs = std::mem::take(&mut self.inputs);
        let saved = match &mut self.body {
            Body::Op { saved, .. } => saved.get_mut().take(),
            _ => None,
        };
        let mut parts = Some((inputs, saved));
        let nested = DROPPING.try_with(|d| match d.try_borrow_mut().ok()?.as_mut() {
            Some(queue) => {
                queue.extend(parts.take());
                Some(())
            }
            None => None,
        });
        if matches!(nested, Ok(Some(()))) {
            return;
        }
        let begun = DROPPING.try_with(|d| d.replace(Some(Vec::new()))).is_ok();
        drop(parts);
        // Dropping one part may put others on the queue.
        while let Ok(Some(next)) = DROPPING.try_with(|d| d.borrow_mut().as_mut().and_then(Vec::pop)) {
            drop(next);
        }
        if begun {
            DROPPING.set(None);
        }
    }
}

/// What the lines of a derivative read.
pub struct Formula<'a> {
    node: &'a Arc<Node>,
    saved: &'a [Saved],
    grads: &'a [Option<Tensor>],
}

impl Formula<'_> {
    fn zeros(&self, nr: usize) -> Result<Tensor> {
        let meta = self.node.output_meta(nr as u32).ok_or_else(|| Error::runtime("no such output"))?;
        crate::ops::zeros_with(
            &meta.shape,
            crate::Options { dtype: Some(meta.dtype), device: Some(meta.device), requires_grad: false },
        )
    }

    /// The gradient of the first output.
    pub fn grad(&self) -> Result<Val> {
        match self.grads.first() {
            Some(Some(g)) => Ok(Val::Tensor(g.clone())),
            _ => Ok(Val::Tensor(self.zeros(0)?)),
        }
    }

    /// The gradient of every output; zeros where none came.
    pub fn grads(&self) -> Result<Vec<Val>> {
        (0..self.node.output_count())
            .map(|i| match self.grads.get(i) {
                Some(Some(g)) => Ok(Val::Tensor(g.clone())),
                _ => Ok(Val::Tensor(self.zeros(i)?)),
            })
            .collect()
    }

    fn missing(&self, slot: usize) -> Error {
        Error::runtime(format!("{}: value {slot} was not saved for the backward pass", self.node.name()))
    }

    /// A saved tensor or number.
    pub fn value(&self, slot: usize) -> Result<Val> {
        self.optional_value(slot)?.ok_or_else(|| self.missing(slot))
    }

    /// A saved tensor or number that may not have been given.
    pub fn optional_value(&self, slot: usize) -> Result<Option<Val>> {
        match self.saved.get(slot) {
            Some(Saved::Tensor(t)) => Ok(Some(Val::Tensor(t.unpack(self.node)?))),
            Some(Saved::Argument(Arg::Number(s))) => Ok(Some(Val::Number(*s))),
            Some(Saved::Argument(Arg::None)) => Ok(None),
            _ => Err(self.missing(slot)),
        }
    }

    /// A saved list of tensors.
    pub fn values(&self, slot: usize) -> Result<Vec<Val>> {
        match self.saved.get(slot) {
            Some(Saved::Tensors(list)) => {
                list.iter().flatten().map(|t| Ok(Val::Tensor(t.unpack(self.node)?))).collect()
            }
            _ => Err(self.missing(slot)),
        }
    }

    /// The saved outputs of an operator that gives a list.
    pub fn output_values(&self) -> Result<Vec<Val>> {
        let at = self.node.op().map_or(0, |op| op.params.len());
        self.values(at)
    }

    /// Shape and dtype of a tensor.
    pub fn meta(&self, slot: usize) -> Result<Meta> {
        match self.saved.get(slot) {
            Some(Saved::Meta(m)) => Ok(m.clone()),
            Some(Saved::Tensor(t)) => Ok(t.meta()),
            _ => Err(self.missing(slot)),
        }
    }

    /// An argument that is no tensor.
    pub fn arg(&self, slot: usize) -> Result<&Arg> {
        match self.saved.get(slot) {
            Some(Saved::Argument(a)) => Ok(a),
            _ => Err(self.missing(slot)),
        }
    }
}

/// Records that `op` made `outputs` from `args`.
pub(crate) fn record_op(op: &'static OpDef, args: &[Arg], outputs: &Outputs) {
    let n = op.params.len();
    let mut inputs: SmallVec<[Input; 2]> = SmallVec::new();
    let mut any = false;
    let mut saved: SmallVec<[Saved; 8]> = (0..n + outputs.len().max(op.outputs.len())).map(|_| Saved::None).collect();
    let mut keeps_tensors = false;
    for line in op.vjps {
        let mut wanted = false;
        let mut index = 0;
        args[line.input].each_tensor(&mut |t| {
            let edge = if t.requires_grad() { t.gradient_edge() } else { None };
            wanted |= edge.is_some();
            inputs.push(Input { slot: line.input as u16, index, edge });
            index += 1;
        });
        any |= wanted;
        if wanted {
            for c in line.captures {
                keeps_tensors |= c.how == How::Data;
                save(&mut saved[c.slot], c.slot, c.how, n, args, outputs, op.list);
            }
        }
    }
    if !any {
        return;
    }
    let body = Body::Op { op, saved: Mutex::new(Some(saved.into_vec().into())), keeps_tensors };
    let metas = outputs.iter().map(Meta::of).collect();
    let node = Arc::new(Node::new(body, inputs, metas));
    // Where no formula reads the gradients of the further outputs, those carry none.
    let count = if op.list || op.vjps.iter().any(|l| l.every_output) { outputs.len() } else { 1 };
    for (i, t) in outputs.iter().enumerate().take(count) {
        if t.dtype().is_differentiable() {
            t.record().set_grad_fn(Some((node.clone(), i as u32)));
        }
    }
}

fn save(into: &mut Saved, slot: usize, how: How, n: usize, args: &[Arg], outputs: &Outputs, list: bool) {
    if !matches!((&*into, how), (Saved::None, _) | (Saved::Meta(_), How::Data)) {
        return;
    }
    *into = if slot >= n {
        let nr = slot - n;
        match how {
            How::Data if list => Saved::Tensors(
                outputs.iter().enumerate().map(|(i, t)| Some(SavedTensor::output(t, i as u32))).collect(),
            ),
            How::Data => Saved::Tensor(SavedTensor::output(&outputs[nr], nr as u32)),
            _ => Saved::Meta(Meta::of(&outputs[nr])),
        }
    } else {
        match (how, &args[slot]) {
            (How::Data, Arg::Tensor(t)) => Saved::Tensor(SavedTensor::input(t)),
            (How::Data, Arg::Tensors(list)) => {
                Saved::Tensors(list.iter().map(|t| Some(SavedTensor::input(t))).collect())
            }
            (How::Data, Arg::OptTensors(list)) => {
                Saved::Tensors(list.iter().map(|t| t.as_ref().map(SavedTensor::input)).collect())
            }
            (How::Meta, Arg::Tensor(t)) => Saved::Meta(Meta::of(t)),
            (_, other) => Saved::Argument(other.clone()),
        }
    };
}

/// Makes `t` the output of `like`'s node: the second half of a write in place.
pub(crate) fn set_history(t: &Tensor, from: Option<(Arc<Node>, u32)>) {
    if from.is_some() || t.record_if_any().is_some() {
        t.record().set_grad_fn(from);
    }
}
