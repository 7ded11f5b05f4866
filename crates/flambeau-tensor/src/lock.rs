//! The lock on a storage: many readers or one writer, in one word.
//!
//! It is held for the length of a kernel only, so waiting is a short spin, then giving way. Nothing is done under it
//! that could take another lock but the ones taken together, in the order of their addresses.

#[cfg(all(test, loom))]
use loom::sync::atomic::{AtomicU32, Ordering};
#[cfg(not(all(test, loom)))]
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const WRITER: u32 = 1 << 31;

/// How many threads may be running operators that nothing but the storages' locks keeps apart. In a Rust program that is
/// any thread, so it is never 0.
static UNORDERED: AtomicUsize = AtomicUsize::new(1);

/// Promises that from now on threads run operators in turns, under a lock of their own such as Python's, but for those that
/// hold an [`Unordered`]. While there are none, storages need no locks.
///
/// # Safety
/// Every thread that runs an operator or makes or drops an [`Unordered`] must hold that lock, and keep it for as long as the
/// operator runs; one that holds an `Unordered` need not hold the lock while it runs operators.
pub unsafe fn operators_run_in_turns() {
    UNORDERED.store(0, Relaxed);
}

/// A span in which this thread runs operators without the lock that [`operators_run_in_turns`] speaks of.
pub struct Unordered(());

impl Unordered {
    /// Begins the span, before the lock is given away.
    pub fn begin() -> Unordered {
        UNORDERED.fetch_add(1, Relaxed);
        Unordered(())
    }
}

impl Drop for Unordered {
    fn drop(&mut self) {
        UNORDERED.fetch_sub(1, Relaxed);
    }
}

/// Whether storages must be locked now. The count changes under the lock of [`operators_run_in_turns`] only, which orders it.
#[inline]
pub(crate) fn is_needed() -> bool {
    UNORDERED.load(Relaxed) != 0
}

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
            #[cfg(all(test, loom))]
            loom::thread::yield_now();
            #[cfg(not(all(test, loom)))]
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

// Every order of the threads' steps is tried: RUSTFLAGS="--cfg loom" cargo test -p flambeau-tensor --lib lock
#[cfg(all(test, loom))]
mod tests {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    /// A storage: its lock, and two numbers that are equal whenever nobody writes. The cells panic on any access
    /// that is not ordered by the lock.
    #[derive(Default)]
    struct Guarded {
        lock: RawLock,
        halves: [UnsafeCell<u32>; 2],
    }

    // SAFETY: the lock guards the halves, which is what the tests check.
    unsafe impl Sync for Guarded {}

    impl Guarded {
        fn add(&self, n: u32) {
            // SAFETY: the caller holds the lock to write.
            self.halves.iter().for_each(|h| h.with_mut(|v| unsafe { *v += n }));
        }

        fn value(&self) -> u32 {
            // SAFETY: the caller holds the lock.
            let [a, b] = [0, 1].map(|i| self.halves[i].with(|v| unsafe { *v }));
            assert_eq!(a, b, "a write was seen half done");
            a
        }

        fn locked<T>(&self, write: bool, f: impl FnOnce(&Guarded) -> T) -> T {
            self.lock.lock(write);
            let out = f(self);
            self.lock.unlock(write);
            out
        }
    }

    #[test]
    fn writers_exclude_writers() {
        loom::model(|| {
            let g = Arc::new(Guarded::default());
            let other = thread::spawn({
                let g = g.clone();
                move || g.locked(true, |g| g.add(1))
            });
            g.locked(true, |g| g.add(1));
            other.join().unwrap();
            assert_eq!(g.locked(false, Guarded::value), 2);
        });
    }

    #[test]
    fn writers_exclude_readers() {
        loom::model(|| {
            let g = Arc::new(Guarded::default());
            let writer = thread::spawn({
                let g = g.clone();
                move || g.locked(true, |g| g.add(1))
            });
            let before = g.locked(false, Guarded::value);
            let after = g.locked(false, Guarded::value);
            assert!(before <= after && after <= 1);
            writer.join().unwrap();
            assert_eq!(g.locked(false, Guarded::value), 1);
        });
    }

    #[test]
    fn readers_share() {
        loom::model(|| {
            let lock = RawLock::default();
            lock.lock(false);
            lock.lock(false);
            assert!(!lock.try_lock(true));
            lock.unlock(false);
            assert!(!lock.try_lock(true));
            lock.unlock(false);
            assert!(lock.try_lock(true));
            assert!(!lock.try_lock(false));
            lock.unlock(true);
            assert!(lock.try_lock(false));
        });
    }

    /// Adds one storage into another as an operator does: both locks, the one at the lower address first.
    fn add_into(to: usize, all: &[Guarded; 2]) {
        let from = 1 - to;
        for (i, g) in all.iter().enumerate() {
            g.lock.lock(i == to);
        }
        all[to].add(all[from].value() + 1);
        for (i, g) in all.iter().enumerate() {
            g.lock.unlock(i == to);
        }
    }

    #[test]
    fn two_storages_in_address_order_do_not_deadlock() {
        loom::model(|| {
            let all = Arc::new(<[Guarded; 2]>::default());
            let other = thread::spawn({
                let all = all.clone();
                move || add_into(1, &all)
            });
            add_into(0, &all);
            other.join().unwrap();
            // One after the other, in whichever order: 1 and then 1 + 1.
            let mut values = [0, 1].map(|i| all[i].locked(false, Guarded::value));
            values.sort();
            assert_eq!(values, [1, 2]);
        });
    }
}
