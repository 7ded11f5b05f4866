//! Elements by rank: `kthvalue`, `median`, `mode`.

use flambeau_types::{DType, Error, Result};

use super::introsort;
use super::keys::{Key, Word, by_key, not_implemented};
use super::rows::{Rows, pack_rows};
use crate::index::walk::load;
use crate::view::{View, ViewMut};

/// Runs `choose` on the words of every row; it names the index whose element and number are written to `values` and
/// `indices`, of `x`'s shape without `dim`.
fn choose_rows<T: Key>(
    values: &ViewMut,
    indices: &ViewMut,
    x: &View,
    dim: usize,
    choose: impl Fn(&mut [T::Word]) -> usize + Sync,
) {
    let rows = Rows::new(x.sizes(), dim);
    let (n, bytes) = (rows.len, size_of::<T>());
    debug_assert!(values.dtype() == x.dtype() && indices.dtype() == DType::I64 && values.numel() == rows.count);
    let from = rows.place(x.strides(), dim, bytes);
    let (to, ito) = (rows.place(values.strides(), dim, bytes), rows.place(indices.strides(), dim, 8));
    let together = rows.together(&from, bytes);
    let tasks = (64 * 1024 / (n * together).max(1)).clamp(1, 64);
    rows.groups(together * tasks, |task| {
        let mut words = vec![T::Word::default(); n * together.min(task.len())];
        let mut start = task.start;
        while start < task.end {
            let group = start..(start + together).min(task.end);
            let words = &mut words[..n * group.len()];
            pack_rows::<T>(x, &rows, &from, group.clone(), words, 0);
            for (r, row) in group.clone().zip(words.chunks_exact_mut(n)) {
                let k = choose(row);
                debug_assert!(k < n);
                // SAFETY: the index is a position in the row, and the outputs have an element for each row.
                unsafe {
                    let e = load::<T>(x.ptr().offset(rows.offset(&from, r) + k as isize * from.step));
                    values.ptr().offset(rows.offset(&to, r)).cast::<T>().write_unaligned(e);
                    indices.ptr().offset(rows.offset(&ito, r)).cast::<i64>().write_unaligned(k as i64);
                }
            }
            start = group.end;
        }
    });
}

/// An empty dimension has no element to choose, unless there is nothing to choose for.
fn check_dim(name: &str, x: &View, dim: usize) -> Result<bool> {
    if x.ndim() > 0 && x.sizes()[dim] == 0 && (x.sizes().iter().filter(|&&n| n == 0).count() == 1 || name == "mode") {
        return Err(Error::index(format!("{name}(): Expected reduction dim {dim} to have non-zero size.")));
    }
    Ok(x.numel() > 0)
}

/// The `k`-th smallest element (from 1) along `dim`, NaN being the largest (`torch.kthvalue`). The outputs have `x`'s
/// shape without `dim`.
pub fn kthvalue(values: ViewMut, indices: ViewMut, x: View, k: i64, dim: usize) -> Result<()> {
    if x.dtype().is_complex() || x.dtype() == DType::Bool {
        return Err(not_implemented("kthvalue_cpu", x.dtype()));
    }
    let some = check_dim("kthvalue", &x, dim)?;
    let n = if x.ndim() == 0 { 1 } else { x.sizes()[dim] };
    if k < 1 || k > n {
        return Err(Error::runtime(format!("kthvalue(): selected number k out of range for dimension {dim}")));
    }
    if some {
        by_key!(x.dtype(), T => choose_rows::<T>(&values, &indices, &x, dim, |row| {
            quick_select(row, k as usize - 1);
            row[k as usize - 1].index()
        }));
    }
    Ok(())
}

/// Sedgewick's quickselect with the median of three, in the form whose choice among equal elements `torch.kthvalue` shows.
fn quick_select<W: Word>(w: &mut [W], k: usize) {
    let (mut left, mut right) = (0, w.len() - 1);
    let above = |a: W, b: W| a.key() > b.key();
    while left < right {
        if right == left + 1 {
            if above(w[left], w[right]) {
                w.swap(left, right);
            }
            return;
        }
        w.swap((left + right) / 2, left + 1);
        for (a, b) in [(left + 1, right), (left, right), (left + 1, left)] {
            if above(w[a], w[b]) {
                w.swap(a, b);
            }
        }
        let (mut i, mut j, pivot) = (left + 1, right, w[left]);
        loop {
            i += 1;
            while above(pivot, w[i]) {
                i += 1;
            }
            j -= 1;
            while above(w[j], pivot) {
                j -= 1;
            }
            if j < i {
                break;
            }
            w.swap(i, j);
        }
        w.swap(left, j);
        if j >= k {
            if j == 0 {
                return;
            }
            right = j - 1;
        }
        if j <= k {
            left = i;
        }
    }
}

