//! NumPy's npy: one array.

use std::io::Write;
use std::path::Path;

use flambeau_types::{DType, Error, Result, contiguous_strides};

use crate::{AtomicFile, Record, Source};

/// An array that was read: its header, and where its elements lie.
#[derive(Clone, Debug)]
pub struct Array {
    /// The type of its elements.
    pub dtype: DType,
    /// The length of each dimension.
    pub sizes: Vec<i64>,
    /// True if the first dimension varies fastest.
    pub fortran_order: bool,
    record: Record,
    big_endian: bool,
}

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Headers above this are refused: they are a few dozen bytes.
const MAX_HEADER: u64 = 1 << 20;

/// Opens a file; its elements are read when asked for.
pub fn load(path: impl AsRef<Path>) -> Result<Array> {
    from_source(&Source::open(path)?)
}

/// Reads from memory.
pub fn from_bytes(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Array> {
    from_source(&Source::memory(bytes))
}

/// Reads from any source.
pub fn from_source(source: &Source) -> Result<Array> {
    parse(source, 0, source.len(), "array")
}

/// Reads the array that takes `len` bytes at `offset`.
pub(crate) fn parse(source: &Source, offset: u64, len: u64, name: &str) -> Result<Array> {
    let broken = |why: &str| Error::value(format!("'{name}' is not an npy file: {why}"));
    let mut start = [0; 12];
    let head = (len.min(12)) as usize;
    source.read_at(offset, &mut start[..head])?;
    if !start.starts_with(MAGIC) {
        return Err(broken("the magic string is not correct"));
    }
    let (prefix, header_len) = match start[6] {
        1 => (10, u16::from_le_bytes([start[8], start[9]]) as u64),
        2 | 3 => (12, u32::from_le_bytes([start[8], start[9], start[10], start[11]]) as u64),
        other => return Err(broken(&format!("format version {other} is not supported"))),
    };
    if header_len > MAX_HEADER || prefix + header_len > len {
        return Err(broken("the header is longer than the file"));
    }
    let header = source.read_vec(offset + prefix, header_len)?;
    // Versions 1 and 2 are Latin-1, 3 is UTF-8; the headers of plain dtypes are ASCII in all of them.
    let header = std::str::from_utf8(&header).map_err(|_| broken("the header is not ASCII"))?;
    let header = Header::parse(header).map_err(|why| broken(&why))?;
    let (dtype, big_endian) = dtype_of(&header.descr)?;
    let mut bytes = dtype.size() as u64;
    for &n in &header.shape {
        bytes = u64::try_from(n)
            .ok()
            .and_then(|n| bytes.checked_mul(n.max(1)))
            .ok_or_else(|| broken("the shape is too large"))?;
    }
    if header.shape.contains(&0) {
        bytes = 0;
    }
    if bytes > len - prefix - header_len {
        return Err(broken(&format!("shape {:?} of {dtype} does not fit the file", header.shape)));
    }
    let record = Record::new(source, offset + prefix + header_len, bytes, name)?;
    Ok(Array { dtype, sizes: header.shape, fortran_order: header.fortran_order, record, big_endian })
}

impl Array {
    /// The steps between elements, in elements.
    pub fn strides(&self) -> Vec<i64> {
        if !self.fortran_order {
            return contiguous_strides(&self.sizes).to_vec();
        }
        let reversed: Vec<i64> = self.sizes.iter().rev().copied().collect();
        contiguous_strides(&reversed).iter().rev().copied().collect()
    }

    /// The number of bytes of its elements.
    pub fn len(&self) -> u64 {
        self.record.len()
    }

    /// True if it has no elements.
    pub fn is_empty(&self) -> bool {
        self.record.is_empty()
    }

    /// Reads the elements, little-endian, in the file's order (see [`Array::strides`]).
    pub fn read_into(&self, out: &mut [u8]) -> Result<()> {
        self.record.read_into(out)?;
        if self.big_endian {
            let unit = if self.dtype.is_complex() { self.dtype.size() / 2 } else { self.dtype.size() };
            out.chunks_exact_mut(unit).for_each(<[u8]>::reverse);
        }
        Ok(())
    }

    /// The elements as a new vector.
    pub fn read(&self) -> Result<Vec<u8>> {
        let mut out = self.record.read()?;
        if self.big_endian {
            let unit = if self.dtype.is_complex() { self.dtype.size() / 2 } else { self.dtype.size() };
            out.chunks_exact_mut(unit).for_each(<[u8]>::reverse);
        }
        Ok(out)
    }
}

/// The bytes before the elements, as NumPy writes them.
pub fn header(dtype: DType, sizes: &[i64], fortran_order: bool) -> Result<Vec<u8>> {
    let shape = match sizes {
        [n] => format!("({n},)"),
        _ => format!("({})", sizes.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")),
    };
    let order = if fortran_order { "True" } else { "False" };
    let mut text = format!("{{'descr': '{}', 'fortran_order': {order}, 'shape': {shape}, }}", descr(dtype)?);
    // NumPy leaves room for the growing axis to reach 21 digits in place.
    let growing = if fortran_order { sizes.last() } else { sizes.first() };
    if let Some(n) = growing {
        text.push_str(&" ".repeat(21usize.saturating_sub(n.to_string().len())));
    }
    let wide = text.len() + 64 > u16::MAX as usize;
    let prefix = if wide { 12 } else { 10 };
    let total = (prefix + text.len() + 1).next_multiple_of(64);
    text.push_str(&" ".repeat(total - prefix - text.len() - 1));
    text.push('\n');
    let mut out = Vec::with_capacity(total);
    out.extend_from_slice(MAGIC);
    if wide {
        out.extend_from_slice(&[2, 0]);
        out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    } else {
        out.extend_from_slice(&[1, 0]);
        out.extend_from_slice(&(text.len() as u16).to_le_bytes());
    }
    out.extend_from_slice(text.as_bytes());
    Ok(out)
}

/// Writes an array to anything that takes bytes. The elements are little-endian and in the order that is said.
///
/// ```
/// use flambeau_io::npy;
/// use flambeau_types::DType;
///
/// let mut file = Vec::new();
/// npy::write(&mut file, DType::I32, &[2], false, &[1, 0, 0, 0, 2, 0, 0, 0])?;
/// let array = npy::from_bytes(file)?;
/// assert_eq!((array.dtype, array.sizes.as_slice()), (DType::I32, [2].as_slice()));
/// assert_eq!(array.read()?, [1, 0, 0, 0, 2, 0, 0, 0]);
/// # Ok::<(), flambeau_types::Error>(())
/// ```
pub fn write<W: Write>(mut out: W, dtype: DType, sizes: &[i64], fortran_order: bool, elements: &[u8]) -> Result<()> {
    check_len(dtype, sizes, elements)?;
    out.write_all(&header(dtype, sizes, fortran_order)?)?;
    out.write_all(elements)?;
    out.flush()?;
    Ok(())
}

/// Saves an array to a file, which appears whole or not at all.
pub fn save(path: impl AsRef<Path>, dtype: DType, sizes: &[i64], fortran_order: bool, elements: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    write(&mut file, dtype, sizes, fortran_order, elements)?;
    file.commit(true)
}

pub(crate) fn check_len(dtype: DType, sizes: &[i64], elements: &[u8]) -> Result<()> {
    let bytes = sizes.iter().try_fold(dtype.size() as i64, |n, &size| n.checked_mul(size).filter(|_| size >= 0));
    if bytes == Some(elements.len() as i64) {
        return Ok(());
    }
    Err(Error::value(format!("an array of shape {sizes:?} and {dtype} does not fit {} bytes", elements.len())))
}

fn descr(dtype: DType) -> Result<&'static str> {
    Ok(match dtype {
        DType::Bool => "|b1",
        DType::U8 => "|u1",
        DType::I8 => "|i1",
        DType::I16 => "<i2",
        DType::I32 => "<i4",
        DType::I64 => "<i8",
        DType::F16 => "<f2",
        DType::F32 => "<f4",
        DType::F64 => "<f8",
        DType::C64 => "<c8",
        DType::C128 => "<c16",
        DType::BF16 => return Err(Error::type_("Got unsupported ScalarType BFloat16")),
    })
}

/// The dtype of a descriptor, and whether its bytes are to be swapped.
fn dtype_of(text: &str) -> Result<(DType, bool)> {
    let (order, name) = match text.split_at_checked(1) {
        Some((order @ ("<" | ">" | "|" | "="), name)) => (order, name),
        _ => ("=", text),
    };
    let dtype = match name {
        "b1" | "?" => DType::Bool,
        "u1" => DType::U8,
        "i1" => DType::I8,
        "i2" => DType::I16,
        "i4" => DType::I32,
        "i8" => DType::I64,
        "f2" => DType::F16,
        "f4" => DType::F32,
        "f8" => DType::F64,
        "c8" => DType::C64,
        "c16" => DType::C128,
        _ if name.starts_with('O') => {
            return Err(Error::value(
                "Object arrays cannot be loaded: they are pickles, and nothing here runs code from a file",
            ));
        }
        _ => {
            return Err(Error::type_(format!(
                "can't convert np.ndarray of type '{text}'. The only supported types are: float64, float32, float16, complex64, \
                 complex128, int64, int32, int16, int8, uint8, and bool."
            )));
        }
    };
    Ok((dtype, order == ">" && dtype.size() > 1))
}

/// The dictionary of a header, which is a Python literal.
struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<i64>,
}

