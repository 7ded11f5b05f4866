//! The logarithm of a sum of exponentials.

use flambeau_types::DType;

use super::drive::{Emit, Job, Second};
use super::kernel::Kernel;
use super::ops::Max;
use super::plan::Plan;
use super::real::{Real, SumExp};
use super::{Address, Op, source};
use crate::math::{Level, level};
use crate::{View, ViewMut};

/// `log(sum(exp(x)))` over the masked dimensions of a real input, shifted by the maximum so that nothing overflows; of
/// nothing it is negative infinity. The output is floating-point and sets the precision.
pub fn logsumexp(out: &mut ViewMut, x: View, mask: &[bool]) {
    debug_assert!(out.dtype().is_floating() && !x.dtype().is_complex());
    if out.dtype() == DType::F64 { run::<f64>(out, x, mask) } else { run::<f32>(out, x, mask) }
}

fn run<T: Real>(out: &mut ViewMut, x: View, mask: &[bool])
where
    Max: Op<T>,
    SumExp<true>: Op<T>,
    SumExp<false>: Op<T>,
{
    let plan = Plan::new(&x, mask, [out.strides(); 2]);
    let (to, dtype, size) = (Address::of(out), out.dtype(), out.dtype().size());
    let emit: Emit<T> = &|at, max, sum| {
        // SAFETY: the plan's output offsets lie within `out`, and each is written once.
        unsafe { (sum.ln() + max).put(dtype, to.at(at[0], size)) }
    };
    let sum_exp: Kernel<T> =
        if level() == Level::Plain { T::kernel::<SumExp<false>>() } else { T::kernel::<SumExp<true>>() };
    // An infinite maximum would turn infinities into NaN.
    let infinity = T::of(f64::INFINITY);
    let param = |max: T| if max.abs() == infinity { T::of(0.0) } else { max };
    Job {
        plan: &plan,
        source: source(&x, T::OWN, T::load(x.dtype())),
        param: T::of(0.0),
        first: T::kernel::<Max>(),
        second: Some(Second { param: &param, kernel: sum_exp }),
        emit,
        emit_run: None,
    }
    .run();
}
