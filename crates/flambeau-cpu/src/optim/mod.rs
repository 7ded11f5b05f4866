//! Parameter updates in one pass over memory. Each follows PyTorch's formula operation by operation, so that results agree
//! to the last bits; the half types are rounded after each operation as separate tensor operations would.

/// Writes the function `$name`, which calls `$body::<R, FUSED>` compiled for the level of this machine.
macro_rules! step_levels {
    ($(#[$doc:meta])* unsafe fn $name:ident<R>($($a:ident: $t:ty),*) = $body:ident) => {
        $(#[$doc])*
        unsafe fn $name<R: Rounding>($($a: $t),*) {
            #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"))]
            unsafe fn wide<R: Rounding>($($a: $t),*) {
                // SAFETY: forwarded.
                unsafe { $body::<R, true>($($a),*) }
            }
            #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
            unsafe fn narrow<R: Rounding>($($a: $t),*) {
                // SAFETY: forwarded.
                unsafe { $body::<R, true>($($a),*) }
            }
            // SAFETY: forwarded; the level says that the processor has the instructions.
            unsafe {
                match $crate::math::level() {
                    $crate::math::Level::Avx512 => wide::<R>($($a),*),
                    $crate::math::Level::Avx2 => narrow::<R>($($a),*),
                    $crate::math::Level::Plain => $body::<R, false>($($a),*),
                }
            }
        }
    };
}
use step_levels;

mod adam;
mod sgd;
mod walk;

pub use adam::{AdamOptions, adam_step};
pub use sgd::{SgdOptions, sgd_step};

use crate::reduce::chunks::L;
use crate::reduce::convert::{bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16};
use crate::reduce::real::Real;

/// How results of single operations are rounded: the kind of a parameter's dtype.
pub(crate) trait Rounding: 'static {
    /// The type that operations are computed in.
    type Compute: Real;
    /// A result as it would be stored.
    fn round(x: Self::Compute) -> Self::Compute;
    /// Square roots as [`sqrt`](crate::loops::REFERENCE_SQRT) gives them to tensors of this dtype.
    ///
    /// # Safety
    /// [`is_reference`](crate::math::is_reference) must hold if `REFERENCE`.
    #[inline(always)]
    unsafe fn roots<const REFERENCE: bool>(x: &mut [Self::Compute; L]) {
        for x in x {
            *x = Self::round(x.sqrt());
        }
    }
}

/// float32.
pub(crate) struct Single;
/// float64.
pub(crate) struct Double;
/// float16.
pub(crate) struct Half;
/// bfloat16.
pub(crate) struct Brain;

macro_rules! rounding {
    ($($kind:ident, $t:ty, $x:ident => $e:expr $(, { $($more:tt)* })?;)*) => {$(
        impl Rounding for $kind {
            type Compute = $t;
            #[inline(always)]
            fn round($x: $t) -> $t { $e }
            $($($more)*)?
        }
    )*};
}
rounding! {
    Single, f32, x => x, {
        #[cfg(target_arch = "x86_64")]
        #[inline(always)]
        unsafe fn roots<const REFERENCE: bool>(x: &mut [f32; L]) {
            if REFERENCE {
                // SAFETY: the processor has AVX2, as the caller promised.
                unsafe { crate::loops::reference_roots(x) };
            } else {
                *x = x.map(f32::sqrt);
            }
        }
    };
    Double, f64, x => x;
    Half, f32, x => f16_to_f32(f32_to_f16(x));
    Brain, f32, x => bf16_to_f32(f32_to_bf16(x));
}

/// Calls `$f::<kind>` for the dtype of a parameter.
macro_rules! by_rounding {
    ($dtype:expr, $f:ident($($a:expr),*)) => {
        match $dtype {
            DType::F64 => $f::<$crate::optim::Double>($($a),*),
            DType::F16 => $f::<$crate::optim::Half>($($a),*),
            DType::BF16 => $f::<$crate::optim::Brain>($($a),*),
            _ => $f::<$crate::optim::Single>($($a),*),
        }
    };
}
pub(crate) use by_rounding;

#[cfg(test)]
mod tests;
