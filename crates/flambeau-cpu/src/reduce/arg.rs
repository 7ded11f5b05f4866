//! Where the greatest or the smallest element is: the first such index; NaN beats every number.

use std::mem::MaybeUninit;

use flambeau_types::DType;
use smallvec::SmallVec;

use super::Address;
use super::convert::{Load, load};
use super::kernel::{Acc, Kernel, Op};
use super::ops::{Max, Min};
use crate::math::{Level, level};
use crate::threads::parallel_for;
use crate::{View, ViewMut};

const GRAIN: usize = 1 << 17;
const CHUNK: usize = 1024;
const SEGMENT: usize = 1 << 16;
const WIDTH: usize = 256;

/// The greatest (or smallest) elements along `dim` and their first indices; both outputs have length 1 there. NaN wins.
/// Callers refuse an empty `dim`.
pub fn min_max_with_index(values: &mut ViewMut, indices: &mut ViewMut, x: View, dim: usize, is_max: bool) {
    dispatch(Some(values), indices, x, Some(dim), is_max)
}

/// The first index of the greatest element along `dim`, or of the row-major sequence of all elements.
pub fn argmax(out: &mut ViewMut, x: View, dim: Option<usize>) {
    dispatch(None, out, x, dim, true)
}

/// The first index of the smallest element along `dim`, or of the row-major sequence of all elements.
pub fn argmin(out: &mut ViewMut, x: View, dim: Option<usize>) {
    dispatch(None, out, x, dim, false)
}

fn dispatch(values: Option<&mut ViewMut>, indices: &mut ViewMut, x: View, dim: Option<usize>, is_max: bool) {
    debug_assert!(!x.dtype().is_complex() && indices.dtype() == DType::I64);
    match x.dtype() {
        DType::Bool | DType::U8 | DType::I8 | DType::I16 | DType::I32 => {
            pick::<i32>(values, indices, x, dim, is_max, DType::I32)
        }
        DType::I64 => pick::<i64>(values, indices, x, dim, is_max, DType::I64),
        DType::F64 => pick::<f64>(values, indices, x, dim, is_max, DType::F64),
        _ => pick::<f32>(values, indices, x, dim, is_max, DType::F32),
    }
}

fn pick<A: Acc + PartialOrd>(
    values: Option<&mut ViewMut>,
    indices: &mut ViewMut,
    x: View,
    dim: Option<usize>,
    is_max: bool,
    own: DType,
) where
    Max: Op<A>,
    Min: Op<A>,
    super::convert::B8: super::convert::To<A>,
    u8: super::convert::To<A>,
    i8: super::convert::To<A>,
    i16: super::convert::To<A>,
    i32: super::convert::To<A>,
    i64: super::convert::To<A>,
    super::convert::H16: super::convert::To<A>,
    super::convert::BF: super::convert::To<A>,
    f32: super::convert::To<A>,
    f64: super::convert::To<A>,
    flambeau_types::Complex32: super::convert::To<A>,
    flambeau_types::Complex64: super::convert::To<A>,
{
    let lines = Lines::<A> {
        base: x.ptr(),
        size: x.dtype().size(),
        load: load::<A>(x.dtype()),
        direct: x.dtype() == own,
        extreme: if is_max { A::kernel::<Max>() } else { A::kernel::<Min>() },
        is_max,
    };
    match dim {
        Some(d) if x.ndim() > 0 => along(&lines, values, indices, &x, d),
        _ => whole(&lines, values, indices, &x),
    }
}

/// True if `v` replaces `best`: it is further out, or the first NaN.
#[allow(clippy::eq_op)]
#[inline(always)]
fn beats<A: PartialOrd>(v: A, best: A, is_max: bool) -> bool {
    (if is_max { v > best } else { v < best }) | ((v != v) & (best == best))
}

struct Lines<A> {
    base: *const u8,
    size: usize,
    load: Load<A>,
    direct: bool,
    extreme: Kernel<A>,
    is_max: bool,
}

// SAFETY: only reads, of memory that the view's maker promised nobody writes.
unsafe impl<A> Sync for Lines<A> {}

impl<A: Acc + PartialOrd> Lines<A> {
    fn at(&self, offset: isize) -> *const u8 {
        self.base.wrapping_offset(offset * self.size as isize)
    }

