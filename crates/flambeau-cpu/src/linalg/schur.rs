//! Schur forms of Hessenberg matrices by QR steps with implicit shifts: LAPACK's lahqr, with its order of eigenvalues.

use flambeau_types::Complex64;

use super::field::Precision;
use super::planar::{rotate, standardize};
use super::reflector::Reflector;
use super::wide::leveled;

/// Steps without a new eigenvalue after which a shift out of the ordinary is taken.
const EXCEPTION: usize = 10;

/// The smallest subdiagonal element that counts.
fn smallest(n: usize, precision: Precision) -> f64 {
    precision.tiny * (n as f64 / precision.eps)
}

/// Whether the subdiagonal element `low`, small beside its neighbours, may count as 0: `high` is its mirror, `a` and `b` are the
/// diagonal elements before and behind it (Ahues and Tisseur).
fn deflates(low: f64, high: f64, b: f64, difference: f64, (eps, tiny): (f64, f64)) -> bool {
    let (ab, ba) = (low.max(high), low.min(high));
    let (aa, bb) = (b.max(difference), b.min(difference));
    let s = aa + ab;
    ba * (ab / s) <= tiny.max(eps * (bb * (aa / s)))
}

fn shifts(h: [f64; 4]) -> [(f64, f64); 2] {
    let s: f64 = h.iter().map(|x| x.abs()).sum();
    if s == 0.0 {
        return [(0.0, 0.0); 2];
    }
    let [h11, h12, h21, h22] = h.map(|x| x / s);
    let tr = (h11 + h22) / 2.0;
    let det = (h11 - tr) * (h22 - tr) - h12 * h21;
    let root = det.abs().sqrt();
    if det >= 0.0 {
        return [(tr * s, root * s), (tr * s, -root * s)];
    }
    let (one, two) = (tr + root, tr - root);
    let near = if (one - h22).abs() <= (two - h22).abs() { one } else { two };
    [(near * s, 0.0); 2]
}

/// Applies `I - tau v v^T` to rows `k..k + v.len()` of the columns `columns`.
#[inline(always)]
fn from_left(h: &mut [f64], n: usize, k: usize, r: &Reflector<f64>, columns: std::ops::Range<usize>) {
    let (t1, v2) = (r.tau, r.v[1]);
    let (t2, v3) = (t1 * v2, r.v.get(2).copied());
    for column in h[columns.start * n..columns.end.max(columns.start) * n].chunks_exact_mut(n) {
        if let (Some(v3), [a, b, c, ..]) = (v3, &mut column[k..]) {
            let sum = *a + v2 * *b + v3 * *c;
            *a -= sum * t1;
            *b -= sum * t2;
            *c -= sum * (t1 * v3);
        } else if let [a, b, ..] = &mut column[k..] {
            let sum = *a + v2 * *b;
            *a -= sum * t1;
            *b -= sum * t2;
        }
    }
}

/// Applies `I - tau v v^T` to columns `k..k + v.len()` of the rows `rows`.
#[inline(always)]
fn from_right(h: &mut [f64], n: usize, k: usize, r: &Reflector<f64>, rows: std::ops::Range<usize>) {
    let count = rows.len();
    let (a, rest) = h[k * n..].split_at_mut(n);
    let (b, rest) = rest.split_at_mut(n);
    let a = &mut a[rows.clone()];
    let b = &mut b[rows.clone()];
    let (t1, v2) = (r.tau, r.v[1]);
    if let Some(&v3) = r.v.get(2) {
        let c = &mut rest[rows];
        for i in 0..count {
            let sum = (a[i] + v2 * b[i] + v3 * c[i]) * t1;
            a[i] -= sum;
            b[i] -= sum * v2;
            c[i] -= sum * v3;
        }
    } else {
        for i in 0..count {
            let sum = (a[i] + v2 * b[i]) * t1;
            a[i] -= sum;
            b[i] -= sum * v2;
        }
    }
}

leveled! {
    /// Brings the Hessenberg block of `h` (n, n; by columns) to real Schur form, `z` along, and gives the eigenvalues; none where
    /// the steps do not converge. Without `z` only the eigenvalues are made.
    fn real(h: &mut [f64], n: usize, block: (usize, usize), z: Option<&mut [f64]>, precision: Precision) -> Option<Vec<Complex64>> = real_body
}

