//! From the machine's nodes to values: numbers become shared pointers, repeated keys are dropped, cycles refused.

use std::collections::HashMap;
use std::sync::Arc;

use flambeau_types::{Error, Result};

use super::refuse;
use super::unpickler::{Id, Node};
use crate::{Object, OrderedDict, Value};

/// A file may share containers so that, written out, it would be exponentially large. More than this is refused, so that
/// code which walks a value without remembering where it has been still comes to an end.
const MAX_WALK: u64 = 100_000_000;

pub(super) fn resolve(nodes: &[Node], root: Id) -> Result<Value> {
    let mut states = Vec::new();
    states
        .try_reserve_exact(nodes.len())
        .map_err(|_| refuse("the pickle holds more values than memory has room for"))?;
    states.resize(nodes.len(), NEW);
    let mut resolver = Resolver { nodes, states, done: Vec::new(), work: 0 };
    Ok(resolver.visit(root, 0)?.value)
}

/// A container that was not visited yet, one that is being visited; other numbers are places in the list of those done.
const NEW: u32 = u32::MAX;
const OPEN: u32 = u32::MAX - 1;

#[derive(Clone)]
struct Done {
    value: Value,
    /// How many values a walk through it meets.
    size: u64,
    /// How deep it nests.
    height: usize,
}

struct Resolver<'a> {
    nodes: &'a [Node],
    /// For each node `NEW`, `OPEN` or its place in `done`.
    states: Vec<u32>,
    done: Vec<Done>,
    work: u64,
}

/// Size and height of what a container holds, gathered while it is visited.
struct Extent {
    size: u64,
    height: usize,
}

