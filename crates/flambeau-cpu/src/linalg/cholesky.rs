//! The Cholesky factor of a Hermitian positive-definite matrix.

use super::field::{Field, load, store};
use super::{by_field, dims, grain};
use crate::gemm::{Args, Shared, for_pieces};
use crate::{View, ViewMut};

/// Columns done one by one after what the columns before contribute was taken away by a product.
const BLOCK: usize = 32;

/// Replaces the lower triangle of `a` (n, n) by L with `L @ L^H = a`, and the rest by zeros. Returns the order, from 1, of the
/// first leading part that is not positive definite, or 0.
fn factor<T: Field>(a: &mut [T], n: usize) -> i32 {
    let mut from = 0;
    let mut info = 0;
    'blocks: while from < n {
        let to = n.min(from + BLOCK);
        if from > 0 {
            let p = a.as_mut_ptr();
            // SAFETY: rows from.. of columns from..to, from the columns before: within a and apart.
            unsafe {
                T::product(&Args {
                    m: n - from,
                    n: to - from,
                    k: from,
                    a: p.add(from * n),
                    a_strides: (n as isize, 1),
                    b: p.add(from * n),
                    b_strides: (1, n as isize),
                    c: p.add(from * n + from),
                    c_strides: (n as isize, 1),
                    alpha: -T::one(),
                    beta: T::one(),
                    conj: (false, true),
                });
            }
        }
        for j in from..to {
            let row = &a[j * n..(j + 1) * n];
            let d = row[from..j].iter().fold(row[j].re(), |d, x| d - (*x * x.conj()).re());
            if d.is_nan() || d <= 0.0 {
                info = j as i32 + 1;
                break 'blocks;
            }
            let root = T::from_re(d.sqrt());
            a[j * n + j] = root;
            for i in j + 1..n {
                let (top, row) = super::field::rows(a, n, j, i);
                let sum = row[from..j].iter().zip(&top[from..j]).fold(row[j], |s, (x, y)| s - *x * y.conj());
                row[j] = sum / root;
            }
        }
        from = to;
    }
    for i in 0..n {
        a[i * n + i + 1..(i + 1) * n].fill(T::zero());
    }
    info
}

/// The lower factors L of `a` (..., n, n), whose lower triangle counts, or with `upper` the L^H of its upper triangle.
/// `info` (...; int32) is the order of the first leading part that is not positive definite, or 0.
pub fn cholesky(out: &mut ViewMut, a: View, upper: bool, info: &mut ViewMut) {
    by_field!(a.dtype(), T => all::<T>(out, &a, upper, info));
}

fn all<T: Field>(out: &mut ViewMut, a: &View, upper: bool, info: &mut ViewMut) {
    let (batch, n, _) = dims(a.sizes());
    let a = load::<T>(a);
    let (out, info) = (Shared::new(out.ptr().cast::<T>()), Shared::new(info.ptr().cast::<i32>()));
    let turn = |a: &[T]| -> Vec<T> { (0..n * n).map(|i| a[i % n * n + i / n].conj()).collect() };
    for_pieces(0..batch, grain(n), |range| {
        for b in range {
            let matrix = &a[b * n * n..(b + 1) * n * n];
            let mut l = if upper { turn(matrix) } else { matrix.to_vec() };
            let found = factor(&mut l, n);
            store(&out, b * n * n, &if upper { turn(&l) } else { l });
            store(&info, b, &[found]);
        }
    });
}
