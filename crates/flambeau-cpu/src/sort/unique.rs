//! `unique` and `unique_consecutive`.

use flambeau_types::{Dims, Error, Result, contiguous_strides};

use super::keys::{Key, Word, by_key, check_ordered};
use super::radix;
use super::rows::Rows;
use crate::index::index_select;
use crate::index::walk::{Walk, load};
use crate::view::{View, ViewMut};

/// What `unique` finds. NaN is never equal to another NaN.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unique {
    /// The distinct elements (or slices), contiguous, as bytes of the input's dtype.
    pub values: Vec<u8>,
    /// How many there are.
    pub len: usize,
    /// For each element of the input, in row-major order, which of `values` it equals.
    pub inverse: Vec<i64>,
    /// How often each occurs.
    pub counts: Vec<i64>,
}

/// The distinct elements of `x` in ascending order (`torch.unique`). `inverse` and `counts` are filled if asked for.
pub fn unique(x: View, inverse: bool, counts: bool) -> Result<Unique> {
    check_ordered("unique", x.dtype())?;
    let n = x.numel();
    if n > u32::MAX as usize {
        return Err(Error::not_implemented("unique: more than 2^32 - 1 elements"));
    }
    by_key!(x.dtype(), T => {
        let mut words = flat_words::<T>(&x);
        let mut scratch = vec![<T as Key>::Word::default(); n];
        radix::sort(&mut words, &mut scratch, T::WIDTH);
        drop(scratch);
        let differs = |i: usize| words[i].key() != words[i - 1].key() || T::is_nan_key(words[i].key());
        let element = |i: usize| flat_element::<T>(&x, words[i].index());
        Ok(group::<T>(n, differs, element, |i| words[i].index(), inverse, counts))
    })
}

/// The elements of `x`, in row-major order, without those that equal the one before (`torch.unique_consecutive`).
pub fn unique_consecutive(x: View, inverse: bool, counts: bool) -> Result<Unique> {
    check_ordered("unique", x.dtype())?;
    by_key!(x.dtype(), T => {
        if !inverse && !counts && x.is_contiguous() {
            return Ok(starts_of_runs::<T>(&x));
        }
        let elements = flat_elements::<T>(&x);
        let differs = |i: usize| elements[i].key() != elements[i - 1].key() || T::is_nan_key(elements[i].key());
        Ok(group::<T>(elements.len(), differs, |i| elements[i], |i| i, inverse, counts))
    })
}

/// The elements of a contiguous view that differ from the one before. Each is written and only the right ones counted.
fn starts_of_runs<T: Key>(x: &View) -> Unique {
    let (n, size) = (x.numel(), size_of::<T>());
    let mut values: Vec<u8> = Vec::with_capacity(n * size);
    let (from, to) = (x.ptr().cast::<T>(), values.as_mut_ptr().cast::<T>());
    let mut len = n.min(1);
    // SAFETY: elements of the view, and room for as many; those before `len` are written.
    unsafe {
        if n > 0 {
            to.write_unaligned(from.read_unaligned());
        }
        for i in 1..n {
            let (before, this) = (load::<T>(from.add(i - 1).cast()), load::<T>(from.add(i).cast()));
            to.add(len).write_unaligned(this);
            len += usize::from((before.key() != this.key()) | T::is_nan_key(this.key()));
        }
        values.set_len(len * size);
    }
    Unique { values, len, ..Unique::default() }
}

/// All elements in row-major order.
fn flat_elements<T: Key>(x: &View) -> Vec<T> {
    let walk = Walk::new(x.sizes(), [(x.strides(), size_of::<T>())]);
    let [step] = walk.inner();
    let mut elements = Vec::with_capacity(x.numel());
    walk.runs(0..walk.numel(), |_, [at], n| {
        // SAFETY: the walk stays within the view.
        elements.extend((0..n).map(|j| unsafe { load::<T>(x.ptr().offset(at + j as isize * step)) }));
        true
    });
    elements
}

/// All elements in row-major order, packed.
fn flat_words<T: Key>(x: &View) -> Vec<T::Word> {
    let walk = Walk::new(x.sizes(), [(x.strides(), size_of::<T>())]);
    let [step] = walk.inner();
    let mut words = Vec::with_capacity(x.numel());
    walk.runs(0..walk.numel(), |position, [at], n| {
        words.extend((0..n).map(|j| {
            // SAFETY: the walk stays within the view.
            let v = unsafe { load::<T>(x.ptr().offset(at + j as isize * step)) };
            T::Word::pack(v.key(), position + j)
        }));
        true
    });
    words
}

