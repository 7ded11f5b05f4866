//! Random numbers written over a tensor's elements.

use flambeau_cpu::rng;

use super::stream;
use crate::ops::op;
use crate::ops::shape::convert::broadcast_to;
use crate::{Dims, Error, Result};

op! {
    /// Writes normal random numbers.
    ///
    /// Shape: `*s -> *s`.
    ///
    /// >>> torch.zeros(2, 3).normal_().shape
    /// torch.Size([2, 3])
    fn normal_fill(input: Tensor, mean: f64 = 0.0, std: f64 = 1.0; generator: Option<Generator> = None) -> y;
    variants [method, inplace normal_];
    node "NormalBackward0";
    mutate { rng::normal(&mut stream(generator), &mut input, mean, std) };
    vjp { input => |g| g * 0.0 };
    samples [(real([2, 3])), (real([]), 1.0, 2.0), (real([0, 2])), (real([20]))];
}

op! {
    /// Writes random numbers spread evenly over [from, to).
    ///
    /// Shape: `*s -> *s`.
    ///
    /// >>> torch.zeros(2, 3).uniform_(-1, 1).shape
    /// torch.Size([2, 3])
    fn uniform(input: Tensor, from: f64 = 0.0, to: f64 = 1.0; generator: Option<Generator> = None) -> y;
    variants [method, inplace];
    mutate { rng::uniform(&mut stream(generator), &mut input, from, to) };
    vjp { input => |g| g * 0.0 };
    samples [(real([2, 3])), (real([]), 1.0, 2.0), (real([0, 2]))];
}

op! {
    /// Writes random integers from 0 to the greatest that the dtype holds (for floating-point ones: counts exactly).
    ///
    /// Shape: `*s -> *s`.
    fn random(input: Tensor; generator: Option<Generator> = None) -> y;
    variants [method, inplace];
    node "RandomBackward2";
    mutate { rng::random_full(&mut stream(generator), &mut input) };
    vjp { input => |g| g * 0.0 };
    samples [(real([2, 3])), (real([])), (real([0, 2])), (int([3], 0, 5))];
}

op! {
    /// Writes random integers from 0 up to but not including `to`.
    ///
    /// Shape: `*s -> *s`.
    ///
    /// >>> torch.ones(2).random_(1)
    /// tensor([0., 0.])
    fn random.to(input: Tensor, to: i64; generator: Option<Generator> = None) -> y;
    variants [method, inplace];
    node "RandomBackward1";
    mutate { rng::random_from_to(&mut stream(generator), &mut input, 0, to) };
    vjp { input => |g| g * 0.0 };
    samples [(real([2, 3]), 5), (real([]), 1), (real([0, 2]), 3), (int([3], 0, 5), 9)];
}

op! {
    /// Writes random integers from `from` up to but not including `to`, or to the greatest that the dtype holds.
    ///
    /// Shape: `*s -> *s`.
    ///
    /// >>> torch.ones(2).random_(4, 5)
    /// tensor([4., 4.])
    fn random.from(input: Tensor, from: i64, to: Option<i64>; generator: Option<Generator> = None) -> y;
    variants [method, inplace];
    mutate {
        let mut stream = stream(generator);
        match to {
            Some(to) => rng::random_from_to(&mut stream, &mut input, from, to),
            None => rng::random_from(&mut stream, &mut input, from),
        }
    };
    vjp { input => |g| g * 0.0 };
    samples [(real([2, 3]), -2, 5), (int([3], 0, 5), 3, None), (real([0, 2]), 1, 3)];
}

op! {
    /// Writes 1 with probability `p`, else 0.
    ///
    /// Shape: `*s -> *s`.
    ///
    /// >>> torch.zeros(2).bernoulli_(1.)
    /// tensor([1., 1.])
    fn bernoulli_fill(input: Tensor, p: f64 = 0.5; generator: Option<Generator> = None) -> y;
    variants [method, inplace bernoulli_];
    node "BernoulliBackward2";
    mutate { rng::bernoulli_scalar(&mut stream(generator), &mut input, p) };
    vjp { input => |g| g * 0.0 };
    samples [(real([2, 3]), 0.3), (real([])), (real([0, 2]))];
}

/// The strides with which the probabilities `p` are seen through `want`.
fn probabilities(have: &[i64], strides: &[i64], want: &[i64]) -> Result<Dims> {
    if have.len() > want.len() {
        return Err(Error::runtime(format!(
            "The expanded size of the tensor ({}) must be greater or equal to the number of dimensions in the tensor ({})",
            want.len(),
            have.len()
        )));
    }
    broadcast_to(have, strides, want)
}

op! {
    /// Writes 1 with the probability at the same place in `p`, else 0.
    ///
    /// Shape: `*s, *t -> *s` where `*t` broadcasts to `*s`.
    fn bernoulli_fill.tensor(input: Tensor, p: Tensor; generator: Option<Generator> = None) -> y;
    variants [method, inplace bernoulli_];
    node "BernoulliBackward1";
    mutate {
        let strides = probabilities(p.sizes(), p.strides(), input.sizes())?;
        // SAFETY: broadcasting repeats elements that `p` has.
        let p = unsafe { p.with(input.sizes(), &strides) };
        rng::bernoulli_tensor(&mut stream(generator), &mut input, p)
    };
    vjp { input => |g| g * 0.0; p => |p.shape| crate::ops::zeros_with(&p.shape, crate::Options::dtype(p.dtype)) };
    samples [(real([2, 3]), unit([3])), (real([]), unit([])), (real([0, 2]), unit([2]))];
}

op! {
    /// Writes random numbers of the exponential distribution with rate `lambd`.
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point.
    fn exponential(input: Tensor, lambd: f64 = 1.0; generator: Option<Generator> = None) -> y;
    variants [method, inplace];
    mutate { rng::exponential(&mut stream(generator), &mut input, lambd) };
    vjp { input => |g| g * 0.0 };
    samples [(real([2, 3])), (real([]), 2.0), (real([0, 2]))];
}

op! {
    /// Writes how many trials it took, each with probability `p`, up to the first success.
    ///
    /// Shape: `*s -> *s`.
    fn geometric(input: Tensor, p: f64; generator: Option<Generator> = None) -> y;
    variants [method, inplace];
    mutate { rng::geometric(&mut stream(generator), &mut input, p) };
    vjp { input => |g| g * 0.0 };
    samples [(real([2, 3]), 0.3), (real([]), 0.5), (real([0, 2]), 0.5)];
}

op! {
    /// Writes random numbers of the Cauchy distribution.
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point.
    fn cauchy(input: Tensor, median: f64 = 0.0, sigma: f64 = 1.0; generator: Option<Generator> = None) -> y;
    variants [method, inplace];
    mutate { rng::cauchy(&mut stream(generator), &mut input, median, sigma) };
    vjp { input => |g| g * 0.0 };
    samples [(real([2, 3])), (real([]), 1.0, 2.0), (real([0, 2]))];
}

op! {
    /// Writes the exponential of normal random numbers.
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point.
    fn log_normal(input: Tensor, mean: f64 = 1.0, std: f64 = 2.0; generator: Option<Generator> = None) -> y;
    variants [method, inplace];
    mutate { rng::log_normal(&mut stream(generator), &mut input, mean, std) };
    vjp { input => |g| g * 0.0 };
    samples [(real([2, 3])), (real([]), 0.0, 0.5), (real([0, 2]))];
}
