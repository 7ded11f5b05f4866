//! The inner loops of reductions: fold a contiguous run, or fold rows onto a row of accumulators.

use flambeau_types::Complex;

use super::convert::{Loaded, Put};
use super::ordered;
use crate::math::{Level, level};

/// One way to fold: what each element becomes, and how two partial results join.
pub(crate) trait Op<A>: 'static {
    /// True if `map` looks at its parameter.
    const PARAM: bool = false;
    /// The relative price of one element, 1 for an addition.
    const COST: usize = 1;
    /// True if runs and columns are folded in the order of PyTorch's sums, so that they round alike: see [`super::ordered`].
    const ORDERED: bool = false;
    /// The result of nothing.
    fn identity() -> A;
    /// What an element contributes, given the parameter of its output (a mean, a maximum, an exponent).
    fn map(x: A, param: A) -> A;
    /// Two partial results as one.
    fn merge(a: A, b: A) -> A;
}

/// A compiled [`ordered::columns`].
pub(crate) type Columns<A> = unsafe fn(out: *mut A, src: *const A, step: isize, rows: usize, width: usize, all: bool);

/// An [`Op`] compiled for this machine.
pub(crate) struct Kernel<A> {
    pub identity: A,
    pub cost: usize,
    pub merge: fn(A, A) -> A,
    /// Joins `n` partial results with as many others.
    pub join: unsafe fn(to: *mut A, from: *const A, n: usize),
    /// Folds `n` contiguous elements.
    pub run: unsafe fn(src: *const A, n: usize, param: A) -> A,
    /// Folds `rows` rows of `width` elements, `step` elements apart, onto `acc`, with a parameter for each column.
    pub rows: unsafe fn(acc: *mut A, params: *const A, src: *const A, step: isize, rows: usize, width: usize),
    /// For an [`Op::ORDERED`] operation: the folds of `width` adjacent columns over `rows` rows, `step` elements apart, which
    /// may be `all` there is to fold.
    pub columns: Option<Columns<A>>,
}

impl<A: Copy> Clone for Kernel<A> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<A: Copy> Copy for Kernel<A> {}

/// The types that reductions compute in.
pub(crate) trait Acc: Put + Loaded + Send + Sync + 'static {
    /// The kernel of an operation on this type.
    fn kernel<O: Op<Self>>() -> Kernel<Self>;
}

macro_rules! acc {
    ($($t:ty, $lanes:literal, $half:literal;)*) => {$(
        impl Acc for $t {
            #[inline]
            fn kernel<O: Op<$t>>() -> Kernel<$t> {
                kernel::<$t, O, $lanes, $half>()
            }
        }
    )*};
}
// As many lanes as fill one AVX-512 register (two of AVX2), and half as many.
acc! {
    u8, 64, 32;
    i32, 16, 8;
    i64, 8, 4;
    f32, 16, 8;
    f64, 8, 4;
    Complex<f32>, 8, 4;
    Complex<f64>, 4, 2;
}

