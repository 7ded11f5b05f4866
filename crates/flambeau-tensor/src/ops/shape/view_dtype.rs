//! The same bytes as elements of another dtype.

use crate::ops::{ViewSpec, op};
use crate::{DType, Error, Layout, Result, Tensor};

/// The layout of the same bytes as elements of `dtype`.
fn retyped(x: &Tensor, dtype: DType) -> Result<Layout> {
    let bit = |what: &str| {
        Error::runtime(format!("torch.Tensor.view is not supported for {what} when converting to a different dtype."))
    };
    if x.is_conj() {
        return Err(bit("conjugate view tensors"));
    }
    if x.is_neg() {
        return Err(bit("tensors with negative bit set"));
    }
    let (from, to) = (x.dtype().size() as i64, dtype.size() as i64);
    let mut layout = x.layout().clone();
    if from == to {
        return Ok(layout);
    }
    let pair = format!("to view {} as {} (different element sizes)", x.dtype().title(), dtype.title());
    let Some(last) = layout.sizes.len().checked_sub(1) else {
        return Err(Error::runtime(format!("self.dim() cannot be 0 {pair}")));
    };
    let must = |what: &str, rule: String, got: i64| {
        Err(Error::runtime(format!("self.{what} must be {rule} {pair}, but got {got}")))
    };
    if from > to {
        let ratio = from / to;
        if layout.strides[last] != 1 {
            return must("stride(-1)", "1".into(), layout.strides[last]);
        }
        layout.sizes[last] *= ratio;
        layout.offset *= ratio;
        layout.strides[..last].iter_mut().for_each(|stride| *stride *= ratio);
        return Ok(layout);
    }
    let ratio = to / from;
    let divisible = format!("divisible by {ratio}");
    if layout.sizes[last] % ratio != 0 {
        return must("size(-1)", divisible, layout.sizes[last]);
    }
    if layout.offset % ratio != 0 {
        return must("storage_offset()", divisible, layout.offset);
    }
    if layout.strides[last] != 1 {
        return must("stride(-1)", "1".into(), layout.strides[last]);
    }
    if let Some(d) = (0..last).find(|d| layout.strides[*d] % ratio != 0) {
        return must(&format!("stride({d})"), divisible, layout.strides[d]);
    }
    layout.sizes[last] /= ratio;
    layout.offset /= ratio;
    layout.strides[..last].iter_mut().for_each(|stride| *stride /= ratio);
    Ok(layout)
}

op! {
    /// The same bytes as elements of another dtype, over the same memory. Where elements are of another size the last dimension
    /// shrinks or grows. It has no derivative.
    ///
    /// Shape: `*s n -> *s m`. Dtype: as asked.
    ///
    /// >>> torch.tensor([1., -1.]).view(torch.int32)
    /// tensor([ 1065353216, -1082130432], dtype=torch.int32)
    fn view.dtype(input: Tensor, dtype: DType) -> y;
    variants [method];
    view { ViewSpec { layout: retyped(input, dtype)?, dtype: Some(dtype), flip_conj: false, flip_neg: false } };
    samples [(real([2, 4]), DType::F64), (real([0, 2]), DType::F64)];
}
