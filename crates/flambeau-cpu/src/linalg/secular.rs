//! Secular equations `1 + sum_i w_i / (p_i - x) = 0`, whose roots are the eigenvalues of a diagonal matrix plus one of rank one:
//! where two halves of a divided matrix are joined. The roots are found as distances from the nearest pole (R.-C. Li, "Solving
//! Secular Equations Stably and Efficiently", 1993), and vectors from a `z` to which they are exact (M. Gu and S. Eisenstat,
//! "A Divide-and-Conquer Algorithm for the Symmetric Tridiagonal Eigenproblem", 1995), so that they are orthogonal.

use super::wide::leveled;
use crate::gemm::{Shared, for_pieces};

/// Poles, ascending, by numbers whose differences are exact: the poles are these numbers or their squares.
#[derive(Clone, Copy)]
pub(super) struct Poles<'a> {
    pub at: &'a [f64],
    pub squared: bool,
}

impl Poles<'_> {
    /// `p_i - p_k` for each `i`.
    fn from(self, k: usize, to: &mut [f64]) {
        let base = self.at[k];
        if self.squared {
            to.iter_mut().zip(self.at).for_each(|(to, x)| *to = (x - base) * (x + base));
        } else {
            to.iter_mut().zip(self.at).for_each(|(to, x)| *to = x - base);
        }
    }
}

/// Where a root lies: at `from` the pole of this number, in the terms of the poles.
#[derive(Clone, Copy, Default)]
pub(super) struct Root {
    pub pole: usize,
    pub from: f64,
}

/// The roots of an equation, and the distances of the poles from each.
pub(super) struct Roots {
    pub roots: Vec<Root>,
    /// `p_i - x_j` at `j * n + i`.
    pub distances: Vec<f64>,
}

/// Terms that are added together.
const LANES: usize = 8;

/// `sum w / (gap - x)` and `sum w / (gap - x)^2`.
#[inline(always)]
fn sums_body(w: &[f64], gaps: &[f64], x: f64) -> (f64, f64) {
    let (mut sum, mut slope) = ([0.0; LANES], [0.0; LANES]);
    let (many, few) = (w.chunks_exact(LANES), gaps.chunks_exact(LANES));
    let (mut rest, mut rest_slope) = (0.0, 0.0);
    for (w, gap) in many.remainder().iter().zip(few.remainder()) {
        let over = 1.0 / (gap - x);
        let term = w * over;
        rest += term;
        rest_slope += term * over;
    }
    for (w, gap) in many.zip(few) {
        for i in 0..LANES {
            let over = 1.0 / (gap[i] - x);
            let term = w[i] * over;
            sum[i] += term;
            slope[i] += term * over;
        }
    }
    (sum.iter().sum::<f64>() + rest, slope.iter().sum::<f64>() + rest_slope)
}

leveled! {
    /// `sum w / (gap - x)` and `sum w / (gap - x)^2`.
    fn sums(w: &[f64], gaps: &[f64], x: f64) -> (f64, f64) = sums_body
}

/// The equation at a point: its value, its slope by the poles to the left and to the right, and the sizes of what was added.
struct Value {
    f: f64,
    left: f64,
    right: f64,
    size: f64,
}

fn value(w: &[f64], gaps: &[f64], split: usize, x: f64) -> Value {
    let (psi, left) = sums(&w[..split], &gaps[..split], x);
    let (phi, right) = sums(&w[split..], &gaps[split..], x);
    Value { f: 1.0 + psi + phi, left, right, size: 1.0 + psi.abs() + phi.abs() }
}

/// The root `y` of `c y^2 - a y + b` that a step goes to; `last` where both poles are to the left.
fn step(a: f64, b: f64, c: f64, last: bool) -> f64 {
    let root = (a * a - 4.0 * b * c).abs().sqrt();
    match (last, a) {
        (false, a) if a <= 0.0 => (a - root) / (2.0 * c),
        (false, a) => 2.0 * b / (a + root),
        (true, a) if a >= 0.0 => (a + root) / (2.0 * c),
        (true, a) => 2.0 * b / (a - root),
    }
}

/// Steps before a root is taken as it is; each halves the interval at the least.
const STEPS: usize = 100;

