//! The format from before PyTorch 1.6: a magic number, a version, a description of the machine, the value, the keys of the
//! storages, each a pickle; then each storage's length and bytes, in the order of the keys.

use std::borrow::Cow;
use std::collections::HashMap;

use flambeau_types::{Error, Result};

use crate::pickle::{self, Allowed, NoStorages, StorageRequest, Storages};
use crate::{File, Record, Source, StorageData, StorageId, Value};

/// 0x1950a86a20f9469cfc6c, the lowest byte first.
pub(super) const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
pub(super) const VERSION: i64 = 1001;

pub(super) fn load(source: Source, allowed: &Allowed) -> Result<File> {
    refuse_tar(&source)?;
    // The pickles come first, and how long they are is not said: read more until they are whole.
    let mut len = (1u64 << 20).min(source.len());
    loop {
        let bytes = match source.slice(0, len) {
            Some(bytes) => Cow::Borrowed(bytes),
            None => Cow::Owned(source.read_vec(0, len)?),
        };
        match parse(&bytes, allowed) {
            Ok((root, storages, keys, at)) => return finish(source, root, storages, keys, at),
            Err(e) if len < source.len() && e.message().starts_with("the pickle is truncated") => {
                len = len.saturating_mul(8).min(source.len());
            }
            Err(e) => return Err(e),
        }
    }
}

type Parsed = (Value, Declared, Vec<String>, u64);

fn parse(bytes: &[u8], allowed: &Allowed) -> Result<Parsed> {
    let mut at = 0;
    let plain = |at: &mut usize| -> Result<Value> {
        let (value, len) = pickle::load(&bytes[*at..], &mut NoStorages, &Allowed::default())?;
        *at += len;
        Ok(value)
    };
    match plain(&mut at)? {
        Value::BigInt(magic) if *magic == MAGIC => {}
        _ => return Err(Error::runtime("Invalid magic number; corrupt file?")),
    }
    match plain(&mut at)? {
        Value::Int(VERSION) => {}
        other => return Err(Error::runtime(format!("Invalid protocol version: {other:?}"))),
    }
    let machine = plain(&mut at)?;
    if machine.get("little_endian") == Some(&Value::Bool(false)) {
        return Err(Error::not_implemented("checkpoints written on big-endian machines are not supported"));
    }
    let mut storages = Declared::default();
    let (root, len) = pickle::load(&bytes[at..], &mut storages, allowed)?;
    at += len;
    let keys = plain(&mut at)?;
    let keys = keys.as_slice().and_then(|keys| keys.iter().map(|k| k.as_str().map(String::from)).collect());
    let keys: Vec<String> = keys.ok_or_else(|| Error::runtime("the list of storages is damaged"))?;
    Ok((root, storages, keys, at as u64))
}

fn finish(source: Source, root: Value, declared: Declared, keys: Vec<String>, mut at: u64) -> Result<File> {
    let mut records: Vec<Option<Record>> = vec![None; declared.list.len()];
    for key in &keys {
        let id = declared.known.get(key.as_str()).copied();
        let id = id.ok_or_else(|| Error::runtime(format!("storage key {key:?} not found in deserialized_objects")))?;
        let item = &declared.list[id];
        let mut numel = [0; 8];
        source.read_at(at, &mut numel)?;
        let numel = i64::from_le_bytes(numel);
        let nbytes = u64::try_from(numel).ok().and_then(|n| n.checked_mul(item.size));
        if nbytes != Some(item.nbytes) {
            return Err(Error::runtime(format!(
                "storage has wrong byte size: expected {} got {}",
                item.nbytes,
                numel as i128 * item.size as i128
            )));
        }
        records[id] = Some(Record::new(&source, at + 8, item.nbytes, key)?);
        at += 8 + item.nbytes;
    }
    let mut storages = Vec::with_capacity(records.len());
    for (item, record) in declared.list.into_iter().zip(records) {
        let record =
            record.ok_or_else(|| Error::runtime(format!("the file holds no bytes for storage {:?}", item.key)))?;
        storages.push(StorageData { key: item.key.into(), dtype: item.dtype, location: item.location.into(), record });
    }
    Ok(File { root, storages, len: at, zip: false })
}

fn refuse_tar(source: &Source) -> Result<()> {
    let mut magic = [0; 5];
    if source.read_at(257, &mut magic).is_ok() && &magic == b"ustar" {
        return Err(Error::runtime(
            "Cannot use ``weights_only=True`` with files saved in the legacy .tar format. Load and save the file again with PyTorch.",
        ));
    }
    Ok(())
}

/// The storages that the value names; their bytes come after it.
#[derive(Default)]
struct Declared {
    known: HashMap<String, StorageId>,
    list: Vec<Item>,
}

struct Item {
    key: String,
    location: String,
    dtype: flambeau_types::DType,
    size: u64,
    nbytes: u64,
}

impl Storages for Declared {
    fn storage(&mut self, request: StorageRequest<'_>) -> Result<StorageId> {
        let size = request.dtype.size() as u64;
        let nbytes = (request.numel as u64).checked_mul(size);
        let nbytes =
            nbytes.ok_or_else(|| Error::runtime(format!("storage '{}' declares too many elements", request.key)))?;
        if let Some(&id) = self.known.get(request.key) {
            if self.list[id].nbytes != nbytes {
                return Err(Error::runtime(format!("storage '{}' is declared with two lengths", request.key)));
            }
            return Ok(id);
        }
        self.list.push(Item {
            key: request.key.to_string(),
            location: request.location.to_string(),
            dtype: request.dtype,
            size,
            nbytes,
        });
        self.known.insert(request.key.to_string(), self.list.len() - 1);
        Ok(self.list.len() - 1)
    }

    fn nbytes(&self, id: StorageId) -> u64 {
        self.list[id].nbytes
    }
}
