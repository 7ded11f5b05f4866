//! Smooth activations: gelu, silu, mish, softplus, the logarithm of the sigmoid, glu.

use crate::dispatch::elementwise_layout;
use crate::ops::nn::float_dtype;
use crate::ops::{Val, op, rule, samples};
use crate::{DType, Error, Layout, Result, Tensor, normalize_dim};

op! {
    /// `x * P(X <= x)` for a standard normal X; with `approximate="tanh"` by a formula with tanh.
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point.
    ///
    /// >>> torch.nn.functional.gelu(torch.tensor([-1., 2.]))
    /// tensor([-0.1587,  1.9545])
    fn gelu(input: Tensor; approximate: Str = "none") -> y;
    variants [functional, inplace, out];
    composite {
        match approximate {
            "none" => input.gelu_erf(),
            "tanh" => input.gelu_tanh(),
            _ => Err(Error::runtime("approximate argument must be either none or tanh.")),
        }
    };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The exact gelu.
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point.
    fn gelu_erf(input: Tensor) -> y;
    variants [private];
    node "GeluBackward0";
    dtype float_dtype(input, "GeluKernelImpl");
    map { (input) Float => input * 0.5 * (1.0 + erf(input * FRAC_1_SQRT_2)) };
    vjp { input => |g, input| g.gelu_erf_backward(input) };
    samples unary(-3.0, 3.0);
}

op! {
    /// The gradient of the exact gelu.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: promoted.
    fn gelu_erf_backward(grad: Tensor, input: Tensor) -> y;
    variants [private];
    dtype rule::promote(grad, input);
    map { (grad, input) Float => grad * (0.5 * (1.0 + erf(input * FRAC_1_SQRT_2)) + input * (exp(input * input * -0.5) * (FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * 0.5))) };
    vjp {
        grad => |g, input| g.gelu_erf_backward(input);
        input => |g, grad, input| {
            let square = input * input;
            let density = (&square * -0.5).exp() * (0.5 * std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2);
            g * grad * (density * (2.0 - square))
        }
    };
    samples backward(&[]);
}

op! {
    /// The gelu by tanh.
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point.
    fn gelu_tanh(input: Tensor) -> y;
    variants [private];
    node "GeluBackward0";
    dtype float_dtype(input, "GeluKernelImpl");
    map { (input) Float => 0.5 * input * (1.0 + tanh((SQRT_2 * FRAC_2_SQRT_PI * 0.5) * (input + 0.044715 * (input * input * input)))) };
    vjp { input => |g, input| g.gelu_tanh_backward(input) };
    samples unary(-3.0, 3.0);
}

op! {
    /// The gradient of the gelu by tanh.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: promoted.
    fn gelu_tanh_backward(grad: Tensor, input: Tensor) -> y;
    variants [private];
    dtype rule::promote(grad, input);
    map { (grad, input) Float => {
        let beta = SQRT_2 * FRAC_2_SQRT_PI * 0.5;
        let square = input * input;
        let t = tanh(beta * (input + 0.044715 * (square * input)));
        let slope = beta * (1.0 + 3.0 * 0.044715 * square);
        grad * (0.5 * (1.0 + t) + 0.5 * input * ((1.0 - t * t) * slope))
    } };
    vjp {
        grad => |g, input| g.gelu_tanh_backward(input);
        input => |g, grad, input| {
            let beta = std::f64::consts::SQRT_2 * std::f64::consts::FRAC_2_SQRT_PI * 0.5;
            let square = input * input;
            let t = ((input + 0.044715 * (&square * input)) * beta).tanh();
            let slope = (1.0 + &square * (3.0 * 0.044715)) * beta;
            let bend = input * (6.0 * beta * 0.044715);
            let flat = 1.0 - &t * &t;
            g * grad * (flat * (&slope + 0.5 * input * (bend - 2.0 * t * &slope * &slope)))
        }
    };
    samples backward(&[]);
}

op! {
    /// `x * sigmoid(x)`.
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point.
    ///
    /// >>> torch.nn.functional.silu(torch.tensor([-1., 2.]))
    /// tensor([-0.2689,  1.7616])
    fn silu(input: Tensor) -> y;
    variants [functional, inplace];
    dtype silu_dtype(input);
    map { (input) Float, Complex => input / (1.0 + exp(-input)) };
    vjp { input => |g, input| g.silu_backward(input) };
    samples samples::unary(-3.0, 3.0);
}

