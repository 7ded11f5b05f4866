//! The stack machine.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use flambeau_types::{DType, Error, Result};

use super::globals::{self, Global};
use super::opcode::*;
use super::{Allowed, Encoding, Storages, refuse};
use crate::{StorageId, Value};

/// More values than a checkpoint has: each takes some hundred bytes of memory, and as little as one in the file.
const MAX_NODES: usize = 1 << 26;

/// A place in the list of nodes.
pub(super) type Id = u32;

/// A value under construction. Containers refer to others by number, so that a container that is filled after it was
/// memoized is seen by all who refer to it, and nothing here needs recursion.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Plain(Value),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Set(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    OrderedDict { items: Vec<(Id, Id)>, attributes: Vec<Id> },
    Global(Global),
    Storage(Part),
    Tensor { record: Box<crate::TensorRecord>, attributes: Option<Id> },
    Object { class: Arc<str>, args: Vec<Id>, state: Option<Id>, by_new: bool, items: Vec<Id>, pairs: Vec<(Id, Id)> },
}

impl Node {
    /// An instance of which nothing but its arguments is known yet.
    pub(super) fn object(class: Arc<str>, args: Vec<Id>, by_new: bool) -> Node {
        Node::Object { class, args, state: None, by_new, items: Vec::new(), pairs: Vec::new() }
    }
}

/// A storage, or the part of one that a pre-2018 view of a storage covers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub id: StorageId,
    pub dtype: DType,
    pub start: u64,
    pub nbytes: u64,
}

pub(super) struct Unpickler<'a> {
    bytes: &'a [u8],
    at: usize,
    pub(super) nodes: Vec<Node>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    pub(super) storages: &'a mut dyn Storages,
    allowed: &'a Allowed,
    /// How much more may be copied out of memoized values; see [`Unpickler::charge`].
    pub(super) budget: Cell<u64>,
}

// These are everywhere in a pickle, and never change.
const NONE_ID: Id = 0;
const TRUE_ID: Id = 1;
const FALSE_ID: Id = 2;
const UNIT_ID: Id = 3;

