//! The logarithm of the gamma function and its derivative.
//!
//! The quick forms are for positive arguments (of `lgamma` also for negative ones, by reflection): a polynomial around two, whose zeros stand as factors, for arguments up to three,
//! those below one moved up by one; Stirling's series beyond.

use super::super::double::gamma as double;
use super::super::step::{MulAdd, poly};
use super::wide;

#[inline(always)]
pub(in crate::math) fn lgamma<L: MulAdd>(x: f32) -> f32 {
    let wide = f64::from(x);
    if L::QUICK { quick_lgamma::<L>(wide) as f32 } else { double::lgamma::<L>(wide) as f32 }
}

#[inline(always)]
pub(in crate::math) fn digamma<L: MulAdd>(x: f32) -> f32 {
    let wide = f64::from(x);
    if L::QUICK { quick_digamma::<L>(wide) as f32 } else { double::digamma::<L>(wide) as f32 }
}

/// `|x sin(pi x) / pi|`.
#[inline(always)]
fn reflection<L: MulAdd>(x: f64) -> f64 {
    let f = x - x.round_ties_even();
    let s = f * f;
    let p = poly!(L::madd, s; 0.9999999999999496, -1.6449340668284878, 0.8117424240194722, -0.19075179376007553,
        0.026147500242204993, -0.0023440357436859674, 0.0001424411546151204);
    (x * f * p).abs()
}

#[inline(always)]
fn quick_lgamma<L: MulAdd>(number: f64) -> f64 {
    let x = number.abs();
    let log = wide::log::<L>(x);
    let low = x < 1.0;
    let t = if low { x - 1.0 } else { x - 2.0 };
    let p = poly!(L::madd, t; 0.42278433509846713, -0.10031730365388107, 0.0329650015629158, -0.012384118740166294,
        0.004998606220335257, -0.0021089123141546304, 0.0009157486745967217, -0.00040208398465581486,
        0.00018082918739853102, -9.156393009115464e-05, 4.21961700088446e-05, -7.419384726112594e-06,
        3.3533533341591794e-06, -9.635132280360914e-06, 4.557242319860892e-06);
    let near = L::madd(t * p, t + 1.0, if low { -log } else { 0.0 });
    let r = 1.0 / x;
    let series = poly!(L::madd, r * r; 0.08333333330240195, -0.002777763776343079, 0.0007926112796567787,
        -0.0005671814041535567, 0.0005045318717343812);
    let far = L::madd(x - 0.5, log, -x) + L::madd(r, series, 0.9189385332046727);
    let y = if x < 3.0 { near } else { far };
    // gamma(x) gamma(-x) = -pi / (x sin(pi x)), with poles at the integers. Near a zero the difference has too few digits.
    let product = reflection::<L>(x);
    let reflected = -wide::log::<L>(product) - y;
    let reflected = if reflected.abs() < 0.03 { f64::NAN } else { reflected };
    let reflected = if product == 0.0 { f64::INFINITY } else { reflected };
    let y = if number < 0.0 { reflected } else { y };
    if (x > 0.0) & (x < f64::INFINITY) { y } else { f64::NAN }
}

#[inline(always)]
fn quick_digamma<L: MulAdd>(x: f64) -> f64 {
    let log = wide::log::<L>(x);
    let low = x < 1.0;
    let t = if low { x - 1.0 } else { x - 2.0 };
    let p = poly!(L::madd, t; 0.7853075381208918, -0.26073895444142026, 0.10899997874817026, -0.04955106377966833,
        0.023446026149670566, -0.011337790897811506, 0.0055623243935034395, -0.002744607450892469,
        0.001319837347085856, -0.0006561630523782947, 0.00041394525573455016, -0.0002065672427155629,
        2.2954607237445265e-07, -7.61409142849533e-08, 6.33610438021139e-05, -3.167292632354949e-05);
    let r = 1.0 / x;
    // From digamma's zero, which is 0.538 before two.
    let near = L::madd(t + 0.5383678550316377, p, if low { -r } else { 0.0 });
    let z = r * r;
    let series = poly!(L::madd, z; 0.08333333302898548, -0.008333195428618415, 0.003957962501202982,
        -0.003885669332656079, 0.004109370910981499);
    let far = log - L::madd(z, series, 0.5 * r);
    let y = if x < 3.0 { near } else { far };
    if (x > 0.0) & (x < f64::INFINITY) { y } else { f64::NAN }
}
