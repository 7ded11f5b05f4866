//! The micro-kernel: one tile of the product, kept in registers while k runs.

#[cfg(target_arch = "x86_64")]
use super::simd::{Isa, isa};
use super::simd::{Plain, Real, Simd};

/// The most rows a tile can have.
pub(crate) const MAX_MR: usize = 12;

/// What one call of the micro-kernel works on: `c = alpha * a @ b + beta * c` for up to MR rows and two vectors of columns.
/// Strides count elements; the columns of b and c are adjacent, and b has whole vectors of them.
pub(crate) struct Tile<T> {
    pub k: usize,
    pub a: *const T,
    /// From one row of a to the next.
    pub a_row: isize,
    /// From one column of a to the next.
    pub a_col: isize,
    pub b: *const T,
    /// From one row of b to the next.
    pub b_row: isize,
    pub c: *mut T,
    /// From one row of c to the next.
    pub c_row: isize,
    /// How many columns of c there are.
    pub cols: usize,
    pub alpha: T,
    pub beta: T,
}

pub(crate) type TileFn<T> = unsafe fn(&Tile<T>);

/// The micro-kernels of one instruction set.
pub(crate) struct Kernels<T: 'static> {
    /// Rows of the largest tile.
    pub mr: usize,
    /// Lanes of a vector; a tile has one or two vectors of columns.
    pub lanes: usize,
    /// By rows - 1, then by vectors - 1.
    pub tiles: [[TileFn<T>; 2]; MAX_MR],
    /// As `tiles`, for an `a` whose rows lie contiguously (a_col = 1) with any a_row.
    pub row_tiles: [[TileFn<T>; 2]; MAX_MR],
}

/// Tiles where `a` has adjacent rows (`a_row` = 1: packed or column-major) or adjacent columns (`ROWS`: row-major).
#[allow(clippy::needless_range_loop)] // Index loops over constants unroll into registers.
#[inline(always)]
unsafe fn tile<V: Simd, const MR: usize, const NV: usize, const ROWS: bool>(t: &Tile<V::T>) {
    // SAFETY: the caller's tile describes readable a and b and writable c; the addresses below stay in it.
    unsafe {
        let mut acc = [[V::splat(num_traits::Zero::zero()); NV]; MR];
        let mut b = t.b;
        if ROWS {
            // Four addresses and two multiples of the row step reach all rows: twelve would not fit the registers.
            let base: [*const V::T; 4] = std::array::from_fn(|g| t.a.wrapping_offset(3 * g as isize * t.a_row));
            let row = t.a_row;
            for p in 0..t.k {
                let bv: [V; NV] = std::array::from_fn(|v| V::load(b.add(v * V::LANES)));
                for i in 0..MR {
                    let x = V::splat(base[i / 3].wrapping_offset(row * (i % 3) as isize).add(p).read_unaligned());
                    for v in 0..NV {
                        acc[i][v] = acc[i][v].fma(x, bv[v]);
                    }
                }
                b = b.wrapping_offset(t.b_row);
            }
        } else {
            let mut a = t.a;
            for _ in 0..t.k {
                let bv: [V; NV] = std::array::from_fn(|v| V::load(b.add(v * V::LANES)));
                for i in 0..MR {
                    let x = V::splat(a.add(i).read_unaligned());
                    for v in 0..NV {
                        acc[i][v] = acc[i][v].fma(x, bv[v]);
                    }
                }
                a = a.wrapping_offset(t.a_col);
                b = b.wrapping_offset(t.b_row);
            }
        }
        let alpha = V::splat(t.alpha);
        let beta = V::splat(t.beta);
        let read = t.beta != num_traits::Zero::zero();
        let whole = t.cols == NV * V::LANES;
        for (i, row) in acc.iter().enumerate() {
            let c = t.c.wrapping_offset(i as isize * t.c_row);
            for (v, &x) in row.iter().enumerate() {
                let c = c.wrapping_add(v * V::LANES);
                let mut x = x.mul(alpha);
                if whole {
                    if read {
                        x = x.fma(V::load(c), beta);
                    }
                    x.store(c);
                } else {
                    let n = t.cols.saturating_sub(v * V::LANES).min(V::LANES);
                    if read {
                        x = x.fma(V::load_part(c, n), beta);
                    }
                    x.store_part(c, n);
                }
            }
        }
    }
}

macro_rules! table {
    ($f:ident, $v:ty, $rows:literal, $($mr:literal)*) => {
        [$([$f::<$v, $mr, 1, $rows>, $f::<$v, $mr, 2, $rows>]),*]
    };
}

unsafe fn plain<V: Simd, const MR: usize, const NV: usize, const ROWS: bool>(t: &Tile<V::T>) {
    // SAFETY: forwarded to the caller.
    unsafe { tile::<V, MR, NV, ROWS>(t) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<V: Simd, const MR: usize, const NV: usize, const ROWS: bool>(t: &Tile<V::T>) {
    // SAFETY: forwarded to the caller.
    unsafe { tile::<V, MR, NV, ROWS>(t) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
unsafe fn avx512<V: Simd, const MR: usize, const NV: usize, const ROWS: bool>(t: &Tile<V::T>) {
    // SAFETY: forwarded to the caller.
    unsafe { tile::<V, MR, NV, ROWS>(t) }
}

struct Tables<T>(std::marker::PhantomData<T>);

// The 6-row tables repeat their last kernel so that all tables have one type; `mr` keeps callers from reaching it.
impl<T: Real> Tables<T> {
    const PLAIN: Kernels<T> = Kernels {
        mr: 6,
        lanes: 4,
        tiles: table!(plain, Plain<T>, false, 1 2 3 4 5 6 6 6 6 6 6 6),
        row_tiles: table!(plain, Plain<T>, true, 1 2 3 4 5 6 6 6 6 6 6 6),
    };
    #[cfg(target_arch = "x86_64")]
    const AVX2: Kernels<T> = Kernels {
        mr: 6,
        lanes: T::V256::LANES,
        tiles: table!(avx2, T::V256, false, 1 2 3 4 5 6 6 6 6 6 6 6),
        row_tiles: table!(avx2, T::V256, true, 1 2 3 4 5 6 6 6 6 6 6 6),
    };
    #[cfg(target_arch = "x86_64")]
    const AVX512: Kernels<T> = Kernels {
        mr: 12,
        lanes: T::V512::LANES,
        tiles: table!(avx512, T::V512, false, 1 2 3 4 5 6 7 8 9 10 11 12),
        row_tiles: table!(avx512, T::V512, true, 1 2 3 4 5 6 7 8 9 10 11 12),
    };
}

/// The micro-kernels for this processor.
#[inline]
pub(crate) fn kernels<T: Real>() -> &'static Kernels<T> {
    #[cfg(target_arch = "x86_64")]
    match isa() {
        Isa::Avx512 => return const { &Tables::<T>::AVX512 },
        Isa::Avx2 => return const { &Tables::<T>::AVX2 },
        Isa::Plain => {}
    }
    const { &Tables::<T>::PLAIN }
}