impl<'a> Unpickler<'a> {
    pub(super) fn new(bytes: &'a [u8], storages: &'a mut dyn Storages, allowed: &'a Allowed) -> Unpickler<'a> {
        // Each byte of an ordinary pickle is copied a few times at most.
        let budget = Cell::new(bytes.len() as u64 * 16 + 4096);
        let nodes = vec![
            Node::Plain(Value::None),
            Node::Plain(Value::Bool(true)),
            Node::Plain(Value::Bool(false)),
            Node::Tuple(Vec::new()),
        ];
        Unpickler {
            bytes,
            at: 0,
            nodes,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            storages,
            allowed,
            budget,
        }
    }

    /// Runs to the end of the pickle.
    pub(super) fn run(mut self) -> Result<(Value, usize)> {
        loop {
            match self.take(1)?[0] {
                STOP => {
                    let root = self.pop()?;
                    let value = super::resolve::resolve(&self.nodes, root)?;
                    return Ok((value, self.at));
                }
                op => self.step(op)?,
            }
        }
    }

    fn step(&mut self, op: u8) -> Result<()> {
        match op {
            PROTO => {
                let protocol = self.take(1)?[0];
                if protocol > 5 {
                    return Err(refuse(&format!("unsupported pickle protocol: {protocol}")));
                }
            }
            FRAME => {
                self.take(8)?;
            }
            MARK => self.marks.push(self.stack.len()),
            POP => {
                // As in Python: at a mark, the mark goes.
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    self.pop()?;
                }
            }
            POP_MARK => {
                self.pop_mark()?;
            }
            DUP => {
                let top = self.top()?;
                self.stack.push(top);
            }
            NONE => self.stack.push(NONE_ID),
            NEWTRUE => self.stack.push(TRUE_ID),
            NEWFALSE => self.stack.push(FALSE_ID),
            EMPTY_TUPLE => self.stack.push(UNIT_ID),
            BININT => {
                let i = i32::from_le_bytes(self.array()?);
                self.value(Value::Int(i as i64))?;
            }
            BININT1 => {
                let i = self.take(1)?[0];
                self.value(Value::Int(i as i64))?;
            }
            BININT2 => {
                let i = u16::from_le_bytes(self.array()?);
                self.value(Value::Int(i as i64))?;
            }
            LONG1 => {
                let n = self.take(1)?[0] as usize;
                self.long(n)?;
            }
            LONG4 => {
                let n = self.length4()?;
                self.long(n)?;
            }
            BINFLOAT => {
                let x = f64::from_be_bytes(self.array()?);
                self.value(Value::Float(x))?;
            }
            BINUNICODE => {
                let n = self.length4()?;
                self.text(n)?;
            }
            BINSTRING => {
                let n = self.length4()?;
                self.old_text(n)?;
            }
            SHORT_BINSTRING => {
                let n = self.take(1)?[0] as usize;
                self.old_text(n)?;
            }
            SHORT_BINUNICODE => {
                let n = self.take(1)?[0] as usize;
                self.text(n)?;
            }
            BINUNICODE8 => {
                let n = self.length8()?;
                self.text(n)?;
            }
            SHORT_BINBYTES => {
                let n = self.take(1)?[0] as usize;
                let bytes = self.take(n)?.into();
                self.value(Value::Bytes(bytes))?;
            }
            BINBYTES => {
                let n = self.length4()?;
                let bytes = self.take(n)?.into();
                self.value(Value::Bytes(bytes))?;
            }
            BINBYTES8 => {
                let n = self.length8()?;
                let bytes = self.take(n)?.into();
                self.value(Value::Bytes(bytes))?;
            }
            BYTEARRAY8 => {
                let n = self.length8()?;
                let bytes = self.take(n)?.into();
                self.value(Value::ByteArray(bytes))?;
            }
            EMPTY_LIST => self.push(Node::List(Vec::new()))?,
            EMPTY_DICT => self.push(Node::Dict(Vec::new()))?,
            EMPTY_SET => self.push(Node::Set(Vec::new()))?,
            LIST => {
                let items = self.pop_mark()?;
                self.push(Node::List(items))?;
            }
            DICT => {
                let items = self.pop_pairs()?;
                self.push(Node::Dict(items))?;
            }
            TUPLE => {
                let items = self.pop_mark()?;
                self.push(Node::Tuple(items))?;
            }
            TUPLE1 | TUPLE2 | TUPLE3 => {
                let n = (op - TUPLE1) as usize + 1;
                let mut items = vec![0; n];
                for slot in items.iter_mut().rev() {
                    *slot = self.pop()?;
                }
                self.push(Node::Tuple(items))?;
            }
            APPEND => {
                let item = self.pop()?;
                self.extend(vec![item])?;
            }
            APPENDS => {
                let items = self.pop_mark()?;
                self.extend(items)?;
            }
            ADDITEMS => {
                let items = self.pop_mark()?;
                let target = self.top()?;
                match &mut self.nodes[target as usize] {
                    Node::Set(set) => set.extend(items),
                    other => return Err(refuse(&format!("Can only add items to sets, but got {}", type_name(other)))),
                }
            }
            SETITEM => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set_items(vec![(key, value)], "SETITEM")?;
            }
            SETITEMS => {
                let items = self.pop_pairs()?;
                self.set_items(items, "SETITEMS")?;
            }
            BINGET => {
                let i = self.take(1)?[0] as u32;
                self.get(i)?;
            }
            LONG_BINGET => {
                let i = u32::from_le_bytes(self.array()?);
                self.get(i)?;
            }
            BINPUT => {
                let i = self.take(1)?[0] as u32;
                let top = self.top()?;
                self.memo.insert(i, top);
            }
            LONG_BINPUT => {
                let i = u32::from_le_bytes(self.array()?);
                let top = self.top()?;
                self.memo.insert(i, top);
            }
            MEMOIZE => {
                let top = self.top()?;
                self.memo.insert(self.memo.len() as u32, top);
            }
            GLOBAL => {
                let module = self.line()?;
                let name = self.line()?;
                self.global(module, name)?;
            }
            STACK_GLOBAL => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (self.text_of(module), self.text_of(name)) {
                    (Some(module), Some(name)) => self.global(&module, &name)?,
                    _ => return Err(refuse("STACK_GLOBAL requires str")),
                }
            }
            BINPERSID => {
                let pid = self.pop()?;
                match self.persistent_class(pid) {
                    Some(class) => self.stack.push(class),
                    None => {
                        let part = self.persistent(pid)?;
                        self.push(Node::Storage(part))?;
                    }
                }
            }
            REDUCE => {
                let args = self.pop()?;
                let function = self.pop()?;
                let node = self.reduce(function, args)?;
                self.push(node)?;
            }
            NEWOBJ => {
                let args = self.pop()?;
                let class = self.pop()?;
                let node = self.new_object(class, args)?;
                self.push(node)?;
            }
            BUILD => {
                let state = self.pop()?;
                let target = self.top()?;
                self.build(target, state)?;
            }
            other => return Err(refuse(&format!("Unsupported operand {other}"))),
        }
        Ok(())
    }

    // The input.

    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(n).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| Error::runtime("the pickle is truncated: it ends before it says STOP"))?;
        let out = &self.bytes[self.at..end];
        self.at = end;
        Ok(out)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    fn length4(&mut self) -> Result<usize> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn length8(&mut self) -> Result<usize> {
        let n = u64::from_le_bytes(self.array()?);
        usize::try_from(n).map_err(|_| refuse("String is too long"))
    }

    fn line(&mut self) -> Result<&'a str> {
        let rest = &self.bytes[self.at..];
        let n = rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
        let line = self.take(n)?;
        self.take(1)?;
        std::str::from_utf8(line).map_err(|_| refuse("a global's name is not UTF-8"))
    }

    fn text(&mut self, n: usize) -> Result<()> {
        let bytes = self.take(n)?;
        let text =
            std::str::from_utf8(bytes).map_err(|e| Error::value(format!("text in the pickle is not UTF-8: {e}")))?;
        self.value(Value::Str(text.into()))
    }

    /// Text of Python 2, which was bytes: PyTorch reads it as UTF-8 unless it is told otherwise.
    fn old_text(&mut self, n: usize) -> Result<()> {
        match self.allowed.encoding {
            Encoding::Utf8 => self.text(n),
            Encoding::Latin1 => {
                let text: String = self.take(n)?.iter().map(|&b| b as char).collect();
                self.value(Value::Str(text.into()))
            }
            Encoding::Bytes => {
                let bytes = self.take(n)?.into();
                self.value(Value::Bytes(bytes))
            }
        }
    }

    fn long(&mut self, n: usize) -> Result<()> {
        let bytes = self.take(n)?;
        let value = integer(bytes);
        self.value(value)
    }

    // The stack.

    fn push(&mut self, node: Node) -> Result<()> {
        let room = self.nodes.len() < MAX_NODES && self.nodes.try_reserve(1).is_ok();
        let Some(id) = Id::try_from(self.nodes.len()).ok().filter(|_| room) else {
            return Err(refuse("the pickle holds too many values"));
        };
        self.nodes.push(node);
        self.stack.push(id);
        Ok(())
    }

    fn value(&mut self, value: Value) -> Result<()> {
        self.push(Node::Plain(value))
    }

    fn top(&self) -> Result<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.last() {
            Some(&id) if self.stack.len() > floor => Ok(id),
            _ => Err(refuse("unpickling stack underflow")),
        }
    }

    fn pop(&mut self) -> Result<Id> {
        let id = self.top()?;
        self.stack.pop();
        Ok(id)
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.marks.pop().ok_or_else(|| refuse("could not find MARK"))?;
        Ok(self.stack.split_off(mark))
    }

    fn pop_pairs(&mut self) -> Result<Vec<(Id, Id)>> {
        let items = self.pop_mark()?;
        if items.len() % 2 != 0 {
            return Err(refuse("odd number of items for SETITEMS"));
        }
        Ok(items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
    }

    fn get(&mut self, i: u32) -> Result<()> {
        let id = *self.memo.get(&i).ok_or_else(|| refuse(&format!("Memo value not found at index {i}")))?;
        self.stack.push(id);
        Ok(())
    }

    fn extend(&mut self, items: Vec<Id>) -> Result<()> {
        let target = self.top()?;
        match &mut self.nodes[target as usize] {
            Node::List(list) => list.extend(items),
            Node::Object { class, items: list, .. } if self.allowed.contains(class) => list.extend(items),
            other => return Err(refuse(&format!("Can only append to lists, but got {}", type_name(other)))),
        }
        Ok(())
    }

    fn set_items(&mut self, new: Vec<(Id, Id)>, opcode: &str) -> Result<()> {
        let target = self.top()?;
        match &mut self.nodes[target as usize] {
            Node::Dict(items) | Node::OrderedDict { items, .. } => items.extend(new),
            Node::Object { class, pairs, .. } if &**class == "collections.Counter" || self.allowed.contains(class) => {
                pairs.extend(new);
            }
            other => {
                return Err(refuse(&format!(
                    "Can only {opcode} for dict, collections.OrderedDict, collections.Counter, but got {}",
                    type_name(other)
                )));
            }
        }
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) -> Result<()> {
        match globals::find(module, name, self.allowed)? {
            Global::Dtype(dtype) => self.value(Value::Dtype(dtype)),
            global => self.push(Node::Global(global)),
        }
    }
}

