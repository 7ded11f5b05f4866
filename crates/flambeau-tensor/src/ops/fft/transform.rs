//! The transforms that all others are made of.

use flambeau_cpu::fft as kernels;

use super::{by_stride, scale, transformed};
use crate::ops::{Val, op, rule};
use crate::{DType, Dims, Error, Layout, Result, Tensor};

/// Each dimension once, and with elements.
fn check_dims(x: &Tensor, dims: &[i64], name: &str) -> Result<()> {
    let fits = |(i, d): (usize, &i64)| {
        usize::try_from(*d).is_ok_and(|d| d < x.dim() && x.size()[d] > 0) && !dims[..i].contains(d)
    };
    rule::require(!dims.is_empty() && dims.iter().enumerate().all(fits), name)
}

fn complex_dtype(x: &Tensor) -> Result<DType> {
    if !x.dtype().is_complex() {
        return Err(Error::runtime(format!("Only supports complex dtypes, but found: {}", x.dtype().title())));
    }
    Ok(x.dtype())
}

fn real_dtype(x: &Tensor) -> Result<DType> {
    match x.dtype() {
        d @ (DType::F32 | DType::F64) => Ok(d),
        d @ (DType::F16 | DType::BF16) => {
            Err(Error::not_implemented(format!("MKL FFT doesn't support tensors of type: {}", d.title())))
        }
        d => Err(Error::type_(format!("Only supports floating-point dtypes, but found: {}", d.title()))),
    }
}

/// The dimensions as a kernel counts them.
fn places(dims: &[i64]) -> Vec<usize> {
    dims.iter().map(|&d| d as usize).collect()
}

fn points(sizes: &[i64], dims: &[i64]) -> i64 {
    dims.iter().map(|&d| sizes[d as usize]).product()
}

op! {
    /// The transform of complex numbers along dimensions, or the inverse one. `normalization` is 0 for none, 1 to divide by
    /// the square root of the length, 2 by the length.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    fn fft_c2c(input: Tensor, dim: Dims, normalization: i64, forward: bool) -> y;
    variants [private];
    node "FftC2CBackward0";
    dtype { check_dims(input, dim, "fft_c2c")?; complex_dtype(input)? };
    shape transformed(input, input.size(), &by_stride(input, dim, false));
    kernel { kernels::c2c(&mut y, input, &places(dim), scale(normalization, points(input.sizes(), dim)), forward) };
    vjp { input => |g, dim, normalization, forward| g.fft_c2c(dim, normalization, !forward) };
    samples {
        let z = crate::ops::samples::tensor(&[2, 3, 2], -1.0, 1.0).view_as_complex().unwrap_or_else(|e| panic!("{e}"));
        vec![crate::ops::Sample::new([z.into(), [1].into(), 1.into(), true.into()])]
    };
}

fn r2c_layout(x: &Tensor, dims: &[i64], onesided: bool) -> Layout {
    let mut sizes = x.sizes();
    if let Some(&last) = dims.last()
        && onesided
    {
        sizes[last as usize] = sizes[last as usize] / 2 + 1;
    }
    transformed(x, &sizes, &by_stride(x, dims, true))
}

op! {
    /// The transform of real numbers along dimensions; with `onesided` the half along the last of them that tells the rest.
    ///
    /// Shape: `*s -> *t`. Dtype: the complex one.
    fn fft_r2c(input: Tensor, dim: Dims, normalization: i64, onesided: bool) -> y;
    variants [private];
    node "FftR2CBackward0";
    dtype { let real = real_dtype(input)?; check_dims(input, dim, "fft_r2c")?; real.to_complex() };
    shape r2c_layout(input, dim, onesided);
    kernel { kernels::r2c(&mut y, input, &places(dim), scale(normalization, points(input.sizes(), dim))) };
    vjp { input => |g, input.shape, dim, normalization, onesided| {
        let last = dim.last().copied().unwrap_or(0);
        let cut = input.shape[last as usize] - (input.shape[last as usize] / 2 + 1);
        // What was left out has no gradient.
        let g = if onesided && cut > 0 { g.constant_pad_nd(&behind(input.shape.len(), last, cut)) } else { g.clone() };
        g.fft_c2c(dim, normalization, false).real()
    } };
    samples crate::ops::samples::with(&[2, 5], -1.0, 1.0, &[&[[1].into(), 0.into(), true.into()], &[[0, 1].into(), 2.into(), false.into()]]);
}

/// The widths that pad one dimension behind.
fn behind(ndim: usize, dim: i64, n: i64) -> Dims {
    let mut pad = Dims::from_elem(0, 2 * ndim);
    let at = pad.len() - 1 - 2 * dim as usize;
    pad[at] = n;
    pad
}

fn c2r_layout(x: &Tensor, dim: i64, n: i64) -> Layout {
    let mut sizes = x.sizes();
    sizes[dim as usize] = n;
    transformed(x, &sizes, &[dim])
}

op! {
    /// The inverse transform along a dimension of the first half of numbers whose other half is their conjugates: `n` real
    /// numbers.
    ///
    /// Shape: `*s -> *t`. Dtype: the real one.
    fn fft_c2r(input: Tensor, dim: i64, normalization: i64, n: i64) -> y;
    variants [private];
    node "FftC2RBackward0";
    dtype {
        let complex = complex_dtype(input)?;
        check_dims(input, &[dim], "fft_c2r")?;
        rule::require(n > 0 && input.size()[dim as usize] == n / 2 + 1, "fft_c2r")?;
        complex.to_real()
    };
    shape c2r_layout(input, dim, n);
    kernel { kernels::c2r(&mut y, input, dim as usize, scale(normalization, n)) };
    vjp { input => |g, dim, normalization, n| Val::run(|| {
        let g = g.tensor()?.fft_r2c(&[dim], normalization, true)?;
        // All but the first and the middle one stand for two.
        let twice = n - g.size()[dim as usize];
        if twice <= 0 {
            return Ok(g);
        }
        let mut weights = vec![1.0; g.size()[dim as usize] as usize];
        weights[1..=twice as usize].fill(2.0);
        let mut sizes = Dims::from_elem(1, g.dim());
        sizes[dim as usize] = weights.len() as i64;
        g.mul(Tensor::of(&weights, &sizes)?.to_dtype(g.dtype().to_real())?.to_device(g.device())?)
    }) };
    samples {
        let z = crate::ops::samples::tensor(&[2, 3, 2], -1.0, 1.0).view_as_complex().unwrap_or_else(|e| panic!("{e}"));
        vec![crate::ops::Sample::new([z.clone().into(), 1.into(), 2.into(), 5.into()]), crate::ops::Sample::new([z.into(), 1.into(), 0.into(), 4.into()])]
    };
}

/// The inverse transform along several dimensions, real along the last of them.
pub(super) fn c2r(x: &Tensor, dims: &[i64], normalization: i64, n: i64) -> Result<Tensor> {
    let Some((&last, rest)) = dims.split_last() else { return x.to_dtype(x.dtype().to_real()) };
    let x = if rest.is_empty() { x.clone() } else { x.fft_c2c(rest, normalization, false)? };
    x.fft_c2r(last, normalization, n)
}

/// The transform of complex numbers; along no dimension it is a copy.
pub(super) fn c2c(x: &Tensor, dims: &[i64], normalization: i64, forward: bool) -> Result<Tensor> {
    if dims.is_empty() { x.clone_tensor() } else { x.fft_c2c(dims, normalization, forward) }
}
