//! Sizes, strides and offset: how a view lies over its storage.

use smallvec::SmallVec;

use crate::{Error, Result};

/// A short list of sizes, strides or dimensions.
pub type Dims = SmallVec<[i64; 5]>;

/// How a tensor lies over its storage: sizes, strides and offset, all counted in elements.
#[derive(Debug, PartialEq, Eq, Default)]
pub struct Layout {
    /// The length of each dimension.
    pub sizes: Dims,
    /// The step, in elements, from one index to the next along each dimension; 0 repeats.
    pub strides: Dims,
    /// Where the first element lies.
    pub offset: i64,
}

/// The number of elements of a shape; as many as an i64 counts where there are more, so that no memory is ever enough.
#[inline]
pub fn numel(sizes: &[i64]) -> i64 {
    sizes.iter().fold(1, |n: i64, &size| n.saturating_mul(size))
}

/// The number of elements of a shape that a user chose: an error where it is more than an i64 counts.
#[inline]
pub fn checked_numel(sizes: &[i64]) -> Result<i64> {
    let n = sizes.iter().try_fold(1, |n: i64, &size| n.checked_mul(size));
    n.ok_or_else(|| Error::runtime("numel: integer multiplication overflow"))
}

/// A copy of a list: for the few elements there are, a call to copy memory would take longer.
#[inline]
pub fn dims(list: &[i64]) -> Dims {
    match *list {
        [] => Dims::new(),
        [a] => Dims::from_buf_and_len([a, 0, 0, 0, 0], 1),
        [a, b] => Dims::from_buf_and_len([a, b, 0, 0, 0], 2),
        [a, b, c] => Dims::from_buf_and_len([a, b, c, 0, 0], 3),
        [a, b, c, d] => Dims::from_buf_and_len([a, b, c, d, 0], 4),
        _ => Dims::from_slice(list),
    }
}

/// The strides of a row-major tensor of these sizes.
#[inline]
pub fn contiguous_strides(sizes: &[i64]) -> Dims {
    let mut strides = dims(sizes);
    let mut step: i64 = 1;
    for s in strides.iter_mut().rev() {
        step = step.saturating_mul(std::mem::replace(s, step).max(1));
    }
    strides
}

/// The shape two shapes broadcast to: dimensions are matched from the last, and a size of 1 stretches.
pub fn broadcast_shapes(a: &[i64], b: &[i64]) -> Result<Dims> {
    let n = a.len().max(b.len());
    let mut out: Dims = SmallVec::from_elem(1, n);
    for d in 0..n {
        let x = if d + a.len() >= n { a[d + a.len() - n] } else { 1 };
        let y = if d + b.len() >= n { b[d + b.len() - n] } else { 1 };
        out[d] = match (x, y) {
            _ if x == y => x,
            (1, y) => y,
            (x, 1) => x,
            _ => {
                return Err(Error::runtime(format!(
                    "The size of tensor a ({x}) must match the size of tensor b ({y}) at non-singleton dimension {d}"
                )));
            }
        };
    }
    // Expanded tensors can meet in more elements than there could be.
    if n > 1 && numel(&out) == i64::MAX {
        return Err(overflow(&out));
    }
    Ok(out)
}

/// What PyTorch says of a shape that no memory could hold.
#[cold]
pub fn overflow(sizes: &[i64]) -> Error {
    Error::runtime(format!("Storage size calculation overflowed with sizes={sizes:?}"))
}

/// A dimension counted from the front: negative ones count from the back; a 0-d tensor takes 0 and -1.
#[inline]
pub fn normalize_dim(dim: i64, ndim: usize) -> Result<usize> {
    let n = ndim.max(1) as i64;
    if dim < -n || dim >= n {
        return Err(Error::index(format!(
            "Dimension out of range (expected to be in range of [{}, {}], but got {dim})",
            -n,
            n - 1
        )));
    }
    Ok(if dim < 0 { dim + n } else { dim } as usize)
}

// `SmallVec::clone` goes element by element; this is one copy, on the way of every call.
impl Clone for Layout {
    #[inline]
    fn clone(&self) -> Layout {
        Layout { sizes: dims(&self.sizes), strides: dims(&self.strides), offset: self.offset }
    }
}

impl Layout {
    /// Row-major, from offset 0.
    #[inline]
    pub fn contiguous(sizes: &[i64]) -> Layout {
        Layout { strides: contiguous_strides(sizes), sizes: dims(sizes), offset: 0 }
    }

    /// The number of dimensions.
    #[inline]
    pub fn ndim(&self) -> usize {
        self.sizes.len()
    }

