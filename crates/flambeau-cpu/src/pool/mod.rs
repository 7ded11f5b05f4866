//! Pooling over windows of the last two dimensions, [`max_pool2d`], [`avg_pool2d`] and their gradients, and of one to three:
//! [`max_windows`], [`avg_windows`].

mod avg;
mod max;
mod mean;
mod windows;

#[cfg(test)]
mod tests;

pub use avg::{AvgPoolShape, avg_pool2d, avg_pool2d_backward};
pub use max::{max_pool2d, max_pool2d_backward};
pub use windows::{
    Window, Windows, adaptive_windows, avg_windows, avg_windows_backward, fixed_windows, max_windows, max_windows_each,
};

/// How windows move over an image: sizes for height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolShape {
    /// The window's size.
    pub kernel: [i64; 2],
    /// From one window to the next.
    pub stride: [i64; 2],
    /// How far the first window starts before the image, at most half the kernel.
    pub padding: [i64; 2],
    /// Distance between a window's elements.
    pub dilation: [i64; 2],
}

/// The number of windows along one dimension. With `ceil_mode` a last window may reach beyond the padding, if it starts
/// before its end.
pub fn pool_output_size(input: i64, kernel: i64, stride: i64, padding: i64, dilation: i64, ceil_mode: bool) -> i64 {
    let span = input + 2 * padding - dilation * (kernel - 1) - 1 + if ceil_mode { stride - 1 } else { 0 };
    let n = span.div_euclid(stride) + 1;
    if ceil_mode && (n - 1) * stride >= input + padding { n - 1 } else { n }
}

/// Elements of work worth a thread.
const GRAIN: usize = 1 << 15;

/// The planes of a (N, C, H, W) or (C, H, W) shape, and their height and width.
fn planes(sizes: &[i64]) -> (usize, i64, i64) {
    debug_assert!(sizes.len() >= 2);
    let (lead, plane) = sizes.split_at(sizes.len() - 2);
    (lead.iter().product::<i64>() as usize, plane[0], plane[1])
}

/// An element as the number that pooling computes with.
trait Pooled: flambeau_types::Element {
    /// Sums are made in this type.
    type Sum: Copy;
    const LOWEST: Self;
    const ZERO: Self::Sum;
    fn exceeds(self, other: Self) -> bool;
    fn add(sum: Self::Sum, x: Self) -> Self::Sum;
    /// A sum of `self` divided by a count, rounded.
    fn mean(sum: Self::Sum, count: i64) -> Self;
    fn round(sum: Self::Sum) -> Self;
}

macro_rules! pooled {
    (int $($t:ty)*) => {$(
        impl Pooled for $t {
            type Sum = i64;
            const LOWEST: Self = <$t>::MIN;
            const ZERO: i64 = 0;
            #[inline(always)]
            fn exceeds(self, other: Self) -> bool { self > other }
            #[inline(always)]
            fn add(sum: i64, x: Self) -> i64 { sum.wrapping_add(x as i64) }
            #[inline(always)]
            fn mean(sum: i64, count: i64) -> Self { (sum / count) as $t }
            #[inline(always)]
            fn round(sum: i64) -> Self { sum as $t }
        }
    )*};
    (float $($t:ty => $s:ty, |$x:ident| $widen:expr, |$y:ident| $narrow:expr, $lowest:expr;)*) => {$(
        impl Pooled for $t {
            type Sum = $s;
            const LOWEST: Self = $lowest;
            const ZERO: $s = 0.0;
            // A nan exceeds everything, also another nan: the last one wins, as in PyTorch.
            #[inline(always)]
            fn exceeds(self, other: Self) -> bool { self > other || self.is_nan() }
            #[inline(always)]
            fn add(sum: $s, $x: Self) -> $s { sum + $widen }
            #[inline(always)]
            fn mean(sum: $s, count: i64) -> Self { let $y = sum / count as $s; $narrow }
            #[inline(always)]
            fn round($y: $s) -> Self { $narrow }
        }
    )*};
}
pooled!(int u8 i8 i16 i32 i64);
pooled!(float
    f32 => f32, |x| x, |y| y, f32::NEG_INFINITY;
    f64 => f64, |x| x, |y| y, f64::NEG_INFINITY;
    flambeau_types::f16 => f32, |x| x.to_f32(), |y| flambeau_types::f16::from_f32(y), flambeau_types::f16::NEG_INFINITY;
    flambeau_types::bf16 => f32, |x| x.to_f32(), |y| flambeau_types::bf16::from_f32(y), flambeau_types::bf16::NEG_INFINITY;
);

/// Calls a generic function for the types that can be pooled: not bool, not complex.
macro_rules! by_pooled {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            flambeau_types::DType::C64 | flambeau_types::DType::C128 | flambeau_types::DType::Bool => {}
            flambeau_types::DType::U8 => {
                type $t = u8;
                $body
            }
            flambeau_types::DType::I8 => {
                type $t = i8;
                $body
            }
            flambeau_types::DType::I16 => {
                type $t = i16;
                $body
            }
            flambeau_types::DType::I32 => {
                type $t = i32;
                $body
            }
            flambeau_types::DType::I64 => {
                type $t = i64;
                $body
            }
            flambeau_types::DType::F16 => {
                type $t = flambeau_types::f16;
                $body
            }
            flambeau_types::DType::BF16 => {
                type $t = flambeau_types::bf16;
                $body
            }
            flambeau_types::DType::F32 => {
                type $t = f32;
                $body
            }
            flambeau_types::DType::F64 => {
                type $t = f64;
                $body
            }
        }
    };
}
use by_pooled;
