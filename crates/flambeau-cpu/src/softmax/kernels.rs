//! The lines and columns of softmax.

use super::drive::LineOp;
use crate::reduce::chunks::{L, Running, chunks, read, write};
use crate::reduce::levels::levels;
use crate::reduce::real::Real;

#[inline(always)]
unsafe fn softmax_line_body<T: Real, const F: bool>(a: *const T, out: *mut T, n: usize) {
    // SAFETY: `n` values each.
    unsafe {
        let max = T::max(a, n);
        let mut sum = Running::new();
        chunks!(a, n, T::LOWEST, |i, mut v, len| {
            for x in &mut v {
                *x = (*x - max).exp::<F>();
            }
            if len < L {
                v = keep(v, len);
            }
            sum.add(&v);
            write(out.add(i), v, len);
        });
        let sum = sum.total();
        chunks!(out, n, T::default(), |i, mut v, len| {
            for x in &mut v {
                *x = *x / sum;
            }
            write(out.add(i), v, len);
        });
    }
}

#[inline(always)]
unsafe fn log_softmax_line_body<T: Real, const F: bool>(a: *const T, out: *mut T, n: usize) {
    // SAFETY: `n` values each.
    unsafe {
        let max = T::max(a, n);
        let mut sum = Running::new();
        chunks!(a, n, T::LOWEST, |_, mut v, len| {
            for x in &mut v {
                *x = (*x - max).exp::<F>();
            }
            if len < L {
                v = keep(v, len);
            }
            sum.add(&v);
        });
        let log = sum.total().ln();
        chunks!(a, n, T::default(), |i, mut v, len| {
            for x in &mut v {
                *x = *x - max - log;
            }
            write(out.add(i), v, len);
        });
    }
}

#[inline(always)]
unsafe fn softmax_backward_line_body<T: Real, const F: bool>(g: *const T, y: *const T, out: *mut T, n: usize) {
    // SAFETY: `n` values each.
    unsafe {
        let mut sum = Running::new();
        chunks!(g, n, T::default(), |i, mut v, len| {
            let y = read(y.add(i), len);
            for l in 0..L {
                v[l] *= y[l];
            }
            sum.add(&v);
        });
        let sum = sum.total();
        chunks!(g, n, T::default(), |i, mut v, len| {
            let y = read(y.add(i), len);
            for l in 0..L {
                v[l] = (v[l] - sum) * y[l];
            }
            write(out.add(i), v, len);
        });
    }
}

#[inline(always)]
unsafe fn log_softmax_backward_line_body<T: Real, const F: bool>(g: *const T, y: *const T, out: *mut T, n: usize) {
    // SAFETY: `n` values each.
    unsafe {
        let sum = T::sum(g, n);
        chunks!(g, n, T::default(), |i, mut v, len| {
            let y = read(y.add(i), len);
            for l in 0..L {
                v[l] = v[l] - y[l].exp::<F>() * sum;
            }
            write(out.add(i), v, len);
        });
    }
}

/// The first `len` values; zeros behind them.
#[inline(always)]
fn keep<T: Real>(mut v: [T; L], len: usize) -> [T; L] {
    for (l, v) in v.iter_mut().enumerate() {
        *v = if l < len { *v } else { T::default() };
    }
    v
}

type Rows<T> = (*const T, isize);
type RowsMut<T> = (*mut T, isize);

/// The greatest of each of `w <= L` columns; NaN wins.
#[inline(always)]
unsafe fn column_max<T: Real>(a: Rows<T>, n: usize, w: usize) -> [T; L] {
    let mut max = [T::LOWEST; L];
    for r in 0..n {
        // SAFETY: row `r` of the caller's rows.
        let v = unsafe { read(a.0.offset(r as isize * a.1), w) };
        for l in 0..L {
            #[allow(clippy::eq_op)]
            let keep = (max[l] > v[l]) | (max[l] != max[l]);
            max[l] = if keep { max[l] } else { v[l] };
        }
    }
    max
}

