//! Tensors of one value, and like others.

use flambeau_cpu::loops;

use crate::ops::{op, rule};
use crate::{Error, Layout, MemoryFormat, Result, Scalar, Tensor};

/// Sizes that a user chose.
pub(crate) fn sized(size: &[i64]) -> Result<Layout> {
    if let Some(n) = size.iter().find(|&&n| n < 0) {
        return Err(Error::runtime(format!("Trying to create tensor with negative dimension {n}: {size:?}")));
    }
    Ok(Layout::contiguous(size))
}

/// Sizes that a user chose, in a memory format.
fn sized_in(size: &[i64], format: MemoryFormat) -> Result<Layout> {
    match format {
        MemoryFormat::ChannelsLast => super::super::shape::convert::channels_last(size),
        _ => sized(size),
    }
}

/// The layout of a tensor like another.
pub(crate) fn like(x: &Tensor, format: Option<MemoryFormat>) -> Result<Layout> {
    super::super::shape::convert::copy_layout(x, format.unwrap_or(MemoryFormat::Preserve))
}

op! {
    /// A tensor of zeros.
    ///
    /// Shape: `-> *size`. Dtype: `dtype`, or the default float type.
    ///
    /// >>> torch.zeros(2, 3)
    /// tensor([[0., 0., 0.],
    ///         [0., 0., 0.]])
    fn zeros(size: Dims) -> y;
    variants [function, out];
    factory;
    dtype options.dtype_or_default();
    shape {
        if size.iter().any(|&n| n < 0) {
            return Err(Error::runtime("zeros: Dimension size must be non-negative."));
        }
        sized(size)
    };
    kernel { loops::fill(y, Scalar::Int(0)) };
    samples [([2, 3]), ([]), ([0, 2]), ([2], Options::dtype(DType::I32))];
}

op! {
    /// A tensor of ones.
    ///
    /// Shape: `-> *size`. Dtype: `dtype`, or the default float type.
    ///
    /// >>> torch.ones(2)
    /// tensor([1., 1.])
    fn ones(size: Dims) -> y;
    variants [function, out];
    factory;
    dtype options.dtype_or_default();
    shape sized(size);
    kernel { loops::fill(y, Scalar::Int(1)) };
    samples [([2, 3]), ([]), ([0, 2]), ([2], Options::dtype(DType::I32))];
}

op! {
    /// A tensor whose elements are whatever its memory holds.
    ///
    /// Shape: `-> *size`. Dtype: `dtype`, or the default float type.
    ///
    /// >>> torch.empty(2, 3).shape
    /// torch.Size([2, 3])
    fn empty(size: Dims; memory_format: Format = MemoryFormat::Contiguous) -> y;
    variants [function, out];
    factory;
    dtype options.dtype_or_default();
    shape sized_in(size, memory_format);
    kernel { };
    samples unset([([2, 3]), ([]), ([0, 2]), ([1, 2, 3, 4], MemoryFormat::ChannelsLast), ([2], MemoryFormat::Contiguous, Options::dtype(DType::I32))]);
}

op! {
    /// A tensor with these strides whose elements are whatever its memory holds.
    ///
    /// Shape: `-> *size`. Dtype: `dtype`, or the default float type.
    fn empty_strided(size: Dims, stride: Dims) -> y;
    variants [function];
    factory;
    dtype options.dtype_or_default();
    shape strided(size, stride);
    kernel { };
    samples unset([([2, 3], [1, 2]), ([], []), ([0, 2], [2, 1])]);
}

fn strided(size: &[i64], stride: &[i64]) -> Result<Layout> {
    if size.len() != stride.len() {
        return Err(Error::runtime(format!(
            "dimensionality of sizes ({}) must match dimensionality of strides ({})",
            size.len(),
            stride.len()
        )));
    }
    if stride.iter().any(|&s| s < 0) {
        return Err(Error::runtime("as_strided: Negative strides are not supported at the moment"));
    }
    Ok(Layout { strides: stride.into(), ..sized(size)? })
}

