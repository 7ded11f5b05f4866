//! Transforms of two dimensions, as images have them.

use super::space::{from_half, from_real, to_half, to_real, whole};
use crate::ops::{op, samples};

op! {
    /// The discrete Fourier transform along two dimensions: `fftn` of the last two.
    ///
    /// Shape: `*s -> *t`. Dtype: complex.
    ///
    /// >>> torch.fft.fft2(torch.tensor([[1., 2.], [3., 4.]]))
    /// tensor([[10.+0.j, -2.+0.j],
    ///         [-4.+0.j,  0.+0.j]])
    fn fft2(input: Tensor, s: Option<Dims> = None, dim: Dims = [-2, -1], norm: Option<Str> = None) -> y;
    variants [fft, out];
    composite { whole(input, s, Some(dim), norm, true) };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[], &[[3, 4].into(), [1, 0].into(), "ortho".into()]]);
}

op! {
    /// The inverse of `fft2`.
    ///
    /// Shape: `*s -> *t`. Dtype: complex.
    ///
    /// >>> torch.fft.ifft2(torch.tensor([[10., -2.], [-4., 0.]]))
    /// tensor([[1.+0.j, 2.+0.j],
    ///         [3.+0.j, 4.+0.j]])
    fn ifft2(input: Tensor, s: Option<Dims> = None, dim: Dims = [-2, -1], norm: Option<Str> = None) -> y;
    variants [fft, out];
    composite { whole(input, s, Some(dim), norm, false) };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[], &[[3, 4].into(), [1, 0].into(), "ortho".into()]]);
}

op! {
    /// The transform of real numbers along two dimensions: `rfftn` of the last two.
    ///
    /// Shape: `*s -> *t`. Dtype: complex.
    ///
    /// >>> torch.fft.rfft2(torch.ones(2, 5)).shape
    /// torch.Size([2, 3])
    fn rfft2(input: Tensor, s: Option<Dims> = None, dim: Dims = [-2, -1], norm: Option<Str> = None) -> y;
    variants [fft, out];
    composite { from_real(input, s, Some(dim), norm) };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[], &[[3, 4].into(), [1, 0].into(), "ortho".into()]]);
}

op! {
    /// The inverse of `rfft2`.
    ///
    /// Shape: `*s -> *t`. Dtype: real.
    ///
    /// >>> torch.fft.irfft2(torch.tensor([[10., -2.], [-4., 0.]]))
    /// tensor([[1., 2.],
    ///         [3., 4.]])
    fn irfft2(input: Tensor, s: Option<Dims> = None, dim: Dims = [-2, -1], norm: Option<Str> = None) -> y;
    variants [fft, out];
    composite { to_real(input, s, Some(dim), norm) };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[], &[[3, 4].into(), [1, 0].into(), "ortho".into()]]);
}

op! {
    /// The transform along two dimensions of a signal whose other half is its conjugates: `hfftn` of the last two.
    ///
    /// Shape: `*s -> *t`. Dtype: real.
    ///
    /// >>> torch.fft.hfft2(torch.ones(2, 3)).shape
    /// torch.Size([2, 4])
    fn hfft2(input: Tensor, s: Option<Dims> = None, dim: Dims = [-2, -1], norm: Option<Str> = None) -> y;
    variants [fft, out];
    composite { from_half(input, s, Some(dim), norm) };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[], &[[3, 4].into(), [1, 0].into(), "ortho".into()]]);
}

op! {
    /// The inverse of `hfft2`.
    ///
    /// Shape: `*s -> *t`. Dtype: complex.
    ///
    /// >>> torch.fft.ihfft2(torch.ones(2, 5)).shape
    /// torch.Size([2, 3])
    fn ihfft2(input: Tensor, s: Option<Dims> = None, dim: Dims = [-2, -1], norm: Option<Str> = None) -> y;
    variants [fft, out];
    composite { to_half(input, s, Some(dim), norm) };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[], &[[3, 4].into(), [1, 0].into(), "ortho".into()]]);
}
