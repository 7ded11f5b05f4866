//! Resampling by sums of weighted elements, one dimension within another.

use super::axis::{Axis, Filter, Move};
use super::{GRAIN, planes};
use crate::gemm::for_pieces;
use crate::reduce::Address;
use crate::reduce::levels::levels;
use crate::reduce::real::Real;
use crate::{View, ViewMut};

fn axes<T: Real>(filter: Filter, moves: &[Move]) -> Vec<Axis<T>> {
    moves.iter().map(|m| Axis::new(filter, m)).collect()
}

/// Work in elements read for one plane.
fn work<T>(axes: &[Axis<T>]) -> usize {
    axes.iter().map(|a| a.out * a.most).product::<usize>().max(1)
}

/// Resampled rows (or planes) of the input that the next rows of the output may need again.
struct Kept<T> {
    rows: Vec<T>,
    of: Vec<usize>,
}

impl<T: Real> Kept<T> {
    fn new(axis: &Axis<T>, inner: usize) -> Kept<T> {
        Kept { rows: vec![T::default(); axis.most * inner], of: vec![usize::MAX; axis.most] }
    }
}

/// Room for all but the innermost dimension.
fn room<T: Real>(axes: &[Axis<T>]) -> Vec<Kept<T>> {
    (0..axes.len() - 1).map(|d| Kept::new(&axes[d], axes[d + 1..].iter().map(|a| a.out).product())).collect()
}

pub(super) fn forward<T: Real>(out: &mut ViewMut, input: &View, filter: Filter, moves: &[Move]) {
    // PyTorch keeps the weights in the dtype of the input.
    let axes: Vec<Axis<T>> = axes(filter, moves).into_iter().map(|a: Axis<T>| a.rounded(input.dtype())).collect();
    let (count, size, out_size) = planes(input.sizes(), moves);
    let (load, store) = (T::load(input.dtype()), T::store(out.dtype()));
    let (dx, dy) = (input.dtype(), out.dtype());
    let (px, py) = (Address::reading(input.ptr()), Address::of(out));
    let own = |d, p: Address| d == T::OWN && p.at(0, 1).cast::<T>().is_aligned();
    let (own_x, own_y) = (own(dx, px), own(dy, py));
    for_pieces(0..count, GRAIN.div_ceil(work(&axes)), |range| {
        let mut kept = room(&axes);
        let mut x = vec![T::default(); if own_x { 0 } else { size }];
        let mut y = vec![T::default(); if own_y { 0 } else { out_size }];
        for plane in range {
            let from = px.at((plane * size) as isize, dx.size());
            let to = py.at((plane * out_size) as isize, dy.size());
            // SAFETY: whole planes of contiguous views, or the buffers of their length.
            unsafe {
                let from: *const T = if own_x {
                    from.cast()
                } else {
                    load(from, 1, size, x.as_mut_ptr());
                    x.as_ptr()
                };
                if own_y {
                    plane_of(&axes, from, to.cast(), &mut kept);
                } else {
                    plane_of(&axes, from, y.as_mut_ptr(), &mut kept);
                    store(y.as_ptr(), out_size, to, 1);
                }
            }
        }
    });
}

/// # Safety
/// `from` and `to` are planes of the sizes of the axes.
unsafe fn plane_of<T: Real>(axes: &[Axis<T>], from: *const T, to: *mut T, kept: &mut [Kept<T>]) {
    let axis = &axes[0];
    let [own, inner_kept @ ..] = kept else {
        // SAFETY: forwarded.
        return unsafe { line(axis, from, to) };
    };
    let inner: usize = axes[1..].iter().map(|a| a.out).product();
    let step: usize = axes[1..].iter().map(|a| a.size).product();
    own.of.fill(usize::MAX);
    for o in 0..axis.out {
        let (index, weight) = axis.taps(o);
        for &i in index {
            // Indices of one element are neighbours: they keep out of each other's way.
            let slot = i % axis.most;
            if own.of[slot] != i {
                own.of[slot] = i;
                let row = own.rows[slot * inner..(slot + 1) * inner].as_mut_ptr();
                // SAFETY: a row of the input, and one of those kept.
                unsafe { plane_of(&axes[1..], from.add(i * step), row, inner_kept) };
            }
        }
        let rows: Rows = index.iter().map(|&i| (i % axis.most) * inner).collect();
        // SAFETY: a row of the output, and rows kept.
        unsafe { combine(own.rows.as_ptr(), &rows, weight, to.add(o * inner), inner) };
    }
}

