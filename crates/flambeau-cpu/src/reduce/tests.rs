use super::*;
use flambeau_types::{Complex, Element, Layout, Scalar, bf16, contiguous_strides, f16};

/// Layouts of every kind over a buffer: row-major, transposed, stepped, repeated, empty and 0-d.
pub(crate) fn layouts() -> Vec<Layout> {
    let l =
        |sizes: &[i64], strides: &[i64], offset: i64| Layout { sizes: sizes.into(), strides: strides.into(), offset };
    vec![
        l(&[], &[], 2),
        Layout::contiguous(&[4]),
        Layout::contiguous(&[5, 7, 3]),
        l(&[3, 7, 5], &[1, 3, 21], 0),
        l(&[4, 6], &[14, 2], 1),
        l(&[3, 4, 5], &[0, 5, 1], 0),
        l(&[4, 3], &[1, 0], 0),
        l(&[6, 9, 4], &[4, 24, 1], 3),
        Layout::contiguous(&[2, 1, 0]),
        Layout::contiguous(&[0, 3]),
        Layout::contiguous(&[3, 1100]),
        Layout::contiguous(&[600, 18]),
        l(&[40, 30], &[1, 40], 0),
        l(&[2, 700, 3], &[2100, 1, 700], 0),
    ]
}

/// Small numbers that every dtype holds exactly.
pub(crate) fn numbers<T: Element>(n: usize) -> Vec<T> {
    let mut s = 12345u32;
    (0..n)
        .map(|_| {
            s = s.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let v = (s >> 20) as i64 % 15 - if T::DTYPE.is_signed() { 7 } else { 0 };
            match T::DTYPE {
                d if d.is_integral() => T::from_scalar(Scalar::Int(v.abs() * v.signum())),
                d if d.is_complex() => {
                    T::from_scalar(Scalar::Complex(Complex::new(v as f64 / 4.0, (s >> 9 & 7) as f64 - 3.0)))
                }
                _ => T::from_scalar(Scalar::Float(v as f64 / 4.0)),
            }
        })
        .collect()
}

pub(crate) fn offset(layout: &Layout, mut i: usize) -> usize {
    let mut at = layout.offset;
    for (&n, &s) in layout.sizes.iter().zip(&layout.strides).rev() {
        at += (i % n as usize) as i64 * s;
        i /= n as usize;
    }
    at as usize
}

/// Calls `check` with every mask of a layout, the output's layout, and for each output the elements that it folds.
fn each_mask<T: Element>(data: &[T], layout: &Layout, mut check: impl FnMut(&[bool], &Layout, &[Vec<T>])) {
    let n = layout.ndim();
    for bits in 0..1 << n {
        let mask: Vec<bool> = (0..n).map(|d| bits >> d & 1 == 1).collect();
        let sizes: Vec<i64> = (0..n).map(|d| if mask[d] { 1 } else { layout.sizes[d] }).collect();
        // A gap between outputs, so that the output's strides matter.
        let strides: Vec<i64> = contiguous_strides(&sizes).iter().map(|s| s * 2).collect();
        let out = Layout { sizes: sizes.as_slice().into(), strides: strides.as_slice().into(), offset: 1 };
        let mut groups = vec![vec![]; out.numel() as usize];
        for i in 0..layout.numel() as usize {
            let (mut rest, mut o, mut unit) = (i, 0, 1);
            for d in (0..n).rev() {
                let j = rest % layout.sizes[d] as usize;
                rest /= layout.sizes[d] as usize;
                o += if mask[d] { 0 } else { j * unit };
                unit *= sizes[d] as usize;
            }
            groups[o].push(data[offset(layout, i)]);
        }
        check(&mask, &out, &groups);
    }
}

fn close(got: Complex<f64>, want: Complex<f64>, tolerance: f64, what: &str) {
    let part = |g: f64, w: f64| g == w || (g.is_nan() && w.is_nan()) || (g - w).abs() <= tolerance * w.abs().max(1.0);
    assert!(part(got.re, want.re) && part(got.im, want.im), "{what}: got {got}, want {want}");
}

type Kernel1<'a> = &'a dyn Fn(&mut ViewMut, View, &[bool]);

