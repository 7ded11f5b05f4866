//! IDX, the format of MNIST's files: a magic number, big-endian sizes, big-endian elements; plain or in gzip.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Write};
use std::path::Path;

use flambeau_tensor::{Layout, Storage, Tensor, contiguous_strides};
use flambeau_types::{DType, Error, ErrorKind, Result};
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

/// An array that was read, or is to be written.
///
/// ```
/// use flambeau_data::Idx;
/// use flambeau_types::DType;
///
/// let idx = Idx { dtype: DType::I16, sizes: vec![2, 1], bytes: vec![1, 0, 2, 0] };
/// let file = idx.to_bytes()?;
/// assert_eq!(file[..4], [0, 0, 0x0B, 2]);
/// assert_eq!(Idx::from_bytes(&file)?, idx);
/// # Ok::<(), flambeau_types::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    /// The type of its elements: uint8, int8, int16, int32, float32 or float64.
    pub dtype: DType,
    /// The length of each dimension.
    pub sizes: Vec<i64>,
    /// The elements, row-major and in the machine's byte order.
    pub bytes: Vec<u8>,
}

const TYPES: [(u8, DType); 6] = [
    (0x08, DType::U8),
    (0x09, DType::I8),
    (0x0B, DType::I16),
    (0x0C, DType::I32),
    (0x0D, DType::F32),
    (0x0E, DType::F64),
];

impl Idx {
    /// Reads a file, plain or in gzip: its first bytes tell which.
    pub fn read(path: impl AsRef<Path>) -> Result<Idx> {
        let path = path.as_ref();
        let named = |e: Error| Error::new(e.kind(), format!("{}: {}", path.display(), e.message()));
        let file = File::open(path).map_err(|e| Error::new(ErrorKind::Io, format!("{e}: '{}'", path.display())))?;
        let len = file.metadata()?.len();
        read_any(BufReader::new(file), len).map_err(named)
    }

    /// Reads from memory, plain or in gzip.
    pub fn from_bytes(bytes: &[u8]) -> Result<Idx> {
        read_any(Cursor::new(bytes), bytes.len() as u64)
    }

    /// The file's bytes, plain.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(self.bytes.len() + 4 + 4 * self.sizes.len());
        self.encode(&mut out)?;
        Ok(out)
    }

    /// Writes a file, in gzip if the name ends in `.gz`.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let mut file =
            File::create(path).map_err(|e| Error::new(ErrorKind::Io, format!("{e}: '{}'", path.display())))?;
        if path.extension().is_some_and(|e| e == "gz") {
            let mut encoder = GzEncoder::new(file, Compression::default());
            self.encode(&mut encoder)?;
            encoder.finish()?;
        } else {
            self.encode(&mut file)?;
        }
        Ok(())
    }

    /// The number of elements.
    pub fn numel(&self) -> i64 {
        self.sizes.iter().product()
    }

    fn encode(&self, out: &mut impl Write) -> Result<()> {
        let code = TYPES.iter().find(|t| t.1 == self.dtype).map(|t| t.0);
        let code = code.ok_or_else(|| Error::type_(format!("an IDX file cannot hold {}", self.dtype)))?;
        let rank = u8::try_from(self.sizes.len()).ok().filter(|&n| n > 0);
        let rank =
            rank.ok_or_else(|| Error::value(format!("an IDX file cannot have {} dimensions", self.sizes.len())))?;
        if byte_len(&self.sizes, self.dtype) != Some(self.bytes.len() as u64) {
            return Err(Error::value(format!(
                "shape {:?} of {} does not fit {} bytes",
                self.sizes,
                self.dtype,
                self.bytes.len()
            )));
        }
        out.write_all(&[0, 0, code, rank])?;
        for &n in &self.sizes {
            let n =
                u32::try_from(n).map_err(|_| Error::value(format!("an IDX file cannot have a dimension of {n}")))?;
            out.write_all(&n.to_be_bytes())?;
        }
        if self.dtype.size() == 1 {
            out.write_all(&self.bytes)?;
        } else {
            let mut swapped = self.bytes.clone();
            to_or_from_big_endian(&mut swapped, self.dtype.size());
            out.write_all(&swapped)?;
        }
        Ok(())
    }

    /// The array as a tensor of its dtype and shape.
    ///
    /// ```
    /// use flambeau_data::Idx;
    /// use flambeau_tensor::DType;
    /// let idx = Idx { dtype: DType::U8, sizes: vec![2, 2], bytes: vec![1, 2, 3, 4] };
    /// assert_eq!(idx.to_tensor()?.to_vec::<u8>()?, [1, 2, 3, 4]);
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    pub fn to_tensor(&self) -> Result<Tensor> {
        let layout =
            Layout { sizes: self.sizes.as_slice().into(), strides: contiguous_strides(&self.sizes), offset: 0 };
        Tensor::over(Storage::from_bytes(&self.bytes)?, layout, self.dtype)
    }
}

/// Looks at the first bytes and reads on accordingly. `len` is the file's length.
fn read_any(mut input: impl std::io::BufRead, len: u64) -> Result<Idx> {
    if input.fill_buf()?.starts_with(&[0x1F, 0x8B]) {
        // Deflate gives at most 1032 bytes for one, so that no header can ask for more than the file could hold.
        decode(GzDecoder::new(input), len.saturating_mul(1032))
    } else {
        decode(input, len)
    }
}

fn decode(mut input: impl Read, limit: u64) -> Result<Idx> {
    let short = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => Error::value("not an IDX file: it is cut short"),
        _ => Error::value(format!("the file is damaged: {e}")),
    };
    let mut magic = [0; 4];
    input.read_exact(&mut magic).map_err(short)?;
    let dtype = TYPES.iter().find(|t| t.0 == magic[2]).map(|t| t.1);
    let (Some(dtype), [0, 0, _, rank @ 1..=255]) = (dtype, magic) else {
        return Err(Error::value(format!("not an IDX file: it begins with {magic:02x?}")));
    };
    let mut sizes = Vec::with_capacity(rank as usize);
    for _ in 0..rank {
        let mut size = [0; 4];
        input.read_exact(&mut size).map_err(short)?;
        sizes.push(u32::from_be_bytes(size) as i64);
    }
    let len = byte_len(&sizes, dtype)
        .filter(|&len| len <= limit)
        .ok_or_else(|| Error::value(format!("the file declares shape {sizes:?} of {dtype}, which it cannot hold")))?;
    let len = usize::try_from(len).map_err(|_| Error::value("the file is too large for memory"))?;
    // Read as it comes, rather than trusting the header with memory.
    let mut bytes = Vec::with_capacity(len.min(64 << 20));
    input.by_ref().take(len as u64).read_to_end(&mut bytes).map_err(short)?;
    if bytes.len() != len {
        return Err(Error::value(format!(
            "the file is cut short: shape {sizes:?} takes {len} bytes, it has {}",
            bytes.len()
        )));
    }
    if input.read(&mut [0]).map_err(short)? != 0 {
        return Err(Error::value(format!("the file has more bytes than the {len} of its shape {sizes:?}")));
    }
    to_or_from_big_endian(&mut bytes, dtype.size());
    Ok(Idx { dtype, sizes, bytes })
}

fn byte_len(sizes: &[i64], dtype: DType) -> Option<u64> {
    sizes.iter().try_fold(dtype.size() as u64, |len, &n| len.checked_mul(u64::try_from(n).ok()?))
}

fn to_or_from_big_endian(bytes: &mut [u8], size: usize) {
    if cfg!(target_endian = "little") && size > 1 {
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
}
