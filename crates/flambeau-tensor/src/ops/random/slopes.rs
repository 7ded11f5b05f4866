//! How random numbers move with the parameters of their distribution: `-(d cdf / d parameter) / density`.
//!
//! Neither has a closed form. Power series, saddle point expansions and rational approximations take turns by the size of
//! the arguments, with the borders and coefficients that PyTorch has them with: others would give other gradients.

use flambeau_cpu::math::plain::f64 as math;

/// Of a number `x` of the gamma distribution of scale 1, with its shape.
pub(crate) fn gamma_slope(shape: f64, x: f64) -> f64 {
    if x < 0.8 {
        return gamma_small(shape, x);
    }
    if shape > 8.0 {
        return gamma_large(shape, x);
    }
    // Rows by the power of `u`; the first four coefficients are of the numerator, the others of the denominator.
    const ROWS: [[f64; 8]; 3] = [
        [0.16009398, -0.094634809, 0.025146376, -0.0030648343, 1.0, 0.32668115, 0.10406089, 0.0014179084],
        [0.53487893, 0.1298071, 0.065735949, -0.0015649758, 0.16639465, 0.020070113, -0.0035938915, -0.00058392623],
        [
            0.040121004,
            -0.0065914022,
            -0.0026286047,
            -0.0013441777,
            0.017050642,
            -0.0021309326,
            0.00085092367,
            -1.5247877e-07,
        ],
    ];
    let (u, v) = ((x / shape).ln(), shape.ln());
    let c = |i: usize| ROWS[0][i] + u * (ROWS[1][i] + u * ROWS[2][i]);
    let cubic = |i: usize| c(i) + v * (c(i + 1) + v * (c(i + 2) + v * c(i + 3)));
    (cubic(0) / cubic(4)).exp()
}

/// By the Taylor series of the distribution function at 0.
fn gamma_small(shape: f64, x: f64) -> f64 {
    let (mut numerator, mut denominator) = (1.0, shape);
    let (mut sum, mut squares) = (1.0 / shape, 1.0 / (shape * shape));
    for i in 1..=5 {
        numerator *= -x / f64::from(i);
        denominator += 1.0;
        sum += numerator / denominator;
        squares += numerator / (denominator * denominator);
    }
    let power = x.powf(shape);
    let density = x.powf(shape - 1.0) * (-x).exp();
    let slope = -((x.ln() - math::digamma(shape)) * power * sum - power * squares) / density;
    if slope.is_nan() { 0.0 } else { slope }
}

/// By Rice's saddle point expansion.
fn gamma_large(shape: f64, x: f64) -> f64 {
    let square = shape * shape;
    // As single precision has them.
    let (low, high) = (f64::from(0.9f32), f64::from(1.1f32));
    if low * shape <= x && x <= high * shape {
        let first = 1.0 + 24.0 * shape * (1.0 + 12.0 * shape);
        let second =
            1440.0 * square + 6.0 * x * (53.0 - 120.0 * x) - 65.0 * x * x / shape + shape * (107.0 + 3600.0 * x);
        return first * second / (1244160.0 * square * square);
    }
    let root = (8.0 * shape).sqrt();
    let apart = shape - x;
    let log = (x / shape).ln();
    let third = (x - shape - shape * log).powf(-1.5);
    let sum = root / apart + if x < shape { -third } else { third };
    let term = log * sum - (2.0 / shape).sqrt() * (shape + x) / (apart * apart);
    let stirling = 1.0 + 1.0 / (12.0 * shape) * (1.0 + 1.0 / (24.0 * shape));
    -stirling * x * term / root
}

/// Of a number `x` of the Dirichlet distribution with its concentration `alpha`, less the factor `1 - x`.
pub(crate) fn dirichlet_slope(x: f64, alpha: f64, total: f64) -> f64 {
    let beta = total - alpha;
    let boundary = total * x * (1.0 - x);
    if x <= 0.5 && boundary < 2.5 {
        return beta_alpha_small(x, alpha, beta);
    }
    if x >= 0.5 && boundary < 0.75 {
        return -beta_beta_small(1.0 - x, beta, alpha);
    }
    if alpha > 6.0 && beta > 6.0 {
        return beta_alpha_large(x, alpha, beta);
    }
    // A rational correction to an analytic approximation: numerator, then denominator, by the powers of `u`, `a` and `b`.
    const C: [[[[f64; 4]; 3]; 3]; 2] = [
        [
            [
                [1.003668233, -0.01061107488, -0.0657888334, 0.01201642863],
                [0.6336835991, -0.3557432599, 0.05486251648, -0.001465281033],
                [-0.03276231906, 0.004474107445, 0.002429354597, -0.0001557569013],
            ],
            [
                [0.221950385, -0.3187676331, 0.01799915743, 0.01074823814],
                [-0.2951249643, 0.06219954479, 0.01535556598, 0.001550077057],
                [0.02155310298, 0.004170831599, 0.001292462449, 6.976601077e-05],
            ],
            [
                [-0.05980841433, 0.008441916499, 0.01085618172, 0.002319392565],
                [0.02911413504, 0.01400243777, -0.002721828457, 0.000751041181],
                [0.005900514878, -0.001936558688, -9.495446725e-06, 5.385558597e-05],
            ],
        ],
        [
            [
                [1.0, -0.02924021934, -0.04438342661, 0.007285809825],
                [0.6357567472, -0.3473456711, 0.05454656494, -0.002407477521],
                [-0.03301322327, 0.004845219414, 0.00231480583, -0.0002307248149],
            ],
            [
                [0.5925320577, -0.1757678135, 0.01505928619, 0.000564515273],
                [0.1014815858, -0.06589186703, 0.01272886114, -0.0007316646956],
                [-0.007258481865, 0.001096195486, 0.0003934994223, -4.12701925e-05],
            ],
            [
                [0.06469649321, -0.0236701437, 0.002902096474, -5.896963079e-05],
                [0.001925008108, -0.002869809258, 0.0008000589141, -6.063713228e-05],
                [-0.0003477407336, 6.959756487e-05, 1.097287507e-05, -1.650964693e-06],
            ],
        ],
    ];
    let u = x.ln();
    let a = alpha.ln() - u;
    let b = total.ln() - a;
    let sum = |part: usize| -> f64 {
        let term = |i: usize, j: usize| {
            let c = C[part][i][j];
            u.powi(i as i32) * a.powi(j as i32) * (c[0] + b * (c[1] + b * (c[2] + b * c[3])))
        };
        (0..3).flat_map(|i| (0..3).map(move |j| (i, j))).map(|(i, j)| term(i, j)).sum()
    };
    sum(0) / sum(1) * x * (math::digamma(total) - math::digamma(alpha)) / beta
}

