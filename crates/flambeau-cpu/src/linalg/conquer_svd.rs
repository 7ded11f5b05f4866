//! Singular vectors of large bidiagonal matrices by divide and conquer, as LAPACK's bdsdc: a row in the middle is taken out, the
//! parts above and below it are solved alone, and a secular equation joins them (M. Gu and S. Eisenstat, "A Divide-and-Conquer
//! Algorithm for the Bidiagonal SVD", 1995).

use super::bidiagonal::diagonalize;
use super::conquer::{Rows, SMALL, combine, gathered, rotate_any, turn};
use super::field::{Precision, identity};
use super::planar::{rotate, rotation_forward};
use super::secular::{Poles, exact, roots};

/// `left @ diag(values) @ right^T`, by columns. Of a matrix with a column more than rows, `right` ends with the vector that the
/// matrix takes to 0.
pub(super) struct Split {
    pub left: Vec<f64>,
    /// Ascending in the parts of a matrix, descending at last.
    pub values: Vec<f64>,
    pub right: Vec<f64>,
}

/// The factors of the bidiagonal matrix (`d`, `e` above it or, if `lower`, below), with descending values.
pub(super) fn conquer(mut d: Vec<f64>, mut e: Vec<f64>, lower: bool, precision: Precision) -> Option<Split> {
    let n = d.len();
    let scale = d.iter().chain(&e).fold(0.0f64, |s, x| s.max(x.abs()));
    if n <= SMALL || scale == 0.0 {
        return steps(d, &mut e, lower, precision);
    }
    d.iter_mut().chain(&mut e).for_each(|x| *x /= scale);
    let turns = if lower { flip(&mut d, &mut e) } else { Vec::new() };
    let mut found = solve(&d, &e, precision)?;
    turn_rows(&mut found.left, n, &turns);
    found.values.iter_mut().for_each(|x| *x *= scale);
    Some(reversed(found, n))
}

/// Turns of neighbours that make a lower bidiagonal matrix an upper one, or the other way round. Beside a last row or column there
/// may be one element more than between two.
fn flip(d: &mut [f64], e: &mut [f64]) -> Vec<(f64, f64)> {
    let n = d.len();
    (0..e.len())
        .map(|i| {
            let (c, s, r) = rotation_forward(d[i], e[i]);
            d[i] = r;
            if i + 1 < n {
                e[i] = s * d[i + 1];
                d[i + 1] *= c;
            } else {
                e[i] = 0.0;
            }
            (c, s)
        })
        .collect()
}

/// Undoes the turns in the rows of the columns of `a`, of `m` elements.
fn turn_rows(a: &mut [f64], m: usize, turns: &[(f64, f64)]) {
    for column in a.chunks_exact_mut(m) {
        for (i, &(c, s)) in turns.iter().enumerate().rev() {
            (column[i], column[i + 1]) = (c * column[i] - s * column[i + 1], c * column[i + 1] + s * column[i]);
        }
    }
}

/// The factors, with ascending values, of the upper bidiagonal matrix (`d`, `e`), which has a column more than rows if `e` is as
/// long as `d`.
fn solve(d: &[f64], e: &[f64], precision: Precision) -> Option<Split> {
    let n = d.len();
    if n <= SMALL {
        return small(d.to_vec(), e.to_vec(), precision);
    }
    let middle = n / 2;
    let above = solve(&d[..middle], &e[..middle], precision)?;
    let below = solve(&d[middle + 1..], &e[middle + 1..], precision)?;
    Some(join(&above, &below, d[middle], e[middle], precision))
}

/// The factors, with descending values, by QR steps.
fn steps(mut d: Vec<f64>, e: &mut [f64], lower: bool, precision: Precision) -> Option<Split> {
    let (mut left, mut right) = (identity::<f64>(d.len()), identity::<f64>(d.len()));
    let done = diagonalize(&mut d, e, lower, Some(&mut left), Some(&mut right), precision);
    done.then_some(Split { left, values: d, right })
}

/// The same factors with the values in the other order.
fn reversed(s: Split, n: usize) -> Split {
    let columns = |a: &[f64]| a.chunks_exact(n.max(1)).rev().flatten().copied().collect::<Vec<_>>();
    Split { left: columns(&s.left), values: s.values.iter().rev().copied().collect(), right: columns(&s.right) }
}

fn small(mut d: Vec<f64>, mut e: Vec<f64>, precision: Precision) -> Option<Split> {
    let n = d.len();
    let wide = e.len() == n;
    // The turns of a wide matrix make it lower bidiagonal, with nothing in its last column.
    let turns = if wide { flip(&mut d, &mut e) } else { Vec::new() };
    let mut found = reversed(steps(d, &mut e[..n.saturating_sub(1)], wide, precision)?, n);
    if wide {
        let mut whole = identity::<f64>(n + 1);
        for j in 0..n {
            whole[j * (n + 1)..j * (n + 1) + n].copy_from_slice(&found.right[j * n..(j + 1) * n]);
        }
        turn_rows(&mut whole, n + 1, &turns);
        found.right = whole;
    }
    Some(found)
}

