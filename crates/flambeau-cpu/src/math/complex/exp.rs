//! The complex exponential and what follows from it.

use super::{C, div};

/// `e^x (cos y + i sin y)` without overflow before the product's.
pub(super) fn polar_exp(x: f64, y: f64) -> C {
    let (sin, cos) = y.sin_cos();
    if x > 709.0 {
        // In steps: e^x alone is infinite, its product with a small sine is not.
        let rest = (x - 709.0).min(1500.0);
        let (first, second, third) = (709f64.exp(), (0.5 * rest).exp(), (0.5 * rest).exp());
        return C::new(cos * first * second * third, sin * first * second * third);
    }
    let size = x.exp();
    C::new(size * cos, size * sin)
}

pub(in crate::math) fn exp(z: C) -> C {
    let (x, y) = (z.re, z.im);
    if y == 0.0 {
        return C::new(x.exp(), y);
    }
    if !y.is_finite() && x.is_infinite() {
        return if x < 0.0 { C::new(0.0, 0f64.copysign(y)) } else { C::new(x, f64::NAN) };
    }
    if x.is_infinite() {
        let (sin, cos) = y.sin_cos();
        let size = if x < 0.0 { 0.0 } else { x };
        return C::new(size * cos, size * sin);
    }
    polar_exp(x, y)
}

pub(in crate::math) fn expm1(z: C) -> C {
    let (x, y) = (z.re, z.im);
    if x.is_finite() && y.is_finite() && x > 40.0 {
        let e = exp(z);
        return C::new(e.re - 1.0, e.im);
    }
    // Of infinite parts too, as PyTorch: what is infinite times zero is nan.
    let half = (0.5 * y).sin();
    C::new(x.exp_m1() * y.cos() - 2.0 * half * half, x.exp() * y.sin())
}

pub(in crate::math) fn sigmoid(z: C) -> C {
    // The exponential that does not overflow, but for minus infinity, where PyTorch's quotient of infinities is nan.
    let one = C::new(1.0, 0.0);
    if z.re < 0.0 && z.re.is_finite() {
        let e = exp(z);
        return div(e, one + e);
    }
    div(one, one + exp(-z))
}