/// Checks a reduction from `T` to `U` against a plain loop over complex float64.
fn against<T: Element, U: Element>(
    name: &str,
    tolerance: f64,
    skip_empty: bool,
    kernel: Kernel1,
    want: impl Fn(&[Complex<f64>]) -> Complex<f64>,
) {
    let data = numbers::<T>(12_000);
    for layout in layouts() {
        each_mask(&data, &layout, |mask, out_layout, groups| {
            if skip_empty && groups.iter().any(|g| g.is_empty()) {
                return;
            }
            let mut out = vec![U::default(); 2 * groups.len() + 2];
            kernel(&mut ViewMut::of(&mut out, out_layout), View::of(&data, &layout), mask);
            for (o, group) in groups.iter().enumerate() {
                let elements: Vec<_> = group.iter().map(|v| v.to_scalar().to_complex()).collect();
                let got = out[2 * o + 1].to_scalar().to_complex();
                let what = format!("{name} {:?} {:?} {mask:?} output {o}", T::DTYPE, layout);
                close(got, U::from_scalar(Scalar::Complex(want(&elements))).to_scalar().to_complex(), tolerance, &what);
            }
        });
    }
}

fn total(v: &[Complex<f64>]) -> Complex<f64> {
    v.iter().sum()
}

#[test]
fn sums_of_every_dtype() {
    fn check<T: Element, U: Element>(tolerance: f64) {
        against::<T, U>("sum", tolerance, false, &|o, x, m| sum(o, x, m), total);
        against::<T, U>("nansum", tolerance, false, &|o, x, m| nansum(o, x, m), total);
    }
    check::<bool, i64>(0.0);
    check::<u8, i64>(0.0);
    check::<i8, i64>(0.0);
    check::<i16, f32>(0.0);
    check::<i32, i64>(0.0);
    check::<i64, i64>(0.0);
    check::<f16, f16>(1e-3);
    check::<bf16, bf16>(8e-3);
    check::<f16, f32>(0.0);
    check::<f32, f32>(0.0);
    check::<f32, f64>(0.0);
    check::<f64, f64>(0.0);
    check::<Complex<f32>, Complex<f32>>(0.0);
    check::<Complex<f64>, Complex<f64>>(0.0);
    check::<f32, Complex<f32>>(0.0);
}

#[test]
fn products_means_and_counts() {
    let product = |v: &[Complex<f64>]| v.iter().product();
    let shrink = |v: &[Complex<f64>]| total(v) / v.len() as f64;
    let nonzero = |v: &[Complex<f64>]| Complex::from(v.iter().filter(|z| **z != Complex::default()).count() as f64);
    against::<f64, f64>("prod", 1e-12, false, &|o, x, m| prod(o, x, m), product);
    against::<bool, i64>("prod", 0.0, false, &|o, x, m| prod(o, x, m), product);
    against::<f32, f32>("mean", 1e-6, false, &|o, x, m| mean(o, x, m), shrink);
    against::<bf16, bf16>("mean", 8e-3, false, &|o, x, m| mean(o, x, m), shrink);
    against::<f64, f64>("mean", 1e-15, false, &|o, x, m| mean(o, x, m), shrink);
    against::<Complex<f32>, Complex<f32>>("mean", 1e-6, true, &|o, x, m| mean(o, x, m), shrink);
    against::<bool, i64>("count_nonzero", 0.0, false, &|o, x, m| count_nonzero(o, x, m), nonzero);
    against::<f16, i64>("count_nonzero", 0.0, false, &|o, x, m| count_nonzero(o, x, m), nonzero);
    against::<Complex<f64>, i64>("count_nonzero", 0.0, false, &|o, x, m| count_nonzero(o, x, m), nonzero);
    let mut out = [0i64];
    let x = [i64::MAX, 5];
    let (l, one) = (Layout::contiguous(&[2]), Layout::contiguous(&[1]));
    sum(&mut ViewMut::of(&mut out, &one), View::of(&x, &l), &[true]);
    assert_eq!(out[0], i64::MAX.wrapping_add(5));
}