    /// The number of elements.
    #[inline]
    pub fn numel(&self) -> i64 {
        numel(&self.sizes)
    }

    /// True if the elements lie in row-major order without gaps.
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        for (&n, &s) in self.sizes.iter().zip(&self.strides).rev() {
            if n != 1 {
                if s != expected {
                    // Nothing is contiguous, however it lies.
                    return self.sizes.contains(&0);
                }
                expected = n.wrapping_mul(expected);
            }
        }
        true
    }

    /// True for 4-d tensors stored as (batch, height, width, channels) without gaps.
    pub fn is_channels_last(&self) -> bool {
        if self.sizes.len() != 4 {
            return false;
        }
        let mut expected = 1;
        for d in [1, 3, 2, 0] {
            if self.sizes[d] == 0 {
                return true;
            }
            if self.sizes[d] != 1 {
                if self.strides[d] != expected {
                    return false;
                }
                expected = self.sizes[d].wrapping_mul(expected);
            }
        }
        true
    }

    /// Images or volumes one after another, each pixel's channels side by side: `N C H W` or `N C D H W` in 4 or 5
    /// dimensions.
    pub fn channels_last(sizes: &[i64]) -> Layout {
        debug_assert!(matches!(sizes.len(), 4 | 5));
        let mut layout = Layout::contiguous(sizes);
        let mut step = 1i64;
        for d in channels_first(sizes.len()) {
            layout.strides[d] = step;
            step = step.wrapping_mul(sizes[d].max(1));
        }
        layout
    }

    /// True for images and volumes whose strides say that channels lie last, gaps or not: many operators give theirs that
    /// order too (PyTorch's `suggest_memory_format`).
    pub fn prefers_channels_last(&self) -> bool {
        if !matches!(self.sizes.len(), 4 | 5) || self.strides[1] == 0 || self.sizes.contains(&0) {
            return false;
        }
        let mut least = 0;
        for d in channels_first(self.sizes.len()) {
            // One channel, one pixel: either order fits, and row-major it is.
            if self.strides[d] < least || (d == 0 && least == self.strides[1]) {
                return false;
            }
            least = self.strides[d].wrapping_mul(self.sizes[d]);
        }
        true
    }

    /// True if the elements fill one block of memory without gaps or overlaps, in whatever order of dimensions.
    pub fn is_dense(&self) -> bool {
        let mut order: SmallVec<[usize; 5]> = (0..self.ndim()).filter(|&d| self.sizes[d] != 1).collect();
        if self.numel() == 0 {
            return true;
        }
        order.sort_by_key(|&d| self.strides[d]);
        let mut expected = 1;
        order.into_iter().all(|d| {
            let fits = self.strides[d] == expected;
            expected = self.sizes[d].wrapping_mul(expected);
            fits
        })
    }

    /// The lowest and highest element touched, as offsets into the storage; `None` when there is no element.
    pub fn extent(&self) -> Option<(i64, i64)> {
        if self.sizes.contains(&0) {
            return None;
        }
        let (mut low, mut high) = (self.offset, self.offset);
        for (&n, &s) in self.sizes.iter().zip(&self.strides) {
            // What an i64 cannot count lies outside of every storage, and must not come out as a small number.
            let reach = (n - 1).saturating_mul(s);
            if reach < 0 { low = low.saturating_add(reach) } else { high = high.saturating_add(reach) }
        }
        Some((low, high))
    }

    /// The number of bytes that a storage needs so that this layout lies within it; `None` if it starts before the
    /// storage or needs more than can be.
    pub fn span(&self, itemsize: usize) -> Option<usize> {
        let Some((low, high)) = self.extent() else { return (self.offset >= 0).then_some(0) };
        if low < 0 {
            return None;
        }
        high.checked_add(1)?.checked_mul(itemsize as i64).map(|bytes| bytes as usize)
    }

    /// This layout seen through a larger shape, repeating with stride 0.
    pub fn expand(&self, sizes: &[i64]) -> Result<Layout> {
        let (n, m) = (sizes.len(), self.ndim());
        let fail = |why: String| Error::runtime(why);
        if n < m {
            return Err(fail(format!(
                "expand(torch.FloatTensor{{{:?}}}, size={:?}): the number of sizes provided ({n}) must be greater or equal to the number \
                 of dimensions in the tensor ({m})",
                self.sizes.as_slice(),
                sizes
            )));
        }
        let mut out = Layout { sizes: sizes.into(), strides: SmallVec::from_elem(0, n), offset: self.offset };
        for d in 0..n {
            let from = (d + m).checked_sub(n);
            match from {
                Some(f) => {
                    let have = self.sizes[f];
                    let want = if sizes[d] == -1 { have } else { sizes[d] };
                    out.sizes[d] = want;
                    if have == want {
                        out.strides[d] = self.strides[f];
                    } else if have != 1 || want < 0 {
                        return Err(fail(format!(
                            "The expanded size of the tensor ({want}) must match the existing size ({have}) at non-singleton dimension {d}.  \
                             Target sizes: {sizes:?}.  Tensor sizes: {:?}",
                            self.sizes.as_slice()
                        )));
                    }
                }
                None if sizes[d] < 0 => {
                    return Err(fail(format!(
                        "The expanded size of the tensor ({}) isn't allowed in a leading, non-existing dimension {d}",
                        sizes[d]
                    )));
                }
                None => {}
            }
        }
        checked_numel(&out.sizes)?;
        Ok(out)
    }

    /// The strides with which `sizes` views these same elements in row-major order, or `None` if that needs a copy.
    pub fn view_strides(&self, sizes: &[i64]) -> Option<Dims> {
        if self.numel() == 0 {
            return Some(if sizes == self.sizes.as_slice() { self.strides.clone() } else { contiguous_strides(sizes) });
        }
        let mut out: Dims = SmallVec::from_elem(0, sizes.len());
        let mut view_d = sizes.len() as i64 - 1;
        let mut chunk_base = self.strides.last().copied().unwrap_or(1);
        let (mut tensor_numel, mut view_numel) = (1, 1);
        for d in (0..self.ndim()).rev() {
            tensor_numel *= self.sizes[d];
            let ends_chunk = d == 0 || (self.sizes[d - 1] != 1 && self.strides[d - 1] != tensor_numel * chunk_base);
            if ends_chunk {
                while view_d >= 0 && (view_numel < tensor_numel || sizes[view_d as usize] == 1) {
                    out[view_d as usize] = view_numel * chunk_base;
                    view_numel *= sizes[view_d as usize];
                    view_d -= 1;
                }
                if view_numel != tensor_numel {
                    return None;
                }
                if d > 0 {
                    chunk_base = self.strides[d - 1];
                    tensor_numel = 1;
                    view_numel = 1;
                }
            }
        }
        while self.ndim() == 0 && view_d >= 0 {
            out[view_d as usize] = 1;
            view_d -= 1;
        }
        (view_d == -1).then_some(out)
    }
}

