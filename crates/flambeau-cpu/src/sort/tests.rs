use flambeau_types::{DType, Element, ErrorKind, Layout, bf16, f16};

use super::*;
use crate::view::{View, ViewMut};

fn layout(sizes: &[i64], strides: &[i64], offset: i64) -> Layout {
    Layout { sizes: sizes.into(), strides: strides.into(), offset }
}

/// Numbers that repeat, from a fixed stream.
fn numbers(n: usize, range: u64) -> Vec<u64> {
    let mut state = 88172645463325252u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % range
    };
    (0..n).map(|_| next()).collect()
}

/// Sorts through the kernel and through the standard library, and compares.
fn check_sort<T: Element + PartialOrd>(data: &[T], descending: bool) {
    let n = data.len() as i64;
    let l = layout(&[n], &[1], 0);
    let (mut values, mut indices) = (data.to_vec(), vec![0i64; data.len()]);
    let (v, i) = (ViewMut::of(&mut values, &l), ViewMut::of(&mut indices, &l));
    sort(Some(v), Some(i), View::of(data, &l), 0, descending, true).unwrap();
    let mut expected: Vec<i64> = (0..n).collect();
    let nan = |x: T| x.partial_cmp(&x).is_none();
    expected.sort_by(|&a, &b| {
        let (a, b) = (data[a as usize], data[b as usize]);
        let order = a.partial_cmp(&b).unwrap_or_else(|| nan(a).cmp(&nan(b)));
        if descending { order.reverse() } else { order }
    });
    assert_eq!(indices, expected);
    for (j, &i) in indices.iter().enumerate() {
        let (a, b) = (values[j], data[i as usize]);
        assert!(a == b || (nan(a) && nan(b)));
        assert_eq!(a.to_scalar().to_f64().is_sign_negative(), b.to_scalar().to_f64().is_sign_negative());
    }
}

#[test]
fn sort_agrees_with_a_stable_comparison_sort() {
    for n in [0usize, 1, 2, 17, 95, 96, 1000, 20_000, 200_000] {
        let x = numbers(n, 5000);
        for descending in [false, true] {
            check_sort(&x.iter().map(|&v| v as f32 - 2500.0).collect::<Vec<_>>(), descending);
            check_sort(&x.iter().map(|&v| (v as i64 - 2500) << 40).collect::<Vec<_>>(), descending);
            if n <= 20_000 {
                check_sort(&x.iter().map(|&v| (v as f64 - 2500.0) * 1e-300).collect::<Vec<_>>(), descending);
                check_sort(&x.iter().map(|&v| v as u8).collect::<Vec<_>>(), descending);
                check_sort(&x.iter().map(|&v| v as i8).collect::<Vec<_>>(), descending);
                check_sort(&x.iter().map(|&v| v as i16 - 99).collect::<Vec<_>>(), descending);
                check_sort(&x.iter().map(|&v| v as i32 - 99).collect::<Vec<_>>(), descending);
                check_sort(&x.iter().map(|&v| v % 2 == 0).collect::<Vec<_>>(), descending);
                check_sort(&x.iter().map(|&v| f16::from_f32(v as f32 - 99.0)).collect::<Vec<_>>(), descending);
                check_sort(&x.iter().map(|&v| bf16::from_f32(v as f32 - 99.0)).collect::<Vec<_>>(), descending);
            }
        }
    }
}

#[test]
fn sort_keeps_nan_infinity_and_minus_zero() {
    let x = [0.0, -0.0, 0.0, f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1e-45, 1e-45];
    check_sort(&x, false);
    check_sort(&x, true);
    check_sort(&x.map(f64::from), false);
    check_sort(&x.map(f16::from_f32), true);
    let many: Vec<f32> = numbers(3000, 9).iter().map(|&v| x[v as usize]).collect();
    check_sort(&many, false);
    check_sort(&many, true);
}

