use flambeau_types::{Complex, Element, Layout, Scalar};

use super::field::Field;
use super::*;
use crate::{View, ViewMut};

mod search;

fn matrix<T: Field>(n: usize, seed: u64) -> Vec<T> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f64 / (1u64 << 24) as f64 - 0.5
    };
    (0..n).map(|_| T::from_scalar(Scalar::Complex(Complex::new(next(), next())))).collect()
}

fn times<T: Field>(a: &[T], b: &[T], m: usize, k: usize, n: usize) -> Vec<T> {
    (0..m * n).map(|at| (0..k).fold(T::zero(), |s, p| s + a[at / n * k + p] * b[p * n + at % n])).collect()
}

fn adjoint<T: Field>(a: &[T], m: usize, n: usize) -> Vec<T> {
    (0..m * n).map(|i| a[i % m * n + i / m].conj()).collect()
}

fn close<T: Field>(a: &[T], b: &[T], scale: f64) {
    assert_eq!(a.len(), b.len());
    let eps = <T as Element>::DTYPE.epsilon();
    for (i, (x, y)) in a.iter().zip(b).enumerate() {
        assert!((*x - *y).abs() <= eps * scale, "[{i}] {x:?} {y:?}");
    }
}

fn each(f: impl Fn(usize)) {
    [1, 2, 5, 10, 31, 33, 70].into_iter().for_each(f);
}

fn identity<T: Field>(n: usize) -> Vec<T> {
    (0..n * n).map(|i| if i / n == i % n { T::one() } else { T::zero() }).collect()
}

fn lay(sizes: &[usize]) -> Layout {
    Layout::contiguous(&sizes.iter().map(|&n| n as i64).collect::<Vec<_>>())
}

fn lu_family<T: Field>() {
    each(|n| {
        let (batch, width) = (3, 4);
        let (la, lb, li) = (lay(&[batch, n, n]), lay(&[batch, n, width]), lay(&[batch]));
        let (a, b) = (matrix::<T>(batch * n * n, 1), matrix::<T>(batch * n * width, 2));
        let mut info = [7i32; 3];
        let scale = 4e4 * n as f64;

        let mut inv = a.clone();
        inverse(&mut ViewMut::of(&mut inv, &la), View::of(&a, &la), &mut ViewMut::of(&mut info, &li));
        assert_eq!(info, [0; 3]);
        let mut x = b.clone();
        solve(&mut ViewMut::of(&mut x, &lb), View::of(&a, &la), View::of(&b, &lb), &mut ViewMut::of(&mut info, &li));
        assert_eq!(info, [0; 3]);
        let mut lu = a.clone();
        let lp = lay(&[batch, n]);
        let mut pivots = vec![0i32; batch * n];
        lu_factor(&mut ViewMut::of(&mut lu, &la), &mut ViewMut::of(&mut pivots, &lp), &mut ViewMut::of(&mut info, &li));
        let mut again = b.clone();
        lu_solve(&mut ViewMut::of(&mut again, &lb), View::of(&lu, &la), View::of(&pivots, &lp));
        assert_eq!(again, x);
        let mut dets = vec![T::zero(); batch];
        det(&mut ViewMut::of(&mut dets, &li), View::of(&a, &la));

        for i in 0..batch {
            let part = |v: &[T], size: usize| v[i * size..(i + 1) * size].to_vec();
            let (a, inv, lu) = (part(&a, n * n), part(&inv, n * n), part(&lu, n * n));
            close(&times(&a, &inv, n, n, n), &identity(n), scale);
            close(&times(&a, &part(&x, n * width), n, n, width), &part(&b, n * width), scale);
            // P @ L @ U.
            let lower: Vec<T> = (0..n * n)
                .map(|at| match (at / n).cmp(&(at % n)) {
                    std::cmp::Ordering::Less => T::zero(),
                    std::cmp::Ordering::Equal => T::one(),
                    std::cmp::Ordering::Greater => lu[at],
                })
                .collect();
            let upper: Vec<T> = (0..n * n).map(|at| if at / n <= at % n { lu[at] } else { T::zero() }).collect();
            assert!(lower.iter().all(|x| x.abs() <= 1.5));
            let mut product = times(&lower, &upper, n, n, n);
            let mut expected = T::one();
            for j in 0..n {
                expected *= upper[j * n + j];
            }
            for j in (0..n).rev() {
                let p = pivots[i * n + j] as usize - 1;
                assert!(p >= j && p < n);
                if p != j {
                    expected = -expected;
                    for c in 0..n {
                        product.swap(p * n + c, j * n + c);
                    }
                }
            }
            close(&product, &a, 50.0 * n as f64);
            assert!((dets[i] - expected).abs() <= 1e-3 * expected.abs());
        }
    });
}