op! {
    /// A tensor of one value.
    ///
    /// Shape: `-> *size`. Dtype: `dtype`, or that of the value (bool, int64, the default float type, ...).
    ///
    /// >>> torch.full((2,), 7)
    /// tensor([7, 7])
    fn full(size: Dims, fill_value: Scalar) -> y;
    variants [function, out];
    factory;
    dtype rule::holding(options.dtype.unwrap_or(fill_value.dtype(crate::default_dtype())), fill_value);
    shape sized(size);
    kernel { loops::fill(y, fill_value) };
    samples [([2, 3], 1.5), ([], 2), ([0, 2], true), ([2], 1, Options::dtype(DType::F64))];
}

op! {
    /// A tensor with ones on the diagonal and zeros elsewhere.
    ///
    /// Shape: `-> n m` (`m` defaults to `n`). Dtype: `dtype`, or the default float type.
    ///
    /// >>> torch.eye(2)
    /// tensor([[1., 0.],
    ///         [0., 1.]])
    fn eye(n: i64, m: Option<i64> = None) -> y;
    variants [function, out];
    factory;
    dtype options.dtype_or_default();
    shape eye_shape(n, m);
    kernel { loops::eye(y) };
    samples [(3), (2, 4), (0), (2, 2, Options::dtype(DType::Bool))];
}

fn eye_shape(n: i64, m: Option<i64>) -> Result<Layout> {
    for (name, v) in [("n", n), ("m", m.unwrap_or(n))] {
        if v < 0 {
            return Err(Error::runtime(format!("{name} must be greater or equal to 0, got {v}")));
        }
    }
    sized(&[n, m.unwrap_or(n)])
}

op! {
    /// Zeros in the shape of another tensor.
    ///
    /// Shape: `*s -> *s`. Dtype: `dtype`, or unchanged.
    ///
    /// >>> torch.zeros_like(torch.tensor([1, 2]))
    /// tensor([0, 0])
    fn zeros_like(input: Tensor; memory_format: Option<Format> = None) -> y;
    variants [function];
    factory;
    dtype options.or_like(input).dtype_or_default();
    shape like(input, memory_format);
    kernel { loops::fill(y, Scalar::Int(0)) };
    nondifferentiable;
    samples [
        (real([2, 3])),
        (real([])),
        (real([0, 2])),
        (real([2]), None, Options::dtype(DType::I64)),
        (real([1, 2, 3, 4]), MemoryFormat::ChannelsLast),
    ];
}

op! {
    /// Ones in the shape of another tensor.
    ///
    /// Shape: `*s -> *s`. Dtype: `dtype`, or unchanged.
    ///
    /// >>> torch.ones_like(torch.tensor([5., 2.]))
    /// tensor([1., 1.])
    fn ones_like(input: Tensor; memory_format: Option<Format> = None) -> y;
    variants [function];
    factory;
    dtype options.or_like(input).dtype_or_default();
    shape like(input, memory_format);
    kernel { loops::fill(y, Scalar::Int(1)) };
    nondifferentiable;
    samples [
        (real([2, 3])),
        (real([])),
        (real([0, 2])),
        (real([2]), None, Options::dtype(DType::I64)),
        (real([1, 2, 3, 4]), MemoryFormat::ChannelsLast),
    ];
}

op! {
    /// A tensor in the shape of another, whose elements are whatever its memory holds.
    ///
    /// Shape: `*s -> *s`. Dtype: `dtype`, or unchanged.
    fn empty_like(input: Tensor; memory_format: Option<Format> = None) -> y;
    variants [function];
    factory;
    dtype options.or_like(input).dtype_or_default();
    shape like(input, memory_format);
    kernel { };
    nondifferentiable;
    samples unset([(real([2, 3])), (real([])), (real([0, 2])), (real([2]), None, Options::dtype(DType::I64)), (real([1, 2, 3, 4]), MemoryFormat::ChannelsLast)]);
}

