//! Symmetric tridiagonal matrices: how a Hermitian matrix becomes one, and the eigenvalues of one by implicit QL and QR
//! steps, as LAPACK's sytd2 and steqr do it, so that the signs of the vectors are LAPACK's.

use super::field::{Field, Precision};
use super::planar::{rotation, symmetric_eigen};
use super::reflector::Reflector;
use super::wide::{Turns, inner, subtract, sweep};

/// `Q^H a Q = T` for a tridiagonal `T`; `Q` is the product of the reflections in their order.
pub(super) struct Tridiagonal<T> {
    pub diagonal: Vec<f64>,
    pub beside: Vec<f64>,
    pub reflectors: Vec<Reflector<T>>,
}

/// Reduces a Hermitian matrix (n, n; by columns), of which the lower triangle counts. Each reflection is an update of rank two,
/// `a - v w^H - w v^H`; a column meets it as it is read for the next reflection, so that memory is gone through once for each.
pub(super) fn tridiagonalize<T: Field>(a: &mut [T], n: usize) -> Tridiagonal<T> {
    let mut t = Tridiagonal { diagonal: vec![], beside: vec![], reflectors: vec![] };
    // The vectors of the update that the columns from `i` on wait for, and the row that they begin with.
    let (mut v, mut w, mut start) = (vec![T::zero(); n], vec![T::zero(); n], 0);
    for i in 0..n {
        let (x, y) = (&v[i - start..], &w[i - start..]);
        let column = &mut a[i * n + i..(i + 1) * n];
        subtract(column, y[0].conj(), x);
        subtract(column, x[0].conj(), y);
        t.diagonal.push(column[0].re());
        if i + 1 == n {
            break;
        }
        let (h, beta) = Reflector::new(i + 1, &column[1..]);
        t.beside.push(beta);
        if h.tau != T::zero() {
            let mut next = vec![T::zero(); h.v.len()];
            for (j, &vj) in h.v.iter().enumerate() {
                let (x, y) = (&v[i + 1 + j - start..], &w[i + 1 + j - start..]);
                let (factors, by) = ((y[0].conj(), x[0].conj()), h.tau * vj);
                let column = &mut a[(i + 1 + j) * n + i + 1 + j..(i + 2 + j) * n];
                // Of the diagonal only the real part counts.
                column[0] = T::from_re((column[0] - factors.0 * x[0] - factors.1 * y[0]).re());
                let below = sweep(&mut column[1..], factors, &x[1..], &y[1..], &mut next[j + 1..], by, &h.v[j + 1..]);
                next[j] += column[0] * by + h.tau * below;
            }
            let alpha = T::from_re(0.5) * h.tau * inner(&next, &h.v);
            subtract(&mut next, alpha, &h.v);
            (v, w, start) = (h.v.clone(), next, i + 1);
        }
        t.reflectors.push(h);
    }
    t
}

/// Steps for each eigenvalue before giving up.
const STEPS: usize = 30;

/// Turns the tridiagonal matrix (`d`, `e` beside) into its eigenvalues, ascending, in `d`. The columns of `z` (of `m` elements)
/// are turned along. Returns false where the steps do not converge.
pub(super) fn diagonalize(d: &mut [f64], e: &mut [f64], z: Option<&mut [f64]>, m: usize, precision: Precision) -> bool {
    let n = d.len();
    let mut z = Turns::new(z, m);
    let eps = precision.eps / 2.0;
    let mut budget = n * STEPS;
    let mut next = 0;
    while next < n {
        if next > 0 {
            e[next - 1] = 0.0;
        }
        let mut end = next;
        while end + 1 < n {
            let size = e[end].abs();
            if size == 0.0 {
                break;
            }
            if size <= d[end].abs().sqrt() * d[end + 1].abs().sqrt() * eps {
                e[end] = 0.0;
                break;
            }
            end += 1;
        }
        let (from, to) = (next, end);
        next = end + 1;
        if from == to {
            continue;
        }
        let scale = d[from..=to].iter().chain(&e[from..to]).fold(0.0f64, |s, x| s.max(x.abs()));
        if scale == 0.0 {
            continue;
        }
        // Squares of the elements must neither overflow nor vanish.
        let by = if !(1e-120..=1e120).contains(&scale) { scale } else { 1.0 };
        d[from..=to].iter_mut().for_each(|x| *x /= by);
        e[from..to].iter_mut().for_each(|x| *x /= by);
        let done = if d[to].abs() < d[from].abs() {
            qr_steps(d, e, from, to, &mut z, precision, &mut budget)
        } else {
            ql_steps(d, e, from, to, &mut z, precision, &mut budget)
        };
        d[from..=to].iter_mut().for_each(|x| *x *= by);
        e[from..to].iter_mut().for_each(|x| *x *= by);
        if !done {
            return false;
        }
        // Blocks that came apart on the way are looked at again.
        if e[from..to].iter().any(|x| *x != 0.0) {
            next = from;
        }
    }
    for i in 0..n {
        let mut least = i;
        for j in i + 1..n {
            if d[j] < d[least] {
                least = j;
            }
        }
        if least != i {
            d.swap(i, least);
            if let Some(z) = z.columns() {
                let (front, back) = z.split_at_mut(least * m);
                front[i * m..(i + 1) * m].swap_with_slice(&mut back[..m]);
            }
        }
    }
    z.columns();
    true
}