/// `silu` takes complex numbers too.
fn silu_dtype(x: &Tensor) -> Result<DType> {
    if x.dtype().is_complex() { Ok(x.dtype()) } else { float_dtype(x, "silu_cpu") }
}

op! {
    /// The gradient of `silu`.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: promoted.
    fn silu_backward(grad: Tensor, input: Tensor) -> y;
    variants [private];
    dtype rule::promote(grad, input);
    map { (grad, input) Float => { let s = 1.0 / (1.0 + exp(-input)); grad * s * (1.0 + input * (1.0 - s)) } };
    vjp {
        grad => |g, input| g.silu_backward(input);
        input => |g, grad, input| {
            let s = input.sigmoid();
            g * grad * (&s * (1.0 - &s) * (2.0 + input * (1.0 - 2.0 * &s)))
        }
    };
    samples backward(&[]);
}

op! {
    /// `x * tanh(softplus(x))`.
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point.
    ///
    /// >>> torch.nn.functional.mish(torch.tensor([-1., 2.]))
    /// tensor([-0.3034,  1.9440])
    fn mish(input: Tensor) -> y;
    variants [functional, inplace];
    dtype float_dtype(input, "mish_cpu");
    map { (input) Float => input * tanh(log1p(exp(input))) };
    vjp { input => |g, input| g.mish_backward(input) };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The gradient of `mish`.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: promoted.
    fn mish_backward(grad: Tensor, input: Tensor) -> y;
    variants [private];
    dtype rule::promote(grad, input);
    map { (grad, input) Float => {
        let t = tanh(log1p(exp(input)));
        let s = 1.0 / (1.0 + exp(-input));
        grad * (t + input * s * (1.0 - t * t))
    } };
    vjp {
        grad => |g, input| g.mish_backward(input);
        input => |g, grad, input| {
            let (t, s) = (input.softplus().tanh(), input.sigmoid());
            let flat = 1.0 - &t * &t;
            g * grad * (&s * flat * (2.0 + input * ((1.0 - &s) - 2.0 * t * &s)))
        }
    };
    samples backward(&[]);
}

op! {
    /// `log(1 + exp(beta * x)) / beta`, and x itself where `beta * x` exceeds `threshold`.
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point.
    ///
    /// >>> torch.nn.functional.softplus(torch.tensor([0., 2.]))
    /// tensor([0.6931, 2.1269])
    fn softplus(input: Tensor, beta: f64 = 1.0, threshold: f64 = 20.0) -> y;
    variants [functional, out];
    dtype float_dtype(input, "softplus_cpu");
    map { (input; beta, threshold) Float => { let low = log1p(exp(input * beta)) / beta; if input * beta > threshold { input } else { low } } };
    vjp { input => |g, input, beta, threshold| g.softplus_backward(input, beta, threshold) };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The gradient of `softplus`.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: promoted.
    fn softplus_backward(grad: Tensor, input: Tensor, beta: f64, threshold: f64) -> y;
    variants [private];
    dtype rule::promote(grad, input);
    map { (grad, input; beta, threshold) Float => { let z = exp(input * beta); let low = grad * z / (z + 1.0); if input * beta > threshold { grad } else { low } } };
    vjp {
        grad => |g, input, beta, threshold| g.softplus_backward(input, beta, threshold);
        input => |g, grad, input, beta, threshold| {
            let scaled = input * beta;
            let s = scaled.sigmoid();
            (g * grad * (&s * (1.0 - &s)) * beta).masked_fill(scaled.ge(threshold), 0.0)
        }
    };
    samples backward(&[2.0.into(), 1.0.into()]);
}

op! {
    /// The logarithm of the sigmoid.
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point.
    ///
    /// >>> torch.nn.functional.logsigmoid(torch.tensor([0., 2.]))
    /// tensor([-0.6931, -0.1269])
    fn logsigmoid(input: Tensor) -> y;
    variants [functional, out];
    quirks [RowMajor];
    node "LogSigmoidBackward0";
    dtype float_dtype(input, "log_sigmoid_cpu");
    map { (input) Float => min(input, 0.0) - log1p(exp(-abs(input))) };
    vjp { input => |g, input| g.logsigmoid_backward(input) };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The gradient of `logsigmoid`.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: promoted.
    fn logsigmoid_backward(grad: Tensor, input: Tensor) -> y;
    variants [private];
    dtype rule::promote(grad, input);
    map { (grad, input) Float => { let z = exp(-abs(input)); let share = z / (1.0 + z); grad * (if input < 0.0 { 1.0 - share } else { share }) } };
    vjp {
        grad => |g, input| g.logsigmoid_backward(input);
        input => |g, grad, input| { let s = input.sigmoid(); -(g * grad * (&s * (1.0 - &s))) }
    };
    samples backward(&[]);
}

