//! Single precision bodies. What loops call most has its own single precision polynomials; the rest goes through double
//! precision, whose results round to the nearest single.

pub(super) mod arc;
pub(super) mod erf;
pub(super) mod exp;
pub(super) mod gamma;
pub(super) mod hyper;
pub(super) mod log;
pub(super) mod pow;
pub(super) mod trig;
mod wide;

super::basic::basic!(f32, u32, 8388608.0);

/// C's remainder. The quick one divides in single precision: a quotient below 2^23, rounded up at most to the next integer,
/// leaves the exact remainder or that less `y`. Else, below a quotient of 2^28 one division in double precision decides it exactly: the quotient is at least
/// 2^-24 away from the next integer, and its product with `y` has no more than 53 bits.
#[inline(always)]
pub(super) fn fmod<L: MulAdd>(x: f32, y: f32) -> f32 {
    if L::QUICK {
        let (a, b) = (x.abs(), y.abs());
        let q = trunc::<L>(a / b);
        let r = L::madd32(-q, b, a);
        let r = copysign(if r < 0.0 { r + b } else { r }, x);
        return if (q < INTEGRAL) & (b < f32::INFINITY) { r } else { f32::NAN };
    }
    let (a, b) = (f64::from(x.abs()), f64::from(y.abs()));
    if (a < b * 268435456.0) & (b < f64::INFINITY) {
        let q = super::double::trunc::<L>(a / b);
        copysign((a - q * b) as f32, x)
    } else {
        x % y
    }
}
