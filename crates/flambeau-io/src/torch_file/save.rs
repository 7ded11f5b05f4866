//! Writing a checkpoint.

use std::io::Write;
use std::path::Path;

use flambeau_types::Result;

use super::legacy::{MAGIC, VERSION};
use crate::archive::{ArchiveWriter, Style};
use crate::pickle::Keys;
use crate::{AtomicFile, Payload, Value, pickle};

/// Saves a value to a file that `torch.load` reads. Tensors refer to `storages` by place; their bytes are lent, and those
/// that no tensor refers to are left out. The file appears whole or not at all.
///
/// ```
/// use flambeau_io::{TensorRecord, Value, torch_file};
/// use flambeau_types::DType;
///
/// let path = std::env::temp_dir().join(format!("flambeau-save-{}.pt", std::process::id()));
/// let column = TensorRecord { sizes: vec![2], strides: vec![2], offset: 1, ..TensorRecord::contiguous(0, DType::U8, &[2]) };
/// let root = Value::dict([
///     (Value::str("all"), Value::tensor(TensorRecord::contiguous(0, DType::U8, &[2, 2]))),
///     (Value::str("column"), Value::tensor(column)), // a view: it shares the storage in the file too
/// ]);
/// torch_file::save(&path, &root, &[&[1, 2, 3, 4]])?;
/// assert_eq!(torch_file::load(&path)?.storages.len(), 1);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), flambeau_types::Error>(())
/// ```
pub fn save<P: Payload>(path: impl AsRef<Path>, root: &Value, storages: &[P]) -> Result<()> {
    save_with(path, root, storages, true)
}

/// As [`save`]. Without `sync` it does not wait for the disk: a crash of the program still leaves the old file or the new one,
/// a power cut may not.
pub fn save_with<P: Payload>(path: impl AsRef<Path>, root: &Value, storages: &[P], sync: bool) -> Result<()> {
    let path = path.as_ref();
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let file = write(AtomicFile::create(path)?, root, storages, name)?;
    file.commit(sync)
}

/// Writes a checkpoint to memory. `name` is the folder inside; PyTorch takes the file's name, or `archive`.
pub fn to_bytes<P: Payload>(root: &Value, storages: &[P], name: &str) -> Result<Vec<u8>> {
    let total: usize = storages.iter().map(|s| s.nbytes() as usize + 256).sum();
    write(Vec::with_capacity(total + 1024), root, storages, name)
}

/// How a checkpoint is written.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The folder inside the archive; PyTorch takes the file's name, or `archive`.
    pub name: &'a str,
    /// Whether a record says the order of bytes.
    pub byteorder: bool,
    /// Whether the records carry checksums; zeros stand for none.
    pub checksums: bool,
    /// Where the bytes of storages begin: on a multiple of this.
    pub alignment: u64,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options { name: "archive", byteorder: true, checksums: true, alignment: 64 }
    }
}

/// Writes a checkpoint to anything that takes bytes, front to back, and gives it back.
pub fn write<W: Write, P: Payload>(out: W, root: &Value, storages: &[P], name: &str) -> Result<W> {
    write_with(out, root, storages, &Options { name, ..Options::default() })
}

/// As [`write()`], with more to choose.
pub fn write_with<W: Write, P: Payload>(out: W, root: &Value, storages: &[P], options: &Options<'_>) -> Result<W> {
    // As PyTorch: a name outside of ASCII, or none, becomes `archive`.
    let folder = if options.name.is_empty() || !options.name.is_ascii() { "archive" } else { options.name };
    let (pickle, order) = pickle::dump(root, &|id| storages.get(id).map(Payload::nbytes))?;
    let mut archive =
        ArchiveWriter::new(out, Style::Torch).checksums(options.checksums).alignment(options.alignment)?;
    let mut add = |name: &str, bytes: &[u8]| archive.add(&format!("{folder}/{name}"), &[bytes]);
    add("data.pkl", &pickle)?;
    add(".format_version", b"1")?;
    add(".storage_alignment", options.alignment.to_string().as_bytes())?;
    if options.byteorder {
        add("byteorder", b"little")?;
    }
    for (key, id) in order.into_iter().enumerate() {
        archive.add(&format!("{folder}/data/{key}"), &storages[id..=id])?;
    }
    archive.add(&format!("{folder}/version"), &[b"3\n"])?;
    let fingerprint = archive.fingerprint();
    archive.add(&format!("{folder}/.data/serialization_id"), &[fingerprint.as_bytes()])?;
    archive.finish()
}

/// Writes a checkpoint in the format from before PyTorch 1.6: `torch.save(..., _use_new_zipfile_serialization=False)`.
///
/// ```
/// use flambeau_io::{TensorRecord, Value, torch_file};
/// use flambeau_types::DType;
///
/// let root = Value::list([Value::tensor(TensorRecord::contiguous(0, DType::I16, &[2]))]);
/// let file = torch_file::write_legacy(Vec::new(), &root, &[&[1, 0, 2, 0]])?;
/// assert_eq!(torch_file::from_bytes(file)?.storages[0].read()?, [1, 0, 2, 0]);
/// # Ok::<(), flambeau_types::Error>(())
/// ```
pub fn write_legacy<W: Write, P: Payload>(mut out: W, root: &Value, storages: &[P]) -> Result<W> {
    let plain = |value: &Value| pickle::dump(value, &|_| None).map(|(bytes, _)| bytes);
    let sizes = [("short", 2), ("int", 4), ("long", 8)].map(|(name, n)| (Value::str(name), Value::Int(n)));
    let machine = Value::dict([
        (Value::str("protocol_version"), Value::Int(VERSION)),
        (Value::str("little_endian"), Value::Bool(true)),
        (Value::str("type_sizes"), Value::dict(sizes)),
    ]);
    let nbytes = |id| storages.get(id).map(Payload::nbytes);
    let (pickle, order) = pickle::dump_with(root, &nbytes, Keys::Legacy)?;
    let mut keys: Vec<(String, usize)> = (0..order.len()).map(|i| (i.to_string(), i)).collect();
    keys.sort();
    out.write_all(&plain(&Value::BigInt(MAGIC.into()))?)?;
    out.write_all(&plain(&Value::Int(VERSION))?)?;
    out.write_all(&plain(&machine)?)?;
    out.write_all(&pickle)?;
    out.write_all(&plain(&Value::list(keys.iter().map(|(key, _)| Value::str(key))))?)?;
    for (_, i) in keys {
        let (id, dtype) = order[i];
        out.write_all(&(storages[id].nbytes() / dtype.size() as u64).to_le_bytes())?;
        storages[id].blocks(&mut |block| Ok(out.write_all(block)?))?;
    }
    out.flush()?;
    Ok(out)
}
