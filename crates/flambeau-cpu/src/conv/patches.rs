//! The matrix of patches of an image: a row for each channel and kernel element, a column for each output element.

use std::ops::Range;

use super::Sizes;
use crate::gemm::{Real, Rhs, pad};

/// The patches of one group of channels of one image.
pub(super) struct Patches<'a, T> {
    pub sizes: &'a Sizes,
    pub image: *const T,
}

// SAFETY: the image is only read, and its maker promises that nobody writes meanwhile.
unsafe impl<T> Sync for Patches<'_, T> {}

/// A run of output elements that one kernel element reads from adjacent steps of one input row.
pub(super) struct Run {
    /// Output elements, counted within the channel.
    pub out: Range<usize>,
    /// Which of them lie inside the input.
    pub inside: Range<usize>,
    /// The input element of `inside.start`, counted within the channel.
    pub input: usize,
}

impl Sizes {
    /// The output positions along dimension `d` whose input at kernel position `k` exists.
    fn valid(&self, d: usize, k: usize) -> Range<usize> {
        let (offset, padding, stride) = (k * self.dilation[d], self.padding[d], self.stride[d]);
        let low = padding.saturating_sub(offset).div_ceil(stride);
        let high = (self.input[d] + padding).saturating_sub(offset).div_ceil(stride);
        low.min(self.output[d])..high.min(self.output[d]).max(low.min(self.output[d]))
    }

    /// Calls `f` for the output elements `cols` as seen by kernel element `tap`, in runs of one output row.
    #[inline(always)]
    pub(super) fn runs(&self, tap: usize, cols: Range<usize>, mut f: impl FnMut(Run)) {
        let [_, kh, kw] = self.kernel;
        let (kd, kh, kw) = (tap / (kh * kw), tap / kw % kh, tap % kw);
        let [_, oh, ow] = self.output;
        let (vd, vh, vw) = (self.valid(0, kd), self.valid(1, kh), self.valid(2, kw));
        let (mut at, end) = (cols.start, cols.end);
        while at < end {
            let (row, w) = (at / ow, at % ow);
            let (d, h) = (row / oh, row % oh);
            let n = (ow - w).min(end - at);
            let run = if vd.contains(&d) && vh.contains(&h) {
                let (from, to) = (vw.start.clamp(w, w + n), vw.end.clamp(w, w + n));
                if from < to {
                    let at_input =
                        |d: usize, o: usize, k: usize| o * self.stride[d] + k * self.dilation[d] - self.padding[d];
                    let input = (at_input(0, d, kd) * self.input[1] + at_input(1, h, kh)) * self.input[2]
                        + at_input(2, from, kw);
                    Run { out: at..at + n, inside: at + from - w..at + to - w, input }
                } else {
                    Run { out: at..at + n, inside: at..at, input: 0 }
                }
            } else {
                Run { out: at..at + n, inside: at..at, input: 0 }
            };
            f(run);
            at += n;
        }
    }
}

impl<T: Copy + Default> Patches<'_, T> {
    /// Writes patch rows `rows`, output elements `cols`, to `dst`, rows `width` apart.
    ///
    /// # Safety
    /// `dst` has room for them; the image has all channels of the group.
    pub unsafe fn write(&self, rows: Range<usize>, cols: Range<usize>, dst: *mut T, width: usize) {
        let (s, taps, plane, step) = (self.sizes, self.sizes.taps(), self.sizes.in_plane(), self.sizes.stride[2]);
        for (i, row) in rows.enumerate() {
            let channel = self.image.wrapping_add(row / taps * plane);
            let dst = dst.wrapping_add(i * width);
            s.runs(row % taps, cols.clone(), |run| {
                let at = |o: usize| dst.wrapping_add(o - cols.start);
                // SAFETY: runs stay within cols, their inputs within the channel.
                unsafe {
                    for o in run.out.start..run.inside.start {
                        at(o).write(T::default());
                    }
                    let (n, src, to) = (run.inside.len(), channel.add(run.input), at(run.inside.start));
                    if step == 1 {
                        for i in 0..n {
                            to.add(i).write(src.add(i).read_unaligned());
                        }
                    } else {
                        for i in 0..n {
                            to.add(i).write(src.add(i * step).read_unaligned());
                        }
                    }
                    for o in run.inside.end..run.out.end {
                        at(o).write(T::default());
                    }
                }
            });
        }
    }
}

// SAFETY: write fills `cols` of each row of `width`, pad the rest.
unsafe impl<T: Real> Rhs<T> for Patches<'_, T> {
    unsafe fn pack(&self, rows: Range<usize>, col: usize, cols: usize, dst: *mut T, width: usize) {
        let k = rows.len();
        // SAFETY: as the caller promises.
        unsafe {
            self.write(rows, col..col + cols, dst, width);
            pad(dst, k, cols, width);
        }
    }
}
