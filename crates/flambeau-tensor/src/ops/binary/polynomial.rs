//! Orthogonal polynomials of any degree.

use crate::ops::{OperandRef, op, rule};
use crate::{DType, Error, Result, Tensor};

/// The dtype of a polynomial: real and floating-point.
fn polynomial_dtype(x: &Tensor, n: OperandRef<'_>, what: &str) -> Result<DType> {
    match rule::promote_float(x, n) {
        d if d.is_complex() => Err(Error::not_implemented(format!("\"{what}\" not implemented for '{}'", d.title()))),
        d => Ok(d),
    }
}

/// Numbers with orthogonal polynomials. The degree is rounded towards zero; a negative one gives 0.
pub(crate) trait Polynomial {
    /// Chebyshev's of the first kind.
    fn chebyshev_t(self, n: Self) -> Self;
    /// Chebyshev's of the second kind; above degree `from` by sines.
    fn chebyshev_u(self, n: Self, from: i64) -> Self;
    /// Chebyshev's of the third kind; above degree `from` by cosines.
    fn chebyshev_v(self, n: Self, from: i64) -> Self;
    /// Chebyshev's of the fourth kind; above degree `from` by sines.
    fn chebyshev_w(self, n: Self, from: i64) -> Self;
    /// Hermite's, of physics.
    fn hermite_h(self, n: Self) -> Self;
    /// Hermite's, of probability.
    fn hermite_he(self, n: Self) -> Self;
    /// Laguerre's.
    fn laguerre(self, n: Self) -> Self;
    /// Legendre's.
    fn legendre(self, n: Self) -> Self;
}

/// The degree that a number stands for; one that no integer holds is the least, as the processor's conversion has it.
fn degree(n: f64) -> i64 {
    if n.abs() < 9.2e18 { n as i64 } else { i64::MIN }
}

macro_rules! polynomial {
    ($($t:ident $hermite_limit:literal)*) => {$(
        impl Polynomial for $t {
            fn chebyshev_t(self, n: $t) -> $t {
                let (x, n) = (self, degree(n as f64));
                if n < 0 {
                    return 0.0;
                }
                if x.abs() == 1.0 {
                    return if x > 0.0 || n % 2 == 0 { 1.0 } else { -1.0 };
                }
                if n > 6 && x.abs() < 1.0 {
                    return (n as $t * x.acos()).cos();
                }
                recur(n, x, |_, p, q| (x + x).mul_add(q, -p))
            }
            fn chebyshev_u(self, n: $t, from: i64) -> $t {
                let (x, n) = (self, degree(n as f64));
                if n < 0 {
                    return 0.0;
                }
                let next = n as $t + 1.0;
                if x.abs() == 1.0 {
                    return if x > 0.0 || n % 2 == 0 { next } else { -next };
                }
                if n > from && x.abs() < 1.0 {
                    let angle = x.acos();
                    return if angle.sin() != 0.0 { (next * angle).sin() / angle.sin() } else { next * (next * angle).cos() / x };
                }
                recur(n, x + x, |_, p, q| (x + x).mul_add(q, -p))
            }
            fn chebyshev_v(self, n: $t, from: i64) -> $t {
                let (x, n) = (self, degree(n as f64));
                if n < 0 {
                    return 0.0;
                }
                let end = if n % 2 == 0 { 1.0 } else { -1.0 } * (n as $t + n as $t + 1.0);
                if x.abs() == 1.0 {
                    return if x > 0.0 { 1.0 } else { end };
                }
                if n > from && x.abs() < 1.0 {
                    let angle = x.acos();
                    let half = angle / 2.0;
                    return if half.sin() != 1.0 { ((n as $t + 0.5) * angle).cos() / half.cos() } else { end };
                }
                recur(n, x + x - 1.0, |_, p, q| (x + x).mul_add(q, -p))
            }
            fn chebyshev_w(self, n: $t, from: i64) -> $t {
                let (x, n) = (self, degree(n as f64));
                if n < 0 {
                    return 0.0;
                }
                let end = if x > 0.0 { n as $t + n as $t + 1.0 } else if n % 2 == 0 { 1.0 } else { -1.0 };
                if x.abs() == 1.0 {
                    return end;
                }
                if n > from && x.abs() < 1.0 {
                    let angle = x.acos();
                    let half = angle / 2.0;
                    return if half.cos() != 1.0 { ((n as $t + 0.5) * angle).sin() / half.sin() } else { end };
                }
                recur(n, x + x + 1.0, |_, p, q| (x + x).mul_add(q, -p))
            }
            fn hermite_h(self, n: $t) -> $t {
                let (x, n) = (self, degree(n as f64));
                if n > $hermite_limit {
                    return $t::NAN;
                }
                recur(n, x + x, |k, p, q| (x + x).mul_add(q, -((k + k) * p)))
            }
            fn hermite_he(self, n: $t) -> $t {
                let (x, n) = (self, degree(n as f64));
                if n > $hermite_limit {
                    return $t::NAN;
                }
                recur(n, x, |k, p, q| x.mul_add(q, -(k * p)))
            }
            fn laguerre(self, n: $t) -> $t {
                let (x, n) = (self, degree(n as f64));
                if n >= 0 && x == 0.0 {
                    return 1.0;
                }
                recur(n, 1.0 - x, |k, p, q| ((k + k) + (1.0 - x)).mul_add(q, -(k * p)) / (k + 1.0))
            }
            fn legendre(self, n: $t) -> $t {
                let (x, n) = (self, degree(n as f64));
                if n >= 0 && x.abs() == 1.0 {
                    return if x > 0.0 || n % 2 == 0 { 1.0 } else { -1.0 };
                }
                recur(n, x, |k, p, q| ((k + k + 1.0) * x).mul_add(q, -(k * p)) / (k + 1.0))
            }
        }
    )*};
}
polynomial!(f32 128 f64 512);

