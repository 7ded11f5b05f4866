//! Where a file's bytes come from: an open file, memory, or a mapping.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use flambeau_types::{Error, Result};
use memmap2::{MmapOptions, MmapRaw};

/// Random access to the bytes of a file. Cloning is cheap and shares the file.
#[derive(Clone)]
pub struct Source {
    bytes: Bytes,
    /// Where it begins: what lies before belongs to somebody else.
    start: u64,
    len: u64,
}

#[derive(Clone)]
enum Bytes {
    File(Arc<File>),
    Memory(Arc<dyn AsRef<[u8]> + Send + Sync>),
    Mapping(Arc<MmapRaw>),
}

impl Source {
    /// Opens a file; its parts are read when asked for, straight to where they belong.
    pub fn open(path: impl AsRef<Path>) -> Result<Source> {
        let file = open(path.as_ref())?;
        let len = file.metadata()?.len();
        Ok(Source { bytes: Bytes::File(Arc::new(file)), start: 0, len })
    }

    /// Bytes in memory.
    pub fn memory(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Source {
        let len = bytes.as_ref().len() as u64;
        Source { bytes: Bytes::Memory(Arc::new(bytes)), start: 0, len }
    }

    /// Maps a file: pages are read on first use. Writes to them stay in this process, or with `shared` go to the file.
    ///
    /// # Safety
    /// While the mapping lives, nobody may change the file: its bytes would change under shared references.
    pub unsafe fn map(path: impl AsRef<Path>, shared: bool) -> Result<Source> {
        let file =
            if shared { open_as(path.as_ref(), File::options().read(true).write(true))? } else { open(path.as_ref())? };
        let len = file.metadata()?.len();
        if len == 0 {
            return Ok(Source::memory(Vec::new()));
        }
        let options = MmapOptions::new();
        // SAFETY: the caller vouches that the file does not change.
        let mapping = unsafe { if shared { options.map_mut(&file)? } else { options.map_copy(&file)? } };
        Ok(Source { bytes: Bytes::Mapping(Arc::new(MmapRaw::from(mapping))), start: 0, len })
    }

    /// The same file from `offset` on; nothing if it ends before.
    pub fn skip(mut self, offset: u64) -> Source {
        let offset = offset.min(self.len);
        self.start += offset;
        self.len -= offset;
        self
    }

    /// The number of bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// True if there is no byte.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Fills `out` with the bytes that start at `offset`.
    pub fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > self.len) {
            return Err(truncated());
        }
        match &self.bytes {
            Bytes::File(file) => read_exact_at(file, self.start + offset, out).map_err(|e| match e.kind() {
                io::ErrorKind::UnexpectedEof => truncated(),
                _ => Error::from(e),
            }),
            _ => {
                let bytes = self.slice(offset, out.len() as u64).ok_or_else(truncated)?;
                out.copy_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// The bytes from `offset` on as a new vector. Memory is taken only after the length was compared with the file's.
    pub fn read_vec(&self, offset: u64, len: u64) -> Result<Vec<u8>> {
        if offset.checked_add(len).is_none_or(|end| end > self.len) {
            return Err(truncated());
        }
        let mut out = vec![0; usize::try_from(len).map_err(|_| truncated())?];
        self.read_at(offset, &mut out)?;
        Ok(out)
    }

    /// The bytes in place, if they are in memory or mapped.
    pub fn slice(&self, offset: u64, len: u64) -> Option<&[u8]> {
        let end = offset.checked_add(len)?;
        if end > self.len {
            return None;
        }
        let (offset, end) = (usize::try_from(self.start + offset).ok()?, usize::try_from(self.start + end).ok()?);
        match &self.bytes {
            Bytes::File(_) => None,
            Bytes::Memory(bytes) => (**bytes).as_ref().get(offset..end),
            // SAFETY: the range lies in the mapping, which lives as long as `self`; `Source::map`'s caller vouched that the
            // file does not change, and whoever writes through `mapping()` does so by unsafe code of their own.
            Bytes::Mapping(map) => Some(unsafe { std::slice::from_raw_parts(map.as_ptr().add(offset), end - offset) }),
        }
    }

    /// The mapping, for a tensor that is to lie in it, and where in it this begins; `None` unless this came from
    /// [`Source::map`].
    pub fn mapping(&self) -> Option<(Arc<MmapRaw>, u64)> {
        match &self.bytes {
            Bytes::Mapping(map) => Some((map.clone(), self.start)),
            _ => None,
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.bytes {
            Bytes::File(_) => "file",
            Bytes::Memory(_) => "memory",
            Bytes::Mapping(_) => "mapping",
        };
        write!(f, "Source({kind}, {} bytes)", self.len)
    }
}

fn open(path: &Path) -> Result<File> {
    open_as(path, File::options().read(true))
}

fn open_as(path: &Path, options: &std::fs::OpenOptions) -> Result<File> {
    let fail = |why: String| Error::new(flambeau_types::ErrorKind::Io, why);
    let file = options.open(path).map_err(|e| match e.kind() {
        // Python's own sentence: it becomes a FileNotFoundError by these words.
        io::ErrorKind::NotFound => fail(format!("[Errno 2] No such file or directory: '{}'", path.display())),
        _ => fail(format!("{e}: '{}'", path.display())),
    })?;
    if file.metadata()?.is_dir() {
        return Err(fail(format!("[Errno 21] Is a directory: '{}'", path.display())));
    }
    Ok(file)
}

#[cfg(unix)]
fn read_exact_at(file: &File, offset: u64, out: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut offset: u64, mut out: &mut [u8]) -> io::Result<()> {
    while !out.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, out, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                out = &mut out[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}

fn truncated() -> Error {
    Error::runtime("the file is truncated or altered: it ends before the bytes that it declares")
}
