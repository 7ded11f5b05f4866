//! The matrix of patches of an image: a row for each channel and kernel element, a column for each output element.

use std::ops::Range;

use smallvec::SmallVec;

use super::Sizes;

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

/// Output elements of one output row: their range within the channel, and where the first one is.
struct Segment {
    out: Range<usize>,
    at: [usize; 3],
}

/// For each kernel position along a dimension, the output positions whose input there exists.
type Valid = SmallVec<[Range<usize>; 8]>;

impl Sizes {
    /// The output positions along dimension `d` whose input at kernel position `k` exists.
    fn valid(&self, d: usize, k: usize) -> Range<usize> {
        let (offset, padding, stride) = (k * self.dilation[d], self.padding[d], self.stride[d]);
        let low = padding.saturating_sub(offset).div_ceil(stride);
        let high = (self.input[d] + padding).saturating_sub(offset).div_ceil(stride);
        low.min(self.output[d])..high.min(self.output[d]).max(low.min(self.output[d]))
    }

    /// The output elements `cols`, row by row.
    fn segments(&self, cols: Range<usize>) -> SmallVec<[Segment; 8]> {
        if cols.is_empty() {
            return SmallVec::new();
        }
        let [_, oh, ow] = self.output;
        let (mut row, mut w) = (cols.start / ow, cols.start % ow);
        let (mut at, mut list) = (cols.start, SmallVec::new());
        while at < cols.end {
            let n = (ow - w).min(cols.end - at);
            list.push(Segment { out: at..at + n, at: [row / oh, row % oh, w] });
            (at, row, w) = (at + n, row + 1, 0);
        }
        list
    }

    /// What the kernel element at `k` sees of a segment.
    #[inline(always)]
    fn seen(&self, s: &Segment, k: [usize; 3], valid: [&Range<usize>; 3]) -> Run {
        let [d, h, w] = s.at;
        if valid[0].contains(&d) && valid[1].contains(&h) {
            let (from, to) = (valid[2].start.clamp(w, w + s.out.len()), valid[2].end.clamp(w, w + s.out.len()));
            if from < to {
                let at_input = |i: usize, o: usize| o * self.stride[i] + k[i] * self.dilation[i] - self.padding[i];
                let input = (at_input(0, d) * self.input[1] + at_input(1, h)) * self.input[2] + at_input(2, from);
                return Run { out: s.out.clone(), inside: s.out.start + from - w..s.out.start + to - w, input };
            }
        }
        Run { out: s.out.clone(), inside: s.out.start..s.out.start, input: 0 }
    }

    /// Calls `f` for the output elements `cols` as seen by kernel element `tap`, in runs of one output row.
    #[inline(always)]
    pub(super) fn runs(&self, tap: usize, cols: Range<usize>, mut f: impl FnMut(Run)) {
        let [_, kh, kw] = self.kernel;
        let k = [tap / (kh * kw), tap / kw % kh, tap % kw];
        let [vd, vh, vw] = [0, 1, 2].map(|d| self.valid(d, k[d]));
        for s in &self.segments(cols) {
            f(self.seen(s, k, [&vd, &vh, &vw]));
        }
    }
}

impl<T: Copy + Default> Patches<'_, T> {
    /// Writes patch rows `rows`, output elements `cols`, to `dst`, rows `width` apart.
    ///
    /// # Safety
    /// `dst` has room for them; the image has all channels of the group.
    pub unsafe fn write(&self, rows: Range<usize>, cols: Range<usize>, dst: *mut T, width: usize) {
        if rows.is_empty() || cols.is_empty() {
            return;
        }
        let (s, taps, plane) = (self.sizes, self.sizes.taps(), self.sizes.in_plane());
        // Divisions are done here, once: a row is often shorter than one takes.
        let segments = s.segments(cols.clone());
        let valid = [0, 1, 2].map(|d| (0..s.kernel[d]).map(|k| s.valid(d, k)).collect::<Valid>());
        let (mut channel, mut k) = (rows.start / taps, [0; 3]);
        let tap = rows.start % taps;
        k[0] = tap / (s.kernel[1] * s.kernel[2]);
        k[1] = tap / s.kernel[2] % s.kernel[1];
        k[2] = tap % s.kernel[2];
        for i in 0..rows.len() {
            let image = self.image.wrapping_add(channel * plane);
            let dst = dst.wrapping_add(i * width);
            let ranges = [&valid[0][k[0]], &valid[1][k[1]], &valid[2][k[2]]];
            for segment in &segments {
                let run = s.seen(segment, k, ranges);
                // SAFETY: runs stay within cols, their inputs within the channel.
                unsafe { self.write_run(&run, image, dst.wrapping_add(run.out.start - cols.start)) };
            }
            for d in [2, 1, 0] {
                k[d] += 1;
                if k[d] < s.kernel[d] {
                    break;
                }
                k[d] = 0;
                channel += usize::from(d == 0);
            }
        }
    }

    /// Writes one run to `to`.
    ///
    /// # Safety
    /// `to` has room for it; the channel has its inputs.
    #[inline(always)]
    unsafe fn write_run(&self, run: &Run, channel: *const T, to: *mut T) {
        let (before, n) = (run.inside.start - run.out.start, run.inside.len());
        let step = self.sizes.stride[2];
        // SAFETY: forwarded.
        unsafe {
            for o in 0..before {
                to.add(o).write(T::default());
            }
            let (src, middle) = (channel.wrapping_add(run.input), to.add(before));
            if step == 1 {
                for i in 0..n {
                    middle.add(i).write(src.add(i).read_unaligned());
                }
            } else {
                for i in 0..n {
                    middle.add(i).write(src.add(i * step).read_unaligned());
                }
            }
            for o in before + n..run.out.len() {
                to.add(o).write(T::default());
            }
        }
    }
}
