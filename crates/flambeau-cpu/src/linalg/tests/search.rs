//! Values and vectors that are searched for, and factors kept as LAPACK keeps them.

use super::*;

/// The matrix of which `columns` holds the columns.
fn by_rows<T: Field>(columns: &[T], m: usize, n: usize) -> Vec<T> {
    (0..m * n).map(|at| columns[at % n * m + at / n]).collect()
}

fn diagonal<T: Field, R: Field>(d: &[R]) -> Vec<T> {
    let n = d.len();
    (0..n * n).map(|i| if i / n == i % n { T::from_re(d[i / n].re()) } else { T::zero() }).collect()
}

fn searches<T: Field + Element, R: Field + Element>() {
    for (m, n) in [(1, 1), (4, 4), (6, 4), (9, 4), (4, 6), (4, 9), (33, 33), (40, 7), (70, 61)] {
        let (a, k) = (matrix::<T>(m * n, 5), m.min(n));
        for (us, vs) in [(k, k), (m, n)] {
            let (la, ls, lu, lv) = (lay(&[m, n]), lay(&[k]), lay(&[us, m]), lay(&[n, vs]));
            let (mut s, mut u, mut vh) = (vec![R::zero(); k], vec![T::zero(); us * m], vec![T::zero(); n * vs]);
            let (mut info, one) = ([7i32], lay(&[1]));
            svd(
                &mut ViewMut::of(&mut s, &ls),
                Some((&mut ViewMut::of(&mut u, &lu), &mut ViewMut::of(&mut vh, &lv))),
                View::of(&a, &la),
                &mut ViewMut::of(&mut info, &one),
            );
            assert_eq!(info, [0]);
            assert!(s.windows(2).all(|w| w[0].re() >= w[1].re()) && s.iter().all(|x| x.re() >= 0.0));
            let (u, vh) = (by_rows(&u, m, us), by_rows(&vh, vs, n));
            close(&times(&adjoint(&u, m, us), &u, us, m, us), &identity(us), 100.0 * m as f64);
            close(&times(&vh, &adjoint(&vh, vs, n), vs, n, vs), &identity(vs), 100.0 * n as f64);
            let (u, vh) = (by_rows(&by_rows(&u, us, m)[..k * m], m, k), vh[..k * n].to_vec());
            close(&times(&times(&u, &diagonal::<T, R>(&s), m, k, k), &vh, m, k, n), &a, 400.0 * m.max(n) as f64);
        }
    }
    each(|n| {
        let (a, l, lw) = (matrix::<T>(n * n, 6), lay(&[n, n]), lay(&[n]));
        for upper in [false, true] {
            let (mut w, mut v, mut info, one) = (vec![R::zero(); n], vec![T::zero(); n * n], [7i32], lay(&[1]));
            eigh(
                &mut ViewMut::of(&mut w, &lw),
                Some(&mut ViewMut::of(&mut v, &l)),
                View::of(&a, &l),
                upper,
                &mut ViewMut::of(&mut info, &one),
            );
            assert!(info == [0] && w.windows(2).all(|w| w[0].re() <= w[1].re()));
            let whole: Vec<T> = (0..n * n)
                .map(|at| match (at / n, at % n) {
                    (i, j) if i == j => T::from_re(a[at].re()),
                    (i, j) if (i < j) == upper => a[at],
                    (i, j) => a[j * n + i].conj(),
                })
                .collect();
            let v = by_rows(&v, n, n);
            let scaled = times(&v, &diagonal::<T, R>(&w), n, n, n);
            close(&times(&scaled, &adjoint(&v, n, n), n, n, n), &whole, 200.0 * n as f64);
            close(&times(&adjoint(&v, n, n), &v, n, n, n), &identity(n), 100.0 * n as f64);
        }
    });
}

#[test]
fn singular_values_and_hermitian_eigenvalues() {
    searches::<f32, f32>();
    searches::<f64, f64>();
    searches::<Complex<f32>, f32>();
    searches::<Complex<f64>, f64>();
    // LAPACK's signs.
    let (a, l, two, one) = ([2.0f64, 1.0, 1.0, 2.0], lay(&[2, 2]), lay(&[2]), lay(&[1]));
    let (mut w, mut v, mut info) = ([0.0f64; 2], [0.0f64; 4], [7i32]);
    eigh(
        &mut ViewMut::of(&mut w, &two),
        Some(&mut ViewMut::of(&mut v, &l)),
        View::of(&a, &l),
        false,
        &mut ViewMut::of(&mut info, &one),
    );
    let r = 0.5f64.sqrt();
    assert!((w[0] - 1.0).abs() + (w[1] - 3.0).abs() < 1e-12);
    assert!(v.iter().zip([-r, r, r, r]).all(|(x, y)| (x - y).abs() < 1e-12), "{v:?}");
}

