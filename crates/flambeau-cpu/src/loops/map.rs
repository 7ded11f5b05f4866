//! [`map`]: a kernel over tensors of any dtype and strides.

use std::ops::Range;

use flambeau_types::Scalar;

use super::cast::{Convert, converter};
use super::iter::Iter;
use super::kernel::{MAX_INPUTS, MapKernel};
use super::split::{SMALL, split_by_cost};
use super::stride::{Buffer, CHUNK, copy_strided, gather, scatter};
use crate::{View, ViewMut};

/// Inner runs shorter than this are gathered, several together.
const SHORT: usize = 48;

/// Computes every element of `out` from the elements of `inputs` in the same place.
///
/// Inputs have the sizes of `out` (stride 0 where they are broadcast) and any dtype; each is converted to the kernel's on
/// the way, and the result to `out`'s. `out` may be one of the inputs, element for element; other overlaps give
/// unspecified values. Sizes must agree, and there must be as many inputs and parameters as the kernel has.
pub fn map(kernel: &MapKernel, out: ViewMut, inputs: &[View], params: &[Scalar]) {
    assert!(inputs.len() == kernel.arity && params.len() == kernel.params, "a kernel's inputs and parameters");
    debug_assert!(inputs.iter().all(|x| x.sizes() == out.sizes()));
    let n = out.numel();
    if n == 0 {
        return;
    }
    let mut flat = out.is_contiguous();
    let mut native = out.dtype() == kernel.out;
    let mut repeated = 0;
    let mut ptrs = [std::ptr::null(); MAX_INPUTS];
    for (i, x) in inputs.iter().enumerate() {
        ptrs[i] = x.ptr();
        native &= x.dtype() == kernel.compute;
        if !x.is_contiguous() {
            repeated |= 1 << i;
            flat &= is_repeated(x);
        }
    }
    if flat && native && n <= SMALL {
        // SAFETY: all operands are contiguous or one element, and of the kernel's dtypes.
        return unsafe { kernel.run(n, out.ptr(), &ptrs, repeated, params) };
    }
    let job = Job::new(kernel, &out, inputs, ptrs, params);
    if flat && native {
        let (size, out_size) = (kernel.compute.size(), kernel.out.size());
        split_by_cost(n, |r| {
            // All of the job, which may be shared, rather than its pointers, which may not.
            let job = &job;
            let mut at = job.inputs;
            for (i, p) in at.iter_mut().enumerate() {
                if repeated >> i & 1 == 0 {
                    *p = p.wrapping_add(r.start * size);
                }
            }
            // SAFETY: all operands are contiguous or one element, of the kernel's dtypes, and have the elements `r`.
            unsafe { kernel.run(r.len(), job.out.wrapping_add(r.start * out_size), &at, repeated, params) }
        });
    } else if flat {
        let strides = std::array::from_fn(|k| (k == 0 || repeated >> (k - 1) & 1 == 0) as isize);
        split_by_cost(n, |r| {
            let mut offsets = strides;
            offsets.iter_mut().for_each(|o| *o *= r.start as isize);
            let mut buffers = Buffers::new();
            // SAFETY: all operands are contiguous or one element.
            unsafe { job.run_strided(&mut buffers, offsets, r.len(), strides) }
        });
    } else {
        job.walk(out, inputs);
    }
}

fn is_repeated(x: &View) -> bool {
    x.sizes().iter().zip(x.strides()).all(|(&n, &s)| s == 0 || n == 1)
}

/// A chunk of every operand, where it does not lie ready in memory.
struct Buffers {
    inputs: [Buffer; MAX_INPUTS],
    out: Buffer,
    /// Elements between stride and conversion.
    raw: Buffer,
}

impl Buffers {
    #[inline(always)]
    fn new() -> Buffers {
        Buffers { inputs: std::array::from_fn(|_| Buffer::new()), out: Buffer::new(), raw: Buffer::new() }
    }
}

/// A kernel and the operands it runs over, without their sizes and strides.
struct Job<'a> {
    kernel: &'a MapKernel,
    arity: usize,
    inputs: [*const u8; MAX_INPUTS],
    sizes: [usize; MAX_INPUTS],
    converts: [Option<Convert>; MAX_INPUTS],
    out: *mut u8,
    out_size: usize,
    out_convert: Option<Convert>,
    params: &'a [Scalar],
}

// SAFETY: the pointers stand for views, which may be shared between threads; threads write disjoint elements.
unsafe impl Sync for Job<'_> {}

