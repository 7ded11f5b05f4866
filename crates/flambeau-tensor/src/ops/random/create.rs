//! New tensors of random numbers.

use flambeau_cpu::rng;

use super::stream;
use crate::ops::create::fill::sized;
use crate::ops::op;
use crate::{DType, Layout, Result};

op! {
    /// Random numbers spread evenly over [0, 1).
    ///
    /// Shape: `-> *size`. Dtype: `dtype`, or the default float type.
    ///
    /// >>> torch.rand(2, 3).shape
    /// torch.Size([2, 3])
    fn rand(size: Dims; generator: Option<Generator> = None) -> y;
    variants [function, out];
    factory;
    dtype options.dtype_or_default();
    shape sized(size);
    kernel { rng::uniform(&mut stream(generator), &mut y, 0.0, 1.0) };
    samples [([2, 3]), ([]), ([0, 2]), ([2], None, Options::dtype(DType::F64))];
}

op! {
    /// Random numbers of the normal distribution with mean 0 and variance 1.
    ///
    /// Shape: `-> *size`. Dtype: `dtype`, or the default float type.
    ///
    /// >>> torch.randn(2, 3).shape
    /// torch.Size([2, 3])
    fn randn(size: Dims; generator: Option<Generator> = None) -> y;
    variants [function, out];
    factory;
    dtype options.dtype_or_default();
    shape sized(size);
    kernel { rng::normal(&mut stream(generator), &mut y, 0.0, 1.0) };
    samples [([2, 3]), ([]), ([0, 2]), ([20], None, Options::dtype(DType::F64))];
}

op! {
    /// Random integers from 0 up to but not including `high`.
    ///
    /// Shape: `-> *size`. Dtype: `dtype`, or int64.
    ///
    /// >>> torch.randint(1, (3,))
    /// tensor([0, 0, 0])
    fn randint(high: i64, size: Dims; generator: Option<Generator> = None) -> y;
    variants [function, out];
    factory;
    dtype options.dtype.unwrap_or(DType::I64);
    shape sized(size);
    kernel { rng::random_from_to(&mut stream(generator), &mut y, 0, high) };
    samples [(5, [2, 3]), (1, []), (5, [0, 2]), (9, [2], None, Options::dtype(DType::F64))];
}

op! {
    /// Random integers from `low` up to but not including `high`.
    ///
    /// Shape: `-> *size`. Dtype: `dtype`, or int64.
    ///
    /// >>> torch.randint(4, 5, (3,))
    /// tensor([4, 4, 4])
    fn randint.low(low: i64, high: i64, size: Dims; generator: Option<Generator> = None) -> y;
    variants [function, out];
    factory;
    dtype options.dtype.unwrap_or(DType::I64);
    shape sized(size);
    kernel { rng::random_from_to(&mut stream(generator), &mut y, low, high) };
    samples [(-3, 5, [2, 3]), (0, 1, []), (-2, 2, [0]), (1, 9, [2], None, Options::dtype(DType::F64))];
}

fn permutation(n: i64, dtype: DType) -> Result<Layout> {
    let layout = sized(&[n])?;
    rng::check_randperm(n, dtype)?;
    Ok(layout)
}

op! {
    /// The numbers from 0 up to but not including `n` in random order.
    ///
    /// Shape: `-> n`. Dtype: `dtype`, or int64.
    ///
    /// >>> torch.randperm(5).sort().values
    /// tensor([0, 1, 2, 3, 4])
    fn randperm(n: i64; generator: Option<Generator> = None) -> y;
    variants [function, out];
    factory;
    dtype options.dtype.unwrap_or(DType::I64);
    shape permutation(n, options.dtype.unwrap_or(DType::I64));
    kernel { rng::randperm(&mut stream(generator), n as usize, &mut y) };
    samples [(5), (0), (3, None, Options::dtype(DType::F32))];
}
