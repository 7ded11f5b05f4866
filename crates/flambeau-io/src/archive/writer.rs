//! Writing a zip archive.

use std::io::Write;

use flambeau_types::{Error, Result};
use flate2::Compression;
use flate2::write::DeflateEncoder;

use crate::Payload;

/// How records are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As PyTorch: stored, the bytes aligned by padding in an `FB` extra field, lengths in a descriptor after the bytes.
    Torch,
    /// As NumPy's `savez`: stored, lengths in the header.
    Stored,
    /// As NumPy's `savez_compressed`: deflated.
    Deflated,
}

/// Writes an archive from front to back, to anything that takes bytes.
pub struct ArchiveWriter<W: Write> {
    out: W,
    at: u64,
    style: Style,
    alignment: u64,
    checksums: bool,
    directory: Vec<u8>,
    count: u64,
    /// The names and checksums seen, folded into one number.
    fold: u64,
    fold_crc: u64,
}

const WIDE: u64 = u32::MAX as u64;

impl<W: Write> ArchiveWriter<W> {
    /// Starts an archive. PyTorch aligns to 64 bytes; other styles do not align.
    pub fn new(out: W, style: Style) -> ArchiveWriter<W> {
        let alignment = 64;
        ArchiveWriter {
            out,
            at: 0,
            style,
            alignment,
            checksums: true,
            directory: Vec::new(),
            count: 0,
            fold: 0xcbf2_9ce4_8422_2325,
            fold_crc: 0,
        }
    }

    /// Whether records of PyTorch's style carry checksums; zeros stand for none.
    pub fn checksums(mut self, checksums: bool) -> Self {
        self.checksums = checksums;
        self
    }