/// The lower median along `dim` (`torch.median`); the first NaN if there is one, or with `ignore_nan` the median of the
/// others (`torch.nanmedian`). Of equal elements the index is the one a stable sort would give. The outputs have `x`'s
/// shape without `dim`.
pub fn median(values: ViewMut, indices: ViewMut, x: View, dim: usize, ignore_nan: bool) -> Result<()> {
    if x.dtype().is_complex() || x.dtype() == DType::Bool {
        return Err(not_implemented("median_out", x.dtype()));
    }
    if check_dim("median", &x, dim)? {
        by_key!(x.dtype(), T => choose_rows::<T>(&values, &indices, &x, dim, |row| middle::<T>(row, ignore_nan)));
    }
    Ok(())
}

/// The index of the median.
fn middle<T: Key>(row: &mut [T::Word], ignore_nan: bool) -> usize {
    let is_nan = |w: &T::Word| T::is_nan_key(w.key());
    let nans = if x_may_be_nan::<T>() { row.iter().filter(|w| is_nan(w)).count() } else { 0 };
    if nans > 0 && (!ignore_nan || nans == row.len()) {
        return row.iter().position(is_nan).unwrap_or(0);
    }
    let rank = (row.len() - nans - 1) / 2;
    row.select_nth_unstable(rank).1.index()
}

/// True for the floating types.
fn x_may_be_nan<T: Key>() -> bool {
    T::DTYPE.is_floating()
}

/// The index, in row-major order, of the median of all elements; `None` if there are none (`torch.median` without `dim`,
/// where PyTorch gives NaN for an empty tensor).
pub fn median_all(x: View, ignore_nan: bool) -> Result<Option<usize>> {
    if x.dtype().is_complex() || x.dtype() == DType::Bool {
        return Err(not_implemented("median_cpu", x.dtype()));
    }
    if x.numel() == 0 {
        return Ok(None);
    }
    if x.numel() > u32::MAX as usize {
        return Err(Error::not_implemented("median: more than 2^32 - 1 elements"));
    }
    by_key!(x.dtype(), T => {
        let walk = crate::index::walk::Walk::new(x.sizes(), [(x.strides(), size_of::<T>())]);
        let [step] = walk.inner();
        let mut words = vec![<T as Key>::Word::default(); x.numel()];
        walk.runs(0..walk.numel(), |position, [at], n| {
            for (j, w) in words[position..position + n].iter_mut().enumerate() {
                // SAFETY: the walk stays within the view.
                let v = unsafe { load::<T>(x.ptr().offset(at + j as isize * step)) };
                *w = <T as Key>::Word::pack(v.key(), position + j);
            }
            true
        });
        Ok(Some(middle::<T>(&mut words, ignore_nan)))
    })
}

/// The most frequent element along `dim`, the smallest of several, and an index it has (`torch.mode`). NaN equals
/// no other and comes before all numbers. The outputs have `x`'s shape without `dim`.
pub fn mode(values: ViewMut, indices: ViewMut, x: View, dim: usize) -> Result<()> {
    if x.dtype().is_complex() {
        return Err(not_implemented("mode", x.dtype()));
    }
    if check_dim("mode", &x, dim)? {
        by_key!(x.dtype(), T => choose_rows::<T>(&values, &indices, &x, dim, |row| {
            // Which of equal elements comes last is as in libstdc++'s sort, which is not stable.
            introsort::sort(row);
            let nans = if x_may_be_nan::<T>() {
                row.len() - row.partition_point(|w| !T::is_nan_key(w.key()))
            } else {
                0
            };
            let numbers = row.len() - nans;
            let (mut best, mut most) = if nans > 0 { (row[numbers].index(), 1) } else { (row[0].index(), 0) };
            let mut start = 0;
            for i in 0..numbers {
                if i + 1 == numbers || row[i + 1].key() != row[i].key() {
                    if i + 1 - start > most {
                        (best, most) = (row[i].index(), i + 1 - start);
                    }
                    start = i + 1;
                }
            }
            best
        }));
    }
    Ok(())
}
