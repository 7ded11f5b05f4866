//! The parts of numbers: sign bits, infinities, angles, real and imaginary parts.

use flambeau_cpu::{View, ViewMut, loops};

use crate::ops::{OperandRef, Options, Val, ViewSpec, op, rule, samples};
use crate::{Complex64, DType, Dims, Error, Layout, Result, Scalar, Tensor};

fn signbit_dtype(x: &Tensor) -> Result<DType> {
    if x.dtype().is_complex() {
        return Err(Error::not_implemented("signbit is not implemented for complex tensors."));
    }
    Ok(x.dtype())
}

op! {
    /// True where the sign is set, of -0 too.
    ///
    /// Shape: `*s -> *s`. Dtype: bool.
    ///
    /// >>> torch.tensor([-1., 0., 2.]).signbit()
    /// tensor([ True, False, False])
    fn signbit(input: Tensor) -> y;
    variants [method, function, out];
    nondifferentiable;
    dtype signbit_dtype(input);
    map { (input) Float -> bool => input.is_sign_negative(); Int -> bool => input < 0; Bool -> bool => false };
    samples unary(-2.0, 2.0);
}

fn not_complex(x: &Tensor, what: &str) -> Result<DType> {
    if x.dtype().is_complex() {
        return Err(Error::type_(format!("{what} does not support complex inputs.")));
    }
    Ok(x.dtype())
}

op! {
    /// True where the element is positive infinity.
    ///
    /// Shape: `*s -> *s`. Dtype: bool.
    ///
    /// >>> torch.tensor([-float('inf'), float('inf'), 1.]).isposinf()
    /// tensor([False,  True, False])
    fn isposinf(input: Tensor) -> y;
    variants [method, function, out];
    nondifferentiable;
    dtype not_complex(input, "isposinf");
    map { (input) Float -> bool => input == INFINITY; Int, Bool -> bool => false };
    samples unary(-2.0, 2.0);
}

op! {
    /// True where the element is negative infinity.
    ///
    /// Shape: `*s -> *s`. Dtype: bool.
    ///
    /// >>> torch.tensor([-float('inf'), float('inf'), 1.]).isneginf()
    /// tensor([ True, False, False])
    fn isneginf(input: Tensor) -> y;
    variants [method, function, out];
    nondifferentiable;
    dtype not_complex(input, "isneginf");
    map { (input) Float -> bool => input == NEG_INFINITY; Int, Bool -> bool => false };
    samples unary(-2.0, 2.0);
}

op! {
    /// True where the imaginary part is zero, as it is for all real dtypes.
    ///
    /// Shape: `*s -> *s`. Dtype: bool.
    ///
    /// >>> torch.tensor([1+1j, 2+0j]).isreal()
    /// tensor([False,  True])
    fn isreal(input: Tensor) -> y;
    variants [method, function];
    composite {
        if input.dtype().is_complex() {
            input.imag()?.eq(0.0)
        } else {
            input.ones_like_with(None, Options { dtype: Some(DType::Bool), ..Options::default() })
        }
    };
    samples [(real([2, 3])), (complex([2])), (real([])), (complex([0, 2]))];
}

op! {
    /// The angle from the positive real numbers, in radians: of a real number 0, or pi below 0.
    ///
    /// Shape: `*s -> *s`. Dtype: real; integers give the default float type.
    ///
    /// >>> torch.tensor([1j, -1+0j]).angle()
    /// tensor([1.5708, 3.1416])
    fn angle(input: Tensor) -> y;
    variants [method, function, out];
    composite {
        // The angles of complex numbers lie in row-major order, whatever the order of the numbers is.
        if input.dtype().is_complex() { input.contiguous()?.angle_of() } else { input.angle_of() }
    };
    samples samples::unary(0.5, 2.0);
}

op! {
    /// The angle, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: that of the parts; bool and integers give the default float type.
    fn angle_of(input: Tensor) -> y;
    variants [private];
    node "AngleBackward0";
    dtype rule::int_to_float(input);
    map { (input) Float => { let angle = if input < 0.0 { 3.141_592_653_589_793 } else { 0.0 }; if is_nan(input) { input } else { angle } }; Complex -> real => angle(input) };
    vjp { input => |g, input| angle_backward(g, input) };
    samples samples::unary(0.5, 2.0);
}

fn angle_backward(g: &Val, x: &Val) -> Val {
    Val::run(|| {
        let t = x.tensor()?;
        if !t.dtype().is_complex() {
            return g.tensor()?.mul(0.0);
        }
        let modulus = x.abs();
        let slope = g * x / (&modulus * &modulus) * Scalar::Complex(Complex64::I);
        slope.masked_fill(x.eq(0.0), 0.0).tensor()
    })
}