/// The dimensions of images or volumes, the channels first and the batch last.
fn channels_first(n: usize) -> impl Iterator<Item = usize> {
    std::iter::once(1).chain((2..n).rev()).chain([0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_of_transposed_need_a_copy() {
        let t = Layout { sizes: [3i64, 2].as_slice().into(), strides: [1i64, 3].as_slice().into(), offset: 0 };
        assert_eq!(t.view_strides(&[6]), None);
        assert_eq!(t.view_strides(&[3, 1, 2]).unwrap().as_slice(), &[1, 6, 3]);
        assert!(t.is_dense() && !t.is_contiguous());
    }

    #[test]
    fn what_cannot_be_counted_is_never_small() {
        let layout =
            |sizes: &[i64], strides: &[i64], offset| Layout { sizes: sizes.into(), strides: strides.into(), offset };
        // Each of these wraps to something small in 64 bits.
        assert_eq!(layout(&[2], &[1 << 62], 1 << 62).span(8), None);
        assert_eq!(layout(&[2], &[1 << 61], 0).span(8), None);
        assert_eq!(layout(&[3, 3], &[i64::MAX, i64::MAX], 0).span(1), None);
        assert_eq!(layout(&[2], &[1], -1).span(4), None);
        assert_eq!(layout(&[2, 3], &[3, 1], 2).span(4), Some(32));
        assert_eq!(layout(&[2, 0], &[1 << 62, 1], 0).span(8), Some(0));
        assert_eq!(numel(&[1 << 32, 1 << 32]), i64::MAX);
        assert_eq!(numel(&[7, 0x6DB6_DB6D_B6DB_6DB7]), i64::MAX);
        assert!(checked_numel(&[1 << 32, 1 << 32]).is_err());
        assert!(Layout::contiguous(&[1]).expand(&[1 << 40, 1 << 40]).is_err());
        assert!(broadcast_shapes(&[1 << 40, 1], &[1 << 40]).is_err());
    }

    #[test]
    fn broadcasting_stretches_ones() {
        assert_eq!(broadcast_shapes(&[3, 1], &[2]).unwrap().as_slice(), &[3, 2]);
        assert!(broadcast_shapes(&[3], &[2]).is_err());
    }
}
