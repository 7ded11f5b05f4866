//! Zip archives, as `.pt` and `.npz` files are: a reader that trusts nothing, and a writer that lays records out as
//! PyTorch does (stored, aligned, so that a storage can be mapped from the file).

mod reader;
mod writer;

pub use reader::{Archive, Entry};
pub use writer::{ArchiveWriter, Style};
