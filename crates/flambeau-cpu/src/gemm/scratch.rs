//! Working memory of the kernels: each thread keeps one buffer and lends it out.

use std::cell::Cell;

/// A cache line, so that buffers are aligned for every vector.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([u8; 64]);

/// More than this is given back after use.
const KEEP: usize = (4 << 20) / 64;

thread_local! {
    static KEPT: [Cell<Vec<Line>>; 3] = const { [Cell::new(Vec::new()), Cell::new(Vec::new()), Cell::new(Vec::new())] };
}

/// Which of a thread's buffers: a kernel that calls another must not lose its own to it.
#[derive(Clone, Copy)]
pub(crate) enum Slot {
    /// For packed operands, inside a product.
    Pack = 0,
    /// For what calls products: image patches, widened operands.
    Outer = 1,
    /// For the parts of complex products, inside which `Outer` is used too.
    Complex = 2,
}

/// Runs `body` with an uncleared buffer of `n` elements of a plain number type. A nested call for the same slot works but
/// allocates.
pub(crate) fn with<T: Copy, R>(slot: Slot, n: usize, body: impl FnOnce(*mut T) -> R) -> R {
    let lines = (n * size_of::<T>()).div_ceil(64);
    let mut buffer = KEPT.try_with(|k| k[slot as usize].take()).unwrap_or_default();
    if buffer.len() < lines {
        // Not resize: the old contents need no copy.
        buffer = vec![Line([0; 64]); lines];
    }
    let result = body(buffer.as_mut_ptr().cast());
    if buffer.len() <= KEEP {
        // Without the thread-local (at thread exit) the buffer is simply freed.
        _ = KEPT.try_with(|k| k[slot as usize].set(buffer));
    }
    result
}
