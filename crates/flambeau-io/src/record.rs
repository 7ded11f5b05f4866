//! A run of bytes in a file: a storage, an array, an entry of an archive.

use std::io::Read;
use std::sync::Arc;

use flambeau_types::{Error, Result};
use flate2::read::DeflateDecoder;
use memmap2::MmapRaw;

use crate::Source;

/// Bytes that lie in a [`Source`], perhaps deflated, perhaps with a checksum. Nothing is read before it is asked for.
#[derive(Clone, Debug)]
pub struct Record {
    pub(crate) source: Source,
    pub(crate) offset: u64,
    /// The bytes it takes in the file.
    pub(crate) packed: u64,
    /// The bytes it gives.
    pub(crate) size: u64,
    pub(crate) deflated: bool,
    pub(crate) crc: Option<u32>,
    /// The name for error messages.
    pub(crate) name: Arc<str>,
}

/// Bytes to be written: a slice, or what lends its bytes a block at a time, so that nothing is copied to be saved.
pub trait Payload {
    /// How many bytes there are.
    fn nbytes(&self) -> u64;

    /// Hands all bytes to `write`, in order, in blocks of any size.
    fn blocks(&self, write: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>;
}

impl Payload for [u8] {
    fn nbytes(&self) -> u64 {
        self.len() as u64
    }
    fn blocks(&self, write: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.chunks(BLOCK).try_for_each(write)
    }
}

impl<const N: usize> Payload for [u8; N] {
    fn nbytes(&self) -> u64 {
        N as u64
    }
    fn blocks(&self, write: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.as_slice().blocks(write)
    }
}

impl Payload for Vec<u8> {
    fn nbytes(&self) -> u64 {
        self.len() as u64
    }
    fn blocks(&self, write: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.as_slice().blocks(write)
    }
}

impl<P: Payload + ?Sized> Payload for &P {
    fn nbytes(&self) -> u64 {
        (**self).nbytes()
    }
    fn blocks(&self, write: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        (**self).blocks(write)
    }
}

/// Checksums are taken a block at a time, while the block is still in cache.
const BLOCK: usize = 256 << 10;

impl Record {
    /// Plain bytes of a source. The range is checked against the source's length.
    pub fn new(source: &Source, offset: u64, len: u64, name: &str) -> Result<Record> {
        if offset.checked_add(len).is_none_or(|end| end > source.len()) {
            return Err(Error::runtime(format!("'{name}' is truncated: the file ends before its {len} bytes do")));
        }
        Ok(Record {
            source: source.clone(),
            offset,
            packed: len,
            size: len,
            deflated: false,
            crc: None,
            name: name.into(),
        })
    }

    /// A part of these bytes, to be read by itself; no checksum covers it.
    pub(crate) fn part(&self, offset: u64, len: u64) -> Result<Record> {
        if self.deflated || offset.checked_add(len).is_none_or(|end| end > self.size) {
            return Err(Error::runtime(format!(
                "'{}' has no bytes {offset} to {}",
                self.name,
                offset.saturating_add(len)
            )));
        }
        Ok(Record { offset: self.offset + offset, packed: len, size: len, crc: None, ..self.clone() })
    }

    /// The number of bytes.
    pub fn len(&self) -> u64 {
        self.size
    }

    /// True if there is no byte.
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// Fills `out`, whose length must be this record's, and compares the checksum if the file has one.
    pub fn read_into(&self, out: &mut [u8]) -> Result<()> {
        if out.len() as u64 != self.size {
            return Err(Error::runtime(format!(
                "'{}' holds {} bytes, but {} were asked for",
                self.name,
                self.size,
                out.len()
            )));
        }
        let mut hasher = crc32fast::Hasher::new();
        if self.deflated {
            let mut reader = DeflateDecoder::new(Part { record: self, at: 0 });
            let broken = |e: std::io::Error| Error::runtime(format!("'{}' cannot be inflated: {e}", self.name));
            for block in out.chunks_mut(BLOCK) {
                reader.read_exact(block).map_err(broken)?;
                hasher.update(block);
            }
            if reader.read(&mut [0]).map_err(broken)? != 0 {
                return Err(Error::runtime(format!(
                    "'{}' inflates to more than the {} bytes it declares",
                    self.name, self.size
                )));
            }
        } else if self.crc.is_none() {
            return self.source.read_at(self.offset, out);
        } else {
            let mut at = self.offset;
            for block in out.chunks_mut(BLOCK) {
                self.source.read_at(at, block)?;
                hasher.update(block);
                at += block.len() as u64;
            }
        }
        match self.crc {
            Some(crc) if crc != hasher.finalize() => Err(Error::runtime(format!(
                "'{}' does not match its checksum: the file was altered or damaged",
                self.name
            ))),
            _ => Ok(()),
        }
    }

    /// The bytes as a new vector.
    pub fn read(&self) -> Result<Vec<u8>> {
        let too_large = || Error::runtime(format!("'{}' is too large for memory: {} bytes", self.name, self.size));
        let len = usize::try_from(self.size).map_err(|_| too_large())?;
        let mut out = Vec::new();
        out.try_reserve_exact(len).map_err(|_| too_large())?;
        out.resize(len, 0);
        self.read_into(&mut out)?;
        Ok(out)
    }

    /// The bytes in place, if they are in memory or mapped and not deflated. The checksum is not looked at.
    pub fn slice(&self) -> Option<&[u8]> {
        if self.deflated { None } else { self.source.slice(self.offset, self.size) }
    }

    /// The mapping and where in it these bytes lie, if the source is mapped and they are not deflated.
    pub fn mapping(&self) -> Option<(Arc<MmapRaw>, u64)> {
        if self.deflated { None } else { self.source.mapping().map(|(map, start)| (map, start + self.offset)) }
    }
}

/// Reads the packed bytes in order.
struct Part<'a> {
    record: &'a Record,
    at: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n = (self.record.packed - self.at).min(out.len() as u64) as usize;
        self.record
            .source
            .read_at(self.record.offset + self.at, &mut out[..n])
            .map_err(|e| std::io::Error::other(e.message().to_string()))?;
        self.at += n as u64;
        Ok(n)
    }
}
