//! Flambeau's data sets: [`Dataset`] and what makes batches of its samples, the IDX format, and MNIST and its kin on disk where
//! torchvision keeps them.
//!
//! Nothing here goes to the network: that would take a TLS stack larger than the rest of the crate. [`mnist::Family::resources`]
//! lists the addresses and checksums for whoever fetches the files.

pub mod dataset;
pub mod idx;
pub mod loader;
pub mod mnist;
pub mod sampler;

pub use dataset::{Collate, ConcatDataset, Dataset, Subset, TensorDataset, lengths_of, random_split};
pub use idx::Idx;
pub use loader::DataLoader;
pub use mnist::{Family, Split};
pub use sampler::{RandomSampler, Sampler, SequentialSampler, SubsetRandomSampler, WeightedRandomSampler};
