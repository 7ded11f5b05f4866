//! Balanced matrices in Hessenberg form, where the search for eigenvalues begins: LAPACK's gebal and gehrd.

use super::field::Field;
use super::reflector::Reflector;

/// What balancing did to a matrix.
pub(super) struct Balance {
    /// The block, from the first place to the last, that is not triangular yet.
    pub block: (usize, usize),
    /// Inside the block a factor, outside it the row that was swapped.
    scale: Vec<f64>,
}

fn swap<T: Field>(a: &mut [T], n: usize, i: usize, j: usize, rows: usize, from: usize) {
    if i == j {
        return;
    }
    for r in 0..rows {
        a.swap(i * n + r, j * n + r);
    }
    for c in from..n {
        a.swap(c * n + i, c * n + j);
    }
}

fn length<T: Field>(x: impl Iterator<Item = T>) -> (f64, f64) {
    x.fold((0.0, 0.0), |(s, m), x| (f64::hypot(s, x.abs()), f64::max(m, x.abs())))
}

/// Brings rows and columns that isolate an eigenvalue to the ends of `a` (n, n; by columns), and the others to like lengths.
pub(super) fn balance<T: Field>(a: &mut [T], n: usize) -> Balance {
    let mut scale = vec![1.0; n];
    if n == 0 {
        return Balance { block: (0, 0), scale };
    }
    // Rows low..=high are left.
    let (mut low, mut high) = (0, n - 1);
    'rows: loop {
        for i in (0..=high).rev() {
            if (0..=high).all(|j| j == i || a[j * n + i] == T::zero()) {
                scale[high] = i as f64;
                swap(a, n, i, high, high + 1, low);
                if high == 0 {
                    return Balance { block: (0, 0), scale };
                }
                high -= 1;
                continue 'rows;
            }
        }
        break;
    }
    let alone = |a: &[T], low: usize, j: usize| (low..=high).all(|i| i == j || a[j * n + i] == T::zero());
    while let Some(j) = (low..=high).find(|&j| alone(a, low, j)) {
        scale[low] = j as f64;
        swap(a, n, j, low, high + 1, low);
        low += 1;
    }
    scale[low..=high].fill(1.0);
    let least = f64::MIN_POSITIVE / f64::EPSILON;
    let (least2, most2) = (least * 2.0, 0.5 / least);
    loop {
        let mut still = true;
        for i in low..=high {
            let (mut c, _) = length((low..=high).map(|r| a[i * n + r]));
            let (mut r, _) = length((low..=high).map(|j| a[j * n + i]));
            let (_, mut ca) = length((0..=high).map(|r| a[i * n + r]));
            let (_, mut ra) = length((low..n).map(|j| a[j * n + i]));
            if c == 0.0 || r == 0.0 || !(c + r).is_finite() {
                continue;
            }
            let (mut g, mut f, s) = (r / 2.0, 1.0f64, c + r);
            while c < g && f.max(c).max(ca) < most2 && r.min(g).min(ra) > least2 {
                (f, c, ca, r, g, ra) = (f * 2.0, c * 2.0, ca * 2.0, r / 2.0, g / 2.0, ra / 2.0);
            }
            g = c / 2.0;
            while g >= r && r.max(ra) < most2 && f.min(c).min(g).min(ca) > least2 {
                (f, c, g, ca, r, ra) = (f / 2.0, c / 2.0, g / 2.0, ca / 2.0, r * 2.0, ra * 2.0);
            }
            let out_of_range = (f < 1.0 && scale[i] < 1.0 && f * scale[i] <= least)
                || (f > 1.0 && scale[i] > 1.0 && scale[i] >= 1.0 / least / f);
            if c + r >= 0.95 * s || out_of_range {
                continue;
            }
            scale[i] *= f;
            still = false;
            for j in low..n {
                a[j * n + i] *= T::from_re(1.0 / f);
            }
            for x in &mut a[i * n..i * n + high + 1] {
                *x *= T::from_re(f);
            }
        }
        if still {
            return Balance { block: (low, high), scale };
        }
    }
}

impl Balance {
    /// Turns vectors (columns of `n` elements) of the balanced matrix into those of the matrix itself.
    pub fn undo<T: Field>(&self, v: &mut [T], n: usize) {
        let (low, high) = self.block;
        for column in v.chunks_exact_mut(n.max(1)) {
            for i in (low..=high).filter(|_| low < high) {
                column[i] *= T::from_re(self.scale[i]);
            }
            for i in (0..low).rev().chain(high + 1..n) {
                column.swap(i, self.scale[i] as usize);
            }
        }
    }
}

/// Reduces the balanced `a` (n, n; by columns) to Hessenberg form by reflections from both sides, whose product is returned by
/// columns if `vectors`.
pub(super) fn reduce<T: Field>(a: &mut [T], n: usize, (low, high): (usize, usize), vectors: bool) -> Vec<T> {
    let mut list = Vec::new();
    for i in low..high {
        let (h, beta) = Reflector::new(i + 1, &a[i * n + i + 1..i * n + high + 1]);
        a[i * n + i + 1] = T::from_re(beta);
        a[i * n + i + 2..i * n + high + 1].fill(T::zero());
        h.right(h.tau, a, n, 0);
        h.left(h.adjoint_tau(), a, n, i + 1);
        list.push(h);
    }
    if !vectors {
        return Vec::new();
    }
    let mut q = vec![T::zero(); n * n];
    (0..n).for_each(|i| q[i * n + i] = T::one());
    super::reflector::product(&list, &mut q, n);
    q
}
