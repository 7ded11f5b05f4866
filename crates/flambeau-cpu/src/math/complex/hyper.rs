//! Complex hyperbolic functions; the trigonometric ones are theirs, turned by a quarter.

use super::exp::polar_exp;
use super::{C, over_i, times_i};

/// From here on `sinh` and `cosh` are half of the exponential.
const LARGE: f64 = 22.0;

/// `e^|x| / 2 * (cos y + i sin y)`.
fn half_exp(x: f64, y: f64) -> C {
    // The half is taken off the exponent, where it does not overflow.
    polar_exp(x.abs() - 700.0, y) * (0.5 * 700f64.exp())
}

pub(in crate::math) fn sinh(z: C) -> C {
    let (x, y) = (z.re, z.im);
    if y == 0.0 {
        return C::new(x.sinh(), y);
    }
    if !y.is_finite() {
        let re = if x == 0.0 || x.is_infinite() { x } else { f64::NAN };
        return C::new(re, f64::NAN);
    }
    let (sin, cos) = y.sin_cos();
    if x.is_infinite() {
        return C::new(x * cos, x.abs() * sin);
    }
    if x.abs() > 700.0 {
        let h = half_exp(x, y);
        return C::new(h.re * x.signum(), h.im);
    }
    C::new(x.sinh() * cos, x.cosh() * sin)
}

pub(in crate::math) fn cosh(z: C) -> C {
    let (x, y) = (z.re, z.im);
    if y == 0.0 {
        return C::new(x.cosh(), if x.is_nan() { y } else { y * x.signum() });
    }
    if !y.is_finite() {
        let re = if x.is_infinite() { f64::INFINITY } else { f64::NAN };
        let im = if x == 0.0 { x } else { f64::NAN };
        return C::new(re, im);
    }
    let (sin, cos) = y.sin_cos();
    if x.is_infinite() {
        return C::new(x.abs() * cos, x * sin);
    }
    if x.abs() > 700.0 {
        let h = half_exp(x, y);
        return C::new(h.re, h.im * x.signum());
    }
    C::new(x.cosh() * cos, x.sinh() * sin)
}

pub(in crate::math) fn tanh(z: C) -> C {
    let (x, y) = (z.re, z.im);
    if x.is_nan() {
        return C::new(x, if y == 0.0 { y } else { f64::NAN });
    }
    if x.is_infinite() {
        let turn = if y.is_infinite() || y.is_nan() { y } else { y.sin() * y.cos() };
        return C::new(1f64.copysign(x), 0f64.copysign(turn));
    }
    if !y.is_finite() {
        return C::new(if x == 0.0 { x } else { f64::NAN }, f64::NAN);
    }
    if x.abs() >= LARGE {
        let e = (-x.abs()).exp();
        return C::new(1f64.copysign(x), 4.0 * y.sin() * y.cos() * e * e);
    }
    // Kahan's formula.
    let t = y.tan();
    let beta = 1.0 + t * t;
    let s = x.sinh();
    let rho = (1.0 + s * s).sqrt();
    if !beta.is_finite() {
        return C::new(rho / s, 1.0 / t);
    }
    let den = 1.0 + beta * s * s;
    C::new(beta * rho * s / den, t / den)
}

pub(in crate::math) fn sin(z: C) -> C {
    over_i(sinh(times_i(z)))
}

pub(in crate::math) fn cos(z: C) -> C {
    cosh(times_i(z))
}

pub(in crate::math) fn tan(z: C) -> C {
    over_i(tanh(times_i(z)))
}
