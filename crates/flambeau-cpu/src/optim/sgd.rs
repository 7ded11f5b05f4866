//! Stochastic gradient descent.

use flambeau_types::DType;

use super::walk::{Operand, walk};
use super::{Rounding, by_rounding};
use crate::reduce::chunks::{L, chunks, read, write};
use crate::reduce::real::Real;
use crate::{View, ViewMut};

/// The numbers of `torch.optim.SGD`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdOptions {
    /// The learning rate.
    pub lr: f64,
    /// How much of the last update is kept.
    pub momentum: f64,
    /// How much of the gradient is kept out of the momentum.
    pub dampening: f64,
    /// How much of the parameter is added to the gradient.
    pub weight_decay: f64,
    /// Nesterov's momentum.
    pub nesterov: bool,
    /// Ascend instead.
    pub maximize: bool,
    /// This is the first step: the momentum buffer is written, not read.
    pub first_step: bool,
}

/// One step for one parameter, which changes in place. With momentum, the buffer must be given; all have one shape.
pub fn sgd_step(param: &mut ViewMut, grad: View, momentum_buffer: Option<&mut ViewMut>, o: &SgdOptions) {
    by_rounding!(param.dtype(), step(param, grad, momentum_buffer, o))
}

fn step<R: Rounding>(param: &mut ViewMut, grad: View, buffer: Option<&mut ViewMut>, o: &SgdOptions) {
    let c = Constants::<R::Compute>::new(o);
    let (sizes, g) = (param.sizes(), Operand::read(&grad));
    match buffer.filter(|_| o.momentum != 0.0) {
        None => walk::<R::Compute, 2>(sizes, [Operand::write(param), g], |[p, g], n| {
            // SAFETY: `walk` gives runs of `n` values.
            unsafe { update::<R>(p, g, std::ptr::null_mut(), n, &c) }
        }),
        Some(buffer) => {
            walk::<R::Compute, 3>(sizes, [Operand::write(param), g, Operand::write(buffer)], |[p, g, b], n| {
                // SAFETY: as above.
                unsafe { update::<R>(p, g, b, n, &c) }
            })
        }
    }
}

struct Constants<T> {
    lr: T,
    momentum: T,
    keep: T,
    weight_decay: Option<T>,
    nesterov: bool,
    maximize: bool,
    first: bool,
}

impl<T: Real> Constants<T> {
    fn new(o: &SgdOptions) -> Self {
        Constants {
            lr: T::of(-o.lr),
            momentum: T::of(o.momentum),
            keep: T::of(1.0 - o.dampening),
            weight_decay: (o.weight_decay != 0.0).then(|| T::of(o.weight_decay)),
            nesterov: o.nesterov,
            maximize: o.maximize,
            first: o.first_step,
        }
    }
}

type C<R> = Constants<<R as Rounding>::Compute>;

super::step_levels!(
    /// Updates a run; `b` is null without momentum.
    unsafe fn update<R>(p: *mut R::Compute, g: *mut R::Compute, b: *mut R::Compute, n: usize, c: &C<R>) = update_body
);

#[inline(always)]
unsafe fn update_body<R: Rounding, const F: bool>(
    p: *mut R::Compute,
    g: *mut R::Compute,
    b: *mut R::Compute,
    n: usize,
    c: &C<R>,
) {
    let zero = R::Compute::default();
    // SAFETY: `n` values each, as the caller promised.
    unsafe {
        chunks!(g.cast_const(), n, zero, |i, mut g, len| {
            let mut param = read(p.add(i), len);
            if c.maximize {
                for x in &mut g {
                    *x = zero - *x;
                }
            }
            if let Some(decay) = c.weight_decay {
                for l in 0..L {
                    g[l] = R::round(param[l].madd::<F>(decay, g[l]));
                }
            }
            if !b.is_null() {
                let mut buffer = g;
                if !c.first {
                    buffer = read(b.add(i), len);
                    for l in 0..L {
                        let kept = R::round(buffer[l] * c.momentum);
                        buffer[l] = R::round(g[l].madd::<F>(c.keep, kept));
                    }
                }
                write(b.add(i), buffer, len);
                if c.nesterov {
                    for l in 0..L {
                        g[l] = R::round(buffer[l].madd::<F>(c.momentum, g[l]));
                    }
                } else {
                    g = buffer;
                }
            }
            for l in 0..L {
                param[l] = R::round(g[l].madd::<F>(c.lr, param[l]));
            }
            write(p.add(i), param, len);
        });
    }
}
