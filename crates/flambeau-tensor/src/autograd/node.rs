//! A node of the graph: an operator that was recorded.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use parking_lot::{Mutex, RwLock};
use smallvec::SmallVec;

use super::hooks::Hooks;
use super::record::{Leaf, Record};
use super::saved::{PackedTensor, SaveHooks, Saved, SavedTensor, save_hooks};
use crate::ops::{Arg, Capture, Gradient, How, OpDef, Val};
use crate::tensor::Made;
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
    Op {
        op: &'static OpDef,
        saved: RwLock<Option<Kept>>,
        keeps_tensors: bool,
        outputs: SmallVec<[Meta; 1]>,
    },
    Accumulate(Leaf, Meta),
    /// Its outputs join one by one.
    Custom {
        backward: Box<dyn Backward>,
        outputs: Mutex<SmallVec<[Meta; 1]>>,
        freed: AtomicBool,
    },
}

/// What the formulas of a node read: slots (arguments, then outputs) and what was kept of them.
type Kept = SmallVec<[(u16, Saved); 2]>;

/// A recorded operator: its formulas' inputs, and the edges along which gradients go on.
pub struct Node {
    body: Body,
    inputs: SmallVec<[Input; 2]>,
    /// Later nodes have higher numbers than those they depend on; leaves have 0.
    sequence: u64,
    pub(super) hooks: Mutex<Option<Box<Hooks>>>,
}

static SEQUENCE: AtomicU64 = AtomicU64::new(1);

impl Node {
    fn new(body: Body, inputs: SmallVec<[Input; 2]>) -> Node {
        let sequence = if matches!(body, Body::Accumulate(..)) { 0 } else { SEQUENCE.fetch_add(1, Relaxed) };
        Node { body, inputs, sequence, hooks: Mutex::new(None) }
    }

    pub(crate) fn accumulate(t: &Tensor, record: Arc<Record>) -> Arc<Node> {
        let leaf = Leaf { record, tensor: t.downgrade() };
        Arc::new(Node::new(Body::Accumulate(leaf, Meta::of(t)), SmallVec::new()))
    }

    /// A node over a backward function written elsewhere; an input that needs no gradient has no edge.
    pub fn custom(backward: Box<dyn Backward>, inputs: Vec<Option<Edge>>) -> Arc<Node> {
        let inputs = inputs.into_iter().enumerate().map(|(i, edge)| Input { slot: i as u16, index: 0, edge }).collect();
        let body = Body::Custom { backward, outputs: Mutex::default(), freed: AtomicBool::new(false) };
        Arc::new(Node::new(body, inputs))
    }

    /// Joins `t` to this node, made by [`Node::custom`], as its next output.
    pub fn add_output(self: &Arc<Node>, t: &Tensor) -> u32 {
        let nr = self.skip_output(t);
        t.record().set_grad_fn(Some((self.clone(), nr)));
        nr
    }

    /// Refuses writes in place on the outputs that are views: they would take the place of the node's own gradient.
    pub fn guard_views(outputs: &[Tensor]) {
        let made = if outputs.len() > 1 { Made::OneOfMany } else { Made::ByFunction };
        outputs.iter().filter(|t| t.base().is_some()).for_each(|t| t.set_made(made));
    }

    /// Counts an output that no gradient flows through.
    pub fn skip_output(&self, t: &Tensor) -> u32 {
        let Body::Custom { outputs, .. } = &self.body else {
            unreachable!("an operator's outputs are known from the start")
        };
        let mut outputs = outputs.lock();
        outputs.push(Meta::of(t));
        outputs.len() as u32 - 1
    }

    /// Whether a function of the caller's own is behind it, not an operator.
    pub(crate) fn is_custom(&self) -> bool {
        matches!(self.body, Body::Custom { .. })
    }

    /// What `grad_fn` shows.
    pub fn name(&self) -> String {
        match &self.body {
            Body::Op { op, .. } => op.node.to_string(),
            Body::Accumulate(..) => "AccumulateGrad".to_string(),
            Body::Custom { backward, .. } => backward.name(),
        }
    }

