//! Inputs for the contract test.

use super::arg::Arg;
use crate::{DType, Tensor};

/// The arguments of one call.
pub struct Sample {
    /// In the order of the parameters; those left out at the end take their defaults.
    pub args: Vec<Arg>,
}

impl Sample {
    /// A sample of these arguments.
    pub fn new(args: impl IntoIterator<Item = Arg>) -> Sample {
        Sample { args: args.into_iter().collect() }
    }
}

/// Makers of samples that blocks name. Values are spread evenly over a range, in an order that mixes them, so that no
/// random stream is touched.
pub mod samples {
    use super::*;

    /// A float64 tensor with values between `low` and `high`.
    pub fn tensor(sizes: &[i64], low: f64, high: f64) -> Tensor {
        let n = crate::numel(sizes).max(0);
        let data: Vec<f64> =
            (0..n).map(|i| low + (high - low) * (((i * 7919 + 13) % 101) as f64 + 0.37) / 101.5).collect();
        Tensor::of(&data, sizes).unwrap_or_else(|_| Tensor::scalar(low, DType::F64))
    }

    /// An int64 tensor with values from `low` up to but not including `high`.
    pub fn index(sizes: &[i64], low: i64, high: i64) -> Tensor {
        let data: Vec<i64> = (0..crate::numel(sizes).max(0)).map(|i| low + (i * 7919 + 5) % (high - low)).collect();
        Tensor::of(&data, sizes).unwrap_or_else(|_| Tensor::scalar(low, DType::I64))
    }

    /// One tensor, of several shapes (0-d and empty among them).
    pub fn unary(low: f64, high: f64) -> Vec<Sample> {
        shapes().iter().map(|s| Sample::new([tensor(s, low, high).into()])).collect()
    }

    /// Two tensors that broadcast, and a tensor with a number.
    pub fn binary(low: f64, high: f64) -> Vec<Sample> {
        let mut out: Vec<Sample> =
            [(&[2i64, 3][..], &[2i64, 3][..]), (&[2, 3], &[3]), (&[2, 1], &[1, 3]), (&[], &[2]), (&[0, 3], &[3])]
                .iter()
                .map(|(a, b)| {
                    Sample::new([tensor(a, low, high).into(), tensor(b, low + (high - low) * 0.07, high).into()])
                })
                .collect();
        out.push(Sample::new([tensor(&[2, 3], low, high).into(), (low + (high - low) * 0.73).into()]));
        out
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
