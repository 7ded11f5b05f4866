//! LDL factors of symmetric and Hermitian matrices by Bunch and Kaufman's pivoting, kept as LAPACK's sytrf and hetrf keep them.

use super::field::{Field, load, store};
use super::triangular::transpose;
use super::{by_field, dims, grain};
use crate::gemm::{Shared, for_pieces};
use crate::{View, ViewMut};

/// The place and size of the largest of some elements.
fn largest<T: Field>(elements: impl Iterator<Item = (usize, T)>) -> (usize, f64) {
    elements.fold((0, 0.0), |(k, most), (i, x)| if x.abs1() > most { (i, x.abs1()) } else { (k, most) })
}

/// A matrix by columns, of which the lower triangle counts.
struct Lower<'a, T> {
    a: &'a mut [T],
    n: usize,
    hermitian: bool,
}

impl<T: Field> Lower<'_, T> {
    fn at(&self, i: usize, j: usize) -> T {
        self.a[j * self.n + i]
    }

    fn mirror(&self, x: T) -> T {
        if self.hermitian { x.conj() } else { x }
    }

    /// Size of a diagonal element.
    fn size(&self, i: usize) -> f64 {
        if self.hermitian { self.at(i, i).re().abs() } else { self.at(i, i).abs1() }
    }

    fn make_real(&mut self, i: usize) {
        if self.hermitian {
            self.a[i * self.n + i] = T::from_re(self.at(i, i).re());
        }
    }

    /// Exchanges rows and columns `i` and `j > i` of what is right of column `from`.
    fn exchange(&mut self, i: usize, j: usize) {
        let n = self.n;
        for r in j + 1..n {
            self.a.swap(i * n + r, j * n + r);
        }
        for k in i + 1..j {
            let (x, y) = (self.at(k, i), self.at(j, k));
            (self.a[i * n + k], self.a[k * n + j]) = (self.mirror(y), self.mirror(x));
        }
        self.a[i * n + j] = self.mirror(self.at(j, i));
        self.a.swap(i * n + i, j * n + j);
        self.make_real(i);
        self.make_real(j);
    }

    /// Which row comes to `k`, and how large the block there is; none where the column is 0.
    fn pivot(&self, k: usize) -> Option<(usize, usize)> {
        let alpha = (1.0 + 17f64.sqrt()) / 8.0;
        let own = self.size(k);
        let (row, column_most) = largest((k + 1..self.n).map(|i| (i, self.at(i, k))));
        let most = own.max(column_most);
        if most == 0.0 || own.is_nan() {
            return None;
        }
        if own >= alpha * column_most {
            return Some((k, 1));
        }
        let (_, left) = largest((k..row).map(|j| (j, self.at(row, j))));
        let (_, below) = largest((row + 1..self.n).map(|i| (i, self.at(i, row))));
        let row_most = left.max(below);
        if own >= alpha * column_most * (column_most / row_most) {
            Some((k, 1))
        } else if self.size(row) >= alpha * row_most {
            Some((row, 1))
        } else {
            Some((row, 2))
        }
    }

    fn eliminate_one(&mut self, k: usize) {
        let n = self.n;
        self.make_real(k);
        let inverse = T::one() / self.at(k, k);
        for j in k + 1..n {
            let by = inverse * self.mirror(self.at(j, k));
            let (front, back) = self.a.split_at_mut(j * n);
            super::field::subtract(&mut back[j..n], by, &front[k * n + j..(k + 1) * n]);
            self.make_real(j);
        }
        self.a[k * n + k + 1..(k + 1) * n].iter_mut().for_each(|x| *x *= inverse);
    }

    fn eliminate_two(&mut self, k: usize) {
        let n = self.n;
        self.make_real(k);
        self.make_real(k + 1);
        let corner = self.at(k + 1, k);
        let (size, turn) = if self.hermitian {
            (T::from_re(corner.abs()), corner / T::from_re(corner.abs()))
        } else {
            (corner, T::one())
        };
        let (d11, d22) = (self.at(k + 1, k + 1) / size, self.at(k, k) / size);
        let by = T::one() / (d11 * d22 - T::one()) / size;
        for j in k + 2..n {
            let (x, y) = (self.at(j, k), self.at(j, k + 1));
            let first = by * (d11 * x - turn * y);
            let second = by * (d22 * y - self.mirror(turn) * x);
            let (p, q) = (self.mirror(first), self.mirror(second));
            let (front, back) = self.a.split_at_mut(j * n);
            super::field::subtract(&mut back[j..n], p, &front[k * n + j..(k + 1) * n]);
            super::field::subtract(&mut back[j..n], q, &front[(k + 1) * n + j..(k + 2) * n]);
            self.a[k * n + j] = first;
            self.a[(k + 1) * n + j] = second;
            self.make_real(j);
        }
    }

    /// Factors the matrix; the first block of 0, from 1, or 0.
    fn factor(&mut self, pivots: &mut [i32]) -> i32 {
        let (n, mut k, mut info) = (self.n, 0, 0);
        while k < n {
            let Some((with, size)) = self.pivot(k) else {
                if info == 0 {
                    info = k as i32 + 1;
                }
                self.make_real(k);
                pivots[k] = k as i32 + 1;
                k += 1;
                continue;
            };
            let last = k + size - 1;
            if with != last {
                self.exchange(last, with);
                if size == 2 {
                    self.a.swap(k * n + k + 1, k * n + with);
                }
            }
            if size == 1 {
                self.eliminate_one(k);
                pivots[k] = with as i32 + 1;
            } else {
                self.eliminate_two(k);
                pivots[k] = -(with as i32 + 1);
                pivots[k + 1] = pivots[k];
            }
            k += size;
        }
        info
    }
}