    /// The extreme of `n > 0` elements from `x` on, `step` apart, and its first index.
    fn line(&self, x: isize, step: isize, n: usize) -> (A, usize) {
        let mut buffer = [const { MaybeUninit::<A>::uninit() }; CHUNK];
        let chunk = |from: usize, buffer: &mut [MaybeUninit<A>; CHUNK]| -> (*const A, usize) {
            let take = (n - from).min(CHUNK);
            let src = self.at(x + from as isize * step);
            if self.direct && step == 1 {
                return (src.cast(), take);
            }
            // SAFETY: elements of the view; the buffer has room.
            unsafe { (self.load)(src, step, take, buffer.as_mut_ptr().cast()) };
            (buffer.as_ptr().cast(), take)
        };
        let mut best = None;
        let mut from = 0;
        while from < n {
            let (p, take) = chunk(from, &mut buffer);
            // SAFETY: `chunk` made `take` readable values.
            let v = unsafe { (self.extreme.run)(p, take, self.extreme.identity) };
            match best {
                Some((b, _)) if !beats(v, b, self.is_max) => {}
                _ => best = Some((v, from)),
            }
            from += take;
        }
        let Some((value, from)) = best else { return (self.extreme.identity, 0) };
        let (p, take) = chunk(from, &mut buffer);
        // SAFETY: as above.
        let i = unsafe { find(p, take, value) };
        // The element itself: a zero found by comparison may have the other sign.
        // SAFETY: `find` gives an index below `take`.
        (unsafe { p.add(i).read_unaligned() }, from + i)
    }

    /// `line`, cut between threads if long.
    fn long_line(&self, x: isize, step: isize, n: usize) -> (A, usize) {
        if n <= 2 * SEGMENT {
            return self.line(x, step, n);
        }
        let cuts = n.div_ceil(SEGMENT);
        let mut parts = vec![(self.extreme.identity, 0); cuts];
        let to = std::sync::atomic::AtomicPtr::new(parts.as_mut_ptr());
        parallel_for(0..cuts, GRAIN.div_ceil(SEGMENT), |range| {
            for c in range {
                let from = c * SEGMENT;
                let (v, i) = self.line(x + from as isize * step, step, SEGMENT.min(n - from));
                // SAFETY: each cut is written by one thread.
                unsafe { to.load(std::sync::atomic::Ordering::Relaxed).add(c).write((v, from + i)) };
            }
        });
        self.first_best(parts)
    }

    fn first_best(&self, parts: impl IntoIterator<Item = (A, usize)>) -> (A, usize) {
        let best = parts.into_iter().reduce(|b, p| if beats(p.0, b.0, self.is_max) { p } else { b });
        best.unwrap_or((self.extreme.identity, 0))
    }
}

/// The first index of `value` (or of NaN, if it is one) among `n`; 0 if it is absent.
///
/// # Safety
/// `p` must be readable for `n` values.
unsafe fn find<A: Copy + PartialOrd>(p: *const A, n: usize, value: A) -> usize {
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
    unsafe fn fast<A: Copy + PartialOrd>(p: *const A, n: usize, value: A) -> usize {
        // SAFETY: forwarded.
        unsafe { body(p, n, value) }
    }
    #[allow(clippy::eq_op)]
    #[inline(always)]
    unsafe fn body<A: Copy + PartialOrd>(p: *const A, n: usize, value: A) -> usize {
        let nan = value != value;
        let hit = |v: A| (v == value) | (nan & (v != v));
        let mut i = 0;
        while i + 32 <= n {
            // SAFETY: 32 values from `i` on are within `n`.
            let block = unsafe { p.add(i).cast::<[A; 32]>().read_unaligned() };
            if block.iter().fold(false, |any, &v| any | hit(v)) {
                break;
            }
            i += 32;
        }
        // SAFETY: below `n`.
        (i..n).find(|&i| hit(unsafe { p.add(i).read_unaligned() })).unwrap_or(0)
    }
    // SAFETY: forwarded; the processor has the instructions.
    unsafe { if level() >= Level::Avx2 { fast(p, n, value) } else { body(p, n, value) } }
}

