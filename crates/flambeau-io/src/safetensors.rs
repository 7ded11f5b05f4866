//! Hugging Face's safetensors: a JSON header, then the bytes of the tensors.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write;
use std::path::Path;

use flambeau_types::{DType, Error, Result, numel};
use safetensors::tensor::{Dtype, Metadata, TensorInfo};

use crate::{AtomicFile, Record, Source};

/// A file that was read.
#[derive(Clone, Debug)]
pub struct SafeTensors {
    /// The tensors, in the order of their bytes.
    pub tensors: Vec<Tensor>,
    /// The text that came with them.
    pub metadata: BTreeMap<String, String>,
    /// Places in `tensors` by name.
    places: HashMap<String, usize>,
}

/// A tensor of a file: row-major, without gaps.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// The type of its elements.
    pub dtype: DType,
    /// The length of each dimension.
    pub sizes: Vec<i64>,
    /// Its bytes, little-endian.
    pub record: Record,
}

/// A tensor to be written. Its bytes are lent: row-major, without gaps, little-endian.
#[derive(Clone, Copy, Debug)]
pub struct TensorRef<'a> {
    /// Its name.
    pub name: &'a str,
    /// The type of its elements.
    pub dtype: DType,
    /// The length of each dimension.
    pub sizes: &'a [i64],
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Headers above this are refused, as by the reference implementation.
const MAX_HEADER: u64 = 100_000_000;

/// Reads a file's header; the tensors' bytes are read when asked for.
pub fn load(path: impl AsRef<Path>) -> Result<SafeTensors> {
    from_source(Source::open(path)?)
}

/// Reads from memory.
pub fn from_bytes(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<SafeTensors> {
    from_source(Source::memory(bytes))
}

/// Reads from any source.
pub fn from_source(source: Source) -> Result<SafeTensors> {
    let mut len = [0; 8];
    source.read_at(0, &mut len).map_err(|_| broken("header too small"))?;
    let len = u64::from_le_bytes(len);
    if len > MAX_HEADER {
        return Err(broken("header too large"));
    }
    let header = source.read_vec(8, len).map_err(|_| broken("invalid header length"))?;
    let header = std::str::from_utf8(&header).map_err(|e| broken(&format!("invalid UTF-8 in header: {e}")))?;
    if !header.starts_with('{') {
        return Err(broken("invalid start character in header, must start with `{`"));
    }
    // The crate's own conversion checks that the tensors lie side by side and that lengths match shapes.
    let parsed: Metadata = serde_json::from_str(header).map_err(|e| broken(&format!("invalid JSON in header: {e}")))?;
    let base = 8 + len;
    if (parsed.data_len() as u64).checked_add(base) != Some(source.len()) {
        return Err(broken("incomplete metadata, file not fully covered"));
    }
    let mut tensors = Vec::new();
    for name in parsed.offset_keys() {
        let Some(info) = parsed.info(&name) else { continue };
        let dtype = from_crate(info.dtype).ok_or_else(|| {
            Error::not_implemented(format!("tensor '{name}': safetensors dtype {:?} is not implemented", info.dtype))
        })?;
        let sizes: Option<Vec<i64>> = info.shape.iter().map(|&n| i64::try_from(n).ok()).collect();
        let sizes = sizes.ok_or_else(|| broken("a shape is too large"))?;
        let (start, end) = (info.data_offsets.0 as u64, info.data_offsets.1 as u64);
        let bytes = checked_numel(&sizes).and_then(|n| n.checked_mul(dtype.size() as u64));
        if bytes != end.checked_sub(start) {
            return Err(broken(&format!("tensor '{name}' has a shape that does not fit its bytes")));
        }
        let record = Record::new(&source, base + start, end - start, &name)?;
        tensors.push(Tensor { name, dtype, sizes, record });
    }
    let metadata = parsed.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
    let places = tensors.iter().enumerate().map(|(i, t): (usize, &Tensor)| (t.name.clone(), i)).collect();
    Ok(SafeTensors { tensors, metadata, places })
}

impl Tensor {
    /// The bytes of the rows from `start` to `end` along the first dimension; no others are read.
    pub fn rows(&self, start: i64, end: i64) -> Result<Record> {
        let rows = self.sizes.first().copied().unwrap_or(0);
        if start < 0 || end < start || end > rows {
            return Err(Error::new(
                flambeau_types::ErrorKind::Index,
                format!("tensor '{}' has {rows} rows, not rows {start} to {end}", self.name),
            ));
        }
        let row = if rows == 0 { 0 } else { self.record.len() / rows as u64 };
        self.record.part(start as u64 * row, (end - start) as u64 * row)
    }
}

impl SafeTensors {
    /// The tensor of a name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.places.get(name).map(|&i| &self.tensors[i])
    }
}

