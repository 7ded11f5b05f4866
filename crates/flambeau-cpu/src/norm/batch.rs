//! Batch norm over contiguous (N, C, L): statistics of each channel, the normalisation itself, and its gradient.

use flambeau_types::DType;

use super::values;
use crate::reduce::Address;
use crate::reduce::levels::levels;
use crate::reduce::real::Real;
use crate::reduce::var_mean;
use crate::threads::parallel_for;
use crate::{View, ViewMut};

const GRAIN: usize = 1 << 15;

/// The mean and the biased variance of each of the C channels of contiguous (N, C, L) `x`.
pub fn batch_norm_stats(mean: &mut ViewMut, var: &mut ViewMut, x: View, sizes: [usize; 3]) {
    let (s, mask) = (sizes.map(|n| n as i64), [true, false, true]);
    let strides = [s[1] * s[2], s[2], 1];
    let out = [1, s[1], 1];
    let one = [s[1], 1, 1];
    // SAFETY: the same contiguous elements with their dimensions named; the outputs have C contiguous elements.
    unsafe {
        let x = x.with(&s, &strides);
        let mut m = ViewMut::new(mean.ptr(), mean.dtype(), &out, &one);
        let mut v = ViewMut::new(var.ptr(), var.dtype(), &out, &one);
        var_mean(&mut v, &mut m, x, &mask, 0.0, false);
    }
}

/// `x * alpha + beta` for each channel of contiguous (N, C, L), where `alpha = invstd * weight` and
/// `beta = bias - mean * alpha`.
pub fn batch_norm_apply(
    out: &mut ViewMut,
    x: View,
    sizes: [usize; 3],
    mean: View,
    invstd: View,
    weight: Option<View>,
    bias: Option<View>,
) {
    if x.dtype() == DType::F64 {
        apply::<f64>(out, x, sizes, mean, invstd, weight, bias)
    } else {
        apply::<f32>(out, x, sizes, mean, invstd, weight, bias)
    }
}

/// `x * a + b` of a run.
///
/// # Safety
/// `n` elements to read and to write; the runs are one or do not overlap.
#[inline(always)]
unsafe fn scale_body<T: Real, const F: bool>(from: *const T, to: *mut T, n: usize, a: T, b: T) {
    const CHUNK: usize = 32;
    let whole = n & !(CHUNK - 1);
    // SAFETY: the caller's promise.
    unsafe {
        for at in (0..whole).step_by(CHUNK) {
            let mut part = from.add(at).cast::<[T; CHUNK]>().read_unaligned();
            part.iter_mut().for_each(|v| *v = *v * a + b);
            to.add(at).cast::<[T; CHUNK]>().write_unaligned(part);
        }
        for at in whole..n {
            to.add(at).write_unaligned(from.add(at).read_unaligned() * a + b);
        }
    }
}

levels! {
    /// [`scale_body`] with the processor's instructions.
    ///
    /// # Safety
    /// As for that.
    unsafe fn scale<T: Real>(from: *const T, to: *mut T, n: usize, a: T, b: T) = scale_body
}

fn apply<T: Real>(
    out: &mut ViewMut,
    x: View,
    [n, c, inner]: [usize; 3],
    mean: View,
    invstd: View,
    weight: Option<View>,
    bias: Option<View>,
) {
    debug_assert!(out.is_contiguous() && x.is_contiguous());
    let (mean, invstd) = (values::<T>(Some(&mean)).unwrap_or_default(), values::<T>(Some(&invstd)).unwrap_or_default());
    let (w, b) = (values::<T>(weight.as_ref()), values::<T>(bias.as_ref()));
    let alpha: Vec<T> = (0..c).map(|k| w.as_ref().map_or(invstd[k], |w| invstd[k] * w[k])).collect();
    let beta: Vec<T> = (0..c).map(|k| b.as_ref().map_or(T::default(), |b| b[k]) - mean[k] * alpha[k]).collect();
    let row = c * inner;
    let (px, po) = (Address::reading(x.ptr()), Address::of(out));
    let (load, store) = (T::load(x.dtype()), T::store(out.dtype()));
    let (sx, so) = (x.dtype().size(), out.dtype().size());
    let direct = x.dtype() == T::OWN && out.dtype() == T::OWN;
    if inner >= 16 {
        // Line by line, each with the constants of its channel.
        return parallel_for(0..n * c, (GRAIN / inner).max(1), |range| {
            let mut part = [T::default(); 512];
            for i in range {
                let (a, b) = (alpha[i % c], beta[i % c]);
                // SAFETY: line `i` of contiguous views.
                unsafe {
                    if direct {
                        let at = (i * inner) as isize;
                        scale(px.at(at, sx).cast::<T>().cast_const(), po.at(at, so).cast::<T>(), inner, a, b);
                        continue;
                    }
                    for from in (0..inner).step_by(512) {
                        let (len, at) = ((inner - from).min(512), (i * inner + from) as isize);
                        load(px.at(at, sx), 1, len, part.as_mut_ptr());
                        scale(part.as_ptr(), part.as_mut_ptr(), len, a, b);
                        store(part.as_ptr(), len, po.at(at, so), 1);
                    }
                }
            }
        });
    }
    // Rows of short lines, with constants for each element.
    let spread = |list: Vec<T>| list.into_iter().flat_map(|v| std::iter::repeat_n(v, inner)).collect();
    let (alpha, beta): (Vec<T>, Vec<T>) = (spread(alpha), spread(beta));
    parallel_for(0..n, (GRAIN / row.max(1)).max(1), |range| {
        let mut line = [T::default(); 512];
        for i in range {
            for from in (0..row).step_by(512) {
                let len = (row - from).min(512);
                // SAFETY: a part of row `i` of contiguous views.
                unsafe {
                    load(px.at((i * row + from) as isize, sx), 1, len, line.as_mut_ptr());
                    for (v, (a, b)) in line[..len].iter_mut().zip(alpha[from..].iter().zip(&beta[from..])) {
                        *v = *v * *a + *b;
                    }
                    store(line.as_ptr(), len, po.at((i * row + from) as isize, so), 1);
                }
            }
        }
    });
}

