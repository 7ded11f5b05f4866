//! Writing protocol 2, opcode for opcode as Python's pickler writes what `torch.save` hands it.

use std::collections::HashMap;
use std::mem::discriminant;

use flambeau_types::{DType, Error, Result};

use super::opcode::*;
use crate::{Object, OrderedDict, StorageId, TensorRecord, Value};

/// Writes a value. `nbytes` gives a storage's length. The result's second part lists the storages met, in the order of their
/// keys `"0"`, `"1"`, ...
pub fn dump(root: &Value, nbytes: &dyn Fn(StorageId) -> Option<u64>) -> Result<(Vec<u8>, Vec<StorageId>)> {
    let (pickle, order) = dump_with(root, nbytes, Keys::Zip)?;
    Ok((pickle, order.into_iter().map(|(id, _)| id).collect()))
}

/// Which file the persistent ids of storages are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// A zip archive.
    Zip,
    /// The format from before PyTorch 1.6, whose ids have a sixth part for the view of a storage.
    Legacy,
}

/// A pickle, and the storages met with the types that they are saved as.
pub type Dumped = (Vec<u8>, Vec<(StorageId, DType)>);

/// As [`dump`], for either format.
pub fn dump_with(root: &Value, nbytes: &dyn Fn(StorageId) -> Option<u64>, keys: Keys) -> Result<Dumped> {
    let mut pickler = Pickler {
        keys,
        out: vec![PROTO, 2],
        memo: HashMap::new(),
        count: 0,
        storages: HashMap::new(),
        order: Vec::new(),
        nbytes,
    };
    pickler.value(root, 0)?;
    pickler.out.push(STOP);
    Ok((pickler.out, pickler.order))
}

#[derive(PartialEq, Eq, Hash)]
enum Memo<'a> {
    Text(&'a str),
    Global(&'static str, String),
    Shared(std::mem::Discriminant<Value>, usize),
}

struct Pickler<'a> {
    out: Vec<u8>,
    memo: HashMap<Memo<'a>, u32>,
    count: u32,
    storages: HashMap<StorageId, (String, DType)>,
    order: Vec<(StorageId, DType)>,
    keys: Keys,
    nbytes: &'a dyn Fn(StorageId) -> Option<u64>,
}

/// Python writes the items of a container in batches of so many.
const BATCH: usize = 1000;

impl<'a> Pickler<'a> {
    fn value(&mut self, value: &'a Value, depth: usize) -> Result<()> {
        if depth > Value::MAX_DEPTH {
            return Err(Error::value(format!("containers nested more than {} deep cannot be saved", Value::MAX_DEPTH)));
        }
        let shared = value.identity().map(|address| (discriminant(value), address));
        if let Some((kind, address)) = shared
            && let Some(&i) = self.memo.get(&Memo::Shared(kind, address))
        {
            self.get(i);
            return Ok(());
        }
        let memo = |p: &mut Self| {
            let i = p.put();
            if let Some((kind, address)) = shared {
                p.memo.insert(Memo::Shared(kind, address), i);
            }
        };
        match value {
            Value::None => self.out.push(NONE),
            Value::Bool(b) => self.out.push(if *b { NEWTRUE } else { NEWFALSE }),
            Value::Int(i) => self.int(*i),
            Value::BigInt(bytes) => self.long(bytes),
            Value::Float(x) => self.float(*x),
            Value::Str(text) => self.text(text)?,
            Value::Complex(re, im) => {
                self.global("__builtin__", "complex");
                self.float(*re);
                self.float(*im);
                self.call(TUPLE2);
                self.put();
            }
            Value::Bytes(bytes) => {
                self.global("_codecs", "encode");
                self.latin1(bytes)?;
                self.text("latin1")?;
                self.call(TUPLE2);
                self.put();
            }
            Value::ByteArray(bytes) => {
                self.global("__builtin__", "bytearray");
                if bytes.is_empty() {
                    self.out.extend_from_slice(&[EMPTY_TUPLE, REDUCE]);
                } else {
                    self.global("_codecs", "encode");
                    self.latin1(bytes)?;
                    self.text("latin1")?;
                    self.call(TUPLE2);
                    self.put();
                    self.call(TUPLE1);
                }
                memo(self);
            }
            Value::Tuple(items) if items.is_empty() => self.out.push(EMPTY_TUPLE),
            Value::Tuple(items) => {
                self.tuple(items, depth)?;
                memo(self);
            }
            Value::List(items) => {
                self.out.push(EMPTY_LIST);
                memo(self);
                self.list_items(items, depth)?;
            }
            Value::Set(items) => {
                self.global("__builtin__", "set");
                self.out.push(EMPTY_LIST);
                self.put();
                self.list_items(items, depth)?;
                self.call(TUPLE1);
                memo(self);
            }
            Value::Dict(items) => {
                self.out.push(EMPTY_DICT);
                memo(self);
                self.dict_items(items, depth, false)?;
            }
            Value::OrderedDict(dict) => {
                self.ordered_dict_head();
                memo(self);
                self.ordered_dict_body(dict, depth)?;
            }
            Value::Size(sizes) => {
                self.global("torch", "Size");
                self.ints(sizes);
                self.call(TUPLE1);
                self.put();
            }
            Value::Dtype(dtype) => self.global("torch", dtype.name()),
            Value::Device(name) => {
                self.global("torch", "device");
                match name.split_once(':') {
                    Some((kind, index)) => {
                        let index =
                            index.parse().map_err(|_| Error::runtime(format!("Invalid device string: '{name}'")))?;
                        self.text(kind)?;
                        self.int(index);
                        self.call(TUPLE2);
                    }
                    None => {
                        self.text(name)?;
                        self.call(TUPLE1);
                    }
                }
                self.put();
            }
            Value::Tensor(record) => {
                self.tensor(record, depth)?;
                memo(self);
            }
            Value::Storage(id, dtype) => self.storage(*id, (*dtype != DType::U8).then_some(*dtype))?,
            Value::Global(name) => self.named(name)?,
            Value::Object(object) => self.object(object, depth, &memo)?,
        }
        Ok(())
    }

