//! Transforms of one dimension.

use super::transform::{c2c, c2r};
use super::{Norm, check_points, check_real, one_dim, promoted, resized};
use crate::ops::{op, samples};
use crate::{Result, Tensor};

/// One dimension of a tensor cut or filled up to `n` points.
fn points(x: &Tensor, n: Option<i64>, dim: i64) -> Result<(Tensor, i64)> {
    let dim = one_dim(x, dim)?;
    let points = n.unwrap_or(x.size()[dim as usize]);
    check_points(points)?;
    Ok((if n.is_some() { resized(x, &[dim], &[points])? } else { x.clone() }, dim))
}

fn from_real(
    name: &str,
    x: &Tensor,
    n: Option<i64>,
    dim: i64,
    norm: Option<&str>,
    forward: bool,
    onesided: bool,
) -> Result<Tensor> {
    check_real(x, name, "real")?;
    let (x, dim) = points(&promoted(x, false)?, n, dim)?;
    let y = x.fft_r2c(&[dim], Norm::read(norm, forward)? as i64, onesided)?;
    // The inverse transform of real numbers is the conjugate of the forward one.
    if forward { Ok(y) } else { y.conj_physical() }
}

fn whole(name: &str, x: &Tensor, n: Option<i64>, dim: i64, norm: Option<&str>, forward: bool) -> Result<Tensor> {
    if !x.dtype().is_complex() {
        return from_real(name, x, n, dim, norm, forward, false);
    }
    let (x, dim) = points(&promoted(x, true)?, n, dim)?;
    c2c(&x, &[dim], Norm::read(norm, forward)? as i64, forward)
}

fn to_real(x: &Tensor, n: Option<i64>, dim: i64, norm: Option<&str>, forward: bool) -> Result<Tensor> {
    let x = promoted(x, true)?;
    let dim = one_dim(&x, dim)?;
    let points = n.unwrap_or(2 * (x.size()[dim as usize] - 1));
    check_points(points)?;
    let x = if n.is_some() { resized(&x, &[dim], &[points / 2 + 1])? } else { x };
    let norm = Norm::read(norm, forward)? as i64;
    c2r(&if forward { x.conj()? } else { x }, &[dim], norm, points)
}

op! {
    /// The discrete Fourier transform along a dimension, cut or filled up with zeros to `n` elements. `norm` says which
    /// direction is divided by `n`: "backward", "forward", or "ortho" for both by its square root.
    ///
    /// Shape: `*s -> *t`. Dtype: complex.
    ///
    /// >>> torch.fft.fft(torch.tensor([1., 2., 3., 4.]))
    /// tensor([10.+0.j, -2.+2.j, -2.+0.j, -2.-2.j])
    fn fft(input: Tensor, n: Option<i64> = None, dim: i64 = -1, norm: Option<Str> = None) -> y;
    variants [fft, out];
    composite { whole("fft", input, n, dim, norm, true) };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[], &[4.into(), 0.into(), "ortho".into()]]);
}

op! {
    /// The inverse of `fft`.
    ///
    /// Shape: `*s -> *t`. Dtype: complex.
    ///
    /// >>> torch.fft.ifft(torch.tensor([10, -2 + 2j, -2, -2 - 2j])).real
    /// tensor([1., 2., 3., 4.])
    fn ifft(input: Tensor, n: Option<i64> = None, dim: i64 = -1, norm: Option<Str> = None) -> y;
    variants [fft, out];
    composite { whole("ifft", input, n, dim, norm, false) };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[], &[2.into(), 0.into(), "forward".into()]]);
}

op! {
    /// The first half of the transform of real numbers, `n / 2 + 1` elements: the other half is their conjugates.
    ///
    /// Shape: `*s -> *t`. Dtype: complex.
    ///
    /// >>> torch.fft.rfft(torch.tensor([1., 2., 3., 4.]))
    /// tensor([10.+0.j, -2.+2.j, -2.+0.j])
    fn rfft(input: Tensor, n: Option<i64> = None, dim: i64 = -1, norm: Option<Str> = None) -> y;
    variants [fft, out];
    composite { from_real("rfft", input, n, dim, norm, true, true) };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[], &[4.into(), 0.into(), "ortho".into()]]);
}

op! {
    /// The inverse of `rfft`: `n` real numbers, or `2 * (m - 1)` from `m`.
    ///
    /// Shape: `*s -> *t`. Dtype: real.
    ///
    /// >>> torch.fft.irfft(torch.tensor([10, -2 + 2j, -2]))
    /// tensor([1., 2., 3., 4.])
    fn irfft(input: Tensor, n: Option<i64> = None, dim: i64 = -1, norm: Option<Str> = None) -> y;
    variants [fft, out];
    composite { to_real(input, n, dim, norm, false) };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[], &[5.into(), 0.into(), "ortho".into()]]);
}

op! {
    /// The transform of a signal whose other half is its conjugates: `n` real numbers.
    ///
    /// Shape: `*s -> *t`. Dtype: real.
    ///
    /// >>> torch.fft.hfft(torch.tensor([1., 2., 3.]))
    /// tensor([ 8., -2.,  0., -2.])
    fn hfft(input: Tensor, n: Option<i64> = None, dim: i64 = -1, norm: Option<Str> = None) -> y;
    variants [fft, out];
    composite { to_real(input, n, dim, norm, true) };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[], &[5.into(), 0.into(), "ortho".into()]]);
}

op! {
    /// The inverse of `hfft`: the first half of a signal whose other half is its conjugates.
    ///
    /// Shape: `*s -> *t`. Dtype: complex.
    ///
    /// >>> torch.fft.ihfft(torch.tensor([8., -2., 0., -2.])).real
    /// tensor([1., 2., 3.])
    fn ihfft(input: Tensor, n: Option<i64> = None, dim: i64 = -1, norm: Option<Str> = None) -> y;
    variants [fft, out];
    composite { from_real("ihfft", input, n, dim, norm, false, true) };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[], &[4.into(), 0.into(), "forward".into()]]);
}
