//! Negative log-likelihood over contiguous (N, C, L) log-probabilities.

use flambeau_types::{DType, Error, Result};

use crate::reduce::Address;
use crate::reduce::convert::{Put, load};
use crate::reduce::real::Real;
use crate::threads::parallel_for;
use crate::{View, ViewMut};

/// How a loss of many elements becomes its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// Each element's loss.
    None,
    /// The weighted mean.
    Mean,
    /// The sum.
    Sum,
}

const GRAIN: usize = 1 << 14;

/// The checked targets, -1 where ignored, and the classes' weights.
struct Classes {
    targets: Vec<i64>,
    weights: Option<Vec<f64>>,
    classes: usize,
    inner: usize,
}

impl Classes {
    fn new(sizes: [usize; 3], target: View, weight: Option<View>, ignore_index: i64) -> Result<Classes> {
        let [_, classes, inner] = sizes;
        debug_assert!(target.is_contiguous() && weight.is_none_or(|w| w.is_contiguous()));
        let mut targets = vec![0i64; target.numel()];
        // SAFETY: contiguous views of that many elements.
        unsafe { load::<i64>(target.dtype())(target.ptr(), 1, targets.len(), targets.as_mut_ptr()) };
        for t in &mut targets {
            if *t == ignore_index {
                *t = -1;
            } else if *t < 0 || *t as usize >= classes {
                return Err(Error::index(format!("Target {t} is out of bounds.")));
            }
        }
        let weights = weight.map(|w| {
            let mut to = vec![0f64; w.numel()];
            // SAFETY: as above.
            unsafe { load::<f64>(w.dtype())(w.ptr(), 1, to.len(), to.as_mut_ptr()) };
            to
        });
        Ok(Classes { targets, weights, classes, inner })
    }

    fn weight(&self, target: i64) -> f64 {
        self.weights.as_ref().map_or(1.0, |w| w[target as usize])
    }

    /// The place of an element's target among the log-probabilities.
    fn place(&self, i: usize, target: i64) -> usize {
        let (n, l) = (i / self.inner, i % self.inner);
        (n * self.classes + target as usize) * self.inner + l
    }
}

/// The loss `-weight[target] * log_probs[n, target, l]`, 0 where the target is `ignore_index`. `sizes` are (N, C, L);
/// `target` is (N, L). `out` is (N, L) without reduction, else one element, and `total_weight` one element: the sum of the
/// weights used, 0 without reduction. A target that is no class is an `IndexError`.
pub fn nll_loss(
    out: &mut ViewMut,
    total_weight: &mut ViewMut,
    log_probs: View,
    sizes: [usize; 3],
    target: View,
    weight: Option<View>,
    ignore_index: i64,
    reduction: Reduction,
) -> Result<()> {
    debug_assert!(log_probs.is_contiguous() && out.is_contiguous());
    let classes = Classes::new(sizes, target, weight, ignore_index)?;
    let dtype = log_probs.dtype();
    let read = load::<f64>(dtype);
    let from = Address::reading(log_probs.ptr());
    let value = |i: usize, t: i64| {
        let mut v = 0.0;
        // SAFETY: the target was checked, so the place is within the log-probabilities.
        unsafe { read(from.at(classes.place(i, t) as isize, dtype.size()), 1, 1, &mut v) };
        -classes.weight(t) * v
    };
    if reduction == Reduction::None {
        let (to, dtype) = (Address::of(out), out.dtype());
        parallel_for(0..classes.targets.len(), GRAIN, |range| {
            for i in range {
                let t = classes.targets[i];
                let v = if t < 0 { 0.0 } else { value(i, t) };
                // SAFETY: `out` has an element for each target.
                unsafe { v.put(dtype, to.at(i as isize, dtype.size())) };
            }
        });
        // SAFETY: one element.
        unsafe { 0f64.put(total_weight.dtype(), total_weight.ptr()) };
        return Ok(());
    }
    let single = dtype != DType::F64;
    let (sum, total) = if single { sums::<f32>(&classes, value) } else { sums::<f64>(&classes, value) };
    let loss = match reduction {
        Reduction::Mean if single => f64::from(sum as f32 / total as f32),
        Reduction::Mean => sum / total,
        _ => sum,
    };
    // SAFETY: one element each.
    unsafe {
        loss.put(out.dtype(), out.ptr());
        total.put(total_weight.dtype(), total_weight.ptr());
    }
    Ok(())
}

/// The sums of all losses and of their weights, added up as PyTorch does: what was added joins a level above after every
/// sixteenth sample, from which sixteen such joins go to the next.
fn sums<T: Real>(classes: &Classes, value: impl Fn(usize, i64) -> f64) -> (f64, f64) {
    const LEVELS: usize = 8;
    let n = classes.targets.len();
    let power = (n.next_power_of_two().trailing_zeros() as usize / LEVELS).max(4);
    let mut levels = [[T::default(); 2]; LEVELS];
    for (i, &t) in classes.targets.iter().enumerate() {
        if t < 0 {
            continue;
        }
        levels[0][0] += T::of(value(i, t));
        levels[0][1] += T::of(classes.weight(t));
        for j in 0..LEVELS - 1 {
            if i >> (j * power) & ((1 << power) - 1) != 0 {
                break;
            }
            let [loss, weight] = std::mem::take(&mut levels[j]);
            levels[j + 1][0] += loss;
            levels[j + 1][1] += weight;
        }
    }
    let total = |which: usize| levels.iter().fold(T::default(), |s, level| s + level[which]).to_f64();
    (total(0), total(1))
}

