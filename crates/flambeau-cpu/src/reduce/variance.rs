//! Variance and standard deviation, in two passes in float64: the mean first, then the squared distances from it.

use flambeau_types::DType;
use smallvec::SmallVec;

use super::convert::{Put, load};
use super::drive::{Emit, Job, Second};
use super::kernel::Acc;
use super::ops::{Sum, SumSquaredDeviations};
use super::plan::Plan;
use super::{Address, source};
use crate::{View, ViewMut};

/// The variance over the masked dimensions, or its square root, divided by `max(0, n - correction)`. The variance of
/// complex numbers is that of their parts added.
pub fn var(out: &mut ViewMut, x: View, mask: &[bool], correction: f64, take_sqrt: bool) {
    run(out, None, x, mask, correction, take_sqrt)
}

/// [`var`] and the mean of the same elements.
pub fn var_mean(out: &mut ViewMut, mean: &mut ViewMut, x: View, mask: &[bool], correction: f64, take_sqrt: bool) {
    run(out, Some(mean), x, mask, correction, take_sqrt)
}

fn run(out: &mut ViewMut, mut mean: Option<&mut ViewMut>, x: View, mask: &[bool], correction: f64, take_sqrt: bool) {
    if x.dtype().is_complex() {
        return complex(out, mean, x, mask, correction, take_sqrt);
    }
    let mean_strides = mean.as_ref().map_or(out.strides(), |m| m.strides());
    let plan = Plan::new(&x, mask, [out.strides(), mean_strides]);
    let n = plan.count as f64;
    let divisor = (n - correction).max(0.0);
    let (dtype, size, to) = (out.dtype(), out.dtype().size(), Address::of(out));
    let mean = mean.as_mut().map(|m| (m.dtype(), m.dtype().size(), Address::of(m)));
    let emit: Emit<f64> = &|at, m, squares| {
        let v = squares / divisor;
        let v = if take_sqrt { v.sqrt() } else { v };
        // SAFETY: the plan's output offsets lie within the outputs, and each is written once.
        unsafe {
            v.put(dtype, to.at(at[0], size));
            if let Some((dtype, size, to)) = mean {
                m.put(dtype, to.at(at[1], size));
            }
        }
    };
    Job {
        plan: &plan,
        source: source(&x, DType::F64, load::<f64>(x.dtype())),
        param: 0.0,
        first: f64::kernel::<Sum>(),
        second: Some(Second { param: &|s| s / n, kernel: f64::kernel::<SumSquaredDeviations>() }),
        emit,
        emit_run: None,
    }
    .run();
}

/// The variances of the real and the imaginary parts, added.
fn complex(out: &mut ViewMut, mean: Option<&mut ViewMut>, x: View, mask: &[bool], correction: f64, take_sqrt: bool) {
    let part = if x.dtype() == DType::C64 { DType::F32 } else { DType::F64 };
    let strides: SmallVec<[i64; 6]> = x.strides().iter().map(|s| s * 2).collect();
    let outputs = out.numel();
    let ones = flambeau_types::contiguous_strides(out.sizes());
    let mut sums = [vec![0.0f64; outputs], vec![0.0f64; outputs]];
    let mut means = [vec![0.0f64; outputs], vec![0.0f64; outputs]];
    for k in 0..2 {
        // SAFETY: a complex number is two real ones next to each other, so these are the parts of x's own elements; the
        // vectors have an element for each output.
        unsafe {
            let parts = View::new(x.ptr().wrapping_add(k * part.size()), part, x.sizes(), &strides);
            let mut v = ViewMut::new(sums[k].as_mut_ptr().cast(), DType::F64, out.sizes(), &ones);
            let mut m = ViewMut::new(means[k].as_mut_ptr().cast(), DType::F64, out.sizes(), &ones);
            run(&mut v, Some(&mut m), parts, mask, correction, false);
        }
    }
    let offset = |strides: &[i64], mut i: usize| {
        let mut at = 0;
        for (&n, &s) in out.sizes().iter().zip(strides).rev() {
            at += (i % n as usize) as isize * s as isize;
            i /= n as usize;
        }
        at
    };
    let mean = mean.map(|m| (m.dtype(), m.strides(), m.ptr()));
    for i in 0..outputs {
        let v = sums[0][i] + sums[1][i];
        let v = if take_sqrt { v.sqrt() } else { v };
        // SAFETY: offsets made from the outputs' own sizes and strides.
        unsafe {
            v.put(out.dtype(), out.ptr().wrapping_offset(offset(out.strides(), i) * out.dtype().size() as isize));
            if let Some((dtype, strides, ptr)) = mean {
                let z = flambeau_types::Complex::new(means[0][i], means[1][i]);
                z.put(dtype, ptr.wrapping_offset(offset(strides, i) * dtype.size() as isize));
            }
        }
    }
}
