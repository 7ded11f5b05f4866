//! Any and all.

use flambeau_cpu::reduce as kernels;

use super::over;
use crate::ops::{op, rule, samples};
use crate::{DType, Dims, Tensor};

/// Booleans, except that uint8 stays uint8.
fn logic_dtype(x: &Tensor) -> DType {
    if x.dtype() == DType::U8 { DType::U8 } else { DType::Bool }
}

op! {
    /// True if any element is not zero.
    ///
    /// Shape: `*s -> ()`. Dtype: bool; uint8 stays uint8.
    ///
    /// >>> torch.tensor([0, 1]).any()
    /// tensor(True)
    fn any(input: Tensor) -> y;
    variants [method, function, out];
    nondifferentiable;
    dtype logic_dtype(input);
    shape Dims::new();
    kernel { over(&mut y, input, None, kernels::any) };
    samples samples::unary(-1.0, 1.0);
}

op! {
    /// True if any element is not zero along a dimension.
    ///
    /// Shape: `*s -> *t`. Dtype: bool; uint8 stays uint8.
    ///
    /// >>> torch.tensor([[0, 0], [0, 1]]).any(1)
    /// tensor([False,  True])
    fn any.dim(input: Tensor, dim: i64, keepdim: bool = false) -> y;
    variants [method, function, out];
    nondifferentiable;
    dtype logic_dtype(input);
    shape rule::reduce(input, Some(&[dim]), keepdim);
    kernel { over(&mut y, input, Some(&[dim]), kernels::any) };
    samples [(real([2, 3]), 0), (mask([2, 3]), -1, true), (real([]), 0), (real([0, 2]), 0)];
}

op! {
    /// True if any element is not zero along some dimensions.
    ///
    /// Shape: `*s -> *t`. Dtype: bool; uint8 stays uint8.
    fn any.dims(input: Tensor, dim: Option<Dims> = None, keepdim: bool = false) -> y;
    variants [method, function, out];
    nondifferentiable;
    dtype logic_dtype(input);
    shape rule::reduce(input, dim, keepdim);
    kernel { over(&mut y, input, dim, kernels::any) };
    samples [(real([2, 3])), (mask([2, 3]), [0, 1], true), (real([]), [0]), (real([0, 2]), [0])];
}

op! {
    /// True if no element is zero.
    ///
    /// Shape: `*s -> ()`. Dtype: bool; uint8 stays uint8.
    ///
    /// >>> torch.tensor([0, 1]).all()
    /// tensor(False)
    fn all(input: Tensor) -> y;
    variants [method, function, out];
    nondifferentiable;
    dtype logic_dtype(input);
    shape Dims::new();
    kernel { over(&mut y, input, None, kernels::all) };
    samples samples::unary(-1.0, 1.0);
}

op! {
    /// True if no element is zero along a dimension.
    ///
    /// Shape: `*s -> *t`. Dtype: bool; uint8 stays uint8.
    ///
    /// >>> torch.tensor([[0, 0], [0, 1]]).all(1)
    /// tensor([False, False])
    fn all.dim(input: Tensor, dim: i64, keepdim: bool = false) -> y;
    variants [method, function, out];
    nondifferentiable;
    dtype logic_dtype(input);
    shape rule::reduce(input, Some(&[dim]), keepdim);
    kernel { over(&mut y, input, Some(&[dim]), kernels::all) };
    samples [(real([2, 3]), 0), (mask([2, 3]), -1, true), (real([]), 0), (real([0, 2]), 0)];
}

op! {
    /// True if no element is zero along some dimensions.
    ///
    /// Shape: `*s -> *t`. Dtype: bool; uint8 stays uint8.
    fn all.dims(input: Tensor, dim: Option<Dims> = None, keepdim: bool = false) -> y;
    variants [method, function, out];
    nondifferentiable;
    dtype logic_dtype(input);
    shape rule::reduce(input, dim, keepdim);
    kernel { over(&mut y, input, dim, kernels::all) };
    samples [(real([2, 3])), (mask([2, 3]), [0, 1], true), (real([]), [0]), (real([0, 2]), [0])];
}
