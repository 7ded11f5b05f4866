//! The greatest and the smallest, and their boolean kin: any and all.

use flambeau_types::DType;

use super::convert::{load, load_truth};
use super::kernel::{Acc, Op};
use super::ops::{Max, Min};
use super::{Source, fold, source};
use crate::{View, ViewMut};

fn extreme<O: Op<u8> + Op<i32> + Op<i64> + Op<f32> + Op<f64>>(out: &mut ViewMut, x: View, mask: &[bool]) {
    fn run<A: Acc, O: Op<A>>(out: &mut ViewMut, x: &View, mask: &[bool], own: DType, load: super::Load<A>) {
        let zero = <O as Op<A>>::identity();
        fold::<A, O>(out, x, mask, source(x, own, load), zero, |r| r)
    }
    let d = x.dtype();
    match d {
        DType::Bool | DType::U8 => run::<u8, O>(out, &x, mask, DType::U8, load(d)),
        DType::I8 | DType::I16 | DType::I32 => run::<i32, O>(out, &x, mask, DType::I32, load(d)),
        DType::I64 => run::<i64, O>(out, &x, mask, DType::I64, load(d)),
        DType::F64 => run::<f64, O>(out, &x, mask, DType::F64, load(d)),
        // Complex numbers have no order; callers refuse them.
        _ => run::<f32, O>(out, &x, mask, DType::F32, load(d)),
    }
}

/// The greatest element over the masked dimensions; NaN if there is one. Callers refuse empty ranges.
pub fn amax(out: &mut ViewMut, x: View, mask: &[bool]) {
    debug_assert!(!x.dtype().is_complex());
    extreme::<Max>(out, x, mask)
}

/// The smallest element over the masked dimensions; NaN if there is one. Callers refuse empty ranges.
pub fn amin(out: &mut ViewMut, x: View, mask: &[bool]) {
    debug_assert!(!x.dtype().is_complex());
    extreme::<Min>(out, x, mask)
}

/// The smallest and the greatest element over the masked dimensions.
pub fn aminmax(min: &mut ViewMut, max: &mut ViewMut, x: View, mask: &[bool]) {
    amin(min, x, mask);
    amax(max, x, mask);
}

/// Elements as bytes that are 0 for false; single bytes are that where they lie.
fn truths(x: &View) -> Source<u8> {
    let mut source = source(x, DType::U8, load_truth::<u8>(x.dtype()));
    source.direct = x.dtype().size() == 1;
    source
}

/// 1 where an element over the masked dimensions is not zero; NaN is not zero.
pub fn any(out: &mut ViewMut, x: View, mask: &[bool]) {
    fold::<u8, Max>(out, &x, mask, truths(&x), 0, |r| r.min(1))
}

/// 1 where no element over the masked dimensions is zero; of nothing that is true.
pub fn all(out: &mut ViewMut, x: View, mask: &[bool]) {
    // The smallest of nothing is the greatest u8.
    fold::<u8, Min>(out, &x, mask, truths(&x), 0, |r| r.min(1))
}
