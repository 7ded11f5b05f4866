//! NumPy's npz: several arrays in a zip archive.

use std::io::Write;
use std::path::Path;

use flambeau_types::{DType, Error, Result};

use crate::archive::{Archive, ArchiveWriter, Style};
use crate::{AtomicFile, Source, npy};

/// An archive that was opened; arrays are read when asked for.
#[derive(Debug)]
pub struct Npz {
    archive: Archive,
}

/// An array to be written. Its elements are lent.
#[derive(Clone, Copy, Debug)]
pub struct ArrayRef<'a> {
    /// Its name, without `.npy`.
    pub name: &'a str,
    /// The type of its elements.
    pub dtype: DType,
    /// The length of each dimension.
    pub sizes: &'a [i64],
    /// True if the first dimension varies fastest.
    pub fortran_order: bool,
    /// The elements, little-endian.
    pub elements: &'a [u8],
}

impl Npz {
    /// Opens a file.
    pub fn open(path: impl AsRef<Path>) -> Result<Npz> {
        Npz::from_source(Source::open(path)?)
    }

    /// Opens any source.
    pub fn from_source(source: Source) -> Result<Npz> {
        Ok(Npz { archive: Archive::open(source)? })
    }

    /// The names of the arrays, in the file's order.
    pub fn names(&self) -> Vec<&str> {
        self.archive.entries().iter().filter_map(|e| e.name.strip_suffix(".npy")).collect()
    }

    /// The array of a name.
    pub fn get(&self, name: &str) -> Result<npy::Array> {
        let entry = self.archive.get(&format!("{name}.npy"));
        let entry = entry.ok_or_else(|| {
            Error::new(flambeau_types::ErrorKind::Index, format!("{name} is not a file in the archive"))
        })?;
        let record = self.archive.record(entry);
        // A checksum covers the whole entry, so the entry is read whole; without copying if it is in memory already.
        npy::parse(&Source::memory(record.read()?), 0, record.len(), name)
    }
}

/// Writes arrays as `numpy.savez` does, or as `savez_compressed`.
///
/// ```
/// use flambeau_io::npz::{self, ArrayRef, Npz};
/// use flambeau_io::Source;
/// use flambeau_types::DType;
///
/// let x = ArrayRef { name: "x", dtype: DType::U8, sizes: &[3], fortran_order: false, elements: &[7, 8, 9] };
/// let file = npz::write(Vec::new(), &[x], true)?;
/// assert_eq!(Npz::from_source(Source::memory(file))?.get("x")?.read()?, [7, 8, 9]);
/// # Ok::<(), flambeau_types::Error>(())
/// ```
pub fn write<W: Write>(out: W, arrays: &[ArrayRef<'_>], compressed: bool) -> Result<W> {
    let style = if compressed { Style::Deflated } else { Style::Stored };
    let mut archive = ArchiveWriter::new(out, style);
    for (i, array) in arrays.iter().enumerate() {
        if arrays[..i].iter().any(|a| a.name == array.name) {
            return Err(Error::value(format!("two arrays are called '{}'", array.name)));
        }
        npy::check_len(array.dtype, array.sizes, array.elements)?;
        let header = npy::header(array.dtype, array.sizes, array.fortran_order)?;
        archive.add(&format!("{}.npy", array.name), &[&header[..], array.elements])?;
    }
    archive.finish()
}

/// Saves arrays to a file, which appears whole or not at all.
pub fn save(path: impl AsRef<Path>, arrays: &[ArrayRef<'_>], compressed: bool) -> Result<()> {
    write(AtomicFile::create(path)?, arrays, compressed)?.commit(true)
}
