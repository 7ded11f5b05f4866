//! Reading a zip archive.

use std::collections::HashMap;
use std::sync::Arc;

use flambeau_types::{Error, Result};

use crate::{Record, Source};

/// An archive's directory. Entries are checked when it is opened: each lies inside the file, none overlaps another, no name
/// is absolute or climbs out with `..`, and none appears twice.
#[derive(Debug)]
pub struct Archive {
    source: Source,
    entries: Vec<Entry>,
    index: HashMap<Arc<str>, usize>,
    len: u64,
}

/// An entry of an archive.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The name.
    pub name: Arc<str>,
    /// Where its local header lies.
    pub header_offset: u64,
    /// Where its bytes lie.
    pub data_offset: u64,
    /// The bytes it takes in the file.
    pub packed: u64,
    /// The bytes it gives.
    pub size: u64,
    /// True if it is deflated, false if stored.
    pub deflated: bool,
    /// The CRC-32 of its bytes.
    pub crc: u32,
}

/// All deflated entries together may inflate to this or to a hundred times the file, whichever is more.
const MAX_INFLATED: u64 = 4 << 30;
/// Deflate gives at most 1032 bytes for one.
const MAX_RATIO: u64 = 1032;
const END_LEN: u64 = 22;
const LOCATOR_LEN: u64 = 20;

impl Archive {
    /// True if the file begins as an archive does.
    pub fn is_archive(source: &Source) -> bool {
        let mut magic = [0; 4];
        source.read_at(0, &mut magic).is_ok() && magic == *b"PK\x03\x04"
    }

    /// Reads and checks the directory.
    pub fn open(source: Source) -> Result<Archive> {
        let directory = find_directory(&source)?;
        let bytes = source.read_vec(directory.offset, directory.size)?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut index = HashMap::new();
        let mut rest = bytes.as_slice();
        for _ in 0..directory.count {
            let (entry, after) = read_entry(rest)?;
            rest = after;
            check_name(&entry.name)?;
            if index.insert(entry.name.clone(), entries.len()).is_some() {
                return Err(broken(&format!("two entries are called '{}'", entry.name)));
            }
            entries.push(entry);
        }
        let mut inflated = 0u64;
        for entry in &mut entries {
            locate(&source, entry, directory.offset)?;
            if entry.deflated {
                if entry.size > entry.packed.saturating_mul(MAX_RATIO) {
                    return Err(broken(&format!(
                        "'{}' declares {} bytes, more than its {} can inflate to",
                        entry.name, entry.size, entry.packed
                    )));
                }
                inflated = inflated.saturating_add(entry.size);
            } else if entry.packed != entry.size {
                return Err(broken(&format!("'{}' is stored, yet declares two lengths", entry.name)));
            }
        }
        if inflated > MAX_INFLATED.max(source.len().saturating_mul(100)) {
            return Err(broken(&format!(
                "its compressed entries would take {inflated} bytes, from a file of {}",
                source.len()
            )));
        }
        let mut order: Vec<&Entry> = entries.iter().collect();
        order.sort_by_key(|e| e.header_offset);
        for pair in order.windows(2) {
            if pair[0].data_offset + pair[0].packed > pair[1].header_offset {
                return Err(broken(&format!("'{}' and '{}' overlap", pair[0].name, pair[1].name)));
            }
        }
        Ok(Archive { source, entries, index, len: directory.end })
    }

    /// The bytes that the archive takes from the front of its source: another file may follow.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// True if it has no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries, in the order of the directory.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of a name.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.index.get(name).map(|&i| &self.entries[i])
    }

    /// The bytes of an entry of this archive, to be read when wanted.
    pub fn record(&self, entry: &Entry) -> Record {
        Record {
            source: self.source.clone(),
            offset: entry.data_offset,
            packed: entry.packed,
            size: entry.size,
            deflated: entry.deflated,
            // PyTorch can be told not to compute checksums (`set_crc32_options`) and then writes zeros.
            crc: (entry.crc != 0).then_some(entry.crc),
            name: entry.name.clone(),
        }
    }

    /// The bytes of the entry of a name.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        match self.get(name) {
            Some(entry) => self.record(entry).read(),
            None => Err(Error::runtime(format!("PytorchStreamReader failed locating file {name}: file not found"))),
        }
    }
}

