//! Flambeau's files: PyTorch checkpoints (`.pt`, `.pth`), safetensors, and NumPy's npy and npz.
//!
//! Nothing here runs code from a file. PyTorch's checkpoints are pickles, which in Python may call anything; the reader in
//! [`pickle`] knows a short list of names and refuses every other by name. Declared sizes are compared with what the file
//! holds before memory is taken, so a truncated, altered or hostile file ends in an [`Error`](flambeau_types::Error).
//!
//! ```
//! use flambeau_io::torch_file;
//! use flambeau_io::{TensorRecord, Value};
//! use flambeau_types::DType;
//!
//! let bytes: Vec<u8> = [1.0f32, 2.0, 3.0].iter().flat_map(|x| x.to_le_bytes()).collect();
//! let weight = Value::tensor(TensorRecord::contiguous(0, DType::F32, &[3]));
//! let root = Value::ordered_dict([(Value::str("weight"), weight)]);
//!
//! let file = torch_file::to_bytes(&root, &[&bytes], "model")?;
//! let back = torch_file::from_bytes(file)?;
//! let record = back.root.get("weight").and_then(Value::as_tensor).unwrap();
//! assert_eq!(record.sizes, [3]);
//! assert_eq!(back.storages[record.storage].read()?, bytes);
//! # Ok::<(), flambeau_types::Error>(())
//! ```

pub mod archive;
pub mod atomic;
pub mod npy;
pub mod npz;
pub mod pickle;
pub mod record;
pub mod safetensors;
pub mod source;
pub mod torch_file;
pub mod value;

pub use atomic::AtomicFile;
pub use record::{Payload, Record};
pub use source::Source;
pub use value::{File, Object, OrderedDict, StorageData, StorageId, TensorRecord, Value};
