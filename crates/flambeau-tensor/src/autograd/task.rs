//! The walks of the engine that go on in a thread, as hooks called from them see it.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use super::node::{Edge, Node};

/// A walk: where it began, and where it is to arrive if not at every leaf.
pub(super) struct Task {
    number: u64,
    roots: Vec<Arc<Node>>,
    targets: Option<Vec<Arc<Node>>>,
}

thread_local! {
    static TASKS: RefCell<Vec<Rc<Task>>> = const { RefCell::new(Vec::new()) };
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// Ends the walk begun last when it is dropped.
pub(super) struct Running;

impl Drop for Running {
    fn drop(&mut self) {
        // Its nodes are dropped once the list is free again: hooks may go with them.
        let ended = TASKS.try_with(|tasks| tasks.try_borrow_mut().ok()?.pop());
        drop(ended);
    }
}

impl Task {
    /// Begins a walk.
    pub(super) fn begin<'a>(roots: impl Iterator<Item = &'a Arc<Node>>, targets: Option<&[Edge]>) -> Running {
        let number = COUNT.get();
        COUNT.set(number + 1);
        let targets = targets.map(|list| list.iter().map(|e| e.node.clone()).collect());
        let task = Task { number, roots: roots.cloned().collect(), targets };
        TASKS.with_borrow_mut(|tasks| tasks.push(Rc::new(task)));
        Running
    }

    fn will_run(&self, node: &Arc<Node>) -> bool {
        let leads = |from: &[Arc<Node>], to: &[Arc<Node>]| {
            let mut seen = HashSet::new();
            let mut waiting = from.to_vec();
            while let Some(next) = waiting.pop() {
                if to.iter().any(|t| Arc::ptr_eq(t, &next)) {
                    return true;
                }
                if seen.insert(Arc::as_ptr(&next)) {
                    waiting.extend(next.next_edges().flatten().map(|e| e.node.clone()));
                }
            }
            false
        };
        let this = std::slice::from_ref(node);
        leads(&self.roots, this) && self.targets.as_ref().is_none_or(|targets| leads(this, targets))
    }
}

fn current() -> Option<Rc<Task>> {
    TASKS.with_borrow(|tasks| tasks.last().cloned())
}

/// The number of the walk that goes on in this thread, if any.
pub fn graph_task() -> Option<u64> {
    current().map(|task| task.number)
}

/// Whether the walk that goes on comes, or came, to a node.
pub fn will_run(node: &Arc<Node>) -> bool {
    current().is_some_and(|task| task.will_run(node))
}
