use flambeau_types::{Complex, Element, Layout, Scalar, bf16, f16};

use super::*;

/// Small repeatable numbers.
struct Random(u64);
impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 40) as f64 / (1u64 << 24) as f64) * 4.0 - 2.0
    }
    fn element<T: Element>(&mut self) -> T {
        let d = T::DTYPE;
        let (x, y) = (self.next(), self.next());
        T::from_scalar(match d.kind() {
            flambeau_types::Kind::Int => Scalar::Int((x * 4.0) as i64),
            flambeau_types::Kind::Complex => Scalar::Complex(Complex::new(x, y)),
            _ => Scalar::Float(x),
        })
    }
}

/// How a matrix lies in its buffer.
#[derive(Clone, Copy, Debug)]
enum Order {
    Rows,
    Cols,
    Gaps,
}

fn layout(rows: i64, cols: i64, order: Order) -> Layout {
    let (row, col) = match order {
        Order::Rows => (cols + 3, 1),
        Order::Cols => (1, rows + 2),
        Order::Gaps => (cols * 2 + 1, 2),
    };
    Layout { sizes: [rows, cols].as_slice().into(), strides: [row, col].as_slice().into(), offset: 1 }
}

fn buffer<T: Element>(l: &Layout, r: &mut Random) -> Vec<T> {
    let n = l.extent().map_or(0, |e| e.1 + 1) as usize;
    (0..n).map(|_| r.element()).collect()
}

fn at<T: Element>(data: &[T], l: &Layout, i: usize, j: usize) -> Complex<f64> {
    data[(l.offset + i as i64 * l.strides[0] + j as i64 * l.strides[1]) as usize].to_scalar().to_complex()
}

fn check<T: Element>(m: usize, n: usize, k: usize, orders: [Order; 3], alpha: f64, beta: f64, conj: (bool, bool)) {
    let mut r = Random((m * 31 + n * 7 + k) as u64);
    let la = layout(m as i64, k as i64, orders[0]);
    let lb = layout(k as i64, n as i64, orders[1]);
    let lc = layout(m as i64, n as i64, orders[2]);
    let (a, b) = (buffer::<T>(&la, &mut r), buffer::<T>(&lb, &mut r));
    let mut c = buffer::<T>(&lc, &mut r);
    let old = c.clone();
    gemm_conj(
        &mut ViewMut::of(&mut c, &lc),
        View::of(&a, &la),
        conj.0,
        View::of(&b, &lb),
        conj.1,
        alpha.into(),
        beta.into(),
    );
    let eps = T::DTYPE.epsilon();
    for i in 0..m {
        for j in 0..n {
            let (mut sum, mut size) = (Complex::new(0.0, 0.0), 0.0);
            for p in 0..k {
                let (mut x, mut y) = (at(&a, &la, i, p), at(&b, &lb, p, j));
                if conj.0 {
                    x = x.conj();
                }
                if conj.1 {
                    y = y.conj();
                }
                sum += x * y;
                size += x.norm() * y.norm();
            }
            let before = at(&old, &lc, i, j);
            let want = sum * alpha + before * beta;
            let got = at(&c, &lc, i, j);
            // One rounding of the result, and f32's of the sum.
            let sum_eps = if eps > 1e-5 { 1e-6 } else { eps };
            let bound = 2.0 * sum_eps * (k as f64).sqrt().max(4.0) * (size + before.norm()) + eps * want.norm();
            if T::DTYPE.kind() == flambeau_types::Kind::Int {
                assert_eq!(
                    T::from_scalar(Scalar::Int(want.re as i64)).to_scalar(),
                    T::from_scalar(Scalar::Int(got.re as i64)).to_scalar()
                );
            } else {
                assert!(
                    (got - want).norm() <= bound,
                    "{:?} {m}x{n}x{k} {orders:?} [{i},{j}]: {got} != {want}",
                    T::DTYPE
                );
            }
        }
    }
    // What lies between the elements of c is untouched.
    let mut touched = vec![false; c.len()];
    for i in 0..m {
        for j in 0..n {
            touched[(lc.offset + i as i64 * lc.strides[0] + j as i64 * lc.strides[1]) as usize] = true;
        }
    }
    assert!((0..c.len()).all(|i| touched[i] || c[i] == old[i]));
}