/// With the first parameter of the beta distribution, by a Taylor series at 0.
fn beta_alpha_small(x: f64, alpha: f64, beta: f64) -> f64 {
    let factor = math::digamma(alpha) - math::digamma(alpha + beta) - x.ln();
    let mut numerator = 1.0;
    let mut series = numerator / alpha * (factor + 1.0 / alpha);
    for i in (1..=10).map(f64::from) {
        numerator *= (i - beta) * x / i;
        series += numerator / (alpha + i) * (factor + 1.0 / (alpha + i));
    }
    let slope = x * (1.0 - x).powf(-beta) * series;
    if slope.is_nan() { 0.0 } else { slope }
}

/// With the second parameter of the beta distribution, by a Taylor series at 0.
fn beta_beta_small(x: f64, alpha: f64, beta: f64) -> f64 {
    let factor = math::digamma(alpha + beta) - math::digamma(beta);
    let (mut numerator, mut betas, mut slopes, mut series) = (1.0, 1.0, 0.0, factor / alpha);
    for i in (1..=8).map(f64::from) {
        numerator *= -x / i;
        slopes = slopes * (beta - i) + betas;
        betas *= beta - i;
        series += numerator / (alpha + i) * (slopes + factor * betas);
    }
    let slope = -(1.0 - x).powf(1.0 - beta) * series;
    if slope.is_nan() { 0.0 } else { slope }
}

/// With the first parameter of the beta distribution, by Rice's saddle point expansion, for large parameters.
fn beta_alpha_large(x: f64, alpha: f64, beta: f64) -> f64 {
    let total = alpha + beta;
    let mean = alpha / total;
    let deviation = (alpha * beta / (total + 1.0)).sqrt() / total;
    if mean - 0.1 * deviation <= x && x <= mean + 0.1 * deviation {
        return at_mean(x, alpha, beta);
    }
    let expand = |v: f64| 1.0 + 1.0 / (12.0 * v) + 1.0 / (288.0 * v * v);
    let stirling = expand(alpha) * expand(beta) / expand(total);
    let prefactor = -x / (2.0 * alpha * beta / total).sqrt();
    let apart = alpha * (x - 1.0) + beta * x;
    let numerator = 2.0 * (alpha * alpha) * (x - 1.0) + alpha * beta * (x - 1.0) - x * (beta * beta);
    let first = numerator / ((2.0 * alpha / beta).sqrt() * total.powf(1.5) * apart * apart);
    let second = 0.5 * (alpha / (total * x)).ln();
    let third = (8.0 * alpha * beta / total).sqrt() / apart;
    let base = beta * (beta / (total * (1.0 - x))).ln() + alpha * (alpha / (total * x)).ln();
    let fourth = base.powf(-1.5);
    stirling * prefactor * (first + second * (third + if x < mean { fourth } else { -fourth }))
}

/// Near the mean, where the expansion has a singularity.
fn at_mean(x: f64, alpha: f64, beta: f64) -> f64 {
    let total = alpha + beta;
    let square = beta * beta;
    let fourth = 8.0 * (1.0 - x) * (135.0 * beta - 11.0);
    let third = (453.0 + 1620.0 * beta * (1.0 - x) - 455.0 * x) * beta + alpha * fourth;
    let second = 3.0 * (59.0 + 180.0 * beta - 90.0 * x) * square + alpha * third;
    let first = (43.0 + 20.0 * (16.0 + 27.0 * beta) * x) * square * beta + alpha * second;
    let polynomial = 47.0 * x * square * square + alpha * first;
    let numerator = (1.0 + 12.0 * alpha) * (1.0 + 12.0 * beta) / (total * total);
    let denominator = 12960.0 * alpha * alpha * alpha * square * (1.0 + 12.0 * total);
    numerator / (1.0 - x) * polynomial / denominator
}
