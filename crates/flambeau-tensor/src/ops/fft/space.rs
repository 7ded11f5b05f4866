//! Transforms of several dimensions.

use super::transform::{c2c, c2r};
use super::{Norm, check_points, check_real, promoted, resized, several_dims};
use crate::ops::{op, samples};
use crate::{Dims, Error, Result, Tensor};

pub(super) fn whole(
    x: &Tensor,
    s: Option<&[i64]>,
    dim: Option<&[i64]>,
    norm: Option<&str>,
    forward: bool,
) -> Result<Tensor> {
    let (dims, sizes) = several_dims(x, s, dim)?;
    let x = resized(&promoted(x, true)?, &dims, &sizes)?;
    c2c(&x, &dims, Norm::read(norm, forward)? as i64, forward)
}

fn check_some(name: &str, dims: &[i64]) -> Result<()> {
    if dims.is_empty() {
        return Err(Error::runtime(format!("{name} must transform at least one axis")));
    }
    Ok(())
}

pub(super) fn from_real(x: &Tensor, s: Option<&[i64]>, dim: Option<&[i64]>, norm: Option<&str>) -> Result<Tensor> {
    check_real(x, "rfftn", "real-valued")?;
    let x = promoted(x, false)?;
    let (dims, sizes) = several_dims(&x, s, dim)?;
    check_some("rfftn", &dims)?;
    resized(&x, &dims, &sizes)?.fft_r2c(&dims, Norm::read(norm, true)? as i64, true)
}

/// The dimensions and sizes of a transform to real numbers, and how many of these there are along the last dimension.
fn half_dims(name: &str, x: &Tensor, s: Option<&[i64]>, dim: Option<&[i64]>) -> Result<(Dims, Dims, i64)> {
    let (dims, mut sizes) = several_dims(x, s, dim)?;
    check_some(name, &dims)?;
    let at = dims.len() - 1;
    let last = match s.and_then(|s| s.last()) {
        Some(&n) if n != -1 => n,
        _ => 2 * (x.size()[dims[at] as usize] - 1),
    };
    check_points(last)?;
    sizes[at] = last / 2 + 1;
    Ok((dims, sizes, last))
}

pub(super) fn to_real(x: &Tensor, s: Option<&[i64]>, dim: Option<&[i64]>, norm: Option<&str>) -> Result<Tensor> {
    let (dims, sizes, last) = half_dims("irfftn", x, s, dim)?;
    let x = resized(&promoted(x, true)?, &dims, &sizes)?;
    c2r(&x, &dims, Norm::read(norm, false)? as i64, last)
}

pub(super) fn from_half(x: &Tensor, s: Option<&[i64]>, dim: Option<&[i64]>, norm: Option<&str>) -> Result<Tensor> {
    let (dims, sizes, last) = half_dims("hfftn", x, s, dim)?;
    let x = resized(&promoted(x, true)?, &dims, &sizes)?;
    let norm = Norm::read(norm, true)? as i64;
    let (at, rest) = (dims[dims.len() - 1], &dims[..dims.len() - 1]);
    let x = if rest.is_empty() { x } else { x.fft_c2c(rest, norm, true)? };
    c2r(&x.conj()?, &[at], norm, last)
}

pub(super) fn to_half(x: &Tensor, s: Option<&[i64]>, dim: Option<&[i64]>, norm: Option<&str>) -> Result<Tensor> {
    check_real(x, "ihfftn", "real-valued")?;
    let (dims, sizes) = several_dims(x, s, dim)?;
    check_some("ihfftn", &dims)?;
    let x = resized(&promoted(x, false)?, &dims, &sizes)?;
    let norm = Norm::read(norm, false)? as i64;
    let (at, rest) = (dims[dims.len() - 1], &dims[..dims.len() - 1]);
    let y = x.fft_r2c(&[at], norm, true)?.conj_physical()?;
    if rest.is_empty() { Ok(y) } else { y.fft_c2c(rest, norm, false) }
}

