//! Complex inverse functions, after Hull, Fairgrieve and Tang, "Implementing the complex arcsine and arccosine functions
//! using exception handling" (ACM TOMS 23, 1997).

use super::{C, over_i, times_i};
use core::f64::consts::{FRAC_PI_2, FRAC_PI_4, LN_2, PI};

/// The inverse sine's and cosine's parts for a number of the first quadrant: `asin`, `acos` and their common size of
/// imaginary part.
fn first_quadrant(x: f64, y: f64) -> (f64, f64, f64) {
    if x > 1e150 || y > 1e150 {
        let angle = x.atan2(y);
        // x / |z| and y / |z| are the sine and cosine of the angle.
        return (angle, y.atan2(x), (0.25 * x).hypot(0.25 * y).ln() + 3.0 * LN_2);
    }
    if y < 1e-140 {
        return beside_reals(x, y);
    }
    let r = (x + 1.0).hypot(y);
    let s = (x - 1.0).hypot(y);
    let a = 0.5 * (r + s);
    let b = x / a;
    let (asin, acos) = if b <= 0.6417 {
        (b.asin(), b.acos())
    } else {
        let sum = a + x;
        let leg = if x <= 1.0 {
            (0.5 * sum * (y * y / (r + (x + 1.0)) + (s + (1.0 - x)))).sqrt()
        } else {
            y * (0.5 * (sum / (r + (x + 1.0)) + sum / (s + (x - 1.0)))).sqrt()
        };
        (x.atan2(leg), leg.atan2(x))
    };
    let size = if a <= 1.5 {
        let other = if x < 1.0 { y * y / (s + (1.0 - x)) } else { s + (x - 1.0) };
        let above = 0.5 * (y * y / (r + (x + 1.0)) + other);
        (above + (above * (a + 1.0)).sqrt()).ln_1p()
    } else {
        (a + (a * a - 1.0).sqrt()).ln()
    };
    (asin, acos, size)
}

/// [`first_quadrant`] where the square of `y` underflows.
fn beside_reals(x: f64, y: f64) -> (f64, f64, f64) {
    let distance = (x - 1.0).abs();
    let leg = (distance * (x + 1.0)).sqrt();
    if x < 1.0 {
        (x.asin(), x.acos(), y / leg)
    } else if x > 1.0 {
        let off = y / leg;
        (FRAC_PI_2 - off, off, (distance + leg).ln_1p())
    } else {
        (FRAC_PI_2 - y.sqrt(), y.sqrt(), y.sqrt())
    }
}

pub(in crate::math) fn asin(z: C) -> C {
    let (x, y) = (z.re, z.im);
    if x.is_nan() || y.is_nan() {
        let re = if x == 0.0 { x } else { f64::NAN };
        let im = if x.is_infinite() || y.is_infinite() { f64::INFINITY.copysign(y) } else { f64::NAN };
        return C::new(re, im);
    }
    if x.is_infinite() || y.is_infinite() {
        let angle = match (x.is_infinite(), y.is_infinite()) {
            (true, true) => FRAC_PI_4,
            (true, false) => FRAC_PI_2,
            _ => 0.0,
        };
        return C::new(angle.copysign(x), f64::INFINITY.copysign(y));
    }
    let (asin, _, size) = first_quadrant(x.abs(), y.abs());
    C::new(asin.copysign(x), size.copysign(y))
}

pub(in crate::math) fn acos(z: C) -> C {
    let (x, y) = (z.re, z.im);
    if x.is_nan() || y.is_nan() {
        let re = if x == 0.0 { FRAC_PI_2 } else { f64::NAN };
        let im = if x.is_infinite() || y.is_infinite() { f64::INFINITY.copysign(-y) } else { f64::NAN };
        return C::new(re, im);
    }
    let (acos, size) = if x.is_infinite() || y.is_infinite() {
        let angle = match (x.is_infinite(), y.is_infinite()) {
            (true, true) => FRAC_PI_4,
            (true, false) => 0.0,
            _ => FRAC_PI_2,
        };
        (angle, f64::INFINITY)
    } else {
        let (_, acos, size) = first_quadrant(x.abs(), y.abs());
        (acos, size)
    };
    C::new(if x.is_sign_negative() { PI - acos } else { acos }, size.copysign(-y))
}

pub(in crate::math) fn asinh(z: C) -> C {
    over_i(asin(times_i(z)))
}

pub(in crate::math) fn acosh(z: C) -> C {
    let w = acos(z);
    if w.re.is_nan() {
        return C::new(w.im.abs(), f64::NAN);
    }
    if w.im.is_nan() {
        return C::new(f64::NAN, f64::NAN);
    }
    C::new(w.im.abs(), w.re.copysign(z.im))
}

pub(in crate::math) fn atanh(z: C) -> C {
    let (x, y) = (z.re, z.im);
    let (ax, ay) = (x.abs(), y.abs());
    if y == 0.0 && ax <= 1.0 {
        return C::new(x.atanh(), y);
    }
    if x == 0.0 {
        return C::new(x, y.atan());
    }
    if x.is_nan() || y.is_nan() {
        let re = if x.is_infinite() || y.is_infinite() { 0f64.copysign(x) } else { f64::NAN };
        let im = if y.is_infinite() { FRAC_PI_2.copysign(y) } else { f64::NAN };
        return C::new(re, im);
    }
    let quarter_turn = FRAC_PI_2.copysign(y);
    if ax.max(ay) > 1e17 {
        return C::new(real_of_reciprocal(x, y), quarter_turn);
    }
    let square = |v: f64| if v < 1e-154 { 0.0 } else { v * v };
    let re = if ax == 1.0 && ay < f64::EPSILON {
        0.5 * (LN_2 - ay.ln())
    } else {
        0.25 * (4.0 * ax / ((ax - 1.0) * (ax - 1.0) + square(ay))).ln_1p()
    };
    let im =
        if ax == 1.0 { 0.5 * 2f64.atan2(-ay) } else { 0.5 * (2.0 * ay).atan2((1.0 - ax) * (1.0 + ax) - square(ay)) };
    C::new(re.copysign(x), im.copysign(y))
}

/// `x / (x^2 + y^2)` for numbers of which one is large.
fn real_of_reciprocal(x: f64, y: f64) -> f64 {
    if x.is_infinite() || y.is_infinite() {
        return 0f64.copysign(x);
    }
    if x.abs() >= y.abs() { 1.0 / (x + y * (y / x)) } else { x / y / (y + x * (x / y)) }
}

pub(in crate::math) fn atan(z: C) -> C {
    over_i(atanh(times_i(z)))
}
