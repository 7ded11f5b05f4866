//! Dot products of complex vectors, of any strides and conjugated or not.

use flambeau_types::Complex;

use super::shared::{Shared, for_pieces};
use crate::View;
use crate::reduce::levels::levels;
use crate::reduce::real::Real;

/// Elements summed at a time: in fixed pieces, so that the result does not depend on the number of threads.
const PIECE: usize = 1 << 13;
/// Parts of elements multiplied at a time.
const LANES: usize = 32;

/// Sums of products of parts: real by real, imaginary by imaginary, real by imaginary, imaginary by real.
type Products<T> = [T; 4];

/// Over `n` adjacent elements.
///
/// # Safety
/// Both have `2 n` parts.
#[inline(always)]
unsafe fn products_body<T: Real, const F: bool>(a: *const T, b: *const T, n: usize) -> Products<T> {
    let (mut same, mut cross) = ([T::default(); LANES], [T::default(); LANES]);
    let whole = 2 * n / LANES * LANES;
    // SAFETY: parts before `2 n`.
    unsafe {
        for at in (0..whole).step_by(LANES) {
            let x = a.add(at).cast::<[T; LANES]>().read_unaligned();
            let y = b.add(at).cast::<[T; LANES]>().read_unaligned();
            for l in 0..LANES {
                same[l] = x[l].madd::<F>(y[l], same[l]);
                cross[l] = x[l].madd::<F>(y[l ^ 1], cross[l]);
            }
        }
        for at in whole..2 * n {
            let (l, x) = (at - whole, a.add(at).read_unaligned());
            same[l] = x.madd::<F>(b.add(at).read_unaligned(), same[l]);
            cross[l] = x.madd::<F>(b.add(at ^ 1).read_unaligned(), cross[l]);
        }
    }
    let sum = |list: &[T; LANES], from: usize| list.iter().skip(from).step_by(2).fold(T::default(), |s, &x| s + x);
    [sum(&same, 0), sum(&same, 1), sum(&cross, 0), sum(&cross, 1)]
}

levels! {
    /// [`products_body`] with the processor's instructions.
    ///
    /// # Safety
    /// As for that.
    unsafe fn products<T: Real>(a: *const T, b: *const T, n: usize) -> Products<T> = products_body
}

/// The sum of the products of two vectors of complex numbers whose parts are `T`.
pub(super) fn dot<T: Real>(a: &View, conj_a: bool, b: &View, conj_b: bool) -> Complex<T> {
    let n = a.numel();
    let mut sums = vec![[T::default(); 4]; n.div_ceil(PIECE)];
    let to = Shared::new(sums.as_mut_ptr());
    let vectors = [a, b].map(|v| (Shared::read(v.ptr().cast::<[T; 2]>()), v.strides()[0] as isize));
    for_pieces(0..sums.len(), 4, |pieces| {
        let mut gathered: [Vec<[T; 2]>; 2] = Default::default();
        for p in pieces {
            let (from, count) = (p * PIECE, PIECE.min(n - p * PIECE));
            let mut parts = [std::ptr::null(); 2];
            for (k, (v, step)) in vectors.iter().enumerate() {
                let first = v.at(from as isize * step);
                parts[k] = if *step == 1 {
                    first.cast_const().cast::<T>()
                } else {
                    let element = |i: usize| first.wrapping_offset(i as isize * step);
                    // SAFETY: elements of the view.
                    gathered[k] = (0..count).map(|i| unsafe { element(i).read_unaligned() }).collect();
                    gathered[k].as_ptr().cast()
                };
            }
            // SAFETY: `count` elements of both, and a sum for each piece.
            unsafe { *to.at(p as isize) = products(parts[0], parts[1], count) };
        }
    });
    let [mut rr, mut ii, mut ri, mut ir] = [T::default(); 4];
    for sum in sums {
        rr += sum[0];
        ii += sum[1];
        ri += sum[2];
        ir += sum[3];
    }
    let re = if conj_a == conj_b { rr - ii } else { rr + ii };
    let side = |negative: bool, x: T| if negative { T::default() - x } else { x };
    Complex { re, im: side(conj_b, ri) + side(conj_a, ir) }
}