#[inline]
fn kernel<A: Acc, O: Op<A>, const L: usize, const H: usize>() -> Kernel<A> {
    /// [`run`] and what goes with it for one instruction set, whose vectors have `$lanes` lanes.
    macro_rules! compiled {
        ($lanes:ident $(, $features:literal)?) => {{
            $(#[cfg_attr(target_arch = "x86_64", target_feature(enable = $features))])?
            unsafe fn compiled_run<A: Acc, O: Op<A>, const L: usize, const H: usize>(
                src: *const A,
                n: usize,
                param: A,
            ) -> A {
                // SAFETY: forwarded.
                unsafe { if O::ORDERED { ordered::run::<A, O, $lanes>(src, n) } else { run::<A, O, L>(src, n, param) } }
            }
            $(#[cfg_attr(target_arch = "x86_64", target_feature(enable = $features))])?
            unsafe fn compiled_rows<A: Acc, O: Op<A>, const L: usize>(
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
            $(#[cfg_attr(target_arch = "x86_64", target_feature(enable = $features))])?
            unsafe fn compiled_columns<A: Acc, O: Op<A>, const L: usize, const H: usize>(
                out: *mut A,
                src: *const A,
                step: isize,
                rows: usize,
                width: usize,
                all: bool,
            ) {
                // SAFETY: forwarded.
                unsafe { ordered::columns::<A, O, $lanes>(out, src, step, rows, width, all) }
            }
            Kernel {
                identity: O::identity(),
                cost: O::COST,
                merge: O::merge,
                join: join_runs::<A, O>,
                run: compiled_run::<A, O, L, H>,
                rows: compiled_rows::<A, O, L>,
                columns: if O::ORDERED { Some(compiled_columns::<A, O, L, H>) } else { None },
            }
        }};
    }
    match level() {
        Level::Avx512 => compiled!(L, "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"),
        Level::Avx2 => compiled!(H, "avx2,fma"),
        Level::Plain => compiled!(H),
    }
}

/// Vectors folded before their sum joins the next level: keeps rounding errors of long sums small.
const CASCADE: usize = 32;

/// Folds `L` elements at `p` onto as many accumulators.
#[inline(always)]
unsafe fn fold_vector<A: Acc, O: Op<A>, const L: usize>(acc: &mut [A; L], p: *const A, param: A) {
    // SAFETY: the caller promises `L` elements.
    let v = unsafe { p.cast::<[A; L]>().read_unaligned() };
    for l in 0..L {
        acc[l] = O::merge(acc[l], O::map(v[l], param));
    }
}

/// Joins runs of partial results.
unsafe fn join_runs<A: Acc, O: Op<A>>(to: *mut A, from: *const A, n: usize) {
    for i in 0..n {
        // SAFETY: forwarded.
        unsafe { to.add(i).write(O::merge(to.add(i).read(), from.add(i).read())) };
    }
}

/// Two vectors of partial results as one. Functions, not closures: those would be compiled without the caller's
/// instruction set unless they happened to be inlined.
#[inline(always)]
fn join<A: Acc, O: Op<A>, const L: usize>(mut a: [A; L], b: [A; L]) -> [A; L] {
    for l in 0..L {
        a[l] = O::merge(a[l], b[l]);
    }
    a
}

/// Folds a contiguous run with four vectors of `L` accumulators on two levels.
///
/// # Safety
/// `src` must be readable for `n` elements (at any alignment).
#[inline(always)]
unsafe fn run<A: Acc, O: Op<A>, const L: usize>(src: *const A, n: usize, param: A) -> A {
    if n == 0 {
        return O::identity();
    }
    // SAFETY: indices stay below `n`.
    unsafe {
        if n < L {
            let mut s = O::map(src.add(0).read_unaligned(), param);
            for i in 1..n {
                s = O::merge(s, O::map(src.add(i).read_unaligned(), param));
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
                    fold_vector::<A, O, L>(&mut a0, src.add(i), param);
                    fold_vector::<A, O, L>(&mut a1, src.add(i + L), param);
                    fold_vector::<A, O, L>(&mut a2, src.add(i + 2 * L), param);
                    fold_vector::<A, O, L>(&mut a3, src.add(i + 3 * L), param);
                    i += 4 * L;
                }
                t0 = join::<A, O, L>(t0, a0);
                t1 = join::<A, O, L>(t1, a1);
                t2 = join::<A, O, L>(t2, a2);
                t3 = join::<A, O, L>(t3, a3);
            }
            t0 = join::<A, O, L>(t0, t1);
            t2 = join::<A, O, L>(t2, t3);
            t0 = join::<A, O, L>(t0, t2);
            total = t0;
        }
        while i + L <= n {
            fold_vector::<A, O, L>(&mut total, src.add(i), param);
            i += L;
        }
        // Through memory: else the compiler arranges the loops above in pairs, as the halving below would like them.
        let mut total = std::hint::black_box(total);
        let mut half = L / 2;
        while half > 0 {
            for l in 0..half {
                total[l] = O::merge(total[l], total[l + half]);
            }
            half /= 2;
        }
        let mut s = total[0];
        if i < n {
            let mut tail = O::map(src.add(i).read_unaligned(), param);
            i += 1;
            while i < n {
                tail = O::merge(tail, O::map(src.add(i).read_unaligned(), param));
                i += 1;
            }
            s = O::merge(s, tail);
        }
        s
    }
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
    // SAFETY: rows below `rows` and columns below `width` only, as the caller promised.
    unsafe {
        for first in (0..rows).step_by(8) {
            let base = src.offset(first as isize * step);
            let count = (rows - first).min(8);
            let mut c = 0;
            while c + L <= width {
                let mut p = [O::identity(); L];
                if O::PARAM {
                    p = params.add(c).cast::<[A; L]>().read_unaligned();
                }
                let slot = acc.add(c).cast::<[A; L]>();
                let mut a = slot.read_unaligned();
                for r in 0..count {
                    let v = base.offset(r as isize * step).add(c).cast::<[A; L]>().read_unaligned();
                    for l in 0..L {
                        a[l] = O::merge(a[l], O::map(v[l], p[l]));
                    }
                }
                slot.write_unaligned(a);
                c += L;
            }
            while c < width {
                let p = if O::PARAM { params.add(c).read() } else { O::identity() };
                let mut s = acc.add(c).read();
                for r in 0..count {
                    s = O::merge(s, O::map(base.offset(r as isize * step).add(c).read_unaligned(), p));
                }
                acc.add(c).write(s);
                c += 1;
            }
        }
    }
}
