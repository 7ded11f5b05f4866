//! Writing drawn numbers into views, and the conversions from what was drawn to the element type.

use std::convert::Infallible;

use flambeau_types::{Element, bf16, f16};

use super::Generator;
use super::order::Order;
use crate::ViewMut;

/// Draws converted at a time: the block stays in the first cache.
pub(super) const BLOCK: usize = 512;

/// A real element, as it is made of a computed number.
pub(super) trait Number: Element {
    fn of_f64(v: f64) -> Self;
    fn of_f32(v: f32) -> Self;
    fn of_i64(v: i64) -> Self;
}

macro_rules! number {
    ($($t:ty, $f:ident, $d:ident, $i:ident => $from64:expr, $from32:expr, $from_int:expr;)*) => {$(
        impl Number for $t {
            #[inline(always)]
            fn of_f64($d: f64) -> Self { $from64 }
            #[inline(always)]
            fn of_f32($f: f32) -> Self { $from32 }
            #[inline(always)]
            fn of_i64($i: i64) -> Self { $from_int }
        }
    )*};
}

number! {
    bool, f, d, i => d != 0.0,                   f != 0.0,          i != 0;
    u8,   f, d, i => d as i64 as u8,             f as i64 as u8,    i as u8;
    i8,   f, d, i => d as i64 as i8,             f as i64 as i8,    i as i8;
    i16,  f, d, i => d as i64 as i16,            f as i64 as i16,   i as i16;
    i32,  f, d, i => d as i64 as i32,            f as i64 as i32,   i as i32;
    i64,  f, d, i => d as i64,                   f as i64,          i;
    f16,  f, d, i => half_of(d as f32),    half_of(f),  half_of(i as f32);
    bf16, f, d, i => brain_of(d as f32),   brain_of(f), brain_of(i as f32);
    f32,  f, d, i => d as f32,                   f,                 i as f32;
    f64,  f, d, i => d,                          f as f64,          i as f64;
}

/// Rounds to half precision, without branches: the loops over it vectorise.
#[inline(always)]
fn half_of(v: f32) -> f16 {
    let bits = v.to_bits();
    let size = bits & 0x7fff_ffff;
    let normal = size.wrapping_sub(0x3800_0000).wrapping_add(0xfff + ((size >> 13) & 1)) >> 13;
    // Added to 0.5, the last bit of a subnormal half is the last bit of the sum.
    let subnormal = (f32::from_bits(size) + 0.5).to_bits().wrapping_sub(0.5f32.to_bits());
    let finite = if size < 0x3880_0000 { subnormal } else { normal };
    let large = if size > 0x7f80_0000 { 0x7e00 } else { 0x7c00 };
    let rounded = if size >= 0x4780_0000 { large } else { finite };
    f16::from_bits((bits >> 16 & 0x8000 | rounded) as u16)
}

/// Rounds to bfloat16, without branches.
#[inline(always)]
fn brain_of(v: f32) -> bf16 {
    let bits = v.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    bf16::from_bits(if v.is_nan() { bits >> 16 | 0x40 } else { rounded } as u16)
}

/// Runs `$body` with `$t` as the Rust type of a dtype of the group `real` (bool, integers, floats), `number` (not bool)
/// or `float`; other dtypes are the error PyTorch gives when the kernel of this name lacks them.
macro_rules! dispatch {
    (real, $dtype:expr, $name:expr, $t:ident => $body:expr) => {
        match $dtype {
            flambeau_types::DType::Bool => { type $t = bool; $body }
            other => dispatch!(number, other, $name, $t => $body),
        }
    };
    (number, $dtype:expr, $name:expr, $t:ident => $body:expr) => {
        match $dtype {
            flambeau_types::DType::U8 => { type $t = u8; $body }
            flambeau_types::DType::I8 => { type $t = i8; $body }
            flambeau_types::DType::I16 => { type $t = i16; $body }
            flambeau_types::DType::I32 => { type $t = i32; $body }
            flambeau_types::DType::I64 => { type $t = i64; $body }
            other => dispatch!(float, other, $name, $t => $body),
        }
    };
    (float, $dtype:expr, $name:expr, $t:ident => $body:expr) => {
        match $dtype {
            flambeau_types::DType::F16 => { type $t = flambeau_types::f16; $body }
            flambeau_types::DType::BF16 => { type $t = flambeau_types::bf16; $body }
            flambeau_types::DType::F32 => { type $t = f32; $body }
            flambeau_types::DType::F64 => { type $t = f64; $body }
            other => return Err($crate::rng::check::unimplemented($name, other)),
        }
    };
}
pub(super) use dispatch;

