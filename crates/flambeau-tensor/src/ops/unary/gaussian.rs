//! Functions of the normal distribution, the scaled error function, and Airy's function, the last with Cephes' approximations.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, PI};

use flambeau_cpu::math::plain as math;

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

/// Of `ndtri`: in the middle, in the tails, and far out in them; over and below the line.
const CENTRAL: ([f64; 5], [f64; 9]) = (
    [-59.96335010141079, 98.00107541859997, -56.67628574690703, 13.931260938727968, -1.2391658386738125],
    [
        1.0,
        1.9544885833814176,
        4.676279128988815,
        86.36024213908906,
        -225.46268785411937,
        200.26021238006066,
        -82.03722561683334,
        15.90562251262117,
        -1.1833162112133,
    ],
);
const TAIL: ([f64; 9], [f64; 9]) = (
    [
        4.0554489230596245,
        31.525109459989388,
        57.16281922464213,
        44.08050738932008,
        14.684956192885803,
        2.1866330685079025,
        -0.1402560791713545,
        -0.03504246268278482,
        -0.0008574567851546854,
    ],
    [
        1.0,
        15.779988325646675,
        45.39076351288792,
        41.3172038254672,
        15.04253856929075,
        2.504649462083094,
        -0.14218292285478779,
        -0.03808064076915783,
        -0.0009332594808954574,
    ],
);
const FAR: ([f64; 9], [f64; 9]) = (
    [
        3.2377489177694603,
        6.915228890689842,
        3.9388102529247444,
        1.3330346081580755,
        0.20148538954917908,
        0.012371663481782003,
        0.00030158155350823543,
        2.6580697468673755e-06,
        6.239745391849833e-09,
    ],
    [
        1.0,
        6.02427039364742,
        3.6798356385616087,
        1.3770209948908132,
        0.21623699359449663,
        0.013420400608854318,
        0.00032801446468212774,
        2.8924786474538068e-06,
        6.790194080099813e-09,
    ],
);

/// `exp(x * x) * erfc(x) * (x + 3)` as a polynomial in `(x - 3) / (x + 3)`, to about 2^-32.
const COMPLEMENT: [f64; 14] = [
    -2.4927203888473465e-06,
    -1.0288161218366926e-05,
    2.775853931128101e-05,
    9.869399337754839e-05,
    -0.0002751136568292084,
    -0.0005425728071378871,
    0.0030335040437211706,
    -0.001214367036491653,
    -0.026827143860736907,
    0.11952808103640966,
    -0.31046726750473047,
    0.5902283372847694,
    -0.8833944531128344,
    1.0740069072902498,
];

/// `exp(x * x) * erfc(x)` for `x` from 0 on, in the precision of a type.
trait ScaledComplement {
    fn scaled_complement(self) -> Self;
}

impl ScaledComplement for f64 {
    #[inline(always)]
    fn scaled_complement(self) -> f64 {
        let x = self;
        // The square in two parts, so that its exponential is exact.
        let square = x * x;
        let rest = x.mul_add(x, -square);
        let power = math::f64::exp(square);
        let near = (power + power * rest) * math::f64::erfc(x);
        // The asymptotic series, whose terms fall long enough from 10 on: each is that before times -(2k - 1) / (2 x^2).
        let z = -0.5 / square;
        let mut sum = 1.0;
        for k in (1..14).rev() {
            sum = z.mul_add(sum * f64::from(2 * k - 1), 1.0);
        }
        let far = 0.5 * FRAC_2_SQRT_PI / x * sum;
        if x < 10.0 { near } else { far }
    }
}

impl ScaledComplement for f32 {
    #[inline(always)]
    fn scaled_complement(self) -> f32 {
        // A polynomial in (x - 3) / (x + 3), over x + 3.
        let x = f64::from(self);
        let unit = 1.0 / (x + 3.0);
        let t = 1.0 - 6.0 * unit;
        (poly::f64(t, COMPLEMENT) * unit) as f32
    }
}