#[test]
fn extremes_of_every_dtype() {
    fn check<T: Element>() {
        let max = |v: &[Complex<f64>]| Complex::from(v.iter().fold(f64::NEG_INFINITY, |a, z| a.max(z.re)));
        let min = |v: &[Complex<f64>]| Complex::from(v.iter().fold(f64::INFINITY, |a, z| a.min(z.re)));
        against::<T, T>("amax", 0.0, true, &|o, x, m| amax(o, x, m), max);
        against::<T, T>("amin", 0.0, true, &|o, x, m| amin(o, x, m), min);
        let truth = |b: bool| Complex::from(b as u8 as f64);
        against::<T, bool>("any", 0.0, false, &|o, x, m| any(o, x, m), |v| truth(v.iter().any(|z| z.re != 0.0)));
        against::<T, u8>("all", 0.0, false, &|o, x, m| all(o, x, m), |v| truth(v.iter().all(|z| z.re != 0.0)));
    }
    check::<bool>();
    check::<u8>();
    check::<i8>();
    check::<i16>();
    check::<i32>();
    check::<i64>();
    check::<f16>();
    check::<bf16>();
    check::<f32>();
    check::<f64>();
}

#[test]
fn nan_wins_over_every_extreme() {
    let l = Layout::contiguous(&[200]);
    let one = Layout::contiguous(&[1]);
    for at in [0, 3, 70, 199] {
        let mut x = numbers::<f32>(200);
        x[at] = f32::NAN;
        let mut out = [0f32];
        amax(&mut ViewMut::of(&mut out, &one), View::of(&x, &l), &[true]);
        assert!(out[0].is_nan());
        amin(&mut ViewMut::of(&mut out, &one), View::of(&x, &l), &[true]);
        assert!(out[0].is_nan());
        let mut i = [0i64];
        x[199] = f32::NAN;
        argmin(&mut ViewMut::of(&mut i, &one), View::of(&x, &l), None);
        assert_eq!(i[0], at as i64);
        nansum(&mut ViewMut::of(&mut out, &one), View::of(&x, &l), &[true]);
        assert!(out[0].is_finite());
    }
}

#[test]
fn halves_without_a_conversion_each() {
    fn check<T: Element>() {
        let l = Layout::contiguous(&[200]);
        let one = Layout::contiguous(&[1]);
        let ends = |x: &[T]| {
            let (mut min, mut max) = ([T::from_scalar(Scalar::Int(0))], [T::from_scalar(Scalar::Int(0))]);
            let outs = &mut (ViewMut::of(&mut min, &one), ViewMut::of(&mut max, &one));
            aminmax(&mut outs.0, &mut outs.1, View::of(x, &l), &[true]);
            [min[0], max[0]].map(|v| v.to_scalar().to_f64())
        };
        let float = |x: f64| T::from_scalar(Scalar::Float(x));
        for at in [0, 31, 70, 199] {
            let mut x = vec![float(-3.5); 200];
            assert_eq!(ends(&x), [-3.5, -3.5]);
            x[at] = float(-0.25);
            x[100] = float(-7.0);
            assert_eq!(ends(&x), [-7.0, -0.25]);
            x[at] = float(f64::INFINITY);
            x[100] = float(f64::NEG_INFINITY);
            assert_eq!(ends(&x), [f64::NEG_INFINITY, f64::INFINITY]);
            for nan in [f64::NAN, -f64::NAN] {
                x[at] = float(nan);
                assert!(ends(&x).iter().all(|v| v.is_nan()));
            }
        }
    }
    check::<f16>();
    check::<bf16>();
}