/// The gradients of batch norm that are asked for. In training, `mean` and `invstd` are the batch's own and the gradient
/// goes through them; otherwise they are constants.
pub fn batch_norm_backward(
    dx: Option<&mut ViewMut>,
    dweight: Option<&mut ViewMut>,
    dbias: Option<&mut ViewMut>,
    dy: View,
    x: View,
    sizes: [usize; 3],
    mean: View,
    invstd: View,
    weight: Option<View>,
    training: bool,
) {
    if x.dtype() == DType::F64 {
        backward::<f64>(dx, dweight, dbias, dy, x, sizes, mean, invstd, weight, training)
    } else {
        backward::<f32>(dx, dweight, dbias, dy, x, sizes, mean, invstd, weight, training)
    }
}

fn backward<T: Real>(
    dx: Option<&mut ViewMut>,
    dweight: Option<&mut ViewMut>,
    dbias: Option<&mut ViewMut>,
    dy: View,
    x: View,
    [n, c, inner]: [usize; 3],
    mean: View,
    invstd: View,
    weight: Option<View>,
    training: bool,
) {
    let (mean, invstd) = (values::<T>(Some(&mean)).unwrap_or_default(), values::<T>(Some(&invstd)).unwrap_or_default());
    let w = values::<T>(weight.as_ref());
    let (px, py) = (Address::reading(x.ptr()), Address::reading(dy.ptr()));
    let (load_x, load_y) = (T::load(x.dtype()), T::load(dy.dtype()));
    let (sx, sy) = (x.dtype().size(), dy.dtype().size());
    let dx = dx.map(|d| (Address::of(d), d.dtype().size(), T::store(d.dtype())));
    let dweight = dweight.map(|d| (Address::of(d), d.dtype()));
    let dbias = dbias.map(|d| (Address::of(d), d.dtype()));
    let count = T::of((n * inner) as f64);
    // Channels of short lines are gathered together, so that memory is read in order.
    let group = (64 / inner.max(1)).clamp(1, c.max(1));
    let grain = (GRAIN / (n * inner * group).max(1)).max(1);
    parallel_for(0..c.div_ceil(group), grain, |range| {
        for first in range {
            let channels = first * group..((first + 1) * group).min(c);
            let width = channels.len() * inner;
            let (mut xs, mut ys) = (vec![T::default(); width], vec![T::default(); width]);
            let mut sums = vec![[T::default(); 2]; channels.len()];
            let at = |i: usize| ((i * c + channels.start) * inner) as isize;
            let mut part = vec![[T::default(); 2]; channels.len()];
            for i in 0..n {
                // SAFETY: these channels' lines of sample `i` of contiguous views.
                unsafe {
                    load_x(px.at(at(i), sx), 1, width, xs.as_mut_ptr());
                    load_y(py.at(at(i), sy), 1, width, ys.as_mut_ptr());
                }
                for (k, part) in part.iter_mut().enumerate() {
                    let m = mean[channels.start + k];
                    let (x, y) = (&mut xs[k * inner..][..inner], &ys[k * inner..][..inner]);
                    for (x, y) in x.iter_mut().zip(y) {
                        *x = (*x - m) * *y;
                    }
                    // SAFETY: runs of `inner` values.
                    unsafe {
                        part[0] += T::sum(y.as_ptr(), inner);
                        part[1] += T::sum(x.as_ptr(), inner);
                    }
                }
                // Two levels keep the rounding of long sums small.
                if i % 64 == 63 || i + 1 == n {
                    for (s, p) in sums.iter_mut().zip(&mut part) {
                        s[0] += p[0];
                        s[1] += p[1];
                        *p = [T::default(); 2];
                    }
                }
            }
            for (k, [sum, dot]) in sums.iter().enumerate() {
                let channel = channels.start + k;
                // SAFETY: one element for each channel.
                unsafe {
                    if let Some((p, d)) = dweight {
                        (*dot * invstd[channel]).put(d, p.at(channel as isize, d.size()));
                    }
                    if let Some((p, d)) = dbias {
                        sum.put(d, p.at(channel as isize, d.size()));
                    }
                }
            }
            let Some((p, size, store)) = dx else { continue };
            for i in 0..n {
                // SAFETY: as above.
                unsafe {
                    load_x(px.at(at(i), sx), 1, width, xs.as_mut_ptr());
                    load_y(py.at(at(i), sy), 1, width, ys.as_mut_ptr());
                }
                for (k, [sum, dot]) in sums.iter().enumerate() {
                    let channel = channels.start + k;
                    let (m, s) = (mean[channel], invstd[channel]);
                    let scale = w.as_ref().map_or(s, |w| s * w[channel]);
                    let (slope, shift) =
                        if training { (*dot * s * s / count, *sum / count) } else { (T::default(), T::default()) };
                    for (x, y) in xs[k * inner..][..inner].iter_mut().zip(&ys[k * inner..][..inner]) {
                        *x = (*y - shift - (*x - m) * slope) * scale;
                    }
                }
                // SAFETY: as above.
                unsafe { store(xs.as_ptr(), width, p.at(at(i), size), 1) };
            }
        }
    });
}
