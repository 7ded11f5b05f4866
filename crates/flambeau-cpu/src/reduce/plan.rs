//! How a reduction walks over its input: which dimensions are kept, which are folded, and which of the two lies closer
//! together in memory.

use smallvec::SmallVec;

use crate::View;

/// A dimension that survives: its length, its step in the input and in up to two outputs, in elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub size: usize,
    pub step: isize,
    pub out: [isize; 2],
}

/// A dimension that is folded: its length and its step in the input, in elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Folded {
    pub size: usize,
    pub step: isize,
}

/// Both lists have the dimension of the smallest step first, and neighbours that form one run are merged.
pub(crate) struct Plan {
    pub kept: SmallVec<[Kept; 4]>,
    pub folded: SmallVec<[Folded; 4]>,
    /// The number of outputs.
    pub outputs: usize,
    /// The number of elements folded into each output.
    pub count: usize,
}

/// Steps of 0 repeat one element: those dimensions are walked last.
#[inline]
fn key(step: isize) -> usize {
    if step == 0 { usize::MAX } else { step.unsigned_abs() }
}

impl Plan {
    /// A plan for reducing `x` along the dimensions in `mask` into outputs of the given strides.
    pub fn new(x: &View, mask: &[bool], out: [&[i64]; 2]) -> Plan {
        debug_assert_eq!(mask.len(), x.ndim());
        let mut plan = Plan { kept: SmallVec::new(), folded: SmallVec::new(), outputs: 1, count: 1 };
        if mask.iter().all(|&m| m) && x.is_contiguous() {
            plan.count = x.numel();
            if plan.count != 1 {
                plan.folded.push(Folded { size: plan.count, step: 1 });
            }
            return plan;
        }
        for d in (0..x.ndim()).rev() {
            let (size, step) = (x.sizes()[d] as usize, x.strides()[d] as isize);
            if mask[d] {
                plan.count *= size;
                if size != 1 {
                    let at = plan.folded.iter().position(|f| key(f.step) > key(step)).unwrap_or(plan.folded.len());
                    plan.folded.insert(at, Folded { size, step });
                }
            } else {
                plan.outputs *= size;
                if size != 1 {
                    let at = plan.kept.iter().position(|k| key(k.step) > key(step)).unwrap_or(plan.kept.len());
                    plan.kept.insert(at, Kept { size, step, out: [out[0][d] as isize, out[1][d] as isize] });
                }
            }
        }
        if plan.outputs != 0 && plan.count != 0 {
            plan.merge();
        }
        plan
    }

    fn merge(&mut self) {
        let mut to = 0;
        for i in 1..self.folded.len() {
            let (a, b) = (self.folded[to], self.folded[i]);
            if b.step == a.step * a.size as isize {
                self.folded[to].size *= b.size;
            } else {
                to += 1;
                self.folded[to] = b;
            }
        }
        self.folded.truncate(to + 1);
        let mut to = 0;
        for i in 1..self.kept.len() {
            let (a, b) = (self.kept[to], self.kept[i]);
            let n = a.size as isize;
            if b.step == a.step * n && b.out[0] == a.out[0] * n && b.out[1] == a.out[1] * n {
                self.kept[to].size *= b.size;
            } else {
                to += 1;
                self.kept[to] = b;
            }
        }
        self.kept.truncate(to + 1);
    }

    /// True if neighbouring outputs come from neighbouring elements, so that rows are folded onto each other.
    pub fn is_vertical(&self) -> bool {
        match (self.kept.first(), self.folded.first()) {
            (Some(k), Some(f)) => self.count > 1 && k.size > 1 && key(k.step) < key(f.step),
            _ => false,
        }
    }

    /// The offsets (input, outputs) of the `index`-th combination of the kept dimensions from `first` on.
    #[inline]
    pub fn kept_offset(&self, first: usize, mut index: usize) -> (isize, [isize; 2]) {
        if let [k] = self.kept[first.min(self.kept.len())..] {
            // The common case needs no division.
            let i = index as isize;
            return (i * k.step, [i * k.out[0], i * k.out[1]]);
        }
        let (mut x, mut out) = (0, [0, 0]);
        for k in self.kept.iter().skip(first) {
            let i = (index % k.size) as isize;
            index /= k.size;
            x += i * k.step;
            out[0] += i * k.out[0];
            out[1] += i * k.out[1];
        }
        (x, out)
    }
    /// The offset in the input of the `index`-th combination of the folded dimensions but the first.
    #[inline]
    pub fn folded_offset(&self, mut index: usize) -> isize {
        let mut x = 0;
        for f in self.folded.iter().skip(1) {
            x += (index % f.size) as isize * f.step;
            index /= f.size;
        }
        x
    }
}