struct Directory {
    offset: u64,
    size: u64,
    count: u64,
    /// Where the record that ends the archive begins.
    end_at: u64,
    /// Where the archive ends.
    end: u64,
    /// Whether the directory lies right before the records that end the archive.
    fits: bool,
}

/// Finds the directory by the record that ends the archive. It is the file's last, but for a comment of up to 64 KiB; where
/// several archives were written to a file one after another, the first is meant.
fn find_directory(source: &Source) -> Result<Directory> {
    let tail_len = source.len().min(END_LEN + 0xFFFF);
    let tail_at = source.len() - tail_len;
    let tail = source.read_vec(tail_at, tail_len)?;
    let is_end = |i: usize| {
        tail[i..].starts_with(b"PK\x05\x06") && i + END_LEN as usize + u16_at(&tail, i + 20) as usize == tail.len()
    };
    let last = (0..(tail.len() + 1).saturating_sub(END_LEN as usize)).rev().find(|&i| is_end(i));
    let directory = match last.map(|i| read_end(source, tail_at + i as u64)) {
        Some(Ok(directory)) if directory.fits => directory,
        other => match (find_first(source)?, other) {
            (Some(first), _) => first,
            (None, Some(Ok(directory))) => directory,
            (None, Some(Err(e))) => return Err(e),
            (None, None) => return Err(missing()),
        },
    };
    if directory.offset.checked_add(directory.size).is_none_or(|end| end > directory.end_at) {
        return Err(broken("its directory lies outside the file"));
    }
    // A directory entry takes at least 46 bytes.
    if directory.count > directory.size / 46 {
        return Err(broken("it declares more entries than its directory can hold"));
    }
    Ok(directory)
}

/// The first record in a file that ends an archive which began where the file begins.
fn find_first(source: &Source) -> Result<Option<Directory>> {
    const BLOCK: u64 = 1 << 20;
    let mut at = 0;
    while at + END_LEN <= source.len() {
        // Blocks overlap, so that no record is cut.
        let block = source.read_vec(at, (BLOCK + END_LEN).min(source.len() - at))?;
        let mut i = 0;
        while let Some(found) = block[i..].iter().position(|&b| b == b'P') {
            i += found;
            if i as u64 + END_LEN > block.len() as u64 || i as u64 >= BLOCK {
                break;
            }
            if block[i..].starts_with(b"PK\x05\x06")
                && let Ok(directory) = read_end(source, at + i as u64)
                && directory.fits
            {
                return Ok(Some(directory));
            }
            i += 1;
        }
        at += BLOCK;
    }
    Ok(None)
}

/// Reads the record that ends an archive, and the wider one before it if there is one.
fn read_end(source: &Source, end_at: u64) -> Result<Directory> {
    let end = source.read_vec(end_at, END_LEN).map_err(|_| missing())?;
    let mut directory = Directory {
        count: u16_at(&end, 10) as u64,
        size: u32_at(&end, 12) as u64,
        offset: u32_at(&end, 16) as u64,
        end_at,
        end: end_at + END_LEN + u16_at(&end, 20) as u64,
        fits: false,
    };
    let (disk, start_disk) = (u16_at(&end, 4), u16_at(&end, 6));
    if (disk, start_disk) != (0, 0) && (disk, start_disk) != (0xFFFF, 0xFFFF) {
        return Err(broken("it is split over several disks"));
    }
    let mut follows = end_at;
    if end_at >= LOCATOR_LEN {
        let locator = source.read_vec(end_at - LOCATOR_LEN, LOCATOR_LEN)?;
        if locator.starts_with(b"PK\x06\x07") {
            let wide_at = u64_at(&locator, 8);
            let wide = source.read_vec(wide_at, 56).map_err(|_| missing())?;
            if !wide.starts_with(b"PK\x06\x06") {
                return Err(missing());
            }
            directory.count = u64_at(&wide, 32);
            directory.size = u64_at(&wide, 40);
            directory.offset = u64_at(&wide, 48);
            // Else it belongs to another archive in the file, at the place that this one's has in its own.
            let near =
                wide_at.checked_add(12).and_then(|at| at.checked_add(u64_at(&wide, 4))) == Some(end_at - LOCATOR_LEN);
            follows = if near { wide_at } else { u64::MAX };
        }
    }
    directory.fits = directory.offset.checked_add(directory.size) == Some(follows) && directory.end <= source.len();
    Ok(directory)
}

