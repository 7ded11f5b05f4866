//! Bessel functions of the first and second kind, by Cephes' rational approximations.

use super::special::real_float;
use crate::ops::{Val, op, samples};

/// Of j0: the even part far out, above the line.
const J0_PP: [f64; 7] = [
    0.0007969367292973471,
    0.08283523921074408,
    1.239533716464143,
    5.447250030587687,
    8.74716500199817,
    5.303240382353949,
    1.0,
];
/// Of j0: the even part far out, below the line.
const J0_PQ: [f64; 7] = [
    0.0009244088105588637,
    0.08562884743544745,
    1.2535274390105895,
    5.470977403304171,
    8.761908832370695,
    5.306052882353947,
    1.0,
];
/// Of j0: the odd part far out, above the line.
const J0_QP: [f64; 8] = [
    -0.011366383889846916,
    -1.2825271867050931,
    -19.553954425773597,
    -93.20601521237683,
    -177.68116798048806,
    -147.07750515495118,
    -51.41053267665993,
    -6.050143506007285,
];
/// Of j0: the odd part far out, below the line.
const J0_QQ: [f64; 7] = [
    64.3178256118178,
    856.4300259769806,
    3882.4018360540163,
    7240.467741956525,
    5930.727011873169,
    2062.0933166032783,
    242.0057402402914,
];
/// Of j0: up to 5, above the line.
const J0_RP: [f64; 4] = [-4794432209.782018, 1956174919465.5657, -249248344360967.72, 9708622510473064.0];
/// Of j0: up to 5, below the line.
const J0_RQ: [f64; 8] = [
    499.563147152651,
    173785.4016763747,
    48440965.83399621,
    11185553704.535683,
    2112775201154.892,
    310518229857422.56,
    3.1812195594320496e+16,
    1.7108629408104315e+18,
];
/// Of j1: the even part far out, above the line.
const J1_PP: [f64; 7] = [
    0.0007621256162081731,
    0.07313970569409176,
    1.1271960812968493,
    5.112079511468076,
    8.424045901417724,
    5.214515986823615,
    1.0,
];
/// Of j1: the even part far out, below the line.
const J1_PQ: [f64; 7] = [
    0.0005713231280725487,
    0.06884559087544954,
    1.105142326340617,
    5.073863861286015,
    8.399855543276042,
    5.209828486823619,
    1.0,
];
/// Of j1: the odd part far out, above the line.
const J1_QP: [f64; 8] = [
    0.05108625947501766,
    4.982138729512334,
    75.82382841325453,
    366.7796093601508,
    710.8563049989261,
    597.4896124006136,
    211.68875710057213,
    25.207020585802372,
];
/// Of j1: the odd part far out, below the line.
const J1_QQ: [f64; 7] = [
    74.23732770356752,
    1056.4488603826283,
    4986.410583376536,
    9562.318924047562,
    7997.041604473507,
    2826.1927851763908,
    336.0936078106983,
];
/// Of j1: up to 5, above the line.
const J1_RP: [f64; 4] = [-899971225.7055594, 452228297998.19403, -72749424522181.83, 3682957328638529.0];
/// Of j1: up to 5, below the line.
const J1_RQ: [f64; 8] = [
    620.8364781180543,
    256987.25675774884,
    83514679.14319493,
    22151159547.97925,
    4749141220799.914,
    784369607876235.9,
    8.952223361846274e+16,
    5.322786203326801e+18,
];
/// Of y0 up to 5: above the line.
const Y0_YP: [f64; 8] = [
    15592.436785523574,
    -14663929.59039716,
    5435264770.518765,
    -982136065717.9115,
    87590639439536.7,
    -3466283033847297.0,
    4.4273326857256984e+16,
    -1.8495080043698668e+16,
];
/// Of y0 up to 5: below the line.
const Y0_YQ: [f64; 7] = [
    1041.2835366425984,
    626107.330137135,
    268919633.39381415,
    86400248710.3935,
    20297961275010.555,
    3171577528429750.5,
    2.5059625617265306e+17,
];
/// Of y1 up to 5: above the line.
const Y1_YP: [f64; 6] = [
    1263204747.9017804,
    -647355876379.1603,
    114509511541823.73,
    -8127702555013251.0,
    2.024394757135949e+17,
    -7.788771962659501e+17,
];
/// Of y1 up to 5: below the line.
const Y1_YQ: [f64; 8] = [
    594.3015923461282,
    235564.09294306856,
    73481194.44597217,
    18760131610.870617,
    3882312774962.3857,
    620557727146953.8,
    6.871410873553005e+16,
    3.9727060811656064e+18,
];

