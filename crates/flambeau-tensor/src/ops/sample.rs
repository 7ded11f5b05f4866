//! Inputs for the contract test.

use super::arg::Arg;
use crate::{Complex64, DType, Result, Tensor};

/// The arguments of one call, and what a test must know of them.
pub struct Sample {
    /// In the order of the parameters; those left out at the end take their defaults.
    pub args: Vec<Arg>,
    /// The values of the outputs are not determined: only their shapes and dtypes are.
    pub unset: bool,
    /// Finite differences do not show the derivative.
    pub without_gradcheck: bool,
    /// What the first argument goes through before the call, so that it stays in the domain when an element is moved.
    pub prepare: Option<fn(&Tensor) -> Result<Tensor>>,
}

impl Sample {
    /// A sample of these arguments.
    pub fn new(args: impl IntoIterator<Item = Arg>) -> Sample {
        Sample { args: args.into_iter().collect(), unset: false, without_gradcheck: false, prepare: None }
    }
}

/// Makers of samples that blocks name. Values are spread evenly over a range, in an order that mixes them, so that no
/// random stream is touched.
pub mod samples {
    use super::*;

    fn spread(sizes: &[i64], low: f64, high: f64, step: i64) -> Tensor {
        let n = crate::numel(sizes).max(0);
        let data: Vec<f64> =
            (0..n).map(|i| low + (high - low) * (((i * step + 13) % 101) as f64 + 0.37) / 101.5).collect();
        Tensor::of(&data, sizes).unwrap_or_else(|_| Tensor::scalar(low, DType::F64))
    }

    /// A float64 tensor with values between `low` and `high`.
    pub fn tensor(sizes: &[i64], low: f64, high: f64) -> Tensor {
        spread(sizes, low, high, 7919)
    }

    /// An int64 tensor with values from `low` up to but not including `high`.
    pub fn index(sizes: &[i64], low: i64, high: i64) -> Tensor {
        let data: Vec<i64> = (0..crate::numel(sizes).max(0)).map(|i| low + (i * 7919 + 5) % (high - low)).collect();
        Tensor::of(&data, sizes).unwrap_or_else(|_| Tensor::scalar(low, DType::I64))
    }

    /// Numbers of both signs.
    pub fn real<const N: usize>(sizes: [i64; N]) -> Tensor {
        tensor(&sizes, -2.0, 2.0)
    }

    /// Numbers of both signs, other than those of [`real`].
    pub fn other<const N: usize>(sizes: [i64; N]) -> Tensor {
        spread(&sizes, -1.7, 1.9, 4801)
    }

    /// Numbers well above zero.
    pub fn positive<const N: usize>(sizes: [i64; N]) -> Tensor {
        spread(&sizes, 0.3, 3.0, 6007)
    }

    /// Probabilities.
    pub fn unit<const N: usize>(sizes: [i64; N]) -> Tensor {
        spread(&sizes, 0.05, 0.95, 3571)
    }

    /// A rising sequence.
    pub fn rising(n: i64) -> Tensor {
        let data: Vec<f64> = (0..n).map(|i| i as f64 * 0.9 - 1.3).collect();
        Tensor::of(&data, &[n]).unwrap_or_else(|_| Tensor::scalar(0, DType::F64))
    }

    /// Integers from `low` up to but not including `high`; up to `high - low` in a row they are distinct where the
    /// difference is prime to 7919.
    pub fn int<const N: usize>(sizes: [i64; N], low: i64, high: i64) -> Tensor {
        index(&sizes, low, high)
    }

    /// Booleans of both kinds.
    pub fn mask<const N: usize>(sizes: [i64; N]) -> Tensor {
        let data: Vec<bool> = (0..crate::numel(&sizes).max(0)).map(|i| i % 3 != 1).collect();
        Tensor::of(&data, &sizes).unwrap_or_else(|_| Tensor::scalar(true, DType::Bool))
    }

    /// Complex numbers.
    pub fn complex<const N: usize>(sizes: [i64; N]) -> Tensor {
        let n = crate::numel(&sizes).max(0);
        let part = |i: i64, step: i64| ((i * step + 13) % 101) as f64 / 25.0 - 1.9;
        let data: Vec<Complex64> = (0..n).map(|i| Complex64::new(part(i, 7919), part(i, 4801))).collect();
        Tensor::of(&data, &sizes).unwrap_or_else(|_| Tensor::scalar(1.0, DType::C128))
    }