#[test]
fn lu_inverse_solve_det() {
    lu_family::<f32>();
    lu_family::<f64>();
    lu_family::<Complex<f32>>();
    lu_family::<Complex<f64>>();
}

#[test]
fn known_determinants() {
    let (l, one) = (lay(&[2, 2]), lay(&[]));
    let a = [1.0f64, 2.0, 3.0, 4.0];
    let mut d = [0.0f64];
    det(&mut ViewMut::of(&mut d, &one), View::of(&a, &l));
    assert!((d[0] + 2.0).abs() < 1e-15);
    let (mut sign, mut log) = ([0.0f64], [0.0f64]);
    slogdet(&mut ViewMut::of(&mut sign, &one), &mut ViewMut::of(&mut log, &one), View::of(&a, &l));
    assert!(sign[0] == -1.0 && (log[0] - 2.0f64.ln()).abs() < 1e-15);
    let none = lay(&[0, 0]);
    det(&mut ViewMut::of(&mut d, &one), View::of::<f64>(&[], &none));
    assert_eq!(d[0], 1.0);
}

#[test]
fn singular_matrices_are_reported() {
    let (l, one) = (lay(&[3, 3]), lay(&[]));
    // The second column is twice the first.
    let a = [1.0f64, 2.0, 0.0, 2.0, 4.0, 1.0, 4.0, 8.0, 5.0];
    let (mut info, mut inv, mut d) = ([0i32], [0.0; 9], [1.0]);
    inverse(&mut ViewMut::of(&mut inv, &l), View::of(&a, &l), &mut ViewMut::of(&mut info, &one));
    assert_eq!(info[0], 2);
    det(&mut ViewMut::of(&mut d, &one), View::of(&a, &l));
    assert_eq!(d[0], 0.0);
    let (mut sign, mut log) = ([1.0f64], [0.0f64]);
    slogdet(&mut ViewMut::of(&mut sign, &one), &mut ViewMut::of(&mut log, &one), View::of(&a, &l));
    assert_eq!((sign[0], log[0]), (0.0, f64::NEG_INFINITY));
}

fn definite<T: Field>() {
    each(|n| {
        let m = matrix::<T>(n * n, 5);
        let mut a = times(&m, &adjoint(&m, n, n), n, n, n);
        for i in 0..n {
            a[i * n + i] += T::one();
        }
        let (l, one) = (lay(&[n, n]), lay(&[]));
        for upper in [false, true] {
            let (mut f, mut info) = (vec![T::zero(); n * n], [5i32]);
            cholesky(&mut ViewMut::of(&mut f, &l), View::of(&a, &l), upper, &mut ViewMut::of(&mut info, &one));
            assert_eq!(info[0], 0);
            let h = adjoint(&f, n, n);
            let back = if upper { times(&h, &f, n, n, n) } else { times(&f, &h, n, n, n) };
            close(&back, &a, 100.0 * n as f64);
            // The factor is triangular, so it can be solved with, from both sides.
            let b = matrix::<T>(n * 3, 6);
            for left in [true, false] {
                let lb = if left { lay(&[n, 3]) } else { lay(&[3, n]) };
                let mut x = b.clone();
                triangular_solve(
                    &mut ViewMut::of(&mut x, &lb),
                    View::of(&f, &l),
                    View::of(&b, &lb),
                    upper,
                    left,
                    false,
                );
                let back = if left { times(&f, &x, n, n, 3) } else { times(&x, &f, 3, n, n) };
                close(&back, &b, 1000.0 * n as f64);
            }
        }
    });
}