#[inline(always)]
fn real_body(
    h: &mut [f64],
    n: usize,
    (low, high): (usize, usize),
    mut z: Option<&mut [f64]>,
    precision: Precision,
) -> Option<Vec<Complex64>> {
    let mut w: Vec<Complex64> = (0..n).map(|i| Complex64::new(h[i * n + i], 0.0)).collect();
    let at = |i: usize, j: usize| j * n + i;
    let eps = precision.eps;
    let tiny = smallest(high - low + 1, precision);
    let whole = z.is_some();
    let budget = 30 * (high - low + 1).max(10);
    // One past the last place not done.
    let mut end = high + 1;
    while end > low {
        let i = end - 1;
        let mut l = low;
        let mut found = false;
        for step in 1..=budget + 1 {
            let mut k = i;
            while k > l {
                let sub = h[at(k, k - 1)].abs();
                if sub <= tiny {
                    break;
                }
                let (a, b) = (h[at(k - 1, k - 1)], h[at(k, k)]);
                let mut near = a.abs() + b.abs();
                if near == 0.0 {
                    if k >= low + 2 {
                        near += h[at(k - 1, k - 2)].abs();
                    }
                    if k < high {
                        near += h[at(k + 1, k)].abs();
                    }
                }
                if sub <= eps * near && deflates(sub, h[at(k - 1, k)].abs(), b.abs(), (a - b).abs(), (eps, tiny)) {
                    break;
                }
                k -= 1;
            }
            l = k;
            if l > low {
                h[at(l, l - 1)] = 0.0;
            }
            if l + 1 >= i {
                found = true;
                break;
            }
            let (first, last) = if whole { (0, n) } else { (l, i + 1) };
            let block = if step % (2 * EXCEPTION) == 0 {
                let s = h[at(i, i - 1)].abs() + h[at(i - 1, i - 2)].abs();
                let d = 0.75 * s + h[at(i, i)];
                [d, -0.4375 * s, s, d]
            } else if step % EXCEPTION == 0 {
                let s = h[at(l + 1, l)].abs() + h[at(l + 2, l + 1)].abs();
                let d = 0.75 * s + h[at(l, l)];
                [d, -0.4375 * s, s, d]
            } else {
                [h[at(i - 1, i - 1)], h[at(i - 1, i)], h[at(i, i - 1)], h[at(i, i)]]
            };
            let [(r1, i1), (r2, i2)] = shifts(block);
            let mut m = i - 2;
            let mut v;
            loop {
                let (a, sub) = (h[at(m, m)], h[at(m + 1, m)]);
                let s = (a - r2).abs() + i2.abs() + sub.abs();
                let sub = sub / s;
                v = [
                    sub * h[at(m, m + 1)] + (a - r1) * ((a - r2) / s) - i1 * (i2 / s),
                    sub * (a + h[at(m + 1, m + 1)] - r1 - r2),
                    sub * h[at(m + 2, m + 1)],
                ];
                let s: f64 = v.iter().map(|x| x.abs()).sum();
                v = v.map(|x| x / s);
                if m == l {
                    break;
                }
                let near = h[at(m - 1, m - 1)].abs() + a.abs() + h[at(m + 1, m + 1)].abs();
                if h[at(m, m - 1)].abs() * (v[1].abs() + v[2].abs()) <= eps * v[0].abs() * near {
                    break;
                }
                m -= 1;
            }
            for k in m..i {
                let size = 3.min(i - k + 1);
                if k > m {
                    v[..size].copy_from_slice(&h[at(k, k - 1)..at(k, k - 1) + size]);
                }
                let (r, beta) = Reflector::new(k, &v[..size]);
                if k > m {
                    h[at(k, k - 1)] = beta;
                    h[at(k + 1, k - 1)..at(k, k - 1) + size].fill(0.0);
                } else if m > l {
                    // Exact also where the elements beside are as good as 0.
                    h[at(k, k - 1)] *= 1.0 - r.tau;
                }
                from_left(h, n, k, &r, k..last);
                from_right(h, n, k, &r, first..i.min(k + 3) + 1);
                if let Some(z) = z.as_deref_mut() {
                    from_right(z, n, k, &r, 0..n);
                }
            }
        }
        if !found {
            return None;
        }
        if l == i {
            w[i] = Complex64::new(h[at(i, i)], 0.0);
        } else {
            let s = standardize(h[at(i - 1, i - 1)], h[at(i - 1, i)], h[at(i, i - 1)], h[at(i, i)]);
            (h[at(i - 1, i - 1)], h[at(i - 1, i)]) = (s.block[0], s.block[1]);
            (h[at(i, i - 1)], h[at(i, i)]) = (s.block[2], s.block[3]);
            w[i - 1] = Complex64::new(s.first.0, s.first.1);
            w[i] = Complex64::new(s.second.0, s.second.1);
            if let Some(z) = z.as_deref_mut() {
                let (c, sn) = s.turn;
                for j in i + 1..n {
                    let (x, y) = (h[at(i - 1, j)], h[at(i, j)]);
                    (h[at(i - 1, j)], h[at(i, j)]) = (c * x + sn * y, c * y - sn * x);
                }
                for r in 0..i - 1 {
                    let (x, y) = (h[at(r, i - 1)], h[at(r, i)]);
                    (h[at(r, i - 1)], h[at(r, i)]) = (c * x + sn * y, c * y - sn * x);
                }
                rotate(z, n, (i - 1, i), (c, sn));
            }
        }
        end = l;
    }
    Some(w)
}

