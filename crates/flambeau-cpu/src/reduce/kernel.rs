//! The inner loops of reductions: fold a contiguous run, or fold rows onto a row of accumulators.

use flambeau_types::Complex;

use super::convert::Put;
use crate::math::{Level, level};

/// One way to fold: what each element becomes, and how two partial results join.
pub(crate) trait Op<A>: 'static {
    /// True if `map` looks at its parameter.
    const PARAM: bool = false;
    /// The relative price of one element, 1 for an addition.
    const COST: usize = 1;
    /// The result of nothing.
    fn identity() -> A;
    /// What an element contributes, given the parameter of its output (a mean, a maximum, an exponent).
    fn map(x: A, param: A) -> A;
    /// Two partial results as one.
    fn merge(a: A, b: A) -> A;
}

/// An [`Op`] compiled for this machine.
pub(crate) struct Kernel<A> {
    pub identity: A,
    pub cost: usize,
    pub merge: fn(A, A) -> A,
    /// Folds `n` contiguous elements.
    pub run: unsafe fn(src: *const A, n: usize, param: A) -> A,
    /// Folds `rows` rows of `width` elements, `step` elements apart, onto `acc`, with a parameter for each column.
    pub rows: unsafe fn(acc: *mut A, params: *const A, src: *const A, step: isize, rows: usize, width: usize),
}

impl<A: Copy> Clone for Kernel<A> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<A: Copy> Copy for Kernel<A> {}

/// The types that reductions compute in.
pub(crate) trait Acc: Put + Send + Sync + 'static {
    /// The kernel of an operation on this type.
    fn kernel<O: Op<Self>>() -> Kernel<Self>;
}

macro_rules! acc {
    ($($t:ty, $lanes:literal;)*) => {$(
        impl Acc for $t {
            #[inline]
            fn kernel<O: Op<$t>>() -> Kernel<$t> {
                kernel::<$t, O, $lanes>()
            }
        }
    )*};
}
// As many lanes as fill one AVX-512 register (two of AVX2).
acc! {
    u8, 64;
    i32, 16;
    i64, 8;
    f32, 16;
    f64, 8;
    Complex<f32>, 8;
    Complex<f64>, 4;
}

#[inline]
fn kernel<A: Acc, O: Op<A>, const L: usize>() -> Kernel<A> {
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"))]
    unsafe fn run_512<A: Acc, O: Op<A>, const L: usize>(src: *const A, n: usize, param: A) -> A {
        // SAFETY: forwarded.
        unsafe { run::<A, O, L>(src, n, param) }
    }
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
    unsafe fn run_256<A: Acc, O: Op<A>, const L: usize>(src: *const A, n: usize, param: A) -> A {
        // SAFETY: forwarded.
        unsafe { run::<A, O, L>(src, n, param) }
    }
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"))]
    unsafe fn rows_512<A: Acc, O: Op<A>, const L: usize>(
        acc: *mut A,
        params: *const A,
        src: *const A,
        step: isize,
        rows: usize,
        width: usize,
    ) {
        // SAFETY: forwarded.
        unsafe { fold_rows::<A, O, L>(acc, params, src, step, rows, width) }
    }
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
    unsafe fn rows_256<A: Acc, O: Op<A>, const L: usize>(
        acc: *mut A,
        params: *const A,
        src: *const A,
        step: isize,
        rows: usize,
        width: usize,
    ) {
        // SAFETY: forwarded.
        unsafe { fold_rows::<A, O, L>(acc, params, src, step, rows, width) }
    }
    let base = |run, rows| Kernel { identity: O::identity(), cost: O::COST, merge: O::merge, run, rows };
    match level() {
        Level::Avx512 => base(run_512::<A, O, L>, rows_512::<A, O, L>),
        Level::Avx2 => base(run_256::<A, O, L>, rows_256::<A, O, L>),
        Level::Plain => base(run::<A, O, L>, fold_rows::<A, O, L>),
    }
}

/// Vectors folded before their sum joins the next level: keeps rounding errors of long sums small.
const CASCADE: usize = 32;

