//! The memory under tensors: one block, shared by all views of it.

use std::any::Any;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering::Relaxed};

use flambeau_cpu::alloc::Block;

use crate::lock::RawLock;
use crate::shared::Shared;
use crate::{Device, Error, Result};

/// A block of memory, its lock, and the count of writes to it. Clones share it.
#[derive(Clone)]
pub struct Storage(Shared<Inner>);

struct Inner {
    lock: RawLock,
    version: AtomicU32,
    device: Device,
    ptr: AtomicPtr<u8>,
    nbytes: AtomicUsize,
    owner: UnsafeCell<Owner>,
    /// The memory itself where little is enough: numbers and short vectors need no block.
    small: UnsafeCell<Small>,
}

/// As aligned as memory of the system's allocator is.
#[repr(align(16))]
struct Small(#[allow(dead_code)] [u8; SMALL]);

const SMALL: usize = 64;

enum Owner {
    Own(#[allow(dead_code)] Block),
    /// Memory of somebody else, kept alive as long as this.
    Foreign(#[allow(dead_code)] Box<dyn Any + Send + Sync>),
    Nothing,
}

// SAFETY: `owner` is only changed under the write lock, `small` is reached through `ptr` only, the rest is atomic.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

#[cold]
fn no_memory(nbytes: usize) -> Error {
    Error::runtime(format!(
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate {nbytes} bytes. \
         Error code 12 (Cannot allocate memory)"
    ))
}

impl Storage {
    /// New memory of `nbytes` bytes, initialised to something.
    pub fn new(nbytes: usize) -> Storage {
        if nbytes <= SMALL { Storage::small(nbytes) } else { Storage::of_block(Block::new(nbytes), nbytes) }
    }

    fn small(nbytes: usize) -> Storage {
        let s = Storage::make(Device::Cpu, std::ptr::null_mut(), nbytes, Owner::Nothing);
        // What the handle points to does not move while it is alive.
        s.0.ptr.store(s.0.small.get().cast(), Relaxed);
        s
    }

    /// New memory of a size that a user asked for: an error where the system has no such amount.
    pub fn try_new(nbytes: usize) -> Result<Storage> {
        if nbytes <= SMALL {
            return Ok(Storage::small(nbytes));
        }
        let block = Block::try_new(nbytes).ok_or_else(|| no_memory(nbytes))?;
        Ok(Storage::of_block(block, nbytes))
    }

    fn of_block(block: Block, nbytes: usize) -> Storage {
        Storage::make(Device::Cpu, block.ptr(), nbytes, Owner::Own(block))
    }

    fn make(device: Device, ptr: *mut u8, nbytes: usize, owner: Owner) -> Storage {
        Storage(Shared::new(|| Inner {
            lock: RawLock::default(),
            version: AtomicU32::new(0),
            device,
            ptr: AtomicPtr::new(ptr),
            nbytes: AtomicUsize::new(nbytes),
            owner: UnsafeCell::new(owner),
            small: UnsafeCell::new(Small([0; SMALL])),
        }))
    }

    /// New memory with a copy of `bytes`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Storage> {
        let s = Storage::try_new(bytes.len())?;
        // SAFETY: the new memory holds as many bytes, and nobody else knows it.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), s.ptr(), bytes.len()) };
        Ok(s)
    }

    /// New memory, filled by a function before anybody else knows it.
    pub fn filled(nbytes: usize, fill: impl FnOnce(&mut [u8]) -> Result<()>) -> Result<Storage> {
        let s = Storage::try_new(nbytes)?;
        // SAFETY: blocks come with every byte initialised, and nobody else knows the new one.
        fill(unsafe { std::slice::from_raw_parts_mut(s.ptr(), nbytes) })?;
        Ok(s)
    }

    /// A copy of all bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        if self.device() == Device::Meta {
            return Vec::new();
        }
        self.0.lock.lock(false);
        // SAFETY: the storage has as many initialised bytes, and is locked to read.
        let bytes = unsafe { std::slice::from_raw_parts(self.ptr(), self.nbytes()) }.to_vec();
        self.0.lock.unlock(false);
        bytes
    }

    /// Hands the first `nbytes` bytes to `each`, a block at a time, without a copy. The storage is locked for reading while
    /// `each` has a block, so `each` must not write to it.
    pub fn blocks<E>(&self, nbytes: usize, mut each: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        const BLOCK: usize = 256 << 10;
        struct Reading<'a>(&'a RawLock);
        impl Drop for Reading<'_> {
            fn drop(&mut self) {
                self.0.unlock(false);
            }
        }
        // Memory may grow, never shrink, and move between two blocks.
        let nbytes = if self.device() == Device::Meta { 0 } else { nbytes.min(self.nbytes()) };
        for start in (0..nbytes).step_by(BLOCK) {
            self.0.lock.lock(false);
            let _reading = Reading(&self.0.lock);
            // SAFETY: the storage has as many initialised bytes, and is locked to read.
            each(unsafe { std::slice::from_raw_parts(self.ptr().add(start), BLOCK.min(nbytes - start)) })?;
        }
        Ok(())
    }

    /// A storage without memory, for the `meta` device.
    pub fn meta(nbytes: usize) -> Storage {
        Storage::make(Device::Meta, std::ptr::null_mut(), nbytes, Owner::Nothing)
    }

    /// Memory that somebody else owns; `owner` keeps it alive.
    ///
    /// # Safety
    /// `nbytes` initialised bytes at `ptr` must stay valid until `owner` is dropped. Writes through other handles to the
    /// same memory must not run at the same time as operators on tensors of this storage.
    pub unsafe fn foreign(ptr: *mut u8, nbytes: usize, owner: Box<dyn Any + Send + Sync>) -> Storage {
        Storage::make(Device::Cpu, ptr, nbytes, Owner::Foreign(owner))
    }

    /// Where it lives.
    #[inline]
    pub fn device(&self) -> Device {
        self.0.device
    }

    /// Its size in bytes.
    #[inline]
    pub fn nbytes(&self) -> usize {
        self.0.nbytes.load(Relaxed)
    }

    /// The address of the first byte; null on `meta`.
    #[inline]
    pub fn ptr(&self) -> *mut u8 {
        self.0.ptr.load(Relaxed)
    }

    /// A number that two storages share only if they are the same.
    #[inline]
    pub fn id(&self) -> usize {
        self.0.id()
    }

    #[inline]
    pub(crate) fn raw_lock(&self) -> &RawLock {
        &self.0.lock
    }

    /// How often tensors on this storage were written in place.
    #[inline]
    pub fn version(&self) -> u32 {
        self.0.version.load(Relaxed)
    }

    pub(crate) fn bump_version(&self) {
        self.0.version.fetch_add(1, Relaxed);
    }

    /// The number of handles.
    pub fn use_count(&self) -> usize {
        self.0.handles()
    }

    /// Grows the memory to `nbytes`, keeping what it holds. Memory of somebody else cannot grow.
    pub fn grow(&self, nbytes: usize) -> Result<()> {
        if nbytes <= self.nbytes() {
            return Ok(());
        }
        if self.device() == Device::Meta {
            self.0.nbytes.store(nbytes, Relaxed);
            return Ok(());
        }
        let block = Block::try_new(nbytes).ok_or_else(|| no_memory(nbytes))?;
        self.0.lock.lock(true);
        // SAFETY: `owner` is read and written under the write lock only.
        let owner = unsafe { &mut *self.0.owner.get() };
        let result = if let Owner::Foreign(_) = owner {
            Err(Error::runtime("Trying to resize storage that is not resizable"))
        } else if nbytes <= self.nbytes() {
            // Another thread made it larger still while this one was getting memory.
            Ok(())
        } else {
            let ptr = block.ptr();
            // SAFETY: both blocks hold the old number of bytes, and the new one is not shared yet.
            unsafe { std::ptr::copy_nonoverlapping(self.ptr(), ptr, self.nbytes()) };
            self.0.ptr.store(ptr, Relaxed);
            self.0.nbytes.store(nbytes, Relaxed);
            *owner = Owner::Own(block);
            Ok(())
        };
        self.0.lock.unlock(true);
        result
    }
}
