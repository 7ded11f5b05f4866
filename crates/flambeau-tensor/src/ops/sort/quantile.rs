//! Quantiles.

use crate::ops::op;
use crate::{DType, Dims, Error, Options, Result, Tensor, normalize_dim};

fn check(x: &Tensor, q: &Tensor, interpolation: &str, name: &str) -> Result<()> {
    let fail = |text: &str| Err(Error::runtime(format!("{name}() {text}")));
    if x.numel() == 0 {
        return fail("input tensor must be non-empty");
    }
    if q.dim() > 1 {
        return fail("q must be a scalar or 1D tensor");
    }
    if !matches!(x.dtype(), DType::F32 | DType::F64) {
        return fail("input tensor must be either float or double dtype");
    }
    if q.dtype() != x.dtype() {
        return fail("q tensor must be same dtype as the input tensor");
    }
    if !matches!(interpolation, "linear" | "lower" | "higher" | "midpoint" | "nearest") {
        return fail(&format!(
            "interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        ));
    }
    if q.device() == crate::Device::Cpu && q.numel() > 0 {
        let inside = crate::autograd::no_grad(|| q.ge(0.0)?.logical_and(&q.le(1.0)?)?.all()?.item())?;
        if !inside.to_bool() {
            return fail("q values must be in the range [0, 1]");
        }
    }
    Ok(())
}

/// Lines of so many elements are not sorted for one quantile.
const SELECTED: i64 = 16;

/// One quantile of each line, without nan, by selection.
fn selected(lines: &Tensor, q: &Tensor, interpolation: &str) -> Result<Tensor> {
    let rank = q.mul(lines.size()[lines.dim() - 1] - 1)?;
    let rank = match interpolation {
        "lower" => rank.floor()?,
        "higher" => rank.ceil()?,
        "nearest" => rank.round()?,
        _ => rank,
    };
    let place = |rank: &Tensor| -> Result<i64> { Ok(rank.to_dtype(DType::I64)?.item()?.to_f64() as i64) };
    let (below, above) = (place(&rank)?, place(&rank.ceil()?)?);
    let values = lines.kthvalue_with(below + 1, -1, false)?.0;
    if !matches!(interpolation, "linear" | "midpoint") {
        return Ok(values);
    }
    let weight = if interpolation == "midpoint" { rank.full_like(0.5)? } else { rank.sub(below)? };
    let other = if above == below { values.clone() } else { lines.kthvalue_with(above + 1, -1, false)?.0 };
    values.lerp(&other, &weight)
}

/// The quantiles `q` of the elements, or of each line along `dim`; those of a 1-d `q` stand in a dimension in front.
fn quantiles(
    x: &Tensor,
    q: &Tensor,
    dim: Option<i64>,
    keepdim: bool,
    interpolation: &str,
    ignore_nan: bool,
) -> Result<Tensor> {
    check(x, q, interpolation, if ignore_nan { "nanquantile" } else { "quantile" })?;
    // Each line in the last dimension; what it was is left behind with size 1 where it is to be kept.
    let lines = match dim {
        None if keepdim && x.dim() > 0 => {
            let mut sizes: Dims = x.size().iter().map(|_| 1).collect();
            sizes.push(-1);
            x.flatten()?.reshape(&sizes)?
        }
        None => x.flatten()?,
        Some(dim) => {
            let at = normalize_dim(dim, x.dim())? as i64;
            match x.dim() {
                0 => x.unsqueeze(0)?,
                _ if keepdim => x.unsqueeze(-1)?.transpose(at, -1)?,
                n if at == n as i64 - 1 => x.clone(),
                _ => x.unsqueeze(-1)?.transpose(at, -1)?.squeeze_dim(at)?,
            }
        }
    };
    if q.dim() == 0 && !ignore_nan && lines.device() == crate::Device::Cpu && lines.size()[lines.dim() - 1] >= SELECTED
    {
        let derived = crate::autograd::grad_enabled() && (x.requires_grad() || q.requires_grad());
        if !derived && !lines.isnan()?.any()?.item()?.to_bool() {
            return selected(&lines, q, interpolation);
        }
    }
    let sorted = lines.sort_with(-1, false)?.0;
    let last = sorted.size()[sorted.dim() - 1] - 1;
    let is_nan = sorted.isnan()?;
    let ranks = if ignore_nan {
        let count = is_nan.logical_not()?.sum_dim_with(Some(&[-1]), true, None)?;
        let ranks = q.mul(&count.sub(1)?)?;
        ranks.masked_fill(&ranks.lt(0.0)?, 0.0)?
    } else {
        // A nan sorts last: that rank finds it.
        q.mul(last)?.masked_fill(&is_nan.any_dim_with(-1, true)?, last)?
    };
    let ranks = match interpolation {
        "lower" => ranks.floor()?,
        "higher" => ranks.ceil()?,
        "nearest" => ranks.round()?,
        _ => ranks,
    };
    let below = ranks.detach().to_dtype(DType::I64)?;
    let mut values = sorted.gather(-1, &below)?;
    if matches!(interpolation, "linear" | "midpoint") {
        let weights = if interpolation == "midpoint" { ranks.full_like(0.5)? } else { ranks.sub(&below)? };
        let above = sorted.gather(-1, &ranks.detach().ceil()?.to_dtype(DType::I64)?)?;
        values = values.lerp(&above, &weights)?;
    }
    if q.dim() == 0 {
        return values.squeeze_dim(-1);
    }
    values.unsqueeze(0)?.transpose(0, -1)?.squeeze_dim(-1)
}

/// One rank as a tensor.
fn rank(x: &Tensor, q: f64, name: &str) -> Result<Tensor> {
    if !(0.0..=1.0).contains(&q) {
        return Err(Error::runtime(format!("{name}() q must be in the range [0, 1] but got {q}")));
    }
    crate::ops::full_with(&[], q, Options::like(x))
}

op! {
    /// The value below which the part `q` of the elements lies, of all of them or along `dim`. Between two elements
    /// `interpolation` decides: `linear`, `lower`, `higher`, `midpoint` or `nearest`. A nan makes the result nan.
    ///
    /// Shape: `*s, n -> n *t`. Dtype: float32 or float64.
    ///
    /// >>> torch.quantile(torch.tensor([0., 1., 2., 3.]), torch.tensor([0.25, 0.5]))
    /// tensor([0.7500, 1.5000])
    fn quantile(input: Tensor, q: Tensor, dim: Option<i64> = None, keepdim: bool = false; interpolation: Str = "linear") -> y;
    variants [method, function, out];
    composite { quantiles(input, q, dim, keepdim, interpolation, false) };
    samples [
        (real([2, 4]), unit([2])),
        (real([2, 4]), unit([]), -1, true),
        (real([4, 2]), unit([3]), 0, false, "midpoint"),
        (real([4, 2]), unit([3]), 0, true, "nearest"),
        (real([5]), unit([2]), None, true, "lower"),
    ];
}

op! {
    /// The value below which the part `q` of the elements lies, for one number `q`.
    ///
    /// Shape: `*s -> *t`. Dtype: float32 or float64.
    fn quantile.number(input: Tensor, q: f64, dim: Option<i64> = None, keepdim: bool = false; interpolation: Str = "linear") -> y;
    variants [method, function, out];
    composite { quantiles(input, &rank(input, q, "quantile")?, dim, keepdim, interpolation, false) };
    samples [(real([2, 4]), 0.3), (real([2, 4]), 0.6, 0, true, "higher"), (real([]), 0.5)];
}

op! {
    /// As `quantile`, of what is not nan.
    ///
    /// Shape: `*s, n -> n *t`. Dtype: float32 or float64.
    ///
    /// >>> torch.nanquantile(torch.tensor([float('nan'), 1., 2.]), torch.tensor([0.5]))
    /// tensor([1.5000])
    fn nanquantile(input: Tensor, q: Tensor, dim: Option<i64> = None, keepdim: bool = false; interpolation: Str = "linear") -> y;
    variants [method, function, out];
    composite { quantiles(input, q, dim, keepdim, interpolation, true) };
    samples [(real([2, 4]), unit([2])), (real([2, 4]), unit([]), -1, true), (real([4, 2]), unit([3]), 0, false, "midpoint")];
}

op! {
    /// As `nanquantile`, for one number `q`.
    ///
    /// Shape: `*s -> *t`. Dtype: float32 or float64.
    fn nanquantile.number(input: Tensor, q: f64, dim: Option<i64> = None, keepdim: bool = false; interpolation: Str = "linear") -> y;
    variants [method, function, out];
    composite { quantiles(input, &rank(input, q, "nanquantile")?, dim, keepdim, interpolation, true) };
    samples [(real([2, 4]), 0.3), (real([2, 4]), 0.6, 0, true, "higher"), (real([]), 0.5)];
}
