//! What each element of an output is made of, along one dimension.

use flambeau_types::{DType, bf16, f16};

use crate::reduce::real::Real;

/// How elements follow from those around their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// The one before the place.
    Nearest,
    /// The one whose middle is nearest.
    NearestExact,
    /// A line through two.
    Linear,
    /// A cubic polynomial through four.
    Cubic,
    /// A triangle as wide as the steps.
    SmoothLinear,
    /// A cubic curve as wide as the steps.
    SmoothCubic,
    /// A windowed sine of three waves, as wide as the steps.
    SmoothLanczos,
}

/// How a dimension changes its size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Move {
    /// Its elements.
    pub size: usize,
    /// Those of the output.
    pub out: usize,
    /// The middles of the first and last elements stay where they are; else their edges do.
    pub align_corners: bool,
    /// Elements of the output for one of the input, where that is not to follow from the sizes.
    pub scale: Option<f64>,
}

/// The elements of the input, and their weights, that each element of the output is the sum of.
pub(super) struct Axis<T> {
    pub size: usize,
    pub out: usize,
    /// As many of them at most.
    pub most: usize,
    index: Vec<usize>,
    weight: Vec<T>,
    count: Vec<usize>,
    two: bool,
}

/// Two places in the input and two weights for each of the output.
type Pairs<'a, T> = (&'a [[usize; 2]], &'a [[T; 2]]);

impl<T: Real> Axis<T> {
    /// The indices and weights of an element.
    #[inline]
    pub fn taps(&self, o: usize) -> (&[usize], &[T]) {
        let from = o * self.most;
        (&self.index[from..from + self.count[o]], &self.weight[from..from + self.count[o]])
    }

    /// The indices and weights of all elements one after another, where each has two.
    pub fn pairs(&self) -> Option<Pairs<'_, T>> {
        self.two.then(|| (self.index.as_chunks().0, self.weight.as_chunks().0))
    }

    /// With weights rounded as numbers of this dtype are.
    pub fn rounded(mut self, dtype: DType) -> Axis<T> {
        for w in &mut self.weight {
            match dtype {
                DType::BF16 => *w = T::of(bf16::from_f32(w.to_f64() as f32).to_f64()),
                DType::F16 => *w = T::of(f16::from_f32(w.to_f64() as f32).to_f64()),
                _ => return self,
            }
        }
        self
    }

    pub fn new(filter: Filter, m: &Move) -> Axis<T> {
        let (index, weight, count) = Default::default();
        let mut axis = Axis { size: m.size, out: m.out, most: 0, index, weight, count, two: false };
        let step: T = step(m);
        let taps: Vec<Vec<(usize, T)>> = (0..m.out)
            .map(|o| match filter {
                Filter::Nearest | Filter::NearestExact => vec![(nearest(filter, m, o), T::of(1.0))],
                Filter::Linear => linear(m, step, o),
                Filter::Cubic => cubic(m, step, o),
                Filter::SmoothLinear => smooth(m, step, o, 1.0, triangle),
                Filter::SmoothCubic => smooth(m, step, o, 2.0, |x| cubic_at(x, -0.5)),
                Filter::SmoothLanczos => smooth(m, step, o, 3.0, lanczos),
            })
            .collect();
        axis.most = taps.iter().map(Vec::len).max().unwrap_or(0).max(1);
        for list in taps {
            axis.count.push(list.len());
            let gap = axis.most - list.len();
            axis.index.extend(list.iter().map(|t| t.0).chain(std::iter::repeat_n(0, gap)));
            axis.weight.extend(list.iter().map(|t| t.1).chain(std::iter::repeat_n(T::default(), gap)));
        }
        axis.two = axis.most == 2 && axis.count.iter().all(|&n| n == 2);
        axis
    }
}

/// Elements of the input for one of the output.
fn step<T: Real>(m: &Move) -> T {
    if m.align_corners {
        return if m.out > 1 { T::of((m.size - 1) as f64) / T::of((m.out - 1) as f64) } else { T::of(0.0) };
    }
    match m.scale {
        Some(s) if s > 0.0 => T::of(1.0 / s),
        _ => T::of(m.size as f64) / T::of(m.out as f64),
    }
}

/// The element that an element of the output is a copy of. PyTorch computes places in single precision, whatever the dtype.
pub(super) fn nearest(filter: Filter, m: &Move, o: usize) -> usize {
    let step: f32 = step(&Move { align_corners: false, ..*m });
    let at = match filter {
        Filter::NearestExact => ((o as f64 + 0.5) * f64::from(step)) as f32,
        _ if m.out == m.size => return o,
        _ if m.out == 2 * m.size => return o / 2,
        _ => o as f32 * step,
    };
    (at.floor().max(0.0) as usize).min(m.size - 1)
}

