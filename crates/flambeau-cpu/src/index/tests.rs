use flambeau_types::{Element, Error, ErrorKind, Layout, Result, Scalar, bf16, contiguous_strides};

use super::*;
use crate::view::{View, ViewMut};

fn layout(sizes: &[i64], strides: &[i64], offset: i64) -> Layout {
    Layout { sizes: sizes.into(), strides: strides.into(), offset }
}

fn dense(sizes: &[i64]) -> Layout {
    layout(sizes, &contiguous_strides(sizes), 0)
}

/// Shape, with strides of the reversed order of dimensions.
fn turned(sizes: &[i64]) -> Layout {
    let reversed: Vec<i64> = sizes.iter().rev().copied().collect();
    let strides: Vec<i64> = contiguous_strides(&reversed).iter().rev().copied().collect();
    layout(sizes, &strides, 0)
}

fn at(l: &Layout, position: &[i64]) -> usize {
    (l.offset + position.iter().zip(&l.strides).map(|(i, s)| i * s).sum::<i64>()) as usize
}

/// All positions of a shape in row-major order.
fn positions(sizes: &[i64]) -> Vec<Vec<i64>> {
    sizes.iter().fold(vec![vec![]], |all, &n| {
        all.iter().flat_map(|p| (0..n).map(move |i| [p.as_slice(), &[i]].concat())).collect()
    })
}

fn stream(n: usize, range: i64) -> Vec<i64> {
    (0..n as i64)
        .scan(12345i64, |s, _| {
            *s = (s.wrapping_mul(6364136223846793005)).wrapping_add(1442695040888963407);
            Some((*s >> 33).rem_euclid(range))
        })
        .collect()
}

fn fails(result: Result<()>, kind: ErrorKind, text: &str) {
    let error: Error = result.unwrap_err();
    assert_eq!((error.kind(), error.message()), (kind, text));
}

fn make<T: Element>(n: usize) -> Vec<T> {
    (0..n).map(|i| T::from_scalar(Scalar::Int((i as i64 * 37) % 101))).collect()
}

fn gather_scatter_select<T: Element>() {
    let shape = [5i64, 7, 6];
    let n = 5 * 7 * 6;
    let data = make::<T>(n);
    for x in [dense(&shape), turned(&shape)] {
        for dim in 0..3 {
            let mut small = [4i64, 6, 5];
            small[dim] = 9;
            let count: i64 = small.iter().product();
            let index = stream(count as usize, shape[dim]);
            for li in [dense(&small), turned(&small)] {
                let lo = turned(&small);
                let mut out = make::<T>(count as usize);
                gather(ViewMut::of(&mut out, &lo), View::of(&data, &x), dim, View::of(&index, &li)).unwrap();
                let src = make::<T>(count as usize);
                let mut scattered = data.clone();
                scatter(ViewMut::of(&mut scattered, &x), dim, View::of(&index, &li), View::of(&src, &lo)).unwrap();
                let mut expected = data.clone();
                for p in positions(&small) {
                    let mut q = p.clone();
                    q[dim] = index[at(&li, &p)];
                    assert_eq!(out[at(&lo, &p)], data[at(&x, &q)]);
                    expected[at(&x, &q)] = src[at(&lo, &p)];
                }
                assert_eq!(scattered, expected);
            }
            let chosen = stream(9, shape[dim]);
            let half: Vec<i32> = chosen.iter().map(|&i| i as i32).collect();
            let (mut sizes, l9) = (shape, layout(&[9], &[1], 0));
            sizes[dim] = 9;
            let total = sizes.iter().product::<i64>() as usize;
            for lo in [dense(&sizes), turned(&sizes)] {
                let (mut a, mut b) = (make::<T>(total), make::<T>(total));
                index_select(ViewMut::of(&mut a, &lo), View::of(&data, &x), dim, View::of(&chosen, &l9)).unwrap();
                index_select(ViewMut::of(&mut b, &lo), View::of(&data, &x), dim, View::of(&half, &l9)).unwrap();
                assert_eq!(a, b);
                let mut copied = data.clone();
                let src = make::<T>(total);
                index_copy(ViewMut::of(&mut copied, &x), dim, View::of(&chosen, &l9), View::of(&src, &lo)).unwrap();
                let mut expected = data.clone();
                for p in positions(&sizes) {
                    let mut q = p.clone();
                    q[dim] = chosen[p[dim] as usize];
                    assert_eq!(a[at(&lo, &p)], data[at(&x, &q)]);
                    expected[at(&x, &q)] = src[at(&lo, &p)];
                }
                assert_eq!(copied, expected);
            }
        }
    }
}

