//! safetensors, npy and npz.

use std::collections::BTreeMap;
use std::path::Path;

use flambeau_io::npz::{ArrayRef, Npz};
use flambeau_io::safetensors::{self, TensorRef};
use flambeau_io::{npy, npz};
use flambeau_nn::StateDict;
use flambeau_tensor::{DType, Layout, Result, Storage, Tensor};

/// A tensor's elements in row-major order.
struct Elements {
    name: String,
    dtype: DType,
    sizes: Vec<i64>,
    bytes: Vec<u8>,
}

fn elements(name: &str, tensor: &Tensor) -> Result<Elements> {
    let dense = tensor.detach().resolve()?.contiguous()?;
    let bytes = dense.element_bytes()?;
    Ok(Elements { name: name.to_string(), dtype: dense.dtype(), sizes: dense.size().to_vec(), bytes })
}

fn all(state: &[(String, Tensor)]) -> Result<Vec<Elements>> {
    state.iter().map(|(name, tensor)| elements(name, tensor)).collect()
}

/// Reads the tensors of a safetensors file by name, and the text that came with them.
///
/// ```
/// use flambeau::checkpoint::{load_safetensors, save_safetensors};
/// use flambeau::prelude::*;
///
/// let path = std::env::temp_dir().join(format!("flambeau-doc-{}.safetensors", std::process::id()));
/// let model = Linear::new(3, 2)?;
/// save_safetensors(&path, &model.state_dict(), &[("epoch", "3")])?;
/// let (state, text) = load_safetensors(&path)?;
/// model.load_state_dict(&state)?;
/// assert_eq!(text["epoch"], "3");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Error>(())
/// ```
pub fn load_safetensors(path: impl AsRef<Path>) -> Result<(StateDict, BTreeMap<String, String>)> {
    let file = safetensors::load(path)?;
    let mut state = Vec::with_capacity(file.tensors.len());
    for t in &file.tensors {
        let storage = Storage::filled(t.record.len() as usize, |out| t.record.read_into(out))?;
        state.push((t.name.clone(), Tensor::over(storage, Layout::contiguous(&t.sizes), t.dtype)?));
    }
    Ok((state, file.metadata))
}

/// Writes tensors by name, and text, as a safetensors file, which appears whole or not at all.
pub fn save_safetensors(path: impl AsRef<Path>, state: &[(String, Tensor)], metadata: &[(&str, &str)]) -> Result<()> {
    let held = all(state)?;
    let lent = held.iter().map(|e| TensorRef { name: &e.name, dtype: e.dtype, sizes: &e.sizes, bytes: &e.bytes });
    safetensors::save(path, &lent.collect::<Vec<_>>(), metadata)
}

fn tensor_of(array: &npy::Array) -> Result<Tensor> {
    let storage = Storage::filled(array.len() as usize, |out| array.read_into(out))?;
    let layout = Layout { sizes: array.sizes.as_slice().into(), strides: array.strides().as_slice().into(), offset: 0 };
    Tensor::over(storage, layout, array.dtype)
}

/// Reads an array that `numpy.save` wrote.
///
/// ```
/// use flambeau::checkpoint::{load_npy, save_npy};
/// use flambeau::prelude::*;
///
/// let path = std::env::temp_dir().join(format!("flambeau-doc-{}.npy", std::process::id()));
/// save_npy(&path, &tensor![[1., 2.], [3., 4.]])?;
/// assert_eq!(load_npy(&path)?.to_vec::<f32>()?, [1.0, 2.0, 3.0, 4.0]);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Error>(())
/// ```
pub fn load_npy(path: impl AsRef<Path>) -> Result<Tensor> {
    tensor_of(&npy::load(path)?)
}

/// Writes a tensor for `numpy.load`. The file appears whole or not at all.
pub fn save_npy(path: impl AsRef<Path>, tensor: &Tensor) -> Result<()> {
    let e = elements("array", tensor)?;
    npy::save(path, e.dtype, &e.sizes, false, &e.bytes)
}

/// Reads the arrays of an npz file by name.
pub fn load_npz(path: impl AsRef<Path>) -> Result<StateDict> {
    let file = Npz::open(path)?;
    file.names().into_iter().map(|name| Ok((name.to_string(), tensor_of(&file.get(name)?)?))).collect()
}

/// Writes tensors by name as `numpy.savez` does, or as `numpy.savez_compressed`. The file appears whole or not at all.
pub fn save_npz(path: impl AsRef<Path>, state: &[(String, Tensor)], compressed: bool) -> Result<()> {
    let held = all(state)?;
    let lent = held.iter().map(|e| ArrayRef {
        name: &e.name,
        dtype: e.dtype,
        sizes: &e.sizes,
        fortran_order: false,
        elements: &e.bytes,
    });
    npz::save(path, &lent.collect::<Vec<_>>(), compressed)
}