fn general<T: Field + Element + Into<Complex<f64>>, C: Field + Element + Into<Complex<f64>>>() {
    each(|n| {
        let mut a = matrix::<T>(n * n, 8);
        if n > 2 {
            // An eigenvalue that balancing isolates.
            a[n..2 * n].iter_mut().enumerate().for_each(|(j, x)| {
                if j != 1 {
                    *x = T::zero()
                }
            });
        }
        let (l, lw, one) = (lay(&[n, n]), lay(&[n]), lay(&[1]));
        let (mut w, mut v, mut info) = (vec![C::zero(); n], vec![C::zero(); n * n], [7i32]);
        eig(
            &mut ViewMut::of(&mut w, &lw),
            Some(&mut ViewMut::of(&mut v, &l)),
            View::of(&a, &l),
            &mut ViewMut::of(&mut info, &one),
        );
        assert_eq!(info, [0]);
        let v: Vec<Complex<f64>> = by_rows(&v, n, n).into_iter().map(Into::into).collect();
        let a: Vec<Complex<f64>> = a.into_iter().map(Into::into).collect();
        let w: Vec<Complex<f64>> = w.into_iter().map(Into::into).collect();
        let (left, eps) = (times(&a, &v, n, n, n), <C as Element>::DTYPE.epsilon());
        for (at, x) in left.iter().enumerate() {
            assert!((x - v[at] * w[at % n]).norm() <= 1e3 * eps * n as f64, "{n} {at}");
        }
        for j in 0..n {
            let length: f64 = (0..n).map(|i| v[i * n + j].norm_sqr()).sum();
            assert!((length - 1.0).abs() <= 100.0 * eps);
        }
    });
}

#[test]
fn eigenvalues_of_any_matrix() {
    general::<f64, Complex<f64>>();
    general::<Complex<f64>, Complex<f64>>();
    let (a, l, two, one) = ([0.0f64, 1.0, -1.0, 0.0], lay(&[2, 2]), lay(&[2]), lay(&[1]));
    let (mut w, mut info) = ([Complex::<f64>::new(0.0, 0.0); 2], [7i32]);
    eig(&mut ViewMut::of(&mut w, &two), None, View::of(&a, &l), &mut ViewMut::of(&mut info, &one));
    assert!((w[0] - Complex::new(0.0, 1.0)).norm() + (w[1] - Complex::new(0.0, -1.0)).norm() < 1e-12);
}

fn symmetric<T: Field + Element>(hermitian: bool) {
    each(|n| {
        let half = matrix::<T>(n * n, 9);
        let mirror = |x: T| if hermitian { x.conj() } else { x };
        let a: Vec<T> = (0..n * n).map(|at| half[at] + mirror(half[at % n * n + at / n])).collect();
        let (b, l, lb, lp, one) = (matrix::<T>(n * 3, 10), lay(&[n, n]), lay(&[n, 3]), lay(&[n]), lay(&[1]));
        let (mut ld, mut pivots, mut info) = (vec![T::zero(); n * n], vec![0i32; n], [7i32]);
        ldl_factor(
            &mut ViewMut::of(&mut ld, &l),
            &mut ViewMut::of(&mut pivots, &lp),
            &mut ViewMut::of(&mut info, &one),
            View::of(&a, &l),
            hermitian,
        );
        assert_eq!(info, [0]);
        let (ld, mut x) = (by_rows(&ld, n, n), b.clone());
        ldl_solve(&mut ViewMut::of(&mut x, &lb), View::of(&ld, &l), View::of(&pivots, &lp), hermitian);
        close(&times(&a, &x, n, n, 3), &b, 1e4 * n as f64);
    });
}

#[test]
fn ldl_solves() {
    symmetric::<f64>(false);
    symmetric::<Complex<f64>>(false);
    symmetric::<Complex<f64>>(true);
}

fn reflections<T: Field + Element>() {
    for (m, n) in [(1, 1), (5, 3), (3, 5), (20, 20)] {
        let (a, k) = (matrix::<T>(m * n, 11), m.min(n));
        let (la, lt, lk) = (lay(&[m, n]), lay(&[k]), lay(&[k]));
        let (mut packed, mut tau) = (vec![T::zero(); m * n], vec![T::zero(); k]);
        let turned = lay(&[n, m]);
        geqrf(&mut ViewMut::of(&mut packed, &turned), &mut ViewMut::of(&mut tau, &lt), View::of(&a, &la));
        let packed = by_rows(&packed, m, n);
        let upper: Vec<T> = (0..m * n).map(|at| if at / n <= at % n { packed[at] } else { T::zero() }).collect();
        for adjoint_too in [false, true] {
            // Q applied to R is the matrix, and the adjoint takes it back.
            let mut out = vec![T::zero(); m * n];
            let from = if adjoint_too { &a } else { &upper };
            ormqr(
                &mut ViewMut::of(&mut out, &turned),
                View::of(&packed, &la),
                View::of(&tau, &lk),
                View::of(from, &la),
                true,
                adjoint_too,
            );
            close(&by_rows(&out, m, n), if adjoint_too { &upper } else { &a }, 100.0 * m as f64);
        }
        let mut out = vec![T::zero(); m * n];
        ormqr(
            &mut ViewMut::of(&mut out, &la),
            View::of(&packed, &la),
            View::of(&tau, &lk),
            View::of(&adjoint(&a, m, n), &turned),
            false,
            false,
        );
        close(&adjoint(&by_rows(&out, n, m), n, m), &upper, 100.0 * m as f64);
        if m >= n {
            let mut q = vec![T::zero(); m * n];
            orgqr(&mut ViewMut::of(&mut q, &turned), View::of(&packed, &la), View::of(&tau, &lk));
            let q = by_rows(&q, m, n);
            close(&times(&q, &upper[..n * n], m, n, n), &a, 100.0 * m as f64);
        }
    }
}

