//! Memory for elements: blocks are recycled rather than returned, since page faults cost more than arithmetic.
//!
//! Blocks come zeroed from the system, so that memory which nobody wrote never shows another program's bytes. Small
//! ones wait in a list of the thread that freed them, large ones in a list of the process, both up to a cap.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::RefCell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Every block starts at a multiple of this: a cache line, and the widest vector.
pub const ALIGN: usize = 64;
const SMALL: usize = 1 << 18;
const SMALL_CAP: usize = 8 << 20;
const LARGE_CAP: usize = 1 << 30;

/// A block of memory, returned to the lists when dropped.
#[derive(Debug)]
pub struct Block {
    ptr: NonNull<u8>,
    /// The rounded size, which names the list; 0 for the block without memory.
    size: usize,
}

// SAFETY: a block owns its memory, as a Box does.
unsafe impl Send for Block {}
// SAFETY: a shared block hands out its address only.
unsafe impl Sync for Block {}

/// Rounds up to one of four steps between powers of two: at most a quarter is wasted, and freed blocks fit again.
fn rounded(size: usize) -> usize {
    let size = size.max(ALIGN);
    let step = (size.next_power_of_two() >> 3).max(ALIGN);
    size.div_ceil(step) * step
}

/// The list of a rounded size.
fn class(size: usize) -> usize {
    let power = size.ilog2() as usize;
    power * 4 + ((size >> (power - 2)) & 3)
}

#[derive(Default)]
struct Lists {
    lists: Vec<Vec<NonNull<u8>>>,
    held: usize,
}

impl Lists {
    fn take(&mut self, size: usize) -> Option<NonNull<u8>> {
        let ptr = self.lists.get_mut(class(size))?.pop()?;
        self.held -= size;
        Some(ptr)
    }

    fn put(&mut self, ptr: NonNull<u8>, size: usize, cap: usize) -> bool {
        if self.held + size > cap {
            return false;
        }
        let at = class(size);
        if self.lists.len() <= at {
            self.lists.resize_with(at + 1, Vec::new);
        }
        self.lists[at].push(ptr);
        self.held += size;
        true
    }

    fn clear(&mut self) {
        for (at, list) in self.lists.iter_mut().enumerate() {
            let size = (4 + at % 4) << (at / 4) >> 2;
            list.drain(..).for_each(|ptr| free(ptr, size));
        }
        self.held = 0;
    }
}

impl Drop for Lists {
    fn drop(&mut self) {
        self.clear();
    }
}

// SAFETY: the lists own the blocks in them.
unsafe impl Send for Lists {}

thread_local! {
    static LOCAL: RefCell<Lists> = RefCell::default();
}
static SHARED: Mutex<Option<Lists>> = Mutex::new(None);
static IN_USE: AtomicUsize = AtomicUsize::new(0);

fn free(ptr: NonNull<u8>, size: usize) {
    // SAFETY: every block was allocated by `fresh` with this size and alignment.
    unsafe { dealloc(ptr.as_ptr(), Layout::from_size_align_unchecked(size, ALIGN)) }
}

fn fresh(size: usize) -> Option<NonNull<u8>> {
    let layout = Layout::from_size_align(size, ALIGN).ok()?;
    // SAFETY: the size is at least ALIGN, never 0.
    NonNull::new(unsafe { alloc_zeroed(layout) })
}

impl Block {
    /// A block of at least `size` bytes. Its bytes are initialised, to zero or to what a freed block held. The program
    /// ends where the system has no such amount.
    #[inline]
    pub fn new(size: usize) -> Block {
        Block::try_new(size).unwrap_or_else(|| handle_alloc_error(Layout::new::<u8>()))
    }

    /// A block of at least `size` bytes, or `None` where the system has no such amount: for sizes that users choose.
    pub fn try_new(size: usize) -> Option<Block> {
        if size == 0 {
            return Some(Block { ptr: NonNull::<[u64; 8]>::dangling().cast(), size: 0 });
        }
        if size > isize::MAX as usize {
            return None;
        }
        let size = rounded(size);
        if size <= SMALL {
            let recycled = LOCAL.try_with(|l| l.borrow_mut().take(size)).ok().flatten();
            return Some(Block { ptr: recycled.or_else(|| fresh(size))?, size });
        }
        let recycled = SHARED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().take(size);
        let ptr = recycled.or_else(|| fresh(size))?;
        IN_USE.fetch_add(size, Relaxed);
        Some(Block { ptr, size })
    }

    /// The first byte.
    #[inline]
    pub fn ptr(&self) -> *mut u8 {
        self.ptr.as_ptr()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if self.size == 0 {
            return;
        }
        let kept = if self.size <= SMALL {
            LOCAL.try_with(|l| l.borrow_mut().put(self.ptr, self.size, SMALL_CAP)).unwrap_or(false)
        } else {
            // What waits is never more than what is in use or 256 MiB, so that a program's memory follows its need.
            let in_use = IN_USE.fetch_sub(self.size, Relaxed) - self.size;
            let cap = in_use.clamp(256 << 20, LARGE_CAP);
            SHARED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().put(self.ptr, self.size, cap)
        };
        if !kept {
            free(self.ptr, self.size);
        }
    }
}

/// Returns all waiting blocks of this thread and of the process to the system.
pub fn empty_cache() {
    LOCAL.with(|l| l.borrow_mut().clear());
    SHARED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_recycled_and_aligned() {
        for size in [1, 64, 65, 1000, 4097, 100_000, 300_000, 5_000_000] {
            let a = Block::new(size);
            assert!(a.size >= size && a.size <= size.max(48) * 5 / 4 + ALIGN, "{size} became {}", a.size);
            assert_eq!((4 + class(a.size) % 4) << (class(a.size) / 4) >> 2, a.size);
            assert_eq!(a.ptr() as usize % ALIGN, 0);
            let at = a.ptr();
            drop(a);
            assert_eq!(Block::new(size).ptr(), at);
        }
        empty_cache();
    }

    #[test]
    fn more_than_there_is_gives_none() {
        for size in [1 << 60, isize::MAX as usize - 1, isize::MAX as usize, isize::MAX as usize + 1, usize::MAX] {
            assert!(Block::try_new(size).is_none());
        }
    }
}