fn shapes<T: Element>(list: &[(usize, usize, usize)]) {
    use Order::*;
    for &(m, n, k) in list {
        for a in [Rows, Cols, Gaps] {
            for b in [Rows, Cols, Gaps] {
                for c in [Rows, Cols, Gaps] {
                    check::<T>(m, n, k, [a, b, c], 1.0, 0.0, (false, false));
                }
            }
        }
        check::<T>(m, n, k, [Rows, Rows, Rows], 2.0, 3.0, (false, false));
        check::<T>(m, n, k, [Rows, Cols, Rows], -1.0, 1.0, (false, false));
        check::<T>(m, n, k, [Cols, Cols, Gaps], 2.0, 1.0, (false, false));
    }
}

const SMALL: [(usize, usize, usize); 12] = [
    (1, 1, 1),
    (1, 1, 100),
    (1, 70, 33),
    (70, 1, 33),
    (5, 1, 5),
    (2, 3, 4),
    (12, 32, 20),
    (13, 33, 21),
    (25, 50, 17),
    (7, 10, 65),
    (65, 9, 40),
    (40, 100, 2),
];

#[test]
fn reals() {
    shapes::<f32>(&SMALL);
    shapes::<f64>(&SMALL);
    shapes::<f32>(&[(64, 128, 784), (100, 300, 450), (150, 150, 150)]);
    shapes::<f64>(&[(100, 300, 250)]);
}

#[test]
fn halves() {
    shapes::<f16>(&SMALL[..8]);
    shapes::<bf16>(&SMALL[..8]);
}

#[test]
fn integers() {
    shapes::<i64>(&SMALL);
    shapes::<i32>(&SMALL[..8]);
    shapes::<i16>(&SMALL[4..8]);
    shapes::<u8>(&[(3, 5, 2), (30, 20, 40)]);
    shapes::<i8>(&[(3, 5, 2), (30, 300, 40)]);
}

#[test]
fn complexes() {
    shapes::<Complex<f32>>(&SMALL);
    shapes::<Complex<f64>>(&SMALL);
    for conj in [(true, false), (false, true), (true, true)] {
        for (m, n, k) in SMALL {
            check::<Complex<f64>>(m, n, k, [Order::Rows, Order::Cols, Order::Rows], 1.0, 0.0, conj);
            check::<Complex<f32>>(m, n, k, [Order::Rows, Order::Rows, Order::Cols], 2.0, 1.0, conj);
        }
    }
    check::<Complex<f32>>(150, 140, 130, [Order::Rows, Order::Cols, Order::Rows], 1.0, 0.0, (false, true));
}

#[test]
fn threads_share_large_products() {
    let orders = [Order::Rows, Order::Cols, Order::Rows];
    check::<f32>(300, 200, 150, orders, 1.0, 0.0, (false, false));
    check::<f32>(20, 3000, 150, orders, 1.0, 1.0, (false, false));
    check::<f64>(3000, 20, 150, [Order::Cols, Order::Rows, Order::Rows], 1.0, 0.0, (false, false));
    check::<i64>(100, 90, 80, orders, 1.0, 0.0, (false, false));
    check::<f32>(3000, 1, 200, orders, 1.0, 0.0, (false, false));
    check::<f32>(3000, 1, 200, [Order::Cols; 3], 1.0, 0.5, (false, false));
    check::<f64>(1, 1, 300_000, orders, 1.0, 0.0, (false, false));
}

#[test]
fn no_inner_dimension_gives_zeros() {
    let (la, lb, lc) = (Layout::contiguous(&[2, 0]), Layout::contiguous(&[0, 3]), Layout::contiguous(&[2, 3]));
    let run = |beta: f64, c: &mut [f32]| {
        gemm(&mut ViewMut::of(c, &lc), View::of::<f32>(&[], &la), View::of::<f32>(&[], &lb), 1.0.into(), beta.into())
    };
    let mut c = [f32::NAN; 6];
    run(0.0, &mut c);
    assert_eq!(c, [0.0; 6]);
    let mut c = [3.0; 6];
    run(2.0, &mut c);
    assert_eq!(c, [6.0; 6]);
}