type Rows = smallvec::SmallVec<[usize; 8]>;

levels!(
    /// The sum of weighted rows.
    unsafe fn combine<T: Real>(rows: *const T, at: &Rows, weight: &[T], to: *mut T, n: usize) = combine_body
);

#[inline(always)]
unsafe fn combine_body<T: Real, const F: bool>(rows: *const T, at: &Rows, weight: &[T], to: *mut T, n: usize) {
    // SAFETY: rows of `n` elements, as the caller promised.
    unsafe {
        match (at.as_slice(), weight) {
            (&[a, b], &[v, w]) => {
                let (a, b) = (rows.add(a), rows.add(b));
                for i in 0..n {
                    *to.add(i) = (*b.add(i)).madd::<F>(w, *a.add(i) * v);
                }
            }
            (at, weight) => {
                for i in 0..n {
                    let mut sum = T::default();
                    for (&a, &w) in at.iter().zip(weight) {
                        sum = (*rows.add(a + i)).madd::<F>(w, sum);
                    }
                    *to.add(i) = sum;
                }
            }
        }
    }
}

levels!(
    /// The innermost dimension.
    unsafe fn line<T: Real>(axis: &Axis<T>, from: *const T, to: *mut T) = line_body
);

#[inline(always)]
unsafe fn line_body<T: Real, const F: bool>(axis: &Axis<T>, from: *const T, to: *mut T) {
    if let Some((index, weight)) = axis.pairs() {
        for (o, (&[i, j], &[v, w])) in index.iter().zip(weight).enumerate() {
            // SAFETY: elements of the row, and one of the output's row.
            unsafe { *to.add(o) = (*from.add(j)).madd::<F>(w, *from.add(i) * v) };
        }
        return;
    }
    for o in 0..axis.out {
        let (index, weight) = axis.taps(o);
        let mut sum = T::default();
        for (&i, &w) in index.iter().zip(weight) {
            // SAFETY: an element of the row.
            sum = unsafe { *from.add(i) }.madd::<F>(w, sum);
        }
        // SAFETY: an element of the output's row.
        unsafe { *to.add(o) = sum };
    }
}

pub(super) fn backward<T: Real>(grad: &mut ViewMut, grad_out: &View, filter: Filter, moves: &[Move]) {
    let axes = axes::<T>(filter, moves);
    let (count, size, out_size) = planes(grad.sizes(), moves);
    let (load, store) = (T::load(grad_out.dtype()), T::store(grad.dtype()));
    let (dx, dg) = (grad.dtype(), grad_out.dtype());
    let (pg, px) = (Address::reading(grad_out.ptr()), Address::of(grad));
    for_pieces(0..count, GRAIN.div_ceil(work(&axes)), |range| {
        let mut g = vec![T::default(); out_size];
        let mut x = vec![T::default(); size];
        let mut rows: Vec<Vec<T>> =
            (1..axes.len()).map(|d| vec![T::default(); axes[d..].iter().map(|a| a.size).product()]).collect();
        for plane in range {
            x.fill(T::default());
            // SAFETY: whole planes of contiguous views.
            unsafe {
                load(pg.at((plane * out_size) as isize, dg.size()), 1, out_size, g.as_mut_ptr());
                spread(&axes, &g, &mut x, &mut rows);
                store(x.as_ptr(), size, px.at((plane * size) as isize, dx.size()), 1);
            }
        }
    });
}

/// Adds the gradients of a plane of outputs to the elements that they came from.
fn spread<T: Real>(axes: &[Axis<T>], g: &[T], x: &mut [T], rows: &mut [Vec<T>]) {
    let axis = &axes[0];
    let [row, inner_rows @ ..] = rows else {
        for (o, &g) in g.iter().enumerate() {
            let (index, weight) = axis.taps(o);
            for (&i, &w) in index.iter().zip(weight) {
                x[i] += g * w;
            }
        }
        return;
    };
    let (inner, step) = (g.len() / axis.out, row.len());
    for o in 0..axis.out {
        row.fill(T::default());
        spread(&axes[1..], &g[o * inner..(o + 1) * inner], row, inner_rows);
        let (index, weight) = axis.taps(o);
        for (&i, &w) in index.iter().zip(weight) {
            for (x, &r) in x[i * step..(i + 1) * step].iter_mut().zip(row.iter()) {
                *x += r * w;
            }
        }
    }
}
