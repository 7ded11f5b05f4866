//! Signals, images and volumes at other sizes.

use flambeau_cpu::interp::{self as kernels, Filter, Move};
use flambeau_cpu::{View, ViewMut};

use super::pool::in_planes;
use crate::ops::{laid_like, op, rule};
use crate::{DType, Error, Kind, Layout, Result, Tensor};

/// The names of an input's last dimensions.
const NAMES: [&str; 3] = ["D", "H", "W"];

fn list(names: &[&str], sizes: &[i64]) -> String {
    names.iter().zip(sizes).map(|(name, size)| format!("{name}: {size}")).collect::<Vec<_>>().join(", ")
}

/// Floating-point numbers, or bytes where PyTorch takes them.
fn resampled_dtype(x: &Tensor, name: &str, bytes: bool) -> Result<DType> {
    if x.dtype().kind() == Kind::Float || (bytes && x.dtype() == DType::U8) {
        return Ok(x.dtype());
    }
    Err(Error::not_implemented(format!("\"{name}\" not implemented for '{}'", x.dtype().title())))
}

/// The layout of the result, with PyTorch's checks, of `n` dimensions that change.
fn sized(x: &Tensor, size: &[i64], n: usize, scales: Option<&[f64]>) -> Result<Layout> {
    if size.len() != n {
        return Err(Error::runtime(format!("It is expected output_size equals to {n}, but got size {}", size.len())));
    }
    if x.dim() != n + 2 {
        return Err(Error::runtime(format!("It is expected input_size equals to {}, but got size {}", n + 2, x.dim())));
    }
    if scales.is_some_and(|s| s.len() != n) {
        return Err(Error::runtime(format!("expected {n} scales, one for each dimension that changes")));
    }
    let (own, names) = (&x.size()[2..], &NAMES[3 - n..]);
    if own.iter().chain(size).any(|&s| s <= 0) {
        return Err(Error::runtime(format!(
            "Input and output sizes should be greater than 0, but got input ({}){} output ({})",
            list(names, own),
            if n == 1 { " and" } else { "" },
            list(names, size)
        )));
    }
    if x.size()[1] == 0 {
        return Err(Error::runtime(format!(
            "Non-empty {}D data tensor expected but got a tensor with sizes {:?}",
            n + 2,
            x.size()
        )));
    }
    let mut out = x.sizes();
    out[2..].copy_from_slice(size);
    Ok(laid_like(x, &out))
}

fn moves(sizes: &[i64], out: &[i64], align_corners: bool, scales: Option<&[f64]>) -> Vec<Move> {
    let pairs = sizes[2..].iter().zip(&out[2..]).enumerate();
    let each = |(d, (&size, &out)): (usize, (&i64, &i64))| Move {
        size: size as usize,
        out: out as usize,
        align_corners,
        scale: scales.map(|s| s[d]),
    };
    pairs.map(each).collect()
}

fn into(y: ViewMut, x: View, filter: Filter, align_corners: bool, scales: Option<&[f64]>) -> Result<()> {
    let moves = moves(x.sizes(), y.sizes(), align_corners, scales);
    in_planes([y], |[y]| kernels::resample(y, x, filter, &moves))
}

fn filter_of(name: &str) -> Result<Filter> {
    Ok(match name {
        "nearest" => Filter::Nearest,
        "nearest-exact" => Filter::NearestExact,
        "linear" => Filter::Linear,
        "cubic" => Filter::Cubic,
        "smooth-linear" => Filter::SmoothLinear,
        "smooth-cubic" => Filter::SmoothCubic,
        "smooth-lanczos" => Filter::SmoothLanczos,
        _ => return Err(Error::value(format!("unknown filter '{name}'"))),
    })
}

op! {
    /// Signals at another size, each element a copy of the one before its place.
    ///
    /// Shape: `N C L -> N C L'`. Dtype: unchanged, floating-point or uint8.
    fn upsample_nearest1d(input: Tensor, output_size: Dims, scales: Option<Floats> = None) -> y;
    variants [private, rust];
    node "UpsampleNearest1DBackward0";
    contiguous [input];
    dtype resampled_dtype(input, "compute_indices_weights_nearest", true);
    shape sized(input, output_size, 1, scales);
    kernel { into(y, input, Filter::Nearest, false, scales) };
    vjp { input => |g, input.shape, scales| g.resample_backward(&input.shape, "nearest", false, scales) };
    samples [(real([1, 2, 4]), [7]), (real([2, 1, 5]), [3]), (real([0, 1, 2]), [4])];
}

