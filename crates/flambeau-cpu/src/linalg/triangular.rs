//! Triangular systems.

use super::field::{Field, load, store};
use super::{by_field, dims, grain};
use crate::gemm::{Args, Shared, for_pieces};
use crate::{View, ViewMut};

/// Rows solved one by one before the rest is updated by a product.
const BLOCK: usize = 32;

/// A triangular matrix of n by n within memory.
#[derive(Clone, Copy)]
pub(super) struct Triangle<'a, T> {
    pub data: &'a [T],
    pub n: usize,
    /// Row and column strides.
    pub strides: (usize, usize),
    pub upper: bool,
    /// Whether the diagonal counts as ones.
    pub unit: bool,
    pub conj: bool,
}

impl<T: Field> Triangle<'_, T> {
    /// The same matrix transposed.
    pub fn transposed(self) -> Self {
        Triangle { strides: (self.strides.1, self.strides.0), upper: !self.upper, ..self }
    }

    #[inline(always)]
    fn at(&self, i: usize, j: usize) -> T {
        let x = self.data[i * self.strides.0 + j * self.strides.1];
        if self.conj { x.conj() } else { x }
    }

    /// Replaces the rows of `x` (n, width) by the solution of `self @ solution = x`.
    pub fn solve(&self, x: &mut [T], width: usize) {
        let n = self.n;
        for block in 0..n.div_ceil(BLOCK) {
            // Blocks from the top of a lower triangle, from the bottom of an upper one.
            let block = if self.upper { n.div_ceil(BLOCK) - 1 - block } else { block };
            let (from, to) = (block * BLOCK, n.min((block + 1) * BLOCK));
            let (known, k) = if self.upper { (to, n - to) } else { (0, from) };
            if k > 0 && width > 0 {
                let p = x.as_mut_ptr();
                let (row, col) = self.strides;
                // SAFETY: rows from..to of x, from its rows that are known; the triangle's block lies in its data.
                unsafe {
                    T::product(&Args {
                        m: to - from,
                        n: width,
                        k,
                        a: self.data.as_ptr().add(from * row + known * col),
                        a_strides: (row as isize, col as isize),
                        b: p.add(known * width),
                        b_strides: (width as isize, 1),
                        c: p.add(from * width),
                        c_strides: (width as isize, 1),
                        alpha: -T::one(),
                        beta: T::one(),
                        conj: (self.conj, false),
                    });
                }
            }
            for step in 0..to - from {
                let i = if self.upper { to - 1 - step } else { from + step };
                let done = if self.upper { i + 1..to } else { from..i };
                for j in done {
                    let (known, row) = super::field::rows(x, width, j, i);
                    super::field::subtract(row, self.at(i, j), known);
                }
                if !self.unit {
                    let d = self.at(i, i);
                    for x in &mut x[i * width..(i + 1) * width] {
                        *x /= d;
                    }
                }
            }
        }
    }
}

/// Solves `a @ x = b` for triangular `a` (..., n, n) and `b`, `x` (..., n, k), or with `left` false `x @ a = b` for (..., k, n).
/// Of `a` only the `upper` or lower triangle counts, without its diagonal if `unitriangular`. A zero on it gives infinities.
pub fn triangular_solve(x: &mut ViewMut, a: View, b: View, upper: bool, left: bool, unitriangular: bool) {
    by_field!(a.dtype(), T => all::<T>(x, &a, &b, upper, left, unitriangular));
}

fn all<T: Field>(x: &mut ViewMut, a: &View, b: &View, upper: bool, left: bool, unit: bool) {
    let (batch, n, _) = dims(a.sizes());
    let (_, rows, cols) = dims(b.sizes());
    let (a, b) = (load::<T>(a), load::<T>(b));
    let out = Shared::new(x.ptr().cast::<T>());
    let width = if left { cols } else { rows };
    for_pieces(0..batch, grain(n), |range| {
        for i in range {
            let data = &a[i * n * n..(i + 1) * n * n];
            let triangle = Triangle { data, n, strides: (n, 1), upper, unit, conj: false };
            let mut x = b[i * rows * cols..(i + 1) * rows * cols].to_vec();
            if left {
                triangle.solve(&mut x, width);
            } else {
                // x @ a = b is a^T @ x^T = b^T.
                let mut turned = transpose(&x, rows, cols);
                triangle.transposed().solve(&mut turned, width);
                x = transpose(&turned, cols, rows);
            }
            store(&out, i * rows * cols, &x);
        }
    });
}

/// The transposed copy of a (rows, cols) matrix.
pub(super) fn transpose<T: Copy>(a: &[T], rows: usize, cols: usize) -> Vec<T> {
    (0..rows * cols).map(|i| a[i % rows * cols + i / rows]).collect()
}