fn beta_zero<T: Element>() {
    for (m, n) in [(3, 5), (1, 5), (5, 1), (1, 1), (20, 70)] {
        let (la, lb, lc) = (Layout::contiguous(&[m, 4]), Layout::contiguous(&[4, n]), Layout::contiguous(&[m, n]));
        let one = T::from_scalar(Scalar::Int(1));
        let (a, b) = (vec![one; m as usize * 4], vec![one; n as usize * 4]);
        let mut c = vec![T::from_scalar(Scalar::Float(f64::NAN)); (m * n) as usize];
        gemm(&mut ViewMut::of(&mut c, &lc), View::of(&a, &la), View::of(&b, &lb), 1.0.into(), 0.0.into());
        assert!(c.iter().all(|x| *x == T::from_scalar(Scalar::Int(4))), "{:?} {m} {n} {c:?}", T::DTYPE);
    }
}

#[test]
fn beta_zero_ignores_nan() {
    beta_zero::<f16>();
    beta_zero::<bf16>();
    beta_zero::<f32>();
    beta_zero::<f64>();
    beta_zero::<Complex<f32>>();
    beta_zero::<Complex<f64>>();
}

#[test]
fn inputs_nan_and_infinity_spread() {
    // A zero weight does not hide a nan, and padding adds none.
    let l = Layout::contiguous(&[3, 3]);
    let mut a = [0.0f32; 9];
    a[4] = f32::NAN;
    let b = [0.0f32; 9];
    let mut c = [0.0f32; 9];
    gemm(&mut ViewMut::of(&mut c, &l), View::of(&a, &l), View::of(&b, &l), 1.0.into(), 0.0.into());
    assert!(c[3..6].iter().all(|x| x.is_nan()));
    assert!(c[..3].iter().chain(&c[6..]).all(|&x| x == 0.0));
}

#[test]
fn batches() {
    for (batches, m, n, k) in [(5, 3, 4, 2), (40, 20, 30, 70), (2, 260, 260, 260), (0, 2, 2, 2)] {
        let mut r = Random(1);
        let lb = Layout::contiguous(&[batches, k, n]);
        let lc = Layout::contiguous(&[batches, m, n]);
        // One a for all.
        let la = Layout { sizes: [batches, m, k].as_slice().into(), strides: [0, k, 1].as_slice().into(), offset: 0 };
        let a: Vec<f64> = (0..m * k).map(|_| r.element()).collect();
        let b: Vec<f64> = (0..batches * k * n).map(|_| r.element()).collect();
        let mut c = vec![f64::NAN; (batches * m * n) as usize];
        bmm(&mut ViewMut::of(&mut c, &lc), View::of(&a, &la), View::of(&b, &lb), 1.0.into(), 0.0.into());
        for s in 0..batches {
            for i in 0..m {
                for j in 0..n {
                    let want: f64 = (0..k).map(|p| a[(i * k + p) as usize] * b[((s * k + p) * n + j) as usize]).sum();
                    assert!((c[((s * m + i) * n + j) as usize] - want).abs() < 1e-10);
                }
            }
        }
    }
}

#[test]
fn dots() {
    let l = Layout::contiguous(&[1000]);
    let one = Layout::contiguous(&[]);
    let mut r = Random(9);
    let a: Vec<f32> = (0..1000).map(|_| r.element()).collect();
    let b: Vec<f32> = (0..1000).map(|_| r.element()).collect();
    let mut c = [f32::NAN];
    dot(&mut ViewMut::of(&mut c, &one), View::of(&a, &l), View::of(&b, &l));
    let want: f64 = a.iter().zip(&b).map(|(&x, &y)| x as f64 * y as f64).sum();
    assert!((c[0] as f64 - want).abs() < 1e-3);
    let z = [Complex::new(1.0f32, 2.0), Complex::new(0.0, 1.0)];
    let mut c = [Complex::new(0.0f32, 0.0)];
    let l = Layout::contiguous(&[2]);
    dot_conj(&mut ViewMut::of(&mut c, &one), View::of(&z, &l), true, View::of(&z, &l), false);
    assert_eq!(c[0], Complex::new(6.0, 0.0));
}