#[test]
fn norms_and_variances() {
    let p_norm = |p: f64| {
        move |v: &[Complex<f64>]| {
            let a = v.iter().map(|z| z.norm());
            Complex::from(match p {
                0.0 => a.filter(|&x| x != 0.0).count() as f64,
                f64::INFINITY => a.fold(0.0, f64::max),
                f64::NEG_INFINITY => a.fold(f64::INFINITY, f64::min),
                p => a.map(|x| x.powf(p)).sum::<f64>().powf(1.0 / p),
            })
        }
    };
    for p in [0.0, 1.0, 2.0, 3.0, 0.5, f64::INFINITY, f64::NEG_INFINITY] {
        against::<f32, f32>("norm", 2e-5, true, &|o, x, m| norm(o, x, m, p), p_norm(p));
        against::<f64, f64>("norm", 1e-13, true, &|o, x, m| norm(o, x, m, p), p_norm(p));
        against::<Complex<f32>, f32>("norm", 2e-5, true, &|o, x, m| norm(o, x, m, p), p_norm(p));
        against::<Complex<f32>, f64>("norm", 1e-13, true, &|o, x, m| norm(o, x, m, p), p_norm(p));
        against::<bf16, bf16>("norm", 1.6e-2, true, &|o, x, m| norm(o, x, m, p), p_norm(p));
    }
    for (correction, root) in [(1.0, false), (0.0, true), (2.5, false)] {
        let spread = move |v: &[Complex<f64>]| {
            // Part by part: with one element and no degree of freedom each part is 0 / 0.
            let n = v.len() as f64;
            let m = total(v) / n;
            let part = |f: fn(&Complex<f64>) -> f64| {
                v.iter().map(|z| (f(z) - f(&m)).powi(2)).sum::<f64>() / (n - correction).max(0.0)
            };
            let complex = v.iter().any(|z| z.im != 0.0);
            let s = part(|z| z.re) + if complex { part(|z| z.im) } else { 0.0 };
            Complex::from(if root { s.sqrt() } else { s })
        };
        against::<f32, f32>("var", 1e-6, false, &|o, x, m| var(o, x, m, correction, root), spread);
        against::<f64, f64>("var", 1e-12, false, &|o, x, m| var(o, x, m, correction, root), spread);
        against::<f16, f16>("var", 1e-3, false, &|o, x, m| var(o, x, m, correction, root), spread);
        if correction <= 1.0 {
            against::<Complex<f32>, f32>(
                "var",
                1e-6,
                correction > 1.0,
                &|o, x, m| var(o, x, m, correction, root),
                spread,
            );
        }
    }
    against::<Complex<f64>, Complex<f64>>(
        "var_mean",
        1e-12,
        true,
        &|o, x, m| {
            let mut spread = vec![0f64; o.numel().max(1)];
            let l = Layout::contiguous(o.sizes());
            var_mean(&mut ViewMut::of(&mut spread, &l), o, x, m, 1.0, false)
        },
        |v| total(v) / v.len() as f64,
    );
}

#[test]
fn logsumexp_is_stable() {
    let want = |v: &[Complex<f64>]| Complex::from(v.iter().map(|z| z.re.exp()).sum::<f64>().ln());
    against::<f32, f32>("logsumexp", 1e-6, false, &|o, x, m| logsumexp(o, x, m), want);
    against::<f64, f64>("logsumexp", 1e-14, false, &|o, x, m| logsumexp(o, x, m), want);
    against::<f16, f16>("logsumexp", 1e-3, false, &|o, x, m| logsumexp(o, x, m), want);
    let inf = f32::INFINITY;
    let (two, one) = (Layout::contiguous(&[2]), Layout::contiguous(&[1]));
    for (x, want) in [
        ([inf, 1.0], inf),
        ([-inf, -inf], -inf),
        ([-inf, inf], inf),
        ([1000.0, 1000.0], 1000.0 + std::f32::consts::LN_2),
    ] {
        let mut out = [0f32];
        logsumexp(&mut ViewMut::of(&mut out, &one), View::of(&x, &two), &[true]);
        assert_eq!(out[0], want);
    }
}

#[test]
fn long_sums_are_accurate_and_alike_on_any_number_of_threads() {
    let n = 1_500_000usize;
    let x: Vec<f32> = (0..n).map(|i| 0.1 + (i % 7) as f32 * 1e-3).collect();
    let before = crate::threads::num_threads();
    for (sizes, mask) in
        [([1, n as i64], [true, true]), ([n as i64 / 5, 5], [true, false]), ([3, n as i64 / 3], [false, true])]
    {
        let l = Layout::contiguous(&sizes);
        let o = Layout::contiguous(&[if mask[0] { 1 } else { sizes[0] }, if mask[1] { 1 } else { sizes[1] }]);
        let mut results = vec![];
        for threads in [1, 2, 3] {
            crate::threads::set_num_threads(threads);
            let mut out = vec![0f32; o.numel() as usize];
            sum(&mut ViewMut::of(&mut out, &o), View::of(&x, &l), &mask);
            results.push(out);
        }
        crate::threads::set_num_threads(before);
        assert!(results.iter().all(|r| *r == results[0]));
        for k in 0..o.numel() as usize {
            let want: f64 = match mask {
                [true, true] => x.iter().map(|&v| v as f64).sum(),
                [true, false] => x.iter().skip(k).step_by(5).map(|&v| v as f64).sum(),
                _ => x[k * n / 3..(k + 1) * n / 3].iter().map(|&v| v as f64).sum(),
            };
            assert!((results[0][k] as f64 / want - 1.0).abs() < 4e-7, "{} {want}", results[0][k]);
        }
    }
}

