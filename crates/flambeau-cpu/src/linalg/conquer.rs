//! Eigenvectors of large symmetric tridiagonal matrices by divide and conquer, as LAPACK's stedc: two halves, of which each is
//! solved alone, are joined by a secular equation (J. Cuppen, "A Divide and Conquer Method for the Symmetric Tridiagonal
//! Eigenproblem", 1981). Most of the time goes to products of matrices.

use super::columns::{Part, multiply};
use super::field::{Precision, identity};
use super::planar::rotate;
use super::secular::{Poles, exact, roots};
use super::tridiagonal::diagonalize;

/// Matrices up to this size are solved by QL and QR steps, as LAPACK's are.
pub(super) const SMALL: usize = 25;

/// Which half of a joined matrix's rows a column has elements in.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Rows {
    Top,
    Bottom,
    Both,
}

impl Rows {
    /// Of two columns that were turned into each other.
    pub fn with(self, other: Rows) -> Rows {
        if self == other { self } else { Rows::Both }
    }
}

/// `basis @ vectors` by columns, for `basis` (m, k) whose first `top` rows and the ones after them have only the columns that `rows`
/// says, and `vectors` (k, n); the columns of the basis are those that `of` lists.
pub(super) fn combine(
    (basis, m, top): (&[f64], usize, usize),
    (of, rows): (&[usize], &[Rows]),
    vectors: &[f64],
) -> Vec<f64> {
    let k = of.len();
    let n = vectors.len().checked_div(k).unwrap_or(0);
    let mut out = vec![0.0; m * n];
    for (without, part) in [(Rows::Bottom, 0..top), (Rows::Top, top..m)] {
        let list: Vec<usize> = (0..k).filter(|&i| rows[i] != without).collect();
        if list.is_empty() || part.is_empty() {
            continue;
        }
        let a: Vec<f64> =
            list.iter().flat_map(|&i| &basis[of[i] * m + part.start..of[i] * m + part.end]).copied().collect();
        let b: Vec<f64> = vectors.chunks_exact(k).flat_map(|v| list.iter().map(|&i| v[i])).collect();
        let (rows, inner) = (part.len(), list.len());
        let (a, b) = (Part::new(&a, rows, (rows, inner)), Part::new(&b, inner, (inner, n)));
        multiply(&mut out[part.start..], m, a, b, 1.0, 0.0);
    }
    out
}

/// The eigenvalues, ascending, and vectors (n, n; by columns) of the tridiagonal matrix (`d`, `e` beside).
pub(super) fn conquer(mut d: Vec<f64>, mut e: Vec<f64>, precision: Precision) -> Option<(Vec<f64>, Vec<f64>)> {
    let scale = d.iter().chain(&e).fold(0.0f64, |s, x| s.max(x.abs()));
    if d.len() <= SMALL || scale == 0.0 {
        let (n, mut z) = (d.len(), identity(d.len()));
        return diagonalize(&mut d, &mut e, Some(&mut z), n, precision).then_some((d, z));
    }
    d.iter_mut().chain(&mut e).for_each(|x| *x /= scale);
    let (mut values, vectors) = solve(&mut d, &e, precision)?;
    values.iter_mut().for_each(|x| *x *= scale);
    Some((values, vectors))
}

fn solve(d: &mut [f64], e: &[f64], precision: Precision) -> Option<(Vec<f64>, Vec<f64>)> {
    let n = d.len();
    if n <= SMALL {
        let (mut e, mut z) = (e.to_vec(), identity(n));
        return diagonalize(d, &mut e, Some(&mut z), n, precision).then(|| (d.to_vec(), z));
    }
    // What joins the halves, `e`, is torn out as `|e| u u^T`, where u is 1 and the sign of e.
    let top = n / 2;
    let join = e[top - 1];
    d[top - 1] -= join.abs();
    d[top] -= join.abs();
    let (first, second) = d.split_at_mut(top);
    let (a, p) = solve(first, &e[..top - 1], precision)?;
    let (b, q) = solve(second, &e[top..], precision)?;
    let bottom = n - top;
    let mut basis = vec![0.0; n * n];
    for j in 0..top {
        basis[j * n..j * n + top].copy_from_slice(&p[j * top..(j + 1) * top]);
    }
    for j in 0..bottom {
        basis[(top + j) * n + top..(top + j + 1) * n].copy_from_slice(&q[j * bottom..(j + 1) * bottom]);
    }
    let z: Vec<f64> = (0..top)
        .map(|j| p[j * top + top - 1])
        .chain((0..bottom).map(|j| q[j * bottom] * 1f64.copysign(join)))
        .collect();
    Some(joined([a, b].concat(), z, join.abs(), basis, top, precision))
}

