//! Least-squares solutions by QR with column pivoting, for matrices that are clearly of full rank.

use super::field::{Field, Widen, load, store};
use super::reflector::Reflector;
use super::triangular::transpose;
use super::wide::{inner, subtract};
use super::{by_field, dims, grain};
use crate::gemm::{Shared, for_pieces};
use crate::{View, ViewMut};

/// Rounds of inverse iteration: the smallest singular value comes out within a few percent.
const ROUNDS: usize = 4;
/// How far above the limit the smallest singular value has to be for the estimate to settle it.
const CLEAR: f64 = 4.0;

/// The solutions `x` (..., n, k) of least squares, and of least length where there are several, of `a @ x = b` for `a` (..., m, n)
/// and `b` (..., m, k). `info` (...; int32) is 0 where the singular values of a matrix are clearly more than `limit` times the
/// greatest; elsewhere it is 1, and x holds no solution.
pub fn least_squares(x: &mut ViewMut, a: View, b: View, limit: f64, info: &mut ViewMut) {
    by_field!(a.dtype(), T => all::<T>(x, &a, &b, limit, info));
}

fn all<T: Widen>(x: &mut ViewMut, a: &View, b: &View, limit: f64, info: &mut ViewMut) {
    let (batch, m, n) = dims(a.sizes());
    let k = dims(b.sizes()).2;
    let (a, b) = (load::<T>(a), load::<T>(b));
    let (x, info) = (Shared::new(x.ptr().cast::<T>()), Shared::new(info.ptr().cast::<i32>()));
    for_pieces(0..batch, grain(m.max(n)), |range| {
        for i in range {
            let matrix = &a[i * m * n..(i + 1) * m * n];
            // By columns; of a wide matrix the conjugate transpose, whose columns are its rows.
            let columns = if m >= n { transpose(matrix, m, n) } else { matrix.iter().map(|x| x.conj()).collect() };
            let f = Pivoted::new(columns, m.max(n), m.min(n), T::PRECISION.eps);
            let clear = f.clear(limit);
            store(&info, i, &[i32::from(!clear)]);
            if clear {
                let right = transpose(&b[i * m * k..(i + 1) * m * k], m, k);
                let solution = if m >= n { f.solve_tall(right, k) } else { f.solve_wide(&right, k) };
                store(&x, i * n * k, &transpose(&solution, k, n));
            }
        }
    });
}

/// `a P = Q R` for a tall matrix; R is in the upper triangle of the columns.
struct Pivoted<T> {
    columns: Vec<T>,
    rows: usize,
    reflections: Vec<Reflector<T>>,
    /// Which column of a each column of R is.
    order: Vec<usize>,
}

fn length<T: Field>(x: &[T]) -> f64 {
    inner(x, x).re().sqrt()
}

impl<T: Field> Pivoted<T> {
    fn new(mut columns: Vec<T>, rows: usize, count: usize, eps: f64) -> Pivoted<T> {
        let mut order: Vec<usize> = (0..count).collect();
        let mut reflections = Vec::with_capacity(count);
        // Lengths of what is left of the columns, and when they were last measured.
        let mut lengths: Vec<f64> = columns.chunks_exact(rows.max(1)).map(length).collect();
        let mut measured = lengths.clone();
        for i in 0..count {
            let longest = (i..count).fold(i, |best, j| if lengths[j] > lengths[best] { j } else { best });
            if longest != i {
                let (front, back) = columns.split_at_mut(longest * rows);
                front[i * rows..(i + 1) * rows].swap_with_slice(&mut back[..rows]);
                order.swap(i, longest);
                (lengths[longest], measured[longest]) = (lengths[i], measured[i]);
            }
            let (h, beta) = Reflector::new(i, &columns[i * rows + i..(i + 1) * rows]);
            h.left(h.adjoint_tau(), &mut columns, rows, i + 1);
            columns[i * rows + i] = T::from_re(beta);
            reflections.push(h);
            for j in i + 1..count {
                if lengths[j] == 0.0 {
                    continue;
                }
                let left = (1.0 - (columns[j * rows + i].abs() / lengths[j]).powi(2)).max(0.0);
                if left * (lengths[j] / measured[j]).powi(2) <= eps.sqrt() {
                    lengths[j] = length(&columns[j * rows + i + 1..(j + 1) * rows]);
                    measured[j] = lengths[j];
                } else {
                    lengths[j] *= left.sqrt();
                }
            }
        }
        Pivoted { columns, rows, reflections, order }
    }

    /// The part of column j of R above the diagonal, and the element on it.
    fn column(&self, j: usize) -> (&[T], T) {
        let column = &self.columns[j * self.rows..];
        (&column[..j], column[j])
    }

    /// Replaces y by the solution of `R x = y`.
    fn upper(&self, y: &mut [T]) {
        for j in (0..self.order.len()).rev() {
            let (above, diagonal) = self.column(j);
            y[j] /= diagonal;
            let value = y[j];
            subtract(&mut y[..j], value, above);
        }
    }

    /// Replaces y by the solution of `R^H x = y`.
    fn lower(&self, y: &mut [T]) {
        for j in 0..self.order.len() {
            let (above, diagonal) = self.column(j);
            let known = inner(above, &y[..j]);
            y[j] = (y[j] - known) / diagonal.conj();
        }
    }

    /// Whether all singular values are clearly more than `limit` times the greatest.
    fn clear(&self, limit: f64) -> bool {
        let n = self.order.len();
        // No singular value is over this.
        let all: f64 = (0..n).map(|j| length(&self.columns[j * self.rows..j * self.rows + j + 1]).powi(2)).sum();
        let mut v: Vec<T> = (0..n).map(|i| T::from_re(1.0 + (i % 7) as f64 / 8.0)).collect();
        let mut smallest = f64::NAN;
        for _ in 0..ROUNDS {
            let before = length(&v);
            self.lower(&mut v);
            self.upper(&mut v);
            let after = length(&v);
            smallest = (before / after).sqrt();
            let scale = T::from_re(1.0 / after);
            v.iter_mut().for_each(|x| *x *= scale);
        }
        smallest.is_finite() && smallest > CLEAR * limit * all.sqrt()
    }

    /// The solutions for right sides of `rows` elements, by columns.
    fn solve_tall(&self, mut right: Vec<T>, k: usize) -> Vec<T> {
        let n = self.order.len();
        for h in &self.reflections {
            h.left(h.adjoint_tau(), &mut right, self.rows, 0);
        }
        let mut solution = vec![T::zero(); n * k];
        for (y, x) in right.chunks_exact_mut(self.rows).zip(solution.chunks_exact_mut(n)) {
            self.upper(&mut y[..n]);
            self.order.iter().zip(y).for_each(|(&to, y)| x[to] = *y);
        }
        solution
    }

    /// The shortest solutions of the wide matrix whose conjugate transpose was factored.
    fn solve_wide(&self, right: &[T], k: usize) -> Vec<T> {
        let n = self.order.len();
        let mut solution = vec![T::zero(); self.rows * k];
        for (b, x) in right.chunks_exact(n).zip(solution.chunks_exact_mut(self.rows)) {
            self.order.iter().zip(x.iter_mut()).for_each(|(&from, x)| *x = b[from]);
            self.lower(&mut x[..n]);
        }
        super::reflector::product(&self.reflections, &mut solution, self.rows);
        solution
    }
}
