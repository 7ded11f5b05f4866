//! QR by Householder reflections, with LAPACK's signs.

use super::field::{Field, load, store};
use super::reflector::Reflector;
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
            let mut reflections = Vec::with_capacity(m.min(n));
            for i in 0..m.min(n) {
                let (h, beta) = Reflector::new(i, &columns[i * m + i..(i + 1) * m]);
                h.left(h.adjoint_tau(), &mut columns, m, i + 1);
                columns[i * m + i] = T::from_re(beta);
                reflections.push(h);
            }
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
                for h in reflections.iter().rev() {
                    h.left(h.tau, &mut columns, m, h.at);
                }
                store(q, b * m * k, &super::triangular::transpose(&columns, k, m));
            }
        }
    });
}