/// `w <= L` columns from `c` on.
#[inline(always)]
unsafe fn softmax_strip<T: Real, const F: bool>(a: Rows<T>, out: RowsMut<T>, n: usize, c: usize, w: usize) {
    // SAFETY: columns of the caller's rows.
    unsafe {
        let a = (a.0.add(c), a.1);
        let max = column_max(a, n, w);
        let mut sum = Running::new();
        for r in 0..n as isize {
            let mut v = read(a.0.offset(r * a.1), w);
            for l in 0..L {
                v[l] = (v[l] - max[l]).exp::<F>();
            }
            sum.add(&v);
            write(out.0.add(c).offset(r * out.1), v, w);
        }
        let sum = sum.lanes();
        for r in 0..n as isize {
            let p = out.0.add(c).offset(r * out.1);
            let mut v = read(p, w);
            for l in 0..L {
                v[l] = v[l] / sum[l];
            }
            write(p, v, w);
        }
    }
}

#[inline(always)]
unsafe fn softmax_columns_body<T: Real, const F: bool>(a: Rows<T>, out: RowsMut<T>, n: usize, width: usize) {
    let full = width / L * L;
    // SAFETY: columns below `width` of the caller's rows. Full strips have a constant width, for registers.
    unsafe {
        for c in (0..full).step_by(L) {
            softmax_strip::<T, F>(a, out, n, c, L);
        }
        if full < width {
            softmax_strip::<T, F>(a, out, n, full, width - full);
        }
    }
}

/// `w <= L` columns from `c` on.
#[inline(always)]
unsafe fn log_softmax_strip<T: Real, const F: bool>(a: Rows<T>, out: RowsMut<T>, n: usize, c: usize, w: usize) {
    // SAFETY: columns of the caller's rows.
    unsafe {
        let a = (a.0.add(c), a.1);
        let max = column_max(a, n, w);
        let mut sum = Running::new();
        for r in 0..n as isize {
            let mut v = read(a.0.offset(r * a.1), w);
            for l in 0..L {
                v[l] = (v[l] - max[l]).exp::<F>();
            }
            sum.add(&v);
        }
        let log = sum.lanes().map(|s| s.ln());
        for r in 0..n as isize {
            let mut v = read(a.0.offset(r * a.1), w);
            for l in 0..L {
                v[l] = v[l] - max[l] - log[l];
            }
            write(out.0.add(c).offset(r * out.1), v, w);
        }
    }
}

#[inline(always)]
unsafe fn log_softmax_columns_body<T: Real, const F: bool>(a: Rows<T>, out: RowsMut<T>, n: usize, width: usize) {
    let full = width / L * L;
    // SAFETY: columns below `width` of the caller's rows. Full strips have a constant width, for registers.
    unsafe {
        for c in (0..full).step_by(L) {
            log_softmax_strip::<T, F>(a, out, n, c, L);
        }
        if full < width {
            log_softmax_strip::<T, F>(a, out, n, full, width - full);
        }
    }
}

/// `w <= L` columns from `c` on.
#[inline(always)]
unsafe fn softmax_backward_strip<T: Real, const F: bool>(
    g: Rows<T>,
    y: Rows<T>,
    out: RowsMut<T>,
    n: usize,
    c: usize,
    w: usize,
) {
    // SAFETY: columns of the caller's rows.
    unsafe {
        let mut sum = [T::default(); L];
        for r in 0..n as isize {
            let (g, y) = (read(g.0.add(c).offset(r * g.1), w), read(y.0.add(c).offset(r * y.1), w));
            for l in 0..L {
                sum[l] += g[l] * y[l];
            }
        }
        for r in 0..n as isize {
            let (mut v, y) = (read(g.0.add(c).offset(r * g.1), w), read(y.0.add(c).offset(r * y.1), w));
            for l in 0..L {
                v[l] = (v[l] - sum[l]) * y[l];
            }
            write(out.0.add(c).offset(r * out.1), v, w);
        }
    }
}

#[inline(always)]
unsafe fn softmax_backward_columns_body<T: Real, const F: bool>(
    g: Rows<T>,
    y: Rows<T>,
    out: RowsMut<T>,
    n: usize,
    width: usize,
) {
    let full = width / L * L;
    // SAFETY: columns below `width` of the caller's rows. Full strips have a constant width, for registers.
    unsafe {
        for c in (0..full).step_by(L) {
            softmax_backward_strip::<T, F>(g, y, out, n, c, L);
        }
        if full < width {
            softmax_backward_strip::<T, F>(g, y, out, n, full, width - full);
        }
    }
}

