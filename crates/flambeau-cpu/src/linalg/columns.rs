//! Products of parts of matrices by columns.

use super::field::Field;
use crate::gemm::Args;

/// Some rows of columns that begin `stride` elements after each other.
#[derive(Clone, Copy)]
pub(super) struct Part<'a, T> {
    from: &'a [T],
    stride: usize,
    rows: usize,
    columns: usize,
    adjoint: bool,
}

fn fits(len: usize, stride: usize, rows: usize, columns: usize) -> bool {
    columns == 0 || (rows <= stride && (columns - 1) * stride + rows <= len)
}

impl<'a, T: Field> Part<'a, T> {
    /// `rows` and `columns` of `from`, whose first element is the part's.
    pub fn new(from: &'a [T], stride: usize, (rows, columns): (usize, usize)) -> Part<'a, T> {
        assert!(fits(from.len(), stride, rows, columns));
        Part { from, stride, rows, columns, adjoint: false }
    }

    /// The conjugate transpose.
    pub fn adjoint(self) -> Part<'a, T> {
        Part { adjoint: !self.adjoint, ..self }
    }

    /// Rows and columns as they count in a product.
    fn shape(&self) -> (usize, usize) {
        if self.adjoint { (self.columns, self.rows) } else { (self.rows, self.columns) }
    }

    fn strides(&self) -> (isize, isize) {
        let stride = self.stride as isize;
        if self.adjoint { (stride, 1) } else { (1, stride) }
    }
}

/// `c = alpha a @ b + beta c`, where the columns of `c` begin `stride` elements after each other.
pub(super) fn multiply<T: Field>(c: &mut [T], stride: usize, a: Part<T>, b: Part<T>, alpha: T, beta: T) {
    let ((m, k), (inner, n)) = (a.shape(), b.shape());
    assert!(k == inner && fits(c.len(), stride, m, n));
    // SAFETY: all parts lie in their slices, and `c` is nobody else's.
    unsafe {
        T::product(&Args {
            m,
            n,
            k,
            a: a.from.as_ptr(),
            a_strides: a.strides(),
            b: b.from.as_ptr(),
            b_strides: b.strides(),
            c: c.as_mut_ptr(),
            c_strides: (1, stride as isize),
            alpha,
            beta,
            conj: (a.adjoint, b.adjoint),
        });
    }
}
