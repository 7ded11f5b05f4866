//! The search along a direction for a step that meets the strong Wolfe conditions.

use std::ops::{Add, Div, Mul, Neg, Sub};

use flambeau_tensor::{DType, Result, Tensor, bf16, f16};

use super::state_dict::{FromState, StateValue};

/// A number that is, in PyTorch, a 0-d tensor of a dtype or a plain float: a result is rounded to the dtype of the tensor
/// in it, as PyTorch's would be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Real {
    pub value: f64,
    dtype: Option<DType>,
}

impl Real {
    /// The one element of a tensor.
    pub fn of(tensor: &Tensor) -> Result<Real> {
        Ok(Real { value: tensor.item()?.to_f64(), dtype: Some(tensor.dtype()) })
    }

    fn rounded(value: f64, dtype: Option<DType>) -> Real {
        let value = match dtype {
            Some(DType::F32) => f64::from(value as f32),
            Some(DType::BF16) => bf16::from_f32(value as f32).to_f64(),
            Some(DType::F16) => f16::from_f32(value as f32).to_f64(),
            _ => value,
        };
        Real { value, dtype }
    }

    fn with(self, other: Real, f: impl Fn(f64, f64) -> f64) -> Real {
        let dtype = self.dtype.or(other.dtype);
        let (a, b) = (Real::rounded(self.value, dtype), Real::rounded(other.value, dtype));
        Real::rounded(f(a.value, b.value), dtype)
    }

    pub fn abs(self) -> Real {
        Real { value: self.value.abs(), ..self }
    }

    fn sqrt(self) -> Real {
        Real::rounded(self.value.sqrt(), self.dtype)
    }

    /// The smaller of two, the first if they are equal: with Python's `min`, a number keeps its kind.
    pub fn min(self, other: impl Into<Real>) -> Real {
        let other = other.into();
        if other.less(self) { other } else { self }
    }

    fn max(self, other: impl Into<Real>) -> Real {
        let other = other.into();
        if self.less(other) { other } else { self }
    }

    pub fn less(self, other: impl Into<Real>) -> bool {
        let (other, dtype) = (other.into(), self.dtype);
        let dtype = dtype.or(other.dtype);
        Real::rounded(self.value, dtype).value < Real::rounded(other.value, dtype).value
    }

    pub fn at_most(self, other: impl Into<Real>) -> bool {
        let (other, dtype) = (other.into(), self.dtype);
        let dtype = dtype.or(other.dtype);
        Real::rounded(self.value, dtype).value <= Real::rounded(other.value, dtype).value
    }
}

impl From<f64> for Real {
    fn from(value: f64) -> Real {
        Real { value, dtype: None }
    }
}

macro_rules! arithmetic {
    ($($trait:ident $method:ident $op:tt),*) => {$(
        impl<R: Into<Real>> $trait<R> for Real {
            type Output = Real;
            fn $method(self, other: R) -> Real { self.with(other.into(), |a, b| a $op b) }
        }
        impl $trait<Real> for f64 {
            type Output = Real;
            fn $method(self, other: Real) -> Real { Real::from(self).with(other, |a, b| a $op b) }
        }
    )*};
}
arithmetic!(Add add +, Sub sub -, Mul mul *);

impl<R: Into<Real>> Div<R> for Real {
    type Output = Real;
    fn div(self, other: R) -> Real {
        let other = other.into();
        if self.dtype.is_none() && other.dtype.is_some() {
            // Python divides a float by a tensor as the tensor's reciprocal times the float, which rounds twice.
            return other.with(1.0.into(), |b, one| one / b) * self;
        }
        self.with(other, |a, b| a / b)
    }
}

impl Div<Real> for f64 {
    type Output = Real;
    fn div(self, other: Real) -> Real {
        Real::from(self) / other
    }
}

impl Neg for Real {
    type Output = Real;
    fn neg(self) -> Real {
        Real { value: -self.value, ..self }
    }
}

impl From<Real> for StateValue {
    fn from(v: Real) -> StateValue {
        match v.dtype {
            Some(dtype) => Tensor::scalar(v.value, dtype).into(),
            None => v.value.into(),
        }
    }
}

impl FromState for Real {
    fn from_state(value: &StateValue) -> Option<Real> {
        match value {
            StateValue::Tensor(t) => Real::of(t).ok(),
            other => other.read::<f64>().map(Real::from),
        }
    }
}

/// A place along the direction: how far it is, and the loss, gradient and slope there.
#[derive(Clone)]
pub(super) struct Point {
    pub t: Real,
    pub loss: f64,
    pub grad: Tensor,
    pub slope: Real,
}

