//! Transforms of many short lines at once, one line in each lane of a vector: whatever the length, no element crosses lanes.
//! Stockham's form: every pass reads one buffer and writes the other, and the result comes out in order.

use flambeau_types::Complex;

#[cfg(target_arch = "x86_64")]
use crate::gemm::{Isa, isa};
use crate::gemm::{Plain, Real, Simd, transpose};

/// One pass: `step` transforms of `radix` elements for each of `count` turns.
struct Pass<T> {
    radix: usize,
    count: usize,
    step: usize,
    /// For each turn, the factors of the elements but the first.
    factors: Vec<[Complex<T>; 4]>,
}

/// How lines of a length are transformed.
pub(super) struct Plan<T> {
    n: usize,
    passes: Vec<Pass<T>>,
    /// `exp(-i pi k / n)`, for real lines of twice the length.
    turns: Vec<Complex<T>>,
}

/// Bytes of the two buffers at most: they should stay in the second-level cache.
const ROOM: usize = 512 << 10;

/// Where lines lie, in real numbers: the first line, from line to line, from complex element to complex element, from the real
/// part of one to its imaginary part. Two neighbours of a real line are a complex element.
#[derive(Clone, Copy)]
pub(super) struct Place<P> {
    pub ptr: P,
    pub line: isize,
    pub step: isize,
    pub part: isize,
}

impl<T: Real> Plan<T> {
    /// None for lengths with other factors than 2, 3 and 5, and for those whose buffers are too long.
    pub fn new(n: usize) -> Option<Plan<T>> {
        if n < 2 || n * lanes::<T>() * 4 * size_of::<T>() > ROOM {
            return None;
        }
        let of = |x: f64| num_traits::NumCast::from(x).unwrap_or(T::zero());
        let at = |turn: f64| {
            Complex::new(of((std::f64::consts::TAU * turn).cos()), of(-(std::f64::consts::TAU * turn).sin()))
        };
        let (mut rest, mut step, mut passes) = (n, 1, Vec::new());
        while rest > 1 {
            let radix = [4, 2, 3, 5].into_iter().find(|&r| rest.is_multiple_of(r))?;
            let count = rest / radix;
            let factor = |p: usize, k: usize| at(((p * k) % rest) as f64 / rest as f64);
            let factors = (0..count).map(|p| std::array::from_fn(|k| factor(p, k + 1))).collect();
            passes.push(Pass { radix, count, step, factors });
            (rest, step) = (count, step * radix);
        }
        let turns = (0..=n).map(|k| at(k as f64 / (2 * n) as f64)).collect();
        Some(Plan { n, passes, turns })
    }
}

/// Lines that are transformed together.
pub(super) fn lanes<T: Real>() -> usize {
    #[cfg(target_arch = "x86_64")]
    match isa() {
        Isa::Avx512 => return T::V512::LANES,
        Isa::Avx2 => return T::V256::LANES,
        Isa::Plain => {}
    }
    Plain::<T>::LANES
}

/// Both parts of an element in all lanes.
type Pair<V> = (V, V);

#[inline(always)]
unsafe fn load<V: Simd>(x: *const V::T, e: usize) -> Pair<V> {
    // SAFETY: the caller's buffer has element e.
    unsafe { (V::load(x.add(2 * e * V::LANES)), V::load(x.add((2 * e + 1) * V::LANES))) }
}

#[inline(always)]
unsafe fn store<V: Simd>(y: *mut V::T, e: usize, v: Pair<V>) {
    // SAFETY: the caller's buffer has element e.
    unsafe {
        v.0.store(y.add(2 * e * V::LANES));
        v.1.store(y.add((2 * e + 1) * V::LANES));
    }
}

#[inline(always)]
unsafe fn add<V: Simd>(a: Pair<V>, b: Pair<V>) -> Pair<V> {
    // SAFETY: the processor has the instructions, as the caller knows; the same below.
    unsafe { (a.0.add(b.0), a.1.add(b.1)) }
}

/// `a + x b` for a real x.
#[inline(always)]
unsafe fn plus<V: Simd>(a: Pair<V>, b: Pair<V>, x: V) -> Pair<V> {
    // SAFETY: see add.
    unsafe { (a.0.fma(b.0, x), a.1.fma(b.1, x)) }
}

