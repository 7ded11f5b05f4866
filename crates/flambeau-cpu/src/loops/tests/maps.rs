//! [`map`] over dtypes, strides, lengths and instruction sets.

use flambeau_types::Element;

use super::*;

const ADD: MapKernel = map_kernel!(f32 => f32, |x, other; alpha| x + alpha * other);
const ADD_F64: MapKernel = map_kernel!(f64 => f64, |x, other; alpha| x + alpha * other);
const ADD_I64: MapKernel = map_kernel!(i64 => i64, |x, other; alpha| x.wrapping_add(alpha.wrapping_mul(other)));
const ADD_C32: MapKernel = map_kernel!(c32 => c32, |x, other; alpha| x + alpha * other);
const ADD_C64: MapKernel = map_kernel!(c64 => c64, |x, other; alpha| x + alpha * other);
const OR: MapKernel = map_kernel!(truth => truth, |x, other; alpha| x | other & alpha);
const LESS: MapKernel = map_kernel!(f64 => bool, |x, other| x < other);
const TRUTH: MapKernel = map_kernel!(truth => i64, |x| x as i64);
const ABS: MapKernel = map_kernel!(c32 => f32, |z| (z.re * z.re + z.im * z.im).sqrt());
const SIGMOID: MapKernel = map_kernel!(f32 => f32, |x| 1.0 / (1.0 + exp(-x)));
const CLAMP: MapKernel = map_kernel!(f32 => f32, |x, low, high| {
    let raised = if x < low { low } else { x };
    if raised > high { high } else { raised }
});
const MANY: MapKernel = map_kernel!(f64 => f64, |a, b, c, d; p, q, r, s| p * a + q * b + r * c + s * d);
const SIN: MapKernel = map_kernel!(f64 => f64, quick |x| sin(x));
const FMOD: MapKernel = map_kernel!(f32 => f32, quick |x, y| fmod(x, y));
const FOUR: MapKernel = map_kernel!(f32 => f32, | | 4.0);
const DIVIDE: MapKernel = map_kernel!(i64 => i64, |x, y| x.wrapping_div(y));

macro_rules! integer_kernels {
    ($($t:ident)*) => {
        [$((<$t as Element>::DTYPE, [
            map_kernel!($t => $t, |x, y; a| add(x, mul(a, y))),
            map_kernel!($t => $t, |x, y; a| floor_div(x, y)),
            map_kernel!($t => $t, |x, y; a| remainder(x, a)),
            map_kernel!($t => $t, |x, y; a| neg(sub(abs(x), sign(y)))),
            map_kernel!($t => $t, |x, y; a| pow(x, y)),
            map_kernel!($t => $t, |x, y; a| bit_xor(shl(x, y), shr(y, x))),
            map_kernel!($t => $t, |x, y; a| sub(gcd(x, y), mul(x, y))),
            map_kernel!($t => $t, |x, y; a| if max(x, y) > a { bit_not(x) } else { min(x, y) }),
        ])),*]
    };
}

#[test]
fn integers_of_every_width_wrap() {
    // Small enough that all is exact in 64 bits, large enough to wrap in fewer.
    let wide = &integer_kernels!(i64)[0].1;
    for (d, kernels) in integer_kernels!(u8 i8 i16 i32) {
        let numbers = Bytes::new(DType::I64, Layout::contiguous(&[90]), 0);
        let (mut x, mut y) = (numbers.clone(), numbers);
        for k in 0..90i64 {
            let low = if d == DType::U8 { 0 } else { -4 };
            x.set(k as usize, &(k % 90 + 9 * low).to_ne_bytes());
            y.set(k as usize, &(k % 7 + low).to_ne_bytes());
        }
        let to = |b: &Bytes, d| {
            let mut out = Bytes::new(d, Layout::contiguous(&[90]), 0);
            copy(out.view_mut(), b.view());
            out
        };
        for (k, kernel) in kernels.iter().enumerate() {
            let mut expected = Bytes::new(DType::I64, Layout::contiguous(&[90]), 0);
            map(&wide[k], expected.view_mut(), &[x.view(), y.view()], &[Scalar::Int(3)]);
            let mut out = Bytes::new(d, Layout::contiguous(&[90]), 0);
            map(kernel, out.view_mut(), &[to(&x, d).view(), to(&y, d).view()], &[Scalar::Int(3)]);
            assert_eq!(out.data, to(&expected, d).data, "{d:?} kernel {k}");
        }
    }
}