/// The loss and gradient at a step along the direction.
pub(super) type Evaluate<'a> = dyn FnMut(Real) -> Result<(f64, Tensor)> + 'a;

pub(super) struct Search<'a> {
    pub direction: &'a Tensor,
    pub start: Point,
    pub evaluate: &'a mut Evaluate<'a>,
    /// How many further points may be looked at.
    pub most: i64,
    /// How often the loss was computed.
    pub evaluations: i64,
}

impl Search<'_> {
    fn at(&mut self, t: Real) -> Result<Point> {
        let (loss, grad) = (self.evaluate)(t)?;
        self.evaluations += 1;
        let slope = Real::of(&grad.dot(self.direction)?)?;
        Ok(Point { t, loss, grad, slope })
    }

    /// Whether the loss has not fallen as far as the slope at the start promises.
    fn too_high(&self, point: &Point) -> bool {
        (self.start.loss + 1e-4 * point.t * self.start.slope).less(point.loss)
    }

    fn flat_enough(&self, point: &Point) -> bool {
        point.slope.abs().at_most(-0.9 * self.start.slope)
    }

    /// The point found, beginning at the step `t`.
    pub fn run(&mut self, t: Real) -> Result<Point> {
        let mut before = self.start.clone();
        let mut here = self.at(t)?;
        let mut looked = 0;
        loop {
            if looked >= self.most {
                before = self.start.clone();
                break;
            }
            if self.too_high(&here) || (looked > 1 && here.loss >= before.loss) {
                break;
            }
            if self.flat_enough(&here) {
                return Ok(here);
            }
            if Real::from(0.0).at_most(here.slope) {
                break;
            }
            let (low, high) = (here.t + 0.01 * (here.t - before.t), here.t * 10.0);
            let next = self.at(cubic(&before, &here, low, high))?;
            before = std::mem::replace(&mut here, next);
            looked += 1;
        }
        self.zoom([before, here], looked)
    }

    /// Narrows a bracket that holds a good step.
    fn zoom(&mut self, mut bracket: [Point; 2], mut looked: i64) -> Result<Point> {
        let reach = Real::of(&self.direction.abs()?.max()?)?;
        let lower = |bracket: &[Point; 2]| usize::from(bracket[0].loss > bracket[1].loss);
        let mut low = lower(&bracket);
        let mut stuck = false;
        while looked < self.most {
            let (a, b) = (bracket[0].t, bracket[1].t);
            if ((b - a).abs() * reach).less(1e-9) {
                break;
            }
            let (left, right) = (a.min(b), a.max(b));
            let ordered = if a.at_most(b) { (a, b) } else { (b, a) };
            let mut t = cubic(&bracket[0], &bracket[1], ordered.0, ordered.1);
            let margin = 0.1 * (right - left);
            if (right - t).min(t - left).less(margin) {
                if stuck || right.at_most(t) || t.at_most(left) {
                    let nearer_right = (t - right).abs().less((t - left).abs());
                    t = if nearer_right { right - margin } else { left + margin };
                    stuck = false;
                } else {
                    stuck = true;
                }
            } else {
                stuck = false;
            }
            let here = self.at(t)?;
            looked += 1;
            let high = 1 - low;
            if self.too_high(&here) || here.loss >= bracket[low].loss {
                bracket[high] = here;
                low = lower(&bracket);
                continue;
            }
            let good = self.flat_enough(&here);
            if !good && Real::from(0.0).at_most(here.slope * (bracket[high].t - bracket[low].t)) {
                bracket[high] = bracket[low].clone();
            }
            bracket[low] = here;
            if good {
                break;
            }
        }
        let [first, second] = bracket;
        Ok(if low == 0 { first } else { second })
    }
}

/// The lowest place of the cubic through two points with their slopes, kept within bounds.
fn cubic(a: &Point, b: &Point, low: Real, high: Real) -> Real {
    let (x1, g1, x2, g2) = (a.t, a.slope, b.t, b.slope);
    let d1 = g1 + g2 - 3.0 * (a.loss - b.loss) / (x1 - x2);
    let square = d1 * d1 - g1 * g2;
    // Not `square < 0`: what is no number goes to the middle too.
    if !Real::from(0.0).at_most(square) {
        return (low + high) / 2.0;
    }
    let d2 = square.sqrt();
    let place = if x1.at_most(x2) {
        x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2.0 * d2))
    } else {
        x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2.0 * d2))
    };
    place.max(low).min(high)
}
