//! Random numbers whose distribution a tensor gives.

use flambeau_cpu::rng;

use super::stream;
use crate::ops::create::fill::sized;
use crate::ops::op;
use crate::{DType, Device, Dims, Error, Result, Tensor};

/// Standard deviations must be real and not negative.
fn check_std(std: &Tensor) -> Result<()> {
    if std.dtype().is_complex() {
        return Err(Error::runtime("normal expects standard deviation to be non-complex"));
    }
    if std.numel() > 0 && std.device() == Device::Cpu && !std.amin()?.ge(0)?.item()?.to_bool() {
        return Err(Error::runtime("normal expects all elements of std >= 0.0"));
    }
    Ok(())
}

/// Normal numbers of mean 0, made as a whole before mean and deviation are put in, as PyTorch does.
fn standard(sizes: &[i64], dtype: DType, std: f64, generator: Option<&crate::Generator>) -> Result<Tensor> {
    Tensor::empty(sizes, dtype, Device::Cpu)?.normal__with(0.0, std, generator)
}

op! {
    /// Normal random numbers, each with a mean of its own.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.normal(torch.zeros(2, 3), 1.).shape
    /// torch.Size([2, 3])
    fn normal.tensor_float(mean: Tensor, std: f64 = 1.0; generator: Option<Generator> = None) -> y;
    variants [function, out];
    node "NormalBackward1";
    dtype mean.dtype();
    shape mean.size();
    compute { standard(mean.size(), mean.dtype(), std, generator)?.add_(mean) };
    vjp { mean => |g| g * 0.0 };
    samples without_gradcheck([(real([2, 3]), 0.5), (real([])), (real([0, 2]))]);
}

op! {
    /// Normal random numbers, each with a standard deviation of its own.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    fn normal.float_tensor(mean: f64, std: Tensor; generator: Option<Generator> = None) -> y;
    variants [function, out];
    node "NormalBackward2";
    dtype std.dtype();
    shape std.size();
    compute {
        check_std(std)?;
        standard(std.size(), std.dtype(), 1.0, generator)?.mul_(std)?.add_(mean)
    };
    vjp { std => |g| g * 0.0 };
    samples without_gradcheck([(0.5, positive([2, 3])), (1.0, positive([])), (1.0, positive([0, 2]))]);
}

op! {
    /// Normal random numbers, each with a mean and a standard deviation of its own.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: that of the means.
    fn normal.tensor_tensor(mean: Tensor, std: Tensor; generator: Option<Generator> = None) -> y;
    variants [function, out];
    node "NormalBackward3";
    dtype mean.dtype();
    shape crate::broadcast_shapes(mean.size(), std.size());
    compute {
        check_std(std)?;
        let sizes = crate::broadcast_shapes(mean.size(), std.size())?;
        standard(&sizes, mean.dtype(), 1.0, generator)?.mul_(std)?.add_(mean)
    };
    vjp { mean => |g| g * 0.0; std => |g| g * 0.0 };
    samples without_gradcheck([(real([2, 3]), positive([3])), (real([]), positive([])), (real([0, 2]), positive([2]))]);
}

op! {
    /// Normal random numbers of one mean and standard deviation.
    ///
    /// Shape: `-> *size`. Dtype: `dtype`, or the default float type.
    ///
    /// >>> torch.normal(0., 1., (2, 3)).shape
    /// torch.Size([2, 3])
    fn normal.size(mean: f64, std: f64, size: Dims; generator: Option<Generator> = None) -> y;
    variants [function, out];
    factory;
    dtype options.dtype_or_default();
    shape sized(size);
    kernel { rng::normal(&mut stream(generator), &mut y, mean, std) };
    samples [(0.0, 1.0, [2, 3]), (1.0, 0.5, []), (0.0, 1.0, [2], None, Options::dtype(DType::F64))];
}

op! {
    /// 1 with the probability that an element gives, else 0.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged, floating-point.
    ///
    /// >>> torch.bernoulli(torch.tensor([0., 1.]))
    /// tensor([0., 1.])
    fn bernoulli(input: Tensor; generator: Option<Generator> = None) -> y;
    variants [method, function, out];
    dtype input.dtype();
    shape input.size();
    kernel { rng::bernoulli_tensor(&mut stream(generator), &mut y, input) };
    vjp { input => |g| g * 0.0 };
    samples [(unit([2, 3])), (unit([])), (unit([0, 2]))];
}

op! {
    /// 1 with probability `p`, else 0, in the shape of a tensor.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.zeros(2).bernoulli(1.)
    /// tensor([1., 1.])
    fn bernoulli.p(input: Tensor, p: f64; generator: Option<Generator> = None) -> y;
    variants [method, function];
    node "BernoulliBackward1";
    dtype input.dtype();
    shape input.size();
    kernel { rng::bernoulli_scalar(&mut stream(generator), &mut y, p) };
    vjp { input => |g| g * 0.0 };
    samples [(real([2, 3]), 0.3), (real([]), 0.5), (real([0, 2]), 0.5)];
}