fn number(x: &Bytes, k: usize) -> f64 {
    let mut out = [0f64];
    let one = Layout::contiguous(&[]);
    // SAFETY: one element.
    let view = unsafe { View::new(x.element(k).as_ptr(), x.dtype, &[], &[]) };
    copy(ViewMut::of(&mut out, &one), view);
    out[0]
}

fn counting(dtype: DType, layout: Layout, shift: usize, from: i64, modulo: i64) -> Bytes {
    let mut x = Bytes::new(dtype, layout, shift);
    for k in 0..x.numel() {
        let mut one = Bytes::new(dtype, Layout::contiguous(&[]), 0);
        fill(one.view_mut(), Scalar::Int((from + k as i64 * 7) % modulo));
        x.set(k, &one.data);
    }
    x
}

fn add_kernel(d: DType) -> &'static MapKernel {
    match d {
        DType::Bool => &OR,
        DType::F64 => &ADD_F64,
        DType::C64 => &ADD_C32,
        DType::C128 => &ADD_C64,
        d if d.is_integral() => &ADD_I64,
        _ => &ADD,
    }
}

#[test]
fn every_dtype_and_layout_adds() {
    for d in DType::ALL {
        for (m, n) in [(1, 1), (5, 3), (9, 64), (61, 50)] {
            for (i, a) in layouts(m, n).into_iter().enumerate() {
                for (j, b) in layouts(m, n).into_iter().enumerate() {
                    for (k, c) in layouts(m, n).into_iter().enumerate() {
                        let (x, y) = (counting(d, a.clone(), i % 2, 1, 50), counting(d, b.clone(), j % 2, 3, 40));
                        let mut z = Bytes::new(d, c, k % 2);
                        map(add_kernel(d), z.view_mut(), &[x.view(), y.view()], &[Scalar::Int(1)]);
                        for e in 0..x.numel() {
                            let sum = number(&x, e) + number(&y, e);
                            let want = if d == DType::Bool { sum.min(1.0) } else { sum };
                            assert_eq!(number(&z, e), want, "{d} {m}x{n} {i} {j} {k} {e}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn dtypes_mix_and_results_convert() {
    for d in DType::ALL {
        for e in DType::ALL {
            for out in [DType::Bool, DType::I8, DType::I64, DType::F16, DType::F64, DType::C64] {
                let (x, y) =
                    (counting(d, Layout::contiguous(&[1029]), 0, 1, 2), counting(e, layout(&[1029], &[2], 0), 1, 0, 9));
                let mut z = Bytes::new(out, Layout::contiguous(&[1029]), 0);
                map(&LESS, z.view_mut(), &[x.view(), y.view()], &[]);
                for k in 0..1029 {
                    assert_eq!(number(&z, k), (number(&x, k) < number(&y, k)) as u8 as f64, "{d} {e} {out} {k}");
                }
            }
        }
    }
}

#[test]
fn narrow_integers_wrap() {
    let one = Layout::contiguous(&[3]);
    let (x, y) = ([100i8, -128, 5], [100i8, -1, 6]);
    let mut z = [0i8; 3];
    map(&ADD_I64, ViewMut::of(&mut z, &one), &[View::of(&x, &one), View::of(&y, &one)], &[Scalar::Int(1)]);
    assert_eq!(z, [-56, 127, 11]);
}

#[test]
fn any_byte_is_a_bool() {
    let bytes = [0u8, 1, 2, 255];
    let mut out = [9i64; 4];
    let l = Layout::contiguous(&[4]);
    // SAFETY: four bytes, which as bools may have any value.
    let x = unsafe { View::new(bytes.as_ptr(), DType::Bool, &l.sizes, &l.strides) };
    map(&TRUTH, ViewMut::of(&mut out, &l), &[x], &[]);
    assert_eq!(out, [0, 1, 1, 1]);
}

#[test]
fn lengths_around_blocks_and_chunks_in_place_or_not() {
    for n in (0..70).chain([127, 128, 129, 511, 512, 513, 1023, 1025, 16_384, 16_385, 70_001]) {
        let l = Layout::contiguous(&[n as i64]);
        let a: Vec<f32> = (0..n).map(|i| (i % 1000) as f32).collect();
        let b: Vec<f32> = (0..n).map(|i| (i % 77) as f32 * 0.5).collect();
        let want: Vec<f32> = a.iter().zip(&b).map(|(x, y)| x + 2.0 * y).collect();
        let mut out = vec![0f32; n + 1];
        map(&ADD, ViewMut::of(&mut out, &l), &[View::of(&a, &l), View::of(&b, &l)], &[Scalar::Float(2.0)]);
        assert_eq!(out[..n], want);
        assert_eq!(out[n], 0.0, "wrote past the end");
        let (mut a, mut b2) = (a, b.clone());
        for (target, k) in [(&mut a, 0), (&mut b2, 1)] {
            let other = if k == 0 { b.clone() } else { want.iter().zip(&b).map(|(s, y)| s - 2.0 * y).collect() };
            let p = target.as_mut_ptr().cast::<u8>();
            // SAFETY: `n` elements; the kernel may run in place.
            let (out, same) = unsafe {
                (ViewMut::new(p, DType::F32, &l.sizes, &l.strides), View::new(p, DType::F32, &l.sizes, &l.strides))
            };
            let other = View::of(&other, &l);
            map(&ADD, out, &if k == 0 { [same, other] } else { [other, same] }, &[Scalar::Int(2)]);
            assert_eq!(*target, want);
        }
        let halves: Vec<flambeau_types::bf16> =
            (0..n).map(|i| flambeau_types::bf16::from_f32((i % 100) as f32)).collect();
        let mut doubled = halves.clone();
        let p = doubled.as_mut_ptr().cast::<u8>();
        // SAFETY: as above.
        let (out, x) = unsafe {
            (ViewMut::new(p, DType::BF16, &l.sizes, &l.strides), View::new(p, DType::BF16, &l.sizes, &l.strides))
        };
        map(&ADD, out, &[x, x], &[Scalar::Int(1)]);
        assert!(doubled.iter().zip(&halves).all(|(d, h)| d.to_f32() == 2.0 * h.to_f32()));
    }
}

#[test]
fn broadcast_operands_repeat() {
    for (m, n) in [(7i64, 3i64), (3, 7), (40, 200), (1, 100), (2000, 3)] {
        let full = Layout::contiguous(&[m, n]);
        for other in [layout(&[m, n], &[0, 1], 0), layout(&[m, n], &[1, 0], 0), layout(&[m, n], &[0, 0], 0)] {
            for d in [DType::F32, DType::I16] {
                for (x, y) in [
                    (counting(d, full.clone(), 0, 1, 100), counting(d, other.clone(), 1, 1, 90)),
                    (counting(DType::F32, other.clone(), 0, 1, 100), counting(d, full.clone(), 0, 1, 90)),
                ] {
                    let mut z = Bytes::new(DType::F32, full.clone(), 0);
                    map(&ADD, z.view_mut(), &[x.view(), y.view()], &[Scalar::Int(3)]);
                    for k in 0..z.numel() {
                        assert_eq!(number(&z, k), number(&x, k) + 3.0 * number(&y, k), "{m}x{n} {other:?} {k}");
                    }
                }
            }
        }
    }
}

#[test]
fn zero_size_and_zero_dimensions() {
    for sizes in [&[0i64][..], &[3, 0, 2]] {
        let l = Layout::contiguous(sizes);
        let mut out: [f32; 0] = [];
        // SAFETY: no elements.
        let x = unsafe { View::new(std::ptr::null(), DType::I8, &l.sizes, &l.strides) };
        // SAFETY: no elements.
        let y = unsafe { ViewMut::new(out.as_mut_ptr().cast(), DType::F32, &l.sizes, &l.strides) };
        map(&SIGMOID, y, &[x], &[]);
        // SAFETY: no elements.
        copy(unsafe { ViewMut::new(out.as_mut_ptr().cast(), DType::F32, &l.sizes, &l.strides) }, x);
    }
    let l = Layout::contiguous(&[]);
    let (mut out, x) = ([0f32], [3i32]);
    map(&ADD, ViewMut::of(&mut out, &l), &[View::of(&x, &l), View::of(&[0.5f64], &l)], &[Scalar::Int(1)]);
    assert_eq!(out, [3.5]);
}

#[test]
fn bodies_of_all_shapes() {
    let l = Layout::contiguous(&[37]);
    let xs: Vec<f32> = (0..37).map(|i| i as f32 - 18.0).collect();
    let mut out = vec![0f32; 37];
    let (low, high) = ([-3f32], [4f32]);
    let repeated = layout(&[37], &[0], 0);
    map(
        &CLAMP,
        ViewMut::of(&mut out, &l),
        &[View::of(&xs, &l), View::of(&low, &repeated), View::of(&high, &repeated)],
        &[],
    );
    assert!(out.iter().zip(&xs).all(|(y, x)| *y == x.clamp(-3.0, 4.0)));
    map(&FOUR, ViewMut::of(&mut out, &l), &[], &[]);
    assert!(out.iter().all(|&y| y == 4.0));
    map(&SIGMOID, ViewMut::of(&mut out, &l), &[View::of(&xs, &l)], &[]);
    assert!(out.iter().zip(&xs).all(|(y, x)| (*y as f64 - 1.0 / (1.0 + (-*x as f64).exp())).abs() < 1e-7));
    let mut wide = vec![0f64; 37];
    let x = View::of(&xs, &l);
    let p = [1.0f64, 10.0, 100.0, 1000.0].map(Scalar::from);
    map(&MANY, ViewMut::of(&mut wide, &l), &[x, x, x, x], &p);
    assert!(wide.iter().zip(&xs).all(|(y, x)| *y == 1111.0 * *x as f64));
    let z: Vec<Complex32> = xs.iter().map(|&x| Complex32::new(3.0 * x, 4.0 * x)).collect();
    map(&ABS, ViewMut::of(&mut out, &l), &[View::of(&z, &l)], &[]);
    assert!(out.iter().zip(&xs).all(|(y, x)| *y == 5.0 * x.abs()));
    // Elements that pad a block must not be made up: a division by zero would panic.
    let (mut q, n) = ([0i64; 3], Layout::contiguous(&[3]));
    map(&DIVIDE, ViewMut::of(&mut q, &n), &[View::of(&[7i64, 8, 9], &n), View::of(&[2i64, 3, -3], &n)], &[]);
    assert_eq!(q, [3, 2, -3]);
}

#[test]
fn all_instruction_sets_agree() {
    let n = 1000;
    let l = Layout::contiguous(&[n]);
    let xs: Vec<f32> = (0..n).map(|i| i as f32 * 0.013 - 6.0).collect();
    let mut out = vec![0f32; n as usize];
    map(&SIGMOID, ViewMut::of(&mut out, &l), &[View::of(&xs, &l)], &[]);
    for level in crate::loops::kernel::levels() {
        let mut other = vec![0f32; n as usize];
        let p = xs.as_ptr().cast();
        // SAFETY: `n` elements each, and a level that the processor has.
        unsafe { SIGMOID.run_at(level, n as usize - 5, other.as_mut_ptr().cast(), &[p, p, p, p], 0, &[]) };
        for (a, b) in out.iter().zip(&other).take(n as usize - 5) {
            assert!((a - b).abs() <= 4.0 * f32::EPSILON * a, "{level:?}: {a} {b}");
        }
        assert_eq!(other[n as usize - 5..], [0.0; 5]);
    }
    assert_eq!(<Complex64 as Element>::DTYPE, ADD_C64.out);
}

/// Rare arguments among common ones, each alone in its block and several in one.
#[test]
fn quick_kernels_miss_nothing() {
    let mut x: Vec<f64> = (0..200).map(|i| f64::from(i) * 0.37 - 30.0).collect();
    for (i, rare) in [(3, 1e22), (40, f64::NAN), (41, -3e15), (42, 7e6), (99, f64::INFINITY), (199, 1e300)] {
        x[i] = rare;
    }
    let layout = Layout::contiguous(&[200]);
    let mut y = vec![0f64; 200];
    map(&SIN, ViewMut::of(&mut y, &layout), &[View::of(&x, &layout)], &[]);
    for (x, y) in x.iter().zip(&y) {
        assert!((y - x.sin()).abs() < 1e-15 || y.is_nan() && !x.is_finite(), "sin({x:e}) is not {y:e}");
    }
    let a: Vec<f32> = x.iter().map(|x| *x as f32).collect();
    let b: Vec<f32> = (0..200).map(|i| if i % 50 == 7 { f32::INFINITY } else { 0.3 + (i % 7) as f32 }).collect();
    let mut r = vec![0f32; 200];
    map(&FMOD, ViewMut::of(&mut r, &layout), &[View::of(&a, &layout), View::of(&b, &layout)], &[]);
    for i in 0..200 {
        assert!(r[i] == a[i] % b[i] || r[i].is_nan() && !a[i].is_finite(), "{:e} % {:e} is not {:e}", a[i], b[i], r[i]);
    }
}
