//! Small products with PyTorch's roundings: every multiplication is rounded before it is added.
//!
//! Narrow ones are MKL's on the processors that PyTorch's numbers are taken from ([`narrow`]): one k after another or, where
//! both operands have adjacent k, in vectors of four. Small ones of a batch are a loop of PyTorch's own ([`in_order`]).

use num_traits::Zero;

use super::product::Args;
use super::simd::{Plain, Real, Simd};
use crate::math::is_reference;
#[cfg(target_arch = "x86_64")]
use crate::math::{Level, level};

/// Rows of c below which a product is narrow, and columns.
const ROWS: usize = 4;
const COLUMNS: usize = 12;
/// Multiplications above which speed counts for more than agreeing in the last bit.
const WORK: usize = 1 << 17;
/// Elements of a vector of 16 bytes.
const VECTOR: usize = 4;

/// Computes c if it is narrow and [`is_reference`] holds; false if nothing was done.
///
/// # Safety
/// As [`super::Multiply::product`].
pub(super) unsafe fn narrow<T: Real>(p: &Args<T>) -> bool {
    let applies = (p.m < ROWS || p.n < COLUMNS) && p.m * p.n * p.k <= WORK && is_reference();
    if applies {
        // SAFETY: forwarded to the caller.
        unsafe { round_each(p) };
    }
    applies
}

/// Computes c as MKL does, rounding every multiplication.
///
/// # Safety
/// As [`super::Multiply::product`].
pub(super) unsafe fn round_each<T: Real>(p: &Args<T>) {
    // SAFETY: forwarded to the caller.
    unsafe {
        if size_of::<T>() == 4 && p.a_strides.1 == 1 && p.b_strides.0 == 1 {
            dots(p);
        } else {
            by_columns::<T, true>(p);
        }
    }
}

/// Whether this is so small that PyTorch does not ask MKL, if it is one of a batch.
pub(super) fn is_small<T>(p: &Args<T>) -> bool {
    p.m * p.n * p.k < 400
}

/// Computes c, one k after another, rounding every multiplication: PyTorch's own loop, on every processor.
///
/// # Safety
/// As [`super::Multiply::product`].
pub(super) unsafe fn in_order<T: Real>(p: &Args<T>) {
    // SAFETY: forwarded to the caller.
    unsafe { by_columns::<T, false>(p) }
}

/// Columns of c side by side, or else its rows. MKL's sums begin with c, and those of the columns before the first aligned
/// one are cut in another way: see [`by_eights`].
unsafe fn by_columns<T: Real, const MKL: bool>(p: &Args<T>) {
    let p = if p.b_strides.1 != 1 && p.a_strides.0 == 1 { &p.transposed() } else { p };
    // SAFETY: forwarded to the caller; the level is this processor's.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if p.b_strides.1 == 1 && level() >= Level::Avx2 {
            return adjacent_avx2::<T, MKL>(p);
        }
        if p.b_strides.1 == 1 { adjacent::<Plain<T>, MKL>(p) } else { scattered(p) }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn adjacent_avx2<T: Real, const MKL: bool>(p: &Args<T>) {
    // SAFETY: forwarded to the caller.
    unsafe { adjacent::<T::V256, MKL>(p) }
}

/// One k after another; b has adjacent columns.
#[inline(always)]
unsafe fn adjacent<V: Simd<T: Real>, const MKL: bool>(p: &Args<V::T>) {
    let mut i = 0;
    // SAFETY: tiles of c.
    unsafe {
        while i + 4 <= p.m {
            (0..p.n).step_by(V::LANES).for_each(|j| tile::<V, 4, 1, MKL>(p, i, j));
            i += 4;
        }
        while i < p.m {
            (0..p.n).step_by(4 * V::LANES).for_each(|j| tile::<V, 1, 4, MKL>(p, i, j));
            i += 1;
        }
    }
}

