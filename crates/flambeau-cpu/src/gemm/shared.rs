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
