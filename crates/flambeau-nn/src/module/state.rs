//! State dicts: the tensors of a module by name, out and in.

use flambeau_tensor::autograd::no_grad;
use flambeau_tensor::{Error, Result, Tensor};

use super::{Module, Part};

/// Parameters and buffers by name, in the order in which the model has them.
pub type StateDict = Vec<(String, Tensor)>;

/// A parameter or a buffer.
pub(super) struct Entry<'a> {
    pub tensor: &'a Tensor,
    pub trained: bool,
    pub saved: bool,
}

/// All parameters and buffers, a shared one under each of its names; those of a module before those of its layers.
pub(super) fn entries<M: Module + ?Sized>(module: &M) -> Vec<(String, Entry<'_>)> {
    let parts = module.parts();
    let mut found = Vec::new();
    for (name, part) in parts.iter() {
        if let Part::Parameter(tensor) = part {
            found.push((name.to_string(), Entry { tensor, trained: true, saved: true }));
        }
    }
    for (name, part) in parts.iter() {
        if let Part::Buffer { tensor, persistent } = part {
            found.push((name.to_string(), Entry { tensor, trained: false, saved: persistent }));
        }
    }
    for (prefix, layer) in parts.layers() {
        found.extend(entries(layer).into_iter().map(|(name, entry)| (format!("{prefix}.{name}"), entry)));
    }
    found
}

/// What [`Module::load_state_dict`] does.
pub(super) fn load<M: Module + ?Sized>(module: &M, state: &[(String, Tensor)]) -> Result<()> {
    let own: Vec<_> = entries(module).into_iter().filter(|(_, entry)| entry.saved).collect();
    let (mut missing, mut pairs, mut mismatched) = (Vec::new(), Vec::new(), Vec::new());
    for (key, Entry { tensor, .. }) in &own {
        match state.iter().find(|(k, _)| k == key) {
            None => missing.push(key),
            Some((_, value)) if value.size() != tensor.size() => mismatched.push(format!(
                "size mismatch for {key}: copying a param with shape torch.Size({:?}) from checkpoint, the shape in current \
                 model is torch.Size({:?}).",
                value.size(),
                tensor.size()
            )),
            Some((_, value)) => pairs.push((*tensor, value)),
        }
    }
    let unexpected: Vec<&String> =
        state.iter().map(|(k, _)| k).filter(|k| !own.iter().any(|(name, _)| name == *k)).collect();
    let mut errors = Vec::new();
    for (what, keys) in [("Missing", missing), ("Unexpected", unexpected)] {
        if !keys.is_empty() {
            let quoted: Vec<String> = keys.iter().map(|k| format!("\"{k}\"")).collect();
            errors.push(format!("{what} key(s) in state_dict: {}. ", quoted.join(", ")));
        }
    }
    errors.extend(mismatched);
    if !errors.is_empty() {
        return Err(Error::runtime(format!(
            "Error(s) in loading state_dict for {}:\n\t{}",
            module.name(),
            errors.join("\n\t")
        )));
    }
    no_grad(|| pairs.into_iter().try_for_each(|(tensor, value)| tensor.copy_(value).map(drop)))
}
