//! The rules that blocks name: which dtype and which shape a result has. They run without data.

use flambeau_types::Promotion;
use smallvec::SmallVec;

use super::arg::{Arg, OperandRef};
use crate::{DType, Dims, Error, Kind, Result, Scalar, Tensor, default_dtype, normalize_dim};

/// What takes part in promotion.
pub trait Join {
    /// Joins in.
    fn join(&self, p: &mut Promotion);

    /// A tensor's dtype.
    fn strong(&self) -> Option<DType> {
        None
    }

    /// A number's kind.
    fn weak(&self) -> Option<Kind> {
        None
    }
}

impl Join for &Tensor {
    fn join(&self, p: &mut Promotion) {
        p.tensor(self.dtype(), self.dim() == 0);
    }

    #[inline]
    fn strong(&self) -> Option<DType> {
        Some(self.dtype())
    }
}

impl Join for OperandRef<'_> {
    fn join(&self, p: &mut Promotion) {
        match self {
            OperandRef::Tensor(t) => t.join(p),
            OperandRef::Number(s) => p.number(*s),
        }
    }

    #[inline]
    fn strong(&self) -> Option<DType> {
        if let OperandRef::Tensor(t) = self { Some(t.dtype()) } else { None }
    }

    #[inline]
    fn weak(&self) -> Option<Kind> {
        if let OperandRef::Number(s) = self { Some(s.kind()) } else { None }
    }
}

impl Join for Scalar {
    fn join(&self, p: &mut Promotion) {
        p.number(*self);
    }
}

impl<T: Join> Join for Option<T> {
    fn join(&self, p: &mut Promotion) {
        if let Some(t) = self {
            t.join(p);
        }
    }
}

/// The dtype two operands meet in.
pub fn promote(x: impl Join, y: impl Join) -> DType {
    // Most operands agree.
    match (x.strong(), y.strong(), y.weak()) {
        (Some(a), Some(b), _) if a == b => return a,
        (Some(a), None, Some(kind)) if kind <= a.kind() => return a,
        _ => {}
    }
    let mut p = Promotion::new();
    x.join(&mut p);
    y.join(&mut p);
    p.result(default_dtype())
}

/// Refuses arguments that do not fit each other: the kernels of private operators trust their sizes and dtypes.
pub(crate) fn require(holds: bool, name: &str) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::runtime(format!("{name}: the shapes or dtypes of the arguments do not fit each other")))
}

/// The dtype three operands meet in.
pub fn promote3(x: impl Join, y: impl Join, z: impl Join) -> DType {
    let mut p = Promotion::new();
    x.join(&mut p);
    y.join(&mut p);
    z.join(&mut p);
    p.result(default_dtype())
}

/// The dtype a list of tensors meets in.
pub fn promote_all(list: &[Tensor]) -> DType {
    let mut p = Promotion::new();
    list.iter().for_each(|t| t.join(&mut p));
    p.result(default_dtype())
}

/// The dtype two operands meet in, a floating-point one.
pub fn promote_float(x: impl Join, y: impl Join) -> DType {
    floating(promote(x, y))
}

/// The dtype that any arguments meet in (`torch.result_type`).
pub fn result_type(args: &[Arg]) -> DType {
    let mut p = Promotion::new();
    for a in args {
        match a {
            Arg::Number(s) => p.number(*s),
            other => other.each_tensor(&mut |t| t.join(&mut p)),
        }
    }
    p.result(default_dtype())
}

/// The dtype itself.
pub fn same(x: &Tensor) -> DType {
    x.dtype()
}

/// Booleans and integers give the default floating-point dtype.
pub fn int_to_float(x: &Tensor) -> DType {
    floating(x.dtype())
}

/// The dtype, or the default floating-point one for booleans and integers.
pub fn floating(d: DType) -> DType {
    if d.is_integral() { default_dtype() } else { d }
}

/// Real numbers only.
pub fn real(x: &Tensor, what: &str) -> Result<DType> {
    if x.dtype().is_complex() {
        return Err(Error::runtime(format!("{what} is not implemented for complex tensors.")));
    }
    Ok(x.dtype())
}

/// Floating-point and complex numbers only.
pub fn float_only(x: &Tensor, what: &str) -> Result<DType> {
    if x.dtype().is_integral() {
        return Err(Error::runtime(format!("\"{what}\" not implemented for '{}'", x.dtype().title())));
    }
    Ok(x.dtype())
}

/// The dtype of a sum or product: booleans and integers give int64, unless one is asked for.
pub fn sum(x: &Tensor, dtype: Option<DType>) -> DType {
    dtype.unwrap_or(if x.dtype().is_integral() { DType::I64 } else { x.dtype() })
}

/// The dimensions that a reduction goes over: none given means all.
pub fn mask(ndim: usize, dim: Option<&[i64]>) -> Result<SmallVec<[bool; 6]>> {
    let mut mask: SmallVec<[bool; 6]> = SmallVec::from_elem(false, ndim);
    match dim {
        None | Some([]) => mask.fill(true),
        Some(dims) => {
            for &d in dims {
                let at = normalize_dim(d, ndim)?;
                if ndim == 0 {
                    continue;
                }
                if std::mem::replace(&mut mask[at], true) {
                    return Err(Error::runtime(format!("dim {at} appears multiple times in the list of dims")));
                }
            }
        }
    }
    Ok(mask)
}