op! {
    /// One value in the shape of another tensor.
    ///
    /// Shape: `*s -> *s`. Dtype: `dtype`, or unchanged.
    ///
    /// >>> torch.full_like(torch.tensor([1., 2.]), 3)
    /// tensor([3., 3.])
    fn full_like(input: Tensor, fill_value: Scalar; memory_format: Option<Format> = None) -> y;
    variants [function];
    factory;
    dtype rule::holding(options.or_like(input).dtype_or_default(), fill_value);
    shape like(input, memory_format);
    kernel { loops::fill(y, fill_value) };
    nondifferentiable;
    samples [
        (real([2, 3]), 1.5),
        (real([]), 2),
        (real([0, 2]), 1),
        (real([2]), 3, None, Options::dtype(DType::I64)),
        (real([1, 2, 3, 4]), 2, MemoryFormat::ChannelsLast),
    ];
}

op! {
    /// Zeros of the dtype and device of a tensor.
    ///
    /// Shape: `-> *size`. Dtype: `dtype`, or that of the tensor.
    fn new_zeros(input: Tensor, size: Dims) -> y;
    variants [method];
    factory;
    nondifferentiable;
    dtype options.or_like(input).dtype_or_default();
    shape sized(size);
    kernel { loops::fill(y, Scalar::Int(0)) };
    samples [
        (real([2]), [2, 3]),
        (real([2, 3]), []),
        (real([]), [0, 2]),
        (real([]), [2], Options::dtype(DType::I64)),
    ];
}

op! {
    /// Ones of the dtype and device of a tensor.
    ///
    /// Shape: `-> *size`. Dtype: `dtype`, or that of the tensor.
    fn new_ones(input: Tensor, size: Dims) -> y;
    variants [method];
    factory;
    nondifferentiable;
    dtype options.or_like(input).dtype_or_default();
    shape sized(size);
    kernel { loops::fill(y, Scalar::Int(1)) };
    samples [
        (real([2]), [2, 3]),
        (real([2, 3]), []),
        (real([]), [0, 2]),
        (real([]), [2], Options::dtype(DType::I64)),
    ];
}

op! {
    /// A tensor of the dtype and device of another, whose elements are whatever its memory holds.
    ///
    /// Shape: `-> *size`. Dtype: `dtype`, or that of the tensor.
    fn new_empty(input: Tensor, size: Dims) -> y;
    variants [method];
    factory;
    nondifferentiable;
    dtype options.or_like(input).dtype_or_default();
    shape sized(size);
    kernel { };
    samples unset([(real([2]), [2, 3]), (real([2, 3]), []), (real([]), [0, 2])]);
}

op! {
    /// As `new_empty`, with strides.
    ///
    /// Shape: `-> *size`. Dtype: `dtype`, or that of the tensor.
    fn new_empty_strided(input: Tensor, size: Dims, stride: Dims) -> y;
    variants [method];
    factory;
    nondifferentiable;
    dtype options.or_like(input).dtype_or_default();
    shape strided(size, stride);
    kernel { };
    samples unset([(real([2]), [2, 3], [1, 2]), (real([2, 3]), [], [])]);
}

op! {
    /// One value, of the dtype and device of a tensor.
    ///
    /// Shape: `-> *size`. Dtype: `dtype`, or that of the tensor.
    fn new_full(input: Tensor, size: Dims, fill_value: Scalar) -> y;
    variants [method];
    factory;
    nondifferentiable;
    dtype rule::holding(options.or_like(input).dtype_or_default(), fill_value);
    shape sized(size);
    kernel { loops::fill(y, fill_value) };
    samples [
        (real([2]), [2, 3], 1.5),
        (real([2, 3]), [], 2),
        (real([]), [0, 2], 1),
        (real([]), [2], 3, Options::dtype(DType::I64)),
    ];
}

op! {
    /// Writes one value over all elements.
    ///
    /// Shape: `*s -> *s`.
    ///
    /// >>> torch.zeros(2).fill_(3)
    /// tensor([3., 3.])
    fn fill_value(input: Tensor, value: Scalar) -> y;
    variants [method, inplace fill_];
    quirks [OneValue];
    node "FillBackward0";
    mutate {
        rule::fits(value, input.dtype())?;
        loops::fill(input, value)
    };
    vjp { input => |g| g * 0.0 };
    samples [(real([2, 3]), 1.5), (real([]), 2), (real([0, 2]), 1)];
}

