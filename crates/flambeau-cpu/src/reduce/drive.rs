//! Runs a kernel over a plan: picks horizontal or vertical folding, gathers what is not contiguous, splits for threads.
//!
//! How the work is cut depends on shapes only, never on the number of threads, so neither do results.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use smallvec::SmallVec;

use super::convert::Load;
use super::kernel::{Acc, Kernel};
use super::plan::{Folded, Kept, Plan};
use crate::threads::parallel_for;

/// Elements (at cost 1) that are worth a thread.
const GRAIN: usize = 1 << 18;
/// Elements folded in one go when a long range is cut for threads.
const SEGMENT: usize = 1 << 16;
/// Elements gathered at a time when they are not contiguous or need conversion.
const CHUNK: usize = 512;
/// Columns folded together in a vertical reduction.
const WIDTH: usize = 512;
/// Elements up to which sums are made in PyTorch's order. For more, speed counts for more than agreeing in the last bit.
const ORDERED: usize = 1 << 18;
/// With fewer outputs than this, long ranges are cut.
const FEW: usize = 16;

/// Where the elements of a reduction are and how they are read.
pub(crate) struct Source<A> {
    pub base: *const u8,
    /// Bytes an element takes.
    pub size: usize,
    pub load: Load<A>,
    /// True if elements can be used where they lie: they are `A` already and need no change.
    pub direct: bool,
}

// SAFETY: only reads, of memory that the view's maker promised nobody writes.
unsafe impl<A> Sync for Source<A> {}

impl<A> Source<A> {
    #[inline]
    fn at(&self, offset: isize) -> *const u8 {
        self.base.wrapping_offset(offset * self.size as isize)
    }
}

/// A second look at the elements, with a parameter for each output made from the first.
pub(crate) struct Second<'a, A> {
    /// The parameter made of the first result.
    pub param: &'a (dyn Fn(A) -> A + Sync),
    pub kernel: Kernel<A>,
}

/// Receives, for each output, its offsets, the parameter of the second pass and the result.
pub(crate) type Emit<'a, A> = &'a (dyn Fn([isize; 2], A, A) + Sync);

/// Receives the results of outputs that lie side by side, from an offset on.
pub(crate) type EmitRun<'a, A> = &'a (dyn Fn(isize, &[A]) + Sync);

/// A reduction ready to run. `param` is the parameter of the first pass.
pub(crate) struct Job<'a, A> {
    pub plan: &'a Plan,
    pub source: Source<A>,
    pub param: A,
    pub first: Kernel<A>,
    pub second: Option<Second<'a, A>>,
    pub emit: Emit<'a, A>,
    /// A quicker form of `emit` where many results go side by side.
    pub emit_run: Option<EmitRun<'a, A>>,
}

/// Joins partial results in pairs, so that errors grow with the logarithm of their number.
struct Cascade<A> {
    levels: [MaybeUninit<A>; 48],
    count: u64,
}

impl<A: Copy> Cascade<A> {
    #[inline]
    fn new() -> Cascade<A> {
        Cascade { levels: [const { MaybeUninit::uninit() }; 48], count: 0 }
    }

    #[inline]
    fn push(&mut self, mut value: A, merge: fn(A, A) -> A) {
        let mut level = 0;
        while self.count >> level & 1 == 1 {
            // SAFETY: level `i` holds a value exactly when bit `i` of the count is set.
            value = merge(unsafe { self.levels[level].assume_init() }, value);
            level += 1;
        }
        self.levels[level] = MaybeUninit::new(value);
        self.count += 1;
    }

    #[inline]
    fn finish(&self, identity: A, merge: fn(A, A) -> A) -> A {
        let mut result = None;
        for level in 0..64 - self.count.leading_zeros() as usize {
            if self.count >> level & 1 == 1 {
                // SAFETY: as in `push`.
                let value = unsafe { self.levels[level].assume_init() };
                result = Some(match result {
                    Some(r) => merge(value, r),
                    None => value,
                });
            }
        }
        result.unwrap_or(identity)
    }
}

