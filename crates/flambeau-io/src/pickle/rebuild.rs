//! What the listed functions mean: each call becomes a node, and none runs.

use flambeau_types::{DType, Error, Result};

use super::globals::{Global, META};
use super::unpickler::{Id, Node, Part, Unpickler, type_name};
use super::{StorageRequest, refuse};
use crate::{TensorRecord, Value};

impl Unpickler<'_> {
    /// `function(*args)`.
    pub(super) fn reduce(&mut self, function: Id, args: Id) -> Result<Node> {
        let global = match self.node(function) {
            Node::Global(global) => global.clone(),
            other => {
                return Err(refuse(&format!("Trying to call reduce for unrecognized function {}", type_name(other))));
            }
        };
        let args = self.tuple(args)?.to_vec();
        self.call(&global, &args)
    }

    fn call(&mut self, global: &Global, args: &[Id]) -> Result<Node> {
        match (global, args) {
            (Global::OrderedDict, []) => Ok(Node::OrderedDict { items: Vec::new(), attributes: Vec::new() }),
            // Python 2 gives the items as a list of pairs.
            (Global::OrderedDict, &[list]) => {
                let items = self.items(list)?;
                Ok(Node::OrderedDict { items, attributes: Vec::new() })
            }
            (Global::Counter, args) => Ok(Node::object("collections.Counter".into(), args.to_vec(), false)),
            // A tensor of the meta device has no storage: dtype, sizes, strides, whether gradients are recorded.
            (Global::RebuildMeta, args) => Ok(Node::object(META.into(), args.to_vec(), false)),
            (Global::Layout, args) => Ok(Node::object("torch.layout".into(), args.to_vec(), false)),
            (Global::Allowed(class), args) => Ok(Node::object(class.clone(), args.to_vec(), false)),
            (Global::Size, &[sizes]) => Ok(Node::Plain(Value::Size(self.ints(sizes)?.into()))),
            (Global::Size, []) => Ok(Node::Plain(Value::Size([].into()))),
            (Global::Device, &[name]) => {
                let name = self.text_of(name).ok_or_else(|| self.expected("a device's name", name))?;
                Ok(Node::Plain(Value::Device(name)))
            }
            (Global::Device, &[name, index]) => {
                let name = self.text_of(name).ok_or_else(|| self.expected("a device's name", name))?;
                Ok(Node::Plain(Value::Device(format!("{name}:{}", self.int(index)?).into())))
            }
            (Global::Encode, &[text]) => self.encode(text, "utf-8").map(|b| Node::Plain(Value::Bytes(b.into()))),
            (Global::Encode, &[text, codec]) => {
                let codec = self.text_of(codec).ok_or_else(|| self.expected("the name of an encoding", codec))?;
                self.encode(text, &codec).map(|b| Node::Plain(Value::Bytes(b.into())))
            }
            (Global::ByteArray, []) => Ok(Node::Plain(Value::ByteArray([].into()))),
            (Global::ByteArray, &[bytes]) => match self.node(bytes) {
                Node::Plain(Value::Bytes(bytes)) => Ok(Node::Plain(Value::ByteArray(bytes.clone()))),
                _ => Err(self.expected("bytes", bytes)),
            },
            (Global::ByteArray, &[text, codec]) => {
                let codec = self.text_of(codec).ok_or_else(|| self.expected("the name of an encoding", codec))?;
                self.encode(text, &codec).map(|b| Node::Plain(Value::ByteArray(b.into())))
            }
            (Global::Set, []) => Ok(Node::Set(Vec::new())),
            (Global::Set, &[items]) => match self.node(items) {
                Node::List(items) | Node::Tuple(items) | Node::Set(items) => {
                    self.charge(items.len())?;
                    Ok(Node::Set(items.clone()))
                }
                _ => Err(self.expected("a list", items)),
            },
            (Global::Complex, &[re, im]) => Ok(Node::Plain(Value::Complex(self.float(re)?, self.float(im)?))),
            (Global::RebuildTensor, &[storage, offset, sizes, strides]) => {
                let record = self.tensor(storage, offset, sizes, strides, None)?;
                Ok(Node::Tensor { record: Box::new(record), attributes: None })
            }
            (Global::RebuildTensorV2, &[storage, offset, sizes, strides, grad, _, ref rest @ ..])
                if rest.len() <= 1 =>
            {
                let mut record = self.tensor(storage, offset, sizes, strides, None)?;
                record.requires_grad = self.bool(grad)?;
                self.set_bits(&mut record, rest.first().copied())?;
                Ok(Node::Tensor { record: Box::new(record), attributes: None })
            }
            (Global::RebuildTensorV3, &[storage, offset, sizes, strides, grad, _, dtype, ref rest @ ..])
                if rest.len() <= 1 =>
            {
                let Node::Plain(Value::Dtype(dtype)) = *self.node(dtype) else {
                    return Err(self.expected("a dtype", dtype));
                };
                let mut record = self.tensor(storage, offset, sizes, strides, Some(dtype))?;
                record.requires_grad = self.bool(grad)?;
                self.set_bits(&mut record, rest.first().copied())?;
                Ok(Node::Tensor { record: Box::new(record), attributes: None })
            }
            (Global::Parameter, &[data]) => self.parameter(data, true, None),
            (Global::Parameter, &[data, grad]) | (Global::RebuildParameter, &[data, grad, _]) => {
                self.parameter(data, self.bool(grad)?, None)
            }
            (Global::RebuildParameterWithState, &[data, grad, _, state]) => {
                self.parameter(data, self.bool(grad)?, Some(state))
            }
            (Global::RebuildFromType, &[function, class, args, state]) => {
                self.typed_tensor(function, class, args, state)
            }
            (Global::Tensor, _) => {
                Err(Error::not_implemented("tensors saved as torch.Tensor(...) are not implemented"))
            }
            (other, args) => Err(refuse(&format!("a call of {other:?} with {} arguments", args.len()))),
        }
    }

    /// `class.__new__(class, *args)`.
    pub(super) fn new_object(&mut self, class: Id, args: Id) -> Result<Node> {
        let args = self.tuple(args)?.to_vec();
        match self.node(class) {
            Node::Global(global @ (Global::Parameter | Global::OrderedDict | Global::Size | Global::Set)) => {
                let global = global.clone();
                self.call(&global, &args)
            }
            Node::Global(Global::Allowed(class)) => Ok(Node::object(class.clone(), args, true)),
            other => Err(refuse(&format!(
                "Can only create new object for nn.Parameter or classes allowlisted via `add_safe_globals` but got {}",
                type_name(other)
            ))),
        }
    }

    /// Sets an instance's state.
    pub(super) fn build(&mut self, target: Id, new: Id) -> Result<()> {
        let is_dict = matches!(self.node(new), Node::Dict(_) | Node::OrderedDict { .. });
        match &mut self.nodes[target as usize] {
            Node::OrderedDict { attributes, .. } if is_dict => attributes.push(new),
            Node::OrderedDict { .. } => return Err(self.expected("a dict of attributes", new)),
            Node::Object { state, .. } => *state = Some(new),
            Node::Tensor { .. } => {
                return Err(Error::not_implemented(
                    "tensors whose state is set after they are made are not implemented",
                ));
            }
            other => {
                return Err(refuse(&format!(
                    "Can only build Tensor, Parameter, OrderedDict or types allowlisted via `add_safe_globals`, but got {}",
                    type_name(other)
                )));
            }
        }
        Ok(())
    }

    /// `("module", class, file, source)`: the oldest files give a module's class so. The source is not looked at.
    pub(super) fn persistent_class(&self, pid: Id) -> Option<Id> {
        let Node::Tuple(parts) = self.node(pid) else { return None };
        let &[kind, class, _, _] = parts.as_slice() else { return None };
        let named = self.text_of(kind).as_deref() == Some("module");
        (named && matches!(self.node(class), Node::Global(Global::Allowed(_)))).then_some(class)
    }

    /// `("storage", type, key, location, numel)`, and in the oldest files the view of a storage.
    pub(super) fn persistent(&mut self, pid: Id) -> Result<Part> {
        let pid = match self.node(pid) {
            Node::Tuple(items) if items.len() <= 8 => items.clone(),
            other => {
                return Err(refuse(&format!("persistent_load id must be tuple or int, but got {}", type_name(other))));
            }
        };
        let (&[kind, class, key, location, numel], view) = match pid.split_first_chunk::<5>() {
            Some((five, rest)) if rest.len() <= 1 => (five, rest.first().copied()),
            _ => return Err(refuse("a storage's persistent id must have 5 or 6 parts")),
        };
        if self.text_of(kind).as_deref() != Some("storage") {
            return Err(refuse(&format!(
                "Only persistent_load of storage is allowed, but got {}",
                type_name(self.node(kind))
            )));
        }
        let dtype = match self.node(class) {
            Node::Global(Global::Storage(dtype)) => dtype.unwrap_or(DType::U8),
            _ => return Err(self.expected("a storage class", class)),
        };
        let key = self.text_of(key).ok_or_else(|| self.expected("a storage's key", key))?;
        let location = self.text_of(location).ok_or_else(|| self.expected("a storage's location", location))?;
        let numel = self.int(numel)?;
        if numel < 0 {
            return Err(refuse(&format!("storage '{key}' declares {numel} elements")));
        }
        let id = self.storages.storage(StorageRequest { key: &key, location: &location, dtype, numel })?;
        let mut part = Part { id, dtype, start: 0, nbytes: self.storages.nbytes(id) };
        if let Some(view) = view.filter(|&v| !matches!(self.node(v), Node::Plain(Value::None))) {
            let &[_, offset, size] = self.tuple(view)? else {
                return Err(refuse("a storage's view must have 3 parts"));
            };
            let (start, nbytes) = (self.scaled(offset, dtype)?, self.scaled(size, dtype)?);
            if start.checked_add(nbytes).is_none_or(|end| end > part.nbytes) {
                return Err(refuse(&format!("a view of storage '{key}' lies outside of it")));
            }
            (part.start, part.nbytes) = (start, nbytes);
        }
        Ok(part)
    }

    fn scaled(&self, elements: Id, dtype: DType) -> Result<u64> {
        let n = self.int(elements)?;
        let bytes = u64::try_from(n).ok().and_then(|n| n.checked_mul(dtype.size() as u64));
        bytes.ok_or_else(|| refuse(&format!("{n} elements")))
    }

    fn tensor(&self, storage: Id, offset: Id, sizes: Id, strides: Id, dtype: Option<DType>) -> Result<TensorRecord> {
        let Node::Storage(part) = *self.node(storage) else {
            return Err(self.expected("a storage", storage));
        };
        let dtype = dtype.unwrap_or(part.dtype);
        let mut record = TensorRecord::contiguous(part.id, dtype, &[]);
        record.sizes = self.ints(sizes)?;
        record.strides = self.ints(strides)?;
        record.offset = self.int(offset)?;
        record.check(part.nbytes)?;
        if part.start > 0 {
            // A view of a storage starts on an element of its own type.
            let start = i64::try_from(part.start / dtype.size() as u64).map_err(|_| refuse("a storage's view"))?;
            record.offset = record.offset.checked_add(start).ok_or_else(|| refuse("a storage's view"))?;
            record.check(self.storages.nbytes(part.id))?;
        }
        Ok(record)
    }

    /// The conjugate and negative bits, from the dictionary that PyTorch adds for them.
    fn set_bits(&self, record: &mut TensorRecord, metadata: Option<Id>) -> Result<()> {
        if let Some(id) = metadata
            && let Node::Dict(items) = self.node(id)
        {
            for &(key, value) in items {
                match self.text_of(key).as_deref() {
                    Some("conj") => record.conj = self.bool(value)?,
                    Some("neg") => record.neg = self.bool(value)?,
                    _ => return Err(Error::not_implemented("a tensor with metadata other than conj and neg")),
                }
            }
            if record.conj && !record.dtype.is_complex() {
                return Err(refuse("a conjugate bit on a tensor that is not complex"));
            }
        }
        Ok(())
    }

    fn parameter(&self, data: Id, requires_grad: bool, state: Option<Id>) -> Result<Node> {
        let Node::Tensor { record, .. } = self.node(data) else {
            return Err(self.expected("a tensor", data));
        };
        if requires_grad && !record.dtype.is_differentiable() {
            return Err(Error::runtime("Only Tensors of floating point and complex dtype can require gradients"));
        }
        let mut record = record.clone();
        record.is_parameter = true;
        record.requires_grad = requires_grad;
        Ok(Node::Tensor { record, attributes: state })
    }

    /// `_rebuild_from_type_v2(function, class, args, state)`: a tensor with Python attributes.
    fn typed_tensor(&mut self, function: Id, class: Id, args: Id, state: Id) -> Result<Node> {
        let mut subclass = None;
        let parameter = match self.node(class) {
            Node::Global(Global::Tensor) => false,
            Node::Global(Global::Parameter) => true,
            Node::Global(Global::Allowed(name)) => {
                subclass = Some(name.clone());
                false
            }
            other => {
                return Err(Error::not_implemented(format!(
                    "subclasses of Tensor are not implemented: {}",
                    type_name(other)
                )));
            }
        };
        let inner = match self.node(function) {
            Node::Global(
                global @ (Global::RebuildTensor
                | Global::RebuildTensorV2
                | Global::RebuildTensorV3
                | Global::RebuildParameter
                | Global::RebuildParameterWithState),
            ) => global.clone(),
            _ => return Err(self.expected("a function that rebuilds a tensor", function)),
        };
        let args = self.tuple(args)?.to_vec();
        let Node::Tensor { mut record, attributes } = self.call(&inner, &args)? else {
            return Err(refuse("a tensor's state without a tensor"));
        };
        record.is_parameter |= parameter;
        record.class = subclass;
        let state = (!matches!(self.node(state), Node::Plain(Value::None))).then_some(state);
        Ok(Node::Tensor { record, attributes: state.or(attributes) })
    }

    fn items(&self, list: Id) -> Result<Vec<(Id, Id)>> {
        match self.node(list) {
            Node::Dict(items) | Node::OrderedDict { items, .. } => {
                self.charge(items.len())?;
                Ok(items.clone())
            }
            Node::List(pairs) | Node::Tuple(pairs) => {
                self.charge(pairs.len())?;
                let pair = |&pair: &Id| match self.node(pair) {
                    Node::List(kv) | Node::Tuple(kv) if kv.len() == 2 => Ok((kv[0], kv[1])),
                    _ => Err(self.expected("a key and a value", pair)),
                };
                pairs.iter().map(pair).collect()
            }
            _ => Err(self.expected("a list of keys and values", list)),
        }
    }

    /// `text.encode(codec)` for the codecs that pickles use.
    fn encode(&self, text: Id, codec: &str) -> Result<Vec<u8>> {
        let Node::Plain(Value::Str(text)) = self.node(text) else {
            return Err(self.expected("text", text));
        };
        self.charge(text.len())?;
        match codec {
            "latin1" | "latin-1" | "iso-8859-1" => text
                .chars()
                .map(|c| {
                    u8::try_from(c as u32).map_err(|_| Error::value(format!("'latin-1' codec can't encode {c:?}")))
                })
                .collect(),
            "utf-8" | "utf8" => Ok(text.as_bytes().to_vec()),
            "ascii" if text.is_ascii() => Ok(text.as_bytes().to_vec()),
            other => Err(refuse(&format!("encoding to '{other}' is not supported"))),
        }
    }
}