#[test]
fn moves_agree_with_loops_for_every_size_of_element() {
    gather_scatter_select::<u8>();
    gather_scatter_select::<bool>();
    gather_scatter_select::<bf16>();
    gather_scatter_select::<f32>();
    gather_scatter_select::<i64>();
    gather_scatter_select::<flambeau_types::Complex64>();
}

#[test]
fn additions_agree_with_loops() {
    let shape = [6i64, 300, 40];
    let n = shape.iter().product::<i64>() as usize;
    let src: Vec<i32> = stream(n, 1000).iter().map(|&v| v as i32).collect();
    for dim in 0..3 {
        let mut small = shape;
        small[dim] = 4;
        let count = small.iter().product::<i64>() as usize;
        for l in [dense(&shape), turned(&shape)] {
            let index = stream(n, 4);
            let (mut out, mut expected) = (vec![1i32; count], vec![1i32; count]);
            let lo = dense(&small);
            scatter_add(ViewMut::of(&mut out, &lo), dim, View::of(&index, &l), View::of(&src, &l)).unwrap();
            let (mut most, mut greatest) = (vec![1i32; count], vec![1i32; count]);
            scatter_reduce(
                ViewMut::of(&mut most, &lo),
                dim,
                View::of(&index, &l),
                View::of(&src, &l),
                Reduce::Amax,
                false,
            )
            .unwrap();
            greatest.fill(i32::MIN);
            for p in positions(&shape) {
                let mut q = p.clone();
                q[dim] = index[at(&l, &p)];
                expected[at(&lo, &q)] += src[at(&l, &p)];
                greatest[at(&lo, &q)] = greatest[at(&lo, &q)].max(src[at(&l, &p)]);
            }
            greatest.iter_mut().for_each(|g| *g = if *g == i32::MIN { 1 } else { *g });
            assert_eq!(out, expected);
            assert_eq!(most, greatest);
            let rows = stream(shape[dim] as usize, 4);
            let (mut out, mut expected) = (vec![1i32; count], vec![1i32; count]);
            let lr = layout(&[shape[dim]], &[1], 0);
            index_add(ViewMut::of(&mut out, &lo), dim, View::of(&rows, &lr), View::of(&src, &l), Scalar::Int(-2))
                .unwrap();
            for p in positions(&shape) {
                let mut q = p.clone();
                q[dim] = rows[p[dim] as usize];
                expected[at(&lo, &q)] -= 2 * src[at(&l, &p)];
            }
            assert_eq!(out, expected);
        }
    }
}

