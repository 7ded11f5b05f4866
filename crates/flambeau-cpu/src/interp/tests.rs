use flambeau_types::Layout;

use super::*;

fn moves(sizes: &[(usize, usize)], align_corners: bool) -> Vec<Move> {
    sizes.iter().map(|&(size, out)| Move { size, out, align_corners, scale: None }).collect()
}

fn resized<T: flambeau_types::Element + Default>(
    x: &[T],
    sizes: &[i64],
    to: &[i64],
    filter: Filter,
    align: bool,
) -> Vec<T> {
    let pairs: Vec<(usize, usize)> = sizes.iter().zip(to).map(|(&a, &b)| (a as usize, b as usize)).collect();
    let mut y = vec![T::default(); to.iter().product::<i64>() as usize];
    let (from, into) = (Layout::contiguous(sizes), Layout::contiguous(to));
    resample(&mut ViewMut::of(&mut y, &into), View::of(x, &from), filter, &moves(&pairs, align));
    y
}

#[test]
fn lines_keep_their_ends() {
    let x = [1.0, 2.0, 4.0];
    assert_eq!(resized(&x, &[3], &[5], Filter::Linear, true), [1.0, 1.5, 2.0, 3.0, 4.0]);
    assert_eq!(resized(&[1.0, 3.0], &[2], &[4], Filter::Linear, false), [1.0, 1.5, 2.5, 3.0]);
}

#[test]
fn nearest_rows_are_copied() {
    let y = resized(&[1u8, 2, 3, 4], &[2, 2], &[4, 3], Filter::Nearest, false);
    assert_eq!(y, [1, 1, 2, 1, 1, 2, 3, 3, 4, 3, 3, 4]);
}

#[test]
fn bytes_round_to_the_nearest() {
    assert_eq!(resized(&[0u8, 255], &[2], &[4], Filter::Linear, false), [0, 64, 191, 255]);
}

/// `<resample(x), g> == <x, resample_backward(g)>`
#[test]
fn backward_is_the_transpose() {
    let (sizes, to) = ([2i64, 3, 4, 5], [2i64, 5, 3, 9]);
    let series = |n: i64, k: i64| (0..n).map(|i| ((i * k + 3) % 17) as f64 / 5.0 - 1.0).collect::<Vec<f64>>();
    let (x, g) = (series(120, 7), series(270, 11));
    let (from, into) = (Layout::contiguous(&sizes), Layout::contiguous(&to));
    for (filter, align) in [(Filter::Linear, true), (Filter::Linear, false), (Filter::NearestExact, false)] {
        let m = moves(&[(3, 5), (4, 3), (5, 9)], align);
        let (mut y, mut dx) = (vec![0.0; 270], vec![0.0; 120]);
        resample(&mut ViewMut::of(&mut y, &into), View::of(&x, &from), filter, &m);
        resample_backward(&mut ViewMut::of(&mut dx, &from), View::of(&g, &into), filter, &m);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        assert!((dot(&y, &g) - dot(&x, &dx)).abs() < 1e-9);
    }
}

#[test]
fn weights_of_curves_add_up_to_one() {
    for filter in [Filter::SmoothLinear, Filter::SmoothCubic, Filter::SmoothLanczos, Filter::Cubic] {
        for y in resized(&[1.0; 35], &[5, 7], &[3, 11], filter, false) {
            assert!((y - 1.0f64).abs() < 1e-12);
        }
    }
}

#[test]
fn a_grid_of_middles_is_the_image() {
    let x = [1.0, 2.0, 3.0, 4.0];
    let grid = [-1.0, -1.0, 1.0, -1.0, -1.0, 1.0, 1.0, 1.0];
    for filter in [GridFilter::Bilinear, GridFilter::Nearest, GridFilter::Bicubic] {
        for border in [Border::Zeros, Border::Border, Border::Reflection] {
            let mut y = [0.0; 4];
            let (plane, places) = (Layout::contiguous(&[1, 1, 2, 2]), Layout::contiguous(&[1, 2, 2, 2]));
            let how = Grid { filter, border, align_corners: true };
            grid_sample(&mut ViewMut::of(&mut y, &plane), View::of(&x, &plane), View::of(&grid, &places), how);
            assert_eq!(y, x);
        }
    }
}
