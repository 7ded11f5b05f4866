//! The incomplete gamma functions and the multivariate one.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use flambeau_cpu::math::plain::f64 as math;

use crate::ops::unary::special::missing;
use crate::ops::{Options, Val, op, rule, samples};
use crate::{DType, Error, Kind, Result, Tensor};

/// `mu - ln(1 + mu)`, without cancellation near 0.
fn phi(mu: f64) -> f64 {
    if mu.abs() > 0.4 {
        return mu - mu.ln_1p();
    }
    // With r = mu / (2 + mu), ln(1 + mu) is 2 (r + r^3 / 3 + r^5 / 5 ...).
    let r = mu / (2.0 + mu);
    let z = r * r;
    let (mut sum, mut power, mut k) = (0.0, z, 3.0);
    while power > 1e-18 * z {
        sum += power / k;
        power *= z;
        k += 2.0;
    }
    r * (mu - 2.0 * sum)
}

/// `x ** a * exp(-x) / gamma(a + 1)`.
fn prefactor(a: f64, x: f64) -> f64 {
    if a < 20.0 {
        return if x < 600.0 && x > 1e-10 {
            x.powf(a) * (-x).exp() / math::lgamma(a + 1.0).exp()
        } else {
            (a * x.ln() - x - math::lgamma(a + 1.0)).exp()
        };
    }
    // By Stirling's series.
    let z = 1.0 / (a * a);
    let correction = (1.0 / 12.0 - z * (1.0 / 360.0 - z * (1.0 / 1260.0 - z * (1.0 / 1680.0 - z / 1188.0)))) / a;
    (-a * phi((x - a) / a) - correction).exp() / (2.0 * PI * a).sqrt()
}

/// The lower function by its power series, for `x` not much above `a`.
fn lower_series(a: f64, x: f64, tight: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0, 1.0, a);
    while term > tight * sum {
        n += 1.0;
        term *= x / n;
        sum += term;
    }
    prefactor(a, x) * sum
}

/// The upper function by its series for small `a` and `x`.
fn upper_series(a: f64, x: f64, tight: f64) -> f64 {
    let (mut factor, mut sum, mut n) = (1.0, 0.0, 1.0);
    loop {
        factor *= -x / n;
        let term: f64 = factor / (a + n);
        sum += term;
        if term.abs() <= tight * f64::abs(sum) {
            break;
        }
        n += 1.0;
    }
    let log = a * x.ln();
    -(log - math::lgamma(1.0 + a)).exp_m1() - (log - math::lgamma(a)).exp() * sum
}

/// The upper function by its continued fraction, for `x` above `a` and above 1.
fn upper_fraction(a: f64, x: f64, tight: f64) -> f64 {
    // Numerators and denominators by their recurrences, made smaller before they overflow: one step waits for two products
    // of the one before, and for no division.
    const LARGE: f64 = 4503599627370496.0;
    let tight = tight.max(2e-16);
    let (mut y, mut z, mut n) = (1.0 - a, x + 2.0 - a, 0.0);
    let (mut p0, mut q0, mut p1, mut q1) = (1.0, x, x + 1.0, z * x);
    let mut h = p1 / q1;
    loop {
        n += 1.0;
        y += 1.0;
        z += 2.0;
        let (p, q) = (p1 * z - p0 * (y * n), q1 * z - q0 * (y * n));
        let before = h;
        if q != 0.0 {
            h = p / q;
        }
        if q != 0.0 && (h - before).abs() <= tight * h.abs() || n > 1e6 {
            break;
        }
        (p0, q0, p1, q1) = (p1, q1, p, q);
        if p.abs() > LARGE {
            (p0, q0, p1, q1) = (p0 / LARGE, q0 / LARGE, p1 / LARGE, q1 / LARGE);
        }
    }
    prefactor(a, x) * a * h
}

/// Temme's uniform expansion for large `a` and `x` near it: both functions.
fn near(a: f64, x: f64) -> (f64, f64) {
    let mu = (x - a) / a;
    let eta = (2.0 * phi(mu)).sqrt().copysign(mu);
    let c0 = -1.0 / 3.0 + eta * (1.0 / 12.0 + eta * (-2.0 / 135.0 + eta * (1.0 / 864.0 + eta / 2835.0)));
    let rest = (-0.5 * a * eta * eta).exp() / (2.0 * PI * a).sqrt() * (c0 - (1.0 / 540.0) / a);
    let at = eta * a.sqrt() * FRAC_1_SQRT_2;
    (0.5 * math::erfc(-at) - rest, 0.5 * math::erfc(at) + rest)
}

/// Both functions on the borders of where they are defined, asked in PyTorch's order: a nan may stand beside 0 and infinity.
fn limits(a: f64, x: f64) -> Option<(f64, f64)> {
    const NAN: (f64, f64) = (f64::NAN, f64::NAN);
    Some(match () {
        () if a < 0.0 || x < 0.0 => NAN,
        () if a == 0.0 => {
            if x > 0.0 {
                (1.0, 0.0)
            } else {
                NAN
            }
        }
        () if x == 0.0 => (0.0, 1.0),
        () if a.is_infinite() => {
            if x.is_infinite() {
                NAN
            } else {
                (0.0, 1.0)
            }
        }
        () if x.is_infinite() => (1.0, 0.0),
        () if a.is_nan() || x.is_nan() => NAN,
        () => return None,
    })
}

