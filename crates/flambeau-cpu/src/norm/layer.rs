//! Layer norm over the rows of a contiguous (M, N) matrix, and its gradient.

use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use flambeau_types::DType;

use super::values;
use crate::reduce::Address;
use crate::reduce::chunks::{L, Running, chunks, read, write};
use crate::reduce::kernel::{Acc, Op};
use crate::reduce::levels::levels;
use crate::reduce::ops::Sum;
use crate::reduce::real::Real;
use crate::threads::parallel_for;
use crate::{View, ViewMut};

const GRAIN: usize = 1 << 15;
/// Rows whose weight gradients are added before they join the others.
const BLOCK: usize = 64;

/// `(x - mean) * rstd * weight + bias` for each of the rows of contiguous `x`; `mean` and `rstd` have an element for each
/// row, of any floating dtype. The half types are computed in float32.
pub fn layer_norm(
    out: &mut ViewMut,
    mean: &mut ViewMut,
    rstd: &mut ViewMut,
    x: View,
    weight: Option<View>,
    bias: Option<View>,
    eps: f64,
) {
    if x.dtype() == DType::F64 {
        forward::<f64>(out, mean, rstd, x, weight, bias, eps)
    } else {
        forward::<f32>(out, mean, rstd, x, weight, bias, eps)
    }
}

fn forward<T: Real>(
    out: &mut ViewMut,
    mean: &mut ViewMut,
    rstd: &mut ViewMut,
    x: View,
    weight: Option<View>,
    bias: Option<View>,
    eps: f64,
) {
    debug_assert!(out.is_contiguous() && x.is_contiguous() && mean.is_contiguous() && rstd.is_contiguous());
    let rows = mean.numel();
    if rows == 0 {
        return;
    }
    let n = x.numel() / rows;
    let (w, b) = (values::<T>(weight.as_ref()), values::<T>(bias.as_ref()));
    let (w, b) = (w.as_deref(), b.as_deref());
    let (load, store) = (T::load(x.dtype()), T::store(out.dtype()));
    let (dx, dout, dm, dr) = (x.dtype(), out.dtype(), mean.dtype(), rstd.dtype());
    let px = Address::reading(x.ptr());
    let (po, pm, pr) = (Address::of(out), Address::of(mean), Address::of(rstd));
    let aligned = px.at(0, 1).cast::<T>().is_aligned() && po.at(0, 1).cast::<T>().is_aligned();
    let direct = dx == T::OWN && dout == T::OWN && aligned;
    parallel_for(0..rows, (GRAIN / n.max(1)).max(1), |range| {
        let mut line = vec![T::default(); if direct { 0 } else { n }];
        for r in range {
            // SAFETY: row `r` of contiguous views of `rows` rows, or the line of length `n`.
            unsafe {
                let src = px.at((r * n) as isize, dx.size());
                let dst = po.at((r * n) as isize, dout.size());
                let (m, s) = if direct {
                    row(src.cast(), w, b, dst.cast(), n, T::of(eps))
                } else {
                    load(src, 1, n, line.as_mut_ptr());
                    let p = line.as_mut_ptr();
                    let stats = row(p, w, b, p, n, T::of(eps));
                    store(p, n, dst, 1);
                    stats
                };
                m.put(dm, pm.at(r as isize, dm.size()));
                s.put(dr, pr.at(r as isize, dr.size()));
            }
        }
    });
}

type Weights<'a, T> = Option<&'a [T]>;

levels!(
    /// Normalises one row; gives its mean and the inverse of its standard deviation.
    unsafe fn row<T: Real>(x: *const T, w: Weights<T>, b: Weights<T>, out: *mut T, n: usize, eps: T) -> (T, T) = row_body
);

#[inline(always)]
unsafe fn row_body<T: Real, const F: bool>(
    x: *const T,
    w: Weights<T>,
    b: Weights<T>,
    out: *mut T,
    n: usize,
    eps: T,
) -> (T, T) {
    let count = T::of(n as f64);
    // SAFETY: `n` values each, as the caller promised.
    unsafe {
        let mean = T::sum(x, n) / count;
        let mut squares = Running::new();
        chunks!(x, n, mean, |_, mut v, _| {
            for x in &mut v {
                *x = (*x - mean) * (*x - mean);
            }
            squares.add(&v);
        });
        let rstd = T::of(1.0) / (squares.total() / count + eps).sqrt();
        chunks!(x, n, mean, |i, mut v, len| {
            for x in &mut v {
                *x = (*x - mean) * rstd;
            }
            if let Some(w) = w {
                let w = read(w.as_ptr().add(i), len);
                for l in 0..L {
                    v[l] *= w[l];
                }
            }
            if let Some(b) = b {
                let b = read(b.as_ptr().add(i), len);
                for l in 0..L {
                    v[l] += b[l];
                }
            }
            write(out.add(i), v, len);
        });
        (mean, rstd)
    }
}

/// The gradients of [`layer_norm`] that are asked for: of the input, the weight and the bias. All views are contiguous.
pub fn layer_norm_backward(
    dx: Option<&mut ViewMut>,
    dweight: Option<&mut ViewMut>,
    dbias: Option<&mut ViewMut>,
    dy: View,
    x: View,
    mean: View,
    rstd: View,
    weight: Option<View>,
) {
    if x.dtype() == DType::F64 {
        backward::<f64>(dx, dweight, dbias, dy, x, mean, rstd, weight)
    } else {
        backward::<f32>(dx, dweight, dbias, dy, x, mean, rstd, weight)
    }
}