/// The factors of `a` (..., n, n), of which the lower triangle counts, written by columns to `ld` (..., n, n): the blocks of D and, below
/// them, L. `pivots` (..., n) are int32, from 1, negative for blocks of two; `info` (...) is the first block of 0, from 1, or 0.
pub fn ldl_factor(ld: &mut ViewMut, pivots: &mut ViewMut, info: &mut ViewMut, a: View, hermitian: bool) {
    by_field!(a.dtype(), T => factor_all::<T>(ld, pivots, info, &a, hermitian));
}

fn factor_all<T: Field>(ld: &mut ViewMut, pivots: &mut ViewMut, info: &mut ViewMut, a: &View, hermitian: bool) {
    let (batch, n, _) = dims(a.sizes());
    let a = load::<T>(a);
    let ld = Shared::new(ld.ptr().cast::<T>());
    let (pivots, info) = (Shared::new(pivots.ptr().cast::<i32>()), Shared::new(info.ptr().cast::<i32>()));
    for_pieces(0..batch, grain(n), |range| {
        let mut found = vec![0; n];
        for b in range {
            let mut columns = transpose(&a[b * n * n..(b + 1) * n * n], n, n);
            let first_zero = Lower { a: &mut columns, n, hermitian }.factor(&mut found);
            for j in 0..n {
                columns[j * n..j * n + j].fill(T::zero());
            }
            store(&ld, b * n * n, &columns);
            store(&pivots, b * n, &found);
            store(&info, b, &[first_zero]);
        }
    });
}

fn swap_rows<T>(x: &mut [T], width: usize, i: usize, j: usize) {
    if i != j && width > 0 {
        let (low, high) = (i.min(j), i.max(j));
        let (top, bottom) = x.split_at_mut(high * width);
        top[low * width..(low + 1) * width].swap_with_slice(&mut bottom[..width]);
    }
}

/// Replaces the rows of `x` (n, width) by the solution, given the factors (row-major).
fn solve<T: Field>(ld: &[T], n: usize, pivots: &[i32], x: &mut [T], width: usize, hermitian: bool) {
    let mirror = |x: T| if hermitian { x.conj() } else { x };
    let place = |p: i32| (p.unsigned_abs().max(1) as usize - 1).min(n - 1);
    let take = |x: &mut [T], from: usize, to: usize, by: T| {
        let (source, target) = super::field::rows(x, width, from, to);
        super::field::subtract(target, by, source);
    };
    let mut k = 0;
    while k < n {
        let with = place(pivots[k]);
        if pivots[k] > 0 || k + 1 == n {
            swap_rows(x, width, k, with);
            (k + 1..n).for_each(|i| take(x, k, i, ld[i * n + k]));
            let d = ld[k * n + k];
            x[k * width..(k + 1) * width].iter_mut().for_each(|x| *x /= d);
            k += 1;
        } else {
            swap_rows(x, width, k + 1, with);
            for i in k + 2..n {
                take(x, k, i, ld[i * n + k]);
                take(x, k + 1, i, ld[i * n + k + 1]);
            }
            let corner = ld[(k + 1) * n + k];
            let (a, b) = (ld[k * n + k] / mirror(corner), ld[(k + 1) * n + k + 1] / corner);
            let denominator = a * b - T::one();
            for c in 0..width {
                let (p, q) = (x[k * width + c] / mirror(corner), x[(k + 1) * width + c] / corner);
                x[k * width + c] = (b * p - q) / denominator;
                x[(k + 1) * width + c] = (a * q - p) / denominator;
            }
            k += 2;
        }
    }
    let mut end = n;
    while end > 0 {
        let k = end - 1;
        let size = if pivots[k] > 0 || k == 0 { 1 } else { 2 };
        for column in end - size..end {
            (end..n).for_each(|i| take(x, i, column, mirror(ld[i * n + column])));
        }
        swap_rows(x, width, k, place(pivots[k]));
        end -= size;
    }
}

/// The solutions of `a @ x = b`, in place of `b` (..., n, k), from what [`ldl_factor`] made of a: `ld` (..., n, n; row-major) and `pivots`.
pub fn ldl_solve(b: &mut ViewMut, ld: View, pivots: View, hermitian: bool) {
    by_field!(ld.dtype(), T => {
        let (batch, n, _) = dims(ld.sizes());
        let (_, _, width) = dims(b.sizes());
        let (ld, x) = (load::<T>(&ld), load::<T>(&b.as_view()));
        // SAFETY: element i of a contiguous view.
        let pivots: Vec<i32> =
            (0..batch * n).map(|i| unsafe { pivots.ptr().cast::<i32>().add(i).read_unaligned() }).collect();
        let out = Shared::new(b.ptr().cast::<T>());
        for_pieces(0..batch, grain(n), |range| {
            for i in range {
                let mut x = x[i * n * width..(i + 1) * n * width].to_vec();
                solve(&ld[i * n * n..(i + 1) * n * n], n, &pivots[i * n..(i + 1) * n], &mut x, width, hermitian);
                store(&out, i * n * width, &x);
            }
        });
    });
}
