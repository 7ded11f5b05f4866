//! Which instruction level the loops run at: found once, lowered on request.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, Ordering};

/// The instruction sets that loops are compiled for, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// What every processor of the target has; formulas come from `math::plain`.
    Plain = 1,
    /// AVX2 and FMA; formulas come from `math::fma`.
    Avx2 = 2,
    /// AVX-512 F, VL, DQ and BW, besides AVX2 and FMA; formulas come from `math::fma`.
    Avx512 = 3,
}

/// The environment variable that lowers the level: `default`, `avx2` or `avx512`.
pub const CAPABILITY: &str = "FLAMBEAU_CPU_CAPABILITY";

static CACHED: AtomicU8 = AtomicU8::new(0);

/// The level of this processor, or the lower one that [`CAPABILITY`] asks for. Read once, then cached.
#[inline]
pub fn level() -> Level {
    match CACHED.load(Ordering::Relaxed) {
        1 => Level::Plain,
        2 => Level::Avx2,
        3 => Level::Avx512,
        _ => find(),
    }
}

/// Whether this is the kind of processor that PyTorch's numbers are taken from: x86-64 with AVX2, and not Intel's, on which MKL,
/// PyTorch's library for matrices and roots, rounds otherwise.
#[inline]
pub fn is_reference() -> bool {
    static OTHERS: LazyLock<bool> = LazyLock::new(|| !made_by_intel());
    level() >= Level::Avx2 && *OTHERS
}

#[cfg(target_arch = "x86_64")]
fn made_by_intel() -> bool {
    let vendor = std::arch::x86_64::__cpuid(0);
    [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes).concat() == b"GenuineIntel"
}

#[cfg(not(target_arch = "x86_64"))]
fn made_by_intel() -> bool {
    false
}

#[cold]
fn find() -> Level {
    let asked = std::env::var(CAPABILITY).unwrap_or_default();
    let found = lowered(detected(), &asked);
    CACHED.store(found as u8, Ordering::Relaxed);
    found
}

/// The level after a request; names that are not a level change nothing.
fn lowered(found: Level, asked: &str) -> Level {
    match asked.trim().to_ascii_lowercase().as_str() {
        "default" => Level::Plain,
        "avx2" => found.min(Level::Avx2),
        _ => found,
    }
}

#[cfg(target_arch = "x86_64")]
fn detected() -> Level {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512bw");
    match (avx2, avx512) {
        (true, true) => Level::Avx512,
        (true, false) => Level::Avx2,
        _ => Level::Plain,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detected() -> Level {
    Level::Plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_only_lower() {
        for found in [Level::Plain, Level::Avx2, Level::Avx512] {
            assert_eq!(lowered(found, "default"), Level::Plain);
            assert_eq!(lowered(found, "avx2"), found.min(Level::Avx2));
            assert_eq!(lowered(found, " AVX512 "), found);
            assert_eq!(lowered(found, ""), found);
        }
    }

    #[test]
    fn cached_level_is_supported() {
        let first = level();
        assert_eq!(first, level());
        assert!(first <= detected());
    }
}