    // Memo.

    fn put(&mut self) -> u32 {
        let i = self.count;
        self.count += 1;
        match u8::try_from(i) {
            Ok(small) => self.out.extend_from_slice(&[BINPUT, small]),
            Err(_) => {
                self.out.push(LONG_BINPUT);
                self.out.extend_from_slice(&i.to_le_bytes());
            }
        }
        i
    }

    fn get(&mut self, i: u32) {
        match u8::try_from(i) {
            Ok(small) => self.out.extend_from_slice(&[BINGET, small]),
            Err(_) => {
                self.out.push(LONG_BINGET);
                self.out.extend_from_slice(&i.to_le_bytes());
            }
        }
    }

    // Plain values.

    fn int(&mut self, i: i64) {
        match i {
            0..=0xFF => self.out.extend_from_slice(&[BININT1, i as u8]),
            0x100..=0xFFFF => {
                self.out.push(BININT2);
                self.out.extend_from_slice(&(i as u16).to_le_bytes());
            }
            _ if i as i32 as i64 == i => {
                self.out.push(BININT);
                self.out.extend_from_slice(&(i as i32).to_le_bytes());
            }
            _ => self.long(&i.to_le_bytes()),
        }
    }

    fn long(&mut self, bytes: &[u8]) {
        let mut n = bytes.len();
        // The fewest bytes whose top bit still is the sign.
        while n > 1 && ((bytes[n - 1] == 0 && bytes[n - 2] < 0x80) || (bytes[n - 1] == 0xFF && bytes[n - 2] >= 0x80)) {
            n -= 1;
        }
        match u8::try_from(n) {
            Ok(small) => self.out.extend_from_slice(&[LONG1, small]),
            Err(_) => {
                self.out.push(LONG4);
                self.out.extend_from_slice(&(n as u32).to_le_bytes());
            }
        }
        self.out.extend_from_slice(&bytes[..n]);
    }

    fn float(&mut self, x: f64) {
        self.out.push(BINFLOAT);
        self.out.extend_from_slice(&x.to_be_bytes());
    }

    /// Text is memoized by content. Python goes by identity, but the strings that repeat are those that it shares as well.
    fn text(&mut self, text: &'a str) -> Result<()> {
        if let Some(&i) = self.memo.get(&Memo::Text(text)) {
            self.get(i);
            return Ok(());
        }
        let i = self.fresh_text(text)?;
        self.memo.insert(Memo::Text(text), i);
        Ok(())
    }

    fn fresh_text(&mut self, text: &str) -> Result<u32> {
        let len = u32::try_from(text.len()).map_err(|_| Error::value("text over 4 GiB cannot be saved"))?;
        self.out.push(BINUNICODE);
        self.out.extend_from_slice(&len.to_le_bytes());
        self.out.extend_from_slice(text.as_bytes());
        Ok(self.put())
    }

    fn latin1(&mut self, bytes: &[u8]) -> Result<()> {
        let text: String = bytes.iter().map(|&b| b as char).collect();
        self.fresh_text(&text)?;
        Ok(())
    }

