//! Resampling of bytes: with weights that are whole numbers, row by row and then column by column, rounded each time.

use super::axis::{Axis, Filter, Move};
use super::{GRAIN, planes};
use crate::gemm::{Shared, for_pieces};
use crate::{View, ViewMut};

/// Weights times a power of 2.
struct Whole {
    taps: Vec<Vec<(usize, i32)>>,
    bits: u32,
}

impl Whole {
    fn new(filter: Filter, m: &Move) -> Whole {
        let axis = Axis::<f64>::new(filter, m);
        let merged: Vec<Vec<(usize, f64)>> = (0..m.out)
            .map(|o| {
                let (index, weight) = axis.taps(o);
                let mut list: Vec<(usize, f64)> = Vec::new();
                for (&i, &w) in index.iter().zip(weight) {
                    match list.last_mut() {
                        Some(last) if last.0 == i => last.1 += w,
                        _ => list.push((i, w)),
                    }
                }
                list
            })
            .collect();
        let most = merged.iter().flatten().fold(0.0f64, |m, t| m.max(t.1));
        // As exact as 16 bits with a sign can hold.
        let bits = (0..22).find(|b| (0.5 + most * f64::from(1 << (b + 1))) as i64 >= 1 << 15).unwrap_or(22);
        let whole = |w: f64| (w * f64::from(1 << bits) + if w < 0.0 { -0.5 } else { 0.5 }) as i32;
        let taps = merged.into_iter().map(|l| l.into_iter().map(|(i, w)| (i, whole(w))).collect()).collect();
        Whole { taps, bits }
    }

    fn sum(&self, taps: &[(usize, i32)], at: impl Fn(usize) -> u8) -> u8 {
        let half = if self.bits == 0 { 0 } else { 1i32 << (self.bits - 1) };
        let sum = taps.iter().fold(half, |sum, &(i, w)| sum.wrapping_add(i32::from(at(i)).wrapping_mul(w)));
        (sum >> self.bits).clamp(0, 255) as u8
    }
}

/// Signals, images or volumes of bytes: the last dimension first.
pub(super) fn resample(out: &mut ViewMut, input: &View, filter: Filter, moves: &[Move]) {
    let (count, size, out_size) = planes(input.sizes(), moves);
    let axes: Vec<Whole> = moves.iter().map(|m| Whole::new(filter, m)).collect();
    let (x, y) = (Shared::read(input.ptr()), Shared::new(out.ptr()));
    for_pieces(0..count, GRAIN.div_ceil(size + out_size), |range| {
        for plane in range {
            // SAFETY: a plane of a contiguous view.
            let mut now = unsafe { std::slice::from_raw_parts(x.at((plane * size) as isize), size) }.to_vec();
            for d in (0..moves.len()).rev() {
                if moves[d].size != moves[d].out {
                    now = along(&now, &axes[d], moves, d);
                }
            }
            // SAFETY: a plane of the output, which only this piece writes.
            unsafe { std::ptr::copy_nonoverlapping(now.as_ptr(), y.at((plane * out_size) as isize), out_size) };
        }
    });
}

/// A plane resampled along one dimension; those behind it have the sizes of the output already.
fn along(x: &[u8], axis: &Whole, moves: &[Move], d: usize) -> Vec<u8> {
    let inner: usize = moves[d + 1..].iter().map(|m| m.out).product();
    let outer: usize = moves[..d].iter().map(|m| m.size).product();
    let mut y = Vec::with_capacity(outer * moves[d].out * inner);
    for block in 0..outer {
        let x = &x[block * moves[d].size * inner..];
        for taps in &axis.taps {
            y.extend((0..inner).map(|j| axis.sum(taps, |i| x[i * inner + j])));
        }
    }
    y
}
