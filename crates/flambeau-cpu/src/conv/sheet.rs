//! Sheets: copies of images with their padding, from which each kernel element reads a whole plane of outputs one after
//! another. With steps over 1 a sheet has a plane for each remainder that the kernel looks at.

use super::Sizes;
use crate::gemm::Real;
use crate::reduce::levels::levels;

/// What a kernel sees along one dimension.
#[derive(Clone, Debug)]
struct Look {
    /// Elements of the source from one output to the next.
    step: usize,
    /// The remainders by the step that occur.
    phases: Vec<isize>,
    /// For each kernel element its phase and its shift, in steps.
    at: Vec<(usize, usize)>,
    /// The least shift, which is taken off all.
    low: isize,
    /// The greatest one then.
    reach: usize,
}

impl Look {
    /// `taps` are the places in the source that output 0 is made of.
    fn new(taps: &[isize], step: usize) -> Look {
        let split = |t: isize| (t.rem_euclid(step as isize), t.div_euclid(step as isize));
        let low = taps.iter().map(|&t| split(t).1).min().unwrap_or(0);
        let mut phases = Vec::new();
        let at: Vec<(usize, usize)> = taps
            .iter()
            .map(|&t| {
                let (phase, shift) = split(t);
                let i = phases.iter().position(|&p| p == phase).unwrap_or_else(|| {
                    phases.push(phase);
                    phases.len() - 1
                });
                (i, (shift - low) as usize)
            })
            .collect();
        Look { step, low, reach: at.iter().map(|a| a.1).max().unwrap_or(0), phases, at }
    }
}

/// Some outputs: along each dimension the first one, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Band {
    pub from: [usize; 3],
    pub size: [usize; 3],
}

/// Which outputs are made from which places of a source.
#[derive(Clone, Debug)]
pub(super) struct Geometry {
    pub channels: usize,
    pub source: [usize; 3],
    pub outputs: [usize; 3],
    looks: [Look; 3],
}

/// The layout of a sheet for bands of one size.
#[derive(Clone, Debug)]
pub(super) struct Sheet {
    /// Sizes of a plane.
    pub plane: [usize; 3],
    /// From plane to plane, and from image to image.
    pub step: usize,
    pub whole: usize,
}

impl Geometry {
    /// With `taps`, along each dimension, the places that output 0 is made of.
    pub fn new(
        channels: usize,
        source: [usize; 3],
        outputs: [usize; 3],
        step: [usize; 3],
        taps: &[Vec<isize>; 3],
    ) -> Self {
        let looks = [0, 1, 2].map(|d| Look::new(&taps[d], step[d]));
        Geometry { channels, source, outputs, looks }
    }

    /// That of a convolution.
    pub fn of(s: &Sizes) -> Geometry {
        let taps = [0, 1, 2].map(|d| {
            (0..s.kernel[d]).map(|k| (k * s.dilation[d]) as isize - s.padding[d] as isize).collect::<Vec<_>>()
        });
        Geometry::new(s.c_in, s.input, s.output, s.stride, &taps)
    }

    fn phases(&self) -> usize {
        self.looks.iter().map(|l| l.phases.len()).product()
    }

    pub fn sheet<T>(&self, size: [usize; 3]) -> Sheet {
        let plane = [0, 1, 2].map(|d| size[d] + self.looks[d].reach);
        // An odd number of cache lines, so that planes do not fall on the same places in a cache.
        let line = 64 / size_of::<T>();
        let step = (plane.iter().product::<usize>().div_ceil(line) | 1) * line;
        Sheet { plane, step, whole: self.channels * self.phases() * step }
    }

    /// Where each channel and kernel element finds output 0 in a sheet.
    pub fn shifts(&self, sheet: &Sheet) -> Vec<usize> {
        let [d, h, w] = &self.looks;
        let [_, rows, columns] = sheet.plane;
        let mut list = Vec::with_capacity(self.channels * d.at.len() * h.at.len() * w.at.len());
        for c in 0..self.channels {
            for a in &d.at {
                for b in &h.at {
                    for e in &w.at {
                        let phase = (a.0 * h.phases.len() + b.0) * w.phases.len() + e.0;
                        let plane = c * self.phases() + phase;
                        list.push(plane * sheet.step + (a.1 * rows + b.1) * columns + e.1);
                    }
                }
            }
        }
        list
    }

