//! The blocked product: cuts a product into blocks that fit the caches and into pieces for threads.

use std::ops::Range;

use super::kernel::{Kernels, Tile, kernels};
use super::pack::{Rhs, pack_lhs};
use super::scratch::{self, Slot};
use super::shared::{for_pieces, inside_piece};
use super::simd::Real;
use crate::threads::num_threads;

/// Multiply-adds worth a thread of their own: about 20 microseconds.
const GRAIN: usize = 1 << 21;

/// Elements of k added up in registers before they go to c.
const K_BLOCK: usize = 192;

/// `c = alpha * a @ b + beta * c`, with a of (m, k), b of (k, n), and c of adjacent columns. A beta of 0 ignores c.
pub(crate) struct Product<'a, T, B: ?Sized> {
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub a: *const T,
    pub a_row: isize,
    pub a_col: isize,
    pub b: &'a B,
    pub c: *mut T,
    pub c_row: isize,
    pub alpha: T,
    pub beta: T,
}

// SAFETY: the pointers are only used within `run`, whose caller vouches for them; pieces write disjoint parts of c.
unsafe impl<T, B: Sync + ?Sized> Sync for Product<'_, T, B> {}

/// Cuts `range` into equal pieces of at most `max`.
fn pieces(range: Range<usize>, max: usize) -> impl Iterator<Item = Range<usize>> {
    let n = range.len();
    let count = n.div_ceil(max.max(1));
    (0..count).map(move |i| range.start + n * i / count..range.start + n * (i + 1) / count)
}

