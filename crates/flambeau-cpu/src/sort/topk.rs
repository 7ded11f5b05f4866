//! `topk`.

use flambeau_types::{DType, Error, Result};

use super::introsort::{self, Heap};
use super::keys::{Key, Word, by_key};
use super::rows::{Rows, flip, pack_rows};
use crate::index::walk::load;
use crate::view::{View, ViewMut};

/// The `k` largest (or smallest) elements along `dim` and their indices (`torch.topk`); `values` and `indices` have `k`
/// elements along `dim`. Which of equal elements are chosen, and in what order, is as in PyTorch, `sorted` or not.
pub fn topk(values: ViewMut, indices: ViewMut, x: View, k: i64, dim: usize, largest: bool, sorted: bool) -> Result<()> {
    if x.dtype() == DType::Bool {
        return Err(Error::not_implemented("topk does not support bool dtypes on CPU"));
    }
    if x.dtype().is_complex() {
        // The space is PyTorch's.
        return Err(Error::type_(" topk does not support complex dtypes on CPU"));
    }
    let rows = Rows::new(x.sizes(), dim);
    if k < 0 || k as usize > rows.len {
        return Err(Error::runtime("selected index k out of range"));
    }
    if rows.len > u32::MAX as usize {
        return Err(Error::not_implemented("topk: more than 2^32 - 1 elements along a dimension"));
    }
    debug_assert!(values.dtype() == x.dtype() && indices.dtype() == DType::I64);
    by_key!(x.dtype(), T => topk_rows::<T>(values, indices, &x, &rows, k as usize, dim, largest, sorted));
    Ok(())
}

fn topk_rows<T: Key>(
    values: ViewMut,
    indices: ViewMut,
    x: &View,
    rows: &Rows,
    k: usize,
    dim: usize,
    largest: bool,
    sorted: bool,
) {
    let (n, bytes) = (rows.len, size_of::<T>());
    if k == 0 || rows.count == 0 {
        return;
    }
    let from = rows.place(x.strides(), dim, bytes);
    let (to, ito) = (rows.place(values.strides(), dim, bytes), rows.place(indices.strides(), dim, 8));
    let flip = flip::<T>(largest);
    let few = k <= n / 64;
    let together = rows.together(&from, bytes);
    let tasks = (64 * 1024 / (n * together)).clamp(1, 64);
    rows.groups(together * tasks, |task| {
        let stream = few && together == 1;
        let mut words = vec![T::Word::default(); if stream { k } else { n * together.min(task.len()) }];
        let mut start = task.start;
        while start < task.end {
            let group = start..(start + together).min(task.end);
            if stream {
                select_few::<T>(x.ptr().wrapping_offset(rows.offset(&from, start)), from.step, n, &mut words, flip);
            } else {
                pack_rows::<T>(x, rows, &from, group.clone(), &mut words[..n * group.len()], flip);
            }
            for (r, row) in group.clone().zip(words.chunks_exact_mut(if stream { k } else { n })) {
                if few {
                    if !stream {
                        introsort::heap_select(row, k);
                    }
                    Heap(&mut row[..k]).into_sorted();
                } else {
                    introsort::nth_element(row, k - 1);
                    if sorted {
                        introsort::sort(&mut row[..k - 1]);
                    }
                }
                // SAFETY: indices are positions in the row of `x`, and the outputs have rows of `k` elements.
                unsafe {
                    let source = x.ptr().offset(rows.offset(&from, r));
                    let v = values.ptr().offset(rows.offset(&to, r));
                    let i = indices.ptr().offset(rows.offset(&ito, r));
                    for (j, w) in row[..k].iter().enumerate() {
                        let e = load::<T>(source.offset(w.index() as isize * from.step));
                        v.offset(j as isize * to.step).cast::<T>().write_unaligned(e);
                        i.offset(j as isize * ito.step).cast::<i64>().write_unaligned(w.index() as i64);
                    }
                }
            }
            start = group.end;
        }
    });
}

/// Elements looked at together.
const CHUNK: usize = 64;

/// Marks the keys of a chunk that are below `top`: the lowest bit of a byte each.
///
/// # Safety
/// `CHUNK` elements must be readable.
unsafe fn below<T: Key>(from: *const u8, flip: u64, top: u64) -> [u64; CHUNK / 8] {
    // SAFETY: the features are detected; the rest is promised by the caller.
    unsafe {
        if std::arch::is_x86_feature_detected!("avx512f") {
            below_avx512::<T>(from, flip, top)
        } else if std::arch::is_x86_feature_detected!("avx2") {
            below_avx2::<T>(from, flip, top)
        } else {
            below_body::<T>(from, flip, top)
        }
    }
}

/// # Safety
/// As [`below`].
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
unsafe fn below_avx512<T: Key>(from: *const u8, flip: u64, top: u64) -> [u64; CHUNK / 8] {
    // SAFETY: promised by the caller.
    unsafe { below_body::<T>(from, flip, top) }
}

/// # Safety
/// As [`below`].
#[target_feature(enable = "avx2,fma")]
unsafe fn below_avx2<T: Key>(from: *const u8, flip: u64, top: u64) -> [u64; CHUNK / 8] {
    // SAFETY: promised by the caller.
    unsafe { below_body::<T>(from, flip, top) }
}

/// # Safety
/// As [`below`].
#[inline(always)]
unsafe fn below_body<T: Key>(from: *const u8, flip: u64, top: u64) -> [u64; CHUNK / 8] {
    let mut marks = [0u8; CHUNK];
    for (c, mark) in marks.iter_mut().enumerate() {
        // SAFETY: promised by the caller.
        let key = unsafe { load::<T>(from.add(c * size_of::<T>())) }.key() ^ flip;
        // In 32 bits twice as many fit in a vector.
        *mark = if T::WIDTH <= 32 { (key as u32) < top as u32 } else { key < top } as u8;
    }
    let mut words = [0; CHUNK / 8];
    for (word, bytes) in words.iter_mut().zip(marks.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

/// [`introsort::heap_select`] on a row that is read once and not kept.
fn select_few<T: Key>(from: *const u8, step: isize, n: usize, words: &mut [T::Word], flip: u64) {
    // SAFETY: callers give a row of `n` elements.
    let key = |j: usize| unsafe { load::<T>(from.wrapping_offset(j as isize * step)) }.key() ^ flip;
    let k = words.len();
    for (j, w) in words.iter_mut().enumerate() {
        *w = T::Word::pack(key(j), j);
    }
    let mut heap = Heap(words);
    heap.build();
    let mut top = heap.0[0].key();
    let mut j = k;
    let contiguous = step == size_of::<T>() as isize;
    while j < n {
        let end = (j + CHUNK).min(n);
        let mut offer = |heap: &mut Heap<_>, j: usize| {
            let key = key(j);
            if key < top {
                heap.replace_top(T::Word::pack(key, j));
                top = heap.0[0].key();
            }
        };
        if contiguous && end - j == CHUNK {
            // Most elements are not for the heap, which is found out without a branch for each.
            // SAFETY: the chunk lies within the row.
            let marks = unsafe { below::<T>(from.add(j * size_of::<T>()), flip, heap.0[0].key()) };
            for (w, mut word) in marks.into_iter().enumerate() {
                while word != 0 {
                    offer(&mut heap, j + w * 8 + word.trailing_zeros() as usize / 8);
                    word &= word - 1;
                }
            }
        } else {
            (j..end).for_each(|j| offer(&mut heap, j));
        }
        j = end;
    }
}