#[test]
fn reductions_give_pytorchs_numbers() {
    let (l1, l2) = (dense(&[1]), dense(&[2]));
    let int = |reduce, own, src: [i64; 2]| {
        let mut x = [7i64, 2];
        scatter_reduce(ViewMut::of(&mut x, &l2), 0, View::of(&[0i64, 0], &l2), View::of(&src, &l2), reduce, own)
            .unwrap();
        x[0]
    };
    use Reduce::*;
    assert_eq!([Add, Multiply, Mean, Amax, Amin].map(|r| int(r, true, [-4, -6])), [-3, 168, -1, 7, -6]);
    assert_eq!([Add, Multiply, Mean, Amax, Amin].map(|r| int(r, false, [-4, -5])), [-9, 20, -5, -4, -5]);
    let l600 = dense(&[600]);
    let (ones, zeros) = (vec![bf16::ONE; 600], vec![0i64; 600]);
    let mut x = [bf16::ZERO];
    scatter_add(ViewMut::of(&mut x, &l1), 0, View::of(&zeros, &l600), View::of(&ones, &l600)).unwrap();
    assert_eq!(x[0].to_f32(), 600.0);
    let mut x = [bf16::ZERO];
    index_add(ViewMut::of(&mut x, &l1), 0, View::of(&zeros, &l600), View::of(&ones, &l600), Scalar::Int(1)).unwrap();
    assert_eq!(x[0].to_f32(), 256.0);
    let (rows, row) = (dense(&[600, 4]), dense(&[1, 4]));
    let mut x = [bf16::ZERO; 4];
    let src = vec![bf16::ONE; 2400];
    index_add(ViewMut::of(&mut x, &row), 0, View::of(&zeros, &l600), View::of(&src, &rows), Scalar::Int(1)).unwrap();
    assert_eq!(x[3].to_f32(), 600.0);
    let mut x = [f32::NAN, 2.0];
    scatter_reduce(ViewMut::of(&mut x, &l2), 0, View::of(&[0i64, 1], &l2), View::of(&[1f32, 5.0], &l2), Amax, true)
        .unwrap();
    assert!(x[0].is_nan() && x[1] == 5.0);
    let mut b = [true, false];
    let r = scatter_reduce(ViewMut::of(&mut b, &l2), 0, View::of(&[0i64], &l1), View::of(&[true], &l1), Mean, true);
    fails(r, ErrorKind::NotImplemented, "\"scatter_gather_tensor_cpu_reduce_mean\" not implemented for 'Bool'");
}

