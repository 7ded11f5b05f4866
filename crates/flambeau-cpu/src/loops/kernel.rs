//! [`MapKernel`]: one elementwise computation, compiled once per instruction set, and [`map_kernel!`](crate::map_kernel)
//! that makes one from a line of text.

use std::mem::{MaybeUninit, size_of};

use flambeau_types::{Complex, DType, Element, Scalar};

use super::stride::by_size;
use crate::math::{Level, level};

/// A type that kernels compute with: how its elements lie in memory, and what bodies see of them.
pub trait Lane: 'static {
    /// The dtype whose memory holds it.
    const DTYPE: DType;
    /// How it lies in memory.
    type Memory: Copy;
    /// What bodies compute with.
    type Value: Copy;
    /// From memory.
    fn load(m: Self::Memory) -> Self::Value;
    /// To memory.
    fn store(value: Self::Value) -> Self::Memory;
    /// A scalar parameter, converted once per call.
    fn from_param(s: Scalar) -> Self::Value;
    /// Whether it is a nan.
    #[inline(always)]
    fn is_nan(_: Self::Value) -> bool {
        false
    }
}

macro_rules! lanes {
    ($($t:ty, $d:ident;)*) => {$(
        impl Lane for $t {
            const DTYPE: DType = DType::$d;
            type Memory = $t;
            type Value = $t;
            #[inline(always)]
            fn load(m: $t) -> $t { m }
            #[inline(always)]
            fn store(value: $t) -> $t { value }
            #[inline(never)]
            fn from_param(s: Scalar) -> $t { <$t as Element>::from_scalar(s) }
            #[inline(always)]
            #[allow(clippy::eq_op)]
            fn is_nan(value: $t) -> bool { value != value }
        }
    )*};
}
lanes! { u8, U8; i8, I8; i16, I16; i32, I32; i64, I64; f32, F32; f64, F64; Complex<f32>, C64; Complex<f64>, C128; }

/// Bools to compute with: bodies see 0 or 1.
pub struct Truth;

impl Lane for Truth {
    const DTYPE: DType = DType::Bool;
    type Memory = u8;
    type Value = u8;
    #[inline(always)]
    fn load(m: u8) -> u8 {
        // A bool from outside may be any byte.
        m.min(1)
    }
    #[inline(always)]
    fn store(value: u8) -> u8 {
        value.min(1)
    }
    #[inline]
    fn from_param(s: Scalar) -> u8 {
        s.to_bool() as u8
    }
}

/// Bools as results.
impl Lane for bool {
    const DTYPE: DType = DType::Bool;
    type Memory = u8;
    type Value = bool;
    #[inline(always)]
    fn load(m: u8) -> bool {
        m != 0
    }
    #[inline(always)]
    fn store(value: bool) -> u8 {
        value as u8
    }
    #[inline]
    fn from_param(s: Scalar) -> bool {
        s.to_bool()
    }
}

/// Half-precision numbers by their bits, for what needs no arithmetic: no conversion to single precision and back.
pub struct Bits<T>(std::marker::PhantomData<T>);

impl<T: HalfBits> Lane for Bits<T> {
    const DTYPE: DType = T::DTYPE;
    type Memory = u16;
    type Value = u16;
    #[inline(always)]
    fn load(m: u16) -> u16 {
        m
    }
    #[inline(always)]
    fn store(value: u16) -> u16 {
        value
    }
    #[inline]
    fn from_param(s: Scalar) -> u16 {
        T::from_scalar(s).bits()
    }
}

/// The half types.
pub trait HalfBits: Element {
    /// The bits of a number.
    fn bits(self) -> u16;
}

impl HalfBits for flambeau_types::f16 {
    fn bits(self) -> u16 {
        self.to_bits()
    }
}

impl HalfBits for flambeau_types::bf16 {
    fn bits(self) -> u16 {
        self.to_bits()
    }
}

/// What a body computes with.
pub type In<B, const N: usize, const P: usize> = <<B as Body<N, P>>::In as Lane>::Value;
/// What a body gives.
pub type Out<B, const N: usize, const P: usize> = <<B as Body<N, P>>::Out as Lane>::Value;

