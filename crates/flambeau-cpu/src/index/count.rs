//! Counting: `bincount`, `histc`, and the indices of `repeat_interleave`.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use flambeau_types::{DType, Element, Error, Kind, Result, bf16, f16};
use num_traits::Float;

use super::number::Number;
use super::walk::{GRAIN, Walk, by_element, load, with_i64};
use crate::threads::parallel_for;
use crate::view::{View, ViewMut};

/// How often each integer occurs in a 1-d `x` or, given `weights`, the sum of their weights (`torch.bincount`). `out` is
/// 1-d, longer than the largest element of `x`: i64, or without gaps the dtype of the weights (f32, else f64).
pub fn bincount(out: ViewMut, x: View, weights: Option<View>) -> Result<()> {
    if x.dtype().kind() != Kind::Int {
        return Err(Error::not_implemented(format!("\"bincount_cpu\" not implemented for '{}'", x.dtype().title())));
    }
    debug_assert!(out.ndim() == 1 && x.ndim() == 1);
    let (bins, n) = (out.numel(), x.numel());
    let fits = match weights {
        None => {
            let counts = match x.dtype() {
                DType::U8 => tally::<u8>(&x, bins),
                DType::I8 => tally::<i8>(&x, bins),
                DType::I16 => tally::<i16>(&x, bins),
                DType::I32 => tally::<i32>(&x, bins),
                _ => tally::<i64>(&x, bins),
            };
            if let Some(counts) = &counts {
                write(&out, |i| counts[i]);
            }
            counts.is_some()
        }
        Some(w) => with_i64(&x, |x| {
            let step = x.strides()[0] as isize * 8;
            // SAFETY: within the view.
            let value = |i: usize| unsafe { x.ptr().offset(i as isize * step).cast::<i64>().read_unaligned() } as usize;
            match out.dtype() {
                DType::F32 => sum_weights::<f32>(&out, n, value, &w),
                _ => sum_weights::<f64>(&out, n, value, &w),
            }
        }),
    };
    if !fits {
        return Err(Error::runtime("bincount only supports 1-d non-negative integral inputs."));
    }
    Ok(())
}

/// Counts `n` numbers; false if one has no place in the list.
#[inline(always)]
fn count_run<T: TryInto<usize>>(counts: &mut [i64], n: usize, value: impl Fn(usize) -> T) -> bool {
    let mut fits = true;
    for i in 0..n {
        match value(i).try_into().ok().and_then(|at: usize| counts.get_mut(at)) {
            Some(count) => *count += 1,
            None => fits = false,
        }
    }
    fits
}

