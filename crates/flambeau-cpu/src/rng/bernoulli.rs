//! Coin flips.

use flambeau_types::{DType, Element, Error, Result, bf16, f16};

use super::Generator;
use super::check::{short, unimplemented};
use super::fill::{Number, dispatch, fill64};
use super::generator::unit_f32;
use super::order::Order;
use crate::{View, ViewMut};

/// Fills with 1 with probability `p`, else 0. This is also dropout's mask.
pub fn bernoulli_scalar(g: &mut Generator, out: &mut ViewMut, p: f64) -> Result<()> {
    if !(0.0..=1.0).contains(&p) {
        return Err(Error::runtime(format!("bernoulli_ expects p to be in [0, 1], but got p={}", short(p))));
    }
    if out.numel() == 0 {
        return Ok(());
    }
    // bits * 2^-53 < p, in integers: scaling by a power of two is exact.
    let bound = (p * (1u64 << 53) as f64).ceil() as i64;
    dispatch!(real, out.dtype(), "bernoulli_scalar_cpu_", T => {
        let (one, zero) = (T::of_i64(1), T::of_i64(0));
        fill64(g, out, |b| if ((b & ((1 << 53) - 1)) as i64) < bound { one } else { zero });
    });
    Ok(())
}

/// Fills with 1 with the probability at the same place in `p`, which has the same sizes, else 0.
pub fn bernoulli_tensor(g: &mut Generator, out: &mut ViewMut, p: View) -> Result<()> {
    if out.numel() == 0 {
        return Ok(());
    }
    debug_assert_eq!(out.sizes(), p.sizes());
    dispatch!(real, out.dtype(), "bernoulli_tensor_cpu_self_", T => match p.dtype() {
        DType::F64 => flip::<T, f64>(g, out, p, |g, p| g.unit_f64() < p, |p| (0.0..=1.0).contains(&p)),
        DType::F32 => flip::<T, f32>(g, out, p, |g, p| unit_f32(g.random()) < p, |p| (0.0..=1.0).contains(&p)),
        DType::F16 => half::<T, f16>(g, out, p, f16::to_f32),
        DType::BF16 => half::<T, bf16>(g, out, p, bf16::to_f32),
        other => Err(unimplemented("bernoulli_tensor_cpu_p_", other)),
    })
}

fn half<T: Number, P: Element>(g: &mut Generator, out: &mut ViewMut, p: View, wide: fn(P) -> f32) -> Result<()> {
    flip::<T, P>(g, out, p, |g, p| unit_f32(g.random()) < wide(p), |p| (0.0..=1.0).contains(&wide(p)))
}

fn flip<T: Number, P: Element>(
    g: &mut Generator,
    out: &mut ViewMut,
    p: View,
    heads: impl Fn(&mut Generator, P) -> bool,
    valid: impl Fn(P) -> bool,
) -> Result<()> {
    let (to, from) = (out.ptr().cast::<T>(), p.ptr().cast::<P>());
    Order::new(out.sizes(), [out.strides(), p.strides()]).try_for_each(|[o, i]| {
        // SAFETY: the order yields offsets of elements of the two views, whose dtypes are `T` and `P`.
        let p = unsafe { from.offset(i).read_unaligned() };
        if !valid(p) {
            return Err(Error::runtime(
                "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be improved?  If so, \
                 please report an enhancement request to PyTorch.)",
            ));
        }
        let value = T::of_i64(heads(g, p) as i64);
        // SAFETY: as above.
        unsafe { to.offset(o).write_unaligned(value) };
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::super::generator::unit_f64;

    #[test]
    fn integer_bound_equals_the_comparison() {
        for p in [0.0, 1e-17, 0.1, 0.5, 1.0 - f64::EPSILON / 2.0, 1.0] {
            let bound = (p * (1u64 << 53) as f64).ceil() as u64;
            for b in [0, 1, bound.saturating_sub(1), bound, (bound + 1).min((1 << 53) - 1), (1 << 53) - 1] {
                let b = b.min((1 << 53) - 1);
                assert_eq!(unit_f64(b) < p, b < bound, "{p} {b}");
            }
        }
    }
}
