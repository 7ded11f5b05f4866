//! Sums and products.

use flambeau_types::{Complex, DType};

use super::convert::{load, load_truth};
use super::kernel::{Acc, Op};
use super::ops::{Product, Sum, SumNumbers};
use super::{fold, source};
use crate::{View, ViewMut};

/// Runs `$body` with `$a` standing for the type in which a dtype is summed.
macro_rules! with_sum_type {
    ($dtype:expr, $a:ident, $own:ident => $body:expr) => {
        match $dtype {
            DType::Bool | DType::U8 | DType::I8 | DType::I16 | DType::I32 | DType::I64 => {
                type $a = i64;
                let $own = DType::I64;
                $body
            }
            DType::F16 | DType::BF16 | DType::F32 => {
                type $a = f32;
                let $own = DType::F32;
                $body
            }
            DType::F64 => {
                type $a = f64;
                let $own = DType::F64;
                $body
            }
            DType::C64 => {
                type $a = Complex<f32>;
                let $own = DType::C64;
                $body
            }
            DType::C128 => {
                type $a = Complex<f64>;
                let $own = DType::C128;
                $body
            }
        }
    };
}

/// The sum over the masked dimensions, made in the compute type of the output's dtype; integers wrap, nothing sums to 0.
pub fn sum(out: &mut ViewMut, x: View, mask: &[bool]) {
    with_sum_type!(out.dtype(), A, own => {
        fold::<A, Sum>(out, &x, mask, source(&x, own, load::<A>(x.dtype())), A::default(), |r| r)
    })
}

/// The sum over the masked dimensions with NaN counted as 0.
pub fn nansum(out: &mut ViewMut, x: View, mask: &[bool]) {
    if !x.dtype().is_differentiable() {
        return sum(out, x, mask);
    }
    with_sum_type!(out.dtype(), A, own => {
        fold::<A, SumNumbers>(out, &x, mask, source(&x, own, load::<A>(x.dtype())), A::default(), |r| r)
    })
}

/// The product over the masked dimensions; nothing multiplies to 1.
pub fn prod(out: &mut ViewMut, x: View, mask: &[bool]) {
    with_sum_type!(out.dtype(), A, own => {
        fold::<A, Product>(out, &x, mask, source(&x, own, load::<A>(x.dtype())), A::default(), |r| r)
    })
}

/// The mean over the masked dimensions: the sum, divided in the compute type; of nothing it is NaN.
pub fn mean(out: &mut ViewMut, x: View, mask: &[bool]) {
    fn run<A: Acc>(
        out: &mut ViewMut,
        x: &View,
        mask: &[bool],
        own: DType,
        load: super::Load<A>,
        zero: A,
        divide: impl Fn(A) -> A + Sync,
    ) where
        Sum: Op<A>,
    {
        fold::<A, Sum>(out, x, mask, source(x, own, load), zero, divide)
    }
    let n: i64 = x.sizes().iter().zip(mask).map(|(&n, &m)| if m { n } else { 1 }).product();
    let n = n as f64;
    let d = x.dtype();
    match out.dtype() {
        DType::F64 => run::<f64>(out, &x, mask, DType::F64, load(d), 0.0, |r| r / n),
        DType::C64 => run::<Complex<f32>>(out, &x, mask, DType::C64, load(d), Complex::default(), |r| r / n as f32),
        DType::C128 => run::<Complex<f64>>(out, &x, mask, DType::C128, load(d), Complex::default(), |r| r / n),
        _ => run::<f32>(out, &x, mask, DType::F32, load(d), 0.0, |r| r / n as f32),
    }
}

/// How many elements over the masked dimensions are not zero, as int64.
pub fn count_nonzero(out: &mut ViewMut, x: View, mask: &[bool]) {
    let mut s = source(&x, DType::I64, load_truth::<i64>(x.dtype()));
    s.direct = false;
    fold::<i64, Sum>(out, &x, mask, s, 0, |r| r)
}
