//! Conversion between dtypes, with PyTorch's rules: floats truncate to integers and those out of range give what x86's
//! conversion instructions give, complex numbers drop their imaginary part, anything but zero is true.

use flambeau_types::{Complex32, Complex64, DType};

#[cfg(target_arch = "x86_64")]
use super::half::vector;
use super::half::{bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16};
#[cfg(target_arch = "x86_64")]
use crate::math::Level;
use crate::math::level;

/// A loop that converts `n` adjacent elements. The two blocks must not overlap.
pub(crate) type Convert = unsafe fn(n: usize, from: *const u8, to: *mut u8);

/// A bool in memory: any byte, true unless 0.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Bool(u8);

/// A float16 in memory.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Half(u16);

/// A bfloat16 in memory.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Brain(u16);

trait Cast<To>: Copy {
    fn cast(self) -> To;
}

macro_rules! cast {
    ($($from:ty => $($to:ty)|+, $x:ident: $e:expr;)*) => {$($(
        impl Cast<$to> for $from {
            #[inline(always)]
            fn cast(self) -> $to { let $x = self; $e }
        }
    )+)*};
}

macro_rules! real {
    ($($t:ty, $x:ident: $number:expr, $truth:expr;)*) => {$(
        cast! {
            $t => f32, $x: $number as f32;
            $t => f64, $x: $number as f64;
            $t => Bool, $x: Bool($truth as u8);
            $t => Half, $x: Half(f32_to_f16($number as f32));
            $t => Brain, $x: Brain(f32_to_bf16($number as f32));
            $t => Complex32, $x: Complex32::new($number as f32, 0.0);
            $t => Complex64, $x: Complex64::new($number as f64, 0.0);
        }
    )*};
}
real! {
    Bool, x: (x.0 != 0) as u8, x.0 != 0;
    u8, x: x, x != 0;
    i8, x: x, x != 0;
    i16, x: x, x != 0;
    i32, x: x, x != 0;
    i64, x: x, x != 0;
    f32, x: x, x != 0.0;
    f64, x: x, x != 0.0;
    Half, x: f16_to_f32(x.0), x.0 & 0x7fff != 0;
    Brain, x: bf16_to_f32(x.0), x.0 & 0x7fff != 0;
}

macro_rules! integer {
    ($($t:ty, $x:ident: $number:expr;)*) => {$(
        cast! {
            $t => u8, $x: $number as u8;
            $t => i8, $x: $number as i8;
            $t => i16, $x: $number as i16;
            $t => i32, $x: $number as i32;
            $t => i64, $x: $number as i64;
        }
    )*};
}
integer! { Bool, x: (x.0 != 0) as u8; u8, x: x; i8, x: x; i16, x: x; i32, x: x; i64, x: x; }

macro_rules! truncate {
    ($($name:ident, $from:ty => $to:ty, $low:expr, $high:expr;)*) => {$(
        /// Truncates; what does not fit, NaN included, gives the least integer, as the processor's instruction does.
        #[inline(always)]
        fn $name(x: $from) -> $to {
            if x > $low && x < $high {
                // SAFETY: in range, and no NaN passes the comparisons.
                unsafe { x.to_int_unchecked() }
            } else {
                <$to>::MIN
            }
        }
    )*};
}
truncate! {
    f32_to_i32, f32 => i32, -2147483904.0, 2147483648.0;
    f32_to_i64, f32 => i64, -9223373136366403584.0, 9223372036854775808.0;
    f64_to_i32, f64 => i32, -2147483649.0, 2147483648.0;
    f64_to_i64, f64 => i64, -9223372036854777856.0, 9223372036854775808.0;
}

// Narrow integers are the low bits of an int32, uint8 those of an int64; for f32 an int32 gives uint8 the same bits,
// because the low 8 bits of a float32 beyond its range are zero.
cast! {
    f32 => i64, x: f32_to_i64(x);
    f32 => u8 | i8 | i16 | i32, x: f32_to_i32(x) as _;
    f64 => i64, x: f64_to_i64(x);
    f64 => u8, x: f64_to_i64(x) as u8;
    f64 => i8 | i16 | i32, x: f64_to_i32(x) as _;
    Half => u8 | i8 | i16 | i32 | i64, x: f16_to_f32(x.0).cast();
    Brain => u8 | i8 | i16 | i32 | i64, x: bf16_to_f32(x.0).cast();
    Complex32 => u8 | i8 | i16 | i32 | i64 | f32 | f64 | Half | Brain, z: z.re.cast();
    Complex64 => u8 | i8 | i16 | i32 | i64 | f32 | f64 | Half | Brain, z: z.re.cast();
    Complex32 => Bool, z: Bool((z.re != 0.0 || z.im != 0.0) as u8);
    Complex64 => Bool, z: Bool((z.re != 0.0 || z.im != 0.0) as u8);
    Complex32 => Complex32, z: z;
    Complex32 => Complex64, z: Complex64::new(z.re as f64, z.im as f64);
    Complex64 => Complex32, z: Complex32::new(z.re as f32, z.im as f32);
    Complex64 => Complex64, z: z;
}

