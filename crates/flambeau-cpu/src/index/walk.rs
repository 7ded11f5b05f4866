//! Walking several operands together over one shape, and what the index kernels share: typed moves by element size,
//! the first bad index, a scalar as bytes.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use flambeau_types::{DType, Element, Error, Result, Scalar};
use smallvec::SmallVec;

#[cfg(target_arch = "x86_64")]
use crate::math::{Level, level};
use crate::threads::parallel_for;
use crate::view::View;

/// Elements below which a loop stays on one thread.
pub(crate) const GRAIN: usize = 16 * 1024;

/// Runs the body with `$t` as a plain type of that many bytes: enough for everything that only moves elements.
macro_rules! by_size {
    ($size:expr, $t:ident => $body:expr) => {
        match $size {
            1 => {
                type $t = u8;
                $body
            }
            2 => {
                type $t = u16;
                $body
            }
            4 => {
                type $t = u32;
                $body
            }
            8 => {
                type $t = u64;
                $body
            }
            _ => {
                type $t = [u64; 2];
                $body
            }
        }
    };
}
pub(crate) use by_size;

/// Runs the body with `$t` as the [`Element`] of a dtype.
macro_rules! by_element {
    ($dtype:expr, $t:ident => $body:expr) => {
        by_element!(@ $dtype, $t, $body,
            Bool bool, U8 u8, I8 i8, I16 i16, I32 i32, I64 i64, F16 flambeau_types::f16, BF16 flambeau_types::bf16,
            F32 f32, F64 f64, C64 flambeau_types::Complex32, C128 flambeau_types::Complex64)
    };
    (@ $dtype:expr, $t:ident, $body:expr, $($d:ident $e:ty),*) => {
        match $dtype {
            $(flambeau_types::DType::$d => {
                type $t = $e;
                $body
            })*
        }
    };
}
pub(crate) use by_element;

/// Reads an element; a bool may be any byte in memory.
///
/// # Safety
/// `ptr` must point at an initialised element of `T`'s dtype.
#[inline(always)]
pub(crate) unsafe fn load<T: Element>(ptr: *const u8) -> T {
    // SAFETY: promised by the caller; bool is rebuilt from its byte, so the copied bool is 0 or 1.
    unsafe {
        if T::DTYPE == DType::Bool {
            let b = *ptr != 0;
            std::mem::transmute_copy(&b)
        } else {
            ptr.cast::<T>().read_unaligned()
        }
    }
}

/// One shape and, for each of `N` operands, its steps in bytes. Neighbouring dimensions that every operand runs through
/// without a jump are merged; their order is kept, so a walk visits elements in row-major order.
pub(crate) struct Walk<const N: usize> {
    sizes: SmallVec<[usize; 6]>,
    strides: SmallVec<[[isize; N]; 6]>,
    numel: usize,
}

impl<const N: usize> Walk<N> {
    /// A walk over `sizes`, with strides in elements and the size of an element for each operand.
    pub(crate) fn new(sizes: &[i64], operands: [(&[i64], usize); N]) -> Walk<N> {
        let mut walk = Walk { sizes: SmallVec::new(), strides: SmallVec::new(), numel: 1 };
        for (d, &n) in sizes.iter().enumerate() {
            walk.numel *= n.max(0) as usize;
            if n == 1 {
                continue;
            }
            let step = operands.map(|(strides, size)| strides[d] as isize * size as isize);
            match (walk.sizes.last_mut(), walk.strides.last_mut()) {
                (Some(outer), Some(s)) if (0..N).all(|i| s[i] == step[i] * n as isize) => {
                    *outer *= n as usize;
                    *s = step;
                }
                _ => {
                    walk.sizes.push(n as usize);
                    walk.strides.push(step);
                }
            }
        }
        if walk.sizes.is_empty() {
            walk.sizes.push(1);
            walk.strides.push([0; N]);
        }
        walk
    }

    /// The number of positions.
    pub(crate) fn numel(&self) -> usize {
        self.numel
    }

    /// The steps of the innermost dimension, in bytes.
    pub(crate) fn inner(&self) -> [isize; N] {
        self.strides[self.strides.len() - 1]
    }

