//! Functions of the normal distribution, the scaled error function, and Airy's function, the last with Cephes' approximations.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, PI};

use flambeau_cpu::math::plain::f64 as math;

use crate::ops::{op, rule, samples};
use crate::{DType, Error, Result, Tensor};

/// Single and double precision; integers give the default float type.
fn precise(x: &Tensor, what: &str) -> Result<DType> {
    let d = rule::int_to_float(x);
    if !matches!(d, DType::F32 | DType::F64) {
        return Err(Error::not_implemented(format!("\"{what}\" not implemented for '{}'", d.title())));
    }
    Ok(d)
}

/// The value of a polynomial, its highest coefficient first.
#[inline(always)]
fn poly<const N: usize>(x: f64, c: [f64; N]) -> f64 {
    c.iter().fold(0.0, |sum, &c| sum * x + c)
}

/// `exp(x * x) * erfc(x)`.
pub(crate) fn erfcx(x: f64) -> f64 {
    // The square in two parts, so that its exponential is exact.
    let square = x * x;
    let rest = x.mul_add(x, -square);
    if x < 10.0 {
        if x < -26.7 {
            return f64::INFINITY;
        }
        return (square.exp() + square.exp() * rest) * math::erfc(x);
    }
    if x.is_nan() {
        return x;
    }
    if x > 1e8 {
        return 0.5 * FRAC_2_SQRT_PI / x;
    }
    // The asymptotic series: its terms fall long enough from here on.
    let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
    while f64::abs(term) > 1e-17 {
        term *= -k / (2.0 * square);
        sum += term;
        k += 2.0;
    }
    0.5 * FRAC_2_SQRT_PI / x * sum
}

/// The logarithm of the area under the normal curve below `x`.
pub(crate) fn log_ndtr(x: f64) -> f64 {
    let t = x * FRAC_1_SQRT_2;
    if x < -1.0 { (erfcx(-t) / 2.0).ln() - t * t } else { (-math::erfc(t) / 2.0).ln_1p() }
}