/// The squares of the first zeros of j0.
const J0_ZEROS: [f64; 2] = [5.783185962946784, 30.471262343662087];

/// The squares of the first zeros of j1 but 0.
const J1_ZEROS: [f64; 2] = [14.681970642123893, 49.2184563216946];

/// `sqrt(2 / pi)`.
const FRAC_SQRT_2_PI: f64 = 0.7978845608028654;

/// A polynomial whose highest coefficient comes first.
macro_rules! poly {
    ($t:ident, $x:expr, $c:expr) => {
        $c.iter().fold(0.0 as $t, |sum, &c| sum * $x + c as $t)
    };
}

/// Numbers with Bessel functions.
pub(crate) trait Bessel {
    /// First kind, order 0.
    fn bessel_j0(self) -> Self;
    /// First kind, order 1.
    fn bessel_j1(self) -> Self;
    /// Second kind, order 0.
    fn bessel_y0(self) -> Self;
    /// Second kind, order 1.
    fn bessel_y1(self) -> Self;
    /// The spherical one of order 0: `sin(x) / x`.
    fn spherical_bessel_j0(self) -> Self;
}

macro_rules! bessel {
    ($($t:ident)*) => {$(
        impl Bessel for $t {
            fn bessel_j0(self) -> $t {
                let (x, z) = (self.abs(), self * self);
                if x <= 5.0 {
                    if x < 0.00001 {
                        return 1.0 - z / 4.0;
                    }
                    // The first two zeros are factors.
                    return (z - J0_ZEROS[0] as $t) * (z - J0_ZEROS[1] as $t) * poly!($t, z, J0_RP) / poly!($t, z, J0_RQ);
                }
                let w = 25.0 / z;
                let (p, q) = (poly!($t, w, J0_PP) / poly!($t, w, J0_PQ), poly!($t, w, J0_QP) / poly!($t, w, J0_QQ));
                let (sin, cos) = (x - std::$t::consts::FRAC_PI_4).sin_cos();
                (p * cos - 5.0 / x * q * sin) * FRAC_SQRT_2_PI as $t / x.sqrt()
            }
            fn bessel_j1(self) -> $t {
                if self < 0.0 {
                    return -(-self).bessel_j1();
                }
                let (x, z) = (self, self * self);
                if x <= 5.0 {
                    return poly!($t, z, J1_RP) / poly!($t, z, J1_RQ) * x * (z - J1_ZEROS[0] as $t) * (z - J1_ZEROS[1] as $t);
                }
                let w = 5.0 / x * (5.0 / x);
                let (p, q) = (poly!($t, w, J1_PP) / poly!($t, w, J1_PQ), poly!($t, w, J1_QP) / poly!($t, w, J1_QQ));
                let (sin, cos) = (x - 3.0 * std::f64::consts::FRAC_PI_4 as $t).sin_cos();
                (p * cos - 5.0 / x * q * sin) * FRAC_SQRT_2_PI as $t / x.sqrt()
            }
            fn bessel_y0(self) -> $t {
                let (x, z) = (self, self * self);
                if x <= 5.0 {
                    if x == 0.0 {
                        return $t::NEG_INFINITY;
                    }
                    if x < 0.0 {
                        return $t::NAN;
                    }
                    return poly!($t, z, Y0_YP) / poly!($t, z, Y0_YQ) + std::$t::consts::FRAC_2_PI * x.ln() * x.bessel_j0();
                }
                let w = 25.0 / z;
                let (p, q) = (poly!($t, w, J0_PP) / poly!($t, w, J0_PQ), poly!($t, w, J0_QP) / poly!($t, w, J0_QQ));
                let (sin, cos) = (x - std::$t::consts::FRAC_PI_4).sin_cos();
                (p * sin + 5.0 / x * q * cos) * FRAC_SQRT_2_PI as $t / x.sqrt()
            }
            fn bessel_y1(self) -> $t {
                let (x, z) = (self, self * self);
                if x <= 5.0 {
                    if x == 0.0 {
                        return $t::NEG_INFINITY;
                    }
                    if x < 0.0 {
                        return $t::NAN;
                    }
                    return x * (poly!($t, z, Y1_YP) / poly!($t, z, Y1_YQ)) + std::$t::consts::FRAC_2_PI * (x.bessel_j1() * x.ln() - 1.0 / x);
                }
                let w = 5.0 / x * (5.0 / x);
                let (p, q) = (poly!($t, w, J1_PP) / poly!($t, w, J1_PQ), poly!($t, w, J1_QP) / poly!($t, w, J1_QQ));
                let (sin, cos) = (x - 3.0 * std::f64::consts::FRAC_PI_4 as $t).sin_cos();
                (p * sin + 5.0 / x * q * cos) * FRAC_SQRT_2_PI as $t / x.sqrt()
            }
            fn spherical_bessel_j0(self) -> $t {
                if self.is_infinite() {
                    return 0.0;
                }
                if self.abs() < 0.5 {
                    let z = self * self;
                    return 1.0
                        + z * (-1.0 / 6.0
                            + z * (1.0 / 120.0
                                + z * (-1.0 / 5040.0
                                    + z * (1.0 / 362_880.0 + z * (-1.0 / 39_916_800.0 + z * (1.0 / 6_227_020_800.0))))));
                }
                self.sin() / self
            }
        }
    )*};
}
bessel!(f32 f64);

