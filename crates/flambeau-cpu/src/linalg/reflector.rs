//! Householder reflections `I - tau v v^H` on matrices by columns.

use super::columns::{Part, multiply};
use super::field::Field;
use super::wide::{inner, subtract};
use crate::gemm::{Shared, for_pieces};

/// A reflection of the coordinates from `at` on; `v[0]` is 1.
pub(super) struct Reflector<T> {
    pub at: usize,
    pub v: Vec<T>,
    pub tau: T,
}

/// The length of a vector, without overflow on the way.
fn norm<T: Field>(x: &[T]) -> f64 {
    let sum = inner(x, x).re();
    if (1e-30..1e30).contains(&sum) {
        return sum.sqrt();
    }
    let largest = x.iter().fold(0.0f64, |m, x| m.max(x.re().abs()).max(x.im().abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    let sum = x.iter().fold(0.0f64, |s, x| s + (x.re() / largest).powi(2) + (x.im() / largest).powi(2));
    largest * sum.sqrt()
}

impl<T: Field> Reflector<T> {
    /// The reflection whose conjugate transpose turns `x` into `(beta, 0, ...)`, with a real beta, and that beta: LAPACK's larfg.
    pub fn new(at: usize, x: &[T]) -> (Reflector<T>, f64) {
        let Some((&alpha, rest)) = x.split_first() else {
            return (Reflector { at, v: Vec::new(), tau: T::zero() }, 0.0);
        };
        let mut v = x.to_vec();
        v[0] = T::one();
        let below = norm(rest);
        if below == 0.0 && alpha.im() == 0.0 {
            return (Reflector { at, v, tau: T::zero() }, alpha.re());
        }
        let length = alpha.abs().hypot(below);
        let beta = -length.copysign(alpha.re());
        let b = T::from_re(beta);
        let tau = (b - alpha) / b;
        let scale = T::one() / (alpha - b);
        v[1..].iter_mut().for_each(|x| *x *= scale);
        (Reflector { at, v, tau }, beta)
    }

    /// The conjugate transpose.
    pub fn adjoint_tau(&self) -> T {
        self.tau.conj()
    }

    /// Replaces the columns from `first` on (of `m` elements each) by `(I - tau v v^H)` of them.
    pub fn left(&self, tau: T, a: &mut [T], m: usize, first: usize) {
        if tau == T::zero() || m == 0 {
            return;
        }
        for column in a.chunks_exact_mut(m).skip(first) {
            let part = &mut column[self.at..self.at + self.v.len()];
            let s = tau * inner(&self.v, part);
            subtract(part, s, &self.v);
        }
    }

    /// Replaces the rows from `first` on of `a` (columns of `m` elements) by `a (I - tau v v^H)`.
    pub fn right(&self, tau: T, a: &mut [T], m: usize, first: usize) {
        if tau == T::zero() || m <= first {
            return;
        }
        let mut w = vec![T::zero(); m - first];
        for (k, v) in self.v.iter().enumerate() {
            let from = (self.at + k) * m;
            subtract(&mut w, -*v, &a[from + first..from + m]);
        }
        for (k, v) in self.v.iter().enumerate() {
            let from = (self.at + k) * m;
            subtract(&mut a[from + first..from + m], tau * v.conj(), &w);
        }
    }
}

/// A reflection `I - tau v v^H` with that tau, of the columns from the last number on.
pub(super) type Step<'a, T> = (&'a Reflector<T>, T, usize);

/// Columns that meet a reflection while it is in the cache.
const TOGETHER: usize = 8;

/// Steps that are taken together, as products of matrices.
const BLOCK: usize = 32;

/// Elements of the columns and columns from which on steps are taken together.
const MANY: usize = 64;

/// Turns the columns of `a` (of `m` elements) by each step of the list.
pub(super) fn apply<T: Field>(list: &[Step<'_, T>], a: &mut [T], m: usize) {
    if m == 0 || list.is_empty() {
        return;
    }
    if m >= MANY && a.len() / m >= MANY && list.len() >= BLOCK / 2 {
        list.chunks(BLOCK).for_each(|block| together(block, a, m));
    } else {
        one_by_one(list, a, m);
    }
}

/// The steps `(I - tau v v^H)` as one, `I - V T V^H` with a lower triangular T, for the first meets the columns first (R. Schreiber and
/// C. Van Loan, "A Storage-Efficient WY Representation for Products of Householder Transformations", 1989).
fn together<T: Field>(block: &[Step<'_, T>], a: &mut [T], m: usize) {
    let (count, k) = (a.len() / m, block.len());
    let from = block.iter().map(|(h, ..)| h.at).min().unwrap_or(0);
    let end = block.iter().map(|(h, ..)| h.at + h.v.len()).max().unwrap_or(0);
    let first = block.iter().map(|(.., first)| *first).min().unwrap_or(0);
    if first >= count {
        return;
    }
    let (rows, columns) = (end - from, count - first);
    let mut v = vec![T::zero(); rows * k];
    for (column, (h, ..)) in v.chunks_exact_mut(rows).zip(block) {
        column[h.at - from..h.at - from + h.v.len()].copy_from_slice(&h.v);
    }
    let v = Part::new(&v, rows, (rows, k));
    let mut products = vec![T::zero(); k * k];
    multiply(&mut products, k, v.adjoint(), v, T::one(), T::zero());
    let mut t = vec![T::zero(); k * k];
    for (i, (_, tau, _)) in block.iter().enumerate() {
        for j in 0..i {
            let sum = (j..i).fold(T::zero(), |s, l| s + products[l * k + i] * t[j * k + l]);
            t[j * k + i] = -*tau * sum;
        }
        t[i * k + i] = *tau;
    }
    let part = &mut a[first * m + from..];
    let (mut seen, mut turned) = (vec![T::zero(); k * columns], vec![T::zero(); k * columns]);
    multiply(&mut seen, k, v.adjoint(), Part::new(part, m, (rows, columns)), T::one(), T::zero());
    multiply(&mut turned, k, Part::new(&t, k, (k, k)), Part::new(&seen, k, (k, columns)), T::one(), T::zero());
    multiply(part, m, v, Part::new(&turned, k, (k, columns)), -T::one(), T::one());
}

/// A few columns meet all steps before the next few do.
fn one_by_one<T: Field>(list: &[Step<'_, T>], a: &mut [T], m: usize) {
    let count = a.len() / m;
    let shared = Shared::new(a.as_mut_ptr());
    let work = list.len() * m * TOGETHER;
    for_pieces(0..count.div_ceil(TOGETHER), (1usize << 18).div_ceil(work), |pieces| {
        for p in pieces {
            let columns = p * TOGETHER..count.min((p + 1) * TOGETHER);
            // SAFETY: these columns are this piece's alone.
            let part =
                unsafe { std::slice::from_raw_parts_mut(shared.at((columns.start * m) as isize), columns.len() * m) };
            for (h, tau, first) in list {
                h.left(*tau, part, m, first.saturating_sub(columns.start));
            }
        }
    });
}

/// Replaces the columns of `a` (of `m` elements) by `H_1 H_2 ... H_k a`.
pub(super) fn product<T: Field>(reflectors: &[Reflector<T>], a: &mut [T], m: usize) {
    apply(&reflectors.iter().rev().map(|h| (h, h.tau, 0)).collect::<Vec<_>>(), a, m);
}

/// Columns that become triangular before the ones behind them are turned.
const PANEL: usize = 32;

/// Makes the first `k` columns of `a` (of `m` elements) upper triangular; gives the reflections. What is below the diagonal is
/// left as it comes.
pub(super) fn triangularize<T: Field>(a: &mut [T], m: usize, k: usize) -> Vec<Reflector<T>> {
    let mut list: Vec<Reflector<T>> = Vec::with_capacity(k);
    for start in (0..k).step_by(PANEL) {
        let end = k.min(start + PANEL);
        for i in start..end {
            let (h, beta) = Reflector::new(i, &a[i * m + i..(i + 1) * m]);
            h.left(h.adjoint_tau(), &mut a[..end * m], m, i + 1);
            a[i * m + i] = T::from_re(beta);
            list.push(h);
        }
        apply(&list[start..].iter().map(|h| (h, h.adjoint_tau(), 0)).collect::<Vec<_>>(), &mut a[end * m..], m);
    }
    list
}