op! {
    /// `x / (1 + |x|)`.
    ///
    /// Shape: `*s -> *s`. Dtype: integers give the default float type.
    ///
    /// >>> torch.nn.functional.softsign(torch.tensor([-1., 3.]))
    /// tensor([-0.5000,  0.7500])
    fn softsign(input: Tensor) -> y;
    variants [functional];
    composite { input.div(&input.abs()?.add(1)?) };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// `x - tanh(x)`.
    ///
    /// Shape: `*s -> *s`. Dtype: integers give the default float type.
    ///
    /// >>> torch.nn.functional.tanhshrink(torch.tensor([0., 1.]))
    /// tensor([0.0000, 0.2384])
    fn tanhshrink(input: Tensor) -> y;
    variants [functional];
    composite { input.sub(&input.tanh()?) };
    samples samples::unary(-3.0, 3.0);
}

/// The middle of the dimension that `glu` halves.
fn middle(x: &Tensor, dim: i64) -> Result<(usize, i64)> {
    if x.dim() == 0 {
        return Err(Error::runtime("glu does not support scalars because halving size must be even"));
    }
    let at = normalize_dim(dim, x.dim())?;
    let n = x.size()[at];
    if n % 2 != 0 {
        return Err(Error::runtime(format!("Halving dimension must be even, but dimension {at} is size {n}")));
    }
    Ok((at, n / 2))
}

/// The halves of a tensor along a dimension.
fn halves(x: &Tensor, dim: i64) -> Result<[Tensor; 2]> {
    let (at, half) = middle(x, dim)?;
    Ok([x.narrow(at as i64, 0, half)?, x.narrow(at as i64, half, half)?])
}

fn halved(x: &Tensor, dim: i64) -> Result<Layout> {
    let [value, gate] = halves(x, dim)?;
    Ok(elementwise_layout(&[&value, &gate], value.size()))
}

op! {
    /// The first half along `dim` times the sigmoid of the second.
    ///
    /// Shape: `*s 2n -> *s n`. Dtype: floating-point.
    ///
    /// >>> torch.nn.functional.glu(torch.tensor([1., 2., 0., 0.]))
    /// tensor([0.5000, 1.0000])
    fn glu(input: Tensor, dim: i64 = -1) -> y;
    variants [functional];
    dtype float_dtype(input, "glu_cpu");
    shape halved(input, dim);
    compute {
        float_dtype(input, "glu_cpu")?;
        let [value, gate] = halves(input, dim)?;
        value.gated(&gate)
    };
    vjp { input => |g, input, dim| glu_backward(g, input, dim) };
    samples [(real([2, 4]), 1), (real([2, 4]), 0), (real([3, 2])), (real([0, 2]))];
}

op! {
    /// `x * sigmoid(gate)`.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: promoted.
    fn gated(input: Tensor, gate: Tensor) -> y;
    variants [private];
    dtype rule::promote(input, gate);
    map { (input, gate) Float => input * (1.0 / (1.0 + exp(-gate))) };
    vjp {
        input => |g, gate| g * gate.sigmoid();
        gate => |g, input, gate| { let s = gate.sigmoid(); g * input * (&s * (1.0 - &s)) }
    };
    samples pairs(-2.0, 2.0);
}

fn glu_backward(g: &Val, x: &Val, dim: i64) -> Result<Tensor> {
    let (g, x) = (g.tensor()?, x.tensor()?);
    let (at, half) = middle(&x, dim)?;
    let at = at as i64;
    let (value, gate) = (x.narrow(at, 0, half)?, x.narrow(at, half, half)?);
    let s = gate.sigmoid()?;
    let of_value = g.mul(&s)?;
    let of_gate = of_value.mul(&value)?.mul(&s.rsub(1)?)?;
    crate::ops::cat_with(&[of_value, of_gate], at)
}
