//! Evenly spaced numbers.

use flambeau_cpu::loops;

use crate::ops::{OperandRef, Options, op};
use crate::{DType, Device, Dims, Error, Kind, Result, Scalar, Tensor};

/// Integers unless one of them is not.
fn range_dtype(options: &Options, numbers: &[Scalar]) -> DType {
    let float = numbers.iter().any(|n| matches!(n, Scalar::Float(_)));
    options.dtype.unwrap_or(if float { crate::default_dtype() } else { DType::I64 })
}

fn range_len(start: Scalar, end: Scalar, step: Scalar, dtype: DType) -> Result<Dims> {
    if [start, end, step].iter().any(|n| matches!(n, Scalar::Complex(_))) || dtype.is_complex() {
        return Err(Error::not_implemented(format!("\"arange_cpu\" not implemented for '{}'", dtype.title())));
    }
    let (a, b, s) = (start.to_f64(), end.to_f64(), step.to_f64());
    if s == 0.0 || s.is_nan() {
        return Err(Error::runtime("step must be nonzero"));
    }
    if !a.is_finite() || !b.is_finite() {
        return Err(Error::runtime(format!("unsupported range: {a} -> {b}")));
    }
    if (s > 0.0 && a > b) || (s < 0.0 && a < b) {
        return Err(Error::runtime("upper bound and lower bound inconsistent with step sign"));
    }
    let n = match (start, end, step) {
        (Scalar::Int(a), Scalar::Int(b), Scalar::Int(s)) => {
            let (reach, s) = (i128::from(b) - i128::from(a), i128::from(s));
            i64::try_from((reach + s - s.signum()) / s).unwrap_or(i64::MAX)
        }
        _ => ((b - a) / s).ceil() as i64,
    };
    if !(0..=i64::MAX / 16).contains(&n) {
        return Err(Error::runtime("invalid size, possible overflow?"));
    }
    Ok(Dims::from_slice(&[n]))
}

op! {
    /// The numbers from `start` up to but not including `end`, `step` apart.
    ///
    /// Shape: `-> n`. Dtype: `dtype`; else int64 for integers, the default float type for others.
    ///
    /// >>> torch.arange(1, 2, 0.5)
    /// tensor([1.0000, 1.5000])
    fn arange(start: Scalar, end: Scalar, step: Scalar) -> y;
    variants [private, rust];
    factory;
    dtype range_dtype(&options, &[start, end, step]);
    shape range_len(start, end, step, range_dtype(&options, &[start, end, step]));
    kernel { loops::fill_with_index(y, start, step) };
    samples [(0, 5, 2), (1.5, -1.0, -0.5), (0, 0, 1), (0, 3, 1, Options::dtype(DType::F64))];
}

op! {
    /// The numbers from 0 up to but not including `end`.
    ///
    /// Shape: `-> n`. Dtype: `dtype`; else int64 for integers, the default float type for others.
    ///
    /// >>> torch.arange(3)
    /// tensor([0, 1, 2])
    fn arange.end(end: Scalar) -> y;
    variants [function, out];
    factory;
    dtype range_dtype(&options, &[end]);
    shape range_len(Scalar::Int(0), end, Scalar::Int(1), range_dtype(&options, &[end]));
    kernel { loops::fill_with_index(y, Scalar::Int(0), Scalar::Int(1)) };
    samples [(5), (2.5), (0), (3, Options::dtype(DType::F64))];
}

op! {
    /// The numbers from `start` up to but not including `end`, `step` apart.
    ///
    /// Shape: `-> n`. Dtype: `dtype`; else int64 for integers, the default float type for others.
    ///
    /// >>> torch.arange(1, 2, 0.5)
    /// tensor([1.0000, 1.5000])
    fn arange.step(start: Scalar, end: Scalar, step: Scalar = 1) -> y;
    variants [function, out];
    factory;
    dtype range_dtype(&options, &[start, end, step]);
    shape range_len(start, end, step, range_dtype(&options, &[start, end, step]));
    kernel { loops::fill_with_index(y, start, step) };
    samples [(1, 5), (1, 2, 0.25), (3, -3, -2), (1, 4, 1, Options::dtype(DType::F16))];
}

/// Ends given as tensors must be numbers.
fn check_ends(name: &str, start: Option<&Tensor>, end: Option<&Tensor>) -> Result<()> {
    if start.into_iter().chain(end).all(|t| t.dim() == 0) {
        return Ok(());
    }
    let got = [("start", start), ("end", end)]
        .into_iter()
        .filter_map(|(name, t)| t.map(|t| format!("{name} with {} dimension(s)", t.dim())))
        .collect::<Vec<_>>()
        .join(" and ");
    Err(Error::runtime(format!("{name} only supports 0-dimensional start and end tensors, but got {got}.")))
}

