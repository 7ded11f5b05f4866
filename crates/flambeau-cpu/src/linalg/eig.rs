//! Eigenvalues and eigenvectors of square matrices, in double precision.

use flambeau_types::Complex64;

use super::field::{Field, Precision, Widen, all_finite, load, store};
use super::hessenberg::{balance, reduce};
use super::planar::{rotation, rotation_forward};
use super::{by_field, dims, grain, schur};
use crate::gemm::{Shared, for_pieces};
use crate::{View, ViewMut};

/// Eigenvalues and, by columns, vectors of length 1.
type Eigen = (Vec<Complex64>, Vec<Complex64>);

/// Numbers whose matrices have a Schur form.
pub(super) trait Schur: Field + Into<Complex64> {
    fn schur(
        h: &mut [Self],
        n: usize,
        block: (usize, usize),
        z: Option<&mut [Self]>,
        precision: Precision,
    ) -> Option<Vec<Complex64>>;
    /// Turns a vector so that its largest element is real.
    fn turn(v: &mut [Complex64], value: Complex64, precision: Precision);
}

/// Multiplies a vector by what makes its length 1.
fn normalize(v: &mut [Complex64]) {
    let length = v.iter().fold(0.0, |s: f64, x| s.hypot(x.re).hypot(x.im));
    if length > 0.0 {
        v.iter_mut().for_each(|x| *x /= length);
    }
}

/// The largest element.
fn peak(v: &[Complex64]) -> usize {
    (1..v.len()).fold(0, |k, i| if v[i].norm_sqr() > v[k].norm_sqr() { i } else { k })
}

impl Schur for f64 {
    fn schur(
        h: &mut [f64],
        n: usize,
        block: (usize, usize),
        z: Option<&mut [f64]>,
        precision: Precision,
    ) -> Option<Vec<Complex64>> {
        schur::real(h, n, block, z, precision)
    }

    fn turn(v: &mut [Complex64], value: Complex64, precision: Precision) {
        if value.im != 0.0 {
            let k = peak(v);
            // LAPACK's rotations in single precision keep the sign of what they turn.
            let by = if precision.eps > f64::EPSILON { rotation_forward } else { rotation };
            let (c, s, _) = by(v[k].re, v[k].im);
            v.iter_mut().for_each(|x| *x *= Complex64::new(c, -s));
            v[k].im = 0.0;
        }
    }
}

impl Schur for Complex64 {
    fn schur(
        h: &mut [Self],
        n: usize,
        block: (usize, usize),
        z: Option<&mut [Self]>,
        precision: Precision,
    ) -> Option<Vec<Complex64>> {
        schur::complex(h, n, block, z, precision)
    }

    fn turn(v: &mut [Complex64], _: Complex64, _: Precision) {
        let k = peak(v);
        let by = v[k].conj() / v[k].norm();
        v.iter_mut().for_each(|x| *x *= by);
        v[k].im = 0.0;
    }
}

/// `x / d`, with `d` no smaller than `least`.
fn divide(x: Complex64, d: Complex64, least: f64) -> Complex64 {
    if d.re.abs() + d.im.abs() < least { x / least } else { x / d }
}

/// The eigenvector of the (quasi-)triangular `t` (n, n; by columns) for the eigenvalue at `k`, which ends a block of two if
/// `pair`: zeros below `k`.
fn back_substitute<T: Schur>(t: &[T], n: usize, k: usize, pair: bool, value: Complex64) -> Vec<Complex64> {
    let at = |i: usize, j: usize| -> Complex64 { t[j * n + i].into() };
    let mut x = vec![Complex64::ZERO; k + 1];
    let least = (f64::EPSILON * (value.re.abs() + value.im.abs())).max(f64::MIN_POSITIVE * (n as f64 / f64::EPSILON));
    let mut above = k;
    if pair {
        // Either element of a block's vector may be chosen: the greater corner divides.
        let (upper, lower) = (at(k - 1, k), at(k, k - 1));
        if upper.norm() >= lower.norm() {
            (x[k - 1], x[k]) = (Complex64::ONE, Complex64::new(0.0, value.im) / upper);
        } else {
            (x[k - 1], x[k]) = (-value.im / lower, Complex64::I);
        }
        above = k - 1;
    } else {
        x[k] = Complex64::ONE;
    }
    for j in above..=k {
        let by = x[j];
        for (i, x) in x[..above].iter_mut().enumerate() {
            *x -= by * at(i, j);
        }
    }
    let mut end = above;
    while end > 0 {
        let j = end - 1;
        if j > 0 && t[(j - 1) * n + j] != T::zero() {
            let (a, b) = (at(j - 1, j - 1) - value, at(j - 1, j));
            let (c, d) = (at(j, j - 1), at(j, j) - value);
            let det = a * d - b * c;
            let (p, q) = (x[j - 1] * d - x[j] * b, x[j] * a - x[j - 1] * c);
            (x[j - 1], x[j]) = (divide(p, det, least * least), divide(q, det, least * least));
            end -= 2;
        } else {
            x[j] = divide(x[j], at(j, j) - value, least);
            end -= 1;
        }
        let size = x.iter().fold(0.0f64, |s, x| s.max(x.re.abs()).max(x.im.abs()));
        if size > 1e100 {
            x.iter_mut().for_each(|x| *x /= size);
        }
        for j in end..=j {
            let by = x[j];
            for (i, x) in x[..end].iter_mut().enumerate() {
                *x -= by * at(i, j);
            }
        }
    }
    x
}

