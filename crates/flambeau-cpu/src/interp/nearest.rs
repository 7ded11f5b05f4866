//! Resampling by copies.

use super::GRAIN;
use super::axis::{Filter, Move, nearest as nearest_index};
use crate::gemm::{Shared, for_pieces};
use crate::{View, ViewMut};

/// Every element of the output is a copy of one of the input.
pub(super) fn nearest(out: &mut ViewMut, input: &View, filter: Filter, moves: &[Move]) {
    let index: Vec<Vec<usize>> =
        moves.iter().map(|m| (0..m.out).map(|o| nearest_index(filter, m, o)).collect()).collect();
    pick(out, input, &index);
}

/// Elements of the last dimensions by their places along each of these, which must lie within the input. Both contiguous, of any
/// dtype, with equal dimensions in front.
pub fn pick(out: &mut ViewMut, input: &View, index: &[Vec<usize>]) {
    match input.dtype().size() {
        1 => copy::<u8>(out, input, index),
        2 => copy::<u16>(out, input, index),
        4 => copy::<u32>(out, input, index),
        8 => copy::<u64>(out, input, index),
        _ => copy::<u128>(out, input, index),
    }
}

/// Neighbours that stay neighbours are copied together from so many on.
const RUN: usize = 8;

/// The places of a row as pieces of the row: the first place, the place in the input, the length.
fn runs(row: &[usize]) -> Vec<(usize, usize, usize)> {
    let mut list: Vec<(usize, usize, usize)> = Vec::new();
    for (o, &i) in row.iter().enumerate() {
        match list.last_mut() {
            Some(run) if run.1 + run.2 == i => run.2 += 1,
            _ => list.push((o, i, 1)),
        }
    }
    list
}

fn copy<E: Copy>(out: &mut ViewMut, input: &View, index: &[Vec<usize>]) {
    let n = index.len();
    let (row, rows) = (&index[n - 1], &index[..n - 1]);
    let (lead, sizes) = input.sizes().split_at(input.ndim() - n);
    let count = lead.iter().product::<i64>() as usize;
    let (size, out_size) = (sizes.iter().product::<i64>() as usize, index.iter().map(Vec::len).product::<usize>());
    // Where each row of an output comes from.
    let width = sizes[n - 1] as usize;
    let mut starts = vec![0usize];
    for (d, list) in rows.iter().enumerate() {
        starts = starts.iter().flat_map(|&s| list.iter().map(move |&i| s * sizes[d] as usize + i)).collect();
    }
    let pieces = runs(row);
    let (x, y) = (Shared::read(input.ptr().cast::<E>()), Shared::new(out.ptr().cast::<E>()));
    let twice = row.len() == 2 * width && row.iter().enumerate().all(|(o, &i)| i == o / 2);
    for_pieces(0..count, GRAIN.div_ceil(out_size.max(1)), |range| {
        for plane in range {
            for (r, &start) in starts.iter().enumerate() {
                let from = x.at((plane * size + start * width) as isize);
                let to = y.at((plane * out_size + r * row.len()) as isize);
                // SAFETY: rows of this plane, which only this piece writes; the indices lie in a row.
                unsafe {
                    if r > 0 && starts[r - 1] == start {
                        std::ptr::copy_nonoverlapping(
                            to.wrapping_sub(row.len()).cast::<u8>(),
                            to.cast(),
                            row.len() * size_of::<E>(),
                        );
                    } else if twice {
                        for i in 0..width {
                            let v = from.add(i).read_unaligned();
                            to.add(2 * i).write_unaligned(v);
                            to.add(2 * i + 1).write_unaligned(v);
                        }
                    } else if pieces.len() * RUN <= row.len() {
                        for &(o, i, n) in &pieces {
                            let (from, to) = (from.add(i).cast::<u8>(), to.add(o).cast::<u8>());
                            std::ptr::copy_nonoverlapping(from, to, n * size_of::<E>());
                        }
                    } else {
                        for (o, &i) in row.iter().enumerate() {
                            to.add(o).write_unaligned(from.add(i).read_unaligned());
                        }
                    }
                }
            }
        }
    });
}
