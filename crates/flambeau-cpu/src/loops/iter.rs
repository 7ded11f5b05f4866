//! Walking several strided operands in step: dimensions sorted and merged, then one callback per inner run.

use std::ops::Range;

use smallvec::SmallVec;

/// One dimension that several operands share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dim<const N: usize> {
    /// Its length.
    pub size: usize,
    /// The step of each operand along it, in elements.
    pub strides: [isize; N],
}

/// The common index space of `N` operands, with as few dimensions as describe it, fastest first.
///
/// Dimensions are ordered by the first operand's strides (by the next operand's where those are zero), so that memory is
/// visited in order whatever the order of the dimensions was; what lies densely in all operands becomes one dimension.
/// The linear indices that ranges speak of count in this order.
pub struct Iter<const N: usize> {
    dims: SmallVec<[Dim<N>; 5]>,
    numel: usize,
}

/// True if dimension `a` should turn faster than `b`; `None` if the strides do not say.
fn faster<const N: usize>(a: &Dim<N>, b: &Dim<N>) -> Option<bool> {
    for k in 0..N {
        let (x, y) = (a.strides[k].unsigned_abs(), b.strides[k].unsigned_abs());
        if x != 0 && y != 0 {
            if x != y {
                return Some(x < y);
            }
            if a.size != b.size {
                return Some(a.size < b.size);
            }
        }
    }
    None
}

impl<const N: usize> Iter<N> {
    /// The index space `sizes`, which each operand walks with its strides. An empty list of strides stands for zeros.
    pub fn new(sizes: &[i64], strides: [&[i64]; N]) -> Iter<N> {
        let mut dims: SmallVec<[Dim<N>; 5]> = SmallVec::new();
        let mut numel = 1;
        for d in (0..sizes.len()).rev() {
            let size = sizes[d] as usize;
            numel *= size;
            if size != 1 {
                dims.push(Dim { size, strides: strides.map(|s| s.get(d).map_or(0, |&s| s as isize)) });
            }
        }
        if numel == 0 {
            return Iter { dims: SmallVec::new(), numel: 0 };
        }
        // Insertion sort that passes over dimensions which cannot be compared, so that broadcast ones keep their place.
        for i in 1..dims.len() {
            let mut at = i;
            for j in (0..i).rev() {
                match faster(&dims[at], &dims[j]) {
                    Some(true) => {
                        dims.swap(at, j);
                        at = j;
                    }
                    Some(false) => break,
                    None => {}
                }
            }
        }
        let mut kept = 0;
        for i in 1..dims.len() {
            let (last, dim) = (dims[kept], dims[i]);
            if (0..N).all(|k| last.strides[k] * last.size as isize == dim.strides[k]) {
                dims[kept].size *= dim.size;
            } else {
                kept += 1;
                dims[kept] = dim;
            }
        }
        dims.truncate(kept + 1);
        Iter { dims, numel }
    }

    /// The merged dimensions, fastest first; none for a single element.
    pub fn dims(&self) -> &[Dim<N>] {
        &self.dims
    }

    /// The number of indices.
    pub fn numel(&self) -> usize {
        self.numel
    }

    /// The length of a full inner run.
    pub fn run_len(&self) -> usize {
        self.dims.first().map_or(self.numel, |d| d.size)
    }

    /// True if operand `k` lies in memory exactly in the order of the linear indices.
    pub fn is_dense(&self, k: usize) -> bool {
        let mut expected = 1;
        self.dims.iter().all(|d| {
            let fits = d.strides[k] == expected;
            expected *= d.size as isize;
            fits
        })
    }

    /// True if operand `k` is one element repeated.
    pub fn is_repeated(&self, k: usize) -> bool {
        self.dims.iter().all(|d| d.strides[k] == 0)
    }

    /// Calls `f(offsets, n, strides)` for every inner run that makes up the linear indices in `range`: element `i` of the
    /// run lies at `offsets[k] + i * strides[k]` of operand `k`, for `i < n`.
    #[inline]
    pub fn for_each_run(&self, range: Range<usize>, mut f: impl FnMut([isize; N], usize, [isize; N])) {
        debug_assert!(range.end <= self.numel);
        if range.is_empty() {
            return;
        }
        let Some(inner) = self.dims.first() else { return f([0; N], 1, [0; N]) };
        let outer = &self.dims[1..];
        let mut offsets = [0; N];
        let mut left = range.len();
        let mut within = range.start % inner.size;
        let mut index: SmallVec<[usize; 8]> = SmallVec::new();
        let mut rest = range.start / inner.size;
        for dim in outer {
            let i = rest % dim.size;
            rest /= dim.size;
            index.push(i);
            for k in 0..N {
                offsets[k] += i as isize * dim.strides[k];
            }
        }
        loop {
            let n = (inner.size - within).min(left);
            let mut at = offsets;
            if within != 0 {
                for k in 0..N {
                    at[k] += within as isize * inner.strides[k];
                }
                within = 0;
            }
            f(at, n, inner.strides);
            left -= n;
            if left == 0 {
                return;
            }
            for (i, dim) in index.iter_mut().zip(outer) {
                *i += 1;
                if *i < dim.size {
                    for k in 0..N {
                        offsets[k] += dim.strides[k];
                    }
                    break;
                }
                *i = 0;
                for k in 0..N {
                    offsets[k] -= (dim.size - 1) as isize * dim.strides[k];
                }
            }
        }
    }

