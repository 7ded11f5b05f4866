//! QR by Householder reflections, with LAPACK's signs.

use super::field::{Field, load, store, subtract};
use super::{by_field, dims, grain};
use crate::gemm::{Shared, for_pieces};
use crate::{View, ViewMut};

/// `a @ b^H` of two vectors: the sum of `conj(a) * b`.
fn inner<T: Field>(a: &[T], b: &[T]) -> T {
    a.iter().zip(b).fold(T::zero(), |s, (x, y)| s.plus(x.conj(), *y))
}

/// Applies `I - tau v v^H` to a column.
fn reflect<T: Field>(v: &[T], tau: T, column: &mut [T]) {
    let s = tau * inner(v, column);
    subtract(column, s, v);
}

/// Turns the columns (of m elements each, one after another) into R's; returns the reflections.
fn factor<T: Field>(columns: &mut [T], m: usize, n: usize) -> Vec<(Vec<T>, T)> {
    let mut reflections = Vec::new();
    for j in 0..m.min(n) {
        let column = &mut columns[j * m + j..(j + 1) * m];
        let alpha = column[0];
        let rest = column[1..].iter().fold(0.0f64, |s, x| s.hypot(x.abs()));
        let (mut v, mut tau) = (column.to_vec(), T::zero());
        if rest != 0.0 || alpha.im() != 0.0 {
            let norm = alpha.abs().hypot(rest);
            let beta = T::from_re(if alpha.re() >= 0.0 && alpha.re().is_sign_positive() { -norm } else { norm });
            tau = (beta - alpha) / beta;
            let scale = alpha - beta;
            v[1..].iter_mut().for_each(|x| *x /= scale);
            column[0] = beta;
            column[1..].fill(T::zero());
        }
        v[0] = T::one();
        if tau != T::zero() {
            for c in j + 1..n {
                reflect(&v, tau.conj(), &mut columns[c * m + j..(c + 1) * m]);
            }
        }
        reflections.push((v, tau));
    }
    reflections
}

/// `q @ r = a` for `a` (..., m, n): `q` (..., m, k) with orthonormal columns and upper triangular `r` (..., k, n), where k is
/// min(m, n), or m for the complete form. Without `q` only r is made.
pub fn qr(q: Option<&mut ViewMut>, r: &mut ViewMut, a: View) {
    by_field!(a.dtype(), T => all::<T>(q, r, &a));
}

fn all<T: Field>(q: Option<&mut ViewMut>, r: &mut ViewMut, a: &View) {
    let (batch, m, n) = dims(a.sizes());
    let (_, k, _) = dims(r.sizes());
    let a = load::<T>(a);
    let (q, r) = (q.map(|q| Shared::new(q.ptr().cast::<T>())), Shared::new(r.ptr().cast::<T>()));
    for_pieces(0..batch, grain(m.max(n)), |range| {
        for b in range {
            let mut columns = super::triangular::transpose(&a[b * m * n..(b + 1) * m * n], m, n);
            let reflections = factor(&mut columns, m, n);
            let upper: Vec<T> = (0..k * n)
                .map(|at| (at / n, at % n))
                .map(|(i, j)| if i <= j { columns[j * m + i] } else { T::zero() })
                .collect();
            store(&r, b * k * n, &upper);
            if let Some(q) = &q {
                let mut columns = vec![T::zero(); m * k];
                for j in 0..k {
                    columns[j * m + j] = T::one();
                }
                for (j, (v, tau)) in reflections.iter().enumerate().rev() {
                    for c in j..k {
                        reflect(v, *tau, &mut columns[c * m + j..(c + 1) * m]);
                    }
                }
                store(q, b * m * k, &super::triangular::transpose(&columns, k, m));
            }
        }
    });
}
