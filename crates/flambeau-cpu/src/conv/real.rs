//! The gradients of a convolution in f32 and f64.

use super::Sizes;
use super::correlate::Correlation;
use super::forward::fill;
use super::sheet::{Band, Geometry, Sheet};
use super::tiles::{Dots, kernels};
use crate::gemm::scratch::{self, Slot};
use crate::gemm::{Real, Shared, for_pieces};
use crate::threads::num_threads;

/// Bytes of a sheet: it should stay in the second-level cache.
const SHEET_BYTES: usize = 384 << 10;
/// Rows of a turned weight that are written together.
const ROWS: usize = 16;

/// The kernel elements along a dimension that reach the inputs `r`, `r + stride`, ..., and the places in the output where
/// input r meets them.
fn meeting(s: &Sizes, d: usize, r: usize) -> (Vec<usize>, Vec<isize>) {
    let stride = s.stride[d] as isize;
    (0..s.kernel[d])
        .filter_map(|k| {
            let t = (r + s.padding[d]) as isize - (k * s.dilation[d]) as isize;
            (t.rem_euclid(stride) == 0).then_some((k, t.div_euclid(stride)))
        })
        .unzip()
}

/// The input's gradient: for each remainder of the input's places by the stride, a correlation of the output's gradient with
/// the kernel elements that reach them.
///
/// # Safety
/// The memory is contiguous and of the sizes given.
pub(super) unsafe fn input<T: Real>(s: &Sizes, g: *const T, w: *const T, x: *mut T) {
    let (g, w, x) = (Shared::read(g), Shared::read(w), Shared::new(x));
    let remainders = [0, 1, 2].map(|d| {
        let list = (0..s.stride[d].min(s.input[d])).map(|r| (r, meeting(s, d, r)));
        list.filter(|(_, (ks, _))| !ks.is_empty()).collect::<Vec<_>>()
    });
    let [rd, rh, rw] = &remainders;
    let reached = (0..3).all(|d| remainders[d].len() == s.stride[d].min(s.input[d]));
    if !reached || s.c_out == 0 || s.out_plane() == 0 {
        let size = s.groups * s.c_in * s.in_plane();
        for_pieces(0..s.batch, (1usize << 18).div_ceil(size.max(1)), |range| {
            // SAFETY: these images.
            unsafe { fill(x.at((range.start * size) as isize), range.len() * size, T::zero()) };
        });
    }
    if s.c_out == 0 || s.out_plane() == 0 {
        return;
    }
    for (i, (ds, di)) in rd {
        for (j, (hs, hj)) in rh {
            for (l, (ws, wl)) in rw {
                let matrix = turned(s, w, [ds, hs, ws]);
                let first = [*i, *j, *l];
                let outputs = [0, 1, 2].map(|d| (s.input[d] - first[d]).div_ceil(s.stride[d]));
                let taps = [di.clone(), hj.clone(), wl.clone()];
                let geometry = Geometry::new(s.c_out, s.output, outputs, [1; 3], &taps);
                let correlation = Correlation {
                    batch: s.batch,
                    groups: s.groups,
                    geometry: &geometry,
                    rows: s.c_in,
                    matrix: Shared::read(matrix.as_ptr()),
                    bias: None,
                    source: g,
                    target: x,
                    planes: s.input,
                    first,
                    apart: s.stride,
                };
                // SAFETY: forwarded to the caller.
                unsafe { correlation.run() }
            }
        }
    }
}