    /// Matrices far from singular: the last two sizes are equal.
    pub fn regular<const N: usize>(sizes: [i64; N]) -> Tensor {
        let n = sizes[N - 1].max(1);
        let data: Vec<f64> = (0..crate::numel(&sizes).max(0))
            .map(|i| {
                let diagonal = (i / n) % n == i % n;
                ((i * 7919 + 13) % 101) as f64 / 60.0 - 0.8 + if diagonal { 3.0 } else { 0.0 }
            })
            .collect();
        Tensor::of(&data, &sizes).unwrap_or_else(|_| Tensor::scalar(1.0, DType::F64))
    }

    /// A list of tensors and gaps.
    pub fn gaps(list: Vec<Option<Tensor>>) -> Arg {
        Arg::OptTensors(list)
    }

    /// One list after another.
    pub fn joined(mut list: Vec<Sample>, more: Vec<Sample>) -> Vec<Sample> {
        list.extend(more);
        list
    }

    /// The outputs are memory that was not written.
    pub fn unset(mut list: Vec<Sample>) -> Vec<Sample> {
        list.iter_mut().for_each(|s| s.unset = true);
        list
    }

    /// The derivative says something else than finite differences: arguments that depend on each other (what a forward
    /// pass gave, for a backward one), or random numbers whose gradient is zero by definition.
    pub fn without_gradcheck(mut list: Vec<Sample>) -> Vec<Sample> {
        list.iter_mut().for_each(|s| s.without_gradcheck = true);
        list
    }

    /// The first argument is a Hermitian matrix, of which only half is read.
    pub fn hermitian(mut list: Vec<Sample>) -> Vec<Sample> {
        list.iter_mut().for_each(|s| s.prepare = Some(|x| x.add(&x.mh()?)?.mul(0.5)));
        list
    }

    /// One tensor, of several shapes (0-d and empty among them).
    pub fn unary(low: f64, high: f64) -> Vec<Sample> {
        shapes().iter().map(|s| Sample::new([tensor(s, low, high).into()])).collect()
    }

    /// Two tensors that broadcast.
    pub fn pairs(low: f64, high: f64) -> Vec<Sample> {
        [
            (&[2i64, 3][..], &[2i64, 3][..]),
            (&[2, 3], &[3]),
            (&[2, 1], &[1, 3]),
            (&[], &[2]),
            (&[0, 3], &[3]),
            (&[], &[]),
        ]
        .iter()
        .map(|(a, b)| {
            let second = spread(b, low + (high - low) * 0.07, high, 4801);
            Sample::new([tensor(a, low, high).into(), second.into()])
        })
        .collect()
    }

    /// Two tensors of integers that broadcast; the second holds values from `low` up to but not including `high`.
    pub fn integer_pairs(low: i64, high: i64) -> Vec<Sample> {
        [(&[2i64, 3][..], &[2i64, 3][..]), (&[2, 3], &[3]), (&[], &[2]), (&[0, 3], &[3])]
            .iter()
            .map(|(a, b)| Sample::new([index(a, -9, 10).into(), index(b, low, high).into()]))
            .collect()
    }

    /// Two tensors that broadcast, and a tensor with a number.
    pub fn binary(low: f64, high: f64) -> Vec<Sample> {
        let mut out = pairs(low, high);
        out.push(Sample::new([tensor(&[2, 3], low, high).into(), (low + (high - low) * 0.73).into()]));
        out
    }

    /// A gradient and a tensor of its shape, with further arguments.
    pub fn backward(rest: &[Arg]) -> Vec<Sample> {
        let pairs = [(real([2, 3]), other([2, 3])), (real([]), other([])), (real([0, 2]), other([0, 2]))];
        pairs.into_iter().map(|(g, x)| Sample::new([g.into(), x.into()].into_iter().chain(rest.to_vec()))).collect()
    }

    /// A tensor with each set of further arguments.
    pub fn with(sizes: &[i64], low: f64, high: f64, rest: &[&[Arg]]) -> Vec<Sample> {
        rest.iter()
            .map(|r| Sample::new(std::iter::once(tensor(sizes, low, high).into()).chain(r.iter().cloned())))
            .collect()
    }

    /// A tensor reduced over all, over one and over two dimensions.
    pub fn reduction(low: f64, high: f64) -> Vec<Sample> {
        let mut out =
            vec![Sample::new([tensor(&[2, 3], low, high).into()]), Sample::new([tensor(&[], low, high).into()])];
        for (dims, keep) in [([0].as_slice(), false), (&[1], true), (&[-1, 0], false)] {
            out.push(Sample::new([tensor(&[2, 3, 2], low, high).into(), dims.into(), keep.into()]));
        }
        out
    }

    fn shapes() -> [&'static [i64]; 4] {
        [&[2, 3], &[], &[0, 2], &[5]]
    }
}
