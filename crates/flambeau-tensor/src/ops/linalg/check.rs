//! What the operators on square matrices share: checks, layouts by columns, triangles.

use crate::{DType, Error, ErrorKind, Layout, Result, Tensor};

/// Matrices with as many rows as columns.
pub(crate) fn square(a: &Tensor, name: &str) -> Result<()> {
    at_least_matrix(a, name)?;
    let (m, n) = (a.size()[a.dim() - 2], a.size()[a.dim() - 1]);
    if m != n {
        return Err(Error::runtime(format!(
            "{name}: A must be batches of square matrices, but they are {m} by {n} matrices"
        )));
    }
    Ok(())
}

/// Two dimensions or more.
pub(crate) fn at_least_matrix(a: &Tensor, name: &str) -> Result<()> {
    if a.dim() < 2 {
        return Err(Error::runtime(format!("{name}: The input tensor A must have at least 2 dimensions.")));
    }
    Ok(())
}

/// The dtypes that linear algebra is done in.
pub(crate) fn floating(a: &Tensor, name: &str) -> Result<DType> {
    match a.dtype() {
        d @ (DType::F32 | DType::F64 | DType::C64 | DType::C128) => Ok(d),
        d @ (DType::F16 | DType::BF16) => {
            Err(Error::not_implemented(format!("{name}: Low precision dtypes not supported. Got {}", d.title())))
        }
        d => Err(Error::not_implemented(format!(
            "{name}: Expected a floating point or complex tensor as input. Got {}",
            d.title()
        ))),
    }
}

/// The sizes before the last two.
pub(crate) fn batch(a: &Tensor) -> &[i64] {
    &a.size()[..a.dim().saturating_sub(2)]
}

/// Matrices whose columns lie one after another.
pub(crate) fn column_layout(sizes: &[i64]) -> Layout {
    let n = sizes.len();
    let mut turned: crate::Dims = sizes.into();
    turned.swap(n - 2, n - 1);
    let mut layout = Layout::contiguous(&turned);
    layout.sizes.swap(n - 2, n - 1);
    layout.strides.swap(n - 2, n - 1);
    layout
}

/// The layouts of several outputs as a `shape` rule gives them.
pub(crate) struct Layouts<const N: usize>(pub [Layout; N]);

impl<const N: usize> crate::ops::IntoLayouts for Layouts<N> {
    fn into_layouts(self) -> Result<smallvec::SmallVec<[Layout; 1]>> {
        Ok(self.0.into_iter().collect())
    }
}

/// A copy whose matrices lie by columns, as LAPACK leaves them.
pub(crate) fn by_columns_copy(x: &Tensor) -> Result<Tensor> {
    let out = Tensor::empty_layout(column_layout(x.size()), x.dtype(), x.device())?;
    if x.numel() > 0 {
        out.copy_(x)?;
    }
    Ok(out)
}

/// The first matrix whose info is not 0: its place in a batch, in words, and the info.
pub(crate) fn first_failure(info: &Tensor) -> Result<Option<(String, i32)>> {
    let found = info.to_vec::<i32>()?.into_iter().enumerate().find(|(_, n)| *n != 0);
    Ok(found.map(|(i, n)| (if info.dim() > 0 { format!("(Batch element {i}): ") } else { String::new() }, n)))
}

/// A `LinAlgError`.
pub(crate) fn singular(message: String) -> Error {
    Error::new(ErrorKind::LinAlg, message)
}

/// The upper or lower triangle of matrices, zero elsewhere, without the diagonal where `strict`.
pub(crate) fn triangle(x: &Tensor, upper: bool, strict: bool) -> Result<Tensor> {
    let (m, n) = (x.size()[x.dim() - 2], x.size()[x.dim() - 1]);
    let rows = crate::ops::arange_end(m)?.unsqueeze(1)?;
    let cols = crate::ops::arange_end(n)?;
    let outside = match (upper, strict) {
        (true, true) => rows.ge(&cols)?,
        (true, false) => rows.gt(&cols)?,
        (false, true) => rows.le(&cols)?,
        (false, false) => rows.lt(&cols)?,
    };
    x.masked_fill(&outside, 0.0)
}

/// The conjugate transposes of matrices.
pub(crate) fn adjoint(t: &Tensor) -> Result<Tensor> {
    t.transpose(-2, -1)?.conj()
}

/// Memory for matrices of the sizes `sizes` that a kernel writes by columns: row-major, rows and columns exchanged.
pub(crate) fn turned_empty(sizes: &[i64], like: &Tensor) -> Result<Tensor> {
    let mut turned: crate::Dims = sizes.into();
    let n = sizes.len();
    turned.swap(n - 2, n - 1);
    Tensor::empty(&turned, like.dtype(), like.device())
}

/// Whether the gradient of an output is nothing but zeros: nobody used the output. What divides by the gaps between values,
/// which may be 0, is then left out.
pub(crate) fn unused(g: &Tensor) -> Result<bool> {
    Ok(g.device() == crate::Device::Cpu && !g.requires_grad() && !g.ne(0.0)?.any()?.item()?.to_bool())
}
