//! PyTorch's checkpoints: what `torch.save` writes and `torch.load(weights_only=True)` reads.
//!
//! Written files are PyTorch 2.15's, byte for byte but for the forty digits of the serialization id. Read are these, older
//! zip files, and the format from before 1.6 (pickles followed by raw storages). TorchScript archives are refused.

mod legacy;
mod load;
mod save;

pub use load::{from_bytes, from_source, load, load_with, pickle_of};
pub use save::{Options, save, save_with, to_bytes, write, write_legacy, write_with};
