//! Discrete Fourier transforms: of one dimension, of several, their frequencies, and of windows of a signal.

use flambeau_types::normalize_dim;

use crate::{DType, Dims, Error, Layout, Result, Tensor};

pub mod frequency;
pub mod line;
pub mod plane;
pub mod space;
pub mod transform;
pub mod windows;

/// What a transform is divided by: nothing, the square root of its length, or its length.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Norm {
    None = 0,
    Root = 1,
    Length = 2,
}

impl Norm {
    /// What `norm=` says for a transform in one direction.
    fn read(norm: Option<&str>, forward: bool) -> Result<Norm> {
        match norm {
            None | Some("backward") => Ok(if forward { Norm::None } else { Norm::Length }),
            Some("forward") => Ok(if forward { Norm::Length } else { Norm::None }),
            Some("ortho") => Ok(Norm::Root),
            Some(other) => Err(Error::runtime(format!("Invalid normalization mode: \"{other}\""))),
        }
    }
}

/// The factor that a normalization means for `n` elements.
fn scale(normalization: i64, n: i64) -> f64 {
    match normalization {
        1 => 1.0 / (n as f64).sqrt(),
        2 => 1.0 / n as f64,
        _ => 1.0,
    }
}

/// The input in the dtype that its transform is made in.
fn promoted(x: &Tensor, complex: bool) -> Result<Tensor> {
    let dtype = match x.dtype() {
        d if d.is_complex() => d,
        d if d.is_integral() => crate::default_dtype(),
        d => d,
    };
    if !matches!(dtype, DType::F32 | DType::F64 | DType::C64 | DType::C128) {
        return Err(Error::not_implemented(format!("Unsupported dtype {}", dtype.title())));
    }
    x.to_dtype(if complex { dtype.to_complex() } else { dtype })
}

/// Refuses complex numbers.
fn check_real(x: &Tensor, name: &str, wants: &str) -> Result<()> {
    if x.dtype().is_complex() {
        return Err(Error::type_(format!("{name} expects a {wants} input tensor, but got {}", x.dtype().title())));
    }
    Ok(())
}

/// The tensor cut or filled up with zeros to so many elements along dimensions.
fn resized(x: &Tensor, dims: &[i64], sizes: &[i64]) -> Result<Tensor> {
    let (mut x, mut pad) = (x.clone(), Dims::from_elem(0, 2 * x.dim()));
    for (&d, &n) in dims.iter().zip(sizes) {
        let have = x.size()[d as usize];
        if have < n {
            let at = pad.len() - 1 - 2 * d as usize;
            pad[at] = n - have;
        } else if have > n {
            x = x.slice(d, 0, n, 1)?;
        }
    }
    if pad.iter().all(|&p| p == 0) { Ok(x) } else { x.constant_pad_nd(&pad) }
}

fn check_points(n: i64) -> Result<()> {
    if n < 1 {
        return Err(Error::runtime(format!("Invalid number of data points ({n}) specified")));
    }
    Ok(())
}

/// A dimension of a tensor that has some.
fn one_dim(x: &Tensor, dim: i64) -> Result<i64> {
    if x.dim() == 0 {
        return Err(Error::index(format!("Dimension specified as {dim} but tensor has no dimensions")));
    }
    Ok(normalize_dim(dim, x.dim())? as i64)
}

/// The dimensions that `s` and `dim` name, and how many elements each is to have.
fn several_dims(x: &Tensor, s: Option<&[i64]>, dim: Option<&[i64]>) -> Result<(Dims, Dims)> {
    let n = x.dim();
    let mut dims = Dims::new();
    for &d in dim.unwrap_or_default() {
        let d = one_dim(x, d)?;
        if dims.contains(&d) {
            return Err(Error::runtime("FFT dims must be unique"));
        }
        dims.push(d);
    }
    if let Some(s) = s {
        if dim.is_some_and(|d| d.len() != s.len()) {
            return Err(Error::runtime("When given, dim and shape arguments must have the same length"));
        }
        if s.len() > n {
            return Err(Error::runtime(format!(
                "Got shape with {} values but input tensor only has {n} dimensions.",
                s.len()
            )));
        }
        if dim.is_none() {
            dims = ((n - s.len()) as i64..n as i64).collect();
        }
    } else if dim.is_none() {
        dims = (0..n as i64).collect();
    }
    let whole = |i: usize| x.size()[dims[i] as usize];
    let sizes: Dims = match s {
        Some(s) => s.iter().enumerate().map(|(i, &n)| if n == -1 { whole(i) } else { n }).collect(),
        None => (0..dims.len()).map(whole).collect(),
    };
    sizes.iter().try_for_each(|&n| check_points(n))?;
    Ok((dims, sizes))
}

/// The dimensions in the order of falling strides; with `but_last` the last one stays.
fn by_stride(x: &Tensor, dims: &[i64], but_last: bool) -> Dims {
    let mut dims: Dims = dims.into();
    let end = dims.len() - usize::from(but_last && !dims.is_empty());
    dims[..end].sort_by_key(|&d| std::cmp::Reverse(x.stride()[d as usize]));
    dims
}

/// How PyTorch lays out a transform: the transformed dimensions last, the others before them in the order of the input's
/// strides.
fn transformed(x: &Tensor, sizes: &[i64], dims: &[i64]) -> Layout {
    let mut order: Vec<usize> = (0..x.dim()).collect();
    let other = |d: usize| !dims.contains(&(d as i64));
    // The others come to the front by exchanges from both ends.
    let (mut low, mut high) = (0, order.len());
    loop {
        while low < high && other(order[low]) {
            low += 1;
        }
        while low < high && !other(order[high - 1]) {
            high -= 1;
        }
        if low >= high {
            break;
        }
        order.swap(low, high - 1);
        (low, high) = (low + 1, high - 1);
    }
    let batch = x.dim() - dims.len();
    order[..batch].sort_by_key(|&d| std::cmp::Reverse(x.stride()[d]));
    for (at, &d) in order[batch..].iter_mut().zip(dims) {
        *at = d as usize;
    }
    let mut layout = Layout::contiguous(sizes);
    let mut step = 1;
    for &d in order.iter().rev() {
        layout.strides[d] = step;
        step *= sizes[d].max(1);
    }
    layout
}