/// The regularized lower incomplete gamma function, for results with that gap between one and the next number.
pub(crate) fn lower(a: f64, x: f64, epsilon: f64) -> f64 {
    if let Some((lower, _)) = limits(a, x) {
        return lower;
    }
    if a > 1e6 && ((x - a) / a).abs() < 0.3 {
        return near(a, x).0;
    }
    if x > 1.0 && x > a { 1.0 - upper(a, x, epsilon) } else { lower_series(a, x, 0.04 * epsilon) }
}

/// The regularized upper incomplete gamma function, as [`lower`].
pub(crate) fn upper(a: f64, x: f64, epsilon: f64) -> f64 {
    if let Some((_, upper)) = limits(a, x) {
        return upper;
    }
    if a > 1e6 && ((x - a) / a).abs() < 0.3 {
        return near(a, x).1;
    }
    let tight = 0.04 * epsilon;
    // Where the series of the lower function leaves enough of 1, as Cephes draws the line.
    let by_lower = if x > 1.1 {
        x < a
    } else if x <= 0.5 {
        -0.4 / x.ln() < a
    } else {
        x * 1.1 < a
    };
    if by_lower {
        1.0 - lower_series(a, x, tight)
    } else if x <= 1.1 {
        upper_series(a, x, tight)
    } else {
        upper_fraction(a, x, tight)
    }
}

fn incomplete_dtype(a: &Tensor, x: &Tensor, what: &str) -> Result<DType> {
    let d = rule::promote(a, x);
    if d.kind() != Kind::Float {
        return Err(Error::not_implemented(format!("\"{what}\" not implemented for '{}'", d.title())));
    }
    Ok(d)
}

/// The slope of the lower function in its second argument.
fn density(a: &Val, x: &Val) -> Val {
    ((a - 1.0) * x.log() - x - a.lgamma()).exp()
}

op! {
    /// The regularized lower incomplete gamma function of order `input` at `other`.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted, floating-point.
    ///
    /// >>> torch.igamma(torch.tensor([4.]), torch.tensor([3., 4., 5.]))
    /// tensor([0.3528, 0.5665, 0.7350])
    fn igamma(input: Tensor, other: Tensor) -> y;
    variants [method, function, inplace, out];
    alias [special gammainc];
    dtype incomplete_dtype(input, other, "igamma_cpu");
    map { (input, other) Float => crate::ops::binary::gamma::lower(input as f64, other as f64, EPSILON as f64) as _ };
    vjp {
        input => |g| { let _ = g; missing("the derivative for 'igamma: input' is not implemented.") };
        other => |g, input, other| g * density(input, other)
    };
    samples without_gradcheck(samples::pairs(0.3, 3.0));
}

op! {
    /// The regularized upper incomplete gamma function of order `input` at `other`: 1 less the lower one.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted, floating-point.
    ///
    /// >>> torch.igammac(torch.tensor([4.]), torch.tensor([3., 4., 5.]))
    /// tensor([0.6472, 0.4335, 0.2650])
    fn igammac(input: Tensor, other: Tensor) -> y;
    variants [method, function, inplace, out];
    alias [special gammaincc];
    dtype incomplete_dtype(input, other, "igammac_cpu");
    map { (input, other) Float => crate::ops::binary::gamma::upper(input as f64, other as f64, EPSILON as f64) as _ };
    vjp {
        input => |g| { let _ = g; missing("the derivative for 'igammac: input' is not implemented.") };
        other => |g, input, other| -(g * density(input, other))
    };
    samples without_gradcheck(samples::pairs(0.3, 3.0));
}

op! {
    /// The logarithm of the multivariate gamma function of dimension `p`.
    ///
    /// Shape: `*s -> *s`. Dtype: integers give the default float type.
    ///
    /// >>> torch.mvlgamma(torch.tensor([2., 3.]), 2)
    /// tensor([0.4516, 1.5502])
    fn mvlgamma(input: Tensor, p: i64) -> y;
    variants [method, function, inplace, out];
    alias [special multigammaln];
    composite {
        if input.dtype() == DType::Bool {
            return Err(Error::runtime("The input tensor may not be a boolean tensor."));
        }
        if p < 1 {
            return Err(Error::runtime("p has to be greater than or equal to 1"));
        }
        let d = rule::int_to_float(input);
        let options = Options { dtype: Some(d), ..Options::like(input) };
        let less = crate::ops::arange_with(0.5 - 0.5 * p as f64, 0.5, 0.5, options)?;
        let terms = less.add(&input.unsqueeze(-1)?)?.lgamma()?;
        terms.sum_dim(Some(&[-1]))?.add((p * (p - 1)) as f64 * PI.ln() * 0.25)
    };
    samples [(tensor(&[2, 3], 2.0, 5.0), 3), (tensor(&[], 2.0, 5.0), 1), (tensor(&[0, 2], 2.0, 5.0), 2)];
}