    /// Size and steps of the outer dimension, and the size of the inner one, if there are just two.
    pub(crate) fn rows(&self) -> Option<(usize, [isize; N], usize)> {
        match (&self.sizes[..], &self.strides[..]) {
            (&[rows, inner], &[steps, _]) => Some((rows, steps, inner)),
            _ => None,
        }
    }

    /// True if the whole walk is a single run.
    pub(crate) fn is_flat(&self) -> bool {
        self.sizes.len() == 1
    }

    /// Calls `body` for every run along the innermost dimension within a range of positions: the position, the offsets
    /// of the operands in bytes, and the length. Stops when `body` says false.
    #[inline(always)]
    pub(crate) fn runs(&self, range: Range<usize>, mut body: impl FnMut(usize, [isize; N], usize) -> bool) {
        if range.is_empty() || self.numel == 0 {
            return;
        }
        let (sizes, strides) = (&self.sizes[..], &self.strides[..]);
        let last = sizes.len() - 1;
        let mut at: SmallVec<[usize; 6]> = SmallVec::from_elem(0, last + 1);
        let at = &mut at[..];
        let mut offset = [0isize; N];
        let mut rest = range.start;
        for d in (0..=last).rev() {
            at[d] = rest % sizes[d];
            rest /= sizes[d];
            for i in 0..N {
                offset[i] += at[d] as isize * strides[d][i];
            }
        }
        let mut position = range.start;
        let (inner, step) = (sizes[last], strides[last]);
        // Only the first run may start inside its row.
        let mut skipped = at[last];
        loop {
            let len = (inner - skipped).min(range.end - position);
            if !body(position, offset, len) {
                return;
            }
            position += len;
            if position >= range.end {
                return;
            }
            for i in 0..N {
                offset[i] -= skipped as isize * step[i];
            }
            skipped = 0;
            for d in (0..last).rev() {
                at[d] += 1;
                for i in 0..N {
                    offset[i] += strides[d][i];
                }
                if at[d] < sizes[d] {
                    break;
                }
                for i in 0..N {
                    offset[i] -= at[d] as isize * strides[d][i];
                }
                at[d] = 0;
            }
        }
    }

    /// [`Walk::runs`] over all positions, on several threads if there are many.
    #[inline(always)]
    pub(crate) fn parallel_runs(&self, grain: usize, body: impl Fn(usize, [isize; N], usize) -> bool + Sync) {
        parallel_for(0..self.numel, grain, |range| self.runs(range, &body));
    }
}

/// The earliest index that was out of range, whichever thread met it.
#[derive(Default)]
pub(crate) struct Fault(Mutex<Option<(usize, i64)>>);

impl Fault {
    /// Notes a bad index and where it stood; returns false, to stop a walk.
    #[cold]
    pub(crate) fn note(&self, position: usize, index: i64) -> bool {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_none_or(|(p, _)| position < p) {
            *slot = Some((position, index));
        }
        false
    }

    /// The error made from the bad index, if there was one.
    pub(crate) fn check(self, error: impl FnOnce(i64) -> Error) -> Result<()> {
        match self.0.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some((_, index)) => Err(error(index)),
            None => Ok(()),
        }
    }
}

/// The text that most of PyTorch's index errors share.
pub(crate) fn out_of_bounds(index: i64, dim: i64, size: i64) -> String {
    format!("index {index} is out of bounds for dimension {dim} with size {size}")
}

/// A number as an element in memory.
pub(crate) fn scalar_bytes(dtype: DType, value: Scalar) -> [u8; 16] {
    let mut bytes = [0u8; 16];
    by_element!(dtype, T => {
        // SAFETY: no element is larger than 16 bytes.
        unsafe { bytes.as_mut_ptr().cast::<T>().write_unaligned(T::from_scalar(value)) }
    });
    bytes
}

/// Sizes and strides with a 0-d view seen as one dimension of size 1, as PyTorch's index functions see it.
pub(crate) fn at_least_1d<'a>(sizes: &'a [i64], strides: &'a [i64]) -> (&'a [i64], &'a [i64]) {
    if sizes.is_empty() { (&[1], &[0]) } else { (sizes, strides) }
}

