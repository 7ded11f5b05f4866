//! Where a place of a grid lies in an image, and which elements are around it, along one dimension.

use super::axis::cubic_weights;
use super::grid::GridFilter;
use crate::reduce::real::Real;

/// What lies outside an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// Zeros.
    Zeros,
    /// The elements at the border.
    Border,
    /// The image again, mirrored.
    Reflection,
}

/// An element, by its index inside the image, its weight, and how the weight grows as the place moves on by one element.
#[derive(Clone, Copy)]
pub(super) struct Tap<T> {
    pub index: Option<usize>,
    pub weight: T,
    pub slope: T,
}

/// The elements around a place along one dimension.
pub(super) struct Taps<T> {
    pub list: [Tap<T>; 4],
    pub count: usize,
    /// Elements that the place moves on by, for a move of one in the grid.
    pub speed: T,
}

/// One dimension of the image.
#[derive(Clone, Copy)]
pub(super) struct Side {
    pub size: usize,
    pub filter: GridFilter,
    pub border: Border,
    pub align_corners: bool,
    /// One of two: a place that is no number is no number there.
    pub flat: bool,
}

impl Side {
    /// A place between -1 and 1 as one between the elements, and its speed.
    fn within<T: Real>(&self, x: T) -> (T, T) {
        let (one, half) = (T::of(1.0), T::of(0.5));
        if self.align_corners {
            let speed = T::of((self.size as f64 - 1.0) / 2.0);
            ((x + one) * speed, speed)
        } else {
            let speed = T::of(self.size as f64 / 2.0);
            ((x + one) * speed - half, speed)
        }
    }

    /// A place brought into the image, and the speed that is left of 1.
    fn bounded<T: Real>(&self, x: T) -> (T, f64) {
        match self.border {
            Border::Zeros => (x, 1.0),
            Border::Border => self.clipped(x),
            Border::Reflection => {
                let n = self.size as f64;
                let (low, span) = if self.align_corners { (0.0, n - 1.0) } else { (-0.5, n) };
                let (x, a) = reflected(x, low, span);
                let (x, b) = self.clipped(x);
                (x, a * b)
            }
        }
    }

    fn clipped<T: Real>(&self, x: T) -> (T, f64) {
        let (zero, last) = (T::of(0.0), T::of(self.size as f64 - 1.0));
        // A nan is at the first element.
        if x >= last && x > zero {
            (last, 0.0)
        } else if x > zero {
            (x, 1.0)
        } else {
            (zero, 0.0)
        }
    }

    /// A place that is not at or beyond the border.
    #[inline(always)]
    fn inner<T: Real>(&self, x: T) -> Option<T> {
        let (mut at, _) = self.within(x);
        if self.border == Border::Reflection && !self.align_corners {
            // As the way there and back rounds it.
            at = (at + T::of(0.5)) - T::of(0.5);
        }
        (at >= T::of(0.0) && at < T::of(self.size as f64 - 1.0)).then_some(at)
    }

    /// The element before a place between two elements, and the weights of both, as `taps` finds them. None where that takes
    /// more: at and beyond the border.
    #[inline(always)]
    pub fn between<T: Real>(&self, x: T) -> Option<(usize, T, T)> {
        let at = self.inner(x)?;
        let index = at.to_f64() as usize;
        let floor = T::of(index as f64);
        Some((index, floor + T::of(1.0) - at, at - floor))
    }

    /// What finds the nearest element inside the border.
    pub fn straight<T: Real>(&self) -> Straight<T> {
        let (_, speed) = self.within(T::of(0.0));
        Straight {
            speed,
            shift: T::of(if self.align_corners { 0.0 } else { 0.5 }),
            last: T::of(self.size as f64 - 1.0),
            back: self.border == Border::Reflection && !self.align_corners,
        }
    }

    /// The first of the four elements around a place, and their weights, as `taps` finds them for cubic polynomials. None where
    /// one lies at or beyond the border.
    #[inline(always)]
    pub fn four<T: Real>(&self, x: T) -> Option<(usize, [T; 4])> {
        let (at, _) = self.within(x);
        if !(at >= T::of(1.0) && at < T::of(self.size as f64 - 3.0)) {
            return None;
        }
        let index = at.to_f64() as usize;
        Some((index - 1, cubic_weights(at - T::of(index as f64))))
    }