#[test]
fn sort_works_along_any_dimension_and_stride() {
    let (rows, columns) = (37usize, 45usize);
    let data: Vec<i32> = numbers(rows * columns, 50).iter().map(|&v| v as i32).collect();
    let x = layout(&[rows as i64, columns as i64], &[columns as i64, 1], 0);
    let t = layout(&[rows as i64, columns as i64], &[1, rows as i64], 0);
    let (mut values, mut indices) = (vec![0i32; data.len()], vec![0i64; data.len()]);
    sort(Some(ViewMut::of(&mut values, &t)), Some(ViewMut::of(&mut indices, &x)), View::of(&data, &x), 0, false, true)
        .unwrap();
    for c in 0..columns {
        let column: Vec<i32> = (0..rows).map(|r| data[r * columns + c]).collect();
        let mut order: Vec<usize> = (0..rows).collect();
        order.sort_by_key(|&r| column[r]);
        for (r, &o) in order.iter().enumerate() {
            assert_eq!((indices[r * columns + c], values[c * rows + r]), (o as i64, column[o]));
        }
    }
    let zero_d = layout(&[], &[], 0);
    let mut v = [0i32];
    sort(Some(ViewMut::of(&mut v, &zero_d)), None, View::of(&data[3..4], &zero_d), 0, false, true).unwrap();
    assert_eq!(v[0], data[3]);
    let c = [flambeau_types::Complex32::default()];
    let error = sort(None, None, View::of(&c, &zero_d), 0, false, true).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
}

fn top(x: &[f32], k: i64, largest: bool, sorted: bool) -> Vec<i64> {
    let (l, lk) = (layout(&[x.len() as i64], &[1], 0), layout(&[k], &[1], 0));
    let (mut values, mut indices) = (vec![0f32; k as usize], vec![0i64; k as usize]);
    let (v, i) = (ViewMut::of(&mut values, &lk), ViewMut::of(&mut indices, &lk));
    topk(v, i, View::of(x, &l), k, 0, largest, sorted).unwrap();
    assert!(indices.iter().zip(&values).all(|(&i, &v)| x[i as usize] == v));
    indices
}

fn cyclic() -> Vec<f32> {
    (0..200).map(|i| ((i * 7919 % 101) % 7) as f32).collect()
}

#[test]
fn topk_chooses_among_equals_as_pytorch_does() {
    let x = cyclic();
    let weigh = |v: Vec<i64>| v.iter().enumerate().map(|(j, &i)| (j as i64 + 1) * i).sum::<i64>();
    assert_eq!(top(&x, 3, true, true), [14, 1, 10]);
    assert_eq!(top(&x, 3, false, true), [13, 0, 4]);
    assert_eq!(top(&x, 12, true, true), [115, 159, 23, 27, 150, 146, 137, 36, 128, 124, 45, 67]);
    assert_eq!(top(&x, 12, false, true), [92, 140, 26, 105, 184, 180, 35, 101, 0, 39, 96, 158]);
    assert_eq!(weigh(top(&x, 40, true, true)), 67113);
    assert_eq!(weigh(top(&x, 199, false, false)), 1995907);
    // Read along a dimension that is not contiguous, with two rows at once.
    let (l, lk) = (layout(&[200, 2], &[1, 0], 0), layout(&[3, 2], &[2, 1], 0));
    let (mut values, mut indices) = ([0f32; 6], [0i64; 6]);
    topk(ViewMut::of(&mut values, &lk), ViewMut::of(&mut indices, &lk), View::of(&x, &l), 3, 0, true, true).unwrap();
    let one = top(&x, 3, true, true);
    assert!((0..3).all(|j| indices[2 * j] == one[j] && indices[2 * j + 1] == one[j]));
}

#[test]
fn topk_agrees_with_sorting_where_elements_differ() {
    let mut x: Vec<f32> = (0..5000).map(|i| ((i * 7919) % 5003) as f32).collect();
    x[77] = f32::NAN;
    let l = layout(&[5000], &[1], 0);
    let mut order = vec![0i64; 5000];
    sort(None, Some(ViewMut::of(&mut order, &l)), View::of(&x, &l), 0, true, true).unwrap();
    for k in [1i64, 5, 78, 79, 2500, 5000] {
        let lk = layout(&[k], &[1], 0);
        let (mut v, mut i) = (vec![0f32; k as usize], vec![0i64; k as usize]);
        topk(ViewMut::of(&mut v, &lk), ViewMut::of(&mut i, &lk), View::of(&x, &l), k, 0, true, true).unwrap();
        assert_eq!(i, order[..k as usize]);
    }
    let lk = layout(&[1], &[1], 0);
    let (mut v, mut i) = ([0f32], [0i64]);
    let error = topk(ViewMut::of(&mut v, &lk), ViewMut::of(&mut i, &lk), View::of(&x, &l), 5001, 0, true, true);
    assert_eq!(error.unwrap_err().message(), "selected index k out of range");
}

