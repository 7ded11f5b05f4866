//! The loops that searches for values and vectors spend their time in, compiled for the level of the machine.

use super::field::{Field, subtract as plain_subtract};
use crate::gemm::{Shared, for_pieces};

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

/// Several sums that need not wait for each other.
#[inline(always)]
fn inner_body<T: Field>(a: &[T], b: &[T]) -> T {
    let n = a.len().min(b.len());
    let (a, b) = (a[..n].chunks_exact(8), b[..n].chunks_exact(8));
    let mut rest = T::zero();
    for (x, y) in a.remainder().iter().zip(b.remainder()) {
        rest += x.conj() * *y;
    }
    let mut sums = [T::zero(); 8];
    for (x, y) in a.zip(b) {
        for i in 0..8 {
            sums[i] += x[i].conj() * y[i];
        }
    }
    sums.into_iter().fold(rest, |s, x| s + x)
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

/// A rotation of column `j` and the next: `x' = c x + s y`, `y' = c y - s x`.
type Turn = (usize, f64, f64);

#[inline(always)]
fn turn_body(columns: &Shared<f64>, m: usize, rows: std::ops::Range<usize>, list: &[Turn]) {
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
    /// Turns these rows.
    fn turn_rows(columns: &Shared<f64>, m: usize, rows: std::ops::Range<usize>, list: &[Turn]) = turn_body
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
            let shared = Shared::new(columns.as_mut_ptr());
            let work = list.len() * ROWS;
            for_pieces(0..m.div_ceil(ROWS), (1usize << 17).div_ceil(work), |pieces| {
                for p in pieces {
                    turn_rows(&shared, m, p * ROWS..m.min((p + 1) * ROWS), list);
                }
            });
        }
        self.list.clear();
        Some(columns)
    }
}
