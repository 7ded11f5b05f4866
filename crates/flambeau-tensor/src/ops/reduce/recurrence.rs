//! Linear recurrences, and the gradients of products that hold zeros, which need them.

use flambeau_cpu::{View, ViewMut};

use crate::ops::{Options, Val, ones_with, op};
use crate::{Complex64, DType, Error, Result, Tensor, normalize_dim};

/// The arithmetic of a recurrence.
trait Step: crate::Element + Copy + Default + std::ops::Add<Output = Self> + std::ops::Mul<Output = Self> {}
impl Step for f64 {}
impl Step for Complex64 {}

/// Runs a recurrence along each line: `y[k] = b[k] + a[k] * y[k - 1]`, or backward `y[k] = b[k] + a[k + 1] * y[k + 1]`.
fn recur<T: Step>(y: &ViewMut, b: View, a: View, dim: usize, backward: bool) {
    let sizes = y.sizes();
    let n = sizes[dim];
    let lines: i64 = sizes.iter().enumerate().filter(|(d, _)| *d != dim).map(|(_, n)| *n).product();
    for line in 0..if n == 0 { 0 } else { lines } {
        let (mut rest, mut at) = (line, [0i64; 3]);
        for d in (0..sizes.len()).rev().filter(|d| *d != dim) {
            let j = rest % sizes[d];
            rest /= sizes[d];
            at[0] += j * y.strides()[d];
            at[1] += j * b.strides()[d];
            at[2] += j * a.strides()[d];
        }
        let mut state = T::default();
        for i in 0..n {
            let k = if backward { n - 1 - i } else { i };
            let factor = if backward { k + 1 } else { k };
            // SAFETY: offsets made from the views' own sizes and strides; the factor at the start, which backward would lie
            // behind the end, is not read.
            unsafe {
                let input = b.ptr().cast::<T>().offset((at[1] + k * b.strides()[dim]) as isize).read_unaligned();
                state = if i == 0 {
                    input
                } else {
                    input
                        + a.ptr().cast::<T>().offset((at[2] + factor * a.strides()[dim]) as isize).read_unaligned()
                            * state
                };
                y.ptr().cast::<T>().offset((at[0] + k * y.strides()[dim]) as isize).write_unaligned(state);
            }
        }
    }
}

/// The elements of a tensor moved one place along a dimension, with zero where none comes from.
fn shifted(x: &Val, dim: i64, forward: bool) -> Val {
    Val::run(|| {
        let x = x.tensor()?;
        let n = x.size()[normalize_dim(dim, x.dim())?];
        if n == 0 {
            return Ok(x);
        }
        let (from, to) = if forward { (0, 1) } else { (1, 0) };
        x.narrow(dim, from, n - 1)?.slice_into_zeros(x.size(), dim, to, to + n - 1, 1)
    })
}

/// Both tensors are of one shape and of one of the two dtypes.
fn recurrence_dtype(x: &Tensor, factor: &Tensor) -> Result<DType> {
    match x.dtype() {
        d @ (DType::F64 | DType::C128) if factor.dtype() == d && factor.size() == x.size() => Ok(d),
        d => Err(Error::not_implemented(format!(
            "recurrence of {} {:?} and {} {:?}: it is for float64 or complex128 of one shape",
            d.title(),
            x.size(),
            factor.dtype().title(),
            factor.size()
        ))),
    }
}

op! {
    /// The linear recurrence `y[k] = input[k] + factor[k] * y[k - 1]` along a dimension, or backward
    /// `y[k] = input[k] + factor[k + 1] * y[k + 1]`.
    ///
    /// Shape: `*s, *s -> *s`. Dtype: float64 or complex128.
    fn recurrence(input: Tensor, factor: Tensor, dim: i64, backward: bool) -> y;
    variants [private];
    dtype recurrence_dtype(input, factor);
    shape input.size();
    kernel {
        let at = normalize_dim(dim, input.ndim())?;
        if y.dtype() == DType::C128 { recur::<Complex64>(&y, input, factor, at, backward) } else { recur::<f64>(&y, input, factor, at, backward) }
    };
    vjp {
        input => |g, factor, dim, backward| g.recurrence(factor.conj(), dim, !backward);
        factor => |g, factor, y, dim, backward| {
            let h = g.recurrence(factor.conj(), dim, !backward);
            if backward { shifted(&h, dim, true) * y.conj() } else { h * shifted(y, dim, true).conj() }
        }
    };
    samples [
        (real([3, 2]), other([3, 2]), 0, false),
        (real([2, 3]), other([2, 3]), -1, true),
        (real([0, 2]), other([0, 2]), 0, true),
    ];
}

/// The gradient of a running product of elements some of which are zero. Element `k` gets the product of those before it
/// times what flows in behind it, for which there is a recurrence without a division.
pub(crate) fn product_backward(g: &Tensor, x: &Tensor, dim: i64) -> Result<Tensor> {
    let wide = if x.dtype().is_complex() { DType::C128 } else { DType::F64 };
    let (g, x) = (g.to_dtype(wide)?, x.to_dtype(wide)?);
    let mut first = x.sizes();
    first[normalize_dim(dim, x.dim())?] = 1;
    let one = ones_with(&first, Options::like(&x))?.slice_into_zeros(x.size(), dim, 0, 1, 1)?;
    let before = shifted(&Val::from(x.cumprod(dim)?), dim, true) + Val::from(one);
    (before.conj() * Val::from(g).recurrence(x.conj()?, dim, true)).tensor()
}
