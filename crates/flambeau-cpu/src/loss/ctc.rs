//! Connectionist temporal classification: how likely a sequence of labels is under probabilities of labels at each time,
//! over all ways to stretch the labels with repeats and blanks.

use flambeau_types::DType;
use num_traits::Float;

use crate::gemm::{Shared, for_pieces};
use crate::{View, ViewMut};

/// What the sequences of a batch are.
pub struct Sequences<'a> {
    /// The labels of all sequences; sequence b begins at `starts[b]`.
    pub targets: &'a [i64],
    /// Where each sequence begins.
    pub starts: &'a [usize],
    /// How many labels each sequence has.
    pub target_lengths: &'a [i64],
    /// How many times each sequence has probabilities for.
    pub input_lengths: &'a [i64],
    /// The label that stands for none.
    pub blank: i64,
}

impl Sequences<'_> {
    /// Label `s` of sequence b with blanks in front, between and behind.
    fn label(&self, b: usize, s: usize) -> usize {
        if s.is_multiple_of(2) { self.blank as usize } else { self.targets[self.starts[b] + s / 2] as usize }
    }

    fn times(&self, b: usize) -> usize {
        self.input_lengths[b] as usize
    }

    /// The states of sequence b.
    fn states(&self, b: usize) -> usize {
        2 * self.target_lengths[b] as usize + 1
    }

    /// State s may be reached from s - 2: it is a label that differs from the one before.
    fn skips(&self, b: usize, s: usize) -> bool {
        s >= 2 && s % 2 == 1 && self.label(b, s) != self.label(b, s - 2)
    }
}

/// The logarithm of a sum of exponentials.
fn add<T: Float, const N: usize>(list: [T; N]) -> T {
    let top = list.into_iter().fold(T::neg_infinity(), T::max);
    if top == T::neg_infinity() {
        return top;
    }
    list.into_iter().fold(T::zero(), |sum, x| sum + (x - top).exp()).ln() + top
}

/// The elements of a view.
#[derive(Clone, Copy)]
struct Numbers<T>(Shared<T>);

impl<T: Float> Numbers<T> {
    fn read(v: &View) -> Numbers<T> {
        Numbers(Shared::read(v.ptr().cast()))
    }

    fn write(v: &mut ViewMut) -> Numbers<T> {
        Numbers(Shared::new(v.ptr().cast()))
    }

    fn get(&self, i: isize) -> T {
        // SAFETY: the callers stay within their view.
        unsafe { self.0.at(i).read_unaligned() }
    }

    fn set(&self, i: isize, x: T) {
        // SAFETY: the callers stay within their view, each piece in its own batch element.
        unsafe { self.0.at(i).write_unaligned(x) }
    }
}

/// Sequences worth a thread.
const GRAIN: usize = 1 << 12;

/// Minus the log-likelihood of each sequence, and the log-probabilities of its states at each time (`alpha`: batch, times,
/// states) that the gradient needs. `log_probs` is (times, batch, labels).
pub fn ctc_loss(loss: &mut ViewMut, alpha: &mut ViewMut, log_probs: View, q: &Sequences) {
    if log_probs.dtype() == DType::F64 {
        forward::<f64>(loss, alpha, &log_probs, q);
    } else {
        forward::<f32>(loss, alpha, &log_probs, q);
    }
}

fn forward<T: Float + Send + Sync>(loss: &mut ViewMut, alpha: &mut ViewMut, log_probs: &View, q: &Sequences) {
    let (batch, time, label) = (log_probs.sizes()[1] as usize, log_probs.strides()[0], log_probs.strides()[2]);
    let each = log_probs.strides()[1];
    let (rows, width) = (alpha.sizes()[1] as isize, alpha.sizes()[2] as isize);
    let (p, a, out) = (Numbers::<T>::read(log_probs), Numbers::<T>::write(alpha), Numbers::<T>::write(loss));
    for_pieces(0..batch, GRAIN.div_ceil((rows * width).max(1) as usize), |range| {
        for b in range {
            let prob = |t: usize, s: usize| {
                p.get(b as isize * each as isize + t as isize * time as isize + q.label(b, s) as isize * label as isize)
            };
            let at = |t: usize, s: usize| (b as isize * rows + t as isize) * width + s as isize;
            (0..rows * width).for_each(|i| a.set(b as isize * rows * width + i, T::neg_infinity()));
            let (times, states) = (q.times(b), q.states(b));
            for t in 0..times {
                for s in 0..states {
                    let before = |k: usize| if s >= k { a.get(at(t - 1, s - k)) } else { T::neg_infinity() };
                    let reached = match t {
                        0 if s < 2 => T::zero(),
                        0 => continue,
                        _ => add([before(0), before(1), if q.skips(b, s) { before(2) } else { T::neg_infinity() }]),
                    };
                    a.set(at(t, s), reached + prob(t, s));
                }
            }
            let likelihood = match (times, states) {
                (0, 1) => T::zero(),
                (0, _) => T::neg_infinity(),
                (_, 1) => a.get(at(times - 1, 0)),
                _ => add([a.get(at(times - 1, states - 1)), a.get(at(times - 1, states - 2))]),
            };
            out.set(b as isize, -likelihood);
        }
    });
}