fn abs1(z: Complex64) -> f64 {
    z.re.abs() + z.im.abs()
}

/// Multiplies row `i` of `h` from column `from` up to `to` by `by`.
fn scale_row(h: &mut [Complex64], n: usize, i: usize, columns: std::ops::Range<usize>, by: Complex64) {
    columns.for_each(|j| h[j * n + i] *= by);
}

fn scale_column(h: &mut [Complex64], n: usize, j: usize, rows: std::ops::Range<usize>, by: Complex64) {
    h[j * n + rows.start..j * n + rows.end.max(rows.start)].iter_mut().for_each(|x| *x *= by);
}

/// Columns `k` and `k + 1` of the rows `rows` become those times `I - tau v v^H` with `v = (1, v2)`.
#[inline(always)]
fn pair_from_right(
    h: &mut [Complex64],
    n: usize,
    k: usize,
    t1: Complex64,
    v2: Complex64,
    rows: std::ops::Range<usize>,
) {
    let (a, b) = h[k * n..].split_at_mut(n);
    let t2 = (t1 * v2).re;
    for (x, y) in a[rows.clone()].iter_mut().zip(&mut b[rows]) {
        let sum = t1 * *x + *y * t2;
        *x -= sum;
        *y -= sum * v2.conj();
    }
}

fn complex_shift(h: &[Complex64], n: usize, i: usize) -> Complex64 {
    let at = |i: usize, j: usize| h[j * n + i];
    let t = at(i, i);
    let u = at(i - 1, i).sqrt() * at(i, i - 1).sqrt();
    let size = abs1(u);
    if size == 0.0 {
        return t;
    }
    let x = (at(i - 1, i - 1) - t) * 0.5;
    let sx = abs1(x);
    let s = size.max(sx);
    let mut y = ((x / s).powi(2) + (u / s).powi(2)).sqrt() * s;
    if sx > 0.0 {
        let x = x / sx;
        if x.re * y.re + x.im * y.im < 0.0 {
            y = -y;
        }
    }
    t - u * (u / (x + y))
}

leveled! {
    /// [`real`] for complex numbers: the Schur form is triangular.
    fn complex(h: &mut [Complex64], n: usize, block: (usize, usize), z: Option<&mut [Complex64]>, precision: Precision) -> Option<Vec<Complex64>> = complex_body
}

