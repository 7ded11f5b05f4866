//! The continuous uniform distribution.

use flambeau_types::{DType, Dims, Error, Result};

use super::Generator;
use super::check::{cpp_name, largest, short, unimplemented};
use super::fill::{Number, dispatch, fill32, fill64};
use super::generator::{unit_f32, unit_f64};
use crate::ViewMut;

/// Fills with numbers of `[from, to)`. Complex elements get such a number in each part.
pub fn uniform(g: &mut Generator, out: &mut ViewMut, from: f64, to: f64) -> Result<()> {
    if out.dtype().is_complex() {
        return if out.numel() == 0 { Ok(()) } else { parts(out, |parts| uniform(g, parts, from, to)) };
    }
    let dtype = out.dtype();
    if !dtype.is_floating() {
        return Err(unimplemented("check_uniform_bounds", dtype));
    }
    let max = largest(dtype);
    for (v, name) in [(from, "from"), (to, "to")] {
        if !(-max..=max).contains(&v) {
            return Err(Error::runtime(format!("{name} is out of bounds for {}", cpp_name(dtype))));
        }
    }
    if from > to {
        return Err(Error::runtime(format!(
            "uniform_ expects to return a [from, to) range, but found from={} > to={}",
            short(from),
            short(to)
        )));
    }
    if to - from > max {
        return Err(Error::runtime(format!(
            "uniform_ expects to-from <= std::numeric_limits<{}>::max(), but found to={} and from={} which result in to-from to \
             exceed the limit",
            dtype.title(),
            short(to),
            short(from)
        )));
    }
    if dtype == DType::F64 {
        let range = to - from;
        let keep = |v: f64| if v == to { from } else { v };
        if from == 0.0 {
            fill64(g, out, |b| keep(unit_f64(b) * range));
        } else {
            fill64(g, out, |b| keep(unit_f64(b).mul_add(range, from)));
        }
        return Ok(());
    }
    let (low, range) = (from as f32, to as f32 - from as f32);
    dispatch!(float, dtype, "uniform_kernel_cpu", T => {
        let (first, end) = (T::of_f64(from), T::of_f64(to));
        // Rounding may reach the end of the range, which does not belong to it.
        let keep = |v: f32| { let v = T::of_f32(v); if v == end { first } else { v } };
        if low == 0.0 {
            fill32(g, out, |b| keep(unit_f32(b) * range));
        } else {
            fill32(g, out, |b| keep(unit_f32(b).mul_add(range, low)));
        }
    });
    Ok(())
}

/// Runs `f` on the real and imaginary parts of complex elements: one more dimension, of two.
pub(super) fn parts(out: &mut ViewMut, f: impl FnOnce(&mut ViewMut) -> Result<()>) -> Result<()> {
    let sizes: Dims = out.sizes().iter().copied().chain([2]).collect();
    let strides: Dims = out.strides().iter().map(|s| s * 2).chain([1]).collect();
    // SAFETY: a complex element is its two parts side by side, so this reaches the same memory.
    f(&mut unsafe { ViewMut::new(out.ptr(), out.dtype().to_real(), &sizes, &strides) })
}
