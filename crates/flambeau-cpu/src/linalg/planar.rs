//! Rotations of a plane, and factors of matrices of two by two: LAPACK's lartg, las2, lasv2, laev2 and lanv2, whose signs
//! decide those of singular vectors and eigenvectors.

/// `sqrt(f^2 + g^2)`; squares that stay in range need no care.
#[inline(always)]
fn length(f: f64, g: f64) -> f64 {
    let sum = f * f + g * g;
    if (1e-280..1e280).contains(&sum) { sum.sqrt() } else { f.hypot(g) }
}

/// `c`, `s` and `r` with `c f + s g = r` and `c g = s f`, as steps on symmetric matrices take it: `c` is positive where `f` is
/// the greater, else `r` is.
pub(super) fn rotation(f: f64, g: f64) -> (f64, f64, f64) {
    if g == 0.0 {
        return (1.0, 0.0, f);
    }
    if f == 0.0 {
        return (0.0, 1.0, g);
    }
    let r = length(f, g);
    if f.abs() > g.abs() && f < 0.0 { (-f / r, -g / r, -r) } else { (f / r, g / r, r) }
}

/// [`rotation`] as steps on bidiagonal matrices take it: `c` is never negative.
pub(super) fn rotation_forward(f: f64, g: f64) -> (f64, f64, f64) {
    if g == 0.0 {
        return (1.0, 0.0, f);
    }
    if f == 0.0 {
        return (0.0, 1f64.copysign(g), g.abs());
    }
    let size = length(f, g);
    let r = size.copysign(f);
    (f.abs() / size, g / r, r)
}

/// Turns columns `j` and `k > j` of `m` elements: `x' = c x + s y`, `y' = c y - s x`.
pub(super) fn rotate<T>(columns: &mut [T], m: usize, (j, k): (usize, usize), (c, s): (f64, f64))
where
    T: Copy + std::ops::Mul<f64, Output = T> + std::ops::Add<Output = T> + std::ops::Sub<Output = T>,
{
    let (front, back) = columns.split_at_mut(k * m);
    for (x, y) in front[j * m..(j + 1) * m].iter_mut().zip(&mut back[..m]) {
        (*x, *y) = (*x * c + *y * s, *y * c - *x * s);
    }
}

/// The smaller singular value of `[f g; 0 h]`.
pub(super) fn smaller_singular_value(f: f64, g: f64, h: f64) -> f64 {
    let (f, g, h) = (f.abs(), g.abs(), h.abs());
    let (low, high) = (f.min(h), f.max(h));
    if low == 0.0 {
        return 0.0;
    }
    let (sum, difference) = (1.0 + low / high, (high - low) / high);
    if g < high {
        let u = (g / high).powi(2);
        return low * (2.0 / ((sum * sum + u).sqrt() + (difference * difference + u).sqrt()));
    }
    let u = high / g;
    if u == 0.0 {
        return low * high / g;
    }
    let c = 1.0 / ((1.0 + (sum * u).powi(2)).sqrt() + (1.0 + (difference * u).powi(2)).sqrt());
    2.0 * (low * c * u)
}

/// The singular values of `[f g; 0 h]` (signed) and the rotations that uncover them.
pub(super) struct TriangleSvd {
    pub largest: f64,
    pub smallest: f64,
    pub right: (f64, f64),
    pub left: (f64, f64),
}

/// The singular value decomposition of `[f g; 0 h]`.
pub(super) fn triangle_svd(f: f64, g: f64, h: f64) -> TriangleSvd {
    let one = |x: f64| 1f64.copysign(x);
    let (mut ft, mut ht) = (f, h);
    let swap = h.abs() > f.abs();
    if swap {
        (ft, ht) = (ht, ft);
    }
    let (fa, ga, ha) = (ft.abs(), g.abs(), ht.abs());
    let mut largest_at = if swap { 3 } else { 1 };
    let (smallest, largest, clt, crt, slt, srt);
    if ga == 0.0 {
        (smallest, largest, clt, crt, slt, srt) = (ha, fa, 1.0, 1.0, 0.0, 0.0);
    } else if ga > fa && fa / ga < f64::EPSILON / 2.0 {
        largest_at = 2;
        smallest = if ha > 1.0 { fa / (ga / ha) } else { fa / ga * ha };
        (largest, clt, slt, srt, crt) = (ga, 1.0, ht / g, 1.0, ft / g);
    } else {
        if ga > fa {
            largest_at = 2;
        }
        let d = fa - ha;
        let l = if d == fa { 1.0 } else { d / fa };
        let m = g / ft;
        let t = 2.0 - l;
        let (mm, tt) = (m * m, t * t);
        let s = (tt + mm).sqrt();
        let r = if l == 0.0 { m.abs() } else { (l * l + mm).sqrt() };
        let a = 0.5 * (s + r);
        let t = if mm != 0.0 {
            (m / (s + t) + m / (r + l)) * (1.0 + a)
        } else if l == 0.0 {
            2f64.copysign(ft) * one(g)
        } else {
            g / d.copysign(ft) + m / t
        };
        let l = (t * t + 4.0).sqrt();
        (smallest, largest, crt, srt) = (ha / a, fa * a, 2.0 / l, t / l);
        (clt, slt) = ((crt + srt * m) / a, ht / ft * srt / a);
    }
    let ((csl, snl), (csr, snr)) = if swap { ((srt, crt), (slt, clt)) } else { ((clt, slt), (crt, srt)) };
    let sign = match largest_at {
        1 => one(csr) * one(csl) * one(f),
        2 => one(snr) * one(csl) * one(g),
        _ => one(snr) * one(snl) * one(h),
    };
    TriangleSvd {
        largest: largest.copysign(sign),
        smallest: smallest.copysign(sign * one(f) * one(h)),
        right: (csr, snr),
        left: (csl, snl),
    }
}

