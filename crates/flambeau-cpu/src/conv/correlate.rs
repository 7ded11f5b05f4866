//! Products of a matrix with what a kernel sees of images: convolutions, and their gradients for the input.

use std::ops::Range;

use super::sheet::{Band, Geometry, Sheet};
use super::tiles::{Kernels, Tile, kernels};
use crate::gemm::scratch::{self, Slot};
use crate::gemm::{Real, Shared, for_pieces};
use crate::reduce::levels::levels;
use crate::threads::num_threads;

/// Bytes of a sheet: it should stay in the second-level cache.
const SHEET_BYTES: usize = 384 << 10;
/// Multiply-adds worth a thread.
const GRAIN: usize = 1 << 20;
/// Tiles of columns that are finished together.
const TILES: usize = 8;

/// One product a group and image: `target = matrix @ seen + bias`.
pub(super) struct Correlation<'a, T> {
    pub batch: usize,
    pub groups: usize,
    pub geometry: &'a Geometry,
    /// Channels of the target in a group.
    pub rows: usize,
    /// (groups * rows, k), row-major, with k over the source's channels and the kernel's elements.
    pub matrix: Shared<T>,
    pub bias: Option<Shared<T>>,
    pub source: Shared<T>,
    pub target: Shared<T>,
    /// Sizes of the target's planes; output o is at `first + o * apart`.
    pub planes: [usize; 3],
    pub first: [usize; 3],
    pub apart: [usize; 3],
}

/// Columns that are computed together, at `at` in a sheet.
struct Columns {
    at: usize,
    count: usize,
    /// Which of the runs are theirs.
    runs: Range<usize>,
    /// Whether they are adjacent in the target as they are in the sheet.
    whole: bool,
}

/// Adjacent outputs of one row: the column of a tile, the place in the target from the band's first output on.
struct Run {
    column: usize,
    to: usize,
    count: usize,
}

/// What bands of one size have in common.
struct Plan {
    size: [usize; 3],
    sheet: Sheet,
    shifts: Vec<usize>,
    tiles: Vec<Columns>,
    runs: Vec<Run>,
}