/// The gradient of [`nll_loss`] for the log-probabilities: `grad_in` is (N, C, L), `grad_out` has the shape of the result.
pub fn nll_loss_backward(
    grad_in: &mut ViewMut,
    grad_out: View,
    sizes: [usize; 3],
    target: View,
    weight: Option<View>,
    ignore_index: i64,
    reduction: Reduction,
    total_weight: View,
) -> Result<()> {
    debug_assert!(grad_in.is_contiguous() && grad_out.is_contiguous());
    let classes = Classes::new(sizes, target, weight, ignore_index)?;
    let dtype = grad_in.dtype();
    let read = load::<f64>(grad_out.dtype());
    let gradients = if reduction == Reduction::None { classes.targets.len() } else { 1 };
    let mut g = vec![0f64; gradients];
    let mut total = 1.0;
    // SAFETY: `grad_out` is contiguous of that length, `total_weight` has one element, and all zero bytes are zeros.
    unsafe {
        read(grad_out.ptr(), 1, gradients, g.as_mut_ptr());
        if reduction == Reduction::Mean {
            load::<f64>(total_weight.dtype())(total_weight.ptr(), 1, 1, &mut total);
        }
        grad_in.ptr().write_bytes(0, grad_in.numel() * dtype.size());
    }
    let to = Address::of(grad_in);
    parallel_for(0..classes.targets.len(), GRAIN, |range| {
        for i in range {
            let t = classes.targets[i];
            if t >= 0 {
                let v = -classes.weight(t) * g[if gradients == 1 { 0 } else { i }] / total;
                // SAFETY: the target was checked; each element has a place of its own.
                unsafe { v.put(dtype, to.at(classes.place(i, t) as isize, dtype.size())) };
            }
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flambeau_types::{ErrorKind, Layout};

    #[test]
    fn losses_and_gradients_agree_with_pytorch() {
        // nll_loss(log_softmax([[1, 2, 3], [1, 0, -1], [0.5, 0.25, 2]]), [2, 0, 1], weight=[0.5, 1, 2])
        let logp = [
            -2.407606f32,
            -1.4076059,
            -0.40760595,
            -0.40760595,
            -1.4076059,
            -2.407606,
            -1.8299835,
            -2.0799835,
            -0.32998347,
        ];
        let (m, v3, one) = (Layout::contiguous(&[3, 3, 1]), Layout::contiguous(&[3]), Layout::contiguous(&[1]));
        let (target, weight) = ([2i64, 0, 1], [0.5f32, 1.0, 2.0]);
        let (mut out, mut total) = ([0f32], [0f32]);
        let mut run = |target: &[i64; 3], ignore, reduction| {
            let r = nll_loss(
                &mut ViewMut::of(&mut out, &one),
                &mut ViewMut::of(&mut total, &one),
                View::of(&logp, &m),
                [3, 3, 1],
                View::of(target, &v3),
                Some(View::of(&weight, &v3)),
                ignore,
                reduction,
            );
            r.map(|_| (out[0], total[0]))
        };
        let sum = 2.0 * 0.40760595 + 0.5 * 0.40760595 + 2.0799835;
        let close = |a: f32, b: f32| assert!((a - b).abs() < 1e-6, "{a} {b}");
        let (loss, total) = run(&target, -100, Reduction::Sum).unwrap();
        close(loss, sum);
        close(total, 3.5);
        close(run(&target, -100, Reduction::Mean).unwrap().0, sum / 3.5);
        close(run(&target, 1, Reduction::Mean).unwrap().0, 2.5 * 0.40760595 / 2.5);
        let e = run(&[2, 10, 1], -100, Reduction::Mean).unwrap_err();
        assert_eq!((e.kind(), e.message()), (ErrorKind::Index, "Target 10 is out of bounds."));
        assert!(run(&[-1, 0, 0], -100, Reduction::Mean).is_err());
        assert!(run(&[7, 7, 7], 7, Reduction::Mean).unwrap().0.is_nan());

        let mut g = [9f32; 9];
        nll_loss_backward(
            &mut ViewMut::of(&mut g, &m),
            View::of(&[2f32], &one),
            [3, 3, 1],
            View::of(&target, &v3),
            Some(View::of(&weight, &v3)),
            -100,
            Reduction::Mean,
            View::of(&[3.5f32], &one),
        )
        .unwrap();
        assert_eq!(g, [0.0, 0.0, -4.0 / 3.5, -1.0 / 3.5, 0.0, 0.0, 0.0, -2.0 / 3.5, 0.0]);

        // (N, C, L) = (1, 3, 3) without reduction; the middle element is ignored.
        let (l, n) = (Layout::contiguous(&[1, 3, 3]), Layout::contiguous(&[1, 3]));
        let (mut each, mut total) = ([9f32; 3], [9f32]);
        nll_loss(
            &mut ViewMut::of(&mut each, &n),
            &mut ViewMut::of(&mut total, &one),
            View::of(&logp, &l),
            [1, 3, 3],
            View::of(&[1i64, -100, 2], &n),
            None,
            -100,
            Reduction::None,
        )
        .unwrap();
        assert_eq!((each, total), ([0.40760595, 0.0, 0.32998347], [0.0]));
    }
}