/// The place of an element in the input, where the edges or middles at the ends meet.
fn place<T: Real>(m: &Move, step: T, o: usize) -> T {
    if m.align_corners { step * T::of(o as f64) } else { step.madd::<true>(T::of(o as f64) + T::of(0.5), T::of(-0.5)) }
}

/// The element before a place, which may be -1 or less, and the way from it.
fn split<T: Real>(at: T, size: usize) -> (i64, T) {
    let index = (at.to_f64().floor() as i64).min(size as i64 - 1);
    let rest = at - T::of(index as f64);
    (
        index,
        if rest < T::of(0.0) {
            T::of(0.0)
        } else if rest > T::of(1.0) {
            T::of(1.0)
        } else {
            rest
        },
    )
}

fn linear<T: Real>(m: &Move, step: T, o: usize) -> Vec<(usize, T)> {
    if m.size == m.out {
        return vec![(o, T::of(1.0)), (o, T::of(0.0))];
    }
    let at = place(m, step, o);
    let (index, rest) = split(if at < T::of(0.0) { T::of(0.0) } else { at }, m.size);
    let index = index as usize;
    vec![(index, T::of(1.0) - rest), ((index + 1).min(m.size - 1), rest)]
}

/// A triangle of radius 1; the distance is positive.
fn triangle<T: Real>(x: T) -> T {
    if x < T::of(1.0) { T::of(1.0) - x } else { T::of(0.0) }
}

/// `sinc(x) * sinc(x / 3)` up to 3.
fn lanczos<T: Real>(x: T) -> T {
    let sinc = |x: f64| if x == 0.0 { 1.0 } else { (x * std::f64::consts::PI).sin() / (x * std::f64::consts::PI) };
    let x = x.to_f64();
    T::of(if x < 3.0 { sinc(x) * sinc(x / 3.0) } else { 0.0 })
}

/// The cubic of a step of 1: the distance is positive.
fn cubic_at<T: Real>(x: T, a: f64) -> T {
    let of = T::of;
    if x < of(1.0) {
        ((of(a + 2.0) * x - of(a + 3.0)) * x) * x + of(1.0)
    } else if x < of(2.0) {
        ((of(a) * x - of(5.0 * a)) * x + of(8.0 * a)) * x - of(4.0 * a)
    } else {
        of(0.0)
    }
}

/// The weights of the four elements around a place that is this far behind the second of them.
pub(super) fn cubic_weights<T: Real>(rest: T) -> [T; 4] {
    let one = T::of(1.0);
    let far = |x: T| {
        let a = T::of(-0.75);
        ((a * x - T::of(5.0) * a) * x + T::of(8.0) * a) * x - T::of(4.0) * a
    };
    let near = |x: T| (T::of(1.25) * x - T::of(2.25)) * x * x + one;
    [far(rest + one), near(rest), near(one - rest), far(one - rest + one)]
}

fn cubic<T: Real>(m: &Move, step: T, o: usize) -> Vec<(usize, T)> {
    let (index, rest) = split(place(m, step, o), m.size);
    let weights = cubic_weights(rest);
    let at = |k: usize| (index - 1 + k as i64).clamp(0, m.size as i64 - 1) as usize;
    (0..4).map(|k| (at(k), weights[k])).collect()
}

/// The elements under a curve of this radius, which grows with the step where that is over 1.
fn smooth<T: Real>(m: &Move, step: T, o: usize, radius: f64, curve: impl Fn(T) -> T) -> Vec<(usize, T)> {
    let one = T::of(1.0);
    let grown = step >= one;
    let support = if grown { T::of(radius) * step } else { T::of(radius) };
    let shrink = if grown { one / step } else { one };
    let middle = T::of(step.to_f64() * (o as f64 + 0.5));
    let first = ((middle - support).to_f64() + 0.5).max(0.0) as usize;
    let end = (((middle + support).to_f64() + 0.5) as usize).min(m.size);
    let weight = |i: usize| {
        let away = T::of((i as f64 - middle.to_f64() + 0.5) * shrink.to_f64());
        curve(away.abs())
    };
    let mut taps: Vec<(usize, T)> = (first..end.max(first)).map(|i| (i, weight(i))).collect();
    let total = taps.iter().fold(T::default(), |sum, t| sum + t.1);
    if total != T::default() {
        taps.iter_mut().for_each(|t| t.1 = t.1 / total);
    }
    taps
}