/// Over all elements in row-major order.
fn whole<A: Acc + PartialOrd>(lines: &Lines<A>, values: Option<&mut ViewMut>, indices: &mut ViewMut, x: &View) {
    let (sizes, strides) = (x.sizes(), x.strides());
    let (v, i) = if x.is_contiguous() {
        lines.long_line(0, 1, x.numel())
    } else {
        let n = sizes[sizes.len() - 1] as usize;
        let step = strides[sizes.len() - 1] as isize;
        let outer = x.numel() / n.max(1);
        lines.first_best((0..outer).map(|o| {
            let (mut rest, mut at) = (o, 0);
            for d in (0..sizes.len() - 1).rev() {
                at += (rest % sizes[d] as usize) as isize * strides[d] as isize;
                rest /= sizes[d] as usize;
            }
            let (v, i) = lines.line(at, step, n);
            (v, o * n + i)
        }))
    };
    // SAFETY: the outputs have one element.
    unsafe {
        if let Some(values) = values {
            v.put(values.dtype(), values.ptr());
        }
        indices.ptr().cast::<i64>().write_unaligned(i as i64);
    }
}

/// Along one dimension.
fn along<A: Acc + PartialOrd>(
    lines: &Lines<A>,
    mut values: Option<&mut ViewMut>,
    indices: &mut ViewMut,
    x: &View,
    dim: usize,
) {
    let (n, step) = (x.sizes()[dim] as usize, x.strides()[dim] as isize);
    // The other dimensions, the one with the smallest step first.
    let mut kept: SmallVec<[usize; 6]> = (0..x.ndim()).filter(|&d| d != dim && x.sizes()[d] != 1).collect();
    kept.sort_by_key(|&d| match x.strides()[d] {
        0 => u64::MAX,
        s => s.unsigned_abs(),
    });
    let outputs: usize = kept.iter().map(|&d| x.sizes()[d] as usize).product();
    if outputs == 0 || n == 0 {
        return;
    }
    let value_strides = values.as_ref().map_or(indices.strides(), |v| v.strides());
    let index_strides = indices.strides();
    let offsets = |skip: usize, mut i: usize| {
        let (mut at, mut v, mut k) = (0, 0, 0);
        for &d in &kept[skip..] {
            let j = (i % x.sizes()[d] as usize) as isize;
            i /= x.sizes()[d] as usize;
            at += j * x.strides()[d] as isize;
            v += j * value_strides[d] as isize;
            k += j * index_strides[d] as isize;
        }
        (at, v, k)
    };
    let to_values = values.as_mut().map(|v| (v.dtype(), v.dtype().size(), Address::of(v)));
    let to_indices = Address::of(indices);
    let emit = |v_at: isize, i_at: isize, v: A, i: usize| {
        // SAFETY: offsets made from the outputs' own strides; each output is written once.
        unsafe {
            if let Some((dtype, size, to)) = to_values {
                v.put(dtype, to.at(v_at, size));
            }
            to_indices.at(i_at, 8).cast::<i64>().write_unaligned(i as i64);
        }
    };
    let inner = kept.first().copied().filter(|&d| x.strides()[d] != 0 && x.strides()[d].abs() < step.abs() as i64);
    match inner {
        Some(d) if n < u32::MAX as usize && x.sizes()[d] >= 4 => {
            let (size, inner_step) = (x.sizes()[d] as usize, x.strides()[d] as isize);
            let strips = size.div_ceil(WIDTH);
            let width = size.div_ceil(strips).next_multiple_of(16).min(WIDTH);
            let strips = size.div_ceil(width);
            let grain = (GRAIN / (n * width)).max(1);
            parallel_for(0..outputs / size * strips, grain, |range| {
                for t in range {
                    let (at, v, k) = offsets(1, t / strips);
                    let from = t % strips * width;
                    let w = width.min(size - from);
                    let mut best = [lines.extreme.identity; WIDTH];
                    let mut index = [0u32; WIDTH];
                    // SAFETY: `w` columns of `n` rows of the view.
                    unsafe {
                        strip(lines, at + from as isize * inner_step, inner_step, step, n, w, &mut best, &mut index)
                    };
                    for c in 0..w {
                        let o = (from + c) as isize;
                        emit(
                            v + o * value_strides[d] as isize,
                            k + o * index_strides[d] as isize,
                            best[c],
                            index[c] as usize,
                        );
                    }
                }
            });
        }
        _ if outputs == 1 => {
            let (v, i) = lines.long_line(0, step, n);
            emit(0, 0, v, i);
        }
        _ => parallel_for(0..outputs, (GRAIN / n.max(4)).max(1), |range| {
            for o in range {
                let (at, v_at, k) = offsets(0, o);
                let (v, i) = lines.line(at, step, n);
                emit(v_at, k, v, i);
            }
        }),
    }
}