/// What [`map_kernel!`](crate::map_kernel) implements: a body of `N` inputs and `P` parameters, once over the functions
/// that need fused multiply-add in hardware and once over those that do not.
pub trait Body<const N: usize, const P: usize> {
    /// Whether there is a quick body.
    const QUICK: bool = false;
    /// The type computed with.
    type In: Lane;
    /// The type of the result.
    type Out: Lane;
    /// The body over plain functions.
    fn plain(inputs: [In<Self, N, P>; N], params: [In<Self, N, P>; P]) -> Out<Self, N, P>;
    /// The body over functions that use fused multiply-add.
    fn fma(inputs: [In<Self, N, P>; N], params: [In<Self, N, P>; P]) -> Out<Self, N, P>;
    /// As `fma`, for common inputs; for others it may give nan.
    #[inline(always)]
    fn quick(inputs: [In<Self, N, P>; N], params: [In<Self, N, P>; P]) -> Out<Self, N, P> {
        Self::fma(inputs, params)
    }
}

/// A compiled loop over whole blocks of 64 bytes of input: input `i` starts at `inputs[i]` and moves on by `steps[i]`
/// bytes a block. The output is one of the inputs, or overlaps none.
pub(super) type Blocks =
    unsafe fn(blocks: usize, out: *mut u8, inputs: *const *const u8, steps: *const usize, params: &[Scalar]);

/// One elementwise computation, which [`map`](super::map()) applies to tensors of any dtype and strides.
#[derive(Clone, Copy)]
pub struct MapKernel {
    /// The dtype computed with; inputs of another are converted.
    pub compute: DType,
    /// The dtype of the result before it is converted to the output's.
    pub out: DType,
    /// The number of inputs.
    pub arity: usize,
    /// The number of scalar parameters.
    pub params: usize,
    /// For plain x86-64 (or another machine), AVX2 with FMA, AVX-512.
    pub(super) run: [Blocks; 3],
}

/// The most inputs a kernel can have.
pub const MAX_INPUTS: usize = 4;

impl MapKernel {
    /// The kernel of a body.
    pub const fn of<B: Body<N, P>, const N: usize, const P: usize>() -> MapKernel {
        const { assert!(N <= MAX_INPUTS) };
        #[cfg(target_arch = "x86_64")]
        let run = [run_plain::<B, N, P> as Blocks, run_avx2::<B, N, P>, run_avx512::<B, N, P>];
        #[cfg(not(target_arch = "x86_64"))]
        let run = [run_plain::<B, N, P> as Blocks; 3];
        MapKernel { compute: <B::In as Lane>::DTYPE, out: <B::Out as Lane>::DTYPE, arity: N, params: P, run }
    }

    /// Computes `n` adjacent elements. Bit `i` of `repeated` says that input `i` is one element, for all of them.
    ///
    /// # Safety
    /// The inputs have these elements, of the compute dtype; `out` has room for them in the result's, and either is one of
    /// the inputs or overlaps none. There are as many inputs and parameters as the kernel has.
    pub unsafe fn run(
        &self,
        n: usize,
        out: *mut u8,
        inputs: &[*const u8; MAX_INPUTS],
        repeated: u32,
        params: &[Scalar],
    ) {
        // SAFETY: the processor has its own level; the rest is forwarded to the caller.
        unsafe { self.run_at(level(), n, out, inputs, repeated, params) }
    }

    /// [`run`](MapKernel::run) with the code for a level.
    ///
    /// # Safety
    /// As for `run`, and the processor has the level.
    #[inline(always)]
    pub(crate) unsafe fn run_at(
        &self,
        level: Level,
        n: usize,
        out: *mut u8,
        inputs: &[*const u8; MAX_INPUTS],
        repeated: u32,
        params: &[Scalar],
    ) {
        debug_assert_eq!(params.len(), self.params);
        let blocks = self.run[level as usize - 1];
        let (size, out_size) = (self.compute.size(), self.out.size());
        let shift = lanes(size).trailing_zeros();
        let whole = n >> shift << shift;
        let rest = n - whole;
        let mut spare = [const { MaybeUninit::<Block>::uninit() }; MAX_INPUTS];
        let mut from = *inputs;
        let mut steps = [size << shift; MAX_INPUTS];
        // SAFETY: the caller's promise; a block has room for `lanes(size)` elements.
        unsafe {
            for i in 0..self.arity {
                if repeated >> i & 1 != 0 {
                    let block = spare[i].as_mut_ptr().cast();
                    repeat(size, from[i], block);
                    from[i] = block;
                    steps[i] = 0;
                }
            }
            if whole > 0 {
                blocks(whole >> shift, out, from.as_ptr(), steps.as_ptr(), params);
            }
            if rest > 0 {
                // Padded with an element that is there anyway, so that nothing is computed from made-up values.
                for i in 0..self.arity {
                    if repeated >> i & 1 == 0 {
                        let block = spare[i].as_mut_ptr().cast();
                        pad(level, size, from[i].wrapping_add(whole * size), rest * size, block);
                        from[i] = block;
                    }
                }
                let mut results = MaybeUninit::<[Block; 8]>::uninit();
                blocks(1, results.as_mut_ptr().cast(), from.as_ptr(), steps.as_ptr(), params);
                copy_short(results.as_ptr().cast(), out.add(whole * out_size), rest * out_size);
            }
        }
    }
}