    /// As [`for_each_run`](Iter::for_each_run), but follows operand `k` alone.
    #[inline]
    pub fn for_each_run_of(&self, k: usize, range: Range<usize>, mut f: impl FnMut(isize, usize, isize)) {
        debug_assert!(range.end <= self.numel);
        if range.is_empty() {
            return;
        }
        let Some(inner) = self.dims.first() else { return f(0, 1, 0) };
        let step = inner.strides[k];
        let mut left = range.len();
        let mut within = range.start % inner.size;
        let mut row = range.start / inner.size;
        while left > 0 {
            // One row of the second dimension at a time costs no more than an addition each.
            let (mut offset, mut rest, mut rows, mut row_step) = (0, row, 1, 0);
            for (d, dim) in self.dims[1..].iter().enumerate() {
                let i = rest % dim.size;
                rest /= dim.size;
                offset += i as isize * dim.strides[k];
                if d == 0 {
                    rows = dim.size - i;
                    row_step = dim.strides[k];
                }
            }
            for _ in 0..rows {
                let n = (inner.size - within).min(left);
                f(offset + within as isize * step, n, step);
                within = 0;
                left -= n;
                row += 1;
                if left == 0 {
                    return;
                }
                offset += row_step;
            }
        }
    }
}

/// Calls `f(offsets, n, strides)` for every inner run of operands of the same `sizes`, on the calling thread, in the
/// order of the first operand's memory.
pub fn for_each_run<const N: usize>(sizes: &[i64], strides: [&[i64]; N], f: impl FnMut([isize; N], usize, [isize; N])) {
    let iter = Iter::new(sizes, strides);
    iter.for_each_run(0..iter.numel(), f);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_dimensions_merge_in_any_order() {
        let it = Iter::new(&[2, 3, 4], [&[1, 8, 2], &[1, 8, 2]]);
        assert_eq!(it.dims(), &[Dim { size: 24, strides: [1, 1] }]);
        let it = Iter::new(&[5, 1, 4], [&[4, 9, 1], &[0, 0, 1]]);
        assert_eq!(it.dims(), &[Dim { size: 4, strides: [1, 1] }, Dim { size: 5, strides: [4, 0] }]);
        assert!(it.is_dense(0) && !it.is_dense(1));
        assert_eq!(Iter::new(&[3, 0], [&[1, 1]]).numel(), 0);
        assert_eq!(Iter::new(&[], [&[]]).numel(), 1);
    }

    #[test]
    fn every_range_visits_its_indices_in_order() {
        let (sizes, a, b) = ([3, 4, 5], [40, 2, 8], [0, 5, 1]);
        let it = Iter::new(&sizes, [&a, &b]);
        let mut all = Vec::new();
        it.for_each_run(0..60, |o, n, s| {
            (0..n as isize).for_each(|i| all.push([o[0] + i * s[0], o[1] + i * s[1]]));
        });
        let mut expected: Vec<_> = (0..60).map(|i| (i / 20, i / 5 % 4, i % 5)).collect();
        expected.sort_by_key(|&(i, j, k)| i * 40 + j * 2 + k * 8);
        let expected: Vec<_> = expected.iter().map(|&(i, j, k)| [i * 40 + j * 2 + k * 8, j * 5 + k]).collect();
        assert_eq!(all, expected);
        for start in 0..60 {
            for end in start..=60 {
                let (mut part, mut second) = (Vec::new(), Vec::new());
                it.for_each_run(start..end, |o, n, s| {
                    (0..n as isize).for_each(|i| part.push([o[0] + i * s[0], o[1] + i * s[1]]));
                });
                it.for_each_run_of(1, start..end, |o, n, s| (0..n as isize).for_each(|i| second.push(o + i * s)));
                assert_eq!(part, all[start..end]);
                assert_eq!(second, all[start..end].iter().map(|x| x[1]).collect::<Vec<_>>());
            }
        }
    }
}
