//! [`copy`]: every dtype to every other, from any strides to any strides.

use super::cast::{Convert, converter};
use super::iter::Iter;
use super::split::{SMALL, split_by_cost};
use super::stride::{Buffer, CHUNK, by_size, copy_strided, gather, scatter};
use super::transpose::Transpose;
use crate::{View, ViewMut};

/// Inner runs shorter than this are converted several together.
const SHORT: usize = 32;

/// Copies `input` into `out`, which has the same sizes, converting as PyTorch's `Tensor.copy_` does: floats truncate to
/// integers, complex numbers drop their imaginary part, whatever is not zero is true. The two must not overlap, unless
/// they are the same elements.
pub fn copy(mut out: ViewMut, input: View) {
    debug_assert_eq!(out.sizes(), input.sizes());
    let n = out.numel();
    if n == 0
        || out.ptr().cast_const() == input.ptr() && out.dtype() == input.dtype() && out.strides() == input.strides()
    {
        return;
    }
    let (from, to) = (input.ptr(), out.ptr());
    let convert = converter(input.dtype(), out.dtype());
    if n <= SMALL && out.is_contiguous() && input.is_contiguous() {
        // SAFETY: both have `n` adjacent elements, of the dtypes the loop is for.
        return unsafe { convert(n, from, to) };
    }
    let iter = Iter::new(out.sizes(), [out.strides(), input.strides()]);
    let job = Copy {
        from,
        from_size: input.dtype().size(),
        to,
        to_size: out.dtype().size(),
        convert,
        same: input.dtype() == out.dtype(),
    };
    if iter.is_repeated(1) && n > 1 {
        let mut one = Buffer::new();
        // SAFETY: the input's one element; a buffer has room for it.
        unsafe {
            convert(1, from, one.ptr());
            return super::fill::fill_bytes(out.reborrow(), one.ptr());
        }
    }
    if let ([each, all], true) = (iter.dims(), job.same)
        && each.strides == [1, 0]
        && all.strides == [each.size as isize, 1]
    {
        let times = each.size;
        return split_by_cost(all.size, |r| {
            let job = &job;
            // SAFETY: the iterator describes the operands.
            unsafe { repeat_each(r, times, job.from_size, job.from, job.to) }
        });
    }
    let dense = iter.dims().first().is_none_or(|d| d.strides == [1, 1]);
    if let (false, Some(plan)) = (dense, Transpose::of(&iter)) {
        // SAFETY: the iterator describes the operands.
        return unsafe { plan.run(from, job.from_size, to, job.to_size, (!job.same).then_some(convert)) };
    }
    split_by_cost(n, |r| {
        if job.same || dense && iter.run_len() >= SHORT {
            // SAFETY: runs lie within both operands.
            iter.for_each_run(r, |offsets, n, strides| unsafe { job.run(offsets, n, strides) });
        } else {
            let (mut before, mut after) = (Buffer::new(), Buffer::new());
            let mut start = r.start;
            while start < r.end {
                let end = (start + CHUNK).min(r.end);
                // SAFETY: the chunk fits the buffers and lies within both operands.
                unsafe {
                    gather(&iter, 1, start..end, job.from_size, job.from, before.ptr());
                    convert(end - start, before.ptr(), after.ptr());
                    scatter(&iter, 0, start..end, job.to_size, after.ptr(), job.to);
                }
                start = end;
            }
        }
    });
}

/// Writes the elements `range`, each `times` times in a row.
///
/// # Safety
/// The elements are there to be read, and their copies to be written.
unsafe fn repeat_each(range: std::ops::Range<usize>, times: usize, size: usize, from: *const u8, to: *mut u8) {
    by_size!(size, T => for i in range {
        // SAFETY: the caller's promise.
        unsafe {
            let x = from.cast::<T>().add(i).read_unaligned();
            let to = to.cast::<T>().add(i * times);
            for j in 0..times {
                to.add(j).write_unaligned(x);
            }
        }
    })
}

struct Copy {
    from: *const u8,
    from_size: usize,
    to: *mut u8,
    to_size: usize,
    convert: Convert,
    same: bool,
}

// SAFETY: threads read the input and write disjoint elements of the output.
unsafe impl Sync for Copy {}

impl Copy {
    /// A run that either needs no conversion or is dense on both sides.
    ///
    /// # Safety
    /// Both operands have these elements.
    #[inline(always)]
    unsafe fn run(&self, offsets: [isize; 2], n: usize, strides: [isize; 2]) {
        let to = self.to.wrapping_offset(offsets[0] * self.to_size as isize);
        let from = self.from.wrapping_offset(offsets[1] * self.from_size as isize);
        // SAFETY: the caller's promise.
        unsafe {
            if self.same {
                copy_strided(self.from_size, n, from, strides[1], to, strides[0]);
            } else {
                (self.convert)(n, from, to);
            }
        }
    }
}