/// The levels that this processor has.
#[cfg(test)]
pub(crate) fn levels() -> impl Iterator<Item = Level> {
    [Level::Plain, Level::Avx2, Level::Avx512].into_iter().filter(|&l| l <= level())
}

/// Memory for the elements evaluated at a time.
#[repr(C, align(64))]
struct Block([u8; 64]);

/// Elements evaluated at a time: enough for a 64-byte register, and no more, which keeps the code of a kernel to a few
/// hundred bytes; blocks are independent, so the processor overlaps them.
const fn lanes(size: usize) -> usize {
    let n = 64 / size;
    if n > 32 { 32 } else { n }
}

/// Copies `bytes` bytes of elements, less than a block, and fills the rest of the block with the first.
///
/// # Safety
/// `bytes` bytes to read, at least one element; a block to write.
#[inline(always)]
unsafe fn pad(level: Level, size: usize, from: *const u8, bytes: usize, to: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if level == Level::Avx512 {
            return pad_avx512(size, from, bytes, to);
        }
        let _ = level;
        repeat(size, from, to);
        copy_short(from, to, bytes);
    }
}

/// [`pad`] with one store: a load as wide as the block would wait for narrower stores to reach the cache.
///
/// # Safety
/// As for [`pad`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn pad_avx512(size: usize, from: *const u8, bytes: usize, to: *mut u8) {
    use std::arch::x86_64::*;
    // SAFETY: the mask covers what may be read.
    unsafe {
        let all = match size {
            1 => _mm512_set1_epi8(from.cast::<i8>().read()),
            2 => _mm512_set1_epi16(from.cast::<i16>().read_unaligned()),
            4 => _mm512_set1_epi32(from.cast::<i32>().read_unaligned()),
            8 => _mm512_set1_epi64(from.cast::<i64>().read_unaligned()),
            _ => _mm512_broadcast_i32x4(from.cast::<__m128i>().read_unaligned()),
        };
        _mm512_storeu_si512(to.cast(), _mm512_mask_loadu_epi8(all, (1 << bytes) - 1, from.cast()));
    }
}

/// Fills a block with one element.
///
/// # Safety
/// `size` bytes to read, a block to write.
#[inline(always)]
unsafe fn repeat(size: usize, from: *const u8, to: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe {
        by_size!(size, T => {
            let x: T = from.cast::<T>().read_unaligned();
            for i in 0..64 / size_of::<T>() {
                to.cast::<T>().add(i).write_unaligned(x);
            }
        })
    }
}

/// Copies a few bytes; calling `memcpy` takes longer.
///
/// # Safety
/// `n` bytes to read and to write, apart from each other.
#[inline(always)]
unsafe fn copy_short(from: *const u8, to: *mut u8, n: usize) {
    macro_rules! both_ends {
        ($t:ty) => {{
            let end = n - size_of::<$t>();
            let (a, b) = (from.cast::<$t>().read_unaligned(), from.add(end).cast::<$t>().read_unaligned());
            to.cast::<$t>().write_unaligned(a);
            to.add(end).cast::<$t>().write_unaligned(b);
        }};
    }
    // SAFETY: the caller's promise; both ends lie within.
    unsafe {
        match n {
            0 => {}
            1 => to.write(from.read()),
            2..4 => both_ends!([u8; 2]),
            4..8 => both_ends!([u8; 4]),
            8..16 => both_ends!([u8; 8]),
            16..32 => both_ends!([u8; 16]),
            32..=64 => both_ends!([u8; 32]),
            _ => std::ptr::copy_nonoverlapping(from, to, n),
        }
    }
}

