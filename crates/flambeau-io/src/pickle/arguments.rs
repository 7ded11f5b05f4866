//! Reading a call's arguments: each helper gives the value of the kind wanted or an error that says what was there.

use flambeau_types::Result;

use super::refuse;
use super::unpickler::{Id, Node, Unpickler, type_name};
use crate::Value;

impl Unpickler<'_> {
    pub(super) fn node(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }

    pub(super) fn expected(&self, what: &str, id: Id) -> flambeau_types::Error {
        refuse(&format!("expected {what}, but got {}", type_name(self.node(id))))
    }

    pub(super) fn tuple(&self, id: Id) -> Result<&[Id]> {
        match self.node(id) {
            Node::Tuple(items) => {
                self.charge(items.len())?;
                Ok(items)
            }
            _ => Err(self.expected("a tuple of arguments", id)),
        }
    }

    /// Counts a copy of so many items. A few bytes can ask for a copy of a large memoized value, again and again; what the
    /// copies take together is bounded by the pickle's own length.
    pub(super) fn charge(&self, items: usize) -> Result<()> {
        match self.budget.get().checked_sub(items as u64) {
            Some(left) => {
                self.budget.set(left);
                Ok(())
            }
            None => Err(refuse("the pickle copies its values too often")),
        }
    }

    pub(super) fn int(&self, id: Id) -> Result<i64> {
        match self.node(id) {
            Node::Plain(Value::Int(i)) => Ok(*i),
            Node::Plain(Value::Bool(b)) => Ok(*b as i64),
            _ => Err(self.expected("an integer of 64 bits", id)),
        }
    }

    pub(super) fn bool(&self, id: Id) -> Result<bool> {
        match self.node(id) {
            Node::Plain(Value::Bool(b)) => Ok(*b),
            Node::Plain(Value::Int(i)) => Ok(*i != 0),
            Node::Plain(Value::None) => Ok(false),
            _ => Err(self.expected("a bool", id)),
        }
    }

    pub(super) fn float(&self, id: Id) -> Result<f64> {
        match self.node(id) {
            Node::Plain(Value::Float(x)) => Ok(*x),
            _ => self.int(id).map(|i| i as f64),
        }
    }

    /// The integers of a tuple, list or `torch.Size`.
    pub(super) fn ints(&self, id: Id) -> Result<Vec<i64>> {
        match self.node(id) {
            Node::Tuple(items) | Node::List(items) => {
                self.charge(items.len())?;
                items.iter().map(|&i| self.int(i)).collect()
            }
            Node::Plain(Value::Size(sizes)) => {
                self.charge(sizes.len())?;
                Ok(sizes.to_vec())
            }
            _ => Err(self.expected("a tuple of integers", id)),
        }
    }

    /// A name or key: text of ordinary length. Bytes of Python 2 that are ASCII count.
    pub(super) fn text_of(&self, id: Id) -> Option<std::sync::Arc<str>> {
        match self.node(id) {
            Node::Plain(Value::Str(text)) if text.len() <= 4096 => Some(text.clone()),
            Node::Plain(Value::Bytes(bytes)) if bytes.len() <= 4096 && bytes.is_ascii() => {
                Some(String::from_utf8_lossy(bytes).into_owned().into())
            }
            _ => None,
        }
    }
}