impl<A: Acc> Job<'_, A> {
    /// Runs it.
    pub fn run(&self) {
        let plan = self.plan;
        if plan.outputs == 0 {
            return;
        }
        if plan.outputs == 1 && self.source.direct && plan.count <= SEGMENT && self.second.is_none() {
            // The common small case: one contiguous run into one number.
            if let [] | [Folded { step: 1, .. }] = plan.folded[..] {
                // SAFETY: the plan was made from the view's own sizes and strides.
                let r = unsafe { (self.first.run)(self.source.base.cast(), plan.count, self.param) };
                return (self.emit)([0, 0], self.param, r);
            }
        }
        if plan.is_vertical() {
            if !self.narrow() && !self.in_order() {
                self.vertical();
            }
        } else if !self.in_order() {
            self.horizontal();
        }
    }

    /// The folds in PyTorch's order, if the operation asks for it: runs or columns along the dimensions that lie closest
    /// together, added one after another along the others. False if nothing was done.
    fn in_order(&self) -> bool {
        let (plan, first) = (self.plan, &self.first);
        let Some(columns) = first.columns else { return false };
        let Some(row) = plan.folded.first() else { return false };
        let n = plan.count * plan.outputs;
        let (vertical, direct) = (plan.is_vertical(), self.source.direct && self.second.is_none());
        let side = if vertical { plan.kept[0].step } else { row.step };
        // Single runs are folded so by `horizontal` too.
        if !direct || side != 1 || n == 0 || n > ORDERED || (!vertical && plan.folded.len() == 1) {
            return false;
        }
        let turns = plan.count / row.size;
        let width = if vertical { plan.kept[0].size } else { 1 };
        let mut part: SmallVec<[A; 64]> = SmallVec::from_elem(first.identity, width);
        let mut total = part.clone();
        let params: SmallVec<[A; 64]> = SmallVec::from_elem(self.param, if vertical { width } else { 0 });
        for k in 0..plan.outputs / width {
            let (x, out) = plan.kept_offset(vertical as usize, k);
            for turn in 0..turns {
                let from = self.source.at(x + plan.folded_offset(turn)).cast::<A>();
                let to = if turn == 0 { &mut total } else { &mut part };
                // SAFETY: elements of the view; both buffers have `width` places.
                unsafe {
                    match vertical {
                        true => columns(to.as_mut_ptr(), from, row.step, row.size, width, plan.folded.len() == 1),
                        false => to[0] = (first.run)(from, row.size, self.param),
                    }
                    if turn > 0 {
                        (first.join)(total.as_mut_ptr(), part.as_ptr(), width);
                    }
                }
            }
            match vertical {
                true => self.emit_strip(out, 0, &params, &total),
                false => (self.emit)(out, self.param, total[0]),
            }
        }
        true
    }

    fn cost(&self) -> usize {
        self.first.cost + self.second.as_ref().map_or(0, |s| s.kernel.cost)
    }

    fn horizontal(&self) {
        let (plan, n) = (self.plan, self.plan.count);
        if plan.outputs < FEW && n > 2 * SEGMENT {
            return self.horizontal_cut();
        }
        let grain = (GRAIN / (n.max(4) * self.cost())).max(1);
        parallel_for(0..plan.outputs, grain, |range| {
            let mut buffer = [const { MaybeUninit::uninit() }; CHUNK];
            for k in range {
                let (x, out) = plan.kept_offset(0, k);
                let mut param = self.param;
                let mut r = self.fold(x, 0..n, &self.first, param, &mut buffer);
                if let Some(second) = &self.second {
                    param = (second.param)(r);
                    r = self.fold(x, 0..n, &second.kernel, param, &mut buffer);
                }
                (self.emit)(out, param, r);
            }
        });
    }

    /// Few outputs over long ranges: the ranges are cut in segments.
    fn horizontal_cut(&self) {
        let (plan, n) = (self.plan, self.plan.count);
        let cuts = n.div_ceil(SEGMENT);
        let pass = |kernel: &Kernel<A>, params: &[A]| -> SmallVec<[A; FEW]> {
            let mut partial = vec![kernel.identity; plan.outputs * cuts];
            let to = AtomicPtr::new(partial.as_mut_ptr());
            parallel_for(0..partial.len(), (GRAIN / (SEGMENT * kernel.cost)).max(1), |range| {
                let mut buffer = [const { MaybeUninit::uninit() }; CHUNK];
                for t in range {
                    let (k, cut) = (t / cuts, t % cuts);
                    let (x, _) = plan.kept_offset(0, k);
                    let span = cut * SEGMENT..((cut + 1) * SEGMENT).min(n);
                    let r = self.fold(x, span, kernel, params[k], &mut buffer);
                    // SAFETY: each `t` is written by one thread, within the vector.
                    unsafe { to.load(Relaxed).add(t).write(r) };
                }
            });
            let join = |parts: &[A]| {
                let mut c = Cascade::new();
                parts.iter().for_each(|&p| c.push(p, kernel.merge));
                c.finish(kernel.identity, kernel.merge)
            };
            partial.chunks(cuts).map(join).collect()
        };
        let mut params: SmallVec<[A; FEW]> = SmallVec::from_elem(self.param, plan.outputs);
        let mut results = pass(&self.first, &params);
        if let Some(second) = &self.second {
            for (p, r) in params.iter_mut().zip(&results) {
                *p = (second.param)(*r);
            }
            results = pass(&second.kernel, &params);
        }
        for (k, (p, r)) in params.iter().zip(&results).enumerate() {
            (self.emit)(plan.kept_offset(0, k).1, *p, *r);
        }
    }

    /// Folds the elements `span` (counted through the folded dimensions) of the output whose first element is at `x`.
    #[inline]
    fn fold(
        &self,
        x: isize,
        span: std::ops::Range<usize>,
        kernel: &Kernel<A>,
        param: A,
        buffer: &mut [MaybeUninit<A>; CHUNK],
    ) -> A {
        let (s, dims) = (&self.source, &self.plan.folded[..]);
        if s.direct && span.len() <= SEGMENT {
            let step = match dims {
                [] => Some(0),
                [d] if d.step == 1 => Some(1),
                _ => None,
            };
            if let Some(step) = step {
                let from = s.at(x + step * span.start as isize);
                // SAFETY: these elements belong to the view.
                return unsafe { (kernel.run)(from.cast(), span.len(), param) };
            }
        }
        self.fold_pieces(x, span, kernel, param, buffer)
    }

    /// The general case of `fold`.
    fn fold_pieces(
        &self,
        x: isize,
        span: std::ops::Range<usize>,
        kernel: &Kernel<A>,
        param: A,
        buffer: &mut [MaybeUninit<A>; CHUNK],
    ) -> A {
        let s = &self.source;
        let single = [Folded { size: 1, step: 0 }];
        let dims: &[Folded] = if self.plan.folded.is_empty() { &single } else { &self.plan.folded };
        let mut cascade = Cascade::new();
        // The position in each folded dimension.
        let mut index: SmallVec<[usize; 6]> = SmallVec::new();
        let (mut rest, mut at) = (span.start, x);
        for d in dims {
            index.push(rest % d.size.max(1));
            rest /= d.size.max(1);
            at += *index.last().unwrap_or(&0) as isize * d.step;
        }
        let mut left = span.len();
        let mut filled = 0;
        while left > 0 {
            let mut n = (dims[0].size - index[0]).min(left);
            left -= n;
            let mut from = at;
            if s.direct && dims[0].step == 1 && n >= CHUNK / 2 {
                while n > 0 {
                    let take = n.min(SEGMENT);
                    // SAFETY: these elements belong to the view.
                    cascade.push(unsafe { (kernel.run)(s.at(from).cast(), take, param) }, kernel.merge);
                    from += take as isize;
                    n -= take;
                }
            }
            while n > 0 {
                let take = n.min(CHUNK - filled);
                // SAFETY: reads elements of the view, writes within the buffer.
                unsafe { (s.load)(s.at(from), dims[0].step, take, buffer.as_mut_ptr().add(filled).cast()) };
                from += take as isize * dims[0].step;
                n -= take;
                filled += take;
                if filled == CHUNK {
                    // SAFETY: the buffer is full.
                    cascade.push(unsafe { (kernel.run)(buffer.as_ptr().cast(), CHUNK, param) }, kernel.merge);
                    filled = 0;
                }
            }
            // On to the next run.
            at -= index[0] as isize * dims[0].step;
            index[0] = 0;
            for d in 1..dims.len() {
                index[d] += 1;
                at += dims[d].step;
                if index[d] < dims[d].size {
                    break;
                }
                at -= dims[d].size as isize * dims[d].step;
                index[d] = 0;
            }
        }
        if filled > 0 {
            // SAFETY: `filled` elements were written.
            cascade.push(unsafe { (kernel.run)(buffer.as_ptr().cast(), filled, param) }, kernel.merge);
        }
        cascade.finish(kernel.identity, kernel.merge)
    }

    /// Rows too narrow to fill vectors, but next to each other in memory: several are folded as one wide row, whose parts
    /// are joined at the end. False if that does not apply.
    fn narrow(&self) -> bool {
        let ([kept], [folded]) = (&self.plan.kept[..], &self.plan.folded[..]) else { return false };
        let k = kept.size;
        let fits = self.source.direct && self.second.is_none() && kept.step == 1 && folded.step == k as isize;
        if !fits || k >= 64 || folded.size < 1024 {
            return false;
        }
        let together = 128 / k;
        let (wide, rows) = (k * together, folded.size / together);
        let plan = Plan {
            kept: SmallVec::from_elem(Kept { size: wide, step: 1, out: [1, 0] }, 1),
            folded: SmallVec::from_elem(Folded { size: rows, step: wide as isize }, 1),
            outputs: wide,
            count: rows,
        };
        let mut parts = vec![self.first.identity; wide];
        let to = AtomicPtr::new(parts.as_mut_ptr());
        let source = Source { ..self.source };
        // SAFETY: the plan's offsets are the places of `parts`, and each is written once.
        let emit: Emit<A> = &|at, _, r| unsafe { to.load(Relaxed).offset(at[0]).write(r) };
        Job { plan: &plan, source, param: self.param, first: self.first, second: None, emit, emit_run: None }
            .vertical();
        let params = vec![self.param; k];
        let rest = self.source.at((rows * wide) as isize).cast();
        // SAFETY: the rows left over belong to the view; `parts` has at least `k` places.
        unsafe { (self.first.rows)(parts.as_mut_ptr(), params.as_ptr(), rest, k as isize, folded.size % together, k) };
        for c in 0..k {
            let total = parts[c..].iter().step_by(k).copied().reduce(self.first.merge).unwrap_or(self.first.identity);
            (self.emit)([c as isize * kept.out[0], c as isize * kept.out[1]], self.param, total);
        }
        true
    }

    fn vertical(&self) {
        let plan = self.plan;
        let inner = plan.kept[0];
        let strips = inner.size.div_ceil(WIDTH);
        // Strips of equal width, so that no thread is left a narrow one.
        let width = inner.size.div_ceil(strips).next_multiple_of(16).min(WIDTH);
        let strips = inner.size.div_ceil(width);
        let outer = plan.outputs / inner.size;
        let tasks = strips * outer;
        let rows = plan.count;
        if tasks < FEW && rows * width > 2 * SEGMENT {
            return self.vertical_cut(tasks, strips, width);
        }
        let grain = (GRAIN / (rows * width * self.cost())).max(1);
        parallel_for(0..tasks, grain, |range| {
            for t in range {
                let (x, out) = plan.kept_offset(1, t / strips);
                let from = t % strips * width;
                let w = width.min(inner.size - from);
                let x = x + from as isize * inner.step;
                let mut params = [const { MaybeUninit::uninit() }; WIDTH];
                let mut acc = [const { MaybeUninit::uninit() }; WIDTH];
                params[..w].fill(MaybeUninit::new(self.param));
                // SAFETY: `w` values of `params` are set before, and of `acc` by the fold.
                unsafe {
                    self.fold_strip(x, w, 0..rows, &self.first, params.as_ptr().cast(), acc.as_mut_ptr().cast());
                    if let Some(second) = &self.second {
                        for c in 0..w {
                            params[c] = MaybeUninit::new((second.param)(acc[c].assume_init()));
                        }
                        self.fold_strip(x, w, 0..rows, &second.kernel, params.as_ptr().cast(), acc.as_mut_ptr().cast());
                    }
                    self.emit_strip(out, from, params[..w].assume_init_ref(), acc[..w].assume_init_ref());
                }
            }
        });
    }

    /// Hands over the results of columns from `from` on, of the outputs at `out`.
    fn emit_strip(&self, out: [isize; 2], from: usize, params: &[A], results: &[A]) {
        let inner = self.plan.kept[0];
        if let (Some(emit_run), 1) = (self.emit_run, inner.out[0]) {
            return emit_run(out[0] + from as isize, results);
        }
        for (c, (param, result)) in params.iter().zip(results).enumerate() {
            let at = (from + c) as isize;
            (self.emit)([out[0] + at * inner.out[0], out[1] + at * inner.out[1]], *param, *result);
        }
    }

    /// Few strips of many rows: the rows are cut in segments.
    fn vertical_cut(&self, tasks: usize, strips: usize, width: usize) {
        let plan = self.plan;
        let (inner, rows) = (plan.kept[0], plan.count);
        let segment = (SEGMENT / width).max(256);
        let cuts = rows.div_ceil(segment);
        let place = |t: usize| {
            let from = t % strips * width;
            (plan.kept_offset(1, t / strips), from, width.min(inner.size - from))
        };
        let pass = |kernel: &Kernel<A>, params: &[A]| -> Vec<A> {
            let mut partial = vec![kernel.identity; tasks * cuts * width];
            let to = AtomicPtr::new(partial.as_mut_ptr());
            parallel_for(0..tasks * cuts, (GRAIN / (segment * width * kernel.cost)).max(1), |range| {
                for piece in range {
                    let (cut, t) = (piece / tasks, piece % tasks);
                    let ((x, _), from, w) = place(t);
                    let span = cut * segment..((cut + 1) * segment).min(rows);
                    // SAFETY: each piece has its own `width` values in the vector.
                    unsafe {
                        let acc = to.load(Relaxed).add(piece * width);
                        self.fold_strip(
                            x + from as isize * inner.step,
                            w,
                            span,
                            kernel,
                            params.as_ptr().add(t * width),
                            acc,
                        );
                    }
                }
            });
            (0..tasks * width)
                .map(|column| {
                    let mut c = Cascade::new();
                    (0..cuts).for_each(|cut| c.push(partial[cut * tasks * width + column], kernel.merge));
                    c.finish(kernel.identity, kernel.merge)
                })
                .collect()
        };
        let mut params = vec![self.param; tasks * width];
        let mut results = pass(&self.first, &params);
        if let Some(second) = &self.second {
            for (p, r) in params.iter_mut().zip(&results) {
                *p = (second.param)(*r);
            }
            results = pass(&second.kernel, &params);
        }
        for t in 0..tasks {
            let ((_, out), from, w) = place(t);
            let columns = t * width..t * width + w;
            self.emit_strip(out, from, &params[columns.clone()], &results[columns]);
        }
    }

    /// Folds the rows `span` of a strip of `w` columns that starts at `x` into `acc`.
    ///
    /// # Safety
    /// `params` must hold `w` values and `acc` have room for them; `w` is at most `WIDTH`.
    unsafe fn fold_strip(
        &self,
        x: isize,
        w: usize,
        span: std::ops::Range<usize>,
        kernel: &Kernel<A>,
        params: *const A,
        acc: *mut A,
    ) {
        let (s, dims) = (&self.source, &self.plan.folded[..]);
        let inner = self.plan.kept[0].step;
        // SAFETY: `w` places, of the caller's or of this function's own.
        let clear = |to: *mut A| (0..w).for_each(|c| unsafe { to.add(c).write(kernel.identity) });
        // SAFETY: as above, and both were written.
        let join = |to: *mut A, from: *const A| unsafe { (kernel.join)(to, from, w) };
        /// Rows folded before they join the next level.
        const LEVEL: usize = 64;
        let mut low: [MaybeUninit<A>; WIDTH] = [const { MaybeUninit::uninit() }; WIDTH];
        let low = low.as_mut_ptr().cast::<A>();
        let mut chunk: [MaybeUninit<A>; 8 * WIDTH] = [const { MaybeUninit::uninit() }; 8 * WIDTH];
        let chunk = chunk.as_mut_ptr().cast::<A>();
        let direct = s.direct && inner == 1;
        clear(acc);
        let levels = span.len() > LEVEL;
        let target = if levels { low } else { acc };
        if levels {
            clear(low);
        }
        let mut index: SmallVec<[usize; 6]> = SmallVec::new();
        let (mut rest, mut at) = (span.start, x);
        for d in dims {
            index.push(rest % d.size);
            rest /= d.size;
            at += index[index.len() - 1] as isize * d.step;
        }
        let mut left = span.len();
        let mut since = 0;
        while left > 0 {
            let mut n = (dims[0].size - index[0]).min(left);
            left -= n;
            let mut from = at;
            while n > 0 {
                let take = n.min(LEVEL - since).min(if direct { usize::MAX } else { 8 });
                // SAFETY: rows of the view; `chunk` has room for eight rows.
                unsafe {
                    if direct {
                        (kernel.rows)(target, params, s.at(from).cast(), dims[0].step, take, w);
                    } else {
                        for r in 0..take {
                            (s.load)(s.at(from + r as isize * dims[0].step), inner, w, chunk.add(r * w));
                        }
                        (kernel.rows)(target, params, chunk, w as isize, take, w);
                    }
                }
                from += take as isize * dims[0].step;
                n -= take;
                since += take;
                if since == LEVEL && levels {
                    join(acc, low);
                    clear(low);
                }
                if since == LEVEL {
                    since = 0;
                }
            }
            at -= index[0] as isize * dims[0].step;
            index[0] = 0;
            for d in 1..dims.len() {
                index[d] += 1;
                at += dims[d].step;
                if index[d] < dims[d].size {
                    break;
                }
                at -= dims[d].size as isize * dims[d].step;
                index[d] = 0;
            }
        }
        if levels {
            join(acc, low);
        }
    }
}
