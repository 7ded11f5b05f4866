//! Random numbers of the gamma, Dirichlet and binomial distributions, and how the first two move with their parameters.

use super::stream;
use crate::ops::unary::special::missing;
use crate::ops::{Val, op};
use crate::{DType, Device, Error, Result, Tensor};

/// float32 and float64 only.
fn wide_float(x: &Tensor, what: &str) -> Result<DType> {
    match x.dtype() {
        d @ (DType::F32 | DType::F64) => Ok(d),
        d => Err(Error::not_implemented(format!("\"{what}\" not implemented for '{}'", d.title()))),
    }
}

/// One dtype for all.
fn one_dtype(first: &Tensor, others: &[&Tensor], what: &str) -> Result<DType> {
    for t in others {
        if t.dtype() != first.dtype() {
            return Err(Error::runtime(format!(
                "Found dtype {} but expected {}",
                t.dtype().title(),
                first.dtype().title()
            )));
        }
    }
    wide_float(first, what)
}

/// The error of a derivative that PyTorch does not have either.
fn no_derivative(name: &str) -> Val {
    Val::Error(Error::runtime(format!("derivative for aten::{name} is not implemented")))
}

/// The smallest normal number of a dtype.
fn tiny(dtype: DType) -> f64 {
    if dtype == DType::F64 { f64::MIN_POSITIVE } else { f64::from(f32::MIN_POSITIVE) }
}

op! {
    /// Random numbers of the gamma distribution of scale 1, each of the shape that an element gives.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged, float32 or float64.
    ///
    /// >>> torch._standard_gamma(torch.tensor([1., 2.])).shape
    /// torch.Size([2])
    fn _standard_gamma(input: Tensor, generator: Option<Generator> = None) -> y;
    variants [function];
    node "StandardGammaBackward0";
    dtype wide_float(input, "gamma_cpu");
    shape input.size();
    compute {
        let dtype = wide_float(input, "gamma_cpu")?;
        let shapes = input.to_dtype(DType::F64)?.to_vec::<f64>()?;
        let mut stream = stream(generator);
        let single = dtype == DType::F32;
        let drawn: Vec<f64> = shapes.into_iter().map(|a| stream.standard_gamma(a, single).max(tiny(dtype))).collect();
        Tensor::of(&drawn, input.size())?.to_dtype(dtype)
    };
    vjp { input => |g, input, y| g * input._standard_gamma_grad(y) };
    samples without_gradcheck([(positive([2, 3])), (tensor(&[4], 10.0, 90.0)), (positive([])), (positive([0, 2]))]);
}

op! {
    /// How a number drawn by `_standard_gamma` moves with its shape: `-(d cdf / d shape) / density` at `output`.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: unchanged, float32 or float64.
    ///
    /// >>> torch._standard_gamma_grad(torch.tensor([1.]), torch.tensor([2.]))
    /// tensor([1.6317])
    fn _standard_gamma_grad(input: Tensor, output: Tensor) -> y;
    variants [function];
    node "StandardGammaGradBackward0";
    dtype one_dtype(input, &[output], "_standard_gamma_grad_cpu");
    map { (input, output) Float => crate::ops::random::slopes::gamma_slope(input as f64, output as f64) as _ };
    vjp {
        input => |g| { let _ = g; missing("the derivative for '_standard_gamma_grad' is not implemented.") };
        output => |g| { let _ = g; missing("the derivative for '_standard_gamma_grad' is not implemented.") }
    };
    samples without_gradcheck([(positive([2, 3]), positive([3])), (positive([]), positive([])), (positive([0, 2]), positive([2]))]);
}

