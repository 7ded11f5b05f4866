//! The loops that searches for values and vectors spend their time in, compiled for the level of the machine.

use super::field::{Field, subtract as plain_subtract};
use crate::gemm::{Shared, for_pieces};
use crate::reduce::levels::levels;
use crate::reduce::real::Real;

/// Writes the function `$name`, which calls `$body` compiled for the level of this machine.
macro_rules! leveled {
    ($(#[$doc:meta])* fn $name:ident $(<$p:ident>)? ($($a:ident: $t:ty),*) $(-> $r:ty)? = $body:ident) => {
        $(#[$doc])*
        pub(super) fn $name $(<$p: super::field::Field>)? ($($a: $t),*) $(-> $r)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
                fn widest $(<$p: super::field::Field>)? ($($a: $t),*) $(-> $r)? {
                    $body($($a),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn wide $(<$p: super::field::Field>)? ($($a: $t),*) $(-> $r)? {
                    $body($($a),*)
                }
                // SAFETY: the level says that the processor has the instructions.
                unsafe {
                    match crate::math::level() {
                        crate::math::Level::Avx512 => return widest($($a),*),
                        crate::math::Level::Avx2 => return wide($($a),*),
                        crate::math::Level::Plain => {}
                    }
                }
            }
            $body($($a),*)
        }
    };
}
pub(super) use leveled;

/// Elements of the loops below that are worked on together.
const LANES: usize = 8;

/// The sum of a few sums, by halves.
#[inline(always)]
fn joined<T: Field>(mut sums: [T; LANES]) -> T {
    for half in [4, 2, 1] {
        for i in 0..half {
            sums[i] += sums[i + half];
        }
    }
    sums[0]
}

/// Several sums that need not wait for each other.
#[inline(always)]
fn inner_body<T: Field>(a: &[T], b: &[T]) -> T {
    let n = a.len().min(b.len());
    let (mut a, mut b) = (&a[..n], &b[..n]);
    let mut sums = [[T::zero(); LANES]; 4];
    if size_of::<T>() <= 8 {
        let (x, y) = (a.chunks_exact(4 * LANES), b.chunks_exact(4 * LANES));
        let rest = (x.remainder(), y.remainder());
        for (x, y) in x.zip(y) {
            for (k, sums) in sums.iter_mut().enumerate() {
                for i in 0..LANES {
                    sums[i] += x[k * LANES + i].conj() * y[k * LANES + i];
                }
            }
        }
        (a, b) = rest;
    }
    let [mut sums, second, third, fourth] = sums;
    for i in 0..LANES {
        sums[i] = (sums[i] + second[i]) + (third[i] + fourth[i]);
    }
    let (x, y) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let mut rest = T::zero();
    for (x, y) in x.remainder().iter().zip(y.remainder()) {
        rest += x.conj() * *y;
    }
    for (x, y) in x.zip(y) {
        for i in 0..LANES {
            sums[i] += x[i].conj() * y[i];
        }
    }
    joined(sums) + rest
}

#[inline(always)]
fn subtract_inner_body<T: Field>(y: &mut [T], a: T, x: &[T], v: &[T]) -> T {
    let n = y.len();
    let (x, v) = (&x[..n], &v[..n]);
    let whole = n / LANES * LANES;
    let mut sums = [T::zero(); LANES];
    let lists = y[..whole].chunks_exact_mut(LANES).zip(x.chunks_exact(LANES)).zip(v.chunks_exact(LANES));
    for ((y, x), v) in lists {
        for l in 0..LANES {
            y[l] -= a * x[l];
            sums[l] += v[l].conj() * y[l];
        }
    }
    let mut rest = T::zero();
    for at in whole..n {
        y[at] -= a * x[at];
        rest += v[at].conj() * y[at];
    }
    joined(sums) + rest
}

#[inline(always)]
fn subtract_gather_body<T: Field>(y: &mut [T], a: T, x: &[T], w: &mut [T], b: T) {
    let n = y.len();
    for ((y, &x), w) in y.iter_mut().zip(&x[..n]).zip(&mut w[..n]) {
        *y -= a * x;
        *w += b * *y;
    }
}

#[inline(always)]
fn sweep_body<T: Field>(c: &mut [T], (a, b): (T, T), x: &[T], y: &[T], w: &mut [T], by: T, v: &[T]) -> T {
    let n = c.len();
    let (x, y, w, v) = (&x[..n], &y[..n], &mut w[..n], &v[..n]);
    let whole = n / LANES * LANES;
    let mut sums = [T::zero(); LANES];
    for at in (0..whole).step_by(LANES) {
        let (x, y, v) = (&x[at..at + LANES], &y[at..at + LANES], &v[at..at + LANES]);
        let (c, w) = (&mut c[at..at + LANES], &mut w[at..at + LANES]);
        for l in 0..LANES {
            c[l] = c[l] - a * x[l] - b * y[l];
            w[l] += by * c[l];
            sums[l] += c[l].conj() * v[l];
        }
    }
    let mut rest = T::zero();
    for at in whole..n {
        c[at] = c[at] - a * x[at] - b * y[at];
        w[at] += by * c[at];
        rest += c[at].conj() * v[at];
    }
    joined(sums) + rest
}

#[inline(always)]
fn subtract_body<T: Field>(y: &mut [T], a: T, x: &[T]) {
    plain_subtract(y, a, x);
}

leveled! {
    /// The sum of `conj(a) * b`.
    fn inner<T>(a: &[T], b: &[T]) -> T = inner_body
}

leveled! {
    /// `y[i] -= a * x[i]`.
    fn subtract<T>(y: &mut [T], a: T, x: &[T]) = subtract_body
}

leveled! {
    /// `y[i] -= a * x[i]`, and the sum of `conj(v) * y`.
    fn subtract_inner<T>(y: &mut [T], a: T, x: &[T], v: &[T]) -> T = subtract_inner_body
}

leveled! {
    /// `y[i] -= a * x[i]`, then `w[i] += b * y[i]`.
    fn subtract_gather<T>(y: &mut [T], a: T, x: &[T], w: &mut [T], b: T) = subtract_gather_body
}

leveled! {
    /// `c[i] -= a * x[i] + b * y[i]`, then `w[i] += by * c[i]`, and the sum of `conj(c) * v`.
    fn sweep<T>(c: &mut [T], factors: (T, T), x: &[T], y: &[T], w: &mut [T], by: T, v: &[T]) -> T = sweep_body
}

/// A rotation of column `j` and the next: `x' = c x + s y`, `y' = c y - s x`.
type Turn = (usize, f64, f64);

/// Rows turned in registers.
const HELD: usize = 16;

/// Turns `HELD` rows. Rotations mostly come in runs up or down the columns: the column that one shares with the next stays in
/// registers.
///
/// # Safety
/// `first` is the first of these rows in column 0; every column of the list has them, and no other piece of work touches them.
#[inline(always)]
unsafe fn turn_body<T: Real, const F: bool>(first: *mut T, m: usize, list: &[(usize, T, T)]) {
    type Part<T> = [T; HELD];
    // SAFETY: the caller's promise.
    let at = |j: usize| unsafe { first.add(j * m).cast::<Part<T>>() };
    let mut next = 0;
    // SAFETY: these rows of columns of the list.
    unsafe {
        while next < list.len() {
            let (from, mut c, mut s) = list[next];
            let down = list.get(next + 1).is_some_and(|t| t.0 + 1 == from);
            let mut j = from;
            let mut held = at(if down { j + 1 } else { j }).read_unaligned();
            loop {
                let other = at(if down { j } else { j + 1 }).read_unaligned();
                let mut done = held;
                // `held` is the right column on the way down, and the left one on the way up.
                let (side, back) = if down { (T::default() - s, s) } else { (s, T::default() - s) };
                for l in 0..HELD {
                    done[l] = other[l].madd::<F>(side, held[l] * c);
                    held[l] = held[l].madd::<F>(back, other[l] * c);
                }
                at(if down { j + 1 } else { j }).write_unaligned(done);
                next += 1;
                match list.get(next) {
                    Some(t) if if down { t.0 + 1 == j } else { t.0 == j + 1 } => (j, c, s) = *t,
                    _ => break,
                }
            }
            at(if down { j } else { j + 1 }).write_unaligned(held);
        }
    }
}

levels! {
    /// [`turn_body`] with the processor's instructions.
    ///
    /// # Safety
    /// As for that.
    unsafe fn turn<T: Real>(first: *mut T, m: usize, list: &[(usize, T, T)]) = turn_body
}

/// Turns these rows of `count` columns, in a copy: far apart, their elements would share few places of the cache.
fn turn_rows(columns: &Shared<f64>, (m, count): (usize, usize), rows: std::ops::Range<usize>, list: &[Turn]) {
    let whole = rows.start + rows.len() / HELD * HELD;
    let mut near = vec![[0.0; HELD]; if whole > rows.start { count } else { 0 }];
    for row in (rows.start..whole).step_by(HELD) {
        let part = |j: usize| columns.at((j * m + row) as isize).cast::<[f64; HELD]>();
        // SAFETY: rows of the columns, which no other piece of work touches, and their copy.
        unsafe {
            near.iter_mut().enumerate().for_each(|(j, to)| *to = part(j).read_unaligned());
            turn(near.as_mut_ptr().cast(), HELD, list);
            near.iter().enumerate().for_each(|(j, from)| part(j).write_unaligned(*from));
        }
    }
    if whole < rows.end {
        turn_few(columns, m, whole..rows.end, list);
    }
}

#[inline(always)]
fn turn_few_body(columns: &Shared<f64>, m: usize, rows: std::ops::Range<usize>, list: &[Turn]) {
    for &(j, c, s) in list {
        // SAFETY: parts of two columns, of rows that no other piece of work touches.
        let (x, y) = unsafe {
            (
                std::slice::from_raw_parts_mut(columns.at((j * m + rows.start) as isize), rows.len()),
                std::slice::from_raw_parts_mut(columns.at(((j + 1) * m + rows.start) as isize), rows.len()),
            )
        };
        for (x, y) in x.iter_mut().zip(y) {
            (*x, *y) = (*x * c + *y * s, *y * c - *x * s);
        }
    }
}

leveled! {
    /// Turns fewer rows than are held in registers.
    fn turn_few(columns: &Shared<f64>, m: usize, rows: std::ops::Range<usize>, list: &[Turn]) = turn_few_body
}

/// Rotations of adjacent columns, gathered over many steps: applied together, to a few rows at a time that stay in the cache.
pub(super) struct Turns<'a> {
    columns: Option<&'a mut [f64]>,
    m: usize,
    list: Vec<Turn>,
}

/// Rows turned at a time.
const ROWS: usize = 32;

impl<'a> Turns<'a> {
    /// Of columns of `m` elements; of none, nothing is gathered.
    pub fn new(columns: Option<&'a mut [f64]>, m: usize) -> Turns<'a> {
        Turns { columns, m, list: Vec::new() }
    }

    /// Turns column `j` and the next.
    pub fn push(&mut self, j: usize, c: f64, s: f64) {
        if self.columns.is_some() {
            self.list.push((j, c, s));
            if self.list.len() >= 32 * self.m.max(32) {
                self.columns();
            }
        }
    }

    /// The columns, all turned.
    pub fn columns(&mut self) -> Option<&mut [f64]> {
        let columns = self.columns.as_deref_mut()?;
        let (m, list) = (self.m, &self.list);
        if !list.is_empty() {
            debug_assert!(list.iter().all(|t| (t.0 + 2) * m <= columns.len()));
            let (shared, count) = (Shared::new(columns.as_mut_ptr()), columns.len() / m);
            let work = list.len() * ROWS;
            for_pieces(0..m.div_ceil(ROWS), (1usize << 17).div_ceil(work), |pieces| {
                for p in pieces {
                    turn_rows(&shared, (m, count), p * ROWS..m.min((p + 1) * ROWS), list);
                }
            });
        }
        self.list.clear();
        Some(columns)
    }
}
