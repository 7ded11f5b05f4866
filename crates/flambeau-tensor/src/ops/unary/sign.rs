//! Signs, magnitudes, conjugates.

use crate::ops::{Val, ViewSpec, op, rule, samples};
use crate::{DType, Error, Result, Tensor};

/// Booleans have no sign.
fn not_bool(x: &Tensor, message: &str) -> Result<DType> {
    if x.dtype() == DType::Bool {
        return Err(Error::not_implemented(message));
    }
    Ok(x.dtype())
}

/// Sizes of complex numbers are real, and so have no place in their memory.
fn stays_real(x: &Tensor) -> Result<bool> {
    if x.dtype().is_complex() {
        return Err(Error::runtime("In-place abs is not supported for complex tensors."));
    }
    Ok(true)
}

op! {
    /// The negative, `-x`, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: any but bool, unchanged.
    ///
    /// >>> torch.tensor([1, -2]).neg()
    /// tensor([-1,  2])
    fn neg(input: Tensor) -> y;
    variants [method, function, inplace, out];
    alias [method negative, function negative];
    dtype not_bool(input, "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.");
    map { (input) Float, Complex => -input; Int, Half => neg(input) };
    vjp { input => |g| -g };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The absolute value; of complex numbers the modulus, which is real.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged, complex becomes real.
    ///
    /// >>> torch.tensor([-1., 2.]).abs()
    /// tensor([1., 2.])
    fn abs(input: Tensor) -> y;
    variants [method, function, inplace, out];
    alias [method absolute, function absolute];
    inplace_check stays_real(input);
    dtype not_bool(input, "\"abs_cpu\" not implemented for 'Bool'");
    map { (input) Float => abs(input); Int, Half => abs(input); Complex -> real => abs(input) };
    vjp { input => |g, input| g * input.sgn() };
    samples samples::unary(-3.0, 3.0);
}

/// Complex numbers have `sgn`.
fn sign_dtype(x: &Tensor) -> Result<DType> {
    if x.dtype().is_complex() {
        return Err(Error::not_implemented(
            "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead.",
        ));
    }
    Ok(x.dtype())
}