op! {
    /// Random numbers of the Dirichlet distribution along the last dimension, whose concentrations the elements give.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged, float32 or float64.
    ///
    /// >>> torch._sample_dirichlet(torch.ones(2, 3)).sum(1)
    /// tensor([1., 1.])
    fn _sample_dirichlet(input: Tensor, generator: Option<Generator> = None) -> y;
    variants [function];
    dtype wide_float(input, "dirichlet");
    shape input.size();
    compute {
        let dtype = wide_float(input, "dirichlet")?;
        let shapes = input.to_dtype(DType::F64)?.to_vec::<f64>()?;
        let drawn: Vec<f64> = {
            let mut stream = stream(generator);
            shapes.into_iter().map(|a| stream.standard_gamma(a, false).max(f64::MIN_POSITIVE)).collect()
        };
        let drawn = Tensor::of(&drawn, input.size())?;
        let parts = drawn.div(&drawn.sum_dim_with(Some(&[-1]), true, None)?)?.to_dtype(dtype)?;
        let below_one = 1.0 - if dtype == DType::F64 { f64::EPSILON } else { f64::from(f32::EPSILON) } / 2.0;
        parts.clamp_with(Some(tiny(dtype).into()), Some(below_one.into()))
    };
    vjp { input => |g| { let _ = g; no_derivative("_sample_dirichlet") } };
    samples without_gradcheck([(positive([2, 3])), (positive([])), (positive([0, 2]))]);
}

op! {
    /// How a number `x` of the Dirichlet distribution moves with its concentration `alpha`, less the factor `1 - x`; `total`
    /// is the sum of all concentrations.
    ///
    /// Shape: `*s, *s, *s -> *s`. Dtype: unchanged, float32 or float64.
    ///
    /// >>> torch._dirichlet_grad(torch.tensor([0.5]), torch.tensor([1.]), torch.tensor([2.]))
    /// tensor([0.6931])
    fn _dirichlet_grad(x: Tensor, alpha: Tensor, total: Tensor) -> y;
    variants [function];
    dtype one_dtype(x, &[alpha, total], "_dirichlet_grad_cpu");
    map { (x, alpha, total) Float => crate::ops::random::slopes::dirichlet_slope(x as f64, alpha as f64, total as f64) as _ };
    vjp {
        x => |g| { let _ = g; no_derivative("_dirichlet_grad") };
        alpha => |g| { let _ = g; no_derivative("_dirichlet_grad") };
        total => |g| { let _ = g; no_derivative("_dirichlet_grad") }
    };
    samples without_gradcheck([(unit([2, 3]), unit([2, 3]), positive([2, 3])), (unit([]), unit([]), positive([])), (unit([0, 2]), unit([0, 2]), positive([0, 2]))]);
}

fn counts(count: &Tensor, prob: &Tensor) -> Result<DType> {
    for (t, name) in [(count, "count"), (prob, "prob")] {
        if !t.dtype().is_floating() {
            return Err(Error::value(format!(
                "binomial only supports floating-point dtypes for {name}, got: {}",
                t.dtype().title()
            )));
        }
    }
    if count.device() == Device::Meta {
        return Err(Error::not_implemented(
            "aten::binomial: attempted to run this operator with Meta tensors, but there was no fake impl or Meta kernel registered.",
        ));
    }
    one_dtype(count, &[prob], "binomial_cpu")
}

op! {
    /// How many of `count` trials succeed, each with probability `prob`.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: unchanged, float32 or float64.
    ///
    /// >>> torch.binomial(torch.tensor([3., 3.]), torch.tensor([0., 1.]))
    /// tensor([0., 3.])
    fn binomial(count: Tensor, prob: Tensor, generator: Option<Generator> = None) -> y;
    variants [function];
    dtype counts(count, prob);
    shape crate::broadcast_shapes(count.size(), prob.size());
    compute {
        let dtype = counts(count, prob)?;
        let sizes = crate::broadcast_shapes(count.size(), prob.size())?;
        let wide = |t: &Tensor| t.expand(&sizes)?.to_dtype(DType::F64)?.to_vec::<f64>();
        let (counts, probs) = (wide(count)?, wide(prob)?);
        let mut stream = stream(generator);
        let single = dtype == DType::F32;
        let drawn: Vec<f64> = counts.iter().zip(&probs).map(|(&n, &p)| stream.binomial(n, p, single)).collect();
        Tensor::of(&drawn, &sizes)?.to_dtype(dtype)
    };
    vjp {
        count => |g| { let _ = g; no_derivative("binomial") };
        prob => |g| { let _ = g; no_derivative("binomial") }
    };
    samples without_gradcheck([(tensor(&[2, 3], 1.0, 90.0), unit([3])), (positive([]), unit([])), (positive([0, 2]), unit([2]))]);
}
