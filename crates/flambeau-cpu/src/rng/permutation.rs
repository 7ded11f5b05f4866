//! Random permutations.

use flambeau_types::{DType, Error, Result};

use super::Generator;
use super::check::{digits, unimplemented};
use super::fill::{Number, dispatch};
use crate::ViewMut;

/// From this length on, 32 bits would favour some places.
const LONG: usize = (u32::MAX / 20) as usize;

/// Checks that a dtype can hold a permutation of `n` numbers. Callers check before they allocate.
pub fn check_randperm(n: i64, dtype: DType) -> Result<()> {
    if n < 0 {
        return Err(Error::runtime(format!("n must be non-negative, got{n}")));
    }
    let overflow = |name: &str, max: i64| match n - 1 > max {
        true => Err(Error::runtime(format!("value cannot be converted to type {name} without overflow"))),
        false => Ok(()),
    };
    match dtype {
        DType::U8 => overflow("uint8_t", u8::MAX as i64),
        DType::I8 => overflow("int8_t", i8::MAX as i64),
        DType::I16 => overflow("int16_t", i16::MAX as i64),
        DType::I32 => overflow("int", i32::MAX as i64),
        DType::F16 | DType::F32 | DType::F64 if n > (1 << digits(dtype)) + 1 => {
            let limit = match dtype {
                DType::F16 => "2049".to_string(),
                _ => format!("2^{}+1", digits(dtype)),
            };
            Err(Error::runtime(format!("n cannot be greater than {limit} for {} type.", dtype.title())))
        }
        DType::I64 | DType::BF16 | DType::F16 | DType::F32 | DType::F64 => Ok(()),
        DType::Bool | DType::C64 | DType::C128 => Err(unimplemented("randperm", dtype)),
    }
}

/// Fills a 1-d view of `n` elements with a permutation of `0..n`.
pub fn randperm(g: &mut Generator, n: usize, out: &mut ViewMut) -> Result<()> {
    check_randperm(n as i64, out.dtype())?;
    debug_assert!(out.ndim() == 1 && out.numel() == n);
    let n = n.min(out.numel());
    let stride = out.strides().first().map_or(1, |&s| s as isize);
    dispatch!(number, out.dtype(), "randperm", T => {
        let at: *mut T = out.ptr().cast();
        // SAFETY: all indices below are less than `n`, the length of this 1-d view.
        unsafe {
            if n >= LONG {
                inside_out(g, n, at, stride);
            } else if stride == 1 && at.is_aligned() {
                shuffle(g, std::slice::from_raw_parts_mut(at, n));
            } else {
                let mut values = vec![T::default(); n];
                shuffle(g, &mut values);
                for (i, v) in values.into_iter().enumerate() {
                    at.offset(i as isize * stride).write_unaligned(v);
                }
            }
        }
    });
    Ok(())
}

/// Fisher-Yates from the front.
fn shuffle<T: Number>(g: &mut Generator, values: &mut [T]) {
    let n = values.len();
    for (i, v) in values.iter_mut().enumerate() {
        *v = T::of_i64(i as i64);
    }
    for i in 0..n.saturating_sub(1) {
        let j = g.random() % (n - i) as u32;
        values.swap(i, i + j as usize);
    }
}

/// Fisher-Yates without initialisation, with 64 bits for each place.
///
/// # Safety
/// `at` must point to `n` elements `stride` apart.
unsafe fn inside_out<T: Number>(g: &mut Generator, n: usize, at: *mut T, stride: isize) {
    for i in 0..n {
        let j = (g.random64() % (i as u64 + 1)) as usize;
        // SAFETY: `j <= i < n`; element `j` was written before, or is element `i`, written first.
        unsafe {
            let (here, there) = (at.offset(i as isize * stride), at.offset(j as isize * stride));
            here.write_unaligned(T::of_i64(i as i64));
            here.write_unaligned(there.read_unaligned());
            there.write_unaligned(T::of_i64(i as i64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_out_permutes() {
        let mut values = vec![0i32; 1000];
        // SAFETY: the vector has 1000 elements.
        unsafe { inside_out(&mut Generator::new(1), 1000, values.as_mut_ptr(), 1) };
        assert_ne!(values[..5], [0, 1, 2, 3, 4]);
        values.sort();
        assert!(values.iter().enumerate().all(|(i, &v)| i as i32 == v));
    }
}