fn missing() -> Error {
    Error::runtime(
        "PytorchStreamReader failed reading zip archive: failed finding central directory (the file is truncated or is not a \
         zip archive)",
    )
}

/// Parses one directory entry and gives what follows it.
fn read_entry(bytes: &[u8]) -> Result<(Entry, &[u8])> {
    let cut = || broken("its directory is cut short");
    if bytes.len() < 46 {
        return Err(cut());
    }
    if !bytes.starts_with(b"PK\x01\x02") {
        return Err(broken("its directory is damaged"));
    }
    let (name_len, extra_len, comment_len) =
        (u16_at(bytes, 28) as usize, u16_at(bytes, 30) as usize, u16_at(bytes, 32) as usize);
    let total = 46 + name_len + extra_len + comment_len;
    if bytes.len() < total {
        return Err(cut());
    }
    let name = std::str::from_utf8(&bytes[46..46 + name_len]).map_err(|_| broken("an entry's name is not UTF-8"))?;
    if u16_at(bytes, 8) & 1 != 0 {
        return Err(broken(&format!("'{name}' is encrypted")));
    }
    let deflated = match u16_at(bytes, 10) {
        0 => false,
        8 => true,
        other => return Err(broken(&format!("'{name}' uses compression method {other}, which is not supported"))),
    };
    let mut packed = u32_at(bytes, 20) as u64;
    let mut size = u32_at(bytes, 24) as u64;
    let mut header_offset = u32_at(bytes, 42) as u64;
    // The zip64 field holds those of the three that did not fit, in this order.
    let mut extra = &bytes[46 + name_len..46 + name_len + extra_len];
    while extra.len() >= 4 {
        let (id, len) = (u16_at(extra, 0), u16_at(extra, 2) as usize);
        let field = extra.get(4..4 + len).ok_or_else(|| broken("an extra field is cut short"))?;
        if id == 1 {
            let mut at = 0;
            for value in [&mut size, &mut packed, &mut header_offset] {
                if *value == u32::MAX as u64 {
                    if at + 8 > field.len() {
                        return Err(broken("a zip64 field is cut short"));
                    }
                    *value = u64_at(field, at);
                    at += 8;
                }
            }
        }
        extra = &extra[4 + len..];
    }
    let entry =
        Entry { name: name.into(), header_offset, data_offset: 0, packed, size, deflated, crc: u32_at(bytes, 16) };
    Ok((entry, &bytes[total..]))
}

/// Finds where the entry's bytes begin, and checks that they end before the directory.
fn locate(source: &Source, entry: &mut Entry, directory_at: u64) -> Result<()> {
    let outside = |e: &Entry| broken(&format!("'{}' lies outside the file", e.name));
    let mut header = [0; 30];
    if entry.header_offset.checked_add(30).is_none_or(|end| end > directory_at) {
        return Err(outside(entry));
    }
    source.read_at(entry.header_offset, &mut header)?;
    if !header.starts_with(b"PK\x03\x04") {
        return Err(broken(&format!("'{}' has no header where the directory says", entry.name)));
    }
    entry.data_offset = entry.header_offset + 30 + u16_at(&header, 26) as u64 + u16_at(&header, 28) as u64;
    if entry.data_offset.checked_add(entry.packed).is_none_or(|end| end > directory_at) {
        return Err(outside(entry));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<()> {
    let absolute = name.starts_with(['/', '\\']) || name.as_bytes().get(1) == Some(&b':');
    if name.is_empty() || absolute || name.contains('\0') || name.split(['/', '\\']).any(|part| part == "..") {
        return Err(broken(&format!("an entry has the unsafe name '{}'", name.escape_default())));
    }
    Ok(())
}

fn broken(why: &str) -> Error {
    Error::runtime(format!("PytorchStreamReader failed reading zip archive: {why}"))
}

fn u16_at(b: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([b[at], b[at + 1]])
}

fn u32_at(b: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]])
}

fn u64_at(b: &[u8], at: usize) -> u64 {
    u32_at(b, at) as u64 | (u32_at(b, at + 4) as u64) << 32
}
