//! Sampling indices with given weights.

use std::convert::Infallible;

use flambeau_types::{DType, Element, Error, Result, contiguous_strides};

use super::Generator;
use super::fill::{Number, dispatch};
use super::order::Order;
use super::select::greatest;
use crate::{View, ViewMut};

/// Fills `out` (int64, one row for each row of `weights`) with indices drawn with these weights.
///
/// With replacement, each index is found in the cumulated weights. Without, or when there is but one to draw, the greatest
/// quotients of weight and exponential number win.
pub fn multinomial(
    g: &mut Generator,
    out: &mut ViewMut,
    weights: View,
    n_sample: i64,
    replacement: bool,
) -> Result<()> {
    let fail = |text: &str| Err(Error::runtime(text));
    if weights.ndim() == 0 || weights.ndim() > 2 {
        return fail("prob_dist must be 1 or 2 dim");
    }
    if !weights.dtype().is_floating() {
        return Err(Error::runtime(format!(
            "multinomial only supports floating-point dtypes for input, got: {}",
            weights.dtype().title()
        )));
    }
    if out.dtype() != DType::I64 {
        return Err(Error::runtime(format!("multinomial expects Long tensor out, got: {}", out.dtype().title())));
    }
    if n_sample <= 0 {
        return fail("cannot sample n_sample <= 0 samples");
    }
    let categories = weights.sizes()[weights.ndim() - 1];
    if !replacement && n_sample > categories {
        return fail("cannot sample n_sample > prob_dist.size(-1) samples without replacement");
    }
    if categories > 1 << 24 {
        return fail("number of categories cannot exceed 2^24");
    }
    let rows = if weights.ndim() == 2 { weights.sizes()[0] as usize } else { 1 };
    if rows == 0 {
        return Ok(());
    }
    if categories == 0 && n_sample > 1 {
        return invalid("sum of probabilities <= 0");
    }
    if categories == 0 {
        return fail("aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.");
    }
    let (k, n) = (n_sample as usize, categories as usize);
    debug_assert_eq!(out.numel(), rows * k);
    let at = Target::of(out);
    dispatch!(float, weights.dtype(), "multinomial", T => {
        let values = rows_of::<T>(weights);
        if !replacement || k == 1 {
            without_replacement::<T>(g, weights, &values, n, k, at)
        } else if T::DTYPE == DType::F64 {
            with_replacement(g, &values, n, k, at, |sum, w| sum + w, |c, sum| c / sum)
        } else {
            // Up to float32, sums and quotients are rounded to single precision.
            with_replacement(g, &values, n, k, at, |s, w| (s as f32 + w as f32) as f64, |c, s| (c as f32 / s as f32) as f64)
        }
    })
}

/// Where the indices go: row and column steps over int64 elements.
#[derive(Clone, Copy)]
struct Target {
    ptr: *mut i64,
    row: isize,
    column: isize,
}

impl Target {
    fn of(out: &ViewMut) -> Target {
        let strides = out.strides();
        let (row, column) = match strides {
            [row, column] => (*row, *column),
            [column] => (0, *column),
            _ => (0, 0),
        };
        Target { ptr: out.ptr().cast(), row: row as isize, column: column as isize }
    }

    /// # Safety
    /// The row and column must be within the view that this was made of.
    unsafe fn set(self, row: usize, column: usize, index: usize) {
        // SAFETY: forwarded to the caller.
        unsafe {
            self.ptr.offset(row as isize * self.row + column as isize * self.column).write_unaligned(index as i64)
        }
    }
}

/// The weights row by row, in double precision.
fn rows_of<T: Number>(weights: View) -> Vec<f64> {
    let mut values = vec![0.0; weights.numel()];
    let rows = contiguous_strides(weights.sizes());
    let from: *const T = weights.ptr().cast();
    let _: Result<(), Infallible> = Order::new(weights.sizes(), [&rows, weights.strides()]).try_for_each(|[row, o]| {
        // SAFETY: the order yields offsets of elements of the view, whose dtype is `T`.
        values[row as usize] = unsafe { from.offset(o).read_unaligned() }.to_scalar().to_f64();
        Ok(())
    });
    values
}

fn invalid(why: &str) -> Result<()> {
    Err(Error::runtime(format!("invalid multinomial distribution ({why})")))
}

fn with_replacement(
    g: &mut Generator,
    values: &[f64],
    n: usize,
    k: usize,
    at: Target,
    add: impl Fn(f64, f64) -> f64,
    divide: impl Fn(f64, f64) -> f64,
) -> Result<()> {
    let mut cumulated = vec![0.0; n];
    for (r, row) in values.chunks_exact(n).enumerate() {
        let mut sum = 0.0;
        for (c, &w) in cumulated.iter_mut().zip(row) {
            if w.is_nan() || w < 0.0 {
                return invalid("encountering probability entry < 0");
            }
            if w.is_infinite() {
                return invalid("encountering probability entry = infinity or NaN");
            }
            sum = add(sum, w);
            *c = sum;
        }
        if sum <= 0.0 {
            return invalid("sum of probabilities <= 0");
        }
        cumulated.iter_mut().for_each(|c| *c = divide(*c, sum));
        cumulated[n - 1] = 1.0;
        for j in 0..k {
            let u = g.unit_f64();
            let index = cumulated.partition_point(|&c| c < u);
            // SAFETY: `out` has a row for each row of weights, and `k` columns.
            unsafe { at.set(r, j, index) };
        }
    }
    Ok(())
}

fn without_replacement<T: Number>(
    g: &mut Generator,
    weights: View,
    values: &[f64],
    n: usize,
    k: usize,
    at: Target,
) -> Result<()> {
    if !values.iter().all(|&v| (0.0..f64::INFINITY).contains(&v)) {
        return Err(Error::runtime("probability tensor contains either `inf`, `nan` or element < 0"));
    }
    if values.chunks_exact(n).any(|row| row.iter().all(|&v| v == 0.0)) {
        return invalid("sum of probabilities <= 0");
    }
    // The exponential numbers are drawn in the memory order of the weights.
    let rows = contiguous_strides(weights.sizes());
    let mut quotients = vec![0.0; values.len()];
    let _: Result<(), Infallible> = Order::new(weights.sizes(), [weights.strides(), &rows]).try_for_each(|[_, i]| {
        let number = T::of_f64(-(-g.unit_f64()).ln_1p()).to_scalar().to_f64();
        let weight = values[i as usize];
        let quotient = match T::DTYPE {
            DType::F64 => T::of_f64(weight / number),
            _ => T::of_f32(weight as f32 / number as f32),
        };
        quotients[i as usize] = quotient.to_scalar().to_f64();
        Ok(())
    });
    for (r, row) in quotients.chunks_exact(n).enumerate() {
        for (j, index) in greatest(row, k).into_iter().enumerate() {
            // SAFETY: `out` has a row for each row of weights, and `k` columns.
            unsafe { at.set(r, j, index) };
        }
    }
    Ok(())
}