    /// The name of the operation itself, for errors about its outputs: `Exp` of `ExpBackward0`.
    pub fn operation(&self) -> String {
        let name = self.name();
        let bare = name.trim_end_matches(|c: char| c.is_ascii_digit());
        bare.strip_suffix("Backward").map(str::to_string).unwrap_or(name)
    }

    /// What the node keeps under a name, where it is a tensor: `self`, the other parameters' names, `result` or an
    /// output's. An error where it was freed.
    pub fn saved_tensor(self: &Arc<Node>, name: &str) -> Option<Result<Tensor>> {
        let Body::Op { op, saved, .. } = &self.body else { return None };
        let name = if name == "self" { "input" } else { name };
        let output =
            |(i, n): (usize, &&str)| (*n == name || (name == "result" && i == 0)).then_some(op.params.len() + i);
        let slot =
            op.params.iter().position(|p| p.name == name).or_else(|| op.outputs.iter().enumerate().find_map(output))?;
        let captured = op.vjps.iter().any(|l| l.captures.iter().any(|c| c.slot == slot && c.how == How::Data));
        if !captured {
            return None;
        }
        let saved = saved.read();
        let Some(kept) = saved.as_ref() else { return Some(Err(already_freed())) };
        match find(kept, slot) {
            Some(Saved::Tensor(t)) => Some(t.unpack(self)),
            Some(Saved::Packed(t)) => Some(t.unpack(Some(self))),
            _ => None,
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
            Body::Custom { backward, .. } => Some(&**backward),
            _ => None,
        }
    }

    /// The leaf whose gradient it accumulates, if it is an accumulator.
    pub fn variable(&self) -> Option<Tensor> {
        self.leaf().and_then(|l| l.tensor.upgrade())
    }

