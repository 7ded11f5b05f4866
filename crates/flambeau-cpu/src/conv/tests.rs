use flambeau_types::{Element, Layout, Scalar};

use super::*;

fn numbers<T: Element>(n: usize, seed: u64) -> Vec<T> {
    let mut state = seed;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            // Eighths, so that sums are exact in every type but the halves.
            let x = ((state >> 33) % 33) as i64 - 16;
            T::from_scalar(if T::DTYPE.kind() == flambeau_types::Kind::Int {
                Scalar::Int(x / 4)
            } else {
                Scalar::Float(x as f64 / 8.0)
            })
        })
        .collect()
}

struct Case {
    input: Vec<i64>,
    weight: Vec<i64>,
    stride: Vec<i64>,
    padding: Vec<i64>,
    dilation: Vec<i64>,
    groups: i64,
}

/// One term of the sum: the indices of the input, the weight and the output.
fn terms(c: &Case, output: &[i64], mut f: impl FnMut(usize, usize, usize)) {
    let d = c.stride.len();
    let three = |v: &[i64]| [vec![1; 3 - d], v[v.len() - d..].to_vec()].concat();
    let (i, k, o) = (three(&c.input), three(&c.weight), three(output));
    let (s, di) = (three(&c.stride), three(&c.dilation));
    let p = [vec![0; 3 - d], c.padding.clone()].concat();
    let (cg, kg) = (c.weight[1], c.weight[0] / c.groups);
    let flat = |x: i64, y: i64, z: i64, n: &[i64]| (x * n[1] + y) * n[2] + z;
    let size = |n: &[i64]| n.iter().product::<i64>();
    for n in 0..c.input[0] {
        for ko in 0..c.weight[0] {
            let g = ko / kg;
            for ci in 0..cg {
                for out in 0..size(&o) {
                    let at = [out / (o[1] * o[2]), out / o[2] % o[1], out % o[2]];
                    for tap in 0..size(&k) {
                        let t = [tap / (k[1] * k[2]), tap / k[2] % k[1], tap % k[2]];
                        let x: Vec<i64> = (0..3).map(|d| at[d] * s[d] + t[d] * di[d] - p[d]).collect();
                        if (0..3).all(|d| x[d] >= 0 && x[d] < i[d]) {
                            f(
                                ((n * c.input[1] + g * cg + ci) * size(&i) + flat(x[0], x[1], x[2], &i)) as usize,
                                ((ko * cg + ci) * size(&k) + tap) as usize,
                                ((n * c.weight[0] + ko) * size(&o) + out) as usize,
                            );
                        }
                    }
                }
            }
        }
    }
}

fn check<T: Element>(c: &Case) {
    let shape = ConvShape::new(&c.stride, &c.padding, &c.dilation, c.groups);
    let mut output = vec![c.input[0], c.weight[0]];
    for d in 0..c.stride.len() {
        let p = (c.padding[d], c.padding[d]);
        output.push(conv_output_size(c.input[d + 2], c.weight[d + 2], c.stride[d], p, c.dilation[d]));
    }
    let layouts = [&c.input, &c.weight, &output].map(|s| Layout::contiguous(s));
    let bias_layout = Layout::contiguous(&c.weight[..1]);
    let [x, w, g] = [0, 1, 2].map(|i| numbers::<T>(layouts[i].numel() as usize, i as u64 + 1));
    let bias = numbers::<T>(c.weight[0] as usize, 9);
    let number = |x: T| x.to_scalar().to_f64();
    let junk = T::from_scalar(Scalar::Int(77));
    let same = |got: &[T], want: &[f64], what: &str| {
        for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
            let want = T::from_scalar(Scalar::Float(want));
            let want =
                if T::DTYPE.kind() == flambeau_types::Kind::Int { want } else { T::from_scalar(want.to_scalar()) };
            let gap = (number(got) - number(want)).abs();
            assert!(
                gap <= 2.0 * T::DTYPE.epsilon() * number(want).abs(),
                "{what} {:?} [{i}] {got:?} {want:?}",
                T::DTYPE
            );
        }
    };

    for with_bias in [false, true] {
        let mut want = vec![0.0; g.len()];
        if with_bias {
            let plane = g.len() / (output[0] * output[1]).max(1) as usize;
            for (i, want) in want.iter_mut().enumerate() {
                *want = number(bias[i / plane % c.weight[0] as usize]);
            }
        }
        terms(c, &output, |i, k, o| want[o] += number(x[i]) * number(w[k]));
        let mut got = vec![junk; g.len()];
        let b = with_bias.then(|| View::of(&bias, &bias_layout));
        conv(&mut ViewMut::of(&mut got, &layouts[2]), View::of(&x, &layouts[0]), View::of(&w, &layouts[1]), b, &shape);
        same(&got, &want, "forward");
    }

    let mut want = vec![0.0; x.len()];
    terms(c, &output, |i, k, o| want[i] += number(g[o]) * number(w[k]));
    let mut got = vec![junk; x.len()];
    conv_input_grad(
        &mut ViewMut::of(&mut got, &layouts[0]),
        View::of(&g, &layouts[2]),
        View::of(&w, &layouts[1]),
        &shape,
    );
    same(&got, &want, "input");

    let mut want = vec![0.0; w.len()];
    terms(c, &output, |i, k, o| want[k] += number(g[o]) * number(x[i]));
    let mut got = vec![junk; w.len()];
    conv_weight_grad(
        &mut ViewMut::of(&mut got, &layouts[1]),
        View::of(&g, &layouts[2]),
        View::of(&x, &layouts[0]),
        &shape,
    );
    same(&got, &want, "weight");
}