/// The numbers that 0-d tensors hold; on the meta device only their kinds are known.
fn numbers_of(
    name: &str,
    start: OperandRef<'_>,
    end: OperandRef<'_>,
    options: Options,
) -> Result<(Scalar, Scalar, Options)> {
    let tensor = |o: OperandRef<'_>| if let OperandRef::Tensor(t) = o { Some(t.clone()) } else { None };
    let (a, b) = (tensor(start), tensor(end));
    check_ends(name, a.as_ref(), b.as_ref())?;
    // An end without a value leaves no values, whatever device is asked for.
    let on_meta = a.iter().chain(&b).any(|t| t.device() == Device::Meta);
    let device = if on_meta { Some(Device::Meta) } else { options.device };
    let options = Options { device, ..options };
    let number = |o: OperandRef<'_>| match o {
        OperandRef::Number(s) => Ok(s),
        OperandRef::Tensor(t) if on_meta => Ok(match t.dtype().kind() {
            Kind::Complex => Scalar::Complex(crate::Complex64::default()),
            Kind::Float => Scalar::Float(0.0),
            _ => Scalar::Int(0),
        }),
        OperandRef::Tensor(t) => t.item(),
    };
    Ok((number(start)?, number(end)?, options))
}

/// `linspace` between the numbers that 0-d tensors hold.
fn linspace_of(start: OperandRef<'_>, end: OperandRef<'_>, steps: i64, options: Options) -> Result<Tensor> {
    let (start, end, options) = numbers_of("linspace", start, end, options)?;
    super::super::linspace_with(start, end, steps, options)
}

op! {
    /// As `linspace`, between 0-d tensors.
    ///
    /// Shape: `, -> steps`. Dtype: `dtype`, or the default float type.
    ///
    /// >>> torch.linspace(torch.tensor(0), torch.tensor(1), 3)
    /// tensor([0.0000, 0.5000, 1.0000])
    fn linspace.tensors(start: Tensor, end: Tensor, steps: i64) -> y;
    variants [function, out];
    factory;
    composite { linspace_of(OperandRef::Tensor(start), OperandRef::Tensor(end), steps, options) };
    samples [
        (real([]), other([]), 4),
        (real([]), other([]), 0),
        (real([]), other([]), 3, Options::dtype(DType::F64)),
    ];
}

op! {
    /// As `linspace`, up to a 0-d tensor.
    ///
    /// Shape: `-> steps`. Dtype: `dtype`, or the default float type.
    fn linspace.to_tensor(start: Scalar, end: Tensor, steps: i64) -> y;
    variants [function, out];
    factory;
    composite { linspace_of(OperandRef::Number(start), OperandRef::Tensor(end), steps, options) };
    samples [(1, real([]), 3), (0.5, real([]), 1), (0.5, real([]), 2, Options::dtype(DType::F64))];
}

op! {
    /// As `linspace`, from a 0-d tensor on.
    ///
    /// Shape: `-> steps`. Dtype: `dtype`, or the default float type.
    fn linspace.from_tensor(start: Tensor, end: Scalar, steps: i64) -> y;
    variants [function, out];
    factory;
    composite { linspace_of(OperandRef::Tensor(start), OperandRef::Number(end), steps, options) };
    samples [(real([]), 2, 3), (real([]), 0.5, 1), (real([]), 0.5, 2, Options::dtype(DType::F64))];
}

op! {
    /// `steps` numbers from `start` to `end`, both included.
    ///
    /// Shape: `-> steps`. Dtype: `dtype`, or the default float type.
    ///
    /// >>> torch.linspace(0, 1, 3)
    /// tensor([0.0000, 0.5000, 1.0000])
    fn linspace(start: Scalar, end: Scalar, steps: i64) -> y;
    variants [function, out];
    factory;
    dtype linspace_dtype(&options, start, end);
    shape steps_len(steps);
    kernel { loops::linspace(y, start, end, steps as usize) };
    samples [(0, 1, 5), (1.0, -1.0, 2), (0, 1, 0), (0, 10, 3, Options::dtype(DType::I64))];
}

fn linspace_dtype(options: &Options, start: Scalar, end: Scalar) -> Result<DType> {
    let complex = start.kind().max(end.kind()) == crate::Kind::Complex;
    let default = crate::default_dtype();
    match options.dtype {
        Some(d) if complex && !d.is_complex() => Err(Error::runtime(format!(
            "torch.linspace(): inferred dtype {} can't be safely cast to passed dtype {}",
            default.to_complex().title(),
            d.title()
        ))),
        Some(d) => Ok(d),
        None => Ok(if complex { default.to_complex() } else { default }),
    }
}

fn steps_len(steps: i64) -> Result<Dims> {
    if steps < 0 {
        return Err(Error::runtime("number of steps must be non-negative"));
    }
    Ok(Dims::from_slice(&[steps]))
}

