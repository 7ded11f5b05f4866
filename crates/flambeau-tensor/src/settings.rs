//! Settings of the whole process.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use crate::{DType, Error, Result};

static DEFAULT_DTYPE: AtomicU8 = AtomicU8::new(DType::F32 as u8);

/// The dtype of new floating-point tensors (`torch.get_default_dtype`).
#[inline]
pub fn default_dtype() -> DType {
    DType::ALL[DEFAULT_DTYPE.load(Relaxed) as usize]
}

/// Sets the dtype of new floating-point tensors (`torch.set_default_dtype`).
pub fn set_default_dtype(dtype: DType) -> Result<()> {
    if !dtype.is_floating() {
        return Err(Error::type_("only floating-point types are supported as the default type"));
    }
    DEFAULT_DTYPE.store(dtype as u8, Relaxed);
    Ok(())
}