/// The slope of a function of order 1, `other - function / x` with that of order 0, and `at_zero` where `x` is 0.
pub(super) fn quotient_slope(x: &Val, other: &Val, function: &Val, at_zero: f64) -> Val {
    let zero = x.eq(0.0);
    (other - function / x.masked_fill(&zero, 1.0)).masked_fill(&zero, at_zero)
}

op! {
    /// The Bessel function of the first kind and order 0, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.special.bessel_j0(torch.tensor([1., 10.]))
    /// tensor([ 0.7652, -0.2459])
    fn bessel_j0(input: Tensor) -> y;
    variants [special, out];
    dtype real_float(input, "bessel_j0");
    map { (input) Float => crate::ops::unary::bessel::Bessel::bessel_j0(input) };
    vjp { input => |g, input| -(g * input.bessel_j1()) };
    samples samples::unary(0.3, 8.0);
}

op! {
    /// The Bessel function of the first kind and order 1, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.special.bessel_j1(torch.tensor([1., 10.]))
    /// tensor([0.4401, 0.0435])
    fn bessel_j1(input: Tensor) -> y;
    variants [special, out];
    dtype real_float(input, "bessel_j1");
    map { (input) Float => crate::ops::unary::bessel::Bessel::bessel_j1(input) };
    vjp { input => |g, input| g * quotient_slope(input, &input.bessel_j0(), &input.bessel_j1(), 0.5) };
    samples samples::unary(0.3, 8.0);
}

op! {
    /// The Bessel function of the second kind and order 0, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.special.bessel_y0(torch.tensor([1., 10.]))
    /// tensor([0.0883, 0.0557])
    fn bessel_y0(input: Tensor) -> y;
    variants [special, out];
    dtype real_float(input, "bessel_y0");
    map { (input) Float => crate::ops::unary::bessel::Bessel::bessel_y0(input) };
    vjp { input => |g, input| -(g * input.bessel_y1()) };
    samples samples::unary(0.3, 8.0);
}

op! {
    /// The Bessel function of the second kind and order 1, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.special.bessel_y1(torch.tensor([1., 10.]))
    /// tensor([-0.7812,  0.2490])
    fn bessel_y1(input: Tensor) -> y;
    variants [special, out];
    dtype real_float(input, "bessel_y1");
    map { (input) Float => crate::ops::unary::bessel::Bessel::bessel_y1(input) };
    vjp { input => |g, input| g * quotient_slope(input, &input.bessel_y0(), &input.bessel_y1(), f64::INFINITY) };
    samples samples::unary(0.3, 8.0);
}

op! {
    /// The spherical Bessel function of the first kind and order 0, `sin(x) / x`, element by element.
    ///
    /// Shape: `*s -> *s`. Dtype: bool and integers give the default float type.
    ///
    /// >>> torch.special.spherical_bessel_j0(torch.tensor([0., 1.]))
    /// tensor([1.0000, 0.8415])
    fn spherical_bessel_j0(input: Tensor) -> y;
    variants [special, out];
    nondifferentiable;
    dtype real_float(input, "spherical_bessel_j0");
    map { (input) Float => crate::ops::unary::bessel::Bessel::spherical_bessel_j0(input) };
    samples samples::unary(0.3, 8.0);
}