/// The element at a row-major position.
fn flat_element<T: Key>(x: &View, mut position: usize) -> T {
    let mut offset = 0;
    for d in (0..x.ndim()).rev() {
        let n = x.sizes()[d] as usize;
        offset += (position % n) as isize * x.strides()[d] as isize;
        position /= n;
    }
    // SAFETY: the position is within the view.
    unsafe { load::<T>(x.ptr().offset(offset * size_of::<T>() as isize)) }
}

/// Collects groups of neighbours; `differs(i)` says that `i` starts one, `place(i)` where `i` stood in the input.
fn group<T: Key>(
    n: usize,
    differs: impl Fn(usize) -> bool,
    element: impl Fn(usize) -> T,
    place: impl Fn(usize) -> usize,
    inverse: bool,
    counts: bool,
) -> Unique {
    // Every place is written and only the right ones counted: no branch has to be guessed.
    let mut starts = vec![0; n];
    let mut count = n.min(1);
    for i in 1..n {
        starts[count] = i;
        count += usize::from(differs(i));
    }
    starts.truncate(count);
    let mut found = groups(n, &starts, place, inverse, counts);
    found.values = vec![0; count * size_of::<T>()];
    let to = found.values.as_mut_ptr().cast::<T>();
    for (at, &i) in starts.iter().enumerate() {
        // SAFETY: the vector has room for `count` elements, at any alignment.
        unsafe { to.add(at).write_unaligned(element(i)) };
    }
    found
}

/// Everything but the values.
fn groups(n: usize, starts: &[usize], place: impl Fn(usize) -> usize, inverse: bool, counts: bool) -> Unique {
    let mut found = Unique { len: starts.len(), ..Unique::default() };
    let ends = starts.iter().skip(1).copied().chain(std::iter::once(n));
    if counts {
        found.counts = starts.iter().zip(ends.clone()).map(|(&s, e)| (e - s) as i64).collect();
    }
    if inverse {
        found.inverse = vec![0; n];
        for (g, (&s, e)) in starts.iter().zip(ends).enumerate() {
            (s..e).for_each(|i| found.inverse[place(i)] = g as i64);
        }
    }
    found
}

/// The distinct slices of `x` along `dim`: in lexicographic order, or with `consecutive` in the order they stand, without
/// those that equal the one before (`torch.unique(dim=)`). `values` has `x`'s shape but for `dim`.
pub fn unique_dim(x: View, dim: usize, consecutive: bool, inverse: bool, counts: bool) -> Result<Unique> {
    check_ordered("unique_dim", x.dtype())?;
    if x.numel() == 0 {
        if x.sizes().iter().enumerate().any(|(d, &n)| n == 0 && d != dim) && x.sizes()[dim] != 0 {
            let text = "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied";
            return Err(Error::runtime(text));
        }
        return Ok(Unique::default());
    }
    by_key!(x.dtype(), T => {
        // Slices are compared where they lie: mostly the first elements decide.
        let rows = Rows::new(x.sizes(), dim);
        let place = rows.place(x.strides(), dim, x.dtype().size());
        let (n, width) = (rows.len, rows.count);
        let offsets: Vec<isize> = (0..width).map(|r| rows.offset(&place, r)).collect();
        // SAFETY: element `i` of a row along `dim`.
        let key = |i: usize, offset: isize| unsafe { load::<T>(x.ptr().offset(offset + i as isize * place.step)) }.key();
        let mut order: Vec<usize> = (0..n).collect();
        if !consecutive {
            order.sort_by(|&a, &b| {
                let one = |&o: &isize| key(a, o).cmp(&key(b, o));
                offsets.iter().map(one).find(|c| c.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
            });
        }
        let differs = |i: usize| {
            let (a, b) = (order[i], order[i - 1]);
            offsets.iter().any(|&o| key(a, o) != key(b, o) || T::is_nan_key(key(a, o)))
        };
        let starts: Vec<usize> = (0..n).filter(|&i| i == 0 || differs(i)).collect();
        let mut found = groups(n, &starts, |i| order[i], inverse, counts);
        let chosen: Vec<i64> = starts.iter().map(|&i| order[i] as i64).collect();
        let mut sizes: Dims = x.sizes().into();
        sizes[dim] = chosen.len() as i64;
        let strides = contiguous_strides(&sizes);
        found.values = vec![0; chosen.len() * width * x.dtype().size()];
        let (length, one) = ([chosen.len() as i64], [1]);
        // SAFETY: both are contiguous vectors of the lengths given.
        let (to, index) = unsafe {
            (
                ViewMut::new(found.values.as_mut_ptr(), x.dtype(), &sizes, &strides),
                View::new(chosen.as_ptr().cast(), flambeau_types::DType::I64, &length, &one),
            )
        };
        index_select(to, x, dim, index)?;
        Ok(found)
    })
}