#[test]
fn ranks() {
    let x = cyclic();
    let (l, one) = (layout(&[200], &[1], 0), layout(&[], &[], 0));
    let (mut v, mut i) = ([0f32], [0i64]);
    let mut kth = |k: i64| {
        kthvalue(ViewMut::of(&mut v, &one), ViewMut::of(&mut i, &one), View::of(&x, &l), k, 0).unwrap();
        i[0]
    };
    assert_eq!([1, 50, 100, 150, 200].map(&mut kth), [162, 161, 62, 160, 67]);
    let error = kthvalue(ViewMut::of(&mut v, &one), ViewMut::of(&mut i, &one), View::of(&x, &l), 201, 0).unwrap_err();
    assert_eq!(error.message(), "kthvalue(): selected number k out of range for dimension 0");
    median(ViewMut::of(&mut v, &one), ViewMut::of(&mut i, &one), View::of(&x, &l), 0, false).unwrap();
    assert_eq!(i[0], 66);
    mode(ViewMut::of(&mut v, &one), ViewMut::of(&mut i, &one), View::of(&x, &l), 0).unwrap();
    let counted = |v: f32| x.iter().filter(|&&e| e == v).count();
    assert!(
        (0..7).all(|e| counted(e as f32) < counted(v[0]) || (counted(e as f32) == counted(v[0]) && e as f32 >= v[0]))
    );
    let nan = [1.0, f32::NAN, 2.0];
    let l3 = layout(&[3], &[1], 0);
    median(ViewMut::of(&mut v, &one), ViewMut::of(&mut i, &one), View::of(&nan, &l3), 0, false).unwrap();
    assert!(v[0].is_nan() && i[0] == 1);
    median(ViewMut::of(&mut v, &one), ViewMut::of(&mut i, &one), View::of(&nan, &l3), 0, true).unwrap();
    assert_eq!((v[0], i[0]), (1.0, 0));
    assert_eq!(median_all(View::of(&nan, &l3), false).unwrap(), Some(1));
    for (x, expected, at) in [(vec![3i64, 1, 1, 3, 2], 1i64, 2i64), (vec![5, 2, 1], 1, 2), (vec![1, 1, 1, 2, 1], 1, 4)]
    {
        let l = layout(&[x.len() as i64], &[1], 0);
        let mut v = [0i64];
        mode(ViewMut::of(&mut v, &one), ViewMut::of(&mut i, &one), View::of(&x, &l), 0).unwrap();
        assert_eq!((v[0], i[0]), (expected, at));
    }
    let l4 = layout(&[4], &[1], 0);
    mode(ViewMut::of(&mut v, &one), ViewMut::of(&mut i, &one), View::of(&[f32::NAN, 2.0, 1.0, 1.0], &l4), 0).unwrap();
    assert_eq!((v[0], i[0]), (1.0, 3));
    let empty = layout(&[3, 0], &[0, 1], 0);
    let (mut v3, mut i3) = ([0f32; 3], [0i64; 3]);
    let error = mode(ViewMut::of(&mut v3, &l3), ViewMut::of(&mut i3, &l3), View::of::<f32>(&[], &empty), 1);
    assert_eq!(error.unwrap_err().message(), "mode(): Expected reduction dim 1 to have non-zero size.");
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_ne_bytes(b.try_into().unwrap())).collect()
}