#[inline(always)]
fn complex_body(
    h: &mut [Complex64],
    n: usize,
    (low, high): (usize, usize),
    mut z: Option<&mut [Complex64]>,
    precision: Precision,
) -> Option<Vec<Complex64>> {
    let mut w: Vec<Complex64> = (0..n).map(|i| h[i * n + i]).collect();
    let at = |i: usize, j: usize| j * n + i;
    let eps = precision.eps;
    let tiny = smallest(high - low + 1, precision);
    let whole = z.is_some();
    let (jlo, jhi) = if whole { (0, n) } else { (low, high + 1) };
    // Subdiagonal elements are kept real.
    for i in low + 1..=high {
        let sub = h[at(i, i - 1)];
        if sub.im != 0.0 {
            let sc = (sub / abs1(sub)).conj();
            let sc = sc / sc.norm();
            h[at(i, i - 1)] = Complex64::new(sub.norm(), 0.0);
            scale_row(h, n, i, i..jhi, sc);
            scale_column(h, n, i, jlo..(i + 2).min(jhi), sc.conj());
            if let Some(z) = z.as_deref_mut() {
                scale_column(z, n, i, 0..n, sc.conj());
            }
        }
    }
    let budget = 30 * (high - low + 1).max(10);
    let mut end = high + 1;
    while end > low {
        let i = end - 1;
        let mut l = low;
        let mut found = false;
        for step in 1..=budget + 1 {
            let mut k = i;
            while k > l {
                let sub = h[at(k, k - 1)];
                if abs1(sub) <= tiny {
                    break;
                }
                let (a, b) = (h[at(k - 1, k - 1)], h[at(k, k)]);
                let mut near = abs1(a) + abs1(b);
                if near == 0.0 {
                    if k >= low + 2 {
                        near += h[at(k - 1, k - 2)].re.abs();
                    }
                    if k < high {
                        near += h[at(k + 1, k)].re.abs();
                    }
                }
                if sub.re.abs() <= eps * near
                    && deflates(abs1(sub), abs1(h[at(k - 1, k)]), abs1(b), abs1(a - b), (eps, tiny))
                {
                    break;
                }
                k -= 1;
            }
            l = k;
            if l > low {
                h[at(l, l - 1)] = Complex64::ZERO;
            }
            if l >= i {
                found = true;
                break;
            }
            let (first, last) = if whole { (0, n) } else { (l, i + 1) };
            let t = if step % (2 * EXCEPTION) == 0 {
                h[at(i, i)] + 0.75 * h[at(i, i - 1)].re.abs()
            } else if step % EXCEPTION == 0 {
                h[at(l, l)] + 0.75 * h[at(l + 1, l)].re.abs()
            } else {
                complex_shift(h, n, i)
            };
            let mut m = i - 1;
            let mut v;
            loop {
                let (a, b) = (h[at(m, m)], h[at(m + 1, m + 1)]);
                let (shifted, sub) = (a - t, h[at(m + 1, m)].re);
                let s = abs1(shifted) + sub.abs();
                v = [shifted / s, Complex64::new(sub / s, 0.0)];
                if m == l {
                    break;
                }
                let before = h[at(m, m - 1)].re.abs();
                if before * v[1].re.abs() <= eps * (abs1(v[0]) * (abs1(a) + abs1(b))) {
                    break;
                }
                m -= 1;
            }
            for k in m..i {
                if k > m {
                    v = [h[at(k, k - 1)], h[at(k + 1, k - 1)]];
                }
                let (r, beta) = Reflector::new(k, &v);
                if k > m {
                    h[at(k, k - 1)] = Complex64::new(beta, 0.0);
                    h[at(k + 1, k - 1)] = Complex64::ZERO;
                }
                let (t1, v2) = (r.tau, r.v[1]);
                let t2 = (t1 * v2).re;
                for j in k..last {
                    let sum = t1.conj() * h[at(k, j)] + h[at(k + 1, j)] * t2;
                    h[at(k, j)] -= sum;
                    h[at(k + 1, j)] -= sum * v2;
                }
                pair_from_right(h, n, k, t1, v2, first..i.min(k + 2) + 1);
                if let Some(z) = z.as_deref_mut() {
                    pair_from_right(z, n, k, t1, v2, 0..n);
                }
                if k == m && m > l {
                    let turn = Complex64::ONE - t1;
                    let turn = turn / turn.norm();
                    h[at(m + 1, m)] *= turn.conj();
                    if m + 2 <= i {
                        h[at(m + 2, m + 1)] *= turn;
                    }
                    for j in (m..=i).filter(|j| *j != m + 1) {
                        scale_row(h, n, j, j + 1..last, turn);
                        scale_column(h, n, j, first..j, turn.conj());
                        if let Some(z) = z.as_deref_mut() {
                            scale_column(z, n, j, 0..n, turn.conj());
                        }
                    }
                }
            }
            let sub = h[at(i, i - 1)];
            if sub.im != 0.0 {
                let size = sub.norm();
                let turn = sub / size;
                h[at(i, i - 1)] = Complex64::new(size, 0.0);
                scale_row(h, n, i, i + 1..last, turn.conj());
                scale_column(h, n, i, first..i, turn);
                if let Some(z) = z.as_deref_mut() {
                    scale_column(z, n, i, 0..n, turn);
                }
            }
        }
        if !found {
            return None;
        }
        w[i] = h[at(i, i)];
        end = l;
    }
    Some(w)
}
