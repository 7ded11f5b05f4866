//! Sums in the order in which PyTorch adds them up (its `cascade_sum`), so that they round alike: vectors of `L` elements go
//! round four accumulators, or lie side by side in four; these join those of a level above after every sixteenth round.

use super::kernel::{Acc, Op};

/// Vectors of accumulators on each level.
const WAYS: usize = 4;
const LEVELS: usize = 4;

/// Vectors of accumulators.
type Ways<A, const L: usize> = [[A; L]; WAYS];

/// Folds a contiguous run.
///
/// # Safety
/// `src` must be readable for `n` elements (at any alignment).
#[inline(always)]
pub(super) unsafe fn run<A: Acc, O: Op<A>, const L: usize>(src: *const A, n: usize) -> A {
    // SAFETY: indices stay below `n`.
    unsafe {
        if n < L {
            return round_robin::<A, O, 1>(src, 1, n)[0];
        }
        let vectors = n / L;
        // Through memory: else the compiler arranges the loops by lanes, as the sum of them would like it.
        let lanes = std::hint::black_box(round_robin::<A, O, L>(src, L as isize, vectors));
        let mut s = O::identity();
        for i in vectors * L..n {
            s = O::merge(s, element::<A, O>(src.add(i)));
        }
        lanes.into_iter().fold(s, O::merge)
    }
}

/// Folds `width` adjacent columns over `rows` rows, `step` elements apart: if the rows are `all` there is to fold, four vectors
/// of columns at a time; otherwise, and for columns left over, the rows go round the accumulators.
///
/// # Safety
/// The rows must be readable and `out` writable for `width` elements.
#[inline(always)]
pub(super) unsafe fn columns<A: Acc, O: Op<A>, const L: usize>(
    out: *mut A,
    src: *const A,
    step: isize,
    rows: usize,
    width: usize,
    all: bool,
) {
    let mut at = 0;
    // SAFETY: columns below `width`.
    unsafe {
        if width < L {
            while all && at + WAYS <= width {
                let ways = cascade::<A, O, 1>(src.add(at), step, 1, rows);
                out.add(at).cast::<Ways<A, 1>>().write_unaligned(ways);
                at += WAYS;
            }
        }
        while all && at + WAYS * L <= width {
            let ways = cascade::<A, O, L>(src.add(at), step, L as isize, rows);
            out.add(at).cast::<Ways<A, L>>().write_unaligned(ways);
            at += WAYS * L;
        }
        while at + L <= width {
            let lanes = round_robin::<A, O, L>(src.add(at), step, rows);
            out.add(at).cast::<[A; L]>().write_unaligned(lanes);
            at += L;
        }
        while at < width {
            out.add(at).write(round_robin::<A, O, 1>(src.add(at), step, rows)[0]);
            at += 1;
        }
    }
}

/// Folds `n` vectors, `step` elements apart, lane by lane: in turn onto four accumulators, which are joined at the end.
///
/// # Safety
/// The vectors must be readable.
#[inline(always)]
unsafe fn round_robin<A: Acc, O: Op<A>, const L: usize>(src: *const A, step: isize, n: usize) -> [A; L] {
    let rounds = n / WAYS;
    // SAFETY: vectors below `n`.
    unsafe {
        let mut ways = cascade::<A, O, L>(src, WAYS as isize * step, step, rounds);
        for i in rounds * WAYS..n {
            fold_vector::<A, O, L>(&mut ways[0], src.offset(i as isize * step));
        }
        let [first, rest @ ..] = ways;
        rest.into_iter().fold(first, join::<A, O, L>)
    }
}

