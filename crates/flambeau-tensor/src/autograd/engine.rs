//! The walk backwards through the graph.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use smallvec::SmallVec;

use super::hooks::Around;
use super::node::{Edge, Node};
use super::task::Task;
use super::{GradMode, Meta, checks_nan};
use crate::autocast;
use crate::{Error, Result, Tensor};

/// Adds the gradients of `tensors` into the `grad` of the leaves they depend on (`torch.autograd.backward`).
///
/// `grads` are the gradients of the tensors themselves; `None` stands for 1 where the tensor has one element.
/// `inputs` limits the leaves.
pub fn backward(
    tensors: &[Tensor],
    grads: &[Option<Tensor>],
    retain_graph: Option<bool>,
    create_graph: bool,
    inputs: Option<&[Tensor]>,
) -> Result<()> {
    let roots = roots(tensors, grads)?;
    let targets = inputs.map(edges_of).transpose()?;
    let walk = Walk::new(retain_graph.unwrap_or(create_graph), create_graph);
    autocast::off(|| walk.run(roots, targets, true)).map(|_| ())
}

/// The gradients of `outputs` with respect to `inputs` (`torch.autograd.grad`).
pub fn grad(
    outputs: &[Tensor],
    inputs: &[Tensor],
    grads: &[Option<Tensor>],
    retain_graph: Option<bool>,
    create_graph: bool,
    allow_unused: bool,
) -> Result<Vec<Option<Tensor>>> {
    let targets = edges_of(inputs)?;
    let roots = roots(outputs, grads)?;
    let walk = Walk::new(retain_graph.unwrap_or(create_graph), create_graph);
    let found = autocast::off(|| walk.run(roots, Some(targets), false))?;
    if let Some(i) = found.iter().position(Option::is_none)
        && !allow_unused
    {
        return Err(Error::runtime(format!(
            "The differentiated Tensor at index {i} appears to not have been used in the graph. Set allow_unused=True if this is the desired \
             behavior."
        )));
    }
    Ok(found)
}

fn edges_of(list: &[Tensor]) -> Result<Vec<Edge>> {
    list.iter()
        .map(|t| {
            t.gradient_edge()
                .filter(|_| t.requires_grad())
                .ok_or_else(|| Error::runtime("One of the differentiated Tensors does not require grad"))
        })
        .collect()
}

fn roots(tensors: &[Tensor], grads: &[Option<Tensor>]) -> Result<Vec<(Edge, Tensor)>> {
    let mut out = Vec::with_capacity(tensors.len());
    for (i, t) in tensors.iter().enumerate() {
        let grad = match grads.get(i).and_then(Option::as_ref) {
            Some(g) => {
                if g.size() != t.size() {
                    return Err(Error::runtime(format!(
                        "Mismatch in shape: grad_output[{i}] has a shape of torch.Size({:?}) and output[{i}] has a shape of torch.Size({:?}).",
                        g.size(),
                        t.size()
                    )));
                }
                if g.dtype().is_complex() != t.dtype().is_complex() {
                    return Err(Error::runtime(format!(
                        "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: \
                         grad_output[{i}] has a dtype of {} and output[{i}] has a dtype of {}.",
                        g.dtype(),
                        t.dtype()
                    )));
                }
                g.clone()
            }
            None => {
                if t.requires_grad() {
                    if t.numel() != 1 {
                        return Err(Error::runtime("grad can be implicitly created only for scalar outputs"));
                    }
                    if !t.dtype().is_floating() {
                        return Err(Error::runtime(format!(
                            "grad can be implicitly created only for real scalar outputs but got {}",
                            t.dtype()
                        )));
                    }
                }
                t.detach().ones_like()?
            }
        };
        let edge = t.gradient_edge().ok_or_else(|| {
            Error::runtime(format!("element {i} of tensors does not require grad and does not have a grad_fn"))
        })?;
        out.push((edge, grad));
    }
    Ok(out)
}

type Grads = SmallVec<[Option<Tensor>; 1]>;

fn id(node: &Arc<Node>) -> usize {
    Arc::as_ptr(node) as usize
}

struct Walk {
    keep: bool,
    create_graph: bool,
    /// Nodes that wait for their turn, with the gradients that reached them so far. A node's number is higher than those of
    /// the nodes it leads to, so the last is always complete. Leaves share the number 0 and are told apart by address.
    waiting: BTreeMap<(u64, usize), (Arc<Node>, Grads)>,
    /// With targets: the nodes from which one can be reached.
    useful: Option<HashSet<usize>>,
}

