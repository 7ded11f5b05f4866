//! Numbers of the gamma distribution.

use super::Generator;

/// A third, in the single precision that PyTorch writes it in, whatever the dtype.
const THIRD: f64 = (1.0f32 / 3.0) as f64;
/// The constant of the squeeze, likewise.
const SQUEEZE: f64 = 0.0331f32 as f64;

impl Generator {
    /// A number of the gamma distribution of shape `alpha` and scale 1, by the rejection of Marsaglia and Tsang (2000). With
    /// `single`, what PyTorch computes from `alpha` of float32 alone is rounded to that.
    ///
    /// NaN where no number would ever be accepted: of a shape that is NaN or negative.
    pub fn standard_gamma(&mut self, alpha: f64, single: bool) -> f64 {
        let near = |v: f64| if single { f64::from(v as f32) } else { v };
        let (mut alpha, mut scale) = (alpha, 1.0);
        if alpha < 1.0 {
            if alpha == 0.0 {
                return 0.0;
            }
            // The shape is raised by one, where more is accepted, and the number is scaled down for it.
            scale = (1.0 - self.unit_f64()).powf(near(1.0 / alpha));
            alpha = near(alpha + 1.0);
        }
        let d = near(alpha - THIRD);
        if d.is_nan() || d <= 0.0 {
            return f64::NAN;
        }
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let (x, y) = loop {
                let x = self.standard_normal();
                let y = 1.0 + c * x;
                if y > 0.0 {
                    break (x, y);
                }
            };
            let v = y * y * y;
            let u = 1.0 - self.unit_f64();
            let xx = x * x;
            if u < 1.0 - SQUEEZE * xx * xx || u.ln() < 0.5 * xx + d * (1.0 - v + v.ln()) {
                return scale * d * v;
            }
        }
    }
}