/// The weight by input channels: (groups * c_in, c_out * kernel elements), with the kernel elements of these lists.
fn turned<T: Real>(s: &Sizes, w: Shared<T>, [ds, hs, ws]: [&[usize]; 3]) -> Vec<T> {
    let [_, kh, kw] = s.kernel;
    let chosen: Vec<usize> =
        ds.iter().flat_map(|d| hs.iter().flat_map(move |h| ws.iter().map(move |l| (d * kh + h) * kw + l))).collect();
    let (taps, n, k) = (s.taps(), chosen.len(), s.c_out * chosen.len());
    let mut matrix = vec![T::zero(); s.groups * s.c_in * k];
    let to = Shared::new(matrix.as_mut_ptr());
    // Some rows at a time, so that what is read and what is written are both in runs.
    let blocks = s.c_in.div_ceil(ROWS);
    for_pieces(0..s.groups * blocks, (1usize << 16).div_ceil(ROWS * k.max(1)), |range| {
        for block in range {
            let (group, channels) = (block / blocks, block % blocks * ROWS..s.c_in.min((block % blocks + 1) * ROWS));
            for o in 0..s.c_out {
                for c in channels.clone() {
                    let from = w.at((((group * s.c_out + o) * s.c_in + c) * taps) as isize);
                    let to = to.at(((group * s.c_in + c) * k + o * n) as isize);
                    for (i, &tap) in chosen.iter().enumerate() {
                        // SAFETY: an element of the weight, and one of this row.
                        unsafe { to.add(i).write(from.add(tap).read_unaligned()) };
                    }
                }
            }
        }
    });
    matrix
}

/// What one thread computes of a weight's gradient: some output channels of some groups.
struct Part<'a, T> {
    sizes: &'a Sizes,
    geometry: &'a Geometry,
    bands: &'a [Band],
    together: usize,
    g: Shared<T>,
    x: Shared<T>,
    w: Shared<T>,
}

/// The weight's gradient: products of the rows of the output's gradient and the input's rows, read at shifted places.
///
/// # Safety
/// The memory is contiguous and of the sizes given.
pub(super) unsafe fn weight<T: Real>(s: &Sizes, g: *const T, x: *const T, w: *mut T) {
    let (g, x, w) = (Shared::read(g), Shared::read(x), Shared::new(w));
    let size = s.groups * s.c_out * s.patch();
    // SAFETY: the weight's gradient.
    unsafe { fill(w.at(0), size, T::zero()) };
    if size == 0 || s.batch == 0 || s.out_plane() == 0 {
        return;
    }
    let geometry = Geometry::of(s);
    let room = SHEET_BYTES / size_of::<T>();
    let bands = geometry.bands::<T>(room, 1);
    let whole = geometry.sheet::<T>(bands[0].size).whole;
    // Small images are gone through together: each sum over lanes at the end is then for more products.
    let together = if bands.len() > 1 {
        1
    } else {
        1024usize.div_ceil(s.out_plane()).min(3 * room / whole.max(1)).clamp(1, s.batch)
    };
    let part = Part { sizes: s, geometry: &geometry, bands: &bands, together, g, x, w };
    let work = s.work() * s.batch;
    let threads = if work * s.groups < 1 << 21 { 1 } else { num_threads() };
    let cuts = if s.groups >= threads { 1 } else { threads.div_ceil(s.groups).min(s.c_out.div_ceil(4)) };
    let quads = s.c_out.div_ceil(4);
    let all = s.groups * cuts;
    for_pieces(0..all, if threads == 1 { all } else { (1usize << 20).div_ceil((work / cuts).max(1)) }, |range| {
        for piece in range {
            let (group, cut) = (piece / cuts, piece % cuts);
            let rows = 4 * (quads * cut / cuts)..s.c_out.min(4 * (quads * (cut + 1) / cuts));
            // SAFETY: forwarded; pieces write channels of their own.
            unsafe { part.channels(group, rows) };
        }
    });
}