/// Stops at gradients that are not numbers.
#[cold]
fn no_nan(node: &Arc<Node>, grads: SmallVec<[Option<Tensor>; 2]>) -> Result<SmallVec<[Option<Tensor>; 2]>> {
    for (i, grad) in grads.iter().enumerate() {
        if let Some(grad) = grad
            && grad.detach().isnan()?.any()?.item()?.to_bool()
        {
            return Err(Error::runtime(format!("Function '{}' returned nan values in its {i}th output.", node.name())));
        }
    }
    Ok(grads)
}

impl Walk {
    fn new(keep: bool, create_graph: bool) -> Walk {
        Walk { keep, create_graph, waiting: BTreeMap::new(), useful: None }
    }

    fn run(
        mut self,
        roots: Vec<(Edge, Tensor)>,
        targets: Option<Vec<Edge>>,
        accumulate: bool,
    ) -> Result<Vec<Option<Tensor>>> {
        let _mode = GradMode::set(self.create_graph);
        let _task = Task::begin(roots.iter().map(|(edge, _)| &edge.node), targets.as_deref());
        if let Some(targets) = &targets {
            self.useful = Some(useful_nodes(&roots, targets));
        }
        let mut found: Vec<Option<Tensor>> = vec![None; targets.as_ref().map_or(0, Vec::len)];
        for (edge, grad) in roots {
            self.send(&edge, grad)?;
        }
        while let Some((_, (node, mut grads))) = self.waiting.pop_last() {
            if let Some(leaf) = node.leaf() {
                for hook in leaf.record.hooks() {
                    if let Some(g) = &grads[0]
                        && let Some(new) = hook(g)?
                    {
                        grads[0] = Some(new);
                    }
                }
            } else {
                node.run_hooks(&mut grads)?;
            }
            if let Some(targets) = &targets {
                for (i, t) in targets.iter().enumerate() {
                    if Arc::ptr_eq(&t.node, &node) {
                        found[i] = grads.get(t.output as usize).cloned().flatten();
                    }
                }
                // A target's own inputs matter only if another target lies behind it.
                if node.leaf().is_none() && !self.leads_on(&node) {
                    continue;
                }
            }
            if node.leaf().is_some() {
                if accumulate {
                    match node.around() {
                        None => self.accumulate(&node, grads)?,
                        Some(around) => {
                            around.before(&mut grads)?;
                            self.accumulate(&node, grads.clone())?;
                            around.after(&mut [], &grads)?;
                        }
                    }
                }
                continue;
            }
            self.step(&node, grads)?;
        }
        Ok(found)
    }

    fn leads_on(&self, node: &Arc<Node>) -> bool {
        let Some(useful) = &self.useful else { return true };
        node.next_edges().flatten().any(|e| useful.contains(&id(&e.node)))
    }

    /// Runs a node between its hooks.
    fn step_around(
        &self,
        node: &Arc<Node>,
        around: &Around,
        mut grads: Grads,
        needed: &dyn Fn(&Edge) -> bool,
    ) -> Result<SmallVec<[Option<Tensor>; 2]>> {
        grads.resize(node.output_count(), None);
        around.before(&mut grads)?;
        let mut out = node.apply(grads.clone(), self.keep, needed)?;
        for (edge, grad) in node.next_edges().zip(out.iter_mut()) {
            if !edge.is_some_and(needed) {
                *grad = None;
            }
        }
        around.after(&mut out, &grads)?;
        Ok(out)
    }

    fn step(&mut self, node: &Arc<Node>, grads: Grads) -> Result<()> {
        let useful = self.useful.take();
        let needed = |e: &Edge| useful.as_ref().is_none_or(|u| u.contains(&id(&e.node)));
        let around = node.around();
        let result = match &around {
            None => node.apply(grads, self.keep, &needed),
            Some(around) => self.step_around(node, around, grads, &needed),
        };
        let out = match result.and_then(|out| if checks_nan() { no_nan(node, out) } else { Ok(out) }) {
            Ok(out) => out,
            Err(e) => {
                self.useful = useful;
                return Err(e);
            }
        };
        let mut sent = Ok(());
        for (i, (edge, grad)) in node.next_edges().zip(out).enumerate() {
            if let (Some(edge), Some(grad)) = (edge, grad)
                && needed(edge)
            {
                sent = self.send_from(node, i, edge, grad);
                if sent.is_err() {
                    break;
                }
            }
        }
        self.useful = useful;
        sent
    }

    fn send_from(&mut self, from: &Arc<Node>, input: usize, edge: &Edge, grad: Tensor) -> Result<()> {
        let fits = edge.node.with_outputs(|list| {
            list.get(edge.output as usize).is_none_or(|m| grad.size() == m.shape.as_slice() && grad.dtype() == m.dtype)
        });
        if fits {
            return self.send(edge, grad);
        }
        let grad = match edge.node.output_meta(edge.output) {
            Some(meta) => fit(grad, &meta).map_err(|e| {
                Error::new(
                    e.kind(),
                    format!("Function {} returned an invalid gradient at index {input} - {}", from.name(), e.message()),
                )
            })?,
            None => grad,
        };
        self.send(edge, grad)
    }

