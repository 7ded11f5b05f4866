//! The frequencies of a transform's elements, and their order.

use crate::ops::{op, samples};
use crate::{DType, Dims, Error, Options, Result, Tensor};

fn frequency_dtype(name: &str, options: &Options) -> Result<DType> {
    let dtype = options.dtype_or_default();
    if dtype.is_integral() {
        return Err(Error::runtime(format!("{name} requires a floating point or complex dtype")));
    }
    Ok(dtype)
}

/// `places / (n * d)`.
fn frequencies(places: Vec<f64>, n: i64, d: f64, dtype: DType) -> Result<Tensor> {
    let len = places.len() as i64;
    Tensor::of(&places, &[len])?.to_dtype(dtype)?.mul(1.0 / (n as f64 * d))
}

op! {
    /// The frequencies of the elements of `fft` of `n` samples that are `d` apart: those not negative, then the negative.
    ///
    /// Shape: `-> n`. Dtype: `dtype`, or the default float type.
    ///
    /// >>> torch.fft.fftfreq(4)
    /// tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    fn fftfreq(n: i64, d: f64 = 1.0) -> y;
    variants [fft, out];
    factory;
    dtype frequency_dtype("fftfreq", &options);
    shape Dims::from_slice(&[n]);
    compute {
        let middle = (n + 1) / 2;
        frequencies((0..n).map(|i| if i < middle { i } else { i - n } as f64).collect(), n, d, frequency_dtype("fftfreq", &options)?)
    };
    samples [(4), (5, 0.5), (1)];
}

op! {
    /// The frequencies of the elements of `rfft` of `n` samples that are `d` apart.
    ///
    /// Shape: `-> m`. Dtype: `dtype`, or the default float type.
    ///
    /// >>> torch.fft.rfftfreq(4)
    /// tensor([0.0000, 0.2500, 0.5000])
    fn rfftfreq(n: i64, d: f64 = 1.0) -> y;
    variants [fft, out];
    factory;
    dtype frequency_dtype("rfftfreq", &options);
    shape Dims::from_slice(&[n / 2 + 1]);
    compute { frequencies((0..=n / 2).map(|i| i as f64).collect(), n, d, frequency_dtype("rfftfreq", &options)?) };
    samples [(4), (5, 0.5), (1)];
}

/// Half the sizes of dimensions, rounded down or up, and the dimensions.
fn halves(x: &Tensor, dim: Option<&[i64]>, up: i64) -> Result<(Dims, Dims)> {
    let dims: Dims = match dim {
        Some(dims) => dims.iter().map(|&d| super::one_dim(x, d)).collect::<Result<_>>()?,
        None => (0..x.dim() as i64).collect(),
    };
    Ok((dims.iter().map(|&d| (x.size()[d as usize] + up) / 2).collect(), dims))
}

op! {
    /// The elements of a transform in the order of their frequencies, the lowest first: zero comes to the middle.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.fft.fftshift(torch.tensor([0, 1, 2, -2, -1]))
    /// tensor([-2, -1,  0,  1,  2])
    fn fftshift(input: Tensor, dim: Option<Dims> = None) -> y;
    variants [fft];
    composite {
        let (shifts, dims) = halves(input, dim, 0)?;
        input.roll_with(&shifts, &dims)
    };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[], &[[1].into()]]);
}

op! {
    /// The inverse of `fftshift`.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.fft.ifftshift(torch.tensor([-2, -1, 0, 1, 2]))
    /// tensor([ 0,  1,  2, -2, -1])
    fn ifftshift(input: Tensor, dim: Option<Dims> = None) -> y;
    variants [fft];
    composite {
        let (shifts, dims) = halves(input, dim, 1)?;
        input.roll_with(&shifts, &dims)
    };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[], &[[1].into()]]);
}