#[repr(C, packed)]
struct Unaligned<T: Copy>(T);

/// # Safety
/// `n` elements can be read at `from` and written at `to`, without overlap.
#[inline(always)]
unsafe fn convert<S: Cast<D>, D: Copy>(n: usize, from: *const u8, to: *mut u8) {
    // SAFETY: the caller's promise; the packed type needs no alignment.
    let (from, to) = unsafe {
        (
            std::slice::from_raw_parts(from.cast::<Unaligned<S>>(), n),
            std::slice::from_raw_parts_mut(to.cast::<std::mem::MaybeUninit<Unaligned<D>>>(), n),
        )
    };
    disjoint(from, to);
}

/// References, unlike pointers, tell the compiler that the blocks do not overlap.
#[inline(always)]
fn disjoint<S: Cast<D>, D: Copy>(from: &[Unaligned<S>], to: &mut [std::mem::MaybeUninit<Unaligned<D>>]) {
    for (x, y) in from.iter().zip(to) {
        let x = x.0;
        y.write(Unaligned(x.cast()));
    }
}

unsafe fn plain<S: Cast<D>, D: Copy>(n: usize, from: *const u8, to: *mut u8) {
    // SAFETY: forwarded to the caller.
    unsafe { convert::<S, D>(n, from, to) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<S: Cast<D>, D: Copy>(n: usize, from: *const u8, to: *mut u8) {
    // SAFETY: forwarded to the caller.
    unsafe { convert::<S, D>(n, from, to) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
unsafe fn avx512<S: Cast<D>, D: Copy>(n: usize, from: *const u8, to: *mut u8) {
    // SAFETY: forwarded to the caller.
    unsafe { convert::<S, D>(n, from, to) }
}

unsafe fn same<const SIZE: usize>(n: usize, from: *const u8, to: *mut u8) {
    // SAFETY: forwarded to the caller.
    unsafe { std::ptr::copy_nonoverlapping(from, to, n * SIZE) }
}

macro_rules! row {
    ($f:ident, $s:ty) => {
        [
            $f::<$s, Bool>,
            $f::<$s, u8>,
            $f::<$s, i8>,
            $f::<$s, i16>,
            $f::<$s, i32>,
            $f::<$s, i64>,
            $f::<$s, Half>,
            $f::<$s, Brain>,
            $f::<$s, f32>,
            $f::<$s, f64>,
            $f::<$s, Complex32>,
            $f::<$s, Complex64>,
        ]
    };
}

macro_rules! table {
    ($f:ident) => {
        [
            row!($f, Bool),
            row!($f, u8),
            row!($f, i8),
            row!($f, i16),
            row!($f, i32),
            row!($f, i64),
            row!($f, Half),
            row!($f, Brain),
            row!($f, f32),
            row!($f, f64),
            row!($f, Complex32),
            row!($f, Complex64),
        ]
    };
}

// In the order of `DType`.
#[cfg(target_arch = "x86_64")]
static TABLE: [[[Convert; 12]; 12]; 3] = [table!(plain), table!(avx2), table!(avx512)];
#[cfg(not(target_arch = "x86_64"))]
static TABLE: [[[Convert; 12]; 12]; 3] = [table!(plain), table!(plain), table!(plain)];

/// The loop that converts elements of one dtype to another's.
pub(crate) fn converter(from: DType, to: DType) -> Convert {
    if from == to {
        return match from.size() {
            1 => same::<1>,
            2 => same::<2>,
            4 => same::<4>,
            8 => same::<8>,
            _ => same::<16>,
        };
    }
    let level = level();
    #[cfg(target_arch = "x86_64")]
    {
        let f16c = level == Level::Avx2 && is_x86_feature_detected!("f16c");
        match (from, to, level) {
            (DType::F16, DType::F32, Level::Avx512) => return vector::widen_avx512,
            (DType::F32, DType::F16, Level::Avx512) => return vector::narrow_avx512,
            (DType::F16, DType::F32, _) if f16c => return vector::widen_avx2,
            (DType::F32, DType::F16, _) if f16c => return vector::narrow_avx2,
            _ => {}
        }
    }
    TABLE[level as usize - 1][from as usize][to as usize]
}