    fn send(&mut self, edge: &Edge, grad: Tensor) -> Result<()> {
        let at = edge.output as usize;
        let create_graph = self.create_graph;
        let key = (edge.node.sequence(), id(&edge.node));
        let (_, entry) = self.waiting.entry(key).or_insert_with(|| (edge.node.clone(), SmallVec::new()));
        if entry.len() <= at {
            entry.resize(at + 1, None);
        }
        entry[at] = Some(match entry[at].take() {
            None => grad,
            Some(before) => sum(before, grad, create_graph)?,
        });
        Ok(())
    }

    fn accumulate(&self, node: &Arc<Node>, mut grads: Grads) -> Result<()> {
        let (Some(leaf), Some(grad)) = (node.leaf(), grads[0].take()) else { return Ok(()) };
        let variable = leaf.tensor.upgrade();
        match leaf.record.grad() {
            None => {
                let fits = variable.as_ref().is_none_or(|v| {
                    if v.layout().is_dense() {
                        grad.stride() == v.stride() || grad.numel() <= 1
                    } else {
                        grad.is_contiguous()
                    }
                });
                let stored = if self.create_graph {
                    grad.clone_tensor()?
                } else if owned(&grad) && fits {
                    grad.detach()
                } else {
                    let copy = match &variable {
                        Some(v) if v.layout().is_dense() && v.size() == grad.size() => {
                            let like = v.detach().empty_like_with(None, crate::Options::like(&grad))?;
                            like.copy_(&grad.detach())?;
                            like
                        }
                        _ => grad.detach().clone_tensor()?,
                    };
                    copy.detach()
                };
                leaf.record.put_grad(Some(stored));
            }
            Some(before) if self.create_graph => {
                leaf.record.put_grad(Some(before.add(&grad)?));
            }
            Some(before) => {
                before.add_(&grad)?;
            }
        }
        if let Some(v) = variable {
            for hook in leaf.record.post_hooks() {
                hook(&v)?;
            }
        }
        Ok(())
    }
}

/// True if nobody else can see this tensor's memory.
fn owned(t: &Tensor) -> bool {
    t.0.handles() == 1 && t.storage().use_count() == 1 && t.base().is_none()
}

fn sum(before: Tensor, grad: Tensor, create_graph: bool) -> Result<Tensor> {
    if !create_graph
        && owned(&before)
        && before.size() == grad.size()
        && before.dtype() == grad.dtype()
        && before.layout().is_dense()
    {
        before.add_(&grad)?;
        return Ok(before);
    }
    before.add(&grad)
}

/// Brings a gradient to the shape and dtype of the tensor it is for: what broadcasting repeated is summed.
fn fit(mut grad: Tensor, meta: &Meta) -> Result<Tensor> {
    if grad.size() != meta.shape.as_slice() {
        let fits = crate::broadcast_shapes(grad.size(), &meta.shape).is_ok_and(|s| s.as_slice() == grad.size());
        if !fits {
            return Err(Error::runtime(format!(
                "got {:?} but expected shape compatible with {:?}",
                grad.size(),
                meta.shape.as_slice()
            )));
        }
        grad = grad.sum_to_size(&meta.shape)?;
    }
    if grad.dtype() != meta.dtype {
        if grad.dtype().is_complex() && !meta.dtype.is_complex() {
            grad = grad.real()?;
        }
        if grad.dtype() != meta.dtype {
            grad = grad.to_dtype(meta.dtype)?;
        }
    }
    Ok(grad)
}

/// The nodes on a way from a root to a target.
fn useful_nodes(roots: &[(Edge, Tensor)], targets: &[Edge]) -> HashSet<usize> {
    let mut seen: HashSet<usize> = HashSet::new();
    let mut nodes: Vec<&Arc<Node>> = roots.iter().map(|(e, _)| &e.node).collect();
    let mut order = Vec::new();
    while let Some(n) = nodes.pop() {
        if seen.insert(id(n)) {
            order.push(n);
            nodes.extend(n.next_edges().flatten().map(|e| &e.node));
        }
    }
    order.sort_by_key(|n| n.sequence());
    let mut useful: HashSet<usize> = targets.iter().map(|t| id(&t.node)).collect();
    for n in order {
        if n.next_edges().flatten().any(|e| useful.contains(&id(&e.node))) {
            useful.insert(id(n));
        }
    }
    useful
}
