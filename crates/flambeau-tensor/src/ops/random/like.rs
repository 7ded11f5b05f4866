//! Random numbers in the shape of another tensor.

use flambeau_cpu::rng;

use super::stream;
use crate::ops::create::fill::like;
use crate::ops::op;

op! {
    /// Random numbers of [0, 1) in the shape of another tensor.
    ///
    /// Shape: `*s -> *s`. Dtype: `dtype`, or unchanged.
    ///
    /// >>> torch.rand_like(torch.zeros(2, 3)).shape
    /// torch.Size([2, 3])
    fn rand_like(input: Tensor; generator: Option<Generator> = None, memory_format: Option<Format> = None) -> y;
    variants [function];
    factory;
    nondifferentiable;
    dtype options.or_like(input).dtype_or_default();
    shape like(input, memory_format);
    kernel { rng::uniform(&mut stream(generator), &mut y, 0.0, 1.0) };
    samples [
        (real([2, 3])),
        (real([])),
        (real([0, 2])),
        (real([1, 2, 3, 4]), None, MemoryFormat::ChannelsLast),
        (int([2], 0, 5), None, None, Options::dtype(DType::F32)),
    ];
}

op! {
    /// Normal random numbers in the shape of another tensor.
    ///
    /// Shape: `*s -> *s`. Dtype: `dtype`, or unchanged.
    ///
    /// >>> torch.randn_like(torch.zeros(2, 3)).shape
    /// torch.Size([2, 3])
    fn randn_like(input: Tensor; generator: Option<Generator> = None, memory_format: Option<Format> = None) -> y;
    variants [function];
    factory;
    nondifferentiable;
    dtype options.or_like(input).dtype_or_default();
    shape like(input, memory_format);
    kernel { rng::normal(&mut stream(generator), &mut y, 0.0, 1.0) };
    samples [
        (real([2, 3])),
        (real([])),
        (real([0, 2])),
        (real([1, 2, 3, 4]), None, MemoryFormat::ChannelsLast),
        (int([2], 0, 5), None, None, Options::dtype(DType::F32)),
    ];
}

op! {
    /// Random integers from 0 up to but not including `high`, in the shape of another tensor.
    ///
    /// Shape: `*s -> *s`. Dtype: `dtype`, or unchanged.
    ///
    /// >>> torch.randint_like(torch.zeros(2), 1)
    /// tensor([0., 0.])
    fn randint_like(input: Tensor, high: i64; generator: Option<Generator> = None, memory_format: Option<Format> = None) -> y;
    variants [function];
    factory;
    nondifferentiable;
    dtype options.or_like(input).dtype_or_default();
    shape like(input, memory_format);
    kernel { rng::random_from_to(&mut stream(generator), &mut y, 0, high) };
    samples [(real([2, 3]), 5), (real([]), 1), (real([0, 2]), 3), (int([3], 0, 5), 9)];
}

op! {
    /// Random integers from `low` up to but not including `high`, in the shape of another tensor.
    ///
    /// Shape: `*s -> *s`. Dtype: `dtype`, or unchanged.
    ///
    /// >>> torch.randint_like(torch.zeros(2), 4, 5)
    /// tensor([4., 4.])
    fn randint_like.low(input: Tensor, low: i64, high: i64; generator: Option<Generator> = None, memory_format: Option<Format> = None) -> y;
    variants [function];
    factory;
    nondifferentiable;
    dtype options.or_like(input).dtype_or_default();
    shape like(input, memory_format);
    kernel { rng::random_from_to(&mut stream(generator), &mut y, low, high) };
    samples [(real([2, 3]), -2, 5), (real([]), 0, 1), (real([0, 2]), 1, 3), (int([3], 0, 5), -3, 9)];
}
