//! Discrete uniform distributions (`randint`, `random_`).

use flambeau_types::{DType, Error, Result};

use super::Generator;
use super::check::{cpp_name, digits, largest, unimplemented};
use super::fill::{Number, dispatch, fill32, fill64};
use crate::ViewMut;

/// From this range on, an element takes 64 bits.
const WIDE: u64 = 1 << 28;

/// Fills with integers of `[from, to)`.
pub fn random_from_to(g: &mut Generator, out: &mut ViewMut, from: i64, to: i64) -> Result<()> {
    if from >= to {
        return Err(Error::runtime(format!(
            "random_ expects 'from' to be less than 'to', but got from={from} >= to={to}"
        )));
    }
    let dtype = out.dtype();
    let (from, to) = if dtype.is_floating() {
        let (from, to) = (next_from(dtype, from), next_to(dtype, to));
        if from >= to {
            return Err(Error::runtime(format!(
                "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but got from={from} >= to={to}"
            )));
        }
        (from, to)
    } else {
        (from, to)
    };
    check_bounds(dtype, from, to.wrapping_sub(1))?;
    draw(g, out, from, (to as u64).wrapping_sub(from as u64))
}

/// Fills with integers from `from` to the greatest one of the dtype (`random_(from, None)`); from the least `i64` on,
/// with all 64 bits.
pub fn random_from(g: &mut Generator, out: &mut ViewMut, from: i64) -> Result<()> {
    let dtype = out.dtype();
    if from == i64::MIN {
        return all_bits(g, out);
    }
    let (from, last) = if dtype.is_floating() {
        let (from, last) = (next_from(dtype, from), 1i64 << digits(dtype));
        if from >= last {
            return Err(Error::runtime(format!(
                "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to dtype, but got \
                 from={from} > to_inc={last}"
            )));
        }
        (from, last)
    } else if dtype.is_integral() {
        (from, integer_bounds(dtype).1)
    } else {
        return Err(Error::runtime("random_from_to_impl handles only integral, floating-point and boolean types"));
    };
    check_bounds(dtype, from, last)?;
    draw(g, out, from, (last as u64).wrapping_sub(from as u64).wrapping_add(1))
}

/// Fills with integers from 0 to the greatest one of the dtype, or to `2^digits` for floating-point dtypes (`random_()`).
pub fn random_full(g: &mut Generator, out: &mut ViewMut) -> Result<()> {
    if out.numel() == 0 {
        return Ok(());
    }
    match out.dtype() {
        DType::Bool => fill32(g, out, |b| b & 1 == 1),
        DType::U8 => fill32(g, out, |b| b as u8),
        DType::I8 => fill32(g, out, |b| (b & 0x7f) as i8),
        DType::I16 => fill32(g, out, |b| (b & 0x7fff) as i16),
        DType::I32 => fill32(g, out, |b| (b & 0x7fff_ffff) as i32),
        DType::I64 => fill64(g, out, |b| (b & i64::MAX as u64) as i64),
        DType::F64 => fill64(g, out, |b| (b % ((1 << 53) + 1)) as f64),
        dtype => dispatch!(float, dtype, "random_kernel_cpu", T => {
            let range = (1u32 << digits(dtype)) + 1;
            fill32(g, out, |b| T::of_i64((b % range) as i64));
        }),
    }
    Ok(())
}

fn all_bits(g: &mut Generator, out: &mut ViewMut) -> Result<()> {
    const KERNEL: &str = "random_full_64_bits_range_kernel_cpu";
    if out.numel() == 0 {
        return Ok(());
    }
    match out.dtype() {
        DType::I64 => fill64(g, out, |b| b as i64),
        DType::F64 => fill64(g, out, |b| b as i64 as f64),
        DType::F32 => fill64(g, out, |b| b as i64 as f32),
        DType::BF16 => fill64(g, out, |b| flambeau_types::bf16::of_i64(b as i64)),
        dtype @ (DType::Bool | DType::F16 | DType::C64 | DType::C128) => return Err(unimplemented(KERNEL, dtype)),
        _ => return Err(Error::runtime(format!("{KERNEL} handles only int64, double, float and bfloat16"))),
    }
    Ok(())
}

fn draw(g: &mut Generator, out: &mut ViewMut, from: i64, range: u64) -> Result<()> {
    dispatch!(real, out.dtype(), "random_from_to_kernel_cpu", T => {
        if range >= WIDE {
            fill64(g, out, |b| T::of_i64((b % range).wrapping_add(from as u64) as i64));
        } else {
            // The remainder by two multiplications: exact for 32 bits (Lemire, Kaser and Kurz).
            let inverse = (u64::MAX / range).wrapping_add(1);
            fill32(g, out, |b| {
                let rest = (inverse.wrapping_mul(b as u64) as u128 * range as u128) >> 64;
                T::of_i64(rest as i64 + from)
            });
        }
    });
    Ok(())
}

fn integer_bounds(dtype: DType) -> (i64, i64) {
    match dtype {
        DType::Bool => (0, 1),
        DType::U8 => (0, u8::MAX as i64),
        DType::I8 => (i8::MIN as i64, i8::MAX as i64),
        DType::I16 => (i16::MIN as i64, i16::MAX as i64),
        DType::I32 => (i32::MIN as i64, i32::MAX as i64),
        _ => (i64::MIN, i64::MAX),
    }
}

fn check_bounds(dtype: DType, from: i64, last: i64) -> Result<()> {
    let outside = |v: i64| match dtype.is_floating() {
        true => (v as f64).abs() > largest(dtype),
        false => {
            let (low, high) = integer_bounds(dtype);
            v < low || v > high
        }
    };
    if dtype.is_complex() {
        return Err(Error::runtime("check_random_bounds handles only integral, floating-point and boolean types"));
    }
    for (v, name) in [(from, "from"), (last, "to - 1")] {
        if outside(v) {
            return Err(Error::runtime(format!("{name} is out of bounds for {}", cpp_name(dtype))));
        }
    }
    Ok(())
}

/// The integer that is left of `v` when rounded to a floating-point dtype and back; the least one if that is too large,
/// as the processor converts.
fn rounded(dtype: DType, v: i64) -> i64 {
    let there = match dtype {
        DType::F16 => flambeau_types::f16::of_i64(v).to_f64(),
        DType::BF16 => flambeau_types::bf16::of_i64(v).to_f64(),
        DType::F32 => v as f32 as f64,
        _ => v as f64,
    };
    if there.abs() < -(i64::MIN as f64) { there as i64 } else { i64::MIN }
}

/// The spacing of a dtype's numbers around `v`.
fn spacing(dtype: DType, v: i64) -> i64 {
    let log2 = v.unsigned_abs().max(1).ilog2();
    1i64.checked_shl((log2 + 1).saturating_sub(digits(dtype))).unwrap_or(0)
}

/// The first integer from `from` on that survives rounding to the dtype.
fn next_from(dtype: DType, from: i64) -> i64 {
    let next = rounded(dtype, from.wrapping_add(1));
    if next < from { next.wrapping_add(spacing(dtype, from.wrapping_add(1))) } else { from }
}

/// The last end of the range up to `to` whose predecessor stays below it when rounded to the dtype.
fn next_to(dtype: DType, to: i64) -> i64 {
    let before = rounded(dtype, to.wrapping_sub(1));
    if before >= to { before.wrapping_sub(spacing(dtype, to.wrapping_sub(1))) } else { to }
}