/// The eigenvalues, ascending, and vectors of `basis @ (diag(d) + by z z^T) @ basis^T`.
fn joined(
    mut d: Vec<f64>,
    mut z: Vec<f64>,
    by: f64,
    mut basis: Vec<f64>,
    top: usize,
    precision: Precision,
) -> (Vec<f64>, Vec<f64>) {
    let n = d.len();
    let mut rows: Vec<Rows> = (0..n).map(|j| if j < top { Rows::Top } else { Rows::Bottom }).collect();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| d[i].total_cmp(&d[j]));
    let largest = |list: &[f64]| list.iter().fold(0.0f64, |s, x| s.max(x.abs()));
    let tol = 4.0 * precision.eps * largest(&d).max(by * largest(&z));
    // A column that `z` hardly sees is a vector already; of two with about one value, a turn makes one such.
    let (mut kept, mut done) = (Vec::with_capacity(n), Vec::new());
    for j in order {
        if by * z[j].abs() <= tol {
            done.push(j);
            continue;
        }
        if let Some(&i) = kept.last() {
            let (c, s, length) = turn(z[i], z[j]);
            let gap: f64 = d[j] - d[i];
            if (gap * c * s).abs() <= tol {
                (z[i], z[j]) = (0.0, length);
                rotate_any(&mut basis, n, (i, j), (c, -s));
                rows[j] = rows[i].with(rows[j]);
                (d[i], d[j]) = (d[i] * c * c + d[j] * s * s, d[i] * s * s + d[j] * c * c);
                kept.pop();
                done.push(i);
            }
        }
        kept.push(j);
    }
    let k = kept.len();
    let poles: Vec<f64> = kept.iter().map(|&i| d[i]).collect();
    let poles = Poles { at: &poles, squared: false };
    let seen: Vec<f64> = kept.iter().map(|&i| z[i]).collect();
    let weights: Vec<f64> = seen.iter().map(|z| by * z * z).collect();
    let mut found = roots(poles, &weights);
    let z = exact(poles, &found, &seen);
    for vector in found.distances.chunks_exact_mut(k.max(1)) {
        vector.iter_mut().zip(&z).for_each(|(x, z)| *x = z / *x);
        let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
        vector.iter_mut().for_each(|x| *x /= length);
    }
    let kinds: Vec<Rows> = kept.iter().map(|&i| rows[i]).collect();
    let turned = combine((&basis, n, top), (&kept, &kinds), &found.distances);
    let values: Vec<f64> = found.roots.iter().map(|r| poles.at[r.pole] + r.from).collect();
    let old: Vec<f64> = done.iter().map(|&i| d[i]).collect();
    gathered((&values, &turned), (&old, &basis, &done), n)
}

/// `c`, `s` and the length of a turn that leaves nothing of the first of two numbers.
pub(super) fn turn(first: f64, second: f64) -> (f64, f64, f64) {
    let length = second.hypot(first);
    (second / length, first / length, length)
}

/// [`rotate`] for columns in any order.
pub(super) fn rotate_any(columns: &mut [f64], m: usize, (i, j): (usize, usize), (c, s): (f64, f64)) {
    if i < j {
        rotate(columns, m, (i, j), (c, s));
    } else {
        rotate(columns, m, (j, i), (c, -s));
    }
}

/// New values and old ones, ascending, with their columns of `m` elements; `of` lists the old columns.
pub(super) fn gathered(
    (new, new_columns): (&[f64], &[f64]),
    (old, old_columns, of): (&[f64], &[f64], &[usize]),
    m: usize,
) -> (Vec<f64>, Vec<f64>) {
    let columns: Vec<&[f64]> =
        new_columns.chunks_exact(m).chain(of.iter().map(|&i| &old_columns[i * m..(i + 1) * m])).collect();
    let values = [new, old].concat();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    (order.iter().map(|&i| values[i]).collect(), order.iter().flat_map(|&i| columns[i]).copied().collect())
}