impl Header {
    fn parse(text: &str) -> std::result::Result<Header, String> {
        let mut rest = text.trim().strip_prefix('{').ok_or("the header is not a dictionary")?.trim_start();
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        while !rest.starts_with('}') {
            let (key, after) = quoted(rest)?;
            rest = after.trim_start().strip_prefix(':').ok_or("a key without a value")?.trim_start();
            match key {
                "descr" => {
                    if rest.starts_with('[') {
                        return Err("structured arrays are not supported".into());
                    }
                    let (value, after) = quoted(rest)?;
                    descr = Some(value.to_string());
                    rest = after;
                }
                "fortran_order" => {
                    let (value, after) = match (rest.strip_prefix("True"), rest.strip_prefix("False")) {
                        (Some(after), _) => (true, after),
                        (_, Some(after)) => (false, after),
                        _ => return Err("fortran_order is neither True nor False".into()),
                    };
                    fortran_order = Some(value);
                    rest = after;
                }
                "shape" => {
                    let (inner, after) =
                        rest.strip_prefix('(').and_then(|r| r.split_once(')')).ok_or("the shape is not a tuple")?;
                    let sizes = inner.split(',').map(str::trim).filter(|n| !n.is_empty());
                    // Python 2 wrote long integers with an L.
                    let sizes: Option<Vec<i64>> =
                        sizes.map(|n| n.trim_end_matches('L').parse().ok().filter(|&n: &i64| n >= 0)).collect();
                    shape = Some(sizes.filter(|s| s.len() <= 64).ok_or("the shape holds something else than sizes")?);
                    rest = after;
                }
                other => return Err(format!("the header has the unknown key '{}'", other.escape_default())),
            }
            rest = rest.trim_start();
            rest = rest.strip_prefix(',').map_or(rest, str::trim_start);
        }
        match (descr, fortran_order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) => Ok(Header { descr, fortran_order, shape }),
            _ => Err("the header lacks descr, fortran_order or shape".into()),
        }
    }
}

fn quoted(text: &str) -> std::result::Result<(&str, &str), String> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"')).ok_or("the header is damaged")?;
    text[1..].split_once(quote).ok_or_else(|| "a string without an end".into())
}