/// The eigenvalues of `[a b; b c]`, the one of greater size first, and the first one's vector `(cs, sn)`.
pub(super) fn symmetric_eigen(a: f64, b: f64, c: f64) -> (f64, f64, f64, f64) {
    let (sm, df, tb) = (a + c, a - c, b + b);
    let ab = tb.abs();
    let (most, least) = if a.abs() > c.abs() { (a, c) } else { (c, a) };
    let rt = df.hypot(tb);
    let (rt1, rt2, first) = if sm < 0.0 {
        let rt1 = 0.5 * (sm - rt);
        (rt1, most / rt1 * least - b / rt1 * b, -1)
    } else if sm > 0.0 {
        let rt1 = 0.5 * (sm + rt);
        (rt1, most / rt1 * least - b / rt1 * b, 1)
    } else {
        (0.5 * rt, -0.5 * rt, 1)
    };
    let (cs, second) = if df >= 0.0 { (df + rt, 1) } else { (df - rt, -1) };
    let (cs1, sn1) = if cs.abs() > ab {
        let ct = -tb / cs;
        let sn = 1.0 / (1.0 + ct * ct).sqrt();
        (ct * sn, sn)
    } else if ab == 0.0 {
        (1.0, 0.0)
    } else {
        let tn = -cs / tb;
        let cs = 1.0 / (1.0 + tn * tn).sqrt();
        (cs, tn * cs)
    };
    if first == second { (rt1, rt2, -sn1, cs1) } else { (rt1, rt2, cs1, sn1) }
}

/// A standardized block of a real Schur form: its elements, eigenvalues and the rotation that made it.
pub(super) struct Standard {
    pub block: [f64; 4],
    pub first: (f64, f64),
    pub second: (f64, f64),
    pub turn: (f64, f64),
}

/// Brings `[a b; c d]` to upper triangular form, or to equal diagonal elements with `b c < 0`.
pub(super) fn standardize(mut a: f64, mut b: f64, mut c: f64, mut d: f64) -> Standard {
    let one = |x: f64| 1f64.copysign(x);
    let eps = f64::EPSILON;
    let (mut cs, mut sn) = (1.0, 0.0);
    if c == 0.0 {
    } else if b == 0.0 {
        (cs, sn) = (0.0, 1.0);
        (a, d) = (d, a);
        (b, c) = (-c, 0.0);
    } else if a - d == 0.0 && one(b) != one(c) {
    } else {
        let temp = a - d;
        let mut p = 0.5 * temp;
        let most = b.abs().max(c.abs());
        let least = b.abs().min(c.abs()) * one(b) * one(c);
        let scale = p.abs().max(most);
        let mut z = p / scale * p + most / scale * least;
        if z >= 4.0 * eps {
            z = p + (scale.sqrt() * z.sqrt()).copysign(p);
            a = d + z;
            d -= most / z * least;
            let tau = c.hypot(z);
            (cs, sn) = (z / tau, c / tau);
            b -= c;
            c = 0.0;
        } else {
            let sigma = b + c;
            p = 0.5 * temp;
            let tau = sigma.hypot(temp);
            cs = (0.5 * (1.0 + sigma.abs() / tau)).sqrt();
            sn = -(p / (tau * cs)) * one(sigma);
            let (aa, bb) = (a * cs + b * sn, -a * sn + b * cs);
            let (cc, dd) = (c * cs + d * sn, -c * sn + d * cs);
            a = aa * cs + cc * sn;
            b = bb * cs + dd * sn;
            c = -aa * sn + cc * cs;
            d = -bb * sn + dd * cs;
            let middle = 0.5 * (a + d);
            (a, d) = (middle, middle);
            if c != 0.0 {
                if b == 0.0 {
                    (b, c) = (-c, 0.0);
                    (cs, sn) = (-sn, cs);
                } else if one(b) == one(c) {
                    let (sab, sac) = (b.abs().sqrt(), c.abs().sqrt());
                    let p = (sab * sac).copysign(c);
                    let tau = 1.0 / (b + c).abs().sqrt();
                    (a, d) = (middle + p, middle - p);
                    b -= c;
                    c = 0.0;
                    let (cs1, sn1) = (sab * tau, sac * tau);
                    (cs, sn) = (cs * cs1 - sn * sn1, cs * sn1 + sn * cs1);
                }
            }
        }
    }
    let im = if c == 0.0 { 0.0 } else { b.abs().sqrt() * c.abs().sqrt() };
    Standard { block: [a, b, c, d], first: (a, im), second: (d, -im), turn: (cs, sn) }
}
