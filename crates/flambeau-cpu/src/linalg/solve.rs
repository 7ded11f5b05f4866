//! Systems of equations and inverses, by LU.

use super::field::{Field, load, store};
use super::lu::factor;
use super::triangular::Triangle;
use super::{by_field, dims, grain};
use crate::gemm::{Shared, for_pieces};
use crate::{View, ViewMut};

/// Replaces `x` (n, width) by the solution of `a @ solution = x`, given a's factors.
fn solve_factored<T: Field>(lu: &[T], n: usize, pivots: &[i32], x: &mut [T], width: usize) {
    for (i, &p) in pivots.iter().enumerate() {
        let p = (p.max(1) as usize - 1).min(n - 1);
        if p != i && width > 0 {
            let (low, high) = (i.min(p), i.max(p));
            let (top, bottom) = x.split_at_mut(high * width);
            top[low * width..(low + 1) * width].swap_with_slice(&mut bottom[..width]);
        }
    }
    let triangle = Triangle { data: lu, n, strides: (n, 1), upper: false, unit: true, conj: false };
    triangle.solve(x, width);
    Triangle { upper: true, unit: false, ..triangle }.solve(x, width);
}

/// The solutions of `a @ x = b` for `a` (..., n, n) and `b`, `x` (..., n, k). `info` (...; int32) names the first zero pivot,
/// from 1, or 0; where it is not 0, x holds no solution.
pub fn solve(x: &mut ViewMut, a: View, b: View, info: &mut ViewMut) {
    by_field!(a.dtype(), T => {
        let (_, _, width) = dims(b.sizes());
        let b = load::<T>(&b);
        let n = dims(a.sizes()).1;
        each::<T>(x, &a, info, width, |i| b[i * n * width..(i + 1) * n * width].to_vec());
    });
}

/// The inverses of `a` (..., n, n). `info` as for [`solve`].
pub fn inverse(out: &mut ViewMut, a: View, info: &mut ViewMut) {
    by_field!(a.dtype(), T => {
        let n = dims(a.sizes()).1;
        each::<T>(out, &a, info, n, |_| {
            let mut identity = vec![<T as num_traits::Zero>::zero(); n * n];
            for i in 0..n {
                identity[i * n + i] = num_traits::One::one();
            }
            identity
        });
    });
}

fn each<T: Field>(x: &mut ViewMut, a: &View, info: &mut ViewMut, width: usize, b: impl Fn(usize) -> Vec<T> + Sync) {
    let (batch, n, _) = dims(a.sizes());
    let a = load::<T>(a);
    let (out, info) = (Shared::new(x.ptr().cast::<T>()), Shared::new(info.ptr().cast::<i32>()));
    for_pieces(0..batch, grain(n), |range| {
        let mut pivots = vec![0; n];
        for i in range {
            let mut lu = a[i * n * n..(i + 1) * n * n].to_vec();
            let found = factor(&mut lu, n, n, &mut pivots);
            let mut x = b(i);
            solve_factored(&lu, n, &pivots, &mut x, width);
            store(&out, i * n * width, &x);
            store(&info, i, &[found]);
        }
    });
}

/// The solutions of `a @ x = b`, in place of `b` (..., n, k), from what [`super::lu_factor`] made of a (..., n, n).
pub fn lu_solve(b: &mut ViewMut, lu: View, pivots: View) {
    by_field!(lu.dtype(), T => {
        let (batch, n, _) = dims(lu.sizes());
        let (_, _, width) = dims(b.sizes());
        let (lu, x) = (load::<T>(&lu), load::<T>(&b.as_view()));
        // SAFETY: element i of a contiguous view.
        let pivots: Vec<i32> =
            (0..batch * n).map(|i| unsafe { pivots.ptr().cast::<i32>().add(i).read_unaligned() }).collect();
        let out = Shared::new(b.ptr().cast::<T>());
        for_pieces(0..batch, grain(n), |range| {
            for i in range {
                let mut x = x[i * n * width..(i + 1) * n * width].to_vec();
                solve_factored(&lu[i * n * n..(i + 1) * n * n], n, &pivots[i * n..(i + 1) * n], &mut x, width);
                store(&out, i * n * width, &x);
            }
        });
    });
}
