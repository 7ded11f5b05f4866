//! Counting: `bincount`, `histc`, and the indices of `repeat_interleave`.

use std::sync::{Mutex, PoisonError};

use flambeau_types::{DType, Element, Error, Kind, Result};

use super::number::Number;
use super::walk::{GRAIN, Walk, by_element, load};
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
    let step = x.strides()[0] as isize * x.dtype().size() as isize;
    let total = Mutex::new(Vec::new());
    let mut bad = false;
    match weights {
        None => {
            debug_assert!(out.dtype() == DType::I64);
            let fault = std::sync::atomic::AtomicBool::new(false);
            // Each thread counts for itself; too many bins would make adding those up the larger work.
            let grain = if bins < n / 4 { 4 * GRAIN } else { n };
            by_element!(x.dtype(), T => parallel_for(0..n, grain, |part| {
                let mut counts = vec![0i64; bins];
                for i in part {
                    // SAFETY: within the view.
                    let v = unsafe { load::<T>(x.ptr().offset(i as isize * step)) }.to_scalar().to_i64();
                    match counts.get_mut(v as usize) {
                        Some(c) => *c += 1,
                        None => return fault.store(true, std::sync::atomic::Ordering::Relaxed),
                    }
                }
                let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                if total.is_empty() {
                    *total = counts;
                } else {
                    total.iter_mut().zip(counts).for_each(|(t, c)| *t += c);
                }
            }));
            bad |= fault.into_inner();
            let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
            write(&out, |i| total.get(i).copied().unwrap_or(0));
        }
        Some(w) => {
            debug_assert!(matches!(out.dtype(), DType::F32 | DType::F64) && w.numel() == n);
            let ws = w.strides()[0] as isize * w.dtype().size() as isize;
            by_element!(out.dtype(), A => {
                let mut sums = vec![A::default(); bins];
                by_element!(x.dtype(), T => by_element!(w.dtype(), W => for i in 0..n as isize {
                    // SAFETY: within the views.
                    let (v, w) = unsafe { (load::<T>(x.ptr().offset(i * step)), load::<W>(w.ptr().offset(i * ws))) };
                    match sums.get_mut(v.to_scalar().to_i64() as usize) {
                        Some(s) => *s = Number::add(*s, A::from_scalar(w.to_scalar())),
                        None => bad = true,
                    }
                }));
                write(&out, |i| sums[i]);
            });
        }
    }
    if bad {
        return Err(Error::runtime("bincount only supports 1-d non-negative integral inputs."));
    }
    Ok(())
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
    let walk = Walk::new(x.sizes(), [(x.strides(), x.dtype().size())]);
    let [step] = walk.inner();
    let (mut low, mut high) = (min, max);
    if low == high && walk.numel() > 0 {
        let range = Mutex::new((f64::INFINITY, f64::NEG_INFINITY));
        by_element!(x.dtype(), T => walk.parallel_runs(GRAIN, |_, [at], n| {
            // SAFETY: the walk stays within the view.
            let each = (0..n as isize).map(|i| unsafe { load::<T>(x.ptr().offset(at + i * step)) });
            let (l, h) = each.fold((T::highest(), T::lowest()), |(l, h), v| (l.smaller(v), h.larger(v)));
            let (l, h) = (l.to_scalar().to_f64(), h.to_scalar().to_f64());
            let mut range = range.lock().unwrap_or_else(PoisonError::into_inner);
            *range = (range.0.smaller(l), range.1.larger(h));
            true
        }));
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
    let total = Mutex::new(vec![0u64; bins]);
    by_element!(x.dtype(), T => {
        let (a, b) = (T::from_scalar(low.into()), T::from_scalar(high.into()));
        let (a, b) = (a.widen(), b.widen());
        let n = <T as Number>::Acc::from_scalar(bins.into());
        // The arithmetic is the element's own (f32 for the half types, rounded once), as PyTorch's.
        let place = |v: T| -> Option<usize> {
            let v = v.widen();
            let (f, a_, b_) = (v.to_scalar().to_f64(), a.to_scalar().to_f64(), b.to_scalar().to_f64());
            if !(f >= a_ && f <= b_) {
                return None;
            }
            let minus = <T as Number>::Acc::from_scalar((-1.0).into());
            let width = b.add(a.mul(minus));
            let at = v.add(a.mul(minus)).mul(n).div(width);
            Some((at.to_scalar().to_f64() as usize).min(bins - 1))
        };
        parallel_for(0..walk.numel(), 2 * GRAIN, |part| {
            let mut counts = vec![0u64; bins];
            walk.runs(part, |_, [at], n| {
                for i in 0..n as isize {
                    // SAFETY: the walk stays within the view.
                    if let Some(p) = place(unsafe { load::<T>(x.ptr().offset(at + i * step)) }) {
                        counts[p] += 1;
                    }
                }
                true
            });
            let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
            total.iter_mut().zip(counts).for_each(|(t, c)| *t += c);
        });
        let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
        write(&out, |i| T::from_scalar((total[i] as f64).into()));
    });
    Ok(())
}

/// Each position of a 1-d `repeats` (i64 or i32) as many times as it says, for `torch.repeat_interleave`.
pub fn repeat_interleave(repeats: View) -> Result<Vec<i64>> {
    let repeats = super::walk::index_values(&repeats);
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