/// `a + i x b` for a real x and its negative.
#[inline(always)]
unsafe fn plus_i<V: Simd>(a: Pair<V>, b: Pair<V>, x: V, minus: V) -> Pair<V> {
    // SAFETY: see add.
    unsafe { (a.0.fma(b.1, minus), a.1.fma(b.0, x)) }
}

#[inline(always)]
unsafe fn times<V: Simd>(a: Pair<V>, w: Complex<V::T>) -> Pair<V> {
    // SAFETY: see add.
    unsafe {
        let (re, im, minus) = (V::splat(w.re), V::splat(w.im), V::splat(-w.im));
        (a.0.mul(re).fma(a.1, minus), a.1.mul(re).fma(a.0, im))
    }
}

/// A number of the vector's type.
#[inline(always)]
unsafe fn number<V: Simd>(x: f64) -> V {
    // SAFETY: see add.
    unsafe { V::splat(num_traits::NumCast::from(x).unwrap_or(num_traits::Zero::zero())) }
}

#[inline(always)]
unsafe fn pass<V: Simd>(p: &Pass<V::T>, forward: bool, x: *const V::T, y: *mut V::T) {
    let (n1, s) = (p.count, p.step);
    // SAFETY: buffers of count * step * radix elements, as the caller promised.
    unsafe {
        let minus = number::<V>(-1.0);
        // The inverse turns the other way.
        let way = if forward { 1.0 } else { -1.0 };
        let (left, right) = (number::<V>(way), number::<V>(-way));
        let side = way * 3f64.sqrt() / 2.0;
        let (side, other_side) = (number::<V>(side), number::<V>(-side));
        let turn = |k: f64| (way * std::f64::consts::TAU * k / 5.0).sin_cos();
        let ((s1, c1), (s2, c2)) = (turn(1.0), turn(2.0));
        let (n1s, n2s) = (number::<V>(-s1), number::<V>(-s2));
        let (s1, c1, s2, c2) = (number::<V>(s1), number::<V>(c1), number::<V>(s2), number::<V>(c2));
        let half = number::<V>(-0.5);
        for (t, w) in p.factors.iter().enumerate() {
            for q in 0..s {
                // Macros, not closures: a closure is compiled without the vector instructions of its surroundings.
                macro_rules! at {
                    ($j:literal) => {
                        load::<V>(x, q + s * (t + $j * n1))
                    };
                }
                macro_rules! put {
                    (0, $v:expr) => {
                        store::<V>(y, q + s * (p.radix * t), $v)
                    };
                    ($k:literal, $v:expr) => {{
                        let v = $v;
                        // The first turn's factors are 1.
                        let factor = if forward { w[$k - 1] } else { w[$k - 1].conj() };
                        store::<V>(y, q + s * (p.radix * t + $k), if t == 0 { v } else { times::<V>(v, factor) });
                    }};
                }
                match p.radix {
                    4 => {
                        let (a, b, c, d) = (at!(0), at!(1), at!(2), at!(3));
                        let (ac, bd) = (add(a, c), add(b, d));
                        let (a_c, b_d) = (plus(a, c, minus), plus(b, d, minus));
                        put!(0, add(ac, bd));
                        put!(1, plus_i(a_c, b_d, right, left));
                        put!(2, plus(ac, bd, minus));
                        put!(3, plus_i(a_c, b_d, left, right));
                    }
                    2 => {
                        let (a, b) = (at!(0), at!(1));
                        put!(0, add(a, b));
                        put!(1, plus(a, b, minus));
                    }
                    3 => {
                        let (a, b, c) = (at!(0), at!(1), at!(2));
                        let (sum, difference) = (add(b, c), plus(b, c, minus));
                        let middle = plus(a, sum, half);
                        put!(0, add(a, sum));
                        put!(1, plus_i(middle, difference, other_side, side));
                        put!(2, plus_i(middle, difference, side, other_side));
                    }
                    _ => {
                        let (a, b, c, d, e) = (at!(0), at!(1), at!(2), at!(3), at!(4));
                        let (be, cd) = (add(b, e), add(c, d));
                        let (b_e, c_d) = (plus(b, e, minus), plus(c, d, minus));
                        let near = plus(plus(a, be, c1), cd, c2);
                        let far = plus(plus(a, be, c2), cd, c1);
                        put!(0, add(add(a, be), cd));
                        put!(1, plus_i(plus_i(near, b_e, n1s, s1), c_d, n2s, s2));
                        put!(2, plus_i(plus_i(far, b_e, n2s, s2), c_d, s1, n1s));
                        put!(3, plus_i(plus_i(far, b_e, s2, n2s), c_d, n1s, s1));
                        put!(4, plus_i(plus_i(near, b_e, s1, n1s), c_d, s2, n2s));
                    }
                }
            }
        }
    }
}

