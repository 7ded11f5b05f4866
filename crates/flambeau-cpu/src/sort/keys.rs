//! Elements as unsigned integers of the same order.

use flambeau_types::{DType, Element, Error, Result, bf16, f16};

/// A key and an index in one word, ordered by key, then index.
pub(crate) trait Word: Copy + Ord + Default + Send + Sync {
    /// Bits of the key.
    const KEY_BITS: u32;
    /// Packs.
    fn pack(key: u64, index: usize) -> Self;
    /// The key.
    fn key(self) -> u64;
    /// The index.
    fn index(self) -> usize;
    /// Some bits of the key.
    fn digit(self, shift: u32, mask: usize) -> usize;
}

impl Word for u64 {
    const KEY_BITS: u32 = 32;
    #[inline(always)]
    fn pack(key: u64, index: usize) -> u64 {
        key << 32 | index as u64
    }
    #[inline(always)]
    fn key(self) -> u64 {
        self >> 32
    }
    #[inline(always)]
    fn index(self) -> usize {
        self as u32 as usize
    }
    #[inline(always)]
    fn digit(self, shift: u32, mask: usize) -> usize {
        (self >> (32 + shift)) as usize & mask
    }
}

impl Word for u128 {
    const KEY_BITS: u32 = 64;
    #[inline(always)]
    fn pack(key: u64, index: usize) -> u128 {
        (key as u128) << 64 | index as u128
    }
    #[inline(always)]
    fn key(self) -> u64 {
        (self >> 64) as u64
    }
    #[inline(always)]
    fn index(self) -> usize {
        self as usize
    }
    #[inline(always)]
    fn digit(self, shift: u32, mask: usize) -> usize {
        ((self >> 64) as u64 >> shift) as usize & mask
    }
}

/// An element that can be ordered.
pub(crate) trait Key: Element + PartialOrd {
    /// Bits that its key uses.
    const WIDTH: u32;
    /// The word that holds its key and an index below 2^32.
    type Word: Word;
    /// The key: less for a smaller element, all ones (of `BITS`) for NaN and for no other float.
    fn key(self) -> u64;
    /// The element of a key; not NaN, and never -0.
    fn of_key(key: u64) -> Self;
    /// True for an element that [`Key::of_key`] cannot restore: NaN and -0.
    #[inline(always)]
    fn is_lossy(self) -> bool {
        false
    }
    /// True for the key of NaN.
    #[inline(always)]
    fn is_nan_key(_: u64) -> bool {
        false
    }
}

macro_rules! integer {
    ($($t:ty, $u:ty, $w:ty, $flip:expr;)*) => {$(
        impl Key for $t {
            const WIDTH: u32 = <$t>::BITS;
            type Word = $w;
            #[inline(always)] fn key(self) -> u64 { (self as $u ^ $flip) as u64 }
            #[inline(always)] fn of_key(key: u64) -> $t { (key as $u ^ $flip) as $t }
        }
    )*};
}
integer! {
    u8, u8, u64, 0;
    i8, u8, u64, 1 << 7;
    i16, u16, u64, 1 << 15;
    i32, u32, u64, 1 << 31;
    i64, u64, u128, 1 << 63;
}

impl Key for bool {
    const WIDTH: u32 = 8;
    type Word = u64;
    #[inline(always)]
    fn key(self) -> u64 {
        self as u64
    }
    #[inline(always)]
    fn of_key(key: u64) -> bool {
        key != 0
    }
}

macro_rules! float {
    ($($t:ty, $u:ty, $w:ty, $nan:expr;)*) => {$(
        impl Key for $t {
            const WIDTH: u32 = <$u>::BITS;
            type Word = $w;
            #[inline(always)]
            fn key(self) -> u64 {
                const TOP: $u = 1 << (<$u>::BITS - 1);
                let b = self.to_bits();
                // Negative numbers are reversed; adding to TOP - 0 makes -0 the key of 0.
                let k = if b & TOP != 0 { (TOP).wrapping_sub(b & !TOP) } else { b | TOP };
                (if b & !TOP > $nan { <$u>::MAX } else { k }) as u64
            }
            #[inline(always)]
            fn of_key(key: u64) -> $t {
                const TOP: $u = 1 << (<$u>::BITS - 1);
                let k = key as $u;
                <$t>::from_bits(if k >= TOP { k & !TOP } else { TOP.wrapping_sub(k) | TOP })
            }
            #[inline(always)]
            fn is_lossy(self) -> bool {
                const TOP: $u = 1 << (<$u>::BITS - 1);
                let b = self.to_bits();
                b == TOP || b & !TOP > $nan
            }
            #[inline(always)]
            fn is_nan_key(key: u64) -> bool {
                key as $u == <$u>::MAX
            }
        }
    )*};
}
// The last column: the bits of infinity, above which NaN begins.
float! {
    f32, u32, u64, 0x7f80_0000;
    f64, u64, u128, 0x7ff0_0000_0000_0000;
    f16, u16, u64, 0x7c00;
    bf16, u16, u64, 0x7f80;
}

/// The complaint that an operator has no order for complex numbers, as most of PyTorch's kernels put it.
pub(crate) fn not_implemented(kernel: &str, dtype: DType) -> Error {
    Error::not_implemented(format!("\"{kernel}\" not implemented for '{}'", dtype.title()))
}

/// Refuses the complex types.
pub(crate) fn check_ordered(kernel: &str, dtype: DType) -> Result<()> {
    if dtype.is_complex() { Err(not_implemented(kernel, dtype)) } else { Ok(()) }
}

/// Runs the body with `$t` as the [`Key`] of a dtype that [`check_ordered`] has let through.
macro_rules! by_key {
    ($dtype:expr, $t:ident => $body:expr) => {
        by_key!(@ $dtype, $t, $body,
            Bool bool, U8 u8, I8 i8, I16 i16, I32 i32, I64 i64, F16 flambeau_types::f16, BF16 flambeau_types::bf16,
            F32 f32, F64 f64)
    };
    (@ $dtype:expr, $t:ident, $body:expr, $($d:ident $e:ty),*) => {
        match $dtype {
            $(flambeau_types::DType::$d => {
                type $t = $e;
                $body
            })*
            flambeau_types::DType::C64 | flambeau_types::DType::C128 => {
                return Err(flambeau_types::Error::not_implemented("complex numbers have no order"))
            }
        }
    };
}
pub(crate) use by_key;