/// How often each of `0..bins` occurs; none if another number does.
fn tally<T: Element + TryInto<usize>>(x: &View, bins: usize) -> Option<Vec<i64>> {
    let (n, step) = (x.numel(), x.strides()[0] as isize * size_of::<T>() as isize);
    let (total, fault) = (Mutex::new(vec![0i64; bins]), AtomicBool::new(false));
    // Each thread counts for itself; with many bins, adding those up would be the larger work.
    let grain = if bins < n / 4 { 4 * GRAIN } else { n };
    parallel_for(0..n, grain, |part| {
        let mut counts = vec![0i64; bins];
        let first = x.ptr().wrapping_offset(part.start as isize * step);
        // SAFETY: these elements of the view, one after another or `step` bytes apart.
        let fits = unsafe {
            if step == size_of::<T>() as isize {
                count_run(&mut counts, part.len(), |i| load::<T>(first.cast::<T>().add(i).cast()))
            } else {
                count_run(&mut counts, part.len(), |i| load::<T>(first.offset(i as isize * step)))
            }
        };
        if !fits {
            return fault.store(true, Relaxed);
        }
        let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
        total.iter_mut().zip(counts).for_each(|(t, count)| *t += count);
    });
    (!fault.into_inner()).then(|| total.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Sums weights into bins; false if a bin does not exist.
fn sum_weights<A: Number>(out: &ViewMut, n: usize, bin: impl Fn(usize) -> usize, w: &View) -> bool {
    debug_assert!(w.numel() == n);
    let mut sums = vec![A::default(); out.numel()];
    let step = w.strides()[0] as isize * w.dtype().size() as isize;
    let read: unsafe fn(*const u8) -> A = by_element!(w.dtype(), W => read_as::<W, A>);
    let same = w.dtype() == A::DTYPE;
    for i in 0..n {
        let Some(s) = sums.get_mut(bin(i)) else { return false };
        // SAFETY: within the view.
        let v = unsafe {
            let p = w.ptr().offset(i as isize * step);
            if same { load::<A>(p) } else { read(p) }
        };
        *s = s.add(v);
    }
    write(out, |i| sums[i]);
    true
}

/// Reads an element as another type.
///
/// # Safety
/// As [`load`].
unsafe fn read_as<W: Element, A: Element>(p: *const u8) -> A {
    // SAFETY: promised by the caller.
    A::from_scalar(unsafe { load::<W>(p) }.to_scalar())
}

/// Fills a 1-d view from a function of the position.
fn write<T: Element>(out: &ViewMut, value: impl Fn(usize) -> T) {
    debug_assert!(out.dtype() == T::DTYPE);
    let step = out.strides()[0] as isize * size_of::<T>() as isize;
    for i in 0..out.numel() {
        // SAFETY: within the view.
        unsafe { out.ptr().offset(i as isize * step).cast::<T>().write_unaligned(value(i)) };
    }
}

/// How many elements of `x` fall in each of `out.numel()` equal bins from `min` to `max`, both included; others and NaN
/// are left out. If `min == max`, the range is that of the elements (`torch.histc`). `out` is 1-d, of `x`'s dtype.
pub fn histc(out: ViewMut, x: View, min: f64, max: f64) -> Result<()> {
    if !x.dtype().is_floating() {
        return Err(Error::not_implemented(format!("\"histogram_cpu\" not implemented for '{}'", x.dtype().title())));
    }
    debug_assert!(out.dtype() == x.dtype() && out.ndim() == 1);
    let bins = out.numel();
    if bins == 0 {
        return Err(Error::runtime("torch.histogram(): bins must be > 0, but got 0 for dimension 0"));
    }
    match x.dtype() {
        DType::F16 => histogram::<f16>(&out, &x, min, max),
        DType::BF16 => histogram::<bf16>(&out, &x, min, max),
        DType::F32 => histogram::<f32>(&out, &x, min, max),
        _ => histogram::<f64>(&out, &x, min, max),
    }
}

/// [`histc`] for one type. The arithmetic is the element's own: half types are rounded after each step.
fn histogram<T: Number>(out: &ViewMut, x: &View, min: f64, max: f64) -> Result<()>
where
    T::Acc: Number + Float,
{
    let bins = out.numel();
    let walk = Walk::new(x.sizes(), [(x.strides(), size_of::<T>())]);
    let [step] = walk.inner();
    // SAFETY: used on runs of the walk, which stays within the view.
    let value = |at: isize, i: usize| unsafe { load::<T>(x.ptr().offset(at + i as isize * step)) }.widen();
    let (mut low, mut high) = (min, max);
    if low == high && walk.numel() > 0 {
        let range = Mutex::new((f64::INFINITY, f64::NEG_INFINITY));
        walk.parallel_runs(GRAIN, |_, [at], n| {
            let (mut l, mut h) = ([T::Acc::highest(); LANES], [T::Acc::lowest(); LANES]);
            let mut nan = [false; LANES];
            for from in (0..n).step_by(LANES) {
                for lane in 0..LANES.min(n - from) {
                    let v = value(at, from + lane);
                    l[lane] = if v < l[lane] { v } else { l[lane] };
                    h[lane] = if v > h[lane] { v } else { h[lane] };
                    nan[lane] |= v.is_nan();
                }
            }
            let mut range = range.lock().unwrap_or_else(PoisonError::into_inner);
            for lane in 0..LANES {
                let (l, h) = (l[lane].to_scalar().to_f64(), h[lane].to_scalar().to_f64());
                *range = if nan[lane] { (f64::NAN, f64::NAN) } else { (range.0.smaller(l), range.1.larger(h)) };
            }
            true
        });
        (low, high) = range.into_inner().unwrap_or_else(PoisonError::into_inner);
    }
    if low == high {
        (low, high) = (low - 1.0, high + 1.0);
    }
    if !(low.is_finite() && high.is_finite()) {
        return Err(Error::runtime(format!("torch.histc: range of [{low}, {high}] is not finite")));
    }
    if low >= high {
        return Err(Error::runtime("torch.histc: max must be larger than min"));
    }
    let (low, high) = (T::from_scalar(low.into()).widen(), T::from_scalar(high.into()).widen());
    let half = size_of::<T>() == 2;
    let round = |v: T::Acc| if half { T::from_scalar(v.to_scalar()).widen() } else { v };
    let (width, scale) = (round(high - low), round(T::Acc::from_scalar(bins.into())));
    let total = Mutex::new(vec![0u64; bins]);
    parallel_for(0..walk.numel(), 2 * GRAIN, |part| {
        let mut counts = vec![0u64; bins];
        walk.runs(part, |_, [at], n| {
            for i in 0..n {
                let v = value(at, i);
                if v >= low && v <= high {
                    let bin = round(round(round(v - low) * scale) / width).min(scale).to_scalar().to_f64();
                    // SAFETY: `min` leaves a number from 0 to the number of bins, even of NaN and infinity.
                    let bin = unsafe { bin.to_int_unchecked::<i64>() } as usize;
                    // The right edge belongs to the last bin.
                    counts[bin.min(bins - 1)] += 1;
                }
            }
            true
        });
        let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
        total.iter_mut().zip(counts).for_each(|(t, c)| *t += c);
    });
    let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    write(out, |i| T::from_scalar((total[i] as f64).into()));
    Ok(())
}

/// How many elements of `x` lie between neighbouring `edges`, which ascend; the last bin has its right edge too, and nan lies in none.
/// All contiguous, of one dtype, float32 or float64; `out` has int64 counts, one less than there are edges.
pub fn count_between(out: ViewMut, x: View, edges: View) -> Result<()> {
    debug_assert!(x.is_contiguous() && edges.is_contiguous() && out.is_contiguous() && x.dtype() == edges.dtype());
    if x.dtype() == DType::F64 {
        between::<f64>(&out, &x, &edges)
    } else {
        between::<f32>(&out, &x, &edges)
    }
    Ok(())
}

/// [`count_between`] for one type. The bin that equal ones would give is where the search begins.
fn between<T: Float + Element>(out: &ViewMut, x: &View, edges: &View) {
    // SAFETY: contiguous elements.
    let list: Vec<T> =
        (0..edges.numel()).map(|i| unsafe { load::<T>(edges.ptr().cast::<T>().add(i).cast()) }).collect();
    let bins = out.numel();
    let (Some(&low), Some(&high)) = (list.first(), list.get(bins)) else { return };
    if bins == 0 {
        return;
    }
    let scale = T::from(bins).unwrap_or_else(T::one) / (high - low);
    let walk = Walk::new(x.sizes(), [(x.strides(), size_of::<T>())]);
    let total = Mutex::new(vec![0i64; bins]);
    parallel_for(0..walk.numel(), 2 * GRAIN, |part| {
        let mut counts = vec![0i64; bins];
        for i in part {
            // SAFETY: an element of a contiguous view.
            let v = unsafe { load::<T>(x.ptr().cast::<T>().add(i).cast()) };
            if v >= low && v <= high {
                let mut bin = ((v - low) * scale).to_usize().unwrap_or(0).min(bins - 1);
                while bin > 0 && v < list[bin] {
                    bin -= 1;
                }
                while bin + 1 < bins && v >= list[bin + 1] {
                    bin += 1;
                }
                counts[bin] += 1;
            }
        }
        let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
        total.iter_mut().zip(counts).for_each(|(t, c)| *t += c);
    });
    let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    write(out, |i| total[i]);
}

/// Minima and maxima kept side by side, so that they vectorise.
const LANES: usize = 16;

/// Each position of a 1-d `repeats` (i64 or i32) as many times as it says, for `torch.repeat_interleave`.
pub fn repeat_interleave(repeats: View) -> Result<Vec<i64>> {
    let repeats = super::walk::index_values(&repeats).into_owned();
    if repeats.iter().any(|&r| r < 0) {
        return Err(Error::runtime("repeats can not be negative"));
    }
    let total = repeats.iter().try_fold(0i64, |a, &r| a.checked_add(r));
    let room = total.and_then(|t| usize::try_from(t).ok());
    let mut out = Vec::new();
    if room.is_none_or(|n| out.try_reserve_exact(n).is_err()) {
        return Err(Error::runtime("repeat_interleave: the result does not fit in memory"));
    }
    for (i, &r) in repeats.iter().enumerate() {
        out.resize(out.len() + r as usize, i as i64);
    }
    Ok(out)
}
