//! Python's pickle, restricted to data.
//!
//! [`load`] is a stack machine over protocols 2 to 5 that knows a closed list of globals (the list that PyTorch's
//! `weights_only` loading knows) and never imports, calls or builds anything else. Names that the caller allows beyond these
//! come back as a description, [`Value::Object`]. [`dump`] writes protocol 2 in the shape that
//! `torch.save` gives.

mod arguments;
mod globals;
mod opcode;
mod pickler;
mod rebuild;
mod resolve;
mod scan;
mod unpickler;

use flambeau_types::{DType, Error, Result};

use crate::{StorageId, Value};

pub use globals::unsupported;
pub use pickler::{Dumped, Keys, dump, dump_with};
pub use scan::globals_in;

/// A pickle's request for a storage: the persistent id `("storage", type, key, location, numel)`.
#[derive(Clone, Copy, Debug)]
pub struct StorageRequest<'a> {
    /// The key in the file.
    pub key: &'a str,
    /// Where it lay when saved, such as `cpu`.
    pub location: &'a str,
    /// The type that it was saved as.
    pub dtype: DType,
    /// Its length in elements, at least 0.
    pub numel: i64,
}

/// Finds the storages that a pickle names.
pub trait Storages {
    /// The number of a storage; the same key gives the same number.
    fn storage(&mut self, request: StorageRequest<'_>) -> Result<StorageId>;
    /// The length in bytes of a storage that [`Storages::storage`] gave.
    fn nbytes(&self, id: StorageId) -> u64;
}

/// No storages at all, for pickles without tensors.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStorages;

impl Storages for NoStorages {
    fn storage(&mut self, _: StorageRequest<'_>) -> Result<StorageId> {
        Err(refuse("unsupported persistent id encountered"))
    }

    fn nbytes(&self, _: StorageId) -> u64 {
        0
    }
}

/// Names beyond the built-in list that a pickle may hold, as `torch.serialization.add_safe_globals` adds them. What they make
/// is described, never made: the caller decides.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    names: std::collections::HashSet<String>,
    prefixes: Vec<String>,
    encoding: Encoding,
}

/// How the text of Python 2 is read, which was bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// As UTF-8.
    #[default]
    Utf8,
    /// Each byte as the character of its number.
    Latin1,
    /// Not as text: bytes stay bytes.
    Bytes,
}

impl Allowed {
    /// Allows these full names, such as `__main__.Config`.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Allowed {
        Allowed { names: names.into_iter().map(Into::into).collect(), ..Allowed::default() }
    }

    /// These names too: all that begin so. Whoever makes objects of the descriptions has to judge the whole name.
    pub fn prefixes(mut self, prefixes: &[String]) -> Allowed {
        self.prefixes = prefixes.to_vec();
        self
    }

    /// The same names, with another reading of Python 2's text.
    pub fn encoding(mut self, encoding: Encoding) -> Allowed {
        self.encoding = encoding;
        self
    }

    /// True if a name is allowed.
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains(name) || self.prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    }
}

/// Reads one pickle from the front of `bytes`, and says how many bytes it took.
///
/// ```
/// use flambeau_io::pickle::{self, Allowed, NoStorages};
/// let (value, len) = pickle::load(b"\x80\x02]q\x00(K\x01K\x02e.", &mut NoStorages, &Allowed::default())?;
/// assert_eq!(value.as_slice().map(<[_]>::len), Some(2));
/// assert_eq!(len, 12);
///
/// let attack = b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.";
/// let error = pickle::load(attack, &mut NoStorages, &Allowed::default()).unwrap_err();
/// assert!(error.message().contains("GLOBAL os.system whose module os is blocked"));
/// # Ok::<(), flambeau_types::Error>(())
/// ```
pub fn load(bytes: &[u8], storages: &mut dyn Storages, allowed: &Allowed) -> Result<(Value, usize)> {
    unpickler::Unpickler::new(bytes, storages, allowed).run()
}

/// True for a name that is known without being allowed.
pub fn is_built_in(name: &str) -> bool {
    let (module, name) = name.rsplit_once('.').unwrap_or(("", name));
    match globals::find(module, name, &Allowed::default()) {
        Ok(_) => true,
        // Known to PyTorch, and not implemented here.
        Err(e) => !is_unpickling_error(&e),
    }
}

/// True if an error is what PyTorch raises as `pickle.UnpicklingError`.
pub fn is_unpickling_error(error: &Error) -> bool {
    error.message().starts_with(REFUSED)
}

const REFUSED: &str = "Weights only load failed. ";

/// The error for a pickle that holds more than data.
#[cold]
pub(crate) fn refuse(why: &str) -> Error {
    Error::runtime(format!(
        "{REFUSED}Flambeau runs no code from a file, with `weights_only=False` neither: it reads tensors, containers and plain \
         values, and refuses the rest by name.\n\tWeightsUnpickler error: {why}\n\nCheck the documentation of torch.load to learn \
         more about types accepted by default with weights_only https://pytorch.org/docs/stable/generated/torch.load.html."
    ))
}
