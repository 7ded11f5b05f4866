//! Runs in chunks of sixteen. A chunk is loaded into a local array before anything is stored, so that working in place
//! does not keep loops from vectorising.

use super::real::Real;

/// Values handled together.
pub(crate) const L: usize = 16;

/// `chunks!(from, n, pad, |index, mut chunk, length| { .. })` runs the block on chunks of a run of `n` values; the last one
/// is padded with `pad` and comes with its true length. It must stand in an unsafe block whose author promises that `n`
/// values can be read.
///
/// A macro, because a closure would be compiled without the caller's instruction set unless it happened to be inlined.
macro_rules! chunks {
    ($from:expr, $n:expr, $pad:expr, |$i:tt, mut $v:ident, $len:tt| $body:block) => {{
        let (from, n, mut at) = ($from, $n, 0usize);
        while at + $crate::reduce::chunks::L <= n {
            #[allow(unused_mut)]
            let mut $v = $crate::reduce::chunks::read(from.add(at), $crate::reduce::chunks::L);
            $crate::reduce::chunks::one_by_one();
            let ($i, $len) = (at, $crate::reduce::chunks::L);
            $body
            at += $crate::reduce::chunks::L;
        }
        if at < n {
            #[allow(unused_mut)]
            let mut $v = $crate::reduce::chunks::read_part(from.add(at), n - at, $pad);
            let ($i, $len) = (at, n - at);
            $body
        }
    }};
}
pub(crate) use chunks;

/// Keeps the compiler from working on several chunks side by side, lane by lane, which it does with gathers: a chunk is as
/// wide as a register. No instruction comes of it.
#[inline(always)]
pub(crate) fn one_by_one() {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    // SAFETY: it is empty.
    unsafe {
        std::arch::asm!("", options(nomem, nostack, preserves_flags));
    }
}

/// Reads `1 <= len <= L` values and pads them. Value by value: a copy through memory, read back whole, would wait for
/// every store before it.
///
/// # Safety
/// `p` must be readable for `len` values.
#[inline(always)]
pub(crate) unsafe fn read_part<T: Copy>(p: *const T, len: usize, pad: T) -> [T; L] {
    let mut v = [pad; L];
    for (l, v) in v.iter_mut().enumerate() {
        // SAFETY: below `len`.
        let x = unsafe { p.add(l.min(len - 1)).read_unaligned() };
        *v = if l < len { x } else { pad };
    }
    v
}

/// Reads the chunk at `p`, padded with zeros.
///
/// # Safety
/// `p` must be readable for `len` values, at least one.
#[inline(always)]
pub(crate) unsafe fn read<T: Copy + Default>(p: *const T, len: usize) -> [T; L] {
    // SAFETY: forwarded.
    unsafe { if len == L { p.cast::<[T; L]>().read_unaligned() } else { read_part(p, len, T::default()) } }
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
fn tree<T: Real>(v: [T; L]) -> T {
    // Through memory: else the compiler arranges the loop that made them in pairs, as the halving would like them.
    let mut v = std::hint::black_box(v);
    let mut half = L / 2;
    while half > 0 {
        for l in 0..half {
            v[l] += v[l + half];
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
        for (low, v) in self.low.iter_mut().zip(v) {
            *low += *v;
        }
        self.count += 1;
        if self.count.is_multiple_of(32) {
            for l in 0..L {
                self.high[l] += self.low[l];
                self.low[l] = T::default();
            }
        }
    }
    /// The sum of each lane.
    #[inline(always)]
    pub fn lanes(mut self) -> [T; L] {
        for l in 0..L {
            self.low[l] += self.high[l];
        }
        self.low
    }
    /// The sum of all lanes.
    #[inline(always)]
    pub fn total(self) -> T {
        tree(self.lanes())
    }
}
