//! Writing a checkpoint.

use std::io::Write;
use std::path::Path;

use flambeau_types::Result;

use crate::archive::{ArchiveWriter, Style};
use crate::{AtomicFile, Value, pickle};

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
pub fn save(path: impl AsRef<Path>, root: &Value, storages: &[&[u8]]) -> Result<()> {
    save_with(path, root, storages, true)
}

/// As [`save`]. Without `sync` it does not wait for the disk: a crash of the program still leaves the old file or the new one,
/// a power cut may not.
pub fn save_with(path: impl AsRef<Path>, root: &Value, storages: &[&[u8]], sync: bool) -> Result<()> {
    let path = path.as_ref();
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let file = write(AtomicFile::create(path)?, root, storages, name)?;
    file.commit(sync)
}

/// Writes a checkpoint to memory. `name` is the folder inside; PyTorch takes the file's name, or `archive`.
pub fn to_bytes(root: &Value, storages: &[&[u8]], name: &str) -> Result<Vec<u8>> {
    let total: usize = storages.iter().map(|s| s.len() + 256).sum();
    write(Vec::with_capacity(total + 1024), root, storages, name)
}

/// Writes a checkpoint to anything that takes bytes, front to back, and gives it back.
pub fn write<W: Write>(out: W, root: &Value, storages: &[&[u8]], name: &str) -> Result<W> {
    // As PyTorch: a name outside of ASCII, or none, becomes `archive`.
    let folder = if name.is_empty() || !name.is_ascii() { "archive" } else { name };
    let (pickle, order) = pickle::dump(root, &|id| storages.get(id).map(|s| s.len() as u64))?;
    let mut archive = ArchiveWriter::new(out, Style::Torch);
    let mut add = |name: &str, bytes: &[u8]| archive.add(&format!("{folder}/{name}"), &[bytes]);
    add("data.pkl", &pickle)?;
    add(".format_version", b"1")?;
    add(".storage_alignment", b"64")?;
    add("byteorder", b"little")?;
    for (key, id) in order.into_iter().enumerate() {
        add(&format!("data/{key}"), storages[id])?;
    }
    add("version", b"3\n")?;
    let fingerprint = archive.fingerprint();
    archive.add(&format!("{folder}/.data/serialization_id"), &[fingerprint.as_bytes()])?;
    archive.finish()
}
