//! Tests of the loops against recorded results of PyTorch and against one-element-at-a-time references.

use flambeau_types::{Complex32, Complex64, DType, Layout, Scalar};

use super::*;
use crate::{View, ViewMut, map_kernel};

mod maps;
mod recorded;

/// Bytes that hold a tensor of any dtype and layout.
#[derive(Clone)]
struct Bytes {
    data: Vec<u8>,
    dtype: DType,
    layout: Layout,
    /// Bytes before the first element, so that it need not be aligned.
    shift: usize,
}

impl Bytes {
    fn new(dtype: DType, layout: Layout, shift: usize) -> Bytes {
        let len = layout.extent().map_or(0, |(_, high)| high as usize + 1);
        Bytes { data: vec![0; len * dtype.size() + shift], dtype, layout, shift }
    }

    fn view(&self) -> View<'_> {
        let at = self.data.as_ptr().wrapping_add(self.shift + self.layout.offset as usize * self.dtype.size());
        // SAFETY: the vector was made for the layout.
        unsafe { View::new(at, self.dtype, &self.layout.sizes, &self.layout.strides) }
    }

    fn view_mut(&mut self) -> ViewMut<'_> {
        let at = self.data.as_mut_ptr().wrapping_add(self.shift + self.layout.offset as usize * self.dtype.size());
        // SAFETY: as above, and exclusive.
        unsafe { ViewMut::new(at, self.dtype, &self.layout.sizes, &self.layout.strides) }
    }

    /// The byte at which the element with a row-major index starts.
    fn place(&self, index: usize) -> usize {
        let (mut rest, mut at) = (index as i64, self.layout.offset);
        for (&n, &s) in self.layout.sizes.iter().zip(&self.layout.strides).rev() {
            at += rest % n * s;
            rest /= n;
        }
        self.shift + at as usize * self.dtype.size()
    }

    fn element(&self, index: usize) -> &[u8] {
        let at = self.place(index);
        &self.data[at..at + self.dtype.size()]
    }

    fn set(&mut self, index: usize, bytes: &[u8]) {
        let at = self.place(index);
        self.data[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn numel(&self) -> usize {
        self.layout.numel() as usize
    }
}

fn layout(sizes: &[i64], strides: &[i64], offset: i64) -> Layout {
    Layout { sizes: sizes.into(), strides: strides.into(), offset }
}

/// Ways to lay a matrix out: dense, transposed, with gaps, sliced in both dimensions.
fn layouts(m: i64, n: i64) -> [Layout; 4] {
    [
        Layout::contiguous(&[m, n]),
        layout(&[m, n], &[1, m], 0),
        layout(&[m, n], &[n + 3, 1], 2),
        layout(&[m, n], &[3, 3 * m + 1], 1),
    ]
}
