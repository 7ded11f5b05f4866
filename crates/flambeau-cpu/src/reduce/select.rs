//! The k-th smallest element, the median and the mode along a dimension, with an index for each.
//!
//! Among equal elements the index is the one that PyTorch's selection algorithms end on, so those are followed here.

use std::cmp::Ordering;

use flambeau_types::DType;
use smallvec::SmallVec;

use super::Address;
use super::convert::{Load, Put, load};
use crate::threads::parallel_for;
use crate::{View, ViewMut};

/// The `k`-th smallest element (from 1) along `dim` and its index. NaN counts as the greatest.
pub fn kthvalue(values: &mut ViewMut, indices: &mut ViewMut, x: View, dim: usize, k: usize) {
    debug_assert!(k >= 1);
    each_line(values, indices, x, dim, |line| kth(line, k - 1), |line| kth(line, k - 1))
}

/// The lower median along `dim` and its index. With NaN among the elements it is the first NaN, unless `ignore_nan`, which
/// takes the median of the others.
pub fn median(values: &mut ViewMut, indices: &mut ViewMut, x: View, dim: usize, ignore_nan: bool) {
    each_line(values, indices, x, dim, |line| middle(line, ignore_nan), |line| middle(line, ignore_nan))
}

/// The most frequent element along `dim` (the smallest of them) and the index of its last occurrence.
pub fn mode(values: &mut ViewMut, indices: &mut ViewMut, x: View, dim: usize) {
    each_line(values, indices, x, dim, most_frequent, most_frequent)
}

/// Calls a function on every line along `dim`, as float64 or as int64, and stores its element and index.
fn each_line(
    values: &mut ViewMut,
    indices: &mut ViewMut,
    x: View,
    dim: usize,
    float: impl Fn(&[f64]) -> usize + Sync,
    int: impl Fn(&[i64]) -> usize + Sync,
) {
    if x.dtype().is_floating() {
        run(values, indices, x, dim, load::<f64>(x.dtype()), float)
    } else {
        run(values, indices, x, dim, load::<i64>(x.dtype()), int)
    }
}

fn run<A: Put + Default + Send + Sync>(
    values: &mut ViewMut,
    indices: &mut ViewMut,
    x: View,
    dim: usize,
    load: Load<A>,
    choose: impl Fn(&[A]) -> usize + Sync,
) {
    debug_assert_eq!(indices.dtype(), DType::I64);
    let (n, step) = if x.ndim() == 0 { (1, 1) } else { (x.sizes()[dim] as usize, x.strides()[dim] as isize) };
    if n == 0 {
        return;
    }
    let kept: SmallVec<[usize; 6]> = (0..x.ndim()).filter(|&d| d != dim).collect();
    let outputs: usize = kept.iter().map(|&d| x.sizes()[d] as usize).product();
    let (dtype, size) = (values.dtype(), values.dtype().size());
    let (value_strides, index_strides) = (values.strides(), indices.strides());
    let (to_values, to_indices) = (Address::of(values), Address::of(indices));
    parallel_for(0..outputs, (20_000 / n).max(1), |range| {
        let mut line = vec![A::default(); n];
        for o in range {
            let (mut rest, mut at, mut v_at, mut i_at) = (o, 0, 0, 0);
            for &d in kept.iter().rev() {
                let j = (rest % x.sizes()[d] as usize) as isize;
                rest /= x.sizes()[d] as usize;
                at += j * x.strides()[d] as isize;
                v_at += j * value_strides[d] as isize;
                i_at += j * index_strides[d] as isize;
            }
            // SAFETY: offsets made from the views' own sizes and strides; each output is written once.
            unsafe {
                load(x.ptr().wrapping_offset(at * x.dtype().size() as isize), step, n, line.as_mut_ptr());
                let i = choose(&line);
                line[i].put(dtype, to_values.at(v_at, size));
                to_indices.at(i_at, 8).cast::<i64>().write_unaligned(i as i64);
            }
        }
    });
}

/// The order of elements with NaN above every number.
trait Order: Copy + PartialOrd {
    #[allow(clippy::eq_op)]
    fn is_nan(self) -> bool {
        self != self
    }
    fn greater(self, other: Self) -> bool {
        self > other || (self.is_nan() && !other.is_nan())
    }
}
impl Order for f64 {}
impl Order for i64 {}

