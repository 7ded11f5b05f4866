//! Singular values and vectors by the ways that PyTorch's LAPACK goes: they decide the signs. Small matrices are taken in double
//! precision.

use super::bidiagonal::{bidiagonalize, diagonalize};
use super::conquer::SMALL;
use super::conquer_svd::conquer;
use super::field::{Field, Precision, Widen, all_finite, load, store, store_real};
use super::reflector::{Reflector, product, triangularize};
use super::{by_field, dims, grain};
use crate::gemm::{Shared, for_pieces};
use crate::{View, ViewMut};

/// The factors of one matrix, by columns.
struct Factors<T> {
    /// The left vectors.
    left: Vec<T>,
    values: Vec<f64>,
    /// The right vectors, not conjugated.
    right: Vec<T>,
}

impl<W> Factors<W> {
    fn narrow<T: Widen<Wide = W>>(self) -> Factors<T> {
        let all = |list: Vec<W>| list.into_iter().map(T::narrow).collect();
        Factors { left: all(self.left), values: self.values, right: all(self.right) }
    }
}

/// A small square matrix in the corner of an identity with `count` columns of `rows` elements.
fn extend<T: Field, S: Copy>(small: &[S], k: usize, rows: usize, count: usize, of: impl Fn(S) -> T) -> Vec<T> {
    let mut out = vec![T::zero(); rows * count];
    for j in 0..count {
        if j < k {
            for i in 0..k {
                out[j * rows + i] = of(small[j * k + i]);
            }
        } else {
            out[j * rows + j] = T::one();
        }
    }
    out
}

/// By bidiagonalisation of the matrix (m, n; by columns) itself; with `wanted` numbers of vectors.
fn direct<T: Field>(
    mut a: Vec<T>,
    m: usize,
    n: usize,
    wanted: Option<(usize, usize)>,
    precision: Precision,
) -> Option<Factors<T>> {
    let k = m.min(n);
    let b = bidiagonalize(&mut a, m, n);
    let (mut d, mut e) = (b.diagonal, b.beside);
    let Some((us, vs)) = wanted else {
        let done = diagonalize(&mut d, &mut e, m < n, None, None, precision);
        return done.then(|| Factors { left: Vec::new(), values: d, right: Vec::new() });
    };
    let inner = conquer(d, e, m < n, precision)?;
    let mut u = extend(&inner.left, k, m, us, T::from_re);
    product(&b.left, &mut u, m);
    let mut v = extend(&inner.right, k, n, vs, T::from_re);
    product(&b.right, &mut v, n);
    Some(Factors { left: u, values: inner.values, right: v })
}

/// The conjugate transpose of `a` (m, n; by columns).
fn adjoint<T: Field>(a: &[T], m: usize, n: usize) -> Vec<T> {
    (0..m * n).map(|at| a[at % n * m + at / n].conj()).collect()
}

/// The triangular factor of a tall matrix (m, n; by columns), and the reflections that made it.
fn triangle<T: Field>(mut a: Vec<T>, m: usize, n: usize) -> (Vec<T>, Vec<Reflector<T>>) {
    let list = triangularize(&mut a, m, n);
    let r = (0..n * n).map(|at| if at % n <= at / n { a[at / n * m + at % n] } else { T::zero() }).collect();
    (r, list)
}

/// The factors of a matrix (m, n; by columns). A long one becomes a triangle first.
fn factor<T: Field>(
    a: Vec<T>,
    m: usize,
    n: usize,
    complex: bool,
    wanted: Option<(usize, usize)>,
    precision: Precision,
) -> Option<Factors<T>> {
    let k = m.min(n);
    let long = if complex { k * 17 / 9 } else { k * 3 / 2 };
    let small = wanted.map(|_| (k, k));
    if m > n && m >= long {
        let (r, list) = triangle(a, m, n);
        let mut f = direct(r, n, n, small, precision)?;
        if let Some((us, _)) = wanted {
            f.left = extend(&f.left, n, m, us, |x| x);
            product(&list, &mut f.left, m);
        }
        return Some(f);
    }
    if complex && n > m && n >= long {
        let (r, list) = triangle(adjoint(&a, m, n), n, m);
        let mut f = direct(adjoint(&r, m, m), m, m, small, precision)?;
        if let Some((_, vs)) = wanted {
            f.right = extend(&f.right, m, n, vs, |x| x);
            product(&list, &mut f.right, n);
        }
        return Some(f);
    }
    direct(a, m, n, wanted, precision)
}

/// `u @ diag(s) @ vh = a` for `a` (..., m, n), with `s` (..., k) descending. The vectors are written by columns: to `u` (..., us, m)
/// and to `vh` (..., n, vs), where us is k or m, and vs k or n, with k = min(m, n). Without `vectors` only `s` is made. The info of a
/// matrix with elements that are not finite is 1, that of one whose steps do not converge 2; their factors are not to be used.
pub fn svd(s: &mut ViewMut, vectors: Option<(&mut ViewMut, &mut ViewMut)>, a: View, info: &mut ViewMut) {
    by_field!(a.dtype(), T => all::<T>(s, vectors, &a, info));
}

fn all<T: Widen>(s: &mut ViewMut, vectors: Option<(&mut ViewMut, &mut ViewMut)>, a: &View, info: &mut ViewMut) {
    let (batch, m, n) = dims(a.sizes());
    let k = m.min(n);
    let complex = a.dtype().is_complex();
    let a = load::<T>(a);
    let double = s.dtype() == flambeau_types::DType::F64;
    let (values, infos) = (Shared::new(s.ptr()), Shared::new(info.ptr().cast::<i32>()));
    let vectors = vectors.map(|(u, v)| {
        let counts = (dims(u.sizes()).1, dims(v.sizes()).2);
        (Shared::new(u.ptr().cast::<T>()), Shared::new(v.ptr().cast::<T>()), counts)
    });
    for_pieces(0..batch, grain(m.max(n)), |range| {
        for b in range {
            let matrix = &a[b * m * n..(b + 1) * m * n];
            if !all_finite(matrix) {
                store(&infos, b, &[1]);
                continue;
            }
            let columns = super::triangular::transpose(matrix, m, n);
            let wanted = vectors.as_ref().map(|(_, _, counts)| *counts);
            let found = if k > SMALL {
                factor(columns, m, n, complex, wanted, T::PRECISION)
            } else {
                let wide = columns.into_iter().map(T::widen).collect();
                factor::<T::Wide>(wide, m, n, complex, wanted, T::PRECISION).map(Factors::narrow)
            };
            let Some(f) = found else {
                store(&infos, b, &[2]);
                continue;
            };
            store(&infos, b, &[0]);
            store_real(&values, double, b * k, &f.values);
            let Some((u, v, (us, vs))) = &vectors else { continue };
            store(u, b * m * us, &f.left);
            store(v, b * n * vs, &adjoint(&f.right, n, *vs));
        }
    });
}
