//! The error function, the gamma function, and their kin.

use crate::ops::{Val, op, rule, samples};
use crate::{DType, Error, Result, Tensor};

/// The gradient where PyTorch has none either: an error once it is asked for.
pub(crate) fn missing(message: &str) -> Val {
    Val::Error(Error::not_implemented(message))
}

/// Real numbers only; integers give the default float type. `what` is the loop that has no other type.
pub(super) fn real_float(x: &Tensor, what: &str) -> Result<DType> {
    if x.dtype().is_complex() {
        return Err(Error::not_implemented(format!("\"{what}\" not implemented for '{}'", x.dtype().title())));
    }
    Ok(rule::int_to_float(x))
}

op! {
    /// The error function, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0., 1.]).erf()
    /// tensor([0.0000, 0.8427])
    fn erf(input: Tensor) -> y;
    variants [method, function, special, inplace, out];
    dtype real_float(input, "erf_vml_cpu");
    map { (input) Float => erf(input) };
    vjp { input => |g, input| (-(input * input)).exp() * std::f64::consts::FRAC_2_SQRT_PI * g };
    samples samples::unary(-2.0, 2.0);
}

op! {
    /// `1 - erf(x)`, exact for large `x`, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0., 1.]).erfc()
    /// tensor([1.0000, 0.1573])
    fn erfc(input: Tensor) -> y;
    variants [method, function, special, inplace, out];
    dtype real_float(input, "erfc_vml_cpu");
    map { (input) Float => erfc(input) };
    vjp { input => |g, input| -((-(input * input)).exp() * std::f64::consts::FRAC_2_SQRT_PI * g) };
    samples samples::unary(-2.0, 2.0);
}

op! {
    /// The inverse of the error function, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0., 0.5]).erfinv()
    /// tensor([0.0000, 0.4769])
    fn erfinv(input: Tensor) -> y;
    variants [method, function, special, inplace, out];
    dtype real_float(input, "erfinv_vml_cpu");
    map { (input) Float => erfinv(input) };
    vjp { input => |g, y| (y * y).exp() / std::f64::consts::FRAC_2_SQRT_PI * g };
    samples samples::unary(-0.9, 0.9);
}

op! {
    /// The logarithm of the absolute value of the gamma function, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([0.5, 4.]).lgamma()
    /// tensor([0.5724, 1.7918])
    fn lgamma(input: Tensor) -> y;
    variants [method, function, inplace, out];
    alias [special gammaln];
    dtype real_float(input, "lgamma_vml_cpu");
    map { (input) Float => quick lgamma(input) };
    vjp { input => |g, input| g * input.digamma() };
    samples samples::unary(0.4, 4.0);
}

op! {
    /// The derivative of `lgamma`, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.tensor([1., 0.5]).digamma()
    /// tensor([-0.5772, -1.9635])
    fn digamma(input: Tensor) -> y;
    variants [method, function, special, inplace, out];
    alias [special psi];
    dtype real_float(input, "digamma");
    map { (input) Float => quick digamma(input) };
    vjp { input => |g, input| g * input.polygamma_of(1) };
    samples samples::unary(0.4, 4.0);
}

op! {
    /// The `n`-th derivative of `digamma`, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.polygamma(1, torch.tensor([1., 0.5]))
    /// tensor([1.6449, 4.9348])
    fn polygamma(n: i64, input: Tensor) -> y;
    variants [function, special, out];
    composite { input.polygamma_of(n) };
    samples [(1, positive([2, 3])), (0, positive([])), (2, positive([0, 2]))];
}

op! {
    /// The `n`-th derivative of `digamma`, element by element: the form of the method.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    fn polygamma_of(input: Tensor, n: i64) -> y;
    variants [private, inplace];
    alias [method polygamma];
    node "PolygammaBackward0";
    dtype polygamma_dtype(input, n);
    map { (input; n) Float => crate::ops::unary::special::Polygamma::polygamma(input, n as f64) };
    vjp { input => |g, input, n| g * input.polygamma_of(n + 1) };
    samples [(positive([2, 3]), 1), (positive([]), 2), (positive([0, 2]), 0)];
}

fn polygamma_dtype(x: &Tensor, n: i64) -> Result<DType> {
    if n < 0 {
        return Err(Error::runtime("polygamma(n, x) does not support negative n."));
    }
    real_float(x, "polygamma")
}

/// Numbers with derivatives of digamma.
pub(crate) trait Polygamma {
    /// The `n`-th derivative of digamma.
    fn polygamma(self, n: f64) -> Self;
}

macro_rules! polygamma {
    ($($t:ident)*) => {$(
        impl Polygamma for $t {
            fn polygamma(self, n: f64) -> $t {
                use flambeau_cpu::math::plain::$t as math;
                /// By reflection below 1/2, else by recurrence into the asymptotic series; with PyTorch's roundings.
                fn trigamma(mut x: $t) -> $t {
                    let (mut sign, mut sum) = (1.0, 0.0);
                    if x < 0.5 {
                        sign = -1.0;
                        let s = (std::$t::consts::PI * x).sin();
                        sum -= std::$t::consts::PI * std::$t::consts::PI / (s * s);
                        x = 1.0 - x;
                    }
                    for _ in 0..6 {
                        sum += 1.0 / (x * x);
                        x += 1.0;
                    }
                    let r = 1.0 / (x * x);
                    sum += (1.0 + 1.0 / (2.0 * x) + r * (1.0 / 6.0 - r * (1.0 / 30.0 - r * (1.0 / 42.0)))) / x;
                    sign * sum
                }
                match n {
                    0.0 => math::digamma(self),
                    1.0 => trigamma(self),
                    _ => {
                        let factorial = math::exp(math::lgamma(n as $t + 1.0));
                        let sign = if n % 2.0 == 0.0 { -1.0 } else { 1.0 };
                        // Zeta is computed in double precision for both.
                        sign * factorial * hurwitz_zeta(n + 1.0, self as f64) as $t
                    }
                }
            }
        }
    )*};
}
polygamma!(f32 f64);