/// Numbers with these functions; single precision is rounded where PyTorch rounds it.
pub(crate) trait Gaussian {
    /// `exp(x * x) * erfc(x)`.
    fn erfcx(self) -> Self;
    /// The logarithm of the area under the normal curve below `x`.
    fn log_ndtr(self) -> Self;
    /// The point below which that area under the normal curve lies.
    fn ndtri(self) -> Self;
    /// Airy's function Ai.
    fn airy_ai(self) -> Self;
}

/// Of Ai above 2.09: over and below the line; below -2.09: the even part and the odd part.
const AN: [f64; 8] = [
    0.346538101525629,
    12.00759527396458,
    76.27960536152345,
    168.08922493463058,
    159.75639135016442,
    70.53609068404442,
    14.026469116338967,
    1.0,
];
const AD: [f64; 8] = [
    0.5675945326387702,
    14.75625625848472,
    84.51389701414746,
    177.31808814540045,
    164.2346928715297,
    71.47784008255756,
    14.095913560783403,
    1.0,
];
const AFN: [f64; 9] = [
    -0.1316963234183318,
    -0.6264565444319123,
    -0.6931580360369335,
    -0.2797799815451191,
    -0.04919001326095003,
    -0.004062659235948854,
    -0.0001592764962392621,
    -2.776491081552329e-06,
    -1.6778769848911465e-08,
];
const AFD: [f64; 9] = [
    13.356042070655324,
    32.682503279522464,
    26.736704094149957,
    9.187074029072596,
    1.4752914677166642,
    0.11568717379518804,
    0.004402916416152112,
    7.547203482874142e-05,
    4.5185009297058035e-07,
];
const AGN: [f64; 11] = [
    0.019733993209168566,
    0.39110302961568827,
    1.0657989759959559,
    0.9391692298166502,
    0.35146565610554764,
    0.06338889196289255,
    0.005858041130483885,
    0.000282851600836737,
    6.98793669997261e-06,
    8.117892395543892e-08,
    3.415517847659236e-10,
];
const AGD: [f64; 10] = [
    9.30892908077442,
    19.835292871831214,
    15.564662893286462,
    5.476860694229755,
    0.9542936116189619,
    0.08645808263523921,
    0.004126565238242226,
    0.00010125908511650914,
    1.1716673321441352e-06,
    4.9183457006293e-09,
];

/// The value of a polynomial, its highest coefficient first.
mod poly {
    #[inline(always)]
    pub fn f32<const N: usize>(x: f32, c: [f64; N]) -> f32 {
        let mut sum = c[0] as f32;
        for c in &c[1..] {
            sum = sum.mul_add(x, *c as f32);
        }
        sum
    }
    #[inline(always)]
    pub fn f64<const N: usize>(x: f64, c: [f64; N]) -> f64 {
        let mut sum = c[0];
        for c in &c[1..] {
            sum = sum.mul_add(x, *c);
        }
        sum
    }
}

/// The coefficients of one polynomial or of the other.
#[inline(always)]
fn pick<const N: usize>(first: bool, a: [f64; N], b: [f64; N]) -> [f64; N] {
    std::array::from_fn(|i| if first { a[i] } else { b[i] })
}