op! {
    /// Images at another size, each element a copy of the one before its place.
    ///
    /// Shape: `N C H W -> N C H' W'`. Dtype: unchanged, floating-point or uint8.
    fn upsample_nearest2d(input: Tensor, output_size: Dims, scales: Option<Floats> = None) -> y;
    variants [private, rust];
    node "UpsampleNearest2DBackward0";
    contiguous [input];
    dtype resampled_dtype(input, "compute_indices_weights_nearest", true);
    shape sized(input, output_size, 2, scales);
    kernel { into(y, input, Filter::Nearest, false, scales) };
    vjp { input => |g, input.shape, scales| g.resample_backward(&input.shape, "nearest", false, scales) };
    samples [(real([1, 2, 2, 3]), [4, 6]), (real([1, 1, 5, 3]), [3, 4]), (real([0, 1, 2, 2]), [4, 1])];
}

op! {
    /// Volumes at another size, each element a copy of the one before its place.
    ///
    /// Shape: `N C D H W -> N C D' H' W'`. Dtype: unchanged, floating-point or uint8.
    fn upsample_nearest3d(input: Tensor, output_size: Dims, scales: Option<Floats> = None) -> y;
    variants [private, rust];
    node "UpsampleNearest3DBackward0";
    contiguous [input];
    dtype resampled_dtype(input, "compute_indices_weights_nearest", true);
    shape sized(input, output_size, 3, scales);
    kernel { into(y, input, Filter::Nearest, false, scales) };
    vjp { input => |g, input.shape, scales| g.resample_backward(&input.shape, "nearest", false, scales) };
    samples [(real([1, 2, 2, 3, 2]), [4, 3, 3]), (real([1, 1, 3, 1, 2]), [2, 2, 4])];
}

op! {
    /// Signals at another size, each element a copy of the one whose middle is nearest to its own.
    ///
    /// Shape: `N C L -> N C L'`. Dtype: unchanged, floating-point or uint8.
    fn upsample_nearest_exact1d(input: Tensor, output_size: Dims, scales: Option<Floats> = None) -> y;
    variants [private, rust];
    node "UpsampleNearestExact1DBackward0";
    contiguous [input];
    dtype resampled_dtype(input, "compute_indices_weights_nearest", true);
    shape sized(input, output_size, 1, scales);
    kernel { into(y, input, Filter::NearestExact, false, scales) };
    vjp { input => |g, input.shape, scales| g.resample_backward(&input.shape, "nearest-exact", false, scales) };
    samples [(real([1, 2, 4]), [7]), (real([2, 1, 5]), [3])];
}

op! {
    /// Images at another size, each element a copy of the one whose middle is nearest to its own.
    ///
    /// Shape: `N C H W -> N C H' W'`. Dtype: unchanged, floating-point or uint8.
    fn upsample_nearest_exact2d(input: Tensor, output_size: Dims, scales: Option<Floats> = None) -> y;
    variants [private, rust];
    node "UpsampleNearestExact2DBackward0";
    contiguous [input];
    dtype resampled_dtype(input, "compute_indices_weights_nearest", true);
    shape sized(input, output_size, 2, scales);
    kernel { into(y, input, Filter::NearestExact, false, scales) };
    vjp { input => |g, input.shape, scales| g.resample_backward(&input.shape, "nearest-exact", false, scales) };
    samples [(real([1, 2, 2, 3]), [5, 6]), (real([1, 1, 5, 3]), [3, 4])];
}

op! {
    /// Volumes at another size, each element a copy of the one whose middle is nearest to its own.
    ///
    /// Shape: `N C D H W -> N C D' H' W'`. Dtype: unchanged, floating-point or uint8.
    fn upsample_nearest_exact3d(input: Tensor, output_size: Dims, scales: Option<Floats> = None) -> y;
    variants [private, rust];
    node "UpsampleNearestExact3DBackward0";
    contiguous [input];
    dtype resampled_dtype(input, "compute_indices_weights_nearest", true);
    shape sized(input, output_size, 3, scales);
    kernel { into(y, input, Filter::NearestExact, false, scales) };
    vjp { input => |g, input.shape, scales| g.resample_backward(&input.shape, "nearest-exact", false, scales) };
    samples [(real([1, 2, 2, 3, 2]), [4, 3, 3])];
}

