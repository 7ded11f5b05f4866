//! Files that PyTorch, NumPy and the safetensors package read, and files that they wrote. Nothing in a file is run.
//!
//! [`save`] and [`load`] are for state dicts. A checkpoint may hold more: the state of an optimizer, numbers, nested lists and
//! dictionaries; these are read and written as a [`Value`].
//!
//! ```
//! use flambeau::{checkpoint, dict, prelude::*};
//!
//! let path = std::env::temp_dir().join(format!("flambeau-doc-checkpoint-{}.pt", std::process::id()));
//! let model = Linear::new(3, 2)?;
//! let groups = vec![dict! { "lr" => 0.1, "momentum" => 0.9 }];
//! let all = dict! { "model" => model.state_dict(), "epoch" => 3, "groups" => groups };
//! checkpoint::write(&path, &all)?; // torch.load reads it
//!
//! let back = checkpoint::read(&path)?; // as it reads what torch.save wrote
//! assert_eq!(back.get("epoch")?.int()?, 3);
//! assert_eq!(back.get("groups")?.at(0)?.get("lr")?.float()?, 0.1);
//! model.load_state_dict(&back.get("model")?.state_dict()?)?;
//! # std::fs::remove_file(&path)?;
//! # Ok::<(), Error>(())
//! ```

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use flambeau_io::{File, Payload, TensorRecord, torch_file};
use flambeau_nn::StateDict;
use flambeau_tensor::{Device, Error, Result, Storage, Tensor};

mod arrays;
mod state;
mod value;

pub use arrays::{load_npy, load_npz, load_safetensors, save_npy, save_npz, save_safetensors};
pub use value::Value;

/// Writes tensors by name to a `.pt` file, for [`load`] and for `torch.load`. Tensors that share memory share it in the file.
/// The file appears whole or not at all.
///
/// ```
/// use flambeau::prelude::*;
///
/// let path = std::env::temp_dir().join(format!("flambeau-doc-{}.pt", std::process::id()));
/// let (model, other) = (Linear::new(3, 2)?, Linear::new(3, 2)?);
/// flambeau::save(&path, &model.state_dict())?;
/// other.load_state_dict(&flambeau::load(&path)?)?;
/// assert_eq!(model.weight.to_vec::<f32>()?, other.weight.to_vec::<f32>()?);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Error>(())
/// ```
pub fn save(path: impl AsRef<Path>, state: &[(String, Tensor)]) -> Result<()> {
    for (i, (name, tensor)) in state.iter().enumerate() {
        if tensor.device() == Device::Meta {
            return Err(Error::not_implemented(format!(
                "save: '{name}' is on the meta device, it has no data to save"
            )));
        }
        if state[..i].iter().any(|(other, _)| other == name) {
            return Err(Error::value(format!("save: there are two tensors of the name '{name}'")));
        }
    }
    let items = state.iter().map(|(name, tensor)| (Value::from(name.as_str()), Value::Tensor(tensor.clone())));
    write(path, &Value::OrderedDict(items.collect()))
}

/// Reads the tensors by name from a `.pt` file that [`save`] or `torch.save(model.state_dict(), path)` wrote.
///
/// ```no_run
/// for (name, tensor) in flambeau::load("model.pt")? {
///     println!("{name}: {:?}", tensor.size());
/// }
/// # Ok::<(), flambeau::Error>(())
/// ```
pub fn load(path: impl AsRef<Path>) -> Result<StateDict> {
    let path = path.as_ref();
    let named =
        |e: Error| Error::new(e.kind(), format!("{}: {} (a state dict is wanted)", path.display(), e.message()));
    read(path)?.state_dict().map_err(named)
}

/// Writes any value to a `.pt` file, which appears whole or not at all. Tensors that share memory share it in the file.
pub fn write(path: impl AsRef<Path>, value: &Value) -> Result<()> {
    let mut writer = Writer::default();
    let root = value.to_file(&mut writer)?;
    torch_file::save(path, &root, &writer.storages)
}

/// Reads a `.pt` file: tensors, numbers, text, lists and dictionaries. What is neither of these is [`Value::Other`].
pub fn read(path: impl AsRef<Path>) -> Result<Value> {
    let file = torch_file::load(path)?;
    let mut reader = Reader { file: &file, storages: HashMap::new() };
    Value::from_file(&file.root, &mut reader)
}

/// Collects the storages of tensors, each once.
#[derive(Default)]
pub(crate) struct Writer {
    places: HashMap<usize, usize>,
    storages: Vec<Stored>,
}

/// The bytes that a storage had when it was listed: it may grow, never shrink.
struct Stored {
    storage: Storage,
    nbytes: usize,
}

impl Payload for Stored {
    fn nbytes(&self) -> u64 {
        self.nbytes as u64
    }
    fn blocks(&self, write: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.storage.blocks(self.nbytes, write)
    }
}

impl Writer {
    pub(crate) fn tensor(&mut self, tensor: &Tensor) -> Result<flambeau_io::Value> {
        if tensor.device() == Device::Meta {
            return Err(Error::not_implemented("save: a tensor of the meta device has no data to save"));
        }
        let storages = &mut self.storages;
        let storage = *self.places.entry(tensor.storage().id()).or_insert_with(|| {
            let storage = tensor.storage().clone();
            storages.push(Stored { nbytes: storage.nbytes(), storage });
            storages.len() - 1
        });
        Ok(flambeau_io::Value::Tensor(Arc::new(TensorRecord {
            sizes: tensor.size().to_vec(),
            strides: tensor.stride().to_vec(),
            offset: tensor.layout().offset,
            requires_grad: tensor.requires_grad(),
            conj: tensor.is_conj(),
            neg: tensor.is_neg(),
            ..TensorRecord::contiguous(storage, tensor.dtype(), &[])
        })))
    }
}

/// Reads storages when they are first needed; tensors share them as they did.
pub(crate) struct Reader<'a> {
    file: &'a File,
    storages: HashMap<usize, Storage>,
}

impl Reader<'_> {
    pub(crate) fn tensor(&mut self, record: &TensorRecord) -> Result<Tensor> {
        let storage = match self.storages.get(&record.storage) {
            Some(storage) => storage.clone(),
            None => {
                let data = self.file.storages.get(record.storage);
                let data = data.ok_or_else(|| Error::value("a tensor's storage is not in the file"))?;
                let nbytes = usize::try_from(data.len()).map_err(|_| Error::value("a storage is too large"))?;
                let storage = Storage::filled(nbytes, |out| data.read_into(out))?;
                self.storages.insert(record.storage, storage.clone());
                storage
            }
        };
        record.check(storage.nbytes() as u64)?;
        let mut tensor = Tensor::over(storage, record.layout(), record.dtype)?;
        if record.conj {
            tensor = tensor.conj()?;
        }
        if record.neg {
            tensor = tensor.neg_view()?;
        }
        tensor.requires_grad_(record.requires_grad)
    }
}