    pub(crate) fn leaf(&self) -> Option<&Leaf> {
        match &self.body {
            Body::Accumulate(leaf, _) => Some(leaf),
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

    /// Calls `f` with shape and dtype of every output: gradients are brought to these.
    pub(crate) fn with_outputs<T>(&self, f: impl FnOnce(&[Meta]) -> T) -> T {
        match &self.body {
            Body::Op { outputs, .. } => f(outputs),
            Body::Accumulate(_, meta) => f(std::slice::from_ref(meta)),
            Body::Custom { outputs, .. } => f(&outputs.lock()),
        }
    }

    /// Shape and dtype of an output.
    pub fn output_meta(&self, nr: u32) -> Option<Meta> {
        self.with_outputs(|list| list.get(nr as usize).cloned())
    }

    /// The number of outputs.
    pub fn output_count(&self) -> usize {
        self.with_outputs(<[Meta]>::len)
    }

    /// The gradients of the inputs, given those of the outputs. `needed` says which inputs matter.
    pub(crate) fn apply(
        self: &Arc<Node>,
        grads: SmallVec<[Option<Tensor>; 1]>,
        keep: bool,
        needed: &dyn Fn(&Edge) -> bool,
    ) -> Result<SmallVec<[Option<Tensor>; 2]>> {
        match &self.body {
            Body::Accumulate(..) => Ok(SmallVec::new()),
            Body::Custom { backward, freed, .. } => {
                if freed.load(Relaxed) {
                    return Err(already_freed());
                }
                let out = backward.apply(self, grads.into_vec())?;
                if !keep {
                    freed.store(true, Relaxed);
                    backward.release();
                }
                Ok(out.into())
            }
            Body::Op { op, saved, keeps_tensors, .. } => {
                if keep || !keeps_tensors {
                    // Formulas run no code of the user's, so nothing waits for this lock to write while it is held.
                    let kept = saved.read_recursive();
                    self.run_formulas(op, kept.as_ref().ok_or_else(already_freed)?, &grads, needed)
                } else {
                    let kept = saved.write().take().ok_or_else(already_freed)?;
                    self.run_formulas(op, &kept, &grads, needed)
                }
            }
        }
    }

    fn run_formulas(
        self: &Arc<Node>,
        op: &OpDef,
        saved: &[(u16, Saved)],
        grads: &[Option<Tensor>],
        needed: &dyn Fn(&Edge) -> bool,
    ) -> Result<SmallVec<[Option<Tensor>; 2]>> {
        let mut out = SmallVec::from_elem(None, self.inputs.len());
        let cx = Formula { node: self, saved, grads };
        for line in op.vjps {
            let wanted = |i: &Input| i.slot as usize == line.input && i.edge.as_ref().is_some_and(needed);
            if !self.inputs.iter().any(wanted) {
                continue;
            }
            match (line.run)(&cx)? {
                Gradient::None => {}
                Gradient::One(t) => {
                    if let Some(i) = self.inputs.iter().position(wanted) {
                        out[i] = Some(t);
                    }
                }
                Gradient::Many(mut list) => {
                    for (i, input) in self.inputs.iter().enumerate().filter(|(_, input)| wanted(input)) {
                        out[i] = list.get_mut(input.index as usize).and_then(Option::take);
                    }
                }
            }
        }
        Ok(out)
    }
}

/// What was kept of a slot.
fn find(kept: &[(u16, Saved)], slot: usize) -> Option<&Saved> {
    kept.iter().find(|(s, _)| usize::from(*s) == slot).map(|(_, saved)| saved)
}

#[cold]
fn already_freed() -> Error {
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

type Dropped = (SmallVec<[Input; 2]>, Option<Kept>);

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
    saved: &'a [(u16, Saved)],
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

    fn saved(&self, slot: usize) -> Option<&Saved> {
        find(self.saved, slot)
    }

    fn missing(&self, slot: usize) -> Error {
        Error::runtime(format!("{}: value {slot} was not saved for the backward pass", self.node.name()))
    }

    /// A saved tensor, with its place in the graph where that is asked for.
    fn unpack(&self, t: &SavedTensor) -> Result<Tensor> {
        if super::grad_enabled() { t.unpack(self.node) } else { t.unpack_detached(self.node) }
    }

    /// A saved tensor or number.
    pub fn value(&self, slot: usize) -> Result<Val> {
        self.optional_value(slot)?.ok_or_else(|| self.missing(slot))
    }

    /// A saved tensor or number that may not have been given.
    pub fn optional_value(&self, slot: usize) -> Result<Option<Val>> {
        match self.saved(slot) {
            Some(Saved::Tensor(t)) => Ok(Some(Val::Tensor(self.unpack(t)?))),
            Some(Saved::Packed(t)) => Ok(Some(Val::Tensor(t.unpack(Some(self.node))?))),
            Some(Saved::Number(s)) => Ok(Some(Val::Number(*s))),
            Some(Saved::Argument(a)) if matches!(**a, Arg::None) => Ok(None),
            _ => Err(self.missing(slot)),
        }
    }

    /// A saved list of tensors.
    pub fn values(&self, slot: usize) -> Result<Vec<Val>> {
        match self.saved(slot) {
            Some(Saved::Tensors(list)) => list.iter().flatten().map(|t| Ok(Val::Tensor(self.unpack(t)?))).collect(),
            Some(Saved::PackedList(list)) => {
                list.iter().flatten().map(|t| Ok(Val::Tensor(t.unpack(Some(self.node))?))).collect()
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
        match self.saved(slot) {
            Some(Saved::Meta(m)) => Ok((**m).clone()),
            Some(Saved::Tensor(t)) => Ok(t.meta()),
            Some(Saved::Packed(t)) => Ok(t.meta()),
            _ => Err(self.missing(slot)),
        }
    }

    /// An argument that is no tensor.
    pub fn arg(&self, slot: usize) -> Result<Cow<'_, Arg>> {
        match self.saved(slot) {
            Some(Saved::Number(s)) => Ok(Cow::Owned(Arg::Number(*s))),
            Some(Saved::Argument(a)) => Ok(Cow::Borrowed(a)),
            _ => Err(self.missing(slot)),
        }
    }
}

/// Records that `op` made `outputs` from `args`. Only hooks for what is saved can fail.
pub(crate) fn record_op(op: &'static OpDef, args: &[Arg], outputs: &[Tensor]) -> Result<()> {
    let n = op.params.len();
    let hooks = save_hooks();
    let keep = |c: &Capture| match &hooks {
        None => Ok(keep(c, n, args, outputs, op.list)),
        Some(hooks) => hand_over(c, n, args, outputs, op.list, &**hooks),
    };
    let mut inputs: SmallVec<[Input; 2]> = SmallVec::new();
    let mut saved = Kept::new();
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
        if wanted {
            for c in line.captures {
                keeps_tensors |= c.how == How::Data;
                match saved.iter_mut().find(|(slot, _)| usize::from(*slot) == c.slot) {
                    None => saved.push((c.slot as u16, keep(c)?)),
                    Some((_, s @ Saved::Meta(_))) if c.how == How::Data => *s = keep(c)?,
                    Some(_) => {}
                }
            }
        }
    }
    if inputs.iter().all(|i| i.edge.is_none()) {
        return Ok(());
    }
    let mut metas = SmallVec::new();
    outputs.iter().for_each(|t| metas.push(Meta::of(t)));
    let body = Body::Op { op, saved: RwLock::new(Some(saved)), keeps_tensors, outputs: metas };
    let node = Arc::new(Node::new(body, inputs));
    // Where no formula reads the gradients of the further outputs, those carry none.
    let count = if op.list || op.vjps.iter().any(|l| l.every_output) { outputs.len() } else { 1 };
    for (i, t) in outputs.iter().enumerate().take(count) {
        if t.dtype().is_differentiable() {
            t.join_new(&node, i as u32);
        }
    }
    Ok(())
}

/// What a formula reads of an argument or output.
fn keep(c: &Capture, n: usize, args: &[Arg], outputs: &[Tensor], list: bool) -> Saved {
    if c.slot >= n {
        let nr = c.slot - n;
        return match c.how {
            How::Data if list => Saved::Tensors(
                outputs.iter().enumerate().map(|(i, t)| Some(SavedTensor::output(t, i as u32))).collect(),
            ),
            How::Data => Saved::Tensor(SavedTensor::output(&outputs[nr], nr as u32)),
            _ => Saved::Meta(Box::new(Meta::of(&outputs[nr]))),
        };
    }
    match (c.how, &args[c.slot]) {
        (How::Data, Arg::Tensor(t)) => Saved::Tensor(SavedTensor::input(t)),
        (How::Data, Arg::Tensors(list)) => Saved::Tensors(list.iter().map(|t| Some(SavedTensor::input(t))).collect()),
        (How::Data, Arg::OptTensors(list)) => {
            Saved::Tensors(list.iter().map(|t| t.as_ref().map(SavedTensor::input)).collect())
        }
        (How::Meta, Arg::Tensor(t)) => Saved::Meta(Box::new(Meta::of(t))),
        (_, Arg::Number(s)) => Saved::Number(*s),
        (_, other) => Saved::Argument(Box::new(other.clone())),
    }
}

/// What a formula reads of an argument or output, where hooks keep the tensors. Numbers that operands were stay with the node.
#[cold]
fn hand_over(
    c: &Capture,
    n: usize,
    args: &[Arg],
    outputs: &[Tensor],
    list: bool,
    hooks: &dyn SaveHooks,
) -> Result<Saved> {
    if c.how != How::Data {
        return Ok(keep(c, n, args, outputs, list));
    }
    let input = |t: &Tensor| PackedTensor::input(t, hooks);
    let one = |t: PackedTensor| Saved::Packed(Box::new(t));
    if c.slot >= n {
        let nr = c.slot - n;
        if !list {
            return PackedTensor::output(&outputs[nr], nr as u32, hooks).map(one);
        }
        let all = outputs.iter().enumerate().map(|(i, t)| PackedTensor::output(t, i as u32, hooks).map(Some));
        return all.collect::<Result<_>>().map(Saved::PackedList);
    }
    match &args[c.slot] {
        Arg::Tensor(t) => input(t).map(one),
        Arg::Tensors(list) => list.iter().map(|t| input(t).map(Some)).collect::<Result<_>>().map(Saved::PackedList),
        Arg::OptTensors(list) => {
            let all = list.iter().map(|t| t.as_ref().map(input).transpose());
            all.collect::<Result<_>>().map(Saved::PackedList)
        }
        _ => Ok(keep(c, n, args, outputs, list)),
    }
}

/// Makes `t` the output of `like`'s node: the second half of a write in place.
pub(crate) fn set_history(t: &Tensor, from: Option<(Arc<Node>, u32)>) {
    if from.is_some() || t.record_if_any().is_some() {
        t.record().set_grad_fn(from);
    }
}
