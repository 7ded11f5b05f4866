//! Where elements are true: `nonzero`, `masked_select`, `masked_scatter`.

use flambeau_types::{DType, Element, Error, Result};

use super::gather::Flat;
use super::walk::{GRAIN, Walk, by_element, by_size, load};
use crate::threads::{num_threads, parallel_for};
use crate::view::{View, ViewMut};

/// Positions looked at before what was found among them is written out.
const BLOCK: usize = 256;

/// Where each thread's share of a walk starts, and how many hits come before it.
struct Shares {
    starts: Vec<usize>,
    before: Vec<usize>,
}

impl Shares {
    /// Splits `numel` positions evenly and counts the hits of each share.
    fn new(numel: usize, count: impl Fn(std::ops::Range<usize>) -> usize + Sync) -> Shares {
        let n = if numel < 2 * GRAIN { 1 } else { num_threads() };
        let starts: Vec<usize> = (0..=n).map(|i| (numel as u128 * i as u128 / n as u128) as usize).collect();
        let counts: Vec<_> = (0..n).map(|_| std::sync::atomic::AtomicUsize::new(0)).collect();
        parallel_for(0..n, 1, |part| {
            for i in part {
                counts[i].store(count(starts[i]..starts[i + 1]), std::sync::atomic::Ordering::Relaxed);
            }
        });
        let mut before = vec![0];
        for (i, c) in counts.into_iter().enumerate() {
            before.push(before[i] + c.into_inner());
        }
        Shares { starts, before }
    }

    fn total(&self) -> usize {
        self.before[self.before.len() - 1]
    }

    /// Calls `body(range of positions, hits before it)` for each share.
    fn each(&self, body: impl Fn(std::ops::Range<usize>, usize) + Sync) {
        parallel_for(0..self.starts.len() - 1, 1, |part| {
            for i in part {
                body(self.starts[i]..self.starts[i + 1], self.before[i]);
            }
        });
    }
}

/// True for an element that is not zero; NaN is not zero.
#[inline(always)]
unsafe fn is_true<T: Element>(p: *const u8) -> bool {
    // SAFETY: promised by the caller.
    unsafe { load::<T>(p) != T::default() }
}

/// How many elements in a run are not zero.
unsafe fn count_run<T: Element>(p: *const u8, n: usize, step: isize) -> usize {
    // SAFETY: promised by the caller.
    unsafe {
        if step == size_of::<T>() as isize {
            let mut total = 0;
            let mut from = 0;
            while from < n {
                // Counts in a byte vectorise well; 255 positions cannot overflow it.
                let to = (from + 255).min(n);
                total += (from..to).map(|i| is_true::<T>(p.add(i * size_of::<T>())) as u8).fold(0, u8::wrapping_add)
                    as usize;
                from = to;
            }
            total
        } else {
            (0..n as isize).filter(|&i| is_true::<T>(p.offset(i * step))).count()
        }
    }
}

fn shares_of(x: &View) -> Shares {
    let walk = Walk::new(x.sizes(), [(x.strides(), x.dtype().size())]);
    let [step] = walk.inner();
    let count = by_element!(x.dtype(), T => count_run::<T> as unsafe fn(*const u8, usize, isize) -> usize);
    Shares::new(walk.numel(), |range| {
        let mut total = 0;
        walk.runs(range, |_, [at], n| {
            // SAFETY: the walk stays within the view.
            total += unsafe { count(x.ptr().offset(at), n, step) };
            true
        });
        total
    })
}

type FindRun = unsafe fn(*const u8, usize, isize, i64, &mut [i64; BLOCK]) -> usize;

/// Writes the positions, counted from `first`, of the elements of a run of at most `BLOCK` that are not zero.
///
/// # Safety
/// The run must lie within memory.
unsafe fn find_run<T: Element>(p: *const u8, n: usize, step: isize, first: i64, found: &mut [i64; BLOCK]) -> usize {
    let mut hits = 0;
    for i in 0..n.min(BLOCK) {
        // Written always, counted if true: no branch. `hits` is at most `i`.
        found[hits] = first + i as i64;
        // SAFETY: promised by the caller.
        hits += unsafe { is_true::<T>(p.offset(i as isize * step)) } as usize;
    }
    hits
}

/// The number of elements that are not zero.
pub fn count_nonzero(x: View) -> usize {
    shares_of(&x).total()
}

/// Writes the coordinates of the elements that are not zero, one row each in row-major order, to an i64 `out` of shape
/// (`count_nonzero(x)`, `x.ndim()`). Should `x` have changed since it was counted, what does not fit is left out.
pub fn nonzero(out: ViewMut, x: View) {
    debug_assert!(out.dtype() == DType::I64 && out.ndim() == 2 && out.sizes()[1] == x.ndim() as i64);
    let rows = out.sizes()[0] as usize;
    if rows == 0 || x.ndim() == 0 {
        return;
    }
    let shares = shares_of(&x);
    let last = x.ndim() - 1;
    let bytes = x.dtype().size();
    let inner = x.sizes()[last] as usize;
    let step = x.strides()[last] as isize * bytes as isize;
    let (rs, cs) = (out.strides()[0] as isize * 8, out.strides()[1] as isize * 8);
    let outer = Flat::new(&x.sizes()[..last], &x.strides()[..last], bytes);
    let find = by_element!(x.dtype(), T => find_run::<T> as FindRun);
    shares.each(|range, before| {
        let mut found = before;
        let mut position = range.start;
        let mut coordinates = vec![0i64; last];
        let mut buffer = [0i64; BLOCK];
        while position < range.end && found < rows {
            let (row, column) = (position / inner, position % inner);
            let n = (inner - column).min(range.end - position).min(BLOCK);
            let mut rest = row;
            for d in (0..last).rev() {
                coordinates[d] = (rest % x.sizes()[d] as usize) as i64;
                rest /= x.sizes()[d] as usize;
            }
            // SAFETY: the row and columns are within `x`; at most `rows` rows of `out` are written.
            unsafe {
                let p =
                    x.ptr().offset(if last == 0 { 0 } else { outer.offset(row as i64) }).offset(column as isize * step);
                let hits = find(p, n, step, column as i64, &mut buffer);
                let hits = hits.min(rows - found);
                let to = out.ptr().offset(found as isize * rs);
                if last == 0 && rs == 8 {
                    std::ptr::copy_nonoverlapping(buffer.as_ptr(), to.cast::<i64>(), hits);
                } else {
                    for (d, &c) in coordinates.iter().enumerate() {
                        for i in 0..hits as isize {
                            to.offset(i * rs + d as isize * cs).cast::<i64>().write_unaligned(c);
                        }
                    }
                    for (i, &c) in buffer[..hits].iter().enumerate() {
                        to.offset(i as isize * rs + last as isize * cs).cast::<i64>().write_unaligned(c);
                    }
                }
                found += hits;
            }
            position += n;
        }
    });
}

