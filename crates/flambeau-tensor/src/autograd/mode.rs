//! Whether operators are recorded, a setting of each thread.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Whether the walk backwards looks for NaN, in all threads.
static CHECK_NAN: AtomicBool = AtomicBool::new(false);

/// True if a walk backwards stops at the first gradient that is not a number.
pub fn checks_nan() -> bool {
    CHECK_NAN.load(Relaxed)
}

/// Says whether walks backwards stop at the first gradient that is not a number (`torch.autograd.set_detect_anomaly`).
pub fn set_checks_nan(on: bool) {
    CHECK_NAN.store(on, Relaxed);
}

thread_local! {
    static GRAD_ENABLED: Cell<bool> = const { Cell::new(true) };
}

/// True if operators are recorded for differentiation.
#[inline]
pub fn grad_enabled() -> bool {
    GRAD_ENABLED.get()
}

/// Sets whether operators are recorded, until set again.
pub fn set_grad_enabled(on: bool) {
    GRAD_ENABLED.set(on);
}

/// A span of code with recording on or off; the former state comes back when it is dropped.
pub struct GradMode {
    before: bool,
}

impl GradMode {
    /// Sets recording until this is dropped.
    pub fn set(on: bool) -> GradMode {
        GradMode { before: GRAD_ENABLED.replace(on) }
    }
}

impl Drop for GradMode {
    fn drop(&mut self) {
        GRAD_ENABLED.set(self.before);
    }
}

/// Runs `f` without recording (`torch.no_grad`).
///
/// ```
/// use flambeau_tensor::{Tensor, autograd::no_grad};
/// let w = Tensor::of(&[1.0f32], &[1])?.requires_grad_(true)?;
/// assert!(!no_grad(|| w.mul(2.0))?.requires_grad());
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub fn no_grad<T>(f: impl FnOnce() -> T) -> T {
    let _mode = GradMode::set(false);
    f()
}

/// Runs `f` with recording, inside a [`no_grad`] too.
pub fn enable_grad<T>(f: impl FnOnce() -> T) -> T {
    let _mode = GradMode::set(true);
    f()
}