    fn ints(&mut self, ints: &[i64]) {
        if ints.is_empty() {
            self.out.push(EMPTY_TUPLE);
            return;
        }
        if ints.len() > 3 {
            self.out.push(MARK);
        }
        for &i in ints {
            self.int(i);
        }
        self.out.push(tuple_opcode(ints.len()));
        self.put();
    }

    // Calls.

    fn global(&mut self, module: &'static str, name: &str) {
        let key = Memo::Global(module, name.to_string());
        if let Some(&i) = self.memo.get(&key) {
            self.get(i);
            return;
        }
        self.out.push(GLOBAL);
        self.out.extend_from_slice(format!("{module}\n{name}\n").as_bytes());
        let i = self.put();
        self.memo.insert(key, i);
    }

    /// Closes the arguments into a tuple and calls. The result is not yet memoized.
    fn call(&mut self, tuple: u8) {
        self.out.push(tuple);
        self.put();
        self.out.push(REDUCE);
    }

    fn named(&mut self, full: &str) -> Result<()> {
        let (module, name) = match full.rsplit_once('.') {
            Some(("builtins", name)) => ("__builtin__", name),
            Some(pair) => pair,
            None => return Err(Error::value(format!("'{full}' is not the full name of a class"))),
        };
        if full.contains('\n') {
            return Err(Error::value("a class's name cannot hold a line break"));
        }
        let key = Memo::Global("", full.to_string());
        if let Some(&i) = self.memo.get(&key) {
            self.get(i);
            return Ok(());
        }
        self.out.push(GLOBAL);
        self.out.extend_from_slice(format!("{module}\n{name}\n").as_bytes());
        let i = self.put();
        self.memo.insert(key, i);
        Ok(())
    }

    fn object(&mut self, object: &'a Object, depth: usize, memo: &dyn Fn(&mut Self)) -> Result<()> {
        match &*object.class {
            "torch.layout" => self.global("torch.serialization", "_get_layout"),
            class => self.named(class)?,
        }
        if object.args.is_empty() {
            self.out.push(EMPTY_TUPLE);
        } else {
            self.tuple(&object.args, depth)?;
            self.put();
        }
        self.out.push(if object.by_new { NEWOBJ } else { REDUCE });
        memo(self);
        self.list_items(&object.items, depth)?;
        self.dict_items(&object.pairs, depth, true)?;
        if let Some(state) = &object.state {
            self.value(state, depth + 1)?;
            self.out.push(BUILD);
        }
        Ok(())
    }

    // Containers.

    fn tuple(&mut self, items: &'a [Value], depth: usize) -> Result<()> {
        if items.len() > 3 {
            self.out.push(MARK);
        }
        for item in items {
            self.value(item, depth + 1)?;
        }
        self.out.push(tuple_opcode(items.len()));
        Ok(())
    }

    fn list_items(&mut self, items: &'a [Value], depth: usize) -> Result<()> {
        if let [item] = items {
            self.value(item, depth + 1)?;
            self.out.push(APPEND);
            return Ok(());
        }
        for batch in items.chunks(BATCH) {
            self.out.push(MARK);
            for item in batch {
                self.value(item, depth + 1)?;
            }
            self.out.push(APPENDS);
        }
        Ok(())
    }

    /// A dictionary's items. Python writes a batch of one differently when it walks an iterator, as for an OrderedDict.
    fn dict_items(&mut self, items: &'a [(Value, Value)], depth: usize, iterator: bool) -> Result<()> {
        for batch in items.chunks(BATCH) {
            let single = batch.len() == 1 && (iterator || items.len() == 1);
            if !single {
                self.out.push(MARK);
            }
            for (key, value) in batch {
                self.value(key, depth + 1)?;
                self.value(value, depth + 1)?;
            }
            self.out.push(if single { SETITEM } else { SETITEMS });
        }
        Ok(())
    }

    fn ordered_dict_head(&mut self) {
        self.global("collections", "OrderedDict");
        self.out.extend_from_slice(&[EMPTY_TUPLE, REDUCE]);
    }

    fn ordered_dict_body(&mut self, dict: &'a OrderedDict, depth: usize) -> Result<()> {
        self.dict_items(&dict.items, depth, true)?;
        if !dict.attributes.is_empty() {
            self.out.push(EMPTY_DICT);
            self.put();
            self.dict_items(&dict.attributes, depth, false)?;
            self.out.push(BUILD);
        }
        Ok(())
    }

    // Tensors.