/// The elements of `x` where `mask` (bool, same shape) is true, in row-major order, to a 1-d `out` of
/// `count_nonzero(mask)` elements (`torch.masked_select`).
pub fn masked_select(out: ViewMut, x: View, mask: View) {
    debug_assert!(out.dtype() == x.dtype() && mask.dtype() == DType::Bool && mask.sizes() == x.sizes());
    let (bytes, room) = (x.dtype().size(), out.numel());
    let so = out.strides().first().map_or(0, |&s| s as isize * bytes as isize);
    let shares = shares_of(&mask);
    let walk = Walk::new(x.sizes(), [(x.strides(), bytes), (mask.strides(), 1)]);
    let [sx, sm] = walk.inner();
    by_size!(bytes, T => shares.each(|range, before| {
        let mut found = before;
        let mut buffer = [T::default(); BLOCK];
        walk.runs(range, |_, [x0, m0], n| {
            let mut from = 0;
            while from < n {
                let len = (n - from).min(BLOCK);
                // SAFETY: the walk stays within the views, and at most `room` elements are written.
                unsafe {
                    let xp = x.ptr().offset(x0 + from as isize * sx);
                    let mp = mask.ptr().offset(m0 + from as isize * sm);
                    let mut hits = 0;
                    for i in 0..len as isize {
                        buffer[hits] = xp.offset(i * sx).cast::<T>().read_unaligned();
                        hits += (*mp.offset(i * sm) != 0) as usize;
                    }
                    let hits = hits.min(room - found);
                    let to = out.ptr().offset(found as isize * so);
                    super::walk::copy_run::<T>(to, buffer.as_ptr().cast(), hits, [so, bytes as isize]);
                    found += hits;
                }
                from += len;
            }
            true
        });
    }));
}

/// Writes the elements of `source`, in row-major order, where `mask` (bool, of `x`'s shape) is true
/// (`Tensor.masked_scatter_`).
pub fn masked_scatter(x: ViewMut, mask: View, source: View) -> Result<()> {
    debug_assert!(x.dtype() == source.dtype() && mask.dtype() == DType::Bool && mask.sizes() == x.sizes());
    let (bytes, room) = (x.dtype().size(), source.numel());
    let shares = shares_of(&mask);
    if shares.total() > room {
        return Err(Error::runtime("Number of elements of source < number of ones in mask"));
    }
    let flat = Flat::new(source.sizes(), source.strides(), bytes);
    let walk = Walk::new(x.sizes(), [(x.strides(), bytes), (mask.strides(), 1)]);
    let [sx, sm] = walk.inner();
    if room == 0 {
        return Ok(());
    }
    let run = by_size!(bytes, T => scatter_run::<T> as ScatterRun);
    shares.each(|range, before| {
        let mut next = before;
        walk.runs(range, |_, [x0, m0], n| {
            // SAFETY: the walk stays within the views, and `next` is checked against the source's length.
            unsafe {
                next = run(x.ptr().offset(x0), mask.ptr().offset(m0), n, [sx, sm], source.ptr(), next, room, &flat);
            }
            true
        });
    });
    Ok(())
}

type ScatterRun = unsafe fn(*mut u8, *const u8, usize, [isize; 2], *const u8, usize, usize, &Flat) -> usize;

/// One run of [`masked_scatter`], from element `next` of the source on; returns the next one after it.
///
/// # Safety
/// The runs must lie within memory, as must the `room` (at least 1) elements of the source.
unsafe fn scatter_run<T: Copy>(
    x: *mut u8,
    mask: *const u8,
    n: usize,
    [sx, sm]: [isize; 2],
    source: *const u8,
    mut next: usize,
    room: usize,
    flat: &Flat,
) -> usize {
    let step = flat.step();
    for i in 0..n as isize {
        // SAFETY: promised by the caller.
        unsafe {
            let hit = *mask.offset(i * sm) != 0 && next < room;
            let at = next.min(room - 1);
            let from = match step {
                Some(step) => at as isize * step,
                None => flat.offset(at as i64),
            };
            let to = x.offset(i * sx).cast::<T>();
            // Chosen by pointer rather than by branch: masks are hard to predict.
            let chosen = std::hint::select_unpredictable(hit, source.offset(from).cast::<T>(), to.cast_const());
            to.write_unaligned(chosen.read_unaligned());
            next += hit as usize;
        }
    }
    next
}