#[test]
fn indices_out_of_range_are_pytorchs_errors() {
    use ErrorKind::{Index, Runtime};
    let (l1, l3, m) = (dense(&[1]), dense(&[3]), dense(&[3, 4]));
    let (mut x, mut y, mut w, mut row) = ([0f32; 3], [0f32], [0f32; 12], [0f32; 4]);
    let (one, five, minus, four) = ([1f32], [5i64], [-1i64], [-4i64]);
    let v = [0f32; 3];
    let text = "index 5 is out of bounds for dimension 0 with size 3";
    fails(gather(ViewMut::of(&mut y, &l1), View::of(&v, &l3), 0, View::of(&five, &l1)), Runtime, text);
    fails(scatter(ViewMut::of(&mut x, &l3), 0, View::of(&five, &l1), View::of(&one, &l1)), Runtime, text);
    fails(scatter_value(ViewMut::of(&mut x, &l3), 0, View::of(&five, &l1), Scalar::Float(1.0)), Runtime, text);
    let r = scatter_add(ViewMut::of(&mut x, &l3), 0, View::of(&minus, &l1), View::of(&one, &l1));
    fails(r, Runtime, "index -1 is out of bounds for dimension 0 with size 3");
    let r = index_select(ViewMut::of(&mut y, &l1), View::of(&v, &l3), 0, View::of(&five, &l1));
    fails(r, Index, "index out of range in self");
    let r = index_select(ViewMut::of(&mut x, &dense(&[3, 1])), View::of(&w, &m), 1, View::of(&five, &l1));
    fails(r, Runtime, "INDICES element is out of DATA bounds, id=5 axis_dim=4");
    let r = index_add(ViewMut::of(&mut x, &l3), 0, View::of(&minus, &l1), View::of(&one, &l1), Scalar::Int(1));
    fails(r, Index, "index out of range in self");
    let r =
        index_add(ViewMut::of(&mut w, &m), 0, View::of(&five, &l1), View::of(&row, &dense(&[1, 4])), Scalar::Int(1));
    fails(r, Runtime, text);
    let r = index_copy(ViewMut::of(&mut x, &l3), 0, View::of(&minus, &l1), View::of(&one, &l1));
    fails(r, Index, "index_copy_(): index -1 is out of bounds for dimension 0 with size 3");
    let r = index_fill(ViewMut::of(&mut x, &l3), 0, View::of(&four, &l1), Scalar::Int(1));
    fails(r, Index, "index -4 is out of bounds for dimension 0 with size 3");
    index_fill(ViewMut::of(&mut x, &l3), 0, View::of(&minus, &l1), Scalar::Int(1)).unwrap();
    assert_eq!(x, [0.0, 0.0, 1.0]);
    let r = take(ViewMut::of(&mut y, &l1), View::of(&v, &l3), View::of(&four, &l1));
    fails(r, Index, "out of range: tried to access index -4 on a tensor of 3 elements.");
    let r = take(ViewMut::of(&mut y, &l1), View::of::<f32>(&[], &dense(&[0])), View::of(&five, &l1));
    fails(r, Index, "take(): tried to take from an empty tensor");
    let r = put(ViewMut::of(&mut x, &l3), View::of(&five, &l1), View::of(&one, &l1), false);
    fails(r, Index, "out of range: tried to access index 5 on a tensor of 3 elements.");
    let dim = |i: &'static [i64], l: &'static Layout, dim| IndexDim { index: View::of(i, l), dim };
    let l = Box::leak(Box::new(dense(&[1])));
    let r = index_get(ViewMut::of(&mut row, &dense(&[1, 4])), View::of(&w, &m), &[dim(&[7], l, 0)]);
    fails(r, Index, "index 7 is out of bounds for dimension 0 with size 3");
    let r = index_get(ViewMut::of(&mut y, &l1), View::of(&w, &m), &[dim(&[0], l, 0), dim(&[-5], l, 1)]);
    fails(r, Index, "index -5 is out of bounds for dimension 1 with size 4");
    let r = index_put(ViewMut::of(&mut x, &l3), View::of(&one, &l1), &[dim(&[i64::MIN], l, 0)], true);
    fails(r, Index, &format!("index {} is out of bounds for dimension 0 with size 3", i64::MIN));
    let r =
        index_get(ViewMut::of(&mut row, &dense(&[1, 4])), View::of::<f32>(&[], &dense(&[0, 4])), &[dim(&[0], l, 0)]);
    fails(r, Index, "index is out of bounds for dimension with size 0");
    let mut hot = [0i64; 3];
    let r = one_hot(ViewMut::of(&mut hot, &dense(&[1, 3])), View::of(&five, &l1));
    fails(r, Runtime, "Class values must be smaller than num_classes.");
    let r = one_hot(ViewMut::of(&mut hot, &dense(&[1, 3])), View::of(&minus, &l1));
    fails(r, Runtime, "Class values must be non-negative.");
    let r = bincount(ViewMut::of(&mut hot, &l3), View::of(&minus, &l1), None);
    fails(r, Runtime, "bincount only supports 1-d non-negative integral inputs.");
    let r = masked_scatter(ViewMut::of(&mut x, &l3), View::of(&[true; 3], &l3), View::of(&one, &l1));
    fails(r, Runtime, "Number of elements of source < number of ones in mask");
    assert_eq!(
        repeat_interleave(View::of(&[1i64, -1], &dense(&[2]))).unwrap_err().message(),
        "repeats can not be negative"
    );
}

