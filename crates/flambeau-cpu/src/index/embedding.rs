//! The gradient of an embedding, and one-hot rows.

use flambeau_types::{DType, Element, Error, Result, Scalar};

use super::number::Number;
use super::select::step_run;
use super::walk::{Fault, GRAIN, Walk, by_element, index_values};
use crate::reduce::levels::levels;
use crate::reduce::real::Real;
use crate::threads::{num_threads, parallel_for};
use crate::view::{View, ViewMut};

/// The dense gradient of an embedding: `grad_weight` (rows, width) becomes zero, and then row `indices[i]` gains row `i` of
/// `grad` (n, width), divided by how often the index occurs if `scale_grad_by_freq`. `padding_idx` (or any other index
/// outside the rows) gains nothing.
pub fn embedding_backward(
    grad_weight: ViewMut,
    grad: View,
    indices: View,
    padding_idx: i64,
    scale_grad_by_freq: bool,
) -> Result<()> {
    debug_assert!(grad_weight.ndim() == 2 && grad.ndim() == 2 && grad.dtype() == grad_weight.dtype());
    let indices = index_values(&indices);
    debug_assert_eq!(indices.len() as i64, grad.sizes()[0]);
    let (rows, width) = (grad_weight.sizes()[0] as usize, grad_weight.sizes()[1] as usize);
    let bytes = grad.dtype().size() as isize;
    let [wr, wc] = [grad_weight.strides()[0] as isize * bytes, grad_weight.strides()[1] as isize * bytes];
    let [gr, gc] = [grad.strides()[0] as isize * bytes, grad.strides()[1] as isize * bytes];
    let mut counts = Vec::new();
    if scale_grad_by_freq {
        counts.resize(rows, 0u32);
        for &i in indices.iter().filter(|&&i| (i as u64) < rows as u64) {
            counts[i as usize] += 1;
        }
    }
    // Every thread owns a range of rows and reads all indices: rows gain their gradients in order.
    let grain = (GRAIN * 4 / width.max(1)).max(rows.div_ceil(num_threads()));
    let add = by_element!(grad.dtype(), T => add_row::<T> as unsafe fn(*mut u8, *const u8, usize, [isize; 2], f64));
    parallel_for(0..rows, grain, |part| {
        // SAFETY: rows and columns stay within the views, and `indices` has as many entries as `grad` has rows.
        unsafe {
            for r in part.clone() {
                let row = grad_weight.ptr().offset(r as isize * wr);
                if wc == bytes {
                    std::ptr::write_bytes(row, 0, width * bytes as usize);
                } else {
                    for c in 0..width as isize {
                        std::ptr::write_bytes(row.offset(c * wc), 0, bytes as usize);
                    }
                }
            }
            for (n, &i) in indices.iter().enumerate() {
                if i == padding_idx || i < 0 || !part.contains(&(i as usize)) {
                    continue;
                }
                let scale = if scale_grad_by_freq { 1.0 / counts[i as usize] as f64 } else { 1.0 };
                let to = grad_weight.ptr().offset(i as isize * wr);
                add(to, grad.ptr().offset(n as isize * gr), width, [wc, gc], scale);
            }
        }
    });
    Ok(())
}

/// `out` (count, width) becomes zero, and then row `bags[i]` gains row `indices[i]` of `table` (rows, width). All contiguous, of one
/// dtype, float32 or float64, and int64; bags outside the rows gain nothing.
pub fn sum_in_bags(out: ViewMut, table: View, indices: View, bags: View) -> Result<()> {
    debug_assert!(out.is_contiguous() && table.is_contiguous() && out.dtype() == table.dtype());
    let (indices, bags) = (index_values(&indices), index_values(&bags));
    let (count, width) = (out.sizes()[0] as usize, out.sizes()[1] as usize);
    let rows = table.sizes()[0];
    if !indices.iter().all(|i| (0..rows).contains(i)) {
        return Err(Error::index("index out of range in self"));
    }
    let bytes = width * out.dtype().size();
    let grain = (GRAIN * 4 / width.max(1)).max(count.div_ceil(num_threads()));
    // Every thread owns a range of bags and reads all indices: bags gain their rows in order.
    parallel_for(0..count, grain, |part| {
        // SAFETY: rows of the views: bags of this part, and indices as checked above.
        unsafe {
            std::ptr::write_bytes(out.ptr().add(part.start * bytes), 0, part.len() * bytes);
            for (&i, &bag) in indices.iter().zip(bags.iter()) {
                // Checked again: memory that is shared with the outside may change.
                if bag < 0 || !part.contains(&(bag as usize)) || i as u64 >= rows as u64 {
                    continue;
                }
                let (to, from) = (out.ptr().add(bag as usize * bytes), table.ptr().add(i as usize * bytes));
                match out.dtype() {
                    DType::F64 => gain::<f64>(to.cast(), from.cast(), width),
                    _ => gain::<f32>(to.cast(), from.cast(), width),
                }
            }
        }
    });
    Ok(())
}

