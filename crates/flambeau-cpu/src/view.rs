//! Strided views of memory, as kernels see it.

use std::marker::PhantomData;

use flambeau_types::{DType, Element, Layout, numel};

/// Elements to read: where the first one lies, and how to step to the others.
#[derive(Clone, Copy)]
pub struct View<'a> {
    ptr: *const u8,
    dtype: DType,
    sizes: &'a [i64],
    strides: &'a [i64],
    memory: PhantomData<&'a [u8]>,
}

/// Elements to write.
pub struct ViewMut<'a> {
    ptr: *mut u8,
    dtype: DType,
    sizes: &'a [i64],
    strides: &'a [i64],
    memory: PhantomData<&'a mut [u8]>,
}

// SAFETY: a view is a borrow of memory that its maker promised to be readable (writable) for 'a.
unsafe impl Send for View<'_> {}
// SAFETY: as above; reads do not conflict.
unsafe impl Sync for View<'_> {}
// SAFETY: as above.
unsafe impl Send for ViewMut<'_> {}
// SAFETY: kernels split the elements between threads; no element is written by two.
unsafe impl Sync for ViewMut<'_> {}

macro_rules! common {
    () => {
        /// The type of the elements.
        #[inline]
        pub fn dtype(&self) -> DType {
            self.dtype
        }

        /// The length of each dimension.
        #[inline]
        pub fn sizes(&self) -> &'a [i64] {
            self.sizes
        }

        /// The step along each dimension, in elements.
        #[inline]
        pub fn strides(&self) -> &'a [i64] {
            self.strides
        }

        /// The number of dimensions.
        #[inline]
        pub fn ndim(&self) -> usize {
            self.sizes.len()
        }

        /// The number of elements.
        #[inline]
        pub fn numel(&self) -> usize {
            numel(self.sizes) as usize
        }

        /// True if the elements lie in row-major order without gaps.
        pub fn is_contiguous(&self) -> bool {
            let mut expected = 1;
            for (&n, &s) in self.sizes.iter().zip(self.strides).rev() {
                if n == 0 {
                    return true;
                }
                if n != 1 {
                    if s != expected {
                        return false;
                    }
                    expected *= n;
                }
            }
            true
        }
    };
}

impl<'a> View<'a> {
    /// A view of elements that start at `ptr`.
    ///
    /// # Safety
    /// Every element that the sizes and strides reach from `ptr` must be initialised memory that nobody writes for `'a`.
    #[inline]
    pub unsafe fn new(ptr: *const u8, dtype: DType, sizes: &'a [i64], strides: &'a [i64]) -> View<'a> {
        debug_assert_eq!(sizes.len(), strides.len());
        View { ptr, dtype, sizes, strides, memory: PhantomData }
    }

    common!();

    /// The address of the first element. It need not be aligned.
    #[inline]
    pub fn ptr(&self) -> *const u8 {
        self.ptr
    }

    /// The elements as a slice, if contiguous and of type `T`.
    pub fn as_slice<T: Element>(&self) -> Option<&'a [T]> {
        // A bool from outside may be any byte, so bools are read as u8 instead.
        if T::DTYPE != self.dtype
            || T::DTYPE == DType::Bool
            || !self.is_contiguous()
            || !self.ptr.cast::<T>().is_aligned()
        {
            return None;
        }
        // SAFETY: initialised and unwritten for 'a by the promise of `new`; dtype, alignment and contiguity checked above.
        Some(unsafe { std::slice::from_raw_parts(self.ptr.cast(), self.numel()) })
    }

    /// The same elements under other sizes and strides.
    ///
    /// # Safety
    /// They must reach only elements that this view reaches.
    #[inline]
    pub unsafe fn with<'b>(&self, sizes: &'b [i64], strides: &'b [i64]) -> View<'b>
    where
        'a: 'b,
    {
        // SAFETY: forwarded to the caller.
        unsafe { View::new(self.ptr, self.dtype, sizes, strides) }
    }
}

impl<'a> ViewMut<'a> {
    /// A view of elements that start at `ptr`.
    ///
    /// # Safety
    /// Every element that the sizes and strides reach from `ptr` must be memory that nobody else reads or writes for `'a`,
    /// but for the kernel's own inputs where the kernel documents that it may run in place.
    #[inline]
    pub unsafe fn new(ptr: *mut u8, dtype: DType, sizes: &'a [i64], strides: &'a [i64]) -> ViewMut<'a> {
        debug_assert_eq!(sizes.len(), strides.len());
        ViewMut { ptr, dtype, sizes, strides, memory: PhantomData }
    }

    common!();

    /// The address of the first element. It need not be aligned.
    #[inline]
    pub fn ptr(&self) -> *mut u8 {
        self.ptr
    }

    /// The elements as a slice, if contiguous and of type `T`.
    pub fn as_mut_slice<T: Element>(&mut self) -> Option<&mut [T]> {
        if T::DTYPE != self.dtype
            || T::DTYPE == DType::Bool
            || !self.is_contiguous()
            || !self.ptr.cast::<T>().is_aligned()
        {
            return None;
        }
        // SAFETY: exclusive for 'a by the promise of `new`; dtype, alignment and contiguity checked above.
        Some(unsafe { std::slice::from_raw_parts_mut(self.ptr.cast(), self.numel()) })
    }

    /// The same elements, to read.
    #[inline]
    pub fn as_view(&self) -> View<'_> {
        // SAFETY: exclusive memory may be read while it is borrowed.
        unsafe { View::new(self.ptr, self.dtype, self.sizes, self.strides) }
    }

    /// Reborrows.
    #[inline]
    pub fn reborrow(&mut self) -> ViewMut<'_> {
        // SAFETY: exclusive, and `self` cannot be used meanwhile.
        unsafe { ViewMut::new(self.ptr, self.dtype, self.sizes, self.strides) }
    }
}

/// A slice as a view, for tests and for callers that own plain memory.
impl<'a> View<'a> {
    /// Views a slice through a layout; panics if the layout reaches outside it.
    pub fn of<T: Element>(data: &'a [T], layout: &'a Layout) -> View<'a> {
        check(data.len(), layout);
        // SAFETY: the layout stays within the slice, which is borrowed for 'a.
        unsafe {
            View::new(
                data.as_ptr().wrapping_offset(layout.offset as isize).cast(),
                T::DTYPE,
                &layout.sizes,
                &layout.strides,
            )
        }
    }
}

impl<'a> ViewMut<'a> {
    /// Views a slice through a layout; panics if the layout reaches outside it.
    pub fn of<T: Element>(data: &'a mut [T], layout: &'a Layout) -> ViewMut<'a> {
        check(data.len(), layout);
        let ptr = data.as_mut_ptr().wrapping_offset(layout.offset as isize).cast();
        // SAFETY: the layout stays within the slice, which is borrowed mutably for 'a.
        unsafe { ViewMut::new(ptr, T::DTYPE, &layout.sizes, &layout.strides) }
    }
}

fn check(len: usize, layout: &Layout) {
    if let Some((low, high)) = layout.extent() {
        assert!(low >= 0 && (high as usize) < len, "the layout reaches outside the slice");
    }
}