/// What a recurrence counts in.
trait Step: Copy + std::ops::Add<Output = Self> {
    const ZERO: Self;
    const ONE: Self;
    fn is_nan(self) -> bool;
}

macro_rules! step {
    ($($t:ident)*) => {$(
        impl Step for $t {
            const ZERO: $t = 0.0;
            const ONE: $t = 1.0;
            fn is_nan(self) -> bool { $t::is_nan(self) }
        }
    )*};
}
step!(f32 f64);

/// The `n`-th of a sequence that begins with 1 and `first`, where the one after the `k`-th is `next(k, before it, it)`.
fn recur<T: Step>(n: i64, first: T, next: impl Fn(T, T, T) -> T) -> T {
    if n <= 0 {
        return if n < 0 { T::ZERO } else { T::ONE };
    }
    let (mut before, mut last, mut k, mut at) = (T::ONE, first, T::ONE, 1);
    while at < n && !last.is_nan() {
        (before, last) = (last, next(k, before, last));
        k = k + T::ONE;
        at += 1;
    }
    last
}

op! {
    /// Chebyshev's polynomial of the first kind, of degree `n`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; integers give the default float type.
    ///
    /// >>> torch.special.chebyshev_polynomial_t(torch.tensor([0.25, 3.]), 3)
    /// tensor([-0.6875, 99.0000])
    fn chebyshev_polynomial_t(input: Tensor, n: Operand) -> y;
    variants [special, out];
    nondifferentiable;
    dtype polynomial_dtype(input, n, "chebyshev_polynomial_t_cpu");
    map { (input, n) Float => crate::ops::binary::polynomial::Polynomial::chebyshev_t(input, n) };
    samples [(unit([2, 3]), int([3], 0, 12)), (real([]), 3), (real([0, 2]), 2)];
}