/// The bag of each place, for bags that start at the places `offsets` (int64): one less than the number of starts up to there.
pub fn bag_places(out: ViewMut, offsets: View) -> Result<()> {
    debug_assert!(out.is_contiguous() && out.dtype() == DType::I64);
    // SAFETY: a contiguous output of that many elements, which a place below `n` is one of.
    unsafe {
        let (to, n) = (out.ptr().cast::<i64>(), out.numel());
        std::ptr::write_bytes(to, 0, n);
        for &start in index_values(&offsets).iter() {
            if (start as u64) < n as u64 {
                let at = to.add(start as usize);
                at.write_unaligned(at.read_unaligned() + 1);
            }
        }
        let mut bag = -1;
        for i in 0..n {
            bag += to.add(i).read_unaligned();
            to.add(i).write_unaligned(bag);
        }
    }
    Ok(())
}

/// How many places each bag has, for the bags of places, of which neighbours mostly share one. Complains of an index that is none
/// of `rows`.
pub fn bag_sizes(out: ViewMut, bags: View, indices: View, rows: i64) -> Result<()> {
    debug_assert!(out.is_contiguous() && out.dtype() == DType::I64);
    let (bags, indices) = (index_values(&bags), index_values(&indices));
    if indices.iter().fold(false, |bad, &i| bad | (i as u64 >= rows as u64)) {
        let found = indices.iter().enumerate().find(|&(_, &i)| i as u64 >= rows as u64);
        let (at, value) = found.unwrap_or((0, &0));
        return Err(Error::runtime(format!(
            "Index {at} of input takes value {value} which is not in the valid range [0, {rows})"
        )));
    }
    let mut sizes = vec![0i64; out.numel()];
    for run in bags.chunk_by(|a, b| a == b) {
        if let Some(size) = sizes.get_mut(run[0] as usize) {
            *size += run.len() as i64;
        }
    }
    // SAFETY: as many contiguous elements.
    unsafe { std::ptr::copy_nonoverlapping(sizes.as_ptr().cast::<u8>(), out.ptr(), sizes.len() * 8) };
    Ok(())
}

/// Adds a row to another, in chunks by way of local arrays, which overlap nothing.
///
/// # Safety
/// Both have `n` values.
#[inline(always)]
unsafe fn gain_body<T: Real, const FUSED: bool>(to: *mut T, from: *const T, n: usize) {
    const CHUNK: usize = 16;
    let whole = n & !(CHUNK - 1);
    // SAFETY: the caller's promise.
    unsafe {
        for at in (0..whole).step_by(CHUNK) {
            let mut sum = to.add(at).cast::<[T; CHUNK]>().read_unaligned();
            let row = from.add(at).cast::<[T; CHUNK]>().read_unaligned();
            for (s, r) in sum.iter_mut().zip(row) {
                *s += r;
            }
            to.add(at).cast::<[T; CHUNK]>().write_unaligned(sum);
        }
        for at in whole..n {
            let mut sum = to.add(at).read_unaligned();
            sum += from.add(at).read_unaligned();
            to.add(at).write_unaligned(sum);
        }
    }
}

levels! {
    /// [`gain_body`] with the processor's instructions.
    ///
    /// # Safety
    /// As for that.
    unsafe fn gain<T: Real>(to: *mut T, from: *const T, n: usize) = gain_body
}

/// Adds a multiple of a row.
///
/// # Safety
/// Both rows must lie within memory.
unsafe fn add_row<T: Number>(to: *mut u8, from: *const u8, n: usize, strides: [isize; 2], scale: f64) {
    // SAFETY: promised by the caller.
    unsafe {
        if scale == 1.0 {
            step_run::<T>(to, from, n, strides, &T::add);
        } else {
            let scale = <T as Number>::Acc::from_scalar(Scalar::Float(scale));
            step_run::<T>(to, from, n, strides, &|a: T, b: T| T::narrow(a.widen().add(b.widen().mul(scale))));
        }
    }
}

/// Rows of zeros with a 1 at the place that `index` names; `out` is i64 with the shape of `index` followed by the number
/// of classes (`torch.nn.functional.one_hot`).
pub fn one_hot(out: ViewMut, index: View) -> Result<()> {
    debug_assert!(out.dtype() == DType::I64 && index.dtype() == DType::I64 && out.ndim() == index.ndim() + 1);
    let d = index.ndim();
    let (classes, step) = (out.sizes()[d], out.strides()[d] as isize * 8);
    let (negative, large) = (Fault::default(), Fault::default());
    let walk = Walk::new(index.sizes(), [(index.strides(), 8), (&out.strides()[..d], 8)]);
    let [si, so] = walk.inner();
    walk.parallel_runs(GRAIN / (classes as usize).clamp(1, GRAIN), |position, [i, o], n| {
        for j in 0..n as isize {
            // SAFETY: the walk stays within the views; the class is checked before its place is written.
            unsafe {
                let k = index.ptr().offset(i + j * si).cast::<i64>().read_unaligned();
                if k < 0 {
                    return negative.note(position, k);
                }
                if k >= classes {
                    return large.note(position, k);
                }
                let row = out.ptr().offset(o + j * so);
                if step == 8 {
                    std::ptr::write_bytes(row.cast::<i64>(), 0, classes as usize);
                } else {
                    for c in 0..classes as isize {
                        row.offset(c * step).cast::<i64>().write_unaligned(0);
                    }
                }
                row.offset(k as isize * step).cast::<i64>().write_unaligned(1);
            }
        }
        true
    });
    negative.check(|_| Error::runtime("Class values must be non-negative."))?;
    large.check(|_| Error::runtime("Class values must be smaller than num_classes."))
}