/// `w <= L` columns from `c` on.
#[inline(always)]
unsafe fn log_softmax_backward_strip<T: Real, const F: bool>(
    g: Rows<T>,
    y: Rows<T>,
    out: RowsMut<T>,
    n: usize,
    c: usize,
    w: usize,
) {
    // SAFETY: columns of the caller's rows.
    unsafe {
        let mut sum = [T::default(); L];
        for r in 0..n as isize {
            let g = read(g.0.add(c).offset(r * g.1), w);
            for l in 0..L {
                sum[l] += g[l];
            }
        }
        for r in 0..n as isize {
            let (mut v, y) = (read(g.0.add(c).offset(r * g.1), w), read(y.0.add(c).offset(r * y.1), w));
            for l in 0..L {
                v[l] = v[l] - y[l].exp::<F>() * sum[l];
            }
            write(out.0.add(c).offset(r * out.1), v, w);
        }
    }
}

#[inline(always)]
unsafe fn log_softmax_backward_columns_body<T: Real, const F: bool>(
    g: Rows<T>,
    y: Rows<T>,
    out: RowsMut<T>,
    n: usize,
    width: usize,
) {
    let full = width / L * L;
    // SAFETY: columns below `width` of the caller's rows. Full strips have a constant width, for registers.
    unsafe {
        for c in (0..full).step_by(L) {
            log_softmax_backward_strip::<T, F>(g, y, out, n, c, L);
        }
        if full < width {
            log_softmax_backward_strip::<T, F>(g, y, out, n, full, width - full);
        }
    }
}

levels!(unsafe fn softmax_line<T: Real>(a: *const T, out: *mut T, n: usize) = softmax_line_body);
levels!(unsafe fn log_softmax_line<T: Real>(a: *const T, out: *mut T, n: usize) = log_softmax_line_body);
levels!(unsafe fn softmax_backward_line<T: Real>(g: *const T, y: *const T, out: *mut T, n: usize) = softmax_backward_line_body);
levels!(unsafe fn log_softmax_backward_line<T: Real>(g: *const T, y: *const T, out: *mut T, n: usize) = log_softmax_backward_line_body);
levels!(unsafe fn softmax_columns<T: Real>(a: Rows<T>, out: RowsMut<T>, n: usize, width: usize) = softmax_columns_body);
levels!(unsafe fn log_softmax_columns<T: Real>(a: Rows<T>, out: RowsMut<T>, n: usize, width: usize) = log_softmax_columns_body);
levels!(unsafe fn softmax_backward_columns<T: Real>(g: Rows<T>, y: Rows<T>, out: RowsMut<T>, n: usize, width: usize) = softmax_backward_columns_body);
levels!(unsafe fn log_softmax_backward_columns<T: Real>(g: Rows<T>, y: Rows<T>, out: RowsMut<T>, n: usize, width: usize) = log_softmax_backward_columns_body);

/// `exp(x) / sum(exp(x))`.
pub(super) struct Softmax;
/// `x - log(sum(exp(x)))`.
pub(super) struct LogSoftmax;
/// `(g - sum(g * y)) * y`.
pub(super) struct SoftmaxBackward;
/// `g - exp(y) * sum(g)`.
pub(super) struct LogSoftmaxBackward;

macro_rules! line_op {
    ($op:ident, |$a:ident, $b:ident| $line:ident, $columns:ident of ($($given:ident),*)) => {
        impl LineOp for $op {
            #[allow(unused_variables)]
            unsafe fn line<T: Real>($a: *const T, $b: *const T, out: *mut T, n: usize) {
                // SAFETY: forwarded.
                unsafe { $line($($given,)* out, n) }
            }
            #[allow(unused_variables)]
            unsafe fn columns<T: Real>($a: Rows<T>, $b: Rows<T>, out: RowsMut<T>, n: usize, width: usize) {
                // SAFETY: forwarded.
                unsafe { $columns($($given,)* out, n, width) }
            }
        }
    };
}
line_op!(Softmax, |a, b| softmax_line, softmax_columns of (a));
line_op!(LogSoftmax, |a, b| log_softmax_line, log_softmax_columns of (a));
line_op!(SoftmaxBackward, |a, b| softmax_backward_line, softmax_backward_columns of (a, b));
line_op!(LogSoftmaxBackward, |a, b| log_softmax_backward_line, log_softmax_backward_columns of (a, b));