#[test]
fn first_extremes_are_found() {
    fn check<T: Element + PartialOrd>() {
        let data = numbers::<T>(12_000);
        for layout in layouts() {
            for dim in 0..layout.ndim().max(1) {
                let mask: Vec<bool> = (0..layout.ndim()).map(|d| d == dim).collect();
                if layout.numel() == 0 {
                    continue;
                }
                each_mask(&data, &layout, |m, out_layout, groups| {
                    let all = m.iter().all(|&b| b);
                    if m != mask && !all {
                        return;
                    }
                    for is_max in [true, false] {
                        let mut values = vec![T::default(); 2 * groups.len() + 2];
                        let mut index = vec![0i64; 2 * groups.len() + 2];
                        let x = View::of(&data, &layout);
                        if all {
                            let f = if is_max { argmax } else { argmin };
                            f(&mut ViewMut::of(&mut index, out_layout), x, None);
                        } else {
                            let mut v = ViewMut::of(&mut values, out_layout);
                            min_max_with_index(&mut v, &mut ViewMut::of(&mut index, out_layout), x, dim, is_max);
                        }
                        for (o, g) in groups.iter().enumerate() {
                            let mut best = 0;
                            for i in 1..g.len() {
                                if if is_max { g[i] > g[best] } else { g[i] < g[best] } {
                                    best = i;
                                }
                            }
                            assert_eq!(index[2 * o + 1], best as i64, "{:?} {layout:?} {m:?} {is_max}", T::DTYPE);
                            assert!(all || values[2 * o + 1] == g[best]);
                        }
                    }
                });
            }
        }
    }
    check::<bool>();
    check::<u8>();
    check::<i16>();
    check::<i64>();
    check::<f16>();
    check::<f32>();
    check::<f64>();
}

#[test]
fn selections() {
    let nan = f64::NAN;
    let pick = |x: &[f64], f: &dyn Fn(&mut ViewMut, &mut ViewMut, View)| {
        let (l, one) = (Layout::contiguous(&[x.len() as i64]), Layout::contiguous(&[1]));
        let (mut v, mut i) = ([0f64], [0i64]);
        f(&mut ViewMut::of(&mut v, &one), &mut ViewMut::of(&mut i, &one), View::of(x, &l));
        (v[0], i[0])
    };
    // Values and indices as PyTorch gives them.
    let x = [3.0, 1.0, 3.0, 2.0, 2.0, 1.0];
    assert_eq!(pick(&x, &|v, i, x| median(v, i, x, 0, false)), (2.0, 3));
    assert_eq!(pick(&x, &|v, i, x| mode(v, i, x, 0)), (1.0, 5));
    assert_eq!(pick(&[2.0, 2.0, 3.0, 3.0, 1.0, 3.0, 2.0, 5.0], &|v, i, x| mode(v, i, x, 0)), (2.0, 6));
    let x = [3.0, 1.0, nan, 2.0, 2.0, 1.0];
    assert_eq!(pick(&x, &|v, i, x| kthvalue(v, i, x, 0, 3)), (2.0, 4));
    assert_eq!(pick(&x, &|v, i, x| kthvalue(v, i, x, 0, 6)).1, 2);
    assert_eq!(pick(&x, &|v, i, x| median(v, i, x, 0, false)).1, 2);
    assert_eq!(pick(&x, &|v, i, x| median(v, i, x, 0, true)).0, 2.0);
    let many: Vec<f64> = (0..1000).map(|i| ((i * 7919) % 1009) as f64).collect();
    let mut sorted = many.clone();
    sorted.sort_by(f64::total_cmp);
    for k in [1, 2, 500, 999, 1000] {
        let (v, i) = pick(&many, &|v, i, x| kthvalue(v, i, x, 0, k));
        assert_eq!((v, many[i as usize]), (sorted[k - 1], sorted[k - 1]));
    }
    assert_eq!(pick(&many, &|v, i, x| median(v, i, x, 0, false)).0, sorted[499]);
}