#[test]
fn advanced_indexing_agrees_with_loops() {
    let shape = [5i64, 6, 7, 3];
    let data = make::<i32>(630);
    for x in [dense(&shape), turned(&shape)] {
        for k in 1..=4usize {
            let b = [50i64, 30];
            // The first index is broadcast along one dimension of B.
            let raw: Vec<Vec<i64>> = (0..k)
                .map(|d| {
                    stream(1500, 2 * shape[d]).iter().map(|i| (i + d as i64) % (2 * shape[d]) - shape[d]).collect()
                })
                .collect();
            let layouts: Vec<Layout> =
                (0..k).map(|d| if d == 0 { layout(&b, &[1, 0], 0) } else { turned(&b) }).collect();
            let indices: Vec<IndexDim> =
                (0..k).map(|d| IndexDim { index: View::of(&raw[d], &layouts[d]), dim: d as i64 }).collect();
            let sizes: Vec<i64> = b.iter().chain(&shape[k..]).copied().collect();
            let total = sizes.iter().product::<i64>() as usize;
            for lo in [dense(&sizes), turned(&sizes)] {
                let mut out = vec![0i32; total];
                index_get(ViewMut::of(&mut out, &lo), View::of(&data, &x), &indices).unwrap();
                let values = make::<i32>(total);
                let (mut put, mut sum) = (data.clone(), data.clone());
                index_put(ViewMut::of(&mut put, &x), View::of(&values, &lo), &indices, false).unwrap();
                index_put(ViewMut::of(&mut sum, &x), View::of(&values, &lo), &indices, true).unwrap();
                let (mut last, mut total) = (data.clone(), data.clone());
                for p in positions(&sizes) {
                    let mut q: Vec<i64> =
                        (0..k).map(|d| raw[d][at(&layouts[d], &p[..2])].rem_euclid(shape[d])).collect();
                    q.extend(&p[2..]);
                    assert_eq!(out[at(&lo, &p)], data[at(&x, &q)]);
                    last[at(&x, &q)] = values[at(&lo, &p)];
                    total[at(&x, &q)] += values[at(&lo, &p)];
                }
                assert_eq!((put, sum), (last, total));
            }
        }
    }
    // 0-d everything.
    let (x, l, mut out) = ([1f32, 2.0], dense(&[]), [0f32]);
    let index = IndexDim { index: View::of(&[-1i64], &l), dim: 0 };
    index_get(ViewMut::of(&mut out, &l), View::of(&x, &dense(&[2])), &[index]).unwrap();
    assert_eq!(out[0], 2.0);
}

#[test]
fn take_and_put_see_rows() {
    let data = make::<i16>(24);
    let x = turned(&[4, 6]);
    let index = [-24i64, 23, 7, 7, -1];
    let (l, mut out) = (dense(&[5]), [0i16; 5]);
    take(ViewMut::of(&mut out, &l), View::of(&data, &x), View::of(&index, &l)).unwrap();
    let flat = |i: i64| at(&x, &[i.rem_euclid(24) / 6, i.rem_euclid(24) % 6]);
    assert!(index.iter().zip(&out).all(|(&i, &o)| o == data[flat(i)]));
    let mut sum = data.clone();
    put(ViewMut::of(&mut sum, &x), View::of(&index, &l), View::of(&[1i16, 2, 3, 4, 5], &l), true).unwrap();
    assert_eq!((sum[flat(7)], sum[flat(-1)]), (data[flat(7)] + 7, data[flat(-1)] + 7));
    put(ViewMut::of(&mut sum, &x), View::of(&index, &l), View::of(&[1i16, 2, 3, 4, 5], &l), false).unwrap();
    assert_eq!((sum[flat(7)], sum[flat(-1)], sum[flat(0)]), (4, 5, 1));
}

#[test]
fn masks_agree_with_loops() {
    for shape in [vec![], vec![0], vec![1000], vec![7, 11, 13], vec![300, 400], vec![3, 0, 2]] {
        let n = shape.iter().product::<i64>() as usize;
        let x: Vec<f32> = stream(n, 3).iter().map(|&v| v as f32).collect();
        let bits: Vec<bool> = x.iter().map(|&v| v != 0.0).collect();
        for l in [dense(&shape), turned(&shape)] {
            let hits: Vec<Vec<i64>> = positions(&shape).into_iter().filter(|p| bits[at(&l, p)]).collect();
            assert_eq!(count_nonzero(View::of(&x, &l)), hits.len());
            let lo = turned(&[hits.len() as i64, shape.len() as i64]);
            let mut out = vec![-1i64; hits.len() * shape.len()];
            nonzero(ViewMut::of(&mut out, &lo), View::of(&x, &l));
            for (r, p) in hits.iter().enumerate() {
                assert!((0..p.len()).all(|d| out[at(&lo, &[r as i64, d as i64])] == p[d]));
            }
            let data = make::<i16>(n);
            let ls = layout(&[hits.len() as i64], &[2], 0);
            let mut chosen = vec![0i16; 2 * hits.len()];
            masked_select(ViewMut::of(&mut chosen, &ls), View::of(&data, &l), View::of(&bits, &l));
            assert!(hits.iter().enumerate().all(|(r, p)| chosen[2 * r] == data[at(&l, p)]));
            let mut written = vec![0i16; n];
            masked_scatter(ViewMut::of(&mut written, &l), View::of(&bits, &l), View::of(&chosen, &ls)).unwrap();
            assert!((0..n).all(|i| written[i] == if bits[i] { data[i] } else { 0 }));
        }
    }
}