impl<T: Real> Correlation<'_, T> {
    fn plan(&self, size: [usize; 3], width: usize) -> Plan {
        let sheet = self.geometry.sheet::<T>(size);
        let [_, rows, columns] = sheet.plane;
        let (mut tiles, mut runs): (Vec<Columns>, Vec<Run>) = (Vec::new(), Vec::new());
        for d in 0..size[0] {
            let length = (size[1] - 1) * columns + size[2];
            for start in (0..length).step_by(width) {
                let count = width.min(length - start);
                let first_run = runs.len();
                let mut q = start;
                while q < start + count {
                    let (row, column) = (q / columns, q % columns);
                    let next = (row + 1) * columns;
                    if column < size[2] {
                        let n = (size[2] - column).min(start + count - q);
                        let to = (d * self.apart[0] * self.planes[1] + row * self.apart[1]) * self.planes[2]
                            + column * self.apart[2];
                        match runs[first_run..].last_mut() {
                            Some(r)
                                if self.apart[2] == 1 && r.column + r.count == q - start && r.to + r.count == to =>
                            {
                                r.count += n;
                            }
                            _ => runs.push(Run { column: q - start, to, count: n }),
                        }
                    }
                    q = next;
                }
                let own = &runs[first_run..];
                if !own.is_empty() {
                    let whole = self.apart[2] == 1 && own.len() == 1 && own[0].count == count;
                    tiles.push(Columns { at: d * rows * columns + start, count, runs: first_run..runs.len(), whole });
                }
            }
        }
        Plan { size, shifts: self.geometry.shifts(&sheet), sheet, tiles, runs }
    }

    /// Computes, on as many threads as the work deserves.
    ///
    /// # Safety
    /// The memory is contiguous and of the sizes given; k is not 0.
    pub unsafe fn run(&self) {
        let outputs: usize = self.geometry.outputs.iter().product();
        if outputs == 0 || self.batch == 0 || self.rows == 0 {
            return;
        }
        let kern = kernels::<T>();
        let width = kern.width(self.rows);
        let room = SHEET_BYTES / size_of::<T>();
        let k = self.geometry.shifts(&self.geometry.sheet::<T>([1; 3])).len();
        let work = self.batch * self.groups * self.rows * k * outputs;
        let threads = if work < 2 * GRAIN { 1 } else { num_threads().min(work / GRAIN) };
        let lone = self.batch * self.groups;
        let bands = self.geometry.bands::<T>(room, if lone < threads { threads.div_ceil(lone) } else { 1 });
        // Small images share a piece, so that the matrix is read once for many columns.
        let together = if bands.len() > 1 {
            1
        } else {
            let sheet = self.geometry.sheet::<T>(self.geometry.outputs);
            let wanted = (TILES * width).div_ceil(outputs).min(room / sheet.whole.max(1));
            wanted.min(lone.div_ceil(threads)).clamp(1, self.batch)
        };
        let images = self.batch.div_ceil(together);
        // Where there are too few pieces of images, threads share the rows.
        let pieces = images * self.groups * bands.len();
        let parts = if pieces < threads { threads.div_ceil(pieces).min(self.rows.div_ceil(kern.rows)) } else { 1 };
        let all = pieces * parts;
        for_pieces(0..all, if threads == 1 { all } else { GRAIN.div_ceil((work / all).max(1)) }, |range| {
            let mut plan: Option<Plan> = None;
            for piece in range {
                let (piece, part) = (piece / parts, piece % parts);
                let (piece, band) = (piece / bands.len(), &bands[piece % bands.len()]);
                let (image, group) = (piece / self.groups, piece % self.groups);
                let known = plan.take().filter(|p| p.size == band.size);
                let p = plan.insert(known.unwrap_or_else(|| self.plan(band.size, width)));
                let images = image * together..self.batch.min((image + 1) * together);
                let rows = self.rows * part / parts..self.rows * (part + 1) / parts;
                // SAFETY: forwarded; pieces write outputs of their own.
                unsafe { self.piece(kern, p, images, group, band, rows) };
            }
        });
    }

    unsafe fn piece(
        &self,
        kern: &Kernels<T>,
        plan: &Plan,
        images: Range<usize>,
        group: usize,
        band: &Band,
        rows: Range<usize>,
    ) {
        let g = self.geometry;
        let k = plan.shifts.len();
        let width = kern.width(self.rows);
        let from_plane: usize = g.source.iter().product();
        let to_plane: usize = self.planes.iter().product();
        let max_k = 1600 / size_of::<T>();
        let max_rows = 12 * kern.rows;
        let wide = TILES * width + 16;
        // Rows of the matrix that fall on the same places in the cache are copied.
        let copied = (k * size_of::<T>()).is_multiple_of(1024) && k > 64;
        let a_step = max_k.min(k) + 16;
        let sheets = images.len() * plan.sheet.whole + 8 * kern.lanes;
        let block = max_rows.min(rows.len());
        scratch::with::<T, _>(Slot::Outer, sheets + block * wide + kern.rows * a_step, |buffer| {
            let results = buffer.wrapping_add(sheets);
            let a_copy = results.wrapping_add(block * wide);
            let mut places = Vec::with_capacity(images.len() * plan.tiles.len());
            let start = |d: usize| self.first[d] + band.from[d] * self.apart[d];
            let origin = (start(0) * self.planes[1] + start(1)) * self.planes[2] + start(2);
            for (i, n) in images.enumerate() {
                let at = i * plan.sheet.whole;
                let image = self.source.at(((n * self.groups + group) * g.channels * from_plane) as isize);
                // SAFETY: the image's channels of this group, and a sheet's room.
                unsafe { g.fill(&plan.sheet, band, image.cast_const(), buffer.wrapping_add(at)) };
                let target = self.target.at(((n * self.groups + group) * self.rows * to_plane + origin) as isize);
                places.extend(plan.tiles.iter().map(|t| (t, buffer.wrapping_add(at + t.at).cast_const(), target)));
            }
            for tiles in places.chunks(TILES) {
                for rows in cut(rows.clone(), max_rows) {
                    for ks in cut(0..k, max_k) {
                        for sliver in cut(rows.clone(), kern.rows) {
                            let mut a = self
                                .matrix
                                .at(((group * self.rows + sliver.start) * k + ks.start) as isize)
                                .cast_const();
                            let mut a_row = k;
                            if copied {
                                // SAFETY: rows of the matrix; the copy has room for them.
                                unsafe { copy_rows(a, k, sliver.len(), ks.len(), a_copy, a_step) };
                                (a, a_row) = (a_copy.cast_const(), a_step);
                            }
                            for (i, &(t, b, target)) in tiles.iter().enumerate() {
                                let (c, c_row) = if t.whole && self.bias.is_none() {
                                    let to = plan.runs[t.runs.start].to + sliver.start * to_plane;
                                    (target.wrapping_add(to), to_plane)
                                } else {
                                    (results.wrapping_add((sliver.start - rows.start) * wide + i * width), wide)
                                };
                                let tile = Tile {
                                    k: ks.len(),
                                    a,
                                    a_row: a_row as isize,
                                    b,
                                    shifts: plan.shifts[ks.clone()].as_ptr(),
                                    c,
                                    c_row,
                                    cols: t.count,
                                    add: ks.start > 0,
                                };
                                // SAFETY: a tile of the matrix, the sheets and the results.
                                unsafe { kern.tile(sliver.len(), t.count)(&tile) };
                            }
                        }
                    }
                    for row in rows.clone() {
                        let from = results.wrapping_add((row - rows.start) * wide).cast_const();
                        // SAFETY: this row's results, and its outputs in the target.
                        unsafe {
                            let bias = self.bias.map(|b| b.at((group * self.rows + row) as isize).read_unaligned());
                            for (i, &(t, _, target)) in tiles.iter().enumerate() {
                                if t.whole && bias.is_none() {
                                    continue;
                                }
                                let target = target.wrapping_add(row * to_plane);
                                let from = from.wrapping_add(i * width);
                                finish(from, &plan.runs[t.runs.clone()], target, self.apart[2], bias);
                            }
                        }
                    }
                }
            }
        });
    }
}