/// Folds a contiguous run with four vectors of `L` accumulators on two levels.
///
/// # Safety
/// `src` must be readable for `n` elements (at any alignment).
#[inline(always)]
unsafe fn run<A: Acc, O: Op<A>, const L: usize>(src: *const A, n: usize, param: A) -> A {
    // SAFETY: `i` stays within `n`.
    let at = |i: usize| unsafe { src.add(i).read_unaligned() };
    // SAFETY: the callers below check that `i + L <= n`.
    let vector = |i: usize| unsafe { src.add(i).cast::<[A; L]>().read_unaligned() };
    let fold = |acc: &mut [A; L], i: usize| {
        let v = vector(i);
        for l in 0..L {
            acc[l] = O::merge(acc[l], O::map(v[l], param));
        }
    };
    let join = |acc: &mut [A; L], v: &[A; L]| {
        for l in 0..L {
            acc[l] = O::merge(acc[l], v[l]);
        }
    };
    if n == 0 {
        return O::identity();
    }
    if n < L {
        let mut s = O::map(at(0), param);
        for i in 1..n {
            s = O::merge(s, O::map(at(i), param));
        }
        return s;
    }
    let none = [O::identity(); L];
    let mut total = none;
    let mut i = 0;
    if n >= 4 * L {
        let (mut t0, mut t1, mut t2, mut t3) = (none, none, none, none);
        while i + 4 * L <= n {
            let (mut a0, mut a1, mut a2, mut a3) = (none, none, none, none);
            let end = i + ((n - i) / (4 * L)).min(CASCADE) * 4 * L;
            while i < end {
                fold(&mut a0, i);
                fold(&mut a1, i + L);
                fold(&mut a2, i + 2 * L);
                fold(&mut a3, i + 3 * L);
                i += 4 * L;
            }
            join(&mut t0, &a0);
            join(&mut t1, &a1);
            join(&mut t2, &a2);
            join(&mut t3, &a3);
        }
        join(&mut t0, &t1);
        join(&mut t2, &t3);
        join(&mut t0, &t2);
        total = t0;
    }
    while i + L <= n {
        fold(&mut total, i);
        i += L;
    }
    let mut half = L / 2;
    while half > 0 {
        for l in 0..half {
            total[l] = O::merge(total[l], total[l + half]);
        }
        half /= 2;
    }
    let mut s = total[0];
    if i < n {
        let mut tail = O::map(at(i), param);
        i += 1;
        while i < n {
            tail = O::merge(tail, O::map(at(i), param));
            i += 1;
        }
        s = O::merge(s, tail);
    }
    s
}

/// Folds rows onto `acc`, eight at a time so that each accumulator is loaded and stored once for eight elements.
///
/// # Safety
/// `acc` must be valid for `width` values, `params` too if the operation uses them, and each row readable.
#[inline(always)]
unsafe fn fold_rows<A: Acc, O: Op<A>, const L: usize>(
    acc: *mut A,
    params: *const A,
    src: *const A,
    step: isize,
    rows: usize,
    width: usize,
) {
    // SAFETY: rows `r < rows` and columns below `width` only, as the caller promised.
    unsafe {
        let mut r = 0;
        while r + 8 <= rows {
            let base = src.offset(r as isize * step);
            let mut c = 0;
            while c + L <= width {
                let p: [A; L] =
                    if O::PARAM { params.add(c).cast::<[A; L]>().read_unaligned() } else { [O::identity(); L] };
                let row = |k: isize| {
                    let mut v = base.offset(k * step).add(c).cast::<[A; L]>().read_unaligned();
                    for l in 0..L {
                        v[l] = O::map(v[l], p[l]);
                    }
                    v
                };
                let pair = |mut a: [A; L], b: [A; L]| {
                    for l in 0..L {
                        a[l] = O::merge(a[l], b[l]);
                    }
                    a
                };
                let low = pair(pair(row(0), row(1)), pair(row(2), row(3)));
                let high = pair(pair(row(4), row(5)), pair(row(6), row(7)));
                let old = acc.add(c).cast::<[A; L]>();
                old.write_unaligned(pair(old.read_unaligned(), pair(low, high)));
                c += L;
            }
            while c < width {
                let p = if O::PARAM { params.add(c).read() } else { O::identity() };
                let mut s = acc.add(c).read();
                for k in 0..8 {
                    s = O::merge(s, O::map(base.offset(k * step).add(c).read_unaligned(), p));
                }
                acc.add(c).write(s);
                c += 1;
            }
            r += 8;
        }
        while r < rows {
            let base = src.offset(r as isize * step);
            let mut c = 0;
            while c + L <= width {
                let p: [A; L] =
                    if O::PARAM { params.add(c).cast::<[A; L]>().read_unaligned() } else { [O::identity(); L] };
                let v = base.add(c).cast::<[A; L]>().read_unaligned();
                let slot = acc.add(c).cast::<[A; L]>();
                let mut a = slot.read_unaligned();
                for l in 0..L {
                    a[l] = O::merge(a[l], O::map(v[l], p[l]));
                }
                slot.write_unaligned(a);
                c += L;
            }
            while c < width {
                let p = if O::PARAM { params.add(c).read() } else { O::identity() };
                acc.add(c).write(O::merge(acc.add(c).read(), O::map(base.add(c).read_unaligned(), p)));
                c += 1;
            }
            r += 1;
        }
    }
}