#[test]
fn unique_elements_and_slices() {
    let x = [f32::NAN, 1.0, f32::NAN, -0.0, 0.0];
    let u = unique(View::of(&x, &layout(&[5], &[1], 0)), true, true).unwrap();
    let values = floats(&u.values);
    assert!(values[0] == 0.0 && values[0].is_sign_negative() && values[1] == 1.0 && values[2].is_nan());
    assert_eq!((u.len, u.inverse, u.counts), (4, vec![2, 1, 3, 0, 0], vec![2, 1, 1, 1]));
    let y = [f32::NAN, f32::NAN, 1.0, -0.0, 0.0];
    let u = unique_consecutive(View::of(&y, &layout(&[5], &[1], 0)), true, true).unwrap();
    assert_eq!((u.len, u.inverse, u.counts), (4, vec![0, 1, 2, 3, 3], vec![1, 1, 1, 2]));
    let m = [f32::NAN, 1.0, 0.0, 2.0, 0.0, 2.0, 0.0, 1.0];
    let u = unique_dim(View::of(&m, &layout(&[4, 2], &[2, 1], 0)), 0, false, true, true).unwrap();
    assert_eq!((u.len, u.inverse, u.counts), (3, vec![2, 1, 1, 0], vec![1, 2, 1]));
    assert_eq!(floats(&u.values)[..4], [0.0, 1.0, 0.0, 2.0]);
    let u = unique_dim(View::of(&m, &layout(&[2, 3], &[1, 2], 2)), 1, true, true, true).unwrap();
    assert_eq!((u.len, u.inverse, u.counts), (2, vec![0, 0, 1], vec![2, 1]));
    assert_eq!(floats(&u.values), [0.0, 0.0, 2.0, 1.0]);
    let u = unique(View::of::<f32>(&[], &layout(&[0], &[1], 0)), true, true).unwrap();
    assert_eq!(u, Unique::default());
    let big: Vec<i64> = numbers(100_000, 777).iter().map(|&v| v as i64 - 300).collect();
    let u = unique(View::of(&big, &layout(&[100_000], &[1], 0)), true, true).unwrap();
    let values: Vec<i64> = u.values.chunks_exact(8).map(|b| i64::from_ne_bytes(b.try_into().unwrap())).collect();
    assert!(values.is_sorted_by(|a, b| a < b) && u.counts.iter().sum::<i64>() == 100_000);
    assert!(big.iter().zip(&u.inverse).all(|(&v, &i)| values[i as usize] == v));
}

#[test]
fn searchsorted_agrees_with_counting() {
    let mut sequence: Vec<i32> = numbers(500, 300).iter().map(|&v| v as i32).collect();
    sequence.sort();
    let values: Vec<i32> = numbers(6000, 310).iter().map(|&v| v as i32 - 5).collect();
    let (ls, lv) = (layout(&[500], &[1], 0), layout(&[6000], &[1], 0));
    for right in [false, true] {
        let mut out = vec![0i64; 6000];
        searchsorted(ViewMut::of(&mut out, &lv), View::of(&sequence, &ls), View::of(&values, &lv), right, None)
            .unwrap();
        for (&v, &o) in values.iter().zip(&out) {
            let expected = sequence.iter().filter(|&&s| if right { s <= v } else { s < v }).count();
            assert_eq!(o, expected as i64);
        }
    }
    let rows = [3f32, 1.0, 2.0, 9.0, 7.0, 8.0];
    let order = [1i64, 2, 0, 1, 2, 0];
    let l = layout(&[2, 3], &[3, 1], 0);
    let mut out = [0i32; 6];
    let v = [2f32, f32::NAN, 0.0, 8.0, 8.5, 10.0];
    searchsorted(ViewMut::of(&mut out, &l), View::of(&rows, &l), View::of(&v, &l), true, Some(View::of(&order, &l)))
        .unwrap();
    assert_eq!(out, [2, 3, 0, 2, 2, 3]);
    let bad = [1i64, 2, 5, 1, 2, 0];
    let error =
        searchsorted(ViewMut::of(&mut out, &l), View::of(&rows, &l), View::of(&v, &l), true, Some(View::of(&bad, &l)));
    assert_eq!(error.unwrap_err().message(), "torch.searchsorted(): sorter index out of range");
    assert_eq!(sequence.len() as i64, ls.sizes[0]);
    assert_eq!(View::of(&sequence, &ls).dtype(), DType::I32);
}