#[test]
fn products_of_reflections() {
    reflections::<f32>();
    reflections::<Complex<f64>>();
}

/// The parts of a matrix in which values repeat, vanish or lie close together are joined without an equation.
#[test]
fn divided_matrices_with_repeated_and_close_values() {
    let n = 90;
    type Entry = fn(usize, usize) -> f64;
    let cases: [(&str, Entry); 8] = [
        ("identity", |i, j| if i == j { 1.0 } else { 0.0 }),
        ("zero", |_, _| 0.0),
        ("ones", |_, _| 1.0),
        ("two values", |i, j| if i == j { if i % 2 == 0 { 3.0 } else { -1.0 } } else { 0.0 }),
        ("laplacian", |i, j| match i.abs_diff(j) {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        }),
        // Pairs of eigenvalues that agree to rounding.
        ("wilkinson", |i, j| match i.abs_diff(j) {
            0 => (i as f64 - 44.5).abs(),
            1 => 1.0,
            _ => 0.0,
        }),
        ("graded", |i, j| if i.abs_diff(j) < 2 { 0.5f64.powi((i + j) as i32) } else { 0.0 }),
        ("hilbert", |i, j| 1.0 / (i + j + 1) as f64),
    ];
    let (l, lw, one) = (lay(&[n, n]), lay(&[n]), lay(&[1]));
    for (name, of) in cases {
        let a: Vec<f64> = (0..n * n).map(|at| of(at / n, at % n)).collect();
        let norm = a.iter().map(|x| x * x).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
        let near = |x: &[f64], y: &[f64], size: f64| {
            let apart = x.iter().zip(y).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
            assert!(apart <= 100.0 * n as f64 * f64::EPSILON * size, "{name}: {apart:e}");
        };
        let (mut w, mut v, mut info) = (vec![0.0; n], vec![0.0; n * n], [7i32]);
        eigh(
            &mut ViewMut::of(&mut w, &lw),
            Some(&mut ViewMut::of(&mut v, &l)),
            View::of(&a, &l),
            false,
            &mut ViewMut::of(&mut info, &one),
        );
        assert!(info == [0] && w.windows(2).all(|w| w[0] <= w[1]), "{name}");
        let v = by_rows(&v, n, n);
        near(&times(&adjoint(&v, n, n), &v, n, n, n), &identity(n), 1.0);
        near(&times(&times(&v, &diagonal::<f64, f64>(&w), n, n, n), &adjoint(&v, n, n), n, n, n), &a, norm);

        // A row less, a column less, and the square.
        for (rows, columns) in [(n, n), (n - 1, n), (n, n - 1)] {
            let (k, part) = (rows.min(columns), (0..rows * columns).map(|at| of(at / columns, at % columns)));
            let part: Vec<f64> = part.collect();
            let (lp, ls, lu, lv) = (lay(&[rows, columns]), lay(&[k]), lay(&[k, rows]), lay(&[columns, k]));
            let (mut s, mut u, mut vh) = (vec![0.0; k], vec![0.0; k * rows], vec![0.0; columns * k]);
            svd(
                &mut ViewMut::of(&mut s, &ls),
                Some((&mut ViewMut::of(&mut u, &lu), &mut ViewMut::of(&mut vh, &lv))),
                View::of(&part, &lp),
                &mut ViewMut::of(&mut info, &one),
            );
            assert!(info == [0] && s.windows(2).all(|w| w[0] >= w[1]) && s[k - 1] >= 0.0, "{name}");
            let (u, vh) = (by_rows(&u, rows, k), by_rows(&vh, k, columns));
            near(&times(&adjoint(&u, rows, k), &u, k, rows, k), &identity(k), 1.0);
            near(&times(&vh, &adjoint(&vh, k, columns), k, columns, k), &identity(k), 1.0);
            near(&times(&times(&u, &diagonal::<f64, f64>(&s), rows, k, k), &vh, rows, k, columns), &part, norm);
        }
    }
}
