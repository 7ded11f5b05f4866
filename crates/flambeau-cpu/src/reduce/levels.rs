//! Loops compiled once for each instruction level.

/// Writes the function `$name`, which calls `$body::<T, FUSED>` compiled for the level of this machine.
macro_rules! levels {
    ($(#[$doc:meta])* unsafe fn $name:ident<$T:ident: $B:path>($($a:ident: $t:ty),* $(,)?) $(-> $r:ty)? = $body:ident) => {
        $(#[$doc])*
        #[inline]
        unsafe fn $name<$T: $B>($($a: $t),*) $(-> $r)? {
            #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"))]
            unsafe fn wide<$T: $B>($($a: $t),*) $(-> $r)? {
                // SAFETY: forwarded.
                unsafe { $body::<$T, true>($($a),*) }
            }
            #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
            unsafe fn narrow<$T: $B>($($a: $t),*) $(-> $r)? {
                // SAFETY: forwarded.
                unsafe { $body::<$T, true>($($a),*) }
            }
            // SAFETY: forwarded; the level says that the processor has the instructions.
            unsafe {
                match $crate::math::level() {
                    $crate::math::Level::Avx512 => wide::<$T>($($a),*),
                    $crate::math::Level::Avx2 => narrow::<$T>($($a),*),
                    $crate::math::Level::Plain => $body::<$T, false>($($a),*),
                }
            }
        }
    };
}
pub(crate) use levels;
