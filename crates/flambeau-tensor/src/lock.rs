//! The lock on a storage: many readers or one writer, in one word.
//!
//! It is held for the length of a kernel only, so waiting is a short spin, then giving way. Nothing is done under it
//! that could take another lock but the ones taken together, in the order of their addresses.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU32, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU32, Ordering};

const WRITER: u32 = 1 << 31;

/// A reader/writer lock without data: the storage beside it is what it guards.
#[derive(Debug)]
pub struct RawLock(AtomicU32);

impl Default for RawLock {
    fn default() -> RawLock {
        RawLock(AtomicU32::new(0))
    }
}

impl RawLock {
    /// Takes the lock, to read or to write.
    #[inline]
    pub fn lock(&self, write: bool) {
        if !self.try_lock(write) {
            self.wait(write);
        }
    }

    #[inline]
    fn try_lock(&self, write: bool) -> bool {
        if write {
            self.0.compare_exchange(0, WRITER, Ordering::Acquire, Ordering::Relaxed).is_ok()
        } else {
            let state = self.0.load(Ordering::Relaxed);
            state < WRITER - 1
                && self.0.compare_exchange(state, state + 1, Ordering::Acquire, Ordering::Relaxed).is_ok()
        }
    }

    #[cold]
    fn wait(&self, write: bool) {
        let mut tries = 0;
        while !self.try_lock(write) {
            tries += 1;
            #[cfg(loom)]
            loom::thread::yield_now();
            #[cfg(not(loom))]
            if tries < 100 {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }

    /// Gives the lock back; `write` as it was taken.
    #[inline]
    pub fn unlock(&self, write: bool) {
        if write {
            self.0.store(0, Ordering::Release);
        } else {
            self.0.fetch_sub(1, Ordering::Release);
        }
    }
}

#[cfg(all(test, loom))]
mod tests {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;

    struct Guarded {
        lock: RawLock,
        value: UnsafeCell<u32>,
    }

    // SAFETY: the lock guards the value, which is what the test checks.
    unsafe impl Sync for Guarded {}

    #[test]
    fn writers_exclude_everyone() {
        loom::model(|| {
            let g = Arc::new(Guarded { lock: RawLock::default(), value: UnsafeCell::new(0) });
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let g = g.clone();
                    loom::thread::spawn(move || {
                        g.lock.lock(true);
                        // SAFETY: under the write lock.
                        g.value.with_mut(|v| unsafe { *v += 1 });
                        g.lock.unlock(true);
                    })
                })
                .collect();
            g.lock.lock(false);
            // SAFETY: under the read lock.
            g.value.with(|v| assert!(unsafe { *v } <= 2));
            g.lock.unlock(false);
            threads.into_iter().for_each(|t| t.join().unwrap());
            g.lock.lock(false);
            // SAFETY: under the read lock.
            g.value.with(|v| assert_eq!(unsafe { *v }, 2));
            g.lock.unlock(false);
        });
    }
}
