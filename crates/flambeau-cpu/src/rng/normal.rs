//! Normal and log-normal distributions.

use flambeau_types::{DType, Error, Result, bf16, f16};

use super::Generator;
use super::box_muller::{pairs_f32, pairs_f64};
use super::check::{short, unimplemented};
use super::fill::{BLOCK, Number, dispatch, fill_with};
use super::generator::{unit_f32, unit_f64};
use super::uniform::parts;
use crate::ViewMut;
use crate::threads::parallel_for;

/// Fills with normal numbers. Complex elements get the variance shared between their parts.
///
/// A row-major view of 16 elements or more is made in groups of 16, in single precision up to `float32`; all others one by
/// one in double precision, two from each pair of draws.
pub fn normal(g: &mut Generator, out: &mut ViewMut, mean: f64, std: f64) -> Result<()> {
    if std.is_nan() || std < 0.0 {
        return Err(Error::runtime(format!("normal expects std >= 0.0, but found std {}", short(std))));
    }
    let n = out.numel();
    if n == 0 {
        return Ok(());
    }
    let dtype = out.dtype();
    if dtype.is_complex() {
        return parts(out, |parts| normal(g, parts, mean, std / std::f64::consts::SQRT_2));
    }
    if !dtype.is_floating() {
        return Err(unimplemented("normal_kernel_cpu", dtype));
    }
    if n >= 16 && out.is_contiguous() {
        let (ptr, m, s) = (out.ptr(), mean as f32, std as f32);
        // SAFETY: `n` elements of this dtype lie contiguously from the view's address, and are borrowed mutably.
        unsafe {
            match dtype {
                DType::F64 => sixteens_f64(g, ptr.cast(), n, mean, std),
                DType::F32 => sixteens::<f32>(g, ptr.cast(), n, m, s),
                DType::F16 => sixteens::<f16>(g, ptr.cast(), n, m, s),
                _ => sixteens::<bf16>(g, ptr.cast(), n, m, s),
            }
        }
        return Ok(());
    }
    dispatch!(float, dtype, "normal_kernel_cpu", T => {
        fill_with(out, || T::of_f64(g.standard_normal().mul_add(std, mean)));
    });
    Ok(())
}

/// Fills with `exp` of normal numbers.
pub fn log_normal(g: &mut Generator, out: &mut ViewMut, mean: f64, std: f64) -> Result<()> {
    if std.is_nan() || std <= 0.0 {
        return Err(Error::runtime(format!("log_normal_ expects std > 0.0, but found std={}", short(std))));
    }
    if out.numel() == 0 {
        return Ok(());
    }
    dispatch!(float, out.dtype(), "log_normal_cpu", T => {
        fill_with(out, || T::of_f64(g.standard_normal().mul_add(std, mean).exp()));
    });
    Ok(())
}

/// Groups of 16 in single precision. A rest shorter than 16 is made by drawing the last 16 elements once more.
///
/// # Safety
/// `to` must point to memory for `n >= 16` elements.
unsafe fn sixteens<T: Number>(g: &mut Generator, to: *mut T, n: usize, mean: f32, std: f32) {
    let mut draws = [0u32; BLOCK];
    let mut make = |g: &mut Generator, at: usize, len: usize| {
        let mut values = [0f32; BLOCK];
        g.fill(&mut draws[..len]);
        for (v, &d) in values[..len].iter_mut().zip(&draws) {
            *v = unit_f32(d);
        }
        pairs_f32(&mut values[..len], mean, std);
        for (i, &v) in values[..len].iter().enumerate() {
            // SAFETY: `at + len <= n` in all calls below.
            unsafe { to.add(at + i).write_unaligned(T::of_f32(v)) };
        }
    };
    let whole = n / 16 * 16;
    let mut done = 0;
    while done < whole {
        let len = BLOCK.min(whole - done);
        make(g, done, len);
        done += len;
    }
    if n > whole {
        // Only float32 had its uniform numbers drawn for all elements before.
        if T::DTYPE == DType::F32 {
            g.skip(n - whole);
        }
        make(g, n - 16, 16);
    }
}

/// Groups of 16 in double precision; the transformation dominates and is shared between threads.
///
/// # Safety
/// `to` must point to memory for `n >= 16` elements.
unsafe fn sixteens_f64(g: &mut Generator, to: *mut f64, n: usize, mean: f64, std: f64) {
    struct Out(*mut f64);
    // SAFETY: each thread touches groups of its own.
    unsafe impl Sync for Out {}
    let out = Out(to);
    let out = &out;
    let draw = |g: &mut Generator, at: usize, len: usize| {
        for i in at..at + len {
            // SAFETY: `at + len <= n`.
            unsafe { out.0.add(i).write_unaligned(unit_f64(g.random64())) };
        }
    };
    let group = |at: usize| {
        let mut values = [0f64; 16];
        // SAFETY: `at + 16 <= n`.
        unsafe { std::ptr::copy_nonoverlapping(out.0.add(at).cast::<u8>(), values.as_mut_ptr().cast(), 128) };
        pairs_f64(&mut values, mean, std);
        // SAFETY: as above.
        unsafe { std::ptr::copy_nonoverlapping(values.as_ptr().cast::<u8>(), out.0.add(at).cast(), 128) };
    };
    draw(g, 0, n);
    parallel_for(0..n / 16, 128, |groups| groups.for_each(|i| group(i * 16)));
    if !n.is_multiple_of(16) {
        draw(g, n - 16, 16);
        group(n - 16);
    }
}