op! {
    /// Writes the one element of a 0-d tensor over all elements.
    ///
    /// Shape: `*s, () -> *s`.
    fn fill_tensor(input: Tensor, value: Tensor) -> y;
    variants [method, inplace fill_from_];
    quirks [OneValue];
    node "FillBackward1";
    mutate {
        if value.ndim() != 0 {
            return Err(Error::runtime(format!("fill_ only supports 0-dimension value tensor but got tensor with {} dimensions.", value.ndim())));
        }
        let strides: crate::Dims = smallvec::SmallVec::from_elem(0, input.ndim());
        // SAFETY: every stride is 0: only the one element is read.
        let value = unsafe { value.with(input.sizes(), &strides) };
        loops::copy(input, value)
    };
    vjp { input => |g| g * 0.0; value => |g| g.sum() };
    samples [(real([2, 3]), other([])), (real([]), other([])), (real([0, 2]), other([]))];
}

op! {
    /// A copy of the tensor with one value in place of all elements.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    fn fill(input: Tensor, value: Operand) -> y;
    variants [function];
    composite {
        let out = input.clone_tensor()?;
        match value {
            crate::ops::OperandRef::Number(s) => out.fill_(s),
            crate::ops::OperandRef::Tensor(t) => out.fill_from_(t),
        }
    };
    samples [(real([2, 3]), 1.5), (real([2]), other([])), (real([]), 2), (real([0, 2]), 1)];
}

op! {
    /// Writes zero over all elements.
    ///
    /// Shape: `*s -> *s`.
    ///
    /// >>> torch.ones(2).zero_()
    /// tensor([0., 0.])
    fn zero(input: Tensor) -> y;
    variants [method, inplace zero_];
    quirks [OneValue];
    mutate { loops::fill(input, Scalar::Int(0)) };
    vjp { input => |g| g * 0.0 };
    samples unary(-2.0, 2.0);
}

op! {
    /// A number as a 0-d tensor.
    ///
    /// Shape: `-> ()`. Dtype: `dtype`, or the default float type.
    ///
    /// >>> torch.scalar_tensor(2)
    /// tensor(2.)
    fn scalar_tensor(s: Scalar) -> y;
    variants [function, out];
    factory;
    composite {
        full_with(&[], s, crate::ops::Options { dtype: Some(options.dtype_or_default()), ..options })
    };
    samples [(2), (1.5), (true, Options::dtype(DType::F64))];
}

/// Sizes whose dimensions lie in memory in a given order, outermost first.
fn ordered(size: &[i64], order: &[i64]) -> Result<Layout> {
    let n = size.len();
    if n != order.len() {
        return Err(Error::runtime(format!(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = {n} is not equal to \
             len(physical_layout) = {}",
            order.len()
        )));
    }
    let mut seen = vec![false; n];
    for (i, &d) in order.iter().enumerate() {
        if !(0..n as i64).contains(&d) {
            return Err(Error::runtime(format!(
                "Dimension out of range (expected to be between 0 and {}, but got {d} at index {i}).  NB: negative dims not currently \
                 supported; file an issue if you want it.",
                n as i64 - 1
            )));
        }
        if std::mem::replace(&mut seen[d as usize], true) {
            return Err(Error::runtime("Duplicate dim not allowed"));
        }
    }
    let mut layout = sized(size)?;
    let mut stride = 1i64;
    for &d in order.iter().rev() {
        layout.strides[d as usize] = stride;
        stride = stride.saturating_mul(size[d as usize].max(1));
    }
    Ok(layout)
}

op! {
    /// A tensor whose dimensions lie in memory in the order of `physical_layout`, and whose elements are whatever its memory
    /// holds.
    ///
    /// Shape: `-> *size`. Dtype: `dtype`, or the default float type.
    ///
    /// >>> torch.empty_permuted((2, 3), (1, 0)).stride()
    /// (1, 2)
    fn empty_permuted(size: Dims, physical_layout: Dims) -> y;
    variants [function];
    factory;
    dtype options.dtype_or_default();
    shape ordered(size, physical_layout);
    kernel { };
    samples unset([([2, 3], [1, 0]), ([], []), ([0, 2], [0, 1])]);
}