/// Two parts of a complex number, of one floating-point dtype.
fn parts(a: &Tensor, b: &Tensor) -> Result<DType> {
    let fits = |d: DType| matches!(d, DType::F16 | DType::F32 | DType::F64);
    if !fits(a.dtype()) || !fits(b.dtype()) {
        return Err(Error::not_implemented(format!(
            "Expected both inputs to be Half, Float or Double tensors but got {} and {}",
            a.dtype().title(),
            b.dtype().title()
        )));
    }
    if a.dtype() != b.dtype() {
        return Err(Error::runtime(format!(
            "Expected object of scalar type {} but got scalar type {} for second argument",
            a.dtype().title(),
            b.dtype().title()
        )));
    }
    if a.dtype() == DType::F16 {
        return Err(Error::not_implemented("complex numbers of float16 parts are complex32, which is not implemented"));
    }
    Ok(a.dtype().to_complex())
}

/// Writes the real (part 0) or imaginary (part 1) numbers of `y`.
fn write_part(y: &mut ViewMut, part: usize, x: View) -> Result<()> {
    let real = y.dtype().to_real();
    let strides: Dims = y.strides().iter().map(|s| s * 2).collect();
    let from = crate::ops::shape::convert::broadcast_to(x.sizes(), x.strides(), y.sizes())?;
    // SAFETY: a complex number is two real ones; broadcasting repeats elements that `x` has.
    let (out, x) = unsafe {
        (ViewMut::new(y.ptr().wrapping_add(part * real.size()), real, y.sizes(), &strides), x.with(y.sizes(), &from))
    };
    loops::copy(out, x);
    Ok(())
}

op! {
    /// Complex numbers from their real and imaginary parts.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: complex.
    ///
    /// >>> torch.complex(torch.tensor([1.]), torch.tensor([2.]))
    /// tensor([1.+2.j])
    fn complex(real: Tensor, imag: Tensor) -> y;
    variants [function, out];
    dtype parts(real, imag);
    shape rule::broadcast(real, OperandRef::Tensor(imag));
    kernel {
        write_part(&mut y, 0, real)?;
        write_part(&mut y, 1, imag)
    };
    vjp { real => |g| g.real(); imag => |g| g.imag() };
    samples [(real([2, 3]), other([3])), (real([]), other([])), (real([0, 2]), other([2]))];
}

op! {
    /// Complex numbers from their absolute values and angles.
    ///
    /// Shape: `*s, *t -> broadcast(*s, *t)`. Dtype: complex.
    ///
    /// >>> torch.polar(torch.tensor([2.]), torch.tensor([0.]))
    /// tensor([2.+0.j])
    fn polar(abs: Tensor, angle: Tensor) -> y;
    variants [function, out];
    dtype parts(abs, angle);
    shape rule::broadcast(abs, OperandRef::Tensor(angle));
    compute {
        parts(abs, angle)?;
        abs.mul(angle.cos()?)?.complex(&abs.mul(angle.sin()?)?)
    };
    vjp {
        abs => |g, y| (g.conj() * y.sgn()).real();
        angle => |g, y| (g.conj() * (y * Scalar::Complex(Complex64::I))).real()
    };
    samples [(positive([2, 3]), other([3])), (positive([]), other([])), (positive([0, 2]), other([2]))];
}

op! {
    /// Complex numbers seen as pairs of real ones, in a last dimension of 2.
    ///
    /// Shape: `*s -> *s 2`. Dtype: real.
    ///
    /// >>> torch.view_as_real(torch.tensor([1+2j]))
    /// tensor([[1., 2.]])
    fn view_as_real(input: Tensor) -> y;
    variants [function];
    view {
        if !input.dtype().is_complex() {
            return Err(Error::type_("view_as_real is only supported for complex tensors"));
        }
        if input.is_conj() {
            return Err(Error::runtime("view_as_real doesn't work on unresolved conjugated tensors.  To resolve the conjugate tensor so you can view it as real, use self.resolve_conj(); however, be warned that the resulting tensor will NOT alias the original."));
        }
        let l = input.layout();
        let mut layout = Layout { sizes: l.sizes.clone(), strides: l.strides.iter().map(|s| s * 2).collect(), offset: l.offset * 2 };
        layout.sizes.push(2);
        crate::checked_numel(&layout.sizes)?;
        layout.strides.push(1);
        ViewSpec { layout, dtype: Some(input.dtype().to_real()), flip_conj: false, flip_neg: false }
    };
    vjp { input => |g| g.contiguous().view_as_complex() };
    samples [(complex([2, 3])), (complex([])), (complex([0, 2]))];
}

