//! Distributions by inversion: one double-precision uniform number gives one number.

use std::f64::consts::PI;

use flambeau_types::{Error, Result};

use super::Generator;
use super::check::{cpp_name, short};
use super::fill::{Number, dispatch, fill64};
use super::generator::unit_f64;
use crate::ViewMut;

/// Fills with exponential numbers of rate `lambda`.
pub fn exponential(g: &mut Generator, out: &mut ViewMut, lambda: f64) -> Result<()> {
    if lambda.is_nan() || lambda <= 0.0 {
        return Err(Error::runtime(format!("exponential_ expects lambda > 0.0, but found lambda={}", short(lambda))));
    }
    if out.numel() == 0 {
        return Ok(());
    }
    if !out.dtype().is_floating() {
        return Err(Error::runtime(format!(
            "Exponential distribution is a continuous probability distribution. dtype must be a floating point but you \
             specified {}",
            out.dtype().title()
        )));
    }
    let scale = -1.0 / lambda;
    dispatch!(float, out.dtype(), "exponential_cpu", T => fill64(g, out, |b| T::of_f64(scale * (-unit_f64(b)).ln_1p())));
    Ok(())
}

/// Fills with the number of trials, each with probability `p`, up to the first success.
pub fn geometric(g: &mut Generator, out: &mut ViewMut, p: f64) -> Result<()> {
    if !(p > 0.0 && p < 1.0) {
        return Err(Error::runtime(format!("geometric_ expects p to be in (0, 1), but got p={}", short(p))));
    }
    if out.numel() == 0 {
        return Ok(());
    }
    let scale = (-p).ln_1p();
    dispatch!(number, out.dtype(), "geometric_cpu", T => fill64(g, out, |b| T::of_f64((unit_f64(b).ln() / scale).ceil())));
    Ok(())
}

/// Fills with Cauchy numbers around `median`.
pub fn cauchy(g: &mut Generator, out: &mut ViewMut, median: f64, sigma: f64) -> Result<()> {
    if sigma.is_nan() || sigma <= 0.0 {
        return Err(Error::runtime(format!("cauchy_ expects sigma > 0.0, but found sigma={}", short(sigma))));
    }
    if !out.dtype().is_floating() {
        return Err(Error::runtime(format!(
            "Cauchy distribution is a continuous probability distribution. dtype must be a floating point but you specified {}",
            cpp_name(out.dtype())
        )));
    }
    dispatch!(float, out.dtype(), "cauchy_cpu", T => {
        fill64(g, out, |b| T::of_f64(sigma.mul_add((PI * (unit_f64(b) - 0.5)).tan(), median)));
    });
    Ok(())
}
