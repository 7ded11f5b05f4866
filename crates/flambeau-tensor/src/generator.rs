//! Sources of random numbers.

use std::sync::{Arc, LazyLock};

use flambeau_cpu::rng;
use parking_lot::{Mutex, MutexGuard};

use crate::Result;

/// A stream of random numbers (`torch.Generator`): clones share it. Operators take one, or use [`default_generator`].
#[derive(Clone)]
pub struct Generator(Arc<Mutex<rng::Generator>>);

static DEFAULT: LazyLock<Generator> = LazyLock::new(Generator::new);

/// PyTorch's seed for a generator that nobody seeded.
const DEFAULT_SEED: u64 = 67_280_421_310_721;

impl Default for Generator {
    fn default() -> Generator {
        Generator::new()
    }
}

impl Generator {
    /// A new stream with PyTorch's default seed.
    pub fn new() -> Generator {
        Generator(Arc::new(Mutex::new(rng::Generator::new(DEFAULT_SEED))))
    }

    /// Begins the stream of a seed.
    pub fn manual_seed(&self, seed: u64) {
        self.lock().manual_seed(seed);
    }

    /// Its whole state, as `torch.Generator.get_state` lays it out (5056 bytes).
    pub fn state(&self) -> Vec<u8> {
        self.lock().get_state()
    }

    /// Takes up a state from [`Generator::state`] or from PyTorch.
    pub fn set_state(&self, state: &[u8]) -> Result<()> {
        self.lock().set_state(state)
    }

    /// The stream itself, for kernels.
    pub fn lock(&self) -> MutexGuard<'_, rng::Generator> {
        self.0.lock()
    }

    /// True if both are one stream.
    pub fn is(&self, other: &Generator) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The stream that operators use when given none.
pub fn default_generator() -> &'static Generator {
    &DEFAULT
}

/// Seeds the default stream: the same seed gives PyTorch's numbers.
///
/// ```
/// flambeau_tensor::manual_seed(7);
/// let x = flambeau_tensor::ops::randn(&[1, 3])?;
/// assert_eq!(format!("{x}"), "tensor([[-0.1468,  0.7861,  0.9468]])");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub fn manual_seed(seed: u64) {
    DEFAULT.manual_seed(seed);
}