/// Root `j`, between poles `j` and `j + 1`, or right of the last one. `gaps` is room for the distances from the nearest pole.
fn root(poles: Poles, w: &[f64], j: usize, gaps: &mut [f64]) -> Root {
    let n = w.len();
    let total: f64 = w.iter().sum();
    if n == 1 {
        return Root { pole: 0, from: total };
    }
    let last = j + 1 == n;
    // The two poles that steps are made by: around the root, or the last two, to its left.
    let (one, two) = if last { (j - 1, j) } else { (j, j + 1) };
    let split = one + 1;
    // The equation rises from pole to pole: its sign in the middle tells the half of the interval, and the nearest pole.
    poles.from(j, gaps);
    let half = if last { total } else { gaps[two] } / 2.0;
    let mut x = half;
    let middle = value(w, gaps, split, x);
    let right = middle.f < 0.0;
    let (mut low, mut high) = if right { (half, 2.0 * half) } else { (0.0, half) };
    let mut pole = j;
    if right && !last {
        pole = two;
        poles.from(two, gaps);
        (low, high, x) = (-half, 0.0, -half);
    }
    // To begin with, all but the two poles count as in the middle:
    // rest (one - x) (two - x) + w_one (two - x) + w_two (one - x) = 0.
    let (p, q) = (gaps[one], gaps[two]);
    let rest = middle.f - w[one] / (p - x) - w[two] / (q - x);
    let guess = step(rest * (p + q) + w[one] + w[two], rest * p * q + w[one] * q + w[two] * p, rest, last);
    if guess > low && guess < high {
        x = guess;
    }
    for _ in 0..STEPS {
        let at = value(w, gaps, split, x);
        let slope = at.left + at.right;
        if at.f.abs() <= f64::EPSILON * (at.size + x.abs() * slope) {
            break;
        }
        if at.f < 0.0 {
            low = x;
        } else {
            high = x;
        }
        // What the poles of a side add is taken for `r + s / (pole - x)` with the same value and slope.
        let (near, far) = (gaps[one] - x, gaps[two] - x);
        let c = at.f - near * at.left - far * at.right;
        let a = (near + far) * at.f - near * far * slope;
        let mut by = step(a, near * far * at.f, if last { c.abs() } else { c }, last);
        // Towards the root at least, or by Newton's step.
        if by.is_nan() || by * at.f >= 0.0 {
            by = -at.f / slope;
        }
        let mut next = x + by;
        if next.is_nan() || next <= low || next >= high {
            next = low + (high - low) / 2.0;
        }
        if next == x || next <= low || next >= high {
            break;
        }
        x = next;
    }
    Root { pole, from: x }
}

#[inline(always)]
fn lose_body(to: &mut [f64], x: f64) {
    to.iter_mut().for_each(|to| *to -= x);
}

leveled! {
    fn lose(to: &mut [f64], x: f64) = lose_body
}

#[inline(always)]
fn weigh_body(weights: &mut [f64], distances: &[f64], gaps: &[f64]) {
    for ((w, d), gap) in weights.iter_mut().zip(distances).zip(gaps) {
        *w *= d / gap;
    }
}

leveled! {
    fn weigh(weights: &mut [f64], distances: &[f64], gaps: &[f64]) = weigh_body
}

/// The roots for the weights `w`, none of which is 0.
pub(super) fn roots(poles: Poles, w: &[f64]) -> Roots {
    let n = w.len();
    let (mut roots, mut distances) = (vec![Root::default(); n], vec![0.0; n * n]);
    let (to, columns) = (Shared::new(roots.as_mut_ptr()), Shared::new(distances.as_mut_ptr()));
    for_pieces(0..n, 8192usize.div_ceil(n.max(1)), |range| {
        for j in range {
            // SAFETY: root `j` and its column are this piece's alone.
            let column = unsafe { std::slice::from_raw_parts_mut(columns.at((j * n) as isize), n) };
            let found = root(poles, w, j, column);
            poles.from(found.pole, column);
            lose(column, found.from);
            // SAFETY: as above.
            unsafe { *to.at(j as isize) = found };
        }
    });
    Roots { roots, distances }
}

/// The vector `z` whose squares have exactly these roots; its signs are those of `like`.
pub(super) fn exact(poles: Poles, found: &Roots, like: &[f64]) -> Vec<f64> {
    let n = like.len();
    let (mut weights, mut gaps) = (vec![1.0; n], vec![0.0; n]);
    for j in 0..n {
        let column = &found.distances[j * n..(j + 1) * n];
        poles.from(j, &mut gaps);
        gaps[j] = 1.0;
        weigh(&mut weights, column, &gaps);
    }
    weights.iter().zip(like).map(|(w, z)| w.abs().sqrt().copysign(*z)).collect()
}
