//! Exponentials of matrices.

use super::check::square;
use crate::ops::{Val, op};
use crate::{DType, Error, Options, Result, Tensor};

fn exponential_dtype(a: &Tensor) -> Result<DType> {
    square(a, "linalg.matrix_exp")?;
    if a.dtype().is_integral() {
        return Err(Error::not_implemented(format!(
            "linalg.matrix_exp: Expected a floating point or complex tensor as input. Got {}",
            a.dtype().title()
        )));
    }
    Ok(a.dtype())
}

/// The series up to the power 18, of norms at most 1 (3 in single precision), in powers of the fourth: seven products.
fn series(a: &Tensor) -> Result<Tensor> {
    let identity = crate::ops::eye_with(a.size()[a.dim() - 1], None, Options::like(a))?;
    let square = a.matmul(a)?;
    let cube = square.matmul(a)?;
    let fourth = square.matmul(&square)?;
    let inverse = |k: i32| (1..=k).fold(1.0, |f, i| f / f64::from(i));
    let block = |k: i32, top: bool| -> Result<Tensor> {
        let low = identity.mul(inverse(k))?.add(a.mul(inverse(k + 1))?)?.add(square.mul(inverse(k + 2))?)?;
        if top { Ok(low) } else { low.add(cube.mul(inverse(k + 3))?) }
    };
    let mut y = block(16, true)?;
    for k in [12, 8, 4, 0] {
        y = block(k, false)?.add(fourth.matmul(&y)?)?;
    }
    Ok(y)
}

/// exp(A) is exp(A / 2^k)^(2^k), with as many halvings as make the series good enough, for each matrix by itself.
fn exponential(a: &Tensor) -> Result<Tensor> {
    let limit = if matches!(a.dtype(), DType::F32 | DType::C64) { 3.0 } else { 1.0 };
    let norms = a.abs()?.sum_dim_with(Some(&[-2]), false, None)?.amax_with(Some(&[-1]), false)?;
    let halvings =
        norms.div(limit)?.log2()?.ceil()?.nan_to_num_with(Some(0.0), Some(0.0), Some(0.0))?.clamp_min(0.0)?;
    let most = halvings.max()?.item()?.to_f64() as i32;
    let halvings = halvings.unsqueeze(-1)?.unsqueeze(-1)?;
    let mut y = series(&a.mul(&halvings.neg()?.exp2()?)?)?;
    for step in 0..most {
        let squared = y.matmul(&y)?;
        y = if halvings.numel() == 1 { squared } else { halvings.gt(f64::from(step))?.where_(squared, y)? };
    }
    Ok(y)
}

op! {
    /// The exponentials of square matrices.
    ///
    /// Shape: `*b n n -> *b n n`. Dtype: floating-point or complex.
    ///
    /// >>> torch.linalg.matrix_exp(torch.tensor([[0., 1.], [0., 0.]]))
    /// tensor([[1., 1.],
    ///         [0., 1.]])
    fn matrix_exp(input: Tensor) -> y;
    variants [method, function, linalg];
    node "LinalgMatrixExpBackward0";
    dtype exponential_dtype(input);
    shape input.size();
    compute {
        let dtype = exponential_dtype(input)?;
        if input.numel() == 0 {
            return Tensor::empty(input.size(), dtype, input.device());
        }
        // The squarings double the rounding errors: small matrices, which cost little, are computed in double precision.
        let small = input.size()[input.dim() - 1] <= 64;
        let wide = match dtype {
            DType::F16 | DType::BF16 => DType::F32,
            DType::F32 if small => DType::F64,
            DType::C64 if small => DType::C128,
            other => other,
        };
        exponential(&input.to_dtype(wide)?.contiguous()?)?.to_dtype(dtype)
    };
    vjp { input => |g, input| Val::run(|| {
        // exp of [[A^H, G], [0, A^H]] has the gradient in its upper right.
        let (a, g) = (input.tensor()?.transpose(-2, -1)?.conj()?, g.tensor()?);
        let n = a.size()[a.dim() - 1];
        let top = crate::ops::cat_with(&[a.clone(), g], -1)?;
        let bottom = crate::ops::cat_with(&[a.zeros_like()?, a], -1)?;
        crate::ops::cat_with(&[top, bottom], -2)?.matrix_exp()?.narrow(-2, 0, n)?.narrow(-1, n, n)
    }) };
    samples [(real([3, 3])), (real([2, 2, 2])), (real([0, 0]))];
}