impl<T: Real, B: Rhs<T> + ?Sized> Product<'_, T, B> {
    /// Computes, on as many threads as the work deserves.
    ///
    /// # Safety
    /// a and b must be readable and c writable for all their elements, c overlapping neither.
    pub unsafe fn run(&self) {
        let work = self.m * self.n * self.k;
        let threads = if work < 2 * GRAIN { 1 } else { num_threads().min(work / GRAIN) };
        // SAFETY: forwarded; the grid's pieces are disjoint.
        unsafe {
            if threads == 1 || inside_piece() {
                return self.serial(0..self.m, 0..self.n);
            }
            let width = 2 * kernels::<T>().lanes;
            let (rows, cols) = grid(self.m, self.n.div_ceil(width), width, threads);
            let cols_of = |j: usize| self.n.min(self.n.div_ceil(width) * j / cols * width);
            for_pieces(0..rows * cols, 1, |range| {
                for piece in range {
                    let (i, j) = (piece / cols, piece % cols);
                    self.serial(self.m * i / rows..self.m * (i + 1) / rows, cols_of(j)..cols_of(j + 1));
                }
            });
        }
    }

    /// Computes one block of c on this thread.
    ///
    /// # Safety
    /// As `run`, for that block.
    pub unsafe fn serial(&self, rows: Range<usize>, cols: Range<usize>) {
        if rows.is_empty() || cols.is_empty() {
            return;
        }
        let kern = kernels::<T>();
        let width = 2 * kern.lanes;
        // A block of b is to stay in the second-level cache: about 200 KB of f32, 400 KB of f64.
        let (max_k, max_n) = (K_BLOCK, 256);
        let direct = if rows.len() <= kern.mr { self.b.direct() } else { None };
        let k_block = self.k.min(max_k);
        let n_block = cols.len().min(max_n).next_multiple_of(width);
        // Padding at the end: rows of a narrow `a` sliver are read whole.
        let (b_len, a_len) = (k_block * n_block, k_block * kern.mr);
        let pack_a = self.packs_lhs(cols.len());
        scratch::with::<T, _>(Slot::Pack, b_len + a_len, |buffer| {
            // SAFETY: the buffer has b_len + a_len elements; the rest is forwarded.
            unsafe {
                let a_buffer = buffer.add(b_len);
                for cols in pieces_of_width(cols.clone(), n_block) {
                    let mut beta = self.beta;
                    for ks in k_pieces(self.k) {
                        self.pack_rhs(ks.clone(), cols.clone(), buffer, width, direct);
                        for rows in pieces(rows.clone(), kern.mr) {
                            let a = self
                                .a
                                .wrapping_offset(rows.start as isize * self.a_row + ks.start as isize * self.a_col);
                            let lhs = if pack_a {
                                pack_lhs(a, self.a_row, self.a_col, rows.len(), ks.len(), a_buffer);
                                (a_buffer.cast_const(), 1, rows.len() as isize)
                            } else {
                                (a, self.a_row, self.a_col)
                            };
                            self.sliver(kern, lhs, rows, ks.clone(), cols.clone(), buffer, direct, beta);
                        }
                        beta = T::one();
                    }
                }
            }
        });
    }

    /// Whether slivers of a are packed: where the kernels cannot read it as it lies, or where its rows fall on the same
    /// cache sets or on too many pages and the sliver is used often enough to pay.
    fn packs_lhs(&self, cols: usize) -> bool {
        if self.a_col == 1 {
            (self.a_row.unsigned_abs() * size_of::<T>()).is_multiple_of(1024) && self.k > 64 && cols > 64
        } else if self.a_row == 1 {
            cols > 64 && self.k > 64
        } else {
            true
        }
    }

    /// Packs the panels of one block of b, but for those that are read in place.
    unsafe fn pack_rhs(
        &self,
        ks: Range<usize>,
        cols: Range<usize>,
        buffer: *mut T,
        width: usize,
        direct: Option<(*const T, isize)>,
    ) {
        for j in cols.clone().step_by(width) {
            let n = width.min(cols.end - j);
            if direct.is_some() && n == width {
                continue;
            }
            // SAFETY: the buffer holds the block.
            unsafe { self.b.pack(ks.clone(), j, n, buffer.add((j - cols.start) * ks.len()), width) };
        }
    }

    /// One sliver of rows against all panels of a block.
    unsafe fn sliver(
        &self,
        kern: &Kernels<T>,
        (a, a_row, a_col): (*const T, isize, isize),
        rows: Range<usize>,
        ks: Range<usize>,
        cols: Range<usize>,
        buffer: *mut T,
        direct: Option<(*const T, isize)>,
        beta: T,
    ) {
        let width = 2 * kern.lanes;
        let table = if a_row == 1 { &kern.tiles } else { &kern.row_tiles };
        let kernels = &table[rows.len() - 1];
        for j in cols.clone().step_by(width) {
            let n = width.min(cols.end - j);
            let (b, b_row) = match direct {
                Some((b, row)) if n == width => (b.wrapping_offset(ks.start as isize * row + j as isize), row),
                // SAFETY: pack_rhs filled this panel.
                _ => (unsafe { buffer.add((j - cols.start) * ks.len()) }.cast_const(), width as isize),
            };
            let tile = Tile {
                k: ks.len(),
                a,
                a_row,
                a_col,
                b,
                b_row,
                c: self.c.wrapping_offset(rows.start as isize * self.c_row + j as isize),
                c_row: self.c_row,
                cols: n,
                alpha: self.alpha,
                beta,
            };
            // SAFETY: the tile lies within the product, and the kernels suit this processor.
            unsafe { kernels[(n > kern.lanes) as usize](&tile) };
        }
    }
}

/// Pieces of k as MKL cuts it for PyTorch's float32 products, whose last bit depends on that: blocks of 192, or two halves of
/// less than two blocks, and what is left over.
fn k_pieces(k: usize) -> impl Iterator<Item = Range<usize>> {
    let size = if k > K_BLOCK && k < 2 * K_BLOCK { k / 2 } else { K_BLOCK };
    (0..k).step_by(size.max(1)).map(move |at| at..k.min(at + size))
}

/// Pieces of `size` columns, the last one shorter.
fn pieces_of_width(range: Range<usize>, size: usize) -> impl Iterator<Item = Range<usize>> {
    range.clone().step_by(size.max(1)).map(move |j| j..range.end.min(j + size))
}

/// How many pieces of rows and of columns to cut for `threads`: the cut that leaves the least to read for each.
fn grid(m: usize, panels: usize, width: usize, threads: usize) -> (usize, usize) {
    let mut best = (usize::MAX, 1, 1);
    for rows in 1..=threads {
        let cols = (threads / rows).min(panels);
        let rows = rows.min(m.div_ceil(8));
        // The slowest piece counts first, then what it reads.
        let (piece_m, piece_n) = (m.div_ceil(rows), panels.div_ceil(cols) * width);
        let cost = piece_m * piece_n * 16 + (piece_m + piece_n);
        if cost < best.0 {
            best = (cost, rows, cols);
        }
    }
    (best.1, best.2)
}
