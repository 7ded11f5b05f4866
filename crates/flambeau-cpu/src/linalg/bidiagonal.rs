//! Bidiagonal matrices: how a matrix becomes one, and the singular values of one by implicit QR steps, as LAPACK's gebrd and
//! bdsqr do it, so that the signs of the vectors are LAPACK's.

use super::field::{Field, Precision};
use super::planar::{rotation_forward as rotation, smaller_singular_value, triangle_svd};
use super::reflector::Reflector;
use super::wide::{Turns, subtract, subtract_gather, subtract_inner};

/// `Q^H a P = B` for a bidiagonal `B`.
pub(super) struct Bidiagonal<T> {
    pub diagonal: Vec<f64>,
    /// Above the diagonal, or below where the matrix is wide.
    pub beside: Vec<f64>,
    pub left: Vec<Reflector<T>>,
    pub right: Vec<Reflector<T>>,
}

/// Reduces `a` (m, n; by columns): to an upper bidiagonal matrix if m >= n, else to a lower one.
pub(super) fn bidiagonalize<T: Field>(a: &mut [T], m: usize, n: usize) -> Bidiagonal<T> {
    if m >= n {
        return tall(a, m, n);
    }
    // The rows of a wide matrix are the columns of its conjugate transpose.
    let mut adjoint: Vec<T> = (0..m * n).map(|at| a[at % n * m + at / n].conj()).collect();
    let b = tall(&mut adjoint, n, m);
    Bidiagonal { left: b.right, right: b.left, ..b }
}

/// The columns behind each are gone through twice: `a - w v^H` from the step before and the inner products for the reflection
/// from the left, then that reflection and `a v` for the one from the right.
fn tall<T: Field>(a: &mut [T], m: usize, n: usize) -> Bidiagonal<T> {
    let mut b = Bidiagonal { diagonal: vec![], beside: vec![], left: vec![], right: vec![] };
    // For rows from `i` on, and what column `i + k` has to lose of it.
    let (mut w, mut factors) = (vec![T::zero(); m], vec![T::zero(); n]);
    for i in 0..n {
        subtract(&mut a[i * m + i..(i + 1) * m], factors[0], &w);
        let (h, beta) = Reflector::new(i, &a[i * m + i..(i + 1) * m]);
        b.diagonal.push(beta);
        let behind = n - i - 1;
        let mut products = vec![T::zero(); behind];
        let mut row = vec![T::zero(); behind];
        for k in 0..behind {
            let column = &mut a[(i + 1 + k) * m + i..(i + 2 + k) * m];
            products[k] = h.adjoint_tau() * subtract_inner(column, factors[k + 1], &w, &h.v);
            row[k] = (column[0] - products[k] * h.v[0]).conj();
        }
        if behind > 0 {
            let (g, beta) = Reflector::new(i + 1, &row);
            b.beside.push(beta);
            w = vec![T::zero(); m - i - 1];
            for k in 0..behind {
                let column = &mut a[(i + 1 + k) * m + i + 1..(i + 2 + k) * m];
                subtract_gather(column, products[k], &h.v[1..], &mut w, g.v[k]);
            }
            factors = g.v.iter().map(|v| g.tau * v.conj()).collect();
            b.right.push(g);
        }
        b.left.push(h);
    }
    b
}

/// Steps for each singular value before giving up.
const STEPS: usize = 6;

