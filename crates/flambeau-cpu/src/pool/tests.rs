use flambeau_types::Layout;

use super::*;
use crate::{View, ViewMut};

fn shape(kernel: i64, stride: i64, padding: i64, dilation: i64) -> PoolShape {
    PoolShape { kernel: [kernel; 2], stride: [stride; 2], padding: [padding; 2], dilation: [dilation; 2] }
}

fn max(x: &[f32], sizes: [i64; 3], s: &PoolShape, ceil: bool) -> (Vec<f32>, Vec<i64>, Layout) {
    let out = |d: usize| pool_output_size(sizes[d + 1], s.kernel[d], s.stride[d], s.padding[d], s.dilation[d], ceil);
    let (lx, ly) = (Layout::contiguous(&sizes), Layout::contiguous(&[sizes[0], out(0), out(1)]));
    let (mut y, mut at) = (vec![0.0; ly.numel() as usize], vec![0; ly.numel() as usize]);
    max_pool2d(&mut ViewMut::of(&mut y, &ly), &mut ViewMut::of(&mut at, &ly), View::of(x, &lx), s);
    (y, at, ly)
}

#[test]
fn maximum_and_its_place() {
    let x: Vec<f32> = (0..16).map(|i| ((i * 7) % 16) as f32).collect();
    // 0 7 14 5 / 12 3 10 1 / 8 15 6 13 / 4 11 2 9
    let (y, at, _) = max(&x, [1, 4, 4], &shape(2, 2, 0, 1), false);
    assert_eq!(y, [12.0, 14.0, 15.0, 13.0]);
    assert_eq!(at, [4, 2, 9, 11]);
    let (y, at, _) = max(&x, [1, 4, 4], &shape(3, 2, 1, 1), false);
    assert_eq!(y, [12.0, 14.0, 15.0, 15.0]);
    assert_eq!(at, [4, 2, 9, 9]);
    let (y, at, _) = max(&x, [1, 4, 4], &shape(2, 1, 0, 2), false);
    assert_eq!(y, [14.0, 15.0, 12.0, 11.0]);
    assert_eq!(at, [2, 9, 4, 13]);
    // The last windows of 3 reach beyond the image.
    let (y, _, l) = max(&x, [1, 4, 4], &shape(3, 2, 0, 1), true);
    assert_eq!(l.sizes.as_slice(), &[1, 2, 2]);
    assert_eq!(y, [15.0, 14.0, 15.0, 13.0]);
}

#[test]
fn equal_ones_and_nan() {
    let (y, at, _) = max(&[1.0, 1.0, 1.0, 1.0], [1, 2, 2], &shape(2, 2, 0, 1), false);
    assert_eq!((y[0], at[0]), (1.0, 0));
    let (y, at, _) = max(&[1.0, f32::NAN, 3.0, 2.0], [1, 2, 2], &shape(2, 2, 0, 1), false);
    assert!(y[0].is_nan() && at[0] == 1);
    let low = [f32::NEG_INFINITY; 4];
    let (y, at, _) = max(&low, [1, 2, 2], &shape(2, 2, 0, 1), false);
    assert_eq!((y[0], at[0]), (f32::NEG_INFINITY, 0));
}

#[test]
fn gradient_goes_to_the_maximum() {
    let x: Vec<f32> = (0..2 * 25).map(|i| ((i * 17) % 50) as f32).collect();
    let s = shape(3, 1, 1, 1);
    let (y, at, ly) = max(&x, [2, 5, 5], &s, false);
    let lx = Layout::contiguous(&[2, 5, 5]);
    let g: Vec<f32> = (0..y.len()).map(|i| i as f32).collect();
    let mut dx = vec![f32::NAN; 50];
    max_pool2d_backward(&mut ViewMut::of(&mut dx, &lx), View::of(&g, &ly), View::of(&at, &ly));
    let mut want = vec![0.0; 50];
    for (i, &a) in at.iter().enumerate() {
        want[i / 25 * 25 + a as usize] += g[i];
    }
    assert_eq!(dx, want);
}

#[test]
fn means() {
    let (lx, ly) = (Layout::contiguous(&[1, 3, 3]), Layout::contiguous(&[1, 2, 2]));
    let x: Vec<f64> = (1..10).map(f64::from).collect();
    let run = |count_include_pad, divisor_override| {
        let s = AvgPoolShape { windows: shape(2, 2, 1, 1), count_include_pad, divisor_override };
        let mut y = vec![0.0f64; 4];
        avg_pool2d(&mut ViewMut::of(&mut y, &ly), View::of(&x, &lx), &s);
        let mut dx = vec![f64::NAN; 9];
        avg_pool2d_backward(&mut ViewMut::of(&mut dx, &lx), View::of(&[1.0f64; 4], &ly), &s);
        (y, dx)
    };
    let (y, dx) = run(true, None);
    assert_eq!(y, [0.25, 1.25, 2.75, 7.0]);
    assert_eq!(dx, [0.25; 9]);
    let (y, dx) = run(false, None);
    assert_eq!(y, [1.0, 2.5, 5.5, 7.0]);
    assert_eq!(dx, [1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.5, 0.25, 0.25]);
    assert_eq!(run(false, Some(2)).0, [0.5, 2.5, 5.5, 14.0]);
}

