//! Least-significant-digit radix sort of words. It is stable on keys; as words come in with rising indices, that is the
//! order of whole words.

use std::sync::Mutex;

use super::keys::Word;
use crate::threads::{num_threads, parallel_for};

/// Up to here, counting how many words are less is faster.
const SMALL: usize = 64;
/// From here on a single sort is split between threads.
const PARALLEL: usize = 128 * 1024;

/// Sorts words whose keys use the low `bits` bits and whose indices rise. `scratch` is as long as `data`.
pub(crate) fn sort<W: Word>(data: &mut [W], scratch: &mut [W], bits: u32) {
    let n = data.len();
    debug_assert!(scratch.len() == n && bits <= W::KEY_BITS);
    if n <= SMALL {
        return small(data, scratch);
    }
    // More bits a pass would mean fewer passes, but more places written to at once than the caches follow.
    let width = 8;
    let passes = bits.div_ceil(width) as usize;
    let (buckets, mask) = (1usize << width, (1usize << width) - 1);
    let pieces = if n >= PARALLEL { num_threads() } else { 1 };
    let piece = n.div_ceil(pieces);
    // Counts of every digit of every pass, for each piece, in one reading.
    let mut counts = vec![0u32; passes * buckets];
    if pieces == 1 {
        count_all(data, &mut counts, width, passes);
    } else {
        let total = Mutex::new(&mut counts);
        parallel_for(0..pieces, 1, |part| {
            for p in part {
                let mut own = vec![0u32; passes * buckets];
                count_all(&data[(p * piece).min(n)..((p + 1) * piece).min(n)], &mut own, width, passes);
                let mut total = total.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                total.iter_mut().zip(own).for_each(|(t, c)| *t += c);
            }
        });
    }
    let (mut from, mut to) = (data, scratch);
    let mut swapped = false;
    for pass in 0..passes {
        let shift = pass as u32 * width;
        let counts = &mut counts[pass * buckets..(pass + 1) * buckets];
        if counts.iter().any(|&c| c as usize == n) {
            continue;
        }
        if pieces == 1 {
            let mut start = 0;
            for c in counts.iter_mut() {
                start += std::mem::replace(c, start);
            }
            // SAFETY: the counts are those of `from`'s digits, so every place is within `to`, once.
            unsafe { spread(from, to.as_mut_ptr(), counts, shift, mask) };
        } else {
            spread_parallel(from, to, counts, shift, mask, pieces, piece);
        }
        std::mem::swap(&mut from, &mut to);
        swapped = !swapped;
    }
    if swapped {
        // `from` is the scratch and holds the result.
        to.copy_from_slice(from);
    }
}

/// Sorts a few words by counting, for each, how many are less: no branch to mispredict, and the counting vectorises.
fn small<W: Word>(data: &mut [W], scratch: &mut [W]) {
    if std::arch::is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has AVX-512.
        unsafe { small_avx512(data, scratch) }
    } else if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        unsafe { small_avx2(data, scratch) }
    } else {
        small_body(data, scratch)
    }
}

#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
fn small_avx512<W: Word>(data: &mut [W], scratch: &mut [W]) {
    small_body(data, scratch)
}

#[target_feature(enable = "avx2,fma")]
fn small_avx2<W: Word>(data: &mut [W], scratch: &mut [W]) {
    small_body(data, scratch)
}

#[inline(always)]
fn small_body<W: Word>(data: &mut [W], scratch: &mut [W]) {
    let n = data.len();
    let mut keys = [i64::MAX; SMALL];
    for (k, w) in keys.iter_mut().zip(data.iter()) {
        // Signed, as the vector instructions compare; all in order.
        *k = (w.key() ^ 1 << 63) as i64;
    }
    // Padding (the largest key, behind all others) is never counted: it is not less, nor in front.
    let padded = n.next_multiple_of(8);
    for (i, &w) in data.iter().enumerate() {
        let own = keys[i];
        let mut rank = 0i64;
        for (j, &k) in keys[..padded].iter().enumerate() {
            rank += (k < own || (k == own && j < i)) as i64;
        }
        scratch[rank as usize] = w;
    }
    data.copy_from_slice(scratch);
}

#[inline(always)]
fn count_all<W: Word>(data: &[W], counts: &mut [u32], width: u32, passes: usize) {
    let (buckets, mask) = (1usize << width, (1usize << width) - 1);
    for w in data {
        for pass in 0..passes {
            counts[pass * buckets + w.digit(pass as u32 * width, mask)] += 1;
        }
    }
}

/// Moves each word to the place its digit names next.
///
/// # Safety
/// `places` must hold, for each digit, the start of a stretch of `to` with room for every word of that digit.
#[inline(always)]
unsafe fn spread<W: Word>(from: &[W], to: *mut W, places: &mut [u32], shift: u32, mask: usize) {
    for &w in from {
        // SAFETY: a digit is at most `mask`, one less than the number of places; the rest is promised by the caller.
        unsafe {
            let place = places.get_unchecked_mut(w.digit(shift, mask));
            to.add(*place as usize).write(w);
            *place += 1;
        }
    }
}

/// One pass over several pieces at once: the pieces of a digit lie one after another, so the order stays.
fn spread_parallel<W: Word>(
    from: &[W],
    to: &mut [W],
    counts: &[u32],
    shift: u32,
    mask: usize,
    pieces: usize,
    piece: usize,
) {
    let (n, buckets) = (from.len(), counts.len());
    let own: Vec<Mutex<Vec<u32>>> = (0..pieces).map(|_| Mutex::new(vec![0u32; buckets])).collect();
    let lock = |p: usize| own[p].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let slice = |p: usize| &from[(p * piece).min(n)..((p + 1) * piece).min(n)];
    parallel_for(0..pieces, 1, |part| {
        for p in part {
            let mut counts = lock(p);
            for w in slice(p) {
                counts[w.digit(shift, mask)] += 1;
            }
        }
    });
    let mut start = 0;
    for digit in 0..buckets {
        for p in 0..pieces {
            let c = &mut lock(p)[digit];
            start += std::mem::replace(c, start);
        }
    }
    struct To<W>(*mut W);
    // SAFETY: the pieces write to places that are theirs alone.
    unsafe impl<W> Sync for To<W> {}
    let to = To(to.as_mut_ptr());
    parallel_for(0..pieces, 1, |part| {
        let to = &to;
        for p in part {
            // SAFETY: the places of all pieces are disjoint and within `to`.
            unsafe { spread(slice(p), to.0, &mut lock(p), shift, mask) };
        }
    });
}
