//! One pool of threads and one way to use it: [`parallel_for`].

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

static WANTED: AtomicUsize = AtomicUsize::new(0);
static POOL: Mutex<Option<Pool>> = Mutex::new(None);

#[derive(Clone)]
struct Pool {
    pool: Arc<ThreadPool>,
    threads: usize,
    pid: u32,
}

/// The number of threads that kernels may use: what [`set_num_threads`] said, else `OMP_NUM_THREADS`, else one per core.
pub fn num_threads() -> usize {
    match WANTED.load(Relaxed) {
        0 => {
            let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
            let n =
                std::env::var("OMP_NUM_THREADS").ok().and_then(|v| v.parse().ok()).filter(|&n| n > 0).unwrap_or(cores);
            WANTED.store(n, Relaxed);
            n
        }
        n => n,
    }
}

/// Sets the number of threads; at least 1.
pub fn set_num_threads(n: usize) {
    WANTED.store(n.max(1), Relaxed);
}

/// The pool, made anew after a change of the number of threads and in a forked child (whose parent's threads are gone).
fn pool() -> Option<Arc<ThreadPool>> {
    let (threads, pid) = (num_threads(), std::process::id());
    let mut slot = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(p) = slot.as_ref()
        && p.threads == threads
        && p.pid == pid
    {
        return Some(p.pool.clone());
    }
    let pool =
        Arc::new(ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("flambeau-{i}")).build().ok()?);
    let old = slot.replace(Pool { pool: pool.clone(), threads, pid });
    if let Some(old) = old
        && old.pid != pid
    {
        // Joining threads that do not exist in this process would hang.
        std::mem::forget(old);
    }
    Some(pool)
}

/// Runs `body` over `range` in pieces of at least `grain`, on several threads if there is more than one piece. Choose a
/// grain worth tens of microseconds: less is slower than one thread.
pub fn parallel_for(range: Range<usize>, grain: usize, body: impl Fn(Range<usize>) + Sync) {
    let n = range.len();
    let grain = grain.max(1);
    if n <= grain || num_threads() == 1 || rayon::current_thread_index().is_some() {
        if n > 0 {
            body(range);
        }
        return;
    }
    let Some(pool) = pool() else { return body(range) };
    let pieces = num_threads().min(n.div_ceil(grain));
    let piece = n.div_ceil(pieces);
    let body = &body;
    pool.in_place_scope(|s| {
        for i in 1..pieces {
            let from = range.start + i * piece;
            let to = (from + piece).min(range.end);
            if from < to {
                s.spawn(move |_| body(from..to));
            }
        }
        body(range.start..range.start + piece);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_is_visited_once() {
        let n = 100_003;
        let seen: Vec<AtomicUsize> = (0..n).map(|_| AtomicUsize::new(0)).collect();
        parallel_for(0..n, 1000, |r| r.for_each(|i| _ = seen[i].fetch_add(1, Relaxed)));
        assert!(seen.iter().all(|s| s.load(Relaxed) == 1));
    }
}
