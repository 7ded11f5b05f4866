//! Normalized values as formulas: what second gradients of normalization layers are made of.

use crate::ops::Val;

/// `(x - mean) * rstd` over some dimensions, in differentiable operators.
pub(crate) struct Normal {
    /// The normalized values.
    pub hat: Val,
    rstd: Val,
    dims: Vec<i64>,
}

impl Normal {
    /// Normalizes over `dims`.
    pub(crate) fn new(x: &Val, dims: Vec<i64>, eps: f64) -> Normal {
        let mean = |v: &Val| v.mean_dim_with(Some(&dims), true, None);
        let centred = x - mean(x);
        let rstd = (mean(&(&centred * &centred)) + eps).rsqrt();
        Normal { hat: centred * &rstd, rstd, dims }
    }

    fn mean(&self, v: &Val) -> Val {
        v.mean_dim_with(Some(&self.dims), true, None)
    }

    /// What is left of `v` without its mean and its part along the normalized values: the slope of normalization, up to
    /// `rstd`. It is its own transpose.
    fn project(&self, v: &Val) -> Val {
        v - self.mean(v) - &self.hat * self.mean(&(v * &self.hat))
    }

    /// The gradient for x of `sum(h * rstd * project(grad))`.
    pub(crate) fn second(&self, h: &Val, grad: &Val) -> Val {
        let along = self.mean(&(grad * &self.hat)) * h + self.mean(&(h * &self.hat)) * grad;
        let stretch = self.mean(&(h * self.project(grad)));
        -(&self.rstd * &self.rstd * (&self.hat * stretch + self.project(&along)))
    }
}
