//! LU factors with partial pivoting, and determinants.

use super::field::{Field, load, rows, store, subtract};
use super::{by_field, dims, grain};
use crate::gemm::{Args, Shared, for_pieces};
use crate::{View, ViewMut};

/// Columns factored one by one before the rest is updated by a product.
const BLOCK: usize = 32;

/// Factors `a` (m, n; row-major, adjacent) in place: L below the diagonal, whose own is ones, and U. `pivots[j]` is the row,
/// from 1, swapped with row j + 1. Returns the first zero pivot, from 1, or 0.
pub(super) fn factor<T: Field>(a: &mut [T], m: usize, n: usize, pivots: &mut [i32]) -> i32 {
    let mut info = 0;
    let steps = m.min(n);
    let mut from = 0;
    while from < steps {
        let to = steps.min(from + BLOCK);
        for j in from..to {
            let (mut best, mut size) = (j, a[j * n + j].abs1());
            for i in j + 1..m {
                let s = a[i * n + j].abs1();
                if s > size {
                    (best, size) = (i, s);
                }
            }
            pivots[j] = best as i32 + 1;
            if best != j {
                let (low, high) = a.split_at_mut(best * n);
                low[j * n..(j + 1) * n].swap_with_slice(&mut high[..n]);
            }
            let pivot = a[j * n + j];
            if pivot == T::zero() {
                if info == 0 {
                    info = j as i32 + 1;
                }
                continue;
            }
            for i in j + 1..m {
                let (top, row) = rows(a, n, j, i);
                let l = row[j] / pivot;
                row[j] = l;
                if l != T::zero() {
                    subtract(&mut row[j + 1..to], l, &top[j + 1..to]);
                }
            }
        }
        if to < n {
            for j in from..to {
                for i in j + 1..to {
                    let (top, row) = rows(a, n, j, i);
                    let l = row[j];
                    subtract(&mut row[to..], l, &top[to..]);
                }
            }
            if to < m {
                let p = a.as_mut_ptr();
                // SAFETY: the block below right, from those below and to the right, all within a and apart.
                unsafe {
                    T::product(&Args {
                        m: m - to,
                        n: n - to,
                        k: to - from,
                        a: p.add(to * n + from),
                        a_strides: (n as isize, 1),
                        b: p.add(from * n + to),
                        b_strides: (n as isize, 1),
                        c: p.add(to * n + to),
                        c_strides: (n as isize, 1),
                        alpha: -T::one(),
                        beta: T::one(),
                        conj: (false, false),
                    });
                }
            }
        }
        from = to;
    }
    info
}

/// Factors each matrix of `a` (..., m, n) in place as LAPACK's getrf: unit lower and upper triangles together. `pivots`
/// (..., min(m, n)) and `info` (...) are int32, from 1; a zero pivot, the first of which `info` names, is left there.
pub fn lu_factor(a: &mut ViewMut, pivots: &mut ViewMut, info: &mut ViewMut) {
    by_field!(a.dtype(), T => factor_all::<T>(a, pivots, info));
}

fn factor_all<T: Field>(a: &mut ViewMut, pivots: &mut ViewMut, info: &mut ViewMut) {
    let (batch, m, n) = dims(a.sizes());
    let (size, steps) = (m * n, m.min(n));
    debug_assert!(pivots.numel() == batch * steps && info.numel() == batch);
    let data = Shared::new(a.ptr().cast::<T>());
    let (pivots, info) = (Shared::new(pivots.ptr().cast::<i32>()), Shared::new(info.ptr().cast::<i32>()));
    for_pieces(0..batch, grain(m.max(n)), |range| {
        let (mut matrix, mut found) = (vec![T::zero(); size], vec![0; steps]);
        for b in range {
            for (i, x) in matrix.iter_mut().enumerate() {
                // SAFETY: matrix b, which is this piece's alone.
                *x = unsafe { data.at((b * size + i) as isize).read_unaligned() };
            }
            let first_zero = factor(&mut matrix, m, n, &mut found);
            store(&data, b * size, &matrix);
            store(&pivots, b * steps, &found);
            store(&info, b, &[first_zero]);
        }
    });
}

/// The determinants of `a` (..., n, n), to `out` (...).
pub fn det(out: &mut ViewMut, a: View) {
    by_field!(a.dtype(), T => dets::<T>(out, &a));
}

fn dets<T: Field>(out: &mut ViewMut, a: &View) {
    let out = Shared::new(out.ptr().cast::<T>());
    diagonals::<T>(a, |b, diagonal, swapped| {
        let product = diagonal.iter().fold(T::one(), |p, &d| p * d);
        store(&out, b, &[if swapped { -product } else { product }]);
    });
}

/// The determinants of `a` (..., n, n) as a sign (of a's dtype; for complex a number of size 1) and the logarithm of the
/// absolute value (of its real type); 0 and -inf if singular.
pub fn slogdet(sign: &mut ViewMut, logabsdet: &mut ViewMut, a: View) {
    by_field!(a.dtype(), T => slogdets::<T>(sign, logabsdet, &a));
}

fn slogdets<T: Field>(sign: &mut ViewMut, logabsdet: &mut ViewMut, a: &View) {
    let double = logabsdet.dtype() == flambeau_types::DType::F64;
    let (sign, log) = (Shared::new(sign.ptr().cast::<T>()), Shared::new(logabsdet.ptr()));
    diagonals::<T>(a, |b, diagonal, swapped| {
        let (mut s, mut sum) = (if swapped { -T::one() } else { T::one() }, 0.0f64);
        for &d in diagonal {
            let size = d.abs();
            s = if size == 0.0 { T::zero() } else { s * (d / T::from_re(size)) };
            sum += size.ln();
        }
        store(&sign, b, &[s]);
        // SAFETY: element b of the result, of the type it says.
        unsafe {
            if double {
                log.at(0).cast::<f64>().add(b).write_unaligned(sum);
            } else {
                log.at(0).cast::<f32>().add(b).write_unaligned(sum as f32);
            }
        }
    });
}

/// Calls `f` with each matrix's number, the diagonal of its U, and whether an odd number of rows was swapped.
fn diagonals<T: Field>(a: &View, f: impl Fn(usize, &[T], bool) + Sync) {
    let (batch, n, _) = dims(a.sizes());
    let data = load::<T>(a);
    for_pieces(0..batch, grain(n), |range| {
        let mut pivots = vec![0; n];
        for b in range {
            let mut matrix = data[b * n * n..(b + 1) * n * n].to_vec();
            factor(&mut matrix, n, n, &mut pivots);
            let swaps = pivots.iter().enumerate().filter(|&(i, &p)| p != i as i32 + 1).count();
            let diagonal: Vec<T> = (0..n).map(|i| matrix[i * n + i]).collect();
            f(b, &diagonal, swaps % 2 == 1);
        }
    });
}
