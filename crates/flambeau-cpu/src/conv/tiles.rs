//! The micro-kernels of convolutions: tiles of products whose right-hand side is an image read at shifted places.

#[cfg(target_arch = "x86_64")]
use crate::gemm::{Isa, isa};
use crate::gemm::{Plain, Real, Simd};
use num_traits::Zero;

/// The most rows of a tile.
const MAX_ROWS: usize = 12;

/// `c = a @ b`, or `c += a @ b`, where row p of b lies at `b + shifts[p]`. Rows of a and of b are contiguous.
pub(super) struct Tile<T> {
    pub k: usize,
    pub a: *const T,
    /// From one row of a to the next.
    pub a_row: isize,
    pub b: *const T,
    /// k of them.
    pub shifts: *const usize,
    pub c: *mut T,
    /// From one row of c to the next.
    pub c_row: usize,
    /// Columns to write; those of b are read in whole vectors.
    pub cols: usize,
    pub add: bool,
}

pub(super) type TileFn<T> = unsafe fn(&Tile<T>);

/// `sums[i][j] += g[i] . x[shifts[j]]` over stretches: products for the gradient of a weight.
pub(super) struct Dots<T> {
    /// The first row of g; the next are `g_row` on.
    pub g: *const T,
    pub g_row: usize,
    pub x: *const T,
    /// As many as the kernel has columns; those beyond `cols` may repeat.
    pub shifts: *const usize,
    /// Where each stretch begins in a row of g and in x, and its length.
    pub stretches: *const (usize, usize, usize),
    pub count: usize,
    pub sums: *mut T,
    pub sums_row: usize,
    pub cols: usize,
}

pub(super) type DotsFn<T> = unsafe fn(&Dots<T>);

/// The kernels of one instruction set.
pub(super) struct Kernels<T: 'static> {
    pub rows: usize,
    pub lanes: usize,
    /// By rows - 1: for few columns and for many.
    tiles: [[TileFn<T>; 2]; MAX_ROWS],
    /// Four rows by six columns, and one by twelve.
    pub dots: [DotsFn<T>; 2],
}

impl<T> Kernels<T> {
    /// Vectors in the two tiles of so many rows: few rows leave registers for more columns.
    fn vectors(rows: usize) -> [usize; 2] {
        match rows {
            1 => [2, 8],
            2 => [2, 4],
            _ => [1, 2],
        }
    }

    /// Columns of the widest tile for products of so many rows.
    pub fn width(&self, rows: usize) -> usize {
        Self::vectors(rows)[1] * self.lanes
    }

    /// The kernel for a tile.
    pub fn tile(&self, rows: usize, cols: usize) -> TileFn<T> {
        self.tiles[rows - 1][usize::from(cols > Self::vectors(rows)[0] * self.lanes)]
    }
}

#[allow(clippy::needless_range_loop)] // Index loops over constants unroll into registers.
#[inline(always)]
unsafe fn tile<V: Simd, const MR: usize, const NV: usize>(t: &Tile<V::T>) {
    // SAFETY: the caller's tile describes readable a and b and writable c.
    unsafe {
        let mut acc = [[V::splat(V::T::zero()); NV]; MR];
        // Four addresses and two multiples of the row step reach all rows: twelve would not fit the registers.
        let base: [*const V::T; 4] = std::array::from_fn(|g| t.a.wrapping_offset(3 * g as isize * t.a_row));
        for p in 0..t.k {
            let b = t.b.add(*t.shifts.add(p));
            let bv: [V; NV] = std::array::from_fn(|v| V::load(b.wrapping_add(v * V::LANES)));
            for i in 0..MR {
                let x = V::splat(base[i / 3].wrapping_offset(t.a_row * (i % 3) as isize).add(p).read_unaligned());
                for v in 0..NV {
                    acc[i][v] = acc[i][v].fma(x, bv[v]);
                }
            }
        }
        let whole = t.cols == NV * V::LANES;
        for (i, row) in acc.iter().enumerate() {
            let c = t.c.wrapping_add(i * t.c_row);
            for (v, &x) in row.iter().enumerate() {
                let c = c.wrapping_add(v * V::LANES);
                if whole {
                    if t.add { x.add(V::load(c)) } else { x }.store(c);
                } else {
                    let n = t.cols.saturating_sub(v * V::LANES).min(V::LANES);
                    if t.add { x.add(V::load_part(c, n)) } else { x }.store_part(c, n);
                }
            }
        }
    }
}