op! {
    /// The discrete Fourier transform along several dimensions (all, or the last ones that `s` has sizes for).
    ///
    /// Shape: `*s -> *t`. Dtype: complex.
    ///
    /// >>> torch.fft.fftn(torch.tensor([[1., 2.], [3., 4.]]))
    /// tensor([[10.+0.j, -2.+0.j],
    ///         [-4.+0.j,  0.+0.j]])
    fn fftn(input: Tensor, s: Option<Dims> = None, dim: Option<Dims> = None, norm: Option<Str> = None) -> y;
    variants [fft, out];
    composite { whole(input, s, dim, norm, true) };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[], &[[3, 2].into(), [1, 0].into(), "ortho".into()]]);
}

op! {
    /// The inverse of `fftn`.
    ///
    /// Shape: `*s -> *t`. Dtype: complex.
    ///
    /// >>> torch.fft.ifftn(torch.tensor([[10., -2.], [-4., 0.]]))
    /// tensor([[1.+0.j, 2.+0.j],
    ///         [3.+0.j, 4.+0.j]])
    fn ifftn(input: Tensor, s: Option<Dims> = None, dim: Option<Dims> = None, norm: Option<Str> = None) -> y;
    variants [fft, out];
    composite { whole(input, s, dim, norm, false) };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[], &[[4].into(), [0].into()]]);
}

op! {
    /// The transform of real numbers along several dimensions; of the last, the half that tells the rest.
    ///
    /// Shape: `*s -> *t`. Dtype: complex.
    ///
    /// >>> torch.fft.rfftn(torch.tensor([[1., 2., 3.], [4., 5., 6.]])).shape
    /// torch.Size([2, 2])
    fn rfftn(input: Tensor, s: Option<Dims> = None, dim: Option<Dims> = None, norm: Option<Str> = None) -> y;
    variants [fft, out];
    composite { from_real(input, s, dim, norm) };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[], &[[3, 4].into(), [1, 0].into(), "ortho".into()]]);
}

op! {
    /// The inverse of `rfftn`.
    ///
    /// Shape: `*s -> *t`. Dtype: real.
    ///
    /// >>> torch.fft.irfftn(torch.tensor([[10., -2.], [-4., 0.]]))
    /// tensor([[1., 2.],
    ///         [3., 4.]])
    fn irfftn(input: Tensor, s: Option<Dims> = None, dim: Option<Dims> = None, norm: Option<Str> = None) -> y;
    variants [fft, out];
    composite { to_real(input, s, dim, norm) };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[], &[[3, 5].into(), [0, 1].into(), "ortho".into()]]);
}

op! {
    /// The transform along several dimensions of a signal whose other half is its conjugates: real numbers.
    ///
    /// Shape: `*s -> *t`. Dtype: real.
    ///
    /// >>> torch.fft.hfftn(torch.tensor([[1., 2.], [3., 4.]]))
    /// tensor([[10., -2.],
    ///         [-4.,  0.]])
    fn hfftn(input: Tensor, s: Option<Dims> = None, dim: Option<Dims> = None, norm: Option<Str> = None) -> y;
    variants [fft, out];
    composite { from_half(input, s, dim, norm) };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[], &[[3, 5].into(), [0, 1].into(), "ortho".into()]]);
}

op! {
    /// The inverse of `hfftn`.
    ///
    /// Shape: `*s -> *t`. Dtype: complex.
    ///
    /// >>> torch.fft.ihfftn(torch.tensor([[10., -2.], [-4., 0.]])).shape
    /// torch.Size([2, 2])
    fn ihfftn(input: Tensor, s: Option<Dims> = None, dim: Option<Dims> = None, norm: Option<Str> = None) -> y;
    variants [fft, out];
    composite { to_half(input, s, dim, norm) };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[], &[[3, 4].into(), [1, 0].into(), "ortho".into()]]);
}