/// `R` rows of c by up to `C` vectors of columns, from `c[i, j]` on.
#[inline(always)]
unsafe fn tile<V: Simd<T: Real>, const R: usize, const C: usize, const MKL: bool>(p: &Args<V::T>, i: usize, j: usize) {
    let a: [*const V::T; R] = std::array::from_fn(|r| p.a.wrapping_offset((i + r) as isize * p.a_strides.0));
    let b = p.b.wrapping_add(j);
    let left = |v: usize| (p.n - j).saturating_sub(v * V::LANES).min(V::LANES);
    let whole = left(C - 1) == V::LANES;
    let columns = (C * V::LANES).min(p.n - j);
    let onto_c = MKL && p.adds_to_c();
    // SAFETY: elements of a, b and c.
    unsafe {
        let mut acc = [[V::splat(V::T::zero()); C]; R];
        if onto_c {
            for (r, acc) in acc.iter_mut().enumerate() {
                let mut old = [V::T::zero(); 32];
                (0..columns).for_each(|l| old[l] = p.c_at(i + r, j + l).read_unaligned());
                *acc = std::array::from_fn(|v| V::load(old[v * V::LANES..].as_ptr()));
            }
        }
        for k in 0..p.k as isize {
            let row = b.wrapping_offset(k * p.b_strides.0);
            let at = |v: usize| row.wrapping_add(v * V::LANES);
            let y: [V; C] = if whole {
                std::array::from_fn(|v| V::load(at(v)))
            } else {
                std::array::from_fn(|v| V::load_part(at(v), left(v)))
            };
            for (acc, a) in acc.iter_mut().zip(a) {
                let x = V::splat(a.wrapping_offset(k * p.a_strides.1).read_unaligned());
                for (acc, &y) in acc.iter_mut().zip(&y) {
                    *acc = acc.add(x.mul(y));
                }
            }
        }
        for (r, acc) in acc.iter().enumerate() {
            let mut sums = [V::T::zero(); 32];
            for (v, acc) in acc.iter().enumerate() {
                acc.store(sums[v * V::LANES..].as_mut_ptr());
            }
            for (l, sum) in (0..columns).zip(&mut sums).take(if MKL { p.head(i + r).saturating_sub(j) } else { 0 }) {
                *sum = by_eights(p, i + r, j + l);
            }
            for (l, &sum) in (0..columns).zip(&sums) {
                if onto_c {
                    p.c_at(i + r, j + l).write_unaligned(sum);
                } else {
                    finish(p, i + r, j + l, sum);
                }
            }
        }
    }
}

impl<T: Real> Args<T> {
    /// Whether this is `c += a @ b`.
    fn adds_to_c(&self) -> bool {
        (self.alpha, self.beta) == (T::one(), T::one())
    }

    /// How many columns of a row of c come before the first aligned one, if a vector follows.
    fn head(&self, row: usize) -> usize {
        let before = (self.c_at(row, 0) as usize).wrapping_neg() % 16 / size_of::<T>();
        if size_of::<T>() == 4 && self.c_strides.1 == 1 && before + VECTOR <= self.n { before } else { 0 }
    }
}

/// An element of c: of each eight products the first four go onto the sum and the others are added up apart.
unsafe fn by_eights<T: Real>(p: &Args<T>, i: usize, j: usize) -> T {
    let (a, b) = (p.a.wrapping_offset(i as isize * p.a_strides.0), p.b.wrapping_offset(j as isize * p.b_strides.1));
    // SAFETY: elements of the row of a, of the column of b, and of c.
    unsafe {
        let product = |k: usize| {
            let k = k as isize;
            a.wrapping_offset(k * p.a_strides.1).read_unaligned()
                * b.wrapping_offset(k * p.b_strides.0).read_unaligned()
        };
        let mut sum = if p.adds_to_c() { p.c_at(i, j).read_unaligned() } else { T::zero() };
        let eights = p.k - p.k % 8;
        for k in (0..eights).step_by(8) {
            let first = (k..k + 4).fold(sum, |s, k| s + product(k));
            let second = (k + 5..k + 8).fold(product(k + 4), |s, k| s + product(k));
            sum = first + second;
        }
        (eights..p.k).fold(sum, |s, k| s + product(k))
    }
}

/// One k after another, of any strides.
unsafe fn scattered<T: Real>(p: &Args<T>) {
    for i in 0..p.m {
        for j in 0..p.n {
            let mut sum = T::zero();
            for k in 0..p.k as isize {
                let a = p.a.wrapping_offset(i as isize * p.a_strides.0 + k * p.a_strides.1);
                let b = p.b.wrapping_offset(k * p.b_strides.0 + j as isize * p.b_strides.1);
                // SAFETY: an element of a and one of b.
                sum = sum + unsafe { a.read_unaligned() * b.read_unaligned() };
            }
            // SAFETY: an element of c.
            unsafe { finish(p, i, j, sum) };
        }
    }
}