/// Reads `count` lines of n elements: the parts of each element apart, a vector of lanes each.
#[inline(always)]
unsafe fn gather<V: Simd<T: Real>>(from: Place<*const V::T>, count: usize, n: usize, x: *mut V::T) {
    let whole = count == V::LANES;
    // SAFETY: the caller's lines; the memory may be unaligned.
    unsafe {
        if whole && (from.part, from.step) == (1, 2) {
            return transpose(from.ptr, from.line, count, 2 * n, x, V::LANES);
        }
        for e in 0..n {
            let row = from.ptr.wrapping_offset(e as isize * from.step);
            let to = x.add(2 * e * V::LANES);
            if whole && from.line == 1 {
                V::load(row).store(to);
                V::load(row.wrapping_offset(from.part)).store(to.add(V::LANES));
            } else if whole && (from.line, from.part) == (2, 1) {
                for l in 0..V::LANES {
                    to.add(l).write(row.add(2 * l).read_unaligned());
                    to.add(V::LANES + l).write(row.add(2 * l + 1).read_unaligned());
                }
            } else {
                for l in 0..count {
                    let z = row.wrapping_offset(l as isize * from.line);
                    to.add(l).write(z.read_unaligned());
                    to.add(V::LANES + l).write(z.wrapping_offset(from.part).read_unaligned());
                }
            }
        }
    }
}

/// Writes `count` lines of n elements back, times `scale`.
#[inline(always)]
unsafe fn scatter<V: Simd<T: Real>>(y: *mut V::T, count: usize, n: usize, scale: V::T, to: Place<*mut V::T>) {
    let whole = count == V::LANES;
    // SAFETY: as for gather.
    unsafe {
        if scale != num_traits::One::one() {
            let scale = V::splat(scale);
            for e in 0..n {
                let (re, im) = load::<V>(y, e);
                store::<V>(y, e, (re.mul(scale), im.mul(scale)));
            }
        }
        if whole && (to.part, to.step) == (1, 2) && to.line > 0 {
            return transpose(y.cast_const(), V::LANES as isize, 2 * n, count, to.ptr, to.line as usize);
        }
        for e in 0..n {
            let row = to.ptr.wrapping_offset(e as isize * to.step);
            let from = y.add(2 * e * V::LANES);
            if whole && to.line == 1 {
                V::load(from).store(row);
                V::load(from.add(V::LANES)).store(row.wrapping_offset(to.part));
            } else if whole && (to.line, to.part) == (2, 1) {
                for l in 0..V::LANES {
                    row.add(2 * l).write_unaligned(*from.add(l));
                    row.add(2 * l + 1).write_unaligned(*from.add(V::LANES + l));
                }
            } else {
                for l in 0..count {
                    let z = row.wrapping_offset(l as isize * to.line);
                    z.write_unaligned(*from.add(l));
                    z.wrapping_offset(to.part).write_unaligned(*from.add(V::LANES + l));
                }
            }
        }
    }
}

/// All passes; gives the buffer that holds the result, and the other.
#[inline(always)]
unsafe fn passes<V: Simd>(plan: &Plan<V::T>, forward: bool, x: *mut V::T, y: *mut V::T) -> (*mut V::T, *mut V::T) {
    let (mut x, mut y) = (x, y);
    for p in &plan.passes {
        // SAFETY: buffers of the plan's length.
        unsafe { pass::<V>(p, forward, x, y) };
        (x, y) = (y, x);
    }
    (x, y)
}

