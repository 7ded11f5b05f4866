//! Reading a checkpoint.

use std::collections::HashMap;
use std::path::Path;

use flambeau_types::{Error, Result};

use super::legacy;
use crate::archive::Archive;
use crate::pickle::{self, Allowed, StorageRequest, Storages};
use crate::{File, Source, StorageData, StorageId};

/// Reads a checkpoint's structure. Storages are read when asked for, straight to where they belong.
///
/// ```no_run
/// let file = flambeau_io::torch_file::load("model.pt")?;
/// for (name, value) in file.root.items().unwrap_or_default() {
///     if let Some(tensor) = value.as_tensor() {
///         println!("{name:?}: {} {:?}", tensor.dtype, tensor.sizes);
///         let bytes = file.storages[tensor.storage].read()?;
///         println!("{} bytes", bytes.len());
///     }
/// }
/// # Ok::<(), flambeau_types::Error>(())
/// ```
pub fn load(path: impl AsRef<Path>) -> Result<File> {
    from_source(Source::open(path)?, &Allowed::default())
}

/// As [`load`], with more names allowed. What they would make is described, see [`Value::Object`](crate::Value::Object).
pub fn load_with(path: impl AsRef<Path>, allowed: &Allowed) -> Result<File> {
    from_source(Source::open(path)?, allowed)
}

/// Reads a checkpoint from memory.
pub fn from_bytes(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<File> {
    from_source(Source::memory(bytes), &Allowed::default())
}

/// Reads a checkpoint from any source, for example one mapped by [`Source::map`].
pub fn from_source(source: Source, allowed: &Allowed) -> Result<File> {
    if source.is_empty() {
        return Err(Error::runtime("Ran out of input"));
    }
    if !Archive::is_archive(&source) {
        return legacy::load(source, allowed);
    }
    let (archive, prefix) = open(source)?;
    if archive.get(&format!("{prefix}/byteorder")).is_some() {
        match archive.read(&format!("{prefix}/byteorder"))?.as_slice() {
            b"little" => {}
            b"big" => {
                return Err(Error::not_implemented("checkpoints written on big-endian machines are not supported"));
            }
            other => {
                return Err(Error::value(format!(
                    "Unknown endianness type: {}",
                    String::from_utf8_lossy(other).escape_debug()
                )));
            }
        }
    }
    let pickle = read_pickle(&archive, &prefix)?;
    let mut storages = ZipStorages { archive: &archive, prefix: &prefix, known: HashMap::new(), list: Vec::new() };
    let (root, _) = pickle::load(&pickle, &mut storages, allowed)?;
    let len = archive.len();
    Ok(File { root, storages: storages.list, len, zip: true })
}

/// The pickle of a checkpoint that is a zip archive, as it lies in the file.
pub fn pickle_of(source: Source) -> Result<Vec<u8>> {
    if !Archive::is_archive(&source) {
        return Err(Error::value("Expected input to be a checkpoint returned by torch.save"));
    }
    let (archive, prefix) = open(source)?;
    read_pickle(&archive, &prefix)
}

/// Every byte of a pickle can become a value: one that was compressed, which `torch.save` does not do, may be this much larger
/// than in the file, or this large.
const MAX_PICKLE_RATIO: u64 = 30;
const SMALL_PICKLE: u64 = 1 << 20;

fn read_pickle(archive: &Archive, prefix: &str) -> Result<Vec<u8>> {
    let name = format!("{prefix}/data.pkl");
    if let Some(entry) = archive.get(&name)
        && entry.size > SMALL_PICKLE.max(entry.packed.saturating_mul(MAX_PICKLE_RATIO))
    {
        return Err(Error::runtime(format!(
            "'{name}' would take {} bytes, from {} in the file: no checkpoint compresses so well",
            entry.size, entry.packed
        )));
    }
    archive.read(&name)
}

fn open(source: Source) -> Result<(Archive, String)> {
    let archive = Archive::open(source)?;
    let prefix = folder(&archive)?;
    check_version(&archive, &prefix)?;
    if archive.get(&format!("{prefix}/constants.pkl")).is_some() {
        return Err(Error::runtime(
            "Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``. Flambeau does not read TorchScript.",
        ));
    }
    Ok((archive, prefix))
}

/// The folder that all records lie in, named after the file.
fn folder(archive: &Archive) -> Result<String> {
    let first = archive.entries().first().ok_or_else(|| Error::runtime("archive does not contain any files"))?;
    match first.name.split_once('/') {
        Some((folder, _)) => Ok(folder.to_string()),
        None => Err(Error::runtime(format!("file in archive is not in a subdirectory: {}", first.name))),
    }
}

fn check_version(archive: &Archive, prefix: &str) -> Result<()> {
    let names = [format!("{prefix}/.data/version"), format!("{prefix}/version")];
    let Some(name) = names.iter().find(|name| archive.get(name).is_some()) else {
        return Err(Error::runtime(format!(
            "PytorchStreamReader failed locating file {prefix}/version: file not found"
        )));
    };
    let bytes = archive.read(name)?;
    let version = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse::<u64>().ok());
    match version {
        None => Err(Error::runtime(format!(
            "Couldn't parse the version {:?} as Long Long.",
            String::from_utf8_lossy(&bytes)
        ))),
        Some(v) if v > 10 => Err(Error::runtime(format!(
            "Attempted to read a PyTorch file with version {v}, but the maximum supported version for reading is 10. Your \
             PyTorch installation may be too old."
        ))),
        Some(v) if v < 1 => Err(Error::runtime(format!(
            "Attempted to read a PyTorch file with version {v}, but the minimum supported version for reading is 1."
        ))),
        Some(_) => Ok(()),
    }
}

struct ZipStorages<'a> {
    archive: &'a Archive,
    prefix: &'a str,
    known: HashMap<Box<str>, StorageId>,
    list: Vec<StorageData>,
}

impl Storages for ZipStorages<'_> {
    fn storage(&mut self, request: StorageRequest<'_>) -> Result<StorageId> {
        let nbytes = (request.numel as u64).checked_mul(request.dtype.size() as u64);
        let wrong = |held: u64| {
            Error::runtime(format!(
                "storage '{}' declares {} elements of {}, but its record holds {held} bytes",
                request.key, request.numel, request.dtype
            ))
        };
        if let Some(&id) = self.known.get(request.key) {
            let held = self.list[id].len();
            return if nbytes == Some(held) { Ok(id) } else { Err(wrong(held)) };
        }
        let name = format!("{}/data/{}", self.prefix, request.key);
        let entry = self.archive.get(&name).ok_or_else(|| {
            Error::runtime(format!("PytorchStreamReader failed locating file data/{}: file not found", request.key))
        })?;
        if nbytes != Some(entry.size) {
            return Err(wrong(entry.size));
        }
        self.list.push(StorageData {
            key: request.key.into(),
            dtype: request.dtype,
            location: request.location.into(),
            record: self.archive.record(entry),
        });
        self.known.insert(request.key.into(), self.list.len() - 1);
        Ok(self.list.len() - 1)
    }

    fn nbytes(&self, id: StorageId) -> u64 {
        self.list[id].len()
    }
}
