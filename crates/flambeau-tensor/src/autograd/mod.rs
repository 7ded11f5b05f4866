//! Automatic differentiation: a graph of [`Node`]s recorded as operators run, and an engine that walks it backwards.
//!
//! - `mode`: whether operators are recorded.
//! - `record`: what a tensor knows of its place in the graph.
//! - `node`: a recorded operator; `saved`: the tensors it keeps.
//! - `hooks`: functions called as gradients pass a node.
//! - `inplace`: how a write in place rewires the graph.
//! - `engine`: the walk.
//! - `task`: which walk goes on, for hooks.
//! - `gradcheck`: derivatives against finite differences.

mod engine;
mod gradcheck;
mod hooks;
mod inplace;
mod mode;
mod node;
mod record;
mod saved;
mod task;

pub use engine::{backward, grad};
pub use gradcheck::{GradcheckOptions, gradcheck, gradgradcheck};
pub use hooks::{Gradients, NodeHook, NodePreHook};
pub(crate) use inplace::{check_inplace, rebase, refresh_view};
pub use mode::{GradMode, checks_nan, enable_grad, grad_enabled, no_grad, set_checks_nan, set_grad_enabled};
pub use node::{Backward, Edge, Formula, Meta, Node};
pub(crate) use node::{record_op, set_history};
pub(crate) use record::RecordCell;
pub use record::{Hook, HookHandle, PostHook, Record};
pub use saved::{Packed, PackedTensor, SaveHooks, Saved, SavedTensor, pop_save_hooks, push_save_hooks, save_hooks};
pub use task::{graph_task, will_run};