/// True if the processor has AVX2 and FMA.
#[inline]
pub(super) fn has_fma() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Writes `f(draw)` of one 32-bit draw to each element.
pub(super) fn fill32<T: Element>(g: &mut Generator, out: &mut ViewMut, f: impl Fn(u32) -> T) {
    debug_assert_eq!(T::DTYPE, out.dtype());
    let order = Order::new(out.sizes(), [out.strides()]);
    let ptr: *mut T = out.ptr().cast();
    let Some(n) = order.dense_len() else { return each(&order, ptr, || f(g.random())) };
    let mut draws = [0u32; BLOCK];
    let mut done = 0;
    while done < n {
        let block = &mut draws[..BLOCK.min(n - done)];
        g.fill(block);
        // SAFETY: `done + block.len() <= n`, the number of elements that lie densely from `ptr`.
        unsafe { convert(block, ptr.add(done), |b| f(*b)) };
        done += block.len();
    }
}

/// Writes `f(draw)` of one 64-bit draw to each element.
pub(super) fn fill64<T: Element>(g: &mut Generator, out: &mut ViewMut, f: impl Fn(u64) -> T) {
    debug_assert_eq!(T::DTYPE, out.dtype());
    let order = Order::new(out.sizes(), [out.strides()]);
    let ptr: *mut T = out.ptr().cast();
    let Some(n) = order.dense_len() else { return each(&order, ptr, || f(g.random64())) };
    let mut draws = [[0u32; 2]; BLOCK];
    let mut done = 0;
    while done < n {
        let block = &mut draws[..BLOCK.min(n - done)];
        g.fill(block.as_flattened_mut());
        // SAFETY: as in `fill32`.
        unsafe { convert(block, ptr.add(done), |b| f((b[0] as u64) << 32 | b[1] as u64)) };
        done += block.len();
    }
}

/// Writes what `next` returns to each element in turn.
pub(super) fn fill_with<T: Element>(out: &mut ViewMut, next: impl FnMut() -> T) {
    debug_assert_eq!(T::DTYPE, out.dtype());
    each(&Order::new(out.sizes(), [out.strides()]), out.ptr().cast(), next);
}

fn each<T: Element>(order: &Order<1>, ptr: *mut T, mut next: impl FnMut() -> T) {
    let _: Result<(), Infallible> = order.try_for_each(|[o]| {
        // SAFETY: the order only yields offsets of elements of the view that `ptr` and the order were taken from.
        unsafe { ptr.offset(o).write_unaligned(next()) };
        Ok(())
    });
}

#[inline(always)]
unsafe fn convert_body<D, T>(draws: &[D], to: *mut T, f: impl Fn(&D) -> T) {
    for (i, d) in draws.iter().enumerate() {
        // SAFETY: `i < draws.len()`; the caller promised that many elements.
        unsafe { to.add(i).write_unaligned(f(d)) };
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn convert_avx2<D, T>(draws: &[D], to: *mut T, f: impl Fn(&D) -> T) {
    // SAFETY: forwarded to the caller.
    unsafe { convert_body(draws, to, f) }
}

/// Writes `f` of each draw.
///
/// # Safety
/// `to` must point to memory for as many elements as there are draws.
unsafe fn convert<D, T>(draws: &[D], to: *mut T, f: impl Fn(&D) -> T) {
    #[cfg(target_arch = "x86_64")]
    if has_fma() {
        // SAFETY: the processor has AVX2 and FMA; the rest is forwarded to the caller.
        return unsafe { convert_avx2(draws, to, f) };
    }
    // SAFETY: forwarded to the caller.
    unsafe { convert_body(draws, to, f) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_to_nearest_even() {
        for high in 0..=u16::MAX {
            for low in [0u32, 1, 0xfff, 0x1000, 0x1001, 0x7fff, 0x8000, 0x8001, 0xf000, 0xffff] {
                let v = f32::from_bits((high as u32) << 16 | low);
                if v.is_nan() {
                    assert!(half_of(v).is_nan() && brain_of(v).is_nan());
                } else {
                    assert_eq!(half_of(v).to_bits(), f16::from_f32(v).to_bits(), "{v:e}");
                    assert_eq!(brain_of(v).to_bits(), bf16::from_f32(v).to_bits(), "{v:e}");
                }
            }
        }
    }
}
