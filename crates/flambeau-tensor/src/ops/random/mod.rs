//! Random numbers: from the same seed, PyTorch's.

use parking_lot::MutexGuard;

use crate::{Generator, default_generator};

pub mod create;
pub mod draw;
pub mod family;
pub mod fill;
pub mod like;
pub(crate) mod slopes;

/// The stream of a generator, or of the default one.
fn stream(generator: Option<&Generator>) -> MutexGuard<'_, flambeau_cpu::rng::Generator> {
    generator.unwrap_or(default_generator()).lock()
}
