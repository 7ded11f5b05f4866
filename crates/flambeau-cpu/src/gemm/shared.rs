//! Addresses that pieces of a loop share.

/// An address that threads may use, each for elements of its own. Whoever makes one answers for that.
pub(crate) struct Shared<T>(*mut T);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Shared<T> {}

// SAFETY: the address alone does nothing; those who follow it uphold the type's promise.
unsafe impl<T> Sync for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Send for Shared<T> {}

impl<T> Shared<T> {
    pub fn new(p: *mut T) -> Shared<T> {
        Shared(p)
    }

    /// For memory that is only read.
    pub fn read(p: *const T) -> Shared<T> {
        Shared(p.cast_mut())
    }

    /// The address of an element, counted from the first.
    #[inline(always)]
    pub fn at(&self, i: isize) -> *mut T {
        self.0.wrapping_offset(i)
    }
}

thread_local! {
    static INSIDE: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// True within a piece of [`for_pieces`], whose kernels stay on their thread.
#[inline]
pub(crate) fn inside_piece() -> bool {
    INSIDE.try_with(|i| i.get()).unwrap_or(false) || rayon::current_thread_index().is_some()
}

/// `parallel_for`, but when nested on one thread: also on the thread that started the pieces, which `rayon` does not count.
pub(crate) fn for_pieces(range: std::ops::Range<usize>, grain: usize, body: impl Fn(std::ops::Range<usize>) + Sync) {
    if range.is_empty() {
        return;
    }
    if range.len() <= grain.max(1) || inside_piece() {
        return body(range);
    }
    /// Puts the flag back even if a piece panics.
    struct Leave(bool);
    impl Drop for Leave {
        fn drop(&mut self) {
            _ = INSIDE.try_with(|i| i.set(self.0));
        }
    }
    crate::threads::parallel_for(range, grain, |r| {
        let _leave = Leave(INSIDE.try_with(|i| i.replace(true)).unwrap_or(false));
        body(r);
    });
}