/// An integer from its two's complement bytes, the lowest first.
pub(super) fn integer(bytes: &[u8]) -> Value {
    let negative = bytes.last().is_some_and(|&b| b >= 0x80);
    let fill = if negative { 0xFF } else { 0 };
    // Bytes that only repeat the sign say nothing.
    let mut n = bytes.len();
    while n > 8 && bytes[n - 1] == fill && (bytes[n - 2] >= 0x80) == negative {
        n -= 1;
    }
    if n > 8 {
        return Value::BigInt(bytes[..n].into());
    }
    let mut wide = [fill; 8];
    wide[..n].copy_from_slice(&bytes[..n]);
    Value::Int(i64::from_le_bytes(wide))
}

/// A node's Python type, as `str(type(x))` prints it.
pub(super) fn type_name(node: &Node) -> String {
    let name = match node {
        Node::Plain(value) => match value {
            Value::None => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::BigInt(_) => "int",
            Value::Float(_) => "float",
            Value::Complex(..) => "complex",
            Value::Str(_) => "str",
            Value::Bytes(_) => "bytes",
            Value::ByteArray(_) => "bytearray",
            Value::Size(_) => "torch.Size",
            Value::Dtype(_) => "torch.dtype",
            Value::Device(_) => "torch.device",
            _ => "object",
        },
        Node::List(_) => "list",
        Node::Tuple(_) => "tuple",
        Node::Set(_) => "set",
        Node::Dict(_) => "dict",
        Node::OrderedDict { .. } => "collections.OrderedDict",
        Node::Global(_) => "type",
        Node::Storage(_) => "torch.storage.TypedStorage",
        Node::Tensor { record, .. } if record.is_parameter => "torch.nn.parameter.Parameter",
        Node::Tensor { .. } => "torch.Tensor",
        Node::Object { class, .. } => class,
    };
    format!("<class '{name}'>")
}