/// The extremes of `w` columns over `n` rows.
///
/// # Safety
/// Rows `step` apart of columns `inner` apart from offset `x` on must belong to the view.
unsafe fn strip<A: Acc + PartialOrd>(
    lines: &Lines<A>,
    x: isize,
    inner: isize,
    step: isize,
    n: usize,
    w: usize,
    best: &mut [A; WIDTH],
    index: &mut [u32; WIDTH],
) {
    let mut chunk = [const { MaybeUninit::<A>::uninit() }; 8 * WIDTH];
    let chunk = chunk.as_mut_ptr().cast::<A>();
    let direct = lines.direct && inner == 1;
    // SAFETY: elements of the view, room for eight rows in the chunk, and `w <= WIDTH`.
    unsafe {
        (lines.load)(lines.at(x), inner, w, best.as_mut_ptr());
        let mut r = 1;
        while r < n {
            let take = (n - r).min(8);
            let (src, src_step) = if direct {
                (lines.at(x + r as isize * step).cast(), step)
            } else {
                for k in 0..take {
                    (lines.load)(lines.at(x + (r + k) as isize * step), inner, w, chunk.add(k * w));
                }
                (chunk.cast_const(), w as isize)
            };
            let rows = match (level(), lines.is_max) {
                (Level::Avx512, true) => rows_512::<A, true>,
                (Level::Avx512, false) => rows_512::<A, false>,
                (Level::Avx2, true) => rows_256::<A, true>,
                (Level::Avx2, false) => rows_256::<A, false>,
                (_, true) => rows::<A, true>,
                (_, false) => rows::<A, false>,
            };
            rows(best.as_mut_ptr(), index.as_mut_ptr(), src, src_step, r as u32, take, w);
            r += take;
        }
    }
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"))]
unsafe fn rows_512<A: Copy + PartialOrd, const MAX: bool>(
    best: *mut A,
    index: *mut u32,
    src: *const A,
    step: isize,
    first: u32,
    count: usize,
    w: usize,
) {
    // SAFETY: forwarded.
    unsafe { rows::<A, MAX>(best, index, src, step, first, count, w) }
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
unsafe fn rows_256<A: Copy + PartialOrd, const MAX: bool>(
    best: *mut A,
    index: *mut u32,
    src: *const A,
    step: isize,
    first: u32,
    count: usize,
    w: usize,
) {
    // SAFETY: forwarded.
    unsafe { rows::<A, MAX>(best, index, src, step, first, count, w) }
}

/// Compares rows `first..first + count` with the best so far, column by column.
#[inline(always)]
unsafe fn rows<A: Copy + PartialOrd, const MAX: bool>(
    best: *mut A,
    index: *mut u32,
    src: *const A,
    step: isize,
    first: u32,
    count: usize,
    w: usize,
) {
    const L: usize = 16;
    // SAFETY: columns below `w` and rows below `count`, as the caller promised.
    unsafe {
        let mut c = 0;
        while c + L <= w {
            let mut b = best.add(c).cast::<[A; L]>().read_unaligned();
            let mut i = index.add(c).cast::<[u32; L]>().read_unaligned();
            for r in 0..count {
                let v = src.offset(r as isize * step).add(c).cast::<[A; L]>().read_unaligned();
                let row = first + r as u32;
                for l in 0..L {
                    let take = beats(v[l], b[l], MAX);
                    b[l] = if take { v[l] } else { b[l] };
                    i[l] = if take { row } else { i[l] };
                }
            }
            best.add(c).cast::<[A; L]>().write_unaligned(b);
            index.add(c).cast::<[u32; L]>().write_unaligned(i);
            c += L;
        }
        while c < w {
            for r in 0..count {
                let v = src.offset(r as isize * step).add(c).read_unaligned();
                if beats(v, best.add(c).read(), MAX) {
                    best.add(c).write(v);
                    index.add(c).write(first + r as u32);
                }
            }
            c += 1;
        }
    }
}