/// The factors of `[above 0; alpha beta; 0 below]`, where the row between begins at the last column of `above`.
fn join(above: &Split, below: &Split, alpha: f64, beta: f64, precision: Precision) -> Split {
    let (top, bottom) = (above.values.len(), below.values.len());
    let n = top + bottom + 1;
    // The columns below, of which one may be more than its rows.
    let end = if below.right.len() == bottom * bottom { bottom } else { bottom + 1 };
    // In coordinates of the parts' vectors only the row between is not diagonal: z. Value 0 is that row's.
    let m = top + 1 + end;
    let mut left = vec![0.0; n * n];
    left[top] = 1.0;
    let mut right = vec![0.0; m * m];
    let (mut d, mut z) = (vec![0.0; n], vec![0.0; n]);
    for j in 0..top {
        left[(j + 1) * n..(j + 1) * n + top].copy_from_slice(&above.left[j * top..(j + 1) * top]);
        right[(j + 1) * m..(j + 1) * m + top + 1].copy_from_slice(&above.right[j * (top + 1)..(j + 1) * (top + 1)]);
        (d[j + 1], z[j + 1]) = (above.values[j], alpha * above.right[j * (top + 1) + top]);
    }
    for j in 0..bottom {
        let to = top + 1 + j;
        left[to * n + top + 1..(to + 1) * n].copy_from_slice(&below.left[j * bottom..(j + 1) * bottom]);
        right[to * m + top + 1..(to + 1) * m].copy_from_slice(&below.right[j * end..(j + 1) * end]);
        (d[to], z[to]) = (below.values[j], beta * below.right[j * end]);
    }
    // The vectors that the parts take to 0: one has all of z, the other nothing.
    right[..top + 1].copy_from_slice(&above.right[top * (top + 1)..]);
    z[0] = alpha * right[top];
    if end > bottom {
        right[n * m + top + 1..].copy_from_slice(&below.right[bottom * end..]);
        let other = beta * right[n * m + top + 1];
        let length = z[0].hypot(other);
        if length > 0.0 {
            rotate(&mut right, m, (0, n), (z[0] / length, other / length));
        }
        z[0] = length;
    }
    let mut rows: Vec<Rows> = (0..n).map(|j| if j <= top { Rows::Top } else { Rows::Bottom }).collect();
    if end > bottom {
        rows[0] = Rows::Both;
    }
    let largest = d.iter().fold(alpha.abs().max(beta.abs()), |s, x| s.max(*x));
    let tol = 4.0 * precision.eps * largest;
    if z[0].abs() <= tol {
        z[0] = tol;
    }
    let mut order: Vec<usize> = (1..n).collect();
    order.sort_by(|&i, &j| d[i].total_cmp(&d[j]));
    let (mut kept, mut done) = (vec![0], Vec::new());
    for j in order {
        if z[j].abs() <= tol {
            done.push(j);
            continue;
        }
        let &i = kept.last().unwrap_or(&0);
        if i > 0 && d[j] - d[i] <= tol {
            let (c, s, length) = turn(z[i], z[j]);
            (z[i], z[j]) = (0.0, length);
            rotate_any(&mut left, n, (i, j), (c, -s));
            rotate_any(&mut right, m, (i, j), (c, -s));
            rows[j] = rows[i].with(rows[j]);
            kept.pop();
            done.push(i);
        }
        kept.push(j);
    }
    let k = kept.len();
    let mut poles: Vec<f64> = kept.iter().map(|&i| d[i]).collect();
    if k > 1 {
        // Apart from that of the row between.
        poles[1] = poles[1].max(tol / 2.0);
    }
    let poles = Poles { at: &poles, squared: true };
    let seen: Vec<f64> = kept.iter().map(|&i| z[i]).collect();
    let weights: Vec<f64> = seen.iter().map(|z| z * z).collect();
    let found = roots(poles, &weights);
    let z = exact(poles, &found, &seen);
    let (mut us, mut vs) = (vec![0.0; k * k], found.distances);
    for (u, v) in us.chunks_exact_mut(k).zip(vs.chunks_exact_mut(k)) {
        v.iter_mut().zip(&z).for_each(|(x, z)| *x = z / *x);
        u.iter_mut().zip(v.iter()).zip(poles.at).for_each(|((u, v), d)| *u = v * d);
        u[0] = -1.0;
        for x in [u, v] {
            let length = x.iter().map(|x| x * x).sum::<f64>().sqrt();
            x.iter_mut().for_each(|x| *x /= length);
        }
    }
    let kinds: Vec<Rows> = kept.iter().map(|&i| rows[i]).collect();
    let new_right = combine((&right, m, top + 1), (&kept, &kinds), &vs);
    // To the left, the row between is alone, as the first of the rows below.
    let kinds: Vec<Rows> = kinds.into_iter().enumerate().map(|(i, r)| if i == 0 { Rows::Bottom } else { r }).collect();
    let new_left = combine((&left, n, top), (&kept, &kinds), &us);
    let value = |r: &super::secular::Root| {
        let base = poles.at[r.pole];
        (base * base + r.from).max(0.0).sqrt()
    };
    let values: Vec<f64> = found.roots.iter().map(value).collect();
    let old: Vec<f64> = done.iter().map(|&i| d[i]).collect();
    let (_, mut whole) = gathered((&values, &new_right), (&old, &right, &done), m);
    if m > n {
        whole.extend_from_slice(&right[n * m..]);
    }
    let (values, left) = gathered((&values, &new_left), (&old, &left, &done), n);
    Split { left, values, right: whole }
}
