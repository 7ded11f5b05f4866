//! State dicts in files that PyTorch reads, and from files that it wrote.

use std::collections::HashMap;
use std::path::Path;

use flambeau_io::{TensorRecord, Value, torch_file};
use flambeau_nn::StateDict;
use flambeau_tensor::{Device, Error, Result, Storage, Tensor};

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
    let mut places: HashMap<usize, usize> = HashMap::new();
    let mut storages: Vec<Vec<u8>> = Vec::new();
    let mut items = Vec::with_capacity(state.len());
    for (i, (name, tensor)) in state.iter().enumerate() {
        if tensor.device() == Device::Meta {
            return Err(Error::not_implemented(format!(
                "save: '{name}' is on the meta device, it has no data to save"
            )));
        }
        if state[..i].iter().any(|(other, _)| other == name) {
            return Err(Error::value(format!("save: there are two tensors of the name '{name}'")));
        }
        let storage = *places.entry(tensor.storage().id()).or_insert_with(|| {
            storages.push(tensor.storage().to_bytes());
            storages.len() - 1
        });
        let record = TensorRecord {
            storage,
            dtype: tensor.dtype(),
            sizes: tensor.size().to_vec(),
            strides: tensor.stride().to_vec(),
            offset: tensor.layout().offset,
            requires_grad: tensor.requires_grad(),
            is_parameter: false,
            conj: tensor.is_conj(),
            neg: tensor.is_neg(),
            attributes: None,
        };
        items.push((Value::str(name), Value::tensor(record)));
    }
    let lent: Vec<&[u8]> = storages.iter().map(Vec::as_slice).collect();
    torch_file::save(path, &Value::ordered_dict(items), &lent)
}

/// Reads the tensors by name from a `.pt` file that [`save`] or `torch.save(model.state_dict(), path)` wrote. Nothing in the
/// file is run.
///
/// ```no_run
/// for (name, tensor) in flambeau::load("model.pt")? {
///     println!("{name}: {:?}", tensor.size());
/// }
/// # Ok::<(), flambeau::Error>(())
/// ```
pub fn load(path: impl AsRef<Path>) -> Result<StateDict> {
    let path = path.as_ref();
    let file = torch_file::load(path)?;
    let other = |what: &str| Error::value(format!("{}: {what} (a state dict is wanted)", path.display()));
    let items = file.root.items().ok_or_else(|| other("the file holds no dictionary"))?;
    let mut storages: HashMap<usize, Storage> = HashMap::new();
    let mut state = Vec::with_capacity(items.len());
    for (key, value) in items {
        let name = key.as_str().ok_or_else(|| other("a key of the dictionary is not text"))?;
        let record = value.as_tensor().ok_or_else(|| other(&format!("'{name}' is not a tensor")))?;
        let storage = match storages.get(&record.storage) {
            Some(storage) => storage.clone(),
            None => {
                let data = file.storages.get(record.storage);
                let data = data.ok_or_else(|| other(&format!("the storage of '{name}' is not in the file")))?;
                let storage = Storage::from_bytes(&data.read()?)?;
                storages.insert(record.storage, storage.clone());
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
        state.push((name.to_string(), tensor.requires_grad_(record.requires_grad)?));
    }
    Ok(state)
}