impl Resolver<'_> {
    fn visit(&mut self, id: Id, depth: usize) -> Result<Done> {
        let at = id as usize;
        match self.states[at] {
            OPEN => return Err(refuse("a container holds itself, which is not supported")),
            NEW if depth > Value::MAX_DEPTH => return Err(too_deep()),
            NEW => {}
            place => return Ok(self.done[place as usize].clone()),
        }
        // Leaves are the most: they need no mark.
        if let Node::Plain(value) = &self.nodes[at] {
            return Ok(Done { value: value.clone(), size: 1, height: 0 });
        }
        self.states[at] = OPEN;
        let done = self.container(at, depth + 1)?;
        if done.height > Value::MAX_DEPTH {
            return Err(too_deep());
        }
        if done.size > MAX_WALK {
            return Err(refuse("containers are shared so often that the value would be too large"));
        }
        self.states[at] = self.done.len() as u32;
        self.done.push(done.clone());
        Ok(done)
    }

    fn container(&mut self, at: usize, depth: usize) -> Result<Done> {
        let nodes = self.nodes;
        let mut extent = Extent { size: 1, height: 0 };
        let value = match &nodes[at] {
            Node::Plain(value) => value.clone(),
            Node::List(items) => Value::List(Arc::new(self.all(items, depth, &mut extent)?)),
            Node::Tuple(items) => Value::Tuple(Arc::new(self.all(items, depth, &mut extent)?)),
            Node::Set(items) => {
                let members = self.all(items, depth, &mut extent)?;
                let pairs = self.unique(members.into_iter().map(|m| (m, Value::None)).collect())?;
                Value::Set(Arc::new(pairs.into_iter().map(|(member, _)| member).collect()))
            }
            Node::Dict(items) => Value::Dict(Arc::new(self.pairs(items, depth, &mut extent)?)),
            Node::OrderedDict { items, attributes } => {
                let items = self.pairs(items, depth, &mut extent)?;
                let mut merged = Vec::new();
                for &state in attributes {
                    let state = self.child(state, depth, &mut extent)?;
                    let state = state.items().ok_or_else(|| refuse("an OrderedDict's state must be a dict"))?;
                    self.charge(state.len() as u64)?;
                    merged.extend_from_slice(state);
                }
                let attributes = self.unique(merged)?;
                Value::OrderedDict(Arc::new(OrderedDict { items, attributes }))
            }
            Node::Global(global) => Value::Global(global.name()),
            Node::Storage(part) => {
                if part.start != 0 {
                    return Err(Error::not_implemented("a part of a storage, saved by itself"));
                }
                Value::Storage(part.id, part.dtype)
            }
            Node::Tensor { record, attributes } => {
                let mut record = (**record).clone();
                if let Some(state) = attributes {
                    record.attributes = Some(self.child(*state, depth, &mut extent)?);
                }
                Value::Tensor(Arc::new(record))
            }
            Node::Object { class, args, state, by_new, items, pairs } => {
                let args = self.all(args, depth, &mut extent)?;
                let items = self.all(items, depth, &mut extent)?;
                let pairs = self.pairs(pairs, depth, &mut extent)?;
                let state = match state {
                    Some(state) => Some(self.child(*state, depth, &mut extent)?),
                    None => None,
                };
                Value::Object(Arc::new(Object { class: class.clone(), args, state, by_new: *by_new, items, pairs }))
            }
        };
        Ok(Done { value, size: extent.size, height: extent.height + 1 })
    }

    fn child(&mut self, id: Id, depth: usize, extent: &mut Extent) -> Result<Value> {
        let done = self.visit(id, depth)?;
        extent.size = extent.size.saturating_add(done.size);
        extent.height = extent.height.max(done.height);
        Ok(done.value)
    }

    fn all(&mut self, ids: &[Id], depth: usize, extent: &mut Extent) -> Result<Vec<Value>> {
        ids.iter().map(|&id| self.child(id, depth, extent)).collect()
    }

    fn pairs(&mut self, ids: &[(Id, Id)], depth: usize, extent: &mut Extent) -> Result<Vec<(Value, Value)>> {
        let mut out = Vec::with_capacity(ids.len());
        for &(key, value) in ids {
            out.push((self.child(key, depth, extent)?, self.child(value, depth, extent)?));
        }
        self.unique(out)
    }

    /// Python's rule for a key that comes again: the first key and place stay, the last value wins.
    fn unique(&mut self, pairs: Vec<(Value, Value)>) -> Result<Vec<(Value, Value)>> {
        let mut places: HashMap<Key, usize> = HashMap::with_capacity(pairs.len());
        let mut out: Vec<(Value, Value)> = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let hashed = self.key(&key)?;
            match places.get(&hashed) {
                Some(&place) => out[place].1 = value,
                None => {
                    places.insert(hashed, out.len());
                    out.push((key, value));
                }
            }
        }
        Ok(out)
    }

    fn key(&mut self, value: &Value) -> Result<Key> {
        self.charge(1)?;
        let unhashable = |name: &str| Err(Error::type_(format!("unhashable type: '{name}'")));
        Ok(match value {
            Value::None => Key::Named("None".into()),
            Value::Bool(b) => Key::Int(*b as i64),
            Value::Int(i) => Key::Int(*i),
            Value::Float(x) if x.fract() == 0.0 && x.abs() < i64::MAX as f64 => Key::Int(*x as i64),
            Value::Float(x) => Key::Float(x.to_bits()),
            Value::Complex(re, im) => Key::Complex(re.to_bits(), im.to_bits()),
            Value::BigInt(bytes) | Value::Bytes(bytes) => {
                self.charge(bytes.len() as u64 / 64)?;
                Key::Bytes(matches!(value, Value::BigInt(_)), bytes.clone())
            }
            Value::Str(text) => {
                self.charge(text.len() as u64 / 64)?;
                Key::Str(text.clone())
            }
            Value::Tuple(items) => Key::Tuple(items.iter().map(|v| self.key(v)).collect::<Result<_>>()?),
            Value::Size(sizes) => {
                self.charge(sizes.len() as u64)?;
                Key::Tuple(sizes.iter().map(|&n| Key::Int(n)).collect())
            }
            Value::Dtype(dtype) => Key::Named(dtype.to_string().into()),
            Value::Device(name) => Key::Named(format!("device {name}").into()),
            Value::Global(name) => Key::Named(format!("global {name}").into()),
            Value::Storage(id, _) => Key::Identity(*id),
            Value::Tensor(_) | Value::Object(_) => Key::Identity(value.identity().unwrap_or(0)),
            Value::List(_) => return unhashable("list"),
            Value::Set(_) => return unhashable("set"),
            Value::Dict(_) => return unhashable("dict"),
            Value::OrderedDict(_) => return unhashable("collections.OrderedDict"),
            Value::ByteArray(_) => return unhashable("bytearray"),
        })
    }

    fn charge(&mut self, work: u64) -> Result<()> {
        self.work += work;
        if self.work > MAX_WALK { Err(refuse("the keys of the dictionaries are too large")) } else { Ok(()) }
    }
}

/// A value by which a dictionary finds its place: `1`, `1.0` and `True` are the same key.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Int(i64),
    Float(u64),
    Complex(u64, u64),
    Str(Arc<str>),
    Bytes(bool, Arc<[u8]>),
    Tuple(Vec<Key>),
    Named(Arc<str>),
    Identity(usize),
}

fn too_deep() -> Error {
    refuse(&format!("containers are nested more than {} deep", Value::MAX_DEPTH))
}