/// The elements of an index view (i64, or any other integer type) in row-major order: where they lie, if they lie so.
pub(crate) fn index_values<'a>(index: &'a View) -> Cow<'a, [i64]> {
    let ptr = index.ptr().cast::<i64>();
    if index.dtype() == DType::I64 && index.is_contiguous() && ptr.is_aligned() && index.numel() > 0 {
        // SAFETY: that many contiguous elements, of which the view has a lock for as long as it lives.
        return Cow::Borrowed(unsafe { std::slice::from_raw_parts(ptr, index.numel()) });
    }
    let mut out = Vec::with_capacity(index.numel());
    let walk = Walk::new(index.sizes(), [(index.strides(), index.dtype().size())]);
    let [step] = walk.inner();
    by_element!(index.dtype(), T => walk.runs(0..walk.numel(), |_, [at], n| {
        for i in 0..n as isize {
            // SAFETY: the walk stays within the view.
            out.push(unsafe { load::<T>(index.ptr().offset(at + i * step)) }.to_scalar().to_i64());
        }
        true
    }));
    Cow::Owned(out)
}

/// Runs `body` with an index view of dtype i64: the view itself, or a converted copy (i32 and the like).
pub(crate) fn with_i64<R>(index: &View, body: impl FnOnce(&View) -> R) -> R {
    if index.dtype() == DType::I64 {
        return body(index);
    }
    let values = index_values(index);
    let strides = flambeau_types::contiguous_strides(index.sizes());
    // SAFETY: the values are contiguous, in the shape of the view they were read from.
    body(&unsafe { View::new(values.as_ptr().cast(), DType::I64, index.sizes(), &strides) })
}

/// Copies bytes; the places may overlap.
///
/// Where the target lies a little behind the source but for whole pages, as in a row that moves by a few elements, the C
/// library's copy takes ten times as long on some processors: a store seems to be what the next load waits for. From the end on
/// it is not.
///
/// # Safety
/// `len` bytes to read and to write.
#[inline]
unsafe fn copy_bytes(to: *mut u8, from: *const u8, len: usize) {
    let (t, f) = (to as usize, from as usize);
    let behind = t.wrapping_sub(f) % 4096;
    let mut left = len;
    // SAFETY: promised by the caller; what a later block reads is not written before, for the target is behind or apart.
    unsafe {
        if len >= 1024 && (1..128).contains(&behind) && (t > f || t + len <= f) {
            while left >= 64 {
                left -= 64;
                let block = from.add(left).cast::<[u64; 8]>().read_unaligned();
                to.add(left).cast::<[u64; 8]>().write_unaligned(block);
            }
        }
        std::ptr::copy(from, to, left);
    }
}

/// Copies a run from its last element to its first.
///
/// # Safety
/// Both runs must be within memory that may be written and read, and must not overlap.
#[inline(always)]
unsafe fn turn<T: Copy>(to: *mut T, from: *const T, n: usize) {
    for i in 0..n {
        // SAFETY: promised by the caller.
        unsafe { to.add(i).write_unaligned(from.add(n - 1 - i).read_unaligned()) };
    }
}

/// With the instructions that turn bytes within a register.
///
/// # Safety
/// As of [`turn`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn turn_avx2<T: Copy>(to: *mut T, from: *const T, n: usize) {
    // SAFETY: forwarded.
    unsafe { turn(to, from, n) }
}

/// Copies a run of elements between two strides.
///
/// # Safety
/// Both runs must be within memory that may be written and read, and must not overlap unless they are the same.
#[inline(always)]
pub(crate) unsafe fn copy_run<T: Copy>(to: *mut u8, from: *const u8, n: usize, [so, si]: [isize; 2]) {
    let size = size_of::<T>() as isize;
    // SAFETY: promised by the caller; `copy` allows the runs to be the same memory.
    unsafe {
        if so == size && si == size {
            copy_bytes(to, from, n * size as usize);
        } else if so == size && si == 0 {
            let v = from.cast::<T>().read_unaligned();
            for i in 0..n {
                to.cast::<T>().add(i).write_unaligned(v);
            }
        } else if so == size && si == -size {
            let (to, from) = (to.cast::<T>(), from.cast::<T>().wrapping_sub(n - 1));
            #[cfg(target_arch = "x86_64")]
            if level() != Level::Plain {
                return turn_avx2(to, from, n);
            }
            turn(to, from, n);
        } else {
            for i in 0..n as isize {
                to.offset(i * so).cast::<T>().write_unaligned(from.offset(i * si).cast::<T>().read_unaligned());
            }
        }
    }
}