/// The point below which the area `p` under the normal curve lies.
#[rustfmt::skip]
pub(crate) fn ndtri(p: f64) -> f64 {
    const EDGE: f64 = 0.135_335_283_236_612_7; // exp(-2)
    if p == 0.0 || p == 1.0 {
        return if p == 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    let upper = p > 1.0 - EDGE;
    let tail = if upper { 1.0 - p } else { p };
    if tail > EDGE {
        let y = tail - 0.5;
        let z = y * y;
        let num = poly(z, [-59.9633501014107895267, 98.0010754185999661536, -56.6762857469070293439, 13.9312609387279679503, -1.23916583867381258016]);
        let den = poly(z, [1.0, 1.95448858338141759834, 4.67627912898881538453, 86.3602421390890590575, -225.462687854119370527, 200.260212380060660359,
            -82.0372256168333339912, 15.9056225126211695515, -1.18331621121330003142]);
        return (y + y * (z * num / den)) * (2.0 * PI).sqrt();
    }
    let x = (-2.0 * tail.ln()).sqrt();
    let z = 1.0 / x;
    let correction = if x < 8.0 {
        poly(z, [4.05544892305962419923, 31.5251094599893866154, 57.1628192246421288162, 44.0805073893200834700, 14.6849561928858024014, 2.18663306850790267539,
            -1.40256079171354495875e-1, -3.50424626827848203418e-2, -8.57456785154685413611e-4])
            / poly(z, [1.0, 15.7799883256466749731, 45.3907635128879210584, 41.3172038254672030440, 15.0425385692907503408, 2.50464946208309415979,
                -1.42182922854787788574e-1, -3.80806407691578277194e-2, -9.33259480895457427372e-4])
    } else {
        poly(z, [3.23774891776946035970, 6.91522889068984211695, 3.93881025292474443415, 1.33303460815807542389, 2.01485389549179081538e-1,
            1.23716634817820021358e-2, 3.01581553508235416007e-4, 2.65806974686737550832e-6, 6.23974539184983293730e-9])
            / poly(z, [1.0, 6.02427039364742014255, 3.67983563856160859403, 1.37702099489081330271, 2.16236993594496635890e-1, 1.34204006088543189037e-2,
                3.28014464682127739104e-4, 2.89247864745380683936e-6, 6.79019408009981274425e-9])
    };
    let x = x - x.ln() / x - z * correction;
    if upper { x } else { -x }
}

/// Numbers with Airy's function.
pub(crate) trait Airy {
    /// Airy's function Ai.
    fn airy_ai(self) -> Self;
}

/// Of Ai above 2.09: over and below the line; below -2.09: the even part and the odd part.
const AN: [f64; 8] = [
    0.34653810152562903,
    12.00759527396458,
    76.27960536152345,
    168.08922493463057,
    159.75639135016441,
    70.53609068404442,
    14.026469116338967,
    1.0,
];
const AD: [f64; 8] = [
    0.5675945326387702,
    14.75625625848472,
    84.51389701414746,
    177.318088145400459,
    164.23469287152970,
    71.47784008255757,
    14.095913560783403,
    1.0,
];
const AFN: [f64; 9] = [
    -0.131696323418331795,
    -0.626456544431912370,
    -0.693158036036933542,
    -0.279779981545119125,
    -0.0491900132609500318,
    -0.00406265923594885404,
    -1.59276496239262096e-4,
    -2.77649108155232921e-6,
    -1.67787698489114634e-8,
];
const AFD: [f64; 9] = [
    13.3560420706553243,
    32.6825032795224614,
    26.7367040941499555,
    9.18707402907259626,
    1.47529146771666415,
    0.115687173795188044,
    0.00440291641615211204,
    7.54720348287414297e-5,
    4.51850092970580379e-7,
];
const AGN: [f64; 11] = [
    0.0197339932091685679,
    0.391103029615688277,
    1.06579897599595591,
    0.939169229816650230,
    0.351465656105547619,
    0.0633888919628925491,
    0.00585804113048388459,
    2.82851600836737020e-4,
    6.98793669997260967e-6,
    8.11789239554389293e-8,
    3.41551784765923618e-10,
];
const AGD: [f64; 10] = [
    9.30892908077441974,
    19.8352928718312140,
    15.5646628932864613,
    5.47686069422975498,
    0.954293611618961884,
    0.0864580826352392193,
    0.00412656523824222607,
    1.01259085116509136e-4,
    1.17166733214413522e-6,
    4.91834570062930016e-9,
];

macro_rules! airy {
    ($($t:ident)*) => {$(
        impl Airy for $t {
            fn airy_ai(self) -> $t {
                fn poly<const N: usize>(x: $t, c: [f64; N]) -> $t {
                    c.iter().fold(0.0, |sum, &c| sum * x + c as $t)
                }
                let x = self;
                if x.is_infinite() || x.is_nan() {
                    return $t::NAN;
                }
                if x > 103.892 {
                    return 0.0;
                }
                const ROOT: $t = 0.564_189_583_547_756_3; // 1 / sqrt(pi)
                if x < -2.09 {
                    let zeta = -2.0 * x * (-x).sqrt() / 3.0;
                    let z = 1.0 / zeta;
                    let s = z * z;
                    let t = zeta + 0.25 * std::$t::consts::PI;
                    let (even, odd) = (1.0 + s * poly(s, AFN) / poly(s, AFD), z * poly(s, AGN) / poly(s, AGD));
                    return ROOT / (-x).sqrt().sqrt() * (t.sin() * even - t.cos() * odd);
                }
                if x >= 2.09 {
                    let zeta = 2.0 * x * x.sqrt() / 3.0;
                    let z = 1.0 / zeta;
                    return ROOT * (poly(z, AN) / poly(z, AD)) / (2.0 * x.sqrt().sqrt() * zeta.exp());
                }
                // The power series of the two solutions that make it up.
                let cube = x * x * x;
                let (mut f, mut g, mut m, mut n, mut k): ($t, $t, $t, $t, $t) = (1.0, x, 1.0, x, 1.0);
                loop {
                    m *= cube / ((k + 1.0) * (k + 2.0));
                    n *= cube / ((k + 2.0) * (k + 3.0));
                    f += m;
                    g += n;
                    k += 3.0;
                    if m.abs() <= $t::EPSILON * f.abs() {
                        break;
                    }
                }
                0.355_028_053_887_817_24 * f - 0.258_819_403_792_806_8 * g
            }
        }
    )*};
}
airy!(f32 f64);

op! {
    /// `exp(x * x) * erfc(x)`, the scaled complement of the error function, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.special.erfcx(torch.tensor([0., 1., 10.]))
    /// tensor([1.0000, 0.4276, 0.0561])
    fn erfcx(input: Tensor) -> y;
    variants [special, out];
    node "SpecialErfcxBackward0";
    dtype precise(input, "erfcx_cpu");
    map { (input) Float => crate::ops::unary::gaussian::erfcx(input as f64) as _ };
    vjp { input => |g, input, y| g * (2.0 * input * y - FRAC_2_SQRT_PI) };
    samples samples::unary(-2.0, 4.0);
}

op! {
    /// The logarithm of the area under the normal curve below `x`, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.special.log_ndtr(torch.tensor([-3., 0., 3.]))
    /// tensor([-6.6077, -0.6931, -0.0014])
    fn log_ndtr(input: Tensor) -> y;
    variants [special, out];
    node "SpecialLogNdtrBackward0";
    dtype precise(input, "log_ndtr_cpu");
    map { (input) Float => crate::ops::unary::gaussian::log_ndtr(input as f64) as _ };
    vjp { input => |g, input| g / (-(input * FRAC_1_SQRT_2)).erfcx() * (2.0 / PI).sqrt() };
    samples samples::unary(-3.0, 3.0);
}

op! {
    /// The point below which the area `x` under the normal curve lies, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.special.ndtri(torch.tensor([0., 0.25, 0.5]))
    /// tensor([   -inf, -0.6745,  0.0000])
    fn ndtri(input: Tensor) -> y;
    variants [special, out];
    node "SpecialNdtriBackward0";
    dtype precise(input, "ndtri_cpu");
    map { (input) Float => crate::ops::unary::gaussian::ndtri(input as f64) as _ };
    vjp { input => |g, y| g * (2.0 * PI).sqrt() * (y * y / 2.0).exp() };
    samples samples::unary(0.03, 0.97);
}

op! {
    /// Airy's function Ai, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.special.airy_ai(torch.tensor([-1., 0., 1.]))
    /// tensor([0.5356, 0.3550, 0.1353])
    fn airy_ai(input: Tensor) -> y;
    variants [special, out];
    nondifferentiable;
    dtype precise(input, "airy_ai_cpu");
    map { (input) Float => crate::ops::unary::gaussian::Airy::airy_ai(input) };
    samples samples::unary(-4.0, 4.0);
}