/// The sum of `(q + k) ** -s` over k from 0 on, by Euler's and Maclaurin's formula.
pub(crate) fn hurwitz_zeta(s: f64, q: f64) -> f64 {
    if s == 1.0 {
        return f64::INFINITY;
    }
    if s < 1.0 || q == f64::INFINITY {
        return f64::NAN;
    }
    if q <= 0.0 {
        if q == q.floor() {
            return f64::INFINITY;
        }
        if s != s.floor() {
            return f64::NAN;
        }
    }
    // Whole exponents, which polygamma has, by products: several times as fast.
    let power = |x: f64| if s <= 32.0 && s == s.floor() { x.powi(-(s as i32)) } else { x.powf(-s) };
    let (mut sum, mut at) = (0.0, q);
    // Far enough for the series behind, from below zero too.
    let mut terms = 0;
    while terms < 12 || at <= 9.0 {
        let term = power(at);
        sum += term;
        at += 1.0;
        terms += 1;
        if sum > 0.0 && term.abs() < f64::EPSILON * 0.5 * sum {
            return sum;
        }
    }
    let mut power = power(at);
    sum += power * at / (s - 1.0) + 0.5 * power;
    // The Bernoulli numbers over factorials: B(2j) / (2j)!.
    const SCALED: [f64; 12] = [
        1.0 / 12.0,
        -1.0 / 720.0,
        1.0 / 30_240.0,
        -1.0 / 1_209_600.0,
        1.0 / 47_900_160.0,
        -691.0 / 1_307_674_368_000.0,
        1.0 / 74_724_249_600.0,
        -3617.0 / 10_670_622_842_880_000.0,
        1.0 / 1.164_678_281_435_006_7e14,
        -1.0 / 4.597_978_722_407_473e15,
        1.0 / 1.815_210_540_194_354_7e17,
        -1.0 / 7.166_165_256_175_667e18,
    ];
    let (mut rising, mut k) = (1.0, s);
    for c in SCALED {
        rising *= k;
        power /= at;
        let term = c * rising * power;
        sum += term;
        if term.abs() < f64::EPSILON * 0.5 * sum.abs() {
            break;
        }
        rising *= k + 1.0;
        power /= at;
        k += 2.0;
    }
    sum
}

op! {
    /// The Hurwitz zeta function: the sum of `(other + k) ** -input` over all integers `k` from 0 on.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; integers give the default float type.
    ///
    /// >>> torch.special.zeta(torch.tensor([2., 4.]), 1)
    /// tensor([1.6449, 1.0823])
    fn zeta(input: Tensor, other: Operand) -> y;
    variants [special, out];
    node "SpecialZetaBackward0";
    dtype rule::promote_float(input, other);
    map { (input, other) Float => crate::ops::unary::special::hurwitz_zeta(input as f64, other as f64) as _ };
    vjp {
        input => |g| { let _ = g; missing("the derivative for 'zeta' is not implemented.") };
        other => |g, input, other| -(g * input * (input + 1.0).zeta(other))
    };
    samples without_gradcheck([
        (tensor(&[2, 3], 1.5, 3.0), positive([3])),
        (tensor(&[], 1.5, 3.0), 2.0),
        (tensor(&[0, 2], 1.5, 3.0), positive([2])),
    ]);
}

op! {
    /// The Hurwitz zeta function of a number and each element.
    ///
    /// Shape: `*t -> *t`. Dtype: promoted; integers give the default float type.
    fn zeta.scalar(input: Scalar, other: Tensor) -> y;
    variants [special, out];
    composite { Tensor::scalar(input, rule::promote_float(input, other)).zeta(other) };
    samples [(1.5, positive([2, 3])), (2, positive([])), (3, positive([0, 2]))];
}

op! {
    /// The entropy of a probability, `-x * log(x)`; 0 at 0 and -inf below.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.special.entr(torch.tensor([0., 0.5]))
    /// tensor([0.0000, 0.3466])
    fn entr(input: Tensor) -> y;
    variants [special, out];
    node "SpecialEntrBackward0";
    dtype real_float(input, "entr");
    map { (input) Float => { let y = if input == 0.0 { 0.0 } else { -input * log(input) }; let y = if input < 0.0 { NEG_INFINITY } else { y }; if is_nan(input) { input } else { y } } };
    vjp { input => |g, input| g * (-(input.log()) - 1.0) };
    samples samples::unary(0.2, 2.0);
}

op! {
    /// The area under the normal curve below `x`.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.special.ndtr(torch.tensor([0., 1.]))
    /// tensor([0.5000, 0.8413])
    fn ndtr(input: Tensor) -> y;
    variants [special, out];
    composite { input.mul(std::f64::consts::FRAC_1_SQRT_2)?.erf()?.add(1.0)?.mul(0.5) };
    samples samples::unary(-2.0, 2.0);
}