    /// Cuts the outputs of an image into bands whose sheets have at most `room` elements, into at least `least` if there are
    /// as many rows.
    pub fn bands<T>(&self, room: usize, least: usize) -> Vec<Band> {
        let out = self.outputs;
        let fits = |size: [usize; 3]| self.sheet::<T>(size).whole <= room;
        let cut = |n: usize, fits: &dyn Fn(usize) -> bool, least: usize| {
            let mut most = n;
            while most > 1 && !fits(most) {
                most = most.div_ceil(2);
            }
            n.div_ceil(most).max(least.min(n))
        };
        let depths = cut(out[0], &|n| fits([n, out[1], out[2]]), least);
        let rest = least.div_ceil(depths);
        let depth = out[0].div_ceil(depths);
        // A few rows at least: each band has as many again around it.
        let rows_of = |n: usize| n * out[2] <= 128 || fits([depth, n, out[2]]);
        let rows = cut(out[1], &rows_of, rest);
        let mut list = Vec::new();
        for i in 0..depths {
            for j in 0..rows {
                let (d, h) =
                    (out[0] * i / depths..out[0] * (i + 1) / depths, out[1] * j / rows..out[1] * (j + 1) / rows);
                list.push(Band { from: [d.start, h.start, 0], size: [d.len(), h.len(), out[2]] });
            }
        }
        list
    }

    /// Fills a sheet for a band with the channels of an image.
    ///
    /// # Safety
    /// The image has all channels, and `to` room for the sheet.
    pub unsafe fn fill<T: Real>(&self, sheet: &Sheet, band: &Band, image: *const T, to: *mut T) {
        // SAFETY: forwarded.
        unsafe { fill(self, sheet, band, image, to) }
    }
}

levels!(
    unsafe fn fill<T: Real>(g: &Geometry, sheet: &Sheet, band: &Band, image: *const T, to: *mut T) = fill_body
);

/// The place in the source of step `i` of a sheet.
#[inline(always)]
fn place(look: &Look, phase: isize, from: usize, i: usize) -> isize {
    (from as isize + i as isize + look.low) * look.step as isize + phase
}

#[inline(always)]
unsafe fn fill_body<T: Real, const F: bool>(g: &Geometry, sheet: &Sheet, band: &Band, image: *const T, to: *mut T) {
    let [ld, lh, lw] = &g.looks;
    let [depths, rows, columns] = sheet.plane;
    let [sd, sh, sw] = g.source.map(|n| n as isize);
    let mut plane = to;
    for c in 0..g.channels {
        let channel = image.wrapping_offset(c as isize * sd * sh * sw);
        for &pd in &ld.phases {
            for &ph in &lh.phases {
                for &pw in &lw.phases {
                    // Columns whose place is in the source.
                    let first = place(lw, pw, band.from[2], 0);
                    let step = lw.step as isize;
                    let steps_to =
                        |x: isize| (x - first + step - 1).div_euclid(step).clamp(0, columns as isize) as usize;
                    let (start, end) = (steps_to(0), steps_to(sw));
                    let end = end.max(start);
                    for a in 0..depths {
                        let d = place(ld, pd, band.from[0], a);
                        for b in 0..rows {
                            let h = place(lh, ph, band.from[1], b);
                            let row = plane.wrapping_add((a * rows + b) * columns);
                            // SAFETY: a row of the sheet, and one of the image if there is one.
                            unsafe {
                                if d < 0 || d >= sd || h < 0 || h >= sh {
                                    zero(row, columns);
                                } else {
                                    zero(row, start);
                                    let from = channel
                                        .wrapping_offset((d * sh + h) * sw + first)
                                        .wrapping_offset(start as isize * step);
                                    copy(from, lw.step, row.wrapping_add(start), end - start);
                                    zero(row.wrapping_add(end), columns - end);
                                }
                            }
                        }
                    }
                    plane = plane.wrapping_add(sheet.step);
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn zero<T: Real>(to: *mut T, n: usize) {
    for i in 0..n {
        // SAFETY: the caller has n elements.
        unsafe { to.add(i).write(T::zero()) };
    }
}

/// `to[i] = from[i * step]`.
#[inline(always)]
unsafe fn copy<T: Real>(from: *const T, step: usize, to: *mut T, n: usize) {
    // SAFETY: i stays below n. Through local arrays: the two might overlap for all the compiler knows.
    unsafe {
        let mut i = 0;
        if step == 1 {
            while i + 16 <= n {
                to.add(i).cast::<[T; 16]>().write_unaligned(from.add(i).cast::<[T; 16]>().read_unaligned());
                i += 16;
            }
            for i in i..n {
                to.add(i).write(from.add(i).read_unaligned());
            }
            return;
        }
        if step == 2 {
            while i + 9 <= n {
                let pairs = from.add(2 * i).cast::<[T; 16]>().read_unaligned();
                let even: [T; 8] = std::array::from_fn(|j| pairs[2 * j]);
                to.add(i).cast::<[T; 8]>().write_unaligned(even);
                i += 8;
            }
        }
        for i in i..n {
            to.add(i).write(from.add(i * step).read_unaligned());
        }
    }
}