impl<'a> Job<'a> {
    #[inline(always)]
    fn new(
        kernel: &'a MapKernel,
        out: &ViewMut,
        views: &[View],
        inputs: [*const u8; MAX_INPUTS],
        params: &'a [Scalar],
    ) -> Job<'a> {
        let mut job = Job {
            kernel,
            arity: kernel.arity,
            inputs,
            sizes: [0; MAX_INPUTS],
            converts: [None; MAX_INPUTS],
            out: out.ptr(),
            out_size: out.dtype().size(),
            out_convert: (out.dtype() != kernel.out).then(|| converter(kernel.out, out.dtype())),
            params,
        };
        for (i, x) in views.iter().enumerate() {
            job.sizes[i] = x.dtype().size();
            if x.dtype() != kernel.compute {
                job.converts[i] = Some(converter(x.dtype(), kernel.compute));
            }
        }
        job
    }

    /// One run of `n` elements in which every operand has a constant stride. The output is operand 0.
    ///
    /// # Safety
    /// Every operand has these elements.
    #[inline(always)]
    unsafe fn run_strided(
        &self,
        buffers: &mut Buffers,
        offsets: [isize; MAX_INPUTS + 1],
        n: usize,
        strides: [isize; MAX_INPUTS + 1],
    ) {
        let mut at = [std::ptr::null(); MAX_INPUTS];
        let mut direct = strides[0] == 1 && self.out_convert.is_none();
        let mut repeated = 0;
        for i in 0..self.arity {
            at[i] = self.inputs[i].wrapping_offset(offsets[i + 1] * self.sizes[i] as isize);
            if strides[i + 1] == 0 {
                repeated |= 1 << i;
                if let Some(convert) = self.converts[i] {
                    let to = buffers.inputs[i].ptr();
                    // SAFETY: the one element.
                    unsafe { convert(1, at[i], to) };
                    at[i] = to;
                }
            } else {
                direct &= strides[i + 1] == 1 && self.converts[i].is_none();
            }
        }
        let out = self.out.wrapping_offset(offsets[0] * self.out_size as isize);
        if direct {
            // SAFETY: all operands lie ready.
            return unsafe { self.kernel.run(n, out, &at, repeated, self.params) };
        }
        let mut done = 0;
        while done < n {
            let m = (n - done).min(CHUNK);
            let mut ready = at;
            for i in 0..self.arity {
                if repeated >> i & 1 != 0 {
                    continue;
                }
                let (stride, size) = (strides[i + 1], self.sizes[i]);
                let mut p = at[i].wrapping_offset(done as isize * stride * size as isize);
                if stride != 1 {
                    let to = if self.converts[i].is_some() { &mut buffers.raw } else { &mut buffers.inputs[i] }.ptr();
                    // SAFETY: `m` elements remain and fit the buffer.
                    unsafe { copy_strided(size, m, p, stride, to, 1) };
                    p = to;
                }
                if let Some(convert) = self.converts[i] {
                    let to = buffers.inputs[i].ptr();
                    // SAFETY: as above.
                    unsafe { convert(m, p, to) };
                    p = to;
                }
                ready[i] = p;
            }
            let to = out.wrapping_offset(done as isize * strides[0] * self.out_size as isize);
            // SAFETY: the inputs lie ready, `m` elements of the output remain.
            unsafe {
                if strides[0] == 1 && self.out_convert.is_none() {
                    self.kernel.run(m, to, &ready, repeated, self.params);
                } else {
                    let mut p = buffers.out.ptr();
                    self.kernel.run(m, p, &ready, repeated, self.params);
                    if let Some(convert) = self.out_convert {
                        let target = if strides[0] == 1 { to } else { buffers.raw.ptr() };
                        convert(m, p, target);
                        p = target;
                    }
                    if strides[0] != 1 {
                        copy_strided(self.out_size, m, p, 1, to, strides[0]);
                    }
                }
            }
            done += m;
        }
    }

    /// Operands of any strides.
    fn walk(&self, out: ViewMut, inputs: &[View]) {
        let strides = std::array::from_fn(|k| match k {
            0 => out.strides(),
            k => inputs.get(k - 1).map_or(&[] as &[i64], |x| x.strides()),
        });
        let iter: Iter<{ MAX_INPUTS + 1 }> = Iter::new(out.sizes(), strides);
        if iter.run_len() >= SHORT || iter.dims().len() < 2 {
            split_by_cost(iter.numel(), |r| {
                let mut buffers = Buffers::new();
                // SAFETY: the iterator stays within the operands.
                iter.for_each_run(r, |offsets, n, strides| unsafe {
                    self.run_strided(&mut buffers, offsets, n, strides)
                });
            });
        } else {
            split_by_cost(iter.numel(), |r| {
                let mut buffers = Buffers::new();
                let mut start = r.start;
                while start < r.end {
                    let end = (start + CHUNK).min(r.end);
                    // SAFETY: the chunk lies within the operands.
                    unsafe { self.run_chunk(&mut buffers, &iter, start..end) };
                    start = end;
                }
            });
        }
    }

    /// Up to [`CHUNK`] elements that make up many short runs.
    ///
    /// # Safety
    /// The operands lie as the iterator says.
    unsafe fn run_chunk(&self, buffers: &mut Buffers, iter: &Iter<{ MAX_INPUTS + 1 }>, r: Range<usize>) {
        let n = r.len();
        let mut at = self.inputs;
        let mut repeated = 0;
        // SAFETY: gathers and conversions are of the range's elements, which fit the buffers.
        unsafe {
            for i in 0..self.arity {
                let mut count = n;
                if iter.is_repeated(i + 1) {
                    repeated |= 1 << i;
                    count = 1;
                } else if iter.is_dense(i + 1) {
                    at[i] = at[i].wrapping_add(r.start * self.sizes[i]);
                } else {
                    let to = if self.converts[i].is_some() { &mut buffers.raw } else { &mut buffers.inputs[i] }.ptr();
                    gather(iter, i + 1, r.clone(), self.sizes[i], at[i], to);
                    at[i] = to;
                }
                if let Some(convert) = self.converts[i] {
                    let to = buffers.inputs[i].ptr();
                    convert(count, at[i], to);
                    at[i] = to;
                }
            }
            let dense = iter.is_dense(0);
            let to = if dense { self.out.wrapping_add(r.start * self.out_size) } else { buffers.raw.ptr() };
            if let Some(convert) = self.out_convert {
                let p = buffers.out.ptr();
                self.kernel.run(n, p, &at, repeated, self.params);
                convert(n, p, to);
            } else {
                self.kernel.run(n, to, &at, repeated, self.params);
            }
            if !dense {
                scatter(iter, 0, r, self.out_size, to, self.out);
            }
        }
    }
}