    fn inside(&self, index: f64) -> Option<usize> {
        (index >= 0.0 && index < self.size as f64).then_some(index as usize)
    }

    /// The elements around a place of the grid.
    pub fn taps<T: Real>(&self, x: T) -> Taps<T> {
        let (one, zero) = (T::of(1.0), T::of(0.0));
        let none = Tap { index: None, weight: zero, slope: zero };
        let (at, speed) = self.within(x);
        let lost = self.flat && !at.to_f64().is_finite();
        if lost
            && (self.filter == GridFilter::Bicubic
                || (self.filter, self.border) == (GridFilter::Bilinear, Border::Zeros))
        {
            let tap = Tap { index: Some(0), weight: T::of(f64::NAN), slope: zero };
            return Taps { list: [tap, none, none, none], count: 1, speed };
        }
        if self.filter == GridFilter::Bicubic {
            let floor = at.to_f64().floor();
            let rest = at - T::of(floor);
            let (weights, slopes) = (cubic_weights(rest), cubic_slopes(rest));
            let mut list = [none; 4];
            for (k, tap) in list.iter_mut().enumerate() {
                let (place, _) = self.bounded(T::of(floor - 1.0 + k as f64));
                *tap = Tap { index: self.inside(place.to_f64().trunc()), weight: weights[k], slope: slopes[k] };
            }
            return Taps { list, count: 4, speed };
        }
        let (at, left) = self.bounded(at);
        let speed = speed * T::of(left);
        if self.filter == GridFilter::Nearest {
            let tap = Tap { index: self.inside(at.to_f64().round_ties_even()), weight: one, slope: zero };
            return Taps { list: [tap, none, none, none], count: 1, speed };
        }
        let floor = at.to_f64().floor();
        let rest = at - T::of(floor);
        let first = Tap { index: self.inside(floor), weight: T::of(floor + 1.0) - at, slope: zero - one };
        let second = Tap { index: self.inside(floor + 1.0), weight: rest, slope: one };
        Taps { list: [first, second, none, none], count: 2, speed }
    }
}

/// One dimension for places inside the border.
pub(super) struct Straight<T> {
    speed: T,
    shift: T,
    last: T,
    /// Places are rounded by the way to a mirror and back.
    back: bool,
}

impl<T: Real> Straight<T> {
    /// The element nearest to a place, as `taps` finds it. None at and beyond the border.
    #[inline(always)]
    pub fn nearest(&self, x: T) -> Option<usize> {
        let half = T::of(0.5);
        let at = (x + T::of(1.0)) * self.speed - self.shift;
        let at = if self.back { (at + half) - half } else { at };
        if !(at >= T::of(0.0) && at < self.last) {
            return None;
        }
        // SAFETY: a number from 0 to the size.
        let index = unsafe { at.to_f64().to_int_unchecked::<i64>() };
        let rest = at - T::of(index as f64);
        // Without branches, which would be guessed wrong half of the time.
        let up = (rest > half) | ((rest == half) & (index & 1 == 1));
        Some((index + i64::from(up)) as usize)
    }
}

/// A place mirrored at both ends of a stretch until it lies within, and whether it then moves on or back.
fn reflected<T: Real>(x: T, low: f64, span: f64) -> (T, f64) {
    if span == 0.0 {
        return (T::of(0.0), 0.0);
    }
    let (low, span) = (T::of(low), T::of(span));
    let from = x - low;
    let (from, sign) = if from < T::of(0.0) { (T::of(0.0) - from, -1.0) } else { (from, 1.0) };
    let rest = T::of(from.to_f64() % span.to_f64());
    if (from / span).to_f64().floor() % 2.0 == 0.0 { (rest + low, sign) } else { (span - rest + low, -sign) }
}

/// How [`cubic_weights`] grow.
fn cubic_slopes<T: Real>(rest: T) -> [T; 4] {
    let (one, of) = (T::of(1.0), T::of);
    let far = |x: T| (of(-2.25) * x + of(7.5)) * x - of(6.0);
    let near = |x: T| (of(3.75) * x - of(4.5)) * x;
    let back = |v: T| of(0.0) - v;
    [far(rest + one), near(rest), back(near(one - rest)), back(far(one - rest + one))]
}