#[test]
fn sizes_with_ceil_mode() {
    assert_eq!(pool_output_size(5, 2, 2, 0, 1, false), 2);
    assert_eq!(pool_output_size(5, 2, 2, 0, 1, true), 3);
    // A window that would start in the padding behind the image is left out.
    assert_eq!(pool_output_size(3, 2, 2, 1, 1, true), 2);
}

#[test]
fn windows_of_volumes_and_adaptive_ones() {
    // 5 elements in 3 windows: 0..2, 1..4, 3..5.
    let bounds = |size, out| adaptive_windows(size, out).iter().map(|w| (w.start, w.end)).collect::<Vec<_>>();
    assert_eq!(bounds(5, 3), [(0, 2), (1, 4), (3, 5)]);
    assert_eq!(bounds(2, 4), [(0, 1), (0, 1), (1, 2), (1, 2)]);

    let x: Vec<f32> = (0..8).map(|i| i as f32).collect();
    let (lx, ly) = (Layout::contiguous(&[1, 2, 2, 2]), Layout::contiguous(&[1, 1, 1, 2]));
    let windows = [fixed_windows(2, 1, 2, 2, 0, 1), fixed_windows(2, 1, 2, 2, 0, 1), fixed_windows(2, 2, 1, 1, 0, 1)];
    let (mut y, mut at) = (vec![0.0f32; 2], vec![0i64; 2]);
    max_windows(&mut ViewMut::of(&mut y, &ly), &mut ViewMut::of(&mut at, &ly), View::of(&x, &lx), &windows);
    assert_eq!((y.as_slice(), at.as_slice()), (&[6.0, 7.0][..], &[6, 7][..]));
    avg_windows(&mut ViewMut::of(&mut y, &ly), View::of(&x, &lx), &windows, false, None);
    assert_eq!(y, [3.0, 4.0]);
    let mut g = vec![0.0f32; 8];
    avg_windows_backward(&mut ViewMut::of(&mut g, &lx), View::of(&[4.0f32, 8.0], &ly), &windows, false, None);
    assert_eq!(g, [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);

    // Padding counts where it is asked to.
    let windows = [fixed_windows(2, 2, 2, 2, 1, 1)];
    let (lx, mut y) = (Layout::contiguous(&[1, 2]), vec![0.0f32; 2]);
    avg_windows(&mut ViewMut::of(&mut y, &lx), View::of(&[2.0f32, 6.0], &lx), &windows, false, None);
    assert_eq!(y, [1.0, 3.0]);
    avg_windows(&mut ViewMut::of(&mut y, &lx), View::of(&[2.0f32, 6.0], &lx), &windows, true, None);
    assert_eq!(y, [2.0, 6.0]);
}

#[test]
fn means_of_windows_of_all_kinds() {
    let number = |i: usize| ((i * 37 + i * i % 11) % 23) as f64 / 8.0 - 1.0;
    for (h, w) in [(5usize, 41usize), (9, 50), (4, 4)] {
        let adaptive = [adaptive_windows(h as i64, 3), adaptive_windows(w as i64, 40)];
        let over = [fixed_windows(h as i64, h as i64, 3, 1, 1, 1), fixed_windows(w as i64, w as i64, 3, 1, 1, 1)];
        let pairs =
            [fixed_windows(h as i64, h as i64 / 2, 2, 2, 0, 1), fixed_windows(w as i64, w as i64 / 2, 2, 2, 0, 1)];
        for windows in [adaptive, over, pairs] {
            let (oh, ow) = (windows[0].len(), windows[1].len());
            let from = Layout::contiguous(&[2, h as i64, w as i64]);
            let to = Layout::contiguous(&[2, oh as i64, ow as i64]);
            let x: Vec<f64> = (0..2 * h * w).map(number).collect();
            let g: Vec<f64> = (0..2 * oh * ow).map(|i| number(i + 3)).collect();
            for inside_only in [false, true] {
                let (mut y, mut dx, mut wanted) = (vec![0.0; g.len()], vec![9.0; x.len()], vec![0.0; x.len()]);
                avg_windows(&mut ViewMut::of(&mut y, &to), View::of(&x, &from), &windows, inside_only, None);
                avg_windows_backward(&mut ViewMut::of(&mut dx, &from), View::of(&g, &to), &windows, inside_only, None);
                for o in 0..g.len() {
                    let (p, a, b) = (o / (oh * ow), windows[0][o / ow % oh], windows[1][o % ow]);
                    let inside = (a.end - a.start) * (b.end - b.start);
                    let by = if inside_only { inside } else { a.count * b.count } as f64;
                    let mut sum = 0.0;
                    for (r, c) in (a.start..a.end).flat_map(|r| (b.start..b.end).map(move |c| (r, c))) {
                        let at = (p * h + r as usize) * w + c as usize;
                        sum += x[at];
                        wanted[at] += g[o] / by;
                    }
                    assert!((y[o] - sum / by).abs() < 1e-12);
                }
                assert!(dx.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-12));
            }
        }
    }
}
