//! QR by Householder reflections, with LAPACK's signs.

use super::field::{Field, load, store};
use super::reflector::{apply, triangularize};
use super::{by_field, dims, grain};
use crate::gemm::{Shared, for_pieces};
use crate::{View, ViewMut};

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
            let reflections = triangularize(&mut columns, m, m.min(n));
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
                apply(&reflections.iter().rev().map(|h| (h, h.tau, h.at)).collect::<Vec<_>>(), &mut columns, m);
                store(q, b * m * k, &super::triangular::transpose(&columns, k, m));
            }
        }
    });
}