macro_rules! gaussian {
    ($($t:ident)*) => {$(
        impl Gaussian for $t {
            #[inline(always)]
            fn erfcx(self) -> $t {
                let x = self;
                let size = x.abs().scaled_complement();
                let power = math::$t::exp(x * x);
                let below = if x < -6.1 { 2.0 * power } else { (2.0 as $t).mul_add(power, -size) };
                let below = if x < -26.7 { $t::INFINITY } else { below };
                let y = if x < 0.0 { below } else { size };
                if x.is_nan() { x } else { y }
            }

            #[inline(always)]
            fn log_ndtr(self) -> $t {
                let t = self * std::$t::consts::FRAC_1_SQRT_2;
                let far = (-t).mul_add(t, math::$t::log(t.abs().scaled_complement() / 2.0));
                let near = math::$t::log1p(-math::$t::erfc(t) / 2.0);
                if self < -1.0 { far } else { near }
            }

            #[inline(always)]
            fn ndtri(self) -> $t {
                const EDGE: $t = 0.135_335_283_236_612_7_f64 as $t; // exp(-2)
                let p = self;
                let upper = p > 1.0 - EDGE;
                let tail = if upper { 1.0 - p } else { p };
                let y = tail - 0.5;
                let z = y * y;
                let central = y.mul_add(z * poly::$t(z, CENTRAL.0) / poly::$t(z, CENTRAL.1), y);
                let central = central * 2.506_628_274_631_000_5_f64 as $t;
                // Logarithms and roots of single precision go through double, as in PyTorch.
                let x = (-2.0 * math::f64::log(tail as f64)).sqrt() as $t;
                let start = (x as f64 - math::f64::log(x as f64) / x as f64) as $t;
                let z = 1.0 / x;
                let near = x < 8.0;
                let quotient = poly::$t(z, pick(near, TAIL.0, FAR.0)) / poly::$t(z, pick(near, TAIL.1, FAR.1));
                let x = start - z * quotient;
                let outer = if upper { x } else { -x };
                let y = if tail > EDGE { central } else { outer };
                let y = if p == 0.0 { $t::NEG_INFINITY } else { y };
                let y = if p == 1.0 { $t::INFINITY } else { y };
                if (0.0..=1.0).contains(&p) { y } else { $t::NAN }
            }

            #[inline(always)]
            fn airy_ai(self) -> $t {
                use poly::$t as poly;
                let x = self;
                if x.is_infinite() || x.is_nan() {
                    return $t::NAN;
                }
                if x > 103.892 {
                    return 0.0;
                }
                const ROOT: $t = 0.564_189_583_547_756_3_f64 as $t; // 1 / sqrt(pi)
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
                // The power series of the two solutions that make it up. They cancel, so that every rounding shows: these are
                // PyTorch's.
                let cube = x * x * x;
                let (mut f, mut g, mut m, mut n, mut k): ($t, $t, $t, $t, $t) = (1.0, x, 1.0, x, 1.0);
                loop {
                    m *= cube;
                    k += 1.0;
                    m /= k;
                    n *= cube;
                    k += 1.0;
                    n /= k;
                    m /= k;
                    f += m;
                    k += 1.0;
                    n /= k;
                    g += n;
                    if (m / f).abs() <= $t::EPSILON {
                        break;
                    }
                }
                const AT_ZERO: ($t, $t) = (0.355_028_053_887_817_2_f64 as $t, 0.258_819_403_792_806_8_f64 as $t);
                AT_ZERO.0.mul_add(f, -(AT_ZERO.1 * g))
            }
        }
    )*};
}
gaussian!(f32 f64);

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
    map { (input) Float => crate::ops::unary::gaussian::Gaussian::erfcx(input) };
    vjp { input => |g, input, y| g * (2.0 * input * y - FRAC_2_SQRT_PI) };
    samples samples::unary(-2.0, 4.0);
}

op! {
    /// The logarithm of the area under the normal curve below `x`, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.special.log_ndtr(torch.tensor([-3., 0., 1.]))
    /// tensor([-6.6077, -0.6931, -0.1728])
    fn log_ndtr(input: Tensor) -> y;
    variants [special, out];
    node "SpecialLogNdtrBackward0";
    dtype precise(input, "log_ndtr_cpu");
    map { (input) Float => crate::ops::unary::gaussian::Gaussian::log_ndtr(input) };
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
    map { (input) Float => crate::ops::unary::gaussian::Gaussian::ndtri(input) };
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
    map { (input) Float => crate::ops::unary::gaussian::Gaussian::airy_ai(input) };
    samples samples::unary(-4.0, 4.0);
}