#[test]
fn rearrangements_agree_with_loops() {
    let shape = [5i64, 6, 7];
    let data = make::<i32>(210);
    for x in [dense(&shape), turned(&shape)] {
        let lo = dense(&shape);
        let mut out = vec![0i32; 210];
        for dims in [vec![], vec![0], vec![2], vec![0, 2], vec![0, 1, 2]] {
            flip(ViewMut::of(&mut out, &lo), View::of(&data, &x), &dims);
            for p in positions(&shape) {
                let q: Vec<i64> = (0..3).map(|d| if dims.contains(&d) { shape[d] - 1 - p[d] } else { p[d] }).collect();
                assert_eq!(out[at(&lo, &p)], data[at(&x, &q)]);
            }
        }
        roll(ViewMut::of(&mut out, &lo), View::of(&data, &x), &[2, -9, 0], &[0, 2, 1]);
        for p in positions(&shape) {
            let q = [(p[0] - 2).rem_euclid(5), p[1], (p[2] + 9).rem_euclid(7)];
            assert_eq!(out[at(&lo, &p)], data[at(&x, &q)]);
        }
        for diagonal in [-20, -2, 0, 3, 20, i64::MAX - 9] {
            let (mut low, mut high) = (vec![9i32; 210], vec![9i32; 210]);
            tril(ViewMut::of(&mut low, &lo), View::of(&data, &x), diagonal.min(i64::MAX - 10));
            triu(ViewMut::of(&mut high, &lo), View::of(&data, &x), diagonal);
            for p in positions(&shape) {
                let v = data[at(&x, &p)];
                assert_eq!(low[at(&lo, &p)], if p[2] - p[1] <= diagonal { v } else { 0 });
                assert_eq!(high[at(&lo, &p)], if p[2] - p[1] >= diagonal { v } else { 0 });
            }
        }
        for dim in 0..3 {
            let other = make::<f32>(210);
            let mut sizes = shape;
            sizes[dim] *= 3;
            let lo = turned(&sizes);
            let mut out = vec![0f32; 630];
            let whole = data.iter().map(|&v| v as f32 * 2.0).collect::<Vec<_>>();
            let inputs = [View::of(&data, &x), View::of(&other, lo_of(&shape)), View::of(&whole, &x)];
            cat(ViewMut::of(&mut out, &lo), &inputs, dim);
            for p in positions(&sizes) {
                let mut q = p.clone();
                q[dim] %= shape[dim];
                let expected = match p[dim] / shape[dim] {
                    0 => data[at(&x, &q)] as f32,
                    1 => other[at(&dense(&shape), &q)],
                    _ => whole[at(&x, &q)],
                };
                assert_eq!(out[at(&lo, &p)], expected);
            }
        }
    }
}

fn lo_of(sizes: &[i64]) -> &'static Layout {
    Box::leak(Box::new(dense(sizes)))
}