/// Turns the bidiagonal matrix (`d`, `e` beside) into its singular values, descending, in `d`. Columns of `left` and of `right`
/// (n, n) are turned along. Returns false where the steps do not converge.
pub(super) fn diagonalize(
    d: &mut [f64],
    e: &mut [f64],
    lower: bool,
    left: Option<&mut [f64]>,
    right: Option<&mut [f64]>,
    precision: Precision,
) -> bool {
    let n = d.len();
    if n == 0 {
        return true;
    }
    let mut left = Turns::new(left, n);
    let mut right = Turns::new(right, n);
    if lower {
        for i in 0..n - 1 {
            let (c, s, r) = rotation(d[i], e[i]);
            d[i] = r;
            e[i] = s * d[i + 1];
            d[i + 1] *= c;
            left.push(i, c, s);
        }
    }
    if n == 1 {
        // Nothing to turn: the left vector takes the sign.
        if d[0].is_sign_negative() {
            d[0] = -d[0];
            if let Some(u) = left.columns() {
                u[0] = -u[0];
            }
        }
        return true;
    }
    let converged = iterate(d, e, &mut left, &mut right, precision);
    for i in 0..n {
        if d[i] < 0.0 || (d[i] == 0.0 && d[i].is_sign_negative()) {
            d[i] = -d[i];
            if let Some(v) = right.columns() {
                v[i * n..(i + 1) * n].iter_mut().for_each(|x| *x = -*x);
            }
        }
    }
    for end in (1..n).rev() {
        let mut least = 0;
        for j in 1..=end {
            if d[j] <= d[least] {
                least = j;
            }
        }
        if least != end {
            d.swap(least, end);
            for columns in [left.columns(), right.columns()].into_iter().flatten() {
                let (front, back) = columns.split_at_mut(end * n);
                front[least * n..(least + 1) * n].swap_with_slice(&mut back[..n]);
            }
        }
    }
    // What is still to be turned.
    left.columns();
    right.columns();
    converged
}

fn iterate(d: &mut [f64], e: &mut [f64], left: &mut Turns<'_>, right: &mut Turns<'_>, precision: Precision) -> bool {
    let n = d.len();
    let eps = precision.eps / 2.0;
    let tol = eps.powf(-0.125).clamp(10.0, 100.0) * eps;
    let mut least = d[0].abs();
    let mut mu = least;
    for i in 1..n {
        if least == 0.0 {
            break;
        }
        mu = d[i].abs() * (mu / (mu + e[i - 1].abs()));
        least = least.min(mu);
    }
    let most = (STEPS * n * n) as f64;
    let threshold = (tol * (least / (n as f64).sqrt())).max(most * precision.tiny);
    let mut budget = STEPS * n * n + 100;
    let mut old: Option<(usize, usize)> = None;
    let mut down = true;
    // The block that is not diagonal yet ends at `m` (inclusive).
    let mut m = n - 1;
    'next: while m > 0 {
        let mut largest = d[m].abs();
        let mut from = 0;
        for at in (0..m).rev() {
            let (s, beside) = (d[at].abs(), e[at].abs());
            if beside <= threshold {
                e[at] = 0.0;
                if at == m - 1 {
                    m -= 1;
                    continue 'next;
                }
                from = at + 1;
                break;
            }
            largest = largest.max(s).max(beside);
        }
        if from == m - 1 {
            let t = triangle_svd(d[from], e[from], d[m]);
            (d[from], e[from], d[m]) = (t.largest, 0.0, t.smallest);
            right.push(from, t.right.0, t.right.1);
            left.push(from, t.left.0, t.left.1);
            if m < 2 {
                break;
            }
            m -= 2;
            continue;
        }
        if old.is_none_or(|(old_from, old_m)| from > old_m || m < old_from) {
            down = d[from].abs() >= d[m].abs();
        }
        // What is small beside its neighbours is 0.
        let smallest;
        if down {
            if e[m - 1].abs() <= tol * d[m].abs() {
                e[m - 1] = 0.0;
                continue;
            }
            let mut mu = d[from].abs();
            let mut low = mu;
            for i in from..m {
                if e[i].abs() <= tol * mu {
                    e[i] = 0.0;
                    continue 'next;
                }
                mu = d[i + 1].abs() * (mu / (mu + e[i].abs()));
                low = low.min(mu);
            }
            smallest = low;
        } else {
            if e[from].abs() <= tol * d[from].abs() {
                e[from] = 0.0;
                continue;
            }
            let mut mu = d[m].abs();
            let mut low = mu;
            for i in (from..m).rev() {
                if e[i].abs() <= tol * mu {
                    e[i] = 0.0;
                    continue 'next;
                }
                mu = d[i].abs() * (mu / (mu + e[i].abs()));
                low = low.min(mu);
            }
            smallest = low;
        }
        old = Some((from, m));
        let mut shift = 0.0;
        if n as f64 * tol * (smallest / largest) > eps.max(0.01 * tol) {
            let end;
            if down {
                end = d[from].abs();
                shift = smaller_singular_value(d[m - 1], e[m - 1], d[m]);
            } else {
                end = d[m].abs();
                shift = smaller_singular_value(d[from], e[from], d[from + 1]);
            }
            if end > 0.0 && (shift / end).powi(2) < eps {
                shift = 0.0;
            }
        }
        if budget < m - from {
            return false;
        }
        budget -= m - from;
        match (shift == 0.0, down) {
            (true, true) => unshifted_down(d, e, from, m, left, right),
            (true, false) => unshifted_up(d, e, from, m, left, right),
            (false, true) => shifted_down(d, e, from, m, shift, left, right),
            (false, false) => shifted_up(d, e, from, m, shift, left, right),
        }
        let last = if down { m - 1 } else { from };
        if e[last].abs() <= threshold {
            e[last] = 0.0;
        }
    }
    true
}