op! {
    /// Chebyshev's polynomial of the second kind, of degree `n`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; integers give the default float type.
    ///
    /// >>> torch.special.chebyshev_polynomial_u(torch.tensor([0.25, 3.]), 3)
    /// tensor([ -0.8750, 204.0000])
    fn chebyshev_polynomial_u(input: Tensor, n: Operand) -> y;
    variants [special, out];
    nondifferentiable;
    dtype polynomial_dtype(input, n, "chebyshev_polynomial_u_cpu");
    map { (input, n) Float => crate::ops::binary::polynomial::Polynomial::chebyshev_u(input, n, 8) };
    samples [(unit([2, 3]), int([3], 0, 12)), (real([]), 3), (real([0, 2]), 2)];
}

op! {
    /// Chebyshev's polynomial of the third kind, of degree `n`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; integers give the default float type.
    ///
    /// >>> torch.special.chebyshev_polynomial_v(torch.tensor([0.25, 3.]), 3)
    /// tensor([-1.2500e-01,  1.6900e+02])
    fn chebyshev_polynomial_v(input: Tensor, n: Operand) -> y;
    variants [special, out];
    nondifferentiable;
    dtype polynomial_dtype(input, n, "chebyshev_polynomial_v_cpu");
    map { (input, n) Float => crate::ops::binary::polynomial::Polynomial::chebyshev_v(input, n, 8) };
    samples [(unit([2, 3]), int([3], 0, 12)), (real([]), 3), (real([0, 2]), 2)];
}

op! {
    /// Chebyshev's polynomial of the fourth kind, of degree `n`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; integers give the default float type.
    ///
    /// >>> torch.special.chebyshev_polynomial_w(torch.tensor([0.25, 3.]), 3)
    /// tensor([ -1.6250, 239.0000])
    fn chebyshev_polynomial_w(input: Tensor, n: Operand) -> y;
    variants [special, out];
    nondifferentiable;
    dtype polynomial_dtype(input, n, "chebyshev_polynomial_w_cpu");
    map { (input, n) Float => crate::ops::binary::polynomial::Polynomial::chebyshev_w(input, n, 8) };
    samples [(unit([2, 3]), int([3], 0, 12)), (real([]), 3), (real([0, 2]), 2)];
}

op! {
    /// Hermite's polynomial of physics, of degree `n`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; integers give the default float type.
    ///
    /// >>> torch.special.hermite_polynomial_h(torch.tensor([0.25, 3.]), 3)
    /// tensor([ -2.8750, 180.0000])
    fn hermite_polynomial_h(input: Tensor, n: Operand) -> y;
    variants [special, out];
    nondifferentiable;
    dtype polynomial_dtype(input, n, "hermite_polynomial_h_cpu");
    map { (input, n) Float => crate::ops::binary::polynomial::Polynomial::hermite_h(input, n) };
    samples [(unit([2, 3]), int([3], 0, 12)), (real([]), 3), (real([0, 2]), 2)];
}

op! {
    /// Hermite's polynomial of probability, of degree `n`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; integers give the default float type.
    ///
    /// >>> torch.special.hermite_polynomial_he(torch.tensor([0.25, 3.]), 3)
    /// tensor([-0.7344, 18.0000])
    fn hermite_polynomial_he(input: Tensor, n: Operand) -> y;
    variants [special, out];
    nondifferentiable;
    dtype polynomial_dtype(input, n, "hermite_polynomial_he_cpu");
    map { (input, n) Float => crate::ops::binary::polynomial::Polynomial::hermite_he(input, n) };
    samples [(unit([2, 3]), int([3], 0, 12)), (real([]), 3), (real([0, 2]), 2)];
}

op! {
    /// Laguerre's polynomial, of degree `n`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; integers give the default float type.
    ///
    /// >>> torch.special.laguerre_polynomial_l(torch.tensor([0.25, 3.]), 3)
    /// tensor([0.3411, 1.0000])
    fn laguerre_polynomial_l(input: Tensor, n: Operand) -> y;
    variants [special, out];
    nondifferentiable;
    dtype polynomial_dtype(input, n, "laguerre_polynomial_l_cpu");
    map { (input, n) Float => crate::ops::binary::polynomial::Polynomial::laguerre(input, n) };
    samples [(unit([2, 3]), int([3], 0, 12)), (real([]), 3), (real([0, 2]), 2)];
}

