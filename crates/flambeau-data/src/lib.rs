//! Flambeau's data sets: the IDX format, and MNIST and its kin on disk where torchvision keeps them; and a loader that gives
//! tensors in batches.
//!
//! Nothing here goes to the network: that would take a TLS stack larger than the rest of the crate. [`mnist::Family::resources`]
//! lists the addresses and checksums for whoever fetches the files.

pub mod idx;
pub mod loader;
pub mod mnist;

pub use idx::Idx;
pub use loader::DataLoader;
pub use mnist::{Family, Split};
