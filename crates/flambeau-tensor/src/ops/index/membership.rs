//! Which elements a list holds; a fixed number of places; indices that may lie outside.

use crate::ops::{Operand, OperandRef, Options, op, rule};
use crate::{DType, Dims, Error, Kind, Result, Tensor};

/// Refuses what has no order to search by.
fn check_ordered(d: DType) -> Result<()> {
    if d == DType::Bool || d.kind() == Kind::Complex {
        return Err(Error::not_implemented(format!("Unsupported input type encountered for isin(): {}", d.title())));
    }
    Ok(())
}

/// By search in the sorted list.
fn held(elements: &Tensor, list: &Tensor, invert: bool) -> Result<Tensor> {
    check_ordered(elements.dtype())?;
    check_ordered(list.dtype())?;
    let common = rule::promote(elements, list);
    if list.numel() == 0 {
        return crate::ops::full_with(
            elements.size(),
            invert,
            Options { dtype: Some(DType::Bool), ..Options::like(elements) },
        );
    }
    let x = elements.to_dtype(common)?.contiguous()?;
    let sorted = list.to_dtype(common)?.reshape(&[-1])?.sort_with(0, false)?.0;
    let at = sorted.searchsorted(&x.reshape(&[-1])?)?.clamp_max(sorted.numel() - 1)?;
    let found = sorted.index_select(0, &at)?.reshape(x.size())?;
    if invert { found.ne(&x) } else { found.eq(&x) }
}

op! {
    /// For each element whether it is among `test_elements`, or with `invert` whether it is not.
    ///
    /// Shape: `*s, *t -> *s`. Dtype: bool.
    ///
    /// >>> torch.isin(torch.tensor([1, 2, 3]), torch.tensor([3, 1]))
    /// tensor([ True, False,  True])
    fn isin(elements: Tensor, test_elements: Tensor; assume_unique: bool = false, invert: bool = false) -> y;
    variants [function, out];
    nondifferentiable;
    dtype { check_ordered(elements.dtype())?; check_ordered(test_elements.dtype())?; DType::Bool };
    shape elements.size();
    compute { held(elements, test_elements, invert) };
    samples [
        (int([2, 3], 0, 9), int([4], 0, 9)),
        (real([2, 3]), real([2]), true, true),
        (int([], 0, 3), int([0], 0, 3)),
        (real([0, 2]), real([2])),
    ];
}

op! {
    /// For each element whether it is the number `test_element`, or with `invert` whether it is not.
    ///
    /// Shape: `*s -> *s`. Dtype: bool.
    ///
    /// >>> torch.isin(torch.tensor([1, 2]), 2)
    /// tensor([False,  True])
    fn isin.number(elements: Tensor, test_element: Scalar; assume_unique: bool = false, invert: bool = false) -> y;
    variants [function, out];
    nondifferentiable;
    composite {
        check_ordered(elements.dtype())?;
        if invert { elements.ne(Operand::Number(test_element)) } else { elements.eq(Operand::Number(test_element)) }
    };
    samples [(int([2, 3], 0, 4), 2), (real([]), 0.5, false, true), (real([0, 2]), 1)];
}

op! {
    /// Whether a number is among `test_elements`, or with `invert` whether it is not.
    ///
    /// Shape: `*t -> ()`. Dtype: bool.
    ///
    /// >>> torch.isin(2, torch.tensor([3, 2]))
    /// tensor(True)
    fn isin.element(element: Scalar, test_elements: Tensor; assume_unique: bool = false, invert: bool = false) -> y;
    variants [function, out];
    nondifferentiable;
    composite {
        check_ordered(test_elements.dtype())?;
        let any = test_elements.eq(OperandRef::Number(element))?.any()?;
        if invert { any.logical_not() } else { Ok(any) }
    };
    samples [(2, int([2, 3], 0, 4)), (0.5, real([]), false, true), (1, real([0, 2]))];
}

op! {
    /// The places of elements that are not zero, `size` of them: cut off, or filled up with `fill_value`.
    ///
    /// Shape: `*s -> size d`. Dtype: int64.
    ///
    /// >>> torch.nonzero_static(torch.tensor([0, 5, 7]), size=3)
    /// tensor([[ 1],
    ///         [ 2],
    ///         [-1]])
    fn nonzero_static(input: Tensor; size: i64, fill_value: i64 = -1) -> y;
    variants [method, function, out];
    nondifferentiable;
    dtype DType::I64;
    shape fixed(input, size);
    compute {
        let found = input.nonzero()?.slice(0, 0, size, 1)?;
        let out = crate::ops::full_with(&fixed(input, size)?, fill_value, Options::dtype(DType::I64))?;
        out.slice(0, 0, found.size()[0], 1)?.copy_(&found)?;
        Ok(out)
    };
    samples [(real([2, 3]), 2), (mask([2, 3]), 9, 7), (real([]), 2), (real([0, 2]), 1)];
}

fn fixed(x: &Tensor, size: i64) -> Result<Dims> {
    if size < 0 {
        return Err(Error::runtime("nonzero_static: 'size' must be an non-negative integer"));
    }
    Ok(Dims::from_slice(&[size, x.dim() as i64]))
}

/// Indices moved to the nearest that exists.
fn clamped(x: &Tensor, indices: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
    let clamp = |(i, t): (usize, &Option<Tensor>)| -> Result<Option<Tensor>> {
        let n = x.size().get(i).copied().unwrap_or(1);
        t.as_ref().map(|t| t.clamp_min(-n)?.clamp_max(n - 1)).transpose()
    };
    indices.iter().enumerate().map(clamp).collect()
}

op! {
    /// The elements that indices name where `mask` is true, and `fill` elsewhere, where indices may lie outside.
    ///
    /// Shape: `*s, *t -> *u`. Dtype: unchanged.
    fn _unsafe_masked_index(input: Tensor, mask: Tensor, indices: OptTensors, fill: Scalar) -> y;
    variants [function];
    composite {
        if input.numel() == 0 {
            // Nothing to read: only the shape is the indices'.
            let sizes: Dims = input.size().iter().map(|&n| n.max(1)).collect();
            let stand_in = crate::ops::zeros_with(&sizes, Options::like(input))?;
            let shape = stand_in.index_tensor(&clamped(&stand_in, indices)?)?.sizes();
            return crate::ops::full_with(&shape, fill, Options::like(input));
        }
        input.index_tensor(&clamped(input, indices)?)?.masked_fill(&mask.logical_not()?, fill)
    };
    samples [(real([3]), mask([4]), gaps(vec![Some(int([4], -3, 9))]), 1.5)];
}

op! {
    /// A copy with `values` added to the elements that indices name where `mask` is true; indices elsewhere may lie outside.
    ///
    /// Shape: `*s, *t -> *s`. Dtype: unchanged.
    fn _unsafe_masked_index_put_accumulate(input: Tensor, mask: Tensor, indices: OptTensors, values: Tensor) -> y;
    variants [function];
    composite {
        if input.numel() == 0 {
            return input.clone_tensor();
        }
        let values = values.masked_fill(&mask.logical_not()?, 0)?;
        input.index_put_with(&clamped(input, indices)?, &values, true)
    };
    samples [(real([3]), mask([4]), gaps(vec![Some(int([4], -3, 9))]), other([4]))];
}