    /// Where the bytes of records of PyTorch's style begin: on a multiple of this.
    pub fn alignment(mut self, alignment: u64) -> Result<Self> {
        if alignment == 0 || alignment > 1 << 15 {
            return Err(Error::value(format!("records cannot be aligned to {alignment} bytes: 1 to 32768")));
        }
        self.alignment = alignment;
        Ok(self)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Adds an entry whose bytes are these parts, one after another.
    pub fn add<P: Payload>(&mut self, name: &str, parts: &[P]) -> Result<()> {
        if name.len() > u16::MAX as usize {
            return Err(Error::value(format!("an archive's entry cannot have a name of {} bytes", name.len())));
        }
        let size: u64 = parts.iter().map(Payload::nbytes).sum();
        let mut hasher = crc32fast::Hasher::new();
        let deflated = self.style == Style::Deflated;
        let mut packed_bytes = Vec::new();
        // PyTorch's writer takes the checksum as it goes and puts it behind the bytes; the others need it before.
        if self.style != Style::Torch {
            for part in parts {
                part.blocks(&mut |block| {
                    hasher.update(block);
                    Ok(())
                })?;
            }
        }
        if deflated {
            let mut encoder = DeflateEncoder::new(&mut packed_bytes, Compression::default());
            for part in parts {
                part.blocks(&mut |block| Ok(encoder.write_all(block)?))?;
            }
            encoder.finish()?;
        }
        let packed = if deflated { packed_bytes.len() as u64 } else { size };
        let header_at = self.at;
        let wide = size >= WIDE || packed >= WIDE || header_at >= WIDE;
        let mut zip64 = Vec::new();
        if wide {
            let both = size >= WIDE || packed >= WIDE;
            let fields: Vec<u64> = match (both, header_at >= WIDE) {
                (true, true) => vec![size, packed, header_at],
                (true, false) => vec![size, packed],
                _ => vec![header_at],
            };
            zip64.extend_from_slice(&1u16.to_le_bytes());
            zip64.extend_from_slice(&(fields.len() as u16 * 8).to_le_bytes());
            fields.iter().for_each(|f| zip64.extend_from_slice(&f.to_le_bytes()));
        }
        let torch = self.style == Style::Torch;
        let mut extra = zip64.clone();
        if torch {
            let start = header_at + 30 + name.len() as u64 + extra.len() as u64 + 4;
            let padding = start.next_multiple_of(self.alignment) - start;
            extra.extend_from_slice(b"FB");
            extra.extend_from_slice(&(padding as u16).to_le_bytes());
            extra.resize(extra.len() + padding as usize, b'Z');
        }
        let has_descriptor = torch && size > 0;
        // Bit 11: the name is UTF-8. Bit 3: lengths and checksum follow the bytes.
        let flags: u16 = 0x0800 | if has_descriptor { 8 } else { 0 };
        let version: u16 = if torch {
            0
        } else if wide {
            45
        } else {
            20
        };
        let method: u16 = if deflated { 8 } else { 0 };
        let date: u16 = if torch { 0 } else { 0x21 }; // 1 January 1980, as NumPy writes
        let early =
            if torch { (0, 0, 0) } else { (hasher.clone().finalize(), packed.min(WIDE) as u32, size.min(WIDE) as u32) };

        let mut header = Vec::with_capacity(30 + name.len() + extra.len());
        header.extend_from_slice(b"PK\x03\x04");
        for field in [version, flags, method, 0, date] {
            header.extend_from_slice(&field.to_le_bytes());
        }
        for field in [early.0, early.1, early.2] {
            header.extend_from_slice(&field.to_le_bytes());
        }
        header.extend_from_slice(&(name.len() as u16).to_le_bytes());
        header.extend_from_slice(&(extra.len() as u16).to_le_bytes());
        header.extend_from_slice(name.as_bytes());
        header.extend_from_slice(&extra);
        self.put(&header)?;
        if deflated {
            self.put(&packed_bytes)?;
        } else {
            let start = self.at;
            for part in parts {
                // A block is checksummed right before it is written, while it is in cache for both.
                part.blocks(&mut |block| {
                    if torch && self.checksums {
                        hasher.update(block);
                    }
                    self.put(block)
                })?;
            }
            if self.at - start != size {
                return Err(Error::runtime(format!("'{name}' gave {} bytes, not its {size}", self.at - start)));
            }
        }
        let crc = if size == 0 || (torch && !self.checksums) { 0 } else { hasher.finalize() };
        if has_descriptor {
            let mut descriptor = Vec::with_capacity(24);
            descriptor.extend_from_slice(b"PK\x07\x08");
            descriptor.extend_from_slice(&crc.to_le_bytes());
            if wide {
                descriptor.extend_from_slice(&packed.to_le_bytes());
                descriptor.extend_from_slice(&size.to_le_bytes());
            } else {
                descriptor.extend_from_slice(&(packed as u32).to_le_bytes());
                descriptor.extend_from_slice(&(size as u32).to_le_bytes());
            }
            self.put(&descriptor)?;
        }

        let d = &mut self.directory;
        d.extend_from_slice(b"PK\x01\x02");
        for field in [version, version, flags, method, 0, date] {
            d.extend_from_slice(&field.to_le_bytes());
        }
        for field in [crc, packed.min(WIDE) as u32, size.min(WIDE) as u32] {
            d.extend_from_slice(&field.to_le_bytes());
        }
        for field in [name.len() as u16, zip64.len() as u16, 0, 0, 0, 0, 0] {
            d.extend_from_slice(&field.to_le_bytes());
        }
        d.extend_from_slice(&(header_at.min(WIDE) as u32).to_le_bytes());
        d.extend_from_slice(name.as_bytes());
        d.extend_from_slice(&zip64);
        self.count += 1;
        for byte in name.bytes() {
            self.fold = (self.fold ^ byte as u64).wrapping_mul(0x100_0000_01b3);
        }
        self.fold_crc = self.fold_crc.rotate_left(5).wrapping_add(crc as u64);
        Ok(())
    }

    /// Forty digits that differ between archives whose names or bytes differ.
    pub fn fingerprint(&self) -> String {
        format!("{:020}{:020}", self.fold, self.fold_crc)
    }

    /// Writes the directory and gives the output back.
    pub fn finish(mut self) -> Result<W> {
        let directory = std::mem::take(&mut self.directory);
        let (offset, size, count) = (self.at, directory.len() as u64, self.count);
        self.put(&directory)?;
        if self.style == Style::Torch || offset + size >= WIDE || count >= 0xFFFF {
            let wide_at = self.at;
            let mut wide = Vec::with_capacity(76);
            wide.extend_from_slice(b"PK\x06\x06");
            wide.extend_from_slice(&44u64.to_le_bytes());
            wide.extend_from_slice(&0x031Eu16.to_le_bytes());
            wide.extend_from_slice(&45u16.to_le_bytes());
            wide.extend_from_slice(&[0; 8]);
            for field in [count, count, size, offset] {
                wide.extend_from_slice(&field.to_le_bytes());
            }
            wide.extend_from_slice(b"PK\x06\x07");
            wide.extend_from_slice(&0u32.to_le_bytes());
            wide.extend_from_slice(&wide_at.to_le_bytes());
            wide.extend_from_slice(&1u32.to_le_bytes());
            self.put(&wide)?;
        }
        let mut end = Vec::with_capacity(22);
        end.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        end.extend_from_slice(&(count.min(0xFFFF) as u16).to_le_bytes());
        end.extend_from_slice(&(count.min(0xFFFF) as u16).to_le_bytes());
        end.extend_from_slice(&(size.min(WIDE) as u32).to_le_bytes());
        end.extend_from_slice(&(offset.min(WIDE) as u32).to_le_bytes());
        end.extend_from_slice(&[0, 0]);
        self.put(&end)?;
        self.out.flush()?;
        Ok(self.out)
    }
}