/// `(torch.arange(n) * step % modulus).float() / 7 - 7`.
fn sevenths(n: usize, step: usize, modulus: usize) -> Vec<f32> {
    (0..n).map(|i| (i * step % modulus) as f32 / 7.0 - 7.0).collect()
}

#[test]
fn dots_round_as_pytorch_does() {
    for (n, dot) in [(3, 27.612246), (9, 40.38776), (27, 48.102043), (40, 91.28572), (70, 172.77551)] {
        let (a, b) = (sevenths(n, 37, 101), sevenths(n, 53, 97));
        // SAFETY: both have n numbers.
        assert_eq!(unsafe { super::gemv::dot(a.as_ptr(), b.as_ptr(), n) }, dot, "{n}");
    }
}

/// `(torch.arange(n) * step % 101).float() / 7.3 - 6.9`.
fn numbers(n: usize, step: usize) -> Vec<f32> {
    (0..n).map(|i| (i * step % 101) as f32 / 7.3 - 6.9).collect()
}

/// `c = a @ b + beta * c` of matrices of `m` by `k` and `k` by `n`, row after row.
fn in_rows([m, n, k]: [usize; 3], a: &[f32], b: &[f32], c: &mut [f32], beta: f32) -> Args<f32> {
    assert_eq!([a.len(), b.len(), c.len()], [m * k, k * n, m * n]);
    let row = |length: usize| (length as isize, 1);
    Args {
        m,
        n,
        k,
        a: a.as_ptr(),
        a_strides: row(k),
        b: b.as_ptr(),
        b_strides: row(n),
        c: c.as_mut_ptr(),
        c_strides: row(n),
        alpha: 1.0,
        beta,
        conj: (false, false),
    }
}

#[test]
fn narrow_products_round_as_pytorch_does() {
    let (a, b, mut c) = (numbers(12, 37), numbers(15, 53), [0f32; 20]);
    let args = in_rows([4, 5, 3], &a, &b, &mut c, 0.0);
    // SAFETY: matrices of 4 by 3, 3 by 5 and 4 by 5.
    unsafe { super::narrow::round_each(&args) };
    let want = [
        [33.19161, 18.639904, 29.428242, 14.876537, 25.664867],
        [21.348862, 17.681004, 20.400276, 16.73242, 19.45169],
        [9.506111, 16.722094, 11.372318, 18.588303, 13.23852],
        [45.746872, -36.603657, 40.95141, -41.399117, 36.155952],
    ];
    assert_eq!(c, want.concat()[..]);
    let fused = |i: usize, j: usize| (0..3).fold(0f32, |s, k| a[3 * i + k].mul_add(b[5 * k + j], s));
    assert!((0..20).any(|at| fused(at / 5, at % 5) != c[at]), "fused products give the same here");
}

/// The second row begins with a column that is not aligned, and the sums begin with c.
#[test]
fn narrow_products_onto_c_round_as_pytorch_does() {
    #[repr(align(16))]
    struct Aligned([f32; 14]);
    let (a, b, old) = (numbers(18, 37), numbers(63, 53), numbers(14, 29));
    let product = |run: unsafe fn(&Args<f32>), beta: f32| {
        let mut c = Aligned(old[..].try_into().unwrap());
        let args = in_rows([2, 7, 9], &a, &b, &mut c.0, beta);
        // SAFETY: matrices of 2 by 9, 9 by 7 and 2 by 7.
        unsafe { run(&args) };
        c.0
    };
    let alone = [
        [83.14378, 72.14021, 80.298035, 69.294464, 77.452286, -16.24278, 74.60652],
        [88.045456, -126.354614, 82.10343, -132.29663, 76.16142, -86.36455, 70.21939],
    ];
    let onto = [
        [76.24378, 69.212814, 81.34324, 74.31227, 72.60708, -17.115385, 77.70652],
        [81.28244, -129.14503, 83.28562, -127.141846, 71.45321, -87.10016, 73.456375],
    ];
    use super::narrow::{in_order, round_each};
    assert_eq!(product(round_each, 0.0)[..], alone.concat()[..]);
    assert_eq!(product(round_each, 1.0)[..], onto.concat()[..]);
    assert_ne!(product(in_order, 1.0)[..], onto.concat()[..]);
    assert_ne!(product(in_order, 0.0)[7], alone[1][0], "no column is cut in another way here");
}