    fn tensor(&mut self, record: &'a TensorRecord, depth: usize) -> Result<()> {
        let nbytes = (self.nbytes)(record.storage).ok_or_else(|| no_storage(record.storage))?;
        record.check(nbytes)?;
        if record.is_parameter {
            match &record.attributes {
                Some(_) => {
                    self.global("torch._utils", "_rebuild_parameter_with_state");
                    self.out.push(MARK);
                }
                None => self.global("torch._utils", "_rebuild_parameter"),
            }
            self.plain_tensor(record, false)?;
            self.out.push(REDUCE);
            self.put();
            self.out.push(if record.requires_grad { NEWTRUE } else { NEWFALSE });
            self.hooks();
            match &record.attributes {
                Some(state) => {
                    self.value(state, depth + 1)?;
                    self.call(TUPLE);
                }
                None => self.call(TUPLE3),
            }
        } else if record.attributes.is_some() || record.class.is_some() {
            self.global("torch._tensor", "_rebuild_from_type_v2");
            self.out.push(MARK);
            self.global("torch._utils", "_rebuild_tensor_v2");
            match &record.class {
                Some(class) => self.named(class)?,
                None => self.global("torch", "Tensor"),
            }
            self.tensor_arguments(record, record.requires_grad)?;
            match &record.attributes {
                Some(state) => self.value(state, depth + 1)?,
                None => self.out.push(NONE),
            }
            self.call(TUPLE);
        } else {
            self.plain_tensor(record, record.requires_grad)?;
            self.out.push(REDUCE);
        }
        Ok(())
    }

    fn plain_tensor(&mut self, record: &TensorRecord, requires_grad: bool) -> Result<()> {
        self.global("torch._utils", "_rebuild_tensor_v2");
        self.tensor_arguments(record, requires_grad)
    }

    fn tensor_arguments(&mut self, record: &TensorRecord, requires_grad: bool) -> Result<()> {
        self.out.push(MARK);
        self.storage(record.storage, Some(record.dtype))?;
        self.int(record.offset);
        self.ints(&record.sizes);
        self.ints(&record.strides);
        self.out.push(if requires_grad { NEWTRUE } else { NEWFALSE });
        self.hooks();
        if record.conj || record.neg {
            self.out.push(EMPTY_DICT);
            self.put();
            let both = record.conj && record.neg;
            if both {
                self.out.push(MARK);
            }
            for (set, name) in [(record.conj, "conj"), (record.neg, "neg")] {
                if set {
                    self.text(name)?;
                    self.out.push(NEWTRUE);
                }
            }
            self.out.push(if both { SETITEMS } else { SETITEM });
        }
        self.out.push(TUPLE);
        self.put();
        Ok(())
    }

    /// The empty dictionary of backward hooks.
    fn hooks(&mut self) {
        self.ordered_dict_head();
        self.put();
    }

    /// A persistent id; without a dtype the storage is saved by itself, untyped.
    fn storage(&mut self, id: StorageId, dtype: Option<DType>) -> Result<()> {
        let nbytes = (self.nbytes)(id).ok_or_else(|| no_storage(id))?;
        let saved_as = dtype.unwrap_or(DType::U8);
        let key = match self.storages.get(&id) {
            Some((key, first)) => {
                if *first != saved_as && nbytes > 0 {
                    return Err(Error::runtime(
                        "Cannot save multiple tensors or storages that view the same data as different types",
                    ));
                }
                key.clone()
            }
            None => {
                let key = self.order.len().to_string();
                self.order.push((id, saved_as));
                self.storages.insert(id, (key.clone(), saved_as));
                key
            }
        };
        self.out.push(MARK);
        self.text("storage")?;
        match dtype {
            Some(dtype) => self.global("torch", &format!("{}Storage", dtype.title())),
            None => self.global("torch.storage", "UntypedStorage"),
        }
        let known = self.memo.get(&Memo::Global("key", key.clone())).copied();
        match known {
            Some(i) => self.get(i),
            None => {
                let i = self.fresh_text(&key)?;
                self.memo.insert(Memo::Global("key", key), i);
            }
        }
        self.text("cpu")?;
        self.int((nbytes / saved_as.size() as u64) as i64);
        if self.keys == Keys::Legacy {
            self.out.push(NONE);
        }
        self.out.push(TUPLE);
        self.put();
        self.out.push(BINPERSID);
        Ok(())
    }
}

fn tuple_opcode(len: usize) -> u8 {
    match len {
        0 => EMPTY_TUPLE,
        1 => TUPLE1,
        2 => TUPLE2,
        3 => TUPLE3,
        _ => TUPLE,
    }
}

fn no_storage(id: StorageId) -> Error {
    Error::value(format!("a tensor lies in storage {id}, which was not given"))
}