/// A neighbour that is as good as 0.
fn negligible(e: f64, a: f64, b: f64, precision: Precision) -> bool {
    let eps = precision.eps / 2.0;
    e * e <= eps * eps * a.abs() * b.abs() + precision.tiny
}

fn shift_start(near: f64, p: f64, far: f64, e: f64) -> f64 {
    let g = (near - p) / (2.0 * e);
    let r = g.hypot(1.0);
    far - p + e / (g + r.copysign(g))
}

fn ql_steps(
    d: &mut [f64],
    e: &mut [f64],
    from: usize,
    to: usize,
    z: &mut Turns<'_>,
    precision: Precision,
    budget: &mut usize,
) -> bool {
    let mut l = from;
    while l <= to {
        let m = (l..to).find(|&i| negligible(e[i], d[i], d[i + 1], precision)).unwrap_or(to);
        if m < to {
            e[m] = 0.0;
        }
        if m == l {
            l += 1;
            continue;
        }
        if m == l + 1 {
            let (rt1, rt2, c, s) = symmetric_eigen(d[l], e[l], d[l + 1]);
            z.push(l, c, s);
            (d[l], d[l + 1], e[l]) = (rt1, rt2, 0.0);
            l += 2;
            continue;
        }
        if *budget == 0 {
            return false;
        }
        *budget -= 1;
        let mut g = shift_start(d[l + 1], d[l], d[m], e[l]);
        let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
        for i in (l..m).rev() {
            let (f, b) = (s * e[i], c * e[i]);
            let r;
            (c, s, r) = rotation(g, f);
            if i + 1 != m {
                e[i + 1] = r;
            }
            g = d[i + 1] - p;
            let r = (d[i] - g) * s + 2.0 * c * b;
            p = s * r;
            d[i + 1] = g + p;
            g = c * r - b;
            z.push(i, c, -s);
        }
        d[l] -= p;
        e[l] = g;
    }
    true
}

fn qr_steps(
    d: &mut [f64],
    e: &mut [f64],
    from: usize,
    to: usize,
    z: &mut Turns<'_>,
    precision: Precision,
    budget: &mut usize,
) -> bool {
    // One past the place of the next eigenvalue, from the end.
    let mut left = to + 1;
    while left > from {
        let l = left - 1;
        let m = (from + 1..=l).rev().find(|&i| negligible(e[i - 1], d[i], d[i - 1], precision)).unwrap_or(from);
        if m > from {
            e[m - 1] = 0.0;
        }
        if m == l {
            left -= 1;
            continue;
        }
        if m + 1 == l {
            let (rt1, rt2, c, s) = symmetric_eigen(d[l - 1], e[l - 1], d[l]);
            z.push(l - 1, c, s);
            (d[l - 1], d[l], e[l - 1]) = (rt1, rt2, 0.0);
            left -= 2;
            continue;
        }
        if *budget == 0 {
            return false;
        }
        *budget -= 1;
        let mut g = shift_start(d[l - 1], d[l], d[m], e[l - 1]);
        let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
        for i in m..l {
            let (f, b) = (s * e[i], c * e[i]);
            let r;
            (c, s, r) = rotation(g, f);
            if i != m {
                e[i - 1] = r;
            }
            g = d[i] - p;
            let r = (d[i + 1] - g) * s + 2.0 * c * b;
            p = s * r;
            d[i] = g + p;
            g = c * r - b;
            z.push(i, c, s);
        }
        d[l] -= p;
        e[l - 1] = g;
    }
    true
}