/// What is to be done with up to `lanes` lines.
pub(super) struct Job<'a, T> {
    pub plan: &'a Plan<T>,
    pub from: Place<*const T>,
    pub to: Place<*mut T>,
    pub count: usize,
    pub forward: bool,
    pub scale: T,
    /// Whether one side is real lines of twice the plan's length: the source, or where not forward the target.
    pub real: bool,
}

#[inline(always)]
unsafe fn run<V: Simd<T: Real>>(j: &Job<V::T>, buffer: *mut V::T) {
    let n = j.plan.n;
    // SAFETY: the caller's lines; the buffer has room for two times n + 1 elements of all lanes.
    unsafe {
        let (x, y) = (buffer, buffer.add(2 * (n + 1) * V::LANES));
        if !j.real {
            gather::<V>(j.from, j.count, n, x);
            let (result, _) = passes::<V>(j.plan, j.forward, x, y);
            scatter::<V>(result, j.count, n, j.scale, j.to);
        } else if j.forward {
            // Neighbours of a real line as one complex number; of their transform, the parts that are even and odd.
            gather::<V>(j.from, j.count, n, x);
            let (result, other) = passes::<V>(j.plan, true, x, y);
            let (half, minus) = (number::<V>(0.5), number::<V>(-0.5));
            for (k, &turn) in j.plan.turns.iter().enumerate() {
                let (a, b) = (load::<V>(result, k % n), load::<V>(result, (n - k) % n));
                let even = (a.0.mul(half).fma(b.0, half), a.1.mul(half).fma(b.1, minus));
                let odd = (a.1.mul(half).fma(b.1, half), a.0.mul(minus).fma(b.0, half));
                store::<V>(other, k, add(even, times(odd, turn)));
            }
            scatter::<V>(other, j.count, n + 1, j.scale, j.to);
        } else {
            gather::<V>(j.from, j.count, n + 1, x);
            // The first and the last are their own conjugates: what is imaginary in them does not count.
            for k in [0, n] {
                let (re, _) = load::<V>(x, k);
                store::<V>(x, k, (re, number(0.0)));
            }
            let minus = number::<V>(-1.0);
            for k in 0..n {
                let (a, b) = (load::<V>(x, k), load::<V>(x, n - k));
                let even = (a.0.add(b.0), a.1.fma(b.1, minus));
                let odd = times((a.0.fma(b.0, minus), a.1.add(b.1)), j.plan.turns[k].conj());
                store::<V>(y, k, (even.0.fma(odd.1, minus), even.1.add(odd.0)));
            }
            let (result, _) = passes::<V>(j.plan, false, y, x);
            scatter::<V>(result, j.count, n, j.scale, j.to);
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
unsafe fn widest<V: Simd<T: Real>>(j: &Job<V::T>, buffer: *mut V::T) {
    // SAFETY: forwarded to the caller.
    unsafe { run::<V>(j, buffer) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn wide<V: Simd<T: Real>>(j: &Job<V::T>, buffer: *mut V::T) {
    // SAFETY: forwarded to the caller.
    unsafe { run::<V>(j, buffer) }
}

/// Elements of the buffer that [`transform`] works in.
pub(super) fn room<T: Real>(plan: &Plan<T>) -> usize {
    4 * (plan.n + 1) * lanes::<T>()
}

/// Transforms lines. Complex ones to complex ones; real ones of twice the plan's length to the first half of their transform and
/// the element behind it, or, where not forward, back.
///
/// # Safety
/// All elements of the lines exist; the buffer has [`room`].
pub(super) unsafe fn transform<T: Real>(j: &Job<T>, buffer: *mut T) {
    // SAFETY: forwarded; the processor has the instructions.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        match isa() {
            Isa::Avx512 => return widest::<T::V512>(j, buffer),
            Isa::Avx2 => return wide::<T::V256>(j, buffer),
            Isa::Plain => {}
        }
        run::<Plain<T>>(j, buffer)
    }
}
