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

super::basic::basic!(f32, u32, 8388608.0);

/// C's remainder. Below a quotient of 2^28 one division in double precision decides it exactly: the quotient is at least
/// 2^-24 away from the next integer, and its product with `y` has no more than 53 bits.
#[inline(always)]
pub(super) fn fmod<L: MulAdd>(x: f32, y: f32) -> f32 {
    let (a, b) = (f64::from(x.abs()), f64::from(y.abs()));
    if (a < b * 268435456.0) & (b < f64::INFINITY) {
        let q = super::double::trunc::<L>(a / b);
        copysign((a - q * b) as f32, x)
    } else {
        x % y
    }
}
