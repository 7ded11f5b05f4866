//! Householder vectors as LAPACK keeps them: below the diagonal, the first element of each an unwritten 1.

use super::field::{Field, load, store};
use super::reflector::{Reflector, apply as apply_all, triangularize};
use super::triangular::transpose;
use super::{by_field, dims, grain};
use crate::gemm::{Shared, for_pieces};
use crate::{View, ViewMut};

/// The R of each matrix of `a` (..., m, n), with the vectors below it, written by columns to `out` (..., n, m), and the factors `tau`
/// (..., min(m, n)).
pub fn geqrf(out: &mut ViewMut, tau: &mut ViewMut, a: View) {
    by_field!(a.dtype(), T => factor_all::<T>(out, tau, &a));
}

fn factor_all<T: Field>(out: &mut ViewMut, tau: &mut ViewMut, a: &View) {
    let (batch, m, n) = dims(a.sizes());
    let k = m.min(n);
    let a = load::<T>(a);
    let (out, tau) = (Shared::new(out.ptr().cast::<T>()), Shared::new(tau.ptr().cast::<T>()));
    for_pieces(0..batch, grain(m.max(n)), |range| {
        for b in range {
            let mut columns = transpose(&a[b * m * n..(b + 1) * m * n], m, n);
            for (i, h) in triangularize(&mut columns, m, k).iter().enumerate() {
                columns[i * m + i + 1..(i + 1) * m].copy_from_slice(&h.v[1..]);
                store(&tau, b * k + i, &[h.tau]);
            }
            store(&out, b * m * n, &columns);
        }
    });
}

/// The reflections that a matrix (m, n; row-major) and `tau` hold.
fn reflections<T: Field>(a: &[T], m: usize, n: usize, tau: &[T]) -> Vec<Reflector<T>> {
    let one = |i: usize| {
        let below = (i + 1..m).map(|r| a[r * n + i]);
        Reflector { at: i, v: std::iter::once(T::one()).chain(below).collect(), tau: tau[i] }
    };
    (0..tau.len().min(m).min(n)).map(one).collect()
}

/// The first n columns of the product of the reflections that `a` (..., m, n) and `tau` (..., k) hold, written by columns to `out`
/// (..., n, m).
pub fn orgqr(out: &mut ViewMut, a: View, tau: View) {
    by_field!(a.dtype(), T => {
        let (batch, m, n) = dims(a.sizes());
        let k = tau.sizes().last().map_or(0, |&k| k as usize);
        let (a, tau) = (load::<T>(&a), load::<T>(&tau));
        let out = Shared::new(out.ptr().cast::<T>());
        for_pieces(0..batch, grain(m.max(n)), |range| {
            for b in range {
                let list = reflections(&a[b * m * n..(b + 1) * m * n], m, n, &tau[b * k..(b + 1) * k]);
                let mut q = vec![<T as num_traits::Zero>::zero(); m * n];
                (0..n.min(m)).for_each(|i| q[i * m + i] = num_traits::One::one());
                apply_all(&list.iter().rev().map(|h| (h, h.tau, h.at)).collect::<Vec<_>>(), &mut q, m);
                store(&out, b * m * n, &q);
            }
        });
    });
}

/// `q @ c`, or with `left` false `c @ q`, for the product q of the reflections that `a` (..., m, n) and `tau` (..., k) hold, or with
/// `adjoint` for its conjugate transpose; `c` is (..., p, r), and the result is written by columns to `out` (..., r, p).
pub fn ormqr(out: &mut ViewMut, a: View, tau: View, c: View, left: bool, adjoint: bool) {
    by_field!(a.dtype(), T => {
        let (batch, m, n) = dims(a.sizes());
        let (_, p, r) = dims(c.sizes());
        let k = tau.sizes().last().map_or(0, |&k| k as usize);
        let (a, tau, c) = (load::<T>(&a), load::<T>(&tau), load::<T>(&c));
        let out = Shared::new(out.ptr().cast::<T>());
        for_pieces(0..batch, grain(m.max(p).max(r)), |range| {
            for b in range {
                let list = reflections(&a[b * m * n..(b + 1) * m * n], m, n, &tau[b * k..(b + 1) * k]);
                let mut x = transpose(&c[b * p * r..(b + 1) * p * r], p, r);
                let mut apply = |h: &Reflector<T>| {
                    let tau = if adjoint { h.adjoint_tau() } else { h.tau };
                    if left { h.left(tau, &mut x, p, 0) } else { h.right(tau, &mut x, p, 0) }
                };
                // The last reflection of the product meets the left side first.
                if left != adjoint { list.iter().rev().for_each(&mut apply) } else { list.iter().for_each(&mut apply) }
                store(&out, b * p * r, &x);
            }
        });
    });
}