/// The index of the element of rank `k`, by the classic partition around the median of three.
fn kth<A: Order>(line: &[A], k: usize) -> usize {
    let mut index: Vec<usize> = (0..line.len()).collect();
    let greater = |a: usize, b: usize| line[a].greater(line[b]);
    let (mut low, mut high) = (0, line.len() - 1);
    loop {
        if high <= low {
            break;
        }
        if high == low + 1 {
            if greater(index[low], index[high]) {
                index.swap(low, high);
            }
            break;
        }
        index.swap(low + (high - low) / 2, low + 1);
        for (a, b) in [(low + 1, high), (low, high), (low + 1, low)] {
            if greater(index[a], index[b]) {
                index.swap(a, b);
            }
        }
        let pivot = index[low];
        let (mut i, mut j) = (low + 1, high);
        loop {
            i += 1;
            while greater(pivot, index[i]) {
                i += 1;
            }
            j -= 1;
            while greater(index[j], pivot) {
                j -= 1;
            }
            if j < i {
                break;
            }
            index.swap(i, j);
        }
        index.swap(low, j);
        if j <= k {
            low = i;
        }
        if j >= k {
            high = j - 1;
        }
    }
    index[k]
}

fn middle<A: Order>(line: &[A], ignore_nan: bool) -> usize {
    let nans = line.iter().filter(|v| v.is_nan()).count();
    if nans > 0 && !ignore_nan {
        return line.iter().position(|v| v.is_nan()).unwrap_or(0);
    }
    let n = if nans == line.len() { line.len() } else { line.len() - nans };
    let nth = (n - 1) / 2;
    let mut index: Vec<usize> = (0..line.len()).collect();
    nth_element(&mut index, nth, |a, b| line[b].greater(line[a]));
    index[nth]
}

/// Partial sorting up to place `nth`, choosing pivots as C++ standard libraries do: a median of three, until three are left.
fn nth_element(v: &mut [usize], nth: usize, less: impl Fn(usize, usize) -> bool) {
    let (mut first, mut last) = (0, v.len());
    let mut depth = 2 * v.len().max(1).ilog2();
    while last - first > 3 {
        if depth == 0 {
            // Bad luck with pivots: sorting bounds the time.
            v[first..last].sort_by(|&a, &b| {
                if less(a, b) {
                    Ordering::Less
                } else if less(b, a) {
                    Ordering::Greater
                } else {
                    Ordering::Equal
                }
            });
            return;
        }
        depth -= 1;
        let (a, b, c) = (first + 1, first + (last - first) / 2, last - 1);
        let median = if less(v[a], v[b]) {
            if less(v[b], v[c]) {
                b
            } else if less(v[a], v[c]) {
                c
            } else {
                a
            }
        } else if less(v[a], v[c]) {
            a
        } else if less(v[b], v[c]) {
            c
        } else {
            b
        };
        v.swap(first, median);
        let pivot = v[first];
        let (mut i, mut j) = (first + 1, last);
        let cut = loop {
            while less(v[i], pivot) {
                i += 1;
            }
            j -= 1;
            while less(pivot, v[j]) {
                j -= 1;
            }
            if i >= j {
                break i;
            }
            v.swap(i, j);
            i += 1;
        };
        if cut <= nth { first = cut } else { last = cut }
    }
    for i in first + 1..last {
        let mut j = i;
        while j > first && less(v[j], v[j - 1]) {
            v.swap(j, j - 1);
            j -= 1;
        }
    }
}

fn most_frequent<A: Order>(line: &[A]) -> usize {
    let mut index: Vec<usize> = (0..line.len()).collect();
    index.sort_by(|&a, &b| match (line[b].greater(line[a]), line[a].greater(line[b])) {
        (true, _) => Ordering::Less,
        (_, true) => Ordering::Greater,
        _ => Ordering::Equal,
    });
    let (mut best, mut most, mut run) = (0, 0, 0);
    for (i, &at) in index.iter().enumerate() {
        run += 1;
        if i + 1 == index.len() || line[index[i + 1]] != line[at] {
            if run > most {
                (best, most) = (at, run);
            }
            run = 0;
        }
    }
    best
}
