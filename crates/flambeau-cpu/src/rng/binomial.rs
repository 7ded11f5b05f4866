//! Numbers of the binomial distribution.

use super::Generator;

/// What Stirling's approximation of `ln(k!)` leaves out, for `k` up to 9.
const TAILS: [f64; 10] = [
    0.0810614667953272,
    0.0413406959554092,
    0.0276779256849983,
    0.02079067210376509,
    0.0166446911898211,
    0.0138761288230707,
    0.0118967099458917,
    0.010411265261972,
    0.00925546218271273,
    0.00833056343336287,
];

fn tail(k: f64) -> f64 {
    if k < TAILS.len() as f64 {
        return TAILS[k as usize];
    }
    let square = (k + 1.0) * (k + 1.0);
    (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / 1260.0 / square) / square) / (k + 1.0)
}

/// The rounding of what PyTorch computes in the dtype of the counts.
#[derive(Clone, Copy)]
struct Precision {
    single: bool,
}

impl Precision {
    fn near(self, v: f64) -> f64 {
        if self.single { f64::from(v as f32) } else { v }
    }
}

impl Generator {
    /// How many of `count` trials succeed, each with probability `prob`. With `single`, what PyTorch computes from
    /// arguments of float32 alone is rounded to that.
    pub fn binomial(&mut self, count: f64, prob: f64, single: bool) -> f64 {
        let precision = Precision { single };
        if count <= 0.0 || prob <= 0.0 {
            0.0
        } else if prob >= 1.0 {
            count
        } else if prob <= 0.5 {
            self.successes(count, prob, precision)
        } else if prob > 0.5 {
            count - self.successes(count, precision.near(1.0 - prob), precision)
        } else {
            f64::NAN
        }
    }

    /// For probabilities up to a half.
    fn successes(&mut self, count: f64, prob: f64, precision: Precision) -> f64 {
        if precision.near(count * prob) >= 10.0 {
            return self.by_rejection(count, prob, precision);
        }
        // The trials up to each success are of the geometric distribution.
        let log = if precision.single { f64::from((-(prob as f32)).ln_1p()) } else { (-prob).ln_1p() };
        let (mut trials, mut successes) = (0.0, 0.0);
        loop {
            trials += (self.unit_f64().ln() / log).ceil();
            if trials.is_nan() || count.is_nan() || trials > count {
                return successes;
            }
            successes += 1.0;
        }
    }

    /// By transformed rejection (Hörmann, 1993).
    fn by_rejection(&mut self, count: f64, prob: f64, precision: Precision) -> f64 {
        let near = |v| precision.near(v);
        let deviation = near(near(near(count * prob) * near(1.0 - prob)).sqrt());
        let b = 1.15 + 2.53 * deviation;
        let a = -0.0873 + 0.0248 * b + 0.01 * prob;
        let c = near(count * prob) + 0.5;
        let tight = 0.92 - 4.2 / b;
        let odds = near(prob / near(1.0 - prob));
        let alpha = (2.83 + 5.1 / b) * deviation;
        let mode = near(near(count + 1.0) * prob).floor();
        loop {
            let u = self.unit_f64() - 0.5;
            let v = self.unit_f64();
            let us = 0.5 - u.abs();
            let k = near(((2.0 * a / us + b) * u + c).floor());
            if k < 0.0 || k > count {
                continue;
            }
            if us >= 0.07 && v <= tight {
                return k;
            }
            let v = (v * alpha / (a / (us * us) + b)).ln();
            let bound = (mode + 0.5) * ((mode + 1.0) / (odds * (count - mode + 1.0))).ln()
                + (count + 1.0) * ((count - mode + 1.0) / (count - k + 1.0)).ln()
                + (k + 0.5) * (odds * (count - k + 1.0) / (k + 1.0)).ln()
                + tail(mode)
                + tail(count - mode)
                - tail(k)
                - tail(count - k);
            if v <= bound {
                return k;
            }
        }
    }
}
