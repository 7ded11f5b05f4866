//! The greatest and the smallest, and their boolean kin: any and all.

use std::sync::atomic::{AtomicI16, Ordering::Relaxed};

use flambeau_types::{DType, numel};

use super::convert::{Put, bf16_to_f32, f16_to_f32, load, load_truth};
use super::kernel::{Acc, Op};
use super::ops::{Max, Min};
use super::{Source, fold, source};
use crate::threads::parallel_for;
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

/// The smallest and the greatest of all elements, if these are halves that lie side by side; NaN if there is one.
///
/// Their bits, those of negative numbers turned over, are integers in the order of the numbers, with NaNs beyond the
/// infinities.
fn of_halves(x: &View, mask: &[bool]) -> Option<[f32; 2]> {
    let (infinity, widen): (i16, fn(u16) -> f32) = match x.dtype() {
        DType::F16 => (0x7c00, f16_to_f32),
        DType::BF16 => (0x7f80, bf16_to_f32),
        _ => return None,
    };
    let n = numel(x.sizes()) as usize;
    let data = x.ptr().cast::<i16>();
    if n == 0 || !data.is_aligned() || !x.is_contiguous() || mask.contains(&false) {
        return None;
    }
    let ordered = |bits: i16| bits ^ (bits >> 15 & 0x7fff);
    // SAFETY: contiguous and aligned elements of two bytes each.
    let x = unsafe { std::slice::from_raw_parts(data, n) };
    let (least, greatest) = (AtomicI16::new(i16::MAX), AtomicI16::new(i16::MIN));
    parallel_for(0..n, 1 << 20, |part| {
        const LANES: usize = 32;
        let (mut low, mut high) = ([i16::MAX; LANES], [i16::MIN; LANES]);
        let (vectors, rest) = x[part].as_chunks::<LANES>();
        for v in vectors {
            for lane in 0..LANES {
                low[lane] = low[lane].min(ordered(v[lane]));
                high[lane] = high[lane].max(ordered(v[lane]));
            }
        }
        let rest = || rest.iter().map(|&v| ordered(v));
        least.fetch_min(low.into_iter().chain(rest()).fold(i16::MAX, i16::min), Relaxed);
        greatest.fetch_max(high.into_iter().chain(rest()).fold(i16::MIN, i16::max), Relaxed);
    });
    let (least, greatest) = (least.into_inner(), greatest.into_inner());
    if greatest > infinity || least < !infinity {
        return Some([f32::NAN; 2]);
    }
    Some([least, greatest].map(|v| widen(ordered(v) as u16)))
}

/// Writes the one result of a reduction over all dimensions.
fn put(out: &mut ViewMut, value: f32) {
    // SAFETY: one element of the view's dtype.
    unsafe { value.put(out.dtype(), out.ptr()) }
}

/// The greatest element over the masked dimensions; NaN if there is one. Callers refuse empty ranges.
pub fn amax(out: &mut ViewMut, x: View, mask: &[bool]) {
    debug_assert!(!x.dtype().is_complex());
    match of_halves(&x, mask) {
        Some([_, max]) => put(out, max),
        None => extreme::<Max>(out, x, mask),
    }
}

/// The smallest element over the masked dimensions; NaN if there is one. Callers refuse empty ranges.
pub fn amin(out: &mut ViewMut, x: View, mask: &[bool]) {
    debug_assert!(!x.dtype().is_complex());
    match of_halves(&x, mask) {
        Some([min, _]) => put(out, min),
        None => extreme::<Min>(out, x, mask),
    }
}

/// The smallest and the greatest element over the masked dimensions.
pub fn aminmax(min: &mut ViewMut, max: &mut ViewMut, x: View, mask: &[bool]) {
    if let Some(both) = of_halves(&x, mask) {
        put(min, both[0]);
        return put(max, both[1]);
    }
    extreme::<Min>(min, x, mask);
    extreme::<Max>(max, x, mask);
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