/// Cuts a range into equal pieces of at most `most`.
fn cut(range: Range<usize>, most: usize) -> impl Iterator<Item = Range<usize>> {
    let n = range.len();
    let count = n.div_ceil(most.max(1));
    (0..count).map(move |i| range.start + n * i / count..range.start + n * (i + 1) / count)
}

unsafe fn copy_rows<T: Copy>(from: *const T, step: usize, rows: usize, n: usize, to: *mut T, to_step: usize) {
    for i in 0..rows {
        let (from, to) = (from.wrapping_add(i * step), to.wrapping_add(i * to_step));
        // SAFETY: the caller's rows; bytes, as the memory may be unaligned.
        unsafe { std::ptr::copy_nonoverlapping(from.cast::<u8>(), to.cast::<u8>(), n * size_of::<T>()) };
    }
}

levels!(
    /// Brings a row of a tile to where its outputs are.
    unsafe fn finish<T: Real>(from: *const T, runs: &[Run], target: *mut T, apart: usize, bias: Option<T>) = finish_body
);

#[inline(always)]
unsafe fn finish_body<T: Real, const F: bool>(
    from: *const T,
    runs: &[Run],
    target: *mut T,
    apart: usize,
    bias: Option<T>,
) {
    for run in runs {
        let (from, to) = (from.wrapping_add(run.column), target.wrapping_add(run.to));
        // SAFETY: the caller's results and outputs.
        unsafe {
            match bias {
                Some(b) => put(from, to, apart, run.count, |x| x + b),
                None => put(from, to, apart, run.count, |x| x),
            }
        }
    }
}

#[inline(always)]
unsafe fn put<T: Real>(from: *const T, to: *mut T, apart: usize, n: usize, f: impl Fn(T) -> T) {
    let mut i = 0;
    // SAFETY: i stays below n.
    unsafe {
        if apart == 1 {
            while i + 16 <= n {
                let xs = from.add(i).cast::<[T; 16]>().read_unaligned();
                to.add(i).cast::<[T; 16]>().write_unaligned(xs.map(&f));
                i += 16;
            }
        }
        for i in i..n {
            to.add(i * apart).write_unaligned(f(from.add(i).read_unaligned()));
        }
    }
}
