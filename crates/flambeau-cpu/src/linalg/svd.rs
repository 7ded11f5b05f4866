//! Singular values and vectors by one-sided Jacobi rotations, all in double precision.

use flambeau_types::Complex;

use super::field::{Field, load, store};
use super::triangular::transpose;
use super::{by_field, dims, grain};
use crate::gemm::{Shared, for_pieces};
use crate::{View, ViewMut};

/// Rounds of rotations before giving up; ten are many.
const SWEEPS: usize = 60;

/// A number and its double-precision form.
trait Widen: Field {
    type Wide: Field;
    fn widen(self) -> Self::Wide;
    fn narrow(x: Self::Wide) -> Self;
}

macro_rules! widen {
    ($($t:ty)*) => {$(
        impl Widen for $t {
            type Wide = f64;
            fn widen(self) -> f64 { self as f64 }
            fn narrow(x: f64) -> $t { x as $t }
        }
        impl Widen for Complex<$t> {
            type Wide = Complex<f64>;
            fn widen(self) -> Complex<f64> { Complex::new(self.re as f64, self.im as f64) }
            fn narrow(x: Complex<f64>) -> Self { Complex::new(x.re as $t, x.im as $t) }
        }
    )*};
}
widen!(f32 f64);

/// The sum of `conj(a) * b`.
fn inner<T: Field>(a: &[T], b: &[T]) -> T {
    a.iter().zip(b).fold(T::zero(), |s, (x, y)| s + x.conj() * *y)
}

fn square<T: Field>(a: &[T]) -> f64 {
    a.iter().fold(0.0, |s, x| s + x.re() * x.re() + x.im() * x.im())
}

/// `(p, q)` becomes `(c p - s f q, s conj(f) p + c q)`: near the identity where `s` is small, whatever `f` is, so that the
/// signs of vectors do not hang on rounding errors.
fn rotate<T: Field>(columns: &mut [T], m: usize, (p, q): (usize, usize), (c, s, f): (T, T, T)) {
    let (front, back) = columns.split_at_mut(q * m);
    for (x, y) in front[p * m..(p + 1) * m].iter_mut().zip(&mut back[..m]) {
        (*x, *y) = (c * *x - s * (f * *y), s * (f.conj() * *x) + c * *y);
    }
}

/// Makes the n columns of m elements orthogonal by rotations, which are applied to the columns of `v` (n, n) as well.
fn orthogonalize<T: Field>(a: &mut [T], m: usize, n: usize, v: &mut [T]) {
    let largest = (0..n).map(|j| square(&a[j * m..(j + 1) * m])).fold(0.0, f64::max);
    let tiny = f64::EPSILON * f64::EPSILON * largest;
    for _ in 0..SWEEPS {
        let mut still = true;
        for p in 0..n {
            for q in p + 1..n {
                let (x, y) = (&a[p * m..(p + 1) * m], &a[q * m..(q + 1) * m]);
                let (xx, yy, xy) = (square(x), square(y), inner(x, y));
                let size = xy.abs();
                if size <= f64::EPSILON * (xx * yy).sqrt() || size <= tiny {
                    continue;
                }
                still = false;
                let zeta = (yy - xx) / (2.0 * size);
                let t = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
                let c = t.hypot(1.0).recip();
                let by = (T::from_re(c), T::from_re(c * t), xy.conj() / T::from_re(size));
                rotate(a, m, (p, q), by);
                rotate(v, n, (p, q), by);
            }
        }
        if still {
            return;
        }
    }
}

/// Fills the columns from `have` on so that all of the columns, of m elements each, are orthonormal.
fn complete<T: Field>(u: &mut [T], m: usize, have: usize) {
    let (mut next, count) = (0, u.len().checked_div(m).unwrap_or(0));
    for j in have..count {
        let (known, free) = u.split_at_mut(j * m);
        let column = &mut free[..m];
        // Some unit vector is at least this far from what the columns span.
        let enough = 0.5 / (m as f64).sqrt();
        loop {
            column.fill(T::zero());
            column[next % m] = T::one();
            next += 1;
            for _ in 0..2 {
                for k in known.chunks_exact(m) {
                    let by = inner(k, column);
                    super::field::subtract(column, by, k);
                }
            }
            let norm = square(column).sqrt();
            if norm >= enough || next > 2 * m + count {
                column.iter_mut().for_each(|x| *x /= T::from_re(norm));
                break;
            }
        }
    }
}

/// The factors of one matrix with no fewer rows than columns, given by columns.
struct Factors<T> {
    /// The left vectors, one after another: `wanted` of them.
    left: Vec<T>,
    values: Vec<f64>,
    /// The right vectors, one after another.
    right: Vec<T>,
}