op! {
    /// Signals at another size, by lines between elements.
    ///
    /// Shape: `N C L -> N C L'`. Dtype: unchanged, floating-point.
    fn upsample_linear1d(input: Tensor, output_size: Dims, align_corners: bool, scales: Option<Floats> = None) -> y;
    variants [private, rust];
    node "UpsampleLinear1DBackward0";
    contiguous [input];
    dtype resampled_dtype(input, "compute_indices_weights_linear", false);
    shape sized(input, output_size, 1, scales);
    kernel { into(y, input, Filter::Linear, align_corners, scales) };
    vjp { input => |g, input.shape, align_corners, scales| g.resample_backward(&input.shape, "linear", align_corners, scales) };
    samples [(real([1, 2, 4]), [7], false), (real([2, 1, 5]), [3], true)];
}

op! {
    /// Images at another size, by lines between elements in both dimensions.
    ///
    /// Shape: `N C H W -> N C H' W'`. Dtype: unchanged, floating-point or uint8.
    fn upsample_bilinear2d(input: Tensor, output_size: Dims, align_corners: bool, scales: Option<Floats> = None) -> y;
    variants [private, rust];
    node "UpsampleBilinear2DBackward0";
    contiguous [input];
    dtype resampled_dtype(input, "compute_indices_weights_linear", true);
    shape sized(input, output_size, 2, scales);
    kernel { into(y, input, Filter::Linear, align_corners, scales) };
    vjp { input => |g, input.shape, align_corners, scales| g.resample_backward(&input.shape, "linear", align_corners, scales) };
    samples [(real([1, 2, 2, 3]), [4, 6], false), (real([1, 1, 5, 3]), [3, 4], true), (real([0, 1, 2, 2]), [4, 1], false)];
}

op! {
    /// Volumes at another size, by lines between elements in each dimension.
    ///
    /// Shape: `N C D H W -> N C D' H' W'`. Dtype: unchanged, floating-point.
    fn upsample_trilinear3d(input: Tensor, output_size: Dims, align_corners: bool, scales: Option<Floats> = None) -> y;
    variants [private, rust];
    node "UpsampleTrilinear3DBackward0";
    contiguous [input];
    dtype resampled_dtype(input, "compute_indices_weights_linear", false);
    shape sized(input, output_size, 3, scales);
    kernel { into(y, input, Filter::Linear, align_corners, scales) };
    vjp { input => |g, input.shape, align_corners, scales| g.resample_backward(&input.shape, "linear", align_corners, scales) };
    samples [(real([1, 2, 2, 3, 2]), [4, 3, 3], false), (real([1, 1, 3, 1, 2]), [2, 2, 4], true)];
}

op! {
    /// Images at another size, by cubic polynomials through four elements in both dimensions.
    ///
    /// Shape: `N C H W -> N C H' W'`. Dtype: unchanged, floating-point or uint8.
    fn upsample_bicubic2d(input: Tensor, output_size: Dims, align_corners: bool, scales: Option<Floats> = None) -> y;
    variants [private, rust];
    node "UpsampleBicubic2DBackward0";
    contiguous [input];
    dtype resampled_dtype(input, "compute_indices_weights_cubic", true);
    shape sized(input, output_size, 2, scales);
    kernel { into(y, input, Filter::Cubic, align_corners, scales) };
    vjp { input => |g, input.shape, align_corners, scales| g.resample_backward(&input.shape, "cubic", align_corners, scales) };
    samples [(real([1, 2, 2, 3]), [4, 6], false), (real([1, 1, 5, 3]), [3, 4], true)];
}

op! {
    /// Images at another size, by means under a triangle as wide as the steps.
    ///
    /// Shape: `N C H W -> N C H' W'`. Dtype: unchanged, floating-point or uint8.
    fn upsample_bilinear2d_aa(input: Tensor, output_size: Dims, align_corners: bool, scales: Option<Floats> = None) -> y;
    variants [private, rust];
    node "UpsampleBilinear2DAaBackward0";
    contiguous [input];
    dtype resampled_dtype(input, "compute_index_ranges_weights", true);
    shape sized(input, output_size, 2, scales);
    kernel { into(y, input, Filter::SmoothLinear, align_corners, scales) };
    vjp { input => |g, input.shape, align_corners, scales| g.resample_backward(&input.shape, "smooth-linear", align_corners, scales) };
    samples [(real([1, 2, 2, 3]), [4, 6], false), (real([1, 1, 6, 5]), [3, 2], false), (real([1, 1, 5, 3]), [3, 4], true)];
}