op! {
    /// Legendre's polynomial, of degree `n`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; integers give the default float type.
    ///
    /// >>> torch.special.legendre_polynomial_p(torch.tensor([0.25, 3.]), 3)
    /// tensor([-0.3359, 63.0000])
    fn legendre_polynomial_p(input: Tensor, n: Operand) -> y;
    variants [special, out];
    nondifferentiable;
    dtype polynomial_dtype(input, n, "legendre_polynomial_p_cpu");
    map { (input, n) Float => crate::ops::binary::polynomial::Polynomial::legendre(input, n) };
    samples [(unit([2, 3]), int([3], 0, 12)), (real([]), 3), (real([0, 2]), 2)];
}

op! {
    /// Chebyshev's polynomial of the first kind at `2 * x - 1`, of degree `n`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; integers give the default float type.
    ///
    /// >>> torch.special.shifted_chebyshev_polynomial_t(torch.tensor([0.25, 3.]), 3)
    /// tensor([  1., 485.])
    fn shifted_chebyshev_polynomial_t(input: Tensor, n: Operand) -> y;
    variants [special, out];
    nondifferentiable;
    dtype polynomial_dtype(input, n, "shifted_chebyshev_polynomial_t_cpu");
    map { (input, n) Float => crate::ops::binary::polynomial::Polynomial::chebyshev_t(input + input - 1.0, n) };
    samples [(unit([2, 3]), int([3], 0, 12)), (real([]), 3), (real([0, 2]), 2)];
}

op! {
    /// Chebyshev's polynomial of the second kind at `2 * x - 1`, of degree `n`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; integers give the default float type.
    ///
    /// >>> torch.special.shifted_chebyshev_polynomial_u(torch.tensor([0.25, 3.]), 3)
    /// tensor([  1., 980.])
    fn shifted_chebyshev_polynomial_u(input: Tensor, n: Operand) -> y;
    variants [special, out];
    nondifferentiable;
    dtype polynomial_dtype(input, n, "shifted_chebyshev_polynomial_u_cpu");
    map { (input, n) Float => crate::ops::binary::polynomial::Polynomial::chebyshev_u(input + input - 1.0, n, 6) };
    samples [(unit([2, 3]), int([3], 0, 12)), (real([]), 3), (real([0, 2]), 2)];
}

op! {
    /// Chebyshev's polynomial of the third kind at `2 * x - 1`, of degree `n`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; integers give the default float type.
    ///
    /// >>> torch.special.shifted_chebyshev_polynomial_v(torch.tensor([0.25, 3.]), 3)
    /// tensor([  1., 881.])
    fn shifted_chebyshev_polynomial_v(input: Tensor, n: Operand) -> y;
    variants [special, out];
    nondifferentiable;
    dtype polynomial_dtype(input, n, "shifted_chebyshev_polynomial_v_cpu");
    map { (input, n) Float => crate::ops::binary::polynomial::Polynomial::chebyshev_v(input + input - 1.0, n, 6) };
    samples [(unit([2, 3]), int([3], 0, 12)), (real([]), 3), (real([0, 2]), 2)];
}

op! {
    /// Chebyshev's polynomial of the fourth kind at `2 * x - 1`, of degree `n`, element by element.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: promoted; integers give the default float type.
    ///
    /// >>> torch.special.shifted_chebyshev_polynomial_w(torch.tensor([0.25, 3.]), 3)
    /// tensor([1.0000e+00, 1.0790e+03])
    fn shifted_chebyshev_polynomial_w(input: Tensor, n: Operand) -> y;
    variants [special, out];
    nondifferentiable;
    dtype polynomial_dtype(input, n, "shifted_chebyshev_polynomial_w_cpu");
    map { (input, n) Float => crate::ops::binary::polynomial::Polynomial::chebyshev_w(input + input - 1.0, n, 4) };
    samples [(unit([2, 3]), int([3], 0, 12)), (real([]), 3), (real([0, 2]), 2)];
}