/// `c[i, j]` from the sum of its products.
#[inline(always)]
unsafe fn finish<T: Real>(p: &Args<T>, i: usize, j: usize, sum: T) {
    let (c, x) = (p.c_at(i, j), p.alpha * sum);
    // SAFETY: the caller's element of c.
    unsafe { c.write_unaligned(if p.beta == T::zero() { x } else { x + p.beta * c.read_unaligned() }) };
}

/// Rows of a times columns of b, both with adjacent k.
unsafe fn dots<T: Real>(p: &Args<T>) {
    if p.n == 1 && p.m > 1 {
        // SAFETY: the same product.
        return unsafe { dots(&p.transposed()) };
    }
    // A vector is read from the first element on that is left over from whole vectors, a row from the first aligned one.
    let vector = p.m == 1;
    for i in 0..p.m {
        let a = p.a.wrapping_offset(i as isize * p.a_strides.0);
        let aligned = (a as usize).wrapping_neg() % 16 / size_of::<T>();
        let mut j = 0;
        while j < p.n {
            let columns =
                Columns { a, b: p.b.wrapping_offset(j as isize * p.b_strides.1), step: p.b_strides.1, n: p.k };
            // SAFETY: a row of a, columns of b from j on, and elements of c.
            unsafe {
                if j + VECTOR <= p.n {
                    let sums = columns.sums::<4, 1, 1>(if vector { (p.k - 1) % VECTOR + 1 } else { aligned });
                    for (l, sum) in sums.into_iter().enumerate() {
                        finish(p, i, j + l, sum);
                    }
                    j += VECTOR;
                    continue;
                }
                let [sum] = match vector {
                    true if j % 2 == 1 => columns.sums::<1, 1, 2>(VECTOR),
                    true => columns.sums::<1, 2, 2>(VECTOR),
                    false => columns.sums::<1, 2, 2>(aligned),
                };
                finish(p, i, j, sum);
                j += 1;
            }
        }
    }
}

/// A row, and columns `step` apart, of `n` adjacent elements each.
struct Columns<T> {
    a: *const T,
    b: *const T,
    step: isize,
    n: usize,
}

impl<T: Real> Columns<T> {
    /// The sums of products of the row and `N` columns: of the first `before` one by one, then of `ROUND` vectors at a time, in
    /// turn onto `V` vectors of sums, then of what is left one by one.
    #[inline(always)]
    unsafe fn sums<const N: usize, const V: usize, const ROUND: usize>(&self, before: usize) -> [T; N] {
        let before = before.min(self.n);
        // SAFETY: the elements of the row and of each column.
        unsafe {
            let b: [*const T; N] = std::array::from_fn(|c| self.b.wrapping_offset(c as isize * self.step));
            let product = |c: usize, k: usize| self.a.add(k).read_unaligned() * b[c].add(k).read_unaligned();
            let mut sums = [T::zero(); N];
            for k in 0..before {
                for (c, sum) in sums.iter_mut().enumerate() {
                    *sum = *sum + product(c, k);
                }
            }
            let mut acc = sums.map(|sum| {
                let mut acc = [T::Four::splat(T::zero()); V];
                acc[0] = T::Four::load([sum, T::zero(), T::zero(), T::zero()].as_ptr());
                acc
            });
            let mut k = before;
            while k + ROUND * VECTOR <= self.n {
                for r in 0..ROUND {
                    let at = k + r * VECTOR;
                    let x = T::Four::load(self.a.add(at));
                    for (acc, b) in acc.iter_mut().zip(b) {
                        acc[r % V] = acc[r % V].add(x.mul(T::Four::load(b.add(at))));
                    }
                }
                k += ROUND * VECTOR;
            }
            let mut sums = acc.map(|acc| {
                let mut l = [T::zero(); VECTOR];
                acc[1..].iter().fold(acc[0], |x, &y| x.add(y)).store(l.as_mut_ptr());
                (l[0] + l[2]) + (l[1] + l[3])
            });
            for k in k..self.n {
                for (c, sum) in sums.iter_mut().enumerate() {
                    *sum = *sum + product(c, k);
                }
            }
            sums
        }
    }
}
