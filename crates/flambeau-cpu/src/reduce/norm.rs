//! Vector norms.

use flambeau_types::DType;

use super::convert::{load, load_abs_c64, load_abs_c128};
use super::kernel::{Acc, Op};
use super::ops::{CountNonzero, MaxAbs, MinAbs, SumAbs, SumPowers, SumSquares};
use super::{Source, fold, source};
use crate::{View, ViewMut};

/// The `p`-norm over the masked dimensions: 0 counts what is not zero, infinities give the extreme absolute values.
/// Complex input has a real norm; the work is done in the compute type of the wider of input and output.
pub fn norm(out: &mut ViewMut, x: View, mask: &[bool], p: f64) {
    let d = x.dtype();
    let wide = [d, out.dtype()].iter().any(|d| matches!(d, DType::F64 | DType::C128));
    if d.is_complex() && wide != (d == DType::C128) {
        // A dtype= that widens complex64: the absolute values of the parts are taken in the wide type.
        return norm_of_parts(out, x, mask, p);
    }
    if wide {
        let load = if d == DType::C128 { load_abs_c128 } else { load::<f64>(d) };
        run::<f64>(out, &x, mask, source(&x, DType::F64, load), p, p, |r, e| r.powf(e), f64::sqrt);
    } else {
        let load = if d == DType::C64 { load_abs_c64 } else { load::<f32>(d) };
        run::<f32>(out, &x, mask, source(&x, DType::F32, load), p as f32, p, |r, e| r.powf(e as f32), f32::sqrt);
    }
}

/// The norm of complex64 numbers in float64.
fn norm_of_parts(out: &mut ViewMut, x: View, mask: &[bool], p: f64) {
    unsafe fn load_wide(src: *const u8, stride: isize, n: usize, dst: *mut f64) {
        for i in 0..n {
            // SAFETY: forwarded: within the run that the caller promised.
            unsafe {
                let z = src.cast::<flambeau_types::Complex32>().offset(i as isize * stride).read_unaligned();
                dst.add(i).write((z.re as f64).hypot(z.im as f64));
            }
        }
    }
    run::<f64>(out, &x, mask, source(&x, DType::F64, load_wide), p, p, |r, e| r.powf(e), f64::sqrt);
}

fn run<A: Acc>(
    out: &mut ViewMut,
    x: &View,
    mask: &[bool],
    s: Source<A>,
    param: A,
    p: f64,
    power: fn(A, f64) -> A,
    root: fn(A) -> A,
) where
    CountNonzero: Op<A>,
    SumAbs: Op<A>,
    SumSquares: Op<A>,
    SumPowers: Op<A>,
    MaxAbs: Op<A>,
    MinAbs: Op<A>,
{
    match p {
        0.0 => fold::<A, CountNonzero>(out, x, mask, s, param, |r| r),
        1.0 => fold::<A, SumAbs>(out, x, mask, s, param, |r| r),
        2.0 => fold::<A, SumSquares>(out, x, mask, s, param, root),
        f64::INFINITY => fold::<A, MaxAbs>(out, x, mask, s, param, |r| r),
        f64::NEG_INFINITY => fold::<A, MinAbs>(out, x, mask, s, param, |r| r),
        _ => fold::<A, SumPowers>(out, x, mask, s, param, move |r| power(r, 1.0 / p)),
    }
}
