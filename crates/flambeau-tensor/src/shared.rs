//! The counted pointer under tensors and storages.
//!
//! [`std::sync::Arc`] gives up its last handle by two atomic subtractions, of the strong and of the weak count. Most
//! tensors have one handle all their life: here that one goes by two loads, which takes a tenth of the time.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;

#[cfg(all(test, loom))]
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*, fence};
#[cfg(not(all(test, loom)))]
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*, fence};

/// A handle that keeps what it points to.
pub(crate) struct Shared<T>(NonNull<Counted<T>>, PhantomData<Counted<T>>);

/// A handle that keeps the memory, not the value.
pub(crate) struct WeakShared<T>(NonNull<Counted<T>>, PhantomData<Counted<T>>);

struct Counted<T> {
    strong: AtomicUsize,
    /// The weak handles, and one more for all strong ones together.
    weak: AtomicUsize,
    /// Whether there ever was a weak handle.
    watched: AtomicBool,
    value: ManuallyDrop<T>,
}

// SAFETY: handles give shared references, and the last one of any thread drops the value.
unsafe impl<T: Send + Sync> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Send for WeakShared<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for WeakShared<T> {}

/// One more handle; so many that the count would wrap is nothing a program survives.
#[inline]
fn count(n: &AtomicUsize) {
    if n.fetch_add(1, Relaxed) > isize::MAX as usize {
        std::process::abort();
    }
}

impl<T> Shared<T> {
    /// What `make` gives, written where it will stay: large values would be built elsewhere and copied.
    #[inline(always)]
    pub fn new(make: impl FnOnce() -> T) -> Shared<T> {
        let mut place = Box::<Counted<T>>::new_uninit();
        place.write(Counted {
            strong: AtomicUsize::new(1),
            weak: AtomicUsize::new(1),
            watched: AtomicBool::new(false),
            value: ManuallyDrop::new(make()),
        });
        // SAFETY: written just now.
        let place = unsafe { place.assume_init() };
        Shared(NonNull::from(Box::leak(place)), PhantomData)
    }

    #[inline]
    fn counted(&self) -> &Counted<T> {
        // SAFETY: the memory stays as long as a handle does.
        unsafe { self.0.as_ref() }
    }

    /// Whether two handles are of one value.
    #[inline]
    pub fn same(&self, other: &Shared<T>) -> bool {
        self.0 == other.0
    }

    /// A number that values alive at one time do not share.
    #[inline]
    pub fn id(&self) -> usize {
        self.0.as_ptr() as usize
    }

    /// The number of strong handles.
    #[inline]
    pub fn handles(&self) -> usize {
        self.counted().strong.load(Acquire)
    }

    /// A handle that does not keep the value.
    pub fn downgrade(&self) -> WeakShared<T> {
        self.counted().watched.store(true, Relaxed);
        count(&self.counted().weak);
        WeakShared(self.0, PhantomData)
    }

    #[inline(never)]
    fn drop_shared(&mut self) {
        if self.counted().strong.fetch_sub(1, Release) == 1 {
            fence(Acquire);
            // The weak handle of all strong ones goes last, a panic of the value or not.
            let _memory = WeakShared(self.0, PhantomData);
            // SAFETY: that was the last handle that gave references.
            unsafe { ManuallyDrop::drop(&mut self.0.as_mut().value) };
        }
    }
}

impl<T> Drop for Shared<T> {
    #[inline]
    fn drop(&mut self) {
        let counted = self.counted();
        // A count of 1 is this handle's. It follows what other handles did before they went, and had one of them made a weak
        // handle, that would show: so nobody can make another handle any more.
        if counted.strong.load(Acquire) == 1 && !counted.watched.load(Relaxed) {
            // SAFETY: the only handle there is or can be.
            unsafe {
                let mut memory = Box::from_raw(self.0.as_ptr());
                ManuallyDrop::drop(&mut memory.value);
            }
        } else {
            self.drop_shared();
        }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.counted().value
    }
}

impl<T> Clone for Shared<T> {
    #[inline]
    fn clone(&self) -> Shared<T> {
        count(&self.counted().strong);
        Shared(self.0, PhantomData)
    }
}

impl<T> WeakShared<T> {
    fn counted(&self) -> &Counted<T> {
        // SAFETY: the memory stays as long as a handle does.
        unsafe { self.0.as_ref() }
    }

    /// A handle that keeps the value, where there is one left that does.
    pub fn upgrade(&self) -> Option<Shared<T>> {
        let more = |n: usize| (n != 0).then_some(n + 1);
        self.counted().strong.fetch_update(Acquire, Relaxed, more).ok()?;
        Some(Shared(self.0, PhantomData))
    }
}

impl<T> Clone for WeakShared<T> {
    fn clone(&self) -> WeakShared<T> {
        count(&self.counted().weak);
        WeakShared(self.0, PhantomData)
    }
}

impl<T> Drop for WeakShared<T> {
    fn drop(&mut self) {
        if self.counted().weak.fetch_sub(1, Release) == 1 {
            fence(Acquire);
            // SAFETY: the last handle of any kind; the value is gone already.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}

// Every order of the threads' steps is tried: make sound
#[cfg(all(test, loom))]
mod tests {
    use loom::cell::UnsafeCell;
    use loom::thread;

    use super::*;

    /// Panics where its end is not ordered after every use.
    struct Value {
        uses: UnsafeCell<u32>,
        dropped: std::sync::Arc<std::sync::atomic::AtomicUsize>,
    }

    // SAFETY: the cell is only read while there are several handles.
    unsafe impl Sync for Value {}

    impl Value {
        fn read(&self) {
            // SAFETY: nobody writes but the end.
            self.uses.with(|v| unsafe { assert_eq!(*v, 0) });
        }
    }

    impl Drop for Value {
        fn drop(&mut self) {
            // SAFETY: the last handle is gone.
            self.uses.with_mut(|v| unsafe { *v = 1 });
            self.dropped.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    }

    fn ends_once(run: fn(Shared<Value>)) {
        loom::model(move || {
            let dropped = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
            run(Shared::new(|| Value { uses: UnsafeCell::new(0), dropped: dropped.clone() }));
            assert_eq!(dropped.load(std::sync::atomic::Ordering::SeqCst), 1);
        });
    }

    #[test]
    fn shared_between_threads() {
        ends_once(|x| {
            let y = x.clone();
            let other = thread::spawn(move || y.read());
            x.read();
            drop(x);
            other.join().unwrap();
        });
    }

    #[test]
    fn watched_by_a_thread_that_gives_up_its_handle() {
        ends_once(|x| {
            let y = x.clone();
            let other = thread::spawn(move || {
                let weak = y.downgrade();
                drop(y);
                if let Some(z) = weak.upgrade() {
                    z.read();
                }
            });
            x.read();
            drop(x);
            other.join().unwrap();
        });
    }

    #[test]
    fn upgraded_while_the_last_handle_goes() {
        ends_once(|x| {
            let weak = x.downgrade();
            let other = thread::spawn(move || {
                let again = weak.clone();
                drop(weak);
                if let Some(z) = again.upgrade() {
                    z.read();
                }
            });
            drop(x);
            other.join().unwrap();
        });
    }
}