impl<T: Real> Part<'_, T> {
    /// # Safety
    /// As [`weight`]; nobody else writes these channels of the group.
    unsafe fn channels(&self, group: usize, rows: std::ops::Range<usize>) {
        let mut known: Option<(Sheet, Vec<usize>, [usize; 3])> = None;
        for start in (0..self.sizes.batch).step_by(self.together) {
            let images = start..self.sizes.batch.min(start + self.together);
            for band in self.bands {
                let same = known.take().filter(|k| k.2 == band.size);
                let (sheet, shifts, _) = known.insert(same.unwrap_or_else(|| {
                    let sheet = self.geometry.sheet::<T>(band.size);
                    let mut shifts = self.geometry.shifts(&sheet);
                    // The kernels read a few columns more than there may be.
                    shifts.extend([shifts[0]; 12]);
                    (sheet, shifts, band.size)
                }));
                // SAFETY: forwarded.
                unsafe { self.band(group, rows.clone(), images.clone(), band, sheet, shifts) };
            }
        }
    }

    unsafe fn band(
        &self,
        group: usize,
        rows: std::ops::Range<usize>,
        images: std::ops::Range<usize>,
        band: &Band,
        sheet: &Sheet,
        shifts: &[usize],
    ) {
        let s = self.sizes;
        let kern = kernels::<T>();
        let [depths, heights, widths] = band.size;
        let (columns, patch) = (sheet.plane[2], s.patch());
        let (in_plane, out_plane) = (s.in_plane(), s.out_plane());
        let length = (heights - 1) * columns + widths;
        // A stretch for each depth of each image; rows of g, with zeros where the sheet's columns are no outputs.
        let stretch = length.next_multiple_of(16);
        let g_row = images.len() * depths * stretch + 16;
        let sheets = images.len() * sheet.whole;
        scratch::with::<T, _>(Slot::Outer, sheets + rows.len() * g_row, |buffer| {
            let wide = buffer.wrapping_add(sheets);
            let mut stretches = Vec::with_capacity(images.len() * depths);
            for (i, n) in images.clone().enumerate() {
                let image = self.x.at(((n * s.groups + group) * s.c_in * in_plane) as isize).cast_const();
                // SAFETY: the image's channels of this group, and a sheet's room.
                unsafe { self.geometry.fill(sheet, band, image, buffer.wrapping_add(i * sheet.whole)) };
                for d in 0..depths {
                    let at = (i * depths + d) * stretch;
                    stretches.push((at, i * sheet.whole + d * sheet.plane[1] * columns, length));
                    for row in rows.clone() {
                        let channel = (n * s.groups + group) * s.c_out + row;
                        let from = (band.from[0] + d) * s.output[1] + band.from[1];
                        let from = self.g.at((channel * out_plane + from * s.output[2]) as isize);
                        let to = wide.wrapping_add((row - rows.start) * g_row + at);
                        // SAFETY: this channel's rows, and their room.
                        unsafe { spread(from, to, heights, widths, columns) };
                    }
                }
            }
            let mut row = rows.start;
            while row < rows.end {
                let (which, height, width) = if row + 4 <= rows.end { (0, 4, 6) } else { (1, 1, 12) };
                for j in (0..patch).step_by(width) {
                    let dots = Dots {
                        g: wide.wrapping_add((row - rows.start) * g_row),
                        g_row,
                        x: buffer.cast_const(),
                        shifts: shifts[j..].as_ptr(),
                        stretches: stretches.as_ptr(),
                        count: stretches.len(),
                        sums: self.w.at(((group * s.c_out + row) * patch + j) as isize),
                        sums_row: patch,
                        cols: width.min(patch - j),
                    };
                    // SAFETY: rows of g, the sheets, and channels of the gradient that are this piece's.
                    unsafe { kern.dots[which](&dots) };
                }
                row += height;
            }
        });
    }
}

/// Rows of `width` elements to rows of `columns`, with zeros behind all but the last.
unsafe fn spread<T: Real>(from: *const T, to: *mut T, rows: usize, width: usize, columns: usize) {
    for i in 0..rows {
        let (from, to) = (from.wrapping_add(i * width), to.wrapping_add(i * columns));
        // SAFETY: the caller's rows; bytes, as the memory may be unaligned.
        unsafe {
            std::ptr::copy_nonoverlapping(from.cast::<u8>(), to.cast::<u8>(), width * size_of::<T>());
            if i + 1 < rows {
                fill(to.add(width), columns - width, T::zero());
            }
        }
    }
}
