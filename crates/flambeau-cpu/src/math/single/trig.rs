//! Sine, cosine and tangent of angles of any size.
//!
//! The angle is reduced in double precision, in quarter turns. From 2^24 on, where an angle is an integer of 24 bits times a
//! power of two, a table has that power's quarter turns, less whole turns; before, it has `2 / pi`. Its first part gives exact
//! products, the second the rest. No branch, and no argument is too large.

use super::super::double::exp::nearest;
use super::super::step::{MulAdd, poly};
use super::super::turns::SINGLE;

/// From here on an angle needs the table.
const QUICK_END: f32 = 1048576.0;

/// The angle less quarter turns, and the number of quarter turns. The quick form, without the table, is for angles below
/// [`QUICK_END`].
#[inline(always)]
fn reduce<L: MulAdd>(x: f32) -> (f64, u32) {
    if L::QUICK {
        let x = f64::from(x);
        let (whole, n) = nearest(x * core::f64::consts::FRAC_2_PI);
        let r = L::madd(-whole, core::f64::consts::FRAC_PI_2, x);
        return (L::madd(-whole, 6.123233995736766e-17, r), n as u32);
    }
    let exponent = (x.to_bits() >> 23) & 0xFF;
    let entry = exponent.saturating_sub(150);
    let [t0, t1] = SINGLE[(entry & 127) as usize];
    let x = f64::from(x * f32::from_bits((127 - entry) << 23));
    let p = x * t0;
    let (whole, n) = nearest(L::madd(x, t1, p));
    let f = L::madd(x, t1, p - whole);
    (f * core::f64::consts::FRAC_PI_2, n as u32)
}

/// The value, or nan where the quick reduction does not hold.
#[inline(always)]
fn within<L: MulAdd>(x: f32, y: f32) -> f32 {
    if !L::QUICK | (x.abs() < QUICK_END) { y } else { f32::NAN }
}

/// The sine within an eighth of a turn.
#[inline(always)]
fn sine<L: MulAdd>(r: f32) -> f32 {
    let z = r * r;
    L::madd32(z * r, poly!(L::madd32, z; -1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4), r)
}

/// The cosine within an eighth of a turn.
#[inline(always)]
fn cosine<L: MulAdd>(r: f32) -> f32 {
    let z = r * r;
    let p = poly!(L::madd32, z; 4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5);
    1.0 + L::madd32(z * z, p, -0.5 * z)
}

/// Sine for an even number of quarter turns, cosine for an odd one, with the sign of the half turn.
#[inline(always)]
fn turned<L: MulAdd>(r: f32, n: u32) -> f32 {
    let v = if n & 1 == 0 { sine::<L>(r) } else { cosine::<L>(r) };
    f32::from_bits(v.to_bits() ^ ((n & 2) << 30))
}

#[inline(always)]
pub(in crate::math) fn sin<L: MulAdd>(x: f32) -> f32 {
    let (r, n) = reduce::<L>(x);
    let y = turned::<L>(r as f32, n);
    // The quarter turns of zero have lost its sign.
    within::<L>(x, if x == 0.0 { x } else { y })
}

#[inline(always)]
pub(in crate::math) fn cos<L: MulAdd>(x: f32) -> f32 {
    let (r, n) = reduce::<L>(x);
    within::<L>(x, turned::<L>(r as f32, n.wrapping_add(1)))
}

#[inline(always)]
pub(in crate::math) fn tan<L: MulAdd>(x: f32) -> f32 {
    let (r, n) = reduce::<L>(x);
    let z = r * r;
    let s = L::madd(
        z * r,
        poly!(L::madd, z; -0.166666666416265235595, 0.0083333293858894631756,
        -0.000198393348360966317347, 0.0000027183114939898219064),
        r,
    );
    let c = poly!(L::madd, z; 1.0, -0.499999997251031003120, 0.0416666233237390631894, -0.00138867637746099294692,
        0.0000243904487962774090654);
    let even = n & 1 == 0;
    let y = (if even { s } else { -c } / if even { c } else { s }) as f32;
    within::<L>(x, if x == 0.0 { x } else { y })
}
