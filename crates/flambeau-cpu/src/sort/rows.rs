//! The rows of a view along one dimension, as words.

use flambeau_types::{Dims, numel};

use super::keys::{Key, Word};
use crate::index::walk::load;
use crate::threads::parallel_for;
use crate::view::View;

/// Elements below which rows are not shared out between threads.
const GRAIN: usize = 4096;
/// Rows read together where the elements of a row lie far apart, so that a cache line serves several rows.
const TOGETHER: usize = 16;

/// A view seen as rows along a dimension; a 0-d view is one row of one element.
pub(crate) struct Rows {
    /// Elements in a row.
    pub(crate) len: usize,
    /// Number of rows.
    pub(crate) count: usize,
    outer: Dims,
}

/// Where the rows of one view lie.
pub(crate) struct Place {
    strides: Dims,
    /// The step along a row, in bytes.
    pub(crate) step: isize,
}

impl Rows {
    /// The rows of a shape.
    pub(crate) fn new(sizes: &[i64], dim: usize) -> Rows {
        let mut outer: Dims = sizes.into();
        let len = if sizes.is_empty() { 1 } else { outer.remove(dim) };
        Rows { len: len as usize, count: numel(&outer) as usize, outer }
    }

    /// How a view of these strides lies over the rows. Without the dimension itself (a reduced view), `step` is 0.
    pub(crate) fn place(&self, strides: &[i64], dim: usize, bytes: usize) -> Place {
        let mut strides: Dims = strides.iter().map(|s| s * bytes as i64).collect();
        let step = if strides.len() > self.outer.len() { strides.remove(dim) as isize } else { 0 };
        Place { strides, step }
    }

    /// The offset of a row, in bytes.
    pub(crate) fn offset(&self, place: &Place, row: usize) -> isize {
        let (mut rest, mut offset) = (row, 0);
        for d in (0..self.outer.len()).rev() {
            offset += (rest % self.outer[d] as usize) as isize * place.strides[d] as isize;
            rest /= self.outer[d] as usize;
        }
        offset
    }

    /// Runs `body(rows)` for groups of at most `most` neighbouring rows, on several threads if there is enough work.
    pub(crate) fn groups(&self, most: usize, body: impl Fn(std::ops::Range<usize>) + Sync) {
        let most = most.max(1);
        let groups = self.count.div_ceil(most);
        let grain = (GRAIN / (self.len * most).clamp(1, GRAIN)).max(1);
        parallel_for(0..groups, grain, |part| {
            for g in part {
                body(g * most..((g + 1) * most).min(self.count));
            }
        });
    }

    /// How many rows to read together.
    pub(crate) fn together(&self, place: &Place, bytes: usize) -> usize {
        if place.step == bytes as isize { 1 } else { ((1 << 17) / self.len.max(1)).clamp(1, TOGETHER) }
    }
}

/// Packs the elements of a row with their positions; with `descending` the keys are reversed. Returns whether some element
/// cannot be had back from its key.
///
/// # Safety
/// `n` elements of `T`, `step` bytes apart, must be readable from `from`.
#[inline(always)]
pub(crate) unsafe fn pack<T: Key>(from: *const u8, step: isize, words: &mut [T::Word], flip: u64) -> bool {
    let mut lossy = false;
    for (j, w) in words.iter_mut().enumerate() {
        // SAFETY: promised by the caller.
        let v = unsafe { load::<T>(from.offset(j as isize * step)) };
        lossy |= v.is_lossy();
        *w = T::Word::pack(v.key() ^ flip, j);
    }
    lossy
}

/// What keys are combined with to reverse their order.
pub(crate) fn flip<T: Key>(descending: bool) -> u64 {
    if descending { u64::MAX >> (64 - T::WIDTH) } else { 0 }
}

/// Packs all rows of a view one after another.
pub(crate) fn pack_rows<T: Key>(
    x: &View,
    rows: &Rows,
    place: &Place,
    group: std::ops::Range<usize>,
    words: &mut [T::Word],
    flip: u64,
) -> bool {
    let n = rows.len;
    let first = rows.offset(place, group.start);
    if group.len() == 1 {
        // SAFETY: the row lies within the view.
        return unsafe {
            if place.step == size_of::<T>() as isize {
                pack::<T>(x.ptr().offset(first), size_of::<T>() as isize, words, flip)
            } else {
                pack::<T>(x.ptr().offset(first), place.step, words, flip)
            }
        };
    }
    let offsets: Vec<isize> = group.clone().map(|r| rows.offset(place, r)).collect();
    let mut lossy = false;
    for j in 0..n {
        for (r, &offset) in offsets.iter().enumerate() {
            // SAFETY: as above.
            let v = unsafe { load::<T>(x.ptr().offset(offset + j as isize * place.step)) };
            lossy |= v.is_lossy();
            words[r * n + j] = T::Word::pack(v.key() ^ flip, j);
        }
    }
    lossy
}