op! {
    /// Images at another size, by means under a cubic curve as wide as the steps.
    ///
    /// Shape: `N C H W -> N C H' W'`. Dtype: unchanged, floating-point or uint8.
    fn upsample_bicubic2d_aa(input: Tensor, output_size: Dims, align_corners: bool, scales: Option<Floats> = None) -> y;
    variants [private, rust];
    node "UpsampleBicubic2DAaBackward0";
    contiguous [input];
    dtype resampled_dtype(input, "compute_index_ranges_weights", true);
    shape sized(input, output_size, 2, scales);
    kernel { into(y, input, Filter::SmoothCubic, align_corners, scales) };
    vjp { input => |g, input.shape, align_corners, scales| g.resample_backward(&input.shape, "smooth-cubic", align_corners, scales) };
    samples [(real([1, 2, 2, 3]), [4, 6], false), (real([1, 1, 6, 5]), [3, 2], false), (real([1, 1, 5, 3]), [3, 4], true)];
}

op! {
    /// Images at another size, by means under a windowed sine as wide as the steps.
    ///
    /// Shape: `N C H W -> N C H' W'`. Dtype: unchanged, floating-point or uint8.
    fn upsample_lanczos2d_aa(input: Tensor, output_size: Dims, align_corners: bool, scales: Option<Floats> = None) -> y;
    variants [private, rust];
    node "UpsampleLanczos2DAaBackward0";
    contiguous [input];
    dtype resampled_dtype(input, "compute_index_ranges_weights", true);
    shape sized(input, output_size, 2, scales);
    kernel { into(y, input, Filter::SmoothLanczos, align_corners, scales) };
    vjp { input => |g, input.shape, align_corners, scales| g.resample_backward(&input.shape, "smooth-lanczos", align_corners, scales) };
    samples [(real([1, 2, 2, 3]), [4, 6], false), (real([1, 1, 6, 5]), [3, 2], false)];
}

/// A gradient of the size that an input of this size was brought to.
fn backward_layout(grad: &Tensor, input_size: &[i64], scales: Option<&[f64]>) -> Result<Layout> {
    let n = input_size.len().wrapping_sub(2);
    let fits = (1..=3).contains(&n)
        && grad.dim() == input_size.len()
        && grad.size()[..2] == input_size[..2]
        && grad.size()[2..].iter().chain(&input_size[2..]).all(|&s| s > 0)
        && scales.is_none_or(|s| s.len() == n);
    rule::require(fits, "resample_backward")?;
    Ok(laid_like(grad, input_size))
}

op! {
    /// The gradient of resampling for its input, of these sizes.
    ///
    /// Shape: `N C *s' -> N C *s`. Dtype: unchanged, floating-point.
    fn resample_backward(grad: Tensor, input_size: Dims, filter: Str, align_corners: bool, scales: Option<Floats>) -> y;
    variants [private, rust];
    node "UpsampleBackwardBackward0";
    contiguous [grad];
    dtype { filter_of(filter)?; super::float_dtype(grad, "upsample_backward")? };
    shape backward_layout(grad, input_size, scales);
    kernel {
        let filter = filter_of(filter)?;
        let moves = moves(y.sizes(), grad.sizes(), align_corners, scales);
        in_planes([y], |[y]| kernels::resample_backward(y, grad, filter, &moves))
    };
    vjp { grad => |g, grad.shape, filter, align_corners, scales| g.resample(&grad.shape[2..], filter, align_corners, scales) };
    samples [
        (real([1, 2, 4, 6]), [1, 2, 2, 3], "linear", false, None),
        (real([1, 1, 3]), [1, 1, 5], "nearest", false, None),
        (real([1, 1, 3, 2]), [1, 1, 5, 4], "smooth-cubic", false, None),
    ];
}

op! {
    /// A batch at another size in all but its first two dimensions.
    ///
    /// Shape: `N C *s -> N C *s'`. Dtype: unchanged, floating-point.
    fn resample(input: Tensor, output_size: Dims, filter: Str, align_corners: bool, scales: Option<Floats>) -> y;
    variants [private, rust];
    node "UpsampleBackward0";
    contiguous [input];
    dtype { filter_of(filter)?; super::float_dtype(input, "upsample")? };
    shape {
        rule::require((1..=3).contains(&output_size.len()), "resample")?;
        sized(input, output_size, output_size.len(), scales)?
    };
    kernel { into(y, input, filter_of(filter)?, align_corners, scales) };
    vjp { input => |g, input.shape, filter, align_corners, scales| g.resample_backward(&input.shape, filter, align_corners, scales) };
    samples [(real([1, 2, 2, 3]), [4, 6], "cubic", true, None), (real([1, 1, 3]), [5], "linear", false, None)];
}
