//! Splitting elementwise work between threads by what it costs.

use std::ops::Range;
use std::time::Instant;

use crate::threads::{num_threads, parallel_for};

/// Work up to this many elements runs on the calling thread without a look at the clock.
pub const SMALL: usize = 16 * 1024;

/// Nanoseconds of work that are worth another thread.
const WORTH: u64 = 25_000;

/// Runs `body` over the indices `0..n`, on several threads if they take long enough. How long differs a hundredfold between an
/// addition and a logarithm of the gamma function, and again with where the memory lies, so the first few indices are
/// timed instead of guessed.
pub(crate) fn split_by_cost(n: usize, body: impl Fn(Range<usize>) + Sync) {
    if n <= SMALL || num_threads() == 1 || rayon::current_thread_index().is_some() {
        return body(0..n);
    }
    let probe = SMALL / 8;
    let start = Instant::now();
    body(0..probe);
    let spent = start.elapsed().as_nanos() as u64 + 1;
    let worth = probe as u64 * WORTH / spent;
    parallel_for(probe..n, (worth as usize).max(1024), body);
}