#[test]
fn embedding_gradients_and_counts() {
    let index = [0i64, 0, 0, 1, 1, 2, 9];
    let (l7, l) = (dense(&[7]), dense(&[7, 2]));
    let (grad, lw) = ([0.3f32; 14], turned(&[3, 2]));
    let mut w = [5f32; 6];
    embedding_backward(ViewMut::of(&mut w, &lw), View::of(&grad, &l), View::of(&index, &l7), 1, true).unwrap();
    let near = |a: f32, b: f32| (a - b).abs() < 1e-6;
    assert!(near(w[0], 0.3) && near(w[3], 0.3) && w[1] == 0.0 && near(w[2], 0.3));
    embedding_backward(ViewMut::of(&mut w, &lw), View::of(&grad, &l), View::of(&index, &l7), -1, false).unwrap();
    assert!(near(w[0], 0.9) && near(w[1], 0.6) && near(w[5], 0.3));
    let mut hot = [7i64; 6];
    one_hot(ViewMut::of(&mut hot, &turned(&[2, 3])), View::of(&[2i64, 0], &dense(&[2]))).unwrap();
    assert_eq!(hot, [0, 1, 0, 0, 1, 0]);

    let x: Vec<u8> = stream(200_000, 50).iter().map(|&v| v as u8).collect();
    let (ln, lb) = (dense(&[200_000]), dense(&[50]));
    let mut counts = [0i64; 50];
    bincount(ViewMut::of(&mut counts, &lb), View::of(&x, &ln), None).unwrap();
    assert!((0..50).all(|b| counts[b] == x.iter().filter(|&&v| v as usize == b).count() as i64));
    let weights = vec![0.5f32; 200_000];
    let mut sums = [0f32; 50];
    bincount(ViewMut::of(&mut sums, &lb), View::of(&x, &ln), Some(View::of(&weights, &ln))).unwrap();
    assert!((0..50).all(|b| sums[b] == counts[b] as f32 / 2.0));
    assert_eq!(repeat_interleave(View::of(&[2i64, 0, 3], &dense(&[3]))).unwrap(), [0, 0, 2, 2, 2]);

    let mut h = [0f32; 4];
    let values = [0.0f32, 1.0, 2.0, 3.0, 9.0, -1.0, f32::NAN];
    histc(ViewMut::of(&mut h, &dense(&[4])), View::of(&values, &l7), 0.0, 4.0).unwrap();
    assert_eq!(h, [1.0, 1.0, 1.0, 1.0]);
    let mut h = [0f32; 5];
    histc(ViewMut::of(&mut h, &dense(&[5])), View::of(&values[..3], &dense(&[3])), 0.0, 0.0).unwrap();
    assert_eq!(h, [1.0, 0.0, 1.0, 0.0, 1.0]);
    let r = histc(ViewMut::of(&mut h, &dense(&[5])), View::of(&values, &l7), 2.0, 1.0);
    fails(r, ErrorKind::Runtime, "torch.histc: max must be larger than min");
    let r = histc(ViewMut::of(&mut h, &dense(&[5])), View::of(&values, &l7), 0.0, 0.0);
    assert!(r.unwrap_err().message().ends_with("is not finite"));
}

/// Rows that move by a few elements within their page, forwards and backwards, and within the same memory.
#[test]
fn bytes_that_move_a_little() {
    use super::walk::copy_run;
    let source: Vec<u8> = (0..3 * 4096).map(|i| (i * 7 % 251) as u8).collect();
    for (from, to, len) in [
        (0, 4108, 4000),
        (4096, 12, 4096),
        (4096, 13, 1500),
        (100, 112, 5000),
        (112, 100, 5000),
        (0, 1, 4097),
        (4090, 0, 4200),
    ] {
        let mut moved = source.clone();
        let mut want = source.clone();
        want.copy_within(from..from + len, to);
        // SAFETY: both runs lie in the vector.
        unsafe { copy_run::<u8>(moved.as_mut_ptr().add(to), moved.as_ptr().add(from), len, [1, 1]) };
        assert!(moved == want, "{from} to {to}, {len} bytes");
    }
}

#[test]
fn bytes_in_the_other_order() {
    for n in [1, 7, 8, 9, 16, 61] {
        let x: Vec<u8> = (0..n as u8).collect();
        let l = Layout::contiguous(&[n]);
        let mut out = vec![0u8; n as usize];
        flip(ViewMut::of(&mut out, &l), View::of(&x, &l), &[0]);
        assert!(out.iter().eq(x.iter().rev()));
    }
}
