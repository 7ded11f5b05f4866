//! Many elements into one.

use flambeau_cpu::{View, ViewMut};

use super::rule;
use crate::{Dims, Result};

pub mod counts;
pub mod covariance;
pub mod deviation;
pub mod difference;
pub mod distance;
pub mod extremes;
pub mod logic;
pub mod norms;
pub mod products;
pub mod recurrence;
pub mod running;
pub mod sums;

/// Runs a reduction kernel, which wants its output with the reduced dimensions kept as 1.
pub(crate) fn over(
    y: &mut ViewMut,
    x: View,
    dim: Option<&[i64]>,
    kernel: impl FnOnce(&mut ViewMut, View, &[bool]),
) -> Result<()> {
    let mask = rule::mask(x.ndim(), dim)?;
    let (sizes, strides) = kept(y, &mask);
    // SAFETY: dimensions of size 1 are put in, which reach nothing new.
    let mut out = unsafe { ViewMut::new(y.ptr(), y.dtype(), &sizes, &strides) };
    kernel(&mut out, x, &mask);
    Ok(())
}

/// As [`over`], for a kernel with two outputs.
pub(crate) fn over_both(
    a: &mut ViewMut,
    b: &mut ViewMut,
    x: View,
    dim: Option<&[i64]>,
    kernel: impl FnOnce(&mut ViewMut, &mut ViewMut, View, &[bool]),
) -> Result<()> {
    let mask = rule::mask(x.ndim(), dim)?;
    let ((a_sizes, a_strides), (b_sizes, b_strides)) = (kept(a, &mask), kept(b, &mask));
    // SAFETY: dimensions of size 1 are put in, which reach nothing new.
    let mut a = unsafe { ViewMut::new(a.ptr(), a.dtype(), &a_sizes, &a_strides) };
    // SAFETY: as above.
    let mut b = unsafe { ViewMut::new(b.ptr(), b.dtype(), &b_sizes, &b_strides) };
    kernel(&mut a, &mut b, x, &mask);
    Ok(())
}

/// Sizes and strides of an output with the reduced dimensions as 1, whether it was made with or without them.
pub(crate) fn kept(y: &ViewMut, mask: &[bool]) -> (Dims, Dims) {
    if y.ndim() == mask.len() {
        return (y.sizes().into(), y.strides().into());
    }
    let mut at = 0;
    mask.iter()
        .map(|&m| {
            if m {
                return (1, 1);
            }
            at += 1;
            (y.sizes()[at - 1], y.strides()[at - 1])
        })
        .unzip()
}