#[test]
fn cholesky_and_triangles() {
    definite::<f32>();
    definite::<f64>();
    definite::<Complex<f32>>();
    definite::<Complex<f64>>();
    let (l, one) = (lay(&[2, 2]), lay(&[]));
    let (mut f, mut info) = ([0.0f32; 4], [0i32]);
    let a = [1.0f32, 2.0, 2.0, 1.0];
    cholesky(&mut ViewMut::of(&mut f, &l), View::of(&a, &l), false, &mut ViewMut::of(&mut info, &one));
    assert_eq!(info[0], 2);
}

fn orthogonal<T: Field>() {
    for (m, n) in [(1, 1), (5, 3), (3, 5), (40, 40), (70, 20)] {
        for k in [m.min(n), m] {
            let a = matrix::<T>(m * n, 3);
            let (la, lq, lr) = (lay(&[m, n]), lay(&[m, k]), lay(&[k, n]));
            let (mut q, mut r) = (vec![T::zero(); m * k], vec![T::one(); k * n]);
            qr(Some(&mut ViewMut::of(&mut q, &lq)), &mut ViewMut::of(&mut r, &lr), View::of(&a, &la));
            close(&times(&q, &r, m, k, n), &a, 100.0 * m as f64);
            close(&times(&adjoint(&q, m, k), &q, k, m, k), &identity(k), 100.0 * m as f64);
            assert!((0..k * n).all(|i| i / n <= i % n || r[i] == T::zero()));
        }
    }
}

#[test]
fn qr_is_orthogonal_and_triangular() {
    orthogonal::<f32>();
    orthogonal::<f64>();
    orthogonal::<Complex<f32>>();
    orthogonal::<Complex<f64>>();
    // LAPACK's signs: the diagonal of r is minus the sign of what was there.
    let (l, a) = (lay(&[2, 2]), [3.0f64, 1.0, 4.0, 2.0]);
    let (mut q, mut r) = ([0.0; 4], [0.0; 4]);
    qr(Some(&mut ViewMut::of(&mut q, &l)), &mut ViewMut::of(&mut r, &l), View::of(&a, &l));
    assert!((r[0] + 5.0).abs() < 1e-12 && (q[0] + 0.6).abs() < 1e-12 && (r[3] - 0.4).abs() < 1e-12);
}

#[test]
fn least_squares_of_full_rank() {
    for (m, n) in [(9usize, 5usize), (6, 6), (4, 11)] {
        let number = |i: usize| ((i * 37 + i * i % 11) % 23) as f64 / 7.0 - 1.5;
        let a: Vec<f64> = (0..m * n).map(number).collect();
        let b: Vec<f64> = (0..m * 2).map(|i| number(i + 5)).collect();
        let (mut x, mut info) = (vec![0.0; n * 2], vec![9i32]);
        let layouts = [[m, n], [m, 2], [n, 2]].map(|s| Layout::contiguous(&[s[0] as i64, s[1] as i64]));
        let one = Layout::contiguous(&[]);
        let run = |a: &[f64], x: &mut [f64], info: &mut [i32]| {
            let (a, b) = (View::of(a, &layouts[0]), View::of(&b, &layouts[1]));
            least_squares(&mut ViewMut::of(x, &layouts[2]), a, b, 1e-12, &mut ViewMut::of(info, &one));
        };
        run(&a, &mut x, &mut info);
        assert_eq!(info, [0]);
        // What is left over is orthogonal to the columns, and nothing where the matrix is not tall.
        for c in 0..2 {
            let over: Vec<f64> =
                (0..m).map(|i| (0..n).map(|j| a[i * n + j] * x[j * 2 + c]).sum::<f64>() - b[i * 2 + c]).collect();
            assert!(m > n || over.iter().all(|r| r.abs() < 1e-9));
            assert!((0..n).all(|j| (0..m).map(|i| a[i * n + j] * over[i]).sum::<f64>().abs() < 1e-9));
        }
        // Two equal rows and columns: the rank is not full.
        let low: Vec<f64> = (0..m * n).map(|at| number((at / n % 2) + 3 * (at % n % 2))).collect();
        run(&low, &mut x, &mut info);
        assert_eq!(info, [1]);
    }
}