fn unshifted_down(d: &mut [f64], e: &mut [f64], from: usize, m: usize, left: &mut Turns<'_>, right: &mut Turns<'_>) {
    let (mut cs, mut old_cs, mut old_sn) = (1.0, 1.0, 0.0);
    for i in from..m {
        let (c, sn, r) = rotation(d[i] * cs, e[i]);
        cs = c;
        if i > from {
            e[i - 1] = old_sn * r;
        }
        (old_cs, old_sn, d[i]) = rotation(old_cs * r, d[i + 1] * sn);
        right.push(i, cs, sn);
        left.push(i, old_cs, old_sn);
    }
    let h = d[m] * cs;
    d[m] = h * old_cs;
    e[m - 1] = h * old_sn;
}

fn unshifted_up(d: &mut [f64], e: &mut [f64], from: usize, m: usize, left: &mut Turns<'_>, right: &mut Turns<'_>) {
    let (mut cs, mut old_cs, mut old_sn) = (1.0, 1.0, 0.0);
    for i in (from + 1..=m).rev() {
        let (c, sn, r) = rotation(d[i] * cs, e[i - 1]);
        cs = c;
        if i < m {
            e[i] = old_sn * r;
        }
        (old_cs, old_sn, d[i]) = rotation(old_cs * r, d[i - 1] * sn);
        right.push(i - 1, old_cs, -old_sn);
        left.push(i - 1, cs, -sn);
    }
    let h = d[from] * cs;
    d[from] = h * old_cs;
    e[from] = h * old_sn;
}

fn shifted_down(
    d: &mut [f64],
    e: &mut [f64],
    from: usize,
    m: usize,
    shift: f64,
    left: &mut Turns<'_>,
    right: &mut Turns<'_>,
) {
    let mut f = (d[from].abs() - shift) * (1f64.copysign(d[from]) + shift / d[from]);
    let mut g = e[from];
    for i in from..m {
        let (cr, sr, r) = rotation(f, g);
        if i > from {
            e[i - 1] = r;
        }
        f = cr * d[i] + sr * e[i];
        e[i] = cr * e[i] - sr * d[i];
        g = sr * d[i + 1];
        d[i + 1] *= cr;
        let (cl, sl, r) = rotation(f, g);
        d[i] = r;
        f = cl * e[i] + sl * d[i + 1];
        d[i + 1] = cl * d[i + 1] - sl * e[i];
        if i + 1 < m {
            g = sl * e[i + 1];
            e[i + 1] *= cl;
        }
        right.push(i, cr, sr);
        left.push(i, cl, sl);
    }
    e[m - 1] = f;
}

fn shifted_up(
    d: &mut [f64],
    e: &mut [f64],
    from: usize,
    m: usize,
    shift: f64,
    left: &mut Turns<'_>,
    right: &mut Turns<'_>,
) {
    let mut f = (d[m].abs() - shift) * (1f64.copysign(d[m]) + shift / d[m]);
    let mut g = e[m - 1];
    for i in (from + 1..=m).rev() {
        let (cr, sr, r) = rotation(f, g);
        if i < m {
            e[i] = r;
        }
        f = cr * d[i] + sr * e[i - 1];
        e[i - 1] = cr * e[i - 1] - sr * d[i];
        g = sr * d[i - 1];
        d[i - 1] *= cr;
        let (cl, sl, r) = rotation(f, g);
        d[i] = r;
        f = cl * e[i - 1] + sl * d[i - 1];
        d[i - 1] = cl * d[i - 1] - sl * e[i - 1];
        if i > from + 1 {
            g = sl * e[i - 2];
            e[i - 2] *= cl;
        }
        right.push(i - 1, cl, -sl);
        left.push(i - 1, cr, -sr);
    }
    e[from] = f;
}
