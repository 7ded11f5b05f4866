//! Runs in chunks of sixteen. A chunk is loaded into a local array before anything is stored, so that working in place
//! does not keep loops from vectorising.

use super::real::Real;

/// Values handled together.
pub(crate) const L: usize = 16;

/// Calls `f(index, chunk)` on chunks of a run of `n`; the last one is padded with `pad` and has its true length.
///
/// # Safety
/// `a` must be readable for `n` values.
#[inline(always)]
pub(crate) unsafe fn chunks<T: Copy>(a: *const T, n: usize, pad: T, mut f: impl FnMut(usize, [T; L], usize)) {
    let mut i = 0;
    while i + L <= n {
        // SAFETY: within `n`.
        f(i, unsafe { a.add(i).cast::<[T; L]>().read_unaligned() }, L);
        i += L;
    }
    if i < n {
        let mut v = [pad; L];
        // SAFETY: within `n`.
        unsafe { std::ptr::copy_nonoverlapping(a.add(i), v.as_mut_ptr(), n - i) };
        f(i, v, n - i);
    }
}

/// Reads the chunk at `p`, padded with zeros.
///
/// # Safety
/// `p` must be readable for `len` values.
#[inline(always)]
pub(crate) unsafe fn read<T: Copy + Default>(p: *const T, len: usize) -> [T; L] {
    // SAFETY: forwarded.
    unsafe {
        if len == L {
            return p.cast::<[T; L]>().read_unaligned();
        }
        let mut v = [T::default(); L];
        std::ptr::copy_nonoverlapping(p, v.as_mut_ptr(), len);
        v
    }
}

/// Writes the first `len` values of a chunk.
///
/// # Safety
/// `p` must be writable for `len` values.
#[inline(always)]
pub(crate) unsafe fn write<T: Copy>(p: *mut T, v: [T; L], len: usize) {
    // SAFETY: forwarded.
    unsafe {
        if len == L {
            p.cast::<[T; L]>().write_unaligned(v);
        } else {
            std::ptr::copy_nonoverlapping(v.as_ptr(), p, len);
        }
    }
}

#[inline(always)]
fn tree<T: Real>(mut v: [T; L]) -> T {
    let mut half = L / 2;
    while half > 0 {
        for l in 0..half {
            v[l] = v[l] + v[l + half];
        }
        half /= 2;
    }
    v[0]
}

/// A sum over chunks on two levels.
pub(crate) struct Running<T> {
    low: [T; L],
    high: [T; L],
    count: usize,
}

impl<T: Real> Running<T> {
    #[inline(always)]
    pub fn new() -> Self {
        Running { low: [T::default(); L], high: [T::default(); L], count: 0 }
    }
    #[inline(always)]
    pub fn add(&mut self, v: &[T; L]) {
        for l in 0..L {
            self.low[l] += v[l];
        }
        self.count += 1;
        if self.count.is_multiple_of(64) {
            for l in 0..L {
                self.high[l] += self.low[l];
                self.low[l] = T::default();
            }
        }
    }
    #[inline(always)]
    pub fn total(mut self) -> T {
        for l in 0..L {
            self.low[l] += self.high[l];
        }
        tree(self.low)
    }
}
