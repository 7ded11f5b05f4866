//! Moving elements between strided memory and dense buffers, and the buffers themselves.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::iter::Iter;

/// Elements that fit in a buffer, whatever their dtype.
pub(crate) const CHUNK: usize = 512;

/// Room for [`CHUNK`] elements of the largest dtype, uninitialised.
#[repr(C, align(64))]
pub(crate) struct Buffer([MaybeUninit<u8>; CHUNK * 16]);

impl Buffer {
    #[inline(always)]
    pub(crate) fn new() -> Buffer {
        Buffer([const { MaybeUninit::uninit() }; CHUNK * 16])
    }

    #[inline(always)]
    pub(crate) fn ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }
}

macro_rules! by_size {
    ($size:expr, $T:ident => $e:expr) => {
        match $size {
            1 => { type $T = u8; $e }
            2 => { type $T = u16; $e }
            4 => { type $T = u32; $e }
            8 => { type $T = u64; $e }
            _ => { type $T = [u64; 2]; $e }
        }
    };
}
pub(crate) use by_size;

/// Copies `n` elements of `size` bytes from one strided place to another; strides count elements.
///
/// # Safety
/// All `n` elements of both places must be readable, and writable.
#[inline]
pub(crate) unsafe fn copy_strided(
    size: usize,
    n: usize,
    from: *const u8,
    from_stride: isize,
    to: *mut u8,
    to_stride: isize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if from_stride == 1 && to_stride == 1 && n * size >= 32 {
            return std::ptr::copy_nonoverlapping(from, to, n * size);
        }
        by_size!(size, T => step_through::<T>(n, from.cast(), from_stride, to.cast(), to_stride))
    }
}

#[inline(always)]
unsafe fn step_through<T: Copy>(n: usize, from: *const T, from_stride: isize, to: *mut T, to_stride: isize) {
    // SAFETY: the caller's promise.
    unsafe {
        if from_stride == 0 {
            let x = from.read_unaligned();
            for i in 0..n as isize {
                to.offset(i * to_stride).write_unaligned(x);
            }
        } else {
            for i in 0..n as isize {
                to.offset(i * to_stride).write_unaligned(from.offset(i * from_stride).read_unaligned());
            }
        }
    }
}

/// Gathers the elements of operand `k` at the linear indices of `range` into a dense buffer.
///
/// # Safety
/// The operand starts at `from` and lies as `iter` says; the buffer has room.
pub(crate) unsafe fn gather<const N: usize>(
    iter: &Iter<N>,
    k: usize,
    range: Range<usize>,
    size: usize,
    from: *const u8,
    to: *mut u8,
) {
    by_size!(size, T => {
        let mut to: *mut T = to.cast();
        iter.for_each_run_of(k, range, |offset, n, stride| {
            // SAFETY: the caller's promise; the runs add up to the range.
            unsafe {
                step_through::<T>(n, from.cast::<T>().offset(offset), stride, to, 1);
                to = to.add(n);
            }
        });
    })
}

/// Scatters a dense buffer to the elements of operand `k` at the linear indices of `range`.
///
/// # Safety
/// The operand starts at `to` and lies as `iter` says; the buffer holds the elements.
pub(crate) unsafe fn scatter<const N: usize>(
    iter: &Iter<N>,
    k: usize,
    range: Range<usize>,
    size: usize,
    from: *const u8,
    to: *mut u8,
) {
    by_size!(size, T => {
        let mut from: *const T = from.cast();
        iter.for_each_run_of(k, range, |offset, n, stride| {
            // SAFETY: the caller's promise; the runs add up to the range.
            unsafe {
                step_through::<T>(n, from, 1, to.cast::<T>().offset(offset), stride);
                from = from.add(n);
            }
        });
    })
}
