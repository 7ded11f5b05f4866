//! Copies whose input runs along another dimension than the output: by blocks a cache line wide in both.

use std::mem::MaybeUninit;

use super::cast::Convert;
use super::iter::{Dim, Iter};
use super::split::split_by_cost;
use super::stride::{Buffer, by_size};

/// Elements along either side of the tiles that threads are given.
const TILE: usize = 128;

/// The two matrices that are copied: the output is dense along `a`, the input along `b`.
pub(crate) struct Transpose {
    /// The dimension along which the output is dense, and the input's step along it.
    a: Dim<2>,
    /// The dimension along which the input is dense, and the output's step along it.
    b: Dim<2>,
    rest: Iter<2>,
}

impl Transpose {
    /// The plan for an output (operand 0) and an input (operand 1), if they are dense along different dimensions.
    pub(crate) fn of(iter: &Iter<2>) -> Option<Transpose> {
        let a = *iter.dims().iter().find(|d| d.strides[0] == 1)?;
        let b = *iter.dims().iter().find(|d| d.strides[1] == 1)?;
        if a == b || a.size < 4 || b.size < 4 || a.size * b.size < 64 || a.strides[1] == 0 || b.strides[0] == 0 {
            return None;
        }
        let rest: Vec<_> = iter.dims().iter().filter(|d| **d != a && **d != b).collect();
        let sizes: Vec<i64> = rest.iter().rev().map(|d| d.size as i64).collect();
        let strides = [0, 1].map(|k| rest.iter().rev().map(|d| d.strides[k] as i64).collect::<Vec<_>>());
        Some(Transpose { a, b, rest: Iter::new(&sizes, [&strides[0], &strides[1]]) })
    }

    /// Copies, converting where `convert` is given.
    ///
    /// # Safety
    /// The operands lie as the iterator of [`of`](Transpose::of) said and do not overlap; `convert` is from the input's
    /// dtype to the output's.
    pub(crate) unsafe fn run(
        &self,
        from: *const u8,
        from_size: usize,
        to: *mut u8,
        to_size: usize,
        convert: Option<Convert>,
    ) {
        let (a, b) = (self.a, self.b);
        let (tiles_a, tiles_b) = (a.size.div_ceil(TILE), b.size.div_ceil(TILE));
        let tile_numel = (a.size.min(TILE)) * b.size.min(TILE);
        let tiles = tiles_a * tiles_b;
        let (from, to) = (Shared(from.cast_mut()), Shared(to));
        // The unit of cost is an element; pieces are rounded to tiles.
        let total = tiles * self.rest.numel();
        split_by_cost(total * tile_numel, |r| {
            let (from, to) = (&from, &to);
            for t in r.start.div_ceil(tile_numel)..r.end.div_ceil(tile_numel) {
                let (outer, tile) = (t / tiles, t % tiles);
                let (i, j) = (tile % tiles_a * TILE, tile / tiles_a * TILE);
                let (na, nb) = ((a.size - i).min(TILE), (b.size - j).min(TILE));
                self.rest.for_each_run(outer..outer + 1, |offsets, _, _| {
                    let from_at = offsets[1] + i as isize * a.strides[1] + j as isize;
                    let to_at = offsets[0] + i as isize + j as isize * b.strides[0];
                    let from = from.0.wrapping_offset(from_at * from_size as isize);
                    let to = to.0.wrapping_offset(to_at * to_size as isize);
                    // SAFETY: the tile lies within both operands.
                    unsafe {
                        by_size!(from_size, T => tile_of::<T>(
                            from.cast(), a.strides[1], na, to, to_size, b.strides[0], nb, convert
                        ))
                    }
                });
            }
        });
    }
}

struct Shared(*mut u8);
// SAFETY: threads read the input and write disjoint tiles of the output.
unsafe impl Sync for Shared {}

/// Copies a tile: `to[i + j * to_step] = from[i * from_step + j]` for `i < na`, `j < nb`.
///
/// # Safety
/// All those elements exist.
#[inline(never)]
unsafe fn tile_of<T: Copy>(
    from: *const T,
    from_step: isize,
    na: usize,
    to: *mut u8,
    to_size: usize,
    to_step: isize,
    nb: usize,
    convert: Option<Convert>,
) {
    let side = 64 / size_of::<T>();
    let mut buffer = Buffer::new();
    // SAFETY: blocks lie within the tile; a block of 64 / size by 64 / size elements fits the buffer twice over.
    unsafe {
        for j in (0..nb).step_by(side) {
            let n = (nb - j).min(side);
            for i in (0..na).step_by(side) {
                let m = (na - i).min(side);
                let src = from.offset(i as isize * from_step + j as isize);
                let dst = to.offset((i as isize + j as isize * to_step) * to_size as isize);
                match convert {
                    None if m == side && n == side => block::<T>(src, from_step, dst.cast(), to_step),
                    None => {
                        for q in 0..n as isize {
                            for p in 0..m as isize {
                                let x = src.offset(p * from_step + q).read_unaligned();
                                dst.cast::<T>().offset(p + q * to_step).write_unaligned(x);
                            }
                        }
                    }
                    Some(convert) => {
                        let turned: *mut T = buffer.ptr().cast();
                        if m == side && n == side {
                            block::<T>(src, from_step, turned, side as isize);
                        } else {
                            for q in 0..n {
                                for p in 0..m {
                                    let x = src.offset(p as isize * from_step + q as isize).read_unaligned();
                                    turned.add(p + q * side).write(x);
                                }
                            }
                        }
                        for q in 0..n {
                            let row = dst.offset(q as isize * to_step * to_size as isize);
                            convert(m, turned.add(q * side).cast(), row);
                        }
                    }
                }
            }
        }
    }
}

/// Copies a block of whole cache lines. All of it is read before any is written, so that lines which share a place in
/// the cache (rows a power of two apart) are not fetched twice.
#[inline(always)]
unsafe fn block<T: Copy>(from: *const T, from_step: isize, to: *mut T, to_step: isize) {
    let side = 64 / size_of::<T>();
    let mut lines = [MaybeUninit::<[u8; 64]>::uninit(); 64];
    let staged: *mut T = lines.as_mut_ptr().cast();
    // SAFETY: `side` lines of `side` elements each fit `lines` and exist on both sides.
    unsafe {
        for i in 0..side {
            let line = from.offset(i as isize * from_step).cast::<[u8; 64]>().read_unaligned();
            staged.add(i * side).cast::<[u8; 64]>().write_unaligned(line);
        }
        for j in 0..side {
            let mut line = MaybeUninit::<[u8; 64]>::uninit();
            let cells: *mut T = line.as_mut_ptr().cast();
            for i in 0..side {
                cells.add(i).write_unaligned(staged.add(i * side + j).read_unaligned());
            }
            to.offset(j as isize * to_step).cast::<[u8; 64]>().write_unaligned(line.assume_init());
        }
    }
}