fn case(input: &[i64], weight: &[i64], stride: &[i64], padding: &[i64], dilation: &[i64], groups: i64) -> Case {
    Case {
        input: input.to_vec(),
        weight: weight.to_vec(),
        stride: stride.to_vec(),
        padding: padding.to_vec(),
        dilation: dilation.to_vec(),
        groups,
    }
}

fn cases() -> Vec<Case> {
    vec![
        case(&[2, 3, 8, 9], &[4, 3, 3, 3], &[1, 1], &[0, 0], &[1, 1], 1),
        case(&[2, 3, 8, 9], &[4, 3, 3, 3], &[1, 1], &[1, 1], &[1, 1], 1),
        case(&[3, 4, 9, 11], &[6, 2, 3, 2], &[2, 3], &[2, 1], &[1, 2], 2),
        case(&[2, 5, 7, 7], &[10, 1, 3, 3], &[1, 1], &[1, 1], &[1, 1], 5),
        case(&[2, 5, 7, 7], &[5, 1, 3, 3], &[2, 2], &[1, 1], &[1, 1], 5),
        case(&[2, 5, 6, 6], &[7, 5, 1, 1], &[1, 1], &[0, 0], &[1, 1], 1),
        case(&[2, 5, 6, 6], &[7, 5, 1, 1], &[2, 2], &[0, 0], &[1, 1], 1),
        case(&[1, 2, 4, 4], &[3, 2, 4, 4], &[1, 1], &[5, 5], &[1, 1], 1),
        case(&[2, 3, 17], &[4, 3, 5], &[2], &[2], &[1], 1),
        case(&[1, 2, 5, 6, 7], &[3, 2, 2, 3, 2], &[1, 2, 1], &[1, 0, 1], &[2, 1, 1], 1),
        case(&[0, 2, 5, 5], &[3, 2, 3, 3], &[1, 1], &[0, 0], &[1, 1], 1),
        // Steps over the kernel and beyond it, kernel elements that meet only zeros, one and two rows of a matrix.
        case(&[2, 2, 9, 10], &[1, 2, 2, 1], &[4, 3], &[1, 0], &[1, 1], 1),
        case(&[2, 4, 7, 40], &[8, 1, 3, 5], &[1, 3], &[1, 2], &[2, 1], 4),
        case(&[1, 3, 2, 2], &[2, 3, 3, 3], &[2, 2], &[4, 4], &[3, 3], 1),
        case(&[1, 2, 6, 5, 7], &[4, 1, 3, 2, 3], &[2, 1, 3], &[1, 1, 2], &[1, 2, 1], 2),
    ]
}

#[test]
fn all_types() {
    for c in cases() {
        check::<f32>(&c);
        check::<f64>(&c);
        check::<f16>(&c);
        check::<bf16>(&c);
        check::<i64>(&c);
        check::<i32>(&c);
        check::<Complex<f32>>(&c);
        check::<Complex<f64>>(&c);
    }
}

#[test]
fn large_enough_for_threads() {
    check::<f32>(&case(&[5, 16, 30, 31], &[24, 16, 3, 3], &[1, 1], &[1, 1], &[1, 1], 1));
    check::<f32>(&case(&[1, 16, 50, 40], &[40, 16, 3, 3], &[1, 1], &[1, 1], &[1, 1], 1));
    // More rows and longer patches than are finished at a time; images that share a piece.
    check::<f32>(&case(&[9, 60, 6, 7], &[150, 60, 3, 3], &[1, 1], &[1, 1], &[1, 1], 1));
    check::<f64>(&case(&[1, 30, 40, 61], &[6, 30, 3, 3], &[2, 2], &[1, 1], &[1, 1], 1));
}