/// The shape that a reduction leaves.
pub fn reduce(x: &Tensor, dim: Option<&[i64]>, keepdim: bool) -> Result<Dims> {
    let mask = mask(x.dim(), dim)?;
    Ok(reduced(x.size(), &mask, keepdim))
}

/// The shape that a reduction over marked dimensions leaves.
pub fn reduced(sizes: &[i64], mask: &[bool], keepdim: bool) -> Dims {
    let kept = sizes.iter().zip(mask).filter_map(|(&n, &m)| match (m, keepdim) {
        (false, _) => Some(n),
        (true, true) => Some(1),
        (true, false) => None,
    });
    kept.collect()
}

/// The shape that a reduction over one dimension, which must not be empty, leaves.
pub fn reduce_nonempty(x: &Tensor, dim: Option<&[i64]>, keepdim: bool, what: &str) -> Result<Dims> {
    let mask = mask(x.dim(), dim)?;
    if x.size().iter().zip(&mask).any(|(&n, &m)| m && n == 0) {
        let whole = dim.is_none_or(<[i64]>::is_empty);
        let at = mask.iter().zip(x.size()).position(|(&m, &n)| m && n == 0).unwrap_or(0);
        return Err(if whole {
            Error::runtime(format!(
                "{what}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument."
            ))
        } else {
            Error::index(format!("{what}(): Expected reduction dim {at} to have non-zero size."))
        });
    }
    Ok(reduced(x.size(), &mask, keepdim))
}

/// The broadcast shape of two operands.
pub fn broadcast(x: &Tensor, y: OperandRef<'_>) -> Result<Dims> {
    match y {
        OperandRef::Tensor(t) => crate::broadcast_shapes(x.size(), t.size()),
        OperandRef::Number(_) => Ok(x.sizes()),
    }
}

/// Two tensors of one dtype, as matrix products want them.
pub fn matching(x: &Tensor, y: &Tensor, what: &str) -> Result<DType> {
    if x.dtype() != y.dtype() {
        return Err(Error::runtime(format!(
            "expected m1 and m2 to have the same dtype, but got: {} != {} ({what})",
            c_name(x.dtype()),
            c_name(y.dtype())
        )));
    }
    Ok(x.dtype())
}

/// The name C++ gives to a dtype, as some of PyTorch's messages show it.
pub fn c_name(d: DType) -> &'static str {
    match d {
        DType::Bool => "bool",
        DType::U8 => "unsigned char",
        DType::I8 => "signed char",
        DType::I16 => "short",
        DType::I32 => "int",
        DType::I64 => "long int",
        DType::F16 => "c10::Half",
        DType::BF16 => "c10::BFloat16",
        DType::F32 => "float",
        DType::F64 => "double",
        DType::C64 => "c10::complex<float>",
        DType::C128 => "c10::complex<double>",
    }
}

/// A number that is to be an element of this dtype: one beyond its range, or with parts that it has not, is refused.
pub fn fits(s: Scalar, d: DType) -> Result<()> {
    let (low, high) = match d {
        DType::Bool => return Ok(()),
        DType::U8 => (0.0, 255.0),
        DType::I8 => (-128.0, 127.0),
        DType::I16 => (-32768.0, 32767.0),
        DType::I32 => (f64::from(i32::MIN), f64::from(i32::MAX)),
        DType::I64 => (i64::MIN as f64, i64::MAX as f64),
        DType::F16 => (-65504.0, 65504.0),
        DType::BF16 => (-3.389_531_389_251_535e38, 3.389_531_389_251_535e38),
        DType::F32 | DType::C64 => (-f64::from(f32::MAX), f64::from(f32::MAX)),
        DType::F64 | DType::C128 => (f64::MIN, f64::MAX),
    };
    let endless = d.is_floating() || d.is_complex();
    let real = |f: f64| if f.is_finite() { (low..=high).contains(&f) } else { endless };
    let holds = match s {
        Scalar::Bool(_) => true,
        // Negative integers come round in a byte.
        Scalar::Int(i) if d == DType::U8 => (-255..=255).contains(&i),
        Scalar::Int(i) => real(i as f64),
        Scalar::Float(f) => real(f),
        Scalar::Complex(z) => real(z.re) && if d.is_complex() { real(z.im) } else { z.im == 0.0 },
    };
    if holds {
        return Ok(());
    }
    let name = match d {
        DType::U8 => "uint8_t",
        DType::I8 => "int8_t",
        DType::I16 => "int16_t",
        DType::I64 => "int64_t",
        other => c_name(other),
    };
    Err(Error::runtime(format!("value cannot be converted to type {name} without overflow")))
}

/// `d`, in which this number can be an element.
pub fn holding(d: DType, s: Scalar) -> Result<DType> {
    fits(s, d).map(|()| d)
}

/// The dtype that was asked for must be at least of this kind.
pub fn at_least(d: DType, kind: Kind, what: &str) -> Result<DType> {
    if d.kind() < kind {
        return Err(Error::runtime(format!(
            "{what}(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: {}",
            d.title()
        )));
    }
    Ok(d)
}
