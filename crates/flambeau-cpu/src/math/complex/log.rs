//! The complex logarithm, square root and power.

use super::super::step::{Separate, two_prod, two_sum};
use super::{C, div, exp};

/// `x^2 + y^2 - 1` to full accuracy, for `x` and `y` of moderate size.
fn square_less_one(x: f64, y: f64) -> f64 {
    let (a, a_low) = two_prod::<Separate>(x, x);
    let (b, b_low) = two_prod::<Separate>(y, y);
    let (big, small) = if a > b { (a, b) } else { (b, a) };
    let (s, s_low) = two_sum(big - 1.0, small);
    s + (s_low + (a_low + b_low))
}

/// The logarithm of `|z|`.
fn log_abs(x: f64, y: f64) -> f64 {
    let (a, b) = (x.abs().max(y.abs()), x.abs().min(y.abs()));
    if x.is_nan() || y.is_nan() {
        return if x.is_infinite() || y.is_infinite() { f64::INFINITY } else { f64::NAN };
    }
    if a > 1e300 {
        return (0.25 * a).hypot(0.25 * b).ln() + 2.0 * core::f64::consts::LN_2;
    }
    let size = a.hypot(b);
    if (0.5..2.0).contains(&size) { 0.5 * square_less_one(a, b).ln_1p() } else { size.ln() }
}

pub(in crate::math) fn log(z: C) -> C {
    C::new(log_abs(z.re, z.im), z.im.atan2(z.re))
}

pub(in crate::math) fn log2(z: C) -> C {
    log(z) * core::f64::consts::LOG2_E
}

pub(in crate::math) fn log10(z: C) -> C {
    log(z) * core::f64::consts::LOG10_E
}

pub(in crate::math) fn log1p(z: C) -> C {
    let (x, y) = (z.re, z.im);
    if x.is_nan() || y.is_nan() {
        return C::new(f64::NAN, f64::NAN);
    }
    let angle = y.atan2(1.0 + x);
    if x.abs() < 0.5 && y.abs() < 1.5 && (x != 0.0 || y != 0.0) {
        // |1 + z|^2 - 1 = 2 x + x^2 + y^2, each term with its error.
        let (a, a_low) = two_prod::<Separate>(x, x);
        let (b, b_low) = two_prod::<Separate>(y, y);
        let (s, s_low) = two_sum(2.0 * x, b);
        let (s, t_low) = two_sum(s, a);
        let excess = s + (s_low + t_low + (a_low + b_low));
        return C::new(0.5 * excess.ln_1p(), angle);
    }
    if x == 0.0 && y == 0.0 {
        return z;
    }
    C::new(log_abs(1.0 + x, y), angle)
}

pub(in crate::math) fn sqrt(z: C) -> C {
    let (x, y) = (z.re, z.im);
    if x == 0.0 && y == 0.0 {
        return C::new(0.0, y);
    }
    if y.is_infinite() {
        return C::new(f64::INFINITY, y);
    }
    if x.is_nan() || (y.is_nan() && x.is_finite()) {
        return C::new(f64::NAN, f64::NAN);
    }
    if x.is_infinite() {
        let other = if y.is_nan() { y } else { 0.0 };
        return if x < 0.0 {
            C::new(other, x.abs().copysign(y))
        } else {
            C::new(x, if y.is_nan() { y } else { 0f64.copysign(y) })
        };
    }
    // Powers of four keep the sum in range and the root exact.
    let large = x.abs().max(y.abs()) > 1e300;
    let tiny = x.abs().max(y.abs()) < 1e-290;
    let (down, up) = match (large, tiny) {
        (true, _) => (0.0625, 4.0),
        (_, true) => (2f64.powi(108), 2f64.powi(-54)),
        _ => (1.0, 1.0),
    };
    let (a, b) = (x * down, y * down);
    let t = (0.5 * (a.abs() + a.hypot(b))).sqrt();
    let (t, other) = (t * up, b.abs() / (2.0 * t) * up);
    if a >= 0.0 { C::new(t, other.copysign(y)) } else { C::new(other, t.copysign(y)) }
}

pub(in crate::math) fn rsqrt(z: C) -> C {
    div(C::new(1.0, 0.0), sqrt(z))
}

/// `exp(y log x)` for zeros too: `0^0` is nan, as C's `cpow` has it.
pub(in crate::math) fn pow(x: C, y: C) -> C {
    exp::exp(product(y, log(x)))
}

/// The product as C defines it: infinite where a factor is, though the parts of the plain formula cancel to nan.
fn product(mut p: C, mut q: C) -> C {
    let plain = |p: C, q: C| C::new(p.re * q.re - p.im * q.im, p.re * q.im + p.im * q.re);
    let z = plain(p, q);
    if !(z.re.is_nan() && z.im.is_nan()) {
        return z;
    }
    // An infinite factor has parts of size 1 where it is infinite, else 0; a nan of the other one counts as 0.
    let unit = |v: f64| if v.is_infinite() { 1f64 } else { 0.0 }.copysign(v);
    let settle = |v: f64| if v.is_nan() { 0f64.copysign(v) } else { v };
    let (p_infinite, q_infinite) = (p.re.is_infinite() || p.im.is_infinite(), q.re.is_infinite() || q.im.is_infinite());
    let overflowed = [p.re * q.re, p.im * q.im, p.re * q.im, p.im * q.re].iter().any(|v| v.is_infinite());
    if !p_infinite && !q_infinite && !overflowed {
        return z;
    }
    if p_infinite {
        (p, q) = (C::new(unit(p.re), unit(p.im)), C::new(settle(q.re), settle(q.im)));
    }
    if q_infinite {
        (q, p) = (C::new(unit(q.re), unit(q.im)), C::new(settle(p.re), settle(p.im)));
    }
    if !p_infinite && !q_infinite {
        (p, q) = (C::new(settle(p.re), settle(p.im)), C::new(settle(q.re), settle(q.im)));
    }
    let z = plain(p, q);
    C::new(f64::INFINITY * z.re, f64::INFINITY * z.im)
}