fn factor<T: Field>(mut a: Vec<T>, m: usize, n: usize, wanted: usize) -> Factors<T> {
    let scale = a.iter().fold(0.0f64, |s, x| s.max(x.re().abs()).max(x.im().abs()));
    if scale > 0.0 {
        a.iter_mut().for_each(|x| *x /= T::from_re(scale));
    }
    let mut v = vec![T::zero(); n * n];
    (0..n).for_each(|j| v[j * n + j] = T::one());
    orthogonalize(&mut a, m, n, &mut v);
    let norms: Vec<f64> = (0..n).map(|j| square(&a[j * m..(j + 1) * m]).sqrt()).collect();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| norms[j].total_cmp(&norms[i]));
    let largest = order.first().map_or(0.0, |&j| norms[j]);
    let mut left = vec![T::zero(); m * wanted];
    let mut right = Vec::with_capacity(n * n);
    let mut have = 0;
    for (to, &from) in order.iter().enumerate() {
        right.extend_from_slice(&v[from * n..(from + 1) * n]);
        // The direction of what is but rounding errors means nothing.
        if to < wanted && norms[from] > f64::EPSILON * m as f64 * largest {
            have = to + 1;
            for (x, y) in left[to * m..have * m].iter_mut().zip(&a[from * m..(from + 1) * m]) {
                *x = *y / T::from_re(norms[from]);
            }
        }
    }
    complete(&mut left, m, have);
    Factors { left, values: order.iter().map(|&j| norms[j] * scale).collect(), right }
}

/// `u @ diag(s) @ vh = a` for `a` (..., m, n), with `s` (..., k) descending, `u` (..., m, k) and `vh` (..., k, n) where k is
/// min(m, n), or `u` (..., m, m) and `vh` (..., n, n). Without `vectors` only `s` is made. The info of a matrix with elements
/// that are not finite is 1, and its factors are not to be used.
pub fn svd(s: &mut ViewMut, vectors: Option<(&mut ViewMut, &mut ViewMut)>, a: View, info: &mut ViewMut) {
    by_field!(a.dtype(), T => all::<T>(s, vectors, &a, info));
}

fn all<T: Widen>(s: &mut ViewMut, vectors: Option<(&mut ViewMut, &mut ViewMut)>, a: &View, info: &mut ViewMut) {
    let (batch, m, n) = dims(a.sizes());
    let k = m.min(n);
    let wide: Vec<T::Wide> = load::<T>(a).into_iter().map(T::widen).collect();
    let double = s.dtype() == flambeau_types::DType::F64;
    let (values, infos) = (Shared::new(s.ptr()), Shared::new(info.ptr().cast::<i32>()));
    let vectors = vectors.map(|(u, v)| {
        let counts = (dims(u.sizes()).2, dims(v.sizes()).1);
        (Shared::new(u.ptr().cast::<T>()), Shared::new(v.ptr().cast::<T>()), counts)
    });
    for_pieces(0..batch, grain(m.max(n)), |range| {
        for b in range {
            let matrix = &wide[b * m * n..(b + 1) * m * n];
            let finite = matrix.iter().all(|x| x.re().is_finite() && x.im().is_finite());
            store(&infos, b, &[i32::from(!finite)]);
            if !finite {
                continue;
            }
            // The columns of the matrix, or of its conjugate transpose.
            let tall = m >= n;
            let columns: Vec<T::Wide> =
                if tall { transpose(matrix, m, n) } else { matrix.iter().map(|x| x.conj()).collect() };
            let wanted = vectors.as_ref().map_or(0, |(_, _, (u, v))| if tall { *u } else { *v });
            let f = factor(columns, m.max(n), k, wanted);
            for (i, &x) in f.values.iter().enumerate() {
                let at = (b * k + i) as isize;
                // SAFETY: element `at` of the contiguous output, which no other piece writes.
                unsafe {
                    if double {
                        values.at(at * 8).cast::<f64>().write_unaligned(x);
                    } else {
                        values.at(at * 4).cast::<f32>().write_unaligned(x as f32);
                    }
                }
            }
            let Some((u, v, (us, vs))) = &vectors else { continue };
            let (us, vs) = (*us, *vs);
            let (left, right) = if tall { (f.left, f.right) } else { (f.right, f.left) };
            let rows: Vec<T> = transpose(&left, us, m).into_iter().map(T::narrow).collect();
            store(u, b * m * us, &rows);
            let rows: Vec<T> = right.into_iter().map(|x| T::narrow(x.conj())).collect();
            store(v, b * n * vs, &rows);
        }
    });
}