/// Saves tensors and text to a file, which appears whole or not at all.
///
/// ```
/// use flambeau_io::safetensors::{self, TensorRef};
/// use flambeau_types::DType;
///
/// let tensor = TensorRef { name: "w", dtype: DType::I16, sizes: &[2], bytes: &[1, 0, 2, 0] };
/// let mut bytes = Vec::new();
/// safetensors::write(&mut bytes, &[tensor], &[("format", "pt")])?;
/// let back = safetensors::from_bytes(bytes)?;
/// assert_eq!(back.get("w").unwrap().record.read()?, [1, 0, 2, 0]);
/// assert_eq!(back.metadata["format"], "pt");
/// # Ok::<(), flambeau_types::Error>(())
/// ```
pub fn save(path: impl AsRef<Path>, tensors: &[TensorRef<'_>], metadata: &[(&str, &str)]) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    write(&mut file, tensors, metadata)?;
    file.commit(true)
}

/// Writes tensors and text to anything that takes bytes.
pub fn write<W: Write>(mut out: W, tensors: &[TensorRef<'_>], metadata: &[(&str, &str)]) -> Result<()> {
    let mut order: Vec<&TensorRef<'_>> = tensors.iter().collect();
    // As the reference implementation: the widest types first, so that all are aligned, then by name.
    order.sort_by(|a, b| to_crate(b.dtype).cmp(&to_crate(a.dtype)).then(a.name.cmp(b.name)));
    let mut names = HashSet::new();
    let mut infos = Vec::with_capacity(order.len());
    let mut at = 0;
    for tensor in &order {
        let bytes = checked_numel(tensor.sizes).and_then(|n| n.checked_mul(tensor.dtype.size() as u64));
        if bytes != Some(tensor.bytes.len() as u64) {
            return Err(Error::value(format!(
                "tensor '{}' of shape {:?} and {} does not fit {} bytes",
                tensor.name,
                tensor.sizes,
                tensor.dtype,
                tensor.bytes.len()
            )));
        }
        if !names.insert(tensor.name) {
            return Err(Error::value(format!("two tensors are called '{}'", tensor.name)));
        }
        let dtype = to_crate(tensor.dtype)
            .ok_or_else(|| Error::not_implemented(format!("safetensors has no type for {}", tensor.dtype)))?;
        let end = at + tensor.bytes.len();
        let shape = tensor.sizes.iter().map(|&n| n as usize).collect();
        infos.push((tensor.name.to_string(), TensorInfo { dtype, shape, data_offsets: (at, end) }));
        at = end;
    }
    let text = metadata.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    let header = Metadata::new((!metadata.is_empty()).then_some(text), infos).map_err(|e| broken(&e.to_string()))?;
    let mut header = serde_json::to_vec(&header).map_err(|e| broken(&e.to_string()))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(&header)?;
    for tensor in order {
        out.write_all(tensor.bytes)?;
    }
    out.flush()?;
    Ok(())
}

fn checked_numel(sizes: &[i64]) -> Option<u64> {
    if sizes.iter().any(|&n| n < 0) {
        return None;
    }
    sizes.iter().try_fold(1i64, |n, &size| n.checked_mul(size.max(1)))?;
    Some(numel(sizes) as u64)
}

const TYPES: [(DType, Dtype); 11] = [
    (DType::Bool, Dtype::BOOL),
    (DType::U8, Dtype::U8),
    (DType::I8, Dtype::I8),
    (DType::I16, Dtype::I16),
    (DType::I32, Dtype::I32),
    (DType::I64, Dtype::I64),
    (DType::F16, Dtype::F16),
    (DType::BF16, Dtype::BF16),
    (DType::F32, Dtype::F32),
    (DType::F64, Dtype::F64),
    (DType::C64, Dtype::C64),
];

/// The name of a dtype in a safetensors file, such as `F32`; `?` if it has none.
pub fn type_name(dtype: DType) -> String {
    to_crate(dtype).map_or("?".into(), |name| format!("{name:?}"))
}

fn to_crate(dtype: DType) -> Option<Dtype> {
    TYPES.iter().find(|t| t.0 == dtype).map(|t| t.1)
}

fn from_crate(dtype: Dtype) -> Option<DType> {
    TYPES.iter().find(|t| t.1 == dtype).map(|t| t.0)
}

fn broken(why: &str) -> Error {
    Error::runtime(format!("Error while deserializing header: {why}"))
}
