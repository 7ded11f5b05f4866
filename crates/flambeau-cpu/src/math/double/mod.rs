//! Double precision bodies.

pub(super) mod arc;
pub(super) mod erf;
pub(super) mod exp;
pub(super) mod gamma;
pub(super) mod hyper;
pub(super) mod log;
pub(super) mod pow;
pub(super) mod trig;

super::basic::basic!(f64, u64, 4503599627370496.0);

/// C's remainder. With the fused instruction a quotient below 2^52, rounded up at most to the next integer, leaves the exact
/// remainder or that less `y`; other arguments take the exact long division.
#[inline(always)]
pub(super) fn fmod<L: MulAdd>(x: f64, y: f64) -> f64 {
    let (a, b) = (x.abs(), y.abs());
    if L::QUICK {
        let q = trunc::<L>(a / b);
        let r = L::madd(-q, b, a);
        let r = copysign(if r < 0.0 { r + b } else { r }, x);
        return if (q < INTEGRAL) & (b < f64::INFINITY) { r } else { f64::NAN };
    }
    if L::FUSED & (a < b * INTEGRAL) & (b < f64::INFINITY) {
        let r = L::madd(-trunc::<L>(a / b), b, a);
        copysign(if r < 0.0 { r + b } else { r }, x)
    } else {
        x % y
    }
}