op! {
    /// 1 with the probability that an element of `p` gives, else 0, in the shape of a tensor.
    ///
    /// Shape: `*s, *t -> *s` where `*t` broadcasts to `*s`. Dtype: unchanged.
    fn bernoulli.tensor(input: Tensor, p: Tensor; generator: Option<Generator> = None) -> y;
    variants [method, function];
    dtype input.dtype();
    shape input.size();
    compute { Tensor::empty(input.size(), input.dtype(), Device::Cpu)?.bernoulli_fill_tensor__with(p, generator) };
    vjp { input => |g| g * 0.0; p => |p.shape| crate::ops::zeros_with(&p.shape, crate::Options::dtype(p.dtype)) };
    samples [(real([2, 3]), unit([3])), (real([]), unit([])), (real([0, 2]), unit([2]))];
}

fn drawn(weights: &Tensor, n: i64) -> Result<Dims> {
    let mut sizes = weights.sizes();
    let Some(last) = sizes.last_mut().filter(|_| weights.dim() <= 2) else {
        return Err(Error::runtime("prob_dist must be 1 or 2 dim"));
    };
    if !weights.dtype().is_floating() {
        return Err(Error::runtime(format!(
            "multinomial only supports floating-point dtypes for input, got: {}",
            weights.dtype().title()
        )));
    }
    if n <= 0 {
        return Err(Error::runtime("cannot sample n_sample <= 0 samples"));
    }
    *last = n;
    Ok(sizes)
}

op! {
    /// Indices drawn at random, each with the weight at its place in the row.
    ///
    /// Shape: `n -> num_samples`, or `m n -> m num_samples`. Dtype: int64.
    ///
    /// >>> torch.multinomial(torch.tensor([0., 1., 0.]), 2, replacement=True)
    /// tensor([1, 1])
    fn multinomial(input: Tensor, num_samples: i64, replacement: bool = false; generator: Option<Generator> = None) -> y;
    variants [method, function, out];
    nondifferentiable;
    dtype DType::I64;
    shape drawn(input, num_samples);
    kernel { rng::multinomial(&mut stream(generator), &mut y, input, num_samples, replacement) };
    samples [(unit([2, 4]), 2), (unit([3]), 5, true), (unit([3]), 1)];
}

/// A number of the Poisson distribution, from uniform numbers: by transformed rejection (Hörmann, 1993), for small rates by
/// a product of them.
fn poisson_number(rate: f64, uniform: &mut impl FnMut() -> f64) -> Result<f64> {
    if rate.is_nan() || rate < 0.0 {
        return Err(Error::runtime("invalid Poisson rate, expected rate to be non-negative"));
    }
    if rate < 10.0 {
        let floor = (-rate).exp();
        let (mut count, mut product) = (0.0, if rate > 0.0 { uniform() } else { 0.0 });
        while product > floor {
            product *= uniform();
            count += 1.0;
        }
        return Ok(count);
    }
    let b = 0.931 + 2.53 * rate.sqrt();
    let a = -0.059 + 0.024_83 * b;
    let (inverse, squeeze) = (1.1239 + 1.1328 / (b - 3.4), 0.9277 - 3.6224 / (b - 2.0));
    loop {
        let u = uniform() - 0.5;
        let v = uniform();
        let us = 0.5 - u.abs();
        let k = ((2.0 * a / us + b) * u + rate + 0.43).floor();
        if us >= 0.07 && v <= squeeze {
            return Ok(k);
        }
        if k < 0.0 || (us < 0.013 && v > us) {
            continue;
        }
        let log = v.ln() + inverse.ln() - (a / (us * us) + b).ln();
        if log <= -rate + k * rate.ln() - flambeau_cpu::math::plain::f64::lgamma(k + 1.0) {
            return Ok(k);
        }
    }
}

op! {
    /// Numbers drawn at random from the Poisson distribution, each with the rate at its place.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged, floating-point.
    ///
    /// >>> torch.poisson(torch.zeros(2))
    /// tensor([0., 0.])
    fn poisson(input: Tensor, generator: Option<Generator> = None) -> y;
    variants [function];
    dtype floating_rates(input);
    shape input.size();
    compute {
        let dtype = floating_rates(input)?;
        let rates = input.to_dtype(DType::F64)?.to_vec::<f64>()?;
        let mut stream = stream(generator);
        let mut uniform = || (stream.random64() & ((1 << 53) - 1)) as f64 / (1u64 << 53) as f64;
        let drawn = rates.into_iter().map(|r| poisson_number(r, &mut uniform)).collect::<Result<Vec<_>>>()?;
        Tensor::of(&drawn, input.size())?.to_dtype(dtype)
    };
    vjp { input => |g| g * 0.0 };
    samples without_gradcheck([(positive([2, 3])), (tensor(&[4], 10.0, 90.0)), (positive([])), (positive([0, 2]))]);
}

fn floating_rates(x: &Tensor) -> Result<DType> {
    if !x.dtype().is_floating() {
        return Err(Error::not_implemented(format!("\"poisson_cpu\" not implemented for '{}'", x.dtype().title())));
    }
    Ok(x.dtype())
}