op! {
    /// The sign: -1, 0 or 1; nan stays nan.
    ///
    /// Shape: `*s -> *s`. Dtype: real, unchanged.
    ///
    /// >>> torch.tensor([-2., 0., 3.]).sign()
    /// tensor([-1.,  0.,  1.])
    fn sign(input: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype sign_dtype(input);
    map { (input) Float => sign(input); Int => sign(input); Bool => input };
    vjp { input => |g| g * 0.0 };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The sign; of a complex number `x / abs(x)`, and 0 for 0.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.tensor([-2., 0., 3.]).sgn()
    /// tensor([-1.,  0.,  1.])
    fn sgn(input: Tensor) -> y;
    variants [method, function, inplace, out];
    dtype rule::same(input);
    map { (input) Float => sign(input); Int => sign(input); Bool => input; Complex => sgn(input) };
    vjp { input => |g, input, y| sgn_backward(g, input, y)};
    samples samples::unary(-3.0, 3.0);
}

/// 0 for real numbers; for complex ones the part of the gradient along the circle, divided by the modulus.
fn sgn_backward(g: &Val, x: &Val, y: &Val) -> Val {
    Val::run(|| {
        if !x.tensor()?.dtype().is_complex() {
            return (g * 0.0).tensor();
        }
        let modulus = x.abs();
        let along = (g * y.conj()).real() * y;
        let at_zero = modulus.eq(0.0);
        ((g - along) / modulus.masked_fill(&at_zero, 1.0)).masked_fill(at_zero, 0.0).tensor()
    })
}

op! {
    /// The complex conjugate, as a view of the same memory; of real tensors the tensor itself.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.tensor([1+2j]).conj()
    /// tensor([1.-2.j])
    fn conj(input: Tensor) -> y;
    variants [method, function];
    composite { if input.dtype().is_complex() { input.conj_view() } else { Ok(input.clone()) } };
    samples [(complex([2, 3])), (real([2])), (complex([])), (complex([0, 2]))];
}

op! {
    /// The conjugate view of a complex tensor.
    ///
    /// Shape: `*s -> *s`. Dtype: complex.
    fn conj_view(input: Tensor) -> y;
    variants [private, rust];
    node "ConjBackward0";
    view {
        complex_only(input, "conj_view")?;
        ViewSpec { layout: input.layout().clone(), dtype: None, flip_conj: true, flip_neg: false }
    };
    vjp { input => |g| g.conj() };
    samples [(complex([2, 3])), (complex([])), (complex([0, 2]))];
}

op! {
    /// The negative view of a tensor.
    ///
    /// Shape: `*s -> *s`. Dtype: any.
    fn neg_view(input: Tensor) -> y;
    variants [private, rust];
    node "NegViewBackward0";
    view { ViewSpec { layout: input.layout().clone(), dtype: None, flip_conj: false, flip_neg: true } };
    vjp { input => |g| -g };
    samples [(real([2, 3])), (complex([])), (real([0, 2]))];
}

op! {
    /// The complex conjugate in new memory; of real numbers, the tensor itself.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.tensor([1+2j]).conj_physical()
    /// tensor([1.-2.j])
    fn conj_physical(input: Tensor) -> y;
    variants [method, function, inplace, out];
    composite { if input.dtype().is_complex() { input.conj_physical_of_complex() } else { Ok(input.clone()) } };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The complex conjugate of complex numbers in new memory.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    fn conj_physical_of_complex(input: Tensor) -> y;
    variants [private];
    node "ConjPhysicalBackward0";
    dtype rule::same(input);
    map { (input) Complex => conj(input) };
    vjp { input => |g| g.conj_physical() };
    samples [(complex([2, 3])), (complex([])), (complex([0, 2]))];
}

fn complex_only(x: &Tensor, name: &str) -> Result<()> {
    rule::require(x.dtype().is_complex(), name)
}

/// The layout of the real (part 0) or imaginary (part 1) numbers inside complex ones.
fn part(x: &Tensor, part: i64) -> ViewSpec {
    let mut layout = x.layout().clone();
    layout.strides.iter_mut().for_each(|s| *s *= 2);
    layout.offset = layout.offset * 2 + part;
    // An imaginary part seen through a conjugate has its sign flipped, a real one has not.
    let conjugated = x.is_conj();
    ViewSpec { layout, dtype: Some(x.dtype().to_real()), flip_conj: conjugated, flip_neg: conjugated && part == 1 }
}

op! {
    /// The real part, as a view; of real tensors the tensor itself.
    ///
    /// Shape: `*s -> *s`. Dtype: real.
    ///
    /// >>> torch.tensor([1+2j]).real
    /// tensor([1.])
    fn real(input: Tensor) -> y;
    variants [function];
    composite { if input.dtype().is_complex() { input.real_view() } else { Ok(input.clone()) } };
    samples [(complex([2, 3])), (real([2])), (complex([])), (complex([0, 2]))];
}

op! {
    /// The real part of a complex tensor, as a view.
    ///
    /// Shape: `*s -> *s`. Dtype: real.
    fn real_view(input: Tensor) -> y;
    variants [private, rust];
    node "SelectBackward0";
    view { complex_only(input, "real_view")?; part(input, 0) };
    vjp { input => |g| g.clone() };
    samples [(complex([2, 3])), (complex([])), (complex([0, 2]))];
}

op! {
    /// The imaginary part, as a view.
    ///
    /// Shape: `*s -> *s`. Dtype: complex gives real.
    ///
    /// >>> torch.tensor([1+2j]).imag
    /// tensor([2.])
    fn imag(input: Tensor) -> y;
    variants [function];
    node "SelectBackward0";
    view {
        if !input.dtype().is_complex() {
            return Err(Error::type_("imag is not implemented for tensors with non-complex dtypes."));
        }
        part(input, 1)
    };
    vjp { input => |g| times_i(g) };
    samples [(complex([2, 3])), (complex([])), (complex([0, 2]))];
}

/// The gradient of an imaginary part, as that of the number.
fn times_i(g: &Val) -> Val {
    Val::run(|| {
        let t = g.tensor()?;
        let i = Tensor::scalar(crate::Complex64::I, t.dtype().to_complex()).to_device(t.device())?;
        t.mul(&i)
    })
}

op! {
    /// The tensor with a lazy conjugation carried out.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    fn resolve_conj(input: Tensor) -> y;
    variants [method, function];
    composite { if input.is_conj() { input.clone_tensor() } else { Ok(input.clone()) } };
    samples [(complex([2, 3])), (real([2])), (complex([0, 2]))];
}

op! {
    /// The tensor with a lazy negation carried out.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    fn resolve_neg(input: Tensor) -> y;
    variants [method, function];
    composite { if input.is_neg() { input.clone_tensor() } else { Ok(input.clone()) } };
    samples [(complex([2, 3])), (real([2])), (complex([0, 2]))];
}