/// The gradient of [`ctc_loss`] for log-probabilities that come from a log-softmax: `exp(p)` less the probability that the
/// label stands there. `grad`, `loss` are (batch); `alpha` is what the loss gave; `out` and `log_probs` are of one layout.
pub fn ctc_loss_backward(
    out: &mut ViewMut,
    (grad, log_probs, loss, alpha): (View, View, View, View),
    q: &Sequences,
    zero_infinity: bool,
) {
    let views = (&grad, &log_probs, &loss, &alpha);
    if log_probs.dtype() == DType::F64 {
        backward::<f64>(out, views, q, zero_infinity);
    } else {
        backward::<f32>(out, views, q, zero_infinity);
    }
}

fn backward<T: Float + Send + Sync>(
    out: &mut ViewMut,
    (grad, log_probs, loss, alpha): (&View, &View, &View, &View),
    q: &Sequences,
    zero_infinity: bool,
) {
    let sizes = log_probs.sizes();
    let (all, batch, labels) = (sizes[0] as usize, sizes[1] as usize, sizes[2] as usize);
    let (width, rows) = (alpha.sizes()[2] as isize, alpha.sizes()[1] as isize);
    let strides: [isize; 3] = std::array::from_fn(|i| log_probs.strides()[i] as isize);
    let to: [isize; 3] = std::array::from_fn(|i| out.strides()[i] as isize);
    let grad_step = grad.strides()[0] as isize;
    let (g, p) = (Numbers::<T>::read(grad), Numbers::<T>::read(log_probs));
    let (l, a) = (Numbers::<T>::read(loss), Numbers::<T>::read(alpha));
    let y = Numbers::<T>::write(out);
    for_pieces(0..batch, GRAIN.div_ceil((rows * width).max(1) as usize), |range| {
        for b in range {
            let place = |s: [isize; 3], t: usize, c: usize| t as isize * s[0] + b as isize * s[1] + c as isize * s[2];
            let (times, states, nll) = (q.times(b), q.states(b), l.get(b as isize));
            let nothing = zero_infinity && nll == T::infinity();
            let known = if nothing { 0 } else { times };
            for t in known..all {
                (0..labels).for_each(|c| y.set(place(to, t, c), T::zero()));
            }
            // The log-probability of the rest from each state on, at the time after.
            let mut beta = vec![T::neg_infinity(); states];
            let mut joint = vec![T::neg_infinity(); labels];
            for t in (0..known).rev() {
                let prob = |s: usize| p.get(place(strides, t, q.label(b, s)));
                let next = beta.clone();
                let after = |s: usize| next.get(s).copied().unwrap_or(T::neg_infinity());
                for (s, now) in beta.iter_mut().enumerate() {
                    let rest = if t + 1 == times {
                        if s + 2 >= states { T::zero() } else { T::neg_infinity() }
                    } else {
                        let skip = s + 2 < states && q.skips(b, s + 2);
                        add([after(s), after(s + 1), if skip { after(s + 2) } else { T::neg_infinity() }])
                    };
                    *now = rest + prob(s);
                }
                joint.fill(T::neg_infinity());
                for (s, &rest) in beta.iter().enumerate().rev() {
                    let both = a.get((b as isize * rows + t as isize) * width + s as isize) + rest;
                    let c = q.label(b, s);
                    joint[c] = add([joint[c], both]);
                }
                for (c, &both) in joint.iter().enumerate() {
                    let lp = p.get(place(strides, t, c));
                    let slope = lp.exp() - (both + nll - lp).exp();
                    y.set(place(to, t, c), slope * g.get(b as isize * grad_step));
                }
            }
        }
    });
}