#[allow(clippy::needless_range_loop)] // As above.
#[inline(always)]
unsafe fn dots<V: Simd, const MR: usize, const NR: usize>(t: &Dots<V::T>) {
    // SAFETY: the caller's stretches are readable in g and, shifted, in x.
    unsafe {
        let mut acc = [[V::splat(V::T::zero()); NR]; MR];
        for s in 0..t.count {
            let (g_at, x_at, n) = *t.stretches.add(s);
            let g: [*const V::T; MR] = std::array::from_fn(|i| t.g.wrapping_add(i * t.g_row + g_at));
            let x: [*const V::T; NR] = std::array::from_fn(|j| t.x.wrapping_add(*t.shifts.add(j) + x_at));
            let mut q = 0;
            while q + V::LANES <= n {
                let gv: [V; MR] = std::array::from_fn(|i| V::load(g[i].add(q)));
                for j in 0..NR {
                    let xv = V::load(x[j].add(q));
                    for i in 0..MR {
                        acc[i][j] = acc[i][j].fma(gv[i], xv);
                    }
                }
                q += V::LANES;
            }
            if q < n {
                let gv: [V; MR] = std::array::from_fn(|i| V::load_part(g[i].add(q), n - q));
                for j in 0..NR {
                    let xv = V::load_part(x[j].add(q), n - q);
                    for i in 0..MR {
                        acc[i][j] = acc[i][j].fma(gv[i], xv);
                    }
                }
            }
        }
        // All at once: a sum picked by an index that is not constant would keep them in memory all along.
        let mut lanes = [[[V::T::zero(); 16]; NR]; MR];
        for i in 0..MR {
            for j in 0..NR {
                acc[i][j].store(lanes[i][j].as_mut_ptr());
            }
        }
        for (i, row) in lanes.iter_mut().enumerate() {
            for (j, lanes) in row.iter_mut().enumerate().take(t.cols) {
                let mut n = V::LANES;
                while n > 1 {
                    n /= 2;
                    for l in 0..n {
                        lanes[l] = lanes[l] + lanes[l + n];
                    }
                }
                let to = t.sums.add(i * t.sums_row + j);
                to.write_unaligned(to.read_unaligned() + lanes[0]);
            }
        }
    }
}

macro_rules! levels {
    ($($name:ident, $dots:ident, $features:literal;)*) => {$(
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $features)]
        unsafe fn $name<V: Simd, const MR: usize, const NV: usize>(t: &Tile<V::T>) {
            // SAFETY: forwarded to the caller.
            unsafe { tile::<V, MR, NV>(t) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $features)]
        unsafe fn $dots<V: Simd, const MR: usize, const NR: usize>(t: &Dots<V::T>) {
            // SAFETY: forwarded to the caller.
            unsafe { dots::<V, MR, NR>(t) }
        }
    )*};
}
levels! {
    avx2, avx2_dots, "avx2,fma";
    avx512, avx512_dots, "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma";
}

macro_rules! table {
    ($f:ident, $v:ty, $($mr:literal)*) => {
        [[$f::<$v, 1, 2>, $f::<$v, 1, 8>], [$f::<$v, 2, 2>, $f::<$v, 2, 4>], $([$f::<$v, $mr, 1>, $f::<$v, $mr, 2>]),*]
    };
}

struct Tables<T>(std::marker::PhantomData<T>);

// The 6-row tables repeat their last kernel so that all tables have one type; `rows` keeps callers from reaching it.
impl<T: Real> Tables<T> {
    const PLAIN: Kernels<T> = Kernels {
        rows: 6,
        lanes: 4,
        tiles: table!(tile, Plain<T>, 3 4 5 6 6 6 6 6 6 6),
        dots: [dots::<Plain<T>, 4, 6>, dots::<Plain<T>, 1, 12>],
    };
    #[cfg(target_arch = "x86_64")]
    const AVX2: Kernels<T> = Kernels {
        rows: 6,
        lanes: T::V256::LANES,
        tiles: table!(avx2, T::V256, 3 4 5 6 6 6 6 6 6 6),
        dots: [avx2_dots::<T::V256, 4, 6>, avx2_dots::<T::V256, 1, 12>],
    };
    #[cfg(target_arch = "x86_64")]
    const AVX512: Kernels<T> = Kernels {
        rows: 12,
        lanes: T::V512::LANES,
        tiles: table!(avx512, T::V512, 3 4 5 6 7 8 9 10 11 12),
        dots: [avx512_dots::<T::V512, 4, 6>, avx512_dots::<T::V512, 1, 12>],
    };
}

/// The kernels for this processor.
#[inline]
pub(super) fn kernels<T: Real>() -> &'static Kernels<T> {
    #[cfg(target_arch = "x86_64")]
    match isa() {
        Isa::Avx512 => return const { &Tables::<T>::AVX512 },
        Isa::Avx2 => return const { &Tables::<T>::AVX2 },
        Isa::Plain => {}
    }
    const { &Tables::<T>::PLAIN }
}