/// The eigenvalues of `a` (n, n; by columns), and its vectors if wanted.
fn eigen<T: Schur>(mut a: Vec<T>, n: usize, vectors: bool, precision: Precision) -> Option<Eigen> {
    if n == 0 {
        return Some((Vec::new(), Vec::new()));
    }
    let balance = balance(&mut a, n);
    let mut q = reduce(&mut a, n, balance.block, vectors);
    if !vectors {
        return Some((T::schur(&mut a, n, balance.block, None, precision)?, Vec::new()));
    }
    let w = T::schur(&mut a, n, balance.block, Some(&mut q), precision)?;
    let mut v = vec![Complex64::ZERO; n * n];
    for k in (0..n).rev() {
        let pair = k > 0 && a[(k - 1) * n + k] != T::zero();
        if k + 1 < n && a[k * n + k + 1] != T::zero() {
            continue; // its partner, behind it, gave its vector
        }
        let value = if pair { w[k - 1] } else { w[k] };
        let x = back_substitute(&a, n, k, pair, value);
        let column = &mut v[k * n..(k + 1) * n];
        for (j, by) in x.into_iter().enumerate() {
            for (y, q) in column.iter_mut().zip(&q[j * n..(j + 1) * n]) {
                let q: Complex64 = (*q).into();
                *y += q * by;
            }
        }
        if pair {
            for i in 0..n {
                v[(k - 1) * n + i] = v[k * n + i];
            }
        }
    }
    balance.undo(&mut v, n);
    for k in 0..n {
        let column = &mut v[k * n..(k + 1) * n];
        normalize(column);
        T::turn(column, w[k], precision);
        if w[k].im < 0.0 && k > 0 && a[(k - 1) * n + k] != T::zero() {
            column.iter_mut().for_each(|x| *x = x.conj());
        }
    }
    Some((w, v))
}

/// The eigenvalues (..., n) of `a` (..., n, n) and, written by columns, its vectors (..., n, n): complex numbers of a's precision. The
/// info of a matrix is 0, or 1 where its eigenvalues were not found.
pub fn eig(values: &mut ViewMut, vectors: Option<&mut ViewMut>, a: View, info: &mut ViewMut) {
    by_field!(a.dtype(), T => all::<T>(values, vectors, &a, info));
}

fn all<T: Widen<Wide: Schur>>(values: &mut ViewMut, vectors: Option<&mut ViewMut>, a: &View, info: &mut ViewMut) {
    let (batch, n, _) = dims(a.sizes());
    let wide: Vec<T::Wide> = load::<T>(a).into_iter().map(T::widen).collect();
    let double = values.dtype() == flambeau_types::DType::C128;
    let (values, infos) = (Shared::new(values.ptr()), Shared::new(info.ptr().cast::<i32>()));
    let vectors = vectors.map(|v| Shared::new(v.ptr()));
    let write = |to: &Shared<u8>, at: usize, from: &[Complex64]| {
        let parts: Vec<f64> = from.iter().flat_map(|z| [z.re, z.im]).collect();
        super::field::store_real(to, double, 2 * at, &parts);
    };
    for_pieces(0..batch, grain(n), |range| {
        for b in range {
            let columns = super::triangular::transpose(&wide[b * n * n..(b + 1) * n * n], n, n);
            let found = if all_finite(&columns) { eigen(columns, n, vectors.is_some(), T::PRECISION) } else { None };
            let Some((w, v)) = found else {
                store(&infos, b, &[1]);
                continue;
            };
            store(&infos, b, &[0]);
            write(&values, b * n, &w);
            if let Some(to) = &vectors {
                write(to, b * n * n, &v);
            }
        }
    });
}