op! {
    /// Pairs of real numbers, in a last dimension of 2, seen as complex ones.
    ///
    /// Shape: `*s 2 -> *s`. Dtype: complex.
    ///
    /// >>> torch.view_as_complex(torch.tensor([[1., 2.]]))
    /// tensor([1.+2.j])
    fn view_as_complex(input: Tensor) -> y;
    variants [function];
    view { paired(input) };
    vjp { input => |g| g.contiguous().resolve_conj().view_as_real() };
    samples [(real([3, 2])), (real([2])), (real([0, 2]))];
}

fn paired(x: &Tensor) -> Result<ViewSpec> {
    if !matches!(x.dtype(), DType::F16 | DType::F32 | DType::F64) {
        return Err(Error::not_implemented(format!(
            "view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: {}",
            x.dtype().title()
        )));
    }
    if x.dtype() == DType::F16 {
        return Err(Error::not_implemented("complex numbers of float16 parts are complex32, which is not implemented"));
    }
    let l = x.layout();
    let Some((&last, sizes)) = l.sizes.split_last() else {
        return Err(Error::runtime("Input tensor must have one or more dimensions"));
    };
    if last != 2 {
        return Err(Error::runtime("Tensor must have a last dimension of size 2"));
    }
    let strides = &l.strides[..sizes.len()];
    // Where there is no element the strides of a gradient may be any.
    let any = x.numel() == 0;
    if !any && l.strides[sizes.len()] != 1 {
        return Err(Error::runtime("Tensor must have a last dimension with stride 1"));
    }
    if !any && strides.iter().any(|s| s % 2 != 0) {
        return Err(Error::runtime("Tensor must have a stride divisible by 2 for all but last dimension"));
    }
    if l.offset % 2 != 0 {
        return Err(Error::runtime("Tensor must have a storage_offset divisible by 2"));
    }
    let layout = Layout { sizes: sizes.into(), strides: strides.iter().map(|s| s / 2).collect(), offset: l.offset / 2 };
    Ok(ViewSpec { layout, dtype: Some(x.dtype().to_complex()), flip_conj: false, flip_neg: false })
}

op! {
    /// The tensor itself: what `+x` gives. Bools are refused.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    fn positive(input: Tensor) -> y;
    variants [method, function];
    composite {
        if input.dtype() == DType::Bool {
            return Err(Error::not_implemented("The `+` operator, on a bool tensor is not supported."));
        }
        Ok(input.clone())
    };
    samples unary(-2.0, 2.0);
}

op! {
    /// Numbers in place of nan (0) and of the infinities (the greatest and the least number of the dtype).
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.tensor([float('nan'), 1.]).nan_to_num(nan=2.0)
    /// tensor([2., 1.])
    fn nan_to_num(input: Tensor, nan: Option<f64> = None, posinf: Option<f64> = None, neginf: Option<f64> = None) -> y;
    variants [method, function, inplace, out];
    inplace_check Ok(!input.dtype().is_integral()); // they are numbers already
    composite {
        if input.dtype().is_integral() {
            return input.clone_tensor();
        }
        let most = greatest(input.dtype());
        input.finite_numbers(nan.unwrap_or(0.0), posinf.unwrap_or(most), neginf.unwrap_or(-most))
    };
    samples samples::unary(-2.0, 2.0);
}

/// The greatest finite number of a floating-point or complex dtype.
fn greatest(d: DType) -> f64 {
    match d {
        DType::F16 => crate::f16::MAX.to_f64(),
        DType::BF16 => crate::bf16::MAX.to_f64(),
        DType::F64 | DType::C128 => f64::MAX,
        _ => f64::from(f32::MAX),
    }
}

op! {
    /// `nan_to_num` with all of its numbers.
    ///
    /// Shape: `*s -> *s`. Dtype: floating-point or complex, unchanged.
    fn finite_numbers(input: Tensor, nan: f64, posinf: f64, neginf: f64) -> y;
    variants [private];
    node "NanToNumBackward0";
    dtype rule::same(input);
    map {
        (input; nan, posinf, neginf)
        Float => {
            let y = if input == INFINITY { posinf } else { input };
            let y = if input == NEG_INFINITY { neginf } else { y };
            if is_nan(input) { nan } else { y }
        };
        Complex => {
            let whole = |v| if v != v { nan.re } else if v == 1.0 / 0.0 { posinf.re } else if v == -1.0 / 0.0 { neginf.re } else { v };
            C::new(whole(input.re), whole(input.im))
        }
    };
    vjp { input => |g, input| g.masked_fill(input.isfinite().logical_not(), 0.0) };
    samples [(real([2, 3]), 0.0, 1.0, -1.0), (real([]), 0.5, 1.0, -1.0), (real([0, 2]), 0.0, 1.0, -1.0)];
}