unsafe fn run_plain<B: Body<N, P>, const N: usize, const P: usize>(
    blocks: usize,
    out: *mut u8,
    inputs: *const *const u8,
    steps: *const usize,
    params: &[Scalar],
) {
    // SAFETY: forwarded to the caller.
    unsafe { evaluate::<B, N, P, false>(blocks, out, inputs, steps, params) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn run_avx2<B: Body<N, P>, const N: usize, const P: usize>(
    blocks: usize,
    out: *mut u8,
    inputs: *const *const u8,
    steps: *const usize,
    params: &[Scalar],
) {
    // SAFETY: forwarded to the caller.
    unsafe { evaluate::<B, N, P, true>(blocks, out, inputs, steps, params) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
unsafe fn run_avx512<B: Body<N, P>, const N: usize, const P: usize>(
    blocks: usize,
    out: *mut u8,
    inputs: *const *const u8,
    steps: *const usize,
    params: &[Scalar],
) {
    // SAFETY: forwarded to the caller.
    unsafe { evaluate::<B, N, P, true>(blocks, out, inputs, steps, params) }
}

/// The loop of every kernel. A block's results go to a local array first: the compiler then knows that they do not
/// overlap the inputs, and vectorises, also when the output is one of them. What is left over after whole blocks, and
/// what is repeated, is laid out as blocks by [`MapKernel::run`], which all kernels share.
///
/// # Safety
/// As [`Blocks`] says.
#[inline(always)]
unsafe fn evaluate<B: Body<N, P>, const N: usize, const P: usize, const FMA: bool>(
    blocks: usize,
    out: *mut u8,
    inputs: *const *const u8,
    steps: *const usize,
    params: &[Scalar],
) {
    type Memory<L> = <L as Lane>::Memory;
    let lanes = const { lanes(size_of::<Memory<B::In>>()) };
    let params = std::array::from_fn(|i| B::In::from_param(params.get(i).copied().unwrap_or(Scalar::Int(0))));
    let mut out: *mut Memory<B::Out> = out.cast();
    // SAFETY: the caller's promise, for all blocks in this function.
    let mut from: [*const Memory<B::In>; N] = std::array::from_fn(|i| unsafe { *inputs.add(i) }.cast());
    // SAFETY: as above.
    let steps: [usize; N] = std::array::from_fn(|i| unsafe { *steps.add(i) });
    for _ in 0..blocks {
        let mut results = [MaybeUninit::<Memory<B::Out>>::uninit(); 32];
        for (j, result) in results[..lanes].iter_mut().enumerate() {
            // SAFETY: a block of every input is there.
            let x = std::array::from_fn(|i| B::In::load(unsafe { from[i].add(j).read_unaligned() }));
            // Called by name: through a function passed in, a large body would not be inlined, and run without the
            // instructions that this code is for.
            let y = match FMA {
                true if B::QUICK => B::quick(x, params),
                true => B::fma(x, params),
                false => B::plain(x, params),
            };
            result.write(B::Out::store(y));
        }
        if FMA && B::QUICK {
            let mut rare = false;
            for (j, result) in results[..lanes].iter().enumerate() {
                // SAFETY: the result was written, and a block of every input is there.
                unsafe { rare |= is_missed::<B, N, P>(result.assume_init(), from, j) };
            }
            if rare {
                // SAFETY: as above; this level has these instructions.
                unsafe { compute_missed::<B, N, P>(&mut results[..lanes], from, params) };
            }
        }
        // SAFETY: a block of the output is there; all its results were written.
        unsafe {
            std::ptr::copy_nonoverlapping(
                results.as_ptr().cast::<u8>(),
                out.cast::<u8>(),
                lanes * size_of::<Memory<B::Out>>(),
            );
            out = out.add(lanes);
            for i in 0..N {
                from[i] = from[i].wrapping_byte_add(steps[i]);
            }
        }
    }
}

/// Whether the result of lane `j` is nan though no input is.
///
/// # Safety
/// Every input has the lane.
#[inline(always)]
unsafe fn is_missed<B: Body<N, P>, const N: usize, const P: usize>(
    result: <B::Out as Lane>::Memory,
    from: [*const <B::In as Lane>::Memory; N],
    j: usize,
) -> bool {
    let mut missed = B::Out::is_nan(B::Out::load(result));
    for x in from {
        // SAFETY: the caller's promise.
        missed &= !B::In::is_nan(B::In::load(unsafe { x.add(j).read_unaligned() }));
    }
    missed
}

/// Computes what a quick body has missed.
///
/// # Safety
/// All results were written; every input has as many lanes. The processor has AVX2 and FMA.
#[cold]
#[inline(never)]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
unsafe fn compute_missed<B: Body<N, P>, const N: usize, const P: usize>(
    results: &mut [MaybeUninit<<B::Out as Lane>::Memory>],
    from: [*const <B::In as Lane>::Memory; N],
    params: [In<B, N, P>; P],
) {
    for (j, result) in results.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        unsafe {
            if is_missed::<B, N, P>(result.assume_init(), from, j) {
                let x = std::array::from_fn(|i| B::In::load(from[i].add(j).read_unaligned()));
                result.write(B::Out::store(B::fma(x, params)));
            }
        }
    }
}

/// Makes a [`MapKernel`](crate::loops::MapKernel) from the type computed with, the type of the result, and a body:
/// `map_kernel!(f32 => f32, |x, other; alpha| x + alpha * other)`, up to four inputs. Types are `f32`, `f64`, `c32`,
/// `c64`, the integers `i64`, `i32`, `i16`, `i8` and `u8`, `truth` (bool, as 0 or 1), `half` and
/// `bfloat` (f16 and bf16 by their bits), and `bool` for results. Names after `;` are scalar parameters, converted to the type computed with.
/// The body is an expression or a block over the functions of the type's module in [`math`](crate::math); literals take
/// its type. `quick |x| sin(x)` computes with the functions of [`quick`](crate::math::quick) first.
#[macro_export]
macro_rules! map_kernel {
    (@type c32) => { $crate::loops::Complex32 };
    (@type c64) => { $crate::loops::Complex64 };
    (@type truth) => { $crate::loops::Truth };
    (@type half) => { $crate::loops::Bits<$crate::loops::f16> };
    (@type bfloat) => { $crate::loops::Bits<$crate::loops::bf16> };
    (@type $t:ident) => { $t };
    (@fma f32) => { use $crate::math::fma::f32::*; };
    (@fma f64) => { use $crate::math::fma::f64::*; };
    (@fma $t:ident) => { $crate::map_kernel!(@plain $t); };
    (@plain f32) => { use $crate::math::plain::f32::*; };
    (@plain f64) => { use $crate::math::plain::f64::*; };
    (@plain truth) => { use $crate::math::bool8::*; };
    (@plain half) => { use $crate::math::bits::*; };
    (@plain bfloat) => { use $crate::math::bits::*; };
    (@plain c32) => { use $crate::math::c32::*; };
    (@plain c64) => { use $crate::math::c64::*; };
    (@plain $integer:ident) => { use $crate::math::integers::$integer::*; };
    (@quick f32) => { use $crate::math::quick::f32::*; };
    (@quick f64) => { use $crate::math::quick::f64::*; };
    (@quick c32) => { use $crate::math::quick::c32::*; };
    (@quick c64) => { use $crate::math::quick::c64::*; };
    (@count []) => { 0 };
    (@count [$x:ident $($rest:ident)*]) => { 1 + $crate::map_kernel!(@count [$($rest)*]) };
    (@body $level:ident $in:ident [$($x:ident)*] [$($p:ident)*] $body:expr) => {
        #[inline(always)]
        fn $level(
            [$($x),*]: [<Self::In as $crate::loops::Lane>::Value; $crate::map_kernel!(@count [$($x)*])],
            [$($p),*]: [<Self::In as $crate::loops::Lane>::Value; $crate::map_kernel!(@count [$($p)*])],
        ) -> <Self::Out as $crate::loops::Lane>::Value {
            $crate::map_kernel!(@$level $in);
            $body
        }
    };
    (@make $in:ident $out:ident $quick:literal [$($level:ident)*] $xs:tt $ps:tt $body:expr) => {{
        struct Kernel;
        #[allow(unused_imports, unused_variables, unused_comparisons, clippy::all)]
        impl $crate::loops::Body<{ $crate::map_kernel!(@count $xs) }, { $crate::map_kernel!(@count $ps) }> for Kernel {
            const QUICK: bool = $quick;
            type In = $crate::map_kernel!(@type $in);
            type Out = $crate::map_kernel!(@type $out);
            $($crate::map_kernel!(@body $level $in $xs $ps $body);)*
        }
        $crate::loops::MapKernel::of::<
            Kernel,
            { $crate::map_kernel!(@count $xs) },
            { $crate::map_kernel!(@count $ps) },
        >()
    }};
    ($in:ident => $out:ident, quick |$($x:ident),* $(; $($p:ident),*)?| $body:expr) => {
        $crate::map_kernel!(@make $in $out true [plain fma quick] [$($x)*] [$($($p)*)?] $body)
    };
    ($in:ident => $out:ident, |$($x:ident),* $(; $($p:ident),*)?| $body:expr) => {
        $crate::map_kernel!(@make $in $out false [plain fma] [$($x)*] [$($($p)*)?] $body)
    };
}
