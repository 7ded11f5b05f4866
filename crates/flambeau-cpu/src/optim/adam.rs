//! Adam and AdamW.

use flambeau_types::DType;

use super::walk::{Operand, walk};
use super::{Rounding, by_rounding};
use crate::math::is_reference;
use crate::reduce::chunks::{L, chunks, read, write};
use crate::reduce::real::Real;
use crate::{View, ViewMut};

/// The numbers of `torch.optim.Adam` and `AdamW`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamOptions {
    /// The learning rate.
    pub lr: f64,
    /// The decay of the running mean of gradients.
    pub beta1: f64,
    /// The decay of the running mean of their squares.
    pub beta2: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// The weight decay.
    pub weight_decay: f64,
    /// Weight decay shrinks the parameter (AdamW) instead of joining the gradient.
    pub decoupled: bool,
    /// Divide by the greatest mean of squares so far.
    pub amsgrad: bool,
    /// Ascend instead.
    pub maximize: bool,
    /// The number of this step, from 1.
    pub step: u64,
}

/// One step for one parameter; it and its state change in place. With `amsgrad`, `max_exp_avg_sq` must be given; all have
/// one shape.
pub fn adam_step(
    param: &mut ViewMut,
    grad: View,
    exp_avg: &mut ViewMut,
    exp_avg_sq: &mut ViewMut,
    max_exp_avg_sq: Option<&mut ViewMut>,
    o: &AdamOptions,
) {
    by_rounding!(param.dtype(), step(param, grad, exp_avg, exp_avg_sq, max_exp_avg_sq, o))
}

fn step<R: Rounding>(
    param: &mut ViewMut,
    grad: View,
    exp_avg: &mut ViewMut,
    exp_avg_sq: &mut ViewMut,
    max_exp_avg_sq: Option<&mut ViewMut>,
    o: &AdamOptions,
) {
    let c = Constants::<R::Compute>::new(o);
    let (sizes, g) = (param.sizes(), Operand::read(&grad));
    let (p, m, v) = (Operand::write(param), Operand::write(exp_avg), Operand::write(exp_avg_sq));
    match max_exp_avg_sq.filter(|_| o.amsgrad) {
        None => walk::<R::Compute, 4>(sizes, [p, g, m, v], |[p, g, m, v], n| {
            // SAFETY: `walk` gives runs of `n` values.
            unsafe { update::<R>(p, g, m, v, std::ptr::null_mut(), n, &c) }
        }),
        Some(max) => walk::<R::Compute, 5>(sizes, [p, g, m, v, Operand::write(max)], |[p, g, m, v, max], n| {
            // SAFETY: as above.
            unsafe { update::<R>(p, g, m, v, max, n, &c) }
        }),
    }
}

struct Constants<T> {
    shrink: Option<T>,
    weight_decay: Option<T>,
    weight1: T,
    small_weight1: bool,
    beta2: T,
    weight2: T,
    root_correction2: T,
    eps: T,
    step_size: T,
    maximize: bool,
    /// Roots are those of the processors that PyTorch's numbers are taken from.
    reference: bool,
}

impl<T: Real> Constants<T> {
    fn new(o: &AdamOptions) -> Self {
        let correction1 = 1.0 - o.beta1.powf(o.step as f64);
        let correction2 = 1.0 - o.beta2.powf(o.step as f64);
        let decays = o.weight_decay != 0.0;
        Constants {
            shrink: (decays && o.decoupled).then(|| T::of(1.0 - o.lr * o.weight_decay)),
            weight_decay: (decays && !o.decoupled).then(|| T::of(o.weight_decay)),
            weight1: T::of(1.0 - o.beta1),
            small_weight1: T::of(1.0 - o.beta1).abs() < T::of(0.5),
            beta2: T::of(o.beta2),
            weight2: T::of(1.0 - o.beta2),
            root_correction2: T::of(correction2.sqrt()),
            eps: T::of(o.eps),
            step_size: T::of(-(o.lr / correction1)),
            maximize: o.maximize,
            reference: is_reference(),
        }
    }
}

type C<R> = Constants<<R as Rounding>::Compute>;

super::step_levels!(
    /// Updates a run; `max` is null without amsgrad.
    unsafe fn update<R>(
        p: *mut R::Compute,
        g: *mut R::Compute,
        m: *mut R::Compute,
        v: *mut R::Compute,
        max: *mut R::Compute,
        n: usize,
        c: &C<R>
    ) = update_body
);

#[inline(always)]
unsafe fn update_body<R: Rounding, const F: bool>(
    p: *mut R::Compute,
    g: *mut R::Compute,
    m: *mut R::Compute,
    v: *mut R::Compute,
    max: *mut R::Compute,
    n: usize,
    c: &C<R>,
) {
    let zero = R::Compute::default();
    let one = R::Compute::of(1.0);
    // SAFETY: `n` values each, as the caller promised.
    unsafe {
        chunks!(g.cast_const(), n, zero, |i, mut g, len| {
            let (mut param, mut mean, mut square) = (read(p.add(i), len), read(m.add(i), len), read(v.add(i), len));
            if c.maximize {
                for x in &mut g {
                    *x = zero - *x;
                }
            }
            if let Some(shrink) = c.shrink {
                for x in &mut param {
                    *x = R::round(*x * shrink);
                }
            }
            if let Some(decay) = c.weight_decay {
                for l in 0..L {
                    g[l] = R::round(param[l].madd::<F>(decay, g[l]));
                }
            }
            // Interpolation starts from the nearer end.
            for l in 0..L {
                let way = g[l] - mean[l];
                mean[l] = R::round(if c.small_weight1 {
                    way.madd::<F>(c.weight1, mean[l])
                } else {
                    way.madd::<F>(c.weight1 - one, g[l])
                });
            }
            write(m.add(i), mean, len);
            for l in 0..L {
                let kept = R::round(square[l] * c.beta2);
                square[l] = R::round((c.weight2 * g[l]).madd::<F>(g[l], kept));
            }
            write(v.add(i), square, len);
            if !max.is_null() {
                let old = read(max.add(i), len);
                for l in 0..L {
                    #[allow(clippy::eq_op)]
                    let keep = (old[l] > square[l]) | (old[l] != old[l]);
                    square[l] = if keep { old[l] } else { square[l] };
                }
                write(max.add(i), square, len);
            }
            if F && c.reference {
                R::roots::<true>(&mut square);
            } else {
                R::roots::<false>(&mut square);
            }
            for l in 0..L {
                let denominator = R::round(R::round(square[l] / c.root_correction2) + c.eps);
                param[l] = R::round(param[l] + c.step_size * mean[l] / denominator);
            }
            write(p.add(i), param, len);
        });
    }
}