/// Folds rounds of four vectors onto four accumulators: the vectors are `way` elements apart, the rounds `step`.
///
/// # Safety
/// The vectors must be readable.
#[inline(always)]
unsafe fn cascade<A: Acc, O: Op<A>, const L: usize>(
    src: *const A,
    step: isize,
    way: isize,
    rounds: usize,
) -> Ways<A, L> {
    let none = [[O::identity(); L]; WAYS];
    // SAFETY: rounds below `rounds`.
    unsafe {
        if rounds < 16 {
            return fold_rounds::<A, O, L>(src, step, way, rounds);
        }
        let power = (rounds.next_power_of_two().trailing_zeros() as usize / LEVELS).max(4);
        let together = 1 << power;
        // What has joined level 1 and those above it.
        let mut levels = [none; LEVELS - 1];
        let mut i = 0;
        while i + together <= rounds {
            let low = fold_rounds::<A, O, L>(src.offset(i as isize * step), step, way, together);
            i += together;
            levels[0] = join_ways::<A, O, L>(levels[0], low);
            for j in 1..levels.len() {
                if i & (together - 1) << (j * power) != 0 {
                    break;
                }
                levels[j] = join_ways::<A, O, L>(levels[j], levels[j - 1]);
                levels[j - 1] = none;
            }
        }
        let low = fold_rounds::<A, O, L>(src.offset(i as isize * step), step, way, rounds - i);
        levels.into_iter().fold(low, join_ways::<A, O, L>)
    }
}

/// [`cascade`] on one level.
///
/// # Safety
/// As there.
#[inline(always)]
unsafe fn fold_rounds<A: Acc, O: Op<A>, const L: usize>(
    src: *const A,
    step: isize,
    way: isize,
    rounds: usize,
) -> Ways<A, L> {
    let mut ways = [[O::identity(); L]; WAYS];
    for i in 0..rounds as isize {
        for (w, acc) in ways.iter_mut().enumerate() {
            // SAFETY: forwarded.
            unsafe { fold_vector::<A, O, L>(acc, src.offset(i * step + w as isize * way)) };
        }
    }
    ways
}

#[inline(always)]
unsafe fn element<A: Acc, O: Op<A>>(p: *const A) -> A {
    // SAFETY: forwarded. Sums have no parameter.
    O::map(unsafe { p.read_unaligned() }, O::identity())
}

#[inline(always)]
unsafe fn fold_vector<A: Acc, O: Op<A>, const L: usize>(acc: &mut [A; L], p: *const A) {
    // SAFETY: forwarded.
    let v = unsafe { p.cast::<[A; L]>().read_unaligned() };
    for l in 0..L {
        acc[l] = O::merge(acc[l], O::map(v[l], O::identity()));
    }
}

// Functions, not closures: those would be compiled without the caller's instruction set unless they happened to be inlined.
#[inline(always)]
fn join<A: Acc, O: Op<A>, const L: usize>(mut a: [A; L], b: [A; L]) -> [A; L] {
    for l in 0..L {
        a[l] = O::merge(a[l], b[l]);
    }
    a
}

#[inline(always)]
fn join_ways<A: Acc, O: Op<A>, const L: usize>(mut a: Ways<A, L>, b: Ways<A, L>) -> Ways<A, L> {
    for w in 0..WAYS {
        a[w] = join::<A, O, L>(a[w], b[w]);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::super::ops::Sum;
    use super::*;

    fn numbers(n: usize) -> Vec<f32> {
        (0..n).map(|i| (i * 37 % 101) as f32 / 7.0 - 7.0).collect()
    }

    #[test]
    fn runs_round_as_pytorch_does() {
        // `((torch.arange(n) * 37 % 101).float() / 7 - 7).sum()` of PyTorch 2.15 with AVX2.
        let sums: [(usize, f32); 5] =
            [(5, -11.0), (27, -7.428571), (100, 12.285716), (1000, 144.28572), (3000, 431.42856)];
        for (n, sum) in sums {
            // SAFETY: there are n numbers.
            assert_eq!(unsafe { run::<f32, Sum, 8>(numbers(n).as_ptr(), n) }, sum, "{n}");
        }
        assert_ne!(numbers(1000).iter().sum::<f32>(), sums[3].1, "one after another gives the same here");
    }

    #[test]
    fn columns_round_as_pytorch_does() {
        // The same numbers as 40 rows of 45, summed over dimension 0: of each kind of columns one.
        let x = numbers(40 * 45);
        let mut out = [0f32; 45];
        // SAFETY: 40 rows of 45 numbers.
        unsafe { columns::<f32, Sum, 8>(out.as_mut_ptr(), x.as_ptr(), 45, 40, 45, true) };
        let bits = [0, 32, 40].map(|c| out[c].to_bits());
        assert_eq!(bits, [0x41692492, 0xbf924938, 0x40092480]);
    }
}
