//! Conversions and sequences against PyTorch's, recorded.

use super::*;

fn dtype(name: &str) -> DType {
    DType::ALL.into_iter().find(|d| format!("{d:?}") == name || d.name() == name).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

/// True for the same bytes, and for any two NaNs.
fn same(d: DType, a: &[u8], b: &[u8]) -> bool {
    let nan = |x: &[u8]| match d {
        DType::F16 => flambeau_types::f16::from_le_bytes(x.try_into().unwrap()).is_nan(),
        DType::BF16 => flambeau_types::bf16::from_le_bytes(x.try_into().unwrap()).is_nan(),
        DType::F32 => f32::from_le_bytes(x.try_into().unwrap()).is_nan(),
        DType::F64 => f64::from_le_bytes(x.try_into().unwrap()).is_nan(),
        _ => false,
    };
    if d.is_complex() {
        let half = d.size() / 2;
        return (0..2).all(|i| same(d.to_real(), &a[i * half..][..half], &b[i * half..][..half]));
    }
    a == b || nan(a) && nan(b)
}

#[test]
fn every_pair_of_dtypes_converts_as_recorded() {
    let mut pairs = 0;
    for line in include_str!("conversions.txt").lines().filter(|l| !l.starts_with('#')) {
        let [from, to, source, expected] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let (from, to, source, expected) = (dtype(from), dtype(to), bytes(source), bytes(expected));
        let values = source.len() / from.size();
        pairs += 1;
        // Enough elements, of a prime number of rows, for vectors, tails, tiles and chunks.
        for (m, n) in [(values as i64, 1), (1, values as i64), (37, 29), (131, 70)] {
            for (i, input) in layouts(m, n).into_iter().enumerate() {
                for (j, output) in layouts(m, n).into_iter().enumerate() {
                    if m > 100 && (i, j) != (1, 0) && (i, j) != (0, 0) {
                        continue;
                    }
                    let mut x = Bytes::new(from, input.clone(), i % 2);
                    let mut y = Bytes::new(to, output, j % 2);
                    for k in 0..x.numel() {
                        x.set(k, &source[k % values * from.size()..][..from.size()]);
                    }
                    copy(y.view_mut(), x.view());
                    for k in 0..x.numel() {
                        let want = &expected[k % values * to.size()..][..to.size()];
                        let got = y.element(k);
                        assert!(
                            same(to, got, want),
                            "{from} to {to}, {m}x{n}, layouts {i} {j}, element {k}: {got:?}, not {want:?}"
                        );
                    }
                }
            }
        }
    }
    assert_eq!(pairs, 144);
}

#[test]
fn sequences_are_as_recorded() {
    let mut seen = 0;
    for line in include_str!("sequences.txt").lines().filter(|l| !l.starts_with('#')) {
        let [name, start, other, n, d, expected] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let (n, d, expected) = (n.parse::<usize>().unwrap(), dtype(d), bytes(expected));
        let (start, other): (f64, f64) = (start.parse().unwrap(), other.parse().unwrap());
        for layout in
            [Layout::contiguous(&[n as i64]), layout(&[n as i64], &[3], 1), layout(&[1, n as i64], &[7, 2], 0)]
        {
            let mut y = Bytes::new(d, layout, 1);
            match name {
                "linspace" => linspace(y.view_mut(), start.into(), other.into(), n),
                _ => fill_with_index(y.view_mut(), start.into(), other.into()),
            }
            for k in 0..n {
                let want = &expected[k * d.size()..][..d.size()];
                assert!(same(d, y.element(k), want), "{line}: element {k}: {:?}, not {want:?}", y.element(k));
            }
        }
        seen += 1;
    }
    assert!(seen > 30);
}

#[test]
fn fills_reach_every_element_and_no_other() {
    for d in DType::ALL {
        for (i, layout) in layouts(33, 21).into_iter().enumerate() {
            let mut y = Bytes::new(d, layout.clone(), i % 2);
            fill(y.view_mut(), Scalar::Int(1));
            let mut one = Bytes::new(d, Layout::contiguous(&[1]), 0);
            fill(one.view_mut(), Scalar::Float(1.0));
            assert!((0..y.numel()).all(|k| y.element(k) == one.element(0)), "{d} {i}");
            let written = y.data.iter().filter(|&&b| b != 0).count();
            assert_eq!(written, y.numel() * one.data.iter().filter(|&&b| b != 0).count());

            eye(y.view_mut());
            for k in 0..y.numel() {
                let zero = y.element(k).iter().all(|&b| b == 0);
                assert_eq!(zero, k / 21 != k % 21);
                assert!(zero || y.element(k) == one.element(0));
            }
        }
    }
}

#[test]
fn numbers_out_of_range_fill_as_they_convert() {
    let mut x = Bytes::new(DType::I32, Layout::contiguous(&[2]), 0);
    fill(x.view_mut(), Scalar::Float(f64::NAN));
    assert_eq!(x.element(1), i32::MIN.to_le_bytes());
    fill(x.view_mut(), Scalar::Int((1 << 32) + 5));
    assert_eq!(x.element(0), 5i32.to_le_bytes());
}

#[test]
fn broadcast_and_higher_dimensions_copy() {
    let shapes: [(&[i64], &[i64], &[i64]); 5] = [
        (&[4, 5, 6], &[30, 6, 1], &[0, 1, 0]),
        (&[4, 5, 6], &[1, 4, 20], &[6, 0, 1]),
        (&[2, 64, 3, 31], &[5952, 93, 31, 1], &[5952, 1, 1984, 64]),
        (&[3, 70, 1, 65], &[4550, 1, 1, 70], &[4550, 65, 65, 1]),
        (&[7, 9], &[9, 1], &[0, 0]),
    ];
    for (sizes, to, from) in shapes {
        for d in [DType::I16, DType::F32, DType::C128] {
            for e in [DType::I16, DType::F64] {
                let (mut x, mut y) = (Bytes::new(d, layout(sizes, from, 0), 0), Bytes::new(e, layout(sizes, to, 0), 0));
                let last = x.data.len() / d.size();
                // All elements of the vector.
                let sizes = [last as i64];
                // SAFETY: as said.
                let all = unsafe { ViewMut::new(x.data.as_mut_ptr(), d, &sizes, &[1]) };
                fill_with_index(all, Scalar::Int(0), Scalar::Int(1));
                copy(y.view_mut(), x.view());
                for k in 0..x.numel() {
                    let value = (x.place(k) / d.size()) as i64;
                    let mut want = Bytes::new(e, Layout::contiguous(&[]), 0);
                    fill(want.view_mut(), Scalar::Int(value));
                    assert_eq!(y.element(k), want.element(0), "{sizes:?} {from:?} {d} {e} {k}");
                }
            }
        }
    }
}
