//! Eigenvalues and eigenvectors of Hermitian matrices. Small ones are taken in double precision.

use super::conquer::{SMALL, conquer};
use super::field::{Field, Precision, Widen, all_finite, load, store, store_real};
use super::reflector::product;
use super::tridiagonal::{diagonalize, tridiagonalize};
use super::{by_field, dims, grain};
use crate::gemm::{Shared, for_pieces};
use crate::{View, ViewMut};

/// The eigenvalues, ascending, and vectors (by columns) of `a` (n, n; by columns), of which the `upper` or lower triangle counts.
fn eigen<T: Field>(
    mut a: Vec<T>,
    n: usize,
    upper: bool,
    vectors: bool,
    precision: Precision,
) -> Option<(Vec<f64>, Vec<T>)> {
    if upper {
        // LAPACK begins at the end: with rows and columns reversed, the upper triangle is the lower one.
        a.reverse();
    }
    let t = tridiagonalize(&mut a, n);
    let (mut d, mut e) = (t.diagonal, t.beside);
    if upper {
        d.reverse();
        e.reverse();
    }
    if !vectors {
        return diagonalize(&mut d, &mut e, None, n, precision).then_some((d, Vec::new()));
    }
    let (d, z) = conquer(d, e, precision)?;
    let mut v: Vec<T> = z.into_iter().map(T::from_re).collect();
    if upper {
        v.chunks_exact_mut(n.max(1)).for_each(<[T]>::reverse);
    }
    product(&t.reflectors, &mut v, n);
    if upper {
        v.chunks_exact_mut(n.max(1)).for_each(<[T]>::reverse);
    }
    Some((d, v))
}

/// The eigenvalues (..., n), ascending, of the Hermitian `a` (..., n, n), of which the `upper` or lower triangle counts, and, written
/// by columns, the vectors (..., n, n). The info of a matrix is 0, or 1 where its eigenvalues were not found.
pub fn eigh(values: &mut ViewMut, vectors: Option<&mut ViewMut>, a: View, upper: bool, info: &mut ViewMut) {
    by_field!(a.dtype(), T => all::<T>(values, vectors, &a, upper, info));
}

fn all<T: Widen>(values: &mut ViewMut, vectors: Option<&mut ViewMut>, a: &View, upper: bool, info: &mut ViewMut) {
    let (batch, n, _) = dims(a.sizes());
    let a = load::<T>(a);
    let double = values.dtype() == flambeau_types::DType::F64;
    let (values, infos) = (Shared::new(values.ptr()), Shared::new(info.ptr().cast::<i32>()));
    let vectors = vectors.map(|v| Shared::new(v.ptr().cast::<T>()));
    for_pieces(0..batch, grain(n), |range| {
        for b in range {
            let columns = super::triangular::transpose(&a[b * n * n..(b + 1) * n * n], n, n);
            let counts =
                (0..n * n).filter(|at| (at % n == at / n) || ((at % n < at / n) == upper)).map(|at| columns[at]);
            let found = if !all_finite(&counts.collect::<Vec<_>>()) {
                // Not an error here, but nothing is known.
                Some((vec![f64::NAN; n], vec![T::from_re(f64::NAN); n * n]))
            } else if n > SMALL {
                eigen(columns, n, upper, vectors.is_some(), T::PRECISION)
            } else {
                let wide = columns.into_iter().map(T::widen).collect();
                eigen::<T::Wide>(wide, n, upper, vectors.is_some(), T::PRECISION)
                    .map(|(w, v)| (w, v.into_iter().map(T::narrow).collect()))
            };
            let Some((w, v)) = found else {
                store(&infos, b, &[1]);
                continue;
            };
            store(&infos, b, &[0]);
            store_real(&values, double, b * n, &w);
            if let Some(to) = &vectors {
                store(to, b * n * n, &v);
            }
        }
    });
}