fn backward<T: Real>(
    dx: Option<&mut ViewMut>,
    dweight: Option<&mut ViewMut>,
    dbias: Option<&mut ViewMut>,
    dy: View,
    x: View,
    mean: View,
    rstd: View,
    weight: Option<View>,
) where
    Sum: Op<T>,
{
    let rows = mean.numel();
    let params_len = dweight.as_ref().map(|d| d.numel()).or(dbias.as_ref().map(|d| d.numel()));
    let n = x.numel().checked_div(rows).unwrap_or(params_len.unwrap_or(0));
    let w = values::<T>(weight.as_ref());
    let (mean, rstd) = (values::<T>(Some(&mean)).unwrap_or_default(), values::<T>(Some(&rstd)).unwrap_or_default());
    let (load_x, load_y) = (T::load(x.dtype()), T::load(dy.dtype()));
    let (px, py) = (Address::reading(x.ptr()), Address::reading(dy.ptr()));
    let dx = dx.map(|d| (Address::of(d), d.dtype(), T::store(d.dtype())));
    let blocks = rows.div_ceil(BLOCK);
    let params = dweight.is_some() || dbias.is_some();
    // The weight's and the bias's gradients of each block.
    let mut partial = vec![T::default(); if params { blocks * 2 * n } else { 0 }];
    let to = AtomicPtr::new(partial.as_mut_ptr());
    parallel_for(0..blocks, (GRAIN / (n * BLOCK).max(1)).max(1), |range| {
        let (mut line_x, mut line_y) = (vec![T::default(); n], vec![T::default(); n]);
        for block in range {
            for r in block * BLOCK..((block + 1) * BLOCK).min(rows) {
                // SAFETY: row `r` of contiguous views, lines of length `n`, and this block's part of `partial`.
                unsafe {
                    load_x(px.at((r * n) as isize, x.dtype().size()), 1, n, line_x.as_mut_ptr());
                    load_y(py.at((r * n) as isize, dy.dtype().size()), 1, n, line_y.as_mut_ptr());
                    let sums = if params { to.load(Relaxed).add(block * 2 * n) } else { std::ptr::null_mut() };
                    row_backward(&mut line_x, &line_y, w.as_deref(), mean[r], rstd[r], sums, dx.is_some());
                    if let Some((p, dtype, store)) = dx {
                        store(line_x.as_ptr(), n, p.at((r * n) as isize, dtype.size()), 1);
                    }
                }
            }
        }
    });
    let targets = [dweight.map(|d| (d.ptr(), d.dtype())), dbias.map(|d| (d.ptr(), d.dtype()))];
    for (k, target) in targets.into_iter().enumerate() {
        let Some((ptr, dtype)) = target else { continue };
        let mut total = vec![T::default(); n];
        // SAFETY: `blocks` rows of `2 * n` values, of which the `k`-th half is added; `d` is contiguous of length `n`.
        unsafe {
            let from = partial.as_ptr().wrapping_add(k * n);
            (<T as Acc>::kernel::<Sum>().rows)(total.as_mut_ptr(), from, from, 2 * n as isize, blocks, n);
            T::store(dtype)(total.as_ptr(), n, ptr, 1);
        }
    }
}

levels!(
    /// Turns a row of `x` into the gradient for it, and adds to the sums of the weight's and the bias's gradients.
    unsafe fn row_backward<T: Real>(x: &mut [T], dy: &[T], w: Weights<T>, mean: T, rstd: T, sums: *mut T, dx: bool) = row_backward_body
);

#[inline(always)]
unsafe fn row_backward_body<T: Real, const F: bool>(
    x: &mut [T],
    dy: &[T],
    w: Weights<T>,
    mean: T,
    rstd: T,
    sums: *mut T,
    dx: bool,
) {
    let n = x.len();
    let count = T::of(n as f64);
    let p = x.as_mut_ptr();
    // SAFETY: `n` values each; `sums` has `2 * n` or is null.
    unsafe {
        let (mut sum, mut dot) = (Running::new(), Running::new());
        chunks!(p.cast_const(), n, mean, |i, mut v, len| {
            let g = read(dy.as_ptr().add(i), len);
            for x in &mut v {
                *x = (*x - mean) * rstd;
            }
            write(p.add(i), v, len);
            if !sums.is_null() {
                let (mut dw, mut db) = (read(sums.add(i), len), read(sums.add(n + i), len));
                for l in 0..L {
                    dw[l] += g[l] * v[l];
                    db[l] += g[l];
                }
                write(sums.add(i), dw, len);
                write(sums.add(n + i), db, len);
            }
            let mut g = g;
            if let Some(w) = w {
                let w = read(w.as_ptr().add(i), len);
                for l in 0..L {
                    g[l] *= w[l];
                }
            }
            sum.add(&g);
            for l in 0..L {
                g[l] *= v[l];
            }
            dot.add(&g);
        });
        if !dx {
            return;
        }
        let (sum, dot) = (sum.total() / count, dot.total() / count);
        chunks!(p.cast_const(), n, mean, |i, mut v, len| {
            let mut g = read(dy.as_ptr().add(i), len);
            if let Some(w) = w {
                let w = read(w.as_ptr().add(i), len);
                for l in 0..L {
                    g[l] *= w[l];
                }
            }
            for l in 0..L {
                v[l] = (g[l] - sum - v[l] * dot) * rstd;
            }
            write(p.add(i), v, len);
        });
    }
}
