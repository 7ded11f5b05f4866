//! `sort` and `argsort`.

use flambeau_types::{DType, Error, Result};

use super::keys::{Key, Word, by_key};
use super::rows::{Place, Rows, flip, pack_rows};
use super::{introsort, radix};
use crate::view::{View, ViewMut};

/// Sorts along `dim`: the values in order, and the index that each had (`torch.sort`, `torch.argsort`). Either output may
/// be left out. NaN counts as the largest. If not `stable`, equal elements come in the order that libstdc++'s `sort` leaves
/// them in, but many integers in one dimension keep theirs, as PyTorch sorts these by digits.
pub fn sort(
    values: Option<ViewMut>,
    indices: Option<ViewMut>,
    x: View,
    dim: usize,
    descending: bool,
    stable: bool,
) -> Result<()> {
    if x.dtype().is_complex() {
        return Err(Error::type_(" Sort does not support complex dtypes on CPU"));
    }
    let rows = Rows::new(x.sizes(), dim);
    if rows.len > u32::MAX as usize {
        return Err(Error::not_implemented("sort: more than 2^32 - 1 elements along a dimension"));
    }
    debug_assert!(values.as_ref().is_none_or(|v| v.dtype() == x.dtype() && v.sizes() == x.sizes()));
    debug_assert!(indices.as_ref().is_none_or(|i| i.dtype() == DType::I64 && i.sizes() == x.sizes()));
    by_key!(x.dtype(), T => sort_rows::<T>(values, indices, &x, &rows, dim, (descending, stable)));
    Ok(())
}

/// Integers that PyTorch sorts by their digits.
const MANY: usize = 1 << 15;

fn sort_rows<T: Key>(
    values: Option<ViewMut>,
    indices: Option<ViewMut>,
    x: &View,
    rows: &Rows,
    dim: usize,
    (descending, stable): (bool, bool),
) {
    let (n, bytes) = (rows.len, size_of::<T>());
    if n == 0 || rows.count == 0 {
        return;
    }
    let from = rows.place(x.strides(), dim, bytes);
    let values = values.map(|v| (rows.place(v.strides(), dim, bytes), v));
    let indices = indices.map(|i| (rows.place(i.strides(), dim, 8), i));
    let flip = flip::<T>(descending);
    let by_digits = x.ndim() == 1 && n >= MANY && !descending && x.dtype().is_integral() && x.dtype() != DType::Bool;
    let stable = stable || by_digits || n <= 16;
    let together = rows.together(&from, bytes);
    // A task takes several groups, so that their buffers are made once.
    let tasks = (64 * 1024 / (n * together)).clamp(1, 64);
    rows.groups(together * tasks, |task| {
        let mut words = vec![T::Word::default(); n * together.min(task.len())];
        let mut scratch = vec![T::Word::default(); n];
        let mut start = task.start;
        while start < task.end {
            let group = start..(start + together).min(task.end);
            let words = &mut words[..n * group.len()];
            let lossy = pack_rows::<T>(x, rows, &from, group.clone(), words, flip);
            for row in words.chunks_exact_mut(n) {
                if stable {
                    radix::sort(row, &mut scratch, T::WIDTH);
                } else {
                    introsort::sort(row);
                }
            }
            if let Some((place, v)) = &values {
                let source = |r: usize| x.ptr().wrapping_offset(rows.offset(&from, r));
                write_rows(v.ptr(), rows, place, group.clone(), words, |r, w: T::Word| {
                    if lossy {
                        // SAFETY: an index is a position in the row.
                        let bits = unsafe { source(r).offset(w.index() as isize * from.step).cast::<T>() };
                        // SAFETY: as above; the bits are moved, whatever they are, as MaybeUninit allows.
                        unsafe { bits.cast::<std::mem::MaybeUninit<T>>().read_unaligned() }
                    } else {
                        std::mem::MaybeUninit::new(T::of_key(w.key() ^ flip))
                    }
                });
            }
            if let Some((place, i)) = &indices {
                write_rows(i.ptr(), rows, place, group.clone(), words, |_, w: T::Word| w.index() as i64);
            }
            start = group.end;
        }
    });
}

/// Writes a value for each word of some rows.
#[inline(always)]
fn write_rows<W: Word, V: Copy>(
    to: *mut u8,
    rows: &Rows,
    place: &Place,
    group: std::ops::Range<usize>,
    words: &[W],
    value: impl Fn(usize, W) -> V,
) {
    let n = rows.len;
    let size = size_of::<V>() as isize;
    if group.len() == 1 || place.step == size {
        for (r, row) in group.zip(words.chunks_exact(n)) {
            let at = to.wrapping_offset(rows.offset(place, r));
            // SAFETY: the row lies within the view.
            unsafe {
                if place.step == size {
                    for (j, &w) in row.iter().enumerate() {
                        at.cast::<V>().add(j).write_unaligned(value(r, w));
                    }
                } else {
                    for (j, &w) in row.iter().enumerate() {
                        at.offset(j as isize * place.step).cast::<V>().write_unaligned(value(r, w));
                    }
                }
            }
        }
        return;
    }
    let offsets: Vec<isize> = group.clone().map(|r| rows.offset(place, r)).collect();
    for j in 0..n {
        for (i, &offset) in offsets.iter().enumerate() {
            // SAFETY: as above.
            unsafe {
                let at = to.offset(offset + j as isize * place.step).cast::<V>();
                at.write_unaligned(value(group.start + i, words[i * n + j]));
            }
        }
    }
}