/// The numbers of `logspace`: from both ends towards the middle, as PyTorch makes them.
fn powers(start: Scalar, end: Scalar, steps: i64, base: f64, options: Options) -> Result<Tensor> {
    let dtype = logspace_dtype(&options, start, end)?;
    if steps < 0 {
        return Err(Error::runtime("number of steps must be non-negative"));
    }
    let (n, last) = (steps as usize, (steps - 1) as f64);
    let to = |t: Tensor| t.to_dtype(dtype)?.to_device(options.device.unwrap_or_default());
    if dtype.is_complex() {
        let (a, b) = (start.to_complex(), end.to_complex());
        let step = if n > 1 { (b - a) / last } else { crate::Complex64::default() };
        let base = crate::Complex64::new(base, 0.0);
        let at = |i: usize| if n < 2 || i < n / 2 { a + step * i as f64 } else { b - step * (last - i as f64) };
        return to(Tensor::of(&(0..n).map(|i| base.powc(at(i))).collect::<Vec<_>>(), &[steps])?);
    }
    // The ends are of the result's dtype.
    let end_of = |s: Scalar| match dtype {
        d if d.is_integral() => s.to_f64().trunc(),
        DType::F32 => s.to_f64() as f32 as f64,
        _ => s.to_f64(),
    };
    let (a, b) = (end_of(start), end_of(end));
    let step = if n > 1 { (b - a) / last } else { 0.0 };
    let at = |i: usize| match dtype {
        // Exponents between integers are made in single precision.
        d if d.is_integral() => (a as f32 + step as f32 * i as f32) as f64,
        _ if n < 2 || i < n / 2 => a + step * i as f64,
        _ => b - step * (last - i as f64),
    };
    to(Tensor::of(&(0..n).map(|i| base.powf(at(i))).collect::<Vec<f64>>(), &[steps])?)
}

fn logspace_dtype(options: &Options, start: Scalar, end: Scalar) -> Result<DType> {
    linspace_dtype(options, start, end).map_err(|e| {
        if options.dtype.is_some() { Error::runtime(e.to_string().replacen("linspace", "logspace", 1)) } else { e }
    })
}

/// `logspace` between the numbers that 0-d tensors hold.
fn powers_of(start: OperandRef<'_>, end: OperandRef<'_>, steps: i64, base: f64, options: Options) -> Result<Tensor> {
    let (start, end, options) = numbers_of("logspace", start, end, options)?;
    super::super::logspace_with(start, end, steps, base, options)
}

op! {
    /// As `logspace`, between exponents in 0-d tensors.
    ///
    /// Shape: `, -> steps`. Dtype: `dtype`, or the default float type.
    fn logspace.tensors(start: Tensor, end: Tensor, steps: i64, base: f64 = 10.0) -> y;
    variants [function, out];
    factory;
    composite { powers_of(OperandRef::Tensor(start), OperandRef::Tensor(end), steps, base, options) };
    samples [(real([]), other([]), 4), (real([]), other([]), 3, 2.0, Options::dtype(DType::F64))];
}

op! {
    /// As `logspace`, up to an exponent in a 0-d tensor.
    ///
    /// Shape: `-> steps`. Dtype: `dtype`, or the default float type.
    fn logspace.to_tensor(start: Scalar, end: Tensor, steps: i64, base: f64 = 10.0) -> y;
    variants [function, out];
    factory;
    composite { powers_of(OperandRef::Number(start), OperandRef::Tensor(end), steps, base, options) };
    samples [(1, real([]), 3), (0.5, real([]), 2, 2.0, Options::dtype(DType::F64))];
}

op! {
    /// As `logspace`, from an exponent in a 0-d tensor on.
    ///
    /// Shape: `-> steps`. Dtype: `dtype`, or the default float type.
    fn logspace.from_tensor(start: Tensor, end: Scalar, steps: i64, base: f64 = 10.0) -> y;
    variants [function, out];
    factory;
    composite { powers_of(OperandRef::Tensor(start), OperandRef::Number(end), steps, base, options) };
    samples [(real([]), 2, 3), (real([]), 0.5, 2, 2.0, Options::dtype(DType::F64))];
}

op! {
    /// `steps` powers of `base`, with evenly spaced exponents from `start` to `end`, both included.
    ///
    /// Shape: `-> steps`. Dtype: `dtype`, or the default float type.
    ///
    /// >>> torch.logspace(0, 2, 3)
    /// tensor([  1.,  10., 100.])
    fn logspace(start: Scalar, end: Scalar, steps: i64, base: f64 = 10.0) -> y;
    variants [function, out];
    factory;
    dtype logspace_dtype(&options, start, end);
    shape steps_len(steps);
    compute { powers(start, end, steps, base, options) };
    samples [(0, 1, 5), (1.0, -1.0, 2, 2.0), (0, 1, 0), (0, 3, 4, 10.0, Options::dtype(DType::I64))];
}
