use super::*;
use crate::reduce::tests::{layouts, numbers, offset};
use flambeau_types::{Element, Layout, f16};

fn against<T: Element, U: Element>(
    tolerance: f64,
    kernel: fn(&mut ViewMut, View, usize),
    join: fn(f64, f64) -> f64,
    start: f64,
) {
    let data = numbers::<T>(12_000);
    for layout in layouts() {
        for dim in 0..layout.ndim().max(1) {
            let n = layout.numel() as usize;
            let o = Layout::contiguous(&layout.sizes);
            let mut out = vec![U::default(); n];
            kernel(&mut ViewMut::of(&mut out, &o), View::of(&data, &layout), dim);
            let (len, step) =
                if layout.ndim() == 0 { (1, 1) } else { (layout.sizes[dim] as usize, o.strides[dim] as usize) };
            for (i, got) in out.iter().enumerate() {
                let first = i - (i / step % len) * step;
                let want = (first..=i)
                    .step_by(step)
                    .fold(start, |a, j| join(a, data[offset(&layout, j)].to_scalar().to_f64()));
                let got = got.to_scalar().to_f64();
                assert!(
                    got == want || (got - want).abs() <= tolerance * want.abs(),
                    "{:?} {layout:?} {dim} {i}: {got} {want}",
                    T::DTYPE
                );
            }
        }
    }
}

#[test]
fn running_sums_and_products() {
    against::<f32, f32>(0.0, cumsum, |a, v| a + v, 0.0);
    against::<f64, f64>(0.0, cumsum, |a, v| a + v, 0.0);
    against::<i32, i64>(0.0, cumsum, |a, v| a + v, 0.0);
    against::<bool, i64>(0.0, cumsum, |a, v| a + v, 0.0);
    against::<u8, f16>(1e-3, cumsum, |a, v| a + v, 0.0);
    against::<f64, f64>(0.0, cumprod, |a, v| a * v, 1.0);
    against::<f64, f64>(1e-12, logcumsumexp, |a, v| (a.exp() + v.exp()).ln(), f64::NEG_INFINITY);
}

#[test]
fn steps_are_rounded_only_when_stored() {
    let l = Layout::contiguous(&[4]);
    let x = [65504.0, 65504.0, -65504.0, -65504.0].map(f16::from_f32);
    let mut out = [f16::ZERO; 4];
    cumsum(&mut ViewMut::of(&mut out, &l), View::of(&x, &l), 0);
    assert_eq!(out.map(f16::to_f32), [65504.0, f32::INFINITY, 65504.0, 0.0]);
    let l = Layout::contiguous(&[7]);
    let inf = f32::INFINITY;
    let mut out = [0f32; 7];
    logcumsumexp(&mut ViewMut::of(&mut out, &l), View::of(&[-inf, -inf, 1.0, 2.0, inf, 3.0, f32::NAN], &l), 0);
    assert_eq!(out[..6], [-inf, -inf, 1.0, 2.3132617, inf, inf]);
    assert!(out[6].is_nan());
}

#[test]
fn the_last_of_equal_extremes_is_kept() {
    let nan = f32::NAN;
    let l = Layout::contiguous(&[8]);
    let x = [1.0, 3.0, 3.0, 2.0, 3.0, nan, 1.0, nan];
    let (mut v, mut i) = ([0f32; 8], [0i64; 8]);
    cummax(&mut ViewMut::of(&mut v, &l), &mut ViewMut::of(&mut i, &l), View::of(&x, &l), 0);
    assert_eq!((&v[..5], i), (&[1.0, 3.0, 3.0, 3.0, 3.0][..], [0, 1, 2, 2, 4, 5, 5, 7]));
    assert!(v[5..].iter().all(|v| v.is_nan()));
    cummin(&mut ViewMut::of(&mut v, &l), &mut ViewMut::of(&mut i, &l), View::of(&x, &l), 0);
    assert_eq!(i, [0, 0, 0, 0, 0, 5, 5, 7]);
    let (m, mut v, mut i) = (Layout::contiguous(&[3, 2]), [0i64; 6], [0i64; 6]);
    cummin(&mut ViewMut::of(&mut v, &m), &mut ViewMut::of(&mut i, &m), View::of(&[5i64, 1, 4, 1, 9, 0], &m), 0);
    assert_eq!((v, i), ([5, 1, 4, 1, 4, 0], [0, 0, 1, 1, 1, 2]));
}
